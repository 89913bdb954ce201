"""What the stored form of columns costs: bytes and processor time of ours and of the alternatives.

``python tests/benchmarks/codecs.py [ROWS]`` prints the tables of ``docs/decisions/002-codecs.md``. Times are those of
one thread's processor, so that other work on the machine matters little; rows of one run can be compared.
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numcodecs import blosc

from lineageflow_jupyter.frames.codecs import encode_value, parse_value

CHUNK = 40_000
ROUNDS = 3
BLOCK = 1 << 20


class Buffer(NamedTuple):
    """One buffer of a column: its pieces, a chunk each, and the width of its elements."""

    pieces: list[Any]
    width: int


def columns(rows: int) -> Iterator[tuple[str, list[Buffer]]]:
    """Columns as they are met: counters, times, prices, measurements, flags, codes, texts."""
    r = np.random.default_rng(0)
    seconds = np.sort(r.integers(0, 86_400 * 365, rows))
    yield "counter (int64)", [numbers(np.arange(rows))]
    yield "sorted times (whole s in ns)", [numbers(1_704_067_200_000_000_000 + seconds * 10**9)]
    yield "sorted times (ms)", [numbers(1_704_067_200_000 + np.sort(r.integers(0, 86_400_000 * 365, rows)))]
    yield "unsorted times (whole s in us)", [numbers(1_704_067_200_000_000 + r.permutation(seconds) * 10**6)]
    yield "prices (2 decimals)", [numbers(np.round(r.gamma(2, 50, rows), 2))]
    yield "quantities (int64, 1-99)", [numbers(r.integers(1, 100, rows))]
    yield "measurements (normal)", [numbers(r.normal(size=rows))]
    yield "scores (uniform, 5 % NaN)", [numbers(np.where(r.random(rows) < 0.05, np.nan, r.random(rows)))]
    yield "float32", [numbers(r.normal(size=rows).astype("f4"))]
    yield "ids (random 64 bit)", [numbers(r.integers(0, 2**63, rows))]
    yield "flags (bitmap)", [pieces(np.packbits(r.random(rows) < 0.1, bitorder="little"), CHUNK // 8, 1)]
    yield "codes (int16)", [numbers(r.integers(0, 300, rows, dtype="i2"))]
    yield "city (text, 4 values)", text(np.array(["Paris", "London", "Tokyo", "Lima"])[r.integers(0, 4, rows)])
    yield "user (text, rows/10 values)", text(np.char.add("user_", r.integers(0, rows // 10 + 1, rows).astype(str)))


def numbers(values: Any) -> Buffer:
    return pieces(values, CHUNK, values.itemsize)


def pieces(values: Any, step: int, width: int) -> Buffer:
    return Buffer([values[at : at + step] for at in range(0, len(values), step)], width)


def text(values: Any) -> list[Buffer]:
    array: Any = pa.array(values, pa.large_string())
    offsets = np.frombuffer(array.buffers()[1], np.int64)
    content = np.frombuffer(array.buffers()[2], np.uint8)
    bounds = offsets[[*range(0, len(values), CHUNK), len(values)]]
    parts = [content[start:stop] for start, stop in itertools.pairwise(bounds)]
    return [numbers(np.diff(offsets).astype("u4")), Buffer(parts, 1)]


def ours() -> tuple[Callable[[Any, int], bytes], Callable[[bytes, Any], None]]:
    def encode(piece: Any, width: int) -> bytes:
        return b"".join(encode_value(b"", [piece], [width]))

    return encode, lambda data, out: parse_value(data).read_into(0, out)


def with_blosc(name: bytes, shuffle: int, block: int, *, width: int | None = None, level: int = 1) -> Any:
    def encode(piece: Any, element: int) -> bytes:
        typed = np.frombuffer(piece, f"u{width or element}")
        kind = blosc.NOSHUFFLE if element == 1 or width == 1 else shuffle
        data: bytes = blosc.compress(typed, name, level, kind, block)
        return data

    return encode, lambda data, out: blosc.decompress(data, out)


def arrow(codec: Any) -> Any:
    options = pa.ipc.IpcWriteOptions(compression=codec, use_threads=False)
    plain: Any = pa.ipc.IpcReadOptions(use_threads=False)

    def encode(piece: Any, width: int) -> bytes:
        kind = pa.from_numpy_dtype(np.asarray(piece).dtype)
        array: Any = pa.Array.from_buffers(kind, len(piece), [None, pa.py_buffer(piece)])
        batch = pa.record_batch([array], names=["v"])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
            writer.write_batch(batch)
        return sink.getvalue().to_pybytes()

    def decode(data: bytes, out: Any) -> None:
        batch: Any = pa.ipc.open_stream(data, options=plain).read_next_batch()
        out[:] = np.frombuffer(batch.column(0).buffers()[1], np.uint8, len(out))

    return encode, decode


METHODS: dict[str, Any] = {
    "as stored": ours(),
    "Zstd-1, shuffle, one block": with_blosc(b"zstd", blosc.SHUFFLE, BLOCK),
    "Zstd-1, shuffle, Blosc's blocks": with_blosc(b"zstd", blosc.SHUFFLE, 0),
    "Zstd-1, no shuffle, one block": with_blosc(b"zstd", blosc.NOSHUFFLE, BLOCK, width=1),
    "Zstd-1, bit shuffle, one block": with_blosc(b"zstd", blosc.BITSHUFFLE, BLOCK),
    "Zstd-3, shuffle, one block": with_blosc(b"zstd", blosc.SHUFFLE, BLOCK, level=3),
    "LZ4, shuffle, one block": with_blosc(b"lz4", blosc.SHUFFLE, BLOCK),
    "LZ4, bit shuffle, one block": with_blosc(b"lz4", blosc.BITSHUFFLE, BLOCK),
    "Arrow IPC Zstd-1": arrow("zstd"),
    "Arrow IPC LZ4": arrow("lz4"),
}


def measure(buffers: list[Buffer], encode: Any, decode: Any) -> tuple[int, float, float]:
    """Stored bytes, and seconds to encode and decode, of the best round."""
    there = back = float("inf")
    size = 0
    for _ in range(ROUNDS):
        start = time.process_time()
        stored = [[encode(piece, buffer.width) for piece in buffer.pieces] for buffer in buffers]
        there = min(there, time.process_time() - start)
        start = time.process_time()
        for buffer, values in zip(buffers, stored, strict=True):
            for piece, data in zip(buffer.pieces, values, strict=True):
                decode(data, np.empty(piece.nbytes, np.uint8))
        back = min(back, time.process_time() - start)
        size = sum(map(len, (data for values in stored for data in values)))
    return size, there, back


def compare(rows: int) -> None:
    print(f"{rows:,} rows in chunks of {CHUNK:,}, one thread: MB stored, ms to encode, ms to decode\n")
    total = {name: [0.0, 0.0, 0.0] for name in METHODS}
    raw = 0
    print("| column | raw MB | " + " | ".join(METHODS) + " |")
    print("| --- " * (len(METHODS) + 2) + "|")
    for label, buffers in columns(rows):
        size = sum(piece.nbytes for buffer in buffers for piece in buffer.pieces)
        raw += size
        cells = []
        for name, (encode, decode) in METHODS.items():
            found = measure(buffers, encode, decode)
            total[name] = [old + new for old, new in zip(total[name], found, strict=True)]
            cells.append(f"{found[0] / 1e6:.2f} · {1e3 * found[1]:.0f} · {1e3 * found[2]:.0f}")
        print(f"| {label} | {size / 1e6:.1f} | " + " | ".join(cells) + " |", flush=True)
    sums = [f"{size / 1e6:.1f} · {1e3 * there:.0f} · {1e3 * back:.0f}" for size, there, back in total.values()]
    print(f"| **all** | {raw / 1e6:.1f} | " + " | ".join(sums) + " |")


def compare_reads() -> None:
    """Ranges of 300 KB with their checksums, from files in the page cache."""
    length = 300_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack"
        path.write_bytes(os.urandom(200 * length))
        offsets = range(0, 200 * length, length)

        def copied() -> None:
            for at in offsets:
                descriptor = os.open(path, os.O_RDONLY)
                xxhash.xxh3_64_intdigest(os.pread(descriptor, length, at))
                os.close(descriptor)

        def mapped() -> None:
            with path.open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
            for at in offsets:
                xxhash.xxh3_64_intdigest(view[at : at + length])

        print(f"\nreads of {200 * length / 1e6:.0f} MB in ranges of {length:,} bytes, checksums included")
        for name, read in (("copied (pread)", copied), ("mapped once", mapped)):
            best = float("inf")
            for _ in range(5):
                start = time.process_time()
                read()
                best = min(best, time.process_time() - start)
            print(f"  {name:16s} {1e3 * best:.1f} ms")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    compare(rows)
    compare_reads()


if __name__ == "__main__":
    thread = threading.Thread(target=main)  # off the main thread numcodecs uses one thread
    thread.start()
    thread.join()
