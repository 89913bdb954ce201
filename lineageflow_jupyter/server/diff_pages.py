"""Pages of a diff for panels: rows of one kind or with a change in one column, no more columns than asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Rows
from lineageflow_jupyter.algorithms.hunks import Hunks
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.model.diffs import DiffPage
from lineageflow_jupyter.model.pairs import ColumnPair
from lineageflow_jupyter.paging import Pager

KINDS = ("added", "removed", "changed", "moved")
_NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class DiffPages:
    """Pages of some of the rows that differ.

    Parameters
    ----------
    diff : TableDiff
        The diff.
    hunks : Hunks
        The rows.
    """

    diff: TableDiff
    hunks: Hunks

    @classmethod
    def of(cls, diff: TableDiff, kind: str = "", column: str = "") -> DiffPages:
        """Pages of a diff.

        Parameters
        ----------
        diff : TableDiff
            The diff.
        kind : str
            One of `KINDS`; ``""``: all of them.
        column : str
            Only rows in which this column differs, as it does in rows that came and went; ``""``: all rows.

        Raises
        ------
        UnknownName
            If there is no such column.
        """
        changes = diff.changes.alignment
        every = diff.only(column).changed_cells if column else diff.changed_cells
        changed = _union([rows for _, rows in every.values()])
        if not kind:
            return cls(diff, Hunks.of(changes, changed if column else _union([changed, changes.moved])))
        if kind in ("changed", "moved"):
            rows = changed if kind == "changed" else np.setdiff1d(changes.moved, changed, assume_unique=True)
            return cls(diff, Hunks(changes, rows, rows + 1, _NO_ROWS, _NO_ROWS, _NO_ROWS))
        both = Hunks.of(changes, _NO_ROWS)
        if kind == "removed":
            places = np.unique(both.gaps)
            return cls(diff, Hunks(changes, places, places, both.gaps, both.removed, both.lengths))
        some = both.starts < both.stops
        return cls(diff, Hunks(changes, both.starts[some], both.stops[some], _NO_ROWS, _NO_ROWS, _NO_ROWS))

    def columns(self, most: int) -> list[ColumnPair]:
        """At most so many columns, in their order: those that identify rows, those that differ, then the others."""
        keys, changed = set(self.diff.key), self.diff.changed_cells
        pairs = list(self.diff.pairs)

        def rank(pair: ColumnPair) -> int:
            return 0 if pair.name in keys else 1 if pair.name in changed or pair.state != "same" else 2

        chosen = sorted(range(len(pairs)), key=lambda place: (rank(pairs[place]), place))[:most]
        return [pairs[place] for place in sorted(chosen)]

    def page(self, start: int, stop: int, most: int) -> DiffPage:
        """Rows ``[start, stop)``, in at most so many columns."""
        shown = self.columns(most)
        names = {pair.name for pair in shown}
        changed = {name: rows for name, (_, rows) in self.diff.changed_cells.items()}
        pager = Pager(
            self.diff.old,
            self.diff.new,
            shown,
            frozenset(self.diff.key) & names,
            changed,
            self.diff.changes.alignment.moved,
        )
        return pager.page(self.hunks, start, stop)


def _union(parts: list[Rows]) -> Rows:
    """All rows, rising."""
    return reduce(np.union1d, parts, _NO_ROWS)
