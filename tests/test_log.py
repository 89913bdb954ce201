"""The log through `Repository`: filters, pages, ranges and all refs, on a history with merges, against a naive walk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.repository import Repository
from tests.repositories import Open, merge, numbers, summaries

ADA, BOB = lf.Author("Ada Lovelace", "ada@example.org"), lf.Author("Bob Ünal", "")


@pytest.fixture
def history(repo: Repository) -> Repository:
    """main and side part after `two`, side is merged once; other goes on from side; v1 tags what no branch holds."""
    repo.commit({"t": numbers(1)}, message="one", author=ADA)
    repo.commit({"t": numbers(2), "u": numbers(1)}, message="two\n\nwith a REASON", author=BOB)
    repo.switch("side", create=True)
    repo.commit({"u": numbers(2)}, message="side 100%_done", author=ADA)
    repo.switch("main")
    repo.commit({"t": numbers(3)}, message="three", author=BOB)
    merge(repo, "main", "side")
    repo.switch("other", create=True, at="side")
    repo.commit({"v": numbers(1)}, message="other", author=ADA)
    repo.switch("lost", create=True, at="main~1")
    repo.commit({"w": numbers(1)}, message="tagged", author=BOB)
    repo.tag("v1")
    repo.switch("main")
    repo.delete_branch("lost")
    repo.stash({"t": numbers(9)}, message="hidden")
    return repo


def reached(repo: Repository, *revisions: str) -> set[bytes]:
    """What a naive walk finds from some revisions."""
    left, found = [repo.resolve(revision) for revision in revisions], set()
    while left:
        record = left.pop()
        if record.id not in found:
            found.add(record.id)
            left += [repo.resolve(parent.hex()) for parent in record.commit.parents]
    return found


def assert_children_first(records: Sequence[CommitRecord]) -> None:
    order = {record.id: place for place, record in enumerate(records)}
    assert len(order) == len(records)
    for record in records:
        assert all(order[record.id] < order[parent] for parent in record.commit.parents if parent in order)


REVISIONS = ("main", "side", "other", "v1", "main~1", "main~2", "main^2")


@pytest.mark.parametrize(("left", "right"), list(product(REVISIONS, REVISIONS)))
def test_ranges_are_differences_of_what_is_reached(history: Repository, left: str, right: str) -> None:
    a, b = reached(history, left), reached(history, right)
    for text, expected in [(f"{left}..{right}", b - a), (f"{left}...{right}", a ^ b), (right, b)]:
        found = history.log(text)
        assert {record.id for record in found} == expected, text
        assert_children_first(found)


def test_all_refs_and_no_stashes(history: Repository) -> None:
    found = history.log(everything=True)
    assert {record.id for record in found} == reached(history, "main", "side", "other", "v1")
    assert "hidden" not in summaries(found)
    assert_children_first(found)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"author": "LOVELACE"}, ["other", "side 100%_done", "one"]),
        ({"author": "ada@"}, ["other", "side 100%_done", "one"]),
        ({"author": "ünal"}, ["tagged", "three", "two"]),
        ({"author": "nobody"}, []),
        ({"text": "reason"}, ["two"]),
        ({"text": "%_"}, ["side 100%_done"]),
        ({"text": "e_s"}, []),
        ({"text": "o", "author": "ada"}, ["other", "side 100%_done", "one"]),
        ({"dataset": "u"}, ["side 100%_done", "two"]),
        ({"dataset": "t", "author": "bob"}, ["three", "two"]),
        ({"dataset": "w"}, ["tagged"]),
        ({"since": "1 hour ago", "text": "t"}, ["tagged", "three", "two"]),
        ({"until": "1 hour ago"}, []),
        ({"since": "2100-01-01"}, []),
        ({"since": "2100-01-01", "until": "2001-01-01"}, []),
    ],
    ids=str,
)
def test_filters(history: Repository, wanted: dict[str, str], expected: list[str]) -> None:
    found = history.log(everything=True, **wanted)  # type: ignore[arg-type]
    assert set(summaries(found)) == set(expected) | ({"other"} if wanted.get("text") == "t" else set())
    assert_children_first(found)
    for limit, skip in product(range(3), range(3)):
        page = history.log(everything=True, skip=skip, limit=limit, **wanted)  # type: ignore[arg-type]
        assert page == found[skip : skip + limit]


def test_pages(history: Repository) -> None:
    whole = history.log()
    assert [record for skip in range(len(whole)) for record in history.log(skip=skip, limit=1)] == list(whole)
    assert history.log(skip=99) == history.log(limit=0) == ()
    for wrong in ({"limit": -1}, {"skip": -1}):
        with pytest.raises(UsageProblem, match="at least 0"):
            history.log(**wrong)  # type: ignore[arg-type]


def test_a_dataset_is_of_the_history_that_is_looked_at(history: Repository) -> None:
    with pytest.raises(UnknownName, match=r"no dataset 'v'"):
        history.log("main", dataset="v")
    assert summaries(history.log("other", dataset="v")) == ["other"]
    assert history.log("main..other", dataset="t") == (), "it is known there, and did not change"
    assert history.log("main", dataset="t", author="nobody") == ()
    assert history.log("main", dataset="t", skip=99) == ()
    history.checkout("HEAD")
    history.remove(["u"])
    assert summaries(history.log(dataset="u"))[0] == "remove u"


@pytest.mark.parametrize("revision", ["mian", "main..mian", "mian...main", "main:t", "HEAD~99", "@{-99}", "main@{99}"])
def test_what_does_not_exist(history: Repository, revision: str) -> None:
    with pytest.raises(UnknownName) as raised:
        history.log(revision)
    assert raised.value.remedy


def test_moments_that_mean_nothing(history: Repository) -> None:
    for wrong in ({"since": "soon"}, {"until": ""}):
        with pytest.raises(UnknownName, match="is not a moment"):
            history.log(**wrong)  # type: ignore[arg-type]


def test_an_unborn_branch(history: Repository, open_as: Open) -> None:
    fresh = open_as("second.ipynb")
    fresh.switch("draft", create=True, at="main")
    assert summaries(fresh.log(limit=1)) == ["merge"]
    with pytest.raises(UnknownName, match=r"'draft' was deleted"):
        history.delete_branch("draft")
        fresh.log("HEAD")
        fresh.resolve("HEAD")
