"""``%lf branch``: list, create, rename and delete branches."""

from __future__ import annotations

from fnmatch import fnmatchcase

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.display import GOOD, MUTED, Answer, Cell, Grid, Note, listed
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named, commit_text
from lineageflow_jupyter.model.records import Ref
from lineageflow_jupyter.model.reports import BranchReport

BRANCHES = 50
"""Branches that are shown unless ``-n`` says otherwise."""


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    name, at = arguments.get("name"), arguments.get("at")
    acts = [flag for flag in ("move", "delete", "force-delete") if arguments.has(flag)]
    if len(acts) > 1 or (acts and name is not None):
        raise UsageProblem(
            "%lf branch does one thing at a time", remedy="Write, say, `%lf branch -d NAME…` or `%lf branch -m OLD NEW`"
        )
    if arguments.has("move"):
        return _rename(call, arguments.all("move"))
    if acts:
        return _delete(call, arguments.all(acts[0]), force=acts[0] == "force-delete")
    if name is None:
        return _list(call)
    ref = repository.branch(name, at=at or "HEAD")
    assert ref.commit is not None
    at_commit = commit_named(repository.resolve(ref.commit.hex()))
    return Answer(ref, (Note(f"created branch {ref.name} at {at_commit}; `%lf switch {ref.name}` goes there"),))


def _rename(call: Call, names: tuple[str, ...]) -> Answer:
    repository = call.session.repository
    if len(names) > 2:
        raise UsageProblem(f"%lf branch -m takes OLD NEW, {len(names)} names found", remedy="Rename one at a time")
    old, new = names if len(names) == 2 else (repository.head.branch, names[0])
    ref = repository.rename_branch(old, new)
    return Answer(ref, (Note(f"renamed branch {old} to {ref.name}"),))


def _delete(call: Call, names: tuple[str, ...], *, force: bool) -> Answer:
    repository = call.session.repository
    gone = repository.delete_branch(*names, force=force)
    notes = [
        Note(f"deleted branch {ref.name} (was at {commit_named(repository.resolve(ref.commit.hex()))})")
        for ref in gone
        if ref.commit is not None
    ]
    return Answer(gone, (*notes, Note(f"`%lf undo` brings {_it(gone)} back", MUTED)))


def _it(gone: tuple[Ref, ...]) -> str:
    return "it" if len(gone) == 1 else "them"


def _list(call: Call) -> Answer:
    repository = call.session.repository
    pattern, limit = call.arguments.get("list"), count_of(call, "number", BRANCHES, "branches")
    current = repository.head.branch
    found = [report for report in repository.compared_branches() if fnmatchcase(report.ref.name, pattern or "*")]
    found.sort(key=lambda report: report.ref.name != current)  # the present one first, the others by name
    shown = found[:limit]
    commits = repository.commits([report.ref.commit for report in shown if report.ref.commit])
    rows: list[tuple[str | Cell, ...]] = []
    for report in shown:
        here = report.ref.name == current
        at = commit_text(commits[report.ref.commit]) if report.ref.commit else ""
        rows.append(("*" if here else "", Cell(report.ref.name, GOOD if here else ""), _distance(report), at))
    if current not in {report.ref.name for report in found} and pattern is None:
        rows.insert(0, ("*", Cell(current, GOOD), "", "no commits yet"))
    if not rows:
        return Answer((), (Note(f"no branch matches {pattern!r}"),))
    parts: list[Note | Grid] = [Grid(("", "branch", f"against {current}", "commit"), tuple(rows))]
    if len(found) > limit:
        parts.append(
            Note(f"{listed([str(len(found) - limit)])} more: `%lf branch -n {len(found)}`, or `--list 'fix/*'`", MUTED)
        )
    return Answer(tuple(report.ref for report in found), tuple(parts))


def _distance(report: BranchReport) -> str:
    parts = [f"{count:,} {word}" for count, word in ((report.ahead, "ahead"), (report.behind, "behind")) if count]
    return ", ".join(parts)


VERB = Verb(
    "branch",
    "list branches, or create, rename and delete them",
    _run,
    positionals=(
        Positional("name", "NAME", "the new branch", Holds.TEXT),
        Positional("at", "REV", "where it begins; HEAD by default", Holds.REVISION),
    ),
    options=(
        Option(
            ("-m", "--move"), "rename a branch: OLD NEW, or NEW for the present one", "NAME", Holds.BRANCH, many=True
        ),
        Option(("-d", "--delete"), "delete branches whose commits other refs hold", "BRANCH", Holds.BRANCH, many=True),
        Option(("-D", "--force-delete"), "delete branches in any case", "BRANCH", Holds.BRANCH, many=True),
        Option(("--list",), "only branches that match, as in 'fix/*'", "PATTERN"),
        Option(("-n", "--number"), f"at most so many; {BRANCHES} by default", "N"),
    ),
    examples=(
        "%lf branch",
        "%lf branch no-outliers",
        "%lf branch fix HEAD~2",
        "%lf branch -m outliers",
        "%lf branch -d fix",
    ),
    notes=(
        "Making a branch does not go to it: `%lf switch` does, and `%lf switch -c` does both. Ahead and behind "
        "are counted in commits against the present branch.",
        "`-d` refuses a branch whose commits no other branch or tag holds; `-D` deletes it all the same. Several "
        "are deleted together or not at all. The branch that this notebook is on cannot be deleted; renamed, its "
        "notebooks follow. All of it can be undone with `%lf undo`.",
    ),
)
