"""Which cells made the difference between two versions: by the steps of a notebook, or by those that commits keep.

Only what differs is looked for, so that the cost follows the change. What is not known is told as such: a cause without
a cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Rows
from lineageflow_jupyter.algorithms.blame import traced
from lineageflow_jupyter.ancestry import Ancestry
from lineageflow_jupyter.causing import StepChain
from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.diffing import TableDiff
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.history import History, Place
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Step
from lineageflow_jupyter.reasons import (
    ADDED_COLUMN,
    ADDED_ROWS,
    CHANGED,
    DROPPED_COLUMN,
    REMOVED_ROWS,
    Cause,
    RunOf,
    cause,
)
from lineageflow_jupyter.stepping import Path
from lineageflow_jupyter.versions import Version

COLUMNS = 16
"""So many columns of rows that were added are looked at to find where the rows come from."""
MOST_COMMITS = 1_000
"""So many commits are looked through for what removed rows and columns."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A step of a commit, or of a notebook since; earlier ones sort first.

    Parameters
    ----------
    rank : (int, int)
        Where it is in time.
    commit : str
        Commit in hexadecimal; ``""``: none yet.
    step : Step or None
        The step; None where it is not known.
    """

    rank: tuple[int, int]
    commit: str
    step: Step | None


Found = tuple[Sequence[Origin | None], Mapping[int, Rows]]
"""Origins, and for each column codes of them for the rows that were asked for."""


class Past(Protocol):
    """What lies between two versions."""

    def origins(self, places: Sequence[int], rows: Rows | None) -> Found:
        """Where values of the newer version come from; rows rise."""

    def forward(self) -> Iterator[tuple[Origin | None, Rows, Mapping[int, int]]]:
        """Yield what each step did to the older version: partners of its rows, or `NO_ROW`, and places of columns."""


def causes_of(diff: TableDiff, past: Past, run_of: RunOf) -> tuple[Cause, ...]:
    """Causes of all that differs, column by column.

    Parameters
    ----------
    diff : TableDiff
        How two versions differ.
    past : Past
        What lies between them.
    run_of : callable
        Gives cell runs by their ids.
    """
    found = [
        _cause(kind, column, cells, origin, run_of)
        for kind, column, counts in _counted(diff, past)
        for origin, cells in sorted(counts.items(), key=_order)
    ]
    return tuple(found)


def _counted(diff: TableDiff, past: Past) -> Iterator[tuple[str, str, Counter[Origin | None]]]:
    for pair, rows in diff.changed_cells.values():
        assert pair.new is not None
        yield CHANGED, pair.name, _counts(past.origins([pair.new], rows), pair.new)
    for pair in diff.pairs:
        if pair.old is None and pair.new is not None and pair.role == "data":
            yield ADDED_COLUMN, pair.name, _counts(past.origins([pair.new], None), pair.new)
    added, removed = diff.changes.alignment.added, diff.changes.alignment.removed
    if len(added) and diff.new is not None:
        yield ADDED_ROWS, "", _first_origins(past, list(range(len(diff.new.columns)))[:COLUMNS], added)
    dropped = [pair for pair in diff.pairs if pair.new is None and pair.old is not None and pair.role == "data"]
    if len(removed) or dropped:
        gone, columns = _lost(past, removed, [pair.old for pair in dropped if pair.old is not None])
        if len(removed):
            yield REMOVED_ROWS, "", gone
        for pair in dropped:
            assert pair.old is not None
            yield DROPPED_COLUMN, pair.name, Counter({columns.get(pair.old): 1})


def _counts(found: Found, place: int) -> Counter[Origin | None]:
    origins, codes = found
    counts = np.bincount(codes[place], minlength=len(origins)).tolist()
    told: Counter[Origin | None] = Counter()
    for origin, count in zip(origins, counts, strict=True):
        told[origin] += count
    return +told


def _first_origins(past: Past, places: Sequence[int], rows: Rows) -> Counter[Origin | None]:
    """Where rows come from: from the earliest step that gave one of their values."""
    origins, codes = past.origins(places, rows)
    ordered: list[Origin | None] = [*sorted(origin for origin in set(origins) if origin is not None), None]
    ranks = np.array([ordered.index(origin) for origin in origins], np.int64)
    first = np.full(len(rows), len(ordered) - 1, np.int64)
    for place in places:
        np.minimum(first, ranks[codes[place]], out=first)
    return _counts((ordered, {0: first}), 0)


def _lost(past: Past, rows: Rows, columns: Sequence[int]) -> tuple[Counter[Origin | None], dict[int, Origin | None]]:
    """By which steps rows and columns of the older version went."""
    gone: Counter[Origin | None] = Counter()
    left, places = rows, {place: place for place in columns}
    dropped: dict[int, Origin | None] = {}
    for origin, partners, kept in past.forward():
        after = partners[left]
        gone[origin] += int(np.count_nonzero(after == NO_ROW))
        left = after[after != NO_ROW]
        dropped.update({first: origin for first, place in places.items() if place not in kept})
        places = {first: kept[place] for first, place in places.items() if place in kept}
    gone[None] += len(left)
    return +gone, dropped


def _cause(kind: str, column: str, cells: int, origin: Origin | None, run_of: RunOf) -> Cause:
    if origin is None:
        return Cause(kind, column, cells)
    step = origin.step
    if step is None or not step.cell_run:
        return Cause(kind, column, cells, origin.commit)
    return cause(kind, column, cells, run_of(step.cell_run), (step.dataset, step.table), origin.commit, step.cell_run)


def _order(item: tuple[Origin | None, int]) -> tuple[bool, tuple[int, int]]:
    origin, _ = item
    return origin is None, (0, 0) if origin is None else origin.rank


# --- by the steps of a notebook --------------------------------------------------------------------------------------


class StepsBetween:
    """Steps of a notebook that led to a version; see `Past`.

    Parameters
    ----------
    path : Path
        Steps, and the versions before each of them.
    old, new : Version
        The versions that are compared.
    changes : Changes
        Finds how versions differ.
    """

    def __init__(self, path: Path, old: Version, new: Version, changes: Changes) -> None:
        before = [changes.stored(entry) for entry in path.versions]
        self._versions: list[Version] = [*([new] if path.made else []), *before, new]
        self._chain = StepChain(self._versions, changes, 1 if path.made else 0)
        self._steps = path.steps
        self._new = new
        self._from_old = not path.made and self._versions[0].entry.table == old.entry.table

    def origins(self, places: Sequence[int], rows: Rows | None) -> Found:
        """See `Past`."""
        found = traced(self._chain, len(self._steps), self._new.table.rows, places, rows)
        return [self._origin(node) for node in found.origins], found.codes

    def forward(self) -> Iterator[tuple[Origin | None, Rows, Mapping[int, int]]]:
        """See `Past`."""
        for node in range(1, len(self._versions)) if self._from_old else ():
            kept = dict(self._chain.schema(node).common)
            yield self._origin(node), self._chain.between(node).alignment.targets(), kept

    def _origin(self, node: int) -> Origin | None:
        return Origin((node, 0), "", self._steps[node - 1]) if node else None  # 0: it was there before


# --- by commits ------------------------------------------------------------------------------------------------------


class CommitsBetween:
    """Commits after one up to another; see `Past`.

    Parameters
    ----------
    ancestry : Ancestry
        Versions of the dataset.
    history : History
        Commits.
    old, new : ObjectId
        The commits that are compared.
    datasets : (str, str)
        How each calls the dataset.
    """

    def __init__(
        self, ancestry: Ancestry, history: History, old: ObjectId, new: ObjectId, datasets: tuple[str, str]
    ) -> None:
        self._ancestry = ancestry
        self._history = history
        self._old, self._new = (old, datasets[0]), (new, datasets[1])

    def origins(self, places: Sequence[int], rows: Rows | None) -> Found:
        """See `Past`."""
        maker = self._ancestry.maker(self._new)
        assert maker is not None
        found = traced(self._ancestry, maker, self._ancestry.table(maker).rows, places, rows)
        return [self._origin(node, step) for node, step in zip(found.origins, found.steps, strict=True)], found.codes

    def _origin(self, node: Place, step: int) -> Origin | None:
        """Origin in a commit; None for one that the older side has as well: then it is that side that differs."""
        if self._history.contains(self._old[0], node[0]):
            return None
        told = self._ancestry.steps(node)[step - 1] if step else None
        return Origin((self._ancestry.generation(node), step), node[0].hex(), told)

    def forward(self) -> Iterator[tuple[Origin | None, Rows, Mapping[int, int]]]:
        """See `Past`; nothing where the older commit is not one of the newer one's first parents."""
        for parent, node in reversed(self._line()):
            changes = self._ancestry.changes(parent, node)
            steps = self._ancestry.steps(node)
            step = steps[0] if len(steps) == 1 else None
            places = range(len(self._ancestry.table(node).columns))
            kept = {old: new for new, old in self._ancestry.descent(node, parent, places).pairs.items()}
            origin = Origin((self._ancestry.generation(node), 0), node[0].hex(), step)
            yield origin, changes.alignment.targets(), kept

    def _line(self) -> list[tuple[Place, Place]]:
        start, node = self._ancestry.maker(self._old), self._ancestry.maker(self._new)
        line: list[tuple[Place, Place]] = []
        while node is not None and node != start and len(line) < MOST_COMMITS:
            parents = self._ancestry.parents(node)
            if not parents:
                return []
            line.append((parents[0], node))
            node = parents[0]
        return line if node == start else []


def telling(past: Callable[[TableDiff], Past | None], run_of: RunOf) -> Callable[[TableDiff], tuple[Cause, ...]]:
    """What tells the causes of a diff; none where that cannot be found out."""

    def told(diff: TableDiff) -> tuple[Cause, ...]:
        if diff.old is None or diff.new is None:
            return ()
        try:
            between = past(diff)
            return () if between is None else causes_of(diff, between, run_of)
        except LineageFlowError:  # what is told beside a diff must not stand in its way
            return ()

    return told
