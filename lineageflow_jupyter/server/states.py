"""What a notebook's frames are at present, as its recorded cells left them."""

from __future__ import annotations

from lineageflow_jupyter.model.cells import CellRun, FrameState
from lineageflow_jupyter.model.records import WorkspaceRecord
from lineageflow_jupyter.repository import Repository

MOST_RUNS = 500
"""So many of a notebook's latest runs are looked at."""


def session_runs(repository: Repository, workspace: WorkspaceRecord) -> list[CellRun]:
    """Runs of the latest kernel session of a workspace, newest first: its variables live and die together."""
    found = repository.cell_runs(workspace=workspace.id, limit=MOST_RUNS)
    return [run for run in found if run.session == found[0].session]


def last_states(repository: Repository, workspace: WorkspaceRecord) -> dict[str, FrameState | None]:
    """By dataset: what the variable of that name held last; None where it was deleted since."""
    last: dict[str, FrameState | None] = {}
    for run in session_runs(repository, workspace):
        for write in reversed(run.writes):
            known = write.after or write.before
            if known is not None:
                last.setdefault(known.dataset, write.after)
        for state in run.reads:
            last.setdefault(state.dataset, state)
    return last
