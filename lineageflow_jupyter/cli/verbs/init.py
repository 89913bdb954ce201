"""``lineageflow init``: create a repository."""

from __future__ import annotations

from pathlib import Path

from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import Answer, Note
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.wire import Document


def _run(call: Call) -> Answer:
    from lineageflow_jupyter.opening import create

    location = create(Path(call.arguments.get("path") or "."))
    return Answer(str(location), (Note(f"initialised an empty repository in {location}"),))


def _document(call: Call, answer: Answer) -> Document:
    return {"location": answer.report}


COMMAND = Command(
    Verb(
        "init",
        "create a repository in a folder",
        _run,
        positionals=(Positional("path", "PATH", "the folder; the current one by default", Holds.LOCATION),),
    ),
    _document,
    opens=False,
)
