"""The verbs of `Repository` that look at live frames, and give them back as they were: `observing`, `snapshots`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.copying import Copier
from lineageflow_jupyter.errors import InvalidSetting, LineageFlowError, NotAvailable, ObjectMissing
from lineageflow_jupyter.expiring import Keeping, Sweeper, is_due
from lineageflow_jupyter.frames.convert import library_of_body, to_content
from lineageflow_jupyter.frames.fingerprints import Fingerprint
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.reports import ColumnId, ColumnSchema, ContentIds
from lineageflow_jupyter.observing import PATIENT, Observer, Patience, entry_of, is_waiting
from lineageflow_jupyter.points import Point, Points
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.memory import MemoryStore
from lineageflow_jupyter.store.overlay import PACKS, Overlay
from lineageflow_jupyter.tables import Objects, TableWriter
from lineageflow_jupyter.workspace import Workspace

TIDY_SECONDS = 60.0
"""So often it is asked, at most, whether snapshots are to be removed."""


@dataclass(frozen=True, slots=True)
class SnapshotStores:
    """Where the snapshots of workspaces lie: a store for each, over that of the repository."""

    catalog: Catalog
    store: ObjectStore
    own: Callable[[str], ObjectStore] | None
    workspaces: Callable[[], Iterable[str]] = tuple
    keeping: Callable[[], Keeping] = Keeping

    def overlay(self, workspace: str) -> Overlay:
        """Store of a workspace's snapshots.

        Raises
        ------
        NotAvailable
            If there is no workspace that could keep any.
        """
        if self.own is None or not workspace:
            raise NotAvailable("only a notebook's workspace keeps snapshots", remedy="Commit what matters")
        catalog = self.catalog
        return Overlay(self.own(workspace), self.store, catalog.locate, catalog.known, catalog.of_kind)


class Looking:
    """Part of `Repository`."""

    _snapshot_stores: SnapshotStores
    _catalog: Catalog
    _workspace: Workspace
    _pool: Executor
    _copier_made: Copier | None = None
    _held_before: bool = False
    _tidied: frozenset[str] = frozenset()
    _hot: HotColumns
    _objects: Objects

    def frame_state(
        self,
        variable: str,
        dataset: str,
        frame: Any,
        before: FrameState | None = None,
        *,
        patience: Patience = PATIENT,
        fingerprint: Fingerprint | None = None,
    ) -> FrameState:
        """What a live frame is at this moment; its data are kept as a snapshot of the workspace.

        Parameters
        ----------
        variable, dataset : str
            How the notebook calls it, and what it stands for.
        frame : frame
            The frame; it must not change meanwhile.
        before : FrameState, optional
            What the variable held before: what is like there takes neither time nor place.
        patience : Patience, optional
            How long it may take. A frame that takes longer is copied by a thread, and `patience.later` is told what
            became of it: its state, without data where the frame was changed or given up before it was copied.
        fingerprint : Fingerprint, optional
            That of the frame, if it has been taken.

        Returns
        -------
        FrameState
            Without ids, and with a note that says why, where it cannot be stored or is too large to look at now.
        """
        state = self._observer.state(variable, dataset, frame, before, patience, fingerprint)
        self._tidy_now_and_then()
        return state

    @property
    def frames_to_copy(self) -> int:
        """Large frames whose snapshots are not there yet: they are being copied, or wait for that."""
        return 0 if self._copier_made is None else self._copier_made.left

    def wait_for_snapshots(self, seconds: float) -> bool:
        """Wait until all large frames are copied, for some seconds at most; whether they are."""
        return self._copier_made is None or self._copier_made.wait(seconds)

    def snapshot_bytes(self) -> int:
        """Room that this workspace's snapshots take beside the repository.

        Raises
        ------
        NotAvailable
            If there is no workspace that could keep any.
        """
        return self._snapshots.overlay.packed

    def expire_snapshots(self) -> None:
        """Remove, by the thread that copies frames, snapshots that are older or take more than is to be kept.

        Nothing is done where that was done a short time ago. What goes is first marked, and removed the next time.
        """
        self._copier.tidy()

    def snapshot(self, state: FrameState, engine: str = "pandas") -> Any:
        """Frame as it was, of a state whose snapshot was kept.

        Raises
        ------
        ObjectMissing
            If none was kept, or it has expired.
        """
        entry = entry_of(state)
        if is_waiting(state):
            raise ObjectMissing(
                f"the data of {state.variable!r} are not copied yet, or the kernel ended before they were",
                remedy="Try again in a moment; commit what matters",
            )
        if entry is None:
            raise ObjectMissing(f"no data of {state.variable!r} were kept ({state.note})", remedy="Commit what matters")
        try:
            return self._snapshots.read(entry, engine)
        except ObjectMissing as error:
            raise ObjectMissing(
                f"the snapshot of {state.variable!r} is not there any more ({error.problem})",
                remedy="Snapshots expire; commit what matters",
            ) from error

    def frame_at(self, name: str, cell: str, *, before: bool = False) -> Point:
        """What a variable held after a cell had run, or before it: ``flights@{cell:ID}``.

        Parameters
        ----------
        name : str
            The variable, or the dataset that it stood for.
        cell : str
            Beginning of the id of a cell run, at least four digits; or the number of a cell of this notebook.
        before : bool
            Before it ran instead.

        Raises
        ------
        UnknownName
            If there is no such run, or the variable held no frame then.
        AmbiguousName
            If several runs are meant; they are listed.
        """
        return self._points.before(cell, name) if before else self._points.after(cell, name)

    def frame_of(self, point: Point, engine: str | None = None) -> Any:
        """Frame of a point that `frame_at` found, in the library that it was of unless another is named.

        Raises
        ------
        ObjectMissing
            If no data of it were kept, or they are another notebook's.
        """
        entry = self._points.stored(point)
        library = engine or library_of_body(self._reachable.objects.frame(entry.frame).body)
        return self._reachable.read(entry, library)

    def frame_ids(self, dataset: str, frame: Any, like: FrameState | None = None) -> tuple[ObjectId, ObjectId]:
        """Ids of table and description of a live frame; nothing is stored.

        Parameters
        ----------
        dataset : str
            What it stands for.
        frame : frame
            The frame.
        like : FrameState, optional
            What it is likely to be: then less is computed.

        Raises
        ------
        UnsupportedData
            If it cannot be stored.
        """
        parent = entry_of(like, self._workspace.seen(dataset))
        if parent is not None and not self._reachable.has(parent):
            parent = None
        entry = self._reachable.writer.add(dataset, to_content(frame), parent=parent, key=()).entry
        return entry.table, entry.frame

    def is_kept(self, state: FrameState) -> bool:
        """Whether a frame as it was can be read again: from a snapshot, or from a commit."""
        entry = entry_of(state)
        return entry is not None and self._reachable.has(entry)

    def content_ids(self, frame: Any) -> ContentIds:
        """Ids of a frame, as a commit would give them; nothing is stored.

        Raises
        ------
        UnsupportedData
            If it could not be stored.

        Examples
        --------
        >>> import tempfile, pandas as pd, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> one, other = pd.DataFrame({"a": [1, 2], "b": [3, 4]}), pd.DataFrame({"a": [1, 2], "b": [3, 5]})
        >>> ids = [repo.content_ids(frame).columns for frame in (one, other)]
        >>> [first.id == second.id for first, second in zip(*ids)]
        [True, False]
        """
        writer = TableWriter(self._objects, self._pool, lambda ids: frozenset())
        found = writer.add("", to_content(frame), parent=None, key=())
        columns = tuple(
            ColumnId(column.name, column.role, str(each.type), column.column)
            for column, each in zip(found.table.columns, found.columns, strict=True)
        )
        return ContentIds(found.entry.table, found.entry.frame, found.table.rows, columns)

    def table_columns(self, table: ObjectId) -> tuple[ColumnSchema, ...]:
        """Columns of a table that was committed or kept as a snapshot; none where it is not there any more."""
        try:
            return self._snapshots.columns(table)
        except (ObjectMissing, NotAvailable):
            return ()

    @cached_property
    def _points(self) -> Points:
        return Points(self._catalog, self._workspace, self._reachable)

    @cached_property
    def _reachable(self) -> Snapshots:
        """Snapshots, as far as there are any, and what is committed: a process without a workspace has these alone."""
        stores = self._snapshot_stores
        if stores.own is not None and self._workspace.head.workspace:
            return self._snapshots
        return Snapshots(replace(stores, own=lambda _: MemoryStore()).overlay("-"), self._pool, self._hot)

    @cached_property
    def _snapshots(self) -> Snapshots:
        overlay = self._snapshot_stores.overlay(self._workspace.head.workspace)
        self._held_before = overlay.packed > 0
        return Snapshots(overlay, self._pool, self._hot)

    @cached_property
    def _observer(self) -> Observer:
        return Observer(self._snapshots, self._copier, self._workspace)

    @cached_property
    def _copier(self) -> Copier:
        made = self._copier_made = Copier(self._snapshots, self._tidy)
        return made

    def _tidy_now_and_then(self) -> None:
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            self.expire_snapshots()

    @cached_property
    def _tidy_at(self) -> float:
        """When it is asked next: at once where there are older snapshots."""
        return 0 if self._held_before else time.monotonic() + TIDY_SECONDS

    def _tidy(self, go_on: Callable[[], None]) -> None:
        """Sweep the overlay of this workspace, and those of others that nobody else may open any more."""
        try:
            keeping = self._snapshot_stores.keeping()
        except InvalidSetting:  # told when the setting is asked for; nothing is removed by mistake
            return
        stores, here = self._snapshot_stores, self._workspace.head.workspace
        Sweeper(stores.catalog, here, self._snapshots.overlay, keeping).sweep(go_on)
        assert stores.own is not None
        others = frozenset(stores.workspaces()) - {here}
        for workspace in sorted(others - self._tidied):  # once a process: they may be many
            go_on()
            own = stores.own(workspace)
            if is_due(own) and any(own.keys(PACKS)):
                with suppress(LineageFlowError):  # whoever opens it next tries again
                    Sweeper(stores.catalog, workspace, stores.overlay(workspace), keeping).sweep(go_on)
        self._tidied = others

    def stop_copying(self) -> None:
        """End the thread that copies large frames; what it has not copied stays without data."""
        if self._copier_made is not None:
            self._copier_made.close()
