"""What the server sees of cells by itself: for notebooks whose kernels have not loaded the magics.

Kernels publish what they run, to whoever listens, and what comes while nobody does is lost. So this is a hint and no
record: a number, a time and an outcome, without the id of the cell.
"""

from __future__ import annotations

import re
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jupyter_client.session import Session

from lineageflow_jupyter.model.cells import OK

MOST_SEEN = 200
"""So many of the latest runs of a kernel are known."""
_LOADING = re.compile(r"^\s*%(load_ext|reload_ext|unload_ext)\s+lineageflow_jupyter\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A cell that a kernel ran.

    Parameters
    ----------
    number : int or None
        Execution count.
    started, duration : int
        Microseconds; `started` since 1970-01-01 UTC.
    outcome : str
        ``"ok"``, or the name of the exception's class; ``""`` while it runs.
    """

    number: int | None
    started: int
    duration: int = 0
    outcome: str = ""


class Sight:
    """Follows what one kernel publishes. Runs on the server's loop.

    Parameters
    ----------
    stream : object
        Stream of the kernel's messages; it is closed with this.
    session : Session
        Reads them.
    """

    def __init__(self, stream: Any, session: Session) -> None:
        self._stream = stream
        self._session = session
        self._runs: deque[SeenRun] = deque(maxlen=MOST_SEEN)
        self._request = ""
        self._run: SeenRun | None = None
        self._error = ""
        self._command = ""
        self.loaded = False
        stream.on_recv(self._receive)

    @classmethod
    def of(cls, manager: Any) -> Sight | None:
        """Follow a kernel; None where it publishes nothing here, as one behind a gateway."""
        try:
            session = Session(config=manager.session.config, key=manager.session.key)
            stream = manager.connect_iopub()
        except Exception:  # what cannot be seen is not worth a failure
            return None
        return cls(stream, session) if hasattr(stream, "on_recv") else None

    @property
    def runs(self) -> tuple[SeenRun, ...]:
        """What was seen, newest last; one that runs at this moment included."""
        return (*tuple(self._runs), *(() if self._run is None else (self._run,)))

    def close(self) -> None:
        """Stop following."""
        with suppress(Exception):  # the context may be gone already
            self._stream.close()

    def _receive(self, parts: list[Any]) -> None:
        with suppress(Exception):  # a message that cannot be read is no reason to stop the server
            _, rest = self._session.feed_identities(parts)
            message = self._session.deserialize(rest)
            parent = message.get("parent_header") or {}
            header = message["header"]
            self._take(header["msg_type"], _moment(header), parent, message.get("content") or {})

    def _take(self, kind: str, sent: int, parent: dict[str, Any], content: dict[str, Any]) -> None:
        if kind == "status" and content.get("execution_state") in ("starting", "restarting"):
            self._run, self._request, self.loaded = None, "", False
        elif parent.get("msg_type") != "execute_request":
            return
        elif kind == "execute_input":  # what runs silently has none
            code = _LOADING.findall(str(content.get("code") or ""))
            self._command, self._error = (code[-1] if code else ""), ""
            self._request = str(parent.get("msg_id") or "")
            number = content.get("execution_count")
            self._run = SeenRun(number if isinstance(number, int) else None, sent)
        elif str(parent.get("msg_id") or "") != self._request:
            return
        elif kind == "error":
            self._error = str(content.get("ename") or "Error")
        elif kind == "status" and content.get("execution_state") == "idle" and self._run is not None:
            taken = max(0, sent - self._run.started)
            self._runs.append(replace(self._run, duration=taken, outcome=self._error or OK))
            self._run = None
            if self._command and not self._error:
                self.loaded = self._command != "unload_ext"


def _moment(header: dict[str, Any]) -> int:
    """When the kernel sent a message, microseconds since 1970-01-01 UTC: this server may have been busy meanwhile."""
    date = header.get("date")
    return int((date.timestamp() if isinstance(date, datetime) else time.time()) * 1e6)
