"""A repository that was opened before its process was forked."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter import tables
from lineageflow_jupyter.repository import Repository

COLUMNS = 2 * tables.GROUP_COLUMNS


def wide(first: int = 0) -> pd.DataFrame:
    """A frame of several groups of columns, which are worked on in threads."""
    return pd.DataFrame({f"c{number}": np.arange(3) + number for number in range(first, first + COLUMNS)})


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as repo:
        repo.commit({"wide": wide()}, message="before")
        repo.read("wide")  # the threads run
        yield repo


@contextmanager
def child(work: Callable[[], None]) -> Iterator[None]:
    """A forked process that does some work, and what this process does meanwhile."""
    number = os.fork()
    if number == 0:
        signal.alarm(60)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    yield
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0


def test_a_forked_process_reads_and_commits_with_threads_of_its_own(repo: Repository) -> None:
    def work() -> None:
        pd.testing.assert_frame_equal(repo.read("wide"), wide())
        repo.commit({"childs": wide(1)}, message="by the child")

    with child(work):
        pd.testing.assert_frame_equal(repo.read("wide"), wide())
    pd.testing.assert_frame_equal(repo.read("childs"), wide(1))
    repo.commit({"wide": wide(2)}, message="by the parent")
    assert [record.commit.message for record in repo.log()] == ["by the parent", "by the child", "before"]


def test_a_closed_one_stays_closed(repo: Repository) -> None:
    repo.close()

    def work() -> None:
        with pytest.raises(RuntimeError, match="shutdown"):
            repo._pool.submit(print)

    with child(work):
        pass
