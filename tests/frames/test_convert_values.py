"""Columns of every dtype come back exactly: values, dtype, classes of objects, and the kinds of what is missing."""

from __future__ import annotations

import datetime as dt
import uuid
import warnings
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from tests.frames.stored_content import assert_same, back

HAS_STR = pd.Series(["a"]).dtype != object
NAN = float("nan")
BERLIN = ZoneInfo("Europe/Berlin")
DAYS = ["2020-01-01", "NaT", "1960-05-05"]


def objects(*values) -> pd.Series:
    array = np.empty(len(values), object)
    for row, value in enumerate(values):
        array[row] = value
    return pd.Series(array, dtype=object, name="x")


def zoned(unit: str, zone) -> pd.Series:
    return pd.Series(np.array(DAYS, f"M8[{unit}]")).dt.tz_localize("UTC").dt.tz_convert(zone)


def quietly(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # business-day periods
        return make()


def id_of(array) -> bytes:
    values = normalise(array)
    return canonical_chunk(values, logical_type(values.type)).id()


NUMBERS = {
    dtype: pd.Series([0, 1, 1], dtype=dtype)
    for dtype in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
        "float64", "complex64", "complex128", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
        "Float32", "Float64", "boolean",
    )
} | {
    "limits": pd.Series([-(2**63), 2**63 - 1]),
    "uint limits": pd.Series([0, 2**64 - 1], dtype="uint64"),
    "float specials": pd.Series([NAN, -0.0, 0.0, np.inf, -np.inf, 5e-324]),
    "complex specials": pd.Series([complex(NAN, 1), complex(-0.0, NAN), 1j]),
    "Int64 with NA": pd.Series([1, None, 2**62 + 1], dtype="Int64"),
    "boolean with NA": pd.Series([True, None, False], dtype="boolean"),
    "Float64 with NaN and NA": pd.Series(
        pd.arrays.FloatingArray(np.array([1.5, np.nan, 2.0]), np.array([False, False, True]))
    ),
    "Float32 with NaN and NA": pd.Series(
        pd.arrays.FloatingArray(np.array([1.5, np.nan, 2.0], "f4"), np.array([False, False, True]))
    ),
}  # fmt: skip

TIMES = {
    **{f"datetime64[{unit}]": pd.Series(np.array(DAYS, f"M8[{unit}]")) for unit in ("s", "ms", "us", "ns")},
    **{f"timedelta64[{unit}]": pd.Series(np.array([1, "NaT", -5], f"m8[{unit}]")) for unit in ("s", "ms", "us", "ns")},
    **{f"Berlin {unit}": zoned(unit, "Europe/Berlin") for unit in ("s", "ms", "us", "ns")},
    "ZoneInfo": zoned("ns", BERLIN),
    "UTC": zoned("us", "UTC"),
    "UTC of zoneinfo": zoned("us", ZoneInfo("UTC")),
    "Etc/UTC": zoned("us", ZoneInfo("Etc/UTC")),
    "fixed offset": zoned("ns", dt.timezone(dt.timedelta(hours=5, minutes=30))),
    "west of UTC by name": zoned("ns", dt.timezone(-dt.timedelta(hours=8), "PST")),
    **{
        f"period[{freq}]": quietly(lambda freq=freq: pd.Series(pd.PeriodIndex(DAYS, freq=freq)))
        for freq in (
            "Y-DEC", "Y-MAR", "Q-NOV", "M", "W-TUE", "D", "B", "h", "min", "s", "ms", "us", "ns", "2M", "3h", "25h",
        )
    },
}  # fmt: skip

