"""Training rows that a change touched, where joins lie between the dataset and the model. Numbers are by hand."""

from __future__ import annotations

import pytest

from lineageflow_jupyter.model.model_reports import Touched
from lineageflow_jupyter.testing.shell import TestingShell
from tests.kernel.test_models_verbs import repository

START = (
    "import numpy as np, pandas as pd\nfrom sklearn.linear_model import LinearRegression\n"
    "from sklearn.model_selection import train_test_split",
    "flights = pd.DataFrame({'id': np.arange(8) + 10, 'tail': list('aabbccdd'), 'hours': np.arange(8.0),\n"
    "    'late': np.arange(8.0) * 3 % 7, 'note': 'x'})",
    "planes = pd.DataFrame({'tail': list('abc'), 'seats': [1.0, 2.0, 3.0]})",
    "%lf commit flights -m raw --key id;",
)
JOIN = "joined = flights.merge(planes, on='tail', how='left')"
FRAME = "frame = joined[['id', 'hours', 'seats', 'late']].dropna().reset_index(drop=True)"
FIT = "model = LinearRegression().fit(frame[['hours', 'seats']], frame['late'])"


def after(shell: TestingShell, *cells: str, key: str = "id") -> Touched:
    """What is told of `model` after these cells, and a commit of the flights."""
    shell.run("%lf init")
    for cell in (*START[:-1], START[-1].replace("key id", f"key {key}"), *cells, "%lf commit flights -m after;"):
        shell.run(cell)
    return {each.model.name: each.touched for each in repository(shell).impact("flights").models}["model"]


def test_rows_are_counted_by_the_key_that_a_left_merge_carried(shell: TestingShell) -> None:
    # Of ids 10 to 17 the last two have no plane, and are dropped. `note` is no feature: 12 does not count.
    change = "flights.loc[flights.id.isin([11, 14, 16]), 'hours'] = 50.0\nflights.loc[2, 'note'] = 'seen'"
    touched = after(shell, JOIN, FRAME, FIT, change)
    assert (touched.rows, touched.of, touched.why) == (2, 6, "")


def test_rows_that_went_through_a_committed_frame_and_a_split(shell: TestingShell) -> None:
    split = (
        "%lf commit frame -m features;",
        "features = frame[['hours', 'seats']]",
        "X, X_test, y, y_test = train_test_split(features, frame['late'], random_state=0)",
        "model = LinearRegression().fit(X, y)",
    )
    touched = after(shell, JOIN, FRAME, *split, "flights = flights.drop(index=[0, 3, 5])")
    train = {int(each) for each in shell.user_ns["X"].index}
    assert (touched.rows, touched.of, touched.why) == (len(train & {0, 3, 5}), 4, "")
    assert 0 < touched.rows < 4


def test_a_merge_that_repeats_keys_gives_rows_not_keys(shell: TestingShell) -> None:
    more = "planes = pd.DataFrame({'tail': list('aaab'), 'seats': [1.0, 4.0, 5.0, 2.0]})"
    # Ids 10 and 11 come three times each, 12 and 13 once; 11 is another, 12 is gone.
    change = "flights.loc[1, 'hours'] = 50.0\nflights = flights.drop(index=[2])"
    touched = after(shell, more, JOIN, FRAME, FIT, change)
    assert (touched.rows, touched.of) == (4, 8)


def test_a_key_that_was_renamed_is_still_the_key(shell: TestingShell) -> None:
    renamed = FRAME.replace("joined[", "joined.rename(columns={'id': 'flight'})[").replace("['id'", "['flight'")
    touched = after(shell, JOIN, renamed, FIT, "flights.loc[[0, 7], 'late'] = 50.0")
    assert (touched.rows, touched.of, touched.why) == (1, 6, "")


@pytest.mark.parametrize(
    "step",
    [
        "joined['id'] = joined['id'] + 1",
        "joined['id'] = joined['id'].to_numpy()[::-1]",
        "joined = joined.assign(id=lambda each: each.id.rank())",
        "joined = joined.groupby('tail', as_index=False).agg(id=('id', 'max'), hours=('hours', 'mean'),\n"
        "    seats=('seats', 'mean'), late=('late', 'mean'))",
    ],
)
def test_a_key_that_was_overwritten_on_the_way_tells_nothing(shell: TestingShell, step: str) -> None:
    touched = after(shell, JOIN, step, FRAME, FIT, "flights.loc[[0, 7], 'late'] = 50.0")
    assert touched.rows is None
    assert "by its key neither" in touched.why


def test_a_key_of_two_columns(shell: TestingShell) -> None:
    frame = FRAME.replace("['id'", "['id', 'note'")
    change = "flights.loc[[1, 6], 'hours'] = 50.0\nflights.loc[3, 'note'] = 'other'"
    # 11 is another, 16 was dropped, (13, 'x') is gone.
    touched = after(shell, JOIN, frame, FIT, change, key="id note")
    assert (touched.rows, touched.of) == (2, 6)


def test_half_a_key_tells_nothing(shell: TestingShell) -> None:
    half = JOIN.replace("flights.", "flights.drop(columns='note').")
    touched = after(shell, half, FRAME, FIT, "flights.loc[1, 'hours'] = 50.0", key="id note")
    assert touched.rows is None
    assert "no table on the way to it has the key" in touched.why
