"""Stores and file systems that fail, for tests of what is built on them.

`FailingStore` wraps any store. `FragileFiles` stands for the operating system below a `LocalStore`: a machine that
loses power, after which only what was synced is sure to be there. What the store does above it is the real code.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.files import Files


class FailingStore:
    """A store whose writes fail when they are told to; all else is the wrapped store's.

    Parameters
    ----------
    store : ObjectStore
        What does the work.
    error : Exception
        What a failing write raises.
    fail_on : int, default 1
        The first write that fails, counted from 1.
    times : int, optional
        How many writes fail in a row; by default all that follow.
    keys : str, default ""
        Only writes of keys with this prefix are counted, and fail.
    """

    def __init__(
        self, store: ObjectStore, error: Exception, *, fail_on: int = 1, times: int | None = None, keys: str = ""
    ) -> None:
        self.store = store
        self.writes = 0
        self._error = error
        self._first = fail_on
        self._last = None if times is None else fail_on + times - 1
        self._prefix = keys
        self._lock = threading.Lock()

    def put(self, key: str, parts: Sequence[Any]) -> None:
        """Create an object, or fail."""
        if key.startswith(self._prefix):
            with self._lock:
                self.writes += 1
                number = self.writes
            if number >= self._first and (self._last is None or number <= self._last):
                raise self._error
        self.store.put(key, parts)

    def get(self, key: str) -> bytes:
        """Whole content."""
        return self.store.get(key)

    def read_range(self, key: str, offset: int, length: int) -> memoryview:
        """Bytes ``[offset, offset + length)``."""
        return self.store.read_range(key, offset, length)

    def size(self, key: str) -> int | None:
        """Length in bytes, or None."""
        return self.store.size(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, sorted."""
        return self.store.keys(prefix)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.store.delete(key)


class PausingStore(FailingStore):
    """A store whose first write waits until it may be done; all else is the wrapped store's.

    ``reached`` is set when it waits, and it goes on when ``go_on`` is.

    Parameters
    ----------
    store : ObjectStore
        What does the work.
    seconds : float
        How long it waits at most.
    """

    def __init__(self, store: ObjectStore, seconds: float = 30) -> None:
        super().__init__(store, TimeoutError("nobody let the store go on"), fail_on=sys.maxsize)
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._seconds = seconds

    def put(self, key: str, parts: Sequence[Any]) -> None:
        """Create an object, when it may be."""
        self.reached.set()
        if not self.go_on.wait(self._seconds):
            raise self._error
        super().put(key, parts)


class PowerFailure(BaseException):
    """The machine stopped; no code catches this, as none would run."""


@dataclass(slots=True, eq=False)
class _File:
    content: bytearray = field(default_factory=bytearray)
    synced: int = 0


@dataclass(slots=True, eq=False)
class _Folder:
    """Names that are sure to survive, and what happened to names since the last sync, in order."""

    durable: dict[str, _File | _Folder] = field(default_factory=dict)
    pending: list[tuple[str, _File | _Folder | None]] = field(default_factory=list)

    def now(self) -> dict[str, _File | _Folder]:
        return _applied(self.durable, self.pending)


Choose = Callable[[], bool]


