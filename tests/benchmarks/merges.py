"""How long a merge takes, beside the two diffs and the write that it cannot do without, and how much memory.

`run.py` runs `store` once a work and `measure` in processes of their own, each on a copy of what was stored.
``python tests/benchmarks/merges.py FOLDER [--rows N] [--only WORK]`` does the same in one process.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import lineageflow_jupyter as lf

EDITED = 0.001
CONFLICTS = 100_000
PARTS = ("diffs", "write", "merge")
"""What is measured: both diffs from the common version, a commit of the merged frame by hand, and the merge."""


class Sides(NamedTuple):
    """The common version, both sides, and what their merge is."""

    base: pd.DataFrame
    ours: pd.DataFrame
    theirs: pd.DataFrame
    merged: pd.DataFrame


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
    values = frame[column].to_numpy(copy=True)
    values[rows] = values[rows] + by
    return frame.assign(**{column: values})


def columns(base: pd.DataFrame, some: Any, others: Any) -> Sides:
    """Each side edits cells of a column of its own."""
    ours = edited(base, "price", some, 1.0)
    return Sides(base, ours, edited(base, "count", others, 1), edited(ours, "count", others, 1))


def cells(base: pd.DataFrame, some: Any, others: Any) -> Sides:
    """Both edit other cells of one column."""
    ours = edited(base, "price", some, 1.0)
    return Sides(base, ours, edited(base, "price", others, 2.0), edited(ours, "price", others, 2.0))


def appended(base: pd.DataFrame, some: Any, others: Any) -> Sides:
    """Both append rows."""
    ours, theirs = (
        base.iloc[rows].assign(id=len(base) + number * len(rows) + np.arange(len(rows)))
        for number, rows in enumerate((some, others))
    )
    both = [pd.concat([base, *more], ignore_index=True) for more in ([ours], [theirs], [ours, theirs])]
    return Sides(base, *both)


def conflicts(base: pd.DataFrame, some: Any, others: Any) -> Sides:
    """Both edit the same cells, 100,000 of them."""
    rows = np.concatenate([some, others])[: min(CONFLICTS, len(base))]
    theirs = edited(base, "price", rows, 2.0)
    return Sides(base, edited(base, "price", rows, 1.0), theirs, theirs)


WORKS: dict[str, tuple[str, Callable[[pd.DataFrame, Any, Any], Sides], float | None]] = {
    "columns": ("edits of 0.1 % of the cells, each side in a column of its own", columns, 1.5),
    "cells": ("edits of 0.1 % of the cells, both sides in one column", cells, 1.5),
    "appended": ("both sides append 0.1 % of the rows", appended, None),
    "conflicts": ("`theirs` over 100,000 conflicts", conflicts, None),
}
"""By name: what it is, what makes it, and how many times diffs and write it may take."""


def sides(rows: int, work: str) -> Sides:
    """Versions that are merged."""
    base = table(rows)
    picked = np.random.default_rng(1).permutation(rows)
    some = max(int(rows * EDITED), CONFLICTS // 2 if work == "conflicts" else 1)
    return WORKS[work][1](base, picked[:some], picked[some : 2 * some])


def store(job: Mapping[str, Any]) -> None:
    """Make a repository whose branches hold the sides; main holds ours."""
    found = sides(job["rows"], job["work"])
    with lf.init(Path(job["folder"])) as repository:
        repository.commit({"table": found.base}, message="base", keys={"table": ["id"]})
        repository.branch("base")
        repository.switch("theirs", create=True)
        repository.commit({"table": found.theirs}, message="theirs")
        repository.switch("main", live={"table": found.theirs})
        repository.commit({"table": found.ours}, message="ours")


def measure(job: Mapping[str, Any], stopwatch: Callable[[], Any]) -> dict[str, Any]:
    """Measure one part once, in a copy of what `store` made; say whether the merge is right."""
    merged = sides(job["rows"], job["work"]).merged if job["part"] != "diffs" else None
    wrong = ""
    with lf.open(Path(job["folder"])) as repository:
        repository.log(limit=1)
        with stopwatch() as watch:
            if job["part"] == "diffs":
                for side in ("main", "theirs"):
                    _ = repository.diff("base", side)["table"].summary
            elif job["part"] == "write":
                repository.commit({"table": merged}, message="by hand")
            else:
                repository.merge("theirs", resolve="theirs" if job["work"] == "conflicts" else None)
        if job["part"] == "merge" and not repository.read("table").equals(merged):
            wrong = "another table than the truth"
    return {"seconds": watch.seconds, "memory": watch.peak, "wrong": wrong}


def summary(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Medians of seconds by part, and the highest memory of the merge."""
    found = {part: statistics.median(run["seconds"] for run in runs[part]) for part in PARTS}
    wrong = next((run["wrong"] for run in runs["merge"] if run["wrong"]), "")
    return {**found, "memory": max(run["memory"] for run in runs["merge"]), "wrong": wrong}


def main() -> None:
    """Measure every work once."""
    from worker import Stopwatch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--only", choices=list(WORKS), nargs="*", default=list(WORKS))
    options = parser.parse_args()
    for work in options.only:
        stored, copy = options.folder / work, options.folder / "copy"
        job = {"rows": options.rows, "work": work}
        if not stored.exists():
            stored.parent.mkdir(parents=True, exist_ok=True)
            store({**job, "folder": str(stored)})
        runs: dict[str, list[dict[str, Any]]] = {}
        for part in PARTS:
            shutil.copytree(stored, copy)
            runs[part] = [measure({**job, "part": part, "folder": str(copy)}, lambda: Stopwatch(False))]
            shutil.rmtree(copy)
        found = summary(runs)
        times = ", ".join(f"{part} {1e3 * found[part]:.0f} ms" for part in PARTS)
        print(f"{work}: {times}, {found['memory'] / 1e6:.0f} MB above what was in use {found['wrong']}", flush=True)


if __name__ == "__main__":
    main()
