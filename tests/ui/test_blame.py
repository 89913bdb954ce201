"""The heat map of blame in a real JupyterLab: readable in both themes, ages told apart, and a header that stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nbformat import v4
from playwright.sync_api import Browser

from tests.ui.lab import DARK, LIGHT, OpenNotebook, Server
from tests.ui.test_diff import written
from tests.ui.test_quickstart import CONTRASTS, PAGE_LIGHTNESS, READABLE

pytestmark = pytest.mark.browser

SOURCES = {
    "commits": """%load_ext lineageflow_jupyter
import pandas as pd
rows = 60
t = pd.DataFrame({"id": range(rows), "carrier": "UA", "delay": 1.5, "note": [None, "<i>late</i>"] * (rows // 2)})
for number in range(12):
    t[f"column_{number}"] = number
%lf init;
%lf commit t --key id -m raw;
for number in range(9):
    t.loc[number * 3 : number * 3 + 4, ["delay", "carrier", "note"]] = [float(number), f"A{number}", None]
    get_ipython().run_line_magic("lf", f"commit t -m 'edit {number}';")""",
    "blame": "%lf blame t",
    "stat": "%lf blame t --stat",
    "value": "%lf blame t --row id=3 --column delay",
    "history": "%lf history t --row id=3",
}
TINTS = """cell => [...new Set([...cell.querySelectorAll('.lf-blame td[class^=lf-age]')]
    .map(td => getComputedStyle(td).backgroundColor))]"""


@pytest.fixture(scope="module")
def blame(browser: Browser, server: Server) -> Iterator[OpenNotebook]:
    """A notebook with a heat map of ten commits, all of whose cells have run."""
    (server.root / "blames").mkdir()
    cells = [v4.new_code_cell(text, id=name) for name, text in SOURCES.items()]
    name = written(server.root / "blames" / "blame.ipynb", cells)
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    notebook = OpenNotebook(page, server, f"blames/{name}")
    notebook.run_all()
    yield notebook
    page.close()


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_it_is_readable(blame: OpenNotebook, theme: str, dark: bool) -> None:
    blame.use(theme)
    assert (blame.page.evaluate(PAGE_LIGHTNESS) < 0.2) is dark
    contrasts = [pair for name in ("blame", "stat", "history") for pair in blame.cell(name).evaluate(CONTRASTS)]
    assert {"A7b", "a", "nullj", "edit 8"} <= {text for text, _ in contrasts}
    assert [pair for pair in contrasts if pair[1] < READABLE] == []
    assert len(blame.cell("blame").evaluate(TINTS)) == 8
    assert blame.troubles == []


def test_later_outputs_do_not_change_it(blame: OpenNotebook) -> None:
    """Each output brings the style of all tables along, and the last one counts unless a rule says more."""
    looks = """cell => {
        const style = getComputedStyle(cell.querySelector('.lf-blame tbody td'));
        return [style.whiteSpace, style.paddingLeft];
    }"""
    space, padding = blame.cell("blame").evaluate(looks)
    assert space == "pre"
    assert float(padding.removesuffix("px")) > 2


def test_the_header_stays_and_the_page_does_not_grow(blame: OpenNotebook) -> None:
    table = blame.cell("blame").query_selector(".lf-blame")
    assert table is not None
    assert table.evaluate("box => box.scrollHeight > box.clientHeight && box.scrollWidth > box.clientWidth")
    assert blame.cell("blame").evaluate("cell => cell.scrollWidth <= cell.clientWidth")
    moved = table.evaluate(
        """box => {
            box.scrollTop = 300;
            return box.querySelector('thead th').getBoundingClientRect().top - box.getBoundingClientRect().top;
        }"""
    )
    assert abs(moved) < 2
