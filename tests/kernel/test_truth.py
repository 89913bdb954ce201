"""Small notebooks in a real shell, and what must be recorded of each: reads, writes, and which columns fed which."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.utils.io import capture_output

from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.lineage.holding import held_frames
from lineageflow_jupyter.model.cells import CellRun, FrameWrite
from lineageflow_jupyter.testing.shell import TestingShell
from tests.lineage.downstream import OTHER, Columns, Values, downstream, values
from tests.lineage.folding import folded, named_edges, named_opaque
from tests.lineage.truth import START, Book, spelled
from tests.lineage.truth_calls import CALLS, MODELS
from tests.lineage.truth_cells import CONTROL, EDITS, MAGICS, UNSEEN

TRUTH = {**CALLS, **MODELS, **EDITS, **CONTROL, **MAGICS, **UNSEEN}
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword", "ignore:Downcasting behavior")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestingShell]:
    """A shell with a repository, for all notebooks one after another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("truth"))
        patch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Ada")
        with TestingShell.start() as shell:
            shell.run("%load_ext lineageflow_jupyter")
            shell.run("%lf init;")
            yield shell
            shell.run("%unload_ext lineageflow_jupyter")


@pytest.fixture
def fresh(shell: TestingShell) -> Iterator[TestingShell]:
    """The shell with the frames that every notebook begins with, and nothing else."""
    names = set(shell.user_ns)
    shell.run(START)
    yield shell
    left = [name for name in shell.user_ns if name not in names and not name.startswith("_")]
    shell.run(f"del {', '.join(left)}")


def recorded(shell: TestingShell, code: str, raises: str) -> CellRun:
    """Run a cell; what was recorded of it."""
    result = shell.run_cell(code, store_history=True)  # type: ignore[no-untyped-call]
    problem = result.error_before_exec or result.error_in_exec
    assert (type(problem).__name__ if problem else "") == raises, problem
    magic = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(magic, LineMagic)
    magic.tracking.flush()
    assert magic.tracking.problem == ""
    (run,) = magic.session.repository.cell_runs(limit=1)
    assert run.code == code
    return run


def columns(variables: dict[str, Any]) -> Columns:
    """Columns of all frames among variables, by how a notebook calls them."""
    found = {}
    for name, value in variables.items():
        if not name.startswith("_"):
            for called, frame in held_frames(name, value, is_frame):
                labels = frame.columns if hasattr(frame, "columns") else [frame.name]
                found[called] = ["" if label is None else str(label) for label in labels]
    return found


def told(write: FrameWrite) -> str:
    assert write.seen
    if write.before is None:
        return f"+{write.after.variable}"  # type: ignore[union-attr]
    return f"{'-' if write.after is None else '~'}{write.before.variable}"


@pytest.mark.parametrize("name", TRUTH)
def test_what_is_recorded_is_true(fresh: TestingShell, name: str) -> None:
    for cell in TRUTH[name].cells:
        before = columns(fresh.user_ns)
        run = recorded(fresh, cell.code, cell.raises)
        after = columns(fresh.user_ns)
        assert {state.variable for state in run.reads} == {*cell.reads.split(), *cell.could.split()}, cell.code
        assert {told(write) for write in run.writes} == set(cell.writes.split()), cell.code
        flows = folded(run.operations, before)
        assert named_edges(flows, after) == spelled(cell.edges, before, after), cell.code
        assert named_opaque(flows) == set(cell.opaque.split()), cell.code
        assert [mark.partition(",")[0] for mark in run.opaque] == [cell.marks] * bool(cell.marks), cell.code


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Book, str], Values]]:
    """Runs a notebook in a shell without us, after a line that changes what it begins with; what its columns hold."""
    with TestingShell.start() as shell:
        own = set(shell.user_ns)

        def ran(book: Book, line: str) -> Values:
            with capture_output():
                shell.run(START + line)
                for cell in book.cells:
                    shell.run_cell(cell.code, store_history=False)
            found = values(shell.user_ns)
            for name in set(shell.user_ns) - own:
                del shell.user_ns[name]
            return found

        yield ran


@pytest.mark.parametrize("name", TRUTH)
def test_what_changes_hangs_on_what_was_changed(
    fresh: TestingShell, plain: Callable[[Book, str], Values], name: str
) -> None:
    """An oracle that nobody writes down: a notebook runs as it is, recorded, and then without us on other values.

    A column that comes out differently must be downstream of the one that was changed: by edges, by a mark that
    something could not be seen, or as a frame of a cell that changed it without any call being seen. Only what the
    table calls unseen is let through, and it must be needed.
    """
    book = TRUTH[name]
    runs = []
    for cell in book.cells:
        before = columns(fresh.user_ns)
        runs.append((recorded(fresh, cell.code, cell.raises), before, columns(fresh.user_ns)))
    base = plain(book, "")
    missing = set()
    for start, line in OTHER.items():
        other = plain(book, line)
        differ = {node for node, value in base.items() if other.get(node) != value}
        missing |= {(start, node) for node in differ - downstream(start, runs)}
    known = spelled(book.unseen, columns(fresh.user_ns) | {"df": ["k", "a", "b"]}, columns(fresh.user_ns))
    assert {f"{frame}.{column} -> {other}.{target} value" for (frame, column), (other, target) in missing} == known


def test_functions_of_a_module_that_is_edited(fresh: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``%autoreload``: what the new code does is recorded, on the line of the cell that called it."""
    monkeypatch.syspath_prepend(str(Path.cwd()))
    module = Path("cleaning.py")
    module.write_text("def cleaned(frame):\n    return frame.dropna()\n")
    fresh.run("%load_ext autoreload\n%autoreload 2\nimport cleaning")
    try:
        run = recorded(fresh, "x = 1\nnew = cleaning.cleaned(df)", "")
        assert [(each.call, each.line) for each in run.operations] == [("DataFrame.dropna", 2)]
        module.write_text("def cleaned(frame):\n    frame['c'] = 1\n    return frame.head(1).fillna(0)  # edited\n")
        os.utime(module, (time.time() + 10, time.time() + 10))
        run = recorded(fresh, "new = cleaning.cleaned(df)", "")
        calls = [("DataFrame.__setitem__", 1), ("DataFrame.head", 1), ("DataFrame.fillna", 1)]
        assert [(each.call, each.line) for each in run.operations] == calls
        assert {told(write) for write in run.writes} == {"~df", "~new"}
    finally:
        fresh.run("%autoreload 0")
        sys.modules.pop("cleaning", None)