class FragileFiles(Files):
    """Changes to files below `base`, of which only the synced ones are sure to survive a power failure.

    Changes really happen below `base`, and are also kept in a model of the disk. `survivors` writes to another folder
    what may be found there after the machine is switched on again.

    Parameters
    ----------
    base : Path
        An empty folder that is durable itself.
    fail_at : int, optional
        The call, counted from 0, that the machine does not live to see.
    """

    def __init__(self, base: Path, *, fail_at: int | None = None) -> None:
        self.base = base.absolute()
        self.calls = 0
        self._fail_at = fail_at
        self._root = _Folder()
        self._by_inode: dict[int, _File] = {}
        self._lock = threading.RLock()

    def create(self, path: Path) -> int:
        """Create a file; its name is not durable yet."""
        with self._lock:
            self._tick()
            descriptor = super().create(path)
            file = self._by_inode[os.fstat(descriptor).st_ino] = _File()
            self._rename_in_model(path, file)
            return descriptor

    def write(self, descriptor: int, parts: Sequence[Any]) -> None:
        """Write; half of the bytes arrive if the power fails now, and none of them is durable."""
        with self._lock:
            file = self._by_inode[os.fstat(descriptor).st_ino]
            content = b"".join(parts)
            if self.calls == self._fail_at:
                file.content += content[: len(content) // 2]
            self._tick()
            super().write(descriptor, parts)
            file.content += content

    def sync(self, descriptor: int) -> None:
        """Make a file's content durable."""
        with self._lock:
            self._tick()
            file = self._by_inode[os.fstat(descriptor).st_ino]
            file.synced = len(file.content)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, not durable yet."""
        with self._lock:
            self._tick()
            super().link(source, target)
            self._rename_in_model(target, self._node(source))

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file; neither change of names is durable yet."""
        with self._lock:
            self._tick()
            node = self._node(source)
            super().rename(source, target)
            self._rename_in_model(target, node)
            self._rename_in_model(source, None)

    def unlink(self, path: Path) -> None:
        """Remove a name, not durably yet."""
        with self._lock:
            self._tick()
            super().unlink(path)
            self._rename_in_model(path, None)

    def make_folder(self, path: Path) -> None:
        """Create a folder; its name is not durable yet."""
        with self._lock:
            self._tick()
            super().make_folder(path)
            self._rename_in_model(path, _Folder())

    def sync_folder(self, path: Path) -> None:
        """Make a folder's names durable (not its own name, nor the content of its files)."""
        with self._lock:
            self._tick()
            if not path.absolute().is_relative_to(self.base):
                return
            folder = self._folder(path)
            folder.durable = folder.now()
            folder.pending.clear()

    def copied(self, base: Path, *, fail_at: int | None = None) -> FragileFiles:
        """The same disk in another machine, whose folder `base` holds a copy of all files; calls are counted on."""
        found = FragileFiles(base, fail_at=fail_at)
        found.calls = self.calls
        found._root = deepcopy(self._root)
        return found

    def survivors(self, target: Path, *, names: bool = False, seed: int | None = None) -> None:
        """Write what is found on the disk after the power failure.

        Parameters
        ----------
        target : Path
            A folder that does not exist yet; it takes the place of `base`.
        names : bool, default False
            Names that were not synced survive all the same, while content that was not synced is lost. This is what
            a rename without a sync of the file leaves behind on many file systems.
        seed : int, optional
            Each change that was not synced survives or not, and content in part or as zeros, by this seed.
        """
        chance = None if seed is None else random.Random(seed)
        _materialise(self._root, target, names, chance)

    def _tick(self) -> None:
        if self._fail_at is not None and self.calls >= self._fail_at:
            raise PowerFailure
        self.calls += 1

    def _folder(self, path: Path) -> _Folder:
        node: _File | _Folder = self._root
        for name in path.absolute().relative_to(self.base).parts:
            assert isinstance(node, _Folder)
            node = node.now()[name]
        assert isinstance(node, _Folder)
        return node

    def _node(self, path: Path) -> _File | _Folder:
        return self._folder(path.parent).now()[path.name]

    def _rename_in_model(self, path: Path, node: _File | _Folder | None) -> None:
        self._folder(path.parent).pending.append((path.name, node))


def _applied(
    names: dict[str, _File | _Folder], changes: Sequence[tuple[str, _File | _Folder | None]]
) -> dict[str, _File | _Folder]:
    out = dict(names)
    for name, node in changes:
        if node is None:
            out.pop(name, None)
        else:
            out[name] = node
    return out


def _materialise(folder: _Folder, target: Path, names: bool, chance: random.Random | None) -> None:
    target.mkdir()
    kept = [change for change in folder.pending if (names if chance is None else chance.random() < 0.5)]
    for name, node in _applied(folder.durable, kept).items():
        if isinstance(node, _Folder):
            _materialise(node, target / name, names, chance)
            continue
        content, lost = bytes(node.content[: node.synced]), node.content[node.synced :]
        if chance is not None and chance.random() < 0.5:
            content += bytes(len(lost))  # the new length was written, the bytes were not
        elif chance is not None:
            content += lost[: chance.randint(0, len(lost))]
        (target / name).write_bytes(content)
