"""``lineageflow branch``: as the magic does it, but for what only a notebook can."""

from __future__ import annotations

from dataclasses import replace

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command, noted_in_shell
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.branch import VERB
from lineageflow_jupyter.model.records import Ref

_DELETING = ("delete", "force-delete")


def _document(call: Call, answer: Answer) -> wire.Document:
    if isinstance(answer.report, Ref):
        return {"branch": wire.ref(answer.report)}
    if any(call.arguments.has(flag) for flag in _DELETING):
        return {"deleted": [wire.ref(ref) for ref in answer.report]}
    listed = {ref.name for ref in answer.report}
    reports = [report for report in call.session.repository.compared_branches() if report.ref.name in listed]
    return {"head": call.session.repository.head.branch, "branches": [wire.branch(report) for report in reports]}


COMMAND = Command(replace(VERB, run=noted_in_shell(VERB)), _document)
