"""Follows the logs of repositories while somebody listens, and tells what is new as events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.model.cells import CellRun
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import CommitRecord, Operation, WorkspaceRecord
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.server.events import SCHEMAS, Event, event_of_run, events_of
from lineageflow_jupyter.server.kernels import Kernels
from lineageflow_jupyter.server.repositories import Opened, Place, Repositories

TOGETHER = 200
"""So many operations, and cell runs, of a repository are told at a time."""
OVERLAP = 2_000_000
"""Microseconds before somebody began to listen of which is told too: what was being written then has an older time."""
REST_SECONDS = 5.0
"""A repository that cannot be read is left alone for so long."""


@dataclass(slots=True)
class Tail:
    """How far the logs of a repository have been told.

    Parameters
    ----------
    since : int
        What is older is not told at first; microseconds since 1970-01-01 UTC.
    """

    since: int
    state: str = ""
    operation: int = -1
    run: int = -1
    rest_until: float = 0.0

    def news(self, repository: Repository) -> tuple[list[Operation], list[CellRun]]:
        """What was logged since the last time; nothing is read where nothing was written."""
        state = repository.state()
        if state == self.state:
            return [], []
        operations, runs = self._operations(repository), self._runs(repository)
        # Asked before it was read: what comes in between is told the next time, and not never.
        if len(operations) < TOGETHER and len(runs) < TOGETHER:
            self.state = state
        return operations, runs

    def _operations(self, repository: Repository) -> list[Operation]:
        latest = repository.latest_operations(TOGETHER if self.operation < 0 else 1)
        end = latest[0].sequence if latest else 0
        if self.operation < 0:
            found = [each for each in reversed(latest) if each.time >= self.since - OVERLAP]
        else:
            # A log that ends before what was told is that of a backup which was put back.
            found = list(repository.operations(after=min(self.operation, end), limit=TOGETHER))
        self.operation = found[-1].sequence if found else end
        return found

    def _runs(self, repository: Repository) -> list[CellRun]:
        latest = repository.cell_runs(limit=TOGETHER if self.run < 0 else 1)
        end = latest[0].sequence if latest else 0
        if self.run < 0:
            found = [run for run in reversed(latest) if run.started + run.duration >= self.since - OVERLAP]
        else:
            found = list(repository.cell_runs_after(min(self.run, end), limit=TOGETHER))
        self.run = found[-1].sequence if found else end
        return found


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a repository, the workspaces that it may be of, and the commits that refs moved to."""

    place: Place
    operations: list[Operation]
    runs: list[CellRun]
    workspaces: Mapping[str, WorkspaceRecord]
    commits: Mapping[ObjectId, CommitRecord]


class Watcher:
    """Tells listeners of the server's events what happens in repositories.

    Parameters
    ----------
    repositories : Repositories
        Those to follow.
    kernels : Kernels
        Running notebooks.
    logger : object
        The server's event logger.
    log : object
        Where problems go.
    """

    def __init__(self, repositories: Repositories, kernels: Kernels, logger: Any, log: Any) -> None:
        self._repositories = repositories
        self._kernels = kernels
        self._logger = logger
        self._log = log
        self._tails: dict[str, Tail] = {}
        self._looked = _now()
        self._complained: dict[str, str] = {}
        self._busy = False

    async def look(self) -> None:
        """Tell what is new; runs on the server's loop, again and again. Nothing is opened while nobody listens."""
        if self._busy:
            return
        if not listened_to(self._logger):
            self._tails.clear()
            self._kernels.look_away()
            self._looked = _now()
            return
        self._busy = True
        try:
            await self._kernels.refresh()
            self._kernels.watch()
            found = await asyncio.to_thread(self._news)
            if found:
                await self._kernels.refresh(at_once=True)  # a notebook may have been renamed just before
            for news in found:
                for event in self._events(news):
                    self._emit(event)
        except Exception:  # the next look may do better; a failing one must not end the others
            self._log.exception("LineageFlow could not look for what is new")
        finally:
            self._busy = False

    def _emit(self, event: Event) -> None:
        # `emit` tells nobody why it drops an event that does not fit its schema.
        self._logger.schemas.validate_event(event.schema, event.data)
        self._logger.emit(schema_id=event.schema, data=dict(event.data))

    def _news(self) -> list[News]:
        """What is new in all repositories since the last look; on a thread."""
        looked, found = _now(), []
        for place in self._repositories.discover(self._kernels.folders()):
            tail = self._tails.setdefault(place.id, Tail(self._looked))
            if tail.rest_until > time.monotonic():
                continue
            try:
                with self._repositories.opened(place) as opened:
                    operations, runs = tail.news(opened.repository)
                    if operations or runs:
                        found.append(_gathered(place, opened, operations, runs))
            except LineageFlowError as problem:
                tail.rest_until = time.monotonic() + REST_SECONDS
                if self._complained.get(place.id) != str(problem):  # once, and not every few seconds
                    self._complained[place.id] = str(problem)
                    self._log.warning("LineageFlow cannot follow %s: %s", place.root, problem)
        self._looked = looked
        return found

    def _events(self, news: News) -> Iterator[Event]:
        path_of, known, name = self._kernels.path_of, news.workspaces, news.place.id
        for operation in news.operations:
            workspace = known.get(operation.workspace)
            path = "" if workspace is None else path_of(workspace, "")
            yield from events_of(operation, name, path, news.commits.get)
        for run in news.runs:
            yield event_of_run(run, name, path_of(known.get(run.workspace), run.notebook))


def _gathered(place: Place, opened: Opened, operations: list[Operation], runs: list[CellRun]) -> News:
    """What is new in a repository, with all that telling it takes."""
    ids = {change.after for operation in operations for change in operation.refs if change.after is not None}
    commits: dict[ObjectId, CommitRecord] = {}
    for commit in ids:
        with suppress(LineageFlowError):  # damaged: that the ref moved is told all the same
            commits |= opened.repository.commits([commit])
    return News(place, operations, runs, {each.id: each for each in opened.workspaces()}, commits)


def listened_to(logger: Any) -> bool:
    """Whether anybody would hear an event of ours.

    The logger has no public way to say so; where it keeps its listeners elsewhere, somebody may be among them.
    """
    if getattr(logger, "handlers", None):
        return True
    known = [getattr(logger, name, None) for name in ("_modified_listeners", "_unmodified_listeners")]
    if any(each is None for each in known):
        return True
    return any(each.get(schema) for each in known if each is not None for schema in SCHEMAS)


def _now() -> int:
    return time.time_ns() // 1000
