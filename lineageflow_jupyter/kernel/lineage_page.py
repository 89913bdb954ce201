"""The graph of what a frame came from: a drawing in a notebook, lines elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lineageflow_jupyter.kernel.display import visible
from lineageflow_jupyter.lineage.drawing import svg
from lineageflow_jupyter.lineage.graph import Graph, Node

DRAWN = 200
"""Larger graphs are told in lines alone: nobody could read the drawing."""


@dataclass(frozen=True, slots=True)
class LineageDrawing:
    """A graph.

    Parameters
    ----------
    graph : Graph
        What is shown.
    """

    graph: Graph
    style: ClassVar[str] = ".lf-out .lf-graph{overflow:auto;max-height:36em}.lf-out .lf-graph svg{max-width:none}\n"

    def as_text(self) -> str:
        """Return a line a node, with what it came from."""
        return "\n".join(self._line(node) for node in self.graph.nodes.values())

    def as_html(self) -> str:
        """Return the drawing."""
        return f'<div class="lf-scroll lf-graph" tabindex="0">{svg(self.graph)}</div>'

    def _line(self, node: Node) -> str:
        before = [self.graph.nodes[edge.source].label for edge in self.graph.edges if edge.target == node.id]
        came = f" ← {', '.join(dict.fromkeys(before))}" if before else ""
        stale = f"  (out of date: {'; '.join(node.stale)})" if node.stale else ""
        return visible(f"{node.kind:<8} {node.label}{came}{stale}")
