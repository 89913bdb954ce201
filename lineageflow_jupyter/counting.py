"""How many cells a change touches, cheaply: only chunks that differ are read, and no more of them than a budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.frames.comparison import changed_count
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.model.changes import changed_columns, differing
from lineageflow_jupyter.model.objects import Column, Table
from lineageflow_jupyter.tables import Snapshot, TableReader

BUDGET_BYTES = 32 * 2**20
"""What a summary may read of one dataset: more would make people wait for a number, and mostly means whole columns,
which their names tell better."""

_CODE_BYTES = 4
"""What a value of no fixed width takes at least once it is decoded: a code or a length."""


def changed_cells(
    reader: TableReader,
    dataset: str,
    before: Table,
    after: Table,
    live: tuple[Snapshot, FrameContent] | None = None,
) -> Mapping[str, int] | None:
    """Count the cells that differ between two versions of a dataset, row compared with row in their order.

    Parameters
    ----------
    reader : TableReader
        Reads stored values.
    dataset : str
        Name of the dataset.
    before, after : Table
        The versions.
    live : tuple of (Snapshot, FrameContent), optional
        The frame whose table `after` is, where that is not stored.

    Returns
    -------
    mapping of str to int, or None
        By name, of the columns that both have with one type. None where the rows are more or fewer, where more than
        `BUDGET_BYTES` would have to be read, and where a chunk is damaged: a summary must not stand in the way of
        whoever wants to save a live frame, and the verb that needs the chunk says what is wrong with it.
    """
    if before.rows != after.rows:
        return None
    try:
        return _counted(reader, dataset, before, after, live)
    except (CorruptData, ObjectMissing):
        return None


def _counted(
    reader: TableReader, dataset: str, before: Table, after: Table, live: tuple[Snapshot, FrameContent] | None
) -> Mapping[str, int] | None:
    places = changed_columns(before, after)
    old = _manifests(reader, dataset, before, [place for place, _ in places])
    new = _manifests(reader, dataset, after, [place for _, place in places], live)
    parts = [
        (after.columns[place].name, place, differing(one, other))
        for (_, place), one, other in zip(places, old, new, strict=True)
        if one.type == other.type
    ]
    stored = [(name, part.old) for name, _, part in parts]
    if live is None:
        stored += [(name, part.new) for name, _, part in parts]
    columns = [column for _, column in stored]
    if sum(map(_least_bytes, columns)) > BUDGET_BYTES or reader.stored_bytes(columns) > BUDGET_BYTES:
        return None
    values = reader.values(stored, dataset)
    if live is not None:
        values += [_rows_of(live[1].columns[place].array, part.rows) for _, place, part in parts]
    counts: dict[str, int] = {}
    for (name, _, _), one, other in zip(parts, values[: len(parts)], values[len(parts) :], strict=True):
        counts[name] = counts.get(name, 0) + changed_count(one, other)
    return counts


def _manifests(
    reader: TableReader,
    dataset: str,
    table: Table,
    places: list[int],
    live: tuple[Snapshot, FrameContent] | None = None,
) -> list[Column]:
    if live is not None:
        return [live[0].columns[place] for place in places]
    return reader.manifests([(table.columns[place].name, table.columns[place].column) for place in places], dataset)


def _least_bytes(column: Column) -> int:
    return column.rows * (column.type.width or _CODE_BYTES)


def _rows_of(array: Any, rows: tuple[range, ...]) -> Any:
    whole = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    chunks = [chunk for part in rows for chunk in whole.slice(part.start, len(part)).chunks]
    return pa.chunked_array(chunks, whole.type)
