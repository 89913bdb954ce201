"""The random life of `test_repository_machine` on tables with a key, in which branches are merged as well.

The model merges dicts. Merges are left half done and gone on with, crash, and are undone like everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

import lineageflow_jupyter as lf
from lineageflow_jupyter.merging import MergeResult
from lineageflow_jupyter.repository import Repository
from tests.stateful import keyed
from tests.stateful import test_repository_machine as machine
from tests.stateful.merging import HALF, MergePlan, MergingModel, Resolve
from tests.stateful.model import Plan
from tests.stateful.specs import KINDS

_who, _branch = machine._who, st.sampled_from(("dev", "main", "dev", "main", "try"))
_side = st.sampled_from(("ours", "theirs", "base"))
_resolve = st.none() | st.none() | _side | st.dictionaries(st.sampled_from(("x", "name")), _side, min_size=1)
_picked = st.sampled_from(("dev", "main", "HEAD~1", "dev~1", "main~1", "try", "missing")) | st.integers(0, 40)
_edit = st.tuples(
    st.sampled_from(("main", "dev")),
    machine._dataset,
    st.sampled_from((*KINDS, "rm")),
    st.integers(0, 3),  # both sides often meet in a row
    machine._value,
)


def _clash(dataset: str, value: int) -> list[tuple[str, str, str, int, int]]:
    """Edits that give one cell another value on each branch."""
    return [("main", dataset, "set", 0, value), ("dev", dataset, "set", 0, value + 1)]


def _no_step(name: str) -> Callable[..., None]:
    """A step of the other machine that is not taken here by itself: there is enough to do."""
    step: Callable[..., None] = getattr(machine.RepositoryMachine, name)
    return lambda self, *arguments: step(self, *arguments)


class MergeMachine(machine.RepositoryMachine):
    model_of = MergingModel
    model: MergingModel
    fresh = staticmethod(keyed.fresh)  # type: ignore[assignment]
    edited = staticmethod(keyed.edited)  # type: ignore[assignment]
    key = keyed.KEY

    read, tag, delete_tag, forget_a_variable = map(_no_step, ("read", "tag", "delete_tag", "forget_a_variable"))
    checkout, restore, stash, unstash = map(_no_step, ("checkout", "restore", "stash", "unstash"))
    edit_and_reset, edit_and_restore_a_part = map(_no_step, ("edit_and_reset", "edit_and_restore_a_part"))
    revisions_lead_where_they_should = _no_step("revisions_lead_where_they_should")

    # --- doing what is planned

    def _open(self, who: str) -> None:
        super()._open(who)
        self.model.merge_refs[who] = f"merge/{self.repos[who].head.workspace}"

    def _new_ids(self, plan: Plan) -> dict[str, str]:
        ids = super()._new_ids(plan)
        if any(change.after == HALF for change in plan.changes):
            tip = self.repos[plan.who]._history.tip(self.model.merge_refs[plan.who])
            assert tip is not None
            ids["half"] = tip.hex()
        return ids

    def _check_answer(self, plan: Plan, done: Any, before: dict[str, Any], known: dict[str, Any]) -> None:
        super()._check_answer(plan, done, before, known)
        if not isinstance(done, MergeResult):
            return
        assert isinstance(plan, MergePlan)
        assert (done.state, done.open) == (plan.state, sum(plan.open.values()))
        if plan.state != "conflicts":
            assert done.commit is not None
            assert done.commit.id.hex() == self.model.tip(done.branch)
        assert done.frames.keys() == plan.frames.keys()
        for name, frame in done.frames.items():
            machine._assert_equal(plan.frames[name].frame(), frame)
            assert before[name] == known[name], "nothing is replaced that is nowhere else"

    def _merge(self, plan: MergePlan, revision: str, into: str | None, resolve: Resolve, fast_forward: bool) -> None:
        live = self._live(plan.who)
        arguments = {"into": into, "resolve": resolve, "live": live, "fast_forward": fast_forward}
        if plan.error is None and plan.who not in self.armed:
            tried = self.repos[plan.who].merge(revision, dry_run=True, **arguments)  # type: ignore[arg-type]
            assert (tried.state, tried.open) == (plan.state, sum(plan.open.values()))
        self._do(plan, lambda repo: repo.merge(revision, **arguments))  # type: ignore[arg-type]

    # --- steps

    @rule(
        who=_who,
        revision=_branch | machine._revision,
        into=st.sampled_from((None, None, None, "main", "dev", "missing")),
        resolve=_resolve,
        fast_forward=st.sampled_from((True, True, False)),
    )
    def merge(self, who: str, revision: str | int, into: str | None, resolve: Resolve, fast_forward: bool) -> None:
        name = self._mergeable(revision)
        plan = self.model.merge(who, name, into, resolve, fast_forward=fast_forward)
        self._merge(plan, name, into, resolve, fast_forward)

    def _part(self, who: str, edits: list[Any], branches: tuple[str, ...]) -> None:
        """Commit edits on each of some branches."""
        for branch in branches:
            if branch not in self.model.refs:
                self.branch(who, branch, 0)
            self.switch(who, branch, False, "HEAD", True)
            for where, dataset, kind, at, value in edits:
                if where == branch and kind != "rm":
                    self.edit(who, dataset, kind, at, value)
            self.commit(who, set(machine.DATASETS), "")
            for where, dataset, kind, _, _ in edits:
                if where == branch and kind == "rm":
                    self.datasets(who, "rm", dataset, dataset)

    @rule(who=_who, edits=st.lists(_edit, min_size=2, max_size=6), resolve=_resolve, backwards=st.booleans())
    def part_and_merge(self, who: str, edits: list[Any], resolve: Resolve, backwards: bool) -> None:
        branches = ("main", "dev") if backwards else ("dev", "main")
        self._part(who, edits, branches)
        self.merge(who, branches[0], None, resolve, True)

    @rule(
        who=_who,
        other=_who,
        edits=st.lists(_edit, max_size=3),
        value=st.integers(0, 3),
        dataset=machine._dataset,
        then=st.sampled_from(("", "commit", "commit", "reopen", "undo", "abort", "part", "crash")),
        resolve=_resolve,
    )
    def leave_half_done(
        self, who: str, other: str, edits: list[Any], value: int, dataset: str, then: str, resolve: Resolve
    ) -> None:
        """Leave a merge half done, do something else, and go on with it."""
        self._part(who, [*edits, *_clash("t", value)], ("dev", "main"))
        self.merge(who, "dev", None, None, True)
        if then == "commit":
            self.switch(other, "main", False, "HEAD", True)
            self.edit_and_commit(other, dataset, "set", 0, value + 2)
        elif then == "reopen":
            self.reopen(who)
        elif then == "undo":
            self.undo(who, 1)
            self._do(self.model.redo(who), lambda repo: repo.redo(live=self._live(who)))
        elif then == "abort":
            self.abort(who)
            self.undo(who, 1)
        elif then == "part":
            self._resume(who, {"x": "theirs"})
        elif then == "crash":
            self.will_crash(who, "journal")
        self._resume(who, resolve)
        if self.model.half(who):
            self._resume(who, "ours")

    @rule(
        who=_who,
        edits=st.lists(_edit, max_size=3),
        more=st.lists(_edit, max_size=3),
        value=st.integers(0, 3),
        sides=st.tuples(_side, _side),
        resolve=_resolve,
    )
    def merge_crosswise(
        self, who: str, edits: list[Any], more: list[Any], value: int, sides: tuple[str, str], resolve: Resolve
    ) -> None:
        """Merge two branches into each other at once, go on with both, and merge again: there are two merge bases."""
        self._part(who, [*edits, *_clash("u", value)], ("dev", "main"))
        tip = self.model.tip("main")
        self.merge(who, "dev", None, sides[0], False)
        if tip is not None:
            self.merge(who, tip, "dev", sides[1], False)
        self._part(who, more, ("dev", "main"))
        self.merge(who, "dev", None, resolve, True)

    @rule(who=_who, revision=_picked, verb=st.sampled_from(("revert", "cherry-pick")), resolve=_resolve,
          mainline=st.sampled_from((None, None, 1, 2)))  # fmt: skip
    def pick(self, who: str, revision: str | int, verb: str, resolve: Resolve, mainline: int | None) -> None:
        name, live = self._mergeable(revision), self._live(who)
        plan = self.model.pick(who, verb, name, mainline, resolve)

        def call(repo: Repository) -> MergeResult:
            done = repo.revert if verb == "revert" else repo.cherry_pick
            return done(name, resolve=resolve, mainline=mainline, live=live)

        self._do(plan, call)

    def _resume(self, who: str, resolve: Resolve) -> None:
        live = self._live(who)
        self._do(self.model.resume(who, resolve), lambda repo: repo.resume(resolve=resolve, live=live))

    @precondition(lambda self: any(self.model.half(who) for who in self.repos))
    @rule(number=st.integers(0, 5), resolve=_resolve, again=st.booleans())
    def resume_what_is_half_done(self, number: int, resolve: Resolve, again: bool) -> None:
        halves = [who for who in self.repos if self.model.half(who)]
        who = halves[number % len(halves)] if number < 5 else machine.WORKSPACES[0]
        if again:
            self.reopen(who)
        self._resume(who, resolve)

    @precondition(lambda self: any(self.model.half(who) for who in self.repos))
    @rule(who=_who)
    def abort(self, who: str) -> None:
        self._do(self.model.abort(who), lambda repo: repo.abort())

    def _mergeable(self, revision: str | int) -> str:
        """A revision that is no stash."""
        if isinstance(revision, int):
            commits = self.model.committed()
            return commits[revision % len(commits)] if commits else "HEAD"
        return "HEAD" if revision.startswith("stash") else revision

    # --- what must always be true

    @invariant()
    def half_done_merges_are_what_they_should_be(self) -> None:
        for who, repo in self.repos.items():
            half, found = self.model.half(who), repo.half_done
            assert (half is None) == (found is None)
            if half is not None and found is not None:
                assert (found.verb, found.branch, found.ours.hex()) == (half.verb, half.branch, half.ours)
                assert (found.theirs and found.theirs.hex()) == half.theirs

    def _audit(self, repo: Repository) -> None:
        for commit, parents in self.model.parents.items():
            assert machine._parents(repo.resolve(commit)) == parents
        for who, seat in self.model.seats.items():
            half = self.model.half(who) if seat.log else None
            if half is not None:
                with lf.open(self.folder, workspace=machine._name(who)) as own:
                    shown = {name: len(frame) for name, frame in own.conflicts().items()}
                assert shown == self.model.shown(half)
        super()._audit(repo)


MergeMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes longer than a test may
    suppress_health_check=list(HealthCheck),
)
TestMergeMachine = MergeMachine.TestCase
