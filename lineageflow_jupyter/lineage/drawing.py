"""A graph as text for Graphviz, and as a static drawing for places without widgets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from lineageflow_jupyter.lineage.graph import Edge, Graph, Node

_SHAPES = {
    "version": "box",
    "column": "ellipse",
    "run": "note",
    "operation": "plain",
    "file": "folder",
    "model": "component",
}
_DASHES = {"proved": "", "recorded": "", "opaque": "4 3"}
_STYLES = {"proved": ', style="bold"', "recorded": "", "opaque": ', style="dashed"'}
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 150, 34, 60, 18, 12
_LETTERS = 20
_ROUNDS = 4
_CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def dot(graph: Graph) -> str:
    """Write a graph in the language of Graphviz; edges within versions are left out.

    Parameters
    ----------
    graph : Graph
        Any graph, or a part of one.
    """
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for node in graph.nodes.values():
        style = ', style="dashed"' if node.stale else ""
        label = _quoted(f"{node.label} (stale)" if node.stale else node.label)
        lines.append(f"  {_quoted(node.id)} [label={label}, shape={_SHAPES[node.kind]}{style}];")
    for edge in _drawn(graph):
        style = _STYLES[edge.evidence]
        label = edge.influence or edge.kind
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(label)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def svg(graph: Graph) -> str:
    """Draw a graph from left to right, each node right of all that it came from.

    Parameters
    ----------
    graph : Graph
        Any graph, or a part of one.

    Returns
    -------
    str
        An ``<svg>`` element in the colour of the text around it. Opaque edges are dashed, proved ones are thick; each
        node and edge has a title that says what it is.
    """
    edges = _drawn(graph)
    layers = _layers(graph, edges)
    places = {
        name: (_MARGIN + column * (_WIDTH + _ACROSS), _MARGIN + row * (_HEIGHT + _DOWN))
        for column, layer in enumerate(layers)
        for row, name in enumerate(layer)
    }
    width = 2 * _MARGIN + max(len(layers), 1) * (_WIDTH + _ACROSS) - _ACROSS
    height = 2 * _MARGIN + max((len(layer) for layer in layers), default=1) * (_HEIGHT + _DOWN) - _DOWN
    label = f"Lineage: {len(graph.nodes)} nodes, {len(edges)} edges"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{label}" fill="none" stroke="currentColor" font-family="sans-serif" font-size="12">'
    ]
    parts += [_line(graph, edge, places) for edge in edges]
    parts += [_box(graph.nodes[name], place) for name, place in places.items()]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(graph: Graph) -> list[Edge]:
    """Edges to draw: that a version holds a column is seen from its name."""
    return [
        each
        for each in graph.edges
        if each.source in graph.nodes and each.target in graph.nodes and each.kind != "holds"
    ]


def _layers(graph: Graph, edges: Sequence[Edge]) -> list[list[str]]:
    """Nodes by how long the longest way to them is, each layer in an order with few crossings."""
    sources: dict[str, list[str]] = {name: [] for name in graph.nodes}
    targets: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for edge in edges:
        sources[edge.target].append(edge.source)
        targets[edge.source].append(edge.target)
    depth = dict.fromkeys(graph.nodes, 0)
    left = {name: len(each) for name, each in sources.items()}
    ready = [name for name, count in left.items() if not count]
    while ready:
        name = ready.pop()
        for target in targets[name]:
            depth[target] = max(depth[target], depth[name] + 1)
            left[target] -= 1
            if not left[target]:
                ready.append(target)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name, place in depth.items():
        layers[place].append(name)
    for round_ in range(_ROUNDS):
        neighbours = sources if round_ % 2 == 0 else targets
        places = {name: place for layer in layers for place, name in enumerate(layer)}
        for layer in layers:
            layer.sort(key=lambda name: _middle(neighbours[name], places, name))
    return layers


def _middle(neighbours: Sequence[str], places: Mapping[str, int], name: str) -> float:
    """Mean place of a node's neighbours; its own where it has none."""
    return sum(places[each] for each in neighbours) / len(neighbours) if neighbours else places[name]


def _line(graph: Graph, edge: Edge, places: Mapping[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    x1, y1, y2 = x1 + _WIDTH, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    half = (x2 - x1) // 2
    said = f"{graph.nodes[edge.source].label} → {graph.nodes[edge.target].label}: {edge.influence or edge.kind}"
    dashes = f' stroke-dasharray="{_DASHES[edge.evidence]}"' if _DASHES[edge.evidence] else ""
    width = "2" if edge.evidence == "proved" else "1"
    return (
        f'<g opacity="0.7"><title>{_text(f"{said}, {edge.evidence}")}</title>'
        f'<path d="M{x1} {y1} C{x1 + half} {y1} {x2 - half} {y2} {x2} {y2}" stroke-width="{width}"{dashes}/>'
        f'<path d="M{x2 - 6} {y2 - 4} L{x2} {y2} L{x2 - 6} {y2 + 4}"/></g>'
    )


def _box(node: Node, place: tuple[int, int]) -> str:
    x, y = place
    radius = {"run": 2, "version": 6, "column": 16, "file": 0, "operation": 10, "model": 6}[node.kind]
    shown = node.label if len(node.label) <= _LETTERS else node.label[: _LETTERS - 1] + "…"
    details = [f"{node.kind} {node.label}", *(f"{name}: {value}" for name, value in node.details)]
    details += [f"stale: {why}" for why in node.stale]
    said = "\n".join(details)
    dashes = ' stroke-dasharray="5 3"' if node.stale else ""
    faint = "" if node.current else ' opacity="0.5"'
    width = "2" if node.kind == "model" else "1"
    mark = f'<text x="{x + _WIDTH - 6}" y="{y + 12}" font-size="9" text-anchor="end">stale</text>' if node.stale else ""
    return (
        f"<g{faint}><title>{_text(said)}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}" stroke-width="{width}"{dashes} '
        f'fill="currentColor" fill-opacity="0.06"/>'
        f'<g fill="currentColor" stroke="none">{mark}'
        f'<text x="{x + 8}" y="{y + _HEIGHT // 2 + 4}">{_text(shown)}</text></g></g>'
    )


def _text(text: str) -> str:
    """Text for XML, which cannot hold control characters at all."""
    return escape(_CONTROL.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
