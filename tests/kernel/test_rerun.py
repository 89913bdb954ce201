"""`%lf code NAME --run`: in real kernels, and what is refused before one is started."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import psutil
import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.kernel.magics import LineMagic
from lineageflow_jupyter.kernel.rerun import Rerun, compared, ids_in
from lineageflow_jupyter.kernel.rerun_child import WORKSPACE, prepare, report
from lineageflow_jupyter.testing.shell import TestingShell

READ = "import pandas as pd\nimport numpy as np\nraw = pd.read_csv('raw.csv')"


def session(shell: TestingShell) -> Any:
    found = shell.magics_manager.magics["line"]["lf"].__self__
    assert isinstance(found, LineMagic)
    found.tracking.flush()
    return found.session


@pytest.fixture
def book(committed: TestingShell, tmp_path: Path) -> TestingShell:
    """A notebook that has read a file of three rows; `flights` is committed."""
    (tmp_path / "raw.csv").write_text("x,y\n1,2\n3,4\n5,6\n", encoding="utf-8")
    committed.run(READ)
    return committed


def state(shell: TestingShell) -> list[object]:
    """All of the repository that a re-run could have touched."""
    repository = session(shell).repository
    return [
        len(repository.cell_runs()),
        [record.name for record in repository.workspaces()],
        [(ref.name, ref.commit) for ref in repository.branches()],
        len(repository.log("main")),
        repository.head,
    ]


@pytest.mark.notebook
def test_the_same_comes_out(book: TestingShell) -> None:
    """With an error on the way, magics, and verbs of ours: the repository does not notice. A frame without rows too."""
    book.run(
        "%%time\nboth = %lf read main:flights --columns id,dep\nboth = both.merge(raw, left_on='id', right_on='x')"
    )
    with pytest.raises(ZeroDivisionError):
        book.run("both['z'] = both.y * 2\n1 / 0")
    book.run("%load_ext lineageflow_jupyter\n%lf commit both -m both;\nnone = both[both.y > 99]")
    book.run("%lf config record_code true;")
    before = state(book)
    answer = book.run("%lf code none --run")
    assert answer.report.equal, str(answer)
    assert answer.report.rows == (0, 0)
    assert "none is equal: table" in str(answer)
    assert {each.name for each in answer.report.columns if each.equal} >= {"id", "dep", "x", "y", "z"}
    assert state(book) == [before[0] + 1, *before[1:]]  # the run of the cell that asked
    assert "lf-good" in answer._repr_html_()
    assert len(book.user_ns["none"]) == 0


@pytest.mark.notebook
def test_what_differs_is_told_column_by_column(book: TestingShell, tmp_path: Path) -> None:
    book.run("mixed = raw.assign(chance=np.random.default_rng().random(len(raw)))")
    (tmp_path / "raw.csv").write_text("x,y\n1,2\n3,99\n5,6\n", encoding="utf-8")
    answer = book.run("%lf code mixed --run")
    done = answer.report
    assert isinstance(done, Rerun)
    assert not done.equal
    assert {each.name: each.changed for each in done.columns} == {"x": 0, "y": 1, "chance": 3}
    assert "mixed is different: table" in str(answer)
    assert "different in 1 of 3 rows" in str(answer)
    assert book.user_ns["mixed"]["y"].tolist() == [2, 4, 6]


@pytest.mark.notebook
def test_the_cell_that_fails_is_named(book: TestingShell, tmp_path: Path) -> None:
    book.run("def doubled(frame):\n    return frame * pd.read_csv('factor.csv').f[0]\n")
    (tmp_path / "factor.csv").write_text("f\n2\n", encoding="utf-8")
    book.run("twice = raw\n\ntwice = doubled(twice)")
    (tmp_path / "factor.csv").unlink()
    answer = book.run("%lf code twice --run")
    failure = answer.report.failure
    assert (failure.number, failure.line, failure.error) == (book.execution_count - 2, 3, "FileNotFoundError")
    assert f"twice was not rebuilt: cell [{failure.number}], line 3: FileNotFoundError" in str(answer)
    assert "lf-bad" in answer._repr_html_()


LOOP = """import pathlib, subprocess, sys, time
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
pathlib.Path("pid").write_text(str(started.pid))
while not pathlib.Path("go").exists():
    time.sleep(0.01)
