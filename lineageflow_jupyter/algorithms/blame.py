"""Which version gave each value of a table: a walk from a version back to those that it was made of.

The cells whose origin is looked for start at one version and are handed on to its parents as long as these hold the
aligned equal value. Where histories join, cells that one parent lacks are looked for in the next. Each version is
looked at once, later generations first, whatever number of its children lead to it.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows, expanded_ranges
from lineageflow_jupyter.algorithms.causes import CauseMap

Codes = npt.NDArray[np.int32]
"""Number of the origin of each value; negative for those that are still looked for."""
N = TypeVar("N", bound=Hashable)


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """What a version has from one of its parents.

    Parameters
    ----------
    alignment : Alignment
        Which rows of the version are which rows of the parent.
    pairs : mapping of int to int
        By the place of a column in the version: its place in the parent. Columns that both have, with one type.
    changed : mapping of int to numpy.ndarray of int
        By the place in the version: aligned rows of the version whose value is another one.
    """

    alignment: Alignment
    pairs: Mapping[int, int]
    changed: Mapping[int, Rows]


class Ancestry(Protocol[N]):
    """The versions of a dataset and how each came from those before it."""

    def generation(self, node: N) -> int:
        """Number that is greater than those of all that went before."""

    def parents(self, node: N) -> Sequence[N]:
        """Versions that this one was made of, the first one first."""

    def descent(self, node: N, parent: N, places: Collection[int]) -> Descent:
        """What a version has from a parent, of the columns at some places of the version."""

    def causes(self, node: N) -> CauseMap | None:
        """Which of a version's steps gave its new values; None where it has no steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Traced(Generic[N]):
    """Where values come from.

    Parameters
    ----------
    origins : tuple
        Versions that gave values, those that were met first, and so the later generations, first. One is there for
        each of its steps that gave some.
    steps : tuple of int
        For each of them the number of the step, from 1; 0 for values of which no step is known.
    codes : mapping of int to numpy.ndarray of int32
        By the place of a column: for each row that was asked for, the number of its value's origin.
    """

    origins: tuple[N, ...]
    steps: tuple[int, ...]
    codes: Mapping[int, Codes]


def traced(ancestry: Ancestry[N], start: N, rows: int, places: Sequence[int], asked: Rows | None = None) -> Traced[N]:
    """Find where the values of a version come from.

    Parameters
    ----------
    ancestry : Ancestry
        Its past.
    start : version
        The version.
    rows : int
        Its rows.
    places : sequence of int
        Places of the columns that are asked for.
    asked : numpy.ndarray of int, optional
        Rows that are asked for, rising, each once; all by default.
    """
    at = Alignment.identity(rows) if asked is None else Alignment.from_sources(asked, rows_a=rows)
    walk = _Walk(ancestry, at.rows_b, places)
    if at.rows_b:
        walk.run(start, at)
    return walk.found()


@dataclass(frozen=True, slots=True, eq=False)
class _Share:
    """Cells that are looked for in one version. They are those whose code is the mark, or another name of it.

    Parameters
    ----------
    mark : int
        Number of the share; the code of its cells is ``~mark``.
    rows : Alignment
        For each row that was asked for, the row of this version that it came from.
    places : mapping of int to int
        By the place that was asked for: the column's place in this version.
    left : mapping of int to int
        By the same place: how many cells are looked for.
    """

    mark: int
    rows: Alignment
    places: Mapping[int, int]
    left: Mapping[int, int]

    def only(self, left: Mapping[int, int]) -> _Share | None:
        """The same with other counts, without columns of which nothing is left; None if that is all of them."""
        left = {place: count for place, count in left.items() if count}
        return replace(self, places={place: self.places[place] for place in left}, left=left) if left else None


