"""Frames of pandas, polars and Arrow as Arrow columns with a description, and back, exactly.

The description's body is nested lists of None, bool, int, float, str and bytes::

    [version, library, companions, payload]

    version     1
    library     "pandas", "polars" or "arrow"
    companions  [[aligned, position]…], one for each companion: whether its rows are the table's rows, and the position
                of the column that needs it among all columns, index levels first (-1: needed with any column)
    payload     described in ``pandas_frames``, ``polars_frames`` and ``arrow_frames``

A frame may be read by another library than wrote it. Values are never changed silently:

- pandas read by polars or Arrow: index levels become ordinary columns, a RangeIndex none; categoricals of text become
  Categorical (their order and categories stay in Arrow), other categoricals their values; periods become the time of
  their start; intervals a struct of left and right; complex numbers a struct; fixed offsets become UTC in polars.
- polars or Arrow read by pandas: the dtypes that this pandas gives by itself, except that integers and booleans with
  nulls become ``Int64`` … ``boolean`` instead of floats or objects. Enums become ordered categoricals; dates, times
  of day, decimals, lists and structs become Python objects. An index that pandas once wrote into Arrow metadata is not
  restored.
- A name that occurs twice gets a number in polars, which has no such frames: ``x``, ``x_1``.

Reading never runs code from a body: nothing is unpickled or evaluated, and classes are chosen from fixed lists.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lineageflow_jupyter.errors import NewerFormat, UnsupportedData, UsageProblem
from lineageflow_jupyter.frames.content import (
    EVERY_COLUMN,
    ColumnContent,
    Encoded,
    FrameContent,
    damaged,
    reading,
    shown,
)

__all__ = [
    "BODY_VERSION", "ColumnContent", "FrameContent", "companions_for", "frame_of_table", "from_content", "is_frame",
    "library_of_body", "row_aligned", "to_content",
]  # fmt: skip

BODY_VERSION = 1
ENGINES = ("pandas", "polars", "arrow")


def is_frame(value: object) -> bool:
    """Whether `to_content` takes a value: a frame or series of pandas or polars, an Arrow table or record batch.

    No library is imported that is not in use already.
    """
    return library_of(value) is not None


def library_of(value: object) -> str | None:
    """Name of the library whose frame a value is, or None."""
    for library, module, names in (
        ("pandas", "pandas", ("DataFrame", "Series")),
        ("polars", "polars", ("DataFrame", "Series")),
        ("arrow", "pyarrow", ("Table", "RecordBatch")),
    ):
        loaded = sys.modules.get(module)
        kinds = tuple(getattr(loaded, name) for name in names if hasattr(loaded, name))
        if kinds and isinstance(value, kinds):
            return library
    return None


def library_of_body(body: Encoded) -> str:
    """Name of the library whose frame a description's body is of."""
    return _parts(body)[0]


def to_content(frame: Any) -> FrameContent:
    """Take a frame apart; every value is checked, nothing is written.

    Parameters
    ----------
    frame : pandas, polars or pyarrow object
        A DataFrame, Series, Table or RecordBatch.

    Returns
    -------
    FrameContent
        Arrays lie on the frame's own memory where the layout allows.

    Raises
    ------
    UnsupportedData
        If something could not come back exactly: names column, first bad row, value and remedy.

    Examples
    --------
    >>> import pandas as pd
    >>> content = to_content(pd.DataFrame({"x": [1, 2]}))
    >>> content.columns[0].name, content.columns[0].array.type
    ('x', DataType(int64))
    """
    library = library_of(frame)
    if library == "pandas":
        from lineageflow_jupyter.frames.pandas_frames import encode_pandas

        return encode_pandas(frame, BODY_VERSION)
    if library == "polars":
        from lineageflow_jupyter.frames.polars_frames import encode_polars

        return encode_polars(frame, BODY_VERSION)
    if library == "arrow":
        from lineageflow_jupyter.frames.arrow_frames import encode_arrow

        return encode_arrow(frame, BODY_VERSION)
    raise UnsupportedData(
        f"{shown(frame)} is of the class {type(frame).__module__}.{type(frame).__qualname__}, not a frame",
        remedy="Pass a pandas or polars DataFrame or Series, or a pyarrow Table or RecordBatch",
    )


