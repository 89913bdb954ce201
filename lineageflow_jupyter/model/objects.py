"""Manifests: columns, tables, frame descriptions, trees and commits, with their one canonical encoding.

The encoding is MessagePack of nested arrays, every integer in its shortest form and no maps, so that a value has
exactly one byte form (``docs/format.md``). Long lists are split into content-defined nodes by `lists`. Chunks of
values are encoded by ``frames``; reading and writing of objects belongs to ``store``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id
from lineageflow_jupyter.model.types import LogicalType

NO_ID = ObjectId(b"")
"""Stands where an id could be and none is."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


def encode(value: object) -> bytes:
    """Canonical bytes of nested lists of None, bool, int, float, str and bytes."""
    return _encoder.encode(value)


def decode(data: Any, decoder: msgspec.msgpack.Decoder[Any] = _decoder) -> Any:
    """Inverse of `encode`.

    Parameters
    ----------
    data : bytes-like
        The bytes.
    decoder : msgspec.msgpack.Decoder, optional
        One that expects a certain shape.

    Raises
    ------
    CorruptData
        If `data` is not such bytes.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptData(f"a manifest does not decode ({error})", remedy="Run fsck to see what is damaged") from error


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """One chunk of a column: its id and its number of rows."""

    id: ObjectId
    rows: int


@dataclass(frozen=True, slots=True)
class Column:
    """An ordered list of content-addressed chunks of rows of one type.

    Parameters
    ----------
    type : LogicalType
        Type of the values.
    boundaries : int
        Version of the boundary function that cut the chunks.
    chunks : tuple of ChunkRef
        In row order; no chunk is empty.
    """

    type: LogicalType
    boundaries: int
    chunks: tuple[ChunkRef, ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(chunk.rows for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column's place in a table.

    Parameters
    ----------
    name : str
        Text of the label. Labels of other kinds are kept in the frame description.
    role : str
        ``"index"`` or ``"data"``.
    column : ObjectId
        The column's id.
    """

    name: str
    role: str
    column: ObjectId


@dataclass(frozen=True, slots=True)
class Table:
    """The content of a dataset at one moment: index levels first, then data columns in order."""

    rows: int
    columns: tuple[TableColumn, ...]

    @property
    def data(self) -> tuple[TableColumn, ...]:
        """The data columns."""
        return tuple(column for column in self.columns if column.role == "data")

    @property
    def index(self) -> tuple[TableColumn, ...]:
        """The index levels that are stored as columns."""
        return tuple(column for column in self.columns if column.role == "index")


@dataclass(frozen=True, slots=True)
class FrameDescription:
    """What else is needed to give back the exact frame; its meaning belongs to ``frames.describe``.

    Parameters
    ----------
    body : list
        Nested lists of None, bool, int, float, str and bytes.
    companions : tuple of ObjectId
        Columns that `body` refers to by position: category orders, masks of missing kinds.
    """

    body: list[Any]
    companions: tuple[ObjectId, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A dataset in a tree: its table, its frame description and the names of its key columns."""

    dataset: str
    table: ObjectId
    frame: ObjectId
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A snapshot of all datasets, sorted by name."""

    entries: tuple[TreeEntry, ...] = ()

    def get(self, dataset: str) -> TreeEntry | None:
        """Entry of a dataset, or None."""
        place = bisect_left(self.entries, dataset, key=_dataset)
        found = self.entries[place] if place < len(self.entries) else None
        return found if found is not None and found.dataset == dataset else None

    def with_entries(self, changed: Sequence[TreeEntry]) -> Tree:
        """Tree in which `changed` replace or join the entries of the same datasets."""
        merged = {entry.dataset: entry for entry in (*self.entries, *changed)}
        return Tree(tuple(merged[name] for name in sorted(merged)))

    def without(self, datasets: Collection[str]) -> Tree:
        """Tree that lacks some datasets."""
        return Tree(tuple(entry for entry in self.entries if entry.dataset not in datasets))


def _dataset(entry: TreeEntry) -> str:
    return entry.dataset


@dataclass(frozen=True, slots=True)
class Author:
    """A person: name and, where known, e-mail address."""

    name: str
    email: str = ""

    def __str__(self) -> str:
        """Text for people, as in Git."""
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True)
class Step:
    """One (cell run, table) of a dataset between two commits; the cell run is empty where none was recorded."""

    dataset: str
    cell_run: str
    table: ObjectId


@dataclass(frozen=True, slots=True)
class Commit:
    """A snapshot of all datasets with its parents, author, time and message.

    Parameters
    ----------
    tree : ObjectId
        The snapshot.
    parents : tuple of ObjectId
        First parent first; none for the first commit.
    author : Author
        Who made it.
    time : int
        Microseconds since 1970-01-01 UTC.
    offset : int
        The author's distance from UTC in minutes, for display.
    message : str
        First line: the summary.
    steps : tuple of Step
        What happened since the parents, oldest first; empty: the commit itself is the only step.
    causes : tuple of (str, ObjectId)
        Cause map by dataset; empty until cells are recorded.
    """

    tree: ObjectId
    parents: tuple[ObjectId, ...]
    author: Author
    time: int
    offset: int
    message: str
    steps: tuple[Step, ...] = ()
    causes: tuple[tuple[str, ObjectId], ...] = field(default=())

    @property
    def summary(self) -> str:
        """First line of the message."""
        return self.message.split("\n", 1)[0]


def encode_frame(frame: FrameDescription) -> tuple[ObjectId, bytes]:
    """Id and canonical bytes of a frame description."""
    return _sealed(Kind.FRAME, [frame.body, list(frame.companions)])


def decode_frame(data: Any) -> FrameDescription:
    """Inverse of `encode_frame`."""
    with _Shape("frame description"):
        body, companions = decode(data)
        return FrameDescription(body, tuple(map(ObjectId, companions)))


def encode_commit(commit: Commit) -> tuple[ObjectId, bytes]:
    """Id and canonical bytes of a commit."""
    return _sealed(
        Kind.COMMIT,
        [
            commit.tree,
            list(commit.parents),
            [commit.author.name, commit.author.email],
            commit.time,
            commit.offset,
            commit.message,
            [[step.dataset, step.cell_run, step.table] for step in commit.steps],
            [list(cause) for cause in commit.causes],
        ],
    )


def decode_commit(data: Any) -> Commit:
    """Inverse of `encode_commit`."""
    with _Shape("commit"):
        tree, parents, (name, email), time, offset, message, steps, causes = decode(data)
        return Commit(
            ObjectId(tree),
            tuple(map(ObjectId, parents)),
            Author(name, email),
            time,
            offset,
            message,
            tuple(Step(dataset, run, ObjectId(table)) for dataset, run, table in steps),
            tuple((dataset, ObjectId(cause)) for dataset, cause in causes),
        )


def _sealed(kind: Kind, value: object) -> tuple[ObjectId, bytes]:
    data = encode(value)
    return object_id(kind, [data]), data


class _Shape:
    """Turns the errors of unpacking what has another shape into `CorruptData`."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TypeError | ValueError | LookupError):
            raise CorruptData(
                f"a {self.what} has an unexpected shape ({error})", remedy="Run fsck to see what is damaged"
            ) from error
