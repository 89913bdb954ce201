"""The tools that are compared, each behind the same four calls; not the measuring.

Most are given the new frame and nothing else, as LineageFlow is. The classes whose names end in `Told` are told what
changed as well, and use the fastest documented way to record just that; they take part in the works where there is one.
Heavy libraries are imported by the tool that needs them, since no environment holds all of them.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from tables import Change

NAME = "frame"
LABELS = "__index_level_0__"
"""What Arrow calls the column of an index without a name."""


class Tool:
    """What a worker asks of a tool. A tool holds one store, which `open` opens or creates.

    Attributes
    ----------
    distribution : str
        The package whose version is reported.
    ways : dict of str to str
        How the tool does a work, for the report; "" is the way of all others. One without "" takes part in no others.
    """

    distribution = ""
    ways: ClassVar[dict[str, str]] = {}

    def open(self, store: Path) -> None:
        """Open the store in the folder `store`, which exists; creates what an empty one lacks."""
        raise NotImplementedError

    def first(self, frame: pd.DataFrame) -> None:
        """Store the first version."""
        raise NotImplementedError

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Store the next version."""
        raise NotImplementedError

    def read(self, *, first: bool) -> pd.DataFrame:
        """Return the first version, or the newest."""
        raise NotImplementedError

    def forget(self) -> None:
        """Remove what earlier reads left on the disk to make later ones quick."""

    def settle(self) -> None:
        """Return when what reading set off in the background is done."""

    def close(self) -> None:
        """Let go of the store."""

    def version(self) -> str:
        """Return the version of the tool's package."""
        return importlib.metadata.version(self.distribution)


class LineageFlow(Tool):
    """This project, through its public interface."""

    distribution = "lineageflow-jupyter"
    ways: ClassVar[dict[str, str]] = {"": "repo.commit", "read": "repo.read"}

    def open(self, store: Path) -> None:
        """Open or create the repository, as one and the same workspace whichever process asks."""
        import lineageflow_jupyter as lf
        from lineageflow_jupyter.model.records import WorkspaceName

        if not (store / ".lineageflow").exists():
            lf.init(str(store)).close()
        self.repo: Any = lf.open(str(store), workspace=WorkspaceName("benchmark", "localhost", "run.py"))

    def first(self, frame: pd.DataFrame) -> None:
        """Commit."""
        self.repo.commit({NAME: frame}, message="first")

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Commit; the change is found, not told."""
        self.repo.commit({NAME: frame}, message=change.work)

    def read(self, *, first: bool) -> pd.DataFrame:
        """Read the commit before the newest, or the newest."""
        frame: pd.DataFrame = self.repo.read(f"main~1:{NAME}" if first else f"main:{NAME}")
        return frame

    def forget(self) -> None:
        """Empty the hot cache."""
        self.repo.clear_cache()

    def settle(self) -> None:
        """Wait for the hot cache to be written."""
        while self.repo.cache_usage().waiting:
            time.sleep(0.01)

    def close(self) -> None:
        """Close the repository."""
        self.repo.close()

    def version(self) -> str:
        """Return the package's version, or "checkout" where it is run without being installed."""
        try:
            return super().version()
        except importlib.metadata.PackageNotFoundError:
            return "checkout"


class ArcticDB(Tool):
    """ArcticDB on LMDB with de-duplication, with segments of its default size."""

    distribution = "arcticdb"
    ways: ClassVar[dict[str, str]] = {"": "write, dedup=True", "read": "read(as_of)"}
    options: ClassVar[dict[str, int]] = {}

    def open(self, store: Path) -> None:
        """Open or create the library."""
        from arcticdb import Arctic
        from arcticdb.options import LibraryOptions

        self.arctic: Any = Arctic(f"lmdb://{store}?map_size=40GB")
        if not self.arctic.has_library("benchmark"):
            self.arctic.create_library("benchmark", LibraryOptions(dedup=True, **self.options))
        self.library: Any = self.arctic.get_library("benchmark")

    def first(self, frame: pd.DataFrame) -> None:
        """Write."""
        self.library.write(NAME, frame)

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Write the whole frame; the library finds segments equal to the last version's."""
        self.library.write(NAME, frame)

    def read(self, *, first: bool) -> pd.DataFrame:
        """Read a version."""
        frame: pd.DataFrame = self.library.read(NAME, as_of=0 if first else None).data
        return frame

    def close(self) -> None:
        """Drop the handles: LMDB closes with the last."""
        del self.library, self.arctic


