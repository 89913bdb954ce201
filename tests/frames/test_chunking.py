"""Chunk boundaries: what a column's ids rest on. The oracle is `naive_boundaries`, row by row in plain Python."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.chunking import (
    BOUNDARY_VERSION,
    BoundaryRule,
    chunk_end,
    chunk_ranges,
    incremental_ranges,
)
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.row_words import row_source
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.frames.word_parts import INVERSE, POWER, Powers
from lineageflow_jupyter.model.ids import ObjectId
from tests.frames import naive_boundaries
from tests.frames.arrays import KINDS, built, drawn

TINY = BoundaryRule(
    window=4, level_units=4, chances=(0, 0, *(2**18 // k for k in (16, 12, 8, 8, 6, 6, 4, 4, 3, 3, 2, 2, 1, 1)))
)
RULES = st.sampled_from([TINY, BoundaryRule(window=9, level_units=5, chances=(2**14, 0, 2**15, 2**16, 2**17))])
STYLES = st.sampled_from(["few", "many", "runs", "constant"])
SEEDS = st.integers(0, 2**32 - 1)
NULLS = st.sampled_from([0.0, 0.1, 0.9])

each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


def ends(array: Any, rule: BoundaryRule = TINY) -> list[int]:
    ranges = chunk_ranges(array, rule)
    assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges)][: len(ranges)]
    return [stop for _, stop in ranges]


# --- the definition --------------------------------------------------------------------------------------------------


@each_kind
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, rows=st.integers(0, 60), style=STYLES, nulls=NULLS)
def test_words_and_sizes_come_from_the_values_alone(kind: Any, seed: int, rows: int, style: str, nulls: float) -> None:
    rng = np.random.default_rng(seed)
    values = drawn(kind, rows, rng, style=style, nulls=nulls)
    clean, dirty = built(kind, values), built(kind, values, dirty=rng)
    dirty.validate(full=True)
    expected = naive_boundaries.words(clean)
    for array in (clean, dirty, normalise(dirty)):
        source = row_source(array)
        assert source.words(0, rows).tolist() == expected
        assert source.sizes(0, rows).tolist() == naive_boundaries.sizes(clean)
        low, high = sorted(rng.integers(0, rows + 1, 2).tolist())
        assert source.words(low, high).tolist() == expected[low:high]
        assert row_source(array.slice(low, high - low)).words(0, high - low).tolist() == expected[low:high]


@each_kind
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, rows=st.integers(0, 160), style=STYLES, nulls=NULLS, rule=RULES)
def test_chunks_end_where_the_definition_says(
    kind: Any, seed: int, rows: int, style: str, nulls: float, rule: BoundaryRule
) -> None:
    rng = np.random.default_rng(seed)
    values = drawn(kind, rows, rng, style=style, nulls=nulls)
    assert ends(built(kind, values, dirty=rng), rule) == naive_boundaries.ends(built(kind, values), rule)


def numbers(rows: int) -> np.ndarray[Any, Any]:
    """The first values of SplitMix64 with seed 0: arbitrary numbers that any language can make."""
    with np.errstate(over="ignore"):
        z = np.arange(1, rows + 1, dtype="u8") * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)


def vectors() -> dict[str, Any]:
    z = numbers(300_000)
    z_list = z[:60_000].tolist()
    lists = [[z_list[i]] * (i % 6) for i in range(60_000)]
    return {
        "int64: row number": pa.array(np.arange(300_000)),
        "uint64: z": pa.array(z),
        "int64: 0": pa.array(np.zeros(300_000, "i8")),
        "bool: z % 1000 == 0": pa.array(z % np.uint64(1000) == 0),
        "float64: z % 4, null where z % 7 == 0": pa.array((z % np.uint64(4)).astype("f8"), mask=z % np.uint64(7) == 0),
        "utf8: user_ and z % 50000": pa.array([f"user_{v % 50_000}" for v in z_list], pa.large_string()),
        "utf8: z in 16 hexadecimal digits, 25 times": pa.array(
            [f"{v:016x}" * 25 for v in z_list[:9000]], pa.large_string()
        ),
        "list<uint64>: z, (row number % 6) times": pa.array(lists, pa.large_list(pa.uint64())),
        "dictionary<utf8>: Paris, Lima or null, by z % 3": pa.array(
            [("Paris", "Lima", None)[v % 3] for v in z.tolist()], pa.large_string()
        ).dictionary_encode(),
    }


VECTORS: dict[str, list[int]] = {
    "int64: row number": [20269, 51146, 139414, 218082, 268719, 300000],
    "uint64: z": [37051, 81382, 141530, 164097, 183606, 256080, 300000],
    "int64: 0": [131072, 262144, 300000],
    "bool: z % 1000 == 0": [83103, 171658, 262080, 300000],
    "float64: z % 4, null where z % 7 == 0": [49525, 74829, 101804, 184845, 245714, 267599, 300000],
    "utf8: user_ and z % 50000": [43504, 60000],
    "utf8: z in 16 hexadecimal digits, 25 times": [2539, 4211, 7332, 9000],
    "list<uint64>: z, (row number % 6) times": [6687, 42505, 60000],
    "dictionary<utf8>: Paris, Lima or null, by z % 3": [39736, 85647, 115253, 154275, 220805, 272364, 300000],
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_of_the_decision_note(name: str) -> None:
    assert BOUNDARY_VERSION == 1
    assert ends(vectors()[name], BoundaryRule()) == VECTORS[name]


# --- what follows from it --------------------------------------------------------------------------------------------


@each_kind
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, rows=st.integers(1, 160), style=STYLES, rule=RULES)
def test_an_end_depends_on_the_rows_of_its_chunk_alone(
    kind: Any, seed: int, rows: int, style: str, rule: BoundaryRule
) -> None:
    rng = np.random.default_rng(seed)
    values, other = drawn(kind, rows, rng, style=style), drawn(kind, 12, rng, style="many")
    for start, stop in chunk_ranges(built(kind, values), rule):
        chunk = values[start:stop]
        assert ends(built(kind, chunk, dirty=rng), rule) == [len(chunk)]
        if stop < rows:  # else it ended with the data
            assert chunk_end(built(kind, other + chunk + other, dirty=rng), len(other), rule) == len(other) + len(chunk)


def identity(values: list[Any]) -> ObjectId:
    return ObjectId(hashlib.sha256(repr(values).encode()).digest())


def edited(values: list[Any], stops: list[int], kind: Any, edits: list[tuple[str, int, int]], rng: Any) -> list[Any]:
    """Values after edits at rows near the ends of chunks."""
    out = list(values)
    for what, near, count in edits:
        place = min(max((stops or [0])[near % max(len(stops), 1)] + count % 5 - 2, 0), len(out))
        fresh = drawn(kind, count, rng, style="many")
        if what == "insert":
            out[place:place] = fresh
        elif what == "delete":
            del out[place : place + count]
        elif what == "edit":
            out[place : place + 1] = fresh[:1] if place < len(out) else []
        elif what == "repeat":
            out[place:place] = out[max(place - count, 0) : place]
        else:
            out += fresh
    return out


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "edit", "append", "repeat"]), st.integers(0, 50), st.integers(0, 40)
    ),
    max_size=4,
)


@each_kind
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, rows=st.integers(0, 250), style=STYLES, edits=EDITS, rule=RULES)
def test_a_parent_changes_the_work_but_not_the_result(
    kind: Any, seed: int, rows: int, style: str, edits: list[tuple[str, int, int]], rule: BoundaryRule
) -> None:
    rng = np.random.default_rng(seed)
    before = drawn(kind, rows, rng, style=style)
    ranges = chunk_ranges(built(kind, before), rule)
    parent = [(identity(before[start:stop]), stop - start) for start, stop in ranges]
    after = edited(before, [stop for _, stop in ranges], kind, edits, rng)
    asked: list[tuple[int, int]] = []

    def chunk_id(start: int, stop: int) -> ObjectId:
        asked.append((start, stop))
        return identity(after[start:stop])

    found = []
    for start, stop, oid, reused in incremental_ranges(built(kind, after, dirty=rng), parent, chunk_id, rule):
        assert asked[-1] == (start, stop)
        assert oid == identity(after[start:stop])
        assert reused == (oid in dict(parent))
        found.append((start, stop))
    assert found == chunk_ranges(built(kind, after), rule)
    assert len(set(asked)) == len(asked)  # no range is hashed twice
    ids = [identity(after[start:stop]) for start, stop in found]
    if len(set(ids)) == len(ids) and len(dict(parent)) == len(parent):  # else a chunk may be taken for its double
        assert len(asked) - len(found) <= len(set(ids) - set(dict(parent))) + len(edits)


def test_an_unchanged_column_is_only_hashed() -> None:
    array = pa.array(numbers(200_000))
    parent = [(identity([start, stop]), stop - start) for start, stop in chunk_ranges(array)]
    asked = []

    def chunk_id(start: int, stop: int) -> ObjectId:
        asked.append((start, stop))
        return identity([start, stop])

    found = list(incremental_ranges(array, parent, chunk_id))
    assert [(start, stop) for start, stop, _, _ in found] == asked == chunk_ranges(array)
    assert all(reused for *_, reused in found)


def column_ids(array: Any) -> list[tuple[bytes, int]]:
    kind = logical_type(array.type)
    return [(canonical_chunk(array.slice(a, b - a), kind).id(), b - a) for a, b in chunk_ranges(array)]


def columns() -> dict[str, np.ndarray[Any, Any]]:
    rng, rows = np.random.default_rng(7), 1_000_000
    return {
        "normal": rng.normal(size=rows),
        "row number": np.arange(rows),
        "sorted": np.sort(rng.integers(0, 10_000, rows)),
        "one in a thousand": rng.random(rows) < 0.001,
        "four values": rng.integers(0, 4, rows),
        "long runs": np.repeat(rng.integers(0, 5, rows // 5000), 5000),
        "common start and end": np.array(
            [f"batch/2026/{v}/part-000.parquet" for v in rng.integers(10**7, 10**8, 200_000)]
        ),
    }


@pytest.mark.parametrize("name", columns())
def test_an_insertion_leaves_most_chunks_as_they_were(name: str) -> None:
    values = columns()[name]

    def array(values: np.ndarray[Any, Any]) -> Any:
        return normalise(pa.array(values))

    before = column_ids(array(values))
    known = {oid for oid, _ in before}
    for place in (len(values) // 20, len(values) // 2):
        longer = np.insert(values, place, values[:37])
        kept = sum(rows for oid, rows in column_ids(array(longer)) if oid in known)
        assert kept >= 0.8 * len(values)


def test_a_constant_column_is_one_chunk_again_and_again() -> None:
    for array in (pa.array(np.zeros(500_000)), pa.nulls(500_000), pa.nulls(500_000, pa.large_string())):
        before = column_ids(array)
        assert len({oid for oid, _ in before[:-1]}) == 1
        assert len(before) <= 6
        longer = column_ids(pa.concat_arrays([array, array.slice(0, 37)]))
        assert sum(oid not in dict(before) for oid, _ in longer) == 1


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 30, 3000, 100_000])
def test_chunks_of_text_stay_small(length: int) -> None:
    rows = min(20_000_000 // (length + 16), 200_000)
    for text in ([f"{v}".ljust(length, "x") for v in range(rows)], ["x" * length] * rows):
        ranges = chunk_ranges(pa.array(text, pa.large_string()))
        data = [sum(map(len, text[start:stop])) for start, stop in ranges]
        assert max(data) < 4 * 2**20
        assert length < 3000 or np.mean(data[:-1]) > 2**18


def test_a_huge_value_ends_its_chunk() -> None:
    huge = "y" * (5 * 2**20)
    values = [f"{v}" for v in range(1000)] + [huge, huge] + [f"{v}" for v in range(1000)]
    stops = ends(pa.array(values, pa.large_string()), BoundaryRule())
    assert stops == [1001, 1002, 2002]
    lists = pa.array([[1] * 10, [2] * 3_000_000, [3] * 10], pa.large_list(pa.int8()))
    assert ends(lists, BoundaryRule()) == [2, 3]


def test_values_under_a_null_have_no_weight() -> None:
    offsets = np.arange(0, 1001 * 50_000, 50_000)
    data = np.zeros(int(offsets[-1]), "u1")
    buffers = [pa.py_buffer(bytes(125)), pa.py_buffer(offsets), pa.py_buffer(data)]
    assert ends(pa.Array.from_buffers(pa.large_string(), 1000, buffers), BoundaryRule()) == [1000]


def test_codes_under_a_null_may_point_anywhere() -> None:
    for values in (["b", "a"], [f"{v}" for v in range(50)], []):  # more values than rows, too
        codes = np.array([0, 10**9, 0, -5, 77] if values else [77, -1], "<i4")
        valid = (codes == 0).tolist()
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
        indices = pa.Array.from_buffers(pa.int32(), len(codes), [bitmap, pa.py_buffer(codes)])
        array = pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.large_string()), safe=False)
        plain = pa.array([values[0] if ok else None for ok in valid], pa.large_string())
        assert row_source(array).words(0, len(codes)).tolist() == naive_boundaries.words(plain)
        assert row_source(array).sizes(0, len(codes)).tolist() == [4] * len(codes)


def test_lists_longer_than_a_piece() -> None:
    """Items are summed up in pieces: the word must not depend on where those end."""
    rng = np.random.default_rng(3)
    items = rng.integers(0, 100, 300_000)
    for offsets in ([0, 200_000, 200_000, 300_000], [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000]):
        array = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(items))
        alone = [row_source(array.slice(row, 1)).words(0, 1)[0] for row in range(len(array))]
        copied = [pa.array([items[a:b]], array.type) for a, b in pairwise(offsets)]
        assert row_source(array).words(0, len(array)).tolist() == alone
        assert [row_source(row).words(0, 1)[0] for row in copied] == alone


@example(rows=0)
@given(rows=st.integers(0, 3))
def test_few_rows_are_one_chunk(rows: int) -> None:
    for kind in KINDS:
        assert ends(built(kind, drawn(kind, rows, np.random.default_rng(rows))), BoundaryRule()) == [rows] * (rows > 0)


# --- threads and machines --------------------------------------------------------------------------------------------


def test_tables_that_grow_in_many_threads_stay_right() -> None:
    for _ in range(20):
        powers = Powers(POWER)
        sizes = [2**k + 1 for k in range(14)] * 3
        with ThreadPoolExecutor(8) as pool:
            tables = list(pool.map(lambda count, powers=powers: powers.run(0, count), sizes))
        for count, table in zip(sizes, tables, strict=True):
            assert len(table) == count
            assert int(table[-1]) == pow(POWER, count - 1, 2**64)


def test_powers_and_their_inverses() -> None:
    places = np.array([0, 1, 65_535, 65_536, 65_537, 1 << 40], "i8")[:-1]
    assert Powers(POWER).at(places).tolist() == [pow(POWER, int(place), 2**64) for place in places]
    assert Powers(INVERSE).run(70_000, 2).tolist() == [pow(POWER, -70_000 - k, 2**64) for k in range(2)]


def test_buffers_that_are_not_aligned() -> None:
    """Buffers from other libraries and files may begin at any address."""
    values = [f"user_{v}" for v in range(500)]
    aligned = pa.array(values, pa.large_string())
    expected = row_source(aligned).words(0, 500).tolist()
    validity, offsets, data = aligned.buffers()
    for shift in range(1, 8):
        moved = pa.py_buffer(bytes(shift) + data.to_pybytes()).slice(shift)
        shifted = pa.py_buffer(bytes(shift) + offsets.to_pybytes()).slice(shift)
        array = pa.Array.from_buffers(pa.large_string(), 500, [validity, shifted, moved])
        assert row_source(array).words(0, 500).tolist() == expected
