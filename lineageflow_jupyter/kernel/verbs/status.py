"""``%lf status``: live frames against HEAD."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from lineageflow_jupyter.kernel.display import BAD, GOOD, MUTED, WARN, Answer, Cell, Grid, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import change_text, commit_named
from lineageflow_jupyter.model.reports import DatasetStatus, StatusReport

if TYPE_CHECKING:
    from lineageflow_jupyter.kernel.tracking import CellTracking

_TONES = {"changed": WARN, "new": GOOD, "added": GOOD, "unchanged": MUTED, "absent": MUTED, "unsupported": BAD}

ABSENT = 20
"""Datasets without a live frame are counted, and no longer listed, where there are more."""


def _run(call: Call) -> object:
    repository, live = call.session.repository, call.session.live
    frames = live.all(call.names)
    held = {*repository.dataset_names(), *live.added}
    # Scratch frames are named but never read: a status must not cost what a commit of everything would.
    report = repository.status({name: frame for name, frame in frames.items() if name in held})
    scratch = sorted(name for name in frames if name not in held and not name.startswith("_"))
    parts: list[Note | Grid] = [Note(_headline(report, repository.location))]
    if report.gone:
        parts.append(Note(f"{report.gone} meanwhile: go on with `%lf switch NAME` (`%lf branch` lists them)", BAD))
    if repository.shared_with:
        parts.append(
            Note(
                f"this notebook is open in another kernel too ({repository.shared_with}): each has its own HEAD, and "
                "neither overwrites what it has not seen of the other's commits",
                WARN,
            )
        )
    waiting = repository.half_done
    if waiting is not None:
        told = f"a merge of {waiting.merged} into {waiting.branch} is half done"
        parts.append(Note(f"{told}: `%lf merge --conflicts` shows what is open, `--abort` forgets it", WARN))
    tracking = call.session.tracking
    if tracking is not None and tracking.problem:
        parts.append(Note(f"cells could not be recorded: {tracking.problem}", WARN))
    if tracking is not None and (told := tracking.emission.told()):
        parts.append(Note(told, WARN))
    parts += _snapshots(tracking)
    parts += _renamed(call)
    absent = [status.dataset for status in report.datasets if status.state == "absent"]
    counted = len(absent) > ABSENT
    shown = [status for status in report.datasets if status.state != "absent" or not counted]
    if shown:
        parts.append(Grid(("dataset", "state", "change"), tuple(_row(status, report, call) for status in shown)))
    if counted:
        told = f"{len(absent):,} datasets without a live frame ({listed(absent, limit=4)})"
        parts.append(Note(f"{told}: `%lf checkout HEAD NAME` loads one", MUTED))
    changed = [status.dataset for status in report.datasets if status.state == "changed"]
    if changed:
        parts.append(Note(f"`%lf diff{f' {changed[0]}' * (len(changed) == 1)}` shows the rows and cells", MUTED))
    if scratch:
        parts.append(
            Note(f"not in the repository: {listed(scratch)} (`%lf commit NAME -m …` or `%lf add NAME`)", MUTED)
        )
    if not report.datasets and not scratch:
        parts.append(Note("no frames here yet", MUTED))
    return Answer(report, tuple(parts))


def _snapshots(tracking: CellTracking | None) -> list[Note | Grid]:
    """Tell of large frames whose snapshots are not there."""
    parts: list[Note | Grid] = []
    if tracking is not None and tracking.copying:
        parts.append(Note(f"snapshots of {_frames(tracking.copying)} are still being made", MUTED))
    if tracking is not None and tracking.torn:
        told = f"{_frames(tracking.torn)} could not be kept as snapshots: a later cell changed them, or they were gone"
        parts.append(Note(f"{told}, before they were copied (`%lf log --cells NAME`)", MUTED))
    return parts


def _frames(count: int) -> str:
    return f"{count:,} large frame{'s' * (count != 1)}"


def _renamed(call: Call) -> list[Note | Grid]:
    """Tell a notebook that is new here of those beside it that are gone: it may be one of them under another name."""
    own, repository = call.session.workspace(), call.session.repository
    here = PurePath(own.path)
    if here.suffix != ".ipynb" or repository.last_operation() is not None:
        return []
    gone = [
        record
        for record in repository.workspaces()
        if (record.name.user, record.name.host) == (own.user, own.host)
        and record.name.path != own.path
        and (path := Path(record.name.path)).suffix == ".ipynb"
        and path.parent == here.parent
        and path.is_absolute()
        and not path.exists()
    ]
    if not gone:
        return []
    old = gone[0]
    name = PurePath(old.name.path).name
    told = f"this notebook is new here; if it was {name} before (on branch {old.branch}), take over its branch: "
    return [Note(f"{told}`%lf workspace --adopt '{name}'`", WARN)]


def _headline(report: StatusReport, location: str) -> str:
    at = f"at {commit_named(report.tip)}" if report.tip else "that is gone" if report.gone else "without commits"
    return f"on branch {report.branch} {at} — {location}"


def _row(status: DatasetStatus, report: StatusReport, call: Call) -> tuple[str | Cell, ...]:
    live = call.session.live
    variable = live.variable(status.dataset, call.names)
    state = "added" if status.state == "new" and status.dataset in live.added else status.state
    name = status.dataset if variable == status.dataset else f"{status.dataset} (variable {variable})"
    return name, Cell(state, _TONES.get(state, "")), _told(status, report)


def _told(status: DatasetStatus, report: StatusReport) -> str:
    if status.problem:
        return status.problem.removeprefix(f"{status.dataset!r}: ")
    told = change_text(status.change) if status.change else ""
    if status.state == "absent":
        told = f"no live frame; `%lf checkout HEAD {status.dataset}` loads it"
    elif status.behind:
        place = f"{report.branch} {status.dataset}" if status.state == "unchanged" else ""
        look = f"`%lf checkout {place}`" if place else f"`other = %lf read {report.branch}:{status.dataset}`"
        seen = f"{report.branch} holds another version: {look}"
        told = f"{told}; {seen}" if told else seen
    return told


VERB = Verb(
    "status",
    "show which live frames differ from HEAD",
    _run,
    examples=("%lf status",),
    notes=(
        "Each dataset is compared with the version that this notebook last read, checked out or committed. "
        "`changed`: the next `%lf commit` takes it. `new`: HEAD holds no such dataset. `absent`: no variable "
        "holds it. `unsupported`: it could not be committed, and why. Where the branch holds a version that this "
        "notebook has not seen, the line to look at it is shown.",
        "Cells are compared in the order of the rows: a sorted frame is told as changed columns. `%lf diff` finds out "
        "which rows moved, came and went. Other frames of the notebook are listed by name and not looked at; names "
        "that begin with `_` are left out.",
    ),
)