def from_content(
    content: FrameContent,
    *,
    engine: str = "pandas",
    positions: Sequence[int] | None = None,
    row_start: int = 0,
) -> Any:
    """Put a frame together again.

    Parameters
    ----------
    content : FrameContent
        Normalised arrays on memory that nobody else uses (numbers and times of a pandas frame are put on that very
        memory), and the stored body.
    engine : {"pandas", "polars", "arrow"}, default "pandas"
        Library of the result. The one that wrote the frame gives it back exactly.
    positions : sequence of int, optional
        Which columns of the table `content` holds, counted from 0 over index levels and data columns; default all.
        Without index levels, rows are numbered.
    row_start : int, default 0
        Number of the first row of `content` among all rows of the table.

    Returns
    -------
    pandas, polars or pyarrow object
        A series stays a series and a record batch a record batch where the engine is the library that wrote it.

    Raises
    ------
    CorruptData
        If body and columns do not fit together.
    NewerFormat
        If a later version of LineageFlow wrote the body.
    NotAvailable
        If this machine lacks a time zone or library that the frame needs.
    UnsupportedData
        If the engine has no type for a column that another library wrote.
    """
    if engine not in ENGINES:
        raise UsageProblem(f"the engine {shown(engine)} is unknown", remedy="Use 'pandas', 'polars' or 'arrow'")
    library, _, payload = _parts(content.body)
    places = range(len(content.columns)) if positions is None else positions
    if len(places) != len(content.columns):
        raise UsageProblem(f"{len(places)} positions for {len(content.columns)} columns", remedy="Pass one for each")
    if library == engine:
        return _own(library, content, payload, places, row_start)
    return frame_of_table(_table(library, content, payload, places), engine, row_start)


def _own(library: str, content: FrameContent, payload: Encoded, places: Sequence[int], row_start: int) -> Any:
    if library == "pandas":
        from lineageflow_jupyter.frames.pandas_frames import decode_pandas

        return decode_pandas(content, payload, places, row_start)
    if library == "polars":
        from lineageflow_jupyter.frames.polars_frames import decode_polars

        return decode_polars(content, payload, places)
    from lineageflow_jupyter.frames.arrow_frames import decode_arrow

    return decode_arrow(content, payload, places)


def _table(library: str, content: FrameContent, payload: Encoded, places: Sequence[int]) -> Any:
    """Arrow table of a frame, for another library."""
    from lineageflow_jupyter.frames.arrow_frames import decode_arrow, table_of

    if library == "arrow":
        import pyarrow as pa

        table = decode_arrow(content, payload, places)
        return table if isinstance(table, pa.Table) else pa.Table.from_batches([table])
    if library == "pandas":
        from lineageflow_jupyter.frames import pandas_frames as frames
    else:
        from lineageflow_jupyter.frames import polars_frames as frames  # type: ignore[no-redef]
    return table_of(frames.described_columns(content, payload, places), content.rows)


def frame_of_table(table: Any, engine: str, row_start: int = 0) -> Any:
    """Frame of an Arrow table that no frame was; rows are numbered from `row_start`.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    engine : {"pandas", "polars", "arrow"}
        Library of the frame.
    row_start : int
        Label of the first row in pandas.
    """
    if engine == "arrow":
        return table
    if engine == "polars":
        from lineageflow_jupyter.frames.polars_frames import polars_from_table

        return polars_from_table(table)
    from lineageflow_jupyter.frames.pandas_frames import pandas_from_table

    return pandas_from_table(table, row_start)


def row_aligned(body: Encoded) -> frozenset[int]:
    """Numbers of the companions whose rows are the table's rows: whoever cuts out rows must cut these as well."""
    _, owners, _ = _parts(body)
    return frozenset(number for number, (aligned, _) in enumerate(owners) if aligned)


def companions_for(body: Encoded, positions: Sequence[int]) -> frozenset[int]:
    """Numbers of the companions that the columns at some positions need; the others may be None in the content."""
    _, owners, _ = _parts(body)
    wanted = {EVERY_COLUMN, *positions}
    return frozenset(number for number, (_, position) in enumerate(owners) if position in wanted)


def _parts(body: Encoded) -> tuple[str, list[Any], Encoded]:
    with reading():
        version, *rest = body
        if type(version) is int and version > BODY_VERSION:
            raise NewerFormat(
                f"the frame description has version {version}, this LineageFlow reads up to {BODY_VERSION}",
                remedy="Update LineageFlow: pip install -U lineageflow-jupyter",
            )
        library, owners, payload = rest
        if version != BODY_VERSION or library not in ENGINES:
            raise damaged(f"version {shown(version)} of {shown(library)}")
        owners = [[bool(aligned), int(position)] for aligned, position in owners]
        return library, owners, payload
