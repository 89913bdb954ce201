"""Three-way merge of rows: which rows of two sides the merged table has, and in which order. Nothing is read.

A row is told apart by its partner in the common base, or, where both sides added it, by its twin on the other side.
Order follows diff3 (Khanna, Kunal and Pierce 2007): one side is the spine, rows that only the other one has are put
where they stand between rows that both have, and what both put in one place comes from ours first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows, numbers_of, row_type


@dataclass(frozen=True, eq=False)
class MergedRows:
    """Rows of a merged table.

    Parameters
    ----------
    ours, theirs, base : numpy.ndarray of int, shape (rows,)
        For each merged row the row of that table, or `NO_ROW`.
    plain : bool
        Whether all three are the same numbers.
    """

    ours: Rows
    theirs: Rows
    base: Rows
    plain: bool = False

    def __len__(self) -> int:
        """Return the number of merged rows."""
        return len(self.ours)

    def at(self, side: str, rows: Rows) -> Rows:
        """Merged rows of some rows of a side, rising; those that are not there are left out."""
        if self.plain:
            return np.sort(rows)
        places = self._places[side]
        found = places[rows[rows < len(places)]]  # what lies beyond was deleted
        return np.sort(found[found >= 0])

    @cached_property
    def _places(self) -> dict[str, Rows]:
        return {side: _inverse(getattr(self, side)) for side in ("ours", "theirs")}


def _inverse(rows: Rows) -> Rows:
    out = np.full(int(rows.max(initial=NO_ROW)) + 1, NO_ROW, rows.dtype)
    held = rows >= 0
    out[rows[held]] = np.flatnonzero(held)
    return out


@dataclass(frozen=True, eq=False)
class Sides:
    """How two tables came from one.

    Parameters
    ----------
    ours, theirs : Alignment
        From the base to each side.
    twins : tuple of (numpy.ndarray, numpy.ndarray)
        Rows of ours and of theirs that both added and that are the same row; none occurs twice.
    """

    ours: Alignment
    theirs: Alignment
    twins: tuple[Rows, Rows]

    @cached_property
    def base_rows(self) -> tuple[Rows, Rows]:
        """Row of the base of each row of ours, and of theirs."""
        return self.ours.sources(), self.theirs.sources()

    @cached_property
    def partners(self) -> tuple[Rows, Rows]:
        """Row of theirs of each row of ours, and the other way round."""
        kind = row_type(self.ours.rows_a, self.ours.rows_b, self.theirs.rows_b)
        found = []
        for (mine, other), twins in zip(
            ((self.ours, self.theirs), (self.theirs, self.ours)), _both(self.twins), strict=True
        ):
            targets = np.append(other.targets(), NO_ROW)  # the last one answers for rows without a base
            partner = targets[mine.sources()].astype(kind, copy=False)
            partner[twins[0]] = twins[1]
            found.append(partner)
        return found[0], found[1]

    @cached_property
    def deleted(self) -> tuple[Rows, Rows]:
        """Rows of ours that theirs deleted, and the other way round; rising."""
        if self._plain:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        found = []
        for base, partner in zip(self.base_rows, self.partners, strict=True):
            found.append(numbers_of((base >= 0) & (partner < 0), base.dtype))
        return found[0], found[1]

    def merged(self, kept: tuple[Rows, Rows]) -> MergedRows:
        """Rows of the merged table.

        Parameters
        ----------
        kept : tuple of (numpy.ndarray, numpy.ndarray)
            Those of `deleted` that stay nevertheless.
        """
        if self._plain:
            rows = np.arange(self.ours.rows_b, dtype=row_type(self.ours.rows_b))
            return MergedRows(rows, rows, rows, plain=True)
        stays = []
        for base, dropped, kept_rows in zip(self.base_rows, self.deleted, kept, strict=True):
            flags = np.ones(len(base), bool)
            flags[dropped] = False
            flags[kept_rows] = True
            stays.append(flags)
        spine = 1 if self.ours.in_order.all() and not self.theirs.in_order.all() else 0
        partners = (self.partners[spine], self.partners[1 - spine])
        alone = numbers_of((partners[1] < 0) & stays[1 - spine], partners[1].dtype)
        on_spine, on_other = _interleaved(partners, stays[spine], alone, own_first=spine == 0)
        ours, theirs = (on_spine, on_other) if spine == 0 else (on_other, on_spine)
        bases = [np.append(base, NO_ROW) for base in self.base_rows]
        base = np.maximum(bases[0][ours], bases[1][theirs])
        return MergedRows(ours, theirs, base.astype(ours.dtype, copy=False))

    @property
    def _plain(self) -> bool:
        """Whether both sides have the base's rows in its order, as after edits of cells."""
        return self.ours.identical and self.theirs.identical


def _both(twins: tuple[Rows, Rows]) -> tuple[tuple[Rows, Rows], tuple[Rows, Rows]]:
    return twins, (twins[1], twins[0])


def _interleaved(partners: tuple[Rows, Rows], stays: Any, alone: Rows, *, own_first: bool) -> tuple[Rows, Rows]:
    """Rows of the spine that stay, and rows that the other side has alone, in their order.

    Parameters
    ----------
    partners : tuple of (numpy.ndarray, numpy.ndarray)
        Row of the other side of each row of the spine, and the other way round.
    stays : numpy.ndarray of bool
        Rows of the spine that stay.
    alone : numpy.ndarray of int
        Rows of the other side, rising, that are put in.
    own_first : bool
        Whether rows that the spine has alone come before those that are put in at the same place.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Row of the spine and of the other side of each merged row.
    """
    to_other, to_spine = partners
    last = np.maximum.accumulate(np.where(to_spine >= 0, np.arange(len(to_spine), dtype=to_spine.dtype), NO_ROW))
    anchors = np.append(to_spine, NO_ROW)[last[alone]] if len(alone) else alone
    if own_first:  # before the next row that both have
        shared = np.append(np.flatnonzero(to_other >= 0), len(to_other))
        slots = shared[np.searchsorted(shared[:-1], anchors, side="right")]
    else:
        slots = anchors.astype(np.int64) + 1
    order = np.argsort(slots, kind="stable")
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(stays)])
    places = before[slots[order]] + np.arange(len(alone))
    from_spine = np.ones(int(before[-1]) + len(alone), bool)
    from_spine[places] = False
    spine = np.full(len(from_spine), NO_ROW, to_other.dtype)
    other = np.full(len(from_spine), NO_ROW, to_other.dtype)
    held = np.flatnonzero(stays)
    spine[from_spine] = held
    other[from_spine] = to_other[held]
    other[places] = alone[order]
    return spine, other


def interleaved_places(ours: Alignment, theirs: Alignment) -> tuple[Rows, Rows]:
    """Between which rows of the base each added row of ours, and of theirs, stands: the last shared one before it.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        A number for each row of `Alignment.added`; equal ones stand in the same place.
    """
    found = []
    for mine, other in ((ours, theirs), (theirs, ours)):
        base = mine.sources()
        shared = np.append(other.targets() >= 0, False)[base]
        last = np.maximum.accumulate(np.where(shared, np.arange(len(base)), NO_ROW))
        found.append(np.append(base, NO_ROW)[last[mine.added]].astype(np.int64) + 1)
    return found[0], found[1]
