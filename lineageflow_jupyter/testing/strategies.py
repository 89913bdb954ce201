"""Hypothesis strategies for frames of every dtype that LineageFlow stores.

`frames` draws from `pandas_frames`, `polars_frames` and `arrow_tables`. Rows are few: what matters is the mix of
dtypes, missing values, indexes and labels. Needs ``hypothesis``; polars only where its frames are asked for.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

Draw = Callable[[Any], Any]

UNITS = ("s", "ms", "us", "ns")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", dt.timezone(dt.timedelta(hours=5, minutes=30)))
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_FREQS = ("Y-DEC", "Y-MAR", "Q-DEC", "Q-NOV", "M", "W-SUN", "W-TUE", "D", "h", "min", "s", "ms", "us", "ns", "2M", "3h")


def _between(first: int, last: int) -> tuple[dt.datetime, dt.datetime]:
    return dt.datetime.fromisoformat(f"{first}-01-01"), dt.datetime.fromisoformat(f"{last}-01-01")


_text = st.text(max_size=6)
_dates = st.dates()
_moments = st.datetimes(*_between(1700, 2200)).map(lambda value: value.replace(fold=0))
_times = st.times().map(lambda value: value.replace(fold=0))
_spans = st.timedeltas(min_value=dt.timedelta(days=-1000), max_value=dt.timedelta(days=1000))
_decimals: st.SearchStrategy[Any] = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=None
).filter(lambda value: isinstance(value.as_tuple().exponent, int) and int(value.as_tuple().exponent) > -12)


def _integers(dtype: str) -> st.SearchStrategy[int]:
    info = np.iinfo(dtype)
    return st.integers(int(info.min), int(info.max))


def _floats(dtype: str) -> st.SearchStrategy[float]:
    return st.floats(width={"float16": 16, "float32": 32, "float64": 64}[dtype])  # type: ignore[arg-type]


def _objects(values: list[Any]) -> Any:
    array = np.empty(len(values), object)
    for row, value in enumerate(values):
        array[row] = value
    return array


@st.composite
def _lists(draw: Draw, elements: st.SearchStrategy[Any], rows: int) -> list[Any]:
    return list(draw(st.lists(elements, min_size=rows, max_size=rows)))


def _nulls(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), elements)


# --- pandas ----------------------------------------------------------------------------------------------------------


@st.composite
def numpy_arrays(draw: Draw, rows: int) -> Any:
    """Arrays of numpy's bool, integers, floats, complex numbers, datetimes and timedeltas."""
    kind = draw(
        st.sampled_from(["bool", *_INTEGERS, "float16", "float32", "float64", "complex64", "complex128", "M8", "m8"])
    )
    if kind == "bool":
        return np.array(draw(_lists(st.booleans(), rows)), bool)
    if kind.startswith("float"):
        return np.array(draw(_lists(_floats(kind), rows)), kind)
    if kind.startswith("complex"):
        width = 64 if kind == "complex64" else 128
        return np.array(draw(_lists(st.complex_numbers(width=width), rows)), kind)  # type: ignore[arg-type]
    if kind in ("M8", "m8"):
        counts = draw(_lists(st.one_of(st.just(np.iinfo("i8").min), st.integers(-(10**9), 10**9)), rows))
        return np.array(counts, "i8").view(f"{kind}[{draw(st.sampled_from(UNITS))}]")
    return np.array(draw(_lists(_integers(kind), rows)), kind)


_UNIFORM: dict[str, st.SearchStrategy[Any]] = {
    "str": _text,
    "bytes": st.binary(max_size=6),
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "big int": st.integers(0, 2**64 - 1),
    "float": st.floats(),
    "decimal": _decimals,
    "date": _dates,
    "time": _times,
    "datetime": st.datetimes().map(lambda value: value.replace(fold=0)),
    "zoned datetime": st.datetimes(*_between(1900, 2100), timezones=st.just(dt.UTC)).map(
        lambda value: value.replace(fold=0)
    ),
    "timedelta": _spans,
    "Timestamp": _moments.map(lambda value: pd.Timestamp(value).as_unit("us")),
    "Timedelta": _spans.map(lambda value: pd.Timedelta(value).as_unit("us")),
    "uuid": st.uuids(),
    "numpy int": st.integers(-100, 100).map(np.int16),
    "list": st.lists(_nulls(st.integers(-5, 5)), max_size=3),
    "text list": st.lists(_nulls(_text), max_size=3),
    "tuple": st.tuples(st.integers(-5, 5), _text),
    "array": st.lists(st.floats(width=32), max_size=3).map(lambda items: np.array(items, "f4")),
    "dict": st.builds(lambda a, b: {"a": a, "ü": b}, st.integers(-5, 5), st.lists(_text, max_size=2)),
}


