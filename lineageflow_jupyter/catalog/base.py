"""The catalog port. Implementation: `sql` (SQLAlchemy; SQLite now)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from lineageflow_jupyter.model.cells import (
    EVERY_RUN,
    CellRun,
    Environment,
    External,
    FrameState,
    FrameWrite,
    RunFilter,
    TableUse,
)
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.records import (
    EVERY_COMMIT,
    CommitRecord,
    Head,
    JournalEntry,
    Location,
    LogFilter,
    Move,
    Operation,
    Publication,
    Ref,
    RunBatch,
    WorkspaceName,
    WorkspaceRecord,
)


@runtime_checkable
class Catalog(Protocol):
    """Refs, commits, object locations, workspaces, the operation log and the cell runs of one repository.

    Every method is one transaction. All methods may be called from several threads and processes.
    """

    @property
    def uuid(self) -> str:
        """The catalog's identity, as written in the store's ``repository.json``."""
        ...

    def state(self) -> str:
        """A text that is another one once anything was written, by whichever thread or process.

        Whoever follows a catalog asks for it first, and looks further only where it differs: it is cheap enough to be
        asked for many times a second. It says nothing to another process, nor after the catalog was opened again.
        """
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

    def commits(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, CommitRecord]:
        """Those of `ids` that are commits, read together."""
        ...

    def ancestor(self, oid: ObjectId, steps: int) -> tuple[ObjectId, int]:
        """Go back along first parents, as far as there are any.

        Parameters
        ----------
        oid : ObjectId
            Where to begin.
        steps : int
            How far; 0 is the commit itself.

        Returns
        -------
        ObjectId, int
            The commit, and how many steps lead to it: fewer than asked for where the history begins there.

        Raises
        ------
        ObjectMissing
            If there is no commit `oid`.
        """
        ...

    def commits_with_prefix(self, prefix: str, *, limit: int = 10) -> tuple[ObjectId, ...]:
        """Ids of commits whose hexadecimal form starts with `prefix` (lower case, at least 1 digit), sorted."""
        ...

    def log(
        self,
        starts: Collection[ObjectId],
        *,
        exclude: Collection[ObjectId] = (),
        wanted: LogFilter = EVERY_COMMIT,
        skip: int = 0,
        limit: int | None = None,
    ) -> tuple[CommitRecord, ...]:
        """Commits reachable from `starts`, them included: children before parents, newest first among the unordered.

        Parameters
        ----------
        starts : collection of ObjectId
            Where to begin.
        exclude : collection of ObjectId
            Leave out what is reachable from these, them included.
        wanted : LogFilter
            Only these commits.
        skip : int
            Leave out so many of the first that are wanted.
        limit : int, optional
            At most so many.

        Raises
        ------
        ObjectMissing
            If one of `starts` or `exclude` is no commit.
        """
        ...

    def divergence(self, base: ObjectId, tips: Collection[ObjectId]) -> Mapping[ObjectId, tuple[int, int]]:
        """For each tip: how many commits it has that `base` has not (ahead), and how many it lacks (behind).

        One walk for all tips, no further back than where all histories are one.

        Raises
        ------
        ObjectMissing
            If `base` or one of `tips` is no commit.
        """
        ...

    def known(self, ids: Collection[ObjectId]) -> frozenset[ObjectId]:
        """Those of `ids` that lie in packs that gc has not condemned."""
        ...

    def of_kind(self, ids: Collection[ObjectId], kind: Kind) -> frozenset[ObjectId]:
        """Those of `ids` under which an object of a kind is stored."""
        ...

    def locate(self, ids: Collection[ObjectId]) -> Mapping[ObjectId, Location]:
        """Locations of those of `ids` that are stored (condemned packs included: they can still be read)."""
        ...

    def publish(self, publication: Publication) -> Operation:
        """Record new packs and commits, move refs, set HEAD, log the operation: all in one transaction.

        The refs are locked first and compared with `RefChange.before`. Each that moves, and the workspace's HEAD if
        its branch does, gets a line in its reflog. A publication whose operation id is in the
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

    def last_operations(
        self, workspace: str | None, *, before: int | None = None, limit: int | None = None
    ) -> tuple[Operation, ...]:
        """Operations with a sequence below `before` (exclusive; default: all), newest first.

        Those of one workspace, by its id, or of all (None).
        """
        ...

    def reflog(
        self, name: str, *, workspace: str = "", until: int | None = None, skip: int = 0, limit: int | None = None
    ) -> tuple[Move, ...]:
        """Where a ref pointed over time, newest first; it outlives the ref.

        Parameters
        ----------
        name : str
            Name of the ref, or ``"HEAD"``.
        workspace : str
            Whose HEAD, for ``"HEAD"``: the commits and branches that it was at, a line for each operation of that
            workspace that switched branches or moved the branch it was on.
        until : int, optional
            Only operations at or before this time, in microseconds since 1970-01-01 UTC.
        skip : int
            Leave out so many of the newest.
        limit : int, optional
            At most so many.
        """
        ...

    def last_moves(self, names: Collection[str]) -> Mapping[str, int]:
        """Sequence of the last operation that moved each of these refs; of those that ever moved."""
        ...

    def workspace(self, name: WorkspaceName, *, branch: str, process: str = "", time: int = 0) -> Head:
        """HEAD of the workspace known by `name`; a new one starts on `branch` without bases.

        Parameters
        ----------
        name : WorkspaceName
            What it is recognised by.
        branch : str
            Where a new one starts.
        process : str
            Who opens it, for `workspaces`; ``""`` leaves what is remembered as it is. Where nothing can be written, or
            another process is writing, it is not remembered.
        time : int
            When, in microseconds since 1970-01-01 UTC.
        """
        ...

    def known_workspace(self, name: WorkspaceName) -> WorkspaceRecord | None:
        """Return the workspace known by `name`, or None; unlike `workspace`, this makes no new one."""
        ...

    def workspaces(self) -> tuple[WorkspaceRecord, ...]:
        """All workspaces, the one that was opened last first."""
        ...

    def adopt(self, workspace: str, source: str) -> Head:
        """Give a workspace the HEAD (branch and bases) of another one, by their ids; its HEAD as it is then.

        Raises
        ------
        UnknownName
            If there is no workspace `source` or `workspace`.
        """
        ...

    def set_head(self, head: Head) -> None:
        """Store HEAD of an existing workspace (branch and all bases)."""
        ...

    def record_run(self, run: CellRun) -> int:
        """Remember a cell run; its place in the log of runs, which increases.

        A run that is known by its id already is answered with its place, and stays as it is: recording it again after
        a lost answer is safe. What is recorded survives the process; that it survives a loss of power too is only
        sure after the next `publish`.

        Parameters
        ----------
        run : CellRun
            The run; its `sequence` is passed over.

        Raises
        ------
        InvalidName
            If its id is no text.
        CatalogBusy, StorageFull, StorageDenied
            If the database refuses.
        """
        ...

    def amend_run(
        self,
        run: str,
        *,
        reads: Sequence[FrameState] | None = None,
        writes: Sequence[FrameWrite] | None = None,
        external: Sequence[External] | None = None,
        environment: str | None = None,
    ) -> CellRun:
        """Replace what was not known yet when a run was recorded, such as snapshots; the run as it is then.

        Parameters
        ----------
        run : str
            Its id.
        reads, writes, external, environment : optional
            What replaces what was recorded; None leaves it, so that two that amend different things do not undo each
            other.

        Raises
        ------
        UnknownName
            If there is no such run.
        CatalogBusy, StorageFull, StorageDenied
            If the database refuses.
        """
        ...

    def run(self, run: str) -> CellRun | None:
        """Cell run of that id, or None."""
        ...

    def runs_by_id(self, ids: Collection[str]) -> Mapping[str, CellRun]:
        """Those of `ids` that are cell runs, read together."""
        ...

    def runs_with_prefix(self, prefix: str, *, limit: int = 10) -> tuple[str, ...]:
        """Ids of cell runs that start with `prefix` (hexadecimal, lower case, at least 1 digit), sorted."""
        ...

    def runs(self, *, after: int = 0, wanted: RunFilter = EVERY_RUN, limit: int | None = None) -> tuple[CellRun, ...]:
        """Cell runs with a sequence above `after` (exclusive), oldest first; whoever follows them misses none."""
        ...

    def last_runs(
        self,
        *,
        before: int | None = None,
        wanted: RunFilter = EVERY_RUN,
        limit: int | None = None,
        edges: bool = True,
    ) -> tuple[CellRun, ...]:
        """Cell runs with a sequence below `before` (exclusive; default: all), newest first.

        Without `edges` their operations lack the edges between columns, which are most of what there is to read.
        """
        ...

    def runs_of_tables(self, tables: Collection[ObjectId]) -> Mapping[ObjectId, tuple[TableUse, ...]]:
        """By table, of those that were: the cell runs that read it or held it before or after, oldest first."""
        ...

    def record_environment(self, environment: Environment) -> str:
        """Remember what code ran in, each environment once; its id, which runs name.

        Raises
        ------
        CatalogBusy, StorageFull, StorageDenied
            If the database refuses.
        """
        ...

    def environment(self, environment: str) -> Environment | None:
        """Environment of that id, or None."""
        ...

    def pending_runs(self, *, limit: int) -> RunBatch | None:
        """At most so many runs whose latest version is not in the journal yet, oldest first, and all such environments.

        None where nothing is pending.
        """
        ...

    def runs_flushed(self, batch: RunBatch) -> None:
        """Mark what a batch holds as flushed; a run that was amended since it was gathered stays pending."""
        ...

    def close(self) -> None:
        """Release connections; the catalog may not be used afterwards."""
        ...
