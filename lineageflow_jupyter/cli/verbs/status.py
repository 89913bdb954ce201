"""``lineageflow status``: where HEAD is, what it holds, and who else works here."""

from __future__ import annotations

from collections.abc import Sequence

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.display import MUTED, Answer, Cell, Grid, Note, when_here
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named
from lineageflow_jupyter.model.records import WorkspaceRecord

WORKSPACES = 10
"""Workspaces that are shown; all are in the JSON."""


def _run(call: Call) -> Answer:
    repository = call.session.repository
    branch, tip = repository.head.branch, next(iter(repository.log(limit=1)), None)
    at = "without commits" if tip is None else f"at {commit_named(tip)}"
    shapes = repository.datasets()
    parts: list[Note | Grid] = [Note(f"on branch {branch} {at} — {repository.location}")]
    if shapes:
        parts.append(Grid(("dataset", "rows × columns"), tuple((name, str(shape)) for name, shape in shapes.items())))
    parts += _workspaces(repository.workspaces())
    return Answer(tip, tuple(parts))


def _workspaces(found: Sequence[WorkspaceRecord]) -> list[Note | Grid]:
    """Notebooks and processes with their branches."""
    if not found:
        return []
    rows = tuple(
        (
            record.name.path,
            record.branch,
            Cell("" if record.opened is None else when_here(record.opened), MUTED),
            Cell(f"{record.name.user}@{record.name.host}", MUTED),
        )
        for record in found[:WORKSPACES]
    )
    more = len(found) - WORKSPACES
    parts: list[Note | Grid] = [Grid(("notebook or process", "branch", "opened", "user"), rows)]
    if more > 0:
        parts.append(Note(f"and {more:,} opened before", MUTED))
    return parts


def _document(call: Call, answer: Answer) -> wire.Document:
    repository = call.session.repository
    return {
        "location": repository.location,
        "branch": repository.head.branch,
        "tip": None if answer.report is None else wire.commit(answer.report),
        "datasets": wire.tables(repository.datasets()),
        "workspaces": [wire.workspace(record) for record in repository.workspaces()],
    }


COMMAND = Command(
    Verb("status", "show the datasets of HEAD, and the branches that notebooks are on", _run),
    _document,
)
