"""``lineageflow show``: a commit, a tag or the columns of a dataset, as the magic shows it."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.show import VERB
from lineageflow_jupyter.model.reports import DatasetSchema
from lineageflow_jupyter.model.revisions import cell_of, split_dataset


def _document(call: Call, answer: Answer) -> wire.Document:
    repository, typed = call.session.repository, call.arguments.get("revision") or "HEAD"
    if isinstance(answer.report, DatasetSchema):
        revision, _ = split_dataset(typed)
        commit = None if cell_of(revision) else wire.commit(repository.resolve(revision))
        return {"commit": commit, **wire.schema(answer.report)}
    tag = next((ref for ref in repository.tags() if ref.name == typed), None)
    return {**wire.changes(answer.report), "tag": None if tag is None else wire.ref(tag)}


COMMAND = Command(VERB, _document)