class _Walk(Generic[N]):
    def __init__(self, ancestry: Ancestry[N], rows: int, places: Sequence[int]) -> None:
        self._ancestry = ancestry
        self.codes: dict[int, Codes] = {place: np.full(rows, ~0, np.int32) for place in places}
        self._origins: list[tuple[N, int]] = []
        self._steps: CauseMap | None = None  # of the version that is being looked at
        self._names = np.zeros(1, np.int32)  # by mark: the mark of the share that its cells belong to now
        self._shares: dict[N, list[_Share]] = {}
        self._ahead: list[tuple[int, int, N]] = []
        self._met = 0

    def run(self, start: N, at: Alignment) -> None:
        self._bring(start, _Share(0, at, {place: place for place in self.codes}, dict.fromkeys(self.codes, at.rows_b)))
        while self._ahead:
            _, _, node = heapq.heappop(self._ahead)
            self._look_at(node, self._joined(self._shares.pop(node)))

    def found(self) -> Traced[N]:
        """What was found; versions and steps that gave nothing are left out."""
        given = np.zeros(len(self._origins), np.int64)
        for codes in self.codes.values():
            given += np.bincount(codes, minlength=len(given))
        used = np.flatnonzero(given)
        if len(used) < len(given):
            number = np.zeros(len(given), np.int32)
            number[used] = np.arange(len(used))
            self.codes = {place: number[codes] for place, codes in self.codes.items()}
        kept = [self._origins[at] for at in used.tolist()]
        return Traced(tuple(node for node, _ in kept), tuple(step for _, step in kept), self.codes)

    def _bring(self, node: N, share: _Share | None) -> None:
        if share is None or not share.places:
            return
        if node not in self._shares:
            self._shares[node] = []
            self._met += 1
            heapq.heappush(self._ahead, (-self._ancestry.generation(node), self._met, node))
        self._shares[node].append(share)

    def _look_at(self, node: N, shares: Sequence[_Share]) -> None:
        """Hand cells on to the parents that hold them; what none holds comes from this version."""
        parents = self._ancestry.parents(node)
        places = {place for share in shares for place in share.places.values()}
        code = len(self._origins)
        self._steps = self._ancestry.causes(node)
        for parent in parents:
            last = parent is parents[-1]
            descent = self._ancestry.descent(node, parent, places)
            added = _gaps(descent.alignment)
            rest = []
            for share in shares:
                mark = None if last else self._new_mark()
                lacked = self._without(share, descent, added, code if mark is None else ~mark)
                held = {place: count - lacked[place] for place, count in share.left.items()}
                self._bring(parent, _moved_on(share.only(held), descent))
                if mark is not None:
                    rest.append(replace(share, mark=mark).only(lacked))
                elif any(lacked.values()):
                    self._came_from(node, code)
            shares = [share for share in rest if share is not None]
            if not shares:
                return
        for share in shares:
            for place in share.places:
                self._give_column(place, share, code)
            self._came_from(node, code)

    def _came_from(self, node: N, code: int) -> None:
        if len(self._origins) == code:
            steps = 0 if self._steps is None else self._steps.steps
            self._origins += [(node, step) for step in range(steps + 1)]

    def _new_mark(self) -> int:
        self._names = np.append(self._names, np.int32(len(self._names)))
        return len(self._names) - 1

    def _without(self, share: _Share, descent: Descent, added: Rows, code: int) -> dict[int, int]:
        """Give the cells that a parent lacks another code; returns how many, by the place that was asked for."""
        new_rows = _asked_at(share.rows, added)
        lacked = {}
        for place, own in share.places.items():
            if own not in descent.pairs:
                lacked[place] = self._give_column(place, share, code)
                continue
            lacked[place] = self._give(place, new_rows, share, code)
            changed = descent.changed.get(own)
            if changed is not None:
                lacked[place] += self._give(place, _asked_at(share.rows, changed), share, code)
        return lacked

    def _give(self, place: int, rows: Rows, share: _Share, code: int) -> int:
        if not len(rows):
            return 0
        codes = self.codes[place]
        given = rows[self._marked(codes[rows], share.mark)]
        codes[given] = code if code < 0 else code + self._step_of(place, given, share)
        return len(given)

    def _give_column(self, place: int, share: _Share, code: int) -> int:
        codes = self.codes[place]
        given = self._marked(codes, share.mark)
        if code >= 0 and self._steps is not None:
            return self._give(place, np.flatnonzero(given), share, code)
        codes[given] = code
        return int(np.count_nonzero(given))

    def _step_of(self, place: int, asked: Rows, share: _Share) -> Any:
        """Which step of the version that is looked at gave some of the cells that were asked for."""
        if self._steps is None:
            return 0
        return self._steps.of(share.places[place], share.rows.partners(asked))

    def _marked(self, codes: Codes, mark: int) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = codes < 0
        if len(self._names) == 1:
            return found
        found[found] = self._names[~codes[found]] == mark
        return found

    def _joined(self, shares: Sequence[_Share]) -> list[_Share]:
        """Shares of one version as few as possible: else each merge of a history would double them."""
        found: list[_Share] = []
        for share in shares:
            for number, other in enumerate(found):
                both = _union(other, share)
                if both is not None:
                    self._names[self._names == share.mark] = other.mark
                    found[number] = both
                    break
            else:
                found.append(share)
        return found


