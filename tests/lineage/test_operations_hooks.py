"""That nobody notices the recorder: pandas behaves, looks and is afterwards as it is without it."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pickle
import subprocess
import sys
import textwrap
import threading
import traceback
import types
import warnings
from contextvars import copy_context
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import concat as imported_before
from pandas.core import indexing

from lineageflow_jupyter.lineage.operations import Recorder
from lineageflow_jupyter.lineage.operations_arrivals import Arrivals
from lineageflow_jupyter.lineage.operations_points import pandas_places, warns_for_its_caller
from tests.lineage.recorded import CELL, notebook

captured_before = pd.DataFrame.dropna
CLASSES = (
    pd.DataFrame,
    pd.Series,
    *pd.DataFrame.__mro__[1:-1],
    *pd.Series.__mro__[1:-1],
    *type(pd.DataFrame({"k": [1]}).groupby("k")).__mro__[:-1],
    *type(pd.Series([1]).groupby([1])).__mro__[:-1],
    *type(pd.Series([1]).rolling(1)).__mro__[:-1],
    *pd.Series.str.__mro__[:-1],
    *pd.Series.dt.__mro__[:-1],
    *pd.Series.cat.__mro__[:-1],
    indexing._LocationIndexer,
    indexing._LocIndexer,
    indexing._iLocIndexer,
    indexing._ScalarAccessIndexer,
    indexing._AtIndexer,
    indexing._iAtIndexer,
)


def frame() -> pd.DataFrame:
    return pd.DataFrame({"k": ["x", "y", "x"], "a": [1.0, 2.0, None], "b": [6, 5, 4]})


def everything() -> dict[tuple[object, str], tuple[object, ...]]:
    """Every attribute of pandas and its classes: which object, and of functions their code and what hangs on them."""
    found: dict[tuple[object, str], tuple[object, ...]] = {}
    for owner in (pd, *CLASSES):
        for name, thing in list(vars(owner).items()):
            inner = getattr(thing, "fget", getattr(thing, "__func__", thing))
            code = getattr(inner, "__code__", None)
            hung = dict(inner.__dict__) if isinstance(inner, types.FunctionType) else None
            found[owner, name] = (id(thing), id(inner), id(code), hung)
    return found


def public(cls: type) -> dict[str, int]:
    return {name: id(inspect.getattr_static(cls, name)) for name in dir(cls) if not name.startswith("_")}


def test_uninstalling_gives_pandas_back_exactly() -> None:
    before, finders = everything(), list(sys.meta_path)
    recorder = Recorder()
    recorder.install()
    assert everything() != before
    with recorder.recording(CELL):
        frame().groupby("k")["a"].mean()
    recorder.uninstall()
    assert everything() == before
    assert "__wrapped__" not in vars(pd.concat) | vars(pd.DataFrame.fillna)  # nor left there by a test before
    assert sys.meta_path == finders


def test_every_public_attribute_stays_the_same_object_while_installed() -> None:
    before = [public(cls) for cls in CLASSES]
    module = {name: id(thing) for name, thing in vars(pd).items()}
    with notebook():
        assert [public(cls) for cls in CLASSES] == before
        assert {name: id(thing) for name, thing in vars(pd).items()} == module


def test_looks_stay_as_they_are() -> None:
    functions = (pd.concat, pd.DataFrame.fillna, pd.DataFrame.drop, pd.DataFrame.__init__, pd.Series.str.upper)

    def look(function) -> tuple[object, ...]:
        names = (function.__name__, function.__qualname__, function.__module__, function.__doc__)
        return (*names, inspect.signature(function), inspect.getsource(function), inspect.getfile(function))

    before = [look(function) for function in functions]
    with notebook():
        assert [look(function) for function in (*functions[:3], pd.DataFrame.__init__, functions[4])] == before


def test_pandas_asks_for_arguments_of_its_own_functions() -> None:
    functions = (pd.DataFrame.any, pd.DataFrame.fillna, pd.DataFrame.drop, pd.concat)
    before = [inspect.getfullargspec(function) for function in functions]
    with notebook(df=frame()) as book:
        assert [inspect.getfullargspec(function) for function in functions] == before
        book.run("rows = df[['a', 'b']].apply('any', axis=1)\nmost = df[['a', 'b']].apply('max', axis='columns')")
        assert list(book.variables["rows"]) == [True, True, True]
        assert list(book.variables["most"]) == [6, 5, 4]


def test_pickles_subclasses_and_isinstance() -> None:
    with notebook(df=frame()) as book:
        for thing in (pd.concat, pd.DataFrame.fillna, pd.DataFrame):
            assert pickle.loads(pickle.dumps(thing)) is thing
        assert pickle.loads(pickle.dumps(book.variables["df"])).equals(frame())

        class Special(pd.DataFrame):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)

        book.variables["Special"] = Special
        found = book.run("new = Special({'a': [1]})\ns = new['a']")
        assert isinstance(book.variables["new"], pd.DataFrame)
        assert [record.call for record in found.operations] == ["DataFrame", "DataFrame.__getitem__"]


def test_names_that_were_there_before_are_covered() -> None:
    with notebook(df=frame(), concat=imported_before, dropna=captured_before) as book:
        found = book.run("new = concat([df, df])\nother = dropna(df)").operations
        assert [record.call for record in found] == ["pandas.concat", "DataFrame.dropna"]


WARNED = {
    "chained": "df['a'][0] = 9",
    "chained loc": "df['a'].loc[0] = 9",
    "chained rows": "df[df.b > 4]['a'] = 9",
    "chained fillna": "df['a'].fillna(0, inplace=True)",
    "chained replace": "df['b'].replace(5, 6, inplace=True)",
    "chained update": "df['a'].update(pd.Series([5.0]))",
    "not chained": "s = df['a']\ns.fillna(0, inplace=True)",
    "in a function": "def f(d):\n    d.fillna({'a': 0}, inplace=True)\n    d['c'] = 1\n    d.loc[0, 'c'] = 2\nf(df)",
    "parsing dates": "pd.to_datetime(pd.Series(['2020-01-01', 'x13']), errors='coerce')",
    "deprecated": "df.groupby('k').apply(len)",
    "object": "df['k'].fillna(1).map(str)",
    "in place": "df.rename(columns={'a': 'c'}, inplace=True)\n\ndf.drop_duplicates(inplace=True)",
    "sorted in place": "df.sort_values('b', inplace=True)\ndf['a'].dropna(inplace=True)\ndf.eval('d=b', inplace=True)",
    "rows in place": "df.query('b > 4', inplace=True)\ndf.reset_index(inplace=True)\ndf.drop(index=0, inplace=True)",
    "a keyword": "df.reindex_like(df, method='pad')",
    "a manager": "pd.Series(df['a']._mgr)\npd.DataFrame(df._mgr)",
    "in a function of a function": "def g(d):\n    d.set_index('k', inplace=True)\ndef f(d):\n    g(d)\nf(df)",
}


def warned(code: str) -> list[tuple[object, ...]]:
    """What pandas warns of, and of which line it says so."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(code, CELL, "exec"), {"pd": pd, "np": np, "df": frame()})
    return [(one.category.__name__, str(one.message), one.filename, one.lineno) for one in caught]


