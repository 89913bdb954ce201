"""Creating a catalog, bringing it up to date, and refusing what a later version wrote."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lineageflow_jupyter.catalog.engine import writable_engine
from lineageflow_jupyter.catalog.schema import HEAD_REVISION, REVISIONS, VERSION_TABLE, metadata
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.catalog.upgrade import bring_up_to_date
from lineageflow_jupyter.errors import CorruptData, NameTaken, NewerFormat, NotARepository, StorageDenied
from lineageflow_jupyter.model.objects import Author, encode_commit
from lineageflow_jupyter.model.records import CommitRecord, LogFilter, Ref
from lineageflow_jupyter.testing.catalog_contract import NOTEBOOK, grow, make_commit, make_run, make_state

UPGRADE = """
import sys, threading
from pathlib import Path
from lineageflow_jupyter.catalog.engine import writable_engine
from lineageflow_jupyter.catalog.upgrade import bring_up_to_date
engine = writable_engine(Path(sys.argv[1]), create=True, busy_timeout=30)
print("ready", flush=True)
sys.stdin.readline()
bring_up_to_date(engine)
"""

CREATE = """
import sys
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import NameTaken
print("ready", flush=True)
sys.stdin.readline()
try:
    print(SqlCatalog.create(sys.argv[1], uuid=sys.argv[2]).uuid)
except NameTaken:
    print("taken")
"""


def start_together(program: str, *arguments: list[str]) -> list[str]:
    """Run `program` once for each list of arguments, all past their imports at once; what each prints."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for words in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return answers


def table_definitions(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns, keys and constraints of all tables, however their SQL is spelled."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [
                *connection.execute(f'PRAGMA table_xinfo("{name}")'),
                *sorted(row[2:] for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')),
                *sorted(row[1:] for row in connection.execute(f'PRAGMA index_list("{name}")')),
                *((row[2], row[4], row[5]) for row in connection.execute("PRAGMA table_list") if row[1] == name),
            ]
            for name in names
        }


