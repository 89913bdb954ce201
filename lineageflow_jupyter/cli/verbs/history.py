"""``lineageflow history``: what each commit did to one row."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.history import VERB


def _document(_: Call, answer: Answer) -> wire.Document:
    return answer.report.to_json()  # type: ignore[no-any-return]


COMMAND = Command(VERB, _document)
