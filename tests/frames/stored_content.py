"""What a repository does to a frame's content between commit and read, without a store: normalise, cut, join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lineageflow_jupyter.frames.canonical import CanonicalChunk, assemble, canonical_chunk, logical_type, normalise
from lineageflow_jupyter.frames.convert import (
    ColumnContent,
    FrameContent,
    companions_for,
    from_content,
    row_aligned,
    to_content,
)
from lineageflow_jupyter.model.objects import FrameDescription, decode_frame, encode_frame


class StoredChunk:
    """A chunk as a pack gives it back."""

    def __init__(self, chunk: CanonicalChunk) -> None:
        self.header = bytes(chunk.header)
        self._buffers = [bytes(buffer) for buffer in chunk.buffers]
        self.sizes = tuple(map(len, self._buffers))

    def read(self, index: int) -> np.ndarray:
        return np.frombuffer(self._buffers[index], "u1")

    def read_into(self, index: int, out: np.ndarray) -> None:
        np.asarray(memoryview(out)).view("u1")[:] = self.read(index)


def stored_array(array, rows: range | None = None):
    """The array as it comes back, cut into up to three chunks, on memory of its own."""
    values = normalise(array)
    if rows is not None:
        values = values.slice(rows.start, len(rows))
    kind = logical_type(values.type)
    third = max(1, -(-len(values) // 3))
    chunks = [values.slice(start, third) for start in range(0, len(values), third)]
    return assemble(kind, [StoredChunk(canonical_chunk(chunk, kind)) for chunk in chunks])


def stored(content: FrameContent, *, positions: Sequence[int] | None = None, rows: range | None = None) -> FrameContent:
    """The content as a repository rebuilds it, for some columns and rows."""
    _, data = encode_frame(FrameDescription(content.body))
    body = decode_frame(data).body
    places = range(len(content.columns)) if positions is None else positions
    columns = tuple(
        ColumnContent(content.columns[i].name, content.columns[i].role, stored_array(content.columns[i].array, rows))
        for i in places
    )
    needed, aligned = companions_for(body, places), row_aligned(body)
    companions = tuple(
        stored_array(array, rows if number in aligned else None) if number in needed else None
        for number, array in enumerate(content.companions)
    )
    count = content.rows if rows is None else len(rows)
    return replace(content, rows=count, columns=columns, companions=companions, body=body)


def back(frame, *, engine: str, positions: Sequence[int] | None = None, rows: range | None = None):
    """The frame after a commit and a read."""
    content = stored(to_content(frame), positions=positions, rows=rows)
    return from_content(content, engine=engine, positions=positions, row_start=0 if rows is None else rows.start)
