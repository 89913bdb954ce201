"""The panel, badges, status bar and commands in a real JupyterLab; the server's extension answers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from nbformat import v4
from playwright.sync_api import Browser, Locator, Page, Request, expect

import lineageflow_jupyter as lf
from tests.ui.conftest import HOSTILE
from tests.ui.lab import DARK, LIGHT, OpenNotebook, Server, lab
from tests.ui.test_diff import written
from tests.ui.test_quickstart import CONTRASTS, READABLE

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parent.parent.parent / "build" / "ui"
"""Where what was seen is kept, for people to look at."""

SOURCES = {
    "begin": "%load_ext lineageflow_jupyter\n%lf init;",
    "made": "import pandas as pd\ntrips = pd.DataFrame({'id': [1, 2, 3], 'km': [5.0, None, 700.0]})",
    "keep": "%lf commit trips --key id -m raw;",
    "fill": "trips['km'] = trips['km'].fillna(0)",
    "far": "far = trips[trips['km'] > 6]\nfar['note'] = 'far'",
    "odd": f"odd = pd.DataFrame({{{HOSTILE!r}: [1]}})\n%lf commit odd -m '{HOSTILE}';",
}
NAME = "Trips 100% ü.ipynb"
MESSAGE = """it's $5 for "more", {km} `now`? \\"""


