"""``%lf undo NAME`` and ``%lf redo NAME``: a variable goes back through the frames that it held, and forward again."""

from __future__ import annotations

from typing import Any

from lineageflow_jupyter.errors import AmbiguousName, UncommittedChanges, UnknownName, UnsupportedData, UsageProblem
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.live import is_frame, is_variable
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.variables import together
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.wording import cell_text
from lineageflow_jupyter.lineage.trails import Change, Ids, Jump, Standing, Trail, changes_of, ids_of
from lineageflow_jupyter.model.cells import CellRun, FrameState

MOST_RUNS = 500
"""So many of the latest runs that changed it are looked through."""


def undo_frame(call: Call, typed: str, *, force: bool) -> Answer:
    """Give a variable the frame that it held before the last cell that changed it.

    Parameters
    ----------
    call : Call
        The line.
    typed : str
        The variable, or a dataset that one stands for.
    force : bool
        Stash what neither a snapshot nor a commit holds, instead of refusing.

    Raises
    ------
    UncommittedChanges
        If the variable holds such a frame, and `force` is False.
    UnknownName
        If there is no such variable, or nothing to go back to.
    ObjectMissing
        If the snapshot is not there any more.
    """
    undo = _Variable(call, typed)
    standing = undo.standing()
    change = standing.change
    if change is None:
        raise UnknownName(
            f"no cell of this notebook is known to have changed {undo.name!r} before",
            remedy="Cells are recorded from `%load_ext` on; `%lf undo` alone takes back the last operation",
        )
    reached = standing.known or undo.frame is None
    target = change.write.before if reached or change.write.after is None else change.write.after
    if target is None:
        raise UnknownName(
            f"{cell_text(change.run)} made {undo.name!r}: there is nothing before it",
            remedy=f"`%lf log --cells {undo.dataset}` lists what cells did to it",
        )
    frame = _frame(call, change.run, target)
    notes = undo.keep(standing, force=force)
    if reached:
        told = f"as before {_cell(change)}"
        bound, forward = change.place, (change.place[0], change.place[1] + 1)
    else:
        told = f"as {_cell(change)} left it: what it held since is from no cell that is known"
        bound = forward = (change.place[0], change.place[1] + 1)
    back = change.write.after if standing.known else None
    undo.trail.went_back(Jump(undo.running, target, bound, back, forward), undo.present)
    undo.bind(frame)
    return Answer(target, (Note(f"{undo.name} is now {told}"), *notes, *undo.ways(change, back)))


def redo_frame(call: Call, typed: str) -> Answer:
    """Give a variable back what the last undo took from it.

    Raises
    ------
    UnknownName
        If no undo was the last thing that happened to it.
    """
    redo = _Variable(call, typed)
    redo.standing()
    jump = redo.trail.forward(redo.present)
    if jump is None or jump.back is None:
        raise UnknownName(
            f"there is nothing to redo of {redo.name!r}: no `%lf undo {redo.name}` is the last that was done to it",
            remedy="What it held then can still be read as `NAME@{cell:ID}`, as in `%lf log --cells NAME`",
        )
    frame = _frame(call, redo.run_at(jump.forward), jump.back)
    redo.trail.went_forward(redo.running)
    redo.bind(frame)
    again = Note(f"`%lf undo {redo.name}` takes it back", MUTED)
    return Answer(jump.back, (Note(f"{redo.name} is now as before that undo"), again, *redo.others()))


def _frame(call: Call, run: CellRun, state: FrameState) -> Any:
    """Frame of a state, in the library that it was of."""
    from lineageflow_jupyter.points import Point  # which knows libraries that the command line does without

    return call.session.repository.frame_of(Point(run, state))


