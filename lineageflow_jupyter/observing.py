"""What a live frame is at this moment, for the record of cells: its ids and shape, and a snapshot of its data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.errors import LineageFlowError, StorageError
from lineageflow_jupyter.frames.content import FrameContent
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.workspace import Workspace

KNOWN_BYTES, NEW_BYTES = 1 << 28, 1 << 25
"""Frames up to this size are looked at while a cell waits: those of which a version is known, and others.

Of the first only what changed is encoded; of the second all of it, which takes some ten times as long.
"""


class Observer:
    """Looks at live frames.

    Parameters
    ----------
    snapshots : Snapshots
        Where their data are kept.
    workspace : Workspace
        Tells which versions frames may have started from.
    """

    def __init__(self, snapshots: Snapshots, workspace: Workspace) -> None:
        self._snapshots = snapshots
        self._workspace = workspace

    def state(self, variable: str, dataset: str, frame: Any, before: FrameState | None) -> FrameState:
        """See `Repository.frame_state`."""
        rows, columns = _shape(frame)
        try:
            content = to_content(frame)
            seen = self._workspace.seen(dataset)
            parent = entry_of(before, seen) or seen
            size = sum(column.array.nbytes for column in content.columns)
            if size > (NEW_BYTES if parent is None else KNOWN_BYTES):
                note = f"{size / 1e6:,.0f} MB are too much to look at while a cell waits"
                return FrameState(variable, dataset, None, None, rows, columns, note=note)
            return self._kept(variable, dataset, content, parent, () if seen is None else seen.key)
        except LineageFlowError as error:
            return FrameState(variable, dataset, None, None, rows, columns, note=error.problem)

    def _kept(
        self, variable: str, dataset: str, content: FrameContent, parent: TreeEntry | None, key: tuple[str, ...]
    ) -> FrameState:
        note = ""
        try:
            entry = self._snapshots.keep(dataset, content, parent, key)
        except StorageError as error:
            entry, note = self._snapshots.named(dataset, content, key), error.problem
        nulls = sum(_missing(column.array) for column in content.columns)
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


def entry_of(state: FrameState | None, like: TreeEntry | None = None) -> TreeEntry | None:
    """Entry of a frame as it was, if its ids are known; `like` tells the key."""
    if state is None or state.table is None or state.frame is None:
        return None
    return TreeEntry(state.dataset, state.table, state.frame, () if like is None else like.key)


def _shape(frame: Any) -> tuple[int, int]:
    shape = tuple(frame.shape)
    return int(shape[0]), int(shape[1]) if len(shape) > 1 else 1


def _missing(array: Any) -> int:
    """Values that are null or NaN."""
    values = normalise(array)
    if not pa.types.is_floating(values.type):
        return int(values.null_count)
    if pa.types.is_float16(values.type):
        return int(values.null_count + np.isnan(values.drop_null().to_numpy(zero_copy_only=False)).sum())
    return int(pc.sum(pc.is_null(values, nan_is_null=True)).as_py() or 0)
