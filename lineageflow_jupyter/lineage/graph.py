"""What came from what, over all recorded runs: frames as versions, columns, cell runs, operations, files and models.

`building` makes a graph of cell runs; here it is asked: what lies up- and downstream, of tables or of columns. A
variable that is bound again is another version, so that a graph has no cycles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

NodeKind = Literal["version", "column", "run", "operation", "file", "model"]
Evidence = Literal["proved", "recorded", "opaque"]
"""A column edge is proved where both columns have the same id and an operation was recorded between them; opaque: that
columns cannot be told."""

EdgeKind = Literal["reads", "writes", "in", "out", "step", "column", "holds", "fits"]


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the graph.

    Parameters
    ----------
    id : str
        Unique in the graph, the same whenever it is built of the same runs.
    kind : str
        ``"version"``, ``"column"``, ``"run"``, ``"operation"``, ``"file"`` or ``"model"``.
    label : str
        What people call it.
    details : tuple of (str, str)
        More about it, by name.
    stale : tuple of str
        Why it may be out of date, one reason an input that moved on; empty where nothing is known to speak against it.
    current : bool
        Whether it is the latest state of its variable, or the latest run of its cell; True of all other kinds.
    """

    id: str
    kind: NodeKind
    label: str
    details: tuple[tuple[str, str], ...] = ()
    stale: tuple[str, ...] = ()
    current: bool = True

    def detail(self, name: str) -> str:
        """One of the details; ``""`` where there is none of this name."""
        return dict(self.details).get(name, "")


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge, from what was there before to what came of it.

    Parameters
    ----------
    source, target : str
        Ids of nodes.
    kind : str
        ``"reads"`` and ``"writes"`` between versions and runs, ``"in"`` and ``"out"`` between files and runs,
        ``"step"`` between versions by way of an operation, ``"fits"`` into a model, ``"column"`` between columns,
        ``"holds"`` from a version to each of its columns.
    evidence : str
        ``"proved"``, ``"recorded"`` or ``"opaque"``.
    influence : str
        Of a column: ``"value"``, ``"filter"``, ``"key"`` or ``"order"``.
    by : str
        Id of the operation that this edge is of; ``""``: of none.
    """

    source: str
    target: str
    kind: EdgeKind
    evidence: Evidence = "recorded"
    influence: str = ""
    by: str = ""


_TABLE_EDGES = frozenset({"reads", "writes", "in", "out", "step", "fits"})


@dataclass(frozen=True)
class Graph:
    """A graph of what came from what.

    Parameters
    ----------
    nodes : mapping of str to Node
        By id, each behind what it came from.
    edges : tuple of Edge
        Without repetitions.
    """

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    @cached_property
    def _into(self) -> dict[str, list[Edge]]:
        return _by(self.edges, lambda edge: edge.target)

    @cached_property
    def _out_of(self) -> dict[str, list[Edge]]:
        return _by(self.edges, lambda edge: edge.source)

    def find(self, name: str, *, column: str = "", table: str = "") -> Node | None:
        """Latest version of a variable or dataset, or a column of it.

        Parameters
        ----------
        name : str
            Variable or dataset.
        column : str
            Name of a column; ``""``: the version itself.
        table : str
            First hexadecimal digits of its table id; ``""``: whichever it is.

        Returns
        -------
        Node or None
            None: there is none.
        """
        found = [
            node
            for node in self.nodes.values()
            if node.kind == "version"
            and name in (node.detail("variable"), node.detail("dataset"))
            and node.detail("table").startswith(table)
        ]
        if not found:
            return None
        # One within a run that has gone on since is no state of the variable.
        last = (
            [node for node in found if node.current] or [node for node in found if not node.detail("within")] or found
        )
        return self.nodes.get(column_id(last[-1].id, column)) if column else last[-1]

    def upstream(self, *ids: str) -> Graph:
        """All that some nodes came from, with them. Of columns: the columns, and the operations between them.

        Raises
        ------
        KeyError
            If there is no such node.
        """
        return self._reached(ids, self._into, lambda edge: edge.source)

    def downstream(self, *ids: str) -> Graph:
        """All that came of some nodes, with them. Raises as `upstream`."""
        return self._reached(ids, self._out_of, lambda edge: edge.target)

    def _reached(self, ids: Iterable[str], edges: Mapping[str, list[Edge]], end: Callable[[Edge], str]) -> Graph:
        start = [self.nodes[each] for each in ids]
        columns = any(node.kind == "column" for node in start)
        followed = frozenset({"column", "fits"}) if columns else _TABLE_EDGES
        waiting, seen, kept = [node.id for node in start], {node.id for node in start}, dict[Edge, None]()
        while waiting:
            for edge in edges.get(waiting.pop(), ()):
                if edge.kind not in followed:
                    continue
                kept[edge] = None
                more = {end(edge), edge.by} - {""} if columns else {end(edge)}
                # Through the operation of an edge goes more than this edge: it is shown, not followed.
                waiting.extend({end(edge)} - seen)
                seen |= more
        return self._of(seen, kept)

    def _of(self, ids: Iterable[str], edges: Iterable[Edge]) -> Graph:
        chosen = set(ids)
        wanted = set(edges)
        nodes = {name: node for name, node in self.nodes.items() if name in chosen}
        return Graph(nodes, tuple(edge for edge in self.edges if edge in wanted))

    def tables(self) -> Graph:
        """The graph without columns and operations: versions, runs, files and models."""
        ids = {name for name, node in self.nodes.items() if node.kind not in ("column", "operation")}
        ids -= {name for name in ids if self.nodes[name].detail("within")}
        kinds = ("reads", "writes", "in", "out", "fits")
        return self._of(ids, [each for each in self.edges if each.kind in kinds and {each.source, each.target} <= ids])

    def to_dict(self) -> dict[str, Any]:
        """The graph as what JSON can hold."""
        return {
            "nodes": [
                {
                    "id": node.id,
                    "kind": node.kind,
                    "label": node.label,
                    "details": dict(node.details),
                    "stale": list(node.stale),
                    "current": node.current,
                }
                for node in self.nodes.values()
            ],
            "edges": [
                {
                    "source": edge.source,
                    "target": edge.target,
                    "kind": edge.kind,
                    "evidence": edge.evidence,
                    "influence": edge.influence,
                    "by": edge.by,
                }
                for edge in self.edges
            ],
        }

    def marked(self, stale: Mapping[str, tuple[str, ...]]) -> Graph:
        """The graph with reasons why nodes may be out of date."""
        nodes = {name: replace(node, stale=stale.get(name, ())) for name, node in self.nodes.items()}
        return Graph(nodes, self.edges)


def column_id(version: str, column: str) -> str:
    """Id of the node of a column."""
    return f"{version}/{column}"


def _by(edges: Iterable[Edge], end: Callable[[Edge], str]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(end(edge), []).append(edge)
    return found
