"""Expiry of snapshots: what is wanted stays whatever it rests on, the rest goes, also where processes meet or die."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import ObjectMissing
from lineageflow_jupyter.expiring import DAY, GRACE, Keeping, Sweeper, now
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.hot_columns import HotColumns
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.store.base import ObjectStore
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.store.overlay import Overlay
from lineageflow_jupyter.testing.stores import PowerFailure

ROWS = 40_000
USUAL = Keeping()


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as found:
        yield found


def folder(repo: Repository) -> Path:
    return Path(repo.location) / ".lineageflow/snapshots" / repo.head.workspace


def size(repo: Repository) -> int:
    return sum(path.stat().st_size for path in folder(repo).rglob("*.pack"))


def numbers(seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({name: random.normal(size=ROWS) for name in "xyz"})


def ran(repo: Repository, days: float, before: FrameState | None, after: FrameState) -> None:
    """Record a run that was some days ago."""
    repo.record_run(
        CellRun(
            run=uuid.uuid4().hex,
            workspace=repo.head.workspace,
            notebook="n.ipynb",
            cell="c",
            number=1,
            code="…",
            user="ada",
            started=now() - int(days * DAY),
            duration=1,
            outcome="ok",
            writes=(FrameWrite(before, after),),
        )
    )


def overlay_of(repo: Repository, wrapped: Callable[[ObjectStore], ObjectStore] = lambda store: store) -> Overlay:
    """As another process sees it that opens it now."""
    catalog = repo._catalog
    own = wrapped(LocalStore(folder(repo), create=True))
    return Overlay(own, repo._snapshot_stores.store, catalog.locate, catalog.known, catalog.of_kind)


def sweep(repo: Repository, days: float, keeping: Keeping = USUAL, overlay: Overlay | None = None) -> bool:
    """Sweep as it is done after some days, by another process."""
    at = now() + int(days * DAY)
    return Sweeper(repo._catalog, repo.head.workspace, overlay or overlay_of(repo), keeping, lambda: at).sweep()


def read(repo: Repository, state: FrameState) -> pd.DataFrame:
    """What another process reads that opens the repository now."""
    with lf.open(repo.location) as again:
        return again.snapshot(state)  # type: ignore[no-any-return]


def history(repo: Repository) -> tuple[list[pd.DataFrame], list[FrameState]]:
    """A frame as it was 20 days ago; with a few other values, 5 days ago; filtered, today."""
    first = numbers()
    second = first.copy()
    second.loc[[3, 30_000], "x"] = 1.0
    third = second[second["y"] > -1].reset_index(drop=True)
    frames, states = [first, second, third], list[FrameState]()
    for frame, days in zip(frames, (20, 5, 0), strict=True):
        before = states[-1] if states else None
        states.append(repo.frame_state("df", "df", frame, before))
        ran(repo, days, before, states[-1])
    assert all(state.kept for state in states)
    return frames, states


def test_what_is_wanted_stays_with_what_it_rests_on(repo: Repository) -> None:
    """The newest snapshots are patches and selections of one that has expired."""
    frames, states = history(repo)
    other = repo.frame_state("old", "old", numbers(7))
    ran(repo, 30, None, other)
    before = size(repo)
    assert sweep(repo, 0)
    pd.testing.assert_frame_equal(read(repo, other), numbers(7))  # it goes in two steps
    assert sweep(repo, 1.1)
    assert size(repo) < before * 0.7
    for frame, state in zip(frames[1:], states[1:], strict=True):
        pd.testing.assert_frame_equal(read(repo, state), frame)
    with pytest.raises(ObjectMissing, match="not there any more"):
        read(repo, other)
    assert len(repo.cell_runs()) == 4  # what was recorded does not expire


def test_in_the_end_nothing_is_left(repo: Repository) -> None:
    history(repo)
    held = size(repo)
    assert sweep(repo, 30)
    assert not sweep(repo, 30.5)
    assert size(repo) == held
    assert sweep(repo, 31.1)
    assert size(repo) == 0
    assert sorted(path.name for path in folder(repo).rglob("*") if path.is_file() and "sweeps" not in str(path)) == []
    assert len(list((folder(repo) / "sweeps").iterdir())) == 1
    state = repo.frame_state("df", "df", numbers(), None)  # by a process that had it open all the time
    assert state.kept
    pd.testing.assert_frame_equal(read(repo, state), numbers())


def test_the_oldest_go_first_where_room_is_short(repo: Repository) -> None:
    states = []
    for day, seed in ((3, 1), (2, 2), (1, 3)):
        states.append(repo.frame_state("df", "df", numbers(seed)))
        ran(repo, day, None, states[-1])
    each = size(repo) // 3
    keeping = Keeping(bytes=each * 2 + each // 2)
    assert sweep(repo, 0, keeping)
    assert not sweep(repo, 0, keeping)
    later = 2 * GRACE / DAY
    assert sweep(repo, later, keeping)  # too large: not only once a day
    assert size(repo) < keeping.bytes
    assert not sweep(repo, 2 * later, keeping)
    for state, seed in zip(states[1:], (2, 3), strict=True):
        pd.testing.assert_frame_equal(read(repo, state), numbers(seed))
    with pytest.raises(ObjectMissing):
        read(repo, states[0])


def test_of_the_newest_all_is_kept(repo: Repository) -> None:
    state = repo.frame_state("df", "df", numbers())
    ran(repo, 0, None, state)
    for days in (0, 2, 4):
        assert sweep(repo, days, Keeping(bytes=1))
    pd.testing.assert_frame_equal(read(repo, state), numbers())


def test_little_that_is_wanted_moves(repo: Repository) -> None:
    """A pack of which a part is wanted is written anew without the rest."""
    frame = numbers()
    old = repo.frame_state("df", "df", frame)
    ran(repo, 20, None, old)
    new = repo.frame_state("df", "df", frame[["y"]], old)
    ran(repo, 1, None, new)
    before = size(repo)
    assert sweep(repo, 0)
    assert sweep(repo, 2)
    assert size(repo) < before * 0.4
    pd.testing.assert_frame_equal(read(repo, new), frame[["y"]])


def test_one_process_that_sweeps_again_and_again(repo: Repository) -> None:
    frame = numbers()
    old = repo.frame_state("df", "df", frame)
    ran(repo, 20, None, old)
    new = repo.frame_state("df", "df", frame[["y"]], old)
    ran(repo, 1, None, new)
    before, overlay = size(repo), overlay_of(repo)
    assert sweep(repo, 0, overlay=overlay)
    assert sweep(repo, 2, overlay=overlay)
    assert size(repo) < before * 0.4
    assert overlay.packed == size(repo)
    pd.testing.assert_frame_equal(read(repo, new), frame[["y"]])


def test_another_process_that_stores_what_is_about_to_go(repo: Repository) -> None:
    """A notebook in two tabs: it does not count on what it read at its start, and is not told to."""
    old = repo.frame_state("df", "df", numbers())
    ran(repo, 20, None, old)
    assert sweep(repo, 0)
    state = repo.frame_state("df", "df", numbers().assign(w=1.0))  # shares three columns with what goes
    assert sweep(repo, 2)  # before the run is recorded
    ran(repo, 0, None, state)
    pd.testing.assert_frame_equal(read(repo, state), numbers().assign(w=1.0))
    pd.testing.assert_frame_equal(repo.snapshot(state), numbers().assign(w=1.0))


def test_another_process_that_missed_the_sweeps(repo: Repository) -> None:
    old = repo.frame_state("df", "df", numbers())
    ran(repo, 20, None, old)
    assert sweep(repo, 0)
    assert sweep(repo, 2)
    assert size(repo) == 0
    with pytest.raises(ObjectMissing, match="not there any more"):
        repo.snapshot(old)
    state = repo.frame_state("df", "df", numbers().assign(w=1.0), old)
    pd.testing.assert_frame_equal(read(repo, state), numbers().assign(w=1.0))


def test_what_came_to_rest_on_a_doomed_pack_keeps_it(repo: Repository) -> None:
    """The run of a snapshot may be recorded after the sweep that found nobody who wants it."""
    state = repo.frame_state("df", "df", numbers())
    assert sweep(repo, 0)
    ran(repo, 0, None, state)
    for days in (2, 4, 6):
        assert sweep(repo, days)
        pd.testing.assert_frame_equal(read(repo, state), numbers())


def test_a_sweep_just_made_is_not_settled_at_once(repo: Repository) -> None:
    ran(repo, 20, None, repo.frame_state("df", "df", numbers()))
    overlay, held = overlay_of(repo), size(repo)
    at = now()
    overlay.doom([path.stem for path in folder(repo).rglob("*.pack")], at)
    one = Sweeper(repo._catalog, repo.head.workspace, overlay, Keeping(bytes=1), lambda: at + GRACE - 1)
    assert not one.sweep()
    assert size(repo) == held


class Dying:
    """A store in front of a machine that stops before one of its changes."""

    def __init__(self, store: ObjectStore, fail_at: int) -> None:
        self.store, self.left = store, fail_at

    def put(self, key: str, parts: Sequence[Any]) -> None:
        self._tick()
        self.store.put(key, parts)

    def delete(self, key: str) -> None:
        self._tick()
        self.store.delete(key)

    def _tick(self) -> None:
        if self.left == 0:
            raise PowerFailure
        self.left -= 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_it_may_end_at_any_line(repo: Repository) -> None:
    """What is wanted can be read after each, and a later sweep does the rest."""
    died, days = 0, 0
    frame = numbers()
    for fail_at in range(6):
        old = repo.frame_state("df", "df", frame.assign(w=float(fail_at), v=numbers(fail_at)["x"]))
        ran(repo, 20, None, old)
        new = repo.frame_state("df", "df", frame[["y"]], old)
        ran(repo, -100, None, new)
        for _ in range(3):
            days += 2
            overlay = overlay_of(repo, lambda store, fail_at=fail_at: Dying(store, fail_at))  # type: ignore[misc]
            try:
                sweep(repo, days, overlay=overlay)
            except PowerFailure:
                died += 1
            pd.testing.assert_frame_equal(read(repo, new), frame[["y"]])
    assert died > 5
    assert sweep(repo, days + 2)
    assert sweep(repo, days + 4)
    pd.testing.assert_frame_equal(read(repo, new), frame[["y"]])
    assert size(repo) < frame["y"].memory_usage() * 1.2


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_happens_by_itself(repo: Repository) -> None:
    """At the first look of a later session, on a thread, also for notebooks that nobody opens any more."""
    left = Snapshots(repo._snapshot_stores.overlay(uuid.uuid4().hex), repo._pool, HotColumns(None))
    left.keep("df", to_content(numbers(3)), None)
    ran(repo, 20, None, repo.frame_state("df", "df", numbers()))
    every = folder(repo).parent
    repo.close()
    small = pd.DataFrame({"x": [1]})
    with lf.open(repo.location) as again:
        again.frame_state("new", "new", small)
        until(lambda: len(list(every.rglob("sweeps/*"))) == 2)
        again.frame_state("new", "new", small)  # not again before a minute is over
    for path in every.rglob("sweeps/*"):
        path.rename(path.with_name(f"{int(path.name) - 2 * DAY:020d}"))
    with lf.open(repo.location) as again:
        again.frame_state("new", "new", small)
        until(lambda: sum(path.stat().st_size for path in every.rglob("*.pack")) < 10_000)


def test_settings_tell_how_much_is_kept(tmp_path: Path) -> None:
    given = {"snapshot_days": 3, "snapshot_size": "2 MB"}
    with lf.init(tmp_path, overrides=given) as repo:
        assert repo._snapshot_stores.keeping() == Keeping(3, 2_000_000)
