"""The notebooks run from top to bottom in a real kernel, and show what they promise."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]

pytestmark = pytest.mark.notebook


@cache
def executed(name: str) -> dict[str, str]:
    """Run a notebook in a folder of its own; text of what each code cell showed, by cell id.

    A cell that fails raises, unless its tag says that it must.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    with TemporaryDirectory() as folder, TemporaryDirectory() as temporary:
        client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute(env={**os.environ, "TMPDIR": temporary})
        assert list(Path(folder).iterdir()) == [], "the notebook leaves files behind"
    return {cell.id: "".join(_texts(cell)) for cell in notebook.cells if cell.cell_type == "code"}


def _texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        yield output.get("text", "")
        yield output.get("data", {}).get("text/plain", "")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_run(name: str) -> None:
    assert executed(name)


def test_the_quickstart_shows_what_it_promises() -> None:
    told = executed("quickstart")
    assert re.search(r"\[main [0-9a-f]{7}\] raw — flights 336,776 × 19, [\d.]+ MB new", told["commit"])
    assert "+1 column (speed)" in told["speed"]
    assert "speed in miles per hour — flights 336,776 × 20" in told["commit-speed"]
    assert "flights — 40 cells (dep_delay)" in told["refused"]
    assert "stashed (flights — 40 cells (dep_delay)); `%lf stash pop` brings" in told["force"]
    assert told["older"] == "False"
    assert "variables changed to its version: flights" in told["switch"]
    assert told["follows"] == "336776"
    assert "airlines 16 × 2, planes 3,322 × 9" in told["several"]
    assert "599.0" in told["python"]


def test_the_tour_of_branches_shows_what_it_promises() -> None:
    told = executed("branches")
    assert "undone: commit: no delays below zero" in told["undo"]
    assert "1 column changed (arr_delay)" in told["status"]
    assert "column arr_delay of flights is now as in" in told["restore"]
    assert "-86.0" in told["restored"]
    assert "True" in told["restored"]
    assert "undo of commit: no delays below zero" in told["reflog"]
    assert told["lost"] == told["found"]
    assert "flights — +2 columns (gain, gain_per_hour)" in told["refused"]
    assert "9430" in told["question"]
    assert "flights is as stashed" in told["pop"]
    assert "first report: delays by hour" in told["show"]
    assert re.search(r"by-hour\s+3 ahead, 1 behind", told["branches"])
    assert "(by-hour, tag report-1) time made up in the air" in told["graph"]
    assert told["range"].count("\n") == 2
    assert told["compare"].startswith("(9430, ")
    assert len(told["squashed"].splitlines()) == 2
    assert (told["gone"], told["again"]) == ("False", "True")
    assert told["now"] == "327346"
    assert "by-hour pointed to nothing then" in told["yesterday"]


def test_the_tour_of_diffs_shows_what_it_promises() -> None:
    told = executed("diff")
    assert "utf8 → timestamp[us]" in told["zone"]
    assert "336,776 → 328,521 rows: −8,255 rows" in told["cancelled-diff"]
    assert "1,175 changed cells: arr_delay 1,175" in told["fill"]
    assert "float64 → int64" in told["type"]
    assert "↕328,433 rows moved" in told["sort-diff"]
    assert "-43.0 → 0.0" in told["wrong-diff"]
    assert [line.split()[1:] for line in told["wrong-values"].splitlines()[1:]] == [
        ["-43.0", "0.0"],
        ["-33.0", "0.0"],
        ["-32.0", "0.0"],
    ]
    assert "was flight" in told["rename"]
    assert "+50 rows" in told["feed"]
    assert "Envoy Air" in told["append-diff"]
    assert "cells_changed={'arr_delay': 1174}" in told["far"]
    assert "'dep_delay': 3" in told["far-key"]
    assert told["apply"] == "True"
    here, copies = map(float, told["bytes"].splitlines()[-1].split()[-2:])
    assert here < copies / 4


def test_the_tour_of_merges_shows_what_it_promises() -> None:
    told = executed("merge_blame")
    assert "522 conflicts to decide; nothing was changed" in told["dry-run"]
    assert told["rules"] == "('merged', 0)"
    assert told["conflicts"].split()[-5:] == ["row", "NaN", "520", "dtype:", "int64"]
    assert "ada merged:" in told["merged"]
    assert told["shape"] == "((26484, 21), ['time_hour', 'speed'])"
    assert re.search(r"Ben\s+11,001\s+names of carriers", told["blame"])
    assert "merge ben into ada" not in told["blame"].partition("message\n")[2]  # the merge gave no value of its own
    assert re.search(r"7073\s+HA \w\s+1275\.0 \w\s+1272\.0 \w\s+467\.2", told["value"])
    assert told["authors"] == "{'Ada': 26485, 'Ben': 11004, 'Office': 41963}"
    assert re.search(r"dep_delay\s+600\.0\s+1275\.0", told["history"])
    assert "no conflicts; nothing was changed" in told["undo"]


def test_the_tour_of_lineage_shows_what_it_promises() -> None:
    told = executed("lineage")
    steps = told["steps"].splitlines()[1:]
    assert ["made" in line for line in steps] == [False, False, False, False, True]
    assert re.search(r"\[9\] def flown.*dropna.*336,776 → 327,346", steps[0])
    assert re.search(r"\[6\] flights\[\"dep_delay\"\].*fillna.*46,595 → 38,340", steps[3])
    assert re.search(r"dep_delay = 600\.0: .* cleaned — .*\[7\] .*loc\[…\] = …, line 1", told["blame"])
    assert told["before"] == "(336776, 21)"
    assert re.search(
        r"LinearRegression\s+frame [0-9a-f]{7}\s+204,350\s.*arr_delay\s+mean_absolute_error 12\.\d+", told["models"]
    )
    assert "up to date" in told["models"]
    assert "planes.year" in told["lineage-column"]
    assert "wind_speed" not in told["lineage-column"]
    assert "flights.parquet" in told["lineage"]
    assert "model" in told["impact"]
    assert "by_carrier = joined.groupby" in told["code"]
    assert "LinearRegression" not in told["code"]
    assert told["run"].startswith("frame is equal: table ")
    assert told["run"].count("equal") == 11
    assert "flights was committed as" in told["stale"]
    assert "LinearRegression" in told["impact-after"]
