"""Rows of two tables that are equal because their chunks are: found from chunk lists alone, nothing is read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.model.objects import Column

Range = tuple[int, int]
"""First row and end."""

Pair = tuple[Column, Column]
"""Chunk lists of a column in A and in B."""


def agreeing_runs(pairs: Sequence[Pair], rows_a: int, rows_b: int) -> Alignment:
    """Runs of rows that are equal in all of some columns.

    An equal chunk proposes a run only where it is the only one of its id on both sides: constant and few-valued columns
    repeat ids. A run is accepted where every column has equal chunks at the same offset. Rows in the places where both
    tables begin or end alike are tried besides.

    Parameters
    ----------
    pairs : sequence of (Column, Column)
        The columns in A and in B; without any, nothing agrees.
    rows_a, rows_b : int
        Rows of the tables.
    """
    if not pairs or not rows_a or not rows_b:
        return Alignment.from_runs(rows_a, rows_b, [])
    if rows_a == rows_b and all(old.chunks == new.chunks for old, new in pairs):
        return Alignment.identity(rows_a)
    proposed: dict[int, list[Range]] = {}
    for old, new in pairs:
        for shift, part in _unique_chunks(old, new):
            proposed.setdefault(shift, []).append(part)
    for shift in (0, rows_a - rows_b):
        proposed[shift] = [(max(0, -shift), min(rows_b, rows_a - shift))]
    runs: list[tuple[int, int, int]] = []
    for shift, parts in proposed.items():
        agreed = merged(parts)
        for old, new in pairs:
            along = Alignment.from_runs(rows_a, rows_b, [(start + shift, start, end - start) for start, end in agreed])
            agreed = equal_rows(old, new, along)
            if not agreed:
                break
        runs += [(start + shift, start, end - start) for start, end in agreed]
    return Alignment.from_runs(rows_a, rows_b, _disjoint(runs))


def equal_rows(old: Column, new: Column, alignment: Alignment) -> list[Range]:
    """Ranges of rows of B whose values in a column equal those of their partners, as chunk ids tell.

    Parameters
    ----------
    old, new : Column
        The column in A and in B.
    alignment : Alignment
        Partners of the rows.
    """
    if old.chunks == new.chunks and alignment.identical:
        return [(0, alignment.rows_b)] if alignment.rows_b else []
    starts = _starts(old)
    at = dict(zip(starts, old.chunks, strict=True))
    begins = _starts(new)
    found: list[Range] = []
    for a, b, length in zip(alignment.a.tolist(), alignment.b.tolist(), alignment.length.tolist(), strict=True):
        for place in range(bisect_left(begins, b), len(begins)):
            start, chunk = begins[place], new.chunks[place]
            if start + chunk.rows > b + length:
                break
            if at.get(start - b + a) == chunk:
                found.append((start, start + chunk.rows))
    return merged(found)


def _starts(column: Column) -> list[int]:
    return [0, *accumulate(chunk.rows for chunk in column.chunks)][: len(column.chunks)]


def _unique_chunks(old: Column, new: Column) -> Iterator[tuple[int, Range]]:
    """Shift from B to A and rows of B of each chunk that is the only one of its id on both sides."""
    counts = [Counter(chunk.id for chunk in side.chunks) for side in (old, new)]
    places = {
        chunk.id: start for start, chunk in zip(_starts(old), old.chunks, strict=True) if counts[0][chunk.id] == 1
    }
    for start, chunk in zip(_starts(new), new.chunks, strict=True):
        if counts[1][chunk.id] == 1 and chunk.id in places:
            yield places[chunk.id] - start, (start, start + chunk.rows)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, with those joined that touch or overlap."""
    out: list[Range] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def outside(ranges: Sequence[Range], within: Sequence[Range]) -> list[Range]:
    """Parts of some ranges, in order, that others do not cover; both rise and do not overlap."""
    out: list[Range] = []
    ends = [end for _, end in ranges]
    for start, stop in within:
        for place in range(bisect_right(ends, start), len(ranges)):
            first, end = ranges[place]
            if first >= stop:
                break
            if first > start:
                out.append((start, first))
            start = max(start, end)
        if start < stop:
            out.append((start, stop))
    return out


def _disjoint(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The longest runs that do not overlap on either side; of equal ones those that move rows least."""
    kept: list[tuple[int, int, int]] = []
    taken: tuple[list[Range], list[Range]] = ([], [])
    for a, b, length in sorted(runs, key=lambda run: (-run[2], abs(run[0] - run[1]), run[1])):
        parts = ((a, a + length), (b, b + length))
        if all(_free(side, part) for side, part in zip(taken, parts, strict=True)):
            kept.append((a, b, length))
            for side, part in zip(taken, parts, strict=True):
                insort(side, part)
    return kept


def _free(taken: list[Range], part: Range) -> bool:
    place = bisect_left(taken, part)
    before = place == 0 or taken[place - 1][1] <= part[0]
    return before and (place == len(taken) or taken[place][0] >= part[1])
