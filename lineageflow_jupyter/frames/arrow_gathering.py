"""Arrow tables and record batches as `gathering.Gatherer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.frames.arrow_frames import empty_batch
from lineageflow_jupyter.frames.content import contiguous
from lineageflow_jupyter.frames.gathering import Label, Misfit, Rows


class ArrowGatherer:
    """Tables or record batches; they have no index."""

    def __init__(self, versions: Sequence[Any]) -> None:
        self._versions = versions

    def column(self, version: int, position: int) -> Any:
        """Return a data column as a chunked array."""
        column = self._versions[version].column(position)
        return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])

    def level(self, version: int, position: int) -> Any:
        """Return an index level of a version that was read by Arrow: it is a column like others."""
        raise LookupError(f"Arrow has no index level {position}")

    def dtype(self, column: Any) -> Any:
        """Return the type of a column."""
        return column.type

    def gathered(self, pieces: Sequence[Any], rows: Rows) -> Any:
        """Return rows of some pieces."""
        kind = pieces[0].type
        parts = [piece if piece.type == kind else _converted(piece, kind) for piece in pieces]
        joined = pa.chunked_array([chunk for part in parts for chunk in part.chunks], kind)
        if pa.types.is_dictionary(kind):
            joined = joined.unify_dictionaries()
        at: Any = pa.array(rows.astype(np.int64), mask=rows < 0)
        return joined.take(at)

    def piece(self, values: Sequence[Any], like: Any) -> Any:
        """Return a column of the type of another one, of Python values."""
        try:
            if pa.types.is_dictionary(like.type):
                plain = pa.array(list(values), like.type.value_type)
                return pa.chunked_array([plain.dictionary_encode().cast(like.type)])
            return pa.chunked_array([pa.array(list(values), like.type)])
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise Misfit(f"a value does not fit into {like.type} ({error})") from error

    def objects(self, column: Any) -> list[Any]:
        """Return the values of a column as Python objects."""
        return list(column.to_pylist())

    def counted(self, version: int, rows: Rows) -> Any:
        """Return row numbers, as a column."""
        return pa.chunked_array([pa.array(rows.astype(np.int64))])

    def coded(self, codes: Rows, values: Any) -> Any:
        """Return a frame of codes and values."""
        return pa.table({"code": pa.array(codes), "value": values})

    def frame(self, columns: Sequence[tuple[Label, Any]], levels: Sequence[tuple[Label, Any]] | None, rows: int) -> Any:
        """Return the frame of some columns."""
        like = self._versions[0]
        fields = []
        for label, values in columns:
            field = self._versions[label.version].schema.field(label.position)
            fields.append(field.with_type(values.type).with_nullable(field.nullable or values.null_count > 0))
        schema = pa.schema(fields, like.schema.metadata)
        if not columns:
            batch = empty_batch(rows, schema.metadata)
            return batch if isinstance(like, pa.RecordBatch) else pa.Table.from_batches([batch])
        if isinstance(like, pa.RecordBatch):
            return pa.RecordBatch.from_arrays([contiguous(values) for _, values in columns], schema=schema)
        return pa.Table.from_arrays([values for _, values in columns], schema=schema)


def _converted(piece: Any, kind: Any) -> Any:
    try:
        return piece.cast(kind, safe=True)
    except pa.ArrowException as error:
        raise Misfit(f"{piece.type} does not fit into {kind} ({error})") from error
