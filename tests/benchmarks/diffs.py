"""How long it takes to tell how two versions of a large table differ: LineageFlow beside joins, and beside datacompy.

Every tool gives the same answer: how many rows were added and removed, and each changed cell with key, old and new
value. The maker of the tables knows the counts, and each answer is compared with them. LineageFlow, ArcticDB and Lance
read the versions from the disk; polars and datacompy are given both as frames in memory, which is less work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

WORKS = {
    "cells": "0.1 % of one column's cells changed",
    "deleted": "0.1 % of rows deleted at random",
    "shuffled": "rows shuffled",
}
TARGETS = {"cells": 20.0, "deleted": 10.0, "shuffled": 1.0}
"""How many times as fast as polars' full join."""
TOOLS = {
    "lineageflow": "LineageFlow, neighbours",
    "lineageflow-afresh": "LineageFlow, not neighbours",
    "polars": "polars full join, in memory",
    "lance": "Lance, read and join",
    "arcticdb": "ArcticDB, read and join",
    "datacompy": "datacompy, in memory",
}
ARCTIC = ("arcticdb", "datacompy")
"""Tools that need an older pandas or polars, and so live beside ArcticDB."""
NAME = "frame"


class Answer(NamedTuple):
    """How two versions differ."""

    added: int
    removed: int
    changed: Mapping[str, int]


def tables(rows: int, work: str) -> tuple[pa.Table, pa.Table, Answer]:
    """Return two versions of a table, and how they differ."""
    rng = np.random.default_rng(11)
    old = pa.table(
        {
            "id": np.arange(rows) * 7 + 3,
            "price": rng.random(rows).round(4),
            "amount": rng.random(rows),
            "count": rng.integers(0, 1000, rows),
            "city": pa.array(["Oslo", "Łódź", "東京", "Lima"]).take(pa.array(rng.integers(0, 4, rows))),
        }
    )
    few = np.unique(rng.integers(0, rows, max(rows // 1000, 1)))
    if work == "cells":
        price = old.column("price").to_numpy().copy()
        price[few] += 1
        place = old.schema.get_field_index("price")
        return old, old.set_column(place, "price", pa.array(price)), Answer(0, 0, {"price": len(few)})
    if work == "deleted":
        kept = np.ones(rows, bool)
        kept[few] = False
        return old, old.filter(pa.array(kept)), Answer(0, len(few), {})
    return old, old.take(pa.array(rng.permutation(rows))), Answer(0, 0, {})


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Run one tool on one work in the folder ``job["folder"]``; seconds, and the answer if it is wrong."""
    folder = Path(job["folder"])
    folder.mkdir()
    old, new, truth = tables(job["rows"], job["work"])
    answer = PREPARED[job["tool"]](folder, old, new)
    del old, new
    start = time.perf_counter()
    found = answer()
    seconds = time.perf_counter() - start
    wrong = "" if found == truth else f"expected {truth}, found {found}"
    return {"seconds": seconds, "wrong": wrong}


def _lineageflow(folder: Path, old: pa.Table, new: pa.Table, *, between: bool = False) -> Callable[[], Answer]:
    import lineageflow_jupyter as lf

    with lf.init(str(folder)) as made:
        made.commit({NAME: old.to_pandas()}, message="old", keys={NAME: ["id"]})
        if between:  # the change set that a commit keeps is the one to the version right before it
            made.commit({NAME: old.slice(0, old.num_rows // 2).to_pandas()}, message="between")
        made.commit({NAME: new.to_pandas()}, message="new")
    repo = lf.open(str(folder))

    def answer() -> Answer:
        found = repo.diff("HEAD~2" if between else "HEAD~1", "HEAD")[NAME]
        counts = found.summary
        cells = {column: len(found.changed[column]) for column in found.changed}
        return Answer(counts.rows_added, counts.rows_removed, cells)

    return answer


def _afresh(folder: Path, old: pa.Table, new: pa.Table) -> Callable[[], Answer]:
    return _lineageflow(folder, old, new, between=True)


def _joined(old: Any, new: Any) -> Answer:
    """The answer by a full join on the key, and one filter a column."""
    import polars as pl

    both = old.with_columns(pl.lit(True).alias("in_old")).join(
        new.with_columns(pl.lit(True).alias("in_new")), on="id", how="full", suffix="_new", coalesce=True
    )
    shared = both.filter(pl.col("in_old") & pl.col("in_new"))
    changed = {}
    for column in old.columns[1:]:
        cells = shared.select("id", column, f"{column}_new").filter(pl.col(column).ne_missing(pl.col(f"{column}_new")))
        if len(cells):
            changed[column] = len(cells)
    return Answer(both["in_old"].null_count(), both["in_new"].null_count(), changed)


def _polars(folder: Path, old: pa.Table, new: pa.Table) -> Callable[[], Answer]:
    import polars as pl

    frames = [pl.DataFrame(pl.from_arrow(table)) for table in (old, new)]
    return lambda: _joined(*frames)


def _datacompy(folder: Path, old: pa.Table, new: pa.Table) -> Callable[[], Answer]:
    import polars as pl
    from datacompy import PolarsCompare

    frames = [pl.DataFrame(pl.from_arrow(table)) for table in (old, new)]

    def answer() -> Answer:
        found = PolarsCompare(frames[0], frames[1], join_columns="id")
        changed = {each["column"]: each["unequal_cnt"] for each in found.column_stats if each["unequal_cnt"]}
        found.all_mismatch()  # the cells themselves
        return Answer(len(found.df2_unq_rows), len(found.df1_unq_rows), changed)

    return answer


def _lance(folder: Path, old: pa.Table, new: pa.Table) -> Callable[[], Answer]:
    import lance
    import polars as pl

    place = str(folder / "lance")
    lance.write_dataset(old, place)
    lance.write_dataset(new, place, mode="overwrite")

    def answer() -> Answer:
        versions = [lance.dataset(place, version=number).to_table() for number in (1, 2)]
        return _joined(*(pl.DataFrame(pl.from_arrow(table)) for table in versions))

    return answer


def _arcticdb(folder: Path, old: pa.Table, new: pa.Table) -> Callable[[], Answer]:
    import polars as pl
    from arcticdb import Arctic

    library = Arctic(f"lmdb://{folder}?map_size=40GB").get_library("benchmark", create_if_missing=True)
    library.write(NAME, old.to_pandas())
    library.write(NAME, new.to_pandas())

    def answer() -> Answer:
        return _joined(*(pl.from_pandas(library.read(NAME, as_of=number).data) for number in (0, 1)))

    return answer


PREPARED: dict[str, Callable[[Path, pa.Table, pa.Table], Callable[[], Answer]]] = {
    "lineageflow": _lineageflow,
    "lineageflow-afresh": _afresh,
    "polars": _polars,
    "lance": _lance,
    "arcticdb": _arcticdb,
    "datacompy": _datacompy,
}