class ArcticDBNarrow(ArcticDB):
    """ArcticDB with one column a segment, so that equal columns are found although another one changed."""

    ways: ClassVar[dict[str, str]] = {**ArcticDB.ways, "": "write, dedup=True, columns_per_segment=1"}
    options: ClassVar[dict[str, int]] = {"columns_per_segment": 1}


class ArcticDBTold(ArcticDB):
    """ArcticDB given only the appended rows."""

    ways: ClassVar[dict[str, str]] = {"appended": "append"}

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Append."""
        rows = self.library.get_description(NAME).row_count
        self.library.append(NAME, frame.iloc[rows:])


class Lance(Tool):
    """Lance, overwriting: the old version stays."""

    distribution = "pylance"
    ways: ClassVar[dict[str, str]] = {
        "": "write_dataset(mode=overwrite)",
        "first": "write_dataset",
        "read": "dataset(version).to_table().to_pandas()",
    }

    def open(self, store: Path) -> None:
        """Keep the folder."""
        self.uri = str(store / NAME)

    def first(self, frame: pd.DataFrame) -> None:
        """Write a new dataset."""
        import lance

        lance.write_dataset(arrow(frame), self.uri)

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Overwrite."""
        import lance

        lance.write_dataset(arrow(frame), self.uri, mode="overwrite")

    def read(self, *, first: bool) -> pd.DataFrame:
        """Read a version."""
        import lance

        return labelled(lance.dataset(self.uri, version=1 if first else None).to_table().to_pandas())


class LanceTold(Lance):
    """Lance given the column or rows that changed, where its cheaper way gives back the rows in order."""

    ways: ClassVar[dict[str, str]] = {
        "cells": "drop_columns + add_columns",
        "range": "drop_columns + add_columns",
        "column": "add_columns",
        "appended": "append",
        "dropped": "delete by row id",
        "filtered": "delete by row id",
    }

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Write the next version, the cheapest way that keeps rows in order."""
        import lance

        if change.work in ("cells", "range"):
            dataset = lance.dataset(self.uri)
            dataset.drop_columns([change.column])
            dataset.add_columns(arrow(frame[[change.column]]).to_reader())
        elif change.work == "column":
            lance.dataset(self.uri).add_columns(arrow(frame[[change.column]]).to_reader())
        elif change.work == "appended":
            rows = lance.dataset(self.uri).count_rows()
            lance.write_dataset(arrow(frame.iloc[rows:]), self.uri, mode="append")
        else:
            dataset = lance.dataset(self.uri)
            dataset.delete(f"_rowid in ({','.join(map(str, row_ids(dataset, change.positions)))})")


class LanceUpsertTold(Lance):
    """Lance given the changed rows and their key: cheapest, but changed rows move to the end of the table."""

    ways: ClassVar[dict[str, str]] = {"cells": "merge_insert on the key", "range": "merge_insert on the key"}

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Merge the changed rows into the newest version."""
        import lance

        changed = arrow(frame.iloc[change.positions])
        lance.dataset(self.uri).merge_insert("id").when_matched_update_all().execute(changed)


class Delta(Tool):
    """Delta Lake by delta-rs, compressed with Zstd, which made it faster and smaller than its default."""

    distribution = "deltalake"
    ways: ClassVar[dict[str, str]] = {"": "write_deltalake(mode=overwrite), Zstd 1", "read": "DeltaTable.to_pandas()"}

    def open(self, store: Path) -> None:
        """Keep the folder."""
        self.uri = str(store / NAME)

    def _write(self, frame: pd.DataFrame, **options: Any) -> None:
        from deltalake import WriterProperties, write_deltalake

        properties = WriterProperties(compression="ZSTD", compression_level=1)
        write_deltalake(self.uri, arrow(frame), writer_properties=properties, **options)

    def first(self, frame: pd.DataFrame) -> None:
        """Write a new table."""
        self._write(frame)

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Overwrite."""
        self._write(frame, mode="overwrite", schema_mode="overwrite")

    def read(self, *, first: bool) -> pd.DataFrame:
        """Read a version."""
        from deltalake import DeltaTable

        return labelled(DeltaTable(self.uri, version=0 if first else None).to_pandas())


class DeltaTold(Delta):
    """Delta given only the appended rows. For the rest it has no cheaper way: `merge` and `update` took longer."""

    ways: ClassVar[dict[str, str]] = {"appended": "write_deltalake(mode=append)"}

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Append."""
        from deltalake import DeltaTable

        self._write(frame.iloc[DeltaTable(self.uri).count() :], mode="append")


