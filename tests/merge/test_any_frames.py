"""Merges of any frames after any edits: they are merged or refused with a reason, and what is merged reads back."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.edits import edited, frame_of, scripts, sketches
from lineageflow_jupyter.testing.strategies import frames
from tests.diffs import live
from tests.merge.test_keyed import repo, three  # noqa: F401 - a fixture

quick = settings(suppress_health_check=list(HealthCheck), max_examples=60, deadline=None)


@quick
@given(sketches(frames(), max_rows=20), scripts(), scripts(), st.sampled_from(["ours", "theirs", "base"]))
def test_any_frames_and_edits(repo: Repository, sketch: Any, one: Any, other: Any, side: Any) -> None:  # noqa: F811
    base, ours, theirs = frame_of(sketch), frame_of(edited(sketch, one)), frame_of(edited(sketch, other))
    try:
        name = three(repo, base, ours, theirs)
    except LineageFlowError:
        assume(False)
    tip = repo.resolve("HEAD").id
    try:
        done = repo.merge(f"{name}/theirs", resolve=side)
    except LineageFlowError:
        assert repo.resolve("HEAD").id == tip
        assert repo.half_done is None
        return
    assert done.state != "conflicts"
    entry = repo._history.tree(repo.resolve("HEAD").id).get(name)
    assert entry is not None
    again = live(repo, repo.read(name, engine="pandas" if "pandas" in type(base).__module__ else "arrow"))
    if "pandas" in type(base).__module__:
        assert again.entry.table == entry.table
    if done.state == "merged" and live(repo, theirs).entry.table == live(repo, base).entry.table:
        assert entry.table == live(repo, ours).entry.table
    if done.state == "merged" and live(repo, ours).entry.table == live(repo, theirs).entry.table:
        assert entry.table == live(repo, ours).entry.table
