"""A store in a local folder: one file an object, created whole, synced, never changed.

A write goes to a file of its own under ``tmp/``, is synced, and then gets its final name by a hard link, which fails
where the name is taken: no reader ever sees half an object, and no writer replaces one. Which file systems are safe
is decided in `location`; errors of the operating system are read in `files`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lineageflow_jupyter.errors import CorruptData, NotARepository, ObjectExists, ObjectMissing, StorageError
from lineageflow_jupyter.store.files import Files, storage_error
from lineageflow_jupyter.store.keys import SCRATCH, check_key, is_key

ABANDONED_AFTER = 24 * 3600
"""Seconds after which an unfinished write of a process that is gone is removed."""

_READ_AT_ONCE = 1 << 30
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class LocalStore:
    """An `ObjectStore` in a folder of a local file system.

    Parameters
    ----------
    path : Path
        The store's folder.
    create : bool, default False
        Create the folder, and those above it, where they do not exist.
    files : Files, optional
        The operating system; tests pass one that loses power.

    Raises
    ------
    NotARepository
        If the folder does not exist and is not to be created.
    StorageFull, StorageDenied
        If the folder cannot be created.
    """

    def __init__(self, path: Path, *, create: bool = False, files: Files | None = None) -> None:
        self.path = Path(path).absolute()
        self._files = Files() if files is None else files
        self._settled: set[Path] = set()
        self._folders = threading.Lock()
        if create:
            with _reported(self.path, "create"):
                self._settle(self.path, above=True)
        if not self.path.is_dir():
            raise NotARepository(
                f"there is no folder of objects at {self.path}",
                remedy="Restore it from a backup, or create a repository with lf.init()",
            )
        self._remove_abandoned()

    def put(self, key: str, parts: Sequence[Any]) -> None:
        """Create an object; see `ObjectStore.put`."""
        target = self._file(key)
        with _reported(target, "write"):
            self._settle(target.parent)
            if target.exists() or not self._create(target, parts):
                self._require_same(key, target, parts)
            self._files.sync_folder(target.parent)

    def get(self, key: str) -> bytes:
        """Whole content; see `ObjectStore.get`."""
        with self._opened(key) as (descriptor, size):
            return bytes(_read(descriptor, 0, size))

    def read_range(self, key: str, offset: int, length: int) -> memoryview:
        """Bytes ``[offset, offset + length)``; see `ObjectStore.read_range`.

        The bytes are copied rather than mapped: a mapped file that somebody truncates kills the process, and a copy
        costs 0.06 ms per MB (``docs/decisions/002-codecs.md``).
        """
        with self._opened(key) as (descriptor, size):
            inside = 0 <= offset <= offset + length <= size
            content = _read(descriptor, offset, length) if inside else b""
        if not inside or len(content) != length:
            raise CorruptData(
                f"{self._file(key)} has {size:,} bytes, [{offset:,}, {offset + length:,}) was asked for",
                remedy="The file was cut short, or the catalog is wrong: run fsck to see what is damaged",
            )
        return memoryview(content)

    def size(self, key: str) -> int | None:
        """Length in bytes, or None if there is no such object."""
        path = self._file(key)
        with _reported(path, "read"):
            try:
                found = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, sorted. Unfinished writes are never listed."""
        folder, _, _ = prefix.rpartition("/")
        if folder and not is_key(folder):
            return iter(())
        with _reported(self.path, "list"):
            if not self.path.is_dir():
                raise StorageError(
                    f"the folder of objects {self.path} has vanished", remedy="Mount or restore it, then try again"
                )
            found = list(self._walk(self.path / folder if folder else self.path, f"{folder}/" if folder else ""))
        return iter(sorted(key for key in found if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        """Remove an object; no error if it is gone already."""
        path = self._file(key)
        with _reported(path, "delete"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._files.unlink(path)

    def _file(self, key: str) -> Path:
        return self.path / check_key(key)

    def _settle(self, folder: Path, *, above: bool = False) -> None:
        """Create a folder and make its name durable, once for each store.

        A folder that exists is treated alike: who created it may not have come to its sync. The store's own folder,
        and those above it, are created only if `above` is set.
        """
        with self._folders:
            if folder in self._settled and folder.is_dir():
                return
            if not above and not self.path.is_dir():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path))
            for path in reversed([folder, *folder.parents]):
                inside = path != self.path and path.is_relative_to(self.path)
                if (inside and path not in self._settled) or not path.is_dir():
                    self._make_folder(path, new_only=not inside)
                    self._settled.add(path)

    def _make_folder(self, path: Path, *, new_only: bool) -> None:
        created = False
        if not path.is_dir():
            with contextlib.suppress(FileExistsError):
                self._files.make_folder(path)
                created = True
        if created or not new_only:
            self._files.sync_folder(path.parent)

    def _create(self, target: Path, parts: Sequence[Any]) -> bool:
        """Write a file whole, then give it its name; False if somebody else was faster."""
        scratch = self.path / SCRATCH / f"{os.getpid()}-{secrets.token_hex(8)}"
        self._settle(scratch.parent)
        try:
            descriptor = self._files.create(scratch)
            try:
                self._files.write(descriptor, parts)
                self._files.sync(descriptor)
            finally:
                os.close(descriptor)
            return self._publish(scratch, target)
        finally:
            with contextlib.suppress(OSError):
                self._files.unlink(scratch)

    def _publish(self, scratch: Path, target: Path) -> bool:
        """Give the finished file its final name; False if the name is taken."""
        try:
            self._files.link(scratch, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return self._publish_without_links(scratch, target)
        return True

    def _publish_without_links(self, scratch: Path, target: Path) -> bool:
        """Do so where there are no hard links, such as on exFAT: look and rename, one process at a time."""
        lock = os.open(self.path / SCRATCH / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if target.exists():
                return False
            self._files.rename(scratch, target)
            return True
        finally:
            os.close(lock)

    def _require_same(self, key: str, target: Path, parts: Sequence[Any]) -> None:
        """Compare with what has the name already, and make that durable: its writer may not have come so far."""
        descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size, at = os.fstat(descriptor).st_size, 0
            for part in parts:
                view = memoryview(part)
                if _read(descriptor, at, view.nbytes) != (view.cast("B") if view.nbytes else b""):
                    break
                at += view.nbytes
            else:
                if at == size:
                    self._files.sync(descriptor)
                    return
        finally:
            os.close(descriptor)
        raise ObjectExists(
            f"{key} exists with other content ({size:,} bytes) in {self.path}",
            remedy="Objects never change: if the file is damaged move it away, else write under another key",
        )

    @contextlib.contextmanager
    def _opened(self, key: str) -> Iterator[tuple[int, int]]:
        path = self._file(key)
        with _reported(path, "read"):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                raise self._missing(key) from None
            try:
                found = os.fstat(descriptor)
                if stat.S_ISDIR(found.st_mode):
                    raise self._missing(key)
                yield descriptor, found.st_size
            finally:
                os.close(descriptor)

    def _missing(self, key: str) -> ObjectMissing:
        return ObjectMissing(
            f"there is no object {key} in {self.path}", remedy="Restore the file from a backup if there is one"
        )

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            key = prefix + entry.name
            if not is_key(key):  # unfinished writes, and what a file browser leaves behind
                continue
            if entry.is_dir():
                yield from self._walk(folder / entry.name, key + "/")
            elif entry.is_file():
                yield key

    def _remove_abandoned(self) -> None:
        """Remove unfinished writes of processes that died; a store that cannot be written keeps them."""
        now = time.time()
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(self.path / SCRATCH)):
                with contextlib.suppress(OSError):
                    old = now - entry.stat(follow_symlinks=False).st_mtime > ABANDONED_AFTER
                    if old and entry.name != "lock" and not _is_alive(entry.name.partition("-")[0]):
                        self._files.unlink(Path(entry.path))


@contextlib.contextmanager
def _reported(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, path, doing) from error


def _is_alive(process: str) -> bool:
    if not process.isdecimal() or not 0 < int(process) < 1 << 31:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _read(descriptor: int, offset: int, length: int) -> bytes:
    """Bytes ``[offset, offset + length)``, fewer where the file ends."""
    content = os.pread(descriptor, min(length, _READ_AT_ONCE), offset)
    if len(content) == length or not content:
        return content
    pieces = [content]
    done = len(content)
    while done < length:
        content = os.pread(descriptor, min(length - done, _READ_AT_ONCE), offset + done)
        if not content:
            break
        pieces.append(content)
        done += len(content)
    return b"".join(pieces)
