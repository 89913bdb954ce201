"""Tracking of cells in a shell: IPython's events to `lineage.tracker`, and what it finds to the catalog.

The calls that a cell makes are recorded by `lineage.operations`. Nothing of it reaches the user's cell: whatever fails
here is logged once and told by ``%lf status``. Records are written by a thread of their own, so that a cell never waits
for the database.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lineageflow_jupyter.kernel.emission import Emission
from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.kernel.run_records import PATIENCE, RunRecords
from lineageflow_jupyter.lineage.operations import Recorder, Recording
from lineageflow_jupyter.lineage.tracker import Tracker
from lineageflow_jupyter.model.cells import OK, CellRun, FrameState, OperationRecord

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from lineageflow_jupyter.config import Settings
    from lineageflow_jupyter.kernel.session import Session

_LOG = logging.getLogger("lineageflow_jupyter")
EARLIER = "it ran before cells were tracked"
"""What is said of cells of which only the code is known."""
MOST_EARLIER = 1_000
TIMED = "<timed exec>"
"""The file that IPython says code is in which it takes the time of."""
_TIME = re.compile(r"^[ \t]*(?:[\w, ]+=[ \t]*)?(%{1,2})time\b", re.MULTILINE)


@dataclass(slots=True)
class _Kernel:
    """One run of a shell, whether the extension is loaded or not: its variables live and die together."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)  # tells two tabs on one notebook apart
    started: int = field(default_factory=lambda: time.time_ns() // 1000)
    seen: int = 0  # number of the last cell that was tracked, or was not to be


_KERNELS: WeakKeyDictionary[InteractiveShell, _Kernel] = WeakKeyDictionary()


class CellTracking:
    """Tracks the cells of one shell, once a repository is there.

    Parameters
    ----------
    session : Session
        Repository, variables and settings.
    shell : InteractiveShell
        The shell; only asked how it names the code of cells.
    """

    def __init__(self, session: Session, shell: InteractiveShell) -> None:
        self._session = session
        self._shell = shell
        self._tracker = Tracker(session.variables, self)
        self.emission = Emission(session.settings)
        self._records = RunRecords(session, self._failed, self.emission)
        self._recorder = Recorder()
        self._recording: Recording | None = None
        self._active = False
        self._raw = ""
        self._since = 0.0
        self._kernel = _KERNELS.setdefault(shell, _Kernel())
        self.problem = ""

    # --- events ------------------------------------------------------------------------------------------------------

    def before(self, info: ExecutionInfo) -> None:
        """A cell is about to run, or another within it, as magics such as ``%%capture`` have it."""
        if info.silent:
            return
        try:
            if not info.store_history:
                if self._recording is not None:
                    self._include(self._recording, info)
                return
            self._forget()
            settings = self._session.settings()
            self._since = time.perf_counter()
            if not self._session.tracks(settings):
                self._recorder.uninstall()
                if not settings.track:
                    self._kernel.seen = self._count()
                return
            self._catch_up(settings)
            self._tracker.begin(
                str(getattr(info, "transformed_cell", None) or info.raw_cell), self._run_of(info, settings)
            )
            self._active, self._raw = True, str(info.raw_cell)
            self._recording = self._begun(info, settings)
        except Exception as error:  # the user's cell must not notice
            self._failed(error)

    def after(self, result: ExecutionResult) -> None:
        """A cell has run."""
        if not self._active or not getattr(result.info, "store_history", True):
            return
        self._since = time.perf_counter()
        try:
            if self._recording is not None:
                self._recording.pause()  # what is asked of frames from here on is no operation of the user's
            problem = result.error_before_exec or result.error_in_exec
            outcome = OK if problem is None else type(problem).__name__
            found = self._tracker.end(outcome, number=result.execution_count, operations=self._operations)
            if found is not None:
                self._records.put(found, self._recording)
        except Exception as error:  # as above
            self._failed(error)
        finally:
            self._forget()

    def _catch_up(self, settings: Settings) -> None:
        """Remember the code of cells from before there was a repository: imports and settings that later ones need."""
        history = self._shell.history_manager
        count, seen = self._count(), self._kernel.seen
        self._kernel.seen = count
        if history is None or not settings.record_code:
            return
        workspace = self._session.workspace().path
        for number in range(max(seen + 1, count - MOST_EARLIER), count):
            code = history.input_hist_raw[number]
            if code.strip():
                run = self._new_run(settings, workspace, code)
                self._records.put(replace(run, number=number, started=self._kernel.started, opaque=(EARLIER,)), None)

    def _count(self) -> int:
        """Number of the cell that is about to run."""
        history = self._shell.history_manager
        return 0 if history is None else len(history.input_hist_raw)

    def _begun(self, info: ExecutionInfo, settings: Settings) -> Recording | None:
        """The recording of the calls that a cell makes, begun; None where they are not recorded."""
        if not settings.record_operations:
            self._recorder.uninstall()
            return None
        try:
            self._recorder.install()
            recording = self._recorder.recording(name=self._tracker.name)
            for each in self._files_of(info):
                recording.lines_of(each, _blank(self._raw))
            timed = lines_before_timed(self._raw)
            if timed is not None:
                recording.lines_of(TIMED, timed)
            return recording.__enter__()
        except Exception as error:  # without them the cell is recorded all the same
            self._failed(error)
            return None

    def _operations(self) -> tuple[OperationRecord, ...]:
        if self._recording is None:
            return ()
        self._recording.stop()
        found = self._recording.operations
        # Arguments are pieces of code.
        return found if self._session.settings().record_code else tuple(replace(each, parameters="") for each in found)

    def _forget(self) -> None:
        self._active = False
        if self._recording is not None:
            self._recording.stop()
        self._recording = None

    def _include(self, recording: Recording, part: ExecutionInfo) -> None:
        """Have the lines of a cell that a magic runs counted as those of the cell that it is part of."""
        raw = str(part.raw_cell)
        place = self._raw.find(raw.rstrip("\n"))
        if place >= 0:
            for file in self._files_of(part):
                recording.lines_of(file, self._raw.count("\n", 0, place) + _blank(raw))

    def _files_of(self, info: ExecutionInfo) -> tuple[str, str]:
        """Names of the file that tracebacks may say the code of a cell is in: IPython counts cells early, or late."""
        raw, count = str(info.raw_cell), self._shell.execution_count
        transformed = getattr(info, "transformed_cell", None)
        if transformed is None:
            transformed = self._shell.transform_cell(raw)  # type: ignore[no-untyped-call]
        name = self._shell.compile.get_code_name
        return name(raw, transformed, count), name(raw, transformed, count - 1)

    @property
    def running(self) -> str:
        """Id of the run that has begun; ``""`` where there is none."""
        return self._tracker.running if self._active else ""

    def aside(self) -> AbstractContextManager[None]:
        """What runs within the ``with`` is ours: its calls are no operations of the cell."""
        return nullcontext() if self._recording is None else self._recording.aside()

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
        """Write what is left, end the threads, and give pandas back as it was.

        A frame that is being copied stays without data.
        """
        self._forget()
        self._recorder.uninstall()
        if self._session.opened is not None:
            self._session.opened.stop_copying()
        self._records.close()
        self.emission.close()

    def _run_of(self, info: ExecutionInfo, settings: Settings) -> CellRun:
        code = str(info.raw_cell) if settings.record_code else None
        run = self._new_run(settings, self._session.workspace().path, code)
        return replace(run, cell=str(getattr(info, "cell_id", None) or ""))

    def _new_run(self, settings: Settings, notebook: str, code: str | None) -> CellRun:
        opened = self._session.opened
        return CellRun(
            run=uuid.uuid4().hex,
            workspace="" if opened is None else opened.head.workspace,
            notebook=notebook,
            cell="",
            number=None,
            code=code,
            user=settings.user,
            started=0,
            duration=0,
            outcome=OK,
            session=self._kernel.id,
        )

    def _failed(self, error: BaseException) -> None:
        if not self.problem:
            _LOG.warning("cells are not tracked (%s: %s)", type(error).__name__, error)
        self.problem = f"{type(error).__name__}: {error}"

    # --- lineage.tracker.Looker --------------------------------------------------------------------------------------

    def is_frame(self, value: Any) -> bool:
        """Whether a value is a frame."""
        return is_frame(value)

    def fingerprint(self, frame: Any) -> Hashable | None:
        """See `frames.fingerprints`."""
        from lineageflow_jupyter.frames.fingerprints import fingerprint

        return fingerprint(frame)

    def state(self, variable: str, frame: Any, before: FrameState | None, known: Any) -> FrameState:
        """Ids and shape of a frame; one that would take too long gets them later, from a thread that copies it."""
        from lineageflow_jupyter.observing import Patience

        settings, repository = self._session.settings(), self._session.repository
        left = settings.track_budget / 1000 - (time.perf_counter() - self._since)
        patience = Patience(left, settings.snapshot_limit, settings.snapshot_size, self._records.settle)
        settled = None if before is None else self._records.settled(before)
        dataset = self._session.live.dataset(variable)
        return repository.frame_state(variable, dataset, frame, settled, patience=patience, fingerprint=known)


def lines_before_timed(cell: str) -> int | None:
    r"""Lines of a cell before what ``%%time`` or ``%time`` runs; None without one, or with several.

    Examples
    --------
    >>> lines_before_timed("%%time\nx = 1"), lines_before_timed("x = 1\ny = %time f(x)"), lines_before_timed("x = 1")
    (1, 1, None)
    """
    found = list(_TIME.finditer(cell))
    if len(found) != 1:
        return None
    above = cell.count("\n", 0, found[0].start(1))
    if len(found[0][1]) == 1:
        return above
    return above + 1 + _blank(cell[found[0].end() :].partition("\n")[2])


def _blank(code: str) -> int:
    """Blank lines at the top of some code, which IPython takes away."""
    return code[: len(code) - len(code.lstrip())].count("\n")
