"""Equal rows of two tables found by words, one 64-bit word a row, in the manner of patience diff but vectorised.

Words may collide: what is matched here is verified by value by the caller. Nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows, numbers_of, row_type

Words = npt.NDArray[np.uint64]
"""One word a row."""

_GAP = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.uint64(0xD1342543DE82EF95)
_ROUNDS = 3
"""How often rows are looked for that are unique between the ones found before."""
TOGETHER = 1 << 19
"""About so many rows of a side are sorted together."""


def match(words_a: Words, words_b: Words, rows_a: Rows, rows_b: Rows, around: Alignment) -> tuple[Rows, Rows]:
    """Pair rows with equal words: in order where that is possible, each at most once.

    Rows that are unique between two aligned neighbours come first, then, between these, equal rows in their order, and
    last equal rows wherever they are: these have moved.

    Parameters
    ----------
    words_a, words_b : numpy.ndarray of uint64
        Words of the rows to be matched.
    rows_a, rows_b : numpy.ndarray of int64
        Which rows these are, rising.
    around : Alignment
        Rows that are aligned already; none of `rows_a` and `rows_b` is.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Places in `rows_a` and in `rows_b` of the pairs, the latter rising.
    """
    partner = _nobody(len(rows_b), len(rows_a))
    _fill(partner, unique_pairs(words_a, words_b, _Gaps.of(around, rows_a, rows_b)))
    for round_ in range(_ROUNDS):
        left_a, left_b = _left(len(rows_a), partner), np.flatnonzero(partner < 0)
        if not len(left_a) or not len(left_b):
            break
        held = np.flatnonzero(partner >= 0)
        so_far = around.joined(rows_a[partner[held]], rows_b[held])
        parts = (words_a[left_a], words_b[left_b], _Gaps.of(so_far, rows_a[left_a], rows_b[left_b]))
        more = unique_pairs(*parts) if round_ < _ROUNDS - 1 else equal_pairs(*parts)
        if not len(more[0]) and round_ < _ROUNDS - 1:
            more = equal_pairs(*parts)
        if not len(more[0]):
            break
        _fill(partner, (left_a[more[0]], left_b[more[1]]))
    left_a, left_b = _left(len(rows_a), partner), np.flatnonzero(partner < 0)
    if len(left_a) and len(left_b):
        more = equal_pairs(words_a[left_a], words_b[left_b])
        _fill(partner, (left_a[more[0]], left_b[more[1]]))
    return _pairs_of(partner)


def _nobody(count: int, others: int) -> Rows:
    """A partner among so many others for each of `count` rows: none yet."""
    return np.full(count, NO_ROW, row_type(count, others))


def _left(count: int, partner: Rows) -> Rows:
    """Places below `count` that are nobody's partner."""
    flags = np.ones(count, bool)
    flags[partner[partner >= 0]] = False
    return np.flatnonzero(flags)


def _fill(partner: Rows, pairs: tuple[Rows, Rows]) -> None:
    partner[pairs[1]] = pairs[0]


def _pairs_of(partner: Rows) -> tuple[Rows, Rows]:
    held = numbers_of(partner >= 0, partner.dtype)
    return (partner if len(held) == len(partner) else partner[held]), held


@dataclass(frozen=True, slots=True, eq=False)
class _Gaps:
    """Between which aligned neighbours rows lie: words count as equal only between the same two."""

    rows: tuple[Rows, Rows]
    ends: tuple[Rows, Rows]

    @classmethod
    def of(cls, around: Alignment, rows_a: Rows, rows_b: Rows) -> _Gaps | None:
        """Gaps of some rows; None where nothing is aligned yet."""
        return cls((rows_a, rows_b), _ends(around)) if len(around.b) else None

    def within(self, side: int, words: Words, places: Any) -> Words:
        """Words of the rows at some places that tell their gap too."""
        words = words ^ scrambled(np.searchsorted(self.ends[side], self.rows[side][places], side="right"))
        return words


