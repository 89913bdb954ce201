"""Rows worth showing, against a walk through all rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment
from lineageflow_jupyter.algorithms.hunks import Hunks
from tests.algorithms.test_alignment import partners


def walked(sources: list[int], rows_a: int, chosen: list[int], context: int) -> list[tuple[int, int, int]]:
    """Row of A, row of B and hunk of each row that is shown, one row after the other."""
    rows_b = len(sources)
    gone = [row for row in range(rows_a) if row not in sources]
    gaps: dict[int, list[int]] = {}
    for row in gone:
        kept = [other for other in range(row) if other in sources]
        gaps.setdefault(sources.index(kept[-1]) + 1 if kept else 0, []).append(row)
    marked = {row for row in range(rows_b) if sources[row] == NO_ROW or row in chosen}
    near = {
        row
        for row in range(rows_b)
        if any(abs(row - other) <= context for other in marked) or any(-context <= row - gap < context for gap in gaps)
    }
    found, hunk, begun = [], -1, False
    for row in range(rows_b + 1):
        if row in gaps or row in near:
            hunk += not begun
            begun = True
        if row in gaps:
            found += [(other, NO_ROW, hunk) for other in gaps[row]]
        if row in near:
            found.append((sources[row], row, hunk))
        else:
            begun = False
    return found


@given(st.data(), partners(), st.integers(0, 3))
def test_rows_and_hunks_are_those_of_a_walk(data: st.DataObject, case: tuple[list[int], int], context: int) -> None:
    sources, rows_a = case
    held = [row for row, partner in enumerate(sources) if partner >= 0]
    chosen = sorted(data.draw(st.sets(st.sampled_from(held)))) if held else []
    found = Hunks.of(Alignment.from_sources(sources, rows_a=rows_a), np.array(chosen, np.int64), context)
    expected = walked(sources, rows_a, chosen, context)
    shown = found.page(0, 1000)
    assert list(zip(shown.a.tolist(), shown.b.tolist(), shown.hunk.tolist(), strict=True)) == expected
    assert found.rows == len(expected)
    assert len(found) == len({hunk for _, _, hunk in expected})
    start = data.draw(st.integers(0, len(expected)))
    part = found.page(start, start + 3)
    assert list(zip(part.a.tolist(), part.b.tolist(), part.hunk.tolist(), strict=True)) == expected[start : start + 3]
