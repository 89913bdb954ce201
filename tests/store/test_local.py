from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineageflow_jupyter.errors import (
    CorruptData,
    NotARepository,
    ObjectExists,
    StorageDenied,
    StorageError,
    StorageFull,
)
from lineageflow_jupyter.store.files import Files
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.testing.store_contract import StoreContract

ROOT = Path(__file__).parents[2]


class FilesWithoutLinks(Files):
    """A file system such as exFAT."""

    def link(self, source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(source))


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "deep" / "objects", create=True)


class TestLocalStoreWithoutLinks(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "objects", create=True, files=FilesWithoutLinks())


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "objects", create=True)


def scratch(store: LocalStore) -> list[Path]:
    return sorted((store.path / "tmp").glob("[0-9]*-*"))


def test_opens_what_was_written_before(store: LocalStore) -> None:
    store.put("packs/a", [b"x"])
    again = LocalStore(store.path)
    assert again.get("packs/a") == b"x"
    again.put("packs/b", [b"y"])
    assert list(LocalStore(store.path, create=True).keys()) == ["packs/a", "packs/b"]


def test_a_missing_folder_is_not_created_by_accident(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="objects"):
        LocalStore(tmp_path / "objects")
    assert not (tmp_path / "objects").exists()


def test_a_folder_that_vanishes_is_an_error_not_an_empty_store(store: LocalStore) -> None:
    store.put("packs/a", [b"x"])
    shutil.rmtree(store.path)
    with pytest.raises(StorageError, match="vanished"):
        store.keys()
    with pytest.raises(StorageError, match="No such file"):
        store.put("packs/b", [b"x"])
    assert not store.path.exists()


def test_a_subfolder_that_vanishes_is_created_again(store: LocalStore) -> None:
    store.put("packs/a", [b"x"])
    shutil.rmtree(store.path / "packs")
    shutil.rmtree(store.path / "tmp")
    store.put("packs/b", [b"x"])
    assert list(store.keys()) == ["packs/b"]


def test_a_file_in_place_of_a_folder(tmp_path: Path, store: LocalStore) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match="file"):
        LocalStore(tmp_path / "file" / "objects", create=True)
    store.put("packs", [b"an object"])
    with pytest.raises(StorageError, match="Something else stands"):
        store.put("packs/a", [b"x"])


def test_objects_cannot_be_changed_by_accident(store: LocalStore) -> None:
    store.put("packs/a", [b"x"])
    assert (store.path / "packs" / "a").stat().st_mode & 0o222 == 0


def test_what_others_left_in_the_folder_is_not_listed(store: LocalStore) -> None:
    store.put("packs/a", [b"x"])
    (store.path / "packs" / ".DS_Store").write_bytes(b"finder")
    (store.path / "packs" / "a (copy)").write_bytes(b"x")
    (store.path / "tmp" / "1-abc").write_bytes(b"half")
    assert list(store.keys()) == ["packs/a"]


def test_names_damage_by_path_and_leaves_it_alone(store: LocalStore) -> None:
    store.put("packs/a", [b"0123456789"])
    path = store.path / "packs" / "a"
    path.chmod(0o644)
    os.truncate(path, 4)
    with pytest.raises(CorruptData, match=str(path)):
        store.read_range("packs/a", 0, 10)
    with pytest.raises(ObjectExists, match="4 bytes"):
        store.put("packs/a", [b"0123456789"])


def test_unfinished_writes_of_the_dead_are_removed_after_a_day(store: LocalStore) -> None:
    store.put("packs/a", [b"x"])
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {f"{dead.pid}-old": 2, f"{dead.pid}-new": 0, f"{os.getpid()}-old": 2, "strange": 2, "lock": 2}
    for name, days in names.items():
        path = store.path / "tmp" / name
        path.write_bytes(b"half")
        os.utime(path, (time.time() - days * 86400, time.time() - days * 86400))
    LocalStore(store.path)
    left = {path.name for path in (store.path / "tmp").iterdir()}
    assert left == {f"{dead.pid}-new", f"{os.getpid()}-old", "lock"}


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The operating system refuses files that grow beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_write_that_the_system_cuts_short(store: LocalStore) -> None:
    store.put("packs/small", [b"x"])
    with largest_file(100_000), pytest.raises(StorageFull, match="packs/large") as caught:
        store.put("packs/large", [b"x" * 60_000, b"y" * 60_000])
    assert "Free space" in caught.value.remedy
    assert list(store.keys()) == ["packs/small"]
    assert scratch(store) == []
    store.put("packs/large", [b"x" * 60_000, b"y" * 60_000])
    assert store.size("packs/large") == 120_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(store: LocalStore, size: int) -> None:
    for number in range(100):
        store.put(f"packs/{number}", [bytes([number]) * size])


