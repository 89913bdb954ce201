from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from blake3 import blake3

from lineageflow_jupyter.errors import CorruptData, ObjectMissing
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.records import Location, Pack
from lineageflow_jupyter.store.memory import MemoryStore
from lineageflow_jupyter.store.packs import PackWriter, pack_key
from lineageflow_jupyter.store.reader import ObjectReader


class Index:
    """Locations as a catalog would give them, and a count of the questions."""

    def __init__(self) -> None:
        self.places: dict[ObjectId, Location] = {}
        self.asked = 0

    def take(self, packs: Collection[Pack]) -> None:
        for pack in packs:
            self.places |= {entry.id: Location(pack.name, entry.offset, entry.length) for entry in pack.entries}

    def locate(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Location]:
        self.asked += 1
        return {oid: self.places[oid] for oid in ids if oid in self.places}


class CountingStore(MemoryStore):
    """Counts reads."""

    reads = 0

    def read_range(self, key: str, offset: int, length: int) -> memoryview:
        self.reads += 1
        return super().read_range(key, offset, length)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def index() -> Index:
    return Index()


def fill(store: MemoryStore, index: Index, values: list[bytes], *, limit: int = 7 << 20) -> dict[ObjectId, bytes]:
    named = {ObjectId(blake3(value).digest()): value for value in values}
    writer = PackWriter(store, limit=limit)
    for oid, value in named.items():
        writer.add(oid, Kind.CHUNK, [value])
    index.take(writer.close())
    return named


def test_small_objects_take_one_question_and_one_read(store: CountingStore, index: Index) -> None:
    named = fill(store, index, [b"%d" % number * 20 for number in range(5000)])
    reader = ObjectReader(store, index.locate)
    assert dict(reader.read_many(list(named))) == named
    assert index.asked == 1
    assert store.reads == 1


def test_far_objects_are_not_read_along(store: CountingStore, index: Index) -> None:
    named = fill(store, index, [random.Random(number).randbytes(100_000) for number in range(30)])
    ends = [next(iter(named)), list(named)[-1]]
    reader = ObjectReader(store, index.locate)
    batches = reader.plan(ends)
    assert sum(batch.stop - batch.start for batch in batches) == 2 * 100_008
    assert {oid: bytes(value) for batch in batches for oid, value in reader.fetch(batch)} == {
        oid: named[oid] for oid in ends
    }


def test_batches_can_be_fetched_by_threads_in_any_order(store: CountingStore, index: Index) -> None:
    values = [random.Random(number).randbytes(number * 991 % 90_000) for number in range(300)]
    named = fill(store, index, values, limit=2_000_000)
    reader = ObjectReader(store, index.locate)
    wanted = random.Random(5).sample(list(named), 200)
    batches = list(reader.plan(wanted))
    random.Random(6).shuffle(batches)
    with ThreadPoolExecutor(4) as pool:
        pairs = [pair for part in pool.map(reader.fetch, batches) for pair in part]
    assert len(pairs) == 200
    assert dict(pairs) == {oid: named[oid] for oid in wanted}
    assert max(batch.stop - batch.start for batch in batches) < 1_200_000


def test_an_id_asked_for_twice_comes_once(store: CountingStore, index: Index) -> None:
    (oid,) = fill(store, index, [b"value"])
    assert [bytes(value) for _, value in ObjectReader(store, index.locate).read_many([oid, oid])] == [b"value"]


def test_nothing_asked_for_is_nothing_read(store: CountingStore, index: Index) -> None:
    assert list(ObjectReader(store, index.locate).read_many([])) == []
    assert (index.asked, store.reads) == (0, 0)


def test_values_are_read_only(store: CountingStore, index: Index) -> None:
    (oid,) = fill(store, index, [b"value"])
    with pytest.raises(TypeError):
        ObjectReader(store, index.locate).read(oid)[0] = 1


def test_an_object_that_the_catalog_does_not_know(store: CountingStore, index: Index) -> None:
    (known,) = fill(store, index, [b"value"])
    unknown = ObjectId(b"\xab" * 32)
    reader = ObjectReader(store, index.locate)
    with pytest.raises(ObjectMissing, match="abababab"):
        reader.read(unknown)
    with pytest.raises(ObjectMissing, match=r"1 object.*abababab"):
        next(reader.read_many([known, unknown]))
    assert store.reads == 0


def test_a_pack_that_is_gone(store: CountingStore, index: Index) -> None:
    (oid,) = fill(store, index, [b"value"])
    pack = index.places[oid].pack
    store.delete(pack_key(pack))
    with pytest.raises(ObjectMissing) as caught:
        ObjectReader(store, index.locate).read(oid)
    assert oid.hex()[:12] in caught.value.problem
    assert pack in caught.value.problem


def test_objects_that_gc_moved_while_they_were_read(store: CountingStore, index: Index) -> None:
    named = fill(store, index, [b"one", b"two", b"three"])
    reader = ObjectReader(store, index.locate)
    (batch,) = reader.plan(list(named))
    fill(store, index, [*named.values(), b"more"])
    store.delete(pack_key(batch.pack))
    assert dict(reader.fetch(batch)) == named


def test_a_location_that_points_elsewhere_is_never_wrong_data(store: CountingStore, index: Index) -> None:
    first, second = fill(store, index, [b"first value", b"other value"])
    truth = index.places[first]
    for offset, length in [
        (truth.offset + 1, truth.length),
        (truth.offset, truth.length + 1),
        (truth.offset, 4),
        (0, 8),
    ]:
        index.places[first] = Location(truth.pack, offset, length)
        with pytest.raises(CorruptData, match=first.hex()[:12]):
            ObjectReader(store, index.locate).read(first)
    index.places[first] = Location(truth.pack, 1 << 40, 20)
    with pytest.raises(CorruptData, match=first.hex()[:12]):
        ObjectReader(store, index.locate).read(first)
    assert bytes(ObjectReader(store, index.locate).read(second)) == b"other value"
