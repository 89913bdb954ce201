"""The verbs of `Repository` that look at live frames, and give them back as they were: `observing`, `snapshots`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import NotAvailable, ObjectMissing
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.reports import ColumnId, ColumnSchema, ContentIds
from lineageflow_jupyter.observing import Observer, entry_of
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.overlay import Overlay
from lineageflow_jupyter.tables import Objects, TableWriter
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

    _snapshot_stores: SnapshotStores
    _workspace: Workspace
    _pool: Executor
    _hot: HotColumns
    _objects: Objects

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
    def _snapshots(self) -> Snapshots:
        return Snapshots(self._snapshot_stores.overlay(self._workspace.head.workspace), self._pool, self._hot)

    @cached_property
    def _observer(self) -> Observer:
        return Observer(self._snapshots, self._workspace)
