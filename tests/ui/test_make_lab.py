"""`make lab` brings up a JupyterLab with the quickstart."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

import pytest

from tests.ui.lab import arguments, free_port, running, surroundings

PROJECT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.notebook


def test_make_lab_serves_the_quickstart(tmp_path: Path) -> None:
    port, token = free_port(), "of-this-test"
    command = [
        *("make", "lab", f"BIN={Path(sys.executable).parent}"),
        "--old-file=.venv/.lab-installed",  # this environment is the one to test: nothing is installed
        f"LAB_ARGS={' '.join(arguments(port, token))}",
    ]
    # Within `make test` we would take over its flags and job server.
    environment = {name: value for name, value in surroundings(tmp_path).items() if "MAKE" not in name}
    log = tmp_path / "log"
    with running(
        command, root=PROJECT / "notebooks", port=port, token=token, log=log, cwd=PROJECT, env=environment
    ) as server:
        assert server.ask("/api/contents/quickstart.ipynb?content=0")["type"] == "notebook"
        with urllib.request.urlopen(f"{server.address}/lab/tree/quickstart.ipynb?token={token}", timeout=20) as page:
            assert b"JupyterLab" in page.read()
    with pytest.raises(OSError, match="refused"):
        server.ask("/api/status")
