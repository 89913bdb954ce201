"""Packs: one immutable file with many objects and an index of them at its end.

How the objects themselves are encoded belongs to ``frames.codecs`` and ``model.objects``; reading them to `reader`.
Layout (little-endian; ``docs/format.md``)::

    header    "LFPACK", 0, format version                              8 bytes
    entries   xxh3-64 of the stored value, then the stored value       8 bytes + value, without gaps
    footer    MessagePack [[kind, id, offset, length], ...]            in the order of the entries
    trailer   u64 footer offset, u64 footer length,
              u64 xxh3-64 of footer, offset and length, the header     32 bytes

Offsets count from the start of the file; lengths include the checksum. A pack is named by the BLAKE3 of the file.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import msgspec
import xxhash
from blake3 import blake3

from lineageflow_jupyter.errors import CorruptData, NewerFormat, ObjectMissing
from lineageflow_jupyter.model.ids import ID_BYTES, Kind, ObjectId
from lineageflow_jupyter.model.records import Pack, PackEntry
from lineageflow_jupyter.store.base import ObjectStore

PACK_LIMIT = 7 * 2**20
"""Largest pack in bytes, footer included; only a single value that is larger gets a larger pack."""
PACK_FORMAT = 1
CHECKSUM_BYTES = 8

_MAGIC = b"LFPACK\0"
_HEADER = _MAGIC + bytes((PACK_FORMAT,))
_SPAN = struct.Struct("<QQ")
_CHECKSUM = struct.Struct("<Q")
_TRAILER_BYTES = _SPAN.size + _CHECKSUM.size + len(_HEADER)
_ENTRY_ROOM = 56
"""At most so many bytes does an entry take in the footer: array, kind, id, and two integers of up to 9 bytes."""
_FIXED_ROOM = len(_HEADER) + 5 + _TRAILER_BYTES
_TAIL = 64 * 1024
"""Bytes read from a pack's end at first: holds the whole footer of most packs."""
_FSCK = "Restore the file from a backup if there is one; fsck shows what it held"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


def pack_key(name: str) -> str:
    """Key of a pack in the store."""
    return f"packs/{name}.pack"


def checksum(parts: Sequence[Any]) -> bytes:
    """xxh3-64 of the concatenated parts, as it lies before each stored value."""
    digest = xxhash.xxh3_64()
    for part in parts:
        digest.update(part)
    return _CHECKSUM.pack(digest.intdigest())


@dataclass(slots=True)
class _Draft:
    """A pack that is being filled. Its bytes are copies: what the caller does with its buffers cannot matter."""

    order: int
    data: bytearray = field(default_factory=lambda: bytearray(_HEADER))
    entries: list[PackEntry] = field(default_factory=list)

    def has_room(self, length: int, limit: int) -> bool:
        rows = (len(self.entries) + 1) * _ENTRY_ROOM
        return len(self.data) - len(_HEADER) + length + rows + _FIXED_ROOM <= limit


