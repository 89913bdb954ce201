"""``%lf rm``: take datasets out of the branch; their history stays."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.ids import short


def _run(call: Call) -> object:
    session = call.session
    names = list(dict.fromkeys(session.live.dataset(name) for name in call.arguments.all("names")))
    report = session.repository.remove(names, message=call.arguments.get("message"))
    told = f"[{report.branch} {short(report.id)}] {report.commit.commit.summary}"
    hint = f"{listed(names)}: variables and older versions stay; `%lf undo` takes it back"
    return Answer(report, (Note(told), Note(hint, MUTED)))


VERB = Verb(
    "rm",
    "take datasets out of the branch, as a commit; their history stays",
    _run,
    positionals=(Positional("names", "DATASET", "datasets to take out", Holds.DATASET, required=True, many=True),),
    options=(Option(("-m", "--message"), "why; told by itself if left out", "MSG"),),
    examples=("%lf rm scratch", '%lf rm flights planes -m "now in air"'),
    notes=(
        "There is no staging area: the removal is a commit of its own, at once. Variables and older versions stay "
        "as they are, and `%lf undo` takes it back. Refused where the branch holds a version that this notebook "
        "has not seen.",
    ),
)
