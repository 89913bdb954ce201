"""Which rows of a column differ between two versions, by canonical value; which rows to compare, the caller says.

A cell is changed exactly when its canonical bytes are others: NaN equals NaN whatever its bits, null equals null and
differs from NaN, -0.0 differs from 0.0, and values of dictionaries are compared, not their codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.frames.bits import list_offsets, mask, unpack_bits, valid_flags
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.types import LogicalType

Flags = np.ndarray[Any, Any]
"""One bool a row."""

_FLOATS = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}


def changed_count(old: Any, new: Any) -> int:
    """Count the rows whose values differ.

    Parameters
    ----------
    old, new : pyarrow.Array or pyarrow.ChunkedArray
        Two versions of the same rows: of one logical type and one length.

    Examples
    --------
    >>> changed_count(pa.array([1.0, float("nan"), None]), pa.array([1.5, float("nan"), 0.0]))
    2
    """
    return int(np.count_nonzero(changed_rows(old, new)))


def changed_rows(old: Any, new: Any) -> Flags:
    """Return one flag a row: True where the values differ.

    Parameters
    ----------
    old, new : pyarrow.Array or pyarrow.ChunkedArray
        Two versions of the same rows: of one logical type and one length.
    """
    before, after = normalise(old), normalise(new)
    if before.type != after.type or len(before) != len(after):
        raise ValueError(f"{len(before)} rows of {before.type} and {len(after)} rows of {after.type} do not compare")
    return _differing(before, after, logical_type(before.type))


def _differing(old: Any, new: Any, kind: LogicalType) -> Flags:
    held, holds = valid_flags(old), valid_flags(new)
    both = held & holds
    if both.all():
        return _other_values(old, new, kind)
    flags: Flags = held != holds
    flags[both] = _other_values(old.filter(mask(both)), new.filter(mask(both)), kind)
    return flags


def _other_values(old: Any, new: Any, kind: LogicalType) -> Flags:
    """Flags of arrays without nulls, but for those inside their values."""
    rows = len(old)
    if rows == 0 or kind.name == "null":
        return np.zeros(rows, bool)
    if kind.name == "bool":
        one, other = (unpack_bits(array.buffers()[1], array.offset, rows) for array in (old, new))
        return np.asarray(one != other)
    if kind.width is not None:
        one, other = _bits(old, kind), _bits(new, kind)
        return np.asarray((one != other).any(axis=1) if one.ndim == 2 else one != other)
    if kind.name in ("utf8", "binary"):
        return np.asarray(pc.not_equal(old, new).to_numpy(zero_copy_only=False))
    if kind.name == "struct":
        flags = np.zeros(rows, bool)
        for position, (_, field) in enumerate(kind.fields):
            flags |= _differing(old.field(position), new.field(position), field)
        return flags
    if kind.name == "fixed_list":
        size = int(kind.params[0])
        one, other = (array.values.slice(array.offset * size, rows * size) for array in (old, new))
        return np.asarray(_differing(one, other, kind.child).reshape(rows, size).any(axis=1))
    return _other_lists(old, new, kind) if kind.name == "list" else _other_categories(old, new, kind)


def _bits(array: Any, kind: LogicalType) -> np.ndarray[Any, Any]:
    """Values of a fixed width as unsigned integers, or as a row of bytes each; every NaN alike."""
    width, rows, data = int(kind.width or 0), len(array), array.buffers()[1]
    if width not in (1, 2, 4, 8):
        return np.frombuffer(data or b"", "u1", rows * width, array.offset * width).reshape(rows, width)
    values = np.frombuffer(data, f"<u{width}", rows, array.offset * width)
    if kind.name not in _FLOATS:
        return values
    nan = np.isnan(values.view(_FLOATS[kind.name]))
    return np.where(nan, np.array(np.nan, _FLOATS[kind.name]).view(values.dtype), values) if nan.any() else values


def _other_lists(old: Any, new: Any, kind: LogicalType) -> Flags:
    flags: Flags = np.diff(list_offsets(old)) != np.diff(list_offsets(new))
    if flags.any():
        alike = mask(~flags)
        flags[~flags] = _other_lists(old.filter(alike), new.filter(alike), kind)
        return flags
    offsets, others = list_offsets(old), list_offsets(new)
    total = int(offsets[-1] - offsets[0])
    items = _differing(old.values.slice(int(offsets[0]), total), new.values.slice(int(others[0]), total), kind.child)
    counts = np.concatenate([np.zeros(1, "i8"), np.cumsum(items)])[offsets - offsets[0]]
    return np.asarray(np.diff(counts) > 0)


def _other_categories(old: Any, new: Any, kind: LogicalType) -> Flags:
    if kind.child.name in ("list", "fixed_list", "struct", "dictionary"):  # categories that no look-up table takes
        one, other = (array.dictionary.take(array.indices) for array in (old, new))
        return _differing(one, other, kind.child)
    known = _comparable(old.dictionary, kind.child)
    numbers = []
    for array in (old, new):
        codes = np.frombuffer(array.buffers()[1], "<i4", len(array), array.offset * 4)
        found = pc.index_in(_comparable(array.dictionary, kind.child), value_set=known)
        numbers.append(found.fill_null(-1).to_numpy()[codes])
    return np.asarray(numbers[0] != numbers[1])


def _comparable(values: Any, kind: LogicalType) -> Any:
    """Categories in a form whose equality is that of canonical values."""
    if kind.width is None:
        return values
    bits = _bits(values, kind)
    if bits.ndim == 1:
        return pa.array(bits)
    return pa.Array.from_buffers(pa.binary(bits.shape[1]), len(values), [None, pa.py_buffer(bits.tobytes())])


def beyond_tolerance(old: Any, new: Any, *, rtol: float, atol: float) -> Flags:
    """Return one flag a row: True where floats differ by more than ``atol + rtol * |old|``.

    Parameters
    ----------
    old, new : pyarrow.Array or pyarrow.ChunkedArray
        Two versions of the same rows, of one type of floats. Null and NaN equal themselves alone.
    rtol, atol : float
        The tolerance.
    """
    before, after = normalise(old), normalise(new)
    flags: Flags = valid_flags(before) != valid_flags(after)
    if not len(flags):
        return flags
    kind = logical_type(before.type)
    both = valid_flags(before) & valid_flags(after)
    one, other = (_bits(array, kind).view(_FLOATS[kind.name]).astype("f8")[both] for array in (before, after))
    with np.errstate(invalid="ignore", over="ignore"):
        near = (one == other) | (np.abs(one - other) <= atol + rtol * np.abs(one)) & np.isfinite(one)
    flags[both] = ~(near | (np.isnan(one) & np.isnan(other)))
    return flags
