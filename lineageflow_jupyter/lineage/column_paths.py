"""Which columns of what a run read fed which columns of what it wrote, through all operations between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lineageflow_jupyter.model.cells import CellRun, ColumnEdge, OperationRecord

EVERY = "*"
How = Literal["same", "value", "filter", "key", "group", "order"]
"""``"same"``: the very column; ``"group"``: a key that groups rows; else as `Influence`. On a path the weakest link
counts: what chose rows in one step only chose rows in the end."""


class Source(NamedTuple):
    """A column of something that the run read, and how it took part."""

    variable: str
    column: str
    how: How


@dataclass(frozen=True, slots=True)
class Paths:
    """Where what one variable held came from.

    Parameters
    ----------
    columns : mapping of str to set of Source
        By column of what was written.
    whole : set of Source
        What acted on all of its rows: filters, keys and orders.
    """

    columns: Mapping[str, frozenset[Source]] = field(default_factory=dict)
    whole: frozenset[Source] = frozenset()


def column_paths(run: CellRun, columns: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Paths]:
    """Follow the operations of a run.

    Parameters
    ----------
    run : CellRun
        The run.
    columns : mapping of str to tuple of str, optional
        Names of the columns of what was read, by variable: what ``*`` stands for.

    Returns
    -------
    dict of str to Paths
        By variable that an operation gave; what could not be seen is left out.

    Examples
    --------
    >>> from lineageflow_jupyter.model.cells import FrameState
    >>> ratio = OperationRecord("Series.div", 1, inputs=("t", "t"), output="~1",
    ...                         edges=(ColumnEdge(0, "km", "km"  , "value"), ColumnEdge(1, "h", "km", "value")))
    >>> given = OperationRecord("DataFrame.__setitem__", 1, inputs=("t", "~1"), output="t",
    ...                         edges=(ColumnEdge(1, "km", "speed", "value"),))
    >>> t = FrameState("t", "t", None, None, 3, 2)
    >>> run = CellRun("1" * 32, "", "a.ipynb", "", 1, "", "ada", 0, 0, "ok", reads=(t,), operations=(ratio, given))
    >>> sorted(column_paths(run)["t"].columns["speed"])
    [Source(variable='t', column='h', how='value'), Source(variable='t', column='km', how='value')]
    """
    read = {state.variable for state in run.reads}
    return _Follower(read, columns or {}).follow(run.operations)


@dataclass(slots=True)
class _Follower:
    """`now` is what each name holds at this point of the run; names that are not in it hold what was read."""

    read: set[str]
    known: Mapping[str, tuple[str, ...]]
    now: dict[str, Paths] = field(default_factory=dict)

    def follow(self, operations: tuple[OperationRecord, ...]) -> dict[str, Paths]:
        for operation in operations:
            if operation.output:
                self.now[operation.output] = Paths() if operation.opaque else self._after(operation)
        return {name: paths for name, paths in self.now.items() if not name.startswith("~")}

    def _after(self, operation: OperationRecord) -> Paths:
        columns: dict[str, frozenset[Source]] = {}
        whole: frozenset[Source] = frozenset()
        for name in dict.fromkeys(operation.inputs):
            if name:
                whole |= self._whole(name)
        if operation.output in operation.inputs:  # in place: other columns stay what they were
            kept = self._all(operation.output)
            gone = {*operation.dropped, *operation.changed, *operation.added}
            columns = {name: kept[name] for name in kept if name not in gone}
        told: dict[str, frozenset[Source]] = {}
        for edge in operation.edges:
            name = operation.inputs[edge.source] if edge.source < len(operation.inputs) else ""
            if not name:
                continue
            if edge.column == EVERY and edge.target == EVERY:
                for column, sources in self._all(name).items():
                    told[column] = told.get(column, frozenset()) | _through(sources, _how(operation, edge))
                continue
            sources = _through(self._of(name, edge.column), _how(operation, edge))
            if edge.target == EVERY:
                whole |= sources
            else:
                told[edge.target] = told.get(edge.target, frozenset()) | sources
        return Paths(columns | told, whole)

    def _whole(self, name: str) -> frozenset[Source]:
        return self.now[name].whole if name in self.now else frozenset()

    def _all(self, name: str) -> Mapping[str, frozenset[Source]]:
        if name in self.now:
            return self.now[name].columns
        return {column: self._of(name, column) for column in self.known.get(name, ())}

    def _of(self, name: str, column: str) -> frozenset[Source]:
        if column == EVERY:
            return frozenset().union(*self._all(name).values())
        if name in self.now:
            return self.now[name].columns.get(column, frozenset())
        return frozenset({Source(name, column, "same")}) if name in self.read else frozenset()


_MOVES = frozenset(
    {"__getitem__", "loc", "iloc", "copy", "head", "tail", "sample", "nlargest", "nsmallest", "filter", "query"}
    | {"dropna", "drop_duplicates", "drop", "sort_values", "rename", "reset_index", "set_index"}
    | {"concat", "merge", "join"}
)
"""Calls that give columns as they are, with other rows or in another order."""

_EDITS = frozenset(("assign", "fillna", "ffill", "bfill"))
"""Calls that give some columns anew, and the others as they are."""

_JOINS = frozenset(("merge", "join", "merge_asof", "merge_ordered", "concat", "combine_first", "update"))


def _how(operation: OperationRecord, edge: ColumnEdge) -> How:
    name = operation.call.rpartition(".")[2]
    if edge.influence == "value":
        kept = name in _MOVES or (name in _EDITS and edge.column == edge.target not in operation.added)
        return "same" if kept and edge.target not in operation.changed else "value"
    return "group" if edge.influence == "key" and name not in _JOINS else edge.influence


def _through(sources: frozenset[Source], how: How) -> frozenset[Source]:
    """What sources are after one more step."""
    if how == "same":
        return sources
    if how == "value":
        return frozenset(each._replace(how="value") if each.how == "same" else each for each in sources)
    return frozenset(each._replace(how=how) for each in sources)
