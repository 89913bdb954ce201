"""Repositories that are opened without a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import InvalidName, NotARepository, RefMoved, UnknownName
from lineageflow_jupyter.opening import create, visit
from lineageflow_jupyter.repository import Repository


def numbers(*values: int) -> pd.DataFrame:
    return pd.DataFrame({"x": list(values)})


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path, workspace=lf.WorkspaceName("ada", "box", "a.ipynb")) as repository:
        repository.commit({"t": numbers(1)}, message="one")
        yield repository


def test_whatever_is_done_no_workspace_remains(notebook: Repository, tmp_path: Path) -> None:
    with visit(tmp_path) as repository:
        assert repository.read("t")["x"].tolist() == [1]
        repository.commit({"t": numbers(2), "u": numbers(3)}, message="two")
        repository.commit({"t": numbers(4)}, message="three")
        repository.remove(["u"])
        repository.tag("v1")
        repository.branch("side")
        repository.rename_branch("side", "other")
        repository.delete_branch("other")
    assert [record.name.path for record in notebook.workspaces()] == ["a.ipynb"]
    assert notebook.read("t")["x"].tolist() == [4]
    assert notebook.fsck() > 0


def test_what_it_did_is_in_the_logs(notebook: Repository, tmp_path: Path) -> None:
    with visit(tmp_path) as repository:
        made = repository.commit({"t": numbers(2)}, message="two")
    (move, _) = notebook.reflog("main")
    assert (move.after, move.operation.verb, move.operation.workspace) == (made.id, "commit", "")


def test_it_starts_from_the_branch_and_sees_no_more(notebook: Repository, tmp_path: Path) -> None:
    with visit(tmp_path) as repository:
        notebook.commit({"t": numbers(2)}, message="two")
        with pytest.raises(RefMoved, match="not the one your frame started from"):
            repository.commit({"t": numbers(3)}, message="three")
    with visit(tmp_path) as repository:
        assert repository.commit({"t": numbers(3)}, message="three").created


def test_another_branch(notebook: Repository, tmp_path: Path) -> None:
    notebook.branch("fix")
    with visit(tmp_path, branch="fix") as repository:
        made = repository.commit({"t": numbers(2)}, message="two")
    assert notebook.resolve("fix").id == made.id != notebook.resolve("main").id
    for name in ("fxi", "v1"):
        notebook.tag("v1", force=True)
        with pytest.raises(UnknownName, match="there is no branch"):
            visit(tmp_path, branch=name)


def test_the_first_commit_of_all_may_begin_any_branch(tmp_path: Path) -> None:
    create(tmp_path)
    with visit(tmp_path, branch="trunk") as repository:
        repository.commit({"t": numbers(1)}, message="one")
    with pytest.raises(UnknownName, match="such as trunk"):
        visit(tmp_path)
    with visit(tmp_path, branch="trunk") as repository:
        assert [record.commit.message for record in repository.log()] == ["one"]


def test_what_cannot_be_visited(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        visit(tmp_path)
    create(tmp_path)
    with pytest.raises(InvalidName):
        visit(tmp_path, branch="no name")
