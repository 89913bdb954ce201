"""Tracking of cells in a real shell: what is recorded, blame by cell, frames as they were, and that nobody notices."""

from __future__ import annotations

import gc
import json
import logging
import shutil
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import ObjectMissing
from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.model.cells import CellRun
from lineageflow_jupyter.testing.shell import TestingShell
from lineageflow_jupyter.testing.stores import PausingStore


def magic(shell: TestingShell) -> LineMagic:
    found = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(found, LineMagic)
    return found


def runs(shell: TestingShell) -> list[CellRun]:
    """All recorded runs, oldest first."""
    magic(shell).tracking.flush()
    assert magic(shell).tracking.problem == ""
    return list(reversed(magic(shell).session.repository.cell_runs()))


def blamed(shell: TestingShell, dataset: str) -> dict[str, list[str]]:
    """First line of the cell that gave each value, by column; a commit's message where no cell is known."""
    repository = magic(shell).session.repository
    magic(shell).tracking.flush()
    found = repository.blame(dataset)
    named = [
        record.commit.summary if step is None else (repository.cell_run(step.cell_run).code or "").splitlines()[0]
        for record, step in zip(found.commits, found.steps, strict=True)
    ]
    return {column: [named[code] for code in codes] for column, codes in found.codes.items()}


FILL = "fares['dep'] = fares['dep'].fillna(0)"


@pytest.fixture
def tracked(committed: TestingShell) -> TestingShell:
    """Fares with a key and a missing value, committed."""
    committed.run("import pandas as pd\nfares = pd.DataFrame({'id': [1, 2, 3], 'dep': [1.0, None, 3.0]})")
    committed.run("%lf commit fares -m keyed --key id;")
    return committed


def test_blame_names_the_cell_that_changed_a_value(tracked: TestingShell) -> None:
    """Not the one that committed it; also where several cells led to one commit, or it is the same cell."""
    tracked.run(FILL)
    tracked.run("fares.loc[2, 'dep'] = 9")
    tracked.run("fares['twice'] = fares.dep * 2")
    tracked.run("%lf commit -m cleaned;")
    tracked.run("fares['late'] = fares.dep > 5\n%lf commit -m late;")
    made = "import pandas as pd"
    assert blamed(tracked, "fares") == {
        "id": [made] * 3,
        "dep": [made, FILL, "fares.loc[2, 'dep'] = 9"],
        "twice": ["fares['twice'] = fares.dep * 2"] * 3,
        "late": ["fares['late'] = fares.dep > 5"] * 3,
    }
    told = str(tracked.run("%lf blame fares --row id=2 --column dep"))
    assert told.endswith(f"cleaned — {told.rpartition('— ')[2]}")
    assert FILL in told


def test_it_still_does_after_a_restart_and_without_snapshots(tracked: TestingShell, tmp_path: Path) -> None:
    tracked.run(FILL)
    tracked.run("fares.loc[2, 'dep'] = 9")
    tracked.run("%lf commit -m cleaned;")
    before = blamed(tracked, "fares")
    tracked.run("%unload_ext lineageflow_jupyter")
    shutil.rmtree(tmp_path / ".lineageflow/snapshots")
    tracked.run("%load_ext lineageflow_jupyter")
    assert blamed(tracked, "fares") == before
    assert FILL in before["dep"]
    with lf.open(tmp_path) as repository:
        assert repository.fsck() > 5


def test_reset_and_other_ways_back(tracked: TestingShell) -> None:
    """A frame that a verb put into a variable is where the next steps start."""
    tracked.run(FILL)
    tracked.run("%lf commit -m filled;")
    tracked.run("%lf reset HEAD~1 --hard;")
    tracked.run("fares.loc[0, 'dep'] = 5")
    tracked.run("%lf commit -m other;")
    assert blamed(tracked, "fares")["dep"] == [
        "fares.loc[0, 'dep'] = 5",
        "import pandas as pd",
        "import pandas as pd",
    ]


def test_the_timeline_of_a_frame(tracked: TestingShell) -> None:
    tracked.run(FILL)
    with pytest.raises(ZeroDivisionError):
        tracked.run("fares = fares[fares.dep > 0]\n1 / 0")
    lines = str(tracked.run("%lf log --cells fares")).splitlines()
    assert "[7] fares = fares[fares.dep > 0]" in lines[1]
    assert "3 → 2" in lines[1]
    assert "raised ZeroDivisionError" in lines[1]
    assert f"[6] {FILL}" in lines[2]
    assert "1 → 0" in lines[2]
    assert len(str(tracked.run("%lf log --cells fares -n 1")).splitlines()) == 3
    assert "no cell is known to have changed 'planes'" in str(tracked.run("%lf log --cells planes"))
    assert "goes with one dataset" in tracked.refused("%lf log --cells")


