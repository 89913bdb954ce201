"""Blame of random histories against a walk for each cell."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter.blaming import Blame
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.repository import Repository
from tests.blame.histories import Model, Past, Version, add, edited, model, origins, rename, row
from tests.diff.oracle import Side

slow = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
few = settings(slow, max_examples=10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blame")


def fresh(folder: Path, number: list[int]) -> Repository:
    number.append(0)
    repo = lf.init(f"{folder}/{len(number)}")
    repo.commit({"other": pd.DataFrame({"x": [1]})}, message="first")
    repo.branch("empty")
    return repo


made: list[int] = []


def told(found: Blame) -> dict[str, list[ObjectId]]:
    ids = [record.id for record in found.commits]
    return {name: [ids[code] for code in codes] for name, codes in found.codes.items()}


def check(repo: Repository, version: Version, random: Random) -> None:
    place = f"{version.id.hex()}:t"
    expected = origins(version)
    whole = repo.blame(place)
    assert told(whole) == expected
    assert sum(whole.counts) == sum(map(len, expected.values()))
    assert all(whole.counts)
    if version.keys:
        rows = random.choices(range(len(version.keys)), k=random.randint(1, 3))
        columns = random.sample(list(expected), random.randint(1, len(expected)))
        part = repo.blame(place, columns=columns, rows=rows)
        assert told(part) == {name: [expected[name][at] for at in rows] for name in columns}


def grown(past: Past, random: Random, commits: int) -> None:
    """A history: mostly a line, with branches, merges of two or three, and commits without the dataset."""
    past.commit(model(random, random.randint(0, 6)), [])
    for _ in range(commits):
        parents = random.sample(past.versions[-4:], min(len(past.versions), random.choice([1, 1, 1, 2, 2, 3])))
        tables = [parent.table for parent in parents if parent.table is not None]
        if random.random() < 0.05 or not tables:
            table: Model | None = None if tables else model(random)
        elif random.random() < 0.15:
            table = random.choice(tables).copy()  # as it is in one of the parents
        else:
            table = edited(random, tables[0], tables[1:])
        past.commit(table, parents)


@slow
@given(random=st.randoms(use_true_random=False))
def test_with_a_key(folder: Path, random: Random) -> None:
    with fresh(folder, made) as repo:
        past = Past(repo)
        grown(past, random, 12)
        for version in past.versions[-3:]:
            if version.table is not None:
                check(repo, version, random)


@few
@given(seed=st.integers(0, 2**32 - 1))
def test_columns_under_other_names(folder: Path, seed: int) -> None:
    """Of few rows and values, so that many columns are constant, and many are equal."""
    random = Random(seed)
    with fresh(folder, made) as repo:
        past = Past(repo)
        table = model(random, 2)
        for change in (add, add, rename):
            past.commit(table, past.versions[-1:])
            table = table.copy()
            change(random, table)
            rename(random, table)
        past.commit(table, past.versions[-1:])
        check(repo, past.versions[-1], random)


@few
@given(seed=st.integers(0, 2**32 - 1), keyed=st.booleans())
def test_the_diff_of_a_blamed_commit_contains_the_value(folder: Path, seed: int, keyed: bool) -> None:
    """Against each of its parents, as a row, a cell or a column that is new; with a key, in the row of that key."""
    random = Random(seed)  # drawn one by one, choices would mostly be the first ones
    with fresh(folder, made) as repo:
        past = Past(repo, keyed=keyed)
        grown(past, random, 6)
        news: dict[ObjectId, list[set[Hashable]]] = {}
        for version in past.versions[-2:]:
            if version.table is None:
                continue
            assert version.side is not None
            blamed = told(repo.blame(f"{version.id.hex()}:t"))
            for column in version.side.columns:
                for row, (word, oid) in enumerate(zip(column.words, blamed[column.name], strict=True)):
                    if oid not in news:
                        parents = repo.resolve(oid.hex()).commit.parents
                        news[oid] = [new_values(repo, parent, oid, keyed=keyed) for parent in parents]
                    value = (version.keys[row], word) if keyed else word
                    assert all(value in held for held in news[oid])


def new_values(repo: Repository, parent: ObjectId, oid: ObjectId, *, keyed: bool) -> set[Hashable]:
    """Values that a commit's own diff tells as new, each with the key of its row if there is one."""
    diff = repo.diff(parent.hex(), oid.hex()).get("t")
    if diff is None:
        return set()
    frames = [(diff.added, list(diff.added.columns)), *((changed, ["new"]) for changed in diff.changed.values())]
    own = [each.name for each in (*diff.schema.added, *diff.schema.retyped)]
    if own:
        frames.append((repo.read(f"{oid.hex()}:t"), own))
    found: set[Hashable] = set()
    for frame, names in frames:
        side = Side.of(frame)
        keys = side.named("k")[0].words if keyed else []
        for column in side.named(*names):
            found.update(zip(keys, column.words, strict=True) if keyed else column.words)
    return found


@slow
@given(random=st.randoms(use_true_random=False))
def test_without_a_key_of_edits_that_are_known(folder: Path, random: Random) -> None:
    """Each row has texts of its own, so that there is one way only to say which row is which."""
    with fresh(folder, made) as repo:
        past = Past(repo, keyed=False)
        columns = {"a": "Int64", "u": "string", "v": "string", "w": "string"}
        count = [0]

        def own() -> dict[str, object]:
            count[0] += 1
            return {**row(random, {"a": "Int64"}), **{name: f"{name}{count[0]}" for name in "uvw"}}

        table = Model(columns, {})
        for _ in range(5):
            table.rows[count[0]] = own()
        past.commit(table, [])
        for _ in range(8):
            table = table.copy()
            step = random.choice(["edit", "edit", "insert", "delete", "sort"])
            key = random.choice(list(table.rows)) if table.rows else None
            if step == "insert" or key is None:
                table.rows[count[0]] = own()
            elif step == "edit":
                count[0] += 1
                name = random.choice("uvw")
                table.rows[key][name] = f"{name}{count[0]}"
            elif step == "delete":
                del table.rows[key]
            else:
                table.rows = dict(sorted(table.rows.items(), key=lambda item: str(item[1]["u"])))
            past.commit(table, past.versions[-1:])
        check(repo, past.versions[-1], random)


def test_histories_of_merges_take_time_by_their_length(folder: Path) -> None:
    """Each of many merges leads to the one before it by two ways."""
    random = Random(1)
    with fresh(folder, made) as repo:
        past = Past(repo)
        base = past.commit(model(random), [])
        for _ in range(25):
            sides = [past.commit(edited(random, base.table or model(random)), [base]) for _ in range(2)]
            tables = [side.table for side in sides if side.table is not None]
            base = past.commit(edited(random, tables[0], tables[1:]), sides)
        check(repo, base, random)
