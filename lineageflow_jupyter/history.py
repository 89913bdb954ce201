"""Reading history: from what a user types to commits, trees and dataset entries. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import AmbiguousName, ObjectMissing, UnknownName
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.objects import Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, Ref
from lineageflow_jupyter.model.revisions import parse
from lineageflow_jupyter.tables import Objects

CACHED_COMMITS = 1_000


class History:
    """Commits, trees and entries of one repository.

    Parameters
    ----------
    catalog : Catalog
        Refs and commits.
    objects : Objects
        Trees.
    """

    def __init__(self, catalog: Catalog, objects: Objects) -> None:
        self._catalog = catalog
        self._objects = objects
        self._record = lru_cache(CACHED_COMMITS)(self._found)  # commits never change

    def ref(self, name: str) -> Ref | None:
        """A ref of any kind, or None."""
        return self._catalog.ref(name)

    def tip(self, branch: str) -> ObjectId | None:
        """Commit that a branch or other ref points to; None where it has none yet."""
        ref = self._catalog.ref(branch)
        return None if ref is None else ref.commit

    def record(self, oid: ObjectId) -> CommitRecord:
        """Return a commit that must exist."""
        return self._record(oid)

    def _found(self, oid: ObjectId) -> CommitRecord:
        record = self._catalog.commit(oid)
        if record is None:
            raise ObjectMissing(f"commit {oid.hex()} is not in the catalog", remedy="Run fsck to see what is damaged")
        return record

    def tree(self, commit: ObjectId | None) -> Tree:
        """Tree of a commit; an empty one for None."""
        return Tree() if commit is None else self._objects.tree(self.record(commit).commit.tree)

    def entry(self, record: CommitRecord, dataset: str, revision: str) -> TreeEntry:
        """Entry of a dataset that must exist; `revision` is for the message."""
        tree = self._objects.tree(record.commit.tree)
        entry = tree.get(dataset)
        if entry is None:
            names = [entry.dataset for entry in tree.entries]
            remedy = f"{revision} holds: {', '.join(names[:10]) or 'nothing'}"
            raise unknown("dataset", dataset, names, remedy, f" at {revision!r}")
        return entry

    def resolve(self, revision: str, branch: str) -> CommitRecord:
        """Return the commit that a revision names, where HEAD is on `branch`.

        Raises
        ------
        UnknownName
            If there is none; close matches are listed.
        AmbiguousName
            If it can be read in several ways; they are listed.
        """
        parsed = parse(revision)
        record = self._head(branch, revision) if parsed.base == "HEAD" else self._named(parsed.base)
        for step in parsed.steps:
            for _ in range(step.count if step.kind == "~" else min(step.count, 1)):
                record = self._parent(record, 1 if step.kind == "~" else step.count, revision)
        return record

    def _parent(self, record: CommitRecord, number: int, revision: str) -> CommitRecord:
        parents = record.commit.parents
        if number > len(parents):
            count = f"{len(parents)} parent" if len(parents) == 1 else f"{len(parents) or 'no'} parents"
            raise UnknownName(
                f"{revision!r} does not exist: commit {short(record.id)} has {count}",
                remedy="See `%lf log` for the commits that exist",
            )
        return self.record(parents[number - 1])

    def _head(self, branch: str, revision: str) -> CommitRecord:
        tip = self.tip(branch)
        if tip is None:
            raise UnknownName(
                f"{revision!r}: branch {branch!r} has no commits yet",
                remedy='Make the first one: `%lf commit NAME -m "…"`',
            )
        return self.record(tip)

    def _named(self, name: str) -> CommitRecord:
        """Ref or short id; both at once is an error, so that nobody gets the other one than they meant."""
        tip = self.tip(name)
        lower = name.lower()
        may_be_id = 4 <= len(lower) <= 64 and all(sign in "0123456789abcdef" for sign in lower)
        ids = self._catalog.commits_with_prefix(lower) if may_be_id else ()
        found = [] if tip is None else [(f"the ref {name}", tip)]
        found += [(f"commit {short(oid, 12)} ({self.record(oid).commit.summary[:40]})", oid) for oid in ids]
        if not found:
            names = ["HEAD", *(ref.name for ref in self._catalog.refs())]
            raise unknown("revision", name, names, "See `%lf log` and `%lf branch` for what exists")
        if len(found) > 1:
            readings = " or ".join(text for text, _ in found)
            raise AmbiguousName(f"{name!r} may be {readings}", remedy="Write more digits of the commit's id")
        return self.record(found[0][1])


def unknown(
    what: str, name: str, names: Sequence[str] | Mapping[str, Any], remedy: str, where: str = ""
) -> UnknownName:
    """Error for a name that refers to nothing: with close matches where there are some, else with the remedy."""
    close = get_close_matches(name, list(names), 3)
    return UnknownName(
        f"there is no {what} {name!r}{where}", remedy=f"Did you mean {' or '.join(close)}?" if close else remedy
    )
