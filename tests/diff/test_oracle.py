"""Diffs of random tables and edit scripts against plain Python: every row and cell compared with every other.

The oracle knows nothing of chunks, words or alignments. With a key it joins two dicts; without one it counts which
rows both sides have, for as many must be found equal by any diff that reports no untouched row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf

VALUES: dict[str, list[Any]] = {
    "float": [0.0, -0.0, 1.5, float("nan")],
    "int": [0, 1, -7],
    "nullable": [1, None, 2**62],
    "text": ["", "a", "ü", "日本" * 30],
    "category": ["b", "a", None],
    "time": ["2026-01-01", "2026-01-01 00:00:00.000000001", None],
    "flag": [True, False],
    "constant": [1],
    "object": [None, float("nan"), "x"],
}
DTYPES: dict[str, Any] = {
    "float": "float64",
    "int": "int32",
    "nullable": "Int64",
    "text": "str",
    "category": pd.CategoricalDtype(["b", "a"]),
    "time": "datetime64[ns]",
    "flag": "bool",
    "constant": "int8",
    "object": "object",
}

OPERATIONS = ("cell", "drop", "filter", "insert", "append", "sort", "shuffle", "move", "column")


def column(kind: str, values: list[Any]) -> pd.Series:
    if kind == "time":
        return pd.Series(pd.to_datetime(values, format="ISO8601") if values else [], dtype="datetime64[ns]")
    return pd.Series(values, dtype=object).astype(DTYPES[kind])


@st.composite
def tables(draw: Any, *, keyed: bool) -> pd.DataFrame:
    rows = draw(st.integers(0, 10))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    data = {
        f"{kind}{place}": column(kind, draw(st.lists(st.sampled_from(VALUES[kind]), min_size=rows, max_size=rows)))
        for place, kind in enumerate(kinds)
    }
    if keyed:
        data["id"] = pd.Series(draw(st.permutations(range(rows))), dtype="int64")
    return pd.DataFrame(data)


@st.composite
def edited(draw: Any, frame: pd.DataFrame, *, keyed: bool) -> pd.DataFrame:
    for _ in range(draw(st.integers(1, 4))):
        rows = len(frame)
        place = draw(st.integers(0, rows))
        match draw(
            st.sampled_from(["cell", "drop", "filter", "insert", "append", "sort", "shuffle", "move", "column"])
        ):
            case "cell" if rows:
                name = draw(st.sampled_from([name for name in frame.columns if name not in ("id", "more")]))
                kind = name.rstrip("0123456789")
                value = draw(st.sampled_from(VALUES[kind]))
                if value is not None or kind in ("nullable", "category", "object"):
                    frame = frame.copy()
                    frame.iloc[min(place, rows - 1), frame.columns.get_loc(name)] = (
                        pd.Timestamp(value) if kind == "time" else value
                    )
            case "drop" if rows:
                frame = frame.drop(frame.index[min(place, rows - 1)])
            case "filter":
                frame = frame[np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), bool)]
            case "insert" if rows:
                new = frame[:1].assign(id=draw(st.integers(100, 10**6))) if keyed else frame[:1]
                frame = pd.concat([frame[:place], new, frame[place:]])
            case "append" if rows and not keyed:
                frame = pd.concat([frame, frame[:2]], ignore_index=True)
            case "sort":
                frame = frame.sort_values(frame.columns[0], kind="stable")
            case "shuffle":
                frame = frame.iloc[draw(st.permutations(range(rows)))]
            case "move":
                frame = pd.concat([frame[place:], frame[:place]])
            case "column":
                frame = frame.assign(more=range(rows))
        if draw(st.booleans()):
            frame = frame.reset_index(drop=True)
    if keyed:
        frame = frame.drop_duplicates("id")
    return frame


def exact(value: Any) -> str:
    """Text that is equal for equal values alone: NaN equals NaN, a null is no NaN, and zeros have signs."""
    if value is pd.NA or value is None or value is pd.NaT:
        return "null"
    return f"{type(value).__name__}:{value!r}" if not isinstance(value, float) else f"float:{value!r}"


def cells_of(frame: pd.DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    """Every row as texts; but for floats, NaN is one of the ways in which pandas tells that a value is missing."""
    columns: list[list[str]] = []
    for name in names:
        series = frame[name]
        numbers = series.dtype == np.dtype("float64")
        columns.append(["null" if not numbers and pd.isna(value) else exact(value) for value in series.tolist()])
    return list(zip(*columns, strict=True)) if columns else [()] * len(frame)


def pairs_of(diff: Any, rows_b: int) -> Iterator[tuple[int, int]]:
    for row, partner in enumerate(diff.changes.alignment.sources().tolist()):
        if partner >= 0:
            yield row, partner
    assert diff.changes.alignment.rows_b == rows_b


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lf.Repository]:
    with lf.init(tmp_path_factory.mktemp("oracle")) as found:
        yield found


NUMBER = iter(range(10**9))


def diff_of(repo: lf.Repository, a: pd.DataFrame, b: pd.DataFrame, key: list[str] | None = None) -> Any:
    """Diff of two frames that are committed one after the other; they differ at least by another, tiny dataset."""
    name = f"t{next(NUMBER)}"
    repo.commit({name: a}, message="a", keys={name: key} if key else None)
    report = repo.commit({name: b}, message="b")
    return repo.diff("HEAD~1", "HEAD", datasets=name)[name] if report.created else None


def compared(diff: Any, a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Columns of both with one type; objects of which only missing ones are left have none."""
    other = {column.name for column in diff.schema.retyped}
    return [name for name in a.columns if name in b.columns and name not in other]


