"""The hot cache of a repository: where the arrays of columns meet files of their bytes.

A column that was read whole is decoded once more by a thread of its own, which writes it to the cache; from then on
reading it maps the file. It is decoded again because the array that a reader got is the user's, who may have changed it
by the time it is written (``docs/decisions/004-hot-cache.md``).
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.errors import CorruptData
from lineageflow_jupyter.frames.column_files import flatten, restore
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Column
from lineageflow_jupyter.model.reports import CacheReport
from lineageflow_jupyter.store.column_cache import ColumnCache

FEWEST_ROWS = 10_000
"""Columns of fewer rows are decoded as quickly as they are mapped."""
PART = 8
"""A part of a column is looked for in a file that was not checked yet only if it is at least one in so many rows."""
QUIET = 0.25
"""Seconds without reading before a column is written: decoding takes turns with whatever else runs in Python."""
MOMENT = 0.05
"""Seconds between looks whether the program has ended, which must not wait for this."""
PRIORITY = 10

Decode = Callable[[Column], Any]


@dataclass(frozen=True, slots=True)
class _Missed:
    column: Column
    decode: Decode
    since: float


class HotColumns:
    """Arrays of recently read columns. May be shared by threads.

    Parameters
    ----------
    cache : ColumnCache or None
        The files; None: nothing is kept.
    """

    def __init__(self, cache: ColumnCache | None) -> None:
        self._cache = cache
        self._closed = False
        self._hits = self._misses = 0
        self._begin()
        _living.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[ObjectId, _Missed] = {}
        self._running = False
        self._writing = False
        self._readers = 0
        self._quiet_from = 0.0

    @contextlib.contextmanager
    def reading(self) -> Iterator[float]:
        """Keep the writing thread from beginning another column within the block: readers come first.

        Gives the time at which reading begins, for `missed`.
        """
        with self._changed:
            self._readers += 1
        try:
            yield time.time()
        finally:
            with self._changed:
                self._readers -= 1
                self._quiet_from = time.monotonic() + QUIET
                self._changed.notify_all()

    def get(self, oid: ObjectId, column: Column, rows: range | None) -> Any:
        """Array of a column, or of some of its rows, on private writable memory; None where it must be decoded.

        Parameters
        ----------
        oid : ObjectId
            Id of the column.
        column : Column
            The column.
        rows : range or None
            Rows ``[start, stop)``; None: all.
        """
        if self._cache is None or column.rows < FEWEST_ROWS:
            return None
        content = self._cache.get(oid, verify=rows is None or PART * len(rows) >= column.rows)
        array = None
        if content is not None:
            try:
                array = restore(column.type, column.rows, content)
            except CorruptData:
                self._cache.discard(oid)
        with self._changed:
            self._hits += array is not None
            self._misses += array is None
        return array if rows is None or array is None else array.slice(rows.start, len(rows))

    def missed(self, columns: Mapping[ObjectId, Column], decode: Decode, since: float) -> None:
        """Have columns that were decoded written to the cache, soon.

        Parameters
        ----------
        columns : mapping of ObjectId to Column
            The columns.
        decode : callable
            Decodes one of them anew.
        since : float
            When reading them began, in seconds since 1970: what was used since is not evicted for them.
        """
        wanted = {oid: _Missed(column, decode, since) for oid, column in columns.items() if column.rows >= FEWEST_ROWS}
        if self._cache is None or not wanted or not self._cache.limit:
            return
        with self._changed:
            if self._closed:
                return
            self._waiting.update(wanted)
            if not self._running:
                # Not a daemon, which the end of the interpreter would stop in the middle of foreign code. It ends
                # when nothing waits.
                try:
                    threading.Thread(target=self._write_all, name="lineageflow-cache").start()
                    self._running = True
                except RuntimeError:  # the interpreter is shutting down, or there are too many threads
                    self._waiting.clear()

    def report(self) -> CacheReport:
        """Return where the cache is and what it holds."""
        if self._cache is None:
            return CacheReport("", 0, 0, 0)
        files, size = self._cache.usage()
        with self._changed:
            waiting = len(self._waiting) + self._writing
            return CacheReport(
                str(self._cache.folder), files, size, self._cache.limit, self._hits, self._misses, waiting
            )

    def clear(self) -> int:
        """Remove all files, those that were still to be written included; the bytes freed."""
        with self._changed:
            self._waiting.clear()
            while self._writing:
                self._changed.wait()
        return 0 if self._cache is None else self._cache.clear()

    def close(self) -> None:
        """Write nothing any more; returns when the column at hand is done."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
            while self._writing:
                self._changed.wait()

    def _write_all(self) -> None:
        _yield_to_others()
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                while self._waiting and (self._readers or time.monotonic() < self._quiet_from):
                    self._changed.wait(MOMENT)
                    if not threading.main_thread().is_alive():
                        break
                if not self._waiting or not threading.main_thread().is_alive():  # the program has ended
                    self._running = False
                    return
                oid = next(iter(self._waiting))
                missed, self._writing = self._waiting.pop(oid), True
            if not self._write(oid, missed):
                with self._changed:
                    self._waiting = {other: kept for other, kept in self._waiting.items() if kept.since > missed.since}

    def _write(self, oid: ObjectId, missed: _Missed) -> bool:
        """Write one column; False where there is no room for more of the same read."""
        if self._cache is None:
            return False

        def parts() -> Sequence[Any]:
            return flatten(missed.column.type, missed.decode(missed.column))

        try:
            return self._cache.put(oid, parts, since=missed.since)
        except Exception:  # whatever is wrong with the column, its reader was told
            return True

    def _forked(self) -> None:
        if self._cache is not None:
            self._cache.forked()
        self._begin()


_living: weakref.WeakSet[HotColumns] = weakref.WeakSet()


def _after_fork() -> None:
    for columns in list(_living):
        columns._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _yield_to_others() -> None:
    """Lower this thread's priority, where threads have one of their own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PRIORITY)
