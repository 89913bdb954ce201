"""Expiry of snapshots: which are still wanted, what they rest on, and packs that hold nothing of it.

Wanted are the states of frames that the workspace's cell runs of the last days name, the newest first as far as they
fit into a limit. The records of the runs themselves do not expire. How packs go is told in `store.overlay`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.deriving import derived_from
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.frames.codecs import parse_value
from lineageflow_jupyter.model.cells import CellRun, RunFilter
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.lists import references
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.overlay import Overlay, last_sweep, time_of
from lineageflow_jupyter.store.packs import PackWriter, pack_key
from lineageflow_jupyter.store.reader import ObjectReader

DAY = 86_400 * 10**6
"""Microseconds. An overlay is swept once a day."""
GRACE = 600 * 10**6
"""Microseconds between two sweeps of one that is too large: so long may it take from storing a frame to its record."""
FULL = 1 / 2
"""A pack of which less is wanted is written anew."""
RUNS_TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of snapshots.

    Parameters
    ----------
    days : int
        For so long.
    bytes : int
        Of at most this size; the oldest go first.
    """

    days: int = 14
    bytes: int = 10 * 2**30


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def is_due(own: ObjectStore, at: int | None = None) -> bool:
    """Whether the overlay in a store is to be swept again. A sweep that lies ahead was made by a wrong clock."""
    since = (now() if at is None else at) - last_sweep(own)
    return not 0 <= since < DAY


class Sweeper:
    """Sweeps the overlay of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Knows the cell runs.
    workspace : str
        Whose overlay it is.
    overlay : Overlay
        The overlay.
    keeping : Keeping
        What is kept.
    clock : callable
        Microseconds since 1970.
    """

    def __init__(
        self, catalog: Catalog, workspace: str, overlay: Overlay, keeping: Keeping, clock: Callable[[], int] = now
    ) -> None:
        self._catalog = catalog
        self._workspace = workspace
        self._overlay = overlay
        self._keeping = keeping
        self._clock = clock
        self._reader = ObjectReader(overlay, overlay.locate)

    def sweep(self, go_on: Callable[[], None] = lambda: None) -> bool:
        """Delete what earlier sweeps have doomed, and doom what is not wanted; whether a sweep was due.

        Parameters
        ----------
        go_on : callable
            Is called now and then; what it raises ends the sweep, of which the next one does the rest.

        Raises
        ------
        StorageError
            If the store refuses.
        """
        at = self._clock()
        since = at - last_sweep(self._overlay.own)
        large = self._overlay.packed > self._keeping.bytes and not 0 <= since < GRACE
        if not large and not is_due(self._overlay.own, at):
            return False
        self._overlay.refresh()
        young, roots = self._overlay.young(GRACE / 1e6)
        wanted: set[ObjectId] = set()
        for root in roots:
            wanted.update(self._reachable(root, wanted))
        self._add_wanted(wanted, at, go_on)
        # One that another process made just now is left alone: somebody may be storing what rests on its packs.
        earlier = {key: packs for key, packs in self._overlay.sweeps().items() if not 0 <= at - time_of(key) < GRACE}
        self._delete(frozenset[str]().union(*earlier.values()) - young, wanted)
        doomed = self._sparse(wanted, young, go_on)
        self._overlay.doom(doomed, at)
        for key in earlier:
            self._overlay.own.delete(key)
        self._overlay.refresh()
        return True

    # --- what is wanted ----------------------------------------------------------------------------------------------

    def _add_wanted(self, found: set[ObjectId], at: int, go_on: Callable[[], None]) -> None:
        """Add the objects of the overlay that recorded states rest on."""
        room = self._keeping.bytes
        for run in self._runs(at - self._keeping.days * DAY):
            for root in _roots(run):
                go_on()
                new = self._reachable(root, found)
                room -= sum(new.values())
                if room < 0 and found:  # of the newest one all is kept
                    return
                found.update(new)

    def _runs(self, since: int) -> Iterator[CellRun]:
        """Cell runs since a time, newest first; they are recorded nearly in the order in which they began."""
        before: int | None = None
        wanted = RunFilter(workspace=self._workspace)
        while runs := self._catalog.last_runs(before=before, wanted=wanted, limit=RUNS_TOGETHER):
            recent = [run for run in runs if run.started >= since]
            yield from recent
            if not recent:
                return
            before = runs[-1].sequence

    def _reachable(self, root: ObjectId, done: set[ObjectId]) -> dict[ObjectId, int]:
        """Objects of the overlay that an object leads to, with their sizes, but for those that are done already."""
        found: dict[ObjectId, int] = {}
        pending = [root]
        while pending:
            places = self._overlay.own_kinds([oid for oid in dict.fromkeys(pending) if oid not in done])
            places = {oid: place for oid, place in places.items() if oid not in found}
            found.update((oid, place[1].length) for oid, place in places.items())
            told = {oid: kind for oid, (kind, _) in places.items() if kind not in (Kind.CHUNK, Kind.MAP)}
            pending = [below for oid, kind in told.items() for below in self._below(oid, kind)]
        return found

    def _below(self, oid: ObjectId, kind: Kind) -> list[ObjectId]:
        """What an object rests on; nothing where it cannot be read: it is of no use then."""
        try:
            value = parse_value(self._reader.read(oid))
            if kind is Kind.DERIVED:
                return [below for _, below in derived_from(value)]
            return [] if kind is Kind.CHANGES else [below for _, below in references(kind, bytes(value.read(0)))]
        except (CorruptData, ObjectMissing):
            return []

    # --- packs -------------------------------------------------------------------------------------------------------

    def _delete(self, doomed: frozenset[str], wanted: set[ObjectId]) -> None:
        """Delete doomed packs on which nothing came to rest meanwhile."""
        held = self._overlay.packs_of(wanted)
        gone = [name for name in doomed if not held.get(name)]
        for name in gone:
            self._overlay.own.delete(pack_key(name))
        self._overlay.forget(gone)

    def _sparse(self, wanted: set[ObjectId], young: frozenset[str], go_on: Callable[[], None]) -> list[str]:
        """Packs of which little or nothing is wanted; what is wanted of them is written anew."""
        sparse: list[str] = []
        moved: list[ObjectId] = []
        for name, held in self._overlay.packs_of(wanted).items():
            size = sum(place.length for _, place in self._overlay.own_kinds(held).values())
            if name not in young and size < FULL * self._overlay.pack_size(name):
                sparse.append(name)
                moved += held
        if moved:
            self._move(moved, go_on)
        return sparse

    def _move(self, ids: list[ObjectId], go_on: Callable[[], None]) -> None:
        kinds = self._overlay.own_kinds(ids)
        with PackWriter(self._overlay) as packs:
            for oid, value in self._reader.read_many(ids):
                go_on()
                packs.add(oid, kinds[oid][0], [value])
            self._overlay.add(packs.close(), instead=True)


def _roots(run: CellRun) -> Iterator[ObjectId]:
    """Tables and descriptions that a run names, what it left first."""
    states = [write.after for write in run.writes] + [write.before for write in run.writes] + list(run.reads)
    for state in states:
        if state is not None and state.table is not None and state.frame is not None:
            yield state.table
            yield state.frame
