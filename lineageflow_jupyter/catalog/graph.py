"""The graph of commits, read as far as a walk gets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.engine import select_in, select_rows
from lineageflow_jupyter.catalog.schema import commit_parents, commits
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import ObjectId, short

FIRST_SPAN = 32
"""How many generations the first query fetches: few, since most logs are short. Each next one fetches twice as many."""

KNOWN_COMMITS = 100_000
"""About so many commits are remembered between walks; they take some 35 MB."""

_PLACES = sa.select(commits.c.id, commits.c.generation, commits.c.time)
_EDGES = (
    sa.select(commits.c.id, commits.c.generation, commits.c.time, commit_parents.c.parent_id)
    .outerjoin_from(commits, commit_parents, commit_parents.c.commit_id == commits.c.id)
    .where(commits.c.generation.between(sa.bindparam("bottom"), sa.bindparam("top")))
)


def _line() -> sa.Select[Any]:
    """Query for how far first parents lead back from a commit: the last one, and the number of steps to it."""
    start = sa.select(commits.c.id, sa.literal_column("0", sa.Integer).label("step")).where(
        commits.c.id == sa.bindparam("start")
    )
    line = start.cte("line", recursive=True)
    line = line.union_all(
        sa.select(commit_parents.c.parent_id, line.c.step + 1)
        .join_from(line, commit_parents, commit_parents.c.commit_id == line.c.id)
        .where(commit_parents.c.position == 0, line.c.step < sa.bindparam("steps"))
    )
    return sa.select(line.c.id, line.c.step).order_by(line.c.step.desc()).limit(1)


_LINE = _line()


def first_ancestor(connection: Connection, oid: ObjectId, steps: int) -> tuple[ObjectId, int]:
    """Return what `Catalog.ancestor` promises."""
    row = connection.execute(_LINE, {"start": oid, "steps": steps}).one_or_none()
    if row is None:
        raise _no_commit(oid)
    return ObjectId(row[0]), row[1]


def _no_commit(oid: ObjectId) -> ObjectMissing:
    return ObjectMissing(f"there is no commit {short(oid)}", remedy="See the log for commits that exist")


class KnownCommits:
    """What walks have read of commits. It follows from their ids and never changes: later walks need not ask."""

    def __init__(self) -> None:
        self.places: dict[ObjectId, tuple[int, int]] = {}
        self.parents: dict[ObjectId, tuple[ObjectId, ...]] = {}

    def bounded(self) -> KnownCommits:
        """Return this, or an empty one where this has grown too large; a walk that is on its way keeps its own."""
        return self if len(self.places) <= KNOWN_COMMITS else KnownCommits()


class Graph:
    """Generations, times and parents of commits, for a walk from children to parents.

    Parameters
    ----------
    connection : Connection
        Connection in a transaction.
    known : KnownCommits
        What earlier walks have read; this one adds to it.
    starts : collection of ObjectId
        Where walks begin.

    Raises
    ------
    ObjectMissing
        If one of `starts` is no commit.
    """

    def __init__(self, connection: Connection, known: KnownCommits, starts: Collection[ObjectId]) -> None:
        self._connection = connection
        self._places, self._parents = known.places, known.parents
        self._span = FIRST_SPAN
        self.floor = 0
        """Commits of lower generations are not wanted: a walk leaves them, and so all that is before them, out."""
        found = self._find(set(starts))
        for oid in starts:
            if oid not in found:
                raise _no_commit(oid)

    def place(self, oid: ObjectId) -> tuple[int, int]:
        """Generation and time of a start, or of a parent that `parents` gave.

        Raises
        ------
        CorruptData
            If the catalog does not hold it.
        """
        place = self._places.get(oid)
        if place is None:
            raise _gone(oid)
        return place

    def parents(self, oid: ObjectId) -> tuple[ObjectId, ...]:
        """Parents of a commit, in no particular order.

        Walks ask for those of later generations first, so that what is fetched with them is met next.
        """
        parents = self._parents.get(oid)
        if parents is None:
            self._fetch(self.place(oid)[0])
            parents = self._parents.get(oid)
            if parents is None:
                raise _gone(oid)
        return parents

    def _fetch(self, top: int) -> None:
        """Read all commits of that generation and some before it, with their parents."""
        places = self._places
        found: dict[ObjectId, tuple[ObjectId, ...]] = {}
        for oid, generation, time, parent in select_rows(self._connection, _EDGES, (top - self._span + 1, top)):
            places[oid] = (generation, time)
            others = found.get(oid)
            found[oid] = () if parent is None else (parent,) if others is None else (*others, parent)
        self._parents.update(found)
        self._find({parent for parents in found.values() for parent in parents} - places.keys())
        self._span *= 2

    def _find(self, ids: Collection[ObjectId]) -> set[ObjectId]:
        """Read the places of those of `ids` that are commits, and return which those are."""
        found = {
            ObjectId(oid): (generation, time)
            for oid, generation, time in select_in(self._connection, _PLACES, commits.c.id, ids)
        }
        self._places.update(found)
        return set(found)


def _gone(oid: ObjectId) -> CorruptData:
    return CorruptData(
        f"the history names a commit {short(oid)} that the catalog does not hold",
        remedy="Restore the catalog from a backup, or recover it from the object store",
    )
