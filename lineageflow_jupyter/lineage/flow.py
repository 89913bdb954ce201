"""What a piece of code may read before it binds it: a walk over its syntax tree in the order of evaluation.

Along the walk goes a `state.State`: what is certain about names at this point. Where paths meet, only what holds on all
of them stays certain. A loop is walked twice, since its second round starts where the first one ended.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from lineageflow_jupyter.lineage import calls
from lineageflow_jupyter.lineage.expressions import ExpressionWalk, names_of
from lineageflow_jupyter.lineage.names import Imported
from lineageflow_jupyter.lineage.scopes import class_scope, type_parameter_scope
from lineageflow_jupyter.lineage.state import Found, Known, Passed, State, interrupted, joined, united


@dataclass(slots=True)
class Walk(ExpressionWalk):
    """A walk over the code of one scope."""

    def statement(self, node: ast.stmt) -> None:
        """Walk over one statement."""
        handler = _STATEMENTS.get(type(node).__name__)
        if handler is None:
            self.children(node)
        else:
            handler(self, node)

    def _on_expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            self.call(value, used=False)
        else:
            self.expression(value)

    def _on_assign(self, node: ast.Assign) -> None:
        functions = self.value(node.value, node.targets)
        for target in node.targets:
            self.target(target, functions)

    def _on_annotated(self, node: ast.AnnAssign) -> None:
        functions: Known = frozenset()
        if node.value is not None:
            functions = self.value(node.value, [node.target])
            self.target(node.target, functions)
        elif not isinstance(node.target, ast.Name):
            self.children(node.target)
        if self.scope.kind != "function":
            self.expression(node.annotation)

    def _on_augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
            self.mutate(node.target, "augmented")
        else:
            self.children(node.target)
            self.mutate(node.target, "augmented", by=calls.dotted(node.target))
        self.expression(node.value)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id)

    def _on_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete_target(target)

    def _delete_target(self, target: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self.delete(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._delete_target(part)
            case _:
                self.target(target)

    def _on_if(self, node: ast.If) -> None:
        self.expression(node.test)
        constant = calls.truth(node.test)
        before = self.state.copy()
        self.state.live &= constant is not False
        self.body(node.body)
        then, self.state = self.state, before
        self.state.live &= constant is not True
        self.body(node.orelse)
        self.state = joined([then, self.state])

    def _on_while(self, node: ast.While) -> None:
        constant = calls.truth(node.test)
        self.breaks.append([])
        for _ in range(2):
            self.continues.append([])
            self.expression(node.test)
            tested = self.state.copy()
            self.body(node.body)
            again = joined([self.state, *self.continues.pop()])
            self.state = joined([tested, again])
        self.expression(node.test)
        after = replace(self.state, live=self.state.live and constant is not True)
        self._after_loop(node.orelse, after if constant is not False else tested)

    def _on_for(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        never_empty = calls.never_empty(node.iter)
        before = self.state.copy()
        self.breaks.append([])
        for _ in range(2):
            self.continues.append([])
            self.target(node.target)
            self.body(node.body)
            again = joined([self.state, *self.continues.pop()])
            self.state = joined([before, again])
        self._after_loop(node.orelse, again if never_empty else self.state)

    def _after_loop(self, orelse: list[ast.stmt], ended: State) -> None:
        self.state = ended
        left = self.breaks.pop()
        self.body(orelse)
        self.state = joined([self.state, *left])

    def _leave(self, places: list[State]) -> None:
        """Go elsewhere: through the ``finally`` around, if there is one."""
        places.append(self.state.copy())
        for final in self.finals:
            final.append(self.state.copy())
        self.state = replace(self.state, live=False)

    def _on_break(self, node: ast.Break) -> None:
        self._leave(self.breaks[-1])

    def _on_continue(self, node: ast.Continue) -> None:
        self._leave(self.continues[-1])

    def _on_return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.expression(node.value)
        self._leave(self.returns)

    def _on_raise(self, node: ast.Raise) -> None:
        self.children(node)
        self._leave([])

    def _on_assert(self, node: ast.Assert) -> None:
        self.expression(node.test)
        if node.msg is not None:
            with self.aside():
                self.expression(node.msg)
        if calls.truth(node.test) is False:
            self._leave([])

    @contextmanager
    def _watched(self) -> Iterator[Passed]:
        """Note what is bound and deleted on the way."""
        passed = Passed()
        self.passed.append(passed)
        yield passed
        self.passed.pop()

    def _on_try(self, node: ast.Try) -> None:
        self.finals.append([])
        before = self.state.copy()
        with self._watched() as all_parts:
            with self._watched() as passed:
                self.body(node.body)
            # An exception may come from anywhere in the body.
            failed = interrupted(before, passed)
            self.body(node.orelse)
            ends = [self.state]
            for handler in node.handlers:
                self.state = failed.copy()
                self._handler(handler)
                ends.append(self.state)
        left = self.finals.pop()
        if node.finalbody:
            self.state = joined([interrupted(before, all_parts), *left])
            self.body(node.finalbody)
        self.state = joined(ends)
        self.body(node.finalbody)

    def _handler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.expression(node.type)
        if node.name is not None:
            self.bind(node.name)
        self.body(node.body)
        if node.name is not None:
            self.delete(node.name, counts=False)

    def _on_with(self, node: ast.With | ast.AsyncWith) -> None:
        before = self.state.copy()
        with self._watched() as passed:
            for item in node.items:
                self.expression(item.context_expr)
                if item.optional_vars is not None:
                    self.target(item.optional_vars)
            self.body(node.body)
        if any(calls.swallows(item.context_expr) for item in node.items):
            self.state = joined([self.state, interrupted(before, passed)])

    def _on_match(self, node: ast.Match) -> None:
        self.expression(node.subject)
        ends, missed = [], self.state
        for case in node.cases:
            self.state = missed.copy()
            with self._watched() as passed:
                self._pattern(case.pattern)
            # Where a pattern or its guard fails, part of the names may be bound already.
            failed = interrupted(missed, passed)
            if case.guard is not None:
                self.expression(case.guard)
                failed = joined([failed, self.state])
            self.body(case.body)
            ends.append(self.state)
            missed = replace(failed, live=failed.live and not calls.irrefutable(case))
        self.state = joined([*ends, missed])

    def _pattern(self, pattern: ast.pattern) -> None:
        match pattern:
            case ast.MatchOr(patterns=patterns):
                ends, before = [], self.state
                for each in patterns:
                    self.state = before.copy()
                    self._pattern(each)
                    ends.append(self.state)
                self.state = joined(ends)
                return
        for child in ast.iter_child_nodes(pattern):
            if isinstance(child, ast.pattern):
                self._pattern(child)
            elif isinstance(child, ast.expr):
                self.expression(child)
        match pattern:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                self.bind(name)

    def _on_import(self, node: ast.Import) -> None:
        for alias in node.names:
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            name = alias.asname or module
            self._imported(Imported(name, module, None, self.line(node)))
            if alias.name == "importlib" or alias.name.startswith("importlib."):
                self.mark("importlib", node)
            if alias.name == "__main__":
                self.mark("__main__", node)

    def _on_import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            return
        for alias in node.names:
            if alias.name == "*":
                self.mark(f"from {module} import *", node)
            else:
                self._imported(Imported(alias.asname or alias.name, module, alias.name, self.line(node)))
        if module == "__main__":
            self.mark("__main__", node)

    def _imported(self, each: Imported) -> None:
        if self.scope.is_global(each.name) and self.scope.kind != "class":
            self.found.imports[each] = None
        self.bind(each.name)

    def _on_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.expression(decorator)
        function = self.function(node, node.name)
        if node.decorator_list:
            # Whatever decorates it may call it at once.
            self.run(function)
        self.bind(node.name, frozenset([function]))

    def _on_class(self, node: ast.ClassDef) -> None:
        for part in node.decorator_list:
            self.expression(part)
        outer, self.scope = self.scope, type_parameter_scope(node, self.scope)
        for part in [*node.bases, *(each.value for each in node.keywords)]:
            self.expression(part)
        self.type_parameters(node)
        inner = self.within(class_scope(node, self.scope), self.state.copy())
        # Its body runs here, so that what it reads now is read now; methods run when the class is used.
        inner.body(node.body)
        self.found.nested = True
        self.scope = outer
        self._merge(inner.found)
        self.state.maybe |= inner.found.writes
        for names, found in ((self.state.gone, inner.state.gone), (self.state.held, inner.state.held)):
            names |= {name for name in found if name in inner.found.writes}
        function = united(node.name, "class", inner.methods, self.line(node))
        if node.bases or node.keywords or node.decorator_list or self.scope.kind == "function":
            # A base or metaclass may call methods while the class is made; and nothing follows calls within a function.
            self.run(function)
        self.bind(node.name, frozenset([function]))

    def _merge(self, other: Found) -> None:
        """Take over what was found in code that runs here."""
        for mine, theirs in (
            (self.found.reads, other.reads),
            (self.found.needs, other.needs),
            (self.found.writes, other.writes),
            (self.found.deleted, other.deleted),
            (self.found.mentioned, other.mentioned),
            (self.found.quoted, other.quoted),
        ):
            mine |= theirs
        for name, bound in other.bound_at.items():
            known = self.found.bound_at.get(name)
            self.found.bound_at[name] = bound if known is None else known & bound
        self.found.mutations.update(other.mutations)
        self.found.imports.update(other.imports)
        self.found.opaque.update(other.opaque)
        self.found.magics.update(other.magics)

    def _on_type_alias(self, node: ast.stmt) -> None:
        """``type X[T] = …`` (Python 3.12): the value is computed when it is asked for."""
        name, value = node.name, node.value  # type: ignore[attr-defined]  # only Python 3.12 knows it
        inner = self.within(type_parameter_scope(node, self.scope), State())
        inner.expression(value)
        self.bind(name.id, frozenset([names_of(inner, name.id, self.line(node))]))


_STATEMENTS: dict[str, Callable[[Any, Any], None]] = {
    "Expr": Walk._on_expr,
    "Assign": Walk._on_assign,
    "AnnAssign": Walk._on_annotated,
    "AugAssign": Walk._on_augmented,
    "Delete": Walk._on_delete,
    "If": Walk._on_if,
    "While": Walk._on_while,
    "For": Walk._on_for,
    "AsyncFor": Walk._on_for,
    "Break": Walk._on_break,
    "Continue": Walk._on_continue,
    "Return": Walk._on_return,
    "Raise": Walk._on_raise,
    "Assert": Walk._on_assert,
    "Try": Walk._on_try,
    "TryStar": Walk._on_try,
    "With": Walk._on_with,
    "AsyncWith": Walk._on_with,
    "Match": Walk._on_match,
    "Import": Walk._on_import,
    "ImportFrom": Walk._on_import_from,
    "FunctionDef": Walk._on_function,
    "AsyncFunctionDef": Walk._on_function,
    "ClassDef": Walk._on_class,
    "TypeAlias": Walk._on_type_alias,
}
