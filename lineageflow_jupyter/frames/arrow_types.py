"""Arrow types as plain lists, and arrays brought back to a type after storage. No pandas, no polars.

Encoded types: a name for types without parameters (``"int64"``, ``"string"``, ``"large_string"``, ``"string_view"`` …)
or a list that starts with one::

    ["time32" | "time64" | "duration", unit]   ["timestamp", unit, zone text or None]
    ["fixed_size_binary", width]               ["decimal32" | … | "decimal256", precision, scale]
    ["list" | "large_list" | "list_view" | "large_list_view", field]   ["fixed_size_list", field, length]
    ["struct", field…]                         ["map", key field, item field, keys sorted]
    ["dictionary", index type, value type, ordered]
    ["extension", "arrow.uuid"] ["extension", "arrow.json", storage] ["extension", "arrow.bool8"]
    ["extension", "arrow.opaque", storage, type name, vendor name]
    ["extension", "arrow.fixed_shape_tensor", value type, shape, dimension names or None, permutation or None]

    field = [name, type, nullable, [[key bytes, value bytes]…]]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.errors import NotAvailable
from lineageflow_jupyter.frames.content import Encoded, damaged, unreadable
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.frames.storage_types import storage_type

_LEAVES: dict[str, Any] = {
    "null": pa.null(), "bool": pa.bool_(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "date32": pa.date32(), "date64": pa.date64(), "month_day_nano_interval": pa.month_day_nano_interval(),
    "string": pa.string(), "large_string": pa.large_string(), "string_view": pa.string_view(),
    "binary": pa.binary(), "large_binary": pa.large_binary(), "binary_view": pa.binary_view(),
}  # fmt: skip
_LEAF_NAMES = {kind: name for name, kind in _LEAVES.items()}
_UNITS: dict[str, Callable[[str], Any]] = {"time32": pa.time32, "time64": pa.time64, "duration": pa.duration}
_DECIMALS = {
    name: getattr(pa, name) for name in ("decimal32", "decimal64", "decimal128", "decimal256") if hasattr(pa, name)
}
_LISTS: dict[str, Callable[[Any], Any]] = {
    "list": pa.list_,
    "large_list": pa.large_list,
    "list_view": pa.list_view,
    "large_list_view": pa.large_list_view,
}
_TAGS = frozenset(
    {
        *_LEAVES, *_UNITS, *_LISTS, "decimal32", "decimal64", "decimal128", "decimal256",
        "timestamp", "fixed_size_binary", "fixed_size_list", "struct", "map", "dictionary", "extension",
    }
)  # fmt: skip
_EXTENSIONS = frozenset({"arrow.uuid", "arrow.json", "arrow.bool8", "arrow.opaque", "arrow.fixed_shape_tensor"})
_MAX_OFFSET = 2**31 - 1


class UnsupportedType(ValueError):
    """An Arrow type that cannot be stored; the text says which part of it."""


def is_default(kind: Any) -> bool:
    """Whether `kind` is what its stored values say by themselves, so that it needs no flavour."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if kind in _LEAF_NAMES:
        return _LEAF_NAMES[kind] not in ("string", "string_view", "binary", "binary_view")
    if types.is_timestamp(kind):
        return kind.tz is None
    return bool(types.is_time(kind) or types.is_duration(kind) or types.is_fixed_size_binary(kind))


def encode_values(array: Any, add: Callable[[Any], int]) -> tuple[Any, Encoded]:
    """Arrow array as it is stored, and the flavour that brings its type back.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
        Values of any type.
    add : callable
        Keeps a companion that is not one a row, and gives its number.

    Returns
    -------
    tuple of (pyarrow.Array or pyarrow.ChunkedArray, list)
        The flavour is ``["arrow", type]``, or ``["arrow", type, companion]`` for dictionaries, whose order the
        companion is.

    Raises
    ------
    UnsupportedType
        If the type cannot be stored.
    """
    kind: Any = array.type
    encoded = encode_type(kind)
    if isinstance(kind, pa.BaseExtensionType):
        chunks: list[Any] = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        storage: Any = [chunk.storage for chunk in chunks]
        target: Any = kind.storage_type
        array = pa.chunked_array(storage, target)
    if pa.types.is_dictionary(kind):
        array = normalise(array)
        return array, ["arrow", encoded, add(array.dictionary)]
    if encoded == "string_view" or encoded == "binary_view":
        chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        target = storage_type(kind)
        array = pa.chunked_array([cast_values(chunk, target) for chunk in chunks], target)
    return array, ["arrow", encoded]


