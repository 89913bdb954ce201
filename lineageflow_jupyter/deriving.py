"""Values of chunks that are stored as rows of older columns: where bytes, row maps and base columns come together.

How such a chunk is told is in ``frames.derived``; when one is written in ``forming``. A base is always stored whole:
deriving goes one step deep, and what says otherwise is damaged.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from threading import Lock
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.row_maps import decode_runs, encode_runs, widened
from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.frames.assembly import assemble
from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.codecs import FORM_FULL, StoredValue, encode_value, parse_value
from lineageflow_jupyter.frames.derived import Counted, DerivedChunk, counted_labels, decode_derived, with_literals
from lineageflow_jupyter.frames.normalise import normalise, used_dictionary
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.objects import ChunkRef, Column, decode, encode
from lineageflow_jupyter.model.types import LogicalType
from lineageflow_jupyter.store.reader import ObjectReader

Rows = np.ndarray[Any, Any]
Sealed = tuple[ObjectId, Kind, list[Any]]
"""Id, kind and stored value of an object."""

CACHED_RUNS = 4_000_000
"""Runs of row maps that are kept decoded, over all maps."""
_FSCK = "Run fsck to see what is damaged"


class Manifests(Protocol):
    """What is needed of `tables.Objects`."""

    @property
    def reader(self) -> ObjectReader:
        """Reads stored values."""

    def columns(self, ids: Sequence[ObjectId]) -> list[Column]:
        """Chunk lists of columns."""


def sealed_map(alignment: Alignment) -> Sealed:
    """Row map of an alignment as an object; equal alignments are one object."""
    buffers = encode_runs(alignment)
    header = encode([alignment.rows_a, alignment.rows_b, [part.itemsize for part in buffers]])
    data = [part.tobytes() for part in buffers]
    value = encode_value(header, data, [part.itemsize for part in buffers])
    return _map_id(header, data), Kind.MAP, value


def _map_id(header: Any, buffers: Sequence[Any]) -> ObjectId:
    return object_id(Kind.MAP, [struct.pack("<I", len(header)), header, *buffers])


class RowMaps:
    """Reads row maps by id and remembers the latest; may be shared by threads."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._cache: OrderedDict[ObjectId, Alignment] = OrderedDict()
        self._lock = Lock()

    def get(self, oid: ObjectId) -> Alignment:
        """Alignment of a row map.

        Raises
        ------
        CorruptData, ObjectMissing
            If it is damaged or missing.
        """
        with self._lock:
            if oid in self._cache:
                self._cache.move_to_end(oid)
                return self._cache[oid]
        found = decode_map(parse_value(self._reader.read(oid)))
        with self._lock:
            self._cache[oid] = found
            while len(self._cache) > 1 and sum(len(kept.b) for kept in self._cache.values()) > CACHED_RUNS:
                self._cache.popitem(last=False)
        return found


