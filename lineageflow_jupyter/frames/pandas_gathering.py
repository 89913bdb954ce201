"""pandas frames as `gathering.Gatherer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype

from lineageflow_jupyter.frames.gathering import Label, Misfit, Rows, first_misfit
from lineageflow_jupyter.frames.pandas_frames import WIDE


class PandasGatherer:
    """DataFrames or Series."""

    def __init__(self, versions: Sequence[Any]) -> None:
        self._versions = versions
        self._single = all(isinstance(version, pd.Series) for version in versions)

    def column(self, version: int, position: int) -> Any:
        """Return a data column as a bare Series."""
        frame = self._versions[version]
        return _bare(frame if isinstance(frame, pd.Series) else frame.iloc[:, position])

    def level(self, version: int, position: int) -> Any:
        """Return an index level as a bare Series."""
        level = self._versions[version].index.get_level_values(position)
        return pd.Series(level.array, dtype=level.dtype, copy=False)

    def dtype(self, column: Any) -> Any:
        """Return the dtype of a column."""
        return column.dtype

    def gathered(self, pieces: Sequence[Any], rows: Rows) -> Any:
        """Return rows of some pieces."""
        missing = bool(len(rows)) and int(rows.min()) < 0
        kind = _with_missing(pieces[0].dtype) if missing else pieces[0].dtype
        parts = _alike([_bare(piece) for piece in pieces if len(piece) or piece is pieces[0]], kind)
        if missing:
            length = sum(map(len, parts))
            rows = np.where(rows < 0, length, rows)
            try:
                parts.append(pd.Series([None], dtype=parts[0].dtype))
            except (TypeError, ValueError) as error:
                raise Misfit(f"{kind} holds no missing values ({error})") from error
        joined = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
        return _bare(joined.take(rows))

    def piece(self, values: Sequence[Any], like: Any) -> Any:
        """Return a column of the dtype of another one, of Python values."""
        objects = pd.Series(list(values), dtype=object)
        kind = like.dtype
        if isinstance(kind, pd.CategoricalDtype):
            known = kind.categories
            more = pd.Index(objects.dropna().unique(), dtype=object).difference(known.astype(object), sort=False)
            added = _converted(pd.Series(more, dtype=object), known.dtype)
            kind = pd.CategoricalDtype(_appended(known, added), kind.ordered)
        return _converted(objects, kind)

    def objects(self, column: Any) -> list[Any]:
        """Return the values of a column as Python objects."""
        return list(column.astype(object))

    def counted(self, version: int, rows: Rows) -> Any:
        """Return counted labels as a bare Series."""
        labels = self._versions[version].index
        return pd.Series(labels.start + labels.step * rows.astype(np.int64), dtype="int64")

    def coded(self, codes: Rows, values: Any) -> Any:
        """Return a frame of codes and values."""
        return pd.DataFrame({"code": codes, "value": values})

    def frame(self, columns: Sequence[tuple[Label, Any]], levels: Sequence[tuple[Label, Any]] | None, rows: int) -> Any:
        """Return the frame of some columns."""
        like: Any = self._versions[0]
        index = like.index if levels is None else self._index(levels, rows)
        if self._single and len(columns) == 1:
            series = columns[0][1].set_axis(index)
            series.name = self._versions[columns[0][0].version].name
            return series.__finalize__(like)
        parts = {place: values.set_axis(index) for place, (_, values) in enumerate(columns)}
        frame: Any = pd.DataFrame(parts, index=index, copy=len(parts) >= WIDE)
        frame.columns = self._labels([label for label, _ in columns])
        return frame.__finalize__(like)

    def _index(self, levels: Sequence[tuple[Label, Any]], rows: int) -> Any:
        if not levels:
            return pd.RangeIndex(rows, name=self._versions[0].index.name)
        names = [self._versions[label.version].index.names[label.position] for label, _ in levels]
        if len(levels) == 1 and not isinstance(self._versions[0].index, pd.MultiIndex):
            ((_, values),) = levels
            return pd.Index(values.array, dtype=values.dtype, name=names[0], tupleize_cols=False)
        return pd.MultiIndex.from_arrays(
            [pd.Index(values.array, dtype=values.dtype) for _, values in levels], names=names
        )

    def _labels(self, labels: Sequence[Label]) -> Any:
        """Column labels, as an index of the first version's kind where they are the same."""
        known = [_columns_of(version) for version in self._versions]
        used = sorted({label.version for label in labels})
        if any(known[number].nlevels != known[0].nlevels for number in used):
            flat = [str(known[label.version][label.position]) for label in labels]
            return pd.Index(flat, tupleize_cols=False)
        starts = np.cumsum([0, *(len(known[number]) for number in used)])
        offsets = dict(zip(used, starts.tolist(), strict=False))
        joined = known[used[0]] if used else known[0][:0]
        for number in used[1:]:
            joined = joined.append(known[number])
        kinds = {known[number].dtype for number in used}
        joined = joined.astype(kinds.pop()) if len(kinds) == 1 and joined.nlevels == 1 else joined
        chosen = joined.take([offsets[label.version] + label.position for label in labels])
        for version in known:
            if version.equals(chosen) and version.dtype == chosen.dtype:
                return version.set_names(known[0].names)
        return chosen.set_names(known[0].names)


def _columns_of(version: Any) -> Any:
    return pd.Index([version.name], tupleize_cols=False) if isinstance(version, pd.Series) else version.columns


def _bare(column: Any) -> Any:
    return pd.Series(column.array, dtype=column.dtype, copy=False)


def _with_missing(kind: Any) -> Any:
    """The dtype, or one with the same values that holds a missing one too."""
    if isinstance(kind, np.dtype) and is_integer_dtype(kind):
        return pd.api.types.pandas_dtype(kind.name.replace("int", "Int").replace("uI", "UI"))
    if isinstance(kind, np.dtype) and is_bool_dtype(kind):
        return pd.BooleanDtype()
    if isinstance(kind, pd.IntervalDtype) and kind.subtype is not None and is_integer_dtype(kind.subtype):
        return pd.IntervalDtype("float64", kind.closed)
    return kind


def _appended(labels: Any, more: Any) -> Any:
    """Labels with more of their dtype; by itself pandas takes objects that are texts for texts."""
    return labels.append(pd.Index(more, dtype=labels.dtype)).astype(labels.dtype)


def _alike(parts: list[Any], kind: Any) -> list[Any]:
    """Parts of one dtype."""
    if isinstance(kind, pd.CategoricalDtype):
        known = kind.categories
        for part in parts:
            own = (
                part.cat.categories if isinstance(part.dtype, pd.CategoricalDtype) else pd.Index(part.dropna().unique())
            )
            more = _converted(pd.Series(own[~own.isin(known)]), known.dtype)
            known = _appended(known, more)
        kind = pd.CategoricalDtype(known, kind.ordered)
    return [part if part.dtype == kind else _converted(part, kind) for part in parts]


def _converted(part: Any, kind: Any) -> Any:
    """A part as another dtype, if no value changes."""
    try:
        found = part.astype(kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise Misfit(f"{error}") from error
    wrong = first_misfit(list(part.astype(object)), list(found.astype(object)), kind)
    if wrong is not None:
        raise wrong
    return found
