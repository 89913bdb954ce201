"""Small tables with a key, told by their rows; and the merge of three of them, row by row and cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tests.merge import test_keyed as oracle
from tests.merge.order import ordered

KEY = ("id",)
NUMBERS, TEXTS = (0, 1, 2, None), ("", "a", "ß", None)
IDS = 8


@dataclass(frozen=True)
class Keyed:
    """A frame: its rows, told by their ids and other values; no id occurs twice."""

    cells: tuple[tuple[int, int | None, str | None], ...]

    names = ("id", "x", "name")

    @property
    def rows(self) -> int:
        return len(self.cells)

    def by_id(self) -> oracle.Rows:
        return {row: {"x": x, "name": name} for row, x, name in self.cells}

    def frame(self) -> pd.DataFrame:
        return oracle.frame_of(self.by_id())


def fresh(values: tuple[int, ...]) -> Keyed:
    """A frame as a user begins with."""
    return Keyed(tuple((row, 0, "a") for row in range(min(len(values), 4))))


def edited(spec: Keyed, kind: str, at: int, value: int) -> Keyed:
    """The spec after one of a user's steps; those that other frames know and that change columns set cells here."""
    cells = [*spec.cells]
    place = at % len(cells) if cells else 0
    if kind in ("insert", "append"):
        row = (value % IDS, NUMBERS[at % 4], TEXTS[value // 8 % 4])
        if row[0] not in spec.by_id():
            cells.insert(at % (len(cells) + 1) if kind == "insert" else len(cells), row)
    elif kind == "drop":
        del cells[place : place + 1]
    elif kind == "many":
        cells = [(row, NUMBERS[value % 4], name) for row, _, name in cells]
    elif cells:
        row, x, name = cells[place]
        texts = kind.endswith("column")
        cells[place] = (row, x, TEXTS[value % 4]) if texts else (row, NUMBERS[value % 4], name)
    return Keyed(tuple(cells))


def merged(
    base: Keyed | None, ours: Keyed, theirs: Keyed, prefer: str | Mapping[str, str], otherwise: str = "ours"
) -> tuple[Keyed, list[str]]:
    """The merge of three frames, and the column (or `oracle.ROW`) of each conflict; see `oracle.expected`."""
    sides: list[Any] = [{} if side is None else side.by_id() for side in (base, ours, theirs)]
    rows, conflicts = oracle.expected(sides[0], sides[1], sides[2], prefer, otherwise)
    order = [row for row in ordered(*map(list, sides)) if row in rows]
    return Keyed(tuple((row, rows[row]["x"], rows[row]["name"]) for row in order)), conflicts
