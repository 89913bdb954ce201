"""What is certain about names at one point of a cell, and what has been found up to there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from lineageflow_jupyter.lineage.names import NO_NAMES, FunctionNames, Imported, MagicLine, Mutation, Opaque

Known = frozenset[FunctionNames]


@dataclass(slots=True)
class State:
    """What is certain at one point of the code.

    Parameters
    ----------
    live : bool
        Whether any path leads here.
    gone : set of str
        Names whose value from before cannot be seen any more: bound, or deleted, on every path.
    held : set of str
        Names bound here on every path.
    maybe : set of str
        Names bound here on some path.
    functions : dict of str to frozenset of FunctionNames
        What names bound here may stand for.
    """

    live: bool = True
    gone: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    functions: dict[str, Known] = field(default_factory=dict)

    def copy(self) -> State:
        """A state of its own."""
        return State(self.live, set(self.gone), set(self.held), set(self.maybe), dict(self.functions))

    def bind(self, name: str, functions: Known = frozenset()) -> None:
        """Bind a name."""
        for names in (self.gone, self.held, self.maybe):
            names.add(name)
        if functions:
            self.functions[name] = functions
        else:
            self.functions.pop(name, None)

    def delete(self, name: str) -> None:
        """Delete a name."""
        self.gone.add(name)
        self.held.discard(name)
        self.maybe.discard(name)
        self.functions.pop(name, None)


def joined(states: Iterable[State]) -> State:
    """What is certain where paths meet."""
    given = list(states)
    paths = [state for state in given if state.live] or given
    first, *rest = paths
    result = first.copy()
    for other in rest:
        result.gone &= other.gone
        result.held &= other.held
        result.maybe |= other.maybe
        for name, functions in other.functions.items():
            result.functions[name] = result.functions.get(name, frozenset()) | functions
    return result


@dataclass(slots=True)
class Found:
    """What a walk has found so far."""

    reads: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    quoted: set[str] = field(default_factory=set)
    mutations: dict[Mutation, None] = field(default_factory=dict)
    imports: dict[Imported, None] = field(default_factory=dict)
    opaque: dict[Opaque, None] = field(default_factory=dict)
    magics: dict[MagicLine, None] = field(default_factory=dict)
    bound_at: dict[str, set[str]] = field(default_factory=dict)
    nested: bool = False
    changes_arguments: bool = False


@dataclass(slots=True)
class Passed:
    """What was bound and deleted along a stretch of code, on whatever path."""

    bound: dict[str, Known] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def bind(self, name: str, functions: Known) -> None:
        """A name was bound."""
        self.bound[name] = self.bound.get(name, frozenset()) | functions


def interrupted(before: State, passed: Passed) -> State:
    """State where a stretch of code may have stopped anywhere: nothing of it is certain, everything possible."""
    result = before.copy()
    result.held -= passed.deleted
    result.maybe |= passed.bound.keys()
    for name, functions in passed.bound.items():
        if functions:
            result.functions[name] = result.functions.get(name, frozenset()) | functions
    return result


def carries(function: FunctionNames, called: bool) -> bool:
    """Whether a value holds a function that its expression mentions, or calls."""
    return function.kind == "value" or function.makes or not called


def united(
    name: str, kind: Literal["function", "class", "value"], parts: Iterable[FunctionNames], line: int
) -> FunctionNames:
    """One for several, any of which may run: the methods of a class, or what a name can stand for."""
    every = list(parts)
    union = NO_NAMES.union
    return FunctionNames(
        name,
        kind,
        reads=union(*(each.reads for each in every)),
        writes=union(*(each.writes for each in every)),
        surely=every[0].surely if len(every) == 1 and kind == "function" else NO_NAMES,
        deletes=union(*(each.deletes for each in every)),
        mutations=tuple(dict.fromkeys(mutation for each in every for mutation in each.mutations)),
        quoted=union(*(each.quoted for each in every)),
        holds=union(*(each.holds for each in every)),
        called=union(*(each.called for each in every)) - union(*(each.holds - each.called for each in every)),
        makes=kind == "class" or any(each.makes for each in every),
        changes_arguments=any(each.changes_arguments for each in every),
        opaque=tuple(dict.fromkeys(mark for each in every for mark in each.opaque)),
        line=line,
    )
