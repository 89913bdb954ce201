"""One 64-bit word and one size for each row of an array, made from that row's own canonical value.

A word depends on the row alone: not on its neighbours, its place in a buffer, the offset of a slice, what lies under a
null, the bits of a NaN or the code of a category. What is made of the words, and where chunks end, is in `chunking`;
canonical bytes and ids are in `canonical`. Words decide ids of columns: a change here is a new `BOUNDARY_VERSION`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineageflow_jupyter.frames.byte_words import (
    LENGTH_FACTOR,
    SAMPLE_FACTORS,
    Sizes,
    Words,
    byte_string_words,
    length_word,
    sample_places,
)

Mask = npt.NDArray[np.bool_]

NULL_WORD = np.uint64(0x9AE16A3B2F90404F)
SALT = np.uint64(0x243F6A8885A308D3)
MIX = np.uint64(0x9E3779B97F4A7C15)
POWER = 0xD1342543DE82EF95
"""Base of the polynomial over the rows of a window."""
INVERSE = 0x572B5EE77A54E3BD
"""Base of the polynomial over the items of one row: ``POWER * INVERSE == 1`` modulo 2**64."""
LENGTH_BYTES = 4
"""Bytes that the length of a text, binary or list value counts for."""
REPEATED_BYTES = 16
"""Bytes of a category's value that count for nothing, since a chunk holds each value once."""

_PIECE = 1 << 16
"""Items of lists that are looked at together; it bounds memory and decides nothing."""


class RowSource(Protocol):
    """Words and sizes of the rows of one array. Safe to share between threads: reading changes nothing."""

    @property
    def flat(self) -> int | None:
        """Bytes of every row where all rows, nulls too, count for the same; else None."""

    def words(self, start: int, stop: int) -> Words:
        """Words of rows `start` to `stop` (exclusive); may be a view of the values, so do not write into it."""

    def sizes(self, start: int, stop: int) -> Sizes:
        """Bytes that rows `start` to `stop` (exclusive) count for."""


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
        return _BoolRows(array.buffers()[1], array.offset, _Validity.of(array))
    if types.is_large_string(kind) or types.is_large_binary(kind):
        data = array.buffers()[2]
        aligned = data is None or data.address & 7 == 0
        return _ByteStringRows(_offsets(array), _bytes(data), aligned, _Validity.of(array))
    if types.is_dictionary(kind):
        return _dictionary_rows(array)
    if types.is_large_list(kind):
        return _ListRows(_offsets(array), row_source(array.values), _Validity.of(array), None)
    if types.is_fixed_size_list(kind):
        items = row_source(array.values)
        offsets = np.arange(array.offset, array.offset + len(array) + 1) * kind.list_size
        flat = None if items.flat is None else items.flat * kind.list_size
        return _ListRows(offsets, items, _Validity.of(array), flat)
    if types.is_struct(kind):
        fields = tuple(row_source(array.field(i)) for i in range(kind.num_fields))
        return _StructRows(fields, _Validity.of(array))
    return _fixed_rows(array)


# --- shared pieces ---------------------------------------------------------------------------------------------------


def mixed(words: Words) -> Words:
    """Scrambled words, in a new array: what the polynomials over rows and items are made of."""
    out = np.bitwise_xor(words, SALT)
    out *= MIX
    out ^= out >> np.uint64(32)
    return out


