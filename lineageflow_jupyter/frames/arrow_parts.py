"""Arrow tables and record batches as `replacing.Parts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.frames.content import contiguous
from lineageflow_jupyter.frames.convert import to_content


class ArrowParts:
    """A Table or RecordBatch."""

    single = False

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self.rows: int = frame.num_rows
        self.labels: Sequence[Any] = list(frame.schema.names)

    def dtype(self, position: int) -> Any:
        """Type of a column."""
        return self._frame.schema.field(position).type

    def field(self, position: int) -> Any:
        """Name, type, nullability and metadata of a column."""
        return self._frame.schema.field(position)

    def column(self, position: int) -> Any:
        """One column as a chunked array."""
        column = self._frame.column(position)
        return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])

    def same_labels(self, other: ArrowParts) -> bool:
        """Whether both have the same names in the same order."""
        return self.labels == other.labels

    def unlike(self, other: ArrowParts) -> str:
        """Rows have no labels."""
        return ""

    def named(self, name: str) -> list[Any]:
        """Arrow arrays of the columns of that name."""
        found = [self.column(place) for place, label in enumerate(self.labels) if label == name]
        return [to_content(pa.table({"": column})).columns[0].array for column in found]

    def moved(self, column: Any, sources: np.ndarray[Any, Any]) -> Any:
        """Rows of a column of another version."""
        return _rows(column, sources)

    def mixed(self, own: Any, column: Any, targets: np.ndarray[Any, Any], sources: np.ndarray[Any, Any]) -> Any:
        """A column of this frame with other values in some rows."""
        joined = pa.chunked_array([*own.chunks, *column.chunks], own.type)
        if len(targets) and int(targets[-1]) - int(targets[0]) + 1 == len(targets):
            values = _rows(column, sources)  # one range: no row moves, and every type can be cut
            first, stop = int(targets[0]), int(targets[-1]) + 1
            parts = [own.slice(0, first), values, own.slice(stop)]
            return pa.chunked_array([chunk for part in parts for chunk in part.chunks], own.type)
        rows = np.arange(self.rows)
        rows[targets] = self.rows + sources
        return _rows(joined, rows)

    def rebuilt(self, columns: Sequence[tuple[int | None, int | None, Any]], other: ArrowParts) -> Any:
        """A frame like this one of other columns."""
        if not columns:
            return self._frame
        fields = [self._field(live, origin, values, other) for live, origin, values in columns]
        schema = pa.schema(fields, self._frame.schema.metadata)
        arrays = [values for _, _, values in columns]
        if isinstance(self._frame, pa.RecordBatch):
            return pa.RecordBatch.from_arrays([contiguous(array) for array in arrays], schema=schema)
        return pa.Table.from_arrays(arrays, schema=schema)

    def _field(self, live: int | None, origin: int | None, values: Any, other: ArrowParts) -> Any:
        """The live frame's field, with the type of the values, that may be null where one of the versions may."""
        fields = [self.field(live)] if live is not None else []
        fields += [other.field(origin)] if origin is not None else []
        return fields[0].with_type(values.type).with_nullable(any(field.nullable for field in fields))


def _rows(column: Any, rows: np.ndarray[Any, Any]) -> Any:
    if len(rows) == 0:
        return column.slice(0, 0)
    first = int(rows[0])
    if (rows == np.arange(first, first + len(rows))).all():
        return column.slice(first, len(rows))
    unified = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column
    return unified.take(pa.array(rows))
