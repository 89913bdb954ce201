"""How calls are noticed: the code of a function is exchanged, and nothing else of it.

A function object stays what it is, so that every reference to it is covered: those of classes, of modules, and names
that were imported before. The exchanged code is one frame that says it is in the function's own file: pandas counts
frames in its own folder when it warns (``docs/decisions/010-recording-operations.md``).
"""

from __future__ import annotations

import dis
import inspect
import sys
import types
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from lineageflow_jupyter.lineage.operations_levels import cells_of_one_more, counting_one_more

CURRENT: ContextVar[Any] = ContextVar("lineageflow_recording", default=None)
"""What records the calls of this context: a `Run`, or None."""

_PARTS = "lineageflow:parts"
_NO_COLUMNS = 13
"""How a table of lines says: so many instructions in one line, columns unknown."""


class Run(Protocol):
    """What a hook needs of a recording."""

    busy: bool


class Watch(Protocol):
    """Who is told of calls of one function."""

    def before(self, run: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a note on the call, or None where it is of no interest."""

    def after(self, note: Any, result: Any) -> None:
        """Take the result. Never raises."""

    def failed(self, note: Any) -> None:
        """Learn that the call raised. Never raises."""


# Each template becomes the code of many functions: one constant of it is replaced for each. They must neither name
# globals (they would be looked up in pandas' modules) nor call each other: one frame is all that may be added.


def _plain(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "lineageflow:parts"
    current, original, before, after, failed = parts
    run = current()
    if run is None or run.busy:
        return original(*args, **kwargs)
    __tracebackhide__ = True
    note = before(run, args, kwargs)
    if note is None:
        return original(*args, **kwargs)
    try:
        result = original(*args, **kwargs)
    except:
        failed(note)
        raise
    after(note, result)
    return result


def _levelled(*args: Any, **kwargs: Any) -> Any:
    """For ``query`` and ``eval``: they look for the caller's variables so many frames up, and here is one more."""
    parts: Any = "lineageflow:parts"
    current, original, before, after, failed = parts
    run = current()
    note = None if run is None or run.busy else before(run, args, kwargs)
    kwargs["level"] = kwargs.get("level", 0) + 1
    if note is None:
        return original(*args, **kwargs)
    __tracebackhide__ = True
    try:
        result = original(*args, **kwargs)
    except:
        failed(note)
        raise
    after(note, result)
    return result


def _in_place(self: Any, *args: Any, **kwargs: Any) -> Any:
    """For methods that may work in place: pandas warns if nobody else holds `self`, and this frame would hold it."""
    parts: Any = "lineageflow:parts"
    current, original, before, after, failed, in_place, references, chained = parts
    if in_place(kwargs):
        count = references(self)  # before anything else is called with it
        chained(self, count)
    run = current()
    if run is None or run.busy:
        return original(self, *args, **kwargs)
    __tracebackhide__ = True
    note = before(run, (self, *args), kwargs)
    if note is None:
        return original(self, *args, **kwargs)
    try:
        result = original(self, *args, **kwargs)
    except:
        failed(note)
        raise
    after(note, result)
    return result


class Hook:
    """The exchanged code of one function.

    Parameters
    ----------
    function : FunctionType
        The function; a method's is the one in the class.
    watch : Watch
        Who is told.
    """

    __slots__ = ("_attributes", "_code", "_function", "_original", "_put")

    def __init__(self, function: types.FunctionType, watch: Watch, *, levelled: bool = False) -> None:
        self._function, self._original = function, function.__code__
        self._attributes = dict(function.__dict__)
        shadow = copied(function)
        extra: tuple[Any, ...] = ()
        template = _levelled if levelled else _plain
        chained = _chained_warning(function)
        if chained is not None:
            template = _in_place
            extra = (_always if function.__name__ == "update" else _asked_in_place, sys.getrefcount, chained)
        parts = (CURRENT.get, shadow, watch.before, watch.after, watch.failed, *extra)
        self._put = _code_like(function.__code__, template.__code__, parts)
        # What reads a signature or the source follows this.
        if "__wrapped__" not in self._attributes:
            # pandas itself asks for the arguments of a function without following it: `frame.apply("any", axis=1)`.
            function.__signature__ = inspect.signature(shadow)  # type: ignore[attr-defined]
        function.__wrapped__ = shadow  # type: ignore[attr-defined]
        function.__code__ = self._put

    def undo(self) -> None:
        """Give the function its code back, unless somebody else has exchanged it since."""
        if self._function.__code__ is not self._put:
            return
        self._function.__code__ = self._original
        for name in ("__wrapped__", "__signature__"):
            self._function.__dict__.pop(name, None)
            if name in self._attributes:
                self._function.__dict__[name] = self._attributes[name]


class AttributeHook:
    """An exchanged attribute of a class, for ``__init__``: an interpreter may remember its code with the class.

    Parameters
    ----------
    cls : type
        The class in whose own dictionary the method is.
    name : str
        Its name.
    watch : Watch
        Who is told.
    """

    __slots__ = ("_cls", "_function", "_name", "_put")

    def __init__(self, cls: type, name: str, watch: Watch) -> None:
        self._cls, self._name, self._function = cls, name, cls.__dict__[name]
        self._put = copied(self._function)
        parts = (CURRENT.get, copied(self._function), watch.before, watch.after, watch.failed)
        self._put.__code__ = _code_like(self._function.__code__, _plain.__code__, parts)
        self._put.__wrapped__ = self._function  # type: ignore[attr-defined]
        setattr(cls, name, self._put)

    def undo(self) -> None:
        """Put the method back, unless somebody else has put another there since."""
        if self._cls.__dict__.get(self._name) is self._put:
            setattr(self._cls, self._name, self._function)


def is_hooked(function: types.FunctionType) -> bool:
    """Whether calls of the function are noticed already, by whomever."""
    return any(isinstance(constant, tuple) and CURRENT.get in constant[:1] for constant in function.__code__.co_consts)


def copied(function: types.FunctionType) -> types.FunctionType:
    """Return a function that does the same with the code as it is now, called through one frame more."""
    code, cells = counting_one_more(function.__code__), cells_of_one_more(function)
    shadow = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, cells)
    shadow.__kwdefaults__ = function.__kwdefaults__
    shadow.__qualname__, shadow.__module__, shadow.__doc__ = (
        function.__qualname__,
        function.__module__,
        function.__doc__,
    )
    shadow.__annotations__ = function.__annotations__
    shadow.__dict__.update(function.__dict__)
    return shadow


