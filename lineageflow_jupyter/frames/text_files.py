"""CSV and JSON lines, which keep text and numbers. Places on the disk belong to `files`."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineageflow_jupyter.errors import UnsupportedData
from lineageflow_jupyter.frames.convert import library_of
from lineageflow_jupyter.frames.typed_files import (
    MALFORMED,
    Write,
    arrow_table,
    reason,
    refuse_repeated,
    table_of_frame,
    unfit,
)

BATCH_ROWS = 2**14
"""Rows that become JSON together: what is in memory as Python objects at one time."""

_PACKED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
"""As pandas infers it from the name when it reads."""


def read_csv(place: Path) -> Any:
    """What pandas makes of a CSV file."""
    import pandas as pd

    return pd.read_csv(place)


def read_json_lines(place: Path) -> Any:
    """What pandas makes of JSON lines."""
    import pandas as pd

    return pd.read_json(place, lines=True)


def csv_writer(frame: Any, place: Path, metadata: Mapping[str, str]) -> Write:
    """Check that CSV holds the frame; metadata it does not.

    Raises
    ------
    UnsupportedData
        If it does not: names the column.
    """
    flat = _flat(frame, "csv")
    if not flat.shape[1]:
        raise UnsupportedData("csv cannot hold a frame without columns", remedy="Write feather instead")
    for position, label in enumerate(flat.columns.tolist()):
        what = _no_text(flat.iloc[:, position])
        if what:
            raise unfit("csv", label, f"values of the type {what} have no text that reads back", "parquet")
    method = _PACKED.get(place.suffix.lower())
    packed: Any = {"method": method, "archive_name": place.stem} if method == "zip" else method
    if method == "gzip":
        return lambda target: _write_gzip(flat, target, place.stem)
    return lambda target: flat.to_csv(target, index=False, compression=packed, lineterminator="\n")


def _write_gzip(frame: Any, target: Path, name: str) -> None:
    """Equal frames give equal files: neither the time of now nor the temporary name gets in."""
    with target.open("xb") as file, gzip.GzipFile(name, "wb", fileobj=file, mtime=0) as packed:
        frame.to_csv(packed, index=False, lineterminator="\n")


def json_lines_writer(frame: Any, place: Path, metadata: Mapping[str, str]) -> Write:
    """Check that JSON lines hold the frame; metadata they do not.

    Raises
    ------
    UnsupportedData
        If they do not: names the column.
    """
    if library_of(frame) == "pandas":
        table = arrow_table(_flat(frame, "jsonl"))
    else:
        table = table_of_frame(frame, "jsonl", {})
    names = table.column_names
    if table.num_rows and not names:
        raise UnsupportedData("jsonl cannot hold rows without columns", remedy="Write feather instead")
    columns = []
    refuse_repeated("jsonl", names, "csv")
    for name in names:
        column = table[name]
        if _holds_bytes(column.type):
            raise unfit("jsonl", name, "JSON has no bytes", "parquet")
        columns.append(_without_nan(name, column) if pa.types.is_floating(column.type) else column)
    plain = pa.table(columns, names=names)

    def write(target: Path) -> None:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            for batch in plain.to_batches(max_chunksize=BATCH_ROWS):
                file.write(_lines(batch))

    return write


def _flat(frame: Any, kind: str) -> Any:
    """The frame of pandas whose columns are all that is to be written."""
    import pandas as pd

    from lineageflow_jupyter.frames.pandas_frames import pandas_from_table

    if library_of(frame) != "pandas":
        return pandas_from_table(table_of_frame(frame, kind, {}), 0)
    frame = frame.to_frame() if frame.ndim == 1 else frame
    if frame.columns.nlevels > 1:
        raise UnsupportedData(
            f"{kind} cannot hold column labels of {frame.columns.nlevels} levels", remedy="Write parquet instead"
        )
    index = frame.index
    if type(index) is pd.RangeIndex and index.name is None:
        return frame
    unnamed = "index" if index.nlevels == 1 else "level_{}"
    names = [unnamed.format(level) if name is None else name for level, name in enumerate(index.names)]
    labels = pd.Index(frame.columns.tolist(), dtype=object, tupleize_cols=False)
    try:
        return frame.set_axis(labels, axis=1).reset_index(names=names)
    except ValueError as error:
        raise UnsupportedData(
            f"{kind} cannot hold the index beside the columns ({reason(error)})",
            remedy="Rename the index or the column: df = df.rename_axis(…)",
        ) from error


def _no_text(column: Any) -> str:
    """Type of values whose text nobody can read back; empty where there are none."""
    import pandas as pd

    if isinstance(column.dtype, pd.ArrowDtype):
        kind = column.dtype.pyarrow_dtype
        return str(kind) if pa.types.is_nested(kind) or _holds_bytes(kind) else ""
    if column.dtype != object:
        return ""
    nested = (bytes, bytearray, list, tuple, dict, set, frozenset, np.ndarray)
    return next((type(value).__name__ for value in column.array if isinstance(value, nested)), "")


def _holds_bytes(kind: Any) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    if types.is_nested(kind):
        return any(_holds_bytes(kind.field(position).type) for position in range(kind.num_fields))
    return (
        kind == pa.binary_view()
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
    )


def _without_nan(name: str, column: Any) -> Any:
    column = column.cast(pa.float32()) if pa.types.is_float16(column.type) else column
    if pc.any(pc.is_inf(column)).as_py():
        raise unfit("jsonl", name, "JSON has no infinity", "csv")
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _lines(batch: Any) -> str:
    try:
        return "".join(f"{_json(row)}\n" for row in batch.to_pylist())
    except MALFORMED:
        for name in batch.schema.names:  # one by one, to name the column
            try:
                _json(batch.column(name).to_pylist())
            except MALFORMED as error:
                raise unfit("jsonl", name, reason(error), "parquet") from error
        raise


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_text, separators=(",", ":"))


def _text(value: Any) -> str:
    """Text of what JSON has no type for: ISO 8601 for times, digits for decimals."""
    if isinstance(value, dt.timedelta) and not hasattr(value, "isoformat"):
        import pandas as pd

        value = pd.Timedelta(value)
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
