"""Leaving out statements of a cell that have nothing to do with what is wanted of it.

Two top-level statements belong together if both mention a name that one of them binds, deletes or may change. Nothing
is known of aliases, so groups of such statements are kept or left out as a whole; imports and definitions, which only
bind, are kept where what is kept uses them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from lineageflow_jupyter.lineage.analysis import analyse, reachable, used_functions
from lineageflow_jupyter.lineage.effects import may_change
from lineageflow_jupyter.lineage.names import NO_NAMES, CellNames, FunctionNames, Names

_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around a cell.

    Parameters
    ----------
    functions : mapping of str to FunctionNames
        What earlier cells have defined.
    modules : frozenset of str
        Names that stand for modules.
    unchanged : frozenset of str
        Names whose values are known not to have changed in this cell.
    """

    functions: Mapping[str, FunctionNames]
    modules: Names = NO_NAMES
    unchanged: Names = NO_NAMES


def cut(code: str, wanted: Names, known: Surroundings) -> str:
    r"""Keep the statements that matter, as they are written.

    Parameters
    ----------
    code : str
        A cell.
    wanted : frozenset of str
        Names that are wanted of it.
    known : Surroundings
        What is known around it.

    Returns
    -------
    str
        The code itself where it cannot be told apart: no plain Python, or two statements on one line.

    Examples
    --------
    >>> print(cut("import os, sys\nx = 1\ny = os.sep\nx += 1", frozenset({"y"}), Surroundings({})))
    import os, sys
    y = os.sep
    """
    pieces = _pieces(code)
    if pieces is None:
        return code
    names = [analyse(text) for _, text in pieces]
    definitions = _definitions([node for node, _ in pieces], names)
    here = {**known.functions, **{name: each for place in definitions for name, each in names[place].functions.items()}}
    modules = known.modules | {each.name for piece in names for each in piece.imports if each.attribute is None}
    defined = NO_NAMES.union(*(names[place].writes for place in definitions))
    touched = [reachable(each, here) for each in names]
    changed = [_changed(each, here, modules) - known.unchanged - defined for each in names]
    bound = [(each.writes | each.deleted | changed[place]) - defined for place, each in enumerate(names)]
    places = set(range(len(pieces))) - definitions
    kept = {place for place in places if bound[place] & wanted}
    kept |= {place for place in definitions if names[place].writes & wanted}
    if not wanted <= analyse(code).surely:
        # What is changed in place may be changed under any name.
        kept |= {place for place in places if changed[place]}
    while True:
        alive = NO_NAMES.union(*(bound[place] for place in kept))
        used = NO_NAMES.union(*(touched[place] for place in kept))
        more = {place for place in places - kept if bound[place] & used or touched[place] & alive}
        more |= {place for place in definitions - kept if names[place].writes & used}
        if not more:
            return code if len(kept) == len(pieces) else "\n".join(pieces[place][1] for place in sorted(kept))
        kept |= more


def _changed(names: CellNames, functions: Mapping[str, FunctionNames], modules: Names) -> Names:
    """Names whose values a statement may change, or bind through functions that it calls."""
    called = used_functions(names, functions)
    changers = frozenset(each.name for each in called if each.changes_arguments)
    mutations = [*names.mutations, *(each for function in called for each in function.mutations)]
    bound = NO_NAMES.union(*(each.writes | each.deletes for each in called))
    return bound | {each.name for each in mutations if may_change(each, modules, changers)}


def _definitions(nodes: list[ast.stmt], names: list[CellNames]) -> set[int]:
    """Places of statements that only bind, names which nothing else binds."""
    often = [name for each in names for name in each.writes | each.deleted]
    return {
        place
        for place, node in enumerate(nodes)
        if isinstance(node, _DEFINITIONS)
        and not getattr(node, "decorator_list", ())
        and all(often.count(name) == 1 for name in names[place].writes)
    }


def _pieces(code: str) -> list[tuple[ast.stmt, str]] | None:
    """Statements with their text, and the comments above each; None where lines do not tell them apart."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = code.split("\n")
    pieces, end = [], 0
    for node in body:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        if first <= end:
            return None
        last = node.end_lineno or node.lineno
        text = "\n".join(lines[end:last]).strip("\n")
        pieces.append((node, text))
        end = last
    return pieces
