"""What commits did to one row."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.repository import Repository
from tests.blame.test_blame import commit


def said(repo: Repository, place: str, row: object) -> list[tuple[object, ...]]:
    return [
        (
            each.operation,
            each.commit.commit.message,
            each.row,
            {cell.column: (cell.old, cell.new) for cell in each.cells},
        )
        for each in repo.history(place, row=row)
    ]


@pytest.fixture
def told(repo: Repository) -> Repository:
    frame = pd.DataFrame({"id": [1, 2, 3], "x": [1.5, 2.5, None]})
    commit(repo, "raw", frame, ("id",))
    frame.loc[1, "x"] = 7.0
    commit(repo, "edit", frame)
    commit(repo, "sorted", frame.iloc[[1, 0, 2]].reset_index(drop=True))
    commit(repo, "gone", frame.iloc[[0, 2]].reset_index(drop=True))
    commit(repo, "wide", frame.iloc[[0, 2]].reset_index(drop=True).assign(w="new"))
    frame.loc[1, "x"] = 8.0
    commit(repo, "back", frame.assign(w="new"))
    return repo


def test_a_row_that_went_and_came_back(told: Repository) -> None:
    expected = [
        ("insert", "back", 1, {"id": (None, "2"), "x": (None, "8.0"), "w": (None, "new")}),
        ("delete", "gone", None, {"id": ("2", None), "x": ("7.0", None)}),
        ("move", "sorted", 0, {}),
        ("update", "edit", 1, {"x": ("2.5", "7.0")}),
        ("insert", "raw", 1, {"id": (None, "2"), "x": (None, "2.5")}),
    ]
    for row in ({"id": 2}, (2,), 1, {"id": "2"}):
        assert said(told, "t", row) == expected
    assert said(told, "HEAD~1:t", {"id": 2}) == expected[1:]
    assert said(told, "HEAD~3:t", 0) == expected[2:]


def test_a_column_that_came(told: Repository) -> None:
    assert said(told, "t", {"id": 1}) == [
        ("update", "wide", 0, {"w": (None, "new")}),
        ("insert", "raw", 0, {"id": (None, "1"), "x": (None, "1.5")}),
    ]


def test_what_cannot_be_told(told: Repository) -> None:
    for row, kind, message in (
        ({"id": 9}, UnknownName, "has a row with id=9"),
        ({"nothing": 9}, UnknownName, "there is no column 'nothing'"),
        ([1, 2], UsageProblem, "the history of one row was asked for"),
        (None, UsageProblem, "the history of one row was asked for"),
        (17, UnknownName, "there is no row 17"),
    ):
        with pytest.raises(kind, match=message):
            told.history("t", row=row)


def test_its_json(told: Repository) -> None:
    found = told.history("t", row=0)
    assert repr(found) == "<history of t row 0: 2 versions>"
    document = json.loads(json.dumps(found.to_json()))
    assert document["versions"][0]["cells"] == [{"column": "w", "state": "added", "old": None, "new": "new"}]
    assert [each["operation"] for each in document["versions"]] == ["update", "insert"]
    assert document["versions"][0]["commit"]["id"] == found[0].commit.id.hex()
