"""How a diff is told in lines: in a few words, in full, and as counts with bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lineageflow_jupyter.kernel.diff_page import NAME_LENGTH, SIGNS
from lineageflow_jupyter.kernel.display import CODE, MUTED, Cell, Grid, Note, clipped, listed
from lineageflow_jupyter.kernel.wording import MINUS, NAMED_COLUMNS
from lineageflow_jupyter.model.reports import TableShape

if TYPE_CHECKING:
    from lineageflow_jupyter.diffing import TableDiff
    from lineageflow_jupyter.model.diffs import DiffSummary, SchemaDiff
    from lineageflow_jupyter.reasons import Cause
    from lineageflow_jupyter.versions import Version

BAR = 30
"""Signs of the longest bar."""
CAUSED = 500_000
"""Cells or rows that differ, beyond which causes are only told when they are asked for."""
LINES = 10
"""Lines about columns at most."""
ROWS = "(rows)"
SAME = "same values; dtypes, index, attributes or the like differ"


def diff_text(diff: TableDiff) -> str:
    """Tell in a few words how a dataset differs.

    Parameters
    ----------
    diff : TableDiff
        How it differs.
    """
    if diff.old is None or diff.new is None:
        return f"new, {shape(diff.new)}" if diff.new else f"removed ({shape(diff.old)})"
    summary, schema = diff.summary, diff.schema
    parts = [*_rows(summary), *_cells(summary), *_columns(schema)]
    return ", ".join(parts) or ("no changes" if diff.old.entry.frame == diff.new.entry.frame else SAME)


def shape(version: Version | None) -> TableShape:
    """Rows and columns of a version; none of one that does not exist."""
    return TableShape(0, 0) if version is None else TableShape(version.table.rows, len(version.table.data))


def diff_notes(diff: TableDiff) -> Iterator[Note]:
    """Yield all that is to be said above the rows of a diff."""
    summary = diff.summary
    if diff.old is None or diff.new is None:
        yield Note(diff_text(diff))
        return
    before, after = summary.rows_before, summary.rows_after
    rows = _counted(after, "row") if before == after else f"{before:,} → {_counted(after, 'row')}"
    changed = [f"{SIGNS['changed']}{_counted(summary.rows_changed, 'row')} changed"] if summary.rows_changed else []
    told = ", ".join([*_rows(summary), *changed])
    yield Note(f"{rows}: {told or ('columns differ' if diff.schema else SAME)}")
    if summary.cells_changed:
        counts = [f"{_name(name)} {count:,}" for name, count in summary.cells_changed.items()]
        yield Note(f"{_counted(summary.cells, 'changed cell')}: {listed(counts, limit=12)}")
    lines = [clipped(line, 200) for line in diff.schema.lines()]
    yield from (Note(line, CODE) for line in lines[:LINES])
    if len(lines) > LINES:
        yield Note(f"and {len(lines) - LINES:,} more differences of columns", MUTED)
    if summary:
        yield Note(_matched(diff), MUTED)


def cause_notes(diff: TableDiff) -> Iterator[Note]:
    """Yield which cells made the difference, a line for each column and cell; nothing where none is known.

    Nor where all came with one commit: that says no more than what was compared.
    """
    summary = diff.summary
    made = summary.rows_after * len(diff.schema.added)
    if max(summary.cells, summary.rows_added, summary.rows_removed, made) > CAUSED:
        if diff.old is not None and diff.new is not None:
            yield Note("`d = %lf diff …` tells in `d.report.causes` which cells made the changes", MUTED)
        return
    reasons = diff.reasons
    if not any(each.run for each in reasons) and len({each.commit for each in reasons}) < 2:
        return
    lines = [_cause_text(each) for each in reasons]
    yield from (Note(clipped(line, 200)) for line in lines[:LINES])
    if len(lines) > LINES:
        yield Note(f"and {len(lines) - LINES:,} more: `d.report.causes` has all of `d = %lf diff …`", MUTED)


def _cause_text(found: Cause) -> str:
    """What changed, by which operation, in which cell and line.

    Examples
    --------
    >>> from lineageflow_jupyter.reasons import Cause
    >>> _cause_text(Cause("changed", "dep", 3112, run="1f", number=7, line=2, operation="fillna"))
    '3,112 values of dep changed by fillna, cell [7], line 2'
    """
    what = {
        "changed": f"{_counted(found.cells, 'value')} of {_name(found.column)} changed",
        "added column": f"{_counted(found.cells, 'value')} of the new column {_name(found.column)} made",
        "dropped column": f"the column {_name(found.column)} dropped",
        "added rows": f"{_counted(found.cells, 'row')} added",
        "removed rows": f"{_counted(found.cells, 'row')} removed",
    }[found.kind]
    if not found.run:
        return f"{what} by commit {found.commit[:7]}" if found.commit else f"{what}: by which cell is not known"
    by = f" by {found.operation}" if found.operation and found.sure else ""
    where = "" if found.number is None else f"cell [{found.number}]"
    line = "" if found.line is None or not found.sure else f"line {found.line}"
    doubt = f"{found.operation} was called, and its columns cannot be told" if not found.sure else ""
    return ", ".join(part for part in (what + by, where or f"cell run {found.run[:7]}", line, doubt) if part)


def _matched(diff: TableDiff) -> str:
    """Tell how it is known which rows are which."""
    names = listed([_name(name) for name in diff.key], limit=NAMED_COLUMNS)
    if diff.by == "key":
        return f"rows are matched by the key {names}"
    if diff.by == "index":
        return f"rows are matched by the index {names}"
    declared = () if diff.new is None else diff.new.entry.key
    if declared:
        lost = listed([_name(name) for name in declared], limit=NAMED_COLUMNS)
        return f"the key {lost} does not identify the rows of both sides: rows are matched by what they hold"
    return "without a key, rows are matched by what they hold; `--key COL` matches them by columns"


def stat_parts(diffs: Mapping[str, TableDiff]) -> list[Note | Grid]:
    """Counts with bars, a line a dataset and column, and their sum, as `git diff --stat` has them.

    Parameters
    ----------
    diffs : mapping of str to TableDiff
        By dataset.
    """
    rows: list[tuple[str, str, str, list[tuple[str, int]]]] = []
    for name, diff in diffs.items():
        lines = list(_stat_lines(diff)) or [(ROWS, diff_text(diff), [])]
        rows += [(name if at == 0 else "", *line) for at, line in enumerate(lines)]
    longest = max((sum(count for _, count in bar) for *_, bar in rows), default=0)
    grid = Grid(
        ("dataset", "column", "changes", ""),
        tuple((name, what, told, Cell(_bar(bar, longest), CODE)) for name, what, told, bar in rows),
    )
    total = [
        _counted(len(diffs), "dataset"),
        *_rows_of(*(sum(getattr(diff.summary, f"rows_{kind}") for diff in diffs.values()) for kind in KINDS)),
        *([_counted(cells, "changed cell")] if (cells := sum(diff.summary.cells for diff in diffs.values())) else []),
    ]
    return [grid, Note(", ".join(total), MUTED)]


KINDS = ("added", "removed", "moved")


def _stat_lines(diff: TableDiff) -> Iterator[tuple[str, str, list[tuple[str, int]]]]:
    """Yield columns with what changed and the parts of the bar."""
    summary, schema = diff.summary, diff.schema
    counts = [(SIGNS[kind], getattr(summary, f"rows_{kind}")) for kind in ("added", "removed", "moved")]
    if any(count for _, count in counts):
        told = " ".join(f"{sign}{count:,}" for sign, count in counts if count)
        yield ROWS, told, [(sign, count) for sign, count in counts if count]
    for name, count in summary.cells_changed.items():
        yield _name(name), _counted(count, "cell"), [(SIGNS["changed"], count)]
    if diff.old is None or diff.new is None:
        return
    for sign, columns in (("+", schema.added), (MINUS, schema.dropped)):
        for column in columns:
            yield _name(column.name), f"{sign} column ({column.type})", []
    for retyped in schema.retyped:
        yield _name(retyped.name), f"{retyped.old} → {retyped.new}", []
    for renamed in schema.renamed:
        yield _name(renamed.name), f"was {_name(renamed.old)}", []
    if schema.reordered or schema.key:
        yield "(columns)", "in another order" if schema.reordered else "another key", []


def _bar(parts: Sequence[tuple[str, int]], longest: int) -> str:
    """Signs in the number of changes, or in proportion where these are many; at least one for each kind."""
    scale = 1.0 if longest <= BAR else BAR / longest
    return "".join(sign * max(1, round(count * scale)) for sign, count in parts if count)


def _rows(summary: DiffSummary) -> list[str]:
    return _rows_of(summary.rows_added, summary.rows_removed, summary.rows_moved)


def _rows_of(added: int, removed: int, moved: int) -> list[str]:
    counts = ((added, "+", ""), (removed, MINUS, ""), (moved, SIGNS["moved"], " moved"))
    return [f"{sign}{_counted(count, 'row')}{verb}" for count, sign, verb in counts if count]


def _cells(summary: DiffSummary) -> list[str]:
    names = listed([_name(name) for name in summary.cells_changed], limit=NAMED_COLUMNS)
    return [f"{_counted(summary.cells, 'cell')} ({names})"] if summary.cells_changed else []


def _columns(schema: SchemaDiff) -> Iterator[str]:
    """Yield how columns differ."""
    kinds: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("+", "", [column.name for column in schema.added]),
        (MINUS, "", [column.name for column in schema.dropped]),
        ("", " retyped", [column.name for column in schema.retyped]),
        ("", " renamed", [column.name for column in schema.renamed]),
    )
    for sign, verb, names in kinds:
        if names:
            shown = listed([_name(name) for name in names], limit=NAMED_COLUMNS)
            yield f"{sign}{_counted(len(names), 'column')}{verb} ({shown})"
    if schema.reordered:
        yield "columns in another order"
    if schema.key is not None:
        yield "another key"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _name(name: str) -> str:
    return clipped(name, NAME_LENGTH)
