"""Rebase: the commits of a branch that another history lacks, put on top of it one by one, each as a three-way merge.

Every new commit is published at once, without a ref: the next one rests on it. The branch moves at the end, in one
publication that can be undone; what an interrupted rebase made until then is garbage for gc.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lineageflow_jupyter.combination import Combiner, differing
from lineageflow_jupyter.errors import RefMoved, UsageProblem
from lineageflow_jupyter.half_done import HalfDone
from lineageflow_jupyter.history import History
from lineageflow_jupyter.keeping import Keeper
from lineageflow_jupyter.landing import Landing
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.merge_reports import REBASED, UP_TO_DATE, MergeResult
from lineageflow_jupyter.publishing import Publisher
from lineageflow_jupyter.resolving import Resolve, check_rules
from lineageflow_jupyter.switching import Live
from lineageflow_jupyter.workspace import Workspace

REBASE = "rebase"
ROUNDS = 10
"""How often others may move the branch meanwhile; their commits are put on top as well."""


@dataclass(frozen=True, slots=True)
class Rebaser:
    """Puts commits of HEAD's branch on top of others."""

    history: History
    workspace: Workspace
    publisher: Publisher
    combiner: Combiner
    keeper: Keeper
    landing: Landing

    def rebase(self, upstream: str, onto: str | None, resolve: Resolve, live: Live) -> MergeResult:
        """See `Repository.rebase`."""
        check_rules(resolve)
        self.keeper.nothing_under_way()
        head = self.workspace.head
        known = self.history.resolve(upstream, head)
        target = known if onto is None else self.history.resolve(onto, head)
        branch, tip = self.landing.tip(None)
        if not self.history.merge_bases(tip, known.id):
            raise UsageProblem(
                f"{upstream!r} and branch {branch!r} share no history",
                remedy="Commit what you need of it: `%lf restore NAME --source REV`",
            )
        left = self._commits(known.id, tip)
        state = HalfDone(branch, onto or upstream, target.id, None, "", REBASE, tip=tip, left=left)
        above = self.history.lacked(target.id, tip)
        if {record.id for record in above} == set(left) and self.history.contains(tip, target.id):
            return self._result(state, UP_TO_DATE)
        before, after = self.history.tree(tip), self.history.tree(target.id)
        self.landing.kept(branch, live, {name: after.get(name) for name in differing(before, after)})
        return self.go_on(state, resolve, live)

    def go_on(self, state: HalfDone, resolve: Resolve, live: Live) -> MergeResult:
        """Put on top what is left, from the commit that the state stopped at."""
        for _ in range(ROUNDS):
            state = self.followed(state)
            while state.theirs is not None or state.left:
                state = state if state.theirs is not None else self._next(state)
                combined = self.combiner.combined(state, resolve)
                if combined.open:
                    return self.keeper.leave(state, resolve, combined)
                record, written = self.landing.written(state, combined, (state.ours,))
                if record.commit.tree == self.history.record(state.ours).commit.tree:
                    state = _between(state)  # the other history has it already
                    continue
                detail = {"message": f"{short(state.theirs or record.id)} on top of {short(state.ours)}"}
                self.publisher.publish(REBASE, (), written, detail=detail)
                state = replace(_between(state), ours=record.id, done=(*state.done, record.id))
            try:
                return self._landed(state, live)
            except RefMoved:
                if self.history.tip(state.branch) == state.tip:
                    raise
        raise RefMoved(f"branch {state.branch!r} moved {ROUNDS} times meanwhile", remedy="Rebase again in a moment")

    def skip(self, resolve: Resolve, live: Live) -> MergeResult:
        """See `Repository.skip`."""
        check_rules(resolve)
        state = self.keeper.required()
        if state.verb != REBASE:
            raise UsageProblem(
                f"a {state.verb} is under way, and it has one commit only",
                remedy=f"Forget it: `%lf {state.verb} --abort`",
            )
        return self.go_on(_between(state), resolve, live)

    def followed(self, state: HalfDone) -> HalfDone:
        """The state with what others have put on the branch since it began.

        Raises
        ------
        RefMoved
            If the branch has gone elsewhere.
        """
        tip = self.history.tip(state.branch)
        if tip == state.tip:
            return state
        if tip is None:  # deleted, or its first commit was taken back: both are refused
            _, tip = self.landing.tip(state.branch)
        if not self.history.contains(tip, state.start):
            raise RefMoved(
                f"branch {state.branch!r} has moved elsewhere since the rebase began",
                remedy="Begin again: `%lf rebase --abort`, then `%lf rebase`",
            )
        return replace(state, tip=tip, left=(*state.left, *self._commits(state.start, tip)))

    def _commits(self, known: ObjectId, tip: ObjectId) -> tuple[ObjectId, ...]:
        """Commits that a history lacks, oldest first; merges are left out, as their parts are among them."""
        found = self.history.lacked(known, tip)
        return tuple(record.id for record in reversed(found) if len(record.commit.parents) < 2)

    def _next(self, state: HalfDone) -> HalfDone:
        picked, *left = state.left
        commit = self.history.record(picked).commit
        return replace(
            state, theirs=picked, bases=commit.parents, message=commit.message, author=commit.author, left=tuple(left)
        )

    def _landed(self, state: HalfDone, live: Live) -> MergeResult:
        """Move the branch to what was made."""
        cleared = self.keeper.cleared()
        if state.ours == state.tip:
            if cleared:
                self.publisher.publish(REBASE, cleared, detail={"message": f"nothing to do on top of {state.merged}"})
            return self._result(state, UP_TO_DATE)
        record = self.history.record(state.ours)
        told, frames = self.landing.moved(state, record, live, cleared)
        return replace(self._result(state, REBASED), datasets=told, frames=frames)

    def _result(self, state: HalfDone, how: str) -> MergeResult:
        record = self.history.record(state.start if how == UP_TO_DATE else state.ours)
        return MergeResult(how, state.branch, state.merged, record, verb=REBASE, done=len(state.done))


def _between(state: HalfDone) -> HalfDone:
    """The state without the commit that was being put on top."""
    return replace(state, theirs=None, bases=None, author=None, message="", chosen={}, taken={}, decisions={})
