"""``%lf revert`` and ``%lf cherry-pick``: take back what one commit did, or do it here too."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.variables import bind, live_frames, telling_changes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.verbs.merge import GOING_ON, RESOLVING, abort, action_of, answered, chosen_rules, go_on

_COMMIT = (Positional("revision", "REV", "the commit", Holds.REVISION),)
_SAME = (
    *RESOLVING,
    *GOING_ON,
    Option(("--dry-run",), "only tell what would happen"),
    Option(("-m", "--message"), "message of the commit", "MSG"),
    Option(("--mainline",), "of a merge: number of the parent, from 1, that its changes are against", "N"),
)


def _run(call: Call, verb: str) -> object:
    arguments, repository = call.arguments, call.session.repository
    action = action_of(call, "commit", ("continue", "abort"))
    if action is not None:
        return go_on(call) if action == "continue" else abort(call)
    pick = repository.revert if verb == "revert" else repository.cherry_pick
    mainline = arguments.get("mainline")
    dry = arguments.has("dry-run")
    if mainline is not None and not (mainline.isascii() and mainline.isdecimal() and len(mainline) < 4):
        raise UsageProblem(f"--mainline takes a number from 1 on, {mainline!r} found", remedy="As in `--mainline 1`")
    live = {} if dry else live_frames(call, repository.dataset_names())
    with (
        telling_changes("Commit them, or stash them: `%lf stash`; then try again"),
        together(repository, repository.undo),
    ):
        done = pick(
            arguments.get("revision") or "",
            resolve=chosen_rules(call),
            message=arguments.get("message"),
            mainline=None if mainline is None else int(mainline),
            live=live,
            dry_run=dry,
        )
        shown = bind(call, done.frames)
    return answered(call, done, shown)


VERB = Verb(
    "revert",
    "take back what one commit did, in a new commit; what came after it stays",
    lambda call: _run(call, "revert"),
    positionals=_COMMIT,
    options=_SAME,
    examples=("%lf revert HEAD~2", "%lf revert 3f2a91c --theirs"),
    notes=(
        "Rows, cells and columns that the commit changed are put back; what was changed again since is a conflict, "
        "decided as in `%lf merge` (ours: the branch as it is, theirs: the state before the commit).",
        "`%lf undo` takes it back, frames included.",
    ),
)

CHERRY_PICK = Verb(
    "cherry-pick",
    "do what one commit of another branch did here too, in a new commit",
    lambda call: _run(call, "cherry-pick"),
    positionals=_COMMIT,
    options=_SAME,
    examples=("%lf cherry-pick feature~1", "%lf cherry-pick 3f2a91c --resolve price=max"),
    notes=(
        "The new commit has the message and the author of the commit that is picked. Conflicts are decided as in "
        "`%lf merge` (ours: the branch as it is, theirs: the commit).",
        "`%lf undo` takes it back, frames included.",
    ),
)
