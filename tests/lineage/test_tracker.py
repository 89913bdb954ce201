"""What the tracker tells of cells: names joined with live frames, run by Python as a shell would run them."""

from __future__ import annotations

import gc
import itertools
import weakref
from typing import Any

import pandas as pd
import pytest
from blake3 import blake3

from lineageflow_jupyter.frames.fingerprints import Fingerprint, fingerprint
from lineageflow_jupyter.lineage.holding import held_frames
from lineageflow_jupyter.lineage.tracker import Tracker
from lineageflow_jupyter.model.cells import CellRun, FrameState
from lineageflow_jupyter.model.ids import ObjectId


class Look:
    """Ids that are told by content alone."""

    def __init__(self) -> None:
        self.looked = 0

    def is_frame(self, value: Any) -> bool:
        return isinstance(value, pd.DataFrame | pd.Series)

    def fingerprint(self, frame: Any) -> Fingerprint | None:
        return fingerprint(frame)

    def state(self, variable: str, frame: Any, before: FrameState | None, known: Any) -> FrameState:
        self.looked += 1
        table = ObjectId(blake3(repr(known).encode()).digest())
        return FrameState(variable, variable, table, table, len(frame), 1, kept=True)


class Notebook:
    """Runs cells with a tracker around them."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"pd": pd}
        self.look = Look()
        self.tracker = Tracker(self.names, self.look)
        self._number = itertools.count(1)

    def run(self, code: str) -> CellRun:
        self.tracker.begin(code, CellRun("", "w", "n.ipynb", "c", None, code, "ada", 0, 0, "ok"))
        outcome = "ok"
        try:
            exec(compile(code, "cell", "exec"), self.names)
        except Exception as error:
            outcome = type(error).__name__
        found = self.tracker.end(outcome, number=next(self._number))
        assert found is not None
        return found


def told(run: CellRun) -> tuple[list[str], list[str]]:
    """Names that it read; names that it made (+), changed (~) or deleted (-), and others' changes (?)."""
    writes = []
    for write in run.writes:
        state = write.after or write.before
        assert state is not None
        kind = "?" if not write.seen else "+" if write.before is None else "-" if write.after is None else "~"
        writes.append(kind + state.variable)
    return [state.variable for state in run.reads], writes


MADE = "df = pd.DataFrame({'x': [1, 2, 3], 'y': [4.0, None, 6.0]})"


@pytest.mark.parametrize(
    ("cells", "reads", "writes"),
    [
        ([], [], ["+df"]),
        (["df.head()"], ["df"], []),
        (["total = df.x.sum()"], ["df"], []),
        (["df['z'] = 1"], ["df"], ["~df"]),
        (["df.loc[0, 'x'] = 9"], ["df"], ["~df"]),
        (["df.loc[0, 'x'] = df.loc[0, 'x']"], ["df"], []),
        (["df.iloc[0, 0] = 5"], ["df"], ["~df"]),
        (["df.x.values.setflags(write=True); df.x.array[0] = 1"], ["df"], []),
        (["df.rename(columns={'x': 'a'})"], ["df"], []),
        (["df = df.rename(columns={'x': 'a'})"], ["df"], ["~df"]),
        (["df = pd.DataFrame({'q': [1]})"], [], ["~df"]),
        (["df = 5"], [], ["-df"]),
        (["del df"], [], ["-df"]),
        (["other = df"], ["df"], ["+other"]),
        (["other = df", "other['z'] = 1"], ["other"], ["~df", "~other"]),
        (["other = df.copy()", "other['z'] = 1"], ["other"], ["~other"]),
        (["frames = {'a': df, 'b': 1}"], ["df"], ["+frames['a']"]),
        (["frames = {'a': df}", "frames['a']['z'] = 1"], ["frames['a']"], ["~df", "~frames['a']"]),
        (["frames = {'a': df.copy()}", "del frames['a']"], ["frames['a']"], ["-frames['a']"]),
        (["pair = [df.copy(), df.copy()]", "pair[1].loc[0, 'x'] = 7"], ["pair[0]", "pair[1]"], ["~pair[1]"]),
        (["class Box: pass\nbox = Box(); box.data = df.copy()"], ["df"], ["+box.data"]),
        (["def f():\n    df.loc[0, 'x'] = 8", "f()"], ["df"], ["~df"]),
        (["def g():\n    f()\ndef f():\n    global df\n    df = df.dropna()", "g()"], ["df"], ["~df"]),
        (["def f(t):\n    t['z'] = 1", "f(df)"], ["df"], ["~df"]),
        (["[df.__setitem__('z', n) for n in range(3)]"], ["df"], ["~df"]),
        (["df['z'] = 1\nraise ValueError"], ["df"], ["~df"]),
        (["raise ValueError\ndf['z'] = 1"], [], []),
        (["exec('df[\"z\"] = 1')"], ["df"], ["~df"]),
        (["globals()['df']['z'] = 1"], ["df"], ["~df"]),
        (["for name in ['a', 'b']:\n    df[name] = 0"], ["df"], ["~df"]),
        (["s = df.x"], ["df"], ["+s"]),
        (["if len(df) > 5:\n    df = df.head(1)"], ["df"], []),
        (["with open('/dev/null') as file:\n    df = df.tail(1)"], ["df"], ["~df"]),
        (["total = 1"], [], []),
        (["_ = df"], ["df"], []),
    ],
)
def test_cells(cells: list[str], reads: list[str], writes: list[str]) -> None:
    notebook = Notebook()
    found = notebook.run(MADE)
    for cell in cells:
        found = notebook.run(cell)
    assert told(found) == (reads, writes)


