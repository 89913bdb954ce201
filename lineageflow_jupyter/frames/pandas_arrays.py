"""pandas arrays of every dtype as Arrow arrays with a flavour, and back to exactly that dtype.

A flavour says what the stored type leaves open. None is the flavour of numpy's bool, integers, floats, ``datetime64``
and ``timedelta64``, and for text of the dtype ``str``; others are::

    ["complex"]                             a struct of two floats
    ["zoned", zone]                         ``datetime64`` with a zone (``zones.encode_dtype_zone``)
    ["period", freq]                        ordinals
    ["interval", closed, flavour]           a struct of left and right, each of `flavour`
    ["categorical", ordered, companion, flavour, form]   the companion holds the categories, which are of `flavour`;
                                            form: see `encode_form`
    ["nullable"]                            ``Int64``, ``Float64``, ``boolean`` and their like
    ["string", storage]                     ``string`` with NA, ``"python"`` or ``"pyarrow"``
    ["str", "python"]                       ``str`` with NaN, kept as Python objects
    ["arrow", type]                         ``ArrowDtype`` (``arrow_types``)
    ["arrow", type, companion]              the same for dictionaries: their order is the companion
    ["object", kind, missing]               Python objects (``object_columns``)

pandas 2.2 has no dtype ``str``: there, values of that flavour come back as objects with NaN where they are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.tseries.frequencies import to_offset

from lineageflow_jupyter.frames.arrow_types import (
    UnsupportedType,
    decode_values,
    encode_values,
    ordered_dictionary,
)
from lineageflow_jupyter.frames.bits import unpack_bits, valid_flags
from lineageflow_jupyter.frames.content import Encoded, Place, contiguous, damaged, unreadable
from lineageflow_jupyter.frames.labels import period_dtype, period_freq, without_period_warnings
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.object_columns import encode_objects
from lineageflow_jupyter.frames.object_values import decode_objects
from lineageflow_jupyter.frames.zones import decode_dtype_zone, encode_dtype_zone

Companion = Callable[[Encoded], Any]
"""Gives a companion by its number."""

_TAGS = frozenset(
    {"complex", "zoned", "period", "interval", "categorical", "nullable", "string", "str", "arrow", "object"}
)
_UNITS = frozenset({"s", "ms", "us", "ns"})
_NAT = np.iinfo("i8").min


def _nan_string(storage: str) -> Any:
    """The dtype ``str`` of this pandas, or None where it has none."""
    try:
        return pd.StringDtype(storage, na_value=np.nan)
    except TypeError:
        return None


_STR = _nan_string("pyarrow")


def is_object(dtype: Any) -> bool:
    """Whether a dtype is numpy's object."""
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def has_str() -> bool:
    """Whether this pandas gives text the dtype ``str``."""
    return not is_object(pd.Series(["a"]).dtype)


# --- to Arrow --------------------------------------------------------------------------------------------------------


def encode_array(values: Any, place: Place) -> tuple[Any, Encoded]:
    """Arrow array and flavour of a pandas array.

    Parameters
    ----------
    values : numpy.ndarray or pandas.api.extensions.ExtensionArray, shape (n,)
        The values.
    place : Place
        Where they sit.

    Returns
    -------
    tuple of (pyarrow.Array or pyarrow.ChunkedArray, list or None)
        Without a copy where the layout allows.

    Raises
    ------
    UnsupportedData
        Naming column, row, value and remedy.
    """
    if type(values) is pd.arrays.NumpyExtensionArray:
        values = values.to_numpy()
    if isinstance(values, np.ndarray):
        return _encode_numpy(values, place)
    for kind, encoder in _ENCODERS:
        if isinstance(values.dtype, kind):
            if type(values.dtype) is not kind and kind is not pd.api.extensions.ExtensionDtype:
                break
            return encoder(values, place)
    dtype = values.dtype
    raise place.refusal(
        f"the dtype {dtype} ({type(dtype).__module__}.{type(dtype).__qualname__}) cannot be stored",
        place.remedy('astype("object")'),
    )


