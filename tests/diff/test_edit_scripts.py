"""Diffs of random tables and edit scripts against an oracle in plain Python, with key, with index and without."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pandas.api.types import is_object_dtype

import lineageflow_jupyter as lf
from lineageflow_jupyter import content_alignment, diffing, long_form, row_values
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.model.diffs import DiffOptions
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.edits import CELL_EDITS, ROW_EDITS, edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames
from tests.diff import oracle
from tests.diff.oracle import Side
from tests.diffs import live

quick = settings(deadline=None, suppress_health_check=list(HealthCheck))
ALL = 10_000
"""More rows than any page has."""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    with lf.init(tmp_path_factory.mktemp("oracle")) as repository:
        yield repository


def diff_of(
    repo: Repository, old: Any, new: Any, key: Sequence[str] = (), asked: Sequence[str] | None = None
) -> TableDiff:
    changes = repo._inspector._changes
    return changes.diff(live(repo, old, key), live(repo, new, key), DiffOptions(), asked)


# --- what is asserted of every diff ----------------------------------------------------------------------------------


def check(repo: Repository, diff: TableDiff, old: Any, new: Any) -> tuple[Side, Side]:
    """All that must hold however rows were identified."""
    sides = Side.of(old), Side.of(new)
    sources = diff.changes.alignment.sources().tolist()
    check_columns(diff, *sides)
    check_rows(diff, *sides, sources)
    check_cells(diff, *sides, sources)
    check_frames(diff, *sides)
    check_forms(diff, *sides)
    again = diff.apply(old)
    assert type(again) is type(new)
    expected, found = live(repo, new).entry, live(repo, again).entry
    assert (found.table, found.frame) == (expected.table, expected.frame)
    return sides


def check_columns(diff: TableDiff, old: Side, new: Side) -> None:
    found, schema = oracle.columns_of(old, new), diff.schema
    assert len(schema.retyped) == len(found.retyped)
    for each, (_, b) in zip(schema.retyped, found.retyped, strict=True):
        assert each.name.startswith(new.columns[b].name)  # of two names that are the same one has a number
    assert [each.old for each in schema.renamed] == [old.columns[a].name for a, _ in found.renamed]
    levels = [side.labels is not None and not any(c.role == "index" for c in side.columns) for side in (old, new)]
    for told, places, side, only_counted in (
        (schema.dropped, found.dropped, old, levels[1]),
        (schema.added, found.added, new, levels[0]),
    ):
        columns = [side.columns[place] for place in places]
        assert [column.name for column in told] == [
            column.name for column in columns if column.role == "data" or not only_counted
        ]


def check_rows(diff: TableDiff, old: Side, new: Side, sources: list[int]) -> None:
    """No row is used twice; counts add up; as few rows as can be are told as moved."""
    summary, matched = diff.summary, [source for source in sources if source >= 0]
    assert len(sources) == new.rows
    assert len(set(matched)) == len(matched)
    assert all(source < old.rows for source in matched)
    assert (summary.rows_before, summary.rows_after) == (old.rows, new.rows)
    assert summary.rows_added + len(matched) == new.rows
    assert summary.rows_removed + len(matched) == old.rows
    assert summary.rows_moved == oracle.fewest_moves(sources)


def check_cells(diff: TableDiff, old: Side, new: Side, sources: list[int]) -> None:
    """Exactly the cells of rows on both sides that differ are told as changed."""
    changed, rows = {}, set()
    for a, b in oracle.columns_of(old, new).common:
        one, other = old.columns[a].words, new.columns[b].words
        differing = [row for row, source in enumerate(sources) if source >= 0 and one[source] != other[row]]
        rows.update(differing)
        if differing:
            changed[b] = differing
    assert {place: found.tolist() for place, found in diff.changes.changed.items()} == changed
    assert list(diff.summary.cells_changed.values()) == [len(changed[place]) for place in sorted(changed)]
    assert diff.summary.rows_changed == len(rows)


def check_frames(diff: TableDiff, old: Side, new: Side) -> None:
    """Frames of whole rows, moved rows and changed cells hold what the versions hold there."""
    alignment = diff.changes.alignment
    for frame, side, rows in ((diff.added, new, alignment.added), (diff.removed, old, alignment.removed)):
        found = Side.of(frame)
        assert found.rows == len(rows)
        assert [loose(row) for row in data(found, range(found.rows))] == [
            loose(row) for row in data(side, rows.tolist())
        ]
    assert len(diff.moved) == diff.summary.rows_moved
    pairs = {b: a for a, b in oracle.columns_of(old, new).common}
    for name, (place, rows) in zip(diff.changed, diff.changes.changed.items(), strict=True):
        *_, row_a, row_b, before, after = Side.of(diff.changed[name]).columns
        assert row_b.words == rows.tolist()
        assert row_a.words == alignment.partners(rows).tolist()
        assert loose(before.words) == loose(old.columns[pairs[place]].words[row] for row in row_a.words)
        assert loose(after.words) == loose(new.columns[place].words[row] for row in row_b.words)


def loose(words: Iterable[Hashable]) -> list[Hashable]:
    """Words in which NaN is null: what it is in a column of objects depends on the other values there."""
    return [None if word == "NaN" else word for word in words]


def data(side: Side, rows: Sequence[int]) -> list[Hashable]:
    return oracle.rows_of([column for column in side.columns if column.role == "data"], rows)


def check_forms(diff: TableDiff, old: Side, new: Side) -> None:
    """Summary, changed cells as texts, pages and the long form tell the same."""
    summary, plain = diff.summary, diff.using("arrow")
    cells = plain.cells.select(plain.cells.column_names[-5:]).to_pylist()
    assert len(diff.cells) == len(cells) == summary.cells
    told = {(cell["row_a"], cell["row_b"], cell["column"]): (cell["old"], cell["new"]) for cell in cells}
    assert len(told) == len(cells)
    page = diff.page(0, ALL)
    rows = list(page)
    assert len(rows) == page.rows == page.stop
    names = [column.name for column in page.columns]
    kinds = [row.kind for row in rows]
    assert kinds.count("added") == summary.rows_added
    assert kinds.count("removed") == summary.rows_removed
    assert kinds.count("changed") == summary.rows_changed
    assert sum(row.moved for row in rows) == summary.rows_moved
    on_page = [
        (row.row_a, row.row_b, (cell.old, cell.new)) for row in rows for cell in row.cells if cell.state == "changed"
    ]
    assert sorted(on_page, key=str) == sorted([(a, b, texts) for (a, b, _), texts in told.items()], key=str)
    assert [row for start in range(0, page.rows, 3) for row in diff.page(start, start + 3)] == rows
    table = diff.to_arrow()
    assert pa.table(diff).rename_columns(table.column_names).equals(table)  # C knows no names with NUL
    long = table.select(table.column_names[-5:]).add_column(0, "operation", table["operation"]).to_pylist()
    updates = [row for row in long if row["operation"] == "update"]
    assert {(row["row_a"], row["row_b"], row["column"]): (row["old"], row["new"]) for row in updates} == told
    assert len(updates) == len(told)
    for operation, kind, side in (("delete", "removed", "row_a"), ("insert", "added", "row_b")):
        those = [row for row in long if row["operation"] == operation]
        whole = {getattr(row, side): row for row in rows if row.kind == kind}
        assert {row[side] for row in those} == set(whole)
        for row in those:
            if row["column"] is not None and names.count(row["column"]) == 1:
                cell = whole[row[side]].cells[names.index(row["column"])]
                assert (row["old"], row["new"]) == (cell.old, cell.new)


# --- any dtypes ------------------------------------------------------------------------------------------------------


def starts_told(frame: Any) -> bool:
    """Whether all periods have a start that pandas can tell: before 3.0 that was none beyond 2262."""
    if not isinstance(frame, pd.DataFrame | pd.Series):
        return True
    columns = [column for _, column in frame.items()] if frame.ndim == 2 else [frame]
    levels = [frame.index.get_level_values(number) for number in range(frame.index.nlevels)]
    try:
        for column in [*columns, *levels]:
            if isinstance(column.dtype, pd.PeriodDtype):
                pd.PeriodIndex(column.array).to_timestamp()
    except pd.errors.OutOfBoundsDatetime:
        return False
    return True


@settings(quick, max_examples=250)
@given(sketches(frames().filter(starts_told)), scripts())
def test_any_frames_and_edits(repo: Repository, sketch: Any, script: Any) -> None:
    old, new = frame_of(sketch), frame_of(edited(sketch, script))
    diff = diff_of(repo, old, new)
    sides = check(repo, diff, old, new)
    check_identity(diff, *sides)


def check_identity(diff: TableDiff, old: Side, new: Side) -> None:
    """By labels: as a join of these; by content: no untouched row is told as edited, inserted or removed."""
    sources = diff.changes.alignment.sources().tolist()
    if diff.by == "index":
        assert old.labels is not None
        assert new.labels is not None
        assert sources == oracle.joined(old.labels, new.labels)
        return
    assert diff.by == "content"
    common = [(a, b) for a, b in oracle.columns_of(old, new).common if new.means or new.columns[b].role == "data"]
    if not common:
        return
    rows = [
        oracle.rows_of([side.columns[pair[number]] for pair in common], range(side.rows))
        for number, side in enumerate((old, new))
    ]
    equal = sum(source >= 0 and rows[0][source] == rows[1][row] for row, source in enumerate(sources))
    assert equal == oracle.equal_at_most(*rows)


# --- few values ------------------------------------------------------------------------------------------------------

TEXTS = ["a", "b", "ü", "a\u0301", "á", "", "\x00", "🦆"]
FEW = pd.DataFrame(
    {
        "x": [0.0, -0.0, np.nan, 1.5],
        "s": ["a", "á", "a\u0301", ""],
        "n": pd.array([1, None, 0, 1], "Int64"),
        "o": pd.Series([None, "a", "", None], dtype=object),
        "c": pd.Categorical(["a", None, "b", "a"], ["b", "a", "z"]),
        "t": pd.to_datetime(["2026-01-01", None, "2026-01-02", "2026-01-01"]).tz_localize("Europe/Berlin"),
        "b": [True, False, True, True],
        "k": "constant",
        "m": pd.array([0.0, None, np.nan, -0.0], "Float64"),
    }
)


@st.composite
def few_valued(draw: Any) -> Any:
    """Frames of a few columns with a few values each, numbered or labelled by some of these."""
    columns = draw(st.lists(st.sampled_from(list(FEW.columns)), min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(1, len(FEW)))
    return FEW[columns].head(rows)


@settings(quick, max_examples=150)
@given(sketches(few_valued(), max_rows=24), scripts())
def test_few_values(repo: Repository, sketch: Any, script: Any) -> None:
    old, new = frame_of(sketch), frame_of(edited(sketch, script))
    diff = diff_of(repo, old, new)
    check_identity(diff, *check(repo, diff, old, new))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are taken for many, so that what is done with many is done here."""
    for module, numbers in (
        (content_alignment, {"FEW_ROWS": 4, "SAMPLE_BLOCKS": 2, "SAMPLE_ROWS": 2, "SIMILAR_ROWS": 2}),
        (content_alignment, {"FEW_GAPS": 1, "FIRST_ROWS": 1}),
        (row_values, {"MANY_RUNS": 2, "COMPARED_TOGETHER": 3}),
        (diffing, {"COMPARED_TOGETHER": 3}),
        (long_form, {"TOLD_TOGETHER": 3}),
    ):
        for name, number in numbers.items():
            monkeypatch.setattr(module, name, number)


