"""The catalog port. Implementation: `sql` (SQLAlchemy; SQLite now)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import (
    CommitRecord,
    Head,
    JournalEntry,
    Location,
    Operation,
    Publication,
    Ref,
    WorkspaceName,
)


@runtime_checkable
class Catalog(Protocol):
    """Refs, commits, object locations, workspaces and the operation log of one repository.

    Every method is one transaction. All methods may be called from several threads and processes.
    """

    @property
    def uuid(self) -> str:
        """The catalog's identity, as written in the store's ``repository.json``."""
        ...

    def ref(self, name: str) -> Ref | None:
        """Return one ref, or None."""
        ...

    def refs(self, *, kinds: Collection[str] = ("branch", "tag")) -> tuple[Ref, ...]:
        """Refs of the given kinds, sorted by name."""
        ...

    def commit(self, oid: ObjectId) -> CommitRecord | None:
        """Return one commit, or None."""
        ...

    def commits_with_prefix(self, prefix: str, *, limit: int = 10) -> tuple[ObjectId, ...]:
        """Ids of commits whose hexadecimal form starts with `prefix` (lower case, at least 1 digit), sorted."""
        ...

    def log(self, start: ObjectId, *, dataset: str | None = None, limit: int | None = None) -> tuple[CommitRecord, ...]:
        """Commits reachable from `start`, it included, children before parents, newest first among the unordered.

        Parameters
        ----------
        start : ObjectId
            Where to begin.
        dataset : str, optional
            Only commits that changed this dataset.
        limit : int, optional
            At most so many.
        """
        ...

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of `ids` that lie in packs that gc has not condemned."""
        ...

    def locate(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Location]:
        """Locations of those of `ids` that are stored (condemned packs included: they can still be read)."""
        ...

    def publish(self, publication: Publication) -> Operation:
        """Record new packs and commits, move refs, set HEAD, log the operation: all in one transaction.

        The refs are locked first and compared with `RefChange.before`. A publication whose operation id is in the
        log already is answered with that operation and changes nothing, so that a retry after a lost answer is safe.

        Raises
        ------
        RefMoved
            If a ref is not where the publication says; nothing was recorded.
        ObjectMissing
            If an object in `reused` lies in no live pack (gc condemned it since); nothing was recorded.
        NameTaken
            If a ref that is to be created exists.
        CatalogBusy, StorageFull, StorageDenied
            If the database refuses.
        """
        ...

    def outbox(self) -> Sequence[JournalEntry]:
        """Journal entries that are not flushed yet, oldest first."""
        ...

    def flushed(self, sequences: Collection[int]) -> None:
        """Mark journal entries as flushed."""
        ...

    def operations(self, *, after: int = 0, limit: int | None = None) -> tuple[Operation, ...]:
        """Operations with a sequence above `after` (exclusive), oldest first."""
        ...

    def workspace(self, name: WorkspaceName, *, branch: str) -> Head:
        """HEAD of the workspace known by `name`; a new one starts on `branch` without bases."""
        ...

    def set_head(self, head: Head) -> None:
        """Store HEAD of an existing workspace (branch and all bases)."""
        ...

    def close(self) -> None:
        """Release connections; the catalog may not be used afterwards."""
        ...
