"""Opening and creating repositories: from a location to a `Repository`. The embedded form lies in one folder."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from contextlib import suppress
from pathlib import Path

import psutil

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.config import process_workspace, settings
from lineageflow_jupyter.errors import (
    NameTaken,
    NotARepository,
    NotAvailable,
    StorageDenied,
    StorageFull,
    WrongCatalog,
)
from lineageflow_jupyter.model.records import Head, WorkspaceName
from lineageflow_jupyter.publishing import flush_journal
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.store.column_cache import ColumnCache
from lineageflow_jupyter.store.files import storage_error
from lineageflow_jupyter.store.identity import create_identity, read_identity
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.store.location import check_location

FOLDER = ".lineageflow"
CATALOG = "catalog.sqlite"
OBJECTS = "objects"
COLUMNS = "cache/columns"
DEFAULT_BRANCH = "main"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one slash: a `Path` of an address has lost the other


def find(path: str | Path = ".") -> Path | None:
    """Folder that holds a repository, here or above; None if there is none. Nothing is opened.

    Parameters
    ----------
    path : path-like
        Where to begin.
    """
    start = Path(path).expanduser().resolve()
    if not start.exists():  # a mistyped folder is not in the repository above it
        return None
    return next((folder for folder in (start, *start.parents) if (folder / FOLDER / CATALOG).is_file()), None)


def open(location: str | Path = ".", *, workspace: WorkspaceName | None = None) -> Repository:  # noqa: A001
    """Open the repository of a folder, or of one above it.

    Parameters
    ----------
    location : path-like
        A folder. Addresses of team repositories are not available in this version.
    workspace : WorkspaceName, optional
        Who opens it; the running notebook or process by default.

    Raises
    ------
    NotARepository
        If there is none.
    NewerFormat, WrongCatalog, UnsafeLocation, CorruptData
        If it cannot be used safely.

    Examples
    --------
    >>> import tempfile, lineageflow_jupyter as lf
    >>> folder = tempfile.mkdtemp()
    >>> lf.init(folder).close()
    >>> lf.open(folder).branches()
    ()
    """
    _refuse_address(location)
    root = find(location)
    if root is None:
        raise NotARepository(
            f"no LineageFlow repository in {Path(location).expanduser().resolve()} or above",
            remedy="Create one here: `%lf init`, or lineageflow_jupyter.init()",
        )
    return _opened(root, workspace)


def init(path: str | Path = ".", *, workspace: WorkspaceName | None = None) -> Repository:
    """Create a repository in a folder, and the folder if need be.

    Parameters
    ----------
    path : path-like
        The folder; data goes to ``.lineageflow`` inside.
    workspace : WorkspaceName, optional
        Who opens it; the running notebook or process by default.

    Raises
    ------
    NameTaken
        If the folder holds a repository already.
    UnsafeLocation
        If it lies on a network file system.
    WrongCatalog
        If the folder holds objects whose catalog is gone.
    StorageDenied, StorageFull
        If it cannot be written.
    """
    _refuse_address(path)
    root = Path(path).expanduser().resolve()
    if (root / FOLDER / CATALOG).exists():
        raise NameTaken(f"{root} holds a repository already", remedy=f"Open it: `%lf open {root}`")
    check_location(root)
    folder = root / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("# made by LineageFlow\n*\n", encoding="utf-8")
    except OSError as error:
        raise storage_error(error, folder, "create") from error
    from lineageflow_jupyter.catalog.sql import SqlCatalog  # not on the path of `import`: SQLAlchemy takes a second

    store = LocalStore(folder / OBJECTS, create=True)
    _refuse_orphans(root, store)
    catalog = SqlCatalog.create(folder / CATALOG, uuid=str(uuid.uuid4()))
    try:
        create_identity(store, catalog.uuid)
    finally:
        catalog.close()
    return _opened(root, workspace)


def _refuse_orphans(root: Path, store: LocalStore) -> None:
    """Refuse to create a catalog beside objects of another one: neither could be used then."""
    left = read_identity(store)
    if left is None:
        return
    if (root / FOLDER / CATALOG).exists():  # another process was faster
        raise NameTaken(f"{root} holds a repository already", remedy=f"Open it: `%lf open {root}`")
    raise WrongCatalog(
        f"{store.path} holds the objects of catalog {left.catalog}, which is not there",
        remedy="Put that catalog back from a backup, or move these objects away and create the repository again",
    )


def _opened(root: Path, workspace: WorkspaceName | None) -> Repository:
    check_location(root)
    folder = root / FOLDER
    store = LocalStore(folder / OBJECTS)
    catalog = _catalog(folder / CATALOG)
    try:
        if read_identity(store) is None and catalog.operations(limit=1):
            raise NotARepository(
                f"{folder / OBJECTS} holds no repository.json",
                remedy="Restore that file from a backup of the repository",
            )
        create_identity(store, catalog.uuid)  # checks it; creates it where `init` was interrupted
        found = settings()
        name = workspace or process_workspace(found)
        shared_with = _other_process(catalog, name)
        head = _head(catalog, name)
        cache = ColumnCache(folder / COLUMNS, enabled=found.cache, limit_bytes=found.cache_bytes)
        with suppress(StorageDenied, StorageFull):  # a repository that can only be read
            flush_journal(catalog, store)
        return Repository(
            catalog,
            store,
            head,
            location=str(root),
            author=lambda: settings().author,
            shared_with=shared_with,
            cache=cache,
        )
    except BaseException:
        catalog.close()
        raise


def _catalog(path: Path) -> Catalog:
    from lineageflow_jupyter.catalog.sql import SqlCatalog

    try:
        return SqlCatalog.open(path)
    except StorageDenied:
        return SqlCatalog.open(path, read_only=True)


def _head(catalog: Catalog, name: WorkspaceName) -> Head:
    try:
        return catalog.workspace(name, branch=DEFAULT_BRANCH, process=_process(), time=time.time_ns() // 1000)
    except (StorageDenied, StorageFull):  # not remembered where nothing can be written
        return Head("", DEFAULT_BRANCH)


def _process() -> str:
    """This process, so that it cannot be mistaken for a later one with the same number."""
    try:
        return json.dumps([os.getpid(), psutil.Process().create_time()])
    except psutil.Error:  # a process that may not look at itself, as in some containers
        return ""


def _other_process(catalog: Catalog, name: WorkspaceName) -> str:
    """Another running process that has the workspace open, for people; ``""`` where there is none."""
    known = next((record for record in catalog.workspaces() if record.name == name), None)
    if known is None or not known.process or known.process == _process():
        return ""
    try:
        number, created = json.loads(known.process)
        alive = psutil.Process(number).create_time() == created
    except (psutil.Error, ValueError, TypeError):
        return ""
    return f"process {number}" if alive else ""


def _refuse_address(location: str | Path) -> None:
    if _ADDRESS.match(str(location)):
        raise NotAvailable(
            f"{location!s}: repositories in the cloud are not available in this version", remedy="Use a local folder"
        )
