"""Cell runs through the façade: recorded, found again after a restart, written to the journal, without secrets."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter import wire
from lineageflow_jupyter.errors import AmbiguousName, StorageDenied, StorageFull, UnknownName
from lineageflow_jupyter.lineage.redaction import without_secrets
from lineageflow_jupyter.model.cells import CellRun, Environment, External, FrameWrite, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.recording import JOURNAL_EVERY
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.catalog_contract import make_run, make_state
from lineageflow_jupyter.testing.stores import FailingStore

TABLE = ObjectId(b"t" * 32)


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as repo:
        yield repo


def journaled(folder: Path) -> list[list[dict[str, Any]]]:
    """Runs in the journal objects of a repository, an object after the other."""
    files = sorted((folder / ".lineageflow/objects/journal").glob("cells/*.json"), key=os.path.getmtime)
    return [json.loads(file.read_bytes())["runs"] for file in files]


def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    environment = Environment("3.12.1", {"pandas": "3.0"})
    with lf.init(tmp_path) as repo:
        first = make_run(
            writes=[(None, make_state("flights", TABLE))], environment=repo.record_environment(environment)
        )
        second = make_run(make_state("flights", TABLE), notebook="other.ipynb", number=2)
        places = [repo.record_run(run) for run in (first, second)]
    with lf.open(tmp_path) as repo:
        one, two = (replace(run, sequence=place) for run, place in zip((first, second), places, strict=True))
        assert repo.cell_runs() == (two, one)
        assert repo.cell_runs("flights", written=True) == repo.cell_runs(notebook="n.ipynb") == (one,)
        assert repo.cell_runs(number=2) == repo.cell_runs(limit=1) == repo.cell_runs_after(places[0]) == (two,)
        assert repo.cell_runs(before=places[1], workspace="w1", cell="c1") == (one,)
        assert repo.cell_runs_after(0, notebook="other.ipynb") == (two,)
        assert [use.use for use in repo.cell_runs_of_tables([TABLE])[TABLE]] == ["after", "read"]
        assert repo.environment(one.environment) == environment
        with pytest.raises(UnknownName):
            repo.environment("absent")


def test_a_run_is_found_by_the_beginning_of_its_id(repo: Repository) -> None:
    one, other = make_run(run="ab12" + "0" * 28), make_run(run="ab34" + "0" * 28)
    for run in (one, other):
        repo.record_run(run)
    assert repo.cell_run("ab1").run == repo.cell_run("AB12").run == repo.cell_run(one.run).run == one.run
    with pytest.raises(AmbiguousName, match="ab1200000000, ab3400000000"):
        repo.cell_run("ab")
    for absent in ("ac", "", "%", "c\0"):
        with pytest.raises(UnknownName, match="no cell run"):
            repo.cell_run(absent)


def test_a_snapshot_that_comes_later_is_added(repo: Repository) -> None:
    run = make_run(writes=[(None, make_state("flights"))])
    place = repo.record_run(run)
    writes = (FrameWrite(None, replace(make_state("flights", TABLE), kept=True)),)
    assert repo.amend_run(run.run, writes=writes) == replace(run, writes=writes, sequence=place)
    assert repo.cell_runs()[0].writes == writes
    with pytest.raises(UnknownName):
        repo.amend_run("absent", writes=writes)


def test_a_commit_takes_the_runs_before_it_to_the_journal(repo: Repository, tmp_path: Path) -> None:
    """All in one object; what moves no branch writes none."""
    runs = [make_run() for _ in range(5)]
    for run in runs:
        repo.record_run(run)
    repo.commit({"t": pd.DataFrame({"x": [1]})}, message="one")
    assert [[each["run"]["run"] for each in batch] for batch in journaled(tmp_path)] == [[run.run for run in runs]]
    repo.amend_run(runs[2].run, environment="later")
    repo.tag("v1")
    assert len(journaled(tmp_path)) == 1
    repo.commit({"t": pd.DataFrame({"x": [2]})}, message="two")
    repo.commit({"t": pd.DataFrame({"x": [3]})}, message="three")
    (again,) = journaled(tmp_path)[1:]
    assert [(each["version"], each["run"]["environment"]) for each in again] == [(2, "later")]


def test_many_runs_go_to_the_journal_without_a_commit(repo: Repository, tmp_path: Path) -> None:
    for _ in range(JOURNAL_EVERY + 1):
        repo.record_run(make_run())
    assert [len(batch) for batch in journaled(tmp_path)] == [JOURNAL_EVERY]
    repo.close()
    assert [len(batch) for batch in journaled(tmp_path)] == [JOURNAL_EVERY, 1]
    assert [each["sequence"] for batch in journaled(tmp_path) for each in batch] == list(range(1, JOURNAL_EVERY + 2))


def test_what_a_killed_process_left_goes_to_the_journal_at_the_next_opening(tmp_path: Path) -> None:
    repo = lf.init(tmp_path)
    repo.record_run(make_run())
    repo._catalog.close()  # without closing the repository
    assert journaled(tmp_path) == []
    lf.open(tmp_path).close()
    assert len(journaled(tmp_path)) == 1


def test_looking_writes_nothing(tmp_path: Path) -> None:
    with lf.init(tmp_path) as recording:
        recording.record_run(make_run())
        with lf.opening.glance(tmp_path, lf.config.process_workspace(lf.config.settings())) as looking:
            assert len(looking.cell_runs()) == 1
            with pytest.raises(StorageDenied):
                looking.record_run(make_run())
            with pytest.raises(StorageDenied):
                looking.amend_run("absent", writes=())
        assert journaled(tmp_path) == []


def test_a_full_disk_does_not_lose_runs_nor_the_commit(repo: Repository, tmp_path: Path) -> None:
    """They are recorded, and go to the journal when there is room."""
    store = repo._runs._store
    full = FailingStore(store, StorageFull("no space left"), times=10**6, keys="journal/cells/")
    repo._runs._store = repo._publisher._store = full
    for _ in range(JOURNAL_EVERY + 1):
        repo.record_run(make_run())
    assert repo.commit({"t": pd.DataFrame({"x": [1]})}, message="one").created
    assert journaled(tmp_path) == []
    assert len(repo.cell_runs()) == JOURNAL_EVERY + 1
    repo._runs._store = repo._publisher._store = store
    repo.commit({"t": pd.DataFrame({"x": [2]})}, message="two")
    assert sum(map(len, journaled(tmp_path))) == JOURNAL_EVERY + 1


def test_closing_does_not_wait_for_a_locked_catalog(tmp_path: Path) -> None:
    repo = lf.init(tmp_path)
    repo.record_run(make_run())
    with closing(sqlite3.connect(tmp_path / ".lineageflow/catalog.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        repo.close()
        assert time.monotonic() - start < 10
    with lf.open(tmp_path) as again:
        assert len(again.cell_runs()) == 1
    (batch,) = journaled(tmp_path)  # the same bytes, under the same name
    assert len(batch) == 1


def test_a_repository_opens_though_its_runs_cannot_go_to_the_journal_now(tmp_path: Path) -> None:
    repo = lf.init(tmp_path)
    repo.record_run(make_run())
    repo._catalog.close()
    with closing(sqlite3.connect(tmp_path / ".lineageflow/catalog.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with lf.open(tmp_path) as again:
            assert len(again.cell_runs()) == 1


def test_threads_record_at_once(repo: Repository, tmp_path: Path) -> None:
    def record() -> None:
        for _ in range(JOURNAL_EVERY // 4):
            repo.record_run(make_run())

    threads = [threading.Thread(target=record) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    repo.close()
    told = [each["sequence"] for batch in journaled(tmp_path) for each in batch]
    assert sorted(set(told)) == list(range(1, 5 * (JOURNAL_EVERY // 4) + 1))


SECRET = "s3cr3t-Pässwörd"


def test_secrets_in_addresses_are_never_written(tmp_path: Path) -> None:
    """Neither to the catalog nor to the journal nor to JSON, whoever recorded them."""
    address = f"postgresql+psycopg://ada:{SECRET}@db.example.org/flights"
    run = make_run(
        code=f"engine = create_engine('{address}')\ndf = pd.read_csv('https://h/x.csv?day=1&access_token={SECRET}')",
        external=(External("in", "sql", f"{address}?sslmode=require"),),
        operations=(OperationRecord("read_sql", 1, f"con='{address}', sig=1"),),
    )
    with lf.init(tmp_path) as repo:
        repo.record_run(run)
        repo.amend_run(run.run, external=(External("in", "http", f"https://h/?X-Amz-Signature={SECRET}&a=1"),))
        repo.commit({"t": pd.DataFrame({"x": [1]})}, message="one")
        found = repo.cell_run(run.run)
        assert found.code is not None
        assert "ada:***@db.example.org/flights" in found.code
        assert "day=1&access_token=***'" in found.code
        assert found.external[0].location == "https://h/?X-Amz-Signature=***&a=1"
        assert found.operations[0].parameters == "con='postgresql+psycopg://ada:***@db.example.org/flights', sig=1"
        assert "cr3t" not in json.dumps(wire.cell_run(found))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any("journal" in str(file) for file in files)
    assert [file for file in files if b"s3cr3t" in file.read_bytes()] == []


@pytest.mark.parametrize(
    "text",
    [
        "f'postgresql://{user}:{password}@host/db'",
        "f'postgresql://ada:{password}@host/db'",
        "'postgresql://' + user + ':' + password + '@host'",
        "password = getpass()",
        "x[a:b] @ c",
        "http://host:8080/path@2x.png",
        "https://example.org/a?design=1",
        "f'https://h/?token={token}'",
        "ssh://git@host/repo",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


def test_json_of_a_run_is_complete(repo: Repository) -> None:
    state = make_state("flights", TABLE)
    run = replace(
        make_run(state, writes=[(state, None)]),
        external=(External("out", "csv", "a.csv", 5, "00", 3),),
        operations=(OperationRecord("read_csv", 1, inputs=("a",)),),
        started=1_500_000,
        opaque=("exec",),
    )
    repo.record_run(run)
    told = {
        "variable": "flights",
        "dataset": "flights",
        "table": TABLE.hex(),
        "frame": None,
        "rows": 3,
        "columns": 2,
        "nulls": 0,
        "note": "",
        "kept": False,
    }
    document = json.loads(json.dumps(wire.cell_run(repo.cell_run(run.run))))
    assert document == {
        "run": run.run,
        "sequence": 1,
        "workspace": "w1",
        "notebook": "n.ipynb",
        "cell": "c1",
        "number": 1,
        "code": "a = 1",
        "user": "ada",
        "started": "1970-01-01T00:00:01.500000Z",
        "started_us": 1_500_000,
        "duration_us": 1000,
        "session": "",
        "outcome": "ok",
        "reads": [told],
        "writes": [{"before": told, "after": None, "seen": True}],
        "external": [
            {"direction": "out", "kind": "csv", "location": "a.csv", "size": 5, "digest": "00", "line": 3},
        ],
        "operations": [
            {
                "call": "read_csv",
                "line": 1,
                "parameters": "",
                "inputs": ["a"],
                "output": "",
                "rows_in": None,
                "rows_out": None,
                "added": [],
                "dropped": [],
                "changed": [],
                "nulls_in": None,
                "nulls_out": None,
                "edges": [],
                "opaque": False,
                "count": 1,
                "model": "",
                "metric": "",
                "value": None,
            }
        ],
        "opaque": ["exec"],
        "environment": None,
    }
    assert set(CellRun.__dataclass_fields__) - set(document) == {"duration"}
    assert wire.environment(Environment("3.12", {"b": "2", "a": "1"}, "ab", True)) == {
        "id": Environment("3.12", {"a": "1", "b": "2"}, "ab", True).id,
        "python": "3.12",
        "packages": {"a": "1", "b": "2"},
        "git": "ab",
        "dirty": True,
    }
