"""The pictures of the docs, taken of the running application: `.venv/bin/python -m tests.ui.pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from nbformat import v4
from playwright.sync_api import Page, sync_playwright

from tests import chromium
from tests.ui.lab import OpenNotebook, lab
from tests.ui.test_diff import written

DOCS = Path(__file__).parent.parent.parent / "docs" / "pictures"
SIZE = {"width": 1180, "height": 760}
SOURCES = (
    "%load_ext lineageflow_jupyter\n%lf init;",
    "import pandas as pd\n"
    "trips = pd.DataFrame({'id': range(1, 7), 'zone': ['A', 'B', 'A', 'C', 'B', 'A'],\n"
    "                      'km': [5.0, None, 12.5, 3.1, None, 700.0]})\n"
    "fares = pd.DataFrame({'zone': ['A', 'B', 'C'], 'per_km': [1.5, 1.2, 2.0]})",
    "%lf commit trips fares -m raw;",
    "trips['km'] = trips['km'].fillna(0)\ntrips = trips[trips['km'] < 100]",
    "priced = trips.merge(fares, on='zone')\npriced['fare'] = priced['km'] * priced['per_km']",
    "by_zone = priced.groupby('zone', as_index=False)['fare'].sum()",
)


def take(page: Page, notebook: OpenNotebook) -> None:
    """Run the notebook, and keep a picture of each tab that the docs show."""
    page.get_by_role("button", name="No", exact=True).click()  # JupyterLab's question about news
    page.locator('.jp-SideBar [data-id="lineageflow-panel"]').click()
    notebook.run_all()
    panel = page.locator("#lineageflow-panel")
    panel.get_by_role("list", name="Frames in the kernel").get_by_text("by_zone").wait_for()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:move-cursor-up')")
    for tab, shown in (("Changes", ".lf-form"), ("Lineage", "canvas")):
        panel.get_by_role("tab", name=tab).click()
        panel.locator(f"{shown} >> visible=true").first.wait_for()
        page.mouse.move(800, 700)
        page.wait_for_timeout(500)
        page.screenshot(path=DOCS / f"panel-{tab.lower()}.png")


def main() -> None:
    """Take all pictures anew."""
    DOCS.mkdir(exist_ok=True)
    path = chromium.find()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "root"
        root.mkdir()
        written(root / "trips.ipynb", [v4.new_code_cell(text) for text in SOURCES])
        with lab(root, Path(folder) / "state") as server:
            browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
            page = browser.new_page(viewport=SIZE)
            take(page, OpenNotebook(page, server, "trips.ipynb"))
            browser.close()


if __name__ == "__main__":
    main()
