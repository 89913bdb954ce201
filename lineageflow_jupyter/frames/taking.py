"""Frames of some rows or columns of a version, wherever they stood: with the labels and dtypes that they had there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.frames.content import ColumnContent, Encoded, FrameContent
from lineageflow_jupyter.frames.convert import BODY_VERSION, from_content
from lineageflow_jupyter.frames.row_labels import label_range

Rows = np.ndarray[Any, Any]
"""Row numbers, int64."""


def frame_of_rows(content: FrameContent, rows: Rows, *, engine: str, positions: Sequence[int]) -> Any:
    """Frame of some rows of a version.

    Parameters
    ----------
    content : FrameContent
        Its columns and companions at these rows, on memory that nobody else uses, and its body. Index levels come
        first.
    rows : numpy.ndarray of int64
        The places of the rows in the version, in any order.
    engine : {"pandas", "polars", "arrow"}
        Library of the frame.
    positions : sequence of int
        Which columns of the version's table `content` holds, as for `convert.from_content`.

    Returns
    -------
    pandas, polars or pyarrow object
        In pandas, rows of a numbered index keep their labels, in a plain index of int64. A series whose column is left
        out is a frame.
    """
    if all(column.role == "index" for column in content.columns):
        content = as_frame(content)
    frame = from_content(content, engine=engine, positions=positions)
    if engine == "pandas" and not any(column.role == "index" for column in content.columns):
        import pandas as pd

        start, step = label_range(content.body) or (0, 1)
        frame.index = pd.Index(start + step * rows, dtype="int64", name=frame.index.name)
    return frame


def loose_columns(content: FrameContent, *, engine: str, positions: Sequence[int]) -> Any:
    """Frame of some columns of a version alone, index levels being columns as others, with exact dtypes.

    Parameters
    ----------
    content, engine, positions
        As for `frame_of_rows`.

    Returns
    -------
    pandas, polars or pyarrow object
        Rows are numbered from 0. Columns are to be told by their places: names may occur twice.
    """
    columns = tuple(replace(column, role="data") for column in content.columns)
    body = _without_labels(content.body)
    return from_content(replace(content, columns=columns, body=body), engine=engine, positions=positions)


def plain_columns(columns: Sequence[tuple[str, Any]], rows: int, *, engine: str) -> Any:
    """Frame of arrays that belong to no version, with the dtypes that the library gives by itself.

    Parameters
    ----------
    columns : sequence of (str, pyarrow.Array)
        Names and values, on memory that nobody else uses.
    rows : int
        Number of rows.
    engine : {"pandas", "polars", "arrow"}
        Library of the frame.
    """
    contents = tuple(ColumnContent(name, "data", array) for name, array in columns)
    body = [BODY_VERSION, "arrow", [], ["table", [], [], [], []]]
    return from_content(FrameContent(rows, contents, (), body), engine=engine)


def beside(names: Sequence[str], frames: Sequence[Any], *, engine: str) -> Any:
    """One frame of the columns of several, under other names.

    Parameters
    ----------
    names : sequence of str
        Names of all columns, each once.
    frames : sequence of frames
        Of the library `engine`, with as many rows each; in pandas their rows are numbered from 0.
    engine : {"pandas", "polars", "arrow"}
        The library.
    """
    if engine == "arrow":
        return pa.Table.from_arrays([column for frame in frames for column in frame.columns], list(names))
    if engine == "polars":
        import polars as pl

        columns = [column for frame in frames for column in frame.get_columns()]
        return pl.DataFrame([column.alias(name) for name, column in zip(names, columns, strict=True)])
    import pandas as pd

    frame = pd.concat(frames, axis=1)
    frame.columns = pd.Index(list(names))
    return frame


def replaced(frame: Any, columns: Mapping[int, Any], *, engine: str) -> Any:
    """The frame with other values in some columns; their names stay.

    Parameters
    ----------
    frame : frame
        Of the library `engine`; nobody else uses it.
    columns : mapping of int to pyarrow.Array
        Values, by the place of the column.
    engine : {"pandas", "polars", "arrow"}
        The library.
    """
    for place, array in columns.items():
        if engine == "pandas":
            frame.isetitem(place, array.to_numpy(zero_copy_only=False))
        elif engine == "polars":
            import polars as pl

            frame = frame.with_columns(pl.Series(frame.columns[place], array))
        else:
            frame = frame.set_column(place, frame.schema.names[place], array)
    return frame


def as_frame(content: FrameContent) -> FrameContent:
    """The content, described as a frame where it was a series."""
    return replace(content, body=_as_frame(content.body))


def _as_frame(body: Encoded) -> Encoded:
    """The body of a frame instead of a series."""
    version, library, owners, payload = body
    if payload[0] != "series":
        return body
    if library == "pandas":
        return [version, library, owners, ["frame", payload[1], ["names", None, None], *payload[3:]]]
    return [version, library, owners, ["frame", *payload[1:]]]


def _without_labels(body: Encoded) -> Encoded:
    """The body of a frame of the same columns that has neither labels of rows nor of columns nor attributes."""
    version, library, owners, payload = body
    if library == "pandas":
        plain = ["frame", ["range", 0, 1, None], ["names", None, None], payload[3], None, True]
    elif library == "polars":
        plain = ["frame", *payload[1:]]
    else:
        plain = ["table", payload[1], [], [], []]
    return [version, library, owners, plain]
