"""``%lf before``: a frame as it was before the last cell that changed it."""

from __future__ import annotations

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.cells import CellRun, FrameState
from lineageflow_jupyter.model.revisions import cell_of, split_place

MOST_RUNS = 500


def _run(call: Call) -> object:
    """Return the frame; no variable is touched."""
    session, name = call.session, call.arguments.get("name") or ""
    if session.tracking is not None:
        session.tracking.flush()
    repository = session.repository
    revision, called = split_place(name)
    if called is not None and (cell := cell_of(revision)) is not None:
        return _before(call, called, cell)
    dataset = session.live.dataset(name)
    workspace = repository.head.workspace
    runs = repository.cell_runs(dataset, written=True, workspace=workspace, limit=MOST_RUNS)
    state = _state(runs, dataset, _number(call))
    return repository.snapshot(state)


def _before(call: Call, name: str, cell: str) -> object:
    """Return a frame as it was before the cell run that ``NAME@{cell:ID}`` names."""
    if call.arguments.has("cell"):
        raise UsageProblem("--cell goes with a name alone", remedy=f"Leave it out: `%lf before {name}@{{cell:{cell}}}`")
    repository = call.session.repository
    return repository.frame_of(repository.frame_at(name, cell, before=True), "pandas")


def _number(call: Call) -> int | None:
    text = call.arguments.get("cell")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageProblem(f"--cell takes the number of a cell, as in [7]; {text!r} found", remedy="As in `--cell 7`")
    return int(text)


def _state(runs: tuple[CellRun, ...], dataset: str, number: int | None) -> FrameState:
    """What the frame was before the newest of some runs, or before one with some execution count."""
    for run in runs:
        if number is not None and run.number != number:
            continue
        for write in run.writes:
            if write.before is not None and write.before.dataset == dataset:
                return write.before
    which = "no cell of this notebook" if number is None else f"no cell [{number}] of this notebook"
    raise UnknownName(
        f"{which} is known to have changed {dataset!r}", remedy=f"`%lf log --cells {dataset}` lists those that did"
    )


VERB = Verb(
    "before",
    "return a frame as it was before the last cell that changed it; no variable is touched",
    _run,
    positionals=(Positional("name", "NAME", "the variable or dataset", Holds.FRAME, required=True),),
    options=(Option(("--cell",), "before this cell instead: its number, as in [7]", "N"),),
    examples=("old = %lf before flights", "%lf before flights --cell 7", "%lf before flights@{cell:1f2e3d4}"),
    notes=(
        "Each cell that changes a frame leaves a snapshot of it beside the repository, on this machine. Large frames "
        "are copied by a thread, for which no cell waits; one that a later cell changes before that has none. "
        "Snapshots expire: `%lf config` shows after how many days, and how much room they may take.",
        "`%lf log --cells flights` lists the cells.",
    ),
)
