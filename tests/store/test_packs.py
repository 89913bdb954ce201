from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3

from lineageflow_jupyter.errors import CorruptData, NewerFormat, ObjectMissing, StorageFull
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.records import Location, Pack
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.store.memory import MemoryStore
from lineageflow_jupyter.store.packs import PACK_LIMIT, PackWriter, checksum, pack_key, read_index
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.testing.stores import FailingStore


def oid(number: int) -> ObjectId:
    return ObjectId(blake3(b"%d" % number).digest())


def write(store: Any, values: dict[ObjectId, bytes], **options: int) -> tuple[Pack, ...]:
    with PackWriter(store, **options) as packs:
        for name, value in values.items():
            packs.add(name, Kind.CHUNK, [value[:3], value[3:]])
        return packs.close()


def reader(store: Any, packs: Sequence[Pack]) -> ObjectReader:
    places = {entry.id: Location(pack.name, entry.offset, entry.length) for pack in packs for entry in pack.entries}
    return ObjectReader(store, lambda ids: {name: places[name] for name in ids if name in places})


def test_what_is_added_comes_back() -> None:
    store = MemoryStore()
    values = {oid(n): random.Random(n).randbytes(n * 37 % 500) for n in range(200)}
    packs = write(store, values)
    assert len(packs) == 1
    assert dict(reader(store, packs).read_many(list(values))) == values
    assert all(reader(store, packs).read(name) == value for name, value in values.items())
    content = store.get(pack_key(packs[0].name))
    assert packs[0].name == blake3(content).hexdigest()
    assert packs[0].size == len(content)
    assert read_index(store, packs[0].name) == packs[0]
    assert list(store.keys()) == [f"packs/{packs[0].name}.pack"]


def test_nothing_added_writes_nothing() -> None:
    store = MemoryStore()
    packs = PackWriter(store)
    assert packs.close() == ()
    assert packs.close() == ()
    assert packs.new_bytes == 0
    assert list(store.keys()) == []


def test_an_object_added_twice_is_written_once() -> None:
    store = MemoryStore()
    packs = PackWriter(store)
    for _ in range(3):
        packs.add(oid(1), Kind.TREE, [b"once"])
    (pack,) = packs.close()
    assert [(entry.id, entry.kind) for entry in pack.entries] == [(oid(1), Kind.TREE)]
    assert packs.new_bytes == pack.size


def test_the_same_objects_give_the_same_pack() -> None:
    values = {oid(n): b"%d" % n for n in range(10)}
    assert write(MemoryStore(), values) == write(MemoryStore(), values)


