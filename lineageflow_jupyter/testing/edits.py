"""Hypothesis strategies for edited frames: one of any dtypes and library, and what a script of edits makes of it.

A frame is told by a *sketch*: for each of its cells, the row of some base frame that its value is taken from. So edits
need to know nothing about dtypes, a few base rows give tables with few values and equal rows, and what fails shrinks
to few rows and edits. Needs ``hypothesis``; polars only where its frames are asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

Draw = Callable[[Any], Any]
Origins = npt.NDArray[np.int64]
"""Rows of a base."""

MAX_ROWS = 14
COUNTED_LABELS = 64
"""Labels that a base whose rows are only numbered has for more rows than it holds."""


class Placed(NamedTuple):
    """A column of a sketch.

    Parameters
    ----------
    origin : int
        Column of the base whose values it holds.
    label : int or str
        Column of the base whose label it bears, or a label of its own.
    reordered : bool
        Whether its categories stand the other way round, if it has any.
    """

    origin: int
    label: int | str
    reordered: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sketch:
    """A frame as cells of another one; `frame_of` makes it.

    Parameters
    ----------
    base : pandas, polars or pyarrow object
        Where its values come from.
    labels : numpy.ndarray of int64, shape (rows,)
        Row of the base of each row label; of a numbered base the number itself. Only pandas has labels.
    cells : numpy.ndarray of int64, shape (rows, columns)
        Row of the base of each value.
    layout : tuple of Placed
        The columns.
    labelled : bool
        False: rows are numbered from 0, whatever the base's labels are.
    """

    base: Any
    labels: Origins
    cells: Origins
    layout: tuple[Placed, ...]
    labelled: bool = True

    def __repr__(self) -> str:
        """Columns of the base, value by value, and which of them stand where."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas complains about printing some float16
            base = [f"{column.dtype} {list(column)!r}" for column in _series(self.base)]
            index = f" index {self.base.index!r}" if isinstance(self.base, pd.DataFrame | pd.Series) else ""
        placed = ", ".join(f"({origin}, {label!r}, {reordered})" for origin, label, reordered in self.layout)
        return (
            f"<{type(self.base).__module__.partition('.')[0]} [{'; '.join(base)}]{index} labels {self.labels.tolist()} "
            f"cells {self.cells.tolist()} layout {placed}, labelled {self.labelled}>"
        )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)

    @property
    def base_rows(self) -> int:
        """Number of rows of the base."""
        return len(self.base)

    def taken(self, rows: Any) -> Sketch:
        """Return the sketch of some of its rows, labels included."""
        at = np.asarray(rows, np.int64)
        return replace(self, labels=self.labels[at], cells=self.cells[at])

    def placed(self, columns: Sequence[int], layout: Sequence[Placed]) -> Sketch:
        """Return the sketch with other columns, each with the cells of one of the present ones."""
        cells = self.cells[:, np.asarray(columns, np.int64)]
        return replace(self, cells=cells, layout=tuple(layout))

    def with_cells(self, cells: Origins) -> Sketch:
        """Return the sketch with other cells."""
        return replace(self, cells=cells)


