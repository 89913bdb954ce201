"""What one recording knows: records in the making, and where the columns of live objects came from. Holds no frame."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lineageflow_jupyter.lineage.operations_files import Digests, Touched
from lineageflow_jupyter.lineage.operations_origins import Origin
from lineageflow_jupyter.lineage.operations_shape import Shape, labels_of
from lineageflow_jupyter.model.cells import ColumnEdge, Influence, OperationRecord

_LOG = logging.getLogger("lineageflow_jupyter")
_EDGES = 4_096
"""Edges that a collapsed record keeps."""
_INPUTS = 64
"""Inputs that it keeps."""


@dataclass(slots=True)
class Draft:
    """A record in the making; frames are numbers here."""

    call: str
    line: int | None
    parameters: str
    inputs: tuple[int, ...] = ()
    output: int | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    added: dict[str, None] = field(default_factory=dict)
    dropped: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    nulls_in: int | None = None
    nulls_out: int | None = None
    edges: dict[tuple[int, str, str, Influence], None] = field(default_factory=dict)
    opaque: bool = False
    count: int = 1

    def join(self, later: Draft) -> None:
        """Take in another call of the same place."""
        self.count += 1
        self.inputs += tuple(number for number in later.inputs if number not in self.inputs)[
            : _INPUTS - len(self.inputs)
        ]
        self.output, self.rows_out, self.nulls_out = later.output, later.rows_out, later.nulls_out
        for mine, others in ((self.added, later.added), (self.dropped, later.dropped), (self.changed, later.changed)):
            mine.update(others)
        if len(self.edges) < _EDGES:
            self.edges.update(later.edges)
        self.opaque = self.opaque or later.opaque


class Run:
    """What one recording knows. Holds no frame: numbers stand for them."""

    def __init__(self, filename: str | None, name: Callable[[int], str] | None, digests: Digests) -> None:
        self.busy = False
        self.lines = {} if filename is None else {filename: 0}  # of the cell, before the code of each file
        self.digests = digests
        self.thread = threading.get_ident()
        self.drafts: dict[tuple[Any, ...], Draft] = {}
        self.touched: dict[tuple[Any, ...], Touched] = {}
        self.objects: dict[int, weakref.ref[Any]] = {}
        self.pending: tuple[int, Any, Shape | None, tuple[str, ...]] | None = None
        self._name = name
        self._names: dict[int, str] = {}
        self._numbers: dict[int, int] = {}
        self._origins: dict[int, tuple[weakref.ref[Any], Origin]] = {}
        self._own: dict[int, tuple[tuple[str, ...], Origin]] = {}
        self._count = 0

    def number(self, thing: Any, *, used: bool = False) -> int:
        """Number of a frame, Series or model in this run; the same for as long as it lives."""
        key = id(thing)
        found = self._numbers.get(key)
        if found is None or self.objects[found]() is not thing:
            self._count += 1
            found = self._count
            self._numbers[key] = found
            self.objects[found] = weakref.ref(thing, self._forget(key, found))
        if used and not self._names.get(found):
            # A name may be bound to another object by the end of the run: `df = df.dropna()`.
            self._names[found] = self._ask(key)
        return found

    def _forget(self, key: int, number: int) -> Callable[[weakref.ref[Any]], None]:
        numbers, objects, own = self._numbers, self.objects, self._own

        def forget(_: weakref.ref[Any]) -> None:
            objects.pop(number, None)
            own.pop(number, None)
            if numbers.get(key) == number:
                del numbers[key]

        return forget

    def _ask(self, key: int) -> str:
        if self._name is None:
            return ""
        try:
            return self._name(key)
        except Exception:  # a name is decoration: without one the call is recorded all the same
            complain()
            return ""

    def remember(self, thing: Any, origin: Origin) -> None:
        """Keep where a Series, mask, group, window or array came from, for as long as it lives."""
        key, origins = id(thing), self._origins
        origins[key] = (weakref.ref(thing, lambda _: origins.pop(key, None)), origin)

    def origin(self, thing: Any) -> Origin | None:
        """Where an object's columns came from."""
        if thing is None or isinstance(thing, (str, int, float, list, tuple, dict)):
            return None
        found = self._origins.get(id(thing))
        if found is not None and found[0]() is thing:
            return found[1]
        if getattr(thing, "_mgr", None) is not None and hasattr(thing, "ndim"):
            number, labels = self.number(thing, used=True), labels_of(thing)
            known = self._own.get(number)
            if known is None or known[0] is not labels:
                known = self._own[number] = (labels, self.own_origin(thing, labels))
            return known[1]
        inner = held(thing)
        return None if inner is None else self.origin(inner)

    def own_origin(self, frame: Any, labels: tuple[str, ...]) -> Origin:
        """Origin of a frame as it was when it had these labels."""
        number = self.number(frame, used=True)
        return Origin({name: frozenset({(number, name, "value")}) for name in labels})

    def finish(self) -> tuple[OperationRecord, ...]:
        """Records, with names for the frames that have one by now."""
        for number, reference in list(self.objects.items()):
            thing = reference()
            if thing is not None and not self._names.get(number):
                self._names[number] = self._ask(id(thing))
        temporaries: dict[int, str] = {}
        return tuple(self._record(draft, temporaries) for draft in self.drafts.values())

    def _record(self, draft: Draft, temporaries: dict[int, str]) -> OperationRecord:
        def called(number: int | None) -> str:
            if number is None:
                return ""
            return self._names.get(number) or temporaries.setdefault(number, f"~{len(temporaries) + 1}")

        places = {number: place for place, number in enumerate(draft.inputs)}
        edges = tuple(
            ColumnEdge(places[number], column, target, influence)
            for number, column, target, influence in draft.edges
            if number in places
        )
        return OperationRecord(
            draft.call,
            draft.line,
            draft.parameters,
            tuple(map(called, draft.inputs)),
            called(draft.output),
            draft.rows_in,
            draft.rows_out,
            tuple(draft.added),
            tuple(draft.dropped),
            tuple(draft.changed),
            draft.nulls_in,
            draft.nulls_out,
            edges,
            draft.opaque,
            draft.count,
        )


def held(thing: Any) -> Any:
    """The frame or Series that a group, window or accessor works on; None of anything else."""
    if type(thing).__module__.partition(".")[0] != "pandas":
        return None
    for name in ("_orig", "orig", "_parent", "obj"):
        inner = getattr(thing, name, None)
        if getattr(inner, "_mgr", None) is not None:
            return inner
    return None


def has_shape(thing: Any) -> bool:
    """Whether an object is a frame or a Series of pandas."""
    return getattr(thing, "_mgr", None) is not None and hasattr(thing, "ndim")


def is_frame(thing: Any) -> bool:
    """Whether an object is a frame of pandas."""
    return has_shape(thing) and thing.ndim == 2


def may_be_remembered(thing: Any) -> bool:
    """Whether an object can carry an origin: not numbers, texts and the like, which the interpreter shares."""
    return type(thing).__weakrefoffset__ != 0 and (
        has_shape(thing) or hasattr(thing, "__array__") or held(thing) is not None
    )


def complain() -> None:
    """Say once what went wrong with us; the caller has what pandas gave."""
    global _complained
    level = logging.DEBUG if _complained else logging.WARNING
    _complained = True
    _LOG.log(level, "an operation could not be recorded; the call itself is untouched", exc_info=True)


_complained = False
