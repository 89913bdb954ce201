"""Deciding what is in conflict: by side, by rules for columns, and by hand in a frame.

Rules decide for whole columns at once. What they leave open is decided by hand: `conflict_frame` shows it, one row a
conflict, and `decided_by_hand` reads the answers back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.algorithms.alignment import Rows
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.frames.content import shown
from lineageflow_jupyter.frames.convert import library_of_body
from lineageflow_jupyter.frames.gathering import gatherer, is_missing, object_frame, wrong_length
from lineageflow_jupyter.merged_frames import OPEN, VALUE, CellDecisions, Decisions
from lineageflow_jupyter.model.merging import SIDES, Choose, MergedColumn, Side
from lineageflow_jupyter.three_way import MergePlan
from lineageflow_jupyter.version_frames import columns_at

Rule = str | Callable[[Any, Any, Any], Any]
"""A side, the name of a rule, or a function of the values of base, ours and theirs."""
Resolve = str | Mapping[str, Rule] | None
"""One rule for everything, or rules by column; ``"*"`` stands for all other conflicts."""

RULES = (*SIDES, "max", "min", "latest", "earliest", "mean", "union")
OTHERS = "*"


class _Unresolved:
    """Stands in a frame of conflicts where nothing is decided."""

    def __repr__(self) -> str:
        return "UNRESOLVED"

    def __reduce__(self) -> str:
        return "UNRESOLVED"


UNRESOLVED = _Unresolved()
"""Stands in the column ``resolved`` of a frame of conflicts where nothing is decided."""


def check_rules(resolve: Resolve) -> None:
    """Refuse rules that there are not.

    Raises
    ------
    UsageProblem
        If `resolve` is something else.
    """
    rules: Sequence[Any] = list(resolve.values()) if isinstance(resolve, Mapping) else [resolve]
    for rule in rules:
        if rule is None and resolve is None:
            continue
        if not callable(rule) and rule not in RULES:
            raise UsageProblem(
                f"there is no rule {shown(rule)}", remedy=f"Use {', '.join(RULES)}, or a function of base, ours, theirs"
            )


def rule_for(resolve: Resolve, name: str) -> Rule | None:
    """Rule for a column, or None."""
    if isinstance(resolve, Mapping):
        return resolve.get(name, resolve.get(OTHERS))
    return resolve


def side_for(resolve: Resolve, name: str | None = None) -> Side | None:
    """Side that rules choose where no values are compared: for columns, rows (no name) and datasets."""
    rule = rule_for(resolve, OTHERS if name is None else name)
    return next((side for side in SIDES if side == rule), None)


def chooser(resolve: Resolve, chosen: Mapping[str, Side]) -> Choose:
    """The sides chosen for columns in conflict: by hand, else by rules."""
    return lambda name: chosen.get(name) or side_for(resolve, name) or chosen.get(OTHERS)


def decided_by_rules(plan: MergePlan, resolve: Resolve, before: Decisions) -> Decisions:
    """Decisions with those that rules add for what is open.

    Raises
    ------
    UsageProblem
        If a rule cannot decide for a column's type, or a function raises or answers with another number of values.
    UnknownName
        If a rule names a column that the merged table does not have.
    """
    names = [column.name for column in plan.columns]
    cells = dict(before.cells)
    for number, rows in plan.cells.items():
        rule = rule_for(resolve, names[number])
        codes = before.cells[number].codes if number in before.cells else np.full(len(rows), OPEN, np.int8)
        if rule is None or not (codes == OPEN).any():
            continue
        at = np.flatnonzero(codes == OPEN)
        more = _Cells(plan, plan.columns[number], rows[at]).decided(rule)
        cells[number] = _joined(before.cells.get(number), codes, at, more)
    decided = dict(before.rows)
    side = side_for(resolve)
    for deleter, rows in plan.doubtful.items():
        codes = decided.get(deleter, np.full(len(rows), OPEN, np.int8))
        decided[deleter] = codes if side is None else np.where(codes == OPEN, SIDES.index(side), codes).astype(np.int8)
    return Decisions(cells, decided)


def _joined(before: CellDecisions | None, codes: Any, at: Rows, more: CellDecisions) -> CellDecisions:
    """Decisions of a column with some more, for those cells `at` that were open."""
    values: list[Any] = [None] * len(codes)
    for own, places in ((before, np.arange(len(codes))), (more, at)):
        if own is not None:
            for place, value in zip(places[own.codes == VALUE].tolist(), own.values, strict=True):
                values[place] = value
    codes = codes.copy()
    codes[at] = more.codes
    return CellDecisions(codes, [values[place] for place in np.flatnonzero(codes == VALUE).tolist()])


class _Cells:
    """Cells of a column that are in conflict."""

    def __init__(self, plan: MergePlan, column: MergedColumn, rows: Rows) -> None:
        self._plan = plan
        self._column = column
        self._rows = rows

    def decided(self, rule: Rule) -> CellDecisions:
        """See `decided_by_rules`."""
        count = len(self._rows)
        if callable(rule):
            return CellDecisions(np.full(count, VALUE, np.int8), self._answers(rule))
        if rule in SIDES:
            return CellDecisions(np.full(count, SIDES.index(rule), np.int8))
        if rule == "union":
            return CellDecisions(np.full(count, VALUE, np.int8), self._unions())
        ours, theirs = self._arrays()
        kind = ours.type
        timely = pa.types.is_temporal(kind)
        if rule in ("latest", "earliest") and not timely:
            raise self._cannot(rule, "times", f"max or min for values of the type {kind}")
        if rule == "mean":
            return CellDecisions(np.full(count, VALUE, np.int8), self._means(ours, theirs))
        return CellDecisions(self._extremes(rule, ours, theirs))

    def _arrays(self) -> tuple[Any, Any]:
        found = []
        for side in SIDES[:2]:
            version, place = self._plan.version(side), self._column.place(side)
            assert version is not None
            assert place is not None
            (array,) = version.take([place], self._plan.rows_of(side)[self._rows])
            found.append(array.dictionary.take(array.indices) if pa.types.is_dictionary(array.type) else array)
        return found[0], found[1]

    def _extremes(self, rule: str, ours: Any, theirs: Any) -> Any:
        """Where theirs is greater (or less): a value goes before null and NaN."""
        greater = rule in ("max", "latest")
        try:
            better = pc.greater(theirs, ours) if greater else pc.less(theirs, ours)
        except pa.ArrowException as error:
            raise self._cannot(rule, "numbers, text and times", "ours, theirs, or a function") from error
        missing = [pc.is_null(side, nan_is_null=True) for side in (ours, theirs)]
        taken = pc.if_else(missing[0], pc.invert(missing[1]), pc.fill_null(better, False))
        return np.asarray(taken).astype(np.int8)

    def _means(self, ours: Any, theirs: Any) -> list[Any]:
        if not pa.types.is_floating(ours.type) and not pa.types.is_decimal(ours.type):
            raise self._cannot("mean", "floats and decimals", "max, min or a function")
        both = zip(self.objects("ours"), self.objects("theirs"), strict=True)
        return [
            other if is_missing(own) else own if is_missing(other) else own + (other - own) / 2 for own, other in both
        ]

    def _unions(self) -> list[Any]:
        kind = self._arrays()[0].type
        if not pa.types.is_large_list(kind) and not pa.types.is_list(kind):
            raise self._cannot("union", "lists", "a function of base, ours and theirs")
        both = zip(*(self.arrow_values(side) for side in SIDES[:2]), strict=True)
        return [_union(own, other) for own, other in both]

    def _answers(self, rule: Callable[[Any, Any, Any], Any]) -> list[Any]:
        values = [self.column(side) for side in ("base", "ours", "theirs")]
        try:
            answer = rule(*values)
        except Exception as error:  # whatever a caller's function raises: it is told, and nothing has changed
            raise UsageProblem(
                f"the rule for column {self._column.name!r} raised {type(error).__name__}: {shown(str(error))}",
                remedy="It is called with the values of base, ours and theirs, and gives one value for each",
            ) from error
        try:
            found = answer.to_pylist() if hasattr(answer, "to_pylist") else list(answer)
        except TypeError as error:
            raise UsageProblem(
                f"the rule for column {self._column.name!r} gave {shown(answer)}, not one value for each conflict",
                remedy="Return an array, a column or a list",
            ) from error
        if len(found) != len(self._rows):
            raise wrong_length(len(found), len(self._rows))
        return found

    def column(self, side: Side) -> Any:
        """Values of a side as a column of the dataset's library; None where the side has no such rows."""
        version, place = self._plan.version(side), self._column.place(side)
        engine = library_of_body(self._plan.ours.body)
        rows = self._plan.rows_of(side)[self._rows]
        if version is None or place is None or (rows < 0).any():
            return None
        return gatherer([columns_at(version, [place], rows, engine)]).column(0, 0)

    def objects(self, side: Side) -> list[Any]:
        """Values of a side as Python objects; None where it has no such row."""
        version, place = self._plan.version(side), self._column.place(side)
        rows = self._plan.rows_of(side)[self._rows]
        out: list[Any] = [None] * len(rows)
        held = np.flatnonzero(rows >= 0)
        if version is not None and place is not None and len(held):
            engine = library_of_body(self._plan.ours.body)
            parts = gatherer([columns_at(version, [place], rows[held], engine)])
            for at, value in zip(held.tolist(), parts.objects(parts.column(0, 0)), strict=True):
                out[at] = value
        return out

    def arrow_values(self, side: Side) -> list[Any]:
        """Values of a side as Arrow gives them."""
        return list(self._arrays()[SIDES.index(side)].to_pylist())

    def _cannot(self, rule: str, kinds: str, otherwise: str) -> UsageProblem:
        return UsageProblem(
            f"the rule {rule!r} decides between {kinds}, and column {self._column.name!r} holds others",
            remedy=f"Use {otherwise}",
        )


