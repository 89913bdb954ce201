"""Notebooks in kernels of their own: two at once, two tabs on one, after a restart, and run without a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel
from nbformat import v4

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.cells import CellRun
from tests.lineage.folding import folded, named_edges
from tests.lineage.truth import FRAMES, START, spelled

pytestmark = pytest.mark.notebook

SECONDS = 120.0
LOAD = "%load_ext lineageflow_jupyter"
DONE = "%unload_ext lineageflow_jupyter"
CLEAN = "new = df[df.b > limit]"
WRITTEN = "df.* > new; df.b filter> new"


class Tab:
    """One tab: a notebook in a kernel."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager, self._client = manager, client

    def run(self, code: str) -> str:
        """Run a cell; what it showed."""
        shown: list[str] = []

        def keep(message: dict[str, dict[str, dict[str, str]]]) -> None:
            shown.append(message["content"].get("data", {}).get("text/plain", ""))

        reply = self._client.execute_interactive(code, timeout=SECONDS, output_hook=keep)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(shown)

    def restart(self) -> None:
        """Restart its kernel."""
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=SECONDS)


@contextmanager
def tab(notebook: Path) -> Iterator[Tab]:
    """A kernel for a notebook, as a Jupyter server starts it."""
    env = {**os.environ, "JPY_SESSION_NAME": str(notebook), "LINEAGEFLOW_AUTHOR_NAME": "Ada"}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(notebook.parent), env=env)
    try:
        made = Tab(manager, client)
        made.run(LOAD)
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with lf.init(tmp_path):
        pass
    return tmp_path


def runs(folder: Path) -> list[CellRun]:
    """All recorded runs that have frames to do with, oldest first."""
    with lf.open(folder) as repository:
        return [run for run in reversed(repository.cell_runs()) if run.reads or run.writes]


def edges(run: CellRun) -> set[str]:
    columns = {name: names.split() for name, names in FRAMES.items()}
    return named_edges(folded(run.operations, columns), {"new": columns["df"]})


def wanted() -> set[str]:
    columns = {name: names.split() for name, names in FRAMES.items()}
    return spelled(WRITTEN, columns, {"new": columns["df"]})


def test_tabs_notebooks_and_a_restart(folder: Path) -> None:
    one, two = folder / "one.ipynb", folder / "two.ipynb"
    with tab(one) as first, tab(one) as second, tab(two) as other:
        first.run(START)
        second.run(START)
        first.run("df['b'] = df.b * 2")
        second.run("df['b'] = 0")
        first.run("new = df[['b']]")
        second.run("new = df[['b']]")
        first.run("%lf commit df -m raw;")
        other.run("flights = %lf read df")
        other.run("late = flights[flights.b > 6]")
        first.restart()
        first.run(LOAD)
        assert "df['b'] = df.b * 2" in first.run("%lf log --cells df")
        first.run(START)
        first.run("del df")
        for each in (first, second, other):
            each.run(DONE)
    found = runs(folder)
    assert all(write.seen for run in found for write in run.writes)
    kernels: dict[str, list[CellRun]] = {}
    for run in found:
        kernels.setdefault(run.session, []).append(run)
    ours = [each for each in kernels.values() if each[0].notebook.endswith("one.ipynb")]
    assert len(kernels) == 4
    assert len(ours) == 3
    assert len({run.workspace for each in ours for run in each}) == 1
    for told_by in ours[:2]:
        changed, chosen = told_by[1:3]
        (write,) = changed.writes
        # Each tab goes on from its own frame, though the other's has the same name and notebook.
        assert write.before == next(
            each.after for each in told_by[0].writes if each.after and each.after.variable == "df"
        )
        assert [state.table for state in chosen.reads] == [write.after.table if write.after else None]
    assert [write.after for write in ours[2][-1].writes] == [None]


def written(folder: Path) -> Path:
    """A notebook whose cells are recorded, on disk."""
    cells = [LOAD, START, CLEAN, DONE]
    made = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    made.cells.insert(0, v4.new_code_cell("limit = 4", metadata={"tags": ["parameters"]}))
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "report.ipynb"
    nbformat.write(made, path)
    return path


HEADLESS = {
    "nbconvert": ["nbconvert", "--execute", "--to", "notebook", "--output", "out.ipynb", "report.ipynb"],
    "papermill": ["papermill", "report.ipynb", "out.ipynb", "-p", "limit", "3", "--no-progress-bar"],
}


@pytest.mark.parametrize("tool", HEADLESS)
def test_without_a_browser(folder: Path, tool: str) -> None:
    written(folder)
    subprocess.run(
        [sys.executable, "-m", *HEADLESS[tool]], cwd=folder, check=True, capture_output=True, timeout=SECONDS
    )
    (chosen,) = [run for run in runs(folder) if run.code == CLEAN]
    assert [state.variable for state in chosen.reads] == ["df"]
    assert [write.after.variable for write in chosen.writes if write.after] == ["new"]
    assert edges(chosen) == wanted()
    rows = {"nbconvert": 2, "papermill": 3}[tool]
    assert chosen.writes[0].after is not None
    assert chosen.writes[0].after.rows == rows
