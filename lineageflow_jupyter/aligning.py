"""From two versions of a dataset to its change set: rows are identified from chunk lists first, gaps alone are read.

Pure parts are in ``algorithms``, reading in ``row_values``. Rows are identified by a declared key, else by an index
that is unique and means something, else by what they hold (``content_alignment``; ``docs/decisions/007-alignment.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.changes import ChangeSet, Identified
from lineageflow_jupyter.algorithms.matching import unique_pairs
from lineageflow_jupyter.content_alignment import ContentAlignment, Found
from lineageflow_jupyter.errors import KeyViolation
from lineageflow_jupyter.frames.keys import check_key, partners
from lineageflow_jupyter.frames.matching_words import COSTLY_TYPES, value_words
from lineageflow_jupyter.frames.row_labels import label_name, label_range
from lineageflow_jupyter.frames.storage_types import arrow_type
from lineageflow_jupyter.row_values import NO_ROWS, Pair, RowValues
from lineageflow_jupyter.versions import Version, labels_mean


def change_set(
    old: Version, new: Version, pool: Executor, key: Sequence[str] | None = None, *, committed: bool = True
) -> ChangeSet:
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
    committed : bool
        Whether a key that both versions declare was found to identify their rows, as it is at commit. If not, and it
        does not, rows are identified otherwise.

    Raises
    ------
    KeyViolation
        If `key` names what is no column of both, or does not identify their rows.
    """
    return _Aligner(old, new, pool, committed=committed).change_set(key)


class _Aligner:
    def __init__(self, old: Version, new: Version, pool: Executor, *, committed: bool) -> None:
        self._committed = committed
        self._old = old
        self._new = new
        self._values = RowValues(old, new, pool)
        self._schema = self._values.schema
        self._rows = self._values.rows

    def change_set(self, key: Sequence[str] | None) -> ChangeSet:
        """See `change_set`."""
        by, found = self._identified(key)
        missing = [pair for pair in self._schema.common if pair[1] not in found.known]
        changed = {**found.known, **self._values.changed(found.alignment, missing)}
        return ChangeSet(
            found.alignment, by, {place: changed[place] for place in sorted(changed) if len(changed[place])}
        )

    def _identified(self, key: Sequence[str] | None) -> tuple[Identified, Found]:
        if key is not None:
            return "key", self._by_key(self._asked_key(key), checked=False)
        pairs = self._declared_key()
        if pairs:
            return "key", self._by_key(pairs, checked=True)
        try:
            by_labels = self._by_labels()
        except KeyViolation:  # labels that repeat, or are missing, identify nothing
            by_labels = None
        return ("content", ContentAlignment(self._values).found()) if by_labels is None else ("index", by_labels)

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
                known = self._committed and entry.key == self._old.entry.key == self._new.entry.key
                return pairs if known else self._unique(pairs)
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

    def _check_key(self, pairs: Sequence[Pair], *, same: bool = False) -> None:
        """Refuse columns that do not identify rows; `same`: both versions have equal values there."""
        names = [self._new.table.columns[place].name for _, place in pairs]
        sides = [(self._old, [a for a, _ in pairs]), (self._new, [b for _, b in pairs])]
        for side, places in sides[1:] if same else sides:
            check_key(self._new.entry.dataset, names, side.values(places))

    def _by_labels(self) -> Found | None:
        """Rows by index labels, if these mean something; else None."""
        levels = len(self._new.table.index)
        pairs = [pair for pair in self._schema.common if pair[1] < levels]
        if not levels or len(self._old.table.index) != levels:
            return self._by_named_range()
        if len(pairs) != levels or not all(map(labels_mean, (self._old, self._new))):
            return None
        return self._by_key(pairs, checked=False)

    def _by_named_range(self) -> Found | None:
        """Rows by labels of one name of which at least one side only counts them: they are no column there."""
        names = [label_name(side.body) for side in (self._old, self._new)]
        if names[0] is None or names[0] != names[1]:
            return None
        counted = [label_range(side.body) for side in (self._old, self._new)]
        if counted[0] == counted[1]:
            return Found(Alignment.from_runs(*self._rows, [(0, 0, min(self._rows))]), {})
        labels = [self._label_words(side, counts) for side, counts in enumerate(counted)]
        if labels[0] is None or labels[1] is None:
            return None
        at_a, at_b = unique_pairs(labels[0], labels[1])
        return Found(Alignment.from_runs(*self._rows, []).joined(at_a, at_b), {})

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

    def _by_key(self, pairs: list[Pair], *, checked: bool) -> Found:
        base = self._values.agreeing(pairs)
        if not checked:
            self._check_key(pairs, same=base.identical)
        if not base.identical:
            base = self._keyed_gaps(base, pairs)
        return Found(base, {place: NO_ROWS for _, place in pairs})

    def _keyed_gaps(self, base: Alignment, pairs: list[Pair]) -> Alignment:
        """Find the rows that chunks do not tell: by word where these are unique, else by value."""
        left = (base.removed, base.added)
        if not len(left[0]) or not len(left[1]):
            return base
        words = [self._values.words(side, pairs, rows) for side, rows in enumerate(left)]
        at_a, at_b = unique_pairs(*words)
        words.clear()
        rows = left[0][at_a], left[1][at_b]
        if not self._words_are_values(pairs):
            rows = self._values.equal(pairs, *rows)
        settled = base.joined(*rows)
        if len(rows[1]) == min(map(len, left)):
            return settled
        rest = settled.removed, settled.added
        if len(rest[0]) and len(rest[1]):
            names = [self._new.table.columns[place].name for _, place in pairs]
            arrays = [
                version.take([pair[side] for pair in pairs], rest[side])
                for side, version in enumerate((self._old, self._new))
            ]
            at = partners(names, arrays[1], arrays[0])
            settled = settled.joined(rest[0][at[at >= 0]], rest[1][at >= 0])
        return settled

    def _words_are_values(self, pairs: Sequence[Pair]) -> bool:
        kind = self._new.columns[pairs[0][1]].type
        return len(pairs) == 1 and kind.width is not None and kind.width <= 8 and kind.name not in COSTLY_TYPES
