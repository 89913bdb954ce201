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
from itertools import pairwise

from lineageflow_jupyter.lineage.building_calls import short_call
from lineageflow_jupyter.lineage.folding import PLACE, SHOWN, is_passing
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
_HEIGHT, _ACROSS, _DOWN, _MARGIN = 34, 44, 16, 12
_WIDE = 24
"""Letters that fit in a box, counted in those of middling width."""
_LETTER, _INSIDE, _NARROW = 7.4, 16, 40
"""Pixels of a letter of middling width; around a text; and of a box at least."""
_STALE, _PASSED = 26, 14
"""Pixels of the word "stale"; and from the top of a line that passes a layer to what is below it."""
_Place = tuple[int, int, int]
"""Left, top and width of a box."""
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
    graph = collapsed(_calls_in_a_row(with_operations(graph, start)), start, most)
    edges = _drawn(graph)
    layers, passed = _layers(graph, edges)
    texts = {name: _fitting(node, labels.get(name, "")) for name, node in graph.nodes.items()}
    places: dict[str, _Place] = {}
    left = _MARGIN
    lowest = _MARGIN + _HEIGHT
    for layer in layers:
        top, wide = _MARGIN, max(_wide(graph.nodes[name], texts[name]) for name in layer if name in texts)
        for name in layer:
            places[name] = (left, top, wide)
            top += _HEIGHT + _DOWN if name in texts else _PASSED
        lowest = max(lowest, top - _DOWN)
        left += wide + _ACROSS
    width = left - _ACROSS + _MARGIN if layers else 2 * _MARGIN
    height = lowest + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{said}" fill="none" stroke="currentColor" font-family="sans-serif" font-size="12">'
    ]
    parts += [_line(graph, edge, [places[name] for name in passed[edge]], places) for edge in edges]
    parts += [_box(graph.nodes[name], text, places[name], strong=name in start) for name, text in texts.items()]
    return "\n".join([*parts, "</svg>"]) + "\n"


def with_operations(graph: Graph, start: Collection[str] = ()) -> Graph:
    """The graph with a box for each operation between columns, and without columns that lived within a cell run only.

    An operation that gave several columns of a frame with a name has a box for each, or one could not see which came
    from which.
    """
    between = {name for name, node in graph.nodes.items() if is_passing(graph, node, start)}
    between -= {edge.target for edge in graph.edges if edge.kind != "column" or not edge.by}
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
        if unnamed or edge.target in between:
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


def _calls_in_a_row(graph: Graph) -> Graph:
    """The graph with one box for calls of one cell that took nothing but what the one before gave.

    Only of a graph that was made to be shown, in which nodes know their cells.
    """
    first: dict[str, str] = {}
    calls: dict[str, list[str]] = {}
    for name, node in graph.nodes.items():
        into, place = graph.into.get(name, []), node.detail(PLACE)
        before = graph.nodes[into[0].source] if len(into) == 1 else node
        alone = before is not node and len(graph.out_of[before.id]) == 1 and into[0].influence in ("", "value")
        joins = alone and node.kind == before.kind == "operation" and place and place == before.detail(PLACE)
        first[name] = first[before.id] if joins else name
        if node.kind == "operation":
            calls.setdefault(first[name], []).append(node.label.removesuffix(f" {place}"))
    nodes = {
        name: replace(node, label=f"{', '.join(dict.fromkeys(calls[name]))} {node.detail(PLACE)}")
        if len(calls.get(name, ())) > 1
        else node
        for name, node in graph.nodes.items()
        if first[name] == name
    }
    moved = (replace(edge, source=first[edge.source], target=first[edge.target]) for edge in graph.edges)
    edges = [edge for edge in moved if edge.source != edge.target]
    return Graph(_in_order(nodes, edges), tuple(edges))


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


def _layers(graph: Graph, edges: Sequence[Edge]) -> tuple[list[list[str]], dict[Edge, list[str]]]:
    """Nodes by how long the longest way to them is, each layer in an order with few crossings.

    Where an edge passes layers there is a place for it in each, or it would run through what stands there. Such places
    have names of their own, given for each edge; edges from one node share them.
    """
    depth = _depths(graph, edges)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name, place in depth.items():
        layers[place].append(name)
    passed = {
        edge: [_passed(edge.source, place) for place in range(depth[edge.source] + 1, depth[edge.target])]
        for edge in edges
    }
    links: dict[tuple[str, str], None] = {}
    known = set(depth)
    for edge, names in passed.items():
        for place, name in enumerate(names, depth[edge.source] + 1):
            if name not in known:
                known.add(name)
                layers[place].append(name)
        links |= dict.fromkeys(pairwise((edge.source, *names, edge.target)))
    sources: dict[str, list[str]] = {name: [] for name in known}
    targets: dict[str, list[str]] = {name: [] for name in known}
    for source, target in links:
        sources[target].append(source)
        targets[source].append(target)
    for round_ in range(_ROUNDS):
        # To the right by what nodes came from, to the left by what came of them; each layer by the one just ordered.
        neighbours, walk = (sources, layers) if round_ % 2 == 0 else (targets, layers[::-1])
        places = {name: float(place) for layer in layers for place, name in enumerate(layer)}
        for layer in walk:
            layer.sort(key=lambda name: _middle(neighbours[name], places, name))
            places |= {name: float(place) for place, name in enumerate(layer)}
    return layers, passed


