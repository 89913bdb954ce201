"""The quickstart in a real JupyterLab: what a user sees after Run > Run All Cells."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.ui.conftest import HOSTILE
from tests.ui.lab import DARK, LIGHT, OpenNotebook, Server

pytestmark = pytest.mark.browser

READABLE = 4.5
"""Contrast of text that the guidelines for accessible web content (WCAG 2, level AA) ask for."""

LIGHTNESS = """
    const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const painted = (...colours) => {  // the browser itself resolves what stands in style sheets, one over the other
        for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
        return context.getImageData(0, 0, 1, 1).data;
    };
    const backgrounds = element => {
        const found = [];
        for (let place = element; place; place = place.parentElement) {
            found.unshift(getComputedStyle(place).backgroundColor);
        }
        return ['white', ...found];
    };
    const lightness = colour => {
        const [red, green, blue] = [...colour].map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
"""
PAGE_LIGHTNESS = (
    f"() => {{ {LIGHTNESS} return lightness(painted(...backgrounds(document.querySelector('.jp-Notebook')))); }}"
)
CONTRASTS = f"""cell => {{ {LIGHTNESS}
    const holdsText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    return [...cell.querySelectorAll('.lf-out *')].filter(holdsText).map(element => {{
        const behind = backgrounds(element);
        const pair = [lightness(painted(...behind)), lightness(painted(...behind, getComputedStyle(element).color))];
        return [element.textContent, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)];
    }});
}}"""


def told(cell: dict[str, Any]) -> str:
    """What a cell shows in a terminal."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "".join(part for text in texts for part in text)


def failed(cell: dict[str, Any]) -> bool:
    """Whether a cell shows an error; IPython writes those of magics as one line."""
    return any(
        output["output_type"] == "error" or (output.get("name") == "stderr" and "Error" in "".join(output["text"]))
        for output in cell["outputs"]
    )


def code_cells(notebook: OpenNotebook) -> dict[str, dict[str, Any]]:
    return {cell["id"]: cell for cell in notebook.cells() if cell["cell_type"] == "code"}


def test_all_cells_run_and_only_those_that_must_fail_do(quickstart: OpenNotebook) -> None:
    cells = code_cells(quickstart)
    assert [cell["execution_count"] for cell in cells.values()] == list(range(1, len(cells) + 1))
    expected = [name for name, cell in cells.items() if "raises-exception" in cell["metadata"].get("tags", [])]
    assert [name for name, cell in cells.items() if failed(cell)] == expected
    assert "Commit them, or add --force" in told(cells["refused"])


def test_results_are_shown_as_tables_and_lines(quickstart: OpenNotebook) -> None:
    line = quickstart.cell("commit").query_selector(".lf-out p")
    assert line is not None
    assert re.fullmatch(r"\[main [0-9a-f]{7}\] raw — flights 336,776 × 19, [\d.]+ MB new", line.inner_text())
    rows = [row.inner_text().split("\t") for row in quickstart.cell("log").query_selector_all(".lf-out tr")]
    assert rows[0] == ["commit", "time", "author", "datasets", "message"]
    assert [row[3:] for row in rows[1:]] == [["flights", "(HEAD → main) speed in miles per hour"], ["flights", "raw"]]
    state = quickstart.cell("speed").query_selector(".lf-out td.lf-warn")
    assert state is not None
    assert state.inner_text() == "changed"


def test_answers_have_a_text_and_a_static_form(quickstart: OpenNotebook) -> None:
    for cell in code_cells(quickstart).values():
        for output in cell["outputs"]:
            page = "".join(output.get("data", {}).get("text/html", ""))
            if "lf-out" in page:
                assert output["data"]["text/plain"]
                assert "<script" not in page


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_text_is_readable(quickstart: OpenNotebook, theme: str, dark: bool) -> None:
    quickstart.use(theme)
    assert (quickstart.page.evaluate(PAGE_LIGHTNESS) < 0.2) is dark
    contrasts = [pair for name in code_cells(quickstart) for pair in quickstart.cell(name).evaluate(CONTRASTS)]
    texts = [text for text, _ in contrasts]
    assert {"changed", "main", "message", "+1 column (speed)"} <= set(texts), "the page was not looked at"
    assert [pair for pair in contrasts if pair[1] < READABLE] == []


def test_nothing_is_cut_off(quickstart: OpenNotebook) -> None:
    overflowing = (
        "cell => [...cell.querySelectorAll('.lf-out, .lf-scroll')].some(part => part.scrollWidth > part.clientWidth)"
    )
    assert [name for name in code_cells(quickstart) if quickstart.cell(name).evaluate(overflowing)] == []


def test_the_tab_key_completes_verbs_flags_and_datasets(quickstart: OpenNotebook) -> None:
    page = quickstart.page
    for command in ("insert-cell-below", "enter-edit-mode"):
        page.evaluate("command => window.jupyterapp.commands.execute(`notebook:${command}`)", command)

    def offered(typed: str) -> list[str]:
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
        page.locator(".jp-Completer-item").first.wait_for()
        return page.locator(".jp-Completer-item .jp-Completer-match").all_inner_texts()

    assert offered("%lf log fli") == ["flights"]
    page.keyboard.press("Enter")
    assert offered(" --one") == ["--oneline"]
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.innerText") == "%lf log flights --oneline"
    page.keyboard.press("ControlOrMeta+a")
    assert offered("%lf s") == ["show", "stash", "status", "switch"]
    page.keyboard.press("Escape")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:delete-cell')")


def test_hostile_names_and_messages_are_shown_as_text(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    notebook = OpenNotebook(page, server, "hostile.ipynb")
    notebook.run_all()
    for name in code_cells(notebook):
        shown = notebook.cell(name).query_selector(".lf-out")
        assert shown is not None
        assert HOSTILE in shown.inner_text()
        assert shown.query_selector("img, b") is None
    assert page.evaluate("() => window.attacked") is None
    assert notebook.troubles == []
    page.close()
