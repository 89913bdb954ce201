"""Records in the making, in which frames are numbers, and the ways back through them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lineageflow_jupyter.lineage.operations_origins import ALL, Origin, Source, Sources
from lineageflow_jupyter.lineage.operations_shape import WIDEST
from lineageflow_jupyter.model.cells import Influence

_EDGES = 4_096
"""Edges that a collapsed record keeps."""
_INPUTS = 64
"""Inputs that it keeps."""
_ORIGINS = 16
"""Origins that it keeps before edges are made of them."""
_STEPS = 20_000
"""Edges that are followed back at the end of a recording, in all: some milliseconds."""

Edges = dict[tuple[int, str, str, Influence], None]
"""Number of a frame, a column of it, a column of what came out, how the one fed the other; in order."""


@dataclass(slots=True)
class Draft:
    """A record in the making; frames are numbers here."""

    call: str
    line: int | None
    parameters: str
    origins: list[Origin]
    inputs: tuple[int, ...] = ()
    output: int | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    added: dict[str, None] = field(default_factory=dict)
    dropped: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    nulls_in: int | None = None
    nulls_out: int | None = None
    opaque: bool = False
    count: int = 1
    model: int | None = None
    metric: str = ""
    value: float | None = None
    _edges: Edges = field(default_factory=dict)

    @property
    def edges(self) -> Edges:
        """Which columns fed which: made when they are asked for, since that takes longer than many a call."""
        for origin in self.origins:
            if len(self._edges) < _EDGES:
                self._edges.update(_edges(origin))
        self.origins.clear()
        return self._edges

    def join(self, later: Draft) -> None:
        """Take in another call of the same place."""
        self.count += 1
        self.inputs += tuple(number for number in later.inputs if number not in self.inputs)[
            : _INPUTS - len(self.inputs)
        ]
        self.output, self.rows_out, self.nulls_out = later.output, later.rows_out, later.nulls_out
        self.model, self.value = later.model, later.value
        for mine, others in ((self.added, later.added), (self.dropped, later.dropped), (self.changed, later.changed)):
            mine.update(others)
        if later.origins != self.origins[-1:]:
            self.origins += later.origins
            if len(self.origins) > _ORIGINS:
                self.edges  # noqa: B018 - makes them, and lets the origins go
        self.opaque = self.opaque or later.opaque


def _edges(origin: Origin) -> Edges:
    edges: Edges = {}
    same: dict[int, int] = {}
    wide = len(origin.columns) > WIDEST
    for target, sources in origin.columns.items():
        for number, column, influence in sorted(sources):
            if wide and column == target and influence == "value":
                same[number] = same.get(number, 0) + 1
                continue
            edges[number, column, target, influence] = None
    for number in same:
        edges[number, ALL, ALL, "value"] = None
    for number, column, influence in sorted(origin.extra):
        edges[number, column, ALL, influence] = None
    return edges


class Paths:
    """Ways back from frames without a name, through what was recorded of them, to frames that have one."""

    def __init__(self, drafts: Iterable[Draft], joined: Mapping[int, Draft]) -> None:
        self._joined = joined
        self._left = _STEPS
        self._into: dict[int, list[tuple[int, str, str, Influence]]] = {}
        self._opaque: set[int] = set()
        for draft in drafts:
            if draft.output is not None:
                self._into.setdefault(draft.output, []).extend(draft.edges)
                if draft.opaque:
                    self._opaque.add(draft.output)

    def back(self, sources: Sources, names: Mapping[int, str]) -> tuple[set[Source], bool]:
        """Columns of frames with a name, and whether there may be others."""
        found: set[Source] = set()
        waiting, seen, hidden = list(sources), set(sources), False
        while waiting:
            number, column, influence = waiting.pop()
            if names.get(number):
                found.add((number, column, influence))
                continue
            if number in self._joined:
                number = self._joined[number].output or number
            into = self._into.get(number)
            if into is None or number in self._opaque or self._left <= 0:
                hidden = True
                continue
            self._left -= len(into)
            for source, name, target, how in into:
                if target not in (column, "*"):
                    continue
                name = column if name == "*" else name  # each column fed the one of its own name
                # What chose or ordered rows on the way does so for all that comes after.
                step = (source, name, how if influence == "value" else influence)
                if step not in seen:
                    seen.add(step)
                    waiting.append(step)
        return found, hidden