def _ends(around: Alignment) -> tuple[Rows, Rows]:
    chain = around.in_order
    return around.a[chain], around.b[chain]


def gaps(around: Alignment, rows_a: Rows, rows_b: Rows) -> tuple[Rows, Rows]:
    """Number of the gap between runs, of those that stand in order, in which each unaligned row lies."""
    a, b = _ends(around)
    return np.searchsorted(a, rows_a, side="right"), np.searchsorted(b, rows_b, side="right")


def scrambled(numbers: Rows) -> Words:
    """A word for each number, unlike the differences that words of rows have among one another."""
    words = numbers.view(np.uint64) * _ODD
    words ^= words >> np.uint64(32)
    words *= _GAP
    words ^= words >> np.uint64(29)
    return words


def unique_pairs(words_a: Words, words_b: Words, within: _Gaps | None = None) -> tuple[Rows, Rows]:
    """Places of the rows whose word occurs exactly once on each side; `within`: between the same aligned neighbours."""
    partner = _nobody(len(words_b), len(words_a))
    for part in _parts(words_a, words_b, within):
        keys, bits = part.sorted()
        first = _begins(keys, bits)
        of_b = (keys & np.uint64(1 << bits)) != 0
        places = np.flatnonzero(first[:-3] & ~first[1:-2] & first[2:-1] & ~of_b[:-1] & of_b[1:])
        part.fill(partner, _rows(keys[places], bits), _rows(keys[places + 1], bits))
    return _pairs_of(partner)


def equal_pairs(words_a: Words, words_b: Words, within: _Gaps | None = None) -> tuple[Rows, Rows]:
    """Places of the rows with equal words: the first on one side with the first on the other, and so on."""
    partner = _nobody(len(words_b), len(words_a))
    for part in _parts(words_a, words_b, within):
        keys, bits = part.sorted()
        first = _begins(keys, bits)[:-2]
        starts = np.flatnonzero(first)
        of_b = (keys & np.uint64(1 << bits)) != 0
        group = np.cumsum(first) - 1
        counts = np.add.reduceat(~of_b, starts, dtype=np.int64)  # rows of A come first in a group
        places = np.flatnonzero(of_b)
        rank = places - starts[group[places]] - counts[group[places]]
        paired = rank < counts[group[places]]
        places, rank = places[paired], rank[paired]
        part.fill(partner, _rows(keys[starts[group[places]] + rank], bits), _rows(keys[places], bits))
    return _pairs_of(partner)


def crowded(words_a: Words, words_b: Words) -> tuple[Rows, Rows]:
    """Places of the rows whose word both sides have, and one of them more than once; very few others may be among them.

    Examples
    --------
    >>> a, b = (np.array(words, np.uint64) for words in ([1, 2, 2, 3, 3], [2, 1, 4, 4]))
    >>> [sorted(places.tolist()) for places in crowded(a, b)]
    [[1, 2], [0]]
    """
    found: tuple[list[Rows], list[Rows]] = ([np.empty(0, np.int64)], [np.empty(0, np.int64)])
    for part in _parts(words_a, words_b, None):
        keys, bits = part.sorted()
        starts = np.flatnonzero(_begins(keys, bits)[:-2])
        sizes = np.diff(starts, append=len(keys))
        of_b = (keys & np.uint64(1 << bits)) != 0
        counts = np.add.reduceat(of_b, starts, dtype=np.int64)
        held = np.repeat((counts > 0) & (counts < sizes) & (sizes > 2), sizes)
        for side, mine in enumerate((~of_b, of_b)):
            found[side].append(part.places(side, _rows(keys[held & mine], bits)))
    return np.concatenate(found[0]), np.concatenate(found[1])


def among(words: Words, others: Words) -> npt.NDArray[np.bool_]:
    """Flags of the words that others hold too."""
    if not len(others):
        return np.zeros(len(words), bool)
    ordered = np.sort(others)
    places = np.searchsorted(ordered, words)
    found: npt.NDArray[np.bool_] = ordered[np.minimum(places, len(ordered) - 1)] == words
    return found


