"""Canonical bytes of a chunk: one form for equal values, whatever library, slice or history they come from.

A column's array is first *normalised* to one of a few Arrow types (`normalise`), then cut into chunks whose canonical
buffers (`canonical_chunk`) are hashed (`CanonicalChunk.id`) and stored; `assemble` builds the array back. The layout
is the contract of ``docs/format.md``. Where chunks end is decided in `chunking`; compression belongs to `codecs`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.errors import CorruptData, NotAvailable, UnsupportedData
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.objects import decode, encode
from lineageflow_jupyter.model.types import LogicalType

Bytes = Any
"""A bytes-like object: bytes, memoryview or a contiguous numpy array."""

_PARAMETER_FREE: dict[str, Any] = {
    "null": pa.null(), "bool": pa.bool_(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "date32": pa.date32(), "date64": pa.date64(),
    "month_day_nano_interval": pa.month_day_nano_interval(),
    "utf8": pa.large_string(), "binary": pa.large_binary(),
}  # fmt: skip
_NAMES = {kind: name for name, kind in _PARAMETER_FREE.items()}
_DECIMALS: dict[str, tuple[Any, int]] = {
    name: (getattr(pa, name), digits)
    for name, digits in {"decimal32": 9, "decimal64": 18, "decimal128": 38, "decimal256": 76}.items()
    if hasattr(pa, name)  # the narrow ones came with pyarrow 18
}
_TEMPORAL: dict[str, Any] = {
    "time32": pa.time32,
    "time64": pa.time64,
    "timestamp": pa.timestamp,
    "duration": pa.duration,
}
_NAN_FREE_MAX = {"float16": np.float16, "float32": np.float32, "float64": np.float64}
_CANONICAL_NAN = {"float16": 0x7E00, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}
_MAX_LENGTH = 2**32 - 1


# --- types -----------------------------------------------------------------------------------------------------------


def storage_type(kind: Any) -> Any:
    """Arrow type to which values of `kind` are normalised.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any Arrow type.

    Returns
    -------
    pyarrow.DataType
        Itself, or the one type that stands for all layouts of the same values.

    Raises
    ------
    UnsupportedData
        For unions, run-end-encoded and extension types.
    """
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or kind == pa.string_view():
        return pa.large_string()
    if types.is_fixed_size_binary(kind):
        return kind
    if types.is_binary(kind) or types.is_large_binary(kind) or kind == pa.binary_view():
        return pa.large_binary()
    if types.is_timestamp(kind):
        return pa.timestamp(kind.unit)
    if types.is_decimal(kind):
        return _decimal(f"decimal{kind.bit_width}", kind.scale)
    if types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), storage_type(kind.value_type))
    if types.is_map(kind):
        entry = pa.struct([_field("key", kind.key_type), _field("value", kind.item_type)])
        return pa.large_list(_field("item", entry))
    if types.is_fixed_size_list(kind):
        return pa.list_(_field("item", kind.value_type), kind.list_size)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        return pa.large_list(_field("item", kind.value_type))
    if types.is_struct(kind):
        return pa.struct([_field(kind.field(i).name, kind.field(i).type) for i in range(kind.num_fields)])
    if kind in _NAMES or types.is_time(kind) or types.is_duration(kind):
        return kind
    raise UnsupportedData(
        f"Arrow type {kind} cannot be stored", remedy="Cast it to a primitive, text, list or struct type first"
    )


def _decimal(name: str, scale: int) -> Any:
    """Decimals of the greatest precision that the width holds: precision itself belongs to the frame description."""
    if name not in _DECIMALS:
        raise NotAvailable(f"{name} columns need pyarrow 18 or later", remedy="Update pyarrow (pip install -U pyarrow)")
    make: Any
    make, precision = _DECIMALS[name]
    return make(precision, scale)


def _field(name: str, kind: Any) -> Any:
    return pa.field(name, storage_type(kind))


def logical_type(kind: Any) -> LogicalType:
    """Logical type of a normalised Arrow type."""
    types = pa.types
    if kind in _NAMES:
        return LogicalType(_NAMES[kind])
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_duration(kind):
        name = next(name for name in _TEMPORAL if str(kind).startswith(name))
        return LogicalType(name, (kind.unit,))
    if types.is_decimal(kind):
        return LogicalType(f"decimal{kind.bit_width}", (kind.scale,))
    if types.is_fixed_size_binary(kind):
        return LogicalType("fixed_binary", (kind.byte_width,))
    if types.is_dictionary(kind):
        return LogicalType("dictionary", (), (("", logical_type(kind.value_type)),))
    if types.is_fixed_size_list(kind):
        return LogicalType("fixed_list", (kind.list_size,), (("", logical_type(kind.value_type)),))
    if types.is_large_list(kind):
        return LogicalType("list", (), (("", logical_type(kind.value_type)),))
    if types.is_struct(kind):
        fields = (kind.field(i) for i in range(kind.num_fields))
        return LogicalType("struct", (), tuple((field.name, logical_type(field.type)) for field in fields))
    raise UnsupportedData(f"Arrow type {kind} is not normalised", remedy="Normalise the array first")


def arrow_type(kind: LogicalType) -> Any:
    """Normalised Arrow type of a logical type."""
    if kind.name in _PARAMETER_FREE:
        return _PARAMETER_FREE[kind.name]
    if kind.name in _TEMPORAL:
        return _TEMPORAL[kind.name](kind.params[0])
    if kind.name.startswith("decimal"):
        return _decimal(kind.name, int(kind.params[0]))
    if kind.name == "fixed_binary":
        return pa.binary(int(kind.params[0]))
    if kind.name == "dictionary":
        return pa.dictionary(pa.int32(), arrow_type(kind.child))
    if kind.name == "fixed_list":
        return pa.list_(pa.field("item", arrow_type(kind.child)), int(kind.params[0]))
    if kind.name == "list":
        return pa.large_list(pa.field("item", arrow_type(kind.child)))
    if kind.name == "struct":
        return pa.struct([pa.field(name, arrow_type(field)) for name, field in kind.fields])
    raise CorruptData(f"a column has the unknown type {kind}", remedy="Run fsck to see what is damaged")


# --- normalised arrays -----------------------------------------------------------------------------------------------


def normalise(array: Any) -> Any:
    """Array in the one layout that stands for its values.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
        Values of any supported type.

    Returns
    -------
    pyarrow.Array
        One contiguous array of a type that `storage_type` returns; without a copy where the layout fits already.
        Dictionaries hold no null and no value twice.
    """
    if isinstance(array, pa.ChunkedArray):
        array = _combined(array)
    kind = array.type
    target = storage_type(kind)
    if pa.types.is_dictionary(kind):
        return _normalised_dictionary(array, target)
    if kind == target and not pa.types.is_nested(kind):
        return array
    if pa.types.is_timestamp(kind) or pa.types.is_decimal(kind):
        return _relabelled(array, target)
    if pa.types.is_struct(kind):
        children = [normalise(array.field(i)) for i in range(kind.num_fields)]
        return pa.Array.from_buffers(target, len(array), [_validity(array)], children=children)
    if pa.types.is_fixed_size_list(kind):
        values = array.values.slice(array.offset * kind.list_size, len(array) * kind.list_size)
        return pa.Array.from_buffers(target, len(array), [_validity(array)], children=[normalise(values)])
    if pa.types.is_nested(kind):
        return _normalised_list(array, target)
    return array.cast(target)


def _combined(array: Any) -> Any:
    if array.num_chunks == 1:
        return array.chunk(0)
    if pa.types.is_dictionary(array.type):
        array = array.unify_dictionaries()
    combined = array.cast(pa.large_string()) if pa.types.is_string(array.type) else array
    combined = combined.combine_chunks()
    return _combined(combined) if isinstance(combined, pa.ChunkedArray) else combined


def _relabelled(array: Any, target: Any) -> Any:
    """The same bytes under another time zone or precision."""
    validity, values = array.buffers()
    return pa.Array.from_buffers(target, len(array), [validity, values], offset=array.offset)


def _validity(array: Any) -> Any:
    """Validity bitmap of the array with offset 0, or None."""
    if array.null_count == 0:
        return None
    return _memory(_pack_bits(_valid(array)))


def _normalised_dictionary(array: Any, target: Any) -> Any:
    values = normalise(array.dictionary)
    indices = array.indices
    clean = values.null_count == 0 and len(values) == _distinct(values)
    if not clean:
        codes, values = _merged_dictionary(values)
        indices = codes.take(indices)
    indices = indices if indices.type == pa.int32() else indices.cast(pa.int32())
    if array.type == target and clean and values is array.dictionary:
        return array
    return pa.DictionaryArray.from_arrays(indices, values)


def _distinct(values: Any) -> int:
    if pa.types.is_nested(values.type):
        return len({encode(_plain(value)) for value in values.to_pylist()})
    return int(pc.count_distinct(values, mode="all").as_py())


def _plain(value: Any) -> Any:
    """Nested lists of a nested value, for comparison only."""
    if isinstance(value, dict):
        return [[name, _plain(item)] for name, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str | bytes) else repr(value)


def _merged_dictionary(values: Any) -> tuple[Any, Any]:
    """Index of each value's first equal (null for null), and the values without repeats and nulls."""
    seen: dict[bytes, int] = {}
    codes: list[int | None] = []
    firsts: list[int] = []
    for position, value in enumerate(values.to_pylist()):
        if value is None:
            codes.append(None)
            continue
        key = encode(_plain(value))
        if key not in seen:
            seen[key] = len(firsts)
            firsts.append(position)
        codes.append(seen[key])
    return pa.array(codes, pa.int32()), values.take(pa.array(firsts, pa.int64()))


