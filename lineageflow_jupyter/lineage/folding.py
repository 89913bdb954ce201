"""The graph as it is shown: states that nothing happened to are one, and names are as short as they can be.

A column that five cells left as it was has six versions in the graph, and a frame that five cells changed one after the
other has six too; for people each is one line. Cells of one's own notebook are told by their numbers, files without
their folders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath

from lineageflow_jupyter.lineage.building_calls import short_call
from lineageflow_jupyter.lineage.building_columns import edits
from lineageflow_jupyter.lineage.graph import Edge, Graph, Node, in_order

THROUGH = "through"
"""Detail of a column: places, a line each, that left it as it was."""
SHOWN = "shown"
"""Detail of a node whose label is what is shown."""
PLACE = "place"
"""Detail of a node: its cell, such as ``[4]``."""


def as_shown(part: Graph, whole: Graph, start: Collection[str] = (), notebook: str = "") -> Graph:
    """A part of a graph with fewer and shorter nodes.

    Parameters
    ----------
    part : Graph
        What is to be shown.
    whole : Graph
        The graph that it is a part of, which knows the cells.
    start : collection of str
        Ids of nodes that were asked for; they stay.
    notebook : str
        Path of one's own notebook, whose cells are told by their numbers alone.
    """
    places = _Places(whole, notebook)
    nodes = {name: places.placed(node) for name, node in part.nodes.items()}
    return _labelled(_cells_in_a_row(_states_as_one(Graph(nodes, part.edges), start), start))


def cells_text(places: Iterable[str]) -> str:
    """Cells in few words; three or more of one notebook that follow on one another as a range.

    Examples
    --------
    >>> cells_text(["[6]", "[7]", "[8]", "[12]", "fares.ipynb [1]"])
    '[6]–[8], [12], fares.ipynb [1]'
    """
    rows: list[list[str]] = []
    for place in dict.fromkeys(place for place in places if place):
        number = _number(place)
        if rows and number is not None and _number(rows[-1][-1]) == number - 1:
            rows[-1].append(place)
        else:
            rows.append([place])
    return ", ".join(f"{row[0]}–{row[-1]}" if len(row) > 2 else ", ".join(row) for row in rows)


def is_passing(graph: Graph, node: Node, start: Collection[str] = ()) -> bool:
    """Whether a column lived only within a cell run, on the way to something else."""
    between = node.kind == "column" and bool(node.detail("unnamed") or node.detail("within"))
    return between and node.id not in start and bool(graph.into.get(node.id))


def _number(place: str) -> int | None:
    inner = place[1:-1]
    return int(inner) if place[:1] == "[" and inner.isdecimal() else None


def _notebook(node: Node) -> str:
    return node.detail(PLACE).rpartition("[")[0]


class _Places:
    """Which cell a node is of, and how it is called."""

    def __init__(self, whole: Graph, notebook: str) -> None:
        self._whole = whole
        self._own = notebook
        paths = {node.detail("notebook") for node in whole.nodes.values() if node.kind == "run"}
        self._notebooks = _short_names(paths, lambda path: PurePath(path).name.partition("#")[0])
        self._files = _short_names({node.label for node in whole.nodes.values() if node.kind == "file"}, _base)

    def placed(self, node: Node) -> Node:
        """The node with its cell among its details, and a short label where it is a run or a file."""
        if node.kind == "file":
            return replace(node, label=self._files.get(node.label, node.label))
        if node.kind == "operation":  # what it gave may be out of date, what it did is done
            node = replace(node, stale=())
        run = self._run(node)
        if run is None:
            return node
        number = run.detail("number")
        notebook = "" if run.detail("notebook") == self._own else self._notebooks[run.detail("notebook")]
        place = " ".join(part for part in (notebook, f"[{number}]" if number else "") if part)
        label = (place or node.label) if node.kind == "run" else node.label
        return replace(node, label=label, details=(*node.details, (PLACE, place)))

    def _run(self, node: Node) -> Node | None:
        if node.kind == "run":
            return node
        if node.kind == "column":
            version = self._whole.nodes.get(node.detail("version"))
            return None if version is None else self._run(version)
        name = node.detail("run") or node.detail("within")
        if not name and node.kind == "version":
            made = [edge.source for edge in self._whole.into.get(node.id, ()) if edge.kind == "writes"]
            return self._whole.nodes.get(made[0]) if made else None
        return self._whole.nodes.get(f"run:{name}")


def _base(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _short_names(paths: Collection[str], short: Callable[[str], str]) -> Mapping[str, str]:
    """Short names of paths; where two are alike, both stay whole."""
    count = Counter(map(short, paths))
    return {path: short(path) if count[short(path)] == 1 else path for path in paths}


def _states_as_one(graph: Graph, start: Collection[str]) -> Graph:
    """Columns that calls left as they were are one node with what they were: the latest, or what was asked for."""
    first: dict[str, str] = {}
    states: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        before = _same_before(graph, node)
        first[node.id] = name = first[before] if before else node.id
        states.setdefault(name, []).append(node.id)
    kept: dict[str, str] = {}
    nodes: dict[str, Node] = {}
    for name, same in states.items():
        chosen = next((each for each in same if each in start), same[-1])
        kept |= dict.fromkeys(same, chosen)
        through = [graph.nodes[each].detail(PLACE) for each in same]
        left = [each for each in dict.fromkeys(through) if each and each != through[0]]
        node = graph.nodes[chosen]
        if chosen != name:  # how it is told apart from others: by where it came about
            node = replace(node, details=_with(node, made=graph.nodes[name].detail("made"), place=through[0]))
        nodes[chosen] = replace(node, details=_with(node, through="\n".join(left))) if left else node
    return _renamed(nodes, graph.edges, kept)


def _same_before(graph: Graph, node: Node) -> str:
    """The column that a call in place, or one that is proved to have done nothing to it, left as it was."""
    into = graph.into.get(node.id, ())
    if node.kind != "column" or len(into) != 1 or node.detail("unnamed"):
        return ""
    edge, source = into[0], graph.nodes[into[0].source]
    if edge.kind != "column" or edge.influence != "value" or source.label != node.label:
        return ""
    if _notebook(source) != _notebook(node):
        return ""
    by = graph.nodes.get(edge.by)
    if edge.evidence == "proved":
        return source.id
    if edge.evidence == "opaque" or by is None or not edits(by.detail("call")):
        return ""
    told = {*by.detail("added").split("\n"), *by.detail("changed").split("\n")}
    return "" if node.detail("column") in told else source.id


def _cells_in_a_row(graph: Graph, start: Collection[str]) -> Graph:
    """Cells that changed one frame one after the other as one node, without the states between them."""
    joined: dict[str, str] = {}
    gone: set[str] = set()
    for node in graph.nodes.values():
        before, behind = graph.into.get(node.id, []), graph.out_of.get(node.id, [])
        if node.kind != "version" or node.id in start or len(before) != 1 or len(behind) != 1:
            continue
        made, used = before[0].source, behind[0].target
        one = _notebook(graph.nodes[made]) == _notebook(graph.nodes[used])
        if one and _only_changes(graph, made, node) and _only_changes(graph, used, node):
            gone.add(node.id)
            joined[used] = joined.get(made, made)
    rows: dict[str, list[str]] = {}
    for used, name in joined.items():
        rows.setdefault(name, [name]).append(used)
    nodes = {name: node for name, node in graph.nodes.items() if name not in gone and name not in joined}
    for name, runs in rows.items():
        places = cells_text(graph.nodes[each].label for each in runs)
        nodes[name] = replace(nodes[name], label=places, details=_with(nodes[name], place=places))
    edges = [edge for edge in graph.edges if edge.source not in gone and edge.target not in gone]
    return _renamed(nodes, edges, joined)


def _only_changes(graph: Graph, run: str, version: Node) -> bool:
    """Whether a run reads and writes one frame and nothing else."""
    edges = graph.into.get(run, []), graph.out_of.get(run, [])
    if graph.nodes[run].kind != "run" or [len(each) for each in edges] != [1, 1]:
        return False
    ends = graph.nodes[edges[0][0].source], graph.nodes[edges[1][0].target]
    return all(end.kind == "version" and end.label == version.label for end in ends)


def _with(node: Node, **details: str) -> tuple[tuple[str, str], ...]:
    known = {**dict(node.details), **details}
    return tuple((name, value) for name, value in known.items() if value)


def _renamed(nodes: Mapping[str, Node], edges: Iterable[Edge], names: Mapping[str, str]) -> Graph:
    """Graph of some nodes, with edges of others led to those that stand for them."""
    found: dict[Edge, None] = {}
    for edge in edges:
        source, target = names.get(edge.source, edge.source), names.get(edge.target, edge.target)
        if source != target:
            found[replace(edge, source=source, target=target)] = None
    order = in_order(nodes, found)
    places = {name: place for place, name in enumerate(order)}
    ordered = sorted(found, key=lambda edge: (places[edge.source], places[edge.target]))
    used = {end for edge in ordered for end in (edge.source, edge.target, edge.by)}
    # A call that only left columns alone is not shown by itself.
    idle = {edge.by for edge in edges} - used
    return Graph({name: nodes[name] for name in order if name not in idle}, tuple(ordered))


def _labelled(graph: Graph) -> Graph:
    """Labels that tell nodes apart: several states of one variable have their cells."""
    held: dict[str, set[str]] = {}
    for node in graph.nodes.values():
        if node.kind in ("version", "column") and not is_passing(graph, node):
            held.setdefault(node.label, set()).add(node.detail(PLACE))
    nodes = {}
    for name, node in graph.nodes.items():
        label, place = _called(node), node.detail(PLACE)
        several = node.kind in ("operation", "model") or len(held.get(node.label, ())) > 1
        apart = bool(place) and several and node.kind not in ("run", "file", "score")
        nodes[name] = replace(
            node, label=f"{label} {place}" if apart else label, details=_with(node, shown="yes", made="")
        )
    return Graph(nodes, graph.edges)


def _called(node: Node) -> str:
    is_verb = node.label.startswith("%")
    return short_call(node.label) if node.kind == "operation" and not is_verb else node.label
