"""What `Repository` promises to a script: commit, read, history, branches, keys, projections, and the rule of HEAD."""

from __future__ import annotations

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import (
    AmbiguousName,
    InvalidName,
    KeyViolation,
    NameTaken,
    NotARepository,
    NotAvailable,
    RefMoved,
    UnknownName,
    UnsupportedData,
    UsageProblem,
)
from lineageflow_jupyter.model.objects import encode_commit
from lineageflow_jupyter.model.records import CommitRecord, Publication, RefChange
from lineageflow_jupyter.model.reports import TableShape
from lineageflow_jupyter.repository import Repository
from tests.frames.stored_content import assert_same
from tests.repositories import Open, numbers

ADA = lf.Author("Ada Lovelace", "ada@example.org")


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [10, 20, 30, 40], "price": [1.5, np.nan, -0.0, 4.0], "name": ["a", "ß", None, "d"]},
        index=pd.Index(list("wxyz"), name="letter"),
    )


def table_id(repo: Repository, revision: str, dataset: str = "t") -> bytes:
    """Id of a table: what tells whether two versions hold the same values."""
    tree = repo._objects.tree(repo.resolve(revision).commit.tree)
    entry = tree.get(dataset)
    assert entry is not None
    return entry.table


class TestCommit:
    def test_reports_what_was_recorded(self, repo: Repository, frame: pd.DataFrame) -> None:
        report = repo.commit({"t": frame}, message="raw\n\nwith a reason", author=ADA)
        assert report.created
        assert (report.branch, report.author, report.message) == ("main", ADA, "raw\n\nwith a reason")
        assert report.parents == ()
        assert report.tables == {"t": TableShape(4, 3)}
        assert report.new_bytes > 0
        assert repo.resolve("HEAD").id == report.id
        assert_same(frame, repo.read("t"))

    def test_several_frames_make_one_commit(self, repo: Repository, frame: pd.DataFrame) -> None:
        repo.commit({"a": numbers(1), "b": numbers(2)}, message="both")
        report = repo.commit({"b": numbers(3), "c": frame}, message="more")
        assert report.commit.datasets == ("b", "c")
        assert len(repo.log()) == 2
        assert repo.datasets() == {"a": TableShape(1, 1), "b": TableShape(1, 1), "c": TableShape(4, 3)}
        assert repo.read("a")["x"].item() == 1  # datasets that were not passed stay as they are

    def test_nothing_to_commit(self, repo: Repository, frame: pd.DataFrame) -> None:
        first = repo.commit({"t": frame}, message="raw")
        again = repo.commit({"t": frame.copy()}, message="the same")
        assert not again.created
        assert (again.id, again.new_bytes, len(repo.log())) == (first.id, 0, 1)
        assert repo.commit({"t": frame.rename_axis("sign")}, message="a description counts too").created

    def test_later_changes_of_a_frame_leave_the_commit_alone(self, repo: Repository) -> None:
        frame = pd.DataFrame({"x": np.arange(10.0), "y": np.arange(10.0)})
        repo.commit({"t": frame}, message="raw")
        expected = frame.copy()
        frame.loc[:, "x"] = -1.0
        first, second = repo.read("t"), repo.read("t")
        first.iloc[0, 0] = 99.0  # x and y were equal, and yet are not the same memory
        assert first["y"].iloc[0] == 0.0
        assert_same(expected, second)

    def test_an_unchanged_frame_costs_no_bytes_and_a_changed_cell_little(self, repo: Repository) -> None:
        rng = np.random.default_rng(5)
        frame = pd.DataFrame({name: rng.random(200_000) for name in "abc"})
        whole = repo.commit({"t": frame}, message="raw").new_bytes
        frame.loc[77_777, "b"] = 0.5
        assert repo.commit({"t": frame}, message="one cell").new_bytes < whole / 10
        frame["d"] = frame["a"]  # a copied column holds no new chunk
        assert repo.commit({"t": frame}, message="copy").new_bytes < 5_000

    @pytest.mark.parametrize("message", ["", " \n\t"])
    def test_an_empty_message_is_refused(self, repo: Repository, message: str) -> None:
        with pytest.raises(UsageProblem, match=r"needs a message.*-m"):
            repo.commit({"t": numbers(1)}, message=message)
        with pytest.raises(UsageProblem, match="needs a message"):
            repo.stash({"t": numbers(1)}, message=message)

    def test_messages_come_back_exactly(self, repo: Repository) -> None:
        texts = ["x" * 3_000_000, "zürich 🛫\r\n\tzweite", "quotes \" ' and {braces} $5 \0 end"]
        for number, text in enumerate(texts):
            repo.commit({"t": numbers(number)}, message=text)
        assert [record.commit.message for record in repo.log()] == texts[::-1]
        assert repo.log()[1].commit.summary == "zürich 🛫\r"

    def test_texts_that_are_no_unicode_are_refused(self, repo: Repository) -> None:
        with pytest.raises(UsageProblem, match="message is not valid Unicode at character 2"):
            repo.commit({"t": numbers(1)}, message="ab\ud800")
        with pytest.raises(UsageProblem, match="author's name is not valid Unicode"):
            repo.commit({"t": numbers(1)}, message="m", author=lf.Author("\udcff"))
        assert repo.log() == ()

    def test_the_author_comes_from_the_surroundings(self, repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Grace Hopper")
        monkeypatch.setenv("LINEAGEFLOW_AUTHOR_EMAIL", "grace@example.org")
        assert str(repo.commit({"t": numbers(1)}, message="m").author) == "Grace Hopper <grace@example.org>"

    @pytest.mark.parametrize("name", ["a b", "", "x:y", "x~1", "a..b", "HEAD", "-x", "x" * 201, "a\0b", "\ud800"])
    def test_names_that_no_revision_could_say_are_refused(self, repo: Repository, name: str) -> None:
        with pytest.raises(InvalidName):
            repo.commit({name: numbers(1)}, message="m")
        with pytest.raises(InvalidName):
            repo.commit({"t": numbers(1)}, message="m", branch=name or "HEAD")
        assert repo.log() == ()

    def test_a_dataset_name_is_text(self, repo: Repository) -> None:
        with pytest.raises(InvalidName, match="text, 5 found"):
            repo.commit({5: numbers(1)}, message="m")  # type: ignore[dict-item]

    @pytest.mark.parametrize("name", ["données", "航班", "naïve_数据-1.2", "a/b", "ẞ" * 66])
    def test_unicode_names(self, repo: Repository, name: str) -> None:
        frame = pd.DataFrame({name: [1], "ключ": ["é"], "🙂": [None]})
        repo.commit({name: frame}, message="m", keys={name: ["ключ"]})
        assert_same(frame, repo.read(f"main:{name}"))
        assert_same(frame[["🙂"]], repo.read(name, columns=["🙂"]))
        assert list(repo.datasets()) == [name]

    def test_no_frames_and_keys_without_frames(self, repo: Repository) -> None:
        with pytest.raises(UsageProblem, match="no frames"):
            repo.commit({}, message="m")
        with pytest.raises(UsageProblem, match="'u', which is not committed"):
            repo.commit({"t": numbers(1)}, message="m", keys={"u": ["x"]})

    def test_one_bad_frame_and_nothing_is_recorded(self, repo: Repository) -> None:
        with pytest.raises(UnsupportedData, match=r"'u': column 'c', row 1"):
            repo.commit({"t": numbers(1), "u": pd.DataFrame({"c": [1, "a"]})}, message="m")
        assert repo.datasets() == {}


class TestRead:
    @pytest.mark.parametrize(
        "shape",
        [
            pd.DataFrame(),
            pd.DataFrame(index=range(3)),
            pd.DataFrame({"x": pd.Series([], dtype="int64"), "y": pd.Series([], dtype="str")}),
            pd.DataFrame(columns=pd.MultiIndex.from_product([["a"], [1, 2]])),
            pd.DataFrame([[1, "a", 2.5]], columns=["same", "same", "same"]),
            pd.DataFrame(np.arange(6).reshape(2, 3), columns=[1, "1", 2.5]),
            pd.Series([1, 2], name=("a", 1)),
            pd.DataFrame({"x": [None, None]}),
        ],
        ids=["0x0", "no columns", "no rows", "no rows of two levels", "same names", "odd labels", "series", "null"],
    )
    def test_odd_shapes(self, repo: Repository, shape: pd.DataFrame) -> None:
        repo.commit({"t": shape}, message="m")
        assert_same(shape, repo.read("t"))
        assert not repo.commit({"t": repo.read("t")}, message="m").created

    def test_a_wide_frame(self, repo: Repository) -> None:
        wide = pd.DataFrame(np.arange(6_000.0).reshape(3, 2_000)).rename(columns=lambda number: f"c{number}")
        repo.commit({"t": wide}, message="m")
        assert_same(wide, repo.read("t"))
        wide["c1234"] = 0.0
        report = repo.commit({"t": wide}, message="one of them")
        assert repo.show().changes[0].columns_changed == ("c1234",)
        assert report.new_bytes < 100_000
        assert_same(wide[["c1999", "c3"]], repo.read("t", columns=["c1999", "c3"]))

    @pytest.mark.parametrize("columns", [["name"], ["name", "id"], [], ("price",), "price"])
    def test_columns(self, repo: Repository, frame: pd.DataFrame, columns: list[str]) -> None:
        repo.commit({"t": frame}, message="m")
        wanted = [columns] if isinstance(columns, str) else list(columns)
        assert_same(frame[wanted], repo.read("t", columns=columns))

    def test_a_column_asked_for_twice_comes_once(self, repo: Repository, frame: pd.DataFrame) -> None:
        repo.commit({"t": frame}, message="m")
        assert_same(frame[["id"]], repo.read("t", columns=["id", "id"]))

    def test_a_name_that_several_columns_have_brings_them_all(self, repo: Repository) -> None:
        frame = pd.DataFrame([[1, "x", 2.5]], columns=["a", "b", "a"])
        repo.commit({"t": frame}, message="m")
        assert_same(frame.iloc[:, [0, 2]], repo.read("t", columns=["a"]))

    def test_labels_that_are_no_text(self, repo: Repository) -> None:
        levels = pd.DataFrame([[1, 2, 3]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]))
        dates = pd.DataFrame([[1, 2]], columns=pd.to_datetime(["2026-01-01", "2026-01-02"]))
        repo.commit({"levels": levels, "dates": dates, "n": pd.DataFrame([[1, 2]])}, message="m")
        assert repo.read("levels", columns=[("b", 1), ("a", 2)]).columns.tolist() == [("b", 1), ("a", 2)]
        assert repo.read("dates", columns=[pd.Timestamp("2026-01-02")]).iloc[0].tolist() == [2]
        assert repo.read("n", columns=[1]).columns.tolist() == [1]
        assert repo.read("n", columns=1).columns.tolist() == [1]  # type: ignore[arg-type]

    def test_unknown_columns_are_named_with_close_ones(self, repo: Repository, frame: pd.DataFrame) -> None:
        repo.commit({"t": frame}, message="m")
        with pytest.raises(UnknownName, match=r"no column 'prise'\. Did you mean price\?"):
            repo.read("t", columns=["prise"])
        with pytest.raises(UnknownName, match=r"no column 'zzz'\. Columns of t: id, price, name"):
            repo.read("t", columns=["zzz"])

    @pytest.mark.parametrize(
        "rows",
        [(0, 2), (1, 3), (2, 2), (3, 1), (0, 99), (50, 99), (-2, None), slice(None), slice(-99, 2), slice(2)],
        ids=str,
    )
    def test_rows(self, repo: Repository, frame: pd.DataFrame, rows: slice | tuple[int, int]) -> None:
        repo.commit({"t": frame, "numbered": frame.reset_index(drop=True)}, message="m")
        chosen = rows if isinstance(rows, slice) else slice(*rows)
        assert_same(frame.iloc[chosen], repo.read("t", rows=rows))
        assert_same(frame.iloc[chosen][["name"]], repo.read("t", rows=rows, columns=["name"]))
        expected, found = frame.reset_index(drop=True).iloc[chosen], repo.read("numbered", rows=rows)
        pd.testing.assert_frame_equal(expected, found)  # where no row is left, its number does not matter

    def test_rows_across_chunks(self, repo: Repository) -> None:
        rng = np.random.default_rng(1)
        frame = pd.DataFrame(
            {"x": rng.random(150_000), "s": rng.integers(0, 9, 150_000).astype(str), "n": pd.array([1, None] * 75_000)}
        )
        frame["o"] = np.where(rng.random(150_000) < 0.5, None, np.nan)  # kinds of missing are kept beside the values
        frame["c"] = pd.Categorical(frame["s"], categories=list("9876543210"))
        repo.commit({"t": frame}, message="m")
        for start, stop in [(0, 1), (149_999, 150_000), (1_000, 149_000), (65_535, 65_537), (70_000, 70_000)]:
            assert_same(frame.iloc[start:stop], repo.read("t", rows=(start, stop)))

    @pytest.mark.parametrize("rows", [slice(0, 4, 2), 5, ("a", "b"), (0, 5, 1, 1), slice(0, 4, 0), 1.5])
    def test_rows_that_are_no_range_are_refused(self, repo: Repository, frame: pd.DataFrame, rows: object) -> None:
        repo.commit({"t": frame}, message="m")
        with pytest.raises(UsageProblem, match="rows"):
            repo.read("t", rows=rows)  # type: ignore[arg-type]

    def test_engines(self, repo: Repository) -> None:
        frame = pd.DataFrame({"x": [1, 2], "s": ["a", None]})
        repo.commit({"t": frame}, message="m")
        assert repo.read("t", engine="polars").equals(pl.DataFrame({"x": [1, 2], "s": ["a", None]}))
        assert repo.read("t", engine="arrow").to_pydict() == {"x": [1, 2], "s": ["a", None]}
        assert repo.checkout("HEAD", engine="polars").frames["t"].shape == (2, 2)
        with pytest.raises(UsageProblem, match=r"'dask' is unknown.*'pandas', 'polars' or 'arrow'"):
            repo.read("t", engine="dask")  # type: ignore[arg-type]

    def test_reading_one_column_touches_no_other(self, repo: Repository, tmp_path: Path) -> None:
        rng = np.random.default_rng(2)
        frame = pd.DataFrame({"a": rng.random(1_200_000), "b": rng.random(1_200_000)})
        repo.commit({"t": frame[["a"]]}, message="m")
        repo.commit({"t": frame}, message="b lies in packs of its own")
        needed, others = _packs(repo, "a"), _packs(repo, "b")
        for name in others - needed:
            (tmp_path / "work" / ".lineageflow" / "objects" / "packs" / f"{name}.pack").unlink()
        assert others - needed
        assert_same(frame[["a"]], repo.read("t", columns=["a"]))


