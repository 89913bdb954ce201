"""The verbs of `Repository` that look at versions without making frames: ids, sizes, some rows as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.reports import ColumnSchema, TableTexts
from lineageflow_jupyter.model.revisions import split_dataset
from lineageflow_jupyter.version_frames import texts_at
from lineageflow_jupyter.versions import StoredVersion
from lineageflow_jupyter.workspace import Workspace


class Peeking:
    """Part of `Repository`; changes nothing, and counts as no version that was seen."""

    _history: History
    _workspace: Workspace
    _changes: Changes

    def versions(self, revision: str = "HEAD") -> Mapping[str, TreeEntry]:
        """Datasets of a revision with the ids of table and description, and their keys; sorted by name.

        Raises
        ------
        UnknownName
            If there is no such revision. HEAD of a branch without commits holds none.
        """
        head = self._workspace.head
        unborn = revision == "HEAD" and self._history.tip(head.branch) is None
        commit = None if unborn else self._history.resolve(revision, head).id
        return {entry.dataset: entry for entry in self._history.tree(commit).entries}

    def stored_bytes(self, place: str) -> int:
        """Bytes that the values of ``REV:DATASET`` take in the store; those that versions share count in each."""
        version = self._version(place)
        return version.reader.stored_bytes(version.columns)

    def texts(
        self, place: str, *, start: int = 0, stop: int = 20, columns: Sequence[str] | None = None, most: int = 1_000
    ) -> TableTexts:
        """Some rows of ``REV:DATASET`` as texts for people; nothing else is read.

        Parameters
        ----------
        place : str
            The version; ``DATASET`` alone is that of HEAD.
        start, stop : int
            Rows ``[start, stop)``, as far as there are any.
        columns : sequence of str, optional
            Names of columns, index levels included; all by default.
        most : int
            At most so many columns, the first of them.

        Raises
        ------
        UnknownName
            If there is no such revision, dataset or column.

        Examples
        --------
        >>> import pandas as pd, tempfile, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> prices = pd.DataFrame({"item": ["a", "b"], "price": [1.5, None]})
        >>> report = repo.commit({"prices": prices}, message="raw")
        >>> repo.texts("main:prices", columns=["item", "price"]).rows
        (('a', '1.5'), ('b', 'NaN'))
        """
        if start < 0 or stop < start:
            raise UsageProblem(
                f"rows {start} to {stop} are no range", remedy="Give a start from 0 on, and a later stop"
            )
        version = self._version(place)
        known = [column.name for column in version.table.columns]
        places = list(range(len(known)))[:most]
        if columns is not None:
            for name in columns:
                if name not in known:
                    raise unknown("column", name, known, f"Its columns are {', '.join(known[:8])}", f" in {place!r}")
            wanted = set(columns)
            places = [number for number, name in enumerate(known) if name in wanted][:most]
        rows = np.arange(min(start, version.table.rows), min(stop, version.table.rows), dtype=np.int64)
        texts = [texts.to_pylist() for texts in texts_at(version, places, rows)] if places else []
        told = [
            ColumnSchema(version.table.columns[number].name, version.table.columns[number].role, str(column.type))
            for number, column in ((number, version.columns[number]) for number in places)
        ]
        by_row = tuple(zip(*texts, strict=True)) if texts else tuple(() for _ in rows)
        return TableTexts(
            version.entry.dataset, version.table.rows, len(known), tuple(told), int(rows[0]) if len(rows) else 0, by_row
        )

    def _version(self, place: str) -> StoredVersion:
        revision, dataset = split_dataset(place)
        record = self._history.resolve(revision, self._workspace.head)
        return self._changes.stored(self._history.entry(record, dataset, revision))
