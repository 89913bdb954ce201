"""Labels and ``attrs`` as plain tagged lists: single Python values, told apart by their exact type.

A value is itself where MessagePack keeps it exactly (None, bool, 64-bit int, float, str, bytes), else a list that
starts with a tag:

====================================  ==============================================================================
``["nan"]`` ``["NaT"]`` ``["NA"]``    float NaN, ``pd.NaT``, ``pd.NA``
``["int", text]``                     an int beyond 64 bits, in decimal digits
``["complex", real, imag]``           parts as encoded floats
``["list", item…]`` ``["tuple", …]``  encoded items
``["dict", [key, value]…]``           encoded pairs, sorted by the bytes of the encoded keys
``["date", text]`` ``["time", text]``  ISO 8601; times without a zone
``["datetime", text, zone, fold]``    ISO 8601 wall clock; zone as in `zones` or None
``["timedelta", days, s, us]``
``["Timestamp", count, unit, zone]``  units since 1970-01-01 (UTC if there is a zone)
``["Timedelta", count, unit]``
``["Period", ordinal, freq]``
``["Interval", left, right, closed]``  encoded ends
``["Decimal", text]`` ``["UUID", bytes]``
``["numpy", dtype, bytes]``           a numpy scalar, little-endian
``["numpy.str", text]``
====================================  ==============================================================================
"""

from __future__ import annotations

import datetime as dt
import math
import re
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from lineageflow_jupyter.frames.content import Encoded, shown, unreadable
from lineageflow_jupyter.frames.zones import decode_zone, encode_zone
from lineageflow_jupyter.model.objects import encode

_PLAIN = (type(None), bool, bytes)
_DEPTH = 50
_NUMPY = re.compile(r"[|<](b1|[iu][1248]|f[248]|c8|c16|[mM]8\[(Y|M|W|D|h|m|s|ms|us|ns)\])")
_TAGS = frozenset(
    {
        "nan", "NaT", "NA", "int", "complex", "list", "tuple", "dict", "date", "time", "datetime", "timedelta",
        "Timestamp", "Timedelta", "Period", "Interval", "Decimal", "UUID", "numpy", "numpy.str",
    }
)  # fmt: skip


class Unencodable(ValueError):
    """A value that has no tagged form; the text says which and why."""


