"""``lineageflow merge``: as the magic does it, but that nothing is kept half done: rules decide, or nothing changes."""

from __future__ import annotations

from dataclasses import replace

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command, noted_in_shell
from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.merge import IN_NOTEBOOKS, VERB, merged


def _document(call: Call, answer: Answer) -> wire.Document:
    return wire.merge(answer.report)


_VERB = replace(
    VERB,
    run=merged,
    summary="bring what another branch did into this one",
    positionals=(Positional("revision", "BRANCH", "what to merge", Holds.REVISION, required=True),),
    options=tuple(option for option in VERB.options if option not in IN_NOTEBOOKS),
)
COMMAND = Command(replace(_VERB, run=noted_in_shell(_VERB)), _document)
