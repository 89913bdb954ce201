"""`log_model` and `log_metric`: what a notebook tells of libraries that are not watched."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import InputError, OutsideCell, UnknownName, UsageProblem
from tests.lineage.recorded import Notebook, edges, notebook


class Booster:
    """A model of a library without a base class."""


class Sealed:
    """One that takes no weak references."""

    __slots__ = ("depth",)


@pytest.fixture
def book():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "y": [5.0, 6.0]})
    with notebook(df=frame, lf=lf, Booster=Booster, Sealed=Sealed) as made:
        yield made


def test_a_model_with_its_data(book: Notebook) -> None:
    code = """
train = df[df.a > 0]
model = Booster()
lf.log_model(model, inputs=train, target="y", parameters={"depth": 3, "table": np.zeros(1_000), "api_key": "s3cret"})
"""
    found = book.run(code).operations[-1]
    assert (found.call, found.line, found.output, found.model) == ("log_model", 4, "model", "model")
    assert found.parameters == "Booster(depth=3, table=<ndarray>, api_key=***)"
    assert (found.inputs, found.rows_in, found.opaque, found.count) == (("train",), 2, False, 1)
    assert edges(found) == {"train.a -> X value", "train.b -> X value", "train.y -> y value"}


@pytest.mark.parametrize(
    ("arguments", "expected", "opaque"),
    [
        ("inputs=df, features=['a']", {"df.a -> X value"}, False),
        ("inputs=df, features='a', target=df['y'] * 2", {"df.a -> X value", "df.y -> y value"}, False),
        ("inputs=[df[['a']], df.b]", {"~1.a -> X value", "df.b -> X value"}, False),
        ("inputs={'train': X, 'weights': df.b}", {"df.a -> X value", "df.b -> X value"}, False),
        ("inputs=X, target=y", {"df.a -> X value", "df.y -> y value"}, False),
        ("inputs=np.ones((2, 2)), target='y'", set(), True),
        ("inputs=pl_frame, target='y'", {"pl_frame.a -> X value", "pl_frame.y -> y value"}, False),
        ("", set(), True),
    ],
)
def test_what_it_learned_from(book: Notebook, arguments: str, expected: set[str], opaque: bool) -> None:
    book.variables["pl_frame"] = pl.DataFrame({"a": [1], "y": [2]})
    book.run("X, y = df[['a']].to_numpy(), df['y'].to_numpy()")
    found = book.run(f"lf.log_model(Booster(), {arguments})").operations[-1]
    assert (edges(found), found.opaque) == (expected, opaque)


def test_names_go_with_their_models_into_later_cells(book: Notebook) -> None:
    code = "model, other, sealed = Booster(), Booster(), Sealed()\n"
    found = book.run(f"{code}lf.log_model(model, 'best')\nlf.log_model(other)\nlf.log_model(sealed)").operations
    assert [record.model for record in found] == ["best", "other", "sealed"]
    code = "lf.log_metric('rmse', 0.5, model=model)\nlf.log_metric('rmse', 0.7, model=other)\n"
    found = book.run(f"{code}lf.log_metric('rmse', 0.9, model='best')\nlf.log_metric('auc', 1)").operations
    assert [(record.call, record.model, record.metric, record.value) for record in found] == [
        ("log_metric", "best", "rmse", 0.5),
        ("log_metric", "other", "rmse", 0.7),
        ("log_metric", "best", "rmse", 0.9),
        ("log_metric", "", "auc", 1.0),
    ]
    found = book.run("lf.log_metric('rmse', 0.1, model=sealed)\nlf.log_metric('rmse', 0.2, model=Sealed())").operations
    assert [record.model for record in found] == ["sealed", "~1"]


def test_loops_keep_one_record_a_metric(book: Notebook) -> None:
    code = "for step in range(1_000):\n    for name in ('loss', 'accuracy'):\n        lf.log_metric(name, step)"
    found = book.run(code).operations
    assert [(record.metric, record.value, record.count) for record in found] == [
        ("loss", 999.0, 1_000),
        ("accuracy", 999.0, 1_000),
    ]


def test_functions_and_callbacks_of_a_cell_may_log(book: Notebook) -> None:
    code = """
def judge(row):
    lf.log_metric("rows", 1)
    return row

def train():
    lf.log_model(Booster(), "inner", inputs=df, target="y")

