"""Which workspace a shell is, and what a session keeps alive."""

from __future__ import annotations

import gc
import os
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.testing.shell import TestingShell


def test_a_notebook_is_known_by_what_the_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "work/a.ipynb")
    assert Session({"__vsc_ipynb_file__": "/b.ipynb"}).workspace().path == "work/a.ipynb"


def test_visual_studio_code_puts_it_into_a_variable() -> None:
    assert Session({"__vsc_ipynb_file__": "/home/ada/b.ipynb"}).workspace().path == "/home/ada/b.ipynb"


def test_a_script_is_known_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Session({"__file__": "job.py"}).workspace().path == str(tmp_path / "job.py")


def test_a_terminal_is_known_by_folder_and_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Session({}).workspace().path == f"{tmp_path}#{os.getpid()}"


def test_answers_keep_no_frames_alive(committed: TestingShell) -> None:
    committed.run("%lf checkout HEAD")
    kept = weakref.ref(committed.user_ns["flights"])
    committed.run("flights = planes = None")
    gc.collect()
    assert kept() is None


def test_a_frame_of_the_same_name_as_a_new_dataset_of_others(committed: TestingShell) -> None:
    other = lf.open(".", workspace=lf.WorkspaceName("bob", "host", "other.ipynb"))
    other.commit({"weather": pd.DataFrame({"a": [1]})}, message="theirs")
    other.close()
    committed.user_ns["weather"] = pd.DataFrame({"b": [2]})
    assert "main holds another version: `other = %lf read main:weather`" in str(committed.run("%lf status"))
    assert "unchanged" in str(committed.run("%lf commit -m mine"))
    assert "has not seen" in committed.refused("%lf commit weather -m mine")


def test_opening_another_repository_forgets_what_was_added(committed: TestingShell, tmp_path: Path) -> None:
    committed.run("scratch = flights.copy()")
    committed.run("%lf add scratch")
    lf.init(tmp_path / "other").close()
    committed.run("%lf open other")
    assert "no live frame belongs to a dataset" in str(committed.run("%lf commit -m x"))


def test_cells_on_several_threads_share_one_repository(committed: TestingShell) -> None:
    session = Session({})
    with ThreadPoolExecutor(4) as pool:
        opened = [future.result() for future in [pool.submit(lambda: session.repository) for _ in range(4)]]
    session.close()
    assert len({id(repository) for repository in opened}) == 1
