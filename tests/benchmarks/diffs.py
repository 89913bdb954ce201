"""How two versions of a large keyed table differ, as each tool tells it: LineageFlow, joins, datacompy; not the timing.

Every tool gives the same answer: how many rows were added and removed, and each changed cell with key, old and new
value. The maker of the tables knows it, and each answer is compared with that, value by value. LineageFlow, ArcticDB
and Lance read the versions from the disk; polars and datacompy are given both as frames in memory, which is less work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
"""How many times as fast as the reference."""
REFERENCE, STREAMED = "polars", "polars-streaming"
OURS = ("lineageflow", "lineageflow-afresh")
TITLES = {
    "lineageflow": "LineageFlow, neighbours",
    "lineageflow-afresh": "LineageFlow, not neighbours",
    "polars": "polars full join, in memory",
    "polars-streaming": "the same, lazy, streaming engine",
    "lance": "Lance, read and join",
    "arcticdb": "ArcticDB, read and join",
    "datacompy": "datacompy, in memory",
}
ARCTIC = ("arcticdb", "datacompy")
"""Tools that need an older pandas or polars, and so live beside ArcticDB."""
NAME, KEY = "frame", "id"

Cells = tuple[Any, Any, Any]
"""Keys, old and new values of one column's changed cells: three arrays of one length, in any order."""


class Answer(NamedTuple):
    """How two versions differ."""

    added: int
    removed: int
    changed: Mapping[str, Cells]


Tables = tuple[pa.Table, pa.Table]
Compare = Callable[[], Answer]


def _store_nothing(folder: Path, versions: Tables) -> None:
    """What a tool stores that compares frames in memory."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to tell how two versions differ.

    Parameters
    ----------
    opened : callable
        Given the folder and both versions: gets ready, and returns what is timed.
    stored : callable
        Writes both versions into the folder, which exists.
    in_memory : bool
        Whether it is given both versions as frames.
    """

    opened: Callable[[Path, Tables | None], Compare]
    stored: Callable[[Path, Tables], None] = field(default=_store_nothing)
    in_memory: bool = False


