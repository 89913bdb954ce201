"""``lineageflow changes``: the change feed of a dataset."""

from __future__ import annotations

from dataclasses import replace

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs.changes import VERB, Change, changes, key_names, rows_of, run_in_shell, total_of


def _document(call: Call, answer: Answer) -> wire.Document:
    feed = answer.report
    keys = key_names(feed)
    return {
        "dataset": feed.dataset,
        "commits": [wire.commit(change.commit) for change in feed],
        "rows": total_of(feed),
        "changes": [_change(change, keys) for change in changes(feed, rows_of(call, feed))],
    }


def _change(change: Change, keys: list[str]) -> wire.Document:
    places = {name: change.get(name) for name in ("row_a", "row_b")}
    told = {name: change[name] for name in ("column", "old", "new")}
    key = {name: change.get(name) for name in keys}
    return {"commit": change["record"].id.hex(), "operation": change["operation"], "key": key, **places, **told}


COMMAND = Command(
    replace(VERB, run=run_in_shell, options=tuple(option for option in VERB.options if option.name != "engine")),
    _document,
)
