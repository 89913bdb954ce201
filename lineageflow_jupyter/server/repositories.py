"""The repositories that a server may show: found beside its notebooks, opened to be looked at when somebody asks."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blake3 import blake3

from lineageflow_jupyter.errors import NotARepository
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import WorkspaceRecord
from lineageflow_jupyter.opening import find, glance
from lineageflow_jupyter.repository import Repository

ID_DIGITS = 16
MOST_OPEN = 16
"""So many repositories, or HEADs of one, are kept open at most."""
MOST_KEPT = 8
"""So many diffs are kept of each: pages of one follow each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository lies: the folder that holds it, and the id by which the front end calls it."""

    id: str
    root: Path


def place_of(root: Path) -> Place:
    """Place of the repository of a folder.

    Examples
    --------
    >>> place_of(Path("/home/ada/flights")).id
    'd0b1a7b0fcbc5a40'
    """
    return Place(blake3(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:ID_DIGITS], root)


@dataclass(eq=False, slots=True)
class Opened:
    """A repository that is open, what was computed of it, and by how many it is used at this moment."""

    repository: Repository
    kept: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    sizes: dict[ObjectId, int] = field(default_factory=dict)
    listed: tuple[str, tuple[WorkspaceRecord, ...]] = ("", ())
    users: int = 0
    retired: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def workspaces(self) -> tuple[WorkspaceRecord, ...]:
        """Workspaces of the repository; they are read again once anything was written."""
        state = self.repository.state()
        if self.listed[0] != state:
            self.listed = (state, self.repository.workspaces())
        return self.listed[1]

    def keep(self, key: Any, value: Any) -> Any:
        """Keep what took long to compute for those who ask for the next part of it."""
        with self.lock:
            self.kept[key] = value
            while len(self.kept) > MOST_KEPT:
                self.kept.popitem(last=False)
        return value


class Repositories:
    """Finds repositories and keeps them open while they are asked for. Safe to use from several threads.

    Parameters
    ----------
    root : Path
        The folder that the server shows: a repository in it, or above, is always among them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._opened: OrderedDict[tuple[str, str], Opened] = OrderedDict()
        self._closed = False

    def discover(self, folders: Iterable[Path] = ()) -> list[Place]:
        """Repositories of some folders or above them, that of the server's root, and those seen before.

        Parameters
        ----------
        folders : iterable of Path
            Folders of notebooks. Whoever calls answers for them: nothing a client says may get here unchecked.
        """
        for folder in dict.fromkeys([self._root, *folders]):
            self.at(folder)
        with self._lock:
            known = list(self._places.values())
        return [place for place in known if find(place.root) == place.root]

    def at(self, folder: Path) -> Place | None:
        """Repository of a folder or of one above it."""
        try:
            root = find(folder)
        except OSError:  # a folder that may not be looked into
            return None
        if root is None:
            return None
        place = place_of(root)
        with self._lock:
            return self._places.setdefault(place.id, place)

    def place(self, name: str) -> Place:
        """Return the place of an id.

        Raises
        ------
        NotARepository
            If none of that id is known, or it is there no more.
        """
        with self._lock:
            known = self._places.get(name)
        if known is None or find(known.root) != known.root:
            raise NotARepository(
                f"no repository {name!r} is known to this server", remedy="Open a notebook in its folder, and try again"
            )
        return known

    @contextmanager
    def opened(self, place: Place, workspace: WorkspaceRecord | None = None) -> Iterator[Opened]:
        """Open a repository, or use the one that is open; it stays so until others are needed more.

        Parameters
        ----------
        place : Place
            Where it lies.
        workspace : WorkspaceRecord, optional
            Whose HEAD it shows.

        Raises
        ------
        LineageFlowError
            Why it cannot be opened.
        """
        found = self._borrow(place, workspace)
        try:
            yield found
        finally:
            self._give_back(found)

    def close(self) -> None:
        """Close what is open; nothing may be opened afterwards."""
        with self._lock:
            self._closed = True
            every, self._opened = list(self._opened.values()), OrderedDict()
        for each in every:
            self._retire(each)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _borrow(self, place: Place, workspace: WorkspaceRecord | None) -> Opened:
        key = (place.id, "" if workspace is None else workspace.id)
        with self._lock:
            found = self._opened.get(key)
            if found is not None:
                found.users += 1
                self._opened.move_to_end(key)
        if found is not None:
            if self._is_current(found, workspace):
                return found
            self._give_back(found)
        opened = Opened(glance(place.root, None if workspace is None else workspace.name), users=1)
        with self._lock:
            before = None if self._closed else self._opened.pop(key, None)
            if self._closed:
                opened.retired = True  # closed once it was used
            else:
                self._opened[key] = opened
            crowd = [self._opened.popitem(last=False)[1] for _ in range(len(self._opened) - MOST_OPEN)]
        for each in [*crowd, *([before] if before else [])]:
            self._retire(each)
        return opened

    @staticmethod
    def _is_current(found: Opened, workspace: WorkspaceRecord | None) -> bool:
        """Whether HEAD is still where it was when the repository was opened."""
        head = found.repository.head
        if workspace is not None:
            return head.branch == workspace.branch
        try:
            names = found.repository.names()
        except Exception:  # a catalog that was replaced or damaged: opening it again tells what is wrong
            return False
        return head.branch in names or not names

    def _give_back(self, found: Opened) -> None:
        with self._lock:
            found.users -= 1
            last = found.retired and not found.users
        if last:
            found.repository.close()

    def _retire(self, found: Opened) -> None:
        """Close a repository, once nobody uses it any more."""
        with self._lock:
            found.retired = True
            last = not found.users
        if last:
            found.repository.close()
