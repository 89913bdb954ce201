"""``%lf mv``: give a dataset another name."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note
from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.ids import short


def _run(call: Call) -> object:
    session = call.session
    old, new = session.live.dataset(call.arguments.get("old") or ""), call.arguments.get("new") or ""
    report = session.repository.rename(old, new, message=call.arguments.get("message"))
    variable = session.live.variable(old, session.variables)
    told = f"[{report.branch} {short(report.id)}] {report.commit.commit.summary}"
    notes = [Note(told), Note("its values were not stored again; `%lf undo` takes it back", MUTED)]
    if is_frame(session.variables.get(variable)):
        session.live.bind(variable, new)
        notes.append(Note(f"the variable {variable} stands for the dataset {new} from now on", MUTED))
    return Answer(report, tuple(notes))


VERB = Verb(
    "mv",
    "give a dataset another name, as a commit",
    _run,
    positionals=(
        Positional("old", "DATASET", "the dataset", Holds.DATASET, required=True),
        Positional("new", "NEW", "its new name", required=True),
    ),
    options=(Option(("-m", "--message"), "why; told by itself if left out", "MSG"),),
    examples=("%lf mv df flights",),
    notes=(
        "A commit of its own, at once, that stores no data again. The variable keeps its name and stands for the "
        "dataset under its new one from then on. `%lf blame` and `%lf history` go on into the old name; other verbs "
        "know what was before by its old name alone. `%lf undo` takes it back.",
    ),
)
