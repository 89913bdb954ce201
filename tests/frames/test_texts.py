"""Values as texts: what people see of every type, and never the same text for two values where that can be helped."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.texts import array_texts, column_texts
from tests.frames.arrays import KINDS, built, drawn
from tests.frames.stored_content import stored


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([1.0, 0.1 + 0.2, -0.0, float("nan"), float("inf"), 1e22, None]),
         ["1.0", "0.30000000000000004", "-0.0", "NaN", "inf", "1e+22", None]),
        (pa.array([np.float16(0.1), np.float16("nan"), None], pa.float16()), ["0.1", "NaN", None]),
        (pa.array([True, None]), ["True", None]),
        (pa.array([0, 1_500, 10**9], pa.timestamp("ns")),
         ["1970-01-01 00:00:00", "1970-01-01 00:00:00.000001500", "1970-01-01 00:00:01"]),
        (pa.array([0], pa.timestamp("us", "Asia/Kolkata")), ["1970-01-01 05:30:00+05:30"]),
        (pa.array([0], pa.timestamp("s", "UTC")), ["1970-01-01 00:00:00+00:00"]),
        (pa.array([-1, 90_000_000_000, None], pa.duration("us")),
         ["-1 days +23:59:59.999999", "1 days 01:00:00", None]),
        (pa.array([dt.time(1, 2, 3)], pa.time64("ns")), ["01:02:03"]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([b"\xff"]), [r"b'\xff'"]),
        (pa.array([[1, None], None]), ["[1, None]", None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.nulls(2), [None, None]),
    ],
)  # fmt: skip
def test_texts_of_arrow_values(array: Any, texts: list[str | None]) -> None:
    assert array_texts(array).to_pylist() == texts


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pd.array(["2020-01", None], dtype="period[M]"), ["2020-01", None]),
        (pd.arrays.IntervalArray.from_breaks([0, 1]), ["(0, 1]"]),
        (np.array([1 + 2j]), ["(1+2j)"]),
        (pd.Categorical(pd.period_range("2020-01", periods=2, freq="M")), ["2020-01", "2020-02"]),
        (pd.Series([uuid.UUID(int=1), None], dtype=object), [str(uuid.UUID(int=1)), None]),
        (pd.Series([Decimal("1.5"), Decimal("1.50")], dtype=object), ["1.5", "1.50"]),
        (pd.Series([(1, "a"), None], dtype=object), ["(1, 'a')", None]),
        (pd.Series([dt.date(2020, 1, 2)], dtype=object), ["2020-01-02"]),
        (pd.to_datetime(["2020-06-01"]).tz_localize("Europe/Berlin"), ["2020-06-01 00:00:00+02:00"]),
    ],
)
def test_texts_of_what_only_pandas_has(values: Any, texts: list[str | None]) -> None:
    content = stored(to_content(pd.DataFrame({"x": values})))
    assert column_texts(content, [0])[0].to_pylist() == texts


@given(st.sampled_from(KINDS), st.integers(0, 10), st.integers(0, 2**31))
def test_every_type_has_texts_and_null_has_none(kind: Any, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    array = built(kind, drawn(kind, rows, rng, style="many"), dirty=rng)
    texts = array_texts(array)
    assert texts.type == pa.large_string()
    assert texts.is_null().to_pylist() == array.is_null().to_pylist()
