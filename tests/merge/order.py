"""In which order a merge puts rows: the rule of `docs/decisions/009-merge.md`, told once more in plain lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

Row = TypeVar("Row", bound=Hashable)


def ordered(base: Sequence[Row], ours: Sequence[Row], theirs: Sequence[Row]) -> list[Row]:
    """Rows of both sides, those that only one of them has among them.

    One side is the spine: ours, or theirs if only theirs moved rows. What the other has alone goes before the next row
    that both have, ours first.
    """
    by_ours = moved(base, ours) or not moved(base, theirs)
    spine, other = (ours, theirs) if by_ours else (theirs, ours)
    both = [place for place, row in enumerate(spine) if row in other]
    put: dict[int, list[Row]] = defaultdict(list)
    after = -1
    for row in other:
        if row in spine:
            after = spine.index(row)
        else:
            following = next((place for place in both if place > after), len(spine))
            put[following if by_ours else after + 1].append(row)
    found: list[Row] = []
    for place, row in enumerate(spine):
        found += [*put[place], row]
    return found + put[len(spine)]


def moved(base: Sequence[Row], side: Sequence[Row]) -> bool:
    """Whether rows of the base stand in another order."""
    places = [base.index(row) for row in side if row in base]
    return places != sorted(places)