def decode_map(value: StoredValue, oid: ObjectId | None = None) -> Alignment:
    """Alignment of the stored value of a row map; with its id, this is compared.

    Raises
    ------
    CorruptData
        If it is none, or another one.
    """
    try:
        rows_a, rows_b, widths = decode(value.header)
        buffers = [value.read(number) for number in range(len(value.sizes))]
        if oid is not None and _map_id(bytes(value.header), buffers) != oid:
            raise ValueError("it holds other content than its id says")
        return decode_runs(rows_a, rows_b, widened(buffers, widths))
    except (ValueError, TypeError, LookupError) as error:
        raise CorruptData(f"a row map is damaged ({error})", remedy=_FSCK) from error


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows of an array that is put together: of whole chunks, or derived from one base through one map."""

    base: Any
    map: ObjectId | None
    chunks: tuple[tuple[ObjectId, int], ...]


class Deriver:
    """Arrays of chunks, whatever form they are stored in.

    Parameters
    ----------
    objects : Manifests
        Manifests and stored values.
    """

    def __init__(self, objects: Manifests) -> None:
        self._objects = objects
        self.maps = RowMaps(objects.reader)

    def array(
        self, kind: LogicalType, chunks: Sequence[tuple[ObjectId, int]], values: Mapping[ObjectId, StoredValue]
    ) -> Any:
        """Array of some chunks, one after the other.

        Parameters
        ----------
        kind : LogicalType
            The column's type.
        chunks : sequence of (ObjectId, int)
            The chunks with their rows.
        values : mapping of ObjectId to StoredValue
            Their stored values, of any form.

        Raises
        ------
        CorruptData, ObjectMissing
            If something is damaged or missing.
        """
        if all(values[oid].form == FORM_FULL for oid, _ in chunks):
            return assemble(kind, [values[oid] for oid, _ in chunks])
        parts = []
        derived = {oid: decode_derived(values[oid]) for oid, _ in chunks if values[oid].form != FORM_FULL}
        for stretch in _stretches(chunks, derived):
            if stretch.base is None:
                parts.append(assemble(kind, [values[oid] for oid, _ in stretch.chunks]))
            else:
                parts.append(self._derived(kind, stretch, [derived[oid] for oid, _ in stretch.chunks]))
        return parts[0] if len(parts) == 1 else normalise(pa.chunked_array(parts))

    def chunk_ids(self, values: Mapping[ObjectId, StoredValue]) -> Iterator[tuple[ObjectId, ObjectId]]:
        """Ids of derived chunks, each with the one that is computed from its values.

        Chunks that go on where others end are read together: a base is decoded once for all of them.
        """
        derived = {oid: decode_derived(value) for oid, value in values.items()}
        ordered = sorted(derived.items(), key=lambda item: (str(item[1].base), item[1].map or b"", item[1].first))
        for _, items in groupby(ordered, key=lambda item: (item[1].base, item[1].map)):
            chunks = [(oid, chunk.rows) for oid, chunk in items]
            base = derived[chunks[0][0]].base
            kind = _COUNTED if isinstance(base, Counted) else self._objects.columns([base])[0].type
            for stretch in _stretches(chunks, derived):
                array = self._derived(kind, stretch, [derived[oid] for oid, _ in stretch.chunks])
                start = 0
                for oid, rows in stretch.chunks:
                    yield oid, canonical_chunk(array.slice(start, rows), kind).id()
                    start += rows

    def _derived(self, kind: LogicalType, stretch: _Stretch, chunks: Sequence[DerivedChunk]) -> Any:
        rows = sum(chunk.rows for chunk in chunks)
        if [chunk.rows for chunk in chunks] != [count for _, count in stretch.chunks]:
            raise CorruptData("a chunk has another number of rows than its column says", remedy=_FSCK)
        starts = list(accumulate((chunk.rows for chunk in chunks), initial=0))
        positions = [chunk.positions + start for chunk, start in zip(chunks, starts, strict=False)]
        literals = [
            (at, chunk.literals) for at, chunk in zip(positions, chunks, strict=True) if chunk.literals is not None
        ]
        first = chunks[0].first
        if stretch.map is None:
            array = self._slice(kind, stretch.base, range(first, first + rows))
        else:
            array = self._selected(kind, stretch, first, np.concatenate(positions), rows)
        found = with_literals(kind, array, [at for at, _ in literals], [value for _, value in literals])
        return used_dictionary(found)  # the base may know categories that this version has no more

    def _selected(self, kind: LogicalType, stretch: _Stretch, first: int, own: Rows, rows: int) -> Any:
        """Rows of the base that the row map names; of rows that have values of their own, any."""
        assert stretch.map is not None
        alignment = self.maps.get(stretch.map)
        if first + rows > alignment.rows_b:
            raise CorruptData("a selection names rows that its row map does not have", remedy=_FSCK)
        if not isinstance(stretch.base, Counted) and self._base(kind, stretch.base).rows != alignment.rows_a:
            raise CorruptData("a row map is of another table than its base column", remedy=_FSCK)
        sources = alignment.sources(first, first + rows)
        nowhere = np.flatnonzero(sources < 0)
        if len(nowhere):
            if len(np.setdiff1d(nowhere, own)):
                raise CorruptData("a derived chunk has rows that come from nowhere", remedy=_FSCK)
            if len(nowhere) == rows:
                return assemble(kind, []).take(pa.nulls(rows, pa.int64()))
            sources[nowhere] = sources[sources >= 0][0]
        return self._taken(kind, stretch.base, sources)

    def _slice(self, kind: LogicalType, base: Any, rows: range) -> Any:
        """Values of the base in neighbouring rows."""
        if isinstance(base, Counted):
            return self._taken(kind, base, np.arange(rows.start, rows.stop))
        held, skipped = overlapping(self._base(kind, base), rows)
        return self._assembled(held).slice(skipped, len(rows))

    def _taken(self, kind: LogicalType, base: Any, rows: Rows) -> Any:
        """Values of the base at some rows."""
        if isinstance(base, Counted):
            if kind != _COUNTED:
                raise CorruptData(f"labels are counted where {kind} was expected", remedy=_FSCK)
            return counted_labels(base, rows)
        held, at = holding(self._base(kind, base), rows)
        array = self._assembled(held)
        return array.take(pa.array(at))

    def _base(self, kind: LogicalType, base: ObjectId) -> Column:
        (column,) = self._objects.columns([base])
        if column.type != kind:
            raise CorruptData(f"a base column is {column.type} where {kind} was expected", remedy=_FSCK)
        return column

    def _assembled(self, column: Column) -> Any:
        """Array of a column whose chunks must be stored whole."""
        ids = {chunk.id for chunk in column.chunks}
        values = {oid: parse_value(data) for oid, data in self._objects.reader.read_many(ids)}
        if any(value.form != FORM_FULL for value in values.values()):
            raise CorruptData("a base is itself derived", remedy=_FSCK)
        array = assemble(column.type, [values[chunk.id] for chunk in column.chunks])
        if len(array) != column.rows:
            raise CorruptData("a chunk has another number of rows than its column says", remedy=_FSCK)
        return array


_COUNTED = logical_type(pa.int64())


def _stretches(chunks: Sequence[tuple[ObjectId, int]], derived: Mapping[ObjectId, DerivedChunk]) -> Iterator[_Stretch]:
    """Neighbours that are read together: whole chunks, and derived ones that go on where the last one ended."""

    def group(item: tuple[tuple[ObjectId, int], int]) -> Any:
        (oid, _), start = item
        chunk = derived.get(oid)
        return None if chunk is None else (chunk.base, chunk.map, chunk.first - start)

    starts = accumulate((rows for _, rows in chunks), initial=0)
    for key, items in groupby(zip(chunks, starts, strict=False), key=group):
        base, map_ = (None, None) if key is None else key[:2]
        yield _Stretch(base, map_, tuple(chunk for chunk, _ in items))


def holding(column: Column, rows: Rows) -> tuple[Column, Rows]:
    """The column without the chunks that hold none of some rows, and the places of the rows in what is left.

    Raises
    ------
    CorruptData
        If the column does not have the rows.
    """
    stops = np.array(list(accumulate(chunk.rows for chunk in column.chunks)), np.int64)
    if len(rows) and (int(rows.min()) < 0 or not len(stops) or int(rows.max()) >= stops[-1]):
        raise CorruptData("rows are asked for that their column does not have", remedy=_FSCK)
    lengths = np.diff(stops, prepend=0)
    chunk = np.searchsorted(stops, rows, side="right")
    used = np.zeros(len(stops), bool)
    used[chunk] = True
    before = np.cumsum(np.where(used, lengths, 0)) - np.where(used, lengths, 0)
    left = replace(column, chunks=tuple(part for part, kept in zip(column.chunks, used.tolist(), strict=True) if kept))
    return left, rows - (stops - lengths)[chunk] + before[chunk]


def overlapping(column: Column, rows: range) -> tuple[Column, int]:
    """The chunks of a column that hold some of the rows, and how many rows of the first one come before these.

    Raises
    ------
    CorruptData
        If the column does not have the rows.
    """
    if rows.stop > column.rows:
        raise CorruptData("rows are asked for that their column does not have", remedy=_FSCK)
    held: list[ChunkRef] = []
    start = skipped = 0
    for chunk in column.chunks:
        if start < rows.stop and start + chunk.rows > rows.start:
            skipped = skipped if held else rows.start - start
            held.append(chunk)
        start += chunk.rows
    return replace(column, chunks=tuple(held)), skipped


def derived_from(value: StoredValue) -> Iterator[tuple[Kind, ObjectId]]:
    """Objects that the stored value of a chunk rests on: they must be kept as long as it is stored so."""
    if value.form == FORM_FULL:
        return
    chunk = decode_derived(value)
    if chunk.map is not None:
        yield Kind.MAP, chunk.map
    if not isinstance(chunk.base, Counted):
        yield Kind.COLUMN, chunk.base
