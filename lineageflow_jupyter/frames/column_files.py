"""A column's array as one flat run of bytes that can be mapped, and back without a copy.

::

    [0, 8)   bytes of the description, little-endian
    [8, …)   description: [type, [[length, nulls, sizes]…]], the array's nodes in preorder, encoded as manifests are
    then     the nodes' buffers in order, each beginning at a multiple of 64 bytes: validity where there are nulls,
             offsets (8 bytes each), values

A dictionary is a node of codes followed by its values. The layout is that of what `assembly.assemble` returns; it
serves a cache, may change with any version, and never names anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.frames.bits import memory
from lineageflow_jupyter.frames.storage_types import arrow_type
from lineageflow_jupyter.model.objects import decode, encode
from lineageflow_jupyter.model.types import LogicalType

ALIGNMENT = 64
_CODES = 4
_NO_ROWS = 8
"""Bytes of the offsets of no rows: Arrow may leave that buffer out."""


def flatten(kind: LogicalType, array: Any) -> list[Any]:
    """Parts of the flat form, without a copy of what is large.

    Parameters
    ----------
    kind : LogicalType
        The column's type.
    array : pyarrow.Array
        As `assembly.assemble` returned it.
    """
    nodes: list[Any] = []
    buffers: list[Any] = []
    _flatten(kind, array, nodes, buffers)
    description = encode([kind.encoded(), nodes])
    parts: list[Any] = []
    for part in (len(description).to_bytes(8, "little") + description, *buffers):
        parts += [part, bytes(-memoryview(part).nbytes % ALIGNMENT)]
    return parts


def _flatten(kind: LogicalType, array: Any, nodes: list[Any], buffers: list[Any]) -> None:
    if array.offset:
        raise ValueError("a column that begins within its memory")
    own = array.indices if kind.name == "dictionary" else array
    nulls = 0 if kind.name == "null" else own.null_count
    found = [_cut(data, size) for data, size in zip(own.buffers(), _sizes(kind, own, nulls), strict=False)]
    nodes.append([len(array), nulls, [memoryview(data).nbytes for data in found]])
    buffers += found
    for (_, below), child in zip(kind.fields, _children(kind, array), strict=True):
        _flatten(below, child, nodes, buffers)


def _sizes(kind: LogicalType, array: Any, nulls: int) -> list[int]:
    """Bytes that each of a node's buffers needs: they may be longer."""
    rows = len(array)
    valid = (rows + 7) // 8 if nulls else 0
    if kind.name == "null":
        return []
    if kind.name == "bool":
        return [valid, (rows + 7) // 8]
    if kind.name in ("utf8", "binary"):
        return [valid, 8 * (rows + 1), int(_offsets(array.buffers()[1], rows)[-1])]
    if kind.name == "list":
        return [valid, 8 * (rows + 1)]
    if kind.name in ("fixed_list", "struct"):
        return [valid]
    return [valid, rows * (_CODES if kind.name == "dictionary" else _width(kind))]


def _offsets(data: Any, rows: int) -> np.ndarray[Any, Any]:
    """Offsets of all rows; an array without rows may have none."""
    return np.zeros(1, "<i8") if not rows else np.frombuffer(data, "<i8", rows + 1)


def _cut(data: Any, size: int) -> Any:
    if not size:
        return b""
    if data is None or data.size < size:
        if size > _NO_ROWS:
            raise ValueError("a buffer that ends before its rows")
        return bytes(size)
    return data.slice(0, size)


def _children(kind: LogicalType, array: Any) -> list[Any]:
    if kind.name == "struct":
        return [array.field(number) for number in range(len(kind.fields))]
    if kind.name == "dictionary":
        return [array.dictionary]
    return [array.values] if kind.fields else []


def _width(kind: LogicalType) -> int:
    if kind.width is None:
        raise ValueError(f"the type {kind} has no width")
    return kind.width


def restore(kind: LogicalType, rows: int, content: np.ndarray[Any, Any]) -> Any:
    """Inverse of `flatten`.

    Parameters
    ----------
    kind : LogicalType
        The column's type.
    rows : int
        The column's rows.
    content : numpy.ndarray of uint8
        The flat form. The array lies on this very memory and keeps it alive.

    Returns
    -------
    pyarrow.Array
        As `assembly.assemble` would return it.

    Raises
    ------
    CorruptData
        If the content is not the flat form of such a column.
    """
    try:
        size = int.from_bytes(content[:8].tobytes(), "little")
        encoded, nodes = decode(content[8 : 8 + size].data)
        if encoded != kind.encoded() or not nodes or nodes[0][0] != rows:
            raise ValueError(f"{encoded} where {kind} of {rows} rows was expected")
        parts = _Parts(iter(nodes), content, 8 + size)
        array = _restored(kind, parts)
        parts.end()
    except (ValueError, TypeError, IndexError, StopIteration, OverflowError, pa.ArrowInvalid) as error:
        raise CorruptData(f"a cached column has an unexpected shape ({error})", remedy="Read it again") from error
    return array


class _Parts:
    """Nodes and buffers one after the other."""

    def __init__(self, nodes: Iterator[Any], content: np.ndarray[Any, Any], at: int) -> None:
        self._nodes, self._content, self._at = nodes, content, at

    def node(self) -> tuple[int, int, list[np.ndarray[Any, Any]]]:
        """Length, nulls and buffers of the next node."""
        length, nulls, sizes = next(self._nodes)
        return length, nulls, [self._buffer(size) for size in sizes]

    def _buffer(self, size: int) -> np.ndarray[Any, Any]:
        start = self._at + -self._at % ALIGNMENT
        self._at = start + size
        if size < 0 or self._at > len(self._content):
            raise ValueError("a buffer that goes beyond the end")
        return self._content[start : self._at]

    def end(self) -> None:
        """Refuse what comes after the last node."""
        if next(self._nodes, None) is not None or self._at + -self._at % ALIGNMENT != len(self._content):
            raise ValueError("more than the type has")


def _restored(kind: LogicalType, parts: _Parts) -> Any:
    length, nulls, found = parts.node()
    if kind.name == "null":
        return pa.nulls(length)
    validity, data = found[0], found[1:]
    _expect([validity], [(length + 7) // 8 if nulls else 0])
    buffers = [memory(validity) if nulls else None, *map(memory, data)]
    target = arrow_type(kind)
    if kind.name in ("utf8", "binary"):
        _expect(data, [8 * (length + 1), int(data[0].view("<i8")[-1])])
        return pa.Array.from_buffers(target, length, buffers, nulls)
    if kind.name == "bool" or kind.width is not None:
        _expect(data, [(length + 7) // 8 if kind.name == "bool" else length * _width(kind)])
        return pa.Array.from_buffers(target, length, buffers, nulls)
    if kind.name == "dictionary":
        _expect(data, [_CODES * length])
        codes = pa.Array.from_buffers(pa.int32(), length, buffers, nulls)
        return pa.DictionaryArray.from_arrays(codes, _restored(kind.child, parts), safe=False)
    children = [_restored(below, parts) for _, below in kind.fields]
    if kind.name == "list":
        _expect(data, [8 * (length + 1)])
        _expect(children, [int(data[0].view("<i8")[-1])])
    else:
        _expect(data, [])
        slots = length * int(kind.params[0]) if kind.name == "fixed_list" else length
        _expect(children, [slots] * len(children))
    return pa.Array.from_buffers(target, length, buffers, nulls, children=children)


def _expect(found: Sequence[Any], sizes: Sequence[int]) -> None:
    if [len(part) for part in found] != list(sizes):
        raise ValueError(f"parts of {[len(part) for part in found]} where {list(sizes)} were expected")