def _union(own: Any, other: Any) -> Any:
    """Items of both, each as often as the one that has it most often, in the order of the first."""
    if own is None or other is None:
        return other if own is None else own
    ordered = sorted((own, other), key=lambda items: (len(items), repr(items)), reverse=True)
    left = list(ordered[0])
    found = list(ordered[0])
    for item in ordered[1]:
        if item in left:
            left.remove(item)
        else:
            found.append(item)
    return found


# --- by hand ---------------------------------------------------------------------------------------------------------

CONFLICT, COLUMN, ROW_OURS, ROW_THEIRS = "conflict", "column", "row_ours", "row_theirs"
BASE, OURS, THEIRS, RESOLVED = "base", "ours", "theirs", "resolved"
CELL, ROW, WHOLE_COLUMN = "cell", "row", "column"


@dataclass(frozen=True, eq=False)
class ByHand:
    """What a frame of conflicts answers.

    Parameters
    ----------
    decisions : Decisions
        For cells and rows.
    columns : mapping of str to Side
        For columns, by name.
    """

    decisions: Decisions
    columns: Mapping[str, Side]


def conflict_frame(plan: MergePlan, decisions: Decisions) -> Any:
    """Frame of the conflicts of a dataset, one row each, as pandas objects.

    Columns are ``conflict`` (``"cell"``, ``"row"`` or ``"column"``), those of the key, ``row_ours``, ``row_theirs``,
    ``column``, ``base``, ``ours``, ``theirs`` and ``resolved``, which is to be filled: with a value for a cell, with
    ``"ours"``, ``"theirs"`` or ``"base"`` for a row or column. It holds `UNRESOLVED` where nothing is decided.
    """
    key = [number for number, column in enumerate(plan.columns) if column.name in plan.key]
    names = [plan.columns[number].name for number in key]
    parts = [_clashes(plan, names)]
    parts += [_rows(plan, side, decisions, key) for side in plan.doubtful]
    parts += [_cells(plan, number, decisions, key) for number in plan.cells]
    fixed = [CONFLICT, *names, ROW_OURS, ROW_THEIRS, COLUMN, BASE, OURS, THEIRS, RESOLVED]
    joined = {name: [value for part in parts for value in part[place]] for place, name in enumerate(fixed)}
    return object_frame(joined, (ROW_OURS, ROW_THEIRS))


