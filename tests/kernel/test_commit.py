"""`%lf add` and `%lf commit`."""

from __future__ import annotations

import re

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

import lineageflow_jupyter as lf
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.testing.shell import TestingShell


def test_a_commit_says_what_it_did(notebook: TestingShell) -> None:
    answer = notebook.run('%lf commit flights -m "raw"')
    assert re.fullmatch(r"\[main [0-9a-f]{7}\] raw — flights 3 × 3, [\d.]+ (bytes|kB) new", str(answer))
    assert answer.report.author == Author("Ada")


def test_several_frames_make_one_commit(notebook: TestingShell) -> None:
    answer = notebook.run("%lf commit flights planes -m both")
    assert "flights 3 × 3, planes 2 × 1" in str(answer)
    assert len(notebook.run("%lf log").report) == 1


@pytest.mark.parametrize(
    "message",
    [
        "costs $5, {x} and ${HOME}",
        "it's \"quoted\" 'twice'",
        "# not a comment; not the end",
        "--message",
        "Ünïcode ✓ 航班",
        "first line\\n second",
        "<script>alert(1)</script>",
    ],
)
def test_messages_stay_as_they_are(notebook: TestingShell, message: str) -> None:
    notebook.user_ns["x"] = "boom"
    quoted = message.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    answer = notebook.run(f'%lf commit flights -m "{quoted}"')
    assert answer.report.message == message


def test_a_message_needs_no_escapes_before_dollars_and_braces(notebook: TestingShell) -> None:
    notebook.user_ns["x"] = "boom"
    assert notebook.run('%lf commit flights -m "costs $x and {x}"').report.message == "costs $x and {x}"


def test_an_odd_parenthesis_and_a_semicolon_are_no_python(notebook: TestingShell) -> None:
    answer = notebook.run(r"%lf commit flights -m fix\ \(v1")
    assert answer.report.message == "fix (v1"
    notebook.run("flights['x'] = 1")
    assert notebook.run(r"%lf commit -m more\ \(v2;") is None
    assert notebook.run("%lf log").report[0].commit.message == "more (v2"


def test_unchanged_frames_make_no_commit(committed: TestingShell) -> None:
    assert str(committed.run("%lf commit -m again")) == "nothing to commit — flights, planes are unchanged"
    answer = committed.run("%lf commit flights -m again")
    assert str(answer).startswith("nothing to commit — flights is as in [main ")
    assert len(committed.run("%lf log").report) == 1


def test_a_bare_commit_takes_what_changed_and_no_scratch_frames(committed: TestingShell) -> None:
    committed.run("flights['speed'] = 1.0; scratch = flights.copy()")
    answer = committed.run("%lf commit -m speed")
    assert list(answer.report.tables) == ["flights"]


def test_a_scratch_frame_that_cannot_be_stored_stops_no_bare_commit(committed: TestingShell) -> None:
    committed.run("flights['x'] = 1; scratch = flights.assign(odd=object())")
    assert list(committed.run("%lf commit -m x").report.tables) == ["flights"]


def test_a_bare_commit_takes_what_was_added(committed: TestingShell) -> None:
    committed.run("scratch = flights.copy()")
    assert "the next `%lf commit -m …` takes scratch" in str(committed.run("%lf add scratch"))
    assert list(committed.run("%lf commit -m more").report.tables) == ["scratch"]
    assert "are unchanged" in str(committed.run("%lf commit -m again"))


def test_a_bare_commit_without_datasets_proposes_one(notebook: TestingShell) -> None:
    answer = notebook.run("%lf commit -m first")
    assert "no live frame belongs to a dataset" in str(answer)
    assert "%lf commit flights -m …" in str(answer)
    assert notebook.run("%lf log").report == ()


def test_a_bare_commit_does_not_leave_out_what_it_cannot_store(committed: TestingShell) -> None:
    committed.run("planes['odd'] = [object(), object()]; flights['x'] = 1")
    assert "'planes'" in committed.refused("%lf commit -m x")
    assert len(committed.run("%lf log").report) == 1


def test_a_missing_message_is_proposed(committed: TestingShell) -> None:
    committed.run("flights['speed'] = 1.0")
    assert '%lf commit -m "flights: +1 column (speed)"' in committed.refused("%lf commit")
    assert '%lf commit flights -m "flights: +1 column (speed)"' in committed.refused("%lf commit flights -m '  '")
    committed.run("new = flights.copy()")
    assert '%lf commit new -m "add new"' in committed.refused("%lf commit new")


def test_a_proposed_message_can_be_typed(committed: TestingShell) -> None:
    committed.run("flights['a\"b\\\\'] = 1.0")
    line = committed.refused("%lf commit").split("as in: ")[1]
    assert "+1 column" in committed.run(line).report.message


