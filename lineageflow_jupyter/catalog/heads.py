"""Workspaces and their HEADs. Steps of transactions that `sql` and `publish` run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.engine import batches, insert, insert_rows
from lineageflow_jupyter.catalog.names import check_text, is_text
from lineageflow_jupyter.catalog.schema import bases, workspaces
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import Head, HeadChange, WorkspaceName, WorkspaceRecord


def _upsert_bases() -> sa.Insert:
    statement = insert(bases)
    return statement.on_conflict_do_update(
        index_elements=[bases.c.workspace, bases.c.dataset], set_={"commit_id": statement.excluded.commit_id}
    )


_UPSERT_BASES = _upsert_bases()
_INSERT_WORKSPACE = insert(workspaces).on_conflict_do_nothing(index_elements=[workspaces.c.name])
_WORKSPACE = sa.select(workspaces.c.name, workspaces.c.branch).where(workspaces.c.id == sa.bindparam("workspace"))
_BASES = sa.select(bases.c.dataset, bases.c.commit_id).where(bases.c.workspace == sa.bindparam("workspace"))


def name_to_json(name: WorkspaceName) -> str:
    """Text that stands for a workspace's name in its row."""
    return json.dumps([name.user, name.host, name.path])


def find_head(connection: Connection, name: str) -> Head | None:
    """HEAD of the workspace of that name (as `name_to_json` gives it), or None."""
    row = connection.execute(
        sa.select(workspaces.c.id, workspaces.c.branch).where(workspaces.c.name == name)
    ).one_or_none()
    return None if row is None else Head(row[0], row[1], _read_bases(connection, row[0]))


def add_workspace(connection: Connection, workspace: str, name: str, branch: str) -> None:
    """Add a workspace, unless there is one of that name."""
    connection.execute(_INSERT_WORKSPACE, {"id": workspace, "name": name, "branch": branch})


def note_opening(connection: Connection, workspace: str, process: str, time: int) -> None:
    """Remember who opened a workspace, and when."""
    connection.execute(sa.update(workspaces).where(workspaces.c.id == workspace).values(process=process, opened=time))


def read_workspace(connection: Connection, name: str) -> WorkspaceRecord | None:
    """Workspace of that name (as `name_to_json` gives it), or None."""
    row = connection.execute(sa.select(workspaces).where(workspaces.c.name == name)).one_or_none()
    return None if row is None else _workspace_record(row)


def read_workspaces(connection: Connection) -> tuple[WorkspaceRecord, ...]:
    """Return what `Catalog.workspaces` promises."""
    rows = connection.execute(
        sa.select(workspaces).order_by(workspaces.c.opened.desc().nulls_last(), workspaces.c.name)
    )
    return tuple(map(_workspace_record, rows))


def _workspace_record(row: sa.Row[Any]) -> WorkspaceRecord:
    return WorkspaceRecord(row.id, WorkspaceName(*json.loads(row.name)), row.branch, row.process, row.opened)


def branch_of(connection: Connection, workspace: str) -> str | None:
    """Branch of the workspace with that id, or None if there is no such workspace."""
    row = connection.execute(_WORKSPACE, {"workspace": workspace}).one_or_none()
    return None if row is None else row.branch


def store_head(connection: Connection, head: Head, known: Head | None = None) -> tuple[HeadChange, list[str]]:
    """Store HEAD of a workspace, writing only bases that changed.

    Parameters
    ----------
    connection : Connection
        Connection in the transaction.
    head : Head
        HEAD from now on.
    known : Head, optional
        HEAD as the process that moves it knew it; as it is stored by default.

    Returns
    -------
    HeadChange, list of str
        How it moved: from what was known, in all that is not as it was known or stored; user, host and path of the
        workspace.

    Raises
    ------
    UnknownName
        If there is no such workspace.
    """
    check_text(head.branch)
    name, branch = _workspace(connection, head.workspace)
    if branch != head.branch:
        connection.execute(sa.update(workspaces).where(workspaces.c.id == head.workspace).values(branch=head.branch))
    stored = _read_bases(connection, head.workspace)
    changed = _changes(stored, head.bases)
    for dataset in changed:
        check_text(dataset)
    for batch in batches(dataset for dataset, (_, after) in changed.items() if after is None):
        own = bases.c.workspace == head.workspace
        connection.execute(sa.delete(bases).where(own, bases.c.dataset.in_(batch)))
    kept = [(head.workspace, dataset, after) for dataset, (_, after) in changed.items() if after is not None]
    insert_rows(connection, _UPSERT_BASES, kept)
    if known is not None:
        told = {dataset: (known.bases.get(dataset), after) for dataset, (_, after) in changed.items()}
        branch, changed = known.branch, {**told, **_changes(known.bases, head.bases)}
    return HeadChange(branch, head.branch, dict(sorted(changed.items()))), list(json.loads(name))


def _changes(
    before: Mapping[str, ObjectId], after: Mapping[str, ObjectId]
) -> dict[str, tuple[ObjectId | None, ObjectId | None]]:
    pairs = {dataset: (before.get(dataset), after.get(dataset)) for dataset in (*before, *after)}
    return {dataset: pair for dataset, pair in pairs.items() if pair[0] != pair[1]}


def adopt_head(connection: Connection, workspace: str, source: str) -> Head:
    """Return what `Catalog.adopt` promises."""
    _, branch = _workspace(connection, source)
    head = Head(workspace, branch, _read_bases(connection, source))
    store_head(connection, head)
    return head


def follow_rename(connection: Connection, old: str, new: str) -> None:
    """Put all HEADs that are on the branch `old` on `new`."""
    connection.execute(sa.update(workspaces).where(workspaces.c.branch == old).values(branch=new))


def _workspace(connection: Connection, workspace: str) -> tuple[str, str]:
    row = connection.execute(_WORKSPACE, {"workspace": workspace}).one_or_none() if is_text(workspace) else None
    if row is None:
        raise UnknownName(f"there is no workspace {workspace!r}", remedy="Open the repository again")
    return row.name, row.branch


def _read_bases(connection: Connection, workspace: str) -> Mapping[str, ObjectId]:
    rows = connection.execute(_BASES, {"workspace": workspace})
    return {dataset: ObjectId(commit) for dataset, commit in sorted(rows)}
