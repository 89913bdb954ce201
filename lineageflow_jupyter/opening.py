"""Opening and creating repositories: from a location to a `Repository`. The embedded form lies in one folder."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

import psutil

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.config import DEFAULT, Settings, process_workspace, settings
from lineageflow_jupyter.errors import (
    InvalidSetting,
    NameTaken,
    NotARepository,
    NotAvailable,
    StorageDenied,
    StorageError,
    StorageFull,
    WrongCatalog,
)
from lineageflow_jupyter.expiring import Keeping
from lineageflow_jupyter.history import unknown
from lineageflow_jupyter.model.records import Head, WorkspaceName
from lineageflow_jupyter.model.revisions import check_name, composed
from lineageflow_jupyter.publishing import flush_journal, flush_runs
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
SNAPSHOTS = "snapshots"
GLANCE_SECONDS = 1.0
"""How long a repository that was opened to be looked at waits for the catalog."""
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


def open(  # noqa: A001
    location: str | Path = ".",
    *,
    workspace: WorkspaceName | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Repository:
    """Open the repository of a folder, or of one above it.

    Parameters
    ----------
    location : path-like
        A folder. Addresses of team repositories are not available in this version.
    workspace : WorkspaceName, optional
        Who opens it; the running notebook or process by default.
    overrides : mapping of str to object, optional
        Settings that go before those of the environment, by name (``docs/configuration.md``). Kept and read again
        whenever a setting is needed.

    Raises
    ------
    NotARepository
        If there is none.
    InvalidSetting
        If the workspace or its first branch is set to what cannot be.
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
    return _opened(_existing(location), workspace, overrides or {})


def visit(location: str | Path = ".", *, branch: str | None = None) -> Repository:
    """Open a repository without a workspace: HEAD is a branch as it is now, and nobody remembers it.

    For what comes and goes without a notebook, such as the command line: a thousand runs of a job leave no thousand
    workspaces, and each starts from what the branch holds.

    Parameters
    ----------
    location : path-like
        A folder, as `open` takes it.
    branch : str, optional
        Where HEAD is; by default as the setting ``branch`` says, else ``main``.

    Raises
    ------
    UnknownName
        If there is no such branch, but others; close matches are listed.
    NotARepository, NewerFormat, WrongCatalog, UnsafeLocation, CorruptData
        As `open` does.
    """
    return _opened(_existing(location), None, {}, visiting=branch or settings().branch)


