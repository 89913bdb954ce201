"""A history drawn as text: one line for each commit, its place among the lines of development that run beside it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Id = TypeVar("Id", bound=Hashable)

COMMIT, PASSING, ACROSS, CROSSING = "●", "│", "─", "┼"
ENDS, BEGINS_RIGHT, BEGINS_LEFT, JOINS_RIGHT, JOINS_LEFT = "╯", "╮", "╭", "┤", "├"


def draw(commits: Iterable[tuple[Id, Sequence[Id]]]) -> list[str]:
    r"""Draw a history.

    Parameters
    ----------
    commits : iterable of (id, ids of parents)
        Children before their parents.

    Returns
    -------
    list of str
        For each commit the left part of its line, without trailing blanks. A lane goes on to a parent that is not among
        the commits: there is more history.

    Examples
    --------
    >>> print("\n".join(draw([("d", ["b"]), ("c", ["a"]), ("b", ["a"]), ("a", [])])))
    ●
    │ ●
    ● │
    ●─╯
    """
    lanes: list[Id | None] = []
    lines = []
    for commit, parents in commits:
        waiting = [place for place, expected in enumerate(lanes) if expected == commit]
        own = waiting[0] if waiting else _free(lanes)
        taken = {place: PASSING for place, expected in enumerate(lanes) if expected is not None}
        taken[own] = COMMIT
        for place in waiting[1:]:
            taken[place] = ENDS
            lanes[place] = None
        lanes[own] = None
        for number, parent in enumerate(dict.fromkeys(parents)):
            _follow(lanes, taken, own, parent, first=number == 0)
        lines.append(_line(taken, own))
        while lanes and lanes[-1] is None:
            lanes.pop()
    return lines


def _follow(lanes: list[Id | None], taken: dict[int, str], own: int, parent: Id, *, first: bool) -> None:
    """Let a lane lead to a parent: the commit's own to the first one, another to each of the rest."""
    if first:
        lanes[own] = parent
    elif parent in lanes:
        place = lanes.index(parent)
        if place != own:
            taken[place] = JOINS_RIGHT if place > own else JOINS_LEFT
    else:
        place = next((free for free, lane in enumerate(lanes) if lane is None and free not in taken), len(lanes))
        if place == len(lanes):
            lanes.append(None)
        lanes[place] = parent
        taken[place] = BEGINS_RIGHT if place > own else BEGINS_LEFT


def _free(lanes: list[Id | None]) -> int:
    if None in lanes:
        return lanes.index(None)
    lanes.append(None)
    return len(lanes) - 1


def _line(taken: dict[int, str], own: int) -> str:
    """Signs of all lanes; what leads to the commit's own lane is drawn across those between."""
    reached = [place for place, sign in taken.items() if sign not in (COMMIT, PASSING)]
    left, right = min([own, *reached]), max([own, *reached])
    signs = []
    for place in range(max(taken) + 1):
        between = left < place < right
        sign = taken.get(place, ACROSS if between else " ")
        signs.append(CROSSING if sign == PASSING and between else sign)
        signs.append(ACROSS if left <= place < right else " ")
    return "".join(signs).rstrip()
