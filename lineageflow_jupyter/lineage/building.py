"""From recorded runs to the graph of what came from what.

A version is what one run made of one variable; what nobody is known to have made is a version too, known by its table.
A run reads the version that the same variable of the same kernel held: the latest write of the very table that it read.
Otherwise it is that of any run before which made this table of this dataset, as when a frame goes through a commit into
another notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from pathlib import PurePath

from lineageflow_jupyter.lineage.graph import Edge, Evidence, Graph, Node, NodeKind, column_id
from lineageflow_jupyter.model.cells import CellRun, ColumnEdge, FrameState, FrameWrite, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId, short

Columns = Mapping[ObjectId, Mapping[str, ObjectId]]
"""Of each table the ids of its columns, by name."""

EVERY = "*"
Scope = tuple[str, str, str]
"""Workspace, notebook and variable."""

STEP = "#"
"""In the inputs of an operation, ``#2`` is what operation 2 of the same run (from 0) gave back without a name."""


def graph_of(
    runs: Sequence[CellRun], columns: Columns | None = None, heads: Mapping[str, Sequence[ObjectId]] | None = None
) -> Graph:
    """Build the graph of some runs.

    Parameters
    ----------
    runs : sequence of CellRun
        In the order in which they happened, of any number of notebooks.
    columns : mapping, optional
        Of each table the ids of its columns, by name: what makes a proof of what was recorded.
    heads : mapping of str to sequence of ObjectId, optional
        Of each dataset its committed tables, the latest last: what read an older one is out of date.

    Examples
    --------
    >>> from lineageflow_jupyter.model.cells import FrameState, FrameWrite
    >>> table = ObjectId(bytes(32))
    >>> made = FrameWrite(None, FrameState("df", "df", table, None, 3, 2))
    >>> run = CellRun("1" * 32, "", "a.ipynb", "", 1, "df = …", "ada", 0, 0, "ok", writes=(made,))
    >>> [(node.kind, node.label) for node in graph_of([run]).nodes.values()]
    [('run', 'a.ipynb [1]'), ('version', 'df')]
    """
    builder = _Builder(columns or {})
    for run in runs:
        builder.add(run)
    return builder.finish(heads or {})


_Reason = tuple[Scope, str]
"""Which variable has moved on, and in what way."""


@dataclass(slots=True)
class _Read:
    """A version that a run, or a model fitted by it, has used."""

    user: str
    version: str
    scope: Scope
    expected: ObjectId | None
    dataset: str


