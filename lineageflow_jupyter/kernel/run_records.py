"""What is found of cells goes to the catalog on a thread of its own, so that no cell waits for the database."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.kernel.emission import Emission
from lineageflow_jupyter.lineage.environment import EnvironmentWatch
from lineageflow_jupyter.lineage.operations import Recording
from lineageflow_jupyter.model.cells import CellRun, Environment, FrameState, FrameWrite

if TYPE_CHECKING:
    from lineageflow_jupyter.kernel.session import Session
    from lineageflow_jupyter.repository import Repository

PATIENCE = 10.0
"""Seconds that are waited for large frames to be copied, and for records to be written."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """What was said of a frame that was to be copied, and what came of it."""

    said: FrameState
    found: FrameState


@dataclass(frozen=True, slots=True)
class _Found:
    """A run, and the calls that it made."""

    run: CellRun
    recording: Recording | None


class RunRecords:
    """Writes cell runs to the catalog on a thread of its own, and amends them when large frames are copied."""

    def __init__(self, session: Session, failed: Any, emission: Emission) -> None:
        self._session = session
        self._failed = failed
        self._emission = emission
        self._environments = _Environments()
        self._waiting: queue.SimpleQueue[_Found | _Settled | threading.Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._found: dict[str, FrameState] = {}  # what came of frames that were copied, by the note that they had
        self._open: list[tuple[Repository, CellRun]] = []  # recorded, and name frames that are being copied
        self.torn = 0

    def settle(self, said: FrameState, found: FrameState) -> None:
        """A frame has been copied, or could not be."""
        self._put(_Settled(said, found))

    def settled(self, state: FrameState) -> FrameState:
        """State with what is known now of a frame that was to be copied."""
        found = self._found.get(state.note) if state.note else None
        return state if found is None else replace(found, variable=state.variable, dataset=state.dataset)

    def put(self, run: CellRun, recording: Recording | None) -> None:
        """Have a run recorded."""
        self._put(_Found(run, recording))

    def _put(self, item: _Found | _Settled) -> None:
        self._waiting.put(item)
        with self._starting:  # the thread that copies frames puts too
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="lineageflow-cells", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Wait until what was found is written, for at most `PATIENCE` seconds."""
        if self._thread is None or not self._thread.is_alive():
            return
        written = threading.Event()
        self._waiting.put(written)
        written.wait(PATIENCE)

    def close(self) -> None:
        """Write what is left, and end the thread."""
        if self._thread is not None and self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(PATIENCE)

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            try:
                self._amend(item) if isinstance(item, _Settled) else self._record(item.run, item.recording)
            except Exception as error:  # the catalog is locked, the disk full, the store gone: told by the status
                self._failed(error)

    def _record(self, run: CellRun, recording: Recording | None) -> None:
        repository = self._session.repository  # which the cell itself may have been the first to open
        told = replace(
            run,
            workspace=run.workspace or repository.head.workspace,
            external=() if recording is None else recording.external,
            environment=self._environments.id(repository, run.notebook),
        )
        run = self._amended(told)
        repository.record_run(run)
        self._emission.put(repository, run.run)
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


class _Environments:
    """Has what cells ran in recorded, each environment once."""

    def __init__(self) -> None:
        self._watches: dict[Path, EnvironmentWatch] = {}
        self._recorded: tuple[Repository, Environment, str] | None = None

    def id(self, repository: Repository, notebook: str) -> str:
        """Id of the environment as it is known by now; ``""`` where it is not."""
        folder = Path(notebook).parent if Path(notebook).is_absolute() else Path.cwd()
        found = self._watches.setdefault(folder, EnvironmentWatch(folder)).wait(PATIENCE)
        if found is None:
            return ""
        known = self._recorded
        if known is None or known[0] is not repository or known[1] is not found:
            known = self._recorded = repository, found, repository.record_environment(found)
        return known[2]
