"""Undo, redo and the reflog: every operation can be taken back, and nothing of anybody else's with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

from lineageflow_jupyter.errors import RefMoved, UncommittedChanges, UnknownName, UsageProblem
from lineageflow_jupyter.model.reports import UndoReport
from lineageflow_jupyter.repository import Repository
from tests.frames.stored_content import assert_same
from tests.repositories import Open, numbers, state, values

Frames = dict[str, Any]


@pytest.fixture
def two(repo: Repository) -> Repository:
    """Two commits of t on main, the first tagged v1; u in both."""
    repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
    repo.tag("v1", message="first")
    repo.commit({"t": numbers(2)}, message="two")
    return repo


OPERATIONS: dict[str, Callable[[Repository, Frames], object]] = {
    "commit": lambda repo, live: repo.commit({"t": numbers(3)}, message="three"),
    "commit elsewhere": lambda repo, live: (repo.branch("b"), repo.commit({"t": numbers(3)}, message="m", branch="b")),
    "rm": lambda repo, live: repo.remove(["t"]),
    "mv": lambda repo, live: repo.rename("t", "s"),
    "branch": lambda repo, live: repo.branch("b", at="main~1"),
    "branch rename": lambda repo, live: repo.rename_branch("main", "trunk"),
    "branch delete": lambda repo, live: (repo.branch("b"), repo.delete_branch("b")),
    "tag": lambda repo, live: repo.tag("v2", message="second"),
    "tag force": lambda repo, live: repo.tag("v1", force=True),
    "tag anew": lambda repo, live: repo.tag("v1", at="v1", message="better", force=True),
    "tag delete": lambda repo, live: repo.delete_tag("v1"),
    "switch -c": lambda repo, live: repo.switch("b", create=True, at="main~1", live=live),
    "reset": lambda repo, live: repo.reset("main~1"),
    "reset --hard": lambda repo, live: repo.reset("main~1", hard=True, live=live),
    "checkout": lambda repo, live: repo.checkout("main~1", live=live),
    "restore": lambda repo, live: repo.restore("t", source="main~1", live=live),
    "restore part": lambda repo, live: repo.restore("t", source="main~1", columns=["x"], live=live),
    "stash": lambda repo, live: repo.stash({"t": numbers(9)}),
    "unstash": lambda repo, live: (repo.stash({"t": numbers(9)}), repo.unstash(live=live)),
    "drop": lambda repo, live: (repo.stash({"t": numbers(9)}), repo.drop_stash()),
}


def seen(repo: Repository) -> tuple[object, ...]:
    """Refs of every kind with their annotations, HEAD's branch and what it has seen."""
    refs = repo._catalog.refs(kinds=("branch", "tag", "hidden"))
    return refs, repo.head.branch, {name: repo._workspace.seen(name) for name in repo.head.bases}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_taken_back_and_done_again(two: Repository, name: str) -> None:
    live = {"t": numbers(2), "u": numbers(1)}
    before = len(two._catalog.operations())
    states = [seen(two)]
    OPERATIONS[name](two, live)
    steps = len(two._catalog.operations()) - before
    states.append(seen(two))
    assert steps
    for _ in range(2):
        for _ in range(steps):
            two.undo()
        assert seen(two) == states[0]
        for _ in range(steps):
            two.redo()
        assert seen(two) == states[1]
    assert two.fsck() > 0


