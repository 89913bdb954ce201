"""Distributions of columns, against numpy over all values at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms import summaries
from lineageflow_jupyter.algorithms.summaries import distribution
from tests.frames.arrays import KINDS, built, drawn


@given(st.lists(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(float("nan"))), max_size=6), max_size=4))
def test_parts_are_summed_up_as_one(parts: list[list[float | None]]) -> None:
    found = distribution([pa.array(part, pa.float64()) for part in parts], pa.float64())
    values = [value for part in parts for value in part if value is not None]
    numbers = [value for value in values if value == value]
    assert found.rows == sum(map(len, parts))
    assert found.nulls == found.rows - len(values)
    assert found.nans == len(values) - len(numbers)
    assert found.exact
    if numbers:
        assert (found.minimum, found.maximum) == (min(numbers), max(numbers))
        assert found.mean == pytest.approx(np.mean(numbers), abs=1e-6)
        assert dict(found.quantiles)[0.25] == pytest.approx(np.quantile(numbers, 0.25))
    else:
        assert (found.minimum, found.mean, found.quantiles) == (None, None, ())


def test_frequent_values_and_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "MOST_DISTINCT", 5)
    few = distribution([pa.array(["a", "b"]), pa.array(["b", None, "c"])], pa.string())
    assert (few.distinct, few.top) == (3, (("b", 2), ("a", 1), ("c", 1)))
    assert (few.minimum, few.maximum, few.mean) == ("a", "c", None)
    many = distribution([pa.array([str(i) for i in range(7)])] * 2, pa.string())
    assert (many.distinct, many.distinct_above, many.top) == (None, 5, ())


def test_quantiles_of_many_values_are_those_of_an_even_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "MOST_SORTED", 100)
    values = np.arange(1000.0)
    found = distribution([pa.array(part) for part in np.array_split(values, 7)], pa.float64())
    assert not found.exact
    assert found.mean == 499.5
    assert dict(found.quantiles)[0.5] == pytest.approx(499.5, abs=20)


def test_times_stay_times() -> None:
    days = pa.array([dt.date(2020, 1, 1), dt.date(2020, 1, 3), None])
    found = distribution([days], days.type)
    assert (found.minimum, found.mean) == (dt.date(2020, 1, 1), dt.date(2020, 1, 2))
    assert dict(found.quantiles)[0.95] == dt.date(2020, 1, 3)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_type_can_be_summarised(kind: Any) -> None:
    array = built(kind, drawn(kind, 30, np.random.default_rng(5)))
    found = distribution([array.slice(0, 10), array.slice(10)], kind)
    assert (found.rows, found.nulls) == (30, array.null_count)
