"""``%lf log``: the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from lineageflow_jupyter.errors import AmbiguousName, UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.cell_log import cell_log
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, listed, when
from lineageflow_jupyter.kernel.places import revision_first
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_text
from lineageflow_jupyter.model.graph import draw
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.revisions import split_range

FILTERS = ("author", "text", "since", "until")


def _run(call: Call) -> object:
    arguments, repository = call.arguments, call.session.repository
    if arguments.has("cells"):
        return _cells(call)
    if arguments.has("all") and arguments.has("revision"):
        raise UsageProblem(
            f"--all begins at all branches and tags, and {arguments.get('revision')!r} at one place",
            remedy="Leave one of the two out; a dataset goes behind `--`",
        )
    revision, dataset = _start(call)
    limit, skip = (
        count_of(call, "number", call.session.settings().log_length, "commits"),
        count_of(call, "skip", 0, "commits"),
    )
    filters = {name: arguments.get(name) for name in FILTERS}
    everything = arguments.has("all")
    chosen = [f"--{name}" for name in FILTERS if arguments.has(name)] + ["DATASET"] * (dataset is not None)
    if arguments.has("graph") and (chosen or skip):
        raise UsageProblem(
            f"--graph draws whole histories, and {listed(chosen or ['--skip'])} leaves commits out",
            remedy="Use either; `-n` shows more of the graph",
        )
    with _telling_both(call, dataset):
        records = repository.log(
            revision, dataset=dataset, everything=everything, skip=skip, limit=limit + 1, **filters
        )
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


def _cells(call: Call) -> Answer:
    arguments = call.arguments
    names = [*arguments.all("revision"), *arguments.all("dataset")]
    if len(names) != 1:
        raise UsageProblem(
            f"--cells goes with one dataset, {len(names)} found", remedy="As in `%lf log --cells flights`"
        )
    limit = count_of(call, "number", call.session.settings().log_length, "cell runs")
    return cell_log(call, call.session.live.dataset(names[0]), limit)


@contextmanager
def _telling_both(call: Call, dataset: str | None) -> Iterator[None]:
    """Say of one word that is neither dataset nor revision that it might have been either."""
    try:
        yield
    except UnknownName as error:
        word, repository = call.arguments.get("revision"), call.session.repository
        if word is None or word != dataset or call.arguments.separated or "Did you mean" in error.remedy:
            raise
        near = did_you_mean(word, ["HEAD", *repository.names()])
        raise UnknownName(
            f"there is no revision and no dataset {word!r}{near}",
            remedy="`%lf branch` lists branches, `%lf status` datasets",
        ) from error


def _nothing(call: Call, filtered: bool) -> str:
    if filtered:
        return "no commits match"
    status = call.session.repository.status({})
    return f"{status.gone}: `%lf switch NAME` goes on" if status.gone else f"no commits on branch {status.branch} yet"


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
    revision, named = revision_first(call.session.repository, word)
    if dataset is None and named is not None:
        return revision, named
    if dataset is not None or call.arguments.separated:
        return word, dataset
    repository = call.session.repository
    if not repository.is_revision(word):
        if any(sign in word for sign in "~^@"):  # no name of a dataset
            repository.resolve(word)  # says what is wrong
        # A name that is no dataset of HEAD either may be one of the past: `log` finds it or lists close matches.
        return "HEAD", word
    if word in repository.dataset_names():
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
        Option(("-n", "--number"), "at most so many commits; by default as the setting log_length says, 20", "N"),
        Option(("--skip",), "leave out so many of the newest: the next page", "N"),
        Option(("--cells",), "the cells that changed a dataset's frame, instead of commits"),
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
    notes=(
        "One word may be a revision or a dataset; a `--` before a dataset, or behind a revision, tells which "
        "where it could be both. `A..B` is what B has and A has not, `A...B` what either has alone. Times are "
        "told in the zone of the author; a bare date in `--since` and `--until` includes that day.",
    ),
)
