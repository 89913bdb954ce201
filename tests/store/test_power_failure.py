"""What is on the disk after the power fails at any moment: never less than was reported, never half an object."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from lineageflow_jupyter.store.files import Files
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.testing.stores import FragileFiles, PowerFailure

OBJECTS = {
    "packs/a": b"first " * 50,
    "packs/b": b"second " * 70,
    "journal/2026/1": b"third " * 90,
    "repository.json": b"{}",
}
OUTCOMES: list[dict[str, int | bool]] = [{}, {"names": True}, *({"seed": seed} for seed in range(8))]


def write_until_failure(files: FragileFiles, place: Path) -> list[str]:
    """Keys whose writes were reported."""
    reported: list[str] = []
    try:
        store = LocalStore(place, create=True, files=files)
        for key, content in OBJECTS.items():
            store.put(key, [content[:10], content[10:]])
            reported.append(key)
        store.put("packs/a", [OBJECTS["packs/a"]])
    except PowerFailure:
        pass
    return reported


class QuickFiles(Files):
    """What is written after the lights are back on need not last; syncing it takes most of the time."""

    def sync(self, descriptor: int) -> None:
        pass


def check_disk(place: Path, reported: list[str]) -> None:
    if not place.is_dir():
        assert reported == []
        return
    store = LocalStore(place, files=QuickFiles())
    listed = list(store.keys())
    assert set(reported) <= set(listed)
    for key in listed:
        assert store.get(key) == OBJECTS[key], f"{key} is damaged under its final name"
    for key, content in OBJECTS.items():  # and life goes on
        store.put(key, [content])
    assert list(store.keys()) == sorted(OBJECTS)


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_power_fails_at_every_call(tmp_path: Path, links: bool) -> None:
    for fail_at in itertools.count():
        base = tmp_path / str(fail_at) / "before"
        base.mkdir(parents=True)
        files = FragileFiles(base, fail_at=fail_at)
        if not links:
            files.link = _no_links  # type: ignore[method-assign]
        reported = write_until_failure(files, base / ".lineageflow" / "objects")
        for number, outcome in enumerate(OUTCOMES):
            after = base.parent / f"after-{number}"
            files.survivors(after, **outcome)  # type: ignore[arg-type]
            check_disk(after / ".lineageflow" / "objects", reported)
        if files.calls < fail_at:
            break
    assert fail_at > 30
    assert reported == list(OBJECTS)


def _no_links(source: Path, target: Path) -> None:
    raise OSError(95, "Operation not supported")


class ForgetfulFiles(FragileFiles):
    """A machine on which one kind of sync does nothing: what a store would do that forgot it."""

    forgotten = ""

    def sync(self, descriptor: int) -> None:
        if self.forgotten != "file":
            super().sync(descriptor)

    def sync_folder(self, path: Path) -> None:
        if self.forgotten != "folder":
            super().sync_folder(path)


@pytest.mark.parametrize("forgotten", ["file", "folder"])
def test_the_simulation_sees_a_forgotten_sync(tmp_path: Path, forgotten: str) -> None:
    (tmp_path / "before").mkdir()
    files = ForgetfulFiles(tmp_path / "before")
    files.forgotten = forgotten
    reported = write_until_failure(files, tmp_path / "before" / "objects")
    files.survivors(tmp_path / "after", names=forgotten == "file")
    with pytest.raises(AssertionError):
        check_disk(tmp_path / "after" / "objects", reported)


def test_an_object_that_another_left_unsynced_is_synced_before_it_is_reported(tmp_path: Path) -> None:
    base = tmp_path / "before"
    base.mkdir()
    first = FragileFiles(base)
    store = LocalStore(base / "objects", create=True, files=first)
    store.put("packs/a", [b"x"])
    calls = first.calls
    LocalStore(base / "objects", files=first).put("packs/a", [b"x"])
    assert first.calls - calls >= 3  # the file, its folder, and that folder's name in the store's


def test_real_syncs_work(tmp_path: Path) -> None:
    files = Files()
    descriptor = files.create(tmp_path / "a")
    files.write(descriptor, [b"x" * 10, b"", bytearray(5)])
    files.sync(descriptor)
    os.close(descriptor)
    files.sync_folder(tmp_path)
    assert (tmp_path / "a").read_bytes() == b"x" * 10 + bytes(5)
