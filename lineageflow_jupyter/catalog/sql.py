"""`SqlCatalog`: the catalog port on SQLAlchemy Core. Each method is one transaction; the steps live beside it.

`schema` has the tables, `engine` what belongs to the database at hand, `upgrade` creation and migrations, `publish`
the writing and `log` the reading of history.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from lineageflow_jupyter.catalog.engine import (
    BUSY_TIMEOUT,
    batches,
    for_writing,
    for_writing_soon,
    insert,
    new_file,
    read_only_engine,
    select_in,
    translated,
    unchanged_file,
    writable_engine,
)
from lineageflow_jupyter.catalog.log import read_commits, read_log
from lineageflow_jupyter.catalog.publish import (
    check_text,
    is_text,
    live,
    prepare,
    publish,
    read_bases,
    read_operation,
    require_commits,
    store_head,
)
from lineageflow_jupyter.catalog.schema import (
    HEAD_REVISION,
    commits,
    objects,
    operations,
    outbox,
    packs,
    refs,
    workspaces,
)
from lineageflow_jupyter.catalog.upgrade import bring_up_to_date, create_tables, identity, revision
from lineageflow_jupyter.errors import NameTaken, NotARepository, StorageDenied, UsageProblem
from lineageflow_jupyter.model.ids import ID_BYTES, ObjectId
from lineageflow_jupyter.model.records import (
    CommitRecord,
    Head,
    JournalEntry,
    Location,
    Operation,
    Publication,
    Ref,
    WorkspaceName,
)

_LOCATIONS = sa.select(objects.c.id, objects.c.pack_id, objects.c.offset, objects.c.length)
_PREFIX = re.compile(f"[0-9a-f]{{1,{2 * ID_BYTES}}}")
_INSERT_WORKSPACE = insert(workspaces).on_conflict_do_nothing(index_elements=[workspaces.c.name])


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
        self._check_open()
        if self._read_only:
            raise StorageDenied(
                f"the catalog {self._path} was opened read-only", remedy="Open the repository with permission to write"
            )
        with translated(self._path), (self._writer if durable else self._lazy_writer).begin() as connection:
            yield connection

    def _check_open(self) -> None:
        if self._closed:
            raise UsageProblem(f"the catalog {self._path} was closed", remedy="Open the repository again")

    # --- refs and commits

    def ref(self, name: str) -> Ref | None:
        """Return one ref, or None."""
        if not is_text(name):
            return None
        with self._reading() as connection:
            row = connection.execute(sa.select(refs).where(refs.c.name == name)).one_or_none()
            return None if row is None else Ref(*row)

    def refs(self, *, kinds: Collection[str] = ("branch", "tag")) -> tuple[Ref, ...]:
        """Refs of the given kinds, sorted by name."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(refs).where(refs.c.kind.in_(tuple(kinds)))).all()
        return tuple(sorted((Ref(*row) for row in rows), key=lambda ref: ref.name))

    def commit(self, oid: ObjectId) -> CommitRecord | None:
        """Return one commit, or None.

        Raises
        ------
        CorruptData
            If the stored commit is not the one that `oid` stands for.
        """
        with self._reading() as connection:
            return next(read_commits(connection, [oid]), None)

    def commits_with_prefix(self, prefix: str, *, limit: int = 10) -> tuple[ObjectId, ...]:
        """Ids of commits whose hexadecimal form starts with `prefix` (lower case, at least 1 digit), sorted."""
        if not _PREFIX.fullmatch(prefix):
            return ()
        first, last = (bytes.fromhex(prefix.ljust(2 * ID_BYTES, digit)) for digit in "0f")
        statement = sa.select(commits.c.id).where(commits.c.id.between(first, last)).order_by(commits.c.id).limit(limit)
        with self._reading() as connection:
            return tuple(ObjectId(oid) for oid in connection.execute(statement).scalars())

    def log(self, start: ObjectId, *, dataset: str | None = None, limit: int | None = None) -> tuple[CommitRecord, ...]:
        """Return commits reachable from `start`: children before parents, newest first among the unordered.

        Parameters
        ----------
        start : ObjectId
            Where to begin; included.
        dataset : str, optional
            Only commits that changed this dataset.
        limit : int, optional
            At most so many.

        Raises
        ------
        ObjectMissing
            If there is no commit `start`.
        CorruptData
            If the history is damaged.
        """
        if dataset is not None and not is_text(dataset):
            return ()
        with self._reading() as connection:
            return read_log(connection, start, dataset=dataset, limit=limit)

    # --- objects

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of `ids` that lie in packs that gc has not condemned."""
        with self._reading() as connection:
            return live(connection, frozenset(ids))

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

        The refs are locked first and compared with `RefChange.before`. A publication whose operation id is in the
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
        statement = sa.select(operations).where(operations.c.sequence > after).order_by(operations.c.sequence)
        with self._reading() as connection:
            return tuple(read_operation(row) for row in connection.execute(statement.limit(limit)))

    # --- workspaces

    def workspace(self, name: WorkspaceName, *, branch: str) -> Head:
        """HEAD of the workspace known by `name`; a new one starts on `branch` without bases.

        A catalog that was opened read-only answers with a new workspace too, but does not remember it.
        """
        check_text(branch)
        text = json.dumps([name.user, name.host, name.path])
        with self._reading() as connection:
            head = _head(connection, text)
        if head is not None:
            return head
        new = str(uuid4())
        if self._read_only:
            return Head(new, branch, {})
        with self._writing() as connection:
            connection.execute(_INSERT_WORKSPACE, {"id": new, "name": text, "branch": branch})
            head = _head(connection, text)  # another process may have been faster
        return head or Head(new, branch, {})

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

    def close(self) -> None:
        """Release connections; the catalog may not be used afterwards. Closing twice does nothing."""
        self._closed = True
        self._engine.dispose()


def _head(connection: Connection, name: str) -> Head | None:
    row = connection.execute(
        sa.select(workspaces.c.id, workspaces.c.branch).where(workspaces.c.name == name)
    ).one_or_none()
    return None if row is None else Head(row[0], row[1], read_bases(connection, row[0]))


def _require_write_access(path: Path) -> None:
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            raise StorageDenied(
                f"{place} cannot be written by this user",
                remedy="Allow this user to write the file and its folder, or open the repository read-only",
            )
