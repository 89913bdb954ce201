"""Conflicts decided by messages, as the widget sends them, end where those decided by hand end."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.widgets.resolver import Resolver, typed


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Any]:
    """A half-done merge: four cells, and a row that one side deleted and the other edited."""
    base = pd.DataFrame({"id": range(6), "price": [1.5] * 6, "name": ["a"] * 6})
    ours, theirs = base.copy(), base.copy()
    ours.loc[:2, "price"], theirs.loc[:2, "price"] = 2.0, [3.0, 4.0, 5.0]
    ours.loc[1, "name"], theirs.loc[1, "name"] = "<i>ours</i>", "theirs"
    theirs.loc[5, "price"] = 9.0
    with lf.init(tmp_path) as repository:
        repository.commit({"t": base}, message="raw", keys={"t": ["id"]})
        repository.branch("feature")
        repository.commit({"t": ours.drop(index=5)}, message="ours")
        repository.switch("feature")
        repository.checkout("feature", ["t"])
        repository.commit({"t": theirs}, message="theirs")
        repository.switch("main")
        repository.checkout("main", ["t"])
        yield repository


def test_what_is_decided_is_what_is_merged(repository: Any) -> None:
    frames = dict(repository.merge("feature").conflicts)
    done: list[Any] = []

    def go_on() -> str:
        done.append(repository.resume(frames))
        frames_now.clear()
        return "merged"

    frames_now = frames
    widget = Resolver(lambda: frames_now, lambda: go_on())
    ask = widget.answers()
    first = ask["open"]({})
    assert (first["count"], first["decided"]) == (5, 0)
    rows = {(row["where"], row["column"]): row["at"] for row in first["rows"]}
    assert {where for where, _ in rows} == {"id = 0", "id = 1", "id = 2", "id = 5"}
    ask["choose"]({"dataset": "t", "at": rows["id = 0", "price"], "side": "theirs"})
    told = ask["choose"]({"dataset": "t", "at": rows["id = 2", "price"], "text": "7.25"})
    assert told["decided"] == 2
    by_place = {row["at"]: row for row in told["rows"]}
    chosen, given = by_place[rows["id = 0", "price"]], by_place[rows["id = 2", "price"]]
    assert (chosen["side"], chosen["resolved"]) == ("theirs", "3.0")
    assert (given["side"], given["resolved"]) == (None, "7.25")
    assert ask["all"]({"side": "base", "column": "price"})["decided"] == 3
    assert ask["all"]({"side": "ours"})["decided"] == 5
    kept = dict(frames)
    assert kept["t"]["resolved"].map(type).eq(float).sum() == 3
    assert ask["continue"]({}) == {"said": "merged", "rows": None}
    assert done[0].state == "merged"
    merged = repository.read("main:t").set_index("id")
    assert merged["price"].to_dict() == {0: 3.0, 1: 1.5, 2: 7.25, 3: 1.5, 4: 1.5}
    assert merged.loc[1, "name"] == "<i>ours</i>"
    assert "gone" in ask["open"]({})


def test_what_is_no_answer_is_refused_and_changes_nothing(repository: Any) -> None:
    frames = repository.merge("feature").conflicts
    ask = Resolver(lambda: frames, lambda: "").answers()
    rows = {row["kind"]: row["at"] for row in ask["open"]({})["rows"]}
    wrong: list[dict[str, Any]] = [
        {"at": rows["cell"], "side": "mine"},
        {"at": rows["row"], "text": "7"},
        {"at": 99, "side": "ours"},
        {"at": rows["cell"], "dataset": "other", "side": "ours"},
    ]
    for question in wrong:
        with pytest.raises(UsageProblem):
            ask["choose"]({"dataset": "t", **question})
    assert ask["open"]({})["decided"] == 0


def test_another_merge_is_not_decided_by_an_old_widget(repository: Any) -> None:
    open_now = [repository.merge("feature").conflicts]
    ask = Resolver(lambda: open_now[0], lambda: "").answers()
    open_now[0] = repository.conflicts()
    assert "gone" in ask["all"]({"side": "ours"})
    assert all(repr(each) == "UNRESOLVED" for each in open_now[0]["t"]["resolved"])


@pytest.mark.parametrize(
    ("text", "example", "expected"),
    [
        ("true", False, True),
        ("7", 3, 7),
        ("1e3", 2.0, 1000.0),
        ("7", "a", "7"),
        (" a ", "b", " a "),
        ("1.10", decimal.Decimal("2.00"), decimal.Decimal("1.10")),
        ("2026-01-02", pd.Timestamp("2025-01-01"), pd.Timestamp("2026-01-02")),
        ("null", 3, None),
    ],
)
def test_text_is_read_as_the_type_of_the_column(text: str, example: Any, expected: Any) -> None:
    found = typed(text, [None, example])
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("text", "example"), [("x", 3), ("7.5", 3), ("yes", True), ("x", 2.0), ("[1]", [1])])
def test_text_of_no_such_value_is_refused(text: str, example: Any) -> None:
    with pytest.raises(UsageProblem):
        typed(text, [example])
