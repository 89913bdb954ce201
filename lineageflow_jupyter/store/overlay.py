"""Packs of one's own over those of a repository: what lies there is found first by the repository's catalog.

The overlay has no catalog: which objects it holds is read from the footers of its packs when it is opened. It may be
deleted at any time; what rested on it is then gone, and nothing else.

Packs go in two steps, since other processes may use the overlay at the same time (a notebook in two tabs). A *sweep*
leaves an object ``sweeps/TIME`` that lists packs as *doomed*: from then on nobody who looks counts on what lies in
them, though it can still be read. A later sweep deletes them, unless something that is wanted came to rest on them
meanwhile. At any line all of this may end: what is listed is there, or is read as missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import msgspec

from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.records import Location, Pack
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.packs import pack_key, read_index
from lineageflow_jupyter.store.reader import Locate

PACKS, _SWEEPS = "packs/", "sweeps/"
Known = Callable[[Collection[ObjectId]], frozenset[ObjectId]]
OfKind = Callable[[Collection[ObjectId], Kind], frozenset[ObjectId]]


def last_sweep(own: ObjectStore) -> int:
    """When an overlay was swept last, in microseconds since 1970; 0: never."""
    return max((time_of(key) for key in own.keys(_SWEEPS)), default=0)


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
        self._packs: dict[str, int] = {}
        self._added: dict[str, float] = {}
        self._doomed: frozenset[str] = frozenset()
        self._sweeps: tuple[str, ...] = ()
        self._read_sweeps()
        self._take(self._found(self._names()))

    def add(self, packs: Iterable[Pack], *, instead: bool = False) -> None:
        """Know of packs that this process wrote; `instead`: what they hold is read from there from now on."""
        packs = tuple(packs)
        with self._lock:
            self._added.update((pack.name, time.monotonic()) for pack in packs)
            self._doomed -= {pack.name for pack in packs}
        self._take(packs, instead=instead)

    def _take(self, packs: Iterable[Pack], *, instead: bool = False) -> None:
        for pack in packs:
            with self._lock:
                self._packs[pack.name] = pack.size
                for entry in pack.entries:
                    known = self._places.get(entry.id)
                    if known is None or instead or known[1].pack in self._doomed:
                        self._places[entry.id] = entry.kind, Location(pack.name, entry.offset, entry.length)

    def _names(self) -> list[str]:
        return [key.removeprefix(PACKS).removesuffix(".pack") for key in self.own.keys(PACKS)]

    def _found(self, names: Iterable[str]) -> Iterator[Pack]:
        for name in names:
            try:
                yield read_index(self.own, name)
            except CorruptData:  # cut short by a power failure: it would be in the way of the same bytes
                self.own.delete(pack_key(name))
            except ObjectMissing:  # deleted by another process
                continue

    # --- sweeps ------------------------------------------------------------------------------------------------------

    @property
    def packed(self) -> int:
        """Bytes of its packs."""
        with self._lock:
            return sum(self._packs.values())

    @property
    def doomed(self) -> frozenset[str]:
        """Packs that a sweep is going to delete."""
        with self._lock:
            return self._doomed

    def refresh(self) -> None:
        """Take notice of sweeps of other processes; to be called before anything is stored that rests on what is here.

        Nothing but the names of sweeps is read where there was none.
        """
        if not self._read_sweeps():
            return
        names = set(self._names())
        with self._lock:
            new = [name for name in names if name not in self._packs]
            gone = [name for name in self._packs if name not in names]
        self.forget(gone)
        self._take(self._found(new))

    def forget(self, packs: Collection[str]) -> None:
        """Know no more of packs that are deleted."""
        gone = frozenset(packs)
        with self._lock:
            for name in gone:
                self._packs.pop(name, None)
                self._added.pop(name, None)
            self._places = {oid: place for oid, place in self._places.items() if place[1].pack not in gone}

    def packs_of(self, ids: Collection[ObjectId]) -> Mapping[str, frozenset[ObjectId]]:
        """By name of each pack: those of `ids` that are read from there."""
        found: dict[str, set[ObjectId]] = {}
        with self._lock:
            for name in self._packs:
                found[name] = set()
            for oid in ids:
                if oid in self._places:
                    found[self._places[oid][1].pack].add(oid)
        return {name: frozenset(held) for name, held in found.items()}

    def own_kinds(self, ids: Collection[ObjectId]) -> dict[ObjectId, tuple[Kind, Location]]:
        """Kinds and places of those of `ids` that are stored here."""
        with self._lock:
            return {oid: self._places[oid] for oid in ids if oid in self._places}

    def pack_size(self, name: str) -> int:
        """Bytes of a pack."""
        with self._lock:
            return self._packs.get(name, 0)

    def young(self, seconds: float) -> tuple[frozenset[str], list[ObjectId]]:
        """Packs that this process wrote not long ago, and the tables and descriptions in them.

        They may be wanted by what is not recorded yet.
        """
        with self._lock:
            since = time.monotonic() - seconds
            packs = frozenset(name for name, added in self._added.items() if added > since)
            held = self._places.items()
            roots = [oid for oid, (kind, at) in held if at.pack in packs and kind in (Kind.TABLE, Kind.FRAME)]
        return packs, roots

    def sweeps(self) -> Mapping[str, frozenset[str]]:
        """Doomed packs by the key of the sweep that dooms them, oldest first."""
        found: dict[str, frozenset[str]] = {}
        for key in self.own.keys(_SWEEPS):
            try:
                found[key] = frozenset(map(str, msgspec.json.decode(self.own.get(key), type=list[str])))
            except (msgspec.DecodeError, ObjectMissing):  # it dooms nothing
                found[key] = frozenset()
        return found

    def doom(self, packs: Collection[str], at: int) -> None:
        """Say that packs will be deleted by a later sweep.

        Parameters
        ----------
        packs : collection of str
            Their names; may be empty: the sweep is known to have been.
        at : int
            When, in microseconds since 1970.
        """
        self.own.put(f"{_SWEEPS}{at:020d}", [msgspec.json.encode(sorted(packs))])
        self._read_sweeps()

    def _read_sweeps(self) -> bool:
        """Read which packs are doomed; whether there was a sweep since that was read last."""
        keys = tuple(self.own.keys(_SWEEPS))
        if keys == self._sweeps:
            return False
        doomed = frozenset[str]().union(*self.sweeps().values())
        with self._lock:
            self._sweeps, self._doomed = keys, doomed
        return True

    # --- as a catalog ------------------------------------------------------------------------------------------------

    def locate(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Location]:
        """Locations of those of `ids` that are stored here or below."""
        found = dict(self._locate_below(ids))
        with self._lock:
            found.update((oid, self._places[oid][1]) for oid in ids if oid not in found and oid in self._places)
        return found

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of `ids` that are stored here or below, and will stay."""
        with self._lock:
            own = frozenset(oid for oid in ids if self._stays(oid))
        return own | self._known_below([oid for oid in ids if oid not in own])

    def of_kind(self, ids: Collection[ObjectId], kind: Kind) -> frozenset[ObjectId]:
        """Those of `ids` under which an object of a kind is stored."""
        with self._lock:
            own = frozenset(oid for oid in ids if oid in self._places and self._places[oid][0] is kind)
        return own | self._of_kind_below([oid for oid in ids if oid not in own], kind)

    def _stays(self, oid: ObjectId) -> bool:
        place = self._places.get(oid)
        return place is not None and place[1].pack not in self._doomed

    # --- as a store --------------------------------------------------------------------------------------------------

    def _holder(self, key: str) -> ObjectStore:
        name = key.removeprefix(PACKS).removesuffix(".pack")
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


def time_of(key: str) -> int:
    """When the sweep of a key was, in microseconds since 1970."""
    text = key.removeprefix(_SWEEPS)
    return int(text) if text.isascii() and text.isdecimal() else 0
