"""One 64-bit word and one size for each row of an array, made from that row's own canonical value.

A word depends on the row alone: not on its neighbours, its place in a buffer, the offset of a slice, what lies under a
null, the bits of a NaN or the code of a category. What is made of the words, and where chunks end, is in `chunking`;
canonical bytes and ids are in `canonical`. Words decide ids of columns: a change here, in `word_parts`, `byte_words` or
`nested_words` is a new `BOUNDARY_VERSION`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineageflow_jupyter.frames.byte_words import ByteStringRows, WideRows
from lineageflow_jupyter.frames.nested_words import CODE_BYTES, REPEATED_BYTES, DictionaryRows, ListRows, StructRows
from lineageflow_jupyter.frames.word_parts import (
    NULL_WORD,
    RowSource,
    Sizes,
    Validity,
    Words,
    bytes_of,
    constant_sizes,
    offsets_of,
    unpacked_bits,
    with_nulls,
)


def row_source(array: Any) -> RowSource:
    """Reader of the words and sizes of an array's rows.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values (see `canonical.normalise`), with any offset.

    Returns
    -------
    RowSource
        Reads the array's buffers in place; the array must outlive it unchanged.
    """
    types, kind = pa.types, array.type
    if types.is_null(kind):
        return _NullRows()
    if types.is_boolean(kind):
        return _BoolRows(array.buffers()[1], array.offset, Validity.of(array))
    if types.is_large_string(kind) or types.is_large_binary(kind):
        data = array.buffers()[2]
        aligned = data is None or data.address & 7 == 0
        return ByteStringRows(offsets_of(array), bytes_of(data), aligned, Validity.of(array))
    if types.is_dictionary(kind):
        return _dictionary_rows(array)
    if types.is_large_list(kind):
        return ListRows(offsets_of(array), row_source(array.values), Validity.of(array), None)
    if types.is_fixed_size_list(kind):
        items = row_source(array.values)
        offsets = np.arange(array.offset, array.offset + len(array) + 1) * kind.list_size
        flat = None if items.flat is None else max(items.flat * kind.list_size, 1)
        return ListRows(offsets, items, Validity.of(array), flat)
    if types.is_struct(kind):
        fields = tuple(row_source(array.field(i)) for i in range(kind.num_fields))
        return StructRows(fields, Validity.of(array))
    return _fixed_rows(array)


def _dictionary_rows(array: Any) -> RowSource:
    codes = bytes_of(array.buffers()[1])[array.offset * 4 : (array.offset + len(array)) * 4].view("<i4")
    values, validity = array.dictionary, Validity.of(array)
    if len(values) > len(array):  # a slice with the dictionary of a whole column: look at what it uses only
        used, codes = np.unique(codes.clip(0, len(values) - 1), return_inverse=True)
        values, codes = values.take(pa.array(used)), codes.astype("i4")
    source = row_source(values)
    flat = None if source.flat is None else CODE_BYTES + max(source.flat - REPEATED_BYTES, 0)
    if len(values) == 0:  # all rows are null
        return DictionaryRows(codes, np.full(1, NULL_WORD), None, validity, flat)
    sizes = CODE_BYTES + np.maximum(source.sizes(0, len(values)) - REPEATED_BYTES, 0)
    counted = sizes if flat is None and sizes.max() > CODE_BYTES else None
    return DictionaryRows(codes, source.words(0, len(values)), counted, validity, flat)


@dataclass(frozen=True, slots=True, eq=False)
class _NullRows:
    """Rows of the type null."""

    flat = 1

    def words(self, start: int, stop: int) -> Words:
        return np.full(stop - start, NULL_WORD)

    def sizes(self, start: int, stop: int) -> Sizes:
        return constant_sizes(1, start, stop)


@dataclass(frozen=True, slots=True, eq=False)
class _BoolRows:
    """Rows of one bit: the words 0 and 1."""

    bits: Any
    offset: int
    validity: Validity | None
    flat = 1

    def words(self, start: int, stop: int) -> Words:
        values = unpacked_bits(self.bits, self.offset + start, self.offset + stop).astype("u8")
        return with_nulls(values, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        return constant_sizes(1, start, stop)


@dataclass(frozen=True, slots=True, eq=False)
class _FixedRows:
    """Rows of 1, 2, 4 or 8 bytes: the word is the value, little-endian, filled up with zeros."""

    values: npt.NDArray[Any]
    nan: np.uint64 | None
    validity: Validity | None

    @property
    def flat(self) -> int:
        return self.values.itemsize

    def words(self, start: int, stop: int) -> Words:
        words = self.values[start:stop].astype("u8", copy=False)
        if self.nan is not None:
            strange = np.isnan(self.values[start:stop].view(f"<f{self.values.itemsize}"))
            if strange.any():
                words = np.where(strange, self.nan, words)
        return with_nulls(words, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        return constant_sizes(self.flat, start, stop)


_NANS = {2: np.uint64(0x7E00), 4: np.uint64(0x7FC00000), 8: np.uint64(0x7FF8000000000000)}


def _fixed_rows(array: Any) -> RowSource:
    kind, data = array.type, bytes_of(array.buffers()[1])
    width = kind.byte_width if pa.types.is_fixed_size_binary(kind) else kind.bit_width // 8
    data = data[array.offset * width : (array.offset + len(array)) * width]
    if width in (1, 2, 4, 8) and not pa.types.is_fixed_size_binary(kind):
        nan = _NANS[width] if pa.types.is_floating(kind) else None
        return _FixedRows(data.view(f"<u{width}"), nan, Validity.of(array))
    return WideRows(data, width, Validity.of(array))
