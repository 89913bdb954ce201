"""Code that warns about its caller by a fixed number of frames, made to count one more.

``warnings.warn(…, stacklevel=2)`` in a function whose calls are noticed would be about the one frame that noticing
adds, in a file of pandas, and Python hides deprecations that are not about the notebook.
"""

from __future__ import annotations

import dis
import types
from itertools import pairwise

_LOADS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_LARGEST = 0xFF
"""The largest argument of an instruction that no other extends."""


class OneDeeper:
    """The exchanged code of a function that those whose calls are noticed call, to warn about their caller.

    Parameters
    ----------
    function : FunctionType
        The function.
    """

    __slots__ = ("_function", "_original", "_put")

    def __init__(self, function: types.FunctionType) -> None:
        self._function, self._original = function, function.__code__
        self._put = counting_one_more(function.__code__)
        function.__code__ = self._put

    def undo(self) -> None:
        """Give the function its code back, unless somebody else has exchanged it since."""
        if self._function.__code__ is self._put:
            self._function.__code__ = self._original


def counting_one_more(code: types.CodeType) -> types.CodeType:
    """Return code in which each ``stacklevel`` of 2 or more is one more; the code itself where it has none.

    A level of 1 is about the function itself, and stays.

    Parameters
    ----------
    code : CodeType
        Code of a function. What is defined within it is left alone: it counts other frames.

    Raises
    ------
    ValueError
        If a level cannot be told from the instructions.

    Examples
    --------
    >>> import warnings
    >>> def old():
    ...     warnings.warn("old", DeprecationWarning, stacklevel=2)
    >>> [constant for constant in counting_one_more(old.__code__).co_consts if isinstance(constant, int)]
    [2, 3]
    """
    changes = _levels(code)
    if not changes:
        return code
    body, constants = bytearray(code.co_code), list(code.co_consts)
    for instruction in changes:
        level = _level(instruction) + 1
        argument = level if instruction.opname == "LOAD_SMALL_INT" else _place(constants, level)
        if argument > _LARGEST:
            raise ValueError(f"{code.co_name} has too many constants")
        body[instruction.offset + 1] = argument
        # A load with a larger argument has a prefix for its upper digits, of which none is left.
        if instruction.arg is not None and instruction.arg > _LARGEST:
            body[instruction.offset - 1] = 0
    return code.replace(co_code=bytes(body), co_consts=tuple(constants))


def cells_of_one_more(function: types.FunctionType) -> tuple[types.CellType, ...] | None:
    """Variables of an enclosing function, for a copy: where one is the level of a decorator's warning, one more."""
    return function.__closure__ and tuple(
        types.CellType(cell.cell_contents + 1) if name == "stacklevel" and cell.cell_contents >= 2 else cell
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True)
    )


def _levels(code: types.CodeType) -> list[dis.Instruction]:
    """Instructions that load a level of 2 or more, in front of the names of a call's arguments."""
    instructions = [each for each in dis.get_instructions(code) if each.opname != "EXTENDED_ARG"]
    return [
        value
        for value, names in pairwise(instructions)
        if _names(code, names)[-1:] == ("stacklevel",)
        and value.opname in _LOADS
        and isinstance(value.argval, int)
        and value.argval >= 2
    ]


def _names(code: types.CodeType, instruction: dis.Instruction) -> tuple[object, ...]:
    """Names of arguments that an instruction sets for the next call; ``()`` of any other."""
    if instruction.opname not in ("KW_NAMES", "LOAD_CONST") or instruction.arg is None:  # the latter from 3.13 on
        return ()
    constant = code.co_consts[instruction.arg]
    return constant if isinstance(constant, tuple) else ()


def _level(instruction: dis.Instruction) -> int:
    return int(instruction.argval)


def _place(constants: list[object], level: int) -> int:
    constants.append(level)
    return len(constants) - 1