def check_cells(diff: Any, a: pd.DataFrame, b: pd.DataFrame) -> list[tuple[bool, ...]]:
    """Each changed cell is told, and no other; the flags of each aligned row."""
    names = compared(diff, a, b)
    old, new = cells_of(a, names), cells_of(b, names)
    flags, wanted = [], Counter[str]()
    told = {name: set(zip(f["row_a"], f["row_b"], strict=True)) for name, f in diff.changed.items()}
    for row, partner in pairs_of(diff, len(b)):
        differ = tuple(x != y for x, y in zip(old[partner], new[row], strict=True))
        flags.append(differ)
        for name, differs in zip(names, differ, strict=True):
            wanted[name] += differs
            assert ((partner, row) in told.get(name, set())) == differs
    summary = diff.summary
    assert {name: count for name, count in summary.cells_changed.items() if name in names} == dict(+wanted)
    assert summary.rows_changed == sum(map(any, flags))
    assert summary.rows_added == len(b) - len(flags) == len(diff.added)
    assert summary.rows_removed == len(a) - len(flags) == len(diff.removed)
    long = diff.to_arrow().to_pandas()
    assert (long["operation"] == "update").sum() == summary.cells
    return flags


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_with_a_key_a_diff_is_a_join(repo: lf.Repository, data: st.DataObject) -> None:
    a = data.draw(tables(keyed=True))
    b = data.draw(edited(a, keyed=True))
    diff = diff_of(repo, a, b, ["id"])
    if diff is None:
        return
    places = {key: row for row, key in enumerate(a["id"].tolist())}
    wanted = [(row, places[key]) for row, key in enumerate(b["id"].tolist()) if key in places]
    assert list(pairs_of(diff, len(b))) == wanted
    check_cells(diff, a, b)
    pd.testing.assert_frame_equal(diff.apply(a), b)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_without_a_key_no_untouched_row_is_told(repo: lf.Repository, data: st.DataObject) -> None:
    a = data.draw(tables(keyed=False))
    b = data.draw(edited(a, keyed=False))
    diff = diff_of(repo, a, b)
    if diff is None:
        return
    partners = [partner for _, partner in pairs_of(diff, len(b))]
    assert len(set(partners)) == len(partners)
    flags = check_cells(diff, a, b)
    names = compared(diff, a, b)
    if not names:
        return
    both = Counter(cells_of(a, names)) & Counter(cells_of(b, names))
    assert sum(not any(each) for each in flags) == both.total()
    pd.testing.assert_frame_equal(diff.apply(a), b)
