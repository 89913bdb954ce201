"""How the columns of two tables belong together, found from names, types and ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineageflow_jupyter.model.changes import numbered
from lineageflow_jupyter.model.objects import Column, Table


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """How the columns of table A became those of table B. Columns are told by their places, index levels included.

    Parameters
    ----------
    common : tuple of (int, int)
        Places in A and in B of columns that both have, with one type; renamed ones are among them.
    renamed : tuple of (int, int)
        Those of them whose name differs: exactly one dropped and one added column of one role share an id, and are not
        constant, since two constant columns are equal by accident.
    retyped : tuple of (int, int)
        Columns of one name whose types differ.
    dropped, added : tuple of int
        Places in A, in B, of columns that the other lacks.
    """

    common: tuple[tuple[int, int], ...]
    renamed: tuple[tuple[int, int], ...] = ()
    retyped: tuple[tuple[int, int], ...] = ()
    dropped: tuple[int, ...] = ()
    added: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Whether columns were renamed, retyped, dropped or added."""
        return bool(self.renamed or self.retyped or self.dropped or self.added)


def schema_change(
    before: Table, after: Table, old: Sequence[Column], new: Sequence[Column], constant: Callable[[int], bool]
) -> SchemaChange:
    """Pair the columns of two tables.

    Parameters
    ----------
    before, after : Table
        The tables.
    old, new : sequence of Column
        The chunk lists of all their columns, in order.
    constant : callable
        Whether a column of B, by its place, has one value in all rows. Asked only where a column may be a renamed one.

    Returns
    -------
    SchemaChange
        Pairs in the order of B. Columns are paired by role and name, equal ones in their order.
    """
    return paired_columns(before, after, lambda origin, place: old[origin].type == new[place].type, constant)


def paired_columns(
    before: Table, after: Table, same_type: Callable[[int, int], bool], constant: Callable[[int], bool]
) -> SchemaChange:
    """As `schema_change`, where types are asked for by the places of a pair in A and in B."""
    known = {key: place for place, key in enumerate(numbered((c.role, c.name) for c in before.columns))}
    common: list[tuple[int, int]] = []
    retyped: list[tuple[int, int]] = []
    added: list[int] = []
    for place, key in enumerate(numbered((c.role, c.name) for c in after.columns)):
        origin = known.pop(key, None)
        if origin is None:
            added.append(place)
        else:
            (common if same_type(origin, place) else retyped).append((origin, place))
    candidates = _renamed(before, after, list(known.values()), added)
    renamed = [(origin, place) for origin, place in candidates if not constant(place)]
    gone, come = {origin for origin, _ in renamed}, {place for _, place in renamed}
    return SchemaChange(
        tuple(sorted([*common, *renamed], key=lambda pair: pair[1])),
        tuple(renamed),
        tuple(retyped),
        tuple(sorted(set(known.values()) - gone)),
        tuple(place for place in added if place not in come),
    )


def _renamed(before: Table, after: Table, dropped: Sequence[int], added: Sequence[int]) -> list[tuple[int, int]]:
    sides: list[dict[tuple[str, bytes], list[int]]] = [{}, {}]
    for side, table, places in ((sides[0], before, dropped), (sides[1], after, added)):
        for place in places:
            column = table.columns[place]
            side.setdefault((column.role, column.column), []).append(place)
    return [
        (sides[0][key][0], places[0])
        for key, places in sides[1].items()
        if len(places) == 1 and len(sides[0].get(key, ())) == 1
    ]
