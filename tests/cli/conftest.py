"""A repository in the current folder, and a way to run the command line on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.cli.main import main
from lineageflow_jupyter.repository import Repository


@dataclass(frozen=True)
class Done:
    """What a command line left: exit code and output."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The one JSON document on stderr."""
        return json.loads(self.err)


Run = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Ada")
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""

    def ran(*words: str) -> Done:
        capsys.readouterr()
        code = main(words)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return ran


@pytest.fixture
def repo(folder: Path) -> Iterator[Repository]:
    """The folder's repository as a notebook sees it, with the datasets `t` and `planes`."""
    with lf.init(folder, workspace=lf.WorkspaceName("bob", "box", "analysis.ipynb")) as repository:
        repository.commit(
            {"t": pd.DataFrame({"id": [1, 2, 3], "x": [1.5, None, 3.0]}), "planes": pd.DataFrame({"tail": ["N1"]})},
            message="raw",
            keys={"t": ["id"]},
        )
        repository.commit({"t": pd.DataFrame({"id": [1, 2, 3], "x": [1.5, 2.0, 3.0]})}, message="filled")
        yield repository
