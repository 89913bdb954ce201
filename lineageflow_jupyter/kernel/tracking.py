"""Tracking of cells in a shell: IPython's events to `lineage.tracker`, and what it finds to the catalog.

Nothing of it reaches the user's cell: whatever fails here is logged once and told by ``%lf status``. Records are
written by a thread of their own, so that a cell never waits for the database.
"""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.lineage.operations import Recorder, Recording
from lineageflow_jupyter.lineage.tracker import Tracker
from lineageflow_jupyter.model.cells import OK, CellRun, FrameState

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

    from lineageflow_jupyter.kernel.session import Session

_LOG = logging.getLogger("lineageflow_jupyter")
PATIENCE = 10.0
"""Seconds that are waited for records to be written."""


class CellTracking:
    """Tracks the cells of one shell, once a repository is there.

    Parameters
    ----------
    session : Session
        Repository, variables and settings.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tracker = Tracker(session.variables, self)
        self._records = _Records(session, self._failed)
        self._active = False
        self._recorder = Recorder()
        self._recording: Recording | None = None
        self._kernel = uuid.uuid4().hex  # tells two tabs on one notebook apart, and a kernel from the one before
        self.problem = ""

    # --- events ------------------------------------------------------------------------------------------------------

    def before(self, info: ExecutionInfo) -> None:
        """A cell is about to run."""
        self._active = False
        if info.silent or not info.store_history:
            return
        try:
            if not self._session.tracks():
                return
            code = str(getattr(info, "transformed_cell", None) or info.raw_cell)
            self._tracker.begin(code, self._run_of(info))
            self._active = True
            self._record(info, code)
        except Exception as error:  # the user's cell must not notice
            self._failed(error)

    def after(self, result: ExecutionResult) -> None:
        """A cell has run."""
        if not self._active:
            return
        self._active = False
        recording, self._recording = self._recording, None
        try:
            if recording is not None:
                recording.stop()
            problem = result.error_before_exec or result.error_in_exec
            found = self._tracker.end(OK if problem is None else type(problem).__name__, number=result.execution_count)
            if found is not None and recording is not None:
                found = replace(found, operations=recording.operations, external=recording.external)
            if found is not None:
                self._records.put(found)
        except Exception as error:  # as above
            self._failed(error)

    @property
    def running(self) -> str:
        """Id of the run that has begun; ``""`` where there is none."""
        return self._tracker.running if self._active else ""

    def rebound(self, *variables: str) -> None:
        """A verb gives variables other frames."""
        self._tracker.rebound(*variables)

    def flush(self) -> None:
        """Wait until what was found is written, for at most `PATIENCE` seconds."""
        self._records.flush()

    def close(self) -> None:
        """Write what is left, and end the thread."""
        self._recorder.uninstall()
        self._records.close()

    def _record(self, info: ExecutionInfo, code: str) -> None:
        """Begin to record the calls of a cell."""
        shell = self._session.variables.get("get_ipython", lambda: None)()
        if shell is None:
            return
        self._recorder.install()
        number = shell.execution_count
        filename = str(shell.compile.get_code_name(info.raw_cell, shell.transform_cell(info.raw_cell), number))
        self._recording = self._recorder.recording(filename, name=self._name)
        self._recording.__enter__()

    def _name(self, key: int) -> str:
        """How the notebook calls an object."""
        variables = self._session.variables.copy().items()
        return next((name for name, value in variables if id(value) == key and not name.startswith("_")), "")

    def _run_of(self, info: ExecutionInfo) -> CellRun:
        settings, workspace = self._session.settings(), self._session.workspace()
        opened = self._session.opened
        return CellRun(
            run=uuid.uuid4().hex,
            workspace="" if opened is None else opened.head.workspace,
            notebook=workspace.path,
            cell=str(getattr(info, "cell_id", None) or ""),
            number=None,
            code=str(info.raw_cell) if settings.record_code else None,
            user=settings.user,
            started=0,
            duration=0,
            outcome=OK,
            session=self._kernel,
        )

    def _failed(self, error: BaseException) -> None:
        if not self.problem:
            _LOG.warning("cells are not tracked (%s: %s)", type(error).__name__, error)
        self.problem = f"{type(error).__name__}: {error}"

    # --- lineage.tracker.Looker --------------------------------------------------------------------------------------

    def is_frame(self, value: Any) -> bool:
        """Whether a value is a frame."""
        return is_frame(value)

    def fingerprint(self, frame: Any) -> bytes | None:
        """See `frames.fingerprints`."""
        from lineageflow_jupyter.frames.fingerprints import fingerprint

        return fingerprint(frame)

    def state(self, variable: str, frame: Any, before: FrameState | None) -> FrameState:
        """Ids and shape of a frame."""
        return self._session.repository.frame_state(variable, self._session.live.dataset(variable), frame, before)


class _Records:
    """Writes cell runs to the catalog on a thread of its own."""

    def __init__(self, session: Session, failed: Any) -> None:
        self._session = session
        self._failed = failed
        self._waiting: queue.SimpleQueue[CellRun | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, run: CellRun) -> None:
        self._waiting.put(run)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="lineageflow-cells", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            return
        written = threading.Event()
        self._waiting.put(written)
        written.wait(PATIENCE)

    def close(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(PATIENCE)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            try:
                repository = self._session.repository  # which the cell itself may have been the first to open
                repository.record_run(replace(item, workspace=item.workspace or repository.head.workspace))
            except Exception as error:  # the catalog is locked, the disk full, the store gone: told by the status
                self._failed(error)
