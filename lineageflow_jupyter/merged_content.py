"""What a merge stores: columns that are as on one side by their ids, others anew, one after the other.

That holds where every column is described as on ours, and so the merged frame is. Else the whole frame is put together
(``merged_frames``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.content import ColumnContent, FrameContent, StoredArray
from lineageflow_jupyter.frames.convert import library_of_body, to_content
from lineageflow_jupyter.frames.derived import with_values
from lineageflow_jupyter.frames.descriptions import (
    Description,
    columns_alike,
    holds_objects,
    labels_alike,
    rows_may_change,
    with_facts_of,
)
from lineageflow_jupyter.frames.gathering import Misfit, gatherer
from lineageflow_jupyter.frames.normalise import normalise, used_dictionary
from lineageflow_jupyter.intake import contents_of
from lineageflow_jupyter.merged_frames import OPEN, VALUE, Decisions, Frame, Sources, merged_frame, unfit
from lineageflow_jupyter.model.merging import SIDES, MergedColumn
from lineageflow_jupyter.three_way import MergePlan
from lineageflow_jupyter.version_frames import columns_at
from lineageflow_jupyter.versions import StoredVersion


def merged_content(plan: MergePlan, decisions: Decisions, frame: Frame) -> tuple[FrameContent, ChangeSet | None]:
    """Content of a merge in which everything is decided, and how it differs from ours, where that is known.

    Parameters
    ----------
    plan, decisions, frame
        See `merged_frames.merged_frame`.

    Raises
    ------
    UsageProblem
        If a value does not fit into its column.
    """
    found, changes = _content(plan, decisions, frame)
    if plan.base is None:
        return found, changes
    return replace(found, body=with_facts_of(found.body, plan.base.body, plan.theirs.body)), changes


def _content(plan: MergePlan, decisions: Decisions, frame: Frame) -> tuple[FrameContent, ChangeSet | None]:
    sources = Sources(plan, decisions)
    if isinstance(plan.ours, StoredVersion) and isinstance(plan.theirs, StoredVersion):
        found = _Columns(plan, plan.ours, plan.theirs, sources).content()
        if found is not None:
            return found
    dataset = plan.ours.entry.dataset
    return contents_of({dataset: merged_frame(plan, decisions, frame)})[dataset], None


class _Columns:
    def __init__(self, plan: MergePlan, ours: StoredVersion, theirs: StoredVersion, sources: Sources) -> None:
        self._plan = plan
        self._ours = ours
        self._theirs = theirs
        self._sources = sources
        self._changed: dict[int, Rows] = {}

    def content(self) -> tuple[FrameContent, ChangeSet | None] | None:
        """See `merged_content`; None where the merged frame is described otherwise than ours."""
        if not self._described_as_ours():
            return None
        ours, columns = self._ours, []
        for number, column in enumerate(self._plan.columns):
            array = self._values(number, column)
            if array is None:
                return None
            columns.append(ColumnContent(ours.table.columns[number].name, column.role, array))
        companions = tuple(
            StoredArray(oid, lambda number=number: ours.companions([number])[0])  # type: ignore[misc]
            for number, oid in enumerate(ours.description.companions)
        )
        content = FrameContent(len(self._sources.rows["ours"]), tuple(columns), companions, ours.body)
        return content, self._changes()

    # --- descriptions ------------------------------------------------------------------------------------------------

    def _described_as_ours(self) -> bool:
        plan, ours = self._plan, self._ours
        if [column.ours for column in plan.columns] != list(range(len(ours.columns))):
            return False
        if [column.name for column in plan.columns] != [column.name for column in ours.table.columns]:
            return False
        levels = any(column.role == "index" for column in plan.columns)
        if not self._sources.as_ours and not all(rows_may_change(side.body) for side in (ours, self._theirs)):
            return False
        told, others = _description(ours), _description(self._theirs)
        return labels_alike(told, others, rows=levels or not self._sources.as_ours) and all(
            self._alike(column) for column in plan.columns
        )

    def _alike(self, column: MergedColumn) -> bool:
        """Whether a column is of one type and described alike in all tables that have it."""
        if column.order or column.theirs is None or column.ours is None:
            return False
        for side in SIDES[1:]:
            version, place = self._plan.version(side), column.place(side)
            if version is None or place is None:
                continue
            if not isinstance(version, StoredVersion):
                return False
            if version.columns[place].type != self._ours.columns[column.ours].type:
                return False
            same = self._sources.as_ours and place == column.ours and version.description == self._ours.description
            told = _description(self._ours), _description(version)
            if not same and not columns_alike(*told, (column.ours, place)):
                return False
        return True

    # --- values ------------------------------------------------------------------------------------------------------

    def _values(self, number: int, column: MergedColumn) -> Any:
        """The merged column, stored or anew; None where it must be described otherwise."""
        if self._sources.as_ours and not self._sources.touches(number):
            return _stored(self._ours, number)
        if self._sources.all_theirs(number):
            assert column.theirs is not None
            found = [each[number] for each in (self._plan.from_theirs, self._plan.cells) if number in each]
            self._changed[number] = np.sort(np.concatenate(found))
            return _stored(self._theirs, column.theirs)
        codes = self._sources.codes(number, column)
        if (codes == OPEN).any():
            return None
        pieces = self._pieces(number, column, codes)
        if pieces is None:
            return None
        (own,) = self._ours.values([number], range(self._ours.table.rows))
        self._compare(number, own, pieces)
        missing = own.null_count > 0
        merged = self._gathered(number, own, pieces)
        if holds_objects(self._ours.body, number) and (merged.null_count > 0) != missing:
            return None
        return merged

    def _pieces(self, number: int, column: MergedColumn, codes: Any) -> list[tuple[Rows, Any]] | None:
        """Merged rows whose values do not come from ours, with these; None where they must be described otherwise."""
        pieces: list[tuple[Rows, Any]] = []
        for code, side in enumerate(SIDES[1:], start=1):
            rows = np.flatnonzero(codes == code)
            version, place = self._plan.version(side), column.place(side)
            if len(rows):
                assert version is not None
                assert place is not None
                pieces.append((rows, version.take([place], self._sources.rows[side][rows])[0]))
        rows = np.flatnonzero(codes == VALUE)
        if len(rows):
            values = self._decided(number, column)
            if values is None:
                return None
            pieces.append((rows, values))
        return pieces

    def _compare(self, number: int, own: Any, pieces: list[tuple[Rows, Any]]) -> None:
        """Note which rows of ours have other values now."""
        found = []
        for rows, values in pieces:
            before = self._sources.rows["ours"][rows]
            held = np.flatnonzero(before >= 0)
            differ = changed_rows(own.take(pa.array(before[held])), values.take(pa.array(held)))
            found.append(rows[held[differ]])
        changed = np.concatenate([np.empty(0, np.int64), *found])
        if len(changed):
            self._changed[number] = np.sort(changed)

    def _gathered(self, number: int, own: Any, pieces: list[tuple[Rows, Any]]) -> Any:
        if self._sources.as_ours:
            for rows, values in pieces:
                own = with_values(self._ours.columns[number].type, own, rows, values)
            return used_dictionary(own)
        at = self._sources.rows["ours"].astype(np.int64)
        offset = len(own)
        for rows, _ in pieces:
            at[rows] = offset + np.arange(len(rows))
            offset += len(rows)
        parts = [own, *(values for _, values in pieces)]
        joined = own if not pieces else normalise(pa.chunked_array(parts, type=own.type) if len(own) else parts[1])
        del own, parts
        return used_dictionary(joined.take(pa.array(at)))

    def _decided(self, number: int, column: MergedColumn) -> Any:
        """Values that were decided as such; None where they must be described otherwise than the column."""
        ours = self._ours
        like = gatherer([columns_at(ours, [number], np.empty(0, np.int64), library_of_body(ours.body))])
        try:
            values = like.piece(self._sources.values(number), like.column(0, 0))
        except Misfit as error:
            raise unfit(self._plan, column, error) from error
        content = to_content(like.coded(np.zeros(len(values), np.int8), values))
        if not columns_alike(_description(ours), (content.body, content.companions), (number, 1)):
            return None
        return normalise(content.columns[1].array)

    def _changes(self) -> ChangeSet | None:
        """How the merged table differs from ours, where rows are known by one way on both sides."""
        by = self._plan.by
        if by is None or (by == "key" and not self._plan.keyed):
            return None
        rows = self._ours.table.rows
        if self._sources.as_ours:
            return ChangeSet(Alignment.identity(rows), by, self._changed)
        return ChangeSet(Alignment.from_sources(self._sources.rows["ours"], rows_a=rows), by, self._changed)


def _stored(version: StoredVersion, place: int) -> StoredArray:
    return StoredArray(version.table.columns[place].column, lambda: version.values([place])[0])


def _description(version: StoredVersion) -> Description:
    return version.body, version.description.companions
