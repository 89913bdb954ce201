"""What OpenLineage calls things outside the repository: a namespace for where they lie, and a name there.

The rules are those of the specification (``spec/Naming.md``); where it has none, as for SQLite and plain web addresses,
the scheme and host are the namespace and the path is the name. No secret is in a name: users, passwords and what stands
behind a question mark are left out.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from lineageflow_jupyter.model.cells import External


class DatasetName(NamedTuple):
    """Namespace and name of a dataset."""

    namespace: str
    name: str


_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "sqlserver"}
_PORTS = {"postgres": 5432, "mysql": 3306, "sqlserver": 1433, "oracle": 1521, "redshift": 5439, "cockroachdb": 26257}
_SCHEMAS = {"postgres": "public", "redshift": "public", "cockroachdb": "public", "sqlserver": "dbo"}
"""The schema that a table without one lies in."""

_PART = r"(?:\w+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\])"
_TABLE = re.compile(rf"{_PART}(?:\.{_PART}){{0,3}}")
_FROM = re.compile(rf"\b(?:from|join|into|update)\s+({_TABLE.pattern})(?!\s*\()", re.IGNORECASE)
_WITHIN = re.compile(r"(\w+)\s*(?:\([^)]*\))?\s+as\s+(?:(?:not\s+)?materialized\s+)?\(", re.IGNORECASE)
"""Names that a statement gives to parts of its own."""


def external_names(external: External) -> tuple[DatasetName, ...]:
    """Names of a file, an address, or the tables of a statement.

    Parameters
    ----------
    external : External
        As it was recorded.

    Returns
    -------
    tuple of DatasetName
        Empty where there is nothing that others could know under that name, such as the clipboard.

    Examples
    --------
    >>> external_names(External("in", "csv", "/data/flights.csv"))
    (DatasetName(namespace='file', name='/data/flights.csv'),)
    >>> external_names(External("in", "parquet", "gs://bucket/flights/2013.parquet"))
    (DatasetName(namespace='gs://bucket', name='flights/2013.parquet'),)
    >>> external_names(External("in", "sql", "postgresql://***@db/air SELECT * FROM flights"))
    (DatasetName(namespace='postgres://db:5432', name='air.public.flights'),)
    """
    if external.kind == "clipboard":
        return ()
    if external.kind == "sql":
        return _sql_names(external.location)
    url = _url(external.location)
    if url is None:
        return (DatasetName("file", external.location),) if external.location else ()
    if url.scheme == "file":
        return (DatasetName(f"file://{url.netloc}" if url.netloc else "file", url.path),)
    host = _without_user(url) if url.scheme in ("http", "https", "ftp") else url.netloc
    name = url.path.lstrip("/") or "/"
    return (DatasetName(f"{_STORES.get(url.scheme, url.scheme)}://{host}", name),)


_STORES = {"gcs": "gs", "s3a": "s3", "s3n": "s3", "abfs": "abfss"}


def _url(text: str) -> SplitResult | None:
    if "://" not in text:
        return None
    try:
        return urlsplit(text)
    except ValueError:  # brackets that are no address
        return None


def _without_user(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2]


def _sql_names(location: str) -> tuple[DatasetName, ...]:
    where, _, statement = location.partition(" ")
    url = _url(where)
    if url is None:  # a connection of a driver: nothing is known but its name
        tables = _tables(statement) if statement else _tables(where)
        return tuple(DatasetName(where if statement else "sql", table) for table in tables)
    kind = url.scheme.partition("+")[0].lower()
    dialect = _DIALECTS.get(kind, kind)
    database = url.path.removeprefix("/") if dialect == "sqlite" else url.path.strip("/").replace("/", ".")
    if dialect in ("sqlite", "duckdb"):
        file = database or ":memory:"
        return tuple(DatasetName(dialect, f"{file}/{table}") for table in _tables(statement))
    return tuple(
        DatasetName(_server(dialect, url), _qualified(dialect, database, table)) for table in _tables(statement)
    )


def _server(dialect: str, url: SplitResult) -> str:
    try:
        port = url.port or _PORTS.get(dialect)
    except ValueError:
        port = None
    host = url.hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"{dialect}://{host}" + (f":{port}" if port else "")


def _qualified(dialect: str, database: str, table: str) -> str:
    parts = table.split(".")
    schema = _SCHEMAS.get(dialect)
    if schema is not None and len(parts) == 1:
        parts = [schema, *parts]
    wanted = 3 if schema is not None else 2
    return ".".join([database, *parts] if database and len(parts) < wanted else parts)


def _tables(statement: str) -> list[str]:
    """Tables that a statement names, or the one that it is; those that it only makes for itself are left out."""
    if _TABLE.fullmatch(statement):
        return [_plain(statement)]
    text = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", statement, flags=re.DOTALL)
    own = {name.lower() for name in _WITHIN.findall(text)}
    found = (_plain(name) for name in _FROM.findall(text))
    return list(dict.fromkeys(name for name in found if name.lower() not in own))


def _plain(name: str) -> str:
    return ".".join(part.strip('"`[]') for part in re.findall(_PART, name))
