"""``lineageflow`` as a process: entry points, exit codes, pipes and signals, and what it does not import."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from lineageflow_jupyter import __version__
from lineageflow_jupyter.cli.main import main
from lineageflow_jupyter.repository import Repository
from tests.cli.conftest import Run

ROOT = Path(__file__).parent.parent.parent
LF = (sys.executable, "-m", "lineageflow_jupyter")
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}  # output is buffered, as it is for users


def start(*words: str, folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(
        [*LF, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, **more
    )  # type: ignore[call-overload]


def test_the_script_and_the_module_are_one_program(folder: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, function = project["scripts"]["lineageflow"].split(":")
    program = f"import sys; from {module} import {function}; sys.exit({function}())"
    script = subprocess.run(
        [sys.executable, "-c", program, "--version"],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    assert script.stdout == start("--version", folder=folder).stdout == f"lineageflow {__version__}\n"


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["log", "--help"], ["import", "--help"]])
def test_help_and_version_import_nothing_heavy(folder: Path, words: list[str]) -> None:
    program = (
        "import sys\nfrom lineageflow_jupyter.cli.main import main\n"
        f"code = main({words!r})\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"IPython", "pandas", "polars", "pyarrow", "sqlalchemy", "alembic", "numpy"}
    assert set(done.stderr.split()).isdisjoint(heavy)
    assert done.stdout


def test_no_verb_imports_ipython(repo: Repository, folder: Path) -> None:
    program = (
        "import sys\nfrom lineageflow_jupyter.cli.main import main\n"
        "codes = [main([verb]) for verb in ('status', 'log', 'show', 'branch', 'tag', 'fsck')]\n"
        "codes.append(main(['export', 't', 't.csv']))\ncodes.append(main(['import', 't.csv']))\n"
        "assert codes == [0] * 8, codes\nassert 'IPython' not in sys.modules"
    )
    environment = {**os.environ, **ENVIRONMENT}
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True, capture_output=True)


def test_exit_codes(repo: Repository, folder: Path) -> None:
    done = start("status", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    failed = start("show", "nope", folder=folder)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        "lineageflow: there is no revision 'nope'. See `lineageflow log` and `lineageflow branch` for what exists\n"
    )
    misused = start("shwo", folder=folder)
    assert (misused.returncode, misused.stdout) == (2, "")
    assert "did you mean show?" in misused.stderr
    assert "Traceback" not in failed.stderr + misused.stderr


@pytest.mark.parametrize(
    "words",
    [[], ["log", "--nope"], ["log", "a", "b", "c"], ["import"], ["export", "t"], ["init", "--branch", "b"], ["-x"]],
)
def test_misuse_is_told_as_json_too(run: Run, repo: Repository, words: list[str]) -> None:
    done = run("--json", *words)
    assert (done.code, done.out, done.error["code"]) == (2, "", "usage")
    assert set(done.error) == {"code", "problem", "remedy"}
    told = run(*words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("usage: lineageflow ")


def test_common_flags_stand_before_the_verb_or_behind_it(run: Run, repo: Repository, folder: Path) -> None:
    (folder / "below").mkdir()
    before, behind = run("-C", "below", "--json", "status"), run("status", "--json", "-C", "below")
    assert before.document == behind.document
    assert before.document["location"] == str(folder)


def test_another_folder_counts_for_files_as_well(run: Run, repo: Repository, folder: Path) -> None:
    (folder / "below").mkdir()
    assert run("-C", "below", "export", "t", "t.csv").code == 0
    assert (folder / "below" / "t.csv").is_file()
    assert Path.cwd() == folder
    assert run("-C", "below/none", "status").err == (
        "lineageflow: there is no folder below/none. Check the path behind -C\n"
    )


def test_a_word_behind_two_dashes_is_no_flag(run: Run, repo: Repository, folder: Path) -> None:
    pd.DataFrame({"x": [1]}).to_csv("-x.csv", index=False)
    assert run("import", "--as", "x", "--", "-x.csv").code == 0
    assert run("show", "HEAD:x").code == 0


def test_no_repository(run: Run) -> None:
    done = run("log", "--json")
    assert (done.code, done.error["code"]) == (1, "not-a-repository")
    assert done.error["remedy"].startswith("Create one here: `lineageflow init`")


def test_a_branch_that_is_not_there(run: Run, repo: Repository) -> None:
    for verb in ("status", "log", "show"):
        done = run(verb, "--branch", "mian", "--json")
        assert (done.code, done.error["code"], done.error["remedy"]) == (1, "unknown-name", "Did you mean main?")


@pytest.mark.parametrize("words", [["log"], ["log", "--json"]])
def test_a_reader_that_goes_away_is_no_error(repo: Repository, folder: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*LF, *words],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_told(repo: Repository, folder: Path) -> None:
    if not Path("/dev/full").exists():  # macOS has none
        return
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*LF, "log", "--json"],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, json.loads(done.stderr)["code"]) == (1, "storage")


def test_an_output_without_the_signs_gets_escapes(repo: Repository, folder: Path) -> None:
    done = subprocess.run(
        [*LF, "status"],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"3 \\xd7 2" in done.stdout


def test_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is caught while it asks a Git that takes its time who commits."""
    main(["init"])
    pd.DataFrame({"x": [1]}).to_csv("x.csv", index=False)
    monkeypatch.delenv("LINEAGEFLOW_AUTHOR_NAME")
    (folder / "bin").mkdir()
    git = folder / "bin" / "git"
    git.write_text(f"#!/bin/sh\ntouch '{folder}/asked'\nexec sleep 60\n")
    git.chmod(0o700)
    process = subprocess.Popen(
        [*LF, "import", "x.csv"],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT, "PATH": f"{git.parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (folder / "asked").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    assert main(["log", "--oneline"]) == 0


def test_streams_in_memory(monkeypatch: pytest.MonkeyPatch, repo: Repository) -> None:
    """Whoever calls `main` may have put anything in the place of the streams."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["log", "--oneline"]) == 0
    assert len(out.getvalue().splitlines()) == 2
