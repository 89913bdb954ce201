"""Putting a frame together from columns and rows of several versions of a dataset, with the dtypes of its library.

A column is gathered from pieces: one after the other they are one long column, of which rows are taken. The first piece
says which dtype the result has; what comes from other pieces must fit into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.content import shown
from lineageflow_jupyter.frames.convert import library_of

Rows = np.ndarray[Any, Any]


class Misfit(Exception):
    """A value that does not fit into the dtype of its column.

    Parameters
    ----------
    why : str
        What was expected and found.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Label:
    """Whose label a column bears: that of a version, by its position among that one's data columns or index levels."""

    version: int
    position: int


class Gatherer(Protocol):
    """Takes frames of one library apart and puts one together. The first version is the one whose frame it is like."""

    def column(self, version: int, position: int) -> Any:
        """Return a data column of a version."""

    def level(self, version: int, position: int) -> Any:
        """Return an index level of a version."""

    def dtype(self, column: Any) -> Any:
        """Return the dtype of a column."""

    def gathered(self, pieces: Sequence[Any], rows: Rows) -> Any:
        """Return rows of some pieces, one after the other; -1 stands for a missing value.

        Raises
        ------
        Misfit
            If a value does not fit into the dtype of the first piece.
        """

    def piece(self, values: Sequence[Any], like: Any) -> Any:
        """Return a column of the dtype of another one, of Python values.

        Raises
        ------
        Misfit
            If one does not fit.
        """

    def objects(self, column: Any) -> list[Any]:
        """Return the values of a column as Python objects."""

    def counted(self, version: int, rows: Rows) -> Any:
        """Return labels of a version that are only counted, as a column."""

    def coded(self, codes: Rows, values: Any) -> Any:
        """Return a frame of two columns: ``code``, and ``value`` with its dtype."""

    def frame(self, columns: Sequence[tuple[Label, Any]], levels: Sequence[tuple[Label, Any]] | None, rows: int) -> Any:
        """Return the frame of some columns.

        Parameters
        ----------
        columns : sequence of (Label, column)
            Its data columns.
        levels : sequence of (Label, column) or None
            Its index levels; empty: rows are numbered. None: the index is that of the first version.
        rows : int
            Its number of rows.
        """


def gatherer(versions: Sequence[Any]) -> Gatherer:
    """Gatherer for frames of one library, of which all but the first may lack rows."""
    library = library_of(versions[0])
    if library == "pandas":
        from lineageflow_jupyter.frames.pandas_gathering import PandasGatherer

        return PandasGatherer(versions)
    if library == "polars":
        from lineageflow_jupyter.frames.polars_gathering import PolarsGatherer

        return PolarsGatherer(versions)
    from lineageflow_jupyter.frames.arrow_gathering import ArrowGatherer

    return ArrowGatherer(versions)


def object_frame(columns: dict[str, list[Any]], integers: Sequence[str]) -> Any:
    """Pandas frame of Python objects; some columns are integers of which some may be missing."""
    import pandas as pd

    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    return frame.astype(dict.fromkeys(integers, "Int64"))


def first_misfit(values: Sequence[Any], found: Sequence[Any], kind: object) -> Misfit | None:
    """Error for the first value that is another one after it was converted."""
    for number, (value, other) in enumerate(zip(values, found, strict=True)):
        if is_missing(value) and is_missing(other):
            continue
        if is_missing(value) or is_missing(other) or not _same(value, other):
            return Misfit(f"value {number}, {shown(value)}, does not fit into {kind}")
    return None


def _same(value: Any, other: Any) -> bool:
    try:
        return bool(np.all(value == other)) and isinstance(value, str) == isinstance(other, str)
    except (TypeError, ValueError):
        return False


def is_missing(value: Any) -> bool:
    """Whether a Python value stands for none: None, NaN, NaT, pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA is neither, and arrays have several answers
        return type(value).__name__ == "NAType"


def wrong_length(found: int, wanted: int) -> UsageProblem:
    """Error for a resolver's answer of another length."""
    return UsageProblem(
        f"{wanted:,} values were expected, {found:,} found", remedy="Give one for each conflict, in their order"
    )