@st.composite
def object_arrays(draw: Draw, rows: int, *, hashable: bool = False) -> Any:
    """Arrays of Python objects of one kind, with any mix of missing values."""
    kinds = sorted(_UNIFORM) if not hashable else ["str", "bytes", "int", "decimal", "date", "datetime", "uuid"]
    elements = _UNIFORM[draw(st.sampled_from(kinds))]
    missing = draw(st.lists(st.sampled_from([None, float("nan"), pd.NaT, pd.NA]), max_size=3))
    return _objects(draw(_lists(st.one_of(elements, st.sampled_from(missing)) if missing else elements, rows)))


@st.composite
def _categoricals(draw: Draw, rows: int) -> Any:
    count = draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["text", "object", "int", "float", "datetime", "zoned", "interval", "period", "date"]))
    if kind == "text":
        categories: Any = pd.Index(draw(st.lists(_text, min_size=count, max_size=count, unique=True)))
    elif kind == "object":
        categories = pd.Index(draw(st.lists(_text, min_size=count, max_size=count, unique=True)), dtype=object)
    elif kind == "int":
        categories = pd.Index(
            draw(st.lists(_integers("int32"), min_size=count, max_size=count, unique=True)), dtype="int32"
        )
    elif kind == "float":
        items = st.floats(allow_nan=False)
        categories = pd.Index(draw(st.lists(items, min_size=count, max_size=count, unique=True)), dtype="float64")
    elif kind == "interval":
        categories = pd.IntervalIndex.from_breaks(range(count + 1), closed=draw(st.sampled_from(["left", "both"])))
    elif kind == "period":
        categories = pd.period_range("2020-01", periods=count, freq="M")
    elif kind == "date":
        items = draw(st.lists(_dates, min_size=count, max_size=count, unique=True))
        categories = pd.Index(_objects(items), dtype=object)
    else:
        zone = draw(st.sampled_from(ZONES)) if kind == "zoned" else None
        categories = pd.date_range("2020-01-01", periods=count, freq="D", tz=zone)
    codes = draw(_lists(st.integers(-1, count - 1), rows))
    return pd.Categorical.from_codes(codes, categories=categories, ordered=draw(st.booleans()))


@st.composite
def _intervals(draw: Draw, rows: int) -> Any:
    starts = draw(_lists(st.integers(-100, 100), rows))
    left: Any = pd.Index(starts, dtype="int64")
    kind = draw(st.sampled_from(["int64", "float64", "datetime", "timedelta"]))
    if kind == "float64":
        left = left.astype("float64")
    elif kind == "datetime":
        left = pd.to_datetime(left, unit="s").tz_localize(draw(st.sampled_from([None, "UTC"])))
    elif kind == "timedelta":
        left = pd.to_timedelta(left, unit="s")
    right = left + (pd.Timedelta(1, "s") if kind in ("datetime", "timedelta") else 1)
    closed = draw(st.sampled_from(["left", "right", "both", "neither"]))
    array = pd.arrays.IntervalArray.from_arrays(left, right, closed=closed)
    if kind != "int64" and rows and draw(st.booleans()):
        array = array.copy()
        array[draw(st.integers(0, rows - 1))] = np.nan
    return array


@st.composite
def extension_arrays(draw: Draw, rows: int) -> Any:
    """Arrays of pandas' own dtypes."""
    kind = draw(st.sampled_from(["zoned", "period", "interval", "categorical", "nullable", "float", "string", "arrow"]))
    if kind == "zoned":
        unit = draw(st.sampled_from(UNITS))
        counts = draw(_lists(st.one_of(st.just(np.iinfo("i8").min), st.integers(-(10**9), 10**9)), rows))
        naive = pd.Series(np.array(counts, "i8").view(f"M8[{unit}]"))
        return naive.dt.tz_localize("UTC").dt.tz_convert(draw(st.sampled_from(ZONES))).array
    if kind == "period":
        ordinals = draw(_lists(st.integers(-500, 500), rows))
        periods = pd.PeriodIndex.from_ordinals(  # type: ignore[attr-defined]
            ordinals, freq=draw(st.sampled_from(_FREQS))
        ).array.copy()
        if rows and draw(st.booleans()):
            periods[0] = pd.NaT
        return periods
    if kind == "interval":
        return draw(_intervals(rows))
    if kind == "categorical":
        return draw(_categoricals(rows))
    mask = np.array(draw(_lists(st.booleans(), rows)), bool)
    if kind == "nullable":
        dtype = draw(st.sampled_from(["bool", *_INTEGERS]))
        if dtype == "bool":
            return pd.arrays.BooleanArray(np.array(draw(_lists(st.booleans(), rows)), bool), mask)
        return pd.arrays.IntegerArray(np.array(draw(_lists(_integers(dtype), rows)), dtype), mask)
    if kind == "float":
        dtype = draw(st.sampled_from(["float32", "float64"]))
        return pd.arrays.FloatingArray(np.array(draw(_lists(_floats(dtype), rows)), dtype), mask)
    if kind == "string":
        dtypes: list[Any] = ["string[python]", "string[pyarrow]"]
        if pd.Series(["a"]).dtype != object:
            dtypes += ["str", pd.StringDtype("python", na_value=np.nan)]
        return pd.array(_objects(draw(_lists(_nulls(_text), rows))), dtype=draw(st.sampled_from(dtypes)))
    return pd.arrays.ArrowExtensionArray(draw(_arrow_columns(rows, for_pandas=True)))


