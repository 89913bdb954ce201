"""Chunks that are stored as rows of an older column with some values of their own: patches and selections.

What such a value says, and its bytes (``docs/format.md``); which rows it stands for is put together by ``deriving``,
when it is written by ``forming``. The header of the stored value is::

    [base, map, first, rows, literals, width]

    base      id of a column that is stored whole, or [start, step] of labels that only count: ``start + step * row``
    map       id of a row map (a selection), or None: rows follow one another (a patch)
    first     first row of the base (patch) or of the map (selection)
    rows      rows of the chunk
    literals  header of the literals' canonical chunk, or None where there are none
    width     bytes of each position

Its buffers are the positions of literals in the chunk, as differences, and the buffers of their canonical chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.frames.assembly import assemble
from lineageflow_jupyter.frames.canonical import CanonicalChunk
from lineageflow_jupyter.frames.codecs import FORM_PATCH, FORM_SELECTION, StoredValue, encode_value
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.model.ids import ID_BYTES, ObjectId
from lineageflow_jupyter.model.objects import decode, encode
from lineageflow_jupyter.model.types import LogicalType

Rows = np.ndarray[Any, Any]


class Counted(NamedTuple):
    """Labels that are not stored but counted: ``start + step * row``."""

    start: int
    step: int


Base = ObjectId | Counted
"""A column that is stored whole, or labels that only count."""


@dataclass(frozen=True, slots=True, eq=False)
class DerivedChunk:
    """What the stored value of a derived chunk says.

    Parameters
    ----------
    base : ObjectId or Counted
        Where the rows come from.
    map : ObjectId or None
        Row map of a selection; None of a patch.
    first, rows : int
        Rows ``[first, first + rows)`` of the map, or of the base itself.
    positions : numpy.ndarray of int64
        Rows of the chunk, rising, that have values of their own.
    literals : StoredBuffers or None
        These values, as a canonical chunk; None where there are none.
    """

    base: Base
    map: ObjectId | None
    first: int
    rows: int
    positions: Rows
    literals: Any


@dataclass(frozen=True, slots=True, eq=False)
class _Literals:
    """The literals' canonical chunk within a stored value."""

    header: bytes
    sizes: tuple[int, ...]
    value: StoredValue

    def read(self, index: int) -> np.ndarray[Any, Any]:
        """One buffer as bytes."""
        return self.value.read(index + 1)

    def read_into(self, index: int, out: Any) -> None:
        """Decode one buffer."""
        self.value.read_into(index + 1, out)


def encode_derived(
    base: Base, map_: ObjectId | None, first: int, rows: int, positions: Rows, literals: CanonicalChunk | None
) -> list[Any]:
    """Encode a derived chunk as one stored value; see `DerivedChunk` for the parameters."""
    steps = np.diff(positions, prepend=0)
    width = next(width for width in (1, 2, 4, 8) if int(steps.max(initial=0)) < 1 << 8 * width)
    places = steps.astype(f"<u{width}").tobytes()
    own = None if literals is None else literals.header
    header = encode([list(base) if isinstance(base, Counted) else base, map_, first, rows, own, width])
    buffers = [] if literals is None else [places, *literals.buffers]
    widths = [] if literals is None else [width, *literals.widths]
    return encode_value(header, buffers, widths, form=FORM_PATCH if map_ is None else FORM_SELECTION)


def decode_derived(value: StoredValue) -> DerivedChunk:
    """Inverse of `encode_derived`.

    Raises
    ------
    CorruptData
        If the value contradicts itself.
    """
    try:
        base, map_, first, rows, own, width = decode(value.header)
        positions = np.empty(0, np.int64)
        literals = None
        if own is not None:
            positions = np.cumsum(value.read(0).view(f"<u{_number(width)}").astype(np.int64))
            literals = _literals(own, value, len(positions))
        origin = _id(base) if isinstance(base, bytes) else Counted(*map(_number, base))
        map_ = None if map_ is None else _id(map_)
        fits = _number(first) >= 0 < _number(rows) and (map_ is not None) == (value.form == FORM_SELECTION)
        inside = not len(positions) or (positions.min() >= 0 and positions[-1] < rows)  # large steps wrap around
        if not fits or not inside or (np.diff(positions) <= 0).any():
            raise ValueError("its numbers do not fit together")
        return DerivedChunk(origin, map_, first, rows, positions, literals)
    except (ValueError, TypeError, LookupError) as error:
        raise CorruptData(
            f"a derived chunk has an unexpected shape ({error})", remedy="Run fsck to see what is damaged"
        ) from error


def _literals(header: Any, value: StoredValue, count: int) -> _Literals:
    if not isinstance(header, bytes):
        raise TypeError(f"{type(header).__name__} where a header was expected")
    _, nodes = decode(header)
    if nodes[0][0] != count:
        raise ValueError(f"{count} rows of the chunk have {nodes[0][0]} values of their own")
    return _Literals(header, value.sizes[1:], value)


def _id(data: Any) -> ObjectId:
    if not isinstance(data, bytes) or len(data) != ID_BYTES:
        raise ValueError("an id was expected")
    return ObjectId(data)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{type(value).__name__} where a number was expected")
    return value


def counted_labels(base: Counted, rows: Rows) -> Any:
    """Labels of some rows, as an Arrow array of int64."""
    return pa.array(np.int64(base.start) + np.int64(base.step) * rows.astype(np.int64, copy=False))


def with_literals(kind: LogicalType, array: Any, positions: Sequence[Rows], literals: Sequence[Any]) -> Any:
    """Array with other values in some rows.

    Parameters
    ----------
    kind : LogicalType
        Type of the values.
    array : pyarrow.Array
        Normalised; its memory may be written to if nobody else uses it.
    positions : sequence of numpy.ndarray of int64
        Rows of the array, for each part of the literals; no row twice.
    literals : sequence of StoredBuffers
        The values, in parts, as canonical chunks.

    Returns
    -------
    pyarrow.Array
        Normalised, of the same length.

    Raises
    ------
    CorruptData
        If the parts have other lengths than their positions.
    """
    if not literals:
        return array
    values = assemble(kind, literals)
    at = np.concatenate([np.empty(0, np.int64), *positions])
    if len(values) != len(at):
        raise CorruptData(
            f"{len(at)} rows of a chunk have {len(values)} values of their own",
            remedy="Run fsck to see what is damaged",
        )
    return with_values(kind, array, at, values)


def with_values(kind: LogicalType, array: Any, at: Rows, values: Any) -> Any:
    """Array with other values in some rows.

    Parameters
    ----------
    kind, array
        As for `with_literals`.
    at : numpy.ndarray of int64
        Rows of the array; none twice.
    values : pyarrow.Array
        Normalised; one for each of them.

    Returns
    -------
    pyarrow.Array
        Normalised, of the same length.
    """
    if kind.width in (1, 2, 4, 8) and kind.name != "bool" and not array.null_count and not values.null_count:
        numbers = np.frombuffer(array.buffers()[1], f"<u{kind.width}")
        if numbers.flags.writeable:  # quicker by far, and nobody else has seen it yet
            own = np.frombuffer(values.buffers()[1], numbers.dtype)[values.offset : values.offset + len(values)]
            numbers[array.offset + at] = own
            return array
    where = np.arange(len(array), dtype=np.int64)
    where[at] = np.arange(len(array), len(array) + len(at))
    joined = normalise(pa.chunked_array([array, values], type=array.type) if len(array) else values)
    return joined.take(pa.array(where))
