"""Versions of frames of any dtypes, stored as rows of older ones wherever that can be: read as if they were whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter import forming
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.frames import columns
from lineageflow_jupyter.frames.chunking import BoundaryRule, incremental_ranges
from lineageflow_jupyter.frames.codecs import FORM_FULL, parse_value
from lineageflow_jupyter.frames.derived import decode_derived
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.tables import verify
from lineageflow_jupyter.testing.edits import edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames
from tests.diffs import live

TINY = BoundaryRule(window=2, level_units=2, chances=(1 << 16, 1 << 17, 1 << 17))
"""Chunks of a few rows, so that tables of a few rows have several."""
numbers = count()
met: Counter[str] = Counter()
"""How the chunks of all versions were stored."""


@pytest.fixture(scope="module", autouse=True)
def _everything_derived() -> Iterator[None]:
    """Whatever can be derived is, and tables of a few rows have several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forming, "CLEARLY", 0)
        patch.setattr(forming, "LEAST_KEPT", 0)
        patch.setattr(forming, "MOST_LITERALS", 1)
        patch.setattr(columns, "incremental_ranges", partial(incremental_ranges, rule=TINY))
        yield


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Where versions follow one another."""
    with lf.init(tmp_path_factory.mktemp("chained")) as found:
        yield found
        assert found.fsck() > 100
        assert met["derived"] >= 5


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Where each version is the first of its dataset, and so stored whole."""
    with lf.init(tmp_path_factory.mktemp("whole")) as found:
        yield found


def entry(repo: Repository, dataset: str) -> TreeEntry:
    found = repo._objects.tree(repo.resolve("HEAD").commit.tree).get(dataset)
    assert found is not None
    return found


def forms(repo: Repository, table: ObjectId) -> Iterator[str]:
    """How the chunks of a table are stored; what is derived rests on what is whole."""
    ids = [column.column for column in repo._objects.table(table).columns]
    chunks = {chunk.id for column in repo._objects.columns(ids) for chunk in column.chunks}
    derived = repo._catalog.of_kind(chunks, Kind.DERIVED)
    for oid, data in repo._objects.reader.read_many(list(chunks)):
        value = parse_value(data)
        assert (value.form != FORM_FULL) == (oid in derived)
        yield "whole" if value.form == FORM_FULL else "derived"
        if value.form != FORM_FULL:
            base = decode_derived(value).base
            if isinstance(base, bytes):
                below = {chunk.id for column in repo._objects.columns([base]) for chunk in column.chunks}
                assert not repo._catalog.of_kind(below, Kind.DERIVED)


def seen(repo: Repository, what: str, **kwargs: Any) -> Any:
    """Ids of what is read, or why it cannot be."""
    try:
        found = live(repo, repo.read(what, **kwargs)).entry
        return found.table, found.frame
    except LineageFlowError as error:
        return type(error), error.problem


@settings(suppress_health_check=list(HealthCheck), max_examples=40)
@given(data=st.data())
def test_what_is_derived_reads_as_what_is_whole(repo: Repository, other: Repository, data: st.DataObject) -> None:
    dataset, done = f"t{next(numbers)}", set[ObjectId]()
    sketch = data.draw(sketches(frames(), max_rows=40))
    for _ in range(data.draw(st.integers(2, 3))):
        frame = frame_of(sketch)
        repo.commit({dataset: frame}, message="next")
        repo.clear_cache()
        again = f"t{next(numbers)}"
        other.commit({again: frame}, message="alone")
        found, wanted = entry(repo, dataset), entry(other, again)
        assert (found.table, found.frame) == (wanted.table, wanted.frame)
        met.update(forms(repo, found.table))
        table = repo._objects.table(found.table)
        verify(repo._objects, [(Kind.TABLE, found.table), (Kind.FRAME, found.frame)], done)
        first = data.draw(st.integers(0, table.rows))
        rows = (first, data.draw(st.integers(first, table.rows)))
        for engine in ("pandas", "polars", "arrow"):
            assert seen(repo, dataset, engine=engine) == seen(other, again, engine=engine)
            assert seen(repo, dataset, engine=engine, rows=rows) == seen(other, again, engine=engine, rows=rows)
        sketch = edited(sketch, data.draw(scripts()))
