"""Parameters of a model as short text: those that are not as its class has them first."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.lineage.operations_text import argument, cut
from lineageflow_jupyter.lineage.redaction import HIDDEN, is_secret_name

_WHOLE = 400
"""Characters of all of them: a pipeline's last step is the model."""
_DEEPEST = 8
_STEPS = 20
_PLAIN = (bool, int, float, complex, str, bytes, type(None))

_defaults: weakref.WeakKeyDictionary[type, Mapping[str, Any]] = weakref.WeakKeyDictionary()
"""By class: signatures take long to read."""


def parameters_of(model: Any) -> str:
    """Parameters of a model that has `get_params`, as scikit-learn's have; ``""`` of any other.

    Examples
    --------
    >>> class Model:
    ...     def __init__(self, alpha=1.0, depth=3):
    ...         self.alpha, self.depth = alpha, depth
    ...     def get_params(self, deep=True):
    ...         return {"alpha": self.alpha, "depth": self.depth}
    >>> parameters_of(Model(depth=5))
    'depth=5, alpha=1.0'
    """
    found = _parameters(model)
    own = _unlike(model, found)
    return listed_parameters({name: found[name] for name in (*own, *(name for name in found if name not in own))})


def _parameters(model: Any) -> Mapping[str, Any]:
    get = getattr(model, "get_params", None)
    if get is None or isinstance(model, type):
        return {}
    try:
        found = get(deep=False)
    except Exception:  # code of whoever wrote the model
        return {}
    return found if isinstance(found, Mapping) else {}


def _unlike(model: Any, found: Mapping[str, Any]) -> list[str]:
    """Names of the parameters that differ from the class's defaults."""
    defaults = _defaults_of(type(model))
    return [name for name, value in found.items() if name not in defaults or not _same(value, defaults[name])]


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    # Arrays, models and the like are not compared: that is their code, and takes as long as it likes.
    if type(one) is not type(other) or not isinstance(one, (*_PLAIN, tuple)):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or (one != one and other != other)


def _defaults_of(cls: type) -> Mapping[str, Any]:
    known = _defaults.get(cls)
    if known is None:
        try:
            parameters = inspect.signature(cls).parameters.values()
        except (TypeError, ValueError):
            parameters = ()  # type: ignore[assignment]
        known = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
        _defaults[cls] = known
    return known


def listed_parameters(found: Mapping[str, Any], depth: int = 0) -> str:
    """Parameters as text, as far as it is short: no arrays, no secrets."""
    parts: list[str] = []
    for name, value in found.items():
        parts.append(f"{name}={HIDDEN if is_secret_name(name) else _text(value, depth)}")
        if sum(map(len, parts)) > _WHOLE:
            break
    return cut(", ".join(parts), _WHOLE)


def _text(value: Any, depth: int) -> str:
    if hasattr(value, "get_params") and not isinstance(value, type):
        if depth > _DEEPEST:
            return f"{type(value).__name__}(…)"
        found = _parameters(value)
        own = {name: found[name] for name in _unlike(value, found)}
        return f"{type(value).__name__}({listed_parameters(own, depth + 1)})"
    if isinstance(value, list) and value and all(map(_is_step, value)):
        return "[" + ", ".join(_step(one, depth) for one in value[:_STEPS]) + (", …]" if len(value) > _STEPS else "]")
    return argument(value)


def _is_step(thing: Any) -> bool:
    """Whether something is a named part of a model: of a pipeline, of columns transformed, of a vote."""
    return (
        isinstance(thing, tuple)
        and len(thing) in (2, 3)
        and isinstance(thing[0], str)
        and (hasattr(thing[1], "get_params") or isinstance(thing[1], str) or thing[1] is None)
    )


def _step(step: tuple[Any, ...], depth: int) -> str:
    model = step[1] if isinstance(step[1], str) else _text(step[1], depth + 1)
    return f"{step[0]}: {model}" + (f" of {argument(step[2])}" if len(step) == 3 else "")
