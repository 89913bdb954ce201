"""Merges of tables with a key against a merge of dicts, row by row and cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter.repository import Repository

Rows = dict[int, dict[str, Any]]
COLUMNS = ("x", "name")
ROW = "the row"
NAMES = count()
values = {"x": st.sampled_from([0, 1, 2, None]), "name": st.sampled_from(["", "a", "ß", None])}
rows = st.fixed_dictionaries(values)
quick = settings(suppress_health_check=list(HealthCheck), max_examples=60)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    with lf.init(tmp_path_factory.mktemp("merge")) as found:
        yield found
        assert found.fsck() > 10


@st.composite
def edited(draw: st.DrawFn, base: Rows) -> Rows:
    side = {key: dict(row) for key, row in base.items() if draw(st.integers(0, 4))}
    for row in side.values():
        for name in COLUMNS:
            if not draw(st.integers(0, 3)):
                row[name] = draw(values[name])
    for key in draw(st.lists(st.integers(0, 9), max_size=2, unique=True)):
        side.setdefault(key, draw(rows))
    return side


def frame_of(side: Rows) -> pd.DataFrame:
    frame = pd.DataFrame({"id": list(side), **{name: [row[name] for row in side.values()] for name in COLUMNS}})
    return frame.astype({"id": "int64", "x": "Int64", "name": "string"})


def rows_of(frame: pd.DataFrame) -> Rows:
    plain = frame.astype(object).where(frame.notna(), None)
    return {row["id"]: {name: row[name] for name in COLUMNS} for row in plain.to_dict("records")}


def expected(
    base: Rows, ours: Rows, theirs: Rows, prefer: str | Mapping[str, str], otherwise: str = "ours"
) -> tuple[Rows, list[str]]:
    """Merged rows, and of each conflict its column, or ``ROW``.

    Conflicts are decided for the side `prefer`, or for that of their column, else for `otherwise`.
    """

    def decided(what: str, base: Any, ours: Any, theirs: Any) -> Any:
        conflicts.append(what)
        side = prefer if isinstance(prefer, str) else prefer.get(what, otherwise)
        return {"base": base, "ours": ours, "theirs": theirs}[side]

    merged: Rows = {}
    conflicts: list[str] = []
    for key in {**ours, **theirs}:
        b, o, t = base.get(key), ours.get(key), theirs.get(key)
        if o is not None and t is not None:
            merged[key] = {}
            for name in COLUMNS:
                own, other = o[name], t[name]
                if own == other or (b is not None and other == b[name]):
                    merged[key][name] = own
                elif b is not None and own == b[name]:
                    merged[key][name] = other
                else:
                    merged[key][name] = decided(name, None if b is None else b[name], own, other)
        elif b is None or (o or t) != b:
            row = (o or t) if b is None else decided(ROW, b, o, t)
            if row is not None:
                merged[key] = row
    return merged, conflicts


def three(repo: Repository, base: Any, ours: Any, theirs: Any, key: list[str] | None = None) -> str:
    """Commit three versions of a dataset, on a branch each; its name. HEAD is on ours'."""
    name = f"t{next(NAMES)}"
    for branch, frame in ((f"{name}/base", base), (f"{name}/theirs", theirs), (f"{name}/ours", ours)):
        at = "HEAD" if branch.endswith("base") else f"{name}/base"
        repo.switch(branch, create=True, at=at) if repo.branches() else None
        if not repo.branches():
            repo.commit({"first": pd.DataFrame({"x": [0]})}, message="first")
            repo.switch(branch, create=True)
        if not branch.endswith("base"):
            repo.read(f"HEAD:{name}")
        repo.commit({name: frame}, message=branch, keys={name: key} if key and branch.endswith("base") else None)
    return name


@quick
@given(st.data())
def test_rows_and_cells_merge_as_dicts_do(repo: Repository, data: st.DataObject) -> None:
    base = data.draw(st.dictionaries(st.integers(0, 5), rows, max_size=5))
    ours, theirs = data.draw(edited(base)), data.draw(edited(base))
    prefer = data.draw(st.sampled_from(["ours", "theirs", "base"]))
    wanted, conflicts = expected(base, ours, theirs, prefer)
    name = three(repo, frame_of(base), frame_of(ours), frame_of(theirs), ["id"])
    tried = repo.merge(f"{name}/theirs", dry_run=True)
    assert sum(each.conflicts for each in tried.datasets) == len(conflicts)
    assert tried.open == len(conflicts) == sum(map(len, tried.conflicts.values()))
    done = repo.merge(f"{name}/theirs", resolve=prefer)
    found = repo.read(name)
    assert rows_of(found) == wanted
    assert found.dtypes.astype(str).tolist() == ["int64", "Int64", "string"]
    if done.state == "merged":
        assert done.commit is not None
        assert len(done.commit.commit.parents) == 2
    assert repo.merge(f"{name}/theirs").state == "up to date"
