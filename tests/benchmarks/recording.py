"""What the recording of operations costs: calls of pandas with and without it.

    python tests/benchmarks/recording.py [ROWS]

Medians of single calls in microseconds. *off*: installed, nothing is being recorded. *nested*: within a call that is
recorded, as almost all calls are. *outermost*: a recorded call, with everything that is told of it. The ratio is that
of the outermost call to the plain one.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import pandas as pd

from lineageflow_jupyter.lineage.operations import Recorder
from lineageflow_jupyter.lineage.operations_hooks import CURRENT, Hook

REPEATS = 7
CALLS = 300


def works(rows: int) -> dict[str, Callable[[], object]]:
    """Calls on a frame of ten columns of numbers and texts."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame({f"n{number}": random.random(rows) for number in range(8)})
    frame["k"] = random.integers(0, 50, rows)
    frame["t"] = "text"
    column, other, mask = frame["n0"], frame["n1"], frame["n0"] > 0.5
    right = pd.DataFrame({"k": range(50), "z": range(50)})

    def set_column() -> None:
        frame["n7"] = column

    def set_located() -> None:
        frame.loc[mask, "n6"] = 0.0

    return {
        "frame[column]": lambda: frame["n0"],
        "column / column": lambda: column / other,
        "frame[mask]": lambda: frame[mask],
        "frame[column] = column": set_column,
        "frame.loc[mask, column] = 0": set_located,
        "frame.at[label, column]": lambda: frame.at[3, "n2"],
        "frame.fillna(0)": lambda: frame.fillna(0),
        "frame.assign": lambda: frame.assign(w=column),
        "frame.sort_values": lambda: frame.sort_values("n3"),
        "frame.groupby": lambda: frame.groupby("k"),
        "frame.merge": lambda: frame.merge(right, on="k"),
        "column.str.upper": lambda: frame["t"].str.upper(),
    }


def microseconds(work: Callable[[], object]) -> float:
    """Median time of one call, the best of a few rounds."""
    best = []
    for _ in range(REPEATS):
        times = []
        until = time.perf_counter() + 0.15
        for _ in range(CALLS):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
            if time.perf_counter() > until:
                break
        best.append(statistics.median(times))
    return min(best) * 1e6


class _Nobody:
    def before(self, run: object, args: object, kwargs: object) -> None: ...

    def after(self, note: object, result: object) -> None: ...

    def failed(self, note: object) -> None: ...


class _Busy:
    busy = True


def nested() -> float:
    """Microseconds that one nested call costs more, from a function that does nothing."""

    def idle(self: object, key: object = None, *, axis: int = 0) -> object:
        return self

    def many(function: Callable[..., object]) -> float:
        start = time.perf_counter()
        for _ in range(200_000):
            function(1, 2, axis=1)
        return (time.perf_counter() - start) / 0.2

    plain = min(many(idle) for _ in range(REPEATS))
    token = CURRENT.set(_Busy())
    hook = Hook(idle, _Nobody())
    try:
        return min(many(idle) for _ in range(REPEATS)) - plain
    finally:
        hook.undo()
        CURRENT.reset(token)


def compared(rows: int, names: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """Microseconds of some calls without the recorder, and recorded."""
    calls = {name: work for name, work in works(rows).items() if name in names}
    plain = {name: microseconds(work) for name, work in calls.items()}
    recorder = Recorder()
    recorder.install()
    recorded = {}
    for name, work in calls.items():
        with recorder.recording(__file__):
            recorded[name] = microseconds(work)
    recorder.uninstall()
    return plain, recorded


def main() -> None:
    """Print a table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    calls = works(rows)
    recorder = Recorder()
    plain = {name: microseconds(work) for name, work in calls.items()}
    start = time.perf_counter()
    recorder.install()
    print(f"pandas {pd.__version__}, {rows:,} rows × 10; install {(time.perf_counter() - start) * 1e3:.1f} ms")
    off = {name: microseconds(work) for name, work in calls.items()}
    outermost = {}
    for name, work in calls.items():
        with recorder.recording(__file__):
            outermost[name] = microseconds(work)
    recorder.uninstall()
    after = {name: microseconds(work) for name, work in calls.items()}
    print(f"nested: {nested():.2f} µs a call")
    print(f"{'call':30} {'plain':>9} {'off':>9} {'outermost':>9} {'more':>8} {'ratio':>6} {'uninstalled':>11}")
    for name in calls:
        more = outermost[name] - plain[name]
        figures = f"{plain[name]:9.1f} {off[name]:9.1f} {outermost[name]:9.1f} {more:8.1f}"
        print(f"{name:30} {figures} {outermost[name] / plain[name]:6.2f} {after[name]:11.1f}")


if __name__ == "__main__":
    main()