def words(path: Path) -> dict[str, list[str]]:
    """The words of each table's SQL, in any order: Alembic and SQLAlchemy list constraints differently."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: sorted(sql.replace(",", " ").replace("(", " ").replace(")", " ").split()) for name, sql in rows}


def test_migrations_lead_to_the_tables_that_are_declared(tmp_path: Path) -> None:
    created, migrated = tmp_path / "created.sqlite", tmp_path / "migrated.sqlite"
    SqlCatalog.create(created, uuid="f00d").close()
    engine = writable_engine(migrated, create=True, busy_timeout=1)
    bring_up_to_date(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD_REVISION
    engine.dispose()
    assert table_definitions(migrated) == table_definitions(created)
    assert words(migrated) == words(created)


def first_release(path: Path) -> dict[str, CommitRecord]:
    """A catalog as the first release left it: its tables, and rows that it wrote."""
    engine = writable_engine(path, create=True, busy_timeout=1)
    with engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", "lineageflow_jupyter.catalog:migrations")
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0001")
    engine.dispose()
    first = make_commit(time=1, message="Straße\0", author=Author("ÜNAL", "Ü@Example.org"))
    commits = {"first": first, "second": make_commit(first, time=2), "damaged": make_commit(time=3)}
    ids = {name: record.id.hex() for name, record in commits.items()}
    rows = [
        ("commit", "w1", 10, [("main", "branch", None, ids["first"])]),
        ("commit", "w1", 30, [("main", "branch", ids["first"], ids["second"])]),
        ("branch", "w1", 20, [("side", "branch", None, ids["first"])]),
        ("stash", "w1", 40, [("stash/1", "hidden", None, ids["first"])]),
        ("commit", "forgotten", 50, [("side", "branch", ids["first"], ids["second"])]),
        ("commit", "w2", 60, []),
        (
            "delete",
            "w2",
            70,
            [("side", "branch", ids["second"], None), ("main", "branch", ids["second"], ids["second"])],
        ),
    ]
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executemany("INSERT INTO meta VALUES (?, ?)", [("uuid", "f00d"), ("format", "1")])
        for name, record in commits.items():
            data = b"damaged" if name == "damaged" else encode_commit(record.commit)[1]
            raw.execute(
                "INSERT INTO commits VALUES (?, ?, ?, ?)", (record.id, record.generation, record.commit.time, data)
            )
            raw.executemany(
                "INSERT INTO commit_datasets VALUES (?, ?)", [(record.id, name) for name in record.datasets]
            )
            for parent in record.commit.parents:
                raw.execute("INSERT INTO commit_parents VALUES (?, 0, ?)", (record.id, parent))
        raw.execute("INSERT INTO refs VALUES ('main', 'branch', ?)", (commits["second"].id,))
        names = [("w1", '["ada", "machine", "n.ipynb"]'), ("w2", '["bob", "machine", "n.ipynb"]')]
        raw.executemany("INSERT INTO workspaces VALUES (?, ?, 'main')", names)
        for number, (verb, workspace, time, changes) in enumerate(rows):
            refs = [dict(zip(("name", "kind", "before", "after"), change, strict=True)) for change in changes]
            raw.execute(
                "INSERT INTO operations (operation, verb, workspace, time, refs, detail) VALUES (?, ?, ?, ?, ?, '{}')",
                (f"operation {number}", verb, workspace, time, json.dumps(refs)),
            )
    return commits


def test_a_catalog_of_the_first_release_is_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    commits = first_release(path)
    first, second = commits["first"], commits["second"]
    with pytest.raises(StorageDenied, match="0001"):
        SqlCatalog.open(path, read_only=True)
    with closing(SqlCatalog.open(path)) as catalog:

        def moves(name: str, workspace: str = "") -> list[tuple[object, ...]]:
            return [
                (move.operation.operation[-1], move.before, move.after, move.branch)
                for move in catalog.reflog(name, workspace=workspace)
            ]

        assert moves("main") == [("1", first.id, second.id, ""), ("0", None, first.id, "")]
        assert moves("side") == [("6", second.id, None, ""), ("4", first.id, second.id, ""), ("2", None, first.id, "")]
        assert moves("stash/1") == [("3", None, first.id, "")]
        assert moves("HEAD", "w1") == [("1", first.id, second.id, "main"), ("0", None, first.id, "main")]
        assert moves("HEAD", "forgotten") == moves("HEAD", "w2") == []
        assert [move.operation.time for move in catalog.reflog("main", until=29)] == [10]
        assert catalog.log([second.id], wanted=LogFilter(text="STRASSE\0")) == (first,)
        assert catalog.log([second.id], wanted=LogFilter(author="ünal")) == (first,)
        assert catalog.log([second.id], wanted=LogFilter(author="ü@example")) == (first,)
        assert catalog.log([second.id], wanted=LogFilter(author="ada")) == (second,)
        with pytest.raises(CorruptData):
            catalog.commit(commits["damaged"].id)
        assert catalog.refs() == (Ref("main", "branch", second.id),)
        assert {(record.id, record.process, record.opened) for record in catalog.workspaces()} == {
            ("w1", "", None),
            ("w2", "", None),
        }
        assert all(operation.head is None and operation.renamed is None for operation in catalog.operations())
        third = make_commit(second, time=4)
        grow(catalog, third)
        assert moves("main")[0][1:] == (second.id, third.id, "")
        assert (catalog.runs(), catalog.pending_runs(limit=1)) == ((), None)
        run = make_run(make_state("flights", first.id))
        assert catalog.runs(after=catalog.record_run(run) - 1) == (replace(run, sequence=1),)


def test_a_catalog_without_cell_runs_keeps_all_that_it_holds(tmp_path: Path) -> None:
    """The release before had everything but them: its rows stay as they are, to the last byte."""
    path = tmp_path / "catalog.sqlite"
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        commit = make_commit()
        grow(catalog, commit)
        catalog.workspace(NOTEBOOK, branch="main", process="p", time=5)
    added = ("cell_outbox", "cell_tables", "cell_runs", "environments")
    with closing(sqlite3.connect(path)) as raw, raw:
        for name in added:
            raw.execute(f"DROP TABLE {name}")
        raw.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0002'")
    before = content(path)
    with closing(SqlCatalog.open(path)) as catalog:
        assert [ref.commit for ref in catalog.refs()] == [commit.id]
        catalog.record_run(make_run())
    after = content(path)
    assert {name: rows for name, rows in after.items() if name not in added} == before | {VERSION_TABLE: [("0003",)]}
    assert len(after["cell_runs"]) == 1


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Rows of all tables."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for name in names
            if name != "sqlite_sequence"
        }


OPEN = """
import sys
from lineageflow_jupyter.catalog.sql import SqlCatalog
print("ready", flush=True)
sys.stdin.readline()
print(len(SqlCatalog.open(sys.argv[1]).reflog("main")))
"""


def test_several_processes_may_open_an_older_catalog_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    first_release(path)
    assert start_together(OPEN, *([str(path)] for _ in range(4))) == ["2"] * 4


def test_the_revisions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", "lineageflow_jupyter.catalog:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD_REVISION]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE refs (something TEXT)")
    engine = writable_engine(path, create=False, busy_timeout=1)
    with pytest.raises(sa.exc.OperationalError, match="refs"):
        bring_up_to_date(engine)
    engine.dispose()
    assert list(table_definitions(path)) == ["refs"]


def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    writable_engine(path, create=True, busy_timeout=1).connect().close()
    start_together(UPGRADE, *([str(path)] for _ in range(4)))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() == [(HEAD_REVISION,)]
        assert len(metadata.tables) == len(table_definitions(path)) - 2  # the version and SQLite's own sequences


def test_several_processes_may_create_the_same_catalog_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    assert start_together(CREATE, *([str(path), "f00d"] for _ in range(4))) == ["f00d"] * 4
    # SQLite's log stays where the last two processes end at the same moment: each takes the other for the last one.
    left = {entry.name.removesuffix("-wal").removesuffix("-shm") for entry in tmp_path.iterdir()}
    assert left == {"catalog.sqlite"}


def test_of_several_identities_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    answers = start_together(CREATE, *([str(path), f"uuid-{number}"] for number in range(4)))
    (winner,) = {answer for answer in answers if answer != "taken"}
    assert answers.count("taken") == 3
    with closing(SqlCatalog.open(path)) as catalog:
        assert catalog.uuid == winner


def test_creating_over_another_catalog_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    with pytest.raises(NameTaken):
        SqlCatalog.create(path, uuid="another")
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        assert catalog.uuid == "f00d"


def test_an_up_to_date_catalog_opens_without_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from lineageflow_jupyter.catalog.sql import SqlCatalog; "
        "SqlCatalog.create(sys.argv[1], uuid='f00d').close(); SqlCatalog.open(sys.argv[1]).close(); "
        "assert 'sqlalchemy' in sys.modules; assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "catalog.sqlite")], check=True, timeout=60)


def test_the_port_needs_no_database_library() -> None:
    program = "import sys, lineageflow_jupyter.catalog.base; assert 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    "change",
    ["UPDATE meta SET value = '2' WHERE name = 'format'", f"UPDATE {VERSION_TABLE} SET version_num = '9999'"],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_what_a_later_version_wrote_is_left_alone(tmp_path: Path, change: str, read_only: bool) -> None:
    path = tmp_path / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with pytest.raises(NewerFormat, match=r"pip install -U lineageflow-jupyter"):
        SqlCatalog.open(path, read_only=read_only)


@pytest.mark.parametrize("change", ["DELETE FROM meta", "UPDATE meta SET value = 'x' WHERE name = 'format'"])
def test_a_catalog_without_identity_is_damaged(tmp_path: Path, change: str) -> None:
    path = tmp_path / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with pytest.raises(CorruptData):
        SqlCatalog.open(path)


def test_what_is_no_catalog_is_not_opened_and_not_touched(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        SqlCatalog.open(tmp_path / "absent.sqlite")
    with pytest.raises(NotARepository):
        SqlCatalog.open(tmp_path)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    for attempt in (SqlCatalog.open, lambda path: SqlCatalog.create(path, uuid="f00d")):
        with pytest.raises(NotARepository):
            attempt(other)
    assert list(table_definitions(other)) == ["mine"]
    assert not (tmp_path / "absent.sqlite").exists()