def test_names_that_are_no_frames(committed: TestingShell) -> None:
    committed.run("numbers = [1, 2]")
    told = committed.refused("%lf commit fligths -m x")
    assert told.startswith("there is no variable 'fligths' (did you mean flights?)")
    assert "'numbers' is of type list, not a frame" in committed.refused("%lf commit numbers -m x")


def test_another_name(notebook: TestingShell) -> None:
    notebook.run("df = flights")
    assert list(notebook.run("%lf commit df --as raw-flights -m x").report.tables) == ["raw-flights"]
    notebook.run("df['x'] = 1")
    assert list(notebook.run("%lf commit -m y").report.tables) == ["raw-flights"]
    assert "raw-flights (variable df)" in str(notebook.run("%lf status"))


def test_a_copy_under_another_name_leaves_the_dataset_its_variable(committed: TestingShell) -> None:
    committed.run("%lf commit flights --as backup -m copy")
    committed.run("flights['x'] = 1")
    assert list(committed.run("%lf commit -m x").report.tables) == ["flights"]


def test_flags_that_need_one_name(notebook: TestingShell) -> None:
    assert "--as goes with one NAME, 0 found" in notebook.refused("%lf commit --as x -m y")
    assert "--key goes with one NAME, 2 found" in notebook.refused("%lf commit flights planes -m y --key id")


def test_a_key_is_checked(notebook: TestingShell) -> None:
    assert "key column 'idd'" in notebook.refused("%lf commit flights --key idd -m keyed")
    notebook.run("%lf commit flights --key id -m keyed")
    notebook.run("flights.loc[1, 'id'] = 1")
    assert "flights" in notebook.refused("%lf commit -m duplicate")


def test_another_branch(committed: TestingShell) -> None:
    committed.run("%lf branch other")
    committed.run("flights['x'] = 1")
    answer = committed.run("%lf commit flights -m x --branch other")
    assert answer.report.branch == "other"
    assert len(committed.run("%lf log main").report) == 1


def test_values_that_cannot_be_stored_are_named(notebook: TestingShell) -> None:
    notebook.run("flights['mixed'] = [1, 'a', None]")
    told = notebook.refused("%lf commit flights -m x")
    assert "'flights'" in told
    assert "'mixed'" in told


def test_nobody_overwrites_what_they_have_not_seen(committed: TestingShell) -> None:
    other = lf.open(".", workspace=lf.WorkspaceName("bob", "host", "other.ipynb"))
    frame = other.read("flights")
    frame["theirs"] = 1
    other.commit({"flights": frame}, message="theirs", author=Author("Bob"))
    other.close()
    committed.run("flights['ours'] = 1")
    assert "by Bob" in committed.refused("%lf commit -m ours")
    assert "main holds another version" in str(committed.run("%lf status"))


def test_within_a_function_its_own_frames_are_seen(committed: TestingShell) -> None:
    committed.run(
        "def make(flights):\n    flights = flights.assign(x=1)\n    %lf commit flights -m inner\n    return flights"
    )
    committed.run("inner = make(flights)")
    assert_frame_equal(committed.run("%lf read flights"), committed.user_ns["inner"])
    assert "x" not in committed.user_ns["flights"]


@pytest.mark.parametrize("name", ["commit", "help", "log", "航班", "größe", "_private", "In"])
def test_frames_may_have_any_name(notebook: TestingShell, name: str) -> None:
    notebook.user_ns[name] = pd.DataFrame({"a": [1]})
    assert list(notebook.run(f"%lf commit {name} -m x").report.tables) == [name]
    notebook.user_ns[name] = pd.DataFrame({"a": [2]})
    assert list(notebook.run("%lf commit -m y").report.tables) == [name]
    notebook.run(f"%lf checkout HEAD~1 {name}")
    assert notebook.user_ns[name]["a"].tolist() == [1]


def test_other_libraries(notebook: TestingShell) -> None:
    notebook.user_ns["lazy"] = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    notebook.user_ns["series"] = pd.Series([1.5, 2.5], name="s")
    notebook.run("%lf commit lazy series -m x")
    assert notebook.run("%lf read lazy --engine polars").equals(notebook.user_ns["lazy"])
    assert notebook.run("%lf read series").equals(notebook.user_ns["series"])


def test_what_cells_returned_is_no_frame_of_the_user(committed: TestingShell) -> None:
    committed.run("flights.head()")
    assert "not in the repository" not in str(committed.run("%lf status"))


def test_a_semicolon_keeps_it_quiet(notebook: TestingShell) -> None:
    assert notebook.run("%lf commit flights -m raw;") is None
    assert notebook.run("%lf log").report[0].commit.message == "raw"


def test_the_answer_can_be_kept(notebook: TestingShell) -> None:
    notebook.run("made = %lf commit flights -m raw")
    assert notebook.user_ns["made"].report.created