# --- parts of rows that are matched together --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Rows of both sides whose words may be equal.

    Parameters
    ----------
    words : tuple of (numpy.ndarray, numpy.ndarray)
        Their words.
    at : tuple of (numpy.ndarray, numpy.ndarray) or None
        Their places among all rows; None for all of these.
    within : _Gaps or None
        What their words must agree in besides.
    """

    words: tuple[Words, Words]
    at: tuple[Rows, Rows] | None
    within: _Gaps | None

    def sorted(self) -> tuple[Words, int]:
        """High bits of the words, one bit for the side, and the row, in order; and how many bits a row takes.

        One sort of plain integers is several times as fast as sorting row numbers by word.
        """
        bits = max(map(len, self.words)).bit_length()
        keys = np.concatenate([self._told(side, slice(None)) for side in (0, 1)])
        keys = _hashed(keys)
        keys &= ~np.uint64((1 << bits + 1) - 1)
        size_a, size_b = map(len, self.words)
        keys[:size_a] |= np.arange(size_a, dtype=np.uint64)
        keys[size_a:] |= np.arange(size_b, dtype=np.uint64) | np.uint64(1 << bits)
        keys.sort()
        return keys, bits

    def fill(self, partner: Rows, a: Rows, b: Rows) -> None:
        """Note pairs of rows of this part, if their words are equal: keys hold the high bits only."""
        alike = self.words[0][a] == self.words[1][b]
        if self.within is not None:
            alike &= self._told(0, a) == self._told(1, b)
        if not alike.all():
            a, b = a[alike], b[alike]
        partner[self.places(1, b)] = self.places(0, a)

    def places(self, side: int, rows: Rows) -> Rows:
        """Places among all rows of some of this part."""
        return rows if self.at is None else self.at[side][rows]

    def _told(self, side: int, rows: Any) -> Words:
        words: Words = self.words[side][rows]
        if self.within is None:
            return words
        return self.within.within(side, words, rows if self.at is None else self.at[side][rows])


def _parts(words_a: Words, words_b: Words, within: _Gaps | None) -> Iterator[_Part]:
    """Parts of the rows, split by word: sorting them takes little memory, and their keys fit the processor's cache."""
    if not len(words_a) or not len(words_b):
        return
    most = max(len(words_a), len(words_b))
    if most <= 2 * TOGETHER:
        yield _Part((words_a, words_b), None, within)
        return
    bits = min((most // TOGETHER).bit_length(), 8)
    of = [_part_numbers(words, bits) for words in (words_a, words_b)]
    for number in range(1 << bits):
        at = np.flatnonzero(of[0] == number), np.flatnonzero(of[1] == number)
        if len(at[0]) and len(at[1]):
            yield _Part((words_a[at[0]], words_b[at[1]]), at, within)


def _part_numbers(words: Words, bits: int) -> npt.NDArray[np.uint8]:
    numbers = np.empty(len(words), np.uint8)
    for start in range(0, len(words), TOGETHER):
        some = slice(start, start + TOGETHER)
        numbers[some] = _hashed(words[some]) >> np.uint64(64 - bits)
    return numbers


def _hashed(words: Words) -> Words:
    """Words whose high bits differ where any of these words' do: small integers differ in their low bits only."""
    words = words ^ (words >> np.uint64(29))
    words *= _GAP
    return words


def _begins(keys: Words, bits: int) -> Any:
    """Flags of the places where a key has other high bits than the one before it; two more for the end."""
    first = np.ones(len(keys) + 2, bool)
    first[1:-2] = (keys[1:] ^ keys[:-1]) >> np.uint64(bits + 1) != 0
    return first


def _rows(keys: Words, bits: int) -> Rows:
    return (keys & np.uint64((1 << bits) - 1)).astype(row_type(1 << bits))
