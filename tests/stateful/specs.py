"""Frames, told by what they are made from: equal specs make equal frames, others make others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

DTYPES = ("int64", "float32", "Int64", "str", "category", "datetime64[s]")
NULLABLE = {"int64": "Int64", "Int64": "int64"}
LONG = 500
"""Repeats in the values of a ``big`` column: 4,000 characters, so that a few hundred rows make several chunks."""
MIXED = ("int64", "float32", "Int64", "str", "big", "datetime64[s]")
"""Dtypes of which rows of two versions go into one column; categories differ with the values."""
KINDS = ("set", "insert", "append", "drop", "many", "retype", "add column", "drop column", "index", "nullable")

Values = tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """A column: its name, the name of its type, and the numbers that its values are made from."""

    name: str
    dtype: str
    values: Values

    def series(self) -> pd.Series[Any]:
        numbers = pd.Series(list(self.values), dtype="int64")
        if self.dtype == "big":
            return numbers.map("{:08d}".format).astype("str") * LONG if len(numbers) else numbers.astype("str")
        if self.dtype == "category":
            return pd.Series(pd.Categorical(self.values, categories=sorted({*self.values, 0})))
        return numbers.astype(self.dtype)


@dataclass(frozen=True)
class Spec:
    """A frame. `key` is what new columns and the index are made from, and part of the frame only as an index."""

    columns: tuple[Column, ...]
    rows: int
    index: Values | None = None
    key: Values = field(default=(), compare=False)

    def frame(self) -> pd.DataFrame:
        index = pd.RangeIndex(self.rows) if self.index is None else pd.Index(list(self.index), dtype="int64", name="k")
        return pd.DataFrame({column.name: column.series().set_axis(index) for column in self.columns}, index=index)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def fresh(values: Values) -> Spec:
    """A frame as a user begins with."""
    return Spec((Column("x", "int64", values), Column("big", "big", values)), len(values), None, values)


def edited(spec: Spec, kind: str, at: int, value: int) -> Spec:
    """The spec after one of a user's steps."""
    columns = spec.columns
    at = at % (spec.rows + 1)
    chosen = at % len(columns) if columns else 0
    if kind == "set" and at < spec.rows:
        return _rows(spec, at, at + 1, (value,))
    if kind == "insert":
        return _rows(spec, at, at, (value,))
    if kind == "append":
        return _rows(spec, spec.rows, spec.rows, tuple(range(value, value + 40)))
    if kind == "drop":
        return _rows(spec, at, at + 1 + value % 40, ())
    if kind == "many":
        return _rows(spec, 0, spec.rows, tuple(range(value, value + 700)))
    if kind == "retype" and columns:
        return _with(spec, replace(columns[chosen], dtype=DTYPES[value % len(DTYPES)]))
    if kind == "add column" and len(columns) < 5:
        name = f"c{value % 1000}"
        return spec if name in spec.names else _with(spec, Column(name, DTYPES[value % len(DTYPES)], spec.key))
    if kind == "drop column" and columns:
        return replace(spec, columns=(*columns[:chosen], *columns[chosen + 1 :]))
    if kind == "nullable":  # the same values, described differently
        described = (replace(column, dtype=NULLABLE.get(column.dtype, column.dtype)) for column in columns)
        return replace(spec, columns=tuple(described))
    if kind == "index":
        return replace(spec, index=spec.key if spec.index is None else None)
    return spec


def _rows(spec: Spec, start: int, stop: int, new: Values) -> Spec:
    """Other values in place of those of some rows, in all columns."""

    def spliced(values: Values) -> Values:
        return (*values[:start], *new, *values[stop:])

    key = spliced(spec.key)
    columns = tuple(replace(column, values=spliced(column.values)) for column in spec.columns)
    return Spec(columns, len(key), None if spec.index is None else spliced(spec.index), key)


def _with(spec: Spec, column: Column) -> Spec:
    """A column in place of the one of its name, or as the last one."""
    columns = {own.name: own for own in spec.columns} | {column.name: column}
    return replace(spec, columns=tuple(columns.values()))


def mixed(live: Spec, stored: Spec, names: Collection[str], rows: range | None) -> Spec | None:
    """The live frame with some columns, or some rows of them, of another version; None where that may be refused."""
    if live.rows != stored.rows or live.index != stored.index or not names:
        return None
    theirs = {column.name: column for column in stored.columns}
    own = {column.name: column for column in live.columns}
    if not all(name in own and name in theirs for name in names):
        return None
    result = live
    for name in sorted(names):
        column = theirs[name]
        if rows is not None and len(rows) < live.rows:
            if column.dtype != own[name].dtype or column.dtype not in MIXED:
                return None
            values = list(own[name].values)
            values[rows.start : rows.stop] = column.values[rows.start : rows.stop]
            column = replace(column, values=tuple(values))
        result = _with(result, column)
    return result
