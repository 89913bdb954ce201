"""``%lf reflog``: where HEAD, a branch or a tag pointed over time."""

from __future__ import annotations

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, when_here
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import operation_text
from lineageflow_jupyter.model.ids import short

MOVES = 20
"""Moves that are shown unless ``-n`` says otherwise."""


def _run(call: Call) -> object:
    name = call.arguments.get("ref") or "HEAD"
    limit, skip = count_of(call, "number", MOVES, "moves"), count_of(call, "skip", 0, "moves")
    moves = call.session.repository.reflog(name, skip=skip, limit=limit + 1)
    shown = moves[:limit]
    if not shown:
        return Answer((), (Note(f"{name} has not moved yet" if not skip else f"{name} has no older moves"),))
    rows = []
    for number, move in enumerate(shown, start=skip):
        revision = f"{name}@{{{number}}}"
        where = short(move.after) if move.after else "(none)"
        at = Cell(when_here(move.operation.time), MUTED)
        branch = (move.branch,) if name == "HEAD" else ()
        rows.append((Cell(revision, CODE), Cell(where, CODE), at, *branch, operation_text(move.operation)))
    headers = ("revision", "commit", "time", *(("branch",) if name == "HEAD" else ()), "operation")
    parts: list[Note | Grid] = [Grid(headers, tuple(rows))]
    if len(moves) > limit:
        parts.append(Note(f"there are older moves: `%lf reflog {name} --skip {skip + limit}`", MUTED))
    return Answer(shown, tuple(parts))


VERB = Verb(
    "reflog",
    "show where HEAD or a ref pointed over time, deleted ones too",
    _run,
    positionals=(Positional("ref", "REF", "a branch, a tag, or HEAD (by default)", Holds.REVISION),),
    options=(
        Option(("-n", "--number"), f"at most so many moves; {MOVES} by default", "N"),
        Option(("--skip",), "leave out so many of the newest", "N"),
    ),
    examples=("%lf reflog", "%lf reflog main", "%lf checkout main@{1} flights"),
    notes=(
        "HEAD's moves are those of this notebook; a branch's those of everybody. `NAME@{N}` names the commit N "
        "moves ago, in every verb, also after a reset or when the branch is deleted: `%lf branch NAME NAME@{1}` "
        "makes it again.",
    ),
)
