"""Logical types of columns as Arrow types: the few to which all others are normalised."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lineageflow_jupyter.errors import CorruptData, NotAvailable, UnsupportedData
from lineageflow_jupyter.model.types import LogicalType

_PARAMETER_FREE: dict[str, Any] = {
    "null": pa.null(), "bool": pa.bool_(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "date32": pa.date32(), "date64": pa.date64(),
    "month_day_nano_interval": pa.month_day_nano_interval(),
    "utf8": pa.large_string(), "binary": pa.large_binary(),
}  # fmt: skip
_NAMES = {kind: name for name, kind in _PARAMETER_FREE.items()}
_DECIMALS: dict[str, tuple[Any, int]] = {
    name: (getattr(pa, name), digits)
    for name, digits in {"decimal32": 9, "decimal64": 18, "decimal128": 38, "decimal256": 76}.items()
    if hasattr(pa, name)  # the narrow ones came with pyarrow 18
}
_TEMPORAL: dict[str, Any] = {
    "time32": pa.time32,
    "time64": pa.time64,
    "timestamp": pa.timestamp,
    "duration": pa.duration,
}


def storage_type(kind: Any) -> Any:
    """Arrow type to which values of `kind` are normalised.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any Arrow type.

    Returns
    -------
    pyarrow.DataType
        Itself, or the one type that stands for all layouts of the same values.

    Raises
    ------
    UnsupportedData
        For unions, run-end-encoded and extension types.
    """
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or kind == pa.string_view():
        return pa.large_string()
    if types.is_fixed_size_binary(kind):
        return kind
    if types.is_binary(kind) or types.is_large_binary(kind) or kind == pa.binary_view():
        return pa.large_binary()
    if types.is_timestamp(kind):
        return pa.timestamp(kind.unit)
    if types.is_decimal(kind):
        return _decimal(f"decimal{kind.bit_width}", kind.scale)
    if types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), storage_type(kind.value_type))
    if types.is_map(kind):
        entry = pa.struct([_field("key", kind.key_type), _field("value", kind.item_type)])
        return pa.large_list(_field("item", entry))
    if types.is_fixed_size_list(kind):
        return pa.list_(_field("item", kind.value_type), kind.list_size)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        return pa.large_list(_field("item", kind.value_type))
    if types.is_struct(kind):
        return pa.struct([_field(kind.field(i).name, kind.field(i).type) for i in range(kind.num_fields)])
    if kind in _NAMES or types.is_time(kind) or types.is_duration(kind):
        return kind
    raise UnsupportedData(
        f"Arrow type {kind} cannot be stored", remedy="Cast it to a primitive, text, list or struct type first"
    )


def _decimal(name: str, scale: int) -> Any:
    """Decimals of the greatest precision that the width holds: precision itself belongs to the frame description."""
    if name not in _DECIMALS:
        raise NotAvailable(f"{name} columns need pyarrow 18 or later", remedy="Update pyarrow (pip install -U pyarrow)")
    make: Any
    make, precision = _DECIMALS[name]
    return make(precision, scale)


def _field(name: str, kind: Any) -> Any:
    return pa.field(name, storage_type(kind))


def logical_type(kind: Any) -> LogicalType:
    """Logical type of a normalised Arrow type."""
    types = pa.types
    if kind in _NAMES:
        return LogicalType(_NAMES[kind])
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_duration(kind):
        name = next(name for name in _TEMPORAL if str(kind).startswith(name))
        return LogicalType(name, (kind.unit,))
    if types.is_decimal(kind):
        return LogicalType(f"decimal{kind.bit_width}", (kind.scale,))
    if types.is_fixed_size_binary(kind):
        return LogicalType("fixed_binary", (kind.byte_width,))
    if types.is_dictionary(kind):
        return LogicalType("dictionary", (), (("", logical_type(kind.value_type)),))
    if types.is_fixed_size_list(kind):
        return LogicalType("fixed_list", (kind.list_size,), (("", logical_type(kind.value_type)),))
    if types.is_large_list(kind):
        return LogicalType("list", (), (("", logical_type(kind.value_type)),))
    if types.is_struct(kind):
        fields = (kind.field(i) for i in range(kind.num_fields))
        return LogicalType("struct", (), tuple((field.name, logical_type(field.type)) for field in fields))
    raise UnsupportedData(f"Arrow type {kind} is not normalised", remedy="Normalise the array first")


def arrow_type(kind: LogicalType) -> Any:
    """Normalised Arrow type of a logical type."""
    if kind.name in _PARAMETER_FREE:
        return _PARAMETER_FREE[kind.name]
    if kind.name in _TEMPORAL:
        return _TEMPORAL[kind.name](kind.params[0])
    if kind.name.startswith("decimal"):
        return _decimal(kind.name, int(kind.params[0]))
    if kind.name == "fixed_binary":
        return pa.binary(int(kind.params[0]))
    if kind.name == "dictionary":
        return pa.dictionary(pa.int32(), arrow_type(kind.child))
    if kind.name == "fixed_list":
        return pa.list_(pa.field("item", arrow_type(kind.child)), int(kind.params[0]))
    if kind.name == "list":
        return pa.large_list(pa.field("item", arrow_type(kind.child)))
    if kind.name == "struct":
        return pa.struct([pa.field(name, arrow_type(field)) for name, field in kind.fields])
    raise CorruptData(f"a column has the unknown type {kind}", remedy="Run fsck to see what is damaged")
