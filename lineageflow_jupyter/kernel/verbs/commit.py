"""``%lf commit``: record frames as new versions of datasets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Arguments, Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import split_columns
from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are, change_text, commit_report_text
from lineageflow_jupyter.model.reports import StatusReport


def _run(call: Call) -> object:
    session, arguments = call.session, call.arguments
    _check(arguments)
    repository, variables = session.repository, _variables(call)
    held = repository.dataset_names()
    if arguments.has("names"):
        frames = {dataset: call.names[variable] for dataset, variable in variables.items()}
    else:
        frames, status = _changed(call, held)
        if not frames:
            return _nothing_live(call, status)
    message = arguments.get("message") or ""
    if not message.strip():
        raise _no_message(call, frames)
    keys = {dataset: split_columns(arguments.all("key")) for dataset in frames} if arguments.has("key") else None
    copying = 0
    if session.tracking is not None:
        copying = session.tracking.flush()  # what earlier cells did belongs to what is committed
    running = "" if session.tracking is None else session.tracking.running
    report = repository.commit(frames, message=message, keys=keys, branch=arguments.get("branch"), cell_run=running)
    for dataset, variable in variables.items():
        # A variable that has a dataset already keeps it: `--as` then makes a copy, once.
        if dataset == variable or session.live.dataset(variable) not in held:
            session.live.bind(variable, dataset)
    session.live.committed(list(frames))
    notes = [Note(commit_report_text(report))]
    if copying:
        told = "a snapshot of a large frame was" if copying == 1 else f"snapshots of {copying} large frames were"
        notes.append(Note(f"{told} still being made: blame may not name the cells that led to this commit", MUTED))
    return Answer(report, tuple(notes))


def _check(arguments: Arguments) -> None:
    names = arguments.all("names")
    for flag in ("as", "key"):
        if arguments.has(flag) and len(names) != 1:
            raise UsageProblem(
                f"%lf commit --{flag} goes with one NAME, {len(names)} found",
                remedy=f'Write the name before the flag: %lf commit NAME --{flag} … -m "…"',
            )


def _variables(call: Call) -> dict[str, str]:
    """Variables by dataset, of those that were named."""
    found = call.session.live.named(call.arguments.all("names"), call.names)
    dataset = call.arguments.get("as")
    if dataset is None:
        return found
    (variable,) = found.values()
    return {dataset: variable}


def _changed(call: Call, held: Collection[str]) -> tuple[dict[str, Any], StatusReport]:
    """Live frames that a bare commit takes: changed ones of HEAD's datasets, and those that were added."""
    repository, live = call.session.repository, call.session.live
    tracked = {name: frame for name, frame in live.all(call.names).items() if name in held or name in live.added}
    status = repository.status(tracked, cells=False)
    # A frame that cannot be stored is taken as well, so that the commit says so instead of leaving it out.
    taken = [
        found.dataset
        for found in status.datasets
        if found.state in ("changed", "unsupported") or (found.state == "new" and found.dataset in live.added)
    ]
    return {dataset: tracked[dataset] for dataset in taken}, status


def _nothing_live(call: Call, status: StatusReport) -> Answer:
    unchanged = [found.dataset for found in status.datasets if found.state == "unchanged"]
    if unchanged:
        return Answer(status, (Note(f"nothing to commit — {are(unchanged)} unchanged"),))
    frames = [name for name in call.session.live.all(call.names) if not name.startswith("_")]
    hint = f"name one, as in `%lf commit {frames[0]} -m …`" if frames else "no frames are here yet"
    return Answer(status, (Note("nothing to commit — no live frame belongs to a dataset"), Note(hint, MUTED)))


def _no_message(call: Call, frames: dict[str, Any]) -> UsageProblem:
    """Say that the message is missing, and propose one from what changed."""
    status = call.session.repository.status(frames)
    changes = {found.dataset: found.change for found in status.datasets if found.change is not None}
    told = [
        f"add {dataset}" if change.before is None else f"{dataset}: {change_text(change)}"
        for dataset, change in changes.items()
    ]
    proposal = listed(told, limit=3).replace('"', "'").replace("\\", "/") or "what and why"
    line = " ".join(["%lf commit", *call.arguments.all("names"), f'-m "{proposal}"'])
    return UsageProblem("%lf commit needs a message", remedy=f"Say what changed and why, as in: {line}")


VERB = Verb(
    "commit",
    "record frames as new versions of datasets",
    _run,
    positionals=(
        Positional(
            "names",
            "NAME",
            "variables that hold frames; without any: what changed among HEAD's datasets, and what was added",
            Holds.FRAME,
            many=True,
        ),
    ),
    options=(
        Option(("-m", "--message"), "what changed and why", "MSG", required=True),
        Option(
            ("--key",),
            "columns that identify a row (several: with blanks or commas between)",
            "COL",
            Holds.KEY,
            many=True,
        ),
        Option(("--as",), "commit one frame under another name", "DATASET", Holds.DATASET),
        Option(("--branch",), "commit to another branch than HEAD's", "BRANCH", Holds.BRANCH),
    ),
    examples=(
        '%lf commit flights -m "raw"',
        "%lf commit -m 'without flights that cost < $5'",
        '%lf commit df --as flights --key year month day -m "keyed"',
    ),
    notes=(
        "All frames go into one commit, or none. The variable's name is the dataset's name, unless `--as` gives "
        "another, which is remembered. Only what differs from the branch is stored; where nothing does, no commit "
        "is made.",
        "It is refused, and nothing is written, where a frame could not come back exactly (the column, the row "
        "and a remedy are named), where a key is not unique, and where the branch holds a version of the dataset "
        "that this notebook has not seen. A key is remembered from commit to commit; `--key ''` drops it.",
        "`%lf undo` takes a commit back: the branch moves back, variables stay as they are.",
    ),
)