def _places(plan: MergePlan, rows: Rows) -> list[list[Any]]:
    return [[None if row < 0 else row for row in plan.rows_of(side)[rows].tolist()] for side in SIDES[:2]]


def _keys(plan: MergePlan, key: Sequence[int], rows: Rows) -> list[list[Any]]:
    """Values of the key of some merged rows, from whichever side has them."""
    found = []
    for number in key:
        own = _Cells(plan, plan.columns[number], rows)
        sides = [own.objects(side) for side in SIDES[:2]]
        held = plan.rows.ours[rows] >= 0
        found.append([a if here else b for a, b, here in zip(*sides, held.tolist(), strict=True)])
    return found


def _clashes(plan: MergePlan, names: Sequence[str]) -> list[list[Any]]:
    nothing = [None] * len(plan.clashes)
    told = [[getattr(clash, side) for clash in plan.clashes] for side in ("base", "ours", "theirs")]
    kinds = [WHOLE_COLUMN] * len(plan.clashes)
    open_ = [UNRESOLVED] * len(plan.clashes)
    return [kinds, *([nothing] * (len(names) + 2)), [clash.name for clash in plan.clashes], *told, open_]


def _rows(plan: MergePlan, side: Side, decisions: Decisions, key: Sequence[int]) -> list[list[Any]]:
    rows = plan.doubtful[side]
    count = len(rows)
    codes = decisions.rows.get(side, np.full(count, OPEN, np.int8))
    told = {s: ["deleted" if s == side else "kept" if s == "base" else "edited"] * count for s in SIDES}
    answers = [UNRESOLVED if code == OPEN else SIDES[code] for code in codes.tolist()]
    values = [told["base"], told["ours"], told["theirs"]]
    return [[ROW] * count, *_keys(plan, key, rows), *_places(plan, rows), [None] * count, *values, answers]


