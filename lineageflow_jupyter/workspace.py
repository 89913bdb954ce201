"""HEAD of a workspace: the branch, and what this workspace has seen of each dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import RLock

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import StorageDenied, StorageError
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.records import Head


class Workspace:
    """HEAD, kept in memory for this process and in the catalog for the next one.

    Two processes of one workspace (a notebook in two tabs) each keep their own: what one commits, the other has not
    seen.

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
        base = self._head.bases.get(dataset)
        return None if base is None else self._history.tree(base).get(dataset)

    def saw(self, dataset: str, commit: ObjectId) -> None:
        """Note that a commit's version of a dataset was read.

        Only the branch's present version counts: reading an older one, to compare, takes nothing back.
        """
        if commit == self._history.tip(self._head.branch) and self._head.bases.get(dataset) != commit:
            self.move(bases={dataset: commit})

    def after(self, bases: Mapping[str, ObjectId]) -> Head:
        """HEAD as it will be once these bases are published."""
        return replace(self._head, bases={**self._head.bases, **bases})

    @contextmanager
    def moving(self, bases: Mapping[str, ObjectId]) -> Iterator[Head]:
        """HEAD with these bases, for a publication to store; taken over where the block succeeds.

        Other threads wait: a HEAD that was made from an older one would undo theirs.
        """
        with self._lock:
            head = self.after(bases)
            yield head
            self._head = head

    def move(self, *, branch: str | None = None, bases: Mapping[str, ObjectId] | None = None) -> Head:
        """Change branch or bases, and remember it."""
        with self._lock:
            moved = replace(self.after(bases or {}), branch=branch or self._head.branch)
            if moved != self._head:
                # Reading must go on where nothing can be written: HEAD then lives as long as the process.
                with suppress(StorageDenied if branch else StorageError):
                    self._catalog.set_head(moved)
                self._head = moved
            return moved