class _Variable:
    """A variable whose past is wanted."""

    def __init__(self, call: Call, typed: str) -> None:
        session = call.session
        if session.tracking is not None:
            session.tracking.flush()
        self._session = session
        self._repository = session.repository
        self.name = _variable(call, typed)
        self.dataset = session.live.dataset(self.name)
        self.running = "" if session.tracking is None else session.tracking.running
        self.trail = session.trails.setdefault(self.name, Trail())
        self.frame: Any = session.variables.get(self.name)
        if self.frame is not None and not is_frame(self.frame):
            raise UncommittedChanges(
                f"the variable {self.name!r} is of type {type(self.frame).__name__}, not a frame",
                remedy=f"Rename it or `del {self.name}` first",
            )
        self.changes = self._changes()
        self.present: Ids = self._present()

    def _changes(self) -> list[Change]:
        workspace = self._repository.head.workspace
        runs = [
            run
            for dataset in dict.fromkeys((self.dataset, self.name))  # it may have stood for another one
            for run in self._repository.cell_runs(dataset, written=True, workspace=workspace, limit=MOST_RUNS)
        ]
        return changes_of(runs, self.name)

    def _present(self) -> Ids:
        if self.frame is None:
            return None
        like = self.changes[0].write.after if self.changes else None
        try:
            return self._repository.frame_ids(self.dataset, self.frame, like)
        except UnsupportedData:
            return None

    def standing(self) -> Standing:
        """Tell which change led to what it holds."""
        return self.trail.standing(self.changes, self.present, self.running)

    def keep(self, standing: Standing, *, force: bool) -> list[Note]:
        """Make it safe to replace the frame.

        Raises
        ------
        UncommittedChanges
            If nothing holds it, and `force` is False.
        """
        change = standing.change
        held = change.write.after if change is not None and standing.known else None
        last = self.trail.jumps[-1].left if self.trail.jumps else None
        known = [state for state in (held, last) if state is not None and ids_of(state) == self.present]
        if self.frame is None or any(map(self._repository.is_kept, known)) or self._committed():
            return []
        if not force:
            why = "no snapshot was kept of it" if standing.known else "no cell that is known left it so"
            raise UncommittedChanges(
                f"what {self.name!r} holds would be lost: it is not committed, and {why}",
                remedy="Commit it, or add --force: then it is stashed first",
            )
        with together(self._repository, self._repository.undo):
            self._repository.stash_aside({self.dataset: self.frame}, message=f"before undo {self.name} --force")
        return [Note("what it held is stashed; `%lf stash pop` brings it back")]

    def _committed(self) -> bool:
        found = self._repository.status({self.dataset: self.frame}, cells=False).datasets
        return any(each.dataset == self.dataset and each.state == "unchanged" for each in found)

    def bind(self, frame: Any) -> None:
        """Give the variable a frame."""
        self._session.variables[self.name] = frame
        if self._session.tracking is not None:
            self._session.tracking.rebound(self.name)

    def run_at(self, place: tuple[int, int]) -> CellRun:
        """Run whose change stands right before a place."""
        return next(change.run for change in self.changes if change.place < place)

    def ways(self, change: Change, back: FrameState | None) -> list[Note]:
        """Tell how what was replaced is found again."""
        notes = []
        if back is not None:
            read = f"`x = %lf read {self.name}@{{cell:{change.run.run[:7]}}}` reads what it held"
            notes.append(Note(f"`%lf redo {self.name}` goes forward again; {read}", MUTED))
        return [*notes, *self.others()]

    def others(self) -> list[Note]:
        """Tell which other variables hold the frame that was replaced."""
        if self.frame is None:
            return []
        names = [
            name
            for name, value in self._session.variables.items()
            if value is self.frame and name != self.name and not name.startswith("_")
        ]
        return [Note(f"the frame that it held stays in {listed(sorted(names))}", MUTED)] if names else []


def _variable(call: Call, typed: str) -> str:
    """Variable that a word names."""
    session = call.session
    stands = session.live.variable(typed, session.variables)
    if typed in session.variables and stands != typed:
        raise AmbiguousName(
            f"{typed!r} is a variable, and the dataset that the variable {stands!r} stands for",
            remedy=f"Write `%lf undo {stands}`, or give one of the two another name",
        )
    if not is_variable(stands):
        whole = call.arguments.get("name") or typed
        raise UsageProblem(
            f"{whole!r} is no variable, and only variables are given other frames",
            remedy="Assign it yourself: `x = %lf before \"…['…']\"` returns what it held",
        )
    known = stands in session.variables or session.repository.cell_runs(
        session.live.dataset(stands), written=True, workspace=session.repository.head.workspace, limit=1
    )
    if not known:
        frames = [name for name, value in session.variables.items() if is_frame(value) and not name.startswith("_")]
        raise UnknownName(
            f"there is no variable {typed!r}{did_you_mean(typed, frames)}",
            remedy="Name one that holds a frame; `%lf undo` alone takes back the last operation of this notebook",
        )
    return stands


def _cell(change: Change) -> str:
    if not change.write.seen:
        return f"a change that no cell explains, found at {cell_text(change.run)}"
    return cell_text(change.run)
