"""Parts of a frame are restored exactly: the chosen cells, with their dtypes, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.errors import AmbiguousName, KeyViolation, UnknownName, UnsupportedData, UsageProblem
from lineageflow_jupyter.frames.replacing import replaced
from lineageflow_jupyter.testing.strategies import arrow_tables, pandas_frames, pandas_series, polars_frames
from tests.frames.stored_content import assert_index_same, assert_label_same, assert_same

few = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


# --- every dtype: against one cell at a time -------------------------------------------------------------------------


def rearranged(data, frame, rows: int):
    """Another version of the frame: of the same columns and dtypes, with other values in some rows."""
    places = data.draw(st.lists(st.integers(0, rows - 1), min_size=rows, max_size=rows)) if rows else []
    if isinstance(frame, pd.DataFrame | pd.Series):
        free = frame.set_flags(allows_duplicate_labels=True).iloc[places].set_axis(frame.index)
        return free.set_flags(allows_duplicate_labels=frame.flags.allows_duplicate_labels)
    if isinstance(frame, pa.Table):
        parts = [column.combine_chunks() for column in frame.columns]
        parts = [part if not isinstance(part, pa.ChunkedArray) else pa.concat_arrays(part.chunks) for part in parts]
        if not parts:
            return frame
        return pa.Table.from_arrays([part.take(pa.array(places, pa.int64())) for part in parts], schema=frame.schema)
    return pl.DataFrame([column.gather(places) for column in frame.get_columns()]) if rows else frame


def cells(frame) -> list[list]:
    """The values, column by column."""
    if isinstance(frame, pd.Series):
        return [[frame.array[row] for row in range(len(frame))]]
    if isinstance(frame, pd.DataFrame):
        return [cells(frame.iloc[:, place])[0] for place in range(frame.shape[1])]
    if isinstance(frame, pa.Table):
        return [column.to_pylist() for column in frame.columns]
    return [column.to_list() for column in frame.get_columns()]


def labels_of(frame) -> list:
    if isinstance(frame, pd.DataFrame):
        return frame.columns.tolist()
    return frame.column_names if isinstance(frame, pa.Table) else frame.columns


def dtypes_of(frame) -> list:
    if isinstance(frame, pd.Series):
        return [frame.dtype]
    return frame.schema.types if isinstance(frame, pa.Table) else list(frame.dtypes)


def copied(frame):
    return frame.copy(deep=True) if isinstance(frame, pd.DataFrame | pd.Series) else frame


def assert_equal(one, other) -> None:
    if isinstance(one, pa.Table):
        assert one.schema.equals(other.schema, check_metadata=True)
        assert_label_same(cells(one), cells(other))
    elif isinstance(one, pl.DataFrame):
        assert one.schema == other.schema
        polars.testing.assert_frame_equal(one, other, check_exact=True)
    else:
        assert_same(one, other)


def check_part(data, frame, rows: int, positions: list[int], chosen, expected_all: bool) -> None:
    stored = rearranged(data, frame, rows)
    before = copied(frame)
    start = data.draw(st.integers(0, max(rows - 1, 0)))
    span = slice(start, data.draw(st.integers(min(start + 1, rows), rows)))
    by_rows = expected_all or data.draw(st.booleans())
    result = replaced(frame, stored, columns=chosen, rows=span if by_rows else None)
    taken = range(*span.indices(rows)) if by_rows else range(rows)
    own, other = cells(frame), cells(stored)
    expected = [
        [other[place][row] if place in positions and row in taken else own[place][row] for row in range(rows)]
        for place in range(len(own))
    ]
    assert_label_same(cells(result), expected)
    assert dtypes_of(result) == dtypes_of(frame)
    assert type(result) is type(frame)
    assert_equal(frame, before)
    if isinstance(frame, pd.DataFrame):
        assert_index_same(result.index, frame.index)
        assert_index_same(result.columns, frame.columns)
        assert result.flags == frame.flags
        assert_label_same(result.attrs, frame.attrs)


def chosen_of(data, frame):
    """Some labels that occur once, with their positions; or None for all columns."""
    labels = labels_of(frame)
    once = [place for place, label in enumerate(labels) if labels.count(label) == 1 and label == label]
    if data.draw(st.booleans()) or not once:
        return None, list(range(len(labels)))
    positions = data.draw(st.lists(st.sampled_from(once), min_size=1, unique=True))
    return [labels[place] for place in positions], positions


@few
@given(st.one_of(pandas_frames(), polars_frames(), arrow_tables()), st.data())
def test_cells_of_any_dtype(frame, data) -> None:
    chosen, positions = chosen_of(data, frame)
    if isinstance(frame, pl.DataFrame) and not hasattr(pl, "Categories"):
        assume("List(Categorical" not in str(frame.schema))
    rows = frame.num_rows if isinstance(frame, pa.Table) else len(frame)
    check_part(data, frame, rows, positions, chosen, chosen is None)


@few
@given(pandas_series(), st.data())
def test_rows_of_a_series(series, data) -> None:
    check_part(data, series, len(series), [0], None, True)


@few
@given(st.one_of(pandas_frames(min_columns=1), polars_frames(), arrow_tables()), st.data())
def test_all_columns_are_the_stored_frame(frame, data) -> None:
    labels = labels_of(frame)
    assume(labels and len(set(map(repr, labels))) == len(labels) == len(set(labels)))
    rows = frame.num_rows if isinstance(frame, pa.Table) else len(frame)
    stored = rearranged(data, frame, rows)
    result = replaced(frame, stored, columns=labels)
    if isinstance(frame, pd.DataFrame):
        stored.attrs = frame.attrs
    assert_equal(result, stored)


@few
@given(st.one_of(pandas_frames(min_columns=1), polars_frames(), arrow_tables()), st.data())
def test_dropped_columns_come_back_to_their_places(frame, data) -> None:
    labels = labels_of(frame)
    assume(labels and len(set(map(repr, labels))) == len(labels) == len(set(labels)))
    gone = data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1, unique=True))
    kept = [place for place in range(len(labels)) if place not in gone]
    if isinstance(frame, pd.DataFrame):
        live = frame.iloc[:, kept]
    else:
        live = frame.select([labels[place] for place in kept])
        assume(kept)  # a frame without columns forgets its rows
    result = replaced(live, frame, columns=[labels[place] for place in gone])
    assert_label_same(labels_of(result), labels)
    assert_label_same(cells(result), cells(frame))
    assert dtypes_of(result) == dtypes_of(frame)


# --- by position -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stored() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [1, 2, 3, 4], "n": [10, 20, 30, 40], "s": ["a", "b", None, "d"], "c": pd.Categorical(list("xyxz"))},
        index=pd.Index(list("wxyz"), name="letter"),
    )


def test_a_column_comes_back_with_its_dtype(stored: pd.DataFrame) -> None:
    live = stored.assign(n=stored.n * 1.5, extra=1)
    result = replaced(live, stored, columns=["n"])
    assert_same(result, stored.assign(extra=1))
    assert live.n.dtype == "float64"


def test_the_result_can_be_written_to_and_live_stays(stored: pd.DataFrame) -> None:
    live = stored.assign(n=0)
    result = replaced(live, stored, columns=["n"], rows=slice(0, 2))
    result.loc["w", "n"] = 99
    result["s"] = "new"
    assert live.n.tolist() == [0, 0, 0, 0]
    assert stored.n.tolist() == [10, 20, 30, 40]
    assert result.n.tolist() == [99, 20, 0, 0]


def test_added_columns_stand_beside_their_neighbours(stored: pd.DataFrame) -> None:
    live = stored[["c", "id"]].assign(extra=1)
    assert list(replaced(live, stored, columns=["s", "n"]).columns) == ["c", "id", "n", "s", "extra"]
    assert list(replaced(stored[["n"]], stored, columns="id").columns) == ["id", "n"]


def test_labels_of_other_levels_do_not_join(stored: pd.DataFrame) -> None:
    deeper = pd.DataFrame({("a", "b"): [1, 2, 3, 4]}, index=stored.index)
    assert "labels have 2 levels" in refusal(UsageProblem, deeper, stored, columns=["n"])
    ranged = pd.DataFrame(np.arange(6).reshape(2, 3))
    assert_same(replaced(ranged[[0, 2]], ranged, columns=[1]), ranged)


def test_labels_may_be_called_by_their_text() -> None:
    stored = pd.DataFrame({0: [1], ("a", 1): [2], 1.5: [3]})
    live = stored * 0
    assert replaced(live, stored, columns=["0", "('a', 1)"]).iloc[0].tolist() == [1, 2, 0]


def test_wide_frames_keep_their_labels() -> None:
    columns = pd.MultiIndex.from_product([["a", "b"], range(150)], names=["one", "two"])
    stored = pd.DataFrame(np.arange(600).reshape(2, 300), columns=columns)
    result = replaced(stored * 0, stored, columns=[("b", 3), ("a", 7)])
    assert_index_same(result.columns, columns)
    assert result[("b", 3)].tolist() == stored[("b", 3)].tolist()
    assert int((result != 0).sum().sum()) == 4
    added = replaced(stored.drop(columns=[("b", 3)]), stored, columns=[("b", 3)])
    assert_same(added, stored)


def test_frames_without_rows() -> None:
    stored = pd.DataFrame({"x": pd.Series([], dtype="Int64"), "y": pd.Series([], dtype="datetime64[s]")})
    assert_same(replaced(stored[["y"]], stored, columns=["x"]), stored)
    assert_same(replaced(stored, stored, rows=slice(None)), stored)
    empty = pl.DataFrame({"x": pl.Series([], dtype=pl.Int8)})
    assert replaced(empty, empty, columns=["x"]).schema == empty.schema
    table = pa.table({"x": pa.array([], pa.int8())})
    assert replaced(table, table, rows=slice(None)).equals(table)


def test_record_batches_stay_so() -> None:
    stored = pa.record_batch({"x": pa.array([1, 2, 3]), "y": pa.array(["a", "b", "c"])})
    live = pa.record_batch({"x": pa.array([0, 0, 0])})
    result = replaced(live, stored, columns=["x"], rows=slice(1, 2))
    assert result.equals(pa.record_batch({"x": pa.array([0, 2, 0])}))
    assert isinstance(replaced(live, stored, columns=["y"]), pa.RecordBatch)


def test_types_that_arrow_cannot_take_are_cut() -> None:
    views = [pa.table({"v": pa.array(texts, pa.string_view())}) for texts in (["a", "b", "c"], ["x", "y", "z"])]
    assert replaced(*views, rows=slice(1, 3))["v"].to_pylist() == ["a", "y", "z"]
    keyed = [table.append_column("id", pa.array(ids)) for table, ids in zip(views, ([1, 2, 3], [3, 9, 1]), strict=True)]
    with pytest.raises(UsageProblem, match=r"column 'v' of the type string_view cannot be mixed"):
        replaced(*keyed, columns=["v"], key=["id"])


# --- by key ----------------------------------------------------------------------------------------------------------


def test_rows_are_found_by_key_wherever_they_are(stored: pd.DataFrame) -> None:
    live = stored.assign(n=0, s="?").sample(frac=1, random_state=3).iloc[:3]
    result = replaced(live, stored, columns=["n"], key=["id"])
    assert result.n.tolist() == [10 * row for row in live.id]
    assert result.s.tolist() == ["?"] * 3
    assert_index_same(result.index, live.index)
    again = replaced(live, stored, columns=["n"], key=["letter"])
    assert_same(again, result)


def test_rows_without_partner_keep_their_values(stored: pd.DataFrame) -> None:
    live = pd.concat([stored.assign(n=0), stored.assign(id=[7, 8, 9, 6], n=-1)])
    result = replaced(live, stored, columns=["n"], key=["id"])
    assert result.n.tolist() == [10, 20, 30, 40, -1, -1, -1, -1]
    assert result.n.dtype == "int64"
    with pytest.raises(UsageProblem, match=r"'s' would have no value .* row 4 \(id=7\)"):
        replaced(live.drop(columns="s"), stored, columns=["s"], key=["id"])
    with pytest.raises(UsageProblem, match=r"'n' is float64 in the live frame and int64 in the stored version"):
        replaced(live.assign(n=0.5), stored, columns=["n"], key=["id"])


def test_a_range_of_rows_by_key(stored: pd.DataFrame) -> None:
    live = stored.assign(n=0, s="?").iloc[::-1]
    result = replaced(live, stored, rows=slice(1, 3), key=["id"])
    assert result.n.tolist() == [0, 30, 20, 0]
    assert result.s.tolist()[0] == "?"
    only = replaced(live, stored, rows=slice(1, 3), columns=["n"], key=["id"])
    assert (only.n.tolist(), only.s.tolist()) == ([0, 30, 20, 0], ["?"] * 4)
    with pytest.raises(UsageProblem, match=r"row 3 of the stored version \(id=4\) is gone"):
        replaced(live.iloc[1:], stored, rows=slice(2, 4), key=["id"])


def test_a_key_of_several_columns_and_libraries() -> None:
    rng = np.random.default_rng(5)
    rows = [(a, b) for a in "abc" for b in range(20)]
    stored = pl.DataFrame({"a": [a for a, _ in rows], "b": [b for _, b in rows], "x": range(60)})
    live = stored.with_columns(x=pl.lit(-1, pl.Int64))[rng.permutation(60)[:50].tolist()]
    expected = [rows.index(pair) for pair in zip(live["a"], live["b"], strict=True)]
    assert replaced(live, stored, columns=["x"], key=["a", "b"])["x"].to_list() == expected
    tables = [frame.to_arrow() for frame in (live, stored)]
    assert replaced(*tables, columns=["x"], key=["b", "a"])["x"].to_pylist() == expected


def test_the_key_itself_is_restored_by_position(stored: pd.DataFrame) -> None:
    live = stored.assign(id=0)
    assert_same(replaced(live, stored, columns=["id"], key=["id"]), stored)
    with pytest.raises(UsageProblem, match="rows cannot be matched"):
        replaced(live.iloc[1:], stored, columns=["id"], key=["id"])


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), unique=True), st.data())
def test_keys_match_as_a_dict_does(pairs: list[tuple[int, str]], data) -> None:
    others = data.draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcd")), unique=True))

    def frame(keys: list[tuple[int, str]], sign: int) -> pd.DataFrame:
        columns = {"k": [k for k, _ in keys], "l": [text for _, text in keys]}
        values = np.arange(1, len(keys) + 1) * sign
        return pd.DataFrame(columns).astype({"k": "int64", "l": "category"}).assign(x=values)

    live, stored = frame(pairs, 1), frame(others, -1)
    known = dict(zip(others, stored.x, strict=True))
    expected = [known.get(pair, own) for pair, own in zip(pairs, live.x, strict=True)]
    assert replaced(live, stored, columns=["x"], key=["k", "l"]).x.tolist() == expected


# --- refusals --------------------------------------------------------------------------------------------------------


def refusal(kind: type[Exception], *args, **options) -> str:
    with pytest.raises(kind) as caught:
        replaced(*args, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_cannot_be_matched_by_position(stored: pd.DataFrame) -> None:
    told = refusal(UsageProblem, stored.iloc[1:], stored, columns=["n"])
    assert "the live frame has 3, the stored version has 4" in told
    assert "%lf read REV:NAME" in told
    told = refusal(UsageProblem, stored.rename(index={"y": "q"}), stored, columns=["n"])
    assert "the label of row 2 is 'q' in the live frame and 'y' in the stored version" in told
    told = refusal(UsageProblem, stored.set_index("id", append=True), stored, columns=["n"])
    assert "the index has 2 levels in the live frame and 1 in the stored version" in told
    assert "the live frame has 1" in refusal(
        UsageProblem, pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [1, 2]}), columns=["x"]
    )


def test_whole_rows_need_the_same_columns(stored: pd.DataFrame) -> None:
    rows = slice(0, 2)
    assert "the stored version has 'n', the live frame has not" in refusal(
        UsageProblem, stored.drop(columns="n"), stored, rows=rows
    )
    assert "the live frame has 'extra', the stored version has not" in refusal(
        UsageProblem, stored.assign(extra=1), stored, rows=rows
    )
    told = refusal(UsageProblem, stored.astype({"n": "int32"}), stored, rows=rows)
    assert "column 'n' is int32 in the live frame and int64 in the stored version" in told
    grown = stored.assign(c=stored.c.cat.add_categories("new"))
    assert "column 'c' is category" in refusal(UsageProblem, grown, stored, rows=rows)
    assert "row 2 is not chosen" in refusal(UsageProblem, stored.drop(columns="n"), stored, rows=rows, columns=["n"])
    shuffled = stored[["c", "s", "n", "id"]]
    assert_same(replaced(shuffled, stored, rows=rows), shuffled)


@pytest.mark.parametrize("rows", [slice(2, 1), slice(9, 12), slice(0, 4, 2), slice("a", None), 3])
def test_rows_that_are_no_range(stored: pd.DataFrame, rows) -> None:
    refusal(UsageProblem, stored, stored, rows=rows)


def test_wrong_names(stored: pd.DataFrame) -> None:
    assert "Did you mean letters?" in refusal(UnknownName, stored, stored.assign(letters=1), columns=["leters"])
    assert "Columns: id, n, s, c" in refusal(UnknownName, stored, stored, columns=[["q"]])
    assert "list of columns is empty" in refusal(UsageProblem, stored, stored, columns=[])
    assert "neither columns nor rows" in refusal(UsageProblem, stored, stored)
    twice = stored.set_axis(["id", "n", "n", "c"], axis=1)
    assert "the stored version has 2 columns 'n'" in refusal(AmbiguousName, stored, twice, columns=["n"])
    assert "the live frame has 2 columns 'n'" in refusal(AmbiguousName, twice, stored, columns=["n"])
    assert_same(replaced(twice, twice, rows=slice(0, 1)), twice)


def test_wrong_keys(stored: pd.DataFrame) -> None:
    repeated = stored.assign(id=1)
    assert "not unique: id=1 appears again in row 1" in refusal(
        KeyViolation, repeated, stored, columns=["n"], key=["id"]
    )
    assert "the live frame has no columns 'gone'" in refusal(KeyViolation, stored, stored, columns=["n"], key=["gone"])
    other = stored.assign(id=stored.id.astype("str"))
    assert "key column 'id' is large_string in one version and int64" in refusal(
        KeyViolation, other, stored, columns=["n"], key=["id"]
    )


def test_frames_of_other_libraries_and_classes(stored: pd.DataFrame) -> None:
    assert "a polars DataFrame and a pandas DataFrame do not mix" in refusal(
        UsageProblem, pl.DataFrame({"n": [1]}), stored, columns=["n"]
    )
    assert "a builtins list is no frame" in refusal(UsageProblem, [1], stored, columns=["n"])

    class Special(pd.DataFrame):
        pass

    assert "Special is a class of its own" in refusal(UnsupportedData, Special(stored), stored, columns=["n"])
    series = pd.Series([1, 2], name="x")
    assert "takes no second column" in refusal(UsageProblem, series, series.rename("y"), columns=["y"])
    assert_same(replaced(series * 0, series, columns=["x"]), series)
    noted = series.copy()
    noted.attrs["unit"] = "km"
    assert replaced(series * 0, noted, columns=["x"]).attrs == {}
    assert replaced(noted * 0, series, columns=["x"]).attrs == {"unit": "km"}
    assert replaced(pl.Series("x", [0, 0]), pl.Series("x", [1, 2]), rows=slice(1, 2)).to_list() == [0, 2]
