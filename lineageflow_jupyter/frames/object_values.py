"""Python objects of one kind, made again from Arrow values. The kinds are listed in ``object_columns``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lineageflow_jupyter.frames.content import Encoded, damaged, unreadable
from lineageflow_jupyter.frames.zones import decode_zone

Values = np.ndarray[Any, Any]
"""One-dimensional array of Python objects."""
Kind = Encoded

DEFAULT_MISSING = 1
MISSING: tuple[Any, ...] = (None, None, float("nan"), pd.NaT, pd.NA, np.float64("nan"), Decimal("NaN"))
"""What a missing value was, by its code."""
NUMPY = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"}
)
"""Dtypes of numpy scalars and arrays that are kept as objects."""
_TAGS = frozenset(
    {
        "null", "bool", "int", "float", "str", "bytes", "date", "time", "timedelta", "uuid", "Timedelta", "datetime",
        "Timestamp", "decimal", "numpy", "ndarray", "list", "tuple", "record", "dict",
    }
)  # fmt: skip
EXACT = Context(prec=200)


def decode_objects(array: Any, flavour: Encoded, companion: Callable[[Encoded], Any]) -> Values:
    """Inverse of `encode_objects`.

    Parameters
    ----------
    array : pyarrow.Array
        As stored.
    flavour : list
        ``["object", kind, missing]``.
    companion : callable
        Gives a companion by its number.
    """
    _, kind, missing = flavour
    if isinstance(missing, list):
        tag, number = missing
        if tag != "mask":
            raise unreadable("missing kind", missing, frozenset({"mask"}))
        missing = companion(number).to_numpy(zero_copy_only=False)
        if len(missing) != len(array):
            raise damaged("a mask of missing values has another length than its column")
    return _decode(array, kind, missing, companion)


def _decode(array: Any, kind: Kind, missing: Any, companion: Callable[[Encoded], Any]) -> Values:
    values: Values = _decode_values(array, kind, companion)
    absent = array.is_null().to_numpy(zero_copy_only=False)
    if isinstance(missing, int):
        values[absent] = _missing_value(missing)
    elif (missing[absent] == 0).any() or (missing[~absent] != 0).any():
        raise damaged("a mask of missing values does not fit its column")
    else:
        for code in np.unique(missing[absent]):
            values[missing == code] = _missing_value(int(code))
    return values


def _missing_value(code: int) -> Any:
    if not 0 < code < len(MISSING):
        raise unreadable("missing kind", f"missing kind {code}", frozenset())
    return MISSING[code]


def _decode_values(array: Any, kind: Kind, companion: Callable[[Encoded], Any]) -> Any:
    """Objects of all rows; what stands at null rows does not matter."""
    match kind:
        case "null":
            _expect(array, pa.types.is_null(array.type))
            return np.empty(len(array), object)
        case "str" | "bytes":
            _expect(array, array.type == (pa.large_string() if kind == "str" else pa.large_binary()))
            return _writable(array.to_numpy(zero_copy_only=False))
        case "bool" | "int" | "float" | "date" | "timedelta":
            return _by_numpy(array, _expected(kind), array.type)
        case "time":
            _expect(array, array.type == pa.time64("us"))
            return np.fromiter(array.to_pylist(), object, len(array))
        case "uuid":
            _expect(array, array.type == pa.binary(16))
            return np.fromiter((value and uuid.UUID(bytes=value) for value in array.to_pylist()), object, len(array))
        case "Timedelta":
            _expect(array, pa.types.is_duration(array.type))
            return timedelta_objects(array)
        case ["datetime" | "Timestamp", _]:
            _expect(array, pa.types.is_timestamp(array.type))
            return stamps(array, kind)
        case ["decimal", number]:
            _expect(array, pa.types.is_decimal(array.type))
            return _decimal_objects(array, None if number is None else companion(number))
        case ["numpy", str(name)] if name in NUMPY or name == "str":
            return _numpy_objects(array, name)
        case ["ndarray"]:
            return _arrays(array)
        case ["list" | "tuple" as name, inner, int(missing)]:
            return _lists(array, list if name == "list" else tuple, inner, missing, companion)
        case ["record" | "dict" as name, *fields]:
            return _structs(array, name == "dict", fields, companion)
    raise unreadable("object kind", kind, _TAGS)


def _expect(array: Any, fits: bool) -> None:
    if not fits:
        raise damaged(f"a column of the type {array.type} does not hold what it is said to hold")


def _expected(kind: str) -> tuple[Any, ...]:
    return {
        "bool": (pa.bool_(),),
        "int": (pa.int64(), pa.uint64()),
        "float": (pa.float64(),),
        "date": (pa.date32(),),
        "timedelta": (pa.duration("us"),),
    }[kind]


def _by_numpy(array: Any, expected: tuple[Any, ...], kind: Any) -> Values:
    _expect(array, kind in expected)
    if array.null_count:
        array = array.fill_null(pa.scalar(0, pa.int64()).cast(kind) if kind == pa.duration("us") else _zero(kind))
    return _writable(array.to_numpy(zero_copy_only=False).astype(object))


def _zero(kind: Any) -> Any:
    return pa.scalar(0, pa.int32()).cast(kind) if kind == pa.date32() else pa.scalar(0, pa.int8()).cast(kind)


def _writable(values: Values) -> Values:
    return values if values.flags.writeable else values.copy()


def _objects(items: Any, count: int) -> Values:
    return np.fromiter(items, object, count)


def _numpy_objects(array: Any, name: str) -> Any:
    if name == "str":
        return _objects((value if value is None else np.str_(value) for value in array.to_pylist()), len(array))
    _expect(array, array.type == (pa.bool_() if name == "bool" else pa.from_numpy_dtype(np.dtype(name))))
    if array.null_count:
        array = array.fill_null(pa.scalar(np.zeros((), name)[()], array.type))
    return _objects(iter(array.to_numpy(zero_copy_only=False)), len(array))


def stamps(array: Any, kind: Kind) -> Any:
    """Objects of ``["datetime", zone]`` or ``["Timestamp", zone]``: the stored times are in UTC if there is a zone."""
    name, encoded = kind
    zone = None if encoded is None else decode_zone(encoded)
    moments = array.to_numpy(zero_copy_only=False)
    if name == "datetime":
        values = moments.astype("M8[us]").astype(object)
        if zone is None:
            return values
        return _objects(
            (value if value is None else zone.fromutc(value.replace(tzinfo=zone)) for value in values), len(values)
        )
    index = pd.DatetimeIndex(moments)
    if zone is not None:
        index = index.tz_localize("UTC").tz_convert(zone)
    return np.array(index.astype(object), dtype=object)


def timedelta_objects(array: Any) -> Any:
    """``pd.Timedelta`` objects of the array's unit."""
    return np.array(pd.TimedeltaIndex(array.to_numpy(zero_copy_only=False)).astype(object), dtype=object)


