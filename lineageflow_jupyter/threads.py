"""Threads that a repository shares its work out to, also in a child process that was forked from one that had them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Threads(Executor):
    """A pool of threads. A forked child, in which the threads of its parent do not run, begins its own.

    Parameters
    ----------
    count : int
        At most so many threads.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._closed = False
        self._begin()
        _living.add(self)

    def submit(
        self, work: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Have a call done by one of the threads."""
        return self._pool.submit(work, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads; nothing may be submitted afterwards."""
        self._closed = True
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _begin(self) -> None:
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="lineageflow", initializer=_mark)

    def _forked(self) -> None:
        if not self._closed:
            self._begin()


_here = threading.local()


def _mark() -> None:
    _here.shared = True


def on_shared_thread() -> bool:
    """Whether this thread belongs to a pool: then it must not wait for others of it, which may wait for it."""
    return getattr(_here, "shared", False)


_living: weakref.WeakSet[Threads] = weakref.WeakSet()


def _after_fork() -> None:
    for threads in list(_living):
        threads._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
