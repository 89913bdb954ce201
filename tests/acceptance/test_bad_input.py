"""What cannot be done is refused in one clear line, and nothing has changed on the disk."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import xxhash

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import CorruptData, LineageFlowError, RefMoved, StorageError
from lineageflow_jupyter.model.ids import short
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.shell import TestingShell
from tests.acceptance.disk import CATALOG, contents
from tests.frames.stored_content import assert_same

ADA = lf.WorkspaceName("ada", "box", "a.ipynb")
FRAME = pd.DataFrame({"id": [1, 2, 3], "price": [0.5, None, 2.5], "name": ["a", "b", None]})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Folder of a repository with two commits of t, keyed by id."""
    with lf.init(tmp_path / "place", workspace=ADA) as repo:
        repo.commit({"t": FRAME}, message="one", keys={"t": ["id"]})
        repo.commit({"t": FRAME.assign(price=1.0), "flights": FRAME}, message="two")
    return tmp_path / "place"


@pytest.fixture
def repo(place: Path) -> Iterator[Repository]:
    with lf.open(place, workspace=ADA) as repo:
        yield repo


@contextlib.contextmanager
def refused(place: Path, code: str, *says: str) -> Iterator[None]:
    """The block raises an error with that code and those words in one line, and the disk stays as it is."""
    before = contents(place)
    with pytest.raises(LineageFlowError) as raised:
        yield
    text = str(raised.value)
    assert raised.value.code == code, text
    assert raised.value.remedy, "it says what to do next"
    assert "\n" not in text
    for words in says:
        assert words in text, text
    assert contents(place) == before


