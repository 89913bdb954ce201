"""Canonical bytes of a chunk: one form for equal values, whatever library, slice or history they come from.

A column's array is first normalised (`normalise`), then cut into chunks (`chunking`) whose canonical buffers
(`canonical_chunk`) are hashed (`CanonicalChunk.id`) and stored; `assembly` builds the array back. The layout is the
contract of ``docs/format.md``. Compression belongs to `codecs`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.bits import expansion, list_offsets, mask, pack_bits, unpack_bits, valid_flags
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.objects import encode
from lineageflow_jupyter.model.types import LogicalType

Bytes = Any
"""A bytes-like object: bytes, memoryview or a contiguous numpy array."""

_NAN_FREE_MAX = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
_CANONICAL_NAN = {"float16": 0x7E00, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}
_MAX_LENGTH = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalChunk:
    """Canonical form of some rows.

    Parameters
    ----------
    rows : int
        Number of rows.
    header : bytes
        MessagePack of ``[type, nodes]``; a node is ``[length, nulls, [bytes of each buffer]]``, in pre-order.
    buffers : tuple of bytes-like
        All buffers of all nodes, in order.
    widths : tuple of int
        Bytes of one element of each buffer: what a shuffle should use.
    """

    rows: int
    header: bytes
    buffers: tuple[Bytes, ...]
    widths: tuple[int, ...]

    def id(self) -> ObjectId:
        """Id of the chunk: over the header's length (u32, little-endian), the header and the buffers."""
        return chunk_id(self.header, self.buffers)


def chunk_id(header: Bytes, buffers: Sequence[Bytes]) -> ObjectId:
    """Id of the chunk that has this header and these buffers."""
    return object_id(Kind.CHUNK, [struct.pack("<I", len(header)), header, *buffers])


def canonical_chunk(array: Any, kind: LogicalType) -> CanonicalChunk:
    """Canonical form of an array, usually a slice of a column.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values.
    kind : LogicalType
        ``logical_type(array.type)``, passed since the caller has it for the whole column.

    Raises
    ------
    UnsupportedData
        If one text, binary or list value is longer than 4 GiB.
    """
    writer = _Writer()
    writer.add(array, kind)
    header = encode([kind.encoded(), writer.nodes])
    return CanonicalChunk(len(array), header, tuple(writer.buffers), tuple(writer.widths))


class _Writer:
    """Collects nodes and buffers in pre-order."""

    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self.buffers: list[Bytes] = []
        self.widths: list[int] = []

    def add(self, array: Any, kind: LogicalType) -> None:
        nulls = array.null_count
        sizes: list[int] = []
        self.nodes.append([len(array), nulls, sizes])
        if kind.name == "null":
            return
        valid = valid_flags(array) if nulls else None
        if valid is not None:
            self._buffer(pack_bits(valid), 1, sizes)
        if kind.name == "bool":
            self._buffer(_bits(array, valid), 1, sizes)
        elif kind.width is not None:
            self._buffer(_fixed(array, kind, valid), min(kind.width, 16), sizes)
        elif kind.name in ("utf8", "binary"):
            lengths, text = _text(array, valid)
            self._buffer(lengths, 4, sizes)
            self._buffer(text, 1, sizes)
        elif kind.name == "list":
            lengths, values = _list(array, valid)
            self._buffer(lengths, 4, sizes)
            self.add(values, kind.child)
        elif kind.name == "fixed_list":
            self.add(_fixed_list(array, int(kind.params[0]), valid), kind.child)
        elif kind.name == "struct":
            for position, (_, field) in enumerate(kind.fields):
                child = array.field(position)
                self.add(child if valid is None else child.filter(mask(valid)), field)
        else:
            codes, dictionary = _dictionary(array, valid)
            self._buffer(codes, codes.dtype.itemsize, sizes)
            self.add(dictionary, kind.child)

    def _buffer(self, data: Bytes, width: int, sizes: list[int]) -> None:
        octets = data.view("u1") if isinstance(data, np.ndarray) else memoryview(data)
        sizes.append(octets.nbytes)
        self.buffers.append(octets)
        self.widths.append(width)


