"""Reading twice: the second frame is mapped, equal, the user's own, and nothing that happens to the cache matters."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import psutil
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

import lineageflow_jupyter as lf
from lineageflow_jupyter import hot_columns
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.store import column_cache
from lineageflow_jupyter.store.column_cache import ColumnCache
from lineageflow_jupyter.testing.strategies import frames
from tests.frames.stored_content import assert_same

ROWS = 20_000
FIELDS = 64


def sample(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """A column of each kind whose memory pandas may put a frame on, and of some that it copies."""
    rng = np.random.default_rng(seed)
    numbers, flags = rng.normal(size=rows), rng.random(rows) < 0.2
    words = np.array(["red", "green", "blue", "ü"], object)[rng.integers(0, 4, rows)]
    times = np.datetime64("2024-01-01", "ns") + rng.integers(0, 10**15, rows).astype("m8[ns]")
    return pd.DataFrame(
        {
            "int": np.arange(rows),
            "float": np.where(flags, np.nan, numbers),
            "bool": flags,
            "time": times,
            "zoned": pd.DatetimeIndex(times).tz_localize("UTC").tz_convert("Europe/Berlin"),
            "text": words,
            "missing text": np.where(flags, None, words),
            "category": pd.Categorical(words, categories=["blue", "ü", "red", "green"]),
            "nullable": pd.arrays.IntegerArray(np.arange(rows), flags),
            "nullable bool": pd.arrays.BooleanArray(flags, ~flags & (numbers > 1)),
            "period": pd.PeriodIndex(times.astype("M8[D]"), freq="D"),
            "arrow": pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array([[1, None]] * rows)])),
            "complex": numbers + 1j,
        }
    )


def filled(repo: Repository) -> None:
    """Wait until nothing waits to be written."""
    while repo.cache_usage().waiting:
        time.sleep(0.005)


def mapped(repo: Repository, revision: str = "f", **options: Any) -> Any:
    """A frame that lies on maps alone."""
    repo.read(revision, **options)
    filled(repo)
    before = repo.cache_usage()
    frame = repo.read(revision, **options)
    after = repo.cache_usage()
    assert after.hits > before.hits
    assert after.misses == before.misses
    return frame


def files(repo: Repository) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(repo.cache_usage().location).iterdir()}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a shorter time of quiet than a notebook's user needs."""
    monkeypatch.setattr(hot_columns, "QUIET", 0.02)


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repository]:
    with lf.init(tmp_path) as repository:
        yield repository


@pytest.fixture
def committed(repo: Repository) -> Repository:
    repo.commit({"f": sample()}, message="f")
    return repo


@pytest.fixture(scope="class")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository whose cache keeps the smallest columns, at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hot_columns, "FEWEST_ROWS", 0)
        patch.setattr(hot_columns, "QUIET", 0.0)
        with lf.init(tmp_path_factory.mktemp("eager")) as repository:
            yield repository


class TestEveryType:
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(frame=frames())
    def test_the_mapped_frame_is_the_decoded_one(self, eager: Repository, frame: Any) -> None:
        eager.commit({"f": frame}, message="f")
        engine = "pandas" if type(frame).__module__.startswith("pandas") else "arrow"
        engine = "polars" if isinstance(frame, pl.DataFrame) else engine
        first = eager.read("f", engine=engine)
        filled(eager)
        misses = eager.cache_usage().misses
        second = eager.read("f", engine=engine)
        assert eager.cache_usage().misses == misses
        if engine == "pandas":
            assert_same(first, second)
            assert_same(frame, second)
        elif engine == "polars":
            assert second.schema == frame.schema
            polars.testing.assert_frame_equal(second, frame, check_exact=True)
        else:
            assert type(second) is type(first)
            assert second.schema.equals(first.schema, check_metadata=True)
            np.testing.assert_equal(second.to_pylist(), first.to_pylist())
        assert eager.commit({"f": second}, message="again").created is False


