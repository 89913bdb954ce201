"""``lineageflow blame``: which commit gave each value of a dataset."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.blame import VERB


def _document(call: Call, answer: Answer) -> wire.Document:
    found = answer.report
    return found.to_json(codes=not call.arguments.has("stat"))  # type: ignore[no-any-return]


COMMAND = Command(VERB, _document)
