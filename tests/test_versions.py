"""Whether a column is constant, told from chunk ids or from as few values as tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.versions import StoredVersion, is_constant
from tests.diffs import live, stored

MANY = 700_000
"""Rows of a column that has several chunks even if all its values are one."""


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ([], True),
        ([5], True),
        ([5, 5, 5], True),
        ([5, 5, 6], False),
        ([None, None], True),
        ([None, 5], False),
        ([float("nan")] * 2, True),
        ([0.0, -0.0], False),
        ([float("nan"), None], False),
        (["a", "a"], True),
        (["", None], False),
        ([[1], [1]], True),
        ([[1], [1, 1]], False),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1], "int32"), ["a", "b"]), False),
        (pa.DictionaryArray.from_arrays(pa.array([1, 1], "int32"), ["a", "b"]), True),
    ],
)
def test_one_value_in_all_rows(repo: Repository, values: Any, constant: bool) -> None:
    table = pa.table({"x": values})
    assert is_constant(live(repo, table), 0) is constant
    assert is_constant(stored(repo, table), 0) is constant


@pytest.mark.parametrize("other", [None, 0, MANY // 2, MANY - 1])
def test_many_rows(repo: Repository, other: int | None) -> None:
    values = np.zeros(MANY, "int64")
    if other is not None:
        values[other] = 1
    version = stored(repo, pd.DataFrame({"x": values}))
    assert len(version.columns[0].chunks) > 2
    assert is_constant(version, 0) is (other is None)


def test_chunks_of_different_lengths_that_are_constant_each(repo: Repository) -> None:
    values = np.zeros(200_000, "int64")
    values[2**17 :] = 1  # where a chunk of equal values is cut
    version = stored(repo, pd.DataFrame({"x": values}))
    assert len({chunk.rows for chunk in version.columns[0].chunks}) == 2
    assert not is_constant(version, 0)


def test_what_ids_tell_is_not_read(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk as long as another one of other values; and of equal chunks one alone is looked at."""
    values = np.zeros(MANY, "int64")
    values[5] = 1
    varying = stored(repo, pd.DataFrame({"x": values}), dataset="varying")
    same = stored(repo, pd.DataFrame({"x": np.zeros(MANY, "int64")}), dataset="same")
    rows: list[int] = []
    read = StoredVersion.values

    def counting(self: StoredVersion, places: Any, span: range) -> Any:
        rows.append(len(span))
        return read(self, places, span)

    monkeypatch.setattr(StoredVersion, "values", counting)
    assert not is_constant(varying, 0)
    assert rows == []
    assert is_constant(same, 0)
    assert 0 < sum(rows) < MANY
