"""The cell runs that led from one version of a dataset to the next: found when the next one is committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lineageflow_jupyter.algorithms.causes import CauseMap
from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.causing import Told, cause_map
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite, RunFilter
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Step, TreeEntry
from lineageflow_jupyter.snapshots import Snapshots

MOST_STEPS = 200
"""So many cell runs are looked through at most."""


@dataclass(frozen=True, slots=True)
class Path:
    """Steps that led to a version, oldest first.

    Parameters
    ----------
    steps : tuple of Step
        The steps.
    versions : tuple of TreeEntry
        The version before each of them; none before the first one if that `made` it.
    made : bool
        Whether the first step made it.
    """

    steps: tuple[Step, ...] = ()
    versions: tuple[TreeEntry, ...] = ()
    made: bool = False


@dataclass(frozen=True, slots=True)
class StepFinder:
    """Finds how committed frames came about.

    Parameters
    ----------
    catalog : Catalog
        Cell runs.
    workspace : str
        Whose cells they are.
    snapshots : callable
        Gives the workspace's snapshots.
    running : str
        Id of the cell run that is under way; ``""``: none.
    """

    catalog: Catalog
    workspace: str
    snapshots: Callable[[], Snapshots]
    running: str = ""

    def told(self, before: TreeEntry | None, after: TreeEntry) -> Told:
        """What is known of how a version came about; nothing where no cells are recorded.

        Parameters
        ----------
        before : TreeEntry or None
            The version before.
        after : TreeEntry
            The version.
        """
        if not self.workspace:
            return Told()
        try:
            return self._told(before, after)
        except LineageFlowError:  # a commit must not fail because of what is told beside it
            return Told()

    def path(self, start: ObjectId | None, after: TreeEntry) -> Path:
        """Steps that led to a version, as far back as to a table, or as their data are there.

        Parameters
        ----------
        start : ObjectId or None
            The table; None: as far as is known.
        after : TreeEntry
            The version.
        """
        if not self.workspace:
            return Path()
        chain, snapshots = self._chain(start, after, skip=True), self.snapshots()
        earlier = None if chain.made else _entry(chain.earlier, after)
        versions = [earlier, *(_entry(state, after) for _, _, state in chain.steps[:-1])]
        begin = 0
        for at, entry in enumerate(versions):
            if entry is None or not snapshots.has(entry):
                begin = at + 1
        made = chain.made and begin == 1  # nothing is missing but what there never was
        steps = [Step(after.dataset, run, table) for run, table, _ in chain.steps]
        known = tuple(entry for entry in versions[begin:] if entry is not None)
        return Path(tuple(steps[0 if made else begin :]), known, made)

    def _chain(self, start: ObjectId | None, after: TreeEntry, *, skip: bool = False) -> _Chain:
        """Go back from a version; with `skip` also from one that is not the latest."""
        chain = _Chain(after.table, start)
        for run, write in self._writes(after):
            if skip and not chain.steps and (write.after is None or write.after.table != after.table):
                continue
            if not chain.take(run, write, self.running) or chain.complete:
                break
        return chain

    def _told(self, before: TreeEntry | None, after: TreeEntry) -> Told:
        start = None if before is None else before.table
        chain = self._chain(start, after)
        if not chain.steps:
            return Told()
        steps = tuple(Step(after.dataset, run, table) for run, table, _ in chain.steps)
        if len(steps) == 1 and chain.complete:
            return Told(steps)
        return Told(steps, self._map(before, after, chain))

    def _writes(self, after: TreeEntry) -> Iterator[tuple[CellRun, FrameWrite]]:
        """What the workspace's cells did to the frame, newest first, under the name that it had then."""
        uses = self.catalog.runs_of_tables([after.table]).get(after.table, ())
        names = [use.dataset for use in reversed(uses) if use.use == "after"]
        name = next((each for each in names if each == after.dataset), names[0] if names else after.dataset)
        wanted = RunFilter(workspace=self.workspace, dataset=name, written=True)
        for run in self.catalog.last_runs(wanted=wanted, limit=MOST_STEPS):
            for write in reversed(run.writes):
                if any(state is not None and state.dataset == name for state in (write.before, write.after)):
                    yield run, write

    def _map(self, before: TreeEntry | None, after: TreeEntry, chain: _Chain) -> CauseMap | None:
        """Which step gave which value; None where data of a step are not there any more."""
        snapshots = self.snapshots()
        entries = [_entry(state, after) for _, _, state in chain.steps]
        first = before if chain.complete and not chain.made else _entry(chain.earlier, after)
        first = None if chain.made else first
        wanted = [entry for entry in (first, *entries) if entry is not None]
        if None in entries or (first is None and not chain.made) or not all(map(snapshots.has, wanted)):
            return None
        return cause_map(first, [entry for entry in entries if entry is not None], snapshots.changes)


class _Chain:
    """Steps from a version back to the one before."""

    def __init__(self, table: ObjectId, start: ObjectId | None) -> None:
        self._wanted: ObjectId | None = table
        self._start = start
        self.steps: list[tuple[str, ObjectId, FrameState | None]] = []
        self.earlier: FrameState | None = None
        self.complete = False
        self.made = False

    def take(self, run: CellRun, write: FrameWrite, running: str) -> bool:
        """Go back by one change; False where it does not lead to what came after it."""
        after = write.after
        table = None if after is None else after.table
        if not self.steps and table != self._wanted and running and self._wanted is not None:
            self.steps.append((running, self._wanted, None))  # the cell that commits has changed it, and runs still
            self._wanted = table
            self.complete = table is not None and table == self._start
            if self.complete:
                return False
        if table is None or table != self._wanted:
            return False
        self.steps.insert(0, (run.run if write.seen else "", table, after))
        self.earlier = write.before
        self._wanted = None if write.before is None else write.before.table
        self.made = write.before is None
        self.complete = self.made or (self._wanted is not None and self._wanted == self._start)
        return self._wanted is not None


def _entry(state: FrameState | None, like: TreeEntry) -> TreeEntry | None:
    if state is None or state.table is None or state.frame is None:
        return None
    return TreeEntry(like.dataset, state.table, state.frame, like.key)
