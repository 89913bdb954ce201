"""Arrays from stored chunks: the inverse of `canonical`, decoded into memory that nobody else uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.frames.bits import expansion, memory, pack_bits, unpack_bits
from lineageflow_jupyter.frames.canonical import Bytes, chunk_id
from lineageflow_jupyter.frames.normalise import merged_dictionary
from lineageflow_jupyter.frames.storage_types import arrow_type
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import decode
from lineageflow_jupyter.model.types import LogicalType


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
    validity = None if valid is None else memory(pack_bits(valid))
    nulls = 0 if valid is None else sum(part.nulls for part in parts)
    target = arrow_type(kind)
    if kind.name == "bool":
        flags = _filled(parts, total, "u1", lambda part: unpack_bits(part.chunk.read(part.data(0)), 0, part.length))
        return pa.Array.from_buffers(target, total, [validity, memory(pack_bits(flags))], nulls)
    if kind.width is not None:
        values = _decoded(parts, total, kind.width)
        return pa.Array.from_buffers(target, total, [validity, memory(values)], nulls)
    if kind.name in ("utf8", "binary"):
        offsets = _offsets(parts, total)
        text = np.empty(int(offsets[-1]), "u1")
        _decode_into(parts, 1, text)
        return pa.Array.from_buffers(target, total, [validity, memory(offsets), memory(text)], nulls)
    if kind.name == "list":
        offsets = _offsets(parts, total)
        child = _assemble(kind.child, chunks)
        _expect(len(child), int(offsets[-1]))
        return pa.Array.from_buffers(target, total, [validity, memory(offsets)], nulls, children=[child])
    if kind.name == "fixed_list":
        size = int(kind.params[0])
        child = _assemble(kind.child, chunks)
        _expect(len(child), (total - nulls) * size)
        if valid is not None:
            slots = np.repeat(valid, size)
            child = child.take(expansion(slots))
        return pa.Array.from_buffers(target, total, [validity], nulls, children=[child])
    if kind.name == "struct":
        children = [_assemble(field, chunks) for _, field in kind.fields]
        for child in children:
            _expect(len(child), total - nulls)
        if valid is not None:
            children = [child.take(expansion(valid)) for child in children]
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
            flags = unpack_bits(part.chunk.read(part.first), 0, part.length)
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
    mapping, merged = merged_dictionary(values) if by_value else _encoded(values)
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
    validity = None if valid is None else memory(pack_bits(valid))
    indices = pa.Array.from_buffers(pa.int32(), len(codes), [validity, memory(codes)])
    return pa.DictionaryArray.from_arrays(indices, merged)


def _encoded(values: Any) -> tuple[Any, Any]:
    encoded = values.dictionary_encode(null_encoding="mask")
    return encoded.indices, encoded.dictionary
