"""Frames of any rows and columns of a version, against pandas' own way to take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.frames.convert import ColumnContent, FrameContent, row_aligned, to_content
from lineageflow_jupyter.frames.normalise import normalise, used_dictionary
from lineageflow_jupyter.frames.taking import beside, frame_of_rows, loose_columns, plain_columns
from lineageflow_jupyter.testing.strategies import pandas_frames, pandas_series

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def at(frame: Any, rows: list[int], places: list[int] | None = None) -> tuple[FrameContent, list[int]]:
    """Content of a frame at some rows and columns, as a version gives it."""
    content = to_content(frame)
    chosen = list(range(len(content.columns))) if places is None else places
    index = pa.array(rows, pa.int64())
    columns = [content.columns[place] for place in chosen]
    aligned = row_aligned(content.body)
    return FrameContent(
        len(rows),
        tuple(ColumnContent(each.name, each.role, normalise(each.array).take(index)) for each in columns),
        tuple(
            normalise(array).take(index) if number in aligned else normalise(array)
            for number, array in enumerate(content.companions)
        ),
        content.body,
    ), chosen


def same(found: Any, expected: Any) -> None:
    """Labels, dtypes and values are alike."""
    assert type(found) is type(expected)
    assert list(map(repr, found.index.tolist())) == list(map(repr, expected.index.tolist()))
    assert list(map(repr, found.index.names)) == list(map(repr, expected.index.names))
    pairs = [(found, expected)]
    if isinstance(expected, pd.DataFrame):
        assert list(map(repr, found.columns.tolist())) == list(map(repr, expected.columns.tolist()))
        pairs = [(found.iloc[:, place], expected.iloc[:, place]) for place in range(expected.shape[1])]
    for one, other in pairs:
        assert one.dtype == other.dtype
        assert list(map(repr, one)) == list(map(repr, other))


@few
@given(st.data(), st.one_of(pandas_frames(), pandas_series()))
def test_rows_keep_labels_dtypes_and_values(data: st.DataObject, frame: Any) -> None:
    rows = data.draw(st.lists(st.sampled_from(range(len(frame))), unique=True)) if len(frame) else []
    content, places = at(frame, rows)
    same(frame_of_rows(content, np.array(rows, np.int64), engine="pandas", positions=places), frame.iloc[rows])


@few
@given(pandas_frames(min_columns=1))
def test_columns_alone_are_numbered_and_index_levels_are_among_them(frame: Any) -> None:
    rows = list(range(len(frame)))[::-1]
    content, places = at(frame, rows)
    found = loose_columns(content, engine="pandas", positions=places)
    levels = len(places) - frame.shape[1]
    assert found.index.equals(pd.RangeIndex(len(rows)))
    for place in range(frame.shape[1]):
        expected = frame.iloc[rows, place]
        assert found.iloc[:, levels + place].dtype == expected.dtype
        assert list(map(repr, found.iloc[:, levels + place])) == list(map(repr, expected))
    assert found.attrs == {}


def test_numbered_rows_of_every_kind() -> None:
    rows = np.array([2, 0], np.int64)
    named = pd.DataFrame({"x": [1, 2, 3]}, index=pd.RangeIndex(10, 4, -2, name=("a", 1)))
    content, places = at(named, [2, 0])
    found = frame_of_rows(content, rows, engine="pandas", positions=places)
    assert found.index.tolist() == [6, 10]
    assert found.index.name == ("a", 1)
    assert not isinstance(found.index, pd.RangeIndex)
    content, places = at(pl.DataFrame({"x": [1, 2, 3]}), [2, 0])
    assert frame_of_rows(content, rows, engine="pandas", positions=places).index.tolist() == [2, 0]


def test_a_series_without_its_column_is_a_frame_of_its_index() -> None:
    series = pd.Series([1, 2], index=["a", "b"], name="s")
    content, places = at(series, [1], places=[0])
    found = frame_of_rows(content, np.array([1]), engine="pandas", positions=places)
    assert isinstance(found, pd.DataFrame)
    assert found.index.tolist() == ["b"]
    assert found.shape == (1, 0)


@pytest.mark.parametrize("engine", ["pandas", "polars", "arrow"])
def test_columns_beside_one_another(engine: str) -> None:
    content, places = at(pd.DataFrame({"k": pd.Categorical(["b", "a"]), "x": [1.5, 2.5]}), [1, 0])
    left = loose_columns(content, engine=engine, positions=places)
    right = plain_columns([("x", pa.array([7, 8]))], 2, engine=engine)
    found = beside(["k", "x", "y"], [left, right], engine=engine)
    names = found.column_names if engine == "arrow" else list(found.columns)
    assert names == ["k", "x", "y"]
    columns = [found[name] for name in names]
    assert [list(each.to_pylist() if engine == "arrow" else each) for each in columns] == [
        ["a", "b"],
        [2.5, 1.5],
        [7, 8],
    ]


def test_categories_that_are_intervals_are_put_together() -> None:
    """Dictionaries of nested values, which Arrow does not unify."""
    kind = pd.CategoricalDtype(pd.interval_range(0, 4))
    column = pd.Series(pd.Categorical([kind.categories[i] for i in (3, 0, 3)], dtype=kind))
    parts = [normalise(to_content(part.to_frame("x")).columns[0].array) for part in (column[:1], column[1:])]
    joined = normalise(pa.chunked_array(parts))
    assert joined.to_pylist() == [{"left": 3, "right": 4}, {"left": 0, "right": 1}, {"left": 3, "right": 4}]
    assert len(used_dictionary(joined).dictionary) == 2
