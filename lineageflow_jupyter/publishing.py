"""The commit protocol: immutable objects first, then one catalog transaction, then the journal, then the report.

Losing a race leaves garbage for gc, never damage. Nothing is reported before it is durable.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.causing import Tell, Told, sealed_causes
from lineageflow_jupyter.changing import Changes, sealed_changes
from lineageflow_jupyter.errors import NameTaken, RefMoved, StorageDenied, StorageError
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.history import History, stash_prefix
from lineageflow_jupyter.model.changes import shape_of
from lineageflow_jupyter.model.ids import Kind, ObjectId, short
from lineageflow_jupyter.model.lists import Sealed, encode_tree
from lineageflow_jupyter.model.objects import Author, Commit, Tree, TreeEntry, encode_commit
from lineageflow_jupyter.model.records import CommitRecord, Pack, Publication, RefChange
from lineageflow_jupyter.model.reports import CommitReport, TableShape
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.packs import PackWriter
from lineageflow_jupyter.tables import Objects, TableWriter
from lineageflow_jupyter.workspace import Workspace

ROUNDS = 100
"""How often a commit is offered again when others move the branch; each round means that somebody else succeeded."""

RUNS_TOGETHER = 500
"""Cell runs in one journal object at most."""

Origins = Mapping[str, tuple[ObjectId | None, ObjectId | None]]
"""By dataset: the commits that hold the caller's frame as it was before an operation, and as it is after it."""


@dataclass(frozen=True, slots=True)
class Written:
    """Objects that are durable and take effect with the next publication.

    Parameters
    ----------
    packs : tuple of Pack
        New packs.
    reused : frozenset of ObjectId
        Objects of other packs that the records need. What the parent's history holds is not among them: its ref, or the
        reflog if it moved since, keeps that from gc.
    records : tuple of CommitRecord
        New commits.
    """

    packs: tuple[Pack, ...] = ()
    reused: frozenset[ObjectId] = frozenset()
    records: tuple[CommitRecord, ...] = ()


NOTHING = Written()
_NOTHING_TOLD: Mapping[str, Told] = MappingProxyType({})


