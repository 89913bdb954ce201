"""Which new chunks are stored as rows of older columns, and how: the writing side of ``deriving``.

A chunk is derived where that takes clearly fewer bytes. Rows that follow one another in the base make a patch, all
others a selection through the row map of the table, which its columns share. The base is always a column that is stored
whole: where the version before is itself derived, its row maps are followed, so that no chain grows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows, row_type
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.deriving import Deriver, Manifests, Sealed, sealed_map
from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.codecs import encode_value, parse_value
from lineageflow_jupyter.frames.derived import (
    Base,
    Counted,
    DerivedChunk,
    counted_labels,
    decode_derived,
    encode_derived,
)
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.objects import Column
from lineageflow_jupyter.model.types import LogicalType

OfKind = Callable[[Collection[ObjectId], Kind], frozenset[ObjectId]]
"""Tells under which ids an object of a kind is stored."""

CLEARLY = 4
"""A derived form must take so many times fewer bytes than the whole one is estimated to."""
MOST_LITERALS = 1 / 8
"""Share of a chunk's rows that may have values of their own."""
LEAST_KEPT = 1 / 10
"""Share of the base's rows that must still be there: a derived column keeps all of its base from being deleted."""
_VALUE_BYTES = 160
"""What a derived chunk takes besides its literals: ids, checksum, its entry in a pack."""
_TEXT_BYTES = 16
_LABELS_TOGETHER = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A new column of which some chunks are to be stored.

    Parameters
    ----------
    old : Column or None
        The same column in the version before; None for labels that were only counted there.
    base : Base
        Its id, or how its labels were counted.
    new : Column
        The column.
    values : callable
        Gives its normalised values.
    changed : numpy.ndarray of int64
        Aligned rows, rising, with another value than in `old`.
    wanted : frozenset of ObjectId
        Chunks that must be stored.
    """

    old: Column | None
    base: Base
    new: Column
    values: Callable[[], Any]
    changed: Rows
    wanted: frozenset[ObjectId]


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A chunk that may be derived; `selected`: through the row map."""

    oid: ObjectId
    start: int
    stop: int
    first: int
    selected: bool
    literals: Rows
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A column with what it may be derived from; `sample` is one of its new chunks as it would be stored whole."""

    part: Part
    base: Base
    alignment: Alignment
    sample: Sealed | None = None
    row_bytes: float = 0
    candidates: Sequence[_Candidate] = ()


class Former:
    """Finds derived forms for the new chunks of one table.

    Parameters
    ----------
    objects : Manifests
        Manifests and stored values.
    deriver : Deriver
        Row maps.
    of_kind : callable
        The catalog's `of_kind`.
    """

    def __init__(self, objects: Manifests, deriver: Deriver, of_kind: OfKind) -> None:
        self._objects = objects
        self._deriver = deriver
        self._of_kind = of_kind

    def forms(self, parts: Sequence[Part], changes: ChangeSet) -> tuple[list[Sealed], ObjectId | None]:
        """Derived forms of those chunks for which that is worth it.

        Parameters
        ----------
        parts : sequence of Part
            Columns with new chunks.
        changes : ChangeSet
            From the version before to this one.

        Returns
        -------
        tuple of (list of Sealed, ObjectId or None)
            Objects to be stored: derived chunks, such chunks as were encoded to see how large they are, and the row
            maps that they need, of which some may be stored already;
            and the id of the row map of the alignment, if that is among them.
        """
        ids = {chunk.id for part in parts if part.old is not None for chunk in part.old.chunks}
        derived = self._of_kind(ids, Kind.DERIVED) if ids else frozenset()
        known: dict[tuple[int, bytes], Alignment] = {}
        columns = [self._column(part, changes, derived, known) for part in parts]
        sealed: list[Sealed] = []
        own: ObjectId | None = None
        maps: dict[int, ObjectId | None] = {}
        for alignment in {id(column.alignment): column.alignment for column in columns}.values():
            sharing = [column for column in columns if column.alignment is alignment]
            found = self._worthwhile_map(sharing, followed=changes.alignment.identical)
            maps[id(alignment)] = None if found is None else found[0]
            if found is not None:
                sealed.append(found)
            if found is not None and alignment is changes.alignment:
                own = found[0]
        for column in columns:
            sealed += self._sealed(column, maps[id(column.alignment)])
        return sealed, own

    def _column(
        self, part: Part, changes: ChangeSet, derived: frozenset[ObjectId], known: dict[tuple[int, bytes], Alignment]
    ) -> _Column:
        base, older, literals = self._origin(part, derived)
        alignment = changes.alignment
        if len(literals):
            own = alignment.inverse.partners(literals)
            part = replace(part, changed=np.union1d(part.changed, own[own >= 0]))
        if older is not None:
            # Bases of other lengths share no alignment: a patch must not go on where the shorter one ends.
            key = (older.rows_a, _digest(older))
            alignment = known.setdefault(key, alignment.composed(older)) if key not in known else known[key]
        few = alignment.matched < alignment.rows_a * LEAST_KEPT
        if not len(alignment.b) or few or _dictionary_inside(part.new.type):
            return _Column(part, base, alignment)
        sample, row_bytes = _sampled(part)
        return _Column(part, base, alignment, sample, row_bytes, list(_candidates(part, alignment, row_bytes)))

    # --- what the version before was derived from --------------------------------------------------------------------

    def _origin(self, part: Part, derived: frozenset[ObjectId]) -> tuple[Base, Alignment | None, Rows]:
        """Column stored whole that the older one rests on, its rows there, and those that have other values.

        The alignment is None where the base is the older column itself.
        """
        literals = [np.empty(0, np.int64)]
        if part.old is None or derived.isdisjoint(chunk.id for chunk in part.old.chunks):
            return part.base, None, literals[0]
        ids = [chunk.id for chunk in part.old.chunks if chunk.id in derived]
        told = {oid: decode_derived(parse_value(value)) for oid, value in self._objects.reader.read_many(ids)}
        base = Counter(told[oid].base for oid in ids).most_common(1)[0][0]
        places: dict[ObjectId, int] = {}
        rows = self._rows_of(base, told)
        if not isinstance(base, Counted):
            (column,) = self._objects.columns([base])
            starts = accumulate((chunk.rows for chunk in column.chunks), initial=0)
            places = {chunk.id: start for chunk, start in zip(column.chunks, starts, strict=False)}
        runs: list[tuple[int, int, int]] = []
        selected: list[tuple[int, DerivedChunk]] = []
        start = 0
        for chunk in part.old.chunks:
            if chunk.id in told:
                held = told[chunk.id]
                if held.base == base:
                    literals.append(held.positions + start)
                    if held.map is None:
                        runs.append((held.first, start, chunk.rows))
                    else:
                        selected.append((start, held))
            elif chunk.id in places:
                runs.append((places[chunk.id], start, chunk.rows))
            start += chunk.rows
        return base, self._followed(part.old.rows, rows, runs, selected), np.concatenate(literals)

    def _followed(
        self, rows: int, base_rows: int, runs: list[tuple[int, int, int]], selected: list[tuple[int, DerivedChunk]]
    ) -> Alignment:
        """Rows of the base that a column's rows are, also where they have values of their own: each once."""
        if not selected and _apart(runs):
            return Alignment.from_runs(base_rows, rows, runs)
        sources = np.full(rows, NO_ROW, row_type(rows, base_rows))
        for first, start, length in runs:
            sources[start : start + length] = np.arange(first, first + length)
        for start, chunk in selected:
            assert chunk.map is not None
            told = self._deriver.maps.get(chunk.map).sources(chunk.first, chunk.first + chunk.rows)
            sources[start : start + chunk.rows] = told
        return Alignment.from_sources(_once(sources, base_rows), rows_a=base_rows)

    def _rows_of(self, base: Base, told: Mapping[ObjectId, DerivedChunk]) -> int:
        if not isinstance(base, Counted):
            return self._objects.columns([base])[0].rows
        ends = [0]
        for chunk in told.values():
            if chunk.base == base:
                map_ = None if chunk.map is None else self._deriver.maps.get(chunk.map)
                ends.append(chunk.first + chunk.rows if map_ is None else map_.rows_a)
        return max(ends)

    def _worthwhile_map(self, columns: Sequence[_Column], *, followed: bool) -> Sealed | None:
        """Row map that some columns share, if with it their selections take clearly fewer bytes.

        It takes nothing where it is stored already; that may be so if the version before is `followed` row by row.
        """
        selected = [(column, each) for column in columns for each in column.candidates if each.selected]
        whole = sum((each.stop - each.start) * column.row_bytes for column, each in selected)
        derived = sum(each.bytes for _, each in selected)
        least = 0 if followed else len(columns[0].alignment.b)  # a run takes a byte at least
        if not selected or (derived + least) * CLEARLY > whole:
            return None
        found = sealed_map(columns[0].alignment)
        if followed and self._of_kind([found[0]], Kind.MAP):
            return found
        size = sum(memoryview(data).nbytes for data in found[2])
        return found if (derived + size) * CLEARLY <= whole else None

    # --- stored values -----------------------------------------------------------------------------------------------

    def _sealed(self, column: _Column, map_: ObjectId | None) -> Iterator[Sealed]:
        chosen = [each for each in column.candidates if map_ is not None or not each.selected]
        if column.sample is not None and column.sample[0] not in {each.oid for each in chosen}:
            yield column.sample
        if not chosen:
            return
        values = column.part.values()
        for each in chosen:
            literals = None
            if len(each.literals):
                literals = canonical_chunk(values.take(pa.array(each.literals)), column.part.new.type)
            used = map_ if each.selected else None
            positions = each.literals - each.start
            stored = encode_derived(column.base, used, each.first, each.stop - each.start, positions, literals)
            yield each.oid, Kind.DERIVED, stored


