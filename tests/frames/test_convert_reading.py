"""Polars and Arrow frames, reading with another library, parts of frames, memory, and bodies that are damaged."""

from __future__ import annotations

import copy
import datetime as dt
import random
import subprocess
import sys
import uuid
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest

from lineageflow_jupyter.errors import CorruptData, LineageFlowError, NewerFormat, NotAvailable, UsageProblem
from lineageflow_jupyter.frames.convert import companions_for, from_content, row_aligned, to_content
from lineageflow_jupyter.model.objects import encode
from tests.frames.stored_content import assert_arrow_same, assert_same, back, stored, stored_array

HAS_STR = pd.Series(["a"]).dtype != object
AS_TEXT = {} if hasattr(pl, "Categories") else {"categorical_as_str": True}

# --- polars ----------------------------------------------------------------------------------------------------------


def test_polars_dtypes_come_back():
    frame = pl.DataFrame(
        {
            "int": pl.Series([1, None], dtype=pl.UInt16),
            "float": [1.5, float("nan")],
            "text": ["a", None],
            "bytes": [b"a", None],
            "date": [dt.date(2020, 1, 1), None],
            "time": [dt.time(1, 2, 3), None],
            "when": pl.Series([dt.datetime(2020, 1, 1), None], dtype=pl.Datetime("ns")),
            "zoned": pl.Series([dt.datetime(2020, 1, 1), None]).dt.replace_time_zone("Europe/Berlin"),
            "span": pl.Series([dt.timedelta(1), None], dtype=pl.Duration("ms")),
            "decimal": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(20, 2)),
            "category": pl.Series(["b", None], dtype=pl.Categorical),
            "enum": pl.Series(["b", None], dtype=pl.Enum(["z", "b", "ü"])),
            "list": pl.Series([[1, None], None], dtype=pl.List(pl.Int8)),
            "enums": pl.Series([["b"], None], dtype=pl.List(pl.Enum(["z", "b"]))),
            "categories": pl.Series([["b", None], None], dtype=pl.List(pl.Categorical)),
            "array": pl.Series([[1.5, 2.5], None], dtype=pl.Array(pl.Float32, 2)),
            "square": pl.Series([[[1, 2], [3, 4]], None], dtype=pl.Array(pl.Int8, (2, 2))),
            "struct": pl.Series([{"a": 1, "b": "x"}, None], dtype=pl.Struct({"a": pl.Int8, "b": pl.Categorical})),
            "nothing": pl.Series([None, None], dtype=pl.Null),
            "nul\0name": [1, 2],
        }
    )
    if not hasattr(pl, "Categories"):  # older ones cannot compare categories inside other values
        frame = frame.drop("categories", "struct")
    for expected in (frame, frame.head(0), frame.tail(1), pl.DataFrame(), pl.concat([frame, frame], rechunk=False)):
        again = back(expected, engine="polars")
        assert again.schema == expected.schema
        polars.testing.assert_frame_equal(again, expected, check_exact=True, **AS_TEXT)
    for column in frame.get_columns():
        again = back(column, engine="polars")
        assert again.dtype == column.dtype
        polars.testing.assert_series_equal(again, column, check_exact=True, **AS_TEXT)


@pytest.mark.skipif(not hasattr(pl, "Categories"), reason="this polars has no named categories")
def test_named_categories_of_polars():
    frame = pl.DataFrame({"x": pl.Series(["a", None], dtype=pl.Categorical(pl.Categories("c", "space", pl.UInt8)))})
    again = back(frame, engine="polars")
    assert again.schema == frame.schema
    assert again["x"].to_list() == ["a", None]


# --- Arrow -----------------------------------------------------------------------------------------------------------


