"""Undo and redo of one variable: which of its recorded changes led to what it holds, and where undos went.

An undo is itself recorded as a change by the cell that it ran in. Who undoes again wants to go one step further back,
not to take the undo back; so what undos did is remembered as *jumps*, and a walk through the changes follows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
from lineageflow_jupyter.model.ids import ObjectId

Place = tuple[int, int]
"""Where a change is in time: the sequence of its run, and its number among the run's writes."""
Ids = tuple[ObjectId, ObjectId] | None
"""Table and description of a frame; None where a variable holds none, or its ids are not known."""


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change of a variable."""

    place: Place
    run: CellRun
    write: FrameWrite


@dataclass(frozen=True, slots=True)
class Jump:
    """That a variable was given an earlier or later frame of its own.

    Parameters
    ----------
    run : str
        Cell run in which that was done.
    left : FrameState
        What the variable holds since.
    bound : tuple of int
        Changes before this place led to that.
    back : FrameState or None
        What it held before; None where that has no snapshot.
    forward : tuple of int
        Changes before this place led to what it held before.
    """

    run: str
    left: FrameState
    bound: Place
    back: FrameState | None
    forward: Place


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a variable stands.

    Parameters
    ----------
    change : Change or None
        The change that led to what it holds, or, where that is not known, the latest one; None: there is none.
    known : bool
        Whether what it holds is what records tell.
    """

    change: Change | None
    known: bool


@dataclass(slots=True)
class Trail:
    """Undos and redos of one variable in one kernel."""

    jumps: list[Jump] = field(default_factory=list)
    undone: list[Jump] = field(default_factory=list)

    def standing(self, changes: Sequence[Change], present: Ids, running: str = "") -> Standing:
        """Tell which change led to what a variable holds.

        Parameters
        ----------
        changes : sequence of Change
            What is recorded, newest first.
        present : (ObjectId, ObjectId) or None
            What it holds.
        running : str
            Id of the run that is under way, which is not recorded yet.
        """
        last = self.jumps[-1] if self.jumps else None
        if last is not None and running and last.run == running and ids_of(last.left) == present:
            return Standing(self._before(changes, last.bound), True)
        if not changes:
            return Standing(None, False)
        if ids_of(changes[0].write.after) != present:
            return Standing(changes[0], False)
        after = changes[0].place
        return Standing(self._before(changes, (after[0], after[1] + 1)), True)

    def went_back(self, jump: Jump, present: Ids) -> None:
        """Remember an undo."""
        if not self.undone or ids_of(self.undone[-1].left) != present:
            self.undone.clear()  # something else was done since: there is no way forward from before that
        self.jumps.append(jump)
        self.undone.append(jump)

    def forward(self, present: Ids) -> Jump | None:
        """Undo that a redo would take back; None where there is none, or the variable was changed since."""
        last = self.undone[-1] if self.undone else None
        return last if last is not None and ids_of(last.left) == present and last.back is not None else None

    def went_forward(self, run: str) -> None:
        """Remember that the last undo was taken back."""
        last = self.undone.pop()
        assert last.back is not None
        self.jumps.append(Jump(run, last.back, last.forward, last.left, last.bound))

    def _before(self, changes: Sequence[Change], bound: Place) -> Change | None:
        """Latest change before a place that was no jump; jumps are followed."""
        for change in changes:
            if change.place >= bound:
                continue
            jump = self._jump(change)
            if jump is None:
                return change
            bound = jump.bound
        return None

    def _jump(self, change: Change) -> Jump | None:
        made = (jump for jump in reversed(self.jumps) if jump.run == change.run.run)
        return next((jump for jump in made if ids_of(jump.left) == ids_of(change.write.after)), None)


def changes_of(runs: Iterable[CellRun], variable: str) -> list[Change]:
    """Changes of a variable that runs recorded, newest first.

    Parameters
    ----------
    runs : iterable of CellRun
        In any order; one that is there twice counts once.
    variable : str
        Its name.
    """
    found = {
        (run.sequence, number): Change((run.sequence, number), run, write)
        for run in runs
        for number, write in enumerate(run.writes)
        if any(state is not None and state.variable == variable for state in (write.before, write.after))
    }
    return [found[place] for place in sorted(found, reverse=True)]


def ids_of(state: FrameState | None) -> Ids:
    """Ids of a frame state; None where they are not known."""
    return None if state is None or state.table is None or state.frame is None else (state.table, state.frame)
