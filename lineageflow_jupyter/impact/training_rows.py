"""Which rows of a dataset reached the training of a model: by the recorded calls between them, never guessed.

Where all calls keep rows, all rows did. Where some chose rows, the labels of a later state that was kept say which;
they are believed only if the values beside them are the dataset's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.lineage.building_calls import short_call
from lineageflow_jupyter.lineage.graph import Graph
from lineageflow_jupyter.lineage.reaching import inputs_of

KEEP = frozenset(
    [
        *("__setitem__", "__delitem__", "insert", "isetitem", "pop", "assign", "copy", "rename", "astype", "drop"),
        *("fillna", "ffill", "bfill", "add_prefix", "add_suffix", "to_frame", "round", "abs", "clip", "replace"),
        *("where", "mask", "convert_dtypes", "infer_objects", "rename_axis", "set_axis", "sort_values", "sort_index"),
    ]
)
"""Methods after which all rows are there, if their number says so."""
CHOOSE = frozenset(
    [
        *("__getitem__", "query", "dropna", "drop_duplicates", "head", "tail", "sample", "nlargest", "nsmallest"),
        *("filter", "drop", "train_test_split", "truncate"),
    ]
)
"""Calls that choose rows, and leave each its label."""
RELABEL = frozenset(["reset_index", "set_index", "set_axis", "rename_axis", "rename", "reindex", "reindex_like"])
"""Methods after which labels may be others."""


@dataclass(frozen=True, slots=True)
class Path:
    """How rows of a dataset came to a model.

    Parameters
    ----------
    why : str
        Why it cannot be told; ``""`` where it can.
    kept : str
        Version whose labels say which rows; ``""``: all rows came.
    same : frozenset of str
        Columns of `kept` whose values no call on the way has touched.
    """

    why: str = ""
    kept: str = ""
    same: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    chooses: bool
    relabels: bool
    source: str
    touched: frozenset[str]


def path_of(graph: Graph, model: str, base: str) -> Path:
    """How rows of a version came to a model.

    Parameters
    ----------
    graph : Graph
        The graph, with operations.
    model : str
        Id of the model.
    base : str
        Id of a version that its training data came from.
    """
    starts = _starts(graph, model)
    if graph.nodes[model].detail("opaque") or not starts:
        return Path("what it was fitted with was not seen")
    if len(starts) > 1:
        return Path("its features came from several frames")
    versions, calls = [starts[0]], list[_Call]()
    while versions[-1] != base:
        found = _call_into(graph, versions[-1])
        if isinstance(found, str):
            return Path(found)
        if found.source in versions:
            return Path("its rows could not be followed")
        calls.append(found)
        versions.append(found.source)
    return _path(graph, versions, calls)


def versions_behind(graph: Graph, model: str) -> list[str]:
    """The versions that rows came through to a model, the last first, as far as its calls kept or chose rows of one."""
    starts = _starts(graph, model)
    if graph.nodes[model].detail("opaque") or len(starts) != 1:
        return []
    versions = starts
    while True:
        found = _call_into(graph, versions[-1])
        if isinstance(found, str) or found.source in versions:
            return versions
        versions.append(found.source)


def _starts(graph: Graph, model: str) -> list[str]:
    features = [
        graph.nodes[edge.source].detail("version") for edge in graph.into.get(model, ()) if edge.role == "feature"
    ]
    return list(dict.fromkeys(features or inputs_of(graph, model)))


def _path(graph: Graph, versions: list[str], calls: list[_Call]) -> Path:
    choosing = [place for place, call in enumerate(calls) if call.chooses]
    if not choosing:
        return Path()
    for place in range(choosing[0] + 1):
        node = graph.nodes[versions[place]]
        behind = calls[place:]  # between it and the dataset
        if node.detail("table") and not any(call.relabels for call in behind):
            touched = frozenset().union(*(call.touched for call in behind))
            columns = {
                graph.nodes[e.target].detail("column") for e in graph.out_of.get(node.id, ()) if e.kind == "holds"
            }
            return Path(kept=node.id, same=frozenset(columns - touched))
    return Path(f"the rows that `{short_call(calls[choosing[0]].name)}` chose were not kept")


def _call_into(graph: Graph, version: str) -> _Call | str:
    steps = [edge for edge in graph.into.get(version, ()) if edge.kind == "step"]
    if len(steps) != 1 or graph.nodes[steps[0].source].kind != "operation":
        return f"no recorded call gave {graph.nodes[version].label!r}"
    operation = graph.nodes[steps[0].source]
    call = operation.label
    name = call.rpartition(".")[2]
    if operation.detail("opaque"):
        return f"nobody saw what `{short_call(call)}` does"
    if operation.detail("count"):
        return f"`{short_call(call)}` was called in a loop"
    sources = list(dict.fromkeys(inputs_of(graph, operation.id)))
    carried = {
        graph.nodes[edge.source].detail("version")
        for column in _columns(graph, version)
        for edge in graph.into.get(column, ())
        if edge.kind == "column" and edge.influence == "value" and edge.by == operation.id
    }
    if len(sources) > 1:
        sources = [each for each in sources if each in carried]
    if len(sources) != 1:
        return f"`{short_call(call)}` joined several frames"
    rows = operation.detail("rows"), operation.detail("rows_out")
    same = rows[0] == rows[1] != ""
    if name not in KEEP | CHOOSE | RELABEL and call != "train_test_split":
        return f"it is not known which rows `{short_call(call)}` gives"
    # Positions and labels in brackets may name a row twice: `iloc[[0, 0, 1]]`.
    columns_only = call == "DataFrame.__getitem__" and not _filtered(graph, version, operation.id)
    keeps = same and (name in KEEP | RELABEL or columns_only) and not name.startswith("reindex")
    relabels = name in RELABEL and not (name == "rename" and "index" not in operation.detail("parameters"))
    touched = frozenset((*_listed(operation.detail("added")), *_listed(operation.detail("changed"))))
    return _Call(call, not keeps, relabels, sources[0], touched)


def _columns(graph: Graph, version: str) -> list[str]:
    return [edge.target for edge in graph.out_of.get(version, ()) if edge.kind == "holds"]


def _filtered(graph: Graph, version: str, operation: str) -> bool:
    return any(
        edge.by == operation and edge.influence == "filter"
        for column in _columns(graph, version)
        for edge in graph.into.get(column, ())
    )


def _listed(text: str) -> list[str]:
    return text.split("\n") if text else []


def chosen_rows(base: Any, kept: Any, same: frozenset[str]) -> npt.NDArray[np.int64] | str:
    """Rows of a frame that are in another, by their labels; why not, where the values beside them differ.

    Parameters
    ----------
    base, kept : pandas.DataFrame or pandas.Series
        The dataset, and what was chosen of it.
    same : frozenset of str
        Columns that are to be compared.
    """
    kept = kept.to_frame() if kept.ndim == 1 else kept
    if not (base.index.is_unique and kept.index.is_unique):
        return "labels of rows are not unique"
    rows = np.asarray(base.index.get_indexer(kept.index), np.int64)
    if len(rows) and rows.min() < 0:
        return "labels of rows are not those of the dataset"
    compared = [name for name in kept.columns if name in same and name in base.columns]
    if not compared:
        return "no column is left by which rows could be recognized"
    for name in compared:
        own, theirs = kept[name].reset_index(drop=True), base[name].iloc[rows].reset_index(drop=True)
        if not own.equals(theirs):
            return f"values of {name!r} are not those of the dataset"
    return rows


def touched_rows(
    rows: npt.NDArray[np.int64] | None, changed: npt.NDArray[np.int64], removed: npt.NDArray[np.int64]
) -> int:
    """How many of some rows (None: of all) were changed or removed.

    Examples
    --------
    >>> touched_rows(np.array([0, 2, 4]), np.array([1, 2]), np.array([4]))
    2
    """
    touched = np.union1d(changed, removed)
    return len(touched) if rows is None else len(np.intersect1d(rows, touched))
