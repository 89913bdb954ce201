"""From an array to a column of chunks. Canonical bytes come from `canonical`, boundaries from `chunking`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.frames.canonical import CanonicalChunk, canonical_chunk
from lineageflow_jupyter.frames.chunking import BOUNDARY_VERSION, DEFAULT_RULE, incremental_ranges
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import ChunkRef, Column
from lineageflow_jupyter.model.types import LogicalType

PIECE_ROWS = 4 * DEFAULT_RULE.max_units
"""Rows of a piece for `chunk_pieces`: longer than any chunk, so that each piece holds whole ones."""


@dataclass(frozen=True, slots=True, eq=False)
class ChunkedColumn:
    """A column and those of its chunks that its parent does not have.

    Parameters
    ----------
    column : Column
        The column's type and chunk list.
    new : dict of ObjectId to CanonicalChunk
        Chunks that may have to be stored.
    """

    column: Column
    new: dict[ObjectId, CanonicalChunk]


def chunk_column(array: Any, parent: Column | None = None) -> ChunkedColumn:
    """Cut an array into content-addressed chunks.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
        The values.
    parent : Column, optional
        An earlier version: where its chunks still fit, rows are only hashed. The result does not depend on it.

    Returns
    -------
    ChunkedColumn
        The same column for the same values, whatever the parent.
    """
    values = normalise(array)
    kind = logical_type(values.type)
    if parent is not None and (parent.type != kind or parent.boundaries != BOUNDARY_VERSION):
        parent = None
    known = [] if parent is None else [(chunk.id, chunk.rows) for chunk in parent.chunks]
    latest: dict[ObjectId, CanonicalChunk] = {}

    def identify(start: int, stop: int) -> ObjectId:
        chunk = canonical_chunk(values.slice(start, stop - start), kind)
        oid = chunk.id()
        latest.clear()
        latest[oid] = chunk
        return oid

    chunks: list[ChunkRef] = []
    new: dict[ObjectId, CanonicalChunk] = {}
    inherited = {oid for oid, _ in known}
    for start, stop, oid, _ in incremental_ranges(values, known, identify):
        chunks.append(ChunkRef(oid, stop - start))
        if oid not in inherited and oid not in new:
            new[oid] = latest[oid]
    return ChunkedColumn(Column(kind, BOUNDARY_VERSION, tuple(chunks)), new)


@dataclass(frozen=True, slots=True, eq=False)
class PieceChunk:
    """A chunk of a column that came in pieces.

    Parameters
    ----------
    kind : LogicalType
        Type of the column.
    ref : ChunkRef
        Its id and rows.
    content : CanonicalChunk
        Its bytes, which are nobody else's.
    """

    kind: LogicalType
    ref: ChunkRef
    content: CanonicalChunk


def chunk_pieces(pieces: Iterable[Any], parent: Column | None = None) -> Iterator[PieceChunk]:
    """Cut a column that comes in pieces: the same chunks as `chunk_column` finds, of which one is held at a time.

    What lies in the pieces may change meanwhile: an id always belongs to the bytes beside it, which are a copy.

    Parameters
    ----------
    pieces : iterable of pyarrow.Array or pyarrow.ChunkedArray
        The values in order, all of one type; each but the last has at least `PIECE_ROWS` rows.
    parent : Column, optional
        An earlier version, as in `chunk_column`.
    """
    known: Sequence[tuple[ObjectId, int]] = ()
    left: Any = None
    place = 0
    for piece, last in _with_last(pieces):
        values = normalise(piece)
        kind = logical_type(values.type)
        if parent is not None and parent.type == kind and parent.boundaries == BOUNDARY_VERSION:
            known = [(chunk.id, chunk.rows) for chunk in parent.chunks]
        window = values if left is None else pa.concat_arrays([left, values])
        left = None
        latest: list[CanonicalChunk] = []

        def identify(start: int, stop: int, window: Any = window, kind: Any = kind, latest: Any = latest) -> ObjectId:
            chunk = canonical_chunk(window.slice(start, stop - start), kind)
            own = replace(chunk, buffers=tuple(bytes(buffer) for buffer in chunk.buffers))
            latest[:] = [own]
            return own.id()

        for start, stop, oid, _ in incremental_ranges(window, known[place:], identify):
            if stop == len(window) and not last:  # it ends with the piece, not where it should
                left = window.slice(start)
                break
            yield PieceChunk(kind, ChunkRef(oid, stop - start), latest[0])
            place = _following(known, place, oid)


def _with_last(pieces: Iterable[Any]) -> Iterator[tuple[Any, bool]]:
    """Each piece, and whether it is the last one."""
    waiting: list[Any] = []
    for piece in pieces:
        if waiting:
            yield waiting.pop(), False
        waiting.append(piece)
    if waiting:
        yield waiting.pop(), True


def _following(known: Sequence[tuple[ObjectId, int]], place: int, oid: ObjectId) -> int:
    """Place of the earlier version's chunk that should come next; that it is wrong only costs time."""
    near = range(place, min(place + 8, len(known)))
    return next((at + 1 for at in near if known[at][0] == oid), min(place + 1, len(known)))


def missing_values(array: Any) -> int:
    """Values that are null or NaN."""
    values = normalise(array)
    if not pa.types.is_floating(values.type):
        return int(values.null_count)
    if pa.types.is_float16(values.type):
        return int(values.null_count + np.isnan(values.drop_null().to_numpy(zero_copy_only=False)).sum())
    return int(pc.sum(pc.is_null(values, nan_is_null=True)).as_py() or 0)
