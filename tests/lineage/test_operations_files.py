"""What is recorded of files, URLs and databases that cells read and write."""

from __future__ import annotations

import io
import os
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy
from blake3 import blake3

from lineageflow_jupyter.lineage import operations_files
from lineageflow_jupyter.model.cells import External
from tests.lineage.recorded import Notebook, notebook


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with notebook(df=pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})) as made:
        yield made


def digest(path: Path) -> str:
    return blake3(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "feather"])
def test_files_are_told_by_path_size_and_content(book: Notebook, tmp_path: Path, kind: str) -> None:
    found = book.run(f"df.to_{kind}('data')\nnew = pd.read_{kind}('data')").external
    path = tmp_path / "data"
    facts = (kind, str(path), path.stat().st_size, digest(path))
    assert found == (External("out", *facts, line=1), External("in", *facts, line=2))


def test_a_reader_says_which_columns_there_are(book: Notebook) -> None:
    found = book.run("df.to_csv('data', index=False)\nnew = pd.read_csv('data')").operations[-1]
    assert (found.call, found.output, found.added, found.rows_out) == ("pandas.read_csv", "new", ("a", "b"), 2)
    assert found.parameters == "filepath_or_buffer='data'"


@pytest.mark.parametrize("code", ["Path('data')", "open('data')", "'file://' + str(Path('data').absolute())"])
def test_other_ways_of_naming_a_file(book: Notebook, tmp_path: Path, code: str) -> None:
    (tmp_path / "data").write_text("a\n1\n")
    book.variables["Path"] = Path
    with notebook(**book.variables) as other:
        (found,) = other.run(f"source = {code}\nnew = pd.read_csv(source)").external
        if hasattr(other.variables["source"], "close"):
            other.variables["source"].close()
    assert (found.location, found.digest) == (str(tmp_path / "data"), digest(tmp_path / "data"))


def test_memory_is_no_place(book: Notebook) -> None:
    book.variables["io"] = io
    found = book.run("text = df.to_csv()\nnew = pd.read_csv(io.StringIO(text))")
    assert found.external == ()
    assert len(found.operations) == 2


def test_a_file_that_is_not_there_is_the_users_error(book: Notebook) -> None:
    found = book.run("try:\n    pd.read_csv('missing.csv')\nexcept FileNotFoundError:\n    pass")
    assert (found.external, found.operations) == ((), ())


def test_a_file_of_very_many_bytes_has_no_digest(
    book: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations_files, "LARGEST", 3)
    (found,) = book.run("df.to_csv('data')").external
    assert (found.size, found.digest) == ((tmp_path / "data").stat().st_size, None)


def test_a_file_that_changes_under_the_digest_has_none(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("old")
    facts = path.stat()
    path.write_text("newer")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    digests = operations_files.Digests()
    try:
        assert digests.start(path, facts).result(10) is None
    finally:
        digests.close()


def test_a_loop_over_files_names_each(book: Notebook, tmp_path: Path) -> None:
    code = "for n in range(3):\n    df.to_csv(f'{n}.csv')\nnew = pd.concat([pd.read_csv(f'{n}.csv') for n in range(3)])"
    found = book.run(code)
    assert [one.location for one in found.external if one.direction == "in"] == [
        str(tmp_path / f"{number}.csv") for number in range(3)
    ]
    assert [record.count for record in found.operations if record.call == "pandas.read_csv"] == [3]


def test_statements_and_databases_without_secrets(book: Notebook) -> None:
    with sqlite3.connect("data.db") as connection:
        book.variables["df"].to_sql("flights", connection, index=False)
    connection.close()
    engine = sqlalchemy.create_engine("sqlite:///data.db")
    book.variables["engine"] = engine
    code = "new = pd.read_sql(\"SELECT * FROM flights WHERE b <> 'token=abcdefgh'\", engine)\ndf.to_sql('copy', engine)"
    found = book.run(code)
    engine.dispose()
    assert found.external == (
        External("in", "sql", "sqlite:///data.db SELECT * FROM flights WHERE b <> 'token=***'", line=1),
        External("out", "sql", "sqlite:///data.db copy", line=2),
    )
    assert "abcdefgh" not in found.operations[0].parameters


def test_urls_without_secrets() -> None:
    digests = operations_files.Digests()
    url = "https://ann:hunter2@host/data.csv?token=hunter2&page=1"
    found = operations_files.touched("read_csv", "in", {"filepath_or_buffer": url}, 4, digests)
    assert found is not None
    assert found.finished() == External("in", "csv", "https://***@host/data.csv?token=***&page=1", line=4)


def test_secrets_in_arguments_are_not_kept(book: Notebook, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a\n1\n")
    found = book.run("new = pd.read_csv('data', na_values={'token': 'hunter2'})").operations[-1]
    assert found.parameters == "filepath_or_buffer='data', na_values={'token': ***}"
    found = book.run("new = df.query('b != \"password=hunter2\"')").operations[-1]
    assert "hunter2" not in found.parameters
