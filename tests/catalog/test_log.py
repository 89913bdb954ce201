"""The walk through history: against an oracle that knows the whole graph, over damaged rows, and lazily."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.objects import encode_commit
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.testing.catalog_contract import make_commit, make_publication, moving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlCatalog]:
    with closing(SqlCatalog.create(tmp_path_factory.mktemp("log") / "catalog.sqlite", uuid="f00d")) as catalog:
        yield catalog


def naive_log(tip: CommitRecord, history: list[CommitRecord]) -> list[CommitRecord]:
    """Of all commits whose children have all been listed, the newest is next."""
    by_id = {record.id: record for record in history}
    waiting, todo = set(), [tip.id]
    while todo:
        oid = todo.pop()
        if oid not in waiting:
            waiting.add(oid)
            todo += by_id[oid].commit.parents
    listed = []
    while waiting:
        blocked = {parent for oid in waiting for parent in by_id[oid].commit.parents}
        following = min(waiting - blocked, key=lambda oid: (-by_id[oid].commit.time, oid))
        waiting.remove(following)
        listed.append(by_id[following])
    return listed


@st.composite
def histories(draw: st.DrawFn) -> list[CommitRecord]:
    history: list[CommitRecord] = []
    for number in range(draw(st.integers(1, 40))):
        width = draw(st.sampled_from([1, 2, 5, 40]))
        parents = (
            draw(st.lists(st.integers(max(0, number - width), number - 1), max_size=3, unique=True)) if number else []
        )
        datasets = draw(st.lists(st.sampled_from("abc"), unique=True))
        history.append(make_commit(*(history[i] for i in parents), time=draw(st.integers(0, 20)), datasets=datasets))
    return history


@hypothesis_settings(max_examples=60)
@given(histories(), st.integers(0, 10))
def test_the_log_is_what_the_definition_says(shared: SqlCatalog, history: list[CommitRecord], limit: int) -> None:
    shared.publish(make_publication(commits=history))
    tip = history[-1]
    expected = naive_log(tip, history)
    assert list(shared.log(tip.id)) == expected
    assert list(shared.log(tip.id, limit=limit)) == expected[:limit]
    assert list(shared.log(tip.id, dataset="a")) == [record for record in expected if "a" in record.datasets]


def ladder(length: int) -> list[CommitRecord]:
    """A history in which every commit merges the two before it: the number of paths doubles at each step."""
    history = [make_commit(time=0)]
    for time_ in range(1, length):
        history.append(make_commit(*history[-1:-3:-1], time=time_))
    return history


def test_many_paths_are_walked_once(shared: SqlCatalog) -> None:
    history = ladder(1000)
    shared.publish(make_publication(commits=history))
    assert shared.log(history[-1].id) == tuple(reversed(history))


def test_a_short_log_does_not_read_a_long_history(shared: SqlCatalog) -> None:
    history = [make_commit(time=0)]
    for number in range(1, 10_000):
        history.append(make_commit(history[-1], time=number, datasets=["rare" if number == 9_000 else "flights"]))
    shared.publish(make_publication(moving("long", None, history[-1]), commits=history))
    tip = history[-1].id
    short = statistics.median(timed(lambda: shared.log(tip, limit=20)) for _ in range(5))
    whole = timed(lambda: shared.log(tip))
    assert len(shared.log(tip)) == 10_000
    assert short < whole / 20
    assert shared.log(tip, dataset="rare", limit=1) == (history[9_000],)


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def test_a_damaged_commit_is_never_returned(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    root = make_commit(time=0)
    tip = make_commit(root, time=1)
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        catalog.publish(make_publication(commits=[root, tip]))
        _, data = encode_commit(replace(root.commit, message="something else"))
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("UPDATE commits SET data = ? WHERE id = ?", (data, root.id))
        with pytest.raises(CorruptData, match=root.id.hex()[:7]):
            catalog.commit(root.id)
        with pytest.raises(CorruptData):
            catalog.log(tip.id)
        assert catalog.commit(tip.id) == tip


def test_a_missing_parent_is_damage_not_an_end(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    root = make_commit(time=0)
    tip = make_commit(root, time=1)
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        catalog.publish(make_publication(commits=[root, tip]))
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("DELETE FROM commits WHERE id = ?", (root.id,))
        with pytest.raises(CorruptData):
            catalog.log(tip.id)
        assert catalog.log(tip.id, limit=1) == (tip,)
