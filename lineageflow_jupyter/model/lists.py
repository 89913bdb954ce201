"""Columns, tables and trees as objects: long lists are cut into content-defined nodes.

A small change of a long list rewrites one node a level and the root. A node ends after an entry whose id says so, so
the same list gives the same nodes whatever its history.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.objects import (
    ChunkRef,
    Column,
    Table,
    TableColumn,
    Tree,
    TreeEntry,
    _Shape,
    decode,
    encode,
)
from lineageflow_jupyter.model.types import LogicalType

INLINE_ENTRIES = 256
"""Lists up to this length stay in the root."""
MIN_NODE, MAX_NODE = 32, 512
"""Entries of a node: fewer only at the end of the list, never more."""
NODE_THRESHOLD = 2
"""From `MIN_NODE` entries on, a node ends after an entry whose id starts with a byte below this (1 in 128)."""

Entry = list[Any]
Read = Callable[[ObjectId], Any]
"""Gives the canonical bytes of an object."""


Outline = tuple[int, list[msgspec.Raw]]
_outlines = msgspec.msgpack.Decoder(Outline)


class Sealed(NamedTuple):
    """An encoded object, ready to be written."""

    id: ObjectId
    kind: Kind
    data: bytes


def encode_column(column: Column) -> tuple[Sealed, ...]:
    """Objects of a column, nodes first, the column itself last."""
    entries = [[chunk.id, chunk.rows] for chunk in column.chunks]
    return _encode_list(Kind.COLUMN, [column.type.encoded(), column.boundaries], entries, _total)


def decode_column(data: Any, read: Read) -> Column:
    """Column from its bytes; `read` is asked for nodes.

    Raises
    ------
    CorruptData
        If the bytes are not a column.
    """
    with _Shape("column"):
        kind, boundaries, depth, entries = decode(data)
        chunks = tuple(ChunkRef(ObjectId(oid), rows) for oid, rows in _leaves(depth, entries, read))
        return Column(LogicalType.decoded(kind), boundaries, chunks)


def encode_table(table: Table) -> tuple[Sealed, ...]:
    """Objects of a table, nodes first, the table itself last."""
    entries = [[column.name, column.role, column.column] for column in table.columns]
    return _encode_list(Kind.TABLE, [table.rows, len(table.columns)], entries, len)


def decode_table(data: Any, read: Read) -> Table:
    """Table from its bytes; `read` is asked for nodes.

    Raises
    ------
    CorruptData
        If the bytes are not a table.
    """
    with _Shape("table"):
        rows, _, depth, entries = decode(data)
        columns = tuple(TableColumn(name, role, ObjectId(oid)) for name, role, oid in _leaves(depth, entries, read))
        return Table(rows, columns)


def encode_tree(tree: Tree) -> tuple[Sealed, ...]:
    """Objects of a tree, nodes first, the tree itself last."""
    entries = [[entry.dataset, entry.frame, list(entry.key), entry.table] for entry in tree.entries]
    return _encode_list(Kind.TREE, [], entries, len)


def decode_tree(data: Any, read: Read) -> Tree:
    """Tree from its bytes; `read` is asked for nodes.

    Raises
    ------
    CorruptData
        If the bytes are not a tree.
    """
    with _Shape("tree"):
        depth, entries = decode(data)
        return Tree(tuple(map(_tree_entry, _leaves(depth, entries, read))))


def outline(data: Any) -> Outline:
    """Depth and entries of a tree or of one of its nodes; the entries are left encoded.

    Raises
    ------
    CorruptData
        If the bytes are not a tree.
    """
    with _Shape("tree"):
        depth, entries = decode(data, _outlines)
        return depth, entries


def nodes_of(found: Outline) -> list[ObjectId]:
    """Nodes that the root of a tree names, or a node; none where it holds the datasets itself."""
    depth, entries = found
    with _Shape("tree"):
        return [ObjectId(decode(entry)[0]) for entry in entries] if depth else []


def find_in_tree(oid: ObjectId, read: Callable[[ObjectId], Outline], dataset: str) -> TreeEntry | None:
    """Entry of one dataset, or None; hardly any other is decoded.

    Parameters
    ----------
    oid : ObjectId
        The tree.
    read : callable
        Gives the outline of the tree, and those of its nodes.
    dataset : str
        Name of the dataset.

    Raises
    ------
    CorruptData
        If something on the way is not part of a tree.
    """
    with _Shape("tree"):
        depth, entries = read(oid)
        while depth:
            place = bisect_right(entries, dataset, key=lambda entry: _first_dataset(entry, read))
            if place == 0:
                return None
            below, entries = read(ObjectId(decode(entries[place - 1])[0]))
            depth = _one_below(depth, below)
        place = bisect_left(entries, dataset, key=_dataset)
        found = decode(entries[place]) if place < len(entries) else None
        return _tree_entry(found) if found is not None and found[0] == dataset else None


def _first_dataset(entry: msgspec.Raw, read: Callable[[ObjectId], Outline]) -> str:
    depth, entries = read(ObjectId(decode(entry)[0]))
    return _first_dataset(entries[0], read) if depth else _dataset(entries[0])


def _dataset(entry: msgspec.Raw) -> str:
    name: str = decode(entry)[0]
    return name


def _tree_entry(entry: Entry) -> TreeEntry:
    dataset, frame, key, table = entry
    return TreeEntry(dataset, ObjectId(table), ObjectId(frame), tuple(key))


def _total(entries: Sequence[Entry]) -> int:
    return sum(entry[-1] for entry in entries)


def _entry_id(entry: Entry) -> bytes:
    return entry[0] if isinstance(entry[0], bytes) else entry[-1]


def _encode_list(
    kind: Kind, head: list[Any], entries: list[Entry], measure: Callable[[list[Entry]], int]
) -> tuple[Sealed, ...]:
    sealed: list[Sealed] = []
    depth = 0
    while len(entries) > INLINE_ENTRIES:
        parents: list[Entry] = []
        for node in _nodes(entries):
            data = encode([depth, node])
            oid = object_id(kind, [data])
            sealed.append(Sealed(oid, kind, data))
            parents.append([oid, measure(node) if depth == 0 else _total(node)])
        entries, depth = parents, depth + 1
    data = encode([*head, depth, entries])
    return (*sealed, Sealed(object_id(kind, [data]), kind, data))


def _nodes(entries: list[Entry]) -> Iterator[list[Entry]]:
    start = 0
    while start < len(entries):
        stop = min(start + MIN_NODE, len(entries))
        while stop < min(start + MAX_NODE, len(entries)) and _entry_id(entries[stop - 1])[0] >= NODE_THRESHOLD:
            stop += 1
        yield entries[start:stop]
        start = stop


def _leaves(depth: int, entries: list[Entry], read: Read) -> Iterator[Entry]:
    if depth == 0:
        yield from entries
        return
    for oid, _ in entries:
        below, node = decode(read(ObjectId(oid)))
        yield from _leaves(_one_below(depth, below), node, read)


def _one_below(depth: int, below: int) -> int:
    if below != depth - 1:
        raise ValueError(f"a node of depth {depth - 1} was expected, {below} found")
    return below


def references(kind: Kind, data: Any) -> Iterator[tuple[Kind, ObjectId]]:
    """Objects that an object names, with their kinds: what must be kept as long as it is.

    Parameters
    ----------
    kind : Kind
        What the object is.
    data : bytes-like
        Its canonical bytes (of a chunk or row map: anything).

    Yields
    ------
    tuple of (Kind, ObjectId)
        Direct references, in the order of their appearance.
    """
    if kind in (Kind.CHUNK, Kind.MAP, Kind.CAUSES):
        return
    value = decode(data)
    with _Shape(kind.name.lower()):
        if kind is Kind.COMMIT:
            yield Kind.TREE, ObjectId(value[0])
            yield from ((Kind.COMMIT, ObjectId(parent)) for parent in value[1])
            yield from ((Kind.CAUSES, ObjectId(cause)) for _, cause in value[7])
        elif kind is Kind.FRAME:
            yield from ((Kind.COLUMN, ObjectId(companion)) for companion in value[1])
        else:
            depth, entries = value[-2:]
            for entry in entries:
                if depth > 0:
                    yield kind, ObjectId(entry[0])
                elif kind is Kind.COLUMN:
                    yield Kind.CHUNK, ObjectId(entry[0])
                elif kind is Kind.TABLE:
                    yield Kind.COLUMN, ObjectId(entry[2])
                else:
                    yield Kind.TABLE, ObjectId(entry[3])
                    yield Kind.FRAME, ObjectId(entry[1])
