"""Models, what hangs on a dataset, columns over cells and commits: a small scikit-learn notebook in a real shell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lineageflow_jupyter import wire
from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.testing.shell import TestingShell

CELLS = (
    "import numpy as np, pandas as pd\nfrom sklearn.linear_model import LinearRegression\n"
    "from sklearn.model_selection import train_test_split",
    "n = np.arange(20)\nflights = pd.DataFrame({'id': n, 'miles': 100 + n * 7 % 50, 'hours': 1.0 + n % 4,\n"
    "    'late': n * 3.0 % 11, 'note': 'x'})",
    "%lf commit flights -m raw --key id;",
    "flights['speed'] = flights.miles / flights.hours",
    "%lf commit flights -m speed;",
    "X, y = flights[['speed', 'hours']], flights['late']\n"
    "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)",
    "model = LinearRegression().fit(X_train, y_train)",
    "whole = LinearRegression().fit(flights[['miles']], flights.late)",
)


def repository(shell: TestingShell) -> Any:
    magic = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(magic, LineMagic)
    magic.tracking.flush()
    assert magic.tracking.problem == ""
    return magic.session.repository


@pytest.fixture
def fitted(shell: TestingShell) -> TestingShell:
    shell.run("%lf init")
    for cell in CELLS:
        shell.run(cell)
    return shell


def test_models_with_features_traced_to_the_dataset(fitted: TestingShell) -> None:
    model, whole = repository(fitted).models()
    assert (model.name, model.kind, model.rows, model.stale, model.opaque) == (
        "model",
        "LinearRegression",
        15,
        (),
        False,
    )
    (table,) = model.trained_on
    assert (table.frame, table.rows, table.commit) == ("flights", 20, repository(fitted).resolve("HEAD").id)
    assert {each.name: [str(source) for source in each.sources] for each in model.features} == {
        "speed": ["flights.speed"],
        "hours": ["flights.hours"],
    }
    assert [each.name for each in model.targets] == ["late"]
    assert [each.name for each in whole.features] == ["miles"]
    text = str(fitted.run("%lf models"))
    assert "LinearRegression" in text
    assert "up to date" in text
    assert json.dumps([wire.model(each) for each in (model, whole)])


def test_a_model_that_is_fitted_again_is_another_one(fitted: TestingShell) -> None:
    fitted.run("model = LinearRegression(positive=True).fit(X_train[['hours']], y_train)")
    reports = repository(fitted).models()
    assert [(each.name, each.current) for each in reports] == [("model", False), ("whole", True), ("model", True)]
    assert [each.name for each in reports[-1].features] == ["hours"]
    assert reports[0].features == ()
    former = repository(fitted).models(former=True)[0]
    assert {each.name for each in former.features} == {"speed", "hours"}
    assert "1 that were fitted again" in str(fitted.run("%lf models"))


def test_how_many_training_rows_a_change_touched(fitted: TestingShell) -> None:
    train = set(fitted.user_ns["X_train"].index)
    fitted.run("flights.loc[[0, 1, 2, 3, 4], 'hours'] = 9.0\nflights.loc[5:9, 'note'] = 'seen'")
    fitted.run("flights = flights.drop(index=[15, 16])")
    fitted.run("%lf commit flights -m changed;")
    found = {each.model.name: each for each in repository(fitted).impact("flights").models}
    # By hand: `hours` of rows 0 to 4, rows 15 and 16 gone; `note` is no feature; `whole` does not use `hours`.
    assert found["model"].touched.rows == len(train & {0, 1, 2, 3, 4, 15, 16})
    assert found["model"].touched.of == 15
    assert (found["whole"].touched.rows, found["whole"].touched.of) == (2, 20)
    assert all(each.model.stale for each in found.values())
    by_column = repository(fitted).impact("flights", column="hours")
    assert [each.model.name for each in by_column.models] == ["model"]
    assert by_column.models[0].features == ("hours", "speed")
    assert {each.frame for each in by_column.frames} >= {"X", "X_train"}
    assert "y" not in {each.frame for each in by_column.frames}
    text = str(fitted.run("%lf impact flights"))
    assert text.count("flights was committed as ") + text.count("flights is ") == 1, "why is said once"
    assert text.count("out of date") > len(found)
    text = str(fitted.run("%lf impact flights --column hours"))
    assert f"{found['model'].touched.rows} of 15" in text
    assert json.dumps(wire.impact(by_column))


def test_against_another_version(fitted: TestingShell) -> None:
    unchanged = repository(fitted).impact("flights").models
    assert [each.touched.rows for each in unchanged] == [0, 0]
    fitted.run("%lf switch -c other;")
    fitted.run("flights.loc[3, 'miles'] = 1\nflights.loc[len(flights)] = [99, 1, 1.0, 1.0, 'x', 1.0]")
    fitted.run("%lf commit flights -m other;")
    fitted.run("%lf switch main;")
    found = {each.model.name: each.touched for each in repository(fitted).impact("flights", against="other").models}
    assert (found["whole"].rows, found["whole"].added) == (1, 1)
    assert found["model"].rows == 0
    assert [each.touched.rows for each in repository(fitted).impact("main:flights").models] == [0, 0]


def test_rows_that_cannot_be_followed_have_no_number(fitted: TestingShell) -> None:
    fitted.run("planes = pd.DataFrame({'hours': [1.0, 2.0, 3.0, 4.0], 'seats': [5, 6, 7, 8]})")
    fitted.run("joined = flights.drop(columns='id').merge(planes, on='hours')")
    fitted.run("seats = LinearRegression().fit(joined[['seats']], joined.late)")
    fitted.run("shuffled = flights.drop(columns='id').sample(frac=1, random_state=1).reset_index(drop=True).head(12)")
    fitted.run("lost = LinearRegression().fit(shuffled[['miles']], shuffled.late)")
    fitted.run("twice = flights.iloc[[0, 0, *range(2, 20)]]")
    fitted.run("again = LinearRegression().fit(twice[['miles']], twice.late)")
    fitted.run("hidden = LinearRegression().fit(np.ones((20, 1)), np.ones(20))")
    fitted.run("flights.loc[0, 'miles'] = 1")
    fitted.run("%lf commit flights -m changed;")
    found = {each.model.name: each.touched for each in repository(fitted).impact("flights").models}
    assert {name for name, touched in found.items() if touched.rows is None} >= {"seats", "lost", "again"}
    assert "joined several frames" in found["seats"].why
    assert found["again"].why == "labels of rows are not unique"
    assert found["whole"].rows == 1
    assert "cannot be told" in str(fitted.run("%lf impact flights"))


def test_columns_over_cells_and_commits(fitted: TestingShell) -> None:
    lineage = repository(fitted).lineage("main:flights", column="speed")
    edges = {(row.source, row.target, row.operation, row.evidence) for row in lineage.columns.itertuples()}
    assert ("flights.miles", "flights.speed", "DataFrame.__setitem__", "recorded") in edges
    down = repository(fitted).lineage("main~1:flights", column="miles", down=True)
    kinds = {node.kind for node in down.nodes.values()}
    assert {"column", "model", "operation"} <= kinds
    proved = {(row.source, row.target) for row in down.columns.itertuples() if row.evidence == "proved"}
    assert ("flights.miles [4]", "flights.miles [6]") in proved
    assert lineage.operations.number.tolist()[-1] == 6
    assert "<svg" in down._repr_svg_()
    assert json.loads(lineage.to_json())["start"] == list(lineage.start)
    assert lineage.to_dot().startswith("digraph")


def test_names_with_dots_and_columns_that_are_not_there(fitted: TestingShell) -> None:
    assert "flights.speed" in str(fitted.run("%lf lineage flights.speed --up"))
    assert fitted.refused("%lf lineage flights.sped").endswith("Did you mean speed?")
    fitted.run("%lf commit X -m dots --as flights.hours;")
    fitted.run("X2 = X.assign(k=1)")
    told = fitted.refused("%lf lineage flights.hours")
    assert "the frame 'flights.hours'" in told
    assert "column 'hours' of 'flights'" in told
    assert "flights.hours" in str(fitted.run("%lf lineage flights --column hours"))
    assert "%lf lineage flights.miles" in fitted.completions("%lf lineage flights.mi")


def test_only_manifests_of_frames_on_the_way_are_read(fitted: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted.run("apart = pd.DataFrame({'q': [1, 2]})\napart['r'] = apart.q + 1")
    repo = repository(fitted)
    read: list[Any] = []
    columns = repo._columns
    monkeypatch.setattr(repo, "_columns", lambda tables: read.extend(tables) or columns(tables))
    repo.lineage("X_train", column="speed")
    states = {
        state.variable: state.table for run in repo.cell_runs() for state in (w.after for w in run.writes) if state
    }
    assert states["X"] in read
    assert states["apart"] not in read
    assert states["X_test"] not in read
    assert np.unique([bytes(each) for each in read]).size == len(read)


def test_a_column_is_followed_by_its_values_and_the_others_are_counted(fitted: TestingShell) -> None:
    fitted.run("near = flights[flights.hours > 1].sort_values('miles').dropna(subset=['late'])")
    fitted.run("far = near[['note', 'id']]")
    found = repository(fitted).lineage("far", column="note")
    # By hand: `hours` chose rows, `miles` ordered them, `late` chose; they are columns of `flights` alone.
    assert found.left_out == 3
    assert not any(".hours" in node.label or ".miles" in node.label for node in found.nodes.values())
    assert "flights.note" in {node.label for node in found.nodes.values()}
    assert "DataFrame" in set(found.operations.operation), "where it began"
    every = repository(fitted).lineage("far", column="note", indirect=True)
    assert every.left_out == 0
    assert {"flights.hours", "flights.miles", "flights.late"} <= {node.label for node in every.nodes.values()}
    text = str(fitted.run("%lf lineage far.note"))
    assert "3 other columns only chose, matched or ordered its rows: --all" in text
    assert "flights.hours" not in text
    assert "flights.hours" in str(fitted.run("%lf lineage far.note --all"))
    down = repository(fitted).lineage("flights", column="hours", down=True)
    assert "far.note" not in {node.label for node in down.nodes.values()}
    assert down.left_out > 0


ESTIMATORS = (
    "import numpy as np, pandas as pd, lineageflow_jupyter as lf\n"
    "from sklearn.linear_model import LinearRegression, SGDRegressor\n"
    "from sklearn.metrics import mean_absolute_error\nfrom sklearn.model_selection import cross_val_score\n"
    "from sklearn.preprocessing import StandardScaler",
    "n = np.arange(30)\nfares = pd.DataFrame({'km': n * 1.0, 'hours': 1.0 + n % 4, 'late': n * 3.0 % 11})",
    "%lf commit fares -m raw;",
    "scaler = StandardScaler()\nscaled = scaler.fit_transform(fares[['km', 'hours']])",
    "model = LinearRegression().fit(scaled, fares.late)\nr2 = model.score(scaled, fares.late)\n"
    "error = mean_absolute_error(fares.late, model.predict(scaled))",
    "crossed = cross_val_score(LinearRegression(), fares[['km']], fares.late, cv=3)",
    "online = SGDRegressor(random_state=0)\nfor part in range(3):\n"
    "    online.partial_fit(fares[['hours']], fares.late)",
    "online.partial_fit(fares[['hours']], fares.late)",
    "lf.log_model({'a': 1}, 'rule', inputs=fares, features=['km'], target='late')\n"
    "lf.log_metric('hits', 0.5, model='rule')",
)


@pytest.fixture
def estimators(shell: TestingShell) -> TestingShell:
    shell.run("%lf init")
    for cell in ESTIMATORS:
        shell.run(cell)
    return shell


def test_every_way_to_fit_and_to_judge_is_in_the_graph(estimators: TestingShell) -> None:
    found = {each.name: each for each in repository(estimators).models() if each.current}
    assert {name: (each.kind, {column.name for column in each.features}) for name, each in found.items()} == {
        "scaler": ("StandardScaler", {"km", "hours"}),
        "model": ("LinearRegression", {"km", "hours"}),
        "online": ("SGDRegressor", {"hours"}),
        "rule": ("log_model", {"km"}),
    }
    assert {str(source) for each in found["model"].features for source in each.sources} == {"fares.km", "fares.hours"}
    assert [each.name for each in found["online"].targets] == ["late"]
    assert [each.name for each in found["scaler"].targets] == []
    names = estimators.user_ns
    assert [(each.metric, each.value) for each in found["model"].scores] == [
        ("score", pytest.approx(names["r2"])),
        ("mean_absolute_error", pytest.approx(names["error"])),
    ]
    assert [(each.metric, each.value) for each in found["rule"].scores] == [("hits", 0.5)]
    text = str(estimators.run("%lf models"))
    assert "score 0.02531, mean_absolute_error 2.764" in text
    assert "hits 0.5" in text
    assert "1 that were fitted again" in text


def test_scores_hang_on_models_and_on_data(estimators: TestingShell) -> None:
    graph = repository(estimators).lineage().all
    labels = {node.id: node.label for node in graph.nodes.values()}
    scores = {node.detail("metric"): node for node in graph.nodes.values() if node.kind == "score"}
    assert set(scores) == {"score", "mean_absolute_error", "cross_val_score", "hits"}
    asked = {name: [labels[e.source] for e in graph.into[node.id] if e.kind == "asks"] for name, node in scores.items()}
    assert asked == {
        "score": ["LinearRegression"],
        "mean_absolute_error": ["LinearRegression"],
        "cross_val_score": [],  # by models that live only within the call
        "hits": ["log_model"],
    }
    crossed = scores["cross_val_score"]
    assert float(crossed.detail("value")) == pytest.approx(estimators.user_ns["crossed"].mean())
    assert "fares" in {node.detail("variable") for node in graph.upstream(crossed.id).nodes.values()}
    # What was fitted in parts hangs on what it was before.
    first, second = (node.id for node in graph.nodes.values() if node.label == "SGDRegressor")
    assert first in {edge.source for edge in graph.into[second]}
    assert "mean_absolute_error = 2.76353 ← LinearRegression [7]" in str(estimators.run("%lf lineage fares.km --down"))
