"""What a live frame is at this moment, for the record of cells: its ids and shape, and a snapshot of its data.

A frame is looked at while its cell waits if that fits into a budget; else its data are copied later (`copying`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.copying import Copier, Job, Later, without_data
from lineageflow_jupyter.errors import LineageFlowError, StorageError
from lineageflow_jupyter.frames.capture import Capture, TornFrame
from lineageflow_jupyter.frames.columns import missing_values
from lineageflow_jupyter.frames.content import FrameContent
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.fingerprints import Fingerprint
from lineageflow_jupyter.frames.weighing import Weight, weight_of
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.workspace import Workspace

KNOWN_RATE, NEW_RATE = 1.2e9, 2e8
"""Bytes a second that are compared with a version of as many rows, and that are encoded: two threads of a laptop.

Measured: 1.2 to 1.4 GB/s and 220 to 530 MB/s for numbers, 1.0 GB/s and 250 MB/s for text in Arrow memory.
"""
OBJECT_SECONDS = 1e-7
"""A Python object, such as a text of the dtype ``object``, takes so long in any case."""
SURE_BYTES = 1 << 20
"""Frames up to this size are looked at whatever is left of the budget: to do it later would take longer."""

Seconds = float


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a frame may take.

    Parameters
    ----------
    seconds : float
        What is left of the cell's budget.
    limit : int
        Bytes up to which data of a frame are kept at all.
    room : int
        Bytes that all snapshots may take. Older ones make room, but not at once: nothing is kept beyond twice as many.
    later : callable or None
        Is told what a frame that took longer turned out to be; None: such frames are told without ids.
    """

    seconds: Seconds
    limit: int
    room: int
    later: Later | None = None


PATIENT = Patience(0.25, 4 * 2**30, 10 * 2**30)


class Observer:
    """Looks at live frames.

    Parameters
    ----------
    snapshots : Snapshots
        Where their data are kept.
    copier : Copier
        Copies those that would take too long.
    workspace : Workspace
        Tells which versions frames may have started from.
    """

    def __init__(self, snapshots: Snapshots, copier: Copier, workspace: Workspace) -> None:
        self._snapshots = snapshots
        self._copier = copier
        self._workspace = workspace

    def state(
        self,
        variable: str,
        dataset: str,
        frame: Any,
        before: FrameState | None,
        patience: Patience = PATIENT,
        known: Fingerprint | None = None,
    ) -> FrameState:
        """See `Repository.frame_state`."""
        rows, columns = _shape(frame)
        bare = FrameState(variable, dataset, None, None, rows, columns)
        try:
            seen = self._workspace.seen(dataset)
            parent = entry_of(before, seen) or seen
            weight = weight_of(frame)
            if weight.bytes > patience.limit:
                told = f"{_size(weight.bytes)} are more than is kept of a frame ({_size(patience.limit)})"
                return without_data(bare, told)
            taken = self._snapshots.overlay.packed
            if taken > 2 * patience.room:
                return without_data(bare, f"snapshots take {_size(taken)}, and older ones have not made room yet")
            key = () if seen is None else seen.key
            as_many = before is not None and before.rows == rows and parent is not None
            if weight.bytes > SURE_BYTES and _seconds(weight, as_many) > patience.seconds:
                return self._later(bare, frame, weight, parent, key, patience.later, known)
            return self._kept(variable, dataset, to_content(frame), parent, key)
        except LineageFlowError as error:
            return FrameState(variable, dataset, None, None, rows, columns, note=error.problem)

    def _later(
        self,
        bare: FrameState,
        frame: Any,
        weight: Weight,
        parent: TreeEntry | None,
        key: tuple[str, ...],
        later: Later | None,
        known: Fingerprint | None,
    ) -> FrameState:
        if later is None:
            return without_data(bare, f"{_size(weight.bytes)} are too much to look at while a cell waits")
        try:
            captured = Capture(frame, known)
        except TornFrame as error:
            return without_data(bare, str(error))
        state = waiting(bare)
        self._copier.add(Job(state, captured, parent, key, later))
        return state

    def _kept(
        self, variable: str, dataset: str, content: FrameContent, parent: TreeEntry | None, key: tuple[str, ...]
    ) -> FrameState:
        note = ""
        try:
            entry = self._snapshots.keep(dataset, content, parent, key)
        except StorageError as error:
            entry, note = self._snapshots.named(dataset, content, key), error.problem
        nulls = sum(missing_values(column.array) for column in content.columns)
        return FrameState(
            variable,
            dataset,
            entry.table,
            entry.frame,
            content.rows,
            len(content.columns),
            nulls,
            note,
            kept=not note,
        )


_WAITING = "its data were still to be copied by a background job"


def waiting(state: FrameState) -> FrameState:
    """State of a frame that will be copied; its note is like no other, so that it is found again to be amended."""
    note = f"{_WAITING} ({uuid.uuid4().hex[:12]})"
    return FrameState(state.variable, state.dataset, None, None, state.rows, state.columns, note=note)


def is_waiting(state: FrameState | None) -> bool:
    """Whether a state is one that `waiting` made."""
    return state is not None and state.table is None and state.note.startswith(_WAITING)


def entry_of(state: FrameState | None, like: TreeEntry | None = None) -> TreeEntry | None:
    """Entry of a frame as it was, if its ids are known; `like` tells the key."""
    if state is None or state.table is None or state.frame is None:
        return None
    return TreeEntry(state.dataset, state.table, state.frame, () if like is None else like.key)


def _seconds(weight: Weight, as_many: bool) -> Seconds:
    """What a frame will take. One of other rows than before is nearly all new, and one that nobody knows is so too."""
    return weight.bytes / (KNOWN_RATE if as_many else NEW_RATE) + weight.objects * OBJECT_SECONDS


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def _shape(frame: Any) -> tuple[int, int]:
    shape = tuple(frame.shape)
    return int(shape[0]), int(shape[1]) if len(shape) > 1 else 1
