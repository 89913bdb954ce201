"""What differs between databases: connections, transactions, locks, error codes, fast statements. SQLite only, for now.

PostgreSQL will need its own `writable_engine`, error codes and look-up of many ids; the rest of the catalog is plain
SQLAlchemy Core and does not ask which database it talks to.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool, QueuePool

from lineageflow_jupyter.errors import (
    CatalogBusy,
    CorruptData,
    LineageFlowError,
    StorageDenied,
    StorageError,
    StorageFull,
    UnsafeLocation,
)

BUSY_TIMEOUT = 30.0
"""Seconds that a writer waits for another one."""

PAGE_CACHE_KIB = 16_384
"""Page cache of a connection. SQLite's own 2 MB is little beside the 50 MB that a million objects take."""

WAL_LIMIT_BYTES = 64 * 2**20
"""The write-ahead log is cut back to this after a commit that made it grow further."""

NOTE_TIMEOUT = 1.0
"""Seconds that a writer of `noting` waits: what it writes is not worth more."""

MAX_PARAMETERS = 900
"""Values in one statement: within every SQLite's limit (999 before 3.32); larger batches gain about a tenth."""

_BEGIN = "lineageflow_begin"
_SYNC = "lineageflow_synchronous"
_DIALECT = sqlite.dialect()
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

T = TypeVar("T")


def writable_engine(path: Path, *, create: bool, busy_timeout: float) -> Engine:
    """Engine for reading and writing a SQLite file.

    Parameters
    ----------
    path : Path
        The database file.
    create : bool
        Whether a missing file is created.
    busy_timeout : float
        Seconds to wait for another writer.

    Returns
    -------
    Engine
        Transactions of this engine begin DEFERRED; those of `for_writing` of it begin IMMEDIATE. Where a write-ahead
        log cannot be had, connecting raises `UnsafeLocation`.
    """
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"

    def connect() -> sqlite3.Connection:
        connection = _connect(uri, busy_timeout)
        try:
            enter_wal(connection, path)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA fullfsync=ON")  # macOS: past the drive's own cache; elsewhere without effect
            connection.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
        except BaseException:
            connection.close()
            raise
        return connection

    return _engine(path, connect, poolclass=QueuePool, pool_size=5, max_overflow=-1)


def read_only_engine(path: Path, *, busy_timeout: float) -> Engine:
    """Engine that never changes the SQLite file, and needs no permission to.

    Where the folder can be written, or another process has the database open, SQLite's own read-only mode works and
    sees every commit. In a folder that cannot be written SQLite refuses that mode for want of its shared-memory file;
    then the file is read as immutable, and `unchanged_file` must guard each transaction against a writer.
    """
    base = path.absolute().as_uri()

    def connect() -> sqlite3.Connection:
        immutable = _only_immutable(path)
        return _connect(f"{base}?mode=ro{'&immutable=1' if immutable else ''}", busy_timeout)

    # A connection per transaction: whether the file is immutable is only known for that long.
    return _engine(path, connect, poolclass=NullPool)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a scratch file beside `path` that gets that name at the end, complete, unless something has it by then."""
    scratch = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        yield scratch
        with suppress(FileExistsError):
            _name(scratch, path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        for suffix in ("", "-wal", "-shm"):
            _side_file(scratch, suffix).unlink(missing_ok=True)


def _name(scratch: Path, path: Path) -> None:
    try:
        path.hardlink_to(scratch)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        path.touch(exist_ok=False)  # a file system without hard links, such as exFAT: claim the name, then rename
        scratch.replace(path)


def for_writing(engine: Engine) -> Engine:
    """View of `engine` whose transactions take the write lock when they begin.

    A transaction that reads first and writes later would fail at once, whatever the timeout, if another process had
    committed in between.
    """
    return engine.execution_options(**{_BEGIN: "IMMEDIATE", _SYNC: "FULL"})


def for_writing_soon(engine: Engine) -> Engine:
    """View of `engine` for what may be lost with the power, and only that: it is written without waiting for the disk.

    A later transaction of `for_writing` makes it durable with its own.
    """
    return engine.execution_options(**{_BEGIN: "IMMEDIATE", _SYNC: "NORMAL"})


@contextmanager
def noting(engine: Engine) -> Iterator[Connection]:
    """Transaction of `for_writing_soon` for what is not worth waiting for: it gives up after `NOTE_TIMEOUT`."""
    with for_writing_soon(engine).connect() as connection:
        driver = connection.connection.cursor()
        (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
        driver.execute(f"PRAGMA busy_timeout={int(min(patience, NOTE_TIMEOUT * 1000))}")
        try:
            with connection.begin():
                yield connection
        finally:
            driver.execute(f"PRAGMA busy_timeout={patience}")
            driver.close()


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """Transaction in which the schema may be rebuilt: foreign keys are checked at its end, not on the way."""
    with for_writing(engine).connect() as connection:
        driver = connection.connection.cursor()
        driver.execute("PRAGMA foreign_keys=OFF")  # has an effect only outside of a transaction
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise CorruptData(
                        f"{len(broken)} rows of the catalog refer to rows that do not exist (first: {broken[0]})",
                        remedy="Restore the catalog from a backup, or recover it from the object store",
                    )
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
            driver.close()


def _only_immutable(path: Path) -> bool:
    """Whether `path` can only be opened as immutable: we cannot create SQLite's shared memory, and nobody else did."""
    if os.access(path.parent, os.W_OK) or _side_file(path, "-shm").exists():
        return False
    log = _side_file(path, "-wal")
    return not log.exists() or log.stat().st_size == 0  # else commits lie in it, which immutable would not see


