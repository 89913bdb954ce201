"""``%lf init``: create a repository."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import Answer, Note
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    repository = call.session.init(call.arguments.get("path") or ".")
    return Answer(
        repository,
        (
            Note(f"initialised an empty repository in {repository.location}, on branch {repository.head.branch}"),
            Note('next: `%lf commit NAME -m "…"` with the name of a DataFrame'),
        ),
    )


VERB = Verb(
    "init",
    "create a repository in a folder and use it",
    _run,
    positionals=(Positional("path", "PATH", "the folder; the current one by default", Holds.LOCATION),),
    examples=("%lf init", "%lf init ~/projects/flights"),
    notes=(
        "Everything is kept in the folder `.lineageflow` inside; a `.gitignore` in it keeps Git from committing "
        "it. The first commit begins the branch `main`. Network file systems are refused, since commits could be "
        "lost there.",
    ),
)
