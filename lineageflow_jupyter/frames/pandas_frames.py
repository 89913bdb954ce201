"""pandas DataFrames and Series as frame contents, and back.

Payload of the body::

[shape, rows, labels, flavours, attrs, duplicates]

shape       "frame" or "series" (one data column whose label is the name)
rows        the row index, labels the column labels (``pandas_index``); of a series labels is ["tagged", [name], None]
flavours    [[first, count, flavour]…] over all columns, index levels included (``pandas_arrays``)
attrs       a tagged dict (``labels``), None where it is empty
duplicates  flags.allows_duplicate_labels
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.arrow_types import cast_values, decode_values, ordered_dictionary, restored
from lineageflow_jupyter.frames.content import (
    ColumnContent,
    Companions,
    Encoded,
    FrameContent,
    Place,
    companion,
    contiguous,
    damaged,
    flavours_at,
    reading,
    runs,
    shown,
)
from lineageflow_jupyter.frames.labels import Unencodable, decode_value, encode_value, without_period_warnings
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.pandas_arrays import decode_array, encode_array, has_str, is_object
from lineageflow_jupyter.frames.pandas_index import (
    decode_labels,
    decode_rows,
    encode_labels,
    encode_rows,
    label_text,
)
from lineageflow_jupyter.frames.storage_types import storage_type
from lineageflow_jupyter.frames.zones import arrow_zone, zone_of_arrow

if TYPE_CHECKING:
    from lineageflow_jupyter.frames.capture import Capture, Keep

WIDE = 200
"""From this number of data columns on, columns of one dtype are put into one block."""
_SQUARE_BYTES = 1 << 26
"""Frames up to this size are taken apart through one two-dimensional array, which is quick for many columns."""


def encode_pandas(frame: Any, version: int) -> FrameContent:
    """Take a pandas frame apart.

    Raises
    ------
    UnsupportedData
        Naming column, first bad row, value and remedy.
    """
    head = _head(frame)
    arrays = iter([_array(frame)]) if head.series else _arrays(frame)
    encoded = (
        encode_array(values, _place(frame, text, position, head.companions))
        for position, (text, values) in enumerate(zip(head.texts, arrays, strict=True), start=len(head.levels))
    )
    return _content(head, list(encoded), version)


def capture_pandas(capture: Capture, keep: Keep, version: int) -> FrameContent:
    """The same of a frame that may change meanwhile; see `capture.Capture.content`."""
    from lineageflow_jupyter.frames.capture import kept_companions

    head = _head(capture.frame())
    levels = [(name, keep(name, "index", iter([array])), flavour) for name, array, flavour in head.levels]
    head = replace(head, levels=levels)
    kept_companions(head.companions, 0, keep)
    capture.check_head()
    encoded = []
    for number, text in enumerate(head.texts):
        place = Place(head.companions, len(levels) + number, True, f"column {shown(text)}", f"df[{_literal(text)}]")
        known = len(head.companions.arrays)
        if capture.in_pieces(number):
            flavours: list[Encoded] = []
            encoded.append((keep(text, "data", _encoded_pieces(capture.pieces(number), place, flavours)), flavours[0]))
        else:
            values = capture.whole(number)
            array, flavour = encode_array(_bare(values), place)
            encoded.append((keep(text, "data", iter([array])), flavour))
            capture.check(number, values)
            del values, array
        kept_companions(head.companions, known, keep)
    return _content(head, encoded, version)


def _bare(values: Any) -> Any:
    return values.to_numpy() if isinstance(values.dtype, np.dtype) else values


def _encoded_pieces(pieces: Iterator[Any], place: Place, flavours: list[Encoded]) -> Iterator[Any]:
    """Arrow arrays of the pieces of a column; the flavour, which all share, is noted."""
    for piece in pieces:
        array, flavour = encode_array(_bare(piece), place)
        flavours.append(flavour)
        yield array


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """What a frame has besides the values of its data columns."""

    series: bool
    count: int
    companions: Companions
    rows: Encoded
    levels: Sequence[tuple[str, Any, Encoded]]
    labels: Encoded
    texts: Sequence[str]
    attrs: Encoded
    duplicates: bool


def _head(frame: Any) -> _Head:
    check_class(frame)
    series, companions = isinstance(frame, pd.Series), Companions()
    rows, levels = encode_rows(frame.index, companions)
    labels, texts = _series_label(frame.name) if series else encode_labels(frame.columns, companions)
    attrs, duplicates = _encode_attrs(frame.attrs), frame.flags.allows_duplicate_labels
    return _Head(series, len(frame), companions, rows, levels, labels, texts, attrs, duplicates)


def _content(head: _Head, encoded: Sequence[tuple[Any, Encoded]], version: int) -> FrameContent:
    columns = [ColumnContent(name, "index", array) for name, array, _ in head.levels]
    columns += [ColumnContent(text, "data", array) for text, (array, _) in zip(head.texts, encoded, strict=True)]
    flavours = [flavour for _, _, flavour in head.levels] + [flavour for _, flavour in encoded]
    payload = [
        "series" if head.series else "frame",
        head.rows,
        head.labels,
        runs(flavours),
        head.attrs,
        head.duplicates,
    ]
    body = [version, "pandas", head.companions.owners, payload]
    return FrameContent(head.count, tuple(columns), tuple(head.companions.arrays), body)


def check_class(frame: Any) -> None:
    """Refuse subclasses of pandas' own classes.

    Raises
    ------
    UnsupportedData
        Naming the class.
    """
    base = pd.Series if isinstance(frame, pd.Series) else pd.DataFrame
    if type(frame) is not base:
        name = f"{type(frame).__module__}.{type(frame).__qualname__}"
        raise UnsupportedData(
            f"{name} is a class of its own, and would come back as a plain {base.__name__}",
            remedy=f"Make it one: pd.{base.__name__}(df)",
        )


def _series_label(name: Any) -> tuple[Encoded, list[str]]:
    try:
        return ["tagged", [encode_value(name)], None], [label_text(name, "the series")]
    except Unencodable as error:
        raise UnsupportedData(
            f"the name of the series cannot be stored: {error}", remedy="Rename it to a text"
        ) from error


def _arrays(frame: pd.DataFrame) -> Iterator[Any]:
    dtypes = set(frame.dtypes.tolist())
    count = frame.shape[1]
    if count >= WIDE and len(dtypes) == 1:
        dtype = dtypes.pop()
        if (
            isinstance(dtype, np.dtype)
            and dtype.kind in "biuf"
            and len(frame) * count * dtype.itemsize <= _SQUARE_BYTES
        ):
            square = frame.to_numpy()
            return (square[:, position] for position in range(count))
    return (_array(column) for _, column in frame.items())


def _array(column: Any) -> Any:
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def _place(frame: Any, text: str, position: int, companions: Companions) -> Place:
    expression = "s" if isinstance(frame, pd.Series) else f"df[{_literal(text)}]"
    return Place(companions, position, True, f"column {shown(text)}", expression, frame.index)


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encode_attrs(attrs: dict[Any, Any]) -> Encoded:
    if not attrs:
        return None
    for key, value in attrs.items():
        try:
            encode_value(key)
            encode_value(value)
        except Unencodable as error:
            raise UnsupportedData(
                f"attrs[{shown(key)}] cannot be stored: {error}",
                remedy=f"Remove it or make it plain: del df.attrs[{shown(key)}]",
            ) from error
    return encode_value(dict(attrs))


def decode_pandas(content: FrameContent, payload: Encoded, positions: Sequence[int], row_start: int) -> Any:
    """Put a pandas frame together again.

    Parameters
    ----------
    content : FrameContent
        Stored values and description.
    payload : list
        The body's last part.
    positions : sequence of int
        Positions of the columns among all columns of the table.
    row_start : int
        Number of the first row.
    """
    with reading():
        shape, rows, labels, encoded, attrs, duplicates = payload

        def stored(number: Encoded) -> Any:
            return companion(content.companions, number)

        flavours = flavours_at(encoded, positions)
        parts = [(contiguous(c.array), flavour) for c, flavour in zip(content.columns, flavours, strict=True)]
        split = sum(column.role == "index" for column in content.columns)
        index = decode_rows(rows, parts[:split], stored, content.rows, row_start)
        for array, _ in parts:
            if len(array) != content.rows:
                raise damaged(f"a column has {len(array)} rows instead of {content.rows}")
        values = [decode_array(array, flavour, stored) for array, flavour in parts[split:]]
        if shape == "series":
            frame: Any = _series(values, index, decode_value(labels[1][0]))
        elif shape == "frame":
            first = _level_count(rows)
            data = [position - first for position in positions[split:]]
            names = [column.name for column in content.columns[split:]]
            frame = _frame(values, index, decode_labels(labels, names, data, stored))
        else:
            raise damaged(f"the shape {shown(shape)}")
        if attrs is not None:
            frame.attrs = decode_value(attrs)
        if duplicates is not True:
            frame = frame.set_flags(allows_duplicate_labels=False)
    return frame


def _level_count(rows: Encoded) -> int:
    """Number of columns of the table that are index levels."""
    return {"range": 0, "index": 1}.get(rows[0], len(rows[1]) if rows[0] == "multi" else 0)


def _series(values: list[Any], index: Any, name: Any) -> Any:
    if not values:
        raise damaged("a series without its values")
    return pd.Series(values[0], index=index, name=name, dtype=values[0].dtype, copy=False)


def _frame(values: list[Any], index: Any, labels: Any) -> pd.DataFrame:
    if not values:
        return pd.DataFrame(index=index, columns=labels)
    columns = {
        # an array of objects would be searched for dates and text; a series of the dtype object is left alone
        position: pd.Series(array, index=index, dtype=object) if is_object(array.dtype) else array
        for position, array in enumerate(values)
    }
    frame = pd.DataFrame(columns, index=index, copy=len(values) >= WIDE)
    frame.columns = labels
    return frame


def described_columns(content: FrameContent, payload: Encoded, positions: Sequence[int]) -> list[tuple[str, Any]]:
    """Names and Arrow arrays for other libraries: index levels are columns like others, a numbered index is none.

    Zoned times carry their zone, categories come as a dictionary in their order, periods as the time of their start,
    intervals as a struct of left and right, complex numbers as a struct of two floats, missing objects as null.
    """
    with reading():
        _, _, _, encoded, _, _ = payload

        def stored(number: Encoded) -> Any:
            return companion(content.companions, number)

        flavours = flavours_at(encoded, positions)
        return [
            (column.name, _plain(contiguous(column.array), flavour, stored))
            for column, flavour in zip(content.columns, flavours, strict=True)
        ]


def _plain(array: Any, flavour: Encoded, stored: Any) -> Any:
    match flavour:
        case ["arrow", *_]:
            return decode_values(array, flavour, stored)
        case ["zoned", zone]:
            return restored(array, pa.timestamp(array.type.unit, arrow_zone(zone)))
        case ["object", ["datetime" | "Timestamp", zone], _] if zone is not None:
            return restored(array, pa.timestamp(array.type.unit, arrow_zone(zone)))
        case ["categorical", ordered, number, inner, _]:
            values = ordered_dictionary(array, stored(number))
            plain = _plain(values.dictionary, inner, stored)
            if pa.types.is_nested(plain.type):
                return plain.take(values.indices)
            return pa.DictionaryArray.from_arrays(values.indices, plain, ordered=ordered)
        case ["period", _]:
            with without_period_warnings():
                moments = pd.PeriodIndex(decode_array(array, flavour, stored)).to_timestamp()
            return contiguous(pa.array(moments.to_numpy()))
        case ["interval", _, inner]:
            ends = [_plain(end, inner, stored) for end in array.flatten()]
            mask = array.is_null() if array.null_count else None
            return pa.StructArray.from_arrays(ends, ["left", "right"], mask=mask)
    return array


def pandas_from_table(table: Any, row_start: int) -> pd.DataFrame:
    """Frame of an Arrow table from another library, with the dtypes that this pandas gives by itself.

    Integers and booleans with nulls become nullable instead of floats and objects, which would lose values.
    """
    index = pd.RangeIndex(row_start, row_start + table.num_rows)
    values = [_default(contiguous(column)) for column in table.columns]
    labels = pd.Index(table.column_names, dtype="str" if has_str() else object)
    return _frame(values, index, labels)


def _default(array: Any) -> Any:
    kind = array.type
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _default(array.storage)
    if array.null_count and (types.is_integer(kind) or types.is_boolean(kind)):
        return decode_array(array, ["nullable"], damaged)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_duration(kind):
        return decode_array(array, None, damaged)
    if types.is_timestamp(kind):
        flavour = None if kind.tz is None else ["zoned", zone_of_arrow(kind.tz)]
        return decode_array(normalise(array), flavour, damaged)
    if not types.is_nested(kind) and storage_type(kind) == pa.large_string():
        return decode_array(cast_values(array, pa.large_string()), None, damaged)
    if types.is_dictionary(kind):  # pandas does not take unsigned codes
        array = pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), array.dictionary, ordered=kind.ordered)
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        array = normalise(array)
    found = array.to_pandas()
    return found.to_numpy() if isinstance(found.dtype, np.dtype) else found.array