def arrow_table() -> pa.Table:
    day = dt.datetime(2020, 1, 1)
    arrays = {
        "text": pa.chunked_array([["a"], [None, "b"]]),
        "large": pa.array(["a", None, "b"], pa.large_string()),
        "zoned": pa.array([day, None, day], pa.timestamp("ms", "+05:30")),
        "decimal": pa.array([Decimal("1.5"), None, Decimal(2)], pa.decimal128(5, 2)),
        "list": pa.array([["a", None], None, []], pa.list_(pa.field("entry", pa.string()))),
        "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.field("v", pa.int8(), nullable=False))),
        "struct": pa.array([{"a": 1}, None, {"a": None}], pa.struct([pa.field("a", pa.int8(), metadata={"k": "v"})])),
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([2, None, 0], pa.uint8()), ["z", "unused", "a"]),
        "ordered": pa.DictionaryArray.from_arrays([1, 0, 1], [Decimal("1.5"), Decimal("2.5")], ordered=True),
        "list view": pa.array([[1], None, []], pa.list_view(pa.int64())),
        "string view": pa.array(["a", None, "a text that does not fit inline"], pa.string_view()),
        "dictionaries": pa.ListArray.from_arrays([0, 1, 1, 2], pa.array(["a", "b"]).dictionary_encode()),
        "interval": pa.array([(1, 2, 3), None, (0, 0, 0)], pa.month_day_nano_interval()),
        "tensor": pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int32(), [2], ["w"]), pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2))
        ),
    }
    if hasattr(pa, "uuid"):
        ids = pa.array([b"0" * 16, None, b"1" * 16], pa.binary(16))
        arrays["uuid"] = pa.ExtensionArray.from_storage(pa.uuid(), ids)
        if hasattr(pa, "json_"):  # pyarrow 19
            arrays["json"] = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", None, "1"]))
        arrays["bool8"] = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, None, 1], pa.int8()))
        arrays["opaque"] = pa.ExtensionArray.from_storage(
            pa.opaque(pa.int8(), "t", "v"), pa.array([0, 1, 1], pa.int8())
        )
    fields = [pa.field(name, array.type, metadata={"about": name}) for name, array in arrays.items()]
    fields.append(pa.field("text", pa.int64(), nullable=False))
    return pa.Table.from_arrays([*arrays.values(), pa.array([1, 2, 3])], schema=pa.schema(fields, {"made by": "ü"}))


def test_arrow_types_come_back():
    table = arrow_table()
    for expected in (table, table.slice(1), table.slice(0, 0)):
        again = back(expected, engine="arrow")
        assert again.schema.equals(expected.schema, check_metadata=True)
        again.validate(full=True)
        for one, other in zip(expected.columns, again.columns, strict=True):
            assert_arrow_same(one, other)
    found = back(table, engine="arrow", rows=range(1, 3))
    assert found.schema.equals(table.schema, check_metadata=True)
    chosen = back(table, engine="arrow", positions=[2, 7])
    assert chosen.schema.field("dictionary").equals(table.schema.field("dictionary"), check_metadata=True)
    assert again.num_rows == 0


def test_dictionaries_keep_their_order_and_what_no_row_has():
    array = pa.DictionaryArray.from_arrays(pa.array([2, None, 0], pa.uint8()), ["z", "unused", "a"])
    again = back(pa.table({"x": array}), engine="arrow")["x"].chunk(0)
    assert again.equals(array)


def test_record_batches_come_back_as_record_batches():
    batch = pa.record_batch({"a": [1, None], "b": ["x", "y"]})
    again = back(batch, engine="arrow")
    assert isinstance(again, pa.RecordBatch)
    assert again.equals(batch, check_metadata=True)
    empty = pa.record_batch([pa.nulls(3)], ["x"]).select([]).replace_schema_metadata({"a": "b"})
    again = back(empty, engine="arrow")
    assert again.num_rows == 3
    assert again.schema.metadata == {b"a": b"b"}


def test_text_beyond_32_bit_offsets_comes_back_in_chunks(monkeypatch):
    from lineageflow_jupyter.frames import arrow_types

    monkeypatch.setattr(arrow_types, "_MAX_OFFSET", 10)
    table = pa.table({"x": ["abcd", None, "efgh", "ijkl", "mn"], "l": pa.array([[1] * 9, [], None, [2] * 9, [3]])})
    again = back(table, engine="arrow")
    assert again.schema == table.schema
    assert again["x"].num_chunks > 1
    assert again["l"].num_chunks > 1
    assert again.to_pydict() == table.to_pydict()
    with pytest.raises(CorruptData, match="too long"):
        back(pa.table({"x": ["a text that is too long"]}), engine="arrow")


# --- another library -------------------------------------------------------------------------------------------------


def pandas_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "int": [1, 2],
            "nan": [1.5, np.nan],
            "nullable": pd.array([2**62 + 1, None], dtype="Int64"),
            "text": ["a", None],
            "zoned": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Berlin"),
            "offset": pd.to_datetime(["2020-01-01", None]).tz_localize(dt.timezone(dt.timedelta(hours=2))),
            "category": pd.Categorical(["b", None], ["c", "b"], ordered=True),
            "numbers": pd.Categorical([10, None], [20, 10]),
            "period": pd.PeriodIndex(["2020-02", None], freq="M"),
            "interval": pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), None]),
            "decimal": [Decimal("1.5"), Decimal("2.25")],
            "complex": [1j, 2 + 0j],
        },
        index=pd.Index(["r", "s"], name="key"),
    )


