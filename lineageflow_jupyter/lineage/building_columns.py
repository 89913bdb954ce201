"""The columns of a graph, put in afterwards: of the runs that somebody asked for, or of all.

With ten columns a frame they are nine tenths of a graph, and most are never asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineageflow_jupyter.lineage.graph import Edge, Evidence
from lineageflow_jupyter.model.cells import ColumnEdge, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId

if TYPE_CHECKING:
    from lineageflow_jupyter.lineage.building import Builder

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Call:
    """An operation whose versions are known and whose columns are not yet told.

    Parameters
    ----------
    run : str
        Id of its run.
    place : int
        Which operation of the run.
    name : str
        Its node.
    inputs : tuple of str
        Versions that went in; ``""`` for those that are not known.
    output : str
        The version that came out; ``""``: none did.
    fits : bool
        Whether it gave a model what it knows: that has features and a target.
    """

    run: str
    place: int
    name: str
    inputs: tuple[str, ...]
    output: str = ""
    fits: bool = False


@dataclass(frozen=True, slots=True)
class SameTable:
    """Two versions that hold the same table, so that their columns are tied by name."""

    source: str
    target: str
    table: ObjectId | None
    by: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Columns that an operation passed on by name: all but those of which it told.

    Parameters
    ----------
    source : str
        The version that it worked on.
    by : str
        The operation.
    told : frozenset of str
        Columns of which it told.
    same : bool
        Whether they must hold what they held, as after ``frame["new"] = …``.
    """

    source: str
    by: str
    told: frozenset[str]
    same: bool


def tell_same(builder: Builder, same: SameTable) -> None:
    """Tie the columns of one table under two names, as far as they are known."""
    for column in builder.columns.get(same.table, ()) if same.table is not None else ():
        ends = builder.column(same.source, column), builder.column(same.target, column)
        builder.edge(Edge(*ends, "column", same.evidence, "value", same.by))


def tell_columns(builder: Builder, call: Call, operation: OperationRecord) -> None:
    """Add the columns that went through a call, by what was recorded of it."""
    if not call.fits:
        _tell_named(builder, call, operation)
        _tell_carried(builder, call, operation)
        return
    for edge in operation.edges:
        if edge.source < len(call.inputs) and call.inputs[edge.source]:
            role = "target" if edge.target == "y" else "feature"
            for column in _of(builder, call.inputs[edge.source], edge.column):
                builder.edge(Edge(column, call.name, "fits", "recorded", edge.influence, role=role))
    for edge in operation.edges if call.output else ():
        if edge.target != "y":
            _tell_edge(builder, call, edge)


def _tell_named(builder: Builder, call: Call, operation: OperationRecord) -> None:
    told = {edge.target for edge in operation.edges if edge.influence == "value"}
    told |= {*operation.added, *operation.changed, *operation.dropped}
    passed = {e for e in operation.edges if e.column == e.target == EVERY and e.influence == "value"}
    source = next((e.source for e in operation.edges if e in passed), 0)
    if source < len(call.inputs) and call.inputs[source] and (passed or _edits(operation)):
        left = LeftAlone(call.inputs[source], call.name, frozenset(told - {EVERY}), _edits(operation))
        _pass_on(builder, call, left, told)
    table = builder.tables.get(call.output)
    for column in builder.columns.get(table, ()) if table is not None else ():
        builder.column(call.output, column)
    for column in operation.added:
        builder.column(call.output, column)
    for edge in operation.edges:
        if edge not in passed:
            _tell_edge(builder, call, edge)


def _pass_on(builder: Builder, call: Call, left: LeftAlone, told: Collection[str]) -> None:
    builder.left_alone[call.output] = left
    for column in (*builder.holds.get(left.source, ()), *builder.holds.get(call.output, ())):
        label = builder.nodes[column].detail("column")
        if label not in told:
            builder.column(call.output, label)
            builder.pass_on(call.output, label)


def _tell_edge(builder: Builder, call: Call, edge: ColumnEdge) -> None:
    if edge.source >= len(call.inputs) or not call.inputs[edge.source]:
        return
    for target in _of(builder, call.output, edge.target):
        for column in _of(builder, call.inputs[edge.source], edge.column):
            evidence = builder.evidence(column, target) if edge.influence == "value" else "recorded"
            # What went in need not come out as it was: another value is no wonder.
            evidence = "recorded" if evidence == "opaque" else evidence
            builder.edge(Edge(column, target, "column", evidence, edge.influence, call.name))


def _tell_carried(builder: Builder, call: Call, operation: OperationRecord) -> None:
    """Columns that an operation left as they were, and so said nothing of: where equal ids prove it."""
    tables = [builder.tables.get(each) for each in (*call.inputs[:1], call.output)]
    if len(tables) < 2 or None in tables or call.output in builder.left_alone:
        return
    before, after = (builder.columns.get(each, {}) for each in tables if each is not None)
    told = {edge.target for edge in operation.edges if edge.influence == "value"} | set(operation.added)
    for column in before.keys() & after.keys() - told:
        if before[column] == after[column]:
            ends = builder.column(call.inputs[0], column), builder.column(call.output, column)
            builder.edge(Edge(*ends, "column", "proved", "value", call.name))


def _of(builder: Builder, version: str, column: str) -> list[str]:
    """A column of a version, or all that are known."""
    if column != EVERY:
        return [builder.column(version, column)]
    return list(builder.holds.get(version, ())) or [builder.column(version, EVERY)]


_EDITS = frozenset({"__setitem__", "__delitem__", "insert", "isetitem", "pop"})


def edits(call: str) -> bool:
    """Whether a call changes some columns of a frame in place, and lets the others be."""
    owner, _, name = call.rpartition(".")
    return name in _EDITS and not owner.startswith("Series")


def _edits(operation: OperationRecord) -> bool:
    return edits(operation.call) and bool(operation.output)
