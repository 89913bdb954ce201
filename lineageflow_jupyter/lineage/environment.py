"""What code runs in: Python, the installed packages, and the Git commit around the notebook.

Nothing here may slow a cell down: packages are read once and again only when something was installed, Git is asked in
a thread, and what is not known yet is told as None.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import Distribution, distributions
from pathlib import Path
from types import MappingProxyType

from lineageflow_jupyter.config import GIT_SECONDS, git_environment
from lineageflow_jupyter.model.cells import Environment

FRESH_SECONDS = 30.0
"""An `EnvironmentWatch` looks again where its last look is older than this."""

_GIT = ("git", "-c", "core.fsmonitor=false")
_STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
_COMMIT = "# branch.oid "
_NAME = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_SEPARATORS = re.compile(r"[-_.]+")

_Stamp = tuple[tuple[str, int], ...]
_known: tuple[_Stamp, Mapping[str, str]] | None = None

_log = logging.getLogger("lineageflow_jupyter")


def current_environment(folder: Path | None = None, *, seconds: float = GIT_SECONDS) -> Environment:
    """Environment of this process.

    Parameters
    ----------
    folder : Path, optional
        Folder of the notebook; without one, Git is not asked.
    seconds : float, optional
        How long Git may take; if it takes longer, its commit is not told.

    Examples
    --------
    >>> found = current_environment()
    >>> found.git is None, "numpy" in found.packages
    (True, True)
    """
    commit, dirty = (None, False) if folder is None else git_state(folder, seconds=seconds)
    return Environment(platform.python_version(), installed_packages(), commit, dirty)


def installed_packages() -> Mapping[str, str]:
    """Versions of the installed packages, by name in its normal form, as this process would import them."""
    global _known  # one answer for the process: of two threads each finds the same
    stamp, known = _stamp(), _known
    if known is not None and known[0] == stamp:
        return known[1]
    found: dict[str, str] = {}
    for distribution in distributions():
        told = _name_and_version(distribution)
        if told is not None:
            found.setdefault(*told)  # what comes first on the path is what is imported
    packages = MappingProxyType(dict(sorted(found.items())))
    _known = stamp, packages
    return packages


def _stamp() -> _Stamp:
    """What changes when something is installed or removed: the folders in which packages lie, and their times."""
    stamps = []
    for place in sys.path:
        with suppress(OSError, ValueError):
            stamps.append((place, Path(place).stat().st_mtime_ns))
    return tuple(stamps)


def _name_and_version(distribution: Distribution) -> tuple[str, str] | None:
    # `Distribution.metadata` parses the whole description as an e-mail: fifteen times slower than two lines of it.
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, UnicodeError):
        return None
    head = text.partition("\n\n")[0]
    name, version = _NAME.search(head), _VERSION.search(head)
    if name is None or version is None:  # left over from an installation that was interrupted
        return None
    return _SEPARATORS.sub("-", name[1]).lower(), version[1]


def git_state(folder: Path, *, seconds: float = GIT_SECONDS) -> tuple[str | None, bool]:
    """Commit that the Git repository around a folder is at, and whether files that it tracks were changed since.

    Nothing is written, fetched or asked.

    Parameters
    ----------
    folder : Path
        Where to look.
    seconds : float, optional
        How long Git may take.

    Returns
    -------
    str or None, bool
        None where there is no Git, repository or commit, or where Git takes too long.
    """
    answer = _answer([*_GIT, "-C", str(folder), *_STATUS], seconds)
    commit, dirty = None, False
    for entry in answer.split("\0"):
        if entry.startswith(_COMMIT):
            commit = entry.removeprefix(_COMMIT)
        elif entry and not entry.startswith("# "):
            dirty = True
    if commit is None or commit == "(initial)":
        return None, False
    return commit, dirty


def _answer(command: list[str], seconds: float) -> str:
    """What a command prints, ``""`` where it fails or takes too long; then whatever it started is ended with it."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=git_environment(),
            start_new_session=True,  # no terminal to ask on, and one group to end
        )
    except (OSError, ValueError):  # no such program; a NUL in the name of the folder
        return ""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return ""
    return output.decode(errors="replace") if process.returncode == 0 else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=1)


class EnvironmentWatch:
    """Knows the environment without making anybody wait: it is looked at in a thread, now and then.

    Safe to use from several threads.

    Parameters
    ----------
    folder : Path, optional
        Folder of the notebook.
    fresh : float, optional
        How many seconds old the last look may be before `latest` starts another one.
    """

    def __init__(self, folder: Path | None = None, *, fresh: float = FRESH_SECONDS) -> None:
        self._folder = folder
        self._fresh = fresh
        self._lock = threading.Lock()
        self._latest: Environment | None = None
        self._looked: float | None = None
        self._thread: threading.Thread | None = None

    def latest(self) -> Environment | None:
        """Environment at the last look, at once; None before there was one."""
        with self._lock:
            if self._looked is None or time.monotonic() - self._looked > self._fresh:
                self._start()
            return self._latest

    def wait(self, seconds: float) -> Environment | None:
        """Environment after the look that is under way, if it ends in time."""
        self.latest()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(seconds)
        with self._lock:
            return self._latest

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self._look, name="lineageflow-environment", daemon=True)
        with suppress(RuntimeError):  # the interpreter is on its way out, or may have no more threads
            self._thread.start()
            return
        self._thread = None

    def _look(self) -> None:
        try:
            found = current_environment(self._folder)
        except Exception:  # whatever fails here, the user's cells go on without it
            _log.warning("the environment could not be looked at", exc_info=True)
            found = None
        with self._lock:
            self._latest = found or self._latest
            self._looked = time.monotonic()
