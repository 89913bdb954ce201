"""Versions looked at without frames: ids, sizes, some rows as texts; and HEAD of those who only look."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.opening import glance
from lineageflow_jupyter.repository import Repository
from tests.repositories import Open, numbers


@pytest.fixture
def prices(repo: Repository) -> Repository:
    frame = pd.DataFrame({"item": ["a", "b", None], "price": [1.5, float("nan"), 3.0]}, index=["x", "y", "z"])
    repo.commit({"prices": frame}, message="raw")
    return repo


def test_rows_are_told_as_texts(prices: Repository) -> None:
    found = prices.texts("main:prices", start=1, stop=9)
    assert [(column.name, column.role) for column in found.columns][1:] == [("item", "data"), ("price", "data")]
    assert found.columns[0].role == "index"
    assert (found.dataset, found.rows_in_all, found.columns_in_all, found.start) == ("prices", 3, 3, 1)
    assert [row[0] for row in found.rows] == ["y", "z"]
    assert [row[1] for row in found.rows] == ["b", None]


def test_only_some_columns_and_rows(prices: Repository) -> None:
    assert prices.texts("prices", columns=["price"], stop=1).rows == (("1.5",),)
    assert [column.name for column in prices.texts("prices", most=2).columns][1:] == ["item"]
    assert prices.texts("prices", start=50, stop=60).rows == ()
    with pytest.raises(UnknownName, match=r"'prise'.*price"):
        prices.texts("prices", columns=["prise"])
    with pytest.raises(UsageProblem, match="no range"):
        prices.texts("prices", start=3, stop=2)


def test_a_table_without_columns_has_its_rows(repo: Repository) -> None:
    repo.commit({"bare": pd.DataFrame(index=range(3))}, message="bare")
    assert repo.texts("bare", stop=2).rows_in_all == 3


def test_versions_tell_what_is_equal(repo: Repository) -> None:
    assert repo.versions() == {}
    repo.commit({"a": numbers(1), "b": numbers(1), "c": numbers(2)}, message="one", keys={"c": ["x"]})
    found = repo.versions("main")
    assert list(found) == ["a", "b", "c"]
    assert found["a"].table == found["b"].table != found["c"].table
    assert found["c"].key == ("x",)


def test_bytes_grow_with_the_values(repo: Repository) -> None:
    repo.commit({"small": numbers(1, 2), "large": numbers(*range(0, 900_000, 7))}, message="two")
    assert 0 < repo.stored_bytes("small") < repo.stored_bytes("large")


def test_who_only_looks_is_on_the_usual_branch(tmp_path: Path, open_as: Open) -> None:
    lf.init(tmp_path / "empty").close()
    with glance(tmp_path / "empty") as looking:
        assert (looking.head.branch, looking.versions()) == ("main", {})
    repo = open_as("first.ipynb")
    repo.switch("trunk", create=True)
    repo.commit({"t": numbers(1)}, message="first")
    with glance(Path(repo.location)) as looking:
        assert looking.head.branch == "trunk"
    repo.branch("main")
    with glance(Path(repo.location)) as looking:
        assert looking.head.branch == "main"
        assert [record.name.path for record in looking.workspaces()] == ["first.ipynb"]


def test_a_follower_sees_what_others_do(open_as: Open) -> None:
    repo = open_as("first.ipynb")
    with glance(Path(repo.location)) as looking:
        before = looking.state()
        assert looking.operations() == ()
        assert looking.state() == before
        repo.commit({"t": numbers(1)}, message="one")
        repo.commit({"t": numbers(2)}, message="two")
        assert looking.state() != before
        first, second = looking.operations()
        assert looking.operations(after=first.sequence) == (second,)
        assert looking.latest_operations(1) == (second,)
        assert second.detail["message"] == "two"
