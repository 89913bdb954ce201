"""Causes of changes in a real shell: blame and the timeline name cell, line and operation."""

from __future__ import annotations

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
