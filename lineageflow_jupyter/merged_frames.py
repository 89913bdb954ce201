"""The frame of a merge, made of the frame of ours and of those values that come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Rows
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.convert import library_of_body
from lineageflow_jupyter.frames.gathering import Gatherer, Label, Misfit, gatherer
from lineageflow_jupyter.frames.row_labels import label_range
from lineageflow_jupyter.model.merging import SIDES, MergedColumn, Side
from lineageflow_jupyter.row_values import NO_ROWS
from lineageflow_jupyter.three_way import MergePlan
from lineageflow_jupyter.version_frames import columns_at
from lineageflow_jupyter.versions import Version

OPEN, VALUE = -1, 3
"""Codes of decisions besides those of the sides (their places in `SIDES`): none yet, and a value of its own."""
Frame = Callable[[Version, str, bool], Any]
"""Gives the frame of a version in some library, of all its rows or of none."""


@dataclass(frozen=True, eq=False)
class CellDecisions:
    """What was decided for the cells of one column that are in conflict.

    Parameters
    ----------
    codes : numpy.ndarray of int8
        For each of them the place of a side in `SIDES`, `VALUE`, or `OPEN`.
    values : sequence
        Python objects for those of `VALUE`, in their order.
    """

    codes: Any
    values: Sequence[Any] = ()


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided for a plan; what is not named is open.

    Parameters
    ----------
    cells : mapping of int to CellDecisions
        By the position of the column among the plan's.
    rows : mapping of Side to numpy.ndarray of int8
        By the side that deleted them: codes of the plan's doubtful rows.
    """

    cells: Mapping[int, CellDecisions] = field(default_factory=dict)
    rows: Mapping[Side, Any] = field(default_factory=dict)

    def open(self, plan: MergePlan) -> int:
        """How many conflicts of a plan are not decided."""
        left = len(plan.clashes)
        for number, rows in plan.cells.items():
            decided = self.cells.get(number)
            left += len(rows) if decided is None else int(np.count_nonzero(decided.codes == OPEN))
        for side, rows in plan.doubtful.items():
            codes = self.rows.get(side)
            left += len(rows) if codes is None else int(np.count_nonzero(codes == OPEN))
        return left


def merged_frame(plan: MergePlan, decisions: Decisions, frame: Frame) -> Any:
    """Frame of a merge in which everything is decided.

    Parameters
    ----------
    plan : MergePlan
        What it holds.
    decisions : Decisions
        What was decided for its conflicts.
    frame : callable
        Gives frames of versions.

    Returns
    -------
    frame
        Of the library of ours; it may share memory with the frame of ours.

    Raises
    ------
    UsageProblem
        If a value does not fit into its column.
    """
    return _Builder(plan, decisions, frame).frame()


def unfit(plan: MergePlan, column: MergedColumn, error: Misfit) -> UsageProblem:
    """Error for a value that does not fit into a merged column."""
    return UsageProblem(
        f"column {column.name!r} of {plan.ours.entry.dataset!r}: {error.why}",
        remedy="Decide for a value of the column's type, or for ours, theirs or base",
    )


