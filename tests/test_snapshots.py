"""Snapshots of live frames: what they hold, what they share with commits, and what happens when they are gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import NotAvailable, ObjectMissing
from lineageflow_jupyter.opening import visit
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.edits import edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames
from tests.diffs import live

few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
ROWS = 50_000


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    with lf.init(tmp_path_factory.mktemp("snapshots")) as found:
        yield found


def numbers(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"id": np.arange(rows), "x": random.normal(size=rows), "y": random.normal(size=rows)})


def size(repo: Repository) -> int:
    return sum(path.stat().st_size for path in (Path(repo.location) / ".lineageflow/snapshots").rglob("*.pack"))


@few
@given(sketches(frames(), max_rows=20), scripts())
def test_any_frame_comes_back_as_it_was(shared: Repository, sketch: Any, script: Any) -> None:
    one, other = frame_of(sketch), frame_of(edited(sketch, script))
    engine = "pandas" if isinstance(one, pd.DataFrame | pd.Series) else "polars"
    engine = "arrow" if isinstance(one, pa.Table | pa.RecordBatch) else engine
    first = shared.frame_state("df", "df", one)
    second = shared.frame_state("df", "df", other, first)
    for frame, state in ((one, first), (other, second)):
        assert state.kept, state.note
        for found in (frame, shared.snapshot(state, engine)):
            entry = live(shared, found).entry
            assert (state.table, state.frame) == (entry.table, entry.frame)


def test_a_snapshot_takes_what_changed(repo: Repository) -> None:
    frame = numbers()
    state = repo.frame_state("df", "df", frame)
    whole = size(repo)
    assert whole > 500_000
    frame.loc[[5, 40_000], "x"] = 1.0
    state = repo.frame_state("df", "df", frame, state)
    assert 0 < size(repo) - whole < 10_000
    before = size(repo)
    again = repo.frame_state("df", "df", frame.copy(), state)
    assert (again.table, size(repo)) == (state.table, before)


def test_what_is_committed_is_not_stored_twice(repo: Repository) -> None:
    frame = numbers()
    repo.commit({"df": frame}, message="base", keys={"df": ["id"]})
    frame = frame[frame["x"] > -2].reset_index(drop=True)
    state = repo.frame_state("df", "df", frame)
    assert state.kept
    assert size(repo) < 60_000  # a selection of the commit's rows
    pd.testing.assert_frame_equal(repo.snapshot(state), frame)
    assert state.nulls == 0
    assert (state.rows, state.columns) == frame.shape


def test_they_survive_a_restart_and_count_missing_values(repo: Repository) -> None:
    frame = pd.DataFrame({"x": [1.0, np.nan, np.nan], "t": ["a", None, "c"]})
    state = repo.frame_state("df", "df", frame)
    assert state.nulls == 3
    with lf.open(repo.location) as again:
        pd.testing.assert_frame_equal(again.snapshot(state), frame)
        assert again.frame_state("df", "df", frame, state) == state


def test_when_they_are_gone_the_repository_is_as_it_was(repo: Repository) -> None:
    repo.commit({"df": numbers()}, message="base")
    state = repo.frame_state("df", "df", numbers().assign(z=1.5))
    shutil.rmtree(Path(repo.location) / ".lineageflow/snapshots")
    with lf.open(repo.location) as again:
        assert again.fsck() > 3
        with pytest.raises(ObjectMissing, match="not there any more"):
            again.snapshot(state)
        more = again.frame_state("df", "df", numbers().assign(z=2.5), state)  # on top of what is gone
        assert more.kept
        assert again.snapshot(more)["z"].tolist()[:2] == [2.5, 2.5]


def test_a_pack_that_was_cut_short_is_passed_over(repo: Repository) -> None:
    state = repo.frame_state("df", "df", numbers())
    (pack,) = (Path(repo.location) / ".lineageflow/snapshots").rglob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-20])
    with lf.open(repo.location) as again:
        with pytest.raises(ObjectMissing):
            again.snapshot(state)
        assert again.frame_state("other", "other", numbers()).kept


def test_what_cannot_be_stored_is_told(repo: Repository) -> None:
    state = repo.frame_state("df", "df", pd.DataFrame({"x": [1, "a"]}, dtype=object))
    assert (state.table, state.kept, state.rows) == (None, False, 2)
    assert "x" in state.note
    with pytest.raises(ObjectMissing, match="no data of 'df' were kept"):
        repo.snapshot(state)
    large = pd.DataFrame({"x": np.arange(7_000_000)})
    state = repo.frame_state("df", "df", large)
    told = "its data could not be copied: 56 MB are too much to look at while a cell waits"
    assert (state.table, state.note) == (None, told)


def test_a_visitor_keeps_none(repo: Repository) -> None:
    state = replace(repo.frame_state("df", "df", pl.DataFrame({"x": [1]})), kept=True)
    with visit(repo.location) as other, pytest.raises(NotAvailable, match="only a notebook's workspace"):
        other.snapshot(state)