class Publisher:
    """Makes commits and moves refs.

    Parameters
    ----------
    catalog : Catalog
        Where they are recorded.
    store : ObjectStore
        Where bytes go.
    objects : Objects
        Manifests of earlier versions.
    history : History
        Tips and trees.
    workspace : Workspace
        Whose HEAD follows.
    pool : Executor
        Threads that share the work.
    changes : Changes
        Finds how new versions differ from those before them.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        objects: Objects,
        history: History,
        workspace: Workspace,
        pool: Executor,
        changes: Changes,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._objects = objects
        self._history = history
        self._workspace = workspace
        self._pool = pool
        self._changes = changes

    def commit(
        self,
        branch: str,
        contents: Mapping[str, FrameContent],
        keys: Mapping[str, tuple[str, ...]],
        message: str,
        author: Author,
        tell: Tell = lambda before, after: Told(),
    ) -> CommitReport:
        """Record contents as new versions of datasets on a branch.

        Parameters
        ----------
        branch : str
            The branch.
        contents, keys : mapping
            New versions, by dataset, and their keys.
        message, author
            Of the commit.
        tell : callable
            Tells how each version came about.

        Raises
        ------
        RefMoved
            If the branch holds a version of one of the datasets that the workspace has not seen.
        """
        tree = self._history.tree(self._history.tip(branch))
        with PackWriter(self._store) as packs:
            writer = self._table_writer(packs)
            entries, shapes = self._written(writer, packs, contents, tree, keys)
            told = {entry.dataset: tell(tree.get(entry.dataset), entry) for entry in entries}

            def edit(current: Tree) -> Tree:
                self._check_seen(branch, current, entries)
                return current.with_entries(entries)

            return self._commit("commit", branch, edit, message, author, shapes, packs, writer, told)

    def edit(self, verb: str, branch: str, edit: Callable[[Tree], Tree], message: str, author: Author) -> CommitReport:
        """Commit a change of the branch's tree that needs no new tables.

        Parameters
        ----------
        verb : str
            For the operation log.
        branch : str
            The branch.
        edit : callable
            From the branch's tree to the one wanted; called again where somebody else was faster. What it raises ends
            the commit.
        message, author
            Of the commit.
        """
        with PackWriter(self._store) as packs:
            writer = TableWriter(self._objects, self._pool, self._catalog.known, packs)
            return self._commit(verb, branch, edit, message, author, {}, packs, writer)

    def _commit(
        self,
        verb: str,
        branch: str,
        edit: Callable[[Tree], Tree],
        message: str,
        author: Author,
        shapes: Mapping[str, TableShape],
        packs: PackWriter,
        writer: TableWriter,
        told: Mapping[str, Told] = _NOTHING_TOLD,
    ) -> CommitReport:
        done: tuple[Pack, ...] = ()
        new_bytes = 0
        for _ in range(ROUNDS):
            tip = self._history.tip(branch)
            if tip is None:
                self._history.require_present(branch)
            tree = self._history.tree(tip)
            wanted = edit(tree)
            if wanted == tree and tip is not None:
                self._workspace.saw(dict.fromkeys(shapes, tip))
                return CommitReport(self._history.record(tip), False, branch, 0, shapes)
            with PackWriter(self._store) if done else packs as last:  # after a lost race: only tree and commit
                changed = {name: each for name, each in told.items() if tree.get(name) != wanted.get(name)}
                record = self._sealed(last, () if tip is None else (tip,), tree, wanted, message, author, changed)
                done += last.close()
                new_bytes += last.new_bytes
            gone = [entry.dataset for entry in tree.entries if wanted.get(entry.dataset) is None]
            try:
                self.publish(
                    verb,
                    [RefChange(branch, "branch", tip, record.id)],
                    Written(done, writer.reused, (record,)),
                    bases=dict.fromkeys((*shapes, *(set(record.datasets) - set(gone))), record.id),
                    forgotten=gone,
                    detail={"message": record.commit.summary},
                )
            except (RefMoved, NameTaken):  # somebody committed meanwhile: look again at what they did
                continue
            return CommitReport(record, True, branch, new_bytes, shapes)
        raise RefMoved(
            f"branch {branch!r} moved {ROUNDS} times while this commit was offered", remedy="Commit again in a moment"
        )

    def stashed(self, contents: Mapping[str, FrameContent], message: str, author: Author) -> tuple[RefChange, Written]:
        """Write contents as a commit on top of the branch's tip; the hidden ref that is to hold it."""
        head = self._workspace.head
        tip = self._history.tip(head.branch)
        tree = self._history.tree(tip)
        keys = {entry.dataset: entry.key for entry in tree.entries}
        with PackWriter(self._store) as packs:
            writer = self._table_writer(packs)
            entries, _ = self._written(writer, packs, contents, tree, keys)
            parents = () if tip is None else (tip,)
            record = self._sealed(packs, parents, tree, tree.with_entries(entries), message, author)
            change = RefChange(f"{stash_prefix(head)}{short(record.id, 12)}", "hidden", None, record.id)
            return change, Written(packs.close(), writer.reused, (record,))

    def combined(
        self,
        parents: tuple[ObjectId, ...],
        contents: Mapping[str, FrameContent],
        keys: Mapping[str, tuple[str, ...]],
        taken: Tree,
        message: str,
        author: Author,
        changes: Mapping[str, ChangeSet | None] | None = None,
    ) -> tuple[CommitRecord, Written]:
        """Write a commit that puts contents beside versions that are stored already; it is to be published.

        Parameters
        ----------
        parents : tuple of ObjectId
            Its parents; new chunks may be told by rows of the first one's.
        contents, keys : mapping
            New versions, by dataset, and their keys.
        taken : Tree
            All other datasets of the commit.
        message, author
            Of the commit.
        changes : mapping of str to ChangeSet or None, optional
            How contents differ from the first parent's versions, where that is known.
        """
        before = self._history.tree(parents[0] if parents else None)
        with PackWriter(self._store) as packs:
            writer = self._table_writer(packs)
            entries, _ = self._written(writer, packs, contents, before, keys, changes)
            record = self._sealed(packs, parents, before, taken.with_entries(entries), message, author)
            held = {oid for entry in taken.entries for oid in (entry.table, entry.frame)}
            return record, Written(packs.close(), writer.reused | held, (record,))

    def publish(
        self,
        verb: str,
        refs: Sequence[RefChange] = (),
        written: Written = NOTHING,
        *,
        branch: str | None = None,
        bases: Mapping[str, ObjectId] | None = None,
        forgotten: Collection[str] = (),
        renamed: tuple[str, str] | None = None,
        frames: Origins | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """One transaction, then the journal.

        Parameters
        ----------
        verb : str
            For the operation log.
        refs : sequence of RefChange
            The refs that move.
        written : Written
            New objects.
        branch : str, optional
            The branch that HEAD goes to.
        bases : mapping of str to ObjectId, optional
            Datasets that the workspace has seen at these commits from now on.
        forgotten : collection of str
            Datasets of which it has seen no version from now on.
        renamed : (str, str), optional
            Old and new name of a branch.
        frames : mapping, optional
            Where the frames that the caller replaces came from and go to: for `undo`.
        detail : mapping, optional
            More for the operation log.

        Raises
        ------
        StorageError
            If the transaction failed, and nothing was recorded; or if it took effect and its journal object could not
            be written: then the message says so.
        """
        particulars = dict(detail or {})
        if frames:
            particulars["frames"] = {name: [_hex(before), _hex(after)] for name, (before, after) in frames.items()}
        with self._workspace.moving(branch, bases or {}, forgotten) as head:
            if head is None and not refs and not frames and not detail:
                return
            publication = Publication(
                operation=uuid.uuid4().hex,
                verb=verb,
                workspace=self._workspace.head.workspace,
                time=time.time_ns() // 1000,
                refs=tuple(refs),
                packs=written.packs,
                reused=written.reused,
                commits=written.records,
                head=head,
                head_before=None if head is None else self._workspace.head,
                renamed=renamed,
                detail=particulars,
            )
            try:
                self._catalog.publish(publication)
            except StorageDenied:
                if refs:
                    raise
                return  # HEAD moves in a repository that can only be read: it then lives as long as the process
        self._flush(verb, refs)
        if any(change.kind == "branch" and change.after for change in refs):
            # The commit may say which runs made its values. What fails here stays pending, and is no reason to tell
            # that something went wrong with the commit.
            with suppress(StorageError):
                flush_runs(self._catalog, self._store)

    def _flush(self, verb: str, refs: Sequence[RefChange]) -> None:
        try:
            flush_journal(self._catalog, self._store)
        except StorageError as error:
            after = next((change.after for change in refs if change.after), None)
            done = f"{verb} {short(after)}" if after else verb
            raise type(error)(
                f"{done} took effect, but its entry in the journal could not be written: {error.problem}",
                remedy="Make room for it; the next command writes it",
            ) from error

    def check_seen(self, branch: str, current: TreeEntry, what: str) -> None:
        """Refuse to drop or replace a version that this workspace has not seen.

        Parameters
        ----------
        branch : str
            The branch.
        current : TreeEntry
            Its version.
        what : str
            What to type again, such as ``"commit"``.

        Raises
        ------
        RefMoved
            Naming the commit and its author.
        """
        seen = self._workspace.seen(current.dataset)
        if current == seen:
            return
        latest = self._history.last_change(self._history.tip(branch), current.dataset)
        who = f" (commit {short(latest.id)} by {latest.commit.author.name})" if latest else ""
        known = "that is not the one your frame started from" if seen else "that this workspace has not seen"
        base = self._workspace.head.bases.get(current.dataset)
        own = (
            f"commit to a branch that starts where your frame did: `%lf switch -c NAME {short(base)}`"
            if base is not None and seen is not None
            else f"commit yours under another name: `%lf commit {current.dataset} --as OTHER -m …`"
        )
        raise RefMoved(
            f"branch {branch!r} holds a version of {current.dataset!r}{who} {known}",
            remedy=f"Look at it with `other = %lf read {branch}:{current.dataset}` and {what} again"
            + (f", or {own}" if what == "commit" else ""),
        )

    def _check_seen(self, branch: str, tree: Tree, entries: Sequence[TreeEntry]) -> None:
        """Refuse to overwrite what this workspace has not seen."""
        for entry in entries:
            current = tree.get(entry.dataset)
            if current is None:
                self._check_not_removed(branch, entry.dataset)
            elif current != entry:
                self.check_seen(branch, current, "commit")

    def _check_not_removed(self, branch: str, dataset: str) -> None:
        """Refuse to bring back a dataset that somebody removed from the branch since this workspace saw it there."""
        base, tip = self._workspace.head.bases.get(dataset), self._history.tip(branch)
        if base is None or tip is None or not self._history.contains(tip, base):
            return
        if self._history.tree(base).get(dataset) is None:
            return
        latest = self._history.last_change(tip, dataset)
        who = f" by commit {short(latest.id)} of {latest.commit.author.name}" if latest else ""
        raise RefMoved(
            f"{dataset!r} was removed from branch {branch!r}{who} since this workspace saw it",
            remedy=f"To bring it back, say so first: `%lf add {dataset}`, and commit again",
        )

    def _table_writer(self, packs: PackWriter) -> TableWriter:
        compare, of_kind = self._changes.at_commit, self._catalog.of_kind
        return TableWriter(self._objects, self._pool, self._catalog.known, packs, compare=compare, of_kind=of_kind)

    def _written(
        self,
        writer: TableWriter,
        packs: PackWriter,
        contents: Mapping[str, FrameContent],
        tree: Tree,
        keys: Mapping[str, tuple[str, ...]],
        changes: Mapping[str, ChangeSet | None] | None = None,
    ) -> tuple[list[TreeEntry], dict[str, TableShape]]:
        """Store contents and how they differ from what the tree holds; their entries, and the shapes for the report."""
        entries: list[TreeEntry] = []
        shapes: dict[str, TableShape] = {}
        for name, content in contents.items():
            parent = tree.get(name)
            snapshot = writer.add(
                name, content, parent=parent, key=keys.get(name, ()), changes=(changes or {}).get(name)
            )
            entries.append(snapshot.entry)
            shapes[name] = shape_of(snapshot.table)
            kept = None if parent is None else sealed_changes(parent, snapshot)
            if kept is not None:
                packs.add(*kept)
        return entries, shapes

    def _sealed(
        self,
        packs: PackWriter,
        parents: tuple[ObjectId, ...],
        before: Tree,
        tree: Tree,
        message: str,
        author: Author,
        told: Mapping[str, Told] = _NOTHING_TOLD,
    ) -> CommitRecord:
        """Write a tree and its commit; they take effect when they are published."""
        sealed = encode_tree(tree)
        maps = {name: sealed_causes(each.map) for name, each in sorted(told.items()) if each.map is not None}
        commit = Commit(
            sealed[-1].id,
            parents,
            author,
            time.time_ns() // 1000,
            utc_offset(),
            message,
            tuple(step for _, each in sorted(told.items()) for step in each.steps),
            tuple((name, map_.id) for name, map_ in maps.items()),
        )
        oid, data = encode_commit(commit)
        writer = TableWriter(self._objects, self._pool, self._catalog.known, packs)
        writer.store([*sealed, *maps.values(), Sealed(oid, Kind.COMMIT, data)])
        generation = 1 + max((self._history.record(parent).generation for parent in parents), default=0)
        names = {entry.dataset for entry in (*before.entries, *tree.entries)}
        changed = sorted(name for name in names if before.get(name) != tree.get(name))
        return CommitRecord(oid, commit, generation, tuple(changed))


def utc_offset() -> int:
    """Distance of this machine's zone from UTC, in minutes."""
    return time.localtime().tm_gmtoff // 60


def _hex(oid: ObjectId | None) -> str | None:
    return None if oid is None else oid.hex()


def flush_journal(catalog: Catalog, store: ObjectStore) -> None:
    """Write the outbox to the store as journal objects; what an interrupted process left is written first."""
    entries = catalog.outbox()
    for entry in entries:
        store.put(entry.key, [entry.data])
    if entries:
        catalog.flushed([entry.sequence for entry in entries])


def flush_runs(catalog: Catalog, store: ObjectStore) -> None:
    """Write the cell runs that the journal does not hold yet to the store, many in one journal object."""
    while (batch := catalog.pending_runs(limit=RUNS_TOGETHER)) is not None:
        store.put(batch.key, [batch.data])
        catalog.runs_flushed(batch)
