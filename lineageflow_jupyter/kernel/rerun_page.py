"""What a re-run says: a line, and a table of the columns."""

from __future__ import annotations

from lineageflow_jupyter.kernel.display import BAD, GOOD, MUTED, STRONG, WARN, Cell, Grid, Note, Part
from lineageflow_jupyter.kernel.fresh_kernel import Failure
from lineageflow_jupyter.kernel.rerun import ColumnOutcome, Rerun
from lineageflow_jupyter.model.ids import short


def rerun_parts(done: Rerun) -> tuple[Part, ...]:
    """Parts of the answer.

    Parameters
    ----------
    done : Rerun
        What came of it.
    """
    cells = len(done.found.cells)
    ran = f"{cells} cell{'s' * (cells != 1)} in a fresh kernel, {done.seconds:.1f} s"
    notes = tuple(Note(each, WARN) for each in done.notes)
    if done.failure is not None:
        return (*notes, Note(f"{done.found.variable} was not rebuilt: {_failed(done.failure)}", BAD), Note(ran, MUTED))
    parts: list[Part] = [*notes, _headline(done), Note(ran, MUTED)]
    if done.columns:
        counted = done.rows[0] if done.rows[0] == done.rows[1] else None
        rows = tuple(_row(each, counted) for each in done.columns)
        parts.insert(-1, Grid(("column", "outcome", "before", "after"), rows))
    return tuple(parts)


def _headline(done: Rerun) -> Note:
    name = done.found.variable
    if done.before is None or done.after is None:
        return Note(f"{name} was rebuilt; no table is known to compare it with", WARN)
    if not done.equal:
        rows = "" if done.rows[0] in (None, done.rows[1]) else f", {done.rows[0]:,} → {done.rows[1]:,} rows"
        return Note(f"{name} is different: table {short(done.before)} → {short(done.after)}{rows}", BAD)
    if not done.described:
        told = "its values are; its kinds of dtypes, index, labels or attributes are not"
        return Note(f"{name} is equal (table {short(done.after)}): {told}", WARN)
    return Note(f"{name} is equal: table {short(done.after)}", GOOD)


def _failed(failure: Failure) -> str:
    where = "" if failure.number is None else f"cell [{failure.number}]"
    where += "" if failure.line is None else f", line {failure.line}"
    told = failure.message if failure.error == "Stopped" else f"{failure.error}: {failure.message}".rstrip(": ")
    return f"{where}: {told}" if where else told


def _row(column: ColumnOutcome, rows: int | None) -> tuple[str | Cell, ...]:
    name = f"{column.name} (index)" if column.role == "index" else column.name
    return Cell(name, STRONG), _outcome(column, rows), column.before or "—", column.after or "—"


def _outcome(column: ColumnOutcome, rows: int | None) -> Cell:
    if column.equal:
        return Cell("equal", GOOD)
    if not column.after:
        return Cell("missing", BAD)
    if not column.before:
        return Cell("new", BAD)
    if column.changed is None or rows is None:
        return Cell("different", BAD)
    return Cell(f"different in {column.changed:,} of {rows:,} rows", BAD)
