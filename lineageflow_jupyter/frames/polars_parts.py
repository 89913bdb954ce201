"""polars frames as `replacing.Parts`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.polars_frames import HAS_CATEGORIES, is_series


class PolarsParts:
    """A DataFrame or Series."""

    def __init__(self, frame: Any) -> None:
        self.single = is_series(frame)
        self.rows = len(frame)
        self._columns: list[pl.Series] = [frame] if self.single else frame.get_columns()
        self.labels: Sequence[Any] = [column.name for column in self._columns]

    def dtype(self, position: int) -> Any:
        """Dtype of a column."""
        return self._columns[position].dtype

    def column(self, position: int) -> Any:
        """One column as a Series."""
        return self._columns[position]

    def same_labels(self, other: PolarsParts) -> bool:
        """Whether both have the same names in the same order."""
        return self.labels == other.labels

    def unlike(self, other: PolarsParts) -> str:
        """Rows have no labels."""
        return ""

    def named(self, name: str) -> list[Any]:
        """Arrow array of the column of that name."""
        return [to_content(column).columns[0].array for column in self._columns if column.name == name]

    def moved(self, column: Any, sources: np.ndarray[Any, Any]) -> Any:
        """Rows of a column of another version."""
        if len(sources) == len(column) and (sources == np.arange(len(column))).all():
            return column  # also because polars before 1.32 panics where it gathers none of some types
        return column.gather(sources)

    def mixed(self, own: Any, column: Any, targets: np.ndarray[Any, Any], sources: np.ndarray[Any, Any]) -> Any:
        """A column of this frame with other values in some rows."""
        if not HAS_CATEGORIES and own.dtype != pl.Categorical and "Categorical" in str(own.dtype):
            raise UnsupportedData("polars before 1.32 confuses categories inside other values", remedy="Update polars")
        rows = np.arange(self.rows)
        rows[targets] = self.rows + sources
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pl.exceptions.CategoricalRemappingWarning)  # meant, and as quick as can be
            return pl.concat([own, column.alias(own.name)]).gather(rows)

    def rebuilt(self, columns: Sequence[tuple[int | None, int | None, Any]], other: PolarsParts) -> Any:
        """A frame like this one of other columns."""
        named = [
            values.alias(self.labels[live] if live is not None else other.labels[origin or 0])
            for live, origin, values in columns
        ]
        return named[0] if self.single else pl.DataFrame(named)
