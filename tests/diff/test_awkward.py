"""Diffs of awkward versions: keys that identify nothing or are gone, columns that come back, no rows, all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lineageflow_jupyter.errors import KeyViolation
from lineageflow_jupyter.repository import Repository

# --- labels and keys that do not identify rows -----------------------------------------------------------------------


def test_labels_that_repeat_do_not_identify_rows_even_if_none_changed(repo: Repository) -> None:
    times = pd.DatetimeIndex(["2026-01-01", "2026-01-01", "2026-01-02"], name="t")
    repo.commit({"t": pd.DataFrame({"x": [1, 2, 3]}, index=times)}, message="old")
    found = repo.diff_frame("t", pd.DataFrame({"x": [2, 1, 3]}, index=times))
    assert found.by == "content"
    assert (found.summary.rows_moved, found.summary.cells) == (1, 0)


def test_a_key_that_is_asked_for_must_identify_rows_even_if_none_changed(repo: Repository) -> None:
    repo.commit({"t": pd.DataFrame({"group": ["a", "a"], "x": [1, 2]})}, message="old")
    with pytest.raises(KeyViolation, match="not unique: group='a'"):
        repo.diff_frame("t", pd.DataFrame({"group": ["a", "a"], "x": [1, 3]}), key="group")


@pytest.mark.parametrize("kind", ["text", "interval"])
def test_categories_as_labels(repo: Repository, kind: str) -> None:
    """As `pd.cut` and `groupby` give them. Intervals are no key: a lower and an upper end are not one value."""

    def grouped(values: range, bins: int) -> Any:
        x = pd.Series(values)
        by = pd.cut(x, bins) if kind == "interval" else pd.Categorical(np.where(x % bins == 0, "a", "b"), ["b", "a"])
        return x.groupby(by, observed=True).mean().to_frame("mean")

    repo.commit({"t": grouped(range(10), 2)}, message="old")
    repo.commit({"t": grouped(range(12), 3)}, message="new")
    found = repo.diff("HEAD~1", "HEAD")["t"]
    assert found.by == ("content" if kind == "interval" else "index")
    pd.testing.assert_frame_equal(found.apply(grouped(range(10), 2)), grouped(range(12), 3))