def cast_values(array: Any, kind: Any) -> Any:
    """The array cast to a type, also where this pyarrow has no kernel for views."""
    try:
        return array.cast(kind)
    except NotImplementedError:
        return pa.array(array.to_pylist(), kind)


def decode_values(array: Any, flavour: Encoded, companion: Callable[[Encoded], Any]) -> Any:
    """Inverse of `encode_values`.

    Returns
    -------
    pyarrow.Array or pyarrow.ChunkedArray
        Chunked only where 32-bit offsets make it necessary.
    """
    match flavour:
        case ["arrow", encoded]:
            return restored(array, decode_type(encoded))
        case ["arrow", encoded, number]:
            return restored(array, decode_type(encoded), companion(number))
    raise unreadable("flavour", flavour, frozenset({"arrow"}))


def encode_type(kind: Any) -> Encoded:
    """Plain form of an Arrow type.

    Raises
    ------
    UnsupportedType
        For unions, run-end-encoded types and extension types other than Arrow's own.
    """
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _encode_extension(kind)
    if kind in _LEAF_NAMES:
        return _LEAF_NAMES[kind]
    if types.is_timestamp(kind):
        return ["timestamp", kind.unit, kind.tz]
    for name in _UNITS:
        if types.is_duration(kind) if name == "duration" else str(kind).startswith(f"{name}["):
            return [name, kind.unit]
    if types.is_decimal(kind):
        return [f"decimal{kind.bit_width}", kind.precision, kind.scale]
    if types.is_fixed_size_binary(kind):
        return ["fixed_size_binary", kind.byte_width]
    if types.is_dictionary(kind):
        if types.is_nested(kind.value_type) or isinstance(kind.value_type, pa.BaseExtensionType):
            raise UnsupportedType(f"{kind} encodes nested values by a dictionary")
        return ["dictionary", encode_type(kind.index_type), encode_type(kind.value_type), kind.ordered]
    if types.is_map(kind):
        return ["map", encode_field(kind.key_field), encode_field(kind.item_field), kind.keys_sorted]
    if types.is_fixed_size_list(kind):
        return ["fixed_size_list", _encode_child(kind.value_field), kind.list_size]
    if types.is_struct(kind):
        return ["struct", *(_encode_child(kind.field(i)) for i in range(kind.num_fields))]
    for name, test in (
        ("list", types.is_list),
        ("large_list", types.is_large_list),
        ("list_view", types.is_list_view),
        ("large_list_view", types.is_large_list_view),
    ):
        if test(kind):
            return [name, _encode_child(kind.value_field)]
    raise UnsupportedType(f"the Arrow type {kind} cannot be stored")


def _encode_child(field: Any) -> Encoded:
    if isinstance(field.type, pa.BaseExtensionType):
        raise UnsupportedType(f"the extension type {field.type} inside another type cannot be stored")
    return encode_field(field)


def encode_field(field: Any) -> Encoded:
    """Plain form of a field."""
    return [field.name, encode_type(field.type), field.nullable, encode_metadata(field.metadata)]


def encode_metadata(metadata: Any) -> Encoded:
    """Plain form of a field's or schema's metadata, in its order."""
    return [] if metadata is None else [[bytes(key), bytes(value)] for key, value in metadata.items()]


def decode_metadata(encoded: Encoded) -> Any:
    """Inverse of `encode_metadata`; None where there is none."""
    return dict(encoded) or None


