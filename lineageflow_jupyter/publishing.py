"""The commit protocol: immutable objects first, then one catalog transaction, then the journal, then the report.

Losing a race leaves garbage for gc, never damage. Nothing is reported before it is durable.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import NameTaken, RefMoved, StorageError
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.changes import shape_of
from lineageflow_jupyter.model.ids import Kind, ObjectId, short
from lineageflow_jupyter.model.lists import Sealed, encode_tree
from lineageflow_jupyter.model.objects import Author, Commit, Tree, TreeEntry, encode_commit
from lineageflow_jupyter.model.records import CommitRecord, LogFilter, Pack, Publication, Ref, RefChange
from lineageflow_jupyter.model.reports import CommitReport, TableShape
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.packs import PackWriter
from lineageflow_jupyter.tables import Objects, TableWriter
from lineageflow_jupyter.workspace import Workspace

ROUNDS = 100
"""How often a commit is offered again when others move the branch; each round means that somebody else succeeded."""


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
    pool : ThreadPoolExecutor
        Threads that share the work.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        objects: Objects,
        history: History,
        workspace: Workspace,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._objects = objects
        self._history = history
        self._workspace = workspace
        self._pool = pool

    def commit(
        self,
        branch: str,
        contents: Mapping[str, FrameContent],
        keys: Mapping[str, tuple[str, ...]],
        message: str,
        author: Author,
    ) -> CommitReport:
        """Record contents as new versions of datasets on a branch.

        Raises
        ------
        RefMoved
            If the branch holds a version of one of the datasets that the workspace has not seen.
        """
        tip = self._history.tip(branch)
        tree = self._history.tree(tip)
        with PackWriter(self._store) as packs:
            writer = TableWriter(self._objects, self._pool, self._catalog.known, packs)
            entries, shapes = _written(writer, contents, tree, keys)
            done: tuple[Pack, ...] = ()
            new_bytes = 0
            for _ in range(ROUNDS):
                self._check_seen(branch, tree, entries)
                wanted = tree.with_entries(entries)
                if wanted == tree and tip is not None:
                    self._workspace.move(bases=dict.fromkeys(shapes, tip))
                    return CommitReport(self._history.record(tip), False, branch, 0, shapes)
                with PackWriter(self._store) if done else packs as last:  # after a lost race: only tree and commit
                    record = self._sealed(last, tip, tree, wanted, message, author)
                    done += last.close()
                    new_bytes += last.new_bytes
                try:
                    change = RefChange(branch, "branch", tip, record.id)
                    self.publish("commit", change, done, writer.reused, record, tuple(shapes))
                except (RefMoved, NameTaken):  # somebody committed meanwhile: look again at what they did
                    tip = self._history.tip(branch)
                    tree = self._history.tree(tip)
                    continue
                return CommitReport(record, True, branch, new_bytes, shapes)
        raise RefMoved(
            f"branch {branch!r} moved {ROUNDS} times while this commit was offered", remedy="Commit again in a moment"
        )

    def stash(self, contents: Mapping[str, FrameContent], message: str, author: Author) -> Ref:
        """Keep contents under a hidden ref of the workspace, on top of its branch's tip."""
        head = self._workspace.head
        tip = self._history.tip(head.branch)
        tree = self._history.tree(tip)
        keys = {entry.dataset: entry.key for entry in tree.entries}
        with PackWriter(self._store) as packs:
            writer = TableWriter(self._objects, self._pool, self._catalog.known, packs)
            entries, _ = _written(writer, contents, tree, keys)
            record = self._sealed(packs, tip, tree, tree.with_entries(entries), message, author)
            name = f"stash/{head.workspace[:8]}/{short(record.id)}"
            self.publish("stash", RefChange(name, "hidden", None, record.id), packs.close(), writer.reused, record)
        return Ref(name, "hidden", record.id)

    def publish(
        self,
        verb: str,
        change: RefChange,
        packs: tuple[Pack, ...] = (),
        reused: frozenset[ObjectId] = frozenset(),
        record: CommitRecord | None = None,
        committed: Sequence[str] = (),
    ) -> None:
        """One transaction, then the journal.

        Parameters
        ----------
        verb : str
            For the operation log.
        change : RefChange
            The ref that moves.
        packs : tuple of Pack
            New packs, durable already.
        reused : frozenset of ObjectId
            Objects of other packs that `record` needs. What the parent's history holds is not among them: its ref,
            or the reflog if it moved since, keeps that from gc.
        record : CommitRecord, optional
            The new commit.
        committed : sequence of str
            Datasets that the workspace has seen at `record` from now on.

        Raises
        ------
        StorageError
            If the transaction failed, and nothing was recorded; or if it took effect and its journal object could not
            be written: then the message says so.
        """
        seen = {} if record is None else dict.fromkeys(committed, record.id)
        with self._workspace.moving(seen) as head:
            self._catalog.publish(
                Publication(
                    operation=uuid.uuid4().hex,
                    verb=verb,
                    workspace=self._workspace.head.workspace,
                    time=time.time_ns() // 1000,
                    refs=(change,),
                    packs=packs,
                    reused=reused,
                    commits=() if record is None else (record,),
                    head=head if seen else None,
                    detail={} if record is None else {"message": record.commit.summary},
                )
            )
        try:
            flush_journal(self._catalog, self._store)
        except StorageError as error:
            done = f"{verb} {short(change.after)}" if change.after else verb
            raise type(error)(
                f"{done} took effect, but its entry in the journal could not be written: {error.problem}",
                remedy="Make room for it; the next command writes it",
            ) from error

    def _check_seen(self, branch: str, tree: Tree, entries: Sequence[TreeEntry]) -> None:
        """Refuse to overwrite what this workspace has not seen."""
        for entry in entries:
            current = tree.get(entry.dataset)
            if current is None or current in (entry, self._workspace.seen(entry.dataset)):
                continue
            tip = self._history.tip(branch)
            latest = self._catalog.log([tip], wanted=LogFilter(dataset=entry.dataset), limit=1) if tip else ()
            who = f" (commit {short(latest[0].id)} by {latest[0].commit.author.name})" if latest else ""
            raise RefMoved(
                f"branch {branch!r} holds a version of {entry.dataset!r}{who} that this workspace has not seen",
                remedy=f"Look at it with `other = %lf read {branch}:{entry.dataset}` and commit again, "
                "or commit to a branch of your own: `%lf switch -c NAME`",
            )

    def _sealed(
        self, packs: PackWriter, tip: ObjectId | None, before: Tree, tree: Tree, message: str, author: Author
    ) -> CommitRecord:
        """Write a tree and its commit; they take effect when they are published."""
        sealed = encode_tree(tree)
        parents = () if tip is None else (tip,)
        offset = time.localtime().tm_gmtoff // 60
        commit = Commit(sealed[-1].id, parents, author, time.time_ns() // 1000, offset, message)
        oid, data = encode_commit(commit)
        writer = TableWriter(self._objects, self._pool, self._catalog.known, packs)
        writer.store([*sealed, Sealed(oid, Kind.COMMIT, data)])
        generation = 1 if tip is None else self._history.record(tip).generation + 1
        names = {entry.dataset for entry in (*before.entries, *tree.entries)}
        changed = sorted(name for name in names if before.get(name) != tree.get(name))
        return CommitRecord(oid, commit, generation, tuple(changed))


def _written(
    writer: TableWriter, contents: Mapping[str, FrameContent], tree: Tree, keys: Mapping[str, tuple[str, ...]]
) -> tuple[list[TreeEntry], dict[str, TableShape]]:
    """Store contents; their entries, and the shapes for the report."""
    snapshots = {
        name: writer.add(name, content, parent=tree.get(name), key=keys.get(name, ()))
        for name, content in contents.items()
    }
    shapes = {name: shape_of(snapshot.table) for name, snapshot in snapshots.items()}
    return [snapshot.entry for snapshot in snapshots.values()], shapes


def flush_journal(catalog: Catalog, store: ObjectStore) -> None:
    """Write the outbox to the store as journal objects; what an interrupted process left is written first."""
    entries = catalog.outbox()
    for entry in entries:
        store.put(entry.key, [entry.data])
    if entries:
        catalog.flushed([entry.sequence for entry in entries])
