"""A diff in a real JupyterLab: readable in both themes, a header that stays, and harmless and legible without trust."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import Browser

from tests.ui.conftest import HOSTILE
from tests.ui.lab import DARK, LIGHT, OpenNotebook, Server
from tests.ui.test_quickstart import CONTRASTS, PAGE_LIGHTNESS, READABLE

pytestmark = pytest.mark.browser

SOURCES = {
    "commit": f"""%load_ext lineageflow_jupyter
import pandas as pd
rows = 400
t = pd.DataFrame({{"id": range(rows), "carrier": "UA", "delay": 1.5, "note": {HOSTILE!r}, "gone": 1}})
for number in range(12):
    t[f"column_{{number}}"] = number
%lf init;
%lf commit t --key id -m raw""",
    "diff": """t.loc[0:1, "carrier"] = ["DL", None]
t.loc[2, "delay"] = float("nan")
t.loc[3, "note"] = t.note[3] + "." * 3000
t = t.drop(columns="gone").drop(index=range(6, 40)).assign(late=True)
t = pd.concat([t.iloc[[0]], t.iloc[2:100], t.iloc[[1]], t.iloc[100:]])
t = pd.concat([t, t.head(2).assign(id=[1000, 1001])], ignore_index=True)
%lf diff t -U 1""",
    "stat": "%lf diff --stat",
}


def written(path: Path, cells: list[nbformat.NotebookNode]) -> str:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path.name


@pytest.fixture(scope="module")
def diff(browser: Browser, server: Server) -> Iterator[OpenNotebook]:
    """A notebook with a diff, all of whose cells have run."""
    (server.root / "diffs").mkdir()
    name = written(
        server.root / "diffs" / "diff.ipynb", [v4.new_code_cell(text, id=id_) for id_, text in SOURCES.items()]
    )
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    notebook = OpenNotebook(page, server, f"diffs/{name}")
    notebook.run_all()
    yield notebook
    page.close()


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_it_is_readable(diff: OpenNotebook, theme: str, dark: bool) -> None:
    diff.use(theme)
    assert (diff.page.evaluate(PAGE_LIGHTNESS) < 0.2) is dark
    contrasts = [pair for name in ("diff", "stat") for pair in diff.cell(name).evaluate(CONTRASTS)]
    assert {"DL", "null", "+ late", "− gone"} <= {text.split(" (")[0] for text, _ in contrasts}
    assert [pair for pair in contrasts if pair[1] < READABLE] == []
    assert diff.troubles == []


def test_later_outputs_do_not_change_it(diff: OpenNotebook) -> None:
    """Each output brings the style of all tables along, and the last one counts unless a rule says more."""
    looks = """cell => {
        const style = getComputedStyle(cell.querySelector('.lf-diff tbody td'));
        return [style.whiteSpace, style.paddingLeft];
    }"""
    space, padding = diff.cell("diff").evaluate(looks)
    assert space == "pre"
    assert float(padding.removesuffix("px")) > 2


def test_the_header_stays_and_the_page_does_not_grow(diff: OpenNotebook) -> None:
    table = diff.cell("diff").query_selector(".lf-diff")
    assert table is not None
    assert table.evaluate("box => box.scrollHeight > box.clientHeight && box.scrollWidth > box.clientWidth")
    assert diff.cell("diff").evaluate("cell => cell.scrollWidth <= cell.clientWidth")
    moved = table.evaluate(
        """box => {
            box.scrollTop = 300;
            return box.querySelector('thead th').getBoundingClientRect().top - box.getBoundingClientRect().top;
        }"""
    )
    assert abs(moved) < 2
    assert HOSTILE in table.inner_text()
    assert table.query_selector("img, b") is None


def test_without_trust_signs_and_words_remain(diff: OpenNotebook, browser: Browser, server: Server) -> None:
    outputs = next(cell["outputs"] for cell in diff.cells() if cell["id"] == "diff")
    shown = v4.new_output("display_data", {"text/html": outputs[-1]["data"]["text/html"]})
    written(server.root / "untrusted.ipynb", [v4.new_code_cell("1", id="shown", outputs=[shown])])
    page = browser.new_page()
    notebook = OpenNotebook(page, server, "untrusted.ipynb")
    table = notebook.cell("shown").query_selector(".lf-diff table")
    assert table is not None
    assert notebook.cell("shown").query_selector("style") is None, "the notebook is trusted"
    rows = [row.inner_text() for row in table.query_selector_all("tbody tr")]
    assert any(row.startswith("~ changed") and "UA → DL" in row for row in rows)
    assert any(row.startswith("− removed") for row in rows)
    assert len(table.query_selector_all('th[scope="col"]')) > 10
    assert len(table.query_selector_all("del")) == len(table.query_selector_all("ins")) > 0
    assert notebook.troubles == []
    page.close()
