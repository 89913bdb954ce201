"""Versions cost what they change: what is stored how, what is read back, and what damage does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.changing import change_set_id
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.frames.codecs import FORM_FULL, FORM_PATCH, FORM_SELECTION, parse_value
from lineageflow_jupyter.frames.derived import decode_derived
from lineageflow_jupyter.model.ids import Kind
from lineageflow_jupyter.repository import Repository

ROWS = 60_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS) * 3,
            "price": rng.random(ROWS),
            "name": rng.integers(0, ROWS, ROWS).astype(str),
            "kind": pd.Categorical(rng.choice(["a", "b", "ü"], ROWS)),
            "part": np.where(rng.random(ROWS) < 0.3, np.nan, rng.random(ROWS)),
        }
    )


@pytest.fixture
def repo(tmp_path: Path, frame: pd.DataFrame) -> Iterator[Repository]:
    with lf.init(tmp_path) as found:
        found.commit({"t": frame}, message="first")
        yield found


def entries(repo: Repository, revision: str) -> Any:
    return repo._history.entry(repo.resolve(revision), "t", revision)


def forms(repo: Repository, revision: str = "HEAD") -> dict[str, list[int]]:
    """Form of each chunk, by column."""
    table = repo._objects.table(entries(repo, revision).table)
    found = {}
    for place, column in zip(table.columns, repo._objects.columns([c.column for c in table.columns]), strict=True):
        values = [parse_value(repo._objects.reader.read(chunk.id)) for chunk in column.chunks]
        found[place.name] = [value.form for value in values]
        derived = repo._catalog.of_kind([chunk.id for chunk in column.chunks], Kind.DERIVED)
        assert len(derived) == len({c.id for c, v in zip(column.chunks, values, strict=True) if v.form != FORM_FULL})
        for value in values:
            if value.form != FORM_FULL:
                base = decode_derived(value).base
                if isinstance(base, bytes):  # depth is one
                    ids = [chunk.id for chunk in repo._objects.columns([base])[0].chunks]
                    assert not repo._catalog.of_kind(ids, Kind.DERIVED)
    return found


def edits() -> dict[str, Callable[[pd.DataFrame], pd.DataFrame]]:
    rng = np.random.default_rng(1)
    kept, order = rng.random(ROWS) > 0.05, rng.permutation(ROWS)
    few = rng.choice(ROWS, ROWS // 1000, replace=False)

    def cells(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.iloc[few, 1] = 7.5
        return frame

    return {
        "filter": lambda frame: frame[kept],
        "filter, reset": lambda frame: frame[kept].reset_index(drop=True),
        "sort": lambda frame: frame.sort_values("price"),
        "shuffle": lambda frame: frame.iloc[order].reset_index(drop=True),
        "cells": cells,
    }


@pytest.mark.parametrize(
    ("edit", "most"),
    [
        ("filter", 20_000),  # 1 % of the first version
        ("filter, reset", 20_000),
        ("sort", 5 * ROWS),
        ("shuffle", 5 * ROWS),
        ("cells", 20 * 8 * ROWS // 1000),
    ],
)
def test_a_step_costs_what_it_changes_and_reads_as_if_it_were_whole(
    repo: Repository, tmp_path: Path, frame: pd.DataFrame, edit: str, most: int
) -> None:
    after = edits()[edit](frame)
    report = repo.commit({"t": after}, message=edit)
    assert report.new_bytes < most
    expected = FORM_PATCH if edit == "cells" else FORM_SELECTION
    assert expected in forms(repo)["price"]
    repo.clear_cache()
    pd.testing.assert_frame_equal(repo.read("t"), after)
    pd.testing.assert_frame_equal(repo.read("t", rows=(31_000, 31_050)), after[31_000:31_050])
    pd.testing.assert_frame_equal(repo.read("t", columns=["part", "kind"]), after[["part", "kind"]])
    with lf.init(tmp_path / "alone") as other:
        other.commit({"t": after}, message="alone")
        assert entries(other, "HEAD").table == entries(repo, "HEAD").table
    assert repo.fsck() > 10


def test_categories_that_are_gone_do_not_come_back_with_the_base(repo: Repository, frame: pd.DataFrame) -> None:
    kept = frame[frame["kind"] != "a"].copy()
    kept["kind"] = kept["kind"].cat.remove_unused_categories()
    repo.commit({"t": kept}, message="fewer kinds")
    assert FORM_SELECTION in forms(repo)["kind"]
    repo.clear_cache()
    pd.testing.assert_frame_equal(repo.read("t"), kept)
    pd.testing.assert_frame_equal(repo.diff()["t"].apply(frame), kept)
    renamed = frame.assign(kind=frame["kind"].cat.rename_categories({"a": "A"}))
    repo.commit({"t": renamed}, message="another name")
    pd.testing.assert_frame_equal(repo.diff("HEAD~2")["t"].apply(frame), renamed)


def test_a_small_sample_does_not_keep_the_whole_table_alive(repo: Repository, frame: pd.DataFrame) -> None:
    repo.commit({"t": frame.sample(frac=0.05, random_state=0)}, message="sample")
    assert {form for found in forms(repo).values() for form in found} == {FORM_FULL}


def test_a_row_map_is_stored_once_for_a_chain_of_edits(repo: Repository, frame: pd.DataFrame) -> None:
    ordered = frame.sort_values("price")
    repo.commit({"t": ordered}, message="sorted")
    fixed = ordered.copy()
    fixed.iloc[:30, 2] = "fixed"
    report = repo.commit({"t": fixed}, message="fixed")
    assert set(forms(repo)["name"]) == {FORM_SELECTION}
    assert report.new_bytes < 5_000
    pd.testing.assert_frame_equal(repo.read("t"), fixed)


def derived_chunk(repo: Repository, *, first: bool = False) -> tuple[Path, int, int]:
    """Pack, offset and length of the largest derived value, or of the `first` in the table."""
    table = repo._objects.table(entries(repo, "HEAD").table)
    ids = [chunk.id for c in repo._objects.columns([c.column for c in table.columns]) for chunk in c.chunks]
    places = repo._catalog.locate(repo._catalog.of_kind(ids, Kind.DERIVED))
    found = [places[oid] for oid in ids if oid in places]
    place = found[0] if first else max(found, key=lambda place: place.length)
    return pack_of(repo, place.pack), place.offset, place.length


def pack_of(repo: Repository, name: str) -> Path:
    return Path(repo.location) / ".lineageflow" / "objects" / "packs" / f"{name}.pack"


def test_a_damaged_derived_chunk_is_told_with_its_place(repo: Repository, frame: pd.DataFrame) -> None:
    repo.commit({"t": edits()["cells"](frame)}, message="cells")
    repo.clear_cache()
    path, offset, length = derived_chunk(repo)
    data = bytearray(path.read_bytes())
    for place in range(offset, offset + length, max(length // 12, 1)):
        data[place] ^= 0x40
        path.chmod(0o644)
        path.write_bytes(data)
        data[place] ^= 0x40
        with pytest.raises(CorruptData, match="column 'price' of dataset 't'"):
            repo.read("t")
        with pytest.raises(CorruptData):
            repo.fsck()
    path.write_bytes(data)
    assert len(repo.read("t")) == ROWS


def test_a_base_that_is_missing_is_told_with_the_column(repo: Repository, frame: pd.DataFrame) -> None:
    repo.commit({"t": frame.iloc[::-1]}, message="turned")
    repo.clear_cache()
    first = repo._objects.table(entries(repo, "HEAD~1").table).columns[1]
    (column,) = repo._objects.columns([first.column])
    place = repo._catalog.locate([column.chunks[0].id])[column.chunks[0].id]
    pack_of(repo, place.pack).unlink()
    with pytest.raises(ObjectMissing, match="of dataset 't'"):
        repo.read("t")


def test_a_damaged_change_set_is_found_anew_and_reported_by_fsck(repo: Repository, frame: pd.DataFrame) -> None:
    repo.commit({"t": frame[10:]}, message="less")
    oid = change_set_id(entries(repo, "HEAD~1"), entries(repo, "HEAD"))
    place = repo._catalog.locate([oid])[oid]
    path = pack_of(repo, place.pack)
    data = bytearray(path.read_bytes())
    data[place.offset + place.length - 1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    assert repo.diff()["t"].summary.rows_removed == 10
    with pytest.raises(CorruptData):
        repo.fsck()


def test_a_damaged_version_does_not_stop_the_next_commit(repo: Repository, frame: pd.DataFrame) -> None:
    for path in (Path(repo.location) / ".lineageflow" / "objects" / "packs").glob("*.pack"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
    after = edits()["cells"](frame)
    assert repo.commit({"t": after}, message="saved all the same").created


def test_fsck_tells_a_change_set_that_lies(repo: Repository, frame: pd.DataFrame, monkeypatch: Any) -> None:
    from lineageflow_jupyter import changing
    from lineageflow_jupyter.algorithms.alignment import Alignment
    from lineageflow_jupyter.algorithms.changes import ChangeSet

    def lying(*_: Any, **__: Any) -> ChangeSet:
        return ChangeSet(Alignment.identity(ROWS), "content")

    monkeypatch.setattr(changing, "change_set", lying)
    monkeypatch.setattr("lineageflow_jupyter.tables.TableWriter._parts", lambda *_: [])
    repo.commit({"t": edits()["cells"](frame)}, message="cells")
    monkeypatch.undo()
    with pytest.raises(CorruptData, match="'t': a kept change set says other than its versions"):
        repo.fsck()


@pytest.mark.parametrize("order", [["y", "x"], ["x", "y"]])
def test_columns_may_rest_on_bases_of_other_lengths(tmp_path: Path, order: list[str]) -> None:
    """Both columns come from the same rows of their bases, of which one goes on where the other ends."""
    rng = np.random.default_rng(0)
    first = pd.DataFrame({"k": np.arange(ROWS + 5), "y": rng.random(ROWS + 5)})
    less = first.iloc[:ROWS].assign(x=rng.random(ROWS))[["k", *order]]
    more = pd.DataFrame({"k": range(10**7, 10**7 + 8), "x": rng.random(8), "y": rng.random(8)})
    longer = pd.concat([less, more[less.columns]], ignore_index=True)
    last = longer.iloc[: ROWS + 3].copy()
    last.loc[ROWS - 7, ["x", "y"]] = 9.0
    with lf.init(tmp_path) as repo:
        for frame in (first, less, longer, last):
            repo.commit({"t": frame}, message="next", keys={"t": ["k"]})
            repo.clear_cache()
            pd.testing.assert_frame_equal(repo.read("t"), frame)
        assert repo.fsck() > 10


def test_a_damaged_derived_chunk_elsewhere_does_not_stop_the_next_commit(tmp_path: Path) -> None:
    """What the alignment need not read is read to follow a chain: its damage must not cost a good live frame."""
    rows = 300_000
    frame = pd.DataFrame({"k": np.arange(rows), "p": np.random.default_rng(0).random(rows)})
    fixed = frame.copy()
    fixed.loc[[50, rows - 10_000], "p"] = 1.5
    with lf.init(tmp_path) as repo:
        repo.commit({"t": frame}, message="first", keys={"t": ["k"]})
        repo.commit({"t": fixed}, message="fixed")
        path, offset, length = derived_chunk(repo, first=True)
        data = bytearray(path.read_bytes())
        data[offset + length - 3] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
    again = fixed.copy()
    again.loc[rows - 9_999, "p"] = 2.5
    with lf.open(tmp_path) as repo:
        assert repo.commit({"t": again}, message="saved all the same").created


def test_a_row_map_that_is_used_again_is_named_to_the_catalog(
    repo: Repository, frame: pd.DataFrame, monkeypatch: Any
) -> None:
    """Else gc could condemn its pack while a commit is under way that rests on it."""
    ordered = frame.sort_values("price")
    repo.commit({"t": ordered}, message="sorted")
    place = repo._objects.table(entries(repo, "HEAD").table).columns[1]
    (column,) = repo._objects.columns([place.column])
    maps = {decode_derived(parse_value(repo._objects.reader.read(chunk.id))).map for chunk in column.chunks}
    seen = []
    publish = repo._catalog.publish
    monkeypatch.setattr(repo._catalog, "publish", lambda publication: seen.append(publication) or publish(publication))
    fixed = ordered.copy()
    fixed.iloc[:30, 2] = "fixed"
    repo.commit({"t": fixed}, message="fixed")
    assert len(maps) == 1
    assert maps <= seen[-1].reused
