"""The names of a walk over code: what reading, binding and deleting one means where the walk has come to."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from lineageflow_jupyter.lineage import calls
from lineageflow_jupyter.lineage.names import NO_NAMES, FunctionNames, How, Mutation, Names, Opaque
from lineageflow_jupyter.lineage.scopes import Scope
from lineageflow_jupyter.lineage.state import Found, Known, Passed, State


@dataclass(slots=True)
class NameWalk:
    """A walk over the code of one scope.

    Parameters
    ----------
    scope : Scope
        Where names are looked up.
    found : Found
        What is added to.
    state : State
        What is certain at the point reached.
    offset : int
        Added to line numbers.
    parameters : frozenset of str
        Names of the arguments of the function walked over.
    """

    scope: Scope
    found: Found = field(default_factory=Found)
    state: State = field(default_factory=State)
    offset: int = 0
    parameters: Names = NO_NAMES
    breaks: list[list[State]] = field(default_factory=list)
    continues: list[list[State]] = field(default_factory=list)
    returns: list[State] = field(default_factory=list)
    methods: list[FunctionNames] = field(default_factory=list)
    finals: list[list[State]] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    lambdas: list[FunctionNames] = field(default_factory=list)

    def read(self, name: str) -> None:
        """A name is used."""
        if self.scope.kind == "class" and name in self.scope.local:
            # Until a class has bound a name of its own, that of the cell is meant.
            if self.own(name) in self.state.held:
                return
        elif not self.scope.is_global(name):
            return
        self._read_global(name)
        self._use_functions(name)

    def own(self, name: str) -> str:
        """Key of a class's own name in the state."""
        return f"{id(self.scope)}.{name}"

    def _read_global(self, name: str) -> None:
        self.found.mentioned.add(name)
        if self.state.live and name not in self.state.gone:
            self.found.reads.add(name)
            self.need(name)

    def need(self, name: str) -> None:
        """A name must exist before the cell."""
        self.found.needs.add(name)
        known = self.found.bound_at.get(name)
        self.found.bound_at[name] = set(self.state.gone) if known is None else known & self.state.gone

    def _use_functions(self, name: str) -> None:
        """What a function of this code uses may be used from here on."""
        waiting, seen = [*self.state.functions.get(name, ())], set[FunctionNames]()
        while waiting:
            function = waiting.pop()
            if function in seen:
                continue
            seen.add(function)
            self.run(function)
            for inner in function.reads:
                waiting.extend(self.state.functions.get(inner, ()))

    def run(self, function: FunctionNames) -> None:
        """Some function may run here."""
        for name in function.reads:
            self._read_global(name)
        self.found.mentioned |= function.mentioned
        self.found.quoted |= function.quoted
        self.found.writes |= function.writes
        self.found.deleted |= function.deletes
        self.state.maybe |= function.writes
        for stretch in self.passed:
            stretch.bound.update({name: frozenset() for name in function.writes - stretch.bound.keys()})
        self.found.mutations.update(dict.fromkeys(function.mutations))
        self.found.opaque.update(dict.fromkeys(function.opaque))

    def bind(self, name: str, functions: Known = frozenset()) -> None:
        """A name is bound."""
        if self.scope.kind == "class" and name in self.scope.local:
            self.state.bind(self.own(name))
        elif self.scope.is_global(name):
            self.found.writes.add(name)
            self.found.mentioned.add(name)
            self.state.bind(name, functions)
            for stretch in self.passed:
                stretch.bind(name, functions)

    def delete(self, name: str, *, counts: bool = True) -> None:
        """A name is deleted."""
        if self.scope.kind == "class" and name in self.scope.local:
            self.state.delete(self.own(name))
        elif self.scope.is_global(name):
            self.found.mentioned.add(name)
            if counts:
                self.found.deleted.add(name)
                if self.state.live and name not in self.state.gone:
                    self.need(name)
            self.state.delete(name)
            for stretch in self.passed:
                stretch.deleted.add(name)

    def mark(self, what: str, node: ast.AST, *, binds: bool = True) -> None:
        """Something cannot be told."""
        self.found.opaque[Opaque(what, self.line(node), binds)] = None

    def line(self, node: ast.AST) -> int:
        """Line of a node within the cell."""
        return int(getattr(node, "lineno", 1)) + self.offset

    def mutate(self, node: ast.expr, how: How, *, by: str = "", used: bool = False) -> None:
        """What an expression stands for may change in place."""
        root = calls.root(node)
        if root is None:
            return
        if root in self.parameters and how != "argument":
            self.found.changes_arguments = True
        if self.scope.is_global(root):
            self.found.mutations[Mutation(root, how, by, self.line(node), used)] = None
