"""What a diff says and gives, of versions that are committed or live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter.diffing import DatasetDiffs, TableDiff
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.model.diffs import Cell, DiffOptions, DiffPage
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.tables import TableReader
from lineageflow_jupyter.testing.strategies import frames
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


def test_rows_with_changes_in_any_column_are_counted_once(repo: Repository) -> None:
    old = pd.DataFrame({"x": [1, 2, 3], "y": [1, 2, 3]})
    new = pd.DataFrame({"x": [1, 5, 3], "y": [7, 8, 3]})
    found = diff_of(stored(repo, old), stored(repo, new))
    assert found.summary.rows_changed == 2
    assert [row.row_b for row in found.page()] == [0, 1]


def test_data_columns_keep_their_names_rather_than_index_levels(repo: Repository) -> None:
    old = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="x"))
    found = diff_of(stored(repo, old), stored(repo, old.assign(x=[1, 3])), by="index")
    assert found.key == ("x_1",)
    assert found.changed["x"]["x_1"].tolist() == ["b"]


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


# --- texts, pages, other forms ---------------------------------------------------------------------------------------


def test_cells_are_texts_of_all_columns(diff: TableDiff) -> None:
    cells = diff.cells
    assert list(cells.columns) == ["id", "row_a", "row_b", "column", "old", "new"]
    assert cells["id"].tolist() == [2, 5, 2]
    assert cells["column"].tolist() == ["price", "price", "name"]
    assert cells["old"].tolist() == ["NaN", "5.0", "b"]
    assert cells["new"].tolist() == ["2.5", "NaN", "B"]


def told(page: DiffPage) -> list[tuple[str, int | None, int | None]]:
    return [(row.kind, row.row_a, row.row_b) for row in page]


def test_a_page_has_the_rows_in_their_order(diff: TableDiff) -> None:
    page = diff.page(0, 10)
    assert told(page) == [
        ("moved", 3, 1),
        ("changed", 1, 2),
        ("removed", 2, None),
        ("changed", 4, 3),
        ("added", None, 4),
    ]
    assert (page.start, page.stop, page.rows, page.hunks_in_all) == (0, 5, 5, 1)
    assert [(column.name, column.key) for column in page.columns] == [
        ("id", True),
        ("price", False),
        ("name", False),
        ("kind", False),
    ]
    rows = list(page)
    assert rows[1].cells == (
        Cell("same", new="2"),
        Cell("changed", "NaN", "2.5"),
        Cell("changed", "b", "B"),
        Cell("same", new="y"),
    )
    assert rows[2].cells == (Cell("same", old="3"), Cell("same", old="3.0"), Cell("same"), Cell("same", old="x"))
    assert rows[3].cells[1] == Cell("changed", "5.0", "NaN")
    assert rows[4].cells[3] == Cell("same", new="z")
    assert told(diff.page(1, 3)) == told(page)[1:3]
    assert told(diff.page(0, 10, context=1))[0] == ("context", 0, 0)
    assert diff.page(7, 9).hunks == ()


def test_a_page_tells_columns_of_one_side(repo: Repository) -> None:
    after = BEFORE.drop(columns="kind").assign(extra=[7, 8, 9, 10, 11]).astype({"price": "float32"}).drop(index=1)
    after.loc[0, "name"] = "A"
    after = pd.concat([after, pd.DataFrame({"id": [6], "price": [1], "name": ["f"], "extra": [12]})])
    after = after.astype({"price": "float32"}).reset_index(drop=True)
    found = diff_of(stored(repo, BEFORE), stored(repo, after), [0, 2, 3, 4, -1]).page()
    assert [column.state for column in found.columns] == ["same", "retyped", "same", "added", "dropped"]
    assert [[cell.state for cell in row.cells] for row in found] == [
        ["same", "retyped", "changed", "added", "removed"],
        ["same", "same", "same", "absent", "same"],
        ["same", "same", "same", "same", "absent"],
    ]
    first = next(iter(found)).cells
    assert first[1] == Cell("retyped", "1.0", "1.0")
    assert first[4] == Cell("removed", old="x")


def test_a_page_of_a_long_diff_reads_its_rows_only(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    old = pd.DataFrame({"x": rng.normal(size=300_000), "s": rng.integers(0, 10**9, 300_000).astype(str)})
    new = old.copy()
    new.loc[::3, "x"] += 1
    found = diff_of(stored(repo, old), stored(repo, new))
    assert found.page(0, 1).rows == 100_000
    read: list[int] = []
    read_group = TableReader._read_group

    def counted(self: Any, columns: Any, *rest: Any) -> Any:
        read.extend(column.rows for _, column in columns)
        return read_group(self, columns, *rest)

    monkeypatch.setattr(TableReader, "_read_group", counted)
    page = found.page(50_000, 50_010)
    assert [row.row_b for row in page] == list(range(150_000, 150_030, 3))
    assert 0 < sum(read) < 300_000


def test_long_form(diff: TableDiff) -> None:
    table = diff.to_arrow()
    assert table.column_names == ["operation", "id", "row_a", "row_b", "column", "old", "new"]
    assert table.schema.field("id").type == pa.int64()
    assert table.to_pylist() == [
        {"operation": operation, "id": key, "row_a": a, "row_b": b, "column": column, "old": old, "new": new}
        for operation, key, a, b, column, old, new in [
            ("delete", 3, 2, None, "price", "3.0", None),
            ("delete", 3, 2, None, "name", None, None),
            ("delete", 3, 2, None, "kind", "x", None),
            ("insert", 9, None, 4, "price", None, "9.0"),
            ("insert", 9, None, 4, "name", None, "n"),
            ("insert", 9, None, 4, "kind", None, "z"),
            ("update", 2, 1, 2, "price", "NaN", "2.5"),
            ("update", 5, 4, 3, "price", "5.0", "NaN"),
            ("update", 2, 1, 2, "name", "b", "B"),
        ]
    ]
    assert pa.table(diff).equals(table)


def test_rows_without_cells_in_long_form(repo: Repository) -> None:
    old = pd.DataFrame({"id": [1, 2]})
    table = diff_of(stored(repo, old, ["id"]), stored(repo, old.iloc[:1], ["id"]), by="key").to_arrow()
    assert table.select(["operation", "id", "column"]).to_pylist() == [{"operation": "delete", "id": 2, "column": None}]


def test_json_is_bounded(repo: Repository, diff: TableDiff) -> None:
    document = json.loads(json.dumps(diff.to_json()))
    assert document["summary"]["cells_changed"] == {"price": 2, "name": 1}
    assert document["page"]["hunks"][0]["rows"][1]["cells"][1] == ["changed", "NaN", "2.5"]
    long = pd.DataFrame({"s": ["é" * 50_000] * 3})
    found = TableDiff(None, stored(repo, long))
    assert len(json.dumps(found.to_json(2), ensure_ascii=False)) < 5_000
    assert len(next(iter(found.page())).cells[0].new or "") == 50_000


def test_datasets_that_differ(diff: TableDiff) -> None:
    found = DatasetDiffs({"t": diff})
    assert found["t"] is diff
    assert list(found.summary) == ["t"]
    assert repr(found) == repr(diff)
    assert "t" in found
    with pytest.raises(UnknownName, match="differ"):
        found["u"]


def test_distributions(repo: Repository) -> None:
    moments = pd.to_datetime(["2020-01-01", "2020-01-03", None]).tz_localize("Europe/Berlin")
    old = pd.DataFrame({"x": [1.0, 2.0, np.nan], "k": ["a", "a", None], "t": moments, "gone": 1})
    new = pd.DataFrame({"x": [1.0, 3.0, 3.0, np.inf], "k": pd.Categorical(list("abba"))})
    found = diff_of(stored(repo, old), stored(repo, new), [0, 1, 2, -1]).distribution
    before, after = found["x"].before, found["x"].after
    assert before is not None
    assert after is not None
    assert (before.rows, before.nulls, before.nans, before.distinct) == (3, 0, 1, 3)
    assert (before.minimum, before.maximum, before.mean) == (1.0, 2.0, 1.5)
    assert dict(before.quantiles)[0.5] == 1.5
    assert (after.maximum, after.top[0]) == (np.inf, (3.0, 2))
    moment = found["t"].before
    assert moment is not None
    assert str(moment.mean) == "2020-01-02 00:00:00+01:00"
    assert found["gone"].after is None
    assert found["k"].after is not None
    assert found["k"].after.top == (("a", 2), ("b", 2))


# --- apply -----------------------------------------------------------------------------------------------------------


def ids(repo: Repository, frame: Any) -> tuple[bytes, bytes]:
    entry = live(repo, frame).entry
    return entry.table, entry.frame


def test_apply_gives_the_newer_version(repo: Repository, diff: TableDiff) -> None:
    after, _ = edited()
    before = BEFORE.copy()
    found = diff.apply(before)
    pd.testing.assert_frame_equal(found, after)
    assert ids(repo, found) == (diff.new.entry.table, diff.new.entry.frame)
    found.loc[0, "price"] = -1.0
    pd.testing.assert_frame_equal(before, BEFORE)


def test_apply_refuses_what_is_not_the_older_version(diff: TableDiff) -> None:
    other = BEFORE.copy()
    other.loc[3, "price"] = 4.5
    for frame, why in [
        (BEFORE.iloc[:4], "5 rows were expected, 4 found"),
        (BEFORE.rename(columns={"price": "cost"}), "'price' was expected"),
        (BEFORE[["id"]], "4 columns"),
        (other, "column 'price' holds other values"),
        (BEFORE.astype({"id": "int32"}), "column 'id' holds other values"),
    ]:
        with pytest.raises(UsageProblem, match=why):
            diff.apply(frame)
    with pytest.raises(UsageProblem, match="None found"):
        diff.apply(None)
    with pytest.raises(UsageProblem, match="without these options"):
        diff.only("price").apply(BEFORE)


def test_apply_where_a_side_is_missing(repo: Repository) -> None:
    version = stored(repo, BEFORE)
    pd.testing.assert_frame_equal(TableDiff(None, version).apply(None), BEFORE)
    assert TableDiff(version, None).apply(BEFORE) is None


@st.composite
def histories(draw: Any) -> tuple[Any, Any, list[int]]:
    """A frame, one made of its rows or another one, and rows of the first that those of the second are said to be.

    Most are not: then all their cells count as changed.
    """
    old = draw(frames())
    any_rows = st.lists(st.sampled_from(range(len(old))), unique=True) if len(old) else st.just([])
    new = taken(old, draw(any_rows)) if draw(st.integers(0, 3)) else draw(frames())
    sources = draw(any_rows)[: len(new)]
    sources += [-1] * (len(new) - len(sources))
    return old, new, draw(st.permutations(sources))


def taken(frame: Any, rows: list[int]) -> Any:
    if isinstance(frame, pa.Table):
        return frame.take(pa.array(rows, pa.int64())) if frame.num_columns else frame.slice(0, len(rows))
    if isinstance(frame, pl.DataFrame | pl.Series):
        return frame[rows]
    return frame.iloc[rows]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_apply_gives_the_ids_of_the_newer_version_whatever_the_dtypes(
    repo: Repository, history: tuple[Any, Any, list[int]]
) -> None:
    old, new, sources = history
    found = diff_of(live(repo, old), live(repo, new), sources)
    again = found.apply(old)
    assert ids(repo, again) == ids(repo, new)
    assert len(found.added) == sources.count(-1)
    for column in found.changed:
        assert len(found.changed[column]) == found.summary.cells_changed[column]
    assert len(found.cells) == found.summary.cells
    assert sum(row.kind == "added" for row in found.page(0, 100)) == sources.count(-1)
    assert found.to_arrow().filter(pa.compute.field("operation") == "update").num_rows == found.summary.cells
    json.dumps(found.to_json())


# --- descriptions ----------------------------------------------------------------------------------------------------

PLAIN = pd.DataFrame(
    {"n": [1, 2], "k": pd.Categorical(["a", "b"], ["a", "b"]), "o": pd.Series([None, "x"], dtype=object)}
)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (PLAIN.astype({"n": "Int64"}), ["n: int64 → Int64"]),
        (
            PLAIN.assign(k=PLAIN["k"].cat.reorder_categories(["b", "a"])),
            ["k: category: a, b → category: b, a"],
        ),
        (
            PLAIN.assign(k=PLAIN["k"].cat.add_categories(["c"]).cat.as_ordered()),
            ["k: category: a, b → category, ordered: a, b, c"],
        ),
        (
            PLAIN.assign(o=pd.Series([np.nan, "x"], dtype=object)),
            ["o: object of str, missing as None → object of str, missing as NaN"],
        ),
        (PLAIN.rename_axis(index="row"), ["index: RangeIndex from 0 → RangeIndex from 0 named 'row'"]),
        (PLAIN.rename_axis(columns="what"), ["column labels: texts → texts named 'what'"]),
        (PLAIN.set_flags(allows_duplicate_labels=False), ["flags: allows_duplicate_labels=True → "]),
        (pl.DataFrame(PLAIN[["n"]]), ["library: pandas → polars"]),
    ],
)
def test_what_differs_besides_values(repo: Repository, frame: Any, expected: list[str]) -> None:
    before = PLAIN if isinstance(frame, pd.DataFrame) else PLAIN[["n"]]
    found = diff_of(stored(repo, before), live(repo, frame))
    told = [line.removeprefix("· ") for line in found.schema.lines()]
    assert len(told) == len(expected)
    assert all(line.startswith(text) for line, text in zip(told, expected, strict=True))
    assert not found
    assert diff_of(found.old, found.new, options=DiffOptions(exact=True))
    assert repr(found) == "<t: equal values, described otherwise>"
    assert "described" in found.to_json()["schema"]


def test_attrs_labels_and_kinds_of_missing_values(repo: Repository) -> None:
    def lines(old: Any, new: Any) -> list[str]:
        return list(diff_of(live(repo, old), live(repo, new)).schema.lines())

    other = PLAIN.copy()
    other.attrs = {"unit": "km"}
    assert lines(PLAIN, other) == ["· attrs: none → {'unit': 'km'}"]
    mixed = pd.DataFrame({"o": pd.Series([None, np.nan, "x"], dtype=object)})
    assert lines(mixed, mixed.iloc[[1, 0, 2]].reset_index(drop=True)) == [
        "· missing values: of some kinds → of other kinds"
    ]
    labels = pd.DataFrame([[1, 2]], columns=pd.Index([1, "b"], dtype=object))
    again = pd.DataFrame([[1, 2]], columns=pd.Index(["1", "b"], dtype=object))
    assert len(lines(labels, again)) == 2
    table = pa.table({"x": [1]}, schema=pa.schema([pa.field("x", pa.int64(), nullable=False)]))
    assert lines(table, pa.table({"x": [1]}))[0].startswith("· x: not nullable")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(frames(), frames())
def test_a_schema_is_told_of_any_two_frames(repo: Repository, one: Any, other: Any) -> None:
    found = diff_of(live(repo, one), live(repo, other), [-1] * len(other))
    assert all(isinstance(line, str) for line in found.schema.lines())
    assert repr(found)
    assert not diff_of(live(repo, one), live(repo, one)).schema.described


# --- through the repository ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_apply_of_what_the_repository_finds(repo: Repository, history: tuple[Any, Any, list[int]]) -> None:
    old, new, _ = history
    repo.commit({"u": old}, message="old")
    found = repo.diff_frame("u", new)
    assert ids(repo, found.apply(old)) == ids(repo, new)
    summary = found.summary
    assert summary.rows_after == summary.rows_before + summary.rows_added - summary.rows_removed
    assert len(list(found.page(0, 1000))) >= summary.rows_added + summary.rows_removed + summary.rows_changed


def test_kinds_of_zones_and_types_through_the_repository(repo: Repository) -> None:
    moments = pd.date_range("2020-01-01", periods=3, tz="Europe/Berlin")
    old = pd.DataFrame({"id": [1, 2, 3], "when": moments, "n": [1, 2, 3]})
    new = old.assign(when=old["when"].dt.tz_convert("UTC"), n=old["n"].astype(float)).iloc[[0, 2]]
    repo.commit({"z": old}, message="old", keys={"z": ["id"]})
    found = repo.diff_frame("z", new)
    assert found.summary.rows_removed == 1
    assert found.summary.cells_changed == {}
    assert [each.name for each in found.schema.retyped] == ["n"]
    assert any("Europe/Berlin" in each.old and "UTC" in each.new for each in found.schema.described)
    pd.testing.assert_frame_equal(found.apply(old), new)
