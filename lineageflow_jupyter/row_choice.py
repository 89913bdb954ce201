"""Which rows of a version somebody means: by their numbers, or by values that identify them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.errors import AmbiguousName, UnknownName, UsageProblem
from lineageflow_jupyter.frames.row_labels import counted_labels_of
from lineageflow_jupyter.history import unknown
from lineageflow_jupyter.versions import Rows, Version

LISTED = 5
"""Rows and columns that a message lists."""
_WAYS = "Choose rows by number, as in rows=3 or rows=range(10), or by values, as in rows={'id': 17}"


def chosen_rows(version: Version, rows: Any) -> Rows | None:
    """Numbers of the rows that are meant, in the order asked for; None for all.

    Parameters
    ----------
    version : Version
        The version.
    rows : None, int, slice, range, sequence of int, mapping, tuple or value
        Numbers of rows; or values of columns that identify one row: by column, or in the order of the key.

    Raises
    ------
    UnknownName
        If there is no such row or column.
    AmbiguousName
        If several rows have these values.
    UsageProblem
        If rows cannot be chosen that way.
    """
    if rows is None:
        return None
    if isinstance(rows, slice):
        try:
            return np.arange(version.table.rows, dtype=np.int64)[rows]
        except TypeError as error:
            raise UsageProblem(f"a slice of row numbers was expected, {rows!r} found", remedy=_WAYS) from error
    if isinstance(rows, Mapping | tuple | str):
        return np.array([the_row(version, identity_of(version, rows))], np.int64)
    return _numbered(version, [rows] if isinstance(rows, Integral) else rows)


def identity_of(version: Version, values: Any) -> dict[str, Any]:
    """Values that identify a row, by column.

    Parameters
    ----------
    version : Version
        The version.
    values : mapping, tuple or value
        By column, or in the order of the key; without a key, of the index levels.
    """
    if isinstance(values, Mapping):
        if not values:
            raise UsageProblem("no values to find a row by", remedy=_WAYS)
        return {str(name): value for name, value in values.items()}
    given = values if isinstance(values, tuple) else (values,)
    names = identifying(version)
    if len(given) != len(names):
        key = f"is identified by {', '.join(names)}" if names else "has no key"
        raise UsageProblem(f"{given!r} does not name a row: {version.entry.dataset!r} {key}", remedy=_WAYS)
    return dict(zip(names, given, strict=True))


def identifying(version: Version) -> tuple[str, ...]:
    """Names of the columns that identify rows: the key, else the index levels."""
    return version.entry.key or tuple(column.name for column in version.table.index)


def the_row(version: Version, values: Mapping[str, Any]) -> int:
    """Number of the one row that has some values."""
    found = rows_with(version, values)
    said = ", ".join(f"{name}={value}" for name, value in values.items())
    dataset = version.entry.dataset
    if not len(found):
        raise UnknownName(f"there is no row with {said} in {dataset!r}", remedy="Look the row up with `read`")
    if len(found) > 1:
        more = ", …" if len(found) > LISTED else ""
        listed = ", ".join(map(str, found[:LISTED].tolist())) + more
        raise AmbiguousName(
            f"{len(found)} rows of {dataset!r} have {said}: {listed}", remedy="Name more columns, or the row's number"
        )
    return int(found[0])


def rows_with(version: Version, values: Mapping[str, Any], among: Rows | None = None) -> Rows:
    """Rows that have some values, of all or of some rows."""
    rows = np.arange(version.table.rows, dtype=np.int64) if among is None else among
    for name, value in values.items():
        whole = len(rows) == version.table.rows
        array = _column(version, name, None if whole else rows)
        rows = rows[_equal(array, value, name)]
    return rows


def _numbered(version: Version, rows: Any) -> Rows:
    try:
        given = np.asarray(rows)
    except ValueError:
        given = np.asarray(None)
    if given.ndim == 1 and not len(given):
        return np.empty(0, np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise UsageProblem(f"rows cannot be chosen by {rows!r}", remedy=_WAYS)
    count = version.table.rows
    outside = given[(given < 0) | (given >= count)]
    if len(outside):
        held = f"its rows are 0 to {count - 1}" if count else "it has no rows"
        raise UnknownName(
            f"there is no row {outside[0]} in {version.entry.dataset!r}", remedy=f"{held[0].upper()}{held[1:]}"
        )
    return given.astype(np.int64)


def _column(version: Version, name: str, rows: Rows | None) -> Any:
    """Values of a column, or of some of its rows."""
    places = [place for place, column in enumerate(version.table.columns) if column.name == name]
    if len(places) == 1:
        array: Any = version.values(places)[0] if rows is None else version.take(places, rows)[0]
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        return array.dictionary.take(array.indices) if pa.types.is_dictionary(array.type) else array
    if places:
        raise AmbiguousName(f"{len(places)} columns are named {name!r}", remedy="Choose the row by its number")
    counted = counted_labels_of(version.body, name, version.table.rows)
    if counted is None:
        names = [column.name for column in version.table.columns]
        where = f" in {version.entry.dataset!r}"
        raise unknown("column", name, names, f"Columns: {', '.join(names[:20])}", where)
    return counted if rows is None else counted.take(pa.array(rows))


def _equal(array: Any, value: Any, name: str) -> Any:
    """Flags of the rows that have a value."""
    try:
        wanted = _scalar(value, array.type)
        if not wanted.is_valid:
            flags = pc.is_null(array)
        elif pa.types.is_floating(array.type) and wanted.as_py() != wanted.as_py():
            flags = pc.is_nan(array)
        else:
            flags = pc.equal(array, wanted)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UsageProblem(
            f"values of {name!r} are {array.type}, {value!r} found", remedy="Write the value as the column has it"
        ) from error
    return np.asarray(flags.fill_null(False).to_numpy(zero_copy_only=False), bool)


def _scalar(value: Any, kind: Any) -> Any:
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if isinstance(value, str) and not texts:  # as it is typed on a command line
        return pa.scalar(value).cast(kind)
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        value = value.item()
    return pa.scalar(value, kind)
