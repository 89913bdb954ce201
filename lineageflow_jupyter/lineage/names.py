"""What is known of a cell's names from its text alone: frozen values, made by `analysis`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Names = frozenset[str]
NO_NAMES: Names = frozenset()

How = Literal["attribute", "item", "augmented", "method", "argument"]
"""How a value may have been changed in place; an item or attribute may also have been deleted."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something whose effect on names cannot be told from the text.

    Parameters
    ----------
    what : str
        Such as ``"exec"``, ``"globals"``, ``"from numpy import *"`` or ``"%run"``.
    line : int
        Line of the cell, from 1.
    binds : bool
        Whether it may bind names.
    """

    what: str
    line: int
    binds: bool = True


@dataclass(frozen=True, slots=True)
class Mutation:
    """A place where the value behind a global name may change without the name being bound anew.

    Parameters
    ----------
    name : str
        The name at the root: ``x`` for ``x.a[0].b = 1``.
    how : str
        How: by setting an attribute or item, by an augmented assignment, by a method, or by being passed on.
    by : str
        The attribute, method or function, dotted from the root; ``""`` where it has no name.
    line : int
        Line of the cell, from 1.
    used : bool
        Whether something is done with the result of the call; a call whose result is dropped was made for its effect.
    """

    name: str
    how: How
    by: str
    line: int
    used: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """A name bound by an import.

    Parameters
    ----------
    name : str
        The name that is bound.
    module : str
        The module, with leading dots where it is relative.
    attribute : str or None
        What was taken from the module; None: the module itself.
    line : int
        Line of the cell, from 1.
    """

    name: str
    module: str
    attribute: str | None
    line: int


@dataclass(frozen=True, slots=True)
class MagicLine:
    """A magic that was called.

    Parameters
    ----------
    name : str
        Without percent signs.
    text : str
        What stands behind it on its line.
    line : int
        Line of the cell, from 1.
    body : str or None
        The rest of the cell, for a magic of a whole cell.
    """

    name: str
    text: str
    line: int
    body: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionNames:
    """The global names that a function, a class or a value made of such uses when it is used.

    Parameters
    ----------
    name : str
        The global name that it is bound to.
    kind : str
        ``"function"`` (also a lambda), ``"class"``, or ``"value"``: something made of what may be functions, such as
        ``partial(clean, 1)`` or an instance of a class.
    reads : frozenset of str
        Names read on some path before it binds them itself, in nested functions too.
    writes, surely, deletes : frozenset of str
        Names bound by way of ``global``, those of them bound on every path that returns, and names deleted.
    mutations : tuple of Mutation
        Places where globals may change in place.
    quoted : frozenset of str
        Names within strings that libraries may look up.
    holds, called : frozenset of str
        Of a value: the names in the expression that made it, and those of them that only occur as what is called. What
        they stand for may be used through the value.
    makes : bool
        Whether what a call returns may hold functions that use the same globals: a class, a maker of closures.
    changes_arguments : bool
        Whether it may change what it is passed.
    opaque : tuple of Opaque
        What cannot be told.
    line : int
        Line of the cell, from 1.
    """

    name: str
    kind: Literal["function", "class", "value"] = "function"
    reads: Names = NO_NAMES
    writes: Names = NO_NAMES
    surely: Names = NO_NAMES
    deletes: Names = NO_NAMES
    mutations: tuple[Mutation, ...] = ()
    quoted: Names = NO_NAMES
    holds: Names = NO_NAMES
    called: Names = NO_NAMES
    makes: bool = False
    changes_arguments: bool = False
    opaque: tuple[Opaque, ...] = ()
    line: int = 0

    @property
    def mentioned(self) -> Names:
        """All global names that a call could touch by itself."""
        return self.reads | self.writes | self.deletes | self.quoted


@dataclass(frozen=True, slots=True)
class CellNames:
    """The global names of a cell. Builtins count as any other name, since a notebook may bind them.

    Parameters
    ----------
    reads : frozenset of str
        Names whose value from before the cell may be used: read on some path on which the cell has not bound or deleted
        them, by itself or by a function of its own that it mentions.
    writes : frozenset of str
        Names bound by the cell on some path, also by functions of its own that it mentions.
    surely : frozenset of str
        Names that the cell has bound, and not deleted, on every path that reaches its end.
    leaves : frozenset of str
        Names that may hold at its end what the cell bound to them.
    deleted : frozenset of str
        Names deleted on some path, ``except … as`` aside.
    lost : frozenset of str
        Names deleted on every path that reaches the end, and not bound again.
    needs : frozenset of str
        Names that must exist before the cell: `reads`, and those that it deletes without binding them first.
    mentioned : frozenset of str
        Every name that the cell could touch, as far as its own functions tell; `analysis.reachable` adds what earlier
        ones tell.
    mutations : tuple of Mutation
        Places where values may change in place.
    functions : mapping of str to FunctionNames
        What it leaves behind under a name: functions, classes, and values that may hold functions.
    imports : tuple of Imported
        Names bound by imports.
    bound_at : mapping of str to frozenset of str
        For each of `needs`: the names which the cell had replaced already whenever it was used. What an earlier
        function uses, called by that name, need not come from before the cell if it is among these.
    quoted : frozenset of str
        Names within strings that libraries may look up, such as tables of an SQL statement.
    opaque : tuple of Opaque
        What cannot be told.
    magics : tuple of MagicLine
        Magics called, ``%lf`` among them, in the order in which they stand.
    error : str
        Why the text is no Python; ``""`` where it is.
    """

    reads: Names = NO_NAMES
    writes: Names = NO_NAMES
    surely: Names = NO_NAMES
    leaves: Names = NO_NAMES
    deleted: Names = NO_NAMES
    lost: Names = NO_NAMES
    needs: Names = NO_NAMES
    mentioned: Names = NO_NAMES
    mutations: tuple[Mutation, ...] = ()
    functions: Mapping[str, FunctionNames] = field(default_factory=dict)
    imports: tuple[Imported, ...] = ()
    bound_at: Mapping[str, Names] = field(default_factory=dict)
    quoted: Names = NO_NAMES
    opaque: tuple[Opaque, ...] = ()
    magics: tuple[MagicLine, ...] = ()
    error: str = ""

    @property
    def mutated(self) -> Names:
        """Names whose values the cell may change in place itself; what is only passed on is not among them."""
        return frozenset(each.name for each in self.mutations if each.how != "argument")

    @property
    def stars(self) -> tuple[str, ...]:
        """Modules of which all names were imported."""
        return tuple(each.what[5:-9] for each in self.opaque if each.what.startswith("from "))
