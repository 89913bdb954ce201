"""What the Tab key proposes on `%lf` lines."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

import lineageflow_jupyter as lf
from lineageflow_jupyter.kernel import completion
from lineageflow_jupyter.kernel.columns import split_columns
from lineageflow_jupyter.kernel.glance import THREAD
from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.kernel.tokens import split
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.testing.shell import TestingShell

HASTE = completion.SECONDS


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the repository however busy the machine is; the tests that are about haste set it back."""
    monkeypatch.setattr(completion, "SECONDS", 60.0)


@pytest.fixture
def wide(notebook: TestingShell) -> TestingShell:
    """The notebook with a dataset whose columns need quotes, in two versions and not live, and two more branches."""
    first = pd.DataFrame({"year": [1], "month": [1], "old": [1]}).rename_axis("number")
    second = pd.DataFrame([range(6)], columns=["year", "month", "dep delay", "it's", 'a "b"', "a,b"])
    notebook.user_ns["trips"] = first
    notebook.run("%lf commit trips -m first;")
    notebook.user_ns["trips"] = second
    notebook.user_ns["planes"].index = pd.Index(["a", "b"], name="row")
    notebook.run("%lf commit trips flights planes -m second;")
    notebook.run("%lf branch feature-1; ")
    notebook.run("%lf branch feature-2")
    del notebook.user_ns["trips"]
    return notebook


def completer(shell: TestingShell) -> completion.Completer:
    """Ours alone: IPython proposes keywords and files where we have nothing."""
    found = shell.Completer.custom_matchers[-1].__self__
    assert isinstance(found, completion.Completer)
    return found


def others() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%lf com", ["%lf commit"]),
        ("%lf che", ["%lf checkout", "%lf cherry-pick"]),
        ("x = %lf rea", ["x = %lf read"]),
        ("%lf help swi", ["%lf help switch"]),
        ("%lf commit fl", ["%lf commit flights"]),
        ("%lf commit flights pl", ["%lf commit flights planes"]),
        ("%lf commit flights --m", ["%lf commit flights --message"]),
        ("%lf commit flights --branch ma", ["%lf commit flights --branch main"]),
        ("%lf commit -m x fl", ["%lf commit -m x flights"]),
        ("%lf log fl", ["%lf log flights"]),
        ("%lf log ma", ["%lf log main"]),
        ("%lf show HE", ["%lf show HEAD"]),
        ("%lf checkout ma", ["%lf checkout main"]),
        ("%lf checkout main fl", ["%lf checkout main flights"]),
        ("df = %lf read ma", ["df = %lf read main:"]),
        ("df = %lf read main:fl", ["df = %lf read main:flights"]),
        ("%lf read flights --engine po", ["%lf read flights --engine polars"]),
        ("%lf switch m", ["%lf switch main"]),
        ("%lf log -- fl", ["%lf log -- flights"]),
        ("%lf config cache_b", ["%lf config cache_bytes"]),
        ("%lf config cache t", ["%lf config cache true"]),
        ("%lf config cache ", ["%lf config cache false", "%lf config cache true"]),
        ("%lf config branch ma", ["%lf config branch main"]),
        ("%lf commit 'fl", ["%lf commit 'flights'"]),
        ("%lf commit flights --key ca", ["%lf commit flights --key carrier"]),
        ("%lf commit flights --key id,ca", ["%lf commit flights --key id,carrier"]),
        ("%lf commit flights --key=id,ca", ["%lf commit flights --key=id,carrier"]),
        ("%lf commit flights --key=id ca", ["%lf commit flights --key=id carrier"]),
        ("%lf commit flights --key id d", ["%lf commit flights --key id dep"]),
        ("%lf read flights --columns de", ["%lf read flights --columns dep"]),
        ("%lf read {place} --columns de", ["%lf read {place} --columns dep"]),
    ],
)
def test_proposals(committed: TestingShell, typed: str, expected: list[str]) -> None:
    committed.user_ns["place"] = "main:flights"
    assert committed.completions(typed) == expected


