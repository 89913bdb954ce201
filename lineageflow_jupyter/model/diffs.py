"""What a diff of two versions of a dataset says: values for people and programs, without frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from lineageflow_jupyter.model.reports import ColumnSchema

RowKind = Literal["added", "removed", "changed", "moved", "context"]
CellState = Literal["same", "changed", "added", "removed", "retyped", "absent"]
ColumnState = Literal["same", "added", "dropped", "retyped", "renamed"]


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What counts as a difference.

    Parameters
    ----------
    columns : tuple of str, optional
        Only these columns; all by default. Columns that identify rows always come along.
    ignore : tuple of str
        Columns to leave out.
    rtol, atol : float
        A cell of a column of floats did not change if ``|old - new| <= atol + rtol * |old|``.
    exact : bool
        Whether versions of equal values differ if their frames do: by dtypes such as int64 and Int64, orders of
        categories, names of index levels, attrs.
    engine : {"pandas", "polars", "arrow"}, optional
        Library of frames; by default that of the newer version.
    """

    columns: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    rtol: float = 0.0
    atol: float = 0.0
    exact: bool = False
    engine: str | None = None

    @property
    def restricted(self) -> bool:
        """Whether some columns are left out."""
        return self.columns is not None or bool(self.ignore)

    @property
    def tolerant(self) -> bool:
        """Whether floats that differ may count as equal."""
        return self.rtol > 0 or self.atol > 0


@dataclass(frozen=True, slots=True)
class Renamed:
    """A column under another name; `name` is the one in the newer version."""

    name: str
    old: str


@dataclass(frozen=True, slots=True)
class Retyped:
    """A column whose values are of another type."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Described:
    """Something about the frame, not its values, that differs: a dtype, an order of categories, the attrs.

    Parameters
    ----------
    what : str
        A column's name where `column` is true; else ``"library"``, ``"kind"``, ``"index"``, ``"column labels"``,
        ``"attrs"``, ``"flags"`` or ``"metadata"``.
    old, new : str
        Both sides, as short texts.
    column : bool
        Whether it is about a column.
    """

    what: str
    old: str
    new: str
    column: bool = True


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """How columns differ, index levels included.

    Parameters
    ----------
    added, dropped : tuple of ColumnSchema
        Columns that only the newer, only the older version has.
    retyped : tuple of Retyped
        Columns of one name whose types differ: their cells are not compared.
    renamed : tuple of Renamed
        Columns of other names and equal values.
    reordered : bool
        Whether columns that both versions have stand in another order.
    relabelled : bool
        Whether row labels that only count rows in one version are listed in the other, as after a filter or its
        `reset_index`: that is no column more or less.
    key : tuple of (tuple of str, tuple of str), optional
        Declared keys before and after, if they differ.
    described : tuple of Described
        What differs in the frames but not in values.
    """

    added: tuple[ColumnSchema, ...] = ()
    dropped: tuple[ColumnSchema, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    reordered: bool = False
    relabelled: bool = False
    key: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    described: tuple[Described, ...] = ()

    def __bool__(self) -> bool:
        """Whether more than descriptions differ."""
        columns = self.added or self.dropped or self.retyped or self.renamed
        return bool(columns or self.reordered or self.relabelled or self.key)

    def lines(self) -> Iterator[str]:
        """One line a difference, for people."""
        for sign, columns in (("+", self.added), ("−", self.dropped)):
            for column in columns:
                yield f"{sign} {column.name} ({column.type}{', index level' if column.role == 'index' else ''})"
        for renamed in self.renamed:
            yield f"~ {renamed.old} is {renamed.name}"
        for retyped in self.retyped:
            yield f"~ {retyped.name}: {retyped.old} → {retyped.new}"
        if self.reordered:
            yield "~ columns in another order"
        if self.key is not None:
            old, new = (", ".join(names) or "none" for names in self.key)
            yield f"~ key: {old} → {new}"
        for described in self.described:
            yield f"· {described.what}: {described.old} → {described.new}"

    def __repr__(self) -> str:
        """All differences, one a line."""
        return (
            "\n".join(["<schema", *(f"  {line}" for line in self.lines())]) + ">"
            if self or self.described
            else ("<schema: no difference>")
        )


@dataclass(frozen=True, slots=True)
class DiffSummary:
    """How many rows and cells differ.

    Parameters
    ----------
    rows_before, rows_after : int
        Rows of both versions.
    rows_added, rows_removed : int
        Rows that only the newer, only the older version has.
    rows_moved : int
        The fewest rows that must be taken elsewhere for both versions to have the same order.
    rows_changed : int
        Rows of both versions with another value in some column that both have.
    cells_changed : mapping of str to int
        By column, where there are any.
    """

    rows_before: int
    rows_after: int
    rows_added: int
    rows_removed: int
    rows_moved: int
    rows_changed: int
    cells_changed: Mapping[str, int]

    @property
    def cells(self) -> int:
        """Changed cells of all columns."""
        return sum(self.cells_changed.values())

    def __bool__(self) -> bool:
        """Whether any row differs."""
        return bool(self.rows_added or self.rows_removed or self.rows_moved or self.rows_changed)


class Cell(NamedTuple):
    """A cell of a page, as text; None where it has no value.

    Parameters
    ----------
    state : str
        ``"same"`` (told once, as `new`, or as `old` in a removed row), ``"changed"`` (both are told), ``"added"`` and
        ``"removed"`` (the column exists on one side only), ``"retyped"`` (both are told, of two types), ``"absent"``
        (a row of one side in a column of the other).
    old, new : str or None
        The values.
    """

    state: CellState
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row of a page.

    Parameters
    ----------
    kind : str
        ``"added"``, ``"removed"``, ``"changed"`` (some cells), ``"moved"`` (only its place) or ``"context"``.
    row_a, row_b : int or None
        Its places in the older and in the newer version.
    moved : bool
        Whether it moved; a changed row can have moved as well.
    cells : tuple of Cell
        One a column of the page.
    """

    kind: RowKind
    row_a: int | None
    row_b: int | None
    moved: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class DiffColumn:
    """A column of a page.

    Parameters
    ----------
    name : str
        Its name; of a renamed one that in the newer version.
    role : str
        ``"index"`` or ``"data"``.
    state : str
        ``"same"``, ``"added"``, ``"dropped"``, ``"retyped"`` or ``"renamed"``.
    key : bool
        Whether it is among those that identify rows.
    old_name : str, optional
        Its name in the older version, if that is another one.
    """

    name: str
    role: str
    state: ColumnState
    key: bool = False
    old_name: str | None = None