class TestTheSameFrame:
    def test_some_columns_and_rows(self, committed: Repository) -> None:
        expected = sample()
        committed.read("f")
        filled(committed)
        names = ["text", "int", "category", "missing text"]
        part = mapped(committed, columns=names, rows=(7, 15_001))
        pd.testing.assert_frame_equal(part, expected[names].iloc[7:15_001])
        few = mapped(committed, columns=["bool", "nullable bool", "arrow"], rows=slice(-3, None))
        pd.testing.assert_frame_equal(few, expected[["bool", "nullable bool", "arrow"]].iloc[-3:])

    def test_a_part_alone_is_not_kept(self, committed: Repository) -> None:
        committed.read("f", rows=(0, 10))
        committed.read("f", rows=(0, ROWS - 1))
        filled(committed)
        assert committed.cache_usage().files == 0

    def test_a_few_rows_do_not_check_a_whole_file(self, committed: Repository, tmp_path: Path) -> None:
        mapped(committed)
        with lf.open(tmp_path) as fresh:
            fresh.read("f", columns=["int"], rows=(0, 10))
            assert fresh.cache_usage().hits == 0
            fresh.read("f", columns=["int"])
            fresh.read("f", columns=["int"], rows=(0, 10))
            assert fresh.cache_usage().hits == 2

    def test_in_every_library(self, committed: Repository) -> None:
        for engine in ("arrow", "polars"):
            columns = ["int", "float", "text", "category", "nullable"]
            cold = committed.read("f", engine=engine, columns=columns)
            hot = mapped(committed, engine=engine, columns=columns)
            assert cold.equals(hot) or cold.drop_columns(["float"]).equals(hot.drop_columns(["float"]))

    def test_in_another_process(self, committed: Repository, tmp_path: Path) -> None:
        mapped(committed)
        with lf.open(tmp_path) as fresh:
            pd.testing.assert_frame_equal(fresh.read("f"), sample())
            assert fresh.cache_usage().misses == 0

    def test_what_is_committed_is_not_kept(self, committed: Repository) -> None:
        filled(committed)
        assert committed.cache_usage().files == 0


def _assign(frame: pd.DataFrame) -> None:
    for position, name in enumerate(frame.columns):
        frame.iloc[3:9, position] = frame.iloc[100:106, position].array
        frame.loc[20, name] = None if name == "arrow" else frame.loc[200, name]


def _through_arrays(frame: pd.DataFrame) -> None:
    for name in ("int", "float", "bool", "time", "complex"):
        values = frame[name].to_numpy()
        values.flags.writeable = True  # pandas 3 hands out read-only views, on the same memory
        values[:] = values[::-1].copy()
    for name in ("nullable", "nullable bool"):
        frame[name].array._data[:] = 0
        frame[name].array._mask[:] = True
    frame["category"].array[:] = "red"
    frame["zoned"].array[:] = frame["zoned"].array[0]
    frame["period"].array[:] = frame["period"].array[0]


def _in_place(frame: pd.DataFrame) -> None:
    frame["float"] *= 2
    frame["int"] += 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas is giving up `inplace`, which works all the same
        frame.fillna({"float": 0.0}, inplace=True)
        frame.sort_values("text", inplace=True)
        frame.drop(columns=["bool"], inplace=True)
        frame.rename(columns={"int": "number"}, inplace=True)
    frame["category"] = frame["category"].cat.rename_categories({"red": "rot"})


def _as_block(frame: pd.DataFrame) -> None:
    values = frame["float"].values
    values.flags.writeable = True
    values[:] = -1


