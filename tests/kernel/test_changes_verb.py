"""`%lf changes`: the change feed of a dataset as a table and as a frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import lineageflow_jupyter as lf
from lineageflow_jupyter.feeding import ChangeFeed
from lineageflow_jupyter.kernel.verbs.changes import changes, total_of
from lineageflow_jupyter.testing.shell import TestingShell

STEPS = (
    "flights.loc[0, 'dep'] = 9.0",
    "flights = flights[flights.id != 2].reset_index(drop=True)",
    "flights = pd.concat([flights, flights.tail(1).assign(id=7, dep=7.0)], ignore_index=True)",
)


def words(answer: object) -> list[list[str]]:
    return [line.split() for line in str(answer).split("\n")]


@pytest.fixture
def history(notebook: TestingShell) -> TestingShell:
    """Four commits of flights by the key id, and one of planes."""
    notebook.run("import pandas as pd")
    notebook.run("%lf commit flights --key id -m raw;")
    for number, step in enumerate(STEPS):
        notebook.run(step)
        notebook.run(f"%lf commit -m step-{number};")
    notebook.run("%lf commit planes -m planes;")
    return notebook


def test_commits_and_their_changes_oldest_first(history: TestingShell) -> None:
    answer = history.run("%lf changes flights")
    assert isinstance(answer.report, ChangeFeed)
    told = words(answer)
    assert [line[-1] for line in told[2:6]] == ["raw", "step-0", "step-1", "step-2"]
    assert [line[5:-1] for line in told[2:6]] == [
        ["new,", "3", "×", "3"],
        ["1", "cell", "(dep)"],
        ["−1", "row"],
        ["+1", "row"],
    ]
    assert [line[:-5] for line in told[7:]] == [
        ["+", "create", "3", "×", "3"],
        ["~", "update", "1", "0", "0", "dep", "1.5", "9.0"],
        ["−", "delete", "2", "1", "dep", "NaN"],
        ["−", "delete", "2", "1", "carrier", "UA"],
        ["+", "insert", "7", "2", "dep", "7.0"],
        ["+", "insert", "7", "2", "carrier", "null"],
    ]
    assert all(line[-1] == "Ada" for line in told[7:])


def test_some_commits(history: TestingShell) -> None:
    by_range = history.run("%lf changes flights HEAD~3..HEAD")
    assert [change.commit.commit.message for change in by_range.report] == ["step-1", "step-2"]
    assert str(history.run("%lf changes HEAD~3..HEAD -- flights")) == str(by_range)
    assert str(history.run("%lf changes flights -n 2")) == str(by_range)
    assert len(history.run("%lf changes HEAD~3:flights").report) == 2
    assert str(history.run("%lf changes flights HEAD~1..HEAD")) == "no commit there changed flights"


def test_a_page(history: TestingShell) -> None:
    whole = str(history.run("%lf changes flights")).split("\n")
    for rows in ("0:2", "1:4", "3:5", "-2:", "5:"):
        start, stop = (int(part) if part else None for part in rows.split(":"))
        answer = str(history.run(f"%lf changes flights --rows {rows}"))
        shown = [line.split() for line in answer.split("\n")[7:-1]]
        assert shown == [line.split() for line in whole[7:][start:stop]], rows
    assert answer.endswith("changes 6 to 6 of 6; `--engine pandas` returns all of them as a frame")
    told = str(history.run("%lf changes flights --rows 0:2"))
    assert told.endswith(
        "changes 1 to 2 of 6; `--rows 2:6` shows the next ones; `--engine pandas` returns all of them as a frame"
    )


@pytest.mark.parametrize("key", [["id"], ["id", "kind"], []])
def test_changes_are_counted_without_being_read(tmp_path: Path, key: list[str]) -> None:
    first = pd.DataFrame({"id": range(6), "kind": list("abcdef"), "x": 1.5, "gone": 1})
    later = pd.concat([first.iloc[2:], pd.DataFrame({"id": [9], "kind": ["z"], "x": [0.5], "gone": [1]})])
    frames = [first, later.reset_index(drop=True), later.drop(columns="gone").assign(x=2.5, new=True), later.iloc[:0]]
    if not key:
        frames = [frame.set_index("id") for frame in frames]
    with lf.init(tmp_path) as repository:
        for number, frame in enumerate(frames):
            repository.commit({"t": frame}, message=str(number), keys={"t": key})
        feed = repository.changes("t")
        table = feed.to_arrow()
        assert total_of(feed) == table.num_rows > 10
        assert [change["column"] for change in changes(feed, range(7, 12))] == table["column"].to_pylist()[7:12]


def test_a_key_that_the_dataset_had_only_for_a_time(history: TestingShell) -> None:
    history.run("flights = flights.drop(columns='id').head(2)")
    history.run("%lf commit flights --key '' -m keyless;")
    told = words(history.run("%lf changes flights"))
    assert told[-1][:5] == ["−", "delete", "2", "id", "7"]


def test_values_are_shown_as_they_are_and_do_no_harm(history: TestingShell) -> None:
    history.run("flights.loc[0, 'carrier'] = '`a`  <b>\\x1b[2J'")
    history.run("%lf commit -m odd;")
    answer = history.run("%lf changes flights -n 1")
    assert r"`a`  &lt;b&gt;\x1b[2J" in answer._repr_html_()
    assert "\x1b" not in str(answer)


def test_all_of_it_as_a_frame(history: TestingShell) -> None:
    history.run("feed = %lf changes flights --engine pandas;")
    found = history.user_ns["feed"]
    assert isinstance(found, pd.DataFrame)
    assert_frame_equal(found, history.run("%lf changes flights").report.to_frame())
    assert history.run("%lf changes flights --engine polars")["operation"].to_list() == found["operation"].to_list()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%lf changes", "%lf changes needs DATASET"),
        ("%lf changes fligths", "Did you mean flights?"),
        ("%lf changes flights HEAD~9", "'HEAD~9' does not exist"),
        ("%lf changes flights -n 0", "-n takes a number of commits"),
        ("%lf changes flights --rows x", "--rows takes START:STOP"),
        ("%lf changes flights --engine excel", "there is no engine 'excel'"),
    ],
)
def test_refusals(history: TestingShell, line: str, told: str) -> None:
    assert told in history.refused(line)


def test_a_variable_of_another_name_and_a_dataset_that_is_gone(history: TestingShell) -> None:
    history.run("%lf mv planes fleet;")
    assert "new, 2 × 1" in str(history.run("%lf changes fleet"))
    history.run("%lf rm flights;")
    assert words(history.run("%lf changes flights -n 1"))[-1][:-5] == ["−", "drop", "3", "×", "3"]


def test_completion(history: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineageflow_jupyter.kernel.completion.SECONDS", 60.0)
    assert history.completions("%lf changes fl") == ["%lf changes flights"]
    assert history.completions("%lf changes flights ma") == ["%lf changes flights main"]
    assert history.completions("%lf changes flights --engine po") == ["%lf changes flights --engine polars"]
