"""pandas frames as `replacing.Parts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.content import Companions, shown
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.pandas_frames import WIDE, check_class
from lineageflow_jupyter.frames.pandas_index import encode_rows, label_text


class PandasParts:
    """A DataFrame or Series."""

    def __init__(self, frame: Any) -> None:
        check_class(frame)
        self._frame = frame
        self.single = isinstance(frame, pd.Series)
        self.rows = len(frame)
        self.labels: Sequence[Any] = [frame.name] if self.single else frame.columns.tolist()

    @property
    def index(self) -> Any:
        """Labels of the rows."""
        return self._frame.index

    @property
    def columns(self) -> Any:
        """Labels of the columns as an index."""
        return pd.Index([self._frame.name], tupleize_cols=False) if self.single else self._frame.columns

    def dtype(self, position: int) -> Any:
        """Dtype of a column."""
        return self.column(position).dtype

    def column(self, position: int) -> Any:
        """One column as a Series."""
        return self._frame if self.single else self._frame.iloc[:, position]

    def same_labels(self, other: PandasParts) -> bool:
        """Whether both have the same labels in the same order."""
        return bool(self.columns.nlevels == other.columns.nlevels and self.columns.equals(other.columns))

    def unlike(self, other: PandasParts) -> str:
        """Name the first row at which the indexes differ."""
        one, two = self.index, other.index
        if one.equals(two):
            return ""
        if one.nlevels != two.nlevels:
            return f"the index has {one.nlevels} levels in the live frame and {two.nlevels} in the stored version"
        first, stop = 0, len(one)
        while stop - first > 1:  # what lies between them differs
            middle = (first + stop) // 2
            if one[first:middle].equals(two[first:middle]):
                first = middle
            else:
                stop = middle
        labels = [shown(index[first : first + 1].tolist()[0]) for index in (one, two)]
        return f"the label of row {first} is {labels[0]} in the live frame and {labels[1]} in the stored version"

    def named(self, name: str) -> list[Any]:
        """Arrow arrays of the columns and index levels that people call so."""
        found = [self.column(place) for place, label in enumerate(self.labels) if label_text(label, "it") == name]
        if found:
            return [to_content(_bare(column)).columns[0].array for column in found]
        _, levels = encode_rows(self.index, Companions())
        return [array for text, array, _ in levels if text == name]

    def moved(self, column: Any, sources: np.ndarray[Any, Any]) -> Any:
        """Rows of a column of another version, as a column of this frame."""
        if len(sources) == len(column) and (sources == np.arange(len(column))).all():
            return column.set_axis(self.index)
        return _bare(column).take(sources).set_axis(self.index)

    def mixed(self, own: Any, column: Any, targets: np.ndarray[Any, Any], sources: np.ndarray[Any, Any]) -> Any:
        """A column of this frame with other values in some rows."""
        rows = np.arange(self.rows)
        rows[targets] = self.rows + sources
        return pd.concat([_bare(own), _bare(column)], ignore_index=True).take(rows).set_axis(self.index)

    def rebuilt(self, columns: Sequence[tuple[int | None, int | None, Any]], other: PandasParts) -> Any:
        """A frame like this one of other columns."""
        if self.single:
            ((_, _, values),) = columns
            series: Any = values.copy(deep=False)
            series.name, series.attrs = self._frame.name, {}
            return series.__finalize__(self._frame)
        if not columns:
            return self._frame.copy(deep=False)
        parts = {place: values for place, (_, _, values) in enumerate(columns)}
        frame: Any = pd.DataFrame(parts, index=self.index, copy=len(parts) >= WIDE)
        frame.columns = self._labels(columns, other)
        return frame.__finalize__(self._frame)

    def _labels(self, columns: Sequence[tuple[int | None, int | None, Any]], other: PandasParts) -> Any:
        if len(columns) == len(self.labels):
            return self.columns
        if not self.labels:
            return other.columns
        if self.columns.nlevels != other.columns.nlevels:
            levels = (
                f"{self.columns.nlevels} levels in the live frame and {other.columns.nlevels} in the stored version"
            )
            raise UsageProblem(f"column labels have {levels}", remedy="Restore the whole dataset")
        added = [origin for live, origin, _ in columns if live is None]
        places = [len(self.labels) + added.index(origin) if live is None else live for live, origin, _ in columns]
        names = self.columns.names
        labels = self.columns.append(other.columns[added]).take(places)
        # Where they are the same labels, as an index of the same kind, such as a range.
        return (other.columns if labels.equals(other.columns) else labels).set_names(names)


def _bare(column: Any) -> Any:
    """The values as a numbered Series without a name and attributes."""
    return pd.Series(column.array, dtype=column.dtype, copy=False)
