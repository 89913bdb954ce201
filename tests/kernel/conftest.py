"""Shells with the extension loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from lineageflow_jupyter.testing.shell import TestingShell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestingShell]:
    """A shell in an empty folder, with the extension loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Ada")
    with TestingShell.start() as shell:
        shell.run("%load_ext lineageflow_jupyter")
        yield shell
        shell.run("%unload_ext lineageflow_jupyter")


@pytest.fixture
def notebook(shell: TestingShell) -> TestingShell:
    """A shell with an empty repository and the frames `flights`, 3 × 3, and `planes`, 2 × 1."""
    shell.run("%lf init")
    shell.user_ns["flights"] = pd.DataFrame({"id": [1, 2, 3], "dep": [1.5, None, 3.0], "carrier": ["AA", "UA", None]})
    shell.user_ns["planes"] = pd.DataFrame({"tail": ["N1", "N2"]})
    return shell


@pytest.fixture
def committed(notebook: TestingShell) -> TestingShell:
    """The notebook with both frames committed."""
    notebook.run("%lf commit flights planes -m raw")
    return notebook
