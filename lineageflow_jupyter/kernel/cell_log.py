"""The transformation timeline of a dataset: what each cell run did to its frame."""

from __future__ import annotations

from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, Part, clipped, when_here
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.wording import cell_text
from lineageflow_jupyter.lineage.told import call_text, operations_on
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite

_Row = tuple[str | Cell, ...]
OPERATIONS = 60
"""Signs about the operations of a run at most."""


def cell_log(call: Call, dataset: str, limit: int) -> Answer:
    """Show the latest cell runs that changed a dataset's frame, newest first."""
    if call.session.tracking is not None:
        call.session.tracking.flush()
    repository = call.session.repository
    runs = repository.cell_runs(dataset, written=True, limit=limit + 1)
    shown = runs[:limit]
    if not shown:
        told = f"no cell is known to have changed {dataset!r}"
        return Answer((), (Note(told), Note("cells are recorded from `%load_ext` on", MUTED)))
    rows: tuple[tuple[str | Cell, ...], ...] = tuple(
        _row(run, write) for run in shown for write in _writes(run, dataset)
    )
    headers: tuple[str, ...] = ("run", "time", "cell", "operations", "rows", "columns", "missing", "note")
    if not any(row[3] for row in rows):  # none were recorded
        headers, rows = headers[:3] + headers[4:], tuple(row[:3] + row[4:] for row in rows)
    parts: list[Part] = [Grid(headers, rows)]
    if len(runs) > limit:
        parts.append(Note(f"and earlier ones: `-n {2 * limit}` shows more", MUTED))
    return Answer(shown, tuple(parts))


def _writes(run: CellRun, dataset: str) -> list[FrameWrite]:
    return [
        write
        for write in run.writes
        if any(state is not None and state.dataset == dataset for state in (write.before, write.after))
    ]


def _row(run: CellRun, write: FrameWrite) -> _Row:
    before, after = write.before, write.after
    return (
        Cell(run.run[:7], CODE),
        Cell(when_here(run.started), MUTED),
        cell_text(run) if write.seen else "(not seen)",
        _operations(run, write),
        _change(before, after, "rows"),
        _change(before, after, "columns"),
        _change(before, after, "nulls"),
        clipped(_note(run, write)),
    )


def _operations(run: CellRun, write: FrameWrite) -> str:
    """Calls that led to what a run left, each with its line; those of one line together."""
    if write.after is None or not write.seen:
        return ""
    lines: dict[int | None, list[str]] = {}
    for operation in operations_on(run, write.after.variable):
        lines.setdefault(operation.line, []).append(call_text(operation.call))
    told = [f"{'' if line is None else f'{line}: '}{', '.join(calls)}" for line, calls in lines.items()]
    return clipped("; ".join(told), OPERATIONS)


def _change(before: FrameState | None, after: FrameState | None, fact: str) -> str:
    numbers = [None if state is None else getattr(state, fact) for state in (before, after)]
    if numbers[0] is None or numbers[0] == numbers[1]:
        return "" if numbers[1] is None else f"{numbers[1]:,}"
    return f"{numbers[0]:,} → {'–' if numbers[1] is None else format(numbers[1], ',')}"


def _note(run: CellRun, write: FrameWrite) -> str:
    if write.after is None:
        return "deleted"
    parts = ["made"] if write.before is None else []
    parts += [write.after.note] if write.after.note else []
    parts += [f"raised {run.outcome}"] if run.outcome != "ok" else []
    parts += ["changed since, by no cell that was seen"] if not write.seen else []
    return ", ".join(parts)