def test_pandas_read_by_polars():
    found = back(pandas_frame(), engine="polars")
    assert found["key"].to_list() == ["r", "s"]
    assert found["nullable"].to_list() == [2**62 + 1, None]
    assert np.isnan(found["nan"][1])
    assert found["text"].to_list() == ["a", None]
    assert found["zoned"].dtype.time_zone == "Europe/Berlin"
    assert found["offset"].dtype.time_zone == "UTC"
    assert found["offset"][0] == dt.datetime(2019, 12, 31, 22, tzinfo=dt.UTC)
    assert found["category"].to_list() == ["b", None]
    assert found["category"].dtype == pl.Categorical
    assert found["numbers"].to_list() == [10, None]
    assert found["period"].to_list() == [dt.datetime(2020, 2, 1), None]
    assert found["interval"].to_list()[0] == {"left": 0.0, "right": 1.0}
    assert found["decimal"].to_list() == [Decimal("1.5"), Decimal("2.25")]
    assert found["complex"].to_list()[0] == {"real": 0.0, "imag": 1.0}


def test_pandas_read_by_arrow():
    found = back(pandas_frame(), engine="arrow")
    assert found.column_names[0] == "key"
    assert found["zoned"].type.tz == "Europe/Berlin"
    assert found["offset"].type.tz == "+02:00"
    assert found["category"].type == pa.dictionary(pa.int32(), pa.large_string(), ordered=True)
    assert found["category"].chunk(0).dictionary.to_pylist() == ["c", "b"]
    assert found["nullable"].to_pylist() == [2**62 + 1, None]


def test_a_numbered_index_is_no_column_elsewhere():
    frame = pd.DataFrame({"x": [1, 2]})
    assert back(frame, engine="polars").columns == ["x"]
    assert back(frame, engine="arrow").column_names == ["x"]


def test_names_that_occur_twice_get_numbers_in_polars():
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=["x", "x", "x_1", "x"])
    assert back(frame, engine="polars").columns == ["x", "x_1", "x_1_1", "x_2"]
    assert back(frame, engine="arrow").column_names == ["x", "x", "x_1", "x"]


def test_polars_read_by_pandas():
    frame = pl.DataFrame(
        {
            "int": [1, 2], "gaps": [2**62 + 1, None], "bool": [True, None], "float": [1.5, None], "text": ["a", None],
            "date": [dt.date(2020, 1, 1), None], "enum": pl.Series(["b", None], dtype=pl.Enum(["z", "b"])),
            "category": pl.Series(["b", None], dtype=pl.Categorical), "list": [[1, 2], None],
            "zoned": pl.Series([dt.datetime(2020, 1, 1), None]).dt.replace_time_zone("Europe/Berlin"),
        }
    )  # fmt: skip
    found = back(frame, engine="pandas")
    assert found.dtypes.astype(str).to_dict() == {
        "int": "int64", "gaps": "Int64", "bool": "boolean", "float": "float64", "text": str(pd.Series(["a"]).dtype),
        "date": "object", "enum": "category", "category": "category", "list": "object",
        "zoned": "datetime64[us, Europe/Berlin]",
    }  # fmt: skip
    assert found["gaps"][0] == 2**62 + 1
    assert found["gaps"][1] is pd.NA
    assert found["text"].isna().tolist() == [False, True]
    assert found["date"][0] == dt.date(2020, 1, 1)
    assert found["enum"].cat.categories.tolist() == ["z", "b"]
    assert found["enum"].cat.ordered
    assert found["zoned"][0] == pd.Timestamp("2020-01-01", tz="Europe/Berlin")
    assert isinstance(found.columns, pd.Index)
    assert found.index.equals(pd.RangeIndex(2))
    assert back(frame, engine="pandas", rows=range(1, 2)).index.tolist() == [1]


