"""Words of byte strings: text, binary, and fixed-width values of more than eight bytes.

The word of a byte string is its length and up to eight samples of eight bytes, each times a factor of its own: all bytes
of strings of up to 64, evenly spread samples of longer ones. Nothing outside of the string has a part in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Sizes = npt.NDArray[np.int64]

LENGTH_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)
SAMPLE_FACTORS = tuple(
    np.uint64(factor)
    for factor in (
        0x9FB21C651E98DF25, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3,
        0x589965CC75374CC3, 0x1D8E4E27C47D124F, 0xEB44ACCAB455D165, 0x9C88C6E36C62272D,
    )
)  # fmt: skip
"""Of the last eight bytes of a byte string, and of up to seven more samples of eight bytes."""


def length_word(length: int) -> np.uint64:
    """Part of a word that a length gives."""
    return np.uint64(length * int(LENGTH_FACTOR) & 2**64 - 1)


def sample_places(length: int) -> list[tuple[int, int]]:
    """Place and bytes of each sample of a byte string: its last eight bytes, then up to seven samples from the front."""
    if length <= 8:
        return [(0, length)]
    count = min(len(SAMPLE_FACTORS), -(-length // 8))
    return [(length - 8, 8)] + [(k * _stride(length), 8) for k in range(count - 1)]


def _stride(length: int) -> int:
    return max(8, (length - 8) // (len(SAMPLE_FACTORS) - 1))


def byte_string_words(view: Words, begins: Sizes, lengths: Sizes) -> Words:
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
    strides = np.maximum((lengths - 8) // (len(SAMPLE_FACTORS) - 1), 8) if ahead is None else None
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
        out = self._low >> self._shift
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
