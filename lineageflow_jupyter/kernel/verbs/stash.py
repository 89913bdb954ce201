"""``%lf stash``: put changes aside, and take them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, listed, when
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.variables import (
    bind,
    held_frames,
    live_frames,
    stash_notes,
    status_text,
    targets,
    telling_changes,
    together,
)
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are

ACTIONS = ("push", "list", "pop", "apply", "drop")


def _run(call: Call) -> object:
    action = call.arguments.get("action") or "push"
    verbs: dict[str, Callable[[Call], object]] = {
        "push": _push,
        "list": _list,
        "pop": lambda call: _take(call, drop=True),
        "apply": lambda call: _take(call, drop=False),
        "drop": _drop,
    }
    if action not in verbs:
        raise UnknownName(
            f"%lf stash has no action {action!r}{did_you_mean(action, ACTIONS)}",
            remedy=f"It has {', '.join(ACTIONS)}; to stash one frame write `%lf stash push {action}`",
        )
    return verbs[action](call)


def _push(call: Call) -> object:
    session, named = call.session, call.arguments.all("what")
    repository = session.repository
    if named:
        variables = session.live.named(named, session.variables)
        frames: dict[str, Any] = {dataset: session.variables[name] for dataset, name in variables.items()}
    else:
        frames = held_frames(call)
    unchanged = {
        found.dataset for found in repository.status(frames, cells=False).datasets if found.state == "unchanged"
    }
    changed = {dataset: frame for dataset, frame in frames.items() if dataset not in unchanged}
    if not changed:
        told = f"{are(sorted(frames))} unchanged" if named else "no live frame differs from HEAD"
        return Answer((), (Note(f"nothing to stash: {told}"),))
    with together(repository, repository.undo):
        done = repository.stash(changed, message=call.arguments.get("message"))
        shown = bind(call, done.frames)
    notes = [Note(f"stashed {'; '.join(map(status_text, done.stashed))}")]
    if shown:
        notes.append(Note(f"{are(shown)} now as on {done.branch}"))
    them = "it" if len(changed) == 1 else "them"
    return Answer(done.commit, (*notes, Note(f"`%lf stash pop` brings {them} back", MUTED)))


def _list(call: Call) -> object:
    everybody = call.arguments.has("all")
    found = call.session.repository.stashes(everybody=everybody)
    if not found:
        hint = "" if everybody else "; `%lf stash list --all` shows those of other notebooks"
        return Answer((), (Note(f"no stashes{hint}"),))
    rows = []
    for number, report in enumerate(found):
        commit = report.record.commit
        name = report.ref.name if everybody else f"stash@{{{number}}}"
        moment = Cell(when(commit.time, commit.offset), MUTED)
        rows.append((Cell(name, CODE), moment, listed(report.record.datasets, limit=4), commit.summary))
    return Answer(tuple(found), (Grid(("stash", "time", "datasets", "message"), tuple(rows)),))


def _take(call: Call, *, drop: bool) -> object:
    which = _which(call)
    repository = call.session.repository
    name = f"stash@{{{which}}}" if which.isdecimal() else which
    if not name.startswith("stash"):
        raise UnknownName(f"there is no stash {which!r}", remedy="`%lf stash list` lists them")
    datasets, skipped = targets(call, repository.resolve(name).datasets, named=False, revision=name)
    if skipped:
        raise UsageProblem(
            f"{skipped[0]!r} cannot be the name of a variable", remedy=f"Write `x = %lf read {name}:{skipped[0]}`"
        )
    remedy = "Commit them first, or add --force: then they are stashed in turn"
    with telling_changes(remedy), together(repository, repository.undo):
        done = repository.unstash(which, live=live_frames(call, datasets), force=call.arguments.has("force"), drop=drop)
        shown = bind(call, done.frames)
    behind = [
        found.dataset for found in repository.status({}).datasets if found.behind and found.dataset in done.frames
    ]
    notes = [Note(f"{are(shown)} as stashed" if shown else "the stash held nothing that differs from the branch")]
    notes += stash_notes(done)
    if behind:
        notes.append(
            Note(
                f"{done.branch} holds another version than the stash started from: {listed(behind)}; look at it with "
                f"`other = %lf read {done.branch}:{behind[0]}` before you commit"
            )
        )
    return Answer(done.commit, tuple(notes))


def _drop(call: Call) -> object:
    report = call.session.repository.drop_stash(_which(call))
    told = f"dropped the stash of {listed(report.record.datasets)} ({report.record.commit.summary})"
    return Answer(report, (Note(told), Note("`%lf undo` brings it back", MUTED)))


def _which(call: Call) -> str:
    named = call.arguments.all("what")
    if len(named) > 1:
        raise UsageProblem(
            f"one stash was expected, {len(named)} named", remedy="Write, say, `%lf stash pop stash@{1}`"
        )
    return named[0] if named else "stash@{0}"


VERB = Verb(
    "stash",
    "put changes aside (push), list them, and take them back (pop)",
    _run,
    positionals=(
        Positional("action", "ACTION", f"{', '.join(ACTIONS)}; push by default", Holds.ACTION),
        Positional(
            "what",
            "NAME",
            "push: variables, those that changed by default; pop, apply, drop: the stash, the latest by default",
            Holds.STASHED,
            many=True,
        ),
    ),
    options=(
        Option(("-m", "--message"), "push: why", "MSG"),
        Option(("--force",), "pop, apply: stash changes that are in the way instead of refusing"),
        Option(("--all",), "list: stashes of other notebooks too"),
    ),
    examples=("%lf stash", '%lf stash push flights -m "half done"', "%lf stash list", "%lf stash pop stash@{1}"),
    notes=(
        "`push` puts the changed frames aside, and the variables get the branch's versions again; a frame that is "
        "no dataset yet keeps its variable. `pop` brings a stash back and forgets it, `apply` keeps it, `drop` "
        "forgets it. `list` numbers them: `stash@{0}` is the latest, and `%lf read stash@{0}:NAME` looks into it.",
        "`pop` and `apply` are refused where variables hold other changes that are not committed; with `--force` "
        "those are stashed in turn. Stashes belong to the notebook. `%lf undo` takes each of these back.",
    ),
)
