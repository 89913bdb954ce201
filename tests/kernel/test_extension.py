"""Loading and unloading the extension."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.testing.shell import TestingShell


def traces(shell: TestingShell) -> dict[str, object]:
    """Everything in the shell that an extension could leave something in."""
    manager = shell.magics_manager
    return {
        "magics": {kind: set(table) for kind, table in manager.magics.items()},
        "lf": manager.magics["line"].get("lf"),
        "registry": dict(manager.registry),
        "user_magics": dict(vars(manager.user_magics)),
        "aliases": sorted(shell.alias_manager.default_aliases),
        "matchers": list(shell.Completer.custom_matchers),
        "hooks": {kind: (dict(table.strs), dict(table.regexs)) for kind, table in shell.strdispatchers.items()},
        "events": {name: list(called) for name, called in shell.events.callbacks.items()},
        "transformers": list(shell.input_transformers_post),
        "variables": {name for name in shell.user_ns if not name.startswith("_")},
        "configurables": len(shell.configurables),
        "threads": {thread.name for thread in threading.enumerate()},
    }


def test_unloading_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with TestingShell.start() as shell:
        shell.run("import pandas as pd; df = pd.DataFrame({'a': [1]})")
        before = traces(shell)
        lf.load_ipython_extension(shell)  # not `%load_ext`, for which IPython loads magics of its own
        assert traces(shell) != before
        shell.run("%lf init;")
        shell.run("%lf commit df -m first;")
        shell.run("%lf read df;")
        lf.unload_ipython_extension(shell)
        after = traces(shell)
        for kind, found in before.items():
            assert after[kind] == found, kind


def test_loading_twice_is_harmless(shell: TestingShell, capsys: pytest.CaptureFixture[str]) -> None:
    before = traces(shell)
    capsys.readouterr()
    lf.load_ipython_extension(shell)
    assert traces(shell) == before
    assert capsys.readouterr().out == ""


def test_unloading_twice_is_harmless(shell: TestingShell) -> None:
    lf.unload_ipython_extension(shell)
    before = traces(shell)
    lf.unload_ipython_extension(shell)
    assert traces(shell) == before


def test_reloading_keeps_the_magic(notebook: TestingShell) -> None:
    notebook.run("%lf commit flights -m raw;")
    notebook.run("%reload_ext lineageflow_jupyter")
    assert "raw" in str(notebook.run("%lf log"))


def test_resetting_the_namespace_keeps_the_magic(committed: TestingShell, caplog: pytest.LogCaptureFixture) -> None:
    committed.run("%reset -f")
    assert caplog.text == ""
    committed.run("%lf checkout HEAD flights;")
    assert len(committed.user_ns["flights"]) == 3


def test_without_repository_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with TestingShell.start() as shell:
        lf.load_ipython_extension(shell)
        told = capsys.readouterr().out
        lf.unload_ipython_extension(shell)
    assert told == "LineageFlow: no repository here or above; `%lf init` creates one here\n"


def test_a_repository_above_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lf.init(tmp_path).close()
    below = tmp_path / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    with TestingShell.start() as shell:
        lf.load_ipython_extension(shell)
        assert str(tmp_path) in capsys.readouterr().out
        assert shell.run("%lf status").report.branch == "main"
        lf.unload_ipython_extension(shell)


def test_loading_survives_a_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with TestingShell.start() as shell:
        gone.rmdir()
        lf.load_ipython_extension(shell)
        assert "looking for a repository failed" in capsys.readouterr().out
        monkeypatch.chdir(tmp_path)
        assert "no LineageFlow repository" in shell.refused("%lf status")
        lf.unload_ipython_extension(shell)


HEAVY = "pandas, polars, sqlalchemy, alembic, numcodecs"


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    program = f"""
import sys
from lineageflow_jupyter.testing.shell import TestingShell
import lineageflow_jupyter as lf
with TestingShell.start() as shell:
    lf.load_ipython_extension(shell)
    lf.unload_ipython_extension(shell)
print(*(name for name in {HEAVY!r}.split(", ") if name in sys.modules))
"""
    found = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[-2] == ""


def test_importing_the_package_imports_nothing_of_it() -> None:
    program = (
        "import sys, lineageflow_jupyter; print(*(name for name in sys.modules if name.startswith('lineageflow')))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "lineageflow_jupyter"


def test_every_public_name_can_be_imported() -> None:
    for name in lf.__all__:
        assert getattr(lf, name) is not None
        assert name in dir(lf)


def test_other_names_are_refused_as_usual() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = lf.nonsense  # type: ignore[attr-defined]
