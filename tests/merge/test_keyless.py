"""Merges of tables without a key: hunks that do not touch come together as diff3 puts them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.repository import Repository
from tests.merge.test_keyed import quick, repo, three  # noqa: F401 - a fixture

Hunk = tuple[str, list[str]]
"""Which side changes it (or none), and what stands there afterwards."""


@st.composite
def hunks(draw: st.DrawFn) -> list[tuple[list[str], str, list[str]]]:
    """Pieces of a table: what stood there, who changed it, and what stands there then; untouched rows in between."""
    found: list[tuple[list[str], str, list[str]]] = []
    number = 0
    for _ in range(draw(st.integers(1, 5))):
        kept = [f"row {number + i}" for i in range(draw(st.integers(2, 3)))]
        found.append((kept, "", kept))
        number += len(kept)
        before = [f"row {number + i}" for i in range(draw(st.integers(0, 2)))]
        number += len(before)
        side = draw(st.sampled_from(["ours", "theirs", "both"]))
        after = [f"new {number} {i}" for i in range(draw(st.integers(0, 2)))]
        found.append((before, side, after))
    tail = [f"row {number + i}" for i in range(2)]
    return [*found, (tail, "", tail)]


def lines(pieces: list[tuple[list[str], str, list[str]]], side: str) -> list[str]:
    return [row for before, who, after in pieces for row in (after if who in (side, "both") else before)]


def frame_of(rows: list[str], other: bool) -> pd.DataFrame:
    frame = pd.DataFrame({"text": pd.array(rows, "string")})
    return frame.assign(length=frame["text"].str.len().astype("int64")) if other else frame


@quick
@given(hunks(), st.booleans())
def test_hunks_apart_come_together(repo: Repository, pieces: Any, other: bool) -> None:  # noqa: F811
    base, ours, theirs = (lines(pieces, side) for side in ("base", "ours", "theirs"))
    name = three(repo, *(frame_of(rows, other) for rows in (base, ours, theirs)))
    done = repo.merge(f"{name}/theirs")
    wanted = [row for before, who, after in pieces for row in (after if who else before)]
    assert repo.read(name)["text"].tolist() == wanted
    assert done.open == 0


@pytest.mark.parametrize("swapped", [False, True])
def test_an_edit_against_another_and_against_a_deletion(repo: Repository, swapped: bool) -> None:  # noqa: F811
    base = pd.DataFrame({"text": [*"abcdef"], "x": range(6)})
    one = base.assign(x=[0, 10, 2, 30, 4, 5])
    other = base.assign(x=[0, 11, 2, 3, 4, 5]).drop(index=3).reset_index(drop=True)
    sides = (other, one) if swapped else (one, other)
    name = three(repo, base, *sides)
    done = repo.merge(f"{name}/theirs", dry_run=True)
    assert done.conflicts[name]["conflict"].tolist() == ["row", "cell"]
    done = repo.merge(f"{name}/theirs", resolve="theirs")
    found = repo.read(name)["x"].tolist()
    assert found == ([0, 10, 2, 30, 4, 5] if swapped else [0, 11, 2, 4, 5])


def test_rows_that_occur_often(repo: Repository) -> None:  # noqa: F811
    base = pd.DataFrame({"x": [0] * 20})
    name = three(repo, base, base[:15], pd.concat([base, base[:3]], ignore_index=True))
    assert repo.merge(f"{name}/theirs").state == "merged"
    assert len(repo.read(name)) == 18


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_without_rows_or_columns(repo: Repository, rows: int) -> None:  # noqa: F811
    base = pd.DataFrame({"x": [1.5] * rows})
    name = three(repo, base, base.assign(y="a"), pd.concat([base, pd.DataFrame({"x": [2.5]})], ignore_index=True))
    assert repo.merge(f"{name}/theirs").state == "merged"
    found = repo.read(name)
    assert list(found.columns) == ["x", "y"]
    assert len(found) == rows + 1
    nothing = pd.DataFrame(index=range(3))
    name = three(repo, nothing, nothing.assign(x=1), nothing.assign(y=2))
    assert repo.merge(f"{name}/theirs").state == "merged"
    assert repo.read(name).to_dict("list") == {"x": [1, 1, 1], "y": [2, 2, 2]}
