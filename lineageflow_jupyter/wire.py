"""Model values as dicts that `json.dumps` takes: one form for the command line, REST, events and widgets.

Keys are only ever added. Ids are hexadecimal. A moment is told twice: ``time`` is ISO 8601 in UTC (null where the year
does not exist) and ``time_us`` the microseconds since 1970-01-01 UTC that are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.model.cells import CellRun, Environment, FrameState, FrameWrite, OperationRecord
from lineageflow_jupyter.model.diffs import DiffPage, DiffRow, DiffSummary, SchemaDiff
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.merge_reports import MergeResult
from lineageflow_jupyter.model.model_reports import (
    AffectedFrame,
    ImpactReport,
    ModelColumn,
    ModelReport,
    Touched,
    TrainingTable,
)
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import CommitRecord, Ref, WorkspaceRecord
from lineageflow_jupyter.model.reports import (
    BranchReport,
    CacheReport,
    CommitChanges,
    CommitReport,
    DatasetChange,
    DatasetSchema,
    DatasetStatus,
    ExportReport,
    StatusReport,
    TableShape,
    TableTexts,
)

Document = dict[str, Any]

LONGEST_TEXT = 1_000
"""Texts of cells are cut to so many characters."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time: int | None, name: str = "time") -> Document:
    """Two entries for a moment in microseconds since 1970-01-01 UTC, which may be missing.

    Examples
    --------
    >>> moment(1_500_000)
    {'time': '1970-01-01T00:00:01.500000Z', 'time_us': 1500000}
    """
    return {name: None if time is None else _iso(time), f"{name}_us": time}


def author(value: Author) -> Document:
    """Who: ``name`` and ``email``."""
    return {"name": value.name, "email": value.email}


def commit(record: CommitRecord) -> Document:
    """A commit, with the datasets in which it differs from its first parent."""
    value = record.commit
    return {
        "id": record.id.hex(),
        "parents": [parent.hex() for parent in value.parents],
        "author": author(value.author),
        **moment(value.time),
        "utc_offset_minutes": value.offset,
        "message": value.message,
        "datasets": list(record.datasets),
        "generation": record.generation,
    }


def ref(value: Ref) -> Document:
    """A branch or tag; ``annotation`` is null unless a tag has one."""
    said = value.annotation
    return {
        "name": value.name,
        "kind": value.kind,
        "commit": None if value.commit is None else value.commit.hex(),
        "annotation": None
        if said is None
        else {
            "author": author(said.author),
            **moment(said.time),
            "utc_offset_minutes": said.offset,
            "message": said.message,
        },
    }


def branch(report: BranchReport) -> Document:
    """A branch with its distance from the branch of HEAD."""
    return {**ref(report.ref), "ahead": report.ahead, "behind": report.behind}


def shape(value: TableShape) -> Document:
    """Rows and data columns."""
    return {"rows": value.rows, "columns": value.columns}


def schema(value: DatasetSchema) -> Document:
    """Columns of a dataset, index levels first, with roles and types."""
    return {
        "dataset": value.dataset,
        "shape": shape(value.shape),
        "columns": [{"name": column.name, "role": column.role, "type": column.type} for column in value.columns],
        "key": list(value.key),
        "library": value.library,
    }


def change(value: DatasetChange) -> Document:
    """How a dataset differs; ``cells`` is null where they were not counted."""
    return {
        "dataset": value.dataset,
        "state": value.state,
        "before": None if value.before is None else shape(value.before),
        "after": None if value.after is None else shape(value.after),
        "columns_added": list(value.columns_added),
        "columns_dropped": list(value.columns_dropped),
        "columns_changed": list(value.columns_changed),
        "described": value.described,
        "cells": None if value.cells is None else dict(value.cells),
        "rows": None if value.rows is None else asdict(value.rows),
    }


def changes(value: CommitChanges) -> Document:
    """A commit with what it changed."""
    return {"commit": commit(value.commit), "changes": [change(each) for each in value.changes]}


def dataset_status(value: DatasetStatus) -> Document:
    """A dataset or live frame against HEAD."""
    return {
        "dataset": value.dataset,
        "state": value.state,
        "change": None if value.change is None else change(value.change),
        "behind": value.behind,
        "problem": value.problem,
    }


def status(value: StatusReport) -> Document:
    """Branch, its latest commit (null without one) and the datasets."""
    return {
        "branch": value.branch,
        "tip": None if value.tip is None else commit(value.tip),
        "gone": value.gone,
        "datasets": [dataset_status(each) for each in value.datasets],
    }


def table_texts(value: TableTexts) -> Document:
    """Some rows of a version; a text that is longer than `LONGEST_TEXT` is cut, and ends in ``…``."""
    return {
        "dataset": value.dataset,
        "rows_in_all": value.rows_in_all,
        "columns_in_all": value.columns_in_all,
        "columns": [asdict(column) for column in value.columns],
        "start": value.start,
        "rows": [[_cut(text, LONGEST_TEXT) for text in row] for row in value.rows],
    }


