"""What must not grow with the history: the number of questions that the catalog is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

import lineageflow_jupyter as lf
from lineageflow_jupyter.config import settings
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.kernel.glance import THREAD
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.shell import TestingShell

NOTEBOOK = "analysis.ipynb"
SIZES = (5, 35)
MORE = 6
"""Statements that the larger one may take more: its graph is read in two spans. One for each commit would be 30."""


def workspace(folder: Path) -> WorkspaceName:
    found = settings()
    return WorkspaceName(found.user, found.host, str(folder / NOTEBOOK))


def make(folder: Path, size: int) -> Path:
    """A repository with as many commits, each of another dataset, branches, tags, stashes and workspaces."""
    with lf.init(folder, workspace=workspace(folder)) as repository:
        for number in range(size):
            frame = pd.DataFrame({"x": [number, 2]})
            repository.commit({f"table_{number:02d}": frame}, message=f"add {number}")
            repository.branch(f"branch/{number}")
            repository.tag(f"v{number}")
            repository.stash({f"table_{number:02d}": frame + 1})
            repository.switch(f"branch/{number}")
            repository.switch("main")
    for number in range(size):
        lf.open(folder, workspace=WorkspaceName("ada", "host", f"{number}.ipynb")).close()
    return folder


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return {size: make(tmp_path_factory.mktemp(f"of {size}"), size) for size in SIZES}


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """All SQL that connections made from now on run, whoever sends it to the driver.

    But for what completion asks ahead beside the line, whenever a thread comes to it.
    """
    found: list[str] = []

    def note(statement: str) -> None:
        if threading.current_thread().name != THREAD:
            found.append(statement)

    def trace(connection: object, _: object) -> None:
        connection.set_trace_callback(note)  # type: ignore[attr-defined]

    sa.event.listen(sa.pool.Pool, "connect", trace)
    yield found
    sa.event.remove(sa.pool.Pool, "connect", trace)


ACTIONS: dict[str, Callable[[Repository, int], object]] = {
    "a page of the log": lambda repository, size: repository.log(limit=4),
    "the log of all": lambda repository, size: repository.log(everything=True, limit=4),
    "an ancestor": lambda repository, size: repository.resolve(f"HEAD~{size - 1}"),
    "a point of the reflog": lambda repository, size: repository.resolve(f"main@{{{size - 1}}}"),
    "a moment": lambda repository, size: repository.resolve("main@{now}"),
    "status": lambda repository, size: repository.status({}),
    "branches": lambda repository, size: repository.compared_branches(),
    "stashes": lambda repository, size: repository.stashes(),
    "workspaces": lambda repository, size: repository.workspaces(),
    "a branch that is created": lambda repository, size: repository.switch(f"new/{size}", create=True),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_it_takes_hardly_more_statements_where_the_history_is_longer(
    repositories: dict[int, Path], statements: list[str], action: str
) -> None:
    counts = {}
    for size, folder in repositories.items():
        with lf.open(folder, workspace=workspace(folder)) as repository:
            statements.clear()
            ACTIONS[action](repository, size)
            counts[size] = len(statements)
    assert counts[35] <= counts[5] + MORE, counts
    assert counts[SIZES[0]] > 0


@pytest.mark.parametrize(
    "line",
    ["log -n 4", "log --graph --all -n 4", "status", "branch", "tag", "stash list", "reflog", "workspace", "switch v"],
)
def test_lines_take_hardly_more_statements_where_the_history_is_longer(
    repositories: dict[int, Path], statements: list[str], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    counts = {}
    for size, folder in repositories.items():
        monkeypatch.chdir(folder)
        monkeypatch.setenv("JPY_SESSION_NAME", str(folder / NOTEBOOK))
        monkeypatch.setenv(
            "LINEAGEFLOW_TRACK", "0"
        )  # cells are recorded beside the line, whenever a thread comes to it
        with TestingShell.start() as shell:
            shell.run("%load_ext lineageflow_jupyter")
            shell.run("%lf open .")
            shell.run("table_01 = %lf read table_01")
            statements.clear()
            if line == "switch v":
                shell.run("%lf switch branch/1")
                shell.run("%lf switch main")
            else:
                assert shell.run(f"%lf {line}") is not None
            counts[size] = len(statements)
            shell.run("%unload_ext lineageflow_jupyter")
    assert counts[35] <= counts[5] + MORE, counts


def test_opening_takes_as_many_statements_however_many_workspaces_there_are(
    repositories: dict[int, Path], statements: list[str]
) -> None:
    counts = {}
    for size, folder in repositories.items():
        statements.clear()
        lf.open(folder, workspace=workspace(folder)).close()
        counts[size] = len(statements)
    assert counts[5] == counts[35] > 0


def test_each_dataset_may_have_been_seen_at_another_commit(tmp_path: Path) -> None:
    """What others changed since is told, dataset by dataset; what is gone from a commit was not seen there."""
    size = 25
    folder = make(tmp_path, size)
    with lf.open(folder, workspace=workspace(folder)) as ours, lf.open(folder) as theirs:
        assert len(set(ours.head.bases.values())) == size
        assert {status.behind for status in ours.status({}).datasets} == {False}
        frame = pd.DataFrame({"x": [9]})
        theirs.commit({"table_03": frame, "table_20": frame, "table_99": frame}, message="others")
        theirs.remove(["table_05"])
        found = ours.status({"table_07": ours.read("table_07")}).datasets
        assert [status.dataset for status in found if status.behind] == ["table_03", "table_20", "table_99"]
        assert [status.state for status in found if status.dataset == "table_07"] == ["unchanged"]
        assert len(found) == size  # without the one that was removed, with the new one


@pytest.mark.parametrize("revision", ["HEAD~500", "HEAD~99999999999999999999", "v3~4", "HEAD~1~1~1000000000"])
def test_a_way_that_is_too_long_is_refused(repositories: dict[int, Path], revision: str) -> None:
    folder = repositories[SIZES[0]]
    with (
        lf.open(folder, workspace=workspace(folder)) as repository,
        pytest.raises(UnknownName, match=r"does not exist: commit [0-9a-f]{7} has no parents"),
    ):
        repository.resolve(revision)
