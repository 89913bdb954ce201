"""``%lf switch``: go to another branch, and give the variables its frames."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.variables import bind, live_frames, stash_notes, telling_changes, together
from lineageflow_jupyter.kernel.verb import Call, Verb


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    name, start, create = arguments.get("branch") or "", arguments.get("start"), arguments.has("create")
    if start is not None and not create:
        raise UsageProblem(
            f"%lf switch goes to a branch, {start!r} follows it",
            remedy=f"Create one there: `%lf switch -c {name} {start}`",
        )
    previous = repository.head.branch
    # A new branch starts where the frames are from; otherwise all live frames may belong to the other branch.
    live = {} if create and start is None else live_frames(call, sorted(call.session.live.all(call.session.variables)))
    remedy = "Commit them, or stash them: `%lf stash`, or add --force; then switch"
    with telling_changes(remedy), together(repository, repository.undo):
        done = repository.switch(name, create=create, at=start or "HEAD", live=live, force=arguments.has("force"))
        shown = bind(call, done.frames)
    word = "switched to the new branch" if create else "switched to branch" if done.branch != previous else "already on"
    notes = [Note(f"{word} {done.branch}")]
    if shown:
        notes.append(Note(f"variables changed to its version: {listed(shown)}", MUTED))
    notes += stash_notes(done)
    held = repository.dataset_names()
    call.session.live.follow(held)
    left = [dataset for dataset in repository.head.bases if dataset in live and dataset not in held]
    if left:
        notes.append(Note(f"not on this branch; the variables stay as they are: {listed(left)}", MUTED))
    return Answer(repository.head, tuple(notes))


VERB = Verb(
    "switch",
    "go to another branch (-c creates it); unchanged variables get its frames",
    _run,
    positionals=(
        Positional("branch", "BRANCH", "the branch; - is the one before", Holds.BRANCH, required=True),
        Positional("start", "REV", "with -c: where it begins; HEAD by default", Holds.REVISION),
    ),
    options=(
        Option(("-c", "--create"), "create it first"),
        Option(("--force",), "stash uncommitted changes that are in the way instead of refusing"),
    ),
    examples=("%lf switch main", "%lf switch -c no-outliers", "%lf switch -c fix HEAD~2", "%lf switch -"),
    notes=(
        "Variables that are as committed get the frames of the other branch; those of datasets that it does not "
        "hold stay. Changes that are not committed come along where both branches hold the same version of the "
        "dataset, as in Git, and are otherwise refused. With `--force` they are stashed first.",
        "Each notebook has a HEAD of its own, which survives a restart of the kernel. `%lf undo` goes back, with "
        "the frames.",
    ),
)
