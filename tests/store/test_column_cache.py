"""The hot cache's files: private memory, checks, eviction by last use, and other processes in the same folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.store import column_cache
from lineageflow_jupyter.store.column_cache import ABANDONED_AFTER, HEADER_BYTES, MAGIC, ColumnCache

LARGE = 1 << 30


def oid(number: int) -> ObjectId:
    return object_id(Kind.COLUMN, [str(number).encode()])


def content(number: int, size: int = 10_000) -> bytes:
    return np.random.default_rng(number).integers(0, 256, size).astype("u1").tobytes()


def keep(cache: ColumnCache, number: int, size: int = 10_000, *, since: float | None = None) -> bool:
    data = content(number, size)
    return cache.put(oid(number), lambda: [data[:100], data[100:]], since=time.time() if since is None else since)


def held(cache: ColumnCache, number: int) -> bytes | None:
    found = cache.get(oid(number))
    return None if found is None else found.tobytes()


def used(path: Path, ago: float) -> None:
    """Make a file look as if it was last used some seconds ago."""
    then = time.time() - ago
    os.utime(path, (then, then))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "columns"


@pytest.fixture
def cache(folder: Path) -> ColumnCache:
    return ColumnCache(folder, limit_bytes=LARGE)


class TestReading:
    def test_what_was_put_comes_back(self, cache: ColumnCache, folder: Path) -> None:
        assert held(cache, 1) is None
        assert not folder.exists()
        assert keep(cache, 1)
        assert held(cache, 1) == content(1)
        assert held(ColumnCache(folder, limit_bytes=LARGE), 1) == content(1)
        assert held(cache, 2) is None
        assert cache.usage() == (1, 10_000 + HEADER_BYTES)

    def test_the_folder_is_private(self, cache: ColumnCache, folder: Path) -> None:
        keep(cache, 1)
        assert folder.stat().st_mode & 0o777 == 0o700
        (file,) = folder.iterdir()
        assert file.stat().st_mode & 0o222 == 0

    def test_memory_is_private_and_writable(self, cache: ColumnCache, folder: Path) -> None:
        keep(cache, 1)
        first, second = cache.get(oid(1)), cache.get(oid(1))
        assert first is not None
        assert second is not None
        first[:] = 7
        assert second.tobytes() == content(1)
        assert held(cache, 1) == content(1)
        (file,) = folder.iterdir()
        assert file.read_bytes()[HEADER_BYTES:] == content(1)

    def test_memory_outlives_the_file(self, cache: ColumnCache) -> None:
        keep(cache, 1)
        found = cache.get(oid(1))
        assert found is not None
        assert cache.clear() == 10_000 + HEADER_BYTES
        assert held(cache, 1) is None
        assert found.tobytes() == content(1)
        found[0] ^= 255
        assert found.tobytes() != content(1)

    def test_no_descriptor_stays_open(self, cache: ColumnCache) -> None:
        keep(cache, 1)
        before = len(list(Path("/dev/fd").iterdir()))
        found = [cache.get(oid(1)) for _ in range(50)]
        assert len(list(Path("/dev/fd").iterdir())) == before
        assert len(found) == 50

    def test_maps_end_with_their_arrays(self, cache: ColumnCache, monkeypatch: pytest.MonkeyPatch) -> None:
        keep(cache, 1)
        monkeypatch.setattr(column_cache, "MOST_MAPS", len(column_cache._maps) + 2)
        found = [cache.get(oid(1)) for _ in range(3)]
        assert [one is None for one in found] == [False, False, True]
        part = found[0][10:20]  # type: ignore[index]
        del found
        assert part.tobytes() == content(1)[10:20]
        assert held(cache, 1) == content(1)

    def test_off(self, folder: Path, cache: ColumnCache) -> None:
        keep(cache, 1)
        for off in (ColumnCache(folder, limit_bytes=0), ColumnCache(folder, limit_bytes=LARGE, enabled=False)):
            assert held(off, 1) is None
            assert not keep(off, 2)
            assert off.limit == 0
            assert off.usage()[0] == 1


class TestDamage:
    """Whatever is wrong with a file: it is a miss, and the file goes."""

    def refused(self, folder: Path, number: int = 1) -> None:
        path = folder / oid(number).hex()
        assert held(ColumnCache(folder, limit_bytes=LARGE), number) is None
        assert not path.exists()
        assert keep(ColumnCache(folder, limit_bytes=LARGE), number)
        assert held(ColumnCache(folder, limit_bytes=LARGE), number) == content(number)

    def write(self, folder: Path, data: bytes, mode: int = 0o400) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / oid(1).hex()
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(mode)

    @pytest.fixture
    def good(self, cache: ColumnCache, folder: Path) -> bytes:
        keep(cache, 1)
        return (folder / oid(1).hex()).read_bytes()

    @pytest.mark.parametrize("size", [0, 1, 47, 63, 64, 65, 4096, 10_063])
    def test_cut_short(self, folder: Path, good: bytes, size: int) -> None:
        self.write(folder, good[:size])
        self.refused(folder)

    def test_longer(self, folder: Path, good: bytes) -> None:
        self.write(folder, good + b"\0")
        self.refused(folder)

    @pytest.mark.parametrize("place", [0, 7, 8, 39, 40, 47, 48, 63, 64, 5000, 10_063])
    def test_any_bit_flipped(self, folder: Path, good: bytes, place: int) -> None:
        damaged = bytearray(good)
        damaged[place] ^= 1
        self.write(folder, bytes(damaged))
        self.refused(folder)

    def test_another_layout(self, folder: Path, good: bytes) -> None:
        self.write(folder, MAGIC[:-1] + b"\0" + good[8:])
        self.refused(folder)

    def test_content_of_another_column(self, cache: ColumnCache, folder: Path, good: bytes) -> None:
        keep(cache, 2)
        self.write(folder, (folder / oid(2).hex()).read_bytes())
        self.refused(folder)

    def test_a_file_that_others_may_write(self, folder: Path, good: bytes) -> None:
        self.write(folder, good, 0o666)
        self.refused(folder)

    def test_a_damaged_file_is_noticed_although_an_earlier_one_was_checked(
        self, cache: ColumnCache, folder: Path, good: bytes
    ) -> None:
        assert held(cache, 1) == content(1)
        self.write(folder, good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
        assert held(cache, 1) is None

    def test_links_folders_and_pipes_are_not_opened(self, cache: ColumnCache, folder: Path, good: bytes) -> None:
        path = folder / oid(1).hex()
        aside = folder.parent / "aside"
        path.rename(aside)
        path.symlink_to(aside)
        assert held(cache, 1) is None
        assert keep(cache, 1)
        assert not path.is_symlink()
        assert aside.read_bytes() == good
        path.unlink()
        os.mkfifo(path)
        assert held(cache, 1) is None
        path.unlink(missing_ok=True)
        path.mkdir()
        assert held(cache, 1) is None
        assert not keep(ColumnCache(folder, limit_bytes=0), 1)


class TestRoom:
    def test_the_longest_unused_go_first(self, folder: Path) -> None:
        cache = ColumnCache(folder, limit_bytes=100_000)
        for number in range(9):
            assert keep(cache, number)
            used(folder / oid(number).hex(), 1000 - number)
        assert held(cache, 0) == content(0)  # used again
        assert keep(cache, 9)
        assert cache.usage()[1] <= 100_000
        assert held(cache, 0) == content(0)
        assert held(cache, 1) is None
        assert held(cache, 8) == content(8)
        assert held(cache, 9) == content(9)

    def test_what_was_just_used_is_not_pushed_out(self, folder: Path) -> None:
        cache = ColumnCache(folder, limit_bytes=100_000)
        since = time.time()
        kept = [keep(cache, number, since=since) for number in range(20)]
        assert kept == [True] * 9 + [False] * 11
        assert [held(cache, number) is not None for number in range(20)] == kept

    def test_one_column_takes_only_a_share(self, folder: Path) -> None:
        cache = ColumnCache(folder, limit_bytes=100_000)
        assert keep(cache, 1)
        used(folder / oid(1).hex(), 1000)
        assert not keep(cache, 2, 13_000)
        assert held(cache, 1) == content(1)

    def test_the_disk_is_not_filled(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cache = ColumnCache(folder, limit_bytes=LARGE)
        assert keep(cache, 1)
        monkeypatch.setattr(column_cache, "FREE_SHARE", 1 << 62)
        assert cache.limit == 0
        assert not keep(cache, 2)

    def test_several_processes_share_the_room(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(column_cache, "RESCANNED_AFTER", 1)
        one, other = (ColumnCache(folder, limit_bytes=100_000) for _ in range(2))
        for number in range(30):
            assert keep((one, other)[number % 2], number)
            used(folder / oid(number).hex(), 1000 - number)
            assert one.usage()[1] <= 100_000

    def test_what_dead_processes_left_is_removed(self, cache: ColumnCache, folder: Path) -> None:
        folder.mkdir(parents=True)
        old, fresh = folder / ".tmp-1-a", folder / ".tmp-2-b"
        for path in (old, fresh):
            path.write_bytes(b"x")
        used(old, ABANDONED_AFTER + 60)
        keep(cache, 1)
        assert (old.exists(), fresh.exists()) == (False, True)

    def test_files_of_others_are_left_alone(self, cache: ColumnCache, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")
        keep(cache, 1)
        cache.clear()
        assert [path.name for path in folder.iterdir()] == ["notes.txt"]


class TestTrouble:
    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("in the way")
        cache = ColumnCache(tmp_path / "cache" / "columns", limit_bytes=LARGE)
        made: list[int] = []
        assert not cache.put(oid(1), lambda: made, since=0)
        assert made == []
        assert held(cache, 1) is None
        assert cache.usage() == (0, 0)
        assert cache.clear() == 0

    def test_a_disk_that_is_full(self, folder: Path) -> None:
        program = f"""
