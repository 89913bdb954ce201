"""Random frames of every dtype come back exactly, and say the same when they are taken apart again."""

from __future__ import annotations

import inspect

import polars as pl
import polars.testing
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.convert import FrameContent, to_content
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.objects import encode
from lineageflow_jupyter.testing.strategies import arrow_tables, frames, pandas_frames, pandas_series, polars_frames
from tests.frames.stored_content import assert_arrow_same, assert_same, back

few = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def ids(content: FrameContent) -> tuple[list[bytes], bytes]:
    """What decides whether there is anything to commit."""
    arrays = [column.array for column in content.columns] + list(content.companions)
    values = [normalise(array) for array in arrays]
    return [canonical_chunk(value, logical_type(value.type)).id() for value in values], encode(content.body)


@few
@given(pandas_frames())
def test_pandas_frames_come_back_exactly(frame):
    again = back(frame, engine="pandas")
    assert_same(frame, again)
    assert ids(to_content(again)) == ids(to_content(frame))


@few
@given(pandas_series())
def test_pandas_series_come_back_exactly(series):
    again = back(series, engine="pandas")
    assert_same(series, again)
    assert ids(to_content(again)) == ids(to_content(series))


@few
@given(polars_frames())
def test_polars_frames_come_back_exactly(frame):
    again = back(frame, engine="polars")
    assert again.schema == frame.schema
    polars.testing.assert_frame_equal(again, frame, check_exact=True)
    assert ids(to_content(again)) == ids(to_content(frame))


@few
@given(arrow_tables())
def test_arrow_tables_come_back_exactly(table):
    again = back(table, engine="arrow")
    assert again.schema.equals(table.schema, check_metadata=True)
    assert again.num_rows == table.num_rows
    for one, other in zip(table.columns, again.columns, strict=True):
        assert_arrow_same(one, other)
    assert ids(to_content(again)) == ids(to_content(table))


@few
@given(st.data(), pandas_frames(max_columns=3))
def test_rows_and_columns_that_are_cut_out_equal_the_frame_cut(data, frame):
    start = data.draw(st.integers(0, len(frame)))
    stop = data.draw(st.integers(start, len(frame)))
    chosen = data.draw(st.lists(st.integers(0, frame.shape[1] - 1), unique=True).map(sorted)) if frame.shape[1] else []
    content = to_content(frame)
    levels = sum(column.role == "index" for column in content.columns)
    positions = [*range(levels), *(levels + position for position in chosen)]
    found = back(frame, engine="pandas", positions=positions, rows=range(start, stop))
    expected = frame.iloc[start:stop, chosen]
    assert list(map(repr, found.index.tolist())) == list(map(repr, expected.index.tolist()))
    assert list(map(repr, found.columns.tolist())) == list(map(repr, expected.columns.tolist()))
    for position in range(len(chosen)):
        one, other = expected.iloc[:, position], found.iloc[:, position]
        assert one.dtype == other.dtype
        assert list(map(repr, one)) == list(map(repr, other))


@few
@given(frames(), st.sampled_from(["pandas", "polars", "arrow"]))
def test_any_library_reads_what_another_wrote(frame, engine):
    shape = frame.shape if hasattr(frame, "shape") else (frame.num_rows, frame.num_columns)
    if engine == "polars" and shape[1:] == (0,):
        assume(not shape[0] or "height" in inspect.signature(pl.DataFrame).parameters)
    found = back(frame, engine=engine)
    assert type(found).__module__.split(".")[0] == {"arrow": "pyarrow"}.get(engine, engine)
    assert len(found) == shape[0]
