"""Which columns a function of one row or one frame reads, told from its code without running it."""

from __future__ import annotations

import dis
import inspect
import types
from collections.abc import Iterable
from typing import Any

_ODD = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR | inspect.CO_COROUTINE


def reads(function: Any, columns: Iterable[str]) -> frozenset[str] | None:
    """Columns that a function of one argument reads of it, or None where it does anything else with it.

    Examples
    --------
    >>> sorted(reads(lambda row: row["a"] + row.b, ["a", "b", "c"]))
    ['a', 'b']
    >>> reads(lambda row: sum(row), ["a", "b"]) is None
    True
    """
    code = getattr(function, "__code__", None)
    if (
        not isinstance(code, types.CodeType) or code.co_argcount != 1 or code.co_flags & 0x2C
    ):  # *args, **kwargs, generators
        return None
    known, found, argument = set(columns), set(), code.co_varnames[0]
    if argument in code.co_cellvars or sees_frames(function):
        return None
    steps = [one for one in dis.get_instructions(code) if one.opname not in ("CACHE", "EXTENDED_ARG", "RESUME")]
    for place, step in enumerate(steps):
        held = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        if "FAST" not in step.opname or argument not in held:
            continue
        column = _read_next(steps, place, argument)
        if column is None or column not in known:
            return None
        found.add(column)
    return frozenset(found)


def _read_next(steps: list[dis.Instruction], place: int, argument: str) -> str | None:
    """Column that is read of what the instruction at `place` loads, if that is what happens."""
    if not steps[place].opname.startswith("LOAD_FAST") or steps[place].argval != argument or place + 2 >= len(steps):
        return None
    following, after = steps[place + 1], steps[place + 2]
    if following.opname in ("LOAD_ATTR", "LOAD_METHOD"):
        return following.argval if isinstance(following.argval, str) else None
    subscript = after.opname == "BINARY_SUBSCR" or (after.opname == "BINARY_OP" and after.argrepr == "[]")
    if following.opname == "LOAD_CONST" and isinstance(following.argval, str) and subscript:
        return following.argval
    return None


def sees_frames(func: Any) -> bool:
    """Whether a function can reach frames besides its arguments: by its closure, or by names of its module."""
    code = getattr(func, "__code__", None)
    if code is None:
        return False
    cells = [cell.cell_contents for cell in func.__closure__ or () if _filled(cell)]
    names = [func.__globals__[name] for name in code.co_names if name in func.__globals__]
    return any(hasattr(thing, "_mgr") for thing in (*cells, *names)) or any(
        isinstance(constant, types.CodeType) for constant in code.co_consts
    )


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asked whether it is there
    except ValueError:
        return False
    return True
