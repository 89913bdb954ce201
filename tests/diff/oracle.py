"""What a diff must say, found in plain Python: cells as hashable values, rows joined by dicts and counted.

Nothing here knows about chunks, words or runs. Only how a frame becomes columns with a type is the product's own.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.normalise import normalise

Words = list[Hashable]
"""One value a row: equal exactly where the cells are."""
INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def words(array: Any) -> Words:
    """Values of an Arrow array: NaN equals NaN, null equals null, NaN is not null and -0.0 not 0.0."""
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    types, kind = pa.types, array.type
    present = array.is_valid().to_pylist()
    if types.is_dictionary(kind):
        values = words(array.dictionary)
        return [None if code is None else values[code] for code in array.indices.to_pylist()]
    if types.is_floating(kind):
        return [None if value is None else float_word(float(value)) for value in array.to_pylist()]
    if types.is_struct(kind):
        fields = [words(array.field(place)) for place in range(kind.num_fields)]
        return [tuple(field[row] for field in fields) if held else None for row, held in enumerate(present)]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or types.is_map(kind):
        return [tuple(words(array[row].values)) if held else None for row, held in enumerate(present)]
    if types.is_temporal(kind) and not types.is_interval(kind):
        array = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    values: Words = array.to_pylist()
    return values


def float_word(value: float) -> Hashable:
    return "NaN" if value != value else struct.pack("<d", value)


@dataclass(frozen=True)
class Cells:
    """A column: whether a level of the index or of the data, its type, its values."""

    role: str
    name: str
    kind: str
    words: Words

    @property
    def content(self) -> Hashable:
        return self.role, self.kind, tuple(self.words)


@dataclass(frozen=True)
class Side:
    """A frame as columns; `means`: whether its row labels say more than where a row once stood."""

    rows: int
    columns: list[Cells]
    labels: Words | None
    means: bool

    @classmethod
    def of(cls, frame: Any) -> Side:
        content = to_content(frame)
        columns = []
        for column in content.columns:
            array = normalise(column.array)
            columns.append(Cells(column.role, column.name, str(array.type), words(array)))
        levels = [column for column in columns if column.role == "index"]
        labels, means = None, False
        if isinstance(frame, pd.DataFrame | pd.Series):
            counted = isinstance(frame.index, pd.RangeIndex)
            labels = [(label,) for label in frame.index] if counted else rows_of(levels, range(content.rows))
            named = any(name is not None for name in frame.index.names)
            numbers = all(level.kind in INTEGERS for level in levels) and not has_periods(frame.index)
            means = named or not (counted or numbers)
        return cls(content.rows, columns, labels, means)

    def named(self, *names: str) -> list[Cells]:
        return [next(column for column in self.columns if column.name == name) for name in names]

    def keys(self, *names: str) -> list[Hashable]:
        return rows_of(self.named(*names), range(self.rows))


def has_periods(index: pd.Index[Any]) -> bool:
    levels = [index.get_level_values(number) for number in range(index.nlevels)]
    return any(isinstance(level.dtype, pd.PeriodDtype) for level in levels)


def rows_of(columns: Sequence[Cells], rows: Sequence[int]) -> list[Hashable]:
    return [tuple(column.words[row] for column in columns) for row in rows]


@dataclass(frozen=True)
class Columns:
    """Which columns of two sides are the same."""

    common: list[tuple[int, int]]
    renamed: list[tuple[int, int]]
    retyped: list[tuple[int, int]]
    dropped: list[int]
    added: list[int]


def columns_of(old: Side, new: Side) -> Columns:
    """Columns by role and name, equal names in order; else by what they hold, if that varies and is told of one."""
    places = [numbered(side) for side in (old, new)]
    both = [(places[0][key], place) for key, place in places[1].items() if key in places[0]]
    common = [(a, b) for a, b in both if old.columns[a].kind == new.columns[b].kind]
    dropped = [place for key, place in places[0].items() if key not in places[1]]
    added = [place for key, place in places[1].items() if key not in places[0]]
    counts = [Counter(s.columns[p].content for p in part) for s, part in ((old, dropped), (new, added))]
    renamed = [
        (a, b)
        for b in added
        for a in dropped
        if old.columns[a].content == new.columns[b].content
        and len(set(old.columns[a].words)) > 1
        and counts[0][old.columns[a].content] == counts[1][new.columns[b].content] == 1
    ]
    return Columns(
        sorted([*common, *renamed], key=lambda pair: pair[1]),
        renamed,
        [pair for pair in both if pair not in common],
        [place for place in dropped if place not in dict(renamed)],
        [place for place in added if place not in {b for _, b in renamed}],
    )


def numbered(side: Side) -> dict[tuple[str, str, int], int]:
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for place, column in enumerate(side.columns):
        key = (column.role, column.name)
        found[*key, seen[key]] = place
        seen[key] += 1
    return found


def joined(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[int]:
    """Row of the old side that has the same key as each row of the new one, or -1."""
    places = {key: row for row, key in enumerate(old)}
    assert len(places) == len(old)
    return [places.get(key, -1) for key in new]


def equal_at_most(old: Sequence[Hashable], new: Sequence[Hashable]) -> int:
    """As many rows as can be paired with equal ones."""
    return (Counter(old) & Counter(new)).total()


def fewest_moves(sources: Sequence[int]) -> int:
    """Rows that must be taken elsewhere for all rows with a partner to stand in their order."""
    ends: list[int] = []
    matched = [source for source in sources if source >= 0]
    for source in matched:
        at = bisect_left(ends, source)
        ends[at : at + 1] = [source]
    return len(matched) - len(ends)