def test_arrow_read_by_pandas_and_polars():
    table = arrow_table()
    found = back(table, engine="pandas")
    assert found["text"].iloc[:, 0].tolist()[0] == "a"
    assert found["map"][0] == [("a", 1)]
    assert found["string view"][0] == "a"
    assert found["dictionary"].cat.categories.tolist() == ["z", "unused", "a"]
    keep = [i for i, name in enumerate(table.column_names) if name != "interval"]
    other = back(table, engine="polars", positions=keep)
    assert other["zoned"].dtype.time_zone == "UTC"
    assert other["list view"].to_list() == [[1], None, []]
    with pytest.raises(LineageFlowError, match="'interval'"):
        back(table, engine="polars")


def test_an_unknown_engine_is_refused():
    with pytest.raises(UsageProblem, match="'dask'"):
        from_content(to_content(pd.DataFrame()), engine="dask")


# --- parts -----------------------------------------------------------------------------------------------------------


def part_frame() -> pd.DataFrame:
    index = pd.RangeIndex(10, 18, 2)
    missing = pd.Series(["a", None, np.nan, "b"], dtype=object, index=index)
    decimals = pd.Series([Decimal("1.5"), Decimal("2.50"), None, Decimal(3)], dtype=object, index=index)
    return pd.DataFrame(
        {"o": missing, "d": decimals, "c": pd.Categorical(list("abab"), list("cba")), "n": [1, 2, 3, 4]},
        index=index,
    )


def test_rows_and_columns_cut_out():
    frame = part_frame()
    assert_same(frame.iloc[1:3], back(frame, engine="pandas", rows=range(1, 3)))
    assert_same(frame[["d", "n"]], back(frame, engine="pandas", positions=[1, 3]))
    assert_same(frame[["c"]].iloc[2:], back(frame, engine="pandas", positions=[2], rows=range(2, 4)))


def test_only_the_companions_that_are_needed_are_asked_for():
    body = to_content(part_frame()).body
    assert companions_for(body, [3]) == frozenset()
    assert len(companions_for(body, [0])) == 1
    assert companions_for(body, range(4)) == frozenset(range(3))
    assert len(row_aligned(body)) == 2
    labels = to_content(pd.DataFrame([[1, 2]], columns=[5, 6])).body
    assert companions_for(labels, []) == {0}
    assert not row_aligned(labels)


def test_rows_are_numbered_where_the_index_is_left_out():
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=["a", "b", "c"])
    found = back(frame, engine="pandas", positions=[1], rows=range(1, 3))
    assert_same(pd.DataFrame({"x": [2, 3]}, index=pd.RangeIndex(1, 3)), found)


# --- memory ----------------------------------------------------------------------------------------------------------


def test_numbers_are_not_copied():
    values = np.arange(1000.0)
    column = to_content(pd.DataFrame({"x": values}, copy=False)).columns[0].array
    assert column.buffers()[1].address == values.ctypes.data
    content = stored(to_content(pd.DataFrame({"x": values, "t": values.view("M8[ns]")})))
    frame = from_content(content)
    for position, name in enumerate(("x", "t")):
        assert frame[name].to_numpy().ctypes.data == content.columns[position].array.buffers()[1].address


def test_frames_that_are_read_can_be_written_to():
    frame = pd.DataFrame(
        {
            "i": [1, 2], "f": [1.5, 2.5], "b": [True, False], "s": ["a", "b"],
            "t": pd.to_datetime(["2020-01-01", None]),
            "z": pd.to_datetime(["2020-01-01", None]).tz_localize("UTC"), "n": pd.array([1, None], dtype="Int64"),
            "c": pd.Categorical(["a", "b"]), "p": pd.PeriodIndex(["2020", "2021"], freq="M"), "m": [1j, 2j],
            "o": pd.Series(["a", None], dtype=object), "e": pd.array([True, None], dtype="boolean"),
        }
    )  # fmt: skip
    found = back(frame, engine="pandas")
    for name in found:
        found.loc[0, name] = found.loc[1, name]
    for name in found:
        assert str(found.loc[0, name]) == str(frame.loc[1, name])
    read_only = stored_array(pa.array([1, 2]))
    content = replace(
        to_content(frame[["i"]]), columns=(replace(to_content(frame[["i"]]).columns[0], array=read_only),)
    )
    found = from_content(content)
    found.loc[0, "i"] = 7
    assert found["i"].tolist() == [7, 2]


