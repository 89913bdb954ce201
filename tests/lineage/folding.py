"""The operations of one cell folded together: what fed the columns of named frames, from before it to after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lineageflow_jupyter.model.cells import Influence, OperationRecord

Source = tuple[str, str, Influence]
"""A frame as it was before the cell, a column of it, how it fed."""
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Flow:
    """What fed the columns of one object, and whether something fed them that could not be seen."""

    columns: Mapping[str, frozenset[Source]] = field(default_factory=dict)
    opaque: bool = False

    def joined(self, other: Flow) -> Flow:
        """What either says."""
        names = dict.fromkeys([*self.columns, *other.columns])
        none: frozenset[Source] = frozenset()
        columns = {name: self.columns.get(name, none) | other.columns.get(name, none) for name in names}
        return Flow(columns, self.opaque or other.opaque)


def folded(operations: Iterable[OperationRecord], before: Mapping[str, Iterable[str]]) -> dict[str, Flow]:
    """Follow columns through the operations of a cell.

    Parameters
    ----------
    operations : iterable of OperationRecord
        In their order.
    before : mapping of str to iterable of str
        Columns of the frames that there were before the cell.

    Returns
    -------
    dict of str to Flow
        Of every name that an operation gave something to, also of those that last only within the cell (``~1``).
    """
    told = tuple(operations)
    roots = {name: Flow({each: frozenset({(name, each, "value")}) for each in known}) for name, known in before.items()}
    flows = _pass(told, roots)
    if any(each.count > 1 for each in told):
        # A record stands for all rounds of a loop: what one round left behind, the next one took up.
        again = _pass(told, flows)
        flows = {name: flows.get(name, flow).joined(flow) for name, flow in again.items()}
    given = {each.output for each in told}
    return {name: flow for name, flow in flows.items() if name in given}


def _pass(operations: Iterable[OperationRecord], known: Mapping[str, Flow]) -> dict[str, Flow]:
    flows = dict(known)
    for each in operations:
        if each.output:
            flows[each.output] = _through(each, flows)
    return flows


def _through(operation: OperationRecord, flows: Mapping[str, Flow]) -> Flow:
    own = flows[operation.output].columns if operation.output in operation.inputs and operation.output in flows else {}
    fed: dict[str, set[Source]] = {name: set() for name in operation.added}
    for edge in operation.edges:
        if edge.target != EVERY:
            fed.setdefault(edge.target, set())
    # An edit: columns of which nothing is said stay as they were.
    for name, sources in own.items():
        if name not in operation.dropped and name not in fed and name not in operation.changed:
            fed[name] = set(sources)
    if not fed and operation.edges:
        fed[EVERY] = set()  # a Series into whose values nothing went, such as counts of groups
    for edge in operation.edges:
        sources = set(_fed(flows, operation.inputs[edge.source], edge.column, edge.influence))
        for target in list(fed) if edge.target == EVERY else (edge.target,):
            fed[target] |= sources
    unseen = operation.opaque or any(flows[name].opaque for name in operation.inputs if name in flows)
    return Flow({name: frozenset(found) for name, found in fed.items()}, unseen)


def _fed(flows: Mapping[str, Flow], name: str, column: str, influence: Influence) -> Iterator[Source]:
    flow = flows.get(name)
    if flow is None:
        yield name, column, influence
        return
    for frame, source, earlier in flow.columns.get(column, flow.columns.get(EVERY, ())):
        yield frame, source, earlier if influence == "value" else influence


def _lasts(name: str) -> bool:
    """Whether an object has a name of the notebook."""
    return not name.startswith("~")


def named_edges(flows: Mapping[str, Flow], after: Mapping[str, Iterable[str]]) -> set[str]:
    """Edges into named frames, as texts: ``df.a -> new.b value``; `after` names their columns after the cell."""
    return {
        f"{frame}.{column} -> {name}.{one} {influence}"
        for name, flow in flows.items()
        if _lasts(name)
        for target, sources in flow.columns.items()
        for one in (after[name] if target == EVERY else (target,))
        for frame, column, influence in sources
    }


def named_opaque(flows: Mapping[str, Flow]) -> set[str]:
    """Named frames that were fed by something that could not be seen."""
    return {name for name, flow in flows.items() if _lasts(name) and flow.opaque}
