"""Kernels and sessions of the server, joined: which notebook a kernel belongs to, also after it was renamed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from jupyter_core.utils import ensure_async

from lineageflow_jupyter.errors import InvalidName
from lineageflow_jupyter.model.records import WorkspaceRecord
from lineageflow_jupyter.server.paths import ServerPaths
from lineageflow_jupyter.server.seeing import Sight

FRESH_SECONDS = 0.5
"""Sessions are listed again after so long."""
WATCHED_SECONDS = 60.0
"""What a kernel runs is looked at for so long after somebody asked for its notebook."""


@dataclass(frozen=True, slots=True)
class RunningNotebook:
    """A notebook whose kernel runs.

    Parameters
    ----------
    path : str
        Server path of the notebook, as it is called now.
    file : str
        Its file.
    kernel : str
        Id of the kernel.
    language : str
        Of the kernel, in lower case; ``""`` where that is unknown.
    process : tuple of (int, float) or None
        Number and time of creation of the kernel's process, where it runs on this machine.
    first_file : str
        File of the notebook as it was called when this kernel was first seen: the kernel still knows it by that.
    since : float
        When that was.
    """

    path: str
    file: str
    kernel: str
    language: str
    process: tuple[int, float] | None
    first_file: str
    since: float

    def opened(self, workspace: WorkspaceRecord) -> bool:
        """Whether this very kernel process has opened a workspace last."""
        try:
            number, created = json.loads(workspace.process)
        except (ValueError, TypeError):
            return False
        return self.process == (number, created)

    @property
    def started(self) -> int:
        """When the kernel's process began, or was first seen; microseconds since 1970-01-01 UTC."""
        return int((self.since if self.process is None else self.process[1]) * 1e6)


class Kernels:
    """The running notebooks of a server. Its methods run on the server's loop, unless they say otherwise.

    Parameters
    ----------
    sessions, kernels : object
        The server's managers of sessions and kernels.
    paths : ServerPaths
        Where files lie.
    now : callable, optional
        The present, in seconds.
    """

    def __init__(self, sessions: Any, kernels: Any, paths: ServerPaths, now: Callable[[], float] = time.time) -> None:
        self._sessions = sessions
        self._kernels = kernels
        self._paths = paths
        self._now = now
        self._looked = 0.0
        self._running: tuple[RunningNotebook, ...] = ()
        self._sights: dict[str, Sight] = {}
        self._watched_until = 0.0

    @property
    def running(self) -> tuple[RunningNotebook, ...]:
        """Notebooks whose kernels ran when they were last listed; for any thread."""
        return self._running

    async def refresh(self, *, at_once: bool = False) -> None:
        """List sessions again, unless that was done a moment ago; `at_once`: all the same."""
        if not at_once and time.monotonic() - self._looked < FRESH_SECONDS:
            return
        self._looked = time.monotonic()
        before = {each.kernel: each for each in self._running}
        found = []
        for session in await ensure_async(self._sessions.list_sessions()):
            kernel = session.get("kernel") or {}
            if session.get("type") == "notebook" and kernel.get("id"):
                notebook = self._notebook(session.get("path") or "", kernel["id"], before.get(kernel["id"]))
                if notebook is not None:
                    found.append(notebook)
        self._running = tuple(found)
        for gone in self._sights.keys() - {each.kernel for each in found}:
            self._sights.pop(gone).close()

    def _notebook(self, path: str, kernel: str, before: RunningNotebook | None) -> RunningNotebook | None:
        try:
            file = self._paths.file(path)
        except InvalidName:  # a session of another extension, whose path is none
            return None
        manager = self._manager(kernel)
        return RunningNotebook(
            path,
            file,
            kernel,
            _language(manager),
            _process(manager, before),
            before.first_file if before else file,
            before.since if before else self._now(),
        )

    def _manager(self, kernel: str) -> Any:
        try:
            return self._kernels.get_kernel(kernel)
        except Exception:  # it ended just now
            return None

    # --- what is known, for any thread -------------------------------------------------------------------------------

    def of_path(self, path: str) -> RunningNotebook | None:
        """Running notebook of a server path."""
        wanted = path.strip("/")
        return next((each for each in self._running if each.path.strip("/") == wanted), None)

    def folders(self) -> list[Path]:
        """Folders of running notebooks."""
        return list(dict.fromkeys(Path(each.file).parent for each in self._running))

    def path_of(self, workspace: WorkspaceRecord | None, file: str) -> str:
        """Server path of a notebook by what is recorded of it; ``""`` where this server does not show it.

        Parameters
        ----------
        workspace : WorkspaceRecord or None
            Whose cells or commits these are.
        file : str
            Its file as the kernel told it.
        """
        if workspace is not None:
            for each in self._running:
                if each.opened(workspace):
                    return each.path
            file = file or workspace.name.path
        renamed = next((each.path for each in self._running if file and each.first_file == file), None)
        return self._paths.path(file) if renamed is None else renamed

    # --- what the server sees itself ---------------------------------------------------------------------------------

    def watch(self) -> None:
        """Look at what the kernels say of their cells from now on, for `WATCHED_SECONDS` at least."""
        self._watched_until = time.monotonic() + WATCHED_SECONDS
        for each in self._running:
            if each.kernel not in self._sights:
                manager = self._manager(each.kernel)
                sight = None if manager is None else Sight.of(manager)
                if sight is not None:
                    self._sights[each.kernel] = sight

    def look_away(self, *, at_once: bool = False) -> None:
        """Look at them no more, once nobody has asked for it for a while."""
        if not at_once and time.monotonic() < self._watched_until:
            return
        for sight in self._sights.values():
            sight.close()
        self._sights.clear()

    def sight(self, kernel: str) -> Sight | None:
        """What was seen of a kernel; for any thread."""
        return self._sights.get(kernel)


def workspace_of(
    workspaces: Iterable[WorkspaceRecord], notebook: RunningNotebook | None, file: str, user: str, host: str
) -> WorkspaceRecord | None:
    """Workspace of a notebook: the one that its kernel opened, else the one of its file.

    Parameters
    ----------
    workspaces : iterable of WorkspaceRecord
        Those of the repository, the one that was opened last first.
    notebook : RunningNotebook or None
        The notebook, if its kernel runs.
    file : str
        Its file.
    user, host : str
        Who asks: a file of the same path on another machine is another notebook.
    """
    known = list(workspaces)
    if notebook is not None:
        own = next((each for each in known if notebook.opened(each)), None)
        if own is not None:
            return own
    files = [file] if notebook is None else [notebook.first_file, file]
    by_name = {(each.name.user, each.name.host, each.name.path): each for each in reversed(known)}
    return next((by_name[user, host, name] for name in files if (user, host, name) in by_name), None)


def _language(manager: Any) -> str:
    spec = getattr(manager, "kernel_spec", None)
    return str(getattr(spec, "language", "") or "").lower()


def _process(manager: Any, before: RunningNotebook | None) -> tuple[int, float] | None:
    """Process of a kernel, as `opening` tells it; kernels elsewhere have none here."""
    number = getattr(getattr(manager, "provisioner", None), "pid", None)
    if not isinstance(number, int):
        return None
    try:
        return number, psutil.Process(number).create_time()
    except psutil.Error:
        return None if before is None else before.process
