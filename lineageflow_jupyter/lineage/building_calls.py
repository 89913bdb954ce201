"""The operations of one run in the graph: which version each name stands for at which point of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lineageflow_jupyter.lineage.building_columns import Call
from lineageflow_jupyter.lineage.graph import Edge, Evidence, NodeKind
from lineageflow_jupyter.model.cells import CellRun, OperationRecord
from lineageflow_jupyter.model.ids import ObjectId

if TYPE_CHECKING:
    from lineageflow_jupyter.lineage.building import Builder

Scope = tuple[str, str, str]
"""Workspace, notebook and variable."""

PLACE = "#"
"""Before the place of the operation, in the ids of versions within a run."""
UNNAMED = "~"
"""Begins the names of objects without one: see `OperationRecord`."""
FITTED = (".fit", ".partial_fit", ".fit_transform", ".fit_predict")
CONTINUED = ".partial_fit"
"""A model that is fitted so knows what it has learned before."""
LOGGED = "log_model"


def fits(operation: OperationRecord) -> bool:
    """Whether an operation gave a model what it knows."""
    return operation.call.endswith(FITTED) or operation.call.rpartition(".")[2] == LOGGED


@dataclass(slots=True)
class Read:
    """A version that a run, or a model fitted by it, has used."""

    user: str
    version: str
    scope: Scope
    expected: ObjectId | None
    dataset: str


@dataclass(slots=True)
class Operations:
    """The operations of one run: `now` is which version each name stands for at this point of it."""

    builder: Builder
    run: CellRun
    now: dict[str, str]
    after: Mapping[str, str]
    reads: Mapping[str, Read]
    models: dict[str, str] = field(default_factory=dict)
    later: dict[str, int] = field(default_factory=dict)

    def add(self) -> set[str]:
        """Add all of them; the versions that the run leaves behind and that they tell of."""
        self.later = {operation.output: place for place, operation in enumerate(self.run.operations)}
        told = set()
        for place, operation in enumerate(self.run.operations):
            told.add(self._add(place, operation))
        return told

    def _add(self, place: int, operation: OperationRecord) -> str:
        model = fits(operation)
        kind: NodeKind = "model" if model else "score" if operation.metric else "operation"
        name = f"{kind}:{self.run.run}:{place}"
        details = {
            "call": operation.call,
            "parameters": operation.parameters,
            "line": "" if operation.line is None else str(operation.line),
            "run": self.run.run,
            "made": "" if self.run.number is None else str(self.run.number),
            "count": str(operation.count) if operation.count != 1 else "",
            "opaque": "yes" if operation.opaque else "",
            "rows": "" if operation.rows_in is None else str(operation.rows_in),
            "rows_out": "" if operation.rows_out is None else str(operation.rows_out),
            "added": "\n".join(operation.added),
            "changed": "\n".join(operation.changed),
            "metric": operation.metric,
            "value": "" if operation.value is None else repr(operation.value),
            "variable": _variable(operation) if model and not _variable(operation).startswith(UNNAMED) else "",
        }
        inputs = [self._input(each, place) for each in operation.inputs]
        if operation.opaque and not inputs:
            # Nobody saw what went in; it can be anything that the run held.
            inputs = list(self.reads)
        self.builder.node(name, kind, _label(operation, kind), details)
        asked = self._model(operation.model) if not model or operation.call.endswith(CONTINUED) else ""
        if asked:
            self.builder.edge(Edge(asked, name, "fits" if model else "asks"))
        evidence: Evidence = "opaque" if operation.opaque else "recorded"
        for each in inputs:
            if each:
                self.builder.edge(Edge(each, name, "fits" if model else "step", evidence))
            if each in self.reads:
                self.builder.reads.append(replace(self.reads[each], user=name))
        if model:
            return self._fit(place, operation, inputs, name)
        if not operation.output:
            return ""
        output = self._output(place, operation, name)
        self.builder.edge(Edge(name, output, "step", evidence))
        if not operation.opaque:
            self.builder.calls.append(Call(self.run.run, place, name, tuple(inputs), output))
        return output

    def _input(self, variable: str, place: int) -> str:
        found = self.now.get(variable, "")
        if found or not variable:
            return found
        if self.later.get(variable, -1) >= place:
            return ""  # made by a later call of a loop, whose calls are told as one
        if not variable.startswith(UNNAMED):
            latest = self.builder.latest.get(self.builder.scope(self.run, variable))
            # A version that this very run leaves behind is no input of it.
            found = latest[0] if latest is not None and latest[0] not in self.after.values() else ""
            found = found or self.builder.loose.get((self.run.session, self.builder.scope(self.run, variable)), "")
        if not found:
            found = f"version:{self.run.run}:{variable}{PLACE}"
            label = "an object without a name" if variable.startswith(UNNAMED) else variable
            details = {"variable": variable, "within": self.run.run, "note": "where it came from was not seen"}
            self.builder.node(found, "version", label, details)
        self.now[variable] = found
        return found

    def _output(self, place: int, operation: OperationRecord, name: str) -> str:
        variable, last = operation.output, self.later[operation.output] == place
        version = self.after.get(variable, "") if last else ""
        rows = self.builder.nodes[version].detail("rows") if version else ""
        if version and operation.rows_out is not None and str(operation.rows_out) != rows:
            version = ""  # the variable was bound to something else since, by what was not seen
        if not version:
            version = f"version:{self.run.run}:{variable}{PLACE}{place}"
            made = "" if self.run.number is None else str(self.run.number)
            details = {"variable": variable, "within": self.run.run, "made": made}
            if operation.rows_out is not None:
                details["rows"] = str(operation.rows_out)
            label = f"{short_call(operation.call)} [{made}]" if variable.startswith(UNNAMED) else variable
            self.builder.node(version, "version", label, details)
            if last and variable not in self.after and not variable.startswith(UNNAMED):
                self.builder.loose[self.run.session, self.builder.scope(self.run, variable)] = version
        self.now[variable] = version
        return version

    def _model(self, variable: str) -> str:
        """The model that a name stands for."""
        if not variable:
            return ""
        scope = (self.run.session, self.builder.scope(self.run, variable))
        return self.models.get(variable) or self.builder.models.get(scope, "")

    def _fit(self, place: int, operation: OperationRecord, inputs: Sequence[str], name: str) -> str:
        """A model, and what came of it at once."""
        variable = _variable(operation)
        if variable:
            self.models[variable] = name
        if variable and not variable.startswith(UNNAMED):
            scope = (self.run.session, self.builder.scope(self.run, variable))
            self.builder.models[scope] = name
            self.builder.model_scopes[name] = scope
        if not operation.output or operation.output == variable:
            self.builder.calls.append(Call(self.run.run, place, name, tuple(inputs), fits=True))
            return ""
        # What it made of that at once.
        output = self._output(place, operation, name)
        self.builder.edge(Edge(name, output, "step", "opaque" if operation.opaque else "recorded"))
        self.builder.calls.append(Call(self.run.run, place, name, tuple(inputs), output, fits=True))
        return output


def _label(operation: OperationRecord, kind: NodeKind) -> str:
    if kind == "score":
        return operation.metric if operation.value is None else f"{operation.metric} = {operation.value:.6g}"
    return operation.call.rpartition(".")[0] or operation.call if kind == "model" else operation.call


def _variable(operation: OperationRecord) -> str:
    """How the notebook calls the model that was fitted."""
    return operation.model or ("" if operation.call.endswith(FITTED[1:]) else operation.output)


_SIGNS = {
    "getitem": "select",
    "setitem": "set",
    "delitem": "delete",
    "truediv": "÷",
    "floordiv": "÷ whole",
    "mul": "×",
    "add": "+",
    "sub": "−",
    "pow": "power",
    "mod": "modulo",
    "gt": ">",
    "lt": "<",
    "ge": "≥",
    "le": "≤",
    "eq": "=",
    "ne": "≠",
    "invert": "not",
}


def short_call(call: str) -> str:
    """A call without its class, an operator by its sign.

    Examples
    --------
    >>> short_call("DataFrame.fillna"), short_call("Series.__truediv__"), short_call("DataFrame.iloc.__getitem__")
    ('fillna', '÷', 'iloc select')
    """
    hidden = ("DataFrame", "Series", "pandas", "DataFrameGroupBy", "SeriesGroupBy")
    parts = [part for part in call.split(".") if part not in hidden]
    names = [_SIGNS.get(part.strip("_"), part.strip("_")) if part.startswith("__") else part for part in parts]
    return " ".join(names) or call
