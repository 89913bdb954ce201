"""The hot cache's files: content by id, written once, mapped into private memory, checked once, evicted by unlink.

A file is a header and its content::

    [0, 8)     magic with the version of this layout
    [8, 40)    id, 32 bytes
    [40, 48)   bytes of content, little-endian
    [48, 64)   XXH3-128 of the content
    [64, …)    content

A map stays valid when its file is unlinked, but not when the file is rewritten or cut short: so files are never
changed. What the content means is the caller's business. Nothing here raises because of the file system: a cache that
cannot be read is a miss, and one that cannot be written stays as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import secrets
import stat
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.store.files import Files

MAGIC = b"LFcol\x00\x00\x01"
HEADER_BYTES = 64
FREE_SHARE = 10
"""The cache takes at most one part in so many of the disk space that would be free without it."""
COLUMN_SHARE = 8
"""One column takes at most one part in so many of the limit: it is decoded in memory, beside the user's frame."""
TOUCHED = 10.0
"""Seconds within which a second use is not noted again."""
PAUSE = 60.0
"""Seconds without another attempt after a write that failed."""
ABANDONED_AFTER = 3600.0
"""Seconds after which an unfinished file is taken for that of a process that died."""
RESCANNED_AFTER = 64
"""Files written until the folder is counted anew: other processes write and evict there, too."""
MOST_MAPS = 16_384
"""Maps of a process; Linux allows 65,530, and the user's other libraries need some."""

_SCRATCH = ".tmp"
_HASHED_AT_ONCE = 1 << 22
_NOT_FOLLOWED = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_Facts = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    size: int
    used: float


