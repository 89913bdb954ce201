"""What undo, reset and stashes owe to other workspaces, and to frames that are nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import RefMoved, UnknownName
from lineageflow_jupyter.repository import Repository
from tests.frames.stored_content import assert_same

Open = Callable[[str], Repository]


@pytest.fixture
def open_as(tmp_path: Path) -> Iterator[Open]:
    """Opens the test's repository as the workspace of some notebook."""
    with ExitStack() as stack:

        def opened(notebook: str) -> Repository:
            name = lf.WorkspaceName("ada", "box", notebook)
            present = (tmp_path / ".lineageflow").exists()
            return stack.enter_context((lf.open if present else lf.init)(tmp_path, workspace=name))

        yield opened


@pytest.fixture
def repo(open_as: Open) -> Repository:
    return open_as("first.ipynb")


def numbers(*values: int) -> pd.DataFrame:
    return pd.DataFrame({"x": list(values)})


def commit(repo: Repository, *values: int, dataset: str = "t") -> bytes:
    return repo.commit({dataset: numbers(*values)}, message=f"{dataset} {values}").id


class TestBases:
    def test_undo_gives_back_what_a_new_workspace_had_seen(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        repo.branch("dev")
        other = open_as("second.ipynb")
        before = other.head
        other.switch("dev")
        other.undo()
        assert other.head == before
        assert other.commit({"t": numbers(2)}, message="from what it started with").created

    def test_undo_in_one_tab_is_no_look_at_what_the_other_has_committed(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        repo.branch("dev")
        other_tab = open_as("first.ipynb")
        commit(other_tab, 2)
        repo.switch("dev")
        repo.undo()
        with pytest.raises(RefMoved):
            commit(repo, 3)

    def test_a_soft_reset_to_before_a_removal_is_no_look_at_what_was_removed(
        self, repo: Repository, open_as: Open
    ) -> None:
        commit(repo, 1)
        other = open_as("second.ipynb")
        commit(other, 2)
        other.remove(["t"])
        repo.reset("HEAD~1")
        with pytest.raises(RefMoved, match="read main:t"):
            commit(repo, 3)

    def test_a_soft_reset_to_before_its_own_removal_goes_on_from_there(self, repo: Repository) -> None:
        commit(repo, 1)
        repo.remove(["t"])
        repo.reset("HEAD~1")
        assert repo.commit({"t": numbers(2)}, message="the next").created


class TestUndo:
    def test_what_left_no_trace_to_take_back_is_taken_back_once(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        repo.branch("dev")
        other = open_as("second.ipynb")
        other.branch("try")
        other.switch("try")
        repo.tag("v1")
        repo.switch("dev")
        repo.adopt(other.head.workspace)  # HEAD is elsewhere: undoing the switch moves nothing
        assert repo.undo().operation.verb == "switch"
        assert repo.undo().operation.verb == "tag"
        assert repo.redo().operation.verb == "tag"
        assert repo.redo().operation.verb == "switch"

    def test_a_branch_that_was_created_and_taken_back_begins_not_anew_under_another_workspace(
        self, repo: Repository, open_as: Open
    ) -> None:
        commit(repo, 1)
        repo.switch("dev", create=True)
        other = open_as("second.ipynb")
        other.switch("dev")
        repo.undo()
        with pytest.raises(UnknownName, match="'dev' was deleted"):
            commit(other, 2)

    def test_a_rename_that_was_taken_back_leaves_no_branch_to_begin_anew(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        repo.rename_branch("main", "trunk")
        other = open_as("second.ipynb")
        other.switch("trunk")
        repo.undo()
        with pytest.raises(UnknownName, match="'trunk' was renamed to 'main'"):
            commit(other, 2)

    def test_the_first_commit(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        other = open_as("second.ipynb")
        repo.undo()
        assert repo.branches() == ()
        assert commit(other, 2) == other.resolve("main").id
        with pytest.raises(RefMoved):
            repo.redo()

    def test_a_switch_from_a_branch_that_is_gone_is_refused(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        repo.switch("dev", create=True)
        repo.switch("main")
        open_as("second.ipynb").delete_branch("dev")
        with pytest.raises(RefMoved, match="'dev' was deleted"):
            repo.undo()
        assert repo.head.branch == "main"

    def test_what_a_reset_stashed_comes_back_although_no_variable_holds_it(self, repo: Repository) -> None:
        commit(repo, 1)
        repo.reset("HEAD", hard=True, live={"t": numbers(7)})
        assert_same(numbers(7), repo.undo().replacement.frames["t"])

    def test_a_stashed_frame_that_no_branch_holds_comes_back(self, repo: Repository) -> None:
        commit(repo, 1)
        repo.stash({"t": numbers(2), "new": numbers(7)})
        back = repo.undo(live={"t": numbers(1), "new": numbers(8)}).replacement
        assert_same(numbers(2), back.frames["t"])
        assert_same(numbers(7), back.frames["new"])
        assert_same(numbers(8), repo.read(f"{back.stash}:new"))
        assert [report.ref.name for report in repo.stashes()] == [back.stash]

    def test_a_stash_that_is_popped_again_gives_its_frame_again(self, repo: Repository) -> None:
        commit(repo, 1)
        repo.stash({"t": numbers(7)})
        repo.unstash()
        repo.undo(live={"t": numbers(7)})
        back = repo.redo(live={"t": numbers(8)}).replacement  # what was edited meanwhile takes its place
        assert_same(numbers(7), back.frames["t"])
        assert_same(numbers(8), repo.read(f"{back.stash}:t"))

    def test_a_stash_that_is_dropped_again_is_dropped(self, repo: Repository) -> None:
        commit(repo, 1)
        repo.stash({"t": numbers(7)})
        repo.drop_stash()
        repo.undo()
        assert repo.redo(live={"t": numbers(1)}).replacement.frames == {}
        assert repo.stashes() == []


class TestStash:
    def test_a_frame_that_somebody_else_committed_meanwhile_comes_back(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        commit(open_as("second.ipynb"), 2)
        repo.checkout("main~1", live={"t": numbers(2)}, force=True)
        assert_same(numbers(2), repo.unstash(live={"t": numbers(1)}).frames["t"])


class TestTag:
    def test_undo_gives_a_tag_the_words_it_had(self, repo: Repository) -> None:
        commit(repo, 1)
        for message in ("first", "second", "third"):
            repo.tag("v1", message=message, force=True)
        for message in ("second", "first"):
            repo.undo()
            assert [tag.annotation.message for tag in repo.tags() if tag.annotation] == [message]

    def test_undo_drops_no_words_of_somebody_else(self, repo: Repository, open_as: Open) -> None:
        commit(repo, 1)
        repo.tag("v1")
        open_as("second.ipynb").tag("v1", message="reviewed", force=True)
        with pytest.raises(RefMoved, match=r"'v1' was given another message since that tag.*%lf tag"):
            repo.undo()
        assert [tag.annotation.message for tag in repo.tags() if tag.annotation] == ["reviewed"]

    def test_a_tag_that_is_moved_without_words_has_none(self, repo: Repository) -> None:
        commit(repo, 1)
        repo.tag("v1", message="words")
        repo.tag("v1", force=True)
        assert [tag.annotation for tag in repo.tags()] == [None]
        repo.undo()
        assert [tag.annotation.message for tag in repo.tags() if tag.annotation] == ["words"]
        repo.redo()
        assert [tag.annotation for tag in repo.tags()] == [None]
