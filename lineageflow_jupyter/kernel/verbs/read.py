"""``%lf read``: a dataset as it was committed, or a frame as a cell left it. Touches no variable."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import row_range, split_columns
from lineageflow_jupyter.kernel.engines import ENGINES, engine_named
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    arguments = call.arguments
    rows = arguments.get("rows")
    return call.session.repository.read(
        arguments.get("place") or "",
        columns=split_columns(arguments.all("columns")) if arguments.has("columns") else None,
        rows=None if rows is None else row_range(rows),
        engine=engine_named(arguments.get("engine") or "pandas"),
    )


VERB = Verb(
    "read",
    "return a dataset as it was committed, or a frame as a cell left it; no variable is touched",
    _run,
    positionals=(
        Positional(
            "place",
            "REV:DATASET",
            "what to read; DATASET alone means HEAD; NAME@{cell:ID} a frame as a cell left it",
            Holds.PLACE,
            required=True,
        ),
    ),
    options=(
        Option(("--columns",), "only these columns (commas between)", "COL", Holds.COLUMN, many=True),
        Option(("--rows",), "only rows START to STOP, STOP excluded", "START:STOP"),
        Option(("--engine",), f"library of the frame: {', '.join(ENGINES)}", "ENGINE", Holds.ENGINE),
    ),
    examples=(
        "df = %lf read HEAD~1:flights",
        "df = %lf read flights --columns year,month --rows 0:100",
        "df = %lf read flights@{cell:1f2e3d4}",
    ),
    notes=(
        "What comes back is exactly what was committed: dtypes, index, missing values. Columns come in the order "
        "in which they are named, index levels always. Reading the branch's present version counts as having seen "
        "it: then the notebook may commit its own on top.",
        "`flights@{cell:1f2e3d4}` is what the variable held after that cell had run: the id of the run as `%lf log "
        "--cells flights` shows it, at least 4 digits; a shorter number is that of a cell of this notebook, as in [7], "
        "and means its latest run. It comes from the notebook's snapshots, or from a commit that holds the same.",
        "`df = %lf read …;` keeps the frame in spite of the `;`, which is there for answers only.",
    ),
)
