"""Reading history: from what a user types to commits, trees and dataset entries. Nothing here changes anything."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from threading import Lock
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import AmbiguousName, ObjectMissing, UnknownName
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.moments import moment
from lineageflow_jupyter.model.objects import Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, Head, LogFilter, Move, Ref
from lineageflow_jupyter.model.revisions import CELL, STASHES, Range, composed, number, parse, split_range
from lineageflow_jupyter.tables import Objects

CACHED_COMMITS = 1_000
CACHED_TREES = 64
FIRST_READ = 32
"""Commits of a line that are read at first; each next time twice as many."""
CACHED_VERSIONS = 20_000
Place = tuple[ObjectId, str]
"""A commit and the name of a dataset."""

MOVES_TOGETHER = 100
"""Lines of HEAD's reflog that are read at once when a branch of the past is looked for."""


class History:
    """Commits, trees and entries of one repository.

    Parameters
    ----------
    catalog : Catalog
        Refs and commits.
    objects : Objects
        Trees.
    now : callable, optional
        The present, for moments such as ``yesterday``; local time without a zone.
    """

    def __init__(self, catalog: Catalog, objects: Objects, now: Callable[[], datetime] = datetime.now) -> None:
        self._catalog = catalog
        self._objects = objects
        self._now = now
        self._record = lru_cache(CACHED_COMMITS)(self._found)  # commits never change
        self._lock = Lock()
        self._versions: OrderedDict[Place, TreeEntry | None] = OrderedDict()
        self._tree = lru_cache(CACHED_TREES)(objects.tree)  # nor do trees

    def ref(self, name: str) -> Ref | None:
        """A ref of any kind, or None."""
        return self._catalog.ref(name) or self._catalog.ref(composed(name))

    def tip(self, branch: str) -> ObjectId | None:
        """Commit that a branch or other ref points to; None where it has none yet."""
        ref = self.ref(branch)
        return None if ref is None else ref.commit

    def record(self, oid: ObjectId) -> CommitRecord:
        """Return a commit that must exist."""
        return self._record(oid)

    def _found(self, oid: ObjectId) -> CommitRecord:
        record = self._catalog.commit(oid)
        if record is None:
            raise _missing(oid)
        return record

    def records(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, CommitRecord]:
        """Return commits that must exist, read together."""
        found = self._catalog.commits(ids)
        for oid in ids:
            if oid not in found:
                raise _missing(oid)
        return found

    def tree(self, commit: ObjectId | None) -> Tree:
        """Tree of a commit; an empty one for None."""
        return Tree() if commit is None else self._tree(self.record(commit).commit.tree)

    def versions(self, places: Collection[Place]) -> dict[Place, TreeEntry | None]:
        """Entries of datasets, each at a commit of its own; None where that commit holds no such dataset.

        What is not known yet is read together: a workspace may have seen each dataset at another commit.
        """
        with self._lock:
            found = {place: self._versions[place] for place in places if place in self._versions}
        missing = [place for place in places if place not in found]
        if missing:
            records = self.records([commit for commit, _ in missing])
            trees = [(records[commit].commit.tree, dataset) for commit, dataset in missing]
            found.update(zip(missing, self._objects.find_in_trees(trees), strict=True))
            with self._lock:
                self._versions.update((place, found[place]) for place in missing)
                while len(self._versions) > CACHED_VERSIONS:
                    self._versions.popitem(last=False)
        return found

    def entry(self, record: CommitRecord, dataset: str, revision: str) -> TreeEntry:
        """Entry of a dataset that must exist; `revision` is for the message."""
        tree = self.tree(record.id)
        entry = tree.get(dataset) or tree.get(composed(dataset))
        if entry is None:
            names = [entry.dataset for entry in tree.entries]
            remedy = f"{revision} holds: {', '.join(names[:10]) or 'nothing'}"
            raise unknown("dataset", dataset, names, remedy, f" at {revision!r}")
        return entry

    def present(self, revision: str, record: CommitRecord, entry: TreeEntry, head: Head) -> ObjectId | None:
        """Commit at which HEAD's branch holds a version of a dataset, if it does now.

        Parameters
        ----------
        revision : str
            What the user typed.
        record : CommitRecord
            The commit that it was found to be.
        entry : TreeEntry
            The version.
        head : Head
            HEAD.
        """
        asked = parse(revision)
        if asked.at is None and not asked.steps and asked.base in ("HEAD", head.branch):
            return record.id  # it was the tip when it was found
        tip = self.tip(head.branch)
        return tip if tip is not None and self.tree(tip).get(entry.dataset) == entry else None

    def last_change(self, tip: ObjectId | None, dataset: str) -> CommitRecord | None:
        """Latest commit that changed a dataset, as seen from a commit."""
        found = () if tip is None else self._catalog.log([tip], wanted=LogFilter(dataset=dataset), limit=1)
        return found[0] if found else None

    def latest(self, tip: ObjectId, limit: int) -> tuple[CommitRecord, ...]:
        """Return a commit and those before it, at most so many, children before parents."""
        return self._catalog.log([tip], limit=limit)

    def contains(self, tip: ObjectId, commit: ObjectId) -> bool:
        """Whether a commit belongs to the history of `tip`."""
        return tip == commit or self._catalog.divergence(tip, [commit])[commit][0] == 0

    def moment(self, text: str, *, end: bool = False) -> int:
        """Time of a moment that a user typed, in microseconds since 1970-01-01 UTC; see `model.moments`."""
        return moment(text, self._now(), end=end)

    # --- revisions ---------------------------------------------------------------------------------------------------

    def resolve(self, revision: str, head: Head) -> CommitRecord:
        """Return the commit that a revision names, as seen from a workspace.

        Raises
        ------
        UnknownName
            If there is none; close matches are listed.
        AmbiguousName
            If it can be read in several ways; they are listed.
        """
        if split_range(revision) is not None:
            raise UnknownName(
                f"one commit was expected, the range {revision!r} found",
                remedy="Name one commit, such as HEAD or main~1",
            )
        parsed = parse(revision)
        if parsed.at is not None:
            record = self.record(self._at(parsed.base, parsed.at, revision, head))
        else:
            record = self._head(head.branch, revision) if parsed.base == "HEAD" else self._named(parsed.base)
        for step in parsed.steps:
            walk = self._ancestor if step.kind == "~" else self._parent
            record = walk(record, step.count, revision)
        return record

    def is_revision(self, text: str, head: Head) -> bool:
        """Whether `resolve` finds one commit or several for a text; without looking for close matches if it is a name.

        Among a thousand branches that look costs more than all the rest.
        """
        try:
            parsed = parse(text)
            if parsed.at is None and not parsed.steps and parsed.base != "HEAD":
                return bool(self._readings(parsed.base))
            self.resolve(text, head)
        except AmbiguousName:
            return True
        except UnknownName:
            return False
        return True

    def ends(self, chosen: Range, head: Head) -> tuple[list[ObjectId], list[ObjectId]]:
        """Commits at which a range begins, and those that cut it off."""
        left, right = self.resolve(chosen.left, head).id, self.resolve(chosen.right, head).id
        if not chosen.symmetric:
            return [right], [left]
        # What both have is cut off at the parents of what either has alone.
        own = {record.id for a, b in ((left, right), (right, left)) for record in self.lacked(b, a)}
        parents = {parent for oid in own for parent in self.record(oid).commit.parents}
        return [left, right], [oid for oid in dict.fromkeys((*parents, left, right)) if oid not in own]

    def mainline(self, tip: ObjectId) -> Iterator[CommitRecord]:
        """Yield a commit, its first parent, that one's, and so on; many are read at a time."""
        known: dict[ObjectId, CommitRecord] = {}
        together, at = FIRST_READ, tip
        while True:
            if at not in known:
                known = {record.id: record for record in self.latest(at, together)}
                together = min(2 * together, CACHED_COMMITS)
            yield known[at]
            parents = known[at].commit.parents
            if not parents:
                return
            at = parents[0]

    def lacked(self, known: ObjectId, tip: ObjectId) -> tuple[CommitRecord, ...]:
        """Commits of a tip's history that another history lacks: children before parents."""
        return self._catalog.log([tip], exclude=[known])

    def merge_bases(self, left: ObjectId, right: ObjectId) -> list[ObjectId]:
        """Latest commits that the histories of two commits share, none of which precedes another; the latest first."""
        own = self.lacked(left, right)
        if not own:
            return [right]
        if not self.lacked(right, left):
            return [left]
        ids = {record.id for record in own}
        shared = {parent for record in own for parent in record.commit.parents} - ids
        found = sorted(self.records(shared).values(), key=lambda r: (r.generation, r.commit.time, r.id), reverse=True)
        latest: list[ObjectId] = []
        for record in found:  # whatever precedes another one has a lower generation
            if not any(self.contains(later, record.id) for later in latest):
                latest.append(record.id)
        return latest

    def merge_base(self, left: ObjectId, right: ObjectId) -> ObjectId | None:
        """Latest commit that the histories of two commits share; None where they share none.

        Of several that do not precede one another, as after crosswise merges, the one with the longest history.
        """
        bases = self.merge_bases(left, right)
        return bases[0] if bases else None

    def branch_before(self, head: Head, number: int) -> str:
        """Name of the branch that a workspace was on `number` (from 1) switches ago: what ``@{-N}`` stands for.

        Raises
        ------
        UnknownName
            If it has not switched so often.
        """
        left, skip = number, 0
        while moves := self._catalog.reflog("HEAD", workspace=head.workspace, skip=skip, limit=MOVES_TOGETHER):
            for move in moves:
                change = move.operation.head
                if change is None or change.before == change.after or move.operation.renamed is not None:
                    continue
                left -= 1
                if left == 0:
                    return change.before
            skip += len(moves)
        times = "once" if number == 1 else f"{number} times"
        raise UnknownName(
            f"'@{{-{number}}}' does not exist: this workspace has not switched branches {times}",
            remedy="Name the branch: `%lf branch` lists them",
        )

    def _at(self, base: str, at: str, revision: str, head: Head) -> ObjectId:
        """Commit that ``BASE@{AT}`` names."""
        if at.startswith(CELL):
            raise UnknownName(
                f"{revision!r} names one frame as a cell left it, and no commit",
                remedy=f"Write the frame before it, where one frame is read: `x = %lf read flights@{{{at}}}`",
            )
        if at.startswith("-") and at[1:].isdecimal() and number(at[1:]):
            if base:
                raise UnknownName(f"{revision!r} is not a revision: @{{-N}} stands alone", remedy="Example: @{-1}")
            return self._named(self.branch_before(head, number(at[1:]))).id
        name = base or head.branch
        if at.isdecimal() and len(at) <= 9:
            if name == STASHES:
                return self.stash(head, int(at)).id
            return self._moves_ago(name, int(at), revision, head)
        return self._as_of(name, at, revision, head)

    def _moves(self, name: str, head: Head, **chosen: int | None) -> tuple[Move, ...]:
        workspace = head.workspace if name == "HEAD" else ""
        return self._catalog.reflog(composed(name), workspace=workspace, **chosen)  # type: ignore[arg-type]

    def _moves_ago(self, name: str, number: int, revision: str, head: Head) -> ObjectId:
        found = self._moves(name, head, skip=number, limit=1)
        commit = found[0].after if found else None
        if not found and number:  # what the oldest move left
            oldest = self._moves(name, head, skip=number - 1, limit=1)
            commit = oldest[0].before if oldest else None
        if commit is None:
            self._require_log(name, head)
            raise UnknownName(
                f"{revision!r} does not exist: {name} has not moved so often, or pointed to nothing then",
                remedy=f"`%lf reflog {name}` lists its moves",
            )
        return commit

    def _as_of(self, name: str, at: str, revision: str, head: Head) -> ObjectId:
        until = self.moment(at, end=True) - 1
        found = self._moves(name, head, until=until, limit=1)
        if found and found[0].after is not None:
            return found[0].after
        self._require_log(name, head)
        raise UnknownName(
            f"{revision!r} does not exist: {name} pointed to nothing then",
            remedy=f"`%lf reflog {name}` tells when it moved",
        )

    def _require_log(self, name: str, head: Head) -> None:
        """Refuse names that never were refs, with close matches."""
        if not self._moves(name, head, limit=1):
            names = ["HEAD", *(ref.name for ref in self._catalog.refs())]
            raise unknown("ref", name, names, "See `%lf branch` and `%lf tag` for what exists")

    def stashes(self, head: Head | None) -> list[Ref]:
        """Stashes of a workspace, or of all, newest first."""
        prefix = f"{STASHES}/" if head is None else stash_prefix(head)
        refs = [ref for ref in self._catalog.refs(kinds=("hidden",)) if ref.name.startswith(prefix) and ref.commit]
        made = self._catalog.last_moves([ref.name for ref in refs])
        # Those of a catalog from before reflogs come last, by the time of their commits.
        times = {ref.name: self.record(ref.commit).commit.time for ref in refs if ref.commit and ref.name not in made}
        return sorted(refs, key=lambda ref: (made.get(ref.name, 0), times.get(ref.name, 0)), reverse=True)

    def stash(self, head: Head, number: int) -> CommitRecord:
        """Stash by its number, 0 being the latest.

        Raises
        ------
        UnknownName
            If there are not so many.
        """
        found = self.stashes(head)
        if number >= len(found):
            held = f"{len(found)} stash{'es' * (len(found) != 1)}" if found else "no stashes"
            raise UnknownName(
                f"'stash@{{{number}}}' does not exist: this workspace has {held}", remedy="`%lf stash list` lists them"
            )
        commit = found[number].commit
        assert commit is not None
        return self.record(commit)

    def _ancestor(self, record: CommitRecord, steps: int, revision: str) -> CommitRecord:
        if steps == 0:
            return record
        steps = min(steps, record.generation)  # enough to run into the beginning, and a number that a database takes
        oid, taken = self._catalog.ancestor(record.id, steps)
        found = self.record(oid)
        return found if taken == steps else self._parent(found, 1, revision)  # which says that there is none

    def stash_bases(self, name: str, record: CommitRecord) -> dict[str, ObjectId | None]:
        """Datasets of a stash, and the commits that their frames started from, as they were noted when it was made."""
        parents = record.commit.parents
        fallback = dict.fromkeys(record.datasets, parents[0] if parents else None)
        moves = self._catalog.reflog(name)
        # The oldest move made it; a later one that brought it back may have stashed something else as well.
        noted: Mapping[str, str | None] = moves[-1].operation.detail.get("stashed", {}) if moves else {}
        return {
            **fallback,
            **{dataset: None if base is None else ObjectId(bytes.fromhex(base)) for dataset, base in noted.items()},
        }

    def _parent(self, record: CommitRecord, number: int, revision: str) -> CommitRecord:
        if number == 0:  # as in Git: ^0 is the commit itself
            return record
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
            gone = self.gone(branch)
            if gone:
                raise UnknownName(
                    f"{revision!r}: {gone}", remedy="Go to another branch (`%lf branch` lists them): `%lf switch NAME`"
                )
            raise UnknownName(
                f"{revision!r}: branch {branch!r} has no commits yet",
                remedy='Make the first one: `%lf commit NAME -m "…"`',
            )
        return self.record(tip)

    def gone(self, branch: str) -> str:
        """What became of a branch that existed and does not any more, or ``""``."""
        moves = self._catalog.reflog(composed(branch), limit=1) if self.ref(branch) is None else ()
        if not moves or moves[0].after is not None:  # it never was, or somebody made it after we looked for it
            return ""
        operation = moves[0].operation
        if operation.verb == "undo" and operation.detail.get("of") == "commit":  # of its first: it may begin anew
            return ""
        renamed = operation.renamed
        return f"branch {branch!r} was " + (f"renamed to {renamed[1]!r}" if renamed else "deleted")

    def require_present(self, branch: str) -> None:
        """Refuse a branch that existed and does not any more, so that it does not begin anew without its history.

        Raises
        ------
        UnknownName
            Telling what became of it.
        """
        gone = self.gone(branch)
        if gone:
            raise UnknownName(
                gone, remedy=f"Go to another one, `%lf switch NAME`, or make it anew: `%lf branch {branch} REV`"
            )

    def _named(self, name: str) -> CommitRecord:
        """Ref or short id; both at once is an error, so that nobody gets the other one than they meant."""
        found = self._readings(name)
        if not found:
            gone = self.gone(name)
            if gone:
                raise UnknownName(
                    gone, remedy=f"`%lf reflog {name}` tells where it pointed; `%lf branch` lists the others"
                )
            names = ["HEAD", *(ref.name for ref in self._catalog.refs())]
            raise unknown("revision", name, names, "See `%lf log` and `%lf branch` for what exists")
        if len(found) > 1:
            readings = " or ".join(text for text, _ in found)
            raise AmbiguousName(f"{name!r} may be {readings}", remedy="Write more digits of the commit's id")
        return self.record(found[0][1])

    def _readings(self, name: str) -> list[tuple[str, ObjectId]]:
        """What a name may stand for: each in words, and its commit."""
        tip = self.tip(name)
        lower = name.lower()
        may_be_id = 4 <= len(lower) <= 64 and all(sign in "0123456789abcdef" for sign in lower)
        ids = self._catalog.commits_with_prefix(lower) if may_be_id else ()
        found = [] if tip is None else [(f"the ref {name}", tip)]
        return found + [(f"commit {short(oid, 12)} ({self.record(oid).commit.summary[:40]})", oid) for oid in ids]


def _missing(oid: ObjectId) -> ObjectMissing:
    return ObjectMissing(f"commit {oid.hex()} is not in the catalog", remedy="Run fsck to see what is damaged")


def merge_ref(head: Head) -> str:
    """Name of the hidden ref that holds a workspace's half-done merge."""
    return f"merge/{head.workspace}"


def stash_prefix(head: Head) -> str:
    """What the names of a workspace's stashes begin with."""
    return f"{STASHES}/{head.workspace[:8]}/"


def unknown(
    what: str, name: str, names: Sequence[str] | Mapping[str, Any], remedy: str, where: str = ""
) -> UnknownName:
    """Error for a name that refers to nothing: with close matches where there are some, else with the remedy."""
    close = get_close_matches(name, list(names), 3)
    return UnknownName(
        f"there is no {what} {name!r}{where}", remedy=f"Did you mean {' or '.join(close)}?" if close else remedy
    )
