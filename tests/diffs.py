"""Diffs of versions whose alignment a test says itself: real versions, changed cells found by comparing every one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lineageflow_jupyter.algorithms.alignment import Alignment
from lineageflow_jupyter.algorithms.changes import ChangeSet, Identified
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.frames.comparison import changed_rows
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.model.diffs import DiffOptions
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.versions import LiveVersion, StoredVersion, Version, schema_of


def stored(repo: Repository, frame: Any, key: Sequence[str] = (), dataset: str = "t") -> StoredVersion:
    """Commit a frame; its version."""
    repo.commit({dataset: frame}, message="version", keys={dataset: list(key)})
    entry = repo._history.entry(repo.resolve("HEAD"), dataset, "HEAD")
    return StoredVersion.of(entry, repo._objects, repo._reader.tables)


def live(repo: Repository, frame: Any, key: Sequence[str] = (), dataset: str = "t") -> LiveVersion:
    """A frame as it is, not committed."""
    content = to_content(frame)
    return LiveVersion(repo._comparer._writer.add(dataset, content, parent=None, key=key), content)


def diff_of(
    old: Version,
    new: Version,
    sources: Sequence[int] | None = None,
    *,
    by: Identified = "content",
    options: DiffOptions | None = None,
) -> TableDiff:
    """Diff of two versions.

    Parameters
    ----------
    old, new : Version
        The versions.
    sources : sequence of int, optional
        Row of the older version of each row of the newer one, or -1; the row at the same place by default.
    by : str
        What is said about how rows were identified.
    options : DiffOptions, optional
        What counts.
    """
    rows_a, rows_b = old.table.rows, new.table.rows
    if sources is None:
        sources = [row if row < rows_a else -1 for row in range(rows_b)]
    schema = schema_of(old, new)
    partners = np.array(sources, np.int64)
    aligned = np.flatnonzero(partners >= 0)
    changed = {}
    for origin, place in schema.common:
        (before,), (after,) = old.values([origin]), new.values([place])
        flags = changed_rows(before.take(pa.array(partners[aligned])), after.take(pa.array(aligned)))
        if flags.any():
            changed[place] = aligned[flags]
    changes = ChangeSet(Alignment.from_sources(partners, rows_a=rows_a), by, changed)
    return TableDiff(old, new, schema, lambda: changes, options)
