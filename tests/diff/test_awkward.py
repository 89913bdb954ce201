"""Diffs of awkward versions: keys that identify nothing or are gone, columns that come back, no rows, all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lineageflow_jupyter import paging
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import KeyViolation, UnknownName, UnsupportedData
from lineageflow_jupyter.model.diffs import Cell
from lineageflow_jupyter.repository import Repository
from tests.repositories import state

ITEMS = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "price": [1.5, np.nan, -0.0, 4.0],
        "name": pd.Series(["a", "ü", None, "d"], dtype="string"),
        "kind": pd.Categorical(["x", "y", "x", None]),
    }
)


def committed(repo: Repository, *frames: Any, key: Sequence[str] = ()) -> TableDiff:
    """Diff of the last two of some frames, committed one after the other."""
    for number, frame in enumerate(frames):
        repo.commit({"t": frame}, message=f"version {number}", keys={"t": list(key)})
    return repo.diff("HEAD~1", "HEAD")["t"]


def counts(diff: TableDiff) -> tuple[int, int, int, dict[str, int]]:
    """Rows added, removed and moved, and cells changed."""
    found = diff.summary
    return found.rows_added, found.rows_removed, found.rows_moved, dict(found.cells_changed)


# --- labels and keys that do not identify rows -----------------------------------------------------------------------


def test_labels_that_repeat_do_not_identify_rows_even_if_none_changed(repo: Repository) -> None:
    times = pd.DatetimeIndex(["2026-01-01", "2026-01-01", "2026-01-02"], name="t")
    repo.commit({"t": pd.DataFrame({"x": [1, 2, 3]}, index=times)}, message="old")
    found = repo.diff_frame("t", pd.DataFrame({"x": [2, 1, 3]}, index=times))
    assert found.by == "content"
    assert (found.summary.rows_moved, found.summary.cells) == (1, 0)


def test_a_key_that_is_asked_for_must_identify_rows_even_if_none_changed(repo: Repository) -> None:
    repo.commit({"t": pd.DataFrame({"group": ["a", "a"], "x": [1, 2]})}, message="old")
    with pytest.raises(KeyViolation, match="not unique: group='a'"):
        repo.diff_frame("t", pd.DataFrame({"group": ["a", "a"], "x": [1, 3]}), key="group")


@pytest.mark.parametrize("kind", ["text", "interval"])
def test_categories_as_labels(repo: Repository, kind: str) -> None:
    """As `pd.cut` and `groupby` give them. Intervals are no key: a lower and an upper end are not one value."""

    def grouped(values: range, bins: int) -> Any:
        x = pd.Series(values)
        by = pd.cut(x, bins) if kind == "interval" else pd.Categorical(np.where(x % bins == 0, "a", "b"), ["b", "a"])
        return x.groupby(by, observed=True).mean().to_frame("mean")

    repo.commit({"t": grouped(range(10), 2)}, message="old")
    repo.commit({"t": grouped(range(12), 3)}, message="new")
    found = repo.diff("HEAD~1", "HEAD")["t"]
    assert found.by == ("content" if kind == "interval" else "index")
    pd.testing.assert_frame_equal(found.apply(grouped(range(10), 2)), grouped(range(12), 3))


# --- rows that are hard to tell apart --------------------------------------------------------------------------------


def test_rows_that_only_a_rarely_telling_column_tells_apart(repo: Repository) -> None:
    """Of many rows only some columns are looked at first: here the number, which nearly always tells rows apart."""
    rows = 150_000
    rng = np.random.default_rng(0)
    number = rng.permutation(rows)
    number[rng.choice(rows, 900, replace=False)] = np.repeat(np.arange(100) - 200, 9)
    old = pd.DataFrame({"number": number, "kind": rng.integers(0, 3, rows), "flag": rng.random(rows) < 0.5})
    repo.commit({"t": old}, message="old")
    found = repo.diff_frame("t", old.sample(frac=1, random_state=0, ignore_index=True))
    assert (found.summary.rows_added, found.summary.rows_removed, found.summary.cells) == (0, 0, 0)


@pytest.mark.parametrize("by", ["content", "key", "index"])
def test_rows_that_repeat_or_are_put_twice(repo: Repository, by: str) -> None:
    """Without a key as many of several equal rows are removed as there are less of them, wherever they stood."""
    once = ITEMS.set_index("id") if by == "index" else ITEMS
    twice = pd.concat([once, once.iloc[[1, 1]], once.iloc[[0]]])
    if by == "key":
        before = state(repo)
        with pytest.raises(KeyViolation, match="not unique: id=2 appears again in row 4"):
            repo.commit({"t": twice}, message="twice", keys={"t": ["id"]})
        assert state(repo) == before
        return
    found = committed(repo, twice, twice.iloc[[4, 0, 3, 2]])
    assert found.by == "content"
    assert (found.summary.rows_added, found.summary.rows_removed, found.summary.cells) == (0, 3, 0)
    assert sorted(found.removed["name"]) == ["a", "ü", "ü"]


# --- no rows, all rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize("key", [(), ("id",)], ids=["no key", "key"])
@pytest.mark.parametrize("sides", [(0, 4), (4, 0), (0, 0)], ids=str)
def test_no_rows(repo: Repository, sides: tuple[int, int], key: tuple[str, ...], library: str) -> None:
    make = {"pandas": pd.DataFrame, "polars": pl.from_pandas, "arrow": pa.Table.from_pandas}[library]
    old, new = make(ITEMS.head(sides[0])), make(ITEMS.head(sides[1]))
    repo.commit({"t": old}, message="old", keys={"t": list(key)})
    found = repo.diff_frame("t", new)
    assert bool(found) == (sides != (0, 0))
    assert counts(found) == (sides[1], sides[0], 0, {})
    for frame, rows in ((found.added, sides[1]), (found.removed, sides[0])):
        assert frame.shape == (rows, 4)
    if library == "pandas":
        pd.testing.assert_frame_equal(found.added, new, check_index_type=False)
        pd.testing.assert_frame_equal(found.removed, old, check_index_type=False)
    assert [row.kind for row in found.page()] == ["added"] * sides[1] + ["removed"] * sides[0]
    assert len(found.cells) == len(found.moved) == len(found.changed) == 0
    assert found.to_arrow().num_rows == sum(sides) * (4 - len(key))
    assert found.apply(old).shape == new.shape


def test_all_rows_replaced(repo: Repository) -> None:
    """With a key these are other rows; without, as many rows in the same place are edits, more or fewer are others."""
    other = ITEMS.assign(
        id=[7, 8, 9, 10], price=9.0, name=pd.array(["p", "q", "r", "s"], "string"), kind=pd.Categorical(["z"] * 4)
    )
    assert counts(committed(repo, ITEMS, other, key=["id"])) == (4, 4, 0, {})
    assert counts(committed(repo, ITEMS, other)) == (0, 0, 0, dict.fromkeys(ITEMS.columns, 4))
    longer = pd.concat([other, other.assign(id=[11, 12, 13, 14])], ignore_index=True)
    found = committed(repo, ITEMS, longer)
    assert counts(found) == (8, 4, 0, {})
    pd.testing.assert_frame_equal(found.apply(ITEMS), longer)


def test_a_million_changed_cells(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted and the first page is told; neither makes texts of the others."""
    rows = 1_000_000
    old = pd.DataFrame({"id": np.arange(rows), "x": np.arange(rows) * 0.5})
    repo.commit({"t": old}, message="old", keys={"t": ["id"]})
    found = repo.diff_frame("t", old.assign(x=old["x"] + 1))
    told: list[int] = []
    texts = paging.texts_at
    monkeypatch.setattr(paging, "texts_at", lambda *a: told.append(len(a[2])) or texts(*a))
    assert counts(found) == (0, 0, 0, {"x": rows})
    page = found.page(0, 50)
    assert (page.rows, page.hunks_in_all, len(list(page))) == (rows, 1, 50)
    assert next(iter(page)).cells[1] == Cell("changed", "0.0", "1.0")
    assert max(told) == 50
    assert sum(len(row) for row in found.to_json()["page"]["hunks"]) < 1000
    assert next(iter(found.batches())).num_rows < rows


