"""`%lf blame` and `%lf history`: pages, counts, single values, and what is refused."""

from __future__ import annotations

import re

import pytest

from lineageflow_jupyter.blaming import Blame
from lineageflow_jupyter.kernel.blame_page import STEPS
from lineageflow_jupyter.row_history import RowHistory
from lineageflow_jupyter.testing.shell import TestingShell


def words(answer: object) -> list[list[str]]:
    return [line.split() for line in str(answer).split("\n")]


@pytest.fixture
def history(notebook: TestingShell) -> TestingShell:
    """Three commits of flights by the key id: raw, an edit, a row that goes."""
    notebook.run("import pandas as pd")
    notebook.run("%lf commit flights --key id -m raw;")
    notebook.run("flights.loc[0, 'dep'] = 9.0")
    notebook.run("%lf commit -m edit;")
    notebook.run("flights = flights[flights.id != 2].reset_index(drop=True)")
    notebook.run("%lf commit -m gone;")
    return notebook


def test_a_page_with_its_legend(history: TestingShell) -> None:
    answer = history.run("%lf blame flights")
    assert isinstance(answer.report, Blame)
    told = words(answer)
    assert told[0][:4] == ["blame", "of", "flights", "at"]
    assert told[1] == ["row", "id", "dep", "carrier"]
    assert told[2][:4] == ["0", "1", "9.0", "a"]
    assert [line[6:8] for line in told[5:]] == [["1", "edit"], ["5", "raw"]]
    assert [line[9:14] for line in told[5:]] == [["[5]", "flights.loc[0,", "'dep']", "=", "9.0"], []]  # the cell
    assert [" ".join(line[14:]) for line in told[5:]] == ["loc[…] = …, line 1", ""]  # the operation
    assert [line[0] for line in told[5:]] == ["a", "b"]


def test_html_tells_by_more_than_colour(history: TestingShell) -> None:
    history.run("flights.loc[0, 'carrier'] = '<b>`x`\\x1b[2J'")
    history.run("%lf commit -m '<i>odd</i>';")
    html = history.run("%lf blame flights")._repr_html_()
    assert r"&lt;b&gt;`x`\x1b[2J<sub>a</sub>" in html
    assert "<i>odd" not in html
    assert "\x1b" not in html
    cells = re.findall(r'<td class="lf-age(\d)" title="([^"]*)">', html)
    assert {int(step) for step, _ in cells} == {0, (STEPS - 1) // 2, STEPS - 1}
    assert all(re.match(r"[0-9a-f]{7} Ada, \d{4}-\d\d-\d\d \d\d:\d\d", title) for _, title in cells)


def test_one_value_is_one_line(history: TestingShell) -> None:
    answer = str(history.run("%lf blame flights --row id=1 --column dep"))
    wanted = r"dep = 9\.0: [0-9a-f]{7} Ada, [-\d]+ [:\d]+ [+-]\d{4}: edit — \w+ \[5\] flights.loc\[0, 'dep'\] = 9\.0"
    wanted += r": loc\[…\] = …, line 1"
    assert re.fullmatch(wanted, answer)
    assert str(history.run("%lf blame flights HEAD~2 --row 0 --column dep")).endswith(": raw")


def test_rows_may_stand_before_dataset_and_revision(history: TestingShell) -> None:
    expected = str(history.run("%lf blame flights HEAD~1 --row id=1 carrier=AA --column dep"))
    for line in (
        "%lf blame flights --row id=1 carrier=AA HEAD~1 --column dep",
        "%lf blame --row id=1 carrier=AA flights HEAD~1 --column dep",
        "%lf blame --column dep --row=id=1 carrier=AA HEAD~1 -- flights",
        "%lf blame flights --column dep --row 0 HEAD~1",
        "%lf blame --row 0 HEAD~1:flights --column dep",
    ):
        assert str(history.run(line)) == expected
    for line in ("%lf history flights HEAD~2 --row 0", "%lf history --row 0 flights HEAD~2"):
        assert [each.operation for each in history.run(line).report] == ["insert"]


def test_counts_of_all(history: TestingShell) -> None:
    told = words(history.run("%lf blame flights --stat"))
    assert [line[5:7] for line in told[2:]] == [["1", "edit"], ["5", "raw"]]


def test_plain_labels_are_not_counted(history: TestingShell) -> None:
    history.run("flights = flights.assign(dep=9.0).set_axis([3, 1])")
    history.run("%lf commit -m labelled;")
    for line, at in (("%lf blame flights", 6), ("%lf blame flights --stat", 5)):
        legend = [told[at : at + 2] for told in words(history.run(line))][-3:]
        assert legend == [["1", "labelled"], ["1", "edit"], ["4", "raw"]]


def test_pages(history: TestingShell) -> None:
    answer = str(history.run("%lf blame flights -n 1"))
    assert answer.endswith("rows 1 to 1 of 2; `--skip 1` shows the next ones; `--stat` counts the values of all")
    last = history.run("%lf blame flights -n 1 --skip 1")
    assert last.report.numbers.tolist() == [1]
    assert str(history.run("%lf blame flights --skip 5")).endswith("no rows to show")
    assert words(history.run("%lf blame HEAD~2:flights --row 1:3"))[2][:2] == ["1", "2"]


def test_a_column_of_the_key(history: TestingShell) -> None:
    assert words(history.run("%lf blame flights --column id"))[2] == ["0", "1", "1", "a"]


def test_the_history_of_a_row(history: TestingShell) -> None:
    answer = history.run("%lf history flights --row id=2")
    assert isinstance(answer.report, RowHistory)
    assert [each.operation for each in answer.report] == ["delete", "insert"]
    told = words(answer)
    assert told[0] == ["history", "of", "flights,", "id=2"]
    assert told[2][-5:] == ["gone", "−", "delete", "id", "2"]
    edited = words(history.run("%lf history flights --row 0"))
    assert edited[2][-6:] == ["edit", "~", "update", "dep", "1.5", "9.0"]
    assert words(history.run("%lf history HEAD~2:flights --row 0"))[2][-5:] == ["raw", "+", "insert", "id", "1"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%lf blame", "%lf blame needs DATASET"),
        ("%lf blame fligths", "Did you mean flights?"),
        ("%lf blame flights HEAD~9", "'HEAD~9' does not exist"),
        ("%lf blame flights --column dpe", "Did you mean dep?"),
        ("%lf blame flights --row id=9", "there is no row with id=9"),
        ("%lf blame flights --row id=x", "values of 'id' are int64, 'x' found"),
        ("%lf blame flights --row HEAD~1", "--row takes COLUMN=VALUE or a number, 'HEAD~1' found"),
        ("%lf blame flights --row id=1 HEAD~1 HEAD", "does not know what to do with 'HEAD'"),
        ("%lf blame flights --row 9", "there is no row 9"),
        ("%lf blame flights -n 0", "-n takes a number of rows"),
        ("%lf history flights", "%lf history needs a row"),
        ("%lf history flights --row id=99", "has a row with id=99"),
    ],
)
def test_refusals(history: TestingShell, line: str, told: str) -> None:
    assert told in history.refused(line)


def test_completion(history: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineageflow_jupyter.kernel.completion.SECONDS", 60.0)
    assert history.completions("%lf blame fl") == ["%lf blame flights"]
    assert history.completions("%lf blame flights --column de") == ["%lf blame flights --column dep"]
    assert history.completions("%lf blame flights ma") == ["%lf blame flights main"]
    assert history.completions("%lf blame flights --row id=1 ma") == ["%lf blame flights --row id=1 main"]
    assert history.completions("%lf history flights ma") == ["%lf history flights main"]