@pytest.mark.parametrize("typed", ["%lf commit -m fl", "%lf nonsense fl", '%lf commit -m "fl', "%lf show main fl"])
def test_nothing_is_proposed_where_nothing_fits(committed: TestingShell, typed: str) -> None:
    assert not [found for found in committed.completions(typed) if found.endswith(("flights", "planes"))]


def test_all_that_fits_is_proposed(committed: TestingShell) -> None:
    committed.user_ns["_hidden"] = pd.DataFrame({"a": [1]})
    committed.user_ns["number"] = 1
    assert committed.completions("%lf commit ") == ["%lf commit flights", "%lf commit planes"]


def test_other_lines_are_left_alone(committed: TestingShell) -> None:
    assert committed.completions("pla") == ["planes"]
    assert "%load_ext" in committed.completions("%load_e")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%lf read trips --columns year,mo", ["%lf read trips --columns year,month"]),
        (
            "%lf read trips --columns year,month,",
            [
                '%lf read trips --columns "year,month,dep delay"',
                '%lf read trips --columns "year,month,it\'s"',
                "%lf read trips --columns 'year,month,a \"b\"'",
                r"%lf read trips --columns 'year,month,a\,b'",
            ],
        ),
        ("%lf read trips --columns dep", ['%lf read trips --columns "dep delay"']),
        ('%lf read trips --columns "dep', ['%lf read trips --columns "dep delay"']),
        ('%lf read trips --columns "dep de', ['%lf read trips --columns "dep delay"']),
        ("%lf read trips --columns 'dep de", ["%lf read trips --columns 'dep delay'"]),
        (r"%lf read trips --columns dep\ de", [r"%lf read trips --columns dep\ delay"]),
        ("%lf read trips --columns year,dep", ['%lf read trips --columns "year,dep delay"']),
        ('%lf read trips --columns="dep', ['%lf read trips --columns="dep delay"']),
        ("%lf read trips --columns=dep", ['%lf read trips --columns="dep delay"']),
        ('%lf read trips --columns year,month,"dep de', ['%lf read trips --columns year,month,"dep delay"']),
        ("%lf read trips --columns it", ['%lf read trips --columns "it\'s"']),
        ("%lf read trips --columns 'it", ["%lf read trips --columns 'it'\\''s'"]),
        (
            "%lf read trips --columns a",
            ["""%lf read trips --columns 'a "b"' """.strip(), r"%lf read trips --columns 'a\,b'"],
        ),
        ("%lf read main~1:trips --columns o", ["%lf read main~1:trips --columns old"]),
        ("%lf commit planes --key ro", ["%lf commit planes --key row"]),
        ("%lf checkout main~1 tr", ["%lf checkout main~1 trips"]),
        ("%lf read main~1:", ["%lf read main~1:trips"]),
        ("%lf read 'main:fl", ["%lf read 'main:flights'"]),
        ("%lf log main..fea", ["%lf log main..feature-1", "%lf log main..feature-2"]),
        ("%lf checkout feature-1 ", [f"%lf checkout feature-1 {name}" for name in ("flights", "planes", "trips")]),
    ],
)
def test_proposals_of_what_is_committed(wide: TestingShell, typed: str, expected: list[str]) -> None:
    assert wide.completions(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "%lf read trips --columns o",  # a column of the version before
        "%lf read trips --columns year,ye",  # it is there already
        "%lf commit planes --key tail ta",
        "%lf checkout main~1 fl",  # a dataset of the version after
        "%lf checkout nonsense ",
        "%lf checkout main~99 ",
        "%lf log main...feature-2",  # complete
        "%lf read trips --columns \\",
        '%lf read trips --columns "dep\\',
        "%lf checkout main # tr",
        "%lf checkout main; tr",
        "%lf read main:planes --columns ro",  # an index level, which comes along anyway
    ],
)
def test_nothing_of_ours_is_proposed(wide: TestingShell, typed: str) -> None:
    assert completer(wide).complete(typed)[1] == []


