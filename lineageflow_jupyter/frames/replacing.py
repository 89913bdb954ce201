"""Restoring parts: a live frame in which some columns or rows come from another version of the same dataset.

What a frame of each library is made of, and how its columns are mixed, is told by ``pandas_parts``, ``polars_parts``
and ``arrow_parts``; here is which rows and columns meet, and what is refused. Nothing changes a dtype on the way: where
a column comes from both versions, both must have the same one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.errors import AmbiguousName, KeyViolation, UnknownName, UnsupportedData, UsageProblem
from lineageflow_jupyter.frames.content import shown
from lineageflow_jupyter.frames.convert import library_of
from lineageflow_jupyter.frames.keys import check_key, partners

Positions = np.ndarray[Any, Any]
"""Row numbers."""

BESIDE = "Restore the whole dataset, or read it beside this frame: `x = %lf read REV:NAME`"
_LIVE, _STORED = "the live frame", "the stored version"


class Parts(Protocol):
    """A frame taken apart into columns of its own library. Nothing here changes the frame."""

    rows: int
    labels: Sequence[Any]
    single: bool
    """Whether the frame is a series, which has exactly one column."""

    def dtype(self, position: int) -> Any:
        """Dtype of a column."""

    def column(self, position: int) -> Any:
        """One column."""

    def same_labels(self, other: Any) -> bool:
        """Whether both have the same labels in the same order."""

    def unlike(self, other: Any) -> str:
        """How the rows are labelled differently in two frames of as many rows; empty where they are not."""

    def named(self, name: str) -> list[Any]:
        """Arrow arrays of the columns and index levels that people call so."""

    def moved(self, column: Any, sources: Positions) -> Any:
        """Rows of a column of another version, as a column of this frame."""

    def mixed(self, own: Any, column: Any, targets: Positions, sources: Positions) -> Any:
        """A column of this frame with other values, of the same dtype, in some rows."""

    def rebuilt(self, columns: Sequence[tuple[int | None, int | None, Any]], other: Any) -> Any:
        """A frame like this one of other columns.

        Each has its position here or None, its position in the other version or None, and its values.
        """


def replaced(
    live: Any,
    stored: Any,
    *,
    columns: Sequence[Any] | None = None,
    rows: slice | None = None,
    key: Sequence[str] | None = None,
) -> Any:
    """Return the live frame with some columns, rows or cells as they were.

    Parameters
    ----------
    live : frame or series
        Stays as it is; the result may share memory with it.
    stored : frame or series
        Another version of the same dataset, of the same library.
    columns : sequence of labels, optional
        Columns to take from `stored`; one that `live` lacks is added at its place. All columns by default, and then
        both must have the same ones.
    rows : slice, optional
        Positions ``[start, stop)`` in `stored` of the rows to take; all by default.
    key : sequence of str, optional
        Columns or index levels that identify rows. Without it, or where the key itself is restored, rows are the same
        if they stand at the same position; then both versions must have as many rows and, in pandas, equal indexes.

    Returns
    -------
    frame or series
        Of the class of `live`. A column that comes from `stored` in all its rows has the dtype that it has there; rows
        of `live` whose key `stored` lacks keep their values.

    Raises
    ------
    UsageProblem
        If rows or dtypes do not fit together: says what differs.
    KeyViolation
        If the key does not identify rows in one of the versions.
    UnknownName, AmbiguousName
        If `stored` has no such column, or several.
    """
    if columns is None and rows is None:
        raise UsageProblem("neither columns nor rows are chosen", remedy="Choose some, or restore the whole dataset")
    own, other = _parts(live), _parts(stored)
    if type(own) is not type(other):
        raise UsageProblem(
            f"a {_class(live)} and a {_class(stored)} do not mix", remedy="Read the stored version with the same engine"
        )
    pairs = _pairs(own, other, columns)
    span = None if rows is None else _span(rows, other.rows)
    names = () if key is None else tuple(key)
    if names and (columns is None or not _restores_key(other, pairs, names)):
        match = _by_key(own, other, names, span)
    else:
        match = _by_position(own, other, span)
    taken = {pair.stored: (pair, _values(own, other, pair, match)) for pair in pairs}
    return own.rebuilt(_ordered(own, other, taken), other)


def _parts(frame: Any) -> Parts:
    library = library_of(frame)
    if library == "pandas":
        from lineageflow_jupyter.frames.pandas_parts import PandasParts

        return PandasParts(frame)
    if library == "polars":
        from lineageflow_jupyter.frames.polars_parts import PolarsParts

        return PolarsParts(frame)
    if library == "arrow":
        from lineageflow_jupyter.frames.arrow_parts import ArrowParts

        return ArrowParts(frame)
    raise UsageProblem(f"a {_class(frame)} is no frame", remedy="Pass a pandas, polars or Arrow frame")


def _class(frame: Any) -> str:
    return f"{type(frame).__module__.partition('.')[0]} {type(frame).__qualname__}"


# --- columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pair:
    """A chosen column: its positions in both versions; None where the live frame lacks it."""

    live: int | None
    stored: int
    text: str


def _pairs(own: Parts, other: Parts, columns: Sequence[Any] | None) -> list[_Pair]:
    alike = own.same_labels(other)
    if columns is None:
        if not alike:
            _refuse_other_columns(own, other)
        chosen = list(range(len(other.labels)))
    else:
        listed = [columns] if isinstance(columns, str) else list(columns)
        if not listed:
            raise UsageProblem("the list of columns is empty", remedy="Name at least one, or leave it out")
        chosen = list(dict.fromkeys(_position(other, label) for label in listed))
    pairs = [_Pair(j if alike else _at(own, other.labels[j]), j, shown(other.labels[j])) for j in chosen]
    if own.single and any(pair.live is None for pair in pairs):
        raise UsageProblem(f"a series takes no second column {pairs[0].text}", remedy=BESIDE)
    return pairs


def _position(other: Parts, label: Any) -> int:
    """Position of a column that is called by its label, or by the text of it."""
    found = _places(other.labels, label) or [j for j, own in enumerate(other.labels) if str(own) == str(label)]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousName(
            f"{_STORED} has {len(found)} columns {shown(label)}",
            remedy="Restore the whole dataset, or rename them first",
        )
    texts = [str(own) for own in other.labels]
    close = get_close_matches(str(label), texts, 3)
    remedy = f"Did you mean {' or '.join(close)}?" if close else f"Columns: {', '.join(texts[:20])}"
    raise UnknownName(f"{_STORED} has no column {shown(label)}", remedy=remedy)


def _at(own: Parts, label: Any) -> int | None:
    found = _places(own.labels, label)
    if len(found) > 1:
        raise AmbiguousName(
            f"{_LIVE} has {len(found)} columns {shown(label)}", remedy="Rename them, or restore the whole dataset"
        )
    return found[0] if found else None


def _places(labels: Sequence[Any], label: Any) -> list[int]:
    if not isinstance(label, Hashable):
        return []
    return [place for place, own in enumerate(labels) if own is label or (hash(own) == hash(label) and own == label)]


def _refuse_other_columns(own: Parts, other: Parts) -> None:
    """Whole rows come from another version only if it has the same columns; their order does not matter."""
    for labels, others, where, elsewhere in (
        (other.labels, own.labels, _STORED, _LIVE),
        (own.labels, other.labels, _LIVE, _STORED),
    ):
        for label in labels:
            if not _places(others, label):
                raise UsageProblem(
                    f"whole rows need the same columns: {where} has {shown(label)}, {elsewhere} has not",
                    remedy="Choose columns as well, or restore the whole dataset",
                )


def _ordered(own: Parts, other: Parts, taken: dict[int, tuple[_Pair, Any]]) -> list[tuple[int | None, int | None, Any]]:
    """Columns of the result: those of the live frame, and each added one after its neighbour in the stored version."""
    by_live = {pair.live: (pair.stored, values) for pair, values in taken.values() if pair.live is not None}
    result: list[tuple[int | None, int | None, Any]] = []
    for place in range(len(own.labels)):
        stored, values = by_live[place] if place in by_live else (None, own.column(place))
        result.append((place, stored, values))
    for stored in sorted(j for j, (pair, _) in taken.items() if pair.live is None):
        neighbour = next((k for k in range(stored - 1, -1, -1) if _found(own, other, result, k) is not None), None)
        after = None if neighbour is None else _found(own, other, result, neighbour)
        result.insert(0 if after is None else after + 1, (None, stored, taken[stored][1]))
    return result


def _found(own: Parts, other: Parts, result: Sequence[tuple[int | None, int | None, Any]], stored: int) -> int | None:
    """Where a column of the stored version is in the result, chosen or not."""
    for place, (live, origin, _) in enumerate(result):
        if origin == stored or (origin is None and live is not None and _alike(own, live, other, stored)):
            return place
    return None


def _alike(own: Parts, live: int, other: Parts, stored: int) -> bool:
    return bool(_places([own.labels[live]], other.labels[stored]))


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """Rows of the live frame that get values, and the rows of the stored version that these come from."""

    targets: Positions
    sources: Positions
    whole: bool
    missing: str = ""
    """The first row of the live frame that gets none, for messages."""


def _span(rows: slice, count: int) -> range:
    try:
        start, stop, step = rows.indices(count)
    except (AttributeError, TypeError, ValueError) as error:
        raise UsageProblem(f"rows are chosen by a slice, {shown(rows)} found", remedy="As in slice(0, 100)") from error
    if step != 1:
        raise UsageProblem(f"rows can be restored with step 1 only, {step} found", remedy="Choose a range of rows")
    if count and start >= stop:
        raise UsageProblem(f"no row is chosen: {_STORED} has {count:,}", remedy="Choose at least one, as in 0:1")
    return range(start, max(start, stop))


def _by_position(own: Parts, other: Parts, span: range | None) -> _Match:
    if own.rows != other.rows:
        raise UsageProblem(
            f"rows cannot be matched: {_LIVE} has {own.rows:,}, {_STORED} has {other.rows:,}", remedy=BESIDE
        )
    unlike = own.unlike(other)
    if unlike:
        raise UsageProblem(f"rows cannot be matched: {unlike}", remedy=BESIDE)
    chosen = range(own.rows) if span is None else span
    places = np.arange(chosen.start, chosen.stop)
    missing = "" if span is None else f"row {0 if chosen.start else chosen.stop} is not chosen"
    return _Match(places, places, len(places) == own.rows, missing)


def _restores_key(other: Parts, pairs: Sequence[_Pair], names: Sequence[str]) -> bool:
    """Whether a column of the key is among the chosen ones: a key cannot match rows to mend itself."""
    return any(str(other.labels[pair.stored]) in names for pair in pairs)


def _by_key(own: Parts, other: Parts, names: Sequence[str], span: range | None) -> _Match:
    arrays = [_key_arrays(side, names, where) for side, where in ((own, _LIVE), (other, _STORED))]
    found = partners(names, *arrays)
    if span is None:
        targets = np.flatnonzero(found >= 0)
    else:
        targets = np.flatnonzero((found >= span.start) & (found < span.stop))
        if len(targets) < len(span):
            lost = np.setdiff1d(np.arange(span.start, span.stop), found[targets])[0]
            raise UsageProblem(
                f"row {lost} of {_STORED} ({_key_text(names, arrays[1], int(lost))}) is gone from {_LIVE}",
                remedy=BESIDE,
            )
    whole = len(targets) == own.rows
    missing = ""
    if not whole:
        row = int(np.setdiff1d(np.arange(own.rows), targets)[0])
        missing = f"row {row} ({_key_text(names, arrays[0], row)}) keeps its own value"
    return _Match(targets, found[targets], whole, missing)


def _key_arrays(side: Parts, names: Sequence[str], where: str) -> list[Any]:
    arrays = []
    for name in names:
        found = side.named(name)
        if len(found) != 1:
            raise KeyViolation(
                f"{where} has {len(found) or 'no'} columns {shown(name)}, which is in the key", remedy=BESIDE
            )
        arrays += found
    check_key(where, names, arrays)
    return arrays


def _key_text(names: Sequence[str], arrays: Sequence[Any], row: int) -> str:
    return ", ".join(f"{name}={shown(array[row].as_py())}" for name, array in zip(names, arrays, strict=True))


# --- values ----------------------------------------------------------------------------------------------------------


def _values(own: Parts, other: Parts, pair: _Pair, match: _Match) -> Any:
    column = other.column(pair.stored)
    if match.whole:
        return own.moved(column, match.sources)
    if pair.live is None:
        raise UsageProblem(
            f"column {pair.text} would have no value in some rows of {_LIVE}: {match.missing}", remedy=BESIDE
        )
    before, after = own.dtype(pair.live), other.dtype(pair.stored)
    if before != after:
        raise UsageProblem(
            f"column {pair.text} is {before} in {_LIVE} and {after} in {_STORED}, and would be both",
            remedy=f"Restore the whole column, or convert one of them first; {match.missing}",
        )
    try:
        return own.mixed(own.column(pair.live), column, match.targets, match.sources)
    except (pa.ArrowException, UnsupportedData) as error:
        raise UsageProblem(
            f"column {pair.text} of the type {before} cannot be mixed from two versions ({error})",
            remedy="Restore the whole column",
        ) from error
