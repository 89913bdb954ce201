"""``%lf add``: have the next bare commit take frames that are no datasets yet."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import Answer, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    live = call.session.live
    datasets = list(live.named(call.arguments.all("names"), call.names))
    call.session.repository.add(datasets)
    live.add(datasets)
    return Answer(tuple(datasets), (Note(f"the next `%lf commit -m …` takes {listed(datasets)}"),))


VERB = Verb(
    "add",
    "have the next bare commit take frames that are no datasets yet",
    _run,
    positionals=(Positional("names", "NAME", "variables that hold frames", Holds.FRAME, required=True, many=True),),
    examples=("%lf add flights planes",),
    notes=(
        "Nothing is stored: a frame is committed as it is when the commit comes. Naming it in `%lf commit NAME` "
        "has the same effect. A dataset that somebody removed from the branch may come back after `%lf add`.",
    ),
)
