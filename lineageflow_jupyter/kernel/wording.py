"""How changes and commits are told in one line, the same in every verb."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from lineageflow_jupyter.kernel.display import clipped, listed, size
from lineageflow_jupyter.model.cells import CellRun
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.records import CommitRecord, Operation
from lineageflow_jupyter.model.reports import CommitReport, DatasetChange, RowChange

NAMED_COLUMNS = 5
MINUS = "−"


def change_text(change: DatasetChange) -> str:
    """Tell in a few words how a dataset differs.

    Examples
    --------
    >>> from lineageflow_jupyter.model.reports import TableShape
    >>> change_text(DatasetChange("f", "changed", TableShape(5, 1), TableShape(2, 2), ("speed",)))
    '−3 rows, +1 column (speed)'
    """
    if change.state == "removed":
        return f"removed ({change.before})"
    if change.state == "added" or change.before is None or change.after is None:
        return f"new, {change.after}"
    if change.described:
        return "same values; dtypes, index, order of columns, attributes or key differ"
    rows = change.after.rows - change.before.rows
    parts = _rows(change.rows) if change.rows else _more_or_less(rows)
    parts += _columns(change.columns_added, "+") + _columns(change.columns_dropped, MINUS)
    parts += _columns(change.levels_added, "+", noun="index level")
    parts += _columns(change.levels_dropped, MINUS, noun="index level")
    # Other rows mean other columns throughout: naming all of them says nothing.
    everywhere = bool(rows) and len(change.columns_changed) >= change.after.columns - len(change.columns_added)
    if change.rows is not None and change.cells is not None:
        parts += _cells(change.cells)
    elif change.columns_changed and not everywhere:
        parts += _values(change, change.after.rows)
    return ", ".join(parts) or "values changed"


def cell_text(run: CellRun) -> str:
    r"""Notebook, execution count and first line of a cell run.

    Examples
    --------
    >>> from lineageflow_jupyter.model.cells import CellRun
    >>> cell_text(CellRun("1f", "", "work/fares.ipynb", "", 7, "x = 1\ny = 2", "ada", 0, 0, "ok"))
    'fares.ipynb [7] x = 1'
    """
    notebook = PurePath(run.notebook).name.partition("#")[0]
    number = "" if run.number is None else f"[{run.number}]"
    lines = (run.code or "").strip().splitlines()
    return " ".join(part for part in (notebook, number, clipped(lines[0], 60) if lines else "") if part)


def commit_text(record: CommitRecord) -> str:
    """Short id and summary of a commit, for lists."""
    return f"{short(record.id)} {clipped(record.commit.summary)}"


def commit_named(record: CommitRecord) -> str:
    """Short id and summary of a commit, within a sentence."""
    return f"{short(record.id)} ({clipped(record.commit.summary, 60)})"


def commit_report_text(report: CommitReport) -> str:
    """Tell what a commit did."""
    if not report.created:
        at = f"[{report.branch} {commit_text(report.commit)}]"
        return f"nothing to commit — {are(list(report.tables))} as in {at}"
    tables = listed([f"{dataset} {shape}" for dataset, shape in report.tables.items()], limit=4)
    return (
        f"[{report.branch} {short(report.id)}] {report.commit.commit.summary} — {tables}, {size(report.new_bytes)} new"
    )


def are(datasets: Sequence[str]) -> str:
    """Names of datasets with their verb.

    Examples
    --------
    >>> are(["flights"]), are(["flights", "planes"])
    ('flights is', 'flights, planes are')
    """
    return f"{listed(datasets)} {'is' if len(datasets) == 1 else 'are'}"


def operation_text(operation: Operation) -> str:
    """Tell an operation of the log in a few words."""
    verb, message = operation.verb, str(operation.detail.get("message", ""))
    if "of" in operation.detail:
        verb = f"{verb} of {operation.detail['of']}"
    elif operation.renamed is not None:
        return f"{verb}: {operation.renamed[0]} → {operation.renamed[1]}"
    elif verb == "switch" and operation.head is not None:
        return f"switch from {operation.head.before} to {operation.head.after}"
    elif verb == "reset":
        moved = [change.after for change in operation.refs if change.kind == "branch" and change.after]
        verb = f"reset to {short(moved[0])}" if moved else verb
    elif verb.startswith(("branch", "tag")):
        verb = f"{verb} {listed([change.name for change in operation.refs])}"
    elif not message and operation.detail.get("frames"):
        message = listed(list(operation.detail["frames"]))
    return f"{verb}: {clipped(message)}" if message else verb


def _rows(rows: RowChange) -> list[str]:
    counts = ((rows.added, "+", ""), (rows.removed, MINUS, ""), (rows.moved, "", " moved"))
    return [_counted(count, "row", sign) + verb for count, sign, verb in counts if count]


def _more_or_less(rows: int) -> list[str]:
    return [_counted(abs(rows), "row", "+" if rows > 0 else MINUS)] if rows else []


def _cells(cells: Mapping[str, int]) -> list[str]:
    names = [name for name, count in cells.items() if count]
    return [f"{_counted(sum(cells.values()), 'cell')} ({_named(names)})"] if names else []


def _values(change: DatasetChange, rows: int) -> list[str]:
    """Cells where few of a column changed; else the column's name, since rows are compared in their order.

    Sorting a frame changes no value, but nearly all cells at their places: a number would mislead.
    """
    cells = change.cells or {}
    names = Counter(change.columns_changed)
    few = [name for name, times in names.items() if 0 < 2 * cells.get(name, 0) <= rows * times]
    whole = [name for name in change.columns_changed if name not in few]
    parts = [f"{_counted(sum(cells[name] for name in few), 'cell')} ({_named(few)})"] if few else []
    return parts + _columns(whole, "", " changed")


def _columns(names: Sequence[str], sign: str, verb: str = "", noun: str = "column") -> list[str]:
    return [f"{_counted(len(names), noun, sign)}{verb} ({_named(names)})"] if names else []


def _counted(number: int, noun: str, sign: str = "") -> str:
    return f"{sign}{number:,} {noun}{'s' * (number != 1)}"


def _named(names: Sequence[str]) -> str:
    return listed([clipped(name, 40) for name in names], limit=NAMED_COLUMNS)
