"""The columns of two versions side by side, each pair with a name of its own, for whoever shows or lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineageflow_jupyter.model.diffs import ColumnState
from lineageflow_jupyter.model.objects import Table, TableColumn
from lineageflow_jupyter.model.schema import SchemaChange


@dataclass(frozen=True, slots=True)
class ColumnPair:
    """A column in both versions, or in one.

    Parameters
    ----------
    name : str
        Its name, with a number behind it where another column has the same.
    label : str
        Its name in the table; in the newer one, where it was renamed.
    role : str
        ``"index"`` or ``"data"``.
    old, new : int or None
        Its places in the two tables.
    state : str
        How it differs as a column.
    old_label : str, optional
        Its name in the older table, where it was renamed.
    """

    name: str
    label: str
    role: str
    old: int | None
    new: int | None
    state: ColumnState = "same"
    old_label: str | None = None

    @property
    def comparable(self) -> bool:
        """Whether its cells can be compared."""
        return self.state in ("same", "renamed")

    def called(self, name: str) -> bool:
        """Whether people call it so."""
        return name in (self.name, self.label, self.old_label)


def paired(old: Table | None, new: Table | None, schema: SchemaChange | None) -> tuple[ColumnPair, ...]:
    """Columns of the newer table in order, then those that only the older one has.

    Parameters
    ----------
    old, new : Table or None
        The tables; not both are None.
    schema : SchemaChange or None
        How their columns belong together; None where there is only one table.
    """
    origins = {} if schema is None else {place: origin for origin, place in (*schema.common, *schema.retyped)}
    renamed = set() if schema is None else {place for _, place in schema.renamed}
    retyped = set() if schema is None else {place for _, place in schema.retyped}
    dropped = range(len(old.columns) if old else 0) if schema is None else schema.dropped
    sides: list[tuple[TableColumn, int | None, int | None]] = []
    if new is not None:
        sides += [(column, origins.get(place), place) for place, column in enumerate(new.columns)]
    if old is not None:
        sides += [(old.columns[place], place, None) for place in dropped]
    names = distinct_names([column.name for column, _, _ in sides], [column.role for column, _, _ in sides])
    found = []
    for name, (column, origin, place) in zip(names, sides, strict=True):
        state: ColumnState = "same"
        if origin is None or place is None:
            state = "added" if origin is None else "dropped"
        elif place in renamed or place in retyped:
            state = "renamed" if place in renamed else "retyped"
        before = old.columns[origin].name if state == "renamed" and old is not None and origin is not None else None
        found.append(ColumnPair(name, column.name, column.role, origin, place, state, before))
    return tuple(found)


def distinct_names(names: Sequence[str], roles: Sequence[str] | None = None) -> list[str]:
    """Names that each occur once: of equal ones all but one get a number, as in ``x``, ``x_1``.

    Parameters
    ----------
    names : sequence of str
        The names.
    roles : sequence of str, optional
        Data columns keep their name rather than index levels.

    Examples
    --------
    >>> distinct_names(["x", "x", "x_1"])
    ['x', 'x_2', 'x_1']
    """
    roles = ["data"] * len(names) if roles is None else roles
    order = sorted(range(len(names)), key=lambda place: roles[place] != "data")
    taken: set[str] = set()
    found: dict[int, str] = {}
    again = []
    for place in order:
        if names[place] in taken:
            again.append(place)
        else:
            taken.add(names[place])
            found[place] = names[place]
    for place in again:
        count = 1
        while f"{names[place]}_{count}" in taken:
            count += 1
        found[place] = f"{names[place]}_{count}"
        taken.add(found[place])
    return [found[place] for place in range(len(names))]


def places_of(pairs: Sequence[ColumnPair], *, newer: bool) -> list[int]:
    """Places of columns in the newer or older table, of those that it has."""
    places = [pair.new if newer else pair.old for pair in pairs]
    return [place for place in places if place is not None]


def apart_from(taken: Sequence[str], names: Sequence[str]) -> list[str]:
    """Names, with an underscore behind those that are taken.

    Examples
    --------
    >>> apart_from(["old", "new"], ["id", "old"])
    ['id', 'old_']
    """
    return distinct_names([f"{name}_" if name in taken else name for name in names])