# --- columns that come, go and change --------------------------------------------------------------------------------


def test_a_column_that_was_dropped_and_comes_back(repo: Repository) -> None:
    without = ITEMS.drop(columns="name")
    found = committed(repo, ITEMS, without, ITEMS, key=["id"])
    assert [column.name for column in found.schema.added] == ["name"]
    assert counts(found) == (0, 0, 0, {})
    assert [[cell.state for cell in row.cells] for row in found.page()] == []
    assert repo.diff("HEAD~2", "HEAD") == {}
    again = repo.diff_frame("HEAD~1:t", ITEMS.assign(name="new"))
    assert [column.name for column in again.schema.added] == ["name"]
    pd.testing.assert_frame_equal(found.apply(without), ITEMS)


def test_a_column_renamed_and_edited_is_another_column(repo: Repository) -> None:
    """Only equal values say that it is the same one; which of two equal columns it was, nobody can say."""
    renamed = ITEMS.rename(columns={"price": "cost"})
    found = committed(repo, ITEMS, renamed, key=["id"])
    assert [(each.old, each.name) for each in found.schema.renamed] == [("price", "cost")]
    assert not found.schema.added
    edited = repo.diff_frame("HEAD~1:t", renamed.assign(cost=[1.5, 2.0, -0.0, 4.0]))
    assert [column.name for column in edited.schema.added] == ["cost"]
    assert [column.name for column in edited.schema.dropped] == ["price"]
    twins = repo.diff_frame("HEAD~1:t", renamed.assign(worth=renamed["cost"]))
    assert [column.name for column in twins.schema.added] == ["cost", "worth"]
    assert not twins.schema.renamed


