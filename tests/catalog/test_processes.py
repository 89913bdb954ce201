"""Several processes on one catalog: races, kills, forks."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.testing.catalog_contract import grow, make_commit

WORKERS, TURNS = 8, 6

COMMIT_OFTEN = """
import sys
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import NameTaken, RefMoved
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.testing.catalog_contract import make_commit, make_id, make_pack, make_publication, moving

path, worker, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
catalog = SqlCatalog.open(path)
print("ready", flush=True)
sys.stdin.readline()
print(catalog.workspace(WorkspaceName("ada", "machine", "same.ipynb"), branch="main").workspace, flush=True)
turn = 0
while turns < 0 or turn < turns:
    ref = catalog.ref("main")
    tip = catalog.commit(ref.commit) if ref else None
    new = make_commit(*([tip] if tip else []), message=f"{worker}/{turn}")
    pack = make_pack(*(make_id() for _ in range(20)))
    try:
        operation = catalog.publish(
            make_publication(moving("main", tip, new), commits=[new], packs=[pack], detail={"pack": pack.name})
        )
    except (RefMoved, NameTaken):
        continue
    turn += 1
    print(operation.operation, flush=True)
"""


def start(path: Path, worker: int, turns: int, program: str = COMMIT_OFTEN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, str(path), str(worker), str(turns)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def release(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()


def check_consistent(path: Path) -> list[str]:
    """Check that log, refs, history and outbox tell the same story; messages of the history, newest first."""
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    with closing(SqlCatalog.open(path)) as catalog:
        operations = catalog.operations()
        before = None
        for operation in operations:
            (change,) = operation.refs
            assert change.before == before
            before = change.after
        ref = catalog.ref("main")
        assert ref is not None
        assert ref.commit is not None
        assert ref.commit == before
        log = catalog.log([ref.commit])
        assert [record.id for record in reversed(log)] == [operation.refs[0].after for operation in operations]
        assert [record.generation for record in reversed(log)] == list(range(1, len(log) + 1))
        entries = catalog.outbox()
        assert [json.loads(entry.data)["operation"] for entry in entries] == [
            operation.operation for operation in operations
        ]
        return [record.commit.message for record in log]


def test_processes_that_race_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    processes = [start(path, worker, TURNS) for worker in range(WORKERS)]
    for process in processes:
        release(process)
    lines = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * WORKERS
    assert len({workspace for workspace, *_ in lines}) == 1
    messages = check_consistent(path)
    assert sorted(messages) == sorted(f"{worker}/{turn}" for worker in range(WORKERS) for turn in range(TURNS))


def test_a_killed_process_leaves_all_that_it_reported(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    reported: list[str] = []
    for worker, pause in enumerate((0.03, 0.1, 0.2)):
        process = start(path, worker, -1)
        release(process)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        answers = process.communicate(timeout=60)[0].splitlines()
        reported += answers[1:-1]  # the last line may be cut
        check_empty_or_consistent(path)
    with closing(SqlCatalog.open(path)) as catalog:
        assert set(reported) <= {operation.operation for operation in catalog.operations()}
        assert reported
        ref = catalog.ref("main")
        assert ref is not None
        assert ref.commit is not None
        tip = catalog.commit(ref.commit)
        assert tip is not None
        grow(catalog, make_commit(tip))
    check_consistent(path)


def check_empty_or_consistent(path: Path) -> None:
    with closing(SqlCatalog.open(path)) as catalog:
        empty = catalog.ref("main") is None
        assert not empty or catalog.operations() == ()
    if not empty:
        check_consistent(path)


FORK = """
import os, sys
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.testing.catalog_contract import grow, make_commit

catalog = SqlCatalog.create(sys.argv[1], uuid="f00d")
grow(catalog, make_commit())
for turn in range(10):
    with catalog._reading() as connection:  # the fork happens while a connection of the parent is in a transaction
        connection.exec_driver_sql("SELECT * FROM refs").fetchall()
        child = os.fork()
        if child == 0:
            grow(catalog, make_commit(), branch=f"child {turn}")
            if turn % 2:
                catalog.close()
                os._exit(0)
            sys.exit(0)  # with all that the interpreter collects on its way out
    grow(catalog, make_commit(), branch=f"parent {turn}")
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    assert len(catalog.operations()) == 1 + 2 * (turn + 1)
catalog.close()
"""


def test_parent_and_forked_child_both_go_on(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    done = subprocess.run([sys.executable, "-c", FORK, str(path)], timeout=120, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("SELECT count(*) FROM commits").fetchone() == (21,)
        assert raw.execute("SELECT count(*) FROM refs").fetchone() == (21,)


OUTLIVE = """
import os, sys
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.testing.catalog_contract import grow, make_commit

catalog = SqlCatalog.create(sys.argv[1], uuid="f00d")
grow(catalog, make_commit())
readable, writable = os.pipe()
child = os.fork()
if child == 0:
    os.read(readable, 1)
    grow(catalog, make_commit(), branch="child")
    os._exit(0)
catalog.close()  # removes the write-ahead log, for all that SQLite knows of the child
os.write(writable, b"!")
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_may_outlive_its_parents_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    done = subprocess.run([sys.executable, "-c", OUTLIVE, str(path)], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with closing(SqlCatalog.open(path)) as catalog:
        assert [ref.name for ref in catalog.refs()] == ["child", "main"]


RECORD = """
import sys
from dataclasses import replace
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.testing.catalog_contract import make_run, make_state

path, worker, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
catalog = SqlCatalog.open(path)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(turns):
    shared = make_run(run=f"{turn:032x}", workspace="both")
    own = make_run(make_state("flights"), workspace=worker, number=turn)
    for run in (shared, own):
        sequence = catalog.record_run(run)
        assert catalog.record_run(run) == sequence
        if run is own:
            catalog.amend_run(run.run, environment=worker)
    batch = catalog.pending_runs(limit=5)
    if batch is not None:
        catalog.runs_flushed(batch)
    print(sequence, own.run, flush=True)
"""


def test_processes_that_record_runs_at_once_lose_none(tmp_path: Path) -> None:
    """Whoever follows the log meanwhile sees each run once; a run that both record is there once."""
    path = tmp_path / "catalog.sqlite"
    SqlCatalog.create(path, uuid="f00d").close()
    turns = 60
    processes = [start(path, worker, turns, RECORD) for worker in range(3)]
    for process in processes:
        release(process)
    followed = []
    with closing(SqlCatalog.open(path)) as catalog:
        while any(process.poll() is None for process in processes):
            followed += catalog.runs(after=followed[-1].sequence if followed else 0)
            time.sleep(0.005)
        followed += catalog.runs(after=followed[-1].sequence if followed else 0)
        lines = [process.communicate(timeout=60)[0].splitlines() for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0]
        recorded = dict(line.split()[::-1] for worker in lines for line in worker)
        runs = {run.run: run for run in catalog.runs()}
        assert len(runs) == 4 * turns
        assert [run.run for run in followed] == list(runs)
        assert {run: str(runs[run].sequence) for run in recorded} == recorded
        assert all(runs[run].environment == runs[run].workspace for run in recorded)
        while (batch := catalog.pending_runs(limit=50)) is not None:
            catalog.runs_flushed(batch)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
