"""The boundary function of ``docs/decisions/001-chunk-boundaries.md``, row by row in plain Python: an oracle."""

from __future__ import annotations

import math
import struct
from typing import Any

import pyarrow as pa

BITS = 2**64 - 1
NULL = 0x9AE16A3B2F90404F
SALT = 0x243F6A8885A308D3
MIX = 0x9E3779B97F4A7C15
P = 0xD1342543DE82EF95
Q = pow(P, -1, 2**64)
LENGTH = 0xC2B2AE3D27D4EB4F
SAMPLES = [
    0x9FB21C651E98DF25, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3,
    0x589965CC75374CC3, 0x1D8E4E27C47D124F, 0xEB44ACCAB455D165, 0x9C88C6E36C62272D,
]  # fmt: skip
NANS = {2: 0x7E00, 4: 0x7FC00000, 8: 0x7FF8000000000000}


def words(array: pa.Array) -> list[int]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        of_values = words(array.dictionary)
        return [NULL if code is None else of_values[code] for code in array.indices.to_pylist()]
    if pa.types.is_struct(kind):
        fields = [words(array.field(i)) for i in range(kind.num_fields)]
        made = [polynomial([field[row] for field in fields]) for row in range(len(array))]
    elif pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        made = [0 if row is None else polynomial(words(row)) for row in (scalar.values for scalar in array)]
    else:
        made = [0 if value is None else leaf(kind, value) for value in leaf_values(array)]
    return [word if valid else NULL for word, valid in zip(made, array.is_valid().to_pylist(), strict=True)]


def polynomial(items: list[int]) -> int:
    total = len(items) * LENGTH
    for place, word in enumerate(items):
        total += mixed(word) * pow(Q, place, 2**64)
    return total & BITS


def mixed(word: int) -> int:
    word = (word ^ SALT) * MIX & BITS
    return word ^ word >> 32


def leaf_values(array: pa.Array) -> list[Any]:
    kind = array.type
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        array = array.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    return [None if scalar is None else scalar.as_py() for scalar in array]


def leaf(kind: pa.DataType, value: Any) -> int:
    if isinstance(value, str):
        return byte_string(value.encode())
    if isinstance(value, bytes):
        return byte_string(value)
    if pa.types.is_decimal(kind):
        data = int(value.scaleb(kind.scale)).to_bytes(kind.bit_width // 8, "little", signed=True)
        return byte_string(data) if len(data) > 8 else int.from_bytes(data, "little")
    if kind == pa.month_day_nano_interval():
        return byte_string(struct.pack("<iiq", *value))
    if pa.types.is_floating(kind):
        width = kind.bit_width // 8
        if math.isnan(value):
            return NANS[width]
        return int.from_bytes(struct.pack({2: "<e", 4: "<f", 8: "<d"}[width], value), "little")
    return int(value) & (1 if pa.types.is_boolean(kind) else 2**kind.bit_width - 1)


def byte_string(data: bytes) -> int:
    samples = [data[-8:]]
    if len(data) > 8:
        stride = max(8, (len(data) - 8) // 7)
        count = min(8, -(-len(data) // 8))
        samples += [data[k * stride : k * stride + 8] for k in range(count - 1)]
    total = len(data) * LENGTH
    for factor, sample in zip(SAMPLES, samples, strict=False):
        total += int.from_bytes(sample, "little") * factor
    return total & BITS


def width(kind: pa.DataType) -> int | None:
    """Bytes of every value of a type; None where values differ."""
    if pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return 1
    if pa.types.is_dictionary(kind):
        own = width(kind.value_type)
        return None if own is None else 4 + max(own - 16, 0)
    if pa.types.is_struct(kind):
        widths = [width(kind.field(i).type) for i in range(kind.num_fields)]
        return None if None in widths else max(sum(widths), 1)
    if pa.types.is_fixed_size_list(kind):
        own = width(kind.value_type)
        return None if own is None else max(own * kind.list_size, 1)
    if pa.types.is_large_list(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return None
    return max(kind.byte_width, 1) if pa.types.is_fixed_size_binary(kind) else kind.bit_width // 8


def sizes(array: pa.Array) -> list[int]:
    kind = array.type
    own = width(kind)
    valid = array.is_valid().to_pylist()
    if own is not None:
        return [own] * len(array)
    if pa.types.is_dictionary(kind):
        of_values = sizes(array.dictionary)
        return [4 if code is None else 4 + max(of_values[code] - 16, 0) for code in array.indices.to_pylist()]
    if pa.types.is_struct(kind):
        fields = [sizes(array.field(i)) for i in range(kind.num_fields)]
        return [sum(field[row] for field in fields) if ok else 1 for row, ok in enumerate(valid)]
    if pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        rows = [scalar.values for scalar in array]
        return [4 + (0 if row is None else sum(sizes(row))) for row in rows]
    values = [scalar.as_buffer() for scalar in array]
    return [4 + (0 if value is None else value.size) for value in values]


def ends(array: pa.Array, rule: Any) -> list[int]:
    own = width(array.type)
    row_words = words(array)
    row_sizes = [0] * len(array) if own is not None and own <= rule.free_bytes else sizes(array)
    found: list[int] = []
    while (found or [0])[-1] < len(array):
        start = (found or [0])[-1]
        found.append(start + chunk_rows(row_words[start:], row_sizes[start:], rule))
    return found


def chunk_rows(row_words: list[int], row_sizes: list[int], rule: Any) -> int:
    """Rows of the chunk that begins with the first of these rows."""
    levels, last_turned, taken, weights = rule.chances, None, 0, {}
    for row in range(len(row_words)):
        units = row + taken // rule.unit_bytes
        level = units // rule.level_units
        if level >= len(levels):
            return row
        taken += row_sizes[row]
        if not any(levels[: level + 1]):
            continue
        weight = weights.setdefault(level, max(level * rule.level_units // max(row, 1), 1))
        if last_turned is None:
            last_turned = row - 1
        now, before = (window_hash(row_words[: end + 1], rule.window) for end in (row, row - 1))
        if now == before:
            continue
        run = row - last_turned
        last_turned = row
        if now >> (run.bit_length() - 1) < min((levels[level] << 46) * weight, BITS):
            return row + 1
    return len(row_words)


def window_hash(row_words: list[int], window: int) -> int:
    recent = row_words[-window:][::-1]
    return sum(mixed(word) * pow(P, back + 1, 2**64) for back, word in enumerate(recent)) & BITS
