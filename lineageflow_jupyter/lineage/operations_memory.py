"""What the recorder remembers from one cell to the next: where living things came from, and which model made them.

All of it weakly and bounded. A recording knows frames by numbers that mean nothing in the next one; here they are
*roots*: how the notebook called a frame, and the frame itself while it lives.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lineageflow_jupyter.model.cells import Influence

MOST = 2_048
"""Things of each kind that are remembered; the oldest are forgotten first."""
Value = TypeVar("Value")


@dataclass(eq=False, slots=True)
class Root:
    """A frame that columns came from, as an earlier recording knew it.

    Parameters
    ----------
    name : str
        How the notebook called it.
    frame : weakref.ref or None
        The frame; None: it was gone by the end of the recording.
    moved : bool
        Whether it was edited since: what came from it came from what it was before.
    """

    name: str
    frame: weakref.ref[Any] | None
    moved: bool = False


Trace = tuple[Root, str, Influence]
"""A root, a column of it, how it fed."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Where columns came from: an `operations_origins.Origin` with roots instead of numbers."""

    columns: Mapping[str, frozenset[Trace]]
    extra: frozenset[Trace] = frozenset()
    opaque: bool = False


@dataclass(eq=False, slots=True)
class Maker:
    """A model that made values.

    Parameters
    ----------
    model : weakref.ref or None
        The model.
    run : int
        Serial number of the recording in which it made them.
    number : int
        Its number there: within one cell, a model that is gone can still be told.
    predicts : bool
        Whether it predicted them, rather than transformed what it was given.
    """

    model: weakref.ref[Any] | None
    run: int
    number: int
    predicts: bool


class ByObject(Generic[Value]):
    """Values by object, for as long as it lives: by identity, since frames can neither be hashed nor compared."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[Any], Value]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, thing: Any) -> Value | None:
        """Value of an object, or None."""
        found = self._kept.get(id(thing))
        return found[1] if found is not None and found[0]() is thing else None

    def put(self, thing: Any, value: Value) -> None:
        """Give an object a value; one that takes no weak references is passed over."""
        if type(thing).__weakrefoffset__ == 0:
            return
        key, kept = id(thing), self._kept
        kept.pop(key, None)
        kept[key] = (weakref.ref(thing, lambda _: kept.pop(key, None)), value)
        while len(kept) > MOST:
            kept.pop(next(iter(kept)), None)

    def pop(self, thing: Any) -> Value | None:
        """Take the value of an object out."""
        found = self._kept.get(id(thing))
        if found is None or found[0]() is not thing:
            return None
        del self._kept[id(thing)]
        return found[1]


class Memory:
    """What outlives a recording.

    Attributes
    ----------
    traces : ByObject of Traces
        Where arrays, and Series and frames without a name, came from.
    makers : ByObject of Maker
        Which model made an array, Series or frame.
    columns : ByObject of dict of str to Maker
        Which model made columns of a frame.
    names : ByObject of str
        How models were called by who logged them.
    """

    def __init__(self) -> None:
        self.traces: ByObject[Traces] = ByObject()
        self.makers: ByObject[Maker] = ByObject()
        self.columns: ByObject[dict[str, Maker]] = ByObject()
        self.names: ByObject[str] = ByObject()
        self._roots: ByObject[Root] = ByObject()
        self._runs = 0

    def next_run(self) -> int:
        """Serial number of a new recording."""
        self._runs += 1
        return self._runs

    def root(self, frame: weakref.ref[Any] | None, name: str) -> Root:
        """Root that stands for a frame as it is now."""
        thing = None if frame is None else frame()
        if thing is None:
            return Root(name, None)
        known = self._roots.get(thing)
        if known is None:
            known = Root(name, frame)
            self._roots.put(thing, known)
        known.name = name
        return known

    def edited(self, frame: Any) -> None:
        """Learn that a frame is no longer what it was."""
        root = self._roots.pop(frame)
        if root is not None:
            root.moved = True
        self.traces.pop(frame)

    def maker(self, thing: Any) -> Maker | None:
        """Which model made an array, Series or frame, or the whole of which an array is a part."""
        found = self.makers.get(thing)
        if found is None and type(thing).__name__ == "ndarray" and thing.base is not None:
            found = self.makers.get(thing.base)  # `model.predict_proba(X)[:, 1]`
        return found
