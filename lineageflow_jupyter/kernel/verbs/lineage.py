"""``%lf lineage``: what a frame came from, or what came of it."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import Answer, Note
from lineageflow_jupyter.kernel.lineage_page import LineageDrawing
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    session, arguments = call.session, call.arguments
    if arguments.has("up") and arguments.has("down"):
        raise UsageProblem("--up and --down exclude each other", remedy="Choose one")
    if session.tracking is not None:
        session.tracking.flush()
    found = session.repository.lineage(
        arguments.get("name"), column=arguments.get("column"), down=arguments.has("down")
    )
    if not found.nodes:
        return Answer(found, (Note("no cell has read or changed a frame yet"),))
    return Answer(found, (LineageDrawing(found),))


VERB = Verb(
    "lineage",
    "show what a frame or a column came from: cells, calls, other frames and files of all notebooks",
    _run,
    positionals=(
        Positional("name", "NAME[.COLUMN]", "the variable or dataset, or REV:DATASET; all by default", Holds.TRACED),
    ),
    options=(
        Option(("--up",), "what it came from (what happens by default)"),
        Option(("--down",), "what came of it"),
        Option(("--column",), "a column, where its name could be read in several ways", "COLUMN", Holds.COLUMN),
    ),
    examples=(
        "%lf lineage flights",
        "%lf lineage flights.speed",
        "%lf lineage flights.dep_delay --down",
        "%lf lineage main~2:flights --column speed",
        "%lf lineage",
    ),
    notes=(
        "A frame that a cell changed is another version of it. What read something that has moved on since is marked "
        "as out of date.",
        "Of columns it tells the evidence. Proved: both hold the same, and a call was recorded between them. Recorded: "
        "a call was. Opaque: nobody saw what became of the columns, as in a function of your own over whole rows.",
        "`x = %lf lineage flights.speed` has frames in `x.report.columns`, `.operations` and `.tables`, and "
        "`.to_dict()`, `.to_json()`, `.to_dot()` and `.to_svg()`.",
    ),
)
