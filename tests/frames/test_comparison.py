"""Cells are changed exactly when their canonical values differ: checked by the id of each row, and by Python."""

from __future__ import annotations

import struct
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.comparison import changed_count, changed_rows
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.testing.strategies import arrow_tables, frames

few = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def row_ids(array):
    """Ids of the rows, each as a chunk of its own: equal exactly where canonical values are."""
    values = normalise(array)
    return [canonical_chunk(values.slice(row, 1), logical_type(values.type)).id() for row in range(len(values))]


def same(one, other) -> bool:
    """Whether two Python values are the same value of one column."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same(one[name], other[name]) for name in one)
    if isinstance(one, float) and isinstance(other, float):
        return (one != one and other != other) or struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one == other
    return type(one) is type(other) and one == other


def rearranged(data, array):
    """Another version of an array: its rows at other places, its dictionary in another order, sliced."""
    rows = data.draw(st.lists(st.integers(0, len(array) - 1), min_size=len(array), max_size=len(array)))
    keep = data.draw(st.lists(st.booleans(), min_size=len(array), max_size=len(array)))
    places = [row if kept else other for row, (kept, other) in enumerate(zip(keep, rows, strict=True))]
    values = normalise(array)
    if not pa.types.is_dictionary(values.type):
        return pa.concat_arrays([values.slice(0, 1), values.take(pa.array(places, pa.int64()))]).slice(1)
    order = data.draw(st.permutations(range(len(values.dictionary))))
    back = [order.index(code) for code in range(len(order))]
    codes = [None if code is None else back[code] for code in values.indices.to_pylist()]
    dictionary = values.dictionary.take(pa.array(order, pa.int64()))
    return pa.DictionaryArray.from_arrays(pa.array([codes[place] for place in places], pa.int32()), dictionary)


@few
@given(frames(), st.data())
def test_rows_are_changed_where_their_ids_differ(frame, data) -> None:
    content = to_content(frame)
    if content.rows == 0:
        return
    for column in content.columns:
        other = rearranged(data, column.array)
        expected = [one != two for one, two in zip(row_ids(column.array), row_ids(other), strict=True)]
        assert changed_rows(column.array, other).tolist() == expected
        assert changed_count(other, column.array) == sum(expected)


@few
@given(arrow_tables(), st.data())
def test_rows_are_changed_where_python_says_so(table, data) -> None:
    for column in table.columns:
        if not len(column):
            continue
        other = rearranged(data, column)
        kind = logical_type(other.type)
        plain = [
            array.view(pa.int64()) if kind.name in ("timestamp", "duration", "time64", "date64") else array
            for array in (normalise(column), other)
        ]
        expected = [not same(one, two) for one, two in zip(*(array.to_pylist() for array in plain), strict=True)]
        assert changed_rows(column, other).tolist() == expected


def floats(*bits: int, dtype: str = "u8"):
    return pa.array(np.array(bits, dtype).view(dtype.replace("u", "f")), from_pandas=False)


def test_every_nan_is_the_same_and_zeros_differ_by_sign() -> None:
    nans = floats(0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001, 0x8000000000000000)
    other = floats(0x7FF8000000000000, 0x7FF8000000000000, 0x7FF8000000000000, 0)
    assert changed_rows(nans, other).tolist() == [False, False, False, True]
    half = floats(0x7E00, 0xFE01, 0x3C00, 0x8000, dtype="u2")
    assert changed_rows(half, floats(0xFE00, 0x7C01, 0x3C00, 0, dtype="u2")).tolist() == [False, False, False, True]
    lists = [pa.ListArray.from_arrays(pa.array([0, 2, 4]), values) for values in (nans, other)]
    assert changed_rows(*lists).tolist() == [False, True]
    categories = [pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3]), values) for values in (nans, other)]
    assert changed_rows(*categories).tolist() == [False, False, False, True]


def test_null_is_a_value_of_its_own() -> None:
    one = pa.array([None, None, float("nan"), 0.0], pa.float64())
    other = pa.array([None, float("nan"), None, 0.0], pa.float64(), from_pandas=False)
    assert changed_rows(one, other).tolist() == [False, True, True, False]
    assert changed_count(pa.array([None, "", "a"]), pa.array(["", None, "a"])) == 2
    assert changed_count(pa.nulls(3), pa.nulls(3)) == 0


def test_what_lies_under_a_null_does_not_count() -> None:
    def under(hidden: int):
        child = pa.array([hidden, 2])
        return pa.StructArray.from_arrays([child], ["a"], mask=pa.array([True, False]))

    assert changed_count(under(1), under(7)) == 0


def test_categories_are_compared_by_value() -> None:
    one = pd.DataFrame({"c": pd.Categorical(["a", "b", None, "c"], ["a", "b", "c"])})
    other = pd.DataFrame({"c": pd.Categorical(["a", "b", None, "d"], ["d", "c", "b", "a"])})
    arrays = [to_content(frame).columns[0].array for frame in (one, other)]
    assert changed_rows(*arrays).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("one", "other"), [(pa.array([1]), pa.array([1, 2])), (pa.array([1]), pa.array([1], pa.int32()))]
)
def test_what_does_not_compare_is_refused(one, other) -> None:
    with pytest.raises(ValueError, match="do not compare"):
        changed_count(one, other)


def test_wide_and_empty_values() -> None:
    wide = [pa.array([b"ab\0", b"abc"], pa.binary(3)), pa.array([b"abc", b"abc"], pa.binary(3))]
    assert changed_rows(*wide).tolist() == [True, False]
    assert changed_count(pa.array([b"", None], pa.binary(0)), pa.array([b"", b""], pa.binary(0))) == 1
    spans = [pa.array([value], pa.month_day_nano_interval()) for value in ((1, 2, 3), (1, 2, 4))]
    assert changed_count(*spans) == 1
    empty = pa.struct([])
    assert changed_count(pa.array([{}, None], empty), pa.array([{}, {}], empty)) == 1
    assert changed_count(pa.array([[], None], pa.list_(pa.int8(), 0)), pa.array([[], []], pa.list_(pa.int8(), 0))) == 1
    assert changed_count(pa.array([], pa.list_(pa.int8())), pa.array([], pa.list_(pa.int8()))) == 0