INTERVALS = {
    **{
        f"int64 {closed}": pd.arrays.IntervalArray.from_breaks([1, 2, 3], closed=closed)
        for closed in ("left", "right", "both", "neither")
    },
    "uint64": pd.arrays.IntervalArray.from_breaks(np.array([1, 2, 3], "u8")),
    "float with missing": pd.arrays.IntervalArray.from_tuples([(1.0, 2.0), None, (-0.5, 0.5)], closed="left"),
    "datetime": pd.arrays.IntervalArray.from_breaks(pd.date_range("2020", periods=3)),
    "zoned with missing": pd.arrays.IntervalArray.from_tuples(
        [(pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2021", tz="UTC")), None]
    ),
    "timedelta": pd.arrays.IntervalArray.from_breaks(pd.timedelta_range("1D", periods=3)),
}  # fmt: skip

CATEGORIES = {
    "text": ["z", "a"],
    "object text": pd.Index(["z", "a"], dtype=object),
    "string": pd.Index(["z", "a"], dtype="string"),
    "int": [3, 1],
    "int8": pd.Index([3, 1], dtype="int8"),
    "float": [1.5, -0.0],
    "bool": [True, False],
    "Int64": pd.Index([1, 2], dtype="Int64"),
    "arrow": pd.Index([1, 2], dtype="int64[pyarrow]"),
    "datetime": pd.date_range("2020", periods=2),
    "zoned": pd.date_range("2020", periods=2, tz="Europe/Berlin"),
    "timedelta": pd.timedelta_range("1D", periods=2),
    "period": pd.period_range("2020", periods=2, freq="M"),
    "interval": pd.IntervalIndex.from_breaks([1, 2, 3], closed="both"),
    "date": pd.Index([dt.date(2020, 1, 1), dt.date(1999, 1, 1)], dtype=object),
    "decimal": pd.Index([Decimal("1.5"), Decimal("2.250")], dtype=object),
    "bytes": pd.Index([b"a", b""], dtype=object),
    "tuple": pd.Index([(1, "a"), (2, "b")], tupleize_cols=False),
}

TEXT = {
    "string[python]": pd.Series(["a", None, "ü", ""], dtype="string[python]"),
    "string[pyarrow]": pd.Series(["a", None, "ü", ""], dtype="string[pyarrow]"),
    "string, all missing": pd.Series([None, None], dtype="string[python]"),
    "object": objects("a", None, "ü", ""),
}
if HAS_STR:
    TEXT |= {
        "str": pd.Series(["a", None, "ü", ""]),
        "str kept by Python": pd.Series(["a", None, "ü"], dtype=pd.StringDtype("python", na_value=np.nan)),
    }

OBJECTS = {
    "bytes": objects(b"a", None, b""),
    "bool": objects(True, NAN, False),
    "int": objects(-(2**63), None, 2**63 - 1),
    "big int": objects(2**64 - 1, 0),
    "float": objects(1.5, NAN, -0.0),
    "float and None": objects(1.5, NAN, None),
    "decimals of one scale": objects(Decimal("1.50"), Decimal("-2.25"), None),
    "decimals of many scales": objects(Decimal("1.5"), Decimal("1.50"), Decimal("1E+3"), Decimal("1E-20")),
    "negative zero": objects(Decimal("-0.00"), Decimal("0.00"), Decimal("-0")),
    "76 digits": objects(Decimal("9" * 76), Decimal(-1)),
    "date": objects(dt.date(1, 1, 1), None, dt.date(9999, 12, 31)),
    "time": objects(dt.time(1, 2, 3, 4), None, dt.time(0)),
    "datetime": objects(dt.datetime(2020, 1, 1, 1, 1, 1, 5), None, dt.datetime(1, 1, 1)),
    "datetime in UTC": objects(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    "datetime at an offset": objects(dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "X")), None),
    "datetime in both folds": objects(
        dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1), None, dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN)
    ),
    "timedelta": objects(dt.timedelta(1, 2, 3), None, dt.timedelta(-1)),
    "Timestamp": objects(pd.Timestamp("2020-01-01 00:00:00.123456789"), pd.NaT),
    "Timestamp[s]": objects(pd.Timestamp("2020-01-01").as_unit("s")),
    "Timestamp in Berlin": objects(pd.Timestamp("2020-01-01", tz="Europe/Berlin"), None),
    "Timedelta": objects(pd.Timedelta(5), pd.NaT),
    "uuid": objects(uuid.UUID(int=5), None),
    "numpy int": objects(np.int32(1), None, np.int32(-1)),
    "numpy float": objects(np.float32(1), np.float32("nan"), None),
    "numpy text": objects(np.str_("a"), None),
    "numpy bool": objects(np.bool_(True), None),
    "lists": objects([1, None], None, [], [3]),
    "lists of text": objects(["a", None], ["ü"]),
    "lists of lists": objects([[1], [2, 3], None], [[]], []),
    "empty lists": objects([], []),
    "tuples": objects((1, 2), (3,), ()),
    "tuples of different kinds": objects((1, "a"), None, (2, None)),
    "arrays": objects(np.array([1.0, NAN]), None, np.array([])),
    "arrays of int32": objects(np.array([1, 2], "i4"), np.array([3], "i4")),
    "arrays of datetimes": objects(np.array(["2020", "NaT"], "M8[s]")),
    "arrays of bool": objects(np.array([True, False]), np.array([True])),
    "dicts": objects({"a": 1, "ü": [1, 2]}, None, {"a": None, "ü": []}),
    "dicts in dicts": objects({"a": {"b": dt.date(2020, 1, 1)}}, {"a": {"b": None}}),
    "nothing": objects(),
    "only None": objects(None, None),
    "only NaN": objects(NAN, NAN),
}

