"""A repository that the first version wrote stays readable, and its frames keep their ids."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.frames.pandas_arrays import has_str
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.catalog_contract import make_run
from tests.frames.stored_content import assert_arrow_same, assert_same
from tests.old_repositories.v1.make_v1 import WORKSPACE, commits, ids, make, numbers

HERE = Path(__file__).parent / "v1"
REMEMBERED = json.loads((HERE / "ids.json").read_text(encoding="utf-8"))


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    """A copy of the old repository, opened by the workspace that made it."""
    with tarfile.open(HERE / "repository.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with lf.open(tmp_path / "v1", workspace=WORKSPACE) as repo:
        yield repo


def assert_frame_same(expected: Any, found: Any) -> None:
    """The same frame, of whichever library."""
    if isinstance(expected, pd.DataFrame | pd.Series):
        assert_same(expected, found)
    elif isinstance(expected, pl.DataFrame):
        assert found.schema == expected.schema
        polars.testing.assert_frame_equal(found, expected, check_exact=True)
    elif isinstance(expected, pl.Series):
        polars.testing.assert_series_equal(found, expected, check_exact=True)
    else:
        assert type(found) is type(expected)
        assert found.schema.equals(expected.schema, check_metadata=True)
        for one, other in zip(expected.columns, found.columns, strict=True):
            assert_arrow_same(one, other)


def engine_of(frame: Any) -> str:
    return "arrow" if isinstance(frame, pa.Table | pa.RecordBatch) else type(frame).__module__.partition(".")[0]


def test_every_version_reads_as_it_was_made(repo: Repository) -> None:
    for made, known in zip(commits(), REMEMBERED["commits"], strict=True):
        record = repo.resolve(known["id"])
        assert (record.commit.message, record.commit.author) == (made.name, made.author)
        assert set(record.datasets) == set(made.frames)
        for dataset, frame in made.frames.items():
            found = repo.read(f"{known['id']}:{dataset}", engine=engine_of(frame))  # type: ignore[arg-type]
            try:
                assert_frame_same(frame, found)
            except AssertionError as error:
                raise AssertionError(f"{dataset} of {made.name!r}") from error


def test_history_branches_keys_and_stash(repo: Repository) -> None:
    by_name = {made.name: known["id"] for made, known in zip(commits(), REMEMBERED["commits"], strict=True)}
    on_main = [made.name for made in commits() if made.branch == "main"]
    assert [record.commit.message for record in repo.log("main")] == on_main[::-1]
    assert repo.names() == ("main", "try")
    assert repo.resolve("try").id.hex() == by_name["another branch"]
    assert repo.resolve("try~1").id.hex() == by_name["appended"]
    assert [record.commit.message for record in repo.log(dataset="numbers")] == ["appended", "pandas: values"]
    tree = repo._objects.tree(repo.resolve("main").commit.tree)
    assert {entry.dataset: entry.key for entry in tree.entries if entry.key} == {"航班": ("day", "id")}
    assert_same(numbers().iloc[:2], repo.read(f"{REMEMBERED['stash']}:numbers"))
    assert repo.head.branch == "main"


def test_every_object_is_sound(repo: Repository) -> None:
    assert repo.fsck() == REMEMBERED["objects"]


def test_ids_are_those_of_then(repo: Repository) -> None:
    for known in REMEMBERED["commits"]:
        assert ids(repo, known["id"]) == known["datasets"]


def test_made_anew_everything_has_the_same_ids(tmp_path: Path) -> None:
    """Values give the same ids as then; descriptions too, where pandas has the dtypes of then."""
    anew = make(tmp_path)
    for made, now, then in zip(commits(), anew["commits"], REMEMBERED["commits"], strict=True):
        for dataset, (table, frame) in then["datasets"].items():
            assert now["datasets"][dataset][0] == table, f"{dataset} of {made.name!r}"
            if has_str():
                assert now["datasets"][dataset][1] == frame, f"{dataset} of {made.name!r}"


def test_the_same_frames_again_are_nothing_to_commit(repo: Repository) -> None:
    latest: dict[str, Any] = {}
    for made in commits():
        latest |= made.frames if made.branch == "main" else {}
    tree = repo._objects.tree(repo.resolve("main").commit.tree)
    for dataset, frame in latest.items():
        again = repo.commit({dataset: frame}, message="the same")
        if has_str():
            assert not again.created, dataset
        else:  # text has another dtype in this pandas, and so another description; its values are the same
            (entry,) = (entry for entry in tree.entries if entry.dataset == dataset)
            assert repo._objects.tree(again.commit.commit.tree).get(dataset).table == entry.table, dataset


def test_work_goes_on(repo: Repository) -> None:
    frame = repo.read("航班")
    frame.loc[0, "delay"] = 7.5
    report = repo.commit({"航班": frame}, message="later", branch="main")
    assert report.created
    assert report.new_bytes < 500_000  # most of it is taken over from what the old version stored
    assert_same(frame, repo.read("航班"))


def test_cell_runs_are_recorded_in_it(repo: Repository, tmp_path: Path) -> None:
    """The first version knew none."""
    assert repo.cell_runs() == ()
    run = make_run()
    place = repo.record_run(run)
    repo.commit({"航班": repo.read("航班").iloc[1:]}, message="later", branch="main")
    assert repo.cell_runs() == (replace(run, sequence=place),)
    (batch,) = (tmp_path / "v1/.lineageflow/objects/journal/cells").iterdir()
    assert run.run in batch.read_text(encoding="ascii")