def init(
    path: str | Path = ".",
    *,
    workspace: WorkspaceName | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Repository:
    """Create a repository in a folder, and the folder if need be.

    Parameters
    ----------
    path : path-like
        The folder; data goes to ``.lineageflow`` inside.
    workspace : WorkspaceName, optional
        Who opens it; the running notebook or process by default.
    overrides : mapping of str to object, optional
        Settings that go before those of the environment, by name (``docs/configuration.md``). Kept and read again
        whenever a setting is needed.

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
    InvalidSetting
        If the workspace or its first branch is set to what cannot be. Nothing was created.
    """
    found = settings(overrides=overrides)
    _ = found.workspace, found.branch
    return _opened(create(path), workspace, overrides or {})


def warm_up() -> None:
    """Import what opening a repository takes, so that it is quick afterwards."""
    from lineageflow_jupyter.catalog.sql import SqlCatalog

    _ = SqlCatalog


def create(path: str | Path = ".") -> Path:
    """Create a repository in a folder as `init` does, without opening it; returns the folder."""
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
    return root


def _existing(location: str | Path) -> Path:
    """Folder of the repository that a location lies in."""
    _refuse_address(location)
    root = find(location)
    if root is None:
        raise NotARepository(
            f"no LineageFlow repository in {Path(location).expanduser().resolve()} or above",
            remedy="Create one here: `%lf init`, or lineageflow_jupyter.init()",
        )
    return root


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


def glance(
    root: Path, workspace: WorkspaceName | None = None, overrides: Mapping[str, object] | None = None
) -> Repository:
    """Open a repository to look at it: nothing is written, no workspace is remembered, no lock is waited for.

    Parameters
    ----------
    root : Path
        Folder of the repository, as `find` gives it.
    workspace : WorkspaceName, optional
        Whose HEAD it shows; by default HEAD is the branch of the settings if there is one, else the first that exists.
    overrides : mapping of str to object, optional
        Settings that go before those of the environment.
    """
    from lineageflow_jupyter.catalog.sql import SqlCatalog

    catalog = SqlCatalog.open(root / FOLDER / CATALOG, read_only=True, busy_timeout=GLANCE_SECONDS)
    try:
        store = LocalStore(root / FOLDER / OBJECTS)
        branch = settings(overrides=overrides).branch
        head = catalog.workspace(workspace, branch=branch) if workspace else Head("", _usual_branch(catalog, branch))
        return Repository(catalog, store, head, location=str(root), author=lambda: settings(overrides=overrides).author)
    except BaseException:
        catalog.close()
        raise


def _usual_branch(catalog: Catalog, branch: str) -> str:
    names = [ref.name for ref in catalog.refs(kinds=("branch",))]
    return branch if branch in names or not names else names[0]


def _opened(
    root: Path, workspace: WorkspaceName | None, overrides: Mapping[str, object], *, visiting: str = ""
) -> Repository:
    def configured() -> Settings:
        return settings(overrides=overrides)

    check_location(root)
    folder = root / FOLDER
    found = configured()
    name, branch = workspace or process_workspace(found), found.branch
    store = LocalStore(folder / OBJECTS)
    catalog = _catalog(folder / CATALOG)
    try:
        if read_identity(store) is None and catalog.operations(limit=1):
            raise NotARepository(
                f"{folder / OBJECTS} holds no repository.json",
                remedy="Restore that file from a backup of the repository",
            )
        create_identity(store, catalog.uuid)  # checks it; creates it where `init` was interrupted
        if found.found["branch"].source != DEFAULT and not visiting:
            _require_branch(catalog, branch)
        shared_with = "" if visiting else _other_process(catalog, name)
        head = _visitor(catalog, visiting) if visiting else _head(catalog, name, branch)
        with suppress(StorageDenied, StorageFull):  # a repository that can only be read
            flush_journal(catalog, store)
        with suppress(StorageError):  # nobody waits for them: they stay owed
            flush_runs(catalog, store)
        return Repository(
            catalog,
            store,
            head,
            location=str(root),
            author=lambda: configured().author,
            shared_with=shared_with,
            cache=_cache(folder / COLUMNS, found),
            snapshot_store=lambda workspace: LocalStore(folder / SNAPSHOTS / workspace, create=True),
            snapshot_workspaces=lambda: _folders(folder / SNAPSHOTS),
            keeping=lambda: Keeping(configured().snapshot_days, configured().snapshot_size),
        )
    except BaseException:
        catalog.close()
        raise


def _folders(path: Path) -> list[str]:
    try:
        return [found.name for found in path.iterdir() if found.is_dir()]
    except OSError:  # there is none yet
        return []


def _catalog(path: Path) -> Catalog:
    from lineageflow_jupyter.catalog.sql import SqlCatalog

    try:
        return SqlCatalog.open(path)
    except StorageDenied:
        return SqlCatalog.open(path, read_only=True)


def _require_branch(catalog: Catalog, branch: str) -> None:
    """Refuse to start on a branch that was set and is not there: its first commit would begin a history of its own."""
    names = [ref.name for ref in catalog.refs(kinds=("branch",))]
    if not names or branch in names:
        return
    close = get_close_matches(branch, names, 3)
    raise InvalidSetting(
        f"the setting 'branch' says {branch!r}, and there is no such branch",
        remedy=f"Did you mean {' or '.join(close)}?" if close else f"Set it to a branch that exists: {names[0]}, say",
    )


def _head(catalog: Catalog, name: WorkspaceName, branch: str) -> Head:
    try:
        return catalog.workspace(name, branch=branch, process=_process(), time=time.time_ns() // 1000)
    except (StorageDenied, StorageFull):  # not remembered where nothing can be written
        return Head("", branch)


def _cache(folder: Path, found: Settings) -> ColumnCache | None:
    """The hot cache; none where its settings cannot be read, since nothing else depends on them."""
    try:
        return ColumnCache(folder, enabled=found.cache, limit_bytes=found.cache_bytes)
    except InvalidSetting:
        return None


def _visitor(catalog: Catalog, branch: str) -> Head:
    """HEAD on a branch; one that is not there would begin a history of its own beside those that are."""
    branch, names = composed(branch), [ref.name for ref in catalog.refs(kinds=("branch",))]
    if names and branch not in names:
        raise unknown("branch", branch, names, f"Name one that there is, such as {names[0]}")
    return Head("", check_name(branch, "branch"))


def _process() -> str:
    """This process, so that it cannot be mistaken for a later one with the same number."""
    try:
        return json.dumps([os.getpid(), psutil.Process().create_time()])
    except psutil.Error:  # a process that may not look at itself, as in some containers
        return ""


def _other_process(catalog: Catalog, name: WorkspaceName) -> str:
    """Another running process that has the workspace open, for people; ``""`` where there is none."""
    known = catalog.known_workspace(name)
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
