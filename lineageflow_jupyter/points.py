"""Frames as cells left them: what ``flights@{cell:ID}`` names, found in the records of cells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import AmbiguousName, ObjectMissing, UnknownName
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite, RunFilter
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.records import Head
from lineageflow_jupyter.observing import entry_of
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.workspace import Workspace

SHORTEST_ID = 4
"""Digits of a run's id that are needed at least: fewer are the number of a cell."""
LONGEST_NUMBER = 6
_ID = re.compile(rf"[0-9a-f]{{{SHORTEST_ID},32}}")
_NAMED = 8
"""Runs that a message lists at most."""


@dataclass(frozen=True, slots=True)
class Point:
    """A frame at a moment of its notebook.

    Parameters
    ----------
    run : CellRun
        The cell run that was named.
    state : FrameState
        What the variable held after it, or before it if that was asked for.
    """

    run: CellRun
    state: FrameState


@dataclass(frozen=True, slots=True)
class Points:
    """Finds frames as cells left them.

    Parameters
    ----------
    catalog : Catalog
        Cell runs.
    workspace : Workspace
        Whose cells are meant by their numbers.
    snapshots : Snapshots
        Where the data lie.
    """

    catalog: Catalog
    workspace: Workspace
    snapshots: Snapshots

    def after(self, cell: str, name: str) -> Point:
        """What a variable held after a cell had run.

        Parameters
        ----------
        cell : str
            Beginning of the run's id, at least four digits; or the number of a cell of this notebook, as in [7], which
            means its latest run.
        name : str
            The variable, or the dataset that it stood for.

        Raises
        ------
        UnknownName
            If there is no such run, or the variable held no frame then.
        AmbiguousName
            If several runs are meant; they are listed.
        """
        run = self.run(cell)
        wrote = _last(run, name)
        if wrote is not None:
            if wrote.after is None:
                raise UnknownName(
                    f"{_told(run)} deleted {name!r}",
                    remedy=f"`%lf before {name}@{{cell:{run.run[:7]}}}` is the frame as it was before",
                )
            return Point(run, wrote.after)
        return Point(run, self._held(run, name))

    def before(self, cell: str, name: str) -> Point:
        """What a variable held before a cell ran; see `after`."""
        run = self.run(cell)
        wrote = next((write for write in run.writes if write.seen and _meant(write, name)), None)
        if wrote is not None:
            if wrote.before is None:
                raise UnknownName(f"{_told(run)} made {name!r}: there was none before", remedy=_remedy(name))
            return Point(run, wrote.before)
        return Point(run, self._held(run, name))

    def entry(self, cell: str, name: str) -> TreeEntry:
        """Version of a frame as a cell left it, whose data are there; see `after`.

        Raises
        ------
        ObjectMissing
            If no data of it were kept, or not here.
        """
        return self.stored(self.after(cell, name))

    def stored(self, point: Point) -> TreeEntry:
        """Version of a point, whose data are there.

        Raises
        ------
        ObjectMissing
            If no data of it were kept, or not here.
        """
        state, run = point.state, point.run
        entry = entry_of(state, self.workspace.seen(state.dataset))
        if entry is None:
            raise ObjectMissing(
                f"no data were kept of {state.variable!r} at {_told(run)} ({state.note})", remedy="Commit what matters"
            )
        if self.snapshots.has(entry):
            return entry
        if run.workspace != self.workspace.head.workspace:
            raise ObjectMissing(
                f"{state.variable!r} at {_told(run)} was never committed, and its snapshot is another notebook's:"
                f" {run.notebook}",
                remedy="Read it there, or commit it there: what is committed is read from everywhere",
            )
        why = f" ({state.note})" if state.note else ""
        raise ObjectMissing(
            f"the snapshot of {state.variable!r} at {_told(run)} is not there{why}",
            remedy="Snapshots expire; commit what matters",
        )

    def run(self, cell: str) -> CellRun:
        """Cell run of an id's beginning or of a cell's number; see `after`."""
        head, text = self.workspace.head, cell.strip().lower()
        ids = self.catalog.runs_with_prefix(text, limit=_NAMED + 1) if _ID.fullmatch(text) else ()
        numbered = self._numbered(text, head)
        found = [run for run in map(self.catalog.run, ids) if run is not None]
        readings = {run.run: run for run in (*found, *numbered)}
        if len(readings) > 1:
            told = [f"{run.run[:12]} ({_told(run)})" for run in list(readings.values())[:_NAMED]]
            raise AmbiguousName(
                f"cell:{cell} may be {' or '.join(told)}", remedy="Write more digits of the id that is meant"
            )
        if not readings:
            raise UnknownName(
                f"there is no cell run {cell!r}",
                remedy=f"`%lf log --cells NAME` lists ids, of which {SHORTEST_ID} digits are needed; a shorter number"
                " is that of a cell of this notebook",
            )
        return next(iter(readings.values()))

    def _numbered(self, text: str, head: Head) -> tuple[CellRun, ...]:
        if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER and head.workspace):
            return ()
        return self.catalog.last_runs(wanted=RunFilter(workspace=head.workspace, number=int(text)), limit=1)

    def _held(self, run: CellRun, name: str) -> FrameState:
        """What a variable held while a run left it alone."""
        read = next((state for state in run.reads if name in (state.variable, state.dataset)), None)
        if read is not None:
            return read
        wanted = RunFilter(workspace=run.workspace, dataset=name, written=True)
        for earlier in self.catalog.last_runs(before=run.sequence, wanted=wanted, limit=1):
            wrote = _last(earlier, name)
            if wrote is not None and wrote.after is not None and earlier.session == run.session:
                return wrote.after
        raise UnknownName(f"{name!r} is not known to have held a frame at {_told(run)}", remedy=_remedy(name))


def _meant(write: FrameWrite, name: str) -> bool:
    states = (write.before, write.after)
    return any(state is not None and name in (state.variable, state.dataset) for state in states)


def _last(run: CellRun, name: str) -> FrameWrite | None:
    """What a run did to a variable last."""
    return next((write for write in reversed(run.writes) if _meant(write, name)), None)


def _told(run: CellRun) -> str:
    number = "" if run.number is None else f" [{run.number}]"
    return f"cell{number} ({run.run[:7]})"


def _remedy(name: str) -> str:
    return f"`%lf log --cells {name}` lists the cells that changed it"
