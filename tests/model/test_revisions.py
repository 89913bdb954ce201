"""The revision grammar and the rules of names."""

from __future__ import annotations

import pytest

from lineageflow_jupyter.errors import InvalidName, NotAvailable, UnknownName
from lineageflow_jupyter.model.revisions import Step, check_name, parse, split_dataset


@pytest.mark.parametrize("name", ["flights", "no-outliers", "v1.0", "feature/x", "flüge", "データ", "a_b"])
def test_ordinary_names_are_accepted(name: str) -> None:
    assert check_name(name, "dataset") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a:b",
        "a@b",
        "a~1",
        "a^",
        "{x}",
        "a..b",
        "-x",
        ".x",
        "x.",
        "/x",
        "x/",
        "a//b",
        "HEAD",
        "a\nb",
        "x" * 201,
        "\ud800",
    ],
)
def test_names_that_the_grammar_needs_are_refused(name: str) -> None:
    with pytest.raises(InvalidName) as error:
        check_name(name, "branch")
    assert "\n" not in str(error.value)


def test_steps_are_read_from_left_to_right() -> None:
    assert parse("main~2^3~").steps == (Step("~", 2), Step("^", 3), Step("~", 1))
    assert parse("HEAD").steps == ()
    assert parse("@~1").base == "HEAD"
    assert parse("~1").base == "HEAD"


def test_what_is_not_understood_is_said() -> None:
    with pytest.raises(UnknownName, match="'x' is not understood"):
        parse("main~x")
    with pytest.raises(NotAvailable, match="points in time"):
        parse("main@{2026-11-01}")


def test_a_dataset_follows_the_last_colon() -> None:
    assert split_dataset("main~1:flights") == ("main~1", "flights")
    assert split_dataset("flights") == ("HEAD", "flights")
    assert split_dataset(":flights") == ("HEAD", "flights")
