"""``%lf log``: the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineageflow_jupyter.errors import AmbiguousName, UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.display import CODE, MUTED, Answer, Cell, Grid, Note, listed, when
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_text
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.revisions import split_dataset

COMMITS = 20
"""Commits that are shown unless ``-n`` says otherwise."""


def _run(call: Call) -> object:
    repository = call.session.repository
    revision, dataset = _start(call)
    limit = _limit(call.arguments.get("number"))
    records = repository.log(revision, dataset=dataset, limit=limit + 1)
    shown, more = records[:limit], len(records) > limit
    if not shown:
        return Answer((), (Note(f"no commits on branch {repository.head.branch} yet"),))
    parts: list[Note | Grid]
    if call.arguments.has("oneline"):
        parts = [Note(commit_text(record)) for record in shown]
    else:
        refs: dict[ObjectId, list[str]] = {}
        for ref in repository.branches():
            if ref.commit is not None:
                refs.setdefault(ref.commit, []).append(ref.name)
        parts = [_grid(shown, refs)]
    if more:
        parts.append(Note(f"there are older commits: `-n {limit * 5}` shows more", MUTED))
    return Answer(shown, tuple(parts))


def _start(call: Call) -> tuple[str, str | None]:
    """Revision and dataset of the line; one word alone may be either."""
    word, dataset = call.arguments.get("revision"), call.arguments.get("dataset")
    if word is None:
        return "HEAD", dataset
    if ":" in word and dataset is None:
        return split_dataset(word)
    if dataset is not None or call.arguments.separated:
        return word, dataset
    is_dataset = word in call.session.repository.datasets()
    try:
        call.session.repository.resolve(word)
    except AmbiguousName:
        is_revision = True
    except UnknownName:
        # A name that is neither may be a dataset of the past: `log` finds it or lists close matches.
        return "HEAD", word
    else:
        is_revision = True
    if is_dataset and is_revision:
        raise AmbiguousName(
            f"{word!r} is a dataset and a revision",
            remedy=f"Write `%lf log -- {word}` for the dataset or `%lf log {word} --` for the revision",
        )
    return word, None


def _limit(text: str | None) -> int:
    if text is None:
        return COMMITS
    if not text.isdecimal() or int(text) == 0:
        raise UsageProblem(f"-n takes a number of commits, {text!r} found", remedy="For example: %lf log -n 50")
    return int(text)


def _grid(records: Sequence[CommitRecord], refs: Mapping[ObjectId, Sequence[str]]) -> Grid:
    rows = []
    for record in records:
        commit = record.commit
        names = f"({listed(refs[record.id])}) " if record.id in refs else ""
        rows.append(
            (
                Cell(short(record.id), CODE),
                Cell(when(commit.time, commit.offset), MUTED),
                commit.author.name,
                Cell(listed(record.datasets, limit=4), MUTED),
                f"{names}{commit.summary}",
            )
        )
    return Grid(("commit", "time", "author", "datasets", "message"), tuple(rows))


VERB = Verb(
    "log",
    "show the history, newest first",
    _run,
    positionals=(
        Positional("revision", "REV", "where to begin; HEAD by default", Holds.REVISION),
        Positional("dataset", "DATASET", "only commits that changed it", Holds.DATASET),
    ),
    options=(
        Option(("-n", "--number"), f"at most so many commits; {COMMITS} by default", "N"),
        Option(("--oneline",), "one short line for each commit"),
    ),
    examples=("%lf log", "%lf log flights -n 5", "%lf log main -- flights"),
)
