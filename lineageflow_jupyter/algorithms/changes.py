"""How one table became another: which rows are which, and in which columns they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows

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
