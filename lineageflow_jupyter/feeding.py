"""The change feed of a dataset: what each commit did to it, one change after the other, for pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.convert import ENGINES, frame_of_table
from lineageflow_jupyter.frames.texts import array_texts
from lineageflow_jupyter.long_form import COLUMN, NEW, OLD, OPERATION, ROW_A, ROW_B
from lineageflow_jupyter.model.changes import shape_of
from lineageflow_jupyter.model.records import CommitRecord

COMMIT, TIME, AUTHOR = "commit", "time", "author"
_TEXT = pa.large_string()
_FIXED = (OPERATION, ROW_A, ROW_B, COLUMN, OLD, NEW)
_OWN: list[tuple[str, Any]] = [(COMMIT, pa.string()), (TIME, pa.timestamp("us", "UTC")), (AUTHOR, _TEXT)]


@dataclass(frozen=True, slots=True, eq=False)
class CommittedChange:
    """A commit with what it did to the dataset, against its first parent."""

    commit: CommitRecord
    diff: TableDiff


class ChangeFeed:
    """Changes of a dataset, commit by commit, the oldest first. Iterating gives each `CommittedChange`.

    Parameters
    ----------
    dataset : str
        Its name.
    changes : sequence of CommittedChange
        The commits that changed it, oldest first.
    """

    def __init__(self, dataset: str, changes: Sequence[CommittedChange]) -> None:
        self.dataset = dataset
        self._changes = tuple(changes)

    def __iter__(self) -> Iterator[CommittedChange]:
        """Iterate over the commits that changed the dataset."""
        return iter(self._changes)

    def __len__(self) -> int:
        """Return the number of commits that changed the dataset."""
        return len(self._changes)

    def __repr__(self) -> str:
        """Dataset and number of commits."""
        return f"<changes of {self.dataset}: {len(self)} commit{'s' * (len(self) != 1)}>"

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of `batches`: key columns have their type, or are texts if it was not always the same."""
        keys: dict[str, Any] = {}
        for schema in map(_long_schema, self._changes):
            for field in schema:
                if field.name not in _FIXED:
                    kind = keys.setdefault(field.name, field.type)
                    keys[field.name] = kind if kind == field.type else _TEXT
        rows = [(ROW_A, pa.int64()), (ROW_B, pa.int64()), (COLUMN, _TEXT), (OLD, _TEXT), (NEW, _TEXT)]
        return pa.schema([*_OWN, (OPERATION, pa.string()), *keys.items(), *rows])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the changes in parts (see `to_arrow`): only one at a time takes memory."""
        schema = self.schema
        for change in self._changes:
            for batch in _told(change):
                yield self._completed(schema, change.commit, batch)

    def to_arrow(self) -> pa.Table:
        """All changes as an Arrow table in long form, one row a cell.

        Columns are ``commit`` (hexadecimal), ``time`` (UTC), ``author``, ``operation``, the columns of the dataset's
        key, ``row_a``, ``row_b``, ``column``, ``old``, ``new``; from ``operation`` on see `TableDiff.to_arrow`. A
        commit that added the dataset or removed it is told by one row, whose ``operation`` is ``"create"`` or
        ``"drop"`` and whose ``new`` or ``old`` says how large it was. Any reader of the Arrow PyCapsule interface takes
        the feed itself as a stream of this form.
        """
        return pa.Table.from_batches(self.batches(), self.schema)

    def to_frame(self, engine: str = "pandas") -> Any:
        """All changes as a frame; see `to_arrow`.

        Parameters
        ----------
        engine : {"pandas", "polars", "arrow"}
            Library of the frame.
        """
        if engine not in ENGINES:
            raise UsageProblem(f"the engine {engine!r} is unknown", remedy=f"Use one of {', '.join(ENGINES)}")
        return frame_of_table(self.to_arrow(), engine)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream of the changes, made part by part."""
        reader: Any = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _completed(self, schema: pa.Schema, commit: CommitRecord, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch with the commit's columns, and null in those that the key had at other times."""
        rows = batch.num_rows
        values = (commit.id.hex(), commit.commit.time, commit.commit.author.name)
        first = pa.array(np.zeros(rows, np.int64))
        columns: list[Any] = [
            pa.array([value], kind).take(first) for value, (_, kind) in zip(values, _OWN, strict=True)
        ]
        for field in list(schema)[len(_OWN) :]:
            place = batch.schema.get_field_index(field.name)
            if place < 0:
                columns.append(pa.nulls(rows, field.type))
            else:
                array = batch.column(place)
                columns.append(array if array.type == field.type else array_texts(array))
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _whole(change: CommittedChange) -> bool:
    """Whether the commit added or removed the dataset as a whole."""
    return change.diff.old is None or change.diff.new is None


def _long_schema(change: CommittedChange) -> pa.Schema:
    return pa.schema([]) if _whole(change) else change.diff.long_schema


def _told(change: CommittedChange) -> Iterator[pa.RecordBatch]:
    diff = change.diff
    if not _whole(change):
        yield from diff.batches()
        return
    version = diff.old or diff.new
    assert version is not None
    said = str(shape_of(version.table))
    row = {OPERATION: "create" if diff.old is None else "drop", OLD: None, NEW: None}
    row[NEW if diff.old is None else OLD] = said
    kinds = pa.schema([(OPERATION, pa.string()), (OLD, _TEXT), (NEW, _TEXT)])
    yield pa.RecordBatch.from_pylist([row], schema=kinds)