def _packs(repo: Repository, name: str) -> set[str]:
    """Names of the packs that hold values of a column of t."""
    table = repo._objects.table(table_id(repo, "HEAD"))
    (column,) = repo._objects.columns([column.column for column in table.columns if column.name == name])
    return {place.pack for place in repo._catalog.locate([chunk.id for chunk in column.chunks]).values()}


class TestSameValuesSameId:
    """A table's id depends on its values alone."""

    def test_whatever_the_library(self, repo: Repository) -> None:
        values = {"n": [1, None, 3], "s": ["a", None, "ü"], "f": [0.5, -0.0, 1e300], "b": [True, False, None]}
        types = {"n": pa.int64(), "s": pa.string(), "f": pa.float64(), "b": pa.bool_()}
        table = pa.table({name: pa.array(column, types[name]) for name, column in values.items()})
        frames = {
            "arrow": table,
            "chunked": pa.concat_tables([table.slice(0, 1), table.slice(1)]),
            "polars": pl.DataFrame(values),
            "nullable": pd.DataFrame(values).astype({"n": "Int64", "b": "boolean"}),
            "backed": table.to_pandas(types_mapper=pd.ArrowDtype),
        }
        repo.commit(frames, message="one table, five frames")
        assert len({table_id(repo, "HEAD", name) for name in frames}) == 1

    def test_whatever_the_history(self, repo: Repository) -> None:
        rng = np.random.default_rng(3)
        base = pd.DataFrame({"x": rng.random(60_000), "s": rng.integers(0, 50, 60_000).astype(str)})
        more = pd.concat([base, base.iloc[:777]], ignore_index=True)
        edited = base.copy()
        edited.loc[100:40_000, "x"] = 0.0
        for number, frame in enumerate([base, more, edited, base.iloc[30_000:].reset_index(drop=True), base]):
            repo.commit({"t": frame}, message=str(number))
        repo.commit({"fresh": base}, message="from scratch")
        assert table_id(repo, "HEAD") == table_id(repo, "HEAD~5") == table_id(repo, "HEAD", "fresh")
        assert len({table_id(repo, f"HEAD~{back}") for back in range(1, 6)}) == 4

    @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        seed=st.integers(0, 2**32 - 1),
        rows=st.sampled_from([0, 1, 500, 20_000]),
        steps=st.lists(
            st.tuples(
                st.sampled_from(["insert", "drop", "edit", "append", "double"]),
                st.integers(0, 20_000),
                st.sampled_from([1, 40, 3_000]),
            ),
            min_size=1,
            max_size=3,
        ),
    )
    def test_an_incremental_commit_gives_the_same_tree_as_a_fresh_one(
        self, repo: Repository, seed: int, rows: int, steps: list[tuple[str, int, int]]
    ) -> None:
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {"f": rng.random(rows), "few": rng.integers(0, 3, rows), "run": np.repeat(np.arange(20), 1_000)[:rows]}
        )
        frame["s"] = frame["few"].astype(str) * 30
        grown, fresh = f"grown-{len(repo.log())}", f"fresh-{len(repo.log())}"
        repo.commit({grown: frame}, message="0")
        for what, at, size in steps:
            frame = _changed(frame, what, at, size)
            repo.commit({grown: frame}, message=what)
        repo.commit({fresh: frame}, message="at once")
        tree = repo._objects.tree(repo.resolve("HEAD").commit.tree)
        one, other = tree.get(grown), tree.get(fresh)
        assert one is not None
        assert other is not None
        assert (one.table, one.frame) == (other.table, other.frame)
        assert_same(frame, repo.read(grown))


