"""The revision grammar and the rules of names."""

from __future__ import annotations

import pytest

from lineageflow_jupyter.errors import InvalidName, UnknownName
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
    for text in ("main@{}", "main~1@{1}", "main@{1", "main@{1}x", "main~1x"):
        with pytest.raises(UnknownName, match="is not understood"):
            parse(text)


def test_points_in_time_stand_behind_a_name() -> None:
    found = parse("main@{2026-11-01 14:30}~2")
    assert (found.base, found.at, found.steps) == ("main", "2026-11-01 14:30", (Step("~", 2),))
    assert (parse("@{-1}").base, parse("@{-1}").at) == ("", "-1")


def test_a_dataset_follows_the_last_colon() -> None:
    assert split_dataset("main~1:flights") == ("main~1", "flights")
    assert split_dataset("flights") == ("HEAD", "flights")
    assert split_dataset(":flights") == ("HEAD", "flights")
