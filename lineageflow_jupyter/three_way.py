"""From three versions of a dataset to what their merge holds: columns, rows, cells, and what is in conflict.

Which rows are which is told by the change sets from the base to both sides; only rows that both changed are read.
How the merged frame is made of it is in ``merged_frames``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows
from lineageflow_jupyter.algorithms.changes import ChangeSet, Identified
from lineageflow_jupyter.algorithms.matching import equal_pairs, scrambled
from lineageflow_jupyter.algorithms.merging import MergedRows, Sides, interleaved_places
from lineageflow_jupyter.errors import KeyViolation, UsageProblem
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.keys import partners
from lineageflow_jupyter.frames.matching_words import combined_words
from lineageflow_jupyter.frames.row_labels import counted_labels_of
from lineageflow_jupyter.model.merging import (
    Choose,
    ColumnConflict,
    ColumnSides,
    MergedColumn,
    Side,
    merged_columns,
)
from lineageflow_jupyter.model.objects import Table
from lineageflow_jupyter.model.schema import SchemaChange
from lineageflow_jupyter.row_values import NO_ROWS
from lineageflow_jupyter.versions import Version, labels_mean, schema_of

Between = Callable[[Version, Version], ChangeSet]
"""Gives the change set from one version to another."""


@dataclass(frozen=True, eq=False)
class MergePlan:
    """What the merge of three versions of a dataset holds.

    Parameters
    ----------
    base, ours, theirs : Version
        The versions; without a common one the base is None.
    key : tuple of str
        Columns that identify rows of the merged table.
    columns : tuple of MergedColumn
        Index levels first.
    rows : MergedRows
        Rows in their order. Those of `doubtful` are among them.
    from_theirs : mapping of int to numpy.ndarray
        By position in `columns`: merged rows, rising, that ours has too but whose value comes from theirs.
    from_ours : mapping of int to numpy.ndarray
        The same for values that only ours changed.
    cells : mapping of int to numpy.ndarray
        By position: merged rows, rising, whose cell is in conflict.
    doubtful : mapping of Side to numpy.ndarray
        By the side that deleted them: merged rows, rising, that the other side edited.
    clashes : tuple of ColumnConflict
        Columns in conflict for which nothing was chosen.
    keyed : bool
        Whether rows were told apart by the key on both sides: then it identifies the merged rows too.
    by : str or None
        How rows were told apart from those of the base; None where each side had its own way, or there is no base.
    """

    base: Version | None
    ours: Version
    theirs: Version
    key: tuple[str, ...]
    columns: tuple[MergedColumn, ...]
    rows: MergedRows
    from_theirs: Mapping[int, Rows] = field(default_factory=dict)
    from_ours: Mapping[int, Rows] = field(default_factory=dict)
    cells: Mapping[int, Rows] = field(default_factory=dict)
    doubtful: Mapping[Side, Rows] = field(default_factory=dict)
    clashes: tuple[ColumnConflict, ...] = ()
    keyed: bool = False
    by: Identified | None = None

    def version(self, side: Side) -> Version | None:
        """One of the three versions."""
        return self.ours if side == "ours" else self.theirs if side == "theirs" else self.base

    def rows_of(self, side: Side) -> Rows:
        """Row of each merged row in one of the three tables."""
        return self.rows.ours if side == "ours" else self.rows.theirs if side == "theirs" else self.rows.base

    @property
    def conflicts(self) -> int:
        """How many decisions are open: cells, rows and columns."""
        return sum(map(len, (*self.cells.values(), *self.doubtful.values()))) + len(self.clashes)


def merge_plan(
    base: Version | None, ours: Version, theirs: Version, between: Between, choose: Choose = lambda name: None
) -> MergePlan:
    """Merge three versions of a dataset.

    Parameters
    ----------
    base, ours, theirs : Version
        The versions; `base` is None where both sides added the dataset.
    between : callable
        Gives change sets.
    choose : callable
        The side that was chosen for a column in conflict.

    Raises
    ------
    KeyViolation
        If both sides declared other keys, or a key's column is gone from the merged table.
    UsageProblem
        If both sides gave the name of one column to another.
    """
    return _Planner(base, ours, theirs, between).plan(choose)


class _Planner:
    def __init__(self, base: Version | None, ours: Version, theirs: Version, between: Between) -> None:
        self._base = base
        self._sides: dict[Side, Version] = {"ours": ours, "theirs": theirs}
        self._dataset = ours.entry.dataset
        self._schema: dict[Side, SchemaChange] = {}
        self._changes: dict[Side, ChangeSet] = {}
        for side, version in self._sides.items():
            if base is None:
                nothing = Alignment.from_runs(0, version.table.rows, [])
                self._changes[side] = ChangeSet(nothing, "key" if version.entry.key else "content")
                self._schema[side] = SchemaChange((), added=tuple(range(len(version.columns))))
            else:
                self._changes[side] = between(base, version)
                self._schema[side] = schema_of(base, version)

    def plan(self, choose: Choose) -> MergePlan:
        """See `merge_plan`."""
        key = self._key()
        columns, clashes = merged_columns(self._column_sides, choose)
        columns = self._ordered(columns)
        self._check_columns(columns, key)
        self._tell_alike(columns, key)
        both = self._both(self._twins(columns, key))
        edited = self._doubtful(both)
        rows = both.merged((edited[0], edited[1]))
        from_theirs, from_ours, cells = self._cells(columns, rows)
        doubtful: dict[Side, Rows] = {"theirs": rows.at("ours", edited[0]), "ours": rows.at("theirs", edited[1])}
        return MergePlan(
            self._base,
            self._sides["ours"],
            self._sides["theirs"],
            key,
            tuple(columns),
            rows,
            from_theirs,
            from_ours,
            cells,
            {side: found for side, found in doubtful.items() if len(found)},
            tuple(clashes),
            self._keyed(key),
            self._by(),
        )

    # --- columns -----------------------------------------------------------------------------------------------------

    @cached_property
    def _column_sides(self) -> ColumnSides:
        tables: dict[Side, Table] = {"base": _NO_TABLE if self._base is None else self._base.table}
        types: dict[Side, list[str]] = {"base": [] if self._base is None else _types(self._base)}
        for side, version in self._sides.items():
            tables[side], types[side] = version.table, _types(version)
        return ColumnSides(tables, types, self._schema, self._edits)

    def _edits(self, side: Side, place: int) -> bool:
        if self._sides[side].table.columns[place].role == "index" and not self._labels_mean:
            return False
        retyped = any(place == at for _, at in self._schema[side].retyped)
        return retyped or bool(len(self._changes[side].changed.get(place, ())))

    def _key(self) -> tuple[str, ...]:
        ours, theirs = (self._sides[side].entry.key for side in _BOTH)
        base = () if self._base is None else self._base.entry.key
        if ours == theirs or theirs == base:
            return ours
        if ours == base or (self._base is None and not ours):
            return theirs
        if self._base is None and not theirs:
            return ours
        raise KeyViolation(
            f"{self._dataset!r} has the key {', '.join(ours) or 'none'} on ours and {', '.join(theirs) or 'none'} on "
            "theirs, and both differ from the common version",
            remedy="Commit one of the sides with the other's key (`--key COL`) and merge again",
        )

    def _keyed(self, key: Sequence[str]) -> bool:
        versions = [*self._sides.values(), *([self._base] if self._base is not None else [])]
        declared = all(version.entry.key == tuple(key) for version in versions)
        return bool(key) and declared and all(changes.by == "key" for changes in self._changes.values())

    def _by(self) -> Identified | None:
        ways = {changes.by for changes in self._changes.values()}
        return next(iter(ways)) if self._base is not None and len(ways) == 1 else None

    def _check_columns(self, columns: Sequence[MergedColumn], key: Sequence[str]) -> None:
        names = [(column.role, column.name) for column in columns]
        for name in key:
            held = [at for at in names if at[1] == name]
            if not held and not self._counted_label(name):
                raise KeyViolation(
                    f"the merged {self._dataset!r} would have no column {name!r}, which is in its key: a side "
                    "dropped it",
                    remedy="Keep the column on that side, or declare another key there (`%lf commit --key COL`), "
                    "and merge again",
                )
        for label, count in Counter(names).items():
            before = max(
                sum((column.role, column.name) == label for column in version.table.columns)
                for version in self._sides.values()
            )
            if count > max(before, 1):
                raise UsageProblem(
                    f"the merged {self._dataset!r} would have {count} columns {label[1]!r}: each side gave that name "
                    "to another column",
                    remedy="Rename one of them and merge again",
                )

    def _counted_label(self, name: str) -> bool:
        return any(counted_labels_of(version.body, name, 0) is not None for version in self._sides.values())

    def _ordered(self, columns: Sequence[MergedColumn]) -> list[MergedColumn]:
        """Columns in the order of the side that moved some; those of the other between their neighbours."""
        found: list[MergedColumn] = []
        for role in ("index", "data"):
            own = [column for column in columns if column.role == role]
            moved = {side: self._moved(own, side) for side in _BOTH}
            spine: Side = "theirs" if moved["theirs"] and not moved["ours"] else "ours"
            other: Side = "ours" if spine == "theirs" else "theirs"
            held = sorted((c for c in own if c.place(spine) is not None), key=lambda c: _at(c, spine))
            rest = sorted((c for c in own if c.place(spine) is None), key=lambda c: _at(c, other))
            for column in rest:
                before = [c for c in held if c.place(other) is not None and _at(c, other) < _at(column, other)]
                last = max(before, key=lambda c: _at(c, other), default=None)
                place = 0 if last is None else held.index(last) + 1
                while spine == "ours" and place < len(held) and held[place].place(other) is None:
                    place += 1
                held.insert(place, column)
            found += held
        return found

    def _moved(self, columns: Sequence[MergedColumn], side: Side) -> bool:
        places = [(_at(c, "base"), _at(c, side)) for c in columns if None not in (c.base, c.place(side))]
        ordered = [at for _, at in sorted(places)]
        return ordered != sorted(ordered)

    # --- rows --------------------------------------------------------------------------------------------------------

    def _both(self, twins: tuple[Rows, Rows]) -> Sides:
        return Sides(self._changes["ours"].alignment, self._changes["theirs"].alignment, twins)

    def _doubtful(self, both: Sides) -> list[Rows]:
        """Rows of each side that it edited and the other deleted."""
        return [self._edited_among(side, gone) for side, gone in zip(_BOTH, both.deleted, strict=True)]

    def _tell_alike(self, columns: Sequence[MergedColumn], key: Sequence[str]) -> None:
        """Where rows are known by what they hold, tell a change that both sides made in one way.

        One may be told as an edit of a row, the other as that row out and another one in: then both are the latter.
        """
        if any(changes.by != "content" for changes in self._changes.values()):
            return
        edited = self._doubtful(self._both((NO_ROWS, NO_ROWS)))
        if not any(map(len, edited)):
            return
        told = dict(self._changes)
        self._changes = {side: _without(told[side], rows) for side, rows in zip(_BOTH, edited, strict=True)}
        twins = self._twins(columns, key)
        alike = [np.intersect1d(rows, found) for rows, found in zip(edited, twins, strict=True)]
        self._changes = {side: _without(told[side], rows) for side, rows in zip(_BOTH, alike, strict=True)}

    def _twins(self, columns: Sequence[MergedColumn], key: Sequence[str]) -> tuple[Rows, Rows]:
        """Rows that both sides added and that are the same one: by key, else by what they hold and where they stand."""
        added = [self._changes[side].alignment.added for side in _BOTH]
        if not len(added[0]) or not len(added[1]):
            return NO_ROWS, NO_ROWS
        identifying = self._identifying(columns, key)
        if identifying:
            names = [column.name for column in identifying]
            arrays = [
                self._sides[side].take([_at(column, side) for column in identifying], rows)
                for side, rows in zip(_BOTH, added, strict=True)
            ]
            found = partners(names, arrays[0], arrays[1])
            return added[0][found >= 0], added[1][found[found >= 0]]
        return self._equal_twins(columns, added)

    def _identifying(self, columns: Sequence[MergedColumn], key: Sequence[str]) -> list[MergedColumn]:
        """Columns that identify rows on both sides; none where rows are told by what they hold."""
        if any(changes.by == "content" for changes in self._changes.values()):
            return []
        shared = [column for column in columns if self._one_type(column)]
        if key:
            chosen = [column for column in shared if column.name in key]
            return chosen if len(chosen) == len(key) else []
        return [column for column in shared if column.role == "index"]

    def _one_type(self, column: MergedColumn) -> bool:
        ours, theirs = column.ours, column.theirs
        if ours is None or theirs is None:
            return False
        return self._sides["ours"].columns[ours].type == self._sides["theirs"].columns[theirs].type

    def _equal_twins(self, columns: Sequence[MergedColumn], added: Sequence[Rows]) -> tuple[Rows, Rows]:
        shared = [
            column for column in columns if self._one_type(column) and (column.role == "data" or self._labels_mean)
        ]
        if not shared:
            return NO_ROWS, NO_ROWS
        words: list[Any] = [None, None]
        gaps = interleaved_places(*(self._changes[side].alignment for side in _BOTH))
        for number, side in enumerate(_BOTH):
            for column in shared:
                (array,) = self._sides[side].take([_at(column, side)], added[number])
                words[number] = combined_words(words[number], array)
            words[number] = words[number] ^ scrambled(gaps[number])
        at_ours, at_theirs = equal_pairs(words[0], words[1])
        rows = added[0][at_ours], added[1][at_theirs]
        differing = np.zeros(len(rows[0]), bool)
        for column in shared:
            differing |= self._differ(column, *rows)
        return rows[0][~differing], rows[1][~differing]

    @cached_property
    def _labels_mean(self) -> bool:
        return all(map(labels_mean, self._sides.values()))

    def _edited_among(self, side: Side, rows: Rows) -> Rows:
        """Those of some rows of a side in which it changed a value."""
        if not len(rows):
            return NO_ROWS
        edited = np.zeros(self._sides[side].table.rows, bool)
        for place, changed in self._changes[side].changed.items():
            role = self._sides[side].table.columns[place].role
            if role == "data" or self._labels_mean:
                edited[changed] = True
        return rows[edited[rows]]

    # --- cells -------------------------------------------------------------------------------------------------------

    def _cells(
        self, columns: Sequence[MergedColumn], rows: MergedRows
    ) -> tuple[dict[int, Rows], dict[int, Rows], dict[int, Rows]]:
        """By column: merged rows whose value only theirs changed, those that only ours did, and those in conflict."""
        twins = np.flatnonzero((rows.base < 0) & (rows.ours >= 0) & (rows.theirs >= 0)) if len(rows) else NO_ROWS
        from_theirs: dict[int, Rows] = {}
        from_ours: dict[int, Rows] = {}
        conflicts: dict[int, Rows] = {}
        for number, column in enumerate(columns):
            if column.order or column.ours is None or column.theirs is None:
                continue
            if column.base is None:
                mine = others = np.flatnonzero((rows.ours >= 0) & (rows.theirs >= 0))
            else:
                mine, others = (
                    rows.at(side, self._changes[side].changed.get(_at(column, side), NO_ROWS)) for side in _BOTH
                )
                mine, others = (np.union1d(part, twins) if len(twins) else part for part in (mine, others))
            both = np.intersect1d(mine, others, assume_unique=True)
            both = both[self._differ(column, rows.ours[both], rows.theirs[both])] if len(both) else both
            plain_labels = column.role == "index" and not self._labels_mean
            if len(both) and not plain_labels:
                conflicts[number] = both
            for own, other, found in ((others, mine, from_theirs), (mine, others, from_ours)):
                alone = np.setdiff1d(own, other, assume_unique=True)
                if len(alone):
                    found[number] = alone
        return from_theirs, from_ours, conflicts

    def _differ(self, column: MergedColumn, rows_ours: Rows, rows_theirs: Rows) -> Any:
        (ours,) = self._sides["ours"].take([_at(column, "ours")], rows_ours)
        (theirs,) = self._sides["theirs"].take([_at(column, "theirs")], rows_theirs)
        return changed_rows(ours, theirs)


_NO_TABLE = Table(0, ())
_BOTH: tuple[Side, Side] = ("ours", "theirs")


def _without(changes: ChangeSet, rows: Rows) -> ChangeSet:
    """The same with some rows as added ones."""
    if not len(rows):
        return changes
    changed = {place: np.setdiff1d(found, rows, assume_unique=True) for place, found in changes.changed.items()}
    return ChangeSet(changes.alignment.without(rows), changes.by, changed)


def _at(column: MergedColumn, side: Side) -> int:
    place = column.place(side)
    assert place is not None
    return place


def _types(version: Version) -> list[str]:
    return [str(column.type) for column in version.columns]