class Panel:
    """The panel beside a notebook."""

    def __init__(self, notebook: OpenNotebook) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self.node = self.page.locator("#lineageflow-panel")

    def show(self, tab: str) -> None:
        self.node.get_by_role("tab", name=tab, exact=True).click()

    def row(self, listed: str, name: str) -> Locator:
        found = self.node.get_by_role("list", name=listed, exact=True).get_by_role("listitem")
        return found.filter(has=self.page.get_by_text(name, exact=True))

    def keep(self, name: str) -> None:
        """Keep a picture of what is seen."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def graph(self, question: str, **arguments: Any) -> Any:
        """Ask the graph that is drawn, `cy`."""
        self.page.wait_for_function(
            "() => document.querySelector('.lf-graph-box')?._cyreg?.cy.nodes().length", polling=50
        )
        ask = f"given => {{ const cy = document.querySelector('.lf-graph-box')._cyreg.cy; return {question}; }}"
        return self.page.evaluate(ask, arguments)

    def click_node(self, label: str) -> None:
        of_label = "cy.nodes().filter(node => node.data('full') === given.label)"
        place = self.graph(f"{of_label}.renderedPosition()", label=label)
        self.node.locator(".lf-graph-box").click(position=place)


def flashed(page: Page) -> Any:
    """Wait for a cell to flash; its id, and whether it is in sight."""
    return page.wait_for_function(
        """() => {
            const panel = window.jupyterapp.shell.currentWidget;
            const cell = panel?.content?.widgets?.find(cell => cell.node.classList.contains('lf-mod-flash'));
            if (!cell) return null;
            const [box, seen] = [cell.node.getBoundingClientRect(), panel.content.node.getBoundingClientRect()];
            return [cell.model.id, box.bottom > seen.top && box.top < seen.bottom];
        }""",
        polling=50,
    ).json_value()


@pytest.fixture(scope="module")
def panel(browser: Browser, server: Server) -> Iterator[Panel]:
    """A notebook none of whose cells have run, with the panel beside it."""
    folder = server.root / "panel"
    folder.mkdir()
    cells = [v4.new_code_cell(text, id=name) for name, text in SOURCES.items()]
    cells.append(v4.new_markdown_cell("\n\n".join(["far below"] * 80), id="long"))
    written(folder / NAME, cells)
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    panel = Panel(OpenNotebook(page, server, f"panel/{quote(NAME)}"))
    page.locator('.jp-SideBar [data-id="lineageflow-panel"]').click()
    yield panel
    page.close()


@pytest.fixture
def ran(panel: Panel) -> Iterator[Panel]:
    """All cells have run; what the browser complains about during a test fails it."""
    if not any(cell.get("execution_count") for cell in panel.notebook.cells()):
        expect(panel.node.get_by_role("button", name="Make one here")).to_be_visible()
        expect(panel.node).to_contain_text("%lf init")
        panel.keep("empty")
        panel.show("Data")
        panel.notebook.run_all()
    yield panel
    assert panel.notebook.troubles == []
    assert panel.page.evaluate("() => window.attacked") is None


def test_what_cells_make_appears_by_itself(ran: Panel) -> None:
    ran.show("Data")
    expect(ran.row("Frames in the kernel", "far")).to_contain_text("new1 × 3")
    expect(ran.row("Frames in the kernel", "trips")).to_contain_text("changed3 × 2[4]")
    expect(ran.row("Datasets", "trips")).to_contain_text("changed")
    expect(ran.row("Datasets", "odd")).not_to_contain_text("changed")
    expect(ran.node).to_contain_text(NAME)
    expect(ran.page.locator(".lf-status")).to_have_text("⎇ main ● 1")


def test_a_dataset_shows_its_columns_and_first_rows(ran: Panel) -> None:
    ran.show("Data")
    ran.row("Datasets", "trips").get_by_role("button").first.click()
    expect(ran.node.get_by_role("table", name="Columns of trips")).to_have_text("idint64kmfloat64")
    expect(ran.node.get_by_role("region", name="First rows of trips").get_by_role("row")).to_have_text(
        ["idkm", "15.0", "2NaN", "3700.0"]
    )
    ran.keep("data")
    ran.row("Datasets", "odd").get_by_role("button").first.click()
    expect(ran.node.get_by_role("table", name="Columns of odd")).to_have_text(f"{HOSTILE}int64")
    ran.row("Datasets", "odd").get_by_role("button").first.click()


def test_cells_bear_what_they_read_and_wrote(ran: Panel) -> None:
    cells = ran.page.locator(".jp-Notebook .jp-Cell")
    badges = {name: cells.nth(place).locator(".lf-badge") for place, name in enumerate(SOURCES)}
    expect(badges["made"]).to_have_text("→ trips 3 × 2")
    expect(badges["fill"]).to_have_text("trips → trips 3 × 2")
    expect(badges["far"]).to_have_text("trips → far 1 × 3")
    expect(badges["begin"]).to_have_count(0)
    badges["far"].get_by_role("button").click()
    expect(ran.node.get_by_role("tab", name="Lineage")).to_have_attribute("aria-selected", "true")


def test_a_node_leads_to_its_cell(ran: Panel) -> None:
    ran.show("Lineage")
    assert ran.graph("cy.edges().map(edge => edge.source().data('full') + '→' + edge.target().data('full'))") == [
        "[2]→trips [2]", "trips [2]→[4]", "[4]→trips [4]", "trips [4]→[5]", "[5]→far", "[6]→odd",
    ]  # fmt: skip
    ran.notebook.cell("long")  # scrolls there
    ran.click_node("trips [4]")
    assert flashed(ran.page) == ["fill", True]
    expect(ran.node.get_by_role("region", name="Chosen node")).to_contain_text("rows3")
    assert ran.graph("cy.nodes('.lf-far').map(node => node.data('full'))") == ["[6]", "odd"]
    ran.keep("lineage")


def test_the_graph_is_for_the_keyboard_too(ran: Panel) -> None:
    ran.show("Lineage")
    ran.graph("cy.$(':selected').unselect() && 0")
    ran.node.locator(".lf-graph-box").focus()
    for _ in range(3):
        ran.page.keyboard.press("ArrowDown")
    expect(ran.node.get_by_role("region", name="Chosen node")).to_contain_text("Cell")
    ran.page.keyboard.press("Enter")
    assert flashed(ran.page) == ["fill", True]
    ran.node.get_by_role("tab", name="Lineage").focus()
    ran.page.keyboard.press("Home")
    expect(ran.node.get_by_role("tab", name="Data")).to_be_focused()
    expect(ran.node.get_by_role("tabpanel", name="Data")).to_be_visible()
    expect(ran.node.get_by_role("tabpanel", name="Lineage")).to_be_hidden()


def test_a_commit_is_the_line_that_one_could_type(ran: Panel, server: Server) -> None:
    ran.show("Changes")
    commit = ran.node.get_by_role("button", name="Commit", exact=True)
    expect(commit).to_be_disabled()
    ran.node.get_by_role("checkbox", name="far").check()
    ran.node.get_by_label("Message of the commit").fill(f"  {MESSAGE}\n")
    expect(ran.node.get_by_label("The line that will run")).to_contain_text("%lf commit trips far -m ")
    ran.keep("changes")
    commit.click()
    expect(ran.node.get_by_role("tabpanel", name="Changes").get_by_text("Nothing has changed")).to_be_visible()
    expect(ran.page.locator(".lf-status")).to_have_text("⎇ main")
    with lf.open(server.root / "panel") as repository:
        newest, *_ = repository.log()
        assert newest.commit.message == MESSAGE
        assert set(newest.datasets) == {"trips", "far"}
    assert len(ran.notebook.cells()) == len(SOURCES) + 1  # the notebook itself is left alone
    ran.show("History")
    commits = ran.node.get_by_role("listbox", name="Commits")
    expect(commits.get_by_role("option").first).to_contain_text(MESSAGE)


def test_what_cannot_be_committed_says_why(ran: Panel) -> None:
    ran.page.evaluate(
        """async () => {
            const {sessionContext} = window.jupyterapp.shell.currentWidget;
            const code = "wrong = pd.DataFrame({'what': [object()]})";
            await sessionContext.session.kernel.requestExecute({code}).done;
        }"""
    )
    ran.show("Changes")
    ran.node.get_by_role("checkbox", name="wrong").check()
    message = ran.node.get_by_label("Message of the commit")
    message.fill("cannot be")
    message.press("Control+Enter")
    expect(ran.node.locator(".lf-changes .lf-answer")).to_contain_text("'what'")
    expect(message).to_have_value("cannot be")  # what was written is not lost
    message.fill("")


def test_history_tells_what_commits_did(ran: Panel) -> None:
    ran.show("History")
    commits = ran.node.get_by_role("listbox", name="Commits")
    commits.get_by_role("option").filter(has_text=HOSTILE).click()
    details = ran.node.get_by_role("region", name="Commit", exact=True)
    expect(details).to_contain_text(HOSTILE)
    expect(details.get_by_role("listitem")).to_contain_text("odd")
    ran.keep("history")
    ran.node.get_by_label("Only commits of this dataset").select_option("far")
    expect(commits.get_by_role("option")).to_have_count(1)
    ran.node.get_by_label("Only commits of this dataset").select_option("")
    expect(commits.get_by_role("option")).to_have_count(3)


def test_a_frame_whose_source_has_moved_on_is_marked(ran: Panel) -> None:
    ran.show("Lineage")
    assert ran.graph("cy.nodes('.lf-stale').length") == 0
    ran.page.evaluate(
        """async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            panel.content.activeCellIndex = panel.content.widgets.findIndex(cell => cell.model.id === 'fill');
            await window.jupyterapp.commands.execute('notebook:run-cell');
            panel.content.widgets[panel.content.activeCellIndex].model.sharedModel.setSource("trips['km'] = 9.0");
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    ran.page.wait_for_function(
        "() => document.querySelector('.lf-graph-box')._cyreg.cy.nodes('.lf-stale').some(n => n.data('full') === 'far')"
    )


