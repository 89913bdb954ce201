"""A graph as text for Graphviz, and as a static drawing for places without widgets.

What is drawn is not quite the graph: an operation between columns becomes a box of its own, with lines to and from
it, and where there is more than can be read, what lies far from where one started is drawn as one box.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape

from lineageflow_jupyter.lineage.building_calls import short_call
from lineageflow_jupyter.lineage.graph import Edge, Graph, Node, in_order

_SHAPES = {
    "version": "box",
    "column": "ellipse",
    "run": "note",
    "operation": "plain",
    "file": "folder",
    "model": "component",
    "score": "oval",
}
_DASHES = {"proved": "", "recorded": "", "opaque": "4 3"}
_STYLES = {"proved": ', style="bold"', "recorded": "", "opaque": ', style="dashed"'}
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 150, 34, 60, 18, 12
_WIDE = 18
"""Letters that fit in a box, counted in those of middling width."""
MOST = 80
"""Nodes that are drawn at most; of more the rest is drawn as boxes that say how many they stand for."""
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


def svg(graph: Graph, *, start: Collection[str] = (), most: int = MOST) -> str:
    """Draw a graph from left to right, each node right of all that it came from.

    Parameters
    ----------
    graph : Graph
        Any graph, or a part of one.
    start : collection of str
        Nodes that were asked for; they are drawn strong, and what is near them is drawn first.
    most : int
        Nodes that are drawn at most.

    Returns
    -------
    str
        An ``<svg>`` element in the colour of the text around it. Opaque edges are dashed, proved ones are thick; each
        node and edge has a title that says what it is.
    """
    said = f"Lineage: {len(graph.nodes)} nodes, {len(_drawn(graph))} edges"
    labels = {name: label for name, label in graph.labels.items() if graph.nodes[name].kind in ("version", "column")}
    graph = collapsed(with_operations(graph), start, most)
    edges = _drawn(graph)
    layers = _layers(graph, edges)
    places = {
        name: (_MARGIN + column * (_WIDTH + _ACROSS), _MARGIN + row * (_HEIGHT + _DOWN))
        for column, layer in enumerate(layers)
        for row, name in enumerate(layer)
    }
    width = 2 * _MARGIN + max(len(layers), 1) * (_WIDTH + _ACROSS) - _ACROSS
    height = 2 * _MARGIN + max((len(layer) for layer in layers), default=1) * (_HEIGHT + _DOWN) - _DOWN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{said}" fill="none" stroke="currentColor" font-family="sans-serif" font-size="12">'
    ]
    parts += [_line(graph, edge, places) for edge in edges]
    parts += [
        _box(graph.nodes[name], labels.get(name, ""), place, strong=name in start) for name, place in places.items()
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def with_operations(graph: Graph) -> Graph:
    """The graph with a box for each operation between columns, and without columns of objects that had no name.

    An operation that gave several named columns has a box for each, or one could not see which came from which.
    """
    edges: dict[Edge, None] = {}
    made: dict[str, Node] = {}
    first: dict[str, dict[str, Node]] = {}
    for edge in _drawn(graph):
        source = made.get(edge.source, graph.nodes[edge.source]).id
        by = graph.nodes.get(edge.by)
        if by is None or edge.kind != "column":
            edges[replace(edge, source=source)] = None
            continue
        unnamed = graph.nodes[edge.target].detail("unnamed") != ""
        box = replace(by, id=by.id if unnamed else f"{by.id}→{edge.target}")
        first.setdefault(edge.target, {})[box.id] = box
        edges[replace(edge, source=source, target=box.id, by="")] = None
        if unnamed:
            made[edge.target] = box
        else:
            edges[Edge(box.id, edge.target, "column", "recorded")] = None
    # What is drawn between columns is not drawn once more by itself.
    used = {end for edge in edges for end in (edge.source, edge.target)}
    gone = ({edge.by for edge in graph.edges} - used) | set(made)
    nodes: dict[str, Node] = {}
    for name, node in graph.nodes.items():
        nodes |= first.get(name, {})
        if name not in gone:
            nodes[name] = node
    values = [edge for edge in edges if edge.influence == "value"]
    proved = {edge.target for edge in values if edge.evidence == "proved"}
    proved -= {edge.target for edge in values if edge.evidence != "proved"}
    marked = (replace(edge, evidence="proved") if edge.source in proved else edge for edge in edges)
    return Graph(_in_order(nodes, edges), _one_each(edge for edge in marked if edge.source != edge.target))


def _in_order(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> dict[str, Node]:
    return {name: nodes[name] for name in in_order(nodes, edges)}


def _one_each(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """One edge between two nodes, with the influences of all."""
    found: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        known = found.get((edge.source, edge.target))
        if known is None:
            found[edge.source, edge.target] = edge
            continue
        influences = [each for each in (*known.influence.split(", "), edge.influence) if each]
        weaker = "recorded" if {known.evidence, edge.evidence} == {"proved", "recorded"} else edge.evidence
        merged = replace(known, influence=", ".join(dict.fromkeys(influences)), evidence=weaker)
        found[edge.source, edge.target] = merged
    return tuple(found.values())


def collapsed(graph: Graph, start: Collection[str] = (), most: int = MOST) -> Graph:
    """The graph with so many nodes at most: those farthest from some, or the oldest, are one box of each kind.

    Parameters
    ----------
    graph : Graph
        The graph.
    start : collection of str
        Where distance is counted from; the latest nodes by default.
    most : int
        Nodes that are left at most, without the boxes.
    """
    if len(graph.nodes) <= most:
        return graph
    kept = set(_nearest(graph, [name for name in start if name in graph.nodes])[:most])
    if len(kept) < most:
        kept |= set(list(graph.nodes)[-(most - len(kept)) :])
    before, behind = _led_to(graph, kept, graph.out_of, forward=False), _led_to(graph, kept, graph.into, forward=True)
    kept |= before & behind  # or a box would lie on both sides of what is kept
    place = {name: name if name in kept else "before" if name in before else "behind" for name in graph.nodes}
    nodes = {name: node for name, node in graph.nodes.items() if name in kept}
    counts: dict[str, int] = {}
    for each in place.values():
        if each not in kept:
            counts[each] = counts.get(each, 0) + 1
    nodes |= {
        each: Node(each, "operation", f"… {count:,} more", (("collapsed", "yes"),)) for each, count in counts.items()
    }
    edges = {
        replace(edge, source=place[edge.source], target=place[edge.target], by=""): None
        for edge in graph.edges
        if place[edge.source] != place[edge.target]
    }
    return Graph(_in_order(nodes, edges), _one_each(edges))


def _led_to(graph: Graph, kept: Collection[str], edges: Mapping[str, list[Edge]], *, forward: bool) -> set[str]:
    """What is not kept and has something kept behind it, or before it."""
    found: set[str] = set()
    for name in graph.nodes if forward else reversed(list(graph.nodes)):
        ends = [edge.source if forward else edge.target for edge in edges.get(name, ())]
        if name not in kept and any(each in kept or each in found for each in ends):
            found.add(name)
    return found


def _nearest(graph: Graph, start: Sequence[str]) -> list[str]:
    """Nodes by their distance from some."""
    found = dict.fromkeys(start)
    waiting = list(start)
    while waiting:
        later: dict[str, None] = {}
        for name in waiting:
            ends = [edge.source for edge in graph.into.get(name, ())]
            ends += [edge.target for edge in graph.out_of.get(name, ())]
            later.update(dict.fromkeys(each for each in ends if each not in found))
        found.update(later)
        waiting = list(later)
    return list(found)


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


def _box(node: Node, label: str, place: tuple[int, int], *, strong: bool) -> str:
    x, y = place
    radius = {"run": 2, "version": 6, "column": 16, "file": 0, "operation": 10, "model": 6, "score": 16}[node.kind]
    details = [f"{node.kind} {node.label}", *(f"{name}: {value}" for name, value in node.details)]
    details += [f"stale: {why}" for why in node.stale]
    said = "\n".join(details)
    dashes = ' stroke-dasharray="5 3"' if node.stale else ""
    faint = "" if node.current else ' opacity="0.55"'
    width = "2" if strong or node.kind in ("model", "score") else "0" if node.kind == "operation" else "1"
    weight = ' font-weight="bold"' if strong else ' font-style="italic"' if node.kind == "operation" else ""
    mark = f'<text x="{x + _WIDTH - 6}" y="{y + 10}" font-size="9" text-anchor="end">stale</text>' if node.stale else ""
    shown = _text(clipped(label or shown_label(node)))
    return (
        f"<g{faint}><title>{_text(said)}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{radius}" stroke-width="{width}"{dashes} '
        f'fill="currentColor" fill-opacity="0.06"/>'
        f'<g fill="currentColor" stroke="none">{mark}'
        f'<text x="{x + 8}" y="{y + _HEIGHT // 2 + 4}"{weight}>{shown}</text></g></g>'
    )


def shown_label(node: Node) -> str:
    """How a node is called in a drawing: files without their folders, operations without their class."""
    if node.kind == "file":
        return node.label.replace("\\", "/").rstrip("/").rpartition("/")[2] or node.label
    if node.kind != "operation" or node.detail("collapsed") or node.label.startswith("%"):
        return node.label
    made = node.detail("made")
    return f"{short_call(node.label)} [{made}]" if made else short_call(node.label)


def clipped(text: str, width: float = _WIDE) -> str:
    """Text that fits into a box; of a column both the end of the frame's name and the column are kept if possible.

    Examples
    --------
    >>> clipped("flights_of_january_2013.departure_delay")
    'flights…eparture_delay'
    """
    if _length(text) <= width:
        return text
    head, tail = "", text
    dot = text.rfind(".")
    if dot > 0:
        # Columns are told by how they end, frames by how they begin.
        head = text[: min(dot, 7)]
        while tail and _length(f"{head}…{tail}") > width:
            tail = tail[1:]
        return f"{head}…{tail}"
    while _length(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _length(text: str) -> float:
    """Width of a text in letters of middling width."""
    return sum(
        2 if unicodedata.east_asian_width(sign) in "WF" else 0.55 if sign in "il.,:;|!' tfjrI1[]()" else 1
        for sign in text
    )


def _text(text: str) -> str:
    """Text for XML, which cannot hold control characters at all."""
    return escape(_CONTROL.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