def _encode_extension(kind: Any) -> Encoded:
    name = kind.extension_name
    if name == "arrow.uuid" or name == "arrow.bool8":
        return ["extension", name]
    if name == "arrow.json":
        return ["extension", name, encode_type(kind.storage_type)]
    if name == "arrow.opaque":
        return ["extension", name, encode_type(kind.storage_type), kind.type_name, kind.vendor_name]
    if name == "arrow.fixed_shape_tensor":
        names, permutation = kind.dim_names, kind.permutation
        return [
            "extension", name, encode_type(kind.value_type), list(kind.shape),
            None if names is None else list(names), None if permutation is None else list(permutation),
        ]  # fmt: skip
    raise UnsupportedType(f"the extension type {kind} cannot be stored")


def decode_type(encoded: Encoded) -> Any:
    """Inverse of `encode_type`."""
    if isinstance(encoded, str) and encoded in _LEAVES:
        return _LEAVES[encoded]
    match encoded:
        case ["timestamp", str(unit), str(zone) | (None as zone)]:
            return pa.timestamp(unit, zone)
        case [str(name), str(unit)] if name in _UNITS:
            return _UNITS[name](unit)
        case [str(name), int(precision), int(scale)] if name in _DECIMALS:
            return _DECIMALS[name](precision, scale)
        case ["fixed_size_binary", int(width)]:
            return pa.binary(width)
        case ["dictionary", index, value, bool(ordered)]:
            return pa.dictionary(decode_type(index), decode_type(value), ordered)
        case ["map", key, item, bool(keys_sorted)]:
            return pa.map_(decode_field(key), decode_field(item), keys_sorted)
        case ["fixed_size_list", field, int(length)]:
            return pa.list_(decode_field(field), length)
        case ["struct", *fields]:
            return pa.struct([decode_field(field) for field in fields])
        case [str(name), field] if name in _LISTS:
            return _LISTS[name](decode_field(field))
        case ["extension", str(name), *parameters]:
            return _decode_extension(name, parameters)
    raise unreadable("Arrow type", encoded, _TAGS)


def decode_field(encoded: Encoded) -> Any:
    """Inverse of `encode_field`."""
    name, kind, nullable, metadata = encoded
    return pa.field(name, decode_type(kind), bool(nullable), decode_metadata(metadata))


def _decode_extension(name: str, parameters: list[Any]) -> Any:
    if name in _EXTENSIONS and not hasattr(pa, name.removeprefix("arrow.").replace("json", "json_")):
        raise NotAvailable(f"pyarrow {pa.__version__} has no type {name}", remedy="pip install -U pyarrow")
    match name, parameters:
        case "arrow.uuid", []:
            return pa.uuid()
        case "arrow.bool8", []:
            return pa.bool8()
        case "arrow.json", [storage]:
            return pa.json_(decode_type(storage))
        case "arrow.opaque", [storage, str(type_name), str(vendor_name)]:
            return pa.opaque(decode_type(storage), type_name, vendor_name)
        case "arrow.fixed_shape_tensor", [value, shape, names, permutation]:
            return pa.fixed_shape_tensor(decode_type(value), shape, names, permutation)
    raise unreadable("Arrow extension type", name, _EXTENSIONS)


