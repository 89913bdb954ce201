"""How long the verbs take in a repository with a long history: through the shell as a user types them, and in Python.

`run.py` runs `measure` in a process of its own; ``python tests/benchmarks/history.py FOLDER`` measures one that
`histories.py` made, and ``--profile '%lf status'`` shows where the time of one line goes.
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
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from histories import FEW, OLD, Size, build, dataset_names
from results import Timing

import lineageflow_jupyter as lf
from lineageflow_jupyter import config
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.shell import TestingShell

NOTEBOOK = "analysis.ipynb"
TURNS = 11
"""How often each line runs: once after opening the repository, and then so many times less one for the median."""

LINES = (
    "%lf log",
    "%lf log -n 20 --skip 5000",
    f"%lf log {OLD}",
    "%lf log --author nobody",
    "%lf log --author дарья -n 5",
    "%lf log --text '#4567'",
    "%lf log --until 2023-01-01",
    "%lf log --since 2030-01-01",
    "%lf log --graph --all",
    "%lf log main..{branch}",
    "%lf log {branch}..main -n 20",
    "%lf show",
    "%lf show HEAD~5000",
    "%lf status",
    "%lf branch",
    "%lf tag",
    "%lf reflog",
    "%lf reflog main",
    "%lf workspace",
    "%lf stash list",
)
COMPLETIONS = {
    "a verb": "%lf sta",
    "a flag": "%lf log --",
    "a dataset": "%lf log -- table_0",
    "a revision": "%lf show topic/0",
    "a branch": "%lf switch topic/0",
    "a dataset of a revision": "%lf read main:table_0",
    "a live frame": "%lf commit table_0",
}
REVISIONS = ("HEAD~5000", "main@{2025-03-01}", "main@{5000}", "@{-1}", "v4999", "topic/0500~2")


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make a repository in ``job["folder"]`` and measure it; the size and a timing for each work."""
    folder, size = Path(job["folder"]), Size()
    start = time.perf_counter()
    build(folder, notebook_of(folder), size)
    made = time.perf_counter() - start
    timings = {work: asdict(timing) for work, timing in timings_of(folder, TURNS)}
    return {"made": made, "size": asdict(size), "timings": timings, "again": TURNS - 1}


def notebook_of(folder: Path) -> WorkspaceName:
    """Workspace that is measured."""
    found = config.settings()
    return WorkspaceName(found.user, found.host, str(folder / NOTEBOOK))


def timings_of(folder: Path, turns: int, only: str = "") -> Iterator[tuple[str, Timing]]:
    """Yield the name of a work and how long it takes."""
    with measured_shell(folder) as shell:
        for name, prepare, work in works(shell, folder):
            if only in name:
                yield name, timed(prepare, work, turns)


def timed(prepare: Callable[[], object], work: Callable[[], object], turns: int) -> Timing:
    """Time a work: the first time, right after `prepare`, apart from the others."""
    prepare()
    seconds = []
    for _ in range(turns):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    rest = seconds[1:] or seconds
    return Timing(seconds[0], statistics.median(rest), max(rest))


@contextmanager
def measured_shell(folder: Path) -> Iterator[TestingShell]:
    """Give a shell in the notebook of a repository, with live frames of some of its datasets."""
    before = Path.cwd()
    os.chdir(folder)
    os.environ[config.NOTEBOOK] = str(folder / NOTEBOOK)
    try:
        with TestingShell.start() as shell, redirect_stdout(io.StringIO()):
            shell.run("%load_ext lineageflow_jupyter")
            for number, name in enumerate(sorted(dataset_names(FEW * 2), reverse=True)[:FEW]):
                shell.run(f"{name} = %lf read {name}")
                if number < 2:
                    shell.run(f"{name} = {name}.assign(price={name}['price'] + 1)")
            yield shell
            shell.run("%unload_ext lineageflow_jupyter")
    finally:
        os.chdir(before)


def works(shell: TestingShell, folder: Path) -> Iterator[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Yield works: a name, what comes before the first time, and the work. Those that change something come last."""

    def reopen() -> None:
        shell.run(f"%lf open {folder}")

    def repository() -> Repository:
        found = shell.magics_manager.magics["line"]["lf"].__self__.session.repository
        assert isinstance(found, Repository)
        return found

    branches = [ref.name for ref in repository().branches() if ref.name != "main"]
    for line in LINES:
        cell = line.format(branch=branches[-2])
        yield cell, reopen, lambda cell=cell: shell.run(cell)
    for kind, text in COMPLETIONS.items():
        yield f"complete {kind}", reopen, lambda text=text: _required(shell.completions(text), text)
    for revision in REVISIONS:
        yield f"resolve {revision}", reopen, lambda revision=revision: repository().resolve(revision)
    yield "repo.log(limit=20)", reopen, lambda: repository().log(limit=20)
    yield "repo.status of 20 frames", reopen, lambda: repository().status(_frames(shell))
    yield "repo.compared_branches()", reopen, lambda: repository().compared_branches()
    yield "repo.datasets()", reopen, lambda: repository().datasets()
    yield "repo.dataset_names()", reopen, lambda: repository().dataset_names()
    yield "lf.open", lambda: None, lambda: lf.open(folder, workspace=notebook_of(folder)).close()
    serials = count()
    changed = next(iter(_frames(shell)))

    def commit() -> None:
        shell.user_ns[changed] = shell.user_ns[changed].assign(id=next(serials))
        shell.run(f"%lf commit {changed} -m 'other ids'")

    def unchanged() -> None:
        shell.run(f"%lf commit {changed} -m 'nothing'")

    yield "%lf commit of one small frame", reopen, commit
    yield "%lf commit, nothing changed", reopen, unchanged
    yield "%lf undo", reopen, lambda: shell.run("%lf undo")
    ways = [f"%lf switch --force {name}" for name in (branches[-1], "main")]
    yield "%lf switch", reopen, lambda: shell.run(ways[next(serials) % 2])
    yield "%lf switch -c", reopen, lambda: shell.run(f"%lf switch -c new/{uuid4()}")


def _frames(shell: TestingShell) -> dict[str, Any]:
    names = sorted(dataset_names(FEW * 2), reverse=True)[:FEW]
    return {name: shell.user_ns[name] for name in names}


def _required(found: list[str], text: str) -> None:
    if not found:
        raise SystemExit(f"nothing completes {text!r}")


def main() -> None:
    """Measure, or profile, a repository that exists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="made by `histories.py`; works that change it leave their traces")
    parser.add_argument("--only", default="", help="works with this in their name")
    parser.add_argument("--profile", action="store_true", help="show where the time of repeated runs goes")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.profile:
        with measured_shell(folder) as shell:
            for name, prepare, work in works(shell, folder):
                if options.only in name:
                    prepare()
                    work()
                    with cProfile.Profile() as profile:
                        for _ in range(options.turns):
                            work()
                    told = io.StringIO()
                    pstats.Stats(profile, stream=told).sort_stats("cumulative").print_stats(45)
                    os.write(1, f"{name}, {options.turns} times\n{told.getvalue()}".encode())
        return
    found = {}
    for name, timing in timings_of(folder, options.turns, options.only):
        found[name] = asdict(timing)
        figures = f"{1e3 * timing.first:8.1f} {1e3 * timing.median:8.1f} {1e3 * timing.slowest:8.1f}"
        os.write(1, f"{figures}  {name}\n".encode())
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
