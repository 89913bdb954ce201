"""What a merge stores: columns of ours by their ids, and anew only those that get values from elsewhere.

That holds where the rows are those of ours and every column is described as on ours. Else the whole frame is put
together (``merged_frames``).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lineageflow_jupyter.algorithms.alignment import Alignment, Rows
from lineageflow_jupyter.algorithms.changes import ChangeSet
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.content import ColumnContent, FrameContent, StoredArray
from lineageflow_jupyter.frames.convert import described_alike, labelled_alike, library_of_body, to_content
from lineageflow_jupyter.frames.derived import with_values
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
    sources = Sources(plan, decisions)
    if isinstance(plan.ours, StoredVersion) and sources.as_ours and _as_on_ours(plan):
        found = _Columns(plan, plan.ours, sources).content()
        if found is not None:
            return found
    dataset = plan.ours.entry.dataset
    return contents_of({dataset: merged_frame(plan, decisions, frame)})[dataset], None


def _as_on_ours(plan: MergePlan) -> bool:
    """Whether the merged table has the columns of ours, with one type and description on all sides that have them."""
    if [column.ours for column in plan.columns] != list(range(len(plan.ours.columns))):
        return False
    levels = any(column.role == "index" for column in plan.columns)
    named = all(column.name == own.name for column, own in zip(plan.columns, plan.ours.table.columns, strict=True))
    return (
        named
        and labelled_alike(plan.ours.body, plan.theirs.body, levels=levels)
        and all(_alike(plan, column) for column in plan.columns)
    )


def _alike(plan: MergePlan, column: MergedColumn) -> bool:
    if column.order or column.theirs is None:
        return False
    ours = plan.ours
    assert isinstance(ours, StoredVersion)
    assert column.ours is not None
    for side in SIDES[1:]:
        version, place = plan.version(side), column.place(side)
        if version is None or place is None:
            continue
        if not isinstance(version, StoredVersion) or place != column.ours:
            return False
        if version.columns[place].type != ours.columns[place].type:
            return False
        told = [(each.body, each.description.companions) for each in (ours, version)]
        if ours.description != version.description and not described_alike(told[0], told[1], (place, place)):
            return False
    return True


class _Columns:
    def __init__(self, plan: MergePlan, ours: StoredVersion, sources: Sources) -> None:
        self._plan = plan
        self._ours = ours
        self._sources = sources
        self._changed: dict[int, Rows] = {}

    def content(self) -> tuple[FrameContent, ChangeSet | None] | None:
        """See `merged_content`; None where a value needs more than the column's description."""
        ours, columns = self._ours, []
        for number, column in enumerate(self._plan.columns):
            array: Any = self._stored(ours, number)
            if self._sources.touches(number):
                array = self._touched(number, column)
                if array is None:
                    return None
            columns.append(ColumnContent(ours.table.columns[number].name, column.role, array))
        companions = tuple(
            StoredArray(oid, partial(self._companion, place)) for place, oid in enumerate(ours.description.companions)
        )
        rows = ours.table.rows
        changes = None
        if self._plan.by is not None:
            changes = ChangeSet(Alignment.identity(rows), self._plan.by, self._changed)
        return FrameContent(rows, tuple(columns), companions, ours.body), changes

    def _stored(self, version: StoredVersion, place: int) -> StoredArray:
        return StoredArray(version.table.columns[place].column, lambda: version.values([place])[0])

    def _touched(self, number: int, column: MergedColumn) -> Any:
        """The column with values from elsewhere: that of theirs as it is, or those of several sides together."""
        theirs = self._plan.theirs
        if not self._sources.all_theirs(number) or not isinstance(theirs, StoredVersion):
            return self._mixed(number, column)
        found = [each[number] for each in (self._plan.from_theirs, self._plan.cells) if number in each]
        self._changed[number] = np.sort(np.concatenate(found))
        return self._stored(theirs, number)

    def _companion(self, number: int) -> Any:
        return self._ours.companions([number])[0]

    def _mixed(self, number: int, column: MergedColumn) -> Any:
        """The column of ours with the values that come from elsewhere."""
        codes = self._sources.codes(number, column)
        if (codes == OPEN).any():
            return None
        at = np.flatnonzero(codes != SIDES.index("ours"))
        pieces, rows = [], []
        for code, side in enumerate(SIDES):
            chosen = np.flatnonzero(codes == code) if code else at[:0]
            version, place = self._plan.version(side), column.place(side)
            if len(chosen):
                assert version is not None
                assert place is not None
                pieces += version.take([place], self._sources.rows[side][chosen])
                rows.append(chosen)
        chosen = np.flatnonzero(codes == VALUE)
        if len(chosen):
            array = self._decided(number, column)
            if array is None:
                return None
            pieces.append(array)
            rows.append(chosen)
        kind = self._ours.columns[number].type
        (own,) = self._ours.values([number], range(self._ours.table.rows))
        for values, places in zip(pieces, rows, strict=True):
            before = own.take(places)
            differing = places[changed_rows(before, values)]
            if len(differing):
                known = self._changed.get(number, differing[:0])
                self._changed[number] = np.union1d(known, differing)
            own = with_values(kind, own, places, values)
        return used_dictionary(own)

    def _decided(self, number: int, column: MergedColumn) -> Any:
        """Values that were decided as such; None where they need another description than the column's."""
        like = gatherer([columns_at(self._ours, [number], np.empty(0, np.int64), library_of_body(self._ours.body))])
        try:
            values = like.piece(self._sources.values(number), like.column(0, 0))
        except Misfit as error:
            raise unfit(self._plan, column, error) from error
        content = to_content(like.coded(np.zeros(len(values), np.int8), values))
        told = [(self._ours.body, self._ours.description.companions), (content.body, content.companions)]
        if not described_alike(told[0], told[1], (number, 1)):
            return None
        return normalise(content.columns[1].array)
