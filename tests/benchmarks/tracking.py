"""What tracking adds to a cell: without frames, one that mentions a large frame, that changes a large and a small one.

``python tests/benchmarks/tracking.py`` runs cells in a real IPython shell without and with the extension, in one go.
Then a frame of 500 MB is changed by cells that wait for its snapshot, and by cells that do not.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import tempfile
import time

import numpy as np
import pandas as pd

from lineageflow_jupyter.frames.fingerprints import fingerprint
from lineageflow_jupyter.testing.shell import TestingShell

ROWS, COLUMNS = 1_000_000, 20
CELLS = {
    "no frame": ("x = x + 1", 200),
    "a frame of 160 MB mentioned": ("n = len(large)", 50),
    "a frame of 160 MB changed": ("large.iloc[0, 0] = 1.0", 50),
    "a frame of 1,000 rows changed": ("small.loc[0, 'a'] = small.loc[0, 'a'] + 1", 50),
}


def milliseconds(shell: TestingShell, code: str, turns: int) -> float:
    """Median of a cell."""
    found = []
    for _ in range(turns):
        start = time.perf_counter()
        shell.run_cell(code, store_history=True)  # type: ignore[no-untyped-call]
        found.append(1e3 * (time.perf_counter() - start))
    return statistics.median(found)


def snapshots(shell: TestingShell) -> list[str]:
    """Cells that make and change a frame of 500 MB: in the cell, and by the thread."""
    shell.user_ns["np"] = np
    made = f"huge = pd.DataFrame(np.random.default_rng(1).normal(size=({500_000_000 // 8 // COLUMNS}, {COLUMNS})))"
    shell.run_cell("%lf config track false;", store_history=True)  # type: ignore[no-untyped-call]
    plain = [milliseconds(shell, made, 1), milliseconds(shell, "huge.iloc[0, 0] = 1.0", 5)]
    lines = [f"500 MB untracked: made {plain[0]:.0f} ms, changed {plain[1]:.1f} ms"]
    shell.run_cell("%lf config track true;", store_history=True)  # type: ignore[no-untyped-call]
    repository = shell.magics_manager.magics["line"]["lf"].__self__.session.repository
    for budget in (1_000_000, 250):
        shell.run_cell(f"%lf config track_budget {budget};", store_history=True)  # type: ignore[no-untyped-call]
        times, waits, mentioned = [], [], []
        for code in (made.replace("(1)", f"({budget})"), *(f"huge.iloc[{row}, 0] = 1.0" for row in range(3))):
            times.append(milliseconds(shell, code, 1))
            start = time.perf_counter()
            assert repository.wait_for_snapshots(120)
            waits.append(1e3 * (time.perf_counter() - start))
            mentioned.append(milliseconds(shell, "len(huge)", 3))
        told = f"made {times[0]:.0f} ms, changed {statistics.median(times[1:]):.0f} ms"
        later = f"snapshots {waits[0]:.0f} and {statistics.median(waits[1:]):.0f} ms later"
        lines.append(f"500 MB, budget {budget:,} ms: {told}, {later}; mentioned {statistics.median(mentioned):.0f} ms")
    return lines


def main() -> None:
    """Measure, and tell."""
    large = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, COLUMNS)))
    took = []
    for _ in range(9):
        start = time.perf_counter()
        fingerprint(large)
        took.append(1e3 * (time.perf_counter() - start))
    lines = [f"fingerprint of 160 MB: {statistics.median(took):.1f} ms"]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), TestingShell.start() as shell:
        shell.user_ns.update(x=1, large=large, small=pd.DataFrame({"a": range(1000)}), pd=pd)
        plain = {name: milliseconds(shell, *cell) for name, cell in CELLS.items()}
        with contextlib.redirect_stdout(io.StringIO()):
            shell.run("%load_ext lineageflow_jupyter")
            shell.run("%lf init;")
            for code, _ in CELLS.values():
                shell.run(code)
            tracked = {name: milliseconds(shell, *cell) for name, cell in CELLS.items()}
            del shell.user_ns["large"]
            lines += snapshots(shell)
        lines += [f"{name}: {plain[name]:.2f} ms, tracked {tracked[name]:.2f} ms" for name in CELLS]
    os.write(1, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
