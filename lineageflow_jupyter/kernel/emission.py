"""Sends events of OpenLineage on a thread of its own, and never makes anybody wait or fail.

Runs wait in a queue of limited length. Where the receiver is slow or does not answer, those that find it full are
dropped and counted; nothing is sent twice. What went wrong is logged once and told by ``%lf status``.
"""

from __future__ import annotations

import atexit
import base64
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from lineageflow_jupyter import __version__
from lineageflow_jupyter.config import OFF, OPENLINEAGE_CLIENT, Settings
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.lineage.redaction import redacted

if TYPE_CHECKING:
    from lineageflow_jupyter.lineage.openlineage import Json, Schema
    from lineageflow_jupyter.model.cells import CellRun, Environment
    from lineageflow_jupyter.model.ids import ObjectId
    from lineageflow_jupyter.repository import Repository

_LOG = logging.getLogger("lineageflow_jupyter")
WAITING = 1_000
"""So many runs wait at most; each takes a few kB."""
SECONDS = 5.0
"""How long an address may take to answer."""
LEAVE = 2.0
"""Seconds that the end of the process, or of the extension, waits for what is still to be sent."""
ENDPOINT = "/api/v1/lineage"
"""Where OpenLineage's receivers listen, if an address names no path."""


class Destination(Protocol):
    """Where events go."""

    def send(self, event: Json) -> None:
        """Deliver one event; raises whatever is wrong."""
        ...


