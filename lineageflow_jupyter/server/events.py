"""Events about repositories: what the catalog says has happened, in the form of the schemas beside this file.

An event has the same `event_id` whoever makes it and whenever: those who hear of something twice know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineageflow_jupyter import wire
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import CommitRecord, Operation, RefChange

_PREFIX = "https://schema.lineageflow.dev"
COMMIT = f"{_PREFIX}/commit/v1"
REF_MOVED = f"{_PREFIX}/ref_moved/v1"
CELL_RUN = f"{_PREFIX}/cell_run/v1"
CHECK_FAILED = f"{_PREFIX}/check_failed/v1"
SCHEMAS = {
    name: Path(__file__).parent / "schemas" / f"{name.removeprefix(_PREFIX).strip('/').replace('/', '.')}.yaml"
    for name in (COMMIT, REF_MOVED, CELL_RUN, CHECK_FAILED)
}
"""Files of the schemas, by their ids."""

MOST_FRAMES = 100
"""So many reads and writes of a run an event tells at most; the run itself tells all."""
_MAKING = frozenset({"commit", "rm", "mv", "merge", "revert", "cherry-pick", "rebase", "import"})
"""Verbs that give a branch a commit that it did not have; others only move it among those that there are."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: id of its schema, and its content."""

    schema: str
    data: Mapping[str, Any]


def events_of(
    operation: Operation, repository: str, notebook: str, record_of: Callable[[ObjectId], CommitRecord | None]
) -> Iterator[Event]:
    """Events of an operation: refs that moved, and the commits that branches got.

    Parameters
    ----------
    operation : Operation
        The operation.
    repository : str
        Id of the repository.
    notebook : str
        Server path of the notebook that did it; ``""``: another process did.
    record_of : callable
        Gives commits.
    """

    def head(name: str) -> dict[str, Any]:
        return {
            "event_id": f"{name}:{operation.operation}",
            "sequence": operation.sequence,
            "repository": repository,
            "time": wire.moment(operation.time)["time"] or "",
            "notebook": notebook,
        }

    for change in operation.refs:
        if change.kind not in ("branch", "tag") or change.before == change.after:
            continue
        record = record_of(change.after) if change.after is not None and _is_new(operation, change) else None
        if record is not None:
            yield Event(
                COMMIT,
                {
                    **head(f"commit:{change.name}"),
                    "id": record.id.hex(),
                    "branch": change.name,
                    "summary": record.commit.summary,
                    "author": record.commit.author.name,
                    "datasets": list(record.datasets),
                },
            )
        yield Event(
            REF_MOVED,
            {
                **head(f"ref:{change.name}"),
                "ref": change.name,
                "kind": change.kind,
                "old": None if change.before is None else change.before.hex(),
                "new": None if change.after is None else change.after.hex(),
            },
        )
    if operation.head is not None and operation.head.before != operation.head.after:
        moved = {"ref": "HEAD", "kind": "head", "old": operation.head.before, "new": operation.head.after}
        yield Event(REF_MOVED, {**head("ref:HEAD"), **moved})


def _is_new(operation: Operation, change: RefChange) -> bool:
    return change.kind == "branch" and operation.verb in _MAKING


def event_of_run(run: CellRun, repository: str, notebook: str) -> Event:
    """Event of a cell run."""
    return Event(
        CELL_RUN,
        {
            "event_id": f"cell_run:{run.run}",
            "sequence": run.sequence,
            "repository": repository,
            "time": wire.moment(run.started)["time"] or "",
            "notebook": notebook,
            "run": run.run,
            "cell": run.cell,
            "number": run.number,
            "outcome": run.outcome,
            "duration_us": run.duration,
            "reads": [_state(state) for state in run.reads[:MOST_FRAMES]],
            "writes": [_write(write) for write in run.writes[:MOST_FRAMES]],
        },
    )


def _state(state: FrameState) -> dict[str, Any]:
    return {"variable": state.variable, "dataset": state.dataset, "rows": state.rows, "columns": state.columns}


def _write(write: FrameWrite) -> dict[str, Any]:
    """A frame that was written: shapes are null where there was none before, or is none any more."""
    before, after = write.before, write.after
    known = after or before
    return {
        "variable": "" if known is None else known.variable,
        "dataset": "" if known is None else known.dataset,
        "rows": None if after is None else after.rows,
        "columns": None if after is None else after.columns,
        "rows_before": None if before is None else before.rows,
        "columns_before": None if before is None else before.columns,
    }
