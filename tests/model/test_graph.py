"""The drawn history: every edge can be read back from the text alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.model.graph import draw

Commits = Sequence[tuple[int, Sequence[int]]]


def edges_read_back(commits: Commits, lines: Sequence[str]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Follow the lanes of a drawing downwards: edges (child, parent) that arrive, and (child, lane) that stay open."""
    waiting: dict[int, set[int]] = {}
    found = set()
    for (commit, parents), line in zip(commits, lines, strict=True):
        signs = dict(enumerate(line[::2]))
        (own,) = [lane for lane, sign in signs.items() if sign == "●"]
        found |= {(child, commit) for child in waiting.pop(own, ())}
        for lane, sign in signs.items():
            if sign in "╯╮╭┤├":
                between = line[2 * min(own, lane) + 1 : 2 * max(own, lane)]
                assert set(between) <= set("─┼╯╮╭┤├"), f"{line!r} is interrupted"
            if sign == "╯":
                found |= {(child, commit) for child in waiting.pop(lane)}
            elif sign in "╮╭":
                assert lane not in waiting
                waiting[lane] = {commit}
            elif sign in "┤├":
                waiting[lane].add(commit)
            elif sign in "│┼":
                assert lane in waiting, f"a lane begins out of nothing in {line!r}"
            elif sign != "●":
                assert lane not in waiting, f"a lane is interrupted in {line!r}"
        assert set(waiting) <= set(signs), f"lanes vanish in {line!r}"
        if parents:
            waiting[own] = {commit}
    return found, {(child, lane) for lane, children in waiting.items() for child in children}


@st.composite
def histories(data: st.DrawFn) -> Commits:
    """Children before parents; parents beyond the end stand for a history that goes on."""
    count = data(st.integers(0, 14))
    commits = []
    for number in range(count):
        parents = st.integers(number + 1, count + 3)
        commits.append((number, data(st.lists(parents, max_size=data(st.sampled_from([1, 1, 2, 5]))))))
    return commits


@given(histories())
def test_every_edge_can_be_read_back(commits: Commits) -> None:
    lines = draw(commits)
    found, left = edges_read_back(commits, lines)
    inside = {number for number, _ in commits}
    wanted = {(child, parent) for child, parents in commits for parent in parents}
    assert found == {(child, parent) for child, parent in wanted if parent in inside}
    assert {child for child, _ in left} == {child for child, parent in wanted if parent not in inside}
    assert all(line == line.rstrip() and line.count("●") == 1 for line in lines)


@given(histories())
def test_a_page_is_drawn_as_the_beginning_of_the_whole(commits: Commits) -> None:
    whole = draw(commits)
    for length in range(len(commits)):
        assert draw(commits[:length]) == whole[:length]


@pytest.mark.parametrize(
    ("commits", "drawn"),
    [
        ([], ""),
        ([("a", [])], "●"),
        ([("b", ["a"]), ("a", [])], "●\n●"),
        ([("c", []), ("b", []), ("a", [])], "●\n●\n●"),
        ([("m", ["b", "a"]), ("b", ["r"]), ("a", ["r"]), ("r", [])], "●─╮\n● │\n│ ●\n●─╯"),
        ([("m", ["a", "b", "c"]), ("a", []), ("b", []), ("c", [])], "●─╮─╮\n● │ │\n  ● │\n    ●"),
        (
            [("x", ["a", "b"]), ("y", ["a", "b"]), ("a", ["r"]), ("b", ["r"]), ("r", [])],
            "●─╮\n│ ├─●\n●─┼─╯\n│ ●\n●─╯",
        ),
        ([("b", ["a", "a"]), ("a", [])], "●\n●"),
    ],
    ids=["nothing", "one", "line", "roots", "merge", "octopus", "criss-cross", "the same parent twice"],
)
def test_known_shapes(commits: Sequence[tuple[str, Sequence[str]]], drawn: str) -> None:
    assert "\n".join(draw(commits)) == drawn


def test_a_long_history_needs_no_wide_drawing() -> None:
    """Branches that were merged leave their lanes to later ones."""
    commits: list[tuple[int, list[int]]] = []
    for number in range(0, 3_000, 3):
        commits += [(number, [number + 1, number + 2]), (number + 1, [number + 3]), (number + 2, [number + 3])]
    assert max(map(len, draw(commits))) <= 5
