"""Frames of stored versions: from a tree entry to a frame of some library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.intake import positions_of, row_range
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.tables import Named, Objects, TableReader


@dataclass(frozen=True, slots=True)
class FrameReader:
    """Reads versions of datasets as frames."""

    objects: Objects
    tables: TableReader

    def read(
        self,
        entry: TreeEntry,
        columns: Sequence[Any] | None = None,
        rows: slice | tuple[int, int] | None = None,
        engine: str = "pandas",
    ) -> Any:
        """Frame of a version, or of some of its data columns and rows.

        Raises
        ------
        UnknownName
            If there is no such column.
        UsageProblem
            If the rows are no range.
        CorruptData, ObjectMissing
            If stored bytes are damaged.
        """
        with Named(entry.dataset):
            table, description = self.objects.table(entry.table), self.objects.frame(entry.frame)
        positions = positions_of(entry.dataset, table, columns)
        chosen = None if rows is None else row_range(rows, table.rows)
        return self.tables.frame(entry.dataset, table, description, positions, chosen, engine)

    def rows(self, entry: TreeEntry) -> int:
        """Number of rows of a version."""
        return self.objects.table(entry.table).rows
