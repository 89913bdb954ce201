"""Two trees over what they share: datasets that are taken as they are, and those that both sides changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.half_done import HalfDone
from lineageflow_jupyter.history import History
from lineageflow_jupyter.intake import contents_of
from lineageflow_jupyter.merged_frames import Decisions, merged_frame
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.merge_reports import MergedDataset
from lineageflow_jupyter.model.merging import SIDES, Side
from lineageflow_jupyter.model.objects import Tree, TreeEntry
from lineageflow_jupyter.resolving import OTHERS, Resolve, chooser, conflict_frame, decided_by_rules, side_for
from lineageflow_jupyter.tables import TableWriter
from lineageflow_jupyter.three_way import MergePlan, merge_plan
from lineageflow_jupyter.version_frames import rows_at
from lineageflow_jupyter.versions import LiveVersion, StoredVersion, Version


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
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


def conflict_frames(combined: Combination) -> dict[str, Any]:
    """Frames of what is open, by dataset."""
    return {
        name: conflict_frame(plan, combined.decisions[name])
        for name, plan in combined.plans.items()
        if combined.decisions[name].open(plan)
    }


def names_of(*trees: Tree) -> list[str]:
    """Names of the datasets of some trees."""
    return sorted({entry.dataset for tree in trees for entry in tree.entries})


def differing(before: Tree, after: Tree) -> list[str]:
    """Names of the datasets in which two trees differ."""
    return [name for name in names_of(before, after) if before.get(name) != after.get(name)]


@dataclass(frozen=True, slots=True)
class Combiner:
    """Puts the trees of two commits together."""

    history: History
    changes: Changes
    writer: TableWriter

    def combined(self, state: HalfDone, resolve: Resolve) -> Combination:
        """Compare both sides with what they share, and decide what rules decide."""
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
        for name in names_of(ours, theirs, *trees):
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
        return Combination(tree, tuple(from_theirs), plans, decisions, tuple(removed), sides)

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
            (content,) = contents_of({name: merged_frame(plan, decided, self.frame)}).values()
            found = LiveVersion(self.writer.add(name, content, parent=entry, key=plan.key), content)
        return found

    def _between(self, old: Version, new: Version) -> ChangeSet:
        return self.changes.between(old, new)

    def frame(self, version: Version, engine: str, whole: bool) -> Any:
        """Frame of a version, of all its rows or of none."""
        rows = None if whole else range(0)
        if isinstance(version, StoredVersion):
            return version.reader.frame(version.entry.dataset, version.table, version.description, None, rows, engine)
        places = range(len(version.table.index), len(version.table.columns))
        count = version.table.rows if whole else 0
        return rows_at(version, list(places), np.arange(count), engine)

    def check_columns(self, combined: Combination, resolve: Resolve) -> None:
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