class TestFrames:
    """Undo gives back the frames that an operation replaced, whatever they held."""

    @pytest.mark.parametrize("live", [numbers(2), numbers(7)], ids=["committed", "changed"])
    @pytest.mark.parametrize(
        "operation",
        [
            lambda repo, live: repo.reset("main~1", hard=True, live=live),
            lambda repo, live: repo.checkout("main~1", ["t"], live=live, force=True),
            lambda repo, live: repo.restore("t", source="main~1", live=live),
            lambda repo, live: repo.switch("old", create=True, at="main~1", live=live, force=True),
            lambda repo, live: repo.restore("t", source="main~1", columns=["x"], live=live),
        ],
        ids=["reset", "checkout", "restore", "switch", "part"],
    )
    def test_of_what_replaced_them(
        self, two: Repository, live: pd.DataFrame, operation: Callable[[Repository, Frames], Any]
    ) -> None:
        done = operation(two, {"t": live})
        assert values(done.frames["t"]) == [1]
        undone = two.undo(live=dict(done.frames)).replacement
        assert_same(live, undone.frames["t"])
        again = two.redo(live=dict(undone.frames)).replacement
        assert values(again.frames["t"]) == [1]
        back = two.undo(live=dict(again.frames)).replacement
        assert_same(live, back.frames["t"])
        # A part that was restored is a frame that no commit holds: it goes into a stash.
        assert len(two.stashes()) == (back.stash is not None)

    def test_of_a_stash(self, two: Repository) -> None:
        done = two.stash({"t": numbers(9)}, message="half")
        assert values(done.frames["t"]) == [2]
        undone = two.undo(live=dict(done.frames)).replacement
        assert values(undone.frames["t"]) == [9]
        assert two.stashes() == []
        assert values(two.redo(live=dict(undone.frames)).replacement.frames["t"]) == [2]
        assert len(two.stashes()) == 1

    def test_of_a_stash_that_was_taken_back(self, two: Repository) -> None:
        two.stash({"t": numbers(9)})
        done = two.unstash(live={"t": numbers(2)})
        undone = two.undo(live=dict(done.frames)).replacement
        assert values(undone.frames["t"]) == [2]
        assert [report.record.datasets for report in two.stashes()] == [("t",)]
        assert values(two.unstash(live={"t": numbers(2)}).frames["t"]) == [9]

    def test_later_changes_are_stashed_first(self, two: Repository) -> None:
        two.reset("main~1", hard=True, live={"t": numbers(2)})
        report = two.undo(live={"t": numbers(1, 1)}).replacement
        assert values(report.frames["t"]) == [2]
        assert report.stash is not None
        assert values(two.read(f"{report.stash}:t")) == [1, 1]

    def test_later_changes_that_cannot_be_stored_stop_it(self, two: Repository) -> None:
        two.reset("main~1", hard=True, live={"t": numbers(2)})
        before = state(two)
        with pytest.raises(UncommittedChanges, match="cannot be stored"):
            two.undo(live={"t": pd.DataFrame({"x": [object(), 1]})})
        assert state(two) == before

    def test_frames_of_other_datasets_stay(self, two: Repository) -> None:
        two.checkout("main~1", ["t"], live={"t": numbers(2)})
        done = two.undo(live={"t": numbers(1), "u": numbers(44), "scratch": numbers(5)}).replacement
        assert set(done.frames) == {"t"}
        assert done.stash is None

    def test_a_variable_that_was_deleted_stays_so(self, two: Repository) -> None:
        two.checkout("main~1", ["t"], live={"t": numbers(2)})
        assert dict(two.undo(live={}).replacement.frames) == {}

    def test_a_step_of_frames_alone_is_taken_back_once(self, two: Repository) -> None:
        """Where the frame is gone, or is as before already, nothing is left to do; then comes the step before."""
        for live in ({}, {"t": numbers(2)}):
            two.restore("t", source="main~1", live={"t": numbers(2)})
            assert two.undo(live=live).operation.verb == "restore"
        assert two.undo().operation.detail["message"] == "two"

    def test_a_commit_leaves_the_frames(self, two: Repository) -> None:
        two.commit({"t": numbers(3)}, message="three")
        assert dict(two.undo(live={"t": numbers(3)}).replacement.frames) == {}
        assert two.status({"t": numbers(3)}).datasets[0].state == "changed"
        assert two.commit({"t": numbers(3)}, message="three, better").created

    def test_of_another_library(self, two: Repository) -> None:
        two.commit({"t": pl.DataFrame({"x": [5]})}, message="polars")
        done = two.checkout("HEAD~1", ["t"], live={"t": pl.DataFrame({"x": [5]})}, engine="pandas")
        assert isinstance(done.frames["t"], pd.DataFrame)
        back = two.checkout("HEAD", ["t"], live=dict(done.frames), engine="polars")
        assert isinstance(back.frames["t"], pl.DataFrame)


