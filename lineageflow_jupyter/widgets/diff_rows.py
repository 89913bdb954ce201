"""Rows of a diff for a grid that scrolls: any of them by their places, of some kinds, in some columns, never all.

Texts are made here as the static table shows them, so that the browser has nothing to decide but where they go.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Rows
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.kernel.diff_page import (
    NAME_LENGTH,
    SIGNS,
    TITLE_LENGTH,
    VALUE_LENGTH,
    clipped_to,
    clipped_value,
    edit_texts,
)
from lineageflow_jupyter.kernel.display import clipped, visible
from lineageflow_jupyter.model.diffs import Cell, DiffRow, RowKind
from lineageflow_jupyter.model.pairs import ColumnPair

MOST_ROWS, MOST_COLUMNS = 500, 100
"""So much is told at once, whatever is asked for."""
CHOICES = 200
"""Columns with changes that are offered for filtering."""
KEPT = 4
"""Choices of rows that are remembered, …"""
KINDS: tuple[RowKind, ...] = ("added", "removed", "changed", "moved")
SAME, CHANGED, PLUS, MINUS, NOTHING, ABSENT = range(6)
"""How a cell is painted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows are shown.

    Parameters
    ----------
    kinds : frozenset of str
        Kinds of rows; of other kinds none.
    column : str or None
        Only rows with a change in this column.
    every : bool
        Show all rows, unchanged ones too; what is chosen is then where jumps go.
    """

    kinds: frozenset[str]
    column: str | None = None
    every: bool = False

    @classmethod
    def read(cls, question: Mapping[str, Any]) -> Choice:
        """Return the choice in a question."""
        column = question.get("column")
        kinds = frozenset(question.get("kinds") or KINDS) & frozenset(KINDS)
        return cls(kinds, None if column is None else str(column), bool(question.get("every")))


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Rows of a choice: their places among the rows of hunks (None: all), and where in them jumps go (None: to all)."""

    context: int
    count: int
    places: Rows | None
    marks: Rows | None


