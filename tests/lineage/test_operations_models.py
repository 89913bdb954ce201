"""What is recorded of scikit-learn: which columns a model learned from, and what became of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lineageflow_jupyter.lineage.operations import Recorder
from tests.lineage.recorded import Notebook, edges, notebook


@pytest.fixture
def book():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [4.0, 3.0, 2.0, 1.0], "y": [1.0, 2.0, 2.5, 4.0]})
    names = {"LinearRegression": LinearRegression, "StandardScaler": StandardScaler, "make_pipeline": make_pipeline}
    with notebook(df=frame, train_test_split=train_test_split, **names) as made:
        yield made


def test_fit_says_features_and_target(book: Notebook) -> None:
    found = book.run("model = LinearRegression()\nmodel.fit(df[['a', 'b']], df['y'])").operations
    fit = found[-1]
    assert (fit.call, fit.line, fit.output) == ("LinearRegression.fit", 2, "model")
    assert edges(fit) == {"~1.a -> X value", "~1.b -> X value", "df.y -> y value"}
    assert (found[0].call, found[0].output) == ("DataFrame.__getitem__", "~1")


def test_predictions_lead_back_to_features(book: Notebook) -> None:
    book.run("X = df[['a', 'b']]\nmodel = LinearRegression().fit(X, df.y)")
    found = book.run("df['p'] = model.predict(X)").operations
    assert [record.call for record in found] == ["LinearRegression.predict", "DataFrame.__setitem__"]
    assert edges(found[1]) == {"X.a -> p value", "X.b -> p value"}
    assert not found[1].opaque


def test_splits_are_parts_of_their_frames(book: Notebook) -> None:
    found = book.run("train, test, s, t = train_test_split(df, df['y'], random_state=0)").operations
    parts = [record for record in found if record.call == "train_test_split"]
    assert [(record.inputs, record.output, record.rows_in, record.rows_out) for record in parts] == [
        (("df",), "train", 4, 3),
        (("df",), "test", 4, 1),
        (("df",), "s", 4, 3),
        (("df",), "t", 4, 1),
    ]
    assert edges(parts[0]) == {"df.a -> a value", "df.b -> b value", "df.y -> y value"}
    assert edges(parts[2]) == {"df.y -> y value"}


def test_a_pipeline_is_one_call(book: Notebook) -> None:
    code = (
        "X = df[['a']]\nmodel = make_pipeline(StandardScaler(), LinearRegression()).fit(X, df.y)\np = model.predict(X)"
    )
    found = book.run(code).operations
    assert [record.call for record in found if "." in record.call and record.call[0] != "D"] == [
        "Pipeline.fit",
        "Pipeline.predict",
    ]


def test_transformers(book: Notebook) -> None:
    found = book.run("Z = StandardScaler().fit_transform(df[['a', 'b']])").operations[-1]
    assert found.call == "StandardScaler.fit_transform"
    assert edges(found) == {"~1.a -> * value", "~1.b -> * value"}
    found = book.run("Z = StandardScaler().set_output(transform='pandas').fit_transform(df[['a', 'b']])").operations[-1]
    assert (found.output, found.rows_out) == ("Z", 4)
    assert edges(found) == {"~1.a -> a value", "~1.b -> b value"}


def test_arrays_out_of_sight_are_opaque(book: Notebook) -> None:
    book.variables["np"] = np
    found = book.run("model = LinearRegression().fit(np.ones((3, 1)), np.ones(3))").operations[-1]
    assert found.opaque
    assert found.output == "model"


def test_an_error_of_a_model_is_the_users(book: Notebook) -> None:
    with pytest.raises(ValueError, match="inconsistent"):
        book.run("LinearRegression().fit(df[['a']], df['y'][:2])")


def test_classes_of_the_notebook_are_left_alone() -> None:
    class Own(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):  # noqa: N803 - as scikit-learn names it
            return self

        def transform(self, X):  # noqa: N803
            return X

    Own.__module__ = "__main__"
    before = Own.fit.__code__
    with notebook(df=pd.DataFrame({"a": [1]}), Own=Own) as book:
        found = book.run("new = Own().fit_transform(df)").operations
        assert Own.fit.__code__ is before
    assert [record.call for record in found] == ["Own.fit_transform"]


def test_uninstalling_gives_scikit_learn_back() -> None:
    functions = [LinearRegression.fit, StandardScaler.fit, StandardScaler.transform, TransformerMixin.fit_transform]
    functions.append(train_test_split)
    before = [(function.__code__, dict(function.__dict__)) for function in functions]
    recorder = Recorder()
    recorder.install()
    assert [(function.__code__, dict(function.__dict__)) for function in functions] != before
    recorder.uninstall()
    assert [(function.__code__, dict(function.__dict__)) for function in functions] == before


def test_a_cell_that_imports_a_model_and_fits_it_at_once() -> None:
    program = """
    from lineageflow_jupyter.lineage.operations import Recorder
    recorder = Recorder()
    recorder.install()
    cell = '''
    import pandas as pd
    from sklearn.tree import DecisionTreeRegressor
    df = pd.DataFrame({"a": [1, 2], "y": [1, 2]})
    model = DecisionTreeRegressor().fit(df[["a"]], df.y)
    '''
    with recorder.recording("<cell>") as found:
        exec(compile(cell, "<cell>", "exec"))
    recorder.uninstall()
    print(found.operations[-1].call)
    """
    program = textwrap.dedent(program).replace("'''\n    ", "'''\n").replace("\n    from sk", "\nfrom sk")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert (done.stdout.split(), done.stderr) == (["DecisionTreeRegressor.fit"], "")
