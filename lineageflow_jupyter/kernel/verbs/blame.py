"""``%lf blame``: which commit gave each value of a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.blame_page import BlameTable, Source, letters
from lineageflow_jupyter.kernel.columns import split_columns
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.diff_page import VALUE_LENGTH, clipped_value
from lineageflow_jupyter.kernel.display import CODE, MUTED, STRONG, Answer, Cell, Grid, Note, Part, clipped, when
from lineageflow_jupyter.kernel.places import revision_first
from lineageflow_jupyter.kernel.rows import rows_named
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import cell_text, commit_named

if TYPE_CHECKING:
    from lineageflow_jupyter.blaming import Blame
    from lineageflow_jupyter.model.records import CommitRecord
    from lineageflow_jupyter.reasons import Cause

ROWS = 50
"""Rows that are shown unless others are asked for."""
WIDE = 200
"""Of wider tables no more columns are looked at unless they are named."""
LEGEND = 40
"""Commits that the legend lists at most."""


def run(call: Call) -> Answer:
    """Show one page of the dataset, each value with its commit; or how many values each commit gave."""
    found = blame_of(call)
    title = Note(f"blame of {found.dataset} at {commit_named(found.tip)}", STRONG)
    cells = _cells(call, found)
    if call.arguments.has("stat"):
        return Answer(found, (title, *_legend(found, cells, lettered=False)))
    if len(found) == len(found.columns) == 1:
        return Answer(found, (Note(_one_value(found, cells)),))
    if not len(found):
        return Answer(found, (title, Note("no rows to show", MUTED)))
    return Answer(found, (title, _table(found), *_legend(found, cells, lettered=True), *_paged(call, found)))


def blame_of(call: Call) -> Blame:
    """Return what a line asks for: a page of rows, unless it names rows or wants counts only."""
    arguments = call.arguments
    rows = rows_named(call)
    if rows is None and not arguments.has("stat"):
        skip = count_of(call, "skip", 0, "rows")
        rows = slice(skip, skip + count_of(call, "number", ROWS, "rows"))
    repository, place = call.session.repository, place_of(call)
    columns = split_columns(arguments.all("column"))
    if not columns and not arguments.has("stat"):
        names = repository.column_names(place)
        columns = [*names[:WIDE]] if len(names) > WIDE else []
    return repository.blame(place, columns=columns or None, rows=rows)


def place_of(call: Call) -> str:
    """Return the place ``REV:DATASET`` that a line names: the dataset with a revision or without, or a variable."""
    repository, word = call.session.repository, call.arguments.get("dataset") or ""
    revision, dataset = revision_first(repository, word)
    if dataset is None:
        revision, dataset = "HEAD", word
    revision = call.arguments.get("revision") or revision
    if dataset not in repository.dataset_names(revision):
        dataset = call.session.live.dataset(dataset)
    return f"{revision}:{dataset}"


def _cells(call: Call, found: Blame) -> dict[int, str]:
    """Cells that gave values, by the place in the legend."""
    told = {}
    for place, step in enumerate(found.steps[:LEGEND]):
        if step is not None and step.cell_run:
            with suppress(UnknownName):  # of a catalog that was lost, or of the cell that asks
                told[place] = cell_text(call.session.repository.cell_run(step.cell_run))
    return told


def _one_value(found: Blame, cells: Mapping[int, str]) -> str:
    from lineageflow_jupyter.version_frames import texts_at

    (pair,) = found.columns
    assert pair.new is not None
    text = texts_at(found.version, [pair.new], found.numbers)[0][0].as_py()
    record = found.commit_of(pair.name)
    value = clipped_value(text, VALUE_LENGTH)
    operation = _operation(found.cause_of(pair.name, 0))
    cell = f" — {cells[0]}{operation and f': {operation}'}" if cells else ""
    return f"{pair.name} = {value}: {found.ids[0]} {_who(record)}: {clipped(record.commit.summary)}{cell}"


def _operation(cause: Cause) -> str:
    """Operation and line of a cause; ``""`` where none is recorded."""
    line = "" if cause.line is None else f", line {cause.line}"
    return f"{cause.operation}{line}{'' if cause.sure else ' (its columns cannot be told)'}" if cause.operation else ""


def _operations(found: Blame) -> dict[int, str]:
    """Operations that gave values, by the place in the legend."""
    told: dict[int, dict[str, None]] = {}
    for name in found.codes:
        for place in found.counts_of(name):
            text = _operation(found.cause_of(name, place)) if place < LEGEND else ""
            if text:
                told.setdefault(place, {})[text] = None
    return {place: clipped("; ".join(texts), 80) for place, texts in told.items()}


def _title(found: Blame, column: str, place: int) -> str:
    """What a tool tip says of a value: its commit, and the cell and operation where they are known."""
    text = f"{found.ids[place]} {_who(found.commits[place])}"
    if found.steps[place] is None:
        return text
    cause = found.cause_of(column, place)
    number = "" if cause.number is None else f"cell [{cause.number}]"
    return "\n".join(part for part in (text, ": ".join(part for part in (number, _operation(cause)) if part)) if part)


def _who(record: CommitRecord) -> str:
    commit = record.commit
    return f"{commit.author.name}, {when(commit.time, commit.offset)}"


def _table(found: Blame) -> BlameTable:
    from lineageflow_jupyter.version_frames import texts_at

    version, rows = found.version, found.numbers
    labels = found.key_places
    told = [pair for pair in found.columns if pair.new not in labels] or list(found.columns)
    places = [*labels, *(pair.new for pair in told if pair.new is not None)]
    texts = [tuple(array.to_pylist()) for array in texts_at(version, places, rows)]
    named = [version.table.columns[place].name for place in labels]
    return BlameTable(
        tuple(zip(named, texts, strict=False)),
        tuple(rows.tolist()),
        tuple(
            (pair.name, column, tuple(found.codes[pair.name].tolist()), _titles(found, pair.name))
            for pair, column in zip(told, texts[len(labels) :], strict=True)
        ),
        tuple(
            Source(letters(place), f"{found.ids[place]} {_who(record)}") for place, record in enumerate(found.commits)
        ),
    )


def _titles(found: Blame, column: str) -> dict[int, str]:
    return {place: _title(found, column, place) for place in found.counts_of(column)}


def _legend(found: Blame, cells: Mapping[int, str], *, lettered: bool) -> list[Part]:
    rows, operations = [], _operations(found)
    for place, (record, count) in enumerate(zip(found.commits, found.counts, strict=True)):
        commit = record.commit
        told = (
            Cell(found.ids[place], CODE),
            Cell(when(commit.time, commit.offset), MUTED),
            commit.author.name,
            f"{count:,}",
            clipped(commit.summary),
            *((cells.get(place, ""),) if cells else ()),
            *((operations.get(place, ""),) if operations else ()),
        )
        rows.append((letters(place), *told) if lettered else told)
    headers = (
        "commit",
        "time",
        "author",
        "values",
        "message",
        *(("cell",) if cells else ()),
        *(("operation",) if operations else ()),
    )
    parts: list[Part] = [Grid(("", *headers) if lettered else headers, tuple(rows[:LEGEND]), frozenset({3 + lettered}))]
    if len(rows) > LEGEND:
        parts.append(Note(f"and {len(rows) - LEGEND:,} earlier commits", MUTED))
    return parts


def _paged(call: Call, found: Blame) -> Iterator[Part]:
    total, wide = found.version.table.rows, len(found.version.table.data)
    if wide > WIDE and not call.arguments.has("column"):
        yield Note(f"of the first {WIDE:,} columns; --column chooses others", MUTED)
    if call.arguments.has("row") or len(found) == total:
        return
    start, stop = int(found.numbers[0]), int(found.numbers[-1]) + 1
    more = f"; `--skip {stop}` shows the next ones" if stop < total else ""
    yield Note(f"rows {start + 1:,} to {stop:,} of {total:,}{more}; `--stat` counts the values of all", MUTED)


DATASET = Positional("dataset", "DATASET", "the dataset, or REV:DATASET", Holds.DATASET, required=True)
REVISION = Positional("revision", "REV", "at which commit, HEAD by default", Holds.REVISION)
ROW = Option(("--row",), "one row, by values of columns (id=17) or by its number", "COL=VALUE", many=True, parts="=")

VERB = Verb(
    "blame",
    "show which commit gave each value of a dataset",
    run,
    positionals=(DATASET, REVISION),
    options=(
        Option(("--column",), "only these columns (commas between)", "COL", Holds.KEY, many=True),
        ROW,
        Option(("--stat",), "only how many values each commit gave, of the whole dataset"),
        Option(("-n", "--number"), f"show at most so many rows; {ROWS} by default", "N"),
        Option(("--skip",), "leave out so many of the first rows: the next page", "N"),
    ),
    examples=(
        "%lf blame flights",
        "%lf blame flights v1.0 --column dep_delay,arr_delay",
        "%lf blame flights --row id=17 --column dep_delay",
        "%lf blame flights --stat",
    ),
    notes=(
        "The commit of a value is the one in which it appeared to stay: a value that was changed and changed back is "
        "from the last change, and a row or column that went and came again is new. A renamed column is followed, "
        "unless all its values are one; so is a dataset that `%lf mv` renamed. What a merge brought is from "
        "the commits that were merged.",
        "The later a commit, the deeper the colour of its values; letters name commits in the legend.",
        "`b = %lf blame flights --stat` has the whole in `b.report`: `commits`, `codes`, `counts`, `to_frame()`, "
        "`cells()`.",
    ),
)
