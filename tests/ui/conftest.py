"""One JupyterLab for all tests of a session, and the quickstart in it, all of whose cells have run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import Browser, sync_playwright

from tests import chromium
from tests.ui.lab import OpenNotebook, Server, lab

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
HOSTILE = "<b><img src=x onerror=attacked=1>"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab with copies of our notebooks and one whose names and messages are hostile."""
    root = tmp_path_factory.mktemp("lab")
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, root)
    nbformat.write(_hostile(), root / "hostile.ipynb")
    with lab(root, tmp_path_factory.mktemp("lab-state")) as server:
        yield server


def _hostile() -> nbformat.NotebookNode:
    frame = f"import pandas as pd\nodd = pd.DataFrame({{{HOSTILE!r}: [1]}})"
    sources = {
        "commit": f"%load_ext lineageflow_jupyter\n{frame}\n%lf init;\n%lf commit odd -m '{HOSTILE}'",
        "status": f"odd[{HOSTILE + '2'!r}] = 1\n%lf status",
        "log": "%lf log",
        "show": "%lf show",
    }
    cells = [v4.new_code_cell(source, id=name) for name, source in sources.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


# Not for the session: while Playwright runs, an event loop runs in our thread, where other tests need their own.
@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser: Browser, server: Server) -> Iterator[OpenNotebook]:
    """The quickstart, all of whose cells have run."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    notebook = OpenNotebook(page, server, "quickstart.ipynb")
    notebook.run_all()
    yield notebook
    page.close()


@pytest.fixture
def quickstart(opened: OpenNotebook) -> Iterator[OpenNotebook]:
    """The quickstart; what the browser complains about during a test fails it."""
    yield opened
    assert opened.troubles == []
