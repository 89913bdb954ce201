"""Reads commits and walks the history. Writing is in `publish`."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.engine import batches, select_in
from lineageflow_jupyter.catalog.schema import commit_datasets, commit_parents, commits
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id, short
from lineageflow_jupyter.model.objects import decode_commit
from lineageflow_jupyter.model.records import CommitRecord

FIRST_STEPS, MOST_STEPS = 32, 128
"""How many steps of ancestors one query fetches: few at first, since most logs are short."""

_RECORDS = sa.select(commits.c.id, commits.c.generation, commits.c.data)
_DATASETS = sa.select(commit_datasets.c.commit_id, commit_datasets.c.dataset)


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
    connection: Connection, start: ObjectId, *, dataset: str | None, limit: int | None
) -> tuple[CommitRecord, ...]:
    """Return what `Catalog.log` promises."""
    ids: Iterator[ObjectId] = walk(connection, start)
    if dataset is not None:
        ids = _changing(connection, ids, dataset)
    return tuple(read_commits(connection, list(islice(ids, limit))))


def _changing(connection: Connection, ids: Iterable[ObjectId], dataset: str) -> Iterator[ObjectId]:
    """Those of `ids` that changed `dataset`, in the same order."""
    source = iter(ids)
    while batch := list(islice(source, MOST_STEPS)):
        rows = connection.execute(
            sa.select(commit_datasets.c.commit_id).where(
                commit_datasets.c.commit_id.in_(batch), commit_datasets.c.dataset == dataset
            )
        )
        changed = {row[0] for row in rows}
        yield from (oid for oid in batch if oid in changed)


def walk(connection: Connection, start: ObjectId) -> Iterator[ObjectId]:
    """Ids of all commits reachable from `start`: children before parents, newest first among the unordered.

    A commit may be given once all its children were. Generations tell when all of them have been seen without walking
    to the root: a child's generation is greater than its parent's. So two walks run at once, as in Git's
    ``--topo-order`` with a commit-graph: one by generation, just far enough ahead, that counts children; one by time.

    Raises
    ------
    ObjectMissing
        If there is no commit `start`.
    CorruptData
        If a commit's parent is missing.
    """
    history = _History(connection)
    children: defaultdict[ObjectId, int] = defaultdict(int)
    ahead = [(-history.node(start).generation, start)]
    seen = {start}

    def count_children_above(generation: int) -> None:
        while ahead and -ahead[0][0] > generation:
            _, oid = heapq.heappop(ahead)
            for parent in history.node(oid).parents:
                children[parent] += 1
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(ahead, (-history.node(parent).generation, parent))

    ready = [(-history.node(start).time, start)]
    while ready:
        _, oid = heapq.heappop(ready)
        yield oid
        for parent in history.node(oid).parents:
            node = history.node(parent)
            count_children_above(node.generation)
            children[parent] -= 1
            if children[parent] == 0:
                heapq.heappush(ready, (-node.time, parent))


class _Node(NamedTuple):
    generation: int
    time: int
    parents: tuple[ObjectId, ...]


class _History:
    """Edges of the history, fetched many at a time as a walk gets to them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._nodes: dict[ObjectId, _Node] = {}
        self._steps = FIRST_STEPS

    def node(self, oid: ObjectId) -> _Node:
        if oid not in self._nodes:
            self._fetch(oid)
            self._steps = min(2 * self._steps, MOST_STEPS)
        return self._nodes[oid]

    def _fetch(self, oid: ObjectId) -> None:
        found: dict[ObjectId, tuple[int, int, dict[int, ObjectId]]] = {}
        for commit_id, generation, time, position, parent in self._connection.execute(
            _ANCESTORS, {"start": oid, "steps": self._steps}
        ):
            parents = found.setdefault(commit_id, (generation, time, {}))[2]
            if parent is not None:
                parents[position] = parent
        if oid not in found:
            if not self._nodes:
                raise ObjectMissing(f"there is no commit {short(oid)}", remedy="See the log for commits that exist")
            raise CorruptData(
                f"the history names a commit {short(oid)} that the catalog does not hold",
                remedy="Restore the catalog from a backup, or recover it from the object store",
            )
        for commit_id, (generation, time, edges) in found.items():
            self._nodes[commit_id] = _Node(generation, time, tuple(edges[position] for position in sorted(edges)))


def _ancestors() -> sa.Select[Any]:
    near = sa.select(
        sa.bindparam("start", type_=sa.LargeBinary).label("id"), sa.literal_column("0").label("steps")
    ).cte("near", recursive=True)
    near = near.union(
        sa.select(commit_parents.c.parent_id, near.c.steps + 1)
        .join_from(near, commit_parents, commit_parents.c.commit_id == near.c.id)
        .where(near.c.steps < sa.bindparam("steps", type_=sa.Integer))
    )
    reached = sa.select(near.c.id).distinct().subquery("reached")
    return (
        sa.select(
            commits.c.id, commits.c.generation, commits.c.time, commit_parents.c.position, commit_parents.c.parent_id
        )
        .join_from(reached, commits, commits.c.id == reached.c.id)
        .outerjoin(commit_parents, commit_parents.c.commit_id == commits.c.id)
    )


_ANCESTORS = _ancestors()
"""Commits within ``:steps`` steps of ``:start``, a row for each parent."""
