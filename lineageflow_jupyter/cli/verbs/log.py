"""``lineageflow log``: the history, as the magic shows it."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.log import VERB


def _document(call: Call, answer: Answer) -> wire.Document:
    return {"commits": [wire.commit(record) for record in answer.report]}


COMMAND = Command(VERB, _document)
