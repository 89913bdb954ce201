"""The versions of one row: which commits inserted, changed, moved and deleted it, and what they changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lineageflow_jupyter import wire
from lineageflow_jupyter.algorithms.alignment import NO_ROW
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.ancestry import Ancestry
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.history import Place
from lineageflow_jupyter.model.pairs import ColumnPair, paired
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.row_choice import chosen_rows, identity_of, rows_with, the_row
from lineageflow_jupyter.version_frames import columns_at, texts_at
from lineageflow_jupyter.versions import StoredVersion, Version, labels_mean

Operation = Literal["insert", "update", "move", "delete"]


@dataclass(frozen=True, slots=True)
class CellChange:
    """What a commit did to one value of a row; values are texts, None for null and where there is none.

    Parameters
    ----------
    column : str
        Name of the column.
    state : str
        ``"changed"``; ``"added"``, ``"dropped"`` or ``"retyped"`` where that happened to the column or the row.
    old, new : str or None
        The value before and after.
    """

    column: str
    state: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class RowVersion:
    """What a commit did to a row.

    Parameters
    ----------
    commit : CommitRecord
        The commit.
    operation : str
        ``"insert"``, ``"update"``, ``"move"`` or ``"delete"``.
    row : int or None
        Number of the row from then on; None where it was deleted.
    cells : tuple of CellChange
        What changed; all values of a row that was inserted or deleted.
    """

    commit: CommitRecord
    operation: Operation
    row: int | None
    cells: tuple[CellChange, ...]


class RowHistory(Sequence[RowVersion]):
    """The versions of a row, newest first.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    row : str
        What identifies the row, in words.
    versions : sequence of RowVersion
        What commits did to it.
    """

    def __init__(self, dataset: str, row: str, versions: Sequence[RowVersion]) -> None:
        self.dataset = dataset
        self.row = row
        self._versions = tuple(versions)

    def __getitem__(self, number: Any) -> Any:
        """Return one of the versions, or some."""
        return self._versions[number]

    def __len__(self) -> int:
        """Return the number of versions."""
        return len(self._versions)

    def __repr__(self) -> str:
        """Dataset, row and number of versions."""
        return f"<history of {self.dataset} {self.row}: {len(self)} version{'s' * (len(self) != 1)}>"

    def to_json(self) -> wire.Document:
        """As a dict for `json.dumps`; see `wire.row_history`."""
        versions = [(each.commit, each.operation, each.row, each.cells) for each in self]
        return wire.row_history(self.dataset, self.row, versions)


def row_history(ancestry: Ancestry, version: Version, tip: CommitRecord, row: Any) -> RowHistory:
    """Find what commits did to a row.

    Parameters
    ----------
    ancestry : Ancestry
        The past of the dataset.
    version : Version
        The version that `tip` holds.
    tip : CommitRecord
        A commit.
    row
        Number of the row in that version; or values that identify it, also if it is not there any more.
    """
    maker = ancestry.maker((tip.id, version.entry.dataset))
    assert maker is not None
    if isinstance(row, Mapping | tuple | str):
        values = identity_of(version, row)
        found = rows_with(version, values)
        at = the_row(version, values) if len(found) else None
        said = ", ".join(f"{name}={value}" for name, value in values.items())
    else:
        numbers = chosen_rows(version, row)
        if numbers is None or len(numbers) != 1:
            raise UsageProblem(
                f"the history of one row was asked for, {row!r} found", remedy="Name one, as in row=3 or row={'id': 17}"
            )
        at = int(numbers[0])
        said, values = f"row {at}", _key_of(version, at)
    versions = list(_Walk(ancestry, values).back_from(maker, at))
    if not versions:
        raise UnknownName(
            f"no version of {version.entry.dataset!r} in the history of {tip.id.hex()[:7]} has a row with {said}",
            remedy="Look the row up with `read`",
        )
    return RowHistory(version.entry.dataset, said, versions)


def _key_of(version: Version, row: int) -> dict[str, Any]:
    """Values of the key of a row; none where the version declares no key that is stored."""
    names = [column.name for column in version.table.columns]
    key = version.entry.key
    if any(names.count(name) != 1 for name in key):
        return {}
    table = columns_at(version, [names.index(name) for name in key], np.array([row]), "arrow")
    return {name: column[0].as_py() for name, column in zip(key, table.columns, strict=True)}


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk from a version of a row to those before it.

    Parameters
    ----------
    ancestry : Ancestry
        The past of the dataset.
    values : mapping of str to object
        What identifies the row at times when it is not there; may be empty.
    """

    ancestry: Ancestry
    values: Mapping[str, Any]

    def back_from(self, node: Place, row: int | None) -> Iterator[RowVersion]:
        """Yield what happened to the row, the newest first."""
        while True:
            if row is not None:
                step = self._before(node, row)
                if step is None:
                    yield self._whole(node, self.ancestry.version(node), row, "insert")
                    row = None
                    if not self.values:
                        return
                else:
                    parent, source, done = step
                    if done is not None:
                        yield done
                    node, row = parent, source
                    continue
            parents = self.ancestry.parents(node)
            if not parents:
                return
            row = self._deleted(node, parents[0])
            if row is not None:
                yield self._whole(node, self.ancestry.version(parents[0]), row, "delete")
            node = parents[0]

    def _before(self, node: Place, row: int) -> tuple[Place, int, RowVersion | None] | None:
        """The parent that a row came from, its row there, and what was done to it; None if it was inserted.

        A merge that took the row as it is in one of its parents did nothing to it.
        """
        first: tuple[Place, int, RowVersion | None] | None = None
        parents = self.ancestry.parents(node)
        for parent in parents:
            changes = self.ancestry.changes(parent, node)
            source = int(changes.alignment.partners(np.array([row]))[0])
            if source == NO_ROW:
                continue
            cells = self._cells(node, parent, changes, row, source)
            moved = len(parents) == 1 and not cells and row in changes.alignment.moved
            if not cells:
                done = RowVersion(self.ancestry.record(node), "move", row, ()) if moved else None
                return parent, source, done
            if first is None:
                first = parent, source, RowVersion(self.ancestry.record(node), "update", row, cells)
        return first

    def _cells(self, node: Place, parent: Place, changes: ChangeSet, row: int, source: int) -> tuple[CellChange, ...]:
        """How the values of a row differ between two versions."""
        before, after = self.ancestry.table(parent), self.ancestry.table(node)
        if before is after:
            return ()
        schema = self.ancestry.schema(parent, node, changes, range(len(after.columns)))
        changed = {place for place, rows in changes.changed.items() if _holds(rows, row)}
        pairs = [
            (pair, "changed" if pair.new in changed else pair.state)
            for pair in paired(before, after, schema)
            if pair.new in changed or pair.state in ("added", "dropped", "retyped")
        ]
        if any(pair.role == "index" for pair, _ in pairs):  # plain labels that come and go, as with a filter
            sides = {True: self.ancestry.version(node), False: self.ancestry.version(parent)}
            pairs = [
                (pair, state)
                for pair, state in pairs
                if pair.role == "data" or state == "changed" or labels_mean(sides[pair.new is not None])
            ]
        if not pairs:
            return ()
        old = _texts(self.ancestry.version(parent), [pair.old for pair, _ in pairs], source)
        new = _texts(self.ancestry.version(node), [pair.new for pair, _ in pairs], row)
        return tuple(CellChange(pair.name, state, old[pair.old], new[pair.new]) for pair, state in pairs)

    def _deleted(self, node: Place, parent: Place) -> int | None:
        """Row of a parent that a commit deleted and that has the values; None where there is none."""
        removed = self.ancestry.changes(parent, node).alignment.removed
        version = self.ancestry.version(parent)
        names = {column.name for column in version.table.columns}
        if not len(removed) or not self.values.keys() <= names:
            return None
        found = rows_with(version, self.values, removed.astype(np.int64))
        return int(found[0]) if len(found) else None

    def _whole(
        self, node: Place, version: StoredVersion, row: int, operation: Literal["insert", "delete"]
    ) -> RowVersion:
        pairs: Sequence[ColumnPair] = paired(None, version.table, None)
        texts = _texts(version, [pair.new for pair in pairs], row)
        if operation == "insert":
            cells = [CellChange(pair.name, "added", None, texts[pair.new]) for pair in pairs]
        else:
            cells = [CellChange(pair.name, "dropped", texts[pair.new], None) for pair in pairs]
        return RowVersion(self.ancestry.record(node), operation, row if operation == "insert" else None, tuple(cells))


def _holds(rows: Any, row: int) -> bool:
    """Whether rising rows contain one."""
    at = int(np.searchsorted(rows, row))
    return at < len(rows) and int(rows[at]) == row


def _texts(version: Version, places: Sequence[int | None], row: int) -> dict[int | None, str | None]:
    """Texts of some columns of a row, by place."""
    held = [place for place in places if place is not None]
    found: dict[int | None, str | None] = {None: None}
    found.update(zip(held, (array[0].as_py() for array in texts_at(version, held, np.array([row]))), strict=True))
    return found
