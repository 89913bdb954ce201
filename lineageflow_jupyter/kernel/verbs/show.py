"""``%lf show``: one commit and what it changed, a tag, or a dataset as it was."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import CODE, GOOD, MUTED, WARN, Answer, Cell, Grid, Note, when
from lineageflow_jupyter.kernel.places import place_named, revision_first, telling_datasets
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import change_text
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.reports import DatasetChange


def _run(call: Call) -> object:
    typed = call.arguments.get("revision") or "HEAD"
    revision, dataset = revision_first(call.session.repository, typed)
    if dataset is not None:
        return _dataset(call, revision, dataset)
    with telling_datasets(call.session.repository, typed, f"%lf show HEAD:{typed}"):
        return _commit(call, typed)


def _commit(call: Call, revision: str) -> Answer:
    repository = call.session.repository
    report = repository.show(revision)
    commit = report.commit.commit
    parents = ", ".join(short(parent) for parent in commit.parents)
    parts: list[Note | Grid] = [
        *_annotation(call, revision),
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


def _annotation(call: Call, revision: str) -> list[Note | Grid]:
    """What an annotated tag says."""
    said = next((ref.annotation for ref in call.session.repository.tags() if ref.name == revision), None)
    if said is None:
        return []
    who = f"tag {revision} by {said.author}, {when(said.time, said.offset)}"
    return [Note(who, MUTED), Note(said.message)]


def _dataset(call: Call, revision: str, dataset: str) -> Answer:
    repository = call.session.repository
    schema = repository.schema(f"{revision}:{dataset}")
    at = place_named(repository, revision, dataset).removeprefix(f"{dataset} at ")
    key = f", key {', '.join(schema.key)}" if schema.key else ""
    rows = tuple((Cell(column.name, CODE), column.role, column.type) for column in schema.columns)
    return Answer(
        schema,
        (
            Note(f"{schema.dataset} {schema.shape} at {at}{key}"),
            Grid(("column", "role", "type"), rows),
            Note(f"`x = %lf read {revision}:{dataset}` gives the frame", MUTED),
        ),
    )


def _row(change: DatasetChange) -> tuple[str | Cell, ...]:
    tone = {"added": GOOD, "changed": WARN}.get(change.state, "")
    shapes = dict.fromkeys(str(shape) for shape in (change.before, change.after) if shape is not None)
    told = change_text(change) if change.before and change.after else ""
    return change.dataset, Cell(change.state, tone), " → ".join(shapes), told


VERB = Verb(
    "show",
    "show a commit and what it changed, a tag, or the columns of a dataset",
    _run,
    positionals=(Positional("revision", "REV", "the commit, HEAD by default; or REV:DATASET", Holds.REVISION),),
    examples=("%lf show", "%lf show HEAD~1", "%lf show v1.0", "%lf show main:flights"),
    notes=(
        "`NAME@{AT}` is a branch or tag at a point in time where there is such a ref, and else a dataset. What "
        "changed is told against the first parent; cells are counted where that is cheap.",
    ),
)
