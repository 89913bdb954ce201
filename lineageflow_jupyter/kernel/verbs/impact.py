"""``%lf impact``: what hangs on a dataset, and what a change of it does to models."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import STRONG, Answer, Cell, Grid, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.verbs.models import (
    Reasons,
    place_text,
    said_once,
    score_text,
    stale_notes,
    state_cell,
    table_text,
)
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.model_reports import AffectedFrame, AffectedModel, ImpactReport, Touched

_HEADERS = ("model", "class", "trained on", "hangs on it by", "scores", "training rows touched", "cell", "state")


def _run(call: Call) -> object:
    session, arguments = call.session, call.arguments
    if session.tracking is not None:
        session.tracking.flush()
    name = arguments.get("name")
    assert name is not None
    found = session.repository.impact(name, column=arguments.get("column"), against=arguments.get("against"))
    what = f"column {found.column!r} of {found.dataset}" if found.column else found.dataset
    if not found.frames and not found.models:
        return Answer(found, (Note(f"nothing is known to hang on {what}"),))
    compared = "" if found.table is None else f", compared with table {short(found.table)}"
    parts = [Note(f"what hangs on {what}{compared}", STRONG)]
    why = said_once([*(each.stale for each in found.frames), *(each.model.stale for each in found.models)])
    frames = [_frames(found, why)] if found.frames else []
    models = [Grid(_HEADERS, tuple(_row(each, why) for each in found.models), literal=True)] if found.models else []
    return Answer(found, (*parts, *frames, *models, *stale_notes(why)))


def _frames(found: ImpactReport, why: Reasons) -> Grid:
    columns: dict[str, list[str]] = {}
    for each in found.columns:
        columns.setdefault(each.frame, []).append(each.column)
    rows = [_frame_row(each, columns.get(each.frame, []), why) for each in found.frames]
    if columns:
        return Grid(("frame", "columns", "evidence", "state"), tuple(rows), literal=True)
    return Grid(("frame", "evidence", "state"), tuple((name, *rest) for name, _, *rest in rows), literal=True)


def _frame_row(frame: AffectedFrame, columns: list[str], why: Reasons) -> tuple[str | Cell, ...]:
    return frame.frame, listed(columns), frame.evidence, state_cell(frame.stale, why)


def _row(affected: AffectedModel, why: Reasons) -> tuple[str | Cell, ...]:
    model = affected.model
    return (
        model.name or "–",
        model.kind,
        listed([table_text(each) for each in model.trained_on], limit=3) or "–",
        f"{listed(affected.features, limit=4) or '–'} ({affected.evidence})",
        listed([score_text(each) for each in model.scores], limit=3),
        touched_text(affected.touched),
        place_text(model.place),
        state_cell(model.stale, why),
    )


def touched_text(touched: Touched) -> str:
    """Such as ``3 of 30, 2 rows came``, or why it cannot be told."""
    if touched.rows is None:
        return f"cannot be told: {touched.why}"
    of = "" if touched.of is None else f" of {touched.of:,}"
    came = f", {touched.added:,} rows came" if touched.added else ""
    return f"{touched.rows:,}{of}{came}"


VERB = Verb(
    "impact",
    "show what hangs on a dataset or a column: frames, features, models, scores; and which of them a change touched",
    _run,
    positionals=(Positional("name", "NAME", "the dataset or variable, or REV:DATASET", Holds.PLACE, required=True),),
    options=(
        Option(("--column",), "only what hangs on this column", "COLUMN", Holds.COLUMN),
        Option(("--against",), "compare models with the dataset as it is there", "REV", Holds.REVISION),
    ),
    examples=(
        "%lf impact flights",
        "%lf impact flights --column dep_delay",
        "%lf impact flights --against no-outliers",
    ),
    notes=(
        "Models are compared with the dataset as it was committed last. Touched are training rows of which a value "
        "that the model used is another now, and those that are gone; with "
        "`--column` values of this column alone. Where rows cannot be followed from the dataset "
        "into the model, as through a join, it says so and gives no number.",
        "`x = %lf impact flights` has everything in `x.report`.",
    ),
)
