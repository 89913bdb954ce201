"""A notebook that was renamed is told how to take over the branch that it was on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pytest

from lineageflow_jupyter.testing.shell import TestingShell

Open = Callable[[Path], TestingShell]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Starts a kernel of a notebook, as a Jupyter server does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Ada")
    with ExitStack() as stack:

        def start(notebook: Path) -> TestingShell:
            notebook.touch()
            monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
            return stack.enter_context(_loaded())

        yield start


@contextmanager
def _loaded() -> Iterator[TestingShell]:
    with TestingShell.start() as shell:
        shell.run("%load_ext lineageflow_jupyter")
        yield shell
        shell.run("%unload_ext lineageflow_jupyter")


@pytest.fixture
def old(kernel: Open, tmp_path: Path) -> Path:
    """A notebook on the branch `dev` of the repository."""
    notebook = tmp_path / "old analysis.ipynb"
    shell = kernel(notebook)
    shell.run("%lf init;")
    shell.user_ns["t"] = pd.DataFrame({"x": [1, 2]})
    shell.run("%lf commit t -m raw;\n%lf switch -c dev;\nt['y'] = 1\n%lf commit -m more;")
    return notebook


def test_renamed(kernel: Open, old: Path) -> None:
    shell = kernel(shutil.move(old, old.with_name("new.ipynb")))
    told = str(shell.run("%lf status"))
    assert told.startswith("on branch main at ")
    assert "if it was old analysis.ipynb before (on branch dev)" in told
    assert "`%lf workspace --adopt 'old analysis.ipynb'`" in told
    shell.run("%lf workspace --adopt 'old analysis.ipynb'")
    assert str(shell.run("%lf status")).startswith("on branch dev at ")


def test_once_it_has_done_something_it_is_left_in_peace(kernel: Open, old: Path) -> None:
    shell = kernel(shutil.move(old, old.with_name("new.ipynb")))
    shell.run("%lf checkout main;\nt['z'] = 2\n%lf commit -m mine;")
    assert "this notebook is new here" not in str(shell.run("%lf status"))


def test_copied(kernel: Open, old: Path) -> None:
    shell = kernel(Path(shutil.copy(old, old.with_name("copy.ipynb"))))
    told = str(shell.run("%lf status"))
    assert told.startswith("on branch main at ")
    assert "this notebook is new here" not in told


def test_in_another_folder(kernel: Open, old: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    old.unlink()
    shell = kernel(tmp_path / "other" / "new.ipynb")
    assert "this notebook is new here" not in str(shell.run("%lf status"))
