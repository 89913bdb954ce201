"""How long a merge takes, beside the two diffs and the write that it cannot do without.

``python tests/benchmarks/merges.py FOLDER [--rows N]`` makes a table with a key and two branches that edit it, in a
folder that is new, and measures: a merge of edits of other cells; ``theirs`` over 100,000 conflicts.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lineageflow_jupyter as lf
from lineageflow_jupyter.repository import Repository

EDITED = 0.001
CONFLICTS = 100_000


def table(rows: int) -> pd.DataFrame:
    """Keyed table of five columns, as in the benchmark of diffs."""
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": random.permutation(rows),
            "price": random.normal(100, 10, rows).round(2),
            "count": random.integers(0, 1_000, rows),
            "group": random.integers(0, 50, rows),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 10**7, rows), unit="s"),
        }
    )


def edited(frame: pd.DataFrame, column: str, rows: Any, by: float) -> pd.DataFrame:
    """Return a copy with other values in some rows of a column."""
    out = frame.copy()
    values = out[column].to_numpy(copy=True)
    values[rows] = values[rows] + by
    out[column] = values
    return out


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Result of a work and its seconds."""
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


def sides(repository: Repository, base: pd.DataFrame, ours: pd.DataFrame, theirs: pd.DataFrame, name: str) -> None:
    """Commit three versions, on a branch each; HEAD ends on ours."""
    repository.commit({name: base}, message="base", keys={name: ["id"]})
    repository.switch(f"{name}/theirs", create=True)
    repository.commit({name: theirs}, message="theirs")
    repository.switch("main", live={name: theirs})
    repository.commit({name: ours}, message="ours")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    folder, count = options.folder.resolve(), options.rows
    random = np.random.default_rng(1)
    base = table(count)
    picked = random.permutation(count)
    some = int(count * EDITED)
    ours = edited(base, "price", picked[:some], 1.0)
    theirs = edited(base, "count", picked[some : 2 * some], 1)
    wanted = edited(ours, "count", picked[some : 2 * some], 1)
    with lf.init(folder) as repository:
        sides(repository, base, ours, theirs, "edits")
        base_revision = "main~1"
        _, one = timed(lambda: repository.diff(base_revision, "main", datasets="edits")["edits"].summary)
        _, other = timed(lambda: repository.diff(base_revision, "edits/theirs", datasets="edits")["edits"].summary)
        repository.switch("write", create=True, at="main")
        _, write = timed(lambda: repository.commit({"edits": wanted}, message="the same by hand"))
        repository.switch("main", live={"edits": wanted})
        done, merge = timed(lambda: repository.merge("edits/theirs"))
        assert done.state == "merged"
        assert repository.read("edits").equals(wanted)
        told(
            "merge of disjoint edits", merge, f"both diffs {1e3 * (one + other):.0f} ms, the write {1e3 * write:.0f} ms"
        )
        conflicting = picked[: min(CONFLICTS, count)]
        sides(
            repository,
            base,
            edited(base, "price", conflicting, 1.0),
            edited(base, "price", conflicting, 2.0),
            "conflicts",
        )
        done, merge = timed(lambda: repository.merge("conflicts/theirs", resolve="theirs"))
        told(f"theirs over {sum(each.conflicts for each in done.datasets):,} conflicts", merge, "")
        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        os.write(1, f"{count:,} rows; highest resident memory of it all {highest:,.0f} MB\n".encode())


def told(what: str, seconds: float, beside: str) -> None:
    """Tell a figure."""
    os.write(1, f"{1e3 * seconds:8.0f} ms  {what}; {beside}\n".encode())


if __name__ == "__main__":
    main()