def _passed(source: str, place: int) -> str:
    return f"\0{place}\0{source}"


def _depths(graph: Graph, edges: Sequence[Edge]) -> dict[str, int]:
    """Of each node how many others lie at most between it and what came from nothing."""
    targets: dict[str, list[str]] = {}
    left = dict.fromkeys(graph.nodes, 0)
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
        left[edge.target] += 1
    depth = dict.fromkeys(graph.nodes, 0)
    ready = [name for name, count in left.items() if not count]
    while ready:
        name = ready.pop()
        for target in targets.get(name, ()):
            depth[target] = max(depth[target], depth[name] + 1)
            left[target] -= 1
            if not left[target]:
                ready.append(target)
    return depth


def _middle(neighbours: Sequence[str], places: Mapping[str, float], name: str) -> float:
    """Mean place of a node's neighbours; its own where it has none."""
    return sum(places[each] for each in neighbours) / len(neighbours) if neighbours else places[name]


def _line(graph: Graph, edge: Edge, passed: Sequence[_Place], places: Mapping[str, _Place]) -> str:
    (x1, y1, wide), (x2, y2, _) = places[edge.source], places[edge.target]
    x1, y1, y2 = x1 + wide, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    bent = [f"M{x1} {y1}"]
    for x, y, across in [*((x, y + _PASSED // 2, across) for x, y, across in passed), (x2, y2, 0)]:
        half = (x - x1) // 2
        bent.append(f"C{x1 + half} {y1} {x - half} {y} {x} {y} {f'H{x + across}' if across else ''}")
        x1, y1 = x + across, y
    said = f"{graph.nodes[edge.source].label} → {graph.nodes[edge.target].label}: {edge.influence or edge.kind}"
    dashes = f' stroke-dasharray="{_DASHES[edge.evidence]}"' if _DASHES[edge.evidence] else ""
    width = "2" if edge.evidence == "proved" else "1"
    return (
        f'<g opacity="0.7"><title>{_text(f"{said}, {edge.evidence}")}</title>'
        f'<path d="{" ".join(bent).rstrip()}" stroke-width="{width}"{dashes}/>'
        f'<path d="M{x2 - 6} {y2 - 4} L{x2} {y2} L{x2 - 6} {y2 + 4}"/></g>'
    )


def _fitting(node: Node, label: str) -> str:
    """What is written into a box: of what is too long the cell at its end stays."""
    text, place = label or shown_label(node), node.detail(PLACE)
    if not place or not text.endswith(f" {place}"):
        return clipped(text)
    place = clipped(place, _WIDE / 2)
    return f"{clipped(text.removesuffix(f' {node.detail(PLACE)}'), _WIDE - _length(place) - 1)} {place}"


def _wide(node: Node, text: str) -> int:
    """Pixels that a box needs for its text, and for what else is written into it."""
    return max(_NARROW, _INSIDE + round(_LETTER * _length(text))) + (_STALE if node.stale else 0)


def _box(node: Node, shown: str, place: _Place, *, strong: bool) -> str:
    x, y, wide = place
    radius = {"run": 2, "version": 6, "column": 16, "file": 0, "operation": 10, "model": 6, "score": 16}[node.kind]
    details = [f"{node.kind} {node.label}"]
    details += [f"{name}: {value}" for name, value in node.details if name not in (SHOWN, PLACE)]
    details += [f"stale: {why}" for why in node.stale]
    said = "\n".join(details)
    dashes = ' stroke-dasharray="5 3"' if node.stale else ""
    faint = "" if node.current else ' opacity="0.55"'
    width = "2" if strong or node.kind in ("model", "score") else "0" if node.kind == "operation" else "1"
    weight = ' font-weight="bold"' if strong else ' font-style="italic"' if node.kind == "operation" else ""
    mark = f'<text x="{x + wide - 6}" y="{y + 10}" font-size="9" text-anchor="end">stale</text>' if node.stale else ""
    return (
        f"<g{faint}><title>{_text(said)}</title>"
        f'<rect x="{x}" y="{y}" width="{wide}" height="{_HEIGHT}" rx="{radius}" stroke-width="{width}"{dashes} '
        f'fill="currentColor" fill-opacity="0.06"/>'
        f'<g fill="currentColor" stroke="none">{mark}'
        f'<text x="{x + 8}" y="{y + _HEIGHT // 2 + 4}"{weight}>{_text(shown)}</text></g></g>'
    )


def shown_label(node: Node) -> str:
    """How a node is called in a drawing: files without their folders, operations without their class."""
    if node.detail(SHOWN):
        return node.label
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
    >>> clipped("flights_of_january_2013.departure_delay", 18)
    'flights…parture_delay'
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
