"""Cell runs: recorded, amended, looked up, and gathered for the journal. Steps of transactions that `sql` runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.cell_journal import (
    environment_from_json,
    environment_to_json,
    run_batch,
    run_from_json,
    run_to_json,
    spelled,
    unspelled,
)
from lineageflow_jupyter.catalog.engine import insert, insert_rows, select_in
from lineageflow_jupyter.catalog.schema import cell_outbox, cell_runs, cell_tables, environments, meta
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.model.cells import CellRun, Environment, External, FrameState, FrameWrite, RunFilter, TableUse
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import RunBatch

# Where writers run side by side, one that got the smaller number could commit later, and whoever follows the log by
# number would never see it. SQLite has one writer at a time anyway, and leaves the lock out.
_LOCK_LOG = sa.select(meta.c.value).where(meta.c.name == "uuid").with_for_update()
_RUN = sa.select(cell_runs.c.sequence, cell_runs.c.version, cell_runs.c.data).where(
    cell_runs.c.run == sa.bindparam("id")
)
_LOCK_RUN = _RUN.with_for_update()
_RUNS = sa.select(cell_runs.c.sequence, cell_runs.c.data)
# A run may have met a dataset in several ways: its rows are one group. They come in the order of the index on datasets,
# so that a page of the runs of a popular dataset reads no more than that page.
_RUNS_OF_DATASET = (
    sa.select(cell_tables.c.sequence, sa.func.min(cell_runs.c.data))
    .join_from(cell_tables, cell_runs, cell_runs.c.sequence == cell_tables.c.sequence)
    .group_by(cell_tables.c.sequence)
)
_INSERT_RUN = sa.insert(cell_runs)
_UPDATE_RUN = sa.update(cell_runs).where(cell_runs.c.sequence == sa.bindparam("place"))
_DELETE_TABLES = sa.delete(cell_tables).where(cell_tables.c.sequence == sa.bindparam("place"))
_INSERT_TABLES = sa.insert(cell_tables)
_USES = sa.select(
    cell_tables.c.table_id, cell_tables.c.sequence, cell_runs.c.run, cell_tables.c.dataset, cell_tables.c.use
).join_from(cell_tables, cell_runs, cell_runs.c.sequence == cell_tables.c.sequence)
_INSERT_ENVIRONMENT = insert(environments).on_conflict_do_nothing(index_elements=[environments.c.id])
_ENVIRONMENT = sa.select(environments.c.data).where(environments.c.id == sa.bindparam("id"))
_PENDING_RUNS = (
    sa.select(cell_outbox.c.sequence, cell_outbox.c.version, cell_runs.c.data)
    .join_from(cell_outbox, cell_runs, cell_runs.c.sequence == cell_outbox.c.sequence)
    .order_by(cell_outbox.c.sequence)
    .limit(sa.bindparam("most"))
)
_PENDING_ENVIRONMENTS = (
    sa.select(environments.c.id, environments.c.data).where(environments.c.journaled == 0).order_by(environments.c.id)
)
_FLUSHED_RUN = sa.delete(cell_outbox).where(
    cell_outbox.c.sequence == sa.bindparam("place"), cell_outbox.c.version == sa.bindparam("written")
)
_FLUSHED_ENVIRONMENT = sa.update(environments).where(environments.c.id == sa.bindparam("written")).values(journaled=1)


def _owe() -> sa.Insert:
    statement = insert(cell_outbox)
    return statement.on_conflict_do_update(
        index_elements=[cell_outbox.c.sequence], set_={"version": statement.excluded.version}
    )


_OWE_TO_JOURNAL = _owe()


def record_run(connection: Connection, run: CellRun) -> int:
    """Return what `Catalog.record_run` promises."""
    connection.execute(_LOCK_LOG)
    found = connection.execute(_RUN, {"id": run.run}).one_or_none()
    if found is not None:
        return int(found.sequence)
    row = {
        "run": run.run,
        "workspace": spelled(run.workspace),
        "notebook": spelled(run.notebook),
        "cell": spelled(run.cell),
        "number": run.number,
        "version": 1,
        "data": run_to_json(run),
    }
    key = connection.execute(_INSERT_RUN, row).inserted_primary_key
    sequence = int(key[0]) if key is not None else 0
    insert_rows(connection, _INSERT_TABLES, list(_table_rows(run, sequence)))
    connection.execute(_OWE_TO_JOURNAL, {"sequence": sequence, "version": 1})
    return sequence


def amend_run(
    connection: Connection,
    run: str,
    *,
    reads: Sequence[FrameState] | None,
    writes: Sequence[FrameWrite] | None,
    external: Sequence[External] | None,
    environment: str | None,
) -> CellRun:
    """Return what `Catalog.amend_run` promises."""
    found = connection.execute(_LOCK_RUN, {"id": run}).one_or_none()
    if found is None:
        raise UnknownName(f"there is no cell run {run!r}", remedy="Record it first")
    before = run_from_json(found.data, found.sequence)
    after = replace(
        before,
        reads=before.reads if reads is None else tuple(reads),
        writes=before.writes if writes is None else tuple(writes),
        external=before.external if external is None else tuple(external),
        environment=before.environment if environment is None else environment,
    )
    if after == before:
        return before
    place, version = found.sequence, found.version + 1
    connection.execute(_UPDATE_RUN, {"place": place, "version": version, "data": run_to_json(after)})
    if (after.reads, after.writes) != (before.reads, before.writes):
        connection.execute(_DELETE_TABLES, {"place": place})
        insert_rows(connection, _INSERT_TABLES, list(_table_rows(after, place)))
    connection.execute(_OWE_TO_JOURNAL, {"sequence": place, "version": version})
    return after


def _table_rows(run: CellRun, sequence: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `cell_tables`, in the order of its columns."""
    states = [("read", state) for state in run.reads]
    for write in run.writes:
        states += [(use, state) for use, state in (("before", write.before), ("after", write.after)) if state]
    for position, (use, state) in enumerate(states):
        yield sequence, position, use, spelled(state.dataset), state.table


