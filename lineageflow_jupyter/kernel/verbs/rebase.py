"""``%lf rebase``: put the commits of this branch on top of another."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.variables import bind, live_frames, telling_changes, together
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.verbs.merge import (
    GOING_ON,
    RESOLVING,
    abort,
    action_of,
    answered,
    chosen_rules,
    go_on,
)


def _run(call: Call) -> object:
    action = action_of(call, "branch", ("continue", "skip", "abort"))
    if action is not None and action != "skip":
        return go_on(call) if action == "continue" else abort(call)
    arguments, repository, resolve = call.arguments, call.session.repository, chosen_rules(call)
    branch = arguments.get("revision")
    held = repository.dataset_names() if branch is None else repository.dataset_names(branch)
    live = live_frames(call, sorted({*repository.dataset_names(), *held}))
    with (
        telling_changes("Commit them, or stash them: `%lf stash`; then try again"),
        together(repository, repository.undo),
    ):
        if branch is None:
            done = repository.skip(resolve=resolve, live=live)
        else:
            done = repository.rebase(branch, onto=arguments.get("onto"), resolve=resolve, live=live)
        shown = bind(call, done.frames)
    return answered(call, done, shown)


VERB = Verb(
    "rebase",
    "put the commits of this branch on top of another one, one by one",
    _run,
    positionals=(Positional("revision", "BRANCH", "whose commits are not put on top again", Holds.REVISION),),
    options=(
        *RESOLVING,
        *GOING_ON,
        Option(("--onto",), "what they are put on top of, instead of BRANCH", "REV"),
        Option(("--skip",), "go on without the commit that is in conflict"),
    ),
    examples=("%lf rebase main", "%lf rebase main --theirs", "%lf rebase --onto main feature", "%lf rebase --continue"),
    notes=(
        "Each commit is put on top as `%lf cherry-pick` does it (ours: what is on top so far, theirs: the commit), "
        "with its message and author. Left out are commits whose changes are there already, and merges: what these "
        "brought is put on top by itself.",
        "The branch moves when all is done. Where conflicts are left it has not moved: the rebase is half done, also "
        "after a restart of the kernel, until `--continue`, `--skip` or `--abort`.",
        "`%lf undo` takes the whole rebase back, frames included.",
    ),
)