def _encode_numpy(values: np.ndarray[Any, Any], place: Place) -> tuple[Any, Encoded]:
    dtype = values.dtype
    if dtype.kind == "O":
        return encode_objects(values, place)
    if not dtype.isnative:
        raise place.refusal(
            f"the dtype {dtype} has the byte order of another machine",
            place.remedy(f'astype("{dtype.newbyteorder("=").name}")'),
        )
    if dtype.kind in "biuf" and dtype.itemsize <= 8:
        return pa.array(values, from_pandas=False), None
    if dtype.kind in "mM" and np.datetime_data(dtype)[0] in _UNITS and np.datetime_data(dtype)[1] == 1:
        return contiguous(pa.array(values)), None
    if dtype.kind == "c" and dtype.itemsize <= 16:
        parts = [pa.array(np.ascontiguousarray(part), from_pandas=False) for part in (values.real, values.imag)]
        return pa.StructArray.from_arrays(parts, ["real", "imag"]), ["complex"]
    smaller = {"f": "float64", "c": "complex128"}.get(dtype.kind, "str")
    raise place.refusal(f"the dtype {dtype} cannot be stored", place.remedy(f'astype("{smaller}")'))


def _encode_zoned(values: Any, place: Place) -> tuple[Any, Encoded]:
    try:
        zone = encode_dtype_zone(values.dtype.tz)
    except ValueError as error:
        raise place.refusal(str(error), place.remedy('dt.tz_convert("UTC")')) from error
    moments = np.asarray(values, dtype=f"M8[{values.dtype.unit}]")
    return contiguous(pa.array(moments)), ["zoned", zone]


def _encode_period(values: Any, place: Place) -> tuple[Any, Encoded]:
    freq = period_freq(values.dtype)
    if period_dtype(freq) != values.dtype:
        raise place.refusal(f"the frequency of {values.dtype} has no name", place.remedy('astype("str")'))
    ordinals = values.asi8
    absent = ordinals == _NAT
    return pa.array(ordinals, mask=absent if absent.any() else None), ["period", freq]


def _encode_interval(values: Any, place: Place) -> tuple[Any, Encoded]:
    ends = [encode_array(_bare(end), place) for end in (values.left, values.right)]
    absent = values.isna()
    mask = pa.array(absent) if absent.any() else None
    array = pa.StructArray.from_arrays([contiguous(end) for end, _ in ends], ["left", "right"], mask=mask)
    return array, ["interval", values.closed, ends[0][1]]


def _encode_categorical(values: Any, place: Place) -> tuple[Any, Encoded]:
    categories, flavour = encode_array(_bare(values.categories), place.beside("categories"))
    order = normalise(categories)
    if pa.types.is_dictionary(order.type):
        raise place.refusal("categories that are categorical cannot be stored", place.remedy('astype("str")'))
    number = place.beside("categories").add(order)
    codes = values.codes
    absent = codes < 0
    indices = pa.array(codes.astype("i4"), mask=absent if absent.any() else None)
    array = pa.DictionaryArray.from_arrays(indices, order)
    return array, ["categorical", bool(values.ordered), number, flavour, encode_form(values.categories)]


def _encode_nullable(values: Any, place: Place) -> tuple[Any, Encoded]:
    return contiguous(values.__arrow_array__()), ["nullable"]


def _encode_string(values: Any, place: Place) -> tuple[Any, Encoded]:
    dtype = values.dtype
    storage = dtype.storage
    if storage == "python":
        objects = np.asarray(values, dtype=object)
        absent = values.isna()
        plain = objects
        if absent.any():
            plain = objects.copy()
            plain[absent] = None
        array, _ = encode_objects(plain, place)
        if pa.types.is_null(array.type):
            array = array.cast(pa.large_string())
    else:
        array = values.__arrow_array__()
    if dtype.na_value is pd.NA and storage in ("python", "pyarrow"):
        return array, ["string", storage]
    return array, ["str", "python"] if storage == "python" else None


def _encode_arrow(values: Any, place: Place) -> tuple[Any, Encoded]:
    try:
        return encode_values(values.__arrow_array__(), place.beside("dictionary").add)
    except UnsupportedType as error:
        raise place.refusal(str(error), "Cast the column to a primitive, text, list or struct type first") from error


