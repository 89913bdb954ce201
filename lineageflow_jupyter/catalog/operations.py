"""The operation log and the reflogs that follow from it. Written with each publication, read from either end."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from lineageflow_jupyter.catalog.engine import batches, insert_rows
from lineageflow_jupyter.catalog.journal import (
    head_from_json,
    head_to_json,
    journal_entry,
    refs_from_json,
    refs_to_json,
    renamed_from_json,
    renamed_to_json,
    to_json,
)
from lineageflow_jupyter.catalog.schema import operations, outbox, reflog, refs
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import HeadChange, Move, Operation, Publication, RefChange

HEAD = "HEAD"
"""Name of HEADs in the reflog. A ref of that name would have its own lines: they belong to no workspace."""

_FIND_OPERATION = sa.select(operations).where(operations.c.operation == sa.bindparam("id"))
_INSERT_OPERATION = sa.insert(operations)
_INSERT_OUTBOX = sa.insert(outbox)
_INSERT_MOVES = sa.insert(reflog)
_LAST_MOVES = (
    sa.select(reflog.c.name, sa.func.max(reflog.c.sequence))
    .where(reflog.c.workspace == "", reflog.c.name.in_(sa.bindparam("names", expanding=True)))
    .group_by(reflog.c.name)
)
_BRANCH_TIP = sa.select(refs.c.commit_id).where(refs.c.name == sa.bindparam("branch"), refs.c.kind == "branch")


def find_operation(connection: Connection, operation: str) -> Operation | None:
    """Operation of that unique id, or None."""
    row = connection.execute(_FIND_OPERATION, {"id": operation}).one_or_none()
    return None if row is None else _operation(row)


def read_operations(connection: Connection, *, after: int, limit: int | None) -> tuple[Operation, ...]:
    """Return what `Catalog.operations` promises."""
    rows = sa.select(operations).where(operations.c.sequence > after).order_by(operations.c.sequence).limit(limit)
    return tuple(map(_operation, connection.execute(rows)))


def read_last_operations(
    connection: Connection, workspace: str | None, *, before: int | None, limit: int | None
) -> tuple[Operation, ...]:
    """Return what `Catalog.last_operations` promises."""
    rows = sa.select(operations)
    if workspace is not None:
        rows = rows.where(operations.c.workspace == workspace)
    if before is not None:
        rows = rows.where(operations.c.sequence < before)
    return tuple(map(_operation, connection.execute(rows.order_by(operations.c.sequence.desc()).limit(limit))))


def read_reflog(
    connection: Connection, name: str, workspace: str, *, until: int | None, skip: int, limit: int | None
) -> tuple[Move, ...]:
    """Return what `Catalog.reflog` promises."""
    rows = sa.select(reflog.c.before, reflog.c.after, reflog.c.branch, *operations.c).join_from(
        reflog, operations, operations.c.sequence == reflog.c.sequence
    )
    rows = rows.where(reflog.c.name == name, reflog.c.workspace == workspace)
    if until is not None:
        rows = rows.where(reflog.c.time <= until)
    rows = rows.order_by(reflog.c.sequence.desc()).limit(limit).offset(skip)
    moves = []
    for before, after, branch, *row in connection.execute(rows):
        operation = _operation(row)
        moves.append(Move(operation.sequence, before, after, branch, operation))
    return tuple(moves)


def read_last_moves(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Return what `Catalog.last_moves` promises."""
    found: dict[str, int] = {}
    for batch in batches(sorted(names)):
        found.update((name, sequence) for name, sequence in connection.execute(_LAST_MOVES, {"names": batch}))
    return found


def _operation(row: Row[Any] | Sequence[Any]) -> Operation:
    sequence, operation, verb, workspace, time, changes, detail, head, renamed = tuple(row)
    return Operation(
        sequence,
        operation,
        verb,
        workspace,
        time,
        refs_from_json(changes),
        json.loads(detail),
        head_from_json(head),
        renamed_from_json(renamed),
    )


def append(
    connection: Connection,
    publication: Publication,
    changes: tuple[RefChange, ...],
    head: HeadChange | None,
    *,
    catalog: str,
    workspace_name: Sequence[str] | None,
) -> Operation:
    """Add an operation to the log and its journal entry to the outbox.

    Parameters
    ----------
    connection : Connection
        Connection in a transaction.
    publication : Publication
        What is recorded.
    changes : tuple of RefChange
        Its ref changes, complete.
    head : HeadChange, optional
        How it moved HEAD.
    catalog : str
        Identity of the catalog.
    workspace_name : sequence of str, optional
        User, host and path of the workspace.
    """
    detail = to_json(publication.detail)
    result = connection.execute(
        _INSERT_OPERATION,
        {
            "operation": publication.operation,
            "verb": publication.verb,
            "workspace": publication.workspace,
            "time": publication.time,
            "refs": refs_to_json(changes),
            "detail": detail,
            "head": head_to_json(head),
            "renamed": renamed_to_json(publication.renamed),
        },
    )
    key = result.inserted_primary_key
    operation = Operation(
        int(key[0]) if key is not None else 0,
        publication.operation,
        publication.verb,
        publication.workspace,
        publication.time,
        changes,
        json.loads(detail),
        head,
        publication.renamed,
    )
    entry = journal_entry(publication, operation, catalog=catalog, workspace_name=workspace_name)
    connection.execute(_INSERT_OUTBOX, {"sequence": entry.sequence, "key": entry.key, "data": entry.data})
    return operation


def log_moves(connection: Connection, operation: Operation, *, branches: tuple[str, str] | None) -> None:
    """Add to the reflogs what an operation moved.

    Parameters
    ----------
    connection : Connection
        Connection in the transaction, in which the refs are moved already.
    operation : Operation
        The operation.
    branches : (str, str), optional
        Branch of its workspace's HEAD before and after; None without a workspace.
    """
    moves: list[tuple[str, str, ObjectId | None, ObjectId | None, str]] = [
        (change.name, "", change.before, change.after, "") for change in operation.refs if change.before != change.after
    ]
    if branches is not None:
        old, new = branches
        moved = {change.name for change in operation.refs if change.kind == "branch" and change.before != change.after}
        if old != new or new in moved:
            before, _ = _tips(connection, operation.refs, old)
            _, after = _tips(connection, operation.refs, new)
            moves.append((HEAD, operation.workspace, before, after, new))
    insert_rows(
        connection,
        _INSERT_MOVES,
        [
            (name, workspace, operation.sequence, operation.time, before, after, branch)
            for name, workspace, before, after, branch in moves
        ],
    )


def _tips(connection: Connection, changes: Iterable[RefChange], branch: str) -> tuple[ObjectId | None, ObjectId | None]:
    """Where a branch pointed before these changes, and where it points now."""
    for change in changes:
        if (change.name, change.kind) == (branch, "branch"):
            return change.before, change.after
    tip: ObjectId | None = connection.execute(_BRANCH_TIP, {"branch": branch}).scalar()
    return tip, tip
