"""Slices rebuild what they are asked for, in a new interpreter, with no cell that is not needed."""

# ruff: noqa: E501  # one notebook a line is easier to compare

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.lineage.slice_forms import needs_ipython, notebook, script
from lineageflow_jupyter.lineage.slices import slice_of
from lineageflow_jupyter.model.cells import CellRun, External
from tests.lineage.notebooks import Notebook, table_id

PANDAS = "import pandas as pd"
MADE = "df = pd.DataFrame({'a': [1, 2, None], 'b': [3., 4., 5.]})"


@dataclass(frozen=True)
class Case:
    """Cells that are run one after the other, and which of them (from 1) rebuild `target`."""

    cells: tuple[str, ...]
    expected: tuple[int, ...]
    target: str = "df"


CASES = {
    "one after the other": Case((PANDAS, MADE, "df['c'] = df.a * 2", "df = df.dropna()"), (1, 2, 3, 4)),
    "looking does not matter": Case((PANDAS, MADE, "print(df)", "df.describe()", "n = len(df)", "df['c'] = 1"), (1, 2, 6)),
    "a method that leaves a frame alone": Case((PANDAS, MADE, "df.dropna()", "df.pop('b')"), (1, 2, 4)),
    "in place": Case((PANDAS, MADE, "df.insert(0, 'z', 5)", "df.loc[0, 'a'] = 9"), (1, 2, 3, 4)),
    "through values": Case((PANDAS, MADE, "df.loc[:, 'b'].values[0]", "df.iloc[0, 1] = 7"), (1, 2, 4)),
    "an alias": Case((PANDAS, MADE, "other = df", "other['c'] = 1"), (1, 2, 3, 4)),
    "an alias of an equal frame": Case((PANDAS, MADE, "e = df.copy()", "e = df", "e['d'] = 0"), (1, 2, 4, 5)),
    "another frame": Case((PANDAS, MADE, "x = pd.DataFrame({'k': [1]})", "x['l'] = 2", "df['c'] = 1"), (1, 2, 5)),
    "two frames joined": Case(
        (PANDAS, MADE, "x = pd.DataFrame({'a': [1.], 'k': [5]})", "x['z'] = 1", "j = df.merge(x)", "x = None"),
        (1, 2, 3, 4, 5),
        "j",
    ),
    "a re-run": Case((PANDAS, MADE, "df['c'] = 1", "df = df * 2", MADE, "df['d'] = 1"), (1, 5, 6)),
    "a re-run that changes again": Case((PANDAS, MADE, "df = df * 2", "df = df * 2"), (1, 2, 3, 4)),
    "out of order": Case((PANDAS, "k = 1", MADE, "k = 2", "df['c'] = k", "k = 3"), (1, 3, 4, 5)),
    "there and back": Case((PANDAS, MADE, "df = df + 1", "df = df - 1", "e = df * 2"), (1, 2, 3, 4, 5), "e"),
    "a cycle of names": Case((PANDAS, MADE, "t = df * 2", "df = t + 1", "t = df"), (1, 2, 3, 4)),
    "bound again without the old value": Case((PANDAS, MADE, "df = df * 2", "df = pd.DataFrame({'z': [1]})"), (1, 4)),
    "a function": Case(
        (PANDAS, MADE, "def f(x):\n    return x * rate", "rate = 1", "def g(x):\n    return x", "rate = 2", "df = f(df)"),
        (1, 2, 3, 6, 7),
    ),
    "a function defined anew": Case(
        (PANDAS, MADE, "def f(x): return x * 2", "def f(x): return x * 3", "df = f(df)", "def f(x): return 0"), (1, 2, 4, 5)
    ),
    "functions through one another": Case(
        (PANDAS, MADE, "def f(x): return g(x)", "def g(x): return x * k", "k = 3", "h = f", "df = df.pipe(h)"),
        (1, 2, 3, 4, 5, 6, 7),
    ),
    "a function that changes a global": Case(
        (PANDAS, MADE, "def f():\n    df['c'] = k", "k = 4", "f()", "k = 5"), (1, 2, 3, 4, 5)
    ),
    "a function that binds a global": Case((PANDAS, "def f():\n    global df\n    df = pd.DataFrame({'a': [1]})", "f()", "1"), (1, 2, 3)),
    "a class": Case(
        (PANDAS, MADE, "class C:\n    def run(self, x): return x * k", "k = 2", "c = C()", "df = c.run(df)"),
        (1, 2, 3, 4, 5, 6),
    ),
    "a list that grows": Case((PANDAS, "xs = []", "xs.append(1)", "print(xs)", "xs.index(1)", "df = pd.DataFrame({'a': xs})"), (1, 2, 3, 6)),
    "shuffled": Case(
        (PANDAS, "import random", "xs = [1, 2, 3]", "random.seed(7)", "random.random()", "random.shuffle(xs)", "df = pd.DataFrame({'a': xs})"),
        (1, 2, 3, 4, 5, 6, 7),
    ),
    "no random numbers": Case(
        (PANDAS, "import random, math", "random.seed(7)", "random.random()", "n = math.floor(2.5)\nr = random", "df = pd.DataFrame({'a': [n]})"),
        (1, 2, 5, 6),
    ),
    "a helper that fills a list": Case(
        (PANDAS, "def fill(x): x.append(5)\ndef see(x): return x", "xs = []", "r = fill(xs)", "s = see(xs)", "df = pd.DataFrame({'a': xs})"),
        (1, 2, 3, 4, 6),
    ),
    "deleted and made again": Case((PANDAS, MADE, "del df", MADE.replace("3.", "9."), "tmp = 1", "df['c'] = 1"), (1, 4, 6)),
    "a cell that deletes": Case((PANDAS, MADE, "tmp = 3", "df['c'] = tmp\ndel tmp"), (1, 2, 3, 4)),
    "deleted before a function could use it": Case(
        (PANDAS, MADE, "k = 5", "def f(x, far=False): return k if far else x * 2", "del k", "df = f(df)"), (1, 2, 4, 6)
    ),
    "on one path": Case((PANDAS, "k = 1", "if k > 5:\n    k = 2", MADE, "df['c'] = k"), (1, 2, 3, 4, 5)),
    "imports within other cells": Case((PANDAS + "\nimport math", "from math import pi as p, e", "t = e", MADE, "df['c'] = p"), (1, 2, 4, 5)),
    "an import of another name": Case((PANDAS, "import math", "import json", MADE, "df['c'] = math.pi"), (1, 2, 4, 5)),
    "names in a query": Case((PANDAS, MADE, "limit = 1", "other = 2", "df = df.query('a > @limit')"), (1, 2, 3, 5)),
    "in a dict": Case((PANDAS, "d = {}", "d['x'] = pd.DataFrame({'a': [1]})", "d['x']['b'] = 2", "len(d)"), (1, 2, 3, 4), "d['x']"),
    "raised in the middle": Case((PANDAS, MADE, "df['c'] = 1\nraise ValueError('x')\n", "df['d'] = 2"), (1, 2, 3, 4)),
    "raised before it could bind": Case((PANDAS, MADE + "\ne = 1", "del e", "df = df + e", "df['c'] = 1"), (1, 2, 5)),
    "raised without effect": Case((PANDAS, MADE, "df.nothing()", "df['d'] = 2"), (1, 2, 4)),
    "exec": Case((PANDAS, "exec('k = 7')", MADE, "df['c'] = k"), (1, 2, 3, 4)),
    "comments and long strings": Case((PANDAS, '# first\ntext = """a\n  b"""', MADE, "df['c'] = text  # last"), (1, 2, 3, 4)),
}  # fmt: skip


