"""``%lf diff``: what differs between live frames and what was committed, or between two revisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lineageflow_jupyter.errors import UnknownName, UnsupportedData, UsageProblem
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import split_columns
from lineageflow_jupyter.kernel.counts import count_of
from lineageflow_jupyter.kernel.diff_page import DiffTable
from lineageflow_jupyter.kernel.diff_wording import cause_notes, diff_notes, diff_text, shape, stat_parts
from lineageflow_jupyter.kernel.display import BAD, MUTED, STRONG, WARN, Answer, FrameAnswer, Grid, Note, Part, listed
from lineageflow_jupyter.kernel.places import place_named
from lineageflow_jupyter.kernel.sides import Asked, in_shell, read
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import are
from lineageflow_jupyter.model.revisions import cell_of, split_place, split_range

if TYPE_CHECKING:
    from lineageflow_jupyter.diffing import TableDiff
    from lineageflow_jupyter.repository import Repository

ROWS = 50
"""Rows that are shown of one dataset, …"""
ROWS_OF_SEVERAL = 10
"""… and of each where several differ."""
TABLES = 3
"""Datasets whose rows are shown where several differ."""
SUMMARIES = 100
"""Datasets that are compared where many differ; the others are named."""
WIDE = 200
"""Of wider tables no more columns are read for the rows that are shown."""

NOTHING = "no changes"

Diffs = dict[str, "TableDiff"]


class Sides(NamedTuple):
    """What is compared with what, in words."""

    old: str
    new: str

    def __str__(self) -> str:
        """Both, as a title."""
        return f"{self.old} → {self.new}"


@dataclass(slots=True)
class Found:
    """Diffs with what is to be said about them.

    Parameters
    ----------
    diffs : dict of str to TableDiff
        By dataset, those that do not differ included where they were asked for.
    sides : dict of str to Sides
        By dataset, where each has its own.
    heading : Sides, optional
        Those of all others.
    nothing : str
        What to say where nothing differs.
    notes : list of Note
        What could not be compared, or was compared with something else.
    live : bool
        Whether diffs look at live frames.
    """

    diffs: Diffs = field(default_factory=dict)
    sides: dict[str, Sides] = field(default_factory=dict)
    heading: Sides | None = None
    nothing: str = NOTHING
    notes: list[Note] = field(default_factory=list)
    live: bool = False


def run_in_notebook(call: Call) -> Answer:
    """Compare with live frames, unless both sides are named."""
    repository, asked = call.session.repository, read(call)
    if call.session.tracking is not None:
        call.session.tracking.flush()  # what earlier cells did is told as the cause
    if not asked.revisions and not repository.log(limit=1):
        found = Found(nothing=f"no commits on branch {repository.head.branch} yet, so nothing to compare with")
    elif asked.stored:
        found = _stored(call, asked.revisions, asked.datasets)
    else:
        found = _live(call, asked)
    return _answer(call, asked, found)


def run_in_shell(call: Call) -> Answer:
    """Compare two revisions: HEAD with the one that is named, or with the one before it."""
    asked = in_shell(read(call))
    return _answer(call, asked, _stored(call, asked.revisions, asked.datasets))


# --- two revisions ---------------------------------------------------------------------------------------------------


def _stored(call: Call, revisions: Sequence[str], datasets: Sequence[str]) -> Found:
    repository = call.session.repository
    if len(revisions) == 1 and (chosen := split_range(revisions[0])) is not None:
        old = f"where {chosen.left} and {chosen.right} parted" if chosen.symmetric else _side(repository, chosen.left)
        new = _side(repository, chosen.right)
    else:
        old, new = (_side(repository, word) for word in revisions)
    found = repository.diff(*revisions, datasets=list(datasets) or None, **_options(call))
    return Found(dict(found), heading=Sides(old, new), nothing=f"{NOTHING} between {old} and {new}")


def _side(repository: Repository, word: str) -> str:
    return place_named(repository, *split_place(word))


# --- live frames -----------------------------------------------------------------------------------------------------


def _live(call: Call, asked: Asked) -> Found:
    """Compare live frames with a revision, or with what the workspace last saw of them."""
    repository, frames = call.session.repository, call.session.live.all(call.names)
    places = _places(call, asked)
    found = Found()
    for dataset in places:
        if dataset in frames:
            _compare(call, found, dataset, places[dataset], frames[dataset], named=asked.one_dataset)
    absent = {dataset: place for dataset, place in places.items() if dataset not in frames}
    if asked.revisions or asked.datasets:
        _compare_absent(call, found, absent)
    compared = sorted(found.sides)
    if len(compared) == 1:
        found.nothing = f"{NOTHING}: {compared[0]} is as in {found.sides[compared[0]].old}"
    elif compared:
        where = f"in {_side(repository, asked.revisions[0])}" if asked.revisions else "this notebook last saw them"
        found.nothing = f"{NOTHING}: {are(compared)} as {where}"
    elif not found.notes:
        found.nothing = "no variable holds a dataset; `%lf checkout HEAD NAME` loads one"
    return found


def _places(call: Call, asked: Asked) -> dict[str, str]:
    """By dataset: the place that is compared with."""
    repository = call.session.repository
    revision, named = split_place(asked.revisions[0]) if asked.revisions else (None, None)
    if named is not None:
        dataset = call.session.live.dataset(named) if cell_of(revision or "") is not None else named
        return {(asked.datasets or (dataset,))[0]: f"{revision}:{named}"}
    if asked.datasets:
        wanted: Sequence[str] = asked.datasets
    else:
        held = () if revision is None else repository.dataset_names(revision)
        wanted = list(dict.fromkeys([*held, *repository.dataset_names(), *sorted(call.session.live.added)]))
    return {name: f"{_base(call, name, revision)}:{name}" for name in wanted}


def _base(call: Call, dataset: str, revision: str | None) -> str:
    """Revision that a live frame is compared with."""
    if revision is not None:
        return revision
    seen = call.session.repository.head.bases.get(dataset)
    return "HEAD" if seen is None else seen.hex()


def _compare(call: Call, found: Found, dataset: str, place: str, frame: Any, *, named: bool) -> None:
    """Compare a live frame with a place; one that cannot be compared is an error only if it was named."""
    repository = call.session.repository
    variable = call.session.live.variable(dataset, call.names)
    revision, held = split_place(place)
    after_cell = cell_of(revision) is not None
    if not after_cell and held not in repository.dataset_names(revision):
        told = f"{dataset} is new: {_side(repository, revision)} holds no such dataset"
        found.notes.append(Note(told, WARN))
        return
    try:
        found.diffs[dataset] = repository.diff_frame(place, frame, **_options(call))
    except UnsupportedData as error:
        if named:
            raise
        found.notes.append(Note(f"{dataset} cannot be compared: {error}", BAD))
        return
    found.live = True
    found.sides[dataset] = Sides(
        _side(repository, revision if held == dataset and not after_cell else place), f"variable {variable}"
    )


def _compare_absent(call: Call, found: Found, places: Mapping[str, str]) -> None:
    """Compare what HEAD holds of datasets without a live frame."""
    repository = call.session.repository
    by_revision: dict[str, list[str]] = {}
    for dataset, place in places.items():
        revision, held = split_place(place)
        if held != dataset or cell_of(revision) is not None:
            found.diffs.update(repository.diff(place, f"HEAD:{dataset}", **_options(call)))
            found.sides[dataset] = Sides(_side(repository, place), "HEAD")
        elif dataset in repository.dataset_names() or dataset in repository.dataset_names(revision):
            by_revision.setdefault(revision, []).append(dataset)
    for revision, names in by_revision.items():
        found.diffs.update(repository.diff(revision, "HEAD", datasets=names, **_options(call)))
        found.sides.update(dict.fromkeys(names, Sides(_side(repository, revision), "HEAD")))
    names = [name for name in places if name in found.sides]
    if names:
        found.notes.append(Note(f"no variable holds {listed(names)}: HEAD's version is compared", MUTED))


# --- the answer ------------------------------------------------------------------------------------------------------


def _options(call: Call) -> dict[str, Any]:
    arguments = call.arguments
    options: dict[str, Any] = {name: _tolerance(call, name) for name in ("rtol", "atol") if arguments.has(name)}
    if arguments.has("exact"):
        options["exact"] = True
    if arguments.has("key"):
        options["key"] = split_columns(arguments.all("key"))
    return options


def _tolerance(call: Call, name: str) -> float:
    text = call.arguments.get(name) or ""
    try:
        return float(text)
    except ValueError:
        raise UsageProblem(f"--{name} takes a number, {text!r} found", remedy=f"For example --{name} 1e-6") from None


def _narrowed(call: Call, diffs: Diffs) -> Diffs:
    """Diffs of the columns that the line names; datasets without any of them are left out."""
    wanted, ignored = (split_columns(call.arguments.all(name)) for name in ("columns", "ignore"))
    if not wanted and not ignored:
        return diffs
    if len(diffs) == 1:
        ((name, diff),) = diffs.items()
        return {name: diff.only(wanted or None, ignore=ignored)}
    held = {name: {column for column in (*wanted, *ignored) if _has(diff, column)} for name, diff in diffs.items()}
    for column in (*wanted, *ignored):
        if diffs and not any(column in columns for columns in held.values()):
            raise UnknownName(
                f"none of {listed(list(diffs))} has a column {column!r}",
                remedy="Name one dataset to be told which columns it has",
            )
    found = {}
    for name, diff in diffs.items():
        columns = [column for column in wanted if column in held[name]]
        if columns or not wanted:
            found[name] = diff.only(columns or None, ignore=[column for column in ignored if column in held[name]])
    return found


def _has(diff: TableDiff, column: str) -> bool:
    try:
        diff.only(column)
    except UnknownName:
        return False
    return True


def _differs(diff: TableDiff) -> bool:
    """Whether there is something to tell; values are compared only where options leave some of them out."""
    if diff.old is None or diff.new is None:
        return True
    old, new = diff.old.entry, diff.new.entry
    if (old.table, old.frame, old.key) == (new.table, new.frame, new.key):
        return False
    return bool(diff) if diff.options.restricted or diff.options.tolerant else True


def _answer(call: Call, asked: Asked, found: Found) -> Answer:
    from lineageflow_jupyter.diffing import DatasetDiffs

    diffs = _narrowed(call, found.diffs)
    differing = {name: diff for name, diff in sorted(diffs.items()) if _differs(diff)}
    report = next(iter(diffs.values())) if asked.one_dataset and len(diffs) == 1 else DatasetDiffs(differing)
    parts: list[Part] = []
    if not differing and not (found.notes and not found.sides):
        parts.append(Note(found.nothing.replace(NOTHING, NOTHING + _within(call), 1)))
    elif len(differing) == 1:
        ((name, diff),) = differing.items()
        parts.append(Note(f"{name}: {found.sides.get(name, found.heading)}", STRONG))
        parts += (
            stat_parts(differing)
            if call.arguments.has("stat")
            else [*diff_notes(diff), *cause_notes(diff), *_rows(call, diff, ROWS)]
        )
    elif differing:
        parts += _several(call, found, differing)
    kind = FrameAnswer if found.live else Answer
    return kind(report, (*parts, *found.notes))


def _within(call: Call) -> str:
    narrowed = call.arguments.has("columns") or call.arguments.has("ignore")
    tolerant = call.arguments.has("rtol") or call.arguments.has("atol")
    return " in these columns" * narrowed + " beyond the tolerance" * tolerant


def _several(call: Call, found: Found, diffs: Mapping[str, TableDiff]) -> list[Part]:
    """Tell of each dataset how it differs, and show rows of the first ones."""
    names = list(diffs)
    shown = {name: diffs[name] for name in names[:SUMMARIES]}
    parts: list[Part] = [Note(str(found.heading), STRONG)] if found.heading else []
    if call.arguments.has("stat"):
        parts += stat_parts(shown)
    else:
        rows = tuple((name, _shapes(diff), diff_text(diff)) for name, diff in shown.items())
        parts.append(Grid(("dataset", "rows × columns", "changes"), rows))
        for name in names[:TABLES]:
            table = _rows(call, diffs[name], ROWS_OF_SEVERAL)
            parts += [Note(f"{name}: {found.sides[name]}" if name in found.sides else name, STRONG)] * bool(table)
            parts += table
    if len(names) > SUMMARIES:
        parts.append(Note(f"not compared: {listed(names[SUMMARIES:], limit=4)}; name those you want to see", MUTED))
    elif len(names) > TABLES and not call.arguments.has("stat"):
        parts.append(Note("name a dataset to see its rows", MUTED))
    return parts


def _shapes(diff: TableDiff) -> str:
    return " → ".join(dict.fromkeys(str(shape(side)) for side in (diff.old, diff.new) if side is not None))


def _rows(call: Call, diff: TableDiff, default: int) -> list[Part]:
    """Show one page of the rows that differ."""
    limit, skip = count_of(call, "number", default, "rows"), count_of(call, "skip", 0, "rows")
    context = count_of(call, "context", 0, "rows")
    slim = _slim(diff)
    page = slim.page(skip, skip + limit, context)
    if not page.rows:
        return []
    if skip >= page.rows:
        return [Note(f"there are {page.rows:,} rows to show; --skip {skip:,} leaves none", MUTED)]
    parts: list[Part] = [DiffTable(page, gaps=context > 0)]
    if page.start or page.stop < page.rows:
        told = f"rows {page.start + 1:,} to {page.stop:,} of {page.rows:,}"
        more = f"; `--skip {page.stop}` shows the next ones" if page.stop < page.rows else ""
        parts.append(Note(told + more, MUTED))
    if slim is not diff and len(diff.summary.cells_changed) > WIDE:
        parts.append(Note(f"rows that differ in none of the first {WIDE:,} changed columns are not shown", MUTED))
    return parts


def _slim(diff: TableDiff) -> TableDiff:
    """The diff with no more columns than can be looked at: those that changed first."""
    width = max(len(side.table.columns) for side in (diff.old, diff.new) if side is not None)
    if width <= WIDE:
        return diff
    changed = set(diff.summary.cells_changed)
    names = sorted(
        (column.name for column in diff.page(0, 0).columns), key=lambda name: name not in changed
    )  # the sort keeps the order of the columns otherwise
    return diff.only(names[:WIDE], ignore=diff.options.ignore)


VERB = Verb(
    "diff",
    "show what differs between live frames and what was committed, or between two revisions",
    run_in_notebook,
    positionals=(
        Positional(
            "revisions", "REV", "one or two revisions, a range A..B or A...B, or REV:DATASET", Holds.REVISION, many=True
        ),
        Positional("datasets", "DATASET", "only these datasets", Holds.DATASET, many=True),
    ),
    options=(
        Option(("--stat",), "only counts with bars, a line a dataset and column"),
        Option(("--columns",), "only these columns (commas between)", "COL", Holds.COLUMN, many=True),
        Option(("--ignore",), "all but these columns", "COL", Holds.COLUMN, many=True),
        Option(("--key",), "columns that identify rows, instead of the declared key", "COL", Holds.KEY, many=True),
        Option(("--rtol",), "floats that differ by so much of the old value count as equal", "NUMBER"),
        Option(("--atol",), "floats that differ by so much count as equal", "NUMBER"),
        Option(("--exact",), "tell also what differs besides values: dtypes, orders of categories, attributes"),
        Option(("-U", "--context"), "show so many unchanged rows around those that differ", "N"),
        Option(("-n", "--number"), f"show at most so many rows; {ROWS} by default", "N"),
        Option(("--skip",), "leave out so many of the first rows: the next page", "N"),
    ),
    examples=(
        "%lf diff",
        "%lf diff flights",
        "%lf diff HEAD~3 flights --columns dep_delay,arr_delay",
        "%lf diff main..no-outliers --stat",
        "%lf diff v1.0 main -- flights",
        "%lf diff flights@{cell:1f2e3d4} flights",
        "d = %lf diff HEAD~1 HEAD flights",
    ),
    notes=(
        "Without revisions each live frame is compared with what this notebook last read, checked out or committed; "
        "with one, with that one. `A..B`, or `A B`, compares two revisions, `A...B` compares B with where the two "
        "parted. Words may be revisions or datasets, revisions first; `--` parts them where a word could be both.",
        "Rows are matched by the declared key, else by an index that is unique and means something, else by what "
        "they hold; rows that only moved are told apart from those that changed. `+` is a row or column that came, "
        "`−` one that went, `~` a row with changed cells, `↕` one that moved. NaN equals NaN.",
        "`d = %lf diff flights` has the diff in `d.report`: `added`, `removed`, `changed[COLUMN]`, `moved`, `cells`, "
        "`summary`, `causes`, `distribution[COLUMN]`, … It looks at the frame itself: take what you need before you "
        "change it.",
        "Which cell changed what, by which operation, is told below the counts: from the steps of this notebook, or "
        "from those that commits keep.",
    ),
)
