"""The recorder of operations: which calls of pandas and scikit-learn a cell made, and how columns went through them.

`Recorder.install` exchanges the code of public functions (`operations_hooks`); a call is recorded only within
`Recorder.recording`, in the context (`contextvars`) and the thread that began it, and only if no other recorded call is
around it. A failure of ours is logged once and never reaches the caller.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Token
from typing import Any

from lineageflow_jupyter.lineage.operations_arrivals import Arrivals
from lineageflow_jupyter.lineage.operations_calls import Point
from lineageflow_jupyter.lineage.operations_files import Digests, Touched, settle
from lineageflow_jupyter.lineage.operations_hooks import CURRENT, AttributeHook, Hook, is_hooked
from lineageflow_jupyter.lineage.operations_levels import OneDeeper
from lineageflow_jupyter.lineage.operations_memory import Memory
from lineageflow_jupyter.lineage.operations_points import (
    LEVELLED,
    Place,
    constructors,
    estimator_classes,
    estimator_places,
    metric_places,
    new_estimators,
    pandas_places,
    split_places,
    warns_for_its_caller,
)
from lineageflow_jupyter.lineage.operations_run import Run, complain
from lineageflow_jupyter.model.cells import External, OperationRecord


class Recording:
    """Calls that were recorded; filled when the recording ends.

    Attributes
    ----------
    operations : tuple of OperationRecord
        In the order of their first calls.
    objects : dict of int to weakref
        Frames, Series and models that are still alive, by the number under which `numbers` names them.
    """

    def __init__(self, run: Run) -> None:
        self._run: Run | None = run
        self._token: Token[Any] | None = None
        self._touched: tuple[Touched, ...] = ()
        self.operations: tuple[OperationRecord, ...] = ()
        self.objects: dict[int, weakref.ref[Any]] = {}

    def __enter__(self) -> Recording:
        self._token = CURRENT.set(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def lines_of(self, filename: str, lines: int) -> None:
        """Code of some file is of this cell, which may be of several, as a magic such as ``%%time`` has it.

        Parameters
        ----------
        filename : str
            File of that code.
        lines : int
            Lines of the cell before it.
        """
        if self._run is not None:
            self._run.lines[filename] = lines

    def pause(self) -> None:
        """Record no more calls; names are still to be told."""
        if self._run is not None:
            self._run.busy = True

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Record nothing within the ``with``: what a verb asks of frames is no operation of the user's."""
        run = self._run
        busy = run is not None and run.busy
        self.pause()
        try:
            yield
        finally:
            if run is not None:
                run.busy = busy

    @property
    def external(self) -> tuple[External, ...]:
        """Files and places that were read or written; waits a little for digests that are being made."""
        settle(self._touched)
        return tuple(found.finished() for found in self._touched)

    def stop(self) -> None:
        """End the recording; a second time does nothing."""
        run, self._run = self._run, None
        if run is None:
            return
        run.thread = -1  # tasks that outlive the cell hold a copy of its context: they record nothing from now on
        try:
            if self._token is not None:
                CURRENT.reset(self._token)
        except ValueError:  # ended in another context than it began in, as hooks around a cell may be
            if CURRENT.get() is run:
                CURRENT.set(None)
        try:
            self._touched = tuple(run.touched.values())
            self.operations = run.finish()
            self.objects = run.objects
        except Exception:  # the cell is over: what could not be told of it must not reach the user
            complain()


class _NewClasses:
    """Sees classes of models that are made while a cell runs: it imports them, and fits them at once."""

    def __init__(self, hook: Callable[[Iterable[Place]], None]) -> None:
        self._hook = hook

    def before(self, run: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See `Watch.before`."""
        return args[0] if args else None

    def after(self, note: Any, result: Any) -> None:
        """See `Watch.after`."""
        try:
            self._hook(estimator_places(note))
        except Exception:  # the user called fit, and it succeeded
            complain()

    def failed(self, note: Any) -> None:
        """See `Watch.failed`."""


class Recorder:
    """Records calls of pandas and scikit-learn.

    Examples
    --------
    >>> import pandas as pd
    >>> recorder = Recorder()
    >>> recorder.install()
    >>> with recorder.recording(__file__) as found:
    ...     frame = pd.DataFrame({"a": [2, 1]}).sort_values("a")
    >>> [record.call for record in found.operations]
    ['DataFrame', 'DataFrame.sort_values']
    >>> recorder.uninstall()
    """

    def __init__(self) -> None:
        self._hooks: list[Hook | AttributeHook | OneDeeper] = []
        self._arrivals: Arrivals | None = None
        self._classes: set[type] = set()
        self._digests = Digests()
        self._memory = Memory()
        self._lock = threading.RLock()

    @property
    def installed(self) -> bool:
        """Whether calls are noticed."""
        return self._arrivals is not None

    def install(self) -> None:
        """Begin to notice calls; a second time does nothing. Libraries that are imported later follow then."""
        with self._lock:
            if self._arrivals is not None:
                return
            self._arrivals = Arrivals(
                {
                    "pandas": self._pandas,
                    "sklearn.base": self._estimators,
                    "sklearn.model_selection": self._splits,
                    "sklearn.metrics": lambda: self._hook(metric_places()),
                }
            )
            self._arrivals.begin()

    def uninstall(self) -> None:
        """Give every function its code back; calls that are running end as they began."""
        with self._lock:
            if self._arrivals is None:
                return
            self._arrivals.end()
            self._arrivals = None
            for hook in reversed(self._hooks):
                hook.undo()
            self._hooks.clear()
            self._classes.clear()
            self._digests.close()
            self._memory = Memory()

    def recording(self, filename: str | None = None, *, name: Callable[[int], str] | None = None) -> Recording:
        """Record calls of this context and thread until the end of the ``with``.

        Parameters
        ----------
        filename : str, optional
            File of the cell's code, as tracebacks name it; `Recording.lines_of` names others.
        name : callable, optional
            How the notebook calls the object of this id, ``""`` where it has no name. It is asked when a frame goes
            into a call, since a variable may be bound anew later, and when the recording ends.

        Returns
        -------
        Recording
            To be used in a ``with``; or `Recording.__enter__` and `Recording.stop`, in hooks around a cell.
        """
        with self._lock:
            if self._arrivals is not None:
                self._new_estimators()
        return Recording(Run(filename, name, self._digests, self._memory))

    def _hook(self, places: Iterable[Place]) -> None:
        for place in places:
            self._hook_one(place)

    def _hook_one(self, place: Place) -> None:
        function, owner, name, family = place
        if is_hooked(function):
            return
        try:
            point = Point(function, owner, name, family)
            self._hooks.append(Hook(function, point, levelled=name in LEVELLED))
        except (TypeError, ValueError, AttributeError):
            complain()

    def _pandas(self) -> None:
        self._hook(pandas_places())
        for cls in constructors():
            point = Point(cls.__dict__["__init__"], "", "__init__", "constructor")
            self._hooks.append(AttributeHook(cls, "__init__", point))
        self._hooks.extend(OneDeeper(function) for function in warns_for_its_caller())

    def _estimators(self) -> None:
        made = new_estimators()
        if made is not None and not is_hooked(made):
            self._hooks.append(Hook(made, _NewClasses(self._hook)))
        self._new_estimators()

    def _new_estimators(self) -> None:
        for cls in estimator_classes():
            if cls not in self._classes:
                self._classes.add(cls)
                self._hook(estimator_places(cls))

    def _splits(self) -> None:
        self._hook(split_places())
        self._new_estimators()
