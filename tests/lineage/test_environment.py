"""The environment: what is installed, the Git commit around a notebook, and that nobody waits for either."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

import psutil
import pytest

from lineageflow_jupyter.lineage.environment import (
    EnvironmentWatch,
    current_environment,
    git_state,
    installed_packages,
)
from lineageflow_jupyter.model.cells import Environment

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")


def git(folder: Path, *words: str) -> str:
    own = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *own, "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Git repository with a notebook in a folder of it."""
    folder = tmp_path / "größe projekt"
    (folder / "notebooks").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "notebooks/n.ipynb").write_text("{}")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def install(folder: Path, name: str, metadata: str, file: str = "METADATA") -> None:
    place = folder / name
    place.mkdir(parents=True)
    (place / file).write_text(metadata, encoding="utf-8")


def test_all_installed_packages_are_told_as_importlib_tells_them() -> None:
    told = {each.metadata["Name"].lower().replace("_", "-").replace(".", "-"): each.version for each in distributions()}
    assert installed_packages() == told
    assert told["pandas"]


def test_the_environment_is_told_once_for_all() -> None:
    assert current_environment() == Environment(platform.python_version(), installed_packages())
    assert installed_packages() is installed_packages()
    start = time.perf_counter()
    for _ in range(20):
        installed_packages()
    assert (time.perf_counter() - start) / 20 < 0.002


def test_what_is_installed_meanwhile_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what comes first on the path wins; what is broken is passed over."""
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        place.mkdir()
    monkeypatch.setattr(sys, "path", [str(first), str(second), str(tmp_path / "absent"), *sys.path])
    before = installed_packages()
    install(second, "my_Tool-1.0.dist-info", "Metadata-Version: 2.1\nName: my_Tool\nVersion: 1.0\n\nVersion: 9\n")
    os.utime(second, ns=(1, time.time_ns() + 10**9))
    assert dict(installed_packages()) == {**before, "my-tool": "1.0"}
    install(
        first, "my.tool-2.0+local.egg-info", "Metadata-Version: 1.0\nName: my.tool\nVersion: 2.0+local\n", "PKG-INFO"
    )
    install(first, "broken-1.dist-info", "Metadata-Version: 2.1\n\nName: broken\nVersion: 1\n")
    install(first, "empty-1.dist-info", "x", "RECORD")
    (first / "bytes-1.dist-info").mkdir()
    (first / "bytes-1.dist-info/METADATA").write_bytes(b"Name: \xff\xfe\nVersion: 1\n")
    os.utime(first, ns=(1, time.time_ns() + 10**9))
    assert dict(installed_packages()) == {**before, "my-tool": "2.0+local"}


@needs_git
def test_the_commit_around_a_notebook_is_told(project: Path) -> None:
    commit = git(project, "rev-parse", "HEAD")
    folder = project / "notebooks"
    assert git_state(folder) == (commit, False)
    (folder / "scratch.txt").write_text("not tracked")
    assert git_state(folder) == (commit, False)
    (folder / "n.ipynb").write_text("{ }")
    assert git_state(folder) == (commit, True)
    git(project, "add", "notebooks/n.ipynb")
    assert git_state(folder) == (commit, True)
    git(project, "commit", "-q", "-m", "second")
    assert git_state(folder) == (git(project, "rev-parse", "HEAD"), False)
    git(project, "mv", "notebooks/n.ipynb", "notebooks/# odd\nname")
    assert git_state(folder)[1]
    assert current_environment(folder).git == git(project, "rev-parse", "HEAD")
    assert current_environment(folder).dirty


@needs_git
def test_where_there_is_no_commit_none_is_told(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, False)
    assert git_state(tmp_path / "absent") == git_state(Path("a\0b")) == (None, False)
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    assert git_state(tmp_path) == (None, False)


def test_without_git_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) == (None, False)


@needs_git
def test_looking_changes_nothing_and_asks_the_folder_itself(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index stays as it is, though a file was touched; a hook's variables do not lead elsewhere."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit = git(project, "rev-parse", "HEAD")
    os.utime(project / "notebooks/n.ipynb", (5, 5))
    index = (project / ".git/index").read_bytes()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert git_state(project) == (commit, False)
    assert (project / ".git/index").read_bytes() == index


@needs_git
@pytest.mark.skipif(os.name != "posix", reason="a filter is a shell script")
def test_a_slow_git_is_given_up_and_ended_with_all_that_it_started(project: Path) -> None:
    """A filter of the user's that hangs, say, or asks something on the terminal."""
    (project / ".gitattributes").write_text("*.ipynb filter=slow\n")
    pids = project / "pids"
    git(project, "config", "filter.slow.clean", f"echo $$ >>'{pids}'; sleep 60; cat")
    (project / "notebooks/n.ipynb").write_text("[]")
    start = time.monotonic()
    assert git_state(project, seconds=0.5) == (None, False)
    assert time.monotonic() - start < 5
    (pid,) = pids.read_text().split()
    deadline = time.monotonic() + 5
    while is_running(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(int(pid))


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@needs_git
def test_a_watch_makes_nobody_wait(project: Path) -> None:
    """The first answer is there at once, though empty; later ones follow what changes."""
    commit = git(project, "rev-parse", "HEAD")
    watch = EnvironmentWatch(project, fresh=0.0)
    start = time.perf_counter()
    assert watch.latest() is None
    assert time.perf_counter() - start < 0.1
    found = watch.wait(10)
    assert found is not None
    assert (found.git, found.dirty) == (commit, False)
    (project / "notebooks/n.ipynb").write_text("[1]")
    watch.wait(10)
    again = watch.wait(10)
    assert again is not None
    assert again.dirty
    assert again.id != found.id


def test_a_watch_looks_again_only_when_its_answer_is_old(tmp_path: Path) -> None:
    watch = EnvironmentWatch(tmp_path, fresh=1000)
    found = watch.wait(10)
    assert found is not None
    assert watch.latest() is watch.wait(0) is found


FORKED = """
import os, sys
from pathlib import Path
from lineageflow_jupyter.lineage.environment import EnvironmentWatch
watch = EnvironmentWatch(Path("."), fresh=0.0)
watch.latest()
child = os.fork()
if child == 0:
    os._exit(0 if watch.wait(10) is not None else 1)
sys.exit(os.waitpid(child, 0)[1] != 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_watch_goes_on_in_a_forked_child(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
