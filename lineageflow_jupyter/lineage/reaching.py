"""What lies behind and before columns, models and scores: along their own edges, and around what could not be seen.

Where the columns of a call cannot be told, all of the frame went in, and all that came out may hang on it. Such edges
are opaque, and from there on frames are followed instead of columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from lineageflow_jupyter.lineage.graph import Edge, Graph

_Step = tuple[Edge, str, bool]
"""An edge, the node that it leads to, and whether all of that is meant, or only a column of it."""
_Steps = Callable[[Graph, str, bool], list[_Step]]


def columns_before(graph: Graph, ids: Iterable[str]) -> Graph:
    """All that columns, models or scores came from; see `Graph.upstream`."""
    return _walk(graph, ids, _before)


def columns_behind(graph: Graph, ids: Collection[str]) -> Graph:
    """All that came of columns, or may have; see `Graph.downstream`."""
    return _without_ends(_walk(graph, ids, _behind), frozenset(ids))


def sources_of(graph: Graph, version: str) -> list[str]:
    """Versions that a version was made of: by what is known of operations, else those that its run read."""
    found: dict[str, None] = {}
    for edge in graph.into.get(version, ()):
        if edge.kind == "step" and graph.nodes[edge.source].kind == "version":
            found[edge.source] = None
        elif edge.kind == "step":
            found.update(dict.fromkeys(inputs_of(graph, edge.source)))
    if not _steps(graph, version):
        for edge in graph.into.get(version, ()):
            if edge.kind == "writes":
                found.update(dict.fromkeys(e.source for e in graph.into.get(edge.source, ()) if e.kind == "reads"))
    return list(found)


def inputs_of(graph: Graph, operation: str) -> list[str]:
    """Versions that went into an operation, a model or a score; of what a model made, also those it was fitted with."""
    edges = graph.into.get(operation, ())
    return [edge.source for edge in edges if graph.nodes[edge.source].kind == "version"]


def _walk(graph: Graph, ids: Iterable[str], steps: _Steps) -> Graph:
    waiting = [(graph.nodes[each].id, False) for each in ids]
    seen, shown = set(waiting), {name for name, _ in waiting}
    kept: dict[Edge, None] = {}
    while waiting:
        for edge, end, whole in steps(graph, *waiting.pop()):
            kept[edge] = None
            # Through the operation of an edge goes more than this edge: it is shown, not followed.
            shown |= {end, edge.by} - {""}
            if (end, whole) not in seen:
                seen.add((end, whole))
                waiting.append((end, whole))
    return graph.part(shown, kept)


def _before(graph: Graph, name: str, whole: bool) -> list[_Step]:
    node, into = graph.nodes[name], graph.into.get(name, ())
    if node.kind == "column":
        found = [edge for edge in into if edge.kind == "column"]
        steps = [(edge, edge.source, False) for edge in found]
        if not any(edge.influence == "value" for edge in found):
            version = node.detail("version")
            made = _steps(graph, version) or _writes(graph, version)
            steps += [(replace(edge, target=name), edge.source, edge.evidence == "opaque") for edge in made]
        return steps
    if node.kind == "version":
        return [(edge, edge.source, True) for edge in _steps(graph, name) or _writes(graph, name)]
    if node.kind == "model":
        return _model_inputs(graph, into)
    if node.kind == "score":
        return [(edge, edge.source, True) for edge in into if edge.kind in ("step", "asks")]
    if node.kind in ("operation", "run"):
        kinds = ("step", "reads", "in", "asks") if whole else ("in", "asks")
        return [(edge, edge.source, True) for edge in into if edge.kind in kinds]
    return []


def _model_inputs(graph: Graph, into: Iterable[Edge]) -> list[_Step]:
    columns = [edge for edge in into if edge.role]
    told = {graph.nodes[edge.source].detail("version") for edge in columns}
    frames = [edge for edge in into if edge.kind == "fits" and not edge.role and edge.source not in told]
    return [(edge, edge.source, False) for edge in columns] + [(edge, edge.source, True) for edge in frames]


def _behind(graph: Graph, name: str, whole: bool) -> list[_Step]:
    node, out = graph.nodes[name], graph.out_of.get(name, ())
    if node.kind == "column":
        steps = [(edge, edge.target, False) for edge in out if edge.kind in ("column", "fits")]
        # What was made of its frame out of sight may have used it.
        frame = graph.out_of.get(node.detail("version"), ())
        unseen = [edge for edge in frame if edge.evidence == "opaque"] + _hidden(graph, frame)
        return steps + [(replace(edge, source=name), edge.target, True) for edge in unseen]
    if node.kind == "version":
        return [(edge, edge.target, True) for edge in out if edge.kind in ("step", "fits")] + [
            (edge, edge.target, True) for edge in _hidden(graph, out)
        ]
    if node.kind == "run":
        writes = [edge for edge in out if edge.kind == "writes" and not _steps(graph, edge.target)]
        return [(replace(edge, evidence="opaque"), edge.target, True) for edge in writes]
    return [(edge, edge.target, True) for edge in out if edge.kind in ("step", "asks")]


def _hidden(graph: Graph, out: Iterable[Edge]) -> list[Edge]:
    """Edges into runs that made something of which no operation tells."""
    return [
        replace(edge, evidence="opaque")
        for edge in out
        if edge.kind == "reads"
        and any(e.kind == "writes" and not _steps(graph, e.target) for e in graph.out_of.get(edge.target, ()))
    ]


def _steps(graph: Graph, version: str) -> list[Edge]:
    return [edge for edge in graph.into.get(version, ()) if edge.kind == "step"]


def _writes(graph: Graph, version: str) -> list[Edge]:
    """How a version came about of which no operation tells."""
    return [replace(edge, evidence="opaque") for edge in graph.into.get(version, ()) if edge.kind == "writes"]


def _without_ends(graph: Graph, kept: frozenset[str]) -> Graph:
    """The graph without objects that had no name and of which nothing came."""
    count = {name: len(graph.out_of.get(name, ())) for name in graph.nodes}
    used = {edge.by for edge in graph.edges}
    waiting = [name for name, out in count.items() if not out]
    gone: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in kept or name in used or not _lived_within_a_run(graph, name):
            continue
        gone.add(name)
        for edge in graph.into.get(name, ()):
            count[edge.source] -= 1
            if not count[edge.source]:
                waiting.append(edge.source)
    edges = [edge for edge in graph.edges if edge.source not in gone and edge.target not in gone]
    ends = {each for edge in edges for each in (edge.source, edge.target, edge.by)}
    alone = {name for name, node in graph.nodes.items() if node.kind == "operation" and name not in ends}
    return graph.part(set(graph.nodes) - gone - alone, edges)


def _lived_within_a_run(graph: Graph, name: str) -> bool:
    node = graph.nodes[name]
    if node.kind == "column":
        return node.detail("within") != ""
    return node.kind == "operation" or (node.kind == "version" and node.detail("within") != "")
