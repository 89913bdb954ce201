"""What a merge stores by the ids of columns is what it would store if the whole frame were put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.frames.content import StoredArray
from lineageflow_jupyter.frames.descriptions import with_facts_of
from lineageflow_jupyter.intake import contents_of
from lineageflow_jupyter.merged_content import merged_content
from lineageflow_jupyter.merged_frames import Decisions, merged_frame
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.resolving import decided_by_rules
from lineageflow_jupyter.row_values import RowValues
from lineageflow_jupyter.testing.edits import edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames
from lineageflow_jupyter.three_way import merge_plan
from lineageflow_jupyter.versions import LiveVersion
from tests.diffs import stored
from tests.merge.test_keyed import repo, three  # noqa: F401 - a fixture

quick = settings(suppress_health_check=list(HealthCheck), max_examples=30, deadline=None)


def both_ways(repo: Repository, base: Any, ours: Any, theirs: Any, rule: Any = "theirs") -> list[int]:  # noqa: F811
    """Check that both ways give the same table, frame and changes; places of the columns that were made anew."""
    sides = [stored(repo, side) for side in (base, ours, theirs)]
    combiner = repo._merger.combiner
    plan = merge_plan(*sides, combiner.changes.between, lambda name: "ours")
    decided = decided_by_rules(plan, rule, Decisions())
    whole = contents_of({"t": merged_frame(plan, decided, combiner.frame)})["t"]
    assert plan.base is not None
    whole = replace(whole, body=with_facts_of(whole.body, plan.base.body, plan.theirs.body))
    content, changes = merged_content(plan, decided, combiner.frame)
    one, other = (combiner.writer.add("t", part, parent=plan.ours.entry, key=()) for part in (content, whole))
    assert one.entry == other.entry
    if changes is not None:
        values = RowValues(plan.ours, LiveVersion(other, whole), repo._pool)
        found = values.changed(changes.alignment, values.schema.common)
        assert {place: rows.tolist() for place, rows in changes.changed.items()} == {
            place: rows.tolist() for place, rows in found.items() if len(rows)
        }
    return [place for place, column in enumerate(content.columns) if not isinstance(column.array, StoredArray)]


@quick
@given(sketches(frames(), max_rows=20), scripts(most=3), scripts(most=3), st.sampled_from(["theirs", "base", "ours"]))
def test_any_edits(repo: Repository, sketch: Any, one: Any, other: Any, rule: Any) -> None:  # noqa: F811
    base, ours, theirs = frame_of(sketch), frame_of(edited(sketch, one)), frame_of(edited(sketch, other))
    try:
        both_ways(repo, base, ours, theirs, rule)
    except LineageFlowError:
        assume(False)


ROW_EDITS = ("set cell", "insert", "append", "delete", "duplicate", "move")


@quick
@given(sketches(frames(), max_rows=20), scripts(*ROW_EDITS), scripts(*ROW_EDITS), st.sampled_from(["theirs", "ours"]))
def test_any_rows(repo: Repository, sketch: Any, one: Any, other: Any, rule: Any) -> None:  # noqa: F811
    base, ours, theirs = frame_of(sketch), frame_of(edited(sketch, one)), frame_of(edited(sketch, other))
    try:
        both_ways(repo, base, ours, theirs, rule)
    except LineageFlowError:
        assume(False)


@quick
@given(
    sketches(frames(), max_rows=20),
    scripts("set cell", "set column", most=3),
    scripts("set cell", "set column", most=3),
    st.sampled_from(["theirs", "base"]),
)
def test_any_frames(repo: Repository, sketch: Any, one: Any, other: Any, rule: Any) -> None:  # noqa: F811
    base, ours, theirs = frame_of(sketch), frame_of(edited(sketch, one)), frame_of(edited(sketch, other))
    try:
        both_ways(repo, base, ours, theirs, rule)
    except LineageFlowError:
        assume(False)


BASE = pd.DataFrame(
    {
        "number": np.arange(6),
        "text": pd.Series(list("abcdef"), dtype="str" if pd.__version__ >= "3" else object),
        "kind": pd.Categorical(list("uvuvuv")),
        "maybe": pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
        "times": pd.date_range("2026-01-01", periods=6, tz="Europe/Berlin"),
        "lists": pd.Series([[1], [], [2, 3], None, [4], [5]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        "mixed": pd.Series(["a", None, np.nan, "d", "e", "f"], dtype=object),
    }
)


def with_cell(frame: Any, column: str, row: int, value: Any) -> Any:
    values = list(frame[column])
    values[row] = value
    return frame.assign(**{column: pd.Series(values, dtype=frame[column].dtype)})


@pytest.mark.parametrize(
    ("column", "value", "anew"),
    [
        ("number", 77, [0]),
        ("text", "ß", [1]),
        ("text", None, [1] if pd.__version__ >= "3" else list(range(7))),  # objects tell how values are missing
        ("kind", "v", [2]),
        ("maybe", None, [3]),
        ("times", pd.Timestamp("2026-06-01", tz="Europe/Berlin"), [4]),
        ("lists", None, [5]),
        ("mixed", "z", [6]),
        ("mixed", None, list(range(7))),  # which value is missing how is told row by row
    ],
)
def test_only_what_gets_values_from_elsewhere_is_made_anew(
    repo: Repository,  # noqa: F811
    column: str,
    value: Any,
    anew: list[int],
) -> None:
    theirs = with_cell(BASE, column, 4, value)
    whole = list(range(7))
    other = "text" if column == "number" else "number"
    elsewhere = with_cell(BASE, other, 1, BASE.at[0, other])
    masked = column == "mixed" and value is None
    assert both_ways(repo, BASE, elsewhere, theirs) == (whole if masked else [])  # all of theirs
    assert both_ways(repo, BASE, with_cell(BASE, column, 5, BASE.at[0, column]), theirs) == anew


def test_values_that_a_rule_makes_and_conflicts(repo: Repository) -> None:  # noqa: F811
    ours, theirs = with_cell(BASE, "number", 2, 10), with_cell(BASE, "number", 2, 20)
    double = {"number": lambda base, ours, theirs: ours + theirs}
    assert both_ways(repo, BASE, ours, theirs, double) == [0]
    assert both_ways(repo, BASE, ours, theirs, {"number": "max"}) == []  # all of theirs
    assert both_ways(repo, BASE, with_cell(ours, "number", 0, 30), theirs, {"number": "max"}) == [0]
    assert both_ways(repo, BASE, ours, theirs, "ours") == []


def test_other_descriptions_rows_and_columns_are_put_together_whole(repo: Repository) -> None:  # noqa: F811
    ours = with_cell(BASE, "number", 2, 10)
    every = list(range(7))
    assert both_ways(repo, BASE, ours, BASE.assign(more=1)) == [*every, 7]
    assert both_ways(repo, BASE, ours, BASE.drop(columns="lists")) == list(range(6))
    assert both_ways(repo, BASE, ours, BASE.astype({"number": "Int64"})) == every
    assert both_ways(repo, BASE, ours, BASE.drop(index=3)) == [*every, 7]  # an index that is listed
    fewer = BASE.drop(index=3).reset_index(drop=True)
    assert both_ways(repo, BASE, ours, fewer) == every
    assert both_ways(repo, BASE, ours, BASE.rename(columns={"text": "words"})) == every
    more = BASE.assign(kind=BASE["kind"].cat.add_categories(["w"]))
    assert both_ways(repo, BASE, ours, with_cell(more, "kind", 0, "w")) == every


def test_missing_values_that_both_fill(repo: Repository) -> None:  # noqa: F811
    base = pd.DataFrame({"x": pd.Series([None, None, "a"], dtype=object), "y": [1, 2, 3]})
    assert both_ways(repo, base, with_cell(base, "x", 0, "b"), with_cell(base, "x", 1, "c")) == [0, 1]


def test_categories_keep_their_dtype(repo: Repository) -> None:  # noqa: F811
    kind = pd.CategoricalDtype(pd.Index(["", "0"], dtype=object))
    base = pd.DataFrame({"x": [1, 2], "kind": pd.Series(["0", "0"], dtype=kind)})
    ours, theirs = with_cell(base, "kind", 0, ""), with_cell(base, "kind", 1, "")
    assert both_ways(repo, base, ours, theirs) == [1]
    assert both_ways(repo, base, ours, theirs.assign(x=1.5)) == [0, 1]


@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_other_libraries(repo: Repository, library: str) -> None:  # noqa: F811
    frame = pl.DataFrame(
        {"x": [1, 2, None], "e": pl.Series(["a", "b", "a"], dtype=pl.Enum(["a", "b"])), "t": ["u", "v", "w"]}
    )
    ours, theirs = (
        frame.with_columns(
            x=pl.Series([1, 5, None]),
            e=pl.Series(["b", "b", "a"], dtype=pl.Enum(["a", "b"])),
            t=pl.Series(["u", "v", "y"]),
        ),
        frame.with_columns(e=pl.Series(["a", "b", "b"], dtype=pl.Enum(["a", "b"])), t=pl.Series([None, "v", "w"])),
    )
    if library == "arrow":
        frame, ours, theirs = (side.to_arrow() for side in (frame, ours, theirs))  # type: ignore[assignment]
    assert both_ways(repo, frame, ours, theirs) == [1, 2]


def test_rows_that_both_append_are_known_as_such(repo: Repository) -> None:  # noqa: F811
    base = BASE.drop(columns="mixed")
    ours, theirs = (pd.concat([base, base.iloc[:2].assign(number=new)], ignore_index=True) for new in ([7, 8], [9, 10]))
    name = three(repo, base, ours, theirs, ["number"])
    repo.merge(f"{name}/theirs")
    entries = [repo._history.tree(repo.resolve(rev).id).get(name) for rev in ("HEAD~1", "HEAD")]
    kept = repo._changes.kept(*entries)  # type: ignore[arg-type]
    assert kept is not None
    assert (kept.by, kept.alignment.added.tolist(), dict(kept.changed)) == ("key", [8, 9], {})
    pd.testing.assert_frame_equal(
        repo.read(name), pd.concat([ours, theirs.iloc[6:]], ignore_index=True), check_categorical=True
    )


def test_a_merge_of_edits_writes_what_it_changes(tmp_path: Path) -> None:
    rows = 300_000
    random = np.random.default_rng(0)
    base = pd.DataFrame({"id": np.arange(rows), **{name: random.normal(size=rows) for name in "abcd"}})
    ours, theirs = base.copy(), base.copy()
    ours.loc[::30_000, "a"] = 1.0
    theirs.loc[10::30_000, "b"] = 2.0
    with lf.init(tmp_path) as found:
        name = three(found, base, ours, theirs, ["id"])
        before = sum(file.stat().st_size for file in tmp_path.rglob("*.pack"))
        found.merge(f"{name}/theirs")
        new = sum(file.stat().st_size for file in tmp_path.rglob("*.pack")) - before
        assert 0 < new < 10_000
        assert found.diff("HEAD~1", "HEAD")[name].summary.cells_changed == {"b": 10}
        assert found.fsck() > 10
        pd.testing.assert_frame_equal(found.read(name), ours.assign(b=theirs["b"]))