def _bits(array: Any, valid: np.ndarray[Any, Any] | None) -> Bytes:
    data, start, count = array.buffers()[1], array.offset, len(array)
    if data is None or count == 0:
        return b""
    if valid is None and start % 8 == 0 and count % 8 == 0:
        return memoryview(data)[start // 8 : (start + count) // 8]
    flags = unpack_bits(data, start, count)
    return pack_bits(flags if valid is None else flags & valid)


def _fixed(array: Any, kind: LogicalType, valid: np.ndarray[Any, Any] | None) -> Bytes:
    width, count = int(kind.width or 0), len(array)
    data = array.buffers()[1]
    if data is None or count == 0 or width == 0:
        return b""
    if width not in (1, 2, 4, 8):
        rows = np.frombuffer(data, "u1", count * width, array.offset * width).reshape(count, width)
        return (rows if valid is None else np.where(valid[:, None], rows, 0)).reshape(-1)
    values = np.frombuffer(data, f"<u{width}", count, array.offset * width)
    if valid is not None:
        values = np.where(valid, values, values.dtype.type(0))
    return _with_one_nan(values, kind.name) if kind.name in _NAN_FREE_MAX else values


def _with_one_nan(bits: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """The same floats with every NaN in its canonical bit pattern."""
    floats = bits.view(_NAN_FREE_MAX[name])
    with np.errstate(invalid="ignore"):
        if not np.isnan(floats.max()):  # one pass without a temporary: a NaN anywhere is the maximum
            return bits
    nan, canonical = np.isnan(floats), bits.dtype.type(_CANONICAL_NAN[name])
    if np.count_nonzero(bits == canonical) == np.count_nonzero(nan):
        return bits
    return np.where(nan, canonical, bits)


def _text(array: Any, valid: np.ndarray[Any, Any] | None) -> tuple[Bytes, Bytes]:
    count = len(array)
    if count == 0:
        return b"", b""
    _, offset_data, data = array.buffers()
    offsets = np.frombuffer(offset_data, "<i8", count + 1, array.offset * 8)
    lengths = _lengths(offsets, "text or binary")
    if valid is not None and (lengths[~valid] != 0).any():  # bytes under a null: drop them
        return _text(array.filter(mask(valid)).take(expansion(valid)), valid)
    return lengths, b"" if data is None else memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _lengths(offsets: np.ndarray[Any, Any], what: str) -> np.ndarray[Any, Any]:
    """Lengths between offsets as u32, in one pass where no value can be too long."""
    if int(offsets[-1] - offsets[0]) > _MAX_LENGTH and int(np.diff(offsets).max()) > _MAX_LENGTH:
        raise UnsupportedData(f"a {what} value is longer than 4 GiB", remedy="Split it, or keep a path to it instead")
    out = np.empty(len(offsets) - 1, "<u4")
    np.subtract(offsets[1:], offsets[:-1], out=out, casting="unsafe")
    return out


def _list(array: Any, valid: np.ndarray[Any, Any] | None) -> tuple[Bytes, Any]:
    offsets = list_offsets(array)
    lengths = _lengths(offsets, "list")
    if valid is not None and (lengths[~valid] != 0).any():  # values under a null: drop them
        kept = array.filter(mask(valid))
        lengths = np.zeros(len(array), "<u4")
        lengths[valid] = _lengths(list_offsets(kept), "list")
        return lengths, kept.flatten()
    return lengths, array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _fixed_list(array: Any, size: int, valid: np.ndarray[Any, Any] | None) -> Any:
    values = array.values.slice(array.offset * size, len(array) * size)
    return values if valid is None else values.filter(mask(np.repeat(valid, size)))


def _dictionary(array: Any, valid: np.ndarray[Any, Any] | None) -> tuple[np.ndarray[Any, Any], Any]:
    """Codes by first appearance in these rows (0 for null) and the values that appear, in that order."""
    codes = (
        np.frombuffer(array.buffers()[1] or b"", "<i4", len(array), array.offset * 4)
        if len(array)
        else np.empty(0, "i4")
    )
    present = codes if valid is None else codes[valid]
    count = len(array.dictionary)
    first = np.full(count, len(present), "i8")
    first[present[::-1]] = np.arange(len(present) - 1, -1, -1)  # the last write wins: the first appearance
    order = np.argsort(first, kind="stable")[: int((first < len(present)).sum())]
    renumber = np.zeros(max(count, 1), "i8")
    renumber[order] = np.arange(len(order))
    width = "u1" if len(order) <= 2**8 else "<u2" if len(order) <= 2**16 else "<u4"
    new = renumber[np.where(valid, codes, order[0] if len(order) else 0) if valid is not None else codes].astype(width)
    if valid is not None:
        new[~valid] = 0
    return new, array.dictionary.take(pa.array(order))
