"""`%lf cache`: what is kept of what was read, and that it can be emptied under the frames that lie on it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lineageflow_jupyter.testing.shell import TestingShell

ROWS = 20_000


@pytest.fixture
def large(notebook: TestingShell) -> TestingShell:
    """The notebook with a frame that is worth caching, committed."""
    notebook.user_ns["events"] = pd.DataFrame({"id": np.arange(ROWS), "value": np.arange(ROWS) / 4})
    notebook.run("%lf commit events -m raw;")
    return notebook


def filled(shell: TestingShell) -> Any:
    """The report, when nothing waits any more."""
    while (report := shell.run("%lf cache").report).waiting:
        time.sleep(0.01)
    return report


def test_it_tells_what_is_kept_and_how_often_it_helped(large: TestingShell) -> None:
    assert str(large.run("%lf cache")).startswith("0 columns cached, 0 bytes of ")
    large.run("first = %lf read events")
    assert filled(large).files == 2
    large.run("second = %lf read events")
    shown = str(large.run("%lf cache"))
    assert "2 columns cached, 320.3 kB of " in shown
    assert "in this session: 2 columns from the cache, 2 columns decoded" in shown
    assert shown.split("\n")[0].endswith(".lineageflow/cache/columns")
    assert_frame_equal(large.user_ns["second"], large.user_ns["events"])


def test_it_can_be_emptied_under_the_frames(large: TestingShell) -> None:
    large.run("%lf read events")
    filled(large)
    large.run("%lf checkout HEAD events;")
    before = large.user_ns["events"].copy()
    answer = large.run("%lf cache --clear")
    assert str(answer).startswith("freed 320.3 kB")
    assert (answer.report.files, answer.report.bytes) == (0, 0)
    assert_frame_equal(large.user_ns["events"], before)
    large.run("events.loc[0, 'value'] = 9.5")
    assert large.user_ns["events"].loc[0, "value"] == 9.5
    assert_frame_equal(large.run("%lf read events"), before)


def test_small_frames_are_not_kept(committed: TestingShell) -> None:
    committed.run("%lf read flights")
    report = filled(committed)
    assert (report.files, report.hits, report.misses) == (0, 0, 0)


def test_it_can_be_off(large: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    large.run("%lf read events")
    filled(large)
    monkeypatch.setenv("LINEAGEFLOW_CACHE", "0")
    large.run("%lf open .;")
    assert_frame_equal(large.run("%lf read events"), large.user_ns["events"])
    shown = str(large.run("%lf cache"))
    assert "the cache is off (LINEAGEFLOW_CACHE=1 turns it on); 2 columns cached, 320.3 kB — " in shown
    assert str(large.run("%lf cache --clear")).startswith("freed 320.3 kB")


def test_settings_that_mean_nothing_are_told(large: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGEFLOW_CACHE", "maybe")
    large.run("%lf open .")
    assert "LINEAGEFLOW_CACHE must be true or false, 'maybe' found" in large.refused("%lf cache")
    monkeypatch.setenv("LINEAGEFLOW_CACHE", "1")
    monkeypatch.setenv("LINEAGEFLOW_CACHE_BYTES", "-4GB")
    assert "LINEAGEFLOW_CACHE_BYTES must be" in large.refused("%lf cache")


def test_mistakes_are_one_line(large: TestingShell) -> None:
    assert "--clean" in large.refused("%lf cache --clean")