@pytest.mark.parametrize("case", WARNED)
def test_warnings_are_those_of_pandas(case: str) -> None:
    wanted = warned(WARNED[case])
    with notebook() as book:
        assert warned(WARNED[case]) == wanted
        with book.recorder.recording(CELL):
            assert warned(WARNED[case]) == wanted


def test_chained_assignment_is_warned_of_at_all() -> None:
    """So that the comparison above is not one of nothing with nothing."""
    assert warned(WARNED["chained fillna"])
    assert warned(WARNED["chained"])
    assert warned(WARNED["a manager"])
    if hasattr(pd.DataFrame, "_check_inplace_deprecation"):  # pandas 3.1
        assert len(warned(WARNED["in place"])) == len(warned(WARNED["sorted in place"])) - 1 == 2
        assert warned(WARNED["a keyword"])


def test_what_only_noticed_functions_call_counts_one_frame_more() -> None:
    """Were one of its callers not noticed, its warning would be about the caller of the notebook's line."""
    for check in warns_for_its_caller():
        callers = {
            thing
            for cls in (pd.DataFrame, pd.Series, *pd.DataFrame.__mro__)
            for thing in vars(cls).values()
            if isinstance(thing, types.FunctionType) and check.__name__ in inspect.unwrap(thing).__code__.co_names
        }
        assert callers
        assert callers <= {place[0] for place in pandas_places()}


