"""A walk over expressions, in the order of evaluation: calls, magics, lambdas, comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

from lineageflow_jupyter.lineage import calls, magic_text
from lineageflow_jupyter.lineage.names import NO_NAMES, FunctionNames, MagicLine, Names
from lineageflow_jupyter.lineage.scopes import (
    COMPREHENSIONS,
    Function,
    Scope,
    body_scope,
    comprehension_scope,
    every_annotation,
    every_argument,
    function_scope,
    type_parameter_scope,
)
from lineageflow_jupyter.lineage.state import Found, Known, State, carries, joined
from lineageflow_jupyter.lineage.walking import NameWalk


@dataclass(slots=True)
class ExpressionWalk(NameWalk):
    """A walk that knows expressions and the targets that they are bound to; `flow.Walk` adds statements."""

    def body(self, statements: Iterable[ast.stmt]) -> None:
        """Walk over statements."""
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """Walk over one statement; only `flow.Walk` knows how, and nothing walks with this class alone."""
        raise NotImplementedError

    def within(self, scope: Scope, state: State, parameters: Names = NO_NAMES) -> Self:
        """A walk over code of an inner scope."""
        return type(self)(scope, Found(), state, self.offset, parameters)

    def value(self, value: ast.expr, targets: list[ast.expr]) -> Known:
        """Walk over a value that is bound; return the functions that it is or may hold."""
        plain = all(isinstance(target, ast.Name) for target in targets)
        if isinstance(value, ast.Lambda) and plain:
            name = targets[0].id if isinstance(targets[0], ast.Name) else ""
            return frozenset([self.function(value, name)])
        before = len(self.lambdas)
        self.expression(value)
        lambdas = self.lambdas[before:]
        names, called = calls.names_of_value(value, self.scope)
        if not (names or lambdas) or not any(isinstance(target, ast.Name) for target in targets):
            return frozenset()
        made = FunctionNames("", "value", holds=names, called=called, line=self.line(value))
        held = {each for name in names for each in self.state.functions.get(name, ()) if carries(each, name in called)}
        return frozenset({made, *lambdas, *held})

    def target(self, target: ast.expr, functions: Known = frozenset()) -> None:
        """Bind what stands left of ``=``, after ``for`` or ``as``."""
        match target:
            case ast.Name(id=name):
                self.bind(name, frozenset(replace(each, name=each.name or name) for each in functions))
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self.target(part)
            case ast.Starred(value=inner):
                self.target(inner)
            case ast.Attribute() | ast.Subscript():
                self.children(target)
                self.mutate(
                    target, "attribute" if isinstance(target, ast.Attribute) else "item", by=calls.dotted(target)
                )

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Walk over what is perhaps not evaluated."""
        before = self.state.copy()
        yield
        self.state = joined([before, self.state])

    def expression(self, node: ast.expr) -> None:
        """Walk over an expression."""
        handler = _EXPRESSIONS.get(type(node).__name__)
        if handler is None:
            self.children(node)
        else:
            handler(self, node)

    def children(self, node: ast.AST) -> None:
        """Walk over whatever a node is made of, in order."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child)
            elif isinstance(child, ast.stmt):
                self.statement(child)
            else:
                self.children(child)

    def _on_name(self, node: ast.Name) -> None:
        if node.id in calls.OPAQUE_NAMES and self.scope.is_global(node.id) and node.id not in self.state.gone:
            self.mark(node.id, node)
        self.read(node.id)

    def _on_attribute(self, node: ast.Attribute) -> None:
        self.expression(node.value)
        what = calls.opaque_attribute(node)
        if what:
            self.mark(what, node)

    def _on_walrus(self, node: ast.NamedExpr) -> None:
        functions = self.value(node.value, [node.target])
        self.target(node.target, functions)

    def _on_bool(self, node: ast.BoolOp) -> None:
        first, *rest = node.values
        self.expression(first)
        self._perhaps(rest)

    def _on_compare(self, node: ast.Compare) -> None:
        self.expression(node.left)
        self.expression(node.comparators[0])
        self._perhaps(node.comparators[1:])

    def _perhaps(self, parts: list[ast.expr]) -> None:
        """Walk over parts of which each is evaluated only if all before it were."""
        if parts:
            with self.aside():
                self.expression(parts[0])
                self._perhaps(parts[1:])

    def _on_conditional(self, node: ast.IfExp) -> None:
        self.expression(node.test)
        before = self.state.copy()
        self.expression(node.body)
        then, self.state = self.state, before
        self.expression(node.orelse)
        self.state = joined([then, self.state])

    def _on_lambda(self, node: ast.Lambda) -> None:
        # Whoever gets it may call it at once.
        function = self.function(node, "")
        self.lambdas.append(function)
        self.run(function)

    def _on_comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first = node.generators[0]
        self.expression(first.iter)
        outer = self.scope
        base = outer
        if outer.kind == "class":
            # What lies within a comprehension does not see the names of the class around it.
            base = outer.outer or outer
        with self.aside():
            self.scope = comprehension_scope(node.generators, base)
            for generator in node.generators:
                if generator is not first:
                    self.expression(generator.iter)
                self.target(generator.target)
                for condition in generator.ifs:
                    self.expression(condition)
            if isinstance(node, ast.DictComp):
                self.expression(node.key)
                self.expression(node.value)
            else:
                self.expression(node.elt)
            self.scope = outer

    def _on_call(self, node: ast.Call) -> None:
        self.call(node, used=True)

    def call(self, node: ast.Call, *, used: bool) -> None:
        """Walk over a call; `used` tells whether anything is done with its result."""
        magic = calls.magic(node)
        if magic is not None:
            self._magic(magic, node)
            return
        self.expression(node.func)
        for part in node.args:
            self.expression(part)
        for keyword in node.keywords:
            self.expression(keyword.value)
        name = calls.dotted(node.func)
        if isinstance(node.func, ast.Attribute):
            self.mutate(node.func, "method", by=name, used=used)
        for argument in [*node.args, *(each.value for each in node.keywords)]:
            inner = argument.value if isinstance(argument, ast.Starred) else argument
            if calls.root(inner) is not None:
                self.mutate(inner, "argument", by=name, used=used)
        self._special(node, name)
        if isinstance(node.func, ast.Name):
            self._bound_by_call(node.func.id)

    def _special(self, node: ast.Call, name: str) -> None:
        """Calls that mean more than they say."""
        if name in ("setattr", "delattr") and node.args:
            if calls.root(node.args[0]) is None:
                self.mark(name, node, binds=False)
            else:
                self.mutate(node.args[0], "attribute", by=name)
        if name in calls.NAMESPACES and name not in self.state.gone:
            if name != "vars" or not node.args:
                # Within a function, `locals` and `vars` give only what is local there.
                if name == "globals" or self.scope.kind == "cell":
                    self.mark(name, node)
            else:
                self.mutate(node.args[0], "attribute", by=name)
        texts, known = calls.texts(node)
        last = name.rpartition(".")[2]
        if name in calls.OPAQUE_NAMES or calls.is_shell(node.func):
            self.found.mentioned |= set().union(*(magic_text.words(text) for text in texts))
        if last in ("query", "eval") and (isinstance(node.func, ast.Attribute)):
            for each in sorted(set().union(*(magic_text.local_variables(text) for text in texts))):
                self.read(each)
            if not known:
                self.mark(last, node, binds=False)
        if last in calls.SQL_CALLS:
            self.found.quoted |= set().union(*(magic_text.sql_tables(text) for text in texts))

    def _bound_by_call(self, name: str) -> None:
        """What the one function that a name can mean binds on every path, is bound after its call."""
        if not self.scope.is_global(name) or name not in self.state.held:
            return
        known = self.state.functions.get(name, frozenset())
        if len(known) == 1:
            (function,) = known
            for each in function.surely if function.kind == "function" else ():
                self.state.bind(each)

    def _magic(self, magic: MagicLine, node: ast.Call) -> None:
        magic = replace(magic, line=self.line(node))
        self.found.magics[magic] = None
        self.read("get_ipython")
        name, text = magic.name, magic.text
        for part in node.args:
            self.expression(part)
        self.found.quoted |= magic_text.interpolated(text)
        if name in magic_text.RUNNERS:
            self._run_by_magic(magic, node)
        elif magic.body is not None and name in magic_text.FOREIGN:
            for each in calls.script_names(text):
                self.bind(each)
        elif name not in magic_text.HARMLESS and name not in ("!", "lf"):
            self.mark(f"%{name}", node)
            self.found.quoted |= magic_text.words(f"{text} {magic.body or ''}")

    def _run_by_magic(self, magic: MagicLine, node: ast.Call) -> None:
        """Code that a magic runs in the names of the cell; that of `timeit` has its own, as a function."""
        runner = magic_text.runner(magic.name, magic.text)
        for used in runner.uses:
            self.read(used.partition(".")[0])
        parts = [(runner.code, self.line(node) - 1), (magic.body or "", self.line(node))]
        statements: list[ast.stmt] = []
        for code, offset in parts:
            try:
                parsed = magic_text.parse(code)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.mark(f"%{magic.name}", node)
                continue
            statements.extend(ast.increment_lineno(each, offset - self.offset) for each in parsed.body)
        if magic.name in magic_text.LOCAL_RUNNERS:
            inner = self.within(body_scope(statements, self.scope), State())
            inner.body(statements)
            self.run(names_of(inner, "", self.line(node)))
            self.found.magics.update(inner.found.magics)
        else:
            self.body(statements)
        for name in runner.binds:
            self.bind(name)

    def type_parameters(self, node: ast.AST) -> None:
        """Walk over the bounds and defaults of type parameters."""
        for parameter in getattr(node, "type_params", ()):
            self.children(parameter)

    def function(self, node: Function, name: str) -> FunctionNames:
        """A function: what is evaluated where it stands is walked over, what it uses later is returned."""
        outer, self.scope = self.scope, type_parameter_scope(node, self.scope)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.expression(default)
        if not isinstance(node, ast.Lambda):
            for annotation in every_annotation(node):
                self.expression(annotation)
        self.type_parameters(node)
        arguments = frozenset(each.arg for each in every_argument(node.args))
        inner = self.within(function_scope(node, self.scope), State(), arguments)
        self.scope = outer
        if isinstance(node, ast.Lambda):
            inner.expression(node.body)
        else:
            inner.body(node.body)
        found = names_of(inner, name, self.line(node))
        if isinstance(node, ast.AsyncFunctionDef) or calls.is_generator(node):
            found = replace(found, surely=NO_NAMES, makes=True)
        self.found.nested = True
        if self.scope.kind == "class":
            self.methods.append(found)
        if self.scope.kind == "function":
            # Nothing follows calls within a function: what is defined there counts as called.
            self.run(found)
        return found


def names_of(walk: NameWalk, name: str, line: int) -> FunctionNames:
    """What a walk over the body of a function has found."""
    found = walk.found
    end = joined([walk.state, *walk.returns])
    return FunctionNames(
        name,
        reads=frozenset(found.reads | found.needs),
        writes=frozenset(found.writes),
        surely=frozenset(end.held & found.writes),
        deletes=frozenset(found.deleted),
        mutations=tuple(found.mutations),
        quoted=frozenset(found.quoted | (found.mentioned - found.reads - found.writes - found.deleted)),
        makes=found.nested,
        changes_arguments=found.changes_arguments,
        opaque=tuple(found.opaque),
        line=line,
    )


_EXPRESSIONS: dict[str, Callable[[Any, Any], None]] = {
    "Name": ExpressionWalk._on_name,
    "Attribute": ExpressionWalk._on_attribute,
    "NamedExpr": ExpressionWalk._on_walrus,
    "BoolOp": ExpressionWalk._on_bool,
    "Compare": ExpressionWalk._on_compare,
    "IfExp": ExpressionWalk._on_conditional,
    "Lambda": ExpressionWalk._on_lambda,
    "Call": ExpressionWalk._on_call,
    **{each.__name__: ExpressionWalk._on_comprehension for each in COMPREHENSIONS},
}
