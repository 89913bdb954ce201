"""Reads commits and walks the history. Writing is in `publish`."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.engine import MAX_PARAMETERS, batches, holds, select_in
from lineageflow_jupyter.catalog.graph import Graph, KnownCommits
from lineageflow_jupyter.catalog.names import is_text
from lineageflow_jupyter.catalog.schema import commit_datasets, commit_texts, commits
from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id, short
from lineageflow_jupyter.model.objects import decode_commit
from lineageflow_jupyter.model.records import CommitRecord, LogFilter

FIRST_BATCH = 32
"""How many commits the first query of a filter looks at; each next one at twice as many."""

NEAR = 1500
"""After so many commits a filter asks once for all that match, anywhere: cheaper than going on to look each one up, and
it tells where the walk may end."""

_RECORDS = sa.select(commits.c.id, commits.c.generation, commits.c.data)
_DATASETS = sa.select(commit_datasets.c.commit_id, commit_datasets.c.dataset)


def folded(text: str) -> str:
    """Text as `commit_texts` keeps it: without case, and without the one character that not every database can hold."""
    return text.casefold().replace("\0", "\ufffd")


def read_commits(connection: Connection, ids: Sequence[ObjectId]) -> Iterator[CommitRecord]:
    """Yield the records of those of `ids` that exist, in that order.

    Raises
    ------
    CorruptData
        If a stored commit is not the one that its id stands for.
    """
    for batch in batches(ids):
        rows = {row[0]: row for row in select_in(connection, _RECORDS, commits.c.id, set(batch))}
        datasets = defaultdict(list)
        for commit_id, dataset in select_in(connection, _DATASETS, commit_datasets.c.commit_id, rows):
            datasets[commit_id].append(dataset)
        for oid in batch:
            if oid in rows:
                _, generation, data = rows[oid]
                yield _record(oid, generation, data, datasets[oid])


def _record(oid: ObjectId, generation: int, data: bytes, datasets: list[str]) -> CommitRecord:
    if object_id(Kind.COMMIT, [data]) != oid:
        raise CorruptData(
            f"the catalog's copy of commit {short(oid)} is damaged",
            remedy="Restore the catalog from a backup, or recover it from the object store",
        )
    return CommitRecord(oid, decode_commit(data), generation, tuple(sorted(datasets)))


def read_log(
    connection: Connection,
    known: KnownCommits,
    starts: Collection[ObjectId],
    *,
    exclude: Collection[ObjectId],
    wanted: LogFilter,
    skip: int,
    limit: int | None,
) -> tuple[CommitRecord, ...]:
    """Return what `Catalog.log` promises."""
    graph = Graph(connection, known, (*starts, *exclude))
    ids = walk(graph, starts, exclude)
    if wanted.since is not None or wanted.until is not None:
        ids = _made_between(connection, graph, ids, wanted.since, wanted.until)
    for query in _queries(wanted):
        ids = _found_by(connection, graph, query, ids)
    stop = None if limit is None else skip + limit
    return tuple(read_commits(connection, list(islice(ids, skip, stop))))


def walk(graph: Graph, starts: Collection[ObjectId], exclude: Collection[ObjectId]) -> Iterator[ObjectId]:
    """Ids of all commits reachable from `starts` and not from `exclude`, in the order of the log.

    A commit may be given once all its children were. Generations tell when all of them have been seen without walking
    to the root: a child's generation is greater than its parent's. So two walks run at once, as in Git's
    ``--topo-order`` with a commit-graph: one by generation, just far enough ahead, that counts children and spreads
    what is excluded; one by time.
    """
    children: defaultdict[ObjectId, int] = defaultdict(int)
    hidden = set(exclude)
    seen = {*starts, *exclude}
    ahead = [(-graph.place(oid)[0], oid) for oid in seen]
    heapq.heapify(ahead)

    def look_ahead_above(generation: int) -> None:
        while ahead and -ahead[0][0] > generation:
            _, oid = heapq.heappop(ahead)
            out = oid in hidden
            for parent in graph.parents(oid):
                if out:
                    hidden.add(parent)
                else:
                    children[parent] += 1
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(ahead, (-graph.place(parent)[0], parent))

    look_ahead_above(min((graph.place(oid)[0] for oid in starts), default=0))
    ready = [(-graph.place(oid)[1], oid) for oid in set(starts) if not children[oid] and oid not in hidden]
    heapq.heapify(ready)
    while ready:
        _, oid = heapq.heappop(ready)
        if graph.place(oid)[0] < graph.floor:
            continue
        yield oid
        for parent in graph.parents(oid):
            generation, time = graph.place(parent)
            if generation < graph.floor:
                continue
            look_ahead_above(generation)
            children[parent] -= 1
            if not children[parent] and parent not in hidden:
                heapq.heappush(ready, (-time, parent))


def _made_between(
    connection: Connection, graph: Graph, ids: Iterable[ObjectId], since: int | None, until: int | None
) -> Iterator[ObjectId]:
    """Those of `ids` made in that time. Clocks may be wrong: an older commit does not mean that all before it are."""
    for number, oid in enumerate(ids):
        if number == NEAR and not _raise_floor(graph, connection.execute(_earliest(since, until)).scalar()):
            return
        _, time = graph.place(oid)
        if (since is None or time >= since) and (until is None or time < until):
            yield oid


def _earliest(since: int | None, until: int | None) -> sa.Select[Any]:
    """Query for the least generation of commits made in that time."""
    query = sa.select(sa.func.min(commits.c.generation))
    if since is not None:
        query = query.where(commits.c.time >= since)
    return query if until is None else query.where(commits.c.time < until)


def _raise_floor(graph: Graph, generation: int | None) -> bool:
    """Have the walk end at the least generation that can be wanted; False where there is none."""
    if generation is None:
        return False
    graph.floor = max(graph.floor, generation)
    return True


def _queries(wanted: LogFilter) -> Iterator[sa.Select[Any]]:
    """Queries for the ids of commits that are wanted, the cheapest first."""
    if wanted.dataset is not None:
        # No commit has a dataset whose name is no text.
        name = commit_datasets.c.dataset == wanted.dataset if is_text(wanted.dataset) else sa.false()
        yield sa.select(commit_datasets.c.commit_id).where(name)
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.author is not None:
        conditions.append(_has(commit_texts.c.author, wanted.author) | _has(commit_texts.c.email, wanted.author))
    if wanted.text is not None:
        conditions.append(_has(commit_texts.c.message, wanted.text))
    if conditions:
        yield sa.select(commit_texts.c.commit_id).where(*conditions)


def _has(column: sa.Column[str], text: str) -> sa.ColumnElement[bool]:
    part = folded(text)
    return holds(column, sa.literal(part)) if is_text(part) else sa.false()


def _found_by(
    connection: Connection, graph: Graph, query: sa.Select[Any], ids: Iterable[ObjectId]
) -> Iterator[ObjectId]:
    """Those of `ids` that a query of `_queries` gives, in the same order."""
    source, size, seen = iter(ids), FIRST_BATCH, 0
    (column,) = query.selected_columns
    among = query.where(column.in_(sa.bindparam("ids", expanding=True)))
    while seen < NEAR:
        batch = list(islice(source, size))
        if not batch:
            return
        found: set[bytes] = set(connection.execute(among, {"ids": sorted(batch)}).scalars().all())
        yield from (oid for oid in batch if oid in found)
        seen += len(batch)
        size = min(2 * size, MAX_PARAMETERS)
    with_generations = query.add_columns(commits.c.generation).where(commits.c.id == column)
    everywhere: dict[bytes, int] = {row[0]: row[1] for row in connection.execute(with_generations)}
    if _raise_floor(graph, min(everywhere.values(), default=None)):
        yield from (oid for oid in source if oid in everywhere)
