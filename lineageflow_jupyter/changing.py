"""Change sets of versions: kept at commit beside the objects, read again by whoever compares neighbours.

A kept change set is named by the two versions that it lies between, not by its bytes: another version of LineageFlow
may find another, as good one. It only saves work: where none is kept, it is found anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.algorithms.changes import ChangeSet, decode_changes, encode_changes
from lineageflow_jupyter.aligning import change_set
from lineageflow_jupyter.deriving import Sealed
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.frames.codecs import StoredValue, encode_value, parse_value
from lineageflow_jupyter.frames.content import FrameContent
from lineageflow_jupyter.model.diffs import DiffOptions
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.objects import TreeEntry, decode, encode
from lineageflow_jupyter.row_values import RowValues
from lineageflow_jupyter.tables import Known, Objects, Snapshot, TableReader
from lineageflow_jupyter.versions import LiveVersion, StoredVersion, Version, schema_of


def change_set_id(old: TreeEntry, new: TreeEntry) -> ObjectId:
    """Id under which the change set between two versions is kept.

    Parameters
    ----------
    old, new : TreeEntry
        Entries of the versions; the dataset's name does not matter.
    """
    return object_id(Kind.CHANGES, [encode([[side.table, side.frame, list(side.key)] for side in (old, new)])])


Read = Mapping[ObjectId, memoryview]
"""Stored values of change sets that were read together."""


class Changes:
    """Finds how versions of datasets differ.

    Parameters
    ----------
    objects : Objects
        Manifests and kept change sets.
    reader : TableReader
        Reads stored values.
    pool : Executor
        Threads that share the work.
    known : callable
        Tells which of some ids are stored.
    """

    def __init__(self, objects: Objects, reader: TableReader, pool: Executor, known: Known) -> None:
        self._objects = objects
        self._reader = reader
        self._pool = pool
        self._known = known

    def stored(self, entry: TreeEntry) -> StoredVersion:
        """Version of a tree entry."""
        return StoredVersion.of(entry, self._objects, self._reader)

    def between(self, old: Version, new: Version) -> ChangeSet:
        """How a version became another: as it was kept at commit, or found anew."""
        kept = self.kept(old.entry, new.entry)
        if kept is not None:
            return kept
        committed = isinstance(old, StoredVersion) and isinstance(new, StoredVersion)
        return change_set(old, new, self._pool, committed=committed)

    def read_together(self, pairs: Sequence[tuple[TreeEntry, TreeEntry]], limit: int) -> Read:
        """Read the kept change sets of some pairs of versions at once, of at most `limit` bytes in all; for `kept`."""
        return self._objects.reader.read_some([change_set_id(old, new) for old, new in pairs], limit)

    def kept(
        self, old: TreeEntry, new: TreeEntry, places: Collection[int] | None = None, read: Read | None = None
    ) -> ChangeSet | None:
        """Change set that was kept when `new` was committed on top of `old`; None where there is none.

        A damaged one counts as none: it is found anew.

        Parameters
        ----------
        old, new : TreeEntry
            The versions.
        places : collection of int, optional
            Places of the columns, in the newer version, whose changed rows are asked for; all by default.
        read : mapping, optional
            What `read_together` gave.
        """
        try:
            return self._read(old, new, places, read)
        except (ObjectMissing, CorruptData):
            return None

    def check(self, old: TreeEntry, new: TreeEntry) -> ObjectId | None:
        """Id of the kept change set between two versions, if there is one and it is true; for `fsck`.

        Raises
        ------
        CorruptData, ObjectMissing
            If it is damaged, or says other than the versions' values.
        """
        oid = change_set_id(old, new)
        if not self._known([oid]):
            return None
        found = self._read(old, new)
        values = RowValues(self.stored(old), self.stored(new), self._pool)
        changed = values.changed(found.alignment, values.schema.common)
        if {place: rows.tolist() for place, rows in changed.items()} != {
            place: rows.tolist() for place, rows in found.changed.items()
        }:
            raise CorruptData(
                f"dataset {new.dataset!r}: a kept change set says other than its versions",
                remedy="Diffs of these two versions cannot be trusted; restore the repository from a copy",
            )
        return oid

    def _read(
        self, old: TreeEntry, new: TreeEntry, places: Collection[int] | None = None, read: Read | None = None
    ) -> ChangeSet:
        oid = change_set_id(old, new)
        data = None if read is None else read.get(oid)
        value = parse_value(self._objects.reader.read(oid) if data is None else data)
        try:
            maps = self._objects.deriver.maps
            found = decode_changes(decode(value.header), _Buffers(value), lambda map_: maps.get(ObjectId(map_)), places)
            rows = (self._objects.table(old.table).rows, self._objects.table(new.table).rows)
            if (found.alignment.rows_a, found.alignment.rows_b) != rows:
                raise ValueError("it is of other tables")
        except (ValueError, TypeError, LookupError) as error:
            raise CorruptData(
                f"dataset {new.dataset!r}: a kept change set is damaged ({error})",
                remedy="Run fsck to see what else is damaged",
            ) from error
        return found

    def at_commit(self, old: TreeEntry, snapshot: Snapshot, content: FrameContent) -> ChangeSet | None:
        """How a frame that is about to be committed differs from the version before it.

        None where the older version cannot be read: that must not stand in the way of whoever saves a frame.
        """
        try:
            return change_set(self.stored(old), LiveVersion(snapshot, content), self._pool)
        except (CorruptData, ObjectMissing):
            return None

    def diff(
        self,
        old: Version | None,
        new: Version | None,
        options: DiffOptions,
        key: Sequence[str] | None = None,
    ) -> TableDiff:
        """Diff of two versions, of which one may be missing.

        Parameters
        ----------
        old, new : Version or None
            The versions; not both None.
        options : DiffOptions
            What counts as a difference.
        key : sequence of str, optional
            Columns that identify rows, instead of those that the versions declare.
        """
        if old is None or new is None:
            return TableDiff(old, new, options=options)
        schema = schema_of(old, new)
        if key is None:
            return TableDiff(old, new, schema, lambda: self.between(old, new), options)
        asked = tuple(dict.fromkeys([key] if isinstance(key, str) else key))
        return TableDiff(old.keyed(asked), new.keyed(asked), schema, change_set(old, new, self._pool, asked), options)


@dataclass(frozen=True)
class _Buffers(Sequence[Any]):
    """Buffers of a stored value, each decoded when it is asked for."""

    value: StoredValue

    def __len__(self) -> int:
        return len(self.value.sizes)

    def __getitem__(self, number: Any) -> Any:
        return self.value.read(number)


def sealed_changes(old: TreeEntry, new: Snapshot) -> Sealed | None:
    """Change set of a version as an object, to be kept beside it; None where there is none."""
    if new.changes is None:
        return None
    header, buffers = encode_changes(new.changes, new.map)
    value = encode_value(encode(header), [part.tobytes() for part in buffers], [part.itemsize for part in buffers])
    return change_set_id(old, new.entry), Kind.CHANGES, value
