"""Cells in a real JupyterLab: known by the ids that the notebook gives them; their drawing is read in both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from nbformat import v4
from playwright.sync_api import Browser

import lineageflow_jupyter as lf
from tests.ui.lab import DARK, LIGHT, OpenNotebook, Server
from tests.ui.test_diff import written
from tests.ui.test_quickstart import CONTRASTS, PAGE_LIGHTNESS, READABLE

pytestmark = pytest.mark.browser

SOURCES = {
    "begin": "%load_ext lineageflow_jupyter\n%lf init;",
    "made": "import pandas as pd\ntrips = pd.DataFrame({'id': [1, 2, 3], 'km': [5.0, None, 700.0]})",
    "keep": "%lf commit trips --key id -m raw;",
    "fill": "trips['km'] = trips['km'].fillna(0)",
    "far": "far = trips[trips['km'] > 6]",
    "commit": "%lf commit trips -m filled;",
    "blame": "%lf blame trips",
    "log": "%lf log --cells trips",
    "lineage": "%lf lineage far",
    "code": "%lf code far",
}


@pytest.fixture(scope="module")
def cells(browser: Browser, server: Server) -> Iterator[OpenNotebook]:
    (server.root / "cells").mkdir()
    written_cells = [v4.new_code_cell(text, id=name) for name, text in SOURCES.items()]
    name = written(server.root / "cells" / "cells.ipynb", written_cells)
    page = browser.new_page(viewport={"width": 1000, "height": 1400})
    notebook = OpenNotebook(page, server, f"cells/{name}")
    notebook.run_all()
    yield notebook
    page.close()


def test_runs_bear_the_ids_of_the_notebooks_cells(cells: OpenNotebook, server: Server) -> None:
    assert cells.troubles == []
    with lf.open(server.root / "cells") as repository:
        runs = {run.cell: run for run in repository.cell_runs()}
        assert {"made", "fill", "far"} <= runs.keys()
        assert [write.after.variable for write in runs["fill"].writes if write.after] == ["trips"]
        assert {run.outcome for run in runs.values()} == {"ok"}
        blamed = repository.blame("trips", columns="km")
        made_by = [step and repository.cell_run(step.cell_run).cell for step in blamed.steps]
        assert [made_by[code] for code in blamed.codes["km"]] == ["made", "fill", "made"]
    assert "cells.ipynb [4] trips['km'] = trips['km'].fillna(0)" in cells.cell("blame").inner_text()
    assert "1 → 0" in cells.cell("log").inner_text()


@pytest.mark.parametrize(("theme", "dark"), [(LIGHT, False), (DARK, True)])
def test_it_is_readable(cells: OpenNotebook, theme: str, dark: bool) -> None:
    cells.use(theme)
    assert (cells.page.evaluate(PAGE_LIGHTNESS) < 0.2) is dark
    contrasts = [pair for name in ("blame", "log", "code") for pair in cells.cell(name).evaluate(CONTRASTS)]
    assert len(contrasts) > 20
    assert [pair for pair in contrasts if pair[1] < READABLE] == []
    drawing = cells.cell("lineage").query_selector(".lf-graph svg")
    assert drawing is not None
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    assert box["width"] == float(drawing.get_attribute("width") or "")  # as large as it was drawn: it can be scrolled
    assert box["width"] > 200
    assert box["height"] > 40
    assert "far" in (drawing.text_content() or "")
    colour = drawing.evaluate("svg => getComputedStyle(svg.querySelector('text')).fill")
    light = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3 > 128
    assert light is dark
