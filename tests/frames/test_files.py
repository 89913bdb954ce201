"""Frames go into files and come back: what each format keeps, what it refuses, and that no half file ever shows."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from lineageflow_jupyter.errors import (
    InputError,
    LineageFlowError,
    NameTaken,
    StorageDenied,
    UnknownName,
    UnsupportedData,
    UsageProblem,
)
from lineageflow_jupyter.frames.files import read_file, write_file
from lineageflow_jupyter.testing.strategies import arrow_tables, pandas_frames, polars_frames
from tests.frames.stored_content import assert_label_same

few = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
ENDINGS = [".parquet", ".pq", ".csv", ".csv.gz", ".csv.zip", ".feather", ".arrow", ".jsonl", ".ndjson"]
SOURCE = {"commit": "3f2a91c", "dataset": "flüge", "revision": "main~1"}


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 2, 3], "größe": [1.5, 0.1 + 0.2, -2.0], "name": ['ä,\n"b"', "b", "日本"]})


@pytest.mark.parametrize("ending", ENDINGS)
def test_plain_frames_come_back(tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
    path = tmp_path / f"größe von allem {ending}"
    size = write_file(frame, path, metadata=SOURCE)
    assert size == path.stat().st_size
    assert_frame_equal(read_file(path), frame)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
class TestTyped:
    def test_dtypes_and_index_of_pandas_come_back(self, tmp_path: Path, ending: str) -> None:
        frame = pd.DataFrame(
            {
                "n": pd.array([1, None, 3], "Int64"),
                "c": pd.Categorical(["x", None, "y"], ["y", "x", "z"], ordered=True),
                "t": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin", unit="ns"),
                "p": pd.period_range("2024-01", periods=3, freq="M"),
                "i": pd.interval_range(0, 3),
                "l": [[1, 2], None, []],
                "b": [b"\0", b"x", None],
            },
            index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("b", 3)], names=["letter", None]),
        )
        frame.attrs = {"unit": object()}
        write_file(frame, tmp_path / f"f{ending}", metadata=SOURCE)
        again = read_file(tmp_path / f"f{ending}")
        assert_frame_equal(again.drop(columns="l"), frame.drop(columns="l"))
        assert [None if value is None else list(value) for value in again["l"]] == frame["l"].tolist()

    def test_series_and_named_ranges(self, tmp_path: Path, ending: str) -> None:
        series = pd.Series([1, 2], name="x", index=pd.RangeIndex(5, 7, name="row"))
        write_file(series, tmp_path / f"s{ending}")
        assert_frame_equal(read_file(tmp_path / f"s{ending}"), series.to_frame())

    def test_tables_keep_types_and_their_own_metadata(self, tmp_path: Path, ending: str) -> None:
        schema = pa.schema(
            [pa.field("d", pa.decimal128(9, 2), metadata={"unit": "€"}), pa.field("v", pa.list_(pa.int8()))],
            {"made by": "ü"},
        )
        table = pa.table([[Decimal("1.50"), None], [[1], None]], schema=schema)
        write_file(table, tmp_path / f"t{ending}", metadata=SOURCE)
        again = read_file(tmp_path / f"t{ending}")
        assert again.equals(table)
        assert again.schema.metadata == {b"made by": "ü".encode()}
        assert again.schema.field("d").metadata[b"unit"] == "€".encode()

    def test_frames_without_rows_or_columns(self, tmp_path: Path, ending: str) -> None:
        for number, frame in enumerate([pd.DataFrame(), pd.DataFrame({"x": pd.Series([], dtype="Int8")})]):
            write_file(frame, tmp_path / f"{number}{ending}")
            again = read_file(tmp_path / f"{number}{ending}")
            assert again.shape == frame.shape
            assert again.dtypes.tolist() == frame.dtypes.tolist()
        write_file(pa.table({}), tmp_path / f"none{ending}", metadata=SOURCE)
        assert read_file(tmp_path / f"none{ending}").shape == (0, 0)

    def test_where_it_comes_from_is_written_down(self, tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
        path = tmp_path / f"f{ending}"
        write_file(frame, path, metadata=SOURCE)
        found = (parquet.read_schema(path) if ending == ".parquet" else pa.ipc.open_file(path).schema).metadata
        assert found[b"lineageflow.dataset"] == "flüge".encode()
        assert found[b"lineageflow.commit"] == b"3f2a91c"
        assert b"pandas" in found


@few
@given(arrow_tables())
def test_any_table_comes_back_from_feather(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> None:
    path = tmp_path_factory.mktemp("feather") / "t.arrow"
    write_file(table, path, metadata=SOURCE)
    again = read_file(path)
    assert again.schema.equals(table.schema, check_metadata=True)
    assert again.num_rows == table.num_rows
    values = [[column.to_pylist() for column in found.columns] for found in (again, table)]
    assert_label_same(*values)


@few
@given(st.one_of(pandas_frames(), polars_frames(), arrow_tables()))
def test_every_frame_is_written_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, frame) -> None:
    folder = tmp_path_factory.mktemp("any")
    told: list[str] = []
    for ending in (".parquet", ".csv", ".feather", ".jsonl"):
        path = folder / f"f{ending}"
        try:
            write_file(frame, path)
        except UnsupportedData as error:
            told.append(str(error))
            assert not path.exists()
            continue
        found = read_file(path) if ending in (".parquet", ".feather") else None
        assert found is None or len(found) == len(frame)
    assert not any("\n" in text for text in told)


class TestParquet:
    def test_is_packed_in_groups_of_bearable_size(self, tmp_path: Path) -> None:
        wide = pa.table({f"c{number}": np.arange(40_000.0) for number in range(300)})
        write_file(wide, tmp_path / "wide.parquet")
        found = parquet.ParquetFile(tmp_path / "wide.parquet").metadata
        assert found.row_group(0).column(0).compression == "ZSTD"
        assert found.row_group(0).num_rows == 64 * 2**20 // (300 * 8)
        assert found.num_rows == 40_000

    def test_a_folder_with_an_equals_sign_adds_no_column(self, tmp_path: Path, frame: pd.DataFrame) -> None:
        (tmp_path / "year=2024").mkdir()
        write_file(frame, tmp_path / "year=2024" / "f.parquet")
        assert list(read_file(tmp_path / "year=2024" / "f.parquet").columns) == list(frame.columns)

    def test_what_it_cannot_hold(self, tmp_path: Path) -> None:
        path = tmp_path / "f.parquet"
        twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"])
        assert "cannot hold column 'x' (the name occurs twice)" in refused(UnsupportedData, twice, path)
        spans = pa.table({"ok": [1], "span": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})
        assert "column 'span'" in refused(UnsupportedData, spans, path)
        assert "Write feather instead" in refused(UnsupportedData, spans, path)
        assert "column 'z'" in refused(UnsupportedData, pd.DataFrame({"a": [1], "z": [1 + 2j]}), path)
        told = refused(UnsupportedData, pd.DataFrame([[1, 2]], columns=["x", "x"]), path)
        assert "Duplicate column names" in told


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
def test_what_is_written_can_be_read(tmp_path: Path, ending: str) -> None:
    """Arrow writes categories that are intervals, and nulls of lists of one length, that not every version can read."""
    intervals = pd.DataFrame({"ok": [1], "group": pd.Categorical(pd.interval_range(0, 1))})
    lists = pa.table({"ok": [1, 2], "group": pa.array([[1, 2], None], pa.list_(pa.int8(), 2))})
    told = []
    for number, frame in enumerate((intervals, lists)):
        path = tmp_path / f"{number}{ending}"
        try:
            write_file(frame, path)
        except UnsupportedData as error:
            told.append(str(error))
        else:
            assert read_file(path).shape == frame.shape
    assert all(f"{ending[1:]} cannot hold column 'group'" in text and "Write " in text for text in told)
    write_file(intervals, tmp_path / "f.jsonl")


class TestCsv:
    def test_the_index_is_written_where_it_says_something(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"x": [1, 2]})

        def header(frame: pd.DataFrame | pd.Series) -> str:
            write_file(frame, tmp_path / "f.csv", force=True)
            return (tmp_path / "f.csv").read_text().split("\n")[0]

        assert header(frame) == "x"
        assert header(frame.rename_axis("row")) == "row,x"
        assert header(frame.set_axis(["a", "b"])) == "index,x"
        assert header(pd.concat({"k": frame})) == "level_0,level_1,x"
        assert header(frame["x"]) == "x"
        clash = frame.set_axis(pd.Index([5, 6], name="x"))
        assert "Rename the index" in refused(UnsupportedData, clash, tmp_path / "g.csv")

    def test_integers_with_nulls_stay_integers(self, tmp_path: Path) -> None:
        table = pa.table({"n": pa.array([2**60 + 1, None]), "d": pa.array([1.5, None])})
        for number, source in enumerate([table, pl.from_arrow(table), table.to_batches()[0]]):
            write_file(source, tmp_path / f"{number}.csv")
            assert (tmp_path / f"{number}.csv").read_text() == f"n,d\n{2**60 + 1},1.5\n,\n"

    def test_packed_files_are_what_their_names_say(self, tmp_path: Path, frame: pd.DataFrame) -> None:
        (tmp_path / "again").mkdir()
        for name in ("a.csv", "a.csv.gz", "a.csv.zip", "again/a.csv.gz"):
            write_file(frame, tmp_path / name)
        plain = (tmp_path / "a.csv").read_bytes()
        assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == plain
        assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "again" / "a.csv.gz").read_bytes()
        with zipfile.ZipFile(tmp_path / "a.csv.zip") as archive:
            assert archive.namelist() == ["a.csv"]
            assert archive.read("a.csv") == plain

    @pytest.mark.parametrize("value", [[1], (1, 2), {"a": 1}, b"x", np.array([1])])
    def test_nested_values_and_bytes(self, tmp_path: Path, value: object) -> None:
        column = pd.Series([None, value], dtype=object)
        told = refused(UnsupportedData, pd.DataFrame({"ok": [1, 2], "bad": column}), tmp_path / "f.csv")
        assert "csv cannot hold column 'bad'" in told
        assert "Write parquet instead" in told
        arrow = pd.DataFrame({"bad": pd.array([[1]], pd.ArrowDtype(pa.list_(pa.int8())))})
        assert "column 'bad'" in refused(UnsupportedData, arrow, tmp_path / "f.csv")
        assert "column 'bad'" in refused(UnsupportedData, pa.table({"bad": [[1]]}), tmp_path / "f.csv")

    def test_labels_of_several_levels_and_no_columns(self, tmp_path: Path) -> None:
        levels = pd.DataFrame({("a", "b"): [1]})
        assert "2 levels" in refused(UnsupportedData, levels, tmp_path / "f.csv")
        assert "without columns" in refused(UnsupportedData, pd.DataFrame(), tmp_path / "f.csv")


class TestJsonLines:
    def test_values_are_exact(self, tmp_path: Path) -> None:
        table = pa.table(
            {
                "f": [0.1 + 0.2, float("nan"), None],
                "i": [2**63 - 1, -1, None],
                "t": pa.array([0, 1, None], pa.timestamp("ns")),
                "z": pa.array([0, 1, None], pa.timestamp("s", "Europe/Berlin")),
                "e": pa.array([1, 10**9, None], pa.duration("ns")),
                "n": [[1, 2], [], None],
                "s": [{"a": "ü", "b": [True]}, None, {"a": None, "b": []}],
                "c": pa.array(["x", "y", None]).dictionary_encode(),
                "d": [Decimal("1.10"), Decimal("2.00"), None],
            }
        )
        write_file(table, tmp_path / "f.jsonl")
        rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text(encoding="utf-8").splitlines()]
        assert rows[0] == {
            "f": 0.1 + 0.2, "i": 2**63 - 1, "t": "1970-01-01T00:00:00", "z": "1970-01-01T01:00:00+01:00",
            "e": "P0DT0H0M0.000000001S", "n": [1, 2], "s": {"a": "ü", "b": [True]}, "c": "x", "d": "1.10",
        }  # fmt: skip
        assert (rows[1]["f"], rows[1]["n"], rows[1]["s"]) == (None, [], None)
        assert rows[2] == dict.fromkeys(rows[0]) | {"s": {"a": None, "b": []}}
        assert "ü" in (tmp_path / "f.jsonl").read_text(encoding="utf-8")

    def test_the_index_comes_along(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="letter"))
        write_file(frame, tmp_path / "f.jsonl")
        assert (tmp_path / "f.jsonl").read_text() == '{"letter":"a","x":1}\n{"letter":"b","x":2}\n'

    def test_many_rows(self, tmp_path: Path) -> None:
        table = pa.chunked_array([np.arange(30_000), np.arange(5)])
        write_file(pa.table({"x": table}), tmp_path / "f.jsonl")
        assert read_file(tmp_path / "f.jsonl")["x"].tolist() == table.to_pylist()

    def test_what_it_cannot_hold(self, tmp_path: Path) -> None:
        path = tmp_path / "f.jsonl"
        for kind in (pa.binary(), pa.list_(pa.binary(2)), pa.struct([("a", pa.large_binary())])):
            table = pa.table({"ok": [1], "bad": pa.nulls(1, kind)})
            assert "jsonl cannot hold column 'bad' (JSON has no bytes)" in refused(UnsupportedData, table, path)
        assert "no infinity" in refused(UnsupportedData, pa.table({"bad": [float("-inf")]}), path)
        assert "column 'bad'" in refused(UnsupportedData, pa.table({"ok": [1], "bad": [[float("nan")]]}), path)
        twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"])
        assert "'x' (the name occurs twice)" in refused(UnsupportedData, twice, path)
        assert "'0' (the name occurs twice)" in refused(UnsupportedData, pd.DataFrame({0: [1], "0": [2]}), path)
        assert not path.exists()


# --- refusals --------------------------------------------------------------------------------------------------------


def refused(kind: type[LineageFlowError], frame: object, path: Path, **options: object) -> str:
    with pytest.raises(kind) as caught:
        write_file(frame, path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def unread(kind: type[LineageFlowError], path: Path, **options: object) -> str:
    with pytest.raises(kind) as caught:
        read_file(path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_formats_are_said_or_seen(tmp_path: Path, frame: pd.DataFrame) -> None:
    told = refused(UsageProblem, frame, tmp_path / "f.xlsx")
    assert "f.xlsx names no format" in told
    assert "parquet (.parquet, .pq); csv (.csv, .csv.gz, .csv.zip)" in told
    assert "there is no format 'excel'" in unread(UnknownName, tmp_path / "f.csv", format="excel")
    write_file(frame, tmp_path / "data.txt", format="csv")
    assert_frame_equal(read_file(tmp_path / "data.txt", format="csv"), frame)
    write_file(frame, tmp_path / "data.xz", format="csv")
    assert_frame_equal(read_file(tmp_path / "data.xz", format="csv"), frame)


def test_files_that_are_not_there(tmp_path: Path, frame: pd.DataFrame) -> None:
    write_file(frame, tmp_path / "flights.csv")
    assert "Did you mean flights.csv?" in unread(UnknownName, tmp_path / "fligths.csv")
    unread(UnknownName, tmp_path / "gone" / "f.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in unread(InputError, tmp_path / "folder.csv")
    assert "is a folder" in refused(InputError, frame, tmp_path / "folder.csv", force=True)
    assert "there is no folder" in refused(InputError, frame, tmp_path / "gone" / "f.csv")
    assert "is no frame" in refused(UsageProblem, [1], tmp_path / "f.csv")


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz", ".csv.zip", ".feather", ".jsonl"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe no \x00 file", b"ARROW1\0\0" + bytes(64), b"PAR1" + bytes(64)])
def test_malformed_files(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"f{ending}"
    path.write_bytes(content)
    if ending == ".jsonl" and not content:
        assert read_file(path).empty
    else:
        assert f"{path} does not read as" in unread(InputError, path)


@pytest.mark.parametrize("ending", [".parquet", ".csv.gz", ".feather", ".csv.zip"])
def test_files_that_end_too_early(tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
    path = tmp_path / f"f{ending}"
    write_file(frame, path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    assert "does not read as" in unread(InputError, path)


@pytest.mark.parametrize("content", [b"", b'a,b\n1,2,3\n4,5,6,7\n"', b"a\n\xff\n"])
def test_malformed_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    assert "does not read as csv" in unread(InputError, path)


@pytest.fixture
def place_of_another_user() -> Iterator[Path]:
    """A folder with a file, both of somebody else: root becomes nobody in particular meanwhile."""
    place = Path(tempfile.mkdtemp())  # pytest's own folders let nobody else in
    root = os.geteuid() == 0
    try:
        (place / "f.csv").write_text("x\n1\n")
        (place / "f.csv").chmod(0)
        place.chmod(0o555)
        if root:
            os.seteuid(65534)
        yield place
    finally:
        if root:
            os.seteuid(0)
        place.chmod(0o755)
        shutil.rmtree(place)


def test_forbidden_places(place_of_another_user: Path, frame: pd.DataFrame) -> None:
    assert "cannot read" in unread(StorageDenied, place_of_another_user / "f.csv")
    assert "cannot write" in refused(StorageDenied, frame, place_of_another_user / "g.csv")
    assert "cannot write" in refused(StorageDenied, frame, place_of_another_user / "f.csv", force=True)


# --- whole files only ------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_stays(tmp_path: Path, frame: pd.DataFrame) -> None:
    path = tmp_path / "f.csv"
    path.write_text("mine")
    assert "Choose another name" in refused(NameTaken, frame, path)
    assert path.read_text() == "mine"
    write_file(frame, path, force=True)
    assert_frame_equal(read_file(path), frame)
    refused(UnsupportedData, pd.DataFrame({"x": [b"x"]}), path, force=True)
    assert_frame_equal(read_file(path), frame)


def test_a_file_that_appears_meanwhile_stays(
    tmp_path: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.csv"
    sync = os.fsync

    def somebody_is_faster(descriptor: int) -> None:
        path.write_text("theirs")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", somebody_is_faster)
    refused(NameTaken, frame, path)
    assert [found.name for found in tmp_path.iterdir()] == ["f.csv"]
    assert path.read_text() == "theirs"


def test_file_systems_without_hard_links(tmp_path: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(self: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    write_file(frame, tmp_path / "f.csv")
    assert_frame_equal(read_file(tmp_path / "f.csv"), frame)
    assert [found.name for found in tmp_path.iterdir()] == ["f.csv"]


def test_links_are_followed(tmp_path: Path, frame: pd.DataFrame) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "f.csv")
    write_file(frame, tmp_path / "link.csv")
    write_file(frame.head(1), tmp_path / "link.csv", force=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read_file(tmp_path / "real" / "f.csv")) == 1


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".feather", ".jsonl"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, ending: str, stop: type[BaseException]
) -> None:
    def interrupted(descriptor: int) -> None:
        raise stop

    path = tmp_path / f"f{ending}"
    write_file(frame, path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", interrupted)
    for options in ({"force": True}, {}):
        with pytest.raises((stop, NameTaken)):
            write_file(frame.head(1), path, **options)
    with pytest.raises(stop):
        write_file(frame, tmp_path / f"g{ending}")
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


FULL = """
import resource, sys
import numpy as np, pandas as pd
from lineageflow_jupyter.errors import StorageFull
from lineageflow_jupyter.frames.files import write_file
frame = pd.DataFrame({"x": np.random.default_rng(0).random(100_000)})
write_file(frame.head(1), sys.argv[1] + "/warm" + sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_file(frame, sys.argv[1] + "/f" + sys.argv[2])
except StorageFull as error:
    sys.exit(0)
sys.exit(3)
"""


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".feather", ".jsonl"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, ending: str) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path), ending], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [found.name for found in tmp_path.iterdir()] == [f"warm{ending}"]
