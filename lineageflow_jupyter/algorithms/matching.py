"""Equal rows of two tables found by words, one 64-bit word a row, in the manner of patience diff but vectorised.

Words may collide: what is matched here is verified by value by the caller. Nothing is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows

Words = npt.NDArray[np.uint64]
"""One word a row."""

_GAP = np.uint64(0x9E3779B97F4A7C15)
_ODD = np.uint64(0xD1342543DE82EF95)
_ROUNDS = 3
"""How often rows are looked for that are unique between the ones found before."""


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
    found_a, found_b = _alike(words_a, words_b, *unique_pairs(*_in_gaps(words_a, words_b, rows_a, rows_b, around)))
    for round_ in range(_ROUNDS):
        left_a, left_b = _left(len(rows_a), found_a), _left(len(rows_b), found_b)
        if not len(left_a) or not len(left_b):
            break
        so_far = _joined(around, rows_a[found_a], rows_b[found_b])
        parts = _in_gaps(words_a[left_a], words_b[left_b], rows_a[left_a], rows_b[left_b], so_far)
        more_a, more_b = unique_pairs(*parts) if round_ < _ROUNDS - 1 else equal_pairs(*parts)
        if not len(more_a) and round_ < _ROUNDS - 1:
            more_a, more_b = equal_pairs(*parts)
        more_a, more_b = _alike(words_a, words_b, left_a[more_a], left_b[more_b])
        if not len(more_a):
            break
        found_a, found_b = np.concatenate([found_a, more_a]), np.concatenate([found_b, more_b])
    left_a, left_b = _left(len(rows_a), found_a), _left(len(rows_b), found_b)
    if len(left_a) and len(left_b):
        more_a, more_b = equal_pairs(words_a[left_a], words_b[left_b])
        found_a, found_b = np.concatenate([found_a, left_a[more_a]]), np.concatenate([found_b, left_b[more_b]])
    return _in_order(found_a, found_b, len(rows_b))


def _alike(words_a: Words, words_b: Words, a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """Those of some pairs whose words are equal, not only together with the number of their gap."""
    held = words_a[a] == words_b[b]
    return a[held], b[held]


def _left(count: int, found: Rows) -> Rows:
    flags = np.ones(count, bool)
    flags[found] = False
    return np.flatnonzero(flags)


def _joined(around: Alignment, rows_a: Rows, rows_b: Rows) -> Alignment:
    sources = around.sources()
    sources[rows_b] = rows_a
    return Alignment.from_sources(sources, rows_a=around.rows_a)


def _in_gaps(words_a: Words, words_b: Words, rows_a: Rows, rows_b: Rows, around: Alignment) -> tuple[Words, Words]:
    """Words that are equal only between the same two aligned neighbours."""
    if not len(around.b):
        return words_a, words_b
    return tuple(  # type: ignore[return-value]
        words ^ _scrambled(numbers)
        for words, numbers in zip((words_a, words_b), gaps(around, rows_a, rows_b), strict=True)
    )


def _scrambled(numbers: Rows) -> Words:
    """A word for each number, unlike the differences that words of rows have among one another."""
    words = numbers.view(np.uint64) * _ODD
    words ^= words >> np.uint64(32)
    words *= _GAP
    words ^= words >> np.uint64(29)
    return words


def gaps(around: Alignment, rows_a: Rows, rows_b: Rows) -> tuple[Rows, Rows]:
    """Number of the gap between runs, of those that stand in order, in which each unaligned row lies."""
    chain = around.in_order
    a, b = around.a[chain], around.b[chain]
    return np.searchsorted(a, rows_a, side="right"), np.searchsorted(b, rows_b, side="right")


def unique_pairs(words_a: Words, words_b: Words) -> tuple[Rows, Rows]:
    """Places of the rows whose word occurs exactly once on each side."""
    keys, bits = _sorted(words_a, words_b)
    if not len(keys):
        return _nothing()
    first = _begins(keys >> np.uint64(bits + 1))
    of_b = (keys >> np.uint64(bits)) & np.uint64(1) == 1
    places = np.flatnonzero(first[:-3] & ~first[1:-2] & first[2:-1] & ~of_b[:-1] & of_b[1:])
    return _verified(_rows(keys[places], bits), _rows(keys[places + 1], bits), words_a, words_b)


def equal_pairs(words_a: Words, words_b: Words) -> tuple[Rows, Rows]:
    """Places of the rows with equal words: the first on one side with the first on the other, and so on."""
    keys, bits = _sorted(words_a, words_b)
    if not len(keys):
        return _nothing()
    first = _begins(keys >> np.uint64(bits + 1))
    starts = np.flatnonzero(first[:-2])
    of_b = (keys >> np.uint64(bits)) & np.uint64(1) == 1
    group = np.cumsum(first[:-2]) - 1
    counts = np.add.reduceat(~of_b, starts, dtype=np.int64)  # rows of A come first in a group
    places = np.flatnonzero(of_b)
    rank = places - starts[group[places]] - counts[group[places]]
    paired = rank < counts[group[places]]
    places, rank = places[paired], rank[paired]
    return _verified(_rows(keys[starts[group[places]] + rank], bits), _rows(keys[places], bits), words_a, words_b)


def crowded(words_a: Words, words_b: Words) -> tuple[Rows, Rows]:
    """Places of the rows whose word both sides have, and one of them more than once; very few others may be among them.

    Examples
    --------
    >>> a, b = (np.array(words, np.uint64) for words in ([1, 2, 2, 3, 3], [2, 1, 4, 4]))
    >>> [sorted(places.tolist()) for places in crowded(a, b)]
    [[1, 2], [0]]
    """
    keys, bits = _sorted(words_a, words_b)
    if not len(keys):
        return _nothing()
    starts = np.flatnonzero(_begins(keys >> np.uint64(bits + 1))[:-2])
    sizes = np.diff(starts, append=len(keys))
    of_b = (keys >> np.uint64(bits)) & np.uint64(1) == 1
    counts = np.add.reduceat(of_b, starts, dtype=np.int64)
    held = np.repeat((counts > 0) & (counts < sizes) & (sizes > 2), sizes)
    return _rows(keys[held & ~of_b], bits), _rows(keys[held & of_b], bits)


def among(words: Words, others: Words) -> npt.NDArray[np.bool_]:
    """Flags of the words that others hold too."""
    if not len(others):
        return np.zeros(len(words), bool)
    ordered = np.sort(others)
    places = np.searchsorted(ordered, words)
    found: npt.NDArray[np.bool_] = ordered[np.minimum(places, len(ordered) - 1)] == words
    return found


def _sorted(words_a: Words, words_b: Words) -> tuple[Words, int]:
    """High bits of the words, one bit for the side, and the row, in order; and how many bits a row takes.

    One sort of plain integers is several times as fast as sorting row numbers by word.
    """
    bits = max(len(words_a), len(words_b), 1).bit_length()
    if not len(words_a) or not len(words_b):
        return np.empty(0, np.uint64), bits
    low = np.uint64((1 << bits + 1) - 1)
    keys = np.concatenate([words_a, words_b])
    keys ^= keys >> np.uint64(29)  # small integers differ in their low bits only
    keys *= _GAP
    keys &= ~low
    keys[: len(words_a)] |= np.arange(len(words_a), dtype=np.uint64)
    keys[len(words_a) :] |= np.arange(len(words_b), dtype=np.uint64) | np.uint64(1 << bits)
    keys.sort()
    return keys, bits


def _begins(parts: Words) -> Any:
    """Flags of the places where a value differs from the one before it; two more for the end."""
    first = np.ones(len(parts) + 2, bool)
    first[1:-2] = parts[1:] != parts[:-1]
    return first


def _rows(keys: Words, bits: int) -> Rows:
    return (keys & np.uint64((1 << bits) - 1)).astype(np.int64)


def _verified(a: Rows, b: Rows, words_a: Words, words_b: Words) -> tuple[Rows, Rows]:
    alike = words_a[a] == words_b[b]
    if not alike.all():
        a, b = a[alike], b[alike]
    return _in_order(a, b, len(words_b))


def _in_order(a: Rows, b: Rows, count: int) -> tuple[Rows, Rows]:
    """Pairs in the order of `b`: quicker through an array of all of its `count` places than by sorting."""
    partner = np.full(count, -1, np.int64)
    partner[b] = a
    held = np.flatnonzero(partner >= 0)
    return partner[held], held


def _nothing() -> tuple[Rows, Rows]:
    return np.empty(0, np.int64), np.empty(0, np.int64)
