"""What one cell run read and changed: the names that its code could touch, joined with the frames that they hold.

A run is bracketed by `begin` and `end`. At both, frames that the code could touch are compared with how they were last
seen, by fingerprint; only one that differs is looked at closely. What changed between two runs was not explained by
any tracked cell: it is recorded with the run that finds it.

Nothing here keeps a frame alive, knows a library of frames, a repository or a shell: those come as functions.
"""

from __future__ import annotations

import time
import uuid
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from lineageflow_jupyter.lineage.analysis import analyse, reachable
from lineageflow_jupyter.lineage.holding import held_frames
from lineageflow_jupyter.lineage.names import CellNames, FunctionNames
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite, OperationRecord

Namespace = Mapping[str, Any]


_SHELL = frozenset({"In", "Out"})
"""What IPython keeps among the variables: it holds nothing that has no other name or is over."""


class Looker(Protocol):
    """Looks at frames."""

    def is_frame(self, value: Any) -> bool:
        """Whether a value is a frame."""

    def fingerprint(self, frame: Any) -> Hashable | None:
        """Tell whether a frame is what it was; None where that cannot be told."""

    def state(self, variable: str, frame: Any, before: FrameState | None, known: Any) -> FrameState:
        """Ids and shape of a frame; `before` is what the variable held, `known` its fingerprint: they make it quick."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame as it was last seen."""

    frame: weakref.ref[Any]
    fingerprint: Hashable | None
    state: FrameState


_Held = tuple[weakref.ref[Any], str]
"""A frame within a variable, and how the notebook calls it."""


@dataclass(slots=True)
class _Running:
    """A cell run that has begun."""

    run: CellRun
    names: CellNames
    reached: frozenset[str]
    touched: frozenset[str]
    order: tuple[str, ...]
    before: Mapping[str, _Seen]
    unseen: list[FrameWrite]
    clock: float
    held: dict[int, _Held]
    told: set[str] = field(default_factory=set)


