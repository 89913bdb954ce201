"""Indexes of pandas: row labels as columns, column labels as part of the description.

Row index::

    ["range", start, step, name]              its length is the frame's; not stored as a column
    ["index", name, form]                     one index level; its class follows from its dtype, for `form` see
                                              ``pandas_arrays.encode_form``
    ["multi", [[name, order, form]…]]         one index level each; `order` is None where the level's values are in
                                              sorted order, else ``[companion, flavour]``: its values in their order

Column labels::

    ["names", flavour, name]                  text: the names of the table's data columns; flavour None is this
                                              pandas' own dtype for text labels
    ["range", start, step, name]
    ["index", companion, flavour, form, name]
    ["tagged", [label…], name]                labels of different kinds, as in ``labels``
    ["multi", [[labels, order, form, name]…]]   a level each, `order` and `form` as above; `labels` is
                                              ``[companion, flavour]``: the label of each column, or
                                              ``["tagged", [label…], [code…]]``: the level and its codes (-1: missing)

Names are labels as in ``labels``. Unused levels of a MultiIndex are dropped, as ``remove_unused_levels`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.content import EVERY_COLUMN, Companions, Encoded, Place, contiguous, damaged, unreadable
from lineageflow_jupyter.frames.labels import Unencodable, decode_value, encode_value
from lineageflow_jupyter.frames.pandas_arrays import (
    Companion,
    as_index,
    decode_array,
    encode_array,
    encode_form,
    has_str,
    is_object,
    with_form,
)

_ROW_TAGS = frozenset({"range", "index", "multi"})
_LABEL_TAGS = frozenset({"names", "range", "index", "tagged", "multi"})

Level = tuple[str, Any, Encoded]
"""Name, Arrow array and flavour of an index level."""


# --- rows ------------------------------------------------------------------------------------------------------------


def encode_rows(index: Any, companions: Companions) -> tuple[Encoded, list[Level]]:
    """Description of a row index and its levels that are stored as columns.

    Raises
    ------
    UnsupportedData
        If a label or name could not come back exactly.
    """
    if type(index) is pd.RangeIndex:
        return ["range", index.start, index.step, _name(index.name, "the index")], []
    if isinstance(index, pd.MultiIndex):
        return _encode_multi_rows(index, companions)
    what = "the index" if index.name is None else f"the index {index.name!r}"
    place = Place(companions, 0, True, what, "df.index")
    array, flavour = encode_array(_values(index), place)
    text = "index" if index.name is None else label_text(index.name, what)
    return ["index", _name(index.name, what), encode_form(index)], [(text, array, flavour)]


def _encode_multi_rows(index: pd.MultiIndex, companions: Companions) -> tuple[Encoded, list[Level]]:
    described, levels = [], []
    for position, name in enumerate(index.names):
        what = f"index level {position}" if name is None else f"the index level {name!r}"
        place = Place(companions, position, True, what)
        array, flavour, order, form = _encode_level(index, position, place)
        text = f"level_{position}" if name is None else label_text(name, what)
        levels.append((text, array, flavour))
        described.append([_name(name, what), order, form])
    return ["multi", described], levels


def _encode_level(index: pd.MultiIndex, position: int, place: Place) -> tuple[Any, Encoded, Encoded, Encoded]:
    """Values, flavour, order and form of a level of a MultiIndex."""
    level, codes = index.levels[position], np.asarray(index.codes[position])
    absent = codes < 0
    if absent.any() and level.dtype.kind in "biu" and isinstance(level.dtype, np.dtype):
        # get_level_values would make floats of integers to fit NaN in
        array, flavour = encode_array(level.to_numpy(), place)
        array = array.take(pa.array(codes.astype("i8"), mask=absent))
    else:
        array, flavour = encode_array(_values(index.get_level_values(position)), place)
    used = np.bincount(codes[~absent], minlength=len(level)) > 0
    form = encode_form(level) if used.all() else None
    if isinstance(level.dtype, pd.CategoricalDtype) or _in_order(level) or _in_order(level[used]):
        return array, flavour, None, form
    beside = place.beside("levels")
    values, own = encode_array(_values(level[used]), beside)
    return array, flavour, [beside.add(contiguous(values)), own], form


def _in_order(level: Any) -> bool:
    try:
        return bool(level.is_monotonic_increasing)
    except TypeError:  # labels that cannot be compared have no sorted order
        return False


def decode_rows(
    encoded: Encoded, levels: Sequence[tuple[Any, Encoded]], companion: Companion, rows: int, row_start: int
) -> Any:
    """Inverse of `encode_rows`.

    Parameters
    ----------
    encoded : list
        The description.
    levels : sequence of (pyarrow.Array, flavour)
        Index levels; where a reader left them out, the rows are numbered.
    companion : callable
        Gives a companion by its number.
    rows : int
        Number of rows.
    row_start : int
        Number of the first row among all rows of the table.
    """
    match encoded:
        case ["range", int(start), int(step), name] if not levels:
            first = start + row_start * step
            return pd.RangeIndex(first, first + rows * step, step, name=decode_value(name))
        case ["index" | "multi", *_] if not levels:
            return pd.RangeIndex(row_start, row_start + rows)
        case ["index", name, form] if len(levels) == 1:
            values = decode_array(*levels[0], companion)
            return with_form(as_index(values, decode_value(name)), form)
        case ["multi", described] if len(levels) == len(described):
            parts = [
                _decode_level(array, flavour, order, form, companion)
                for (array, flavour), (_, order, form) in zip(levels, described, strict=True)
            ]
            return _multi(parts, [decode_value(name) for name, _, _ in described])
        case ["multi", described]:
            raise damaged(f"{len(levels)} index levels where there are {len(described)}")
    raise unreadable("row index", encoded, _ROW_TAGS)


def _decode_level(array: Any, flavour: Encoded, order: Encoded, form: Encoded, companion: Companion) -> tuple[Any, Any]:
    """Level and codes of a column of a MultiIndex."""
    absent = np.zeros(0, bool)
    if flavour is None and array.null_count and (pa.types.is_integer(array.type) or pa.types.is_boolean(array.type)):
        absent = array.is_null().to_numpy(zero_copy_only=False)
        array = array.drop_null()
    index: Any = as_index(decode_array(array, flavour, companion))
    if order is not None:
        number, own = order
        level = as_index(decode_array(companion(number), own, companion))
        codes = level.get_indexer(index)
        if (codes[~index.isna()] < 0).any():
            raise damaged("a level of the index lacks a value")
    elif isinstance(index, pd.CategoricalIndex):
        dtype: Any = index.dtype
        codes, level = (
            index.codes,
            pd.CategoricalIndex(pd.Categorical.from_codes(np.arange(len(dtype.categories)), dtype=dtype)),
        )
    else:
        codes, level = index.factorize(sort=True)
    if absent.any():
        full = np.full(len(absent), -1, "i8")
        full[~absent] = codes
        codes = full
    return with_form(level, form), codes


def _multi(parts: Sequence[tuple[Any, Any]], names: Sequence[Any]) -> pd.MultiIndex:
    # names one by one: the constructor refuses names that occur twice where levels do not
    return pd.MultiIndex(levels=[level for level, _ in parts], codes=[codes for _, codes in parts], names=list(names))


def _values(index: Any) -> Any:
    return index.array if isinstance(index.dtype, pd.api.extensions.ExtensionDtype) else index.to_numpy()


def _name(name: Any, what: str) -> Encoded:
    try:
        return encode_value(name)
    except Unencodable as error:
        raise UnsupportedData(
            f"the name of {what} cannot be stored: {error}", remedy="Give it a text as its name"
        ) from error


def label_text(label: Any, what: str) -> str:
    """Text by which people call a label."""
    if type(label) is str:
        return label
    try:
        return str(label).encode("utf-8", "replace").decode()
    except Exception as error:  # whatever a foreign __str__ does
        raise UnsupportedData(f"the label of {what} has no text ({error})", remedy="Rename it to a text") from error


# --- column labels ---------------------------------------------------------------------------------------------------


def encode_labels(labels: Any, companions: Companions) -> tuple[Encoded, list[str]]:
    """Description of column labels, and the text of each.

    Raises
    ------
    UnsupportedData
        If a label or name could not come back exactly.
    """
    what = "the column labels"
    if isinstance(labels, pd.MultiIndex):
        return _encode_multi_labels(labels, companions)
    name = _name(labels.name, what)
    if type(labels) is pd.RangeIndex:
        return ["range", labels.start, labels.step, name], [str(label) for label in labels]
    items = labels.tolist()
    texts = [label_text(label, f"column {position}") for position, label in enumerate(items)]
    place = Place(companions, EVERY_COLUMN, False, what, "df.columns")
    if all(type(label) is str for label in items) and (
        is_object(labels.dtype) or isinstance(labels.dtype, pd.StringDtype)
    ):
        _check_text(items)
        return ["names", _label_flavour(labels, place), name], texts
    if is_object(labels.dtype):
        return ["tagged", [_tagged(label, position) for position, label in enumerate(items)], name], texts
    array, flavour = encode_array(_values(labels), place)
    return ["index", place.add(contiguous(array)), flavour, encode_form(labels), name], texts


def _check_text(items: Sequence[str]) -> None:
    for position, label in enumerate(items):
        _tagged(label, position)


def _tagged(label: Any, position: int) -> Encoded:
    try:
        return encode_value(label)
    except Unencodable as error:
        raise UnsupportedData(
            f"the label of column {position} cannot be stored: {error}",
            remedy="Rename the column: df = df.rename(columns=…)",
        ) from error


def _label_flavour(labels: Any, place: Place) -> Encoded:
    """Dtype of text labels: None for the one that this pandas gives them by itself."""
    if is_object(labels.dtype):
        return ["object"] if has_str() else None
    _, flavour = encode_array(labels[:0].array, place)
    return flavour


def _encode_multi_labels(labels: pd.MultiIndex, companions: Companions) -> tuple[Encoded, list[str]]:
    described = []
    for position, name in enumerate(labels.names):
        what = f"level {position} of the column labels"
        place = Place(companions, EVERY_COLUMN, False, what)
        level = labels.levels[position]
        if is_object(level.dtype):
            items = [_tagged(label, column) for column, label in enumerate(level)]
            described.append([["tagged", items, labels.codes[position].tolist()], None, None, _name(name, what)])
        else:
            array, flavour, order, form = _encode_level(labels, position, place)
            described.append([[place.add(contiguous(array)), flavour], order, form, _name(name, what)])
    texts = [label_text(label, f"column {position}") for position, label in enumerate(labels.tolist())]
    return ["multi", described], texts


def decode_labels(encoded: Encoded, names: Sequence[str], positions: Sequence[int], companion: Companion) -> Any:
    """Inverse of `encode_labels` for some of the columns.

    Parameters
    ----------
    encoded : list
        The description.
    names : sequence of str
        Names of these data columns in the table.
    positions : sequence of int
        Their positions among all data columns.
    companion : callable
        Gives a companion by its number.
    """
    match encoded:
        case ["names", flavour, name]:
            return _named(names, flavour, decode_value(name))
        case ["range", int(start), int(step), name]:
            return _ranged(start, step, positions, decode_value(name))
        case ["index", number, flavour, form, name]:
            index = as_index(decode_array(companion(number), flavour, companion), decode_value(name))
            return _taken(with_form(index, form), positions)
        case ["tagged", labels, name]:
            values = np.empty(len(labels), object)
            values[:] = [None] * len(labels)
            for position, label in enumerate(labels):
                values[position] = decode_value(label)
            return _taken(pd.Index(values, dtype=object, tupleize_cols=False, name=decode_value(name)), positions)
        case ["multi", described]:
            parts = [_decode_label_level(labels, order, form, companion) for labels, order, form, _ in described]
            return _taken(_multi(parts, [decode_value(name) for _, _, _, name in described]), positions)
    raise unreadable("column labels", encoded, _LABEL_TAGS)


def _decode_label_level(labels: Encoded, order: Encoded, form: Encoded, companion: Companion) -> tuple[Any, Any]:
    match labels:
        case ["tagged", items, codes]:
            values = np.empty(len(items), object)
            for position, item in enumerate(items):
                values[position] = decode_value(item)
            return pd.Index(values, dtype=object, tupleize_cols=False), codes
        case [number, flavour]:
            return _decode_level(companion(number), flavour, order, form, companion)
    raise unreadable("column labels", labels, _LABEL_TAGS)


def _named(names: Sequence[str], flavour: Encoded, name: Any) -> Any:
    values = np.fromiter(names, object, len(names))
    if flavour is None:
        return pd.Index(values, dtype="str" if has_str() else object, name=name)
    if flavour == ["object"]:
        return pd.Index(values, dtype=object, tupleize_cols=False, name=name)
    array = pa.array(values, pa.large_string())
    return as_index(decode_array(array, flavour, lambda number: damaged(f"companion {number}")), name)


def _ranged(start: int, step: int, positions: Sequence[int], name: Any) -> Any:
    if list(positions) == list(range(len(positions))):
        return pd.RangeIndex(start, start + len(positions) * step, step, name=name)
    return pd.Index([start + position * step for position in positions], dtype="int64", name=name)


def _taken(index: Any, positions: Sequence[int]) -> Any:
    if list(positions) == list(range(len(index))):
        return index
    return index.take(np.asarray(positions, "i8"))
