"""Names of cells: against truths told by hand, Python's own symbol tables, and what really happens when a cell runs."""

from __future__ import annotations

import builtins
import symtable
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from lineageflow_jupyter.lineage.analysis import analyse, needed, reachable
from lineageflow_jupyter.lineage.names import CellNames, Imported, MagicLine
from tests.lineage.cells import NEWER, TRUTHS, Truth
from tests.lineage.programs import programs


def check(names: CellNames, truth: Truth) -> None:
    expected = {name: set(getattr(truth, name).split()) for name in ("reads", "writes", "mutated", "deleted")}
    assert {name: set(getattr(names, name)) for name in expected} == expected
    assert set(names.surely) == set((truth.writes if truth.surely is None else truth.surely).split())
    assert set(names.mentioned) == {
        each for part in (truth.reads, truth.writes, truth.deleted, truth.mentioned) for each in part.split()
    }
    assert [each.what for each in names.opaque] == ([truth.opaque.replace("%%", "%")] if truth.opaque else [])


@pytest.mark.parametrize("title", TRUTHS)
def test_truths(title: str) -> None:
    check(analyse(TRUTHS[title].code), TRUTHS[title])


@pytest.mark.parametrize("title", TRUTHS)
def test_it_makes_no_difference_whether_ipython_has_transformed_the_cell(title: str) -> None:
    truth = TRUTHS[title]
    if truth.opaque == "not Python":
        return
    check(analyse(TransformerManager().transform_cell(truth.code)), truth)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
@pytest.mark.parametrize("title", NEWER)
def test_truths_of_newer_python(title: str) -> None:
    check(analyse(NEWER[title].code), NEWER[title])


def test_lines_of_what_is_found() -> None:
    names = analyse("import a.b as c\nfrom d import e\n\n%lf log\nexec(x)\nfrom f import *\ndf['k'] = e")
    assert names.imports == (Imported("c", "a.b", None, 1), Imported("e", "d", "e", 2))
    assert names.magics == (MagicLine("lf", "log", 4),)
    assert [(each.what, each.line) for each in names.opaque] == [("exec", 5), ("from f import *", 6)]
    assert [(each.name, each.how, each.line) for each in names.mutations if each.how == "item"] == [("df", "item", 7)]
    assert names.stars == ("f",)


def test_lines_within_the_body_of_a_magic_are_those_of_the_cell() -> None:
    for code in ("%%time\nx = 1\nif x:\n    %lf log\ndf['k'] = 1", "%%time\n%%capture\n1\n%lf log\ndf['k'] = 1"):
        for form in (code, TransformerManager().transform_cell(code)):
            names = analyse(form)
            assert [(each.name, each.line) for each in names.magics if each.name == "lf"] == [("lf", 4)]
            assert [each.line for each in names.mutations] == [5]


def test_text_that_is_no_python_says_why() -> None:
    assert analyse("x = 1\ny = (").error == "'(' was never closed (line 2)"


def test_a_call_for_its_effect_is_told_from_one_whose_result_is_used() -> None:
    names = analyse("shuffle(rows)\nlast = rows.pop()\nmodel.fit(X)")
    assert {(each.name, each.by, each.how, each.used) for each in names.mutations} == {
        ("rows", "shuffle", "argument", False),
        ("rows", "rows.pop", "method", True),
        ("model", "model.fit", "method", False),
        ("X", "model.fit", "argument", False),
    }