def test_expressions_find_the_callers_variables() -> None:
    code = """
    def choose(d):
        limit = 5
        return d.query("b >= @limit"), d.eval("b + @limit"), pd.eval("limit + 1")
    kept, more, top = choose(df)
    """
    with notebook(df=frame()) as book:
        exec(textwrap.dedent(code), book.variables)
        book.run(textwrap.dedent(code))
        assert list(book.variables["kept"].b) == [6, 5]
        assert list(book.variables["more"]) == [11, 10, 9]
        assert book.variables["top"] == 6


def test_tracebacks_name_no_file_of_ours() -> None:
    with notebook(df=frame()) as book, pytest.raises(KeyError) as caught:
        book.run("df.drop(columns='missing')")
    files = {entry.filename for entry in traceback.extract_tb(caught.value.__traceback__)}
    assert not [name for name in files if "lineageflow_jupyter" in name]
    shown = "".join(traceback.format_exception(caught.value))
    assert "def drop" in shown


def test_frames_of_the_stack_can_be_looked_into() -> None:
    """Debuggers read the variables of every frame; code with cells that were never filled would end the process."""
    seen: list[str] = []

    def look(part: pd.DataFrame) -> int:
        step = sys._getframe()
        while step is not None:
            seen.extend(step.f_locals)
            step = step.f_back
        return len(part)

    with notebook(df=frame(), look=look) as book:
        book.run("s = df.groupby('k')[['a']].apply(look)\nt = df.k.str.upper()")
    assert "part" in seen


def test_installing_twice_and_two_recorders() -> None:
    before = everything()
    first, second = Recorder(), Recorder()
    first.install()
    first.install()
    second.install()
    with second.recording(CELL) as found:
        frame().dropna()
    # The first one's hooks serve both: who records is a matter of the context.
    assert [record.call for record in found.operations] == ["DataFrame", "DataFrame.dropna"]
    second.uninstall()
    first.uninstall()
    first.uninstall()
    assert everything() == before


def test_uninstalling_in_the_middle_of_a_recording_and_of_a_call() -> None:
    before = everything()
    with notebook(df=frame()) as book:
        book.variables["stop"] = book.recorder.uninstall
        found = book.run("new = df.pipe(lambda d: (stop(), d.dropna())[1])\nother = df.dropna()").operations
        assert [record.call for record in found] == ["DataFrame.pipe"]
        assert len(book.variables["new"]) == 2
    assert everything() == before


def test_code_that_somebody_else_exchanged_since_is_left_alone() -> None:
    def other(*args: object, **kwargs: object) -> str:
        return "theirs"

    original = pd.crosstab.__code__
    recorder = Recorder()
    recorder.install()
    ours = pd.crosstab.__code__
    assert ours is not original
    try:
        pd.crosstab.__code__ = other.__code__
        recorder.uninstall()
        assert pd.crosstab(1, 2) == "theirs"
    finally:
        pd.crosstab.__code__ = original
        pd.crosstab.__dict__.pop("__wrapped__", None)


