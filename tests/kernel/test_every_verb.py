"""Every verb in a notebook: what it answers, what it does to variables, and that a refusal changes nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from lineageflow_jupyter.kernel.display import Answer
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.testing.shell import TestingShell
from tests.repositories import state

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


def session(shell: TestingShell) -> Any:
    return shell.magics_manager.magics["line"]["lf"].__self__.session


def everything(shell: TestingShell) -> tuple[object, ...]:
    """Identities of all variables, and refs, HEAD and operations of the repository."""
    return (
        {name: id(value) for name, value in shell.user_ns.items() if not name.startswith("_")},
        state(session(shell).repository),
    )


@pytest.fixture
def work(committed: TestingShell) -> TestingShell:
    """Two commits on main, a branch `other` whose flights differ, a tag, a stash; flights is changed, planes is not."""
    committed.run("%lf tag v1 -m first")
    committed.run("flights['speed'] = 1.0")
    committed.run("%lf commit -m speed;")
    committed.run("%lf switch -c other;")
    committed.run("flights['late'] = True")
    committed.run("%lf commit -m late;")
    committed.run("%lf switch main;")
    committed.run("flights['half'] = 0")
    committed.run("%lf stash;")
    committed.run("flights['mine'] = 1; scratch = flights.copy()")
    return committed


ORDINARY = {
    "status": "%lf status",
    "add": "%lf add scratch",
    "commit": "%lf commit -m mine",
    "rm": "%lf rm planes",
    "mv": "%lf mv planes air",
    "log": "%lf log --graph --all",
    "show": "%lf show v1",
    "diff": "%lf diff v1",
    "changes": "%lf changes flights",
    "blame": "%lf blame flights",
    "history": "%lf history flights --row 0",
    "checkout": "%lf checkout v1 --force",
    "restore": "%lf restore flights --source v1",
    "branch": "%lf branch fix v1",
    "switch": "%lf switch other --force",
    "tag": "%lf tag v2 -m second",
    "reset": "%lf reset --hard v1",
    "stash": "%lf stash pop --force",
    "undo": "%lf undo",
    "redo": "%lf redo",
    "reflog": "%lf reflog main",
    "workspace": "%lf workspace",
    "cache": "%lf cache",
    "help": "%lf help switch",
    "open": "%lf open .",
}


@pytest.mark.parametrize("verb", ORDINARY)
def test_each_answers_in_words_and_html_and_can_be_silenced(work: TestingShell, verb: str) -> None:
    if verb == "redo":
        work.run("%lf undo;")
    assert verb in VERBS
    answer = work.run(ORDINARY[verb])
    assert isinstance(answer, Answer)
    assert str(answer).strip()
    assert answer._repr_html_().startswith("<style>")
    assert work.run("%lf status;") is None
    assert work.run(f"quiet = {ORDINARY['log']};") is None
    assert work.user_ns["quiet"] is None


REFUSED = {
    "init": ("%lf init", "already"),
    "add": ("%lf add scrach", "scratch"),
    "commit": ("%lf commit flights", "-m"),
    "commit of nobody": ("%lf commit fligths -m x", "flights"),
    "commit to nowhere": ("%lf commit flights -m x --branch othr", "other"),
    "rm": ("%lf rm plane", "planes"),
    "mv": ("%lf mv planes flights", "flights"),
    "mv to a bad name": ("%lf mv planes 'a b'", "dataset"),
    "log": ("%lf log nowhere..main", "nowhere"),
    "log of a number": ("%lf log -n x", "number"),
    "graph with filters": ("%lf log --graph --author x", "--graph"),
    "show": ("%lf show v9", "v9"),
    "show of a dataset": ("%lf show v1:fligths", "flights"),
    "read": ("%lf read v1:fligths", "flights"),
    "checkout": ("%lf checkout v1", "--force"),
    "checkout of nothing": ("%lf checkout v1 trains", "trains"),
    "checkout with an engine": ("%lf checkout v1 planes --engine dask", "polars"),
    "restore": ("%lf restore trains", "trains"),
    "restore rows": ("%lf restore flights --rows 1", "START:STOP"),
    "restore a column": ("%lf restore flights --columns sped", "speed"),
    "restore parts of two": ("%lf restore flights planes --rows 0:1", "one by one"),
    "branch": ("%lf branch other", "other"),
    "branch at nothing": ("%lf branch x v9", "v9"),
    "branch -d": ("%lf branch -d other", "-D"),
    "branch -d here": ("%lf branch -D main", "main"),
    "branch -d several": ("%lf branch -D other nowhere", "nowhere"),
    "branch -m": ("%lf branch -m other main", "main"),
    "switch": ("%lf switch other", "--force"),
    "switch to nothing": ("%lf switch othr", "other"),
    "switch to a tag": ("%lf switch v1", "-c"),
    "switch -c": ("%lf switch -c other", "other"),
    "switch to two": ("%lf switch main other", "-c"),
    "tag": ("%lf tag v1", "--force"),
    "tag -d": ("%lf tag -d v1 v9", "v9"),
    "tag -m": ("%lf tag -m x", "NAME"),
    "reset": ("%lf reset v9", "v9"),
    "reset both": ("%lf reset --soft --hard", "--soft"),
    "stash pop": ("%lf stash pop", "--force"),
    "stash pop nothing": ("%lf stash pop stash@{9}", "stash"),
    "stash drop": ("%lf stash drop x", "stash list"),
    "stash what": ("%lf stash popp", "pop"),
    "stash two": ("%lf stash pop 0 1", "one"),
    "redo": ("%lf redo", "undo"),
    "reflog": ("%lf reflog mian", "main"),
    "workspace": ("%lf workspace --adopt nobody.ipynb", "%lf workspace"),
    "help": ("%lf help swich", "switch"),
    "open": ("%lf open /nowhere/at/all", "%lf init"),
    "a verb": ("%lf swich main", "switch"),
    "an option": ("%lf switch main --forse", "--force"),
}


def test_a_refusal_is_one_line_and_changes_nothing(work: TestingShell) -> None:
    """Each error once: one line that says what to do next; variables stay the same objects."""
    before = everything(work)
    for name, (line, word) in REFUSED.items():
        told = work.refused(line)
        assert word in told, f"{name}: {told}"
        assert everything(work) == before, name


class TestHostile:
    @pytest.fixture
    def hostile(self, notebook: TestingShell) -> TestingShell:
        """A message, a tag's words and a column that would be markup, and steer a terminal."""
        notebook.user_ns["message"] = HOSTILE
        notebook.user_ns["flights"][HOSTILE] = 1
        repository = session(notebook).repository
        repository.commit({"flights": notebook.user_ns["flights"], "<b>": notebook.user_ns["planes"]}, message=HOSTILE)
        repository.tag("<b>tag</b>", message=HOSTILE)
        repository.branch("<i>branch</i>")
        repository.stash({"flights": notebook.user_ns["flights"].assign(x=1)}, message=HOSTILE)
        return notebook

    @pytest.mark.parametrize(
        "line",
        [
            "%lf log --graph",
            "%lf log --oneline",
            "%lf show",
            "%lf show '<b>tag</b>'",
            "%lf show HEAD:flights",
            "%lf status",
            "%lf branch",
            "%lf tag",
            "%lf reflog",
            "%lf stash list",
            "%lf workspace",
            "%lf checkout HEAD",
            "%lf switch '<i>branch</i>'",
            "%lf reset --hard",
            "%lf stash pop",
            "%lf stash drop",
            "%lf restore flights",
            "%lf undo",
            "%lf branch -d '<i>branch</i>'",
            "%lf tag -d '<b>tag</b>'",
            "%lf rm '<b>'",
            "%lf mv '<b>' '<u>'",
        ],
    )
    def test_what_others_wrote_is_text(self, hostile: TestingShell, line: str) -> None:
        answer = hostile.run(line)
        page = answer._repr_html_()
        body = page[page.index("</style>") :]
        assert not any(f"<{tag}" in body for tag in ("script", "b>", "i>", "u>"))
        for text in (str(answer), body):
            assert all(sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cf") for sign in text)

    def test_errors_too(self, hostile: TestingShell) -> None:
        hostile.run("flights['y'] = 2")
        for line in ("%lf checkout HEAD", "%lf switch '<b>tag</b>'", "%lf branch -D main", "%lf tag '<b>tag</b>'"):
            told = hostile.refused(line)
            assert "\x1b" not in told, line
            assert "\u202e" not in told, line


class TestVariables:
    def test_names_of_their_own_follow_their_dataset(self, committed: TestingShell) -> None:
        """A variable df that was committed as air: every verb that gives frames gives it this one."""
        shell = committed
        shell.run("df = planes.copy()")
        shell.run("%lf commit df --as air -m air;")
        first = shell.user_ns["df"].copy()
        shell.run("%lf switch -c wide;")
        shell.run("df['seats'] = 5")
        shell.run("%lf commit -m seats;")
        assert "df (dataset air)" in str(shell.run("%lf switch main"))
        assert_frame_equal(shell.user_ns["df"], first)
        shell.run("%lf checkout wide air;")
        assert list(shell.user_ns["df"]) == ["tail", "seats"]
        shell.run("%lf undo;")
        assert_frame_equal(shell.user_ns["df"], first)
        shell.run("df['x'] = 1")
        shell.run("%lf stash;")
        assert_frame_equal(shell.user_ns["df"], first)
        shell.run("%lf stash pop;")
        assert list(shell.user_ns["df"]) == ["tail", "x"]
        shell.run("%lf restore df;")
        assert_frame_equal(shell.user_ns["df"], first)
        assert "air" not in shell.user_ns

    @pytest.mark.parametrize("line", ["%lf checkout v1 flights", "%lf restore flights", "%lf stash pop"])
    def test_something_else_under_a_datasets_name_is_refused(self, work: TestingShell, line: str) -> None:
        work.user_ns["flights"] = {"precious": 1}
        before = everything(work)
        told = work.refused(line)
        assert "'flights'" in told
        assert "del flights" in told
        assert everything(work) == before

    def test_nor_does_undo_put_a_frame_in_its_place(self, work: TestingShell) -> None:
        """The stash of flights is undone: its frame has to go somewhere, and the variable is taken."""
        precious = {"precious": 1}
        work.user_ns["flights"] = precious
        repository = session(work).repository
        refs, head = repository._catalog.refs(kinds=("branch", "hidden")), repository.head
        assert "del flights" in work.refused("%lf undo")
        assert work.user_ns["flights"] is precious
        assert (repository._catalog.refs(kinds=("branch", "hidden")), repository.head) == (refs, head)
        work.run("del flights")
        work.run("%lf undo;")
        assert "half" in work.user_ns["flights"]

    @pytest.mark.parametrize("line", ["%lf switch other", "%lf reset --hard v1", "%lf stash push planes"])
    def test_or_left_alone_where_nobody_named_it(self, work: TestingShell, line: str) -> None:
        precious = {"precious": 1}
        work.user_ns["flights"] = precious
        work.run("planes['x'] = 1")
        work.run(line)
        assert work.user_ns["flights"] is precious

    @pytest.mark.parametrize("line", ["%lf restore flights", "%lf checkout HEAD flights", "%lf stash pop"])
    def test_a_variable_that_was_deleted_comes_back(self, work: TestingShell, line: str) -> None:
        work.run("del flights")
        work.run(line)
        assert isinstance(work.user_ns["flights"], pd.DataFrame)

    @pytest.mark.parametrize("line", ["%lf switch other", "%lf reset --hard v1"])
    def test_what_is_deleted_is_in_nobodys_way(self, work: TestingShell, line: str) -> None:
        work.run("del flights")
        work.run(line)
        assert "flights" not in work.user_ns

    @pytest.mark.parametrize(
        "line", ["%lf switch other --force", "%lf checkout v1 --force", "%lf reset --hard v1", "%lf stash"]
    )
    def test_other_frames_are_not_touched(self, work: TestingShell, line: str) -> None:
        scratch, planes = work.user_ns["scratch"], work.user_ns["planes"]
        before = planes.copy()
        work.run(line)
        assert work.user_ns["scratch"] is scratch
        assert_frame_equal(work.user_ns["planes"], before)

    def test_within_a_function_the_notebooks_own_are_changed(self, work: TestingShell) -> None:
        """A verb cannot give a function's variables other frames: they stay, and no error is raised in mid-air."""
        work.run(
            "def visit():\n"
            "    flights = 'mine'\n"
            "    old = %lf read v1:flights\n"
            "    get_ipython().run_line_magic('lf', 'switch other --force')\n"
            "    return flights, old\n"
            "mine, old = visit()"
        )
        assert work.user_ns["mine"] == "mine"
        assert work.user_ns["old"].shape == (3, 3)
        assert "late" in work.user_ns["flights"]

    def test_the_old_frame_stays_as_it_was_under_another_name(self, work: TestingShell) -> None:
        work.run("%lf restore flights;")
        work.run("kept = flights")
        before = work.user_ns["kept"].copy()
        work.run("%lf switch other;")
        work.run("flights['x'] = 1")
        assert_frame_equal(work.user_ns["kept"], before)


class TestWorkspaces:
    @pytest.fixture
    def second(self, committed: TestingShell, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestingShell]:
        """Another kernel; which notebook it is, tests say."""
        with TestingShell.start() as shell:
            yield shell
            shell.run("%unload_ext lineageflow_jupyter")

    def test_two_notebooks_on_two_branches(
        self, committed: TestingShell, second: TestingShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", str(Path.cwd() / "second.ipynb"))
        second.run("%load_ext lineageflow_jupyter")
        second.run("%lf switch -c try;")
        second.run("%lf checkout HEAD;")
        second.run("flights['theirs'] = 1")
        second.run("%lf commit -m theirs;")
        assert committed.run("%lf status").report.branch == "main"
        assert "theirs" not in committed.user_ns["flights"]
        committed.run("%lf switch try;")
        assert "theirs" in committed.user_ns["flights"]
        told = str(second.run("%lf workspace"))
        assert "second.ipynb" in told
        assert told.count("try") == 2

    def test_a_branch_that_was_renamed_under_a_notebook(
        self, committed: TestingShell, second: TestingShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", str(Path.cwd() / "second.ipynb"))
        second.run("%load_ext lineageflow_jupyter")
        second.run("%lf branch -m main trunk;")
        assert "renamed to 'trunk'" in str(committed.run("%lf status"))
        committed.run("flights['x'] = 1")
        assert "renamed to 'trunk'" in committed.refused("%lf commit flights -m x")
        committed.run("%lf switch trunk;")
        assert committed.run("%lf commit flights -m x").report.created

    def test_two_kernels_of_one_notebook(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Status says so, while the other kernel is a process that runs."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "shared.ipynb"))
        script = (
            "import os, sys, lineageflow_jupyter as lf\n"
            "from lineageflow_jupyter.kernel.session import Session\n"
            "repository = Session({}).init('.')\n"
            "print('ready', flush=True); sys.stdin.readline(); repository.close()"
        )
        pipe, environment = subprocess.PIPE, os.environ.copy()
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            with TestingShell.start() as shell:
                shell.run("%load_ext lineageflow_jupyter")
                assert "open in another kernel" in str(shell.run("%lf status"))
                shell.run("%unload_ext lineageflow_jupyter")
            other.communicate("go\n", timeout=60)

    def test_a_notebook_that_was_renamed_takes_its_branch_over(
        self, committed: TestingShell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JPY_SESSION_NAME", str(Path.cwd() / "old.ipynb"))
        committed.run("%lf open .;")
        committed.run("%lf switch -c mine;")
        monkeypatch.setenv("JPY_SESSION_NAME", str(Path.cwd() / "new.ipynb"))
        committed.run("%lf open .;")
        assert committed.run("%lf status").report.branch == "main"
        assert "branch mine" in str(committed.run("%lf workspace --adopt old.ipynb"))
        assert committed.run("%lf status").report.branch == "mine"


def test_a_branch_or_tag_that_looks_like_an_id(committed: TestingShell) -> None:
    name = committed.run("%lf log").report[0].id.hex()[:7]
    assert f"created branch {name}" in str(committed.run(f"%lf branch {name}"))
    assert name in str(committed.run("%lf branch"))
    assert f"deleted branch {name}" in str(committed.run(f"%lf branch -d {name}"))
    assert "tagged" in str(committed.run(f"%lf tag {name}"))
    assert name in str(committed.run("%lf tag"))
    assert name in str(committed.run("%lf log --graph"))
    assert "may be the ref" in committed.refused(f"%lf show {name}")
    assert name in str(committed.run(f"%lf tag -d {name}"))


def test_what_is_proposed_for_an_unseen_version_works(committed: TestingShell) -> None:
    """The error names the branch to make: after it the commit goes through, and nobody's frame was lost."""
    repository = session(committed).repository
    committed.run("flights['mine'] = 1")
    mine = committed.user_ns["flights"]
    with pytest.MonkeyPatch.context() as patch, TestingShell.start() as second:
        patch.setenv("JPY_SESSION_NAME", str(Path.cwd() / "second.ipynb"))
        second.run("%load_ext lineageflow_jupyter")
        second.run("%lf checkout HEAD;")
        second.run("flights['theirs'] = 1")
        second.run("%lf commit -m theirs;")
        second.run("%unload_ext lineageflow_jupyter")
    told = committed.refused("%lf commit flights -m mine")
    start = told.split("`%lf switch -c NAME ")[1].split("`")[0]
    committed.run(f"%lf switch -c own {start};")
    assert committed.user_ns["flights"] is mine
    assert committed.run("%lf commit flights -m mine").report.branch == "own"
    assert repository.head.branch == "own"


def test_checkout_takes_the_variable_that_stands_for_a_dataset(notebook: TestingShell) -> None:
    notebook.run("%lf commit flights --as air -m raw;\nflights['x'] = 1\n%lf commit -m more;")
    notebook.run("%lf checkout HEAD~1 flights;")
    assert "x" not in notebook.user_ns["flights"].columns
    assert "air" not in notebook.user_ns


def test_all_branches_and_one_revision_exclude_each_other(committed: TestingShell) -> None:
    committed.run("%lf branch other;")
    assert "--all begins at all branches and tags, and 'other' at one place" in committed.refused("%lf log other --all")
    assert committed.run("%lf log --all -- flights").report
