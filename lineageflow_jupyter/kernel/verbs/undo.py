"""``%lf undo`` and ``%lf redo``: take the last operation of this notebook back, and do it again."""

from __future__ import annotations

from lineageflow_jupyter.kernel.display import MUTED, Answer, Note
from lineageflow_jupyter.kernel.variables import are, bind, live_frames, stash_notes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named, operation_text
from lineageflow_jupyter.model.records import Operation
from lineageflow_jupyter.model.reports import UndoReport


def _undo(call: Call) -> object:
    repository = call.session.repository
    with together(repository, repository.redo):
        report = repository.undo(live=_live(call))
        _follow_renames(call, report.operation, undone=True)
        shown = bind(call, report.replacement.frames)
    return _told(report, "undone", f"{are(shown)} as before" if shown else "", "`%lf redo` does it again")


def _redo(call: Call) -> object:
    repository = call.session.repository
    with together(repository, repository.undo):
        report = repository.redo(live=_live(call))
        _follow_renames(call, report.operation, undone=False)
        shown = bind(call, report.replacement.frames)
    return _told(report, "done again", f"{are(shown)} as after it" if shown else "", "`%lf undo` takes it back")


def _live(call: Call) -> dict[str, object]:
    return live_frames(call, sorted(call.session.live.all(call.session.variables)))


def _told(report: UndoReport, what: str, frames: str, next_step: str) -> Answer:
    done = report.replacement
    at = f"at {commit_named(done.commit)}" if done.commit else "without commits"
    notes = [Note(f"{what}: {operation_text(report.operation)}"), Note(f"on branch {done.branch} {at}", MUTED)]
    if frames:
        notes.append(Note(frames))
    return Answer(report.operation, (*notes, *stash_notes(done), Note(next_step, MUTED)))


def _follow_renames(call: Call, operation: Operation, *, undone: bool) -> None:
    """Let a variable that stood for a dataset stand for it under the name that it has again."""
    renamed = operation.detail.get("dataset")
    if renamed is None:
        return
    now, then = reversed(renamed) if undone else renamed
    live, variables = call.session.live, call.session.variables
    variable = live.variable(now, variables)
    if variable in variables and live.dataset(variable) == now:
        live.bind(variable, then)


VERB = Verb(
    "undo",
    "take back the last operation of this notebook; again: the one before",
    _undo,
    examples=("%lf undo",),
)

REDO = Verb(
    "redo",
    "do again what the last undo took back",
    _redo,
    examples=("%lf redo",),
)
