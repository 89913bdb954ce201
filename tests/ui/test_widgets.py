"""Widgets below answers in a real JupyterLab: a diff of a million rows, read in both themes, and what remains of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from nbformat import v4
from playwright.sync_api import Browser, Locator, WebSocket

from tests.ui.conftest import HOSTILE
from tests.ui.lab import DARK, LIGHT, OpenNotebook, Server
from tests.ui.test_diff import written
from tests.ui.test_quickstart import CONTRASTS, PAGE_LIGHTNESS, READABLE

pytestmark = pytest.mark.browser

SOURCES = {
    "commits": f"""%load_ext lineageflow_jupyter
import numpy as np, pandas as pd
rows = 1_000_000
numbers = np.random.default_rng(1)
t = pd.DataFrame({{"id": np.arange(rows), **{{f"column_{{n}}": numbers.integers(0, 1000, rows) for n in range(17)}}}})
t[{HOSTILE!r}] = {HOSTILE!r}
t["note"] = ""
%lf init;
%lf commit t --key id -m raw;
t["column_3"] += 1
t.loc[::7, "note"] = "<i>late</i>"
t = t.drop(index=range(500, 520)).reset_index(drop=True)
%lf commit t -m edited;""",
    "diff": "%lf diff HEAD~1 HEAD t",
    "edit": "t.loc[5, 'column_1'] = -1",
    "live": "%lf diff t",
    "again": "t.loc[6, 'column_1'] = -1",
}
PAINTED = """([id, mark]) => new Promise((resolve, reject) => {
    const began = performance.now();
    const look = () => {
        const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id);
        const shown = [...cell.node.querySelectorAll('.lf-widget tbody tr')].some(row => row.innerText.includes(mark));
        if (shown) resolve(performance.now() - began);
        else if (performance.now() - began > 30000) reject(new Error('not painted'));
        else requestAnimationFrame(look);
    };
    look();
})"""


def widget_of(notebook: OpenNotebook, cell: str) -> Locator:
    """The widget of a cell, once it has drawn its first rows."""
    notebook.cell(cell)
    place = notebook.page.evaluate(
        "id => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(cell => cell.model.id === id)", cell
    )
    found = notebook.page.locator(f".jp-Notebook [data-windowed-list-index='{place}'] .lf-widget")
    found.locator("tbody td").first.wait_for()
    return found


def run_cell(notebook: OpenNotebook, cell: str) -> None:
    """Run one cell, as Shift-Enter does, and wait for the kernel."""
    notebook.cell(cell)
    notebook.page.evaluate(
        """async id => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id);
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        cell,
    )


@pytest.fixture(scope="module")
def diff(browser: Browser, server: Server) -> Iterator[OpenNotebook]:
    """A notebook with a diff of a million rows, whose first cell has run."""
    (server.root / "widgets").mkdir()
    cells = [v4.new_code_cell(text, id=name) for name, text in SOURCES.items()]
    name = written(server.root / "widgets" / "diff.ipynb", cells)
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.on("websocket", _listened)
    notebook = OpenNotebook(page, server, f"widgets/{name}")
    run_cell(notebook, "commits")
    yield notebook
    page.close()


received: list[int] = []
"""Sizes of what came over web sockets."""


def _listened(socket: WebSocket) -> None:
    socket.on("framereceived", lambda frame: received.append(len(frame)))


