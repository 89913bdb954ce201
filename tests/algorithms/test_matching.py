"""Matching by words against counting; edited neighbours against trying everything."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms import matching
from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.matching import among, crowded, equal_pairs, match, unique_pairs
from lineageflow_jupyter.algorithms.neighbours import similar_pairs

few = st.lists(st.integers(0, 6), max_size=14)
NOTHING = Alignment.from_runs(14, 14, [])


def words(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint64)


@given(few, few)
def test_unique_words_are_paired_and_no_others(a: list[int], b: list[int]) -> None:
    at_a, at_b = unique_pairs(words(a), words(b))
    wanted = [(a.index(value), place) for place, value in enumerate(b) if a.count(value) == 1 == b.count(value)]
    assert list(zip(at_a.tolist(), at_b.tolist(), strict=True)) == wanted


@given(few, few)
def test_equal_words_are_paired_in_their_order(a: list[int], b: list[int]) -> None:
    at_a, at_b = equal_pairs(words(a), words(b))
    wanted = []
    for place, value in enumerate(b):
        rank = b[:place].count(value)
        if rank < a.count(value):
            wanted.append(([i for i, other in enumerate(a) if other == value][rank], place))
    assert list(zip(at_a.tolist(), at_b.tolist(), strict=True)) == wanted


@given(few, few)
def test_as_many_rows_are_matched_as_both_sides_have(a: list[int], b: list[int]) -> None:
    around = Alignment.from_runs(len(a), len(b), [])
    at_a, at_b = match(words(a), words(b), np.arange(len(a)), np.arange(len(b)), around)
    assert [a[i] for i in at_a] == [b[i] for i in at_b]
    assert len(set(at_a.tolist())) == len(at_a) == (Counter(a) & Counter(b)).total()
    assert (np.diff(at_b) > 0).all()


def test_duplicates_stay_where_their_neighbours_are() -> None:
    a, b = [9, 1, 9, 2], [1, 9, 2]  # the first 9 is gone, not the second moved
    at_a, _ = match(words(a), words(b), np.arange(4), np.arange(3), Alignment.from_runs(4, 3, []))
    assert at_a.tolist() == [1, 2, 3]


def test_words_that_share_their_high_bits_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**63, 5_000).astype(np.uint64)
    order = rng.permutation(5_000)
    at_a, _ = unique_pairs(values, values[order])
    assert (at_a == order).all()
    assert (among(values, values[:10]) == np.isin(values, values[:10])).all()


@given(st.lists(st.integers(0, 40), max_size=60), st.lists(st.integers(0, 40), max_size=60), st.booleans())
def test_many_rows_are_matched_in_parts_as_few_are_at_once(a: list[int], b: list[int], aligned: bool) -> None:
    runs = [(0, 0, 1), (len(a) - 1, len(b) - 1, 1)] if aligned and min(len(a), len(b)) > 2 else []
    around = Alignment.from_runs(len(a), len(b), runs)
    rows = around.removed, around.added
    ways = (unique_pairs, equal_pairs, crowded, lambda *words: match(*words, *rows, around))
    told = words(a)[rows[0]], words(b)[rows[1]]
    at_once = [found(*told) for found in ways]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "TOGETHER", 3)
        in_parts = [found(*told) for found in ways]
    for one, other in zip(at_once, in_parts, strict=True):
        assert [sorted(side.tolist()) for side in one] == [sorted(side.tolist()) for side in other]
    assert [side.tolist() for side in at_once[3]] == [side.tolist() for side in in_parts[3]]


cells = st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=4)


@given(cells, cells)
def test_edited_rows_share_as_many_cells_as_can_be(a: list[list[int]], b: list[list[int]]) -> None:
    def shared(row: int, other: int) -> int:
        count = sum(x == y for x, y in zip(a[row], b[other], strict=True))
        return count if 2 * count >= 3 else 0

    at_a, at_b = similar_pairs(words(a), words(b), np.zeros(len(a), int), np.zeros(len(b), int))
    assert sorted(at_a.tolist()) == at_a.tolist()
    assert sorted(at_b.tolist()) == at_b.tolist()
    found = [shared(i, j) for i, j in zip(at_a.tolist(), at_b.tolist(), strict=True)]
    best = max(
        sum(shared(i, j) for i, j in zip(rows, others, strict=True))
        for size in range(min(len(a), len(b)) + 1)
        for rows in combinations(range(len(a)), size)
        for others in combinations(range(len(b)), size)
    )
    assert all(found)
    assert sum(found) == best


def test_words_that_differ_as_gaps_do_are_not_mixed_up() -> None:
    """Whatever number stands for a gap, a row is only paired with one of the same word."""
    around = Alignment.from_sources([-1, 1, -1, 3, -1], rows_a=5)
    rows = np.array([0, 2, 4])
    for factor in (0x9E3779B97F4A7C15, 0xD1342543DE82EF95, 1):
        a = words([5, 5 ^ factor, 5 ^ (2 * factor % 2**64)])
        at_a, at_b = match(a, a[::-1].copy(), rows, rows, around)
        assert (at_a.tolist(), at_b.tolist()) == ([2, 1, 0], [0, 1, 2])
