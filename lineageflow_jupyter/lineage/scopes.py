"""Which names are local to a function or class: Python's rules of scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up.

    Parameters
    ----------
    kind : str
        ``"cell"``, ``"function"`` (comprehensions and type parameters too), or ``"class"``.
    local : frozenset of str
        Names of its own.
    declared_global : frozenset of str
        Names that it declares ``global``.
    outer : Scope or None
        The scope around it.
    """

    kind: str = "cell"
    local: frozenset[str] = frozenset()
    declared_global: frozenset[str] = frozenset()
    outer: Scope | None = None

    def is_global(self, name: str) -> bool:
        """Whether a name means that of the cell; in a class body it may, even if the class has one of its own."""
        if self.kind == "cell" or name in self.declared_global:
            return True
        if name in self.local:
            return False
        scope = self.outer
        while scope is not None and (scope.kind == "class" or name not in scope.local):
            if scope.kind == "function" and name in scope.declared_global:
                return True
            scope = scope.outer
        return scope is None


def function_scope(node: Function, outer: Scope) -> Scope:
    """The scope of a function's body."""
    arguments = {each.arg for each in every_argument(node.args)}
    body: Iterable[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else node.body
    return _scope("function", body, outer, arguments)


def body_scope(statements: list[ast.stmt], outer: Scope) -> Scope:
    """The scope of statements that are run as the body of a function."""
    return _scope("function", statements, outer, set())


def class_scope(node: ast.ClassDef, outer: Scope) -> Scope:
    """The scope of a class body."""
    return _scope("class", node.body, outer, set())


def comprehension_scope(generators: list[ast.comprehension], outer: Scope) -> Scope:
    """The scope within a comprehension: its targets alone, since ``:=`` binds outside."""
    names = {name for each in generators for name in _bound_by(each.target)}
    return Scope("function", frozenset(names), outer=outer)


def type_parameter_scope(node: ast.AST, outer: Scope) -> Scope:
    """The scope around what has type parameters (Python 3.12); the outer one where it has none."""
    parameters = getattr(node, "type_params", ())
    return Scope("function", frozenset(each.name for each in parameters), outer=outer) if parameters else outer


def every_argument(arguments: ast.arguments) -> Iterator[ast.arg]:
    """All parameters of a function."""
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)


def _scope(kind: str, body: Iterable[ast.AST], outer: Scope, names: set[str]) -> Scope:
    bound, declared, elsewhere = set(names), set(), set()
    for node in body:
        for each in _within(node):
            if isinstance(each, ast.Global):
                declared.update(each.names)
            elif isinstance(each, ast.Nonlocal):
                elsewhere.update(each.names)
            else:
                bound.update(_own_names(each))
    return Scope(kind, frozenset(bound - declared - elsewhere), frozenset(declared), outer)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what lies in the same scope."""
    yield node
    if isinstance(node, SCOPES):
        inner = list(_evaluated_outside(node))
    elif isinstance(node, COMPREHENSIONS):
        # A walrus within binds here; targets do not.
        parts = [each for generator in node.generators for each in (generator.iter, *generator.ifs)]
        inner = [*parts, *(each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.comprehension))]
    elif type(node).__name__ == "TypeAlias":
        inner = []
    else:
        inner = list(ast.iter_child_nodes(node))
    for child in inner:
        yield from _within(child)


def _evaluated_outside(node: ast.AST) -> Iterator[ast.AST]:
    """Parts of a definition that are evaluated where it stands."""
    if isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *node.keywords)
    elif isinstance(node, Function):
        yield from (each for each in (*node.args.defaults, *node.args.kw_defaults) if each is not None)
        if not isinstance(node, ast.Lambda):
            yield from node.decorator_list
            yield from every_annotation(node)


def every_annotation(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """Annotations of a function's parameters and result."""
    found = [*(each.annotation for each in every_argument(node.args)), node.returns]
    return (each for each in found if each is not None)


def _own_names(node: ast.AST) -> Iterable[str]:
    """Names that a node binds by itself, its children aside."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Import(names=names):
            return [each.asname or each.name.partition(".")[0] for each in names]
        case ast.ImportFrom(names=names):
            return [each.asname or each.name for each in names if each.name != "*"]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case ast.MatchMapping(rest=str(name)):
            return (name,)
    if type(node).__name__ == "TypeAlias":
        return (node.name.id,)  # type: ignore[attr-defined]  # only Python 3.12 knows it
    return ()


def _bound_by(target: ast.AST) -> Iterator[str]:
    return (each.id for each in ast.walk(target) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
