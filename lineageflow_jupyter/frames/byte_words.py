"""Words of byte strings: text, binary, and fixed-width values that are no numbers of up to eight bytes.

The word of a byte string is its length and up to eight samples of eight bytes, each times a factor of its own: all
bytes of strings of up to 64, evenly spread samples of longer ones. Nothing outside of the string has a part in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.frames.word_parts import (
    LENGTH_BYTES,
    LENGTH_FACTOR,
    NULL_WORD,
    Mask,
    Sizes,
    Validity,
    Words,
    constant_sizes,
    length_word,
    with_nulls,
)

SAMPLE_FACTORS = tuple(
    np.uint64(factor)
    for factor in (
        0x9FB21C651E98DF25, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3,
        0x589965CC75374CC3, 0x1D8E4E27C47D124F, 0xEB44ACCAB455D165, 0x9C88C6E36C62272D,
    )
)  # fmt: skip
"""Of the last eight bytes of a byte string, and of up to seven more samples of eight bytes."""


def sample_places(length: int) -> list[tuple[int, int]]:
    """Place and bytes of each sample: the last eight bytes, then up to seven samples from the front."""
    if length <= 8:
        return [(0, length)]
    count = min(len(SAMPLE_FACTORS), -(-length // 8))
    return [(length - 8, 8)] + [(k * _stride(length), 8) for k in range(count - 1)]


def _stride(length: int) -> int:
    return max(8, (length - 8) // (len(SAMPLE_FACTORS) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class ByteStringRows:
    """Rows of text or binary."""

    offsets: Sizes
    data: npt.NDArray[np.uint8]
    aligned: bool
    validity: Validity | None
    flat = None

    def words(self, start: int, stop: int) -> Words:
        """Words of rows `start` to `stop` (exclusive)."""
        offsets = self.offsets[start : stop + 1]
        null = None if self.validity is None else self.validity.null(start, stop)
        lengths = self._lengths(start, stop, null)
        base, view = self._aligned(int(offsets[0]), int(offsets[-1]))
        begins = offsets[:-1] - base
        out = _byte_string_words(view, begins, lengths)
        if null is not None:
            out[null] = NULL_WORD
        return out

    def sizes(self, start: int, stop: int) -> Sizes:
        """Bytes that rows `start` to `stop` (exclusive) count for."""
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


@dataclass(frozen=True, slots=True, eq=False)
class WideRows:
    """Rows of any other width: fixed-size binary, decimals, intervals."""

    data: npt.NDArray[np.uint8]
    width: int
    validity: Validity | None

    @property
    def flat(self) -> int:
        """Bytes that every row counts for."""
        return max(self.width, 1)

    def words(self, start: int, stop: int) -> Words:
        """Words of rows `start` to `stop` (exclusive)."""
        words = np.full(stop - start, length_word(self.width))
        for factor, (place, count) in zip(SAMPLE_FACTORS, sample_places(self.width), strict=False):
            words += self._column(start, stop, place, count) * factor
        return with_nulls(words, self.validity, start, stop)

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
        """Bytes that rows `start` to `stop` (exclusive) count for."""
        return constant_sizes(self.flat, start, stop)


def _byte_string_words(view: Words, begins: Sizes, lengths: Sizes) -> Words:
    """Words of byte strings that lie in `view`, beginning at bytes `begins`."""
    out = lengths.view("u8") * LENGTH_FACTOR
    missing = (8 - np.minimum(lengths, 8)).view("u8")
    tails = _loaded(view, begins + (lengths - 8))
    tails >>= missing << np.uint64(3)  # what lies before a short string falls off
    tails *= SAMPLE_FACTORS[0]
    out += tails
    _add_front_samples(out, view, begins, lengths, 1)
    return out


def _add_front_samples(out: Words, view: Words, begins: Sizes, lengths: Sizes, first: int) -> None:
    """Add samples `first` and following, each times its factor, for the strings that are long enough."""
    longest, shortest = int(lengths.max(initial=0)), int(lengths.min(initial=0))
    ahead = _Ahead(view, begins + 8 * (first - 1)) if _stride(longest) == 8 and longest > 8 * first else None
    strides = np.maximum((lengths - 8) // (len(SAMPLE_FACTORS) - 1), 8) if ahead is None else np.empty(0, "i8")
    for k in range(first, len(SAMPLE_FACTORS)):
        if longest <= 8 * k:
            return
        if shortest <= 8 * k:
            longer = np.flatnonzero(lengths > 8 * k)
            if 2 * len(longer) < len(lengths):  # go on with these alone
                part = out[longer]
                _add_front_samples(part, view, begins[longer], lengths[longer], k)
                out[longer] = part
                return
        samples = _loaded(view, begins + (k - 1) * strides) if ahead is None else ahead.next()
        samples *= SAMPLE_FACTORS[k]
        if shortest <= 8 * k:
            samples &= (8 * k - lengths >> 63).view("u8")  # all ones where the string is longer, else 0
        out += samples


class _Ahead:
    """Reads eight bytes after eight bytes from many places: one aligned read each, where `_loaded` takes two."""

    def __init__(self, view: Words, places: Sizes) -> None:
        self._view = view
        self._index = places >> 3
        self._shift = ((places & 7) << 3).view("u8")
        self._other = np.uint64(64) - self._shift
        self._low = view.take(self._index, mode="clip")

    def next(self) -> Words:
        """The next eight bytes from each place; bytes outside of the view are of any value."""
        out: Words = self._low >> self._shift
        self._index += 1
        self._low = self._view.take(self._index, mode="clip")
        out |= self._low << self._other  # numpy defines a shift by 64 as 0
        return out


def _loaded(view: Words, places: Sizes) -> Words:
    """Eight bytes at each place: two aligned reads, put together. Bytes outside of `view` are of any value."""
    index = places >> 3
    shift = ((places & 7) << 3).view("u8")
    low = view.take(index, mode="clip")
    low >>= shift
    index += 1
    high = view.take(index, mode="clip")
    high <<= np.uint64(64) - shift  # numpy defines a shift by 64 as 0
    low |= high
    return low
