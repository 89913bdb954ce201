"""The past of a dataset: the commits that changed it, and how each version came from those of its parents.

Commits that left the dataset as it was in their first parent are passed over: the catalog knows them. Commits, trees
and kept change sets are read many at a time, twice as many the further a walk gets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.blame import Descent
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.changing import Changes, Read, change_set_id
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Table, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.schema import SchemaChange, paired_columns
from lineageflow_jupyter.tables import Objects
from lineageflow_jupyter.versions import StoredVersion, is_constant

FIRST_READ = 32
"""Commits that are read at first; each next time twice as many."""
MOST_READ = 1024
FIRST_CHANGES = 4
"""Change sets that are read at first; each next time twice as many."""
MOST_CHANGES = 256
CHANGES_BYTES = 16 * 2**20
"""So much is read of them at a time."""


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
        self._read: Read = {}
        self._read_next = FIRST_CHANGES

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

    def version(self, maker: ObjectId) -> StoredVersion:
        """Return the version that a commit made, for reading its values."""
        return self._changes.stored(self.entry(maker))

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
        changes = self.changes(parent, node, places)
        if self.entry(parent).table == self.entry(node).table:
            return Descent(changes.alignment, {place: place for place in places}, {})
        return Descent(changes.alignment, self._pairs(parent, node, changes, places), changes.changed)

    def changes(self, parent: ObjectId, node: ObjectId, places: Collection[int] | None = None) -> ChangeSet:
        """How the version of `parent` became that of `node`; `places`: of which columns changed rows are needed."""
        old, new = self.entry(parent), self.entry(node)
        if old.table == new.table:
            return ChangeSet(Alignment.identity(self.table(node).rows), "content")
        if change_set_id(old, new) not in self._read:
            pairs = self._pairs_from(parent, node, self._read_next)
            self._read = self._changes.read_together(pairs, CHANGES_BYTES)
            self._read_next = min(2 * self._read_next, MOST_CHANGES)
        kept = self._changes.kept(old, new, places, self._read)
        return self._changes.between(self.version(parent), self.version(node)) if kept is None else kept

    def schema(self, parent: ObjectId, node: ObjectId, changes: ChangeSet, places: Collection[int]) -> SchemaChange:
        """How the columns of two versions belong together: exact for those at some places, of which types are read."""
        same_type = self._same_types(parent, node, changes)
        return paired_columns(
            self.table(parent),
            self.table(node),
            lambda a, b: b not in places or same_type(a, b),
            lambda place: place not in places or is_constant(self.version(node), place),
        )

    def _pairs(self, parent: ObjectId, node: ObjectId, changes: ChangeSet, places: Collection[int]) -> dict[int, int]:
        before, after = self.table(parent).columns, self.table(node).columns
        if [(each.role, each.name) for each in before] != [(each.role, each.name) for each in after]:
            return {place: origin for origin, place in self.schema(parent, node, changes, places).common}
        same_type = self._same_types(parent, node, changes)
        return {place: place for place in places if same_type(place, place)}

    def _same_types(self, parent: ObjectId, node: ObjectId, changes: ChangeSet) -> Callable[[int, int], bool]:
        """Whether columns at places in both versions have one type, told from chunk lists where nothing else tells."""
        before, after = self.table(parent).columns, self.table(node).columns

        def same_type(origin: int, place: int) -> bool:
            ids = [before[origin].column, after[place].column]
            if place in changes.changed or ids[0] == ids[1]:
                return True
            old, new = self._objects.columns(ids)
            return old.type == new.type

        return same_type

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

    def _pairs_from(self, parent: ObjectId, node: ObjectId, count: int) -> list[tuple[TreeEntry, TreeEntry]]:
        """Pairs of neighbours from some on, along first parents, that differ; as far as commits were read."""
        pairs = [(self.entry(parent), self.entry(node))]
        while len(pairs) < count and parent in self._records:
            node, before = parent, self._records[parent].commit.parents
            found = self.maker(before[0]) if before and before[0] in self._records else None
            if found is None:
                break
            parent = found
            if self.entry(parent).table != self.entry(node).table:
                pairs.append((self.entry(parent), self.entry(node)))
        return pairs
