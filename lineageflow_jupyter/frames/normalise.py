"""Arrays in the one Arrow layout that stands for their values. Which type that is, `storage_types` says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.frames.bits import list_offsets, memory, pack_bits, valid_flags
from lineageflow_jupyter.frames.storage_types import storage_type
from lineageflow_jupyter.model.objects import encode


def normalise(array: Any) -> Any:
    """Array in the one layout that stands for its values.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
        Values of any supported type.

    Returns
    -------
    pyarrow.Array
        One contiguous array of a type that `storage_type` returns; without a copy where the layout fits already.
        Dictionaries hold no null and no value twice.
    """
    if isinstance(array, pa.ChunkedArray):
        array = _combined(array)
    kind = array.type
    target = storage_type(kind)
    if pa.types.is_dictionary(kind):
        return _normalised_dictionary(array, target)
    if kind == target and not pa.types.is_nested(kind):
        return array
    if pa.types.is_timestamp(kind) or pa.types.is_decimal(kind):
        return _relabelled(array, target)
    if pa.types.is_struct(kind):
        children = [normalise(array.field(i)) for i in range(kind.num_fields)]
        return pa.Array.from_buffers(target, len(array), [_validity(array)], children=children)
    if pa.types.is_fixed_size_list(kind):
        values = array.values.slice(array.offset * kind.list_size, len(array) * kind.list_size)
        return pa.Array.from_buffers(target, len(array), [_validity(array)], children=[normalise(values)])
    if pa.types.is_nested(kind):
        return _normalised_list(array, target)
    return array.cast(target)


def _combined(array: Any) -> Any:
    if array.num_chunks == 1:
        return array.chunk(0)
    if pa.types.is_dictionary(array.type):
        if pa.types.is_nested(array.type.value_type):  # which Arrow does not unify
            return _appended(array)
        array = array.unify_dictionaries()
    combined = array.cast(pa.large_string()) if pa.types.is_string(array.type) else array
    combined = combined.combine_chunks()
    return _combined(combined) if isinstance(combined, pa.ChunkedArray) else combined


def _appended(array: Any) -> Any:
    """One array of several, with a dictionary that holds those of all, one after the other."""
    codes, start = [], 0
    for chunk in array.chunks:
        codes.append(pc.add(chunk.indices.cast(pa.int32()), pa.scalar(start, pa.int32())))
        start += len(chunk.dictionary)
    values = pa.concat_arrays([chunk.dictionary for chunk in array.chunks])
    return pa.DictionaryArray.from_arrays(pa.concat_arrays(codes), values)


def _relabelled(array: Any, target: Any) -> Any:
    """The same bytes under another time zone or precision."""
    validity, values = array.buffers()
    return pa.Array.from_buffers(target, len(array), [validity, values], offset=array.offset)


def _validity(array: Any) -> Any:
    """Validity bitmap of the array with offset 0, or None."""
    if array.null_count == 0:
        return None
    return memory(pack_bits(valid_flags(array)))


def _normalised_dictionary(array: Any, target: Any) -> Any:
    values = normalise(array.dictionary)
    indices = array.indices
    clean = values.null_count == 0 and len(values) == _distinct(values)
    if not clean:
        codes, values = merged_dictionary(values)
        indices = codes.take(indices)
    indices = indices if indices.type == pa.int32() else indices.cast(pa.int32())
    if array.type == target and clean and values is array.dictionary:
        return array
    return pa.DictionaryArray.from_arrays(indices, values)


def used_dictionary(array: Any) -> Any:
    """The same values; a dictionary of those that rows have, by first appearance, as what is read from whole chunks is.

    Parameters
    ----------
    array : pyarrow.Array
        Normalised values.
    """
    if not pa.types.is_dictionary(array.type):
        return array
    used, first = np.unique(array.indices.drop_null().to_numpy(), return_index=True)
    order = used[np.argsort(first)]
    if len(order) == len(array.dictionary) and (order == np.arange(len(order))).all():
        return array
    renumbered = np.zeros(len(array.dictionary), "i4")
    renumbered[order] = np.arange(len(order), dtype="i4")
    codes = pa.array(renumbered, pa.int32()).take(array.indices)
    return pa.DictionaryArray.from_arrays(codes, array.dictionary.take(pa.array(order)))


def _distinct(values: Any) -> int:
    if pa.types.is_nested(values.type):
        return len({encode(_plain(value)) for value in values.to_pylist()})
    if pa.types.is_null(values.type):  # which cannot be counted
        return min(len(values), 1)
    return int(pc.count_distinct(values, mode="all").as_py())


def _plain(value: Any) -> Any:
    """Nested lists of a nested value, for comparison only."""
    if isinstance(value, dict):
        return [[name, _plain(item)] for name, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str | bytes) else repr(value)


def merged_dictionary(values: Any) -> tuple[Any, Any]:
    """Index of each value's first equal (null for null), and the values without repeats and nulls."""
    seen: dict[bytes, int] = {}
    codes: list[int | None] = []
    firsts: list[int] = []
    for position, value in enumerate(values.to_pylist()):
        if value is None:
            codes.append(None)
            continue
        key = encode(_plain(value))
        if key not in seen:
            seen[key] = len(firsts)
            firsts.append(position)
        codes.append(seen[key])
    return pa.array(codes, pa.int32()), values.take(pa.array(firsts, pa.int64()))


def _normalised_list(array: Any, target: Any) -> Any:
    """Any variable-length list or map as a large_list whose offsets start at 0."""
    kind = array.type
    if pa.types.is_map(kind):
        entries = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
        array = pa.Array.from_buffers(
            pa.list_(entries.type), len(array), array.buffers()[:2], offset=array.offset, children=[entries]
        )
    elif pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy()  # a cast gives invalid arrays for null slots
        offsets = np.concatenate([np.zeros(1, "<i8"), np.cumsum(lengths, dtype="<i8")])
        buffers = [_validity(array), memory(offsets)]
        return pa.Array.from_buffers(target, len(array), buffers, children=[normalise(array.flatten())])
    offsets = list_offsets(array, 4 if pa.types.is_list(array.type) else 8).astype("<i8")
    values = array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    buffers = [_validity(array), memory(offsets - offsets[0])]
    return pa.Array.from_buffers(target, len(array), buffers, children=[normalise(values)])
