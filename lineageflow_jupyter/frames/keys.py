"""Checks that key columns identify rows. What a key is used for (alignment, merge) belongs to ``algorithms``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.errors import KeyViolation
from lineageflow_jupyter.frames.normalise import normalise


def check_key(dataset: str, names: Sequence[str], arrays: Sequence[Any]) -> None:
    """Refuse keys that do not identify rows.

    Parameters
    ----------
    dataset : str
        Name of the dataset, for the message.
    names : sequence of str
        Names of the key columns.
    arrays : sequence of pyarrow.Array or pyarrow.ChunkedArray
        Their values, all of the same length.

    Raises
    ------
    KeyViolation
        If a value is null or NaN, if rows share a key, or if a type cannot be compared.
    """
    columns = [_comparable(dataset, name, array) for name, array in zip(names, arrays, strict=True)]
    for name, column in zip(names, columns, strict=True):
        missing = pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
        if pc.any(missing).as_py():
            row = pc.index(missing, value=True).as_py()
            raise KeyViolation(
                f"key column {name!r} of {dataset!r} has no value in row {row}",
                remedy="Fill or drop such rows, or choose other key columns",
            )
    if not columns or len(columns[0]) < 2:
        return
    repeat = _second_of_a_pair(columns)
    if repeat is not None:
        values = ", ".join(f"{name}={column[repeat].as_py()!r}" for name, column in zip(names, columns, strict=True))
        raise KeyViolation(
            f"key {', '.join(names)} of {dataset!r} is not unique: {values[:120]} appears again in row {repeat}",
            remedy="Drop the repeats, or add a column to the key",
        )


def partners(names: Sequence[str], arrays: Sequence[Any], others: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Match rows of two versions by key.

    Parameters
    ----------
    names : sequence of str
        Names of the key columns, for messages.
    arrays, others : sequence of pyarrow.Array or pyarrow.ChunkedArray
        Key columns of both, each of which `check_key` lets pass.

    Returns
    -------
    numpy.ndarray, shape (rows of `arrays`,)
        For each row the row of `others` that has the same key, or -1.

    Raises
    ------
    KeyViolation
        If a key column has another type in the other version.
    """
    if not len(arrays[0]) or not len(others[0]):  # columns without values may have any type
        return np.full(len(arrays[0]), -1)
    found: Any = None
    known: Any = None
    for name, array, other in zip(names, arrays, others, strict=True):
        one, two = _comparable("the live frame", name, array), _comparable("the stored version", name, other)
        if one.type != two.type:
            raise KeyViolation(
                f"key column {name!r} is {one.type} in one version and {two.type} in the other",
                remedy="Convert it to the same type first",
            )
        columns = [pc.index_in(values, value_set=two).cast(pa.int64()) for values in (one, two)]
        if found is not None:  # rows agree if they agree so far and in this column: one number stands for both
            columns = [
                pc.add(pc.multiply(so_far, pa.scalar(len(two), pa.int64())), column)
                for so_far, column in zip((found, known), columns, strict=True)
            ]
            columns = [pc.index_in(values, value_set=columns[1]).cast(pa.int64()) for values in columns]
        found, known = columns
    return np.asarray(found.fill_null(-1).to_numpy())


def _comparable(dataset: str, name: str, array: Any) -> Any:
    column = normalise(array)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary.take(column.indices)  # casting knows fewer types
    if pa.types.is_nested(column.type):
        raise KeyViolation(
            f"key column {name!r} of {dataset!r} holds {column.type} values, which cannot identify rows",
            remedy="Choose columns of numbers, text or times",
        )
    return column


def _second_of_a_pair(columns: Sequence[Any]) -> int | None:
    """First row whose key an earlier row has, or None."""
    if len(columns) == 1 and pc.count_distinct(columns[0]).as_py() == len(columns[0]):
        return None
    names = [str(position) for position in range(len(columns))]
    table: Any = pa.table([*columns, pa.array(np.arange(len(columns[0])))], names=[*names, "row"])
    groups: Any = table.group_by(names).aggregate([("row", "count"), ("row", "min")])
    repeated = groups.filter(pc.greater(groups["row_count"], pa.scalar(1)))
    if repeated.num_rows == 0:
        return None
    keys = repeated.select(names)
    firsts = set(repeated["row_min"].to_pylist())
    matches: list[int] = table.join(keys, keys=names, join_type="inner")["row"].to_pylist()
    return min(row for row in matches if row not in firsts)
