"""The verbs of `Repository` that tell how versions differ. What they rest on is in `inspecting` and `diffing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from lineageflow_jupyter.diffing import DatasetDiffs, TableDiff
from lineageflow_jupyter.inspecting import Inspector, diff_options
from lineageflow_jupyter.model.revisions import cell_of, split_place

Engine = Literal["pandas", "polars", "arrow"]
"""Library of frames."""


class Comparisons:
    """Part of `Repository`; changes nothing."""

    _inspector: Inspector
    _point_inspector: Callable[[], Inspector]

    def diff(
        self,
        a: str = "HEAD~1",
        b: str | None = None,
        *,
        datasets: str | Sequence[str] | None = None,
        columns: str | Sequence[str] | None = None,
        ignore: str | Sequence[str] = (),
        rtol: float = 0.0,
        atol: float = 0.0,
        exact: bool = False,
        key: str | Sequence[str] | None = None,
        engine: Engine | None = None,
    ) -> DatasetDiffs:
        """Compare two revisions, dataset by dataset, row by row.

        Parameters
        ----------
        a, b : str
            The older and the newer revision; `b` is HEAD by default. `a` alone may be a range: ``A..B``, or ``A...B``
            for what B did since their histories parted. ``REV:DATASET`` twice compares two datasets;
            ``NAME@{cell:ID}`` is a frame as a cell left it.
        datasets : str or sequence of str, optional
            Only these.
        columns, ignore : str or sequence of str, optional
            Only these columns, or all but these. Datasets that lack them are left out, unless all do.
        rtol, atol : float
            A float did not change if ``|old - new| <= atol + rtol * |old|``.
        exact : bool
            Whether dtypes, orders of categories, attrs and the like count as a difference where values are equal.
        key : str or sequence of str, optional
            Columns that identify rows. By default the declared key, else an index that is unique and means something,
            else the content of the rows.
        engine : {"pandas", "polars", "arrow"}, optional
            Library of the frames; by default that of the versions.

        Returns
        -------
        DatasetDiffs
            `TableDiff` by dataset, of those that differ. Nothing is read before it is asked for.

        Raises
        ------
        UnknownName
            If there is no such revision, dataset or column.
        KeyViolation
            If `key` does not identify rows in both versions.

        Examples
        --------
        >>> import pandas as pd, tempfile, lineageflow_jupyter as lf
        >>> repo = lf.init(tempfile.mkdtemp())
        >>> prices = pd.DataFrame({"item": ["a", "b"], "price": [1.5, 2.5]})
        >>> report = repo.commit({"prices": prices}, message="raw", keys={"prices": ["item"]})
        >>> report = repo.commit({"prices": prices.assign(price=[1.5, 3.0])}, message="dearer")
        >>> found = repo.diff("HEAD~1", "HEAD")["prices"]
        >>> found.summary.cells_changed, found.changed["price"].values.tolist()
        ({'price': 1}, [['b', 1, 1, 2.5, 3.0]])
        """
        options = diff_options(columns, ignore, rtol, atol, exact, engine)
        return self._reaching(a, b).diff(a, b, datasets, options, _key_names(key))

    def diff_frame(
        self,
        revision: str,
        frame: Any,
        *,
        columns: str | Sequence[str] | None = None,
        ignore: str | Sequence[str] = (),
        rtol: float = 0.0,
        atol: float = 0.0,
        exact: bool = False,
        key: str | Sequence[str] | None = None,
        engine: Engine | None = None,
    ) -> TableDiff:
        """Compare a stored version with a live frame; nothing is stored.

        Parameters
        ----------
        revision : str
            ``REV:DATASET``, ``DATASET`` for HEAD, or ``NAME@{cell:ID}`` for a frame as a cell left it.
        frame : frame
            The live frame. It must not change while the diff is used.
        columns, ignore, rtol, atol, exact, key, engine
            See `diff`.

        Raises
        ------
        UnknownName, KeyViolation
            See `diff`.
        UnsupportedData
            If the frame cannot be stored.
        """
        options = diff_options(columns, ignore, rtol, atol, exact, engine)
        return self._reaching(revision).diff_frame(revision, frame, options, _key_names(key))

    def _reaching(self, *places: str | None) -> Inspector:
        """What compares some places: frames as cells left them lie beside the repository."""
        cells = any(place is not None and cell_of(split_place(place)[0]) is not None for place in places)
        return self._point_inspector() if cells else self._inspector


def _key_names(key: str | Sequence[str] | None) -> Sequence[str] | None:
    return (key,) if isinstance(key, str) else key
