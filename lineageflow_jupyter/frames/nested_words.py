"""Words of nested rows: lists, structs and categories, from the words of what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.frames.word_parts import (
    INVERSES,
    LENGTH_BYTES,
    LENGTH_FACTOR,
    PIECE,
    POWERS,
    RowSource,
    Sizes,
    Validity,
    Words,
    constant_sizes,
    length_word,
    mixed,
    with_nulls,
)

CODE_BYTES = 4
"""Bytes that a category's code counts for."""
REPEATED_BYTES = 16
"""Bytes of a category's value that count for nothing, since a chunk holds each value once."""


@dataclass(frozen=True, slots=True, eq=False)
class ListRows:
    """Rows of lists; ``offsets`` has one entry more than there are rows and points into ``items``."""

    offsets: Sizes
    items: RowSource
    validity: Validity | None
    flat: int | None

    def words(self, start: int, stop: int) -> Words:
        """Words of rows `start` to `stop` (exclusive)."""
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
        return with_nulls(out, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        """Bytes that rows `start` to `stop` (exclusive) count for."""
        if self.flat is not None:
            return constant_sizes(self.flat, start, stop)
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
    for low in range(int(offsets[0]), int(offsets[-1]), PIECE):
        high = min(low + PIECE, int(offsets[-1]))
        sums = np.add.accumulate(values(low, high))
        sums += total
        total = sums[-1]
        first, last = np.searchsorted(offsets, (low, high), side="right")
        out[first:last] = sums[offsets[first:last] - (low + 1)]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class StructRows:
    """Rows of structs."""

    fields: tuple[RowSource, ...]
    validity: Validity | None

    @property
    def flat(self) -> int | None:
        """Bytes of every row, None where the type allows for several."""
        widths = [field.flat for field in self.fields if field.flat is not None]
        return max(sum(widths), 1) if len(widths) == len(self.fields) else None

    def words(self, start: int, stop: int) -> Words:
        """Words of rows `start` to `stop` (exclusive)."""
        out = np.full(stop - start, length_word(len(self.fields)))
        for field, factor in zip(self.fields, INVERSES.run(0, len(self.fields)), strict=True):
            out += mixed(field.words(start, stop)) * factor
        return with_nulls(out, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        """Bytes that rows `start` to `stop` (exclusive) count for."""
        if self.flat is not None:
            return constant_sizes(self.flat, start, stop)
        out = constant_sizes(0, start, stop)
        for field in self.fields:
            out += field.sizes(start, stop)
        if self.validity is not None:
            out[self.validity.null(start, stop)] = 1
        return out


@dataclass(frozen=True, slots=True, eq=False)
class DictionaryRows:
    """Rows of categories: words of the values, taken by code."""

    codes: npt.NDArray[np.int32]
    value_words: Words
    value_sizes: Sizes | None
    validity: Validity | None
    flat: int | None

    def words(self, start: int, stop: int) -> Words:
        """Words of rows `start` to `stop` (exclusive)."""
        words = self.value_words.take(self.codes[start:stop], mode="clip")  # codes under a null may be anything
        return with_nulls(words, self.validity, start, stop)

    def sizes(self, start: int, stop: int) -> Sizes:
        """Bytes that rows `start` to `stop` (exclusive) count for."""
        if self.value_sizes is None:
            return constant_sizes(self.flat or CODE_BYTES, start, stop)
        out = self.value_sizes.take(self.codes[start:stop], mode="clip")
        if self.validity is not None:
            out[self.validity.null(start, stop)] = CODE_BYTES
        return out
