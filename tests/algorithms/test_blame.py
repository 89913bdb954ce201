"""The walk of blame on graphs that are made up: any alignments, also such as contradict one another."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.algorithms.alignment import NO_ROW, Alignment
from lineageflow_jupyter.algorithms.blame import Descent, traced
from lineageflow_jupyter.algorithms.causes import CauseMap, decode_causes, encode_causes


class Graph:
    """Versions 0, 1, …; each but the first ones made of earlier ones."""

    def __init__(self, random: Random, versions: int) -> None:
        self.rows = [random.randint(0, 5) for _ in range(versions)]
        self.columns = [random.randint(1, 3) for _ in range(versions)]
        self.before: list[list[int]] = []
        self.descents: dict[tuple[int, int], Descent] = {}
        self.asked: list[tuple[int, int]] = []
        self.steps: dict[int, tuple[int, dict[int, list[int]]]] = {}  # how many, and of each value by column
        for node in range(versions):
            among = range(max(0, node - 4), node)
            self.before.append(random.sample(among, min(len(among), random.choice([0, 1, 1, 1, 2, 2, 3]))))
            for parent in self.before[node]:
                if random.random() < 0.4:
                    self.rows[node], self.columns[node] = self.rows[parent], self.columns[parent]
            for parent in self.before[node]:
                self.descents[node, parent] = self._made(random, node, parent)
            if random.random() < 0.6:
                count = random.randint(1, 3)
                places = random.sample(range(self.columns[node]), random.randint(0, self.columns[node]))
                told = {place: [random.randint(0, count) for _ in range(self.rows[node])] for place in places}
                self.steps[node] = (count, told)

    def _made(self, random: Random, node: int, parent: int) -> Descent:
        rows, columns = (self.rows[parent], self.rows[node]), (self.columns[parent], self.columns[node])
        if rows[0] == rows[1] and random.random() < 0.5:
            alignment = Alignment.identity(rows[0])
        else:
            count = random.randint(0, min(rows))
            sources = np.full(rows[1], NO_ROW)
            sources[random.sample(range(rows[1]), count)] = random.sample(range(rows[0]), count)
            alignment = Alignment.from_sources(sources, rows_a=rows[0])
        if columns[0] == columns[1] and random.random() < 0.7:
            pairs = {place: place for place in range(columns[1])}
        else:
            count = random.randint(0, min(columns))
            pairs = dict(
                zip(random.sample(range(columns[1]), count), random.sample(range(columns[0]), count), strict=True)
            )
        held = [row for row, source in enumerate(alignment.sources()) if source >= 0]
        changed = {
            place: np.array([row for row in held if random.random() < 0.2], np.int64)
            for place in pairs
            if random.random() < 0.6
        }
        return Descent(alignment, pairs, {place: rows for place, rows in changed.items() if len(rows)})

    def generation(self, node: int) -> int:
        return node

    def parents(self, node: int) -> Sequence[int]:
        return self.before[node]

    def descent(self, node: int, parent: int, places: Collection[int]) -> Descent:
        self.asked.append((node, parent))
        return self.descents[node, parent]

    def causes(self, node: int) -> CauseMap | None:
        if node not in self.steps:
            return None
        count, told = self.steps[node]
        return CauseMap.from_codes(count, told)

    def origin(self, node: int, row: int, place: int) -> tuple[int, int]:
        """The definition, cell by cell: version and step."""
        for parent in self.before[node]:
            descent = self.descents[node, parent]
            source = int(descent.alignment.sources()[row])
            if source >= 0 and place in descent.pairs and row not in descent.changed.get(place, ()):
                return self.origin(parent, source, descent.pairs[place])
        _, told = self.steps.get(node, (0, {}))
        return node, told[place][row] if place in told else 0


@settings(max_examples=400)
@given(random=st.randoms(use_true_random=False))
def test_each_cell_is_from_where_the_definition_says(random: Random) -> None:
    graph = Graph(random, random.randint(1, 12))
    node = len(graph.rows) - 1
    places, rows = range(graph.columns[node]), range(graph.rows[node])
    whole = traced(graph, node, len(rows), places)
    expected = {place: [graph.origin(node, row, place) for row in rows] for place in places}
    origins = list(zip(whole.origins, whole.steps, strict=True))
    assert {place: [origins[code] for code in whole.codes[place]] for place in places} == expected
    assert len(set(graph.asked)) == len(graph.asked)
    assert sorted(whole.origins, reverse=True) == list(whole.origins)
    assert len(set(origins)) == len(origins)
    assert set(origins) == {each for column in expected.values() for each in column}
    some = sorted(random.sample(rows, random.randint(0, len(rows))))
    columns = random.sample(places, random.randint(0, len(places)))
    part = traced(graph, node, len(rows), columns, np.array(some, np.int64))
    origins = list(zip(part.origins, part.steps, strict=True))
    assert {place: [origins[code] for code in part.codes[place]] for place in columns} == {
        place: [expected[place][row] for row in some] for place in columns
    }


@given(
    st.integers(1, 300).flatmap(
        lambda steps: st.tuples(
            st.just(steps), st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, steps), min_size=1, max_size=30))
        )
    )
)
def test_cause_maps_come_back(made: tuple[int, dict[int, list[int]]]) -> None:
    steps, codes = made
    header, buffers = encode_causes(CauseMap.from_codes(steps, codes))
    found = decode_causes(header, [buffer.tobytes() for buffer in buffers])
    assert found.steps == steps
    for place, each in codes.items():
        assert found.of(place, np.arange(len(each))).tolist() == each


@pytest.mark.parametrize(
    "broken",
    [
        [2, 1, [], []],
        [1, 1, [0], [1, 1]],
        [1, "1", [], []],
        [1, 1, ["x"], [1, 1]],
        [1, 1, [0], [1]],
        [1],
    ],
)
def test_cause_maps_that_contradict_themselves_are_refused(broken: Any) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        decode_causes(broken, [b"\x01", b"\x01"][: 2 * len(broken[2])] if len(broken) > 2 else [])


def test_each_merge_doubles_nothing() -> None:
    """Diamonds, one above the other: there are 2**40 ways down."""
    graph = Graph(Random(0), 1)
    graph.rows, graph.columns = [4] * 121, [1] * 121
    graph.before = [[]]
    for merge in range(3, 121, 3):
        base = merge - 3
        graph.before += [[base], [base], [merge - 2, merge - 1]]
    shifted = Alignment.from_sources(np.array([1, 0, 3, 2]), rows_a=4)
    changed = {0: np.array([2])}
    for node, before in enumerate(graph.before):
        for parent in before:
            side = len(before) == 1
            graph.descents[node, parent] = Descent(shifted, {0: 0}, {} if side else {0: np.array([parent % 2])})
    graph.descents[1, 0] = Descent(shifted, {0: 0}, changed)
    found = traced(graph, 120, 4, [0])
    assert len(graph.asked) == len(set(graph.asked)) <= 160
    assert [found.origins[code] for code in found.codes[0]] == [graph.origin(120, row, 0)[0] for row in range(4)]


def test_a_walk_ends_when_everything_is_told() -> None:
    graph = Graph(Random(0), 1)
    graph.rows, graph.columns, graph.before = [3] * 4, [2] * 4, [[], [0], [1], [2]]
    same = Alignment.identity(3)
    for node in (1, 2, 3):
        graph.descents[node, node - 1] = Descent(same, {0: 0, 1: 1}, {0: np.arange(3)} if node == 3 else {})
    assert traced(graph, 3, 3, [0]).origins == (3,)
    assert graph.asked == [(3, 2)]


def test_a_column_that_two_ways_lead_to_two_columns() -> None:
    graph = Graph(Random(0), 1)
    graph.rows, graph.columns, graph.before = [2] * 5, [2] * 5, [[], [0], [1], [1], [2, 3]]
    same, straight, crossed = Alignment.identity(2), {0: 0, 1: 1}, {0: 1, 1: 0}
    graph.descents = {
        (1, 0): Descent(same, straight, {0: np.arange(2)}),
        (2, 1): Descent(same, straight, {}),
        (3, 1): Descent(same, crossed, {}),
        (4, 2): Descent(same, straight, {0: np.array([1])}),
        (4, 3): Descent(same, straight, {}),
    }
    found = traced(graph, 4, 2, [0])
    assert [found.origins[code] for code in found.codes[0]] == [1, 0]