def _changed(frame: pd.DataFrame, what: str, at: int, size: int) -> pd.DataFrame:
    at = min(at, len(frame))
    first, last = frame.iloc[:at], frame.iloc[at:]
    if what == "insert":
        parts = [first, frame.iloc[:size], last]
    elif what == "drop":
        parts = [first, last.iloc[size:]]
    elif what == "append":
        parts = [frame, frame.iloc[at : at + size]]
    elif what == "double":
        parts = [first, last, last]
    else:
        edited = last.copy()
        edited.iloc[:size, edited.columns.get_loc("f")] = -1.0
        parts = [first, edited]
    return pd.concat(parts, ignore_index=True)


class TestKeys:
    def test_a_key_is_remembered_and_may_be_dropped(self, repo: Repository) -> None:
        frame = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [1.0, 2.0, 3.0]})
        repo.commit({"t": frame}, message="m", keys={"t": ["a", "b"]})
        with pytest.raises(KeyViolation, match=r"key a, b of 't' is not unique: a=1, b='x' appears again in row 1"):
            repo.commit({"t": frame.assign(b="x")}, message="m")
        with pytest.raises(KeyViolation, match=r"key column 'b' of 't' does not exist"):
            repo.commit({"t": frame.drop(columns="b")}, message="m")
        assert repo.commit({"t": frame.assign(v=0.0)}, message="others are free").created
        assert repo.commit({"t": frame.assign(v=0.0)}, message="a key alone", keys={"t": ["b", "a"]}).created
        assert repo.show().changes[0].described
        assert repo.commit({"t": frame.assign(b="x")}, message="dropped", keys={"t": []}).created
        assert repo.commit({"t": frame.assign(b="y")}, message="and stays so").created

    @pytest.mark.parametrize(
        ("column", "row"),
        [
            ([1.0, np.nan, 2.0], 1),
            (pd.array([1, 2, None], dtype="Int64"), 2),
            ([None, "a", "b"], 0),
            (pd.to_datetime(["2026-01-01", None, "2026-01-02"]), 1),
            (pd.Categorical(["a", "b", None]), 2),
        ],
        ids=["nan", "null", "none", "nat", "category"],
    )
    def test_a_key_has_a_value_in_every_row(self, repo: Repository, column: object, row: int) -> None:
        frame = pd.DataFrame({"k": column, "v": range(3)})
        with pytest.raises(KeyViolation, match=f"key column 'k' of 't' has no value in row {row}"):
            repo.commit({"t": frame}, message="m", keys={"t": ["k"]})
        assert repo.log() == ()

    @pytest.mark.parametrize(
        "column",
        [[3, 1, 3], ["b", "a", "b"], [0.5, 1.5, 0.5], pd.Categorical(["b", "a", "b"]), [b"1", b"0", b"1"]],
        ids=["int", "text", "float", "category", "bytes"],
    )
    def test_a_key_occurs_once(self, repo: Repository, column: object) -> None:
        frame = pd.DataFrame({"k": column})
        with pytest.raises(KeyViolation, match=r"is not unique: k=.* appears again in row 2"):
            repo.commit({"t": frame}, message="m", keys={"t": ["k"]})

    def test_the_index_may_be_the_key(self, repo: Repository, frame: pd.DataFrame) -> None:
        repo.commit({"t": frame}, message="m", keys={"t": "letter"})  # type: ignore[dict-item]
        with pytest.raises(KeyViolation, match="letter='w' appears again in row 4"):
            repo.commit({"t": pd.concat([frame, frame.iloc[:1]])}, message="m")
        with pytest.raises(KeyViolation, match=r"'lettre' of 't' does not exist\. Did you mean letter\?"):
            repo.commit({"t": frame}, message="m", keys={"t": ["lettre"]})

    def test_keys_that_cannot_identify(self, repo: Repository) -> None:
        with pytest.raises(KeyViolation, match="exists 2 times"):
            repo.commit({"t": pd.DataFrame([[1, 2]], columns=["k", "k"])}, message="m", keys={"t": ["k"]})
        with pytest.raises(KeyViolation, match=r"list.*cannot identify rows"):
            repo.commit({"t": pa.table({"k": [[1], [2]]})}, message="m", keys={"t": ["k"]})
        repo.commit({"t": pd.DataFrame({"k": pd.Series([], dtype="int64")})}, message="no rows", keys={"t": ["k"]})

    def test_a_broken_key_is_found_far_from_the_change(self, repo: Repository) -> None:
        frame = pd.DataFrame({"k": np.arange(200_000), "v": 0.0})
        repo.commit({"t": frame}, message="m", keys={"t": ["k"]})
        frame.loc[199_999, "k"] = 3
        with pytest.raises(KeyViolation, match="k=3 appears again in row 199999"):
            repo.commit({"t": frame}, message="m")


