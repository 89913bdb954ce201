"""Tables that are empty, that repeat themselves, change their types or go for a time."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lineageflow_jupyter.repository import Repository
from tests.blame.test_blame import commit, said


def test_no_rows(repo: Repository) -> None:
    frame = pd.DataFrame({"x": [1, 2]})
    commit(repo, "raw", frame)
    commit(repo, "empty", frame.iloc[:0])
    found = repo.blame("t")
    assert (said(found), found.commits, found.counts, len(found)) == ({"x": []}, (), (), 0)
    assert found.to_frame().shape == (0, 1)
    assert found.cells().num_rows == 0
    commit(repo, "again", frame)
    assert said(repo.blame("t")) == {"x": ["again", "again"]}


def test_no_columns(repo: Repository) -> None:
    commit(repo, "raw", pd.DataFrame(index=range(3)))
    found = repo.blame("t")
    assert (found.codes, found.commits) == ({}, ())
    assert found.to_frame().shape == (3, 0)


def test_there_and_back_is_from_the_last_change(repo: Repository) -> None:
    for number, value in enumerate(["a", "b", "a"]):
        commit(repo, f"c{number}", pd.DataFrame({"id": [1, 2], "x": [value, "same"]}), ("id",))
    assert said(repo.blame("t", columns="x")) == {"x": ["c2", "c0"]}


def test_rows_that_are_alike_without_a_key(repo: Repository) -> None:
    commit(repo, "raw", pd.DataFrame({"x": [1, 1, 1], "y": [2, 2, 2]}))
    commit(repo, "more", pd.DataFrame({"x": [1, 1, 1, 1], "y": [2, 2, 2, 2]}))
    found = said(repo.blame("t"))
    assert found["x"] == found["y"]
    assert sorted(found["x"]) == ["more", "raw", "raw", "raw"]


def test_nan_null_and_negative_zero(repo: Repository) -> None:
    for message, values in [("raw", [np.nan, 2.0, 0.0, 4.0]), ("same", [np.nan, np.nan, -0.0, 4.0])]:
        commit(repo, message, pd.DataFrame({"id": range(4), "x": np.array(values)}), ("id",))
    assert said(repo.blame("t", columns="x")) == {"x": ["raw", "same", "same", "raw"]}
    assert said(repo.blame("t", columns="x", rows={"id": 1, "x": float("nan")})) == {"x": ["same"]}
    commit(repo, "null", pl.DataFrame({"id": range(4), "x": [None, float("nan"), -0.0, 4.0]}))
    assert said(repo.blame("t", columns="x"))["x"][0] == "null"
    assert said(repo.blame("t", columns="x", rows={"x": None})) == {"x": ["null"]}


def test_another_type_is_new_and_a_column_that_comes_again_too(repo: Repository) -> None:
    frame = pd.DataFrame({"id": range(2), "x": [1, 2], "y": [5, 6]})
    commit(repo, "raw", frame, ("id",))
    commit(repo, "float", frame.astype({"x": "float64"}))
    commit(repo, "without", frame.astype({"x": "float64"}).drop(columns="y"))
    commit(repo, "with", frame.astype({"x": "float64"}))
    assert said(repo.blame("t")) == {"id": ["raw"] * 2, "x": ["float"] * 2, "y": ["with"] * 2}


def test_a_rename_is_followed_and_one_that_is_not_certain_is_not(repo: Repository) -> None:
    frame = pd.DataFrame({"id": range(2), "x": [1, 2], "y": [7, 7], "z": [7, 7]})
    commit(repo, "raw", frame, ("id",))
    commit(repo, "named", frame.rename(columns={"x": "n", "y": "v", "z": "w"}))
    assert said(repo.blame("t")) == {"id": ["raw"] * 2, "n": ["raw"] * 2, "v": ["named"] * 2, "w": ["named"] * 2}


def test_a_constant_column_under_another_name_is_another_column(repo: Repository) -> None:
    """It may be any other column with that value; the rename of one that varies is followed, by all verbs alike."""
    frame = pd.DataFrame({"id": range(3), "x": [1, 2, 2], "zero": 0, "none": [None] * 3})
    commit(repo, "raw", frame, ("id",))
    renamed = frame.rename(columns={"x": "n", "zero": "null", "none": "empty"})
    commit(repo, "named", renamed)
    assert said(repo.blame("t")) == {
        "id": ["raw"] * 3,
        "n": ["raw"] * 3,
        "null": ["named"] * 3,
        "empty": ["named"] * 3,
    }
    schema = repo.diff("HEAD~1", "HEAD")["t"].schema
    assert [(each.old, each.name) for each in schema.renamed] == [("x", "n")]
    assert [each.name for each in schema.dropped] == ["zero", "none"]
    assert [cell.column for cell in repo.history("t", row={"id": 1})[0].cells] == ["null", "empty", "zero", "none"]
    repo.switch("side", create=True, at="HEAD~1")
    repo.read("t")
    commit(repo, "edited", frame.assign(x=[7, 2, 2]))
    repo.switch("main")
    repo.merge("side")
    assert said(repo.blame("t", columns="n")) == {"n": ["edited", "raw", "raw"]}
    pd.testing.assert_frame_equal(repo.read("t"), renamed.assign(n=[7, 2, 2]))


def test_columns_of_one_name(repo: Repository) -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    commit(repo, "raw", frame)
    frame.iloc[0, 1] = 9
    commit(repo, "edit", frame)
    assert said(repo.blame("t")) == {"x": ["raw", "raw"], "x_1": ["edit", "raw"]}
    assert said(repo.blame("t", columns="x")) == said(repo.blame("t"))


def test_a_dataset_that_was_removed_for_a_time(repo: Repository) -> None:
    frame = pd.DataFrame({"x": [1, 2]})
    commit(repo, "raw", frame)
    repo.remove(["t"])
    repo.commit({"other": frame}, message="between")
    repo.add(["t"])
    commit(repo, "back", frame)
    assert said(repo.blame("t")) == {"x": ["back", "back"]}
    assert said(repo.blame("HEAD~3:t")) == {"x": ["raw", "raw"]}


def test_other_datasets_cost_nothing(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"x": [1, 2]})
    commit(repo, "raw", frame)
    for number in range(70):  # more than are read at once
        repo.commit({"other": pd.DataFrame({"x": [number]})}, message=f"other {number}")
    monkeypatch.setattr(type(repo._changes), "read_together", lambda *_: pytest.fail("a change set was read"))
    assert said(repo.blame("t")) == {"x": ["raw", "raw"]}


def test_labels_are_columns_and_a_series_is_a_frame(repo: Repository) -> None:
    series = pd.Series([1.5, 2.5], index=pd.Index(["a", "b"], name="k"), name="x")
    commit(repo, "raw", series)
    series = series.copy()
    series["b"] = 3.5
    commit(repo, "edit", series)
    found = repo.blame("t")
    assert said(found) == {"k": ["raw", "raw"], "x": ["raw", "edit"]}
    assert found.to_frame()["x"].to_dict() == {"a": found.ids[found.codes["x"][0]], "b": found.ids[0]}
    assert said(repo.blame("t", rows=("b",), columns="x")) == {"x": ["edit"]}
    for engine in ("polars", "arrow"):
        frame = found.to_frame(engine)
        assert frame.shape[0] == 2


def test_labels_that_only_say_where_a_row_once_stood_are_no_values(repo: Repository) -> None:
    frame = pd.DataFrame({"x": [1, 2, 3, 4]})
    commit(repo, "raw", frame)
    commit(repo, "filtered", frame[frame.x != 2])
    found = repo.blame("t")
    assert (said(found), found.counts) == ({"x": ["raw"] * 3}, (3,))
    assert found.to_frame().index.tolist() == [0, 2, 3]
    assert said(repo.blame("t", columns="index")) == {"index": ["filtered"] * 3}
    assert [each.operation for each in repo.history("t", row=1)] == ["insert"]
    commit(repo, "named", frame[frame.x != 2].rename_axis("place"))
    assert said(repo.blame("t"))["place"] == ["filtered"] * 3
    commit(repo, "key", frame[frame.x != 2], ("index",))
    assert said(repo.blame("t"))["index"] == ["filtered"] * 3  # renamed, and in the key


def test_without_what_was_kept_it_is_found_anew(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"id": range(3), "x": [1, 2, 3]})
    commit(repo, "raw", frame, ("id",))
    frame.loc[1, "x"] = 5
    commit(repo, "edit", frame.iloc[::-1].reset_index(drop=True))
    expected = said(repo.blame("t"))
    monkeypatch.setattr(type(repo._changes), "kept", lambda *_: None)
    assert said(repo.blame("t")) == expected == {"id": ["raw"] * 3, "x": ["raw", "edit", "raw"]}


def test_its_json(repo: Repository) -> None:
    commit(repo, "raw", pd.DataFrame({"x": [1, 2]}))
    commit(repo, "edit", pd.DataFrame({"x": [1, 3]}))
    document = json.loads(json.dumps(repo.blame("t", rows=[1, 0]).to_json()))
    assert (document["dataset"], document["rows"], document["codes"]) == ("t", [1, 0], {"x": [0, 1]})
    assert [(each["message"], each["values"]) for each in document["commits"]] == [("edit", 1), ("raw", 1)]
    assert document["commit"]["message"] == "edit"
