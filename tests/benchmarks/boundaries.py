"""How much of a column the chunk boundaries let a later version reuse, and what finding them costs.

    python tests/benchmarks/boundaries.py [--rows 2000000] [--columns WORD …] [--markdown]

For each kind of column: rows of a chunk (mean, least, most), its bytes, processor time of the search for each row and
each byte, and the share of the edited column whose chunks the column had before, by rows and by canonical bytes: after
rows are inserted near the front or around the middle (mean of three places each) and after 50 cells are set to null,
beside what would be left if only the chunks with an edited cell were lost. Times are the best of five, of this thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))

from lineageflow_jupyter.frames.canonical import canonical_chunk
from lineageflow_jupyter.frames.chunking import DEFAULT_RULE, BoundaryRule, chunk_ranges
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type

INSERTED = (1, 37, 100)
PLACES = {"front": (0.01, 0.02, 0.03), "middle": (0.4, 0.5, 0.6)}
EDITED_CELLS = 50

Chunks = list[tuple[bytes, int, int]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of column: `make` gives so many rows; long rows are measured on fewer."""

    name: str
    make: Callable[[np.random.Generator, int], Any]
    share: float = 1.0


def text(values: Any) -> Any:
    return pa.array(values).cast(pa.large_string())


def sentences(rng: np.random.Generator, rows: int, length: int) -> Any:
    words = np.array(["".join(map(chr, rng.integers(97, 123, rng.integers(2, 10)))) for _ in range(5000)])
    picks = rng.integers(0, len(words), (rows, length // 4))
    return text([" ".join(words[row])[: length - int(row[0]) % (length // 10)] for row in picks])


def labels(rng: np.random.Generator, rows: int, form: str, count: int) -> Any:
    return text([form.format(number) for number in rng.integers(0, count, rows).tolist()])


def prices(rng: np.random.Generator, rows: int) -> Any:
    return pa.array(np.round(rng.gamma(2, 50, rows), 2))


def nested(rng: np.random.Generator, rows: int) -> Any:
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 6, rows))])
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(rng.integers(0, 1000, offsets[-1])))


def records(rng: np.random.Generator, rows: int) -> Any:
    names = text(np.array(["north", "south", "east", "west"])[rng.integers(0, 4, rows)])
    return pa.StructArray.from_arrays([pa.array(rng.integers(0, 100, rows)), names], ["count", "region"])


def runs(rng: np.random.Generator, rows: int, length: int) -> Any:
    return pa.array(np.repeat(rng.integers(0, 50, rows // length + 1), length)[:rows])


KINDS = (
    Kind("constant", lambda rng, rows: pa.array(np.full(rows, 7))),
    Kind("boolean, half true", lambda rng, rows: pa.array(rng.random(rows) < 0.5)),
    Kind("boolean, 10 % true", lambda rng, rows: pa.array(rng.random(rows) < 0.1)),
    Kind("boolean, 0.1 % true", lambda rng, rows: pa.array(rng.random(rows) < 0.001)),
    Kind("four values", lambda rng, rows: pa.array(rng.integers(0, 4, rows))),
    Kind("sorted, 10,000 values", lambda rng, rows: pa.array(np.sort(rng.integers(0, 10_000, rows)))),
    Kind("sorted times", lambda rng, rows: pa.array(np.sort(rng.integers(0, 86_400 * 365, rows)).view("M8[s]"))),
    Kind("runs of 5,000", lambda rng, rows: runs(rng, rows, 5_000)),
    Kind("runs of 200,000", lambda rng, rows: runs(rng, rows, 200_000)),
    Kind("sparse, 1 % not 0", lambda rng, rows: pa.array(np.where(rng.random(rows) < 0.01, rng.random(rows), 0.0))),
    Kind("row number", lambda rng, rows: pa.array(np.arange(rows))),
    Kind("normal floats", lambda rng, rows: pa.array(rng.normal(size=rows))),
    Kind("prices, 2 decimals", lambda rng, rows: prices(rng, rows)),
    Kind("periodic, 7", lambda rng, rows: pa.array(np.arange(rows) % 7)),
    Kind("periodic, 1,440", lambda rng, rows: pa.array(np.arange(rows) % 1440)),
    Kind("many nulls, 90 %", lambda rng, rows: pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.9)),
    Kind("int8", lambda rng, rows: pa.array(rng.integers(0, 100, rows).astype("i1"))),
    Kind("decimal128", lambda rng, rows: prices(rng, rows).cast(pa.decimal128(38, 2)), 0.5),
    Kind("short text", lambda rng, rows: labels(rng, rows, "user_{}", rows // 10)),
    Kind("categories", lambda rng, rows: labels(rng, rows, "city {}", 4).dictionary_encode()),
    Kind(
        "ids, common start and end",
        lambda rng, rows: labels(rng, rows, "https://example.com/item/{:08d}/view", 10**8),
        0.5,
    ),
    Kind("text of 300 bytes", lambda rng, rows: sentences(rng, rows, 300), 0.1),
    Kind("text of 3,000 bytes", lambda rng, rows: sentences(rng, rows, 3_000), 0.01),
    Kind("lists of 0 to 5 int64", nested, 0.5),
    Kind("structs", records, 0.5),
)


def chunks(array: Any, rule: BoundaryRule) -> Chunks:
    """Id, rows and bytes of each chunk."""
    kind, out = logical_type(array.type), []
    for start, stop in chunk_ranges(array, rule):
        chunk = canonical_chunk(array.slice(start, stop - start), kind)
        out.append(
            (
                chunk.id(),
                stop - start,
                sum(len(memoryview(buffer).cast("B")) for buffer in chunk.buffers if len(buffer)),
            )
        )
    return out


def reused(before: Chunks, after: Chunks) -> tuple[float, float]:
    known = {oid for oid, _, _ in before}
    shares = [
        sum(chunk[part] for chunk in after if chunk[0] in known) / max(sum(chunk[part] for chunk in after), 1)
        for part in (1, 2)
    ]
    return shares[0], shares[1]


def inserted(array: Any, place: int, rows: int) -> Any:
    """Rows from elsewhere in the column, between others."""
    donor = array.slice(len(array) // 3 + 11, rows)
    return normalise(pa.concat_arrays([array.slice(0, place), donor, array.slice(place)]))


def without_cells(array: Any, places: np.ndarray[Any, Any]) -> Any:
    """Cells set to null: an edit that all types know."""
    hidden = np.zeros(len(array), bool)
    hidden[places] = True
    return normalise(array.take(pa.array(np.arange(len(array)), mask=hidden)))


def untouched(before: Chunks, array: Any, changed: Any) -> float:
    """Share of the rows in chunks in which no cell differs."""
    start, kept = 0, 0
    for _, rows, _ in before:
        kept += rows if array.slice(start, rows).equals(changed.slice(start, rows)) else 0
        start += rows
    return kept / len(array)


def search_time(array: Any, rule: BoundaryRule) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.thread_time()
        chunk_ranges(array, rule)
        best = min(best, time.thread_time() - began)
    return best


def measure(kind: Kind, rows: int, rule: BoundaryRule = DEFAULT_RULE) -> dict[str, str]:
    rng = np.random.default_rng(20261123)
    array = kind.make(rng, int(rows * kind.share))
    array = normalise(array)
    before = chunks(array, rule)
    sizes, total = [count for _, count, _ in before], sum(size for _, _, size in before)
    seconds = search_time(array, rule)
    row = {
        "column": kind.name,
        "rows": f"{len(array):,}",
        "chunks": f"{len(before)}",
        "mean": f"{np.mean(sizes):,.0f}",
        "least": f"{min(sizes[:-1] or sizes):,}",
        "most": f"{max(sizes):,}",
        "kB": f"{total / len(before) / 1e3:,.0f}",
        "ns/row": f"{seconds / len(array) * 1e9:.1f}",
        "ns/B": f"{seconds / max(total, 1) * 1e9:.2f}",
    }
    for where, places in PLACES.items():
        for count in INSERTED:
            shares = [reused(before, chunks(inserted(array, int(place * len(array)), count), rule)) for place in places]
            row[f"{where} +{count}"] = "{:.0%} {:.0%}".format(*np.mean(shares, axis=0))
    changed = without_cells(array, rng.choice(len(array), EDITED_CELLS, replace=False))
    row[f"{EDITED_CELLS} cells"] = "{:.0%} {:.0%}".format(*reused(before, chunks(changed, rule)))
    row["at best"] = f"{untouched(before, array, changed):.0%}"
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", nargs="*", default=[""], help="only kinds whose name contains one of these words")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    chosen = [kind for kind in KINDS if any(word in kind.name for word in options.columns)]
    for number, kind in enumerate(chosen):
        row = measure(kind, options.rows)
        if options.markdown:
            if number == 0:
                print("| " + " | ".join(row) + " |")
                print("| --- |" + " ---: |" * (len(row) - 1))
            print("| " + " | ".join(row.values()) + " |", flush=True)
        else:
            if number == 0:
                print("".join(f"{name:>{width(name)}}" for name in row))
            print("".join(f"{value:>{width(name)}}" for name, value in row.items()), flush=True)


def width(name: str) -> int:
    return {"column": 27, "rows": 11, "chunks": 8}.get(name, 11)


if __name__ == "__main__":
    main()
