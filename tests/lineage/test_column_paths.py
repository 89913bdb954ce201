"""Columns followed through all operations of a run, as the recorder of operations tells them."""

from __future__ import annotations

import pandas as pd
import pytest

from lineageflow_jupyter.lineage.column_paths import Paths, column_paths
from lineageflow_jupyter.model.cells import CellRun, ColumnEdge, FrameState, OperationRecord
from tests.lineage.recorded import notebook

FRAMES = {
    "df": {"k": ["x", "y", "x"], "a": [1.0, 2.0, None], "b": [6, 5, 4]},
    "right": {"k": ["x", "y"], "z": [10, 20]},
}


def paths(code: str) -> dict[str, Paths]:
    frames = {name: pd.DataFrame(values) for name, values in FRAMES.items()}
    with notebook(**frames) as book:
        operations = book.run(code).operations
    return column_paths(run(*operations), {name: tuple(values) for name, values in FRAMES.items()})


def run(*operations: OperationRecord) -> CellRun:
    reads = tuple(FrameState(name, name, None, None, 3, len(values)) for name, values in FRAMES.items())
    return CellRun("1" * 32, "", "a.ipynb", "", 1, "", "ada", 0, 0, "ok", reads=reads, operations=operations)


def told(found: Paths) -> dict[str, str]:
    """``column: df.a same, df.b value``; what acted on all rows under ``*``."""
    named = {column: sources for column, sources in found.columns.items() if sources}
    named |= {"*": found.whole} if found.whole else {}
    return {
        column: ", ".join(sorted(f"{each.variable}.{each.column} {each.how}" for each in sources))
        for column, sources in named.items()
    }


@pytest.mark.parametrize(
    ("code", "variable", "expected"),
    [
        pytest.param(
            "new = df[df.b > 4]\nnew = new.assign(c=new.a + new.b)\nnew = new[['k', 'c']]",
            "new",
            {"k": "df.k same", "c": "df.a value, df.b value", "*": "df.b filter"},
            id="through several steps",
        ),
        pytest.param(
            "df['c'] = df.a / df.b\ndf['d'] = df.c * 2",
            "df",
            {
                "k": "df.k same",
                "a": "df.a same",
                "b": "df.b same",
                "c": "df.a value, df.b value",
                "d": "df.a value, df.b value",
            },
            id="in place, other columns stay",
        ),
        pytest.param("df['a'] = 0", "df", {"k": "df.k same", "b": "df.b same"}, id="a constant comes from nothing"),
        pytest.param("del df['a']", "df", {"k": "df.k same", "b": "df.b same"}, id="dropped"),
        pytest.param(
            "new = df.sort_values('b')[['a']]", "new", {"a": "df.a same", "*": "df.b order"}, id="order, then a column"
        ),
        pytest.param(
            "new = df[['k', 'a']].merge(right, on='k')",
            "new",
            {"k": "df.k same, right.k same", "a": "df.a same", "z": "right.z same", "*": "df.k key, right.k key"},
            id="joined",
        ),
    ],
)
def test_paths(code: str, variable: str, expected: dict[str, str]) -> None:
    assert told(paths(code)[variable]) == expected


def test_groups_are_told_from_joins() -> None:
    assert told(paths("new = df.groupby('k').b.sum()")["new"]) == {"b": "df.b value", "*": "df.k group"}


def test_what_is_opaque_ends_the_path() -> None:
    hidden = OperationRecord("DataFrame.pipe", 1, inputs=("df",), output="new", opaque=True)
    after = OperationRecord(
        "DataFrame.assign", 2, inputs=("new",), output="new", edges=(ColumnEdge(0, "a", "c", "value"),)
    )
    assert not any(column_paths(run(hidden, after))["new"].columns.values())


def test_what_is_opaque_in_place_leaves_nothing_known() -> None:
    hidden = OperationRecord("DataFrame.update", 1, inputs=("df",), output="df", opaque=True)
    assert column_paths(run(hidden), {"df": ("k", "a", "b")})["df"] == Paths()


def test_names_within_the_run_are_not_told() -> None:
    assert set(paths("new = df.head(2).tail(1)")) == {"new"}


def test_each_column_of_very_wide_frames() -> None:
    wide = OperationRecord("DataFrame.head", 1, inputs=("df",), output="new", edges=(ColumnEdge(0, "*", "*", "value"),))
    known = {"df": ("k", "a", "b")}
    assert told(column_paths(run(wide), known)["new"]) == {"k": "df.k same", "a": "df.a same", "b": "df.b same"}
