"""The verbs of `Repository` that tell where values come from; they rest on `blaming`, `row_history` and `ancestry`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineageflow_jupyter.ancestry import Ancestry
from lineageflow_jupyter.blaming import Blame, blame
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.history import History
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.revisions import cell_of, split_dataset
from lineageflow_jupyter.reasons import RunOf
from lineageflow_jupyter.row_history import RowHistory, row_history
from lineageflow_jupyter.tables import Objects
from lineageflow_jupyter.versions import StoredVersion
from lineageflow_jupyter.workspace import Workspace


class Provenance:
    """Part of `Repository`; changes nothing."""

    _history: History
    _workspace: Workspace
    _changes: Changes
    _objects: Objects
    _run_of: RunOf

    def blame(self, place: str, *, columns: str | Sequence[str] | None = None, rows: Any = None) -> Blame:
        """Tell for each value of a dataset the commit that gave it.

        That is the commit in which the value appears, and stays from then on: a value that was changed and changed back
        is from the last change, and rows or columns that were removed and added again are new. A renamed column is
        followed if nothing else about it changed and its values are not all one; a column of another type is new. What
        came in by a merge is from the commits that were merged; only what none of these holds is from the merge itself.
        A dataset that was given another name is followed into its old one; where the same commit changed its table, or
        it was empty, it is new.

        Parameters
        ----------
        place : str
            ``REV:DATASET``, or ``DATASET`` for HEAD.
        columns : str or sequence of str, optional
            Only these columns; all by default, with the index levels that say more than where a row once stood: plain
            integers without a name, such as a filter leaves, are no values.
        rows : int, slice, range, sequence of int, mapping or tuple, optional
            Only these rows: by number; or one row by values that identify it, by column, or as a tuple in the order
            of the key.

        Returns
        -------
        Blame
            Codes and the list of commits that they stand for; ``to_frame()``, ``cells()``.

        Raises
        ------
        UnknownName
            If there is no such revision, dataset, column or row.
        AmbiguousName
            If several rows have the values.
        UsageProblem
            If rows cannot be chosen that way.

        Examples
        --------
        >>> import pandas as pd, tempfile, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> prices = pd.DataFrame({"item": ["a", "b"], "price": [1.5, 2.5]})
        >>> report = repo.commit({"prices": prices}, message="raw", keys={"prices": ["item"]})
        >>> report = repo.commit({"prices": prices.assign(price=[1.5, 3.0])}, message="dearer")
        >>> found = repo.blame("prices", columns="price")
        >>> [found.commits[code].commit.message for code in found.codes["price"]]
        ['raw', 'dearer']
        """
        record, version, ancestry = self._past(place)
        chosen = (columns,) if isinstance(columns, str) else columns
        return blame(ancestry, version, record, chosen, rows, self._run_of)

    def history(self, place: str, *, row: Any) -> RowHistory:
        """Tell what commits did to one row of a dataset, newest first; under its older names too, as in `blame`.

        Parameters
        ----------
        place : str
            ``REV:DATASET``, or ``DATASET`` for HEAD.
        row : int, mapping or tuple
            Its number in that version; or values that identify it, by column, or as a tuple in the order of the key.
            By values a row is also found that is not there any more.

        Returns
        -------
        RowHistory
            A sequence of `RowVersion`: commit, operation (``"insert"``, ``"update"``, ``"move"``, ``"delete"``),
            and the cells that changed, values as texts.

        Raises
        ------
        UnknownName, AmbiguousName, UsageProblem
            See `blame`.

        Examples
        --------
        >>> import pandas as pd, tempfile, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> prices = pd.DataFrame({"item": ["a", "b"], "price": [1.5, 2.5]})
        >>> report = repo.commit({"prices": prices}, message="raw", keys={"prices": ["item"]})
        >>> report = repo.commit({"prices": prices.assign(price=[1.5, 3.0])}, message="dearer")
        >>> [(each.operation, each.commit.commit.message) for each in repo.history("prices", row={"item": "b"})]
        [('update', 'dearer'), ('insert', 'raw')]
        """
        record, version, ancestry = self._past(place)
        return row_history(ancestry, version, record, row)

    def _past(self, place: str) -> tuple[CommitRecord, StoredVersion, Ancestry]:
        """Commit and version of a place, and what went before it."""
        if not isinstance(place, str):
            raise UsageProblem(
                f"a committed dataset was expected, such as 'main:flights', {type(place).__name__} found",
                remedy="Commit the frame first: then each of its values has a commit",
            )
        revision, dataset = split_dataset(place)
        if cell_of(revision) is not None:
            raise UsageProblem(
                f"{place!r} is a frame as a cell left it, and no commit holds it by that name",
                remedy=f"Blame what was committed: `%lf blame {dataset}`; or compare: `%lf diff {place} {dataset}`",
            )
        record = self._history.resolve(revision, self._workspace.head)
        entry = self._history.entry(record, dataset, revision)
        return record, self._changes.stored(entry), Ancestry(self._history, self._changes, self._objects)
