"""What `Repository.lineage` answers: a part of the graph, as frames, JSON, Graphviz text and a drawing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineageflow_jupyter.lineage.drawing import dot, svg
from lineageflow_jupyter.lineage.folding import as_shown
from lineageflow_jupyter.lineage.graph import Edge, Graph, Node

_TABLES = ("variable", "dataset", "table", "rows", "columns", "current", "stale", "id")
_COLUMNS = ("source", "target", "operation", "influence", "evidence", "notebook", "cell", "number", "line")
_OPERATIONS = ("operation", "parameters", "notebook", "cell", "number", "line", "count", "opaque", "id")


@dataclass(frozen=True)
class Lineage:
    """What something came from, or what came of it.

    Parameters
    ----------
    graph : Graph
        Nodes, each behind what it came from, and edges. See `lineage.graph`.
    all : Graph
        The graph that it is a part of.
    start : tuple of str
        Ids of the nodes that were asked for; empty: the whole graph was.
    down : bool
        Whether this is what came of them.
    left_out : int
        So many other columns chose, matched or ordered rows on the way, or had theirs chosen so; they are not shown.
    notebook : str
        Path of the notebook for which it is shown; cells of others are told with their notebooks.
    """

    graph: Graph
    all: Graph
    start: tuple[str, ...] = ()
    down: bool = False
    left_out: int = 0
    notebook: str = ""

    def __repr__(self) -> str:
        """One line for people."""
        names = ", ".join(self.graph.nodes[each].label for each in self.start) or "everything"
        direction = "down" if self.down else "up"
        return f"<lineage of {names}, {direction}: {len(self.nodes):,} nodes, {len(self.edges):,} edges>"

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Nodes by id."""
        return self.graph.nodes

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Edges."""
        return self.graph.edges

    @cached_property
    def shown(self) -> Graph:
        """The graph for people: states that nothing happened to are one node, and names are short."""
        return as_shown(self.graph, self.all, self.start, self.notebook)

    @property
    def tables(self) -> Any:
        """Frame of the versions of frames: a row each, with what is out of date and why."""
        rows = [
            (
                node.detail("variable"),
                node.detail("dataset"),
                node.detail("table"),
                _number(node.detail("rows")),
                _number(node.detail("columns")),
                node.current,
                "; ".join(node.stale),
                node.id,
            )
            for node in self.nodes.values()
            if node.kind == "version"
        ]
        return _frame(_TABLES, rows)

    @property
    def columns(self) -> Any:
        """Frame of the edges between columns, and into models: a row each, with operation, influence and evidence."""
        rows = [
            (
                self.graph.labels[edge.source],
                self.graph.labels[edge.target],
                *self._by(edge),
                edge.influence,
                edge.evidence,
                *self._where(edge.by or edge.target),
            )
            for edge in self.edges
            if edge.kind in ("column", "fits", "asks", "step")
        ]
        return _frame(_COLUMNS, rows)

    @property
    def operations(self) -> Any:
        """Frame of the operations, models and scores: a row each, with notebook, cell and line."""
        rows = [
            (
                node.detail("call") or node.label,
                node.detail("parameters"),
                *self._where(node.id),
                int(node.detail("count") or 1),
                bool(node.detail("opaque")),
                node.id,
            )
            for node in self.nodes.values()
            if node.kind in ("operation", "model", "score")
        ]
        return _frame(_OPERATIONS, rows)

    def _by(self, edge: Edge) -> tuple[str]:
        by = self.nodes.get(edge.by)
        return ("" if by is None else by.label,)

    def _where(self, name: str) -> tuple[str, str, int | None, int | None]:
        """Notebook, cell, execution count and line of an operation."""
        node = self.nodes.get(name)
        run = None if node is None else self.all.nodes.get(f"run:{node.detail('run')}")
        if node is None or run is None:
            return "", "", None, None
        return run.detail("notebook"), run.detail("cell"), _number(run.detail("number")), _number(node.detail("line"))

    def to_dict(self) -> dict[str, Any]:
        """Nodes and edges as what JSON can hold; see the fields of `lineage.graph.Node` and `Edge`."""
        return {"start": list(self.start), "down": self.down, **self.graph.to_dict()}

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict())

    def to_dot(self) -> str:
        """Text for Graphviz."""
        return dot(self.graph)

    def to_svg(self) -> str:
        """A static drawing in the colours of the text around it, of `shown`."""
        return svg(self.shown, start=self.start)

    def _repr_svg_(self) -> str:
        return self.to_svg()


def _number(text: str) -> int | None:
    return int(text) if text else None


def _frame(names: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> Any:
    import pyarrow as pa  # heavy: the command line knows all verbs, and shows its help without it

    listed = list(rows)
    columns = {name: [row[place] for row in listed] for place, name in enumerate(names)}
    types: dict[str, pa.DataType] = {
        "rows": pa.int64(),
        "columns": pa.int64(),
        "number": pa.int64(),
        "line": pa.int64(),
        "count": pa.int64(),
    }
    types |= dict.fromkeys(("current", "opaque"), pa.bool_())
    arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    return pa.table(arrays).to_pandas()
