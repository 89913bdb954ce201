"""From recorded runs to the graph of what came from what.

A version is what one run made of one variable; what nobody is known to have made is a version too, known by its table.
A run reads the version that the same variable of the same kernel held: the latest write of the very table that it read.
Otherwise it is that of any run before which made this table of this dataset, as when a frame goes through a commit into
another notebook.

What the recorder saw within a run are operations between versions. A frame that a run made and of which no operation
told is tied to all that the run read by opaque edges: it may come from any of them.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePath

from lineageflow_jupyter.lineage.analysis import analyse
from lineageflow_jupyter.lineage.building_calls import UNNAMED, Operations, Read, Scope
from lineageflow_jupyter.lineage.building_columns import EVERY, Call, LeftAlone, SameTable, tell_columns, tell_same
from lineageflow_jupyter.lineage.graph import Edge, Evidence, Graph, Node, NodeKind, column_id, in_order
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
from lineageflow_jupyter.model.ids import ObjectId, short

Columns = Mapping[ObjectId, Mapping[str, ObjectId]]
"""Of each table the ids of its columns, by name."""

MOST_REASONS = 8
"""So many reasons why something is out of date are handed on."""
_VERB = re.compile(r"%lf\s+(read|before|checkout|switch|reset|restore|undo|redo|stash|merge|rebase)\b")
"""Verbs that give variables frames of the repository."""


def graph_of(
    runs: Sequence[CellRun],
    columns: Columns | None = None,
    heads: Mapping[str, Sequence[ObjectId]] | None = None,
    *,
    told: Collection[str] | None = None,
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
    told : collection of str, optional
        Runs whose columns are wanted, by id; of the others operations need no edges. All by default. With ten columns a
        frame, columns are nine tenths of a graph.

    Examples
    --------
    >>> from lineageflow_jupyter.model.cells import FrameState, FrameWrite
    >>> table = ObjectId(bytes(32))
    >>> made = FrameWrite(None, FrameState("df", "df", table, None, 3, 2))
    >>> run = CellRun("1" * 32, "", "a.ipynb", "", 1, "df = …", "ada", 0, 0, "ok", writes=(made,))
    >>> [(node.kind, node.label) for node in graph_of([run]).nodes.values()]
    [('run', 'a.ipynb [1]'), ('version', 'df')]
    """
    builder = built(runs)
    builder.finish(heads or {})
    return builder.tell({run.run: run for run in runs if told is None or run.run in told}, columns or {})


def built(runs: Iterable[CellRun]) -> Builder:
    """A builder that has met some runs: `Builder.finish` gives their graph, `Builder.tell` then that with columns."""
    builder = Builder()
    for run in runs:
        builder.add(run)
    return builder


