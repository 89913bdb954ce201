"""Points in time on the line: what `show`, `log`, `read` and `checkout` take for a revision, and what for a dataset."""

from __future__ import annotations

import pytest

from lineageflow_jupyter.testing.shell import TestingShell

HUGE = "9" * 5_000


@pytest.fixture
def history(committed: TestingShell) -> TestingShell:
    """Two commits on main, `raw` and `speed`; a branch `other` that was visited; a stash."""
    committed.run("flights['speed'] = flights.dep * 2")
    committed.run("%lf commit -m speed;")
    committed.run("%lf switch -c other;")
    committed.run("%lf switch main;")
    committed.run("flights['late'] = True")
    committed.run("%lf stash -m 'half done';")
    return committed


@pytest.mark.parametrize(
    ("revision", "summary"),
    [
        ("main@{0}", "speed"),
        ("main@{1}", "raw"),
        ("@{1}", "raw"),
        ("HEAD@{0}", "speed"),
        ("main@{now}", "speed"),
        ("main@{1 hour ago}~0", None),
        ("@{-1}", "speed"),
        ("@{-1}~1", "raw"),
        ("stash@{0}", "half done"),
        ("stash@{0}^", "speed"),
    ],
)
def test_a_point_in_time_is_a_revision(history: TestingShell, revision: str, summary: str | None) -> None:
    if summary is None:
        assert "pointed to nothing then" in history.refused(f"%lf show '{revision}'")
        return
    assert history.run(f"%lf show {revision}").report.commit.commit.summary == summary
    assert history.run(f"%lf log {revision}").report[0].commit.summary == summary
    assert history.run(f"%lf log {revision} flights").report[0].commit.summary == summary
    assert history.run(f"%lf show {revision}:flights").report.dataset == "flights"
    assert history.run(f"%lf read {revision}:flights").shape[0] == 3


def test_a_dataset_at_a_point_in_time(history: TestingShell) -> None:
    assert history.run("%lf read flights@{1}").shape == (3, 3)
    assert [record.commit.summary for record in history.run("%lf log flights@{1}").report] == ["raw"]
    assert str(history.run("%lf show flights@{1}")).startswith("flights 3 × 3 at ")
    assert "`%lf show HEAD:flights`" in history.refused("%lf show flights")


def test_ranges(history: TestingShell) -> None:
    history.run("planes['seats'] = 5")
    history.run("%lf commit -m seats;")
    assert [record.commit.summary for record in history.run("%lf log other..main").report] == ["seats"]
    assert [record.commit.summary for record in history.run("%lf log main@{1}..").report] == ["seats"]
    assert history.run("%lf log main..other").report == ()
    assert str(history.run("%lf log main..other")) == "no commits match"
    assert "one commit was expected, the range 'a..b'" in history.refused("%lf show a..b")
    assert "is not a range" in history.refused("%lf log a..b..c")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%lf show main@{9}", "main has not moved so often"),
        ("%lf log main@{9}", "main has not moved so often"),
        ("%lf show mian@{1}", "no ref 'mian'. Did you mean main?"),
        ("%lf log mian@{1}", "no ref 'mian'. Did you mean main?"),
        ("%lf show @{-9}", "has not switched branches 9 times"),
        ("%lf log @{-9}", "has not switched branches 9 times"),
        ("%lf log stash@{9}", "this workspace has 1 stash"),
        ("%lf read flights@{soon}", "'soon' is not a moment"),
        ("%lf checkout main@{2001-01-01}", "pointed to nothing then"),
        ("%lf log --since soon", "'soon' is not a moment"),
        ("%lf log --until soon", "'soon' is not a moment"),
        (f"%lf show HEAD~{HUGE}", "does not exist"),
        (f"%lf show HEAD^{HUGE}", "has 1 parent"),
        (f"%lf show main@{{{HUGE}}}", "is not a moment"),
        (f"%lf show @{{-{HUGE}}}", "has not switched branches"),
        (f"%lf switch @{{-{HUGE}}}", "has not switched branches"),
        (f"%lf stash drop {HUGE}", "this workspace has 1 stash"),
        (f"%lf log -n {HUGE}", "-n takes a number of commits"),
        (f"%lf reflog --skip {HUGE}", "--skip takes a number of moves"),
        (f"%lf read flights --rows {HUGE}:", "--rows takes START:STOP"),
    ],
    ids=lambda text: text.replace(HUGE, "9…9"),
)
def test_mistakes_are_one_line(history: TestingShell, line: str, told: str) -> None:
    assert told in history.refused(line)
