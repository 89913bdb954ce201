"""Stashes: frames that are put aside, each under a hidden ref of its workspace, and taken back."""

from __future__ import annotations

from dataclasses import dataclass

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.comparing import Comparer
from lineageflow_jupyter.errors import UncommittedChanges, UnknownName, UsageProblem
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.records import RefChange
from lineageflow_jupyter.model.reports import Replacement, StashReport
from lineageflow_jupyter.model.revisions import STASHES, number
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.switching import Live, Switcher
from lineageflow_jupyter.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Stashes:
    """The stashes of a workspace, and a look at those of others."""

    catalog: Catalog
    history: History
    workspace: Workspace
    publisher: Publisher
    comparer: Comparer
    switcher: Switcher

    def push(self, live: Live, message: str) -> Replacement:
        """Put frames aside and go back to the branch's versions."""
        if not live:
            raise UsageProblem("no frames to stash", remedy="Name some that hold changes; `%lf status` lists them")
        tip = self.history.tip(self.workspace.head.branch)
        tree = self.history.tree(tip)
        statuses = tuple(self.comparer.status(name, frame, tree) for name, frame in live.items())
        kept = self.comparer.stashed(live, message, statuses)
        record = kept.written.records[-1]
        back = [entry for entry in map(tree.get, live) if entry is not None]
        frames = self.switcher.frames(back, live, None)
        origins = {name: (record.id, tip if name in frames else None) for name in live}
        self.publisher.publish(
            "stash",
            kept.refs,
            kept.written,
            bases={} if tip is None else dict.fromkeys(frames, tip),
            frames=origins,
            detail={**kept.detail, "message": message},
        )
        return Replacement(self.workspace.head.branch, record, frames, kept.stash, statuses)

    def keep(self, live: Live, why: str) -> Replacement:
        """Keep frames as a stash, and leave them as they are: the caller is about to replace them otherwise."""
        tree = self.history.tree(self.history.tip(self.workspace.head.branch))
        statuses = tuple(self.comparer.status(name, frame, tree) for name, frame in live.items())
        broken = next((found for found in statuses if found.state == "unsupported"), None)
        if broken is not None:
            raise UncommittedChanges(
                f"{broken.dataset!r} holds changes that cannot be stored ({broken.problem.rstrip('.')})",
                remedy="Mend it, or `del` the variable first",
            )
        kept = self.comparer.stashed(live, why, statuses)
        record = kept.written.records[-1]
        self.publisher.publish(
            "stash",
            kept.refs,
            kept.written,
            frames=dict.fromkeys(live, (record.id, None)),
            detail={**kept.detail, "message": why},
        )
        return Replacement(self.workspace.head.branch, record, {}, kept.stash, statuses)

    def listed(self, *, everybody: bool) -> list[StashReport]:
        """Stashes, newest first: those of this workspace, or of all."""
        refs = self.history.stashes(None if everybody else self.workspace.head)
        records = self.history.records([ref.commit for ref in refs if ref.commit])
        return [StashReport(ref, records[ref.commit], ref.name.split("/")[1]) for ref in refs if ref.commit]

    def take(self, which: str, live: Live, *, force: bool, drop: bool) -> Replacement:
        """Give the caller the frames of a stash, on the bases that they had, and drop the stash if asked to."""
        report = self.find(which)
        record = report.record
        entries = self._entries(report)
        wanted = {entry.dataset: entry for entry in entries if entry.dataset in live}
        kept = self.comparer.keep(
            {name: live[name] for name in wanted}, wanted, "before stash pop --force", force=force
        )
        frames = self.switcher.frames(entries, live, None)
        bases = self.history.stash_bases(report.ref.name, record)
        self.publisher.publish(
            "stash pop" if drop else "stash apply",
            (*((RefChange(report.ref.name, "hidden", record.id, None),) if drop else ()), *kept.refs),
            kept.written,
            bases={name: base for name, base in bases.items() if base is not None and name in frames},
            forgotten=[name for name, base in bases.items() if base is None],
            frames={name: (kept.origins.get(name), record.id) for name in frames},
            detail={**kept.detail, "message": record.commit.summary},
        )
        return Replacement(self.workspace.head.branch, record, frames, kept.stash, kept.statuses)

    def drop(self, which: str) -> StashReport:
        """Forget a stash; `undo` and the reflog still find it."""
        report = self.find(which)
        change = RefChange(report.ref.name, "hidden", report.record.id, None)
        self.publisher.publish("stash drop", [change], detail={"message": report.record.commit.summary})
        return report

    def find(self, which: str) -> StashReport:
        """Stash by number, ``stash@{N}`` or name.

        Raises
        ------
        UnknownName
            If there is none.
        """
        digits = which.removeprefix(f"{STASHES}@{{").removesuffix("}")
        own = self.listed(everybody=False)
        if digits.isdecimal():
            if number(digits) < len(own):
                return own[number(digits)]
            self.history.stash(self.workspace.head, number(digits))  # says what there is
        found = [report for report in self.listed(everybody=True) if report.ref.name == which]
        if not found:
            raise UnknownName(f"there is no stash {which!r}", remedy="`%lf stash list` lists them")
        return found[0]

    def _entries(self, report: StashReport) -> list[TreeEntry]:
        tree = self.history.tree(report.record.id)
        bases = self.history.stash_bases(report.ref.name, report.record)
        return [entry for entry in map(tree.get, bases) if entry is not None]
