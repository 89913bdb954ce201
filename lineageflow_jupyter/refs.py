"""Branches and tags: made, moved, renamed and deleted. HEAD and frames stay where they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import NameTaken, UnknownName, UsageProblem
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.intake import check_texts
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import Annotation, Ref, RefChange
from lineageflow_jupyter.model.reports import BranchReport
from lineageflow_jupyter.model.revisions import check_name
from lineageflow_jupyter.publishing import Publisher, utc_offset
from lineageflow_jupyter.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Refs:
    """Branches and tags of a repository."""

    catalog: Catalog
    history: History
    workspace: Workspace
    publisher: Publisher
    author: Callable[[], Author]

    def branches(self) -> list[BranchReport]:
        """Branches, sorted by name, with their distance from HEAD's branch."""
        refs = self.catalog.refs(kinds=("branch",))
        base = self.history.tip(self.workspace.head.branch)
        tips = [ref.commit for ref in refs if ref.commit is not None]
        away = {} if base is None else self.catalog.divergence(base, tips)
        return [BranchReport(ref, *away.get(ref.commit, (0, 0))) for ref in refs if ref.commit is not None]

    def branch(self, name: str, at: str) -> Ref:
        """Create a branch."""
        commit = self.history.resolve(at, self.workspace.head).id
        change = RefChange(check_name(name, "branch"), "branch", None, commit)
        self.publisher.publish("branch", [change])
        return Ref(change.name, "branch", commit)

    def rename(self, old: str, new: str) -> Ref:
        """Rename a branch; every workspace that is on it follows."""
        ref = self._existing(old, "branch")
        new = check_name(new, "branch")
        if ref.name == new:
            return ref
        changes = [RefChange(ref.name, "branch", ref.commit, None), RefChange(new, "branch", None, ref.commit)]
        branch = new if ref.name == self.workspace.head.branch else None
        self.publisher.publish("branch rename", changes, branch=branch, renamed=(ref.name, new))
        return Ref(new, "branch", ref.commit)

    def delete_branches(self, names: Sequence[str], *, force: bool) -> tuple[Ref, ...]:
        """Delete branches, unless their commits would be on no branch and no tag any more. All or none."""
        refs = self._all_existing(names, "branch")
        for ref in refs:
            if ref.name == self.workspace.head.branch:
                raise UsageProblem(
                    f"branch {ref.name!r} is the one that this workspace is on", remedy="Switch to another one first"
                )
            assert ref.commit is not None
            if not force and not self._kept_elsewhere(refs, ref.commit):
                raise UsageProblem(
                    f"branch {ref.name!r} holds commits that are on no other branch or tag (the last: "
                    f"{short(ref.commit)} {self.history.record(ref.commit).commit.summary[:40]!r})",
                    remedy=f"Delete it all the same with `%lf branch -D {ref.name}`: "
                    f"`%lf branch {ref.name} {short(ref.commit)}` brings it back",
                )
        self.publisher.publish("branch delete", [RefChange(ref.name, "branch", ref.commit, None) for ref in refs])
        return refs

    def tag(self, name: str, at: str, message: str | None, *, force: bool) -> Ref:
        """Create a tag, with a message an annotated one."""
        commit = self.history.resolve(at, self.workspace.head).id
        name = check_name(name, "tag")
        annotation = None if message is None else self._annotation(message)
        before = self.history.ref(name)
        if before is not None and before.kind != "tag":
            raise NameTaken(f"{name!r} is a {before.kind}", remedy="Choose another name")
        if before is not None and not force:
            at_commit = "" if before.commit is None else f" at {short(before.commit)}"
            raise NameTaken(
                f"a tag {name!r} exists already{at_commit}", remedy="Choose another name, or move it with --force"
            )
        known = (None, None) if before is None else (before.commit, before.annotation)
        if before is not None and known == (commit, annotation):
            return before
        change = RefChange(name, "tag", known[0], commit, annotation, known[1])
        self.publisher.publish("tag", [change], detail={"message": message} if message else None)
        return Ref(name, "tag", commit, annotation)

    def delete_tags(self, names: Sequence[str]) -> tuple[Ref, ...]:
        """Delete tags, all or none; `undo` brings them back with their messages."""
        refs = self._all_existing(names, "tag")
        changes = [RefChange(ref.name, "tag", ref.commit, None, ref.annotation) for ref in refs]
        self.publisher.publish("tag delete", changes)
        return refs

    def _annotation(self, message: str) -> Annotation:
        author = self.author()
        check_texts(message, author)
        return Annotation(author, time.time_ns() // 1000, utc_offset(), message)

    def _all_existing(self, names: Sequence[str], kind: str) -> tuple[Ref, ...]:
        found = [self._existing(name, kind) for name in names]
        return tuple({ref.name: ref for ref in found}.values())

    def _existing(self, name: str, kind: str) -> Ref:
        ref = self.history.ref(name)
        if ref is not None and ref.kind == kind:
            return ref
        if ref is not None:
            raise UnknownName(f"{name!r} is a {ref.kind}, not a {kind}", remedy=f"`%lf {kind}` lists what there is")
        if kind == "branch" and name == self.workspace.head.branch:
            raise UsageProblem(
                f"branch {name!r} has no commits yet", remedy="`%lf switch -c NEW` starts under another name"
            )
        names = [ref.name for ref in self.catalog.refs(kinds=(kind,))]
        raise unknown(kind, name, names, f"`%lf {kind}` lists what there is")

    def _kept_elsewhere(self, leaving: Sequence[Ref], commit: ObjectId) -> bool:
        gone = {ref.name for ref in leaving}
        others = [other.commit for other in self.catalog.refs() if other.name not in gone]
        # HEAD's branch first: most branches are deleted when they are merged.
        tips = dict.fromkeys([self.history.tip(self.workspace.head.branch), *others])
        return any(tip is not None and self.history.contains(tip, commit) for tip in tips)