import resource, time
from pathlib import Path
from tests.store.test_column_cache import ColumnCache, held, keep
cache = ColumnCache(Path({str(folder)!r}), limit_bytes=1 << 30)
assert keep(cache, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
assert not keep(cache, 2, 200_000)
assert held(cache, 1) is not None and held(cache, 2) is None
assert not keep(cache, 3), "there is a pause after a failure"
cache._resume = 0.0
assert keep(cache, 3)
"""
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
        assert len(list(folder.iterdir())) == 2

    def test_what_cannot_be_made_leaves_nothing(self, cache: ColumnCache, folder: Path) -> None:
        def broken() -> list[bytes]:
            raise ValueError("damaged")

        with pytest.raises(ValueError, match="damaged"):
            cache.put(oid(1), broken, since=0)
        assert list(folder.iterdir()) == []

    def test_threads_and_processes_fill_evict_and_read_at_once(self, folder: Path) -> None:
        program = f"""
import sys
from pathlib import Path
from tests.store.test_column_cache import churn
churn(Path({str(folder)!r}), int(sys.argv[1]))
"""
        others = [subprocess.Popen([sys.executable, "-c", program, str(seed)]) for seed in range(2)]
        try:
            churn(folder, 2)
        finally:
            ended = [other.wait(timeout=120) for other in others]
        assert ended == [0, 0]
        names = [path.name for path in folder.iterdir()]
        assert [name for name in names if len(name) != 64] == []


def churn(folder: Path, seed: int) -> None:
    """Fill a cache that is far too small from two threads, evicting and emptying it, and compare all that is read."""
    cache = ColumnCache(folder, limit_bytes=120_000)
    wrong: list[int] = []
    hits: list[int] = []

    def work(numbers: np.ndarray) -> None:
        for step, number in enumerate(numbers.tolist()):
            found = cache.get(oid(number))
            if found is None:
                keep(cache, number, since=time.time() + 60)  # as if nothing had been used lately
                continue
            hits.append(number)
            if found.tobytes() != content(number):
                wrong.append(number)
            found[:] = 0
            if step % 150 == 149:
                cache.clear()

    rng = np.random.default_rng(seed)
    threads = [threading.Thread(target=work, args=(rng.integers(0, 25, 500),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(hits) > 50
    assert cache.usage()[1] <= 3 * 120_000
