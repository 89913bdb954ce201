"""The walk through history: against an oracle that knows the whole graph, over damaged rows, and lazily."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lineageflow_jupyter.catalog import graph, log
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Author, encode_commit
from lineageflow_jupyter.model.records import CommitRecord, LogFilter
from lineageflow_jupyter.testing.catalog_contract import make_commit, make_publication, moving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlCatalog]:
    with closing(SqlCatalog.create(tmp_path_factory.mktemp("log") / "catalog.sqlite", uuid="f00d")) as catalog:
        yield catalog


def naive_ancestors(starts: Iterable[ObjectId], history: list[CommitRecord]) -> set[ObjectId]:
    by_id = {record.id: record for record in history}
    reached: set[ObjectId] = set()
    todo = list(starts)
    while todo:
        oid = todo.pop()
        if oid not in reached:
            reached.add(oid)
            todo += by_id[oid].commit.parents
    return reached


def naive_log(waiting: set[ObjectId], history: list[CommitRecord]) -> list[CommitRecord]:
    """Of all commits whose children have all been listed, the newest is next."""
    by_id = {record.id: record for record in history}
    waiting = set(waiting)
    listed = []
    while waiting:
        blocked = {parent for oid in waiting for parent in by_id[oid].commit.parents}
        following = min(waiting - blocked, key=lambda oid: (-by_id[oid].commit.time, oid))
        waiting.remove(following)
        listed.append(by_id[following])
    return listed


def naive_filter(record: CommitRecord, wanted: LogFilter) -> bool:
    commit = record.commit
    author = (commit.author.name.casefold(), commit.author.email.casefold())
    return (
        (wanted.dataset is None or wanted.dataset in record.datasets)
        and (wanted.author is None or any(wanted.author.casefold() in words for words in author))
        and (wanted.text is None or wanted.text.casefold() in commit.message.casefold())
        and (wanted.since is None or commit.time >= wanted.since)
        and (wanted.until is None or commit.time < wanted.until)
    )


WORDS = st.text(st.sampled_from("aAßsSéÉİiΣς%_ "), max_size=4)
AUTHORS = st.builds(Author, WORDS, WORDS)
TIMES = st.integers(0, 20)
FILTERS = st.builds(
    LogFilter,
    st.none() | st.sampled_from("abx"),
    st.none() | st.text("aAsSßéÉ%", max_size=1),
    st.none() | st.text("aAsSßéÉİΣ_", max_size=2),
    st.none() | TIMES,
    st.none() | TIMES,
)


@st.composite
def histories(draw: st.DrawFn) -> list[CommitRecord]:
    """Any graph: several roots, criss-cross merges, clocks at random."""
    history: list[CommitRecord] = []
    for number in range(draw(st.integers(1, 40))):
        width = draw(st.sampled_from([1, 2, 5, 40]))
        parents = (
            draw(st.lists(st.integers(max(0, number - width), number - 1), max_size=3, unique=True)) if number else []
        )
        datasets = draw(st.lists(st.sampled_from("abc"), unique=True))
        history.append(
            make_commit(
                *(history[i] for i in parents),
                time=draw(TIMES),
                datasets=datasets,
                message=draw(WORDS),
                author=draw(AUTHORS),
            )
        )
    return history


def some(draw: st.DrawFn, history: list[CommitRecord], least: int) -> list[ObjectId]:
    return [record.id for record in draw(st.lists(st.sampled_from(history), min_size=least, max_size=5))]


@pytest.mark.parametrize("near", [0, 3, log.NEAR])
@hypothesis_settings(max_examples=80)
@given(data=st.data())
def test_the_log_is_what_the_definition_says(shared: SqlCatalog, near: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:  # few commits are looked at before the walk is cut short
        patch.setattr(log, "NEAR", near)
        patch.setattr(log, "FIRST_BATCH", 2)
        patch.setattr(graph, "KNOWN_COMMITS", 1000 * near)  # none is remembered, too many are, all are
        check_the_log(shared, data)


def check_the_log(shared: SqlCatalog, data: st.DataObject) -> None:
    history = data.draw(histories())
    shared.publish(make_publication(commits=history))
    starts, exclude = some(data.draw, history, 1), some(data.draw, history, 0)
    expected = naive_log(naive_ancestors(starts, history) - naive_ancestors(exclude, history), history)
    assert list(shared.log(starts, exclude=exclude)) == expected
    wanted = data.draw(FILTERS)
    expected = [record for record in expected if naive_filter(record, wanted)]
    assert list(shared.log(starts, exclude=exclude, wanted=wanted)) == expected
    skip, limit = data.draw(st.integers(0, 10)), data.draw(st.integers(0, 10))
    found = shared.log(starts, exclude=exclude, wanted=wanted, skip=skip, limit=limit)
    assert list(found) == expected[skip : skip + limit]


@hypothesis_settings(max_examples=80)
@given(st.data())
def test_an_ancestor_is_what_the_definition_says(shared: SqlCatalog, data: st.DataObject) -> None:
    history = data.draw(histories())
    shared.publish(make_publication(commits=history))
    by_id = {record.id: record for record in history}
    record, steps = data.draw(st.sampled_from(history)), data.draw(st.integers(0, 45))
    oid, taken = record.id, 0
    while taken < steps and by_id[oid].commit.parents:
        oid, taken = by_id[oid].commit.parents[0], taken + 1
    assert shared.ancestor(record.id, steps) == (oid, taken)


@hypothesis_settings(max_examples=80)
@given(st.data())
def test_divergence_is_what_the_definition_says(shared: SqlCatalog, data: st.DataObject) -> None:
    history = data.draw(histories())
    shared.publish(make_publication(commits=history))
    (base,), tips = some(data.draw, history, 1)[:1], some(data.draw, history, 0)
    of_base = naive_ancestors([base], history)
    of_tips = {tip: naive_ancestors([tip], history) for tip in tips}
    assert shared.divergence(base, tips) == {
        tip: (len(reached - of_base), len(of_base - reached)) for tip, reached in of_tips.items()
    }


def test_divergence_of_a_thousand_branches(shared: SqlCatalog) -> None:
    line = [make_commit(time=0)]
    for number in range(1, 3000):
        line.append(make_commit(line[-1], time=number))
    tips, expected, commits = [], {}, list(line)
    for number in range(1100):
        fork, length = (number * 37) % 2900, number % 3
        tip = line[fork]
        for _ in range(length):
            tip = make_commit(tip, time=number)
            commits.append(tip)
        tips.append(tip)
        expected[tip.id] = (length, 2999 - fork)
    shared.publish(make_publication(commits=commits))
    assert shared.divergence(line[-1].id, [tip.id for tip in tips]) == expected


def test_divergence_reads_no_further_than_where_all_histories_are_one(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    line = [make_commit(time=0)]
    for number in range(1, 500):
        line.append(make_commit(line[-1], time=number))
    side = make_commit(line[-3])
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        catalog.publish(make_publication(commits=[*line, side]))
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("DELETE FROM commits WHERE id = ?", (line[0].id,))  # a walk that comes by would stumble
        assert catalog.divergence(line[-1].id, [side.id]) == {side.id: (1, 2)}
        with pytest.raises(CorruptData):
            catalog.divergence(line[-1].id, [make_unrelated(catalog).id])


def make_unrelated(catalog: SqlCatalog) -> CommitRecord:
    alone = make_commit(time=-1)
    catalog.publish(make_publication(commits=[alone]))
    return alone


def ladder(length: int) -> list[CommitRecord]:
    """A history in which every commit merges the two before it: the number of paths doubles at each step."""
    history = [make_commit(time=0)]
    for time_ in range(1, length):
        history.append(make_commit(*history[-1:-3:-1], time=time_))
    return history


def test_many_paths_are_walked_once(shared: SqlCatalog) -> None:
    history = ladder(1000)
    shared.publish(make_publication(commits=history))
    assert shared.log([history[-1].id]) == tuple(reversed(history))


def test_a_short_log_does_not_read_a_long_history(shared: SqlCatalog) -> None:
    history = [make_commit(time=0)]
    for number in range(1, 10_000):
        history.append(make_commit(history[-1], time=number, datasets=["rare" if number == 9_000 else "flights"]))
    shared.publish(make_publication(moving("long", None, history[-1]), commits=history))
    tip = history[-1].id
    short = statistics.median(timed(lambda: shared.log([tip], limit=20)) for _ in range(5))
    whole = timed(lambda: shared.log([tip]))
    assert len(shared.log([tip])) == 10_000
    assert short < whole / 20
    assert shared.log([tip], wanted=LogFilter(dataset="rare"), limit=1) == (history[9_000],)


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
            catalog.log([tip.id])
        assert catalog.commit(tip.id) == tip


def test_what_a_walk_has_read_is_not_read_again_but_is_no_answer_to_whether_a_commit_exists(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    line = [make_commit(time=0)]
    for number in range(1, 200):
        line.append(make_commit(line[-1], time=number))
    side, newer = make_commit(line[50], time=300), make_commit(line[-1], time=400)
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog, closing(SqlCatalog.open(path)) as other:
        catalog.publish(make_publication(commits=[*line, side]))
        assert len(catalog.log([line[-1].id, side.id])) == 201
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("DELETE FROM commit_parents WHERE commit_id = ?", (line[100].id,))
            raw.execute("DELETE FROM commits WHERE id = ?", (side.id,))
        assert len(catalog.log([line[-1].id])) == 200  # from memory
        assert len(other.log([line[-1].id])) == 100  # this one reads what is there
        other.publish(make_publication(commits=[newer]))
        assert catalog.log([newer.id], limit=2) == (newer, line[-1])
        for ask in (catalog.log, lambda tips: catalog.divergence(newer.id, tips)):
            with pytest.raises(ObjectMissing):
                ask([side.id])


def test_a_missing_parent_is_damage_not_an_end(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    root = make_commit(time=0)
    tip = make_commit(root, time=1)
    with closing(SqlCatalog.create(path, uuid="f00d")) as catalog:
        catalog.publish(make_publication(commits=[root, tip]))
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("DELETE FROM commits WHERE id = ?", (root.id,))
        with pytest.raises(CorruptData):
            catalog.log([tip.id])
        assert catalog.log([tip.id], limit=1) == (tip,)
