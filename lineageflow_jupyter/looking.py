"""The verbs of `Repository` that look at live frames, and give them back as they were: `observing`, `snapshots`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import NotAvailable, ObjectMissing
from lineageflow_jupyter.frames.convert import library_of_body, to_content
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.observing import Observer, entry_of
from lineageflow_jupyter.points import Point, Points
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.memory import MemoryStore
from lineageflow_jupyter.store.overlay import Overlay
from lineageflow_jupyter.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SnapshotStores:
    """Where the snapshots of workspaces lie: a store for each, over that of the repository."""

    catalog: Catalog
    store: ObjectStore
    own: Callable[[str], ObjectStore] | None

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

    _catalog: Catalog
    _snapshot_stores: SnapshotStores
    _workspace: Workspace
    _pool: Executor
    _hot: HotColumns

    def frame_state(self, variable: str, dataset: str, frame: Any, before: FrameState | None = None) -> FrameState:
        """What a live frame is at this moment; its data are kept as a snapshot of the workspace.

        Parameters
        ----------
        variable, dataset : str
            How the notebook calls it, and what it stands for.
        frame : frame
            The frame; it must not change meanwhile.
        before : FrameState, optional
            What the variable held before: what is like there takes neither time nor place.

        Returns
        -------
        FrameState
            Without ids, and with a note that says why, where it cannot be stored or is too large to look at now.
        """
        return self._observer.state(variable, dataset, frame, before)

    def snapshot(self, state: FrameState, engine: str = "pandas") -> Any:
        """Frame as it was, of a state whose snapshot was kept.

        Raises
        ------
        ObjectMissing
            If none was kept, or it has expired.
        """
        entry = entry_of(state)
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
        return Snapshots(self._snapshot_stores.overlay(self._workspace.head.workspace), self._pool, self._hot)

    @cached_property
    def _observer(self) -> Observer:
        return Observer(self._snapshots, self._workspace)
