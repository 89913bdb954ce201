"""``%lf history``: what commits did to one row of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.diff_page import NAME_LENGTH, TEXT_VALUE_LENGTH, clipped_value, edit_texts
from lineageflow_jupyter.kernel.display import (
    BAD,
    CODE,
    GOOD,
    MUTED,
    STRONG,
    WARN,
    Answer,
    Cell,
    Grid,
    Note,
    clipped,
    when,
)
from lineageflow_jupyter.kernel.rows import rows_named
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.verbs.blame import DATASET, REVISION, ROW, place_of
from lineageflow_jupyter.model.ids import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lineageflow_jupyter.row_history import CellChange, RowVersion

_OPERATIONS = {
    "insert": Cell("+ insert", GOOD),
    "delete": Cell("− delete", BAD),
    "update": Cell("~ update", WARN),
    "move": Cell("↕ move"),
}
"""As the history calls them, and as they are shown."""


def run(call: Call) -> Answer:
    """Show the versions of a row, a line a changed value."""
    row = rows_named(call)
    if row is None:
        raise UsageProblem("%lf history needs a row", remedy="Name it by values, as in --row id=17, or by its number")
    found = call.session.repository.history(place_of(call), row=row)
    rows = tuple(line for version in found for line in _lines(version))
    headers = ("commit", "time", "author", "message", "", "column", "old", "new")
    return Answer(found, (Note(f"history of {found.dataset}, {found.row}", STRONG), Grid(headers, rows, literal=True)))


def _lines(version: RowVersion) -> Iterator[tuple[str | Cell, ...]]:
    commit = version.commit.commit
    first: tuple[str | Cell, ...] = (
        Cell(short(version.commit.id), CODE),
        Cell(when(commit.time, commit.offset), MUTED),
        commit.author.name,
        clipped(commit.summary, NAME_LENGTH),
        _OPERATIONS[version.operation],
    )
    if not version.cells:
        yield (*first, "", "", "")
    for cell in version.cells:
        yield (*first, clipped(cell.column, NAME_LENGTH), *_values(cell))
        first = ("",) * len(first)


def _values(cell: CellChange) -> tuple[str, str]:
    if cell.state == "added":
        return "", clipped_value(cell.new, TEXT_VALUE_LENGTH)
    if cell.state == "dropped":
        return clipped_value(cell.old, TEXT_VALUE_LENGTH), ""
    return edit_texts(cell.old, cell.new, TEXT_VALUE_LENGTH)


VERB = Verb(
    "history",
    "show what each commit did to one row of a dataset, newest first",
    run,
    positionals=(DATASET, REVISION),
    options=(ROW,),
    examples=("%lf history flights --row id=17", "%lf history flights v1.0 --row 0"),
    notes=(
        "By values a row is also found that is not there any more. A number counts the rows of that version.",
        "A merge that took the row as it is on one of the sides did nothing to it.",
        "`h = %lf history flights --row id=17` has the versions in `h.report`: commit, operation, and cells with old "
        "and new values as texts.",
    ),
)