def test_a_full_disk(small_disk: Path) -> None:
    store = LocalStore(small_disk / "objects", create=True)
    with pytest.raises(StorageFull, match="No space left"):
        fill(store, 90_000)
    written = len(list(store.keys()))
    assert written > 5
    assert scratch(store) == []
    assert list(store.keys()) == sorted(f"packs/{number}" for number in range(written))
    for number in range(written):
        assert store.get(f"packs/{number}") == bytes([number]) * 90_000
    store.delete("packs/0")
    store.put(f"packs/{written}", [bytes([written]) * 90_000])


def test_no_inodes_left(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,nr_inodes=20", str(small_disk)], check=True)
    store = LocalStore(small_disk / "objects", create=True)
    with pytest.raises(StorageFull, match="inodes"):
        fill(store, 1)
    assert scratch(store) == []


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder that anybody may enter, while this process is nobody in particular (if it was root)."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    root = os.geteuid() == 0
    try:
        yield place
    finally:
        if root:
            os.seteuid(0)
        for folder in [place, *(path for path in place.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
        shutil.rmtree(place)


def drop_privileges() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_a_read_only_store_can_be_read(unprivileged: Path) -> None:
    store = LocalStore(unprivileged / "objects", create=True)
    store.put("packs/a", [b"x"])
    for folder in (store.path, store.path / "packs", store.path / "tmp"):
        folder.chmod(0o555)
    drop_privileges()
    for again in (LocalStore(store.path), LocalStore(store.path, create=True)):
        assert again.get("packs/a") == b"x"
        assert bytes(again.read_range("packs/a", 0, 1)) == b"x"
        assert list(again.keys()) == ["packs/a"]
        for key in ("packs/b", "new/a", "a"):
            with pytest.raises(StorageDenied, match=key):
                again.put(key, [b"y"])
        with pytest.raises(StorageDenied):
            again.delete("packs/a")
    with pytest.raises(StorageDenied, match="other"):
        LocalStore(unprivileged / "other", create=True)


def test_an_unreadable_object(unprivileged: Path) -> None:
    store = LocalStore(unprivileged / "objects", create=True)
    store.put("packs/a", [b"x"])
    (store.path / "packs" / "a").chmod(0)
    drop_privileges()
    with pytest.raises(StorageDenied, match="packs/a"):
        store.get("packs/a")


WRITER = """
import hashlib, sys
from pathlib import Path
from lineageflow_jupyter.store.local import LocalStore
store = LocalStore(Path(sys.argv[1]), create=True)
for number in range(100_000):
    content = b"%d," % number * 100_000
    key = f"packs/{hashlib.sha256(content).hexdigest()}"
    store.put(key, [content])
    print(key, flush=True)
"""


def test_killed_while_writing(tmp_path: Path) -> None:
    place = tmp_path / "objects"
    for reported_before in (0, 3, 7):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(reported_before)]
        if not reported_before:
            while not place.exists():
                time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        reported = {line.strip() for line in [*lines, *process.stdout.read().splitlines()]}
        process.wait()
        process.stdout.close()
        store = LocalStore(place)
        listed = set(store.keys())
        assert reported <= listed
        assert all(hashlib.sha256(store.get(key)).hexdigest() == key.partition("/")[2] for key in listed)


def test_two_processes_write_the_same_names(tmp_path: Path) -> None:
    place = tmp_path / "objects"
    script = WRITER.replace("100_000)", "30)")
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(place)], cwd=ROOT, stdout=subprocess.DEVNULL) for _ in "12"
    ]
    assert [process.wait() for process in both] == [0, 0]
    store = LocalStore(place)
    assert len(list(store.keys("packs/"))) == 30
    assert scratch(store) == []