def _moved_on(share: _Share | None, descent: Descent) -> _Share | None:
    """The same cells in a parent."""
    if share is None:
        return None
    places = {place: descent.pairs[own] for place, own in share.places.items()}
    return replace(share, rows=_onward(share.rows, descent.alignment), places=places)


def _onward(rows: Alignment, older: Alignment) -> Alignment:
    if rows.rows_b * 16 > older.rows_b or older.identical:
        return rows.composed(older)
    if rows.matched == 1:  # a single one, as for one value, needs nothing that would have to be put together
        at = older.partners(rows.a)
        if at[0] != NO_ROW:
            b, length = (part.astype(at.dtype, copy=False) for part in (rows.b, rows.length))
            return Alignment(older.rows_a, rows.rows_b, at, b, length)
    sources = rows.sources()  # few rows are looked up one by one
    held = sources >= 0
    sources[held] = older.partners(sources[held])
    return Alignment.from_sources(sources, rows_a=older.rows_a)


def _asked_at(rows: Alignment, at: Rows) -> Rows:
    """Rows that were asked for, of those that stand at some places of a version, which rise."""
    if rows.identical or not len(at):
        return at
    if len(rows.b) == 1:
        first, stop = np.searchsorted(at, (rows.a[0], rows.a[0] + rows.length[0]))
        inside: Rows = at[first:stop] - rows.a[0] + rows.b[0]
        return inside
    found: Rows = rows.inverse.partners(at)
    found = found[found != NO_ROW]
    return found


def _gaps(alignment: Alignment) -> Rows:
    """Rows of B without a partner; takes time by their number and that of runs."""
    if alignment.identical:
        return np.empty(0, alignment.b.dtype)
    ends = alignment.b + alignment.length
    starts = np.concatenate([np.zeros(1, ends.dtype), ends])
    stops = np.concatenate([alignment.b, np.array([alignment.rows_b], ends.dtype)])
    held = stops > starts
    return expanded_ranges(starts[held], (stops - starts)[held])


def _union(one: _Share, other: _Share) -> _Share | None:
    """Both shares as one, where they agree on which cell is which."""
    if any(other.places.get(place, own) != own for place, own in one.places.items()):
        return None
    rows = _united(one.rows, other.rows)
    if rows is None:
        return None
    left = {place: one.left.get(place, 0) + other.left.get(place, 0) for place in {**one.left, **other.left}}
    return _Share(one.mark, rows, {**one.places, **other.places}, left)


def _united(one: Alignment, other: Alignment) -> Alignment | None:
    """Alignment that says what both say; None where they contradict one another."""
    if one is other or all(np.array_equal(*pair) for pair in _parts(one, other)):
        return one
    sources, more = one.sources(), other.sources()
    if ((sources >= 0) & (more >= 0) & (sources != more)).any():
        return None
    try:
        return Alignment.from_sources(np.where(sources >= 0, sources, more), rows_a=one.rows_a)
    except ValueError:  # a row of the version would be two that were asked for
        return None


def _parts(one: Alignment, other: Alignment) -> Iterator[tuple[Any, Any]]:
    return zip((one.a, one.b, one.length), (other.a, other.b, other.length), strict=True)
