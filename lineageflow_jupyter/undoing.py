"""Undo and redo: the opposite of an operation of this workspace, published as an operation of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.comparing import Comparer
from lineageflow_jupyter.errors import NameTaken, RefMoved, UsageProblem
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.records import Operation, RefChange
from lineageflow_jupyter.model.reports import Replacement, UndoReport
from lineageflow_jupyter.model.revisions import STASHES
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.switching import Live, Switcher
from lineageflow_jupyter.workspace import Workspace

UNDO, REDO = "undo", "redo"
READ_TOGETHER = 50
"""Operations that are read from the log at once."""


@dataclass(frozen=True, slots=True)
class Undoer:
    """Takes operations of this workspace back, the latest first, and does them again."""

    catalog: Catalog
    history: History
    workspace: Workspace
    publisher: Publisher
    comparer: Comparer
    switcher: Switcher

    def undo(self, live: Live) -> UndoReport:
        """Take back the latest operation that stands.

        Raises
        ------
        UsageProblem
            If there is none.
        RefMoved
            If a ref has moved since: what others did is not undone.
        """
        operation = self._latest_standing()
        if operation is None:
            raise UsageProblem("there is nothing to undo in this workspace", remedy="`%lf reflog` shows what happened")
        return UndoReport(operation, self._reverse(operation, live, UNDO))

    def redo(self, live: Live) -> UndoReport:
        """Do the latest operation that was undone again, if nothing else was done since."""
        undone = self._latest_undo()
        if undone is None:
            raise UsageProblem(
                "there is nothing to do again: the last operation was not an undo",
                remedy="`%lf reflog` shows what happened",
            )
        replacement = self._reverse(undone, live, REDO)
        original = next(found for found in self._operations() if found.operation == undone.detail["reverses"])
        return UndoReport(original, replacement)

    # --- which -------------------------------------------------------------------------------------------------------

    def _operations(self) -> Iterator[Operation]:
        """Operations of this workspace, newest first."""
        before: int | None = None
        name = self.workspace.head.workspace
        while found := self.catalog.last_operations(name, before=before, limit=READ_TOGETHER):
            yield from found
            before = found[-1].sequence

    def _latest_standing(self) -> Operation | None:
        reversed_: set[str] = set()
        for operation in self._operations():
            if operation.verb in (UNDO, REDO):
                # A reversal that was itself reversed does not count: what it reversed stands as if neither had been.
                if operation.operation not in reversed_:
                    reversed_.add(str(operation.detail["reverses"]))
            elif operation.operation not in reversed_ and _moves_something(operation):
                return operation
        return None

    def _latest_undo(self) -> Operation | None:
        redone: set[str] = set()
        for operation in self._operations():
            if operation.verb == REDO:
                redone.add(str(operation.detail["reverses"]))
            elif operation.verb != UNDO:
                return None
            elif operation.operation not in redone:
                return operation
        return None

    # --- how ---------------------------------------------------------------------------------------------------------

    def _reverse(self, operation: Operation, live: Live, verb: str) -> Replacement:
        sources, dropped = self._sources(operation)
        wanted = [
            entry
            for name, commit in sources.items()
            if (name in live or name in dropped)
            and commit is not None
            and (entry := self.history.tree(commit).get(name)) is not None
        ]
        kept = self.comparer.keep(
            {entry.dataset: live[entry.dataset] for entry in wanted if entry.dataset in live},
            {entry.dataset: entry for entry in wanted},
            f"before {verb}",
            force=True,
            found_at=self._left(operation),
        )
        back = [entry for entry in wanted if entry.dataset not in kept.equal]
        frames = self.switcher.frames(back, live, None)
        moves = self._head_moves(operation)
        opposite = [_opposite(change) for change in reversed(operation.refs)]
        self._check_branch(moves.get("branch"), opposite, operation, verb)
        self._check_messages(operation, verb)
        renamed = operation.renamed
        try:
            self.publisher.publish(
                verb,
                (*opposite, *kept.refs),
                kept.written,
                renamed=None if renamed is None else (renamed[1], renamed[0]),
                frames={name: (kept.origins.get(name), sources[name]) for name in frames},
                detail={**kept.detail, "reverses": operation.operation, "of": operation.verb, **_message(operation)},
                **moves,
            )
        except (RefMoved, NameTaken) as error:
            raise self._moved_since(operation, verb) from error
        head = self.workspace.head
        tip = self.history.tip(head.branch)
        record = None if tip is None else self.history.record(tip)
        return Replacement(head.branch, record, frames, kept.stash, kept.statuses)

    def _sources(self, operation: Operation) -> tuple[dict[str, ObjectId | None], set[str]]:
        """Commits that hold the frames as they were before an operation; datasets of stashes that go with it.

        With such a stash goes the only ref to its frames: they come back also where no variable holds them.
        """
        origins: dict[str, Any] = dict(operation.detail.get("frames", {}))
        sources = {name: _id(before) for name, (before, _) in origins.items()}
        dropped: set[str] = set()
        for change in operation.refs:
            stashed = change.kind == "hidden" and change.name.startswith(f"{STASHES}/")
            if not stashed or change.after is None or operation.detail.get("of") == "stash drop":
                continue
            for name in self.history.stash_bases(change.name, self.history.record(change.after)):
                dropped.add(name)
                sources[name] = sources.get(name) or change.after
        return sources, dropped

    def _left(self, operation: Operation) -> dict[str, tuple[ObjectId, TreeEntry]]:
        """Commits that hold the frames as an operation left them: one that is still so needs no stash."""
        origins: dict[str, Any] = dict(operation.detail.get("frames", {}))
        left = {name: commit for name, (_, after) in origins.items() if (commit := _id(after)) is not None}
        found = {name: (commit, self.history.tree(commit).get(name)) for name, commit in left.items()}
        return {name: (commit, entry) for name, (commit, entry) in found.items() if entry is not None}

    def _head_moves(self, operation: Operation) -> dict[str, Any]:
        """Where HEAD goes: back to where it was, for as much of it as has not moved since."""
        change, head = operation.head, self.workspace.head
        if change is None:
            return {}
        bases = {name: before for name, (before, after) in change.bases.items() if head.bases.get(name) == after}
        return {
            "branch": change.before if head.branch == change.after else None,
            "bases": {name: base for name, base in bases.items() if base is not None},
            "forgotten": [name for name, base in bases.items() if base is None],
        }

    def _check_branch(self, name: str | None, refs: Sequence[RefChange], operation: Operation, verb: str) -> None:
        """Refuse to go back to a branch that somebody deleted or renamed since."""
        made = [change.name for change in refs if change.after is not None]
        if name is None or name == self.workspace.head.branch or name in made:
            return
        gone = self.history.gone(name)
        if gone:
            raise RefMoved(
                f"{gone} since that {operation.verb}, and `%lf {verb}` would go back to it",
                remedy=f"Make it anew (`%lf branch {name} REV`) and {verb} again, or `%lf switch` to another branch",
            )

    def _check_messages(self, operation: Operation, verb: str) -> None:
        """Refuse to drop what somebody else said of a tag that stayed where it was."""
        for change in operation.refs:
            now = self.history.ref(change.name) if change.kind == "tag" else None
            if now is not None and now.commit == change.after and now.annotation != change.annotation:
                raise RefMoved(
                    f"tag {change.name!r} was given another message since that {operation.verb}",
                    remedy=f"`%lf {verb}` would drop it; look at it with `%lf tag`, and move the tag yourself with "
                    f"`%lf tag --force {change.name} REV` if that is meant",
                )

    def _moved_since(self, operation: Operation, verb: str) -> RefMoved:
        for change in operation.refs:
            now = self.history.tip(change.name)
            if now != change.after:
                where = "is gone" if now is None else f"is at {short(now)}{self._by(now)}"
                return RefMoved(
                    f"{change.kind} {change.name!r} has moved since that {operation.verb}: it {where}",
                    remedy=f"`%lf {verb}` would drop what came after; look at it with `%lf log`, and move the branch "
                    "yourself with `%lf reset REV` if that is meant",
                )
        return RefMoved("something moved at the same moment", remedy=f"`%lf {verb}` again")

    def _by(self, commit: ObjectId) -> str:
        made = self.history.record(commit).commit
        return f" ({made.summary[:40]!r} by {made.author.name})"


def _moves_something(operation: Operation) -> bool:
    """Whether there is anything to take back; steps of a rebase only make commits."""
    return bool(operation.refs or operation.head is not None or operation.detail.get("frames"))


def _opposite(change: RefChange) -> RefChange:
    """Change that takes another one back."""
    before, after = change.after, change.before
    if before is None or after is None:  # what is deleted, and what is brought back, have one annotation
        return replace(change, before=before, after=after)
    return RefChange(change.name, change.kind, before, after, change.annotation_before, change.annotation)


def _message(operation: Operation) -> dict[str, Any]:
    return {"message": operation.detail["message"]} if "message" in operation.detail else {}


def _id(text: str | None) -> ObjectId | None:
    return None if text is None else ObjectId(bytes.fromhex(text))
