"""Row indexes, column labels, names, attrs and flags come back exactly."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.convert import to_content
from tests.frames.stored_content import assert_index_same, assert_same, back

TEXT_DTYPE = pd.Series(["a"]).dtype

INDEXES = {
    "default": pd.RangeIndex(3),
    "range with start, step and name": pd.RangeIndex(10, 4, -2, name="i"),
    "int": pd.Index([3, 1, 1], name="id"),
    "uint8": pd.Index([3, 1, 1], dtype="uint8"),
    "float with NaN": pd.Index([1.5, np.nan, -0.0]),
    "bool": pd.Index([True, False, True]),
    "text": pd.Index(["a", "b", None], dtype=TEXT_DTYPE),
    "object text": pd.Index(["a", "b", "a"], dtype=object),
    "dates": pd.Index([dt.date(2020, 1, d) for d in (1, 2, 3)], dtype=object),
    "flat tuples": pd.Index([(1, "a"), (2, "b"), (1, "a")], tupleize_cols=False, name=("x", 1)),
    "nullable": pd.Index([1, None, 2], dtype="Int64"),
    "arrow": pd.Index(["a", None, "b"], dtype="string[pyarrow]"),
    "datetime": pd.DatetimeIndex(["2020-01-01", None, "2019-05-05"], name="at"),
    "datetime in a zone": pd.DatetimeIndex(["2020-01-01", None, "2019-05-05"], tz="Asia/Kolkata"),
    "days": pd.date_range("2020-01-01", periods=3, freq="D"),
    "business months": pd.date_range("2020-01-01", periods=3, freq="BME"),
    "hours in a zone over a change of clocks": pd.date_range("2020-10-25", periods=3, freq="h", tz="Europe/Berlin"),
    "timedeltas": pd.timedelta_range("1h", periods=3, freq="90min"),
    "periods": pd.period_range("2020-01", periods=3, freq="Q-NOV"),
    "intervals": pd.IntervalIndex.from_breaks([0, 1, 2, 3], closed="left", name="bin"),
    "categorical": pd.CategoricalIndex(["b", None, "a"], categories=["c", "b", "a"], ordered=True, name="k"),
}

MULTI = {
    "two levels": pd.MultiIndex.from_product([["b", "a"], [1, 2]], names=["k", "n"]),
    "unnamed": pd.MultiIndex.from_arrays([[1, 2, 1, 2], [1.5, 2.5, 2.5, 1.5]]),
    "one level": pd.MultiIndex.from_arrays([[1, 2, 1, 2]], names=["x"]),
    "same names": pd.MultiIndex.from_arrays([[1, 2, 1, 2], list("abab")], names=["x", "x"]),
    "missing values": pd.MultiIndex(
        levels=[[10, 20], ["a", "b"], [1.5]], codes=[[0, -1, 1, 0], [0, 1, -1, -1], [-1, 0, 0, -1]]
    ),
    "missing booleans": pd.MultiIndex(levels=[[False, True], [1]], codes=[[1, -1, 0, -1], [0, 0, 0, 0]]),
    "times": pd.MultiIndex.from_product([pd.date_range("2020", periods=2, tz="UTC"), pd.to_timedelta([1, 2])]),
    "categorical": pd.MultiIndex.from_arrays([pd.Categorical(list("abab"), ["z", "b", "a"], ordered=True), range(4)]),
    "nullable": pd.MultiIndex.from_arrays([pd.array([1, None, 2, 1], dtype="Int64"), range(4)]),
    "objects": pd.MultiIndex.from_arrays([pd.Index([dt.date(2020, 1, 1), None] * 2, dtype=object), [Decimal(1)] * 4]),
    "levels in an order of their own": pd.MultiIndex(levels=[["b", "a"], [2, 1]], codes=[[0, 1, 0, 1], [0, 0, 1, 1]]),
    "intervals": pd.MultiIndex.from_arrays([pd.IntervalIndex.from_breaks(range(5)), range(4)]),
}  # fmt: skip


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_row_indexes(index):
    frame = pd.DataFrame({"x": [1.5, 2.5, 3.5]}, index=index)
    assert_same(frame, back(frame, engine="pandas"))
    assert_same(frame.iloc[:0], back(frame.iloc[:0], engine="pandas"))
    assert_same(frame["x"], back(frame["x"], engine="pandas"))
    assert_same(frame[[]], back(frame[[]], engine="pandas"))


@pytest.mark.parametrize("index", MULTI.values(), ids=MULTI)
def test_multi_indexes(index):
    frame = pd.DataFrame({"x": range(4)}, index=index)
    again = back(frame, engine="pandas")
    assert_same(frame, again)
    pd.testing.assert_frame_equal(frame, again)
    for rows in (range(0), range(1, 3)):
        assert_same(frame.iloc[rows.start : rows.stop], back(frame, engine="pandas", rows=rows))
    assert_same(frame.iloc[:0], back(frame.iloc[:0], engine="pandas"))


def test_a_multi_index_keeps_the_order_of_its_levels():
    frame = pd.concat({"b": pd.Series([1, 2]), "a": pd.Series([3, 4])}).to_frame("x")
    again = back(frame, engine="pandas")
    assert [type(level) for level in again.index.levels] == [type(level) for level in frame.index.levels]
    assert list(again.index.levels[0]) == list(frame.index.levels[0])
    assert_same(frame.unstack(0), again.unstack(0))


def test_index_levels_are_columns_by_their_names():
    frame = pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_arrays([["a"], [2], [3]], names=["k", None, 7]))
    assert [(c.name, c.role) for c in to_content(frame).columns] == [
        ("k", "index"), ("level_1", "index"), ("7", "index"), ("x", "data")
    ]  # fmt: skip
    assert to_content(pd.DataFrame({"x": [1]}, index=[5])).columns[0].name == "index"
    assert [c.name for c in to_content(pd.DataFrame({"x": [1]})).columns] == ["x"]


def test_appended_rows_leave_the_description_as_it_is():
    short, long = pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [1, 2, 3]})
    assert to_content(short).body == to_content(long).body
    daily = pd.DataFrame({"x": range(9)}, index=pd.date_range("2020", periods=9))
    assert to_content(daily).body == to_content(daily.iloc[:5]).body


def flat(*labels) -> pd.Index:
    array = np.empty(len(labels), object)
    for position, label in enumerate(labels):
        array[position] = label
    return pd.Index(array, dtype=object, tupleize_cols=False)


LABELS = {
    "text": pd.Index(["a", "b", "ü"], dtype=TEXT_DTYPE, name="names"),
    "object text": pd.Index(["a", "b", "a"], dtype=object),
    "string": pd.Index(["a", "b", "a"], dtype="string"),
    "same name twice": pd.Index(["a", "a", "a"], dtype=TEXT_DTYPE),
    "empty names": pd.Index(["", "", " "], dtype=TEXT_DTYPE),
    "range": pd.RangeIndex(3, name="c"),
    "range from 1 by 2": pd.RangeIndex(1, 7, 2),
    "int": pd.Index([3, 1, 1]),
    "float with NaN": pd.Index([1.5, np.nan, 2.5]),
    "mixed": flat("a", 1, None),
    "more mixed": flat(np.nan, pd.NaT, pd.NA),
    "tuples": flat(("a", 1), ("b",), ()),
    "timestamps as objects": flat(pd.Timestamp("2020"), pd.Timestamp("2020", tz="UTC"), pd.Timedelta(1)),
    "dates and times": flat(dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.time(1)),
    "odd numbers": flat(2**70, np.int8(3), 1 + 2j),
    "odd values": flat(Decimal("1.50"), uuid.UUID(int=3), b"x"),
    "pandas scalars": flat(pd.Period("2020-01", "M"), pd.Interval(0, 1.5, closed="left"), True),
    "datetime": pd.date_range("2020-01-01", periods=3, freq="MS", name="month"),
    "datetime in a zone": pd.date_range("2020-01-01", periods=3, tz="Europe/Berlin"),
    "periods": pd.period_range("2020-01", periods=3, freq="M"),
    "intervals": pd.IntervalIndex.from_breaks([0, 1, 2, 3]),
    "categorical": pd.CategoricalIndex(["b", "a", "b"], categories=["c", "b", "a"], name="k"),
    "two levels": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", "n"]),
    "two levels of the same name": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", "k"]),
    "levels with missing labels": pd.MultiIndex(levels=[["b", "a"], [2, 1]], codes=[[0, -1, 1], [0, 1, -1]]),
    "levels of mixed labels": pd.MultiIndex.from_arrays([flat("a", 1, None), flat("x", "y", "z")]),
    "levels of times": pd.MultiIndex.from_arrays([pd.date_range("2020", periods=3), pd.Categorical(list("bab"))]),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_column_labels(labels):
    frame = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=labels)
    again = back(frame, engine="pandas")
    assert_same(frame, again)
    assert to_content(again).body == to_content(frame).body
    found = back(frame, engine="pandas", positions=[0, 2])
    assert list(map(repr, found.columns)) == list(map(repr, frame.columns[[0, 2]]))
    np.testing.assert_array_equal(found.to_numpy(), frame.to_numpy()[:, [0, 2]])
    empty = frame.iloc[:, :0]
    if not isinstance(labels, pd.MultiIndex):
        assert_same(empty, back(empty, engine="pandas"))


def test_frames_without_columns_or_rows():
    for frame in (
        pd.DataFrame(),
        pd.DataFrame(index=[1, 2]),
        pd.DataFrame(columns=[]),
        pd.DataFrame(columns=["a", "b"]),
    ):
        assert_same(frame, back(frame, engine="pandas"))


def test_names_of_columns_are_the_texts_of_their_labels():
    frame = pd.DataFrame([[1, 2, 3]], columns=flat("a", 7, ("x", 1)))
    assert [column.name for column in to_content(frame).columns] == ["a", "7", "('x', 1)"]
    two = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", 1)]))
    assert [column.name for column in to_content(two).columns] == ["('a', 1)"]


def test_thousands_of_columns_of_several_dtypes():
    frame = pd.DataFrame({f"c{i}": np.arange(3, dtype="f8" if i % 2 else "i4") for i in range(1000)})
    frame["text"] = "x"
    again = back(frame, engine="pandas")
    assert_same(frame, again)
    again.iloc[0, 500] = 7
    assert again.iloc[0, 500] == 7


@pytest.mark.parametrize("name", [None, "x", 5, ("a", 1), 2.5, pd.Timestamp("2020"), True])
def test_series_keep_their_names(name):
    series = pd.Series([1, 2], name=name)
    assert_same(series, back(series, engine="pandas"))


def test_attrs_and_flags():
    frame = pd.DataFrame({"x": [1]})
    frame.attrs = {
        "unit": "km", "nested": {"b": [1, 2.5, None, True], "a": ("x", b"y")}, 3: {"n": float("nan"), "z": -0.0},
        "time": pd.Timestamp("2020", tz="Europe/Berlin"), "np": np.float32(1.5),
        "when": np.datetime64("2020-01-01", "D"),
        "big": 2**80, "text": np.str_("ü"), "span": dt.timedelta(1, 2, 3),
    }  # fmt: skip
    frame = frame.set_flags(allows_duplicate_labels=False)
    again = back(frame, engine="pandas")
    assert_same(frame, again)
    assert again.flags.allows_duplicate_labels is False
    series = frame["x"]
    assert_same(series, back(series, engine="pandas"))


def test_the_order_of_attrs_does_not_matter():
    one, other = pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]})
    one.attrs, other.attrs = {"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1}
    assert to_content(one).body == to_content(other).body


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, np.arange(3), pd.DataFrame(), "\ud800", lambda: 1, 1 + np.longdouble(2)]
)
def test_attrs_that_cannot_be_kept_are_refused_by_name(value):
    frame = pd.DataFrame({"x": [1]})
    frame.attrs = {"fine": 1, "source": {"inner": [value]}}
    with pytest.raises(UnsupportedData, match="'source'"):
        to_content(frame)


def test_attrs_that_hold_themselves_are_refused():
    frame = pd.DataFrame({"x": [1]})
    loop: list = []
    loop.append(loop)
    frame.attrs = {"loop": loop}
    with pytest.raises(UnsupportedData, match="levels deep"):
        to_content(frame)


def test_a_frequency_that_text_cannot_carry_is_dropped_and_the_times_stay():
    custom = pd.offsets.CustomBusinessDay(holidays=["2020-01-02"])
    frame = pd.DataFrame({"x": range(3)}, index=pd.date_range("2020-01-01", periods=3, freq=custom))
    again = back(frame, engine="pandas")
    assert again.index.freq is None
    assert_index_same(frame.index._with_freq(None), again.index)
