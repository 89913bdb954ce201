"""Bitmaps, offsets and positions of Arrow arrays as numpy arrays: what normalising, writing and reading share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa


def pack_bits(flags: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Bitmap of flags: least significant bit first, unused bits 0."""
    return np.packbits(flags, bitorder="little")


def unpack_bits(data: Any, start: int, count: int) -> np.ndarray[Any, Any]:
    """Flags of the bits ``[start, start + count)`` of a bitmap."""
    first, last = start // 8, (start + count + 7) // 8
    bits = np.unpackbits(np.frombuffer(data, "u1", last - first, first), bitorder="little")
    return bits[start - 8 * first : start - 8 * first + count].view(bool)


def memory(array: Any) -> Any:
    """Arrow's view of an array's memory; writable if the array is."""
    return pa.py_buffer(array)


def valid_flags(array: Any) -> np.ndarray[Any, Any]:
    """One flag a row: True where the row is not null."""
    data = array.buffers()[0]
    if data is None:
        return np.ones(len(array), bool)
    return unpack_bits(data, array.offset, len(array))


def mask(flags: np.ndarray[Any, Any]) -> Any:
    """Arrow's form of flags, for filters."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, memory(pack_bits(flags))])


def expansion(valid: np.ndarray[Any, Any]) -> Any:
    """Row of each slot among the valid rows; null where the slot is null."""
    return pa.array(np.cumsum(valid) - 1, pa.int64(), mask=~valid)


def list_offsets(array: Any, width: int = 8) -> np.ndarray[Any, Any]:
    """Offsets of a list array, read from its buffer: Arrow's own accessor fails on some arrays without rows."""
    if len(array) == 0:
        return np.zeros(1, "<i8")
    return np.frombuffer(array.buffers()[1], f"<i{width}", len(array) + 1, array.offset * width)