def tables(rows: int, work: str) -> tuple[pa.Table, pa.Table, Answer]:
    """Return two versions of a table, and how they differ."""
    rng = np.random.default_rng(11)
    old = pa.table(
        {
            KEY: np.arange(rows) * 7 + 3,
            "price": rng.random(rows).round(4),
            "amount": rng.random(rows),
            "count": rng.integers(0, 1000, rows),
            "city": pa.array(["Oslo", "Łódź", "東京", "Lima"]).take(pa.array(rng.integers(0, 4, rows))),
        }
    )
    few = np.unique(rng.integers(0, rows, max(rows // 1000, 1)))
    if work == "cells":
        before = old.column("price").to_numpy()
        price = before.copy()
        price[few] += 1
        place = old.schema.get_field_index("price")
        truth = Answer(0, 0, {"price": (few * 7 + 3, before[few], price[few])})
        return old, old.set_column(place, "price", pa.array(price)), truth
    if work == "deleted":
        kept = np.ones(rows, bool)
        kept[few] = False
        return old, old.filter(pa.array(kept)), Answer(0, len(few), {})
    return old, old.take(pa.array(rng.permutation(rows))), Answer(0, 0, {})


def wrong(found: Answer, truth: Answer) -> str:
    """Return "" where both say the same, otherwise what differs: counts first, then cells by key."""
    counts = [
        (each.added, each.removed, {name: len(cells[0]) for name, cells in each.changed.items()})
        for each in (truth, found)
    ]
    if counts[0] != counts[1]:
        return "expected {} added, {} removed, {} changed; found {}, {}, {}".format(*counts[0], *counts[1])
    for name, cells in truth.changed.items():
        expected, told = (_by_key(each) for each in (cells, found.changed[name]))
        for what, a, b in zip(("keys", "old values", "new values"), expected, told, strict=True):
            if not np.array_equal(a, b):
                return f"other {what} in {name}"
    return ""


def _by_key(cells: Cells) -> list[np.ndarray[Any, np.dtype[Any]]]:
    arrays = [np.asarray(each) for each in cells]
    order = np.argsort(arrays[0], kind="stable")
    return [each[order] for each in arrays]


def _committed(folder: Path, versions: Tables, *, between: bool = False) -> None:
    import lineageflow_jupyter as lf

    old, new = versions
    with lf.init(str(folder)) as repo:
        repo.commit({NAME: old.to_pandas()}, message="old", keys={NAME: [KEY]})
        if between:  # the change set that a commit keeps is the one to the version right before it
            repo.commit({NAME: old.slice(0, old.num_rows // 2).to_pandas()}, message="between")
        repo.commit({NAME: new.to_pandas()}, message="new")


def _committed_apart(folder: Path, versions: Tables) -> None:
    _committed(folder, versions, between=True)


def _lineageflow(older: str) -> Callable[[Path, Tables | None], Compare]:
    def opened(folder: Path, versions: Tables | None) -> Compare:
        import lineageflow_jupyter as lf

        repo = lf.open(str(folder))
        repo.clear_cache()

        def compare() -> Answer:
            found = repo.diff(older, "HEAD")[NAME]
            counts, cells = found.summary, {}
            for name in found.changed:
                frame = found.changed[name]
                cells[name] = (frame[KEY], frame["old"], frame["new"])
            return Answer(counts.rows_added, counts.rows_removed, cells)

        return compare

    return opened


def _joined(old: Any, new: Any) -> Answer:
    """The answer by a full join on the key, and one filter a column."""
    import polars as pl

    both = old.with_columns(pl.lit(True).alias("in_old")).join(
        new.with_columns(pl.lit(True).alias("in_new")), on=KEY, how="full", suffix="_new", coalesce=True
    )
    return _told(both, old.columns[1:])


def _streamed(old: Any, new: Any) -> Answer:
    """The same answer by polars' streaming engine, which drops equal rows while it joins."""
    import polars as pl

    names = old.columns[1:]
    left = old.lazy().with_columns(pl.lit(True).alias("in_old"))
    right = new.lazy().with_columns(pl.lit(True).alias("in_new"))
    both = left.join(right, on=KEY, how="full", suffix="_new", coalesce=True)
    alone = pl.col("in_old").is_null() | pl.col("in_new").is_null()
    differs = pl.any_horizontal(alone, *(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in names))
    return _told(both.filter(differs).collect(engine="streaming"), names)


def _told(both: Any, names: list[str]) -> Answer:
    import polars as pl

    shared = pl.col("in_old") & pl.col("in_new")
    changed = {}
    for name in names:
        beside = f"{name}_new"
        cells = both.filter(shared & pl.col(name).ne_missing(pl.col(beside))).select(KEY, name, beside)
        if len(cells):
            changed[name] = (cells[KEY], cells[name], cells[beside])
    return Answer(both["in_old"].null_count(), both["in_new"].null_count(), changed)


def _in_memory(join: Callable[[Any, Any], Answer]) -> Callable[[Path, Tables | None], Compare]:
    def opened(folder: Path, versions: Tables | None) -> Compare:
        import polars as pl

        assert versions is not None
        frames = [pl.DataFrame(pl.from_arrow(table)) for table in versions]
        return lambda: join(*frames)

    return opened


def _datacompy(old: Any, new: Any) -> Answer:
    from datacompy import PolarsCompare

    found = PolarsCompare(old, new, join_columns=KEY)
    changed = {}
    names = [each["column"] for each in found.column_stats if each["unequal_cnt"]]
    mismatches = found.all_mismatch() if names else None
    for name in names:
        cells = mismatches.select(KEY, f"{name}_df1", f"{name}_df2")
        cells = cells.filter(cells[f"{name}_df1"].ne_missing(cells[f"{name}_df2"]))
        changed[name] = tuple(cells.get_columns())
    return Answer(len(found.df2_unq_rows), len(found.df1_unq_rows), changed)


def _written_lance(folder: Path, versions: Tables) -> None:
    import lance

    lance.write_dataset(versions[0], str(folder / NAME))
    lance.write_dataset(versions[1], str(folder / NAME), mode="overwrite")


def _lance(folder: Path, versions: Tables | None) -> Compare:
    import lance
    import polars as pl

    def compare() -> Answer:
        read = [lance.dataset(str(folder / NAME), version=number).to_table() for number in (1, 2)]
        return _joined(*(pl.DataFrame(pl.from_arrow(table)) for table in read))

    return compare


def _library(folder: Path) -> Any:
    from arcticdb import Arctic

    return Arctic(f"lmdb://{folder}?map_size=40GB").get_library("benchmark", create_if_missing=True)


def _written_arcticdb(folder: Path, versions: Tables) -> None:
    library = _library(folder)
    for table in versions:
        library.write(NAME, table.to_pandas())


def _arcticdb(folder: Path, versions: Tables | None) -> Compare:
    import polars as pl

    library = _library(folder)
    return lambda: _joined(*(pl.from_pandas(library.read(NAME, as_of=number).data) for number in (0, 1)))


TOOLS = {
    "lineageflow": Tool(_lineageflow("HEAD~1"), _committed),
    "lineageflow-afresh": Tool(_lineageflow("HEAD~2"), _committed_apart),
    "polars": Tool(_in_memory(_joined), in_memory=True),
    "polars-streaming": Tool(_in_memory(_streamed), in_memory=True),
    "lance": Tool(_lance, _written_lance),
    "arcticdb": Tool(_arcticdb, _written_arcticdb),
    "datacompy": Tool(_in_memory(_datacompy), in_memory=True),
}
