"""What is recorded of scikit-learn: which columns a model learned from, and what became of them."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import time
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics, model_selection
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from lineageflow_jupyter.lineage.operations import Recorder
from lineageflow_jupyter.model.cells import OperationRecord
from tests.lineage.recorded import Notebook, edges, notebook

MODELS = (
    ColumnTransformer,
    FunctionTransformer,
    GridSearchCV,
    KMeans,
    LinearRegression,
    LogisticRegression,
    OneHotEncoder,
    Pipeline,
    Ridge,
    SGDRegressor,
    StandardScaler,
)


@pytest.fixture
def book():
    frame = pd.DataFrame(
        {
            "a": [1.0, 2.0, 3.0, 4.0, 1.5, 2.5],
            "b": [4.0, 3.0, 2.0, 1.0, 2.0, 2.0],
            "y": [1.0, 2.0, 2.5, 4.0, 1.0, 3.0],
            "k": list("xyxyxy"),
        }
    )
    names = {"make_pipeline": make_pipeline, "train_test_split": train_test_split, "sk": metrics, "ms": model_selection}
    with notebook(df=frame, **names, **{cls.__name__: cls for cls in MODELS}) as made:
        yield made


def judged(records: tuple[OperationRecord, ...]) -> list[tuple[str, str]]:
    """Metrics and whose they are."""
    return [(record.metric, record.model) for record in records if record.metric]


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
        (("df",), "train", 6, 4),
        (("df",), "test", 6, 2),
        (("df",), "s", 6, 4),
        (("df",), "t", 6, 2),
    ]
    assert edges(parts[0]) == {"df.a -> a value", "df.b -> b value", "df.y -> y value", "df.k -> k value"}
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
    assert (found.output, found.rows_out) == ("Z", 6)
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


# --- which model, with what parameters -------------------------------------------------------------------------------


def test_each_call_says_whose_method_it_was(book: Notebook) -> None:
    code = """
X, y = df[["a", "b"]], df["k"]
model = LogisticRegression().fit(X, y)
model.predict(X)
model.predict_proba(X)
model.predict_log_proba(X)
model.decision_function(X)
s = model.score(X, y)
Z = StandardScaler().fit_transform(X)
SGDRegressor().partial_fit(X, df["y"])
"""
    found = [record for record in book.run(code).operations if record.model]
    assert [(record.call, record.model) for record in found] == [
        ("LogisticRegression.fit", "model"),
        ("LogisticRegression.predict", "model"),
        ("LogisticRegression.predict_proba", "model"),
        ("LogisticRegression.predict_log_proba", "model"),
        ("LogisticRegression.decision_function", "model"),
        ("LogisticRegression.score", "model"),
        ("StandardScaler.fit_transform", "~1"),
        ("SGDRegressor.partial_fit", "~3"),
    ]
    score = found[5]
    assert (score.metric, score.value, score.output) == ("score", book.variables["s"], "")
    assert edges(score) == {"X.a -> X value", "X.b -> X value", "df.k -> y value"}
    assert found[-1].output == "~3"
    assert not any(record.metric for record in found if record is not score)


def test_parameters_unlike_the_defaults_come_first(book: Notebook) -> None:
    found = book.run("model = Ridge(alpha=np.float64(0.5), tol=0.1).fit(df[['a']], df.y)").operations[-1]
    assert found.parameters.startswith("alpha=0.5, tol=0.1, copy_X=True, fit_intercept=True")


def test_pipelines_name_their_steps_and_print_no_arrays(book: Notebook) -> None:
    code = """