def _side_file(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _connect(uri: str, busy_timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        # First, since the pragmas that follow may have to wait for a lock too.
        connection.execute(f"PRAGMA busy_timeout={int(busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{PAGE_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def enter_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to a write-ahead log, and believe only the answer.

    Raises
    ------
    UnsafeLocation
        If the place cannot hold one.
    """
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise UnsafeLocation(
            f"{path.parent} cannot hold a write-ahead log ({mode!r} was offered): commits could be lost there",
            remedy="Put the repository into a folder on a local disk",
        )


def _engine(path: Path, connect: Callable[[], sqlite3.Connection], **options: Any) -> Engine:
    url = sa.URL.create("sqlite+pysqlite", database=path.name)  # for messages; `connect` knows the file
    engine = sa.create_engine(url, creator=connect, **options)
    sa.event.listen(engine, "begin", _begin)
    _engines.add(engine)
    return engine


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if _SYNC in options:
        connection.exec_driver_sql(f"PRAGMA synchronous={options[_SYNC]}")
    connection.exec_driver_sql("BEGIN " + options.get(_BEGIN, "DEFERRED"))


# --- changes by others -----------------------------------------------------------------------------------------------


class ChangeProbe:
    """Tells whether a SQLite file was written, by a connection of its own that is kept: SQLite counts for each.

    Safe to use from several threads and forked children. Nothing is opened before it is asked.

    Parameters
    ----------
    path : Path
        The database file.
    busy_timeout : float
        Seconds to wait for a writer.
    """

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        self._path = path.absolute()  # the process may change its folder before it asks
        self._busy_timeout = busy_timeout
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._name = ""
        _probes.add(self)

    def state(self) -> str:
        """A text that is another one once anything was written, or the file was replaced by another."""
        with self._lock:
            found = self._path.stat()
            if _only_immutable(self._path):  # read as it is, and SQLite counts nothing
                self._drop()
                return f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
            if self._connection is None or self._file != (found.st_dev, found.st_ino):
                self._drop()
                self._connection = _connect(f"{self._path.as_uri()}?mode=ro", self._busy_timeout)
                # The count begins anew with each connection, and could come to what it was before.
                self._file, self._name = (found.st_dev, found.st_ino), uuid4().hex
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            return f"{self._name}-{version}"

    def close(self) -> None:
        """Close the connection; asking again opens another."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _forget(self) -> None:
        self._lock = Lock()  # another thread of the parent may have held it
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None


# --- fork ------------------------------------------------------------------------------------------------------------

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
_probes: weakref.WeakSet[ChangeProbe] = weakref.WeakSet()
_inherited: list[Any] = []


def _forget_connections() -> None:
    for engine in list(_engines):
        # The parent goes on using these connections. Closing them here, as collecting them would, could end the
        # parent's locks or remove its log, so they are kept, unused, for as long as the child lives.
        _inherited.append(engine.pool)
        engine.dispose(close=False)
    for probe in list(_probes):
        probe._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


# --- errors ----------------------------------------------------------------------------------------------------------


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise errors of the database at `path` as errors of LineageFlow.

    Raises
    ------
    CatalogBusy
        If another process kept the database locked.
    StorageFull, StorageDenied, StorageError
        If the disk is full, refuses, or fails.
    CorruptData
        If the file is damaged or not a database.
    """
    try:
        yield
    except (sqlite3.Error, sa.exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        known = _as_ours(path, cause)
        if known is None:
            raise
        raise known from error
    except OSError as error:
        kind = StorageFull if error.errno in _FULL else StorageDenied if error.errno in _DENIED else StorageError
        raise kind(
            f"the catalog {path} cannot be used ({error.strerror})", remedy="Check the disk and its folder"
        ) from error


def _as_ours(path: Path, cause: BaseException | None) -> LineageFlowError | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return CatalogBusy(
                f"another process keeps the catalog {path} locked",
                remedy="Try again when its commit has ended; if none runs, look for a stopped notebook or program",
            )
        case sqlite3.SQLITE_FULL:
            return StorageFull(f"no space is left for the catalog {path}", remedy="Free some space and try again")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH | sqlite3.SQLITE_CANTOPEN:
            return StorageDenied(
                f"the catalog {path} cannot be opened or written ({cause})",
                remedy="Allow this user to write the file and its folder, or open the repository read-only",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return CorruptData(
                f"the catalog {path} is damaged or not a SQLite database ({cause})",
                remedy="Restore it from a backup, or recover it from the object store",
            )
        case sqlite3.SQLITE_IOERR:
            return StorageError(
                f"the disk failed to read or write the catalog {path} ({cause})", remedy="Check the disk and its quota"
            )
    return None


# --- statements ------------------------------------------------------------------------------------------------------


@contextmanager
def unchanged_file(path: Path) -> Iterator[None]:
    """Guard a transaction of `read_only_engine`: an immutable file that did change was perhaps read half old, half new.

    Raises
    ------
    CatalogBusy
        If a writer was at work meanwhile.
    """
    if not _only_immutable(path):
        yield
        return
    before = path.stat()
    try:
        yield
    finally:
        after = path.stat()
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or not _only_immutable(path):
            raise CatalogBusy(f"the catalog {path} was written while it was read", remedy="Try again")


def insert(table: sa.Table) -> sqlite.Insert:
    """INSERT that can say what happens on a conflict; the same words work for PostgreSQL."""
    return sqlite.insert(table)


def insert_rows(connection: Connection, statement: sa.Insert, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows, whose values come in the order of the table's columns.

    Tuples go straight to the driver: SQLAlchemy's work for each row would be more than the database's own.
    """
    if rows:
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(_text(statement), rows)
        finally:
            cursor.close()


def select_in(
    connection: Connection, select: sa.Select[Any], column: sa.ColumnElement[Any], values: Collection[Any]
) -> Iterator[Sequence[Any]]:
    """Rows of `select` (without parameters and conditions) where `column` is one of any number of `values`.

    Rows come straight from the driver, for the same reason as in `insert_rows`.

    Parameters
    ----------
    connection : Connection
        Connection in a transaction, so that all batches see the same state.
    select : Select
        What to select, and from where.
    column : ColumnElement
        Column to compare.
    values : collection
        No value twice, or its row comes twice.

    Yields
    ------
    sequence
        A row, in no particular order.
    """
    before = f"{_text(select)} WHERE {_text(column)} IN "
    cursor = connection.connection.cursor()
    try:
        for batch in batches(sorted(values)):  # neighbours lie on the same pages
            cursor.execute(f"{before}({', '.join('?' * len(batch))})", batch)
            yield from cursor.fetchall()
    finally:
        cursor.close()


def select_rows(connection: Connection, select: sa.Select[Any], values: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """All rows of `select`, whose parameters get `values` in the order in which they stand; straight from the driver.

    For thousands of rows: as in `select_in`, SQLAlchemy's work for each would be more than the database's own.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_text(select), tuple(values))
        return cursor.fetchall()
    finally:
        cursor.close()


def holds(column: sa.ColumnElement[str], part: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Condition: the text in `column` has `part` in it, character by character; no pattern, and of any length."""
    return sa.func.instr(column, part) > 0


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield lists of as many values as one statement takes."""
    rest = iter(values)
    while batch := list(islice(rest, MAX_PARAMETERS)):
        yield batch


@cache  # all callers pass constants of their modules
def _text(part: sa.ClauseElement) -> str:
    return str(part.compile(dialect=_DIALECT))
