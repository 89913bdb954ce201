"""Processes that commit, for tests that kill them or let them race.

They are forked from a process that has imported everything already: killing many of them would else take minutes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lineageflow_jupyter as lf
import lineageflow_jupyter.catalog.sql
import lineageflow_jupyter.opening
from lineageflow_jupyter.errors import RefMoved

ROWS = 10_000

_TEXTS = [f"row {row // 50}" for row in range(ROWS)]

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Failure:
    """What a committer could not cope with."""

    text: str


class Committer:
    """A process of its own that reports what it has committed.

    Parameters
    ----------
    work : callable
        What it does; gets `report`, then `arguments`. An exception that it lets through is reported as text.
    arguments : tuple
        Passed on.
    """

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self.connection, theirs = _processes.Pipe(duplex=False)
        self._process = _processes.Process(target=_run, args=(theirs, work, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def reports(self) -> Iterator[Any]:
        """What was reported and not yet read; of a process that is gone, all that is left."""
        with contextlib.suppress(EOFError, ConnectionError):
            while self.connection.poll():
                report = self.connection.recv()
                assert not isinstance(report, Failure), report.text
                yield report

    def kill(self) -> None:
        """End it at once, as the operating system does when memory runs out."""
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def wait(self, seconds: float) -> None:
        """Wait for its end."""
        self._process.join(seconds)
        assert self._process.exitcode == 0, f"a committer ended with {self._process.exitcode}"

    def close(self) -> None:
        """Release the pipe."""
        self.kill()
        self.connection.close()


def _run(connection: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        work(connection.send, *arguments)
    except BaseException:
        with contextlib.suppress(OSError):
            connection.send(Failure(traceback.format_exc()))
        raise


def content(worker: int, turn: int) -> pd.DataFrame:
    """What a worker commits in a turn: most of it the same each time, some of it new."""
    values = np.random.default_rng(worker).random(ROWS)
    start = turn * 997 % ROWS
    values[start : start + 400] = turn + 0.5
    return pd.DataFrame({"value": values, "turn": turn, "text": _TEXTS})


def commit_on_and_on(report: Callable[[object], None], folder: Path, worker: int, turn: int) -> None:
    """Commit a dataset of its own on the common branch, until killed; report each commit that was reported."""
    repo = lf.open(folder, workspace=lf.WorkspaceName("ada", "box", f"{worker}.ipynb"))
    while True:
        done = repo.commit({f"data-{worker}": content(worker, turn)}, message=f"{worker}/{turn}")
        report((done.id.hex(), worker, turn))
        turn += 1


def count_up(report: Callable[[object], None], folder: Path, worker: int, turns: int) -> None:
    """Add one to a cell of its own and to a cell that all share, each time in the newest version."""
    with lf.open(folder, workspace=lf.WorkspaceName("ada", "box", f"counter {worker}")) as repo:
        for _ in range(turns):
            while True:
                frame = repo.read("main:counts")
                frame.loc[worker, "own"] += 1
                frame.loc[0, "shared"] += 1
                try:
                    report(repo.commit({"counts": frame}, message=f"by {worker}").id.hex())
                    break
                except RefMoved:
                    continue


def merger(worker: int) -> lf.WorkspaceName:
    """Workspace of a process that merges."""
    return lf.WorkspaceName("ada", "box", f"merger {worker}")


def priced(value: int) -> pd.DataFrame:
    """A table with a key, and a cell that both sides of each merge change."""
    return pd.DataFrame({"id": range(50), "price": [value, *range(49)]})


def merge_on_and_on(report: Callable[[object], None], folder: Path, worker: int, turn: int) -> None:
    """Change one cell on two branches of its own, merge them, and go on with the half-done merge, until killed.

    Reports are ``("found", half-done)`` at the start, where the merge that another process left is ended or forgotten,
    ``("half", theirs)`` and ``("merged", commit, price)``.
    """
    dataset, side, own = f"t{worker}", f"side-{worker}", f"own-{worker}"
    repo = lf.open(folder, workspace=merger(worker))
    found = repo.half_done
    report(("found", found and found.theirs and found.theirs.hex()))
    if found is not None and turn % 2:
        repo.abort()
    elif found is not None:
        _end_merge(report, repo, dataset)
    while True:
        for branch, value in ((side, turn), (own, -turn)):
            repo.switch(branch)
            repo.read(dataset)
            repo.commit({dataset: priced(value)}, message=f"{value}")
        done = repo.merge(side)
        assert done.open == 1
        report(("half", repo.resolve(side).id.hex()))
        _end_merge(report, repo, dataset)
        turn += 2


def _end_merge(report: Callable[[object], None], repo: lf.Repository, dataset: str) -> None:
    done = repo.resume(resolve="theirs")
    assert done.commit is not None
    report(("merged", done.commit.id.hex(), int(repo.read(dataset)["price"][0])))
