"""``lineageflow fsck``: read everything and verify it."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import Answer, Note
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> Answer:
    objects = call.session.repository.fsck()
    return Answer(objects, (Note(f"all is well: {objects:,} object{'s' * (objects != 1)} verified"),))


def _document(call: Call, answer: Answer) -> wire.Document:
    return wire.verified(answer.report)


COMMAND = Command(
    Verb(
        "fsck", "read all that branches, tags and stashes lead to, and verify every id; fails at the first damage", _run
    ),
    _document,
)