class TestWhatIsReadIsTheUsers:
    @pytest.mark.parametrize("change", [_assign, _through_arrays, _in_place, _as_block])
    def test_changing_a_mapped_frame_changes_nothing_else(self, committed: Repository, change: Any) -> None:
        frame, other = mapped(committed), mapped(committed)
        before = files(committed)
        change(frame)
        assert not frame.equals(sample())
        pd.testing.assert_frame_equal(other, sample())
        pd.testing.assert_frame_equal(committed.read("f"), sample())
        assert files(committed) == before
        assert committed.fsck() > 0
        committed.clear_cache()
        pd.testing.assert_frame_equal(committed.read("f"), sample())

    def test_numbers_are_on_the_map_itself(self, committed: Repository) -> None:
        frame = mapped(committed)
        maps = [one.__array_interface__ for one in column_cache._maps]
        ranges = [range(one["data"][0], one["data"][0] + one["shape"][0]) for one in maps]
        for name in ("int", "float", "time", "complex"):
            address = frame[name].to_numpy().ctypes.data
            assert any(address in one for one in ranges) is (name != "complex")

    def test_what_is_kept_is_not_what_the_user_made_of_it(self, committed: Repository) -> None:
        frame = committed.read("f")
        for change in (_through_arrays, _assign):
            change(frame)
        filled(committed)
        pd.testing.assert_frame_equal(mapped(committed), sample())

    def test_a_mapped_frame_can_be_committed(self, committed: Repository) -> None:
        frame = mapped(committed)
        assert not committed.commit({"f": frame}, message="same").created
        frame.loc[5, "float"] = 9.0
        assert committed.commit({"f": frame}, message="edited").created
        assert mapped(committed).loc[5, "float"] == 9.0
        pd.testing.assert_frame_equal(committed.read("main~1:f"), sample())

    def test_it_outlives_cache_and_repository(self, committed: Repository) -> None:
        frame = mapped(committed)
        assert committed.clear_cache() > 0
        assert committed.cache_usage().files == 0
        committed.close()
        pd.testing.assert_frame_equal(frame, sample())
        _assign(frame)

    def test_it_takes_no_memory_until_it_is_used(self, repo: Repository) -> None:
        rows = 2_000_000
        repo.commit({"f": pd.DataFrame({"a": np.arange(rows), "b": np.arange(rows) / 3})}, message="f")
        mapped(repo)
        before = _resident()
        kept = [repo.read("f") for _ in range(4)]
        grown = _resident() - before
        assert len(kept) == 4
        assert grown < 0.25 * 4 * 16 * rows


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