def test_little_is_sent_and_any_row_is_there_at_once(
    diff: OpenNotebook, record_property: Callable[[str, object], None]
) -> None:
    received.clear()
    run_cell(diff, "diff")
    paints = [diff.page.evaluate(PAINTED, ["diff", "~ 0"])]
    assert sum(received) < 100_000, "all that came: the answer, the module, and the rows"
    for _ in range(2):
        run_cell(diff, "diff")
        paints.append(diff.page.evaluate(PAINTED, ["diff", "~ 0"]))
    grid = widget_of(diff, "diff")
    assert "of 1,000,000 rows" in grid.locator(".lf-told").inner_text()
    times = []
    for row in (900_000, 17, 450_000, 900_000):
        grid.get_by_label("go to row").fill(str(row))
        grid.get_by_label("go to row").press("Enter")
        times.append(diff.page.evaluate(PAINTED, ["diff", f"{row + 20:,} → {row:,}" if row > 500 else f"~ {row:,}"]))
    record_property("milliseconds", {"first paints": paints, "jumps": times})  # told by --junit-xml; no assertion
    assert diff.troubles == []


def test_what_is_hostile_is_text(diff: OpenNotebook) -> None:
    grid = widget_of(diff, "diff")
    grid.locator(".lf-grid").focus()
    diff.page.keyboard.press("End")
    grid.locator("thead th", has_text=HOSTILE).wait_for()
    assert HOSTILE in grid.locator("tbody td").all_inner_texts()
    grid.locator("tbody td", has_text=HOSTILE).first.click()
    grid.locator(".lf-pane dd", has_text=HOSTILE).first.wait_for()
    assert grid.locator("img, b, i").count() == 0
    assert diff.page.evaluate("() => window.attacked") is None
    diff.page.keyboard.press("Home")
    grid.locator("thead th", has_text="note").wait_for()


def test_it_filters_and_goes_to_the_next_change(diff: OpenNotebook) -> None:
    grid = widget_of(diff, "diff")
    grid.get_by_role("button", name="changed").click()
    grid.locator(".lf-told", has_text="of 20 rows").wait_for()
    assert grid.locator("tbody th").first.inner_text() == "− 500"
    grid.get_by_role("button", name="changed").click()
    grid.get_by_label("column with changes").select_option(label="note (142,855)")
    grid.locator(".lf-told", has_text="of 142,855 rows").wait_for()
    assert grid.locator("tbody th").all_inner_texts()[:3] == ["~ 0", "~ 7", "~ 14"]
    grid.get_by_label("unchanged rows").check()
    grid.locator(".lf-told", has_text="of 1,000,000 rows").wait_for()
    grid.locator("tbody td", has_text="<i>late</i>").first.click()
    diff.page.keyboard.press("n")
    at = grid.locator("tbody tr:has(td.lf-at) th", has_text="~ 7")
    at.wait_for()
    diff.page.keyboard.press("Enter")
    pane = grid.locator(".lf-pane")
    pane.locator("dd", has_text="~ 7").wait_for()
    told = pane.inner_text()
    assert "note changed by" in told, "no cause"
    assert "insert" in told, "no history"
    assert "update" in told
    assert diff.troubles == []


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_it_is_readable(diff: OpenNotebook, theme: str, dark: bool) -> None:
    diff.use(theme)
    grid = widget_of(diff, "diff")
    assert (diff.page.evaluate(PAGE_LIGHTNESS) < 0.2) is dark
    contrasts = diff.cell("diff").evaluate(CONTRASTS)
    assert {"↓ next", "unchanged rows", "column_0"} <= {text for text, _ in contrasts}
    # What a style sheet says is no text.
    assert [pair for pair in contrasts if pair[1] < READABLE and "{" not in pair[0]] == []
    assert grid.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_a_frame_that_changed_is_no_longer_shown(diff: OpenNotebook) -> None:
    for cell in ("edit", "live"):
        run_cell(diff, cell)
    grid = widget_of(diff, "live")
    assert "of 1 row" in grid.locator(".lf-told").inner_text()
    run_cell(diff, "again")
    diff.cell("live")
    grid.locator("tbody td").first.click()
    diff.page.locator(".lf-widget", has_text="the frame has changed since").wait_for()
    still = diff.cell("live").query_selector(".lf-still")
    assert still is not None
    assert still.is_visible()