def _code_like(code: types.CodeType, template: types.CodeType, parts: tuple[Any, ...]) -> types.CodeType:
    """Code of the template that looks, to tracebacks and to who counts frames, like the first line of the function."""
    body, handlers = template.co_code, template.co_exceptiontable
    if code.co_freevars:
        # A function's cells must go with its code, and code that has cells must take them first.
        body = bytes((dis.opmap["COPY_FREE_VARS"], len(code.co_freevars))) + body
        handlers = _one_later(handlers)
    return template.replace(
        co_code=body,
        co_exceptiontable=handlers,
        co_consts=tuple(parts if constant == _PARTS else constant for constant in template.co_consts),
        co_freevars=code.co_freevars,
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
        co_linetable=_one_line(len(body) // 2),
    )


def _one_later(table: bytes) -> bytes:
    """Table of exception handlers of code that begins one unit later.

    An entry is four numbers (where it starts, how long it is, where its handler is, how deep the stack), in pieces of
    six bits; bit 6 says that another piece follows, bit 7 that an entry begins.
    """
    numbers: list[int] = []
    number = 0
    for byte in table:
        number = number << 6 | byte & 0x3F
        if not byte & 0x40:
            numbers.append(number)
            number = 0
    made = bytearray()
    for place, found in enumerate(numbers):
        moved = found + (place % 4 in (0, 2))
        pieces = [moved & 0x3F]
        while moved := moved >> 6:
            pieces.append(moved & 0x3F | 0x40)
        pieces.reverse()
        pieces[0] |= 0x80 if place % 4 == 0 else 0
        made += bytes(pieces)
    return bytes(made)


def _one_line(units: int) -> bytes:
    """Table of lines that puts so many units of code into the first line."""
    lengths = [8] * (units // 8) + ([units % 8] if units % 8 else [])
    return bytes(part for length in lengths for part in (0x80 | _NO_COLUMNS << 3 | (length - 1), 0))


def _always(_: dict[str, Any]) -> bool:
    return True


def _asked_in_place(kwargs: dict[str, Any]) -> bool:
    return kwargs.get("inplace") is True


def _chained_warning(function: types.FunctionType) -> Callable[[Any, int], None] | None:
    """What does pandas' own check for edits of temporaries, where the function makes one; else None."""
    names, found = function.__code__.co_names, function.__globals__
    if "getrefcount" not in names or function.__name__.startswith("__"):
        return None
    old = found.get("_chained_assignment_warning_method_msg") if "_check_cacher" in names else None
    limit = found.get("REF_COUNT_METHOD", found.get("REF_COUNT", 2))
    message = found.get("_chained_assignment_method_msg")
    if function.__name__ == "update":
        message = found.get("_chained_assignment_method_update_msg", message)
    category = found.get("ChainedAssignmentError", Warning)
    disabled = found.get("CHAINED_WARNING_DISABLED", False)
    by_copy = found.get("using_copy_on_write")  # only in pandas 2

    def check(self: Any, count: int) -> None:
        import warnings

        if disabled:
            return
        allowed = limit
        if by_copy is not None and not by_copy():
            view = getattr(self, "_is_view_after_cow_rules", None)
            if old is None or view is None or not view():
                return
            cacher = found.get("_check_cacher")
            if getattr(self, "ndim", 0) == 1 and cacher is not None and cacher(self):
                allowed += 1
            if count <= allowed:
                warnings.warn(old, FutureWarning, stacklevel=3)
            return
        # As pandas: a local variable of the caller is no temporary, even where the interpreter only lends it.
        caller = sys._getframe(2)
        if count <= allowed and not any(value is self for value in caller.f_locals.values()):
            warnings.warn(message or "", category, stacklevel=3)

    return check
