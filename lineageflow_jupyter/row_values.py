"""Values of two versions side by side: which aligned rows differ, and words by which rows are matched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.agreement import Pair as ChunkLists
from lineageflow_jupyter.algorithms.agreement import Range, agreeing_runs, equal_rows, outside
from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows, expanded_ranges, numbers_of
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.matching_words import combined_words, value_words
from lineageflow_jupyter.model.schema import SchemaChange
from lineageflow_jupyter.versions import Version, schema_of

MANY_RUNS = 4096
"""From so many runs on chunks hardly ever agree along them, and are not asked."""

COMPARED_TOGETHER = 1 << 18
"""Rows of which the values are held at a time, where their partners lie close together."""

Pair = tuple[int, int]
"""Places of a column in A's and B's table."""
T = TypeVar("T")
R = TypeVar("R")
NO_ROWS: Rows = np.empty(0, np.int32)


class RowValues:
    """Two versions of a dataset, A and B, of which rows are compared.

    Parameters
    ----------
    old, new : Version
        A and B.
    pool : Executor
        Threads that share the work, by columns.
    """

    def __init__(self, old: Version, new: Version, pool: Executor) -> None:
        self.sides = (old, new)
        self.rows = (old.table.rows, new.table.rows)
        self.schema: SchemaChange = schema_of(old, new)
        self._pool = pool

    def name(self, pair: Pair) -> str:
        """Name of a column in B."""
        return self.sides[1].table.columns[pair[1]].name

    def lists(self, pair: Pair) -> ChunkLists:
        """Chunk lists of a column."""
        return self.sides[0].columns[pair[0]], self.sides[1].columns[pair[1]]

    def agreeing(self, pairs: Sequence[Pair]) -> Alignment:
        """Rows that are equal in some columns, as chunk lists tell."""
        return agreeing_runs([self.lists(pair) for pair in pairs], *self.rows)

    def changed(self, alignment: Alignment, pairs: Sequence[Pair]) -> dict[int, Rows]:
        """By place in B's columns: aligned rows of B with another value; columns without any are left out."""
        whole: list[RowPairs] = []  # of all aligned rows: made once, for the columns of which chunks tell little
        known = [equal_rows(*self.lists(pair), alignment) if len(alignment.b) <= MANY_RUNS else [] for pair in pairs]
        if any(2 * _rows_in(ranges) < alignment.matched for ranges in known):
            whole.append(self._paired(*alignment.pairs()))

        def work(item: tuple[Pair, list[Range]]) -> Rows:
            pair, equal = item
            if 2 * _rows_in(equal) < alignment.matched:
                return self._changed_of(pair, whole[0])
            ends = alignment.b + alignment.length
            aligned: list[Range] = list(zip(alignment.b.tolist(), ends.tolist(), strict=True))
            unknown = np.array(outside(equal, aligned), np.int64).reshape(-1, 2)
            starts, lengths = unknown[:, 0], unknown[:, 1] - unknown[:, 0]
            rows_b = expanded_ranges(starts, lengths)
            rows_a = expanded_ranges(alignment.partners(starts), lengths)  # no range reaches beyond its run
            return self._changed_of(pair, self._paired(rows_a, rows_b))

        open_ = [item for item in zip(pairs, known, strict=True) if _rows_in(item[1]) < alignment.matched]
        found = self.each(work, open_)
        return {pair[1]: rows for (pair, _), rows in zip(open_, found, strict=True) if len(rows)}

    def changed_at(self, pairs: Sequence[Pair], rows_a: Rows, rows_b: Rows) -> dict[int, Rows]:
        """By place in B's columns: those of some rows of B that differ from their partners."""
        among = self._paired(rows_a, rows_b)
        found = self.each(lambda pair: self._changed_of(pair, among), pairs)
        return {place: rows for (_, place), rows in zip(pairs, found, strict=True)}

    def differ(self, pair: Pair, among: RowPairs) -> Any:
        """Flags of the pairs of rows that differ in a column."""
        parts = [np.empty(0, bool)]
        older = _Column(self.sides[0], pair[0])
        newer = _Column(self.sides[1], pair[1])
        for place_a, place_b in among.parts:
            parts.append(changed_rows(older.values(place_a), newer.values(place_b)))
        return np.concatenate(parts)

    def equal(self, pairs: Sequence[Pair], rows_a: Rows, rows_b: Rows) -> tuple[Rows, Rows]:
        """Those of some pairs of rows that are equal in all of some columns; in any order."""
        if not len(rows_b):
            return rows_a, rows_b
        among = self._paired(rows_a, rows_b)
        wrong = np.zeros(len(rows_b), bool)
        for flags in self.each(lambda pair: self.differ(pair, among), pairs):
            wrong |= flags
        return (among.rows_a[~wrong], among.rows_b[~wrong]) if wrong.any() else (rows_a, rows_b)

    def words(self, side: int, pairs: Sequence[Pair], rows: Rows | None) -> Any:
        """Words of some rows, or all, over some columns; of a single column they are its values where these fit."""
        words: Any = None
        for pair in pairs:
            version = self.sides[side]
            (array,) = version.values([pair[side]]) if rows is None else picked(version, [pair[side]], rows)
            words = value_words(array) if len(pairs) == 1 else combined_words(words, array)
        return words

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do some work for each item, on several threads."""
        return list((self._pool.map if len(items) > 1 else map)(work, items))

    def _changed_of(self, pair: Pair, among: RowPairs) -> Rows:
        differing: Rows = among.rows_b[self.differ(pair, among)]
        return np.sort(differing)

    def _paired(self, rows_a: Rows, rows_b: Rows) -> RowPairs:
        """Pairs of rows in the order in which few values are held at a time."""
        found = RowPairs.of(rows_a, rows_b)
        if found.scattered and self.sides[1].in_memory and not self.sides[0].in_memory:
            partners = np.full(self.rows[0], NO_ROW, rows_b.dtype)
            partners[rows_a] = rows_b
            rows_a = numbers_of(partners >= 0, rows_a.dtype)
            return RowPairs.of(rows_a, partners[rows_a])
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where some rows lie in a version: in a range, of which all rows are wanted or some; or far apart.

    Parameters
    ----------
    rows : numpy.ndarray of int64
        The rows.
    span : range or None
        The range; None where they lie far apart.
    at : numpy.ndarray of int64 or None
        Places of the rows in the range; None for all.
    """

    rows: Rows
    span: range | None
    at: Rows | None = None

    @classmethod
    def of(cls, rows: Rows, within: range | None = None) -> Places:
        """Places of some rows, in any order; in a range that holds them, if one is given."""
        if not len(rows):
            return cls(rows, None)
        if within is not None:
            return cls(rows, within, rows - within.start if within.start else rows)
        low, high = int(rows.min()), int(rows.max()) + 1
        if high - low > 2 * len(rows):
            return cls(rows, None)
        alone = high - low == len(rows) and bool((np.diff(rows) == 1).all())
        return cls(rows, range(low, high), None if alone else rows - low)


