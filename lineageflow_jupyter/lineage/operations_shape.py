"""What a recorded call did to a frame, told cheaply: labels, dtypes, memory, missing values within a budget."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

CELLS = 200_000
"""Values that are looked at in one call, at most: about a millisecond."""
WIDEST = 256
"""Frames of more columns are told by their labels alone."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A frame or Series at one moment, without holding any of its data.

    Parameters
    ----------
    rows : int
        Rows.
    columns : tuple of str
        Labels.
    arrays : tuple of tuple
        For each column its dtype and where its memory begins; empty where there are too many.
    missing : tuple of int or None
        Missing values of each column, where they were counted.
    nulls : int or None
        Missing values in all columns, where they were counted.
    """

    rows: int
    columns: tuple[str, ...]
    arrays: tuple[tuple[Any, int], ...] = ()
    missing: tuple[int, ...] | None = None
    nulls: int | None = None


_labels: dict[int, tuple[weakref.ref[Any], tuple[str, ...]]] = {}
"""Labels by index: making texts of them takes longer than most calls."""


def label(thing: Any) -> str:
    """Text of a column's label."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, tuple):  # of several levels; numbers in it may be Python's or NumPy's
        return str(tuple(part.item() if hasattr(part, "item") else part for part in thing))
    return str(thing)


def labels_of(thing: Any) -> tuple[str, ...]:
    """Labels of a frame; of a Series its name alone, ``""`` where it has none."""
    # What a Series lacks it looks for among its labels, which takes long: hence its dimensions first.
    index = getattr(thing, "columns", None) if getattr(thing, "ndim", 0) == 2 else None
    if index is not None:
        key = id(index)
        found = _labels.get(key)
        if found is None or found[0]() is not index:
            found = (weakref.ref(index, lambda _: _labels.pop(key, None)), tuple(map(label, index.tolist())))
            _labels[key] = found
        return found[1]
    # Other things have names that mean something else, or that warn when they are asked.
    name = thing.name if getattr(thing, "_mgr", None) is not None else None
    return ("" if name is None else label(name),)


def shape(thing: Any, *, nulls: bool = True, places: bool = False) -> Shape | None:
    """Shape of a frame or Series; None of anything else.

    Parameters
    ----------
    thing : object
        Whatever it is.
    nulls : bool, optional
        Whether to count missing values, where that is cheap.
    places : bool, optional
        Whether to say of each column where its memory is and how many values are missing, unless there are very many.
    """
    manager = getattr(thing, "_mgr", None)
    if manager is None:
        return None
    columns, rows = labels_of(thing), len(thing)
    few = nulls and rows * len(columns) <= CELLS
    if places and len(columns) <= WIDEST:
        arrays, missing = _by_column(thing, nulls=few)
        return Shape(rows, columns, arrays, missing if few else None, sum(missing) if few else None)
    return Shape(rows, columns, nulls=sum(map(_nulls_of, manager.arrays)) if few else None)


def _by_column(thing: Any, *, nulls: bool) -> tuple[tuple[tuple[Any, int], ...], tuple[int, ...]]:
    """For each column its dtype, where its memory is, and how many values are missing (0: not counted)."""
    if thing.ndim == 1:
        array = thing.array if thing.dtype.kind == "O" else thing._values
        return (_place(array),), (_nulls_of(array) if nulls else 0,)
    width = thing.shape[1]
    arrays: list[Any] = [None] * width
    missing = [0] * width
    # pandas keeps columns of one dtype together: to ask for each of them takes ten times as long.
    for block in thing._mgr.blocks:
        values, places = block.values, block.mgr_locs.as_array.tolist()
        if getattr(values, "ndim", 1) == 1:
            arrays[places[0]] = _place(values)
            missing[places[0]] = _nulls_of(values) if nulls else 0
            continue
        plain = type(values).__name__ == "ndarray"
        start, step = (values.ctypes.data, values.strides[0]) if plain else (0, 0)
        dtype = values.dtype
        for row, place in enumerate(places):
            arrays[place] = (dtype, start + row * step) if plain else _place(values[row])
        if nulls:
            for place, count in zip(places, _nulls_by_row(values), strict=True):
                missing[place] = count
    return tuple(arrays), tuple(missing)


def _nulls_by_row(block: Any) -> Iterable[int]:
    if not _nulls_of(block):
        return repeat(0, len(block))
    return map(_nulls_of, block)


def _place(array: Any) -> tuple[Any, int]:
    if type(array).__name__ == "ndarray":
        return array.dtype, array.ctypes.data
    # Arrays of pandas' own types: where their buffers lie, for the object around them is made anew.
    for name in ("_data", "_ndarray", "_codes"):
        inner: Any = getattr(array, name, None)
        if type(inner).__name__ == "ndarray":
            return array.dtype, inner.ctypes.data
    return array.dtype, id(getattr(array, "_pa_array", array))


def _nulls_of(array: Any) -> int:
    import numpy as np

    kind = array.dtype.kind
    if type(array).__name__ == "ndarray":
        if kind in "iub":
            return 0
        if kind in "fc":
            return int(np.count_nonzero(np.isnan(array)))
    elif getattr(array, "_hasna", True) is False:
        return 0
    import pandas as pd

    return int(np.count_nonzero(pd.isna(array)))


def changed(before: Shape, after: Shape, *, fills: bool = False) -> tuple[str, ...]:
    """Columns of both whose memory, dtype or number of missing values is another.

    Parameters
    ----------
    before, after : Shape
        Of what went in and came out.
    fills : bool, optional
        Whether the call changes missing values alone: columns that hold as many of them as before are then as before.
    """
    if not before.arrays or not after.arrays or len(set(before.columns)) < len(before.columns):
        return ()
    old = {column: place for place, column in enumerate(before.columns)}
    found = []
    for new, column in enumerate(after.columns):
        place = old.get(column)
        if place is None:
            continue
        same_type = before.arrays[place][0] == after.arrays[new][0]
        counted = before.missing is not None and after.missing is not None
        filled = counted and before.missing[place] != after.missing[new]  # type: ignore[index]
        moved = before.arrays[place] != after.arrays[new]
        if filled or (moved and not (fills and same_type and counted)):
            found.append(column)
    return tuple(found)


def same_values(old: Any, new: Any, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the columns that hold equal values in equal dtypes in both frames, as far as the budget goes."""
    import pandas as pd

    if not columns or len(old) * len(columns) > CELLS or len(old) != len(new):
        return ()
    places = {label(name): position for position, name in enumerate(old.columns)}
    others = {label(name): position for position, name in enumerate(new.columns)}
    found = []
    for column in columns:
        one, other = old._mgr.iget_values(places[column]), new._mgr.iget_values(others[column])
        if one.dtype == other.dtype and (one.equals(other) if hasattr(one, "equals") else _equal(pd, one, other)):
            found.append(column)
    return tuple(found)


def _equal(pd: Any, one: Any, other: Any) -> bool:
    if one.dtype.kind == "O":
        import numpy as np

        # Values of any kind: only those that are the very same are called equal; comparing them could run user code.
        return bool(np.fromiter((a is b for a, b in zip(one, other, strict=True)), bool, len(one)).all())
    unequal = one != other
    if one.dtype.kind in "fcmM":
        unequal &= ~(pd.isna(one) & pd.isna(other))
    return not unequal.any()