class Sources:
    """Where the values of a merge come from, in which everything is decided.

    Parameters
    ----------
    plan, decisions
        See `merged_frame`.
    """

    def __init__(self, plan: MergePlan, decisions: Decisions) -> None:
        self._plan = plan
        self._decisions = decisions
        gone, self._undone = self._decided_rows()
        self.rows: dict[Side, Rows] = {side: plan.rows_of(side) for side in SIDES}
        self._kept: Any = None
        if len(gone):
            self._kept = np.ones(len(plan.rows), bool)
            self._kept[gone] = False
            self.rows = {side: rows[self._kept] for side, rows in self.rows.items()}
        ours = self.rows["ours"]
        plain = plan.rows.plain and not len(gone)
        self.as_ours = plain or (
            len(ours) == plan.ours.table.rows and bool((ours == np.arange(len(ours), dtype=ours.dtype)).all())
        )

    def touches(self, number: int) -> bool:
        """Whether a column may have values that are not those of ours, in rows that ours has."""
        decided = self._decisions.cells.get(number)
        elsewhere = decided is not None and bool((decided.codes != SIDES.index("ours")).any())
        return elsewhere or bool(len(self._plan.from_theirs.get(number, NO_ROWS)) or len(self._undone))

    def all_theirs(self, number: int) -> bool:
        """Whether a column is that of theirs, where all three tables have the same rows and none is left out."""
        if not self._plan.rows.plain or self._kept is not None or len(self._undone):
            return False
        decided = self._decisions.cells.get(number)
        undecided = len(self._plan.cells.get(number, NO_ROWS)) and decided is None
        elsewhere = decided is not None and bool((decided.codes != SIDES.index("theirs")).any())
        return not undecided and not elsewhere and not len(self._plan.from_ours.get(number, NO_ROWS))

    def codes(self, number: int, column: MergedColumn) -> Any:
        """For each row the place in `SIDES` of where its value comes from, `VALUE`, or `OPEN` for nowhere."""
        codes = np.full(len(self._plan.rows), OPEN, np.int8)
        order: tuple[Side, ...] = column.order or SIDES
        for side in reversed(order):
            if column.place(side) is not None:
                codes[self._plan.rows_of(side) >= 0] = SIDES.index(side)
        codes[self._plan.from_theirs.get(number, NO_ROWS)] = SIDES.index("theirs")
        decided = self._decisions.cells.get(number)
        if decided is not None:
            chosen = decided.codes.copy()
            at = self._plan.cells[number]
            if column.base is None or self._plan.base is None:
                chosen[chosen == SIDES.index("base")] = OPEN
            else:
                nowhere = (chosen == SIDES.index("base")) & (self._plan.rows.base[at] < 0)
                chosen[nowhere] = OPEN
            codes[at] = chosen
        if column.base is not None and len(self._undone):
            codes[self._undone] = SIDES.index("base")
        return codes if self._kept is None else codes[self._kept]

    def values(self, number: int) -> list[Any]:
        """Values of a column that were decided as such, of those rows that stay."""
        decided = self._decisions.cells[number]
        if self._kept is None:
            return list(decided.values)
        kept = self._kept[self._plan.cells[number]][decided.codes == VALUE].tolist()
        return [value for value, held in zip(decided.values, kept, strict=True) if held]

    def _decided_rows(self) -> tuple[Rows, Rows]:
        """Merged rows that are deleted, and those that are as in the base."""
        gone, undone = [NO_ROWS], [NO_ROWS]
        for side, rows in self._plan.doubtful.items():
            codes = self._decisions.rows.get(side, np.full(len(rows), SIDES.index("ours"), np.int8))
            gone.append(rows[codes == SIDES.index(side)])
            undone.append(rows[codes == SIDES.index("base")])
        return np.concatenate(gone), np.concatenate(undone)


