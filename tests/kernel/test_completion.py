"""What the Tab key proposes on `%lf` lines."""

from __future__ import annotations

import pandas as pd
import pytest

from lineageflow_jupyter.testing.shell import TestingShell


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%lf com", ["%lf commit"]),
        ("%lf ch", ["%lf checkout"]),
        ("x = %lf re", ["x = %lf read"]),
        ("%lf help swi", ["%lf help switch"]),
        ("%lf commit fl", ["%lf commit flights"]),
        ("%lf commit flights pl", ["%lf commit flights planes"]),
        ("%lf commit flights --m", ["%lf commit flights --message"]),
        ("%lf commit flights --branch ma", ["%lf commit flights --branch main"]),
        ("%lf commit -m x fl", ["%lf commit -m x flights"]),
        ("%lf log fl", ["%lf log flights"]),
        ("%lf log ma", ["%lf log main"]),
        ("%lf show HE", ["%lf show HEAD"]),
        ("%lf checkout ma", ["%lf checkout main"]),
        ("%lf checkout main fl", ["%lf checkout main flights"]),
        ("df = %lf read ma", ["df = %lf read main:"]),
        ("df = %lf read main:fl", ["df = %lf read main:flights"]),
        ("%lf read flights --engine po", ["%lf read flights --engine polars"]),
        ("%lf switch m", ["%lf switch main"]),
    ],
)
def test_proposals(committed: TestingShell, typed: str, expected: list[str]) -> None:
    assert committed.completions(typed) == expected


@pytest.mark.parametrize("typed", ["%lf commit -m fl", "%lf nonsense fl", '%lf commit -m "fl', "%lf show main fl"])
def test_nothing_is_proposed_where_nothing_fits(committed: TestingShell, typed: str) -> None:
    assert not [found for found in committed.completions(typed) if found.endswith(("flights", "planes"))]


def test_all_that_fits_is_proposed(committed: TestingShell) -> None:
    committed.user_ns["_hidden"] = pd.DataFrame({"a": [1]})
    committed.user_ns["number"] = 1
    assert committed.completions("%lf commit ") == ["%lf commit flights", "%lf commit planes"]


def test_a_repository_is_not_opened_by_a_key_stroke(committed: TestingShell) -> None:
    committed.run("%reload_ext lineageflow_jupyter")
    assert committed.completions("%lf checkout ") == ["%lf checkout HEAD"]
    assert "flights" not in str(committed.completions("%lf checkout HEAD "))


def test_other_lines_are_left_alone(committed: TestingShell) -> None:
    assert committed.completions("pla") == ["planes"]
    assert "%load_ext" in committed.completions("%load_e")
