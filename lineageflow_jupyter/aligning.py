"""From two versions of a dataset to its change set: rows are identified from chunk lists first, and only gaps are read.

Pure parts are in ``algorithms``; here they meet values. Rows are identified by a declared key, else by an index that
is unique and means something, else by content (``docs/decisions/007-alignment.md``):

1. Where all columns have equal chunks at the same offset, rows are equal.
2. Rows in between are paired tentatively: by place where as many stand on both sides, and by labels that a filter left.
   Their values are compared. What is equal is settled.
3. Rows that are left are matched by words over their columns; each pair is verified by value.
4. What then is left on both sides is edited: tentative pairs first, then rows that agree in the columns that mostly
   stayed, then rows by their place between settled neighbours. The rest was removed and added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from lineageflow_jupyter.algorithms.agreement import Range, agreeing_runs, equal_rows, outside
from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment, Rows, expanded_ranges
from lineageflow_jupyter.algorithms.changes import ChangeSet, Identified
from lineageflow_jupyter.algorithms.matching import among, gaps, match, unique_pairs
from lineageflow_jupyter.algorithms.neighbours import similar_pairs
from lineageflow_jupyter.errors import KeyViolation
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.keys import check_key, partners
from lineageflow_jupyter.frames.matching_words import COSTLY_TYPES, combined_words, value_words
from lineageflow_jupyter.frames.row_labels import label_name, label_range, labels_identify
from lineageflow_jupyter.frames.storage_types import arrow_type
from lineageflow_jupyter.model.schema import SchemaChange, schema_change
from lineageflow_jupyter.versions import Version

MANY_RUNS = 4096
"""From so many runs on chunks hardly ever agree along them, and are not asked."""
FEW_ROWS = 1 << 17
"""Up to so many rows are matched over all their columns, one after the other; more, over those that tell them apart."""
SAMPLE_BLOCKS, SAMPLE_ROWS = 8, 256
"""A sample of rows: so many blocks of so many rows, evenly spread."""
PLAUSIBLE = 0.5
"""Share of sampled values that must agree for rows to be paired tentatively."""
STAYED = 0.9
"""Share of sampled values that the older version must have for a column to be one that mostly stayed."""
SIMILAR_ROWS = 2_000
"""Up to so many rows that are left on a side are compared each with each between their neighbours."""

Pair = tuple[int, int]
"""Places of a column in A's and B's table."""
T = TypeVar("T")
R = TypeVar("R")


def schema_of(old: Version, new: Version) -> SchemaChange:
    """How the columns of two versions belong together."""
    return schema_change(old.table, new.table, old.columns, new.columns)


def change_set(old: Version, new: Version, pool: Executor, key: Sequence[str] | None = None) -> ChangeSet:
    """How one version of a dataset became another.

    Parameters
    ----------
    old, new : Version
        The versions.
    pool : Executor
        Threads that share the work, by columns.
    key : sequence of str, optional
        Names of the columns that identify rows. By default the key that the versions declare, if both have its columns
        with the same types.

    Raises
    ------
    KeyViolation
        If `key` names what is no column of both, or does not identify their rows.
    """
    return _Aligner(old, new, pool).change_set(key)


@dataclass(frozen=True, slots=True)
class _Found:
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


class _Aligner:
    def __init__(self, old: Version, new: Version, pool: Executor) -> None:
        self._old = old
        self._new = new
        self._pool = pool
        self._schema = schema_of(old, new)
        self._rows = (old.table.rows, new.table.rows)

    def change_set(self, key: Sequence[str] | None) -> ChangeSet:
        """See `change_set`."""
        by, found = self._identified(key)
        missing = [pair for pair in self._schema.common if pair[1] not in found.known]
        changed = {**found.known, **self._changed(found.alignment, missing)}
        return ChangeSet(
            found.alignment, by, {place: changed[place] for place in sorted(changed) if len(changed[place])}
        )

    def _identified(self, key: Sequence[str] | None) -> tuple[Identified, _Found]:
        if key is not None:
            return "key", self._by_key(self._asked_key(key), checked=False)
        pairs = self._declared_key()
        if pairs:
            return "key", self._by_key(pairs, checked=True)
        try:
            by_labels = self._by_labels()
        except KeyViolation:  # labels that repeat, or are missing, identify nothing
            by_labels = None
        return ("content", self._by_content()) if by_labels is None else ("index", by_labels)

    # --- by key ------------------------------------------------------------------------------------------------------

    def _asked_key(self, names: Sequence[str]) -> list[Pair]:
        pairs = self._named_pairs(names)
        if len(pairs) == len(names) and pairs:
            return pairs
        known = [self._new.table.columns[place].name for _, place in self._schema.common]
        raise KeyViolation(
            f"key {', '.join(names)} of {self._new.entry.dataset!r}: each of these columns must be in both versions, "
            "once and with the same type",
            remedy=f"Choose from: {', '.join(known[:20])}" if known else "The versions have no column in common",
        )

    def _declared_key(self) -> list[Pair]:
        for entry in (self._new.entry, self._old.entry):
            pairs = self._named_pairs(entry.key)
            if entry.key and len(pairs) == len(entry.key):
                return pairs if entry.key == self._old.entry.key == self._new.entry.key else self._unique(pairs)
        return []

    def _named_pairs(self, names: Sequence[str]) -> list[Pair]:
        columns = self._new.table.columns
        found = [[pair for pair in self._schema.common if columns[pair[1]].name == name] for name in names]
        return [pairs[0] for pairs in found if len(pairs) == 1]

    def _unique(self, pairs: list[Pair]) -> list[Pair]:
        """The pairs, if they identify rows in both versions: only one of these declared them as its key."""
        try:
            self._check_key(pairs)
        except KeyViolation:
            return []
        return pairs

    def _check_key(self, pairs: Sequence[Pair]) -> None:
        names = [self._new.table.columns[place].name for _, place in pairs]
        for side, places in ((self._old, [a for a, _ in pairs]), (self._new, [b for _, b in pairs])):
            check_key(self._new.entry.dataset, names, side.values(places))

    def _by_labels(self) -> _Found | None:
        """Rows by index labels, if these mean something; else None."""
        levels = len(self._new.table.index)
        pairs = [pair for pair in self._schema.common if pair[1] < levels]
        if not levels or len(self._old.table.index) != levels:
            return self._by_named_range()
        types = [arrow_type(self._new.columns[place].type) for _, place in pairs]
        if len(pairs) != levels or not all(labels_identify(side.body, types) for side in (self._old, self._new)):
            return None
        return self._by_key(pairs, checked=False)

    def _by_named_range(self) -> _Found | None:
        """Rows by labels of one name of which at least one side only counts them: they are no column there."""
        names = [label_name(side.body) for side in (self._old, self._new)]
        if names[0] is None or names[0] != names[1]:
            return None
        counted = [label_range(side.body) for side in (self._old, self._new)]
        if counted[0] == counted[1]:
            return _Found(Alignment.from_runs(*self._rows, [(0, 0, min(self._rows))]), {})
        labels = [self._label_words(side, counts) for side, counts in enumerate(counted)]
        if labels[0] is None or labels[1] is None:
            return None
        at_a, at_b = unique_pairs(labels[0], labels[1])
        sources = np.full(self._rows[1], NO_ROW, np.int64)
        sources[at_b] = at_a
        return _Found(Alignment.from_sources(sources, rows_a=self._rows[0]), {})

    def _label_words(self, side: int, counted: tuple[int, int] | None) -> Any:
        """Integer labels of all rows as words, which they equal; None where labels are something else."""
        if counted is not None:
            return (np.arange(self._rows[side], dtype=np.int64) * counted[1] + counted[0]).view(np.uint64)
        version = (self._old, self._new)[side]
        if len(version.table.index) != 1 or not arrow_type(version.columns[0].type).equals("int64"):
            return None
        (labels,) = version.values([0])
        check_key(version.entry.dataset, [version.table.columns[0].name], [labels])
        return value_words(labels)

    def _by_key(self, pairs: list[Pair], *, checked: bool) -> _Found:
        base = self._agreeing(pairs)
        if not base.identical:
            if not checked:
                self._check_key(pairs)
            base = self._keyed_gaps(base, pairs)
        return _Found(base, {place: np.empty(0, np.int64) for _, place in pairs})

    def _keyed_gaps(self, base: Alignment, pairs: list[Pair]) -> Alignment:
        """Find the rows that chunks do not tell: by word where these are unique, else by value."""
        left = (base.removed, base.added)
        if not len(left[0]) or not len(left[1]):
            return base
        words = [self._words(side, pairs, rows) for side, rows in enumerate(left)]
        found = list(unique_pairs(*words))
        if not self._words_are_values(pairs):
            found = self._verified(pairs, left[0][found[0]], left[1][found[1]], found)
        sources = base.sources()
        sources[left[1][found[1]]] = left[0][found[0]]
        rest = [_without(rows, places) for rows, places in zip(left, found, strict=True)]
        if len(rest[0]) and len(rest[1]):
            names = [self._new.table.columns[place].name for _, place in pairs]
            at = partners(names, self._taken(1, pairs, rest[1]), self._taken(0, pairs, rest[0]))
            sources[rest[1][at >= 0]] = rest[0][at[at >= 0]]
        return Alignment.from_sources(sources, rows_a=self._rows[0])

    def _words_are_values(self, pairs: Sequence[Pair]) -> bool:
        kind = self._new.columns[pairs[0][1]].type
        return len(pairs) == 1 and kind.width is not None and kind.width <= 8 and kind.name not in COSTLY_TYPES

    # --- by content --------------------------------------------------------------------------------------------------

    def _by_content(self) -> _Found:
        pairs = self._content_pairs()
        base = self._agreeing(pairs)
        if not pairs:
            return _Found(Alignment.identity(self._rows[0]) if self._rows[0] == self._rows[1] else base, {})
        tentative = self._tentative(base, pairs)
        changed = self._changed(tentative, pairs)
        edited = np.flatnonzero(_flags(_joined(changed.values()), self._rows[1]))
        settled = _without_rows(tentative, edited)
        if len(settled.removed) and len(settled.added):
            settled = self._equal_rows(settled, tentative, changed, pairs)
        return self._with_edits(settled, tentative, changed, pairs)

    def _content_pairs(self) -> list[Pair]:
        """Columns that tell what a row is: all that both have, but for labels that only say where it once stood."""
        levels = len(self._new.table.index)
        types = [arrow_type(column.type) for column in self._new.columns[:levels]]
        meant = bool(levels) and labels_identify(self._new.body, types)
        return [pair for pair in self._schema.common if meant or pair[1] >= levels]

    def _tentative(self, base: Alignment, pairs: Sequence[Pair]) -> Alignment:
        """Pair rows by their place and by labels, where a sample does not speak against it."""
        sources = base.sources()
        for a, b in _gaps_of(base):
            if a[1] - a[0] == b[1] - b[0]:
                rows_a, rows_b = np.arange(*a), np.arange(*b)
                if self._plausible(rows_a, rows_b, pairs):
                    sources[b[0] : b[1]] = rows_a
        if (sources < 0).any():
            self._hint(sources, pairs)
        return Alignment.from_sources(sources, rows_a=self._rows[0])

    def _hint(self, sources: Rows, pairs: Sequence[Pair]) -> None:
        """Fill in partners of rows whose labels say where they stood in the older version."""
        hinted = self._hinted(np.flatnonzero(sources < 0))
        if hinted is None:
            return
        rows_b, rows_a = hinted
        kept = ~_flags(sources[sources >= 0], self._rows[0])[rows_a]
        rows_b, rows_a = rows_b[kept], rows_a[kept]
        if len(rows_b) and self._plausible(rows_a, rows_b, pairs):
            sources[rows_b] = rows_a

    def _hinted(self, rows_b: Rows) -> tuple[Rows, Rows] | None:
        """Rows of B and of A whose labels are plain integers and agree; None where labels say nothing."""
        if len(self._new.table.index) != 1 or not arrow_type(self._new.columns[0].type).equals("int64"):
            return None
        (labels,) = self._new.take([0], rows_b)
        if labels.null_count:
            return None
        numbers = labels.to_numpy(zero_copy_only=False)
        counted = label_range(self._old.body)
        if counted is not None:
            start, step = counted
            rows_a = (numbers - start) // step
            held = (rows_a >= 0) & (rows_a < self._rows[0]) & (rows_a * step + start == numbers)
            rows_b, rows_a = rows_b[held], rows_a[held]
            counts = np.bincount(rows_a, minlength=self._rows[0])
            single = counts[rows_a] == 1
            return rows_b[single], rows_a[single]
        if (0, 0) not in self._schema.common or len(self._old.table.index) != 1:
            return None
        at_a, at_b = unique_pairs(self._words(0, [(0, 0)], None), value_words(labels))
        return rows_b[at_b], at_a

    def _plausible(self, rows_a: Rows, rows_b: Rows, pairs: Sequence[Pair]) -> bool:
        """Whether sampled rows have mostly equal values in some column that tells rows apart, or in most columns."""
        if len(rows_b) <= SAMPLE_BLOCKS * SAMPLE_ROWS:
            return True
        at = _sampled(len(rows_b))
        one = self._old.take([a for a, _ in pairs], rows_a[at])
        other = self._new.take([b for _, b in pairs], rows_b[at])
        shares = [1 - changed_rows(x, y).mean() for x, y in zip(one, other, strict=True)]
        telling = [len(np.unique(value_words(array))) * 8 > len(at) for array in other]
        return bool(np.mean(shares) >= PLAUSIBLE) or any(
            share >= PLAUSIBLE for share, tells in zip(shares, telling, strict=True) if tells
        )

    def _equal_rows(
        self, settled: Alignment, tentative: Alignment, changed: Mapping[int, Rows], pairs: Sequence[Pair]
    ) -> Alignment:
        """Match rows that are not settled with equal ones elsewhere."""
        left = [settled.removed, settled.added]
        if max(map(len, left)) <= FEW_ROWS:
            ordered = sorted(pairs, key=lambda pair: pair[1] not in changed)
            words = self._narrowed(left, tentative, changed, ordered)
        else:
            chosen = self._telling(pairs)
            words = [self._words(side, chosen, rows) for side, rows in enumerate(left)]
        if not len(left[0]) or not len(left[1]):
            return settled
        found = list(match(words[0], words[1], left[0], left[1], settled))
        found = self._verified(pairs, left[0][found[0]], left[1][found[1]], found)
        sources = settled.sources()
        sources[left[1][found[1]]] = left[0][found[0]]
        return Alignment.from_sources(sources, rows_a=self._rows[0])

    def _narrowed(
        self, left: list[Rows], tentative: Alignment, changed: Mapping[int, Rows], pairs: Sequence[Pair]
    ) -> list[Any]:
        """Words of the rows that have a partner as far as one column after the other tells; drops the others in `left`.

        A row of A whose tentative partner does not differ in a column has the same value there: it need not be read.
        """
        words: list[Any] = [None, None]
        for pair in pairs:
            values = [self._left_words(left[0], pair, tentative, changed), self._words(1, [pair], left[1], plain=True)]
            for side in (0, 1):
                words[side] = _mixed(words[side], values[side])
            held = [among(words[0], words[1]), among(words[1], words[0])]
            for side in (0, 1):
                left[side], words[side] = left[side][held[side]], words[side][held[side]]
            if not len(left[0]):
                break
        return words

    def _left_words(self, rows: Rows, pair: Pair, tentative: Alignment, changed: Mapping[int, Rows]) -> Any:
        """Words of a column of A at some rows, from B where the tentative partner has the same value."""
        beside = tentative.targets()[rows]
        same = beside >= 0
        same[same] = ~_flags(changed.get(pair[1]), self._rows[1])[beside[same]]
        out = np.empty(len(rows), np.uint64)
        out[same] = self._words(1, [pair], beside[same], plain=True)
        out[~same] = self._words(0, [pair], rows[~same], plain=True)
        return out

    def _telling(self, pairs: Sequence[Pair]) -> list[Pair]:
        """As few columns, cheap ones first, as tell the rows of a sample apart as well as all columns do."""
        arrays = self._new.take([b for _, b in pairs], _sampled(self._rows[1]))
        words = [value_words(array) for array in arrays]
        everything = _distinct(arrays)
        order = sorted(
            range(len(pairs)),
            key=lambda i: (self._new.columns[pairs[i][1]].type.name in COSTLY_TYPES, -len(np.unique(words[i]))),
        )
        chosen: list[int] = []
        for i in order:
            chosen.append(i)
            if _distinct([arrays[j] for j in chosen]) == everything:
                break
        return [pairs[i] for i in chosen]

    # --- edits -------------------------------------------------------------------------------------------------------

    def _with_edits(
        self, settled: Alignment, tentative: Alignment, changed: Mapping[int, Rows], pairs: Sequence[Pair]
    ) -> _Found:
        """Pair what is left on both sides as edited rows."""
        sources = settled.sources()
        free = settled.targets() == NO_ROW
        rows_b = np.flatnonzero(sources < 0)
        rows_a = tentative.partners(rows_b)
        kept = rows_a >= 0
        kept[kept] = free[rows_a[kept]]
        sources[rows_b[kept]] = rows_a[kept]
        accepted = _flags(rows_b[kept], self._rows[1])
        known = {place: rows[accepted[rows]] for place, rows in changed.items()}
        found = Alignment.from_sources(sources, rows_a=self._rows[0])
        more = self._near(found, pairs)
        if not len(more[1]):
            return _Found(found, {place: known.get(place, np.empty(0, np.int64)) for _, place in pairs})
        sources[more[1]] = more[0]
        late = self._changed_at(pairs, *more)
        return _Found(
            Alignment.from_sources(sources, rows_a=self._rows[0]),
            {
                place: np.sort(np.concatenate([known.get(place, np.empty(0, np.int64)), late[place]]))
                for _, place in pairs
            },
        )

    def _near(self, found: Alignment, pairs: Sequence[Pair]) -> tuple[Rows, Rows]:
        """Rows of A and B, neither aligned, that are taken for the same row with other values; those of B rise."""
        out: list[tuple[Rows, Rows]] = []
        left = (found.removed, found.added)
        for step in (self._staying, self._by_place, self._similar):
            if not len(left[0]) or not len(left[1]):
                break
            rows_a, rows_b = step(found, left, pairs)
            if len(rows_b):
                out.append((rows_a, rows_b))
                sources = found.sources()
                sources[rows_b] = rows_a
                found = Alignment.from_sources(sources, rows_a=self._rows[0])
                left = (found.removed, found.added)
        if not out:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        rows_a, rows_b = (np.concatenate(parts) for parts in zip(*out, strict=True))
        order = np.argsort(rows_b)
        return rows_a[order], rows_b[order]

    def _staying(self, found: Alignment, left: tuple[Rows, Rows], pairs: Sequence[Pair]) -> tuple[Rows, Rows]:
        """Rows that are unique by columns in which mostly the same values are on both sides."""
        if min(map(len, left)) <= SIMILAR_ROWS:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        sample = left[1][_sampled(len(left[1]))]
        telling: list[tuple[int, Pair]] = []
        stayed: list[Pair] = []
        for pair in pairs:
            words = self._words(1, [pair], sample)
            distinct = len(np.unique(words))
            if distinct * 8 > len(words):
                telling.append((distinct, pair))
                if among(words, self._words(0, [pair], left[0])).mean() >= STAYED:
                    stayed.append(pair)
        telling.sort(reverse=True)
        ordered = [pair for _, pair in telling if pair in stayed]
        for chosen in [[pair] for pair in ordered[:2]] + [ordered] * (len(ordered) > 1):
            at_a, at_b = unique_pairs(*(self._words(side, chosen, rows) for side, rows in enumerate(left)))
            at_a, at_b = self._verified(chosen, left[0][at_a], left[1][at_b], [at_a, at_b])
            others = [pair for _, pair in telling if pair not in chosen]
            rows_a, rows_b = left[0][at_a], left[1][at_b]
            if len(at_b) * 2 >= min(map(len, left)) and (not others or self._agree(rows_a, rows_b, others)):
                return rows_a, rows_b
        return np.empty(0, np.int64), np.empty(0, np.int64)

    def _agree(self, rows_a: Rows, rows_b: Rows, pairs: Sequence[Pair]) -> bool:
        """Whether sampled rows mostly have the same value in one of some columns."""
        at = _sampled(len(rows_b))
        return any(self._differ(pair, rows_a[at], rows_b[at]).mean() <= 1 - PLAUSIBLE for pair in pairs)

    def _by_place(self, found: Alignment, left: tuple[Rows, Rows], pairs: Sequence[Pair]) -> tuple[Rows, Rows]:
        """Rows in gaps with as many on both sides."""
        numbers = gaps(found, *left)
        count = int(max(part.max() for part in numbers)) + 1
        sizes = [np.bincount(part, minlength=count) for part in numbers]
        level = sizes[0] == sizes[1]
        return left[0][level[numbers[0]]], left[1][level[numbers[1]]]

    def _similar(self, found: Alignment, left: tuple[Rows, Rows], pairs: Sequence[Pair]) -> tuple[Rows, Rows]:
        """Rows in gaps with more on one side: in order, with as many equal values as can be."""
        if max(map(len, left)) > SIMILAR_ROWS:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        cells = [
            np.column_stack([self._words(side, [pair], rows, plain=True) for pair in pairs])
            for side, rows in enumerate(left)
        ]
        at_a, at_b = similar_pairs(cells[0], cells[1], *gaps(found, *left))
        return left[0][at_a], left[1][at_b]

    # --- values ------------------------------------------------------------------------------------------------------

    def _agreeing(self, pairs: Sequence[Pair]) -> Alignment:
        return agreeing_runs([(self._old.columns[a], self._new.columns[b]) for a, b in pairs], *self._rows)

    def _changed(self, alignment: Alignment, pairs: Sequence[Pair]) -> dict[int, Rows]:
        """By place in B's columns: aligned rows of B with another value; columns without any are left out."""
        found = self._each(partial(self._changed_in, alignment), pairs)
        return {place: rows for (_, place), rows in zip(pairs, found, strict=True) if len(rows)}

    def _changed_in(self, alignment: Alignment, pair: Pair) -> Rows:
        if len(alignment.b) > MANY_RUNS:
            rows_a, rows_b = alignment.pairs
        else:
            old, new = self._old.columns[pair[0]], self._new.columns[pair[1]]
            aligned: list[Range] = list(
                zip(alignment.b.tolist(), (alignment.b + alignment.length).tolist(), strict=True)
            )
            unknown = np.array(outside(equal_rows(old, new, alignment), aligned), np.int64).reshape(-1, 2)
            rows_b = expanded_ranges(unknown[:, 0], unknown[:, 1] - unknown[:, 0])
            rows_a = alignment.partners(rows_b)
        if not len(rows_b):
            return rows_b
        differing: Rows = rows_b[self._differ(pair, rows_a, rows_b)]
        return differing

    def _changed_at(self, pairs: Sequence[Pair], rows_a: Rows, rows_b: Rows) -> dict[int, Rows]:
        found = self._each(lambda pair: rows_b[self._differ(pair, rows_a, rows_b)], pairs)
        return {place: rows for (_, place), rows in zip(pairs, found, strict=True)}

    def _differ(self, pair: Pair, rows_a: Rows, rows_b: Rows) -> Any:
        """Flags of the pairs of rows that differ in a column."""
        (one,), (other,) = _picked(self._old, [pair[0]], rows_a), _picked(self._new, [pair[1]], rows_b)
        return changed_rows(one, other)

    def _verified(self, pairs: Sequence[Pair], rows_a: Rows, rows_b: Rows, found: list[Rows]) -> list[Rows]:
        """Places of the pairs of rows that are equal in all of some columns."""
        if not len(rows_b):
            return found
        wrong = np.zeros(len(rows_b), bool)
        for flags in self._each(lambda pair: self._differ(pair, rows_a, rows_b), pairs):
            wrong |= flags
        return [places[~wrong] for places in found] if wrong.any() else found

    def _words(self, side: int, pairs: Sequence[Pair], rows: Rows | None, *, plain: bool = False) -> Any:
        """Words of some rows over some columns; `plain`: of a single column, as they are."""
        version = (self._old, self._new)[side]
        words: Any = None
        for pair in pairs:
            (array,) = version.values([pair[side]]) if rows is None else _picked(version, [pair[side]], rows)
            words = value_words(array) if plain or len(pairs) == 1 else combined_words(words, array)
        return words

    def _taken(self, side: int, pairs: Sequence[Pair], rows: Rows) -> list[Any]:
        return (self._old, self._new)[side].take([pair[side] for pair in pairs], rows)

    def _each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return list((self._pool.map if len(items) > 1 else map)(work, items))