def _normalised_list(array: Any, target: Any) -> Any:
    """Any variable-length list or map as a large_list whose offsets start at 0."""
    kind = array.type
    if pa.types.is_map(kind):
        entries = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
        array = pa.Array.from_buffers(
            pa.list_(entries.type), len(array), array.buffers()[:2], offset=array.offset, children=[entries]
        )
    elif pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy()  # a cast gives invalid arrays for null slots
        offsets = np.concatenate([np.zeros(1, "<i8"), np.cumsum(lengths, dtype="<i8")])
        buffers = [_validity(array), _memory(offsets)]
        return pa.Array.from_buffers(target, len(array), buffers, children=[normalise(array.flatten())])
    offsets = _list_offsets(array, 4 if pa.types.is_list(array.type) else 8).astype("<i8")
    values = array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    buffers = [_validity(array), _memory(offsets - offsets[0])]
    return pa.Array.from_buffers(target, len(array), buffers, children=[normalise(values)])


# --- canonical buffers -----------------------------------------------------------------------------------------------


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
        valid = _valid(array) if nulls else None
        if valid is not None:
            self._buffer(_pack_bits(valid), 1, sizes)
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
                self.add(child if valid is None else child.filter(_mask(valid)), field)
        else:
            codes, dictionary = _dictionary(array, valid)
            self._buffer(codes, codes.dtype.itemsize, sizes)
            self.add(dictionary, kind.child)

    def _buffer(self, data: Bytes, width: int, sizes: list[int]) -> None:
        octets = data.view("u1") if isinstance(data, np.ndarray) else memoryview(data)
        sizes.append(octets.nbytes)
        self.buffers.append(octets)
        self.widths.append(width)


