"""``%lf undo`` and ``%lf redo``: take back the last operation of this notebook, or of a variable; and do it again."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note
from lineageflow_jupyter.kernel.frame_undo import redo_frame, undo_frame
from lineageflow_jupyter.kernel.variables import bind, live_frames, stash_notes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are, commit_named, operation_text
from lineageflow_jupyter.model.reports import UndoReport


def _undo(call: Call) -> object:
    name = call.arguments.get("name")
    if name is not None:
        return undo_frame(call, name, force=call.arguments.has("force"))
    if call.arguments.has("force"):
        raise UsageProblem("--force goes with a variable", remedy="As in `%lf undo flights --force`")
    repository = call.session.repository
    with together(repository, repository.redo):
        report = repository.undo(live=_live(call))
        shown = bind(call, report.replacement.frames)
    return _told(call, report, "undone", f"{are(shown)} as before" if shown else "", "redo")


def _redo(call: Call) -> object:
    name = call.arguments.get("name")
    if name is not None:
        return redo_frame(call, name)
    repository = call.session.repository
    with together(repository, repository.undo):
        report = repository.redo(live=_live(call))
        shown = bind(call, report.replacement.frames)
    return _told(call, report, "done again", f"{are(shown)} as after it" if shown else "", "undo")


def _live(call: Call) -> dict[str, object]:
    return live_frames(call, sorted(call.session.live.all(call.session.variables)))


def _told(call: Call, report: UndoReport, what: str, frames: str, back: str) -> Answer:
    done = report.replacement
    call.session.live.follow(call.session.repository.dataset_names())
    at = f"at {commit_named(done.commit)}" if done.commit else "without commits"
    notes = [Note(f"{what}: {operation_text(report.operation)}"), Note(f"on branch {done.branch} {at}", MUTED)]
    if frames:
        notes.append(Note(frames))
    next_step = Note("`%lf redo` does it again" if back == "redo" else "`%lf undo` takes it back", MUTED)
    return Answer(report.operation, (*notes, *(stash_notes(done, back=back) or [next_step])))


VERB = Verb(
    "undo",
    "take back the last operation of this notebook, or what a cell did to a variable; again: the one before",
    _undo,
    positionals=(Positional("name", "NAME", "the variable that gets back the frame it held before", Holds.FRAME),),
    options=(Option(("--force",), "of a variable: stash what no snapshot holds instead of refusing"),),
    examples=("%lf undo", "%lf undo flights"),
    notes=(
        "Undone is what this notebook did: commits, checkouts, switches, branches, tags, resets, stashes, rm and "
        "mv. Branches, HEAD and the frames that were replaced are as before; what variables hold now and is not "
        "committed is stashed first. Code is not undone, and frames that no operation replaced stay as they are: "
        "after the undo of a commit they hold the changes, as before it.",
        "With a name, the variable gets the frame that it held before the last cell that changed it, from a snapshot; "
        "HEAD and branches stay. Each time it goes one step further back, and `%lf redo NAME` goes forward again; what "
        "was replaced can also be read as `NAME@{cell:ID}`. Refused where the variable holds what neither a snapshot "
        "nor a commit holds; with `--force` that is stashed first.",
        "Refused where somebody moved the branch since. `%lf redo` goes the other way, until something else is done.",
    ),
)

REDO = Verb(
    "redo",
    "do again what the last undo took back, of this notebook or of a variable",
    _redo,
    positionals=(Positional("name", "NAME", "the variable", Holds.FRAME),),
    examples=("%lf redo", "%lf redo flights"),
    notes=(
        "Works right after `%lf undo`, as often as it was used; any other operation in between ends it. With a name, "
        "right after `%lf undo NAME`, until something else changes the variable.",
    ),
)
