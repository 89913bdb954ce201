"""Which rows of one table are which rows of another, as runs; found by `align`, kept as a row map.

An alignment answers in both directions and composes, so that a chain of filters and sorts is one alignment. What
changed within aligned rows belongs to `changes`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.signedinteger[Any]]
"""Row numbers: of 32 bits where these suffice, see `row_type`."""

NO_ROW = -1
"""Stands for the partner of a row that has none."""

EXACT_MOVES = 200_000
"""Up to so many runs the fewest moved rows are found; beyond, a table counts as reordered (see `Alignment.moved`)."""

_BLOCK = 1 << 18
_NARROW = 1 << 31
_FEW = 1024
_OVERLAP = "runs of an alignment overlap or leave their table"


@dataclass(frozen=True, eq=False)
class Alignment:
    """Rows of a table B with their partners in a table A; no row has two.

    Parameters
    ----------
    rows_a, rows_b : int
        Rows of A and of B.
    a, b : numpy.ndarray of int32 or int64, shape (runs,)
        First row of each run in A and in B. `b` rises; runs overlap on neither side.
    length : numpy.ndarray of int32 or int64, shape (runs,)
        Rows of each run, at least 1. No run goes on where the one before it ends on both sides.

    Examples
    --------
    >>> kept = Alignment.from_sources(np.array([0, 1, 3, -1]), rows_a=4)
    >>> kept.a.tolist(), kept.b.tolist(), kept.length.tolist()
    ([0, 3], [0, 2], [2, 1])
    >>> kept.removed.tolist(), kept.added.tolist()
    ([2], [3])
    """

    rows_a: int
    rows_b: int
    a: Rows
    b: Rows
    length: Rows

    @classmethod
    def identity(cls, rows: int) -> Alignment:
        """Every row is the one at its own place."""
        kind = row_type(rows)
        starts = np.zeros(int(rows > 0), kind)
        return cls(rows, rows, starts, starts, np.full(len(starts), rows, kind))

    @classmethod
    def from_runs(cls, rows_a: int, rows_b: int, runs: Any) -> Alignment:
        """Alignment of runs ``(a, b, length)`` in any order; neighbours are joined, empty ones dropped.

        Parameters
        ----------
        rows_a, rows_b : int
            Rows of A and of B.
        runs : array-like of int, shape (runs, 3)
            The runs.

        Raises
        ------
        ValueError
            If runs overlap or leave their tables.
        """
        table = np.asarray(runs, np.int64).reshape(-1, 3)
        return cls.from_columns(rows_a, rows_b, table[:, 0], table[:, 1], table[:, 2])

    @classmethod
    def from_columns(cls, rows_a: int, rows_b: int, a: Rows, b: Rows, length: Rows) -> Alignment:
        """As `from_runs`, of runs whose parts are apart.

        Raises
        ------
        ValueError
            If runs overlap or leave their tables.
        """
        if len(length) and int(length.min()) <= 0:
            held = length > 0
            a, b, length = a[held], b[held], length[held]
        if any((b[part.start : part.stop + 1][1:] < b[part]).any() for part in _blocks(0, len(b) - 1)):
            order = np.argsort(b, kind="stable")
            a, b, length = a[order], b[order], length[order]
        kind = row_type(rows_a, rows_b)
        if len(length):
            if not (_inside(a, length, rows_a) and _inside(b, length, rows_b)):
                raise ValueError(_OVERLAP)
            a, b, length = (np.ascontiguousarray(part).astype(kind, copy=False) for part in (a, b, length))
            first = np.ones(len(length), bool)
            for part in _blocks(1, len(length)):
                before = slice(part.start - 1, part.stop - 1)
                first[part] = (a[part] - a[before] != length[before]) | (b[part] - b[before] != length[before])
            starts = np.flatnonzero(first)
            if len(starts) < len(length):
                a, b, length = a[starts], b[starts], np.add.reduceat(length, starts, dtype=kind)
        found = cls(rows_a, rows_b, *(part.astype(kind, copy=False) for part in (a, b, length)))
        found._check()
        return found

    @classmethod
    def from_sources(cls, sources: Any, *, rows_a: int) -> Alignment:
        """Alignment from the partner in A of each row of B.

        Parameters
        ----------
        sources : array-like of int, shape (rows of B,)
            Row of A, or a negative number for none.
        rows_a : int
            Rows of A.

        Raises
        ------
        ValueError
            If a row of A is named twice or does not exist.
        """
        sources = np.asarray(sources)
        held = sources >= 0
        begins = held.copy()
        for part in _blocks(1, len(sources)):
            before = slice(part.start - 1, part.stop - 1)
            begins[part] &= ~held[before] | (sources[part] != sources[before] + 1)
        ends = held
        ends[:-1] &= begins[1:] | ~held[1:]
        kind = row_type(rows_a, len(sources))
        starts, length = numbers_of(begins, kind), numbers_of(ends, kind)
        length -= starts
        length += 1
        first = np.empty(len(starts), kind)
        for part in _blocks(0, len(starts)):
            some = sources[starts[part]]
            if some.max() >= rows_a:
                raise ValueError(_OVERLAP)
            first[part] = some
        found = cls(rows_a, len(sources), first, starts, length)
        if len(starts) and not found._apart_in_a():
            raise ValueError(_OVERLAP)
        return found

    def _check(self) -> None:
        if len(self.b) and not (_apart(self.b, self.length) and self._apart_in_a()):
            raise ValueError(_OVERLAP)

    def _apart_in_a(self) -> bool:
        if not self._dense:
            order = np.argsort(self.a, kind="stable")
            return _inside(self.a, self.length, self.rows_a) and _apart(self.a[order], self.length[order])
        if not _inside(self.a, self.length, self.rows_a):
            return False
        return int(np.count_nonzero(_covered(self.a, self.length, self.rows_a))) == self.matched

    @property
    def _dense(self) -> bool:
        """Whether runs are so short that an array with an item a row is quicker than sorting them."""
        return len(self.b) * 16 > self.rows_b

    @cached_property
    def matched(self) -> int:
        """Rows that have a partner."""
        return int(self.length.sum())

    @property
    def identical(self) -> bool:
        """Whether every row of both tables is aligned with the one at its own place."""
        return self.rows_a == self.rows_b and (self.rows_b == 0 or (len(self.b) == 1 and self.matched == self.rows_b))

    def sources(self, start: int = 0, stop: int | None = None) -> Rows:
        """Partner in A of each row ``[start, stop)`` of B, or `NO_ROW`."""
        return _expanded(self.b, self.a, self.length, start, self.rows_b if stop is None else stop)

    def targets(self, start: int = 0, stop: int | None = None) -> Rows:
        """Partner in B of each row ``[start, stop)`` of A, or `NO_ROW`."""
        return self.inverse.sources(start, stop)

    @cached_property
    def inverse(self) -> Alignment:
        """The same rows, seen from A."""
        if self._dense:
            targets = np.full(self.rows_a, NO_ROW, self.b.dtype)
            for part in _blocks(0, len(self.a)):
                length = self.length[part]
                targets[expanded_ranges(self.a[part], length)] = expanded_ranges(self.b[part], length)
            return Alignment.from_sources(targets, rows_a=self.rows_b)
        order = np.argsort(self.a, kind="stable")
        return Alignment(self.rows_b, self.rows_a, self.b[order], self.a[order], self.length[order])

    def partners(self, rows: Rows) -> Rows:
        """Partner in A of some rows of B, or `NO_ROW`.

        Parameters
        ----------
        rows : numpy.ndarray of int
            Rows of B, in any order.
        """
        if len(self.b) == 0:
            return np.full(len(rows), NO_ROW, self.b.dtype)
        rows = rows.astype(self.b.dtype, copy=False)  # else all of `b` would be widened to search it
        run = np.searchsorted(self.b, rows, side="right") - 1
        inside = (run >= 0) & (rows < (self.b + self.length)[run])
        return np.where(inside, rows - self.b[run] + self.a[run], NO_ROW)

    def pairs(self) -> tuple[Rows, Rows]:
        """All rows of A that have a partner, and these; rows of B rise."""
        return expanded_ranges(self.a, self.length), expanded_ranges(self.b, self.length)

    def unmatched(self) -> list[Rows]:
        """Rows of A and of B without a partner, rising; not kept, as `removed` and `added` are."""
        sides = ((self.a, self.rows_a), (self.b, self.rows_b))
        return [numbers_of(~_covered(starts, self.length, rows), starts.dtype) for starts, rows in sides]

    @cached_property
    def added(self) -> Rows:
        """Rows of B without a partner, rising."""
        return numbers_of(~_covered(self.b, self.length, self.rows_b), self.b.dtype)

    @cached_property
    def removed(self) -> Rows:
        """Rows of A without a partner, rising."""
        return numbers_of(~_covered(self.a, self.length, self.rows_a), self.a.dtype)

    @cached_property
    def moved(self) -> Rows:
        """Rows of B, rising, that stand in another order than their partners.

        The fewest rows whose removal leaves both tables in the same order (the heaviest rising chain of runs stays,
        found as in Fredman 1975). Beyond `EXACT_MOVES` runs the chain that each run prolongs if it can is taken: then
        at most that many more rows count as moved.
        """
        stays = self.in_order
        return expanded_ranges(self.b[~stays], self.length[~stays])

    @cached_property
    def in_order(self) -> npt.NDArray[np.bool_]:
        """Flags of the runs that stand in the same order in both tables: all but those that `moved`."""
        if len(self.a) < 2 or (np.diff(self.a) > 0).all():
            return np.ones(len(self.a), bool)
        return _heaviest_chain(self.a, self.length) if len(self.a) <= EXACT_MOVES else _first_chain(self.a)

    def without(self, rows: Rows) -> Alignment:
        """The same without the partners of some rows of B, which rise."""
        if not len(rows):
            return self
        begins = np.concatenate([np.zeros(1, np.int64), rows + 1])
        kept = np.column_stack([begins, begins, np.concatenate([rows, np.array([self.rows_b])]) - begins])
        return Alignment.from_runs(self.rows_b, self.rows_b, kept).composed(self)

    def joined(self, rows_a: Rows, rows_b: Rows) -> Alignment:
        """The same with some pairs of rows more, of which neither has a partner yet."""
        if not len(rows_b):
            return self
        begins = np.ones(len(rows_b), bool)
        begins[1:] = (rows_b[1:] != rows_b[:-1] + 1) | (rows_a[1:] != rows_a[:-1] + 1)
        starts = np.flatnonzero(begins)
        if len(starts) * 16 > self.rows_b:  # see `_dense`
            sources = self.sources()
            sources[rows_b] = rows_a
            return Alignment.from_sources(sources, rows_a=self.rows_a)
        own = np.column_stack([self.a, self.b, self.length])
        more = np.column_stack([rows_a[starts], rows_b[starts], np.diff(starts, append=len(rows_b))])
        return Alignment.from_runs(self.rows_a, self.rows_b, np.concatenate([own, more]) if len(own) else more)

    def composed(self, older: Alignment) -> Alignment:
        """Rows of B with their partners in the table that A was made from.

        Parameters
        ----------
        older : Alignment
            Its B is this one's A.
        """
        if older.rows_b != self.rows_a:
            raise ValueError(f"an alignment of {older.rows_b} rows was expected to have {self.rows_a}")
        if older.identical:
            return self
        if self.identical:
            return older
        if len(self.b) + len(older.b) > self.rows_b // 16:
            sources, theirs = self.sources(), older.sources()
            for part in _blocks(0, len(sources)):
                held = sources[part] >= 0
                sources[part][held] = theirs[sources[part][held]]
            return Alignment.from_sources(sources, rows_a=older.rows_a)
        return Alignment.from_runs(older.rows_a, self.rows_b, _crossed(self, older))


def _inside(starts: Rows, lengths: Rows, rows: int) -> bool:
    """Whether ranges lie within a table."""
    last = max(int((starts[part].astype(np.int64) + lengths[part]).max()) for part in _blocks(0, len(starts)))
    return last <= rows and int(starts.min()) >= 0


def _apart(starts: Rows, lengths: Rows) -> bool:
    """Whether rising ranges lie apart."""
    return all(
        (starts[part] - starts[part.start - 1 : part.stop - 1] >= lengths[part.start - 1 : part.stop - 1]).all()
        for part in _blocks(1, len(starts))
    )


def _expanded(keys: Rows, values: Rows, length: Rows, start: int, stop: int) -> Rows:
    """Value of each place in ``[start, stop)``, for runs that begin at `keys` with `values`."""
    out = np.full(max(stop - start, 0), NO_ROW, keys.dtype)
    first = bisect_right(keys, start) - 1
    last = bisect_left(keys, stop)
    for part in _blocks(max(first, 0), last):
        begin = np.maximum(keys[part], start)
        end = np.minimum(keys[part] + length[part], stop)
        held = end > begin
        begin, end, shift = begin[held], end[held], (values[part] - keys[part])[held]
        places = expanded_ranges(begin, end - begin)
        out[places - start] = places + np.repeat(shift, end - begin)
    return out


def expanded_ranges(starts: Rows, lengths: Rows) -> Rows:
    """All numbers of some ranges, one range after the other."""
    total = int(lengths.sum())
    if total == 0:
        return np.empty(0, starts.dtype)
    if len(starts) == 1:
        return np.arange(starts[0], starts[0] + total, dtype=starts.dtype)
    before = np.cumsum(lengths, dtype=starts.dtype) - lengths
    numbers: Rows = np.arange(total, dtype=starts.dtype)
    numbers += np.repeat(starts - before, lengths)
    return numbers


def row_type(*rows: int) -> type[np.signedinteger[Any]]:
    """Type of the row numbers of tables with so many rows."""
    return np.int32 if max(rows) < _NARROW else np.int64


def numbers_of(flags: npt.NDArray[np.bool_], kind: Any) -> Rows:
    """Places of the flags that are set, rising, as numbers of some type."""
    found = np.empty(int(np.count_nonzero(flags)), kind)
    filled = 0
    for part in _blocks(0, len(flags)):
        some = np.flatnonzero(flags[part])
        found[filled : filled + len(some)] = some
        found[filled : filled + len(some)] += part.start
        filled += len(some)
    return found


def _covered(starts: Rows, lengths: Rows, rows: int) -> npt.NDArray[np.bool_]:
    """Flags of `rows` rows: True for those in some ranges."""
    flags = np.zeros(rows, bool)
    if len(starts) <= _FEW:
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            flags[start : start + length] = True
        return flags
    for part in _blocks(0, len(starts)):
        flags[expanded_ranges(starts[part], lengths[part])] = True
    return flags


def _blocks(start: int, stop: int) -> list[slice]:
    """Parts of ``[start, stop)``: what is worked out in between is then small, however large the table."""
    return [slice(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK)]


def _crossed(newer: Alignment, older: Alignment) -> Rows:
    """Runs ``(a, b, length)`` of two alignments one after the other: cut where either has an end."""
    first = np.searchsorted(older.b + older.length, newer.a, side="right")
    last = np.searchsorted(older.b, newer.a + newer.length, side="left")
    counts = np.maximum(last - first, 0)
    mine = np.repeat(np.arange(len(newer.b)), counts)
    theirs = expanded_ranges(first, counts)
    begin = np.maximum(newer.a[mine], older.b[theirs])
    end = np.minimum(newer.a[mine] + newer.length[mine], older.b[theirs] + older.length[theirs])
    a = begin - older.b[theirs] + older.a[theirs]
    b = begin - newer.a[mine] + newer.b[mine]
    return np.column_stack([a, b, end - begin])


def _heaviest_chain(a: Rows, length: Rows) -> npt.NDArray[np.bool_]:
    """Flags of the runs of a rising chain with the most rows; of several, one that ends earliest."""
    ends: list[int] = []  # last `a` of chains, rising …
    weights: list[int] = []  # … with their rows, rising too
    tips: list[int] = []
    before: list[int] = []
    for run, (place, rows) in enumerate(zip(a.tolist(), length.tolist(), strict=True)):
        at = bisect_left(ends, place)
        before.append(tips[at - 1] if at else -1)
        weight = rows + (weights[at - 1] if at else 0)
        stop = at
        while stop < len(ends) and weights[stop] <= weight:
            stop += 1
        ends[at:stop], weights[at:stop], tips[at:stop] = [place], [weight], [run]
    stays = np.zeros(len(a), bool)
    run = tips[-1]
    while run >= 0:
        stays[run] = True
        run = before[run]
    return stays


def _first_chain(a: Rows) -> npt.NDArray[np.bool_]:
    """Flags of the runs that begin after every run before them."""
    highest: Rows = np.maximum.accumulate(a)
    stays: npt.NDArray[np.bool_] = np.ones(len(a), bool)
    stays[1:] = a[1:] > highest[:-1]
    return stays
