"""What one recording knows: records in the making, and where the columns of live objects came from. Holds no frame."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Set
from typing import Any

from lineageflow_jupyter.lineage.operations_files import Digests, Touched
from lineageflow_jupyter.lineage.operations_memory import Maker, Memory, Root, Trace, Traces
from lineageflow_jupyter.lineage.operations_origins import NONE, Origin, Source, Sources
from lineageflow_jupyter.lineage.operations_records import Draft, Paths
from lineageflow_jupyter.lineage.operations_shape import Shape, labels_of
from lineageflow_jupyter.model.cells import ColumnEdge, OperationRecord

_LOG = logging.getLogger("lineageflow_jupyter")
_JOINED = 10_000
"""Things without a name that collapsed records gave, and that can still be told."""
_NUMBERS = 1_000
"""Numbers of NumPy that one run remembers the columns of."""
_MODELS = 32
"""Models that one place in the code is told of one by one."""


class Run:
    """What one recording knows. Holds no frame: numbers stand for them."""

    def __init__(
        self, filename: str | None, name: Callable[[int], str] | None, digests: Digests, memory: Memory
    ) -> None:
        self.busy = False
        self.lines = {} if filename is None else {filename: 0}  # of the cell, before the code of each file
        self.digests, self.memory = digests, memory
        self.serial = memory.next_run()
        self.thread = threading.get_ident()
        self.drafts: dict[tuple[Any, ...], Draft] = {}
        self.touched: dict[tuple[Any, ...], Touched] = {}
        self.objects: dict[int, weakref.ref[Any]] = {}
        self.pending: tuple[int, Any, Shape | None, tuple[str, ...]] | None = None
        self._name = name
        self._names: dict[int, str] = {}
        self._numbers: dict[int, int] = {}
        self._origins: dict[int, tuple[weakref.ref[Any], Origin, int]] = {}
        self._own: dict[int, tuple[tuple[str, ...], Origin]] = {}
        self._count = 0
        self._moment = 0
        self._edited: dict[int, int] = {}
        self._roots: dict[int, Root] = {}
        self._rooted: dict[Root, int] = {}
        self._recalled: set[int] = set()
        self._called: dict[str, int] = {}
        self._makers: dict[tuple[int, bool], Maker] = {}
        self._models: dict[tuple[Any, ...], set[int]] = {}
        self._joined: dict[int, Draft] = {}
        self._values: dict[int, tuple[Any, Origin]] = {}
        self.parts: dict[int, tuple[weakref.ref[Any], Sources]] = {}  # frames whose groups are looped over; their keys

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
        self._moment += 1
        origins[key] = (weakref.ref(thing, lambda _: origins.pop(key, None)), origin, self._moment)

    def remember_number(self, number: Any, origin: Origin) -> None:
        """Keep where one number came from. Numbers cannot be watched: some are kept until the cell has run."""
        if len(self._values) < _NUMBERS:
            self._values[id(number)] = (number, origin)

    def chose(self, frame: Any) -> Sources:
        """Keys of the groups of a frame that are being looped over."""
        found = self.parts.get(id(frame))
        return found[1] if found is not None and found[0]() is frame else NONE

    def origin(self, thing: Any) -> Origin | None:
        """Where an object's columns came from."""
        if thing is None or isinstance(thing, (str, int, float, list, tuple, dict)) or is_number(thing):
            # NumPy's numbers are numbers of Python as well, and may have been computed from columns.
            value = self._values.get(id(thing))
            return value[1] if value is not None else None
        found = self._origins.get(id(thing))
        if found is not None and found[0]() is thing:
            return found[1]
        if getattr(thing, "_mgr", None) is not None and hasattr(thing, "ndim"):
            number, labels = self.number(thing, used=True), labels_of(thing)
            known = self._own.get(number)
            if known is None or (known[0] is not labels and known[0] != labels):
                known = self._own[number] = (labels, self._first_origin(thing, number, labels))
            return known[1]
        traces = self.memory.traces.get(thing)
        if traces is not None:
            origin = self._recall(traces)
            self.remember(thing, origin)
            return origin
        if type(thing).__name__ == "ndarray":
            # Each part of a prediction came of all of it; of other arrays nobody knows which part this is.
            maker = self.memory.maker(thing)
            return self.origin(thing.base) if maker is not None and maker.predicts else None
        inner = held(thing)
        return None if inner is None else self.origin(inner)

    def _first_origin(self, thing: Any, number: int, labels: tuple[str, ...]) -> Origin:
        """Of what this run has not seen before: its own columns, or of what has no name what a run before knew."""
        traces = None if self._names.get(number) else self.memory.traces.get(thing)
        if traces is None or set(traces.columns) != set(labels):
            return self.own_origin(thing, labels)
        self._recalled.add(number)
        return self._recall(traces)

    def edited(self, frame: Any) -> None:
        """Learn that a frame or Series is no longer what it was."""
        self.memory.edited(frame)
        number = self.number(frame)
        self._moment += 1
        self._edited[number] = self._moment
        if number in self._recalled:
            self._recalled.discard(number)
            self._own.pop(number, None)

    # --- models ------------------------------------------------------------------------------------------------------

    def model(self, model: Any) -> int:
        """Number of a model, called as who logged it called it."""
        logged = self.memory.names.get(model)
        if type(model).__weakrefoffset__ == 0:
            return self.called(self._ask(id(model)))
        number = self.number(model, used=True)
        if logged:
            self._names[number] = logged
        return number

    def called(self, name: str) -> int:
        """Number of something of which only the name is known."""
        found = self._called.get(name) if name else None
        if found is None:
            self._count += 1
            found = self._called[name] = self._count
            self._names[found] = name
        return found

    def made(self, thing: Any, model: int, *, predicts: bool) -> None:
        """Keep which model made something."""
        maker = self._makers.get((model, predicts))
        if maker is None:
            maker = self._makers[model, predicts] = Maker(self.objects.get(model), self.serial, model, predicts)
        self.memory.makers.put(thing, maker)

    def maker(self, thing: Any) -> Maker | None:
        """Which model made something, or all the columns that it came from."""
        found = self.memory.maker(thing)
        if found is not None or not len(self.memory.columns):
            return found
        origin = self.origin(thing)
        return None if origin is None else self.maker_of(origin.all)

    def maker_of(self, sources: Sources) -> Maker | None:
        """The one model that made all of these columns."""
        found: set[Maker | None] = set()
        if len(self.memory.columns):
            for number, column, influence in sources:
                if influence == "value":
                    frame = self.objects[number]() if number in self.objects else None
                    columns = None if frame is None else self.memory.columns.get(frame)
                    found.add(columns.get(column) if columns else None)
        return found.pop() if len(found) == 1 else None

    def number_of(self, maker: Maker) -> int | None:
        """Number of a model that made something; None where it is gone, and its name may be another's by now."""
        if maker.run == self.serial:
            return maker.number
        model = None if maker.model is None else maker.model()
        return None if model is None else self.model(model)

    def keep(self, key: tuple[Any, ...], draft: Draft) -> None:
        """Keep a record; another one of the same place, and of the same model as far as they are few, joins it."""
        if draft.model is not None:
            models = self._models.setdefault(key, set())
            if len(models) < _MODELS:
                models.add(draft.model)
            if draft.model in models:
                key = (*key, draft.model)
        known = self.drafts.get(key)
        if known is None:
            self.drafts[key] = draft
        else:
            if known.output is not None and len(self._joined) < _JOINED:
                # What took it is a record of its own, maybe, and would take what nobody gave.
                self._joined[known.output] = known
            known.join(draft)

    # --- from one cell to the next -----------------------------------------------------------------------------------

    def _recall(self, traces: Traces) -> Origin:
        """Origin that was remembered; opaque where a frame is no longer what it was then, or cannot be asked."""
        sure: set[bool] = set()

        def sources(found: frozenset[Trace]) -> Sources:
            made: set[Source] = set()
            for root, column, influence in found:
                number, certain = self._number_of_root(root)
                sure.add(certain)
                made.add((number, column, influence))
            return frozenset(made)

        columns = {name: sources(found) for name, found in traces.columns.items()}
        return Origin(columns, sources(traces.extra), traces.opaque or False in sure)

    def _number_of_root(self, root: Root) -> tuple[int, bool]:
        frame = None if root.frame is None else root.frame()
        if frame is not None:
            number = self.number(frame, used=True)
            if self._names.get(number):
                return number, not root.moved
        if root not in self._rooted:
            self._rooted[root] = self.called(root.name)
            self._roots[self._rooted[root]] = root
        return self._rooted[root], False

    def _remember_for_the_next(self) -> None:
        """Give the recorder what it will be asked in cells to come, in terms that mean something there."""
        waiting = [
            (thing, origin, moment)
            for ref, origin, moment in list(self._origins.values())
            if (thing := ref()) is not None
        ]
        for number, reference in list(self.objects.items()):
            thing = reference()
            if thing is not None and is_frame(thing) and not self._names.get(number):
                waiting.append((thing, self.own_origin(thing, labels_of(thing)), self._moment + 1))
        if not waiting:
            return
        paths = Paths(self.drafts.values(), self._joined)
        for thing, origin, moment in waiting:
            self.memory.traces.put(thing, self._traces(origin, moment, paths))

    def _traces(self, origin: Origin, moment: int, paths: Paths) -> Traces:
        hidden = origin.opaque

        def traces(sources: Sources) -> frozenset[Trace]:
            nonlocal hidden
            found, unseen = paths.back(sources, self._names)
            hidden = hidden or unseen
            return frozenset((self._root(number, moment), column, influence) for number, column, influence in found)

        columns = {name: traces(sources) for name, sources in origin.columns.items()}
        return Traces(columns, traces(origin.extra), hidden)

    def _root(self, number: int, moment: int) -> Root:
        known = self._roots.get(number)
        if known is not None:
            return known
        root = self.memory.root(self.objects.get(number), self._names[number])
        # What came from it before it was edited came from what it was then.
        return Root(root.name, root.frame, True) if self._edited.get(number, 0) > moment else root

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
        self._remember_for_the_next()
        temporaries: dict[int, str] = {}
        made = {draft.output for draft in self.drafts.values()} | self._joined.keys()
        return tuple(self._record(draft, temporaries, made) for draft in self.drafts.values())

    def _record(self, draft: Draft, temporaries: dict[int, str], made: Set[int | None]) -> OperationRecord:
        def called(number: int | None) -> str:
            if number is None:
                return ""
            if not self._names.get(number) and number in self._joined:
                number = self._joined[number].output or number
            return self._names.get(number) or temporaries.setdefault(number, f"~{len(temporaries) + 1}")

        names = dict.fromkeys(map(called, draft.inputs))
        places = {name: place for place, name in enumerate(names)}
        edges = dict.fromkeys(
            ColumnEdge(places[called(number)], column, target, influence)
            for number, column, target, influence in draft.edges
            if number in draft.inputs
        )
        # Without a name, and no call seen that gave it: nobody can say where it came from.
        unseen = any(number not in made and not self._names.get(number) for number in draft.inputs)
        return OperationRecord(
            draft.call,
            draft.line,
            draft.parameters,
            tuple(names),
            called(draft.output),
            draft.rows_in,
            draft.rows_out,
            tuple(draft.added),
            tuple(draft.dropped),
            tuple(draft.changed),
            draft.nulls_in,
            draft.nulls_out,
            tuple(edges),
            draft.opaque or unseen,
            draft.count,
            called(draft.model),
            draft.metric,
            draft.value,
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
        has_shape(thing)
        or hasattr(thing, "__array__")
        or type(thing).__module__.startswith("scipy.sparse")
        or held(thing) is not None
    )


def is_number(thing: Any) -> bool:
    """Whether an object is one number or moment of NumPy's; its truth values are shared by all."""
    dtype = getattr(thing, "dtype", None) if type(thing).__module__ == "numpy" else None
    return getattr(dtype, "kind", "") in tuple("iufcmM") and type(thing).__name__ != "ndarray"


def complain() -> None:
    """Say once what went wrong with us; the caller has what pandas gave."""
    global _complained
    level = logging.DEBUG if _complained else logging.WARNING
    _complained = True
    _LOG.log(level, "an operation could not be recorded; the call itself is untouched", exc_info=True)


_complained = False
