"""Runs the guide: its cells in order, in real IPython shells in an empty folder, and puts in what they answer.

A block ```` ```ipython ```` is one cell; where more words follow, they name another notebook that runs it beside the
first. A block ```` ```text ```` behind it is its answer, and ```` ```text refused ```` the one line of an error. What
differs from run to run (ids, times, folders, sizes) is kept as it stands in the page where all else is equal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from IPython.utils.capture import capture_output

from lineageflow_jupyter.testing.shell import TestingShell

FIRST = "analysis.ipynb"
"""Notebook of cells that name none."""

_BLOCK = re.compile(r"^```(ipython|text)( [^\n]*)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"^Out\[\d+\]: ?\n?", re.MULTILINE)
_CHANGING = re.compile(
    r"(?P<id>\b[0-9a-f]{7,64}\b)|(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4})|(?P<size>\d[\d.,]* (bytes|[kMGT]B)\b)"
    r"|(?P<folder>(/[\w.-]+)*/flights-project\b)|(?P<person>\w+@[\w.-]+)|(?P<process>\bprocess \d+)"
)


class GuideError(AssertionError):
    """A cell of the guide does not do what the guide says."""


def answered(page: str) -> str:
    """Text of the guide with the answers that its cells give now."""
    with _notebooks() as shell_of:
        return "".join(_parts(page, shell_of))


def _parts(page: str, shell_of: _Notebooks) -> Iterator[str]:
    position, given = 0, None
    for block in _BLOCK.finditer(page):
        between = page[position : block.start()]
        position = block.end()
        kind, words, text = block.group(1), (block.group(2) or "").strip(), block.group(3)
        if kind == "ipython":
            yield from (between, block.group())
            given = shell_of(words or FIRST, text, refused=_is_refused(page, position))
        elif given is None or between.strip():
            raise GuideError(f"an answer follows no cell: {text}")
        else:
            answer = text if _constant(text) == _constant(given) else given
            yield from (between, f"```text{' ' * bool(words)}{words}\n{answer}```")
            given = None
    yield page[position:]


def _is_refused(page: str, position: int) -> bool:
    return page[position:].lstrip("\n").startswith("```text refused\n")


def _constant(text: str) -> str:
    """A text without what differs from run to run, and without the widths of columns that follow from it."""
    named = _CHANGING.sub(lambda found: f"<{found.lastgroup}>", text)
    return re.sub(r"  +", "  ", named)


class _Notebooks:
    """Shells by the name of their notebook, each made when it is first needed."""

    def __init__(self, folder: str, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._shells: dict[str, TestingShell] = {}

    def __call__(self, notebook: str, cell: str, *, refused: bool) -> str:
        """Answer of a cell, as text."""
        # The name belongs to the notebook's kernel; it is read when a repository is opened.
        with patch.dict(os.environ, JPY_SESSION_NAME=f"{self._folder}/{notebook}"):
            shell = self._shells.get(notebook) or self._started(notebook)
            if refused:
                with capture_output():
                    return f"UsageError: {shell.refused(cell)}\n"
            with capture_output() as shown:
                shell.run(cell)
        return _NUMBER.sub("", str(shown.stdout)).rstrip() + "\n"

    def _started(self, notebook: str) -> TestingShell:
        shell = self._stack.enter_context(TestingShell.start())
        self._shells[notebook] = shell
        if notebook != FIRST:  # the guide loads it there itself, as its reader does
            with capture_output():
                shell.run("%load_ext lineageflow_jupyter")
        self._stack.callback(_unload, shell)
        return shell


def _unload(shell: TestingShell) -> None:
    with capture_output():
        shell.run("%unload_ext lineageflow_jupyter")


@contextmanager
def _notebooks() -> Iterator[_Notebooks]:
    """A project's folder as the current one, and notebooks in it."""
    before = Path.cwd()
    surroundings = {"LINEAGEFLOW_AUTHOR_NAME": "Ada", "LINEAGEFLOW_AUTHOR_EMAIL": "ada@example.org"}
    with TemporaryDirectory() as place, ExitStack() as stack, patch.dict(os.environ, surroundings):
        folder = Path(place) / "flights-project"
        folder.mkdir()
        os.chdir(folder)
        stack.callback(os.chdir, before)
        yield _Notebooks(str(folder), stack)
