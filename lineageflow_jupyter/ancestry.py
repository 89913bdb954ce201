"""The past of a dataset: the commits that changed it, and how each version came from those of its parents.

Commits that left the dataset as it was in their first parent are passed over: the catalog knows them. Commits, trees
and kept change sets are read many at a time, twice as many the further a walk gets.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.blame import Descent
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Table, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.schema import SchemaChange, paired_columns
from lineageflow_jupyter.tables import Objects

FIRST_READ = 32
"""Commits that are read at first; each next time twice as many."""
MOST_READ = 1024


class Ancestry:
    """Versions of one dataset, told by the commits that made them; see `algorithms.blame.Ancestry`.

    Parameters
    ----------
    history : History
        Commits and trees.
    changes : Changes
        Change sets.
    objects : Objects
        Tables and chunk lists.
    dataset : str
        Name of the dataset.
    """

    def __init__(self, history: History, changes: Changes, objects: Objects, dataset: str) -> None:
        self._history = history
        self._changes = changes
        self._objects = objects
        self._dataset = dataset
        self._records: dict[ObjectId, CommitRecord] = {}
        self._entries: dict[ObjectId, TreeEntry | None] = {}
        self._makers: dict[ObjectId, ObjectId | None] = {}
        self._together = FIRST_READ

    def record(self, oid: ObjectId) -> CommitRecord:
        """Return a commit, and read those before it along."""
        if oid not in self._records:
            self._read_from(oid)
        return self._records[oid]

    def maker(self, oid: ObjectId) -> ObjectId | None:
        """Commit that made the version which a commit holds; None where it holds none."""
        passed = []
        at: ObjectId | None = oid
        while at is not None and at not in self._makers:
            record = self.record(at)
            passed.append(at)
            if self._dataset in record.datasets:
                self._makers[at] = at if self._entry(at) is not None else None
                break
            at = record.commit.parents[0] if record.commit.parents else None
        found = None if at is None else self._makers[at]
        self._makers.update(dict.fromkeys(passed, found))
        return found

    def entry(self, maker: ObjectId) -> TreeEntry:
        """Return the version that a commit made."""
        entry = self._entry(maker)
        assert entry is not None
        return entry

    def table(self, maker: ObjectId) -> Table:
        """Return the table of the version that a commit made."""
        return self._objects.table(self.entry(maker).table)

    # --- what a walk asks --------------------------------------------------------------------------------------------

    def generation(self, node: ObjectId) -> int:
        """Generation of a commit."""
        return self.record(node).generation

    def parents(self, node: ObjectId) -> Sequence[ObjectId]:
        """Commits that made the versions which a commit's parents hold; parents without one are left out."""
        makers = dict.fromkeys(self.maker(parent) for parent in self.record(node).commit.parents)
        return [maker for maker in makers if maker is not None]

    def descent(self, node: ObjectId, parent: ObjectId, places: Collection[int]) -> Descent:
        """What a version has from another one, of the columns at some places."""
        old, new = self.entry(parent), self.entry(node)
        if old.table == new.table:
            table = self._objects.table(new.table)
            return Descent(Alignment.identity(table.rows), {place: place for place in places}, {})
        changes = self.change_set(parent, node)
        common = self.schema(parent, node, changes, places).common
        return Descent(changes.alignment, {place: origin for origin, place in common}, changes.changed)

    def change_set(self, parent: ObjectId, node: ObjectId) -> ChangeSet:
        """How the version of `parent` became that of `node`."""
        old, new = self.entry(parent), self.entry(node)
        kept = self._changes.kept(old, new)
        return self._changes.between(*map(self._changes.stored, (old, new))) if kept is None else kept

    def schema(self, parent: ObjectId, node: ObjectId, changes: ChangeSet, places: Collection[int]) -> SchemaChange:
        """How the columns of two versions belong together: exact for those at some places, of which types are read."""
        before, after = self.table(parent), self.table(node)

        def same_type(origin: int, place: int) -> bool:
            ids = [before.columns[origin].column, after.columns[place].column]
            if place not in places or place in changes.changed or ids[0] == ids[1]:
                return True
            old, new = self._objects.columns(ids)
            return old.type == new.type

        return paired_columns(before, after, same_type)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _entry(self, oid: ObjectId) -> TreeEntry | None:
        if oid not in self._entries:
            self._entries.update(
                {at: entry for (at, _), entry in self._history.versions([(oid, self._dataset)]).items()}
            )
        return self._entries[oid]

    def _read_from(self, oid: ObjectId) -> None:
        records = self._history.latest(oid, self._together)
        self._together = min(2 * self._together, MOST_READ)
        self._records.update((record.id, record) for record in records)
        changed = [(record.id, self._dataset) for record in records if self._dataset in record.datasets]
        self._entries.update({at: entry for (at, _), entry in self._history.versions(changed).items()})
        self._objects.prefetch(entry.table for entry in self._entries.values() if entry is not None)