class Emission:
    """Sends what cell runs did to where the settings say.

    Parameters
    ----------
    settings : callable
        Reads the settings afresh.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._waiting: queue.Queue[tuple[Repository, str] | threading.Event] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._place = ""
        self._destination: Destination | None = None
        self._logged = False
        self.sent = self.failed = self.dropped = 0
        self.problem = ""

    def put(self, repository: Repository, run: str) -> None:
        """Have a recorded run sent. Never waits, never raises.

        Parameters
        ----------
        repository : Repository
            Where it was recorded.
        run : str
            Its id.
        """
        try:
            if self._settings().openlineage == OFF:
                return
            self._waiting.put_nowait((repository, run))
            self._start()
        except queue.Full:
            self.dropped += 1
        except Exception as error:  # a setting that cannot be read
            self._failed(error)

    def flush(self, seconds: float) -> bool:
        """Wait until what was put before is sent; whether it was in time."""
        if self._thread is None or not self._thread.is_alive():
            return True
        end, done = time.monotonic() + seconds, threading.Event()
        try:
            self._waiting.put(done, timeout=seconds)
        except queue.Full:
            return False
        return done.wait(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Wait a little for what is to be sent, and give up the rest."""
        self.flush(LEAVE)
        self._closed.set()
        atexit.unregister(self.close)

    def told(self) -> str:
        """What the status says: ``""`` where all is well."""
        if not (self.problem or self.dropped):
            return ""
        counts = [f"{count:,} {what}" for count, what in ((self.failed, "lost"), (self.dropped, "dropped")) if count]
        why = self.problem or "they come faster than they are taken"
        return f"OpenLineage events could not be sent ({', '.join(counts)}): {why}"

    # --- on the thread -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._closed.clear()
            self._thread = threading.Thread(target=self._work, name="lineageflow-openlineage", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                item = self._waiting.get(timeout=0.5)
            except queue.Empty:
                continue
            if isinstance(item, threading.Event):
                item.set()
                continue
            try:
                self._send(*item)
            except Exception as error:  # nothing of it may reach the user
                self.failed += 1
                self._failed(error)

    def _send(self, repository: Repository, run: str) -> None:
        settings = self._settings()
        destination = self._at(settings.openlineage, repository)
        if destination is None:
            return
        events = _events(repository, repository.cell_run(run), settings)
        for event in events:
            destination.send(event)
        self.sent += bool(events)

    def _at(self, place: str, repository: Repository) -> Destination | None:
        """Destination of a setting; kept while that stays, since a client may hold connections."""
        place = place if place in (OFF, OPENLINEAGE_CLIENT) or "://" in place else str(_path(place, repository))
        if place != self._place:
            self._destination = None
            self._destination, self._place = destination_of(place), place
        return self._destination

    def _failed(self, error: Exception) -> None:
        # A message may quote the address that was asked, with what opens its door.
        told = error.problem if isinstance(error, LineageFlowError) else f"{type(error).__name__}: {error}"
        self.problem = redacted(" ".join(told.split()))
        if not self._logged:
            self._logged = True
            _LOG.warning("OpenLineage events could not be sent (%s)", self.problem)


def destination_of(place: str) -> Destination | None:
    """Destination of a setting.

    Parameters
    ----------
    place : str
        ``"off"``, ``"client"``, an address, or a path.

    Raises
    ------
    ImportError
        If the client is asked for and not installed.
    """
    if place == OFF:
        return None
    if place == OPENLINEAGE_CLIENT:
        return _Client()
    return _Address(place) if "://" in place else _File(Path(place))


def _path(text: str, repository: Repository) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else Path(repository.location) / path


class _File:
    """A file of one event a line, to which several processes may write at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, event: Json) -> None:
        line = json.dumps(event, separators=(",", ":")).encode("ascii") + b"\n"
        with self._path.open("ab", buffering=0) as file:  # in one piece, at whatever is the end then
            file.write(line)


class _Address:
    """A receiver that takes one event a request."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        user, at, host = parts.netloc.rpartition("@")
        self._headers = {"Content-Type": "application/json", "User-Agent": f"lineageflow-jupyter/{__version__}"}
        if at:
            self._headers["Authorization"] = f"Basic {base64.b64encode(unquote(user).encode()).decode('ascii')}"
        path = parts.path if parts.path not in ("", "/") else ENDPOINT
        self._url = urlunsplit((parts.scheme.lower(), host, path, parts.query, ""))

    def send(self, event: Json) -> None:
        data = json.dumps(event).encode("ascii")
        with _opener().open(Request(self._url, data, self._headers, method="POST"), timeout=SECONDS):
            pass  # an answer that tells of an error has raised


class _Staying(HTTPRedirectHandler):
    """Takes being sent elsewhere as an error: the second request would have no event in it."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


@cache
def _opener() -> OpenerDirector:
    return build_opener(_Staying)


class _Client:
    """What the ``openlineage-python`` client is configured for: by its own file or environment variables."""

    def __init__(self) -> None:
        try:
            from openlineage.client import OpenLineageClient, event_v2
        except ImportError as error:
            raise ImportError(
                "the client is not installed; `pip install 'lineageflow-jupyter[openlineage]'` does it"
            ) from error
        self._client, self._types = OpenLineageClient(), event_v2

    def send(self, event: Json) -> None:
        types = self._types
        self._client.emit(
            types.RunEvent(
                eventTime=event["eventTime"],
                eventType=types.RunState[event["eventType"]],
                run=types.Run(**event["run"]),
                job=types.Job(**event["job"]),
                inputs=[types.InputDataset(**each) for each in event["inputs"]],
                outputs=[types.OutputDataset(**each) for each in event["outputs"]],
                producer=event["producer"],
            )
        )


def _events(repository: Repository, run: CellRun, settings: Settings) -> tuple[Json, ...]:
    from lineageflow_jupyter.lineage.openlineage import Surroundings, run_events

    around = Surroundings(
        namespace=settings.openlineage_namespace
        or f"lineageflow://{settings.host}{Path(repository.location).as_posix()}",
        producer=__version__,
        folder=repository.location,
        datasets=frozenset(repository.dataset_names()),
        schemas=_schemas(repository, run),
        environment=_environment(repository, run),
        code=settings.openlineage_code,
    )
    return run_events(run, around)


def _schemas(repository: Repository, run: CellRun) -> Mapping[ObjectId, Schema]:
    states = [*run.reads, *(each.after for each in run.writes if each.after is not None)]
    tables = {state.table for state in states if state.table is not None}
    return {
        table: [(column.name, column.type) for column in repository.table_columns(table) if column.role == "data"]
        for table in tables
    }


def _environment(repository: Repository, run: CellRun) -> Environment | None:
    try:
        return repository.environment(run.environment) if run.environment else None
    except LineageFlowError:
        return None