def test_what_is_proposed_can_be_read(wide: TestingShell) -> None:
    lines = wide.completions("%lf read trips --columns ")
    assert len(lines) == 6
    assert sorted(wide.run(line).columns[0] for line in lines) == ['a "b"', "a,b", "dep delay", "it's", "month", "year"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"column_names": [1], "dep": [2]}).set_index(pd.Index([7], name="row")),
        pl.DataFrame({"column_names": [1], "dep": [2], "row": [7]}),
        pa.table({"column_names": [1], "dep": [2], "row": [7]}),
        pd.DataFrame([[1, 2, 7]], columns=["column_names", "dep", "row"]),
    ],
    ids=["pandas", "polars", "arrow", "no index"],
)
def test_columns_of_live_frames_of_every_library(notebook: TestingShell, frame: object) -> None:
    notebook.user_ns["live"] = frame
    found = {line.rpartition(" ")[2] for line in notebook.completions("%lf commit live --key ")}
    assert found == {"column_names", "dep", "row"}


def test_columns_of_a_series(notebook: TestingShell) -> None:
    notebook.user_ns["live"] = pd.Series([1], index=["columns"], name="speed")
    assert notebook.completions("%lf commit live --key s") == ["%lf commit live --key speed"]
    notebook.user_ns["live"] = pd.Series([1])
    assert "None" not in str(notebook.completions("%lf commit live --key "))


NAMES = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=12) | st.text(
    " ,;#'\"\\$`{}?-=ab", min_size=1, max_size=12
)


@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True), typed=st.integers(0, 3), data=st.data())
@example(names=["a\\"], typed=0, data=None)
def test_every_name_that_is_proposed_is_read_back(names: list[str], typed: int, data: st.DataObject | None) -> None:
    """In whatever quotes the beginning was typed, the whole line gives the names back."""
    session = Session({"frame": pd.DataFrame([range(len(names))], columns=names)})
    ours = completion.Completer(session, VERBS)
    start = "" if data is None else data.draw(st.sampled_from(["", "'", '"', "\\"]))
    target = names[min(typed, len(names) - 1)]
    head = target[: typed % (len(target) + 1)] if "," not in target and "\\" not in target else ""
    raw = {
        "'": "'" + head.replace("'", "'\\''"),
        '"': '"' + "".join("\\" + sign if sign in '\\"$`' else sign for sign in head),
        "\\": "".join("\\" + sign for sign in head),
        "": head if head.isalnum() and head.isascii() else "",
    }[start]
    line = f"%lf commit frame --key {raw}"
    fragment, found = ours.complete(line)
    ours.close()
    head = head if raw else ""
    read = [split_columns([split(line.removesuffix(fragment)[4:] + text).words[-1].text]) for text in found]
    complete = head in names and start in ("", "\\")  # what is typed is that name; an open quote is still to be closed
    assert sorted(read) == sorted([name] for name in names if name.startswith(head) and not (complete and name == head))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process would: keep everyone out of the catalog."""
    with closing(sqlite3.connect(folder / ".lineageflow" / "catalog.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def test_a_locked_repository_is_not_waited_for(
    committed: TestingShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed.run("%reload_ext lineageflow_jupyter")
    with locked(tmp_path), monkeypatch.context() as patch:
        patch.setattr(completion, "SECONDS", HASTE)
        assert committed.completions("%lf checkout ") == ["%lf checkout HEAD"]
        assert others(), "it was answered only when the lock had been waited for"
        assert committed.completions("%lf commit fl") == ["%lf commit flights"]
    assert committed.completions("%lf checkout ") == ["%lf checkout HEAD", "%lf checkout main"]


def test_what_was_known_is_proposed_while_the_repository_is_busy(
    committed: TestingShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed.run("%reload_ext lineageflow_jupyter")
    assert committed.completions("%lf checkout ma") == ["%lf checkout main"]
    with locked(tmp_path), monkeypatch.context() as patch:
        patch.setattr(completion, "SECONDS", HASTE)
        assert committed.completions("%lf checkout ma") == ["%lf checkout main"]
        assert others()


@contextmanager
def before_each_statement(listener: Callable[..., None]) -> Iterator[None]:
    """Something happens in the database's driver."""
    event.listen(Engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", listener)


@contextmanager
def slow() -> Iterator[None]:
    """A catalog that takes its time, as on a network that hangs: what completion asks of it ends with the context."""
    awake = threading.Event()

    def wait(*_: object) -> None:
        if threading.current_thread().name == THREAD:
            awake.wait(60)

    with before_each_statement(wait):
        try:
            yield
        finally:
            awake.set()


def rest() -> None:
    """Wait until nothing is asked any more."""
    patience = time.monotonic() + 30
    while others():
        assert time.monotonic() < patience
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%lf log fli", ["%lf log flights"]),
        ("%lf checkout ", ["%lf checkout HEAD", "%lf checkout feature", "%lf checkout main"]),
        ("%lf commit planes --branch fea", ["%lf commit planes --branch feature"]),
    ],
)
def test_the_first_key_stroke_after_a_cell_waits_for_nothing(
    committed: TestingShell, monkeypatch: pytest.MonkeyPatch, typed: str, expected: list[str]
) -> None:
    committed.run("%lf branch feature")
    rest()
    monkeypatch.setattr(completion, "SECONDS", HASTE)
    with slow():
        assert committed.completions(typed) == expected
        assert others(), "it was answered only when the catalog was"
        assert committed.completions(typed) == expected