class DiffRows:
    """What the grid of a diff shows.

    Parameters
    ----------
    diff : TableDiff
        The diff.
    history : callable, optional
        Tells what commits did to a row in a column, as lines.
    fresh : callable, optional
        Whether the frames that the diff looks at are still as they were; True by default.
    """

    kind = "diff"

    def __init__(
        self,
        diff: TableDiff,
        history: Callable[[DiffRow, str], Sequence[Sequence[str]]] | None = None,
        fresh: Callable[[], bool] = lambda: True,
    ) -> None:
        self._diff = diff
        self._history = history
        self._fresh = fresh
        self._chosen: OrderedDict[Choice, Chosen] = OrderedDict()

    def answers(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        """See `Source`."""
        told = {"open": self.open, "rows": self.rows, "jump": self.jump, "place": self.place, "cell": self.cell}
        return {name: self._if_fresh(answer) for name, answer in told.items()}

    def _if_fresh(self, answer: Callable[[Mapping[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        stale = {"gone": "the frame has changed since; run the cell again to compare it as it is now"}
        return lambda question: answer(question) if self._fresh() else stale

    # --- what is asked -----------------------------------------------------------------------------------------------

    def open(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Tell counts, columns with changes, and the first rows."""
        summary = self._diff.summary
        changed = [(pair, len(self._diff.changed_cells[pair.name][1])) for pair in self._pairs if self._has(pair)]
        return {
            "counts": {kind: getattr(summary, f"rows_{kind}") for kind in KINDS},
            "width": len(self._pairs),
            "rows_after": summary.rows_after,
            "changed": [[pair.name, _label(pair.label), count] for pair, count in changed[:CHOICES]],
            "first": self.rows(question),
        }

    def rows(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Tell a window: texts column by column, how each cell is painted, and what stands at the sides."""
        chosen = self._of(Choice.read(question))
        y0, y1 = _range(question, "y", chosen.count, MOST_ROWS)
        x0, x1 = _range(question, "x", len(self._pairs), MOST_COLUMNS)
        pairs = self._pairs[x0:x1]
        rows = self._window(chosen, y0, y1, pairs)
        columns = [_column(rows, place, pair) for place, pair in enumerate(pairs)]
        return {
            "count": chosen.count,
            "y0": y0,
            "x0": x0,
            "heads": [_head(pair, pair.name in self._diff.key) for pair in pairs],
            "sides": [[row.kind, _side(row)] for row in rows],
            "texts": [texts for texts, _ in columns],
            "paint": [paint for _, paint in columns],
        }

    def jump(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """Tell the next cell that changed after one, or before it (`step` is -1): row by row, column by column."""
        choice = Choice.read(question)
        chosen, step = self._of(choice), -1 if question.get("step") == -1 else 1
        y, x = int(question.get("y", -1)), int(question.get("x", -1))
        here = self._columns_of(chosen, y, choice) if 0 <= y < chosen.count else []
        further = [each for each in here if (each - x) * step > 0]
        if further:
            return {"y": y, "x": further[0] if step > 0 else further[-1]}
        row = _next(chosen, y, step)
        if row is None:
            return None
        there = self._columns_of(chosen, row, choice) or [0]
        return {"y": row, "x": there[0] if step > 0 else there[-1]}

    def place(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """Tell where a row of the newer version is shown, or the first after it that is."""
        chosen = self._of(Choice.read(question))
        if not chosen.count:
            return None
        wanted, low, high = int(question.get("row", 0)), 0, chosen.count
        # Rows stand in the order of the newer version; a removed one behind the last before it that is still there.
        while low < high:
            middle = (low + high) // 2
            if self._newer(chosen, middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return {"y": min(low, chosen.count - 1)}

    def cell(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Tell both values of a cell, what made the difference, and what commits did to the row."""
        chosen, y = self._of(Choice.read(question)), int(question["y"])
        pair = self._pairs[int(question["x"])]
        (row,) = self._window(chosen, y, y + 1, [pair])
        (cell,) = row.cells
        return {
            "column": visible(clipped_to(pair.name, TITLE_LENGTH)),
            "kind": row.kind,
            "row": _side(row),
            "old": None if row.row_a is None or pair.old is None else _whole(_old(row, cell)),
            "new": None if row.row_b is None or pair.new is None else _whole(cell.new),
            "edited": cell.state in ("changed", "retyped"),
            "causes": self._causes(row, cell, pair),
            "history": self._lines(row, pair),
        }

    # --- which rows --------------------------------------------------------------------------------------------------

    @cached_property
    def _pairs(self) -> list[ColumnPair]:
        """Columns as they are shown: those that identify rows, index levels, those with changes, others."""
        key = self._diff.key

        def rank(pair: ColumnPair) -> int:
            if pair.name in key:
                return 0
            if pair.role == "index":
                return 1
            return 2 if self._has(pair) or pair.state != "same" else 3

        return sorted(self._diff.pager.pairs, key=rank)

    def _has(self, pair: ColumnPair) -> bool:
        return pair.name in self._diff.changed_cells

    def _of(self, choice: Choice) -> Chosen:
        found = self._chosen.pop(choice, None) or self._find(choice)
        self._chosen[choice] = found
        while len(self._chosen) > KEPT:
            self._chosen.popitem(last=False)
        return found

    def _find(self, choice: Choice) -> Chosen:
        context = max(self._diff.changes.alignment.rows_b, 1) if choice.every else 0
        total = self._diff.hunks(context).rows
        whole = choice.kinds == frozenset(KINDS) and choice.column is None
        if whole and not choice.every:
            return Chosen(context, total, None, None)
        wanted = np.flatnonzero(self._wanted(choice, context))
        if choice.every:
            return Chosen(context, total, None, wanted)
        return Chosen(context, len(wanted), wanted, None)

    def _wanted(self, choice: Choice, context: int) -> Any:
        """Flags of the rows of all hunks that a choice is about."""
        shown, diff = self._diff.hunks(context).page(0, self._diff.hunks(context).rows), self._diff
        if choice.column is not None:
            held = diff.changed_cells.get(choice.column)
            rows = np.empty(0, np.int64) if held is None else held[1]
            return _among(rows, shown.b) & (shown.a >= 0) if "changed" in choice.kinds else np.zeros(len(shown.b), bool)
        both = (shown.a >= 0) & (shown.b >= 0)
        flags = {
            "added": shown.a < 0,
            "removed": shown.b < 0,
            "changed": _among(diff.changed_rows, shown.b) & both,
            "moved": _among(diff.changes.alignment.moved, shown.b) & both,
        }
        found = np.zeros(len(shown.b), bool)
        for kind in choice.kinds:
            found |= flags[kind]
        return found

    def _window(self, chosen: Chosen, start: int, stop: int, pairs: Sequence[ColumnPair]) -> list[DiffRow]:
        places = np.arange(start, stop, dtype=np.int64) if chosen.places is None else chosen.places[start:stop]
        return replace(self._diff.pager, pairs=pairs).rows(self._diff.hunks(chosen.context).at(places))

    def _newer(self, chosen: Chosen, y: int) -> int:
        """Row of the newer version at a place; of a removed one the last before it."""
        at = y if chosen.places is None else int(chosen.places[y])
        hunks = self._diff.hunks(chosen.context)
        row = int(hunks.at(np.array([at], np.int64)).b[0])
        if row >= 0:
            return row
        gap = np.searchsorted(hunks.shown_at, at, side="right") - 1
        return int(hunks.gaps[gap]) - 1

    def _columns_of(self, chosen: Chosen, y: int, choice: Choice) -> list[int]:
        """Places of the columns in which a row has changes, as they are shown."""
        at = y if chosen.places is None else int(chosen.places[y])
        shown = self._diff.hunks(chosen.context).at(np.array([at], np.int64))
        if shown.a[0] < 0 or shown.b[0] < 0 or "changed" not in choice.kinds:
            return []
        changed = self._diff.changed_cells
        return [
            place
            for place, pair in enumerate(self._pairs)
            if pair.name in changed
            and choice.column in (None, pair.name)
            and bool(_among(changed[pair.name][1], shown.b)[0])
        ]

    # --- one cell ----------------------------------------------------------------------------------------------------

    def _causes(self, row: DiffRow, cell: Cell, pair: ColumnPair) -> list[str]:
        from lineageflow_jupyter.kernel.diff_wording import cause_text

        if row.kind in ("moved", "context") or (row.kind == "changed" and cell.state == "same"):
            return []
        try:
            found = self._diff.reasons_at(row.row_a, row.row_b, pair.name)
        except LineageFlowError as error:
            return [str(error)]
        return [visible(cause_text(each)) for each in found]

    def _lines(self, row: DiffRow, pair: ColumnPair) -> list[list[str]]:
        if self._history is None:
            return []
        try:
            return [[visible(word) for word in line] for line in self._history(row, pair.name)]
        except LineageFlowError:  # such as a row that no commit knows
            return []


# --- texts -----------------------------------------------------------------------------------------------------------


def _label(name: str) -> str:
    return visible(clipped(name, NAME_LENGTH))


def _head(pair: ColumnPair, key: bool) -> list[str]:
    """Title of a column, and what else is to be said of it."""
    if pair.state == "renamed" and pair.old_label is not None:
        return [f"{_label(pair.old_label)} → {_label(pair.label)}", "renamed"]
    sign = {"added": "+ ", "dropped": "− ", "retyped": "~ "}.get(pair.state, "")
    return [sign + _label(pair.name), "key" if key else pair.state]


def _side(row: DiffRow) -> str:
    """What stands beside a row: its sign and its places."""
    sign = SIGNS[row.kind] + (SIGNS["moved"] if row.moved and row.kind == "changed" else "")
    places = dict.fromkeys(f"{place:,}" for place in (row.row_a, row.row_b) if place is not None)
    return f"{sign} {' → '.join(places)}".strip()


def _column(rows: Sequence[DiffRow], place: int, pair: ColumnPair) -> tuple[list[Any], list[int]]:
    told = [_cell(row, row.cells[place]) for row in rows]
    return [text for text, _ in told], [paint for _, paint in told]


def _cell(row: DiffRow, cell: Cell) -> tuple[Any, int]:
    """Text of a cell, or both, and how it is painted."""
    if cell.state == "absent":
        return "", ABSENT
    if cell.state in ("changed", "retyped") and cell.old != cell.new:
        return list(edit_texts(cell.old, cell.new, VALUE_LENGTH)), CHANGED
    value = _old(row, cell) if row.kind == "removed" or cell.state == "removed" else cell.new
    paint = {"added": PLUS, "removed": MINUS}.get(cell.state, NOTHING if value is None else SAME)
    return clipped_value(value, VALUE_LENGTH), paint


def _old(row: DiffRow, cell: Cell) -> str | None:
    """The older value; where both are alike it is told as the newer one."""
    return cell.new if cell.state == "same" and row.kind != "removed" else cell.old


def _whole(value: str | None) -> str:
    return clipped_value(value, TITLE_LENGTH)


def _range(question: Mapping[str, Any], axis: str, length: int, most: int) -> tuple[int, int]:
    start = min(max(int(question.get(f"{axis}0", 0)), 0), length)
    return start, min(max(int(question.get(f"{axis}1", 0)), start), length, start + most)


def _among(rows: Rows, wanted: Iterable[int] | Rows) -> Any:
    """Flags of the wanted rows that are among rising rows."""
    wanted = np.asarray(wanted)
    if not len(rows):
        return np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return rows[at] == wanted


def _next(chosen: Chosen, y: int, step: int) -> int | None:
    """Next row after one, or before it, to which jumps go."""
    if chosen.marks is None:
        return y + step if 0 <= y + step < chosen.count else None
    at = int(np.searchsorted(chosen.marks, y, side="right" if step > 0 else "left")) - (step < 0)
    return int(chosen.marks[at]) if 0 <= at < len(chosen.marks) else None
