"""What is to become of merges, reverts and cherry-picks: the part of the model that knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lineageflow_jupyter.errors import RefMoved, UncommittedChanges, UnknownName, UsageProblem
from tests.merge.test_keyed import ROW
from tests.stateful.keyed import Keyed, merged
from tests.stateful.model import NEW, Change, Model, Plan, Tree

HALF = "the new half-done merge"
Resolve = str | Mapping[str, str] | None
"""A side, or sides by column: rows are then left open."""


@dataclass(frozen=True)
class Half:
    """A merge that is begun, and what is decided."""

    verb: str
    branch: str
    merged: str
    ours: str
    theirs: str | None
    bases: tuple[str, ...] | None = None
    """None: what both have in common."""
    decided: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By dataset that both sides changed: sides chosen for its columns, and for its rows."""


@dataclass
class MergePlan(Plan):
    """What a merge is to do."""

    state: str = ""
    half: Half | None = None
    open: dict[str, int] = field(default_factory=dict)
    """Conflicts that are left, by dataset."""


@dataclass
class Combined:
    """Two trees over a third."""

    tree: dict[str, Keyed]
    both: dict[str, list[str]]
    """Datasets that both sides changed, with their conflicts."""
    open: dict[str, int]


class MergingModel(Model):
    """A repository whose branches are merged."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names)
        self.halves: dict[str, Half] = {}
        """By their commits."""
        self.merge_refs: dict[str, str] = {}
        """Names of the refs that hold them, by workspace."""

    @staticmethod
    def _mixed(*_: object) -> None:
        """What comes out of mixing two versions is not told here."""

    # --- looking

    def half(self, who: str) -> Half | None:
        """What a workspace has begun and not ended."""
        tip = self.tip(self.merge_refs[who])
        return None if tip is None else self.halves[tip]

    def shown(self, half: Half) -> dict[str, int]:
        """How many conflicts each dataset has that both changed and of which something is left to decide."""
        found = self._combined(half, None)
        return {name: len(conflicts) for name, conflicts in found.both.items() if name in found.open}

    def committed(self) -> list[str]:
        """Commits but for stashes, which may hold datasets without a key."""
        stashes = {line.after for name in self.noted for line in self.reflogs[name]}
        return [commit for commit in self.trees if commit not in stashes]

    def merge_bases(self, one: str, other: str) -> list[str]:
        shared = [commit for commit in self.history(one) if commit in self.history(other)]
        before = {parent for commit in shared for parent in self.history(commit) if parent != commit}
        return sorted((commit for commit in shared if commit not in before), key=self._age, reverse=True)

    def _age(self, commit: str) -> tuple[int, int]:
        return self._generation(commit), list(self.parents).index(commit)

    def _generation(self, commit: str) -> int:
        return 1 + max(map(self._generation, self.parents[commit]), default=0)

    # --- verbs

    def merge(self, who: str, revision: str, into: str | None, resolve: Resolve, *, fast_forward: bool) -> MergePlan:
        branch = into or self.seats[who].branch
        theirs, tip = self.resolve(who, revision), self.tip(branch)
        if self.half(who) is not None:
            return MergePlan(who, "merge", UsageProblem)
        if theirs is None or tip is None:
            return MergePlan(who, "merge", UnknownName)
        bases = self.merge_bases(tip, theirs)
        if not bases:
            return MergePlan(who, "merge", UsageProblem)
        if theirs in bases:
            return MergePlan(who, "merge", state="up to date", logged=False)
        half = Half("merge", branch, revision, tip, theirs)
        if tip in bases and fast_forward:
            tree = self.tree(theirs)
            changed = {name for name in {*tree, *self.tree(tip)} if tree.get(name) != self.tree(tip).get(name)}
            changes = [Change(branch, "branch", tip, theirs)]
            return self._moving(MergePlan(who, "merge", state="fast-forward", changes=changes), half, tree, changed, ())
        return self._merged(who, half, resolve)

    def pick(self, who: str, verb: str, revision: str, mainline: int | None, resolve: Resolve) -> MergePlan:
        """Revert or cherry-pick."""
        seat, commit = self.seats[who], self.resolve(who, revision)
        if self.half(who) is not None or commit is None:
            return MergePlan(who, verb, UnknownName if self.half(who) is None else UsageProblem)
        parents, tip = self.parents[commit], self.tip(seat.branch)
        if (mainline is None and len(parents) > 1) or (mainline is not None and mainline > len(parents)):
            return MergePlan(who, verb, UsageProblem)
        if tip is None:
            return MergePlan(who, verb, UnknownName)
        parent = parents[(mainline or 1) - 1] if parents else None
        if verb == "revert":
            return self._merged(
                who, Half(verb, seat.branch, f"the state before {commit[:7]}", tip, parent, (commit,)), resolve
            )
        bases = () if parent is None else (parent,)
        return self._merged(who, Half(verb, seat.branch, commit[:7], tip, commit, bases), resolve)

    def resume(self, who: str, resolve: Resolve) -> MergePlan:
        half = self.half(who)
        if half is None:
            return MergePlan(who, "merge", UsageProblem)
        tip = self.tip(half.branch)
        if tip is None:
            return MergePlan(who, half.verb, UnknownName)
        before, after = self.tree(half.ours), self.tree(tip)
        if any(before.get(name) != after.get(name) for name in half.decided):
            return MergePlan(who, half.verb, RefMoved)
        return self._merged(who, replace(half, ours=tip), resolve)

    def abort(self, who: str) -> MergePlan:
        if self.half(who) is None:
            return MergePlan(who, "merge --abort", UsageProblem)
        return MergePlan(who, "merge --abort", changes=self._cleared(who))

    # --- how

    def _cleared(self, who: str) -> list[Change]:
        name = self.merge_refs[who]
        return [] if self.tip(name) is None else [Change(name, "hidden", self.tip(name), None)]

    def _merged(self, who: str, half: Half, resolve: Resolve) -> MergePlan:
        found = self._combined(half, resolve)
        if found.open:
            name = self.merge_refs[who]
            verb = half.verb if self.tip(name) is None else f"{half.verb} --continue"
            chosen = resolve if isinstance(resolve, Mapping) else {}
            half = replace(half, decided={each: {**chosen, **half.decided.get(each, {})} for each in found.both})
            change = Change(name, "hidden", self.tip(name), HALF)
            return MergePlan(who, verb, changes=[change], state="conflicts", half=half, open=found.open, writes=True)
        before = self.tree(half.ours)
        changed = {name for name in {*before, *found.tree} if before.get(name) != found.tree.get(name)} | {*found.both}
        parents = (half.ours, half.theirs) if half.verb == "merge" and half.theirs is not None else (half.ours,)
        changes = [Change(half.branch, "branch", half.ours, NEW), *self._cleared(who)]
        plan = MergePlan(who, half.verb, tree=found.tree, parents=parents, changes=changes, state="merged")
        plan = self._moving(plan, half, found.tree, changed, found.both)
        if plan.error is None and half.verb != "merge" and found.tree == before:
            cleared = self._cleared(who)
            return MergePlan(who, half.verb, changes=cleared, state="up to date", logged=bool(cleared), writes=True)
        return plan

    def _moving(
        self, plan: MergePlan, half: Half, tree: Tree, changed: Iterable[str], both: Iterable[str]
    ) -> MergePlan:
        """The plan with what becomes of frames and HEAD, if the branch is that of HEAD."""
        seat = self.seats[plan.who]
        if half.branch != seat.branch:
            return plan
        live = {name: tree.get(name) for name in changed if name in seat.live}
        # A frame that equals what comes of both sides is nowhere yet.
        kept = self._kept(seat, {name: None if name in both else spec for name, spec in live.items()}, force=False)  # type: ignore[misc]
        if kept is None:
            return replace(plan, error=UncommittedChanges)
        after = next(change.after for change in plan.changes)
        assert after is not None
        plan.bases = {name: after for name, spec in live.items() if spec is not None}
        plan.forgotten = [name for name in changed if name not in tree]
        frames = {name: spec for name, spec in live.items() if spec is not None and name not in kept.equal}
        plan.frames = frames
        plan.origins = {name: (kept.origins.get(name), spec) for name, spec in frames.items()}
        return plan

    def _combined(self, half: Half, resolve: Resolve) -> Combined:
        ours, theirs = self.tree(half.ours), self.tree(half.theirs)
        bases: Sequence[str] = self.merge_bases(half.ours, half.theirs or "") if half.bases is None else half.bases
        trees = [self.tree(base) for base in bases] or [{}]
        found = Combined({}, {}, {})
        for name in sorted({*ours, *theirs}.union(*trees)):
            mine, other, held = ours.get(name), theirs.get(name), [tree.get(name) for tree in trees]
            known = len({*held}) == 1
            if mine == other or (known and other == held[0]):
                kept = mine
            elif known and mine == held[0]:
                kept = other
            elif mine is None or other is None:
                side = resolve if isinstance(resolve, str) else None
                if side is None:
                    found.open[name] = 1
                kept = {"ours": mine, "theirs": other, "base": next(filter(None, held), None)}[side or "ours"]
            else:
                kept = self._both(found, half, name, self._common(bases, name), mine, other, resolve)
            if kept is not None:
                found.tree[name] = kept
        return found

    def _both(
        self, found: Combined, half: Half, name: str, base: Keyed | None, mine: Keyed, other: Keyed, resolve: Resolve
    ) -> Keyed:
        sides = dict.fromkeys(("x", "name", ROW), resolve) if isinstance(resolve, str) else resolve or {}
        chosen = {**sides, **half.decided.get(name, {})}
        kept, found.both[name] = merged(base, mine, other, chosen)
        left = sum(what not in chosen for what in found.both[name])
        if left:
            found.open[name] = left
        return kept

    def _common(self, commits: Sequence[str], name: str) -> Keyed | None:
        """The common version; of several their merge over what they have in common, conflicts as they were there."""
        held = {spec: commit for commit in commits if (spec := self.tree(commit).get(name)) is not None}
        if not held:
            return None
        (found, start), *others = held.items()
        for spec, commit in others:
            inner = self._common(self.merge_bases(start, commit), name)
            found, _ = merged(inner, found, spec, "ours" if inner is None else "base")
        return found

    def take(self, plan: Plan, *, commit: str = "", stash: str = "", stash_ref: str = "", half: str = "") -> None:
        if isinstance(plan, MergePlan) and plan.half is not None:
            self.halves[half] = plan.half
            plan.changes = [replace(change, after=half) for change in plan.changes]
        super().take(plan, commit=commit, stash=stash, stash_ref=stash_ref)
