"""`Repository`: the façade, and the only place where store and catalog meet.

A commit writes immutable objects first and then publishes them in one catalog transaction; losing a race leaves
garbage, never damage. How frames become bytes is told by ``tables`` and ``frames``; nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import InvalidName, KeyViolation, NameTaken, UnsupportedData, UsageProblem
from lineageflow_jupyter.frames.convert import FrameContent, to_content
from lineageflow_jupyter.frames.keys import check_key
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.model.changes import dataset_change, shape_of
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.objects import Author, Table, Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, Head, Ref, RefChange
from lineageflow_jupyter.model.reports import (
    CommitChanges,
    CommitReport,
    DatasetChange,
    DatasetStatus,
    StatusReport,
    TableShape,
)
from lineageflow_jupyter.model.revisions import check_name, split_dataset
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.tables import THREADS, Named, Objects, TableReader, TableWriter, verify
from lineageflow_jupyter.workspace import Workspace

Engine = Literal["pandas", "polars", "arrow"]

CACHED_NAMES = 64
"""Trees whose names of datasets are remembered."""


class Repository:
    """Versions of datasets: a catalog and an object store, seen from one workspace.

    Use `lineageflow_jupyter.open` or `lineageflow_jupyter.init` to get one. All methods may be called from several
    threads.

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
    """

    def __init__(
        self, catalog: Catalog, store: ObjectStore, head: Head, *, location: str, author: Callable[[], Author]
    ) -> None:
        self.location = location
        self._catalog = catalog
        self._author = author
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="lineageflow")
        self._objects = Objects(ObjectReader(store, catalog.locate))
        self._history = History(catalog, self._objects)
        self._workspace = Workspace(catalog, self._history, head)
        self._publisher = Publisher(catalog, store, self._objects, self._history, self._workspace, self._pool)
        self._reader = TableReader(self._objects, self._pool)
        self._names = lru_cache(CACHED_NAMES)(self._dataset_names)  # trees never change

    # --- commit ------------------------------------------------------------------------------------------------------

    def commit(
        self,
        frames: Mapping[str, Any],
        *,
        message: str,
        keys: Mapping[str, Sequence[str]] | None = None,
        branch: str | None = None,
        author: Author | None = None,
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
        branch = check_name(branch or self.head.branch, "branch")
        author = author or self._author()
        _check_texts(message, author)
        contents = _contents(frames)
        before = self._history.tree(self._tip(branch))
        declared = _declared_keys(keys or {}, contents, before)
        for name, content in contents.items():
            self._check_key(name, declared[name], content, before.get(name))
        return self._publisher.commit(branch, contents, declared, message, author)

    def stash(self, frames: Mapping[str, Any], *, message: str) -> Ref:
        """Keep frames under a hidden ref of this workspace, without touching any branch.

        Parameters
        ----------
        frames : mapping of str to frame
            Dataset name to frame.
        message : str
            Why.

        Returns
        -------
        Ref
            Its name is a revision, as in ``repo.read(f"{ref.name}:flights")``.
        """
        author = self._author()
        _check_texts(message, author)
        return self._publisher.stash(_contents(frames), message, author)

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
            ``REV:DATASET``, or ``DATASET`` for HEAD.
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
        record = self.resolve(name)
        frame = self._read(self._history.entry(record, dataset, name), columns, rows, engine)
        self._workspace.saw(dataset, record.id)
        return frame

    def checkout(
        self, revision: str, datasets: Sequence[str] | None = None, *, engine: Engine = "pandas"
    ) -> dict[str, Any]:
        """Read datasets and make that commit their base: the next commit may replace what was read.

        Parameters
        ----------
        revision : str
            Such as ``main~2``.
        datasets : sequence of str, optional
            All datasets of the revision by default.
        engine : {"pandas", "polars", "arrow"}
            Library of the frames.

        Returns
        -------
        dict of str to frame
            By dataset.
        """
        record = self.resolve(revision)
        names = list(self.datasets(revision)) if datasets is None else list(dict.fromkeys(datasets))
        entries = [self._history.entry(record, name, revision) for name in names]
        frames = {entry.dataset: self._read(entry, None, None, engine) for entry in entries}
        self._workspace.move(bases=dict.fromkeys(names, record.id))
        return frames

    def resolve(self, revision: str) -> CommitRecord:
        """Return the commit that a revision names.

        Raises
        ------
        UnknownName
            If there is none; close matches are listed.
        AmbiguousName
            If it can be read in several ways; they are listed.
        """
        return self._history.resolve(revision, self.head.branch)

    def datasets(self, revision: str = "HEAD") -> Mapping[str, TableShape]:
        """Datasets of a revision with their shapes; empty in a repository without commits."""
        entries = self._history.tree(self._start(revision)).entries
        return {entry.dataset: shape_of(self._objects.table(entry.table)) for entry in entries}

    def dataset_names(self, revision: str = "HEAD") -> tuple[str, ...]:
        """Names of the datasets of a revision, sorted: quicker than `datasets`, which looks up every shape."""
        start = self._start(revision)
        return () if start is None else self._names(self._history.record(start).commit.tree)

    def column_names(self, place: str, *, levels: bool = False) -> tuple[str, ...]:
        """Names of the columns of ``REV:DATASET``, as `read` takes them; as keys do with the index `levels`."""
        revision, dataset = split_dataset(place)
        table = self._objects.table(self._history.entry(self.resolve(revision), dataset, revision).table)
        return tuple(column.name for column in (table.columns if levels else table.data))

    def log(
        self, revision: str = "HEAD", *, dataset: str | None = None, limit: int | None = None
    ) -> tuple[CommitRecord, ...]:
        """Return the history of a revision, newest first.

        Parameters
        ----------
        revision : str
            Where to begin.
        dataset : str, optional
            Only commits that changed this dataset.
        limit : int, optional
            At most so many; not negative.
        """
        if limit is not None and limit < 0:
            raise UsageProblem(f"a limit of at least 0 was expected, {limit} found", remedy="Leave it out to see all")
        start = self._start(revision)
        if start is None:
            return ()
        found = self._catalog.log(start, dataset=dataset, limit=limit)
        if dataset is not None and not found:
            raise unknown("dataset", dataset, self.datasets(revision), "See `%lf status` for the datasets of HEAD")
        return found

    def show(self, revision: str = "HEAD") -> CommitChanges:
        """Return a commit with what it changed against its first parent."""
        record = self.resolve(revision)
        parents = record.commit.parents
        before = self._history.tree(parents[0] if parents else None)
        after = self._objects.tree(record.commit.tree)
        names = sorted({entry.dataset for entry in (*before.entries, *after.entries)})
        pairs = [(before.get(name), after.get(name)) for name in names]
        return CommitChanges(record, tuple(self._change(old, new) for old, new in pairs if old != new))

    def status(self, frames: Mapping[str, Any]) -> StatusReport:
        """Compare live frames with what this workspace last saw of their datasets.

        Parameters
        ----------
        frames : mapping of str to frame
            Dataset name to frame.
        """
        head = self.head
        tip = self._history.tip(head.branch)
        tree = self._history.tree(tip)
        writer = TableWriter(self._objects, self._pool, self._catalog.known)
        found = [self._frame_status(writer, name, frame, tree) for name, frame in frames.items()]
        found += [
            DatasetStatus(entry.dataset, "absent", behind=self._workspace.seen(entry.dataset) != entry)
            for entry in tree.entries
            if entry.dataset not in frames
        ]
        record = None if tip is None else self._history.record(tip)
        return StatusReport(head.branch, record, tuple(sorted(found, key=lambda status: status.dataset)))

    def fsck(self) -> int:
        """Read everything that refs lead to and verify every id; the number of objects that were verified.

        Raises
        ------
        CorruptData, ObjectMissing
            For the first object that is damaged or missing.
        """
        done: set[ObjectId] = set()
        for ref in self._catalog.refs(kinds=("branch", "tag", "hidden")):
            if ref.commit is not None and ref.commit not in done:
                verify(self._objects, ((Kind.COMMIT, record.id) for record in self._catalog.log(ref.commit)), done)
        return len(done)

    # --- branches and HEAD -------------------------------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """HEAD of this workspace."""
        return self._workspace.head

    def branches(self) -> tuple[Ref, ...]:
        """All branches, sorted by name."""
        return self._catalog.refs(kinds=("branch",))

    def names(self) -> tuple[str, ...]:
        """Names of branches and tags."""
        return tuple(ref.name for ref in self._catalog.refs())

    def branch(self, name: str, *, at: str = "HEAD") -> Ref:
        """Create a branch.

        Raises
        ------
        NameTaken
            If it exists.
        """
        commit = self.resolve(at).id
        change = RefChange(check_name(name, "branch"), "branch", None, commit)
        self._publisher.publish("branch", change)
        return Ref(name, "branch", commit)

    def switch(self, name: str, *, create: bool = False) -> Head:
        """Make a branch the one that commits go to. Live frames and what was seen of datasets stay as they are.

        Parameters
        ----------
        name : str
            The branch.
        create : bool
            Create it at HEAD first.
        """
        if create and self._history.tip(self.head.branch) is not None:
            self.branch(name)
        elif create:  # a branch without commits exists from its first commit on, as in Git
            check_name(name, "branch")
            if self._history.tip(name) is not None:
                raise NameTaken(
                    f"the name {name!r} is in use", remedy=f"Switch to it (`%lf switch {name}`), or choose another"
                )
        elif name != self.head.branch and not any(ref.name == name for ref in self.branches()):
            names = [ref.name for ref in self.branches()]
            raise unknown("branch", name, names, f"Create it with `%lf switch -c {name}`")
        return self._workspace.move(branch=name)

    def close(self) -> None:
        """Release threads and connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
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

    def _dataset_names(self, tree: ObjectId) -> tuple[str, ...]:
        return tuple(entry.dataset for entry in self._objects.tree(tree).entries)

    def _start(self, revision: str) -> ObjectId | None:
        """Commit of a revision; None for HEAD of a branch without commits, which has an empty history."""
        return self._history.tip(self.head.branch) if revision == "HEAD" else self.resolve(revision).id

    def _tip(self, branch: str) -> ObjectId | None:
        """Commit to build on; None where the branch is to begin with the commit that is being made.

        Only HEAD's branch may begin that way: a mistyped name would start a history of its own.
        """
        ref = self._history.ref(branch)
        if ref is not None and ref.kind != "branch":
            raise NameTaken(f"{branch!r} is a {ref.kind} ref, not a branch", remedy="Commit to a branch")
        names = [other.name for other in self.branches()]
        if ref is None and branch != self.head.branch and names:
            raise unknown("branch", branch, names, f"Create it with `%lf branch {branch}`")
        return None if ref is None else ref.commit

    def _read(
        self, entry: TreeEntry, columns: Sequence[Any] | None, rows: slice | tuple[int, int] | None, engine: Engine
    ) -> Any:
        with Named(entry.dataset):
            table, description = self._objects.table(entry.table), self._objects.frame(entry.frame)
        positions = _positions(entry.dataset, table, columns)
        chosen = None if rows is None else _row_range(rows, table.rows)
        return self._reader.frame(entry.dataset, table, description, positions, chosen, engine)

    def _check_key(self, dataset: str, key: tuple[str, ...], content: FrameContent, parent: TreeEntry | None) -> None:
        if not key:
            return
        arrays = [_key_array(dataset, name, content) for name in key]
        if parent is not None and parent.key == key:  # equal key columns were checked when they were committed
            before = {column.name: column.column for column in self._objects.table(parent.table).columns}
            ids = [before[name] for name in key]
            writer = TableWriter(self._objects, self._pool, self._catalog.known)
            if writer.ids(arrays, self._objects.columns(ids)) == ids:
                return
        check_key(dataset, key, arrays)

    def _frame_status(self, writer: TableWriter, name: str, frame: Any, tree: Tree) -> DatasetStatus:
        base, current = self._workspace.seen(name), tree.get(name)
        try:
            content = _contents({name: frame})[name]
        except (UnsupportedData, InvalidName) as error:
            return DatasetStatus(name, "unsupported", problem=str(error))
        snapshot = writer.add(name, content, parent=base, key=base.key if base else ())
        behind = current is not None and current != base
        if base is None or current is None:
            return DatasetStatus(name, "new", dataset_change(None, snapshot.entry, None, snapshot.table), behind)
        if snapshot.entry == base:
            return DatasetStatus(name, "unchanged", behind=behind)
        before = self._objects.table(base.table)
        return DatasetStatus(name, "changed", dataset_change(base, snapshot.entry, before, snapshot.table), behind)

    def _change(self, old: TreeEntry | None, new: TreeEntry | None) -> DatasetChange:
        tables = [None if entry is None else self._objects.table(entry.table) for entry in (old, new)]
        return dataset_change(old, new, *tables)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _contents(frames: Mapping[str, Any]) -> dict[str, FrameContent]:
    """Contents of all frames; the first that cannot be stored is refused before anything is written."""
    if not frames:
        raise UsageProblem("no frames to commit", remedy="Name at least one, as in repo.commit({'flights': df}, …)")
    contents = {}
    for name, frame in frames.items():
        if not isinstance(name, str):
            raise InvalidName(f"a dataset is named by a text, {name!r} found", remedy=f"Name it '{name}', say")
        check_name(name, "dataset")
        try:
            contents[name] = to_content(frame)
        except UnsupportedData as error:
            raise UnsupportedData(f"{name!r}: {error.problem}", remedy=error.remedy) from error
    return contents


