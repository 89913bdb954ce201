"""``%lf reset``: move HEAD's branch to another commit."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note
from lineageflow_jupyter.kernel.variables import bind, held_frames, stash_notes, targets, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are, commit_named


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    hard = arguments.has("hard")
    if hard and arguments.has("soft"):
        raise UsageProblem(
            "--soft and --hard exclude each other", remedy="Choose one; --soft is what happens without any"
        )
    revision = arguments.get("revision") or "HEAD"
    live = {}
    if hard:
        live = held_frames(call, revision)
        targets(call, [name for name in repository.dataset_names(revision) if name in live], named=False)
    with together(repository, repository.undo):
        done = repository.reset(revision, hard=hard, live=live)
        shown = bind(call, done.frames)
    assert done.commit is not None
    call.session.live.follow(repository.dataset_names())
    notes = [Note(f"branch {done.branch} is now at {commit_named(done.commit)}")]
    if shown:
        notes.append(Note(f"{are(shown)} now as there"))
    elif not hard:
        notes.append(Note("variables stay as they are; `%lf status` shows how they differ", MUTED))
    notes += stash_notes(done) or [Note("`%lf undo` takes it back", MUTED)]
    return Answer(done.commit, tuple(notes))


VERB = Verb(
    "reset",
    "move the branch to another commit; --hard gives variables its frames",
    _run,
    positionals=(Positional("revision", "REV", "where the branch is to point; HEAD by default", Holds.REVISION),),
    options=(
        Option(("--soft",), "move the branch only (what happens by default)"),
        Option(("--hard",), "the variables too; what is not committed is stashed first"),
    ),
    examples=("%lf reset HEAD~1", "%lf reset --hard main@{1}"),
    notes=(
        "Without flags variables stay as they are, and what they hold beyond that commit is shown by `%lf status` "
        "as changed. With `--hard` live frames of its datasets get its versions; changes that are not committed "
        "are stashed first.",
        "Refused where it would drop a version that this notebook has not seen. The commits stay in the reflog "
        "(`%lf reflog`), and `%lf undo` takes it back, frames included.",
    ),
)
