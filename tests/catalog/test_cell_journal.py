"""The JSON of cell runs: whatever they hold comes back, also what an older or a later version wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.catalog.cell_journal import (
    environment_from_json,
    environment_to_json,
    run_from_json,
    run_to_json,
    spelled,
    unspelled,
)
from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.cells import (
    CellRun,
    ColumnEdge,
    Environment,
    External,
    FrameState,
    FrameWrite,
    OperationRecord,
)
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.testing.catalog_contract import make_run

texts = st.text(st.characters(), max_size=20)  # halves of surrogate pairs among them
some_texts = st.lists(texts, max_size=3).map(tuple)
ids = st.none() | st.binary(min_size=32, max_size=32).map(ObjectId)
states = st.builds(FrameState, variable=texts, dataset=texts, table=ids, frame=ids, note=texts, kept=st.booleans())
writes = st.builds(FrameWrite, before=st.none() | states, after=st.none() | states)
externals = st.builds(External, kind=texts, location=texts)
edges = st.builds(ColumnEdge, column=texts, target=texts)
operations = st.builds(
    OperationRecord,
    call=texts,
    parameters=texts,
    inputs=some_texts,
    added=some_texts,
    edges=st.lists(edges, max_size=3).map(tuple),
)
runs = st.builds(
    CellRun,
    run=texts,
    notebook=texts,
    code=st.none() | texts,
    reads=st.lists(states, max_size=3).map(tuple),
    writes=st.lists(writes, max_size=3).map(tuple),
    external=st.lists(externals, max_size=3).map(tuple),
    operations=st.lists(operations, max_size=3).map(tuple),
    opaque=some_texts,
)
environments = st.builds(Environment, python=texts, packages=st.dictionaries(texts, texts, max_size=3))


@given(runs, st.integers(min_value=0))
def test_any_run_comes_back(run: CellRun, sequence: int) -> None:
    text = run_to_json(run)
    assert text.isascii()
    assert run_from_json(text, sequence) == replace(run, sequence=sequence)


@given(environments)
def test_any_environment_comes_back(environment: Environment) -> None:
    assert environment_from_json(environment_to_json(environment)) == environment
    assert environment_from_json(environment_to_json(environment)).id == environment.id


@given(texts, texts)
def test_names_are_spelled_apart(one: str, other: str) -> None:
    assert unspelled(spelled(one)) == one
    assert (spelled(one) == spelled(other)) == (one == other)


def test_what_a_later_version_added_is_passed_over() -> None:
    run = make_run(operations=(OperationRecord("read_csv", 1),))
    said: dict[str, Any] = json.loads(run_to_json(run))
    said["mood"] = "good"
    said["operations"][0]["colour"] = ["red"]
    assert run_from_json(json.dumps(said), 0) == run


@pytest.mark.parametrize("text", ["", "[]", "{}", "7", '{"run": "a"}', '"text"', "null"])
def test_a_damaged_row_is_told(text: str) -> None:
    with pytest.raises(CorruptData, match="cell run 5"):
        run_from_json(text, 5)
    with pytest.raises(CorruptData, match="environment"):
        environment_from_json(text)


@pytest.mark.parametrize("name", ["reads", "writes", "operations", "external"])
@pytest.mark.parametrize("value", [[7], 7, [[]], [{}]])
def test_a_damaged_part_is_told(name: str, value: object) -> None:
    said = json.loads(run_to_json(make_run())) | {name: value}
    with pytest.raises(CorruptData):
        run_from_json(json.dumps(said), 5)
