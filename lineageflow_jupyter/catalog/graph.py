"""The graph of commits, read as far as a walk gets."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lineageflow_jupyter.catalog.engine import select_in
from lineageflow_jupyter.catalog.schema import commit_parents, commits
from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import ObjectId, short

FIRST_SPAN = 32
"""How many generations the first query fetches: few, since most logs are short. Each next one fetches twice as many."""

_PLACES = sa.select(commits.c.id, commits.c.generation, commits.c.time)
_EDGES = (
    sa.select(commits.c.id, commits.c.generation, commits.c.time, commit_parents.c.parent_id)
    .outerjoin_from(commits, commit_parents, commit_parents.c.commit_id == commits.c.id)
    .where(commits.c.generation.between(sa.bindparam("bottom"), sa.bindparam("top")))
)


class Graph:
    """Generations, times and parents of commits, for a walk from children to parents.

    Parameters
    ----------
    connection : Connection
        Connection in a transaction.
    starts : collection of ObjectId
        Where walks begin.

    Raises
    ------
    ObjectMissing
        If one of `starts` is no commit.
    """

    def __init__(self, connection: Connection, starts: Collection[ObjectId]) -> None:
        self._connection = connection
        self._places: dict[ObjectId, tuple[int, int]] = {}
        self._parents: dict[ObjectId, tuple[ObjectId, ...]] = {}
        self._span = FIRST_SPAN
        self._find(set(starts))
        for oid in starts:
            if oid not in self._places:
                raise ObjectMissing(f"there is no commit {short(oid)}", remedy="See the log for commits that exist")

    def place(self, oid: ObjectId) -> tuple[int, int]:
        """Generation and time of a start, or of a parent that `parents` gave.

        Raises
        ------
        CorruptData
            If the catalog does not hold it.
        """
        place = self._places.get(oid)
        if place is None:
            raise CorruptData(
                f"the history names a commit {short(oid)} that the catalog does not hold",
                remedy="Restore the catalog from a backup, or recover it from the object store",
            )
        return place

    def parents(self, oid: ObjectId) -> tuple[ObjectId, ...]:
        """Parents of a commit, in no particular order.

        Walks ask for those of later generations first, so that what is fetched with them is met next.
        """
        parents = self._parents.get(oid)
        if parents is None:
            self._fetch(self.place(oid)[0])
            parents = self._parents[oid]
        return parents

    def _fetch(self, top: int) -> None:
        """Read all commits of that generation and some before it, with their parents."""
        found: dict[ObjectId, tuple[ObjectId, ...]] = {}
        bounds = {"bottom": top - self._span + 1, "top": top}
        for oid, generation, time, parent in self._connection.execute(_EDGES, bounds).all():
            self._places[oid] = (generation, time)
            found[oid] = () if parent is None else (*found.get(oid, ()), parent)
        self._parents.update(found)
        self._find({parent for parents in found.values() for parent in parents} - self._places.keys())
        self._span *= 2

    def _find(self, ids: Collection[ObjectId]) -> None:
        for oid, generation, time in select_in(self._connection, _PLACES, commits.c.id, ids):
            self._places[oid] = (generation, time)