@dataclass(slots=True)
class _Builder:
    columns: Columns
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    by_variable: dict[tuple[str, Scope, ObjectId | None], str] = field(default_factory=dict)
    by_dataset: dict[tuple[str, ObjectId], str] = field(default_factory=dict)
    tables: dict[str, ObjectId | None] = field(default_factory=dict)
    latest: dict[Scope, tuple[str, ObjectId | None]] = field(default_factory=dict)
    last_run: dict[tuple[str, str, str], str] = field(default_factory=dict)
    reads: list[_Read] = field(default_factory=list)
    files: dict[tuple[str, str, str], str] = field(default_factory=dict)
    read_files: set[str] = field(default_factory=set)
    scopes: dict[str, Scope] = field(default_factory=dict)
    holds: dict[str, list[str]] = field(default_factory=dict)

    def add(self, run: CellRun) -> None:
        """Add a run, with what it read, made and called."""
        name = f"run:{run.run}"
        number = "" if run.number is None else f" [{run.number}]"
        details = {
            "notebook": run.notebook,
            "cell": run.cell,
            "user": run.user,
            "outcome": run.outcome,
            "opaque": ", ".join(run.opaque),
        }
        before = {state.variable: self._version(run, state) for state in run.reads}
        for write in run.writes:
            if write.before is not None:
                before.setdefault(write.before.variable, self._version(run, write.before))
        self.node(name, "run", f"{PurePath(run.notebook).name}{number}", details)
        self._files(run, name)
        first_read = len(self.reads)
        self._notice_reads(run, name, before)
        after = {write.after.variable: self._made(run, name, write, write.after) for write in run.writes if write.after}
        for write in run.writes:
            if write.after is None and write.before is not None:
                self.latest[self.scope(run, write.before.variable)] = ("", None)
        _Operations(self, run, dict(before), after, first_read).add()
        if run.cell:
            self.last_run[run.workspace, run.notebook, run.cell] = name

    def node(self, name: str, kind: NodeKind, label: str, details: Mapping[str, str]) -> None:
        """Add a node, if there is none of this id."""
        known = tuple((key, value) for key, value in details.items() if value)
        self.nodes.setdefault(name, Node(name, kind, label, known))

    def edge(self, edge: Edge) -> None:
        """Add an edge."""
        self.edges[edge] = None

    @staticmethod
    def scope(run: CellRun, variable: str) -> Scope:
        """Which variable a name means in a run."""
        # After a restart a variable is the same one for those who look at the notebook.
        return (run.workspace, run.notebook, variable)

    def _version(self, run: CellRun, state: FrameState) -> str:
        """The version that a variable held, made here if nobody is known to have made it."""
        known = self.by_variable.get((run.session, self.scope(run, state.variable), state.table))
        if known is None and state.table is not None:
            known = self.by_dataset.get((state.dataset, state.table))
        if known is None:
            source = state.table.hex() if state.table is not None else f"{run.run}:{state.variable}"
            known = f"version:{state.dataset}@{source}"
            self._add_version(known, state)
            if state.table is not None:
                self.by_dataset[state.dataset, state.table] = known
        self.by_variable[run.session, self.scope(run, state.variable), state.table] = known
        self.latest[self.scope(run, state.variable)] = (known, state.table)
        return known

    def _made(self, run: CellRun, name: str, write: FrameWrite, state: FrameState) -> str:
        version = f"version:{run.run}:{state.variable}"
        self.scopes[version] = self.scope(run, state.variable)
        self._add_version(version, state)
        self.by_variable[run.session, self.scope(run, state.variable), state.table] = version
        if state.table is not None:
            self.by_dataset[state.dataset, state.table] = version
        self.latest[self.scope(run, state.variable)] = (version, state.table)
        if write.seen:
            self.edge(Edge(name, version, "writes"))
        elif write.before is not None:
            # Somebody has changed it, and nobody knows who.
            self.edge(Edge(self._earlier(run, write.before, version), version, "step", "opaque"))
        return version

    def _earlier(self, run: CellRun, state: FrameState, other: str) -> str:
        found = self.by_variable.get((run.session, self.scope(run, state.variable), state.table))
        return found if found is not None and found != other else self._version(run, state)

    def _add_version(self, name: str, state: FrameState) -> None:
        details = {
            "variable": state.variable,
            "dataset": state.dataset,
            "table": "" if state.table is None else state.table.hex(),
            "rows": str(state.rows),
            "columns": str(state.columns),
            "note": state.note,
        }
        self.node(name, "version", state.variable, details)
        self.tables[name] = state.table
        for column in self.columns.get(state.table, ()) if state.table is not None else ():
            self.column(name, column)

    def column(self, version: str, column: str) -> str:
        """Node of a column."""
        name = column_id(version, column)
        if name not in self.nodes:
            self.holds.setdefault(version, []).append(name)
        self.node(name, "column", f"{self.nodes[version].label}.{column}", {"version": version, "column": column})
        self.edge(Edge(version, name, "holds"))
        return name

    def _files(self, run: CellRun, name: str) -> None:
        for each in run.external:
            key = (each.kind, each.location, each.digest or "")
            file = self.files.setdefault(key, ":".join(("file", *key)))
            if each.direction == "out" and file in self.read_files:
                # Written again after it was read: another node, or what was made of it could be made of itself.
                file = self.files[key] = ":".join(("file", *key, run.run))
            self.node(file, "file", each.location, {"kind": each.kind, "digest": key[2]})
            if each.direction == "in":
                self.read_files.add(file)
                self.edge(Edge(file, name, "in"))
            else:
                self.edge(Edge(name, file, "out"))

    def _notice_reads(self, run: CellRun, name: str, before: Mapping[str, str]) -> None:
        own = {each.before.variable: each.after for each in run.writes if each.before is not None}
        for state in run.reads:
            self.edge(Edge(before[state.variable], name, "reads"))
            # What a run has made of its own input is what the input is from then on.
            after = own.get(state.variable, state)
            if after is not None:
                scope = self.scope(run, state.variable)
                self.reads.append(_Read(name, before[state.variable], scope, after.table, state.dataset))

    def finish(self, heads: Mapping[str, Sequence[ObjectId]]) -> Graph:
        """The graph, with marks on what is out of date."""
        current = {version for version, _ in self.latest.values()}
        repeated = self._repeated(name for name, node in self.nodes.items() if node.kind == "run")
        order = _sorted(self.nodes, self.edges)
        stale = self._stale(order, heads)
        nodes = {}
        for name in order:
            node = self.nodes[name]
            is_current = name in current if node.kind == "version" else name not in repeated
            # What has been replaced itself is only old.
            why = tuple(text for _, text in stale.get(name, ())) if is_current else ()
            nodes[name] = replace(node, current=is_current, stale=why)
        return Graph(nodes, tuple(self.edges))

    def _repeated(self, runs: Iterable[str]) -> set[str]:
        """Runs of cells that have run again since."""
        last = set(self.last_run.values())
        return {name for name in runs if self.nodes[name].detail("cell") and name not in last}

    def _stale(self, order: Iterable[str], heads: Mapping[str, Sequence[ObjectId]]) -> dict[str, list[_Reason]]:
        """Which inputs have moved on, for each node that depends on them."""
        reasons: dict[str, dict[_Reason, None]] = {}
        for read in self.reads:
            why = self._moved_on(read, heads)
            if why:
                reasons.setdefault(read.user, {})[read.scope, why] = None
        into: dict[str, list[str]] = {}
        written: dict[str, set[Scope]] = {}
        for edge in self.edges:
            into.setdefault(edge.target, []).append(edge.source)
            if edge.kind == "writes":
                written.setdefault(edge.source, set()).add(self.scopes[edge.target])
        for name in order:
            found = reasons.setdefault(name, {})
            for source in into.get(name, ()):
                found.update(reasons.get(source, {}))
            # A later state of the variable that has moved on is no worse for that.
            for each in [each for each in found if each[0] == self.scopes.get(name)]:
                del found[each]
        return {
            name: [each for each in found if each[0] not in written.get(name, ())] for name, found in reasons.items()
        }

    def _moved_on(self, read: _Read, heads: Mapping[str, Sequence[ObjectId]]) -> str:
        label = self.nodes[read.version].label
        _, now = self.latest.get(read.scope, ("", read.expected))
        if now is not None and read.expected is not None and now != read.expected:
            return f"{label} is {short(now)} now, not {short(read.expected)}"
        committed = heads.get(read.dataset, ())
        if read.expected in committed and committed[-1] != read.expected:
            return f"{read.dataset} was committed as {short(committed[-1])} since"
        return ""


