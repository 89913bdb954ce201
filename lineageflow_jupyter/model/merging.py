"""Three-way merge of columns, from names, types and what was edited alone; and the words of conflicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lineageflow_jupyter.model.objects import Table
from lineageflow_jupyter.model.schema import SchemaChange

Side = Literal["ours", "theirs", "base"]
SIDES: tuple[Side, ...] = ("ours", "theirs", "base")
ColumnClash = Literal["type", "name", "deleted by ours", "deleted by theirs"]
"""Both sides gave it other types; both renamed it; one deleted it and the other changed it."""


@dataclass(frozen=True, slots=True)
class MergedColumn:
    """A column of a merged table.

    Parameters
    ----------
    name : str
        Its name.
    role : str
        ``"index"`` or ``"data"``.
    ours, theirs, base : int or None
        Its places in the three tables; None where one lacks it.
    order : tuple of Side
        Where a value comes from: the first of these tables that has row and column. Empty: cell by cell, from the side
        that changed it; then all places are of one type.
    named : Side
        Whose label it bears.
    """

    name: str
    role: str
    ours: int | None
    theirs: int | None
    base: int | None
    order: tuple[Side, ...] = ()
    named: Side = "ours"

    def place(self, side: Side) -> int | None:
        """Place of the column in one of the three tables."""
        return self.ours if side == "ours" else self.theirs if side == "theirs" else self.base


@dataclass(frozen=True, slots=True)
class ColumnConflict:
    """Two sides that did with a column what cannot both be.

    Parameters
    ----------
    name : str
        Its name in the base; on ours where there is none.
    clash : str
        What they did.
    base, ours, theirs : str or None
        What each table says: the type, the new name, or None where it is gone.
    """

    name: str
    clash: ColumnClash
    base: str | None
    ours: str | None
    theirs: str | None


Choose = Callable[[str], Side | None]
"""The side that was chosen for a column in conflict, by name; None where nothing was."""


@dataclass(frozen=True, slots=True)
class ColumnSides:
    """How the columns of two tables came from one.

    Parameters
    ----------
    tables : mapping of Side to Table
        The tables; an empty base where the sides share none.
    types : mapping of Side to sequence of str
        Types of their columns, as text.
    changes : mapping of Side to SchemaChange
        From the base to ``"ours"`` and ``"theirs"``.
    edited : callable
        Whether a side changed values in one of its columns, by side and place.
    """

    tables: Mapping[Side, Table]
    types: Mapping[Side, Sequence[str]]
    changes: Mapping[Side, SchemaChange]
    edited: Callable[[Side, int], bool]


def merged_columns(sides: ColumnSides, choose: Choose) -> tuple[list[MergedColumn], list[ColumnConflict]]:
    """Columns of the merged table, in no particular order, and the conflicts for which nothing was chosen.

    A column in conflict is merged as if ours had been chosen.
    """
    merge = _Merge(sides, choose)
    merge.columns_of_base()
    merge.added_columns()
    return merge.columns, merge.conflicts


class _Merge:
    def __init__(self, sides: ColumnSides, choose: Choose) -> None:
        self._sides = sides
        self._choose = choose
        self._places: dict[Side, dict[int, int]] = {
            side: dict([*sides.changes[side].common, *sides.changes[side].retyped]) for side in ("ours", "theirs")
        }
        self.columns: list[MergedColumn] = []
        self.conflicts: list[ColumnConflict] = []

    def columns_of_base(self) -> None:
        for place, column in enumerate(self._sides.tables["base"].columns):
            ours, theirs = self._places["ours"].get(place), self._places["theirs"].get(place)
            if ours is not None and theirs is not None:
                self._kept(place, ours, theirs)
            elif ours is not None or theirs is not None:
                self._deleted(column.name, place, ours, theirs)

    def added_columns(self) -> None:
        """Columns that the sides added: those of one role and name are one column."""
        added = {side: self._sides.changes[side].added for side in ("ours", "theirs")}
        found: dict[tuple[str, str], int] = {}
        for place in added["theirs"]:
            column = self._sides.tables["theirs"].columns[place]
            found.setdefault((column.role, column.name), place)
        for place in added["ours"]:
            column = self._sides.tables["ours"].columns[place]
            twin = found.pop((column.role, column.name), None)
            if twin is None:
                self.columns.append(MergedColumn(column.name, column.role, place, None, None, ("ours",)))
            else:
                self._typed(column.name, None, place, twin, "ours")
        taken = {column.theirs for column in self.columns}
        for place in added["theirs"]:
            if place not in taken:
                column = self._sides.tables["theirs"].columns[place]
                self.columns.append(MergedColumn(column.name, column.role, None, place, None, ("theirs",), "theirs"))

    def _kept(self, base: int, ours: int, theirs: int) -> None:
        names = {side: self._name(side, place) for side, place in _placed(base, ours, theirs)}
        named: Side = "theirs" if names["ours"] == names["base"] else "ours"
        if len({names["base"], names["ours"], names["theirs"]}) == 3:
            named = self._chosen(ColumnConflict(names["base"], "name", names["base"], names["ours"], names["theirs"]))
        self._typed(names["base"], base, ours, theirs, named)

    def _typed(self, name: str, base: int | None, ours: int, theirs: int, named: Side) -> None:
        """Take a column that both sides have, of types that may differ."""
        types = {side: self._type(side, place) for side, place in _placed(base, ours, theirs)}
        order: tuple[Side, ...] = ()
        if types["ours"] == types["theirs"]:
            base = base if types["base"] == types["ours"] else None
        elif base is not None and types["ours"] == types["base"] and not self._sides.edited("ours", ours):
            order = ("theirs", "ours")
        elif base is not None and types["theirs"] == types["base"] and not self._sides.edited("theirs", theirs):
            order = ("ours", "theirs")
        else:
            chosen = self._chosen(ColumnConflict(name, "type", types["base"], types["ours"], types["theirs"]))
            rest: tuple[Side, ...] = tuple(side for side in SIDES if side != chosen and side != "base")
            order = (chosen, *rest)
        role = self._sides.tables["ours"].columns[ours].role
        label = self._name(named, {"ours": ours, "theirs": theirs, "base": base}[named])
        self.columns.append(MergedColumn(label, role, ours, theirs, base, order, named))

    def _deleted(self, name: str, base: int, ours: int | None, theirs: int | None) -> None:
        """Take a column that one side deleted, if the other changed it and it was chosen to stay."""
        side: Side = "theirs" if ours is None else "ours"
        place = theirs if ours is None else ours
        assert place is not None
        changed = (
            self._name(side, place) != name
            or self._type(side, place) != self._type("base", base)
            or self._sides.edited(side, place)
        )
        if not changed:
            return
        clash: ColumnClash = "deleted by ours" if ours is None else "deleted by theirs"
        types = {one: self._type(one, at) for one, at in _placed(base, ours, theirs)}
        chosen = self._chosen(ColumnConflict(name, clash, types["base"], types["ours"], types["theirs"]))
        if chosen == side or chosen == "base":
            role = self._sides.tables[side].columns[place].role
            order: tuple[Side, ...] = ("base", side) if chosen == "base" else (side,)
            self.columns.append(MergedColumn(self._name(side, place), role, ours, theirs, base, order, side))

    def _chosen(self, conflict: ColumnConflict) -> Side:
        chosen = self._choose(conflict.name)
        if chosen is None:
            self.conflicts.append(conflict)
        return chosen or "ours"

    def _name(self, side: Side, place: int | None) -> str:
        return "" if place is None else self._sides.tables[side].columns[place].name

    def _type(self, side: Side, place: int | None) -> str | None:
        return None if place is None else self._sides.types[side][place]


def _placed(base: int | None, ours: int | None, theirs: int | None) -> tuple[tuple[Side, int | None], ...]:
    return ("base", base), ("ours", ours), ("theirs", theirs)
