"""Frames from and to files: Parquet, CSV, Feather (Arrow IPC) and JSON lines.

What a file keeps of a frame:

- **Parquet** and **Feather** keep types. A frame of pandas comes back as one, with its index; others as Arrow tables.
  In Parquet, times in seconds come back in milliseconds. What `write_file` adds to the metadata is left out by
  `read_file`, so that a frame that went out comes in as it was.
- **CSV** keeps text: dtypes are what ``pd.read_csv`` makes of it, and an empty text is no value.
- **JSON lines** keep numbers, text, booleans, lists and objects. Times and decimals become text, NaN becomes null.

A numbered index of pandas without a name is left out of CSV and JSON lines; any other becomes columns.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lineageflow_jupyter.errors import (
    InputError,
    NameTaken,
    StorageDenied,
    StorageError,
    StorageFull,
    UnknownName,
    UnsupportedData,
    UsageProblem,
)
from lineageflow_jupyter.frames.content import shown
from lineageflow_jupyter.frames.text_files import csv_writer, json_lines_writer, read_csv, read_json_lines
from lineageflow_jupyter.frames.typed_files import (
    MALFORMED,
    Write,
    feather_writer,
    parquet_writer,
    read_feather,
    read_parquet,
    reason,
)

FORMATS = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".csv.gz", ".csv.zip"),
    "feather": (".feather", ".arrow", ".ipc"),
    "jsonl": (".jsonl", ".ndjson"),
}
"""Formats with the endings of their files."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def read_file(path: str | os.PathLike[str], *, format: str | None = None) -> Any:  # noqa: A002 (what users call it)
    """Return the frame that a file holds.

    Parameters
    ----------
    path : path
        The file.
    format : {"parquet", "csv", "feather", "jsonl"}, optional
        By the ending of the name if left out.

    Returns
    -------
    pandas.DataFrame or pyarrow.Table
        Of Parquet and Feather a table, or the frame that pandas wrote unless pandas fails to rebuild it; of CSV and
        JSON lines what pandas makes of them.

    Raises
    ------
    UnknownName, UsageProblem, InputError
        If there is no such file, its format is not known, or its content does not fit the format.
    StorageError
        If it cannot be read.
    """
    place = Path(path)
    kind = _format(place, format)
    try:
        if place.is_dir():
            raise InputError(f"{place} is a folder, not a file", remedy="Name one file in it")
        if not place.exists():
            raise _missing(place)
        return _READERS[kind](place)
    except OSError as error:
        if error.errno is not None:
            raise _storage_error(error, place, "read") from error
        raise _malformed(place, kind, error) from error
    except MALFORMED as error:
        raise _malformed(place, kind, error) from error


def write_file(
    frame: Any,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    metadata: Mapping[str, str] | None = None,
    force: bool = False,
) -> int:
    """Write a frame into a file, of which either all is there in the end or nothing.

    Parameters
    ----------
    frame : frame or series
        Of pandas, polars or Arrow.
    path : path
        The file; its folder must exist.
    format : {"parquet", "csv", "feather", "jsonl"}, optional
        By the ending of the name if left out.
    metadata : mapping of str to str, optional
        Where the frame comes from, such as commit, dataset and revision: kept in Parquet and Feather under names that
        begin with ``lineageflow.``; others have no place for it.
    force : bool, default False
        Replace a file that is there.

    Returns
    -------
    int
        Bytes of the file.

    Raises
    ------
    NameTaken
        If there is such a file. It stays as it is.
    UnsupportedData
        If the format cannot hold a column: names it, and another format.
    UnknownName, UsageProblem, InputError, StorageError
        If the format is not known, or the place cannot be written.
    """
    place = Path(path)
    kind = _format(place, format)
    try:
        if place.is_dir():
            raise InputError(f"{place} is a folder, not a file", remedy="Name a file in it")
        if not place.parent.is_dir():
            raise InputError(f"there is no folder {place.parent}", remedy="Create it first")
        if place.exists() and not force:
            raise _taken(place)
        write = _WRITERS[kind](frame, place, metadata or {})
        return _written(write, place.resolve(), force=force)  # a link to a file stays a link
    except FileExistsError as error:
        raise _taken(place) from error
    except OSError as error:
        raise _storage_error(error, place, "write") from error
    except MALFORMED as error:
        raise UnsupportedData(
            f"{kind} cannot hold the frame ({reason(error)})", remedy="Write another format"
        ) from error


def _written(write: Write, target: Path, *, force: bool) -> int:
    """Let a file be written beside the target, and give it the name when all of it is on the disk."""
    temporary = target.parent / f".lineageflow-{secrets.token_hex(8)}.tmp"
    try:
        write(temporary)
        _sync(temporary, os.O_RDONLY)
        size = temporary.stat().st_size
        _publish(temporary, target, force=force)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    return size


# --- places ----------------------------------------------------------------------------------------------------------


def _format(place: Path, name: str | None) -> str:
    known = "; ".join(f"{kind} ({', '.join(endings)})" for kind, endings in FORMATS.items())
    if name is not None:
        if name not in FORMATS:
            raise UnknownName(f"there is no format {shown(name)}", remedy=f"Formats: {known}")
        return name
    for kind, endings in FORMATS.items():
        if place.name.lower().endswith(endings):
            return kind
    raise UsageProblem(
        f"the ending of {place.name or place} names no format", remedy=f"Say the format, or use one of: {known}"
    )


def _missing(place: Path) -> UnknownName:
    names = [other.name for other in place.parent.iterdir()] if place.parent.is_dir() else []
    close = get_close_matches(place.name, names, 3)
    remedy = f"Did you mean {' or '.join(close)}?" if close else "Check the path"
    return UnknownName(f"there is no file {place}", remedy=remedy)


def _taken(place: Path) -> NameTaken:
    return NameTaken(f"the file {place} exists", remedy="Choose another name, or force it to be replaced")


def _malformed(place: Path, kind: str, error: BaseException) -> InputError:
    return InputError(
        f"{place} does not read as {kind} ({reason(error)})", remedy="Check that the file is whole, and say its format"
    )


def _storage_error(error: OSError, place: Path, doing: str) -> StorageError:
    problem = f"cannot {doing} {place}: {error.strerror or reason(error)}"
    if error.errno in _FULL:
        return StorageFull(problem, remedy="Free space or quota there, then try again; nothing was written")
    if error.errno in _DENIED:
        return StorageDenied(problem, remedy="Ask for permission, or use another folder")
    return StorageError(problem, remedy="Check the disk and the path, then try again")


def _sync(place: Path, flags: int) -> None:
    descriptor = os.open(place, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)


def _publish(temporary: Path, target: Path, *, force: bool) -> None:
    """Give the file its name; without `force` never in the place of one that appeared meanwhile."""
    if not force:
        try:
            target.hardlink_to(temporary)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        else:
            return
    temporary.replace(target)


_READERS: dict[str, Callable[[Path], Any]] = {
    "parquet": read_parquet,
    "csv": read_csv,
    "feather": read_feather,
    "jsonl": read_json_lines,
}
_WRITERS: dict[str, Callable[[Any, Path, Mapping[str, str]], Write]] = {
    "parquet": parquet_writer,
    "csv": csv_writer,
    "feather": feather_writer,
    "jsonl": json_lines_writer,
}
