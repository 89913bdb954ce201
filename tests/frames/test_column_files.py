"""Columns as flat bytes: every type comes back exactly, on the memory that was given, and damage is noticed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.column_files import ALIGNMENT, flatten, restore
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.testing.strategies import frames
from tests.frames.arrays import KINDS, built, drawn
from tests.frames.stored_content import assert_arrow_same, stored_array

few = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def flat(array) -> np.ndarray:
    parts = flatten(logical_type(array.type), array)
    return np.frombuffer(bytearray(b"".join(bytes(part) for part in parts)), "u1")


def assert_restored(array) -> None:
    kind = logical_type(array.type)
    found = restore(kind, len(array), flat(array))
    found.validate(full=True)
    assert_arrow_same(array, found)
    assert canonical_chunk(found, kind).id() == canonical_chunk(array, kind).id()


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("rows", [0, 1, 9, 100])
def test_every_type(kind, rows) -> None:
    rng = np.random.default_rng(rows)
    for nulls in (0.0, 0.3, 1.0):
        assert_restored(stored_array(built(kind, drawn(kind, rows, rng, style="many", nulls=nulls))))


@few
@given(frames())
def test_every_column_and_companion_of_a_frame(frame) -> None:
    content = to_content(frame)
    for array in (*(column.array for column in content.columns), *content.companions):
        assert_restored(stored_array(array))


def test_values_lie_on_the_given_memory_and_can_be_written() -> None:
    content = flat(stored_array(pa.array([1.5, 2.5, 3.5])))
    found = restore(logical_type(pa.float64()), 3, content)
    values = np.frombuffer(found.buffers()[1], "f8")
    values[1] = 9.0
    assert found.to_pylist() == [1.5, 9.0, 3.5]
    assert np.shares_memory(values, content)


def test_buffers_are_aligned() -> None:
    content = flat(stored_array(pa.array(["a", None, "bcd"], pa.large_string())))
    start = content.ctypes.data
    found = restore(logical_type(pa.large_string()), 3, content)
    assert all((buffer.address - start) % ALIGNMENT == 0 for buffer in found.buffers())


def test_another_type_or_length_is_refused() -> None:
    content = flat(stored_array(pa.array([1, 2, 3])))
    for kind, rows in ((pa.uint64(), 3), (pa.int64(), 4), (pa.large_string(), 3)):
        with pytest.raises(CorruptData):
            restore(logical_type(kind), rows, content)


@few
@given(st.sampled_from(KINDS), st.data())
def test_whatever_is_cut_off_or_added_is_refused(kind, data) -> None:
    array = stored_array(built(kind, drawn(kind, 20, np.random.default_rng(1), style="many")))
    content = flat(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(CorruptData):
        restore(logical_type(kind), 20, content[:cut])
    with pytest.raises(CorruptData):
        restore(logical_type(kind), 20, np.concatenate([content, np.zeros(64, "u1")]))


def test_an_array_that_begins_within_its_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="begins within"):
        flatten(logical_type(pa.int64()), pa.array([1, 2, 3]).slice(1))
