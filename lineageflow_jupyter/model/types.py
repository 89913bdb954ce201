"""Logical types of columns, independent of the library that holds the values. Conversions live in ``frames``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FIXED_WIDTHS = {
    "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8,
    "float16": 2, "float32": 4, "float64": 8,
    "date32": 4, "date64": 8, "time32": 4, "time64": 8, "timestamp": 8, "duration": 8,
    "month_interval": 4, "day_time_interval": 8, "month_day_nano_interval": 16,
    "decimal32": 4, "decimal64": 8, "decimal128": 16, "decimal256": 32,
}  # fmt: skip
"""Bytes of one value, for the types whose values all have the same width (``fixed_binary`` carries its own)."""

TYPE_NAMES = frozenset(FIXED_WIDTHS) | {
    "null", "bool", "fixed_binary", "utf8", "binary", "list", "fixed_list", "struct", "dictionary",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogicalType:
    """What the values of a column are.

    Parameters
    ----------
    name : str
        One of ``TYPE_NAMES``.
    params : tuple of int or str
        Unit of temporal types (``"s" | "ms" | "us" | "ns"``), ``scale`` of decimals, width of ``fixed_binary``,
        length of ``fixed_list``; else empty. Time zones and decimal precision belong to the frame description.
    fields : tuple of (str, LogicalType)
        Children: fields of a struct with their names; one child named ``""`` for lists and dictionaries.
    """

    name: str
    params: tuple[int | str, ...] = ()
    fields: tuple[tuple[str, LogicalType], ...] = ()

    @property
    def child(self) -> LogicalType:
        """Type of the values of a list or dictionary."""
        return self.fields[0][1]

    @property
    def width(self) -> int | None:
        """Bytes of one value, or None where values have no fixed width (``bool`` is a bit and has None)."""
        if self.name == "fixed_binary":
            return int(self.params[0])
        return FIXED_WIDTHS.get(self.name)

    def __str__(self) -> str:
        """Text for people, such as ``timestamp[ns]`` or ``list<int64>``."""
        text = self.name
        if self.params:
            text += "[" + ", ".join(map(str, self.params)) + "]"
        if self.fields:
            text += "<" + ", ".join(f"{name}: {kind}" if name else str(kind) for name, kind in self.fields) + ">"
        return text

    def encoded(self) -> list[Any]:
        """Plain lists, for canonical encoding."""
        return [self.name, list(self.params), [[name, kind.encoded()] for name, kind in self.fields]]

    @classmethod
    def decoded(cls, value: Sequence[Any]) -> LogicalType:
        """Inverse of `encoded`.

        Raises
        ------
        ValueError
            If `value` is not an encoded type.
        """
        name, params, fields = value
        if name not in TYPE_NAMES:
            raise ValueError(f"unknown logical type {name!r}")
        return cls(name, tuple(params), tuple((label, cls.decoded(kind)) for label, kind in fields))
