"""What it costs to ask for lineage, models and impact where ten thousand cells have run. For decision 013.

python tests/benchmarks/lineage_runs.py FOLDER [--runs 10000] [--chain]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pandas as pd

import lineageflow_jupyter as lf
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.model.cells import CellRun, ColumnEdge, FrameState, FrameWrite, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.opening import CATALOG, FOLDER

CELLS = 20
"""Cells of the notebook: it reads a file, changes the frame in all others, and fits a model in the last."""
NAMES = tuple(f"column_{place}" for place in range(10))
TIMES = 5


def runs_of(count: int, *, chain: bool) -> Iterator[CellRun]:
    """A notebook of two operations a cell, run again and again; `chain`: never from its start."""
    for number in range(count):
        cell = number % CELLS
        first = number == 0 or (cell == 0 and not chain)
        yield _run(number, cell, first=first)


def _run(number: int, cell: int, *, first: bool) -> CellRun:
    before, after = _state(number), _state(number + 1)
    edges = tuple(ColumnEdge(0, name, name, "value") for name in NAMES)
    chosen = (*edges, ColumnEdge(0, NAMES[number % 10], "*", "filter"))
    if first:
        made = OperationRecord("read_parquet", 1, "path='x.parquet'", output="x", rows_out=100, added=NAMES)
        operations = [made, OperationRecord("DataFrame.dropna", 2, "", ("x",), "x", 100, 100, edges=chosen)]
    else:
        operations = [
            OperationRecord("DataFrame.dropna", 1, "subset=[…]", ("x",), "~1", 100, 100, edges=chosen),
            OperationRecord("DataFrame.fillna", 1, "value=0", ("~1",), "x", 100, 100, edges=edges),
        ]
    if cell == CELLS - 1:
        fitted = tuple(ColumnEdge(0, name, "X", "value") for name in NAMES[:8])
        target = ColumnEdge(1, NAMES[9], "y", "value")
        operations.append(
            OperationRecord("Ridge.fit", 2, "", ("x", "x"), "model", 100, edges=(*fitted, target), model="model")
        )
        operations.append(
            OperationRecord("Ridge.score", 3, "", ("x", "x"), rows_in=100, model="model", metric="score", value=0.5)
        )
    return CellRun(
        run=uuid4().hex,
        workspace="w" * 32,
        notebook="analysis.ipynb",
        cell=f"cell-{cell}",
        number=number + 1,
        code="x = x.dropna(subset=['column_1']).fillna(0)  # and some more text, as cells have it\n" * 4,
        user="ada",
        started=number * 1_000_000,
        duration=1000,
        outcome="ok",
        reads=() if first else (before,),
        writes=(FrameWrite(None if first else before, after),),
        operations=tuple(operations),
        session="s" * 32,
    )


def _state(number: int) -> FrameState:
    table = ObjectId(number.to_bytes(32, "big"))
    return FrameState("x", "x", table, table, 100, len(NAMES))


def fill(folder: Path, count: int, *, chain: bool) -> None:
    """Make a repository with so many runs and one committed dataset."""
    with lf.init(folder) as repo:
        repo.commit({"x": pd.DataFrame({name: [1.0, 2.0] for name in NAMES})}, message="first")
    catalog = SqlCatalog.open(folder / FOLDER / CATALOG)
    for run in runs_of(count, chain=chain):
        catalog.record_run(run)
    catalog.close()


def measures(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """What was asked, and milliseconds of each time."""
    with lf.open(folder) as repo:
        asked: dict[str, Callable[[], object]] = {
            'lineage("x")': lambda: repo.lineage("x"),
            'lineage("x", column)': lambda: repo.lineage("x", column=NAMES[3]),
            'lineage("x", column, down)': lambda: repo.lineage("x", column=NAMES[3], down=True),
            "models()": repo.models,
            'impact("x")': lambda: repo.impact("x"),
            'impact("x", column)': lambda: repo.impact("x", column=NAMES[3]),
        }
        for name, ask in asked.items():
            yield name, [timed(ask) for _ in range(TIMES)]


def timed(act: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Print medians and the slowest time of each question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--chain", action="store_true", help="one frame, changed by all runs")
    chosen = parser.parse_args()
    if not (chosen.folder / FOLDER).exists():
        fill(chosen.folder, chosen.runs, chain=chosen.chain)
    for name, times in measures(chosen.folder):
        print(f"{name:28} {statistics.median(times):8.0f} ms   slowest {max(times):8.0f} ms", flush=True)


if __name__ == "__main__":
    main()
