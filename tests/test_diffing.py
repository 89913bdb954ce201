"""What a diff says and gives, of versions that are committed or live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.model.diffs import DiffOptions
from lineageflow_jupyter.repository import Repository
from tests.diffs import diff_of, live, stored


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    with lf.init(tmp_path_factory.mktemp("diffs")) as repository:
        yield repository


BEFORE = pd.DataFrame(
    {
        "id": [1, 2, 3, 4, 5],
        "price": [1.0, np.nan, 3.0, 4.0, 5.0],
        "name": ["a", "b", None, "d", "e"],
        "kind": pd.Categorical(["x", "y", "x", None, "y"]),
    }
)


def edited() -> tuple[pd.DataFrame, list[int]]:
    """Rows 2 and 4 exchanged, row 3 gone, one new; two prices and a name changed. With the source of each row."""
    after = BEFORE.iloc[[0, 3, 1, 4]].copy()
    after.loc[1, ["price", "name"]] = [2.5, "B"]
    after.loc[4, "price"] = np.nan
    after = pd.concat([after, pd.DataFrame({"id": [9], "price": [9.0], "name": ["n"], "kind": ["z"]})])
    after["kind"] = pd.Categorical(after["kind"], ["y", "x", "z"])
    return after.reset_index(drop=True), [0, 3, 1, 4, -1]


@pytest.fixture(scope="module")
def diff(repo: Repository) -> TableDiff:
    after, sources = edited()
    return diff_of(stored(repo, BEFORE, ["id"]), stored(repo, after, ["id"]), sources, by="key")


def test_counts_of_rows_and_cells(diff: TableDiff) -> None:
    found = diff.summary
    assert (found.rows_before, found.rows_after) == (5, 5)
    assert (found.rows_added, found.rows_removed, found.rows_moved, found.rows_changed) == (1, 1, 1, 2)
    assert found.cells_changed == {"price": 2, "name": 1}
    assert found.cells == 3
    assert diff
    assert repr(diff) == "<t: +1 row, −1 row, moved 1 row, 3 cells in price, name>"


def test_whole_rows_have_their_labels_and_dtypes(diff: TableDiff) -> None:
    after, _ = edited()
    pd.testing.assert_frame_equal(diff.added, after.iloc[[4]])
    pd.testing.assert_frame_equal(diff.removed, BEFORE.iloc[[2]])
    assert diff.added["kind"].cat.categories.tolist() == ["y", "x", "z"]


def test_changed_cells_of_a_column_keep_their_types(diff: TableDiff) -> None:
    assert list(diff.changed) == ["price", "name"]
    price = diff.changed["price"]
    expected = pd.DataFrame(
        {"id": [2, 5], "row_a": [1, 4], "row_b": [2, 3], "old": [np.nan, 5.0], "new": [2.5, np.nan]}
    )
    pd.testing.assert_frame_equal(price, expected)
    assert diff.changed["name"]["new"].tolist() == ["B"]
    with pytest.raises(UnknownName, match="price"):
        diff.changed["prize"]


def test_moved_rows(diff: TableDiff) -> None:
    pd.testing.assert_frame_equal(diff.moved, pd.DataFrame({"id": [4], "row_a": [3], "row_b": [1]}))


def test_a_version_against_itself(repo: Repository) -> None:
    version = stored(repo, BEFORE)
    found = diff_of(version, version)
    assert not found
    assert len(found.added) == len(found.removed) == len(found.moved) == len(found.changed) == 0
    assert list(found.added.columns) == list(BEFORE.columns)
    assert repr(found) == "<t: no difference>"


def test_live_frames_are_seen_alike_and_stay_as_they_are(repo: Repository, diff: TableDiff) -> None:
    after, sources = edited()
    frame = after.copy()
    found = diff_of(stored(repo, BEFORE, ["id"]), live(repo, frame, ["id"]), sources, by="key")
    assert found.summary == diff.summary
    pd.testing.assert_frame_equal(found.added, diff.added)
    for column in found.changed:
        pd.testing.assert_frame_equal(found.changed[column], diff.changed[column])
    whole = TableDiff(None, live(repo, frame))
    given = whole.added
    given.loc[0, "price"] = -1.0
    pd.testing.assert_frame_equal(frame, after)


@pytest.mark.parametrize("engine", ["polars", "arrow"])
def test_frames_of_other_libraries(diff: TableDiff, engine: str) -> None:
    found = diff.using(engine)
    price = found.changed["price"]
    names = price.columns if engine == "polars" else price.column_names
    assert list(names) == ["id", "row_a", "row_b", "old", "new"]
    assert price["new"].to_pylist()[0] == 2.5 if engine == "arrow" else price["new"].to_list()[0] == 2.5
    assert len(found.added) == len(found.removed) == 1
    assert isinstance(found.added, pl.DataFrame if engine == "polars" else pa.Table)


def test_a_dataset_that_is_new_or_gone(repo: Repository) -> None:
    version = stored(repo, BEFORE, ["id"])
    born, gone = TableDiff(None, version), TableDiff(version, None)
    assert (born.summary.rows_added, gone.summary.rows_removed) == (5, 5)
    pd.testing.assert_frame_equal(born.added, BEFORE, check_index_type=False)
    pd.testing.assert_frame_equal(gone.removed, BEFORE, check_index_type=False)
    assert len(born.removed) == len(gone.added) == 0
    assert [column.name for column in born.schema.added] == list(BEFORE.columns)
    assert repr(gone) == "<t: removed, 5 × 4>"


def test_columns_that_come_go_and_change(repo: Repository) -> None:
    after = BEFORE.rename(columns={"name": "title"}).drop(columns="kind").assign(extra=1)
    after = after.astype({"price": "float32"})[["title", "id", "price", "extra"]]
    found = diff_of(stored(repo, BEFORE), stored(repo, after, ["id"]))
    schema = found.schema
    assert [(column.name, column.type) for column in schema.added] == [("extra", "int64")]
    assert [column.name for column in schema.dropped] == ["kind"]
    assert [(each.name, each.old, each.new) for each in schema.retyped] == [("price", "float64", "float32")]
    assert [(each.old, each.name) for each in schema.renamed] == [("name", "title")]
    assert schema.reordered
    assert schema.key == ((), ("id",))
    assert not found.summary
    assert found
    assert "price: float64 → float32" in repr(schema)
    assert (
        repr(found) == "<t: +1 column, −1 column, retyped 1 column, renamed 1 column, columns reordered, another key>"
    )


def test_only_some_columns(diff: TableDiff) -> None:
    found = diff.only("name")
    assert found.summary.cells_changed == {"name": 1}
    assert found.summary.rows_changed == 1
    assert list(found.added.columns) == ["id", "name"]
    assert list(diff.only(ignore=["price", "kind"]).changed) == ["name"]
    with pytest.raises(UnknownName, match="name"):
        diff.only("nam")


def test_tolerance(repo: Repository) -> None:
    old = pd.DataFrame({"x": [1.0, 100.0, np.nan, np.inf, 0.0, 1.0], "n": [1, 2, 3, 4, 5, 6]})
    new = pd.DataFrame({"x": [1.001, 101.0, 1.0, 5.0, 1e-9, np.inf], "n": [1, 2, 3, 4, 5, 7]})
    versions = stored(repo, old), stored(repo, new)
    assert diff_of(*versions).summary.cells_changed == {"x": 6, "n": 1}
    found = diff_of(*versions, options=DiffOptions(rtol=0.005, atol=1e-6))
    assert found.summary.cells_changed == {"x": 4, "n": 1}
    assert found.changed["x"]["row_b"].tolist() == [1, 2, 3, 5]


def test_names_that_occur_twice_and_names_of_our_own(repo: Repository) -> None:
    old = pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["x", "x", "old"])
    new = pd.DataFrame([[1, 7, 3], [8, 5, 6]], columns=["x", "x", "old"])
    found = diff_of(stored(repo, old, ["old"]), stored(repo, new, ["old"]), by="key")
    assert found.summary.cells_changed == {"x": 1, "x_1": 1}
    assert found.changed["x_1"]["new"].tolist() == [7]
    for engine in ("pandas", "polars", "arrow"):
        frame = found.using(engine).changed["x"]
        names = frame.column_names if engine == "arrow" else list(frame.columns)
        assert names == ["old_", "row_a", "row_b", "old", "new"]


def index_frames() -> list[Any]:
    levels = pd.MultiIndex.from_arrays([["a", "a", "b"], [1, 2, 1]], names=[None, "n"])
    return [
        pd.DataFrame({"x": [1, 2, 3]}, index=pd.Index([10, 20, 30], name="k")),
        pd.DataFrame({"x": [1, 2, 3]}, index=pd.date_range("2020", periods=3, freq="D")),
        pd.DataFrame({"x": [1, 2, 3]}, index=levels),
        pd.DataFrame(index=levels),
        pd.Series([1, 2, 3], index=["p", "q", "r"], name="s"),
    ]


@pytest.mark.parametrize("place", range(5))
def test_rows_by_index(repo: Repository, place: int) -> None:
    old = index_frames()[place]
    new = old.iloc[[0, 2]].copy()
    if place < 3:
        new.iloc[1, 0] = 30
    found = diff_of(stored(repo, old), stored(repo, new), [0, 2], by="index")
    compare = pd.testing.assert_series_equal if isinstance(old, pd.Series) else pd.testing.assert_frame_equal
    compare(found.removed, old.iloc[[1]], check_freq=False)
    assert found.key == tuple(
        name or f"level_{i}" if old.index.nlevels > 1 else name or "index" for i, name in enumerate(old.index.names)
    )
    if place < 3:
        frame = found.changed["x"]
        assert frame["new"].tolist() == [30]
        assert frame[found.key[-1]].tolist() == [old.index[2][-1] if place == 2 else old.index[2]]


def test_numbered_rows_keep_their_labels(repo: Repository) -> None:
    old = pd.DataFrame({"x": range(6)}, index=pd.RangeIndex(100, 88, -2, name="r"))
    found = diff_of(stored(repo, old), stored(repo, old.iloc[[0, 1, 4]].reset_index(drop=True)), [0, 1, 4])
    assert found.removed.index.equals(pd.Index([96, 94, 90], name="r"))
    assert found.removed.index.name == "r"