def _check_texts(message: str, author: Author) -> None:
    """Refuse texts that cannot be stored, before anything is written."""
    if not message.strip():
        raise UsageProblem("a commit needs a message, an empty one found", remedy='Add one: -m "what and why"')
    for what, text in (("message", message), ("author's name", author.name), ("author's address", author.email)):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageProblem(
                f"the {what} is not valid Unicode at character {error.start} ({text[error.start]!r})",
                remedy="Write it again without that character",
            ) from error


def _declared_keys(
    keys: Mapping[str, Sequence[str]], contents: Mapping[str, FrameContent], tree: Tree
) -> dict[str, tuple[str, ...]]:
    """Key of each dataset: as declared, or as it was."""
    for name in keys:
        if name not in contents:
            raise UsageProblem(f"a key is given for {name!r}, which is not committed", remedy="Name its frame as well")
    chosen = {}
    for name in contents:
        entry = tree.get(name)
        if name in keys:
            given = keys[name]
            chosen[name] = tuple(dict.fromkeys([given] if isinstance(given, str) else given))
        else:
            chosen[name] = entry.key if entry is not None else ()
    return chosen


def _key_array(dataset: str, name: str, content: FrameContent) -> Any:
    found = [column.array for column in content.columns if column.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise KeyViolation(
            f"key column {name!r} of {dataset!r} exists {len(found)} times",
            remedy="Rename the columns, or choose another",
        )
    names = [column.name for column in content.columns]
    close = get_close_matches(name, names, 3)
    raise KeyViolation(
        f"key column {name!r} of {dataset!r} does not exist",
        remedy=f"Did you mean {' or '.join(close)}?" if close else f"Columns: {', '.join(names[:20])}",
    )


def _positions(dataset: str, table: Table, columns: Sequence[Any] | None) -> list[int] | None:
    """Positions of the chosen data columns among all data columns, in the order asked for."""
    if columns is None:
        return None
    names = [column.name for column in table.data]
    positions: list[int] = []
    for label in [columns] if isinstance(columns, str) or not isinstance(columns, Iterable) else columns:
        found = [position for position, name in enumerate(names) if name == str(label)]
        if not found:
            raise unknown("column", str(label), names, f"Columns of {dataset}: {', '.join(names[:20])}")
        positions += [position for position in found if position not in positions]
    return positions


def _row_range(rows: slice | tuple[int, int], count: int) -> range:
    try:
        chosen = rows if isinstance(rows, slice) else slice(*rows)
        start, stop, step = chosen.indices(count)
    except (TypeError, ValueError) as error:
        raise UsageProblem(
            f"rows are chosen by a slice or a pair of positions, {rows!r} found", remedy="Example: rows=(0, 100)"
        ) from error
    if step != 1:
        raise UsageProblem(
            f"rows can be read with step 1 only, {step} found", remedy="Read the range, then take every n-th"
        )
    return range(start, max(start, stop))