@pytest.mark.parametrize("change", [lambda x: x.astype("str"), lambda x: x > 1, lambda x: pd.to_timedelta(x, unit="s")])
def test_values_of_two_types_are_told_but_not_compared(repo: Repository, change: Any) -> None:
    other = ITEMS.assign(price=change(ITEMS["price"].fillna(0.0)), name=["a", "ü", "c", "d"])
    found = committed(repo, ITEMS, other, key=["id"])
    assert [each.name for each in found.schema.retyped] == ["price"]
    assert counts(found) == (0, 0, 0, {"name": 1})
    (row,) = found.page()
    assert [cell.state for cell in row.cells] == ["same", "retyped", "changed", "same"]
    assert row.cells[1].old == "-0.0"
    with pytest.raises(UnknownName, match="price"):
        found.changed["price"]
    with pytest.raises(KeyViolation, match="once and with the same type"):
        repo.diff("HEAD~1", "HEAD", key="price")
    pd.testing.assert_frame_equal(found.apply(ITEMS), other)


def test_categories(repo: Repository) -> None:
    """A cell changed if its value did, whatever its number among the categories."""

    def told(kind: pd.Series) -> tuple[dict[str, int], bool]:
        found = repo.diff_frame("t", ITEMS.assign(kind=kind))
        return dict(found.summary.cells_changed), bool(found.schema.described)

    repo.commit({"t": ITEMS}, message="old")
    kind = ITEMS["kind"]
    assert told(kind.cat.reorder_categories(["y", "x"])) == ({}, True)
    assert told(kind.cat.add_categories(["z"])) == ({}, True)
    assert told(kind.cat.as_ordered()) == ({}, True)
    assert told(kind.cat.rename_categories({"x": "X"})) == ({"kind": 2}, True)
    assert told(kind.cat.rename_categories({"x": "y", "y": "x"})) == ({"kind": 3}, True)
    assert told(kind.cat.remove_categories(["y"])) == ({"kind": 1}, True)


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        (pd.array([1, None, 3, 4], "Int64"), "'id' of 't' has no value in row 1"),
        ([1.0, np.nan, 3.0, 4.0], "'id' of 't' has no value in row 1"),
        ([1, 2, 2, 4], "not unique: id=2 appears again in row 2"),
    ],
    ids=["null", "NaN", "twice"],
)
def test_a_key_with_nulls_or_repeats_is_refused_at_commit_and_told_by_content(
    repo: Repository, ids: Any, why: str
) -> None:
    repo.commit({"t": ITEMS}, message="old", keys={"t": ["id"]})
    before, broken = state(repo), ITEMS.assign(id=ids)
    with pytest.raises(KeyViolation, match=why):
        repo.commit({"t": broken}, message="new")
    assert state(repo) == before
    found = repo.diff_frame("t", broken)  # a live frame is shown all the same
    assert found.by == "content"
    assert (found.summary.rows_added, found.summary.rows_removed) == (0, 0)
    with pytest.raises(KeyViolation, match=why if found.schema.retyped == () else "same type"):
        repo.diff_frame("t", broken, key="id")


def test_a_key_that_vanished(repo: Repository) -> None:
    """Rows are then found by what they hold, in both directions; asking for the key says what can be asked for."""
    without = ITEMS.drop(columns="id").iloc[[2, 0, 1]]
    repo.commit({"t": ITEMS}, message="old", keys={"t": ["id"]})
    before = state(repo)
    with pytest.raises(KeyViolation, match="key column 'id' of 't' does not exist"):
        repo.commit({"t": without}, message="new")
    assert state(repo) == before
    repo.commit({"t": without}, message="new", keys={"t": []})
    for old, new, rows, key in (("HEAD~1", "HEAD", (0, 1), (("id",), ())), ("HEAD", "HEAD~1", (1, 0), ((), ("id",)))):
        found = repo.diff(old, new)["t"]
        assert (found.by, found.key) == ("content", ())
        assert (found.summary.rows_added, found.summary.rows_removed) == rows
        assert found.summary.cells == 0
        assert found.schema.key == key
        with pytest.raises(KeyViolation, match=r"key id of 't': .* in both versions.*Choose from: price, name, kind"):
            repo.diff(old, new, key="id")


