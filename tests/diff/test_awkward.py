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


# --- rows that are hard to tell apart --------------------------------------------------------------------------------


def test_rows_that_only_a_rarely_telling_column_tells_apart(repo: Repository) -> None:
    """Of many rows only some columns are looked at first: here the number, which nearly always tells rows apart."""
    rows = 150_000
    rng = np.random.default_rng(0)
    number = rng.permutation(rows)
    number[rng.choice(rows, 900, replace=False)] = np.repeat(np.arange(100) - 200, 9)
    old = pd.DataFrame({"number": number, "kind": rng.integers(0, 3, rows), "flag": rng.random(rows) < 0.5})
    repo.commit({"t": old}, message="old")
    found = repo.diff_frame("t", old.sample(frac=1, random_state=0, ignore_index=True))
    assert (found.summary.rows_added, found.summary.rows_removed, found.summary.cells) == (0, 0, 0)