class Powers:
    """Powers of a base modulo 2**64, from a table that grows; safe to share between threads."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._table: Words = np.ones(1, "u8")

    def run(self, first: int, count: int) -> Words:
        """Powers `first` to ``first + count`` (exclusive); do not write into the result."""
        table = self._table
        if len(table) < count:  # two threads may both do this: either table is right
            table = np.full(1 << (count - 1).bit_length(), self._base, "u8")
            table[0] = 1
            np.multiply.accumulate(table, out=table)
            self._table = table
        return table[:count] * self._power(first) if first else table[:count]

    def at(self, exponents: Sizes) -> Words:
        """Powers of any exponents from 0 on, however large, with a table of bounded size."""
        low = self.run(0, _PIECE).take(exponents & (_PIECE - 1))
        high = exponents // _PIECE
        highest = int(high.max(initial=0))
        if highest == 0:
            return low
        steps = np.full(highest + 1, self._power(_PIECE), "u8")
        steps[0] = 1
        return low * np.multiply.accumulate(steps).take(high)

    def _power(self, exponent: int) -> np.uint64:
        return np.uint64(pow(self._base, exponent, 1 << 64))


POWERS = Powers(POWER)
INVERSES = Powers(INVERSE)


@dataclass(frozen=True, slots=True, eq=False)
class _Validity:
    """Which rows of an array are null, read from its bitmap."""

    bitmap: Any
    offset: int

    @classmethod
    def of(cls, array: Any) -> _Validity | None:
        """Validity of an array, None where no row is null."""
        if array.null_count == 0:
            return None
        return cls(array.buffers()[0], array.offset)

    def null(self, start: int, stop: int) -> Mask:
        """True where a row is null."""
        return ~_bits(self.bitmap, self.offset + start, self.offset + stop).view(np.bool_)


def _bits(buffer: Any, start: int, stop: int) -> npt.NDArray[np.uint8]:
    first = start >> 3
    packed = np.frombuffer(buffer, "u1", (stop + 7 >> 3) - first, first)
    return np.unpackbits(packed, bitorder="little")[start & 7 : (start & 7) + stop - start]


def _with_nulls(words: Words, validity: _Validity | None, start: int, stop: int) -> Words:
    return words if validity is None else np.where(validity.null(start, stop), NULL_WORD, words)


def _bytes(buffer: Any) -> npt.NDArray[np.uint8]:
    return np.empty(0, "u1") if buffer is None else np.frombuffer(buffer, "u1")


def _offsets(array: Any) -> Sizes:
    if len(array) == 0:  # Arrow allows an empty offsets buffer then
        return np.zeros(1, "i8")
    return np.frombuffer(array.buffers()[1], "<i8", len(array) + 1, array.offset * 8)


def _constant(value: int, start: int, stop: int) -> Sizes:
    return np.full(stop - start, value, "i8")


# --- rows of one width -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _NullRows:
    """Rows of the type null."""

    flat = 1

    def words(self, start: int, stop: int) -> Words:
        return np.full(stop - start, NULL_WORD)

    def sizes(self, start: int, stop: int) -> Sizes:
        return _constant(1, start, stop)


@dataclass(frozen=True, slots=True, eq=False)
class _BoolRows:
    """Rows of one bit: the words 0 and 1."""

    bits: Any
    offset: int
    validity: _Validity | None
    flat = 1

    def words(self, start: int, stop: int) -> Words:
        values = _bits(self.bits, self.offset + start, self.offset + stop).astype("u8")
        return _with_nulls(values, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        return _constant(1, start, stop)


@dataclass(frozen=True, slots=True, eq=False)
class _FixedRows:
    """Rows of 1, 2, 4 or 8 bytes: the word is the value, little-endian, filled up with zeros."""

    values: npt.NDArray[Any]
    nan: np.uint64 | None
    validity: _Validity | None

    @property
    def flat(self) -> int:
        return self.values.itemsize

    def words(self, start: int, stop: int) -> Words:
        words = self.values[start:stop].astype("u8", copy=False)
        if self.nan is not None:
            strange = np.isnan(self.values[start:stop].view(f"<f{self.values.itemsize}"))
            if strange.any():
                words = np.where(strange, self.nan, words)
        return _with_nulls(words, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        return _constant(self.flat, start, stop)


@dataclass(frozen=True, slots=True, eq=False)
class _WideRows:
    """Rows of any other width: fixed-size binary, decimals, intervals."""

    data: npt.NDArray[np.uint8]
    width: int
    validity: _Validity | None

    @property
    def flat(self) -> int:
        return self.width

    def words(self, start: int, stop: int) -> Words:
        words = np.full(stop - start, length_word(self.width))
        for factor, (place, count) in zip(SAMPLE_FACTORS, sample_places(self.width), strict=False):
            words += self._column(start, stop, place, count) * factor
        return _with_nulls(words, self.validity, start, stop)

    def _column(self, start: int, stop: int, place: int, count: int) -> Words:
        """`count` bytes at `place` of each row."""
        rows = stop - start
        if rows == 0 or count == 0:
            return np.zeros(rows, "u8")
        first = start * self.width + place
        if count == 8:
            return np.ndarray((rows,), "<u8", self.data, first, (self.width,)).astype("u8")
        out = np.zeros(rows, "u8")
        for byte in range(count):
            out |= self.data[first + byte :: self.width][:rows].astype("u8") << np.uint64(8 * byte)
        return out

    def sizes(self, start: int, stop: int) -> Sizes:
        return _constant(self.width, start, stop)


_NANS = {2: np.uint64(0x7E00), 4: np.uint64(0x7FC00000), 8: np.uint64(0x7FF8000000000000)}


def _fixed_rows(array: Any) -> RowSource:
    kind, data = array.type, _bytes(array.buffers()[1])
    width = kind.byte_width if pa.types.is_fixed_size_binary(kind) else kind.bit_width // 8
    data = data[array.offset * width : (array.offset + len(array)) * width]
    if width in (1, 2, 4, 8) and not pa.types.is_fixed_size_binary(kind):
        nan = _NANS[width] if pa.types.is_floating(kind) else None
        return _FixedRows(data.view(f"<u{width}"), nan, _Validity.of(array))
    return _WideRows(data, width, _Validity.of(array))


# --- byte strings of any length --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _ByteStringRows:
    """Rows of text or binary."""

    offsets: Sizes
    data: npt.NDArray[np.uint8]
    aligned: bool
    validity: _Validity | None
    flat = None

    def words(self, start: int, stop: int) -> Words:
        offsets = self.offsets[start : stop + 1]
        null = None if self.validity is None else self.validity.null(start, stop)
        lengths = self._lengths(start, stop, null)
        base, view = self._aligned(int(offsets[0]), int(offsets[-1]))
        begins = offsets[:-1] - base
        out = byte_string_words(view, begins, lengths)
        if null is not None:
            out[null] = NULL_WORD
        return out

    def sizes(self, start: int, stop: int) -> Sizes:
        null = None if self.validity is None else self.validity.null(start, stop)
        return self._lengths(start, stop, null) + LENGTH_BYTES

    def _lengths(self, start: int, stop: int, null: Mask | None) -> Sizes:
        lengths = self.offsets[start + 1 : stop + 1] - self.offsets[start:stop]
        if null is not None:
            lengths[null] = 0
        return lengths

    def _aligned(self, first: int, last: int) -> tuple[int, Words]:
        """Place and 8-byte words of the data around bytes `first` to `last`, with one word to spare after them."""
        base = first & ~7
        end = (last & ~7) + 16
        if self.aligned and end <= len(self.data):
            return base, self.data[base:end].view("<u8")
        copy = np.zeros(end - base, "u1")
        copy[: last - base] = self.data[base:last]
        return base, copy.view("<u8")


# --- nested rows -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _ListRows:
    """Rows of lists; ``offsets`` has one entry more than there are rows and points into ``items``."""

    offsets: Sizes
    items: RowSource
    validity: _Validity | None
    flat: int | None

    def words(self, start: int, stop: int) -> Words:
        offsets = self.offsets[start : stop + 1]
        first = int(offsets[0])

        def weighted(low: int, high: int) -> Words:
            out = mixed(self.items.words(low, high))
            out *= INVERSES.run(low - first, high - low)
            return out

        sums = _prefix_sums(offsets, weighted)
        out = sums[1:] - sums[:-1]
        out *= POWERS.at(offsets[:-1] - first)
        out += (offsets[1:] - offsets[:-1]).view("u8") * LENGTH_FACTOR
        return _with_nulls(out, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        if self.flat is not None:
            return _constant(self.flat, start, stop)
        offsets = self.offsets[start : stop + 1]
        if self.items.flat is not None:
            out = (offsets[1:] - offsets[:-1]) * self.items.flat
        else:
            sums = _prefix_sums(offsets, lambda lo, hi: self.items.sizes(lo, hi).view("u8")).view("i8")
            out = sums[1:] - sums[:-1]
        if self.validity is not None:
            out[self.validity.null(start, stop)] = 0
        return out + LENGTH_BYTES


def _prefix_sums(offsets: Sizes, values: Callable[[int, int], Words]) -> Words:
    """Sum of the items' values from the first offset up to each offset, modulo 2**64."""
    out = np.zeros(len(offsets), "u8")
    total = np.uint64(0)
    for low in range(int(offsets[0]), int(offsets[-1]), _PIECE):
        high = min(low + _PIECE, int(offsets[-1]))
        sums = np.add.accumulate(values(low, high))
        sums += total
        total = sums[-1]
        first, last = np.searchsorted(offsets, (low, high), side="right")
        out[first:last] = sums[offsets[first:last] - (low + 1)]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _StructRows:
    """Rows of structs."""

    fields: tuple[RowSource, ...]
    validity: _Validity | None

    @property
    def flat(self) -> int | None:
        widths = [field.flat for field in self.fields if field.flat is not None]
        return sum(widths) if len(widths) == len(self.fields) else None

    def words(self, start: int, stop: int) -> Words:
        out = np.full(stop - start, length_word(len(self.fields)))
        for field, factor in zip(self.fields, INVERSES.run(0, len(self.fields)), strict=True):
            out += mixed(field.words(start, stop)) * factor
        return _with_nulls(out, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        out = _constant(0, start, stop)
        for field in self.fields:
            out += field.sizes(start, stop)
        if self.validity is not None and self.flat is None:
            out[self.validity.null(start, stop)] = 0
        return out


# --- categories ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _DictionaryRows:
    """Rows of categories: words of the values, taken by code."""

    codes: npt.NDArray[np.int32]
    value_words: Words
    value_sizes: Sizes | None
    validity: _Validity | None
    flat: int | None

    def words(self, start: int, stop: int) -> Words:
        words = self.value_words.take(self.codes[start:stop], mode="clip")  # codes under a null may be anything
        return _with_nulls(words, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        if self.value_sizes is None:
            return _constant(self.flat or 0, start, stop)
        out = self.value_sizes.take(self.codes[start:stop], mode="clip")
        if self.validity is not None:
            out[self.validity.null(start, stop)] = 0
        return out


def _dictionary_rows(array: Any) -> RowSource:
    codes = _bytes(array.buffers()[1])[array.offset * 4 : (array.offset + len(array)) * 4].view("<i4")
    values, validity = array.dictionary, _Validity.of(array)
    if len(values) > len(array):  # a slice with the dictionary of a whole column: look at what it uses only
        used, codes = np.unique(codes.clip(0, len(values) - 1), return_inverse=True)
        values, codes = values.take(pa.array(used)), codes.astype("i4")
    source = row_source(values)
    flat = None if source.flat is None else max(source.flat - REPEATED_BYTES, 0)
    if len(values) == 0:  # all rows are null
        return _DictionaryRows(codes, np.full(1, NULL_WORD), None, validity, flat)
    sizes = np.maximum(source.sizes(0, len(values)) - REPEATED_BYTES, 0)
    counted = sizes if flat is None and sizes.any() else None
    return _DictionaryRows(codes, source.words(0, len(values)), counted, validity, flat)
