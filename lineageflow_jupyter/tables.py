"""Tables in and out of the store: where frames meet stored bytes. Refs, commits and HEAD belong to `repository`.

Writing: every column is cut into chunks against its parent, the catalog is asked which of them are new, and only those
are encoded. Reading: only the chunks of the chosen columns and rows are fetched. Both work on several columns at once.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.deriving import Deriver, decode_map, derived_from, holding
from lineageflow_jupyter.deriving import Sealed as Stored
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.forming import Former, OfKind, Part, label_changes
from lineageflow_jupyter.frames.assembly import stored_id
from lineageflow_jupyter.frames.canonical import CanonicalChunk, canonical_chunk
from lineageflow_jupyter.frames.codecs import FORM_FULL, StoredValue, encode_value, first_buffers, parse_value
from lineageflow_jupyter.frames.columns import ChunkedColumn, chunk_column
from lineageflow_jupyter.frames.content import StoredArray, values_of
from lineageflow_jupyter.frames.convert import (
    ColumnContent,
    FrameContent,
    companions_for,
    from_content,
    row_aligned,
)
from lineageflow_jupyter.frames.derived import Counted
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.row_labels import label_range
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.changes import numbered
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.lists import (
    Sealed,
    decode_column,
    decode_table,
    decode_tree,
    encode_column,
    encode_table,
    find_in_tree,
    nodes_of,
    outline,
    references,
)
from lineageflow_jupyter.model.objects import (
    Column,
    Commit,
    FrameDescription,
    Table,
    TableColumn,
    Tree,
    TreeEntry,
    decode_commit,
    decode_frame,
    encode_frame,
)
from lineageflow_jupyter.model.schema import schema_change
from lineageflow_jupyter.model.types import LogicalType
from lineageflow_jupyter.store.packs import PackWriter
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.threads import on_shared_thread

Known = Callable[[Collection[ObjectId]], frozenset[ObjectId]]
Compare = Callable[[TreeEntry, "Snapshot", FrameContent], ChangeSet | None]
"""Finds how a frame differs from a version; None where that cannot be found."""

GROUP_BYTES = 8 * 2**20
"""Small columns are handled together up to this size, so that a wide frame does not pay for each column alone."""
GROUP_COLUMNS = 512
ENCODED_TOGETHER = 2**18
"""Small chunks are encoded together up to this size."""
THREADS = min(8, os.cpu_count() or 1)
"""Threads of a repository."""
TAKEN_TOGETHER = 1 << 20
"""Rows of a column that are read at a time where only some of them are wanted."""
CACHED_MANIFESTS = 20_000
DECODED_TOGETHER = 256
"""Manifests that are decoded at a time, where many are read."""
CACHED_TABLES = 4
"""Tables that are kept decoded: a walk through versions asks for each several times."""
CACHED_OUTLINES = 1_000
"""Trees and nodes of trees of which the outline is kept, to find single datasets in."""


class Objects:
    """Reads manifests by id and remembers the latest; they never change."""

    def __init__(self, reader: ObjectReader) -> None:
        self.reader = reader
        self._cache: OrderedDict[ObjectId, bytes] = OrderedDict()
        self._lock = Lock()
        self._outline = lru_cache(CACHED_OUTLINES)(lambda oid: outline(self.data(oid)))
        self._table = lru_cache(CACHED_TABLES)(lambda oid: decode_table(self.data(oid), self.data))
        self.deriver = Deriver(self)

    def data(self, oid: ObjectId) -> bytes:
        """Canonical bytes of a manifest."""
        with self._lock:
            if oid in self._cache:
                self._cache.move_to_end(oid)
                return self._cache[oid]
        data = bytes(parse_value(self.reader.read(oid)).read(0))
        self._remember(oid, data)
        return data

    def remember(self, manifests: Iterable[Sealed]) -> None:
        """Keep manifests that were just written: the next commit starts from them."""
        for part in manifests:
            self._remember(part.id, part.data)

    def prefetch(self, ids: Iterable[ObjectId]) -> None:
        """Read many manifests at once."""
        wanted = dict.fromkeys(ids)
        with self._lock:
            missing = [oid for oid in wanted if oid not in self._cache]
        if len(missing) > 1:
            values = self.reader.read_many(missing)
            while some := list(islice(values, DECODED_TOGETHER)):
                for (oid, _), data in zip(some, first_buffers([value for _, value in some]), strict=True):
                    self._remember(oid, bytes(data))

    def commit(self, oid: ObjectId) -> Commit:
        """Return a commit."""
        return decode_commit(self.data(oid))

    def tree(self, oid: ObjectId) -> Tree:
        """Return a tree."""
        return decode_tree(self.data(oid), self.data)

    def find_in_trees(self, places: Sequence[tuple[ObjectId, str]]) -> list[TreeEntry | None]:
        """Entries of single datasets, each in a tree of its own; what they lie in is read together."""
        trees = list(dict.fromkeys(oid for oid, _ in places))
        self.prefetch(trees)
        self.prefetch(node for oid in trees for node in nodes_of(self._outline(oid)))
        return [find_in_tree(oid, self._outline, dataset) for oid, dataset in places]

    def table(self, oid: ObjectId) -> Table:
        """Return a table."""
        return self._table(oid)

    def frame(self, oid: ObjectId) -> FrameDescription:
        """Return a frame description."""
        return decode_frame(self.data(oid))

    def columns(self, ids: Sequence[ObjectId]) -> list[Column]:
        """Columns, in the order of their ids."""
        self.prefetch(ids)
        return [decode_column(self.data(oid), self.data) for oid in ids]

    def _remember(self, oid: ObjectId, data: bytes) -> None:
        with self._lock:
            self._cache[oid] = data
            while len(self._cache) > CACHED_MANIFESTS:
                self._cache.popitem(last=False)


def _normalised(array: Any) -> Any:
    return normalise(values_of(array))


def _chunk_columns(parts: Sequence[tuple[Any, Column | None]]) -> list[ChunkedColumn]:
    return [chunk_column(array, parent) for array, parent in parts]


def _encode_chunks(packs: PackWriter, chunks: Sequence[tuple[ObjectId, CanonicalChunk]]) -> None:
    for oid, chunk in chunks:
        packs.add(oid, Kind.CHUNK, encode_value(chunk.header, chunk.buffers, chunk.widths))


def _encode_places(
    packs: PackWriter, values: Any, kind: LogicalType, places: Sequence[tuple[ObjectId, int, int]]
) -> None:
    for oid, start, stop in places:
        chunk = canonical_chunk(values.slice(start, stop - start), kind)
        packs.add(oid, Kind.CHUNK, encode_value(chunk.header, chunk.buffers, chunk.widths))


def _places_of(column: Column, wanted: Collection[ObjectId]) -> list[tuple[ObjectId, int, int]]:
    """Rows of a column where chunks lie, each once."""
    found: dict[ObjectId, tuple[int, int]] = {}
    start = 0
    for chunk in column.chunks:
        if chunk.id in wanted and chunk.id not in found:
            found[chunk.id] = (start, start + chunk.rows)
        start += chunk.rows
    return [(oid, *rows) for oid, rows in found.items()]


def _wanted(column: Column, ids: frozenset[ObjectId]) -> frozenset[ObjectId]:
    return ids.intersection(chunk.id for chunk in column.chunks)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frame's ids: its entry in a tree, its table, and the chunk lists of the table's columns.

    Parameters
    ----------
    entry, table, columns
        See there.
    changes : ChangeSet or None
        How it differs from its parent, where that was found in order to store it.
    map : ObjectId or None
        Row map of these changes' alignment, if it was stored.
    """

    entry: TreeEntry
    table: Table
    columns: tuple[Column, ...]
    changes: ChangeSet | None = None
    map: ObjectId | None = None


