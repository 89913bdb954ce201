"""The verbs of `Repository` that keep what the cells of notebooks did, and tell it again."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import AmbiguousName, LineageFlowError, UnknownName
from lineageflow_jupyter.lineage.redaction import without_secrets
from lineageflow_jupyter.model.cells import (
    CellRun,
    Environment,
    External,
    FrameState,
    FrameWrite,
    OperationRecord,
    RunFilter,
    TableUse,
)
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.publishing import flush_runs
from lineageflow_jupyter.store.base import ObjectStore

JOURNAL_EVERY = 200
"""So many runs are recorded before they are written to the journal, where no commit and no closing does it before."""


class RunLog:
    """Records cell runs, and has many of them written to the journal together.

    Safe to use from several threads.

    Parameters
    ----------
    catalog : Catalog
        Where they are recorded.
    store : ObjectStore
        Where the journal lies.
    """

    def __init__(self, catalog: Catalog, store: ObjectStore) -> None:
        self._catalog = catalog
        self._store = store
        self._lock = threading.Lock()
        self._owed = 0

    def record(self, run: CellRun) -> int:
        """Record a run, without the secrets in it."""
        sequence = self._catalog.record_run(_clean(run))
        self._owe()
        return sequence

    def amend(
        self,
        run: str,
        reads: Sequence[FrameState] | None,
        writes: Sequence[FrameWrite] | None,
        external: Sequence[External] | None,
        environment: str | None,
    ) -> CellRun:
        """Amend a run that was recorded."""
        told = None if external is None else [_clean_external(each) for each in external]
        amended = self._catalog.amend_run(run, reads=reads, writes=writes, external=told, environment=environment)
        self._owe()
        return amended

    def close(self) -> None:
        """Write what this process has recorded to the journal, if that can be; else the next one to open does it."""
        with self._lock:
            owed, self._owed = self._owed, 0
        if owed:
            self._flush()

    def _owe(self) -> None:
        with self._lock:
            self._owed += 1
            if self._owed < JOURNAL_EVERY:
                return
            self._owed = 0
        self._flush()

    def _flush(self) -> None:
        with suppress(LineageFlowError):  # the catalog has them; they stay pending
            flush_runs(self._catalog, self._store)


def _clean(run: CellRun) -> CellRun:
    return replace(
        run,
        code=None if run.code is None else without_secrets(run.code),
        external=tuple(map(_clean_external, run.external)),
        operations=tuple(map(_clean_operation, run.operations)),
    )


def _clean_external(external: External) -> External:
    return replace(external, location=without_secrets(external.location))


def _clean_operation(operation: OperationRecord) -> OperationRecord:
    return replace(operation, parameters=without_secrets(operation.parameters))


class Recording:
    """Part of `Repository`; moves no refs."""

    _catalog: Catalog
    _runs: RunLog

    def record_run(self, run: CellRun) -> int:
        """Remember what one execution of a cell did.

        A run that is known by its id already stays as it is, so that recording it again is safe. Passwords and tokens
        within addresses are left out of code, parameters and locations. Many runs together are written to the journal,
        at the next commit at the latest, so that a repository that lost its catalog knows them.

        Parameters
        ----------
        run : CellRun
            The run; its `sequence` is passed over.

        Returns
        -------
        int
            Its place in the log of runs, which increases.

        Raises
        ------
        StorageDenied, StorageFull, CatalogBusy
            If it cannot be recorded.

        Examples
        --------
        >>> import tempfile, lineageflow_jupyter as lf
        >>> from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> flights = FrameState("flights", "flights", None, None, rows=3, columns=2, note="not computed yet")
        >>> run = CellRun(
        ...     run="6f" * 16, workspace="", notebook="flights.ipynb", cell="a1", number=7,
        ...     code="flights = pd.read_csv('flights.csv')", user="ada", started=0, duration=1_500, outcome="ok",
        ...     writes=(FrameWrite(None, flights),),
        ... )
        >>> repo.record_run(run)
        1
        >>> [found.code for found in repo.cell_runs("flights", written=True)]
        ["flights = pd.read_csv('flights.csv')"]
        >>> repo.cell_run("6f6f").number
        7
        """
        return self._runs.record(run)

    def amend_run(
        self,
        run: str,
        *,
        reads: Sequence[FrameState] | None = None,
        writes: Sequence[FrameWrite] | None = None,
        external: Sequence[External] | None = None,
        environment: str | None = None,
    ) -> CellRun:
        """Replace what was not known yet when a run was recorded, such as the snapshots of what it wrote.

        Parameters
        ----------
        run : str
            Its whole id.
        reads, writes, external, environment : optional
            What replaces what was recorded; None leaves it.

        Returns
        -------
        CellRun
            The run as it is then; its place in the log stays.

        Raises
        ------
        UnknownName
            If there is no such run.
        StorageDenied, StorageFull, CatalogBusy
            If it cannot be recorded.
        """
        return self._runs.amend(run, reads, writes, external, environment)

    def cell_run(self, run: str) -> CellRun:
        """Return one cell run.

        Parameters
        ----------
        run : str
            Its id, or as many of its first digits as tell it from all others.

        Raises
        ------
        UnknownName
            If there is none.
        AmbiguousName
            If several begin so.
        """
        whole = self._catalog.run(run)
        if whole is not None:
            return whole
        ids = self._catalog.runs_with_prefix(run.lower(), limit=10)
        if len(ids) > 1:
            raise AmbiguousName(
                f"{run!r} begins the ids of several cell runs: {', '.join(each[:12] for each in ids)}",
                remedy="Write more of its digits",
            )
        found = self._catalog.run(ids[0]) if ids else None
        if found is None:
            raise UnknownName(f"there is no cell run {run!r}", remedy="`repo.cell_runs()` lists those that there are")
        return found

    def cell_runs(
        self,
        dataset: str | None = None,
        *,
        written: bool = False,
        workspace: str | None = None,
        notebook: str | None = None,
        cell: str | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> tuple[CellRun, ...]:
        """Cell runs of all notebooks of the repository, newest first.

        Parameters
        ----------
        dataset : str, optional
            Only runs that read or wrote it.
        written : bool, optional
            Only runs that wrote `dataset`, which includes deleting it.
        workspace, notebook, cell : str, optional
            Only runs there.
        number : int, optional
            Only runs with this execution count.
        before : int, optional
            Only runs with a sequence below: for the next page.
        limit : int, optional
            At most so many.
        """
        wanted = RunFilter(workspace, notebook, cell, number, dataset, written)
        return self._catalog.last_runs(before=before, wanted=wanted, limit=limit)

    def cell_runs_after(
        self, sequence: int, *, workspace: str | None = None, notebook: str | None = None, limit: int | None = None
    ) -> tuple[CellRun, ...]:
        """Cell runs recorded after another one, oldest first; whoever asks again and again misses none.

        Parameters
        ----------
        sequence : int
            Sequence of the last run that is known; 0: none is.
        workspace, notebook : str, optional
            Only runs there.
        limit : int, optional
            At most so many.
        """
        return self._catalog.runs(after=sequence, wanted=RunFilter(workspace, notebook), limit=limit)

    def cell_runs_of_tables(self, tables: Collection[ObjectId]) -> Mapping[ObjectId, tuple[TableUse, ...]]:
        """By table id: the cell runs that read it, or held it before or after what they changed, oldest first.

        Parameters
        ----------
        tables : collection of ObjectId
            Ids of tables; those that no run met are left out of the answer.
        """
        return self._catalog.runs_of_tables(tables)

    def record_environment(self, environment: Environment) -> str:
        """Remember what code runs in, each environment once; its id, for `CellRun.environment`.

        Raises
        ------
        StorageDenied, StorageFull, CatalogBusy
            If it cannot be recorded.
        """
        return self._catalog.record_environment(environment)

    def environment(self, environment: str) -> Environment:
        """Return what a run ran in, by the id that it names.

        Raises
        ------
        UnknownName
            If there is none.
        """
        found = self._catalog.environment(environment)
        if found is None:
            raise UnknownName(f"there is no environment {environment!r}", remedy="Take the id from a cell run")
        return found
