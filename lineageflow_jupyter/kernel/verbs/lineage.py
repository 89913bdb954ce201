"""``%lf lineage``: what a frame came from, or what came of it."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note
from lineageflow_jupyter.kernel.lineage_page import DRAWN, LineageDrawing
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    session, arguments = call.session, call.arguments
    if arguments.has("up") and arguments.has("down"):
        raise UsageProblem("--up and --down exclude each other", remedy="Choose one")
    if session.tracking is not None:
        session.tracking.flush()
    graph = session.repository.lineage(arguments.get("name"), down=arguments.has("down"))
    if not graph.nodes:
        return Answer(graph, (Note("no cell has read or changed a frame yet"),))
    if len(graph.nodes) > DRAWN:
        return Answer(graph, (Note(f"{len(graph.nodes):,} nodes are too many to draw; name a frame", MUTED),))
    return Answer(graph, (LineageDrawing(graph),))


VERB = Verb(
    "lineage",
    "show what a frame came from: cells, other frames and files of all notebooks",
    _run,
    positionals=(Positional("name", "NAME", "the variable or dataset; all of them by default", Holds.FRAME),),
    options=(
        Option(("--up",), "what it came from (what happens by default)"),
        Option(("--down",), "what came of it"),
    ),
    examples=("%lf lineage flights", "%lf lineage flights --down", "%lf lineage"),
    notes=(
        "A frame that a cell changed is another version of it. What read something that has moved on since is marked "
        "as out of date. The answer's `report.to_dict()` is the graph as what JSON can hold.",
    ),
)
