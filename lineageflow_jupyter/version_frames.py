"""Frames and texts of some rows and columns of a version, stored or live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineageflow_jupyter.frames.content import ColumnContent, FrameContent
from lineageflow_jupyter.frames.convert import companions_for, row_aligned
from lineageflow_jupyter.frames.taking import as_frame, frame_of_rows, loose_columns, replaced
from lineageflow_jupyter.frames.texts import column_texts
from lineageflow_jupyter.versions import Rows, Version


def content_at(version: Version, places: Sequence[int], rows: Rows) -> FrameContent:
    """Some columns of a version at some rows, with what is needed to make a frame of them.

    Parameters
    ----------
    version : Version
        The version.
    places : sequence of int
        Places of the columns in its table.
    rows : numpy.ndarray of int64
        Its rows, in any order.

    Returns
    -------
    FrameContent
        On memory that nobody else uses.
    """
    needed, aligned = companions_for(version.body, places), row_aligned(version.body)
    companions: dict[int, Any] = dict.fromkeys(range(max(needed, default=-1) + 1))
    for numbers, chosen in ((sorted(needed & aligned), rows), (sorted(needed - aligned), None)):
        if numbers:
            companions.update(zip(numbers, version.companions(numbers, chosen), strict=True))
    columns = tuple(
        ColumnContent(version.table.columns[place].name, version.table.columns[place].role, array)
        for place, array in zip(places, version.take(places, rows), strict=True)
    )
    return FrameContent(len(rows), columns, tuple(companions.values()), version.body)


def rows_at(version: Version, places: Sequence[int], rows: Rows, engine: str) -> Any:
    """Frame of some data columns of a version at some rows, labelled as there; index levels come along.

    Parameters
    ----------
    version, rows
        As for `content_at`.
    places : sequence of int
        Places of the data columns in its table.
    engine : str
        Library of the frame.
    """
    every = [*range(len(version.table.index)), *places]
    return frame_of_rows(content_at(version, every, rows), rows, engine=engine, positions=every)


def labelled_rows(version: Version, places: Sequence[int], rows: Rows, told: Mapping[int, Any], engine: str) -> Any:
    """As `rows_at`, always as a frame, with other values in some columns.

    Parameters
    ----------
    version, places, rows, engine
        As for `rows_at`.
    told : mapping of int to pyarrow.Array
        Values, by the place of the column in the version's table.
    """
    every = [*range(len(version.table.index)), *places]
    content = as_frame(content_at(version, every, rows))
    frame = frame_of_rows(content, rows, engine=engine, positions=every)
    first = 0 if engine == "pandas" else len(version.table.index)
    return replaced(frame, {first + places.index(place): array for place, array in told.items()}, engine=engine)


def columns_at(version: Version, places: Sequence[int], rows: Rows, engine: str) -> Any:
    """Frame of some columns of a version at some rows, without labels; see `taking.loose_columns`."""
    return loose_columns(content_at(version, places, rows), engine=engine, positions=places)


def texts_at(version: Version, places: Sequence[int], rows: Rows) -> list[Any]:
    """Texts of some columns of a version at some rows; see `texts.column_texts`."""
    return column_texts(content_at(version, places, rows), places)
