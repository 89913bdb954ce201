"""Parquet and Feather files, which keep types; and what all formats share. Places on the disk belong to `files`."""

from __future__ import annotations

import os
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from lineageflow_jupyter.errors import UnsupportedData, UsageProblem
from lineageflow_jupyter.frames.arrow_frames import empty_batch
from lineageflow_jupyter.frames.content import shown
from lineageflow_jupyter.frames.convert import from_content, library_of, to_content
from lineageflow_jupyter.frames.normalise import normalise

Write = Callable[[Path], None]
"""Writes a frame, that was checked already, into a new file."""

GROUP_BYTES = 64 * 2**20
"""Uncompressed size of a row group: enough to be read in one go, little enough for readers to share and to skip."""
GROUP_ROWS = 2**20
"""Most rows of a row group, for narrow tables."""

_PREFIX = b"lineageflow."
MALFORMED = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, EOFError, pa.ArrowException,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What parsers raise for bytes that they do not understand."""

_UNFIT = (pa.ArrowException, ValueError, TypeError, NotImplementedError, OSError)
"""What Arrow raises for types that a format has no place for; all happens in memory."""


def read_parquet(place: Path) -> Any:
    """Table of a Parquet file, or the frame that pandas wrote."""
    from pyarrow import parquet

    with pa.OSFile(os.fspath(place), "rb") as source, parquet.ParquetFile(source) as file:
        return _frame(file.read())


def read_feather(place: Path) -> Any:
    """Table of an Arrow IPC file or stream, or the frame that pandas wrote."""
    with pa.OSFile(os.fspath(place), "rb") as source:
        stream = source.read(6) != b"ARROW1"
        source.seek(0)
        with pa.ipc.open_stream(source) if stream else pa.ipc.open_file(source) as reader:
            return _frame(reader.read_all())


def _frame(table: Any) -> Any:
    kept = {name: value for name, value in (table.schema.metadata or {}).items() if not name.startswith(_PREFIX)}
    table = _described(table, kept)
    if b"pandas" not in kept:
        return table
    try:
        return table.to_pandas()
    except MALFORMED:  # pandas wrote what it cannot rebuild, such as column labels of categories: the values are there
        return table


def _described(table: Any, metadata: Mapping[bytes, bytes]) -> Any:
    if not table.num_columns:
        return pa.Table.from_batches([empty_batch(table.num_rows, metadata or None)])
    return table.replace_schema_metadata(metadata or None)


def parquet_writer(frame: Any, place: Path, metadata: Mapping[str, str]) -> Write:
    """Check that Parquet holds the frame.

    Raises
    ------
    UnsupportedData
        If it does not: names the column.
    """
    from pyarrow import parquet

    table = table_of_frame(frame, "parquet", metadata)
    names = table.column_names
    refuse_repeated("parquet", names, "feather")
    if table.num_rows and not names:
        raise UnsupportedData("parquet cannot hold rows without columns", remedy="Write feather instead")

    def write(part: Any, target: Any) -> None:
        parquet.write_table(part, target, compression="zstd", row_group_size=_group_rows(part))

    def read(source: Any) -> Any:
        return parquet.ParquetFile(source).read()

    return _checked("parquet", table, write, read, "feather")


def feather_writer(frame: Any, place: Path, metadata: Mapping[str, str]) -> Write:
    """Check that Feather holds the frame.

    Raises
    ------
    UnsupportedData
        If it does not: names the column.
    """
    table = table_of_frame(frame, "feather", metadata)

    def write(part: Any, target: Any) -> None:
        options = pa.ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
        with pa.ipc.new_file(target, part.schema, options=options) as writer:
            writer.write_table(part, max_chunksize=_group_rows(part))

    def read(source: Any) -> Any:
        return pa.ipc.open_file(source).read_all()

    return _checked("feather", table, write, read, "jsonl")


def _checked(kind: str, table: Any, write: Callable[[Any, Any], None], read: Callable[[Any], Any], other: str) -> Write:
    """Try the format on one row, a null wherever a column has one: Arrow writes some types that it cannot read."""

    def attempt(part: Any) -> None:
        sink = pa.BufferOutputStream()
        write(part, sink)
        read(pa.BufferReader(sink.getvalue()))

    rows = [max(column.is_null().index(True).as_py(), 0) if column.null_count else 0 for column in table.columns]
    cells = [column.slice(row, 1) for row, column in zip(rows, table.columns, strict=True)]
    sample = pa.Table.from_arrays(cells, schema=table.schema)
    try:
        attempt(sample)
    except _UNFIT:
        for position, field in enumerate(table.schema):  # one by one, to name the column
            with _fitting(kind, field.name, field.type, other):
                attempt(sample.select([position]))
        raise
    return lambda target: write(table, os.fspath(target))


def _group_rows(table: Any) -> int:
    width = max(int(table.nbytes) // max(int(table.num_rows), 1), 1)
    return max(1, min(GROUP_ROWS, GROUP_BYTES // width))


def table_of_frame(frame: Any, kind: str, metadata: Mapping[str, str]) -> Any:
    """Arrow table with everything that Arrow keeps of the frame, and the metadata."""
    library = library_of(frame)
    if library == "pandas":
        table = _pandas_table(frame.to_frame() if frame.ndim == 1 else frame, kind)
    elif library == "polars":
        table = arrow_table(frame)
    elif library == "arrow":
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_batches([frame])
    else:
        raise UsageProblem(f"{shown(frame)} is no frame", remedy="Pass a pandas, polars or Arrow frame")
    added = {_PREFIX + name.encode(): value.encode() for name, value in metadata.items()}
    return _described(table, {**(table.schema.metadata or {}), **added})


def arrow_table(frame: Any) -> Any:
    """Arrow table of any frame as another library reads it: index levels are columns, a numbered index is none."""
    content = to_content(frame)
    columns = tuple(replace(column, array=normalise(column.array)) for column in content.columns)
    stored = replace(content, columns=columns, companions=tuple(map(normalise, content.companions)))
    return from_content(stored, engine="arrow")


def _pandas_table(frame: Any, kind: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # attributes that are no JSON are left out
        try:
            return pa.Table.from_pandas(frame)
        except _UNFIT as error:
            for place, label in enumerate(frame.columns.tolist()):
                with _fitting(kind, label, frame.dtypes.iloc[place], "jsonl"):
                    pa.Table.from_pandas(frame.iloc[:, [place]], preserve_index=False)
            raise UnsupportedData(
                f"{kind} cannot hold the frame ({reason(error)})", remedy="Rename columns, or write csv"
            ) from error


@contextmanager
def _fitting(kind: str, label: Any, dtype: Any, other: str = "feather") -> Iterator[None]:
    try:
        yield
    except _UNFIT as error:
        raise unfit(kind, label, f"{dtype}: {reason(error)}", other) from error


def refuse_repeated(kind: str, names: Sequence[str], other: str) -> None:
    """Refuse names that occur twice, for formats that call columns by name."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise unfit(kind, repeated[0], "the name occurs twice", other)


def unfit(kind: str, label: Any, why: str, other: str) -> UnsupportedData:
    """Error for a column that a format cannot hold; `other` can."""
    return UnsupportedData(
        f"{kind} cannot hold column {shown(label)} ({why})", remedy=f"Write {other} instead, or convert the column"
    )


def reason(error: BaseException) -> str:
    """What an error of another library says, in one line of bearable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"
