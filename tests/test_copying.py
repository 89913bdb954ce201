"""Large frames copied by a thread: the snapshot of what they were, or none; nobody waits, nothing piles up."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import ObjectMissing, StorageFull
from lineageflow_jupyter.frames.capture import Capture
from lineageflow_jupyter.model.cells import FrameState
from lineageflow_jupyter.observing import Patience
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.stores import FailingStore, PausingStore
from tests.diffs import live

SECONDS = 30.0
ROWS = 500_000


class Told:
    """What became of frames, in the order in which it was told."""

    def __init__(self) -> None:
        self.found: list[tuple[FrameState, FrameState]] = []

    def __call__(self, said: FrameState, found: FrameState) -> None:
        self.found.append((said, found))

    @property
    def patience(self) -> Patience:
        """None: everything beyond a megabyte is done later."""
        return Patience(0, 1 << 40, 1 << 40, self)


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as found:
        yield found


@pytest.fixture
def paused(repo: Repository) -> PausingStore:
    stores = repo._snapshot_stores
    assert stores.own is not None
    store = PausingStore(stores.own(repo.head.workspace))
    repo._snapshot_stores = replace(stores, own=lambda _: store)
    return store


def numbers(seed: int = 0, columns: int = 4) -> tuple[np.ndarray[Any, Any], pd.DataFrame]:
    """A frame of 4 MB a column, and the memory that it lies on."""
    memory = np.random.default_rng(seed).normal(size=(columns, ROWS))
    return memory, pd.DataFrame(memory.T, columns=list("abcdefgh"[:columns]), copy=False)


def test_the_snapshot_comes_later_and_is_what_it_would_have_been_at_once(repo: Repository) -> None:
    told = Told()
    frames: list[Any] = [
        numbers()[1].assign(t=np.arange(ROWS).astype(str), n=pd.array([None] * ROWS, dtype="Int64")),
        pl.DataFrame({"x": np.arange(ROWS), "t": [None, "b"] * (ROWS // 2)}),
    ]
    for frame in frames:
        said = repo.frame_state("df", "df", frame, patience=told.patience)
        assert (said.table, said.kept, said.rows) == (None, False, ROWS)
        assert repo.wait_for_snapshots(SECONDS)
        assert told.found[-1][0] == said
        state = told.found[-1][1]
        entry = live(repo, frame).entry
        assert (state.table, state.frame, state.kept, state.note) == (entry.table, entry.frame, True, "")
        assert live(repo, repo.snapshot(state, "pandas" if frame is frames[0] else "polars")).entry == entry
    assert [found.nulls for _, found in told.found] == [ROWS, ROWS // 2]
    assert repo.frames_to_copy == 0


def test_only_what_changed_is_stored(repo: Repository) -> None:
    told, (memory, frame) = Told(), numbers()
    repo.frame_state("df", "df", frame, patience=told.patience)
    assert repo.wait_for_snapshots(SECONDS)
    whole = repo.snapshot_bytes()
    memory[2, 100_000] = 5
    repo.frame_state("df", "df", frame, told.found[-1][1], patience=told.patience)
    assert repo.wait_for_snapshots(SECONDS)
    assert told.found[-1][1].kept
    assert 0 < repo.snapshot_bytes() - whole < whole / 10


def test_a_frame_that_is_changed_meanwhile_is_torn(repo: Repository, paused: PausingStore) -> None:
    """Whoever changes it does not wait; what was stored of it serves the next one."""
    told, (memory, frame) = Told(), numbers()
    repo.frame_state("df", "df", frame, patience=told.patience)
    assert paused.reached.wait(SECONDS)
    start = time.perf_counter()
    frame.iloc[7, 3] = 1.0
    assert time.perf_counter() - start < 0.5
    memory[:] = frame.to_numpy().T  # the very memory, also where pandas copied it for the change
    paused.go_on.set()
    assert repo.wait_for_snapshots(SECONDS)
    state = told.found[-1][1]
    assert (state.table, state.kept) == (None, False)
    assert state.note == "its data could not be copied: it was changed meanwhile"
    with pytest.raises(ObjectMissing, match="changed meanwhile"):
        repo.snapshot(state)
    before = repo.snapshot_bytes()
    assert before > 1e6
    repo.frame_state("df", "df", frame, patience=told.patience)
    assert repo.wait_for_snapshots(SECONDS)
    assert told.found[-1][1].kept
    assert repo.snapshot_bytes() < before * 2.5


def test_a_frame_that_is_gone_while_it_waits(repo: Repository, paused: PausingStore) -> None:
    told, (_, first), (_, second) = Told(), numbers(0), numbers(1)
    repo.frame_state("a", "a", first, patience=told.patience)
    repo.frame_state("b", "b", second, patience=told.patience)
    assert repo.frames_to_copy == 2
    gone = weakref.ref(second)
    del second
    gc.collect()
    assert gone() is None
    paused.go_on.set()
    assert repo.wait_for_snapshots(SECONDS)
    assert [found.kept for _, found in told.found] == [True, False]
    assert "no variable held it any more" in told.found[1][1].note


def test_they_do_not_pile_up(repo: Repository, paused: PausingStore) -> None:
    told = Told()
    frames = [numbers(seed)[1] for seed in range(4)]
    said = [repo.frame_state("df", "df", frames[0], patience=told.patience)]
    assert paused.reached.wait(SECONDS)
    said += [repo.frame_state("df", "df", frame, patience=told.patience) for frame in frames[1:]]
    assert repo.frames_to_copy == 2
    assert not repo.wait_for_snapshots(0.01)
    paused.go_on.set()
    assert repo.wait_for_snapshots(SECONDS)
    assert {state.note: found.kept for state, found in told.found} == dict(
        zip([state.note for state in said], [True, False, False, True], strict=True)
    )


def test_leaving_does_not_wait_for_it(repo: Repository, paused: PausingStore) -> None:
    told, (_, frame) = Told(), numbers()
    state = repo.frame_state("df", "df", frame, patience=told.patience)
    assert paused.reached.wait(SECONDS)
    threading.Timer(0.2, paused.go_on.set).start()
    start = time.perf_counter()
    repo.close()
    assert time.perf_counter() - start < 3
    assert told.found == []
    with lf.open(repo.location) as again, pytest.raises(ObjectMissing, match="not copied yet, or the kernel ended"):
        again.snapshot(state)


def test_a_disk_that_is_full_is_told(repo: Repository) -> None:
    stores, told = repo._snapshot_stores, Told()
    assert stores.own is not None
    store = FailingStore(stores.own(repo.head.workspace), StorageFull("the disk is full", remedy=""), times=1)
    repo._snapshot_stores = replace(stores, own=lambda _: store)
    frame = numbers()[1]
    for _ in range(2):
        repo.frame_state("df", "df", frame, patience=told.patience)
        assert repo.wait_for_snapshots(SECONDS)
    assert [(found.kept, found.note) for _, found in told.found] == [(False, "the disk is full"), (True, "")]


def test_what_cannot_be_stored_is_told(repo: Repository) -> None:
    told = Told()
    odd = pd.DataFrame({"x": np.arange(ROWS), "o": [1, "a"] * (ROWS // 2)})
    repo.frame_state("df", "df", odd, patience=told.patience)
    assert repo.wait_for_snapshots(SECONDS)
    assert "'o'" in told.found[-1][1].note
    state = repo.frame_state("df", "df", odd, patience=replace(told.patience, limit=10**6))
    assert state.note.startswith("its data could not be copied: 16 MB are more than is kept of a frame (1 MB)")
    repo.frame_state("df", "df", numbers()[1], patience=Patience(SECONDS, 1 << 40, 1 << 40))
    state = repo.frame_state("df", "df", numbers(1)[1], patience=replace(told.patience, room=10**6))
    assert "older ones have not made room yet" in state.note


def test_little_memory_is_taken(repo: Repository) -> None:
    memory, frame = numbers(columns=8)  # 32 MB
    captured = Capture(frame)
    tracemalloc.start()
    try:
        repo._snapshots.capture("df", captured, None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < memory.nbytes * 0.75
    held = weakref.ref(frame)
    del frame
    gc.collect()
    assert held() is None