prepare = ColumnTransformer([("num", StandardScaler(with_mean=False), ["a"]), ("rest", "drop", ["b"])])
table = FunctionTransformer(kw_args={"table": np.zeros((2_000, 1_000)), "password": "hunter2"})
model = Pipeline([("prepare", prepare), ("table", table), ("model", Ridge(alpha=3))])
"""
    book.variables["np"] = np
    book.run(code)
    with pytest.raises(TypeError):  # the identity takes no table: told apart from what is tested by the next line
        book.run("model.fit(df[['a', 'b']], df.y)")
    book.run("model.set_params(table__func=lambda X, table, password: X)")
    found = book.run("model.fit(df[['a', 'b']], df.y)").operations[-1].parameters
    steps = (
        "[prepare: ColumnTransformer(transformers=[num: StandardScaler(with_mean=False) of ['a'], rest: drop of ['b']])"
    )
    assert found.startswith(f"steps={steps}, table: FunctionTransformer(func=")
    assert "model: Ridge(alpha=3)]" in found
    assert "'table': <ndarray>" in found
    assert "hunter2" not in found
    assert len(found) <= 400


def test_one_record_for_each_model_of_a_loop_and_not_for_thousands(book: Notebook) -> None:
    code = """
for alpha in (1, 2, 3):
    model = Ridge(alpha=alpha).fit(df[["a"]], df["y"])
    sk.r2_score(df["y"], model.predict(df[["a"]]))
"""
    found = book.run(code).operations
    assert [record.parameters[:7] for record in found if record.call == "Ridge.fit"] == [
        "alpha=1",
        "alpha=2",
        "alpha=3",
    ]
    assert len({record.value for record in found if record.metric}) == 3
    # What the first of them took came out of a record that stands for all three: nothing dangles.
    known = {record.output for record in found} | {"df"}
    assert all(set(record.inputs) <= known for record in found)
    found = book.run(code.replace("(1, 2, 3)", "range(200)")).operations
    assert len(found) < 150
    assert sum(record.count for record in found if record.call == "Ridge.fit") == 200


def test_estimators_of_other_libraries_that_follow_the_base_class(book: Notebook) -> None:
    class Boost(RegressorMixin, BaseEstimator):
        def __init__(self, rounds: int = 10, table: object = None) -> None:
            self.rounds, self.table = rounds, table

        def fit(self, X, y, eval_set=None):  # noqa: N803 - as scikit-learn names it
            self.mean_ = float(np.mean(y))
            return self

        def predict(self, X):  # noqa: N803
            return np.full(len(X), self.mean_)

    book.variables["Boost"] = Boost
    found = book.run("model = Boost(3, np.zeros(1_000)).fit(df[['a']], df.y)\nmodel.predict(df[['a']])").operations
    fit = next(record for record in found if record.call == "Boost.fit")
    assert (fit.model, fit.parameters) == ("model", "rounds=3, table=<ndarray>")
    assert (found[-1].call, found[-1].model) == ("Boost.predict", "model")


def test_weights_of_rows_are_told_apart_from_features(book: Notebook) -> None:
    found = book.run("model = Ridge().fit(df[['a']], df.y, sample_weight=df.b)").operations[-1]
    assert edges(found) == {"~1.a -> X value", "df.y -> y value", "df.b -> sample_weight value"}


def test_a_target_out_of_sight_is_opaque(book: Notebook) -> None:
    found = book.run("model = Ridge().fit(df[['a']], np.arange(6.0))").operations[-1]
    assert (edges(found), found.opaque) == ({"~1.a -> X value"}, True)


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_metrics_say_what_they_compare_and_whose_it_is(book: Notebook) -> None:
    code = """