class TestHistory:
    @pytest.fixture
    def three(self, repo: Repository) -> list[bytes]:
        """Ids of three commits of t, of which the second has another dataset as well."""
        ids = [repo.commit({"t": numbers(1)}, message="one", author=ADA).id]
        ids.append(repo.commit({"t": numbers(1, 2), "u": numbers(5)}, message="two").id)
        ids.append(repo.commit({"t": numbers(1, 2, 3)}, message="three").id)
        return ids

    def test_log(self, repo: Repository, three: list[bytes]) -> None:
        assert [record.id for record in repo.log()] == three[::-1]
        assert [record.commit.summary for record in repo.log(dataset="u")] == ["two"]
        assert [record.id for record in repo.log("HEAD~1", limit=1)] == [three[1]]
        assert repo.log(limit=0) == ()
        assert repo.log()[-1].commit.author == ADA
        with pytest.raises(UnknownName, match=r"no dataset 'uu'\. Did you mean u\?"):
            repo.log(dataset="uu")
        with pytest.raises(UsageProblem, match="at least 0"):
            repo.log(limit=-1)

    def test_an_empty_repository(self, repo: Repository) -> None:
        assert repo.log() == ()
        assert repo.datasets() == {}
        assert repo.branches() == ()
        assert repo.status({}).datasets == ()
        assert repo.status({"t": numbers(1)}).datasets[0].state == "new"
        with pytest.raises(UnknownName, match=r"branch 'main' has no commits yet.*%lf commit"):
            repo.read("t")
        with pytest.raises(UnknownName, match="no commits yet"):
            repo.branch("b")

    def test_revisions(self, repo: Repository, three: list[bytes]) -> None:
        last = three[2].hex()
        for text in ("HEAD", "main", "@", last, last[:12], last[:12].upper(), "main~0", "HEAD^0"):
            assert repo.resolve(text).id == three[2], text
        for text in ("HEAD~", "main^", "HEAD~1", last[:9] + "^1", "@~1"):
            assert repo.resolve(text).id == three[1], text
        for text in ("HEAD~2", "HEAD^^", "main~1^", "main~~"):
            assert repo.resolve(text).id == three[0], text
        assert len(repo.read("HEAD~2:t")) == 1
        assert len(repo.read(f"{last[:8]}^:t")) == 2

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("mian", r"no revision 'mian'\. Did you mean main\?"),
            ("HEAD~3", "'HEAD~3' does not exist: commit [0-9a-f]{7} has no parents"),
            ("HEAD^2", "has 1 parent"),
            ("HEAD~x", r"'x' is not understood\. Examples"),
            ("ffffffffffff", r"no revision 'ffffffffffff'\. See `%lf log`"),
            ("a b", "no revision 'a b'"),
            ("\ud800", "no revision"),
            ("HEAD~99999999999999999999", "does not exist"),
        ],
    )
    def test_unknown_revisions(self, repo: Repository, three: list[bytes], text: str, message: str) -> None:
        with pytest.raises(UnknownName, match=message):
            repo.resolve(text)

    def test_points_in_time(self, repo: Repository, three: list[bytes]) -> None:
        assert repo.resolve("main@{1}").id == repo.resolve("@{1}").id == three[1]
        assert repo.resolve("main@{now}").id == three[2]
        with pytest.raises(UnknownName, match="main pointed to nothing then"):
            repo.resolve("main@{2001-01-01}")
        with pytest.raises(UnknownName, match="names one frame as a cell left it, and no commit"):
            repo.resolve("main@{cell:ab12}")

    def test_missing_datasets_are_named_with_what_there_is(self, repo: Repository, three: list[bytes]) -> None:
        with pytest.raises(UnknownName, match=r"no dataset 'u' at 'HEAD~2'\. HEAD~2 holds: t"):
            repo.read("HEAD~2:u")
        with pytest.raises(UnknownName, match="no dataset 'zz' at 'HEAD'"):
            repo.checkout("HEAD", ["t", "zz"])

    def test_a_short_id_of_several_commits_lists_them(self, repo: Repository, three: list[bytes]) -> None:
        first = repo.resolve("HEAD~2").commit
        seen: dict[str, CommitRecord] = {}
        for time in itertools.count(first.time):  # ids are hashes: two that begin alike have to be searched for
            commit = replace(first, time=time, message=f"at {time}")
            record = CommitRecord(encode_commit(commit)[0], commit, 1, ("t",))
            before = seen.setdefault(record.id.hex()[:5], record)
            if before is not record:
                break
        for name, found in (("one", before), ("two", record)):
            change = RefChange(name, "branch", None, found.id)
            repo._catalog.publish(Publication(name, "import", "", time, (change,), commits=(found,)))
        prefix = record.id.hex()[:5]
        with pytest.raises(AmbiguousName, match=rf"'{prefix}' may be commit .*\(at .* or commit .*\(at .*more digits"):
            repo.resolve(prefix)
        assert repo.resolve(record.id.hex()[:20]) == record

    def test_a_branch_that_looks_like_an_id_is_ambiguous(self, repo: Repository, three: list[bytes]) -> None:
        name = three[0].hex()[:6]
        repo.branch(name)
        with pytest.raises(AmbiguousName, match=f"the ref {name} or commit"):
            repo.resolve(name)

    def test_show(self, repo: Repository, three: list[bytes]) -> None:
        (t, u) = repo.show("HEAD~1").changes
        assert (t.dataset, t.state, t.before, t.after) == ("t", "changed", TableShape(1, 1), TableShape(2, 1))
        assert t.columns_changed == ("x",)
        assert (u.dataset, u.state, u.before, u.after) == ("u", "added", None, TableShape(1, 1))
        frame = pd.DataFrame({"y": [1, 2, 3], "x": [1, 2, 3]})
        repo.commit({"t": frame}, message="columns")
        (change,) = repo.show().changes
        assert (change.columns_added, change.columns_dropped, change.columns_changed) == (("y",), (), ())

    def test_status(self, repo: Repository, three: list[bytes], open_as: Open) -> None:
        frames = {"t": numbers(1, 2, 3), "new": numbers(1), "bad": pd.DataFrame({"c": [1, "a"]})}
        found = {status.dataset: status for status in repo.status(frames).datasets}
        assert {name: status.state for name, status in found.items()} == {
            "t": "unchanged",
            "new": "new",
            "bad": "unsupported",
            "u": "absent",
        }
        assert "column 'c', row 1" in found["bad"].problem
        other = open_as("second.ipynb")
        other.commit({"t": numbers(0)}, message="theirs")
        (t, _) = repo.status({"t": numbers(1, 2)}).datasets
        assert (t.state, t.behind, t.change.before) == ("changed", True, TableShape(3, 1))  # type: ignore[union-attr]
        assert repo.status({}).tip == other.resolve("main")


