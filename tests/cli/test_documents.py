"""``docs/command-line.md`` names every verb and flag, and its examples do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lineageflow_jupyter.cli.parsing import verb_parser
from lineageflow_jupyter.cli.verbs import COMMANDS
from tests.cli.conftest import Run
from tests.cli.documents import PAGE

FOLDER = "/home/ada/trip"
MASKS = (
    (r"\b[0-9a-f]{40,64}\b", "1234567…"),
    (r"\b[0-9a-f]{7}\b", "1234567"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d \+\d{4}", "TIME"),
    (r"\d[\d.]* (bytes|kB)", "SIZE"),
    (r"\d+ objects", "OBJECTS"),
    (r" {2,}", "  "),  # widths of columns
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_is_on_the_page(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    flags = [flag for action in verb_parser(COMMANDS[name])._actions for flag in action.option_strings]
    assert [flag for flag in flags if not re.search(rf"[`\s]{re.escape(flag)}[`\s,]", text)] == []


def examples() -> list[tuple[str, list[str]]]:
    """Lines to type with what they print, where the page shows it."""
    found: list[tuple[str, list[str]]] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("    $ lineageflow "):
            found.append((line.removeprefix("    $ lineageflow "), []))
        elif line.startswith("    ") and found:
            found[-1][1].append(line.removeprefix("    "))
    return found


def masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text


def test_examples_do_what_the_page_says(run: Run, folder: Path) -> None:
    (folder / "trips.csv").write_text("id,fare,zone\n1,5.5,A\n2,7.25,B\n3,4.0,A\n")
    (folder / "monday.csv").write_text("id,fare,zone\n1,5.5,A\n2,7.25,B\n3,4.0,A\n4,9.75,C\n")
    lines = examples()
    assert {shlex.split(line)[0] for line, _ in lines} >= set(COMMANDS) - {"status"}
    for line, expected in lines:
        done = run(*shlex.split(line.replace(FOLDER, str(folder))))
        assert (done.code, done.err) == (0, ""), line
        if expected:
            told = done.out.replace(str(folder), FOLDER).rstrip("\n").split("\n")
            assert [masked(text) for text in told] == [masked(text) for text in expected], line
