"""What the repository's verbs answer: values for people and programs, without any display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import CommitRecord, Operation, Ref


@dataclass(frozen=True, slots=True)
class TableShape:
    """Rows and data columns of a table (index levels are not counted, as in pandas)."""

    rows: int
    columns: int

    def __str__(self) -> str:
        """Text for people, such as ``336,776 × 19``."""
        return f"{self.rows:,} × {self.columns:,}"


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A column of a dataset: its name, its role (``"index"`` or ``"data"``) and its type as text."""

    name: str
    role: str
    type: str


@dataclass(frozen=True, slots=True)
class DatasetSchema:
    """The columns of a dataset at a commit, index levels first, its key, and the library whose frame it was."""

    dataset: str
    shape: TableShape
    columns: tuple[ColumnSchema, ...]
    key: tuple[str, ...]
    library: str


@dataclass(frozen=True, slots=True)
class TableTexts:
    """Some rows of a version of a dataset, as texts.

    Parameters
    ----------
    dataset : str
        Its name.
    rows_in_all, columns_in_all : int
        How many the version has, index levels that are stored included.
    columns : tuple of ColumnSchema
        Columns that are told, index levels first.
    start : int
        Number of the first row that is told.
    rows : tuple of tuple of (str or None)
        Texts of each row, one a column; None where it has no value.
    """

    dataset: str
    rows_in_all: int
    columns_in_all: int
    columns: tuple[ColumnSchema, ...]
    start: int
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class ColumnId:
    """A column of a frame: its name, its role (``"index"`` or ``"data"``), its type as text, and its id."""

    name: str
    role: str
    type: str
    id: ObjectId


