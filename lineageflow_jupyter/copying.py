"""Work on snapshots that no cell waits for: a thread that copies large frames, and removes what has expired.

There is one thread, and for each variable at most one frame waits: a newer one takes the place of an older one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.frames.capture import Capture, TornFrame
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.snapshots import Snapshots

_LOG = logging.getLogger("lineageflow_jupyter")
CLOSING = 5.0
"""Seconds that closing waits for the piece that is being copied."""

Later = Callable[[FrameState, FrameState], None]
"""Is told what a frame's state was said to be, and what it turned out to be; on the thread that found out."""


@dataclass(frozen=True, slots=True)
class Job:
    """A frame that is to be copied.

    Parameters
    ----------
    state : FrameState
        What was said of it: without ids, under a note of its own.
    captured : Capture
        The frame.
    parent : TreeEntry or None
        The version before.
    key : tuple of str
        Columns that identify rows.
    later : callable
        Is told what came of it.
    """

    state: FrameState
    captured: Capture
    parent: TreeEntry | None
    key: tuple[str, ...]
    later: Later


class _Stopped(Exception):
    """The thread is to end."""


class Copier:
    """Copies frames on a thread of its own.

    Parameters
    ----------
    snapshots : Snapshots
        Where their data go.
    tidy : callable
        Removes what has expired, if that is due; is given a function that it calls now and then, and which raises
        where the thread is to end. It is called before the first frame, and whenever no other waits.
    """

    def __init__(self, snapshots: Snapshots, tidy: Callable[[Callable[[], None]], None]) -> None:
        self._snapshots = snapshots
        self._tidy = tidy
        self._changed = threading.Condition()
        self._waiting: dict[str, Job] = {}
        self._running: Job | None = None
        self._untidy = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    def add(self, job: Job) -> None:
        """Have a frame copied; one of the same variable that still waits is given up."""
        with self._changed:
            if self._stopping:
                return
            older = self._waiting.pop(job.state.variable, None)
            self._waiting[job.state.variable] = job
            self._begin()
        if older is not None:
            self._tell(older, without_data(older.state, "a later cell changed the variable before it was copied"))

    def tidy(self) -> None:
        """Have expired snapshots removed, if that is due, when nothing else is to be done."""
        with self._changed:
            if not self._stopping:
                self._untidy = True
                self._begin()

    @property
    def left(self) -> int:
        """Frames that are being copied, or wait."""
        with self._changed:
            return len(self._waiting) + (self._running is not None)

    def wait(self, seconds: float) -> bool:
        """Wait until all frames are copied; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and self._running is None, seconds)

    def close(self) -> None:
        """End after the piece that is being copied; what is not copied is not told."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSING)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():  # also in a process that was forked
            self._running = None
            self._thread = threading.Thread(target=self._work, name="lineageflow-snapshots", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting or self._untidy)
                if self._stopping:
                    return
                job = self._waiting.pop(next(iter(self._waiting))) if self._waiting else None
                self._running = job
                self._untidy = self._untidy and job is not None
            try:
                if job is None:
                    self._tidy(self._go_on)
                else:
                    self._tell(job, self._copied(job))
            except _Stopped:
                return
            except Exception as error:  # nobody waits for it, and the next frame may do better
                _LOG.warning("old snapshots could not be removed (%s: %s)", type(error).__name__, error)
            finally:
                with self._changed:
                    self._running = None
                    self._changed.notify_all()

    def _go_on(self) -> None:
        if self._stopping:
            raise _Stopped

    def _copied(self, job: Job) -> FrameState:
        state = job.state
        try:
            entry, nulls = self._snapshots.capture(state.dataset, job.captured, job.parent, job.key, self._go_on)
        except _Stopped:
            raise
        except TornFrame as error:
            return without_data(state, str(error))
        except LineageFlowError as error:
            return replace(state, note=error.problem)
        except Exception as error:  # a frame that loses columns while it is looked at may raise anything
            return without_data(state, f"{type(error).__name__}: {error}")
        return replace(state, table=entry.table, frame=entry.frame, nulls=nulls, note="", kept=True)

    def _tell(self, job: Job, found: FrameState) -> None:
        if self._stopping:
            return
        try:
            job.later(job.state, found)
        except Exception as error:  # whoever was to be told may be gone; the next frame is copied all the same
            _LOG.warning("what became of %r could not be told (%s)", job.state.variable, error)


NO_DATA = "its data could not be copied"


def without_data(state: FrameState, why: str) -> FrameState:
    """State of a frame that was not copied."""
    return replace(state, note=f"{NO_DATA}: {why}")
