"""``%lf log``: the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineageflow_jupyter.errors import AmbiguousName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, listed, when
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_text
from lineageflow_jupyter.model.graph import draw
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.revisions import split_dataset, split_range

COMMITS = 20
"""Commits that are shown unless ``-n`` says otherwise."""

FILTERS = ("author", "text", "since", "until")


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    revision, dataset = _start(call)
    limit, skip = count_of(call, "number", COMMITS, "commits"), count_of(call, "skip", 0, "commits")
    filters = {name: arguments.get(name) for name in FILTERS}
    everything = arguments.has("all")
    chosen = [f"--{name}" for name in FILTERS if arguments.has(name)] + ["DATASET"] * (dataset is not None)
    if arguments.has("graph") and (chosen or skip):
        raise UsageProblem(
            f"--graph draws whole histories, and {listed(chosen or ['--skip'])} leaves commits out",
            remedy="Use either; `-n` shows more of the graph",
        )
    records = repository.log(revision, dataset=dataset, everything=everything, skip=skip, limit=limit + 1, **filters)
    shown, more = records[:limit], len(records) > limit
    if not shown:
        return Answer((), (Note(_nothing(call, bool(chosen or skip or split_range(revision)))),))
    graph = draw((record.id, record.commit.parents) for record in records)[:limit] if arguments.has("graph") else None
    parts: list[Note | Grid]
    if arguments.has("oneline") and graph is None:
        parts = [Note(commit_text(record)) for record in shown]
    else:
        parts = [_grid(shown, _names(call), graph, brief=arguments.has("oneline"))]
    if more:
        parts.append(Note(_next_page(call, skip + limit, limit), MUTED))
    return Answer(shown, tuple(parts))


def _nothing(call: Call, filtered: bool) -> str:
    branch = call.session.repository.head.branch
    return "no commits match" if filtered else f"no commits on branch {branch} yet"


def _next_page(call: Call, skip: int, limit: int) -> str:
    if call.arguments.has("graph"):
        return f"there are older commits: `-n {limit * 5}` shows more"
    return f"there are older commits: `--skip {skip}` shows the next ones, `-n {limit * 5}` more at once"


def _names(call: Call) -> dict[ObjectId, list[str]]:
    """Names of branches and tags by commit."""
    repository = call.session.repository
    names: dict[ObjectId, list[str]] = {}
    for ref in (*repository.branches(), *repository.tags()):
        if ref.commit is not None:
            here = ref.kind == "branch" and ref.name == repository.head.branch
            names.setdefault(ref.commit, []).append(
                f"HEAD → {ref.name}" if here else f"tag {ref.name}" if ref.kind == "tag" else ref.name
            )
    return {commit: sorted(found, key=lambda name: not name.startswith("HEAD")) for commit, found in names.items()}


def _start(call: Call) -> tuple[str, str | None]:
    """Revision and dataset of the line; one word alone may be either."""
    word, dataset = call.arguments.get("revision"), call.arguments.get("dataset")
    if word is None:
        return "HEAD", dataset
    if split_range(word) is not None:
        return word, dataset
    revision, named = split_dataset(word)
    if dataset is None and named != word:
        return revision, named
    if dataset is not None or call.arguments.separated:
        return word, dataset
    if not call.session.repository.is_revision(word):
        # A name that is no dataset of HEAD either may be one of the past: `log` finds it or lists close matches.
        return "HEAD", word
    if word in call.session.repository.dataset_names():
        raise AmbiguousName(
            f"{word!r} is a dataset and a revision",
            remedy=f"Write `%lf log -- {word}` for the dataset or `%lf log {word} --` for the revision",
        )
    return word, None


def _grid(
    records: Sequence[CommitRecord], refs: Mapping[ObjectId, Sequence[str]], graph: Sequence[str] | None, *, brief: bool
) -> Grid:
    rows = []
    for number, record in enumerate(records):
        commit = record.commit
        names = f"({listed(refs[record.id], limit=4)}) " if record.id in refs else ""
        who = (
            Cell(when(commit.time, commit.offset), MUTED),
            commit.author.name,
            Cell(listed(record.datasets, limit=4), MUTED),
        )
        rows.append(
            (
                *(() if graph is None else (Cell(graph[number], CODE),)),
                Cell(short(record.id), CODE),
                *(() if brief else who),
                f"{names}{commit.summary}",
            )
        )
    return Grid(
        (
            *(() if graph is None else ("",)),
            "commit",
            *(() if brief else ("time", "author", "datasets")),
            "message",
        ),
        tuple(rows),
    )


VERB = Verb(
    "log",
    "show the history, newest first",
    _run,
    positionals=(
        Positional("revision", "REV", "where to begin, HEAD by default; or a range A..B", Holds.REVISION),
        Positional("dataset", "DATASET", "only commits that changed it", Holds.DATASET),
    ),
    options=(
        Option(("-n", "--number"), f"at most so many commits; {COMMITS} by default", "N"),
        Option(("--skip",), "leave out so many of the newest: the next page", "N"),
        Option(("--all",), "all branches and tags"),
        Option(("--graph",), "draw how branches run and part"),
        Option(("--oneline",), "one short line for each commit"),
        Option(("--author",), "only commits by authors with this in their name or address", "TEXT"),
        Option(("--text",), "only commits with this in their message", "TEXT"),
        Option(("--since",), "only commits made from then on: 2026-11-01, yesterday, '2 days ago'", "TIME"),
        Option(("--until",), "only commits made until then, that day included", "TIME"),
    ),
    examples=(
        "%lf log",
        "%lf log flights -n 5",
        "%lf log --graph --all",
        "%lf log main..no-outliers",
        "%lf log --author ana --since '2 weeks ago'",
        "%lf log main -- flights",
    ),
)
