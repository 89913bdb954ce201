"""``lineageflow diff``: two revisions; there are no live frames in a shell."""

from __future__ import annotations

from dataclasses import replace

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.sides import in_shell, read
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.diff import ROWS, VERB, run_in_shell
from lineageflow_jupyter.model.revisions import cell_of, split_place, split_range


def _document(call: Call, answer: Answer) -> wire.Document:
    rows = count_of(call, "number", ROWS, "rows")
    datasets = answer.report.to_json(rows)
    if "page" in datasets and "dataset" in datasets:  # of one dataset
        datasets = {datasets["dataset"]: datasets}
    return {**_revisions(call), "datasets": datasets}


def _revisions(call: Call) -> wire.Document:
    """Both sides; null: the commit at which two histories parted, or no commit but a frame as a cell left it."""
    repository, asked = call.session.repository, in_shell(read(call))
    chosen = split_range(asked.revisions[0])
    old, new = asked.revisions if chosen is None else (None if chosen.symmetric else chosen.left, chosen.right)
    sides = {"old": old, "new": new}
    revisions = {name: None if word is None else split_place(word)[0] for name, word in sides.items()}
    return {
        name: None if revision is None or cell_of(revision) else wire.commit(repository.resolve(revision))
        for name, revision in revisions.items()
    }


COMMAND = Command(
    replace(
        VERB,
        summary="show what differs between two revisions: rows, cells, columns",
        run=run_in_shell,
    ),
    _document,
)
