"""Pages of a diff: a few of the rows that are worth showing, as texts. Only values of these rows are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Rows
from lineageflow_jupyter.algorithms.hunks import Hunks, ShownRows
from lineageflow_jupyter.model.diffs import Cell, DiffColumn, DiffPage, DiffRow, Hunk, RowKind
from lineageflow_jupyter.model.pairs import ColumnPair
from lineageflow_jupyter.version_frames import texts_at
from lineageflow_jupyter.versions import Version

Texts = dict[int, list[str | None]]
"""By place of a column: texts of some rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Pager:
    """Makes pages of a diff.

    Parameters
    ----------
    old, new : Version or None
        The versions.
    pairs : sequence of ColumnPair
        Columns to show, in order.
    keys : frozenset of str
        Names of those that identify rows.
    changed : mapping of str to numpy.ndarray of int64
        By name of a column: rows of the newer version with another value, rising.
    moved : numpy.ndarray of int64
        Rows of the newer version that moved, rising.
    """

    old: Version | None
    new: Version | None
    pairs: Sequence[ColumnPair]
    keys: frozenset[str]
    changed: Mapping[str, Rows]
    moved: Rows

    def page(self, hunks: Hunks, start: int, stop: int) -> DiffPage:
        """Rows ``[start, stop)`` of all rows of some hunks."""
        start = min(max(start, 0), hunks.rows)
        shown = hunks.page(start, stop)
        rows = self._rows(shown)
        columns = tuple(
            DiffColumn(pair.label, pair.role, pair.state, pair.name in self.keys, pair.old_label) for pair in self.pairs
        )
        grouped = groupby(zip(shown.hunk.tolist(), rows, strict=True), key=lambda numbered: numbered[0])
        return DiffPage(
            start,
            start + len(rows),
            hunks.rows,
            len(hunks),
            columns,
            tuple(Hunk(number, tuple(row for _, row in group)) for number, group in grouped),
        )

    def _rows(self, shown: ShownRows) -> list[DiffRow]:
        flags = {name: _members(rows, shown.b) for name, rows in self.changed.items()}
        flags = {name: each for name, each in flags.items() if each.any()}
        edited = np.zeros(len(shown.b), bool)
        for each in flags.values():
            edited |= each
        cells = self._cells(shown, flags)
        places = zip(shown.a.tolist(), shown.b.tolist(), strict=True)
        marks = zip(edited.tolist(), _members(self.moved, shown.b).tolist(), strict=True)
        return [
            DiffRow(_kind(a, b, *mark), None if a < 0 else a, None if b < 0 else b, mark[1], tuple(row))
            for (a, b), mark, row in zip(places, marks, cells, strict=True)
        ]

    def _cells(self, shown: ShownRows, flags: Mapping[str, Any]) -> list[list[Cell]]:
        """Cells of each row."""
        count = len(shown.b)
        here, gone = np.flatnonzero(shown.b >= 0), np.flatnonzero(shown.b < 0)
        both = here[shown.a[here] >= 0]
        new = _texts(self.new, [pair.new for pair in self.pairs], shown.b, here)
        old = _texts(self.old, [pair.old for pair in self.pairs], shown.a, gone)
        told_twice = [pair.old for pair in self.pairs if pair.state in ("dropped", "retyped")]
        also = _texts(self.old, told_twice, shown.a, both)
        rows: list[list[Cell]] = [[] for _ in range(count)]
        for pair in self.pairs:
            flagged = flags.get(pair.name)
            edits: dict[int, str | None] = {}
            if flagged is not None and pair.old is not None:
                at = np.flatnonzero(flagged)
                texts = _texts(self.old, [pair.old], shown.a, at)[pair.old]
                edits = {place: texts[place] for place in at.tolist()}
            for place, row in enumerate(rows):
                if shown.b[place] < 0:
                    row.append(Cell("absent") if pair.old is None else Cell("same", old=old[pair.old][place]))
                    continue
                before = None if pair.old is None or pair.old not in also else also[pair.old][place]
                row.append(_cell(pair, bool(shown.a[place] < 0), place, edits, before, new))
        return rows


def _cell(
    pair: ColumnPair, fresh: bool, place: int, edits: Mapping[int, str | None], before: str | None, new: Texts
) -> Cell:
    """Cell of a row of the newer version; `fresh`: the older one has no such row."""
    if pair.new is None:
        return Cell("absent") if fresh else Cell("removed", old=before)
    text = new[pair.new][place]
    if place in edits:
        return Cell("changed", edits[place], text)
    if fresh or pair.comparable:
        return Cell("same", new=text)
    return Cell("added", new=text) if pair.state == "added" else Cell("retyped", before, text)


def _kind(a: int, b: int, edited: bool, moved: bool) -> RowKind:
    if b < 0:
        return "removed"
    if a < 0:
        return "added"
    return "changed" if edited else "moved" if moved else "context"


def _members(rows: Rows, wanted: Rows) -> Any:
    """Flags of the wanted rows that are among rising rows."""
    if not len(rows):
        return np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return rows[at] == wanted


def _texts(version: Version | None, places: Sequence[int | None], rows: Rows, at: Rows) -> Texts:
    """Texts of columns, for all places of a page; there are some at the places `at` only."""
    wanted = [place for place in places if place is not None]
    if version is None or not wanted:
        return {}
    found: Texts = {}
    for place, texts in zip(wanted, texts_at(version, wanted, rows[at]), strict=True):
        found[place] = [None] * len(rows)
        for target, text in zip(at.tolist(), texts.to_pylist(), strict=True):
            found[place][target] = text
    return found
