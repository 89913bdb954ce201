"""Datasets out to files, and files in as commits. The formats are told by ``frames.files``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineageflow_jupyter.comparisons import Engine
from lineageflow_jupyter.errors import InvalidName
from lineageflow_jupyter.frames.files import FORMATS, read_file, write_file
from lineageflow_jupyter.model.reports import CommitReport, ExportReport, TableShape
from lineageflow_jupyter.model.revisions import check_name, split_dataset
from lineageflow_jupyter.repository import Repository


def export(
    repository: Repository,
    place: str,
    path: str | os.PathLike[str],
    *,
    columns: Sequence[Any] | None = None,
    format: str | None = None,  # noqa: A002 (what users call it)
    force: bool = False,
) -> ExportReport:
    """Write a dataset as it was committed into a file.

    Commit, dataset and revision are kept in the metadata of formats that have some.

    Parameters
    ----------
    repository : Repository
        Where it lies.
    place : str
        ``REV:DATASET``, or ``DATASET`` for HEAD.
    path : path
        The file; its folder must exist.
    columns : sequence of labels, optional
        Only these data columns, in this order; an index comes along.
    format : {"parquet", "csv", "feather", "jsonl"}, optional
        By the ending of the name if left out.
    force : bool, default False
        Replace a file that is there.

    Raises
    ------
    UnknownName
        If there is no such revision, dataset or column.
    NameTaken
        If there is such a file. It stays as it is.
    UnsupportedData
        If the format cannot hold a column: names it, and another format.
    StorageError, CorruptData
        If the file cannot be written, or what is stored is damaged.
    """
    schema = repository.schema(place)
    revision, _ = split_dataset(place)
    record = repository.resolve(revision)
    # A frame of pandas has an index that Arrow does not know; all others are written best as what Arrow makes of them.
    engine: Engine = "pandas" if schema.library == "pandas" else "arrow"
    frame = repository.read(f"{record.id.hex()}:{schema.dataset}", columns=columns, engine=engine)
    source = {"commit": record.id.hex(), "dataset": schema.dataset, "revision": revision}
    size = write_file(frame, path, format=format, metadata=source, force=force)
    shape = TableShape(frame.shape[0], frame.shape[1] if len(frame.shape) > 1 else 1)
    return ExportReport(os.fspath(path), size, schema.dataset, shape, record)


def import_file(
    repository: Repository,
    path: str | os.PathLike[str],
    *,
    dataset: str | None = None,
    message: str | None = None,
    key: Sequence[str] | None = None,
    format: str | None = None,  # noqa: A002
) -> CommitReport:
    """Commit what a file holds as the new version of a dataset of HEAD's branch.

    Parameters
    ----------
    repository : Repository
        Where it goes.
    path : path
        A Parquet, CSV, Feather or JSON lines file.
    dataset : str, optional
        Its name; that of the file without the ending if left out.
    message : str, optional
        What and why; told by itself if left out.
    key : sequence of str, optional
        Columns that identify rows, as in `Repository.commit`.
    format : {"parquet", "csv", "feather", "jsonl"}, optional
        By the ending of the name if left out.

    Raises
    ------
    InvalidName
        If the dataset cannot have that name.
    UnknownName, UsageProblem, InputError, StorageError
        If the file cannot be read.
    UnsupportedData, KeyViolation, RefMoved
        As `Repository.commit` raises them. Nothing was committed.
    """
    name = check_name(dataset, "dataset") if dataset is not None else _name_of(Path(path))
    frame = read_file(path, format=format)
    told = f"import {Path(path).name}" if message is None else message
    return repository.commit({name: frame}, message=told, keys=None if key is None else {name: key})


def _name_of(path: Path) -> str:
    """Name of the dataset that a file is called after."""
    endings = sorted((ending for found in FORMATS.values() for ending in found), key=len, reverse=True)
    ending = next((ending for ending in endings if path.name.lower().endswith(ending)), path.suffix)
    try:
        return check_name(path.name[: len(path.name) - len(ending)], "dataset")
    except InvalidName as error:
        raise InvalidName(error.problem, remedy="Say what the dataset is to be called: --as NAME") from error