@dataclass(slots=True)
class _Operations:
    """The operations of one run: `now` is which version each name stands for at this point of it."""

    builder: _Builder
    run: CellRun
    now: dict[str, str]
    after: Mapping[str, str]
    first_read: int
    unnamed: dict[str, str] = field(default_factory=dict)

    def add(self) -> None:
        """Add all of them."""
        outputs = [operation.output for operation in self.run.operations]
        for place, operation in enumerate(self.run.operations):
            last = operation.output not in outputs[place + 1 :]
            self._add(place, operation, last=last)

    def _add(self, place: int, operation: OperationRecord, *, last: bool) -> None:
        model = operation.call.endswith(".fit")
        kind: NodeKind = "model" if model else "operation"
        name = f"{kind}:{self.run.run}:{place}"
        details = {
            "call": operation.call,
            "parameters": operation.parameters,
            "line": "" if operation.line is None else str(operation.line),
            "run": self.run.run,
            "count": str(operation.count) if operation.count != 1 else "",
            "opaque": "yes" if operation.opaque else "",
        }
        label = operation.call.removesuffix(".fit") if model else operation.call
        inputs = [self._input(each) for each in operation.inputs]
        self.builder.node(name, kind, label, details)
        for each in inputs:
            if each:
                evidence: Evidence = "opaque" if operation.opaque else "recorded"
                self.builder.edge(Edge(each, name, "fits" if model else "step", evidence))
        if model:
            self._fit(operation, inputs, name)
            return
        output = self._output(place, operation, name, last=last)
        self.builder.edge(Edge(name, output, "step", "opaque" if operation.opaque else "recorded"))
        if not operation.opaque:
            for edge in operation.edges:
                self._column_edge(edge, inputs, output, name)
            self._carried(operation, inputs, output, name)

    def _input(self, variable: str) -> str:
        if variable.startswith(STEP):
            return self.unnamed.get(variable, "")
        found = self.now.get(variable, "")
        if not found and variable:
            latest = self.builder.latest.get(self.builder.scope(self.run, variable))
            # A version that this very run leaves behind is no input of it.
            found = latest[0] if latest is not None and latest[0] not in self.after.values() else ""
        return found

    def _output(self, place: int, operation: OperationRecord, name: str, *, last: bool) -> str:
        variable = operation.output
        if variable and last and variable in self.after:
            version = self.after[variable]
        else:
            version = f"version:{self.run.run}:{variable}{STEP}{place}"
            details = {"variable": variable, "within": self.run.run}
            if operation.rows_out is not None:
                details["rows"] = str(operation.rows_out)
            self.builder.node(version, "version", variable or operation.call, details)
        if variable:
            self.now[variable] = version
        self.unnamed[f"{STEP}{place}"] = version
        return version

    def _fit(self, operation: OperationRecord, inputs: Sequence[str], name: str) -> None:
        """A model: its features and target are columns of what it was fitted with."""
        for edge in operation.edges:
            if edge.source < len(inputs) and inputs[edge.source]:
                for column in self._of(inputs[edge.source], edge.column):
                    self.builder.edge(Edge(column, name, "fits", "recorded", edge.influence))
        run = f"run:{self.run.run}"
        own = [each for each in self.builder.reads[self.first_read :] if each.user == run and each.version in inputs]
        self.builder.reads.extend(replace(each, user=name) for each in own)

    def _of(self, version: str, column: str) -> list[str]:
        """A column of a version, or all that are known."""
        if column != EVERY:
            return [self.builder.column(version, column)]
        known = list(self.builder.holds.get(version, ()))
        return known or [self.builder.column(version, EVERY)]

    def _column_edge(self, edge: ColumnEdge, inputs: Sequence[str], output: str, name: str) -> None:
        if edge.source >= len(inputs) or not inputs[edge.source]:
            return
        source = inputs[edge.source]
        for target in self._of(output, edge.target):
            for column in self._of(source, edge.column):
                evidence = self._evidence(column, target) if edge.influence == "value" else "recorded"
                self.builder.edge(Edge(column, target, "column", evidence, edge.influence, name))

    def _evidence(self, source: str, target: str) -> Evidence:
        """Proved where both columns are known to hold the same."""
        ids = [self._column_of(each) for each in (source, target)]
        return "proved" if ids[0] is not None and ids[0] == ids[1] else "recorded"

    def _column_of(self, column: str) -> ObjectId | None:
        node = self.builder.nodes[column]
        table = self.builder.tables.get(node.detail("version"))
        return None if table is None else self.builder.columns.get(table, {}).get(node.detail("column"))

    def _carried(self, operation: OperationRecord, inputs: Sequence[str], output: str, name: str) -> None:
        """Columns that an operation left as they were, and so said nothing of: where equal ids prove it."""
        tables = [self.builder.tables.get(each) for each in (*inputs[:1], output)]
        if len(tables) < 2 or None in tables:
            return
        before, after = (self.builder.columns.get(each, {}) for each in tables if each is not None)
        told = {edge.target for edge in operation.edges if edge.influence == "value"} | set(operation.added)
        for column in before.keys() & after.keys() - told:
            if before[column] == after[column]:
                ends = self.builder.column(inputs[0], column), self.builder.column(output, column)
                self.builder.edge(Edge(*ends, "column", "proved", "value", name))


def _sorted(nodes: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """Ids of nodes, each behind its sources, otherwise as they came."""
    waiting = dict.fromkeys(nodes, 0)
    places = {name: place for place, name in enumerate(waiting)}
    out_of: dict[str, list[str]] = {}
    for edge in edges:
        waiting[edge.target] += 1
        out_of.setdefault(edge.source, []).append(edge.target)
    ready = [(places[name], name) for name, count in waiting.items() if not count]
    order = []
    while ready:
        _, name = heappop(ready)
        order.append(name)
        for target in out_of.get(name, ()):
            waiting[target] -= 1
            if not waiting[target]:
                heappush(ready, (places[target], target))
    # Records that contradict one another could make a cycle; nothing is lost for that.
    return list(dict.fromkeys([*order, *places]))