def tables(shapes: Mapping[str, TableShape]) -> list[Document]:
    """Datasets with their shapes, in order."""
    return [{"dataset": dataset, "shape": shape(each)} for dataset, each in shapes.items()]


def committed(report: CommitReport) -> Document:
    """What a commit did; ``created`` is false where there was nothing to commit."""
    return {
        "commit": commit(report.commit),
        "created": report.created,
        "branch": report.branch,
        "new_bytes": report.new_bytes,
        "tables": tables(report.tables),
    }


def exported(report: ExportReport) -> Document:
    """A file that a dataset was written into."""
    return {
        "path": report.path,
        "bytes": report.bytes,
        "dataset": report.dataset,
        "shape": shape(report.shape),
        "commit": commit(report.commit),
    }


def workspace(record: WorkspaceRecord) -> Document:
    """A notebook or process that has used the repository, and the branch it is on."""
    return {
        "id": record.id,
        "user": record.name.user,
        "host": record.name.host,
        "path": record.name.path,
        "branch": record.branch,
        **moment(record.opened, "opened"),
    }


def cache(report: CacheReport) -> Document:
    """The hot cache."""
    return asdict(report)


def diff(
    dataset: str, by: str, key: Sequence[str], schema: SchemaDiff, summary: DiffSummary, page: DiffPage
) -> Document:
    """How a dataset differs: schema, counts and one page."""
    return {
        "dataset": dataset,
        "by": by,
        "key": list(key),
        "schema": schema_diff(schema),
        "summary": diff_summary(summary),
        "page": diff_page(page),
    }


def schema_diff(value: SchemaDiff) -> Document:
    """How columns differ; ``key`` is null where the declared key does not."""
    return {
        "added": [asdict(column) for column in value.added],
        "dropped": [asdict(column) for column in value.dropped],
        "retyped": [asdict(column) for column in value.retyped],
        "renamed": [asdict(column) for column in value.renamed],
        "reordered": value.reordered,
        "relabelled": value.relabelled,
        "key": None if value.key is None else {"old": list(value.key[0]), "new": list(value.key[1])},
        "described": [asdict(each) for each in value.described],
    }


def diff_summary(value: DiffSummary) -> Document:
    """Counts of rows and cells."""
    return {**asdict(value), "cells_changed": dict(value.cells_changed)}


def diff_page(value: DiffPage, longest: int = LONGEST_TEXT) -> Document:
    """Rows of a page; texts of more than `longest` characters are cut, and end in ``…``.

    A cell is ``[state, old, new]``.
    """
    return {
        "start": value.start,
        "stop": value.stop,
        "rows": value.rows,
        "hunks_in_all": value.hunks_in_all,
        "columns": [asdict(column) for column in value.columns],
        "hunks": [
            {"number": hunk.number, "rows": [_diff_row(row, longest) for row in hunk.rows]} for hunk in value.hunks
        ],
    }


def _diff_row(row: DiffRow, longest: int) -> Document:
    return {
        "kind": row.kind,
        "row_a": row.row_a,
        "row_b": row.row_b,
        "moved": row.moved,
        "cells": [[cell.state, _cut(cell.old, longest), _cut(cell.new, longest)] for cell in row.cells],
    }


def _cut(text: str | None, longest: int) -> str | None:
    return text if text is None or len(text) <= longest else text[: longest - 1] + "…"


def blame(
    place: tuple[str, CommitRecord],
    columns: Sequence[str],
    rows: Sequence[int],
    commits: Sequence[tuple[CommitRecord, int, str | None]],
    codes: Mapping[str, Sequence[int]],
) -> Document:
    """Where values come from: by column, for each row, the place of its commit in ``commits``.

    Each commit has besides, as ``values``, how many of the values it gave, and as ``cell_run`` the id of the cell run
    that made them, or null. A commit is there once for each cell run.
    """
    dataset, record = place
    return {
        "dataset": dataset,
        "commit": commit(record),
        "columns": list(columns),
        "rows": list(rows),
        "commits": [{**commit(each), "values": count, "cell_run": run} for each, count, run in commits],
        "codes": {name: list(each) for name, each in codes.items()},
    }


def row_history(
    dataset: str, row: str, versions: Sequence[tuple[CommitRecord, str, int | None, Sequence[Any]]]
) -> Document:
    """What commits did to a row, newest first; values are texts."""
    return {
        "dataset": dataset,
        "row": row,
        "versions": [
            {"commit": commit(record), "operation": operation, "row": number, "cells": [asdict(cell) for cell in cells]}
            for record, operation, number, cells in versions
        ],
    }


