"""polars frames as `gathering.Gatherer`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.gathering import Label, Misfit, Rows, first_misfit
from lineageflow_jupyter.frames.polars_frames import HAS_CATEGORIES, is_series


class PolarsGatherer:
    """DataFrames or Series; they have no index."""

    def __init__(self, versions: Sequence[Any]) -> None:
        self._single = all(is_series(version) for version in versions)
        self._columns = [[version] if is_series(version) else version.get_columns() for version in versions]

    def column(self, version: int, position: int) -> Any:
        """Return a data column."""
        return self._columns[version][position]

    def level(self, version: int, position: int) -> Any:
        """Return an index level of a version that was read by polars: it is a column like others."""
        raise LookupError(f"polars has no index level {position}")

    def dtype(self, column: Any) -> Any:
        """Return the dtype of a column."""
        return column.dtype

    def gathered(self, pieces: Sequence[Any], rows: Rows) -> Any:
        """Return rows of some pieces."""
        kind = pieces[0].dtype
        used = [piece for piece in pieces if len(piece)] or [pieces[0]]
        if len(used) > 1 and not HAS_CATEGORIES and kind != pl.Categorical and "Categorical" in str(kind):
            raise UnsupportedData("polars before 1.32 confuses categories inside other values", remedy="Update polars")
        parts = [piece if piece.dtype == kind else _converted(piece, kind) for piece in used]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pl.exceptions.CategoricalRemappingWarning)
            joined = parts[0] if len(parts) == 1 else pl.concat([part.alias("") for part in parts])
        if len(rows) == len(joined) and (rows == np.arange(len(rows))).all():
            return joined
        at = pl.Series(rows.astype(np.int64))
        return joined.gather(at.set(at < 0, None))

    def piece(self, values: Sequence[Any], like: Any) -> Any:
        """Return a column of the dtype of another one, of Python values."""
        kind = like.dtype
        try:
            found = pl.Series(list(values), dtype=kind, strict=True)
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            raise Misfit(f"a value does not fit into {kind} ({error})") from error
        wrong = first_misfit(list(values), found.to_list(), kind)
        if wrong is not None:
            raise wrong
        return found

    def objects(self, column: Any) -> list[Any]:
        """Return the values of a column as Python objects."""
        return list(column.to_list())

    def counted(self, version: int, rows: Rows) -> Any:
        """Return row numbers, as a column."""
        return pl.Series(rows.astype(np.int64))

    def coded(self, codes: Rows, values: Any) -> Any:
        """Return a frame of codes and values."""
        return pl.DataFrame([pl.Series("code", codes), values.alias("value")])

    def frame(self, columns: Sequence[tuple[Label, Any]], levels: Sequence[tuple[Label, Any]] | None, rows: int) -> Any:
        """Return the frame of some columns."""
        named = [values.alias(self._columns[label.version][label.position].name) for label, values in columns]
        return named[0] if self._single and len(named) == 1 else pl.DataFrame(named)


def _converted(piece: Any, kind: Any) -> Any:
    try:
        found = piece.cast(kind, strict=True)
    except pl.exceptions.PolarsError as error:
        raise Misfit(f"{piece.dtype} does not fit into {kind} ({error})") from error
    wrong = first_misfit(piece.to_list(), found.to_list(), kind)
    if wrong is not None:
        raise wrong
    return found
