"""``%lf undo NAME`` and ``%lf redo NAME`` in a real shell: a variable goes back through what it held, and forward."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lineageflow_jupyter.testing.shell import TestingShell


def held(shell: TestingShell, name: str = "fares") -> list[Any]:
    return list(shell.user_ns[name]["dep"])


@pytest.fixture
def edited(notebook: TestingShell) -> TestingShell:
    """Fares that cell 3 made; cells 4 to 6 changed a value each, to 4, 5 and 6."""
    notebook.run("import pandas as pd\nfares = pd.DataFrame({'id': [1, 2, 3], 'dep': [1, 2, 3]})")
    for number in (4, 5, 6):
        notebook.run(f"fares.loc[0, 'dep'] = {number}")
    return notebook


def test_each_time_one_step_further_back_and_forward_again(edited: TestingShell) -> None:
    told = str(edited.run("%lf undo fares"))
    assert held(edited) == [5, 2, 3]
    assert "fares is now as before " in told
    assert "[6] fares.loc[0, 'dep'] = 6" in told
    line = told[told.index("`x = %lf read fares@") + 5 :].partition("`")[0]
    assert list(edited.run(f"frame = {line}") or edited.user_ns["frame"]["dep"]) == [6, 2, 3]
    for wanted in (4, 1):
        edited.run("%lf undo fares;")
        assert held(edited)[0] == wanted
    assert "[3] import pandas as pd made 'fares': there is nothing before it" in edited.refused("%lf undo fares")
    for wanted in (4, 5, 6):
        edited.run("%lf redo fares;")
        assert held(edited)[0] == wanted
    assert "nothing to redo" in edited.refused("%lf redo fares")
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 5


def test_several_in_one_cell(edited: TestingShell) -> None:
    edited.run("%lf undo fares\n%lf undo fares")
    assert held(edited)[0] == 4
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 1
    edited.run("%lf redo fares\n%lf redo fares")
    assert held(edited)[0] == 5


def test_after_an_undo_work_goes_on(edited: TestingShell) -> None:
    """A later change is undone first; then the walk goes past the undo and what it undid."""
    edited.run("%lf undo fares;")
    edited.run("fares.loc[0, 'dep'] = 9")
    assert "nothing to redo" in edited.refused("%lf redo fares")
    seen = []
    for _ in range(3):
        edited.run("%lf undo fares;")
        seen.append(held(edited)[0])
    assert seen == [5, 4, 1]
    edited.run("fares.loc[0, 'dep'] = 7")
    edited.run("%lf undo fares;")
    edited.run("%lf redo fares;")
    assert held(edited)[0] == 7


def test_a_value_that_came_back_is_undone_as_any_change(edited: TestingShell) -> None:
    edited.run("fares.loc[0, 'dep'] = 5")  # as before cell 6
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 6
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 5


def test_what_the_cell_did_is_recorded_and_committed_with_its_cause(edited: TestingShell) -> None:
    edited.run("%lf undo fares;")
    edited.run("%lf commit fares -m five;")
    assert "fares.loc[0, 'dep'] = 5" not in str(edited.run("%lf blame fares --row 1 --column dep"))
    assert "%lf undo fares" in str(edited.run("%lf log --cells fares -n 1"))
    assert held(edited) == edited.run("%lf read fares")["dep"].tolist() == [5, 2, 3]


def test_it_refuses_to_lose_what_nothing_holds(edited: TestingShell) -> None:
    edited.run_cell("fares.loc[1, 'dep'] = 99", silent=True)  # type: ignore[no-untyped-call]
    told = edited.refused("%lf undo fares")
    assert "what 'fares' holds would be lost" in told
    assert "no cell that is known left it so" in told
    assert held(edited) == [6, 99, 3]
    told = str(edited.run("%lf undo fares --force"))
    assert held(edited) == [6, 2, 3]
    assert "`%lf stash pop` brings it back" in told
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 5
    edited.run("%lf stash pop --force;")
    assert held(edited) == [6, 99, 3]


def test_the_stash_of_an_undo_is_an_operation_like_others(edited: TestingShell) -> None:
    edited.run("%lf commit fares -m raw;")
    edited.run_cell("fares.loc[1, 'dep'] = 99", silent=True)  # type: ignore[no-untyped-call]
    edited.run("%lf undo fares --force;")
    edited.run("%lf undo;")
    assert held(edited) == [6, 99, 3]


def test_what_is_committed_needs_no_snapshot(edited: TestingShell, tmp_path: Path) -> None:
    edited.run("%lf commit fares -m raw;")
    edited.run("fares.loc[0, 'dep'] = 7")
    shutil.rmtree(tmp_path / ".lineageflow/snapshots")
    edited.run("%unload_ext lineageflow_jupyter")
    edited.run("%load_ext lineageflow_jupyter")
    assert "no snapshot was kept of it" in edited.refused("%lf undo fares")
    edited.run("%lf undo fares --force;")
    assert held(edited) == [6, 2, 3]
    assert "is not there" in edited.refused("%lf undo fares")


def test_what_a_verb_put_there_and_what_was_deleted(edited: TestingShell) -> None:
    edited.run("%lf commit fares -m raw;")
    edited.run("fares.loc[0, 'dep'] = 7")
    edited.run("%lf checkout HEAD fares --force;")
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 7
    edited.run("del fares")
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 7


def test_after_a_restart_the_variable_comes_back(edited: TestingShell) -> None:
    edited.run("%unload_ext lineageflow_jupyter")
    del edited.user_ns["fares"]
    edited.run("%load_ext lineageflow_jupyter")
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 5
    edited.run("%lf undo fares;")
    assert held(edited)[0] == 4


def test_other_names_of_the_frame(edited: TestingShell) -> None:
    edited.run("other = fares")
    edited.run("months = {'jan': fares.head(2).copy()}")
    assert "the frame that it held stays in other" in str(edited.run("%lf undo fares"))
    assert held(edited)[0] == 5
    assert held(edited, "other")[0] == 6
    for line in ("%lf undo \"months['jan']\"", "%lf undo months['jan']"):
        assert "is no variable, and only variables are given other frames" in edited.refused(line)
    edited.run("months['jan'].loc[0, 'dep'] = 8")
    edited.run("""months['jan'] = %lf before "months['jan']" """)
    assert months_first(edited) == 6


def months_first(shell: TestingShell) -> Any:
    return shell.user_ns["months"]["jan"]["dep"].iloc[0]


def test_a_variable_that_stands_for_a_dataset(edited: TestingShell) -> None:
    edited.run("%lf commit fares --as prices -m raw;")
    edited.run("fares.loc[0, 'dep'] = 7")
    edited.run("%lf undo prices;")
    assert held(edited)[0] == 6
    edited.run("%lf undo fares;")  # made while it stood for itself
    assert held(edited)[0] == 5
    edited.run("prices = pd.DataFrame({'x': [1]})")
    assert "is a variable, and the dataset that the variable 'fares' stands for" in edited.refused("%lf undo prices")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("undo faers", "no variable 'faers' (did you mean fares?)"),
        ("undo 12", "is no variable"),
        ("undo n", "of type int, not a frame"),
        ("undo flights", "no cell of this notebook is known to have changed 'flights'"),
        ("undo --force", "--force goes with a variable"),
        ("redo fares", "nothing to redo of 'fares'"),
        ("undo fares other", "does not know what to do with 'other'"),
    ],
)
def test_mistakes(edited: TestingShell, line: str, told: str) -> None:
    edited.run("n = 1")
    assert told in edited.refused(f"%lf {line}")
    assert held(edited) == [6, 2, 3]


def test_without_a_name_it_is_about_operations(edited: TestingShell) -> None:
    edited.run("%lf commit fares -m raw;")
    assert "undone: commit" in str(edited.run("%lf undo"))
    assert held(edited) == [6, 2, 3]


def test_polars_stay_polars(notebook: TestingShell) -> None:
    notebook.run("import polars as pl\nt = pl.DataFrame({'x': [1, 2]})")
    notebook.run("t = t.with_columns(y=3)")
    notebook.run("%lf undo t;")
    assert type(notebook.user_ns["t"]).__module__.startswith("polars")
    assert notebook.user_ns["t"].columns == ["x"]
    assert not isinstance(notebook.user_ns["t"], pd.DataFrame)