def encode_value(value: object, depth: int = _DEPTH) -> Encoded:
    """Tagged form of one value.

    Parameters
    ----------
    value : object
        A label or an item of ``attrs``.
    depth : int, default 50
        How many containers may still be nested.

    Raises
    ------
    Unencodable
        If the value, or one inside it, could not come back exactly.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str | np.str_):
        return _encode_text(value)
    if isinstance(value, bool | int | float | complex) and kind in (int, float, complex):
        return _encode_number(value)
    if value is pd.NaT:
        return ["NaT"]
    if value is pd.NA:
        return ["NA"]
    if isinstance(value, np.generic):
        return _encode_numpy(value)
    if kind in (list, tuple, dict):
        if depth == 0:
            raise Unencodable(f"{shown(value)} is nested more than {_DEPTH} levels deep")
        return _encode_container(value, depth - 1)
    return _encode_object(value)


def _encode_text(value: str) -> Encoded:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Unencodable(f"{shown(value)} holds a lone surrogate, which is not valid Unicode") from error
    if type(value) is str:
        return value
    if type(value) is np.str_:
        return ["numpy.str", str(value)]
    raise _foreign(value)


def _encode_number(value: complex) -> Encoded:
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else ["int", str(value)]
    if isinstance(value, float):
        return ["nan"] if math.isnan(value) else value
    return ["complex", _encode_number(value.real), _encode_number(value.imag)]


def _encode_numpy(value: np.generic[Any]) -> Encoded:
    dtype = value.dtype.newbyteorder("<")
    if not _NUMPY.fullmatch(dtype.str):
        raise _foreign(value)
    return ["numpy", dtype.str, np.asarray(value).astype(dtype).tobytes()]


def _encode_container(value: Any, depth: int) -> Encoded:
    if isinstance(value, dict):
        pairs = [[encode_value(key, depth), encode_value(item, depth)] for key, item in value.items()]
        return ["dict", *sorted(pairs, key=lambda pair: encode(pair[0]))]
    return [type(value).__name__, *(encode_value(item, depth) for item in value)]


def _encode_object(value: Any) -> Encoded:
    kind = type(value)
    try:
        if kind is pd.Timestamp:
            count = int(value.to_datetime64().astype("i8"))
            return ["Timestamp", count, value.unit, None if value.tzinfo is None else encode_zone(value.tzinfo)]
        if kind is dt.datetime:
            zone = None if value.tzinfo is None else encode_zone(value.tzinfo)
            return ["datetime", value.replace(tzinfo=None, fold=0).isoformat(), zone, value.fold]
    except ValueError as error:
        raise Unencodable(f"{shown(value)}: {error}") from error
    if kind is pd.Timedelta:
        return ["Timedelta", int(value.to_timedelta64().astype("i8")), value.unit]
    if kind is pd.Period:
        with without_period_warnings():
            return ["Period", value.ordinal, period_freq(pd.PeriodDtype(value.freq))]
    if kind is pd.Interval:
        return ["Interval", encode_value(value.left), encode_value(value.right), value.closed]
    if kind is dt.timedelta:
        return ["timedelta", value.days, value.seconds, value.microseconds]
    if kind is dt.date or (kind is dt.time and value.tzinfo is None and not value.fold):
        return [kind.__name__, value.isoformat()]
    if kind is Decimal:
        return ["Decimal", str(value)]
    if kind is uuid.UUID:
        return ["UUID", value.bytes]
    raise _foreign(value)


def _foreign(value: object) -> Unencodable:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Unencodable(f"{shown(value)} is of the class {name}, of which no value can be stored")


def decode_value(encoded: Encoded) -> Any:
    """Inverse of `encode_value`."""
    if not isinstance(encoded, list):
        if isinstance(encoded, type(None) | bool | int | float | str | bytes):
            return encoded
        raise unreadable("value", encoded, _TAGS)
    match encoded:
        case ["nan"]:
            return float("nan")
        case ["NaT"]:
            return pd.NaT
        case ["NA"]:
            return pd.NA
        case ["int", str(text)]:
            return int(text)
        case ["complex", real, imag]:
            return complex(decode_value(real), decode_value(imag))
        case ["list", *items]:
            return [decode_value(item) for item in items]
        case ["tuple", *items]:
            return tuple(decode_value(item) for item in items)
        case ["dict", *pairs]:
            return {decode_value(key): decode_value(item) for key, item in pairs}
        case ["numpy", str(dtype), bytes(data)] if _NUMPY.fullmatch(dtype):
            return np.frombuffer(data, dtype)[0]
        case ["numpy.str", str(text)]:
            return np.str_(text)
        case ["Decimal", str(text)]:
            return Decimal(text)
        case ["UUID", bytes(data)]:
            return uuid.UUID(bytes=data)
        case ["Interval", left, right, str(closed)]:
            return pd.Interval(decode_value(left), decode_value(right), closed)  # type: ignore[arg-type]
        case ["Period", int(ordinal), str(freq)]:
            with without_period_warnings():
                return pd.Period(ordinal=ordinal, freq=period_dtype(freq).freq)  # type: ignore[arg-type]
    return _decode_time(encoded)


def _decode_time(encoded: list[Any]) -> Any:
    match encoded:
        case ["date", str(text)]:
            return dt.date.fromisoformat(text)
        case ["time", str(text)]:
            return dt.time.fromisoformat(text)
        case ["datetime", str(text), zone, int(fold)]:
            tzinfo = None if zone is None else decode_zone(zone)
            naive = dt.datetime.fromisoformat(text).replace(fold=fold)
            if zone is not None and zone[0] == "pytz":
                return tzinfo.localize(naive, is_dst=not fold)  # type: ignore[union-attr]
            return naive.replace(tzinfo=tzinfo)
        case ["timedelta", int(days), int(seconds), int(microseconds)]:
            return dt.timedelta(days, seconds, microseconds)
        case ["Timestamp", int(count), str(unit), zone]:
            stamp = pd.DatetimeIndex(np.array([count], "i8").view(f"M8[{unit}]"))
            return (stamp if zone is None else stamp.tz_localize("UTC").tz_convert(decode_zone(zone)))[0]
        case ["Timedelta", int(count), str(unit)]:
            return pd.TimedeltaIndex(np.array([count], "i8").view(f"m8[{unit}]"))[0]
    raise unreadable("value", encoded, _TAGS)


def period_freq(dtype: pd.PeriodDtype) -> str:
    """Frequency of periods as their dtype spells it, such as ``"Q-DEC"``."""
    return str(dtype)[len("period[") : -1]


@contextmanager
def without_period_warnings() -> Iterator[None]:
    """Quiet for what the frame held already: pandas deprecates business-day periods, which users still have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def period_dtype(freq: str) -> pd.PeriodDtype:
    """Dtype of periods of a frequency."""
    with without_period_warnings():
        return pd.PeriodDtype(freq)