class PackWriter:
    """Gathers objects into packs and writes each as soon as it is full.

    May be shared by threads: the one that fills a pack writes it, while the others go on with the next. As a context
    manager it gives up when the block raises; `close` is the caller's.

    Parameters
    ----------
    store : ObjectStore
        Where packs go.
    limit : int, default PACK_LIMIT
        Largest pack in bytes.
    """

    def __init__(self, store: ObjectStore, *, limit: int = PACK_LIMIT) -> None:
        self._store = store
        self._limit = limit
        self._state = threading.Condition()
        self._seen: set[ObjectId] = set()
        self._drafts = 1
        self._draft = _Draft(0)
        self._writing = 0
        self._written: dict[int, Pack] = {}
        self._failure: BaseException | None = None
        self._open = True

    @property
    def new_bytes(self) -> int:
        """Bytes of the packs that are durable so far."""
        with self._state:
            return sum(pack.size for pack in self._written.values())

    def add(self, oid: ObjectId, kind: Kind, parts: Sequence[Any]) -> None:
        """Add an object; ignored if this writer has it already.

        Parameters
        ----------
        oid : ObjectId
            Its id.
        kind : Kind
            What it is.
        parts : sequence of bytes-like
            Its stored value, in order. The buffers may be reused when this returns.

        Raises
        ------
        StorageError
            If a full pack cannot be written, by this thread or another: nothing more can be added then.
        ValueError
            If the writer is closed.
        """
        with self._state:
            self._check()
            if oid in self._seen:
                return
            self._seen.add(oid)
        head = checksum(parts)
        length = CHECKSUM_BYTES + sum(memoryview(part).nbytes for part in parts)
        full: list[_Draft] = []
        with self._state:
            self._check()
            alone = not _Draft(0).has_room(length, self._limit)
            if alone:
                target = self._next_draft()
                full.append(target)
            else:
                if not self._draft.has_room(length, self._limit):
                    full.append(self._draft)
                    self._draft = self._next_draft()
                target = self._draft
            self._writing += len(full)
            if not alone:
                _append(target, oid, kind, length, head, parts)
        if alone:
            _append(target, oid, kind, length, head, parts)
        for draft in full:
            self._write(draft)

    def close(self) -> tuple[Pack, ...]:
        """Write what is left.

        Returns
        -------
        tuple of Pack
            All packs, durable, in the order in which they were begun; empty if nothing was added.

        Raises
        ------
        StorageError
            If a pack could not be written; the others stay in the store as garbage.
        """
        with self._state:
            self._check_failure()
            last = self._draft if self._open and self._draft.entries else None
            if not self._open and self._writing == 0:
                return self._packs()
            self._open = False
            self._writing += last is not None
        if last is not None:
            self._write(last)
        with self._state:
            self._state.wait_for(lambda: self._writing == 0)
            self._check_failure()
            return self._packs()

    def abandon(self) -> None:
        """Drop what was not written; packs that were written stay as garbage, since others may have the same."""
        with self._state:
            self._open = False
            self._draft = _Draft(-1)

    def __enter__(self) -> PackWriter:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what was not written if the block raised."""
        if kind is not None:
            self.abandon()

    def _packs(self) -> tuple[Pack, ...]:
        return tuple(self._written[order] for order in sorted(self._written))

    def _next_draft(self) -> _Draft:
        self._drafts += 1
        return _Draft(self._drafts - 1)

    def _check(self) -> None:
        self._check_failure()
        if not self._open:
            raise ValueError("the pack writer is closed")

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write(self, draft: _Draft) -> None:
        """Write a draft that this thread has taken, and count it as done whatever happens."""
        try:
            pack = _write_pack(self._store, draft)
        except BaseException as error:
            with self._state:
                self._failure = error
                self._writing -= 1
                self._state.notify_all()
            raise
        with self._state:
            self._written[draft.order] = pack
            self._writing -= 1
            self._state.notify_all()


def _append(draft: _Draft, oid: ObjectId, kind: Kind, length: int, head: bytes, parts: Sequence[Any]) -> None:
    draft.entries.append(PackEntry(oid, kind, len(draft.data), length))
    draft.data += head
    for part in parts:
        draft.data += part


def _write_pack(store: ObjectStore, draft: _Draft) -> Pack:
    data = draft.data
    footer = _encoder.encode([[int(entry.kind), entry.id, entry.offset, entry.length] for entry in draft.entries])
    span = _SPAN.pack(len(data), len(footer))
    data += footer
    data += span
    data += checksum([footer, span])
    data += _HEADER
    name = blake3(data).hexdigest()
    store.put(pack_key(name), [data])
    return Pack(name, len(data), tuple(draft.entries))


def read_index(store: ObjectStore, name: str) -> Pack:
    """Entries of a pack, from its footer; most often by one read.

    The entries' own bytes are not read: `ObjectReader` checks each when it is read.

    Raises
    ------
    ObjectMissing
        If there is no such pack.
    CorruptData
        If header, footer or trailer are damaged.
    NewerFormat
        If a later version of LineageFlow wrote the pack.
    """
    key = pack_key(name)
    size = store.size(key)
    if size is None:
        raise ObjectMissing(f"there is no pack {name[:12]} ({key})", remedy=_FSCK)
    if size < len(_HEADER) + _TRAILER_BYTES:
        raise _corrupt(name, f"it has only {size} bytes")
    tail_at = max(0, size - _TAIL)
    tail = store.read_range(key, tail_at, size - tail_at)
    trailer = tail[-_TRAILER_BYTES:]
    head = tail[: len(_HEADER)] if tail_at == 0 else store.read_range(key, 0, len(_HEADER))
    for mark in (trailer[-len(_HEADER) :], head):
        _check_header(name, bytes(mark))
    span = trailer[: _SPAN.size]
    offset, length = _SPAN.unpack(span)
    if offset < len(_HEADER) or offset + length != size - _TRAILER_BYTES:
        raise _corrupt(name, f"its trailer points to [{offset}, {offset + length}) of {size} bytes")
    footer = tail[offset - tail_at : -_TRAILER_BYTES] if offset >= tail_at else store.read_range(key, offset, length)
    if checksum([footer, span]) != trailer[_SPAN.size : -len(_HEADER)]:
        raise _corrupt(name, "its footer fails the checksum")
    return Pack(name, size, _entries(name, footer, offset))


def _check_header(name: str, mark: bytes) -> None:
    if mark[:-1] != _MAGIC:
        raise _corrupt(name, f"it is marked {mark!r}, not {_HEADER!r}")
    if mark[-1] > PACK_FORMAT:
        raise NewerFormat(
            f"pack {name[:12]} has format {mark[-1]}, this LineageFlow reads up to {PACK_FORMAT}",
            remedy="Update LineageFlow (pip install -U lineageflow-jupyter); if it is up to date, the pack is damaged",
        )
    if mark[-1] < 1:
        raise _corrupt(name, f"it has format {mark[-1]}")


def _entries(name: str, footer: memoryview, end: int) -> tuple[PackEntry, ...]:
    """Entries of a footer; they must fill the file from header to footer, without gaps or overlaps."""
    entries: list[PackEntry] = []
    at = len(_HEADER)
    try:
        for kind, oid, offset, length in _decoder.decode(footer):
            if type(oid) is not bytes or len(oid) != ID_BYTES:
                raise _corrupt(name, "its footer has an entry without an id")
            if offset != at or not CHECKSUM_BYTES <= length <= end - at:
                raise _corrupt(name, f"its footer has an entry at [{offset}, {offset + length}) after {at}")
            entries.append(PackEntry(ObjectId(oid), _kind(name, kind), offset, length))
            at += length
    except (msgspec.DecodeError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise _corrupt(name, f"its footer does not decode ({error})") from error
    if at != end:
        raise _corrupt(name, f"its entries end at {at}, its footer starts at {end}")
    if len({entry.id for entry in entries}) != len(entries):
        raise _corrupt(name, "its footer names an object twice")
    return tuple(entries)


def _kind(name: str, number: int) -> Kind:
    try:
        return Kind(number)
    except ValueError:
        raise NewerFormat(
            f"pack {name[:12]} holds objects of kind {number}, which this LineageFlow does not know",
            remedy="Update LineageFlow (pip install -U lineageflow-jupyter)",
        ) from None


def _corrupt(name: str, found: str) -> CorruptData:
    return CorruptData(f"pack {name} is damaged: {found}", remedy=_FSCK)
