"""What a cell run costs: recording it, and keeping it in the journal alone or many together. For decision 011.

python tests/benchmarks/recording_runs.py FOLDER
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
from lineageflow_jupyter.model.cells import CellRun, ColumnEdge, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.opening import CATALOG, FOLDER, OBJECTS
from lineageflow_jupyter.publishing import flush_runs
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.testing.catalog_contract import make_run, make_state

RUNS = 500


def a_run(number: int, edges: int = 10) -> CellRun:
    """Run of a cell that reads and writes a frame in two operations: 3 kB of JSON."""
    found = tuple(ColumnEdge(0, f"column_{place}", f"column_{place}", "value") for place in range(edges))
    before, after = (make_state("flights", ObjectId((number + more).to_bytes(32, "little"))) for more in (0, 1))
    return make_run(
        before,
        writes=[(before, after)],
        number=number,
        code=f"flights = flights.fillna({number})\nflights['speed'] = flights.distance / flights.air_time\n" * 4,
        operations=(OperationRecord("DataFrame.fillna", 1, edges=found),) * 2,
    )


def timed(act: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def measures(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """What was measured, and milliseconds of each time."""
    lf.init(folder).close()
    place = folder / FOLDER
    catalog, store = SqlCatalog.open(place / CATALOG), LocalStore(place / OBJECTS)
    runs = [a_run(number) for number in range(RUNS)]
    yield "record a run", [timed(lambda run=run: catalog.record_run(run)) for run in runs]  # type: ignore[misc]
    yield "record it again", [timed(lambda run=run: catalog.record_run(run)) for run in runs]  # type: ignore[misc]
    yield (
        "amend a run",
        [timed(lambda run=run: catalog.amend_run(run.run, environment="e")) for run in runs],  # type: ignore[misc]
    )
    yield f"journal {RUNS} runs in one object", [timed(lambda: flush_runs(catalog, store))]
    alone = []
    for number in range(100):
        catalog.record_run(a_run(number))
        alone.append(timed(lambda: flush_runs(catalog, store)))
    yield "journal one run in an object of its own", alone
    wide = a_run(0, edges=1_000)
    yield "record a run with 2,000 edges", [timed(lambda: catalog.record_run(wide))]
    catalog.close()
    with lf.open(folder) as repo:
        for pending in (0, 1, 20, 200):
            took = []
            for turn in range(15):
                for number in range(pending):
                    repo._catalog.record_run(a_run(number))
                frame = pd.DataFrame({"x": [turn, uuid4().int % 2**31]})
                took.append(timed(lambda frame=frame: repo.commit({"t": frame}, message="m")))  # type: ignore[misc]
            yield f"commit with {pending} runs pending", took


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, took in measures(parser.parse_args().folder):
        print(f"{name:45} median {statistics.median(took):8.2f} ms, worst {max(took):8.2f} ms, {len(took)} times")


if __name__ == "__main__":
    main()
