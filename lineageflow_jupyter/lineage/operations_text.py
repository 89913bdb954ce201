"""Arguments of a call as short text, without secrets and without running code of the arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineageflow_jupyter.lineage.redaction import HIDDEN, is_secret_name, redacted

LONGEST = 60
"""Characters of one argument."""
WHOLE = 200
"""Characters of all of them."""
_SHOWN = 5
_UNSAID = frozenset({"self", "kwargs", "positional", "indexer"})


def shown(given: Mapping[str, Any], subject: Any, args: tuple[Any, ...]) -> str:
    """Return the arguments but the first, which the call is of.

    Parameters
    ----------
    given : mapping of str to object
        Arguments by name.
    subject : object
        What the call is of.
    args : tuple
        Arguments that were given by place.
    """
    first = args[0] if args else None
    parts = []
    for name, value in given.items():
        if name in _UNSAID or (not isinstance(value, str) and (value is subject or (args and value is first))):
            continue
        text = HIDDEN if is_secret_name(name) else argument(value)
        parts.append(f"{name}={text}")
        if sum(map(len, parts)) > WHOLE:
            break
    return cut(", ".join(parts), WHOLE)


def argument(value: Any, depth: int = 0) -> str:
    """Text of one argument: constants as they are written, everything else by its kind."""
    if isinstance(value, str):
        if len(value) < 16 and value.isidentifier():
            return repr(value)  # most are names of columns: no secret is as short and as plain
        # Secrets are looked for before anything is cut off: a part of one may not look like one.
        return cut(repr(redacted(value[:4000])), LONGEST)
    if value is None or type(value) in (bool, int, float, complex):
        return cut(repr(value), LONGEST)
    if isinstance(value, (list, tuple)) and depth < 2:
        inner = ", ".join(argument(one, depth + 1) for one in value[:_SHOWN]) + (", …" if len(value) > _SHOWN else "")
        return cut(f"[{inner}]" if isinstance(value, list) else f"({inner})", LONGEST)
    if isinstance(value, Mapping) and type(value) is dict and depth < 2:
        pairs = [
            f"{argument(key, depth + 1)}: "
            f"{HIDDEN if isinstance(key, str) and is_secret_name(key) else argument(one, depth + 1)}"
            for key, one in list(value.items())[:_SHOWN]
        ]
        return cut("{" + ", ".join(pairs) + (", …" if len(value) > _SHOWN else "") + "}", LONGEST)
    if isinstance(value, slice):
        return f"{argument(value.start)}:{argument(value.stop)}"
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and value.dtype.kind in "biuf":
        return argument(value.item())
    if callable(value):
        return str(getattr(value, "__qualname__", type(value).__name__)).rpartition(".")[2]
    return f"<{type(value).__name__}>"


def cut(text: str, length: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
