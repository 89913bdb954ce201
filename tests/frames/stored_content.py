"""What a repository does to a frame's content between commit and read, without a store: normalise, cut, join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from lineageflow_jupyter.frames.assembly import assemble
from lineageflow_jupyter.frames.canonical import CanonicalChunk, canonical_chunk
from lineageflow_jupyter.frames.convert import (
    ColumnContent,
    FrameContent,
    companions_for,
    from_content,
    row_aligned,
    to_content,
)
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.objects import FrameDescription, decode_frame, encode_frame


class StoredChunk:
    """A chunk as a pack gives it back."""

    def __init__(self, chunk: CanonicalChunk) -> None:
        self.header = bytes(chunk.header)
        self._buffers = [bytes(buffer) for buffer in chunk.buffers]
        self.sizes = tuple(map(len, self._buffers))

    def read(self, index: int) -> np.ndarray:
        return np.frombuffer(self._buffers[index], "u1")

    def read_into(self, index: int, out: np.ndarray) -> None:
        np.asarray(memoryview(out)).view("u1")[:] = self.read(index)


def stored_array(array, rows: range | None = None):
    """The array as it comes back, cut into up to three chunks, on memory of its own."""
    values = normalise(array)
    if rows is not None:
        values = values.slice(rows.start, len(rows))
    kind = logical_type(values.type)
    third = max(1, -(-len(values) // 3))
    chunks = [values.slice(start, third) for start in range(0, len(values), third)]
    return assemble(kind, [StoredChunk(canonical_chunk(chunk, kind)) for chunk in chunks])


def stored(content: FrameContent, *, positions: Sequence[int] | None = None, rows: range | None = None) -> FrameContent:
    """The content as a repository rebuilds it, for some columns and rows."""
    _, data = encode_frame(FrameDescription(content.body))
    body = decode_frame(data).body
    places = range(len(content.columns)) if positions is None else positions
    columns = tuple(
        ColumnContent(content.columns[i].name, content.columns[i].role, stored_array(content.columns[i].array, rows))
        for i in places
    )
    needed, aligned = companions_for(body, places), row_aligned(body)
    companions = tuple(
        stored_array(array, rows if number in aligned else None) if number in needed else None
        for number, array in enumerate(content.companions)
    )
    count = content.rows if rows is None else len(rows)
    return replace(content, rows=count, columns=columns, companions=companions, body=body)


def back(frame, *, engine: str, positions: Sequence[int] | None = None, rows: range | None = None):
    """The frame after a commit and a read."""
    content = stored(to_content(frame), positions=positions, rows=rows)
    return from_content(content, engine=engine, positions=positions, row_start=0 if rows is None else rows.start)


def assert_same(expected, found) -> None:
    """The very same pandas frame or series: values, dtypes, classes of objects, index, labels, attrs and flags."""
    assert type(expected) is type(found)
    series = isinstance(expected, pd.Series)
    assert_index_same(expected.index, found.index)
    if series:
        assert_label_same(expected.name, found.name)
        _assert_column_same(expected, found)
    else:
        assert expected.shape == found.shape
        assert_index_same(expected.columns, found.columns)
        for position in range(expected.shape[1]):
            _assert_column_same(expected.iloc[:, position], found.iloc[:, position])
    assert expected.flags == found.flags
    assert_label_same(expected.attrs, found.attrs)


def assert_index_same(expected, found) -> None:
    """The very same index, frequency and names included."""
    assert type(expected) is type(found)
    assert len(expected) == len(found)
    assert len(expected.names) == len(found.names)
    for one, other in zip(expected.names, found.names, strict=True):
        assert_label_same(one, other)
    if isinstance(expected, pd.MultiIndex):
        for level in range(expected.nlevels):
            assert expected.levels[level].dtype == found.levels[level].dtype
            one, other = expected.get_level_values(level), found.get_level_values(level)
            _assert_values_same(one.array, other.array)
        return
    assert getattr(expected, "freq", None) == getattr(found, "freq", None)
    _assert_values_same(expected.array, found.array)


def _assert_column_same(expected, found) -> None:
    _assert_values_same(expected.array, found.array)


def _assert_values_same(expected, found) -> None:
    assert expected.dtype == found.dtype
    assert str(expected.dtype) == str(found.dtype)
    assert type(expected) is type(found)
    if isinstance(expected.dtype, pd.CategoricalDtype):
        assert expected.dtype.ordered == found.dtype.ordered
        assert_index_same(expected.dtype.categories, found.dtype.categories)
        assert expected.codes.dtype == found.codes.dtype
        np.testing.assert_array_equal(expected.codes, found.codes)
    elif isinstance(expected.dtype, pd.ArrowDtype):
        assert_arrow_same(expected.__arrow_array__(), found.__arrow_array__())
    elif isinstance(expected.dtype, pd.StringDtype):
        assert expected.dtype.storage == found.dtype.storage
        assert expected.dtype.na_value is found.dtype.na_value or np.isnan(expected.dtype.na_value)
        for one, other in zip(expected, found, strict=True):
            assert_label_same(one, other)
    elif hasattr(expected, "_mask"):
        mask = np.asarray(pa.array(expected).is_null())
        np.testing.assert_array_equal(mask, np.asarray(pa.array(found).is_null()))
        np.testing.assert_array_equal(expected._data[~mask], found._data[~mask])
    elif isinstance(expected.dtype, pd.IntervalDtype):
        _assert_values_same(expected.left.array, found.left.array)
        _assert_values_same(expected.right.array, found.right.array)
    elif isinstance(expected.dtype, np.dtype) and expected.dtype.kind != "O":
        one, other = expected.to_numpy(), found.to_numpy()
        np.testing.assert_array_equal(one, other)
        if one.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(one)[~np.isnan(one)], np.signbit(other)[~np.isnan(other)])
    else:
        for one, other in zip(expected, found, strict=True):
            assert_label_same(one, other)


def assert_label_same(expected, found) -> None:
    """The same class and value, also inside containers; NaN, NaT and NA equal themselves."""
    assert type(expected) is type(found), (expected, found)
    if isinstance(expected, np.ndarray):
        assert expected.dtype == found.dtype
        np.testing.assert_array_equal(expected, found)
    elif isinstance(expected, list | tuple):
        assert len(expected) == len(found)
        for one, other in zip(expected, found, strict=True):
            assert_label_same(one, other)
    elif isinstance(expected, dict):
        assert expected.keys() == found.keys()
        for key in expected:
            assert_label_same(expected[key], found[key])
    elif isinstance(expected, Decimal):
        assert expected.as_tuple() == found.as_tuple()
    elif isinstance(expected, complex | np.complexfloating):
        np.testing.assert_equal(found, expected)
    elif expected is pd.NA or expected is pd.NaT or expected != expected:
        assert repr(expected) == repr(found)
    else:
        assert expected == found
        assert str(expected) == str(found)
        assert getattr(expected, "fold", 0) == getattr(found, "fold", 0)
        assert getattr(expected, "unit", "") == getattr(found, "unit", "")


def assert_arrow_same(expected, found) -> None:
    """The same type and values; dictionaries may be unified, and NaN equals NaN."""
    assert expected.type == found.type
    assert expected.null_count == found.null_count
    np.testing.assert_equal(found.to_pylist(), expected.to_pylist())
