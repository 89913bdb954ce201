"""Cause maps: which of the steps between a version and the one before gave each value that is new.

A commit keeps one for each dataset whose frame went through several steps. It never expires, though the data of the
steps may. Format: for each column, runs of rows with one code, as MessagePack and buffers (``docs/format.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Rows
from lineageflow_jupyter.algorithms.row_maps import Numbers, narrowed, widened

BEFORE = 0
"""Code of values that were there before the first step, and of those whose step is not known."""
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class CauseMap:
    """Which step gave each value of a version.

    Parameters
    ----------
    steps : int
        How many steps there are; they count from 1.
    runs : mapping of int to (numpy.ndarray, numpy.ndarray)
        By the place of a column: first rows of runs, rising from 0, and the code of each. Columns that are left out,
        as those of which no step changed anything, are all `BEFORE`.
    """

    steps: int
    runs: Mapping[int, tuple[Rows, Rows]] = field(default_factory=dict)

    @classmethod
    def from_codes(cls, steps: int, codes: Mapping[int, Any]) -> CauseMap:
        """Cause map of a code for each row, by the place of a column."""
        runs = {}
        for place, each in codes.items():
            found = np.asarray(each)
            if found.any():
                starts = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]]))
                runs[place] = (starts, found[starts])
        return cls(steps, runs)

    def of(self, place: int, rows: Rows) -> Rows:
        """Code of the values of a column at some rows.

        Parameters
        ----------
        place : int
            Place of the column.
        rows : numpy.ndarray of int
            Rows, in any order.

        Examples
        --------
        >>> map_ = CauseMap.from_codes(2, {0: [0, 0, 2, 1, 1]})
        >>> map_.of(0, np.array([4, 2, 0])).tolist(), map_.of(1, np.array([3])).tolist()
        ([1, 2, 0], [0])
        """
        if place not in self.runs:
            return np.zeros(len(rows), np.int64)
        starts, codes = self.runs[place]
        return codes[np.searchsorted(starts, rows, side="right") - 1].astype(np.int64)


def only_step(steps: int = 1) -> CauseMap:
    """What a commit with one step needs no map for: all that is new is from it."""
    return _OnlyStep(steps)


class _OnlyStep(CauseMap):
    def of(self, place: int, rows: Rows) -> Rows:
        """Code of the values of a column at some rows: all those that are asked for are new."""
        return np.full(len(rows), self.steps, np.int64)


def encode_causes(map_: CauseMap) -> tuple[list[Any], list[Numbers]]:
    """Header and buffers of a cause map, for storing."""
    buffers: list[Numbers] = []
    for starts, codes in map_.runs.values():
        buffers += [narrowed(np.diff(starts, prepend=0)), narrowed(codes)]
    return [FORMAT, map_.steps, list(map_.runs), [buffer.itemsize for buffer in buffers]], buffers


def decode_causes(header: Any, buffers: Sequence[Any]) -> CauseMap:
    """Inverse of `encode_causes`.

    Raises
    ------
    ValueError, TypeError, LookupError
        If they do not describe a cause map.
    """
    version, steps, places, widths = header
    if version != FORMAT:
        raise ValueError(f"version {version} of a cause map where {FORMAT} was expected")
    if not len(widths) == len(buffers) == 2 * len(places) or type(steps) is not int:
        raise ValueError(f"{len(buffers)} buffers of a cause map of {len(places)} columns")
    numbers = widened([buffers[at] for at in range(len(buffers))], widths)
    runs = {}
    for at, place in enumerate(places):
        starts, codes = np.cumsum(numbers[2 * at]), numbers[2 * at + 1]
        rising = len(starts) and starts[0] == 0 and (np.diff(starts) > 0).all()
        if type(place) is not int or len(starts) != len(codes) or not rising or int(codes.max()) > steps:
            raise ValueError("a cause map names rows or steps that there are not")
        runs[place] = (starts, codes)
    return CauseMap(steps, runs)
