"""Diffs of two versions of a dataset: what differs, as numbers, frames, pages, Arrow and JSON.

Which rows are which and where cells differ is a `ChangeSet`; here is what is made of it. Everything is found when it is
first asked for, and no more values are read than are given back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter import wire
from lineageflow_jupyter.algorithms.alignment import Alignment, Rows
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.algorithms.hunks import Hunks
from lineageflow_jupyter.algorithms.summaries import distribution
from lineageflow_jupyter.applying import applied
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.comparison import beyond_tolerance
from lineageflow_jupyter.frames.convert import ENGINES, library_of_body
from lineageflow_jupyter.frames.descriptions import described_differences
from lineageflow_jupyter.frames.row_labels import label_range
from lineageflow_jupyter.frames.taking import beside, plain_columns
from lineageflow_jupyter.history import unknown
from lineageflow_jupyter.long_form import COLUMN, NEW, OLD, ROW_A, ROW_B, LongForm
from lineageflow_jupyter.model.diffs import (
    Described,
    DiffOptions,
    DiffPage,
    DiffSummary,
    Distribution,
    DistributionChange,
    Renamed,
    Retyped,
    SchemaDiff,
)
from lineageflow_jupyter.model.pairs import ColumnPair, apart_from, paired, places_of
from lineageflow_jupyter.model.reports import ColumnSchema
from lineageflow_jupyter.model.revisions import composed
from lineageflow_jupyter.model.schema import SchemaChange
from lineageflow_jupyter.paging import Pager
from lineageflow_jupyter.reasons import Cause, causes_frame
from lineageflow_jupyter.version_frames import columns_at, content_at, rows_at
from lineageflow_jupyter.versions import Version

COMPARED_TOGETHER = 2**20
"""With a tolerance, changed floats are looked at in parts of so many."""
CELLS_TOLD = 20_000
"""A page in JSON has at most so many cells."""
READ_TOGETHER = 2**20
"""Rows that are read together for distributions."""
_FLOATS = frozenset({"float16", "float32", "float64"})
_NO_ROWS: Rows = np.empty(0, np.int64)


class TableDiff:
    """How one version of a dataset became another.

    Frames are of the library of the newer version, or of the one that the options name. Columns are called by their
    names in the newer version; where several have one name, the second is ``x_1``.

    Parameters
    ----------
    old, new : Version or None
        The versions; None on the side where the dataset does not exist: then all rows were added or removed.
    schema : SchemaChange, optional
        How their columns belong together. Needed, as `changes` is, where there are two versions.
    changes : ChangeSet or callable, optional
        Which rows and cells differ, or what finds out when it is first needed.
    options : DiffOptions
        What counts as a difference.

    Raises
    ------
    UnknownName
        If the options name a column that neither version has.
    """

    def __init__(
        self,
        old: Version | None,
        new: Version | None,
        schema: SchemaChange | None = None,
        changes: ChangeSet | Callable[[], ChangeSet] | None = None,
        options: DiffOptions | None = None,
    ) -> None:
        both = old is not None and new is not None
        if (old is None and new is None) or both != (schema is not None) or both != (changes is not None):
            raise ValueError("expected two versions and how they differ, or one version alone")
        self.old, self.new = old, new
        self.options = DiffOptions() if options is None else options
        if self.options.engine not in (None, *ENGINES):
            raise UsageProblem(
                f"the engine {self.options.engine!r} is unknown", remedy=f"Use one of {', '.join(ENGINES)}"
            )
        self._schema_change, self._changes = schema, changes
        self._pairs = paired(old.table if old else None, new.table if new else None, schema)
        self._chosen = _chosen(self._pairs, self.options, self.dataset)
        self._hunks: dict[int, Hunks] = {}
        self._tell: Callable[[TableDiff], tuple[Cause, ...]] = lambda _: ()

    def only(self, columns: str | Sequence[str] | None = None, *, ignore: str | Sequence[str] = ()) -> TableDiff:
        """Return the diff restricted to some columns; those that identify rows always come along.

        Parameters
        ----------
        columns : str or sequence of str, optional
            Only these; all by default.
        ignore : str or sequence of str
            Not these.

        Raises
        ------
        UnknownName
            If neither version has such a column.
        """
        chosen = None if columns is None else _listed(columns)
        return self._with(replace(self.options, columns=chosen, ignore=_listed(ignore)))

    def using(self, engine: str) -> TableDiff:
        """Return the same diff with frames of a library: ``"pandas"``, ``"polars"`` or ``"arrow"``."""
        return self._with(replace(self.options, engine=engine))

    def _with(self, options: DiffOptions) -> TableDiff:
        found = None if self._changes is None else lambda: self.changes
        return TableDiff(self.old, self.new, self._schema_change, found, options).told_by(self._tell)

    def told_by(self, tell: Callable[[TableDiff], tuple[Cause, ...]]) -> TableDiff:
        """Have the causes told by a function that is called when they are first asked for; returns the diff itself."""
        self._tell = tell
        return self

    @cached_property
    def reasons(self) -> tuple[Cause, ...]:
        """What made the difference: for each column, and for rows, the cells with line and operation, earliest first.

        Values of which no cell is known are there too, without one. Of versions that no commit holds, steps of this
        notebook are told; of commits the steps that they keep. What differs only by the older side has no cell.
        """
        return self._tell(self)

    @property
    def causes(self) -> Any:
        """The same as a frame; see `reasons.causes_frame`."""
        return causes_frame(self.reasons, self.engine)

    @property
    def pairs(self) -> tuple[ColumnPair, ...]:
        """Columns of both versions that the diff is about."""
        return tuple(self._chosen)

    @property
    def changed_cells(self) -> Mapping[str, tuple[ColumnPair, Rows]]:
        """By name: columns with changes that count, and the rows of the newer version that have them, rising."""
        return self._changed_cells

    # --- what it is about --------------------------------------------------------------------------------------------

    @property
    def _present(self) -> Version:
        """The newer version, or the older one of a dataset that was removed."""
        version = self.new or self.old
        assert version is not None
        return version

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self._present.entry.dataset

    @property
    def engine(self) -> str:
        """Library of the frames."""
        return self.options.engine or library_of_body(self._present.body)

    @cached_property
    def changes(self) -> ChangeSet:
        """Which rows are which, and where cells differ, whatever the options say."""
        if self._changes is None:
            rows = self._present.table.rows
            alignment = Alignment(*((0, rows) if self.new else (rows, 0)), _NO_ROWS, _NO_ROWS, _NO_ROWS)
            return ChangeSet(alignment, "key" if self._present.entry.key else "content")
        return self._changes() if callable(self._changes) else self._changes

    @property
    def by(self) -> str:
        """How rows were identified: ``"key"``, ``"index"`` or ``"content"``."""
        return self.changes.by

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that identify rows; none where their content does."""
        return tuple(pair.name for pair in self._key_pairs)

    @cached_property
    def _key_pairs(self) -> tuple[ColumnPair, ...]:
        if self.by == "content":
            return ()
        shared = [pair for pair in self._pairs if pair.comparable or self._schema_change is None]
        if self.by == "index":
            return tuple(pair for pair in shared if pair.role == "index")
        for version in (self.new, self.old):  # as they are aligned: by the newer one's key where both have its columns
            names = () if version is None else version.entry.key
            found = tuple(pair for name in names for pair in shared if pair.label == name)
            if found and len(found) == len(names):
                return found
        return ()

    # --- what differs ------------------------------------------------------------------------------------------------

    @cached_property
    def schema(self) -> SchemaDiff:
        """How columns and frames differ; no values are read but orders of categories."""
        data = [
            pair.old for pair in self._chosen if pair.old is not None and pair.new is not None and pair.role == "data"
        ]
        key = None
        if self.old is not None and self.new is not None and self.old.entry.key != self.new.entry.key:
            key = (self.old.entry.key, self.new.entry.key)
        told = [pair for pair in self._chosen if not self._only_labels(pair)]
        return SchemaDiff(
            added=tuple(_column_schema(self.new, pair.new) for pair in told if pair.old is None),
            dropped=tuple(_column_schema(self.old, pair.old) for pair in told if pair.new is None),
            retyped=tuple(
                Retyped(pair.name, _column_schema(self.old, pair.old).type, _column_schema(self.new, pair.new).type)
                for pair in self._chosen
                if pair.state == "retyped"
            ),
            renamed=tuple(Renamed(pair.name, pair.old_label) for pair in self._chosen if pair.old_label is not None),
            reordered=data != sorted(data),
            relabelled=len(told) < len(self._chosen),
            key=key,
            described=self._described(),
        )

    def _only_labels(self, pair: ColumnPair) -> bool:
        """Whether a column is an index level whose labels the other version only counts."""
        other = self.new if pair.new is None else self.old if pair.old is None else None
        return pair.role == "index" and other is not None and label_range(other.body) is not None

    def _described(self) -> tuple[Described, ...]:
        old, new = self.old, self.new
        if old is None or new is None or old.entry.frame == new.entry.frame:
            return ()
        sides = [content_at(side, range(len(side.table.columns)), _NO_ROWS) for side in (old, new)]
        pairs = [
            (pair.old, pair.new, pair.name)
            for pair in self._chosen
            if pair.comparable and pair.old is not None and pair.new is not None
        ]
        found = described_differences(sides[0], sides[1], pairs)
        if not found and old.entry.table == new.entry.table:  # what goes by rows is all that is left
            found = [Described("missing values", "of some kinds", "of other kinds", column=False)]
        return tuple(each for each in found if each.column or not self.options.restricted)

    @cached_property
    def summary(self) -> DiffSummary:
        """How many rows and cells differ; values are read only where a tolerance is given."""
        alignment = self.changes.alignment
        return DiffSummary(
            rows_before=alignment.rows_a,
            rows_after=alignment.rows_b,
            rows_added=alignment.rows_b - alignment.matched,
            rows_removed=alignment.rows_a - alignment.matched,
            rows_moved=len(alignment.moved),
            rows_changed=len(self._changed_rows),
            cells_changed={pair.name: len(rows) for pair, rows in self._changed_cells.values()},
        )

    @cached_property
    def _changed_cells(self) -> dict[str, tuple[ColumnPair, Rows]]:
        """By name: columns with changes that count, and the rows of the newer version that have them, rising."""
        found = {}
        for pair in self._chosen:
            rows = self.changes.changed.get(pair.new) if pair.new is not None and pair.comparable else None
            if rows is not None and self.options.tolerant:
                rows = self._beyond_tolerance(pair, rows)
            if rows is not None and len(rows):
                found[pair.name] = (pair, rows)
        return found

    def _beyond_tolerance(self, pair: ColumnPair, rows: Rows) -> Rows:
        old, new = self._both()
        assert pair.old is not None
        assert pair.new is not None
        if new.columns[pair.new].type.name not in _FLOATS:
            return rows
        kept = [_NO_ROWS]
        for start in range(0, len(rows), COMPARED_TOGETHER):
            part = rows[start : start + COMPARED_TOGETHER]
            (before,) = old.take([pair.old], self.changes.alignment.partners(part))
            (after,) = new.take([pair.new], part)
            kept.append(part[beyond_tolerance(before, after, rtol=self.options.rtol, atol=self.options.atol)])
        return np.concatenate(kept)

    @cached_property
    def _changed_rows(self) -> Rows:
        """Rows of the newer version with changes that count, rising."""
        parts = [rows for _, rows in self._changed_cells.values()]
        if len(parts) < 2:
            return parts[0] if parts else _NO_ROWS
        flags = np.zeros(self.changes.alignment.rows_b, bool)
        for rows in parts:
            flags[rows] = True
        return np.flatnonzero(flags)

    def __bool__(self) -> bool:
        """Whether anything differs that counts."""
        if self.old is None or self.new is None:
            return True
        if self.options.exact and self.old.entry.frame != self.new.entry.frame:
            return True
        if self.old.entry.table == self.new.entry.table:
            return bool(self.schema.key)
        return bool(self.schema or self.summary)

    def __repr__(self) -> str:
        """One line for people."""
        return f"<{self.dataset}: {self._said()}>"

    def _said(self) -> str:
        if self.old is None or self.new is None:
            change = "added" if self.old is None else "removed"
            return f"{change}, {self._present.table.rows:,} × {len(self._present.table.data):,}"
        found, schema = self.summary, self.schema
        parts = [
            f"{sign}{count:,} row{'s' * (count != 1)}"
            for sign, count in (("+", found.rows_added), ("−", found.rows_removed), ("moved ", found.rows_moved))
            if count
        ]
        if found.cells:
            names = ", ".join(list(found.cells_changed)[:5]) + (", …" if len(found.cells_changed) > 5 else "")
            parts.append(f"{found.cells:,} cell{'s' * (found.cells != 1)} in {names}")
        columns = (
            ("+", [column for column in schema.added if column.role == "data"]),
            ("−", [column for column in schema.dropped if column.role == "data"]),
            ("retyped ", schema.retyped),
            ("renamed ", schema.renamed),
        )
        parts += [f"{sign}{len(each):,} column{'s' * (len(each) != 1)}" for sign, each in columns if each]
        levels = (("+", schema.added), ("−", schema.dropped))
        parts += [
            f"{sign}index level {column.name}" for sign, each in levels for column in each if column.role == "index"
        ]
        parts += ["columns reordered"] if schema.reordered else []
        parts += ["another key"] if schema.key else []
        parts += ["rows labelled otherwise"] if schema.relabelled and not parts else []
        if not parts and self.old.entry.frame != self.new.entry.frame:
            return "equal values, described otherwise"
        return ", ".join(parts) or "no difference"

    # --- frames ------------------------------------------------------------------------------------------------------

    @property
    def added(self) -> Any:
        """Frame of the rows that only the newer version has, as they are there."""
        return self._whole_rows(self.new, self.changes.alignment.added)

    @property
    def removed(self) -> Any:
        """Frame of the rows that only the older version has, as they were there."""
        return self._whole_rows(self.old, self.changes.alignment.removed)

    @cached_property
    def cells(self) -> Any:
        """All changed cells one below the other, values as texts (null where there is none), shortened nowhere.

        The key's columns, ``row_a``, ``row_b``, ``column``, ``old``, ``new``; column by column. For typed values see
        `changed`.
        """
        parts = list(self._changed_cells.values())
        rows = np.concatenate([_NO_ROWS, *(each for _, each in parts)])
        names = np.repeat(np.arange(len(parts)), [len(each) for _, each in parts])
        texts = [self._long_form.texts(pair, each) for pair, each in parts]
        columns = [
            (COLUMN, pa.array([pair.name for pair, _ in parts], pa.large_string()).take(pa.array(names, pa.int64()))),
            *((name, _one_after_other([pair[i] for pair in texts])) for i, name in enumerate((OLD, NEW))),
        ]
        frame = plain_columns(columns, len(rows), engine=self.engine)
        return self._rows_with(rows, [frame], [COLUMN, OLD, NEW])

    def _whole_rows(self, version: Version | None, rows: Rows) -> Any:
        version = self._present if version is None else version
        newer = version is self.new
        places = [pair.new if newer else pair.old for pair in (*self._chosen, *self._key_pairs)]
        data = {place for place in places if place is not None and version.table.columns[place].role == "data"}
        return rows_at(version, sorted(data), rows, self.engine)

    @property
    def moved(self) -> Any:
        """Frame of the rows that moved: the key's columns, ``row_a``, ``row_b``; in the order of the newer version."""
        return self._rows_with(self.changes.alignment.moved, [], [])

    @cached_property
    def changed(self) -> Mapping[str, Any]:
        """By column, where there are changes: a frame of the key's columns, ``row_a``, ``row_b``, ``old``, ``new``.

        Both values have the dtype of their version. A frame is made each time it is asked for.
        """
        return _ByColumn(tuple(self._changed_cells), self._changed_column, self._name_of, self.dataset)

    def _changed_column(self, name: str) -> Any:
        pair, rows = self._changed_cells[name]
        old, new = self._both()
        assert pair.old is not None
        assert pair.new is not None
        values = [
            columns_at(old, [pair.old], self.changes.alignment.partners(rows), self.engine),
            columns_at(new, [pair.new], rows, self.engine),
        ]
        return self._rows_with(rows, values, [OLD, NEW])

    def _name_of(self, column: str) -> str:
        """Name by which a column goes here."""
        for pair in self._pairs:
            if pair.called(column):
                return pair.name
        return column

    def _rows_with(self, rows: Rows, frames: Sequence[Any], names: Sequence[str]) -> Any:
        """Frame of rows of the newer version: key, places, and other columns."""
        places = plain_columns(
            [
                (ROW_A, pa.array(self.changes.alignment.partners(rows).astype(np.int64))),
                (ROW_B, pa.array(rows.astype(np.int64))),
            ],
            len(rows),
            engine=self.engine,
        )
        before: list[Any] = []
        if self.key:
            before = [
                columns_at(self._present, places_of(self._key_pairs, newer=self.new is not None), rows, self.engine)
            ]
        own = [ROW_A, ROW_B, *names]
        return beside([*apart_from(own, self.key), *own], [*before, places, *frames], engine=self.engine)

    # --- pages -------------------------------------------------------------------------------------------------------

    def page(self, start: int = 0, stop: int = 100, context: int = 0) -> DiffPage:
        """Some of the rows that differ, in the order of the newer version; no others are read.

        Removed rows stand where they were: after the last row before them that is still there.

        Parameters
        ----------
        start, stop : int
            Places ``[start, stop)`` among all rows of the pages.
        context : int
            Unchanged rows to show before and after each that differs.
        """
        hunks = self._hunks.get(context)
        if hunks is None:
            parts = [rows for rows in (self._changed_rows, self.changes.alignment.moved) if len(rows)]
            marked = np.union1d(*parts) if len(parts) == 2 else parts[0] if parts else _NO_ROWS
            hunks = self._hunks[context] = Hunks.of(self.changes.alignment, marked, context)
        return self._pager.page(hunks, start, stop)

    @cached_property
    def _pager(self) -> Pager:
        pairs = [pair for pair in self._pairs if pair in self._chosen or pair in self._key_pairs]
        changed = {name: rows for name, (_, rows) in self._changed_cells.items()}
        return Pager(self.old, self.new, pairs, frozenset(self.key), changed, self.changes.alignment.moved)

    # --- distributions -----------------------------------------------------------------------------------------------

    @cached_property
    def distribution(self) -> Mapping[str, DistributionChange]:
        """By column: what its values are like before and after. Whole columns are read, in parts, when asked for."""
        names = tuple(pair.name for pair in self._chosen)
        return _ByColumn(names, self._distributions, self._name_of, self.dataset)

    def _distributions(self, name: str) -> DistributionChange:
        pair = next(pair for pair in self._chosen if pair.name == name)
        return DistributionChange(_distribution(self.old, pair.old), _distribution(self.new, pair.new))

    # --- other forms -------------------------------------------------------------------------------------------------

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the long form (see `to_arrow`) in parts: only one at a time takes memory."""
        return self._long_form.batches()

    @property
    def long_schema(self) -> pa.Schema:
        """Schema of `batches`; no values are read."""
        return self._long_form.schema

    def to_arrow(self) -> pa.Table:
        """All changes as an Arrow table in long form, one row a cell.

        Columns are ``operation`` (``"delete"``, ``"insert"``, ``"update"``, in this order), the key's columns with
        their types, ``row_a``, ``row_b`` (null on the side without the row), ``column``, and ``old`` and ``new`` as
        texts, since columns of all types lie one below the other; for typed values of a column use
        ``using("arrow").changed[column]``, ``added`` and ``removed``. A row that was inserted or deleted is told by
        each of its cells outside of the key; one without such cells by a single row whose ``column`` is null. Rows
        that only moved are not told. Any reader of the Arrow PyCapsule interface takes the diff itself as a stream of
        this form.
        """
        return pa.Table.from_batches(self.batches(), self._long_form.schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream of the long form, made part by part."""
        reader: Any = pa.RecordBatchReader.from_batches(self._long_form.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    @cached_property
    def _long_form(self) -> LongForm:
        cells = tuple(self._changed_cells.values())
        return LongForm(self.old, self.new, self.changes.alignment, self._key_pairs, self._chosen, cells)

    def to_json(self, rows: int = 100) -> wire.Document:
        """Schema, summary and the first page as a dict for `json.dumps`, of bounded size; see `wire.diff`.

        Parameters
        ----------
        rows : int
            Rows of the page at most; of wide tables fewer are told.
        """
        shown = max(1, min(rows, CELLS_TOLD // max(len(self._pairs), 1)))
        return wire.diff(self.dataset, self.by, self.key, self.schema, self.summary, self.page(0, shown))

    def apply(self, frame: Any) -> Any:
        """Make the newer version of a frame of the older one: its ids are those of the newer version.

        Values that did not change are taken from the frame, others are read.

        Parameters
        ----------
        frame : frame
            The older version, of any library; it stays as it is. None for a dataset that was added.

        Returns
        -------
        frame
            Of the library that the newer version is of; None for a dataset that was removed.

        Raises
        ------
        UsageProblem
            If the frame is not the older version, or the diff leaves something out.
        """
        if self.options.restricted or self.options.tolerant:
            raise UsageProblem(
                "a diff of some columns, or with a tolerance, does not say all that changed",
                remedy="Apply the diff without these options",
            )
        if (frame is None) != (self.old is None):
            found, expected = ("None", "a frame") if frame is None else ("a frame", "None")
            before = "has no" if self.old is None else "has an"
            raise UsageProblem(
                f"{expected} was expected, {found} found: {self.dataset!r} {before} older version",
                remedy="Pass the older version, and None where there is none",
            )
        if self.new is None:
            return None
        if self.old is None:
            return self.using(library_of_body(self.new.body)).added
        assert self._schema_change is not None
        return applied(frame, self.old, self.new, self._schema_change, self.changes)

    def _both(self) -> tuple[Version, Version]:
        assert self.old is not None
        assert self.new is not None
        return self.old, self.new


class _ByColumn(Mapping[str, Any]):
    """What belongs to columns, made when it is asked for."""

    def __init__(
        self, names: Sequence[str], make: Callable[[str], Any], name_of: Callable[[str], str], dataset: str
    ) -> None:
        self._names, self._make, self._name_of, self._dataset = names, make, name_of, dataset

    def __getitem__(self, column: str) -> Any:
        name = column if column in self._names else self._name_of(column)
        if name not in self._names:
            listed = ", ".join(self._names[:20]) or "none"
            raise unknown(
                "changed column", column, self._names, f"Columns with changes: {listed}", f" in {self._dataset}"
            )
        return self._make(name)

    def __contains__(self, column: object) -> bool:
        return column in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<by column: {', '.join(self._names)}>"


def _chosen(pairs: Sequence[ColumnPair], options: DiffOptions, dataset: str) -> tuple[ColumnPair, ...]:
    """Columns that the options leave."""
    for name in (*(options.columns or ()), *options.ignore):
        if not any(pair.called(name) for pair in pairs):
            names = [pair.name for pair in pairs]
            raise unknown("column", name, names, f"Columns: {', '.join(names[:20])}", f" in {dataset!r}")
    return tuple(
        pair
        for pair in pairs
        if (options.columns is None or any(pair.called(name) for name in options.columns))
        and not any(pair.called(name) for name in options.ignore)
    )


def _distribution(version: Version | None, place: int | None) -> Distribution | None:
    if version is None or place is None:
        return None
    count = version.table.rows
    kind = columns_at(version, [place], _NO_ROWS, "arrow").schema.types[0]
    parts = (
        np.arange(start, min(start + READ_TOGETHER, count), dtype=np.int64) for start in range(0, count, READ_TOGETHER)
    )
    return distribution(
        (chunk for rows in parts for chunk in columns_at(version, [place], rows, "arrow").column(0).chunks), kind
    )


def _one_after_other(arrays: Sequence[Any]) -> Any:
    return pa.concat_arrays(arrays) if arrays else pa.array([], pa.large_string())


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _column_schema(version: Version | None, place: int | None) -> ColumnSchema:
    assert version is not None
    assert place is not None
    column = version.table.columns[place]
    return ColumnSchema(column.name, column.role, str(version.columns[place].type))


class DatasetDiffs(Mapping[str, TableDiff]):
    """How the datasets of one revision became those of another; only those that differ.

    Parameters
    ----------
    diffs : mapping of str to TableDiff
        By dataset.

    """

    def __init__(self, diffs: Mapping[str, TableDiff]) -> None:
        self._diffs = {name: diffs[name] for name in sorted(diffs)}

    @property
    def summary(self) -> Mapping[str, DiffSummary]:
        """How many rows and cells of each dataset differ."""
        return {name: diff.summary for name, diff in self._diffs.items()}

    def to_json(self, rows: int = 100) -> wire.Document:
        """By dataset: see `TableDiff.to_json`."""
        return {name: diff.to_json(rows) for name, diff in self._diffs.items()}

    def __getitem__(self, dataset: str) -> TableDiff:
        """Return the diff of a dataset.

        Raises
        ------
        UnknownName
            If it does not differ, or does not exist.
        """
        found = self._diffs.get(composed(dataset))
        if found is None:
            listed = f"Datasets that differ: {', '.join(self._diffs) or 'none'}"
            raise unknown("difference in a dataset", dataset, list(self._diffs), listed)
        return found

    def __contains__(self, dataset: object) -> bool:
        """Whether a dataset differs."""
        return isinstance(dataset, str) and composed(dataset) in self._diffs

    def __iter__(self) -> Iterator[str]:
        """Names of the datasets that differ, sorted."""
        return iter(self._diffs)

    def __len__(self) -> int:
        """Return how many datasets differ."""
        return len(self._diffs)

    def __repr__(self) -> str:
        """One line a dataset."""
        return "\n".join(map(repr, self._diffs.values())) or "<no dataset differs>"
