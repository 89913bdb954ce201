"""Notebooks and what is true of them: which frames each cell reads and writes, and which columns feed which.

Written by hand from what the code does. `TRUTH` joins the tables of `truth_calls` and `truth_cells`.

Edges go from frames as they were before the cell to frames as the cell left them: ``df.a > new.c`` (its values),
``df.a > new`` (under its own name), ``df.* > new`` (each column), ``df.b filter> new`` (all columns of new).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

START = """
import pandas as pd, numpy as np
df = pd.DataFrame({"k": list("xyxz"), "a": [1.0, None, 3.0, 4.0], "b": [6, 5, 4, 3]})
right = pd.DataFrame({"k": list("xyz"), "z": [10, 20, 30]})
"""
"""What each notebook begins with."""
FRAMES = {"df": "k a b", "right": "k z"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, and what is true of it.

    Parameters
    ----------
    code : str
        What is run.
    reads : str
        Variables whose frames it reads.
    writes : str
        ``+new`` made, ``~df`` changed, ``-df`` deleted.
    edges : str
        In the notation above, separated by ``;``.
    opaque : str
        Variables that were fed by what cannot be seen.
    could : str
        Variables that it is said to read since its text does not tell that it does not.
    raises : str
        Name of the exception.
    marks : str
        Start of each reason why the cell's reads and writes may be incomplete.
    """

    code: str
    reads: str = ""
    writes: str = ""
    edges: str = ""
    opaque: str = ""
    could: str = ""
    raises: str = ""
    marks: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """One notebook.

    Parameters
    ----------
    cells : tuple of Cell
        In the order in which they are run.
    unseen : str
        Edges that are true and known not to be recorded, in the same notation; the fewer the better.
    """

    cells: tuple[Cell, ...]
    unseen: str = ""


def book(*cells: Cell, unseen: str = "") -> Book:
    """A notebook of cells."""
    return Book(cells, unseen)


def new(code: str, edges: str = "", *, reads: str = "df", opaque: str = "", unseen: str = "") -> Book:
    """A notebook of one cell that makes `new`, mostly of `df`."""
    return book(Cell(code, reads, "+new", edges, opaque), unseen=unseen)


def edit(code: str, edges: str = "", *, reads: str = "df", opaque: str = "", unseen: str = "") -> Book:
    """A notebook of one cell that changes `df`."""
    return book(Cell(code, reads, "~df", edges, opaque), unseen=unseen)


def spelled(edges: str, before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> set[str]:
    """Edges as `folding.named_edges` spells them.

    Parameters
    ----------
    edges : str
        In the notation of the table.
    before, after : mapping of str to list of str
        Columns of the frames before and after the cell.
    """
    found = set()
    for text in filter(None, map(str.strip, edges.split(";"))):
        left, sign, right = text.partition("> ")
        assert sign, text
        source, _, influence = left.strip().partition(" ")
        frame, _, columns = source.rpartition(".")
        target, dot, column = (right.strip(), "", "") if right.strip() in after else right.strip().rpartition(".")
        influence = influence or "value"
        for each in before[frame] if columns == "*" else columns.split(","):
            targets = [column] if dot else [each] if influence == "value" else after[target]
            found |= {f"{frame}.{each} -> {target}.{one} {influence}" for one in targets}
    return found