@dataclass(frozen=True, slots=True)
class ContentIds:
    """Ids of what a frame holds: the same for equal values, wherever and whenever they are computed.

    Parameters
    ----------
    table, frame : ObjectId
        Of its values; of what else is needed to give it back exactly.
    rows : int
        Rows.
    columns : tuple of ColumnId
        Index levels that are stored first.
    """

    table: ObjectId
    frame: ObjectId
    rows: int
    columns: tuple[ColumnId, ...]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A file that a dataset was written into.

    Parameters
    ----------
    path : str
        The file.
    bytes : int
        Its size.
    dataset : str
        The dataset.
    shape : TableShape
        Rows and columns that were written.
    commit : CommitRecord
        The commit that it was taken from.
    """

    path: str
    bytes: int
    dataset: str
    shape: TableShape
    commit: CommitRecord


@dataclass(frozen=True, slots=True)
class CommitReport:
    """What a commit did.

    Parameters
    ----------
    commit : CommitRecord
        The new commit, or where nothing differed the branch's tip.
    created : bool
        False: there was nothing to commit.
    branch : str
        The branch.
    new_bytes : int
        Bytes that the commit added to the store.
    tables : mapping of str to TableShape
        Shape of each dataset that was passed.
    """

    commit: CommitRecord
    created: bool
    branch: str
    new_bytes: int
    tables: Mapping[str, TableShape]

    def __repr__(self) -> str:
        """One line for people, as the magic shows it."""
        tables = ", ".join(f"{name} {shape}" for name, shape in self.tables.items())
        if not self.created:
            return f"<nothing to commit on {self.branch}: {tables}>"
        summary = self.commit.commit.summary
        return f"<{self.branch} {short(self.id)} {summary!r}: {tables}, {self.new_bytes:,} bytes new>"

    @property
    def id(self) -> ObjectId:
        """Id of the commit."""
        return self.commit.id

    @property
    def parents(self) -> tuple[ObjectId, ...]:
        """Parents of the commit, first parent first."""
        return self.commit.commit.parents

    @property
    def author(self) -> Author:
        """Author of the commit."""
        return self.commit.commit.author

    @property
    def time(self) -> int:
        """Time of the commit in microseconds since 1970-01-01 UTC."""
        return self.commit.commit.time

    @property
    def message(self) -> str:
        """Message of the commit."""
        return self.commit.commit.message


@dataclass(frozen=True, slots=True)
class RowChange:
    """How many rows were added, removed, and stand in another order than before."""

    added: int
    removed: int
    moved: int


@dataclass(frozen=True, slots=True)
class DatasetChange:
    """How a dataset differs between two points, found from ids; only `cells` needs values.

    Parameters
    ----------
    dataset : str
        Its name.
    state : str
        ``"added"``, ``"changed"`` or ``"removed"``.
    before, after : TableShape or None
        Shapes; None on the side where the dataset does not exist.
    columns_added, columns_dropped, columns_changed : tuple of str
        Names of columns; index levels are included in those that changed.
    levels_added, levels_dropped : tuple of str
        Names of index levels.
    described : bool
        True where the values are equal and only the frame description or the key differs.
    cells : mapping of str to int, or None
        Changed cells by name, of the columns that exist on both sides with one type. Where `rows` is None, row was
        compared with row in their order. None where they were not counted: another number of rows, or too much to read
        for a summary.
    rows : RowChange or None
        Rows that came, went and moved, where a change set of the two versions was kept.
    """

    dataset: str
    state: str
    before: TableShape | None
    after: TableShape | None
    columns_added: tuple[str, ...] = ()
    columns_dropped: tuple[str, ...] = ()
    columns_changed: tuple[str, ...] = ()
    levels_added: tuple[str, ...] = ()
    levels_dropped: tuple[str, ...] = ()
    described: bool = False
    cells: Mapping[str, int] | None = None
    rows: RowChange | None = None


@dataclass(frozen=True, slots=True)
class CommitChanges:
    """A commit with its changes against the first parent."""

    commit: CommitRecord
    changes: tuple[DatasetChange, ...]


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """A dataset or live frame against HEAD.

    Parameters
    ----------
    dataset : str
        Its name.
    state : str
        ``"new"`` (a frame that is no dataset yet), ``"changed"``, ``"unchanged"``, ``"absent"`` (a dataset without a
        live frame) or ``"unsupported"`` (a frame that cannot be stored).
    change : DatasetChange or None
        What differs, for new and changed ones.
    behind : bool
        True where the branch holds a version of the dataset that this workspace has not seen.
    problem : str
        Why a frame is unsupported, in one line.
    """

    dataset: str
    state: str
    change: DatasetChange | None = None
    behind: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The hot cache of a repository.

    Parameters
    ----------
    location : str
        Its folder.
    files, bytes : int
        Columns that it holds, and their size.
    limit : int
        Bytes that it may hold at present; 0 where it is off.
    hits, misses : int
        Columns that this process mapped, and that it had to decode; small ones are never kept and count as neither.
    waiting : int
        Columns that are still to be written.
    """

    location: str
    files: int
    bytes: int
    limit: int
    hits: int = 0
    misses: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Live frames against HEAD.

    Parameters
    ----------
    branch : str
        HEAD's branch.
    tip : CommitRecord or None
        Its latest commit; None where it has none.
    datasets : tuple of DatasetStatus
        Sorted by name.
    gone : str
        What became of the branch, if somebody deleted or renamed it; else ``""``.
    """

    branch: str
    tip: CommitRecord | None
    datasets: tuple[DatasetStatus, ...]
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What an operation did to HEAD, and the frames that the caller's variables are to hold from now on.

    Parameters
    ----------
    branch : str
        HEAD's branch.
    commit : CommitRecord or None
        The commit that it is at, or that the frames are from; None on a branch without commits.
    frames : mapping of str to frame
        By dataset; only those that changed.
    stash : str or None
        Revision of the stash that holds what was not committed; None where nothing was.
    stashed : tuple of DatasetStatus
        The frames in that stash, with what they changed.
    """

    branch: str
    commit: CommitRecord | None
    frames: Mapping[str, Any]
    stash: str | None = None
    stashed: tuple[DatasetStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class BranchReport:
    """A branch in a list.

    Parameters
    ----------
    ref : Ref
        The branch.
    ahead, behind : int
        Commits that it has and the branch of HEAD has not, and the other way round.
    """

    ref: Ref
    ahead: int
    behind: int


@dataclass(frozen=True, slots=True)
class StashReport:
    """A stash in a list.

    Parameters
    ----------
    ref : Ref
        Its hidden ref.
    record : CommitRecord
        Its commit; ``record.datasets`` are the frames in it.
    workspace : str
        Id of the workspace that made it, or its beginning.
    """

    ref: Ref
    record: CommitRecord
    workspace: str


@dataclass(frozen=True, slots=True)
class UndoReport:
    """An operation that was undone or done again.

    Parameters
    ----------
    operation : Operation
        The operation.
    replacement : Replacement
        HEAD and frames afterwards.
    """

    operation: Operation
    replacement: Replacement
