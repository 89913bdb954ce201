"""Causes of changes in a real shell: blame and the timeline name cell, line and operation."""

from __future__ import annotations

import random
from typing import Any

import pytest

from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.shell import TestingShell


@pytest.fixture
def recorded(notebook: TestingShell) -> TestingShell:
    """Fares with a key, which cell 3 made and cell 4 committed."""
    notebook.run("import pandas as pd\nfares = pd.DataFrame({'id': [1, 2, 3], 'dep': [1.0, None, 3.0]})")
    notebook.run("%lf commit fares -m keyed --key id;")
    return notebook


def repository(shell: TestingShell) -> Repository:
    magic: Any = shell.magics_manager.magics["line"]["lf"].__self__
    magic.tracking.flush()
    assert magic.tracking.problem == ""
    found: Repository = magic.session.repository
    return found


def test_blame_names_line_and_operation(recorded: TestingShell) -> None:
    recorded.run("n = 0\nfares['dep'] = fares['dep'].fillna(n)")
    recorded.run("fares.loc[2, 'dep'] = 9")
    recorded.run("fares['twice'] = fares.dep * 2")
    recorded.run("%lf commit fares -m cleaned;")
    told = recorded.run("%lf blame fares")
    lines = [line for line in str(told).splitlines() if "cleaned" in line]
    assert [line.rpartition("  ")[2] for line in lines[1:]] == ["fillna, line 2", "loc[…] = …, line 1", "*, line 1"]
    assert "&#10;cell [5]: fillna, line 2" in told._repr_html_()
    one = str(recorded.run("%lf blame fares --row id=2 --column dep"))
    assert one.endswith("[5] n = 0: fillna, line 2")
    blame = repository(recorded).blame("fares")
    causes = blame.causes_frame()
    found = causes[causes.operation == "fillna"]
    assert found[["column", "cells", "number", "line"]].values.tolist() == [["dep", 1, 5, 2]]
    assert causes.cells.sum() == 9
    assert blame.to_frame()["dep"].tolist()[0] == blame.ids[-1]


def test_the_timeline_shows_operations(recorded: TestingShell) -> None:
    recorded.run("fares = (fares\n    .dropna()\n    .assign(x=1)\n)\nother = fares.head(1)")
    line = str(recorded.run("%lf log --cells fares")).splitlines()[1]
    assert "dropna, assign" in line.replace("2: ", "").replace("3: ", "").replace("1: ", "").replace("; ", ", ")
    assert "head" not in line


def test_what_no_record_tells_is_not_told(recorded: TestingShell) -> None:
    recorded.run("values = fares['dep'].to_numpy(copy=True)\nvalues[1] = 5\nfares['dep'] = values")
    recorded.run("fares = fares.pipe(lambda frame: frame.assign(id=frame.id * 10))")
    recorded.run("%lf commit fares -m piped;")
    text = str(recorded.run("%lf blame fares --row 1 --column id"))
    assert "pipe, line 1" in text


def told(shell: TestingShell, line: str) -> list[str]:
    """Lines of a diff that tell causes."""
    answer = str(shell.run(line))
    return [each for each in answer.splitlines() if ", cell [" in each or "is not known" in each]


