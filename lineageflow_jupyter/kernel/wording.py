"""How changes and commits are told in one line, the same in every verb."""

from __future__ import annotations

from collections.abc import Sequence

from lineageflow_jupyter.kernel.display import clipped, listed
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.reports import DatasetChange

NAMED_COLUMNS = 5


def change_text(change: DatasetChange) -> str:
    """Tell in a few words how a dataset differs.

    Examples
    --------
    >>> from lineageflow_jupyter.model.reports import TableShape
    >>> change_text(DatasetChange("f", "changed", TableShape(2, 1), TableShape(5, 2), ("speed",)))
    '+3 rows, +1 column (speed)'
    """
    if change.state == "removed":
        return f"removed ({change.before})"
    if change.state == "added" or change.before is None or change.after is None:
        return f"new, {change.after}"
    if change.described:
        return "same values; dtypes, index, order of columns, attributes or key differ"
    rows = change.after.rows - change.before.rows
    parts = [f"{rows:+,} row{'s' * (abs(rows) != 1)}"] if rows else []
    parts += _columns(change.columns_added, "+") + _columns(change.columns_dropped, "-")
    # Other rows mean other columns throughout: naming all of them says nothing.
    everywhere = bool(rows) and len(change.columns_changed) >= change.after.columns - len(change.columns_added)
    if change.columns_changed and not everywhere:
        parts += _columns(change.columns_changed, "", " changed")
    return ", ".join(parts) or "values changed"


def commit_text(record: CommitRecord) -> str:
    """Short id and summary of a commit, for lists."""
    return f"{short(record.id)} {clipped(record.commit.summary)}"


def commit_named(record: CommitRecord) -> str:
    """Short id and summary of a commit, within a sentence."""
    return f"{short(record.id)} ({clipped(record.commit.summary, 60)})"


def _columns(names: Sequence[str], sign: str, verb: str = "") -> list[str]:
    if not names:
        return []
    count = f"{sign}{len(names):,} column{'s' * (len(names) != 1)}{verb}"
    return [f"{count} ({listed([clipped(name, 40) for name in names], limit=NAMED_COLUMNS)})"]
