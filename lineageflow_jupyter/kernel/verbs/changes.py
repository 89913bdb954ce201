"""``%lf changes``: what each commit did to a dataset, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import row_range
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.diff_page import NAME_LENGTH, TEXT_VALUE_LENGTH, clipped_value, edit_texts
from lineageflow_jupyter.kernel.diff_wording import diff_text
from lineageflow_jupyter.kernel.display import (
    BAD,
    CODE,
    GOOD,
    MUTED,
    STRONG,
    WARN,
    Answer,
    Cell,
    Grid,
    Note,
    Part,
    clipped,
    when,
)
from lineageflow_jupyter.kernel.engines import ENGINES, engine_named
from lineageflow_jupyter.kernel.places import revision_first
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.model.ids import short

if TYPE_CHECKING:
    from lineageflow_jupyter.feeding import ChangeFeed, CommittedChange
    from lineageflow_jupyter.model.records import CommitRecord

ROWS = 50
"""Changes that are shown unless others are asked for."""

_OPERATIONS = {
    "insert": Cell("+ insert", GOOD),
    "delete": Cell("− delete", BAD),
    "update": Cell("~ update", WARN),
    "create": Cell("+ create", GOOD),
    "drop": Cell("− drop", BAD),
}
"""As the feed calls them, and as they are shown."""

Change = dict[str, Any]
"""One change: its columns in the feed, values as texts, with its commit's record under ``record``."""


def run_in_notebook(call: Call) -> object:
    """Show a page of the feed, or give all of it as a frame."""
    engine = call.arguments.get("engine")
    if engine is not None:
        return feed_of(call).to_frame(engine_named(engine))
    return _answer(call, "; `--engine pandas` returns all of them as a frame")


def run_in_shell(call: Call) -> Answer:
    """Show a page of the feed."""
    return _answer(call)


def _answer(call: Call, hint: str = "") -> Answer:
    feed = feed_of(call)
    if not len(feed):
        return Answer(feed, (Note(f"no commit there changed {feed.dataset}"),))
    total, shown = total_of(feed), rows_of(call, feed)
    parts: list[Part] = [Note(f"changes of {feed.dataset}, oldest first", STRONG), _commits(feed)]
    if shown:
        parts.append(_grid(feed, list(changes(feed, shown))))
    if len(shown) < total:
        told = f"changes {shown.start + 1:,} to {shown.stop:,} of {total:,}" if shown else f"{total:,} changes"
        more = f"; `--rows {shown.stop}:{min(shown.stop + ROWS, total)}` shows the next ones" * (shown.stop < total)
        parts.append(Note(f"{told}{more}{hint}", MUTED))
    return Answer(feed, tuple(parts))


def feed_of(call: Call) -> ChangeFeed:
    """Return the feed that a line names."""
    repository, word = call.session.repository, call.arguments.get("dataset") or ""
    revision, dataset = revision_first(repository, word)
    if dataset is None:
        revision, dataset = "HEAD", word
    if dataset not in repository.dataset_names():
        dataset = call.session.live.dataset(dataset)
    limit = count_of(call, "number", call.session.settings().log_length, "commits")
    return repository.changes(dataset, call.arguments.get("revision") or revision, limit=limit)


def rows_of(call: Call, feed: ChangeFeed) -> range:
    """Which changes are to be shown, counted from 0."""
    text = call.arguments.get("rows")
    total = total_of(feed)
    return range(total)[row_range(text) if text is not None else slice(ROWS)]


def total_of(feed: ChangeFeed) -> int:
    """How many changes a feed has; no values are read."""
    return sum(map(_count, feed))


def _count(change: CommittedChange) -> int:
    """Rows of a commit in the feed: a row for each cell outside of the key, and one where there is none."""
    diff = change.diff
    if diff.old is None or diff.new is None:
        return 1
    summary = diff.summary
    cells = (
        max(len(side.table.columns) - len(diff.key), 1) * count
        for side, count in ((diff.old, summary.rows_removed), (diff.new, summary.rows_added))
    )
    return summary.cells + sum(cells)