def test_the_last_of_many_cells_is_known(committed: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells come faster than what is known can be renewed, as in Run All."""
    with slow():
        for number in range(20):
            committed.run(f"%lf branch feature-{number}")
        assert len(others()) == 1
    rest()
    monkeypatch.setattr(completion, "SECONDS", HASTE)
    with slow():
        assert len(committed.completions("%lf switch feature-")) == 20


def test_what_is_known_is_of_the_repository_in_use(committed: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    committed.run("%lf init other")
    rest()
    monkeypatch.setattr(completion, "SECONDS", HASTE)
    with slow():
        assert committed.completions("%lf checkout ") == ["%lf checkout HEAD"]


def test_nothing_is_asked_after_cells_without_verbs(committed: TestingShell) -> None:
    rest()
    with slow():
        committed.run("x = 1")
        assert others() == []
        committed.run("%lf help;")
        assert others() != []


def test_what_is_known_outlives_a_catalog_that_is_locked_for_too_long(committed: TestingShell) -> None:
    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.current_thread().name == THREAD and statement.startswith("SELECT"):
            problem = sqlite3.OperationalError("database is locked")
            problem.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise problem

    rest()
    with before_each_statement(refuse):
        assert committed.completions("%lf checkout ma") == ["%lf checkout main"]
        committed.run("%lf help;")
        rest()
        assert committed.completions("%lf checkout ma") == ["%lf checkout main"]
    with lf.open(".") as repository:
        repository.branch("theirs")
    committed.run("x = 1")  # what could not be asked after the cell before is asked now
    rest()
    with before_each_statement(refuse):
        assert committed.completions("%lf switch th") == ["%lf switch theirs"]


def test_a_key_stroke_opens_the_repository_only_to_look(
    committed: TestingShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No workspace is made, and a verb later uses the repository of the folder it runs in."""
    lf.init(tmp_path / "other").close()
    monkeypatch.setenv("JPY_SESSION_NAME", "new.ipynb")
    committed.run("%reload_ext lineageflow_jupyter")
    assert committed.completions("%lf checkout ma") == ["%lf checkout main"]
    with closing(sqlite3.connect(tmp_path / ".lineageflow" / "catalog.sqlite")) as connection:
        assert "new.ipynb" not in str(connection.execute("SELECT name FROM workspaces").fetchall())
    monkeypatch.chdir("other")
    assert committed.completions("%lf checkout ") == ["%lf checkout HEAD"]
    assert committed.run("%lf status").report.tip is None


def test_a_verb_and_a_key_stroke_at_the_same_moment(committed: TestingShell) -> None:
    for _ in range(5):
        committed.run("%reload_ext lineageflow_jupyter")
        strokes = [threading.Thread(target=completer(committed).complete, args=("%lf checkout ma",)) for _ in range(3)]
        for stroke in strokes:
            stroke.start()
        assert "raw" in str(committed.run("%lf log"))
        for stroke in strokes:
            stroke.join()
        assert committed.completions("%lf checkout ma") == ["%lf checkout main"]


def test_completion_goes_on_while_a_commit_runs(committed: TestingShell) -> None:
    committed.user_ns["big"] = pd.DataFrame({"a": range(300_000)})
    commit = threading.Thread(target=committed.run, args=("%lf commit big -m big;",))
    commit.start()
    assert committed.completions("%lf checkout ma") == ["%lf checkout main"]
    commit.join()
    assert committed.completions("%lf checkout main b") == ["%lf checkout main big"]


def test_a_broken_repository_gives_no_completions_and_no_traceback(
    committed: TestingShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    committed.run("%unload_ext lineageflow_jupyter")
    (tmp_path / ".lineageflow" / "catalog.sqlite").write_bytes(b"not a database" * 1000)
    committed.run("%load_ext lineageflow_jupyter")
    capsys.readouterr()
    assert committed.completions("%lf checkout ") == ["%lf checkout HEAD"]
    assert "flights" not in str(committed.completions("%lf checkout main "))
    assert capsys.readouterr() == ("", "")


def test_a_frame_that_fails_to_tell_its_columns_gives_no_traceback(
    notebook: TestingShell, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(pd.DataFrame):
        @property
        def columns(self) -> object:
            raise RuntimeError("no")

    notebook.user_ns["failing"] = Failing()
    capsys.readouterr()
    notebook.completions("%lf commit failing --key ")
    assert capsys.readouterr() == ("", "")


def test_unloading_ends_what_was_begun_in_the_background(committed: TestingShell) -> None:
    committed.run("%reload_ext lineageflow_jupyter")
    committed.completions("%lf checkout ma")
    committed.run("%unload_ext lineageflow_jupyter")
    assert others() == []


def test_unloading_waits_for_a_question_that_is_being_answered(
    committed: TestingShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed.run("%reload_ext lineageflow_jupyter")
    with locked(tmp_path):
        monkeypatch.setattr(completion, "SECONDS", HASTE)
        committed.completions("%lf checkout ma")
        assert others()
        committed.run("%unload_ext lineageflow_jupyter")
        assert others() == []


def test_names_that_steer_a_terminal_are_not_proposed(notebook: TestingShell) -> None:
    notebook.user_ns["live"] = pd.DataFrame([range(4)], columns=["a\x1b[2J", "a\nb", "a\u202eb", "ab"])
    assert notebook.completions("%lf commit live --key a") == ["%lf commit live --key ab"]


def test_many_names(notebook: TestingShell) -> None:
    """Names alone are read: no dataset's table, of which there are many."""
    with lf.open(".") as repository:
        repository.commit({f"data_{number:03}": pd.DataFrame({"a": [1]}) for number in range(200)}, message="many")
        assert repository.dataset_names() == tuple(f"data_{number:03}" for number in range(200))
    assert len(notebook.completions("%lf checkout main data_")) == 200
    assert notebook.completions("%lf checkout main data_07") == [f"%lf checkout main data_07{n}" for n in range(10)]
