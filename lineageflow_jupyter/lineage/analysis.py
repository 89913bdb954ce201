"""Which names a cell reads, binds, deletes and may change in place, told from its text: nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from lineageflow_jupyter.lineage import magic_text
from lineageflow_jupyter.lineage.flow import Walk
from lineageflow_jupyter.lineage.names import NO_NAMES, CellNames, FunctionNames, Names, Opaque
from lineageflow_jupyter.lineage.scopes import Scope
from lineageflow_jupyter.lineage.state import carries, united

_REMEMBERED = 512


@lru_cache(maxsize=_REMEMBERED)
def analyse(code: str) -> CellNames:
    r"""Tell a cell's names.

    Parameters
    ----------
    code : str
        The cell, as typed or as IPython has transformed it.

    Returns
    -------
    CellNames
        `reads` are exact as far as paths go: any condition may hold and any loop may have no round, while a ``with``
        is taken to pass exceptions on. `mentioned` errs on the side of more. Text that is no Python gives a result
        with an `error` and nothing else but an opaque mark. It never raises.

    Examples
    --------
    >>> names = analyse("clean = flights.dropna()\nclean['speed'] = clean.distance / hours")
    >>> sorted(names.reads), sorted(names.writes), sorted(names.mutated)
    (['flights', 'hours'], ['clean'], ['clean', 'flights'])
    """
    try:
        tree = magic_text.parse(code)
        walk = Walk(Scope())
        walk.body(tree.body)
    except SyntaxError as error:
        return _unreadable(f"{error.msg} (line {error.lineno})", error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return _unreadable(str(error) or type(error).__name__, 1)
    found, state = walk.found, walk.state
    return CellNames(
        reads=frozenset(found.reads),
        writes=frozenset(found.writes),
        surely=frozenset(state.held),
        leaves=frozenset(state.maybe),
        deleted=frozenset(found.deleted),
        lost=frozenset((state.gone - state.maybe) & found.deleted),
        needs=frozenset(found.needs),
        mentioned=frozenset(found.mentioned | found.quoted),
        mutations=tuple(found.mutations),
        functions={name: _as_one(name, functions) for name, functions in state.functions.items()},
        imports=tuple(found.imports),
        bound_at={name: frozenset(bound) for name, bound in found.bound_at.items()},
        quoted=frozenset(found.quoted),
        opaque=tuple(found.opaque),
        magics=tuple(found.magics),
    )


def reachable(cell: CellNames, functions: Mapping[str, FunctionNames]) -> Names:
    r"""Every name that a cell could touch, also through functions that earlier cells have defined.

    Parameters
    ----------
    cell : CellNames
        The cell.
    functions : mapping of str to FunctionNames
        What is known of functions, classes, and values that hold such, by the name that they have now.

    Examples
    --------
    >>> earlier = analyse("def total():\n    return flights.distance.sum()").functions
    >>> sorted(reachable(analyse("print(total())"), earlier))
    ['flights', 'print', 'total']
    """
    return cell.mentioned.union(*(each.mentioned for each in _used(cell.mentioned, functions)))


def needed(cell: CellNames, functions: Mapping[str, FunctionNames], data: Names = NO_NAMES) -> Names:
    r"""Names that must exist before a cell, also for the functions of earlier cells that it uses.

    Parameters
    ----------
    cell : CellNames
        The cell.
    functions : mapping of str to FunctionNames
        As for `reachable`.
    data : frozenset of str
        Names known to hold plain data, and so no functions.

    Examples
    --------
    >>> earlier = analyse("def scaled(x):\n    return x * rate").functions
    >>> sorted(needed(analyse("y = scaled(2)"), earlier)), sorted(needed(analyse("rate = 3; y = scaled(2)"), earlier))
    (['rate', 'scaled'], ['scaled'])
    """
    result = set(cell.needs)
    for name in cell.needs - data:
        used = NO_NAMES.union(*(each.reads for each in _used([name], functions)))
        result |= used - cell.bound_at.get(name, NO_NAMES)
    return frozenset(result)


def used_functions(
    cell: CellNames, functions: Mapping[str, FunctionNames], data: Names = NO_NAMES
) -> list[FunctionNames]:
    """Functions of earlier cells that a cell may run, also through one another."""
    return _used(cell.needs - data, functions)


def _used(names: Iterable[str], functions: Mapping[str, FunctionNames]) -> list[FunctionNames]:
    waiting, seen = list(names), set[str]()
    found = []
    while waiting:
        name = waiting.pop()
        function = functions.get(name)
        if name in seen or function is None:
            continue
        seen.add(name)
        found.append(function)
        waiting.extend(function.mentioned)
        for held in function.holds:
            inner = functions.get(held)
            if inner is not None and carries(inner, held in function.called):
                waiting.append(held)
    return found


def _as_one(name: str, functions: frozenset[FunctionNames]) -> FunctionNames:
    if len(functions) == 1:
        return next(iter(functions))
    ordered = sorted(functions, key=lambda each: (each.line, each.name, each.kind))
    kinds = {each.kind for each in functions}
    return united(name, "value" if "value" in kinds else ordered[-1].kind, ordered, ordered[-1].line)


def _unreadable(why: str, line: int | None) -> CellNames:
    return CellNames(opaque=(Opaque("not Python", line or 1),), error=why)
