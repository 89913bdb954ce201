"""What a user of Git would expect of a repository of frames, in plain dicts. Nothing of what is tested is used here.

A verb answers with a `Plan`: the error that is due, or all that is to happen. `Model.take` carries a plan out, once it
is known under which names the repository has stored its commit and its stash.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lineageflow_jupyter.errors import NameTaken, RefMoved, UncommittedChanges, UnknownName, UsageProblem
from tests.stateful.specs import Spec, mixed

Tree = Mapping[str, Spec]
NEW, STASH = "the new commit", "the new stash"
"""Stand for commits until their ids are known; STASH also for the name of its ref."""
_REVISION = re.compile(r"(?P<base>[^@~]*)(@\{(?P<at>-?\d+)\})?(~(?P<back>\d+))?")


class Ref(NamedTuple):
    """What a name points to, and the message of an annotated tag."""

    kind: str
    commit: str
    said: str | None = None


@dataclass(frozen=True)
class Change:
    """A ref that moves."""

    name: str
    kind: str
    before: str | None
    after: str | None
    said: str | None = None
    said_before: str | None = None


@dataclass
class Operation:
    """A line of the operation log, with what is needed to take it back."""

    verb: str
    changes: tuple[Change, ...]
    head: tuple[str, str, dict[str, tuple[str | None, str | None]]] | None
    frames: dict[str, tuple[Spec | None, Spec | None]]
    noted: dict[str, str | None]
    renamed: tuple[str, str] | None
    reverses: Operation | None


class Line(NamedTuple):
    """A line of a reflog."""

    before: str | None
    after: str | None
    operation: Operation


@dataclass
class Seat:
    """What the model knows of a workspace: as its process knows it, and as it is stored."""

    branch: str = "main"
    bases: dict[str, str] = field(default_factory=dict)
    stored: tuple[str, dict[str, str]] = ("main", {})
    live: dict[str, Spec] = field(default_factory=dict)
    log: list[Operation] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """Reflog of its HEAD, the oldest first."""
    stashes: list[str] = field(default_factory=list)
    """Names of its stashes, the newest first."""


@dataclass
class Plan:
    """What a verb is to do, or the error that is due."""

    who: str
    verb: str
    error: type[Exception] | None = None
    frames: dict[str, Spec] = field(default_factory=dict)
    tree: Tree | None = None
    parents: tuple[str, ...] = ()
    stash: Tree | None = None
    noted: dict[str, str | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    branch: str | None = None
    bases: dict[str, str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    renamed: tuple[str, str] | None = None
    origins: dict[str, tuple[Spec | None, Spec | None]] = field(default_factory=dict)
    logged: bool = True
    """False: only a note of what was seen."""
    always: bool = False
    reverses: Operation | None = None
    created: bool = True
    writes: bool = False
    """Whether it writes values that no commit or stash holds."""


class _Kept(NamedTuple):
    stash: dict[str, Spec]
    equal: set[str]
    origins: dict[str, Spec]


class Model:
    """A repository and its workspaces."""

    def __init__(self, names: Iterable[str]) -> None:
        self.trees: dict[str, Tree] = {}
        self.parents: dict[str, tuple[str, ...]] = {}
        self.refs: dict[str, Ref] = {}
        self.reflogs: dict[str, list[Line]] = {}
        self.noted: dict[str, dict[str, str | None]] = {}
        """By name of a stash, also of a former one: the commits that its frames started from."""
        self.owners: dict[str, str] = {}
        self.operations = 0
        self.seats = {name: Seat() for name in names}

    # --- looking

    def named(self, kind: str) -> dict[str, str]:
        """Refs of a kind with their commits."""
        return {name: ref.commit for name, ref in self.refs.items() if ref.kind == kind}

    def tip(self, name: str) -> str | None:
        """Commit of a ref."""
        return self.refs[name].commit if name in self.refs else None

    def tree(self, commit: str | None) -> Tree:
        """Datasets of a commit."""
        return {} if commit is None else self.trees[commit]

    def seen(self, seat: Seat, dataset: str) -> Spec | None:
        """Version of a dataset that a workspace knows."""
        return self.tree(seat.bases.get(dataset)).get(dataset)

    def history(self, commit: str | None) -> list[str]:
        """A commit and all before it, children before their parents."""
        found: set[str] = set()
        waiting = [] if commit is None else [commit]
        while waiting:
            commit = waiting.pop()
            if commit not in found:
                found.add(commit)
                waiting += self.parents[commit]
        return [commit for commit in reversed(self.parents) if commit in found]

    def gone(self, name: str) -> bool:
        """Whether a branch existed and does not; one whose first commit was taken back is as if it had never been."""
        lines = self.reflogs.get(name, [])
        if name in self.refs or not lines:
            return False
        operation = lines[-1].operation
        return not (operation.verb == "undo" and operation.reverses is not None and operation.reverses.verb == "commit")

    def branch_before(self, seat: Seat, number: int) -> str | None:
        """Branch that a workspace was on so many switches ago."""
        left = [
            line.operation.head[0]
            for line in reversed(seat.lines)
            if line.operation.head is not None
            and line.operation.head[0] != line.operation.head[1]
            and line.operation.renamed is None
        ]
        return left[number - 1] if number <= len(left) else None

    def resolve(self, who: str, revision: str) -> str | None:
        """Commit that a revision names; None where there is none."""
        match = _REVISION.fullmatch(revision)
        assert match is not None, revision
        commit = self._base(self.seats[who], match["base"], match["at"])
        for _ in range(int(match["back"] or 0)):
            commit = None if commit is None else next(iter(self.parents[commit]), None)
        return commit

    def _base(self, seat: Seat, base: str, at: str | None) -> str | None:
        if at is None:
            return self.tip(seat.branch) if base == "HEAD" else base if base in self.trees else self.tip(base)
        number = int(at)
        if number < 0:
            branch = self.branch_before(seat, -number)
            return None if branch is None else self.tip(branch)
        if base == "stash":
            return self.refs[seat.stashes[number]].commit if number < len(seat.stashes) else None
        lines = seat.lines if base == "HEAD" else self.reflogs.get(base or seat.branch, [])
        ends = [line.after for line in reversed(lines)] + [line.before for line in lines[:1]]
        return ends[number] if number < len(ends) else None

    def status(self, seat: Seat, name: str) -> tuple[str, bool]:
        """How a live frame stands against what was seen, and whether the branch has another version."""
        live, seen, now = seat.live.get(name), self.seen(seat, name), self.tree(self.tip(seat.branch)).get(name)
        behind = now is not None and now != seen
        if live is None:
            return "absent", behind
        if seen is None or now is None:
            return "new", behind
        return ("unchanged" if live == seen else "changed"), behind

    # --- committing

    def _branch(self, seat: Seat, name: str) -> type[Exception] | None:
        """Error for a branch that cannot be committed to."""
        if name in self.refs:
            return None if self.refs[name].kind == "branch" else NameTaken
        begins = not self.gone(name) and (name == seat.branch or not self.named("branch"))
        return None if begins else UnknownName

    def commit(self, who: str, datasets: Collection[str], branch: str | None = None) -> Plan:
        seat = self.seats[who]
        branch = branch or seat.branch
        error = self._branch(seat, branch)
        if error is not None:
            return Plan(who, "commit", error)
        tip = self.tip(branch)
        tree = self.tree(tip)
        chosen = {name: seat.live[name] for name in datasets}
        for name, spec in chosen.items():
            if name not in tree:
                base = seat.bases.get(name)
                if tip is not None and base in self.history(tip) and name in self.tree(base):
                    return Plan(who, "commit", RefMoved)  # somebody removed it
            elif tree[name] not in (spec, self.seen(seat, name)):
                return Plan(who, "commit", RefMoved)
        if tip is not None and {**tree, **chosen} == tree:
            return Plan(who, "commit", bases=dict.fromkeys(chosen, tip), logged=False, created=False)
        return self._committing(who, "commit", branch, {**tree, **chosen}, dict.fromkeys(chosen, NEW))

    def _committing(
        self, who: str, verb: str, branch: str, tree: Tree, bases: dict[str, str], forgotten: Sequence[str] = ()
    ) -> Plan:
        tip = self.tip(branch)
        change = Change(branch, "branch", tip, NEW)
        parents = () if tip is None else (tip,)
        return Plan(who, verb, tree=tree, parents=parents, changes=[change], bases=bases, forgotten=list(forgotten))

    def _held(self, seat: Seat, name: str) -> type[Exception] | None:
        """Error for a dataset that the branch does not hold as this workspace knows it."""
        tree = self.tree(self.tip(seat.branch))
        if name not in tree:
            return UnknownName
        return None if tree[name] == self.seen(seat, name) else RefMoved

    def remove(self, who: str, datasets: Sequence[str]) -> Plan:
        seat = self.seats[who]
        for error in (self._branch(seat, seat.branch), *(self._held(seat, name) for name in datasets)):
            if error is not None:
                return Plan(who, "rm", error)
        left = {name: spec for name, spec in self.tree(self.tip(seat.branch)).items() if name not in datasets}
        return self._committing(who, "rm", seat.branch, left, {}, datasets)

    def rename(self, who: str, old: str, new: str) -> Plan:
        seat = self.seats[who]
        error = self._branch(seat, seat.branch) or self._held(seat, old)
        tree = dict(self.tree(self.tip(seat.branch)))
        if error is not None or new in tree:
            return Plan(who, "mv", error or NameTaken)
        tree[new] = tree.pop(old)
        return self._committing(who, "mv", seat.branch, tree, {new: NEW}, [old])

    def add(self, who: str, datasets: Sequence[str]) -> Plan:
        tree = self.tree(self.tip(self.seats[who].branch))
        return Plan(who, "add", forgotten=[name for name in datasets if name not in tree], logged=False)

    def saw(self, who: str, dataset: str, commit: str) -> Plan:
        """What reading a dataset tells: only the branch's present version counts as seen."""
        tip = self.tip(self.seats[who].branch)
        present = tip is not None and self.trees[tip].get(dataset) == self.trees[commit][dataset]
        bases = {dataset: tip} if tip is not None and present else {}
        return Plan(who, "read", bases=bases, logged=False)

    # --- branches and tags

    def make_branch(self, who: str, name: str, at: str) -> Plan:
        commit = self.resolve(who, at)
        if commit is None or name in self.refs:
            return Plan(who, "branch", UnknownName if commit is None else NameTaken)
        return Plan(who, "branch", changes=[Change(name, "branch", None, commit)])

    def _existing(self, seat: Seat, name: str, kind: str) -> type[Exception] | None:
        if name in self.refs and self.refs[name].kind == kind:
            return None
        unborn = name not in self.refs and kind == "branch" and name == seat.branch
        return UsageProblem if unborn else UnknownName

    def rename_branch(self, who: str, old: str, new: str) -> Plan:
        seat = self.seats[who]
        error = self._existing(seat, old, "branch")
        if error is not None or (new in self.refs and new != old):
            return Plan(who, "branch rename", error or NameTaken)
        if new == old:
            return Plan(who, "branch rename", logged=False)
        tip = self.tip(old)
        changes = [Change(old, "branch", tip, None), Change(new, "branch", None, tip)]
        return Plan(
            who, "branch rename", changes=changes, renamed=(old, new), branch=new if old == seat.branch else None
        )

    def delete_branch(self, who: str, name: str, force: bool) -> Plan:
        seat = self.seats[who]
        error = self._existing(seat, name, "branch")
        if error is not None or name == seat.branch:
            return Plan(who, "branch delete", error or UsageProblem)
        others = [ref.commit for other, ref in self.refs.items() if other != name and ref.kind != "hidden"]
        tip = self.refs[name].commit
        if not force and not any(tip in self.history(other) for other in others):
            return Plan(who, "branch delete", UsageProblem)
        return Plan(who, "branch delete", changes=[Change(name, "branch", tip, None)])

    def tag(self, who: str, name: str, at: str, said: str | None, force: bool) -> Plan:
        commit, now = self.resolve(who, at), self.refs.get(name)
        if commit is None or (now is not None and not (force and now.kind == "tag")):
            return Plan(who, "tag", UnknownName if commit is None else NameTaken)
        before = (None, None) if now is None else (now.commit, now.said)
        if before == (commit, said):  # only without messages: with them, they are never equal
            return Plan(who, "tag", logged=False)
        return Plan(who, "tag", changes=[Change(name, "tag", before[0], commit, said, before[1])])

    def delete_tag(self, who: str, name: str) -> Plan:
        error = self._existing(self.seats[who], name, "tag")
        if error is not None:
            return Plan(who, "tag delete", error)
        _, commit, said = self.refs[name]
        return Plan(who, "tag delete", changes=[Change(name, "tag", commit, None, said)])

    # --- operations that give other frames

    def _kept(self, seat: Seat, wanted: Tree, force: bool, left: Tree | None = None) -> _Kept | None:
        """What becomes of live frames that are to be replaced; None where that is refused.

        One that is still as an operation `left` it can be found where the operation took it from.
        """
        stash, equal, origins = {}, set(), {}
        for name, target in wanted.items():
            live = seat.live.get(name)
            if live is None:
                continue
            if live == target:
                equal.add(name)
            elif live in (self.seen(seat, name), (left or {}).get(name)):
                origins[name] = live
            else:
                stash[name] = live
        return None if stash and not force else _Kept(stash, equal, {**origins, **stash})

    def _replacing(self, plan: Plan, kept: _Kept, frames: Tree) -> Plan:
        """The plan with the frames that it gives, and what they replace stashed."""
        seat = self.seats[plan.who]
        plan.frames = dict(frames)
        if not plan.origins:
            plan.origins = {name: (kept.origins.get(name), spec) for name, spec in frames.items()}
        if kept.stash:
            plan.stash = {**self.tree(self.tip(seat.branch)), **kept.stash}
            plan.parents = (tip,) if (tip := self.tip(seat.branch)) is not None else ()
            plan.noted = {name: seat.bases.get(name) for name in kept.stash}
            plan.changes = [*plan.changes, Change(STASH, "hidden", None, STASH)]
        return plan

    def checkout(self, who: str, revision: str, datasets: Sequence[str] | None, force: bool) -> Plan:
        seat, commit = self.seats[who], self.resolve(who, revision)
        if commit is None or any(name not in self.trees[commit] for name in datasets or ()):
            return Plan(who, "checkout", UnknownName)
        names = self.trees[commit].keys() if datasets is None else datasets
        frames = {name: self.trees[commit][name] for name in names}
        kept = self._kept(seat, frames, force)
        if kept is None:
            return Plan(who, "checkout", UncommittedChanges)
        return self._replacing(Plan(who, "checkout", bases=dict.fromkeys(frames, commit)), kept, frames)

    def switch(self, who: str, name: str, create: bool, at: str, force: bool) -> Plan:
        seat = self.seats[who]
        target = self._target(seat, name) if not create else name
        changes = []
        if create:
            if name in self.refs:
                return Plan(who, "switch", NameTaken)
            unborn = at == "HEAD" and seat.branch not in self.refs and not self.gone(seat.branch)
            tip = self.resolve(who, at)
            if tip is None and not unborn:
                return Plan(who, "switch", UnknownName)
            changes = [] if tip is None else [Change(name, "branch", None, tip)]
        elif target is None:
            return Plan(who, "switch", UnknownName)
        else:
            tip = self.tip(target)
        assert target is not None
        tree = self.tree(tip)
        wanted = {name: tree[name] for name in seat.live if name in tree and tree[name] != self.seen(seat, name)}
        kept = self._kept(seat, wanted, force)
        if kept is None:
            return Plan(who, "switch", UncommittedChanges)
        frames = {name: spec for name, spec in wanted.items() if name not in kept.equal}
        bases = {} if tip is None else dict.fromkeys(wanted, tip)
        return self._replacing(Plan(who, "switch", changes=changes, branch=target, bases=bases), kept, frames)

    def _target(self, seat: Seat, name: str) -> str | None:
        """Branch that a user means by a name."""
        if name == "-" or name.startswith("@{-"):
            before = self.branch_before(seat, 1 if name == "-" else int(name[3:-1]))
            if before is None:
                return None
            name = before
        if name in self.refs:
            return name if self.refs[name].kind == "branch" else None
        return name if name == seat.branch and not self.gone(name) else None

    def reset(self, who: str, revision: str, hard: bool) -> Plan:
        seat, commit = self.seats[who], self.resolve(who, revision)
        tip = self.tip(seat.branch)
        if commit is None or tip is None:
            return Plan(who, "reset", UnknownName)
        before, after = self.trees[tip], self.trees[commit]
        if any(after.get(name) != spec and self.seen(seat, name) != spec for name, spec in before.items()):
            return Plan(who, "reset", RefMoved)
        wanted = {name: spec for name, spec in after.items() if hard and name in seat.live}
        kept = self._kept(seat, wanted, force=True)
        assert kept is not None
        frames = {name: spec for name, spec in wanted.items() if name not in kept.equal}
        back = commit in self.history(tip)
        same = [name for name in after if tip != commit and before.get(name) == self.seen(seat, name)]
        known = [name for name in same if back or name in before]
        plan = Plan(
            who,
            "reset",
            changes=[] if tip == commit else [Change(seat.branch, "branch", tip, commit)],
            bases=dict.fromkeys((*known, *wanted), commit),
            forgotten=[name for name in before if name not in after],
        )
        return self._replacing(plan, kept, frames)

    def restore(
        self, who: str, datasets: Sequence[str], source: str, columns: Sequence[str] | None, rows: range | None
    ) -> Plan | None:
        """None where what comes out of mixing two versions is not told here."""
        seat, commit = self.seats[who], self.resolve(who, source)
        if commit is None or any(name not in self.trees[commit] for name in datasets):
            return Plan(who, "restore", UnknownName)
        part = columns is not None or rows is not None
        if part and (len(datasets) != 1 or datasets[0] not in seat.live):
            return Plan(who, "restore", UsageProblem)
        stored = {name: self.trees[commit][name] for name in datasets}
        kept = self._kept(seat, stored, force=True)
        assert kept is not None
        frames: dict[str, Spec] = {name: spec for name, spec in stored.items() if name not in kept.equal}
        tip = self.tip(seat.branch)
        known = [] if part or tip is None else [name for name in stored if self.trees[tip].get(name) == stored[name]]
        origins = {}
        if part:
            for name, spec in frames.items():
                both = self._mixed(seat.live[name], spec, columns if columns is not None else spec.names, rows)
                if both is None or (columns is None and {*seat.live[name].names} != {*spec.names}):
                    return None
                frames[name] = both
                origins[name] = (kept.origins.get(name), None)
        plan = Plan(who, "restore", bases=dict.fromkeys(known, tip or ""), origins=origins)
        return self._replacing(plan, kept, frames)

    _mixed = staticmethod(mixed)

    # --- stashes

    def put_aside(self, who: str, datasets: Collection[str]) -> Plan:
        seat = self.seats[who]
        if not datasets:
            return Plan(who, "stash", UsageProblem)
        tip = self.tip(seat.branch)
        tree = self.tree(tip)
        live = {name: seat.live[name] for name in datasets}
        plan = Plan(who, "stash", bases={} if tip is None else {name: tip for name in live if name in tree})
        plan.origins = {name: (spec, tree.get(name)) for name, spec in live.items()}
        plan = self._replacing(plan, _Kept(live, set(), {}), {name: tree[name] for name in live if name in tree})
        plan.noted = {
            name: base
            for name, base in plan.noted.items()
            if tree.get(name) != live[name] or self.status(seat, name)[0] != "unchanged"
        }
        return plan

    def take_back(self, who: str, number: int, drop: bool, force: bool) -> Plan:
        seat, verb = self.seats[who], "stash pop" if drop else "stash apply"
        if number >= len(seat.stashes):
            return Plan(who, verb, UnknownName)
        ref = seat.stashes[number]
        commit, noted = self.refs[ref].commit, self.noted[ref]
        frames = {name: self.trees[commit][name] for name in noted}
        kept = self._kept(seat, frames, force)
        if kept is None:
            return Plan(who, verb, UncommittedChanges)
        plan = Plan(
            who,
            verb,
            changes=[Change(ref, "hidden", commit, None)] if drop else [],
            bases={name: base for name, base in noted.items() if base is not None},
            forgotten=[name for name, base in noted.items() if base is None],
            always=True,
        )
        return self._replacing(plan, kept, frames)

    def drop_stash(self, who: str, number: int) -> Plan:
        seat = self.seats[who]
        if number >= len(seat.stashes):
            return Plan(who, "stash drop", UnknownName)
        ref = seat.stashes[number]
        return Plan(who, "stash drop", changes=[Change(ref, "hidden", self.refs[ref].commit, None)])

    # --- undo

    def undo(self, who: str) -> Plan:
        taken_back: list[Operation] = []
        for operation in reversed(self.seats[who].log):
            stands = not any(operation is other for other in taken_back)
            if operation.reverses is not None:
                if stands:
                    taken_back.append(operation.reverses)
            elif stands:
                return self._reversal(who, "undo", operation)
        return Plan(who, "undo", UsageProblem)

    def redo(self, who: str) -> Plan:
        redone: list[Operation | None] = []
        for operation in reversed(self.seats[who].log):
            if operation.verb == "redo":
                redone.append(operation.reverses)
            elif operation.verb != "undo":
                break
            elif not any(operation is other for other in redone):
                return self._reversal(who, "redo", operation)
        return Plan(who, "redo", UsageProblem)

    def _reversal(self, who: str, verb: str, operation: Operation) -> Plan:
        seat = self.seats[who]
        sources = {name: before for name, (before, _) in operation.frames.items() if before is not None}
        dropped: set[str] = set()
        of_drop = operation.reverses is not None and operation.reverses.verb == "stash drop"
        for change in operation.changes:
            stashed = change.name in self.noted and change.before is None and change.after is not None
            if stashed and not of_drop:
                dropped |= self.noted[change.name].keys()
                for name in self.noted[change.name]:
                    sources.setdefault(name, self.tree(change.after)[name])
        wanted = {name: spec for name, spec in sources.items() if name in seat.live or name in dropped}
        left = {name: after for name, (_, after) in operation.frames.items() if after is not None}
        kept = self._kept(seat, wanted, force=True, left=left)
        assert kept is not None
        opposite = [
            Change(change.name, change.kind, change.after, change.before, change.said, change.said)
            if change.before is None or change.after is None
            else Change(change.name, change.kind, change.after, change.before, change.said_before, change.said)
            for change in reversed(operation.changes)
        ]
        plan = Plan(who, verb, changes=opposite, always=True, reverses=operation)
        if operation.renamed is not None:
            plan.renamed = (operation.renamed[1], operation.renamed[0])
        if operation.head is not None:
            before, after, bases = operation.head
            back = {name: pair[0] for name, pair in bases.items() if seat.bases.get(name) == pair[1]}
            plan.branch = before if seat.branch == after else None
            plan.bases = {name: base for name, base in back.items() if base is not None}
            plan.forgotten = [name for name, base in back.items() if base is None]
        made = [change.name for change in opposite if change.after is not None]
        now = [self.refs.get(change.name) for change in operation.changes]
        moved = any(self.tip(change.name) != change.before for change in opposite) or any(
            ref is not None and change.after is not None and ref.said != change.said
            for ref, change in zip(now, operation.changes, strict=True)
        )
        leaves = plan.branch is not None and plan.branch != seat.branch
        if moved or (leaves and plan.branch not in made and self.gone(plan.branch or "")):
            return replace(plan, error=RefMoved)
        frames = {name: spec for name, spec in wanted.items() if name not in kept.equal}
        return self._replacing(plan, kept, frames)

    # --- carrying out

    def logged(self, plan: Plan) -> bool:
        """Whether a plan leaves a line in the operation log."""
        if plan.error is not None or not plan.logged:
            return False
        return self._moves(plan) or bool(plan.changes or plan.origins or plan.always)

    def _head(self, plan: Plan, names: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        seat = self.seats[plan.who]
        kept = {name: base for name, base in seat.bases.items() if name not in plan.forgotten}
        new = {name: names.get(base, base) for name, base in plan.bases.items()}
        return plan.branch or seat.branch, {**kept, **new}

    def _moves(self, plan: Plan) -> bool:
        seat = self.seats[plan.who]
        return self._head(plan, {}) != (seat.branch, seat.bases)

    def take(self, plan: Plan, *, commit: str = "", stash: str = "", stash_ref: str = "") -> None:
        """Carry a plan out.

        Parameters
        ----------
        plan : Plan
            A plan without an error.
        commit, stash, stash_ref : str
            Ids of the commit and the stash that it made, and the name of the stash's ref.
        """
        seat, names = self.seats[plan.who], {NEW: commit, STASH: stash}
        if plan.tree is not None:
            self.trees[commit], self.parents[commit] = plan.tree, plan.parents
        if plan.stash is not None:
            self.trees[stash], self.parents[stash] = plan.stash, plan.parents
            self.noted[stash_ref], self.owners[stash_ref] = plan.noted, plan.who
        changes = tuple(
            replace(
                change,
                name=stash_ref if change.name == STASH else change.name,
                before=names.get(change.before or "", change.before),
                after=names.get(change.after or "", change.after),
            )
            for change in plan.changes
        )
        moved, logged, head = self._moves(plan), self.logged(plan), self._head(plan, names)
        stood = seat.stored[0]
        tips = {name: ref.commit for name, ref in self.refs.items()}
        told = None
        if moved:
            bases = {
                name: (seat.bases.get(name), head[1].get(name))
                for name in {*seat.bases, *head[1], *seat.stored[1]}
                if seat.bases.get(name) != head[1].get(name)
            }
            told = (seat.branch, head[0], bases)
            seat.branch, seat.bases = head
            seat.stored = (head[0], dict(head[1]))
        seat.live.update(plan.frames)
        if not logged:
            return
        operation = Operation(plan.verb, changes, told, plan.origins, plan.noted, plan.renamed, plan.reverses)
        self.operations += 1
        seat.log.append(operation)
        self._move(operation)
        if plan.renamed is not None:
            for other in self.seats.values():  # those whose processes run learn of it when they are started again
                if other.stored[0] == plan.renamed[0]:
                    other.stored = (plan.renamed[1], other.stored[1])
        moving = {change.name for change in changes if change.kind == "branch" and change.before != change.after}
        if stood != seat.stored[0] or seat.stored[0] in moving:
            seat.lines.append(Line(tips.get(stood), self.tip(seat.stored[0]), operation))

    def _move(self, operation: Operation) -> None:
        for change in operation.changes:
            if change.after is None:
                self.refs.pop(change.name, None)
            else:
                self.refs[change.name] = Ref(change.kind, change.after, change.said)
            if change.before != change.after:
                self.reflogs.setdefault(change.name, []).append(Line(change.before, change.after, operation))
            if change.name in self.owners and change.after is None:
                self.seats[self.owners[change.name]].stashes.remove(change.name)
        for change in sorted(operation.changes, key=lambda change: change.name, reverse=True):
            if change.name in self.owners and change.after is not None:
                self.seats[self.owners[change.name]].stashes.insert(0, change.name)

    def adopt(self, who: str, source: str) -> None:
        """A workspace takes over HEAD of another one as it is stored."""
        seat = self.seats[who]
        branch, bases = self.seats[source].stored
        seat.branch, seat.bases, seat.stored = branch, dict(bases), (branch, dict(bases))

    def started(self, who: str) -> None:
        """HEAD as it is remembered; a workspace that has seen nothing starts from its branch as it is."""
        seat = self.seats[who]
        seat.branch, seat.bases = seat.stored[0], dict(seat.stored[1])
        tip = self.tip(seat.branch)
        if not seat.bases and tip is not None:
            seat.bases = dict.fromkeys(self.trees[tip], tip)