class TestTrouble:
    def damaged(self, repo: Repository, change: Any) -> None:
        folder = Path(repo.cache_usage().location)
        for path in list(folder.iterdir()):
            data = bytearray(path.read_bytes())
            path.unlink()
            path.write_bytes(change(data))

    @pytest.mark.parametrize("how", ["cut", "flipped", "foreign"])
    def test_damaged_files_are_replaced(self, committed: Repository, tmp_path: Path, how: str) -> None:
        mapped(committed)
        good = files(committed)

        def change(data: bytearray) -> bytes:
            if how == "cut":
                return bytes(data[: len(data) // 2])
            if how == "foreign":
                return b"PAR1" + bytes(data[4:])
            data[len(data) // 2] ^= 4
            return bytes(data)

        self.damaged(committed, change)
        with lf.open(tmp_path) as fresh:
            pd.testing.assert_frame_equal(fresh.read("f"), sample())
            assert fresh.cache_usage().hits == 0
            filled(fresh)
            pd.testing.assert_frame_equal(mapped(fresh), sample())
        assert files(committed) == good

    def test_content_that_is_no_column_is_replaced(self, committed: Repository, tmp_path: Path) -> None:
        mapped(committed)
        folder = Path(committed.cache_usage().location)
        good = files(committed)
        for path in list(folder.iterdir()):
            path.unlink()
            oid = ObjectId(bytes.fromhex(path.name))
            assert ColumnCache(folder, limit_bytes=1 << 30).put(oid, lambda: [b"nonsense" * 9], since=0)
        with lf.open(tmp_path) as fresh:
            pd.testing.assert_frame_equal(fresh.read("f"), sample())
            pd.testing.assert_frame_equal(mapped(fresh), sample())
        assert files(committed) == good

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        with lf.init(tmp_path) as repository:
            (tmp_path / ".lineageflow" / "cache").write_text("in the way")
            repository.commit({"f": sample()}, message="f")
            for _ in range(3):
                pd.testing.assert_frame_equal(repository.read("f"), sample())
                filled(repository)
            assert repository.cache_usage().files == 0

    def test_a_limit_that_is_too_small(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LINEAGEFLOW_CACHE_BYTES", "1500000")
        with lf.init(tmp_path) as repository:
            repository.commit({"f": sample()}, message="f")
            for _ in range(3):
                pd.testing.assert_frame_equal(repository.read("f"), sample())
                filled(repository)
            report = repository.cache_usage()
            assert 0 < report.bytes <= 1_500_000
            assert report.hits > 0

    def test_a_disk_that_is_full(self, committed: Repository, tmp_path: Path) -> None:
        program = f"""
import resource
import lineageflow_jupyter as lf
from tests.test_hot_columns import filled, pd, sample
with lf.open({str(tmp_path)!r}) as repo:
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    for _ in range(2):
        pd.testing.assert_frame_equal(repo.read("f"), sample())
        filled(repo)
    assert repo.cache_usage().files <= 3
"""
        done = _run(program)
        assert (done.returncode, done.stderr) == (0, "")
        assert [name for name in files(committed) if len(name) != FIELDS] == []

    def test_closing_while_it_is_written(self, committed: Repository, tmp_path: Path) -> None:
        for delay in (0.0, 0.03, 0.04, 0.06):
            with lf.open(tmp_path) as fresh:
                fresh.clear_cache()
                fresh.read("f")
                time.sleep(delay)
            held = files(committed) if Path(committed.cache_usage().location).exists() else {}
            assert [name for name in held if len(name) != FIELDS] == []
            time.sleep(0.05)
            assert committed.cache_usage().files == len(held)
        with lf.open(tmp_path) as fresh:
            pd.testing.assert_frame_equal(fresh.read("f"), sample())

    def test_a_program_that_ends_does_not_wait_for_it(self, committed: Repository, tmp_path: Path) -> None:
        program = f"""
import time
import lineageflow_jupyter as lf
from lineageflow_jupyter import hot_columns
hot_columns.QUIET = 3600.0
repo = lf.open({str(tmp_path)!r})
repo.read("f")
"""
        done = _run(program)
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_forked_process_has_frames_of_its_own(self, committed: Repository) -> None:
        frame = mapped(committed)
        child = os.fork()
        if child == 0:
            try:
                mine = committed.read("f")
                pd.testing.assert_frame_equal(mine, sample())
                _assign(frame)
                _assign(mine)
                assert committed.cache_usage().hits > 0
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        pd.testing.assert_frame_equal(frame, sample())
        pd.testing.assert_frame_equal(committed.read("f"), sample())

    def test_a_process_forked_while_something_waits_keeps_what_it_reads_itself(
        self, committed: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hot_columns, "QUIET", 3600.0)
        committed.read("f")
        child = os.fork()
        if child == 0:
            try:
                assert committed.cache_usage().waiting == 0
                hot_columns.QUIET = 0.0
                assert mapped(committed, columns=["int"])["int"].sum() == sample()["int"].sum()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert committed.cache_usage().waiting > 0

    def test_processes_read_fill_and_evict_at_once(self, committed: Repository, tmp_path: Path) -> None:
        for seed in (1, 2):
            committed.commit({"f": sample(seed=seed)}, message=str(seed))
        program = f"""
import sys
import lineageflow_jupyter as lf
from lineageflow_jupyter import hot_columns
from lineageflow_jupyter.store import column_cache
from tests.test_hot_columns import filled, pd, sample
hot_columns.QUIET, column_cache.TOUCHED = 0.0, 0.0
with lf.open({str(tmp_path)!r}) as repo:
    expected = [sample(seed=seed) for seed in (2, 1, 0)]
    for step in range(24):
        back = (step + int(sys.argv[1])) % 3
        frame = repo.read(f"main~{{back}}:f")
        pd.testing.assert_frame_equal(frame, expected[back])
        frame.iloc[:, :2] = 0
        if step % 3 == 0:
            filled(repo)
        if step % 10 == 9:
            repo.clear_cache()
    assert repo.cache_usage().hits > 0
"""
        environment = {"LINEAGEFLOW_CACHE_BYTES": "3000000"}
        with ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda seed: _run(program, seed, **environment), ("0", "1")))
        assert [(done.returncode, done.stderr) for done in runs] == [(0, ""), (0, "")]

    def test_threads_read_while_it_is_written(self, committed: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hot_columns, "QUIET", 0.0)

        def work(step: int) -> None:
            frame = committed.read("f")
            pd.testing.assert_frame_equal(frame, sample())
            frame.iloc[:, :2] = 0
            if step % 5 == 4:
                committed.clear_cache()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(15)))


def _run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
