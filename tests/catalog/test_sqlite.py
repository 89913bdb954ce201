"""What SQLite and the file system do to a catalog: locks, damage, full disks, permissions, odd paths."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lineageflow_jupyter.catalog.engine import enter_wal, writable_engine
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import (
    CatalogBusy,
    CorruptData,
    StorageDenied,
    StorageError,
    StorageFull,
    UnsafeLocation,
)
from lineageflow_jupyter.model.records import LogFilter
from lineageflow_jupyter.testing.catalog_contract import (
    NOTEBOOK,
    grow,
    make_commit,
    make_id,
    make_pack,
    make_publication,
    moving,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_catalog_can_be_read_but_not_written(path: Path) -> None:
    SqlCatalog.create(path, uuid="f00d").close()
    with closing(SqlCatalog.open(path, busy_timeout=0.2)) as catalog:
        commit = make_commit()
        with locked(path):
            start = time.monotonic()
            with pytest.raises(CatalogBusy) as raised:
                grow(catalog, commit)
            assert time.monotonic() - start >= 0.2
            assert raised.value.code == "catalog-busy"
            assert str(path) in raised.value.problem
            assert "Try again" in raised.value.remedy
            assert catalog.refs() == ()
        grow(catalog, commit)
        assert catalog.log([commit.id]) == (commit,)


def test_opening_does_not_wait_for_a_writer(path: Path) -> None:
    SqlCatalog.create(path, uuid="f00d").close()
    with locked(path), closing(SqlCatalog.open(path, busy_timeout=0)) as catalog:
        assert catalog.uuid == "f00d"


def test_each_connection_is_durable_and_checks_foreign_keys(path: Path) -> None:
    engine = writable_engine(path, create=True, busy_timeout=3)
    with engine.begin() as one, engine.begin() as two:
        for connection in (one, two):
            values = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
            assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 3000}
    engine.dispose()


def test_a_place_without_a_write_ahead_log_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(UnsafeLocation, match="'memory'") as raised:
        enter_wal(connection, path)
    assert "local disk" in raised.value.remedy


@pytest.mark.parametrize(
    "content", [b"This is a text file, longer than a header of SQLite." * 100, b"SQLite format 3\0"]
)
def test_what_is_no_database_is_reported_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for attempt in (
        lambda: SqlCatalog.open(path),
        lambda: SqlCatalog.open(path, read_only=True),
        lambda: SqlCatalog.create(path, uuid="f00d"),
    ):
        with pytest.raises(CorruptData) as raised:
            attempt()
        assert raised.value.remedy
    assert path.read_bytes() == content


def test_damaged_pages_are_reported(path: Path) -> None:
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        ids = [make_id() for _ in range(5000)]
        catalog.publish(make_publication(packs=[make_pack(*ids)]))
    data = bytearray(path.read_bytes())
    data[64 * 4096 : -4096] = os.urandom(len(data) - 65 * 4096)
    path.write_bytes(data)
    with closing(SqlCatalog.open(path)) as catalog, pytest.raises(CorruptData):
        catalog.known(ids)


def test_a_full_disk_is_reported_and_nothing_is_recorded(path: Path) -> None:
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        grow(catalog, make_commit())
        with closing(sqlite3.connect(path)) as raw:
            pages = raw.execute("PRAGMA page_count").fetchone()[0]
        connection = catalog._engine.raw_connection()  # SQLite's own limit gives the very error of a full disk
        connection.driver_connection.execute(f"PRAGMA max_page_count={pages}")
        connection.close()
        before = catalog.operations()
        with pytest.raises(StorageFull) as raised:
            catalog.publish(make_publication(packs=[make_pack(*(make_id() for _ in range(5000)))]))
        assert raised.value.remedy
        assert catalog.operations() == before


def test_a_disk_that_refuses_is_reported(path: Path) -> None:
    """A real limit of the operating system on the size of files."""
    SqlCatalog.create(path, uuid="f00d").close()
    program = (
        "import resource, signal, sys\n"
        "from lineageflow_jupyter.catalog.sql import SqlCatalog\n"
        "from lineageflow_jupyter.errors import StorageError\n"
        "from lineageflow_jupyter.testing.catalog_contract import make_id, make_pack, make_publication\n"
        "catalog = SqlCatalog.open(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try: catalog.publish(make_publication(packs=[make_pack(*(make_id() for _ in range(20_000)))]))\n"
        "except StorageError as error: print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, timeout=60, capture_output=True, text=True
    )
    assert done.stdout.strip() in {StorageFull.code, StorageError.code}
    with closing(SqlCatalog.open(path)) as catalog:
        assert catalog.operations() == ()


@pytest.mark.parametrize("name", ["with space", "100%", "a?b#c&d=e", "ünï 🦀", "quo'te\"", os.fsdecode(b"byte\xff")])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with closing(SqlCatalog.create(folder / "catalog.sqlite", uuid="f00d")) as catalog:
        commit = make_commit()
        grow(catalog, commit)
    with closing(SqlCatalog.open(folder / "catalog.sqlite", read_only=True)) as catalog:
        assert catalog.log([commit.id]) == (commit,)
    assert {entry.name for entry in folder.iterdir()} >= {"catalog.sqlite"}


def test_a_relative_path_survives_a_change_of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(SqlCatalog.create("catalog.sqlite", uuid="f00d")) as catalog:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        catalog._engine.dispose()  # the next question needs a new connection
        assert catalog.refs() == ()
        assert catalog.state() == catalog.state()


# --- reading without permission to write


def test_reading_only_sees_what_a_writer_commits(path: Path) -> None:
    with (
        closing(SqlCatalog.create(path, uuid="f00d")) as writer,
        closing(SqlCatalog.open(path, read_only=True)) as reader,
    ):
        commit = make_commit()
        grow(writer, commit)
        assert reader.read_only
        assert not writer.read_only
        assert reader.log([commit.id]) == (commit,)
        with pytest.raises(StorageDenied):
            grow(reader, commit, branch="other")
        with pytest.raises(StorageDenied):
            reader.flushed([1])
        stranger = reader.workspace(NOTEBOOK, branch="main")
        assert stranger.branch == "main"
        with pytest.raises(StorageDenied):
            reader.set_head(stranger)
        head = writer.workspace(NOTEBOOK, branch="main")
        assert reader.workspace(NOTEBOOK, branch="main") == head


def test_reading_only_notices_what_a_writer_commits(path: Path) -> None:
    with (
        closing(SqlCatalog.create(path, uuid="f00d")) as writer,
        closing(SqlCatalog.open(path, read_only=True)) as reader,
    ):
        before = reader.state()
        assert reader.refs() == ()
        assert reader.state() == before
        grow(writer, make_commit())
        assert reader.state() != before


def test_a_catalog_that_was_replaced_is_another_state(path: Path, tmp_path: Path) -> None:
    SqlCatalog.create(path, uuid="f00d").close()
    shutil.copy(path, tmp_path / "backup.sqlite")
    with closing(SqlCatalog.open(path, read_only=True)) as catalog:
        before = catalog.state()
        (tmp_path / "backup.sqlite").replace(path)  # as whoever restores a backup does
        assert catalog.state() != before
        (tmp_path / "other.sqlite").write_bytes(b"no database" * 1000)
        (tmp_path / "other.sqlite").replace(path)
        with pytest.raises(CorruptData):
            catalog.state()
        path.unlink()
        with pytest.raises(StorageError, match="cannot be used"):
            catalog.state()


def test_a_forked_child_follows_on_its_own(path: Path) -> None:
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        before = catalog.state()
        child = os.fork()
        if not child:
            same = catalog.state() == catalog.state() != before
            grow(catalog, make_commit())
            os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert catalog.state() != before


def test_reading_only_answers_everything_that_reads(path: Path) -> None:
    with closing(SqlCatalog.create(path, uuid="f00d")) as writer:
        commit = make_commit()
        grow(writer, commit)
        head = writer.workspace(NOTEBOOK, branch="main", process="writer", time=1)
        writer.publish(make_publication(moving("side", None, commit), head=head))
        with closing(SqlCatalog.open(path, read_only=True)) as reader:
            assert reader.log([commit.id], wanted=LogFilter(author="ada", text="a commit")) == (commit,)
            assert reader.divergence(commit.id, [commit.id]) == {commit.id: (0, 0)}
            assert reader.reflog("side") == writer.reflog("side") != ()
            assert reader.last_operations(head.workspace) == writer.last_operations(head.workspace) != ()
            assert reader.workspace(NOTEBOOK, branch="main", process="reader", time=2) == head
            assert reader.workspaces() == writer.workspaces()
            assert [record.process for record in reader.workspaces()] == ["writer"]
            with pytest.raises(StorageDenied):
                reader.adopt(head.workspace, head.workspace)


def test_who_opened_a_workspace_is_forgotten_where_nothing_can_be_written(path: Path) -> None:
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        head = catalog.workspace(NOTEBOOK, branch="main")
        with locked(path):
            assert catalog.workspace(NOTEBOOK, branch="main", process="impatient", time=1) == head
        with closing(sqlite3.connect(path)) as raw:
            pages = raw.execute("PRAGMA page_count").fetchone()[0]
        connection = catalog._engine.raw_connection()
        connection.driver_connection.execute(f"PRAGMA max_page_count={pages}")
        connection.close()
        assert catalog.workspace(NOTEBOOK, branch="main", process="x" * 100_000, time=2) == head
        assert [(record.process, record.opened) for record in catalog.workspaces()] == [("", None)]
        assert catalog.workspace(NOTEBOOK, branch="main", process="fits", time=3) == head
        assert [(record.process, record.opened) for record in catalog.workspaces()] == [("fits", 3)]
        connection = catalog._engine.raw_connection()  # the very connection, as patient as before
        assert connection.driver_connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
        connection.close()


def test_questions_are_answered_by_an_index(path: Path) -> None:
    SqlCatalog.create(path, uuid="f00d").close()
    with closing(sqlite3.connect(path)) as raw:

        def plan(sql: str) -> str:
            return " ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}"))

        moves = plan("SELECT * FROM reflog WHERE name = 'a' AND workspace = '' ORDER BY sequence DESC LIMIT 9")
        mine = plan("SELECT * FROM operations WHERE workspace = 'a' AND sequence < 9 ORDER BY sequence DESC LIMIT 9")
        places = plan("SELECT id, generation, time FROM commits WHERE generation BETWEEN 1 AND 9")
    assert moves == "SEARCH reflog USING PRIMARY KEY (name=? AND workspace=?)"
    assert mine == "SEARCH operations USING INDEX ix_operations_workspace_sequence (workspace=? AND sequence<?)"
    assert "USING COVERING INDEX ix_commits_generation_time" in places


READ = """
import os, sys
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.testing.catalog_contract import NOTEBOOK
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print("ready", flush=True)
for line in sys.stdin:
    try:
        if line.strip() == "write":
            SqlCatalog.open(sys.argv[1]).close()
            print("opened", flush=True)
        else:
            catalog = SqlCatalog.open(sys.argv[1], read_only=True)
            print(len(catalog.refs()), catalog.workspace(NOTEBOOK, branch="main").branch, flush=True)
            catalog.close()
    except LineageFlowError as error:
        print(error.code, flush=True)
