"""What undo, reset and stashes owe to other workspaces, and to frames that are nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import RefMoved
from lineageflow_jupyter.repository import Repository

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