def test_nothing_is_imported_that_a_frame_does_not_need():
    code = (
        "import sys; from lineageflow_jupyter.frames.convert import is_frame; assert not is_frame(1);"
        "assert not {'pandas', 'polars', 'pyarrow'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- bodies ----------------------------------------------------------------------------------------------------------


def rich_frames() -> list:
    multi = pd.MultiIndex.from_arrays([["b", "a", "b", "a"], [1, 2, 3, 4]])
    frame = part_frame().set_axis(multi)
    frame["z"] = pd.date_range("2020", periods=4, tz="Asia/Tokyo")
    frame["l"] = pd.Series([[1], None, [2, 3], []], dtype=object, index=multi)
    frame["i"] = pd.arrays.IntervalArray.from_breaks(range(5))
    frame["p"] = pd.period_range("2020", periods=4, freq="M")
    frame.attrs = {"when": pd.Timestamp("2020"), "t": (1, 2.5)}
    labelled = pd.DataFrame([[1, 2.5]], columns=pd.Index([1, "x"], dtype=object))
    wide = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    return [frame, labelled, wide, arrow_table(), pl.DataFrame({"x": pl.Series(["a"], dtype=pl.Enum(["a", "b"]))})]


def library(frame) -> str:
    return {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow"}[type(frame).__module__.split(".")[0]]


@pytest.mark.parametrize("number", range(5))
def test_damaged_bodies_never_do_harm(number):
    frame = rich_frames()[number]
    content = stored(to_content(frame))
    source = random.Random(number)
    for _ in range(150):
        body = damaged_copy(content.body, source)
        with suppress(CorruptData, NewerFormat, NotAvailable):
            from_content(replace(content, body=body), engine=library(frame))


def damaged_copy(body: list, source: random.Random) -> list:
    """The body with one value replaced, dropped or doubled somewhere."""
    body = copy.deepcopy(body)
    place = body
    while True:
        position = source.randrange(len(place))
        inner = place[position]
        if isinstance(inner, list) and inner and source.random() < 0.85:
            place = inner
            continue
        change = source.randrange(3)
        if change == 0:
            del place[position]
        elif change == 1:
            place.insert(position, inner)
        else:
            place[position] = source.choice([None, True, -1, 99, 1.5, "x", "arrow", b"y", [], ["list"], ["index", 0]])
        return body


def test_companions_and_columns_that_do_not_fit_are_damage():
    content = stored(to_content(part_frame()))
    for wrong in (pa.array([1]), pa.array(["x"] * 4), None):
        with pytest.raises(CorruptData):
            from_content(replace(content, companions=(wrong,) * 3))
    for wrong in (pa.array([1]), pa.array([None] * 4, pa.int64()), pa.array(["a"] * 4, pa.large_binary())):
        columns = tuple(replace(column, array=wrong) for column in content.columns)
        with pytest.raises(CorruptData):
            from_content(replace(content, columns=columns))


def test_what_a_later_version_wrote_says_so():
    content = to_content(pd.DataFrame({"x": pd.array([1], dtype="Int64")}))
    with pytest.raises(NewerFormat, match="version 2"):
        from_content(replace(content, body=[2, "pandas", [], "anything"]))
    body = copy.deepcopy(content.body)
    body[3][3] = [[0, 1, ["hologram", 5]]]
    with pytest.raises(NewerFormat, match="hologram"):
        from_content(replace(content, body=body))


def test_bodies_do_not_depend_on_the_order_of_sets_or_dicts():
    frame = part_frame()
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.frames.test_convert_reading import part_frame;"
        "from lineageflow_jupyter.frames.convert import to_content;"
        "from lineageflow_jupyter.model.objects import encode;"
        "print(encode(to_content(part_frame()).body).hex())"
    )
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": "."}
        found = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
        )
        assert found.stdout.strip() == encode(to_content(frame).body).hex()


def test_text_that_pandas_3_wrote_reads_everywhere():
    content = to_content(pd.DataFrame({"x": ["a", None]}))
    body = [1, "pandas", [], ["frame", ["range", 0, 1, None], ["names", None, None], [], None, True]]
    found = from_content(replace(stored(content), body=body))
    assert found["x"].dtype == ("str" if HAS_STR else object)
    assert found["x"].isna().tolist() == [False, True]
    assert list(found.columns) == ["x"]


def test_polars_reads_zones_inside_categories_and_bytes_of_one_width_without_rows():
    moments = pd.date_range("2020-01-01", periods=2, tz=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    frame = pd.DataFrame({"k": pd.Categorical(moments), "u": [uuid.UUID(int=1), uuid.UUID(int=2)]})
    assert back(frame, engine="polars")["k"].to_list() == moments.tz_convert("UTC").to_pydatetime().tolist()
    assert back(frame, engine="polars", rows=range(0)).shape == (0, 2)