def _pack_bits(flags: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.packbits(flags, bitorder="little")


def _unpack_bits(data: Any, start: int, count: int) -> np.ndarray[Any, Any]:
    first, last = start // 8, (start + count + 7) // 8
    bits = np.unpackbits(np.frombuffer(data, "u1", last - first, first), bitorder="little")
    return bits[start - 8 * first : start - 8 * first + count].view(bool)


def _memory(array: Any) -> Any:
    """Arrow's view of an array's memory; writable if the array is."""
    return pa.py_buffer(array)


def _valid(array: Any) -> np.ndarray[Any, Any]:
    """One flag a row: True where the row is not null."""
    data = array.buffers()[0]
    if data is None:
        return np.ones(len(array), bool)
    return _unpack_bits(data, array.offset, len(array))


def _mask(flags: np.ndarray[Any, Any]) -> Any:
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, _memory(_pack_bits(flags))])


def _bits(array: Any, valid: np.ndarray[Any, Any] | None) -> Bytes:
    data, start, count = array.buffers()[1], array.offset, len(array)
    if data is None or count == 0:
        return b""
    if valid is None and start % 8 == 0 and count % 8 == 0:
        return memoryview(data)[start // 8 : (start + count) // 8]
    flags = _unpack_bits(data, start, count)
    return _pack_bits(flags if valid is None else flags & valid)


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
        return _text(array.filter(_mask(valid)).take(_expansion(valid)), valid)
    return lengths, b"" if data is None else memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _expansion(valid: np.ndarray[Any, Any]) -> Any:
    """Row of each slot among the valid rows; null where the slot is null."""
    return pa.array(np.cumsum(valid) - 1, pa.int64(), mask=~valid)


def _lengths(offsets: np.ndarray[Any, Any], what: str) -> np.ndarray[Any, Any]:
    """Lengths between offsets as u32, in one pass where no value can be too long."""
    if int(offsets[-1] - offsets[0]) > _MAX_LENGTH and int(np.diff(offsets).max()) > _MAX_LENGTH:
        raise UnsupportedData(f"a {what} value is longer than 4 GiB", remedy="Split it, or keep a path to it instead")
    out = np.empty(len(offsets) - 1, "<u4")
    np.subtract(offsets[1:], offsets[:-1], out=out, casting="unsafe")
    return out


def _list_offsets(array: Any, width: int = 8) -> np.ndarray[Any, Any]:
    """Offsets of a list array, read from its buffer: Arrow's own accessor fails on some arrays without rows."""
    if len(array) == 0:
        return np.zeros(1, "<i8")
    return np.frombuffer(array.buffers()[1], f"<i{width}", len(array) + 1, array.offset * width)


def _list(array: Any, valid: np.ndarray[Any, Any] | None) -> tuple[Bytes, Any]:
    offsets = _list_offsets(array)
    lengths = _lengths(offsets, "list")
    if valid is not None and (lengths[~valid] != 0).any():  # values under a null: drop them
        kept = array.filter(_mask(valid))
        lengths = np.zeros(len(array), "<u4")
        lengths[valid] = _lengths(_list_offsets(kept), "list")
        return lengths, kept.flatten()
    return lengths, array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _fixed_list(array: Any, size: int, valid: np.ndarray[Any, Any] | None) -> Any:
    values = array.values.slice(array.offset * size, len(array) * size)
    return values if valid is None else values.filter(_mask(np.repeat(valid, size)))


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


# --- and back --------------------------------------------------------------------------------------------------------


class StoredBuffers(Protocol):
    """A stored chunk as `codecs.parse_value` returns it."""

    @property
    def header(self) -> Bytes:
        """Canonical header."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each buffer."""

    def read(self, index: int) -> np.ndarray[Any, Any]:
        """One buffer as bytes."""

    def read_into(self, index: int, out: Any) -> None:
        """Decode one buffer into writable memory of exactly its size."""


def stored_id(stored: StoredBuffers) -> ObjectId:
    """Id of a stored chunk, computed from its content."""
    return chunk_id(stored.header, [stored.read(index) for index in range(len(stored.sizes))])


def assemble(kind: LogicalType, chunks: Sequence[StoredBuffers]) -> Any:
    """One array from stored chunks, decoded into memory that nobody else uses.

    Parameters
    ----------
    kind : LogicalType
        The column's type.
    chunks : sequence of StoredBuffers
        In row order.

    Returns
    -------
    pyarrow.Array
        Normalised; the memory below is writable.

    Raises
    ------
    CorruptData
        If a chunk does not hold what its header or the column's type says.
    """
    try:
        return _assemble(kind, [iter(_parts(chunk, kind)) for chunk in chunks])
    except (StopIteration, ValueError, TypeError, IndexError, pa.ArrowInvalid) as error:
        raise CorruptData(
            f"a chunk has an unexpected shape ({error})", remedy="Run fsck to see what is damaged"
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A node of one chunk."""

    length: int
    nulls: int
    chunk: StoredBuffers
    first: int
    sizes: list[int]

    def data(self, index: int) -> int:
        """Number of the node's buffer `index`, validity not counted."""
        return self.first + index + (1 if self.nulls else 0)


def _parts(chunk: StoredBuffers, kind: LogicalType) -> Iterator[_Part]:
    encoded, nodes = decode(chunk.header)
    if encoded != kind.encoded():
        raise ValueError(f"type {encoded} where {kind} was expected")
    first = 0
    for length, nulls, sizes in nodes:
        yield _Part(length, nulls if sizes else 0, chunk, first, sizes)
        first += len(sizes)


def _assemble(kind: LogicalType, chunks: list[Iterator[_Part]]) -> Any:
    parts = [next(chunk) for chunk in chunks]
    total = sum(part.length for part in parts)
    if kind.name == "null":
        return pa.nulls(total)
    valid = _assembled_validity(parts, total)
    validity = None if valid is None else _memory(_pack_bits(valid))
    nulls = 0 if valid is None else sum(part.nulls for part in parts)
    target = arrow_type(kind)
    if kind.name == "bool":
        flags = _filled(parts, total, "u1", lambda part: _unpack_bits(part.chunk.read(part.data(0)), 0, part.length))
        return pa.Array.from_buffers(target, total, [validity, _memory(_pack_bits(flags))], nulls)
    if kind.width is not None:
        values = _decoded(parts, total, kind.width)
        return pa.Array.from_buffers(target, total, [validity, _memory(values)], nulls)
    if kind.name in ("utf8", "binary"):
        offsets = _offsets(parts, total)
        text = np.empty(int(offsets[-1]), "u1")
        _decode_into(parts, 1, text)
        return pa.Array.from_buffers(target, total, [validity, _memory(offsets), _memory(text)], nulls)
    if kind.name == "list":
        offsets = _offsets(parts, total)
        child = _assemble(kind.child, chunks)
        _expect(len(child), int(offsets[-1]))
        return pa.Array.from_buffers(target, total, [validity, _memory(offsets)], nulls, children=[child])
    if kind.name == "fixed_list":
        size = int(kind.params[0])
        child = _assemble(kind.child, chunks)
        _expect(len(child), (total - nulls) * size)
        if valid is not None:
            slots = np.repeat(valid, size)
            child = child.take(_expansion(slots))
        return pa.Array.from_buffers(target, total, [validity], nulls, children=[child])
    if kind.name == "struct":
        children = [_assemble(field, chunks) for _, field in kind.fields]
        for child in children:
            _expect(len(child), total - nulls)
        if valid is not None:
            children = [child.take(_expansion(valid)) for child in children]
        return pa.Array.from_buffers(target, total, [validity], nulls, children=children)
    return _assembled_dictionary(kind, parts, chunks, valid)


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(f"{expected} values were expected, {found} found")


def _assembled_validity(parts: Sequence[_Part], total: int) -> np.ndarray[Any, Any] | None:
    if not any(part.nulls for part in parts):
        return None
    valid = np.ones(total, bool)
    start = 0
    for part in parts:
        if part.nulls:
            flags = _unpack_bits(part.chunk.read(part.first), 0, part.length)
            _expect(part.length - int(flags.sum()), part.nulls)
            valid[start : start + part.length] = flags
        start += part.length
    return valid


def _filled(
    parts: Sequence[_Part], total: int, dtype: str, values: Callable[[_Part], np.ndarray[Any, Any]]
) -> np.ndarray[Any, Any]:
    out = np.empty(total, dtype)
    start = 0
    for part in parts:
        if part.length:
            out[start : start + part.length] = values(part)
        start += part.length
    return out


def _decoded(parts: Sequence[_Part], total: int, width: int) -> np.ndarray[Any, Any]:
    """Fixed-width values of all parts, decoded in place."""
    out = np.empty(total * width, "u1")
    for part in parts:
        _expect(part.chunk.sizes[part.data(0)], part.length * width)
    _decode_into(parts, 0, out)
    return out


def _decode_into(parts: Sequence[_Part], index: int, out: np.ndarray[Any, Any]) -> None:
    start = 0
    for part in parts:
        size = part.chunk.sizes[part.data(index)]
        if start + size > len(out):
            raise ValueError("more bytes than the lengths allow")
        if size:
            part.chunk.read_into(part.data(index), out[start : start + size])
        start += size
    _expect(start, len(out))


def _offsets(parts: Sequence[_Part], total: int) -> np.ndarray[Any, Any]:
    """Offsets of all rows: each chunk's lengths are widened in place, which is quicker than a sum over two types."""
    offsets = np.zeros(total + 1, "<i8")
    start = 1
    for part in parts:
        if part.length:
            offsets[start : start + part.length] = part.chunk.read(part.data(0)).view("<u4")
        start += part.length
    np.add.accumulate(offsets, out=offsets)
    return offsets


def _assembled_dictionary(
    kind: LogicalType, parts: Sequence[_Part], chunks: list[Iterator[_Part]], valid: np.ndarray[Any, Any] | None
) -> Any:
    """Codes of all parts against one dictionary: the values in order of their first appearance."""
    own = [_assemble(kind.child, [chunk]) for chunk in chunks]
    values = pa.concat_arrays(own) if own else pa.array([], arrow_type(kind.child))
    by_value = pa.types.is_nested(values.type) or pa.types.is_floating(values.type)  # -0.0 and 0.0 stay apart
    mapping, merged = _merged_dictionary(values) if by_value else _encoded(values)
    renumber = mapping.to_numpy(zero_copy_only=False).astype("<i4")
    codes = np.zeros(sum(part.length for part in parts), "<i4")
    start = base = 0
    for part, dictionary in zip(parts, own, strict=True):
        if part.length and len(dictionary):
            stored = part.chunk.read(part.data(0))
            width = len(stored) // part.length
            codes[start : start + part.length] = renumber[base + stored.view(f"<u{width}").astype("i8")]
        start += part.length
        base += len(dictionary)
    validity = None if valid is None else _memory(_pack_bits(valid))
    indices = pa.Array.from_buffers(pa.int32(), len(codes), [validity, _memory(codes)])
    return pa.DictionaryArray.from_arrays(indices, merged)


def _encoded(values: Any) -> tuple[Any, Any]:
    encoded = values.dictionary_encode(null_encoding="mask")
    return encoded.indices, encoded.dictionary
