"""How two versions of a dataset differ, found from ids alone. Rows and cells are compared by ``algorithms``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple, TypeVar

from lineageflow_jupyter.model.objects import Column, Table, TableColumn, TreeEntry
from lineageflow_jupyter.model.reports import DatasetChange, TableShape

T = TypeVar("T")


def shape_of(table: Table) -> TableShape:
    """Rows and data columns of a table."""
    return TableShape(table.rows, len(table.data))


def numbered(items: Iterable[T]) -> Iterator[tuple[T, int]]:
    """Each item with the count of equal ones before it: tells columns of the same name apart."""
    seen: dict[T, int] = {}
    for item in items:
        count = seen.get(item, 0)
        seen[item] = count + 1
        yield item, count


def dataset_change(
    old: TreeEntry | None, new: TreeEntry | None, before: Table | None, after: Table | None
) -> DatasetChange:
    """Compare two versions of a dataset.

    Parameters
    ----------
    old, new : TreeEntry or None
        The entries; None on the side where the dataset does not exist. Not both are None.
    before, after : Table or None
        Their tables.
    """
    named = [{} if side is None else _named(side) for side in (before, after)]
    entry = new or old
    assert entry is not None
    added, dropped = ([key[0] for key in named[side] if key not in named[1 - side]] for side in (1, 0))
    return DatasetChange(
        entry.dataset,
        "added" if old is None else "removed" if new is None else "changed",
        None if before is None else shape_of(before),
        None if after is None else shape_of(after),
        tuple(name for role, name in added if role == "data"),
        tuple(name for role, name in dropped if role == "data"),
        tuple(key[0][1] for key, column in named[1].items() if key in named[0] and named[0][key] != column),
        levels_added=tuple(name for role, name in added if role == "index"),
        levels_dropped=tuple(name for role, name in dropped if role == "index"),
        described=old is not None and new is not None and old.table == new.table,
    )


def changed_columns(before: Table, after: Table) -> tuple[tuple[int, int], ...]:
    """Positions, in both tables, of the columns that both have and that are not equal."""
    places = {key: (place, column) for place, (key, column) in enumerate(_named(before).items())}
    return tuple(
        (places[key][0], place)
        for place, (key, column) in enumerate(_named(after).items())
        if key in places and places[key][1] != column
    )


def _named(table: Table) -> dict[tuple[tuple[str, str], int], TableColumn]:
    """Columns by role, name and number among those of the same role and name, in order."""
    return dict(zip(numbered((c.role, c.name) for c in table.columns), table.columns, strict=True))


class Differing(NamedTuple):
    """Where two versions of a column with the same number of rows may differ.

    Parameters
    ----------
    old, new : Column
        Both without the chunks that they share in the same place: what is left of each are the values of `rows`.
    rows : tuple of range
        Rows of the whole column, in order.
    """

    old: Column
    new: Column
    rows: tuple[range, ...]


def differing(old: Column, new: Column) -> Differing:
    """Leave out of two versions of a column what their chunk ids say is equal."""
    placed = [list(zip(_places(column), column.chunks, strict=True)) for column in (old, new)]
    shared = {(place, chunk.id) for place, chunk in placed[0]} & {(place, chunk.id) for place, chunk in placed[1]}
    left = [[(place, chunk) for place, chunk in side if (place, chunk.id) not in shared] for side in placed]
    rows: list[range] = []
    for (start, stop), _ in left[1]:
        if rows and rows[-1].stop == start:
            rows[-1] = range(rows[-1].start, stop)
        else:
            rows.append(range(start, stop))
    only = [tuple(chunk for _, chunk in side) for side in left]
    return Differing(replace(old, chunks=only[0]), replace(new, chunks=only[1]), tuple(rows))


def _places(column: Column) -> list[tuple[int, int]]:
    """First row and end of each chunk."""
    stops = list(accumulate(chunk.rows for chunk in column.chunks))
    return list(zip([0, *stops], stops, strict=False))
