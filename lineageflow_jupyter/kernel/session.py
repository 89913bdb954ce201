"""The composition root of the kernel: one shell, its workspace, its repository and its live frames.

The repository is opened when a verb first needs it, because the database library takes longer to import than
``%load_ext`` may take.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter import config
from lineageflow_jupyter.kernel.configuration import LineageFlow
from lineageflow_jupyter.kernel.live import LiveFrames
from lineageflow_jupyter.lineage.trails import Trail
from lineageflow_jupyter.model.records import WorkspaceName

if TYPE_CHECKING:
    from lineageflow_jupyter.kernel.tracking import CellTracking
    from lineageflow_jupyter.repository import Repository


class Session:
    """What the verbs of one shell share.

    Parameters
    ----------
    variables : dict of str to object
        The user's namespace. Read always; written only by verbs whose purpose it is.
    configuration : LineageFlow, optional
        Settings of this session; none are set by default.
    """

    def __init__(self, variables: dict[str, Any], configuration: LineageFlow | None = None) -> None:
        self.variables = variables
        self.configuration = LineageFlow() if configuration is None else configuration
        self.live = LiveFrames()
        self.conflicts: dict[str, Any] = {}  # frames of open conflicts as the user was last given them, by dataset
        self.trails: dict[str, Trail] = {}  # by variable: where `%lf undo NAME` went
        self.tracking: CellTracking | None = None
        self._repository: Repository | None = None
        self._lock = RLock()  # cells of a kernel may run on several threads

    def settings(self) -> config.Settings:
        """Read the settings afresh, those of this session first."""
        return config.settings(overrides=self.configuration.given)

    @property
    def opened(self) -> Repository | None:
        """The repository if it has been opened."""
        return self._repository

    @property
    def repository(self) -> Repository:
        """The repository: the one in use, else the one of the current folder or of one above.

        Raises
        ------
        NotARepository
            If there is none.
        """
        with self._lock:
            return self._repository or self.open(".")

    def open(self, location: str) -> Repository:
        """Use another repository from now on."""
        from lineageflow_jupyter.opening import open as open_repository

        with self._lock:
            path = Path(location).expanduser()
            return self._use(open_repository(path, workspace=self.workspace(), overrides=self.configuration.given))

    def init(self, location: str) -> Repository:
        """Create a repository and use it from now on."""
        from lineageflow_jupyter.opening import init as init_repository

        with self._lock:
            path = Path(location).expanduser()
            return self._use(init_repository(path, workspace=self.workspace(), overrides=self.configuration.given))

    def visiting(self) -> Session:
        """A session that looks at the same repository and leaves no trace in it: no workspace, nothing seen.

        Close it.
        """
        from lineageflow_jupyter.opening import visit

        own = self.repository
        other = Session({}, self.configuration)
        other._repository = visit(own.location, branch=own.head.branch)
        return other

    def close(self) -> None:
        """Let go of the repository."""
        with self._lock:
            if self._repository is not None:
                self._repository.close()
            self._repository = None
            self.live = LiveFrames()
            self.conflicts = {}
            self.trails = {}

    def tracks(self, settings: config.Settings) -> bool:
        """Whether cells are to be tracked: there is a repository, and nobody has switched it off."""
        return settings.track and (self._repository is not None or self.found() is not None)

    def warm_up(self) -> None:
        """Import what a repository needs, on a thread of its own: no cell is to wait for it."""

        def imported() -> None:
            with suppress(Exception):  # the first verb will tell what is wrong
                from lineageflow_jupyter.opening import warm_up

                warm_up()

        threading.Thread(target=imported, name="lineageflow-warm-up", daemon=True).start()

    def found(self) -> str | None:
        """Folder of the repository that `repository` would open; nothing is opened."""
        from lineageflow_jupyter.opening import find

        folder = find(".")
        return None if folder is None else str(folder)

    def workspace(self) -> WorkspaceName:
        """Return the name under which the catalog remembers HEAD: its own, the notebook's, script's or process's."""
        found = self.settings()
        if found.workspace:
            return config.process_workspace(found)
        path = found.notebook or str(self.variables.get("__vsc_ipynb_file__") or "") or self._script()
        return WorkspaceName(found.user, found.host, path) if path else config.process_workspace(found)

    def _script(self) -> str:
        """Path of the script that runs in this shell (``ipython script.py``), or nothing."""
        script = self.variables.get("__file__")
        return str(Path(script).resolve()) if isinstance(script, str) and script else ""

    def _use(self, repository: Repository) -> Repository:
        self.close()
        self._repository = repository
        return repository
