"""Reading packed objects by id: look-up, ranges, checksums. Decoding what was read belongs to the caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import xxhash

from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.records import Location
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.packs import CHECKSUM_BYTES, pack_key

Locate = Callable[[Collection[ObjectId]], Mapping[ObjectId, Location]]
"""Gives the locations of those of the ids that are stored."""

GAP = 64 * 1024
"""Bytes between two objects that are read along rather than skipped."""
SPAN = 1 << 20
"""A read ends with the object that reaches this many bytes: large enough to be cheap, small enough to share out."""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Objects that one read fetches: bytes ``[start, stop)`` of a pack, and each object's place in the pack."""

    pack: str
    start: int
    stop: int
    objects: tuple[tuple[ObjectId, Location], ...]


class ObjectReader:
    """Reads stored values by id, checking each.

    May be shared by threads. Nothing is cached: neither locations, which gc may change, nor bytes.

    Parameters
    ----------
    store : ObjectStore
        Where the packs are.
    locate : callable
        Gives the locations of ids; the catalog's `locate`.
    """

    def __init__(self, store: ObjectStore, locate: Locate) -> None:
        self._store = store
        self._locate = locate

    def read(self, oid: ObjectId) -> memoryview:
        """Return the stored value of an object.

        Raises
        ------
        ObjectMissing
            If the catalog does not know the object, or its pack is gone.
        CorruptData
            If the bytes fail their checksum, or the pack ends before them.
        """
        return next(self.read_many([oid]))[1]

    def read_many(self, ids: Collection[ObjectId]) -> Iterator[tuple[ObjectId, memoryview]]:
        """Yield stored values of objects, by pack and offset, each distinct id once.

        Values that lie close together share memory: whoever keeps one small value for long should copy it.

        Raises
        ------
        ObjectMissing
            At once if the catalog does not know one of them; later if a pack is gone.
        CorruptData
            If bytes fail their checksum, or a pack ends before them.
        """
        for batch in self.plan(ids):
            yield from self.fetch(batch)

    def read_some(self, ids: Collection[ObjectId], limit: int) -> dict[ObjectId, memoryview]:
        """Stored values that are likely to be wanted, of at most `limit` bytes in all; whoever needs others reads them.

        Left out is also what is not stored, or damaged.
        """
        found: dict[ObjectId, memoryview] = {}
        for batch in _batches(sorted(self._locate(frozenset(ids)).items(), key=_place)):
            limit -= batch.stop - batch.start
            if limit < 0:
                break
            try:
                found.update(self.fetch(batch))
            except (CorruptData, ObjectMissing):
                continue
        return found

    def plan(self, ids: Collection[ObjectId]) -> tuple[ReadBatch, ...]:
        """Few reads that fetch all of `ids`, for `fetch` in any order and on any thread.

        Raises
        ------
        ObjectMissing
            If the catalog does not know one of them.
        """
        wanted = frozenset(ids)
        found = self._locate(wanted) if wanted else {}
        if len(found) < len(wanted):
            raise _unknown(wanted - found.keys())
        return tuple(_batches(sorted(((oid, found[oid]) for oid in wanted), key=_place)))

    def fetch(self, batch: ReadBatch) -> Sequence[tuple[ObjectId, memoryview]]:
        """Read the stored values of one batch.

        Where the pack is gone, its objects are looked up once more: gc may have moved them to another since.

        Raises
        ------
        ObjectMissing
            If the pack is gone and the objects lie nowhere else.
        CorruptData
            If bytes fail their checksum, or the pack ends before them.
        """
        try:
            return self._fetch(batch)
        except ObjectMissing:
            again = self.plan([oid for oid, _ in batch.objects])
            if any(other.pack == batch.pack for other in again):
                raise
        return [pair for other in again for pair in self._fetch(other)]

    def _fetch(self, batch: ReadBatch) -> Sequence[tuple[ObjectId, memoryview]]:
        try:
            data = self._store.read_range(pack_key(batch.pack), batch.start, batch.stop - batch.start)
        except ObjectMissing as error:
            oid, _ = batch.objects[0]
            raise ObjectMissing(
                f"object {short(oid, 12)} lies in pack {batch.pack}, which is gone ({error.problem})",
                remedy="Restore the pack from a backup if there is one",
            ) from error
        except CorruptData as error:
            raise CorruptData(
                f"{_names(batch)} cannot be read from pack {batch.pack} ({error.problem})", remedy=error.remedy
            ) from error
        return [(oid, _checked(oid, location, data, batch.start)) for oid, location in batch.objects]


def _checked(oid: ObjectId, location: Location, data: memoryview, start: int) -> memoryview:
    at = location.offset - start
    value = data[at + CHECKSUM_BYTES : at + location.length]
    expected = data[at : at + CHECKSUM_BYTES]
    if xxhash.xxh3_64_intdigest(value) != int.from_bytes(expected, "little"):
        raise CorruptData(
            f"object {short(oid, 12)} fails its checksum at [{location.offset}, "
            f"{location.offset + location.length}) of pack {location.pack}",
            remedy="Restore the pack from a backup if there is one; fsck shows what else is damaged",
        )
    return value


def _batches(places: Sequence[tuple[ObjectId, Location]]) -> Iterator[ReadBatch]:
    first, start, stop = 0, 0, 0
    for position, (_, location) in enumerate(places):
        ahead = places[first][1]
        near = location.pack == ahead.pack and location.offset <= stop + GAP and stop - start < SPAN
        if position > first and not near:
            yield ReadBatch(ahead.pack, start, stop, tuple(places[first:position]))
            first = position
        if position == first:
            start = location.offset
            stop = start
        stop = max(stop, location.offset + location.length)
    if places:
        yield ReadBatch(places[first][1].pack, start, stop, tuple(places[first:]))


def _place(pair: tuple[ObjectId, Location]) -> tuple[str, int]:
    return pair[1].pack, pair[1].offset


def _names(batch: ReadBatch) -> str:
    oid, _ = batch.objects[0]
    more = len(batch.objects) - 1
    return f"object {short(oid, 12)}" + (f" and {more} more" if more else "")


def _unknown(ids: Collection[ObjectId]) -> ObjectMissing:
    return ObjectMissing(
        f"{len(ids)} object(s) are not in the catalog, such as {short(min(ids), 12)}",
        remedy="The catalog is older than what refers to them, or damaged; restore it from a backup",
    )
