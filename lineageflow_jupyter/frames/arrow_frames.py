"""Arrow tables and record batches as frame contents, and back.

Payload of the body::

    [shape, flavours, required, field metadata, schema metadata]

    shape           "table" or "batch" (comes back as one record batch)
    flavours        [[first, count, flavour]…]: None where the stored type is the type, else as in
                    ``arrow_types.encode_values``
    required        [[first, count, True]…]: columns that are not nullable
    field metadata  [[position, [[key, value]…]]…]
    schema metadata [[key, value]…]

Chunks are joined. A dictionary comes back unified over all chunks, without nulls and repeated values inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.arrow_types import (
    UnsupportedType,
    decode_metadata,
    decode_values,
    encode_metadata,
    encode_values,
    is_default,
)
from lineageflow_jupyter.frames.content import (
    ColumnContent,
    Companions,
    Encoded,
    FrameContent,
    companion,
    contiguous,
    damaged,
    flavours_at,
    reading,
    runs,
    shown,
)

if TYPE_CHECKING:
    from lineageflow_jupyter.frames.capture import Capture, Keep


def encode_arrow(frame: Any, version: int) -> FrameContent:
    """Take an Arrow table or record batch apart.

    Raises
    ------
    UnsupportedData
        Naming the column whose type cannot be stored.
    """
    companions = Companions()
    columns, flavours = [], []
    for position, (field, column) in enumerate(zip(frame.schema, frame.columns, strict=True)):
        array, flavour = _encoded(field, column, position, companions)
        columns.append(ColumnContent(field.name, "data", array))
        flavours.append(flavour)
    body = [version, "arrow", companions.owners, _payload(frame, flavours)]
    return FrameContent(frame.num_rows, tuple(columns), tuple(companions.arrays), body)


def capture_arrow(capture: Capture, keep: Keep, version: int) -> FrameContent:
    """The same of a table whose memory may change meanwhile; see `capture.Capture.content`."""
    from lineageflow_jupyter.frames.capture import kept_companions

    companions = Companions()
    columns, flavours = [], []
    capture.check_head()
    schema = capture.frame().schema
    for number, field in enumerate(schema):
        known = len(companions.arrays)
        values = capture.whole(number)
        array, flavour = _encoded(field, values, number, companions)
        columns.append(ColumnContent(field.name, "data", keep(field.name, "data", iter([array]))))
        flavours.append(flavour)
        kept_companions(companions, known, keep)
        capture.check(number, values)  # it may lie on memory that numpy can write to
    frame = capture.frame()
    body = [version, "arrow", companions.owners, _payload(frame, flavours)]
    return FrameContent(frame.num_rows, tuple(columns), tuple(companions.arrays), body)


def _encoded(field: Any, column: Any, position: int, companions: Companions) -> tuple[Any, Encoded]:
    if is_default(field.type):
        return column, None
    try:
        return encode_values(column, _adder(companions, position))
    except UnsupportedType as error:
        raise UnsupportedData(
            f"column {shown(field.name)}: {error}",
            remedy="Cast the column to a primitive, text, list or struct type first",
        ) from error


def _payload(frame: Any, flavours: Sequence[Encoded]) -> Encoded:
    return [
        "table" if isinstance(frame, pa.Table) else "batch",
        runs(flavours),
        runs([None if field.nullable else True for field in frame.schema]),
        [[i, encode_metadata(field.metadata)] for i, field in enumerate(frame.schema) if field.metadata],
        encode_metadata(frame.schema.metadata),
    ]


def _adder(companions: Companions, position: int) -> Any:
    return lambda array: companions.add(array, position, aligned=False)


def decode_arrow(content: FrameContent, payload: Encoded, positions: Sequence[int]) -> Any:
    """Put an Arrow table or record batch together again.

    Parameters
    ----------
    content : FrameContent
        Stored values and description.
    payload : list
        The body's last part.
    positions : sequence of int
        Positions of the columns among all columns of the table.

    Returns
    -------
    pyarrow.Table or pyarrow.RecordBatch
        With the schema that was stored.
    """
    with reading():
        shape, flavours, required, field_metadata, metadata = payload
        needed = flavours_at(required, positions)
        described = {position: decode_metadata(pairs) for position, pairs in field_metadata}
        arrays, fields = [], []
        for i, (column, flavour) in enumerate(zip(content.columns, flavours_at(flavours, positions), strict=True)):
            array = contiguous(column.array)
            if len(array) != content.rows:
                raise damaged(f"a column has {len(array)} rows instead of {content.rows}")
            if flavour is not None:
                array = decode_values(array, flavour, lambda number: companion(content.companions, number))
            arrays.append(array)
            fields.append(pa.field(column.name, array.type, needed[i] is None, described.get(positions[i])))
        schema = pa.schema(fields, decode_metadata(metadata))
        if shape == "batch":
            joined = [contiguous(array) for array in arrays]
            return (
                pa.RecordBatch.from_arrays(joined, schema=schema)
                if joined
                else empty_batch(content.rows, schema.metadata)
            )
        if shape != "table":
            raise damaged(f"the shape {shown(shape)}")
        if not arrays:
            return pa.Table.from_batches([empty_batch(content.rows, schema.metadata)])
        return pa.Table.from_arrays(arrays, schema=schema)


def table_of(columns: Sequence[tuple[str, Any]], rows: int) -> Any:
    """Table of named arrays; names may occur twice, and there may be rows without columns."""
    if not columns:
        return pa.Table.from_batches([empty_batch(rows)])
    return pa.Table.from_arrays([array for _, array in columns], [name for name, _ in columns])


def empty_batch(rows: int, metadata: Any = None) -> Any:
    """Record batch of so many rows and no columns; a table would forget its rows when it gets metadata."""
    return pa.record_batch([pa.nulls(rows)], ["rows"]).select([]).replace_schema_metadata(metadata)
