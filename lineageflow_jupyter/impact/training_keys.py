"""Which training rows came of which rows of a dataset, by its key, where joins lie between them.

The key must have been carried into a table that training rows were chosen from: by calls that move values and never
change them. Then a training row belongs to the row of the dataset whose key it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.impact.training_rows import CHOOSE, Path, path_of, versions_behind
from lineageflow_jupyter.lineage.building_calls import short_call
from lineageflow_jupyter.lineage.graph import Edge, Graph, Node
from lineageflow_jupyter.lineage.reaching import sources_of

_MOVE = CHOOSE | frozenset(
    [
        *("merge", "join", "rename", "set_index", "reset_index", "rename_axis", "add_prefix", "add_suffix"),
        *("copy", "sort_values", "sort_index", "to_frame", "reindex"),
    ]
)
"""Calls that move values, and change none."""
_EDIT = frozenset(["__setitem__", "__delitem__", "insert", "isetitem", "pop", "assign"])
"""Calls that leave alone all columns but those that they name."""


@dataclass(frozen=True, slots=True)
class KeyPath:
    """How the key of a dataset came to a model.

    Parameters
    ----------
    table : str
        Version that training rows were chosen from and that has the key.
    names : tuple of str
        How the key's columns are called there.
    base : str
        Version of the dataset that they came from.
    path : Path
        How rows of `table` came to the model.
    """

    table: str
    names: tuple[str, ...]
    base: str
    path: Path


def key_path(graph: Graph, model: str, dataset: str, key: Sequence[str]) -> KeyPath | str:
    """How a key came to a model, or why that cannot be told.

    Parameters
    ----------
    graph : Graph
        The graph, with columns.
    model : str
        Id of the model.
    dataset : str
        Name of the dataset.
    key : sequence of str
        Its key; at least one column.
    """
    why = ""
    for version in versions_behind(graph, model):
        if not graph.nodes[version].detail("table"):
            continue
        found = _carried(graph, version, dataset, key)
        if isinstance(found, str):
            why = why or found
            continue
        base, names = found
        path = path_of(graph, model, version)
        if path.why:
            return path.why
        if _states_behind(graph, version, dataset) != {base}:
            return "it was trained on several states of it"
        return KeyPath(version, names, base, path)
    return why or f"no table on the way to it has the key of {dataset!r}"


def _carried(graph: Graph, version: str, dataset: str, key: Sequence[str]) -> tuple[str, tuple[str, ...]] | str:
    """The state of the dataset that columns of a version are the key of, and what they are called; or why none are."""
    found: dict[str, dict[str, str]] = {}
    why = ""
    for edge in graph.out_of.get(version, ()):
        if edge.kind != "holds":
            continue
        end = _origin(graph, edge.target, dataset)
        if isinstance(end, Node):
            names = found.setdefault(end.detail("version"), {})
            names.setdefault(end.detail("column"), graph.nodes[edge.target].detail("column"))
        elif graph.nodes[edge.target].detail("column") in key:
            why = why or end
    whole = [(base, names) for base, names in found.items() if set(key) <= names.keys()]
    if len(whole) != 1:
        return why or ("" if not whole else "it was trained on several states of it")
    base, names = whole[0]
    return base, tuple(names[name] for name in key)


def _origin(graph: Graph, column: str, dataset: str) -> Node | str:
    """Column of the dataset whose values a column has unchanged, or why there is none."""
    seen: set[str] = set()
    while column not in seen:
        seen.add(column)
        node = graph.nodes[column]
        version = graph.nodes[node.detail("version")]
        if version.detail("dataset") == dataset and version.detail("table"):
            return node
        values = [edge for edge in graph.into.get(column, ()) if edge.kind == "column" and edge.influence == "value"]
        if len({edge.source for edge in values}) != 1:
            return f"{node.label!r} came from several columns" if values else f"{node.label!r} came from elsewhere"
        if not all(_moves(graph, edge) for edge in values):
            by = graph.nodes.get(values[0].by)
            return f"`{short_call(by.label)}` may have changed {node.label!r}" if by else "nobody saw how it was copied"
        column = values[0].source
    return "its key could not be followed"


def _moves(graph: Graph, edge: Edge) -> bool:
    """Whether the values at the end of an edge are some of those at its start, as they were."""
    by = graph.nodes.get(edge.by)
    if edge.evidence == "opaque" or by is None or by.kind != "operation" or by.detail("opaque"):
        return False
    if edge.evidence == "proved":
        return True
    name = by.label.rpartition(".")[2]
    if name in _EDIT:
        told = (*by.detail("added").split("\n"), *by.detail("changed").split("\n"))
        return graph.nodes[edge.target].detail("column") not in told
    return name in _MOVE


def _states_behind(graph: Graph, version: str, dataset: str) -> set[str]:
    """The nearest states of a dataset that a version was made of."""
    found: set[str] = set()
    waiting, seen = [version], {version}
    while waiting:
        name = waiting.pop()
        node = graph.nodes[name]
        if node.detail("dataset") == dataset and node.detail("table"):
            found.add(name)
            continue
        before = [each for each in sources_of(graph, name) if each not in seen]
        seen.update(before)
        waiting += before
    return found


def rows_with(
    base: Any, key: Sequence[str], touched: npt.NDArray[np.int64], table: Any, names: Sequence[str]
) -> npt.NDArray[np.int64] | str:
    """Rows of a table whose key is that of some rows of a dataset; why not, where its keys are not the dataset's.

    Parameters
    ----------
    base, table : pandas.DataFrame
        The dataset, and the table.
    key, names : sequence of str
        What the key's columns are called in each.
    touched : ndarray of int64
        Rows of the dataset.

    Examples
    --------
    >>> import pandas as pd
    >>> base, table = pd.DataFrame({"id": [7, 8, 9]}), pd.DataFrame({"of": [9, 9, 7]})
    >>> rows_with(base, ["id"], np.array([2]), table, ["of"])
    array([0, 1])
    """
    known, held = _keys(base, key), _keys(table, names)
    if known is None or held is None:
        return "its key is not there any more"
    if not known.is_unique:
        return "keys of the dataset are not unique"
    places = known.get_indexer(held)
    # Rows that an outer join added have no key.
    if (missing := places < 0).any() and not _without_key(table, names)[missing].all():
        return "keys are not those of the dataset"
    return np.flatnonzero(np.isin(places, touched)).astype(np.int64)


def _keys(frame: Any, names: Sequence[str]) -> Any:
    columns = _key_columns(frame, names)
    if columns is None:
        return None
    import pandas as pd

    return pd.Index(columns[0]) if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)


def _key_columns(frame: Any, names: Sequence[str]) -> list[Any] | None:
    found = []
    for name in names:
        if name in frame.columns:
            found.append(frame[name].array)
        elif name in frame.index.names:
            found.append(frame.index.get_level_values(name))
        else:
            return None
    return found


def _without_key(frame: Any, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    columns = _key_columns(frame, names) or []
    import pandas as pd

    return np.asarray(np.any([pd.isna(each) for each in columns], axis=0), np.bool_)
