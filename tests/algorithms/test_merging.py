"""Merged rows against a merge of lists, row by row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment
from lineageflow_jupyter.algorithms.merging import Sides

Side = list[tuple[str, int]]
"""Rows of a side: ``("base", row)`` or ``("own", number)``; an own number that both sides have is a twin."""


@st.composite
def sides(draw: st.DrawFn, base: int, *, moves: bool) -> Side:
    kept: Side = [("base", row) for row in range(base) if draw(st.integers(0, 4))]
    if moves and draw(st.booleans()):
        kept = draw(st.permutations(kept))
    for number in draw(st.lists(st.integers(0, 9), max_size=3, unique=True)):
        kept.insert(draw(st.integers(0, len(kept))), ("own", number))
    return kept


def alignment(base: int, side: Side) -> Alignment:
    return Alignment.from_sources(np.array([row if kind == "base" else -1 for kind, row in side], int), rows_a=base)


def twins_of(ours: Side, theirs: Side) -> tuple[np.ndarray, np.ndarray]:
    both = [item for item in ours if item[0] == "own" and item in theirs]
    return np.array([ours.index(i) for i in both], int), np.array([theirs.index(i) for i in both], int)


def merged_lists(base: int, ours: Side, theirs: Side) -> Side:
    """As a person would: the spine without what the other deleted; what the other has alone goes in between."""

    def rises(side: Side) -> bool:
        rows = [row for kind, row in side if kind == "base"]
        return rows == sorted(rows)

    spine, other, own_first = (ours, theirs, True) if not rises(ours) or rises(theirs) else (theirs, ours, False)
    out = list(spine)
    previous: tuple[str, int] | None = None
    last_put: dict[tuple[str, int] | None, int] = {}
    for item in other:
        if item in spine:
            previous = item
            continue
        if item[0] == "base":
            continue  # the spine's side deleted it
        at = 0 if previous is None else out.index(previous) + 1
        if own_first:
            while at < len(out) and out[at] not in other:
                at += 1
        at += last_put.get(previous, 0)
        out.insert(at, item)
        last_put[previous] = last_put.get(previous, 0) + 1
    return [item for item in out if item[0] == "own" or item in other]


@given(st.data(), st.integers(0, 6), st.booleans())
def test_rows_merge_as_lists_do(data: st.DataObject, base: int, moves: bool) -> None:
    ours, theirs = (data.draw(sides(base, moves=moves)) for _ in range(2))
    both = Sides(alignment(base, ours), alignment(base, theirs), twins_of(ours, theirs))
    nothing = np.empty(0, np.int32)
    merged = both.merged((nothing, nothing))
    found = [
        ours[o] if o >= 0 else theirs[t] for o, t in zip(merged.ours.tolist(), merged.theirs.tolist(), strict=True)
    ]
    assert found == merged_lists(base, ours, theirs)
    for name, side in (("ours", ours), ("theirs", theirs)):
        assert merged.at(name, np.arange(len(side))).tolist() == [at for at, item in enumerate(found) if item in side]
    for place, item in enumerate(found):
        assert merged.ours[place] == (ours.index(item) if item in ours else NO_ROW)
        assert merged.theirs[place] == (theirs.index(item) if item in theirs else NO_ROW)
        assert merged.base[place] == (item[1] if item[0] == "base" else NO_ROW)


@given(st.data(), st.integers(1, 6))
def test_rows_that_one_side_deleted_may_stay(data: st.DataObject, base: int) -> None:
    ours, theirs = (data.draw(sides(base, moves=False)) for _ in range(2))
    both = Sides(alignment(base, ours), alignment(base, theirs), twins_of(ours, theirs))
    gone = both.deleted
    assert [ours[row] for row in gone[0]] == [i for i in ours if i[0] == "base" and i not in theirs]
    merged = both.merged(gone)
    rows = sorted(row for row in merged.base.tolist() if row >= 0)
    assert rows == sorted({row for kind, row in (*ours, *theirs) if kind == "base"})


def test_both_append_ours_first_and_equal_ones_once() -> None:
    ours: Side = [("base", 0), ("own", 1), ("own", 2)]
    theirs: Side = [("base", 0), ("own", 2), ("own", 3)]
    both = Sides(alignment(1, ours), alignment(1, theirs), twins_of(ours, theirs))
    merged = both.merged((np.empty(0, int), np.empty(0, int)))
    assert merged.ours.tolist() == [0, 1, 2, -1]
    assert merged.theirs.tolist() == [0, -1, 1, 2]