def restored(array: Any, kind: Any, order: Any = None) -> Any:
    """Values of a stored array under the type they had.

    Parameters
    ----------
    array : pyarrow.Array
        As `normalise.normalise` left it.
    kind : pyarrow.DataType
        The type wanted.
    order : pyarrow.Array, optional
        Normalised values of a dictionary type's dictionary, in the order wanted.

    Returns
    -------
    pyarrow.Array or pyarrow.ChunkedArray
        Chunked only where 32-bit offsets make it necessary.
    """
    if storage_type(kind if not isinstance(kind, pa.BaseExtensionType) else kind.storage_type) != array.type:
        raise damaged(f"a column of the type {array.type} was expected to hold {kind}")
    if order is not None and pa.types.is_dictionary(kind):
        array = ordered_dictionary(array, order)
    try:
        return _restored(array, kind)
    except _OffsetsTooLarge:
        half = len(array) // 2
        if half == 0:
            raise damaged(f"one value is too long for the type {kind}") from None
        parts = [restored(array.slice(0, half), kind), restored(array.slice(half), kind)]
        chunks = [chunk for part in parts for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
        return pa.chunked_array(chunks, kind)


class _OffsetsTooLarge(Exception):
    """More bytes or values than 32-bit offsets can count."""


def _restored(array: Any, kind: Any) -> Any:
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _restored(array, kind.storage_type))
    if types.is_dictionary(kind):
        values = _restored(array.dictionary, kind.value_type)
        return pa.DictionaryArray.from_arrays(array.indices.cast(kind.index_type), values, ordered=kind.ordered)
    if array.type == kind and not types.is_nested(kind):
        return array
    if types.is_timestamp(kind) or types.is_decimal(kind):
        return pa.Array.from_buffers(kind, len(array), array.buffers(), array.null_count, array.offset)
    if types.is_struct(kind):
        children = [_restored(array.field(i), kind.field(i).type) for i in range(kind.num_fields)]
        return pa.Array.from_buffers(kind, len(array), [_bitmap(array)], array.null_count, children=children)
    if types.is_fixed_size_list(kind):
        values = array.values.slice(array.offset * kind.list_size, len(array) * kind.list_size)
        children = [_restored(values, kind.value_type)]
        return pa.Array.from_buffers(kind, len(array), [_bitmap(array)], array.null_count, children=children)
    if types.is_nested(kind):
        return _restored_list(array, kind)
    if kind in (pa.string(), pa.binary()) and _text_bytes(array) > _MAX_OFFSET:
        raise _OffsetsTooLarge
    return cast_values(array, kind)


def _restored_list(array: Any, kind: Any) -> Any:
    """A large_list as any kind of list with offsets."""
    import numpy as np

    types = pa.types
    offsets = np.zeros(1, "i8")
    if len(array):
        offsets = np.frombuffer(array.buffers()[1], "<i8", len(array) + 1, array.offset * 8)
    values = array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    offsets = offsets - offsets[0]
    wide = types.is_large_list(kind) or types.is_large_list_view(kind)
    if not wide and offsets[-1] > _MAX_OFFSET:
        raise _OffsetsTooLarge
    offsets = offsets.astype("<i8" if wide else "<i4")
    if types.is_map(kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        children = [_restored(values, entries)]
    else:
        children = [_restored(values, kind.value_type)]
    buffers = [_bitmap(array), pa.py_buffer(offsets)]
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        buffers = [buffers[0], pa.py_buffer(offsets[:-1]), pa.py_buffer(np.diff(offsets))]
    return pa.Array.from_buffers(kind, len(array), buffers, array.null_count, children=children)


def _text_bytes(array: Any) -> int:
    return int(pc.sum(pc.binary_length(array)).as_py() or 0)


def _bitmap(array: Any) -> Any:
    """Validity bitmap that starts at the array's first row, or None."""
    if array.null_count == 0:
        return None
    return array.is_valid().buffers()[1]


def ordered_dictionary(array: Any, order: Any) -> Any:
    """The same values with the dictionary `order`.

    Raises
    ------
    CorruptData
        If `order` lacks a value.
    """
    dictionary = array.dictionary
    if dictionary.equals(order):
        return array
    if dictionary.type != order.type:
        raise damaged(f"categories of the type {order.type} for values of the type {dictionary.type}")
    positions = _positions(dictionary, order)
    if positions.null_count:
        raise damaged("a category is missing")
    return pa.DictionaryArray.from_arrays(positions.take(array.indices), order)


def _positions(values: Any, among: Any) -> Any:
    """Position of each value in `among`; null where it is missing."""
    if not pa.types.is_nested(values.type) and not pa.types.is_decimal(values.type):
        return pc.index_in(values, value_set=among)
    places = {_hashable(value): position for position, value in enumerate(among.to_pylist())}
    return pa.array([places.get(_hashable(value)) for value in values.to_pylist()], pa.int32())


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    return value
