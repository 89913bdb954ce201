"""What an installation brings: the server finds the extension and says that it is in order."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "jupyter-config" / "server-config" / "lineageflow_jupyter.json"


def test_the_server_lists_the_extension_as_sound(tmp_path: Path) -> None:
    """As the wheel installs its configuration: below ``etc/jupyter/jupyter_server_config.d``."""
    shared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = shared["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    target = data[CONFIG.parent.relative_to(ROOT).as_posix()]
    folder = tmp_path / Path(target).relative_to("etc/jupyter")
    folder.mkdir(parents=True)
    (folder / CONFIG.name).write_bytes(CONFIG.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", "from jupyter_server.extension.serverextension import main; main()", "list"],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert re.search(r"lineageflow_jupyter enabled\n", said), said
    assert re.search(r"lineageflow_jupyter \S+ OK", said), said
    assert json.loads(CONFIG.read_bytes())["ServerApp"]["jpserver_extensions"] == {"lineageflow_jupyter": True}


def test_the_extension_costs_nothing_where_there_is_no_server() -> None:
    program = "import sys, lineageflow_jupyter; print(*{'jupyter_server', 'tornado'}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
