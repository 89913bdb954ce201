"""Programs put together at random: every kind of statement and scope, over few names, so that they meet."""

from __future__ import annotations

import ast

from hypothesis import strategies as st

NAMES = st.sampled_from("abcdxyz")


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2, walrus: bool = True, functions: bool = True) -> str:
    kinds = ["name", "name", "number"]
    if depth:
        kinds += ["sum", "call", "if", "and", "compare"]
        kinds += ["walrus"] if walrus else []
        kinds += ["list", "nested", "lambda"] if functions else []
    inner = expressions(depth - 1, walrus, functions) if depth else st.nothing()
    loop = expressions(depth - 1, False, functions) if depth else st.nothing()
    name = draw(NAMES)
    match draw(st.sampled_from(kinds)):
        case "name":
            return name
        case "number":
            return str(draw(st.integers(0, 2)))
        case "sum":
            return f"({draw(inner)} + {draw(inner)})"
        case "call":
            return f"f({draw(inner)})"
        case "if":
            return f"({draw(inner)} if {draw(inner)} else {draw(inner)})"
        case "and":
            return f"({draw(inner)} {draw(st.sampled_from(['and', 'or']))} {draw(inner)})"
        case "compare":
            return f"({draw(inner)} < {draw(inner)} < {draw(inner)})"
        case "walrus":
            return f"({name} := {draw(inner)})"
        case "list":
            return f"[{draw(loop)} for {name} in [{draw(loop)}] if {draw(loop)}]"
        case "nested":
            return f"{{{draw(loop)}: {draw(NAMES)} for {name} in ({draw(loop)},) for {draw(NAMES)} in [{name}]}}"
        case _:
            return f"(lambda {name}={draw(loop)}: {draw(loop)})()"


@st.composite
def blocks(draw: st.DrawFn, depth: int, functions: bool, loop: bool = False, function: bool = False) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(statements(depth, functions, loop, function))
    return lines


@st.composite
def statements(draw: st.DrawFn, depth: int, functions: bool, loop: bool, function: bool) -> list[str]:
    kinds = ["assign", "assign", "two", "read", "augmented", "delete", "import", "raise", "assert"]
    kinds += ["break", "continue"] if loop else []
    kinds += ["return"] if function else []
    if depth:
        kinds += ["if", "else", "for", "while", "try", "finally", "with", "match", "class"]
        kinds += ["def", "global"] if functions else []
    name, value = draw(NAMES), draw(expressions(functions=functions))
    block = blocks(depth - 1, functions, loop, function) if depth else st.nothing()
    looped = blocks(depth - 1, functions, True, function) if depth else st.nothing()

    def indented(inner: st.SearchStrategy[list[str]]) -> list[str]:
        return [f"    {line}" for line in draw(inner)]

    match draw(st.sampled_from(kinds)):
        case "assign":
            return [f"{name} = {value}"]
        case "two":
            return [f"{name}, {draw(NAMES)} = {value}, {draw(NAMES)}"]
        case "read":
            return [value]
        case "augmented":
            return [f"{name} += {value}"]
        case "delete":
            return [f"del {name}"]
        case "import":
            return [f"import math as {name}"]
        case "raise":
            return [f"if {value}: raise A({name})"]
        case "assert":
            return [f"assert {value}, {name}"]
        case "break" | "continue" as word:
            return [f"if {value}: {word}"]
        case "return":
            return [f"if {name}: return {value}"]
        case "if":
            return [f"if {value}:", *indented(block)]
        case "else":
            return [f"if {value}:", *indented(block), "else:", *indented(block)]
        case "for":
            rest = ["else:", *indented(block)] if draw(st.booleans()) else []
            over = draw(st.sampled_from([f"[{value}]", f"range({value})", "()"]))
            return [f"for {name} in {over}:", *indented(looped), *rest]
        case "while":
            # What is called counts its calls, so that no loop goes on for ever.
            return [f"while f({value}):", *indented(looped)]
        case "try":
            rest = ["else:", *indented(block)] if draw(st.booleans()) else []
            return ["try:", *indented(block), f"except Exception as {name}:", *indented(block), *rest]
        case "finally":
            return ["try:", *indented(block), "finally:", *indented(block)]
        case "with":
            return [f"import contextlib as {name}", f"with {name}.suppress(Exception):", *indented(block)]
        case "match":
            guard = f" if {draw(NAMES)}" if draw(st.booleans()) else ""
            return [
                f"match ({value}, {name}):",
                f"    case (0 | 1, {draw(NAMES)}){guard}:",
                *[f"    {line}" for line in indented(block)],
                f"    case {draw(st.sampled_from(['_', *'abc', '[*x]', '(1, y)']))}:",
                *[f"    {line}" for line in indented(block)],
            ]
        case "class":
            return ["class A(Exception):", *indented(blocks(depth - 1, functions)), "A"]
        case "def":
            head = draw(st.sampled_from([f"def f({name}):", "def g():", f"def f(*{name}, b={value}):"]))
            # Used at once: what a function reads that is never used does not count.
            return [head, *indented(blocks(depth - 1, functions, function=True)), head[4]]
        case _:
            body = indented(blocks(depth - 1, functions, function=True))
            return ["def g():", f"    global {name}", *body, "g"]


@st.composite
def programs(draw: st.DrawFn, functions: bool = True) -> str:
    """Code that compiles; whether it runs to its end is another question."""
    code = "\n".join(draw(blocks(2, functions).filter(_compiles)))
    return code


def _compiles(lines: list[str]) -> bool:
    """Rules beyond the grammar, such as a name used before its ``global``, are left to the compiler."""
    code = "\n".join(lines)
    try:
        compile(ast.parse(code), "cell", "exec")
    except SyntaxError:
        return False
    return True
