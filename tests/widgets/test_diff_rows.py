"""Rows of a diff for a grid: every window is what the pages of the diff say, whatever is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.widgets.diff_rows import CHANGED, KINDS, MOST_COLUMNS, MOST_ROWS, DiffRows

ROWS = 300


@pytest.fixture(scope="module")
def diff(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TableDiff]:
    """Rows that were added, removed, changed and moved; columns that came and went."""
    numbers = np.random.default_rng(5)
    old = pd.DataFrame({f"c{n}": numbers.integers(0, 9, ROWS) for n in range(6)})
    old.insert(3, "id", np.arange(ROWS))
    old["text"] = "x"
    new = old.drop(index=[0, *range(40, 60), 299]).drop(columns="c5")
    new.loc[100:130:3, "c1"] += 1
    new.loc[[200, 201], "c4"] = 77
    new.loc[121, "text"] = None
    new["fresh"] = 1.5
    rest = new.drop(index=[7])
    new = pd.concat([rest[:150], new.loc[[7]], rest[150:], new.loc[[8]].assign(id=1000)]).reset_index(drop=True)
    with lf.init(tmp_path_factory.mktemp("diff-rows")) as repository:
        repository.commit({"t": old}, message="raw", keys={"t": ["id"]})
        repository.commit({"t": new}, message="edited")
        yield repository.diff("HEAD~1", "HEAD")["t"]


def all_rows(diff: TableDiff, *, every: bool = False) -> list[Any]:
    return list(diff.page(0, 10_000, ROWS * 2 if every else 0))


def sides(rows: DiffRows, **chosen: Any) -> list[str]:
    told = rows.rows({"x0": 0, "x1": 1, "y0": 0, "y1": 10_000, **chosen})
    assert told["count"] == len(told["sides"])
    return [side for _, side in told["sides"]]


def places(row: Any) -> set[str]:
    return {f"{place:,}" for place in (row.row_a, row.row_b) if place is not None}


def test_windows_are_the_rows_of_the_pages(diff: TableDiff) -> None:
    grid, expected = DiffRows(diff), all_rows(diff)
    assert {row.kind for row in expected} == set(KINDS)
    told = grid.rows({"x0": 0, "x1": 99, "y0": 5, "y1": 25})
    assert told["count"] == len(expected)
    assert [kind for kind, _ in told["sides"]] == [row.kind for row in expected[5:25]]
    names = [title for title, _ in told["heads"]]
    assert names[0] == "id"
    assert {"− c5", "+ fresh", "c1"} <= set(names[:6]), "what changed does not come first"
    place = next(place for place, column in enumerate(diff.page(0, 1).columns) if column.name == "c1")
    edits = [
        (row.cells[place].old, row.cells[place].new) if row.cells[place].state == "changed" else None
        for row in expected[5:25]
    ]
    at = names.index("c1")
    assert any(edits)
    assert [tuple(text) if isinstance(text, list) else None for text in told["texts"][at]] == edits
    assert [paint == CHANGED for paint in told["paint"][at]] == [edit is not None for edit in edits]


@pytest.mark.parametrize("kinds", [["added"], ["removed"], ["moved"], ["changed", "removed"]])
def test_kinds_choose(diff: TableDiff, kinds: list[str]) -> None:
    found = sides(DiffRows(diff), kinds=kinds)
    expected = [row for row in all_rows(diff) if row.kind in kinds or (row.moved and "moved" in kinds)]
    assert len(found) == len(expected) > 0
    assert [set(side.split(" ", 1)[1].split(" → ")) for side in found] == [places(row) for row in expected]


def test_a_column_chooses(diff: TableDiff) -> None:
    assert len(sides(DiffRows(diff), column="c1")) == len(diff.changed["c1"])
    assert sides(DiffRows(diff), column="no such column") == []
    assert sides(DiffRows(diff), column="c1", kinds=["removed"]) == []


def test_unchanged_rows_are_shown_where_they_are_wanted(diff: TableDiff) -> None:
    assert len(sides(DiffRows(diff), every=True)) == len(all_rows(diff, every=True)) > ROWS


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("column", [None, "c1"])
def test_jumps_pass_every_change_once_and_back(diff: TableDiff, every: bool, column: str | None) -> None:
    grid, chosen = DiffRows(diff), {"every": every, "column": column}
    there: list[tuple[int, int]] = []
    at: dict[str, int] | None = {"y": -1, "x": -1}
    while (at := grid.jump({**chosen, **at, "step": 1})) is not None:
        there.append((at["y"], at["x"]))
    rows = grid.rows({**chosen, "x0": 0, "x1": 99, "y0": 0, "y1": 999})
    edited = {
        (y, x)
        for x, column_of in enumerate(rows["paint"])
        for y, paint in enumerate(column_of)
        if paint == CHANGED and column in (None, rows["heads"][x][0])
    }
    assert edited <= set(there) if column is None else edited == set(there)
    assert there == sorted(set(there))
    back = []
    at = {"y": rows["count"], "x": -1}
    while (at := grid.jump({**chosen, **at, "step": -1})) is not None:
        back.append((at["y"], at["x"]))
    assert back[::-1] == there


@pytest.mark.parametrize("every", [False, True])
def test_a_row_is_found_by_its_number(diff: TableDiff, every: bool) -> None:
    grid, rows = DiffRows(diff), all_rows(diff, every=every)
    before, behind = -1, {}  # a removed row stands behind the last row before it that is still there
    for row in all_rows(diff, every=True):
        before = before if row.row_b is None else row.row_b
        behind[row.row_a, row.row_b] = before
    for number in (0, 33, 110, 148, 277, 278):
        found = grid.place({"row": number, "every": every})
        assert found is not None
        assert found["y"] == next(y for y, row in enumerate(rows) if behind[row.row_a, row.row_b] >= number)


def test_a_cell_tells_both_values_and_a_stale_one_nothing(diff: TableDiff) -> None:
    fresh = [True]
    grid = DiffRows(diff, lambda row, column: [["1f", column, str(row.row_b)]], lambda: fresh[0])
    rows = grid.rows({"x0": 0, "x1": 99, "y0": 0, "y1": 999, "column": "text"})
    x = [title for title, _ in rows["heads"]].index("text")
    told = grid.answers()["cell"]({"y": 0, "x": x, "column": "text"})
    assert (told["old"], told["new"], told["kind"]) == ("x", "null", "changed")
    assert told["history"] == [["1f", "text", told["row"].split(" → ")[-1].removeprefix("~ ")]]
    fresh[0] = False
    assert "changed since" in grid.answers()["cell"]({"y": 0, "x": x})["gone"]


def test_no_question_gets_too_much(diff: TableDiff) -> None:
    told = DiffRows(diff).rows({"x0": -5, "x1": 10**9, "y0": -5, "y1": 10**9, "every": True})
    assert len(told["sides"]) <= MOST_ROWS
    assert len(told["heads"]) <= MOST_COLUMNS
    assert DiffRows(diff).rows({"x0": 10**9, "x1": 3, "y0": 10**9, "y1": 3})["sides"] == []


def test_a_wide_table_is_read_by_columns(tmp_path: Path) -> None:
    wide = pd.DataFrame({f"c{n:04}": [n, n] for n in range(3000)})
    with lf.init(tmp_path) as repository:
        repository.commit({"w": wide}, message="raw")
        repository.commit({"w": wide.assign(c2999=[1, 2])}, message="edited")
        grid = DiffRows(repository.diff("HEAD~1", "HEAD")["w"])
        told = grid.open({"x0": 0, "x1": 12, "y0": 0, "y1": 40})
    assert told["width"] == 3000
    assert told["first"]["heads"][0][0] == "c2999"
    assert len(told["first"]["heads"]) == 12


def test_a_cell_tells_the_commit_that_made_its_own_change(tmp_path: Path) -> None:
    old = pd.DataFrame({"id": range(6), "x": 0.0, "y": 0.0})
    with lf.init(tmp_path) as repository:
        commits = []
        for message, frame in {
            "raw": old,
            "first": old.assign(x=[1.0, 0, 0, 0, 0, 0]),
            "second": old.assign(x=[1.0, 2.0, 0, 0, 0, 0]).drop(index=3),
            "third": pd.concat([old.assign(x=[1.0, 2.0, 0, 0, 0, 0]).drop(index=3), old.iloc[[0]].assign(id=9)]),
        }.items():
            frame = frame.reset_index(drop=True)
            commits.append(repository.commit({"t": frame}, message=message, keys={"t": ["id"]}).commit.id.hex())
        diff = repository.diff(commits[0], commits[-1])["t"]
        told = {
            place: [(cause.kind, cause.cells, cause.commit) for cause in diff.reasons_at(*place, "x")]
            for place in [(0, 0), (1, 1), (3, None), (None, 5)]
        }
    assert told == {
        (0, 0): [("changed", 1, commits[1])],
        (1, 1): [("changed", 1, commits[2])],
        (3, None): [("removed rows", 1, commits[2])],
        (None, 5): [("added rows", 1, commits[3])],
    }
