"""From an array to a column of chunks. Canonical bytes come from `canonical`, boundaries from `chunking`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.frames.canonical import CanonicalChunk, canonical_chunk
from lineageflow_jupyter.frames.chunking import BOUNDARY_VERSION, incremental_ranges
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import ChunkRef, Column


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