class TestRequests:
    @pytest.mark.parametrize(
        ("column", "says"),
        [
            ([1, "a", None], ["column 'c', row 1", "'a'", "str", "int", 'df["c"]']),
            ([1.5, 2.5, {"k": 1}], ["column 'c', row 2", "dict"]),
            ([object()] * 3, ["column 'c', row 0", "object"]),
            (pd.arrays.SparseArray([0, 0, 1]), ["column 'c'", "Sparse"]),
        ],
        ids=["mixed", "dict", "object", "sparse"],
    )
    def test_values_that_could_not_come_back(
        self, repo: Repository, place: Path, column: object, says: list[str]
    ) -> None:
        with refused(place, "unsupported-data", "'bad'", *says):
            repo.commit({"good": FRAME, "bad": pd.DataFrame({"c": column})}, message="m")

    @pytest.mark.parametrize("value", [[1, 2], {"a": [1]}, "flights.csv", None, np.arange(3)], ids=repr)
    def test_what_is_no_frame(self, repo: Repository, place: Path, value: object) -> None:
        with refused(place, "unsupported-data", "'x'", "not a frame", "Pass a pandas or polars DataFrame"):
            repo.commit({"x": value}, message="m")

    def test_a_name_that_is_not_a_frame(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(place)
        monkeypatch.setenv("LINEAGEFLOW_TRACK", "0")  # that cells ran is recorded, whatever they asked for
        with TestingShell.start() as shell:
            shell.run("%load_ext lineageflow_jupyter")
            shell.run("import pandas as pd; flights = pd.DataFrame({'x': [1]}); number = 5")
            shell.run("%lf status")  # a notebook of which nothing was known
            before = contents(place)
            assert "number" in shell.refused("%lf commit number -m m")
            assert "flights" in shell.refused("%lf commit fligths -m m")
            assert contents(place) == before

    def test_unknown_revisions_and_datasets(self, repo: Repository, place: Path) -> None:
        with refused(place, "unknown-name", "no revision 'mian'", "Did you mean main?"):
            repo.read("mian:t")
        with refused(place, "unknown-name", "no dataset 'fligths' at 'main'", "Did you mean flights?"):
            repo.read("main:fligths")
        with refused(place, "unknown-name", "no dataset 'zzz' at 'HEAD~1'", "HEAD~1 holds: t"):
            repo.checkout("HEAD~1", ["zzz"])
        with refused(place, "unknown-name", "no column 'prize'", "Did you mean price?"):
            repo.read("t", columns=["prize"])
        with refused(place, "unknown-name", "no branch 'mian'", "Did you mean main?"):
            repo.commit({"t": FRAME}, message="m", branch="mian")

    @pytest.mark.parametrize(
        ("frame", "says"),
        [
            (FRAME.assign(id=[1, 2, 1]), ["key id of 't' is not unique", "id=1 appears again in row 2"]),
            (FRAME.assign(id=[1, None, 3]), ["key column 'id' of 't' has no value in row 1", "Fill or drop"]),
            (FRAME.drop(columns="id"), ["key column 'id' of 't' does not exist", "Columns: price, name"]),
            (FRAME.assign(id=[[1], [2], [3]]), ["key column 'id' of 't'", "list", "cannot identify rows"]),
        ],
        ids=["duplicate", "null", "missing", "list"],
    )
    def test_keys_that_identify_no_row(
        self, repo: Repository, place: Path, frame: pd.DataFrame, says: list[str]
    ) -> None:
        with refused(place, "key-violation", *says):
            repo.commit({"other": FRAME, "t": frame}, message="m")

    def test_names_messages_and_what_was_not_seen(self, repo: Repository, place: Path) -> None:
        with refused(place, "invalid-name", "'a b' cannot be the name of a dataset", "contains ' '"):
            repo.commit({"a b": FRAME}, message="m")
        with refused(place, "usage", "an empty one found", '-m "what and why"'):
            repo.commit({"t": FRAME}, message=" ")
        with refused(place, "name-taken", "'main' exists already"):
            repo.branch("main")
        with lf.open(place, workspace=lf.WorkspaceName("bob", "box", "b.ipynb")) as other:
            other.commit({"t": FRAME.assign(price=9.0)}, message="three")
        before = {name for name in contents(place) if "/packs/" in name}
        with pytest.raises(RefMoved, match="'main' holds a version of 't'"):
            repo.commit({"t": FRAME.assign(price=7.0)}, message="mine")
        assert {name for name in contents(place) if "/packs/" in name} == before


class TestFullDisk:
    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        """An empty file system of 6 MiB."""
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
        if os.geteuid() or shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
            pytest.skip("needs the right to mount; a limit on the size of files stands in for a full disk below")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)

    def test_a_frame_that_does_not_fit(self, small_disk: Path) -> None:
        with lf.init(small_disk, workspace=ADA) as repo:
            repo.commit({"t": FRAME}, message="one")
            large = pd.DataFrame({"x": np.random.default_rng(1).random(1_500_000)})
            with refused(small_disk, "storage-full", "Free space", "nothing was recorded"):
                repo.commit({"t": large}, message="two")
            assert_same(FRAME, repo.read("t"))
            assert repo.commit({"t": large[:1_000]}, message="smaller").created
            repo.fsck()

    def test_a_disk_that_fills_up_at_any_moment(self, small_disk: Path) -> None:
        """Some of the commit's writes fit, the next does not: of packs, of the catalog, of the journal."""
        with lf.init(small_disk, workspace=ADA) as repo:
            repo.commit({"t": FRAME}, message="start")
        refusals, recorded = [], 0
        for room in range(0, 160, 4):
            with lf.open(small_disk, workspace=ADA) as repo:
                before = contents(small_disk)
                tip = repo.resolve("main").id
                frame = FRAME.assign(price=float(room), noise=np.random.default_rng(room).random(3))
                fill(small_disk, room * 1024)
                try:
                    repo.commit({"t": frame}, message=f"room for {room} KiB")
                except StorageError as error:
                    refusals.append(error.code)
                    if "took effect" in str(error):
                        assert_same(frame, repo.read("t"))
                    else:
                        assert repo.resolve("main").id == tip
                        assert not [name for name in contents(small_disk) if "/tmp/" in name]
                        kept = {name: digest for name, digest in contents(small_disk).items() if name in before}
                        assert kept == before  # a pack may be left as garbage, but is nowhere mentioned
                else:
                    recorded += 1
                with lf.open(small_disk, workspace=lf.WorkspaceName("ada", "box", f"{room}")) as reader:
                    assert len(reader.read("t")) == 3  # what is there can be read on a full disk
                    reader.fsck()
            (small_disk / "filler").unlink()
        assert set(refusals) == {"storage-full"}
        assert recorded > 2
        with lf.open(small_disk, workspace=ADA) as repo:
            repo.read("t")
            assert repo.commit({"t": FRAME.assign(price=-1.0)}, message="with room again").created
            operations = repo._catalog.operations()
        assert len(list((small_disk / ".lineageflow" / "objects" / "journal").iterdir())) == len(operations)

    def test_init_on_a_full_disk_can_be_repeated(self, small_disk: Path) -> None:
        for room in (0, 4, 16, 40, 80):
            fill(small_disk, room * 1024)
            try:
                with pytest.raises(StorageError, match=r"Free|Check"):
                    lf.init(small_disk).close()
            finally:
                (small_disk / "filler").unlink()
        with lf.init(small_disk) as repo:
            assert repo.commit({"t": FRAME}, message="one").created

    def test_a_limit_on_the_size_of_files(self, place: Path) -> None:
        """As on a full disk, but any user can have it."""
        with lf.open(place, workspace=ADA) as repo:
            repo.read("t")
        before = contents(place)
        answer = run_python(
            """
            import resource, sys
            import numpy as np, pandas as pd, lineageflow_jupyter as lf
            from lineageflow_jupyter.errors import StorageFull
            repo = lf.open(sys.argv[1], workspace=lf.WorkspaceName("ada", "box", "a.ipynb"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
            try:
                repo.commit({"t": pd.DataFrame({"id": range(200_000), "x": np.random.rand(200_000)})}, message="m")
            except StorageFull as error:
                print(error)
            assert len(repo.read("t")) == 3
            """,
            place,
        )
        assert "cannot write" in answer
        assert "nothing was recorded" in answer
        assert contents(place) == before


