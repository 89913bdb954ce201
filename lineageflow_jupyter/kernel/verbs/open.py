"""``%lf open``: use another repository."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import Answer, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    repository = call.session.open(call.arguments.get("path") or ".")
    datasets = list(repository.datasets())
    held = listed(datasets) if datasets else "no commits yet"
    return Answer(repository, (Note(f"opened {repository.location}, on branch {repository.head.branch}: {held}"),))


VERB = Verb(
    "open",
    "use the repository of another folder",
    _run,
    positionals=(
        Positional("path", "PATH", "a folder with a repository, or one below it", Holds.LOCATION, required=True),
    ),
    examples=("%lf open ~/projects/flights",),
    notes=(
        "Without it, the repository of the current folder or of one above is used. Variables stay as they are; "
        "the workspace begins where it was when it last used that repository.",
    ),
)
