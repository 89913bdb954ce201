"""Applying a change to the older version: what did not change comes from the frame at hand, the rest from the store."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.frames.columns import chunk_column
from lineageflow_jupyter.frames.content import ColumnContent, FrameContent
from lineageflow_jupyter.frames.convert import from_content, library_of_body, to_content
from lineageflow_jupyter.frames.normalise import normalise, used_dictionary
from lineageflow_jupyter.model.schema import SchemaChange
from lineageflow_jupyter.model.types import LogicalType
from lineageflow_jupyter.versions import Version


def applied(frame: Any, old: Version, new: Version, schema: SchemaChange, changes: ChangeSet) -> Any:
    """Frame of the newer version, made of a frame of the older one.

    Parameters
    ----------
    frame : frame
        Holds the values of `old`, in any library and described in any way. It stays as it is.
    old, new : Version
        The versions.
    schema : SchemaChange
        How their columns belong together.
    changes : ChangeSet
        Which rows and cells differ.

    Returns
    -------
    frame
        With the ids of `new`, of the library that it was committed with.

    Raises
    ------
    UsageProblem
        If the frame does not hold the values of `old`; says what differs.
    """
    content = to_content(frame)
    _check(content, old)
    origins = {place: origin for origin, place in schema.common}
    every = np.arange(new.table.rows)
    columns = []
    for place, column in enumerate(new.table.columns):
        origin = origins.get(place)
        if origin is None or not _joins(new.columns[place].type):
            (array,) = new.take([place], every)
        else:
            array = _mixed(normalise(content.columns[origin].array), new, place, changes)
        columns.append(ColumnContent(column.name, column.role, array))
    numbers = range(len(new.body[2]))
    companions = tuple(new.companions(numbers)) if numbers else ()
    whole = FrameContent(new.table.rows, tuple(columns), companions, new.body)
    return from_content(whole, engine=library_of_body(new.body))


def _check(content: FrameContent, old: Version) -> None:
    """Refuse a frame of other values."""
    found = [(column.role, column.name) for column in content.columns]
    expected = [(column.role, column.name) for column in old.table.columns]
    if content.rows != old.table.rows:
        raise _other(old, f"{old.table.rows:,} rows were expected, {content.rows:,} found")
    for one, other in zip(found, expected, strict=False):
        if one != other:
            raise _other(old, f"{_said(other)} was expected, {_said(one)} found")
    if len(found) != len(expected):
        raise _other(old, f"{len(expected):,} columns and index levels were expected, {len(found):,} found")
    for column, stored in zip(content.columns, old.columns, strict=True):
        if chunk_column(column.array, stored).column != stored:
            raise _other(old, f"{_said((column.role, column.name))} holds other values")


def _said(column: tuple[str, str]) -> str:
    return f"{'index level' if column[0] == 'index' else 'column'} {column[1]!r}"


def _other(old: Version, why: str) -> UsageProblem:
    return UsageProblem(
        f"the frame is not the version of {old.entry.dataset!r} that the diff starts from: {why}",
        remedy="Pass the frame of the older version, as repo.read gives it",
    )


def _joins(kind: LogicalType) -> bool:
    """Whether values of two versions can be put together; not where dictionaries lie inside others."""
    return not any(child.name == "dictionary" or not _joins(child) for _, child in kind.fields)


def _mixed(own: Any, new: Version, place: int, changes: ChangeSet) -> Any:
    """A column of the newer version: unchanged values of `own`, others from there."""
    indices = changes.alignment.sources()
    given = indices < 0
    given[changes.changed.get(place, [])] = True
    rows = np.flatnonzero(given)
    if len(rows) == len(indices):
        return new.take([place], rows)[0]
    indices[rows] = len(own) + np.arange(len(rows))
    if len(rows):
        (other,) = new.take([place], rows)
        own = normalise(pa.chunked_array([own, other]))
    return used_dictionary(own.take(pa.array(indices)))  # the newer version may lack categories of the older one
