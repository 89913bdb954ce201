"""``lineageflow tag``: as the magic does it, but for what only a notebook can."""

from __future__ import annotations

from dataclasses import replace

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command, noted_in_shell
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.tag import VERB
from lineageflow_jupyter.model.records import Ref


def _document(call: Call, answer: Answer) -> wire.Document:
    if isinstance(answer.report, Ref):
        return {"tag": wire.ref(answer.report)}
    return {"deleted" if call.arguments.has("delete") else "tags": [wire.ref(ref) for ref in answer.report]}


COMMAND = Command(replace(VERB, run=noted_in_shell(VERB)), _document)
