"""What readers and writers touched outside the notebook: places without secrets, sizes, digests made on a thread."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from blake3 import blake3

from lineageflow_jupyter.lineage.redaction import redacted
from lineageflow_jupyter.model.cells import External

LARGEST = 256 * 2**20
"""Files of more bytes are recorded without a digest."""
PATIENCE = 2.0
"""Seconds that whoever asks for them waits for digests; those that are late stay unknown."""
STATEMENT = 2_000
"""Characters of a statement that are kept."""
_PIECE = 2**20
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SOURCES = [
    "filepath_or_buffer",
    "path",
    "path_or_buf",
    "io",
    "path_or_buffer",
    "path_or_file",
    "sql",
    "buf",
    "excel_writer",
    "con",
    "name",
]


@dataclass(slots=True)
class Touched:
    """A file or place that one call touched; its digest may still be being made."""

    external: External
    digest: Future[str | None] | None = None

    def finished(self) -> External:
        """What is known by now."""
        if self.digest is None or not self.digest.done():
            return self.external
        found = self.external
        return External(found.direction, found.kind, found.location, found.size, self.digest.result(), found.line)


class Digests:
    """One thread that reads files."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def start(self, path: Path, facts: os.stat_result) -> Future[str | None]:
        """Begin to read a file."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="lineageflow-digest")
        return self._pool.submit(_digest, path, facts)

    def close(self) -> None:
        """Let go of the thread; files that nobody began to read stay unread."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def touched(
    name: str, direction: Literal["in", "out"], given: Mapping[str, Any], line: int | None, digests: Digests
) -> Touched | None:
    """Say what a reader or writer touched.

    Parameters
    ----------
    name : str
        Of the function, such as ``"read_csv"`` or ``"to_sql"``.
    direction : str
        ``"in"`` or ``"out"``.
    given : mapping of str to object
        Its arguments.
    line : int or None
        Line of the cell.
    digests : Digests
        Who reads files.

    Returns
    -------
    Touched or None
        None where it read or wrote memory.
    """
    kind = name.partition("_")[2]
    if kind.startswith("sql"):
        return Touched(External(direction, "sql", _database(given, direction), line=line))
    for argument in _SOURCES:
        place = _place(given.get(argument))
        if place:
            break
    else:
        return Touched(External(direction, "clipboard", "clipboard", line=line)) if kind == "clipboard" else None
    if _URL.match(place) and not place.startswith("file://"):
        return Touched(External(direction, kind, redacted(place), line=line))
    path = Path(place.removeprefix("file://")).expanduser().absolute()
    try:
        facts = path.stat()
    except (OSError, ValueError):  # ValueError: HTML or JSON as text, which is no path
        return None if len(place) > 1000 or "\n" in place else Touched(External(direction, kind, str(path), line=line))
    if not path.is_file():
        return Touched(External(direction, kind, str(path), line=line))
    digest = digests.start(path, facts) if facts.st_size <= LARGEST else None
    return Touched(External(direction, kind, str(path), facts.st_size, line=line), digest)


def settle(found: Sequence[Touched]) -> None:
    """Wait a little for digests that are being made."""
    wait([one.digest for one in found if one.digest is not None], timeout=PATIENCE)


def _place(thing: Any) -> str:
    """Path or URL of an argument; ``""`` of memory."""
    if isinstance(thing, bytes):
        return ""
    if isinstance(thing, (str, os.PathLike)):
        found = os.fspath(thing)
        return found if isinstance(found, str) else os.fsdecode(found)
    # Open files, pandas' own readers and writers of Excel files.
    for name in ("name", "_io", "io", "path"):
        inner = getattr(thing, name, None)
        if isinstance(inner, (str, os.PathLike)) and str(inner):
            return str(os.fspath(inner))
    return ""


def _database(given: Mapping[str, Any], direction: str) -> str:
    statement = given.get("sql", given.get("table_name", given.get("name")))
    text = statement if isinstance(statement, str) else str(statement)
    con = given.get("con")
    engine = getattr(con, "engine", con)
    url = con if isinstance(con, str) else getattr(engine, "url", None)
    if url is None:
        where = type(con).__module__.partition(".")[0] if con is not None else ""
    elif isinstance(url, str):
        where = redacted(url)
    else:
        where = redacted(str(url))  # SQLAlchemy hides the password itself; options of the URL it does not
    said = redacted(" ".join(text.split()))[:STATEMENT]
    table = given.get("schema")
    said = f"{table}.{said}" if direction == "out" and isinstance(table, str) else said
    return f"{where} {said}".strip()


def _digest(path: Path, facts: os.stat_result) -> str | None:
    """BLAKE3 of the file, or None if it changed meanwhile or cannot be read."""
    try:
        hasher = blake3()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                hasher.update(piece)
            after = os.fstat(file.fileno())
    except OSError:
        return None
    unchanged = (after.st_size, after.st_mtime_ns, after.st_ino) == (facts.st_size, facts.st_mtime_ns, facts.st_ino)
    return hasher.hexdigest() if unchanged else None