def ran(case: Case) -> Notebook:
    kernel = Notebook()
    kernel.run_all(case.cells)
    return kernel


def value(kernel: Notebook, target: str) -> pd.DataFrame:
    return eval(target, kernel.names)


@pytest.fixture(scope="module")
def rebuilt() -> dict[str, str]:
    """Table ids of what the scripts of all cases make, each among names of its own, in a new interpreter."""
    scripts = {}
    for title, case in CASES.items():
        kernel = ran(case)
        table = table_id(value(kernel, case.target))
        for statements in (False, True):
            scripts[f"{title} {statements}"] = (
                script(slice_of(kernel.runs, case.target, table, statements=statements)),
                case.target,
            )
    program = (
        "import json, sys\nfrom tests.lineage.notebooks import table_id\n"
        "result = {}\n"
        "for title, (code, target) in json.load(sys.stdin).items():\n"
        "    names = {'__name__': '__main__'}\n"
        "    exec(code, names)\n"
        "    result[title] = table_id(eval(target, names)).hex()\n"
        "sys.stderr.write(json.dumps(result))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(scripts), capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr)


@pytest.mark.parametrize("title", CASES)
def test_cells_of_slices(title: str) -> None:
    case = CASES[title]
    kernel = ran(case)
    found = slice_of(kernel.runs, case.target, table_id(value(kernel, case.target)))
    assert tuple(cell.run.number for cell in found.cells) == case.expected
    assert found.inputs == ()
    assert found == slice_of(kernel.runs, case.target)


@pytest.mark.parametrize("statements", [False, True])
@pytest.mark.parametrize("title", CASES)
def test_slices_rebuild(title: str, statements: bool, rebuilt: dict[str, str]) -> None:
    case = CASES[title]
    assert rebuilt[f"{title} {statements}"] == table_id(value(ran(case), case.target)).hex()


def test_an_older_version_of_a_variable() -> None:
    kernel = ran(Case((PANDAS, MADE, "df['c'] = 1", "df = df * 2", "df = df.dropna()"), ()))
    state = kernel.runs[2].writes[0].after
    assert state is not None
    found = slice_of(kernel.runs, "df", state.table)
    assert [cell.run.number for cell in found.cells] == [1, 2, 3]
    assert found.complete


def test_a_table_under_another_name() -> None:
    kernel = ran(Case((PANDAS, MADE, "x = df * 2", "y = 1"), ()))
    found = slice_of(kernel.runs, "clean", table_id(value(kernel, "x")))
    assert [cell.run.number for cell in found.cells] == [1, 2, 3]


def test_what_no_run_has_made_is_an_input() -> None:
    kernel = Notebook()
    kernel.names["raw"] = pd.DataFrame({"a": [1]})
    kernel.names["k"] = 3
    kernel.run("df = raw * k")
    found = slice_of(kernel.runs, "df")
    assert {(each.name, each.table) for each in found.inputs} == {("raw", table_id(value(kernel, "raw"))), ("k", None)}
    assert not found.complete
    assert "Needs raw" in script(found)


def test_a_value_that_nobody_made() -> None:
    found = slice_of(ran(Case((PANDAS, MADE), ())).runs, "nothing")
    assert found.cells == ()
    assert [each.name for each in found.inputs] == ["nothing"]


def test_files_are_named() -> None:
    kernel = Notebook()
    kernel.run(PANDAS)
    kernel.run(MADE, external=[External("in", "csv", "flights.csv"), External("out", "csv", "copy.csv")])
    found = slice_of(kernel.runs, "df")
    assert [each.location for each in found.external] == ["flights.csv"]
    assert "Reads csv flights.csv" in script(found)


def test_a_change_that_no_tracked_cell_explains_is_said() -> None:
    kernel = Notebook()
    kernel.run_all([PANDAS, MADE])
    kernel.run("df['c'] = 1", track=False)
    kernel.run("e = df * 2")
    (caution,) = slice_of(kernel.runs, "e").cautions
    assert "df held at cell [4]" in caution


def test_a_version_that_was_undone_out_of_sight_is_left_out() -> None:
    kernel = Notebook()
    kernel.run_all([PANDAS, MADE, "df = df * 2"])
    kernel.run("df = df / 2", track=False)
    kernel.run("e = df + 1")
    found = slice_of(kernel.runs, "e")
    assert [cell.run.number for cell in found.cells] == [1, 2, 5]
    assert found.complete


def test_code_that_was_not_recorded_is_an_input() -> None:
    kernel = Notebook()
    kernel.run(PANDAS)
    kernel.run(MADE, capture=False)
    kernel.run("df['c'] = 1")
    found = slice_of(kernel.runs, "df")
    assert [(each.name, "code was not recorded" in each.why) for each in found.inputs] == [("df", True)]
    assert [cell.run.number for cell in found.cells] == [3]


def test_names_of_other_kernels_do_not_count() -> None:
    first, second = Notebook(session="one"), Notebook(session="two")
    first.run_all([PANDAS, MADE, "k = 1"])
    second.run_all([PANDAS, MADE, "k = 2", "df['c'] = k"])
    mixed = sorted([*first.runs, *second.runs], key=lambda run: run.started)
    found = slice_of(mixed, "df", table_id(value(second, "df")))
    assert [(cell.run.session, cell.run.number) for cell in found.cells] == [("two", number) for number in (1, 2, 3, 4)]


def test_a_restart_is_seen_where_sessions_are_not_recorded() -> None:
    first, second = Notebook(), Notebook()
    first.run_all([PANDAS, MADE, "k = 1"])
    second.names["k"] = 2
    second.run_all([PANDAS, MADE, "df['c'] = k"])
    found = slice_of([*first.runs, *second.runs], "df")
    assert [cell.run for cell in found.cells] == second.runs
    assert [each.name for each in found.inputs] == ["k"]


def test_what_cannot_be_seen_is_said() -> None:
    kernel = ran(CASES["exec"])
    assert slice_of(kernel.runs, "df").cautions == ("cell [2] uses exec, whose effect cannot be seen",)


def test_statements_that_have_nothing_to_do_with_it_are_left_out() -> None:
    kernel = Notebook()
    kernel.run(PANDAS + "\nimport json, math\nimport os")
    kernel.run(
        "# how many\nk = 2\nn = 3\nprint(n)\n"
        + MADE
        + "\n\ndef unused():\n    return n\n\n@staticmethod\ndef f(x):\n    return x\n"
    )
    kernel.run("# doubled\ndf['c'] = df.a * k\ntext = json.dumps({})")
    found = slice_of(kernel.runs, "df", statements=True)
    assert [cell.code for cell in found.cells] == [
        PANDAS,
        f"# how many\nk = 2\n{MADE}",
        "# doubled\ndf['c'] = df.a * k",
    ]
    assert [cell.whole for cell in found.cells] == [False] * 3


def test_an_alias_is_not_cut_off() -> None:
    kernel = Notebook()
    kernel.run(PANDAS)
    kernel.run(MADE + "\nother = df\nother['c'] = 1\nz = 1")
    found = slice_of(kernel.runs, "df", statements=True)
    assert [cell.code for cell in found.cells][1] == MADE + "\nother = df\nother['c'] = 1"


def recorded(*codes: str) -> list[CellRun]:
    """Runs of cells with magics, which are not run here."""
    return [CellRun(str(n), "", "a.ipynb", "", n, code, "ada", n, 0, "ok") for n, code in enumerate(codes, 1)]


def test_magics_that_measure_are_no_part_of_a_script() -> None:
    runs = recorded(
        "%matplotlib inline\nk = 1", "%%time\n%lf commit df\nx = [k]\nx.append(2)", "%time y = x + [3]\n%timeit y"
    )
    found = slice_of(runs, "y")
    names: dict[str, object] = {}
    exec(script(found), names)
    assert names["y"] == [1, 2, 3]
    assert not needs_ipython(found)


def test_verbs_that_commit_are_not_run_again_but_those_that_read_are() -> None:
    runs = recorded("df = %lf read main:flights", "if df is not None:\n    %lf commit df -m 'x'\n    y = df")
    found = slice_of(runs, "y")
    assert needs_ipython(found)
    assert "commit" not in script(found)
    assert "from IPython import get_ipython" in script(found)
    sources = [cell["source"] for cell in notebook(found)["cells"]]
    assert sources[1:] == [
        "%load_ext lineageflow_jupyter",
        "df = %lf read main:flights",
        "if df is not None:\n    pass  # %lf commit df -m 'x'\n    y = df",
    ]


def test_await_needs_ipython() -> None:
    assert needs_ipython(slice_of(recorded("x = await f()"), "x"))
    assert not needs_ipython(slice_of(recorded("async def f():\n    await g()"), "f"))


def test_notebooks_are_valid_and_go_on_after_what_raised() -> None:
    kernel = ran(CASES["raised in the middle"])
    made = notebook(slice_of(kernel.runs, "df"))
    nbformat.validate(nbformat.from_dict(made))
    assert json.loads(json.dumps(made)) == made
    assert [cell["metadata"].get("tags") for cell in made["cells"]] == [None, None, None, ["raises-exception"], None]


def test_what_users_type_stays_text_in_headings() -> None:
    kernel = Notebook(path="a\n import os.ipynb")
    kernel.run(PANDAS)
    kernel.run(MADE, external=[External("in", "csv", "x\nexec('1/0')\n<script>*")])
    found = slice_of(kernel.runs, "df")
    exec(script(found), {})
    assert "<script>" not in notebook(found)["cells"][0]["source"].replace("\\<", "")


OPERATIONS = [
    "k = {n}", "k = k + {n}", "xs = [k]", "xs.append(k)", "ys = xs", "def f(x): return x * k + {n}", "df['c'] = k",
    "df = pd.DataFrame({{'a': [k, {n}]}})", "df = f(df)", "e = df", "e['d'] = {n}", "df = e.copy()", "df.loc[0, 'a'] = len(xs)",
    "e = f(df)", "df = df + e.shape[0]", "del e", "e = df.query('a > @k')", "print(df, k)", "if k > 2: k = {n}",
]  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 5)), max_size=12), st.booleans())
def test_any_notebook_is_rebuilt(steps: list[tuple[str, int]], statements: bool) -> None:
    kernel = Notebook()
    kernel.run_all([PANDAS, "k = 1\nxs = []", "df = pd.DataFrame({'a': [1, 2]})\ne = df * 2", "def f(x): return x"])
    kernel.run_all([operation.format(n=n) for operation, n in steps])
    found = slice_of(kernel.runs, "df", table_id(kernel.names["df"]), statements=statements)
    names: dict[str, object] = {}
    exec(script(found), names)
    assert table_id(names["df"]) == table_id(kernel.names["df"])