class Tracker:
    """Tracks the cells of one shell.

    Parameters
    ----------
    namespace : mapping of str to object
        The user's variables; only read.
    looker : Looker
        Looks at frames.
    clock : callable
        Seconds, for durations.
    now : callable
        Microseconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        namespace: Namespace,
        looker: Looker,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._namespace = namespace
        self._looker = looker
        self._clock = clock
        self._now = now
        self._seen: dict[str, _Seen] = {}
        self._functions: dict[str, FunctionNames] = {}
        self._running: _Running | None = None

    def begin(self, code: str, run: CellRun) -> None:
        """A cell is about to run.

        Parameters
        ----------
        code : str
            Its code as Python will see it, magics transformed.
        run : CellRun
            What is known of it; `started`, `reads` and `writes` are filled in.
        """
        names = analyse(code)
        reached = reachable(names, self._functions)
        touched = reached
        if any(mark.binds for mark in names.opaque):  # it may touch anything
            touched |= frozenset(self._namespace) - _SHELL
        unseen: list[FrameWrite] = []
        before: dict[str, _Seen] = {}
        held: dict[int, _Held] = {}
        for variable, frame in self._frames(touched):
            held.setdefault(id(frame), (weakref.ref(frame), variable))
            known = self._known(variable, frame)
            found = self._looked(variable, frame)
            if known is not None and known.state != found.state:
                unseen.append(FrameWrite(known.state, found.state, seen=False))
            before[variable] = found
        self._seen.update(before)
        started = replace(run, run=run.run or uuid.uuid4().hex, started=self._now())
        holding = {_variable(variable) for variable in before}
        order = sorted(touched, key=lambda name: (name not in holding, name))
        order += sorted(names.writes - touched)
        self._running = _Running(started, names, reached, touched, tuple(order), before, unseen, self._clock(), held)

    @property
    def running(self) -> str:
        """Id of the run that has begun; ``""`` where there is none."""
        return "" if self._running is None else self._running.run.run

    def name(self, key: int) -> str:
        """How the running cell calls the object of an id; ``""`` where it has no name for it.

        Only names that the cell could touch are looked at: it is asked in the middle of calls. Of several names it is
        the one by which the cell found it, then the first in the alphabet.
        """
        running, namespace = self._running, self._namespace
        if running is None:
            return ""
        found = running.held.get(key)
        if found is not None and id(found[0]()) == key:
            return found[1]
        for name in running.order:
            if id(namespace.get(name)) == key and not name.startswith("_"):
                return name
        return ""

    def rebound(self, *variables: str) -> None:
        """The running cell gives variables other values by other means than its code, such as a magic."""
        if self._running is not None:
            self._running.told.update(variables)

    def end(
        self, outcome: str, number: int | None = None, operations: Callable[[], tuple[OperationRecord, ...]] = tuple
    ) -> CellRun | None:
        """The cell has run: what it read and changed; None where none was begun.

        Parameters
        ----------
        outcome : str
            ``"ok"``, or the name of the exception's class.
        number : int, optional
            Its execution count.
        operations : callable, optional
            Gives the operations that were recorded. When it is called, `name` knows what the cell left behind.
        """
        try:
            return None if self._running is None else self._ended(self._running, outcome, number, operations)
        finally:
            self._running = None

    def _ended(
        self,
        running: _Running,
        outcome: str,
        number: int | None,
        operations: Callable[[], tuple[OperationRecord, ...]],
    ) -> CellRun:
        duration = round(1e6 * (self._clock() - running.clock))
        touched = running.touched | running.names.writes | running.names.deleted | running.told
        if any(mark.binds for mark in running.names.opaque):
            touched |= frozenset(self._namespace) - _SHELL
        after: dict[str, _Seen] = {}
        names: dict[int, list[str]] = {}
        for variable, frame in self._frames(touched):
            after[variable] = self._looked(variable, frame)
            names.setdefault(id(frame), []).append(variable)
        for key, variables in names.items():
            known = running.held.get(key)
            if known is None or known[1] not in variables:
                running.held[key] = (after[variables[0]].frame, variables[0])
        after.update(self._aliases(running.before, after))
        gone = [name for name in self._seen if _variable(name) in touched and name not in after]
        writes = list(running.unseen)
        for variable in sorted({*after, *gone}):
            before = running.before.get(variable) or self._seen.get(variable)
            found = after.get(variable)
            if before is None or found is None or not _same(before, found):
                writes.append(FrameWrite(_state(before), _state(found)))
        for variable in gone:
            del self._seen[variable]
        self._seen.update(after)
        for name in running.names.surely:
            self._functions.pop(name, None)
        self._functions.update(running.names.functions)
        read = running.names.reads | (running.reached - running.names.mentioned)
        if any(mark.binds for mark in running.names.opaque):  # what it read besides what it changed is not known
            read |= {_variable(write.before.variable) for write in writes if write.before is not None}
        reads = [found.state for variable, found in sorted(running.before.items()) if _variable(variable) in read]
        return replace(
            running.run,
            number=number,
            duration=duration,
            outcome=outcome,
            reads=tuple(reads),
            writes=tuple(writes),
            operations=operations(),
            opaque=tuple(f"{mark.what}, line {mark.line}" for mark in running.names.opaque),
        )

    # --- frames ------------------------------------------------------------------------------------------------------

    def _frames(self, names: frozenset[str] | set[str]) -> Iterator[tuple[str, Any]]:
        for name in sorted(names):
            if name in self._namespace and not name.startswith("_"):
                yield from held_frames(name, self._namespace[name], self._looker.is_frame)

    def _known(self, variable: str, frame: Any) -> _Seen | None:
        """How a variable was last seen, if it holds the same frame now."""
        seen = self._seen.get(variable)
        return seen if seen is not None and seen.frame() is frame else None

    def _looked(self, variable: str, frame: Any) -> _Seen:
        seen = self._seen.get(variable)
        print_ = self._looker.fingerprint(frame)
        if seen is not None and print_ is not None and print_ == seen.fingerprint:
            return seen if seen.frame() is frame else replace(seen, frame=weakref.ref(frame))
        state = self._looker.state(variable, frame, _state(seen), print_)
        return _Seen(weakref.ref(frame), print_, state)

    def _aliases(self, before: Mapping[str, _Seen], after: Mapping[str, _Seen]) -> dict[str, _Seen]:
        """Other variables that hold a frame which the run changed: it changed for them too."""
        changed = {
            id(frame): found
            for name, found in after.items()
            if (known := before.get(name)) is not None
            and not _same(known, found)
            and (frame := found.frame()) is not None
            and known.frame() is frame
        }
        return {
            name: replace(changed[id(frame)], state=replace(changed[id(frame)].state, variable=name))
            for name, seen in self._seen.items()
            if name not in after and (frame := seen.frame()) is not None and id(frame) in changed
        }


def _same(one: _Seen, other: _Seen) -> bool:
    """Whether two looks saw one content; by ids where both have them."""
    if one.state.table is not None and other.state.table is not None:
        return one.state.table == other.state.table and one.state.frame == other.state.frame
    return one.fingerprint is not None and one.fingerprint == other.fingerprint


def _state(seen: _Seen | None) -> FrameState | None:
    return None if seen is None else seen.state


def _variable(expression: str) -> str:
    """Variable of an expression such as ``months['jan']``."""
    return expression.partition("[")[0].partition(".")[0]