class TestBranches:
    def test_branches_part_ways(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("try", create=True)
        repo.commit({"t": numbers(2)}, message="two")
        assert [ref.name for ref in repo.branches()] == ["main", "try"]
        assert repo.read("main:t")["x"].item() == 1
        assert repo.read("t")["x"].item() == 2
        repo.switch("main")
        assert repo.read("t")["x"].item() == 1
        repo.commit({"t": numbers(3)}, message="three")
        assert repo.resolve("main~1").id == repo.resolve("try~1").id
        assert repo.head.branch == "main"

    def test_names_that_are_taken_or_unknown(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.branch("try", at="main")
        with pytest.raises(NameTaken, match="'try' exists already"):
            repo.branch("try")
        with pytest.raises(NameTaken, match="'main' exists already"):
            repo.switch("main", create=True)
        with pytest.raises(UnknownName, match=r"no branch 'tri'\. Did you mean try\?"):
            repo.switch("tri")
        with pytest.raises(UnknownName, match=r"no branch 'mian'\. Did you mean main\?"):
            repo.commit({"t": numbers(2)}, message="would start a history of its own", branch="mian")
        with pytest.raises(InvalidName):
            repo.branch("a b")
        assert [ref.name for ref in repo.branches()] == ["main", "try"]

    def test_a_branch_may_begin_with_its_first_commit(self, repo: Repository) -> None:
        repo.switch("draft", create=True)
        assert repo.branches() == ()
        repo.commit({"t": numbers(1)}, message="one")
        assert repo.names() == ("draft",)

    def test_an_unborn_branch_cannot_take_a_name_that_exists(self, repo: Repository, open_as: Open) -> None:
        repo.switch("draft", create=True)
        open_as("second.ipynb").commit({"t": numbers(1)}, message="one")
        with pytest.raises(NameTaken, match="'main' exists already"):
            repo.switch("main", create=True)

    def test_commit_to_another_branch(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.branch("try")
        assert repo.commit({"t": numbers(2)}, message="two", branch="try").branch == "try"
        assert repo.head.branch == "main"
        assert repo.read("try:t")["x"].item() == 2
        assert repo.read("main:t")["x"].item() == 1

    def test_stash_keeps_frames_beside_all_branches(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1), "u": numbers(9)}, message="one")
        stash = repo.stash({"t": numbers(2)}, message="later").stash
        other = repo.stash({"t": numbers(3)}, message="later still").stash
        assert stash != other
        assert repo.names() == ("main",)
        assert repo.read("t")["x"].item() == 1
        assert repo.read(f"{stash}:t")["x"].item() == 2
        assert repo.read(f"{stash}:u")["x"].item() == 9
        assert repo.resolve(f"{stash}~1").id == repo.resolve("main").id
        with pytest.raises(NameTaken, match="hidden ref, not a branch"):
            repo.commit({"t": numbers(4)}, message="m", branch=str(stash))
        assert repo.fsck() > 0

    def test_stash_before_the_first_commit(self, repo: Repository) -> None:
        stash = repo.stash({"t": numbers(2)}, message="later").stash
        assert repo.log() == ()
        assert repo.read(f"{stash}:t")["x"].item() == 2


class TestHead:
    """Nobody overwrites what they have not seen."""

    def test_two_workspaces(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one", author=ADA)
        other = open_as("second.ipynb")
        theirs = other.commit({"t": numbers(2)}, message="two", author=ADA)
        with pytest.raises(RefMoved) as raised:
            repo.commit({"t": numbers(3)}, message="three")
        text = str(raised.value)
        assert f"branch 'main' holds a version of 't' (commit {theirs.id.hex()[:7]} by Ada Lovelace)" in text
        assert "other = %lf read main:t" in text
        assert "%lf switch -c NAME" in text
        assert repo.read("main:t")["x"].item() == 2  # now it has seen it
        assert repo.commit({"t": numbers(3)}, message="three").parents == (theirs.id,)

    def test_the_same_values_are_no_conflict(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        theirs = open_as("second.ipynb").commit({"t": numbers(2)}, message="two")
        mine = repo.commit({"t": numbers(2)}, message="two as well")
        assert (mine.created, mine.id) == (False, theirs.id)
        assert repo.commit({"t": numbers(3)}, message="three").created

    def test_disjoint_datasets_both_succeed(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        other = open_as("second.ipynb")
        other.commit({"u": numbers(2)}, message="u")
        repo.commit({"t": numbers(2)}, message="t")
        assert repo.read("u")["x"].item() == repo.read("t")["x"].item() == 2
        assert len(repo.log()) == 3

    def test_a_dataset_that_somebody_removed_comes_back_only_when_that_is_said(
        self, repo: Repository, open_as: Open
    ) -> None:
        repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        open_as("second.ipynb").remove(["t"])
        with pytest.raises(RefMoved, match=r"'t' was removed from branch 'main'.*`%lf add t`"):
            repo.commit({"t": numbers(2)}, message="two")
        assert repo.dataset_names() == ("u",)
        repo.add(["t"])
        assert repo.commit({"t": numbers(2)}, message="two").created

    def test_a_dataset_of_the_same_name_made_by_both(self, repo: Repository, open_as: Open) -> None:
        other = open_as("second.ipynb")
        repo.commit({"t": numbers(1)}, message="one")
        with pytest.raises(RefMoved, match="has not seen"):
            other.commit({"t": numbers(2)}, message="two")

    def test_reading_an_older_version_takes_nothing_back(self, repo: Repository) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.commit({"t": numbers(2)}, message="two")
        assert repo.read("HEAD~1:t")["x"].item() == 1
        assert repo.commit({"t": numbers(3)}, message="three").created

    def test_reading_an_older_version_is_not_seeing_the_newest(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        open_as("second.ipynb").commit({"t": numbers(2)}, message="two")
        repo.read("HEAD~1:t")
        with pytest.raises(RefMoved):
            repo.commit({"t": numbers(3)}, message="three")

    def test_reading_the_present_version_at_another_commit_is_seeing_it(self, repo: Repository, open_as: Open) -> None:
        """As where somebody else commits another dataset while this one is read."""
        other = open_as("second.ipynb")
        repo.commit({"t": numbers(1)}, message="theirs")
        repo.commit({"u": numbers(1)}, message="of another dataset")
        other.read("main~1:t")
        assert other.commit({"t": numbers(2)}, message="on top").created

    def test_checkout_makes_an_older_version_the_base(self, repo: Repository) -> None:
        first = repo.commit({"t": numbers(1), "u": numbers(1)}, message="one")
        repo.commit({"t": numbers(2), "u": numbers(2)}, message="two")
        frames = repo.checkout("HEAD~1", ["t"]).frames
        assert frames["t"]["x"].item() == 1
        assert repo.head.bases["t"] == first.id
        assert repo.status(frames).datasets[0].state == "unchanged"
        with pytest.raises(RefMoved):
            repo.commit({"t": numbers(3)}, message="three")
        assert repo.commit({"u": numbers(3)}, message="u was not checked out").created
        assert set(repo.checkout("HEAD").frames) == {"t", "u"}
        assert repo.commit({"t": numbers(3)}, message="three").created

    def test_a_new_workspace_starts_from_the_branch_as_it_is(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        assert open_as("new.ipynb").commit({"t": numbers(2)}, message="two").created

    def test_a_workspace_is_remembered(self, repo: Repository, open_as: Open) -> None:
        repo.commit({"t": numbers(1)}, message="one")
        repo.switch("try", create=True)
        repo.close()
        open_as("second.ipynb").commit({"t": numbers(2)}, message="two", branch="try")
        again = open_as("first.ipynb")
        assert again.head.branch == "try"
        with pytest.raises(RefMoved):
            again.commit({"t": numbers(3)}, message="three")
        other = open_as("third.ipynb")
        assert other.head.branch == "main"
        assert other.head.workspace != again.head.workspace

    def test_one_notebook_in_two_processes(self, repo: Repository, open_as: Open) -> None:
        """Two tabs on one notebook: what one commits, the other has not seen."""
        repo.commit({"t": numbers(1)}, message="one")
        script = """if True:
            import sys, pandas as pd, lineageflow_jupyter as lf
            from lineageflow_jupyter.errors import RefMoved
            repo = lf.open(sys.argv[1], workspace=lf.WorkspaceName("ada", "box", "first.ipynb"))
            print("ready", flush=True)
            sys.stdin.readline()
            try:
                repo.commit({"t": pd.DataFrame({"x": [3]})}, message="three")
            except RefMoved as error:
                print(error.code, flush=True)
            repo.read("main:t")
            print(repo.commit({"t": pd.DataFrame({"x": [3]})}, message="three").created, flush=True)
            repo.close()
        """
        command = [sys.executable, "-W", "error", "-c", script, repo.location]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "ready\n"
            repo.commit({"t": numbers(2)}, message="two")
            answer, _ = second.communicate("go\n", timeout=60)
        assert answer.split() == ["ref-moved", "True"]
        assert [record.commit.message for record in repo.log()] == ["three", "two", "one"]
        with pytest.raises(RefMoved):
            repo.commit({"t": numbers(4)}, message="four")

    def test_threads_of_one_workspace_keep_what_each_has_seen(self, repo: Repository) -> None:
        repo.commit({"t0": numbers(0)}, message="start")
        for number in range(4):
            repo.branch(f"b{number}")

        def work(number: int) -> None:
            for turn in range(8):  # on branches of their own, so that nothing but HEAD brings them together
                repo.commit({f"t{number}": numbers(number, turn)}, message="m", branch=f"b{number}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        for number in range(4):
            assert repo.read(f"b{number}:t{number}")["x"].tolist() == [number, 7]
            assert repo.head.bases[f"t{number}"] == repo.resolve(f"b{number}").id


class TestOpening:
    def test_a_folder_below_finds_the_repository(self, repo: Repository, tmp_path: Path) -> None:
        below = tmp_path / "work" / "notebooks" / "deep"
        below.mkdir(parents=True)
        with lf.open(below) as again:
            assert again.location == repo.location
        assert repr(again) == f"Repository({repo.location!r}, branch='main')"

    def test_where_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(NotARepository, match=r"no LineageFlow repository in .* or above\. .*`%lf init`"):
            lf.open(tmp_path)

    def test_there_is_one_already(self, repo: Repository) -> None:
        with pytest.raises(NameTaken, match="holds a repository already"):
            lf.init(repo.location)

    def test_addresses_are_to_come(self) -> None:
        with pytest.raises(NotAvailable, match="gs://bucket/x"):
            lf.open("gs://bucket/x")
        with pytest.raises(NotAvailable, match="postgresql"):
            lf.init("postgresql://host/db")

    def test_a_closed_repository_says_so(self, repo: Repository) -> None:
        repo.close()
        repo.close()
        with pytest.raises(UsageProblem, match=r"was closed.*Open"):
            repo.log()

    def test_init_goes_on_where_it_was_interrupted(self, tmp_path: Path) -> None:
        folder = tmp_path / ".lineageflow"
        (folder / "objects" / "packs").mkdir(parents=True)  # before the catalog was there
        with lf.init(tmp_path) as repo:
            (folder / "objects" / "repository.json").unlink()  # before the store was marked
        with lf.open(tmp_path) as repo:
            repo.commit({"t": numbers(1)}, message="one")
            assert (folder / "objects" / "repository.json").exists()
        assert (folder / ".gitignore").read_text().endswith("*\n")


def test_labels_that_pandas_only_counts_may_be_the_key(tmp_path: Path) -> None:
    """`set_index` of 1, 2, 3 gives a RangeIndex, which lists no labels."""
    frame = pd.DataFrame({"x": [1.5, 2.5, 3.5]}, index=pd.RangeIndex(1, 4, name="id"))
    with lf.init(tmp_path) as repo:
        repo.commit({"t": frame}, message="counted", keys={"t": ["id"]})
        repo.commit({"t": frame.iloc[[2, 0]].assign(x=[3.5, 9.0])}, message="listed")
        found = repo.diff()["t"]
        assert found.by == "index"
        assert (found.summary.rows_removed, found.summary.cells_changed) == (1, {"x": 1})
        repo.commit({"t": frame}, message="counted again")
        assert repo.diff()["t"].summary.rows_added == 1
        with pytest.raises(KeyViolation, match="appears again"):
            repo.commit({"t": pd.concat([frame, frame])}, message="twice")
