"""Blame on small histories, each with a question of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.blaming import Blame
from lineageflow_jupyter.errors import AmbiguousName, UnknownName, UsageProblem
from lineageflow_jupyter.repository import Repository


def commit(repo: Repository, message: str, frame: object, key: tuple[str, ...] | None = None) -> None:
    report = repo.commit({"t": frame}, message=message, keys=None if key is None else {"t": key})
    assert report.created


def said(found: Blame) -> dict[str, list[str]]:
    """By column the message of each value's commit."""
    messages = [record.commit.message for record in found.commits]
    return {name: [messages[code] for code in codes] for name, codes in found.codes.items()}


@pytest.fixture
def told(repo: Repository) -> Repository:
    """Five commits: raw, an edit, a row gone and an edit, a new column, a new name."""
    frame = pd.DataFrame({"id": range(4), "x": [1, 2, 3, 4], "y": list("abcd")})
    commit(repo, "raw", frame, ("id",))
    frame.loc[2, "x"] = 30
    commit(repo, "edit", frame)
    frame = frame[frame.id != 1].reset_index(drop=True)
    frame.loc[0, "y"] = "z"
    commit(repo, "gone", frame)
    commit(repo, "wide", frame.assign(w=1))
    commit(repo, "named", frame.assign(w=1).rename(columns={"x": "n"}))
    return repo


def test_each_value_is_from_the_commit_that_gave_it(told: Repository) -> None:
    found = told.blame("t")
    assert said(found) == {
        "id": ["raw", "raw", "raw"],
        "n": ["raw", "edit", "raw"],
        "y": ["gone", "raw", "raw"],
        "w": ["wide", "wide", "wide"],
    }
    assert dict(zip([record.commit.message for record in found.commits], found.counts, strict=True)) == {
        "wide": 3,
        "gone": 1,
        "edit": 1,
        "raw": 7,
    }
    assert [codes.dtype for codes in found.codes.values()] == [np.dtype(np.int32)] * 4
    assert repr(found) == "<blame of t: 3 × 4 values from 4 commits>"


@pytest.mark.parametrize("revision", ["HEAD~3", "main~3", "edit"])
def test_of_any_revision(told: Repository, revision: str) -> None:
    told.tag("edit", at="HEAD~3")
    found = told.blame(f"{revision}:t", columns="x")
    assert said(found) == {"x": ["raw", "raw", "edit", "raw"]}


def test_rows_and_columns_can_be_chosen(told: Repository) -> None:
    expected = said(told.blame("t"))
    for rows, numbers in [
        (slice(1, None), [1, 2]),
        (range(2), [0, 1]),
        ([2, 0, 2], [2, 0, 2]),
        (np.array([1]), [1]),
        (1, [1]),
        ([], []),
        ({"id": 3}, [2]),
        ({"n": 30, "y": "c"}, [1]),
        ({"id": "2"}, [1]),
        ((2,), [1]),
    ]:
        found = told.blame("t", columns=["y", "n"], rows=rows)
        assert said(found) == {name: [expected[name][row] for row in numbers] for name in ("y", "n")}
        assert len(found) == len(numbers)


@pytest.mark.parametrize(
    ("place", "choice", "kind", "message"),
    [
        ("nothing:t", {}, UnknownName, "there is no revision 'nothing'"),
        ("flights", {}, UnknownName, "there is no dataset 'flights' at 'HEAD'"),
        ("t", {"columns": ["x"]}, UnknownName, "there is no column 'x' in 't'. Columns: id, n, y, w"),
        ("t", {"rows": 3}, UnknownName, "there is no row 3 in 't'. Its rows are 0 to 2"),
        ("t", {"rows": [0, -1]}, UnknownName, "there is no row -1 in 't'"),
        ("t", {"rows": {"id": 1}}, UnknownName, "there is no row with id=1 in 't'"),
        ("t", {"rows": {"w": 1}}, AmbiguousName, "3 rows of 't' have w=1: 0, 1, 2. Name more columns"),
        ("t", {"rows": {"v": 1}}, UnknownName, "there is no column 'v' in 't'"),
        ("t", {"rows": {"id": "x"}}, UsageProblem, "values of 'id' are int64, 'x' found"),
        ("t", {"rows": (1, 2)}, UsageProblem, "(1, 2) does not name a row: 't' is identified by id"),
        ("t", {"rows": {}}, UsageProblem, "no values to find a row by"),
        ("t", {"rows": [1.5]}, UsageProblem, "rows cannot be chosen by [1.5]"),
        (pd.DataFrame({"x": [1]}), {}, UsageProblem, "a committed dataset was expected"),
    ],
)
def test_what_cannot_be_told_is_one_clear_error(
    told: Repository, place: str, choice: dict[str, object], kind: type[lf.LineageFlowError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        told.blame(place, **choice)
    assert message in str(caught.value)
    assert caught.value.remedy


def test_frames_have_the_shape_index_and_key_of_the_table(told: Repository) -> None:
    found = told.blame("t")
    table, ids = told.read("t"), found.ids
    for engine in ("pandas", "polars", "arrow"):
        frame = found.to_frame(engine)
        as_pandas = frame if engine == "pandas" else frame.to_pandas()
        assert list(as_pandas.columns) == list(table.columns)
        assert as_pandas["id"].tolist() == [0, 2, 3]
        assert as_pandas["n"].tolist() == [ids[code] for code in found.codes["n"]]
    labelled = table.set_index(pd.Index(["p", "q", "r"], name="label"))
    commit(told, "labels", labelled, ())
    pd.testing.assert_index_equal(told.blame("t", columns="n").to_frame().index, labelled.index)


def test_cells_in_long_form(told: Repository) -> None:
    found = told.blame("t", columns=["n", "y"], rows=[2, 1])
    cells = found.cells().to_pandas()
    assert list(cells.columns) == ["id", "row", "column", "commit", "time", "author"]
    assert cells["id"].tolist() == [3, 2, 3, 2]
    assert cells["row"].tolist() == [2, 1, 2, 1]
    assert cells["column"].tolist() == ["n", "n", "y", "y"]
    raw, edit = (told.resolve(revision).id.hex() for revision in ("HEAD~4", "HEAD~3"))
    assert cells["commit"].tolist() == [raw, edit, raw, raw]


def test_few_rows_of_many_are_as_in_the_whole(repo: Repository) -> None:
    """They are followed one by one, through rows that come, go and move."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"id": range(100), "x": random.random(100)})
    commit(repo, "raw", frame, ("id",))
    for number in range(6):
        frame = frame.drop(index=random.choice(len(frame), 9, replace=False))
        new = pd.DataFrame({"id": 1000 * (number + 1) + np.arange(7), "x": random.random(7)})
        frame = pd.concat([frame.iloc[:20], new, frame.iloc[20:]], ignore_index=True)
        frame.loc[random.choice(len(frame), 5, replace=False), "x"] = random.random(5)
        commit(repo, f"change {number}", frame.iloc[::-1] if number == 3 else frame)
    whole = said(repo.blame("t"))
    for row in range(0, len(frame), 3):
        assert said(repo.blame("t", rows=row)) == {name: [values[row]] for name, values in whole.items()}
    rows = [1, 30, 31, 80]
    assert said(repo.blame("t", rows=rows)) == {name: [values[row] for row in rows] for name, values in whole.items()}
