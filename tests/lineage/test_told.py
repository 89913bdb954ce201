"""Which operation touched a column: told from records of real calls, and never guessed."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from lineageflow_jupyter.lineage.operations import Recorder
from lineageflow_jupyter.lineage.told import (
    dropping_operation_of,
    operation_of,
    operation_text,
    operations_on,
    row_operation_of,
)
from lineageflow_jupyter.model.cells import CellRun


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    recorder.install()
    yield recorder
    recorder.uninstall()


def run_of(recorder: Recorder, code: str) -> CellRun:
    """Record of some code that ran on the frame `df`."""
    names = {"pd": pd, "df": pd.DataFrame({"a": [1.0, None, 3.0], "b": [3, 2, 1]})}

    def name(number: int) -> str:
        return next((name for name, value in names.items() if id(value) == number), "")

    compiled = compile(code, "<cell>", "exec")
    with recorder.recording("<cell>", name=name) as found:
        exec(compiled, names)
    return CellRun("1f", "", "", "", 7, code, "", 0, 0, "ok", operations=found.operations)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("df['a'] = df['a'].fillna(0)", "fillna, line 1"),
        ("x = 1\ndf['a'] = df.a.fillna(0).clip(0, 2)", "clip, line 2"),
        ("df = df.fillna({'a': 0})", "fillna, line 1"),
        ("df.fillna(0, inplace=True)", "fillna, line 1"),
        ("df.loc[df.b > 1, 'a'] = 9.0", "loc[…] = …, line 1"),
        ("df.iloc[0, 0] = 5", "iloc[…] = …, line 1"),
        ("df['a'] = 5", "[…] = …, line 1"),
        ("df['a'] += 1", "+=, line 1"),
        ("df['a'] = df.a / df.b", "/, line 1"),
        ("df = df.dropna().fillna(0).assign(\n    a=lambda frame: frame.a * 2)", "assign, line 1"),
        ("df = df.fillna(0).sort_values('b').head(2)", "fillna, line 1"),
        ("df['a'] = df.a.fillna(0)\ndf['a'] = df.a.abs()\ndf['b'] = 1", "abs, line 2"),
        ("new = df.copy()\nnew['a'] = 1\ndf = new", None),  # the record knows it as `new`
        ("for column in ['a', 'b']:\n    df[column] = df[column].fillna(0)", "fillna, line 2"),
        ("df = df[df.b > 1]", None),
        ("other = df.fillna(0)", None),
        ("df.sort_values('b')", None),
        ("df['b'] = df['b'] * 2", None),
        ("df['a'] = df['a'].to_numpy() + 1", "[…] = …, line 1"),
        ("df = df.pipe(lambda frame: frame.head(2))", "pipe, line 1 (its columns cannot be told)"),
    ],
)
def test_the_operation_that_changed_a_column(recorder: Recorder, code: str, told: str | None) -> None:
    found = operation_of(run_of(recorder, code), "df", "a")
    assert (None if found is None else operation_text(found, "a")) == told


def test_rows_and_columns_that_came_and_went(recorder: Recorder) -> None:
    run = run_of(
        recorder, "df = df.dropna()\ndf['c'] = df.a / df.b\ndf = df.drop(columns='b')\ndf = pd.concat([df, df])"
    )
    assert operation_text(row_operation_of(run, "df", added=True)) == "concat, line 4"  # type: ignore[arg-type]
    assert row_operation_of(run, "df", added=False) is None  # the last one that changed the number of rows added some
    assert operation_text(operation_of(run, "df", "c")) == "/, line 2"  # type: ignore[arg-type]
    assert operation_text(dropping_operation_of(run, "df", "b")) == "drop, line 3"  # type: ignore[arg-type]
    assert dropping_operation_of(run, "df", "a") is None
    run = run_of(recorder, "df = df.dropna()")
    assert operation_text(row_operation_of(run, "df", added=False)) == "dropna, line 1"  # type: ignore[arg-type]
    assert row_operation_of(run, "df", added=True) is None
    made = run_of(recorder, "df = pd.DataFrame({'x': [1]})")
    assert operation_text(row_operation_of(made, "df", added=True)) == "DataFrame, line 1"  # type: ignore[arg-type]


def test_operations_that_led_to_a_variable(recorder: Recorder) -> None:
    run = run_of(recorder, "other = df.head(1)\ndf = df.dropna().fillna(0)\nother['z'] = 1")
    assert [each.call for each in operations_on(run, "df")] == ["DataFrame.dropna", "DataFrame.fillna"]
    assert [each.line for each in operations_on(run, "other")] == [1, 3]
    assert operations_on(run, "nothing") == ()
