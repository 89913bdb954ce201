"""Alignments as bytes: row maps, and the runs of change sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows

Numbers = npt.NDArray[np.unsignedinteger[Any]]
"""Unsigned integers."""

BUFFERS = 3
"""Buffers of the runs of an alignment."""
_LARGEST = 1 << 62


def narrowed(numbers: Rows) -> Numbers:
    """Numbers from 0 on, in as few bytes each as the largest needs."""
    largest = int(numbers.max(initial=0))
    width = next(width for width in (1, 2, 4, 8) if largest < 1 << 8 * width)
    return numbers.astype(f"<u{width}")


def widened(buffers: Sequence[Any], widths: Sequence[int]) -> list[Rows]:
    """Inverse of `narrowed`, of several buffers of bytes.

    Raises
    ------
    ValueError, TypeError
        If a buffer holds no such numbers.
    """
    if any(width not in (1, 2, 4, 8) for width in widths):
        raise ValueError(f"numbers of {widths} bytes")
    numbers = [np.frombuffer(data, f"<u{width}").astype(np.int64) for data, width in zip(buffers, widths, strict=True)]
    if any(part.min(initial=0) < 0 or part.max(initial=0) >= _LARGEST for part in numbers):
        raise ValueError("numbers that are no rows")
    return numbers


def encode_runs(alignment: Alignment) -> list[Numbers]:
    """Runs as three buffers: gaps in B before each, where it begins in A after the last one's end (zigzag), lengths."""
    jumps = _after_the_last(alignment.a, alignment.length).astype(np.int64)
    signs = jumps >> 63
    jumps <<= 1
    jumps ^= signs
    told = narrowed(jumps)
    del jumps, signs
    return [narrowed(_after_the_last(alignment.b, alignment.length)), told, narrowed(alignment.length)]


def _after_the_last(starts: Rows, length: Rows) -> Rows:
    """How far after the end of the run before it each run begins."""
    steps = starts.copy()
    steps[1:] -= starts[:-1]
    steps[1:] -= length[:-1]
    return steps


def decode_runs(rows_a: int, rows_b: int, numbers: Sequence[Rows]) -> Alignment:
    """Inverse of `encode_runs`, from widened buffers.

    Raises
    ------
    ValueError
        If the numbers are no runs of such tables.
    """
    gaps, jumps, length = numbers
    if type(rows_a) is not int or type(rows_b) is not int or not (0 <= rows_a < _LARGEST and 0 <= rows_b < _LARGEST):
        raise ValueError("tables have other numbers of rows")
    if rows_a == rows_b and [part.tolist() for part in numbers if len(part) == 1] == [[0], [0], [rows_b]]:
        return Alignment.identity(rows_b)  # most of all, and so not checked at length
    ends = np.cumsum(gaps + length)
    a = np.cumsum((jumps >> 1 ^ -(jumps & 1)) + length) - length
    # A sum that leaves 64 bits is negative at first: each of its parts is below 2**62.
    if len(ends) and (ends.min() < 0 or int(ends[-1]) > rows_b or a.min() < 0 or (a > rows_a - length).any()):
        raise ValueError("runs leave their tables")
    return Alignment.from_columns(rows_a, rows_b, a, ends - length, length)