train()
df["c"] = df["a"].map(judge)
"""
    found = book.run(code).operations
    logged = [record for record in found if record.call.startswith("log_")]
    assert [(record.call, record.line, record.count) for record in logged] == [
        ("log_model", 7, 1),
        ("log_metric", 3, 2),
    ]
    assert "Series.map" in {record.call for record in found}  # which went on as if nothing had been logged within
    code = "df['a'].map(lambda value: (lf.log_model(Booster(), 'm', inputs=df), len(df.dropna())))"
    calls = [record.call for record in book.run(code).operations]
    assert set(calls) == {"DataFrame.__getitem__", "Series.map", "log_model"}  # what is called within stays within


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int64(3), np.array(0.5), Decimal("0.5"), Fraction(1, 2)])
def test_numbers_of_all_kinds(book: Notebook, value: Any) -> None:
    book.variables["value"] = value
    assert book.run("lf.log_metric('m', value)").operations[-1].value == float(value)


@pytest.mark.parametrize(
    "value",
    ["0.5", True, np.True_, None, math.nan, np.float64("inf"), [0.5], np.array([0.5]), pd.Series([0.5]), 1j, 10**400],
)
def test_what_is_no_number_is_refused(book: Notebook, value: Any) -> None:
    book.variables["value"] = value
    with pytest.raises(UsageProblem, match=r"value: expected a .*number, found .*Log one finite number"):
        book.run("lf.log_metric('m', value)")


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("lf.log_metric('', 1)", UsageProblem, "name: expected a name in one line, found ''"),
        ("lf.log_metric(3, 1)", UsageProblem, "name: expected a name in one line, found 3"),
        ("lf.log_metric('a\\nb', 1)", UsageProblem, "name: expected a name in one line"),
        ("lf.log_metric('m', 1, model='')", UsageProblem, "model: expected a name"),
        ("lf.log_model('model.bin')", UsageProblem, "model: expected a fitted model, found str"),
        ("lf.log_model(None)", UsageProblem, "model: expected a fitted model, found NoneType"),
        ("lf.log_model(Booster(), df)", UsageProblem, "name: expected a name in one line"),
        ("lf.log_model(Booster(), inputs='df')", UsageProblem, "inputs: expected frames, Series or arrays, found str"),
        ("lf.log_model(Booster(), inputs=df, target=3)", UsageProblem, "target: expected a name, a Series or an array"),
        ("lf.log_model(Booster(), inputs=df, target='yy')", UnknownName, "target: no input has a column 'yy'.*'y'"),
        ("lf.log_model(Booster(), inputs=df, features=['q'])", UnknownName, "no input has a column 'q'.*a, b, y"),
        ("lf.log_model(Booster(), inputs=df, features=[0])", UsageProblem, "features: expected names of columns"),
        (
            "lf.log_model(Booster(), features=['a'])",
            UsageProblem,
            "features and target name columns of inputs.*inputs=",
        ),
        ("lf.log_model(Booster(), parameters=3)", UsageProblem, "parameters: expected a mapping"),
    ],
)
def test_one_clear_error_for_each_wrong_argument(book: Notebook, code: str, error: type, said: str) -> None:
    with book.recorder.recording("<cell>", name=book.name) as found:
        with pytest.raises(error, match=said) as raised:
            exec(compile(code, "<cell>", "exec"), book.variables)
        exec(compile("new = df.dropna()", "<cell>", "exec"), book.variables)
    assert "\n" not in str(raised.value)
    assert [record.call for record in found.operations] == ["DataFrame.dropna"]  # recorded as before the error


def test_outside_of_a_cell_nothing_is_lost_in_silence(book: Notebook) -> None:
    assert issubclass(OutsideCell, InputError)
    for call in (lambda: lf.log_model(Booster()), lambda: lf.log_metric("m", 1)):
        with pytest.raises(OutsideCell, match=r"no cell is being tracked here.*%load_ext lineageflow_jupyter"):
            call()


def test_threads_and_tasks_that_outlive_the_cell_are_told_so(book: Notebook) -> None:
    raised: list[BaseException] = []

    def log() -> None:
        try:
            lf.log_metric("m", 1)
        except OutsideCell as error:
            raised.append(error)

    async def cell() -> asyncio.Task[None]:
        async def later() -> None:
            await asyncio.sleep(0.01)
            log()

        with book.recorder.recording("<cell>") as found:
            task = asyncio.create_task(later())
            await asyncio.to_thread(log)  # it has the context of the cell, and none of its place
            thread = threading.Thread(target=log)
            thread.start()
            thread.join()
        assert not found.operations
        await task
        return task

    asyncio.run(cell())
    assert [("another thread" in str(error), "no cell" in str(error)) for error in raised] == [
        (True, False),
        (False, True),
        (False, True),
    ]


def test_a_logged_model_is_not_kept_alive(book: Notebook) -> None:
    book.run("model = Booster()\nlf.log_model(model, 'best', inputs=df)")
    watched = weakref.ref(book.variables.pop("model"))
    gc.collect()
    assert watched() is None
