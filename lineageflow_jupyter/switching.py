"""Operations that give the caller other frames: checkout, switch, reset, restore. Each is one publication.

The caller passes the frames that its variables hold now. What they hold that is not committed is refused or stashed in
the same publication, so that every step can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.comparing import Comparer, Kept
from lineageflow_jupyter.errors import NameTaken, UnknownName, UsageProblem
from lineageflow_jupyter.frames.convert import library_of
from lineageflow_jupyter.frames.replacing import replaced
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.intake import row_range
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, RefChange
from lineageflow_jupyter.model.reports import Replacement
from lineageflow_jupyter.model.revisions import check_name, number
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.workspace import Workspace

Live = Mapping[str, Any]
"""The caller's frames, by dataset."""


@dataclass(frozen=True, slots=True)
class Switcher:
    """Gives the caller the frames of other commits, and moves HEAD with them."""

    catalog: Catalog
    history: History
    workspace: Workspace
    publisher: Publisher
    comparer: Comparer
    reader: FrameReader

    def checkout(
        self, revision: str, datasets: Sequence[str] | None, live: Live, *, force: bool, engine: str | None
    ) -> Replacement:
        """Read datasets of a revision and make its commit their base."""
        record = self.history.resolve(revision, self.workspace.head)
        held = [entry.dataset for entry in self.history.tree(record.id).entries]
        entries = [self.history.entry(record, name, revision) for name in (held if datasets is None else datasets)]
        kept = self._kept(entries, live, "before checkout --force", force=force)
        frames = self.frames(entries, live, engine)
        self._publish("checkout", kept, frames, record.id, bases=dict.fromkeys(frames, record.id))
        return self._replacement(record, frames, kept)

    def switch(self, name: str, live: Live, *, create: bool, at: str, force: bool) -> Replacement:
        """Go to a branch. Changes that are not committed come along where both branches hold the same version."""
        head = self.workspace.head
        name, refs = self._target(name, create, at)
        tip = refs[0].after if refs else self.history.tip(name)
        wanted = self._other_versions(tip, live)
        kept = self._kept(wanted, live, "before switch", force=force)
        frames = self.frames([entry for entry in wanted if entry.dataset not in kept.equal], live, None)
        bases = {} if tip is None else {entry.dataset: tip for entry in wanted}
        if name != head.branch or refs or frames or bases:
            self._publish("switch", kept, frames, tip, refs=refs, branch=name, bases=bases)
        record = None if tip is None else self.history.record(tip)
        return self._replacement(record, frames, kept)

    def reset(self, revision: str, live: Live, *, hard: bool) -> Replacement:
        """Move HEAD's branch to a commit; with `hard` the caller's frames as well."""
        branch = self.workspace.head.branch
        record = self.history.resolve(revision, self.workspace.head)
        tip = self.history.tip(branch)
        if tip is None:
            raise UnknownName(
                f"branch {branch!r} has no commits to reset", remedy="Switch to one that has: `%lf switch`"
            )
        before, after = self.history.tree(tip), self.history.tree(record.id)
        for entry in before.entries:
            if after.get(entry.dataset) != entry:
                self.publisher.check_seen(branch, entry, "reset")
        seen = [] if tip == record.id else self._seen_still(before, after, back=self.history.contains(tip, record.id))
        wanted = [entry for entry in after.entries if hard and entry.dataset in live]
        kept = self._kept(wanted, live, "before reset --hard", force=True)
        frames = self.frames([entry for entry in wanted if entry.dataset not in kept.equal], live, None)
        self._publish(
            "reset",
            kept,
            frames,
            record.id,
            refs=() if tip == record.id else (RefChange(branch, "branch", tip, record.id),),
            bases=dict.fromkeys((*seen, *frames, *kept.equal), record.id),
            forgotten=[entry.dataset for entry in before.entries if after.get(entry.dataset) is None],
        )
        return self._replacement(record, frames, kept)

    def restore(
        self,
        revision: str,
        datasets: Sequence[str],
        live: Live,
        *,
        columns: Sequence[Any] | None,
        rows: slice | tuple[int, int] | None,
        engine: str | None,
    ) -> Replacement:
        """Give back datasets, or some columns and rows of one, as they are in a revision; HEAD stays."""
        record = self.history.resolve(revision, self.workspace.head)
        entries = [self.history.entry(record, dataset, revision) for dataset in datasets]
        part = columns is not None or rows is not None
        present = {} if part else self._present(revision, record, entries)
        if part:
            _check_part(entries, live)
        kept = self._kept(entries, live, "before restore", force=True)
        frames = self.frames([entry for entry in entries if entry.dataset not in kept.equal], live, engine)
        if part and frames:
            (entry,) = entries
            part_of = None if rows is None else row_range(rows, self.reader.rows(entry))
            chosen = None if part_of is None else slice(part_of.start, part_of.stop)
            stored, now = frames[entry.dataset], live[entry.dataset]
            frames = {entry.dataset: replaced(now, stored, columns=columns, rows=chosen, key=entry.key or None)}
        self._publish("restore", kept, frames, None if part else record.id, bases=present)
        return self._replacement(record, frames, kept)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _target(self, name: str, create: bool, at: str) -> tuple[str, tuple[RefChange, ...]]:
        """Branch to go to, and the change that creates it."""
        head = self.workspace.head
        if not create:
            if name == "-":
                name = "@{-1}"
            if name.startswith("@{-") and name.endswith("}") and name[3:-1].isdecimal() and number(name[3:-1]):
                name = self.history.branch_before(head, number(name[3:-1]))
            ref = self.history.ref(name)
            if ref is not None and ref.kind == "branch":
                return ref.name, ()
            if ref is None and name == head.branch and not self.history.gone(name):
                return name, ()
            raise self._no_branch(name)
        name = check_name(name, "branch")
        if self.history.ref(name) is not None:
            raise NameTaken(
                f"a branch or tag {name!r} exists already",
                remedy=f"Switch to it (`%lf switch {name}`), or choose another",
            )
        if at == "HEAD" and self.history.tip(head.branch) is None and not self.history.gone(head.branch):
            return name, ()  # a branch without commits exists from its first commit on, as in Git
        return name, (RefChange(name, "branch", None, self.history.resolve(at, head).id),)

    def _no_branch(self, name: str) -> UnknownName:
        gone = self.history.gone(name)
        if gone:
            return UnknownName(
                gone, remedy="`%lf branch` lists the branches; `%lf undo` takes back a deletion of yours"
            )
        ref = self.history.ref(name)
        if ref is not None:
            return UnknownName(
                f"{name!r} is a tag, not a branch", remedy=f"Make a branch there: `%lf switch -c NAME {name}`"
            )
        names = [ref.name for ref in self.catalog.refs(kinds=("branch",))]
        return unknown("branch", name, names, f"Create it with `%lf switch -c {name}`")

    def _present(self, revision: str, record: CommitRecord, entries: Sequence[TreeEntry]) -> dict[str, ObjectId]:
        """Those of the entries that HEAD's branch holds now, and the commit at which it does."""
        head = self.workspace.head
        found = {entry.dataset: self.history.present(revision, record, entry, head) for entry in entries}
        return {dataset: commit for dataset, commit in found.items() if commit is not None}

    def _seen_still(self, before: Tree, after: Tree, *, back: bool) -> list[str]:
        """Datasets of a tree to which the branch moves that count as seen: the workspace knew what the branch held.

        A version or a removal that it has not seen is not seen by moving the branch either. Nor is a dataset that the
        branch did not hold, unless it goes `back` to where it was.
        """
        known = self.workspace.seen_of([entry.dataset for entry in after.entries])
        held = {name: before.get(name) for name in known}
        return [name for name in known if held[name] == known[name] and (back or held[name] is not None)]

    def _other_versions(self, tip: ObjectId | None, live: Live) -> list[TreeEntry]:
        """Entries of live datasets of which a commit holds another version than the workspace has seen."""
        tree = self.history.tree(tip)
        entries = [entry for entry in map(tree.get, live) if entry is not None]
        seen = self.workspace.seen_of([entry.dataset for entry in entries])
        return [entry for entry in entries if entry != seen[entry.dataset]]

    def _kept(self, entries: Sequence[TreeEntry], live: Live, why: str, *, force: bool) -> Kept:
        wanted = {entry.dataset: entry for entry in entries if entry.dataset in live}
        return self.comparer.keep({name: live[name] for name in wanted}, wanted, why, force=force)

    def frames(self, entries: Sequence[TreeEntry], live: Live, engine: str | None) -> dict[str, Any]:
        """Frames in the library asked for, else in that of the frames they replace."""
        return {
            entry.dataset: self.reader.read(entry, engine=engine or library_of(live.get(entry.dataset)) or "pandas")
            for entry in entries
        }

    def _publish(self, verb: str, kept: Kept, frames: Live, after: ObjectId | None, **moves: Any) -> None:
        moves["refs"] = (*moves.get("refs", ()), *kept.refs)
        origins = {name: (kept.origins.get(name), after) for name in frames}
        self.publisher.publish(verb, written=kept.written, frames=origins, detail=kept.detail, **moves)

    def _replacement(self, record: CommitRecord | None, frames: Live, kept: Kept) -> Replacement:
        return Replacement(self.workspace.head.branch, record, frames, kept.stash, kept.statuses)


def _check_part(entries: Sequence[TreeEntry], live: Live) -> None:
    """Parts are put into one live frame."""
    if len(entries) != 1:
        raise UsageProblem(
            f"columns and rows are restored of one dataset, {len(entries)} named", remedy="Restore them one by one"
        )
    name = entries[0].dataset
    if name not in live:
        raise UsageProblem(
            f"columns and rows are put into a live frame, and {name!r} has none",
            remedy=f"Restore the whole of it first: `%lf restore {name}`",
        )