class TableWriter:
    """Computes the ids of frames and, given a pack writer, stores what is new.

    Parameters
    ----------
    objects : Objects
        Manifests of the parents.
    pool : Executor
        Threads that share the work, by columns.
    known : callable
        Tells which of some ids are stored already.
    packs : PackWriter, optional
        Where new objects go. Without it nothing is written: only ids are computed.
    compare : callable, optional
        Finds how a frame differs from its parent, so that new chunks may be stored as rows of older ones.
    of_kind : callable, optional
        The catalog's `of_kind`; needed with `compare`.
    """

    def __init__(
        self,
        objects: Objects,
        pool: Executor,
        known: Known,
        packs: PackWriter | None = None,
        *,
        compare: Compare | None = None,
        of_kind: OfKind | None = None,
    ) -> None:
        self._objects = objects
        self._pool = pool
        self._known = known
        self._packs = packs
        self._compare = compare
        self._former = None if of_kind is None else Former(objects, objects.deriver, of_kind)
        self._lock = Lock()
        self._reused: set[ObjectId] = set()

    @property
    def reused(self) -> frozenset[ObjectId]:
        """Objects that were stored before, other than by the parents, and are needed again."""
        return frozenset(self._reused)

    def add(
        self,
        dataset: str,
        content: FrameContent,
        *,
        parent: TreeEntry | None,
        key: Sequence[str],
        changes: ChangeSet | None = None,
    ) -> Snapshot:
        """Ids of a frame; its new chunks and manifests are stored if there is a pack writer.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        content : FrameContent
            The frame.
        parent : TreeEntry or None
            The version before: makes it quick, does not change the result.
        key : sequence of str
            Names of the key columns.
        changes : ChangeSet, optional
            How the frame differs from the version before, where that is known.
        """
        parents, inherited = self._parents(content, parent)
        arrays = [column.array for column in content.columns] + list(content.companions)
        derive = parent is not None and self._packs is not None and self._compare is not None
        columns = self._chunked(arrays, parents, encode=not derive)
        sealed = [encode_column(column) for column in columns]
        ids = [objects[-1].id for objects in sealed]
        split = len(content.columns)
        table = Table(
            content.rows,
            tuple(
                TableColumn(column.name, column.role, oid)
                for column, oid in zip(content.columns, ids[:split], strict=True)
            ),
        )
        manifests = [part for objects in sealed if objects[-1].id not in inherited for part in objects]
        tables = encode_table(table)
        manifests += tables
        frame, data = encode_frame(FrameDescription(content.body, tuple(ids[split:])))
        manifests.append(Sealed(frame, Kind.FRAME, data))
        snapshot = Snapshot(TreeEntry(dataset, tables[-1].id, frame, tuple(key)), table, tuple(columns[:split]))
        if derive and parent is not None:
            inherited_chunks = {chunk.id for column in parents if column is not None for chunk in column.chunks}
            snapshot = replace(snapshot, changes=changes)
            snapshot = self._stored_late(snapshot, content, columns, inherited_chunks, parent)
        self.store([part for part in manifests if part.id not in inherited])
        return snapshot

    def _stored_late(
        self,
        snapshot: Snapshot,
        content: FrameContent,
        columns: Sequence[Column],
        inherited: Collection[ObjectId],
        parent: TreeEntry,
    ) -> Snapshot:
        """Store the new chunks of columns, as rows of the parent's where that is smaller."""
        ids = dict.fromkeys(chunk.id for column in columns for chunk in column.chunks if chunk.id not in inherited)
        unknown = frozenset(self._unknown(ids))
        if parent.table != snapshot.entry.table and self._compare is not None and snapshot.changes is None:
            snapshot = replace(snapshot, changes=self._compare(parent, snapshot, content))
        if unknown and snapshot.changes is not None and self._former is not None and self._packs is not None:
            derived, map_ = self._derived(self._former, snapshot, snapshot.changes, content, parent, unknown)
            new_maps = set(self._unknown([oid for oid, kind, _ in derived if kind is Kind.MAP]))
            for oid, kind, value in derived:
                if kind is not Kind.MAP or oid in new_maps:
                    self._packs.add(oid, kind, value)
            unknown -= {oid for oid, _, _ in derived}
            snapshot = replace(snapshot, map=map_)
        self._store_whole(content, columns, unknown)
        return snapshot

    def _derived(
        self,
        former: Former,
        snapshot: Snapshot,
        changes: ChangeSet,
        content: FrameContent,
        parent: TreeEntry,
        unknown: frozenset[ObjectId],
    ) -> tuple[list[Stored], ObjectId | None]:
        """As `Former.forms`; nothing where what the version before is derived from cannot be read.

        To follow a chain reads more than comparing did, and damage there must not cost a frame that is saved now.
        """
        try:
            return former.forms(self._parts(snapshot, changes, content, parent, unknown), changes)
        except (CorruptData, ObjectMissing):
            return [], None

    def _parts(
        self,
        snapshot: Snapshot,
        changes: ChangeSet,
        content: FrameContent,
        parent: TreeEntry,
        unknown: frozenset[ObjectId],
    ) -> list[Part]:
        """Columns with new chunks that the parent has too, as values or as labels that it counted."""
        before = self._objects.table(parent.table)
        old = self._objects.columns([column.column for column in before.columns])
        parts = []
        # Renamed columns have no new chunks, so nobody need know which are: as if all were constant.
        for origin, place in schema_change(before, snapshot.table, old, snapshot.columns, lambda _: True).common:
            changed = changes.changed.get(place, np.empty(0, np.int64))
            values = partial(_normalised, content.columns[place].array)
            new, wanted = snapshot.columns[place], _wanted(snapshot.columns[place], unknown)
            if wanted:
                parts.append(Part(old[origin], before.columns[origin].column, new, values, changed, wanted))
        counted = label_range(self._objects.frame(parent.frame).body)
        if counted is not None and len(snapshot.table.index) == 1:
            wanted = _wanted(snapshot.columns[0], unknown)
            labels = _normalised(content.columns[0].array) if wanted else pa.nulls(0)
            if wanted and pa.types.is_int64(labels.type):
                changed = label_changes(labels, Counted(*counted), changes.alignment)
                parts.append(Part(None, Counted(*counted), snapshot.columns[0], lambda: labels, changed, wanted))
        return parts

    def _store_whole(self, content: FrameContent, columns: Sequence[Column], unknown: frozenset[ObjectId]) -> None:
        """Encode and store chunks as they are, some on each thread."""
        arrays = [column.array for column in content.columns] + list(content.companions)
        running: list[Future[None]] = []
        left = set(unknown)
        try:
            for array, column in zip(arrays, columns, strict=True):
                places = _places_of(column, left)
                if places and self._packs is not None:
                    left -= {oid for oid, _, _ in places}
                    values = _normalised(array)
                    sizes = [max(values.nbytes * (stop - start) // len(values), 1) for _, start, stop in places]
                    for part in grouped(sizes, limit=ENCODED_TOGETHER):
                        chosen = [places[i] for i in part]
                        running.append(self._pool.submit(_encode_places, self._packs, values, column.type, chosen))
            for future in running:
                future.result()
        finally:
            for future in running:  # only after an error: nothing may go on writing when it is reported
                future.cancel()
            wait(running)

    def store(self, manifests: Sequence[Sealed]) -> None:
        """Store those of the manifests that are not stored yet."""
        if self._packs is None or not manifests:
            return
        unknown = set(self._unknown([part.id for part in manifests]))
        for part in manifests:
            if part.id in unknown:
                self._packs.add(part.id, part.kind, encode_value(b"", [part.data], [1]))
        self._objects.remember(manifests)

    def ids(self, arrays: Sequence[Any], parents: Sequence[Column | None]) -> list[ObjectId]:
        """Ids of columns; their new chunks are stored if there is a pack writer, the columns themselves are not."""
        return [encode_column(column)[-1].id for column in self._chunked(arrays, parents)]

    def _parents(
        self, content: FrameContent, parent: TreeEntry | None
    ) -> tuple[list[Column | None], frozenset[ObjectId]]:
        """The earlier version of each column and companion, and the ids that the parent holds already."""
        count = len(content.columns) + len(content.companions)
        if parent is None:
            return [None] * count, frozenset()
        names = list(numbered((column.role, column.name) for column in content.columns))
        table, frame = self._objects.table(parent.table), self._objects.frame(parent.frame)
        before = dict(zip(numbered((c.role, c.name) for c in table.columns), table.columns, strict=True))
        ids: list[ObjectId | None] = [before[name].column if name in before else None for name in names]
        companions: list[ObjectId | None] = list(frame.companions[: len(content.companions)])
        ids += companions + [None] * (len(content.companions) - len(companions))
        present = [oid for oid in ids if oid is not None]
        found = dict(zip(present, self._objects.columns(present), strict=True))
        return [None if oid is None else found[oid] for oid in ids], frozenset({*present, parent.table, parent.frame})

    def _chunked(self, arrays: Sequence[Any], parents: Sequence[Column | None], *, encode: bool = True) -> list[Column]:
        """Cut the arrays, a group on each thread, and encode what is new, some chunks on each thread.

        Only as many groups are begun as threads can take: what is cut but not encoded yet takes memory.
        """
        stored = {place: array.id for place, array in enumerate(arrays) if isinstance(array, StoredArray)}
        columns = dict(zip(stored, self._objects.columns(list(stored.values())), strict=True))
        cut = [place for place in range(len(arrays)) if place not in stored]
        waiting = [[cut[i] for i in group] for group in grouped([arrays[place].nbytes for place in cut])][::-1]
        running: dict[Future[Any], list[int] | None] = {}
        try:
            while waiting or running:
                while waiting and len(running) <= THREADS:
                    group = waiting.pop()
                    parts = [(arrays[i], parents[i]) for i in group]
                    running[self._pool.submit(_chunk_columns, parts)] = group
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    group_done, result = running.pop(future), future.result()
                    if group_done is not None:
                        columns.update(zip(group_done, (chunked.column for chunked in result), strict=True))
                        if encode:
                            running.update(dict.fromkeys(self._encoding(result)))
        finally:
            for future in running:  # only after an error: nothing may go on writing when it is reported
                future.cancel()
            wait(running)
        return [columns[i] for i in range(len(arrays))]

    def _encoding(self, chunked: Sequence[ChunkedColumn]) -> Iterator[Future[None]]:
        """Begin to encode and store those of the new chunks that are not stored yet."""
        packs = self._packs
        if packs is None:
            return
        new = {oid: chunk for column in chunked for oid, chunk in column.new.items()}
        unknown = self._unknown(new)
        sizes = [sum(memoryview(buffer).nbytes for buffer in new[oid].buffers) for oid in unknown]
        for part in grouped(sizes, limit=ENCODED_TOGETHER):
            yield self._pool.submit(_encode_chunks, packs, [(unknown[i], new[unknown[i]]) for i in part])

    def _unknown(self, ids: Collection[ObjectId]) -> list[ObjectId]:
        if not ids:
            return []
        known = self._known(ids)
        if known:
            with self._lock:
                self._reused |= known
        return [oid for oid in dict.fromkeys(ids) if oid not in known]


class TableReader:
    """Reads tables as frame contents.

    Parameters
    ----------
    objects : Objects
        Manifests and chunks.
    pool : Executor
        Threads that share the work, by columns.
    hot : HotColumns
        Recently read columns.
    """

    def __init__(self, objects: Objects, pool: Executor, hot: HotColumns) -> None:
        self._objects = objects
        self._pool = pool
        self._hot = hot

    def frame(
        self,
        dataset: str,
        table: Table,
        description: FrameDescription,
        positions: Sequence[int] | None,
        rows: range | None,
        engine: str,
    ) -> Any:
        """Frame of a table, or of some of its data columns and rows.

        Parameters
        ----------
        dataset : str
            Its name, for messages.
        table : Table
            The table.
        description : FrameDescription
            How the frame looked.
        positions : sequence of int or None
            Positions of the wanted columns among the data columns; None: all.
        rows : range or None
            Rows ``[start, stop)``; None: all.
        engine : str
            Library of the frame.
        """
        levels = len(table.index)
        places = range(len(table.columns))
        chosen_places = places if positions is None else [*places[:levels], *(places[levels:][p] for p in positions)]
        chosen = [table.columns[place] for place in chosen_places]
        aligned = row_aligned(description.body)
        needed = companions_for(description.body, chosen_places)
        companions = dict.fromkeys(range(len(description.companions)))
        full = [number for number in companions if number in needed and number not in aligned]
        sliced = [number for number in companions if number in needed and number in aligned]
        named = [(column.name, column.column) for column in chosen]
        named += [(f"companion {number}", description.companions[number]) for number in sliced]
        arrays = self.arrays(named, dataset, rows)
        companions.update(zip(sliced, arrays[len(chosen) :], strict=True))
        named = [(f"companion {number}", description.companions[number]) for number in full]
        companions.update(zip(full, self.arrays(named, dataset), strict=True))
        content = FrameContent(
            table.rows if rows is None else len(rows),
            tuple(
                ColumnContent(column.name, column.role, array)
                for column, array in zip(chosen, arrays[: len(chosen)], strict=True)
            ),
            tuple(companions.values()),
            description.body,
        )
        first = 0 if rows is None else rows.start
        with self._hot.reading():
            return from_content(content, engine=engine, positions=chosen_places, row_start=first)

    def arrays(
        self, columns: Sequence[tuple[str, ObjectId]], dataset: str, rows: range | None = None, *, keep: bool = True
    ) -> list[Any]:
        """Arrays of some columns.

        Parameters
        ----------
        columns : sequence of (str, ObjectId)
            Name (for messages) and id.
        dataset : str
            Name of the dataset, for messages.
        rows : range, optional
            Rows ``[start, stop)`` only.
        keep : bool
            Whether columns that are read whole go to the hot cache.

        Raises
        ------
        CorruptData, ObjectMissing
            Naming chunk, pack, dataset and column.
        """
        named = [(name, column) for (name, _), column in zip(columns, self.manifests(columns, dataset), strict=True)]
        with self._hot.reading() as since:
            ids = [oid for _, oid in columns]
            arrays = [self._hot.get(oid, column, rows) for oid, (_, column) in zip(ids, named, strict=True)]
            missing = [place for place, array in enumerate(arrays) if array is None]
            decoded = self.values([named[place] for place in missing], dataset, rows)
            for place, array in zip(missing, decoded, strict=True):
                arrays[place] = array
        if rows is None and keep:
            self._hot.missed({ids[place]: named[place][1] for place in missing}, self._decoded_again, since)
        return arrays

    def values(self, columns: Sequence[tuple[str, Column]], dataset: str, rows: range | None = None) -> list[Any]:
        """Arrays of columns whose chunk lists are at hand, and need not be stored; else as `arrays`.

        A group of columns on each thread; a single group here, which saves handing it over.
        """
        groups = grouped([16 * (column.rows if rows is None else len(rows)) for _, column in columns])
        done = self._each(lambda group: self._read_group([columns[i] for i in group], dataset, rows), groups)
        arrays: dict[int, Any] = {}
        for group, result in zip(groups, done, strict=True):
            arrays.update(zip(group, result, strict=True))
        return [arrays[i] for i in range(len(columns))]

    def taken(self, columns: Sequence[tuple[str, Column]], dataset: str, rows: npt.NDArray[np.int64]) -> list[Any]:
        """Arrays of columns at some rows, in the order of `rows`; else as `values`.

        Only chunks that hold some of the rows are read, a few at a time on each thread.
        """
        order = None if (np.diff(rows) >= 0).all() else np.argsort(rows, kind="stable")
        rising = rows if order is None else rows[order]
        parts = [(place, *part) for place, (_, column) in enumerate(columns) for part in _batches(column, rising)]

        def work(part: tuple[int, Column, npt.NDArray[np.int64]]) -> Any:
            place, column, at = part
            return self._read_group([(columns[place][0], column)], dataset, None)[0].take(pa.array(at))

        found: list[list[Any]] = [[] for _ in columns]
        for (place, _, _), array in zip(parts, self._each(work, parts), strict=True):
            found[place].append(array)
        arrays = []
        for (name, column), pieces in zip(columns, found, strict=True):
            kept = pieces or self._read_group([(name, replace(column, chunks=()))], dataset, None)
            array = kept[0] if len(kept) == 1 else normalise(pa.chunked_array(kept))
            arrays.append(array if order is None else array.take(pa.array(np.argsort(order))))
        return arrays

    def _each(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        """Do some work for each item, on several threads where there is more than one and this is none of them."""
        return (map if len(items) < 2 or on_shared_thread() else self._pool.map)(work, items)

    def stored_bytes(self, columns: Iterable[Column]) -> int:
        """Bytes that the chunks of some columns take in the store.

        Raises
        ------
        ObjectMissing
            If the catalog does not know a chunk.
        """
        ids = {chunk.id for column in columns for chunk in column.chunks}
        return sum(place.length for batch in self._objects.reader.plan(ids) for _, place in batch.objects)

    def _decoded_again(self, column: Column) -> Any:
        """Array of a column whose reader was told of any error, decoded on the calling thread."""
        return self._read_group([("", column)], "", None)[0]

    def manifests(self, columns: Sequence[tuple[str, ObjectId]], dataset: str) -> list[Column]:
        """Chunk lists of columns, by name (for messages) and id."""
        try:
            return self._objects.columns([oid for _, oid in columns])
        except (CorruptData, ObjectMissing):
            for name, oid in columns:  # one by one, to name the column
                with Named(dataset, name):
                    self._objects.columns([oid])
            raise

    def _read_group(self, columns: Sequence[tuple[str, Column]], dataset: str, rows: range | None) -> list[Any]:
        chosen = [(name, column, *_chunks_in(column, rows)) for name, column in columns]
        try:
            values = self._chunks([oid for _, _, ids, _ in chosen for oid, _ in ids])
        except (CorruptData, ObjectMissing):
            for name, _, ids, _ in chosen:  # one by one, to name the column
                with Named(dataset, name):
                    self._chunks([oid for oid, _ in ids])
            raise
        arrays = []
        for name, column, ids, skipped in chosen:
            with Named(dataset, name):
                array = self._objects.deriver.array(column.type, ids, values)
                if rows is not None:
                    array = array.slice(skipped, len(rows))
                if len(array) != (column.rows if rows is None else len(rows)):
                    raise CorruptData("a chunk has another number of rows than its column says")
            arrays.append(array)
        return arrays

    def _chunks(self, ids: Sequence[ObjectId]) -> dict[ObjectId, Any]:
        return {oid: parse_value(value) for oid, value in self._objects.reader.read_many(list(dict.fromkeys(ids)))}


class Named:
    """Adds dataset and column to the errors of damaged or missing objects."""

    def __init__(self, dataset: str, column: str | None = None) -> None:
        self._place = f"dataset {dataset!r}" if column is None else f"column {column!r} of dataset {dataset!r}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CorruptData | ObjectMissing):
            raise type(error)(f"{self._place}: {error.problem}", remedy=error.remedy) from error


def _batches(column: Column, rows: npt.NDArray[np.int64]) -> Iterator[tuple[Column, npt.NDArray[np.int64]]]:
    """The chunks that hold some of the rows, which rise, in parts; and where the rows are in each part."""
    held, at = holding(column, rows)
    stops = np.cumsum([chunk.rows for chunk in held.chunks])
    first = start = 0
    for place, stop in enumerate(stops.tolist()):
        if stop - start >= TAKEN_TOGETHER or place == len(stops) - 1:
            low, high = bisect_left(at, start), bisect_left(at, stop)
            yield replace(held, chunks=held.chunks[first : place + 1]), at[low:high] - start
            first, start = place + 1, stop


def _chunks_in(column: Column, rows: range | None) -> tuple[list[tuple[ObjectId, int]], int]:
    """Chunks, with their rows, that overlap the rows, and how many rows of the first one come before them."""
    if rows is None:
        return [(chunk.id, chunk.rows) for chunk in column.chunks], 0
    ids: list[tuple[ObjectId, int]] = []
    position = skipped = 0
    for chunk in column.chunks:
        if position < rows.stop and position + chunk.rows > rows.start:
            if not ids:
                skipped = rows.start - position
            ids.append((chunk.id, chunk.rows))
        position += chunk.rows
    return ids, skipped


def grouped(sizes: Sequence[int], *, limit: int = GROUP_BYTES) -> list[list[int]]:
    """Positions in groups of similar total size, the largest groups first so that no thread ends late."""
    groups: list[list[int]] = []
    total = 0
    for position, size in enumerate(sizes):
        if not groups or total + size > GROUP_BYTES or len(groups[-1]) >= GROUP_COLUMNS:
            groups.append([])
            total = 0
        groups[-1].append(position)
        total += size
    return sorted(groups, key=lambda group: -sum(sizes[i] for i in group))


def verify(objects: Objects, roots: Iterable[tuple[Kind, ObjectId]], done: set[ObjectId]) -> None:
    """Read everything that the roots lead to and compare each id with one computed anew.

    Parameters
    ----------
    objects : Objects
        Where to read.
    roots : iterable of (Kind, ObjectId)
        Where to begin.
    done : set of ObjectId
        Objects that need no second look; grows.

    Raises
    ------
    CorruptData, ObjectMissing
        For the first object that is damaged or missing.
    """
    pending = [root for root in roots if root[1] not in done]
    while pending:
        kinds = {oid: kind for kind, oid in pending}
        done.update(kinds)
        following: dict[ObjectId, Kind] = {}
        derived: dict[ObjectId, StoredValue] = {}
        for oid, value in objects.reader.read_many(list(kinds)):
            stored, kind = parse_value(value), kinds[oid]
            data = b"" if kind in (Kind.CHUNK, Kind.MAP) else bytes(stored.read(0))
            if kind is Kind.CHUNK and stored.form != FORM_FULL:
                derived[oid] = stored
            else:
                _expect_id(kind, oid, _found_id(stored, kind, oid, data))
            below = derived_from(stored) if kind is Kind.CHUNK else references(kind, data)
            following.update((child, found) for found, child in below if child not in done)
        for oid, found_id in objects.deriver.chunk_ids(derived):
            _expect_id(Kind.CHUNK, oid, found_id)
        pending = [(kind, oid) for oid, kind in following.items()]


def _expect_id(kind: Kind, oid: ObjectId, found: ObjectId) -> None:
    if found != oid:
        raise CorruptData(
            f"the {kind.name.lower()} {oid.hex()} holds other content than its id says",
            remedy="Restore the repository from a copy",
        )


def _found_id(stored: StoredValue, kind: Kind, oid: ObjectId, data: bytes) -> ObjectId:
    """Id of an object that is stored whole, computed from what is stored."""
    if kind is Kind.MAP:
        decode_map(stored, oid)
        return oid
    return stored_id(stored) if kind is Kind.CHUNK else object_id(kind, [data])
