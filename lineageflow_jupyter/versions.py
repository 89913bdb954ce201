"""Versions of a dataset, stored or live, seen alike: manifests, and values by columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.row_labels import labels_identify
from lineageflow_jupyter.frames.storage_types import arrow_type
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Column, FrameDescription, Table, TreeEntry
from lineageflow_jupyter.model.schema import SchemaChange, schema_change
from lineageflow_jupyter.tables import Named, Objects, Snapshot, TableReader

Rows = np.ndarray[Any, Any]
"""Row numbers, int64."""


class Version(Protocol):
    """One version of a dataset. Columns are told by their places in the table, index levels included."""

    @property
    def entry(self) -> TreeEntry:
        """Its entry in a tree; of a live frame the one that it would have."""

    @property
    def table(self) -> Table:
        """Its table."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Chunk lists of the table's columns, in order."""

    @property
    def body(self) -> list[Any]:
        """Body of its frame description."""

    @property
    def in_memory(self) -> bool:
        """Whether its values are at hand, so that rows anywhere are taken without reading others."""

    def values(self, places: Sequence[int], rows: range | None = None) -> list[Any]:
        """Normalised Arrow arrays of some columns, or of their rows ``[start, stop)``."""

    def take(self, places: Sequence[int], rows: Rows) -> list[Any]:
        """Normalised Arrow arrays of some columns at some rows, in their order, on memory that nobody else uses."""

    def keyed(self, key: Sequence[str]) -> Version:
        """Return the same version, as if it declared a key."""

    def companions(self, numbers: Sequence[int], rows: Rows | None = None) -> list[Any]:
        """Normalised arrays of companions of the frame description; at some rows, for those with a value a row."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredVersion:
    """A version that is in the store; reads only the chunks that hold what is asked for."""

    entry: TreeEntry
    table: Table
    columns: tuple[Column, ...]
    description: FrameDescription
    reader: TableReader

    @classmethod
    def of(cls, entry: TreeEntry, objects: Objects, reader: TableReader) -> StoredVersion:
        """Version of a tree entry."""
        with Named(entry.dataset):
            table, description = objects.table(entry.table), objects.frame(entry.frame)
        named = [(column.name, column.column) for column in table.columns]
        return cls(entry, table, tuple(reader.manifests(named, entry.dataset)), description, reader)

    @property
    def body(self) -> list[Any]:
        """Body of its frame description."""
        return self.description.body

    @property
    def in_memory(self) -> bool:
        """See `Version`."""
        return False

    def keyed(self, key: Sequence[str]) -> StoredVersion:
        """See `Version`."""
        return replace(self, entry=replace(self.entry, key=tuple(key)))

    def values(self, places: Sequence[int], rows: range | None = None) -> list[Any]:
        """See `Version`."""
        if rows is None:  # the hot cache may have them, but to compare is no reason to keep them
            named = [(self.table.columns[place].name, self.table.columns[place].column) for place in places]
            return self.reader.arrays(named, self.entry.dataset, keep=False)
        return self.reader.values([self._named(place) for place in places], self.entry.dataset, rows)

    def take(self, places: Sequence[int], rows: Rows) -> list[Any]:
        """See `Version`."""
        span = _span(rows)
        if span is not None:
            return self.values(places, None if len(span) == self.table.rows else span)
        return self.reader.taken([self._named(place) for place in places], self.entry.dataset, rows)

    def companions(self, numbers: Sequence[int], rows: Rows | None = None) -> list[Any]:
        """See `Version`."""
        named = [(f"companion {number}", self.description.companions[number]) for number in numbers]
        if rows is None:
            return self.reader.arrays(named, self.entry.dataset)
        columns = self.reader.manifests(named, self.entry.dataset)
        paired = [(name, column) for (name, _), column in zip(named, columns, strict=True)]
        return self.reader.taken(paired, self.entry.dataset, rows)

    def _named(self, place: int) -> tuple[str, Column]:
        return self.table.columns[place].name, self.columns[place]


@dataclass(frozen=True, slots=True, eq=False)
class LiveVersion:
    """A live frame whose ids were computed; it must not change while it is used."""

    snapshot: Snapshot
    content: FrameContent

    @property
    def entry(self) -> TreeEntry:
        """The entry that it would have in a tree."""
        return self.snapshot.entry

    @property
    def table(self) -> Table:
        """Its table."""
        return self.snapshot.table

    @property
    def columns(self) -> tuple[Column, ...]:
        """Chunk lists of the table's columns."""
        return self.snapshot.columns

    @property
    def body(self) -> list[Any]:
        """Body of its frame description."""
        return self.content.body

    @property
    def in_memory(self) -> bool:
        """See `Version`."""
        return True

    def keyed(self, key: Sequence[str]) -> LiveVersion:
        """See `Version`."""
        return replace(self, snapshot=replace(self.snapshot, entry=replace(self.entry, key=tuple(key))))

    def values(self, places: Sequence[int], rows: range | None = None) -> list[Any]:
        """See `Version`."""
        arrays = [self.content.columns[place].array for place in places]
        return [normalise(array if rows is None else array.slice(rows.start, len(rows))) for array in arrays]

    def take(self, places: Sequence[int], rows: Rows) -> list[Any]:
        """See `Version`."""
        at = pa.array(rows)
        return [normalise(self.content.columns[place].array.take(at)) for place in places]

    def companions(self, numbers: Sequence[int], rows: Rows | None = None) -> list[Any]:
        """See `Version`."""
        arrays = [self.content.companions[number] for number in numbers]
        return [normalise(array if rows is None else array.take(pa.array(rows))) for array in arrays]


def schema_of(old: Version, new: Version) -> SchemaChange:
    """How the columns of two versions belong together; values are read only where a column may be a renamed one."""
    return schema_change(old.table, new.table, old.columns, new.columns, lambda place: is_constant(new, place))


def is_constant(version: Version, place: int) -> bool:
    """Whether a column has one value in all rows, or no rows; NaN is one value, null too.

    Reads nothing where chunk ids tell, else chunk by chunk, each once, until two values differ.
    """
    ids: dict[int, ObjectId] = {}
    starts: dict[ObjectId, int] = {}
    at = 0
    for chunk in version.columns[place].chunks:
        if ids.setdefault(chunk.rows, chunk.id) != chunk.id:  # as long, and other values: not all are one
            return False
        starts.setdefault(chunk.id, at)
        at += chunk.rows
    first = None
    for rows, oid in ids.items():
        (array,) = version.values([place], range(starts[oid], starts[oid] + rows))
        first = array.slice(0, 1) if first is None else first
        if changed_rows(first, array.slice(0, 1)).any() or changed_rows(array.slice(0, rows - 1), array.slice(1)).any():
            return False
    return True


def labels_mean(version: Version) -> bool:
    """Whether a version has index levels that say more of a row than its place; see `labels_identify`."""
    levels = version.columns[: len(version.table.index)]
    return bool(levels) and labels_identify(version.body, [arrow_type(column.type) for column in levels])


def _span(rows: Rows) -> range | None:
    """The rows as a range, if they follow one another."""
    if not len(rows) or rows[-1] - rows[0] + 1 != len(rows) or not (np.diff(rows) == 1).all():
        return None
    return range(int(rows[0]), int(rows[-1]) + 1)