def pandas_arrays(rows: int) -> st.SearchStrategy[Any]:
    """Arrays of any dtype that a pandas column may have."""
    return st.one_of(numpy_arrays(rows), extension_arrays(rows), object_arrays(rows))


_names = st.one_of(st.none(), _text, st.integers(-5, 5), st.tuples(_text, st.integers(0, 3)))
_labels = st.one_of(
    _text, st.integers(), st.none(), st.floats(), st.booleans(), st.binary(max_size=3),
    st.tuples(_text, st.integers(0, 9)), _moments.map(lambda value: pd.Timestamp(value).as_unit("us")), _dates,
)  # fmt: skip


def _index(values: Any, name: Any = None) -> Any:
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pd.Index(values, dtype=object, tupleize_cols=False, name=name)
    return pd.Index(values, name=name)


def _indexable(values: Any) -> Any:
    if isinstance(values.dtype, pd.ArrowDtype):
        return pa.types.is_primitive(values.dtype.pyarrow_dtype)
    return values.dtype != "float16"


@st.composite
def pandas_indexes(draw: Draw, rows: int) -> Any:
    """Row indexes: ranges, typed indexes, times with a frequency, MultiIndexes."""
    kind = draw(st.sampled_from(["range", "default", "typed", "object", "freq", "multi"]))
    if kind == "default":
        return pd.RangeIndex(rows)
    if kind == "range":
        start, step = draw(st.integers(-9, 9)), draw(st.sampled_from([1, 2, -3]))
        return pd.RangeIndex(start, start + step * rows, step, name=draw(_names))
    if kind == "freq":
        freq = draw(st.sampled_from(["D", "h", "MS", "W-SUN", "2D"]))
        return pd.date_range("2020-01-01", periods=rows, freq=freq, name=draw(_names))
    if kind == "multi":
        count = draw(st.integers(1, 3))
        levels = [draw(_levels(rows)) for _ in range(count)]
        names = draw(st.lists(st.one_of(st.none(), _text), min_size=count, max_size=count))
        return pd.MultiIndex.from_arrays(levels, names=names)
    if kind == "object":
        return _index(draw(object_arrays(rows, hashable=True)), draw(_names))
    values = draw(st.one_of(numpy_arrays(rows), extension_arrays(rows)).filter(_indexable))
    return _index(values, draw(_names))


@st.composite
def _levels(draw: Draw, rows: int) -> Any:
    kind = draw(st.sampled_from(["int", "text", "float", "datetime", "categorical", "nullable"]))
    if kind == "int":
        return _index(np.array(draw(_lists(st.integers(-3, 3), rows)), "int64"))
    if kind == "text":
        return pd.Index(_objects(draw(_lists(_nulls(_text), rows))), dtype=object)
    if kind == "float":
        return _index(np.array(draw(_lists(st.sampled_from([0.5, 1.5, np.nan]), rows)), "float64"))
    if kind == "datetime":
        return pd.DatetimeIndex(np.array(draw(_lists(st.integers(0, 5), rows)), "i8").view("M8[s]"))
    if kind == "categorical":
        return pd.CategoricalIndex(draw(_categoricals(rows)))
    return _index(pd.array(draw(_lists(_nulls(st.integers(0, 3)), rows)), dtype="Int64"))


