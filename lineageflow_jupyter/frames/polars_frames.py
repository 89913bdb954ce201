"""polars DataFrames and Series as frame contents, and back.

Payload of the body::

    [shape, flavours]

    shape     "frame" or "series" (one column whose name is the series' name)
    flavours  [[first, count, dtype]…]: None where the stored type says the dtype, else one of

        a name: "Boolean" "Int8" … "Float64" "String" "Binary" "Date" "Time" "Null"
        ["Datetime", unit, zone or None]  ["Duration", unit]  ["Decimal", precision, scale]
        ["List", dtype]  ["Array", dtype, width]  ["Struct", [name, dtype]…]
        ["Enum", companion]                          the categories in order
        ["Categorical", ordering]                    "physical" or "lexical"
        ["Categorical", name, namespace, physical]   named categories of polars 1.32 and later

The order in which a Categorical first saw its categories is not kept. Object, Int128, UInt128 and Unknown are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from lineageflow_jupyter.errors import NotAvailable, UnsupportedData
from lineageflow_jupyter.frames.arrow_types import restored
from lineageflow_jupyter.frames.content import (
    ColumnContent,
    Companions,
    Encoded,
    FrameContent,
    companion,
    contiguous,
    damaged,
    flavours_at,
    reading,
    runs,
    shown,
    unreadable,
)
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import storage_type

if TYPE_CHECKING:
    from lineageflow_jupyter.frames.capture import Capture, Keep

_LEAVES = {
    name: getattr(pl, name)
    for name in (
        "Boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float16", "Float32",
        "Float64", "String", "Binary", "Date", "Time", "Null",
    )
    if hasattr(pl, name)
}  # fmt: skip
_TAGS = frozenset(
    {*_LEAVES, "Float16", "Datetime", "Duration", "Decimal", "List", "Array", "Struct", "Enum", "Categorical"}
)
_ARROW: dict[str, Any] = {
    "Boolean": pa.bool_(), "Int8": pa.int8(), "Int16": pa.int16(), "Int32": pa.int32(), "Int64": pa.int64(),
    "UInt8": pa.uint8(), "UInt16": pa.uint16(), "UInt32": pa.uint32(), "UInt64": pa.uint64(),
    "Float16": pa.float16(), "Float32": pa.float32(), "Float64": pa.float64(), "String": pa.large_string(),
    "Binary": pa.large_binary(), "Date": pa.date32(), "Time": pa.time64("ns"), "Null": pa.null(),
}  # fmt: skip
HAS_CATEGORIES = hasattr(pl, "Categories")


class _Refused(ValueError):
    """A dtype that cannot be stored."""


# --- to Arrow --------------------------------------------------------------------------------------------------------


def encode_polars(frame: Any, version: int) -> FrameContent:
    """Take a polars frame apart.

    Raises
    ------
    UnsupportedData
        Naming the column whose dtype cannot be stored.
    """
    series = is_series(frame)
    columns: list[pl.Series] = [frame] if series else frame.get_columns()
    companions = Companions()
    flavours = [_flavour(column, position, companions) for position, column in enumerate(columns)]
    arrays = [_sound(frame).alias("").to_arrow()] if series else _columns(frame)
    contents = tuple(ColumnContent(column.name, "data", array) for column, array in zip(columns, arrays, strict=True))
    payload = ["series" if series else "frame", runs(flavours)]
    return FrameContent(len(frame), contents, tuple(companions.arrays), [version, "polars", companions.owners, payload])


def capture_polars(capture: Capture, keep: Keep, version: int) -> FrameContent:
    """The same of a frame that may change meanwhile; see `capture.Capture.content`."""
    from lineageflow_jupyter.frames.capture import kept_companions

    series, rows = is_series(capture.frame()), len(capture.frame())
    companions = Companions()
    contents, flavours = [], []
    capture.check_head()
    for number in range(capture.width):
        column = capture.whole(number)
        known = len(companions.arrays)
        flavours.append(_flavour(column, number, companions))
        array = keep(column.name, "data", iter([_sound(column).alias("").to_arrow()]))
        contents.append(ColumnContent(column.name, "data", array))
        kept_companions(companions, known, keep)
    payload = ["series" if series else "frame", runs(flavours)]
    return FrameContent(
        rows, tuple(contents), tuple(companions.arrays), [version, "polars", companions.owners, payload]
    )


def _flavour(column: pl.Series, position: int, companions: Companions) -> Encoded:
    try:
        dtype = _encode_dtype(column.dtype, _adder(companions, position))
    except _Refused as error:
        raise UnsupportedData(
            f"column {shown(column.name)}: {error}",
            remedy=f"Cast it first: df = df.with_columns(pl.col({shown(column.name)}).cast(pl.String))",
        ) from error
    return None if _says_itself(dtype) else dtype


def is_series(frame: Any) -> bool:
    """Whether a polars object is a Series; else it is a DataFrame.

    Raises
    ------
    UnsupportedData
        If it is of a class derived from them.
    """
    base = pl.Series if isinstance(frame, pl.Series) else pl.DataFrame
    if type(frame) is not base:
        name = f"{type(frame).__module__}.{type(frame).__qualname__}"
        raise UnsupportedData(
            f"{name} is a class of its own, and would come back as a plain {base.__name__}",
            remedy=f"Make it one: pl.{base.__name__}(df)",
        )
    return base is pl.Series


def _columns(frame: pl.DataFrame) -> list[Any]:
    """Arrow columns, under plain names: polars panics on a name with a NUL in it."""
    numbered = pl.DataFrame(
        [_sound(column).alias(str(position)) for position, column in enumerate(frame.get_columns())]
    )
    return list(numbered.to_arrow().columns)


def _sound(column: pl.Series) -> pl.Series:
    """The column such that Arrow sees all of it: polars before 1.32 exports slices of arrays with a wrong offset."""
    if HAS_CATEGORIES or "Array(" not in str(column.dtype):
        return column
    return column.gather(list(range(len(column)))) if len(column) else pl.Series(column.name, [], dtype=column.dtype)


def _adder(companions: Companions, position: int) -> Callable[[Any], int]:
    return lambda array: companions.add(array, position, aligned=False)


def _says_itself(dtype: Encoded) -> bool:
    if isinstance(dtype, str):
        return True
    return dtype[0] == "Duration" or (dtype[0] == "Datetime" and dtype[2] is None)


def _encode_dtype(dtype: Any, add: Callable[[Any], int]) -> Encoded:
    name = str(dtype.base_type())
    if name in _LEAVES:
        return name
    if isinstance(dtype, pl.Datetime):
        return [name, dtype.time_unit, dtype.time_zone]
    if isinstance(dtype, pl.Duration):
        return [name, dtype.time_unit]
    if isinstance(dtype, pl.Decimal):
        return [name, dtype.precision, dtype.scale]
    if isinstance(dtype, pl.Enum):
        return [name, add(contiguous(dtype.categories.to_arrow()))]
    if isinstance(dtype, pl.Categorical):
        if not HAS_CATEGORIES:
            return [name, dtype.ordering]  # type: ignore[attr-defined]
        categories = dtype.categories
        return [name, categories.name(), categories.namespace(), str(categories.physical())]
    if isinstance(dtype, pl.Array):  # an array of shape (2, 3) is an array of arrays
        return [name, _encode_dtype(dtype.inner, add), dtype.size]
    if isinstance(dtype, pl.List):
        return [name, _encode_dtype(dtype.inner, add)]
    if isinstance(dtype, pl.Struct):
        if any("\0" in field.name for field in dtype.fields):
            raise _Refused("a struct has a field whose name holds the character NUL, which Arrow cannot take")
        return [name, *([field.name, _encode_dtype(field.dtype, add)] for field in dtype.fields)]
    raise _Refused(f"the dtype {dtype} cannot be stored")


# --- and back --------------------------------------------------------------------------------------------------------


def decode_polars(content: FrameContent, payload: Encoded, positions: Sequence[int]) -> Any:
    """Put a polars frame together again.

    Parameters
    ----------
    content : FrameContent
        Stored values and description.
    payload : list
        The body's last part.
    positions : sequence of int
        Positions of the columns among all columns of the table.
    """
    with reading(), _PolarsErrors():
        shape, flavours = payload
        columns = []
        for column, flavour in zip(content.columns, flavours_at(flavours, positions), strict=True):
            array = contiguous(column.array)
            if len(array) != content.rows:
                raise damaged(f"a column has {len(array)} rows instead of {content.rows}")
            columns.append(_series(column.name, array, flavour, content.companions))
        if shape == "series" and len(columns) == 1:
            return columns[0]
        if shape != "frame":
            raise damaged(f"the shape {shown(shape)}")
        return _frame(columns, content.rows)


def _frame(columns: list[pl.Series], rows: int) -> pl.DataFrame:
    if columns or not rows:
        return pl.DataFrame(columns)
    try:
        return pl.DataFrame(height=rows)
    except TypeError as error:
        raise NotAvailable(
            "this polars has no frames of rows without columns", remedy="Read it with engine='pandas'"
        ) from error


def _series(name: str, array: Any, flavour: Encoded, companions: Sequence[Any]) -> pl.Series:
    if flavour is None:
        return _from_arrow(name, array)
    plain = restored_polars(array, flavour)
    dtype = _decode_dtype(flavour, companions)
    if pa.types.is_nested(plain.type) and not HAS_CATEGORIES:
        # polars before 1.32 kills the process when it casts text inside lists that came from Arrow
        return pl.Series(name, plain.to_pylist(), dtype=dtype)
    series = _from_arrow(name, plain)
    return series if series.dtype == dtype else series.cast(dtype)


def _from_arrow(name: str, array: Any) -> pl.Series:
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series.alias(name)


def restored_polars(array: Any, flavour: Encoded) -> Any:
    """Arrow array that polars reads as the dtype, but for Enums and named categories, which are text."""
    target = _arrow_type(flavour)
    return restored(_undictionaried(array, target), target)


def _undictionaried(array: Any, target: Any) -> Any:
    """The array with plain values where `target` has no dictionary, also inside others."""
    kind = array.type
    types: Any = pa.types
    if types.is_dictionary(kind) and not types.is_dictionary(target):
        return array.cast(storage_type(kind.value_type))
    if not types.is_nested(kind) or not types.is_nested(target) or kind.num_fields != target.num_fields:
        return array
    mask = array.is_valid().buffers()[1] if array.null_count else None
    if types.is_struct(kind):
        children = [_undictionaried(array.field(i), target.field(i).type) for i in range(kind.num_fields)]
        plain: Any = pa.struct([pa.field(kind.field(i).name, child.type) for i, child in enumerate(children)])
        return pa.Array.from_buffers(plain, len(array), [mask], array.null_count, children=children)
    values = _undictionaried(array.values, target.value_type)
    if values.type == kind.value_type:
        return array
    item = pa.field("item", values.type)
    plain = pa.list_(item, kind.list_size) if types.is_fixed_size_list(kind) else pa.large_list(item)
    buffers = array.buffers()[: plain.num_buffers]
    return pa.Array.from_buffers(plain, len(array), buffers, array.null_count, array.offset, children=[values])


def _arrow_type(encoded: Encoded) -> Any:
    """Arrow type that polars reads as an encoded dtype, or as text where Arrow's dictionaries do not tell enough."""
    if isinstance(encoded, str) and encoded in _ARROW:
        return _ARROW[encoded]
    match encoded:
        case ["Datetime", str(unit), zone]:
            return pa.timestamp(unit, zone)
        case ["Duration", str(unit)]:
            return pa.duration(unit)
        case ["Decimal", int(precision), int(scale)]:
            return pa.decimal128(precision, scale)
        case ["List", inner]:
            return pa.large_list(pa.field("item", _arrow_type(inner)))
        case ["Array", inner, int(width)]:
            return pa.list_(pa.field("item", _arrow_type(inner)), width)
        case ["Struct", *fields]:
            return pa.struct([pa.field(name, _arrow_type(dtype)) for name, dtype in fields])
        case ["Categorical", str()] | ["Categorical", "", str(), str()]:
            return pa.dictionary(pa.uint32(), pa.large_string())
        case ["Enum" | "Categorical", *_]:
            return pa.large_string()
    raise unreadable("polars dtype", encoded, _TAGS)


