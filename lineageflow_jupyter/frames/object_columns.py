"""Python objects of one kind as Arrow arrays; ``object_values`` makes them again, of the same classes and values.

The kind of the values is found from their exact classes; every conversion whose exactness the class does not promise
is done backwards and compared before anything is stored. Missing values are null in Arrow; which of None, NaN, NaT and
NA they were is kept beside. Kinds::

    "null"  "bool"  "int"  "float"  "str"  "bytes"  "date"  "time"  "timedelta"  "uuid"  "Timedelta"
    ["datetime", zone or None]  ["Timestamp", zone or None]     zones as in ``zones``
    ["decimal", companion or None]      exponents of the values where they are not all the scale (see `_decimals`)
    ["numpy", dtype name]               numpy scalars; ``"str"`` for ``numpy.str_``
    ["ndarray"]                         one-dimensional numpy arrays of one dtype
    ["list", kind, missing]  ["tuple", kind, missing]
    ["record", [kind, missing]…]        tuples of one length whose places hold different kinds
    ["dict", [kind, missing]…]          dicts with the same text keys in the same order

    missing = 1 None, 2 float NaN, 3 NaT, 4 NA, 5 numpy.float64 NaN, 6 Decimal NaN
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lineageflow_jupyter.frames.content import Encoded, Place, contiguous, shown
from lineageflow_jupyter.frames.object_values import (
    DEFAULT_MISSING,
    EXACT,
    MISSING,
    NUMPY,
    Kind,
    Values,
    stamps,
    timedelta_objects,
)
from lineageflow_jupyter.frames.zones import encode_zone

_MISSING_CODES = {type(value): code for code, value in enumerate(MISSING) if code}
_NATIVE: dict[type, tuple[str, Any]] = {
    bool: ("bool", pa.bool_()),
    str: ("str", pa.large_string()),
    bytes: ("bytes", pa.large_binary()),
    dt.date: ("date", pa.date32()),
    dt.time: ("time", pa.time64("us")),
    dt.timedelta: ("timedelta", pa.duration("us")),
}
_MAX_DIGITS = 76
_AS_TEXT = 'astype("str")'


class Unfit(Exception):
    """A value that does not fit its column; `position` counts the values that were passed."""

    def __init__(self, position: int, value: object, why: str, remedy: str = _AS_TEXT) -> None:
        super().__init__(position, value, why, remedy)
        self.position, self.value, self.why, self.remedy = position, value, why, remedy

    def at(self, position: int, value: object) -> Unfit:
        """The same complaint about the value that holds this one."""
        return Unfit(position, value, f"{shown(self.value)} inside it {self.why}", 'map(repr).astype("str")')


def encode_objects(values: Values, place: Place) -> tuple[Any, Encoded]:
    """Arrow array and flavour ``["object", kind, missing]`` of an object column.

    Parameters
    ----------
    values : numpy.ndarray of object, shape (n,)
        The values.
    place : Place
        Where they sit.

    Returns
    -------
    tuple of (pyarrow.Array, list)
        `missing` is a code, or ``["mask", companion]``: the code of each row, 0 where a value is present.

    Raises
    ------
    UnsupportedData
        Naming column, row and value.
    """
    try:
        array, kind, codes = _encode(values, place)
    except Unfit as unfit:
        raise place.refusal(
            unfit.why, place.remedy(unfit.remedy), row=unfit.position, value=unfit.value
        ) from unfit.__cause__
    return array, ["object", kind, _missing(codes, place)]


def _missing(codes: Values | None, place: Place | None) -> Encoded:
    """Which missing kinds occur, from the codes of all rows."""
    if codes is None:
        return DEFAULT_MISSING
    kinds = np.unique(codes[codes > 0])
    if len(kinds) == 1:
        return int(kinds[0])
    if place is None:
        second = int(np.flatnonzero(codes == kinds[1])[0])
        raise Unfit(second, MISSING[kinds[1]], "is another kind of missing value than others inside the column")
    return ["mask", place.add(pa.array(codes))]


def _encode(values: Values, place: Place | None) -> tuple[Any, Kind, Values | None]:
    """Array, kind and missing codes (None: nothing is missing) of values; nested ones have no place."""
    absent = _absent(values)
    present = values
    codes = None
    if absent.any():
        absent &= ~_float_values(values, absent)
        present = values[~absent]
        codes = np.zeros(len(values), "u1") if absent.any() else None
    if codes is not None:
        codes[absent] = [_missing_code(value) for value in values[absent]]
        if not codes[absent].all():
            row = int(np.flatnonzero(absent & (codes == 0))[0])
            raise Unfit(
                row, values[row], "is a missing value of a kind that cannot be stored", "where(x.notna(), None)"
            )
    places = np.flatnonzero(~absent) if codes is not None else None
    try:
        array, kind = _encode_present(present, place, places, len(values))
    except Unfit as unfit:
        if places is None:
            raise
        raise Unfit(int(places[unfit.position]), unfit.value, unfit.why, unfit.remedy) from unfit.__cause__
    return array, kind, codes


def _absent(values: Values) -> Any:
    try:
        return pd.isna(values)
    except InvalidOperation as error:
        row, value = next((r, v) for r, v in enumerate(values) if type(v) is Decimal and v.is_snan())
        raise Unfit(row, value, "is a signalling NaN, which cannot be stored") from error


def _float_values(values: Values, absent: Values) -> Any:
    """NaNs that are values, since the column holds floats of that very class: Arrow keeps them apart from null."""
    classes = set(map(type, values[~absent].tolist()))
    if len(classes) != 1:
        return np.zeros(len(values), bool)
    kind = classes.pop()
    if kind is not float and not (issubclass(kind, np.floating) and kind.__name__ in NUMPY):
        return np.zeros(len(values), bool)
    return np.fromiter((type(value) is kind for value in values), bool, len(values))


def _missing_code(value: Any) -> int:
    if type(value) is Decimal and str(value) != "NaN":  # signalling, negative or with a payload
        return 0
    return _MISSING_CODES.get(type(value), 0)


# --- present values --------------------------------------------------------------------------------------------------


def _encode_present(values: Values, place: Place | None, places: Values | None, rows: int) -> tuple[Any, Kind]:
    """Array of all `rows` and kind; `places` are the rows of the values, None if they are all rows."""
    if len(values) == 0:
        return pa.nulls(rows), "null"
    items = values.tolist()
    kind = _only_class(items)
    if kind in _NATIVE:
        name, target = _NATIVE[kind]
        array = _native(values, items, kind, target)
        encoded: Kind = name
    elif kind is dict:
        array, encoded = _dicts(items)
    elif kind in (list, tuple):
        array, encoded = _sequences(items, kind)
    elif kind is Decimal:
        array, companion = _decimals(items, place, places, rows)
        encoded = ["decimal", companion]
    elif kind is dt.datetime or kind is pd.Timestamp:
        array, encoded = _datetimes(items, kind)
    elif kind in _ENCODERS:
        array, encoded = _ENCODERS[kind](items)
    elif issubclass(kind, np.generic):
        array, encoded = _numpy_scalars(items, kind)
    else:
        raise Unfit(0, items[0], f"is of the class {kind.__module__}.{kind.__qualname__}, which cannot be stored")
    return (array if places is None else _spread(array, places, rows)), encoded


def _only_class(items: list[Any]) -> type:
    kinds = set(map(type, items))
    first = type(items[0])
    if len(kinds) == 1:
        return first
    row = next(row for row, value in enumerate(items) if type(value) is not first)
    value, other = items[row], type(items[row])
    remedy = _AS_TEXT
    if all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds):
        remedy = 'astype("float64")'
    raise Unfit(row, value, f"is of the class {other.__name__}, where earlier rows hold {first.__name__}", remedy)


def _spread(array: Any, places: Values, rows: int) -> Any:
    """The values at their rows, null elsewhere."""
    index = np.zeros(rows, "i8")
    index[places] = np.arange(len(places))
    absent = np.ones(rows, bool)
    absent[places] = False
    return array.take(pa.array(index, mask=absent))


def _native(values: Values, items: list[Any], kind: type, target: Any) -> Any:
    if kind is dt.time:
        for row, value in enumerate(items):
            if value.tzinfo is not None or value.fold:
                raise Unfit(row, value, "has a zone or a fold, which times of day cannot keep")
    try:
        return contiguous(pa.array(values, target, from_pandas=False))
    except UnicodeEncodeError as error:
        row = next(row for row, value in enumerate(items) if _broken_text(value))
        raise Unfit(
            row,
            items[row],
            "holds a lone surrogate, which is not valid Unicode",
            'map(lambda text: text.encode("utf-8", "replace").decode(), na_action="ignore")',
        ) from error
    except (pa.ArrowInvalid, OverflowError) as error:
        row = next(row for row, value in enumerate(items) if not _converts(value, target))
        raise Unfit(row, items[row], f"does not fit the Arrow type {target}") from error


def _broken_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _converts(value: object, target: Any) -> bool:
    try:
        pa.scalar(value, target)
    except (pa.ArrowInvalid, OverflowError):
        return False
    return True


def _ints(items: list[Any]) -> tuple[Any, Kind]:
    low, high = min(items), max(items)
    if low >= -(2**63) and high < 2**63:
        return pa.array(np.array(items, "i8")), "int"
    if low >= 0 and high < 2**64:
        return pa.array(np.array(items, "u8")), "int"
    too_far = (lambda value: not 0 <= value < 2**64) if high >= 2**63 else (lambda value: value < -(2**63))
    row = next(row for row, value in enumerate(items) if too_far(value))
    raise Unfit(row, items[row], "does not fit 64 bits together with the other values of its column")


def _floats(items: list[Any]) -> tuple[Any, Kind]:
    return pa.array(np.array(items, "f8")), "float"


def _uuids(items: list[uuid.UUID]) -> tuple[Any, Kind]:
    for row, value in enumerate(items):
        if value.is_safe is not uuid.SafeUUID.unknown:
            items[row] = value = uuid.UUID(bytes=value.bytes)  # equal: is_safe says how it was made, not what it is
    data = pa.py_buffer(b"".join(value.bytes for value in items))
    return pa.Array.from_buffers(pa.binary(16), len(items), [None, data]), "uuid"


def _numpy_scalars(items: list[Any], kind: type) -> tuple[Any, Kind]:
    if kind is np.str_:
        array = _native(np.fromiter(map(str, items), object, len(items)), items, str, pa.large_string())
        return array, ["numpy", "str"]
    name = np.dtype(kind).name
    if name not in NUMPY:
        raise Unfit(
            0,
            items[0],
            f"is a numpy scalar of the dtype {name}, which cannot be stored as an object",
            "infer_objects()",
        )
    return pa.array(np.array(items, name)), ["numpy", name]


def _datetimes(items: list[Any], kind: type) -> tuple[Any, Kind]:
    zone = None
    for row, value in enumerate(items):
        try:
            found = None if value.tzinfo is None else encode_zone(value.tzinfo)
        except ValueError as error:
            raise Unfit(row, value, f"cannot be stored: {error}", 'dt.tz_convert("UTC")') from error
        if row and found != zone:
            raise Unfit(row, value, "has another time zone than earlier rows", "map(pd.to_datetime)")
        zone = found
    if kind is pd.Timestamp:
        unit = _only_unit(items, "datetime64")
        array = pa.array(np.array([value.to_datetime64() for value in items], f"M8[{unit}]"))
    else:
        try:
            array = pa.array(
                [value if zone is None else value.astimezone(dt.UTC) for value in items], pa.timestamp("us")
            )
        except OverflowError as error:
            raise Unfit(0, items[0], "or a later value is outside of the years 1 to 9999 in UTC") from error
    encoded = [kind.__name__, zone]
    _prove(
        items, stamps(array, encoded), lambda value: (value, value.replace(tzinfo=None), value.fold, value.utcoffset())
    )
    return array, encoded


def _timedeltas(items: list[Any]) -> tuple[Any, Kind]:
    unit = _only_unit(items, "timedelta64")
    array = pa.array(np.array([value.to_timedelta64() for value in items], f"m8[{unit}]"))
    _prove(items, timedelta_objects(array), lambda value: value)
    return array, "Timedelta"


def _only_unit(items: list[Any], dtype: str) -> str:
    unit: str = items[0].unit
    for row, value in enumerate(items):
        if value.unit != unit:
            why = f"has the unit {value.unit}, where earlier rows have {unit}"
            raise Unfit(row, value, why, f'astype("{dtype}[{unit}]")')
    return unit


def _prove(items: Sequence[Any], back: Values, facts: Callable[[Any], Any]) -> None:
    """Refuse the first value that did not come back with the same class and facts."""
    for row, (value, found) in enumerate(zip(items, back.tolist(), strict=True)):
        if type(value) is not type(found) or facts(value) != facts(found):
            raise Unfit(row, value, f"would come back as {shown(found)}")


def _decimals(items: list[Decimal], place: Place | None, places: Values | None, rows: int) -> tuple[Any, int | None]:
    """Decimals at the scale of the most precise one; exponents that differ, and signs of zeros, in a companion.

    The companion holds ``2 * exponent``, plus 1 for a negative zero, and 0 where the value is missing.
    """
    parts = [value.as_tuple() for value in items]
    for row, part in enumerate(parts):
        if not isinstance(part.exponent, int):
            raise Unfit(row, items[row], "is not a finite number")
    exponents = [int(part.exponent) for part in parts]
    scale = max(0, -min(exponents))
    digits = [
        max(len(part.digits) + exponent, 1) if any(part.digits) else 1
        for part, exponent in zip(parts, exponents, strict=True)
    ]
    widest = int(np.argmax(digits))
    if digits[widest] + scale > _MAX_DIGITS:
        raise Unfit(
            widest, items[widest], f"needs more than {_MAX_DIGITS} digits at the {scale} decimal places of its column"
        )
    kind = pa.decimal128(38, scale) if digits[widest] + scale <= 38 else pa.decimal256(_MAX_DIGITS, scale)
    unit = Decimal((0, (1,), -scale))
    array = pa.array([value.quantize(unit, context=EXACT) for value in items], kind)
    states = np.array(
        [2 * exponent + (part.sign and not any(part.digits)) for part, exponent in zip(parts, exponents, strict=True)],
        "i4",
    )
    if (states == -2 * scale).all():
        return array, None
    if place is None:
        row = int(np.flatnonzero(states != -2 * scale)[0])
        raise Unfit(
            row, items[row], f"has another number of decimal places than {scale}, as others inside the column have"
        )
    full = np.zeros(rows, "i4")
    full[slice(None) if places is None else places] = states
    return array, place.add(pa.array(full))


# --- nested values ---------------------------------------------------------------------------------------------------


def _sequences(items: list[Any], kind: type) -> tuple[Any, Kind]:
    lengths = np.fromiter(map(len, items), "i8", len(items))
    flat = np.fromiter(chain.from_iterable(items), object, int(lengths.sum()))
    try:
        child, inner, codes = _encode(flat, None)
        encoded = [kind.__name__, inner, _missing(codes, None)]
        array = _list_array(lengths, child)
    except Unfit as unfit:
        row = int(np.searchsorted(np.cumsum(lengths), unfit.position, side="right"))
        if kind is not tuple or (lengths != lengths[0]).any():
            raise unfit.at(row, items[row]) from unfit.__cause__
        try:
            array, fields = _struct(
                [str(i) for i in range(int(lengths[0]))], [list(column) for column in zip(*items, strict=True)]
            )
        except Unfit as inside:
            raise inside.at(inside.position, items[inside.position]) from inside.__cause__
        encoded = ["record", *fields]
    return array, encoded


def _list_array(lengths: Values, child: Any) -> Any:
    offsets: Any = np.zeros(len(lengths) + 1, "i8")
    np.cumsum(lengths, out=offsets[1:])
    kind = pa.large_list(pa.field("item", child.type))
    return pa.Array.from_buffers(kind, len(lengths), [None, pa.py_buffer(offsets)], children=[child])


def _struct(names: list[str], columns: list[list[Any]]) -> tuple[Any, list[Encoded]]:
    children, fields = [], []
    for column in columns:
        child, kind, codes = _encode(np.fromiter(column, object, len(column)), None)
        children.append(child)
        fields.append([kind, _missing(codes, None)])
    return pa.StructArray.from_arrays(children, names), fields


def _dicts(items: list[dict[Any, Any]]) -> tuple[Any, Kind]:
    keys = list(items[0])
    for row, value in enumerate(items):
        if list(value) != keys:
            raise Unfit(
                row,
                value,
                f"has other keys than {shown(keys)}, the keys of earlier rows",
                'map(json.dumps).astype("str")',
            )
    if not keys or any(type(key) is not str or _broken_text(key) for key in keys):
        raise Unfit(0, items[0], "has no keys, or keys that are not text", "map(list)")
    try:
        array, fields = _struct(keys, [[value[key] for value in items] for key in keys])
    except Unfit as unfit:
        raise unfit.at(unfit.position, items[unfit.position]) from unfit.__cause__
    return array, ["dict", *fields]


def _ndarrays(items: list[Values]) -> tuple[Any, Kind]:
    dtype = items[0].dtype
    for row, value in enumerate(items):
        if value.ndim != 1:
            raise Unfit(row, value, "is not one-dimensional", "map(np.ndarray.tolist)")
        if value.dtype != dtype:
            raise Unfit(
                row,
                value,
                f"has the dtype {value.dtype}, where earlier rows have {dtype}",
                f'map(lambda x: x.astype("{dtype}"), na_action="ignore")',
            )
    timed = dtype.kind in "mM" and np.datetime_data(dtype) in (("s", 1), ("ms", 1), ("us", 1), ("ns", 1))
    if not dtype.isnative or (dtype.name not in NUMPY and not timed):
        raise Unfit(
            0, items[0], f"is a numpy array of the dtype {dtype}, which cannot be stored", "map(np.ndarray.tolist)"
        )
    lengths = np.fromiter(map(len, items), "i8", len(items))
    return _list_array(lengths, contiguous(pa.array(np.concatenate(items), from_pandas=timed))), ["ndarray"]


_ENCODERS: dict[type, Callable[[list[Any]], tuple[Any, Kind]]] = {
    int: _ints,
    float: _floats,
    uuid.UUID: _uuids,
    pd.Timedelta: _timedeltas,
    np.ndarray: _ndarrays,
}
