"""What every object store must do, as pytest tests: inherit `StoreContract` and give it a `store` fixture."""

from __future__ import annotations

import array
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from lineageflow_jupyter.errors import CorruptData, InvalidName, ObjectExists, ObjectMissing
from lineageflow_jupyter.store.base import ObjectStore

NOT_KEYS = [
    "", "/", "/packs/a", "packs/", "packs//a", ".", "..", "../a", "packs/../a", "packs/./a", "packs/..", ".hidden",
    "packs/.hidden", "a b", "a\n", "a\x00b", "a\\b", "a:b", "a*b", "ä", "packs/日本", "a\u202eb", "tmp", "tmp/a",
    "a" * 201, "/".join(["a" * 100] * 10),
]  # fmt: skip


class StoreContract:
    """Tests of an `ObjectStore`. A subclass, named ``Test…``, overrides the fixture `store`."""

    @pytest.fixture
    def store(self) -> ObjectStore:
        """Give an empty store."""
        raise NotImplementedError("override the fixture `store`")

    def test_is_an_object_store(self, store: ObjectStore) -> None:
        """It has all methods."""
        assert isinstance(store, ObjectStore)

    def test_gives_back_what_was_put(self, store: ObjectStore) -> None:
        """Parts are joined in order."""
        store.put("packs/a.pack", [b"one", b"", b"two"])
        assert store.get("packs/a.pack") == b"onetwo"
        assert store.size("packs/a.pack") == 6

    @pytest.mark.parametrize("parts", [[], [b""], [b"", b""]])
    def test_keeps_empty_objects(self, store: ObjectStore, parts: Sequence[bytes]) -> None:
        """An empty object exists."""
        store.put("empty", parts)
        assert store.get("empty") == b""
        assert store.size("empty") == 0
        assert bytes(store.read_range("empty", 0, 0)) == b""
        assert list(store.keys()) == ["empty"]
        store.put("empty", [])
        with pytest.raises(ObjectExists):
            store.put("empty", [b"x"])

    @pytest.mark.parametrize(
        "part",
        [
            b"abcdefgh",
            bytearray(b"abcdefgh"),
            memoryview(b"xabcdefghx")[1:-1],
            array.array("I", [1, 2]),
            np.arange(6, dtype="<f8").reshape(2, 3),
            np.zeros((0, 3)),
        ],
        ids=lambda part: type(part).__name__,
    )
    def test_takes_all_kinds_of_bytes(self, store: ObjectStore, part: Any) -> None:
        """Bytes-like means any contiguous buffer."""
        store.put("a", [b"<", part, b">"])
        assert store.get("a") == b"<" + memoryview(part).tobytes() + b">"
        store.put("a", [b"<", part, b">"])

    def test_later_changes_of_a_buffer_do_not_matter(self, store: ObjectStore) -> None:
        """The content is what it was when it was put."""
        buffer = bytearray(b"before")
        store.put("a", [buffer])
        buffer[:] = b"after!"
        assert store.get("a") == b"before"

    def test_keeps_many_small_parts(self, store: ObjectStore) -> None:
        """There is no limit to the number of parts."""
        parts = [b"%d," % number for number in range(5000)]
        store.put("many", parts)
        assert store.get("many") == b"".join(parts)

    def test_keeps_large_objects(self, store: ObjectStore) -> None:
        """Twenty megabytes, read whole and in part."""
        content = np.random.default_rng(1).bytes(20_000_000)
        store.put("packs/large", [content[:7], content[7:12_000_000], content[12_000_000:]])
        assert store.get("packs/large") == content
        assert bytes(store.read_range("packs/large", 9_999_999, 5_000_001)) == content[9_999_999:15_000_000]

    def test_the_same_bytes_again_are_a_success(self, store: ObjectStore) -> None:
        """However they are split."""
        store.put("a", [b"content"])
        store.put("a", [b"con", b"tent"])
        assert store.get("a") == b"content"

    @pytest.mark.parametrize("other", [b"", b"conten", b"content!", b"CONTENT"])
    def test_other_bytes_are_refused(self, store: ObjectStore, other: bytes) -> None:
        """The first content stays, whatever the second one's length."""
        store.put("a", [b"content"])
        with pytest.raises(ObjectExists, match=r"\ba\b"):
            store.put("a", [other])
        assert store.get("a") == b"content"

    def test_ranges(self, store: ObjectStore) -> None:
        """Both ends and nothing at all."""
        store.put("a", [b"0123456789"])
        assert bytes(store.read_range("a", 0, 10)) == b"0123456789"
        assert bytes(store.read_range("a", 3, 4)) == b"3456"
        assert bytes(store.read_range("a", 9, 1)) == b"9"
        assert bytes(store.read_range("a", 10, 0)) == b""

    def test_ranges_are_read_only(self, store: ObjectStore) -> None:
        """Nobody changes an object through what was read."""
        store.put("a", [b"0123456789"])
        with pytest.raises(TypeError):
            store.read_range("a", 0, 4)[0] = 1
        assert store.get("a") == b"0123456789"

    @pytest.mark.parametrize(("offset", "length"), [(0, 11), (10, 1), (11, 0), (5, 1 << 60), (1 << 60, 1), (-1, 2)])
    def test_ranges_beyond_the_end_are_damage(self, store: ObjectStore, offset: int, length: int) -> None:
        """A short read is never passed on."""
        store.put("packs/a", [b"0123456789"])
        with pytest.raises(CorruptData, match="packs/a"):
            store.read_range("packs/a", offset, length)

    def test_what_is_not_there(self, store: ObjectStore) -> None:
        """It is missing, by name; and a folder is not an object."""
        store.put("packs/a", [b"x"])
        for key in ("packs/b", "nowhere/a", "packs", "packs/a/b"):
            assert store.size(key) is None
            with pytest.raises(ObjectMissing, match=key):
                store.get(key)
            with pytest.raises(ObjectMissing, match=key):
                store.read_range(key, 0, 0)

    def test_lists_keys_in_order(self, store: ObjectStore) -> None:
        """Sorted as text, whatever the folders."""
        keys = ["b", "a-b", "a/b", "a.b", "a/b-c", "a/b.c/d", "a0", "packs/ff", "packs/0f", "A"]
        for key in keys:
            store.put(key, [key.encode()])
        assert list(store.keys()) == sorted(keys)

    def test_lists_keys_by_prefix(self, store: ObjectStore) -> None:
        """A prefix is any text, also part of a name."""
        for key in ("packs/aa", "packs/ab", "packs/b/c", "packs2", "journal/1"):
            store.put(key, [b"x"])
        assert list(store.keys("packs/")) == ["packs/aa", "packs/ab", "packs/b/c"]
        assert list(store.keys("packs/a")) == ["packs/aa", "packs/ab"]
        assert list(store.keys("pack")) == ["packs/aa", "packs/ab", "packs/b/c", "packs2"]
        assert list(store.keys("packs/b/")) == ["packs/b/c"]
        for nothing in ("x", "packs/x/", "packs/aa/", "../", "/", "tmp/", "packs/../"):
            assert list(store.keys(nothing)) == []

    def test_an_empty_store_lists_nothing(self, store: ObjectStore) -> None:
        """No error either."""
        assert list(store.keys()) == []

    @pytest.mark.parametrize("key", NOT_KEYS)
    def test_refuses_what_is_not_a_key(self, store: ObjectStore, key: str) -> None:
        """In every method, before anything is touched."""
        for attempt in (
            lambda: store.put(key, [b"x"]),
            lambda: store.get(key),
            lambda: store.read_range(key, 0, 0),
            lambda: store.size(key),
            lambda: store.delete(key),
        ):
            with pytest.raises(InvalidName):
                attempt()
        assert list(store.keys()) == []

    def test_deletes(self, store: ObjectStore) -> None:
        """Once or twice, and the name is free again."""
        store.put("packs/a", [b"x"])
        store.put("packs/b", [b"y"])
        store.delete("packs/a")
        store.delete("packs/a")
        store.delete("nowhere/a")
        assert list(store.keys()) == ["packs/b"]
        assert store.size("packs/a") is None
        store.put("packs/a", [b"other"])
        assert store.get("packs/a") == b"other"

    def test_one_of_several_writers_wins(self, store: ObjectStore) -> None:
        """Of eight that put other bytes under one name at once, seven are told so."""
        start = threading.Barrier(8)

        def write(number: int) -> bool:
            start.wait()
            try:
                store.put("journal/1", [b"%d" % number * 100_000])
            except ObjectExists:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            wins = list(pool.map(write, range(8)))
        assert wins.count(True) == 1
        assert store.get("journal/1") == b"%d" % wins.index(True) * 100_000
        assert list(store.keys()) == ["journal/1"]

    def test_several_writers_of_the_same_bytes_all_succeed(self, store: ObjectStore) -> None:
        """Content-named objects are often written twice at once."""
        start = threading.Barrier(8)

        def write(_: int) -> bytes:
            start.wait()
            store.put("packs/new/a", [b"same" * 50_000])
            return store.get("packs/new/a")

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(write, range(8))) == {b"same" * 50_000}

    def test_readers_never_see_half_an_object(self, store: ObjectStore) -> None:
        """While objects appear, each listed one is whole."""
        content = b"whole" * 200_000
        done = threading.Event()

        def write() -> None:
            try:
                for number in range(20):
                    store.put(f"packs/{number}", [content])
            finally:
                done.set()

        writer = threading.Thread(target=write)
        writer.start()
        while not done.is_set():
            for key in list(store.keys()):
                assert store.size(key) == len(content)
                assert bytes(store.read_range(key, len(content) - 5, 5)) == b"whole"
        writer.join()
        assert len(list(store.keys("packs/"))) == 20
