"""How one table became another: which rows are which, and in which columns they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows

Numbers = npt.NDArray[np.unsignedinteger[Any]]
"""Unsigned integers."""

Identified = Literal["key", "index", "content"]
"""By what rows were identified: a declared key, a unique meaningful index, or their values."""


@dataclass(frozen=True, slots=True, eq=False)
class ChangeSet:
    """How table A became table B, row by row and column by column; values stay in the tables.

    Parameters
    ----------
    alignment : Alignment
        Which rows of B are which rows of A.
    by : str
        How rows were identified.
    changed : mapping of int to numpy.ndarray of int64
        By the place in B's columns, of the columns that both tables have with one type: rows of B, rising, that have a
        partner in A with another value. Columns without changes are left out.
    """

    alignment: Alignment
    by: Identified
    changed: Mapping[int, Rows] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Changed cells."""
        return sum(map(len, self.changed.values()))


FORMAT = 1
"""Version of the encoding of change sets."""

_BY: tuple[Identified, ...] = ("key", "index", "content")
_LARGEST = 1 << 62


def encode_changes(changes: ChangeSet) -> tuple[list[Any], list[Numbers]]:
    """Header and buffers of a change set, for storing.

    Parameters
    ----------
    changes : ChangeSet
        The change set.

    Returns
    -------
    tuple of (list, list of numpy.ndarray)
        Nested lists of integers; and unsigned integers, each buffer as narrow as its largest number allows: gaps in B
        before each run, where each run begins in A after the end of the one before (zigzag), lengths, and for each
        changed column its rows as differences.
    """
    alignment = changes.alignment
    ends_a, ends_b = (
        np.concatenate([np.zeros(1, np.int64), part + alignment.length])[:-1] for part in (alignment.a, alignment.b)
    )
    jumps = alignment.a - ends_a
    buffers = [alignment.b - ends_b, (jumps << 1) ^ (jumps >> 63), alignment.length]
    buffers += [np.diff(rows, prepend=0) for rows in changes.changed.values()]
    narrow = [_narrowed(buffer) for buffer in buffers]
    header = [
        FORMAT,
        _BY.index(changes.by),
        alignment.rows_a,
        alignment.rows_b,
        list(changes.changed),
        [buffer.itemsize for buffer in narrow],
    ]
    return header, narrow


def decode_changes(header: Any, buffers: Sequence[Any]) -> ChangeSet:
    """Inverse of `encode_changes`.

    Parameters
    ----------
    header : list
        As encoded.
    buffers : sequence of bytes-like
        The buffers.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they do not describe a change set.
    """
    version, by, rows_a, rows_b, places, widths = header
    if version != FORMAT:
        raise ValueError(f"version {version} of a change set where {FORMAT} was expected")
    numbers = [np.frombuffer(data, f"<u{width}").astype(np.int64) for data, width in zip(buffers, widths, strict=True)]
    gaps, jumps, length, *steps = numbers
    if any(part.min(initial=0) < 0 or part.max(initial=0) > _LARGEST for part in numbers):
        raise ValueError("a change set holds numbers that are no rows")
    b = np.cumsum(gaps + length) - length
    a = np.cumsum((jumps >> 1 ^ -(jumps & 1)) + length) - length
    alignment = Alignment.from_runs(rows_a, rows_b, np.column_stack([a, b, length]))
    changed = {int(place): np.cumsum(part) for place, part in zip(places, steps, strict=True)}
    for rows in changed.values():
        if len(rows) and (rows[-1] >= rows_b or (np.diff(rows) <= 0).any() or (alignment.partners(rows) < 0).any()):
            raise ValueError("a change set names rows that are not there")
    return ChangeSet(alignment, _BY[by], changed)


def _narrowed(numbers: Rows) -> Numbers:
    largest = int(numbers.max(initial=0))
    width = next(width for width in (1, 2, 4, 8) if largest < 1 << 8 * width)
    return numbers.astype(f"<u{width}")
