"""Creates the tables of a catalog and brings those of older versions up to date.

A new catalog is created from `schema` directly; Alembic, slow to import, is needed for older ones only. A test holds
the two ways to the same result.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from lineageflow_jupyter.catalog.engine import migrating
from lineageflow_jupyter.catalog.schema import FORMAT, HEAD_REVISION, REVISIONS, VERSION_TABLE, meta, metadata
from lineageflow_jupyter.errors import CorruptData, NewerFormat

_version = sa.table(VERSION_TABLE, sa.column("version_num", sa.String(32)))
_UPDATE = "Update LineageFlow (pip install -U lineageflow-jupyter)"


def create_tables(connection: Connection, *, uuid: str) -> None:
    """Create the tables of a new catalog with the identity `uuid` in an empty database."""
    metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(
        f"CREATE TABLE {VERSION_TABLE} "
        f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
    )
    connection.execute(sa.insert(_version).values(version_num=HEAD_REVISION))
    connection.execute(sa.insert(meta), [{"name": "uuid", "value": uuid}, {"name": "format", "value": str(FORMAT)}])


def revision(connection: Connection) -> str | None:
    """Alembic revision of the tables, or None where there are none.

    Raises
    ------
    NewerFormat
        If this version of LineageFlow does not know the revision.
    """
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(sa.select(_version.c.version_num)).scalar()
    if found is not None and found not in REVISIONS:
        raise NewerFormat(
            f"the catalog has the revision {found!r}, this LineageFlow knows up to {HEAD_REVISION!r}", remedy=_UPDATE
        )
    return found


def identity(connection: Connection) -> str:
    """Identity of a catalog that is up to date, its `FORMAT` checked.

    Raises
    ------
    NewerFormat
        If a later version of LineageFlow gave its rows a new meaning.
    CorruptData
        If the catalog does not say.
    """
    values: dict[str, str] = {row.name: row.value for row in connection.execute(sa.select(meta))}
    try:
        written, uuid = int(values["format"]), values["uuid"]
    except (KeyError, ValueError) as error:
        raise CorruptData(
            "the catalog does not say which format and identity it has", remedy="Restore it from a backup"
        ) from error
    if written > FORMAT:
        raise NewerFormat(f"the catalog has format {written}, this LineageFlow reads up to {FORMAT}", remedy=_UPDATE)
    return uuid


def bring_up_to_date(engine: Engine) -> None:
    """Run the migrations that are missing, all of them in one transaction; several processes may try at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "lineageflow_jupyter.catalog:migrations")
    with migrating(engine) as connection:
        if revision(connection) == HEAD_REVISION:  # another process was faster
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