def _refuse_sparse(values: Any, place: Place) -> tuple[Any, Encoded]:
    raise place.refusal(
        f"sparse columns ({values.dtype}) cannot be stored",
        f"Make it dense first: {place.expression} = {place.expression}.sparse.to_dense()"
        if place.expression
        else "Make it dense first with .sparse.to_dense()",
    )


def _bare(index: Any) -> Any:
    """Values of an index without an extension wrapper around numpy."""
    return index.array if isinstance(index.dtype, pd.api.extensions.ExtensionDtype) else index.to_numpy()


_ENCODERS: list[tuple[type, Callable[[Any, Place], tuple[Any, Encoded]]]] = [
    (pd.DatetimeTZDtype, _encode_zoned),
    (pd.PeriodDtype, _encode_period),
    (pd.IntervalDtype, _encode_interval),
    (pd.CategoricalDtype, _encode_categorical),
    (pd.StringDtype, _encode_string),
    (pd.ArrowDtype, _encode_arrow),
    (pd.SparseDtype, _refuse_sparse),
    *(
        (kind, _encode_nullable)
        for kind in (
            pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype, pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype,
            pd.UInt64Dtype, pd.Float32Dtype, pd.Float64Dtype, pd.BooleanDtype,
        )
    ),
]  # fmt: skip


# --- and back --------------------------------------------------------------------------------------------------------


def decode_array(array: Any, flavour: Encoded, companion: Companion) -> Any:
    """Inverse of `encode_array`.

    Parameters
    ----------
    array : pyarrow.Array
        Stored values on memory that nobody else uses; numbers and times become numpy arrays on it without a copy.
    flavour : list or None
        How they were kept.
    companion : callable
        Gives a companion by its number.

    Returns
    -------
    numpy.ndarray or pandas.api.extensions.ExtensionArray
        Of exactly the dtype that was stored.
    """
    if flavour is None:
        return _decode_default(array)
    match flavour:
        case ["object", _, _]:
            return decode_objects(array, flavour, companion)
        case ["nullable"]:
            return _decode_nullable(array)
        case ["zoned", zone]:
            moments = _numpy(array)
            return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(decode_dtype_zone(zone)).array.copy()
        case ["categorical", bool(ordered), number, inner, form]:
            categories = as_index(decode_array(companion(number), inner, companion))
            categories = with_form(categories, form)
            return _decode_categorical(array, ordered, companion(number), categories)
        case ["arrow", *_]:
            values = decode_values(array, flavour, companion)
            return pd.arrays.ArrowExtensionArray(
                values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
            )
        case ["string", "python" | "pyarrow" as storage]:
            return _text(array, pd.StringDtype(storage))
        case ["str", "python"]:
            return _text(array, _nan_string("python"))
        case ["period", str(freq)]:
            ordinals = _numpy(array, absent=_NAT)
            with without_period_warnings():
                return pd.PeriodIndex.from_ordinals(  # type: ignore[attr-defined]
                    ordinals, freq=period_dtype(freq).freq
                ).array.copy()
        case ["interval", str(closed), inner]:
            _expect(array, pa.types.is_struct(array.type) and array.type.num_fields == 2)
            left, right = (pd.Index(decode_array(end, inner, companion)) for end in array.flatten())
            ends: Any = closed
            return pd.arrays.IntervalArray.from_arrays(left, right, closed=ends)
        case ["complex"]:
            return _decode_complex(array)
    raise unreadable("dtype", flavour, _TAGS)


def _expect(array: Any, fits: bool) -> None:
    if not fits:
        raise damaged(f"a column of the type {array.type} does not hold what it is said to hold")


def _decode_default(array: Any) -> Any:
    kind = array.type
    types = pa.types
    if types.is_large_string(kind):
        return _text(array, _STR)
    if types.is_boolean(kind):
        _expect(array, array.null_count == 0)
        return _flags(array)
    if types.is_floating(kind) or types.is_timestamp(kind) or types.is_duration(kind):
        return _numpy(array)
    _expect(array, types.is_integer(kind) and array.null_count == 0)
    return _numpy(array)


