"""What tracking adds to cells and to calls of pandas, in a real IPython shell: without and with it, in one go.

`run.py` runs `measure` in a process of its own; ``python tests/benchmarks/tracking.py`` prints the same, and how a
frame of 500 MB is changed by cells that wait for its snapshot, and by cells that do not.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import recording

from lineageflow_jupyter.testing.shell import TestingShell

ROWS, COLUMNS = 3_125_000, 20
"""A frame of 500 MB."""
CELLS = {
    "a cell without frames": ("x = x + 1", 200),
    "a cell that mentions a frame of 500 MB": ("n = len(large)", 25),
    "a cell that changes a value of a frame of 500 MB": ("large.iloc[0, 0] = x + 1.0", 15),
    "a cell that changes a value of a frame of 1,000 rows": ("small.loc[0, 'a'] = small.loc[0, 'a'] + 1", 50),
}
BUSY = "the same, while the change before is still being copied"
SESSION = 2_000
"""Cells of a long session."""
LOAD = "%load_ext, the first time in a process"
NESTED = "a call within a recorded one"
OUTERMOST = {
    "column / column": "a recorded call on columns (column / column)",
    "frame[column] = column": "a recorded assignment (frame[column] = column)",
    "frame.fillna(0)": "a recorded call on a frame of ten columns (frame.fillna)",
    "frame.sort_values": "the same (frame.sort_values)",
    "frame[mask]": "the same (frame[mask])",
}


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Measure in ``job["folder"]``: seconds of each work without and with tracking, and facts of a long session."""
    Path(job["folder"]).mkdir(parents=True)
    with contextlib.chdir(job["folder"]), TestingShell.start() as shell, contextlib.redirect_stdout(io.StringIO()):
        shell.run("import os, numpy as np, pandas as pd")
        random = np.random.default_rng(0)
        large = pd.DataFrame(random.normal(size=(ROWS, COLUMNS)))
        shell.user_ns.update(x=1, large=large, small=pd.DataFrame({"a": range(1000)}))
        del large
        plain = {name: seconds(shell, *cell) for name, cell in CELLS.items()}
        started = seconds(shell, "%load_ext lineageflow_jupyter", 1)
        shell.run("%lf init;")
        for code, _ in CELLS.values():
            shell.run(code)
        settle(shell)
        tracked = {name: seconds(shell, *cell, settled=True) for name, cell in CELLS.items()}
        changes = "a cell that changes a value of a frame of 500 MB"
        plain[BUSY], tracked[BUSY] = plain[changes], seconds(shell, *CELLS[changes])
        settle(shell)
        shell.run("del large")
        session = long_session(shell)
        shell.run("%unload_ext lineageflow_jupyter")
    works = {LOAD: (0.0, started), **{name: (plain[name], tracked[name]) for name in tracked}, **dict(calls())}
    return {"works": works, **session}


def seconds(shell: TestingShell, code: str, turns: int, *, settled: bool = False) -> float:
    """Median of a cell; `settled`: what runs behind a cell has ended before the next."""
    found = []
    for _ in range(turns):
        start = time.perf_counter()
        shell.run_cell(code, store_history=True)  # type: ignore[no-untyped-call]
        found.append(time.perf_counter() - start)
        if settled:
            settle(shell)
    return statistics.median(found)


def settle(shell: TestingShell) -> None:
    """Wait for what runs behind the cells."""
    shell.magics_manager.magics["line"]["lf"].__self__.tracking.flush()


def long_session(shell: TestingShell) -> dict[str, Any]:
    """Many cells that change a frame: medians of the first and of the last, and what memory they took."""
    code = "small.loc[len(small) % 7, 'a'] = x; x += 1; part = small[small.a > 5].sort_values('a')"
    first = seconds(shell, code, 200)
    settle(shell)
    gc.collect()
    before = resident()
    seconds(shell, code, SESSION - 400)
    last = seconds(shell, code, 200)
    settle(shell)
    gc.collect()
    return {"session": {"cells": SESSION, "first": first, "last": last, "memory": resident() - before}}


def resident() -> float:
    """Bytes of this process in memory now, where the system tells; else the greatest so far."""
    try:
        return float(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def calls() -> Iterator[tuple[str, tuple[float, float]]]:
    """Seconds of calls of pandas without and with the recorder."""
    nested = recording.nested() / 1e6
    yield NESTED, (0.0, nested)
    plain, recorded = recording.compared(1_000, tuple(OUTERMOST))
    for name, title in OUTERMOST.items():
        yield title, (plain[name] / 1e6, recorded[name] / 1e6)


def snapshots(shell: TestingShell) -> list[str]:
    """Cells that make and change a frame of 500 MB: in the cell, and by the thread."""
    shell.user_ns["np"] = np
    made = f"huge = pd.DataFrame(np.random.default_rng(1).normal(size=({500_000_000 // 8 // COLUMNS}, {COLUMNS})))"
    shell.run_cell("%lf config track false;", store_history=True)  # type: ignore[no-untyped-call]
    plain = [1e3 * seconds(shell, made, 1), 1e3 * seconds(shell, "huge.iloc[0, 0] = 1.0", 5)]
    lines = [f"500 MB untracked: made {plain[0]:.0f} ms, changed {plain[1]:.1f} ms"]
    shell.run_cell("%lf config track true;", store_history=True)  # type: ignore[no-untyped-call]
    repository = shell.magics_manager.magics["line"]["lf"].__self__.session.repository
    for budget in (1_000_000, 250):
        shell.run_cell(f"%lf config track_budget {budget};", store_history=True)  # type: ignore[no-untyped-call]
        times, waits, mentioned = [], [], []
        for code in (made.replace("(1)", f"({budget})"), *(f"huge.iloc[{row}, 0] = 1.0" for row in range(3))):
            times.append(1e3 * seconds(shell, code, 1))
            start = time.perf_counter()
            assert repository.wait_for_snapshots(120)
            waits.append(1e3 * (time.perf_counter() - start))
            mentioned.append(1e3 * seconds(shell, "len(huge)", 3))
        told = f"made {times[0]:.0f} ms, changed {statistics.median(times[1:]):.0f} ms"
        later = f"snapshots {waits[0]:.0f} and {statistics.median(waits[1:]):.0f} ms later"
        lines.append(f"500 MB, budget {budget:,} ms: {told}, {later}; mentioned {statistics.median(mentioned):.0f} ms")
    return lines


def main() -> None:
    """Measure, and tell."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure({"folder": str(Path(folder, "measured"))})
    lines = [
        f"{name}: {1e3 * plain:.3f} ms, tracked {1e3 * tracked:.3f} ms"
        for name, (plain, tracked) in found["works"].items()
    ]
    session = found["session"]
    lines.append(
        f"{session['cells']:,} cells: {1e3 * session['first']:.1f} ms at first, {1e3 * session['last']:.1f} ms at last,"
        f" {session['memory'] / 1e6:.1f} MB more"
    )
    quiet = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), TestingShell.start() as shell, quiet:
        shell.run("import pandas as pd\n%load_ext lineageflow_jupyter")
        shell.run("%lf init;")
        lines += snapshots(shell)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
