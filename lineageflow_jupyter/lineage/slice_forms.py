"""A slice as a script and as a notebook."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from lineageflow_jupyter.lineage import calls, magic_text
from lineageflow_jupyter.lineage.analysis import analyse
from lineageflow_jupyter.lineage.slices import Slice, SliceCell
from lineageflow_jupyter.model.cells import OK
from lineageflow_jupyter.model.ids import short

BINDING_VERBS = frozenset(
    {"checkout", "cherry-pick", "merge", "read", "rebase", "redo"}
    | {"reset", "restore", "revert", "stash", "switch", "undo"}
)
"""Verbs of ``%lf`` that give variables their frames; others are left out, so that nothing is committed again."""

_EXTENSION = "%load_ext lineageflow_jupyter"


def needs_ipython(found: Slice) -> bool:
    """Whether a slice runs in IPython only: for magics that are more than a measure of time, and for ``await``."""
    return any(_needs_ipython(tree) for tree in (_tree(cell.code) for cell in found.cells) if tree is not None)


def script(found: Slice) -> str:
    """Write a slice as a script.

    Parameters
    ----------
    found : Slice
        From `slices.slice_of`.

    Returns
    -------
    str
        Each cell under its number; above all what it needs and why its result may differ. Cells that hold magics, and
        those that raised, are written anew from their syntax tree, without comments.
    """
    parts = ["\n".join(_comment(line) for line in _heading(found))]
    parts.extend(f"{_comment(_title(cell))}\n{_as_script(cell)}" for cell in found.cells)
    return "\n\n".join(parts) + "\n"


def notebook(found: Slice) -> dict[str, Any]:
    """Write a slice as a notebook.

    Parameters
    ----------
    found : Slice
        From `slices.slice_of`.

    Returns
    -------
    dict
        A notebook of nbformat 4.5, to be written as JSON. A cell that raised is marked as one that may.
    """
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "source": _text(_heading(found))}]
    if any(magic.name == "lf" for cell in found.cells for magic in analyse(cell.code).magics):
        cells.append(_code(_EXTENSION))
    for cell in found.cells:
        tags = [] if cell.run.outcome == OK else ["raises-exception"]
        cells.append(_code(_without_verbs(cell.code), tags))
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "cells": [{"id": f"slice-{place}", "metadata": {}, **cell} for place, cell in enumerate(cells)],
    }


def _code(source: str, tags: list[str] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": tags} if tags else {},
        "execution_count": None,
        "outputs": [],
    }


def _heading(found: Slice) -> Iterator[str]:
    table = "" if found.table is None else f" (table {short(found.table)})"
    yield f"Rebuilds {found.variable}{table}."
    for each in found.inputs:
        wanted = "" if each.table is None else f" (table {short(each.table)})"
        yield f"Needs {each.name}{wanted}: {each.why}."
    for source in found.external:
        yield f"Reads {source.kind} {source.location}."
    for caution in found.cautions:
        yield f"Note: {caution}."
    if needs_ipython(found):
        yield "Runs in IPython only."


_MARKS = re.compile(r"[\\`*_{}\[\]<>()#!|$~&]")


def _text(lines: Iterator[str]) -> str:
    """Lines as Markdown in which nothing of what users typed means anything."""
    return "\n\n".join(_MARKS.sub(r"\\\g<0>", " ".join(line.split())) for line in lines)


def _comment(line: str) -> str:
    return "# " + " ".join(line.split())


def _title(cell: SliceCell) -> str:
    number = "" if cell.run.number is None else f" [{cell.run.number}]"
    return f"Cell{number} of {PurePath(cell.run.notebook).name}{'' if cell.whole else ', in part'}"


def _tree(code: str) -> ast.Module | None:
    try:
        return magic_text.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _needs_ipython(tree: ast.Module) -> bool:
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(
        isinstance(each, waits) or (isinstance(each, ast.Name) and each.id == "get_ipython")
        for each in _of_cell(_Plain().visit(tree))
    )


def _of_cell(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes outside of functions that are coroutines themselves."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.AsyncFunctionDef):
            yield from _of_cell(child)


class _Plain(ast.NodeTransformer):
    """Replaces magics that only measure, show or record by what they run, or by nothing."""

    def visit_Expr(self, node: ast.Expr) -> Any:  # called so by ast
        found = calls.magic(node.value) if isinstance(node.value, ast.Call) else None
        if found is None:
            return self.generic_visit(node)
        if found.name == "lf" and not _binds(found.text):
            return ast.Pass()
        if found.name in magic_text.HARMLESS | magic_text.LOCAL_RUNNERS:
            return ast.Pass()
        if found.name in magic_text.RUNNERS:
            runner = magic_text.runner(found.name, found.text)
            if not runner.binds:
                try:
                    parts = [*magic_text.parse(runner.code).body, *magic_text.parse(found.body or "").body]
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    return node
                # Statements within become part of the cell, magics of theirs too.
                return [each for part in parts for each in _as_list(self.visit(part))] or ast.Pass()
        return node


def _as_list(found: Any) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _binds(text: str) -> bool:
    words = text.split()
    return bool(words) and words[0] in BINDING_VERBS


def _as_script(cell: SliceCell) -> str:
    tree = _tree(cell.code)
    if tree is None:
        return "\n".join(_comment(line) for line in cell.code.split("\n"))
    if analyse(cell.code).magics:
        tree = ast.fix_missing_locations(_Plain().visit(tree))
        if _needs_ipython(tree):
            tree.body.insert(0, ast.parse("from IPython import get_ipython").body[0])
    elif cell.run.outcome == OK:
        return cell.code.strip("\n")
    if cell.run.outcome != OK:
        # The script must go on where the notebook did.
        expected = f"type(error).__name__ == {cell.run.outcome!r}"
        guarded = ast.parse(f"try:\n    pass\nexcept Exception as error:\n    if not {expected}: raise")
        if isinstance(guarded.body[0], ast.Try) and tree.body:
            guarded.body[0].body = tree.body
            tree = guarded
    return ast.unparse(tree)


def _without_verbs(code: str) -> str:
    """Code in which verbs of ``%lf`` that give no variable its frame are comments; the rest stays as it is."""
    lines = []
    for line in code.split("\n"):
        text = line.lstrip()
        indent = line[: len(line) - len(text)]
        said = text.removeprefix("%lf ")
        if text.startswith("%lf ") and not _binds(said) and not said.rstrip().endswith("\\"):
            line = f"{indent}pass  # {text}"
        lines.append(line)
    return "\n".join(lines)
