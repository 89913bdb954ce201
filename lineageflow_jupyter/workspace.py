"""HEAD of a workspace: the branch, and what this workspace has seen of each dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import RLock

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import StorageError
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.records import Head


class Workspace:
    """HEAD, kept in memory for this process and in the catalog for the next one.

    Two processes of one workspace (a notebook in two tabs) each keep their own: what one commits, the other has not
    seen. A HEAD without a workspace (its id is empty) lives as long as the process.

    Parameters
    ----------
    catalog : Catalog
        Where HEAD is remembered.
    history : History
        For the versions behind the bases.
    head : Head
        As the catalog remembers it.
    """

    def __init__(self, catalog: Catalog, history: History, head: Head) -> None:
        self._catalog = catalog
        self._history = history
        self._lock = RLock()
        self._head = head
        tip = history.tip(head.branch)
        if not head.bases and tip is not None:  # a new workspace starts from the branch as it is, as a fresh clone does
            self._head = replace(head, bases={entry.dataset: tip for entry in history.tree(tip).entries})

    @property
    def head(self) -> Head:
        """HEAD as it is now."""
        return self._head

    def seen(self, dataset: str) -> TreeEntry | None:
        """Version of a dataset that this workspace last read, checked out or committed; None if it never did."""
        return self.seen_of([dataset])[dataset]

    def seen_of(self, datasets: Collection[str]) -> dict[str, TreeEntry | None]:
        """Versions of datasets that this workspace last read, checked out or committed, looked up together."""
        bases = self._head.bases
        found = self._history.versions([(bases[name], name) for name in datasets if name in bases])
        return {name: found[bases[name], name] if name in bases else None for name in datasets}

    def saw(self, bases: Mapping[str, ObjectId]) -> None:
        """Note at which commits datasets were seen. This is no operation: it changes nothing that could be undone."""
        with self._lock:
            self._keep(self._after(None, bases, ()))

    def forget(self, datasets: Collection[str]) -> None:
        """Note that the workspace has seen no version of some datasets. This is no operation either."""
        with self._lock:
            self._keep(self._after(None, {}, datasets))

    @contextmanager
    def moving(
        self, branch: str | None, bases: Mapping[str, ObjectId], forgotten: Collection[str]
    ) -> Iterator[Head | None]:
        """HEAD after an operation, for its publication to store; taken over where the block succeeds.

        Other threads wait: a HEAD that was made from an older one would undo theirs.

        Parameters
        ----------
        branch : str or None
            The branch it goes to; None: it stays.
        bases : mapping of str to ObjectId
            Commits at which datasets were seen.
        forgotten : collection of str
            Datasets of which the workspace has seen no version from now on.

        Yields
        ------
        Head or None
            None where nothing moves that is to be remembered.
        """
        with self._lock:
            moved = self._after(branch, bases, forgotten)
            yield None if moved == self._head or not moved.workspace else moved
            self._head = moved

    def use(self, head: Head) -> None:
        """Take over what the catalog holds for this workspace."""
        with self._lock:
            self._head = head

    def _keep(self, moved: Head) -> None:
        if moved.workspace and moved != self._head:
            with suppress(StorageError):  # reading must go on where nothing can be written
                self._catalog.set_head(moved)
        self._head = moved

    def _after(self, branch: str | None, bases: Mapping[str, ObjectId], forgotten: Collection[str]) -> Head:
        kept = {name: commit for name, commit in self._head.bases.items() if name not in forgotten}
        return replace(self._head, branch=branch or self._head.branch, bases={**kept, **bases})
