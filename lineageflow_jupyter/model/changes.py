"""How two versions of a dataset differ, found from ids alone. Rows and cells are compared by ``algorithms``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from lineageflow_jupyter.model.objects import Table, TreeEntry
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
    named = [
        {} if side is None else dict(zip(numbered((c.role, c.name) for c in side.columns), side.columns, strict=True))
        for side in (before, after)
    ]
    entry = new or old
    assert entry is not None
    return DatasetChange(
        entry.dataset,
        "added" if old is None else "removed" if new is None else "changed",
        None if before is None else shape_of(before),
        None if after is None else shape_of(after),
        tuple(key[0][1] for key in named[1] if key not in named[0]),
        tuple(key[0][1] for key in named[0] if key not in named[1]),
        tuple(key[0][1] for key, column in named[1].items() if key in named[0] and named[0][key] != column),
        described=old is not None and new is not None and old.table == new.table,
    )
