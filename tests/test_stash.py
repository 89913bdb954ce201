"""Stashes: frames put aside and taken back, on the bases that they had."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from lineageflow_jupyter.errors import (
    NameTaken,
    RefMoved,
    UncommittedChanges,
    UnknownName,
    UnsupportedData,
    UsageProblem,
)
from lineageflow_jupyter.repository import Repository
from tests.frames.stored_content import assert_same
from tests.repositories import Open, numbers, state, summaries, values


@pytest.fixture
def one(repo: Repository) -> Repository:
    repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
    return repo


def test_there_and_back(one: Repository) -> None:
    done = one.stash({"t": numbers(9)}, message="half done")
    assert values(done.frames["t"]) == [1]
    assert done.commit is not None
    assert done.commit.commit.message == "half done"
    assert [found.dataset for found in done.stashed] == ["t"]
    assert summaries(one.log()) == ["one"]
    back = one.unstash(live=dict(done.frames))
    assert values(back.frames["t"]) == [9]
    assert one.stashes() == []
    assert one.commit({"t": numbers(9)}, message="done").created


def test_the_latest_comes_first(one: Repository) -> None:
    for number in (10, 11, 12):
        one.stash({"t": numbers(number)}, message=str(number))
    assert [report.record.commit.message for report in one.stashes()] == ["12", "11", "10"]
    assert values(one.read("stash@{1}:t")) == [11]
    assert values(one.unstash("1").frames["t"]) == [11]
    assert values(one.unstash("stash@{1}").frames["t"]) == [10]
    name = one.stashes()[0].ref.name
    assert values(one.unstash(name, drop=False).frames["t"]) == [12]
    assert one.drop_stash().ref.name == name
    assert one.stashes() == []


@pytest.mark.parametrize("which", ["stash@{0}", "0", "stash@{7}", "7", "garbage", "", "main", "stash", "stash@{x}"])
def test_one_that_does_not_exist(one: Repository, which: str) -> None:
    before = state(one)
    for verb in (one.unstash, one.drop_stash):
        with pytest.raises(UnknownName) as raised:
            verb(which)
        assert "%lf stash list" in raised.value.remedy
    assert state(one) == before


def test_nothing_to_stash(one: Repository) -> None:
    before = state(one)
    with pytest.raises(UsageProblem, match="no frames to stash"):
        one.stash({})
    with pytest.raises(UnsupportedData, match="'t'"):
        one.stash({"u": numbers(2), "t": pd.DataFrame({"x": [object(), 1]})})
    assert state(one) == before


def test_what_is_in_the_way_is_refused_or_stashed_in_turn(one: Repository) -> None:
    one.stash({"t": numbers(9), "u": numbers(8)})
    before = state(one)
    with pytest.raises(UncommittedChanges) as raised:
        one.unstash(live={"t": numbers(5), "u": numbers(1)})
    assert [found.dataset for found in raised.value.statuses] == ["t"]  # type: ignore[attr-defined]
    assert state(one) == before
    done = one.unstash(live={"t": numbers(5), "u": numbers(1)}, force=True)
    assert {name: values(frame) for name, frame in done.frames.items()} == {"t": [9], "u": [8]}
    assert [values(one.read(f"{report.ref.name}:t")) for report in one.stashes()] == [[5]]


def test_what_is_as_stashed_already_is_not_in_the_way(one: Repository) -> None:
    one.stash({"t": numbers(9)})
    assert values(one.unstash(live={"t": numbers(9)}).frames["t"]) == [9]
    assert one.stashes() == []


def test_it_comes_back_on_another_branch_and_is_known_to_be_older(one: Repository) -> None:
    """A stash brings its base with it: what the branch holds meanwhile is not overwritten unseen."""
    one.stash({"t": numbers(9)})
    one.switch("other", create=True)
    one.commit({"t": numbers(2)}, message="two")
    one.unstash(live={"t": numbers(2)})
    (found, _) = one.status({"t": numbers(9)}).datasets
    assert (found.state, found.behind) == ("changed", True)
    with pytest.raises(RefMoved):
        one.commit({"t": numbers(9)}, message="three")
    assert one.switch("main", live={"t": numbers(9)}).branch == "main"
    assert one.commit({"t": numbers(9)}, message="where it started").created


def test_a_frame_that_was_never_committed(one: Repository) -> None:
    done = one.stash({"new": numbers(5), "t": numbers(9)})
    assert set(done.frames) == {"t"}, "there is nothing to go back to"
    assert values(one.unstash(live={"new": numbers(5), "t": numbers(1)}).frames["new"]) == [5]
    assert one.status({"new": numbers(5)}).datasets[0].state == "new"
    assert one.commit({"new": numbers(5)}, message="new").created


def test_one_of_a_dataset_that_both_make_is_no_way_around(one: Repository, open_as: Open) -> None:
    """A frame that was new when it was stashed is new when it comes back, whatever the branch holds now."""
    one.stash({"new": numbers(5)})
    open_as("second.ipynb").commit({"new": numbers(6)}, message="theirs")
    one.unstash()
    with pytest.raises(RefMoved, match="has not seen"):
        one.commit({"new": numbers(5)}, message="mine")


def test_before_the_first_commit(repo: Repository) -> None:
    done = repo.stash({"t": numbers(9)})
    assert dict(done.frames) == {}
    assert repo.branches() == ()
    assert values(repo.unstash().frames["t"]) == [9]
    assert repo.commit({"t": numbers(9)}, message="first").parents == ()


def test_applied_twice(one: Repository) -> None:
    one.stash({"t": numbers(9)})
    for _ in range(2):
        assert values(one.unstash(drop=False, live={"t": numbers(1)}).frames["t"]) == [9]
    assert len(one.stashes()) == 1


def test_pop_and_undo_leave_one_stash(one: Repository) -> None:
    """Undoing a pop while the frame is as it came out needs no second copy of it."""
    done = one.stash({"t": numbers(9)})
    back = one.unstash(live=dict(done.frames))
    undone = one.undo(live=dict(back.frames)).replacement
    assert values(undone.frames["t"]) == [1]
    assert undone.stash is None
    assert [values(one.read(f"{report.ref.name}:t")) for report in one.stashes()] == [[9]]


def test_the_library_and_odd_frames_come_back(one: Repository) -> None:
    odd = pd.DataFrame({("a", 1): ["x", None], "ключ": pd.Categorical(["b", "a"])}, index=pd.Index([3, 1], name="i"))
    small = pl.DataFrame({"x": [9]})
    one.stash({"t": small, "raw-data": odd, "航班": numbers(1)})
    frames = one.unstash(live={"t": pl.DataFrame({"x": [9]})}).frames
    assert isinstance(frames["t"], pl.DataFrame)
    assert frames["t"].equals(small)
    assert_same(odd, frames["raw-data"])


def test_keys_are_kept(repo: Repository) -> None:
    repo.commit({"t": numbers(1, 2)}, message="one", keys={"t": ["x"]})
    repo.stash({"t": numbers(1, 3)})
    repo.unstash(live={"t": numbers(1, 2)})
    repo.commit({"t": numbers(1, 3)}, message="two")
    assert repo.schema("t").key == ("x",)


def test_those_of_other_workspaces(one: Repository, open_as: Open) -> None:
    one.stash({"t": numbers(9)}, message="mine")
    second = open_as("second.ipynb")
    assert second.stashes() == []
    with pytest.raises(UnknownName, match="no stashes"):
        second.unstash()
    (report,) = second.stashes(everybody=True)
    assert one.head.workspace.startswith(report.workspace)
    assert values(second.unstash(report.ref.name, drop=False).frames["t"]) == [9]
    second.stash({"t": numbers(7)}, message="theirs")
    assert [found.record.commit.message for found in one.stashes(everybody=True)] == ["theirs", "mine"]
    assert [found.record.commit.message for found in one.stashes()] == ["mine"]


def test_a_great_number(one: Repository) -> None:
    for number in range(120):
        one.stash({"t": numbers(number)}, message=f"no {number}")
    assert len(one.stashes()) == 120
    assert values(one.read("stash@{119}:t")) == [0]
    assert values(one.unstash("stash@{60}").frames["t"]) == [59]
    assert values(one.read("stash@{60}:t")) == [58]
    with pytest.raises(UnknownName, match="119 stashes"):
        one.read("stash@{119}:t")


def test_the_name_of_a_stash_is_no_branch(one: Repository) -> None:
    name = one.stash({"t": numbers(9)}).stash
    assert name is not None
    before = state(one)
    with pytest.raises(UnknownName):
        one.switch(name)
    with pytest.raises(UnknownName):
        one.delete_branch(name)
    with pytest.raises(NameTaken):
        one.commit({"t": numbers(2)}, message="m", branch=name)
    assert state(one) == before
    assert name not in one.names()