def test_a_key_that_was_renamed_still_identifies_rows(repo: Repository) -> None:
    repo.commit({"t": ITEMS}, message="old", keys={"t": ["id"]})
    repo.commit({"t": ITEMS.rename(columns={"id": "number"})}, message="new", keys={"t": ["number"]})
    found = repo.diff("HEAD~1", "HEAD")["t"]
    assert counts(found) == (0, 0, 0, {})
    assert [(each.old, each.name) for each in found.schema.renamed] == [("id", "number")]
    assert found.schema.key == (("id",), ("number",))


# --- labels ----------------------------------------------------------------------------------------------------------

LABELS: dict[str, Any] = {
    "named": pd.Index([10, 20, 35, 40], name="id"),
    "texts": pd.Index(["a", "ü", "", "d"], name=None),
    "times": pd.date_range("2026-03-29", periods=4, freq="h", tz="UTC").tz_convert("Europe/Berlin"),
    "levels": pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a"), (2, "c")], names=["day", None]),
    "periods": pd.period_range("2026-01", periods=4, freq="M"),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_mean_something_are_a_key(repo: Repository, name: str) -> None:
    """Where rows are matched by labels, one that is edited in all its cells and moves is still the same row."""
    old = ITEMS.drop(columns="id").set_axis(LABELS[name], axis=0)
    new = old.iloc[[3, 0, 1]].copy()
    new["price"] = [7.0, 8.0, np.nan]
    found = committed(repo, old, new)
    assert found.by == "index"
    assert found.changes.alignment.sources().tolist() == [3, 0, 1]
    assert counts(found) == (0, 1, 1, {"price": 2})
    pd.testing.assert_frame_equal(found.removed, old.iloc[[2]], check_freq=False)
    assert len(found.key) == old.index.nlevels
    cells = found.changed["price"]
    assert cells[found.key[0]].tolist() == [label if old.index.nlevels == 1 else label[0] for label in new.index[:2]]
    by_content = repo.diff_frame("HEAD~1:t", new.reset_index(drop=True).iloc[[1, 2, 0]].reset_index(drop=True))
    assert by_content.by == "content"


@pytest.mark.parametrize("reset", [False, True], ids=["labels", "reset"])
def test_a_filter_removes_rows_and_edits_none(repo: Repository, reset: bool) -> None:
    kept = ITEMS[ITEMS["price"] != 4.0].iloc[1:]
    found = committed(repo, ITEMS, kept.reset_index(drop=True) if reset else kept)
    assert found.by == "content"
    assert counts(found) == (0, 2, 0, {})
    assert found.removed["id"].tolist() == [1, 4]


def test_labels_on_one_side_alone_identify_nothing(repo: Repository) -> None:
    labelled = ITEMS.set_index("id")
    found = committed(repo, labelled, labelled.iloc[[2, 0, 3]].reset_index())
    assert found.by == "content"
    assert counts(found) == (0, 1, 1, {})
    pd.testing.assert_frame_equal(found.apply(labelled), labelled.iloc[[2, 0, 3]].reset_index())


# --- nothing in common, and what cannot be stored --------------------------------------------------------------------


def test_unrelated_datasets(repo: Repository) -> None:
    other = pd.DataFrame({"z": ["p", "q"]})
    repo.commit({"a": ITEMS, "b": other, "c": ITEMS.iloc[::-1].assign(price=0.5)}, message="three", keys={"a": ["id"]})
    (found,) = repo.diff("HEAD:a", "HEAD:b").values()
    assert counts(found) == (2, 4, 0, {})
    assert [column.name for column in found.schema.dropped] == list(ITEMS.columns)
    pd.testing.assert_frame_equal(found.apply(ITEMS), other)
    (alike,) = repo.diff("HEAD:a", "HEAD:c").values()
    assert (alike.by, alike.dataset) == ("key", "c")
    assert counts(alike) == (0, 0, 3, {"price": 4})
    with pytest.raises(KeyViolation, match="The versions have no column in common"):
        repo.diff("HEAD:a", "HEAD:b", key="id")
    with pytest.raises(UnknownName, match="nope"):
        repo.diff("HEAD:a", "HEAD:nope")


def test_a_live_frame_that_cannot_be_stored(repo: Repository) -> None:
    """What is wrong is told with its place; nothing is lost, and the other columns can still be compared."""
    repo.commit({"t": ITEMS}, message="old", keys={"t": ["id"]})
    before = state(repo)
    mixed = ITEMS.assign(price=pd.Series([1.5, "two", None, 4.0], dtype=object))
    for frame, why in (
        (mixed, r"'t': column 'price', row 1 \(label 1\): 'two': is of the class str"),
        ({"id": [1]}, "not a frame"),
        (None, "not a frame"),
    ):
        with pytest.raises(UnsupportedData, match=why):
            repo.diff_frame("t", frame)
    assert state(repo) == before
    found = repo.diff_frame("t", mixed.drop(columns="price").assign(name="x"))
    assert counts(found) == (0, 0, 0, {"name": 4})
