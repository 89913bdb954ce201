"""The recorder of operations in a real shell: what is recorded with a cell, and that it leaves no trace."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.model.cells import CellRun
from lineageflow_jupyter.testing.shell import TestingShell

SETUP = "import pandas as pd\ndf = pd.DataFrame({'a': [1.0, None, 3.0], 'b': [4, 5, 6], 'k': list('xyx')})"


def magic(shell: TestingShell) -> LineMagic:
    found = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(found, LineMagic)
    return found


def last(shell: TestingShell) -> CellRun:
    """The run that was recorded last."""
    magic(shell).tracking.flush()
    assert magic(shell).tracking.problem == ""
    return magic(shell).session.repository.cell_runs(limit=1)[0]


def calls(run: CellRun) -> list[tuple[int | None, str]]:
    return [(each.line, each.call) for each in run.operations]


@pytest.fixture
def book(committed: TestingShell) -> TestingShell:
    """A notebook with a frame."""
    committed.run(SETUP)
    return committed


LINES = {
    "plain": ("\n\nnew = df.dropna()", [(3, "DataFrame.dropna")]),
    "timed": ("%%time\n\nnew = df.dropna()\nnew = new.head(1)", [(3, "DataFrame.dropna"), (4, "DataFrame.head")]),
    "one line timed": ("x = 1\n%time new = df.dropna()", [(2, "DataFrame.dropna")]),
    "captured": ("%%capture\nx = 1\nnew = df.dropna()", [(3, "DataFrame.dropna")]),
    "captured and timed": ("%%capture out\n%%time\nx = 1\nnew = df.dropna()", [(4, "DataFrame.dropna")]),
    "awaited": ("import asyncio\nawait asyncio.sleep(0)\nnew = df.dropna()", [(3, "DataFrame.dropna")]),
    "in a function": ("def f(d):\n    return d.dropna()\n\nnew = f(df)", [(2, "DataFrame.dropna")]),
    "after an exception": (
        "try:\n    df.drop(columns='nothing')\nexcept KeyError:\n    new = df.dropna()",
        [(4, "DataFrame.dropna")],
    ),
    "a loop": ("for number in range(50):\n    new = df.head(number)", [(2, "DataFrame.head")]),
    "a magic in between": ("x = 1\n%lf status;\nnew = df.dropna()", [(3, "DataFrame.dropna")]),
}


@pytest.mark.parametrize("case", LINES)
def test_lines_are_those_of_the_cell(book: TestingShell, case: str) -> None:
    """Also where a magic runs the code, which then is in another file for Python."""
    cell, expected = LINES[case]
    book.run(cell)
    run = last(book)
    assert run.code == cell
    assert calls(run) == expected
    assert run.operations[-1].output == "new"
    assert [write.after.variable for write in run.writes if write.after] == ["new"]


def test_calls_of_functions_of_other_cells_are_on_the_line_that_called_them(book: TestingShell) -> None:
    book.run("def cleaned(frame):\n    kept = frame.dropna()\n    return kept.head(1)")
    book.run("x = 1\nnew = cleaned(df)")
    assert calls(last(book)) == [(2, "DataFrame.dropna"), (2, "DataFrame.head")]


def test_a_cell_that_raises_keeps_what_it_did(book: TestingShell) -> None:
    with pytest.raises(ZeroDivisionError):
        book.run("df['c'] = df.b * 2\n1 / 0\ndf['d'] = 1")
    run = last(book)
    assert run.outcome == "ZeroDivisionError"
    assert [each.added for each in run.operations][-1] == ("c",)
    book.run("new = df.dropna()")  # and the next cell is recorded as ever
    assert calls(last(book)) == [(1, "DataFrame.dropna")]


def test_a_cell_that_cannot_be_compiled(book: TestingShell) -> None:
    with pytest.raises(SyntaxError):
        book.run("df.dropna(")
    book.run("new = df.dropna()")
    assert calls(last(book)) == [(1, "DataFrame.dropna")]


def test_names_are_those_that_the_notebook_has(book: TestingShell) -> None:
    """Before and after an assignment, within a dict, of what has none."""
    book.run("parts = {'all': df}\nparts['few'] = parts['all'].dropna().head(1)\ndf = df.assign(c=df.b)")
    told = [(each.call, each.inputs, each.output) for each in last(book).operations]
    assert told == [
        ("DataFrame.dropna", ("df",), "~1"),
        ("DataFrame.head", ("~1",), "parts['few']"),
        ("DataFrame.__getitem__", ("df",), "~2"),
        ("DataFrame.assign", ("df",), "df"),
    ]


def test_what_we_ask_of_frames_ourselves_is_no_operation(book: TestingShell) -> None:
    book.run("df.loc[1, 'a'] = 2.0")
    assert calls(last(book)) == [(1, "DataFrame.loc.__setitem__")]
    book.run("%lf status;\n%lf commit df -m made;\n%lf diff df;\n%lf log;")
    assert calls(last(book)) == []


def test_files_and_the_environment(book: TestingShell, tmp_path: Path) -> None:
    book.run("df.to_csv('made.csv', index=False)\nback = pd.read_csv('made.csv')")
    run = last(book)
    size = (tmp_path / "made.csv").stat().st_size
    found = [(each.direction, each.kind, Path(each.location).name, each.size, each.line) for each in run.external]
    assert found == [("out", "csv", "made.csv", size, 1), ("in", "csv", "made.csv", size, 2)]
    assert len({each.digest for each in run.external}) == 1
    assert all(each.digest is not None for each in run.external)
    repository = magic(book).session.repository
    environment = repository.environment(run.environment)
    assert environment.packages["pandas"] == pd.__version__
    book.run("x = 1")
    assert last(book).environment == run.environment
    assert "made.csv" in str(book.run("%lf lineage back"))


def test_settings_switch_it_off(book: TestingShell) -> None:
    book.run("%lf config record_code false;")
    book.run("secret = df.assign(password='abc')")
    run = last(book)
    assert "abc" not in repr(run)
    assert calls(run) == [(1, "DataFrame.assign")]
    book.run("%lf config record_operations false;")
    book.run("new = df.dropna()")
    assert calls(last(book)) == []
    assert "new" in {write.after.variable for write in last(book).writes if write.after}


def codes() -> dict[str, Any]:
    return {name: getattr(pd.DataFrame.__dict__.get(name), "__code__", None) for name in dir(pd.DataFrame)}


def test_pandas_is_as_it_was_after_leaving(committed: TestingShell) -> None:
    committed.run("%unload_ext lineageflow_jupyter")
    before, finders = codes(), list(sys.meta_path)
    committed.run("%load_ext lineageflow_jupyter")
    committed.run(SETUP)
    committed.run("new = df.dropna()")
    assert codes() != before
    committed.run("%unload_ext lineageflow_jupyter")
    assert codes() == before
    assert sys.meta_path == finders
    committed.run("%load_ext lineageflow_jupyter")
    committed.run("%lf config track false;")
    committed.run("x = 1")
    assert codes() == before


def test_warnings_are_about_the_line_of_the_cell(book: TestingShell) -> None:
    """And so they are shown: Python hides deprecations that are not about the notebook."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        book.run("x = 1\ndf['a'].fillna(0, inplace=True)\ndf.drop(index=0, inplace=True)")
    assert {Path(each.filename).suffix for each in caught} == {""}  # <ipython-input-…>
    assert {each.lineno for each in caught} <= {2, 3}
    assert 2 in {each.lineno for each in caught}


