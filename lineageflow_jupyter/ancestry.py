"""The past of a dataset: the commits that changed it, and how each version came from those of its parents.

Commits that left the dataset as it was in their first parent are passed over: the catalog knows them. A dataset that
got another name is followed to its old one. Commits, trees and kept change sets are read many at a time, twice as many
the further a walk gets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.blame import Descent
from lineageflow_jupyter.algorithms.causes import CauseMap, only_step
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.causing import causes_of
from lineageflow_jupyter.changing import Changes, Read, change_set_id
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.history import History, Place
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Step, Table, TreeEntry
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
    """Versions of datasets, told by the commits that made them and by name; see `algorithms.blame.Ancestry`.

    Parameters
    ----------
    history : History
        Commits and trees.
    changes : Changes
        Change sets.
    objects : Objects
        Tables and chunk lists.
    """

    def __init__(self, history: History, changes: Changes, objects: Objects) -> None:
        self._history = history
        self._changes = changes
        self._objects = objects
        self._records: dict[ObjectId, CommitRecord] = {}
        self._entries: dict[Place, TreeEntry | None] = {}
        self._makers: dict[Place, Place | None] = {}
        self._names: set[str] = set()
        self._together = FIRST_READ
        self._read: Read = {}
        self._read_next = FIRST_CHANGES

    def record(self, node: Place) -> CommitRecord:
        """Return the commit of a version, and read those before it along."""
        return self._record(node[0])

    def maker(self, place: Place) -> Place | None:
        """Commit that made the version of a dataset which a commit holds; None where it holds none."""
        at, dataset = place
        if dataset not in self._names:
            self._names.add(dataset)
            self._read_entries(self._records.values(), dataset)
        passed = []
        found: Place | None = None
        while True:
            if (at, dataset) in self._makers:
                found = self._makers[at, dataset]
                break
            record = self._record(at)
            passed.append((at, dataset))
            if dataset in record.datasets:
                found = (at, dataset) if self._entry((at, dataset)) is not None else None
                break
            if not record.commit.parents:
                break
            at = record.commit.parents[0]
        self._makers.update(dict.fromkeys(passed, found))
        return found

    def entry(self, maker: Place) -> TreeEntry:
        """Return the version that a commit made."""
        entry = self._entry(maker)
        assert entry is not None
        return entry

    def table(self, maker: Place) -> Table:
        """Return the table of the version that a commit made."""
        return self._objects.table(self.entry(maker).table)

    def version(self, maker: Place) -> StoredVersion:
        """Return the version that a commit made, for reading its values."""
        return self._changes.stored(self.entry(maker))

    # --- what a walk asks --------------------------------------------------------------------------------------------

    def generation(self, node: Place) -> int:
        """Generation of a commit."""
        return self.record(node).generation

    def parents(self, node: Place) -> Sequence[Place]:
        """Versions that a commit's parents hold, by the commits that made them; parents without one are left out."""
        makers = dict.fromkeys(self._held(node, parent) for parent in self.record(node).commit.parents)
        return [maker for maker in makers if maker is not None]

    def _held(self, node: Place, parent: ObjectId) -> Place | None:
        """The version that a commit's parent holds, under its own name or under the one that it had there."""
        held = self.maker((parent, node[1]))
        if held is not None:
            return held
        old = self._old_name(node, parent)
        return None if old is None else self.maker((parent, old))

    def _old_name(self, node: Place, parent: ObjectId) -> str | None:
        """Name that a dataset had in a parent without it: one alone came and one alone went with this very table."""
        table = self.table(node)
        if not table.rows or not table.columns:  # equal by accident
            return None
        trees = [self._history.tree(commit) for commit in (parent, node[0])]
        held = [{each.dataset for each in tree.entries if each.table == self.entry(node).table} for tree in trees]
        gone = [name for name in held[0] if trees[1].get(name) is None]
        come = [name for name in held[1] if trees[0].get(name) is None]
        return gone[0] if len(gone) == len(come) == 1 else None

    def descent(self, node: Place, parent: Place, places: Collection[int]) -> Descent:
        """What a version has from another one, of the columns at some places."""
        changes = self.changes(parent, node, places)
        if self.entry(parent).table == self.entry(node).table:
            return Descent(changes.alignment, {place: place for place in places}, {})
        return Descent(changes.alignment, self._pairs(parent, node, changes, places), changes.changed)

    def causes(self, node: Place) -> CauseMap | None:
        """Which steps of a commit gave the values that are new in its version; None where that is not known."""
        commit, steps = self.record(node).commit, self.steps(node)
        map_ = dict(commit.causes).get(node[1])
        if map_ is None:
            return only_step() if len(steps) == 1 else None
        try:
            return causes_of(map_, self._objects.data(map_))
        except (CorruptData, ObjectMissing):  # values are then from the commit, and no step is told
            return None

    def steps(self, node: Place) -> Sequence[Step]:
        """Steps of a dataset between a commit and its first parent, oldest first."""
        return [step for step in self.record(node).commit.steps if step.dataset == node[1]]

    def changes(self, parent: Place, node: Place, places: Collection[int] | None = None) -> ChangeSet:
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

    def schema(self, parent: Place, node: Place, changes: ChangeSet, places: Collection[int]) -> SchemaChange:
        """How the columns of two versions belong together: exact for those at some places, of which types are read."""
        same_type = self._same_types(parent, node, changes)
        return paired_columns(
            self.table(parent),
            self.table(node),
            lambda a, b: b not in places or same_type(a, b),
            lambda place: place not in places or is_constant(self.version(node), place),
        )

    def _pairs(self, parent: Place, node: Place, changes: ChangeSet, places: Collection[int]) -> dict[int, int]:
        before, after = self.table(parent).columns, self.table(node).columns
        if [(each.role, each.name) for each in before] != [(each.role, each.name) for each in after]:
            return {place: origin for origin, place in self.schema(parent, node, changes, places).common}
        same_type = self._same_types(parent, node, changes)
        return {place: place for place in places if same_type(place, place)}

    def _same_types(self, parent: Place, node: Place, changes: ChangeSet) -> Callable[[int, int], bool]:
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

    def _record(self, oid: ObjectId) -> CommitRecord:
        if oid not in self._records:
            records = self._history.latest(oid, self._together)
            self._together = min(2 * self._together, MOST_READ)
            self._records.update((record.id, record) for record in records)
            for dataset in self._names:
                self._read_entries(records, dataset)
        return self._records[oid]

    def _entry(self, place: Place) -> TreeEntry | None:
        if place not in self._entries:
            self._entries.update(self._history.versions([place]))
        return self._entries[place]

    def _read_entries(self, records: Iterable[CommitRecord], dataset: str) -> None:
        """Read the versions that some commits made, and their tables."""
        found = self._history.versions([(record.id, dataset) for record in records if dataset in record.datasets])
        self._entries.update(found)
        self._objects.prefetch(entry.table for entry in found.values() if entry is not None)

    def _pairs_from(self, parent: Place, node: Place, count: int) -> list[tuple[TreeEntry, TreeEntry]]:
        """Pairs of neighbours from some on, along first parents, that differ; as far as commits were read."""
        pairs = [(self.entry(parent), self.entry(node))]
        while len(pairs) < count and parent[0] in self._records:
            node, before = parent, self._records[parent[0]].commit.parents
            found = self._held(node, before[0]) if before and before[0] in self._records else None
            if found is None:
                break
            parent = found
            if self.entry(parent).table != self.entry(node).table:
                pairs.append((self.entry(parent), self.entry(node)))
        return pairs
