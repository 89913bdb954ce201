"""``%lf lineage``: what a frame came from, or what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, WARN, Answer, Note
from lineageflow_jupyter.kernel.lineage_page import LineageDrawing, stale_text
from lineageflow_jupyter.kernel.verb import Call, Verb

if TYPE_CHECKING:
    from lineageflow_jupyter.lineage.lineages import Lineage


def _run(call: Call) -> object:
    session, arguments = call.session, call.arguments
    if arguments.has("up") and arguments.has("down"):
        raise UsageProblem("--up and --down exclude each other", remedy="Choose one")
    if session.tracking is not None:
        session.tracking.flush()
    answered = session.repository.lineage(
        arguments.get("name"),
        column=arguments.get("column"),
        down=arguments.has("down"),
        indirect=arguments.has("all"),
    )
    found = replace(answered, notebook=session.workspace().path)
    if not found.nodes:
        return Answer(found, (Note("no cell has read or changed a frame yet"),))
    stale = [Note(text, WARN) for text in stale_text(found)]
    return Answer(found, (LineageDrawing(found), *stale, *_left_out(found)))


def _left_out(found: Lineage) -> tuple[Note, ...]:
    if not found.left_out:
        return ()
    what = "hang on it only by rows" if found.down else "only chose, matched or ordered its rows"
    columns = "column" if found.left_out == 1 else "columns"
    return (Note(f"{found.left_out:,} other {columns} {what}: --all", MUTED),)


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
        Option(("--all",), "of a column, also columns that only chose, matched or ordered rows"),
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
        "Of a column it follows values, and says how many other columns only chose rows, as those of a filter, a "
        "`dropna`, the key of a merge or a sort; `--all` shows these too.",
        "Of columns it tells the evidence. Proved: both hold the same, and a call was recorded between them. Recorded: "
        "a call was. Opaque: nobody saw what became of the columns, as in a function of your own over whole rows.",
        "`x = %lf lineage flights.speed` has frames in `x.report.columns`, `.operations` and `.tables`, and "
        "`.to_dict()`, `.to_json()`, `.to_dot()` and `.to_svg()`.",
    ),
)
