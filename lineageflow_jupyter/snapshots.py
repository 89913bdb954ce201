"""Automatic snapshots of live frames: stored beside the repository, shared with its commits, and expendable."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Executor
from typing import Any

from lineageflow_jupyter.changing import Changes, sealed_changes
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.store.overlay import Overlay
from lineageflow_jupyter.store.packs import PackWriter
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.tables import Objects, TableReader, TableWriter


class Snapshots:
    """Keeps frames as they were, and gives them back.

    Parameters
    ----------
    overlay : Overlay
        Where they are stored, over the repository's own objects.
    pool : Executor
        Threads that share the work.
    hot : HotColumns
        Recently read columns.
    """

    def __init__(self, overlay: Overlay, pool: Executor, hot: HotColumns) -> None:
        self._overlay = overlay
        self._pool = pool
        self._objects = Objects(ObjectReader(overlay, overlay.locate))
        tables = TableReader(self._objects, pool, hot)
        self.changes = Changes(self._objects, tables, pool, overlay.known)
        self._reader = FrameReader(self._objects, tables)

    def keep(
        self, dataset: str, content: FrameContent, parent: TreeEntry | None, key: tuple[str, ...] = ()
    ) -> TreeEntry:
        """Store what a frame holds that is not stored yet; its entry.

        Parameters
        ----------
        dataset : str
            What it is a version of.
        content : FrameContent
            The frame; it must not change meanwhile.
        parent : TreeEntry or None
            The version before: what is like there takes no place.
        key : tuple of str
            Columns that identify rows.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        if parent is not None and not self.has(parent):
            parent = None
        with PackWriter(self._overlay) as packs:
            writer = TableWriter(
                self._objects,
                self._pool,
                self._overlay.known,
                packs,
                compare=self.changes.at_commit,
                of_kind=self._overlay.of_kind,
            )
            snapshot = writer.add(dataset, content, parent=parent, key=key)
            kept = None if parent is None else sealed_changes(parent, snapshot)
            if kept is not None:
                packs.add(*kept)
            self._overlay.add(packs.close())
        return snapshot.entry

    def named(self, dataset: str, content: FrameContent, key: tuple[str, ...] = ()) -> TreeEntry:
        """Entry that a frame would have; nothing is stored."""
        writer = TableWriter(self._objects, self._pool, self._overlay.known)
        return writer.add(dataset, content, parent=None, key=key).entry

    @property
    def objects(self) -> Objects:
        """Manifests of the snapshots and of the repository."""
        return self._objects

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of some ids that are stored, here or in the repository."""
        return self._overlay.known(ids)

    def has(self, entry: TreeEntry) -> bool:
        """Whether a version is stored, and can be read as far as its manifests tell."""
        if len(self._overlay.known([entry.table, entry.frame])) < len({entry.table, entry.frame}):
            return False
        try:
            table = self._objects.table(entry.table)
            columns = [column.column for column in table.columns]
            chunks = {chunk.id for column in self._objects.columns(columns) for chunk in column.chunks}
        except (ObjectMissing, CorruptData):
            return False
        return len(self._overlay.known(chunks)) == len(chunks)

    def read(self, entry: TreeEntry, engine: str = "pandas") -> Any:
        """Frame of a version.

        Raises
        ------
        ObjectMissing, CorruptData
            If it is not there any more, or damaged.
        """
        return self._reader.read(entry, engine=engine)
