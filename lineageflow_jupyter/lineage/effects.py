"""Which places in code are likely to change a value in place, told by what is called: a guess, for want of records.

Of frames it is recorded whether they changed. For lists, dicts and models, too much is better than too little.
"""

from __future__ import annotations

from lineageflow_jupyter.lineage.names import Mutation, Names

_READING = frozenset(
    {"copy", "count", "decode", "describe", "encode", "endswith", "format", "get", "head", "index", "info", "items"}
    | {"join", "keys", "lower", "plot", "predict", "predict_proba", "savefig", "score", "show", "split", "startswith"}
    | {"strip", "tail", "transform", "upper", "values"}
)
"""Methods that leave what they are called on as it is, whosoever they are."""

_LOOKING = frozenset(
    {"abs", "all", "any", "bool", "dict", "dir", "display", "enumerate", "float", "getattr", "hasattr", "help", "id"}
    | {"int", "isinstance", "len", "list", "max", "min", "pprint", "print", "range", "repr", "reversed", "round", "set"}
    | {"sorted", "str", "sum", "tuple", "type", "zip"}
)
"""Functions that leave what they are passed as it is."""

_OF_MODULES = frozenset({"seed", "manual_seed", "use", "enable", "disable", "register", "reset_option", "simplefilter"})
"""Functions of modules that change how the module works later; so do those that begin with ``set_``."""

_SHOWING = frozenset({"logging", "plt", "px", "sns", "warnings"})
"""Modules, as they are usually called, that leave what they are passed as it is."""


def draws(mutation: Mutation) -> bool:
    """Whether a place in code draws random numbers of a module, or seeds it: each draw changes the next one."""
    return mutation.how == "method" and "random" in mutation.by.split(".")[:-1]


def may_change(mutation: Mutation, modules: Names, changers: Names) -> bool:
    """Whether a place in code is likely to change the value at its root.

    Parameters
    ----------
    mutation : Mutation
        The place.
    modules : frozenset of str
        Names that stand for modules.
    changers : frozenset of str
        Functions known to change what they are passed.

    Examples
    --------
    >>> may_change(Mutation("rows", "method", "rows.append", 1), frozenset(), frozenset())
    True
    >>> may_change(Mutation("np", "method", "np.mean", 1), frozenset({"np"}), frozenset())
    False
    """
    root, _, rest = mutation.by.partition(".")
    last = mutation.by.rpartition(".")[2]
    if mutation.how == "argument":
        if mutation.by in changers:
            return True
        shown = bool(rest) and root in modules & _SHOWING
        return not (mutation.used or shown or last in _LOOKING | _READING)
    if mutation.how != "method":
        return True
    if mutation.name in modules:
        return last in _OF_MODULES or last.startswith("set_") or draws(mutation)
    return last not in _READING