def _cells(plan: MergePlan, number: int, decisions: Decisions, key: Sequence[int]) -> list[list[Any]]:
    rows, column = plan.cells[number], plan.columns[number]
    own = _Cells(plan, column, rows)
    values = {side: own.objects(side) for side in SIDES}
    decided = decisions.cells.get(number, CellDecisions(np.full(len(rows), OPEN, np.int8)))
    given = iter(decided.values)
    answers = [
        UNRESOLVED if code == OPEN else next(given) if code == VALUE else values[SIDES[code]][place]
        for place, code in enumerate(decided.codes.tolist())
    ]
    told = [values["base"], values["ours"], values["theirs"]]
    kinds, names = [CELL] * len(rows), [column.name] * len(rows)
    return [kinds, *_keys(plan, key, rows), *_places(plan, rows), names, *told, answers]


def decided_by_hand(plan: MergePlan, frame: Any, before: Decisions) -> ByHand:
    """Read the answers of a frame that `conflict_frame` gave; rows may be missing or in another order.

    Raises
    ------
    UsageProblem
        If it is no such frame, or an answer about a row or column names no side.
    UnknownName
        If it tells a conflict that there is not.
    """
    needed = (CONFLICT, ROW_OURS, ROW_THEIRS, COLUMN, RESOLVED)
    missing = [name for name in needed if name not in getattr(frame, "columns", ())]
    if missing:
        raise UsageProblem(
            f"a frame of conflicts was expected, and the column {missing[0]!r} is missing",
            remedy="Take the frame that the merge gave and fill its column 'resolved'",
        )
    answers: dict[Any, Any] = {}
    for conflict, ours, theirs, column, resolved in zip(
        *(frame[name].astype(object).tolist() for name in needed), strict=True
    ):
        if not isinstance(resolved, _Unresolved):
            answers[conflict, _row(ours), _row(theirs), column if conflict != ROW else None] = resolved
    cells, rows, columns = dict(before.cells), dict(before.rows), {}
    for clash in plan.clashes:
        answer = answers.pop((WHOLE_COLUMN, -1, -1, clash.name), None)
        if answer is not None:
            columns[clash.name] = _side(answer, f"column {clash.name!r}")
    for side, at in plan.doubtful.items():
        codes = rows.get(side, np.full(len(at), OPEN, np.int8)).copy()
        for place, found in enumerate(zip(*(plan.rows_of(s)[at].tolist() for s in SIDES[:2]), strict=True)):
            if (ROW, *found, None) in answers:
                codes[place] = SIDES.index(_side(answers.pop((ROW, *found, None)), f"row {max(found)}"))
        rows[side] = codes
    for number, at in plan.cells.items():
        name = plan.columns[number].name
        own = cells.get(number)
        codes = np.full(len(at), OPEN, np.int8) if own is None else own.codes.copy()
        given = {} if own is None else dict(zip(np.flatnonzero(codes == VALUE).tolist(), own.values, strict=True))
        for place, found in enumerate(zip(*(plan.rows_of(s)[at].tolist() for s in SIDES[:2]), strict=True)):
            if (CELL, *found, name) in answers:
                codes[place], given[place] = VALUE, answers.pop((CELL, *found, name))
        cells[number] = CellDecisions(codes, [given[place] for place in sorted(given) if codes[place] == VALUE])
    if answers:
        kind, ours, theirs, name = next(iter(answers))
        raise UnknownName(
            f"there is no conflict of the kind {kind!r} in row {ours} of ours, {theirs} of theirs, column {name!r}",
            remedy="Take the frame that the merge gave and fill its column 'resolved'",
        )
    return ByHand(Decisions(cells, rows), columns)


def _row(value: Any) -> int:
    return -1 if is_missing(value) else int(value)


def _side(answer: Any, what: str) -> Side:
    for side in SIDES:
        if isinstance(answer, str) and answer == side:
            return side
    raise UsageProblem(f"{what}: ours, theirs or base was expected, {shown(answer)} found", remedy="Name one of these")