@pytest.mark.parametrize(("theme", "dark"), [(DARK, True), (LIGHT, False)])
def test_it_is_readable(ran: Panel, theme: str, dark: bool) -> None:
    ran.notebook.use(theme)
    contrasts = CONTRASTS.replace(".lf-out *", ".lf-panel *, .lf-badge *, .lf-status *")
    shown_by = {"Data": ".lf-list", "History": ".lf-commit", "Changes": ".lf-form", "Lineage": "canvas"}
    for tab, content in shown_by.items():
        ran.show(tab)
        expect(ran.node.get_by_role("tabpanel", name=tab).locator(content).first).to_be_visible()
        ran.page.mouse.move(700, 500)
        ran.keep(f"{tab.lower()}-{'dark' if dark else 'light'}")
        found = ran.page.locator("body").evaluate(f"body => ({contrasts})(body)")
        shown = {text for text, _ in found}
        assert {tab, "main"} <= shown, "the panel was not looked at"
        assert [pair for pair in found if pair[1] < READABLE and pair[0] != "Commit"] == []
        cut = ".lf-panel .lf-row, .lf-panel .lf-tabs, .lf-panel .lf-tools, .lf-panel .lf-content"
        wider = "parts => parts.filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)"
        assert ran.page.locator(cut).evaluate_all(wider) == []
    colour = ran.graph("cy.nodes().first().style('color')")
    assert (sum(int(part) for part in re.findall(r"\d+", colour)[:3]) > 382) is dark