class _Column:
    """Values of a column of a version; those of one range are kept until another one is asked for."""

    def __init__(self, version: Version, place: int) -> None:
        self._version = version
        self._place = place
        self._span: range | None = None
        self._array: Any = None

    def values(self, places: Places) -> Any:
        """Values of the column at some places."""
        if places.span is None:
            return self._version.take([self._place], places.rows)[0]
        if places.span != self._span:
            self._array = None  # one at a time
            whole = len(places.span) == self._version.table.rows
            (self._array,) = self._version.values([self._place], None if whole else places.span)
            self._span = places.span
        return self._array if places.at is None else self._array.take(pa.array(places.at))


@dataclass(frozen=True, slots=True, eq=False)
class RowPairs:
    """Pairs of rows of A and B that are compared, column after column.

    Parameters
    ----------
    rows_a, rows_b : numpy.ndarray of int
        The rows.
    parts : tuple of (Places, Places)
        Where the rows of A and of B lie, in parts, so that the values of only some rows are held at a time. Where
        partners lie far from one another, all parts name one range.
    scattered : bool
        Whether the rows of A lie far apart where those of B do not.
    """

    rows_a: Rows
    rows_b: Rows
    parts: tuple[tuple[Places, Places], ...]
    scattered: bool = False

    @classmethod
    def of(cls, rows_a: Rows, rows_b: Rows) -> RowPairs:
        """Pairs of rows, in their order."""
        slices = [slice(start, start + COMPARED_TOGETHER) for start in range(0, max(len(rows_a), 1), COMPARED_TOGETHER)]
        within = [_common_span(rows, slices) if len(slices) > 1 else None for rows in (rows_a, rows_b)]
        if any(span is not None and len(span) > 2 * len(rows_a) for span in within):  # not worth reading all of it
            slices, within = [slice(None)], [None, None]
        parts = [(Places.of(rows_a[part], within[0]), Places.of(rows_b[part], within[1])) for part in slices]
        return cls(rows_a, rows_b, tuple(parts), within[0] is not None and within[1] is None)


def _common_span(rows: Rows, slices: Sequence[slice]) -> range | None:
    """Range of all rows, if those of each part lie far apart; else None."""
    spans = [range(int(rows[part].min()), int(rows[part].max()) + 1) for part in slices]
    whole = range(min(span.start for span in spans), max(span.stop for span in spans))
    return whole if sum(map(len, spans)) > 2 * len(whole) else None


def _rows_in(ranges: Sequence[Range]) -> int:
    return sum(stop - start for start, stop in ranges)


def picked(version: Version, places: Sequence[int], rows: Rows) -> list[Any]:
    """Values of some rows of some columns."""
    where = Places.of(rows)
    return [_Column(version, place).values(where) for place in places]


def flags_of(rows: Rows | None, count: int) -> Any:
    """Flags of `count` rows: True for some."""
    flags = np.zeros(count, bool)
    if rows is not None:
        flags[rows] = True
    return flags


def joined(parts: Iterable[Rows]) -> Rows:
    """Rows of several parts, one after the other."""
    return np.concatenate([NO_ROWS, *parts])
