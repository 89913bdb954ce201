"""The graph of what a frame came from: a drawing in a notebook, lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lineageflow_jupyter.kernel.display import visible
from lineageflow_jupyter.lineage.drawing import shown_label
from lineageflow_jupyter.lineage.graph import Edge, Node
from lineageflow_jupyter.lineage.lineages import Lineage

MOST_LINES = 200
"""Nodes that are told in lines; of more the first, in the order in which they came about, are left out."""


@dataclass(frozen=True, slots=True)
class LineageDrawing:
    """What something came from, or what came of it.

    Parameters
    ----------
    lineage : Lineage
        What is shown.
    """

    lineage: Lineage
    style: ClassVar[str] = ".lf-out .lf-graph{overflow:auto;max-height:36em}.lf-out .lf-graph svg{max-width:none}\n"

    def as_text(self) -> str:
        """Return a line a node, with what it came from."""
        nodes = [node for node in self.lineage.nodes.values() if node.kind != "operation" or self._into(node)]
        lines = [line for node in nodes[-MOST_LINES:] for line in self._lines(node)]
        left = len(nodes) - MOST_LINES
        return "\n".join([f"… {left:,} more before", *lines] if left > 0 else lines)

    def as_html(self) -> str:
        """Return the drawing."""
        return f'<div class="lf-scroll lf-graph" tabindex="0">{self.lineage.to_svg()}</div>'

    def _label(self, node: Node) -> str:
        return self.lineage.graph.labels[node.id] if node.kind != "operation" else shown_label(node)

    def _into(self, node: Node) -> list[Edge]:
        return [edge for edge in self.lineage.graph.into.get(node.id, ()) if edge.kind != "holds"]

    def _lines(self, node: Node) -> Iterator[str]:
        before = [self._source(edge) for edge in self._into(node)]
        came = f" ← {', '.join(dict.fromkeys(before))}" if before else ""
        stale = f"  (out of date: {'; '.join(node.stale)})" if node.stale else ""
        yield visible(f"{node.kind:<9} {self._label(node)}{came}{stale}")

    def _source(self, edge: Edge) -> str:
        """What an edge came from, with how: ``flights.distance (÷, recorded)``."""
        source, by = self.lineage.nodes[edge.source], self.lineage.nodes.get(edge.by)
        if edge.kind not in ("column", "fits") and edge.evidence != "opaque":
            return self._label(source)
        how = [] if by is None else [shown_label(by)]
        how += [edge.influence] if edge.influence not in ("", "value") else []
        how += [edge.role] if edge.role else []
        return f"{self._label(source)} ({', '.join([*how, edge.evidence])})"
