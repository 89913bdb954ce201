"""What came from what, over all recorded runs: frames as versions, columns, cell runs, operations, files and models.

`building` makes a graph of cell runs; here it is asked: what lies up- and downstream, of tables or of columns. A
variable that is bound again is another version, so that a graph has no cycles.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, Literal

NodeKind = Literal["version", "column", "run", "operation", "file", "model", "score"]
Evidence = Literal["proved", "recorded", "opaque"]
"""A column edge is proved where both columns have the same id and an operation was recorded between them; opaque: that
columns cannot be told."""

EdgeKind = Literal["reads", "writes", "in", "out", "step", "column", "holds", "fits", "asks"]


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the graph.

    Parameters
    ----------
    id : str
        Unique in the graph, the same whenever it is built of the same runs.
    kind : str
        ``"version"``, ``"column"``, ``"run"``, ``"operation"``, ``"file"``, ``"model"`` or ``"score"``.
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
        for known, value in self.details:
            if known == name:
                return value
        return ""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge, from what was there before to what came of it.

    Parameters
    ----------
    source, target : str
        Ids of nodes.
    kind : str
        ``"reads"`` and ``"writes"`` between versions and runs, ``"in"`` and ``"out"`` between files and runs,
        ``"step"`` between versions by way of an operation, ``"fits"`` into a model, ``"asks"`` from a model to what
        was made of it (predictions, scores), ``"column"`` between columns,
        ``"holds"`` from a version to each of its columns.
    evidence : str
        ``"proved"``, ``"recorded"`` or ``"opaque"``.
    influence : str
        Of a column: ``"value"``, ``"filter"``, ``"key"`` or ``"order"``.
    by : str
        Id of the operation that this edge is of; ``""``: of none.
    role : str
        Of a column that fits a model ``"feature"`` or ``"target"``.
    """

    source: str
    target: str
    kind: EdgeKind
    evidence: Evidence = "recorded"
    influence: str = ""
    by: str = ""
    role: str = ""


_TABLE_EDGES = frozenset({"reads", "writes", "in", "out", "step", "fits", "asks"})


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
    def into(self) -> dict[str, list[Edge]]:
        """Edges by what they lead to."""
        return _by(self.edges, lambda edge: edge.target)

    @cached_property
    def out_of(self) -> dict[str, list[Edge]]:
        """Edges by what they come from."""
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

        A column of which nothing is known is traced to what gave its frame: a file's reader, or a call that nobody
        could look into, with the frames that went in there.

        Raises
        ------
        KeyError
            If there is no such node.
        """
        from lineageflow_jupyter.lineage.reaching import columns_before

        if any(self.nodes[each].kind in ("column", "model", "score") for each in ids):
            return columns_before(self, ids)
        return self._reached(ids, self.into, lambda edge: edge.source)

    def downstream(self, *ids: str) -> Graph:
        """All that came of some nodes, with them; of columns all that may have come of them. Raises as `upstream`."""
        from lineageflow_jupyter.lineage.reaching import columns_behind

        if any(self.nodes[each].kind == "column" for each in ids):
            return columns_behind(self, ids)
        return self._reached(ids, self.out_of, lambda edge: edge.target)

    def _reached(self, ids: Iterable[str], edges: Mapping[str, list[Edge]], end: Callable[[Edge], str]) -> Graph:
        waiting = [self.nodes[each].id for each in ids]
        seen, kept = set(waiting), dict[Edge, None]()
        while waiting:
            for edge in edges.get(waiting.pop(), ()):
                if edge.kind in _TABLE_EDGES:
                    kept[edge] = None
                    waiting.extend({end(edge)} - seen)
                    seen.add(end(edge))
        return self.part(seen, kept)

    def of_values(self) -> Graph:
        """The graph without edges from columns that only chose, matched or ordered rows."""
        kept = (edge for edge in self.edges if edge.kind != "column" or edge.influence == "value")
        return Graph(self.nodes, tuple(kept))

    def part(self, ids: Iterable[str], edges: Iterable[Edge]) -> Graph:
        """The graph of some of the nodes, in their order, with edges between them."""
        chosen = set(ids)
        nodes = {name: node for name, node in self.nodes.items() if name in chosen}
        places = {name: place for place, name in enumerate(nodes)}
        return Graph(nodes, tuple(sorted(edges, key=lambda edge: (places[edge.source], places[edge.target]))))

    def tables(self) -> Graph:
        """The graph without columns and operations: versions, runs, files, models and scores."""
        ids = {name for name, node in self.nodes.items() if node.kind not in ("column", "operation")}
        ids -= {name for name in ids if self.nodes[name].detail("within")}
        kinds = ("reads", "writes", "in", "out")
        edges = [each for each in self.edges if each.kind in kinds and {each.source, each.target} <= ids]
        met = {end for edge in edges for end in (edge.source, edge.target)}
        ids -= {name for name in ids if self.nodes[name].kind == "run" and name not in met}
        for name in ids:
            if self.nodes[name].kind in ("model", "score"):
                edges += self._nearest(name, ids)
        return self.part(ids, dict.fromkeys(edges))

    def _nearest(self, name: str, ids: Collection[str]) -> list[Edge]:
        """Edges into a model or score from the nodes of a choice that lie nearest before it."""
        found: dict[Edge, None] = {}
        waiting, seen = [name], {name}
        kind: EdgeKind = "fits" if self.nodes[name].kind == "model" else "asks"
        while waiting:
            for edge in self.into.get(waiting.pop(), ()):
                if edge.kind not in ("step", "fits", "asks") or self.nodes[edge.source].kind == "column":
                    continue
                if edge.source in ids:
                    found[Edge(edge.source, name, kind)] = None
                elif edge.source not in seen:
                    seen.add(edge.source)
                    waiting.append(edge.source)
        return list(found)

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
                    "role": edge.role,
                }
                for edge in self.edges
            ],
        }

    @cached_property
    def labels(self) -> dict[str, str]:
        """How people tell nodes apart: several states of one variable have the number of the cell behind them."""
        held: dict[str, set[str]] = {}
        for node in self.nodes.values():
            if node.kind in ("version", "column"):
                held.setdefault(node.label, set()).add(node.detail("made"))
        return {
            node.id: f"{node.label} [{node.detail('made')}]"
            if len(held.get(node.label, ())) > 1 and node.detail("made") and node.kind in ("version", "column")
            else node.label
            for node in self.nodes.values()
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


def in_order(nodes: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """Ids of nodes, each behind its sources, otherwise as they came."""
    waiting = dict.fromkeys(nodes, 0)
    places = {name: place for place, name in enumerate(waiting)}
    out_of: dict[str, list[str]] = {}
    for edge in edges:
        waiting[edge.target] += 1
        out_of.setdefault(edge.source, []).append(edge.target)
    ready = [(places[name], name) for name, count in waiting.items() if not count]
    order = []
    while ready:
        _, name = heappop(ready)
        order.append(name)
        for target in out_of.get(name, ()):
            waiting[target] -= 1
            if not waiting[target]:
                heappush(ready, (places[target], target))
    # Records that contradict one another could make a cycle; nothing is lost for that.
    return list(dict.fromkeys([*order, *places]))