def _decode_dtype(encoded: Encoded, companions: Sequence[Any]) -> Any:
    if isinstance(encoded, str) and encoded in _LEAVES:
        return _LEAVES[encoded]()
    match encoded:
        case ["Datetime", str(unit), zone]:
            return pl.Datetime(unit, zone)  # type: ignore[arg-type]
        case ["Duration", str(unit)]:
            return pl.Duration(unit)  # type: ignore[arg-type]
        case ["Decimal", int(precision), int(scale)]:
            return pl.Decimal(precision, scale)
        case ["List", inner]:
            return pl.List(_decode_dtype(inner, companions))
        case ["Array", inner, int(width)]:
            return pl.Array(_decode_dtype(inner, companions), width)
        case ["Struct", *fields]:
            return pl.Struct([pl.Field(name, _decode_dtype(dtype, companions)) for name, dtype in fields])
        case ["Enum", number]:
            return pl.Enum(pl.Series(_from_arrow("", companion(companions, number)), dtype=pl.String))
        case ["Categorical", str(ordering)]:
            return pl.Categorical() if HAS_CATEGORIES else pl.Categorical(ordering)
        case ["Categorical", str(name), str(namespace), str(physical)]:
            return _categorical(name, namespace, physical)
    raise unreadable("polars dtype", encoded, _TAGS)


