"""What `%lf lineage` tells in lines and draws: short names, one line for states that nothing happened to."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from lineageflow_jupyter.testing.shell import TestingShell

CELLS = (  # the first of them is [3]: `%load_ext` and `%lf init` come before
    "import pandas as pd",
    "made = pd.DataFrame({'id': range(6), 'km': [1.0, 2, 3, None, 5, 6], 'hours': 2.0})\n"
    "made.to_csv('trips.csv', index=False)\ndel made",
    "trips = pd.read_csv('trips.csv')",
    "trips['km'] = trips['km'].fillna(0)",
    "trips['note'] = 'x'",
    "trips.loc[trips.km > 5, 'note'] = 'far'",
    "trips['speed'] = trips['km'] / trips['hours']",
    "far = trips.dropna().reset_index(drop=True)[['speed', 'hours']]",
)


@pytest.fixture
def book(shell: TestingShell) -> TestingShell:
    shell.run("%lf init")
    for cell in CELLS:
        shell.run(cell)
    return shell


def lines(book: TestingShell, command: str) -> list[str]:
    return str(book.run(command)).splitlines()


def drawn(book: TestingShell, command: str) -> list[str]:
    tree = ElementTree.fromstring(book.run(command).report.to_svg())
    return sorted(each.text or "" for each in tree.iter() if each.tag.endswith("text"))


def test_a_column_has_one_line_for_all_states_that_calls_left_alone(book: TestingShell) -> None:
    assert lines(book, "%lf lineage far.speed --up") == [
        "far.speed ← trips.speed (dropna, reset_index, select [10])",
        "trips.speed ← trips.hours, trips.km [6] (set [9])",
        "trips.km [6] ← trips.km [5] (set [6]), unchanged through [7], [8]",
        "trips.hours ← trips.csv (read_csv [5]), unchanged through [6]–[8]",
        "trips.km [5] ← trips.csv (read_csv [5])",
        "2 other columns only chose, matched or ordered its rows: --all",
    ]
    assert drawn(book, "%lf lineage far.speed --up") == [
        "dropna, reset_index, s… [10]",
        "far.speed",
        "read_csv [5]",
        "set [6]",
        "set [9]",
        "trips.hours",
        "trips.km [5]",
        "trips.km [6]",
        "trips.speed",
    ]


def test_a_frame_has_one_line_for_all_cells_that_changed_it_in_a_row(book: TestingShell) -> None:
    assert lines(book, "%lf lineage far") == [
        "far ← trips [9] ([10])",
        "trips [9] ← trips [5] ([6]–[9])",
        "trips [5] ← trips.csv ([5])",
        "trips.csv ← [4]",
    ]
    assert drawn(book, "%lf lineage far")[:4] == ["[10]", "[4]", "[5]", "[6]–[9]"]
    # A state that something else was made of is told apart.
    book.run("copy = trips.copy()")
    book.run("trips['late'] = 1")
    down = lines(book, "%lf lineage trips --down")
    assert down == ["trips"]
    assert lines(book, "%lf lineage")[:2] == ["trips [14] ← trips [9] ([14])", "copy ← trips [9] ([13])"]


def test_what_is_out_of_date_is_said_once(book: TestingShell) -> None:
    book.run("near = far.head(2)")
    book.run("trips.loc[0, 'hours'] = 3.0")
    told = lines(book, "%lf lineage near")
    assert [line for line in told if "out of date" in line or " is " in line] == told[-1:]
    assert told[-1].startswith("out of date: far, near: trips is ")
    assert lines(book, "%lf lineage near.speed")[-2].startswith("out of date: far, near: trips is ")


def test_a_cell_that_only_looks_and_what_nobody_saw(book: TestingShell) -> None:
    book.run("print(len(far), far.iloc[0, 0])")
    assert lines(book, "%lf lineage far --down") == ["[11] reads far"]
    book.run("exec('hidden = far.apply(lambda row: row, axis=1)')")
    assert "far" in "\n".join(lines(book, "%lf lineage hidden.speed"))
    assert "opaque" in lines(book, "%lf lineage hidden.speed")[0]


def test_files_and_notebooks_of_one_name_keep_their_folders(book: TestingShell) -> None:
    book.run("import os\nos.mkdir('other')\nfar.to_csv('other/trips.csv')\nback = pd.read_csv('other/trips.csv')")
    told = lines(book, "%lf lineage back")
    assert any("other/trips.csv" in line.replace("\\", "/") for line in told)
    assert not any(line.startswith("trips.csv") for line in told)


FIRST = "/home/ada/one.ipynb"
SECOND = "/home/ada/two.ipynb"


@pytest.fixture
def two_notebooks(shell: TestingShell) -> Iterator[TestingShell]:
    """A second notebook, behind one that has committed `trips`."""
    shell.run("%unload_ext lineageflow_jupyter")
    shell.user_ns["__vsc_ipynb_file__"] = FIRST
    shell.run("%load_ext lineageflow_jupyter")
    shell.run("%lf init")
    shell.run("import pandas as pd\ntrips = pd.DataFrame({'id': [1, 2, 3], 'km': [1.0, 2.0, None]})")
    shell.run("trips['km'] = trips.km.fillna(0)")
    shell.run("%lf commit trips -m one;")
    shell.run("%unload_ext lineageflow_jupyter")
    with TestingShell.start() as second:
        second.user_ns["__vsc_ipynb_file__"] = SECOND
        second.run("%load_ext lineageflow_jupyter")
        yield second
        second.run("%unload_ext lineageflow_jupyter")
    shell.run("%load_ext lineageflow_jupyter")


@pytest.mark.parametrize(
    ("line", "name", "verb"),
    [("x = %lf read main:trips", "x", "read"), ("%lf checkout HEAD trips;", "trips", "checkout")],
)
def test_what_is_read_in_another_notebook_came_from_the_cells_that_made_it(
    two_notebooks: TestingShell, line: str, name: str, verb: str
) -> None:
    two_notebooks.run(line)
    two_notebooks.run(f"far = {name}[{name}.km > 1]")
    told = lines(two_notebooks, "%lf lineage far")
    assert told[0].startswith(f"far ← {name}")
    assert told[1].endswith("← trips one.ipynb [6] ([2])")
    assert told[2] == "trips one.ipynb [6] ← trips one.ipynb [5] (one.ipynb [6])"
    told = lines(two_notebooks, "%lf lineage far.km")
    assert told[1].endswith(f"← trips.km one.ipynb [6] (%lf {verb} [2], unchanged)")
    assert told[2] == "trips.km one.ipynb [6] ← trips.km one.ipynb [5] (set one.ipynb [6])"
    report = two_notebooks.run("%lf lineage far").report
    read = [edge for edge in report.edges if edge.kind == "reads" and edge.evidence == "proved"]
    assert [report.nodes[edge.source].detail("table") for edge in read] == [report.all.find(name).detail("table")], (
        "the very table"
    )