class TestOrder:
    def test_back_to_nothing_and_forward_again(self, two: Repository) -> None:
        after = seen(two)
        told = [two.undo().operation.verb for _ in range(3)]
        assert told == ["commit", "tag", "commit"]
        assert two.branches() == two.tags() == ()
        with pytest.raises(UsageProblem, match="nothing to undo"):
            two.undo()
        assert [two.redo().operation.verb for _ in range(3)] == ["commit", "tag", "commit"]
        assert seen(two) == after
        with pytest.raises(UsageProblem, match="nothing to do again"):
            two.redo()

    def test_undo_redo_undo(self, two: Repository) -> None:
        tips = [two.resolve("main").id, two.resolve("main~1").id]
        for expected in (1, 0, 1, 0):
            (two.undo if expected else two.redo)()
            assert two.resolve("main").id == tips[expected]
        assert two.undo().operation.verb == "commit"
        assert two.undo().operation.verb == "tag"

    def test_something_new_ends_what_can_be_done_again(self, two: Repository) -> None:
        two.undo()
        two.branch("b")
        with pytest.raises(UsageProblem, match="nothing to do again"):
            two.redo()
        assert two.undo().operation.verb == "branch"
        assert two.redo().operation.verb == "branch", "but the undo of something new can be taken back again"

    def test_across_reopening(self, two: Repository, open_as: Open) -> None:
        two.checkout("main~1", ["t"], live={"t": numbers(8)}, force=True)
        two.close()
        again = open_as("first.ipynb")
        assert values(again.undo(live={"t": numbers(1)}).replacement.frames["t"]) == [8]
        again.close()
        last = open_as("first.ipynb")
        assert values(last.redo(live={"t": numbers(8)}).replacement.frames["t"]) == [1]

    def test_what_changes_nothing_is_no_operation(self, two: Repository) -> None:
        two.read("main~1:t")
        two.status({"t": numbers(3)})
        two.commit({"t": numbers(2)}, message="nothing")
        two.switch("main")
        two.reset("main")
        two.restore("t", live={"t": numbers(2)})
        two.reset("main", hard=True, live={"t": numbers(2)})
        two.add(["w"])
        assert two.undo().operation.detail["message"] == "two"

    def test_more_operations_than_are_read_at_once(self, two: Repository) -> None:
        before = seen(two)
        for number in range(60):
            two.branch(f"b{number}")
        for _ in range(60):
            two.undo()
        assert seen(two) == before
        for _ in range(60):
            two.redo()
        assert len(two.branches()) == 61

    def test_an_empty_repository(self, repo: Repository) -> None:
        for verb in (repo.undo, repo.redo):
            with pytest.raises(UsageProblem, match="reflog"):
                verb()
        repo.switch("draft", create=True)
        assert repo.undo().replacement.branch == "main"