def test_threads_and_other_contexts_are_not_recorded() -> None:
    with notebook() as book, book.recorder.recording(CELL) as found:
        for run in (lambda work: work(), copy_context().run):
            thread = threading.Thread(target=run, args=(lambda: frame().dropna(),))
            thread.start()
            thread.join()
        frame().fillna(0)
    assert [record.call for record in found.operations] == ["DataFrame", "DataFrame.fillna"]


def test_cells_that_wait_for_each_other_do_not_mix() -> None:
    async def cell(recorder: Recorder, value: int, turn: asyncio.Event, other: asyncio.Event):
        with recorder.recording(CELL) as found:
            made = frame().fillna(value)
            other.set()
            await turn.wait()
            made.replace(value, 0)
        return found

    async def both(recorder: Recorder):
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(cell(recorder, 1, one, two), cell(recorder, 2, two, one))

    with notebook() as book:
        first, second = asyncio.run(both(book.recorder))
    for value, found in ((1, first), (2, second)):
        assert [record.call for record in found.operations] == ["DataFrame", "DataFrame.fillna", "DataFrame.replace"]
        assert found.operations[1].parameters == f"value={value}"


def test_tasks_that_outlive_their_cell_record_nothing_more() -> None:
    async def main(recorder: Recorder):
        async def late() -> None:
            await asyncio.sleep(0)
            frame().dropna()

        with recorder.recording(CELL, name=name) as found:
            task = asyncio.get_running_loop().create_task(late())
        await task
        return found

    asked: list[int] = []

    def name(key: int) -> str:
        asked.append(key)
        return ""

    with notebook() as book:
        assert asyncio.run(main(book.recorder)).operations == ()
    assert asked == []


def test_a_recording_within_another() -> None:
    with notebook() as book, book.recorder.recording(CELL) as outer:
        with book.recorder.recording(CELL) as inner:
            frame().dropna()
        frame().fillna(0)
    assert [record.call for record in inner.operations] == ["DataFrame", "DataFrame.dropna"]
    assert [record.call for record in outer.operations] == ["DataFrame", "DataFrame.fillna"]


def test_a_recording_may_end_in_another_context_than_it_began() -> None:
    with notebook() as book:
        found = copy_context().run(lambda: book.recorder.recording(CELL).__enter__())
        found.stop()
        found.stop()
        assert found.operations == ()


def test_an_interrupt_is_passed_on_and_the_next_call_is_recorded() -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with notebook(df=frame(), interrupt=interrupt) as book, book.recorder.recording(CELL) as found:
        with pytest.raises(KeyboardInterrupt):
            book.variables["df"].pipe(interrupt)
        book.variables["df"].dropna()
    assert [record.call for record in found.operations] == ["DataFrame.dropna"]


def test_pandas_that_is_imported_later_is_covered_at_once() -> None:
    program = """
    import sys
    from lineageflow_jupyter.lineage.operations import Recorder
    recorder = Recorder()
    recorder.install()
    assert "pandas" not in sys.modules
    with recorder.recording("<cell>") as found:
        exec(compile("import pandas as pd\\nnew = pd.DataFrame({'a': [1]}).dropna()", "<cell>", "exec"))
    assert type(pd.__spec__.loader).__name__ == type(pd.__loader__).__name__ == "SourceFileLoader", pd.__spec__
    print(*(record.call for record in found.operations))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout.split(), done.stderr) == (["DataFrame", "DataFrame.dropna"], "")


def test_several_that_wait_for_one_library_let_each_other_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "awaited_library.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    told: list[str] = []
    waiting = [Arrivals({"awaited_library": partial(told.append, name)}) for name in ("one", "other")]
    for each in waiting:
        each.begin()
    try:
        assert importlib.import_module("awaited_library").x == 1
    finally:
        for each in waiting:
            each.end()
        sys.modules.pop("awaited_library", None)
    assert sorted(told) == ["one", "other"]
