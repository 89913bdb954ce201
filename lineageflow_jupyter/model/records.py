"""Values that pass between repository, store and catalog: where bytes lie, and what the catalog remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineageflow_jupyter.model.ids import Kind, ObjectId, short
from lineageflow_jupyter.model.objects import Author, Commit


@dataclass(frozen=True, slots=True)
class PackEntry:
    """One object in a pack: bytes ``[offset, offset + length)`` of the file, checksum included."""

    id: ObjectId
    kind: Kind
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that is durable in the store: its name (hexadecimal BLAKE3 of the file), size in bytes and entries."""

    name: str
    size: int
    entries: tuple[PackEntry, ...]


class Location(NamedTuple):
    """Where an object lies: bytes ``[offset, offset + length)`` of the pack named `pack`."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """What an annotated tag says: who made it, when, and why.

    Parameters
    ----------
    author : Author
        Who made the tag.
    time : int
        Microseconds since 1970-01-01 UTC.
    offset : int
        Minutes east of UTC at the author's place.
    message : str
        Why; not empty.
    """

    author: Author
    time: int
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag, or a hidden ref.

    Parameters
    ----------
    name : str
        Such as ``main``.
    kind : str
        ``"branch"``, ``"tag"`` or ``"hidden"`` (stashes, automatic snapshots; not listed by default).
    commit : ObjectId or None
        What it points to; None for the branch of an empty repository.
    annotation : Annotation or None
        Of an annotated tag.
    """

    name: str
    kind: str
    commit: ObjectId | None
    annotation: Annotation | None = None


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """A commit as the catalog indexes it.

    Parameters
    ----------
    id : ObjectId
        The commit's id.
    commit : Commit
        The commit.
    generation : int
        1 + the greatest generation of its parents; 1 without parents.
    datasets : tuple of str
        Datasets that differ from the first parent's, sorted.
    """

    id: ObjectId
    commit: Commit
    generation: int
    datasets: tuple[str, ...]

    def __repr__(self) -> str:
        """One line for people: short id, summary, author."""
        return f"<commit {short(self.id)} {self.commit.summary!r} by {self.commit.author.name}>"


@dataclass(frozen=True, slots=True)
class WorkspaceName:
    """What a workspace is recognised by: user, host and notebook path (or script, or process)."""

    user: str
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Head:
    """HEAD of a workspace.

    Parameters
    ----------
    workspace : str
        The workspace's random id.
    branch : str
        The branch that commits go to.
    bases : mapping of str to ObjectId
        For each dataset, the commit that it was last read from, checked out or committed at.
    """

    workspace: str
    branch: str
    bases: Mapping[str, ObjectId] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefChange:
    """A ref that moves from one commit to another.

    Parameters
    ----------
    name, kind : str
        The ref.
    before, after : ObjectId or None
        Where it points; None stands for "does not exist".
    annotation : Annotation or None
        Of the ref after the change. Of one that is deleted the catalog adds what it had, so that the opposite change
        can be told from this one.
    annotation_before : Annotation or None
        Of a ref that stays a ref, before the change. Where neither commit nor annotation differ from those before, the
        change is a condition: nothing moves.
    """

    name: str
    kind: str
    before: ObjectId | None
    after: ObjectId | None
    annotation: Annotation | None = None
    annotation_before: Annotation | None = None


