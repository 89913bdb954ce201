"""What tracking adds to a cell: without frames, one that mentions a large frame, that changes a large and a small one.

``python tests/benchmarks/tracking.py`` runs cells in a real IPython shell without and with the extension, in one go.
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
        lines += [f"{name}: {plain[name]:.2f} ms, tracked {tracked[name]:.2f} ms" for name in CELLS]
    os.write(1, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
