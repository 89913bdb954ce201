"""``flights@{cell:ID}``: frames as cells left them, wherever a line or a call names one table."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.errors import AmbiguousName, ObjectMissing, UnknownName, UsageProblem
from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.model.cells import CellRun
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.shell import TestingShell


def repository(shell: TestingShell) -> Repository:
    found = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(found, LineMagic)
    found.tracking.flush()
    assert found.tracking.problem == ""
    return found.session.repository


def run_of(shell: TestingShell, number: int) -> CellRun:
    (run,) = repository(shell).cell_runs(number=number)
    return run


@pytest.fixture
def edited(notebook: TestingShell) -> TestingShell:
    """Fares that cell 3 made, of which cells 4 and 5 changed a value each; cell 6 left them alone."""
    notebook.run("import pandas as pd\nfares = pd.DataFrame({'id': [1, 2, 3], 'dep': [1.0, None, 3.0]})")
    notebook.run("fares['dep'] = fares['dep'].fillna(0)")
    notebook.run("fares.loc[2, 'dep'] = 9")
    notebook.run("n = 1")
    assert [run.number for run in repository(notebook).cell_runs("fares", written=True)] == [5, 4, 3]
    return notebook


def test_a_frame_is_read_as_a_cell_left_it(edited: TestingShell) -> None:
    run = run_of(edited, 4)
    repo, wanted = repository(edited), [1.0, 0.0, 3.0]
    for place in (f"fares@{{cell:{run.run[:7]}}}", f"fares@{{cell:{run.run}}}", "fares@{cell:4}"):
        assert edited.run(f"%lf read {place}")["dep"].tolist() == wanted
        assert repo.read(place)["dep"].tolist() == wanted
    assert repo.read("fares@{cell:4}", columns=["dep"], rows=(1, 3), engine="polars").rows() == [(0.0,), (3.0,)]
    assert repo.read("fares@{cell:6}")["dep"].tolist() == [1.0, 0.0, 9.0]  # which another cell had left so
    assert edited.run("%lf before fares@{cell:5}")["dep"].tolist() == wanted
    assert str(edited.run("%lf show fares@{cell:4}")).startswith("fares 3 × 2 at fares after ")
    assert repo.column_names("fares@{cell:4}") == ("id", "dep")
    assert repo.head.bases == {}  # it counts as no version that was seen


def test_diff_of_cells(edited: TestingShell) -> None:
    repo = repository(edited)
    told = str(edited.run("%lf diff fares@{cell:3} fares@{cell:4}"))
    assert "1 changed cell: dep 1" in told
    assert "[4] fares['dep'] = fares['dep'].fillna(0)" in told.splitlines()[0]
    edited.run("d = %lf diff fares@{cell:4} fares")
    live = edited.user_ns["d"]
    assert live.report.summary.cells_changed == {"dep": 1}
    assert str(live).splitlines()[0].endswith("→ variable fares")
    edited.run("d = %lf diff fares@{cell:4}")
    assert edited.user_ns["d"].report.summary.cells_changed == {"dep": 1}
    assert repo.diff("fares@{cell:3}", "fares@{cell:5}")["fares"].summary.cells_changed == {"dep": 2}
    assert repo.diff("fares@{cell:5}", "fares@{cell:6}") == {}
    assert repo.diff_frame("fares@{cell:4}", edited.user_ns["fares"]).summary.cells == 1
    edited.run("%lf commit fares -m cleaned;")
    assert repo.diff("fares@{cell:4}", "HEAD")["fares"].summary.cells == 1
    assert repo.diff("HEAD:fares", "fares@{cell:4}")["fares"].summary.cells == 1


def test_a_variable_that_stands_for_another_dataset(edited: TestingShell) -> None:
    edited.run("%lf commit fares --as prices -m raw;")
    edited.run("fares['x'] = 1")
    assert list(edited.run("%lf read fares@{cell:8}")) == ["id", "dep", "x"]
    assert list(edited.run("%lf read prices@{cell:8}")) == ["id", "dep", "x"]
    edited.run("d = %lf diff fares@{cell:4}")
    assert edited.user_ns["d"].report.summary.cells_changed == {"dep": 1}


def test_what_lies_in_a_dict(edited: TestingShell) -> None:
    edited.run("months = {'jan': fares.head(2)}")
    place = f"months['jan']@{{cell:{run_of(edited, 7).run[:7]}}}"
    assert repository(edited).read(place).shape == (2, 2)
    assert edited.run(f'%lf read "{place}"').shape == (2, 2)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("fares@{cell:99}", "there is no cell run '99'"),
        ("fares@{cell:zz}", "there is no cell run 'zz'"),
        ("fares@{cell:}", "there is no cell run ''"),
        ("other@{cell:4}", "'other' is not known to have held a frame at cell [4]"),
        ("fares@{cell:8}", "'fares' is not known to have held a frame at cell [8]"),
        ("fares@{cell:7}", "deleted 'fares'"),
        ("main@{cell:4}:fares", "names one frame as a cell left it, and no commit"),
    ],
)
def test_what_there_is_not(edited: TestingShell, place: str, told: str) -> None:
    edited.run("del fares")
    edited.run("n = 2")
    assert told in edited.refused(f"%lf read {place}")


def test_a_place_of_commits_takes_none(edited: TestingShell) -> None:
    for line in ("checkout fares@{cell:4}", "log @{cell:4}", "branch new @{cell:4}"):
        assert "names one frame as a cell left it, and no commit" in edited.refused(f"%lf {line}")
    with pytest.raises(UsageProblem, match="no commit holds it by that name"):
        repository(edited).blame("fares@{cell:4}")


def test_an_id_that_is_a_number_too_lists_both_readings(edited: TestingShell) -> None:
    repo, run = repository(edited), run_of(edited, 4)
    other = replace(run, run="1234" + "0" * 28)
    repo.record_run(other)
    assert repo.read("fares@{cell:1234}").shape == (3, 2)
    repo.record_run(replace(run, run="ab" * 16, number=1234))
    with pytest.raises(AmbiguousName, match=r"may be 123400000000 \(cell \[4\].*or abababababab \(cell \[1234\]"):
        repo.read("fares@{cell:1234}")
    assert repo.read("fares@{cell:12340}").shape == (3, 2)
    with pytest.raises(UnknownName):
        repo.read("fares@{cell:123}")  # too short for an id, and no such cell


def test_another_notebook_reads_what_was_committed(edited: TestingShell, tmp_path: Path) -> None:
    """And is told where the rest is; also without a workspace, and after the snapshots are gone."""
    runs = {number: run_of(edited, number).run[:7] for number in (3, 4, 5)}
    edited.run("%lf commit fares -m cleaned;")
    with lf.open(tmp_path, workspace=WorkspaceName("ada", "here", "other.ipynb")) as other:
        assert other.read(f"fares@{{cell:{runs[5]}}}")["dep"].tolist() == [1.0, 0.0, 9.0]
        with pytest.raises(ObjectMissing, match=r"its snapshot is another notebook's: .+"):
            other.read(f"fares@{{cell:{runs[4]}}}")
        with pytest.raises(UnknownName):  # numbers are those of one's own cells
            other.read("fares@{cell:5}")
    shutil.rmtree(tmp_path / ".lineageflow/snapshots")
    edited.run("%unload_ext lineageflow_jupyter")
    edited.run("%load_ext lineageflow_jupyter")
    assert edited.run(f"%lf read fares@{{cell:{runs[5]}}}")["dep"].tolist() == [1.0, 0.0, 9.0]
    assert "Snapshots expire" in edited.refused("%lf read fares@{cell:4}")


def test_after_a_restart_the_latest_run_of_a_number_is_meant(edited: TestingShell) -> None:
    repo, run = repository(edited), run_of(edited, 4)
    before = run_of(edited, 5)
    repo.record_run(replace(before, run="cd" * 16, number=4, session="later"))
    assert repo.read("fares@{cell:4}")["dep"].tolist() == [1.0, 0.0, 9.0]
    assert repo.read(f"fares@{{cell:{run.run[:8]}}}")["dep"].tolist() == [1.0, 0.0, 3.0]


def test_completion_offers_the_runs(edited: TestingShell) -> None:
    magic = edited.magics_manager.magics["line"]["lf"].__self__
    ids = {f"fares@{{cell:{run_of(edited, number).run[:7]}}}" for number in (3, 4, 5)}
    for line in (
        "%lf read fares@{cell:",
        "%lf diff fares@{cell:",
        "%lf before fares@{cell:",
        "x = %lf show fares@{cell:",
    ):
        assert set(magic.completer.complete(line)[1]) == ids
    one = min(ids)
    assert magic.completer.complete(f"%lf read {one[:-4]}")[1] == [one]


def test_polars(notebook: TestingShell) -> None:
    notebook.run("import polars as pl\nt = pl.DataFrame({'x': [1, 2]})")
    notebook.run("t = t.with_columns(y=3)")
    assert isinstance(repository(notebook).read("t@{cell:3}"), pd.DataFrame)
    assert repository(notebook).read("t@{cell:3}", engine="polars").columns == ["x"]
