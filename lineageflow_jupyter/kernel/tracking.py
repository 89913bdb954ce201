"""Tracking of cells in a shell: IPython's events to `lineage.tracker`, and what it finds to the catalog.

Nothing of it reaches the user's cell: whatever fails here is logged once and told by ``%lf status``. Records are
written by a thread of their own, so that a cell never waits for the database.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.lineage.tracker import Tracker
from lineageflow_jupyter.model.cells import OK, CellRun, FrameState, FrameWrite

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

    from lineageflow_jupyter.kernel.session import Session
    from lineageflow_jupyter.repository import Repository

_LOG = logging.getLogger("lineageflow_jupyter")
PATIENCE = 10.0
"""Seconds that are waited for large frames to be copied, and for records to be written."""


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
        self._since = 0.0
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
            self._since = time.perf_counter()
            code = str(getattr(info, "transformed_cell", None) or info.raw_cell)
            self._tracker.begin(code, self._run_of(info))
            self._active = True
        except Exception as error:  # the user's cell must not notice
            self._failed(error)

    def after(self, result: ExecutionResult) -> None:
        """A cell has run."""
        if not self._active:
            return
        self._active = False
        self._since = time.perf_counter()
        try:
            problem = result.error_before_exec or result.error_in_exec
            found = self._tracker.end(OK if problem is None else type(problem).__name__, number=result.execution_count)
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

    def flush(self) -> int:
        """Wait until what was found is written, and large frames are copied, for at most `PATIENCE` seconds each.

        Returns
        -------
        int
            How many frames are still being copied.
        """
        opened = self._session.opened
        if opened is not None:
            opened.wait_for_snapshots(PATIENCE)
        self._records.flush()
        return self.copying

    @property
    def copying(self) -> int:
        """Frames that are still being copied."""
        opened = self._session.opened
        return 0 if opened is None else opened.frames_to_copy

    @property
    def torn(self) -> int:
        """Frames that could not be copied: they were changed or gone too soon."""
        return self._records.torn

    def close(self) -> None:
        """Write what is left, and end the threads; a frame that is being copied stays without data."""
        if self._session.opened is not None:
            self._session.opened.stop_copying()
        self._records.close()

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
        """Ids and shape of a frame; one that would take too long gets them later, from a thread that copies it."""
        from lineageflow_jupyter.observing import Patience

        settings, repository = self._session.settings(), self._session.repository
        left = settings.track_budget / 1000 - (time.perf_counter() - self._since)
        patience = Patience(left, settings.snapshot_limit, settings.snapshot_size, self._records.settle)
        known = None if before is None else self._records.settled(before)
        return repository.frame_state(variable, self._session.live.dataset(variable), frame, known, patience=patience)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What was said of a frame that was to be copied, and what came of it."""

    said: FrameState
    found: FrameState


class _Records:
    """Writes cell runs to the catalog on a thread of its own, and amends them when large frames are copied."""

    def __init__(self, session: Session, failed: Any) -> None:
        self._session = session
        self._failed = failed
        self._waiting: queue.SimpleQueue[CellRun | _Settled | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._found: dict[str, FrameState] = {}  # what came of frames that were copied, by the note that they had
        self._open: list[tuple[Repository, CellRun]] = []  # recorded, and name frames that are being copied
        self.torn = 0

    def settle(self, said: FrameState, found: FrameState) -> None:
        self.put(_Settled(said, found))

    def settled(self, state: FrameState) -> FrameState:
        """State with what is known now of a frame that was to be copied."""
        found = self._found.get(state.note) if state.note else None
        return state if found is None else replace(found, variable=state.variable, dataset=state.dataset)

    def put(self, run: CellRun | _Settled) -> None:
        self._waiting.put(run)
        with self._starting:  # the thread that copies frames puts too
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
                self._amend(item) if isinstance(item, _Settled) else self._record(item)
            except Exception as error:  # the catalog is locked, the disk full, the store gone: told by the status
                self._failed(error)

    def _record(self, run: CellRun) -> None:
        repository = self._session.repository  # which the cell itself may have been the first to open
        run = self._amended(replace(run, workspace=run.workspace or repository.head.workspace))
        repository.record_run(run)
        if _is_open(run):
            self._open.append((repository, run))

    def _amend(self, item: _Settled) -> None:
        self._found[item.said.note] = item.found
        self.torn += item.found.table is None
        runs, self._open = self._open, []
        for repository, run in runs:
            if repository is not self._session.opened:  # which was closed: it stays as it was recorded
                continue
            amended = self._amended(run)
            if _is_open(amended):
                self._open.append((repository, amended))
            if amended != run:
                repository.amend_run(run.run, reads=amended.reads, writes=amended.writes)

    def _amended(self, run: CellRun) -> CellRun:
        def known(state: FrameState | None) -> FrameState | None:
            return None if state is None else self.settled(state)

        writes = tuple(FrameWrite(known(each.before), known(each.after), each.seen) for each in run.writes)
        return replace(run, reads=tuple(map(self.settled, run.reads)), writes=writes)


def _is_open(run: CellRun) -> bool:
    from lineageflow_jupyter.observing import is_waiting

    states = [*run.reads, *(state for write in run.writes for state in (write.before, write.after))]
    return any(map(is_waiting, states))