def test_commands_are_in_the_palette(ran: Panel) -> None:
    found = ran.page.evaluate("() => window.jupyterapp.commands.listCommands()")
    assert {f"lineageflow:{name}" for name in ("diff", "blame", "before-cell", "commit", "refresh")} <= set(found)
    before = len(ran.notebook.cells())
    ran.page.evaluate("() => window.jupyterapp.commands.execute('lineageflow:blame', {name: 'trips'})")
    more = "before => window.jupyterapp.shell.currentWidget.content.widgets.length > before"
    ran.page.wait_for_function(more, arg=before)
    assert "%lf blame trips" in [cell["source"] for cell in ran.notebook.cells()]


def test_nothing_is_fetched_for_what_nobody_sees(ran: Panel) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.partition("/lineageflow/")[2])

    ran.show("Data")
    ran.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    ran.page.on("request", note)
    with ran.page.expect_response(lambda answer: "/lineageflow/" in answer.url and "/runs?" in answer.url):
        ran.page.evaluate(
            """async () => {
                const {sessionContext} = window.jupyterapp.shell.currentWidget;
                await sessionContext.session.kernel.requestExecute({code: 'late = trips.head(1)'}).done;
            }"""
        )
    ran.page.wait_for_timeout(500)
    ran.page.remove_listener("request", note)
    kinds = {path.partition("?")[0].rpartition("/")[2] for path in asked if path}
    assert kinds <= {"notebook", "runs"}  # of the status bar and the badges, which are in sight
    ran.page.locator('.jp-SideBar [data-id="lineageflow-panel"]').click()
    expect(ran.row("Frames in the kernel", "late")).to_be_visible()


def test_a_closed_notebook_is_opened(ran: Panel) -> None:
    ran.show("Lineage")
    ran.page.evaluate(
        """async () => {
            await window.jupyterapp.shell.currentWidget.context.save();
            window.jupyterapp.shell.currentWidget.close();
        }"""
    )
    ran.page.wait_for_function("() => document.querySelector('.lf-where')?.textContent === 'LineageFlow'")
    ran.click_node("[2]")
    assert flashed(ran.page)[0] == "made"


def test_long_histories_are_paged(browser: Browser, server: Server) -> None:
    folder = server.root / "long"
    folder.mkdir()
    with contextlib.closing(lf.init(folder)) as repository:
        frame = pd.DataFrame({"n": [0]})
        for number in range(230):
            frame.loc[0, "n"] = number
            repository.commit({"numbers": frame}, message=f"number {number}")
    written(folder / "long.ipynb", [v4.new_code_cell("1")])
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    notebook = OpenNotebook(page, server, "long/long.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('lineageflow:open', {tab: 'History'})")
    panel = Panel(notebook)
    commits = panel.node.get_by_role("listbox", name="Commits")
    expect(commits.get_by_role("option").first).to_contain_text("number 229")
    commits.focus()
    page.keyboard.press("End")
    expect(commits.get_by_role("option", name="number 30")).to_be_visible()
    expect(commits.get_by_role("option", name="number 29")).to_be_attached()  # the next page is there
    page.keyboard.press("End")
    expect(commits.get_by_role("option", selected=True)).to_contain_text("number 0")
    assert commits.get_by_role("option").count() < 60
    assert notebook.troubles == []
    page.close()


def test_without_the_servers_extension_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    written(root / "alone.ipynb", [v4.new_code_cell("1")])
    off = "--ServerApp.jpserver_extensions={'lineageflow_jupyter': False}"
    with lab(root, tmp_path / "state", off) as server:
        page = browser.new_page()
        notebook = OpenNotebook(page, server, "alone.ipynb")
        page.locator('.jp-SideBar [data-id="lineageflow-panel"]').click()
        panel = page.locator("#lineageflow-panel")
        expect(panel).to_contain_text("jupyter server extension enable lineageflow_jupyter")
        assert [each for each in notebook.troubles if "404" not in each] == []  # which the browser itself tells
        page.close()
