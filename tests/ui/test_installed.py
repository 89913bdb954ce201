"""The wheel brings the front end along, built; JupyterLab finds it and the server's part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty environment into which our wheel, and nothing else, was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    surroundings = {name: value for name, value in os.environ.items() if name != "HATCH_BUILD_NO_HOOKS"}
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    # Without isolation nothing is downloaded: what builds it is in this environment.
    build = (*pip, "wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={folder}", str(PROJECT))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(build, check=True, env={**surroundings, "PATH": path}, cwd=folder)
    venv.create(folder / "empty", with_pip=False)
    wheel = next(folder.glob("*.whl"))
    subprocess.run((*pip, f"--python={folder / 'empty'}", "install", "--no-deps", str(wheel)), check=True)
    return folder / "empty"


def test_jupyterlab_finds_the_extension(installed: Path) -> None:
    found = subprocess.run(
        (sys.executable, "-m", "jupyter", "labextension", "list"),
        env={**os.environ, "JUPYTER_PATH": str(installed / "share" / "jupyter"), "JUPYTER_PREFER_ENV_PATH": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = (found.stdout + found.stderr).partition(str(installed))[2].partition("\n\n")[0]
    ours = next(line for line in told.splitlines() if "lineageflow-jupyter" in line)
    assert "enabled" in ours
    assert "OK" in ours
    assert "python, lineageflow-jupyter" in ours  # how to uninstall it


def test_what_it_holds_can_be_loaded(installed: Path) -> None:
    folder = installed / "share" / "jupyter" / "labextensions" / "lineageflow-jupyter"
    built = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    assert (folder / built["jupyterlab"]["_build"]["load"]).stat().st_size > 0
    assert (folder / "schemas" / built["name"] / "plugin.json").exists()
    assert not list(folder.rglob("*.map"))


def test_the_server_is_told_of_its_extension(installed: Path) -> None:
    told = installed / "etc" / "jupyter" / "jupyter_server_config.d" / "lineageflow_jupyter.json"
    assert json.loads(told.read_text(encoding="utf-8"))["ServerApp"]["jpserver_extensions"]["lineageflow_jupyter"]
