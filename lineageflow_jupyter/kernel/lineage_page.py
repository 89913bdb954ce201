"""The graph of what a frame came from: a drawing in a notebook, lines elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from lineageflow_jupyter.kernel.display import listed, visible
from lineageflow_jupyter.lineage.folding import PLACE, THROUGH, cells_text, is_passing
from lineageflow_jupyter.lineage.graph import Edge, Graph, Node

if TYPE_CHECKING:
    from lineageflow_jupyter.lineage.lineages import Lineage

MOST_LINES = 200
"""Lines that are told; of more those farthest from what was asked for are left out."""
MOST_NAMES = 12
MOST_CALLS = 6
_CHOSE = ("filter", "key", "order")
_TEXT = re.compile(r"""=(['"])(.+?)\1""")

_Hop = tuple[str, str, str, str]
"""What happened on the way: the call, its cell, evidence, and influence or role."""
_Way = tuple[str, tuple[_Hop, ...]]
"""Where something came from, and how."""


@dataclass(frozen=True, slots=True)
class LineageDrawing:
    """What something came from, or what came of it.

    Parameters
    ----------
    lineage : Lineage
        What is shown.
    """

    lineage: Lineage
    # From right to left, a page is first seen at its right end: there is what was asked for.
    style: ClassVar[str] = (
        ".lf-out .lf-graph{overflow:auto;max-height:36em;text-align:left}.lf-out .lf-graph svg{max-width:none}\n"
        ".lf-out .lf-up{direction:rtl}.lf-out .lf-up svg{direction:ltr}\n"
    )

    def as_text(self) -> str:
        """Return a line for each column, or for each cell, with what it came from; what was asked for is first."""
        graph = self.lineage.shown
        lines = list(_lines(graph, self.lineage.start))
        if not self.lineage.down:
            lines.reverse()
        left = len(lines) - MOST_LINES
        shown = lines[:MOST_LINES] or [visible(node.label) for node in graph.nodes.values() if node.kind != "run"]
        return "\n".join([*shown, f"… {left:,} more"] if left > 0 else shown)

    def as_html(self) -> str:
        """Return the drawing."""
        end = "" if self.lineage.down else " lf-up"
        return f'<div class="lf-scroll lf-graph{end}" tabindex="0">{self.lineage.to_svg()}</div>'


def stale_text(lineage: Lineage) -> list[str]:
    """What is out of date: each reason once, with all that it holds for."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for node in lineage.nodes.values():
        if node.stale and node.kind in ("version", "model", "score"):
            found.setdefault(node.stale, {})[node.label] = None
        elif node.stale and node.kind == "column" and not node.detail("unnamed"):
            found.setdefault(node.stale, {})[node.label.removesuffix(f".{node.detail('column')}")] = None
    return [f"out of date: {listed(list(names), limit=6)}: {'; '.join(why)}" for why, names in found.items()]


def _lines(graph: Graph, start: Iterable[str]) -> Iterator[str]:
    """Lines, each behind those of what it came from."""
    asked, ways = frozenset(start), dict[str, list[_Way]]()
    by_columns = any(node.kind == "column" for node in graph.nodes.values())
    told = {"model", "score"} | ({"column", "version", "file"} if by_columns else set())
    for node in graph.nodes.values():
        ways[node.id] = _ways(graph, node, ways, asked, whole=not by_columns)
        if not by_columns and node.kind == "run":
            yield _run_line(graph, node)
        elif node.kind in told and ways[node.id] and not is_passing(graph, node, asked):
            yield _line(node, ways[node.id])


def _run_line(graph: Graph, run: Node) -> str:
    """What a cell made, and of what: ``frame ← joined, planes ([13])``."""
    made = [graph.nodes[edge.target] for edge in graph.out_of.get(run.id, ()) if edge.kind in ("writes", "out")]
    used = [graph.nodes[edge.source].label for edge in graph.into.get(run.id, ())]
    if not made:
        return visible(f"{run.label} reads {_names(used)}")
    names = _names(each.label for each in made)
    return visible(f"{names} ← {_names(used)} ({run.label})" if used else f"{names} ← {run.label}")


def _ways(graph: Graph, node: Node, known: dict[str, list[_Way]], asked: frozenset[str], *, whole: bool) -> list[_Way]:
    """Where a node came from: by way of what has no line of its own."""
    found: list[_Way] = []
    for edge in graph.into.get(node.id, ()):
        source, hop = graph.nodes[edge.source], _hop(graph, edge)
        passing = source.kind in ("operation", "run") if not whole else source.kind == "operation"
        if passing or is_passing(graph, source, asked):
            own = _own_hop(source, edge) if passing else ()
            before = known.get(source.id) or [(_file(source), ())]
            ways = [(name, (*hops, *own, *hop)) for name, hops in before]
        else:
            ways = [(source.label, hop)]
        found += ways
    # Values first; and of several ways from one column one is told.
    found.sort(key=lambda way: any(hop[3] in _CHOSE for hop in way[1]))
    return list({way[0] or _how(way[1]): way for way in reversed(found)}.values())[::-1]


def _hop(graph: Graph, edge: Edge) -> tuple[_Hop, ...]:
    by, told = graph.nodes.get(edge.by), "" if edge.influence in ("", "value") else edge.influence
    told = edge.role or told
    if by is None:
        return (("", "", edge.evidence, told),) if told or edge.evidence == "opaque" else ()
    return ((by.label.removesuffix(f" {by.detail(PLACE)}"), by.detail(PLACE), edge.evidence, told),)


def _own_hop(node: Node, edge: Edge) -> tuple[_Hop, ...]:
    """What a call or a cell that stands between frames did."""
    call = "" if node.kind == "run" else node.label.removesuffix(f" {node.detail(PLACE)}")
    return ((call, node.detail(PLACE), edge.evidence, ""),)


def _file(node: Node) -> str:
    """The file that a call has read, from its parameters; ``""`` where it read none."""
    if ".read_" not in node.detail("call"):
        return ""
    named = _TEXT.search(node.detail("parameters"))
    return "" if named is None else named[2].replace("\\", "/").rpartition("/")[2]


def _line(node: Node, ways: Iterable[_Way]) -> str:
    by_how: dict[str, list[str]] = {}
    for source, hops in ways:
        by_how.setdefault(_how(hops), []).append(source)
    parts = []
    for how, sources in by_how.items():
        names = _names([each for each in sources if each])
        parts.append(f"{names} ({how})" if names and how else names or how)
    through = node.detail(THROUGH)
    left = f", unchanged through {cells_text(through.splitlines())}" if through else ""
    return visible(f"{node.label} ← {', '.join(dict.fromkeys(parts))}{left}")


def _how(hops: tuple[_Hop, ...]) -> str:
    """Calls by cells, and what is to be said of the way as a whole."""
    cells = [(place, [hop[0] for hop in each]) for place, each in groupby(hops, key=lambda hop: hop[1])]
    said = []
    for place, calls in cells:
        names = list(dict.fromkeys(call for call in calls if call))
        names = [*names[: MOST_CALLS - 1], "…", names[-1]] if len(names) > MOST_CALLS else names
        text = " ".join(part for part in (", ".join(names), place) if part)
        said += [text] if text else []
    told = list(dict.fromkeys(hop[3] for hop in hops if hop[3]))
    evidence = {hop[2] for hop in hops}
    told += ["opaque"] if "opaque" in evidence else ["unchanged"] if evidence == {"proved"} else []
    return ", ".join(part for part in ("; ".join(said), *told) if part)


def _names(names: Iterable[str]) -> str:
    return listed(list(dict.fromkeys(names)), limit=MOST_NAMES)