class _Builder:
    def __init__(self, plan: MergePlan, decisions: Decisions, frame: Frame) -> None:
        self._plan = plan
        self._decisions = decisions
        self._engine = library_of_body(plan.ours.body)
        versions = [frame(plan.ours, self._engine, True), frame(plan.theirs, self._engine, False)]
        if plan.base is not None:
            versions.append(frame(plan.base, self._engine, False))
        self._levels = {
            side: len(version.table.index) if self._engine == "pandas" else 0
            for side in SIDES
            if (version := plan.version(side)) is not None
        }
        self._parts: Gatherer = gatherer(versions)
        self._sources = Sources(plan, decisions)
        self._rows = self._sources.rows
        self._as_ours = self._sources.as_ours

    def frame(self) -> Any:
        """See `merged_frame`."""
        columns, levels, labels_changed = [], [], not self._as_ours
        index_places = {column.ours for column in self._plan.columns if column.role == "index"}
        if index_places != set(range(self._levels["ours"])) and self._engine == "pandas":
            labels_changed = True
        for number, column in enumerate(self._plan.columns):
            values, changed = self._values(number, column)
            part = (self._label(column), values)
            if column.role == "index" and self._engine == "pandas":
                levels.append(part)
                labels_changed |= changed
            else:
                columns.append(part)
        if self._both_counted():
            levels = []
        return self._parts.frame(columns, levels if labels_changed else None, len(self._rows["ours"]))

    def _both_counted(self) -> bool:
        return all(label_range(version.body) is not None for version in (self._plan.ours, self._plan.theirs))

    def _label(self, column: MergedColumn) -> Label:
        side = column.named if column.place(column.named) is not None else "ours"
        place = column.place(side)
        if place is None:
            side, place = next((s, column.place(s)) for s in SIDES if column.place(s) is not None)
        assert place is not None
        return Label(SIDES.index(side), self._position(side, column, place))

    def _position(self, side: Side, column: MergedColumn, place: int) -> int:
        return place if column.role == "index" and self._levels[side] else place - self._levels[side]

    def _whole(self, side: Side, column: MergedColumn) -> Any:
        """The column in the frame of a side; without rows but for ours."""
        place = column.place(side)
        assert place is not None
        position = self._position(side, column, place)
        as_level = column.role == "index" and self._levels[side] > 0
        return (self._parts.level if as_level else self._parts.column)(SIDES.index(side), position)

    def _values(self, number: int, column: MergedColumn) -> tuple[Any, bool]:
        """Values of a column, and whether they differ from those of ours."""
        codes = self._sources.codes(number, column)
        lead = self._lead(column)
        if column.ours is not None and lead is None and self._as_ours and not codes.any():
            return self._whole("ours", column), False
        try:
            return self._gathered(number, column, codes, lead), True
        except Misfit as error:
            raise unfit(self._plan, column, error) from error

    def _gathered(self, number: int, column: MergedColumn, codes: Any, lead: Any) -> Any:
        rows = np.full(len(codes), NO_ROW, np.int64)
        pieces: list[Any] = [] if lead is None else [lead]
        offset = 0
        if column.ours is not None:
            mine = np.flatnonzero(codes == 0)
            own = self._whole("ours", column)
            rows[mine] = self._rows["ours"][mine]
            if lead is not None:  # other values of ours need not fit into its dtype
                own = self._parts.gathered([own], rows[mine])
                rows[mine] = np.arange(len(mine))
            pieces.append(own)
            offset = len(own)
        for code, side in enumerate(SIDES):
            at = np.flatnonzero(codes == code)
            version, place = self._plan.version(side), column.place(side)
            if code == 0 or not len(at) or version is None or place is None:
                continue
            frame = columns_at(version, [place], self._rows[side][at], self._engine)
            pieces.append(gatherer([frame]).column(0, 0))
            rows[at] = offset + np.arange(len(at))
            offset += len(at)
        at = np.flatnonzero(codes == VALUE)
        if len(at):
            pieces.append(self._parts.piece(self._sources.values(number), pieces[0]))
            rows[at] = offset + np.arange(len(at))
            offset += len(at)
        nowhere = np.flatnonzero(codes == OPEN)
        if len(nowhere) and column.role == "index" and self._engine == "pandas":
            for side in SIDES[:2]:  # labels that one side lists and the other counts
                own = self._plan.version(side)
                held = nowhere[self._rows[side][nowhere] >= 0]
                if own is not None and len(held) and label_range(own.body) is not None:
                    pieces.append(self._parts.counted(SIDES.index(side), self._rows[side][held]))
                    rows[held] = offset + np.arange(len(held))
                    offset += len(held)
                    nowhere = np.setdiff1d(nowhere, held)
        return self._parts.gathered(pieces, rows)

    def _lead(self, column: MergedColumn) -> Any:
        """A piece without rows whose dtype the column has, where that is not the first piece's."""
        first = column.order[0] if column.order else None
        if first is not None:
            return None if first == "ours" or column.place(first) is None else self._whole(first, column)
        if None in (column.ours, column.theirs, column.base):
            return None
        kinds = {side: self._parts.dtype(self._whole(side, column)) for side in SIDES}
        changed = bool(kinds["ours"] == kinds["base"]) and not bool(kinds["theirs"] == kinds["base"])
        return self._whole("theirs", column) if changed else None
