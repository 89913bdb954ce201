"""The operating system as `local` needs it to change files, and what its errors mean. Nothing here knows of objects.

Every change that `LocalStore` makes to a file system goes through a `Files`, so that tests can put a machine that
loses power in its place (``lineageflow_jupyter.testing.stores``).
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineageflow_jupyter.errors import StorageDenied, StorageError, StorageFull

_FULL_SYNC = getattr(fcntl, "F_FULLFSYNC", None)
"""macOS: its plain fsync leaves the bytes in the drive's own cache."""

_MOST_PARTS = 1024
_MOST_BYTES = 1 << 30

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


class Files:
    """Changes to files and folders, each one call to the operating system or a few."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist; the file becomes read-only, the returned descriptor can write."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)

    def write(self, descriptor: int, parts: Sequence[Any]) -> None:
        """Write all parts, in order."""
        waiting = [view for view in map(_flat, parts) if len(view)]
        waiting.reverse()
        while waiting:
            batch: list[memoryview] = []
            size = 0
            while waiting and len(batch) < _MOST_PARTS and size < _MOST_BYTES:
                view = waiting.pop()
                if len(view) > _MOST_BYTES:
                    waiting.append(view[_MOST_BYTES:])
                    view = view[:_MOST_BYTES]
                batch.append(view)
                size += len(view)
            written = os.writev(descriptor, batch)
            for view in reversed(batch):
                size -= len(view)
                if written <= size:
                    waiting.append(view)
                elif written < size + len(view):
                    waiting.append(view[written - size :])

    def sync(self, descriptor: int) -> None:
        """Return when the file's content is on the disk."""
        if _FULL_SYNC is not None:
            try:
                fcntl.fcntl(descriptor, _FULL_SYNC)
            except OSError as error:
                if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                    raise
            else:
                return
        os.fsync(descriptor)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name that must not exist."""
        os.link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file, replacing what has the name."""
        source.rename(target)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Create a folder that must not exist, in one that does."""
        path.mkdir()

    def sync_folder(self, path: Path) -> None:
        """Return when the folder's names are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some file systems cannot sync folders and keep names in order themselves
                raise
        finally:
            os.close(descriptor)


def _flat(part: Any) -> memoryview:
    view = memoryview(part)
    return view.cast("B") if view.nbytes else memoryview(b"")


def storage_error(error: OSError, path: Path, doing: str) -> StorageError:
    """Error for the caller, from one of the operating system.

    Parameters
    ----------
    error : OSError
        What was raised.
    path : Path
        The file or folder that it is about.
    doing : str
        Such as ``"write"``.
    """
    problem = f"cannot {doing} {path}: {error.strerror or error}"
    if error.errno in _FULL:
        return StorageFull(problem, remedy="Free space, inodes or quota there, then try again; nothing was recorded")
    if error.errno in _DENIED:
        return StorageDenied(problem, remedy="Ask for permission to that folder, or work in another repository")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StorageError(problem, remedy="Close files or raise the limit of open files (ulimit -n), then try again")
    if error.errno in (errno.ENOTDIR, errno.EISDIR):
        return StorageError(problem, remedy="Something else stands in the store's folder; move it away")
    return StorageError(problem, remedy="Check the disk and the system's log, then try again")