def _decimal_objects(array: Any, states: Any) -> Values:
    values = _objects(array.to_pylist(), len(array))
    if states is None:
        return values
    if len(states) != len(array):
        raise damaged("exponents of decimals have another length than their column")
    for row, state in enumerate(states.to_pylist()):
        if values[row] is not None:
            unit = Decimal((state & 1, (0,), state >> 1))
            values[row] = unit if state & 1 else values[row].quantize(unit, context=EXACT)
    return values


def _arrays(array: Any) -> Values:
    _expect(array, pa.types.is_large_list(array.type))
    offsets, child = _offsets(array)
    flat = _writable(child.to_numpy(zero_copy_only=False))
    values = np.empty(len(array), object)
    for row in range(len(array)):
        values[row] = flat[offsets[row] : offsets[row + 1]]
    return values


def _offsets(array: Any) -> tuple[list[int], Any]:
    """Offsets from 0 of a large_list, and its values."""
    if len(array) == 0:
        return [0], array.values.slice(0, 0)
    offsets = np.frombuffer(array.buffers()[1], "<i8", len(array) + 1, array.offset * 8)
    first = int(offsets[0])
    return (offsets - first).tolist(), array.values.slice(first, int(offsets[-1]) - first)


def _lists(array: Any, make: type, inner: Kind, missing: int, companion: Callable[[Encoded], Any]) -> Values:
    _expect(array, pa.types.is_large_list(array.type))
    offsets, child = _offsets(array)
    flat = _decode(child, inner, missing, companion).tolist()
    values = np.empty(len(array), object)
    for row in range(len(array)):
        values[row] = make(flat[offsets[row] : offsets[row + 1]])
    return values


def _structs(array: Any, named: bool, fields: list[Any], companion: Callable[[Encoded], Any]) -> Values:
    _expect(array, pa.types.is_struct(array.type) and array.type.num_fields == len(fields))
    columns = [_decode(array.field(i), kind, missing, companion).tolist() for i, (kind, missing) in enumerate(fields)]
    names = [array.type.field(i).name for i in range(len(fields))]
    values = np.empty(len(array), object)
    for row, items in enumerate(zip(*columns, strict=True)):
        values[row] = dict(zip(names, items, strict=True)) if named else items
    return values
