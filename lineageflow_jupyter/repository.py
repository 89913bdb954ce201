"""`Repository`: the façade, and the only place where store and catalog meet.

A commit writes immutable objects first and then publishes them in one catalog transaction; losing a race leaves
garbage, never damage. Each verb is told by one of the modules beside this one; nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lineageflow_jupyter.ancestry import Ancestry
from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.chronicle import Chronicle
from lineageflow_jupyter.combination import Combiner
from lineageflow_jupyter.combining import Combining
from lineageflow_jupyter.comparing import Comparer
from lineageflow_jupyter.comparisons import Comparisons, Engine
from lineageflow_jupyter.diff_causes import CommitsBetween, StepsBetween, telling
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import NameTaken, UsageProblem
from lineageflow_jupyter.expiring import Keeping
from lineageflow_jupyter.frames.convert import FrameContent, library_of_body
from lineageflow_jupyter.frames.keys import check_key
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.impacting import Impacting
from lineageflow_jupyter.inspecting import Inspector, Tellers
from lineageflow_jupyter.intake import (
    by_dataset,
    check_texts,
    contents_of,
    declared_keys,
    key_array,
    listed_datasets,
)
from lineageflow_jupyter.keeping import Keeper
from lineageflow_jupyter.landing import Landing
from lineageflow_jupyter.looking import Looking, SnapshotStores
from lineageflow_jupyter.merging import Merger
from lineageflow_jupyter.model.changes import shape_of
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.objects import Author, Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, Head, Move, Operation, Ref, WorkspaceRecord
from lineageflow_jupyter.model.reports import (
    BranchReport,
    CacheReport,
    ColumnSchema,
    CommitReport,
    DatasetSchema,
    DatasetStatus,
    Replacement,
    StashReport,
    StatusReport,
    TableShape,
    UndoReport,
)
from lineageflow_jupyter.model.revisions import cell_of, check_name, composed, split_dataset
from lineageflow_jupyter.peeking import Peeking
from lineageflow_jupyter.provenance import Provenance
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.reasons import Cause
from lineageflow_jupyter.rebasing import Rebaser
from lineageflow_jupyter.recording import Recording, RunLog
from lineageflow_jupyter.refs import Refs
from lineageflow_jupyter.stashing import Stashes
from lineageflow_jupyter.stepping import StepFinder
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.column_cache import ColumnCache
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.switching import Switcher
from lineageflow_jupyter.tables import THREADS, Objects, TableReader, TableWriter, verify
from lineageflow_jupyter.threads import Threads
from lineageflow_jupyter.undoing import Undoer
from lineageflow_jupyter.workspace import Workspace

Live = Mapping[str, Any]


class Repository(Comparisons, Provenance, Chronicle, Combining, Looking, Peeking, Recording, Impacting):
    """Versions of datasets: a catalog and an object store, seen from one workspace.

    Use `lineageflow_jupyter.open` or `lineageflow_jupyter.init` to get one. All methods may be called from several
    threads.

    Verbs that give other frames take the caller's own as ``live`` (dataset name to frame): changes in them that are not
    committed are then refused or stashed, never lost, and `undo` finds them again.

    Parameters
    ----------
    catalog : Catalog
        Refs, commits, locations.
    store : ObjectStore
        Bytes.
    head : Head
        HEAD of the workspace.
    location : str
        Where the repository lies, for people.
    author : callable
        Gives the author of new commits.
    shared_with : str, optional
        Another process that has this workspace open, for people; ``""``: none.
    cache : ColumnCache, optional
        Keeps what was read, so that reading it again takes no decoding.
    snapshot_store : callable, optional
        Gives the store of a workspace's snapshots, by the workspace's id.
    snapshot_workspaces : callable, optional
        Gives the ids of the workspaces that have such a store.
    keeping : callable, optional
        Tells how long snapshots are kept, and how much room they may take.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        head: Head,
        *,
        location: str,
        author: Callable[[], Author],
        shared_with: str = "",
        cache: ColumnCache | None = None,
        snapshot_store: Callable[[str], ObjectStore] | None = None,
        snapshot_workspaces: Callable[[], Iterable[str]] = tuple,
        keeping: Callable[[], Keeping] = Keeping,
    ) -> None:
        self.location = location
        self.shared_with = shared_with
        self._catalog = catalog
        self._snapshot_stores = SnapshotStores(catalog, store, snapshot_store, snapshot_workspaces, keeping)
        self._author = author
        self._pool = Threads(THREADS)
        self._objects = Objects(ObjectReader(store, catalog.locate))
        self._history = History(catalog, self._objects)
        self._workspace = Workspace(catalog, self._history, head)
        self._hot = HotColumns(cache)
        self._runs = RunLog(catalog, store)
        self._run_of = catalog.run
        tables = TableReader(self._objects, self._pool, self._hot)
        changes = self._changes = Changes(self._objects, tables, self._pool, catalog.known)
        self._publisher = Publisher(catalog, store, self._objects, self._history, self._workspace, self._pool, changes)
        self._reader = FrameReader(self._objects, tables)
        writer = TableWriter(self._objects, self._pool, catalog.known)  # computes ids, writes nothing
        tellers = Tellers(telling(self._steps_between, catalog.run), self._commits_between)
        self._inspector = Inspector(self._history, self._workspace, changes, writer, tellers=tellers)
        self._point_inspector = lambda: Inspector(
            self._history, self._workspace, self._reachable.changes, self._reachable.writer, self._points, tellers
        )
        self._comparer = Comparer(self._objects, writer, tables, self._workspace, self._publisher, changes, author)
        at_work = (catalog, self._history, self._workspace, self._publisher)
        self._refs = Refs(*at_work, author)
        self._switcher = Switcher(*at_work, self._comparer, self._reader)
        self._stashes = Stashes(*at_work, self._comparer, self._switcher)
        self._undoer = Undoer(*at_work, self._comparer, self._switcher)
        combiner = Combiner(self._history, changes, writer)
        publishing = (self._history, self._workspace, self._publisher)
        keeper = Keeper(*publishing, changes, self._reader, author)
        landing = Landing(*publishing, self._comparer, self._switcher, combiner, author)
        self._keeper = keeper
        self._rebaser = Rebaser(*publishing, combiner, keeper, landing)
        self._merger = Merger(*publishing, combiner, keeper, landing, self._rebaser)

    # --- commit ------------------------------------------------------------------------------------------------------

    def commit(
        self,
        frames: Mapping[str, Any],
        *,
        message: str,
        keys: Mapping[str, Sequence[str]] | None = None,
        branch: str | None = None,
        author: Author | None = None,
        cell_run: str = "",
    ) -> CommitReport:
        """Record frames as new versions of datasets, all in one commit.

        Parameters
        ----------
        frames : mapping of str to frame
            Dataset name to pandas, polars or Arrow frame. Other datasets stay as they are.
        message : str
            What and why; not empty.
        keys : mapping of str to sequence of str, optional
            Columns (or index levels) that identify rows, by dataset. A key is remembered; an empty sequence drops it.
        branch : str, optional
            Branch to commit to; HEAD's by default.
        author : Author, optional
            Whose work it is; from the configuration by default.
        cell_run : str, optional
            Id of the cell run that is under way, so that what it did is known to be from it.

        Returns
        -------
        CommitReport
            With ``created`` False where nothing differs from the branch.

        Raises
        ------
        UnsupportedData, KeyViolation, InvalidName, UsageProblem
            If something cannot be recorded. Nothing was written.
        RefMoved
            If the branch holds a version of one of the datasets that this workspace has not seen.
        UnknownName
            If there is no such branch.

        Examples
        --------
        >>> import pandas as pd, tempfile, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> repo.commit({"prices": pd.DataFrame({"price": [1.5, 2.5]})}, message="raw").created
        True
        """
        branch = branch or self.head.branch
        tip = self._tip(branch)
        if tip is None:
            branch = check_name(branch, "branch")
        author = author or self._author()
        check_texts(message, author)
        contents = contents_of(by_dataset(frames))
        before = self._history.tree(tip)
        declared = declared_keys(by_dataset(keys or {}), contents, before)
        for name, content in contents.items():
            self._check_key(name, declared[name], content, before.get(name))
        steps = StepFinder(self._catalog, self.head.workspace, lambda: self._snapshots, cell_run)
        return self._publisher.commit(branch, contents, declared, message, author, steps.told)

    def remove(self, datasets: Sequence[str], *, message: str | None = None) -> CommitReport:
        """Commit that HEAD's branch holds some datasets no more; their versions stay in the history.

        Parameters
        ----------
        datasets : sequence of str
            Their names.
        message : str, optional
            Why; told by itself if left out.

        Raises
        ------
        UnknownName
            If the branch holds no such dataset.
        RefMoved
            If it holds a version that this workspace has not seen.
        """
        names = listed_datasets(datasets)
        if not names:
            raise UsageProblem("no datasets to remove", remedy="Name at least one; `%lf status` lists them")
        branch = self.head.branch

        def edit(tree: Tree) -> Tree:
            for name in names:
                self._publisher.check_seen(branch, _held(tree, name, branch), "remove")
            return tree.without(names)

        return self._edit("rm", edit, _said(message, f"remove {', '.join(names)}"))

    def rename(self, old: str, new: str, *, message: str | None = None) -> CommitReport:
        """Commit that a dataset of HEAD's branch has another name from now on; nothing is stored again.

        Parameters
        ----------
        old, new : str
            The names.
        message : str, optional
            Why; told by itself if left out.

        Raises
        ------
        UnknownName, NameTaken
            If there is no `old`, or there is a `new`.
        RefMoved
            If the branch holds a version that this workspace has not seen.
        """
        name, branch = check_name(new, "dataset"), self.head.branch

        def edit(tree: Tree) -> Tree:
            entry = _held(tree, composed(old), branch)
            self._publisher.check_seen(branch, entry, "rename")
            if tree.get(name) is not None:
                raise NameTaken(
                    f"{branch} holds a dataset {name!r} already", remedy="Choose another name, or `%lf rm` it"
                )
            moved = TreeEntry(name, entry.table, entry.frame, entry.key)
            return tree.without([entry.dataset]).with_entries([moved])

        return self._edit("mv", edit, _said(message, f"rename {old} to {name}"))

    def add(self, datasets: Sequence[str]) -> None:
        """Say that datasets which the branch does not hold may become new ones, also where somebody removed them.

        Parameters
        ----------
        datasets : sequence of str
            Their names.

        Raises
        ------
        InvalidName
            If one cannot be the name of a dataset.
        """
        tree = self._history.tree(self._history.tip(self.head.branch))
        names = [check_name(name, "dataset") for name in listed_datasets(datasets)]
        self._workspace.forget([name for name in names if tree.get(name) is None])

    # --- read --------------------------------------------------------------------------------------------------------

    def read(
        self,
        revision: str,
        *,
        columns: Sequence[Any] | None = None,
        rows: slice | tuple[int, int] | None = None,
        engine: Engine = "pandas",
    ) -> Any:
        """Return a dataset as it was committed.

        Parameters
        ----------
        revision : str
            ``REV:DATASET``, ``DATASET`` for HEAD, ``DATASET@{AT}`` for a point in time, or ``NAME@{cell:ID}`` for a
            frame as a cell left it.
        columns : sequence of labels, optional
            Data columns to read, in this order; index levels always come along. All by default.
        rows : slice or (int, int), optional
            Row positions ``[start, stop)``, as a slice takes them; the step must be 1.
        engine : {"pandas", "polars", "arrow"}
            Library of the frame.

        Raises
        ------
        UnknownName
            If there is no such revision, dataset or column; close matches are listed.
        CorruptData, ObjectMissing
            If stored bytes are damaged: never wrong data.
        """
        name, dataset = split_dataset(revision)
        cell = cell_of(name)
        if cell is not None:  # that counts as no version that was seen
            return self._reachable.reader.read(self._points.entry(cell, dataset), columns, rows, engine)
        record = self.resolve(name)
        entry = self._history.entry(record, dataset, name)
        # Only the branch's present version counts as seen: reading an older one, to compare, takes nothing back.
        # Present is what it is now, before it is read: the branch may move meanwhile, and also back.
        present = self._history.present(name, record, entry, self.head)
        frame = self._reader.read(entry, columns, rows, engine)
        if present is not None:
            self._workspace.saw({entry.dataset: present})
        return frame

    def datasets(self, revision: str = "HEAD") -> Mapping[str, TableShape]:
        """Datasets of a revision with their shapes; empty in a repository without commits."""
        entries = self._history.tree(self._start(revision)).entries
        return {entry.dataset: shape_of(self._objects.table(entry.table)) for entry in entries}

    def dataset_names(self, revision: str = "HEAD") -> tuple[str, ...]:
        """Names of the datasets of a revision, sorted; no table is looked at."""
        return tuple(entry.dataset for entry in self._history.tree(self._start(revision)).entries)

    def schema(self, place: str) -> DatasetSchema:
        """Columns, types, key and library of a dataset: ``REV:DATASET``, or ``DATASET`` for HEAD."""
        entry, objects = self._placed(place)
        table = objects.table(entry.table)
        types = [column.type for column in objects.columns([column.column for column in table.columns])]
        columns = (
            ColumnSchema(column.name, column.role, str(kind)) for column, kind in zip(table.columns, types, strict=True)
        )
        library = library_of_body(objects.frame(entry.frame).body)
        return DatasetSchema(entry.dataset, shape_of(table), tuple(columns), entry.key, library)

    def column_names(self, place: str, *, levels: bool = False) -> tuple[str, ...]:
        """Names of the columns of ``REV:DATASET``, as `read` takes them; as keys do with the index `levels`."""
        entry, objects = self._placed(place)
        table = objects.table(entry.table)
        return tuple(column.name for column in (table.columns if levels else table.data))

    def status(self, frames: Mapping[str, Any], *, cells: bool = True) -> StatusReport:
        """Compare live frames with what this workspace last saw of their datasets.

        Parameters
        ----------
        frames : mapping of str to frame
            Dataset name to frame.
        cells : bool
            Whether changed cells are counted where that is cheap.
        """
        head = self.head
        tip = self._history.tip(head.branch)
        tree = self._history.tree(tip)
        live = by_dataset(frames)
        seen = self._workspace.seen_of({*live, *(entry.dataset for entry in tree.entries)})
        found = [self._comparer.status(name, frame, tree, cells=cells) for name, frame in live.items()]
        found += [
            DatasetStatus(entry.dataset, "absent", behind=seen[entry.dataset] != entry)
            for entry in tree.entries
            if entry.dataset not in live
        ]
        record = None if tip is None else self._history.record(tip)
        gone = self._history.gone(head.branch) if tip is None else ""
        return StatusReport(head.branch, record, tuple(sorted(found, key=lambda status: status.dataset)), gone)

    def fsck(self) -> int:
        """Read everything that refs lead to and verify every id; the number of objects that were verified.

        Raises
        ------
        CorruptData, ObjectMissing
            For the first object that is damaged or missing.
        """
        done: set[ObjectId] = set()
        refs = self._catalog.refs(kinds=("branch", "tag", "hidden"))
        starts = {ref.commit for ref in refs if ref.commit is not None}
        if starts:
            records = self._catalog.log(starts)
            verify(self._objects, ((Kind.COMMIT, record.id) for record in records), done)
            done |= self._verified_changes(records)
        return len(done)

    def _verified_changes(self, records: Sequence[CommitRecord]) -> set[ObjectId]:
        """Change sets that were kept, each compared with the versions that it lies between."""
        pairs: dict[tuple[TreeEntry, TreeEntry], None] = {}
        for record in records:
            parent = self._history.tree(record.commit.parents[0] if record.commit.parents else None)
            tree = self._history.tree(record.id)
            sides = [(parent.get(name), tree.get(name)) for name in record.datasets]
            pairs.update(((old, new), None) for old, new in sides if old is not None and new is not None)
        found = (self._changes.check(old, new) for old, new in pairs)
        return {oid for oid in found if oid is not None}

    # --- HEAD and frames ---------------------------------------------------------------------------------------------

    def checkout(
        self,
        revision: str,
        datasets: Sequence[str] | None = None,
        *,
        live: Live | None = None,
        force: bool = False,
        engine: Engine | None = None,
    ) -> Replacement:
        """Read datasets and make that commit their base: the next commit may replace what was read.

        Parameters
        ----------
        revision : str
            Such as ``main~2``.
        datasets : sequence of str, optional
            All datasets of the revision by default.
        live : mapping of str to frame, optional
            The caller's frames.
        force : bool
            Stash what is not committed in `live` instead of refusing.
        engine : {"pandas", "polars", "arrow"}, optional
            Library of the frames; that of the frame in `live` by default, else pandas.

        Raises
        ------
        UncommittedChanges
            If frames of `live` that would be replaced hold changes, and `force` is False.
        """
        names = None if datasets is None else listed_datasets(datasets)
        return self._switcher.checkout(revision, names, by_dataset(live or {}), force=force, engine=engine)

    def switch(
        self, name: str, *, create: bool = False, at: str = "HEAD", live: Live | None = None, force: bool = False
    ) -> Replacement:
        """Make a branch the one that commits go to, and give the frames of `live` that are other ones there.

        Changes that are not committed come along where both branches hold the same version of the dataset.

        Parameters
        ----------
        name : str
            The branch; ``"-"`` or ``"@{-1}"`` is the one before.
        create : bool
            Create it first.
        at : str
            Where it is created.
        live : mapping of str to frame, optional
            The caller's frames.
        force : bool
            Stash changes that are in the way instead of refusing.
        """
        return self._switcher.switch(name, by_dataset(live or {}), create=create, at=at, force=force)

    def reset(self, revision: str, *, hard: bool = False, live: Live | None = None) -> Replacement:
        """Move HEAD's branch to a commit. Frames stay as they are, unless `hard`: then changes are stashed first.

        Raises
        ------
        RefMoved
            If that would drop a version of a dataset that this workspace has not seen.
        """
        return self._switcher.reset(revision, by_dataset(live or {}), hard=hard)

    def restore(
        self,
        datasets: str | Sequence[str],
        *,
        source: str = "HEAD",
        columns: Sequence[Any] | None = None,
        rows: slice | tuple[int, int] | None = None,
        live: Live | None = None,
        engine: Engine | None = None,
    ) -> Replacement:
        """Give back datasets, or some columns and rows of one, as in a revision; the rest stays as in `live`.

        What the frames held and is not committed is stashed first. HEAD stays where it is.

        Parameters
        ----------
        datasets : str or sequence of str
            One or more; columns and rows go with one.
        source : str
            The revision.
        columns : sequence of labels, optional
            Only these columns.
        rows : slice or (int, int), optional
            Only the rows at these positions ``[start, stop)`` of the stored version.
        live : mapping of str to frame, optional
            The caller's frames; needed for columns and rows.
        engine : {"pandas", "polars", "arrow"}, optional
            Library of the frames; that of the live ones by default.
        """
        names, present = listed_datasets(datasets), by_dataset(live or {})
        return self._switcher.restore(source, names, present, columns=columns, rows=rows, engine=engine)

    def stash(self, frames: Live, *, message: str | None = None) -> Replacement:
        """Put frames aside under a hidden ref of this workspace, and give back the branch's versions.

        Parameters
        ----------
        frames : mapping of str to frame
            Dataset name to frame.
        message : str, optional
            Why; told by itself if left out.

        Returns
        -------
        Replacement
            Its ``stash`` is a revision, as in ``repo.read(f"{stash}:flights")``.
        """
        return self._stashes.push(by_dataset(frames), _said(message, f"work on {self.head.branch}"))

    def stash_aside(self, frames: Live, *, message: str) -> Replacement:
        """Keep frames as a stash and leave them, and HEAD, as they are: for who is about to replace them.

        Parameters
        ----------
        frames : mapping of str to frame
            Dataset name to frame.
        message : str
            Why.

        Raises
        ------
        UncommittedChanges
            If one cannot be stored.
        """
        return self._stashes.keep(by_dataset(frames), message)

    def stashes(self, *, everybody: bool = False) -> list[StashReport]:
        """Stashes of this workspace, or of all workspaces, newest first."""
        return self._stashes.listed(everybody=everybody)

    def unstash(
        self, which: str = "stash@{0}", *, live: Live | None = None, force: bool = False, drop: bool = True
    ) -> Replacement:
        """Give back the frames of a stash as they were, and forget the stash unless `drop` is False."""
        return self._stashes.take(which, by_dataset(live or {}), force=force, drop=drop)

    def drop_stash(self, which: str = "stash@{0}") -> StashReport:
        """Forget a stash."""
        return self._stashes.drop(which)

    def undo(self, *, live: Live | None = None) -> UndoReport:
        """Take back the latest operation of this workspace that stands: refs, HEAD and the frames that it replaced.

        Raises
        ------
        UsageProblem
            If there is none.
        RefMoved
            If somebody else moved a ref since.
        """
        return self._undoer.undo(by_dataset(live or {}))

    def redo(self, *, live: Live | None = None) -> UndoReport:
        """Do again what the last `undo` took back."""
        return self._undoer.redo(by_dataset(live or {}))

    def last_operation(self) -> Operation | None:
        """Return the latest operation of this workspace, undone or not; None where it has made none."""
        found = self._catalog.last_operations(self.head.workspace, limit=1)
        return found[0] if found else None

    def reflog(self, name: str = "HEAD", *, skip: int = 0, limit: int | None = None) -> tuple[Move, ...]:
        """Where a ref, or HEAD of this workspace, pointed over time, newest first.

        Raises
        ------
        UnknownName
            If there never was such a ref.
        """
        moves = self._catalog.reflog(
            composed(name), workspace=self.head.workspace if name == "HEAD" else "", skip=skip, limit=limit
        )
        if not moves and not skip and name != "HEAD" and self._history.ref(name) is None:
            raise unknown("ref", name, ["HEAD", *self.names()], "See `%lf branch` and `%lf tag` for what exists")
        return moves

    # --- branches, tags, workspaces ----------------------------------------------------------------------------------

    def branches(self) -> tuple[Ref, ...]:
        """All branches, sorted by name."""
        return self._catalog.refs(kinds=("branch",))

    def tags(self) -> tuple[Ref, ...]:
        """All tags, sorted by name."""
        return self._catalog.refs(kinds=("tag",))

    def names(self) -> tuple[str, ...]:
        """Names of branches and tags."""
        return tuple(ref.name for ref in self._catalog.refs())

    def compared_branches(self) -> list[BranchReport]:
        """All branches, sorted by name, each with how far it is ahead of and behind HEAD's branch."""
        return self._refs.branches()

    def branch(self, name: str, *, at: str = "HEAD") -> Ref:
        """Create a branch.

        Raises
        ------
        NameTaken
            If it exists.
        """
        return self._refs.branch(name, at)

    def rename_branch(self, old: str, new: str) -> Ref:
        """Rename a branch; workspaces that are on it follow.

        Raises
        ------
        UnknownName, NameTaken, InvalidName
            If there is no `old`, there is a `new`, or it cannot be a name.
        """
        return self._refs.rename(old, new)

    def delete_branch(self, *names: str, force: bool = False) -> tuple[Ref, ...]:
        """Delete branches, all of them or none.

        Raises
        ------
        UsageProblem
            If one is HEAD's, or, without `force`, if it holds commits that no other branch or tag holds.
        """
        return self._refs.delete_branches(names, force=force)

    def tag(self, name: str, *, at: str = "HEAD", message: str | None = None, force: bool = False) -> Ref:
        """Give a commit a lasting name; with a message it is kept with author and time.

        Raises
        ------
        NameTaken
            If it exists and `force` is False.
        """
        return self._refs.tag(name, at, message, force=force)

    def delete_tag(self, *names: str) -> tuple[Ref, ...]:
        """Delete tags, all of them or none."""
        return self._refs.delete_tags(names)

    def workspaces(self) -> tuple[WorkspaceRecord, ...]:
        """Notebooks and processes that have used the repository, the latest first."""
        return self._catalog.workspaces()

    def adopt(self, source: str) -> Head:
        """Take over the HEAD of another workspace, by its id: for a notebook that was renamed or moved."""
        head = self._catalog.adopt(self.head.workspace, source)
        self._workspace.use(head)
        return head

    def cache_usage(self) -> CacheReport:
        """Return where the hot cache is, what it holds, and how often it helped in this process."""
        return self._hot.report()

    def clear_cache(self) -> int:
        """Remove all files of the hot cache; frames that were read from it stay as they are.

        Returns
        -------
        int
            Bytes that were freed.
        """
        return self._hot.clear()

    def close(self) -> None:
        """Release threads and connections."""
        self.stop_copying()
        self._hot.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._runs.close()
        self._catalog.close()

    def __enter__(self) -> Repository:
        """Return the repository."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Location and branch."""
        return f"Repository({self.location!r}, branch={self.head.branch!r})"

    # --- parts -------------------------------------------------------------------------------------------------------

    def _tip(self, branch: str) -> ObjectId | None:
        """Commit to build on; None where the branch is to begin with the commit that is being made.

        Only HEAD's branch may begin that way: a mistyped name would start a history of its own. Nor does a branch that
        was deleted or renamed begin anew under a workspace that is still on it.
        """
        ref = self._history.ref(branch)
        if ref is not None and ref.kind != "branch":
            raise NameTaken(f"{branch!r} is a {ref.kind} ref, not a branch", remedy="Commit to a branch")
        if ref is not None:
            return ref.commit
        self._history.require_present(branch)
        names = [other.name for other in self.branches()]
        if branch != self.head.branch and names:
            raise unknown("branch", branch, names, f"Create it with `%lf branch {branch}`")
        return None

    def _steps_between(self, diff: TableDiff) -> StepsBetween | None:
        """Steps of this notebook between the versions of a diff."""
        assert diff.old is not None
        assert diff.new is not None
        finder = StepFinder(self._catalog, self.head.workspace, lambda: self._reachable)
        path = finder.path(diff.old.entry.table, diff.new.entry)
        return StepsBetween(path, diff.old, diff.new, self._reachable.changes) if path.steps else None

    def _commits_between(self, old: ObjectId, new: ObjectId) -> Callable[[TableDiff], tuple[Cause, ...]]:
        def past(diff: TableDiff) -> CommitsBetween:
            assert diff.old is not None
            ancestry = Ancestry(self._history, self._changes, self._objects)
            return CommitsBetween(ancestry, self._history, old, new, (diff.old.entry.dataset, diff.dataset))

        return telling(past, self._catalog.run)

    def _placed(self, place: str) -> tuple[TreeEntry, Objects]:
        """Version of a place, and where its manifests are."""
        revision, dataset = split_dataset(place)
        cell = cell_of(revision)
        if cell is not None:
            return self._points.entry(cell, dataset), self._reachable.objects
        return self._history.entry(self.resolve(revision), dataset, revision), self._objects

    def _edit(self, verb: str, edit: Callable[[Tree], Tree], message: str) -> CommitReport:
        author = self._author()
        check_texts(message, author)
        self._tip(self.head.branch)
        return self._publisher.edit(verb, self.head.branch, edit, message, author)

    def _check_key(self, dataset: str, key: tuple[str, ...], content: FrameContent, parent: TreeEntry | None) -> None:
        if not key:
            return
        arrays = [key_array(dataset, name, content) for name in key]
        if parent is not None and parent.key == key:  # equal key columns were checked when they were committed
            before = {column.name: column.column for column in self._objects.table(parent.table).columns}
            ids = [before[name] for name in key if name in before]  # labels that were only counted are no column
            writer = TableWriter(self._objects, self._pool, self._catalog.known)
            if len(ids) == len(key) and writer.ids(arrays, self._objects.columns(ids)) == ids:
                return
        check_key(dataset, key, arrays)


def _said(message: str | None, otherwise: str) -> str:
    return otherwise if message is None else message


def _held(tree: Tree, dataset: str, branch: str) -> TreeEntry:
    """Entry of a dataset that the branch must hold."""
    entry = tree.get(dataset)
    if entry is None:
        names = [entry.dataset for entry in tree.entries]
        raise unknown(
            "dataset", dataset, names, f"{branch} holds: {', '.join(names[:10]) or 'nothing'}", f" on {branch!r}"
        )
    return entry
