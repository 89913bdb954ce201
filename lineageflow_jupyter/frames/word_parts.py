"""What words of rows are made of: constants, polynomials and nulls. Readers of each layout are in `row_words`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Sizes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NULL_WORD = np.uint64(0x9AE16A3B2F90404F)
SALT = np.uint64(0x243F6A8885A308D3)
MIX = np.uint64(0x9E3779B97F4A7C15)
POWER = 0xD1342543DE82EF95
"""Base of the polynomial over the rows of a window."""
INVERSE = 0x572B5EE77A54E3BD
"""Base of the polynomial over the items of one row: ``POWER * INVERSE == 1`` modulo 2**64."""
LENGTH_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)

LENGTH_BYTES = 4
"""Bytes that the length of a text, binary or list value counts for."""

PIECE = 1 << 16
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
        low = self.run(0, PIECE).take(exponents & (PIECE - 1))
        high = exponents // PIECE
        highest = int(high.max(initial=0))
        if highest == 0:
            return low
        steps = np.full(highest + 1, self._power(PIECE), "u8")
        steps[0] = 1
        return low * np.multiply.accumulate(steps).take(high)

    def _power(self, exponent: int) -> np.uint64:
        return np.uint64(pow(self._base, exponent, 1 << 64))


POWERS = Powers(POWER)
INVERSES = Powers(INVERSE)


@dataclass(frozen=True, slots=True, eq=False)
class Validity:
    """Which rows of an array are null, read from its bitmap."""

    bitmap: Any
    offset: int

    @classmethod
    def of(cls, array: Any) -> Validity | None:
        """Validity of an array, None where no row is null."""
        if array.null_count == 0:
            return None
        return cls(array.buffers()[0], array.offset)

    def null(self, start: int, stop: int) -> Mask:
        """True where a row is null."""
        return ~unpacked_bits(self.bitmap, self.offset + start, self.offset + stop).view(np.bool_)


def unpacked_bits(buffer: Any, start: int, stop: int) -> npt.NDArray[np.uint8]:
    """Bits `start` to `stop` (exclusive) of a bitmap, a byte each."""
    first = start >> 3
    packed = np.frombuffer(buffer, "u1", (stop + 7 >> 3) - first, first)
    return np.unpackbits(packed, bitorder="little")[start & 7 : (start & 7) + stop - start]


def with_nulls(words: Words, validity: Validity | None, start: int, stop: int) -> Words:
    """Words of rows `start` to `stop`, with the word of null where a row is null."""
    return words if validity is None else np.where(validity.null(start, stop), NULL_WORD, words)


def bytes_of(buffer: Any) -> npt.NDArray[np.uint8]:
    """Bytes of a buffer that may be missing."""
    return np.empty(0, "u1") if buffer is None else np.frombuffer(buffer, "u1")


def offsets_of(array: Any) -> Sizes:
    """Offsets of the rows of a text, binary or list array: one more than there are rows."""
    if len(array) == 0:  # Arrow allows an empty offsets buffer then
        return np.zeros(1, "i8")
    return np.frombuffer(array.buffers()[1], "<i8", len(array) + 1, array.offset * 8)


def constant_sizes(value: int, start: int, stop: int) -> Sizes:
    """Sizes of rows that all count for the same."""
    return np.full(stop - start, value, "i8")


def length_word(length: int) -> np.uint64:
    """Part of a word that a length gives."""
    return np.uint64(length * int(LENGTH_FACTOR) & 2**64 - 1)