@st.composite
def pandas_labels(draw: Draw, count: int) -> Any:
    """Column labels of any kind, duplicates included."""
    kind = draw(st.sampled_from(["text", "object text", "range", "mixed", "int", "datetime", "multi", "categorical"]))
    name = draw(_names)
    if kind == "text":
        return pd.Index(draw(_lists(_text, count)), dtype=pd.Series(["a"]).dtype, name=name)
    if kind == "object text":
        return pd.Index(draw(_lists(_text, count)), dtype=object, name=name)
    if kind == "range":
        return pd.RangeIndex(count, name=name)
    if kind == "mixed":
        return pd.Index(_objects(draw(_lists(_labels, count))), dtype=object, tupleize_cols=False, name=name)
    if kind == "int":
        return pd.Index(np.array(draw(_lists(st.integers(-3, 3), count)), "int64"), name=name)
    if kind == "datetime":
        return pd.date_range("2020-01-01", periods=count, freq="MS", name=name)
    if kind == "categorical":
        return pd.CategoricalIndex(pd.Categorical(draw(_lists(st.sampled_from("abc"), count)), list("cbad")), name=name)
    levels = [draw(_lists(st.sampled_from("ab"), count)), draw(_lists(st.integers(0, 2), count))]
    return pd.MultiIndex.from_arrays(levels, names=draw(st.sampled_from([[None, None], ["x", "x"], ["a", None]])))


_attrs = st.dictionaries(
    _text,
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), _text, st.binary(max_size=3), _dates,
            _moments.map(pd.Timestamp), st.integers(-9, 9).map(np.int32), st.floats().map(np.float64),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2), st.tuples(inner, inner), st.dictionaries(_text, inner, max_size=2)
        ),
        max_leaves=5,
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def pandas_frames(draw: Draw, *, max_rows: int = 7, max_columns: int = 4, min_columns: int = 0) -> Any:
    """DataFrames of any dtypes, index and labels."""
    rows = draw(st.integers(0, max_rows))
    count = draw(st.integers(min_columns, max_columns))
    index = draw(pandas_indexes(rows))
    columns = {position: pd.Series(draw(pandas_arrays(rows)), index=index) for position in range(count)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pandas thinks of odd labels is not the point
        for position, column in columns.items():
            if column.dtype != object and draw(st.integers(0, 9)) == 0:
                columns[position] = column.iloc[::-1].set_axis(index)  # not contiguous
    frame = pd.DataFrame(columns, index=index)
    frame.columns = draw(pandas_labels(count))
    frame.attrs = draw(_attrs)
    if frame.columns.is_unique and frame.index.is_unique and draw(st.booleans()):
        frame = frame.set_flags(allows_duplicate_labels=False)
    return frame


@st.composite
def pandas_series(draw: Draw, *, max_rows: int = 7) -> Any:
    """Series of any dtype, index and name."""
    rows = draw(st.integers(0, max_rows))
    values = draw(pandas_arrays(rows))
    return pd.Series(values, index=draw(pandas_indexes(rows)), name=draw(_names), dtype=values.dtype)


# --- Arrow -----------------------------------------------------------------------------------------------------------

_ARROW: dict[Any, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    **{pa.from_numpy_dtype(np.dtype(name)): _integers(name) for name in _INTEGERS},
    pa.float32(): _floats("float32"),
    pa.float64(): _floats("float64"),
    pa.string(): _text,
    pa.large_string(): _text,
    pa.binary(): st.binary(max_size=4),
    pa.large_binary(): st.binary(max_size=4),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.date32(): _dates,
    pa.time32("ms"): _times.map(lambda value: value.replace(microsecond=0)),
    pa.time64("us"): _times,
    pa.timestamp("us"): _moments,
    pa.timestamp("ns"): _moments,
    pa.timestamp("us", "Europe/Berlin"): _moments,
    pa.duration("us"): _spans,
    pa.decimal128(30, 12): _decimals,
    pa.null(): st.none(),
}
_ARROW_ONLY: dict[Any, st.SearchStrategy[Any]] = {
    pa.date64(): _dates,
    pa.decimal256(50, 12): _decimals,
    pa.list_(pa.int64()): st.lists(_nulls(st.integers(-5, 5)), max_size=3),
    pa.large_list(pa.string()): st.lists(_nulls(_text), max_size=3),
    pa.list_(pa.int8(), 2): st.lists(st.integers(-5, 5), min_size=2, max_size=2),
    pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]): st.fixed_dictionaries(
        {"a": _nulls(st.integers(-5, 5)), "b": _nulls(st.lists(_text, max_size=2))}
    ),
    pa.map_(pa.string(), pa.int64()): st.lists(st.tuples(_text, _nulls(st.integers(-5, 5))), max_size=3),
}


