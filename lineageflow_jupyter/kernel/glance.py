"""A look at the repository that no key stroke waits for.

Opening takes a second the first time, a catalog may be locked, a disk may sleep. So every question is put on a thread
of its own: what is not answered in time is answered by what was known before, and the thread finishes for the next one.
The repository that a verb has opened is asked; before that, one that is opened only to be looked at, which writes
nothing, so that a key stroke neither makes a workspace nor decides which repository a later verb will use.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.model.records import WorkspaceName

if TYPE_CHECKING:
    from lineageflow_jupyter.repository import Repository

SECONDS = 0.03
"""How long the questions of one key stroke may take together; the rest of 50 ms belongs to IPython."""
THREAD = "lineageflow-glance"
CLOSING_SECONDS = 5.0
REMEMBERED = 64
"""Answers that are kept for when the repository is slow."""


class Glance:
    """Asks the repository of one session, within a time.

    Parameters
    ----------
    session : Session
        Whose repository.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._busy = Lock()  # held while a question is being answered
        self._thread: Thread | None = None
        self._closed = False
        self._asked: Repository | None = None
        self._answers: OrderedDict[Hashable, tuple[str, ...]] = OrderedDict()
        self._looked: tuple[tuple[Path, WorkspaceName], Repository] | None = None

    def ask(self, key: Hashable, question: Callable[[Repository], Iterable[str]], *, until: float) -> tuple[str, ...]:
        """Answer a question about the repository.

        Parameters
        ----------
        key : hashable
            Stands for the question.
        question : callable
            Asks the repository; may fail, which is no answer.
        until : float
            Moment of `time.monotonic` at which to give up.

        Returns
        -------
        tuple of str
            The answer; what it was the last time where there is none in time; empty where there never was one.
        """
        if self._busy.acquire(timeout=max(0.0, until - time.monotonic())):
            done = Event()
            self._thread = Thread(target=self._find, args=(key, question, done), name=THREAD, daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads to be had
                self._busy.release()
                return ()
            done.wait(max(0.0, until - time.monotonic()))
        return self._answers.get(key, ())

    def prepare(self) -> None:
        """Begin to open the repository, if nothing has been asked yet: the next key stroke may need it."""
        if self._thread is None:
            self.ask((), lambda repository: (), until=0.0)

    def close(self) -> None:
        """Let go of what was opened, once the last question is answered."""
        self._closed = True
        thread = self._thread
        if thread is not None:
            thread.join(CLOSING_SECONDS)
        if self._busy.acquire(blocking=False):
            self._let_go()
            self._busy.release()

    def _find(self, key: Hashable, question: Callable[[Repository], Iterable[str]], done: Event) -> None:
        try:
            self._remember(key, self._answer(question))
        finally:
            if self._closed:
                self._let_go()
            self._busy.release()
            done.set()

    def _answer(self, question: Callable[[Repository], Iterable[str]]) -> tuple[str, ...]:
        try:
            repository = self._repository()
            if repository is not self._asked:  # what another one answered is of no use
                self._answers.clear()
                self._asked = repository
            return () if repository is None else tuple(question(repository))
        except Exception:  # a revision that does not exist, a damaged repository: nothing to propose
            return ()

    def _remember(self, key: Hashable, found: tuple[str, ...]) -> None:
        self._answers[key] = found
        self._answers.move_to_end(key)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)

    def _repository(self) -> Repository | None:
        opened = self._session.opened
        if opened is not None:
            self._let_go()
            return opened
        from lineageflow_jupyter.opening import find, glance

        root, workspace = find("."), self._session.workspace()
        if self._looked is not None and self._looked[0] == (root, workspace):
            return self._looked[1]
        self._let_go()
        if root is None:
            return None
        repository = glance(root, workspace, self._session.configuration.given)
        self._looked = ((root, workspace), repository)
        return repository

    def _let_go(self) -> None:
        looked, self._looked, self._asked = self._looked, None, None
        if looked is not None:
            looked[1].close()
