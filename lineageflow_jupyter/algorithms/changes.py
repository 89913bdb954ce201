"""How one table became another: which rows are which, and in which columns they differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows
from lineageflow_jupyter.algorithms.row_maps import BUFFERS, Numbers, decode_runs, encode_runs, narrowed, widened

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


def encode_changes(changes: ChangeSet, map_: bytes | None = None) -> tuple[list[Any], list[Numbers]]:
    """Header and buffers of a change set, for storing.

    Parameters
    ----------
    changes : ChangeSet
        The change set.
    map_ : bytes, optional
        Id of the row map that holds the alignment; without it the runs are told here.

    Returns
    -------
    tuple of (list, list of numpy.ndarray)
        Nested lists of integers; and unsigned integers: the runs (see `row_maps`), and for each changed column its rows
        as differences.
    """
    alignment = changes.alignment
    buffers = encode_runs(alignment) if map_ is None else []
    buffers += [narrowed(np.diff(rows, prepend=0)) for rows in changes.changed.values()]
    shape = [alignment.rows_a, alignment.rows_b]
    return [FORMAT, _BY.index(changes.by), map_, *shape, list(changes.changed), [b.itemsize for b in buffers]], buffers


def decode_changes(
    header: Any,
    buffers: Sequence[Any],
    read_map: Callable[[bytes], Alignment],
    wanted: Collection[int] | None = None,
) -> ChangeSet:
    """Inverse of `encode_changes`.

    Parameters
    ----------
    header : list
        As encoded.
    buffers : sequence of bytes-like
        The buffers.
    read_map : callable
        Gives the alignment of a row map by its id.
    wanted : collection of int, optional
        Places of the columns whose changed rows are asked for; all by default. The buffers of others are not touched.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they do not describe a change set.
    """
    version, by, map_, rows_a, rows_b, places, widths = header
    if version != FORMAT:
        raise ValueError(f"version {version} of a change set where {FORMAT} was expected")
    if by not in range(len(_BY)) or any(type(place) is not int or place < 0 for place in places):
        raise ValueError("a change set names columns or ways that there are not")
    own = BUFFERS if map_ is None else 0
    if not len(widths) == len(buffers) == own + len(places):
        raise ValueError(f"{len(buffers)} buffers of a change set")
    told = {place: own + at for at, place in enumerate(places) if wanted is None or place in wanted}
    read = [*range(own), *told.values()]
    numbers = widened([buffers[at] for at in read], [widths[at] for at in read])
    alignment = decode_runs(rows_a, rows_b, numbers[:own]) if map_ is None else read_map(map_)
    if (alignment.rows_a, alignment.rows_b) != (rows_a, rows_b):
        raise ValueError("a change set names a row map of other tables")
    changed = {place: np.cumsum(steps) for place, steps in zip(told, numbers[own:], strict=True)}
    for rows in changed.values():
        if len(rows) and (rows[-1] >= rows_b or (np.diff(rows) <= 0).any() or (alignment.partners(rows) < 0).any()):
            raise ValueError("a change set names rows that are not there")
    return ChangeSet(alignment, _BY[by], changed)
