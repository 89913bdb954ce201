"""Values of two versions side by side: which aligned rows differ, and words by which rows are matched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.agreement import Pair as ChunkLists
from lineageflow_jupyter.algorithms.agreement import Range, agreeing_runs, equal_rows, outside
from lineageflow_jupyter.algorithms.alignment import Alignment, Rows, expanded_ranges
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.matching_words import combined_words, value_words
from lineageflow_jupyter.model.schema import SchemaChange, schema_change
from lineageflow_jupyter.versions import Version

MANY_RUNS = 4096
"""From so many runs on chunks hardly ever agree along them, and are not asked."""

COMPARED_TOGETHER = 1 << 20
"""Rows of which the values are held at a time, where their partners lie close together."""

Pair = tuple[int, int]
"""Places of a column in A's and B's table."""
T = TypeVar("T")
R = TypeVar("R")
NO_ROWS: Rows = np.empty(0, np.int64)


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
        self.schema: SchemaChange = schema_change(old.table, new.table, old.columns, new.columns)
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
        found = self.each(partial(self._changed_in, alignment), pairs)
        return {place: rows for (_, place), rows in zip(pairs, found, strict=True) if len(rows)}

    def changed_at(self, pairs: Sequence[Pair], rows_a: Rows, rows_b: Rows) -> dict[int, Rows]:
        """By place in B's columns: those of some rows of B that differ from their partners."""
        found = self.each(lambda pair: rows_b[self.differ(pair, rows_a, rows_b)], pairs)
        return {place: rows for (_, place), rows in zip(pairs, found, strict=True)}

    def differ(self, pair: Pair, rows_a: Rows, rows_b: Rows) -> Any:
        """Flags of the pairs of rows that differ in a column."""
        parts = [np.empty(0, bool)]
        for part in _parts(rows_a):
            (one,) = picked(self.sides[0], [pair[0]], rows_a[part])
            (other,) = picked(self.sides[1], [pair[1]], rows_b[part])
            parts.append(changed_rows(one, other))
        return np.concatenate(parts)

    def verified(self, pairs: Sequence[Pair], rows_a: Rows, rows_b: Rows, found: list[Rows]) -> list[Rows]:
        """Those of some places whose pairs of rows are equal in all of some columns."""
        if not len(rows_b):
            return found
        wrong = np.zeros(len(rows_b), bool)
        for flags in self.each(lambda pair: self.differ(pair, rows_a, rows_b), pairs):
            wrong |= flags
        return [places[~wrong] for places in found] if wrong.any() else found

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

    def _changed_in(self, alignment: Alignment, pair: Pair) -> Rows:
        known = equal_rows(*self.lists(pair), alignment) if len(alignment.b) <= MANY_RUNS else []
        if known:
            ends = alignment.b + alignment.length
            aligned: list[Range] = list(zip(alignment.b.tolist(), ends.tolist(), strict=True))
            unknown = np.array(outside(known, aligned), np.int64).reshape(-1, 2)
            starts, lengths = unknown[:, 0], unknown[:, 1] - unknown[:, 0]
            rows_b = expanded_ranges(starts, lengths)
            rows_a = expanded_ranges(alignment.partners(starts), lengths)  # no range reaches beyond its run
        else:
            rows_a, rows_b = alignment.pairs
        differing: Rows = rows_b[self.differ(pair, rows_a, rows_b)]
        return differing


def _parts(rows: Rows) -> list[slice]:
    """Parts of some rows whose values are held at a time: many small ones where these lie close together, else one."""
    if len(rows) <= COMPARED_TOGETHER:
        return [slice(0, len(rows))]
    starts = range(0, len(rows), COMPARED_TOGETHER)
    first, last = rows[starts], rows[[min(start + COMPARED_TOGETHER, len(rows)) - 1 for start in starts]]
    if ((last < first) | (last - first > 2 * COMPARED_TOGETHER)).any():
        return [slice(0, len(rows))]
    return [slice(start, start + COMPARED_TOGETHER) for start in starts]


def picked(version: Version, places: Sequence[int], rows: Rows) -> list[Any]:
    """Values of some rows: where they lie close together, all between them are read, and these alone gathered."""
    if not len(rows):
        return version.take(places, rows)
    low, high = int(rows.min()), int(rows.max()) + 1
    if high - low > 2 * len(rows):
        return version.take(places, rows)
    arrays = version.values(places, None if low == 0 and high == version.table.rows else range(low, high))
    if high - low == len(rows) and (np.diff(rows) == 1).all():
        return arrays
    at = pa.array(rows - low)
    return [array.take(at) for array in arrays]


def flags_of(rows: Rows | None, count: int) -> Any:
    """Flags of `count` rows: True for some."""
    flags = np.zeros(count, bool)
    if rows is not None:
        flags[rows] = True
    return flags


def joined(parts: Iterable[Rows]) -> Rows:
    """Rows of several parts, one after the other."""
    return np.concatenate([NO_ROWS, *parts])


def left_of(rows: Rows, places: Rows) -> Rows:
    """Rows without those at some places."""
    left: Rows = rows[~flags_of(places, len(rows))]
    return left
