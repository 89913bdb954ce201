"""Changed cells in `status` and `show`: right, read from few chunks, and left out where a number would mislead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter import counting
from lineageflow_jupyter.kernel.wording import change_text
from lineageflow_jupyter.model.changes import differing
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import ChunkRef, Column
from lineageflow_jupyter.model.reports import DatasetChange, TableShape
from lineageflow_jupyter.model.types import LogicalType
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.tables import TableReader

ROWS = 300_000


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as repository:
        yield repository


def long_frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "delay": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS)),
            "name": pd.Series(rng.choice(["ß", "b", "c"], ROWS)).mask(rng.random(ROWS) < 0.1),
            "kind": pd.Categorical(rng.choice(["x", "y"], ROWS), ["x", "y", "z"]),
        }
    )


def change_of(repo: Repository, frame: object, dataset: str = "t") -> DatasetChange:
    (status,) = [found for found in repo.status({dataset: frame}).datasets if found.dataset == dataset]
    assert status.change is not None
    return status.change


def test_status_and_show_count_the_same_cells(repo: Repository) -> None:
    frame = long_frame()
    repo.commit({"t": frame}, message="raw")
    rows = np.random.default_rng(1).choice(ROWS, 40, replace=False)
    frame.loc[rows, "delay"] = 1e9
    frame.loc[rows[:3], "name"] = "new"
    frame.loc[rows[0], "kind"] = "z"
    found = change_of(repo, frame)
    assert found.cells == {"delay": 40, "name": 3, "kind": 1}
    assert change_text(found) == "44 cells (delay, name, kind)"
    repo.commit({"t": frame}, message="mended")
    (shown,) = repo.show().changes
    assert shown.cells == found.cells


def test_polars_and_index_levels_count_too(repo: Repository) -> None:
    repo.commit({"p": pl.DataFrame({"a": [[1], [2], None], "b": ["x", "y", "z"]})}, message="polars")
    assert change_of(repo, pl.DataFrame({"a": [[1], [3], []], "b": ["x", "y", "z"]}), "p").cells == {"a": 2}
    frame = pd.DataFrame({"x": [1, 2, 3, 4]}, index=pd.Index(list("abcd"), name="letter"))
    repo.commit({"i": frame}, message="indexed")
    assert change_of(repo, frame.rename(index={"d": "e"}), "i").cells == {"letter": 1}


def test_only_chunks_that_differ_are_read(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = long_frame()
    repo.commit({"t": frame}, message="raw")
    frame.loc[ROWS // 2, "delay"] = 5.0
    read: list[ObjectId] = []
    planned = ObjectReader.read_many
    monkeypatch.setattr(ObjectReader, "read_many", lambda self, ids: read.extend(ids) or planned(self, ids))
    assert change_of(repo, frame).cells == {"delay": 1}
    assert len(read) == 1


def test_a_retyped_column_is_named_and_not_counted(repo: Repository) -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 2, 3, 4]})
    repo.commit({"t": frame}, message="raw")
    found = change_of(repo, frame.assign(x=frame.x.astype("int32"), y=[1, 2, 3, 5]))
    assert found.cells == {"y": 1}
    assert change_text(found) == "1 cell (y), 1 column changed (x)"


def test_columns_of_one_name_count_together(repo: Repository) -> None:
    frame = pd.DataFrame([[1, 1], [2, 2], [3, 3], [4, 4]], columns=["x", "x"])
    repo.commit({"t": frame}, message="raw")
    edited = frame.copy()
    edited.iloc[0, 0] = edited.iloc[1, 1] = 9
    assert change_text(change_of(repo, edited)) == "2 cells (x)"


def test_other_rows_are_not_counted_row_by_row(repo: Repository) -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 2, 3, 4]})
    repo.commit({"t": frame}, message="raw")
    found = change_of(repo, frame.drop(index=0))
    assert found.cells is None
    assert change_text(found) == "−1 row"


def test_a_sort_is_told_by_the_names_of_columns(repo: Repository) -> None:
    frame = pd.DataFrame({"x": np.arange(1000), "y": np.arange(1000) % 7, "one": 1})
    repo.commit({"t": frame}, message="raw")
    told = change_text(change_of(repo, frame.sort_values("x", ascending=False, ignore_index=True)))
    assert told == "2 columns changed (x, y)"


def test_too_much_to_read_falls_back_to_names(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = long_frame()
    repo.commit({"t": frame}, message="raw")
    frame["name"] = frame["name"] + "!"
    monkeypatch.setattr(counting, "BUDGET_BYTES", 10_000)
    with monkeypatch.context() as patch:
        patch.setattr(TableReader, "stored_bytes", lambda self, columns: pytest.fail("the catalog is asked in vain"))
        assert change_of(repo, frame).cells is None
    monkeypatch.setattr(counting, "_CODE_BYTES", 0)  # so that what the chunks take in the store decides
    assert change_of(repo, frame).cells is None
    assert change_text(change_of(repo, frame)) == "1 column changed (name)"


def test_status_can_do_without_reading(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 4]})
    repo.commit({"t": frame}, message="raw")
    monkeypatch.setattr(ObjectReader, "read_many", lambda self, ids: pytest.fail("something is read"))
    (status,) = repo.status({"t": frame + 1}, cells=False).datasets
    assert status.change is not None
    assert (status.state, status.change.cells) == ("changed", None)


def test_a_damaged_store_does_not_hide_what_changed(repo: Repository, tmp_path: Path) -> None:
    frame = long_frame()
    repo.commit({"t": frame}, message="raw")
    frame.loc[0, "delay"] = 5.0
    for pack in (tmp_path / ".lineageflow").rglob("*.pack"):
        pack.chmod(0o644)
        data = bytearray(pack.read_bytes())
        data[: len(data) // 2] = bytes(len(data) // 2)
        pack.write_bytes(data)
    found = change_of(repo, frame)
    assert (found.columns_changed, found.cells) == (("delay",), None)


def test_texts() -> None:
    shape = TableShape(100, 3)
    changed = DatasetChange("f", "changed", shape, TableShape(100, 4), ("speed",), ("gone",), ("a", "b", "c"))
    assert change_text(changed) == "+1 column (speed), −1 column (gone), 3 columns changed (a, b, c)"
    counted = DatasetChange("f", "changed", shape, shape, (), (), ("a", "b", "c"), cells={"a": 1, "b": 50, "c": 51})
    assert change_text(counted) == "51 cells (a, b), 1 column changed (c)"
    rows = DatasetChange("f", "changed", TableShape(2000, 2), TableShape(500, 2), (), (), ("a",))
    assert change_text(rows) == "−1,500 rows, 1 column changed (a)"


def column(*ids: int, rows: int = 3) -> Column:
    return Column(LogicalType("int64"), 1, tuple(ChunkRef(ObjectId(bytes([name])), rows + name % 3) for name in ids))


@given(st.lists(st.integers(0, 5), max_size=8), st.lists(st.integers(0, 5), max_size=8))
def test_what_differs_is_what_equal_chunks_at_one_place_leave_over(old: list[int], new: list[int]) -> None:
    """Naively: each row is marked by the chunk that it lies in and where that begins."""

    def marked(side: Column) -> list[tuple[int, bytes]]:
        marks: list[tuple[int, bytes]] = []
        for chunk in side.chunks:
            marks += [(len(marks), chunk.id)] * chunk.rows
        return marks

    one, other = column(*old), column(*new)
    if one.rows != other.rows:
        return
    before, after = marked(one), marked(other)
    expected = [row for row in range(one.rows) if before[row] != after[row]]
    found = differing(one, other)
    assert [row for part in found.rows for row in part] == expected
    assert all(a.stop < b.start for a, b in zip(found.rows, found.rows[1:], strict=False))
    kept = [chunk for chunk in found.old.chunks for _ in range(chunk.rows)]
    assert [chunk.id for chunk in kept] == [before[row][1] for row in expected]
    kept = [chunk for chunk in found.new.chunks for _ in range(chunk.rows)]
    assert [chunk.id for chunk in kept] == [after[row][1] for row in expected]