def test_what_is_shown_is_no_operation(book: TestingShell) -> None:
    book.run("display(df)\nprint(df)\ndf.info()\ndf")
    assert calls(last(book)) == []
    assert "<table" in book.user_ns["df"]._repr_html_()


def test_threads_are_not_recorded(book: TestingShell) -> None:
    book.run(
        "import threading\nthread = threading.Thread(target=lambda: [df.head(2) for _ in range(500)])\nthread.start()"
    )
    book.run("new = df.dropna()\nthread.join()")
    assert calls(last(book)) == [(1, "DataFrame.dropna")]


def test_cells_from_before_there_was_a_repository(shell: TestingShell) -> None:
    """Imports and settings stand in the first cells of a notebook: slices need them."""
    shell.run("%unload_ext lineageflow_jupyter")
    shell.run("import pandas as pd\nlimit = 2\n%load_ext lineageflow_jupyter")
    shell.run("%lf init;")
    shell.run("df = pd.DataFrame({'x': range(limit)})")
    run = last(shell)
    assert (run.code, run.opaque) == ("df = pd.DataFrame({'x': range(limit)})", ())
    told = str(shell.run("%lf code df"))
    assert "import pandas as pd\nlimit = 2" in told
    assert "must be there" not in told
    numbers = [each.number for each in magic(shell).session.repository.cell_runs()]
    assert len(numbers) == len(set(numbers))


def test_what_ran_while_tracking_was_off_stays_unknown(shell: TestingShell) -> None:
    shell.run("%lf init;\n%lf config track false;")
    shell.run("secret = 1")
    shell.run("%lf config track true;")
    shell.run("x = 2")
    assert last(shell).code == "x = 2"
    assert [run.code for run in magic(shell).session.repository.cell_runs() if run.code] == ["x = 2"]
