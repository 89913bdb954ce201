"""What the hot cache gives and costs: mapping against decoding, checks, and ways to write its files.

``python tests/benchmarks/hot.py`` prints the tables of ``docs/decisions/004-hot-cache.md``. The figure that has a
target, a second checkout of 5,000,000 × 10, is the work ``reread`` of ``run.py``.
"""

from __future__ import annotations

import mmap
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import xxhash

import lineageflow_jupyter as lf
from lineageflow_jupyter import hot_columns
from lineageflow_jupyter.model.ids import Kind, object_id
from lineageflow_jupyter.store.column_cache import ColumnCache

COLUMNS = 100
ROUNDS = 9
COLUMN_BYTES = 40_000_000


def median(work: Callable[[], object]) -> float:
    """Return the median time of a work in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        kept = work()
        times.append(time.perf_counter() - start)
        del kept
    return 1e3 * statistics.median(times)


def compare_sizes(folder: Path) -> None:
    """A frame of numbers, decoded and mapped, also with one pass over its values."""
    print(f"| rows × {COLUMNS} | decoded | mapped | decoded and summed | mapped and summed |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    hot_columns.FEWEST_ROWS = 0
    for rows in (1_000, 5_000, 10_000, 50_000, 200_000):
        r = np.random.default_rng(0)
        frame = pd.DataFrame(
            {f"c{i}": np.round(r.normal(size=rows), 2) if i % 2 else r.integers(0, 1000, rows) for i in range(COLUMNS)}
        )
        place, cells = folder / str(rows), []
        with lf.init(place) as repo:
            repo.commit({"f": frame}, message="f")
        for switch in ("0", "1"):
            os.environ["LINEAGEFLOW_CACHE"] = switch
            with lf.open(place) as repo:
                repo.read("f")
                while repo.cache_usage().waiting:
                    time.sleep(0.01)
                cells.append((median(lambda repo=repo: repo.read("f")), median(lambda repo=repo: repo.read("f").sum())))
        (decoded, decoded_sum), (mapped, mapped_sum) = cells
        print(f"| {rows:,} | {decoded:.1f} ms | {mapped:.1f} ms | {decoded_sum:.1f} ms | {mapped_sum:.1f} ms |")


def compare_ways(folder: Path) -> None:
    """One column of 40 MB: map it, check it, write it."""
    values = np.random.default_rng(0).integers(0, 256, COLUMN_BYTES).astype("u1")
    cache, oid = ColumnCache(folder, limit_bytes=1 << 40), object_id(Kind.COLUMN, [b"x"])
    cache.put(oid, lambda: [values], since=0)

    def checked() -> object:
        return ColumnCache(folder, limit_bytes=1 << 40).get(oid)

    def into_memory() -> object:
        out = np.empty(COLUMN_BYTES, "u1")
        out[:] = values
        return out

    def into_shared_map() -> object:
        with (folder / "shared").open("w+b") as file:
            file.truncate(COLUMN_BYTES)
            shared = mmap.mmap(file.fileno(), COLUMN_BYTES)
        np.frombuffer(shared, "u1")[:] = values
        return shared

    def by_write() -> object:
        return (folder / "written").write_bytes(values)

    print("\n| a column of 40 MB | |\n| --- | ---: |")
    for title, work in (
        ("map it, checked before", lambda: cache.get(oid)),
        ("map and check it", checked),
        ("XXH3-128 of it in memory", lambda: xxhash.xxh3_128_digest(values)),
        ("fill fresh memory", into_memory),
        ("fill a new file's shared map", into_shared_map),
        ("fill a new file by write()", by_write),
    ):
        print(f"| {title} | {median(work):.2f} ms |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        compare_sizes(Path(scratch))
        compare_ways(Path(scratch))
