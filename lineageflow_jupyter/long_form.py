"""All changes of a diff one below the other, a row a cell, as Arrow batches that are made one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows
from lineageflow_jupyter.frames.content import contiguous
from lineageflow_jupyter.frames.texts import array_texts
from lineageflow_jupyter.model.pairs import ColumnPair, apart_from, places_of
from lineageflow_jupyter.version_frames import columns_at, texts_at
from lineageflow_jupyter.versions import Version

OPERATION, ROW_A, ROW_B, COLUMN, OLD, NEW = "operation", "row_a", "row_b", "column", "old", "new"
TOLD_TOGETHER = 2**16
"""Rows of a batch at most."""
_TEXT = pa.large_string()


@dataclass(frozen=True, eq=False)
class LongForm:
    """Changes in long form; its columns are described by `TableDiff.to_arrow`.

    Parameters
    ----------
    old, new : Version or None
        The versions.
    alignment : Alignment
        Which rows are which.
    keys, pairs : sequence of ColumnPair
        Columns that identify rows, and those whose cells are told.
    changed : sequence of (ColumnPair, numpy.ndarray of int64)
        Columns with changed cells, and the rows of the newer version that have them.
    """

    old: Version | None
    new: Version | None
    alignment: Alignment
    keys: Sequence[ColumnPair]
    pairs: Sequence[ColumnPair]
    changed: Sequence[tuple[ColumnPair, Rows]]

    @property
    def schema(self) -> pa.Schema:
        """Schema of the batches: keys as in the newer version, or texts if they are of two types."""
        version = self.new or self.old
        assert version is not None
        kinds = [array.type for array in self._keys_at(version, np.empty(0, np.int64))]
        names = apart_from([OPERATION, ROW_A, ROW_B, COLUMN, OLD, NEW], [pair.name for pair in self.keys])
        fields: list[tuple[str, Any]] = [(OPERATION, pa.string())]
        fields += [
            (name, _TEXT if pair.state == "retyped" else kind)
            for name, kind, pair in zip(names, kinds, self.keys, strict=True)
        ]
        fields += [(ROW_A, pa.int64()), (ROW_B, pa.int64()), (COLUMN, _TEXT), (OLD, _TEXT), (NEW, _TEXT)]
        return pa.schema(fields)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield deletes, inserts and updates, in parts."""
        schema = self.schema
        for rows, pair in self._whole_rows(self.alignment.removed, newer=False):
            yield self._batch(schema, "delete", pair, rows, None)
        for rows, pair in self._whole_rows(self.alignment.added, newer=True):
            yield self._batch(schema, "insert", pair, None, rows)
        for pair, changed in self.changed:
            for rows in _parts(changed):
                yield self._batch(schema, "update", pair, self.alignment.partners(rows), rows)

    def texts(self, pair: ColumnPair, rows: Rows) -> tuple[Any, Any]:
        """Old and new texts of a column at aligned rows of the newer version."""
        return self._texts(pair, self.alignment.partners(rows), newer=False), self._texts(pair, rows, newer=True)

    def _whole_rows(self, rows: Rows, *, newer: bool) -> Iterator[tuple[Rows, ColumnPair | None]]:
        """Parts of rows with each of their cells; with None where rows have no cells outside of the key."""
        told = [pair for pair in self.pairs if pair not in self.keys and places_of([pair], newer=newer)]
        for part in _parts(rows):
            for pair in told:
                yield part, pair
            if not told:
                yield part, None

    def _batch(
        self, schema: pa.Schema, operation: str, pair: ColumnPair | None, rows_a: Rows | None, rows_b: Rows | None
    ) -> pa.RecordBatch:
        rows = rows_a if rows_b is None else rows_b
        version = self.old if rows_b is None else self.new
        assert rows is not None
        assert version is not None
        keys = self._keys_at(version, rows)
        columns: list[Any] = [pa.array([operation]).take(_first(len(rows)))]
        columns += [_as(key, kind) for key, kind in zip(keys, schema.types[1:], strict=False)]
        columns += [pa.nulls(len(rows), pa.int64()) if side is None else pa.array(side) for side in (rows_a, rows_b)]
        columns.append(pa.array([None if pair is None else pair.name], _TEXT).take(_first(len(rows))))
        columns += [
            pa.nulls(len(rows), _TEXT) if side is None or pair is None else self._texts(pair, side, newer=newer)
            for side, newer in ((rows_a, False), (rows_b, True))
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _texts(self, pair: ColumnPair, rows: Rows, *, newer: bool) -> Any:
        version = self.new if newer else self.old
        assert version is not None
        return texts_at(version, places_of([pair], newer=newer), rows)[0]

    def _keys_at(self, version: Version, rows: Rows) -> list[Any]:
        """Values of the key's columns, without dictionaries."""
        if not self.keys:
            return []
        table = columns_at(version, places_of(self.keys, newer=version is self.new), rows, "arrow")
        arrays = map(contiguous, table.columns)
        return [
            array.dictionary.take(array.indices) if pa.types.is_dictionary(array.type) else array for array in arrays
        ]


def _as(array: Any, kind: Any) -> Any:
    if array.type == kind:
        return array
    return array_texts(array) if kind == _TEXT else array.cast(kind)


def _first(rows: int) -> Any:
    return pa.array(np.zeros(rows, np.int64))


def _parts(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), TOLD_TOGETHER):
        yield rows[start : start + TOLD_TOGETHER]
