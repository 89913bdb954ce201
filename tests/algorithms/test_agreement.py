"""Equal rows from chunk lists: only where all columns agree, and never from chunks that repeat alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms.agreement import agreeing_runs, equal_rows, merged, outside
from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import ChunkRef, Column
from lineageflow_jupyter.model.types import LogicalType

INT = LogicalType("int64")


def column(*chunks: tuple[str, int]) -> Column:
    return Column(INT, 1, tuple(ChunkRef(ObjectId(name.encode().ljust(32)), rows) for name, rows in chunks))


def runs(found: Alignment) -> list[tuple[int, int, int]]:
    return list(zip(found.a.tolist(), found.b.tolist(), found.length.tolist(), strict=True))


def test_equal_columns_are_one_run() -> None:
    same = column(("p", 5), ("q", 3))
    assert agreeing_runs([(same, same)], 8, 8).identical


def test_an_insertion_leaves_what_is_before_and_after() -> None:
    old, new = column(("p", 5), ("q", 3), ("r", 4)), column(("p", 5), ("new", 4), ("r", 4))
    assert runs(agreeing_runs([(old, new)], 12, 13)) == [(0, 0, 5), (8, 9, 4)]


def test_one_column_that_moved_proves_nothing() -> None:
    ids = (column(("p", 5), ("q", 5)), column(("p", 5), ("q", 5)))
    shifted = (column(("x", 5), ("y", 5)), column(("y", 5), ("x", 5)))
    assert runs(agreeing_runs([ids, shifted], 10, 10)) == []


def test_chunks_of_a_constant_column_agree_everywhere_and_decide_nothing() -> None:
    constant = column(("c", 5), ("c", 5), ("c", 5))
    old, new = column(("p", 5), ("q", 5), ("r", 5)), column(("q", 5), ("r", 5), ("p", 5))
    moved = agreeing_runs([(constant, constant), (old, new)], 15, 15)
    assert runs(moved) == [(5, 0, 10), (0, 10, 5)]
    other = column(("s", 5), ("t", 5), ("u", 5))
    assert runs(agreeing_runs([(constant, constant), (old, other)], 15, 15)) == []


def test_rows_dropped_from_a_constant_column_keep_both_ends() -> None:
    old, new = column(("c", 5), ("c", 5), ("c", 5)), column(("c", 5), ("c", 5))
    assert runs(agreeing_runs([(old, new)], 15, 10)) == [(0, 0, 10)]


def test_columns_with_other_boundaries_agree_where_all_do() -> None:
    one = (column(("p", 6), ("q", 6)), column(("p", 6), ("new", 6)))
    other = (column(("x", 4), ("y", 4), ("z", 4)), column(("x", 4), ("y", 4), ("new", 4)))
    assert runs(agreeing_runs([one, other], 12, 12)) == [(0, 0, 4)]


def test_no_row_is_used_twice_where_a_block_was_copied() -> None:
    old, new = column(("p", 5), ("q", 5)), column(("p", 5), ("q", 5), ("p", 5), ("q", 5))
    found = agreeing_runs([(old, new)], 10, 20)
    assert runs(found) == [(0, 0, 10)]
    assert found.added.tolist() == list(range(10, 20))


def test_empty_tables_and_no_columns() -> None:
    assert runs(agreeing_runs([], 3, 3)) == []
    assert runs(agreeing_runs([(column(), column(("p", 2)))], 0, 2)) == []


def test_equal_rows_along_an_alignment() -> None:
    old, new = column(("p", 5), ("q", 3), ("r", 4)), column(("p", 5), ("x", 3), ("r", 4))
    assert equal_rows(old, new, Alignment.identity(12)) == [(0, 5), (8, 12)]
    assert equal_rows(old, new, Alignment.from_runs(12, 12, [(1, 0, 11)])) == []


ranges = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (min(pair), max(pair) + 1)))


@given(ranges, ranges)
def test_outside_is_a_difference_of_sets(taken: list[tuple[int, int]], within: list[tuple[int, int]]) -> None:
    covered, whole = merged(taken), merged(within)
    rows = {row for start, stop in whole for row in range(start, stop)}
    rows -= {row for start, stop in covered for row in range(start, stop)}
    assert [row for start, stop in outside(covered, whole) for row in range(start, stop)] == sorted(rows)