@settings(quick, max_examples=150)
@given(sketches(few_valued(), max_rows=24), scripts())
def test_many_rows(repo: Repository, large: None, sketch: Any, script: Any) -> None:
    old, new = frame_of(sketch), frame_of(edited(sketch, script))
    diff = diff_of(repo, old, new)
    check_identity(diff, *check(repo, diff, old, new))


# --- by key ----------------------------------------------------------------------------------------------------------

MANY = 24
KEYED = pd.DataFrame(
    {
        "id": np.arange(MANY) * 7 - 3,
        "code": [*TEXTS, *(f"n{number}" for number in range(MANY - len(TEXTS)))],
        "when": pd.date_range("2026-03-29", periods=MANY, freq="15min", tz="UTC").tz_convert("Europe/Berlin"),
        "ratio": [0.0, -0.0, np.inf, -np.inf, *np.linspace(-1, 1, MANY - 4)],
        "label": pd.Categorical([f"c{number}" for number in range(MANY)][::-1]),
        "amount": [Decimal(number).scaleb(-2) for number in range(MANY)],
        "day": [date(2026, 2, 1 + number) for number in range(MANY)],
        "uid": [UUID(int=number << 64) for number in range(MANY)],
        "small": pd.array(range(MANY), "UInt8"),
        "month": pd.period_range("2026-01", periods=MANY, freq="M"),
        "raw": [bytes([number, 0]) for number in range(MANY)],
        "part": [number % 5 for number in range(MANY)],
        "kind": pd.Categorical([f"k{number // 5}" for number in range(MANY)]),
    }
).join(pd.concat([FEW] * (MANY // len(FEW)), ignore_index=True))
KEYS = [[name] for name in KEYED.columns[:11]] + [["part", "kind"], ["code", "id"]]


@st.composite
def keyed(draw: Any) -> tuple[str, list[str], Any]:
    """How rows are identified, by which columns, and a base."""
    key, how = draw(st.sampled_from(KEYS)), draw(st.sampled_from(["declared", "asked", "index"]))
    values = draw(st.lists(st.sampled_from(list(FEW.columns)), min_size=1, max_size=3, unique=True))
    base = KEYED[[*key, *values]]
    return how, key, base.set_index(key) if how == "index" else base


@settings(quick, max_examples=200)
@given(st.data(), keyed())
def test_by_key(repo: Repository, data: st.DataObject, how: tuple[str, list[str], Any]) -> None:
    mode, key, base = how
    sketch = data.draw(sketches(st.just(base)))
    kinds = [*CELL_EDITS, *ROW_EDITS, "recategorise", "reorder"]
    script = data.draw(scripts(*(kind for kind in kinds if mode != "index" or kind != "reset")))
    old, new = (each_once(frame_of(one), mode, key) for one in (sketch, edited(sketch, script)))
    typed = not any(map(is_object_dtype, KEYED[key].dtypes))  # objects have no type where there are none
    assume(typed or (len(old) and len(new)))
    diff = diff_of(repo, old, new, key if mode == "declared" else (), key if mode == "asked" else None)
    keys = [keys_of(side, mode, key) for side in check(repo, diff, old, new)]
    assert diff.by == ("index" if mode == "index" else "key")
    assert diff.changes.alignment.sources().tolist() == oracle.joined(*keys)
    counted = any(isinstance(frame.index, pd.RangeIndex) for frame in (old, new))
    assert diff.key == (() if mode == "index" and counted else tuple(key))


def keys_of(side: Side, mode: str, key: list[str]) -> list[Hashable]:
    if mode != "index":
        return side.keys(*key)
    assert side.labels is not None
    return side.labels


def each_once(frame: Any, mode: str, key: list[str]) -> Any:
    """Rows whose key no row before them has."""
    keys = keys_of(Side.of(frame), mode, key)
    return frame.iloc[[row for row, own in enumerate(keys) if own not in keys[:row]]]
