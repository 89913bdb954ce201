"""Rows identified by what they hold, where there is no key.

1. Where all columns have equal chunks at the same offset, rows are equal; so are some at both ends of the gaps.
2. What is left is paired tentatively: by place where as many rows stand on both sides, and by labels that a filter
   left. Values are compared. What is equal is settled.
3. Rows that are left are matched by words over their columns; each pair is verified by value.
4. What then is left on both sides was edited: tentative pairs first, then rows that agree in a column that mostly
   stayed, rows that agree in most columns, and rows by their place between settled neighbours. The rest was removed and
   added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.agreement import Range, equal_rows
from lineageflow_jupyter.algorithms.alignment import Alignment, Rows, row_type
from lineageflow_jupyter.algorithms.matching import among, crowded, gaps, match, unique_pairs
from lineageflow_jupyter.algorithms.neighbours import similar_pairs
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.matching_words import COSTLY_TYPES, combined_words, mixed_words, value_words
from lineageflow_jupyter.frames.row_labels import label_range
from lineageflow_jupyter.frames.storage_types import arrow_type
from lineageflow_jupyter.row_values import NO_ROWS, Pair, RowPairs, RowValues, flags_of, joined, picked
from lineageflow_jupyter.versions import labels_mean

FEW_ROWS = 1 << 17
"""Up to so many rows are matched over all their columns, one after the other; more, over those that tell them apart."""
SAMPLE_BLOCKS, SAMPLE_ROWS = 8, 256
"""A sample of rows: so many blocks of so many rows, evenly spread."""
FEW_GAPS = 16
"""Up to so many gaps are looked at from both ends."""
FIRST_ROWS = 1024
"""So many rows at the ends of a gap are compared first, and eight times as many while they are equal."""
PLAUSIBLE = 0.5
"""Share of sampled values that must agree for rows to be paired tentatively."""
STAYED = 0.9
"""Share of sampled values that the older version must have for a column to be one that mostly stayed."""
SIMILAR_ROWS = 2_000
"""Up to so many rows that are left on a side are compared each with each between their neighbours."""


@dataclass(frozen=True, slots=True)
class Found:
    """Which rows are which, and what is known of them.

    Parameters
    ----------
    alignment : Alignment
        The rows.
    known : mapping of int to numpy.ndarray
        By place in B's columns: aligned rows of B with another value there. Columns that are missing are unknown.
    """

    alignment: Alignment
    known: Mapping[int, Rows]


class ContentAlignment:
    """Aligns the rows of two versions by their values.

    Parameters
    ----------
    values : RowValues
        The versions.
    """

    def __init__(self, values: RowValues) -> None:
        self._values = values
        self._old, self._new = values.sides
        self._pairs = self._content_pairs()

    def found(self) -> Found:
        """Find which rows are which."""
        rows = self._values.rows
        base = self._values.agreeing(self._pairs)
        if not self._pairs:
            return Found(Alignment.identity(rows[0]) if rows[0] == rows[1] else base, {})
        tentative = self._trimmed(self._tentative(base))
        changed = self._values.changed(tentative, self._pairs)
        edited = np.flatnonzero(flags_of(joined(changed.values()), rows[1])) if changed else NO_ROWS
        settled = tentative.without(edited)
        if settled.matched < min(rows):
            settled = self._with_equal_rows(settled, tentative, changed)
        return self._with_edits(settled, tentative, changed)

    def _content_pairs(self) -> list[Pair]:
        """Columns that tell what a row is: all that both have, but for labels that only say where it once stood."""
        levels = len(self._new.table.index)
        meant = labels_mean(self._new)
        return [pair for pair in self._values.schema.common if meant or pair[1] >= levels]

    # --- tentative pairs ---------------------------------------------------------------------------------------------

    def _trimmed(self, base: Alignment) -> Alignment:
        """With the rows that are equal at both ends of each gap, if there are few."""
        if base.matched == min(self._values.rows):
            return base
        uneven = [gap for gap in _gaps_of(base) if _length(gap[0]) != _length(gap[1])]
        if len(uneven) > FEW_GAPS:
            return base
        runs: list[tuple[int, int, int]] = []
        for (a, end_a), (b, end_b) in uneven:
            most = min(end_a - a, end_b - b)
            first = self._equal_from(a, b, most, 1)
            last = self._equal_from(end_a - 1, end_b - 1, most - first, -1)
            runs += [(a, b, first), (end_a - last, end_b - last, last)]
        return _with_runs(base, runs) if runs else base

    def _equal_from(self, a: int, b: int, most: int, step: int) -> int:
        """How many rows are equal from two rows on, forwards or backwards."""
        found, size = 0, FIRST_ROWS
        while found < most:
            count = min(size, most - found)
            places = np.arange(found, found + count) if step > 0 else -np.arange(found, found + count)[::-1]
            differing = np.zeros(count, bool)
            compare = partial(self._values.differ, among=RowPairs.of(a + places, b + places))
            for flags in self._values.each(compare, self._pairs):
                differing |= flags
            if differing.any():
                return found + int(np.argmax(differing if step > 0 else differing[::-1]))
            found, size = found + count, size * 8
        return found

    def _tentative(self, base: Alignment) -> Alignment:
        """Pair rows by their place and by labels, where a sample does not speak against it."""
        runs = [
            (a[0], b[0], a[1] - a[0]) for a, b in _gaps_of(base) if a[1] - a[0] == b[1] - b[0] and self._in_place(a, b)
        ]
        found = _with_runs(base, runs) if runs else base
        return self._with_hints(found) if found.matched < min(self._values.rows) else found

    def _in_place(self, a: Range, b: Range) -> bool:
        """Whether rows between two neighbours may be the same, one by one."""
        length = _length(a)
        if length <= SAMPLE_BLOCKS * SAMPLE_ROWS:
            return True
        along = Alignment.from_runs(*self._values.rows, [(a[0], b[0], length)])
        agreeing = [pair for pair in self._pairs if equal_rows(*self._values.lists(pair), along) == [b]]
        return 2 * len(agreeing) >= len(self._pairs) or self._plausible(np.arange(*a), np.arange(*b))

    def _with_hints(self, found: Alignment) -> Alignment:
        """With rows whose labels say where they stood in the older version."""
        hinted = self._hinted(found.added)
        if hinted is None:
            return found
        rows_b, rows_a = hinted
        if found.matched:
            kept = flags_of(found.removed, self._values.rows[0])[rows_a]
            rows_b, rows_a = rows_b[kept], rows_a[kept]
        return found.joined(rows_a, rows_b) if len(rows_b) and self._plausible(rows_a, rows_b) else found

    def _hinted(self, rows_b: Rows) -> tuple[Rows, Rows] | None:
        """Rows of B and of A whose labels are plain integers and agree; None where labels say nothing."""
        if len(self._new.table.index) != 1 or not arrow_type(self._new.columns[0].type).equals("int64"):
            return None
        (labels,) = picked(self._new, [0], rows_b)
        if labels.null_count:
            return None
        counted = label_range(self._old.body)
        if counted is None:
            if (0, 0) not in self._values.schema.common or len(self._old.table.index) != 1:
                return None
            at_a, at_b = unique_pairs(self._values.words(0, [(0, 0)], None), value_words(labels))
            return rows_b[at_b], at_a
        kind = row_type(*self._values.rows)
        numbers = labels.to_numpy(zero_copy_only=False)
        start, step = counted
        rows_a = numbers - start if step == 1 else (numbers - start) // step
        held = (rows_a >= 0) & (rows_a < self._values.rows[0])
        if step != 1:
            held &= rows_a * step + start == numbers
        if not held.all():
            rows_b, rows_a = rows_b[held], rows_a[held]
        rows_a = rows_a.astype(kind)
        if int(np.count_nonzero(flags_of(rows_a, self._values.rows[0]))) == len(rows_a):  # no label occurs twice
            return rows_b, rows_a
        single = np.bincount(rows_a, minlength=self._values.rows[0])[rows_a] == 1
        return rows_b[single], rows_a[single]

    def _plausible(self, rows_a: Rows, rows_b: Rows) -> bool:
        """Whether sampled rows have mostly equal values in some column that tells rows apart, or in most columns."""
        if len(rows_b) <= SAMPLE_BLOCKS * SAMPLE_ROWS:
            return True
        at = _sampled(len(rows_b))
        one = self._old.take([a for a, _ in self._pairs], rows_a[at])
        other = self._new.take([b for _, b in self._pairs], rows_b[at])
        shares = [1 - changed_rows(x, y).mean() for x, y in zip(one, other, strict=True)]
        telling = [len(np.unique(value_words(array))) * 8 > len(at) for array in other]
        return bool(np.mean(shares) >= PLAUSIBLE) or any(
            share >= PLAUSIBLE for share, tells in zip(shares, telling, strict=True) if tells
        )

    # --- equal rows --------------------------------------------------------------------------------------------------

    def _with_equal_rows(self, settled: Alignment, tentative: Alignment, changed: Mapping[int, Rows]) -> Alignment:
        """Match rows that are not settled with equal ones elsewhere."""
        left = settled.unmatched()
        if max(map(len, left)) <= FEW_ROWS:
            words = self._narrowed(left, tentative, changed)
            return self._with_equal_words(settled, left, words)
        chosen = self._telling()
        found = self._with_equal_words(settled, left, self._words(chosen, left))
        if found.matched == min(self._values.rows):
            return found
        # where several rows have one word of these columns, they may have been taken for one another
        left = settled.unmatched()
        several = crowded(*self._words(chosen, left))
        free = [flags_of(rows, count) for rows, count in zip(found.unmatched(), self._values.rows, strict=True)]
        left = [np.sort(rows[at]) for rows, at in zip(left, several, strict=True)]
        left = [rows[flags[rows]] for rows, flags in zip(left, free, strict=True)]
        return self._with_equal_words(found, left, self._words(self._pairs, left))

    def _words(self, pairs: Sequence[Pair], rows: Sequence[Rows]) -> list[Any]:
        return [self._values.words(side, pairs, part) for side, part in enumerate(rows)]

    def _with_equal_words(self, settled: Alignment, left: list[Rows], words: list[Any]) -> Alignment:
        """With the rows of equal words that are equal indeed; both lists are emptied: they take much memory."""
        if not len(left[0]) or not len(left[1]):
            return settled
        places = match(words[0], words[1], left[0], left[1], settled)
        words.clear()
        rows = left[0][places[0]], left[1][places[1]]
        del places
        left.clear()
        return settled.joined(*self._values.equal(self._pairs, *rows))

    def _narrowed(self, left: list[Rows], tentative: Alignment, changed: Mapping[int, Rows]) -> list[Any]:
        """Words of the rows that have a partner as far as one column after the other tells; drops the others in `left`.

        A row of A whose tentative partner does not differ in a column has the same value there: it need not be read.
        """
        words: list[Any] = [None, None]
        for pair in sorted(self._pairs, key=lambda pair: pair[1] not in changed):
            values = [self._left_words(left[0], pair, tentative, changed), self._values.words(1, [pair], left[1])]
            words = [mixed_words(so_far, more) for so_far, more in zip(words, values, strict=True)]
            held = [among(words[0], words[1]), among(words[1], words[0])]
            for side in (0, 1):
                left[side], words[side] = left[side][held[side]], words[side][held[side]]
            if not len(left[0]):
                break
        return words

    def _left_words(self, rows: Rows, pair: Pair, tentative: Alignment, changed: Mapping[int, Rows]) -> Any:
        """Words of a column of A at some rows, from B where the tentative partner has the same value."""
        beside = tentative.inverse.partners(rows)
        same = beside >= 0
        same[same] = ~flags_of(changed.get(pair[1]), self._values.rows[1])[beside[same]]
        out = np.empty(len(rows), np.uint64)
        out[same] = self._values.words(1, [pair], beside[same])
        out[~same] = self._values.words(0, [pair], rows[~same])
        return out

    def _telling(self) -> list[Pair]:
        """As few columns, cheap ones first, as tell the rows of a sample apart as well as all columns do."""
        arrays = self._new.take([b for _, b in self._pairs], _sampled(self._values.rows[1]))
        everything = _distinct(arrays)
        costly = [self._new.columns[b].type.name in COSTLY_TYPES for _, b in self._pairs]
        distinct = [len(np.unique(value_words(array))) for array in arrays]
        chosen: list[int] = []
        for i in sorted(range(len(arrays)), key=lambda i: (costly[i], -distinct[i])):
            chosen.append(i)
            if _distinct([arrays[j] for j in chosen]) == everything:
                break
        return [self._pairs[i] for i in chosen]

    # --- edited rows -------------------------------------------------------------------------------------------------

    def _with_edits(self, settled: Alignment, tentative: Alignment, changed: Mapping[int, Rows]) -> Found:
        """Pair what is left on both sides as edited rows."""
        rows_b = settled.added
        rows_a = tentative.partners(rows_b)
        free = rows_a >= 0
        free[free] = flags_of(settled.removed, self._values.rows[0])[rows_a[free]]
        found = settled.joined(rows_a[free], rows_b[free])
        accepted = flags_of(rows_b[free], self._values.rows[1]) if changed else None
        known = {place: rows[accepted[rows]] for place, rows in changed.items() if accepted is not None}
        found, rows_a, rows_b = self._near(found)
        late = self._values.changed_at(self._pairs, rows_a, rows_b) if len(rows_b) else {}
        return Found(
            found,
            {b: np.sort(joined([known.get(b, NO_ROWS), late.get(b, NO_ROWS)])) for _, b in self._pairs},
        )

    def _near(self, found: Alignment) -> tuple[Alignment, Rows, Rows]:
        """With rows that are taken for the same row with other values; and these rows of A and B."""
        pairs: list[tuple[Rows, Rows]] = []
        for step in (self._staying, self._mostly_equal, self._by_place, self._similar):
            if found.matched == min(self._values.rows):
                break
            rows_a, rows_b = step(found, (found.removed, found.added))
            if len(rows_b):
                pairs.append((rows_a, rows_b))
                found = found.joined(rows_a, rows_b)
        return found, joined(a for a, _ in pairs), joined(b for _, b in pairs)

    def _staying(self, found: Alignment, left: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
        """Rows that are unique by columns in which mostly the same values are on both sides."""
        if min(map(len, left)) <= SIMILAR_ROWS:
            return NO_ROWS, NO_ROWS
        sample = left[1][_sampled(len(left[1]))]
        telling: list[tuple[int, Pair]] = []
        stayed: list[Pair] = []
        for pair in self._pairs:
            words = self._values.words(1, [pair], sample)
            distinct = len(np.unique(words))
            if distinct * 8 > len(words):
                telling.append((distinct, pair))
                if among(words, self._values.words(0, [pair], left[0])).mean() >= STAYED:
                    stayed.append(pair)
        telling.sort(reverse=True)
        ordered = [pair for _, pair in telling if pair in stayed]
        for chosen in [[pair] for pair in ordered[:2]] + [ordered] * (len(ordered) > 1):
            at_a, at_b = unique_pairs(*(self._values.words(side, chosen, rows) for side, rows in enumerate(left)))
            rows_a, rows_b = self._values.equal(chosen, left[0][at_a], left[1][at_b])
            others = [pair for _, pair in telling if pair not in chosen]
            if len(rows_b) * 2 >= min(map(len, left)) and (not others or self._agree(rows_a, rows_b, others)):
                return rows_a, rows_b
        return NO_ROWS, NO_ROWS

    def _agree(self, rows_a: Rows, rows_b: Rows, pairs: Sequence[Pair]) -> bool:
        """Whether sampled rows mostly have the same value in one of some columns."""
        at = _sampled(len(rows_b))
        among_these = RowPairs.of(rows_a[at], rows_b[at])
        return any(self._values.differ(pair, among_these).mean() <= 1 - PLAUSIBLE for pair in pairs)

    def _by_place(self, found: Alignment, left: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
        """Rows in gaps with as many on both sides; where most rows moved, their place says nothing."""
        if 2 * int(found.length[found.in_order].sum()) < found.matched:
            return NO_ROWS, NO_ROWS
        numbers = gaps(found, *left)
        count = int(max(part.max() for part in numbers)) + 1
        sizes = [np.bincount(part, minlength=count) for part in numbers]
        level = sizes[0] == sizes[1]
        return left[0][level[numbers[0]]], left[1][level[numbers[1]]]

    def _similar(self, found: Alignment, left: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
        """Rows in gaps with more on one side: in order, with as many equal values as can be."""
        if max(map(len, left)) > SIMILAR_ROWS:
            return NO_ROWS, NO_ROWS
        cells = [
            np.column_stack([self._values.words(side, [pair], rows) for pair in self._pairs])
            for side, rows in enumerate(left)
        ]
        at_a, at_b = similar_pairs(cells[0], cells[1], *gaps(found, *left))
        return left[0][at_a], left[1][at_b]

    def _mostly_equal(self, found: Alignment, left: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
        """Rows that are unique by all columns in which mostly the same values are on both sides, if these are most."""
        sample = left[1][_sampled(len(left[1]))]
        chosen = [
            pair
            for pair in self._pairs
            if among(self._values.words(1, [pair], sample), self._values.words(0, [pair], left[0])).mean() >= STAYED
        ]
        if 2 * len(chosen) <= len(self._pairs):
            return NO_ROWS, NO_ROWS
        at_a, at_b = unique_pairs(*(self._values.words(side, chosen, rows) for side, rows in enumerate(left)))
        return self._values.equal(chosen, left[0][at_a], left[1][at_b])


def _distinct(arrays: Iterable[Any]) -> int:
    words: Any = None
    for array in arrays:
        words = combined_words(words, array)
    return 0 if words is None else len(np.unique(words))


def _sampled(rows: int) -> Rows:
    """Places of a sample: blocks of neighbours, evenly spread."""
    if rows <= SAMPLE_BLOCKS * SAMPLE_ROWS:
        return np.arange(rows)
    starts = np.linspace(0, rows - SAMPLE_ROWS, SAMPLE_BLOCKS).astype(np.int64)
    return (starts[:, None] + np.arange(SAMPLE_ROWS)).ravel()


def _length(part: Range) -> int:
    return part[1] - part[0]


def _with_runs(base: Alignment, runs: Sequence[tuple[int, int, int]]) -> Alignment:
    own = np.column_stack([base.a, base.b, base.length])
    return Alignment.from_runs(base.rows_a, base.rows_b, np.concatenate([own, np.array(runs, np.int64).reshape(-1, 3)]))


def _gaps_of(base: Alignment) -> list[tuple[Range, Range]]:
    """Rows of A and of B between neighbouring runs, of those that stand in order, where these leave some on both."""
    chain = base.in_order
    a, b, length = base.a[chain], base.b[chain], base.length[chain]
    begins = [np.concatenate([np.zeros(1, np.int64), part + length]).tolist() for part in (a, b)]
    ends = [[*part.tolist(), rows] for part, rows in ((a, base.rows_a), (b, base.rows_b))]
    whole = list(zip(zip(begins[0], ends[0], strict=True), zip(begins[1], ends[1], strict=True), strict=True))
    moved = list(zip(base.a[~chain].tolist(), base.b[~chain].tolist(), strict=True))
    if moved:  # rows that moved out of a gap, or into it, are settled
        whole = [
            gap for gap in whole if not any(gap[0][0] <= a < gap[0][1] or gap[1][0] <= b < gap[1][1] for a, b in moved)
        ]
    return [gap for gap in whole if gap[0][0] < gap[0][1] and gap[1][0] < gap[1][1]]