def test_the_static_answer_stays_when_the_kernel_ends(diff: OpenNotebook, browser: Browser, server: Server) -> None:
    still = diff.cell("diff").query_selector(".lf-still")
    assert still is not None
    assert not still.is_visible(), "told twice"
    diff.page.evaluate(
        """async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.context.sessionContext.restartKernel();
            await panel.context.save();
        }"""
    )
    diff.page.locator(".lf-widget", has_text="has ended").first.wait_for()
    shown = diff.cell("diff").query_selector(".lf-still")
    assert shown is not None
    assert shown.is_visible()
    page = browser.new_page()
    opened = OpenNotebook(page, server, "widgets/diff.ipynb")
    page.wait_for_timeout(1500)  # till the manager of widgets has looked for its models in vain
    cell = opened.cell("diff")
    table = cell.query_selector(".lf-still table")
    assert table is not None
    assert table.is_visible()
    assert "Error" not in cell.inner_text()
    # JupyterLab says so of what a kernel that ends still sends to widgets.
    assert [each for each in diff.troubles if not each.startswith("Comm not found")] == []
    page.close()


MERGE = {
    "commits": """%load_ext lineageflow_jupyter
import pandas as pd
t = pd.DataFrame({"id": range(6), "price": [1.5] * 6, "<b>name": ["a"] * 6})
%lf init;
%lf commit t --key id -m raw;
%lf branch feature;
t.loc[:3, "price"] = 2.0
t.loc[1, "<b>name"] = "<i>ours</i>"
%lf commit t -m ours;
%lf switch feature;
t.loc[:3, "price"] = 3.0
t.loc[1, "<b>name"] = "theirs"
%lf commit t -m theirs;
%lf switch main;""",
    "merge": "%lf merge feature",
    "after": "t.price.tolist(), t['<b>name'][1]",
}


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_conflicts_are_solved_and_the_merge_goes_on(browser: Browser, server: Server, theme: str, dark: bool) -> None:
    folder = server.root / f"merges-{dark}"
    folder.mkdir()
    name = written(folder / "merge.ipynb", [v4.new_code_cell(text, id=id_) for id_, text in MERGE.items()])
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    notebook = OpenNotebook(page, server, f"{folder.name}/{name}")
    notebook.use(theme)
    for cell in ("commits", "merge"):
        run_cell(notebook, cell)
    widget = widget_of(notebook, "merge")
    contrasts = notebook.cell("merge").evaluate(CONTRASTS)
    assert {"theirs", "<i>ours</i>", "id = 1"} <= {text for text, _ in contrasts}
    # What a style sheet says is no text; what cannot be pressed may be pale.
    said = [pair for pair in contrasts if "{" not in pair[0] and pair[0] != "continue"]
    assert [pair for pair in said if pair[1] < READABLE] == []
    lines, told = widget.locator("tbody tr"), widget.locator(".lf-told")
    assert widget.locator("i, b").count() == 0
    assert widget.get_by_role("button", name="continue").is_disabled()
    lines.nth(0).get_by_role("button", name="theirs: 3.0").click()
    told.get_by_text("1 of 5 decided").wait_for()
    value = lines.nth(1).get_by_label("another value")
    value.fill("much")
    value.press("Enter")
    widget.get_by_role("alert").get_by_text("'much' is no value of the type float").wait_for()
    value.fill("7.25")
    value.press("Enter")
    told.get_by_text("2 of 5 decided").wait_for()
    widget.get_by_role("toolbar").get_by_role("button", name="ours").click()
    told.get_by_text("5 of 5 decided").wait_for()
    widget.get_by_role("button", name="continue").click()
    widget.locator("pre", has_text="main merged:").wait_for()
    run_cell(notebook, "after")
    (output,) = next(cell["outputs"] for cell in notebook.cells() if cell["id"] == "after")
    assert output["data"]["text/plain"] == "([3.0, 7.25, 2.0, 2.0, 1.5, 1.5], '<i>ours</i>')"
    assert notebook.troubles == []
    page.close()
