"""Which frames a variable holds: itself, or in a dict, list, tuple or attribute, one level deep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

ITEMS = 100
"""Containers with more items are not looked into: they would cost time after every cell that names them."""
_OPAQUE = (ModuleType, FunctionType, BuiltinFunctionType, MethodType)
IsFrame = Callable[[Any], bool]


def held_frames(name: str, value: Any, is_frame: IsFrame) -> Iterator[tuple[str, Any]]:
    """Yield the frames that a variable holds, each with the expression that gives it.

    Parameters
    ----------
    name : str
        The variable.
    value : object
        Its value. Nothing of it is called: no properties, no ``__getitem__`` of classes of their own.
    is_frame : callable
        Tells frames from other values.

    Examples
    --------
    >>> list(held_frames("months", {"jan": 1, "feb": "x"}, lambda value: value == 1))
    [("months['jan']", 1)]
    """
    if is_frame(value):
        yield name, value
        return
    kind = type(value)
    if kind is dict and len(value) <= ITEMS:
        items = [(f"[{key!r}]", item) for key, item in list(value.items()) if type(key) in (str, int)]
    elif kind in (list, tuple) and len(value) <= ITEMS:
        items = [(f"[{place}]", item) for place, item in enumerate(list(value))]
    elif issubclass(kind, type):
        # As with instances: how the class of a class looks its attributes up is not asked.
        stored = list(type.__dict__["__dict__"].__get__(value).items())
        items = [(f".{key}", item) for key, item in stored] if len(stored) <= ITEMS else []
    elif issubclass(kind, _OPAQUE):
        return
    else:
        items = [(f".{key}", item) for key, item in _attributes(value) if isinstance(key, str)]
    for suffix, item in items:
        if is_frame(item):
            yield f"{name}{suffix}", item


def _attributes(value: Any) -> list[tuple[Any, Any]]:
    """Attributes of an instance, as they are stored; reading them runs no code."""
    try:
        stored = object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return []
    return list(stored.items()) if type(stored) is dict and len(stored) <= ITEMS else []
