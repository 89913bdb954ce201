"""Alignments against arrays of partners, row by row."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms import alignment as module
from lineageflow_jupyter.algorithms.alignment import Alignment


@st.composite
def partners(draw: Any, rows_a: int | None = None) -> tuple[list[int], int]:
    """Partner of each row of B, or -1, and the rows of A."""
    rows_a = draw(st.integers(0, 12)) if rows_a is None else rows_a
    kept = draw(st.lists(st.sampled_from(range(rows_a)), unique=True)) if rows_a else []
    if draw(st.booleans()):
        kept.sort()
    holes = draw(st.lists(st.integers(0, len(kept)), max_size=4))
    sources = list(kept)
    for hole in sorted(holes, reverse=True):
        sources.insert(hole, -1)
    return sources, rows_a


@given(partners())
def test_answers_from_both_sides(case: tuple[list[int], int]) -> None:
    sources, rows_a = case
    found = Alignment.from_sources(sources, rows_a=rows_a)
    targets = [sources.index(row) if row in sources else -1 for row in range(rows_a)]
    assert found.sources().tolist() == sources
    assert found.targets().tolist() == targets
    assert found.added.tolist() == [row for row, partner in enumerate(sources) if partner < 0]
    assert found.removed.tolist() == [row for row, partner in enumerate(targets) if partner < 0]
    assert found.partners(np.arange(len(sources))).tolist() == sources
    assert found.identical == (sources == list(range(rows_a)))
    for start in range(len(sources) + 1):
        assert found.sources(start, len(sources) - 1).tolist() == sources[start : len(sources) - 1]


@given(partners())
def test_runs_are_as_long_as_can_be_whatever_they_were_made_of(case: tuple[list[int], int]) -> None:
    sources, rows_a = case
    single = [(partner, row, 1) for row, partner in enumerate(sources) if partner >= 0]
    joined = Alignment.from_runs(rows_a, len(sources), single[::-1])
    found = Alignment.from_sources(sources, rows_a=rows_a)
    assert [part.tolist() for part in (joined.a, joined.b, joined.length)] == [
        part.tolist() for part in (found.a, found.b, found.length)
    ]


@given(st.data())
def test_one_after_the_other(data: st.DataObject) -> None:
    first, rows_a = data.draw(partners())
    second, _ = data.draw(partners(rows_a=len(first)))
    older, newer = Alignment.from_sources(first, rows_a=rows_a), Alignment.from_sources(second, rows_a=len(first))
    wanted = [first[row] if row >= 0 else -1 for row in second]
    assert newer.composed(older).sources().tolist() == wanted
    crossed = Alignment.from_runs(rows_a, len(second), module._crossed(newer, older))  # the way of few, long runs
    assert crossed.sources().tolist() == wanted


@given(partners())
def test_as_few_rows_move_as_can_be(case: tuple[list[int], int]) -> None:
    sources, rows_a = case
    found = Alignment.from_sources(sources, rows_a=rows_a)
    rising: list[int] = []
    held = [partner for partner in sources if partner >= 0]
    for partner in held:
        place = bisect_left(rising, partner)
        rising[place : place + 1] = [partner]
    moved = found.moved.tolist()
    assert len(moved) == len(held) - len(rising)
    stays = [partner for row, partner in enumerate(sources) if partner >= 0 and row not in moved]
    assert stays == sorted(stays)


def test_a_moved_block_moves_and_what_it_passed_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [*range(90, 100), *range(90)]
    assert Alignment.from_sources(sources, rows_a=100).moved.tolist() == list(range(10))
    monkeypatch.setattr(module, "EXACT_MOVES", 1)
    assert len(Alignment.from_sources([*range(1, 90), 0], rows_a=90).moved) == 1


@pytest.mark.parametrize("runs", [[(0, 0, 2), (1, 2, 1)], [(0, 0, 2), (2, 1, 1)], [(0, 3, 2)], [(-1, 0, 1)]])
def test_runs_that_cannot_be_are_refused(runs: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValueError, match="overlap or leave"):
        Alignment.from_runs(4, 4, runs)
