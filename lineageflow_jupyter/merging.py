"""Merging two branches: what each side did since their histories parted, in one commit with two parents.

What cannot be decided is kept as a half-done merge under a hidden ref of the workspace: a commit with both parents
whose datasets hold the decisions so far. It survives a restart; `resume` goes on from there, `abort` forgets it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.comparing import Comparer, Kept
from lineageflow_jupyter.errors import NotAvailable, RefMoved, UnknownName, UsageProblem
from lineageflow_jupyter.frames.convert import FrameContent, library_of_body
from lineageflow_jupyter.frames.gathering import Misfit, gatherer
from lineageflow_jupyter.frames.keys import check_key
from lineageflow_jupyter.history import History, merge_ref
from lineageflow_jupyter.intake import check_texts, contents_of, key_array
from lineageflow_jupyter.merged_frames import OPEN, VALUE, CellDecisions, Decisions, merged_frame, unfit
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.merging import SIDES, Side
from lineageflow_jupyter.model.objects import Author, Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord, RefChange
from lineageflow_jupyter.publishing import NOTHING, Publisher, Written
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.resolving import (
    OTHERS,
    Resolve,
    check_rules,
    chooser,
    conflict_frame,
    decided_by_hand,
    decided_by_rules,
    side_for,
)
from lineageflow_jupyter.switching import Live, Switcher
from lineageflow_jupyter.tables import TableWriter
from lineageflow_jupyter.three_way import MergePlan, merge_plan
from lineageflow_jupyter.version_frames import columns_at, rows_at
from lineageflow_jupyter.versions import LiveVersion, StoredVersion, Version
from lineageflow_jupyter.workspace import Workspace

UP_TO_DATE, FAST_FORWARD, MERGED, CONFLICTS = "up to date", "fast-forward", "merged", "conflicts"
_STATE = 1
ROUNDS = 10
"""How often a merge is computed anew when others move the branch meanwhile."""


@dataclass(frozen=True, slots=True)
class MergedDataset:
    """What a merge did with one dataset.

    Parameters
    ----------
    dataset : str
        Its name.
    how : str
        ``"theirs"``: their version, or its removal, was taken as it is. ``"both"``: both sides changed it.
    rows : int
        Rows of the merged table.
    cells : int
        Cells whose value comes from theirs where ours has the row too.
    conflicts : int
        Conflicts that there were.
    open : int
        Those that are not decided.
    """

    dataset: str
    how: str
    rows: int = 0
    cells: int = 0
    conflicts: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MergeResult:
    """What a merge did, or would do.

    Parameters
    ----------
    state : str
        ``"up to date"``, ``"fast-forward"``, ``"merged"`` or ``"conflicts"``: then it is half done, and nothing moved.
    branch, merged : str
        The branch that was merged into, and what was merged.
    commit : CommitRecord or None
        The branch's commit afterwards; None if it has conflicts, or nothing was done.
    datasets : tuple of MergedDataset
        The datasets that theirs changed.
    conflicts : mapping of str to pandas.DataFrame
        By dataset, where something is open: one row a conflict, with base, ours, theirs and resolved (to be filled,
        and passed to `Repository.resume`).
    frames : mapping of str to frame
        What the caller's frames are to be replaced with.
    dry_run : bool
        Whether nothing was changed.
    """

    state: str
    branch: str
    merged: str
    commit: CommitRecord | None = None
    datasets: tuple[MergedDataset, ...] = ()
    conflicts: Mapping[str, Any] = field(default_factory=dict)
    frames: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False

    @property
    def open(self) -> int:
        """Conflicts that are not decided."""
        return sum(each.open for each in self.datasets)


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A merge, revert or cherry-pick that waits for decisions.

    Parameters
    ----------
    branch, merged : str
        The branch that is merged into, and what is merged.
    ours, theirs : ObjectId
        The two commits; `theirs` is None for the state before the first commit.
    message : str
        Of the commit to come.
    verb : str
        ``"merge"``, ``"revert"`` or ``"cherry-pick"``.
    bases : tuple of ObjectId or None
        What theirs is compared with; None: what both histories share.
    author : Author or None
        Of the commit to come, where that is somebody else.
    chosen : mapping of str to mapping
        Sides chosen for columns, by dataset.
    taken : mapping of str to Side
        Sides chosen for datasets that one side removed and the other changed.
    decisions : mapping of str to Decisions
        By dataset, for cells and rows.
    """

    branch: str
    merged: str
    ours: ObjectId
    theirs: ObjectId | None
    message: str
    verb: str = "merge"
    bases: tuple[ObjectId, ...] | None = None
    author: Author | None = None
    chosen: Mapping[str, Mapping[str, Side]] = field(default_factory=dict)
    taken: Mapping[str, Side] = field(default_factory=dict)
    decisions: Mapping[str, Decisions] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Combination:
    """Two trees over a third: what is taken as it is, what both changed, and what one removed and the other changed."""

    taken: Tree
    theirs: tuple[str, ...]
    plans: Mapping[str, MergePlan]
    decisions: Mapping[str, Decisions]
    removed: tuple[str, ...]
    """Datasets of which nobody decided whether they stay."""
    sides: Mapping[str, Side]
    """What was decided for such datasets."""

    @property
    def open(self) -> int:
        """Conflicts that are not decided."""
        return len(self.removed) + sum(self.decisions[name].open(plan) for name, plan in self.plans.items())

    def told(self) -> tuple[MergedDataset, ...]:
        """Each dataset that theirs changed."""
        found = [MergedDataset(name, "theirs") for name in self.theirs]
        found += [MergedDataset(name, "both", conflicts=1, open=1) for name in self.removed]
        for name, plan in self.plans.items():
            cells = sum(map(len, plan.from_theirs.values()))
            left = self.decisions[name].open(plan)
            found.append(MergedDataset(name, "both", len(plan.rows), cells, plan.conflicts, left))
        return tuple(sorted(found, key=lambda each: each.dataset))


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges commits into branches."""

    catalog: Catalog
    history: History
    workspace: Workspace
    publisher: Publisher
    comparer: Comparer
    switcher: Switcher
    reader: FrameReader
    changes: Changes
    writer: TableWriter
    author: Callable[[], Author]

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
        self._nothing_under_way(dry_run=dry_run)
        theirs = self.history.resolve(revision, self.workspace.head)
        branch, tip = self._tip(into)
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
        state = self._required()
        tip = self.history.tip(state.branch)
        if tip != state.ours:
            state = self._carried_over(state, tip)
        known = self._combined(state, None) if by_hand else None
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
        return self._merged(state, resolve, live, dry_run=False)

    def abort(self) -> HalfDone:
        """Forget the half-done merge."""
        state = self._required()
        name = merge_ref(self.workspace.head)
        change = RefChange(name, "hidden", self.history.tip(name), None)
        self.publisher.publish("merge --abort", [change], detail={"message": f"abort the merge of {state.merged}"})
        return state

    def half_done(self) -> HalfDone | None:
        """The workspace's half-done merge, if there is one; without what is decided for cells and rows."""
        head = self.workspace.head
        tip = self.history.tip(merge_ref(head)) if head.workspace else None
        return None if tip is None else self._loaded(tip)[0]

    def conflicts(self) -> dict[str, Any]:
        """Frames of what is open in the half-done merge, by dataset."""
        return self._conflict_frames(self._combined(self._required(), None))

    # --- a merge -----------------------------------------------------------------------------------------------------

    def _nothing_under_way(self, *, dry_run: bool) -> None:
        state = None if dry_run else self.half_done()
        if state is not None:
            raise UsageProblem(
                f"a {state.verb} is under way",
                remedy="Go on with it (`%lf merge --continue`) or forget it (`%lf merge --abort`) first",
            )

    def _tip(self, into: str | None) -> tuple[str, ObjectId]:
        branch = into or self.workspace.head.branch
        tip = self.history.tip(branch)
        if tip is None:
            self.history.require_present(branch)
            raise UnknownName(f"branch {branch!r} has no commits", remedy="Commit something there first")
        return branch, tip

    def _picked(
        self, revision: str, resolve: Resolve, mainline: int | None, *, dry_run: bool
    ) -> tuple[CommitRecord, ObjectId | None, str, ObjectId]:
        """A commit that is picked, what its changes are against, HEAD's branch and its tip."""
        check_rules(resolve)
        self._nothing_under_way(dry_run=dry_run)
        record = self.history.resolve(revision, self.workspace.head)
        return record, self._parent(record, mainline), *self._tip(None)

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
        before, after = self.history.tree(state.ours), self.history.tree(theirs.id)
        names = [name for name in _names(before, after) if before.get(name) != after.get(name)]
        told = tuple(MergedDataset(name, "theirs") for name in names)
        if dry_run:
            return MergeResult(FAST_FORWARD, state.branch, state.merged, theirs, told, dry_run=True)
        kept = self._kept(state.branch, live, {name: after.get(name) for name in names})
        change = RefChange(state.branch, "branch", state.ours, theirs.id)
        gone = [name for name in names if after.get(name) is None]
        frames = self._published(state, theirs, [change], kept, live, names, gone)
        return MergeResult(FAST_FORWARD, state.branch, state.merged, theirs, told, frames=frames)

    def _merged(self, state: HalfDone, resolve: Resolve, live: Live, *, dry_run: bool) -> MergeResult:
        for _ in range(ROUNDS):
            combined = self._combined(state, resolve)
            self._check_columns(combined, resolve)
            if combined.open and not dry_run:
                return self._left(state, resolve, combined)
            if dry_run:
                told, frames = combined.told(), self._conflict_frames(combined)
                found = CONFLICTS if combined.open else MERGED
                return MergeResult(found, state.branch, state.merged, None, told, frames, dry_run=True)
            try:
                return self._finished(state, combined, live)
            except RefMoved:
                tip = self.history.tip(state.branch)
                if tip == state.ours:
                    raise
                state = self._carried_over(state, tip)
        raise RefMoved(f"branch {state.branch!r} moved {ROUNDS} times meanwhile", remedy="Merge again in a moment")

    def _finished(self, state: HalfDone, combined: _Combination, live: Live) -> MergeResult:
        author = state.author or self.author()
        check_texts(state.message, author)
        before = self.history.tree(state.ours)
        changed = [
            *combined.plans,
            *(n for n in _names(before, combined.taken) if before.get(n) != combined.taken.get(n)),
        ]
        kept = self._kept(state.branch, live, {name: combined.taken.get(name) for name in changed})
        contents: dict[str, FrameContent] = {}
        for name, plan in combined.plans.items():
            frame = merged_frame(plan, combined.decisions[name], self._frame)
            contents.update(contents_of({name: frame}))
        keys = {name: plan.key for name, plan in combined.plans.items()}
        self._check_keys(contents, {name: key for name, key in keys.items() if not combined.plans[name].keyed})
        parents = (state.ours,) if state.verb != "merge" or state.theirs is None else (state.ours, state.theirs)
        record, written = self.publisher.combined(parents, contents, keys, combined.taken, state.message, author)
        if state.verb != "merge" and record.commit.tree == self.history.record(state.ours).commit.tree:
            return self._nothing_done(state)
        refs = [RefChange(state.branch, "branch", state.ours, record.id), *self._cleared()]
        gone = [name for name in changed if name not in combined.plans and combined.taken.get(name) is None]
        frames = self._published(state, record, refs, kept, live, changed, gone, written)
        return MergeResult(MERGED, state.branch, state.merged, record, combined.told(), frames=frames)

    def _nothing_done(self, state: HalfDone) -> MergeResult:
        """Result of a pick that the branch has all of already; what was half done is forgotten."""
        cleared = self._cleared()
        if cleared:
            self.publisher.publish(state.verb, cleared, detail={"message": f"nothing to do for {state.merged}"})
        return MergeResult(UP_TO_DATE, state.branch, state.merged, self.history.record(state.ours))

    def _check_keys(self, contents: Mapping[str, FrameContent], keys: Mapping[str, tuple[str, ...]]) -> None:
        for name, key in keys.items():
            if key:
                check_key(name, key, [key_array(name, column, contents[name]) for column in key])

    def _kept(self, branch: str, live: Live, wanted: Mapping[str, TreeEntry | None]) -> Kept:
        """Refuse a merge that would overwrite changes of the caller's frames."""
        if branch != self.workspace.head.branch:
            return Kept()
        return self.comparer.keep(
            {name: live[name] for name, entry in wanted.items() if name in live},
            {name: entry for name, entry in wanted.items() if entry is not None},
            "before merge",
            force=False,
        )

    def _published(
        self,
        state: HalfDone,
        record: CommitRecord,
        refs: Sequence[RefChange],
        kept: Kept,
        live: Live,
        changed: Sequence[str],
        gone: Sequence[str],
        written: Written = NOTHING,
    ) -> dict[str, Any]:
        """Publish a merge; the frames that replace those of the caller."""
        own = state.branch == self.workspace.head.branch
        names = [name for name in changed if own and name in live and name not in {*kept.equal, *gone}]
        self.publisher.publish(
            state.verb,
            refs,
            written,
            bases=dict.fromkeys((*names, *kept.equal), record.id) if own else {},
            forgotten=gone if own else (),
            frames={name: (kept.origins.get(name), record.id) for name in names},
            detail={"message": record.commit.summary},
        )
        entries = [entry for entry in map(self.history.tree(record.id).get, names) if entry is not None]
        return self.switcher.frames(entries, live, None)

    # --- combining trees ---------------------------------------------------------------------------------------------

    def _combined(self, state: HalfDone, resolve: Resolve) -> _Combination:
        ours, theirs = self.history.tree(state.ours), self.history.tree(state.theirs)
        bases: Sequence[ObjectId]
        if state.bases is not None:
            bases = state.bases
        else:
            bases = [] if state.theirs is None else self.history.merge_bases(state.ours, state.theirs)
        trees = [self.history.tree(base) for base in bases] or [Tree()]
        taken: list[TreeEntry] = []
        from_theirs: list[str] = []
        removed: list[str] = []
        sides: dict[str, Side] = {}
        plans: dict[str, MergePlan] = {}
        decisions: dict[str, Decisions] = {}
        for name in _names(ours, theirs, *trees):
            mine, other = ours.get(name), theirs.get(name)
            held = [tree.get(name) for tree in trees]
            if mine == other or (len(set(held)) == 1 and other == held[0]):
                taken += [mine] if mine is not None else []
            elif len(set(held)) == 1 and mine == held[0]:
                taken += [other] if other is not None else []
                from_theirs.append(name)
            elif mine is None or other is None:
                side = state.taken.get(name) or side_for(resolve)
                if side is None:
                    removed.append(name)
                else:
                    sides[name] = side
                kept = {"ours": mine, "theirs": other, "base": next((e for e in held if e), None)}[side or "ours"]
                taken += [kept] if kept is not None else []
            else:
                plan, decided = self._planned(state, bases, mine, other, resolve)
                plans[name], decisions[name] = plan, decided
        tree = Tree(tuple(sorted(taken, key=lambda entry: entry.dataset)))
        return _Combination(tree, tuple(from_theirs), plans, decisions, tuple(removed), sides)

    def _planned(
        self, state: HalfDone, bases: Sequence[ObjectId], mine: TreeEntry, other: TreeEntry, resolve: Resolve
    ) -> tuple[MergePlan, Decisions]:
        name = mine.dataset
        choose = chooser(resolve, state.chosen.get(name, {}))
        base = self._base(bases, name)
        plan = merge_plan(base, self.changes.stored(mine), self.changes.stored(other), self._between, choose)
        return plan, decided_by_rules(plan, resolve, state.decisions.get(name, Decisions()))

    def _base(self, commits: Sequence[ObjectId], name: str) -> Version | None:
        """The common version; of several, as after crosswise merges, their merge over what they have in common.

        What is in conflict there is as it was before: a side that has another value has changed it.
        """
        held = {entry: commit for commit in commits if (entry := self.history.tree(commit).get(name)) is not None}
        if not held:
            return None
        (first, start), *others = held.items()
        found: Version = self.changes.stored(first)
        for entry, commit in others:
            inner = self._base(self.history.merge_bases(start, commit), name)
            plan = merge_plan(inner, found, self.changes.stored(entry), self._between, lambda name: "ours")
            decided = decided_by_rules(plan, "ours" if inner is None else "base", Decisions())
            (content,) = contents_of({name: merged_frame(plan, decided, self._frame)}).values()
            found = LiveVersion(self.writer.add(name, content, parent=entry, key=plan.key), content)
        return found

    def _between(self, old: Version, new: Version) -> ChangeSet:
        return self.changes.between(old, new)

    def _frame(self, version: Version, engine: str, whole: bool) -> Any:
        rows = None if whole else range(0)
        if isinstance(version, StoredVersion):
            return version.reader.frame(version.entry.dataset, version.table, version.description, None, rows, engine)
        places = range(len(version.table.index), len(version.table.columns))
        count = version.table.rows if whole else 0
        return rows_at(version, list(places), np.arange(count), engine)

    def _check_columns(self, combined: _Combination, resolve: Resolve) -> None:
        """Refuse rules for columns that nothing that both changed has."""
        if not isinstance(resolve, Mapping) or not combined.plans:
            return
        known = {column.name for plan in combined.plans.values() for column in plan.columns}
        versions = (version for plan in combined.plans.values() for version in map(plan.version, SIDES))
        known |= {column.name for version in versions if version is not None for column in version.table.columns}
        for name in resolve:
            if name != OTHERS and name not in known:
                raise UnknownName(
                    f"a rule is given for column {name!r}, which no dataset that both sides changed has",
                    remedy=f"Columns: {', '.join(sorted(known)[:20])}",
                )

    # --- half done ---------------------------------------------------------------------------------------------------

    def _left(self, state: HalfDone, resolve: Resolve, combined: _Combination) -> MergeResult:
        """Keep what is decided so far, and tell what is open."""
        head = self.workspace.head
        if not head.workspace:
            raise NotAvailable(
                f"{combined.open:,} conflicts are open, and only a notebook's workspace keeps a half-done merge",
                remedy="Merge in a notebook, or give rules for all of them: --ours, --theirs, --resolve COL=RULE",
            )
        rules = resolve if isinstance(resolve, Mapping) else {}
        sides = {column: side for column in rules if (side := side_for(rules, column)) is not None}
        chosen = {name: {**state.chosen.get(name, {}), **sides} for name in combined.plans}
        state = replace(state, decisions=combined.decisions, chosen=chosen, taken={**state.taken, **combined.sides})
        change, written = self._saved(state, combined)
        self.publisher.publish(
            f"{state.verb} --continue" if change.before else state.verb,
            [change],
            written,
            detail={"message": f"{combined.open} conflicts of {state.merged} and {state.branch} are open"},
        )
        frames = self._conflict_frames(combined)
        return MergeResult(CONFLICTS, state.branch, state.merged, None, combined.told(), frames)

    def _conflict_frames(self, combined: _Combination) -> dict[str, Any]:
        return {
            name: conflict_frame(plan, combined.decisions[name])
            for name, plan in combined.plans.items()
            if combined.decisions[name].open(plan)
        }

    def _saved(self, state: HalfDone, combined: _Combination) -> tuple[RefChange, Written]:
        """Write what is decided as a commit with both parents; the hidden ref that is to hold it."""
        contents: dict[str, Any] = {}
        cells: list[list[Any]] = []
        rows: list[list[Any]] = []
        for name, decided in state.decisions.items():
            plan = combined.plans[name]
            for number, own in decided.cells.items():
                if (own.codes != OPEN).any():
                    cells.append([name, plan.columns[number].name, plan.columns[number].role, f"d{len(contents)}"])
                    contents[cells[-1][-1]] = self._stored_cells(plan, number, own)
            for side, codes in decided.rows.items():
                rows.append([name, side, np.asarray(codes).tolist()])
        told = {
            "version": _STATE,
            "branch": state.branch,
            "merged": state.merged,
            "message": state.message,
            "verb": state.verb,
            "theirs": None if state.theirs is None else state.theirs.hex(),
            "bases": None if state.bases is None else [base.hex() for base in state.bases],
            "author": None if state.author is None else [state.author.name, state.author.email],
            "chosen": state.chosen,
            "taken": state.taken,
            "cells": cells,
            "rows": rows,
        }
        record, written = self.publisher.combined(
            tuple(dict.fromkeys(part for part in (state.ours, state.theirs, *(state.bases or ())) if part is not None)),
            contents_of(contents) if contents else {},
            {},
            Tree(),
            f"half-done {state.verb} of {state.merged} into {state.branch}\n{json.dumps(told)}",
            self.author(),
        )
        name = merge_ref(self.workspace.head)
        return RefChange(name, "hidden", self.history.tip(name), record.id), written

    def _stored_cells(self, plan: MergePlan, number: int, decided: CellDecisions) -> Any:
        """Decisions of a column as a frame of its library: codes, and values in the column's own dtype.

        Raises
        ------
        UsageProblem
            If a value does not fit into the column.
        """
        column, engine = plan.columns[number], library_of_body(plan.ours.body)
        place = column.ours if column.ours is not None else column.theirs
        version = plan.ours if column.ours is not None else plan.theirs
        assert place is not None
        like = gatherer([columns_at(version, [place], np.empty(0, np.int64), engine)])
        try:
            values = like.piece(list(decided.values), like.column(0, 0))
            at = np.full(len(decided.codes), -1, np.int64)
            at[decided.codes == VALUE] = np.arange(len(decided.values))
            held = like.gathered([values], at)
        except Misfit as error:
            raise unfit(plan, column, error) from error
        return like.coded(decided.codes, held)

    def _loaded(self, tip: ObjectId) -> tuple[HalfDone, dict[str, Any]]:
        record = self.history.record(tip)
        told = json.loads(record.commit.message.split("\n", 1)[1])
        if told["version"] > _STATE:
            raise NotAvailable("the half-done merge was begun by a later version", remedy="Update LineageFlow")
        state = HalfDone(
            told["branch"],
            told["merged"],
            record.commit.parents[0],
            None if told["theirs"] is None else ObjectId(bytes.fromhex(told["theirs"])),
            told["message"],
            told["verb"],
            None if told["bases"] is None else tuple(ObjectId(bytes.fromhex(base)) for base in told["bases"]),
            None if told["author"] is None else Author(*told["author"]),
            told["chosen"],
            told["taken"],
        )
        return state, told

    def _required(self) -> HalfDone:
        """The half-done merge with all that is decided."""
        head = self.workspace.head
        tip = self.history.tip(merge_ref(head)) if head.workspace else None
        if tip is None:
            raise UsageProblem("no merge is under way", remedy="Begin one: `%lf merge BRANCH`")
        state, told = self._loaded(tip)
        tree = self.history.tree(tip)
        plans = self._combined(state, None).plans
        found: dict[str, Decisions] = {}
        for name, side, codes in told["rows"]:
            own = found.get(name, Decisions())
            found[name] = Decisions(own.cells, {**own.rows, side: np.array(codes, np.int8)})
        for name, column, role, stored in told["cells"]:
            numbers = [n for n, c in enumerate(plans[name].columns) if (c.name, c.role) == (column, role)]
            entry = tree.get(stored)
            assert entry is not None
            engine = library_of_body(self.changes.stored(entry).body)
            parts = gatherer([self.reader.read(entry, engine=engine)])
            codes = np.array(parts.objects(parts.column(0, 0)), np.int8)
            values = parts.objects(parts.column(0, 1))
            decided = CellDecisions(codes, [values[place] for place in np.flatnonzero(codes == VALUE).tolist()])
            own = found.get(name, Decisions())
            found[name] = Decisions({**own.cells, numbers[0]: decided}, own.rows)
        return replace(state, decisions=found)

    def _cleared(self) -> list[RefChange]:
        head = self.workspace.head
        name = merge_ref(head)
        tip = self.history.tip(name) if head.workspace else None
        return [] if tip is None else [RefChange(name, "hidden", tip, None)]

    def _carried_over(self, state: HalfDone, tip: ObjectId | None) -> HalfDone:
        """The state on top of a branch that moved, if what is decided does not rest on what moved."""
        if tip is None:  # deleted, or its first commit was taken back: both are refused
            _, tip = self._tip(state.branch)
        before, after = self.history.tree(state.ours), self.history.tree(tip)
        for name in (*state.decisions, *state.chosen):
            if before.get(name) != after.get(name):
                raise RefMoved(
                    f"branch {state.branch!r} has a new version of {name!r} since the merge began",
                    remedy="Begin again: `%lf merge --abort`, and then `%lf merge "
                    f"{state.merged}`; until then `%lf merge --conflicts` shows what was decided",
                )
        return replace(state, ours=tip)


def _names(*trees: Tree) -> list[str]:
    return sorted({entry.dataset for tree in trees for entry in tree.entries})
