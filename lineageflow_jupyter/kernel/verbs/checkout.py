"""``%lf checkout``: give variables back the frames of a revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.errors import UncommittedChanges, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Note, listed
from lineageflow_jupyter.kernel.engines import ENGINES, engine_named, engine_of
from lineageflow_jupyter.kernel.live import is_frame, is_variable
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import change_text, commit_named
from lineageflow_jupyter.model.reports import DatasetStatus


def _run(call: Call) -> object:
    session, arguments = call.session, call.arguments
    repository, variables = session.repository, session.variables
    revision = arguments.get("revision") or "HEAD"
    record = repository.resolve(revision)
    targets, skipped = _targets(call, revision)
    live = {dataset: variables[name] for dataset, name in targets.items() if is_frame(variables.get(name))}
    _refuse_others(targets, variables)
    kept = _kept(call, live)
    engine = arguments.get("engine")
    frames = repository.checkout(
        revision, list(targets), engine=engine_named(engine) if engine else engine_of(live.values())
    )
    # Every frame has been read: from here on nothing can fail, so that either all variables change or none does.
    for dataset, frame in frames.items():
        variables[targets[dataset]] = frame
    session.live.committed(list(frames))
    shown = [name if name == dataset else f"{name} (dataset {dataset})" for dataset, name in targets.items()]
    are = "is" if len(shown) == 1 else "are"
    notes = [Note(f"{listed(shown) or 'no variables'} {are} now as in {commit_named(record)}"), *kept]
    if skipped:
        lines = ", ".join(f"`x = %lf read {revision}:{dataset}`" for dataset in skipped[:3])
        notes.append(Note(f"not loaded, since their names cannot be variables: {listed(skipped)} ({lines})", MUTED))
    return Answer(record, tuple(notes))


def _targets(call: Call, revision: str) -> tuple[dict[str, str], list[str]]:
    """Variables by dataset, and the datasets whose names cannot be variables."""
    live, variables = call.session.live, call.session.variables
    named = list(dict.fromkeys(call.arguments.all("names")))
    wanted = named or list(call.session.repository.datasets(revision))
    targets = {dataset: live.variable(dataset, variables) for dataset in wanted}
    skipped = [dataset for dataset, variable in targets.items() if not is_variable(variable)]
    if skipped and named:
        raise UsageProblem(
            f"{skipped[0]!r} cannot be the name of a variable", remedy=f"Write `x = %lf read {revision}:{skipped[0]}`"
        )
    return {dataset: variable for dataset, variable in targets.items() if dataset not in skipped}, skipped


def _refuse_others(targets: Mapping[str, str], variables: Mapping[str, Any]) -> None:
    """Never overwrite a variable that holds something else than a frame: that could not be stashed."""
    for dataset, name in targets.items():
        if name in variables and not is_frame(variables[name]):
            raise UncommittedChanges(
                f"the variable {name!r} holds a {type(variables[name]).__name__}, not a frame",
                remedy=f"Rename it or `del {name}` first, or read into another one: `x = %lf read {dataset}`",
            )


def _kept(call: Call, live: Mapping[str, Any]) -> list[Note]:
    """Refuse to overwrite what is not committed, or with ``--force`` stash it and tell how it comes back."""
    repository = call.session.repository
    status = repository.status(live)
    lost = [found for found in status.datasets if found.state in ("new", "changed", "unsupported")]
    if not lost:
        return []
    broken = [found for found in lost if found.state == "unsupported"]
    if broken:
        raise UncommittedChanges(
            f"{broken[0].dataset!r} holds changes that cannot be stored ({broken[0].problem.rstrip('.')})",
            remedy=f"Mend it, or `del {call.session.live.variable(broken[0].dataset, call.session.variables)}` first",
        )
    if not call.arguments.has("force"):
        raise UncommittedChanges(
            f"changes that are not committed would be lost: {'; '.join(map(_change, lost))}",
            remedy="Commit them, or add --force: then they are stashed first",
        )
    stash = repository.stash({found.dataset: live[found.dataset] for found in lost}, message="before checkout --force")
    line = "this line brings" if len(lost) == 1 else "these lines bring"
    notes = [Note(f"what was not committed is stashed; {line} it back:")]
    for found in lost:
        variable = call.session.live.variable(found.dataset, call.session.variables)
        notes.append(Note(f"    {variable} = %lf read {stash.name}:{found.dataset}", CODE))
    return notes


def _change(found: DatasetStatus) -> str:
    return f"{found.dataset} — {change_text(found.change)}" if found.change else found.dataset


VERB = Verb(
    "checkout",
    "give variables back the frames of a revision",
    _run,
    positionals=(
        Positional("revision", "REV", "where the frames come from", Holds.REVISION, required=True),
        Positional("names", "DATASET", "datasets to load; all of the revision by default", Holds.DATASET, many=True),
    ),
    options=(
        Option(("--force",), "stash uncommitted changes instead of refusing"),
        Option(
            ("--engine",),
            f"library of the frames: {', '.join(ENGINES)}; as they are now by default",
            "ENGINE",
            Holds.ENGINE,
        ),
    ),
    examples=("%lf checkout HEAD~1 flights", "%lf checkout main --force"),
)
