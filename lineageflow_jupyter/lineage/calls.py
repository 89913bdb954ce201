"""What single expressions say: what stands at their root, whether they are always true, what their calls mean."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from lineageflow_jupyter.lineage.names import MagicLine, Names
from lineageflow_jupyter.lineage.scopes import SCOPES, Function, Scope

OPAQUE_NAMES = frozenset({"exec", "eval", "compile", "execfile", "__import__", "__builtins__", "importlib", "runpy"})
"""Names that lead to code, or to names, which the text does not show."""

NAMESPACES = frozenset({"globals", "locals", "vars"})
"""Builtins that give names as a dict."""

SQL_CALLS = frozenset({"sql", "query", "execute", "sqldf", "from_query", "query_df", "sql_query", "read_sql"})
"""Functions of which some look up the tables of a statement among the caller's variables, as DuckDB and polars do."""

_SHELL_CODE = frozenset(
    {"run_cell", "run_cell_async", "run_code", "ex", "ev", "safe_execfile", "run_ast_nodes", "magic"}
)
_SHELL_NAMES = frozenset({"user_ns", "user_global_ns", "user_module", "push", "reset", "del_var", "drop_by_id"})
_SHELL_VARIABLE = frozenset({"ip", "shell", "ipython", "_ip"})


def root(node: ast.expr) -> str | None:
    """Name at the root of ``x.a[0].b``; None where there is none.

    Examples
    --------
    >>> root(ast.parse("x.a[0].b", mode="eval").body)
    'x'
    """
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # `x.groupby(…).apply(…)`, `x.append(1)`: what a method returns may be x itself, or a view of it.
            node = node.func.value
        else:
            return None
    return node.id


def dotted(node: ast.expr) -> str:
    """``x.a.b`` as text; what is neither a name nor an attribute is left out.

    Examples
    --------
    >>> dotted(ast.parse("x.a[0].b", mode="eval").body)
    'x.a.b'
    """
    parts: list[str] = []
    while True:
        match node:
            case ast.Name(id=name):
                return ".".join([name, *reversed(parts)])
            case ast.Attribute(value=value, attr=attribute):
                parts.append(attribute)
                node = value
            case ast.Subscript(value=value) | ast.Call(func=value) | ast.Await(value=value):
                node = value
            case _:
                return ".".join(reversed(parts))


def truth(node: ast.expr) -> bool | None:
    """Whether a condition always or never holds, by its text; None: it depends."""
    match node:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand)
            return None if inner is None else not inner
    return None


def never_empty(node: ast.expr) -> bool:
    """Whether a loop over this certainly has a first round."""
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(not isinstance(part, ast.Starred) for part in parts)
        case ast.Constant(value=str(text) | bytes(text)):
            return len(text) > 0
        case ast.Dict(keys=keys):
            return any(key is not None for key in keys)
    return False


def swallows(context: ast.expr) -> bool:
    """Whether a ``with`` over this is known to go on after an exception within."""
    return isinstance(context, ast.Call) and dotted(context.func).rpartition(".")[2] in ("suppress", "raises")


def irrefutable(case: ast.match_case) -> bool:
    """Whether a case of ``match`` takes whatever comes."""

    def takes_all(pattern: ast.pattern) -> bool:
        match pattern:
            case ast.MatchAs(pattern=None):
                return True
            case ast.MatchAs(pattern=ast.pattern() as inner):
                return takes_all(inner)
            case ast.MatchOr(patterns=patterns):
                return any(takes_all(each) for each in patterns)
        return False

    return (case.guard is None or truth(case.guard) is True) and takes_all(case.pattern)


def is_generator(node: Function) -> bool:
    """Whether calling a function does not run its body at once."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for part in body for each in _same_function(part))


def _same_function(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _same_function(child)


def names_of_value(node: ast.expr, scope: Scope) -> tuple[Names, Names]:
    """Global names in an expression, lambdas aside, and those of them that occur only as what is called."""
    called: set[str] = set()
    other: set[str] = set()

    def collect(each: ast.AST) -> None:
        if isinstance(each, ast.Lambda):
            return
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            called.add(each.func.id)
            for part in (*each.args, *each.keywords):
                collect(part)
            return
        if isinstance(each, ast.Name):
            other.add(each.id)
        for child in ast.iter_child_nodes(each):
            collect(child)

    collect(node)
    names = frozenset(name for name in called | other if scope.is_global(name))
    return names, names - other


def texts(node: ast.Call) -> tuple[list[str], bool]:
    """Texts among the arguments, those of f-strings too, and whether the first argument is known in full."""
    arguments = [*node.args, *(each.value for each in node.keywords)]
    found = [
        part.value
        for argument in arguments
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    first = arguments[0] if arguments else None
    return found, first is None or isinstance(first, ast.Constant)


def is_shell(node: ast.expr) -> bool:
    """Whether an expression is IPython's shell, or an attribute of it."""
    while isinstance(node, ast.Attribute):
        node = node.value
    match node:
        case ast.Call(func=ast.Name(id="get_ipython")):
            return True
        case ast.Name(id=name):
            return name in _SHELL_VARIABLE
    return False


def opaque_attribute(node: ast.Attribute) -> str:
    """What cannot be told because of an attribute; ``""``: nothing."""
    if is_shell(node.value) and node.attr in _SHELL_CODE | _SHELL_NAMES:
        return node.attr
    match node:
        case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in OPAQUE_NAMES | NAMESPACES:
            return name
        case ast.Attribute(value=ast.Name(id="sys"), attr="modules" | "_getframe"):
            return f"sys.{node.attr}"
        case ast.Attribute(attr="__globals__" | "f_globals" | "f_locals" | "currentframe"):
            return node.attr
    return ""


def magic(node: ast.Call) -> MagicLine | None:
    """The magic or system command that a call stands for; None for any other call, and where its text is computed."""
    if not isinstance(node.func, ast.Attribute) or not is_shell(node.func.value):
        return None
    match node.func.attr, [each.value if isinstance(each, ast.Constant) else None for each in node.args]:
        case "run_line_magic", [str(name), str(text), *_]:
            return MagicLine(name.lstrip("%"), text, node.lineno)
        case "run_cell_magic", [str(name), str(text), str(body)]:
            return MagicLine(name.lstrip("%"), text, node.lineno, body)
        case (("system" | "getoutput" | "system_raw" | "system_piped"), [str(text), *_]):
            return MagicLine("!", text, node.lineno)
        case (("run_line_magic" | "run_cell_magic"), _):
            return MagicLine("?", "", node.lineno)
    return None


_SCRIPT_NAMES = re.compile(r"--(?:out|err|proc)[= ]\s*([^\W\d]\w*)")


def script_names(line: str) -> list[str]:
    """Names that a magic such as ``%%bash --out listing`` binds."""
    return _SCRIPT_NAMES.findall(line)
