"""Answers of a real kernel: with a widget where a front end can show one, and else exactly as they are without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import v4

pytestmark = pytest.mark.notebook

WIDGET = "application/vnd.jupyter.widget-view+json"
COMMITS = """%load_ext lineageflow_jupyter
import pandas as pd
t = pd.DataFrame({"id": range(5000), "x": 1.5, "text": "long text " * 20})
%lf init;
%lf commit t --key id -m raw;
t["x"] += 1
%lf commit t -m edited;"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook as it is saved with the state of its widgets, run as a server would run it."""
    folder: Path = tmp_path_factory.mktemp("inline")
    cells = [COMMITS, "%lf diff HEAD~1 HEAD t", "%lf config widgets false;", "%lf diff HEAD~1 HEAD t"]
    return run(folder, cells, {"JPY_SESSION_NAME": str(folder / "book.ipynb")})


def run(folder: Path, sources: list[str], environment: dict[str, str]) -> Any:
    book = v4.new_notebook(cells=[v4.new_code_cell(text) for text in sources])
    client = NotebookClient(book, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, timeout=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JPY_SESSION_NAME", raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        client.execute()
    return book


def test_an_answer_has_text_html_and_a_widget(saved: Any) -> None:
    static, live = saved.cells[1].outputs
    assert "5,000 changed cells" in static["data"]["text/plain"]
    assert "<table>" in static["data"]["text/html"]
    assert live["data"][WIDGET]["model_id"]
    assert live["data"]["text/plain"] == live["data"]["text/html"] == ""


def test_what_is_saved_of_a_widget_is_tiny(saved: Any) -> None:
    state = saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]
    assert len(json.dumps(state)) < 5_000
    assert "long text" not in json.dumps(state)
    assert len(json.dumps(saved.cells[1].outputs[1])) < 500


def test_a_setting_leaves_answers_as_they_are(saved: Any) -> None:
    (only,) = saved.cells[3].outputs
    assert only["output_type"] == "execute_result"
    assert set(only["data"]) == {"text/plain", "text/html"}
    assert "lf-followed" not in only["data"]["text/html"]


def test_without_a_front_end_there_are_no_widgets(tmp_path: Path) -> None:
    book = run(tmp_path, [COMMITS, "%lf diff HEAD~1 HEAD t\nimport sys; 'anywidget' in sys.modules"], {})
    (only,) = book.cells[1].outputs
    assert only["data"]["text/plain"] == "False"


def test_nbconvert_shows_the_static_form(saved: Any) -> None:
    nbconvert = pytest.importorskip("nbconvert")
    plain = nbformat.from_dict({**saved, "metadata": {}})
    html, _ = nbconvert.HTMLExporter().from_notebook_node(plain)
    assert "lf-still" in html
    assert "widget-view" not in html