def _categorical(name: str, namespace: str, physical: str) -> Any:
    if not HAS_CATEGORIES:
        return pl.Categorical("lexical")
    if not name:
        return pl.Categorical()
    if physical not in ("UInt8", "UInt16", "UInt32"):
        raise damaged(f"categories numbered by {physical!r}")
    return pl.Categorical(pl.Categories(name, namespace, getattr(pl, physical)))


class _PolarsErrors:
    """Turns polars' errors into ValueError, which `reading` understands."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pl.exceptions.PolarsError):
            raise ValueError(str(error)) from error


# --- to and from other libraries -------------------------------------------------------------------------------------


def described_columns(content: FrameContent, payload: Encoded, positions: Sequence[int]) -> list[tuple[str, Any]]:
    """Names and Arrow arrays for other libraries; Enums as ordered dictionaries of all their categories."""
    with reading():
        _, flavours = payload
        found = []
        for column, flavour in zip(content.columns, flavours_at(flavours, positions), strict=True):
            array = contiguous(column.array)
            found.append((column.name, array if flavour is None else _plain(array, flavour, content.companions)))
        return found


def _plain(array: Any, flavour: Encoded, companions: Sequence[Any]) -> Any:
    if flavour[0] == "Enum":
        order = companion(companions, flavour[1])
        return restored(array, pa.dictionary(pa.int32(), pa.large_string(), True), order)
    if flavour[0] == "Categorical":
        return array
    return restored_polars(array, flavour)


def polars_from_table(table: Any) -> pl.DataFrame:
    """Frame of an Arrow table from another library: what polars has no type for is refused, never guessed.

    A name that occurs twice gets a number: ``x``, ``x_1``.

    Raises
    ------
    UnsupportedData
        Naming the column whose type polars does not have.
    """
    columns = []
    taken: set[str] = set()
    for name, column in zip(table.column_names, table.columns, strict=True):
        text, count = name, 0
        while text in taken:
            count += 1
            text = f"{name}_{count}"
        taken.add(text)
        array = readable(contiguous(column))
        if not _has_type(array.type):
            raise UnsupportedData(
                f"polars has no dtype for column {shown(name)} of the Arrow type {array.type}",
                remedy="Read it with engine='arrow', or without that column",
            )
        columns.append(_from_arrow(text, array))
    return _frame(columns, table.num_rows)


def readable(array: Any) -> Any:
    """The same values in an Arrow type that polars takes over without loss."""
    kind = array.type
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return readable(array.storage)
    if types.is_dictionary(kind) and not (types.is_string(kind.value_type) or types.is_large_string(kind.value_type)):
        return readable(array.dictionary.take(array.indices))
    if types.is_fixed_size_binary(kind):  # of no rows, polars 1.6 panics
        return array.cast(pa.large_binary())
    if types.is_decimal(kind) and kind.bit_width == 256:
        try:
            return array.cast(pa.decimal128(38, kind.scale))
        except pa.ArrowInvalid:
            return array
    if types.is_timestamp(kind) and kind.tz is not None and kind.tz[:1] in "+-":
        return array.cast(pa.timestamp(kind.unit, "UTC"))  # the same instants; polars has no fixed offsets
    if types.is_timestamp(kind) and kind.unit == "s":
        return array.cast(pa.timestamp("ms", kind.tz))
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return normalise(array)
    return array


def _has_type(kind: Any) -> bool:
    types = pa.types
    if types.is_interval(kind) or types.is_union(kind) or types.is_run_end_encoded(kind):
        return False
    if types.is_decimal(kind):
        return bool(kind.bit_width <= 128)
    if types.is_dictionary(kind):
        return True
    if types.is_struct(kind) and not kind.num_fields:
        return False  # older ones panic
    return all(_has_type(kind.field(i).type) for i in range(kind.num_fields))
