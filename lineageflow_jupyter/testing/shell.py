"""A real IPython shell for tests: cells run as in a terminal or notebook, and what goes wrong in them is raised."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class TestingShell(InteractiveShell):
    """IPython without a history file, next to any other shell of the process.

    Use it as a context manager: leaving it undoes what IPython changes in the process.

    Examples
    --------
    >>> with TestingShell.start() as shell:
    ...     shell.run("x = 2 + 3")
    ...     shell.user_ns["x"]
    5
    """

    __test__ = False  # nothing for pytest to collect

    @classmethod
    def start(cls) -> TestingShell:
        """Start a shell with a namespace of its own."""
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.xmode = "Minimal"
        # IPython puts the module of the user's variables into sys.modules: under its usual name, `__main__`, it would
        # take the place of the module that runs the tests.
        return cls(config=config, user_module=ModuleType("testing_shell_main"))

    def run(self, cell: str) -> Any:
        """Run a cell as a user does.

        Parameters
        ----------
        cell : str
            The cell's text.

        Returns
        -------
        object
            The value of its last expression: what ``Out[n]`` would show.

        Raises
        ------
        Exception
            Whatever the cell raised.
        """
        result = self.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]
        result.raise_error()
        return result.result

    def refused(self, cell: str) -> str:
        """Run a cell that a magic must refuse.

        Parameters
        ----------
        cell : str
            The cell's text.

        Returns
        -------
        str
            The one line that the user reads.

        Raises
        ------
        AssertionError
            If the cell was not refused, or in more than one line.
        """
        try:
            result = self.run(cell)
        except UsageError as error:
            text = str(error)
            assert "\n" not in text, text
            return text
        raise AssertionError(f"{cell!r} was not refused; it gave {result!r}")

    def completions(self, line: str) -> list[str]:
        """What a line may become with the cursor at its end, as the Tab key asks for it."""
        with provisionalcompleter():
            return [line[: found.start] + found.text for found in self.Completer.completions(line, len(line))]

    def __enter__(self) -> TestingShell:
        """Return the shell."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the shell's traces out of the process."""
        self.reset(new_session=False)  # type: ignore[no-untyped-call]
        sys.modules.pop("testing_shell_main", None)