# --- edits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit; its numbers are taken modulo what there is, so that every edit fits every sketch.

    Parameters
    ----------
    what : str
        One of `ROW_EDITS`, `CELL_EDITS` and `COLUMN_EDITS`.
    at, count, source : int
        Where, how many, and where from; what exactly they mean depends on the edit.
    """

    what: str
    at: int = 0
    count: int = 0
    source: int = 0

    def __call__(self, sketch: Sketch) -> Sketch:
        """Apply it."""
        return _EDITS[self.what](self, sketch)


def _set_cell(edit: Edit, sketch: Sketch) -> Sketch:
    cells = sketch.cells.copy()
    if cells.size:
        cells[edit.at % sketch.rows, edit.count % cells.shape[1]] = edit.source % sketch.base_rows
    return sketch.with_cells(cells)


def _set_column(edit: Edit, sketch: Sketch) -> Sketch:
    cells = sketch.cells.copy()
    if cells.size:
        cells[:, edit.count % cells.shape[1]] += 1 + edit.source
    return sketch.with_cells(cells % max(sketch.base_rows, 1))


def _set_label(edit: Edit, sketch: Sketch) -> Sketch:
    labels = sketch.labels.copy()
    if sketch.rows:
        labels[edit.at % sketch.rows] = edit.source % max(sketch.base_rows, 1)
    return replace(sketch, labels=labels)


def _insert(edit: Edit, sketch: Sketch) -> Sketch:
    if not sketch.base_rows:
        return sketch
    at, columns = edit.at % (sketch.rows + 1), sketch.cells.shape[1]
    new = (edit.source + np.arange(columns) * edit.count) % sketch.base_rows
    labels = np.insert(sketch.labels, at, edit.source % sketch.base_rows)
    return replace(sketch, labels=labels, cells=np.insert(sketch.cells, at, new, axis=0))


def _append(edit: Edit, sketch: Sketch) -> Sketch:
    for number in range(edit.count % 3 + 1):
        sketch = _insert(replace(edit, at=sketch.rows, source=edit.source + number), sketch)
    return sketch


def _block(edit: Edit, sketch: Sketch) -> tuple[int, int]:
    """Rows ``[start, stop)`` that an edit is about: at least one, if there are any."""
    start = edit.at % max(sketch.rows, 1)
    return start, min(start + edit.count % 4 + 1, sketch.rows)


def _delete(edit: Edit, sketch: Sketch) -> Sketch:
    start, stop = _block(edit, sketch)
    return sketch.taken([*range(start), *range(stop, sketch.rows)])


def _duplicate(edit: Edit, sketch: Sketch) -> Sketch:
    start, stop = _block(edit, sketch)
    rows = list(range(sketch.rows))
    to = edit.source % (sketch.rows + 1)
    return sketch.taken([*rows[:to], *range(start, stop), *rows[to:]])


def _move(edit: Edit, sketch: Sketch) -> Sketch:
    start, stop = _block(edit, sketch)
    rest = [*range(start), *range(stop, sketch.rows)]
    to = edit.source % (len(rest) + 1)
    return sketch.taken([*rest[:to], *range(start, stop), *rest[to:]])


def _sort(edit: Edit, sketch: Sketch) -> Sketch:
    if not sketch.cells.size:
        return sketch
    order = np.argsort(sketch.cells[:, edit.count % sketch.cells.shape[1]], kind="stable")
    return sketch.taken(order[::-1] if edit.source % 2 else order)


def _shuffle(edit: Edit, sketch: Sketch) -> Sketch:
    return sketch.taken(np.random.default_rng(edit.source).permutation(sketch.rows))


def _filter(edit: Edit, sketch: Sketch) -> Sketch:
    return sketch.taken([row for row in range(sketch.rows) if (row * (edit.at % 5) + edit.source) % 3])


def _reset(_: Edit, sketch: Sketch) -> Sketch:
    return replace(sketch, labels=np.arange(sketch.rows), labelled=False)


def _drop(edit: Edit, sketch: Sketch) -> Sketch:
    kept = [column for column in range(len(sketch.layout)) if column != edit.at % len(sketch.layout)]
    return sketch.placed(kept, [sketch.layout[column] for column in kept])


def _add(edit: Edit, sketch: Sketch) -> Sketch:
    places = list(range(len(sketch.layout)))
    to, origin = edit.count % (len(places) + 1), edit.at % len(places)
    more = Placed(sketch.layout[origin].origin, f"new {len(places)} {edit.source}")
    columns, layout = list(places), list(sketch.layout)
    columns.insert(to, origin)
    layout.insert(to, more)
    return sketch.placed(columns, layout)


def _rename(edit: Edit, sketch: Sketch) -> Sketch:
    layout, at = list(sketch.layout), edit.at % len(sketch.layout)
    layout[at] = layout[at]._replace(label=f"renamed {at} {edit.source}")
    return replace(sketch, layout=tuple(layout))


def _retype(edit: Edit, sketch: Sketch) -> Sketch:
    """A column takes over the values of another one; mostly these are of another type."""
    layout, at = list(sketch.layout), edit.at % len(sketch.layout)
    other = layout[edit.count % len(layout)]
    layout[at] = layout[at]._replace(origin=other.origin)
    return replace(sketch, layout=tuple(layout))


def _recategorise(edit: Edit, sketch: Sketch) -> Sketch:
    layout = [placed._replace(reordered=not placed.reordered) for placed in sketch.layout]
    return replace(sketch, layout=tuple(layout))


def _reorder(edit: Edit, sketch: Sketch) -> Sketch:
    columns = np.random.default_rng(edit.source).permutation(len(sketch.layout)).tolist()
    return sketch.placed(columns, [sketch.layout[column] for column in columns])


def _where_there_are_columns(edit: Callable[[Edit, Sketch], Sketch]) -> Callable[[Edit, Sketch], Sketch]:
    return lambda numbers, sketch: edit(numbers, sketch) if sketch.layout else sketch


CELL_EDITS: dict[str, Callable[[Edit, Sketch], Sketch]] = {
    "set cell": _set_cell,
    "set column": _set_column,
    "set label": _set_label,
}
ROW_EDITS: dict[str, Callable[[Edit, Sketch], Sketch]] = {
    "insert": _insert,
    "append": _append,
    "delete": _delete,
    "duplicate": _duplicate,
    "move": _move,
    "sort": _sort,
    "shuffle": _shuffle,
    "filter": _filter,
    "reset": _reset,
}
COLUMN_EDITS: dict[str, Callable[[Edit, Sketch], Sketch]] = {
    "drop": _where_there_are_columns(_drop),
    "add": _where_there_are_columns(_add),
    "rename": _where_there_are_columns(_rename),
    "retype": _where_there_are_columns(_retype),
    "recategorise": _recategorise,
    "reorder": _reorder,
}
_EDITS = {**CELL_EDITS, **ROW_EDITS, **COLUMN_EDITS}


# --- frames ----------------------------------------------------------------------------------------------------------


def frame_of(sketch: Sketch) -> Any:
    """Frame of a sketch, of the library of its base."""
    if isinstance(sketch.base, pa.Table):
        return _arrow_frame(sketch)
    return _pandas_frame(sketch) if isinstance(sketch.base, pd.DataFrame | pd.Series) else _polars_frame(sketch)


def _pandas_frame(sketch: Sketch) -> Any:
    base = sketch.base if isinstance(sketch.base, pd.DataFrame) else sketch.base.to_frame()
    base = base.set_flags(allows_duplicate_labels=True)
    index = _pandas_index(sketch)
    columns = {}
    for place, placed in enumerate(sketch.layout):
        column = base.iloc[:, placed.origin].take(sketch.cells[:, place]).set_axis(index)
        if placed.reordered and isinstance(column.dtype, pd.CategoricalDtype):
            column = column.cat.set_categories(column.cat.categories[::-1])
        columns[place] = column
    if isinstance(sketch.base, pd.Series) and len(columns) == 1:
        columns[0].name = sketch.base.name
        return columns[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pandas thinks of odd labels is not the point
        frame = pd.DataFrame(columns, index=index)
    labels = [placed.label for placed in sketch.layout]
    if labels == list(range(base.shape[1])):
        frame.columns = base.columns
    else:
        named = np.empty(len(labels), object)
        for place, label in enumerate(labels):
            named[place] = label if isinstance(label, str) else base.columns[label]
        frame.columns = pd.Index(named, dtype=object, tupleize_cols=False)
    frame.attrs = dict(sketch.base.attrs)
    return frame


def _pandas_index(sketch: Sketch) -> Any:
    if not sketch.labelled:
        return pd.RangeIndex(sketch.rows)
    index = sketch.base.index
    if not isinstance(index, pd.RangeIndex):
        return index.take(sketch.labels)
    labels = index.start + index.step * sketch.labels
    if sketch.labels.tolist() == list(range(sketch.rows)):
        return pd.RangeIndex(index.start, index.start + index.step * sketch.rows, index.step, name=index.name)
    return pd.Index(labels, dtype="int64", name=index.name)


def _polars_frame(sketch: Sketch) -> Any:
    import polars as pl

    names = sketch.base.columns
    columns = []
    for place, placed in enumerate(sketch.layout):
        column = sketch.base.to_series(placed.origin)
        # old polars gathers no rows at all from some nested columns
        column = column.gather(sketch.cells[:, place].tolist()) if sketch.rows else column.head(0)
        columns.append(column.alias(placed.label if isinstance(placed.label, str) else names[placed.label]))
    return pl.DataFrame(columns)


def _arrow_frame(sketch: Sketch) -> Any:
    schema = sketch.base.schema
    if not sketch.layout:
        batch = pa.record_batch([pa.nulls(sketch.rows)], ["x"]).select([]).replace_schema_metadata(schema.metadata)
        return pa.Table.from_batches([batch])
    fields = [
        schema.field(placed.origin).with_name(
            placed.label if isinstance(placed.label, str) else schema.field(placed.label).name
        )
        for placed in sketch.layout
    ]
    columns: list[Any] = [
        sketch.base.column(placed.origin).take(pa.array(sketch.cells[:, place], pa.int64()))
        for place, placed in enumerate(sketch.layout)
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, schema.metadata))


def _series(base: Any) -> list[Any]:
    """Columns of a base, for showing them."""
    if isinstance(base, pa.Table):
        return [column.to_pandas(types_mapper=pd.ArrowDtype) for column in base.columns]
    if isinstance(base, pd.DataFrame | pd.Series):
        return [column for _, column in base.items()] if base.ndim == 2 else [base]
    return list(base.get_columns())


# --- strategies ------------------------------------------------------------------------------------------------------


def _columns(base: Any) -> int:
    return int(base.num_columns) if isinstance(base, pa.Table) else int((*base.shape, 1)[1])


@st.composite
def sketches(draw: Draw, bases: st.SearchStrategy[Any], *, max_rows: int = MAX_ROWS) -> Sketch:
    """Sketches of tables: of whole rows of the base, each once or several times, or of cells from anywhere.

    Parameters
    ----------
    bases : strategy of pandas, polars or pyarrow objects
        Base frames.
    max_rows : int
        Rows at most.
    """
    base = draw(bases)
    count, columns = len(base), _columns(base)
    if not count and (columns or isinstance(base, pd.DataFrame | pd.Series)):
        rows = np.empty(0, np.int64)
        return Sketch(base, rows, np.empty((0, columns), np.int64), tuple(Placed(j, j) for j in range(columns)))
    some = st.integers(0, max(count - 1, 0))
    how = draw(st.sampled_from(["distinct", "rows", "cells"]))
    if how == "distinct":
        order = draw(st.permutations(range(min(count, max_rows))))
        rows = np.array(order[: draw(st.integers(0, len(order)))], np.int64)
    else:
        rows = np.array(draw(st.lists(some, max_size=max_rows)), np.int64)
    cells = np.repeat(rows[:, None], columns, axis=1)
    if how == "cells":
        drawn = draw(st.lists(some, min_size=cells.size, max_size=cells.size))
        cells = np.array(drawn, np.int64).reshape(cells.shape)
    if isinstance(getattr(base, "index", None), pd.RangeIndex):
        rows = np.arange(len(rows))
    return Sketch(base, rows, cells, tuple(Placed(column, column) for column in range(columns)))


def scripts(*kinds: str, most: int = 4) -> st.SearchStrategy[list[Edit]]:
    """Scripts of one edit to a few, one after the other.

    Parameters
    ----------
    *kinds : str
        Edits to choose from; all by default.
    most : int
        How many there may be.
    """
    numbers = st.integers(0, 99)
    chosen = st.sampled_from(sorted(kinds or _EDITS))
    return st.lists(st.builds(Edit, chosen, numbers, numbers, numbers), min_size=1, max_size=most)


def edited(sketch: Sketch, script: Sequence[Edit]) -> Sketch:
    """Apply a script."""
    for edit in script:
        sketch = edit(sketch)
    return sketch


__all__ = [
    "CELL_EDITS", "COLUMN_EDITS", "ROW_EDITS", "Edit", "Placed", "Sketch", "edited", "frame_of", "scripts", "sketches",
]  # fmt: skip