def read_run(connection: Connection, run: str) -> CellRun | None:
    """Cell run of that id, or None."""
    found = connection.execute(_RUN, {"id": run}).one_or_none()
    return None if found is None else run_from_json(found.data, found.sequence)


def read_runs_by_id(connection: Connection, ids: Collection[str]) -> dict[str, CellRun]:
    """Return what `Catalog.runs_by_id` promises."""
    runs = (run_from_json(data, sequence) for sequence, data in select_in(connection, _RUNS, cell_runs.c.run, set(ids)))
    return {run.run: run for run in runs}


def read_runs(connection: Connection, wanted: RunFilter, *, after: int, limit: int | None) -> tuple[CellRun, ...]:
    """Return what `Catalog.runs` promises."""
    query, place = _wanted(wanted)
    return _found(connection, query.where(place > after).order_by(place).limit(limit))


def read_last_runs(
    connection: Connection, wanted: RunFilter, *, before: int | None, limit: int | None, edges: bool
) -> tuple[CellRun, ...]:
    """Return what `Catalog.last_runs` promises."""
    query, place = _wanted(wanted)
    if before is not None:
        query = query.where(place < before)
    return _found(connection, query.order_by(place.desc()).limit(limit), edges=edges)


def _found(connection: Connection, query: sa.Select[Any], *, edges: bool = True) -> tuple[CellRun, ...]:
    return tuple(run_from_json(data, sequence, edges=edges) for sequence, data in connection.execute(query))


def _wanted(wanted: RunFilter) -> tuple[sa.Select[Any], sa.Column[int]]:
    """Query for the runs that are wanted, and its column to order them by, which an index gives them in."""
    query, place = _RUNS, cell_runs.c.sequence
    if wanted.dataset is not None:
        query, place = _RUNS_OF_DATASET, cell_tables.c.sequence
        query = query.where(cell_tables.c.dataset == spelled(wanted.dataset))
        if wanted.written:
            query = query.where(cell_tables.c.use != "read")
    for column, value in (
        (cell_runs.c.workspace, wanted.workspace),
        (cell_runs.c.notebook, wanted.notebook),
        (cell_runs.c.cell, wanted.cell),
    ):
        if value is not None:
            query = query.where(column == spelled(value))
    if wanted.number is not None:
        query = query.where(cell_runs.c.number == wanted.number)
    return query, place


def read_runs_with_prefix(connection: Connection, prefix: str, limit: int) -> tuple[str, ...]:
    """Return what `Catalog.runs_with_prefix` promises, of hexadecimal digits."""
    ids = sa.select(cell_runs.c.run).where(cell_runs.c.run >= prefix, cell_runs.c.run < f"{prefix}g")
    return tuple(connection.execute(ids.order_by(cell_runs.c.run).limit(limit)).scalars())


def read_uses(connection: Connection, tables: Collection[ObjectId]) -> Mapping[ObjectId, tuple[TableUse, ...]]:
    """Return what `Catalog.runs_of_tables` promises."""
    found: defaultdict[ObjectId, list[TableUse]] = defaultdict(list)
    for table, sequence, run, dataset, use in select_in(connection, _USES, cell_tables.c.table_id, set(tables)):
        found[table].append(TableUse(sequence, run, unspelled(dataset), use))
    return {table: tuple(sorted(uses, key=lambda use: use.sequence)) for table, uses in found.items()}


def record_environment(connection: Connection, environment: Environment) -> None:
    """Remember an environment, unless it is known already."""
    row = {"id": environment.id, "data": environment_to_json(environment), "journaled": 0}
    connection.execute(_INSERT_ENVIRONMENT, row)


def read_environment(connection: Connection, environment: str) -> Environment | None:
    """Environment of that id, or None."""
    text = connection.execute(_ENVIRONMENT, {"id": environment}).scalar()
    return None if text is None else environment_from_json(text)


def read_pending(connection: Connection, limit: int, *, catalog: str) -> RunBatch | None:
    """Return what `Catalog.pending_runs` promises."""
    runs = [(row.sequence, row.version, row.data) for row in connection.execute(_PENDING_RUNS, {"most": limit})]
    pending = [(row.id, row.data) for row in connection.execute(_PENDING_ENVIRONMENTS)]
    return run_batch(runs, pending, catalog=catalog) if runs or pending else None


def mark_flushed(connection: Connection, batch: RunBatch) -> None:
    """Note that the runs, in these versions, and environments of a batch are in the journal."""
    if batch.runs:
        connection.execute(_FLUSHED_RUN, [{"place": sequence, "written": version} for sequence, version in batch.runs])
    if batch.environments:
        connection.execute(_FLUSHED_ENVIRONMENT, [{"written": environment} for environment in batch.environments])