class Parquet(Tool):
    """One Parquet file a version, as a careful person without a tool keeps them."""

    distribution = "pyarrow"
    ways: ClassVar[dict[str, str]] = {"": "write_table, Zstd 1", "read": "read_table().to_pandas()"}

    def open(self, store: Path) -> None:
        """Keep the folder."""
        self.store = store

    def _write(self, frame: pd.DataFrame) -> None:
        import pyarrow.parquet as pq

        path = self.store / f"{len(self._files()):06d}.parquet"
        pq.write_table(arrow(frame), path, compression="zstd", compression_level=1)

    def first(self, frame: pd.DataFrame) -> None:
        """Write the file of the first version."""
        self._write(frame)

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Write the next file."""
        self._write(frame)

    def read(self, *, first: bool) -> pd.DataFrame:
        """Read the file of a version."""
        import pyarrow.parquet as pq

        return labelled(pq.read_table(self._files()[0 if first else -1]).to_pandas())

    def _files(self) -> list[Path]:
        return sorted(self.store.glob("*.parquet"))


class ParquetTold(Parquet):
    """Parquet files, the appended rows in one of their own; the version is the folder."""

    ways: ClassVar[dict[str, str]] = {"appended": "write_table of the new rows"}

    def write(self, frame: pd.DataFrame, change: Change) -> None:
        """Write a file of the rows after those that the last file ends with."""
        import pyarrow.parquet as pq

        self._write(frame.iloc[pq.read_metadata(self._files()[-1]).num_rows :])

    def read(self, *, first: bool) -> pd.DataFrame:
        """Read all files."""
        import pyarrow.parquet as pq

        frame: pd.DataFrame = pq.read_table(self._files()).to_pandas()
        return frame


TOOLS: dict[str, Callable[[], Tool]] = {
    "lineageflow": LineageFlow,
    "lineageflow-pandas2": LineageFlow,
    "arcticdb": ArcticDB,
    "arcticdb-narrow": ArcticDBNarrow,
    "lance": Lance,
    "delta": Delta,
    "parquet": Parquet,
    "arcticdb-told": ArcticDBTold,
    "lance-told": LanceTold,
    "lance-upsert-told": LanceUpsertTold,
    "delta-told": DeltaTold,
    "parquet-told": ParquetTold,
}


def arrow(frame: pd.DataFrame) -> pa.Table:
    """Return the frame as an Arrow table, with its index where that does more than count."""
    return pa.Table.from_pandas(frame, preserve_index=not isinstance(frame.index, pd.RangeIndex))


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what was read with its labels as index, where a tool took them for a column."""
    return frame.set_index(LABELS) if LABELS in frame.columns else frame


def row_ids(dataset: Any, positions: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    """Return Lance's row ids of positions: the fragment's number in the upper 32 bits, the row within it below."""
    fragments = [(fragment.fragment_id, fragment.count_rows()) for fragment in dataset.get_fragments()]
    starts = np.cumsum([0] + [rows for _, rows in fragments])
    which = np.searchsorted(starts, positions, side="right") - 1
    numbers = np.array([number for number, _ in fragments], dtype=np.int64)
    ids: list[int] = ((numbers[which] << 32) + positions - starts[which]).tolist()
    return ids


def warm_up(tool: Tool, scratch: Path) -> None:
    """Store and read a small frame elsewhere, so that imports and thread pools are not part of what is measured."""
    from tables import mixed, to_frame

    scratch.mkdir()
    frame = to_frame(mixed(2_000))
    tool.open(scratch)
    tool.first(frame)
    if "" in tool.ways:
        tool.write(frame.assign(f1=frame["f1"] + 1), Change("warm-up", "f1", np.empty(0, np.int64), 0))
    tool.read(first=False)
    tool.close()
    shutil.rmtree(scratch)
