"""``%lf switch``: go to another branch, and give the variables its frames."""

from __future__ import annotations

from typing import Any

from lineageflow_jupyter.errors import UncommittedChanges
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.engines import engine_of
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import change_text


def _run(call: Call) -> object:
    session, name = call.session, call.arguments.get("branch") or ""
    repository = session.repository
    if call.arguments.has("create"):
        head = repository.switch(name, create=True)
        return Answer(head, (Note(f"switched to the new branch {name}"),))
    previous = repository.head.branch
    repository.switch(name)
    try:
        frames = _frames(call, name)
    except BaseException:  # an interruption too must leave the workspace on the branch that its variables show
        repository.switch(previous)
        raise
    for dataset, frame in frames.items():
        session.variables[session.live.variable(dataset, session.variables)] = frame
    notes = [Note(f"switched to branch {name}" if name != previous else f"already on branch {name}")]
    if frames:
        notes.append(Note(f"variables changed to its version: {listed(list(frames))}", MUTED))
    return Answer(repository.head, tuple(notes))


def _frames(call: Call, branch: str) -> dict[str, Any]:
    """Frames of live datasets whose version on the branch is another than the one that the variables hold.

    As in Git, changes that are not committed come along where both branches hold the same version, and stop the switch
    where they do not.
    """
    session = call.session
    repository = session.repository
    live = session.live.all(session.variables)
    held = repository.datasets()
    status = repository.status({dataset: frame for dataset, frame in live.items() if dataset in held})
    other = [found for found in status.datasets if found.behind and found.dataset in live and found.state != "new"]
    changed = [found for found in other if found.state != "unchanged"]
    if changed:
        told = "; ".join(
            f"{found.dataset} — {change_text(found.change)}" if found.change else found.dataset for found in changed
        )
        raise UncommittedChanges(
            f"changes that are not committed would be lost: {told}",
            remedy=f"Commit them, or stash them: `%lf checkout HEAD {changed[0].dataset} --force`; then switch",
        )
    names = [found.dataset for found in other]
    return repository.checkout("HEAD", names, engine=engine_of(live[name] for name in names)) if names else {}


VERB = Verb(
    "switch",
    "go to another branch (-c creates it); unchanged variables get its frames",
    _run,
    positionals=(Positional("branch", "BRANCH", "the branch", Holds.BRANCH, required=True),),
    options=(Option(("-c", "--create"), "create it at HEAD first"),),
    examples=("%lf switch main", "%lf switch -c no-outliers"),
)
