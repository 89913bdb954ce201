"""Where the chunks of a column end: boundaries that the content defines, so that an edit moves them only nearby.

A chunk's end depends on its own rows alone: on nothing before its first row and nothing after its last. Hence equal
values give equal chunks whatever their history, and `incremental_ranges` may keep a parent's chunk as soon as its rows
hash to the same id. How rows become words is in `row_words`; ids and canonical bytes are in `canonical`.
``docs/decisions/001-chunk-boundaries.md`` has the definition step by step, the measurements and what else was tried.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineageflow_jupyter.frames.row_words import row_source
from lineageflow_jupyter.frames.word_parts import INVERSES, POWERS, RowSource, Sizes, Words, mixed
from lineageflow_jupyter.model.ids import ObjectId

BOUNDARY_VERSION = 1
"""Version of everything that decides where chunks end: `row_words`, this module, and the default rule."""


@dataclass(frozen=True, slots=True)
class BoundaryRule:
    """The numbers of the boundary function.

    A chunk is measured in *units*: one a row, and one for each ``unit_bytes`` of the rows' bytes together (rows that
    all have the same width of up to ``free_bytes`` count for their row only).

    Parameters
    ----------
    window : int
        Rows whose words decide about a boundary after the last of them.
    level_units : int
        Length of a level, in units.
    chances : tuple of int
        By level: chance of a boundary after a row, in 1 / 2**18. Beyond the last level a boundary is forced.
    unit_bytes : int
        Bytes that count as much as a row.
    free_bytes : int
        Width up to which rows of one width count for their row only.
    """

    window: int = 64
    level_units: int = 1 << 13
    chances: tuple[int, ...] = (0, 0, 3, 4, 5, 6, 8, 10, 12, 16, 32, 128, 1 << 10, 1 << 13, 1 << 15, 1 << 17)
    unit_bytes: int = 16
    free_bytes: int = 8

    @property
    def max_units(self) -> int:
        """Units at which a chunk ends in any case; in rows, the longest chunk there is."""
        return self.level_units * len(self.chances)

    def limit(self, level: int, weight: int) -> np.uint64:
        """Hash below which a row of the level ends a chunk, if the rows before it weigh so many units each."""
        return np.uint64(min((self.chances[level] << 46) * weight, 2**64 - 1))


DEFAULT_RULE = BoundaryRule()

_FEW_ROWS = 12_000
"""Levels with fewer rows are searched together; it decides nothing."""


def chunk_end(array: Any, start: int, rule: BoundaryRule = DEFAULT_RULE) -> int:
    """End of the chunk that begins at a row.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values (see `normalise.normalise`).
    start : int
        First row of the chunk, in 0 to ``len(array)`` (exclusive).
    rule : BoundaryRule, optional
        Other numbers than those of `BOUNDARY_VERSION`, for tests and measurements.

    Returns
    -------
    int
        First row after the chunk. It depends on the chunk's rows alone, unless they end with the array.
    """
    return _Boundaries(array, rule).end(start)


def chunk_ranges(array: Any, rule: BoundaryRule = DEFAULT_RULE) -> list[tuple[int, int]]:
    """Chunks of an array, found without a parent.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values.
    rule : BoundaryRule, optional
        See `chunk_end`.

    Returns
    -------
    list of (int, int)
        First row and end (exclusive) of each chunk, in order; empty for an empty array.
    """
    boundaries = _Boundaries(array, rule)
    ranges: list[tuple[int, int]] = []
    start = 0
    while start < len(array):
        stop = boundaries.end(start)
        ranges.append((start, stop))
        start = stop
    return ranges


def incremental_ranges(
    array: Any,
    parent: Sequence[tuple[ObjectId, int]],
    chunk_id: Callable[[int, int], ObjectId],
    rule: BoundaryRule = DEFAULT_RULE,
) -> Iterator[tuple[int, int, ObjectId, bool]]:
    """Chunks of an array of which an earlier version may be known: the same as without it, found with less work.

    Where rows hash to the parent's next chunk, no boundary is looked for. Around an edit at most one hash for each
    changed chunk is in vain, until a chunk that the parent has is found again.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values.
    parent : sequence of (ObjectId, int)
        Id and rows of each chunk of the earlier version, cut by the same rule; may be empty.
    chunk_id : callable
        Id of the rows from its first argument to its second (exclusive). Where a chunk is new, it is the last range
        that the callable was asked for before that chunk is yielded.
    rule : BoundaryRule, optional
        See `chunk_end`.

    Yields
    ------
    tuple of (int, int, ObjectId, bool)
        First row, end (exclusive) and id of each chunk, in order, and whether the parent has that id.
    """
    boundaries: _Boundaries | None = None
    places: dict[ObjectId, list[int]] = {}
    start, near, guesses = 0, 0, 2
    while start < len(array):
        tried_stop, tried = -1, ObjectId(b"")
        if guesses and near < len(parent):
            known, count = parent[near]
            # The parent's last chunk ended with its data, not at a boundary: it fits at the new end only.
            if start + count == len(array) or (start + count < len(array) and near + 1 < len(parent)):
                tried_stop = start + count
                tried = chunk_id(start, tried_stop)
                if tried == known:
                    yield start, tried_stop, known, True
                    start, near, guesses = tried_stop, near + 1, 2
                    continue
        if boundaries is None:
            boundaries, places = _Boundaries(array, rule), _places(parent)
        stop = boundaries.end(start)
        found = tried if stop == tried_stop else chunk_id(start, stop)
        place = _nearest(places.get(found), near)
        yield start, stop, found, place is not None
        start = stop
        if place is not None:
            near, guesses = place + 1, 2
        else:  # edited in place, or the edit moved this boundary and perhaps no other: one more try
            near, guesses = near + 1, 2 if stop == tried_stop else max(guesses - 1, 0)


def _places(parent: Sequence[tuple[ObjectId, int]]) -> dict[ObjectId, list[int]]:
    places: dict[ObjectId, list[int]] = {}
    for place, (known, _) in enumerate(parent):
        places.setdefault(known, []).append(place)
    return places


def _nearest(places: list[int] | None, near: int) -> int | None:
    """First of the places at or after `near`, else the last one before it."""
    if places is None:
        return None
    return places[min(bisect_left(places, near), len(places) - 1)]


# --- the search ------------------------------------------------------------------------------------------------------


class _Boundaries:
    """Ends of chunks of one array; keeps what all chunks share, such as words of categories."""

    def __init__(self, array: Any, rule: BoundaryRule) -> None:
        self._rows = len(array)
        self._rule = rule
        self._source = row_source(array)
        self._first_level = next((level for level, chance in enumerate(rule.chances) if chance), len(rule.chances))

    def end(self, start: int) -> int:
        """First row after the chunk that begins at `start`."""
        length = _Length(self._source, start, self._rows, self._rule)
        first = start + length.rows_of(self._first_level * self._rule.level_units)
        if first == self._rows:
            return first
        turned = first - 1
        for low, high, limits in self._spans(start, first, length):
            found, turned = self._search(start, low, high, limits, turned)
            if found is not None:
                return found
        return start + length.rows_of(self._rule.max_units)

    def _spans(self, start: int, first: int, length: _Length) -> Iterator[tuple[int, int, Any]]:
        """Rows to search, with the limit of each or of all: one or more levels at a time."""
        units = self._rule.level_units
        edge = low = first
        limits: list[tuple[int, Any]] = []
        for level in range(self._first_level, len(self._rule.chances)):
            high = start + length.rows_of((level + 1) * units)
            weight = max(level * units // max(edge - start, 1), 1)  # a heavy row takes the chances of as many rows
            limits.append((high - edge, self._rule.limit(level, weight)))
            edge = high
            if edge - low >= _FEW_ROWS:
                yield low, edge, _by_row(limits)
                low, limits = edge, []
        if low < edge:
            yield low, edge, _by_row(limits)

    def _search(self, start: int, low: int, high: int, limits: Any, turned: int) -> tuple[int | None, int]:
        """End of the chunk if it lies after one of the rows `low` to `high`, and the last row whose window differs.

        Rows whose window equals the window before end no chunk. The first row after such a run gets the chances that
        the run's rows did not take: its hash is shifted right by the binary logarithm of the run's length.
        """
        hashes = self._hashes(start, low, high)
        same = hashes[1:] == hashes[:-1]
        hashes = hashes[1:]
        hits = hashes < limits
        if turned < low - 1 or same.any():
            hits &= ~same
            same_before = np.concatenate([[turned < low - 1], same[:-1]])
            last_turned = np.flatnonzero(same & ~same_before) - 1  # before each run that begins here
            if turned < low - 1:
                last_turned = np.concatenate([[turned - low], last_turned])
            after = np.flatnonzero(same_before & ~same)  # each run that ends here
            shifts = np.frexp(after - last_turned[: len(after)])[1] - 1
            hits[after] |= hashes[after] >> shifts.astype("u8") < (limits if np.ndim(limits) == 0 else limits[after])
            turned = low + int(last_turned[-1]) if same[-1] else high - 1
        else:
            turned = high - 1
        place = int(hits.argmax())
        return (low + place + 1 if hits[place] else None), turned

    def _hashes(self, start: int, low: int, high: int) -> Words:
        """Hashes of the windows that end with the rows ``low - 1`` to ``high - 1``; 0 for none.

        A window reaches back over `window` rows, but not beyond the chunk's start. The hash is the sum of each row's
        mixed word times ``POWER ** (rows back + 1)``: with position-dependent weights, a difference of prefix sums.
        """
        window, count = self._rule.window, high - low
        first = max(low - window, start)
        pad = window - (low - first)
        sums = np.zeros(window + 1 + count, "u8")
        weighted = mixed(self._source.words(first, high))
        weighted *= INVERSES.run(0, window + count)[pad:]
        np.add.accumulate(weighted, out=sums[pad + 1 :])
        out = sums[window:] - sums[: count + 1]
        out *= POWERS.run(0, window + count + 1)[window:]
        return out


def _by_row(limits: Sequence[tuple[int, Any]]) -> Any:
    """The limit of each row; one number where all rows have the same."""
    if len(limits) == 1:
        return limits[0][1]
    return np.concatenate([np.full(count, limit) for count, limit in limits])


class _Length:
    """How many rows of the chunk that begins at `start` make so many units."""

    def __init__(self, source: RowSource, start: int, rows: int, rule: BoundaryRule) -> None:
        self._source, self._rule = source, rule
        self._start, self._rows = start, rows - start
        flat = source.flat
        self._width = 0 if flat is not None and flat <= rule.free_bytes else flat
        self._sums: Sizes = np.zeros(129, "i8")
        self._known = 0  # rows whose bytes are in `_sums`

    def rows_of(self, units: int) -> int:
        """Fewest rows that make at least `units`; all rows where they make less."""
        if self._width is not None:
            return self._first(units, self._rows)
        while self._known < self._rows and self._units(self._known) < units:
            self._extend()
        return self._first(units, self._known)

    def _first(self, units: int, rows: int) -> int:
        return bisect_left(range(min(units, rows)), units, key=self._units)

    def _units(self, rows: int) -> int:
        size = int(self._sums[rows]) if self._width is None else rows * self._width
        return rows + size // self._rule.unit_bytes

    def _extend(self) -> None:
        """Look at as many rows again, at most 8192."""
        count = min(max(self._known, 128), 8192, self._rows - self._known)
        if len(self._sums) <= self._known + count:
            self._sums = np.concatenate([self._sums, np.empty(self._known + count, "i8")])
        sizes = self._source.sizes(self._start + self._known, self._start + self._known + count)
        sizes[0] += self._sums[self._known]
        np.add.accumulate(sizes, out=self._sums[self._known + 1 : self._known + count + 1])
        self._known += count
