"""A look at the repository that no key stroke waits for.

Opening takes a second the first time, a catalog may be locked, a disk may sleep. So every question is put on a thread
of its own: what is not answered in time is answered by what was known before, and the thread finishes for the next one.
So that something is known at the first key stroke too, the usual questions are asked ahead, after each cell in which a
verb ran. What other processes did meanwhile is found at the key stroke, where that is fast enough.

The repository that a verb has opened is asked; before that, one that is opened only to be looked at, which writes
nothing, so that a key stroke neither makes a workspace nor decides which repository a later verb will use.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from lineageflow_jupyter.errors import CatalogBusy
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


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a repository.

    Parameters
    ----------
    key : hashable
        Stands for the question.
    asked : callable
        Asks the repository; may fail, which is no answer.
    """

    key: Hashable
    asked: Callable[[Repository], Iterable[str]]


class Glance:
    """Asks the repository of one session, within a time.

    Parameters
    ----------
    session : Session
        Whose repository.
    usual : sequence of Question
        What is asked ahead.
    """

    def __init__(self, session: Session, usual: Sequence[Question]) -> None:
        self._session = session
        self._usual = usual
        self._busy = Lock()  # held while a question is being answered
        self._thread: Thread | None = None
        self._closed = False
        self._turn = Lock()  # held while one of the next two changes
        self._ahead: Thread | None = None  # there while questions are asked ahead
        self._due = False  # whether they are to be asked (again)
        self._known: Repository | None = None  # whose answers are remembered
        self._begun = False
        self._outdated = False  # a verb ran; not `_due`, which a thread may take back before the verb has ended
        self._asked: Repository | None = None
        self._answers: OrderedDict[Hashable, tuple[str, ...]] = OrderedDict()
        self._looked: tuple[tuple[Path, WorkspaceName], Repository] | None = None

    def ask(self, question: Question, *, until: float) -> tuple[str, ...]:
        """Answer a question about the repository.

        Parameters
        ----------
        question : Question
            The question.
        until : float
            Moment of `time.monotonic` at which to give up.

        Returns
        -------
        tuple of str
            The answer; what it was the last time where there is none in time; empty where there never was one.
        """
        if self._busy.acquire(timeout=max(0.0, until - time.monotonic())):
            done = Event()
            self._thread = Thread(target=self._find, args=(question, done), name=THREAD, daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads to be had
                self._busy.release()
                return ()
            done.wait(max(0.0, until - time.monotonic()))
        return self._answers.get(question.key, ())

    def prepare(self) -> None:
        """Begin to open the repository, if nothing has been asked yet: the next key stroke may need it."""
        if self._thread is None and not self._begun:
            self._look()

    def outdate(self) -> None:
        """Say that what is remembered may be old: a verb runs."""
        self._outdated = True

    def look_ahead(self) -> None:
        """Ask the usual questions on a thread, if a verb has run since, so that the next key stroke need not wait."""
        opened = self._session.opened
        if opened is not None and (self._outdated or self._due or opened is not self._known):
            self._outdated = False
            self._look()

    def close(self) -> None:
        """Let go of what was opened, once the last question is answered."""
        self._closed = True
        for thread in (self._thread, self._ahead):
            if thread is not None:
                thread.join(CLOSING_SECONDS)
        self._leave()

    def _look(self) -> None:
        self._begun = True
        with self._turn:
            self._due = True
            if self._ahead is not None or self._closed:  # the thread that is there will ask once more
                return
            thread = Thread(target=self._look_while_due, name=THREAD, daemon=True)
            with suppress(RuntimeError):  # no more threads to be had
                thread.start()
                self._ahead = thread

    def _look_while_due(self) -> None:
        answered = True
        while True:
            with self._turn:
                if self._closed or not answered or not self._due:
                    self._due, self._ahead = self._due or not answered, None  # the next cell tries again
                    break
                self._due = False
            answered = self._all_usual()
        self._leave()

    def _all_usual(self) -> bool:
        """Ask the usual questions, each by itself so that a key stroke comes in between; whether they were answered."""
        try:
            for question in self._usual:
                with self._busy:
                    if self._closed:
                        break
                    self._learn(question, self._present())
        except Exception:  # it is locked, or was closed under our hands
            return False
        self._known = self._asked
        return True

    def _find(self, question: Question, done: Event) -> None:
        try:
            with suppress(Exception):  # a damaged repository: nothing to propose
                self._learn(question, self._present())
        finally:
            self._busy.release()
            self._leave()
            done.set()

    def _learn(self, question: Question, repository: Repository | None) -> None:
        try:
            found = () if repository is None else tuple(question.asked(repository))
        except CatalogBusy:  # what was known is still the best to propose
            raise
        except Exception:  # a revision that does not exist, a damaged repository: nothing to propose
            found = ()
        self._remember(question.key, found)

    def _present(self) -> Repository | None:
        repository = self._repository()
        if repository is not self._asked:  # what another one answered is of no use
            self._answers.clear()
            self._asked = repository
        return repository

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

    def _leave(self) -> None:
        """Let go of what was opened, where that was put off until the last question is answered."""
        if self._closed and self._busy.acquire(blocking=False):
            self._let_go()
            self._busy.release()

    def _let_go(self) -> None:
        looked, self._looked = self._looked, None
        if looked is not None:
            looked[1].close()