class ColumnCache:
    """Files of recently read columns. May be shared by threads; several processes may use one folder at once.

    Parameters
    ----------
    folder : Path
        Where the files are; created when the first is written. Must not lie on a network file system, where a file
        that another machine removes kills whoever has it mapped.
    limit_bytes : int
        Most bytes of all files. Less where the disk is nearly full (`FREE_SHARE`).
    enabled : bool, default True
        False: nothing is found and nothing is kept; `clear` still works.
    """

    def __init__(self, folder: Path, *, limit_bytes: int, enabled: bool = True) -> None:
        self.folder = Path(folder)
        self._limit_bytes = limit_bytes if enabled else 0
        self._files = Files()
        self._verified: dict[str, _Facts] = {}
        self._writes = threading.Lock()
        self._counted = RESCANNED_AFTER
        self._bytes = 0
        self._resume = 0.0

    # --- read --------------------------------------------------------------------------------------------------------

    def get(self, oid: ObjectId, *, verify: bool = True) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """Content of an id on private memory: whoever gets it may write to it, the file stays as it is.

        Parameters
        ----------
        oid : ObjectId
            The id.
        verify : bool, default True
            Look at the whole content where this process has not done so yet. False: such a file counts as absent.

        Returns
        -------
        numpy.ndarray of uint8, or None
            None where there is no such file, or one that is damaged, of another layout or somebody else's: it is then
            removed. The array keeps the map alive.
        """
        if not self._limit_bytes or len(_maps) >= MOST_MAPS:
            return None
        name = oid.hex()
        with contextlib.suppress(OSError):
            descriptor = os.open(self.folder / name, _NOT_FOLLOWED)
            try:
                return self._opened(descriptor, name, oid, verify=verify)
            finally:
                os.close(descriptor)
        return None

    def discard(self, oid: ObjectId) -> None:
        """Remove a file that turned out to be of no use."""
        with contextlib.suppress(OSError):
            self._files.unlink(self.folder / oid.hex())

    def _opened(
        self, descriptor: int, name: str, oid: ObjectId, *, verify: bool
    ) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        found = os.fstat(descriptor)
        header = os.pread(descriptor, HEADER_BYTES, 0)
        # The size first: touching a page beyond the end of the file would kill the process.
        if not _is_own(found) or header[:48] != _header_start(oid, found.st_size - HEADER_BYTES):
            self.discard(oid)
            return None
        facts = (found.st_ino, found.st_size, found.st_mtime_ns)
        trusted = self._verified.get(name) == facts
        if not trusted and not verify:
            return None
        content = _mapped(descriptor, found.st_size)[HEADER_BYTES:]
        if not trusted:
            if xxhash.xxh3_128_digest(content.data) != header[48:]:
                self.discard(oid)
                return None
            self._verified[name] = facts
        now = time.time()
        if now - found.st_atime > TOUCHED:
            with contextlib.suppress(OSError):  # a folder that can only be read
                os.utime(descriptor, ns=(int(now * 1e9), found.st_mtime_ns))
        return content

    # --- write -------------------------------------------------------------------------------------------------------

    def put(self, oid: ObjectId, make: Callable[[], Sequence[Any]], *, since: float) -> bool:
        """Keep a content.

        Parameters
        ----------
        oid : ObjectId
            The id.
        make : callable
            Gives the content in parts. Called only where a file could be created; may raise.
        since : float
            Files used at this time or later (seconds since 1970) are not evicted: a table that is larger than the
            cache would otherwise push itself out again and again.

        Returns
        -------
        bool
            Whether the content is there now.
        """
        if not self._limit_bytes or time.monotonic() < self._resume:
            return False
        target = self.folder / oid.hex()
        scratch = self.folder / f"{_SCRATCH}-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            with contextlib.suppress(FileNotFoundError):
                if _is_own(target.lstat()):  # another process was faster
                    return True
            descriptor = self._created(scratch)
            try:
                parts = [memoryview(part).cast("B") for part in make()]
                size = HEADER_BYTES + sum(part.nbytes for part in parts)
                if not self._make_room(size, since):
                    return False
                self._files.write(descriptor, [_header_start(oid, size - HEADER_BYTES) + _digest(parts), *parts])
                # Not synced: a machine that loses power leaves a file that fails its check, and is read anew.
                self._files.rename(scratch, target)
                found = os.fstat(descriptor)
            finally:
                os.close(descriptor)
                with contextlib.suppress(OSError):
                    self._files.unlink(scratch)
            self._verified[target.name] = (found.st_ino, found.st_size, found.st_mtime_ns)
            return True
        except OSError:  # a full disk, a folder that cannot be written: it may be otherwise in a while
            self._resume = time.monotonic() + PAUSE
            return False

    def _created(self, path: Path) -> int:
        try:
            return self._files.create(path)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._files.create(path)

    def _make_room(self, size: int, since: float) -> bool:
        """Whether there is room for a file of `size` bytes, after others have been evicted, the longest unused first.

        The folder is not counted for every file. Where several processes write at once the limit may be exceeded by
        what they write between two counts.
        """
        with self._writes:
            self._counted += 1
            if self._counted >= RESCANNED_AFTER or self._bytes + size > self.limit:
                self._evict(size, since)
            limit = self.limit
            if size > limit // COLUMN_SHARE or self._bytes + size > limit:
                return False
            self._bytes += size
            return True

    def _evict(self, size: int, since: float) -> None:
        """Count the folder, remove what dead processes left, and evict until `size` bytes fit, and some more."""
        self._remove_abandoned()
        files = sorted(self._listed(), key=lambda file: file.used)
        self._bytes, self._counted = sum(file.size for file in files), 0
        limit = self.limit
        if size > limit // COLUMN_SHARE or self._bytes + size <= limit:
            return
        for file in files:
            if file.used >= since - TOUCHED or self._bytes + size <= limit - limit // 10:
                break
            with contextlib.suppress(OSError):
                self._files.unlink(self.folder / file.name)
                self._verified.pop(file.name, None)
                self._bytes -= file.size

    def _remove_abandoned(self) -> None:
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(self.folder)):
                with contextlib.suppress(OSError):
                    old = time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED_AFTER
                    if entry.name.startswith(_SCRATCH) and old:
                        self._files.unlink(Path(entry.path))

    # --- usage -------------------------------------------------------------------------------------------------------

    @property
    def limit(self) -> int:
        """Most bytes of all files, at present; 0 where the cache is off."""
        try:
            facts = os.statvfs(self.folder)
        except OSError:
            return self._limit_bytes
        return min(self._limit_bytes, (facts.f_bavail * facts.f_frsize + self._bytes) // FREE_SHARE)

    def usage(self) -> tuple[int, int]:
        """Number of files, and their bytes."""
        sizes = [file.size for file in self._listed()]
        self._bytes = sum(sizes)
        return len(sizes), self._bytes

    def clear(self) -> int:
        """Remove all files; what is mapped stays valid.

        Returns
        -------
        int
            Bytes that were freed, or will be when the last map of them goes.
        """
        freed = 0
        with self._writes:
            for file in list(self._listed()):
                with contextlib.suppress(OSError):
                    self._files.unlink(self.folder / file.name)
                    freed += file.size
            self._verified.clear()
            self._counted = RESCANNED_AFTER
        return freed

    def forked(self) -> None:
        """Go on in a process that was just forked, where the threads that held locks do not exist."""
        self._writes = threading.Lock()

    def _listed(self) -> Iterator[_File]:
        try:
            entries = list(os.scandir(self.folder))
        except OSError:
            return
        for entry in entries:
            if len(entry.name) != 64:  # unfinished, or somebody else's
                continue
            with contextlib.suppress(OSError):  # another process was faster
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    yield _File(entry.name, found.st_size, max(found.st_atime, found.st_mtime))


def _is_own(found: os.stat_result) -> bool:
    """Whether it is a file that only this user could have written: the checksum guards against damage, not malice."""
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == os.geteuid()
        and found.st_size > HEADER_BYTES
        and not found.st_mode & 0o022
    )


def _header_start(oid: ObjectId, size: int) -> bytes:
    return MAGIC + oid + size.to_bytes(8, "little", signed=True)


def _digest(parts: Sequence[memoryview]) -> bytes:
    digest = xxhash.xxh3_128()
    for part in parts:
        for at in range(0, part.nbytes, _HASHED_AT_ONCE):  # in pieces: it keeps the GIL, and the user's cell waits
            digest.update(part[at : at + _HASHED_AT_ONCE])
    return digest.digest()


# --- maps ------------------------------------------------------------------------------------------------------------

# Python's own mmap keeps a descriptor open for every map (until 3.13): a few wide frames would use up all of a process.
_system = ctypes.CDLL(None, use_errno=True)
_system.mmap.restype = ctypes.c_void_p
_system.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_longlong,
]  # fmt: skip
_system.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_FAILED = ctypes.c_void_p(-1).value


class _Map:
    """Private memory over a file, given back when nothing refers to it any more; numpy takes it as an array."""

    def __init__(self, address: int, size: int) -> None:
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (size,), "data": (address, False)}
        weakref.finalize(self, _system.munmap, address, size).atexit = False
        _maps.add(self)


_maps: weakref.WeakSet[_Map] = weakref.WeakSet()


def _mapped(descriptor: int, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Map a file copy-on-write.

    Raises
    ------
    OSError
        If the system refuses, such as when the process has too many maps.
    """
    address = _system.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE, descriptor, 0)
    if address is None or address == _FAILED:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.asarray(_Map(address, size))
