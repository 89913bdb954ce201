"""Manifests: one encoding for each value, and back."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.lists import (
    INLINE_ENTRIES,
    Outline,
    decode_column,
    decode_table,
    decode_tree,
    encode_column,
    encode_table,
    encode_tree,
    find_in_tree,
    nodes_of,
    outline,
    references,
)
from lineageflow_jupyter.model.objects import (
    Author,
    ChunkRef,
    Column,
    Commit,
    FrameDescription,
    Step,
    Table,
    TableColumn,
    Tree,
    TreeEntry,
    decode_commit,
    decode_frame,
    encode,
    encode_commit,
    encode_frame,
)
from lineageflow_jupyter.model.types import LogicalType

INT64 = LogicalType("int64")


def some_id(number: int) -> ObjectId:
    return object_id(Kind.CHUNK, [str(number).encode()])


def column(count: int) -> Column:
    return Column(INT64, 1, tuple(ChunkRef(some_id(number), number + 1) for number in range(count)))


@pytest.mark.parametrize("count", [0, 1, INLINE_ENTRIES, INLINE_ENTRIES + 1, 5_000, 40_000])
def test_a_column_of_any_length_comes_back(count: int) -> None:
    sealed = encode_column(column(count))
    stored = {part.id: part.data for part in sealed}
    assert decode_column(sealed[-1].data, stored.__getitem__) == column(count)
    assert all(object_id(part.kind, [part.data]) == part.id for part in sealed)


def test_a_changed_entry_of_a_long_list_rewrites_a_node_and_the_way_to_it() -> None:
    before = column(20_000)
    chunks = list(before.chunks)
    chunks[9_999] = ChunkRef(some_id(-1), 7)
    after = Column(INT64, 1, tuple(chunks))
    known = {part.id for part in encode_column(before)}
    written = [part for part in encode_column(after) if part.id not in known]
    assert len(written) <= 4
    assert sum(len(part.data) for part in written) < 60_000


def test_an_inserted_entry_moves_nodes_only_nearby() -> None:
    before = column(20_000)
    after = Column(INT64, 1, (*before.chunks[:5_000], ChunkRef(some_id(-1), 7), *before.chunks[5_000:]))
    known = {part.id for part in encode_column(before)}
    assert len([part for part in encode_column(after) if part.id not in known]) <= 5


def test_tables_keep_order_roles_and_repeated_names() -> None:
    columns = tuple(TableColumn("x", "index" if number == 0 else "data", some_id(number % 3)) for number in range(600))
    sealed = encode_table(Table(12, columns))
    stored = {part.id: part.data for part in sealed}
    assert decode_table(sealed[-1].data, stored.__getitem__) == Table(12, columns)


def test_trees_replace_join_and_sort() -> None:
    tree = Tree().with_entries([TreeEntry("b", some_id(1), some_id(2), ("k",)), TreeEntry("a", some_id(3), some_id(4))])
    tree = tree.with_entries([TreeEntry("b", some_id(5), some_id(6))])
    assert [entry.dataset for entry in tree.entries] == ["a", "b"]
    assert tree.get("b") == TreeEntry("b", some_id(5), some_id(6))
    sealed = encode_tree(tree)
    assert decode_tree(sealed[-1].data, {}.__getitem__) == tree


def test_500_datasets_fit_a_tree() -> None:
    tree = Tree(tuple(TreeEntry(f"d{number:04}", some_id(number), some_id(-number), ("k",)) for number in range(500)))
    sealed = encode_tree(tree)
    stored = {part.id: part.data for part in sealed}
    assert decode_tree(sealed[-1].data, stored.__getitem__) == tree


@given(st.text(), st.text(), st.integers(-(2**62), 2**62), st.integers(-1440, 1440), st.integers(0, 3))
def test_commits_come_back(message: str, name: str, time: int, offset: int, parents: int) -> None:
    commit = Commit(
        some_id(0),
        tuple(some_id(number) for number in range(parents)),
        Author(name, "a@b"),
        time,
        offset,
        message,
        (Step("d", "", some_id(9)),),
        (("d", some_id(8)),),
    )
    oid, data = encode_commit(commit)
    assert decode_commit(data) == commit
    assert oid == object_id(Kind.COMMIT, [data])


def test_frame_descriptions_come_back() -> None:
    frame = FrameDescription([1, [None, True, "ü", b"\x00", 1.5, -3]], (some_id(1),))
    assert decode_frame(encode_frame(frame)[1]) == frame


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x90", b"\xa3abc", b"\x94\x01\x02\x03\x04\x05"])
def test_what_is_no_manifest_is_named_corrupt(data: bytes) -> None:
    for decode in (decode_commit, decode_frame):
        with pytest.raises(CorruptData):
            decode(data)
    for decode_list in (decode_column, decode_table, decode_tree):
        with pytest.raises(CorruptData):
            decode_list(data, {}.__getitem__)


def test_references_lead_from_a_commit_to_every_chunk() -> None:
    stored: dict[ObjectId, tuple[Kind, bytes]] = {}
    chunked = encode_column(column(1_000))
    table = encode_table(Table(5, (TableColumn("x", "data", chunked[-1].id),)))
    frame = encode_frame(FrameDescription([], (chunked[-1].id,)))
    tree = encode_tree(Tree((TreeEntry("d", table[-1].id, frame[0]),)))
    commit = encode_commit(Commit(tree[-1].id, (), Author("a"), 0, 0, "m"))
    for part in (*chunked, *table, *tree):
        stored[part.id] = (part.kind, part.data)
    stored[frame[0]], stored[commit[0]] = (Kind.FRAME, frame[1]), (Kind.COMMIT, commit[1])
    pending, found = [(Kind.COMMIT, commit[0])], set()
    while pending:
        kind, oid = pending.pop()
        found.add((kind, oid))
        if kind is not Kind.CHUNK:
            assert stored[oid][0] is kind
            pending += [child for child in references(kind, stored[oid][1]) if child not in found]
    assert {oid for kind, oid in found if kind is Kind.CHUNK} == {chunk.id for chunk in column(1_000).chunks}


def test_types_come_back_and_read_well() -> None:
    kind = LogicalType(
        "struct", (), (("when", LogicalType("timestamp", ("ns",))), ("tags", LogicalType("list", (), (("", INT64),))))
    )
    assert LogicalType.decoded(kind.encoded()) == kind
    assert str(kind) == "struct<when: timestamp[ns], tags: list<int64>>"
    with pytest.raises(ValueError, match="unknown logical type"):
        LogicalType.decoded(["quaternion", [], []])


@pytest.mark.parametrize("size", [0, 1, 2, 256, 257, 700, 60_000])  # in the root, in nodes, in nodes of nodes
def test_a_dataset_is_found_in_a_tree_without_the_others(size: int) -> None:
    entries = [tree_entry(f"t{number:06d}") for number in range(1, 2 * size, 2)]
    sealed = encode_tree(Tree(tuple(entries)))
    stored = {part.id: part.data for part in sealed}
    read: list[ObjectId] = []

    def node(oid: ObjectId) -> Outline:
        read.append(oid)
        return outline(stored[oid])

    tree = sealed[-1].id
    chosen = entries if size < 1000 else entries[:: size // 100]
    assert [find_in_tree(tree, node, entry.dataset) for entry in chosen] == chosen
    for absent in ("", "a", "t", "t000000", f"t{size - size % 2:06d}", "t000002x", "u", "\U0010ffff"):
        assert find_in_tree(tree, node, absent) is None
    read.clear()
    find_in_tree(tree, node, "t000777")
    assert len(read) < 30
    below = nodes_of(outline(stored[tree]))
    assert (len(below) == 0) == (size <= 256)
    assert all(oid in stored for oid in below)


def tree_entry(name: str) -> TreeEntry:
    return TreeEntry(name, object_id(Kind.TABLE, [name.encode()]), object_id(Kind.FRAME, [name.encode()]), ("k", name))


@pytest.mark.parametrize(
    "data", [b"", encode([]), encode([0, 5]), encode(["x", []]), encode([1, [[]]]), encode([0, [7]]), encode([0, [[]]])]
)
def test_what_is_no_tree_is_damage(data: bytes) -> None:
    with pytest.raises(CorruptData):
        find_in_tree(ObjectId(b"x"), lambda oid: outline(data), "t")