def merge(result: MergeResult) -> Document:
    """What a merge did, or would do."""
    return {
        "state": result.state,
        "branch": result.branch,
        "merged": result.merged,
        "dry_run": result.dry_run,
        "commit": None if result.commit is None else commit(result.commit),
        "open": result.open,
        "datasets": [
            {
                "dataset": each.dataset,
                "how": each.how,
                "rows": each.rows,
                "cells": each.cells,
                "conflicts": each.conflicts,
                "open": each.open,
            }
            for each in result.datasets
        ],
    }


def verified(objects: int) -> Document:
    """What a check of the whole repository found in order."""
    return {"damaged": False, "objects": objects}


def cell_run(run: CellRun) -> Document:
    """One execution of a cell; ``code`` is null where it was not captured."""
    return {
        "run": run.run,
        "sequence": run.sequence,
        "workspace": run.workspace,
        "notebook": run.notebook,
        "cell": run.cell,
        "number": run.number,
        "code": run.code,
        "user": run.user,
        **moment(run.started, "started"),
        "duration_us": run.duration,
        "session": run.session,
        "outcome": run.outcome,
        "reads": [frame_state(state) for state in run.reads],
        "writes": [_frame_write(write) for write in run.writes],
        "external": [asdict(each) for each in run.external],
        "operations": [_operation(each) for each in run.operations],
        "opaque": list(run.opaque),
        "environment": run.environment or None,
    }


def frame_state(state: FrameState) -> Document:
    """What a variable held at one moment; ids are null where they were not computed, and ``note`` says why."""
    return {
        "variable": state.variable,
        "dataset": state.dataset,
        "table": _hex(state.table),
        "frame": _hex(state.frame),
        "rows": state.rows,
        "columns": state.columns,
        "nulls": state.nulls,
        "note": state.note,
        "kept": state.kept,
    }


def _frame_write(write: FrameWrite) -> Document:
    return {
        "before": None if write.before is None else frame_state(write.before),
        "after": None if write.after is None else frame_state(write.after),
        "seen": write.seen,
    }


def _operation(record: OperationRecord) -> Document:
    said = asdict(record)
    for name in ("inputs", "added", "dropped", "changed", "edges"):
        said[name] = list(said[name])
    return said


def environment(value: Environment) -> Document:
    """What code ran in; ``git`` is null outside of a Git repository."""
    return {
        "id": value.id,
        "python": value.python,
        "packages": dict(sorted(value.packages.items())),
        "git": value.git,
        "dirty": value.dirty,
    }


def error(value: LineageFlowError) -> Document:
    """Why a request failed: ``code`` is for programs, the wording of the others may change."""
    return {"code": value.code, "problem": value.problem, "remedy": value.remedy}


def _hex(oid: ObjectId | None) -> str | None:
    return None if oid is None else oid.hex()


def _iso(time: int) -> str | None:
    try:
        found = _EPOCH + timedelta(microseconds=time)
    except OverflowError:  # a commit whose clock was set to a year that does not exist
        return None
    return found.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def model(value: ModelReport) -> Document:
    """A fitted model; ``null`` for a score that was not finite."""
    return {
        "id": value.id,
        "name": value.name,
        "kind": value.kind,
        "parameters": value.parameters,
        "trained_on": [_training_table(each) for each in value.trained_on],
        "rows": value.rows,
        "features": [_model_column(each) for each in value.features],
        "targets": [_model_column(each) for each in value.targets],
        "scores": [
            {"metric": each.metric, "value": each.value, "on": list(each.on), "place": asdict(each.place)}
            for each in value.scores
        ],
        "stale": list(value.stale),
        "current": value.current,
        "opaque": value.opaque,
        "place": asdict(value.place),
    }


def _training_table(value: TrainingTable) -> Document:
    return {
        "frame": value.frame,
        "table": _hex(value.table),
        "description": _hex(value.description),
        "commit": _hex(value.commit),
        "rows": value.rows,
    }


def _model_column(value: ModelColumn) -> Document:
    return {"name": value.name, "sources": [asdict(each) for each in value.sources]}


def impact(value: ImpactReport) -> Document:
    """What hangs on a dataset or a column; ``touched.rows`` is null where it cannot be told, and ``why`` says why."""
    return {
        "dataset": value.dataset,
        "column": value.column,
        "table": _hex(value.table),
        "frames": [_affected_frame(each) for each in value.frames],
        "columns": [_affected_frame(each) for each in value.columns],
        "models": [
            {
                "model": model(each.model),
                "features": list(each.features),
                "evidence": each.evidence,
                "touched": _touched(each.touched),
            }
            for each in value.models
        ],
    }


def _affected_frame(value: AffectedFrame) -> Document:
    return {**asdict(value), "stale": list(value.stale)}


def _touched(value: Touched) -> Document:
    return {**asdict(value), "before": _hex(value.before), "after": _hex(value.after)}