def test_a_diff_names_cell_line_and_operation(recorded: TestingShell) -> None:
    recorded.run("n = 0\nfares['dep'] = fares['dep'].fillna(n)")
    recorded.run("fares.loc[2, 'dep'] = 9")
    recorded.run("fares['twice'] = fares.dep * 2")
    recorded.run("fares = pd.concat([fares, fares.tail(1).assign(id=4)], ignore_index=True)")
    recorded.run("fares = fares[fares.id != 1]")
    wanted = [
        "1 value of dep changed by fillna, cell [5], line 2",
        "1 value of dep changed by loc[…] = …, cell [6], line 1",
        "3 values of the new column twice made by *, cell [7], line 1",
        "1 row added by concat, cell [8], line 1",
        "1 row removed by […], cell [9], line 1",
    ]
    assert told(recorded, "%lf diff fares")[:2] == wanted[:2]
    live = told(recorded, "%lf diff fares")
    recorded.run("d = %lf diff fares")
    assert [each for each in wanted if each not in live] == [wanted[2]]  # of the row that was added it is another cell
    assert "2 values of the new column twice made by *, cell [7], line 1" in live
    assert "fillna, cell [5], line 2" in recorded.user_ns["d"]._repr_html_()
    causes = recorded.user_ns["d"].report.causes
    assert causes[causes.kind == "changed"].number.tolist() == [5, 6]
    assert causes[causes.kind == "changed"].line.tolist() == [2, 1]
    recorded.run("%lf commit fares -m cleaned;")
    committed = told(recorded, "%lf diff HEAD~1 HEAD fares")
    assert set(wanted[:2]) <= set(committed)
    found = repository(recorded).diff("HEAD~1", "HEAD")["fares"]
    assert {each.number for each in found.reasons if each.kind == "changed"} == {5, 6}
    assert {each.commit for each in found.reasons if each.run} == {repository(recorded).resolve("HEAD").id.hex()}
    assert {each.number for each in found.only("dep").reasons if each.column} == {5, 6}
    assert told(recorded, "%lf diff fares@{cell:5} fares@{cell:6}") == [wanted[1]]


def test_what_a_cell_dropped_and_what_no_cell_explains(recorded: TestingShell) -> None:
    recorded.run("fares = fares.drop(columns='dep')")
    assert told(recorded, "%lf diff fares") == ["the column dep dropped by drop, cell [5], line 1"]
    recorded.run("%lf commit fares -m dropped;")
    assert told(recorded, "%lf diff HEAD~1 HEAD fares") == ["the column dep dropped by drop, cell [5], line 1"]
    recorded.run_cell("fares.loc[0, 'id'] = 7", silent=True)  # type: ignore[no-untyped-call]
    assert told(recorded, "%lf diff fares") == []


def test_the_older_side_is_no_cause(recorded: TestingShell) -> None:
    """What differs because the other branch changed it is no cell's of this one."""
    recorded.run("%lf switch -c other;")
    recorded.run("fares.loc[2, 'dep'] = 9")
    recorded.run("%lf commit fares -m nine;")
    recorded.run("%lf switch main;")
    recorded.run("fares.loc[0, 'dep'] = 8")
    recorded.run("%lf commit fares -m eight;")
    assert told(recorded, "%lf diff other main fares") == [
        "1 value of dep changed by loc[…] = …, cell [9], line 1",
        "1 value of dep changed: by which cell is not known",
    ]


def test_each_cause_is_a_run_that_changed_that_cell(recorded: TestingShell) -> None:
    """For many edits, one after the other: the value before and after the run differ there."""
    rng = random.Random(7)
    recorded.run("wide = pd.DataFrame({'id': range(8), 'x': 0, 'y': 0})")
    recorded.run("%lf commit wide -m wide --key id;")
    for number in range(12):
        row, column = rng.randrange(8), rng.choice("xy")
        edits = [
            f"wide.loc[{row}, '{column}'] = {rng.randrange(3)}",
            f"wide.loc[wide.id > {row}, '{column}'] += 1",
            f"wide = wide.sort_values('id', ascending={number % 2 == 0}).reset_index(drop=True)",
        ]
        recorded.run(rng.choice(edits))
        if number % 5 == 4:
            recorded.run("%lf commit wide -m some;")
    repo = repository(recorded)
    live, commits = recorded.user_ns["wide"], repo.resolve("HEAD")
    for diff in (repo.diff_frame("HEAD~2:wide", live), repo.diff("HEAD~2", "HEAD")["wide"]):
        told_by = {name: sum(each.cells for each in diff.reasons if each.column == name) for name in ("x", "y")}
        assert told_by == {name: diff.summary.cells_changed.get(name, 0) for name in ("x", "y")}
        for each in diff.reasons:
            run = repo.cell_run(each.run)
            before, after = (
                repo.frame_of(repo.frame_at("wide", run.run, before=side)).set_index("id") for side in (True, False)
            )
            assert int((before[each.column] != after[each.column]).sum()) >= each.cells > 0
    assert commits.commit.steps
