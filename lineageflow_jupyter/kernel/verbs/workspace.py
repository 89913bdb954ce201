"""``%lf workspace``: the notebooks and processes that use the repository."""

from __future__ import annotations

from lineageflow_jupyter.errors import AmbiguousName, UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.display import GOOD, MUTED, Answer, Cell, Grid, Note, when_here
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.records import WorkspaceRecord

WORKSPACES = 20
"""Workspaces that are shown unless ``-n`` says otherwise."""


def _run(call: Call) -> object:
    wanted = call.arguments.get("adopt")
    if wanted is not None:
        return _adopt(call, wanted)
    repository, limit = call.session.repository, count_of(call, "number", WORKSPACES, "workspaces")
    found = repository.workspaces()
    own = repository.head.workspace
    shown = sorted(found, key=lambda record: record.id != own)[:limit]
    rows = tuple(_row(record, record.id == own) for record in shown)
    parts: list[Note | Grid] = [Grid(("", "notebook or process", "branch", "opened", "user", "id"), rows)]
    if len(found) > limit:
        parts.append(Note(f"{len(found) - limit:,} older ones: `%lf workspace -n {len(found)}`", MUTED))
    parts.append(Note("after a rename, `%lf workspace --adopt OLD` takes over the branch of the old notebook", MUTED))
    return Answer(found, tuple(parts))


def _row(record: WorkspaceRecord, own: bool) -> tuple[str | Cell, ...]:
    opened = "" if record.opened is None else when_here(record.opened)
    who = f"{record.name.user}@{record.name.host}"
    return (
        "*" if own else "",
        Cell(record.name.path, GOOD if own else ""),
        record.branch,
        Cell(opened, MUTED),
        Cell(who, MUTED),
        Cell(record.id[:8], MUTED),
    )


def _adopt(call: Call, wanted: str) -> Answer:
    repository = call.session.repository
    record = _found(wanted, [known for known in repository.workspaces() if known.id != repository.head.workspace])
    head = repository.adopt(record.id)
    told = f"HEAD is now that of {record.name.path}: branch {head.branch}"
    hint = f"its stashes: `%lf stash list --all`, those below stash/{record.id[:8]}"
    return Answer(
        head, (Note(told), Note("variables stay as they are; `%lf status` compares them", MUTED), Note(hint, MUTED))
    )


def _found(wanted: str, records: list[WorkspaceRecord]) -> WorkspaceRecord:
    """Workspace by id, beginning of the id, path, or end of the path."""
    if not wanted:
        raise UsageProblem("a workspace was expected, '' found", remedy="`%lf workspace` lists them")
    exact = [record for record in records if wanted in (record.id, record.name.path)]
    near = [record for record in records if record.id.startswith(wanted) or record.name.path.endswith(f"/{wanted}")]
    found = exact or near
    if not found:
        near_names = did_you_mean(wanted, [record.name.path.rpartition("/")[2] for record in records])
        raise UnknownName(f"there is no other workspace {wanted!r}{near_names}", remedy="`%lf workspace` lists them")
    if len(found) > 1:
        listed = " or ".join(f"{record.id[:8]} ({record.name.path})" for record in found[:5])
        raise AmbiguousName(f"{wanted!r} may be {listed}", remedy="Name it by its id")
    return found[0]


VERB = Verb(
    "workspace",
    "list the notebooks and processes that use the repository, and their branches",
    _run,
    options=(
        Option(
            ("--adopt",), "take over the HEAD of another one, by path or id: after a rename", "OLD", Holds.WORKSPACE
        ),
        Option(("-n", "--number"), f"at most so many; {WORKSPACES} by default", "N"),
    ),
    examples=("%lf workspace", "%lf workspace --adopt analysis.ipynb"),
    notes=(
        "A workspace is one notebook of one user, known by its path, or one process of a script. Each has its own "
        "HEAD, what it has seen of each dataset, its stashes and its undo. A copied notebook is a workspace of "
        "its own, and so is a renamed one: `--adopt` gives it the branch and what was seen of the old one. "
        "Variables stay as they are.",
    ),
)
