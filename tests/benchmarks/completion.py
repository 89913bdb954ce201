"""How long the Tab key takes on a `%lf` line, in a repository of 1,000 branches and 500 datasets.

    python tests/benchmarks/completion.py

Medians of whole completions as IPython makes them, and what our own part of the first one takes. The first line is a
fresh shell in which no verb has opened the repository: the key must not wait for that. IPython adds the loading of Jedi
to the first key stroke of a shell for which we have no answer.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[2]))

import pandas as pd

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.records import Publication, RefChange
from lineageflow_jupyter.opening import CATALOG, FOLDER
from lineageflow_jupyter.testing.shell import TestingShell

BRANCHES = 1_000
DATASETS = 500
COLUMNS = 200
REPEATS = 30
LINES = (
    "%lf co",
    "%lf commit --",
    "%lf switch feature-07",
    "%lf log fea",
    "%lf checkout main~0 data_04",
    "df = %lf read main:data_04",
    "df = %lf read main..fea",
    "df = %lf read wide --columns column_1,col",
    "%lf commit frame --key column_1,col",
    "%lf config cache ",
    "%lf status nothing fits",
)


def generate(folder: Path) -> None:
    """Make the repository: all datasets in one commit, all branches in one transaction."""
    frames = {f"data_{number:03}": pd.DataFrame({"id": [number]}) for number in range(DATASETS - 1)}
    frames["wide"] = pd.DataFrame([range(COLUMNS)], columns=[f"column_{number}" for number in range(COLUMNS)])
    with lf.init(folder) as repository:
        tip = repository.commit(frames, message="all").id
    from lineageflow_jupyter.catalog.sql import SqlCatalog  # as late as in a kernel: importing it is part of the wait

    catalog = SqlCatalog.open(folder / FOLDER / CATALOG)
    refs = tuple(RefChange(f"feature-{number:03}", "branch", None, tip) for number in range(BRANCHES))
    catalog.publish(Publication(str(uuid4()), "branch", "", 0, refs=refs))
    catalog.close()


def tab(shell: TestingShell, line: str) -> tuple[float, int]:
    """Seconds that a key stroke takes, and how much it proposes."""
    start = time.perf_counter()
    found = shell.completions(line)
    return time.perf_counter() - start, len(found)


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, folder], check=True)  # a process of its own: ours stays a fresh one
        os.chdir(folder)
        with TestingShell.start() as shell:
            shell.run("%load_ext lineageflow_jupyter")
            shell.user_ns["frame"] = pd.DataFrame([range(COLUMNS)], columns=[f"column_{n}" for n in range(COLUMNS)])
            for title in ("before a verb", "after a verb"):
                print(title)
                start = time.perf_counter()
                _, own = shell.Completer.custom_matchers[-1].__self__.complete(LINES[2])
                print(f"  {LINES[2]:45} {len(own):5}  first  {(time.perf_counter() - start) * 1000:6.1f} ms, our part")
                time.sleep(3)
                for line in LINES:
                    taken = [tab(shell, line) for _ in range(REPEATS)]
                    seconds = [each for each, _ in taken]
                    print(
                        f"  {line:45} {taken[-1][1]:5}  median {statistics.median(seconds) * 1000:6.1f} ms"
                        f"  worst {max(seconds) * 1000:6.1f} ms"
                    )
                shell.run("%lf log -n 1;")
            shell.run("%unload_ext lineageflow_jupyter")
        os.chdir("/")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        generate(Path(sys.argv[1]))
    else:
        main()
