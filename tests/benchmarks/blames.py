"""How long it takes to tell which commit gave a value: of a whole table, of a column, of one value.

`run.py` runs `measure` in a process of its own; ``python tests/benchmarks/blames.py FOLDER`` makes the histories there,
or takes those that it finds, and measures them; ``--profile`` shows where the time of one work goes.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from results import Timing

import lineageflow_jupyter as lf
from lineageflow_jupyter.repository import Repository

ROWS, COMMITS, EDITED, COLUMNS = 100_000, 200, 500, 10
TURNED_OVER = 50
"""Rows that come, and as many that go, with each commit of the second history."""
TURNS = 11
HISTORIES = {"edits": "500 values a commit", "rows": "500 values, 50 rows that come and 50 that go a commit"}


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make histories in ``job["folder"]`` and measure them: a timing for each work."""
    timings = {work: asdict(timing) for work, timing in timings_of(Path(job["folder"]), TURNS)}
    size = f"{ROWS:,} × {COLUMNS + 1}, keyed; {COMMITS} commits"
    return {"size": size, "timings": timings, "again": TURNS - 1}


def build(folder: Path, kind: str) -> None:
    """Make a history."""
    random = np.random.default_rng(1)
    names = [f"value_{number}" for number in range(COLUMNS)]
    frame = pd.DataFrame({"id": np.arange(ROWS), **{name: random.normal(size=ROWS) for name in names}})
    with lf.init(folder) as repository:
        repository.commit({"table": frame}, message="first", keys={"table": ["id"]})
        for number in range(COMMITS):
            if kind == "rows":
                kept = np.delete(np.arange(ROWS), random.choice(ROWS, TURNED_OVER, replace=False))
                frame = frame.iloc[np.insert(kept, random.integers(0, len(kept), TURNED_OVER), 0)]
                frame = frame.reset_index(drop=True)
                new = np.flatnonzero(frame["id"].duplicated().to_numpy() | (frame["id"] < 0).to_numpy())
                frame.loc[new, "id"] = ROWS * (number + 2) + np.arange(len(new))
            for name in names:
                at = random.integers(0, ROWS, EDITED // COLUMNS)
                frame.loc[at, name] = random.normal(size=len(at))
            repository.commit({"table": frame}, message=f"commit {number}")


def timings_of(folder: Path, turns: int, only: str = "") -> Iterator[tuple[str, Timing]]:
    """Yield the name of a work and how long it takes: once after opening the repository, and then again."""
    folder.mkdir(exist_ok=True)
    for kind, told in HISTORIES.items():
        if not (folder / kind).exists():
            build(folder / kind, kind)
        for name, work in WORKS.items():
            title = f"{name}: {told}"
            if only in title:
                with lf.open(folder / kind) as repository:
                    yield title, timed(lambda repository=repository, work=work: work(repository), turns)


def timed(work: Callable[[], object], turns: int) -> Timing:
    """Time a work, the first time apart from the others."""
    seconds = []
    for _ in range(turns):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return Timing(seconds[0], statistics.median(seconds[1:]), max(seconds[1:]))


WORKS: dict[str, Callable[[Repository], object]] = {
    "whole table": lambda repository: repository.blame("table"),
    "one column": lambda repository: repository.blame("table", columns="value_3"),
    "one value": lambda repository: repository.blame("table", columns="value_3", rows=ROWS // 2),
    "one row": lambda repository: repository.blame("table", rows=ROWS // 2),
    "history of a row": lambda repository: repository.history("table", row=ROWS // 2),
}


def main() -> None:
    """Measure, or profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="works with this in their name")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    found = {}
    with cProfile.Profile() if options.profile else io.StringIO() as profile:
        for name, timing in timings_of(options.folder.resolve(), options.turns, options.only):
            found[name] = asdict(timing)
            figures = f"{1e3 * timing.first:8.1f} {1e3 * timing.median:8.1f} {1e3 * timing.slowest:8.1f}"
            os.write(1, f"{figures}  {name}\n".encode())
    if options.profile:
        told = io.StringIO()
        pstats.Stats(profile, stream=told).sort_stats("tottime").print_stats(40)
        os.write(1, told.getvalue().encode())
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
