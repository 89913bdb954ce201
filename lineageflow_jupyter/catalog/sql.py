"""`SqlCatalog`: the catalog port on SQLAlchemy Core. Each method is one transaction; the steps live beside it.

`schema` has the tables, `engine` what belongs to the database at hand, `upgrade` creation and migrations, `publish`
the writing and `log` the reading of history, `operations` the operation log and reflogs, `heads` workspaces, `cells`
the runs of cells.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from lineageflow_jupyter.catalog.cells import (
    amend_run,
    mark_flushed,
    read_environment,
    read_last_runs,
    read_pending,
    read_run,
    read_runs,
    read_runs_by_id,
    read_runs_with_prefix,
    read_uses,
    record_environment,
    record_run,
)
from lineageflow_jupyter.catalog.divergence import diverged
from lineageflow_jupyter.catalog.engine import (
    BUSY_TIMEOUT,
    ChangeProbe,
    batches,
    for_writing,
    for_writing_soon,
    new_file,
    noting,
    read_only_engine,
    select_in,
    translated,
    unchanged_file,
    writable_engine,
)
from lineageflow_jupyter.catalog.graph import Graph, KnownCommits, first_ancestor
from lineageflow_jupyter.catalog.heads import (
    add_workspace,
    adopt_head,
    find_head,
    name_to_json,
    note_opening,
    read_workspace,
    read_workspaces,
    store_head,
)
from lineageflow_jupyter.catalog.journal import annotation_from_json
from lineageflow_jupyter.catalog.log import read_commits, read_log
from lineageflow_jupyter.catalog.names import check_text, is_text
from lineageflow_jupyter.catalog.operations import (
    read_last_moves,
    read_last_operations,
    read_operations,
    read_reflog,
)
from lineageflow_jupyter.catalog.publish import live, prepare, publish, require_commits
from lineageflow_jupyter.catalog.schema import HEAD_REVISION, commits, objects, outbox, packs, refs
from lineageflow_jupyter.catalog.upgrade import bring_up_to_date, create_tables, identity, revision
from lineageflow_jupyter.errors import NameTaken, NotARepository, StorageDenied, StorageError, UsageProblem
from lineageflow_jupyter.model.cells import (
    EVERY_RUN,
    CellRun,
    Environment,
    External,
    FrameState,
    FrameWrite,
    RunFilter,
    TableUse,
)
from lineageflow_jupyter.model.ids import ID_BYTES, Kind, ObjectId
from lineageflow_jupyter.model.records import (
    EVERY_COMMIT,
    CommitRecord,
    Head,
    JournalEntry,
    Location,
    LogFilter,
    Move,
    Operation,
    Publication,
    Ref,
    RunBatch,
    WorkspaceName,
    WorkspaceRecord,
)

_LOCATIONS = sa.select(objects.c.id, objects.c.pack_id, objects.c.offset, objects.c.length)
PROBE_TIMEOUT = 1.0
"""Seconds that `state` waits for a lock; whoever asks will ask again."""
_PREFIX = re.compile(f"[0-9a-f]{{1,{2 * ID_BYTES}}}")


class SqlCatalog:
    """A catalog in a SQLite file. Made by `create` and `open`.

    Safe to use from several threads, processes and forked children at once.

    Parameters
    ----------
    path : Path
        The database file.
    engine : Engine
        Its engine.
    uuid : str
        The catalog's identity.
    read_only : bool
        Whether `engine` can only read.
    """

    def __init__(self, path: Path, engine: Engine, *, uuid: str, read_only: bool) -> None:
        self._path = path
        self._engine = engine
        self._writer = for_writing(engine)
        self._lazy_writer = for_writing_soon(engine)
        self._uuid = uuid
        self._read_only = read_only
        self._closed = False
        self._commits = KnownCommits()
        self._probe = ChangeProbe(path, busy_timeout=PROBE_TIMEOUT)

    @classmethod
    def create(cls, path: str | os.PathLike[str], *, uuid: str, busy_timeout: float = BUSY_TIMEOUT) -> SqlCatalog:
        """Create a catalog, or open it if it was created with the same identity (by another process, just now).

        The file appears when it is complete: a process that is killed meanwhile leaves nothing under its name.

        Parameters
        ----------
        path : path-like
            File to create; its folder exists.
        uuid : str
            The catalog's identity, as written in the store's ``repository.json``.
        busy_timeout : float, optional
            Seconds to wait for another process that writes.

        Raises
        ------
        NameTaken
            If a catalog with another identity is there.
        NotARepository
            If the file is a database of something else.
        UnsafeLocation
            If the file system cannot keep a write-ahead log.
        StorageDenied, StorageFull, CatalogBusy, CorruptData
            If the place refuses, or holds a file that is no database.
        """
        path = Path(path)
        if not path.exists():
            with translated(path), new_file(path) as scratch:
                engine = writable_engine(scratch, create=True, busy_timeout=busy_timeout)
                try:
                    with for_writing(engine).begin() as connection:
                        create_tables(connection, uuid=uuid)
                finally:
                    engine.dispose()  # with the last connection the write-ahead log goes into the file
        catalog = cls.open(path, busy_timeout=busy_timeout)
        if catalog.uuid != uuid:
            catalog.close()
            raise NameTaken(f"{path} is the catalog of another repository", remedy="Open it, or choose another folder")
        return catalog

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, read_only: bool = False, busy_timeout: float = BUSY_TIMEOUT
    ) -> SqlCatalog:
        """Open a catalog; one of an older version is brought up to date first.

        Parameters
        ----------
        path : path-like
            The database file.
        read_only : bool, optional
            Change nothing, and ask for no permission to write. In a folder that this user cannot write, the file is
            read as it is; should its owner write meanwhile, a method raises `CatalogBusy` rather than answer wrongly.
        busy_timeout : float, optional
            Seconds to wait for another process that writes.

        Raises
        ------
        NotARepository
            If there is no such file, or it holds no catalog.
        NewerFormat
            If a later version of LineageFlow wrote it.
        StorageDenied
            If the file or its folder cannot be written and `read_only` is False.
        UnsafeLocation, CatalogBusy, CorruptData
            If the place or the file cannot be used.
        """
        path = Path(path)
        if not path.is_file():
            raise NotARepository(f"there is no catalog {path}", remedy="Run %lf init, or lf.init(), to create one")
        if not read_only:
            _require_write_access(path)
        engine = (
            read_only_engine(path, busy_timeout=busy_timeout)
            if read_only
            else writable_engine(path, create=False, busy_timeout=busy_timeout)
        )
        try:
            with translated(path):
                return cls._opened(path, engine, read_only=read_only)
        except BaseException:
            engine.dispose()
            raise

    @classmethod
    def _opened(cls, path: Path, engine: Engine, *, read_only: bool) -> SqlCatalog:
        with engine.begin() as connection:
            found = revision(connection)
            if found is None:
                raise NotARepository(
                    f"{path} is a database, but holds no catalog", remedy="Run %lf init, or lf.init(), to create one"
                )
            if found == HEAD_REVISION:
                return cls(path, engine, uuid=identity(connection), read_only=read_only)
        if read_only:
            raise StorageDenied(
                f"the catalog {path} has the older revision {found!r} and cannot be brought up to date read-only",
                remedy="Open it once with permission to write",
            )
        bring_up_to_date(engine)
        with engine.begin() as connection:
            return cls(path, engine, uuid=identity(connection), read_only=False)

    @property
    def uuid(self) -> str:
        """The catalog's identity."""
        return self._uuid

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._read_only

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._check_open()
        with translated(self._path):
            if self._read_only:
                with unchanged_file(self._path), self._engine.begin() as connection:
                    yield connection
            else:
                with self._engine.begin() as connection:
                    yield connection

    @contextmanager
    def _writing(self, *, durable: bool = True) -> Iterator[Connection]:
        self._check_writable()
        with translated(self._path), (self._writer if durable else self._lazy_writer).begin() as connection:
            yield connection

    def _check_writable(self) -> None:
        self._check_open()
        if self._read_only:
            raise StorageDenied(
                f"the catalog {self._path} was opened read-only", remedy="Open the repository with permission to write"
            )

    def _known_commits(self) -> KnownCommits:
        self._commits = self._commits.bounded()
        return self._commits

    def _check_open(self) -> None:
        if self._closed:
            raise UsageProblem(f"the catalog {self._path} was closed", remedy="Open the repository again")

    def state(self) -> str:
        """Return what `Catalog.state` promises."""
        self._check_open()
        with translated(self._path):
            return self._probe.state()

    # --- refs and commits

    def ref(self, name: str) -> Ref | None:
        """Return one ref, or None."""
        if not is_text(name):
            return None
        with self._reading() as connection:
            row = connection.execute(sa.select(refs).where(refs.c.name == name)).one_or_none()
            return None if row is None else _ref(row)

    def refs(self, *, kinds: Collection[str] = ("branch", "tag")) -> tuple[Ref, ...]:
        """Refs of the given kinds, sorted by name."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(refs).where(refs.c.kind.in_(tuple(kinds)))).all()
        return tuple(sorted(map(_ref, rows), key=lambda ref: ref.name))

    def commit(self, oid: ObjectId) -> CommitRecord | None:
        """Return one commit, or None.

        Raises
        ------
        CorruptData
            If the stored commit is not the one that `oid` stands for.
        """
        with self._reading() as connection:
            return next(read_commits(connection, [oid]), None)

    def commits(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, CommitRecord]:
        """Those of `ids` that are commits, read together.

        Raises
        ------
        CorruptData
            If a stored commit is not the one that its id stands for.
        """
        with self._reading() as connection:
            return {record.id: record for record in read_commits(connection, list(dict.fromkeys(ids)))}

    def ancestor(self, oid: ObjectId, steps: int) -> tuple[ObjectId, int]:
        """Go back along first parents, as far as there are any.

        Parameters
        ----------
        oid : ObjectId
            Where to begin.
        steps : int
            How far; 0 is the commit itself.

        Returns
        -------
        ObjectId, int
            The commit, and how many steps lead to it: fewer than asked for where the history begins there.

        Raises
        ------
        ObjectMissing
            If there is no commit `oid`.
        """
        with self._reading() as connection:
            return first_ancestor(connection, oid, steps)

    def commits_with_prefix(self, prefix: str, *, limit: int = 10) -> tuple[ObjectId, ...]:
        """Ids of commits whose hexadecimal form starts with `prefix` (lower case, at least 1 digit), sorted."""
        if not _PREFIX.fullmatch(prefix):
            return ()
        first, last = (bytes.fromhex(prefix.ljust(2 * ID_BYTES, digit)) for digit in "0f")
        statement = sa.select(commits.c.id).where(commits.c.id.between(first, last)).order_by(commits.c.id).limit(limit)
        with self._reading() as connection:
            return tuple(ObjectId(oid) for oid in connection.execute(statement).scalars())

    def log(
        self,
        starts: Collection[ObjectId],
        *,
        exclude: Collection[ObjectId] = (),
        wanted: LogFilter = EVERY_COMMIT,
        skip: int = 0,
        limit: int | None = None,
    ) -> tuple[CommitRecord, ...]:
        """Commits reachable from `starts`, them included: children before parents, newest first among the unordered.

        Parameters
        ----------
        starts : collection of ObjectId
            Where to begin.
        exclude : collection of ObjectId
            Leave out what is reachable from these, them included.
        wanted : LogFilter
            Only these commits.
        skip : int
            Leave out so many of the first that are wanted.
        limit : int, optional
            At most so many.

        Raises
        ------
        ObjectMissing
            If one of `starts` or `exclude` is no commit.
        CorruptData
            If a commit is damaged, or a parent is missing.
        """
        with self._reading() as connection:
            return read_log(
                connection, self._known_commits(), starts, exclude=exclude, wanted=wanted, skip=skip, limit=limit
            )

    def divergence(self, base: ObjectId, tips: Collection[ObjectId]) -> Mapping[ObjectId, tuple[int, int]]:
        """For each tip: how many commits it has that `base` has not (ahead), and how many it lacks (behind).

        One walk for all tips, no further back than where all histories are one.

        Raises
        ------
        ObjectMissing
            If `base` or one of `tips` is no commit.
        CorruptData
            If a parent is missing.
        """
        with self._reading() as connection:
            return diverged(Graph(connection, self._known_commits(), (base, *tips)), base, tips)

    # --- objects

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of `ids` that lie in packs that gc has not condemned."""
        with self._reading() as connection:
            return live(connection, frozenset(ids))

    def of_kind(self, ids: Collection[ObjectId], kind: Kind) -> frozenset[ObjectId]:
        """Those of `ids` under which an object of a kind is stored."""
        with self._reading() as connection:
            rows = select_in(connection, sa.select(objects.c.id, objects.c.kind), objects.c.id, frozenset(ids))
            return frozenset(oid for oid, found in rows if found == kind)

    def locate(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Location]:
        """Locations of those of `ids` that are stored (condemned packs included: they can still be read)."""
        with self._reading() as connection:
            rows = list(select_in(connection, _LOCATIONS, objects.c.id, frozenset(ids)))
            names: dict[int, str] = {}
            for batch in batches({row[1] for row in rows}):
                found = connection.execute(sa.select(packs.c.id, packs.c.name).where(packs.c.id.in_(batch)))
                names.update((number, name) for number, name in found)
        return {oid: Location(names[pack], offset, length) for oid, pack, offset, length in rows}

    # --- operations

    def publish(self, publication: Publication) -> Operation:
        """Record new packs and commits, move refs, set HEAD, log the operation: all in one transaction.

        The refs are locked first and compared with `RefChange.before`. Each that moves, and the workspace's HEAD if
        its branch does, gets a line in its reflog. A publication whose operation id is in the
        log already is answered with that operation and changes nothing, so that a retry after a lost answer is safe.

        Raises
        ------
        RefMoved
            If a ref is not where the publication says; nothing was recorded.
        NameTaken
            If a ref that is to be created exists, or a ref is of another kind.
        ObjectMissing
            If an object in `reused` lies in no live pack (gc condemned it since), or a parent, base or target of a
            ref is no commit; nothing was recorded.
        UnknownName
            If there is no workspace as `head` names it.
        InvalidName, UsageProblem, CorruptData
            If the publication contradicts itself.
        CatalogBusy, StorageFull, StorageDenied
            If the database refuses.
        """
        prepare(publication)
        with self._writing() as connection:
            return publish(connection, publication, catalog=self._uuid)

    def outbox(self) -> Sequence[JournalEntry]:
        """Journal entries that are not flushed yet, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(outbox).order_by(outbox.c.sequence)).all()
        return tuple(JournalEntry(sequence, key, data) for sequence, key, data in rows)

    def flushed(self, sequences: Collection[int]) -> None:
        """Mark journal entries as flushed; they leave the outbox."""
        if not sequences:
            return
        with self._writing(durable=False) as connection:  # if it is lost, the same journal objects are written again
            for batch in batches(sequences):
                connection.execute(sa.delete(outbox).where(outbox.c.sequence.in_(batch)))

    def operations(self, *, after: int = 0, limit: int | None = None) -> tuple[Operation, ...]:
        """Operations with a sequence above `after` (exclusive), oldest first."""
        with self._reading() as connection:
            return read_operations(connection, after=after, limit=limit)

    def last_operations(
        self, workspace: str | None, *, before: int | None = None, limit: int | None = None
    ) -> tuple[Operation, ...]:
        """Operations of one workspace, or of all, with a sequence below `before` (default: all), newest first."""
        if workspace is not None and not is_text(workspace):
            return ()
        with self._reading() as connection:
            return read_last_operations(connection, workspace, before=before, limit=limit)

    def reflog(
        self, name: str, *, workspace: str = "", until: int | None = None, skip: int = 0, limit: int | None = None
    ) -> tuple[Move, ...]:
        """Where a ref pointed over time, newest first; it outlives the ref.

        Parameters
        ----------
        name : str
            Name of the ref, or ``"HEAD"``.
        workspace : str
            Whose HEAD, for ``"HEAD"``: the commits and branches that it was at, a line for each operation of that
            workspace that switched branches or moved the branch it was on.
        until : int, optional
            Only operations at or before this time, in microseconds since 1970-01-01 UTC.
        skip : int
            Leave out so many of the newest.
        limit : int, optional
            At most so many.
        """
        if not (is_text(name) and is_text(workspace)):
            return ()
        with self._reading() as connection:
            return read_reflog(connection, name, workspace, until=until, skip=skip, limit=limit)

    def last_moves(self, names: Collection[str]) -> Mapping[str, int]:
        """Sequence of the last operation that moved each of these refs; of those that ever moved."""
        with self._reading() as connection:
            return read_last_moves(connection, frozenset(filter(is_text, names)))

    # --- workspaces

    def workspace(self, name: WorkspaceName, *, branch: str, process: str = "", time: int = 0) -> Head:
        """HEAD of the workspace known by `name`; a new one starts on `branch` without bases.

        A catalog that was opened read-only answers with a new workspace too, but does not remember it.

        Parameters
        ----------
        name : WorkspaceName
            What it is recognised by.
        branch : str
            Where a new one starts.
        process : str
            Who opens it, for `workspaces`; ``""`` leaves what is remembered as it is. Where nothing can be written, or
            another process is writing, it is not remembered.
        time : int
            When, in microseconds since 1970-01-01 UTC.
        """
        check_text(branch)
        check_text(process)
        head = self._workspace(name_to_json(name), branch)
        if process and not self._read_only:
            with suppress(StorageError), translated(self._path), noting(self._engine) as connection:
                note_opening(connection, head.workspace, process, time)
        return head

    def _workspace(self, name: str, branch: str) -> Head:
        with self._reading() as connection:
            head = find_head(connection, name)
        if head is not None:
            return head
        new = Head(str(uuid4()), branch)
        if self._read_only:
            return new
        with self._writing() as connection:
            add_workspace(connection, new.workspace, name, branch)
            return find_head(connection, name) or new  # another process may have been faster

    def known_workspace(self, name: WorkspaceName) -> WorkspaceRecord | None:
        """Return the workspace known by `name`, or None; unlike `workspace`, this makes no new one."""
        with self._reading() as connection:
            return read_workspace(connection, name_to_json(name))

    def workspaces(self) -> tuple[WorkspaceRecord, ...]:
        """All workspaces, the one that was opened last first."""
        with self._reading() as connection:
            return read_workspaces(connection)

    def adopt(self, workspace: str, source: str) -> Head:
        """Give a workspace the HEAD (branch and bases) of another one, by their ids; its HEAD as it is then.

        Raises
        ------
        UnknownName
            If there is no workspace `source` or `workspace`.
        """
        with self._writing() as connection:
            return adopt_head(connection, workspace, source)

    def set_head(self, head: Head) -> None:
        """Store HEAD of an existing workspace (branch and all bases).

        Raises
        ------
        UnknownName
            If there is no such workspace.
        ObjectMissing
            If a base is no commit.
        """
        with self._writing() as connection:
            require_commits(connection, set(head.bases.values()))
            store_head(connection, head)

    # --- cell runs

    def record_run(self, run: CellRun) -> int:
        """Return what `Catalog.record_run` promises."""
        check_text(run.run)
        with self._writing(durable=False) as connection:
            return record_run(connection, run)

    def amend_run(
        self,
        run: str,
        *,
        reads: Sequence[FrameState] | None = None,
        writes: Sequence[FrameWrite] | None = None,
        external: Sequence[External] | None = None,
        environment: str | None = None,
    ) -> CellRun:
        """Return what `Catalog.amend_run` promises."""
        check_text(run)
        with self._writing(durable=False) as connection:
            return amend_run(connection, run, reads=reads, writes=writes, external=external, environment=environment)

    def run(self, run: str) -> CellRun | None:
        """Cell run of that id, or None."""
        if not is_text(run):
            return None
        with self._reading() as connection:
            return read_run(connection, run)

    def runs_by_id(self, ids: Collection[str]) -> Mapping[str, CellRun]:
        """Those of `ids` that are cell runs, read together."""
        with self._reading() as connection:
            return read_runs_by_id(connection, frozenset(filter(is_text, ids)))

    def runs_with_prefix(self, prefix: str, *, limit: int = 10) -> tuple[str, ...]:
        """Ids of cell runs that start with `prefix` (hexadecimal, lower case, at least 1 digit), sorted."""
        if not _PREFIX.fullmatch(prefix):
            return ()
        with self._reading() as connection:
            return read_runs_with_prefix(connection, prefix, limit)

    def runs(self, *, after: int = 0, wanted: RunFilter = EVERY_RUN, limit: int | None = None) -> tuple[CellRun, ...]:
        """Cell runs with a sequence above `after` (exclusive), oldest first; whoever follows them misses none."""
        with self._reading() as connection:
            return read_runs(connection, wanted, after=after, limit=limit)

    def last_runs(
        self,
        *,
        before: int | None = None,
        wanted: RunFilter = EVERY_RUN,
        limit: int | None = None,
        edges: bool = True,
    ) -> tuple[CellRun, ...]:
        """Cell runs with a sequence below `before` (exclusive; default: all), newest first."""
        with self._reading() as connection:
            return read_last_runs(connection, wanted, before=before, limit=limit, edges=edges)

    def runs_of_tables(self, tables: Collection[ObjectId]) -> Mapping[ObjectId, tuple[TableUse, ...]]:
        """By table, of those that were: the cell runs that read it or held it before or after, oldest first."""
        with self._reading() as connection:
            return read_uses(connection, tables)

    def record_environment(self, environment: Environment) -> str:
        """Remember what code ran in, each environment once; its id, which runs name.

        Raises
        ------
        CatalogBusy, StorageFull, StorageDenied
            If the database refuses.
        """
        with self._writing(durable=False) as connection:
            record_environment(connection, environment)
        return environment.id

    def environment(self, environment: str) -> Environment | None:
        """Environment of that id, or None."""
        if not is_text(environment):
            return None
        with self._reading() as connection:
            return read_environment(connection, environment)

    def pending_runs(self, *, limit: int) -> RunBatch | None:
        """At most so many runs whose latest version is not in the journal yet, oldest first, and all such environments.

        None where nothing is pending.
        """
        with self._reading() as connection:
            return read_pending(connection, limit, catalog=self._uuid)

    def runs_flushed(self, batch: RunBatch) -> None:
        """Mark what a batch holds as flushed; a run that was amended since it was gathered stays pending."""
        self._check_writable()
        with translated(self._path), noting(self._engine) as connection:  # if it fails, they are written once more
            mark_flushed(connection, batch)

    def close(self) -> None:
        """Release connections; the catalog may not be used afterwards. Closing twice does nothing."""
        self._closed = True
        self._probe.close()
        self._engine.dispose()


def _ref(row: sa.Row[Any]) -> Ref:
    name, kind, commit, annotation = tuple(row)
    return Ref(name, kind, commit, annotation_from_json(annotation))


def _require_write_access(path: Path) -> None:
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise StorageDenied(
                f"{place} cannot be written by this user",
                remedy="Allow this user to write the file and its folder, or open the repository read-only",
            )
