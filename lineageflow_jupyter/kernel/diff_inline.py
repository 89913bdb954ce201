"""The grid below a diff: what it needs of the repository and of live frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.kernel.diff_page import NAME_LENGTH, TEXT_VALUE_LENGTH, clipped_value, edit_texts
from lineageflow_jupyter.kernel.display import clipped, when
from lineageflow_jupyter.kernel.inline import Inline, can_show
from lineageflow_jupyter.model.ids import short

if TYPE_CHECKING:
    from lineageflow_jupyter.diffing import TableDiff
    from lineageflow_jupyter.kernel.verb import Call
    from lineageflow_jupyter.model.diffs import DiffRow
    from lineageflow_jupyter.row_history import RowVersion
    from lineageflow_jupyter.widgets.inline import Source

VERSIONS = 20
"""Commits of a row's history that are told."""


def diff_inline(
    call: Call, diff: TableDiff, parts: range, places: tuple[str | None, str | None], live: tuple[str, Any] | None
) -> Inline | None:
    """Grid of a diff, where it can be shown.

    Parameters
    ----------
    call : Call
        The line.
    diff : TableDiff
        The diff.
    parts : range
        Parts of the answer that the grid tells better.
    places : (str or None, str or None)
        Where the older and the newer version are committed.
    live : (str, frame), optional
        The newer version where it is a live frame, and its variable.
    """
    if not len(parts) or not can_show(call.session):
        return None
    names, repository = call.names, call.session.repository

    def history(row: DiffRow, column: str) -> Sequence[Sequence[str]]:
        for place, number in zip(reversed(places), (row.row_b, row.row_a), strict=True):
            if place is not None and number is not None:
                return list(_lines(repository.history(place, row=number), column))
        return []

    def source() -> Source:
        from lineageflow_jupyter.widgets.diff_rows import DiffRows

        return DiffRows(diff, history, (lambda: True) if live is None else _unchanged(live[1]))

    kept = (lambda: True) if live is None else lambda: names.get(live[0]) is live[1]
    return Inline(call.session.shelf, source, parts, kept)


def _unchanged(frame: Any) -> Callable[[], bool]:
    """Tell whether a frame is still as it is now."""
    from lineageflow_jupyter.frames.fingerprints import fingerprint

    before = fingerprint(frame)
    return lambda: before is not None and fingerprint(frame) == before


def _lines(versions: Sequence[RowVersion], column: str) -> Iterator[Sequence[str]]:
    """Yield what commits did to a row in one column."""
    told = [each for each in versions if each.operation != "update" or any(c.column == column for c in each.cells)]
    for version in told[:VERSIONS]:
        commit = version.commit.commit
        cell = next((each for each in version.cells if each.column == column), None)
        values = "" if cell is None else _values(cell)
        first = (short(version.commit.id), when(commit.time, commit.offset), clipped(commit.author.name, NAME_LENGTH))
        yield (*first, version.operation, values, clipped(commit.summary, NAME_LENGTH))


def _values(cell: Any) -> str:
    if cell.state == "changed":
        return " → ".join(edit_texts(cell.old, cell.new, TEXT_VALUE_LENGTH))
    return clipped_value(cell.old if cell.state == "dropped" else cell.new, TEXT_VALUE_LENGTH)


def committed_places(call: Call, words: Sequence[str], dataset: str) -> tuple[str | None, str | None]:
    """Places of a dataset on both sides of a line that names two revisions, as they are now."""
    from lineageflow_jupyter.model.revisions import cell_of, split_place, split_range

    chosen = split_range(words[0]) if len(words) == 1 else None
    sides = [chosen.left, chosen.right] if chosen is not None else [*words]
    found: list[str | None] = []
    for word in sides:
        revision, named = split_place(word)
        try:
            pinned = None if cell_of(revision) is not None else call.session.repository.resolve(revision).id.hex()
        except LineageFlowError:
            pinned = None
        found.append(None if pinned is None else f"{pinned}:{named or dataset}")
    if chosen is not None and chosen.symmetric:
        found[0] = None
    return found[0], found[1]