@st.composite
def _arrow_columns(draw: Draw, rows: int, *, for_pandas: bool = False) -> Any:
    """Chunked arrays of any type, sometimes of two chunks, sliced or dictionary-encoded."""
    types = _ARROW if for_pandas else {**_ARROW, **_ARROW_ONLY}
    kind = draw(st.sampled_from(list(types)))
    array: Any = pa.array(draw(_lists(_nulls(types[kind]), rows + 1)), kind).slice(1)
    if kind in (pa.string(), pa.int64()) and draw(st.booleans()):
        array = array.dictionary_encode()
    cut = draw(st.integers(0, rows))
    if cut and not pa.types.is_dictionary(array.type):
        return pa.chunked_array([array.slice(0, cut), array.slice(cut)], array.type)
    return pa.chunked_array([array])


@st.composite
def arrow_tables(draw: Draw, *, max_rows: int = 7, max_columns: int = 4) -> Any:
    """Tables of any types, names (also twice the same), nullability and metadata."""
    rows = draw(st.integers(0, max_rows))
    count = draw(st.integers(0, max_columns))
    columns = [draw(_arrow_columns(rows)) for _ in range(count)]
    fields = [
        pa.field(
            draw(_text),
            column.type,
            nullable=bool(column.null_count) or draw(st.booleans()) or column.type == pa.null(),
            metadata=draw(st.sampled_from([None, {"unit": "km"}])),
        )
        for column in columns
    ]
    schema = pa.schema(fields, draw(st.sampled_from([None, {"made by": "ü"}])))
    if not count:
        batch = pa.record_batch([pa.nulls(rows)], ["x"]).select([]).replace_schema_metadata(schema.metadata)
        return pa.Table.from_batches([batch])
    return pa.Table.from_arrays(columns, schema=schema)


# --- polars ----------------------------------------------------------------------------------------------------------


@st.composite
def polars_series(draw: Draw, rows: int, name: str = "") -> Any:
    """Polars Series of any dtype that can be stored."""
    import polars as pl

    kinds: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (pl.Boolean(), st.booleans()),
        *((getattr(pl, name.replace("i", "I").replace("uI", "UI"))(), _integers(name)) for name in _INTEGERS),
        (pl.Float32(), _floats("float32")),
        (pl.Float64(), _floats("float64")),
        (pl.String(), _text),
        (pl.Binary(), st.binary(max_size=4)),
        (pl.Date(), _dates),
        (pl.Time(), _times),
        *((pl.Datetime(unit, zone), _moments) for unit in ("ms", "us", "ns") for zone in (None, "Europe/Berlin")),
        *((pl.Duration(unit), _spans) for unit in ("ms", "us", "ns")),
        (pl.Decimal(30, 12), _decimals),
        (pl.Categorical(), st.sampled_from(["a", "b", "ü"])),
        (pl.Enum(["z", "a", "ü"]), st.sampled_from(["a", "z"])),
        (pl.List(pl.Int16()), st.lists(_nulls(st.integers(-5, 5)), max_size=3)),
        (pl.List(pl.Categorical()), st.lists(st.sampled_from(["a", "b"]), max_size=3)),
        (pl.Array(pl.Float32(), 2), st.lists(_floats("float32"), min_size=2, max_size=2)),
        (
            pl.Struct({"a": pl.Int8(), "b": pl.String()}),
            st.fixed_dictionaries({"a": _nulls(st.integers(-5, 5)), "b": _nulls(_text)}),
        ),
        (pl.Null(), st.none()),
    ]  # fmt: skip
    dtype, elements = draw(st.sampled_from(kinds))
    values = draw(_lists(_nulls(elements), rows))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return pl.Series(name, values, dtype=pl.Datetime(dtype.time_unit, "UTC")).dt.convert_time_zone(dtype.time_zone)
    return pl.Series(name, values, dtype=dtype)


@st.composite
def polars_frames(draw: Draw, *, max_rows: int = 7, max_columns: int = 4) -> Any:
    """Polars DataFrames of any dtypes."""
    import polars as pl

    rows = draw(st.integers(0, max_rows))
    names = draw(st.lists(_text, max_size=max_columns, unique=True))
    return pl.DataFrame([draw(polars_series(rows, name)) for name in names])


def frames() -> st.SearchStrategy[Any]:
    """Frames of all three libraries."""
    return st.one_of(pandas_frames(), pandas_series(), polars_frames(), arrow_tables())


__all__ = [
    "arrow_tables", "extension_arrays", "frames", "numpy_arrays", "object_arrays", "pandas_arrays", "pandas_frames",
    "pandas_indexes", "pandas_labels", "pandas_series", "polars_frames", "polars_series",
]  # fmt: skip
