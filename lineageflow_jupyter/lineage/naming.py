"""What a user may mean by a name: a frame, or a column of one, where names of both may hold dots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lineageflow_jupyter.lineage.graph import Graph


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a name.

    Parameters
    ----------
    name : str
        The frame.
    column : str
        The column; ``""``: none.
    """

    name: str
    column: str = ""

    def __str__(self) -> str:
        """Text for people."""
        return f"column {self.column!r} of {self.name!r}" if self.column else f"the frame {self.name!r}"


def frame_names(graph: Graph) -> list[str]:
    """Names of variables and datasets that a graph knows."""
    found: dict[str, None] = {}
    for node in graph.nodes.values():
        if node.kind == "version" and not node.detail("variable").startswith("~"):
            found[node.detail("variable")] = None
            found[node.detail("dataset")] = None
    found.pop("", None)
    return list(found)


def column_names(graph: Graph, version: str) -> list[str]:
    """Columns of a version that are known."""
    edges = graph.out_of.get(version, ())
    return [graph.nodes[edge.target].detail("column") for edge in edges if edge.kind == "holds"]


def readings(text: str, known: Iterable[str]) -> list[Reading]:
    """Meanings of a text, where these frames are known; a column need not exist.

    Examples
    --------
    >>> readings("flights.speed", ["flights"])
    [Reading(name='flights', column='speed')]
    >>> readings("a.b", ["a.b", "a"])
    [Reading(name='a.b', column=''), Reading(name='a', column='b')]
    """
    names = set(known)
    found = [Reading(text)] if text in names else []
    for place, sign in enumerate(text):
        if sign == "." and text[:place] in names and text[place + 1 :]:
            found.append(Reading(text[:place], text[place + 1 :]))
    return found
