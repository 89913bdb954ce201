"""Where a merge lands: its commit on the branch, HEAD and the caller's frames with it, in one publication."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.combination import Combination, Combiner, differing
from lineageflow_jupyter.comparing import Comparer, Kept
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.frames.convert import FrameContent
from lineageflow_jupyter.frames.keys import check_key
from lineageflow_jupyter.half_done import HalfDone
from lineageflow_jupyter.history import History
from lineageflow_jupyter.intake import check_texts, key_array
from lineageflow_jupyter.merged_content import merged_content
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.merge_reports import MergedDataset
from lineageflow_jupyter.model.objects import Author, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, RefChange
from lineageflow_jupyter.publishing import NOTHING, Publisher, Written
from lineageflow_jupyter.switching import Live, Switcher
from lineageflow_jupyter.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Landing:
    """Writes commits of merges and publishes them."""

    history: History
    workspace: Workspace
    publisher: Publisher
    comparer: Comparer
    switcher: Switcher
    combiner: Combiner
    author: Callable[[], Author]

    def tip(self, into: str | None) -> tuple[str, ObjectId]:
        """Branch to merge into, HEAD's by default, and its commit.

        Raises
        ------
        UnknownName
            If it has none.
        """
        branch = into or self.workspace.head.branch
        tip = self.history.tip(branch)
        if tip is None:
            self.history.require_present(branch)
            raise UnknownName(f"branch {branch!r} has no commits", remedy="Commit something there first")
        return branch, tip

    def written(
        self, state: HalfDone, combined: Combination, parents: tuple[ObjectId, ...]
    ) -> tuple[CommitRecord, Written]:
        """Write the commit of a merge in which everything is decided; it is to be published.

        Raises
        ------
        KeyViolation
            If a merged table has no key as declared.
        """
        author = state.author or self.author()
        check_texts(state.message, author)
        contents: dict[str, FrameContent] = {}
        changes: dict[str, ChangeSet | None] = {}
        for name, plan in combined.plans.items():
            contents[name], changes[name] = merged_content(plan, combined.decisions[name], self.combiner.frame)
            if plan.key and not plan.keyed:
                check_key(name, plan.key, [key_array(name, column, contents[name]) for column in plan.key])
        keys = {name: plan.key for name, plan in combined.plans.items()}
        return self.publisher.combined(parents, contents, keys, combined.taken, state.message, author, changes)

    def changes_nothing(self, state: HalfDone, combined: Combination) -> bool:
        """Whether a merge in which everything is decided would hold what ours holds; nothing is written."""
        tree = self.history.tree(state.ours)
        entries = []
        for name, plan in combined.plans.items():
            content, _ = merged_content(plan, combined.decisions[name], self.combiner.frame)
            entries.append(self.combiner.writer.add(name, content, parent=plan.ours.entry, key=plan.key).entry)
        return combined.taken.with_entries(entries) == tree

    def kept(self, branch: str, live: Live, wanted: Mapping[str, TreeEntry | None]) -> Kept:
        """Refuse a merge that would overwrite changes of the caller's frames.

        Raises
        ------
        UncommittedChanges
            If there are any.
        """
        if branch != self.workspace.head.branch:
            return Kept()
        return self.comparer.keep(
            {name: live[name] for name, entry in wanted.items() if name in live},
            {name: entry for name, entry in wanted.items() if entry is not None},
            "before merge",
            force=False,
        )

    def published(
        self,
        state: HalfDone,
        record: CommitRecord,
        refs: Sequence[RefChange],
        kept: Kept,
        live: Live,
        changed: Mapping[str, bool],
        written: Written = NOTHING,
    ) -> dict[str, Any]:
        """Publish a merge; the frames that replace those of the caller.

        Parameters
        ----------
        state, record, refs, kept, live, written
            What is published.
        changed : mapping of str to bool
            Datasets that it changed on the branch, and whether they are still there.
        """
        own = state.branch == self.workspace.head.branch
        names = [name for name, held in changed.items() if own and held and name in live and name not in kept.equal]
        self.publisher.publish(
            state.verb,
            refs,
            written,
            bases=dict.fromkeys((*names, *kept.equal), record.id) if own else {},
            forgotten=[name for name, held in changed.items() if own and not held],
            frames={name: (kept.origins.get(name), record.id) for name in names},
            detail={"message": record.commit.summary},
        )
        entries = [entry for entry in map(self.history.tree(record.id).get, names) if entry is not None]
        return self.switcher.frames(entries, live, None)

    def moved(
        self, state: HalfDone, record: CommitRecord, live: Live, cleared: Sequence[RefChange]
    ) -> tuple[tuple[MergedDataset, ...], dict[str, Any]]:
        """Move the branch to a commit that is published already; what changed there, and the frames."""
        before, after = self.history.tree(state.start), self.history.tree(record.id)
        changed = differing(before, after)
        kept = self.kept(state.branch, live, {name: after.get(name) for name in changed})
        refs = [RefChange(state.branch, "branch", state.start, record.id), *cleared]
        frames = self.published(
            state, record, refs, kept, live, {name: after.get(name) is not None for name in changed}
        )
        return tuple(MergedDataset(name, "theirs") for name in changed), frames