@contextmanager
def without_collector() -> Iterator[None]:
    """A time in which Python's cycle collector rests: it would look again and again at a growing graph without cycles.

    It rests for all threads, which then keep cyclic garbage a second longer; two threads in here at once leave it on.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


_Reason = tuple[Scope, str]
"""Which variable has moved on, and in what way."""


@dataclass(slots=True)
class Builder:
    """A graph in the making: what is known after the runs so far."""

    columns: Columns = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    by_variable: dict[tuple[str, Scope, ObjectId | None], str] = field(default_factory=dict)
    by_dataset: dict[tuple[str, ObjectId], str] = field(default_factory=dict)
    tables: dict[str, ObjectId | None] = field(default_factory=dict)
    latest: dict[Scope, tuple[str, ObjectId | None]] = field(default_factory=dict)
    last_run: dict[tuple[str, str, str], str] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    files: dict[tuple[str, str, str], str] = field(default_factory=dict)
    read_files: set[str] = field(default_factory=set)
    scopes: dict[str, Scope] = field(default_factory=dict)
    by_table: dict[ObjectId, str] = field(default_factory=dict)
    same_tables: dict[str, str] = field(default_factory=dict)
    loose: dict[tuple[str, Scope], str] = field(default_factory=dict)
    models: dict[tuple[str, Scope], str] = field(default_factory=dict)
    model_scopes: dict[str, tuple[str, Scope]] = field(default_factory=dict)
    holds: dict[str, list[str]] = field(default_factory=dict)
    left_alone: dict[str, LeftAlone] = field(default_factory=dict)
    calls: list[Call | SameTable] = field(default_factory=list)
    reasons: dict[str, list[_Reason]] = field(default_factory=dict)
    graph: Graph = field(default_factory=lambda: Graph({}, ()))

    def add(self, run: CellRun) -> None:
        """Add a run, with what it read, made and called."""
        name = f"run:{run.run}"
        number = "" if run.number is None else f" [{run.number}]"
        details = {
            "notebook": run.notebook,
            "cell": run.cell,
            "number": "" if run.number is None else str(run.number),
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
        own_reads = self._notice_reads(run, name, before)
        self._forget(run)
        after = {write.after.variable: self._made(run, name, write, write.after) for write in run.writes if write.after}
        for write in run.writes:
            if write.after is None and write.before is not None:
                self.latest[self.scope(run, write.before.variable)] = ("", None)
        told = Operations(self, run, dict(before), after, own_reads).add()
        for write in run.writes:
            if write.after is not None and write.seen and after[write.after.variable] not in told:
                self._untold(run, after[write.after.variable], write.after)
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
        if state.table is not None:
            same = self.by_dataset.get((state.dataset, state.table)) or self.by_table.get(state.table, "")
            if same and not same.startswith(f"version:{run.run}:"):
                self.same_tables[version] = same
        self.scopes[version] = self.scope(run, state.variable)
        self._add_version(version, state, "" if run.number is None else str(run.number))
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

    def _forget(self, run: CellRun) -> None:
        """Forget what variables stood for that hold no frame and that the run binds anew."""
        for key in [key for key in self.loose if key[0] == run.session and key[1][:2] == (run.workspace, run.notebook)]:
            name = key[1][2]
            if run.code is None or (name in run.code and name in analyse(run.code).writes):
                del self.loose[key]

    def _untold(self, run: CellRun, version: str, state: FrameState) -> None:
        """A frame that the run made and no operation tells of: from the repository, or another name for a frame."""
        verb = None if run.code is None else _VERB.search(run.code)
        source = self.same_tables.get(version, "")
        if verb is not None and source:
            name = f"operation:{run.run}:{state.variable}"
            line = 1 + (run.code or "").count("\n", 0, verb.start())
            self.node(name, "operation", f"%lf {verb[1]}", {"line": str(line), "run": run.run})
            self.edge(Edge(source, f"run:{run.run}", "reads", "proved"))
            self.edge(Edge(source, name, "step"))
            self.edge(Edge(name, version, "step"))
            self.calls.append(SameTable(source, version, state.table, name, "proved"))
        elif verb is None and state.table is not None:
            for read in [each.version for each in self.reads if each.user == f"run:{run.run}"]:
                if read != version and self.tables.get(read) == state.table:
                    # A copy that nobody saw: equal, which proves nothing without a call.
                    self.calls.append(SameTable(read, version, state.table, "", "opaque"))

    def _earlier(self, run: CellRun, state: FrameState, other: str) -> str:
        found = self.by_variable.get((run.session, self.scope(run, state.variable), state.table))
        return found if found is not None and found != other else self._version(run, state)

    def _add_version(self, name: str, state: FrameState, made: str = "") -> None:
        details = {
            "variable": state.variable,
            "dataset": state.dataset,
            "table": "" if state.table is None else state.table.hex(),
            "frame": "" if state.frame is None else state.frame.hex(),
            "made": made,
            "rows": str(state.rows),
            "columns": str(state.columns),
            "note": state.note,
        }
        self.node(name, "version", state.variable, details)
        self.tables[name] = state.table
        if state.table is not None:
            self.by_table[state.table] = name

    def column(self, version: str, column: str) -> str:
        """Node of a column, made with what it was before an operation that left it alone."""
        name = column_id(version, column)
        if name in self.nodes:
            return name
        self.holds.setdefault(version, []).append(name)
        frame = self.nodes[version]
        details = {
            "version": version,
            "column": column,
            "made": frame.detail("made"),
            "within": frame.detail("within"),
            "unnamed": "yes" if frame.detail("variable").startswith(UNNAMED) else "",
        }
        self.node(name, "column", f"{frame.label}.{column}" if column else frame.label, details)
        self.edge(Edge(version, name, "holds"))
        self.pass_on(version, column)
        return name

    def pass_on(self, version: str, column: str) -> None:
        """Tie a column to what it was before an operation that left it alone, if there was one."""
        left = self.left_alone.get(version)
        if left is not None and column not in left.told and column != EVERY:
            source, name = self.column(left.source, column), column_id(version, column)
            evidence = self.evidence(source, name)
            # What an edit of another column left alone is equal, or was changed by what nobody saw.
            evidence = "recorded" if evidence == "opaque" and not left.same else evidence
            self.edge(Edge(source, name, "column", evidence, "value", left.by))

    def evidence(self, source: str, target: str) -> Evidence:
        """Proved where two columns are known to hold the same; opaque where they are known not to."""
        known = [self._id_of(each) for each in (source, target)]
        if None in known:
            return "recorded"
        return "proved" if known[0] == known[1] else "opaque"

    def _id_of(self, column: str) -> ObjectId | None:
        node = self.nodes[column]
        table = self.tables.get(node.detail("version"))
        return None if table is None else self.columns.get(table, {}).get(node.detail("column"))

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

    def _notice_reads(self, run: CellRun, name: str, before: Mapping[str, str]) -> dict[str, Read]:
        own = {each.before.variable: each.after for each in run.writes if each.before is not None}
        found: dict[str, Read] = {}
        for state in run.reads:
            self.edge(Edge(before[state.variable], name, "reads"))
            # What a run has made of its own input is what the input is from then on.
            after = own.get(state.variable, state)
            if after is not None:
                scope = self.scope(run, state.variable)
                read = Read(name, before[state.variable], scope, after.table, state.dataset)
                found.setdefault(read.version, read)
                self.reads.append(read)
        return found

    def finish(self, heads: Mapping[str, Sequence[ObjectId]]) -> Graph:
        """The graph without columns, with marks on what is out of date."""
        current = {version for version, _ in self.latest.values()}
        repeated = self._repeated(name for name, node in self.nodes.items() if node.kind == "run")
        order = in_order(self.nodes, self.edges)
        self.reasons = self._stale(order, heads)
        nodes = {}
        for name in order:
            node = self.nodes[name]
            is_current = name in current if node.kind == "version" else name not in repeated
            if node.kind in ("operation", "model", "score"):
                held = self.model_scopes.get(name)
                is_current = f"run:{node.detail('run')}" not in repeated if held is None else self.models[held] == name
            # What has been replaced itself is only old.
            why = self._why(name) if is_current else ()
            unmarked = is_current and not why
            nodes[name] = node if unmarked else Node(name, node.kind, node.label, node.details, why, is_current)
        self.graph = Graph(nodes, tuple(self.edges))
        return self.graph

    def _why(self, name: str) -> tuple[str, ...]:
        return tuple(text for _, text in self.reasons.get(name, ()))

    def tell(self, runs: Mapping[str, CellRun], columns: Columns) -> Graph:
        """The finished graph with columns, once. They lie behind their frames, and so behind what they came from.

        Parameters
        ----------
        runs : mapping of str to CellRun
            Runs whose columns are wanted, by id, with the edges between columns. Of the others operations tell none.
        columns : mapping
            Of each table the ids of its columns, by name.
        """
        self.columns = columns
        known = len(self.edges)
        for version, table in self.tables.items():
            for column in columns.get(table, ()) if table is not None else ():
                self.column(version, column)
        for call in self.calls:
            if isinstance(call, SameTable):
                tell_same(self, call)
            elif call.run in runs:
                tell_columns(self, call, runs[call.run].operations[call.place])
        nodes = {}
        for name, node in self.graph.nodes.items():
            nodes[name] = node
            for column in self.holds.get(name, ()):  # a column is as good as its frame
                why = self._why(name)
                nodes[column] = replace(self.nodes[column], stale=why) if why else self.nodes[column]
        return Graph(nodes, (*self.graph.edges, *islice(self.edges, known, None)))

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
        if not reasons:
            return {}
        into: dict[str, list[str]] = {}
        written: dict[str, set[Scope]] = {}
        for edge in self.edges:
            if edge.kind in ("column", "holds") or edge.role:
                continue
            into.setdefault(edge.target, []).append(edge.source)
            if edge.kind == "writes":
                written.setdefault(edge.source, set()).add(self.scopes[edge.target])
        for name in order:
            found = reasons.get(name) or {}
            for source in into.get(name, ()):
                theirs = reasons.get(source)
                if theirs and len(found) < MOST_REASONS:  # else a long history would cost its square
                    found.update(islice(theirs.items(), MOST_REASONS))
            # A later state of the variable that has moved on is no worse for that.
            scope = self.scopes.get(name)
            found = {each: None for each in found if each[0] != scope} if scope is not None else found
            if found or name in reasons:
                reasons[name] = found
        return {
            name: [each for each in found if each[0] not in written.get(name, ())] for name, found in reasons.items()
        }

    def _moved_on(self, read: Read, heads: Mapping[str, Sequence[ObjectId]]) -> str:
        label = self.nodes[read.version].label
        _, now = self.latest.get(read.scope, ("", read.expected))
        if now is not None and read.expected is not None and now != read.expected:
            return f"{label} is {short(now)} now, not {short(read.expected)}"
        committed = heads.get(read.dataset, ())
        if read.expected in committed and committed[-1] != read.expected:
            return f"{read.dataset} was committed as {short(committed[-1])} since"
        return ""