def test_runs_tell_what_is_known() -> None:
    notebook = Notebook()
    notebook.run(MADE)
    run = notebook.run("df.loc[0, 'x'] = 9\n1 / 0")
    assert (run.number, run.outcome, run.code) == (2, "ZeroDivisionError", "df.loc[0, 'x'] = 9\n1 / 0")
    assert run.started > 1_700_000_000_000_000
    assert 0 <= run.duration < 60_000_000
    (write,) = run.writes
    assert write.before == run.reads[0]
    assert write.after is not None
    assert write.after.table != run.reads[0].table
    assert notebook.run("exec('1')").opaque[0].endswith("line 1")
    assert len({notebook.run("1").run for _ in range(10)}) == 10


def test_changes_that_no_cell_explains_are_told_by_the_one_that_finds_them() -> None:
    notebook = Notebook()
    notebook.run(MADE)
    notebook.names["df"].loc[0, "x"] = 100  # a widget's handler, a thread, a debugger
    assert told(notebook.run("n = len(df)")) == (["df"], ["?df"])
    assert told(notebook.run("n = len(df)")) == (["df"], [])
    notebook.names["df"].loc[0, "x"] = 200
    assert told(notebook.run("df['z'] = 1")) == (["df"], ["?df", "~df"])


def test_variables_that_a_magic_gives_other_frames() -> None:
    notebook = Notebook()
    notebook.run(MADE)
    notebook.tracker.begin("pass", CellRun("", "w", "n", "c", None, "", "ada", 0, 0, "ok"))
    notebook.names["df"] = pd.DataFrame({"q": [1]})
    notebook.tracker.rebound("df")
    found = notebook.tracker.end("ok")
    assert found is not None
    assert told(found) == ([], ["~df"])


def test_only_what_a_cell_could_touch_is_looked_at() -> None:
    notebook = Notebook()
    notebook.run(MADE + "\nother = df.copy()")
    looked = notebook.look.looked
    for _ in range(5):
        notebook.run("n = len(df)")
    assert notebook.look.looked == looked  # fingerprints tell that nothing changed
    notebook.run("other['z'] = 1")
    assert notebook.look.looked == looked + 1


def test_no_frame_is_kept_alive() -> None:
    notebook = Notebook()
    notebook.run(MADE)
    notebook.run("df['z'] = 1")
    seen = weakref.ref(notebook.names["df"])
    notebook.run("df = None")
    gc.collect()
    assert seen() is None


def test_an_end_without_a_beginning() -> None:
    assert Notebook().tracker.end("ok") is None


class Property:
    """Whatever looks into it is told off."""

    def __init__(self) -> None:
        self.frame = 1

    @property
    def costly(self) -> Any:
        raise AssertionError("a property was read")

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


def test_looking_into_values_runs_no_code_of_theirs() -> None:
    class Odd(dict[str, Any]):
        def items(self) -> Any:
            raise AssertionError("called")

    assert list(held_frames("p", Property(), lambda value: value == 1)) == [("p.frame", 1)]
    assert list(held_frames("o", Odd(a=1), lambda value: value == 1)) == []
    assert list(held_frames("m", pd, lambda value: value is not pd)) == []
    assert list(held_frames("many", list(range(1000)), lambda value: value == 1)) == []
    assert list(held_frames("d", {("a",): 1, "b": 1, 2: 1}, lambda value: value == 1)) == [("d['b']", 1), ("d[2]", 1)]
