from __future__ import annotations

import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.errors import CorruptData, NewerFormat
from lineageflow_jupyter.frames.codecs import (
    BLOSC,
    FORM_SELECTION,
    LARGEST,
    RAW,
    encode_value,
    first_buffers,
    parse_value,
)

R = np.random.default_rng(3)
WIDTHS = [1, 2, 4, 8, 16, 32]


def stored(buffers: list[Any], widths: list[int], header: bytes = b"") -> bytes:
    return b"".join(encode_value(header, buffers, widths))


def test_header_and_buffers_come_back() -> None:
    buffers = [b"", b"x", bytes(1000), "Grüße, 世界 ".encode() * 500, R.bytes(4000)]
    value = parse_value(stored(buffers, [1, 1, 8, 1, 1], b"header"))
    assert bytes(value.header) == b"header"
    assert value.sizes == tuple(map(len, buffers))
    assert [value.read(position).tobytes() for position in range(5)] == buffers


def test_nothing_comes_back_as_nothing() -> None:
    value = parse_value(stored([], []))
    assert (bytes(value.header), value.sizes) == (b"", ())


@given(
    header=st.binary(max_size=300),
    buffers=st.lists(
        st.tuples(st.binary(max_size=600), st.integers(1, 20), st.sampled_from([*WIDTHS, 3, 7])), max_size=5
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_come_back(header: bytes, buffers: list[tuple[bytes, int, int]]) -> None:
    raw = [data * times for data, times, _ in buffers]
    value = parse_value(stored(raw, [width for _, _, width in buffers], header))
    assert value.header == header
    for position, data in enumerate(raw):
        assert value.read(position).tobytes() == data
        out = bytearray(b"\xee" * len(data))
        value.read_into(position, out)
        assert out == data


COLUMNS: dict[str, Any] = {
    "counter": np.arange(40_000),
    "falling": np.arange(40_000)[::-1].copy(),
    "constant": np.full(40_000, 7.5),
    "two values": np.repeat([-5, 5], 20_000),
    "extremes": np.array([np.iinfo("i8").min, -1, 0, 1, np.iinfo("i8").max] * 4000),
    "sorted extremes": np.sort(np.array([np.iinfo("i8").min, -1, 0, 1, np.iinfo("i8").max] * 4000)),
    "timestamps": np.sort(R.integers(0, 365 * 86_400, 40_000)) * 10**9,
    "unsorted seconds": R.integers(-(10**9), 10**9, 40_000) * 10**9,
    "days with nulls": np.where(R.random(40_000) < 0.1, 0, R.integers(-400, 20_000, 40_000) * 86_400 * 10**9),
    "hours": (np.arange(40_000) - 20_000) * 3_600_000_000,
    "falling seconds": np.sort(R.integers(0, 10**9, 40_000))[::-1] * 10**9 - 1,
    "a unit but for one": np.append(R.integers(0, 10**6, 40_000) * 1000, 10**9 + 1),
    "a sorted unit but for one": np.append(np.sort(R.integers(0, 10**6, 40_000)) * 1000, 10**9 + 1),
    "a unit over the whole range": np.array([np.iinfo("i8").min, np.iinfo("i8").min + 1000 * (2**64 // 1000)] * 5000),
    "int32 of thousands": R.integers(-(10**6), 10**6, 40_000, dtype="i4") * 1000,
    "nearly sorted": np.concatenate([np.arange(20_000), [3], np.arange(20_000)]),
    "unsigned": np.sort(R.integers(0, 2**64, 40_000, dtype="u8")),
    "sorted floats": np.sort(R.normal(size=40_000)),
    "floats": R.normal(size=40_000),
    "prices": np.round(R.gamma(2, 50, 40_000), 2),
    "one NaN in ten": np.where(R.random(40_000) < 0.1, np.nan, R.random(40_000)),
    "few values": R.normal(size=5)[R.integers(0, 5, 40_000)],
    "codes": R.integers(0, 1000, 40_000, dtype="u2"),
    "sorted int32": np.sort(R.integers(-(2**31), 2**31, 40_000, dtype="i4")),
    "decimals": R.bytes(16 * 5000),
    "noise": R.integers(0, 2**63, 40_000),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_come_back(name: str) -> None:
    values = COLUMNS[name]
    width = getattr(values, "itemsize", 16)
    value = parse_value(stored([values], [width]))
    assert value.read(0).tobytes() == memoryview(values).tobytes()
    out = np.empty_like(np.frombuffer(values, np.uint8))
    value.read_into(0, out)
    assert out.tobytes() == memoryview(values).tobytes()


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("counter", 0.001), ("falling", 0.001), ("constant", 0.001), ("timestamps", 0.21), ("prices", 0.45),
        ("few values", 0.1), ("unsorted seconds", 0.52), ("days with nulls", 0.26), ("hours", 0.001),
        ("codes", 0.75), ("floats", 0.96), ("noise", 1.0001),
    ],
)  # fmt: skip
def test_what_can_be_small_is_small(name: str, share: float) -> None:
    values = COLUMNS[name]
    assert len(stored([values], [values.itemsize])) <= share * values.nbytes


def test_noise_is_not_copied() -> None:
    noise = R.bytes(100_000)
    _, part = encode_value(b"", [noise], [1])
    assert np.shares_memory(np.frombuffer(part, np.uint8), np.frombuffer(noise, np.uint8))


@pytest.mark.parametrize("count", [255, 256, 65_535, 65_536])
def test_numbers_grow_with_what_they_count(count: int) -> None:
    assert parse_value(stored([b"x"] * count, [1] * count)).sizes == (1,) * count
    assert parse_value(stored([R.bytes(count)], [1], bytes(count))).sizes == (count,)


def test_small_values_cost_few_bytes() -> None:
    assert len(stored([b"m" * 100], [1])) == 100 + 8


def test_takes_arrow_buffers_and_slices() -> None:
    buffer = pa.array(range(1000)).buffers()[1]
    assert buffer is not None
    assert parse_value(stored([buffer], [8])).read(0).tobytes() == buffer.to_pybytes()
    odd = memoryview(bytes(9) + np.arange(1000).tobytes())[9:]
    assert parse_value(stored([odd], [8])).read(0).tobytes() == odd


def test_decodes_into_unaligned_memory() -> None:
    values = np.arange(1000)
    value = parse_value(stored([values], [8]))
    out = bytearray(8003)
    value.read_into(0, memoryview(out)[3:])
    assert out[3:] == values.tobytes()


def test_decoded_buffers_are_the_callers_own() -> None:
    data = stored([b"abc", bytes(1000)], [1, 1])
    value = parse_value(data)
    for position in range(2):
        first = value.read(position)
        first[:] = 255
        assert value.read(position).tobytes() == [b"abc", bytes(1000)][position]


def test_the_output_must_have_the_right_size() -> None:
    value = parse_value(stored([bytes(1000)], [1]))
    for size in (0, 999, 1001):
        with pytest.raises(ValueError, match="1000 bytes"):
            value.read_into(0, bytearray(size))


def test_threads_encode_and_decode_at_once() -> None:
    def work(number: int) -> bool:
        values = np.random.default_rng(number).integers(0, 1000, 30_000)
        return parse_value(stored([values, values.astype("u4")], [8, 4])).read(0).tobytes() == values.tobytes()

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(60)))


def test_many_are_decoded_as_each_is() -> None:
    buffers = [bytes([number]) * size for number, size in enumerate((0, 5, 5000, 100_000))]
    values = [b"".join(encode_value(b"", [data], [1])) for data in buffers]
    assert [bytes(data) for data in first_buffers(values)] == buffers
    with pytest.raises(CorruptData, match="it has 1 bytes"):
        first_buffers([values[0], b"x"])


def test_the_settings_of_numcodecs_are_left_alone() -> None:
    from numcodecs import blosc

    before = (blosc.use_threads, blosc.set_nthreads(3))
    try:
        stored([np.arange(100_000)], [8])
        assert blosc.use_threads is before[0]
        assert blosc.set_nthreads(before[1]) == 3
    finally:
        blosc.set_nthreads(before[1])
    assert threading.current_thread() is threading.main_thread()


AT_EXIT_AND_FORKED = """
import atexit, os, sys
import numpy as np
from lineageflow_jupyter.frames.codecs import encode_value, parse_value
def work():
    values = np.arange(50_000)
    data = b"".join(encode_value(b"", [values], [8]))
    assert parse_value(data).read(0).tobytes() == values.tobytes()
atexit.register(lambda: (work(), print("at exit", flush=True)))
work()
child = os.fork()
if child == 0:
    work()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("forked", flush=True)
"""


def test_works_in_a_forked_child_and_at_exit() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", AT_EXIT_AND_FORKED],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split("\n") == ["forked", "at exit", ""], done.stderr


# What is damaged is found


def example() -> bytes:
    return stored([np.arange(300), b"some text " * 40, b"raw"], [8, 1, 1], b"head")


def test_every_truncation_is_found() -> None:
    data = example()
    for length in range(len(data)):
        with pytest.raises(CorruptData, match="damaged"):
            parse_value(data[:length])
    with pytest.raises(CorruptData, match="follow"):
        parse_value(data + b"x")


def test_flipped_bits_never_crash() -> None:
    """The pack's checksum finds them; here they must only stay within bounds and raise nothing unknown."""
    data = example()
    for at in range(len(data)):
        for bit in range(8):
            wrong = bytearray(data)
            wrong[at] ^= 1 << bit
            try:
                value = parse_value(bytes(wrong))
                assert sum(value.sizes) < 10_000
                for position in range(len(value.sizes)):
                    value.read(position)
            except (CorruptData, NewerFormat):
                pass


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        value = parse_value(data)
        assert sum(value.sizes) <= 2**20
        for position in range(len(value.sizes)):
            value.read(position)
    except (CorruptData, NewerFormat):
        pass


def lying(raw: int, *, block: int = 1 << 20, flags: int = 0x20, length: int = 40) -> bytes:
    """Value of one compressed buffer of 40 bytes that claims to hold `raw`."""
    frame = struct.pack("<BBBBIII", 2, 1, flags, 8, raw & 0xFFFFFFFF, block, length) + bytes(24)
    return struct.pack("<BBQQ", 0, 8, 1, 0) + struct.pack("<BBQQ", BLOSC, 0, raw, len(frame)) + frame


@pytest.mark.parametrize(
    "data",
    [
        lying(2**31 - 17),
        lying(2**40),
        lying(100, block=0),
        lying(100, block=2**31 - 1),
        lying(100, length=41),
        lying(0, block=1 << 20),
        struct.pack("<BBQQ", 0, 8, 2**60, 0) + bytes(64),
        struct.pack("<BBQQ", 0, 8, 0, 2**63) + bytes(64),
        struct.pack("<BBQQ", 0, 8, 1, 0) + struct.pack("<BBQQ", RAW, 0, 2**62, 2**62),
        struct.pack("<BBBB", 0, 1, 1, 0) + struct.pack("<BBBB", RAW, 0, 200, 3) + b"abc",
        struct.pack("<BBBB", 0, 1, 1, 0) + struct.pack("<BBBB", RAW, 8, 8, 8) + b"abcdefgh",
        struct.pack("<BBBB", 0, 1, 1, 0) + struct.pack("<BBBB", BLOSC, 8, 16, 15) + bytes(15),
        struct.pack("<BBBB", 0, 1, 1, 0) + struct.pack("<BBBBQQ", BLOSC, 4, 16, 16, 1 << 32, 1),
        struct.pack("<BBBB", 0, 1, 1, 0) + struct.pack("<BBBB", BLOSC, 0, 7, 7) + b"abcdefg",
        b"\x00\x03",
        b"\x00",
        b"",
    ],
)
def test_lies_are_found_before_anything_is_allocated(data: bytes) -> None:
    with pytest.raises(CorruptData, match="damaged"):
        parse_value(data)


def test_a_frame_that_does_not_decode() -> None:
    frame = struct.pack("<BBBBIII", 2, 1, 0x20, 8, 1000, 1000, 40) + bytes(24)
    value = parse_value(struct.pack("<BBHHBBHH", 0, 2, 1, 0, BLOSC, 0, 1000, len(frame)) + frame)
    with pytest.raises(CorruptData, match="does not decode"):
        value.read(0)


@pytest.mark.parametrize(
    "data",
    [
        bytes((FORM_SELECTION + 1, 1, 0, 0)),
        bytes((200, 1, 0, 0)),
        bytes((0, 1, 1, 0, 9, 0, 0, 0)),
        bytes((0, 1, 1, 0, 0, 77, 0, 0)),
    ],
    ids=["next", "form", "codec", "filter"],
)
def test_what_a_later_version_wrote(data: bytes) -> None:
    with pytest.raises(NewerFormat, match="Update LineageFlow"):
        parse_value(data)


def test_the_limit_is_that_of_blosc() -> None:
    from numcodecs import blosc

    assert LARGEST <= blosc.MAX_BUFFERSIZE
