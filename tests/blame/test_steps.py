"""Steps between commits: which of the versions that a frame went through gave each value of what was committed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings

import lineageflow_jupyter as lf
from lineageflow_jupyter.algorithms.causes import CauseMap
from lineageflow_jupyter.causing import Told, cause_map, causes_of, sealed_causes
from lineageflow_jupyter.errors import CorruptData, LineageFlowError
from lineageflow_jupyter.intake import contents_of
from lineageflow_jupyter.model.objects import Author, Step, encode
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.edits import edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames

few = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
ADA = Author("Ada", "")
NUMBERS = count()


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    with lf.init(tmp_path_factory.mktemp("steps")) as found:
        yield found
        assert found.fsck() > 5


def committed(repo: Repository, frame: Any, steps: list[Any], name: str, key: tuple[str, ...] = ()) -> list[Any]:
    """Commit the last of some steps that a frame went through since what is committed; their entries."""
    entries: list[Any] = []
    before = repo._history.tree(repo._history.tip("main")).get(name)
    for each in steps:
        (content,) = contents_of({name: each}).values()
        entries.append(repo._snapshots.keep(name, content, entries[-1] if entries else before, key))

    def tell(old: Any, new: Any) -> Told:
        assert (old, new) == (before, entries[-1])
        told = tuple(Step(name, f"run {number}", entry.table) for number, entry in enumerate(entries, start=1))
        return Told(told, cause_map(before, entries, repo._snapshots.changes))

    (content,) = contents_of({name: steps[-1]}).values()
    repo._publisher.commit("main", {name: content}, {name: key}, "steps", ADA, tell)
    return entries


@few
@given(sketches(frames(), max_rows=12), scripts(), scripts(), scripts())
def test_steps_give_what_commits_would_give(repo: Repository, sketch: Any, one: Any, two: Any, three: Any) -> None:
    base = frame_of(sketch)
    sketches_ = [edited(sketch, one)]
    sketches_.append(edited(sketches_[-1], two))
    sketches_.append(edited(sketches_[-1], three))
    steps = [frame_of(each) for each in sketches_]
    try:
        number = next(NUMBERS)
        t, u = f"t{number}", f"u{number}"
        for name, chain in ((t, [base]), (u, [base, *steps])):
            for at, frame in enumerate(chain):
                repo.commit({name: frame}, message=f"run {at}" if at else "before")
    except LineageFlowError:
        assume(False)
    tip = repo.resolve("HEAD").id
    committed(repo, base, steps, t)
    if repo.resolve("HEAD").id == tip:  # all of it came to nothing
        return
    found, wanted = repo.blame(t), repo.blame(u)
    for column, codes in found.codes.items():
        for code, other in zip(codes.tolist(), wanted.codes[column].tolist(), strict=True):
            step, by_commit = found.steps[code], wanted.commits[other].commit.message
            if found.commits[code].commit.message == "steps":  # else the value is no new one, seen from end to end
                assert (step.cell_run if step else "before") == by_commit


def test_a_commit_is_there_once_for_each_step_that_gave_values(repo: Repository) -> None:
    base = pd.DataFrame({"id": [1, 2, 3], "x": [1.0, np.nan, np.nan], "y": [1, 2, 3]})
    repo.commit({"a": base}, message="raw", keys={"a": ["id"]})
    filled = base.assign(x=base["x"].fillna(0))
    doubled = filled.assign(y=[1, 4, 3], x=[1.0, 0.0, 9.0])
    committed(repo, base, [filled, doubled], "a", ("id",))
    found = repo.blame("a")
    named = [
        (record.commit.summary, step and step.cell_run) for record, step in zip(found.commits, found.steps, strict=True)
    ]
    assert named == [("steps", "run 1"), ("steps", "run 2"), ("raw", None)]
    assert {column: [named[code][1] for code in codes] for column, codes in found.codes.items()} == {
        "id": [None, None, None],
        "x": [None, "run 1", "run 2"],
        "y": [None, "run 2", None],
    }
    assert found.counts == (1, 2, 6)
    assert len(set(found.ids)) == 2
    assert [each["cell_run"] for each in found.to_json()["commits"]] == ["run 1", "run 2", None]
    assert found.to_frame()["x"].tolist() == [found.ids[2], found.ids[0], found.ids[0]]


def test_later_commits_hand_values_on_to_their_steps(repo: Repository) -> None:
    base = pd.DataFrame({"id": [1, 2, 3, 4], "x": [1, 2, 3, 4]})
    repo.commit({"b": base}, message="raw", keys={"b": ["id"]})
    committed(repo, base, [base.assign(x=[9, 2, 3, 4]), base.assign(x=[9, 8, 3, 4])], "b", ("id",))
    repo.commit({"b": base.assign(x=[9, 8, 7, 4]).iloc[::-1].reset_index(drop=True)}, message="later")
    found = repo.blame("b", columns="x")
    told = [
        found.steps[code].cell_run if found.steps[code] else found.commits[code].commit.summary
        for code in found.codes["x"]
    ]
    assert told == ["raw", "later", "run 2", "run 1"]


def test_one_step_needs_no_map(repo: Repository) -> None:
    base = pd.DataFrame({"x": [1, 2]})
    (content,) = contents_of({"c": base}).values()
    tell = lambda before, after: Told((Step("c", "only", after.table),))  # noqa: E731
    repo._publisher.commit("main", {"c": content}, {}, "one step", ADA, tell)
    commit = repo.resolve("HEAD").commit
    assert (commit.steps[0].cell_run, commit.causes) == ("only", ())
    found = repo.blame("c")
    assert [step and step.cell_run for step in found.steps] == ["only"]


def test_a_damaged_map_is_told() -> None:
    sealed = sealed_causes(CauseMap.from_codes(2, {0: [1, 2]}))
    for data in (sealed.data[:-1], encode([[9, 1, [], []], []]), encode(1)):
        with pytest.raises(CorruptData):
            causes_of(sealed.id, data)
    assert causes_of(sealed.id, sealed.data).of(0, np.array([1, 0])).tolist() == [2, 1]