"""


@pytest.fixture
def folder_of_another_user() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders let nobody else in
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def reader_without_permission(path: Path) -> Iterator[object]:
    """Another process, of a user that may not write; a function that sends it a line and gives its answer."""
    path.chmod(0o444)
    path.parent.chmod(0o555)
    process = subprocess.Popen(
        [sys.executable, "-c", READ, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(line: str) -> str:
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    try:
        assert process.stdout.readline() == "ready\n"
        yield ask
    finally:
        process.communicate(timeout=30)


def test_a_folder_that_cannot_be_written_can_be_read(folder_of_another_user: Path) -> None:
    path = folder_of_another_user / "catalog.sqlite"
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        grow(catalog, make_commit())
        catalog.workspace(NOTEBOOK, branch="remembered")
    with reader_without_permission(path) as ask:
        assert ask("write") == StorageDenied.code
        assert ask("read") == "1 remembered"
    assert [entry.name for entry in path.parent.iterdir()] == ["catalog.sqlite"]


def test_commits_in_a_log_that_cannot_be_read_are_not_passed_over(folder_of_another_user: Path) -> None:
    path = folder_of_another_user / "catalog.sqlite"
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        grow(catalog, make_commit())
        log = path.with_name("catalog.sqlite-wal").read_bytes()
    path.with_name("catalog.sqlite-wal").write_bytes(log)  # as a copy of a catalog in use leaves it
    with reader_without_permission(path) as ask:
        assert ask("read") == StorageDenied.code


def refs_while_written(reader: SqlCatalog, path: Path) -> None:
    with reader._reading() as connection:
        connection.exec_driver_sql("SELECT * FROM refs").fetchall()
        path.touch()


def test_an_immutable_catalog_that_changes_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqlCatalog.create(path, uuid="f00d")) as writer:
        grow(writer, make_commit())
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda place, mode: Path(place) != path.parent)  # for root, who may do anything
        with closing(SqlCatalog.open(path, read_only=True)) as reader:
            assert len(reader.refs()) == 1
            with pytest.raises(CatalogBusy):
                refs_while_written(reader, path)
            assert len(reader.refs()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user who can write where the first cannot")
def test_a_reader_without_permission_sees_what_the_owner_commits(folder_of_another_user: Path) -> None:
    path = folder_of_another_user / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    with reader_without_permission(path) as ask:
        assert ask("read") == "0 main"
        with closing(SqlCatalog.open(path)) as owner:
            grow(owner, make_commit())
            assert ask("read") == "1 main"  # from the owner's write-ahead log
            grow(owner, make_commit(), branch="other")
            assert ask("read") == "2 main"
        assert ask("read") == "2 main"