X, y = df[["a", "b"]], df["y"]
model = Ridge().fit(X, y)
pred = model.predict(X)
error = sk.mean_squared_error(y, pred, sample_weight=df["b"])
"""
    found = book.run(code).operations[-1]
    assert (found.call, found.model, found.metric, found.rows_in) == (
        "mean_squared_error",
        "model",
        "mean_squared_error",
        6,
    )
    assert found.value == book.variables["error"]
    assert found.line == 5
    assert found.parameters == "sample_weight=<Series>"
    assert edges(found) == {
        "df.y -> y_true value",
        "X.a -> y_pred value",
        "X.b -> y_pred value",
        "df.b -> sample_weight value",
    }


@pytest.mark.parametrize(
    "code",
    [
        "sk.roc_auc_score(df.k, model.predict_proba(X)[:, 1])",
        "sk.log_loss(df.k, model.predict_proba(X))",
        "sk.accuracy_score(y_pred=model.predict(X), y_true=df.k)",
        "sk.accuracy_score(df.k, pd.Series(model.predict(X), index=df.index))",
        "df['p'] = model.predict(X)\nsk.accuracy_score(df['k'], df['p'])",
        "df['p'] = model.predict(X)\npart = df[df.a > 1]\nsk.accuracy_score(part.k, part.p)",
        "df.loc[:, 'p'] = model.predict(X)\nsk.accuracy_score(df.k, df.loc[:, 'p'])",
        "new = df.assign(p=model.predict(X))\nsk.accuracy_score(new.k, new.p.to_numpy())",
        "new = pd.DataFrame({'p': model.predict(X)})\nsk.accuracy_score(df.k, new['p'])",
        "part = pd.Series(model.predict(X))[df.a > 1]\nsk.accuracy_score(df.k[df.a > 1], part)",
        "new = df.join(pd.Series(model.predict(X), name='p'))\nsk.accuracy_score(new.k, new.p)",
        "p = pd.Series(model.predict(X), name='p')\nnew = pd.concat([df, p], axis=1)\nsk.accuracy_score(new.k, new.p)",
    ],
)
def test_predictions_are_known_wherever_they_go(book: Notebook, code: str) -> None:
    book.run("X = df[['a', 'b']]\nmodel, other = LogisticRegression().fit(X, df.k), LogisticRegression().fit(X, df.k)")
    found = book.run(code).operations
    assert judged(found) == [(code.partition("sk.")[2].partition("(")[0], "model")]
    assert not found[-1].opaque


def test_predictions_that_were_replaced_or_mixed_are_nobodys(book: Notebook) -> None:
    book.run("X = df[['a']]\nmodel, other = Ridge().fit(X, df.y), Ridge(alpha=2).fit(X, df.y)")
    book.run("df['p'] = model.predict(X)\ndf['p'] = df['b']")
    assert judged(book.run("sk.r2_score(df.y, df.p)").operations) == [("r2_score", "")]
    book.run("df['p'], df['q'] = model.predict(X), other.predict(X)\nboth = (df.p + df.q) / 2")
    assert judged(book.run("sk.r2_score(df.y, both)").operations) == [("r2_score", "")]
    assert judged(book.run("sk.r2_score(df.y, df['q'])").operations) == [("r2_score", "other")]
    assert judged(book.run("sk.max_error(df.y, df['p'] - df['b'])").operations) == [("max_error", "")]
    assert judged(book.run("sk.max_error(df.y, df['b'])").operations) == [("max_error", "")]


def test_numbers_of_clusters(book: Notebook) -> None:
    code = "X = StandardScaler().fit_transform(df[['a', 'b']])\nmodel = KMeans(2, n_init=1, random_state=0).fit(X)"
    found = book.run(f"{code}\nsk.silhouette_score(X, model.labels_)").operations[-1]
    assert (found.metric, found.model, found.opaque) == ("silhouette_score", "model", False)
    assert "~1.a -> labels value" in edges(found)


def test_a_part_of_a_prediction_that_is_a_part_itself(book: Notebook) -> None:
    class Turned(RegressorMixin, BaseEstimator):
        def predict(self, X):  # noqa: N803 - as scikit-learn names it
            return np.arange(float(len(X)))[::-1]

    book.variables["model"] = Turned()
    found = book.run("pred = model.predict(df[['a']])\nsk.r2_score(df.y[:3], pred[:3])").operations[-1]
    assert (found.model, found.opaque) == ("model", False)


def test_long_ways_back_take_no_long_time(book: Notebook) -> None:
    code = "held = [df[['a', 'b']]]\nfor _ in range(400):\n    held.append(held[-1] * 2)"
    with book.recorder.recording("<cell>", name=book.name) as found:
        exec(compile(code, "<cell>", "exec"), book.variables)
        start = time.perf_counter()
    assert time.perf_counter() - start < 2
    assert [record.count for record in found.operations] == [1, 400]


def test_what_is_no_number_has_none(book: Notebook) -> None:
    code = """