MISSING = {
    "None": objects("a", None),
    "NaN": objects("a", NAN),
    "NaT": objects("a", pd.NaT),
    "NA": objects("a", pd.NA),
    "all kinds": objects("a", None, NAN, pd.NaT, pd.NA, np.float64("nan"), Decimal("NaN"), "b"),
    "all kinds of nothing": objects(None, NAN, pd.NaT, pd.NA),
    "int": objects(1, None, NAN),
    "decimal": objects(Decimal("1.50"), Decimal("NaN"), None, Decimal("2")),
    "lists": objects([1], None, NAN),
}


def comes_back(series: pd.Series) -> None:
    again = back(series, engine="pandas")
    assert_same(series, again)
    assert to_content(again).body == to_content(series).body
    assert_same(series.iloc[:0], back(series.iloc[:0], engine="pandas"))
    frame = pd.DataFrame({"a": series, "b": series.iloc[::-1].to_numpy() if series.dtype.kind in "if" else series})
    assert_same(frame, back(frame, engine="pandas"))
    if len(series) > 1:
        part = back(series, engine="pandas", rows=range(1, len(series)))
        assert_same(series.iloc[1:], part)


@pytest.mark.parametrize("series", NUMBERS.values(), ids=NUMBERS)
def test_numbers(series):
    comes_back(series)


@pytest.mark.parametrize("series", TIMES.values(), ids=TIMES)
def test_times(series):
    comes_back(series)


@pytest.mark.parametrize("array", INTERVALS.values(), ids=INTERVALS)
def test_intervals(array):
    comes_back(pd.Series(array))


@pytest.mark.parametrize("categories", CATEGORIES.values(), ids=CATEGORIES)
@pytest.mark.parametrize("ordered", [False, True])
def test_categoricals(categories, ordered):
    comes_back(pd.Series(pd.Categorical.from_codes([1, -1, 0, 1], categories=categories, ordered=ordered)))


def test_categories_that_no_row_has_keep_their_places():
    comes_back(pd.Series(pd.Categorical(["b", "d"], categories=["d", "c", "b", "a"], ordered=True)))
    comes_back(pd.Series(pd.Categorical([None, None], categories=["a"])))
    comes_back(pd.Series(pd.Categorical([], categories=["b", "a"])))
    comes_back(pd.Series(pd.Categorical.from_codes([299, 0], categories=range(300))))


@pytest.mark.parametrize("series", TEXT.values(), ids=TEXT)
def test_text(series):
    comes_back(series)


@pytest.mark.parametrize("series", OBJECTS.values(), ids=OBJECTS)
def test_objects(series):
    comes_back(series)


@pytest.mark.parametrize("series", MISSING.values(), ids=MISSING)
def test_kinds_of_missing_values_are_told_apart(series):
    comes_back(series)


def test_a_mask_of_missing_kinds_is_kept_only_where_kinds_mix():
    assert not to_content(objects("a", None)).companions
    assert not to_content(objects("a", NAN)).companions
    assert len(to_content(objects("a", None, NAN)).companions) == 1


def test_zones_of_pytz():
    pytz = pytest.importorskip("pytz")
    comes_back(zoned("ns", pytz.timezone("America/New_York")))
    comes_back(zoned("ns", pytz.FixedOffset(90)))
    comes_back(zoned("ns", pytz.UTC))
    comes_back(objects(pytz.timezone("Europe/Berlin").localize(dt.datetime(2020, 7, 1))))


def test_dateutil_utc():
    tz = pytest.importorskip("dateutil.tz")
    comes_back(zoned("ns", tz.tzutc()))


