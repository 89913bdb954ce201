"""What the values of a column are like, found part by part in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.model.diffs import Distribution

MOST_DISTINCT = 2**16
"""Different values are counted up to so many."""
MOST_BYTES = 2**26
"""Long texts are counted as long as their different ones take no more."""
MOST_SORTED = 2**22
"""Quantiles are exact up to so many values; of more, every second, fourth … is looked at."""
FRACTIONS = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP = 10
"""So many of the most frequent values are told."""


def distribution(parts: Iterable[Any], kind: Any) -> Distribution:
    """Summarise a column.

    Parameters
    ----------
    parts : iterable of pyarrow.Array
        Its values, part by part.
    kind : pyarrow.DataType
        Their type.

    Examples
    --------
    >>> distribution([pa.array([1, 2]), pa.array([2, None])], pa.int64()).top
    ((2, 2), (1, 1))
    """
    column = _Column(kind.value_type if pa.types.is_dictionary(kind) else kind)
    for part in parts:
        column.add(part.dictionary.take(part.indices) if pa.types.is_dictionary(part.type) else part)
    return column.distribution()


class _Column:
    """Collects what there is to say about values of a type without dictionaries."""

    def __init__(self, kind: Any) -> None:
        types = pa.types
        self._kind = kind
        self._rows = self._nulls = self._nans = 0
        self._timed = types.is_temporal(kind) and not types.is_interval(kind)
        self._measured = self._timed or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        self._compared = self._measured or kind in (pa.string(), pa.large_string())
        countable = not types.is_nested(kind) and not types.is_interval(kind) and not types.is_null(kind)
        self._counts: Any = _no_counts(kind) if countable else None
        self._ends: Any = None
        self._values = _Sample()

    def add(self, part: Any) -> None:
        """Take in some values."""
        self._rows += len(part)
        self._nulls += part.null_count
        part = part.drop_null()
        part = part.cast(pa.float32()) if pa.types.is_float16(self._kind) else part
        if self._counts is not None and not _too_many(self._counts):
            self._counts = _counted(self._counts, part)
        if pa.types.is_floating(self._kind):
            strange = pc.is_nan(part)
            self._nans += int(pc.sum(strange).as_py() or 0)
            part = part.filter(pc.invert(strange))
        if not len(part) or not self._compared:
            return
        if self._timed:
            part = part.view(pa.int32() if self._kind.bit_width == 32 else pa.int64())
        self._ends = _ends(part if self._ends is None else pa.concat_arrays([self._ends, _ends(part)]))
        if self._measured:
            self._values.add(np.asarray(part if self._timed else part.cast(pa.float64(), safe=False)))

    def distribution(self) -> Distribution:
        """Return what was found."""
        counts = None if self._counts is None or _too_many(self._counts) else self._counts
        low, high = (None, None) if self._ends is None else (self._value(self._ends[i]) for i in (0, 1))
        return Distribution(
            rows=self._rows,
            nulls=self._nulls,
            nans=self._nans,
            distinct=(0 if pa.types.is_null(self._kind) else None) if counts is None else len(counts),
            distinct_above=0 if self._counts is None else min(max(len(self._counts) - 1, 0), MOST_DISTINCT),
            minimum=low,
            maximum=high,
            mean=self._restored(self._values.mean) if self._values.count else None,
            quantiles=tuple(
                (fraction, self._restored(value)) for fraction, value in self._values.quantiles(nearest=self._timed)
            ),
            exact=self._values.exact,
            top=() if counts is None else _top(counts),
        )

    def _value(self, scalar: Any) -> Any:
        return self._restored(scalar.as_py()) if self._timed else scalar.as_py()

    def _restored(self, value: Any) -> Any:
        """A number as a value of the column's type, if that is a type of times."""
        if not self._timed:
            return float(value) if isinstance(value, np.generic) else value
        stored = pa.int32() if self._kind.bit_width == 32 else pa.int64()
        return _plain(pa.array([int(value)], stored).view(self._kind)[0])


class _Sample:
    """Numbers, all of them while they are few, then every second, fourth and so on."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0.0
        self._step = 1
        self._parts: list[Any] = []

    @property
    def exact(self) -> bool:
        """Whether all numbers are kept."""
        return self._step == 1

    @property
    def mean(self) -> float:
        """Mean of all numbers."""
        return self._sum / self.count

    def add(self, values: Any) -> None:
        """Take in numbers."""
        self._parts.append(values[-self.count % self._step :: self._step])
        self.count += len(values)
        self._sum += float(values.sum(dtype="f8"))
        while sum(map(len, self._parts)) > MOST_SORTED:
            self._parts = [np.concatenate(self._parts)[::2]]
            self._step *= 2

    def quantiles(self, *, nearest: bool) -> list[tuple[float, Any]]:
        """Fractions with their values; `nearest`: only values that occur."""
        if not self.count:
            return []
        with np.errstate(invalid="ignore"):  # between infinities
            found = np.quantile(np.concatenate(self._parts), FRACTIONS, method="nearest" if nearest else "linear")
        return list(zip(FRACTIONS, found, strict=True))


def _ends(values: Any) -> Any:
    """Least and greatest value."""
    found = pc.min_max(values)
    return pa.concat_arrays([pa.array([found[name].as_py()], values.type) for name in ("min", "max")])


def _too_many(counts: Any) -> bool:
    return len(counts) > MOST_DISTINCT or counts.nbytes > MOST_BYTES


def _no_counts(kind: Any) -> Any:
    kind = pa.float32() if pa.types.is_float16(kind) else kind
    return pa.table({"values": pa.array([], kind), "counts": pa.array([], pa.int64())})


def _counted(counts: Any, part: Any) -> Any:
    """Counts with those of some more values."""
    if not len(part):
        return counts
    found = part.value_counts()
    more = pa.table({"values": found.field("values"), "counts": found.field("counts")})
    if not len(counts):
        return more
    return (
        pa.concat_tables([counts, more])
        .group_by("values")
        .aggregate([("counts", "sum")])
        .rename_columns(["values", "counts"])
    )


def _top(counts: Any) -> tuple[tuple[Any, int], ...]:
    order = np.argsort(-np.asarray(counts["counts"]), kind="stable")[:TOP]
    best = counts.take(pa.array(order))
    return tuple(zip((_plain(value) for value in best["values"]), best["counts"].to_pylist(), strict=True))


def _plain(scalar: Any) -> Any:
    """Python value, or a text of one that Python has no class for."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return str(scalar.cast(pa.string()))
