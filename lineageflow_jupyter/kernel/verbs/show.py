"""``%lf show``: one commit and what it changed."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import CODE, GOOD, MUTED, WARN, Answer, Cell, Grid, Note, when
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import change_text
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.reports import DatasetChange


def _run(call: Call) -> object:
    report = call.session.repository.show(call.arguments.get("revision") or "HEAD")
    commit = report.commit.commit
    parents = ", ".join(short(parent) for parent in commit.parents)
    parts: list[Note | Grid] = [
        Note(f"commit {report.commit.id.hex()}", CODE),
        Note(f"by {commit.author}, {when(commit.time, commit.offset)}", MUTED),
        Note(f"parent{'s' * (len(commit.parents) > 1)} {parents}" if parents else "the first commit", MUTED),
        Note(commit.message),
    ]
    if report.changes:
        parts.append(Grid(("dataset", "state", "rows × columns", "change"), tuple(map(_row, report.changes))))
    else:
        parts.append(Note("no dataset changed", MUTED))
    return Answer(report, tuple(parts))


def _row(change: DatasetChange) -> tuple[str | Cell, ...]:
    tone = {"added": GOOD, "changed": WARN}.get(change.state, "")
    shapes = dict.fromkeys(str(shape) for shape in (change.before, change.after) if shape is not None)
    told = change_text(change) if change.before and change.after else ""
    return change.dataset, Cell(change.state, tone), " → ".join(shapes), told


VERB = Verb(
    "show",
    "show a commit and what it changed",
    _run,
    positionals=(Positional("revision", "REV", "the commit; HEAD by default", Holds.REVISION),),
    examples=("%lf show", "%lf show HEAD~1"),
)