@dataclass(frozen=True, slots=True)
class HeadChange:
    """How an operation moved the HEAD of its workspace.

    Parameters
    ----------
    before, after : str
        The branch.
    bases : mapping of str to (ObjectId or None, ObjectId or None)
        Bases that changed, by dataset: before and after; None stands for "none".
    """

    before: str
    after: str
    bases: Mapping[str, tuple[ObjectId | None, ObjectId | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """One line of a reflog.

    Parameters
    ----------
    sequence : int
        Sequence of the operation.
    before, after : ObjectId or None
        Where the ref, or the branch of HEAD, pointed; None stands for "no commit".
    branch : str
        HEAD's branch after the operation; ``""`` in the reflog of a ref.
    operation : Operation
        What moved it.
    """

    sequence: int
    before: ObjectId | None
    after: ObjectId | None
    branch: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace as the catalog remembers it.

    Parameters
    ----------
    id : str
        Its random id.
    name : WorkspaceName
        What it is recognised by.
    branch : str
        Branch of its HEAD.
    process : str
        The process that opened it last, as that process told it (``""``: none did).
    opened : int or None
        When, in microseconds since 1970-01-01 UTC.
    """

    id: str
    name: WorkspaceName
    branch: str
    process: str
    opened: int | None


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which commits of a history are wanted: those to which all of this applies.

    Parameters
    ----------
    dataset : str, optional
        They changed this dataset.
    author : str, optional
        Part of the author's name or address, in any case.
    text : str, optional
        Part of the message, in any case.
    since, until : int, optional
        They were made at or after, and before (exclusive), these times: microseconds since 1970-01-01 UTC.
    """

    dataset: str | None = None
    author: str | None = None
    text: str | None = None
    since: int | None = None
    until: int | None = None


EVERY_COMMIT = LogFilter()


@dataclass(frozen=True, slots=True)
class Publication:
    """All that one transaction records. Either all of it takes effect or nothing does.

    Parameters
    ----------
    operation : str
        Unique id of the attempt (a UUID): a second publication with the same id is answered, not repeated.
    verb : str
        Such as ``"commit"``; for the operation log.
    workspace : str
        Id of the acting workspace, or ``""``.
    time : int
        Microseconds since 1970-01-01 UTC.
    refs : tuple of RefChange
        Compare-and-swap of refs; `before` must be what the ref is now.
    packs : tuple of Pack
        New packs, durable in the store already.
    reused : frozenset of ObjectId
        Objects that the new commits need from packs that were there before.
    commits : tuple of CommitRecord
        New commits, parents before children.
    head : Head or None
        HEAD of `workspace` after the operation; None leaves it.
    head_before : Head or None
        HEAD as the process that publishes knew it; None: as it is stored. The two differ where another process of the
        workspace has moved it, or where what a new workspace starts from was not stored yet.
    renamed : tuple of (str, str), optional
        A branch's old and new name: the HEADs of all workspaces that are on it follow. `refs` has the two changes.
    detail : mapping
        JSON-ready particulars for the operation log and the journal.
    """

    operation: str
    verb: str
    workspace: str
    time: int
    refs: tuple[RefChange, ...] = ()
    packs: tuple[Pack, ...] = ()
    reused: frozenset[ObjectId] = frozenset()
    commits: tuple[CommitRecord, ...] = ()
    head: Head | None = None
    head_before: Head | None = None
    renamed: tuple[str, str] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the operation log.

    Parameters
    ----------
    sequence : int
        Position in the log, increasing; there may be gaps.
    operation : str
        The publication's unique id.
    verb, workspace, time, detail
        As published.
    refs : tuple of RefChange
        Refs that moved.
    head : HeadChange or None
        How the workspace's HEAD moved; None where the publication had none.
    renamed : tuple of (str, str) or None
        As published.
    """

    sequence: int
    operation: str
    verb: str
    workspace: str
    time: int
    refs: tuple[RefChange, ...]
    detail: Mapping[str, Any]
    head: HeadChange | None = None
    renamed: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An outbox row that is to become a journal object, then be marked as flushed.

    Parameters
    ----------
    sequence : int
        Sequence of its operation.
    key : str
        Key of the journal object in the store.
    data : bytes
        Its content: JSON in UTF-8.
    """

    sequence: int
    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class RunBatch:
    """Cell runs and environments that are to become one journal object, then be marked as flushed.

    Parameters
    ----------
    key : str
        Key of the journal object in the store.
    data : bytes
        Its content: JSON in ASCII.
    runs : tuple of (int, int)
        Sequences, and which version of each run it holds: one that was amended meanwhile is still to be written.
    environments : tuple of str
        Ids.
    """

    key: str
    data: bytes
    runs: tuple[tuple[int, int], ...]
    environments: tuple[str, ...]