def test_the_frame_as_it_was(tracked: TestingShell) -> None:
    tracked.run(FILL)
    tracked.run("fares = fares.drop(columns='dep')")
    assert tracked.run("old = %lf before fares") is None
    assert tracked.user_ns["old"]["dep"].tolist() == [1.0, 0.0, 3.0]
    before = tracked.run("%lf before fares --cell 6")
    assert before["dep"].isna().sum() == 1
    assert list(tracked.user_ns["fares"].columns) == ["id"]
    assert "no cell [99]" in tracked.refused("%lf before fares --cell 99")
    assert "takes the number" in tracked.refused("%lf before fares --cell x")
    assert "no cell of this notebook" in tracked.refused("%lf before nothing")


def test_the_code_of_a_frame(tracked: TestingShell, tmp_path: Path) -> None:
    tracked.run("print('nothing to do with it')")
    tracked.run("limit = 2")
    tracked.run("def cleaned(frame):\n    return frame[frame.dep < limit]")
    tracked.run("small = cleaned(fares)")
    told = str(tracked.run("%lf code small"))
    assert "limit = 2" in told
    assert "nothing to do" not in told
    assert told.index("pd.DataFrame") < told.index("def cleaned") < told.index("small = cleaned(fares)")
    tracked.run("%lf code small --to small.py;")
    code = (tmp_path / "small.py").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(code, names)
    pd.testing.assert_frame_equal(names["small"], tracked.user_ns["small"])
    assert "exists" in tracked.refused("%lf code small --to small.py")
    tracked.run("%lf code small --to small.ipynb;")
    assert "cells" in json.loads((tmp_path / "small.ipynb").read_text(encoding="utf-8"))
    assert ".py or .ipynb was expected" in tracked.refused("%lf code small --to small.txt")
    assert "no cell of this notebook" in tracked.refused("%lf code nowhere")


def test_what_a_frame_came_from(tracked: TestingShell) -> None:
    tracked.run("late = fares[fares.dep > 1]")
    tracked.run("other = pd.DataFrame({'q': ['<b>']})")
    answer = tracked.run("%lf lineage late")
    assert str(answer).splitlines() == ["late ← fares ([6])", "fares ← [4]"]
    assert "other" not in str(answer)
    assert "<svg" in answer._repr_html_()
    assert "late" in str(tracked.run("%lf lineage fares --down"))
    assert "other" in str(tracked.run("%lf lineage"))
    assert {node["kind"] for node in answer.report.to_dict()["nodes"]} == {"run", "version"}
    tracked.run("fares.loc[0, 'dep'] = 7")
    assert "out of date" in str(tracked.run("%lf lineage late"))
    assert "no cell is known" in tracked.refused("%lf lineage nowhere")
    assert "exclude each other" in tracked.refused("%lf lineage late --up --down")


def test_what_is_recorded_of_a_cell(tracked: TestingShell) -> None:
    tracked.run("%%time\nfares.loc[0, 'dep'] = 4")
    run = runs(tracked)[-1]
    assert (run.code, run.number, run.outcome) == ("%%time\nfares.loc[0, 'dep'] = 4", 6, "ok")
    assert [state.variable for state in run.reads] == ["fares"]
    assert run.user
    assert run.workspace == magic(tracked).session.repository.head.workspace
    count = len(runs(tracked))
    tracked.run_cell("fares.loc[0, 'dep'] = 5", store_history=False)  # type: ignore[no-untyped-call]
    tracked.run_cell("fares.loc[0, 'dep'] = 6", silent=True)  # type: ignore[no-untyped-call]
    assert len(runs(tracked)) == count
    tracked.run("n = len(fares)")  # what those changed is found, and told as not seen
    assert [write.seen for write in runs(tracked)[-1].writes] == [False]


def test_settings(tracked: TestingShell) -> None:
    tracked.run("%lf config record_code false;")
    tracked.run("secret = 'abc'")
    tracked.run("%lf config track false;")
    count = len(runs(tracked))
    assert runs(tracked)[-1].code is None
    tracked.run("fares['x'] = 1")
    assert len(runs(tracked)) == count