class TestOthers:
    def test_their_operations_are_not_undone(self, two: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        with pytest.raises(UsageProblem, match="nothing to undo"):
            second.undo()
        second.branch("theirs")
        assert two.undo().operation.detail["message"] == "two"
        assert "theirs" in two.names()

    def test_a_branch_that_they_moved_is_left_alone(self, two: Repository, open_as: Open) -> None:
        second = open_as("second.ipynb")
        second.commit({"u": numbers(5)}, message="theirs on top")
        before = state(two)
        with pytest.raises(RefMoved) as raised:
            two.undo()
        assert "'main' has moved since that commit" in raised.value.problem
        assert "'theirs on top'" in raised.value.problem
        assert "%lf reset" in raised.value.remedy
        assert state(two) == before
        second.undo()
        assert two.undo().operation.detail["message"] == "two"

    def test_a_branch_that_they_deleted_or_made_again(self, two: Repository, open_as: Open) -> None:
        two.branch("b")
        second = open_as("second.ipynb")
        second.delete_branch("b")
        with pytest.raises(RefMoved, match="is gone"):
            two.undo()
        second.branch("b", at="main~1")
        with pytest.raises(RefMoved, match="'b' has moved"):
            two.undo()

    def test_a_name_that_they_took(self, two: Repository, open_as: Open) -> None:
        two.delete_tag("v1")
        open_as("second.ipynb").tag("v1")
        before = state(two)
        with pytest.raises(RefMoved, match="'v1' has moved"):
            two.undo()
        assert state(two) == before


class TestTags:
    def message(self, repo: Repository) -> str | None:
        found = {ref.name: ref.annotation for ref in repo.tags()}["v1"]
        return None if found is None else found.message

    def test_the_old_annotation_comes_back(self, two: Repository) -> None:
        """Whether the tag moved, was annotated anew where it is, or lost its annotation."""
        told: list[str | None] = [self.message(two)]
        moves = [("v1", "second"), ("main", "third"), ("main~1", None), ("main", "fifth"), ("main", "sixth")]
        for at, message in moves:
            two.tag("v1", at=at, message=message, force=True)
            told.append(self.message(two))
        assert told == ["first", "second", "third", None, "fifth", "sixth"]
        for expected in reversed(told[:-1]):
            two.undo()
            assert self.message(two) == expected
        for expected in told[1:]:
            two.redo()
            assert self.message(two) == expected
        two.undo()
        assert self.message(two) == "fifth"

    def test_time_and_author_too(self, two: Repository) -> None:
        before = two.tags()
        two.tag("v1", force=True)
        two.delete_tag("v1")
        two.undo()
        two.undo()
        assert two.tags() == before


class TestReflog:
    def test_of_a_branch(self, two: Repository) -> None:
        two.reset("main~1")
        moves = two.reflog("main")
        assert [move.operation.verb for move in moves] == ["reset", "commit", "commit"]
        assert [two.resolve(f"main@{{{number}}}").id for number in range(3)] == [move.after for move in moves]
        assert moves[-1].before is None
        assert two.reflog("main", skip=1, limit=1) == moves[1:2]
        with pytest.raises(UnknownName, match="main has not moved so often"):
            two.resolve("main@{3}")

    def test_of_head(self, two: Repository, open_as: Open) -> None:
        two.switch("b", create=True, at="main~1")
        two.switch("main")
        assert [(move.branch, move.operation.verb) for move in two.reflog(limit=2)] == [
            ("main", "switch"),
            ("b", "switch"),
        ]
        assert two.resolve("HEAD@{1}") == two.resolve("b")
        assert two.resolve("@{0}") == two.resolve("main@{0}")
        assert open_as("second.ipynb").reflog() == ()

    def test_it_outlives_its_ref(self, two: Repository) -> None:
        two.branch("b")
        lost = two.resolve("b").id
        two.delete_branch("b")
        moves = two.reflog("b")
        assert (moves[0].before, moves[0].after) == (lost, None)
        assert two.resolve("b@{1}").id == lost
        with pytest.raises(UnknownName, match="pointed to nothing"):
            two.resolve("b@{0}")

    def test_of_what_never_was(self, two: Repository) -> None:
        with pytest.raises(UnknownName, match=r"no ref 'mian'. Did you mean main"):
            two.reflog("mian")
        assert two.reflog("main", skip=99) == ()

    def test_of_a_stash_that_was_dropped(self, two: Repository) -> None:
        stash = two.stash({"t": numbers(9)}).stash
        two.drop_stash()
        assert stash is not None
        assert [move.operation.verb for move in two.reflog(stash)] == ["stash drop", "stash"]
        assert values(two.read(f"{stash}@{{1}}:t")) == [9]


def test_the_report_tells_what_was_undone(two: Repository) -> None:
    report = two.undo()
    assert isinstance(report, UndoReport)
    assert (report.operation.verb, report.operation.detail["message"]) == ("commit", "two")
    assert report.replacement.branch == "main"
    assert report.replacement.commit == two.resolve("main")
    assert two.undo().replacement.commit == two.resolve("main")
    assert two.undo().replacement.commit is None
