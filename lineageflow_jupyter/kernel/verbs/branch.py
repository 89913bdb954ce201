"""``%lf branch``: list branches, or create one."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Positional
from lineageflow_jupyter.kernel.display import GOOD, Answer, Cell, Grid, Note
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named, commit_text


def _run(call: Call) -> object:
    name, revision = call.arguments.get("name"), call.arguments.get("at")
    repository = call.session.repository
    if name is not None:
        ref = repository.branch(name, at=revision or "HEAD")
        told = f"created branch {name} at {commit_named(repository.resolve(name))}; `%lf switch {name}` goes there"
        return Answer(ref, (Note(told),))
    if revision is not None:
        raise UsageProblem("%lf branch needs a NAME for the new branch", remedy=f"Write `%lf branch NAME {revision}`")
    branches = repository.branches()
    current = repository.head.branch
    rows: list[tuple[str | Cell, ...]] = []
    for ref in branches:
        here = ref.name == current
        at = commit_text(repository.resolve(ref.name)) if ref.commit is not None else "no commits yet"
        rows.append(("*" if here else "", Cell(ref.name, GOOD if here else ""), at))
    if current not in {ref.name for ref in branches}:
        rows.append(("*", Cell(current, GOOD), "no commits yet"))
    return Answer(branches, (Grid(("", "branch", "commit"), tuple(rows)),))


VERB = Verb(
    "branch",
    "list branches, or create one",
    _run,
    positionals=(
        Positional("name", "NAME", "the new branch", Holds.BRANCH),
        Positional("at", "REV", "where it begins; HEAD by default", Holds.REVISION),
    ),
    examples=("%lf branch", "%lf branch no-outliers", "%lf branch fix HEAD~2"),
)
