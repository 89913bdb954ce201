"""Random histories of a dataset, with branches and merges, and what blame must say of them: a walk for each cell.

The oracle knows frames as lists of words (`tests.diff.oracle`) and finds rows by key, or by what the test itself says
about which row is which.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

import pandas as pd

from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Author, Commit, encode_commit
from lineageflow_jupyter.model.records import CommitRecord, Publication, RefChange
from lineageflow_jupyter.repository import Repository
from tests.diff.oracle import Side, columns_of

VALUES: dict[str, list[Any]] = {
    "Int64": [0, 1, 2, None],
    "float64": [0.0, -0.0, 1.5, float("nan")],
    "string": ["a", "b", "", None],
}


@dataclass
class Model:
    """A table as a test keeps it: columns with dtypes, and rows by which they are told."""

    columns: dict[str, str]
    rows: dict[int, dict[str, Any]]

    def copy(self) -> Model:
        return Model(dict(self.columns), {key: dict(row) for key, row in self.rows.items()})

    def frame(self, *, key: bool = True) -> pd.DataFrame:
        """The table, with a column `k` that tells rows or without."""
        columns = {
            name: pd.array([row[name] for row in self.rows.values()], dtype) for name, dtype in self.columns.items()
        }
        labels = {"k": pd.array(list(self.rows), "int64")} if key else {}
        return pd.DataFrame({**labels, **columns})


def model(random: Random, rows: int = 6) -> Model:
    columns = {"a": "Int64", "b": "float64", "c": "string"}
    return Model(columns, {key: row(random, columns) for key in range(rows)})


def row(random: Random, columns: dict[str, str]) -> dict[str, Any]:
    return {name: random.choice(VALUES[dtype]) for name, dtype in columns.items()}


def edited(random: Random, before: Model, others: Sequence[Model] = ()) -> Model:
    """The table after one to three changes of any kind; or, of a merge, cells taken from any of several."""
    after = before.copy()
    for other in others:
        mixed(random, after, other)
    for _ in range(random.randint(0 if others else 1, 3)):
        random.choice(EDITS)(random, after)
    return after


def mixed(random: Random, into: Model, other: Model) -> None:
    """Take rows, columns and cells from another table."""
    for name, dtype in other.columns.items():
        if name not in into.columns and random.random() < 0.5:
            into.columns[name] = dtype
            for key, own in into.rows.items():
                own[name] = other.rows[key][name] if key in other.rows else random.choice(VALUES[dtype])
    for key, theirs in other.rows.items():
        if key not in into.rows and random.random() < 0.7:
            into.rows[key] = row(random, into.columns)
        for name, dtype in into.columns.items():
            if key in into.rows and other.columns.get(name) == dtype and random.random() < 0.5:
                into.rows[key][name] = theirs[name]


def edit(random: Random, table: Model) -> None:
    if table.rows and table.columns:
        name = random.choice(list(table.columns))
        table.rows[random.choice(list(table.rows))][name] = random.choice(VALUES[table.columns[name]])


def insert(random: Random, table: Model) -> None:
    key = random.randrange(9)  # also one that was there before
    if key not in table.rows:
        placed = list(table.rows.items())
        placed.insert(random.randint(0, len(placed)), (key, row(random, table.columns)))
        table.rows = dict(placed)


def delete(random: Random, table: Model) -> None:
    if table.rows:
        del table.rows[random.choice(list(table.rows))]


def shuffle(random: Random, table: Model) -> None:
    keys = list(table.rows)
    random.shuffle(keys)
    table.rows = {key: table.rows[key] for key in keys}


def sort(random: Random, table: Model) -> None:
    table.rows = dict(sorted(table.rows.items()))


def drop(random: Random, table: Model) -> None:
    if len(table.columns) > 1:
        name = random.choice(list(table.columns))
        del table.columns[name]
        for own in table.rows.values():
            del own[name]


def add(random: Random, table: Model) -> None:
    name, dtype = random.choice("abcdef"), random.choice(list(VALUES))
    if name not in table.columns:  # also one that was there before
        table.columns[name] = dtype
        for own in table.rows.values():
            own[name] = random.choice(VALUES[dtype])


def rename(random: Random, table: Model) -> None:
    new = random.choice("abcdef")
    if table.columns and new not in table.columns:
        old = random.choice(list(table.columns))
        table.columns = {new if name == old else name: dtype for name, dtype in table.columns.items()}
        for own in table.rows.values():
            own[new] = own.pop(old)


def retype(random: Random, table: Model) -> None:
    if table.columns:
        name, dtype = random.choice(list(table.columns)), random.choice(list(VALUES))
        if table.columns[name] != dtype:
            table.columns[name] = dtype
            for own in table.rows.values():
                own[name] = random.choice(VALUES[dtype])


EDITS = (edit, edit, edit, edit, insert, insert, delete, shuffle, sort, drop, add, rename, retype)


# --- commits and merges ----------------------------------------------------------------------------------------------


@dataclass
class Version:
    """A commit: its parents, and the table that it holds, if any."""

    parents: list[Version]
    table: Model | None
    side: Side | None
    keys: list[Hashable]
    id: ObjectId


class Past:
    """A history that is committed while it is made."""

    def __init__(self, repo: Repository, *, keyed: bool = True) -> None:
        self.repo, self.keyed = repo, keyed
        self.versions: list[Version] = []

    def commit(self, table: Model | None, parents: Sequence[Version]) -> Version:
        """Publish a commit with any parents; its tree is made of a commit that nobody keeps."""
        repo, first = self.repo, parents[0] if parents else None
        frame = None if table is None else table.frame(key=self.keyed)
        tree = self._tree(frame, first)
        commit = Commit(
            tree, tuple(parent.id for parent in parents), Author("Ada", ""), time.time_ns() // 1000, 0, uuid4().hex
        )
        records = [repo.resolve(parent.id.hex()) for parent in parents]
        same = bool(records) and repo._history.tree(records[0].id).get("t") == repo._objects.tree(tree).get("t")
        changed = () if same or (not records and table is None) else ("t",)
        generation = 1 + max((record.generation for record in records), default=0)
        record = CommitRecord(encode_commit(commit)[0], commit, generation, changed)
        publish(repo, f"b{len(self.versions)}", record)
        side = None if frame is None else Side.of(frame)
        keys: list[Hashable] = [] if table is None else list(table.rows)
        made = Version(list(parents), table, side, keys, record.id)
        self.versions.append(made)
        return made

    def _tree(self, frame: Any, first: Version | None) -> ObjectId:
        """Id of a tree; the frame is stored as the next version of the first parent's, as a commit would."""
        repo, branch = self.repo, "work"
        if repo._history.ref(branch) is not None:
            repo.switch("main")
            repo.delete_branch(branch, force=True)
        if first is None:
            repo.switch(branch, create=True, at="empty")
        else:
            repo.switch(branch, create=True, at=first.id.hex())
        if "t" in repo.dataset_names():
            repo.read("t")  # to have seen it
            if frame is None:
                repo.remove(["t"])
        if frame is not None:
            repo.add(["t"])
            repo.commit({"t": frame}, message="made", keys={"t": ["k"] if self.keyed else []})
        return repo.resolve("HEAD").commit.tree


def publish(repo: Repository, branch: str, record: CommitRecord) -> None:
    change = RefChange(branch, "branch", None, record.id)
    repo._catalog.publish(Publication(uuid4().hex, "import", "", record.commit.time, (change,), commits=(record,)))


# --- the oracle ------------------------------------------------------------------------------------------------------


def origin(version: Version, key: Hashable, place: int) -> Version:
    """The commit that gave a value, found by going back as long as a parent holds the row with that value."""
    assert version.side is not None
    own = version.side.columns[place].words[version.keys.index(key)]
    for parent in version.parents:
        if parent.side is None or key not in parent.keys:
            continue
        pairs = {b: a for a, b in columns_of(parent.side, version.side).common}
        if place in pairs and parent.side.columns[pairs[place]].words[parent.keys.index(key)] == own:
            return origin(parent, key, pairs[place])
    return version


def origins(version: Version) -> dict[str, list[ObjectId]]:
    """By column the ids of the commits of all values."""
    assert version.side is not None
    return {
        column.name: [origin(version, key, place).id for key in version.keys]
        for place, column in enumerate(version.side.columns)
    }
