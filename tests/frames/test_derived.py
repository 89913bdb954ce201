"""Bytes of patches, selections, row maps and change sets: as they are written down, and never wrong ones silently."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.changes import ChangeSet, encode_changes
from lineageflow_jupyter.deriving import decode_map, sealed_map
from lineageflow_jupyter.errors import CorruptData, NewerFormat
from lineageflow_jupyter.frames.assembly import assemble
from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.codecs import FORM_PATCH, encode_value, parse_value
from lineageflow_jupyter.frames.derived import Counted, decode_derived, encode_derived, with_literals
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import encode

GOLDEN = Path(__file__).parents[1] / "golden" / "derived.json"
BASE, MAP = ObjectId(bytes(range(32))), ObjectId(bytes(range(100, 132)))
ALIGNMENT = Alignment.from_sources([3, 4, -1, 0, 900], rows_a=1_000)


def literals(values: list[Any]) -> Any:
    array = normalise(pa.array(values))
    return canonical_chunk(array, logical_type(array.type))


def golden() -> dict[str, str]:
    """Stored values in hexadecimal, whole; of the change set its header and buffers."""
    positions = np.array([0, 2, 700])
    header, buffers = encode_changes(ChangeSet(ALIGNMENT, "key", {2: np.array([0, 3])}), MAP)
    values = {
        "patch": encode_derived(BASE, None, 5, 1_000, positions, literals([7, None, -1])),
        "patch without literals": encode_derived(BASE, None, 0, 3, np.empty(0, np.int64), None),
        "selection": encode_derived(BASE, MAP, 12, 1_000, positions, literals(["", "ü", None])),
        "selection of counted labels": encode_derived(Counted(10, -2), MAP, 0, 4, np.array([3]), literals([1])),
        "row map": sealed_map(ALIGNMENT)[2],
        "id of the row map": [sealed_map(ALIGNMENT)[0]],
        "change set": [encode(header), *(part.tobytes() for part in buffers)],
    }
    return {name: b"".join(map(bytes, parts)).hex() for name, parts in values.items()}


def test_golden_bytes() -> None:
    assert golden() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_what_was_written_is_read() -> None:
    chunk = decode_derived(parse_value(bytes.fromhex(golden()["patch"])))
    assert (chunk.base, chunk.map, chunk.first, chunk.rows) == (BASE, None, 5, 1_000)
    assert chunk.positions.tolist() == [0, 2, 700]
    array = with_literals(logical_type(pa.int64()), pa.array(range(1_000)), [chunk.positions], [chunk.literals])
    assert array.take(pa.array([0, 1, 2, 700])).to_pylist() == [7, 1, None, -1]
    labels = decode_derived(parse_value(bytes.fromhex(golden()["selection of counted labels"])))
    assert (labels.base, labels.map) == (Counted(10, -2), MAP)
    again = decode_map(
        parse_value(bytes.fromhex(golden()["row map"])), ObjectId(bytes.fromhex(golden()["id of the row map"]))
    )
    assert again.sources().tolist() == ALIGNMENT.sources().tolist()


@pytest.mark.parametrize("name", ["patch", "selection", "selection of counted labels"])
def test_no_flipped_bit_gives_other_rows_unseen(name: str) -> None:
    """A value's checksum finds them; without it, what contradicts itself is refused, and no other error escapes."""
    data = bytes.fromhex(golden()[name])
    rows = decode_derived(parse_value(data)).rows
    for place in range(len(data)):
        broken = data[:place] + bytes([data[place] ^ 0x81]) + data[place + 1 :]
        with suppress(CorruptData, NewerFormat):
            chunk = decode_derived(parse_value(broken))
            assert not len(chunk.positions) or chunk.positions[-1] < max(chunk.rows, rows)


@pytest.mark.parametrize(
    ("steps", "own"),
    [
        ([2**64 - 3, 1], None),  # begins before the chunk
        ([1, 2**63 - 1], None),  # wraps around to before it
        ([1], None),  # one place for two values
        ([1, 2], 10**13),  # no header, but a number that bytes() would make room for
    ],
)
def test_positions_that_are_no_rows_of_the_chunk_are_refused(steps: list[int], own: Any) -> None:
    values = literals([7, 8])
    header = encode([BASE, None, 0, 10, values.header if own is None else own, 8])
    places = np.array(steps, "<u8").tobytes()
    value = encode_value(header, [places, *values.buffers], [8, *values.widths], form=FORM_PATCH)
    with pytest.raises(CorruptData, match="unexpected shape"):
        decode_derived(parse_value(b"".join(map(bytes, value))))


def test_a_row_map_under_another_id_is_refused() -> None:
    with pytest.raises(CorruptData, match="other content than its id says"):
        decode_map(parse_value(bytes.fromhex(golden()["row map"])), MAP)


@pytest.mark.parametrize(
    "values",
    [[1, None, 3, 4], [1.5, float("nan"), None, -0.0], ["a", None, "ü", ""], [True, False, None, True],
     [[1], None, [], [2, 3]], [{"x": 1}, None, {"x": None}, {"x": 4}]],
    ids=["int", "float", "text", "bool", "list", "struct"],
)  # fmt: skip
@given(places=st.sets(st.integers(0, 3)))
@settings(max_examples=16)
def test_literals_of_every_kind_take_their_places(values: list[Any], places: set[int]) -> None:
    for array in (pa.array(values), pa.array(values[:3] + values[:1])):
        base = normalise(array)
        at = np.array(sorted(places), np.int64)
        kind = logical_type(base.type)
        other = normalise(pa.array(values[::-1]))
        taken = canonical_chunk(other.take(pa.array(at)), kind)
        parts = encode_derived(BASE, None, 0, 4, at, taken if len(at) else None)
        chunk = decode_derived(parse_value(b"".join(map(bytes, parts))))
        own = [] if chunk.literals is None else [chunk.literals]
        copy = assemble(kind, []) if not len(base) else pa.concat_arrays([base, base]).slice(0, 4)
        found = with_literals(kind, copy, [chunk.positions] if own else [], own)
        wanted = [other[row].as_py() if row in places else base[row].as_py() for row in range(4)]
        assert list(map(repr, found.to_pylist())) == list(map(repr, wanted))
