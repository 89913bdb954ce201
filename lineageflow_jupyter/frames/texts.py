"""Values as texts for people, a whole column at a time: exact, never shortened; a null has no text.

Numbers, times and texts are written by Arrow; what it has no exact text for is written by Python, each value once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.frames.content import FrameContent, contiguous, flavours_at
from lineageflow_jupyter.frames.convert import library_of_body
from lineageflow_jupyter.frames.taking import loose_columns

_TEXT = pa.large_string()
_PLAIN_OBJECTS = ("str", "bool", "int", "float", "date", "time")


def column_texts(content: FrameContent, positions: Sequence[int]) -> list[Any]:
    """Texts of columns.

    Parameters
    ----------
    content : FrameContent
        Columns, companions and body of a version at some rows.
    positions : sequence of int
        Which columns of its table these are.

    Returns
    -------
    list of pyarrow.Array
        Of large_string, with null where the column has null.
    """
    if library_of_body(content.body) == "pandas":
        flavours = flavours_at(content.body[3][3], positions)
    else:
        flavours = [None] * len(positions)
    return [
        _objects_texts(content, place, position)
        if _needs_pandas(flavour)
        else array_texts(_described(content, place, position))
        for place, (position, flavour) in enumerate(zip(positions, flavours, strict=True))
    ]


def _described(content: FrameContent, place: int, position: int) -> Any:
    return contiguous(_alone(content, place, position, "arrow").column(0))


def _alone(content: FrameContent, place: int, position: int, engine: str) -> Any:
    one = FrameContent(content.rows, (content.columns[place],), content.companions, content.body)
    return loose_columns(one, engine=engine, positions=[position])


def _needs_pandas(flavour: Any) -> bool:
    """Whether only the values as pandas has them say what they are: periods, intervals, most objects."""
    match flavour:
        case ["period" | "interval" | "complex", *_]:
            return True
        case ["object", kind, _]:
            return kind not in _PLAIN_OBJECTS
        case ["categorical", _, _, inner, _]:
            return _needs_pandas(inner)
    return False


def _objects_texts(content: FrameContent, place: int, position: int) -> Any:
    series = _alone(content, place, position, "pandas").iloc[:, 0]
    absent = np.asarray(content.columns[place].array.is_null())
    categories = getattr(series.dtype, "categories", None)
    if categories is not None:
        texts = pa.array([str(value) for value in categories.tolist()], _TEXT)
        return texts.take(pa.array(series.cat.codes.to_numpy().astype("i8"), mask=absent))
    values = series.tolist() if series.dtype.kind != "O" else series.to_numpy().tolist()
    return pa.array([None if gone else str(value) for value, gone in zip(values, absent, strict=True)], _TEXT)


def array_texts(array: Any) -> Any:
    """Texts of an Arrow array of any type.

    Parameters
    ----------
    array : pyarrow.Array
        The values.

    Returns
    -------
    pyarrow.Array
        Of large_string.

    Examples
    --------
    >>> array_texts(pa.array([1.0, float("nan"), None])).to_pylist()
    ['1.0', 'NaN', None]
    """
    kind, types = array.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _python_texts(array)
    if types.is_null(kind):
        return pa.nulls(len(array), _TEXT)
    if types.is_dictionary(kind):
        return array_texts(array.dictionary).take(array.indices.cast(pa.int64()))
    if types.is_boolean(kind):
        return pc.if_else(array, pa.scalar("True", _TEXT), pa.scalar("False", _TEXT))
    if types.is_floating(kind):
        return _float_texts(array)
    if types.is_time(kind):
        return _without_zeros(array.cast(_TEXT))
    if types.is_timestamp(kind):
        return _moment_texts(array)
    if types.is_duration(kind):
        return _span_texts(array)
    if types.is_integer(kind) or types.is_date(kind) or types.is_decimal(kind) or kind in (pa.string(), _TEXT):
        return _cast(array)
    return _python_texts(array)


def _cast(array: Any) -> Any:
    try:
        return array.cast(_TEXT)
    except (pa.ArrowInvalid, NotImplementedError):  # Arrow has no text for this type, Python has
        return _python_texts(array)


def _float_texts(array: Any) -> Any:
    """Shortest digits that tell the number; whole numbers end in ``.0``."""
    if pa.types.is_float16(array.type):
        values = array.to_numpy(zero_copy_only=False).astype("f2")
        texts = pa.array(values.astype("U").tolist(), _TEXT)
        return pc.if_else(array.is_null(), pa.scalar(None, _TEXT), pc.replace_substring(texts, "nan", "NaN"))
    texts = array.cast(_TEXT)
    whole = pc.match_substring_regex(texts, "^-?[0-9]+$")
    if pc.any(whole).as_py():
        texts = pc.replace_substring_regex(texts, "^(-?[0-9]+)$", r"\1.0")
    strange = pc.is_nan(array)
    return pc.if_else(strange, pa.scalar("NaN", _TEXT), texts) if pc.any(strange).as_py() else texts


def _without_zeros(texts: Any) -> Any:
    """Times without fractions of a second that are zero."""
    return pc.replace_substring_regex(texts, r"\.0+($|[Z+-])", r"\1")


def _moment_texts(array: Any) -> Any:
    texts = _without_zeros(_cast(array))
    if array.type.tz is None:
        return texts
    texts = pc.replace_substring_regex(texts, "([+-][0-9]{2})([0-9]{2})$", r"\1:\2")
    return pc.replace_substring_regex(texts, "Z$", "+00:00")


def _span_texts(array: Any) -> Any:
    """Days and time of day, as pandas has them: ``-1 days +23:59:59``."""
    unit = array.type.unit
    counts = array.cast(pa.int64()).fill_null(0).to_numpy()
    days, rest = np.divmod(counts, 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit])
    narrow = unit in ("s", "ms")
    times = pa.array(rest.astype("i4" if narrow else "i8"), pa.time32(unit) if narrow else pa.time64(unit))
    signs = pc.if_else(pa.array(days < 0), pa.scalar(" days +", _TEXT), pa.scalar(" days ", _TEXT))
    parts = [pa.array(days).cast(_TEXT), signs, _without_zeros(times.cast(_TEXT)), pa.scalar("", _TEXT)]
    texts = pc.binary_join_element_wise(*parts)
    return pc.if_else(array.is_null(), pa.scalar(None, _TEXT), texts) if array.null_count else texts


def _python_texts(array: Any) -> Any:
    """Texts by Python's own words for the values, each value once where Arrow can tell which are equal."""
    if len(array) > 1 and not pa.types.is_nested(array.type) and not isinstance(array.type, pa.BaseExtensionType):
        try:
            encoded = array.dictionary_encode()
        except (pa.ArrowInvalid, NotImplementedError):  # Arrow compares no values of this type: each is told by itself
            encoded = None
        if encoded is not None and len(encoded.dictionary) < len(array):
            return _python_texts(encoded.dictionary).take(encoded.indices.cast(pa.int64()))
    return pa.array([None if value is None else str(value) for value in array.to_pylist()], _TEXT)
