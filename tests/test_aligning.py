"""From two versions to a change set: frames of several chunks, so that chunk lists, samples and reading all play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lineageflow_jupyter.algorithms.changes import ChangeSet, decode_changes, encode_changes
from lineageflow_jupyter.aligning import change_set
from lineageflow_jupyter.errors import KeyViolation
from lineageflow_jupyter.frames.columns import chunk_column
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.model.lists import encode_column, encode_table
from lineageflow_jupyter.model.objects import NO_ID, Table, TableColumn, TreeEntry
from lineageflow_jupyter.tables import Snapshot
from lineageflow_jupyter.versions import LiveVersion

ROWS = 60_000
POOL = ThreadPoolExecutor(2)


def version(frame: Any, key: Sequence[str] = ()) -> LiveVersion:
    content = to_content(frame)
    columns = [chunk_column(column.array).column for column in content.columns]
    ids = [encode_column(column)[-1].id for column in columns]
    named = [TableColumn(c.name, c.role, oid) for c, oid in zip(content.columns, ids, strict=True)]
    table = Table(content.rows, tuple(named))
    entry = TreeEntry("t", encode_table(table)[-1].id, NO_ID, tuple(key))
    return LiveVersion(Snapshot(entry, table, tuple(columns)), content)


def found(a: Any, b: Any, key: Sequence[str] = (), asked: Sequence[str] | None = None) -> ChangeSet:
    return change_set(version(a, key), version(b, key), POOL, asked)


def cells(changes: ChangeSet) -> dict[int, int]:
    return {place: len(rows) for place, rows in changes.changed.items()}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS) * 3,
            "flag": rng.random(ROWS) < 0.1,
            "kind": "constant",
            "group": rng.integers(0, 5, ROWS),
            "price": rng.random(ROWS).round(4),
            "name": rng.integers(0, ROWS // 2, ROWS).astype(str),
        }
    )


@pytest.fixture(scope="module")
def kept() -> np.ndarray:
    return np.random.default_rng(1).random(ROWS) > 0.05


@pytest.mark.parametrize("reset", [False, True], ids=["labels", "reset"])
def test_a_filter_removes_and_edits_nothing(frame: pd.DataFrame, kept: np.ndarray, reset: bool) -> None:
    filtered = frame[kept].reset_index(drop=True) if reset else frame[kept]
    changes = found(frame, filtered)
    assert changes.by == "content"
    assert changes.alignment.removed.tolist() == np.flatnonzero(~kept).tolist()
    assert len(changes.alignment.added) == 0 == changes.cells
    assert len(changes.alignment.moved) == 0


@pytest.mark.parametrize("reset", [False, True], ids=["labels", "reset"])
def test_a_sort_moves_and_edits_nothing(frame: pd.DataFrame, reset: bool) -> None:
    ordered = frame.sort_values("price", kind="stable", ignore_index=reset)
    changes = found(frame, ordered)
    places = frame["id"].searchsorted(ordered["id"])
    assert changes.alignment.sources().tolist() == places.tolist()
    assert changes.cells == 0


def test_edits_in_place_need_no_key(frame: pd.DataFrame) -> None:
    edited = frame.copy()
    rows = np.random.default_rng(2).choice(ROWS, 60, replace=False)
    edited.loc[rows, "group"] = 9
    edited.loc[rows[:7], "name"] = "ünï"
    changes = found(frame, edited)
    assert changes.alignment.identical
    assert cells(changes) == {3: 60, 5: 7}
    assert sorted(rows.tolist()) == changes.changed[3].tolist()


def test_a_column_that_changes_throughout_is_edited_in_place(frame: pd.DataFrame) -> None:
    changes = found(frame, frame.assign(price=frame["price"] * 2 + 1))
    assert changes.alignment.identical
    assert cells(changes) == {4: ROWS}


def test_filtered_and_recomputed_rows_are_found_by_what_stayed(frame: pd.DataFrame, kept: np.ndarray) -> None:
    changed = frame[kept].reset_index(drop=True)
    changed["price"] = changed["price"] * 2 + 1
    changes = found(frame, changed)
    assert changes.alignment.removed.tolist() == np.flatnonzero(~kept).tolist()
    assert cells(changes) == {4: int(kept.sum())}


def test_few_rows_that_were_edited_and_moved_are_found_by_the_other_columns(frame: pd.DataFrame) -> None:
    other = frame.copy()
    other.loc[::1_000, "price"] = -1.0
    changes = found(frame, other[60:].sort_values("name", kind="stable", ignore_index=True))
    assert len(changes.alignment.removed) == 60
    assert len(changes.alignment.added) == 0
    assert cells(changes) == {4: 59}


def test_a_moved_block_moves_and_a_deleted_row_shifts_nothing(frame: pd.DataFrame) -> None:
    swapped = pd.concat([frame[50_000:], frame[:20_000], frame[20_001:50_000]], ignore_index=True)
    changes = found(frame, swapped)
    assert changes.alignment.removed.tolist() == [20_000]
    assert len(changes.alignment.moved) == 10_000
    assert changes.cells == 0


def test_one_row_in_and_another_out_is_no_edit_of_those_between(frame: pd.DataFrame) -> None:
    new = frame[10:11].assign(id=-1, price=-1.0)
    other = pd.concat([frame[:100], frame[101:2_000], new, frame[2_000:]], ignore_index=True)
    changes = found(frame, other)
    assert len(other) == len(frame)
    assert (changes.alignment.removed.tolist(), changes.alignment.added.tolist()) == ([100], [1_999])
    assert changes.cells == 0


def test_rows_of_few_values_are_matched_as_often_as_they_occur() -> None:
    rng = np.random.default_rng(3)
    a = pd.DataFrame({"x": rng.integers(0, 3, 9_000), "y": rng.integers(0, 3, 9_000).astype(str)})
    b = a.sample(frac=0.8, random_state=0, ignore_index=True)
    changes = found(a, b)
    assert len(changes.alignment.removed) == 1_800
    assert len(changes.alignment.added) == 0 == changes.cells


def test_labels_that_lie_are_not_believed(frame: pd.DataFrame) -> None:
    """Labels of a sample that were put on rows in another order say nothing about where the rows came from."""
    part = frame.sample(frac=0.5, random_state=1)
    lying = part.set_axis(np.sort(part.index.to_numpy()), axis=0)
    changes = found(frame, lying)
    assert changes.alignment.sources().tolist() == (part["id"] // 3).tolist()
    assert changes.cells == 0


def test_with_a_key_an_edited_row_may_move_too(frame: pd.DataFrame, kept: np.ndarray) -> None:
    other = frame[kept].sample(frac=1, random_state=2, ignore_index=True)
    other.loc[:9, "price"] = 5.0
    other.loc[10, "id"] = -7
    changes = found(frame, other, ["id"])
    assert changes.by == "key"
    wanted = (other["id"] // 3).tolist()
    wanted[10] = -1
    assert changes.alignment.sources().tolist() == wanted
    assert cells(changes) == {4: 10}
    assert changes.alignment.added.tolist() == [10]


def test_a_key_of_two_columns_of_which_neither_identifies(frame: pd.DataFrame) -> None:
    a = pd.DataFrame({"day": np.repeat(np.arange(300), 100), "place": [*map(str, range(100))] * 300, "x": 0.5})
    b = a.sample(frac=0.9, random_state=3, ignore_index=True)
    changes = found(a, b, ["day", "place"])
    assert changes.alignment.sources().tolist() == (b["day"] * 100 + b["place"].astype(int)).tolist()


def test_named_labels_that_are_unique_identify_rows(frame: pd.DataFrame) -> None:
    a = frame.set_index("id")
    b = a.sample(frac=0.5, random_state=4).assign(price=0.0)
    changes = found(a, b)
    assert changes.by == "index"
    assert changes.alignment.sources().tolist() == (b.index // 3).tolist()
    twice = pd.concat([a, a[:5]])
    assert found(a, twice).by == "content"


@pytest.mark.parametrize("labels", [pd.date_range, pd.period_range])
def test_times_identify_rows_without_a_name(labels: Any) -> None:
    a = pd.DataFrame({"x": range(50)}, index=labels("2026-01-01", periods=50, freq="D"))
    changes = found(a, a[::-1].assign(x=0))
    assert changes.by == "index"
    assert changes.alignment.sources().tolist() == list(range(49, -1, -1))


@pytest.mark.parametrize("dtype", ["int64", "object", "Int32"])
def test_numbers_without_a_name_are_places_whatever_holds_them(dtype: str) -> None:
    a = pd.DataFrame({"x": [1, 2, 3]}, index=pd.Index([5, 6, 7], dtype=dtype))
    changes = found(a, a[::-1].set_axis(a.index))
    assert changes.by == "content"
    assert changes.alignment.sources().tolist() == [2, 1, 0]


def test_a_key_that_is_asked_for_must_be_one(frame: pd.DataFrame) -> None:
    assert found(frame, frame[::-1], asked=["id"]).by == "key"
    with pytest.raises(KeyViolation, match=r"'?group'? .*not unique"):
        found(frame, frame[::-1], asked=["group"])
    with pytest.raises(KeyViolation, match=r"key nope of 't': each of these columns must be in both"):
        found(frame, frame[::-1], asked=["nope"])
    with pytest.raises(KeyViolation, match="must be in both"):
        found(frame, frame.astype({"id": "int32"}), asked=["id"])


def test_a_declared_key_that_a_live_frame_breaks_is_left_aside(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame[:3]])
    changes = change_set(version(frame, ["id"]), version(twice, ["id"]), POOL, committed=False)
    assert changes.by == "content"
    assert changes.alignment.added.tolist() == list(range(ROWS, ROWS + 3))


def test_a_renamed_column_is_followed(frame: pd.DataFrame, kept: np.ndarray) -> None:
    changes = found(frame, frame.rename(columns={"price": "cost"}))
    assert changes.alignment.identical
    assert changes.cells == 0


@pytest.mark.parametrize("rows", [(0, 0), (0, 5), (5, 0)])
def test_empty_frames(frame: pd.DataFrame, rows: tuple[int, int]) -> None:
    changes = found(frame[: rows[0]], frame[: rows[1]])
    assert (len(changes.alignment.removed), len(changes.alignment.added)) == rows
    assert changes.cells == 0


def test_nothing_in_common() -> None:
    same = found(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [3.5, 4.5]}))
    assert same.alignment.identical  # as many rows: by place
    other = found(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [3.5]}))
    assert (len(other.alignment.removed), len(other.alignment.added)) == (2, 1)


def script(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    rows = len(frame)
    place = int(rng.integers(0, rows + 1))
    match rng.integers(0, 8):
        case 0 if rows:
            frame.iloc[min(place, rows - 1), 0] = rng.integers(0, 3)
        case 1:
            frame = frame[rng.random(rows) < 0.7]
        case 2:
            frame = pd.concat([frame[:place], frame[:1].assign(x=7), frame[place:]])
        case 3:
            frame = frame.sort_values("x", kind="stable")
        case 4:
            frame = frame.sample(frac=1, random_state=int(rng.integers(0, 99)))
        case 5:
            frame = pd.concat([frame[place:], frame[:place]])
        case 6:
            frame = frame.assign(x=frame["x"] * 2 + 1)
        case _:
            frame = pd.concat([frame, frame[:2]])
    return frame.reset_index(drop=True) if rng.random() < 0.4 else frame


@pytest.mark.parametrize("seed", range(60))
def test_equal_rows_are_never_edits_whatever_was_done(seed: int) -> None:
    """As many rows are matched with equal ones as both sides have; flags of changed cells are those of the values."""
    rng = np.random.default_rng(seed)
    for _ in range(4):
        rows, many = int(rng.integers(0, 25)), int(rng.choice([2, 3, 1000]))
        a = pd.DataFrame({"x": rng.integers(0, many, rows), "s": rng.integers(0, many, rows).astype(str)})
        a["y"] = rng.choice([0.0, -0.0, np.nan, 1.5], rows)
        b = a.copy()
        for _ in range(int(rng.integers(1, 4))):
            b = script(rng, b)
        changes = found(a, b)
        old, new = ([tuple(map(repr, row)) for row in side.to_numpy().tolist()] for side in (a, b))
        offset = len(b.columns) and len(version(b).table.index)
        equal = 0
        for row, partner in enumerate(changes.alignment.sources().tolist()):
            differing = [] if partner < 0 else [x != y for x, y in zip(old[partner], new[row], strict=True)]
            assert differing in ([], [row in changes.changed.get(place + offset, ()) for place in range(3)])
            equal += differing == [False] * 3
        assert equal == (Counter(old) & Counter(new)).total()


def test_change_sets_come_back_from_their_bytes(frame: pd.DataFrame, kept: np.ndarray) -> None:
    changes = found(frame, frame[kept].sample(frac=1, random_state=0).assign(price=0.0))
    header, buffers = encode_changes(changes)
    again = decode_changes(header, [part.tobytes() for part in buffers], lambda _: changes.alignment)
    assert again.by == changes.by
    assert again.alignment.sources().tolist() == changes.alignment.sources().tolist()
    assert {place: rows.tolist() for place, rows in again.changed.items()} == {
        place: rows.tolist() for place, rows in changes.changed.items()
    }
    for bad in ([*header[:3], ROWS // 2, *header[4:]], [9, *header[1:]]):
        with pytest.raises(ValueError, match=r"overlap or leave|leave their tables|version 9"):
            decode_changes(bad, [part.tobytes() for part in buffers], lambda _: changes.alignment)
    header, buffers = encode_changes(changes, b"map")
    assert decode_changes(header, buffers, lambda _: changes.alignment).cells == changes.cells
