"""Two hundred steps of a notebook, committed one after the other: every version comes back, however it is stored."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.ids import Kind
from tests.diffs import live

ROWS, STEPS = 3_000, 200
OPERATIONS = ("filter", "sort", "sample", "shuffle", "fix", "fix text", "append", "reset", "split", "again", "back")


def first(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "x": rng.random(ROWS),
            "s": rng.integers(0, ROWS // 2, ROWS).astype(str),
            "c": pd.Categorical(rng.choice(["a", "b", "ü"], ROWS)),
            "t": pd.date_range("2026-01-01", periods=ROWS, freq="s"),
            "n": np.where(rng.random(ROWS) < 0.2, np.nan, rng.random(ROWS)),
        }
    )


def stepped(rng: np.random.Generator, step: int, frames: list[pd.DataFrame]) -> pd.DataFrame:
    frame = frames[-1].copy()
    rows = len(frame)
    match str(rng.choice(OPERATIONS)):
        case "filter":
            frame = frame[rng.random(rows) < 0.95]
        case "sort":
            frame = frame.sort_values(str(rng.choice(["x", "s", "t"])), kind="stable")
        case "sample":
            frame = frame.sample(frac=0.8, random_state=step)
        case "shuffle":
            frame = frame.iloc[rng.permutation(rows)]
        case "fix":
            frame.iloc[rng.integers(0, rows, 3), 1] = rng.random(3)
        case "fix text":
            frame.iloc[rng.integers(0, rows, 3), 2] = "fixé"
        case "append":
            more = frames[0].head(60).assign(id=lambda part: part["id"] + 1_000_000 * (step + 1))
            frame = pd.concat([frame, more], ignore_index=bool(rng.random() < 0.5))
        case "reset":
            frame = frame.reset_index(drop=True)
        case "split":  # the larger part of a train_test_split
            frame = frame.iloc[rng.permutation(rows)[: rows * 4 // 5]]
        case "back":
            frame = frames[int(rng.integers(0, len(frames)))].copy()
    return frame if len(frame) > ROWS // 4 else frames[0].copy()


@pytest.mark.parametrize(("key", "steps"), [(None, STEPS), (["id"], STEPS // 4)], ids=["no key", "key"])
def test_every_version_of_a_long_chain_comes_back(tmp_path: Path, key: Any, steps: int) -> None:
    rng = np.random.default_rng(7 if key else 8)
    with lf.init(tmp_path) as repo:
        frames, commits = [first(rng)], []
        keys = {"t": key} if key else None
        commits.append(repo.commit({"t": frames[0]}, message="first", keys=keys).id)
        for step in range(steps):
            frames.append(stepped(rng, step, frames))
            commits.append(repo.commit({"t": frames[-1]}, message=f"step {step}").id)
            assert_same(repo.read("t"), frames[-1])
        repo.clear_cache()
        for commit, frame in zip(commits, frames, strict=True):
            assert_same(repo.read(f"{commit.hex()}:t"), frame)
        assert repo.fsck() > steps
        for one, other in rng.integers(0, len(frames), (12, 2)).tolist():
            for diff in repo.diff(commits[one].hex(), commits[other].hex()).values():
                made = diff.apply(frames[one])
                assert_same(made, frames[other])
                found, entry = live(repo, made).entry, repo._history.tree(commits[other]).get("t")
                assert entry is not None
                assert (found.table, found.frame) == (entry.table, entry.frame)
        assert repo.diff(commits[3].hex(), commits[3].hex()) == {}
        kinds = Counter(forms(repo, commits))
        assert kinds["derived"] > kinds["whole"]


def assert_same(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    """As `pandas.testing.assert_frame_equal`, which looks at categories one by one: half of the time went there."""
    assert found.equals(frame)
    pd.testing.assert_frame_equal(found.head(2), frame.head(2))
    pd.testing.assert_index_equal(found.index, frame.index, exact=True)


def forms(repo: lf.Repository, commits: list[Any]) -> list[str]:
    """How the chunks of all versions are stored."""
    found = set()
    for commit in commits:
        entry = repo._history.tree(commit).get("t")
        assert entry is not None
        table = repo._objects.table(entry.table)
        found |= {chunk.id for c in repo._objects.columns([c.column for c in table.columns]) for chunk in c.chunks}
    derived = repo._catalog.of_kind(found, Kind.DERIVED)
    return ["derived" if oid in derived else "whole" for oid in found]
