"""Fingerprints of live frames: the same as long as nothing changes, other ones after changes that ids would show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.frames.fingerprints import fingerprint
from lineageflow_jupyter.frames.normalise import normalise
from lineageflow_jupyter.testing.edits import edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames

few = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def content(frame: Any) -> Any:
    found = to_content(frame)
    arrays = [normalise(column.array) for column in found.columns] + [normalise(part) for part in found.companions]
    return found.rows, found.body, [(column.name, column.role) for column in found.columns], arrays


def equal(one: Any, other: Any) -> bool:
    return bool(one[:3] == other[:3]) and all(
        a.type == b.type and str(a.to_pylist()) == str(b.to_pylist()) for a, b in zip(one[3], other[3], strict=True)
    )


@few
@given(sketches(frames(), max_rows=20), scripts())
def test_any_edit_shows(sketch: Any, script: Any) -> None:
    one, other = frame_of(sketch), frame_of(edited(sketch, script))
    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) is not None
    if not equal(content(one), content(other)):
        assert fingerprint(one) != fingerprint(other)


FRAME = pd.DataFrame(
    {
        "n": np.arange(5),
        "f": np.linspace(0, 1, 5),
        "t": ["a", "b", "c", None, "e"],
        "c": pd.Categorical(list("uvuvu")),
        "i": pd.array([1, None, 3, 4, 5], dtype="Int64"),
        "d": pd.date_range("2026-01-01", periods=5, tz="Europe/Berlin"),
        "o": pd.Series([1, "x", None, 2.5, b"y"], dtype=object),
    },
)


def in_place(code: str) -> Any:
    frame = FRAME.copy()
    exec(code, {"df": frame, "np": np, "pd": pd})
    return frame


@pytest.mark.parametrize(
    "code",
    [
        "df.loc[2, 'n'] = 9",
        "df['new'] = 1",
        "df.iloc[0, 1] = -0.0",
        "df.at[1, 't'] = 'z'",
        "df.at[1, 'i'] = 7",
        "df.at[1, 'd'] = df.at[0, 'd']",
        "df.at[1, 'o'] = 'z'",
        "df.at[1, 'c'] = 'u'",
        "df.drop(columns='n', inplace=True)",
        "df.rename(columns={'n': 'm'}, inplace=True)",
        "df.sort_values('f', ascending=False, inplace=True)",
        "df.index = df.index + 1",
        "df.index.name = 'row'",
        "df.columns.name = 'field'",
        "df.attrs['a'] = 1",
        "df['c'] = df['c'].cat.set_categories(['v', 'u'])",
        "df['n'] = df['n'].astype('int32')",
        "df.dropna(inplace=True)",
    ],
)
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # deprecated in pandas 3.1, and used all the same
def test_edits_in_place_show(code: str) -> None:
    before = fingerprint(FRAME)
    assert fingerprint(FRAME.copy()) == before
    assert fingerprint(in_place(code)) != before
    assert fingerprint(FRAME) == before


def test_an_edit_through_an_array_that_shares_its_memory_shows() -> None:
    values = np.arange(12.0).reshape(4, 3)
    frame = pd.DataFrame(values, columns=list("abc"), copy=False)
    before = fingerprint(frame)
    values[2, 1] = -1
    assert fingerprint(frame) != before


def test_slices_of_arrow_arrays() -> None:
    table = pa.table({"x": range(100), "t": [str(n) for n in range(100)], "b": [n % 3 == 0 for n in range(100)]})
    assert fingerprint(table.slice(10, 5)) == fingerprint(table.slice(10, 5))
    assert len({fingerprint(table.slice(start, 5)) for start in range(20)}) == 20
    assert fingerprint(table.slice(10, 0)) is not None


def test_polars() -> None:
    frame = pl.DataFrame({"x": [1, 2], "t": ["a", None], "e": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))})
    before = fingerprint(frame)
    assert fingerprint(frame.clone()) == before
    assert fingerprint(frame.with_columns(t=pl.lit("a"))) != before
    assert fingerprint(frame.rename({"x": "y"})) != before
    assert fingerprint(frame.with_columns(e=pl.Series(["a", "b"], dtype=pl.Enum(["a", "b", "c"])))) != before


def test_what_is_no_frame_has_none() -> None:
    assert fingerprint([1, 2]) is None
    assert fingerprint(pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1])})) is None