ARROW = {
    kind: pa.array(values, kind)
    for kind, values in {
        pa.int8(): [1, None], pa.uint64(): [2**64 - 1, None], pa.float16(): [np.float16(1.5), None],
        pa.float64(): [1.5, NAN, None], pa.bool_(): [True, None], pa.string(): ["a", None],
        pa.large_string(): ["a", None],
        pa.binary(): [b"a", None], pa.large_binary(): [b"", None], pa.binary(3): [b"abc", None],
        pa.date32(): [dt.date(2020, 1, 1), None], pa.date64(): [dt.date(2020, 1, 1), None],
        pa.time32("s"): [dt.time(1), None], pa.time64("ns"): [dt.time(1), None],
        pa.timestamp("us"): [dt.datetime(2020, 1, 1), None],
        pa.timestamp("ns", "Europe/Berlin"): [dt.datetime(2020, 1, 1), None],
        pa.timestamp("s", "+02:00"): [dt.datetime(2020, 1, 1), None],
        pa.duration("ms"): [dt.timedelta(1), None], pa.decimal128(10, 2): [Decimal("1.5"), None],
        pa.decimal256(50, 3): [Decimal("-1.5"), None], pa.null(): [None, None],
        pa.list_(pa.int64()): [[1, None], None, []],
        pa.large_list(pa.string()): [["a"], None], pa.list_(pa.int8(), 2): [[1, 2], None, [3, None]],
        pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]): [{"a": 1, "b": ["x"]}, None],
        pa.map_(pa.string(), pa.int64()): [[("a", 1)], None, []],
        pa.list_(pa.field("item", pa.timestamp("ns", "UTC"), nullable=False)): [[dt.datetime(2020, 1, 1)], None],
    }.items()
}  # fmt: skip
ARROW["dictionary"] = pa.DictionaryArray.from_arrays(pa.array([2, None, 0], pa.int8()), pa.array(["z", "unused", "a"]))
ARROW["ordered dictionary"] = pa.DictionaryArray.from_arrays(
    pa.array([1, 0], pa.int16()), pa.array([5, 6]), ordered=True
)


@pytest.mark.parametrize("array", ARROW.values(), ids=map(str, ARROW))
def test_arrow_backed_columns(array):
    series = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array, array])), name="x")
    again = back(series, engine="pandas")
    assert again.dtype == series.dtype
    assert_same(series, again)


def test_libraries_that_hold_equal_values_give_equal_columns():
    import polars as pl

    same = [
        pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64"), pd.Series([1, 2], dtype="int64[pyarrow]"),
        pl.Series([1, 2]), pa.table({"x": [1, 2]}),
    ]  # fmt: skip
    assert len({id_of(to_content(frame).columns[0].array) for frame in same}) == 1
    texts = [
        objects("a", None), objects("a", NAN), pd.Series(["a", None], dtype="string"), pl.Series(["a", None]),
        pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())), pa.table({"x": ["a", None]}), pd.Series(["a", None]),
    ]  # fmt: skip
    assert len({id_of(to_content(frame).columns[0].array) for frame in texts}) == 1
    moments = [zoned("us", "UTC"), zoned("us", "Europe/Berlin"), pd.Series(np.array(DAYS, "M8[us]"))]
    assert len({id_of(to_content(frame).columns[0].array) for frame in moments}) == 1
    apart = [
        pd.Series([1.0, NAN]), pd.Series([1.0, None], dtype="Float64"), pd.Series([1, None], dtype="Int64"),
        pd.Series([1.0, NAN], dtype="float32"),
    ]  # fmt: skip
    assert len({id_of(to_content(frame).columns[0].array) for frame in apart}) == len(apart)


def test_a_zone_is_told_by_its_name_whichever_library_made_it():
    for zone, encoded in (("Europe/Berlin", "Europe/Berlin"), ("UTC", "UTC"), (ZoneInfo("UTC"), "UTC")):
        assert to_content(zoned("ns", zone)).body[3][3] == [[0, 1, ["zoned", encoded]]]


def test_the_usual_dtypes_cost_nothing_in_the_description():
    frame = pd.DataFrame(
        {"a": [1], "b": [1.5], "c": [True], "d": pd.to_datetime(["2020-01-01"]), "e": pd.to_timedelta([1], unit="s")}
    )
    if HAS_STR:
        frame["f"] = ["x"]
    assert to_content(frame).body == [
        1, "pandas", [], ["frame", ["range", 0, 1, None], ["names", None, None], [], None, True]
    ]  # fmt: skip
