"""Why values are what they are: the cell, its line and the operation behind a change, as rows of a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lineageflow_jupyter.frames.convert import frame_of_table
from lineageflow_jupyter.lineage.told import (
    call_text,
    dropping_operation_of,
    operation_of,
    row_operation_of,
    touches,
    variable_of,
)
from lineageflow_jupyter.model.cells import CellRun, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId

CHANGED, ADDED_COLUMN, DROPPED_COLUMN = "changed", "added column", "dropped column"
ADDED_ROWS, REMOVED_ROWS = "added rows", "removed rows"

RunOf = Callable[[str], CellRun | None]
"""Gives a cell run by its id; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What made some values what they are.

    Parameters
    ----------
    kind : str
        ``"changed"``, ``"added column"``, ``"dropped column"``, ``"added rows"`` or ``"removed rows"``.
    column : str
        Name of the column; ``""`` where whole rows are meant.
    cells : int
        How many values, or rows.
    commit : str
        Commit that brought them, in hexadecimal; ``""``: none yet.
    run : str
        Id of the cell run; ``""``: that is not known.
    notebook : str
        Where it ran.
    number : int or None
        Number of the cell, as in [7].
    line : int or None
        Line of the cell, from 1.
    operation : str
        What was called; ``""``: that is not recorded.
    sure : bool
        Whether the operation is recorded to have done it; False: it was called, and which columns it touched cannot be
        told.
    """

    kind: str
    column: str
    cells: int
    commit: str = ""
    run: str = ""
    notebook: str = ""
    number: int | None = None
    line: int | None = None
    operation: str = ""
    sure: bool = True


def cause(
    kind: str,
    column: str,
    cells: int,
    run: CellRun | None,
    left: tuple[str, ObjectId] | None = None,
    commit: str = "",
    run_id: str = "",
) -> Cause:
    """Cause of a kind, with the operation of a run.

    Parameters
    ----------
    kind, column, cells, commit
        See `Cause`.
    run : CellRun or None
        The run, where it is known.
    left : (str, ObjectId), optional
        Dataset and table that it left.
    run_id : str
        Its id, where the run itself is not known here.
    """
    if run is None:
        return Cause(kind, column, cells, commit, run_id)
    variable = "" if left is None else variable_of(run, *left)
    operation = _operation(kind, column, run, variable) if variable else None
    line, call, sure = None, "", True
    if operation is not None:
        line, call = operation.line, call_text(operation.call)
        sure = not operation.opaque or (kind in (CHANGED, ADDED_COLUMN) and touches(operation, column))
    return Cause(kind, column, cells, commit, run.run, run.notebook, run.number, line, call, sure)


def _operation(kind: str, column: str, run: CellRun, variable: str) -> OperationRecord | None:
    if kind == DROPPED_COLUMN:
        return dropping_operation_of(run, variable, column)
    if kind in (ADDED_ROWS, REMOVED_ROWS):
        return row_operation_of(run, variable, added=kind == ADDED_ROWS)
    return operation_of(run, variable, column)


def causes_frame(causes: Sequence[Cause], engine: str) -> Any:
    """Frame of causes, a row each.

    Columns are ``column``, ``kind``, ``cells``, ``commit``, ``cell_run``, ``notebook``, ``number``, ``line``,
    ``operation``, ``sure``.
    """
    texts = ("commit", "cell_run", "notebook")
    fields: list[tuple[str, Any]] = [
        ("column", pa.array([each.column for each in causes], pa.string())),
        ("kind", pa.array([each.kind for each in causes], pa.string())),
        ("cells", pa.array([each.cells for each in causes], pa.int64())),
        *(
            (name, pa.array([getattr(each, name.removeprefix("cell_")) for each in causes], pa.string()))
            for name in texts
        ),
        ("number", pa.array([each.number for each in causes], pa.int64())),
        ("line", pa.array([each.line for each in causes], pa.int64())),
        ("operation", pa.array([each.operation for each in causes], pa.string())),
        ("sure", pa.array([each.sure for each in causes], pa.bool_())),
    ]
    return frame_of_table(pa.table(dict(fields)), engine)