def fill(folder: Path, room: int) -> None:
    """Fill a file system up to so many bytes."""
    descriptor = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        with contextlib.suppress(OSError):
            while True:
                os.write(descriptor, bytes(1 << 16))
        with contextlib.suppress(OSError):
            while True:
                os.write(descriptor, bytes(512))
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - room)
    finally:
        os.close(descriptor)


def run_python(script: str, *arguments: object) -> str:
    """Output of a script that must succeed, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestReadOnly:
    @pytest.fixture
    def shown(self, place: Path) -> Iterator[Path]:
        """The repository in a place that everybody may read and nobody may write."""
        folder = Path(tempfile.mkdtemp(prefix="lineageflow-test-"))  # pytest's own folders are for their owner alone
        try:
            copy = folder / "shown"
            shutil.copytree(place, copy)
            (copy / "below").mkdir()
            folder.chmod(0o755)
            for path in [copy, *copy.rglob("*")]:
                path.chmod(0o555 if path.is_dir() else 0o444)
            yield copy
        finally:
            for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
                path.chmod(0o755)
            shutil.rmtree(folder)

    def test_it_can_be_read_and_nothing_else(self, shown: Path, tmp_path: Path) -> None:
        before = files_of(shown)
        answer = run_python(
            """
            import json, os, sys
            import pandas as pd, lineageflow_jupyter as lf
            from lineageflow_jupyter.errors import LineageFlowError
            place, scratch = sys.argv[1:]
            with lf.init(scratch) as warm:  # imports what an unprivileged user might not be allowed to
                warm.commit({"t": pd.DataFrame({"x": [1]})}, message="m")
                warm.read("t")
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            found = {}
            repo = lf.open(place)
            found["rows"] = len(repo.read("t"))
            found["older"] = repo.read("HEAD~1:t")["price"].tolist()
            found["log"] = [record.commit.message for record in repo.log()]
            found["checkout"] = list(repo.checkout("main").frames)
            found["state"] = repo.status({"t": repo.read("t")}).datasets[-1].state
            found["fsck"] = repo.fsck()
            frame = pd.DataFrame({"id": [1]})
            for name, call in {
                "commit": lambda: repo.commit({"t": frame}, message="m"),
                "branch": lambda: repo.branch("b"),
                "stash": lambda: repo.stash({"t": frame}, message="m"),
                "init": lambda: lf.init(place + "/below"),
            }.items():
                try:
                    call()
                except LineageFlowError as error:
                    found[name] = [error.code, str(error)]
            repo.close()
            print(json.dumps(found))
            """,
            shown,
            tmp_path / "scratch",
        )
        found = json.loads(answer)
        assert found["rows"] == 3
        assert found["older"][0] == 0.5
        assert found["log"] == ["two", "one"]
        assert found["checkout"] == ["flights", "t"]
        assert found["state"] == "unchanged"
        assert found["fsck"] > 5
        for verb in ("commit", "branch", "stash", "init"):
            code, text = found[verb]
            assert code == "storage-denied", text
            assert str(shown) in text
            assert ". " in text
        assert files_of(shown) == before


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestDamage:
    """Stored bytes that changed: the read is right, or it says which chunk, pack, dataset and column are damaged."""

    @pytest.fixture
    def frame(self) -> pd.DataFrame:
        rng = np.random.default_rng(4)
        return pd.DataFrame(
            {
                "number": rng.integers(0, 1000, 900),
                "text": rng.integers(0, 30, 900).astype(str),
                "category": pd.Categorical(rng.integers(0, 5, 900).astype(str)),
                "missing": pd.array([1, None, 3] * 300, dtype="Int64"),
            },
            index=pd.Index(np.arange(900) * 7, name="row"),
        )

    @pytest.fixture
    def pack(self, tmp_path: Path, frame: pd.DataFrame) -> Path:
        """The only pack of a repository in `tmp_path`."""
        with lf.init(tmp_path, workspace=ADA) as repo:
            repo.commit({"t": frame}, message="m")
        (pack,) = (tmp_path / ".lineageflow" / "objects" / "packs").iterdir()
        pack.chmod(0o644)
        return pack

    def test_flipped_bits(self, tmp_path: Path, pack: Path, frame: pd.DataFrame) -> None:
        whole = pack.read_bytes()
        owners = owners_of_bytes(tmp_path)
        chance = random.Random(11)
        positions = {*range(12), *range(len(whole) - 12, len(whole)), *chance.sample(range(len(whole)), 150)}
        positions |= {edge for start, stop, _, _ in owners for edge in (start, start + 8, stop - 1)}
        damaged = 0
        for position in sorted(positions):
            data = bytearray(whole)
            data[position] ^= 1 << chance.randrange(8)
            pack.write_bytes(data)
            struck = next((owner for owner in owners if owner[0] <= position < owner[1]), None)
            with lf.open(tmp_path, workspace=ADA) as repo:
                error = read_or_error(repo, frame)
                assert struck is None or error is not None
                if error is None:
                    continue
                damaged += 1
                assert pack.stem in str(error)
                assert "backup" in error.remedy
                with pytest.raises(CorruptData):
                    repo.fsck()
                if struck is not None:
                    _, _, oid, column = struck
                    assert short(oid, 12) in str(error)
                    assert f"column '{column}' of dataset 't'" in str(error)
                    other = "text" if column == "number" else "number"
                    if column in frame.columns:
                        assert_same(frame[[other]], repo.read("t", columns=[other]))  # the others are still there
        assert damaged > len(positions) / 2

    def test_truncated_packs(self, tmp_path: Path, pack: Path, frame: pd.DataFrame) -> None:
        whole = pack.read_bytes()
        errors = 0
        for length in (*range(0, len(whole), 397), len(whole) - 1):
            pack.write_bytes(whole[:length])
            with lf.open(tmp_path, workspace=ADA) as repo:
                error = read_or_error(repo, frame)
                if error is not None:
                    errors += 1
                    assert pack.stem in str(error)
                    assert f"{length:,} bytes" in str(error)
                    assert "fsck" in error.remedy
        assert errors > len(whole) / 397 / 2

    def test_a_missing_pack(self, tmp_path: Path, pack: Path, frame: pd.DataFrame) -> None:
        pack.unlink()
        with lf.open(tmp_path, workspace=ADA) as repo:
            for call in (lambda: repo.read("t"), repo.fsck, lambda: repo.checkout("HEAD")):
                with refused(tmp_path, "object-missing", pack.stem, "backup"):
                    call()
            with refused(tmp_path, "object-missing", pack.stem):
                repo.commit({"t": frame}, message="rests on what is gone")
            assert [record.commit.message for record in repo.log()] == ["m"]

    def test_a_missing_pack_of_one_column_names_it(self, tmp_path: Path, pack: Path, frame: pd.DataFrame) -> None:
        new = frame.assign(added=np.random.default_rng(6).random(900))
        with lf.open(tmp_path, workspace=ADA) as repo:
            repo.commit({"t": new}, message="another pack")
        pack.unlink()
        with (
            lf.open(tmp_path, workspace=ADA) as repo,
            refused(tmp_path, "object-missing", "dataset 't'", pack.stem, "is gone"),
        ):
            repo.read("t")

    def test_content_that_is_not_what_its_id_says(self, tmp_path: Path, pack: Path, frame: pd.DataFrame) -> None:
        """Checksums fit, since somebody made them fit: fsck compares ids."""
        data = bytearray(pack.read_bytes())
        start, stop, oid, _ = next(owner for owner in owners_of_bytes(tmp_path) if owner[3] == "number")
        data[stop - 3] ^= 1
        data[start : start + 8] = xxhash.xxh3_64_intdigest(data[start + 8 : stop]).to_bytes(8, "little")
        pack.write_bytes(data)
        with lf.open(tmp_path, workspace=ADA) as repo, pytest.raises(CorruptData, match=short(oid, 12)):
            repo.fsck()


def read_or_error(repo: Repository, frame: pd.DataFrame) -> CorruptData | None:
    """Read t, which is either right or refused as damaged."""
    try:
        found = repo.read("t")
    except CorruptData as error:
        return error
    assert_same(frame, found)
    return None


def owners_of_bytes(folder: Path) -> list[tuple[int, int, bytes, str]]:
    """For each chunk in the pack: first byte, byte after the last, id, and the column that it is part of."""
    with lf.open(folder, workspace=ADA) as repo:
        objects = repo._objects
        (entry,) = objects.tree(repo.resolve("HEAD").commit.tree).entries
        columns = [(column.name, column.column) for column in objects.table(entry.table).columns]
        companions = objects.frame(entry.frame).companions
        columns += [(f"companion {number}", oid) for number, oid in enumerate(companions)]
        owners = []
        for name, oid in columns:
            (column,) = objects.columns([oid])
            for chunk, place in repo._catalog.locate([chunk.id for chunk in column.chunks]).items():
                owners.append((place.offset, place.offset + place.length, chunk, name))
        return owners


class TestForeignRepositories:
    def test_a_store_of_a_newer_format(self, place: Path) -> None:
        path = place / ".lineageflow" / "objects" / "repository.json"
        rewrite(path, path.read_text().replace('"format": 1', '"format": 2'))
        with refused(place, "newer-format", "format 2", "reads up to 1", "pip install -U lineageflow-jupyter"):
            lf.open(place)

    def test_a_catalog_of_a_newer_format(self, place: Path) -> None:
        change_catalog(place, "UPDATE meta SET value = '7' WHERE name = 'format'")
        with refused(place, "newer-format", "format 7", "pip install -U lineageflow-jupyter"):
            lf.open(place)

    def test_a_catalog_of_a_newer_revision(self, place: Path) -> None:
        change_catalog(place, "UPDATE lineageflow_alembic_version SET version_num = '9999'")
        with refused(place, "newer-format", "'9999'", "pip install -U lineageflow-jupyter"):
            lf.open(place)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "catalog": "no uuid"}', "\0\0"])
    def test_a_damaged_mark(self, place: Path, text: str) -> None:
        rewrite(place / ".lineageflow" / "objects" / "repository.json", text)
        with refused(place, "corrupt-data", "repository.json is damaged", "backup"):
            lf.open(place)

    def test_no_mark_although_there_is_a_history(self, place: Path) -> None:
        (place / ".lineageflow" / "objects" / "repository.json").unlink()
        with refused(place, "not-a-repository", "holds no repository.json", "backup"):
            lf.open(place)

    def test_a_catalog_of_another_repository(self, place: Path, tmp_path: Path) -> None:
        lf.init(tmp_path / "other").close()
        for path in (tmp_path / "other" / ".lineageflow").glob(f"{CATALOG}*"):
            shutil.copy(path, place / ".lineageflow")
        with refused(place, "wrong-catalog", "the objects belong to catalog", "Put back the catalog"):
            lf.open(place)

    def test_two_catalogs_of_one_store(self, place: Path, tmp_path: Path) -> None:
        """A second repository whose objects are a link to the first one's."""
        second = tmp_path / "second"
        lf.init(second).close()
        shutil.rmtree(second / ".lineageflow" / "objects")
        (second / ".lineageflow" / "objects").symlink_to(place / ".lineageflow" / "objects")
        before = contents(place)
        with refused(second, "wrong-catalog", "the objects belong to catalog"):
            lf.open(second)
        assert contents(place) == before

    def test_objects_whose_catalog_is_gone(self, place: Path) -> None:
        for path in (place / ".lineageflow").glob(f"{CATALOG}*"):
            path.unlink()
        with refused(place, "wrong-catalog", "which is not there", "from a backup"):
            lf.init(place)
        with refused(place, "not-a-repository", "no LineageFlow repository"):
            lf.open(place)

    @pytest.mark.parametrize("damage", ["garbage", "cut", "empty"])
    def test_a_damaged_catalog(self, place: Path, damage: str) -> None:
        path = place / ".lineageflow" / CATALOG
        whole = path.read_bytes()
        rewrite(
            path, {"garbage": b"no database at all" * 500, "cut": whole[: len(whole) // 2 + 100], "empty": b""}[damage]
        )
        before = files_of(place)
        with pytest.raises(LineageFlowError) as raised, lf.open(place, workspace=ADA) as repo:
            repo.fsck()
        assert raised.value.code in ("corrupt-data", "not-a-repository")
        assert str(path) in str(raised.value)
        assert raised.value.remedy
        objects = {name: data for name, data in before.items() if CATALOG not in name}
        assert {name: data for name, data in files_of(place).items() if CATALOG not in name} == objects

    def test_objects_that_have_vanished(self, place: Path) -> None:
        shutil.rmtree(place / ".lineageflow" / "objects")
        with refused(place, "not-a-repository", "no folder of objects", "backup"):
            lf.open(place)


class TestNetwork:
    def test_a_network_file_system_is_refused(
        self, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The kernel's own table says that the folder is on NFS."""
        table = tmp_path / "proc"
        (table / "self").mkdir(parents=True)
        (table / "filesystems").write_text("nodev\ttmpfs\nnodev\tnfs4\n\text4\n")
        (table / "self" / "mounts").write_text(
            f"/dev/sda1 / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\ntmpfs {tmp_path}/local tmpfs rw 0 0\n"
        )
        monkeypatch.setattr(psutil, "PROCFS_PATH", str(table))
        with refused(place, "unsafe-location", "network file system (nfs4)", "commits could be lost", "local disk"):
            lf.open(place)
        new = tmp_path / "new"
        with pytest.raises(LineageFlowError, match=r"network file system \(nfs4\)"):
            lf.init(new)
        assert not new.exists()
        with lf.init(tmp_path / "local") as repo:
            assert repo.commit({"t": FRAME}, message="a local disk below it").created


def rewrite(path: Path, content: str | bytes) -> None:
    """Replace a file of the store, which is read-only."""
    path.chmod(0o644)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def change_catalog(place: Path, statement: str) -> None:
    """Change a row behind our own back."""
    with closing(sqlite3.connect(place / ".lineageflow" / CATALOG)) as connection, connection:
        connection.execute(statement)
