"""Blame: for each value of a version the commit that gave it, as codes and a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter import wire
from lineageflow_jupyter.algorithms.blame import Codes, traced
from lineageflow_jupyter.ancestry import Ancestry
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.content import contiguous
from lineageflow_jupyter.frames.convert import ENGINES
from lineageflow_jupyter.history import unknown
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.objects import Step
from lineageflow_jupyter.model.pairs import ColumnPair, apart_from, paired
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.reasons import CHANGED, Cause, RunOf, cause, causes_frame
from lineageflow_jupyter.row_choice import chosen_rows
from lineageflow_jupyter.version_frames import columns_at, labelled_rows
from lineageflow_jupyter.versions import Rows, Version, labels_mean

ROW, COLUMN, COMMIT, TIME, AUTHOR = "row", "column", "commit", "time", "author"
TOLD_TOGETHER = 2**16
"""Rows of a batch at most."""
_DIGITS = 7


@dataclass(frozen=True, eq=False, repr=False)
class Blame:
    """Where the values of a version come from.

    Parameters
    ----------
    version : Version
        The version.
    tip : CommitRecord
        The commit at which it was looked up.
    columns : tuple of ColumnPair
        The columns that were asked for: names, and places in the table.
    rows : numpy.ndarray of int64 or None
        Numbers of the rows that were asked for; None for all.
    commits : tuple of CommitRecord
        The commits that gave values, the latest generation first.
    codes : mapping of str to numpy.ndarray of int32
        By column: for each row, the place of its value's commit in `commits`.
    steps : tuple of Step or None
        For each of `commits` the step that gave the values: the cell run, and the table that it left. None where no
        step is known. A commit is there once for each of its steps that gave some.
    run_of : callable
        Gives the cell runs of steps.
    """

    version: Version
    tip: CommitRecord
    columns: tuple[ColumnPair, ...]
    rows: Rows | None
    commits: tuple[CommitRecord, ...]
    codes: Mapping[str, Codes]
    steps: tuple[Step | None, ...]
    run_of: RunOf = field(default=lambda _: None)

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.version.entry.dataset

    def __len__(self) -> int:
        """Return the number of rows that were asked for."""
        return self.version.table.rows if self.rows is None else len(self.rows)

    def __repr__(self) -> str:
        """Size and number of commits."""
        count = len(self.commits)
        return (
            f"<blame of {self.dataset}: {len(self)} × {len(self.columns)} values "
            f"from {count} commit{'s' * (count != 1)}>"
        )

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many values each of the commits gave."""
        found = np.zeros(len(self.commits), np.int64)
        for codes in self.codes.values():
            found += np.bincount(codes, minlength=len(self.commits))
        return tuple(found.tolist())

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of the commits as hexadecimal text, as short as tells them apart."""
        digits = _DIGITS
        several = len({record.id for record in self.commits})
        while len({short(record.id, digits) for record in self.commits}) < several:
            digits += 1
        return tuple(short(record.id, digits) for record in self.commits)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """For each column and each step of a commit that gave some of its values: the cell, its line, the operation.

        Columns in their order, in each the latest commit first. ``causes_frame()`` has the same as a frame.
        """
        return tuple(
            self.cause_of(name, place, count) for name in self.codes for place, count in self.counts_of(name).items()
        )

    def counts_of(self, column: str) -> dict[int, int]:
        """How many values of a column each of the commits gave, by their places; those that gave none are left out."""
        counts = np.bincount(self.codes[column])
        return {int(place): int(counts[place]) for place in np.flatnonzero(counts)}

    def cause_of(self, column: str, place: int, cells: int = 1) -> Cause:
        """Cell and operation by which one of `commits`, told by its place, gave values to a column."""
        commit, step = self.commits[place].id.hex(), self.steps[place]
        if step is None:
            return Cause(CHANGED, column, cells, commit)
        run = self._run(step.cell_run)
        return cause(CHANGED, column, cells, run, (step.dataset, step.table), commit, step.cell_run)

    def causes_frame(self, engine: str = "pandas") -> Any:
        """Return `causes` as a frame; see `reasons.causes_frame`."""
        return causes_frame(self.causes, engine)

    @cached_property
    def _run(self) -> RunOf:
        return cache(lambda run: self.run_of(run) if run else None)

    def commit_of(self, column: str, row: int = 0) -> CommitRecord:
        """Return the commit that gave a value.

        Parameters
        ----------
        column : str
            Name of the column.
        row : int
            Place among the rows that were asked for.
        """
        codes = self.codes.get(column)
        if codes is None:
            raise unknown("column", column, list(self.codes), f"Columns: {', '.join(list(self.codes)[:20])}")
        if not 0 <= row < len(codes):
            raise UsageProblem(f"row {row} of {len(codes)} was not asked for", remedy="Rows are counted from 0")
        return self.commits[int(codes[row])]

    def to_frame(self, engine: str = "pandas") -> Any:
        """Frame of the rows and columns that were asked for, with ids of commits as values.

        Labels of rows and columns of the key come along, as they are in the version.

        Parameters
        ----------
        engine : {"pandas", "polars", "arrow"}
            Library of the frame.
        """
        if engine not in ENGINES:
            raise UsageProblem(f"the engine {engine!r} is unknown", remedy=f"Use one of {', '.join(ENGINES)}")
        columns = self.version.table.columns
        key = [place for place in self.key_places if columns[place].role == "data"]
        told = {
            pair.new: self._texts(pair.name)
            for pair in self.columns
            if pair.new is not None and pair.role == "data" and pair.new not in key
        }
        places = sorted([*told, *key])
        return labelled_rows(self.version, places, self.numbers, told, engine)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the long form (see `cells`) in parts: only one at a time takes memory."""
        schema = self.schema
        for pair in self.columns:
            for start in range(0, len(self), TOLD_TOGETHER):
                yield self._batch(schema, pair, slice(start, start + TOLD_TOGETHER))

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of `batches`."""
        own: list[tuple[str, Any]] = [
            (ROW, pa.int64()),
            (COLUMN, pa.dictionary(pa.int32(), pa.large_string())),
            (COMMIT, pa.dictionary(pa.int32(), pa.string())),
            (TIME, pa.timestamp("us", "UTC")),
            (AUTHOR, pa.dictionary(pa.int32(), pa.large_string())),
        ]
        names = [name for name, _ in own]
        labels = [self.version.table.columns[place].name for place in self.key_places]
        kinds = [array.type for array in self._keys_at(np.empty(0, np.int64))]
        return pa.schema([*zip(apart_from(names, labels), kinds, strict=True), *own])

    def cells(self) -> pa.Table:
        """All values one below the other, as an Arrow table: column by column.

        Columns are those of the key, ``row`` (its number in the version), ``column``, ``commit`` (hexadecimal),
        ``time`` (UTC) and ``author``.
        """
        return pa.Table.from_batches(self.batches(), self.schema)

    def to_json(self, *, codes: bool = True) -> wire.Document:
        """As a dict for `json.dumps`; see `wire.blame`.

        Parameters
        ----------
        codes : bool
            Whether each value is told, or only how many values each commit gave.
        """
        told = {name: each.tolist() for name, each in self.codes.items()} if codes else {}
        runs = [None if step is None else step.cell_run or None for step in self.steps]
        commits = list(zip(self.commits, self.counts, runs, strict=True))
        rows = self.numbers.tolist() if codes else []
        return wire.blame((self.dataset, self.tip), list(self.codes), rows, commits, told)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream of the long form, made part by part."""
        reader: Any = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    @cached_property
    def numbers(self) -> Rows:
        """Numbers of the rows that were asked for."""
        return np.arange(len(self), dtype=np.int64) if self.rows is None else self.rows

    @property
    def key_places(self) -> list[int]:
        """Places of the columns that identify rows: the key, else the index levels."""
        columns = self.version.table.columns
        key = self.version.entry.key
        return [
            place for place, column in enumerate(columns) if (column.name in key if key else column.role == "index")
        ]

    def _keys_at(self, rows: Rows) -> list[Any]:
        if not self.key_places:
            return []
        arrays = map(contiguous, columns_at(self.version, self.key_places, rows, "arrow").columns)
        return [
            array.dictionary.take(array.indices) if pa.types.is_dictionary(array.type) else array for array in arrays
        ]

    def _texts(self, name: str) -> Any:
        return pa.array(self.ids, pa.large_string()).take(pa.array(self.codes[name], pa.int32()))

    def _batch(self, schema: pa.Schema, pair: ColumnPair, part: slice) -> pa.RecordBatch:
        rows = self.numbers[part]
        codes: Any = pa.array(self.codes[pair.name][part])
        own: Any = pa.array(np.full(len(rows), self.columns.index(pair), np.int32))
        names = pa.array([each.name for each in self.columns], pa.large_string())
        authors = pa.array([record.commit.author.name for record in self.commits], pa.large_string())
        columns = [
            *self._keys_at(rows),
            pa.array(rows),
            pa.DictionaryArray.from_arrays(own, names),
            pa.DictionaryArray.from_arrays(codes, pa.array([record.id.hex() for record in self.commits], pa.string())),
            pa.array([record.commit.time for record in self.commits], schema.field(TIME).type).take(codes),
            authors.dictionary_encode().take(codes),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def blame(
    ancestry: Ancestry,
    version: Version,
    tip: CommitRecord,
    columns: Sequence[str] | None,
    rows: Any,
    run_of: RunOf = lambda _: None,
) -> Blame:
    """Find where the values of a version come from.

    Parameters
    ----------
    ancestry : Ancestry
        Its past.
    version : Version
        The version that `tip` holds.
    tip : CommitRecord
        A commit.
    columns : sequence of str or None
        Names of columns; None for all, index levels included unless they only say where a row once stood.
    rows
        See `row_choice.chosen_rows`.
    run_of : callable
        Gives the cell runs of steps.
    """
    chosen = _columns(version, columns)
    numbers = chosen_rows(version, rows)
    asked, back = (None, None) if numbers is None else np.unique(numbers, return_inverse=True)
    maker = ancestry.maker((tip.id, version.entry.dataset))
    assert maker is not None
    places = [pair.new for pair in chosen if pair.new is not None]
    found = traced(ancestry, maker, version.table.rows, places, asked)
    codes = {pair.name: found.codes[place] for pair, place in zip(chosen, places, strict=True)}
    if back is not None:
        codes = {name: each[back] for name, each in codes.items()}
    told = [
        (ancestry.record(node), ancestry.steps(node)[step - 1] if step else None)
        for node, step in zip(found.origins, found.steps, strict=True)
    ]
    origins = list(dict.fromkeys(told))
    if len(origins) < len(told):  # a commit gave values to two datasets that became one
        folded = np.array([origins.index(each) for each in told], np.int32)
        codes = {name: folded[each] for name, each in codes.items()}
    records, steps = tuple(record for record, _ in origins), tuple(step for _, step in origins)
    return Blame(version, tip, chosen, numbers, records, codes, steps, run_of)


def _columns(version: Version, columns: Sequence[str] | None) -> tuple[ColumnPair, ...]:
    every = paired(None, version.table, None)
    if columns is None:
        levels = labels_mean(version)
        return tuple(pair for pair in every if levels or pair.role == "data" or pair.label in version.entry.key)
    chosen: dict[ColumnPair, None] = {}
    for name in columns:
        found = [pair for pair in every if pair.called(name)]
        if not found:
            names = [pair.name for pair in every]
            raise unknown("column", name, names, f"Columns: {', '.join(names[:20])}", f" in {version.entry.dataset!r}")
        chosen.update(dict.fromkeys(found))
    return tuple(chosen)