def changes(feed: ChangeFeed, rows: range) -> Iterator[Change]:
    """Yield some changes of a feed; commits before them are not read."""
    from lineageflow_jupyter.feeding import ChangeFeed

    passed = 0
    for change in feed:
        start, stop = max(rows.start - passed, 0), rows.stop - passed
        count = _count(change)
        passed += count
        if start >= count:
            continue
        if stop <= 0:
            return
        for batch in ChangeFeed(feed.dataset, [change]).batches():
            for row in _texts(batch, start, stop):
                yield {**row, "record": change.commit}
            start, stop = max(start - batch.num_rows, 0), stop - batch.num_rows
            if stop <= 0:
                break


def _texts(batch: Any, start: int, stop: int) -> list[Change]:
    """Rows of a batch, keys as texts."""
    from lineageflow_jupyter.frames.texts import array_texts

    part = batch.slice(start, max(stop - start, 0))
    columns = {
        name: column if name in ("row_a", "row_b", "time") else array_texts(column)
        for name, column in zip(part.schema.names, part.columns, strict=True)
    }
    values = [column.to_pylist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _commits(feed: ChangeFeed) -> Grid:
    rows = tuple(
        (*_commit_cells(change.commit), diff_text(change.diff), clipped(change.commit.commit.summary))
        for change in feed
    )
    return Grid(("commit", "time", "author", "changes", "message"), rows)


def _commit_cells(record: CommitRecord) -> tuple[Cell, Cell, str]:
    commit = record.commit
    return Cell(short(record.id), CODE), Cell(when(commit.time, commit.offset), MUTED), commit.author.name


def key_names(feed: ChangeFeed) -> list[str]:
    """Columns of the feed that identify rows."""
    names = feed.schema.names
    return names[names.index("operation") + 1 : names.index("row_a")]


def _grid(feed: ChangeFeed, found: Sequence[Change]) -> Grid:
    keys = key_names(feed)
    headers = ("", *(clipped(name, NAME_LENGTH) for name in keys), "old row", "new row", "column", "old", "new")
    places = frozenset({1 + len(keys), 2 + len(keys)})
    return Grid(
        (*headers, "commit", "time", "author"), tuple(_row(change, keys) for change in found), places, literal=True
    )


def _row(change: Change, keys: Sequence[str]) -> tuple[str | Cell, ...]:
    return (
        _OPERATIONS[change["operation"]],
        *(clipped_value(change[name], TEXT_VALUE_LENGTH) if name in change else "" for name in keys),
        *("" if change.get(side) is None else f"{change[side]:,}" for side in ("row_a", "row_b")),
        clipped(change["column"] or "", NAME_LENGTH),
        *_values(change),
        *_commit_cells(change["record"]),
    )


def _values(change: Change) -> tuple[str, str]:
    """Old and new value; none on the side without the row."""
    old, new = change["old"], change["new"]
    match change["operation"]:
        case "update":
            return edit_texts(old, new, TEXT_VALUE_LENGTH)
        case "insert" | "create":
            return "", clipped_value(new, TEXT_VALUE_LENGTH) if change["column"] or new else ""
        case _:
            return clipped_value(old, TEXT_VALUE_LENGTH) if change["column"] or old else "", ""


VERB = Verb(
    "changes",
    "show what each commit did to a dataset, cell by cell",
    run_in_notebook,
    positionals=(
        Positional("dataset", "DATASET", "the dataset, or REV:DATASET", Holds.DATASET, required=True),
        Positional("revision", "REV", "up to which commit, HEAD by default; or a range A..B", Holds.REVISION),
    ),
    options=(
        Option(("-n", "--number"), "only the latest so many commits; as the setting log_length says by default", "N"),
        Option(
            ("--rows",), f"show the changes START to STOP, STOP excluded; the first {ROWS} by default", "START:STOP"
        ),
        Option(
            ("--engine",),
            f"return all changes as a frame of this library instead: {', '.join(ENGINES)}",
            "ENGINE",
            Holds.ENGINE,
        ),
    ),
    examples=(
        "%lf changes flights",
        "%lf changes flights main..no-outliers -n 5",
        "feed = %lf changes flights --engine pandas",
    ),
    notes=(
        "Each row is one cell that a commit changed against its first parent: `update` with the old and the new value, "
        "`insert` and `delete` for the cells of rows that came and went; `create` and `drop` tell of a whole dataset. "
        "Rows are known by the key, or by their places before and after. Rows that only moved, and columns that came "
        "and went, are in the first table.",
        "`feed = %lf changes flights` has the feed itself in `feed.report`, which reads nothing before it is asked: "
        "`to_frame()`, `to_arrow()`, and an Arrow stream for whatever reads one.",
    ),
)