def numpy_dtype(kind: Any) -> Any:
    """Dtype of the bytes of a primitive Arrow type."""
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return np.dtype(f"{'M' if pa.types.is_timestamp(kind) else 'm'}8[{kind.unit}]")
    return np.dtype(kind.to_pandas_dtype())


def _numpy(array: Any, *, absent: Any = None) -> np.ndarray[Any, Any]:
    """Values on the array's own memory if it is writable, else on a copy; `absent` or NaN or NaT where null."""
    dtype = numpy_dtype(array.type)
    data = array.buffers()[1]
    if data is None or len(array) == 0:
        return np.empty(0, dtype)
    values = _writable(np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize))
    if array.null_count:
        filler = {"f": np.nan, "M": np.datetime64("NaT"), "m": np.timedelta64("NaT")}.get(dtype.kind, absent)
        values[array.is_null().to_numpy(zero_copy_only=False)] = filler
    return values


def _flags(array: Any) -> np.ndarray[Any, Any]:
    """Values of a boolean array, whatever at null rows; Arrow's own conversion takes fifteen times as long."""
    if not len(array):
        return np.empty(0, bool)
    return unpack_bits(array.buffers()[1], array.offset, len(array))


def _writable(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values if values.flags.writeable else values.copy()


def _decode_nullable(array: Any) -> Any:
    kind = array.type
    mask = ~valid_flags(array)
    if pa.types.is_boolean(kind):
        return pd.arrays.BooleanArray(_flags(array) & ~mask, mask)
    _expect(array, pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64()))
    values = _numpy(array, absent=1)
    make = pd.arrays.FloatingArray if pa.types.is_floating(kind) else pd.arrays.IntegerArray
    return make(values, mask)


def _text(array: Any, dtype: Any) -> Any:
    _expect(array, pa.types.is_large_string(array.type))
    if dtype is None:  # a pandas without `str`
        values = array.to_numpy(zero_copy_only=False)
        if array.null_count:
            values[array.is_null().to_numpy(zero_copy_only=False)] = np.nan
        return values
    return dtype.__from_arrow__(array)


def _decode_categorical(array: Any, ordered: bool, order: Any, categories: Any) -> Any:
    _expect(array, pa.types.is_dictionary(array.type))
    indices = ordered_dictionary(array, order).indices
    codes = indices.fill_null(-1).to_numpy() if indices.null_count else indices.to_numpy()
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, ordered))


def _decode_complex(array: Any) -> Any:
    _expect(array, pa.types.is_struct(array.type) and array.type.num_fields == 2 and array.null_count == 0)
    real, imaginary = (_numpy(array.field(i)) for i in range(2))
    values = np.empty(len(array), "c8" if real.dtype == "f4" else "c16")
    values.real, values.imag = real, imaginary
    return values


def as_index(values: Any, name: Any = None) -> Any:
    """Index of decoded values: of their dtype, without inferring another one."""
    if is_object(values.dtype):
        return pd.Index(values, dtype=object, tupleize_cols=False, name=name)
    return pd.Index(values, name=name)


def encode_form(index: Any) -> Encoded:
    """What an index is beyond its values: a frequency of times as text, ``["range"]`` for a RangeIndex, else None.

    A frequency that cannot be had back from its text is left out.
    """
    if isinstance(index, pd.RangeIndex):
        return ["range"]
    if not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) or index.freq is None:
        return None
    text = index.freqstr
    try:
        return text if to_offset(text) == index.freq else None
    except ValueError:
        return None


def with_form(index: Any, form: Encoded) -> Any:
    """The index in its form, unless the values do not follow it, as when some were left out."""
    match form:
        case None:
            return index
        case ["range"]:
            return _ranged(index)
        case str() if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
            try:
                return type(index)(index, freq=form)
            except ValueError:  # or a later pandas spells it otherwise; it adds nothing to the values
                return index
    raise damaged(f"form {form!r} of an index of the dtype {index.dtype}")


def _ranged(index: Any) -> Any:
    if not len(index):
        return pd.RangeIndex(0, name=index.name)
    first, last = int(index[0]), int(index[-1])
    step = int(index[1]) - first if len(index) > 1 else 1
    found = pd.RangeIndex(first, last + step, step, name=index.name)
    return found if found.equals(index) else index
