"""Merging two branches: what each side did since their histories parted, in one commit with two parents.

revert and cherry-pick are the same with other sides. What cannot be decided is kept as a half-done merge (`keeping`):
`resume` goes on from there, `abort` forgets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineageflow_jupyter.combination import Combination, Combiner, conflict_frames, differing
from lineageflow_jupyter.errors import RefMoved, UnknownName, UsageProblem
from lineageflow_jupyter.half_done import HalfDone
from lineageflow_jupyter.history import History
from lineageflow_jupyter.keeping import Keeper, no_merge
from lineageflow_jupyter.landing import Landing
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.merge_reports import (
    CONFLICTS,
    FAST_FORWARD,
    MERGED,
    UP_TO_DATE,
    MergedDataset,
    MergeResult,
)
from lineageflow_jupyter.model.records import CommitRecord, RefChange
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.rebasing import REBASE, Rebaser
from lineageflow_jupyter.resolving import Resolve, check_rules, decided_by_hand
from lineageflow_jupyter.switching import Live
from lineageflow_jupyter.workspace import Workspace

ROUNDS = 10
"""How often a merge is computed anew when others move the branch meanwhile."""


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges commits into branches."""

    history: History
    workspace: Workspace
    publisher: Publisher
    combiner: Combiner
    keeper: Keeper
    landing: Landing
    rebaser: Rebaser

    def merge(
        self,
        revision: str,
        into: str | None,
        resolve: Resolve,
        message: str | None,
        live: Live,
        *,
        dry_run: bool,
        fast_forward: bool,
    ) -> MergeResult:
        """See `Repository.merge`."""
        check_rules(resolve)
        self.keeper.nothing_under_way(dry_run=dry_run)
        theirs = self.history.resolve(revision, self.workspace.head)
        branch, tip = self.landing.tip(into)
        bases = self._bases(branch, tip, revision, theirs.id)
        if theirs.id in bases:
            return MergeResult(UP_TO_DATE, branch, revision, self.history.record(tip), dry_run=dry_run)
        started = HalfDone(branch, revision, tip, theirs.id, message or f"merge {revision} into {branch}")
        if tip in bases and fast_forward:
            return self._fast_forward(started, theirs, live, dry_run=dry_run)
        return self._merged(started, resolve, live, dry_run=dry_run)

    def revert(
        self, revision: str, resolve: Resolve, message: str | None, mainline: int | None, live: Live, *, dry_run: bool
    ) -> MergeResult:
        """See `Repository.revert`."""
        record, parent, branch, tip = self._picked(revision, resolve, mainline, dry_run=dry_run)
        told = message or f'revert "{record.commit.summary}"\n\nThis takes back commit {short(record.id)}.'
        state = HalfDone(branch, f"the state before {short(record.id)}", tip, parent, told, "revert", (record.id,))
        return self._merged(state, resolve, live, dry_run=dry_run)

    def cherry_pick(
        self, revision: str, resolve: Resolve, message: str | None, mainline: int | None, live: Live, *, dry_run: bool
    ) -> MergeResult:
        """See `Repository.cherry_pick`."""
        record, parent, branch, tip = self._picked(revision, resolve, mainline, dry_run=dry_run)
        bases = () if parent is None else (parent,)
        told = message or record.commit.message
        state = HalfDone(branch, short(record.id), tip, record.id, told, "cherry-pick", bases, record.commit.author)
        return self._merged(state, resolve, live, dry_run=dry_run)

    def resume(self, resolve: Resolve, by_hand: Mapping[str, Any], live: Live) -> MergeResult:
        """See `Repository.resume`."""
        check_rules(resolve)
        state = self.keeper.required()
        if state.verb == REBASE:
            state = self.rebaser.followed(state)
        elif (tip := self.history.tip(state.branch)) != state.ours:
            state = self._carried_over(state, tip)
        known = self.combiner.combined(state, None) if by_hand else None
        for name, frame in by_hand.items():
            assert known is not None
            plan = known.plans.get(name)
            if plan is None:
                raise UnknownName(
                    f"{name!r} is not in conflict", remedy=f"In conflict: {', '.join(known.plans) or 'nothing'}"
                )
            answers = decided_by_hand(plan, frame, known.decisions[name])
            state = replace(
                state,
                decisions={**state.decisions, name: answers.decisions},
                chosen={**state.chosen, name: {**state.chosen.get(name, {}), **answers.columns}},
            )
        if state.verb == REBASE:
            return self.rebaser.go_on(state, resolve, live)
        return self._merged(state, resolve, live, dry_run=False)

    def abort(self) -> HalfDone:
        """Forget the half-done merge."""
        state = self.keeper.found()
        if state is None:
            raise no_merge()
        detail = {"message": f"abort the {state.verb} of {state.merged}"}
        self.publisher.publish(f"{state.verb} --abort", self.keeper.cleared(), detail=detail)
        return state

    def conflicts(self) -> dict[str, Any]:
        """Frames of what is open in the half-done merge, by dataset."""
        return conflict_frames(self.combiner.combined(self.keeper.required(), None))

    # --- a merge -----------------------------------------------------------------------------------------------------

    def _picked(
        self, revision: str, resolve: Resolve, mainline: int | None, *, dry_run: bool
    ) -> tuple[CommitRecord, ObjectId | None, str, ObjectId]:
        """A commit that is picked, what its changes are against, HEAD's branch and its tip."""
        check_rules(resolve)
        self.keeper.nothing_under_way(dry_run=dry_run)
        record = self.history.resolve(revision, self.workspace.head)
        return record, self._parent(record, mainline), *self.landing.tip(None)

    def _parent(self, record: CommitRecord, mainline: int | None) -> ObjectId | None:
        """The commit that a commit's own changes are against."""
        parents = record.commit.parents
        if mainline is None and len(parents) > 1:
            raise UsageProblem(
                f"{short(record.id)} is a merge: it has {len(parents)} parents",
                remedy="Say against which its changes are meant: --mainline 1 is the branch that was merged into",
            )
        number = 1 if mainline is None else mainline
        if mainline is not None and not 1 <= number <= len(parents):
            raise UsageProblem(
                f"{short(record.id)} has {len(parents)} parents, number {number} was asked for", remedy="Count from 1"
            )
        return parents[number - 1] if parents else None

    def _bases(self, branch: str, tip: ObjectId, revision: str, theirs: ObjectId) -> list[ObjectId]:
        bases = self.history.merge_bases(tip, theirs)
        if not bases:
            raise UsageProblem(
                f"{revision!r} and branch {branch!r} share no history",
                remedy=f"Commit what you need of it: `%lf restore NAME --source {revision}`",
            )
        return bases

    def _fast_forward(self, state: HalfDone, theirs: CommitRecord, live: Live, *, dry_run: bool) -> MergeResult:
        if dry_run:
            names = differing(self.history.tree(state.ours), self.history.tree(theirs.id))
            told = tuple(MergedDataset(name, "theirs") for name in names)
            return MergeResult(FAST_FORWARD, state.branch, state.merged, theirs, told, dry_run=True)
        told, frames = self.landing.moved(state, theirs, live, ())
        return MergeResult(FAST_FORWARD, state.branch, state.merged, theirs, told, frames=frames)

    def _merged(self, state: HalfDone, resolve: Resolve, live: Live, *, dry_run: bool) -> MergeResult:
        for _ in range(ROUNDS):
            combined = self.combiner.combined(state, resolve)
            self.combiner.check_columns(combined, resolve)
            if combined.open and not dry_run:
                return self.keeper.leave(state, resolve, combined)
            if dry_run:
                told, frames = combined.told(), conflict_frames(combined)
                found = CONFLICTS if combined.open else MERGED
                if state.verb != "merge" and not combined.open and self.landing.changes_nothing(state, combined):
                    found = UP_TO_DATE
                return MergeResult(found, state.branch, state.merged, None, told, frames, dry_run=True, verb=state.verb)
            try:
                return self._finished(state, combined, live)
            except RefMoved:
                tip = self.history.tip(state.branch)
                if tip == state.ours:
                    raise
                state = self._carried_over(state, tip)
        raise RefMoved(f"branch {state.branch!r} moved {ROUNDS} times meanwhile", remedy="Merge again in a moment")

    def _finished(self, state: HalfDone, combined: Combination, live: Live) -> MergeResult:
        taken = differing(self.history.tree(state.ours), combined.taken)
        changed = {name: name in combined.plans or combined.taken.get(name) is not None for name in taken}
        kept = self.landing.kept(state.branch, live, {name: combined.taken.get(name) for name in changed})
        parents = (state.ours,) if state.verb != "merge" or state.theirs is None else (state.ours, state.theirs)
        record, written = self.landing.written(state, combined, parents)
        if state.verb != "merge" and record.commit.tree == self.history.record(state.ours).commit.tree:
            return self._nothing_done(state)
        refs = [RefChange(state.branch, "branch", state.ours, record.id), *self.keeper.cleared()]
        frames = self.landing.published(state, record, refs, kept, live, changed, written)
        return MergeResult(MERGED, state.branch, state.merged, record, combined.told(), frames=frames, verb=state.verb)

    def _nothing_done(self, state: HalfDone) -> MergeResult:
        """Result of a pick that the branch has all of already; what was half done is forgotten."""
        cleared = self.keeper.cleared()
        if cleared:
            self.publisher.publish(state.verb, cleared, detail={"message": f"nothing to do for {state.merged}"})
        return MergeResult(UP_TO_DATE, state.branch, state.merged, self.history.record(state.ours), verb=state.verb)

    def _carried_over(self, state: HalfDone, tip: ObjectId | None) -> HalfDone:
        """The state on top of a branch that moved, if what is decided does not rest on what moved."""
        if tip is None:  # deleted, or its first commit was taken back: both are refused
            _, tip = self.landing.tip(state.branch)
        before, after = self.history.tree(state.ours), self.history.tree(tip)
        for name in (*state.decisions, *state.chosen):
            if before.get(name) != after.get(name):
                raise RefMoved(
                    f"branch {state.branch!r} has a new version of {name!r} since the merge began",
                    remedy="Begin again: `%lf merge --abort`, and then `%lf merge "
                    f"{state.merged}`; until then `%lf merge --conflicts` shows what was decided",
                )
        return replace(state, ours=tip)
