"""Automatic snapshots of live frames: stored beside the repository, shared with its commits, and expendable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor
from typing import Any

from lineageflow_jupyter.changing import Changes, sealed_changes
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.frames.capture import Capture, TornFrame
from lineageflow_jupyter.frames.chunking import BOUNDARY_VERSION
from lineageflow_jupyter.frames.codecs import encode_value
from lineageflow_jupyter.frames.columns import PieceChunk, chunk_pieces, missing_values
from lineageflow_jupyter.frames.content import StoredArray
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import logical_type
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.changes import numbered
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.lists import encode_column
from lineageflow_jupyter.model.objects import ChunkRef, Column, TreeEntry
from lineageflow_jupyter.model.reports import ColumnSchema
from lineageflow_jupyter.model.types import LogicalType
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.store.overlay import Overlay
from lineageflow_jupyter.store.packs import PackWriter
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.tables import Objects, TableReader, TableWriter

STORED_TOGETHER = 16
"""Chunks of a capture that are held until it is asked which of them are stored already."""


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
        self.overlay = self._overlay = overlay
        self._pool = pool
        self.objects = self._objects = Objects(ObjectReader(overlay, overlay.locate))
        tables = TableReader(self._objects, pool, hot)
        self.changes = Changes(self._objects, tables, pool, overlay.known)
        self.reader = FrameReader(self._objects, tables)

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
        self._overlay.refresh()
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

    def capture(
        self,
        dataset: str,
        captured: Capture,
        parent: TreeEntry | None,
        key: tuple[str, ...] = (),
        go_on: Callable[[], None] = lambda: None,
    ) -> tuple[TreeEntry, int]:
        """Store a frame that may change meanwhile, piece by piece; what is stored when it ends early stays known.

        Chunks that are not stored yet are stored whole: to tell them by older rows takes the frame.

        Parameters
        ----------
        dataset, parent, key
            As for `keep`; the parent only makes it quicker.
        captured : Capture
            The frame as it was.
        go_on : callable
            Is called between pieces; what it raises ends the work.

        Returns
        -------
        tuple of (TreeEntry, int)
            Entry of the frame, and its missing values.

        Raises
        ------
        TornFrame
            If the frame is not there any more as it was.
        UnsupportedData
            If it could not come back exactly.
        StorageError
            If it cannot be written.
        """
        self._overlay.refresh()
        if parent is not None and not self.has(parent):
            parent = None
        with PackWriter(self._overlay) as packs:
            columns = _Columns(self._objects, self._overlay, packs, self._columns_of(parent), go_on)
            try:
                content = captured.content(columns.keep)
            finally:
                self._overlay.add(packs.close())
        with PackWriter(self._overlay) as packs:
            writer = TableWriter(self._objects, self._pool, self._overlay.known, packs)
            entry = writer.add(dataset, content, parent=None, key=key).entry
            self._overlay.add(packs.close())
        self._overlay.refresh()
        if not self.has(entry):  # another process has removed old snapshots with which it shared chunks
            raise TornFrame("what it shared with older snapshots has expired meanwhile")
        return entry, columns.missing

    def _columns_of(self, parent: TreeEntry | None) -> dict[tuple[tuple[str, str], int], Column]:
        """Columns of a version by role and name, and number among those of one name."""
        if parent is None:
            return {}
        table = self._objects.table(parent.table)
        found = self._objects.columns([column.column for column in table.columns])
        return dict(zip(numbered((each.role, each.name) for each in table.columns), found, strict=True))

    def named(self, dataset: str, content: FrameContent, key: tuple[str, ...] = ()) -> TreeEntry:
        """Entry that a frame would have; nothing is stored."""
        return self.writer.add(dataset, content, parent=None, key=key).entry

    @property
    def writer(self) -> TableWriter:
        """Computes ids; writes nothing."""
        return TableWriter(self._objects, self._pool, self._overlay.known)

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

    def columns(self, table: ObjectId) -> tuple[ColumnSchema, ...]:
        """Columns of a table.

        Raises
        ------
        ObjectMissing
            If it is not there.
        """
        found = self._objects.table(table).columns
        types = [column.type for column in self._objects.columns([column.column for column in found])]
        return tuple(
            ColumnSchema(column.name, column.role, str(kind)) for column, kind in zip(found, types, strict=True)
        )

    def read(self, entry: TreeEntry, engine: str = "pandas") -> Any:
        """Frame of a version.

        Raises
        ------
        ObjectMissing, CorruptData
            If it is not there any more, or damaged.
        """
        return self.reader.read(entry, engine=engine)


class _Columns:
    """Stores columns that come in pieces."""

    def __init__(
        self,
        objects: Objects,
        overlay: Overlay,
        packs: PackWriter,
        parents: dict[tuple[tuple[str, str], int], Column],
        go_on: Callable[[], None],
    ) -> None:
        self._objects = objects
        self._overlay = overlay
        self._packs = packs
        self._parents = parents
        self._go_on = go_on
        self._names: Counter[tuple[str, str]] = Counter()
        self._done: set[ObjectId] = set()
        self.missing = 0

    def keep(self, name: str, role: str, pieces: Iterator[Any]) -> StoredArray:
        """Store a column; see `frames.capture.Keep`."""
        parent = self._parents.get(((role, name), self._names[role, name])) if role else None
        self._names[role, name] += 1
        kinds: list[LogicalType] = []
        refs: list[ChunkRef] = []
        waiting: list[PieceChunk] = []
        for chunk in chunk_pieces(self._seen(pieces, kinds, counted=bool(role)), parent):
            refs.append(chunk.ref)
            waiting.append(chunk)
            if len(waiting) == STORED_TOGETHER:
                self._store(waiting)
                waiting = []
        self._store(waiting)
        column = Column(kinds[0], BOUNDARY_VERSION, tuple(refs))
        sealed = encode_column(column)
        for part in sealed:
            if part.id not in self._done and not self._overlay.known([part.id]):
                self._packs.add(part.id, part.kind, encode_value(b"", [part.data], [1]))
        self._objects.remember(sealed)
        return StoredArray(sealed[-1].id, _not_held)

    def _seen(self, pieces: Iterator[Any], kinds: list[LogicalType], *, counted: bool) -> Iterator[Any]:
        for piece in pieces:
            self._go_on()
            values = normalise(piece)
            kinds.append(logical_type(values.type))
            if counted:
                self.missing += missing_values(values)
            yield values

    def _store(self, chunks: list[PieceChunk]) -> None:
        self._go_on()
        new = {chunk.ref.id: chunk.content for chunk in chunks if chunk.ref.id not in self._done}
        known = self._overlay.known(new) if new else frozenset()
        for oid, content in new.items():
            if oid not in known:
                self._go_on()
                self._packs.add(oid, Kind.CHUNK, encode_value(content.header, content.buffers, content.widths))
        self._done.update(new)


def _not_held() -> Any:
    raise TornFrame("its values were stored, and are not held")