def test_without_a_repository_nothing_is_done(shell: TestingShell, tmp_path: Path) -> None:
    shell.run("import pandas as pd\ndf = pd.DataFrame({'x': [1]})")
    shell.run("df['y'] = 1")
    assert list(tmp_path.iterdir()) == []


def test_failures_of_ours_are_invisible(
    tracked: TestingShell, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The catalog gone while cells run: one line in the log, told by the status, and no cell is any different."""
    runs(tracked)
    folder = tmp_path / ".lineageflow"
    capsys.readouterr()
    (folder / "catalog.sqlite").rename(folder / "away")
    shutil.rmtree(folder / "snapshots")
    (folder / "snapshots").write_text("in the way")
    with caplog.at_level(logging.WARNING, "lineageflow_jupyter"):
        tracked.run("fares['x'] = 1")
        with pytest.raises(ZeroDivisionError):
            tracked.run("fares['y'] = 2\n1 / 0")
        magic(tracked).tracking.flush()
    told = capsys.readouterr()
    assert "lineageflow" not in (told.out + told.err).lower()
    assert list(tracked.user_ns["fares"].columns) == ["id", "dep", "x", "y"]
    assert len(caplog.records) <= 1
    (folder / "away").rename(folder / "catalog.sqlite")


def test_a_catalog_that_another_process_locks_delays_no_cell(tracked: TestingShell, tmp_path: Path) -> None:
    """Records wait for it on their own thread, and nothing is lost."""
    count = len(runs(tracked))
    other = sqlite3.connect(tmp_path / ".lineageflow/catalog.sqlite", isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    try:
        tracked.run("fares['x'] = 1")
        assert tracked.run("len(fares)") == 3
        assert len(magic(tracked).session.repository.cell_runs()) == count  # the cells are over, their records wait
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert len(runs(tracked)) == count + 2


def test_a_hook_that_raises_is_told_by_the_status(tracked: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("odd frame")

    tracking = magic(tracked).tracking
    monkeypatch.setattr(tracking, "fingerprint", broken)
    tracked.run("fares['x'] = 1")
    assert tracked.user_ns["fares"].columns[-1] == "x"
    assert "RuntimeError: odd frame" in tracking.problem
    assert "cells could not be recorded: RuntimeError: odd frame" in str(tracked.run("%lf status"))


def test_no_frame_is_kept_alive(tracked: TestingShell) -> None:
    tracked.run("big = pd.DataFrame({'x': range(1000)})")
    tracked.run("big['y'] = 2;")
    seen = weakref.ref(tracked.user_ns["big"])
    tracked.run("del big")
    magic(tracked).tracking.flush()
    gc.collect()
    assert seen() is None


def test_many_cells_cost_no_more_later(tracked: TestingShell) -> None:
    for number in range(300):
        tracked.run(f"fares.loc[0, 'dep'] = float({number})")
    assert len(runs(tracked)) > 300
    tracker = magic(tracked).tracking._tracker
    assert len(tracker._seen) < 10


def test_leaving_takes_the_hooks_out(tracked: TestingShell) -> None:
    events = {name: list(callbacks) for name, callbacks in tracked.events.callbacks.items()}
    tracked.run("%unload_ext lineageflow_jupyter")
    left = [each for callbacks in tracked.events.callbacks.values() for each in callbacks]
    assert not any("lineageflow" in str(getattr(each, "__module__", "")) for each in left)
    tracked.run("%load_ext lineageflow_jupyter")
    assert {name: len(callbacks) for name, callbacks in tracked.events.callbacks.items()} == {
        name: len(callbacks) for name, callbacks in events.items()
    }


# --- large frames ----------------------------------------------------------------------------------------------------

LARGE = (
    "big = pd.DataFrame({name: np.random.default_rng(seed).normal(size=2_500_000) for seed, name in enumerate('xyz')})"
)
SECONDS = 30.0


@pytest.fixture
def large(tracked: TestingShell) -> TestingShell:
    """60 MB that are copied by a thread, and changed by two cells."""
    tracked.run("import numpy as np")
    tracked.run("%lf config track_budget 10;")
    tracked.run(LARGE)
    return tracked


def paused(shell: TestingShell) -> PausingStore:
    """From now on snapshots are not written before that is allowed."""
    overlay = magic(shell).session.repository._snapshots.overlay
    store = PausingStore(overlay.own)
    overlay.own = store
    return store


def test_blame_of_a_large_frame_names_the_cell(large: TestingShell) -> None:
    """Its snapshots are made after the cells: the records tell of them then, and a commit waits for them."""
    repository = magic(large).session.repository
    large.run("n = len(big)")
    assert repository.wait_for_snapshots(SECONDS)
    large.run("big.loc[7, 'x'] = 1")
    assert repository.wait_for_snapshots(SECONDS)
    large.run("big.loc[9, 'y'] = 2")
    large.run("%lf commit big -m large;")
    found = repository.blame("big")
    named = [None if step is None else repository.cell_run(step.cell_run).code for step in found.steps]
    assert [named[found.codes[column][row]] for column, row in (("x", 7), ("y", 9), ("z", 7), ("x", 9))] == [
        "big.loc[7, 'x'] = 1",
        "big.loc[9, 'y'] = 2",
        LARGE,
        LARGE,
    ]
    writes = [write for run in runs(large) for write in run.writes if write.after and write.after.variable == "big"]
    assert [write.after.kept for write in writes] == [True, True, True]
    assert [write.before for write in writes] == [None, writes[0].after, writes[1].after]
    (read,) = next(run for run in runs(large) if run.code == "n = len(big)").reads
    assert read == writes[0].after
    changed = next(run for run in runs(large) if run.code == "big.loc[7, 'x'] = 1")
    before = large.run(f"%lf before big --cell {changed.number}")
    assert before.loc[7, "x"] != 1
    assert "still" not in str(large.run("%lf status"))


def test_a_large_frame_that_is_changed_too_soon(large: TestingShell) -> None:
    """The cell that changes it does not wait; the status says that there is no snapshot."""
    repository = magic(large).session.repository
    assert repository.wait_for_snapshots(SECONDS)
    store = paused(large)
    large.run("big['x'] = big['y'] * 2")
    assert store.reached.wait(SECONDS)
    assert "snapshots of 1 large frame are still being made" in str(large.run("%lf status"))
    start = time.perf_counter()
    large.run("big.iloc[5, 2] = 0")
    large.run("big.iloc[6, 2] = 0")
    assert time.perf_counter() - start < 3
    store.go_on.set()
    assert repository.wait_for_snapshots(SECONDS)
    told = str(large.run("%lf status"))
    assert "could not be kept as snapshots" in told
    *_, first, second, last = [run.writes[0] for run in runs(large) if run.writes and run.writes[0].after]
    assert first.after is not None
    assert (first.after.table, first.after.kept) == (None, False)
    assert "changed" in first.after.note
    assert second.before == first.after
    assert last.after is not None
    assert last.after.kept
    assert "no data of 'big' were kept" in large.refused("%lf before big")
    assert magic(large).tracking.problem == ""


def test_leaving_while_a_large_frame_is_copied(large: TestingShell, tmp_path: Path) -> None:
    """The run stays as it was recorded; nothing is told, and nobody waits long."""
    store = paused(large)
    large.run("big['x'] = big['y'] * 2")
    assert store.reached.wait(SECONDS)
    threading.Timer(0.2, store.go_on.set).start()
    start = time.perf_counter()
    large.run("%unload_ext lineageflow_jupyter")
    assert time.perf_counter() - start < 5
    large.run("%load_ext lineageflow_jupyter")
    write = runs(large)[-1].writes[0]
    assert write.after is not None
    assert write.after.note.startswith("its data were still to be copied")
    with pytest.raises(ObjectMissing, match="not copied yet, or the kernel ended before"):
        magic(large).session.repository.snapshot(write.after)


def test_no_large_frame_is_kept_alive(large: TestingShell) -> None:
    repository = magic(large).session.repository
    assert repository.wait_for_snapshots(SECONDS)
    store = paused(large)
    large.run("big['x'] = big['y'] * 2")
    assert store.reached.wait(SECONDS)
    seen = weakref.ref(large.user_ns["big"])
    large.run("del big")
    gc.collect()
    assert seen() is None
    store.go_on.set()
    assert repository.wait_for_snapshots(SECONDS)


def test_frames_beyond_the_limit(large: TestingShell) -> None:
    assert magic(large).session.repository.wait_for_snapshots(SECONDS)
    large.run("%lf config snapshot_limit '20 MB';")
    large.run("big['x'] = 0")
    write = runs(large)[-1].writes[0]
    assert write.after is not None
    assert (write.after.table, write.after.rows) == (None, 2_500_000)
    assert "more than is kept of a frame (20 MB)" in write.after.note
    assert "snapshots of frames take" in str(large.run("%lf cache"))
