"""Rebase: the commits of a branch on top of another history, each a three-way merge of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import RefMoved, UncommittedChanges, UnknownName, UsageProblem
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.repository import Repository

ELSEWHERE = lf.WorkspaceName("eve", "box", "other.ipynb")
BASE = pd.DataFrame({"id": [1, 2, 3, 4], "price": [1.0, 2.0, 3.0, 4.0], "name": ["a", "b", "c", "d"]})


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    """A repository on branch feature, with one commit of items that main has too."""
    with lf.init(tmp_path) as found:
        found.commit({"items": BASE}, message="base", keys={"items": ["id"]})
        found.switch("feature", create=True)
        yield found
        assert found.fsck() > 1


def commit(repo: Repository, message: str, branch: str = "feature", **cells: Any) -> pd.DataFrame:
    """Commit a branch's items with some cells changed, told as ``price_2=9.0``."""
    if repo.head.branch != branch:
        repo.switch(branch)
    frame = repo.read(f"{branch}:items")
    for place, value in cells.items():
        column, row = place.rsplit("_", 1)
        frame.loc[int(row), column] = value
    repo.checkout(branch)
    repo.commit({"items": frame}, message=message)
    return frame


def messages(repo: Repository, branch: str = "feature") -> list[str]:
    return [record.commit.message for record in repo.log(branch)]


def test_commits_come_on_top_one_by_one(repo: Repository) -> None:
    repo.commit(
        {"items": BASE.assign(price=[9.0, 2.0, 3.0, 4.0])}, message="one", author=Author("Ada", "ada@example.org")
    )
    commit(repo, "two", name_1="z")
    before = repo.resolve("feature").id
    commit(repo, "theirs", "main", price_3=7.0)
    repo.switch("feature")
    live = repo.checkout("feature").frames["items"]
    done = repo.rebase("main", live={"items": live})
    assert (done.state, done.done, done.merged) == ("rebased", 2, "main")
    assert messages(repo) == ["two", "one", "theirs", "base"]
    assert all(len(record.commit.parents) < 2 for record in repo.log("feature"))
    assert repo.resolve("feature~1").commit.author == Author("Ada", "ada@example.org")
    wanted = BASE.assign(price=[9.0, 2.0, 3.0, 7.0], name=["a", "z", "c", "d"])
    pd.testing.assert_frame_equal(done.frames["items"], wanted)
    pd.testing.assert_frame_equal(repo.read("feature:items"), wanted)
    # each commit's own change is what it was
    assert repo.diff("feature~2", "feature~1")["items"].summary.cells_changed == {"price": 1}
    assert repo.diff("feature~1", "feature")["items"].summary.cells_changed == {"name": 1}
    assert repo.status({"items": done.frames["items"]}).datasets[0].state == "unchanged"
    undone = repo.undo(live={"items": done.frames["items"]})
    assert repo.resolve("feature").id == before
    pd.testing.assert_frame_equal(undone.replacement.frames["items"], live)
    repo.redo()
    assert messages(repo) == ["two", "one", "theirs", "base"]


def test_a_branch_that_stands_there_already_stays(repo: Repository) -> None:
    assert repo.rebase("main").state == "up to date"
    commit(repo, "mine", price_0=9.0)
    tip = repo.resolve("feature").id
    assert repo.rebase("main").state == "up to date"
    assert repo.resolve("feature").id == tip


def test_a_branch_without_commits_of_its_own_moves(repo: Repository) -> None:
    commit(repo, "theirs", "main", price_3=7.0)
    repo.switch("feature")
    done = repo.rebase("main")
    assert (done.state, done.done) == ("rebased", 0)
    assert repo.resolve("feature").id == repo.resolve("main").id


def test_commits_that_are_there_already_and_merges_are_left_out(repo: Repository) -> None:
    commit(repo, "same here", price_0=9.0)
    commit(repo, "same there", "main", price_0=9.0)
    repo.switch("feature")
    repo.merge("main")
    commit(repo, "mine", name_2="m")
    commit(repo, "theirs", "main", price_3=7.0)
    repo.switch("feature")
    done = repo.rebase("main")
    assert (done.state, done.done) == ("rebased", 1)
    assert messages(repo) == ["mine", "theirs", "same there", "base"]


def test_onto_another_commit(repo: Repository) -> None:
    commit(repo, "left out", price_0=9.0)
    repo.branch("lower")
    commit(repo, "mine", name_2="m")
    done = repo.rebase("lower", onto="main")
    assert (done.state, done.merged) == ("rebased", "main")
    assert messages(repo) == ["mine", "base"]
    assert repo.read("feature:items")["price"].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def clash(repo: Repository) -> Repository:
    """Three commits of which the second is in conflict with main."""
    commit(repo, "first", name_0="z")
    commit(repo, "second", price_1=5.0)
    commit(repo, "third", name_3="y")
    commit(repo, "theirs", "main", price_1=7.0)
    repo.switch("feature")
    return repo


