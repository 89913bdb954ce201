"""What differs between revisions, and between a revision and a live frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.diffing import DatasetDiffs, TableDiff
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.feeding import ChangeFeed, CommittedChange
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.intake import contents_of, listed_datasets
from lineageflow_jupyter.model.diffs import DiffOptions
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Tree, TreeEntry
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.revisions import Range, cell_of, split_dataset, split_place, split_range
from lineageflow_jupyter.points import Points
from lineageflow_jupyter.reasons import Cause
from lineageflow_jupyter.tables import TableWriter
from lineageflow_jupyter.versions import LiveVersion
from lineageflow_jupyter.workspace import Workspace

Tell = Callable[[TableDiff], tuple[Cause, ...]]


@dataclass(frozen=True, slots=True)
class Tellers:
    """Tell which cells made a difference.

    Parameters
    ----------
    by_cells : callable
        By the steps of this notebook.
    by_commits : callable
        Gives what tells it by the steps that commits keep, after one up to another.
    """

    by_cells: Tell
    by_commits: Callable[[ObjectId, ObjectId], Tell]


class Inspector:
    """Compares versions; changes nothing.

    Parameters
    ----------
    history : History
        Revisions and trees.
    workspace : Workspace
        HEAD.
    changes : Changes
        Finds how versions differ.
    writer : TableWriter
        Computes ids of live frames; writes nothing.
    points : Points, optional
        Finds frames as cells left them; `changes` must be able to read those.
    tellers : Tellers, optional
        Tell which cells made a difference.
    """

    def __init__(
        self,
        history: History,
        workspace: Workspace,
        changes: Changes,
        writer: TableWriter,
        points: Points | None = None,
        tellers: Tellers | None = None,
    ) -> None:
        self._tellers = tellers
        self._points = points
        self._history = history
        self._workspace = workspace
        self._changes = changes
        self._writer = writer

    def diff(
        self,
        old: str,
        new: str | None,
        datasets: str | Sequence[str] | None,
        options: DiffOptions,
        key: Sequence[str] | None,
    ) -> DatasetDiffs:
        """Diffs of the datasets that differ between two revisions; see `Repository.diff`."""
        places = [split_place(text) for text in (old, new) if text is not None]
        named = [dataset for _, dataset in places if dataset is not None]
        if named:
            return self._diff_of_places(old, new, datasets, options, key)
        before, after = (self._tree(revision) for revision in self._ends(old, new))
        wanted = self._wanted(before[1], after[1], datasets, (before[0], after[0]))
        pairs = [(before[1].get(name), after[1].get(name)) for name in wanted]
        found = self._each([pair for pair in pairs if pair[0] != pair[1]], options, key)
        return DatasetDiffs(self._told(found, before[0], after[0]))

    def _each(
        self,
        pairs: Sequence[tuple[TreeEntry | None, TreeEntry | None]],
        options: DiffOptions,
        key: Sequence[str] | None,
    ) -> dict[str, TableDiff]:
        """Diff of each pair; of several, those are left out that lack a column that was named."""
        found: dict[str, TableDiff] = {}
        lacking: UnknownName | None = None
        for old, new in pairs:
            try:
                diff = self._of_entries(old, new, options, key)
            except UnknownName as error:
                lacking = lacking or error
            else:
                found[diff.dataset] = diff
        if lacking is not None and not found:
            raise lacking
        return found

    def feed(self, dataset: str, records: Sequence[CommitRecord]) -> ChangeFeed:
        """Change feed of a dataset over commits that changed it, the newest first."""
        changes = []
        for record in reversed(records):
            parent = record.commit.parents[0] if record.commit.parents else None
            old, new = self._history.tree(parent).get(dataset), self._history.tree(record.id).get(dataset)
            if old != new:
                changes.append(CommittedChange(record, self._of_entries(old, new, DiffOptions(), None)))
        return ChangeFeed(dataset, changes)

    def diff_frame(self, place: str, frame: Any, options: DiffOptions, key: Sequence[str] | None) -> TableDiff:
        """Diff of a stored version and a live frame; see `Repository.diff_frame`."""
        revision, dataset = split_dataset(place)
        entry = self._entry(revision, dataset)
        return self.against(entry, frame, options, key)

    def against(
        self,
        entry: TreeEntry | None,
        frame: Any,
        options: DiffOptions,
        key: Sequence[str] | None = None,
        name: str = "",
    ) -> TableDiff:
        """Diff of a version, or of none, and a live frame that is called `name` where there is no version."""
        dataset = name if entry is None else entry.dataset
        (content,) = contents_of({dataset: frame}).values()
        snapshot = self._writer.add(dataset, content, parent=entry, key=() if entry is None else entry.key)
        stored = None if entry is None else self._changes.stored(entry)
        found = self._changes.diff(stored, LiveVersion(snapshot, content), options, key)
        return found if self._tellers is None else found.told_by(self._tellers.by_cells)

    def _of_entries(
        self, old: TreeEntry | None, new: TreeEntry | None, options: DiffOptions, key: Sequence[str] | None
    ) -> TableDiff:
        sides = [None if entry is None else self._changes.stored(entry) for entry in (old, new)]
        return self._changes.diff(sides[0], sides[1], options, key)

    def _diff_of_places(
        self,
        old: str,
        new: str | None,
        datasets: str | Sequence[str] | None,
        options: DiffOptions,
        key: Sequence[str] | None,
    ) -> DatasetDiffs:
        """Two versions that are named with their datasets, which may have different names."""
        if datasets is not None:
            raise UsageProblem(
                f"{old!r} names a dataset, and datasets are given besides",
                remedy="Name revisions and datasets, or REV:DATASET twice",
            )
        revision, dataset = split_place(old)
        other, second = split_place("HEAD" if new is None else new)
        first, second = dataset or second or "", second or dataset or ""
        sides = [self._entry(name, called) for name, called in ((revision, first), (other, second))]
        found = self._each([] if sides[0] == sides[1] else [(sides[0], sides[1])], options, key)
        return DatasetDiffs(self._told(found, revision, other))

    def _told(self, diffs: dict[str, TableDiff], old: str, new: str) -> dict[str, TableDiff]:
        """Diffs that can tell their causes."""
        if self._tellers is None:
            return diffs
        if any(cell_of(revision) is not None for revision in (old, new)):
            tell = self._tellers.by_cells
        else:
            ends = [self._history.resolve(revision, self._workspace.head).id for revision in (old, new)]
            tell = self._tellers.by_commits(*ends)
        return {name: diff.told_by(tell) for name, diff in diffs.items()}

    def _entry(self, revision: str, dataset: str) -> TreeEntry:
        """Version of a dataset at a revision, or as a cell left it."""
        cell = cell_of(revision)
        if cell is not None and self._points is not None:
            return self._points.entry(cell, dataset)
        return self._history.entry(self._history.resolve(revision, self._workspace.head), dataset, revision)

    def _ends(self, old: str, new: str | None) -> tuple[str, str]:
        chosen = split_range(old)
        if chosen is None:
            return old, "HEAD" if new is None else new
        if new is not None:
            raise UsageProblem(f"{old!r} is a range, and {new!r} is given besides", remedy="Give A..B, or A and B")
        return self._start(chosen), chosen.right

    def _start(self, chosen: Range) -> str:
        if not chosen.symmetric:
            return chosen.left
        left, right = (self._history.resolve(name, self._workspace.head).id for name in (chosen.left, chosen.right))
        base = self._history.merge_base(left, right)
        if base is None:
            raise UsageProblem(
                f"{chosen.left!r} and {chosen.right!r} share no history",
                remedy=f"Compare the two: {chosen.left}..{chosen.right}",
            )
        return base.hex()

    def _tree(self, revision: str) -> tuple[str, Tree]:
        return revision, self._history.tree(self._history.resolve(revision, self._workspace.head).id)

    def _wanted(
        self, before: Tree, after: Tree, datasets: str | Sequence[str] | None, revisions: tuple[str, str]
    ) -> Sequence[str]:
        known = sorted({entry.dataset for tree in (before, after) for entry in tree.entries})
        if datasets is None:
            return known
        wanted = listed_datasets(datasets)
        for name in wanted:
            if name not in known:
                held = f"{' and '.join(revisions)} hold: {', '.join(known[:10]) or 'nothing'}"
                raise unknown("dataset", name, known, held, f" at {revisions[0]!r} or {revisions[1]!r}")
        return wanted


def diff_options(
    columns: str | Sequence[str] | None,
    ignore: str | Sequence[str],
    rtol: float,
    atol: float,
    exact: bool,
    engine: str | None,
) -> DiffOptions:
    """Options of a diff as callers pass them, checked.

    Raises
    ------
    UsageProblem
        If a tolerance is no number from 0 on.
    """
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise UsageProblem(f"{name} must be a number from 0 on, {value!r} found", remedy=f"As in {name}=1e-6")
    chosen = None if columns is None else _listed(columns)
    return DiffOptions(chosen, _listed(ignore), float(rtol), float(atol), exact, engine)


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(map(str, names))
