"""Packs of one's own over those of a repository: what lies there is found first by the repository's catalog.

The overlay has no catalog: which objects it holds is read from the footers of its packs when it is opened. It may be
deleted at any time; what rested on it is then gone, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.records import Location, Pack
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.packs import pack_key, read_index
from lineageflow_jupyter.store.reader import Locate

_PACKS = "packs/"
Known = Callable[[Collection[ObjectId]], frozenset[ObjectId]]
OfKind = Callable[[Collection[ObjectId], Kind], frozenset[ObjectId]]


class Overlay:
    """A store over another; reads go to the one that has the pack, writes to its own.

    Parameters
    ----------
    own : ObjectStore
        Where its packs are.
    below : ObjectStore
        The repository's store.
    locate, known, of_kind : callable
        The methods of the repository's catalog.
    """

    def __init__(self, own: ObjectStore, below: ObjectStore, locate: Locate, known: Known, of_kind: OfKind) -> None:
        self.own = own
        self._below = below
        self._locate_below = locate
        self._known_below = known
        self._of_kind_below = of_kind
        self._lock = Lock()
        self._places: dict[ObjectId, tuple[Kind, Location]] = {}
        self._packs: set[str] = set()
        self.add(self._found())

    def add(self, packs: Iterable[Pack]) -> None:
        """Know of packs that were written."""
        with self._lock:
            for pack in packs:
                self._packs.add(pack.name)
                for entry in pack.entries:
                    place = Location(pack.name, entry.offset, entry.length)
                    self._places.setdefault(entry.id, (entry.kind, place))

    def _found(self) -> Iterator[Pack]:
        for key in self.own.keys(_PACKS):
            name = key.removeprefix(_PACKS).removesuffix(".pack")
            try:
                yield read_index(self.own, name)
            except CorruptData:  # cut short by a power failure: it would be in the way of the same bytes
                self.own.delete(key)
            except ObjectMissing:  # deleted by another process
                continue

    # --- as a catalog ------------------------------------------------------------------------------------------------

    def locate(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Location]:
        """Locations of those of `ids` that are stored here or below."""
        found = dict(self._locate_below(ids))
        with self._lock:
            found.update((oid, self._places[oid][1]) for oid in ids if oid not in found and oid in self._places)
        return found

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of `ids` that are stored here or below."""
        with self._lock:
            own = frozenset(oid for oid in ids if oid in self._places)
        return own | self._known_below([oid for oid in ids if oid not in own])

    def of_kind(self, ids: Collection[ObjectId], kind: Kind) -> frozenset[ObjectId]:
        """Those of `ids` under which an object of a kind is stored."""
        with self._lock:
            own = frozenset(oid for oid in ids if oid in self._places and self._places[oid][0] is kind)
        return own | self._of_kind_below([oid for oid in ids if oid not in own], kind)

    # --- as a store --------------------------------------------------------------------------------------------------

    def _holder(self, key: str) -> ObjectStore:
        name = key.removeprefix(_PACKS).removesuffix(".pack")
        with self._lock:
            return self.own if name in self._packs and key == pack_key(name) else self._below

    def put(self, key: str, parts: Sequence[Any]) -> None:
        """Create an object; see `ObjectStore.put`."""
        self.own.put(key, parts)

    def get(self, key: str) -> bytes:
        """Whole content; see `ObjectStore.get`."""
        return self._holder(key).get(key)

    def read_range(self, key: str, offset: int, length: int) -> memoryview:
        """Bytes of an object; see `ObjectStore.read_range`."""
        return self._holder(key).read_range(key, offset, length)

    def size(self, key: str) -> int | None:
        """Length of an object; see `ObjectStore.size`."""
        return self._holder(key).size(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys of its own objects; see `ObjectStore.keys`."""
        return self.own.keys(prefix)

    def delete(self, key: str) -> None:
        """Remove one of its own objects; see `ObjectStore.delete`."""
        self.own.delete(key)