def test_rules_decide_for_every_commit(clash: Repository) -> None:
    assert clash.rebase("main", resolve={"price": "max"}).state == "rebased"
    assert clash.read("feature:items")["price"].tolist() == [1.0, 7.0, 3.0, 4.0]
    assert messages(clash) == ["third", "first", "theirs", "base"]  # of the second one nothing is left


def test_conflicts_stop_it_until_they_are_decided(clash: Repository) -> None:
    tip = clash.resolve("feature").id
    done = clash.rebase("main")
    assert (done.state, done.open, done.done, done.left) == ("conflicts", 1, 1, 1)
    assert clash.resolve("feature").id == tip
    state = clash.half_done
    assert state is not None
    assert (state.verb, state.message, state.start) == ("rebase", "second", tip)
    with pytest.raises(UsageProblem, match="a rebase is under way"):
        clash.merge("main")
    assert clash.resume().state == "conflicts"
    frame = clash.conflicts()["items"]
    frame["resolved"] = [6.0]
    with lf.open(clash.location, workspace=ELSEWHERE) as other:
        assert other.half_done is None
    with lf.open(clash.location) as again:  # nothing of it is in this object alone
        assert again.half_done is not None
    done = clash.resume({"items": frame})
    assert (done.state, done.done) == ("rebased", 3)
    assert clash.half_done is None
    assert messages(clash) == ["third", "second", "first", "theirs", "base"]
    assert clash.read("feature:items")["price"].tolist() == [1.0, 6.0, 3.0, 4.0]
    clash.undo()
    assert clash.resolve("feature").id == tip
    assert clash.half_done is not None
    clash.undo()
    assert clash.half_done is not None  # from before `resume` stopped once more


def test_skip_and_abort(clash: Repository) -> None:
    with pytest.raises(UsageProblem, match="no merge is under way"):
        clash.skip()
    tip = clash.resolve("feature").id
    clash.rebase("main")
    assert clash.abort().verb == "rebase"
    assert (clash.half_done, clash.resolve("feature").id) == (None, tip)
    clash.rebase("main")
    assert clash.skip().state == "rebased"
    assert messages(clash) == ["third", "first", "theirs", "base"]
    assert clash.read("feature:items")["price"].tolist() == [1.0, 7.0, 3.0, 4.0]


def test_skip_is_for_rebases(clash: Repository) -> None:
    clash.merge("main")
    with pytest.raises(UsageProblem, match="a merge is under way"):
        clash.skip()


def test_what_others_add_meanwhile_comes_on_top_too(clash: Repository) -> None:
    clash.rebase("main")
    with lf.open(clash.location, workspace=ELSEWHERE) as other:
        other.switch("feature")
        other.commit({"items": other.read("feature:items").assign(more=1)}, message="other")
    done = clash.resume(resolve="theirs")
    assert (done.state, done.done) == ("rebased", 4)
    assert messages(clash) == ["other", "third", "second", "first", "theirs", "base"]
    assert clash.read("feature:items").columns.tolist() == ["id", "price", "name", "more"]


def test_a_branch_that_went_elsewhere_is_left_alone(clash: Repository) -> None:
    clash.rebase("main")
    with lf.open(clash.location, workspace=ELSEWHERE) as other:
        other.switch("feature")
        other.checkout("feature")
        other.reset("main")
    with pytest.raises(RefMoved, match="moved elsewhere"):
        clash.resume(resolve="theirs")
    assert clash.resolve("feature").id == clash.resolve("main").id


def test_uncommitted_changes_are_in_the_way_before_anything_is_done(clash: Repository) -> None:
    live = clash.checkout("feature").frames["items"].assign(price=0.0)
    with pytest.raises(UncommittedChanges):
        clash.rebase("main", resolve="theirs", live={"items": live})
    assert messages(clash)[0] == "third"


def test_what_is_unknown_or_unrelated_is_refused(repo: Repository) -> None:
    with pytest.raises(UnknownName, match="nowhere"):
        repo.rebase("nowhere")
    with pytest.raises(UsageProblem, match="no rule 'largest'"):
        repo.rebase("main", resolve="largest")
    assert messages(repo) == ["base"]


def test_removed_datasets_stay_removed(repo: Repository) -> None:
    repo.commit({"more": BASE}, message="more")
    repo.remove(["items"])
    commit_other = BASE.assign(price=0.0)
    repo.switch("main")
    repo.checkout("main")
    repo.commit({"other": commit_other}, message="other")
    repo.switch("feature")
    done = repo.rebase("main")
    assert (done.state, done.done) == ("rebased", 2)
    assert sorted(repo.dataset_names()) == ["more", "other"]
