"""Which rows of a change are worth showing, and in which order, without going through all rows.

Rows stand in the order of B; a removed row stands where it was: after the last row before it that B still has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows


@dataclass(frozen=True, slots=True, eq=False)
class ShownRows:
    """Some rows in the order of a page.

    Parameters
    ----------
    a, b : numpy.ndarray of int64
        Their places in A and B, or `NO_ROW`.
    hunk : numpy.ndarray of int64
        Number of the hunk of each, from 0.
    """

    a: Rows
    b: Rows
    hunk: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Hunks:
    """Rows that differ, with neighbours, as ranges of B and runs of removed rows of A.

    Parameters
    ----------
    alignment : Alignment
        Which rows of B are which rows of A.
    starts, stops : numpy.ndarray of int64, shape (hunks,)
        Rows ``[start, stop)`` of B in each hunk, rising; hunks never touch. Empty where only rows were removed.
    gaps, removed, lengths : numpy.ndarray of int64, shape (runs,)
        Runs of removed rows: the row of B that they stand before, their first row in A, and how many they are; by gap,
        then by row of A.
    """

    alignment: Alignment
    starts: Rows
    stops: Rows
    gaps: Rows
    removed: Rows
    lengths: Rows

    @classmethod
    def of(cls, alignment: Alignment, rows: Rows, context: int = 0) -> Hunks:
        """Hunks of added and removed rows and of some others.

        Parameters
        ----------
        alignment : Alignment
            Which rows of B are which rows of A.
        rows : numpy.ndarray of int64
            Other rows of B worth showing, rising: changed and moved ones.
        context : int
            Rows of B to show before and after each.
        """
        gaps, removed, lengths = _removed_runs(alignment)
        first_added = np.append(np.zeros(1, np.int64), alignment.b + alignment.length)
        end_added = np.append(alignment.b, np.int64(alignment.rows_b))
        added = end_added > first_added
        others = _ranges(rows)
        begins = np.concatenate([first_added[added], others[0], gaps])
        ends = np.concatenate([end_added[added], others[1], gaps])
        order = np.argsort(begins, kind="stable")
        begins = np.maximum(begins[order] - context, 0)
        ends = np.minimum(np.maximum.accumulate(ends[order]) + context, alignment.rows_b)
        first = np.ones(len(begins), bool)
        first[1:] = begins[1:] > ends[:-1]
        last = np.append(first[1:], True)[: len(first)]
        return cls(alignment, begins[first], ends[last], gaps, removed, lengths)

    def __len__(self) -> int:
        """Return the number of hunks."""
        return len(self.starts)

    @property
    def rows(self) -> int:
        """Rows of all hunks."""
        return int((self.stops - self.starts).sum() + self.lengths.sum())

    def page(self, start: int, stop: int) -> ShownRows:
        """Rows ``[start, stop)`` of all rows of the hunks, in order."""
        start = max(start, 0)
        places = np.arange(start, max(min(stop, self.rows), start), dtype=np.int64)
        gone = np.zeros(len(places), bool)
        passed = run = np.zeros(len(places), np.int64)  # removed rows before each place
        before, shown_at = _before(self.stops - self.starts), self.gaps
        home = np.searchsorted(self.starts, self.gaps, side="right") - 1
        if len(self.gaps):
            gone_before = _before(self.lengths)
            shown_at = before[home] + self.gaps - self.starts[home] + gone_before
            run = np.searchsorted(shown_at, places, side="right") - 1
            gone = (run >= 0) & (places < (shown_at + self.lengths)[run])
            passed = np.where(run >= 0, (gone_before + self.lengths)[run], 0)
        a, b, hunk = (np.full(len(places), NO_ROW, np.int64) for _ in range(3))
        a[gone] = (self.removed - shown_at)[run[gone]] + places[gone]
        hunk[gone] = home[run[gone]]
        shown = (places - passed)[~gone]
        hunk[~gone] = np.searchsorted(before, shown, side="right") - 1
        b[~gone] = (self.starts - before)[hunk[~gone]] + shown
        a[~gone] = self.alignment.partners(b[~gone])
        return ShownRows(a, b, hunk)


def _before(lengths: Rows) -> Rows:
    """How many come before each, if these are so many."""
    return np.asarray(np.cumsum(lengths) - lengths)


def _ranges(rows: Rows) -> tuple[Rows, Rows]:
    """Starts and stops of the ranges that rising numbers make."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    first, last = np.concatenate([[0], breaks]), np.append(breaks, len(rows))
    return (rows[first], rows[last - 1] + 1) if len(rows) else (rows, rows)


def _removed_runs(alignment: Alignment) -> tuple[Rows, Rows, Rows]:
    """Gap, first row and length of each run of removed rows, by gap and row."""
    inverse = alignment.inverse
    begins = np.append(np.zeros(1, np.int64), inverse.b + inverse.length)
    lengths = np.append(inverse.b, np.int64(alignment.rows_a)) - begins
    gaps = np.append(np.zeros(1, np.int64), inverse.a + inverse.length)
    kept = np.flatnonzero(lengths)
    order = kept[np.argsort(gaps[kept], kind="stable")]
    return gaps[order], begins[order], lengths[order]
