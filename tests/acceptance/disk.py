"""What a repository has on its disk, to be compared before and after."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

CATALOG = "catalog.sqlite"


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and hash of everything below a folder's ``.lineageflow``.

    Of the catalog, what its tables hold stands for its files: SQLite may move bytes between the database, its log and
    its shared memory whenever somebody looks.
    """
    found: dict[str, tuple[int, str]] = {}
    for path in sorted((folder / ".lineageflow").rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith(CATALOG):
            continue
        found[name] = (0, "folder") if path.is_dir() else _digest(path.read_bytes())
    if (folder / ".lineageflow" / CATALOG).exists():
        found[CATALOG] = _digest(catalog_text(folder).encode())
    return found


def catalog_text(folder: Path) -> str:
    """All rows of the catalog, but for the note who opened it last."""
    path = folder / ".lineageflow" / CATALOG
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection,
        closing(sqlite3.connect(":memory:")) as copy,
    ):
        connection.backup(copy)
        copy.execute("UPDATE workspaces SET process = '', opened = NULL")
        return "\n".join(copy.iterdump())


def _digest(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()
