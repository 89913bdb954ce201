"""Normalised Arrow arrays of every type, in clean and in dirty representations of the same values."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

TEXTS = ["", "a", "é", "user_17", "12345678", "123456789", "naïve ☃ text", "x" * 16, "y" * 17, "k" * 63, "k" * 64 + "é"]
TEXTS += ["long " * 20, "0123456789" * 31, "m" * 71, "m" * 72, "m" * 73]
POOLS: dict[str, list[Any]] = {
    "int": [0, 1, 2, 3, 5, 7, 100, 127],
    "float": [0.0, -0.0, 1.0, 1.5, -2.0, float("nan"), float("inf"), 1e-3],
    "bool": [False, True],
    "text": TEXTS,
    "bytes": [text.encode() for text in TEXTS] + [b"\x00", b"\x00\x00"],
    "decimal": [Decimal("0.00"), Decimal("1.25"), Decimal("-1.25"), Decimal("9999.99")],
    "interval": [pa.MonthDayNano([1, 2, 3]), pa.MonthDayNano([-1, 0, 10**12]), pa.MonthDayNano([0, 0, 0])],
}

LEAVES = [
    pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
    pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.date32(), pa.time32("s"), pa.time64("ns"),
    pa.timestamp("us"), pa.duration("ms"), pa.decimal128(38, 2), pa.decimal256(76, 2), pa.month_day_nano_interval(),
    pa.large_string(), pa.large_binary(), pa.binary(0), pa.binary(3), pa.binary(16), pa.binary(29), pa.binary(100),
]  # fmt: skip
NESTED = [
    pa.large_list(pa.float64()), pa.large_list(pa.large_string()), pa.large_list(pa.large_list(pa.int16())),
    pa.large_list(pa.null()), pa.large_list(pa.struct([])), pa.list_(pa.int32(), 3),
    pa.list_(pa.int32(), 0), pa.list_(pa.large_string(), 2),
    pa.struct([("a", pa.int64()), ("b", pa.bool_())]), pa.struct([("a", pa.large_string()), ("b", pa.float32())]),
    pa.dictionary(pa.int32(), pa.large_string()), pa.dictionary(pa.int32(), pa.int64()),
    pa.dictionary(pa.int32(), pa.decimal256(76, 2)), pa.large_list(pa.dictionary(pa.int32(), pa.large_string())),
    pa.struct([("a", pa.dictionary(pa.int32(), pa.large_string())), ("b", pa.large_list(pa.bool_()))]),
]  # fmt: skip
KINDS = LEAVES + NESTED


def drawn(kind: Any, rows: int, rng: np.random.Generator, *, style: str = "few", nulls: float = 0.1) -> list[Any]:
    """Plain values: of `style` "few", "many" (nested ones vary more), "runs" or "constant"."""
    choices = [_one(kind, rng) for _ in range({"few": 3, "many": 40, "runs": 8, "constant": 1}[style])]
    picks = rng.integers(0, len(choices), rows)
    if style == "runs":
        picks = np.repeat(picks, rng.integers(1, 40, rows))[:rows]
    hidden = rng.random(rows) < nulls
    return [None if null else choices[pick] for pick, null in zip(picks, hidden, strict=True)]


def _one(kind: Any, rng: np.random.Generator) -> Any:
    types = pa.types
    if types.is_null(kind):
        return None
    if types.is_struct(kind):
        return {field.name: _maybe(field.type, rng) for field in kind}
    if types.is_fixed_size_list(kind):
        return [_maybe(kind.value_type, rng) for _ in range(kind.list_size)]
    if types.is_large_list(kind):
        return [_maybe(kind.value_type, rng) for _ in range(int(rng.integers(0, 5)))]
    if types.is_dictionary(kind):
        return _one(kind.value_type, rng)
    if types.is_fixed_size_binary(kind):
        return rng.integers(0, 256, kind.byte_width).astype("u1").tobytes()
    return POOLS[_pool(kind)][int(rng.integers(0, len(POOLS[_pool(kind)])))]


def _maybe(kind: Any, rng: np.random.Generator) -> Any:
    return None if rng.random() < 0.15 else _one(kind, rng)


def _pool(kind: Any) -> str:
    types = pa.types
    tests = [
        ("bool", types.is_boolean), ("float", types.is_floating), ("text", types.is_large_string),
        ("bytes", types.is_large_binary), ("decimal", types.is_decimal), ("interval", types.is_interval),
    ]  # fmt: skip
    return next((name for name, test in tests if test(kind)), "int")


def built(kind: Any, values: Sequence[Any], *, dirty: np.random.Generator | None = None) -> Any:
    """Array of these values; with `dirty`, one with an offset and with garbage wherever values leave room."""
    if dirty is None:
        return _array(kind, list(values), None)
    before, after = (drawn(kind, int(dirty.integers(0, 12)), dirty, style="many") for _ in range(2))
    return _array(kind, before + list(values) + after, dirty).slice(len(before), len(values))


def _array(kind: Any, values: list[Any], rng: np.random.Generator | None) -> Any:
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    filled = [_filler(kind, rng) if value is None else value for value in values]
    valid = np.array([value is not None for value in values], bool)
    bitmap = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    if pa.types.is_dictionary(kind):
        return _categories(kind, values, rng)
    if pa.types.is_struct(kind):
        children = [_child(field.type, [value[field.name] for value in filled], rng) for field in kind]
        return pa.Array.from_buffers(kind, len(values), [bitmap], children=children)
    if pa.types.is_fixed_size_list(kind):
        items = _child(kind.value_type, [item for value in filled for item in value], rng)
        return pa.Array.from_buffers(kind, len(values), [bitmap], children=[items])
    if pa.types.is_large_list(kind):
        offsets = np.concatenate([[0], np.cumsum([len(value) for value in filled])]).astype("<i8")
        items = _child(kind.value_type, [item for value in filled for item in value], rng)
        return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(offsets)], children=[items])
    return pa.Array.from_buffers(kind, len(values), [bitmap, *_leaf_buffers(kind, filled, rng)])


def _child(kind: Any, values: list[Any], rng: np.random.Generator | None) -> Any:
    return built(kind, values, dirty=rng)


def _filler(kind: Any, rng: np.random.Generator | None) -> Any:
    if rng is not None:
        return _one(kind, rng)
    types = pa.types
    if types.is_struct(kind):
        return {field.name: None for field in kind}
    if types.is_fixed_size_list(kind):
        return [None] * kind.list_size
    if types.is_large_list(kind):
        return []
    if types.is_fixed_size_binary(kind):
        return bytes(kind.byte_width)
    return POOLS[_pool(kind)][0]


def _leaf_buffers(kind: Any, filled: list[Any], rng: np.random.Generator | None) -> list[Any]:
    if pa.types.is_floating(kind):
        data = np.array(filled, f"<f{kind.bit_width // 8}")
        if rng is not None:
            strange = data.view(f"<u{data.itemsize}")
            strange[np.isnan(data)] |= rng.integers(0, 64, int(np.isnan(data).sum())).astype(strange.dtype)
            strange[np.isnan(data)] |= strange.dtype.type(1 << 8 * data.itemsize - 1)  # NaN with a sign
        return [pa.py_buffer(data)]
    return (
        pa.array(filled, kind).buffers()[1:]
        if filled
        else [pa.py_buffer(bytes(8)), pa.py_buffer(b"")][: _buffers(kind)]
    )


def _buffers(kind: Any) -> int:
    return 2 if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind) else 1


def _categories(kind: Any, values: list[Any], rng: np.random.Generator | None) -> Any:
    distinct = list({repr(value): value for value in values if value is not None}.values())
    if rng is not None:
        known = {repr(value) for value in distinct}
        distinct += [extra for extra in (_one(kind.value_type, rng) for _ in range(2)) if repr(extra) not in known][:1]
        distinct = [distinct[place] for place in rng.permutation(len(distinct))]
    place = {repr(value): code for code, value in enumerate(distinct)}
    wild = 0 if rng is None or not distinct else int(rng.integers(0, len(distinct)))
    codes = np.array([wild if value is None else place[repr(value)] for value in values], "<i4")
    mask = np.array([value is None for value in values], bool)
    bitmap = pa.py_buffer(np.packbits(~mask, bitorder="little")) if mask.any() else None
    indices = pa.Array.from_buffers(pa.int32(), len(values), [bitmap, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, _array(kind.value_type, distinct, rng))
