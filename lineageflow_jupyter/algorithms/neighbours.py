"""Rows that were edited where others were inserted or removed: paired in order by how many values they share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.algorithms.alignment import Rows

Cells = npt.NDArray[np.uint64]
"""One word a cell, shape (rows, columns)."""

LARGEST_GAP = 4_000_000
"""Up to so many pairs of rows of one gap are compared."""


def similar_pairs(cells_a: Cells, cells_b: Cells, gaps_a: Rows, gaps_b: Rows) -> tuple[Rows, Rows]:
    """Pair rows of the same gap in order, so that as many cells as possible are equal.

    Rows are only paired if at least half of their cells, and at least one, are equal. The pairs are those of a longest
    common subsequence weighted by equal cells (Needleman and Wunsch 1970).

    Parameters
    ----------
    cells_a, cells_b : numpy.ndarray of uint64, shape (rows, columns)
        Words of the cells.
    gaps_a, gaps_b : numpy.ndarray of int64, shape (rows,)
        Gap of each row.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Places of the rows on both sides.
    """
    found: list[tuple[Rows, Rows]] = []
    for gap in np.intersect1d(gaps_a, gaps_b):
        places_a, places_b = np.flatnonzero(gaps_a == gap), np.flatnonzero(gaps_b == gap)
        if len(places_a) * len(places_b) <= LARGEST_GAP:
            at_a, at_b = _pairs(cells_a[places_a], cells_b[places_b])
            found.append((places_a[at_a], places_b[at_b]))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    a, b = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return a, b


def _pairs(cells_a: Cells, cells_b: Cells) -> tuple[Rows, Rows]:
    shared = _shared(cells_a, cells_b)
    shared[shared * 2 < cells_a.shape[1]] = 0
    best = np.zeros((len(cells_a) + 1, len(cells_b) + 1), np.int32)
    for row in range(len(cells_a)):  # a row at a time: the running maximum is what lies to the left
        paired = np.where(shared[row] > 0, best[row, :-1] + shared[row], 0)
        best[row + 1, 1:] = np.maximum.accumulate(np.maximum(best[row, 1:], paired))
    a, b = len(cells_a), len(cells_b)
    out: list[tuple[int, int]] = []
    while a and b:
        if best[a, b] == best[a - 1, b]:
            a -= 1
        elif best[a, b] == best[a, b - 1]:
            b -= 1
        else:
            a, b = a - 1, b - 1
            out.append((a, b))
    pairs = np.array(out[::-1], np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _shared(cells_a: Cells, cells_b: Cells) -> Any:
    """Equal cells of each row of one side with each of the other."""
    counts = np.zeros((len(cells_a), len(cells_b)), np.int32)
    for column in range(cells_a.shape[1]):
        counts += cells_a[:, column, None] == cells_b[None, :, column]
    return counts