@dataclass(frozen=True, slots=True)
class Hunk:
    """Rows of a page that stand beside one another; `number` counts the hunks of the whole diff from 0."""

    number: int
    rows: tuple[DiffRow, ...]


@dataclass(frozen=True, slots=True)
class DiffPage:
    """Some of the rows of a diff that are worth showing, in the order of the newer version.

    Parameters
    ----------
    start, stop : int
        Places ``[start, stop)`` among all of these rows.
    rows : int
        How many there are.
    hunks_in_all : int
        How many hunks these make.
    columns : tuple of DiffColumn
        Columns of the newer version in order, then dropped ones.
    hunks : tuple of Hunk
        The rows; the first and last hunk may go on elsewhere.
    """

    start: int
    stop: int
    rows: int
    hunks_in_all: int
    columns: tuple[DiffColumn, ...]
    hunks: tuple[Hunk, ...]

    def __iter__(self) -> Iterator[DiffRow]:
        """All rows of the page."""
        for hunk in self.hunks:
            yield from hunk.rows


@dataclass(frozen=True, slots=True)
class Distribution:
    """What the values of a column are like.

    Parameters
    ----------
    rows, nulls, nans : int
        Rows, those without a value, and those whose value is NaN.
    distinct : int or None
        Different values besides null; None where they are not counted to the end, or not at all.
    distinct_above : int
        A number that they exceed.
    minimum, maximum, mean : object
        Of numbers and times, NaN left out; the first two also of texts. None where there are none.
    quantiles : tuple of (float, object)
        Of numbers and times: fractions with their values.
    exact : bool
        False: the quantiles are those of a sample of rows in even distances.
    top : tuple of (object, int)
        The most frequent values with their counts, most frequent first, where all distinct ones are counted.
    """

    rows: int
    nulls: int
    nans: int
    distinct: int | None
    distinct_above: int
    minimum: Any = None
    maximum: Any = None
    mean: Any = None
    quantiles: tuple[tuple[float, Any], ...] = ()
    exact: bool = True
    top: tuple[tuple[Any, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DistributionChange:
    """A column before and after; None on the side that lacks it."""

    before: Distribution | None
    after: Distribution | None