def _sampled(part: Part) -> tuple[Sealed, float]:
    """One of the new chunks as it is stored whole, and what a row of it takes."""
    places = []
    start = 0
    for chunk in part.new.chunks:
        if chunk.id in part.wanted:
            places.append((chunk, start))
        start += chunk.rows
    chunk, start = places[len(places) // 2]
    whole = canonical_chunk(part.values().slice(start, chunk.rows), part.new.type)
    stored = encode_value(whole.header, whole.buffers, whole.widths)
    size = sum(memoryview(data).nbytes for data in stored)
    return (chunk.id, Kind.CHUNK, stored), size / chunk.rows


def _candidates(part: Part, alignment: Alignment, row_bytes: float) -> Iterator[_Candidate]:
    """New chunks that would be small if they were derived; what a row map takes is not counted."""
    added = alignment.added
    ends = alignment.b + alignment.length
    shifts = alignment.a - alignment.b
    literal_bytes = _value_bytes(part.new.type)
    start = 0
    seen: set[ObjectId] = set()
    for chunk in part.new.chunks:
        stop = start + chunk.rows
        if chunk.id in part.wanted and chunk.id not in seen:
            seen.add(chunk.id)
            own = np.union1d(_between(added, start, stop), _between(part.changed, start, stop))
            size = _VALUE_BYTES + len(own) * (literal_bytes + 1)
            if len(own) <= chunk.rows * MOST_LITERALS and size * CLEARLY <= chunk.rows * row_bytes:
                low, high = bisect_right(ends, start), bisect_left(alignment.b, stop)
                shift = shifts[low:high]
                first = start + int(shift[0]) if len(shift) else -1
                in_line = (shift == shift[:1]).all() and 0 <= first <= alignment.rows_a - chunk.rows
                at = first if in_line else start
                yield _Candidate(chunk.id, start, stop, at, not in_line, own, size)
        start = stop


def _digest(alignment: Alignment) -> bytes:
    hashed = xxhash.xxh3_128()
    for side in (alignment.a, alignment.b, alignment.length):
        hashed.update(side.data)
    return hashed.digest()


def _dictionary_inside(kind: LogicalType) -> bool:
    """Whether dictionaries lie within other values: what a base knows too many cannot be told from what is there."""
    return any(child.name == "dictionary" or _dictionary_inside(child) for _, child in kind.fields)


def _between(rows: Rows, start: int, stop: int) -> Rows:
    return rows[bisect_left(rows, start) : bisect_left(rows, stop)]


def _value_bytes(kind: LogicalType) -> int:
    return _TEXT_BYTES if kind.width is None else kind.width


def _apart(runs: Sequence[tuple[int, int, int]]) -> bool:
    """Whether no row of the base is in two runs."""
    ordered = sorted(runs)
    return all(first + length <= after for (first, _, length), (after, _, _) in pairwise(ordered))


def _once(sources: Rows, base_rows: int) -> Rows:
    """The same without rows of the base that occur again: an alignment names each once."""
    named = np.zeros(base_rows, bool)
    held = np.flatnonzero(sources >= 0)
    named[sources[held]] = True
    if np.count_nonzero(named) == len(held):
        return sources
    _, first = np.unique(sources[held], return_index=True)
    out = np.full(len(sources), NO_ROW, sources.dtype)
    out[held[first]] = sources[held[first]]
    return out


def label_changes(labels: Any, counted: Counted, alignment: Alignment) -> Rows:
    """Rows of B, rising, that have a partner in A but another label than it was counted to have there."""
    found = [np.empty(0, alignment.b.dtype)]
    for start in range(0, alignment.rows_b, _LABELS_TOGETHER):
        some = labels.slice(start, _LABELS_TOGETHER)
        rows_a = alignment.sources(start, start + len(some))
        wrong = rows_a >= 0
        counts = counted_labels(counted, rows_a).to_numpy()
        wrong &= np.asarray(some.is_null()) | (some.fill_null(0).to_numpy() != counts)
        found.append((np.flatnonzero(wrong) + start).astype(alignment.b.dtype))
    return np.concatenate(found)