model = LogisticRegression().fit(df[["a"]], df["k"])
pred = model.predict(df[["a"]])
sk.f1_score(df["k"], pred, average=None)
sk.confusion_matrix(df["k"], pred)
sk.classification_report(df["k"], pred)
sk.roc_curve(df["k"], df["a"], pos_label="x")
sk.pairwise_distances(df[["a"]])
"""
    found = book.run(code).operations
    assert [(record.metric, record.value) for record in found if record.metric] == [("f1_score", None)]
    assert not {record.call for record in found} & {"roc_curve", "pairwise_distances", "confusion_matrix"}


def test_a_number_that_is_not_finite_is_none(book: Notebook) -> None:
    code = "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n"
    found = book.run(f"{code}    value = sk.r2_score([1.0], [2.0])").operations
    assert np.isnan(book.variables["value"])
    assert [(record.metric, record.value, record.opaque) for record in found] == [("r2_score", None, True)]


def test_cross_validation(book: Notebook) -> None:
    code = """
X, y = df[["a", "b"]], df["y"]
scores = ms.cross_val_score(Ridge(), X, y, cv=3, scoring="neg_mean_squared_error")
model = Ridge(alpha=2)
several = ms.cross_validate(model, X, y, cv=3, scoring=["r2", "neg_mean_squared_error"])
pred = ms.cross_val_predict(model, X, y, cv=3)
sk.r2_score(y, pred)
"""
    found = [record for record in book.run(code).operations if record.model]
    one, *two, predicted, last = found
    assert (one.call, one.metric, one.model) == ("cross_val_score", "cross_val_score", "~1")
    assert one.value == book.variables["scores"].mean()
    assert one.parameters == "cv=3, scoring='neg_mean_squared_error'"
    assert edges(one) == {"X.a -> X value", "X.b -> X value", "df.y -> y value"}
    means = {name: book.variables["several"][f"test_{name}"].mean() for name in ("r2", "neg_mean_squared_error")}
    assert {record.metric: record.value for record in two} == means
    assert (predicted.call, predicted.model, predicted.metric) == ("cross_val_predict", "model", "")
    assert (last.metric, last.model) == ("r2_score", "model")


def test_a_score_within_a_search_is_the_searchs(book: Notebook) -> None:
    code = (
        "model = GridSearchCV(Ridge(), {'alpha': [1, 2]}, cv=2, scoring='neg_mean_absolute_error').fit(df[['a']], df.y)"
    )
    found = book.run(code).operations
    assert [record.call for record in found if record.model] == ["GridSearchCV.fit"]
    assert found[-1].parameters.startswith("cv=2, estimator=Ridge(), param_grid={'alpha': [1, 2]}, scoring=")


# --- from one cell to the next ---------------------------------------------------------------------------------------


def test_arrays_of_an_earlier_cell_lead_to_their_columns(book: Notebook) -> None:
    first = "X = df[df.b > 1][['a', 'b']].to_numpy()\ny = df[df.b > 1]['y'].values\nz = np.asarray(df['a'])"
    assert "to_numpy" not in " ".join(record.call for record in book.run(first).operations)
    found = book.run("model = Ridge().fit(X, y)").operations[-1]
    assert (found.inputs, found.rows_in, found.opaque) == (("df",), 5, False)
    features = {"df.a -> X value", "df.b -> X value", "df.b -> X filter"}
    assert edges(found) == features | {"df.y -> y value", "df.b -> y filter"}
    book.run("A, B, c, d = train_test_split(X, y, random_state=0)")
    found = book.run("model.fit(A, c)\nmodel.score(B, d)").operations
    assert {"df.a -> X value", "df.y -> y value"} <= edges(found[0])
    assert {"df.a -> X value", "df.y -> y value"} <= edges(found[1])
    assert edges(book.run("Ridge().fit(X, z[:5])").operations[-1]) >= {"df.a -> X value"}


def test_predictions_of_an_earlier_cell(book: Notebook) -> None:
    book.run("X, y = df[['a', 'b']], df['y']")
    book.run("model = Ridge().fit(X, y)")
    book.run("pred = model.predict(X)\nproba = LogisticRegression().fit(X, df.k).predict_proba(X)[:, 1]")
    found = book.run("error = sk.mean_absolute_error(y, pred)").operations[-1]
    assert (found.model, found.inputs, found.opaque) == ("model", ("y", "X"), False)
    assert edges(found) == {"y.y -> y_true value", "X.a -> y_pred value", "X.b -> y_pred value"}
    # A model that is gone may have had any name.
    found = book.run("sk.roc_auc_score(df.k, proba)").operations[-1]
    assert (found.model, found.opaque) == ("", False)


def test_sparse_features_of_an_earlier_cell(book: Notebook) -> None:
    book.run("Z = OneHotEncoder().fit_transform(df[['k']])")
    found = book.run("model = Ridge().fit(Z, df['y'])").operations[-1]
    assert (edges(found), found.opaque, found.rows_in) == ({"df.k -> X value", "df.y -> y value"}, False, 6)


def test_series_without_a_name_lead_to_their_frame_in_later_cells(book: Notebook) -> None:
    book.run("held = [df['y'] * 2, df[['a', 'b']]]")
    found = book.run("model = Ridge().fit(held[1], held[0])").operations[-1]
    assert (edges(found), found.opaque) == ({"df.a -> X value", "df.b -> X value", "df.y -> y value"}, False)


@pytest.mark.parametrize("change", ["df['a'] = 0.0", "df = df.dropna()", "del df", "df.loc[0, 'b'] = 1.0"])
def test_origins_say_when_their_frame_has_moved_on(book: Notebook, change: str) -> None:
    book.run("X, y = df[['a', 'b']].to_numpy(), df['y'].to_numpy()")
    assert not book.run("Ridge().fit(X, y)").operations[-1].opaque
    book.run(change)
    found = book.run("Ridge().fit(X, y)").operations[-1]
    assert (found.inputs, found.opaque) == (("df",), True)
    assert edges(found) == {"df.a -> X value", "df.b -> X value", "df.y -> y value"}


def test_a_change_in_the_same_cell_is_noticed_too(book: Notebook) -> None:
    book.run("X = df[['a']].to_numpy()\nkept = df['b'].to_numpy()\ndf['b'] = 0.0\nz = df['y'].to_numpy()")
    assert book.run("Ridge().fit(df[['a']], kept)").operations[-1].opaque
    assert not book.run("Ridge().fit(df[['a']], z)").operations[-1].opaque


def test_a_part_of_an_array_may_be_any_of_its_columns(book: Notebook) -> None:
    book.run("X = df[['a', 'b']].to_numpy()")
    found = book.run("Ridge().fit(X[:, :1], df['y'])").operations[-1]
    assert (edges(found), found.opaque) == ({"df.y -> y value"}, True)


def test_nothing_is_kept_alive_and_memory_is_bounded(book: Notebook) -> None:
    code = """
X, y = df[["a", "b"]].to_numpy(), df["y"] * 1
model = Ridge().fit(X, y)
pred = model.predict(X)
new = df.assign(p=pred)
"""
    book.run(code)
    watched = [weakref.ref(book.variables.pop(name)) for name in ("X", "y", "model", "pred", "new")]
    gc.collect()
    assert [reference() for reference in watched] == [None] * 5
    memory = book.recorder._memory
    assert [len(kept) for kept in (memory.traces, memory.makers, memory.columns)] == [0, 0, 0]
    book.run("arrays = [df['a'].to_numpy() for _ in range(5_000)]")
    assert len(memory.traces) <= 2_048


def test_uninstalling_gives_metrics_and_arrays_back() -> None:
    functions = [metrics.r2_score, model_selection.cross_val_score, pd.DataFrame.to_numpy, pd.DataFrame.values.fget]
    before = [(function.__code__, dict(function.__dict__)) for function in functions]
    recorder = Recorder()
    recorder.install()
    assert all(function.__code__ is not code for function, (code, _) in zip(functions, before, strict=True))
    recorder.uninstall()
    assert [(function.__code__, dict(function.__dict__)) for function in functions] == before