def test_packs_keep_their_limit() -> None:
    store = MemoryStore()
    values = {oid(n): os.urandom(300_000) for n in range(60)} | {oid(-n): b"small" for n in range(1, 5000)}
    packs = write(store, values)
    assert [pack.size <= PACK_LIMIT for pack in packs] == [True] * len(packs)
    assert len(packs) == -(-sum(map(len, values.values())) // PACK_LIMIT)
    assert dict(reader(store, packs).read_many(list(values))) == values
    assert [read_index(store, pack.name) for pack in packs] == list(packs)


@pytest.mark.parametrize("limit", range(1200, 1800, 7))
def test_the_limit_includes_the_footer(limit: int) -> None:
    packs = write(MemoryStore(), {oid(n): bytes(100) for n in range(10)}, limit=limit)
    assert all(pack.size <= limit for pack in packs)
    assert len(packs) <= 2


def test_a_large_value_gets_a_pack_of_its_own() -> None:
    store = MemoryStore()
    values = {oid(1): b"before", oid(2): bytes(PACK_LIMIT), oid(3): b"after"}
    packs = write(store, values)
    assert sorted(len(pack.entries) for pack in packs) == [1, 2]
    assert {entry.id for pack in packs if pack.size > PACK_LIMIT for entry in pack.entries} == {oid(2)}
    assert dict(reader(store, packs).read_many(list(values))) == values
    assert read_index(store, packs[1].name) == packs[1]


def test_a_buffer_may_be_reused_after_add() -> None:
    store = MemoryStore()
    packs = PackWriter(store, limit=5000)
    buffer = bytearray(1000)
    for number in range(20):
        buffer[:] = bytes([number]) * 1000
        packs.add(oid(number), Kind.CHUNK, [buffer])
    buffer[:] = b"!" * 1000
    found = dict(reader(store, packs.close()).read_many([oid(n) for n in range(20)]))
    assert found == {oid(n): bytes([n]) * 1000 for n in range(20)}


def test_many_threads_share_a_writer() -> None:
    store = MemoryStore()
    packs = PackWriter(store, limit=50_000)
    values = {oid(n): random.Random(n).randbytes(n % 3000) for n in range(1000)}

    def add(part: int) -> None:
        names = list(values)
        random.Random(part).shuffle(names)
        for name in names[: 600 if part else 1000]:
            packs.add(name, Kind.CHUNK, [values[name]])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    written = packs.close()
    assert sum(len(pack.entries) for pack in written) == len(values)
    assert packs.new_bytes == sum(pack.size for pack in written)
    assert dict(reader(store, written).read_many(list(values))) == values


class SlowStore(MemoryStore):
    """A disk whose first write takes until `go_on`."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.go_on = threading.Event(), threading.Event()

    def put(self, key: str, parts: Sequence[Any]) -> None:
        if not self.writing.is_set():
            self.writing.set()
            assert self.go_on.wait(20)
        super().put(key, parts)


def test_others_go_on_while_a_pack_is_written_and_close_waits_for_it() -> None:
    store = SlowStore()
    packs = PackWriter(store, limit=3000)
    packs.add(oid(0), Kind.CHUNK, [bytes(2000)])
    slow = threading.Thread(target=packs.add, args=(oid(1), Kind.CHUNK, [bytes(2000)]))
    slow.start()
    assert store.writing.wait(20)
    for number in range(2, 6):
        packs.add(oid(number), Kind.CHUNK, [bytes(2000)])
    assert len(list(store.keys())) == 4
    threading.Timer(0.1, store.go_on.set).start()
    written = packs.close()
    assert [pack.entries[0].id for pack in written] == [oid(number) for number in range(6)]
    assert all(store.size(pack_key(pack.name)) == pack.size for pack in written)
    slow.join()


def test_a_full_disk_is_reported_to_every_thread_and_by_close() -> None:
    store = FailingStore(MemoryStore(), StorageFull("no space"), fail_on=3)
    packs = PackWriter(store, limit=2000)

    def add(number: int) -> str:
        try:
            packs.add(oid(number), Kind.CHUNK, [os.urandom(1500)])
        except StorageFull:
            return "full"
        return "taken"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(add, range(40)))
    assert answers.count("full") > 20
    for _ in range(2):
        with pytest.raises(StorageFull):
            packs.close()
    assert len(list(store.keys("packs/"))) == 2


def test_a_block_that_raises_writes_nothing_more() -> None:
    store = MemoryStore()
    packs = PackWriter(store)

    def work() -> None:
        with packs:
            packs.add(oid(1), Kind.CHUNK, [b"x"])
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert list(store.keys()) == []
    with pytest.raises(ValueError, match="closed"):
        packs.add(oid(2), Kind.CHUNK, [b"x"])


def test_a_closed_writer_takes_nothing_more() -> None:
    packs = PackWriter(MemoryStore())
    packs.add(oid(1), Kind.CHUNK, [b"x"])
    packs.close()
    with pytest.raises(ValueError, match="closed"):
        packs.add(oid(2), Kind.CHUNK, [b"x"])


# What is damaged is found


def damaged(content: bytes) -> tuple[LocalStore | MemoryStore, str]:
    store = MemoryStore()
    store.put(pack_key("ab" * 32), [content])
    return store, "ab" * 32


@pytest.fixture
def pack() -> tuple[bytes, Pack, dict[ObjectId, bytes]]:
    store = MemoryStore()
    values = {oid(1): b"first value", oid(2): b"", oid(3): bytes(range(60))}
    (pack,) = write(store, values)
    return store.get(pack_key(pack.name)), pack, values


def test_every_flipped_bit_is_found(pack: tuple[bytes, Pack, dict[ObjectId, bytes]]) -> None:
    content, index, values = pack
    last = index.entries[-1]
    footer_at = last.offset + last.length
    for at in range(len(content)):
        for bit in range(8):
            wrong = bytearray(content)
            wrong[at] ^= 1 << bit
            store, name = damaged(bytes(wrong))
            if at < 8 or at >= footer_at:  # header, footer, trailer
                with pytest.raises((CorruptData, NewerFormat), match=name[:12]):
                    read_index(store, name)
                continue
            found = read_index(store, name)
            assert found.entries == index.entries
            (hit,) = [entry for entry in found.entries if entry.offset <= at < entry.offset + entry.length]
            for entry in found.entries:  # checksums and values: the error names object and pack, the others are well
                if entry is not hit:
                    assert reader(store, [found]).read(entry.id) == values[entry.id]
                    continue
                with pytest.raises(CorruptData) as caught:
                    reader(store, [found]).read(entry.id)
                assert entry.id.hex()[:12] in caught.value.problem
                assert name in caught.value.problem


def test_every_truncation_is_found(tmp_path: Path, pack: tuple[bytes, Pack, dict[ObjectId, bytes]]) -> None:
    content, index, values = pack
    store = LocalStore(tmp_path, create=True)
    store.put(pack_key(index.name), [content])
    path = tmp_path / "packs" / f"{index.name}.pack"
    path.chmod(0o644)
    whole = reader(store, [index])
    for length in reversed(range(len(content))):
        os.truncate(path, length)
        with pytest.raises(CorruptData, match=index.name):
            read_index(store, index.name)
        for entry in index.entries:
            if entry.offset + entry.length <= length:
                assert whole.read(entry.id) == values[entry.id]
            else:
                with pytest.raises(CorruptData, match=entry.id.hex()[:12]):
                    whole.read(entry.id)


def test_bytes_after_the_end_are_found(pack: tuple[bytes, Pack, dict[ObjectId, bytes]]) -> None:
    for more in (b"\0", bytes(100), pack[0]):
        store, name = damaged(pack[0] + more)
        with pytest.raises(CorruptData):
            read_index(store, name)


def test_a_footer_longer_than_the_first_read() -> None:
    store = MemoryStore()
    (pack,) = write(store, {oid(n): b"%d" % n for n in range(3000)})
    assert read_index(store, pack.name) == pack
    content = bytearray(store.get(pack_key(pack.name)))
    content[0] ^= 1
    with pytest.raises(CorruptData, match="marked"):
        read_index(*damaged(bytes(content)))


def test_a_later_format_is_not_called_damage(pack: tuple[bytes, Pack, dict[ObjectId, bytes]]) -> None:
    later = bytearray(pack[0])
    later[7] = later[-1] = 2
    with pytest.raises(NewerFormat, match="format 2"):
        read_index(*damaged(bytes(later)))


FOOTERS: dict[str, list[Any]] = {
    "gap": [[1, oid(1), 8, 10], [1, oid(2), 19, 9]],
    "overlap": [[1, oid(1), 8, 12], [1, oid(2), 18, 10]],
    "beyond": [[1, oid(1), 8, 100]],
    "before": [[1, oid(1), 0, 20]],
    "negative": [[1, oid(1), 8, -20]],
    "too short": [[1, oid(1), 8, 4], [1, oid(2), 12, 16]],
    "unfinished": [[1, oid(1), 8, 10]],
    "twice": [[1, oid(1), 8, 10], [1, oid(1), 18, 10]],
    "no id": [[1, b"short", 8, 20]],
    "text id": [[1, "x" * 32, 8, 20]],
    "other shape": [[1, oid(1), 8]],
    "not lists": [1, 2, 3],
    "float": [[1, oid(1), 8.0, 20.5]],
    "text offset": [[1, oid(1), "8", 20]],
}


@pytest.mark.parametrize("case", FOOTERS)
def test_footers_that_contradict_themselves(case: str) -> None:
    footer = msgspec.msgpack.encode(FOOTERS[case])
    with pytest.raises(CorruptData, match="damaged"):
        read_index(*damaged(with_footer(footer)))


@pytest.mark.parametrize("footer", [b"", b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x90\x90", b"\xa1\xff", b"\x91" * 50])
def test_footers_that_do_not_decode(footer: bytes) -> None:
    with pytest.raises(CorruptData, match="damaged"):
        read_index(*damaged(with_footer(footer)))


def test_a_kind_of_a_later_version() -> None:
    with pytest.raises(NewerFormat, match="kind 99"):
        read_index(*damaged(with_footer(msgspec.msgpack.encode([[99, oid(1), 8, 20]]))))


def with_footer(footer: bytes) -> bytes:
    """Pack with 20 bytes of entries and a footer whose checksum is right."""
    span = (28).to_bytes(8, "little") + len(footer).to_bytes(8, "little")
    return b"LFPACK\0\1" + bytes(20) + footer + span + checksum([footer, span]) + b"LFPACK\0\1"


@pytest.mark.parametrize("content", [b"", b"x", b"not a pack at all, but a text that somebody saved here"])
def test_what_is_not_a_pack(content: bytes) -> None:
    with pytest.raises(CorruptData):
        read_index(*damaged(content))


def test_a_missing_pack() -> None:
    with pytest.raises(ObjectMissing, match="abababab"):
        read_index(MemoryStore(), "ab" * 32)