def _picked(version: Version, places: Sequence[int], rows: Rows) -> list[Any]:
    """Values of some rows, without gathering them one by one where they follow one another."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and (len(rows) == 1 or (np.diff(rows) == 1).all()):
        start = int(rows[0])
        whole = start == 0 and len(rows) == version.table.rows
        return version.values(places, None if whole else range(start, start + len(rows)))
    return version.take(places, rows)


def _mixed(words: Any, more: Any) -> Any:
    return more if words is None else words * np.uint64(0x9E3779B97F4A7C15) ^ (words >> np.uint64(31)) ^ more


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


def _joined(parts: Iterable[Rows]) -> Rows:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _flags(rows: Rows | None, count: int) -> Any:
    """Flags of `count` rows: True for some."""
    flags = np.zeros(count, bool)
    if rows is not None:
        flags[rows] = True
    return flags


def _without(rows: Rows, places: Rows) -> Rows:
    left: Rows = rows[~_flags(places, len(rows))]
    return left


def _without_rows(alignment: Alignment, rows_b: Rows) -> Alignment:
    if not len(rows_b):
        return alignment
    sources = alignment.sources()
    sources[rows_b] = NO_ROW
    return Alignment.from_sources(sources, rows_a=alignment.rows_a)


def _gaps_of(base: Alignment) -> list[tuple[Range, Range]]:
    """Rows of A and of B between neighbouring runs, of those that stand in order, where these leave some on both."""
    chain = base.in_order
    a, b, length = base.a[chain], base.b[chain], base.length[chain]
    begins = [np.concatenate([np.zeros(1, np.int64), part + length]).tolist() for part in (a, b)]
    ends = [[*part.tolist(), rows] for part, rows in ((a, base.rows_a), (b, base.rows_b))]
    whole = list(zip(zip(begins[0], ends[0], strict=True), zip(begins[1], ends[1], strict=True), strict=True))
    moved = {
        (a, b) for a, b, chained in zip(base.a.tolist(), base.b.tolist(), chain.tolist(), strict=True) if not chained
    }
    if moved:  # rows that moved out of a gap, or into it, are settled
        whole = [
            gap for gap in whole if not any(gap[0][0] <= a < gap[0][1] or gap[1][0] <= b < gap[1][1] for a, b in moved)
        ]
    return [gap for gap in whole if gap[0][0] < gap[0][1] and gap[1][0] < gap[1][1]]