EARLIER = """
def scaled(frame):
    return frame * rate()

def rate():
    return table.rate * factor

def fill(frame):
    frame['x'] = 0

class Cleaner:
    def run(self):
        return scaled(self.frame).clip(upper)

def maker():
    def inner(x):
        return x + offset
    return inner

cleaner = Cleaner()
shift = maker()
partly = partial(scaled, 1)
handlers = {'a': lambda x: x * weight}
result = scaled(1)
alias = scaled
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("scaled(y)", "scaled y rate table factor"),
        ("y.apply(scaled)", "scaled y rate table factor"),
        ("alias(y)", "alias y rate table factor"),
        ("partly()", "partly rate table factor"),
        ("cleaner.run()", "cleaner scaled upper rate table factor"),
        ("shift(y)", "shift y offset"),
        ("handlers['a'](y)", "handlers y weight"),
        ("result + 1", "result"),  # what `scaled` returned holds no function
        ("other(y)", "other y"),
    ],
)
def test_what_earlier_functions_reach(code: str, expected: str) -> None:
    functions = analyse(EARLIER).functions
    assert reachable(analyse(code), functions) == set(expected.split())
    assert needed(analyse(code), functions) == set(expected.split())


def test_what_a_cell_binds_before_it_calls_an_earlier_function_need_not_come_from_before() -> None:
    functions = analyse(EARLIER).functions
    assert needed(analyse("factor = 2\nscaled(y)"), functions) == {"scaled", "y", "rate", "table"}
    assert needed(analyse("scaled(y)\nfactor = 2"), functions) == {"scaled", "y", "rate", "table", "factor"}
    assert needed(analyse("alias = 1\nalias + y"), functions) == {"y"}
    assert "factor" in reachable(analyse("factor = 2\nscaled(y)"), functions)


def test_functions_that_change_what_they_are_passed() -> None:
    functions = analyse(EARLIER).functions
    assert functions["fill"].changes_arguments
    assert not functions["scaled"].changes_arguments


def symbols(code: str) -> tuple[set[str], set[str], set[str]]:
    """Global names used, bound, and perhaps used, anywhere in some code: as Python's compiler sees it."""
    used, bound, perhaps = set[str](), set[str](), set[str]()

    def look(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if table.get_type() == "class" and symbol.is_local():
                perhaps.add(name)  # it is the global one as long as the class has none
            own = top or symbol.is_declared_global() or (symbol.is_global() and not symbol.is_local())
            if own and not name.startswith("."):
                if symbol.is_referenced():
                    used.add(name)
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    bound.add(name)
        for child in table.get_children():
            look(child, False)

    look(symtable.symtable(code, "cell", "exec"), True)
    return used, bound, perhaps


@given(programs())
def test_scopes_are_those_of_the_compiler(code: str) -> None:
    used, bound, perhaps = symbols(code)
    names = analyse(code)
    assert names.error == ""
    assert used <= names.mentioned
    assert bound <= names.writes | names.deleted
    assert names.mentioned <= used | bound | perhaps


class Watched(dict[str, Any]):
    """Names of a cell that remember which were read before the cell had bound or deleted them."""

    def __init__(self, before: dict[str, Any]) -> None:
        super().__init__(before)
        self.old, self.read, self.bound = set(before), set[str](), set[str]()

    def __getitem__(self, name: str) -> Any:
        if name in self.old:
            self.read.add(name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.old.discard(name)
        self.bound.add(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self.old.discard(name)
        super().__delitem__(name)


class TooLong(BaseException):
    """The program goes on for ever."""


def counting() -> Callable[..., int]:
    """What conditions call: sometimes true, and not for ever."""
    calls = count()

    def called(*_: object) -> int:
        number = next(calls)
        if number > 60:
            raise TooLong
        return number % 3

    return called


@given(programs(functions=False), st.integers(0, 255))
def test_what_really_happens_is_among_what_may_happen(code: str, seed: int) -> None:
    """Names at the level of the cell are looked up in the watched dict; conditions take both ways over the examples."""
    before: dict[str, Any] = {name: (seed >> place) & 1 for place, name in enumerate("abcdxyz")}
    before.update(f=counting(), A=Exception, print=print, range=range)
    watched = Watched(before)
    names = analyse(code)
    done = True
    try:
        exec(compile(code, "cell", "exec"), {"__builtins__": builtins}, watched)
    except (Exception, TooLong):
        done = False
    assert watched.read <= names.reads
    assert watched.bound <= names.writes
    if done:
        held = {name for name in watched.bound if dict.__contains__(watched, name)}
        assert names.surely <= watched.bound
        assert held <= names.leaves