endless = raw.assign(z=1)
started.kill()
started.wait()
del started"""


def gone(pid: int) -> bool:
    """Whether a process has ended; what nobody waited for stays as a zombie in a container without init."""
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def looping(book: TestingShell, tmp_path: Path) -> Path:
    """A cell that ended in the notebook and does not in a re-run, and has started a process by then."""
    (tmp_path / "go").touch()
    book.run(LOOP)
    (tmp_path / "go").unlink()
    (tmp_path / "pid").unlink()
    return tmp_path / "pid"


@pytest.mark.notebook
def test_an_endless_cell_ends_with_all_that_it_started(book: TestingShell, tmp_path: Path) -> None:
    pid = looping(book, tmp_path)
    answer = book.run("%lf code endless --run --timeout 6")
    assert "it did not end within 6 seconds" in str(answer)
    assert answer.report.failure.number == book.execution_count - 2
    assert gone(int(pid.read_text()))
    assert not kernels()


@pytest.mark.notebook
def test_an_interrupt_ends_it(book: TestingShell, tmp_path: Path) -> None:
    pid = looping(book, tmp_path)

    def interrupt() -> None:
        while not pid.exists() or not pid.read_text():
            time.sleep(0.05)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        book.run("%lf code endless --run")
    thread.join()
    assert gone(int(pid.read_text()))
    assert not kernels()


def kernels() -> list[list[str]]:
    found = (each.cmdline() for each in psutil.Process().children(recursive=True) if each.is_running())
    return [command for command in found if "ipykernel_launcher" in command]


def test_what_is_refused(book: TestingShell) -> None:
    book.run("url = 'postgresql://ada:s3cret@host/db'\nsecret = raw.assign(u=url)")
    assert "holds a secret that was not recorded" in book.refused("%lf code secret --run")
    book.run("import lineageflow_jupyter as lf")
    book.run("own = raw.assign(z=1); lf.__version__")
    assert "uses the repository itself (lf), and a re-run must not" in book.refused("%lf code own --run")
    book.run("del raw")
    book.user_ns["raw"] = pd.DataFrame({"q": [1]})
    book.run("later = raw + 1")
    assert "raw must be there before" in book.refused("%lf code later --run")
    assert "--run and --to exclude each other" in book.refused("%lf code secret --run --to x.py")
    assert "--timeout goes with --run" in book.refused("%lf code secret --timeout 5")
    for wrong in ("0", "x", "inf", "nan"):
        assert "--timeout takes seconds" in book.refused(f"%lf code secret --run --timeout {wrong}")


def test_without_a_kernel(book: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    book.run("new = raw.assign(z=1)")
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    told = book.refused("%lf code new --run")
    assert "ipykernel" in told
    assert "pip install ipykernel" in told


@pytest.fixture
def child(tmp_path: Path) -> TestingShell:
    """A shell as the fresh kernel's is, without the process around it."""
    folder = tmp_path / "folder"
    with lf.init(folder, workspace=WORKSPACE, overrides={"cache": False}) as small:
        small.commit({"given-0": pl.DataFrame({"p": [1, 2]})}, message="given")
    (folder / "given.json").write_text('{"read x": "given-0"}', encoding="utf-8")
    shell = TestingShell.start()
    prepare(shell, str(folder))
    return shell


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.mark.parametrize(
    ("before", "after", "outcomes"),
    [
        (FRAME, FRAME.assign(b=["x", "y"]), {"a": (True, 0), "b": (False, 1)}),
        (FRAME, FRAME.iloc[:1], {"a": (False, None), "b": (False, None)}),
        (FRAME, FRAME.assign(a=[1.0, 2.0]), {"a": (False, None), "b": (True, 0)}),
        (FRAME, FRAME.drop(columns="a").assign(c=1), {"a": (False, None), "b": (True, 0), "c": (False, None)}),
        (FRAME, FRAME[["b", "a"]], {"a": (True, 0), "b": (True, 0)}),
        (pl.DataFrame({"p": [1, 2]}), pl.DataFrame({"p": [1, 3]}), {"p": (False, 1)}),
    ],
)
def test_columns_are_compared(
    child: TestingShell, tmp_path: Path, before: Any, after: Any, outcomes: dict[str, tuple[bool, int | None]]
) -> None:
    with child, lf.open(tmp_path / "folder", workspace=WORKSPACE) as small:
        child.user_ns["frames"] = {"one": after}
        report(child, str(tmp_path / "folder"), "frames['one']", "")
        found = compared(small.content_ids(before), ids_in(tmp_path / "folder"), before, tmp_path / "folder")
    assert {each.name: (each.equal, each.changed) for each in found} == outcomes


def test_the_magic_of_a_rerun(child: TestingShell) -> None:
    with child:
        child.run("%load_ext lineageflow_jupyter")
        child.run("frame = %lf read x")
        assert isinstance(child.user_ns["frame"], pl.DataFrame)
        assert child.run("%lf commit frame -m again") is None
        for line in ("checkout main frame", "switch other", "read y"):
            assert "is not run again" in child.refused(f"%lf {line}")
