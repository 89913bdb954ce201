"""Canonical bytes: equal values have equal ids, and every value comes back from its bytes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from lineageflow_jupyter.errors import CorruptData, UnsupportedData
from lineageflow_jupyter.frames.assembly import assemble, stored_id
from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.codecs import encode_value, parse_value
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import arrow_type, logical_type

GOLDEN = Path(__file__).parents[1] / "golden" / "chunks.json"

VALUES: dict[str, tuple[Any, Any]] = {
    "null": (pa.null(), [None, None]),
    "bool": (pa.bool_(), [True, None, False, True]),
    "int8": (pa.int8(), [-128, None, 127]),
    "uint64": (pa.uint64(), [0, 2**64 - 1]),
    "float16": (pa.float16(), [np.float16(1.5), None, np.float16("nan")]),
    "float32": (pa.float32(), [-0.0, 0.0, float("inf"), None]),
    "float64": (pa.float64(), [float("nan"), None, 1.5]),
    "date32": (pa.date32(), [dt.date(1969, 12, 31), None]),
    "time64": (pa.time64("us"), [dt.time(23, 59, 59, 999999), None]),
    "timestamp": (pa.timestamp("ms"), [dt.datetime(2026, 11, 1, 12), None]),
    "duration": (pa.duration("s"), [dt.timedelta(seconds=-1), None]),
    "decimal128": (pa.decimal128(5, 2), [Decimal("-1.25"), None]),
    "decimal256": (pa.decimal256(50, 0), [Decimal(10) ** 45, None]),
    "interval": (pa.month_day_nano_interval(), [pa.MonthDayNano([1, -2, 3]), None]),
    "fixed_binary": (pa.binary(3), [b"abc", None]),
    "utf8": (pa.string(), ["", None, "größe", "\x00", "𝄞"]),
    "binary": (pa.binary(), [b"\xff\x00", None, b""]),
    "list": (pa.list_(pa.int64()), [[1, None], None, [], [2]]),
    "list of lists": (pa.list_(pa.list_(pa.string())), [[["a"], None, []], None, [["b", "c"]]]),
    "fixed_list": (pa.list_(pa.int8(), 2), [[1, None], None, [3, 4]]),
    "struct": (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": None}, None, {"a": None, "b": "x"}]),
    "struct of list": (pa.struct([("t", pa.list_(pa.bool_()))]), [{"t": [True]}, None, {"t": None}]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["b", None, "a", "b", "c"]),
    "list of dictionary": (pa.list_(pa.dictionary(pa.int8(), pa.string())), [["a", "b"], None, ["b"]]),
    "map": (pa.map_(pa.string(), pa.int64()), [[("k", 1)], None, []]),
}


def normal(name: str) -> Any:
    kind, values = VALUES[name]
    return normalise(pa.array(values, kind))


def identify(array: Any) -> bytes:
    return canonical_chunk(array, logical_type(array.type)).id()


def stored(array: Any) -> Any:
    chunk = canonical_chunk(array, logical_type(array.type))
    return parse_value(b"".join(bytes(part) for part in encode_value(chunk.header, chunk.buffers, chunk.widths)))


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back_from_any_cut(name: str) -> None:
    array = normal(name)
    kind = logical_type(array.type)
    assert arrow_type(kind) == array.type
    for cut in range(len(array) + 1):
        back = assemble(kind, [stored(array.slice(0, cut)), stored(array.slice(cut))])
        back.validate(full=True)
        assert repr(back.to_pylist()) == repr(array.to_pylist())


@pytest.mark.parametrize("name", VALUES)
def test_ids_do_not_depend_on_slices_and_chunks(name: str) -> None:
    array = normal(name)
    twice = normalise(pa.chunked_array([array, array.slice(1), array]))
    assert identify(twice.slice(len(array), len(array) - 1)) == identify(array.slice(1))
    assert identify(twice.slice(2 * len(array) - 1)) == identify(array)
    assert stored_id(stored(array)) == identify(array)


@pytest.mark.parametrize("name", VALUES)
def test_no_rows_have_a_form(name: str) -> None:
    array = normal(name).slice(0, 0)
    assert assemble(logical_type(array.type), [stored(array)]).to_pylist() == []
    assert assemble(logical_type(array.type), []).to_pylist() == []


@pytest.mark.parametrize("name", VALUES)
def test_different_values_have_different_ids(name: str) -> None:
    array = normal(name)
    count = len(array)
    slices = [array.slice(start, stop - start) for start in range(count) for stop in range(start, count + 1)]
    assert len({identify(part) for part in slices}) == len({repr(part.to_pylist()) for part in slices})


@pytest.mark.parametrize(
    "same",
    [
        lambda: [pa.array(["a", None], kind) for kind in (pa.string(), pa.large_string(), pa.string_view())],
        lambda: [pa.array([b"a", None], kind) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())],
        lambda: [
            pa.array([[1], None, [2, 3]], kind(pa.int8()))
            for kind in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view)
        ],
        lambda: [pa.array([0, 1], pa.timestamp("ns", zone)) for zone in (None, "UTC", "Asia/Tokyo")],
        lambda: [pa.array([Decimal("1.5")], pa.decimal128(digits, 1)) for digits in (5, 38)],
        lambda: [
            pa.array(["x", "y"]).dictionary_encode(),
            pa.array(["q", "x", "y"]).dictionary_encode().slice(1),
            pa.DictionaryArray.from_arrays(pa.array([1, 2]), pa.array(["x", "x", "y"])),
        ],
        lambda: [
            pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["x", None])),
            pa.array(["x", None]).dictionary_encode(),
        ],
    ],
)
def test_layouts_of_equal_values_share_an_id(same: Callable[[], list[Any]]) -> None:
    assert len({identify(normalise(array)) for array in same()}) == 1


def test_types_that_differ_in_values_have_other_ids() -> None:
    kinds = [pa.int8(), pa.int64(), pa.uint8(), pa.float64(), pa.timestamp("s"), pa.timestamp("ns"), pa.duration("ns")]
    assert len({identify(normalise(pa.array([1], pa.int64()).cast(kind))) for kind in kinds}) == len(kinds)


def test_what_lies_under_a_null_does_not_count() -> None:
    valid = np.array([True, False, True])
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    clean = pa.array([1, None, 3], pa.int64())
    dirty = pa.Array.from_buffers(pa.int64(), 3, [bitmap, pa.py_buffer(np.array([1, 99, 3]))])
    assert identify(clean) == identify(dirty)
    text = pa.Array.from_buffers(
        pa.large_string(), 3, [bitmap, pa.py_buffer(np.array([0, 1, 3, 4])), pa.py_buffer(b"axxb")]
    )
    assert identify(text) == identify(normalise(pa.array(["a", None, "b"])))
    lists = pa.Array.from_buffers(
        pa.large_list(pa.field("item", pa.int64())),
        3,
        [bitmap, pa.py_buffer(np.array([0, 1, 3, 4]))],
        children=[pa.array([1, 7, 8, 2])],
    )
    assert identify(lists) == identify(normalise(pa.array([[1], None, [2]])))
    structs = pa.Array.from_buffers(
        pa.struct([("a", pa.int64())]), 3, [bitmap], children=[pa.array([1, 9, 3], pa.int64())]
    )
    assert identify(structs) == identify(normalise(pa.array([{"a": 1}, None, {"a": 3}])))


def test_every_nan_is_one_value_but_zero_keeps_its_sign() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], "u8").view("f8")
    assert identify(pa.array(odd)) == identify(pa.array(np.full(3, np.nan)))
    assert identify(pa.array([0.0])) != identify(pa.array([-0.0]))
    assert identify(pa.array([np.nan])) != identify(pa.array([None], pa.float64()))


@given(st.lists(st.one_of(st.none(), st.text()), max_size=30), st.integers(0, 30))
def test_text_comes_back(values: list[str | None], cut: int) -> None:
    array = normalise(pa.array(values, pa.string()))
    back = assemble(logical_type(array.type), [stored(array.slice(0, cut)), stored(array.slice(cut))])
    assert back.to_pylist() == values


@given(st.lists(st.one_of(st.none(), st.floats(width=64)), max_size=40))
def test_floats_come_back_bit_for_bit(values: list[float | None]) -> None:
    array = pa.array(values, pa.float64())
    assert repr(assemble(logical_type(array.type), [stored(array)]).to_pylist()) == repr(values)


def test_assembled_memory_is_writable_and_private() -> None:
    back = assemble(logical_type(pa.int64()), [stored(pa.array([1, 2, 3]))])
    values = np.frombuffer(back.buffers()[1], "i8")
    values[0] = 9
    assert back.to_pylist() == [9, 2, 3]


@pytest.mark.parametrize(
    "array",
    [
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
        pa.RunEndEncodedArray.from_arrays([1], [1]),
    ],
)
def test_types_without_a_form_are_refused(array: Any) -> None:
    with pytest.raises(UnsupportedData, match="cannot be stored"):
        normalise(array)


def test_a_chunk_of_another_type_is_never_taken_for_data() -> None:
    with pytest.raises(CorruptData):
        assemble(logical_type(pa.int32()), [stored(pa.array([1, 2], pa.int64()))])


def test_golden_chunks() -> None:
    """Ids must never change: what is stored would no longer be found."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden == golden_chunks()


def golden_chunks() -> dict[str, dict[str, str]]:
    """Canonical header, buffers and id of each example, in hexadecimal."""
    found = {}
    for name in VALUES:
        array = normal(name)
        chunk = canonical_chunk(array, logical_type(array.type))
        buffers = b"".join(bytes(buffer) for buffer in chunk.buffers)
        found[name] = {"header": chunk.header.hex(), "buffers": buffers.hex(), "id": chunk.id().hex()}
    return found


if __name__ == "__main__":  # a new format version: python tests/frames/test_canonical.py
    GOLDEN.write_text(json.dumps(golden_chunks(), indent=1) + "\n", encoding="utf-8")
