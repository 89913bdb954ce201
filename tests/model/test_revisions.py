"""The revision grammar and the rules of names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineageflow_jupyter.errors import InvalidName, UnknownName, UsageProblem
from lineageflow_jupyter.model.revisions import (
    MOST,
    Range,
    Step,
    check_name,
    number,
    parse,
    split_dataset,
    split_place,
    split_range,
)

KINDS = ("branch", "tag", "dataset")
ORDINARY = ["flights", "no-outliers", "v1.0", "feature/x", "flüge", "データ", "a_b", "x" * 200]
JOINED = ["👩\u200d🔬", "می\u200cخواهم"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*ORDINARY, *JOINED, "head", "stashes", "a'b\"c", "<b>", "%s", "$HOME", "#1", "1234"])
def test_ordinary_names_are_accepted(name: str, kind: str) -> None:
    assert check_name(name, kind) == name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a:b",
        "a@b",
        "@",
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
        "a\tb",
        "a\u00a0b",
        "a\u2003b",
        "x" * 201,
        "ß" * 101,
        "\ud800",
        "a\x00b",
        "a\x7fb",
        "a\x1b[31mb",
        "a\u202eb",
        "a\u2066b",
        "\ufeffa",
        "a\u200bb",
        "a\u00adb",
        "a\u2028b",
        "a\U000e0041b",
    ],
)
def test_names_that_the_grammar_needs_or_that_cannot_be_seen_are_refused(name: str, kind: str) -> None:
    with pytest.raises(InvalidName) as error:
        check_name(name, kind)
    assert kind in error.value.problem
    assert error.value.remedy
    assert all(unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in str(error.value))


@pytest.mark.parametrize("name", ["stash", "stash/x", "stash/0123abcd/1"])
def test_names_of_stashes_are_reserved_among_refs(name: str) -> None:
    for kind in ("branch", "tag"):
        with pytest.raises(InvalidName, match="is reserved"):
            check_name(name, kind)
    assert check_name(name, "dataset") == name


def test_one_name_on_two_keyboards_is_one_name() -> None:
    assert check_name("e\u0301te\u0301", "dataset") == "\u00e9t\u00e9"
    assert check_name("한", "branch") == "한"
    assert check_name("e\u0301" * 100, "branch") == "\u00e9" * 100, "the length counts as it is stored"


@given(st.text(max_size=30))
def test_an_accepted_name_can_be_said_in_every_place_of_the_grammar(text: str) -> None:
    try:
        name = check_name(text, "branch")
    except InvalidName:
        return
    assert check_name(name, "branch") == name
    assert (parse(name).base, parse(f"{name}~2^").base, parse(f"{name}@{{1}}").base) == (name,) * 3
    assert split_range(name) is None
    assert split_range(f"{name}..{name}") == Range(name, name)
    assert split_range(f"{name}...{name}") == Range(name, name, symmetric=True)
    assert split_dataset(f"{name}~1:{name}") == (f"{name}~1", name)
    assert split_dataset(f"main@{{12:30}}:{name}") == ("main@{12:30}", name)
    assert split_dataset(name) == ("HEAD", name)


class TestParse:
    def test_steps_are_read_from_left_to_right(self) -> None:
        assert parse("main~2^3~").steps == (Step("~", 2), Step("^", 3), Step("~", 1))
        assert parse("main^^").steps == (Step("^", 1), Step("^", 1))
        assert parse("main~0^0").steps == (Step("~", 0), Step("^", 0))
        assert parse("HEAD").steps == ()

    @pytest.mark.parametrize("text", ["", "@", "HEAD"])
    def test_head_has_short_forms(self, text: str) -> None:
        assert parse(f"{text}~1").base == "HEAD"
        assert parse(f"{text}^").base == "HEAD"

    def test_points_in_time_stand_behind_a_name(self) -> None:
        found = parse("main@{ 2026-11-01 14:30 }~2")
        assert (found.base, found.at, found.steps) == ("main", "2026-11-01 14:30", (Step("~", 2),))
        assert (parse("@{-1}").base, parse("@{-1}").at) == ("", "-1")
        assert (parse("stash@{0}").base, parse("stash@{0}").at) == ("stash", "0")
        assert parse("main@{a..b}").at == "a..b"

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("main~x", "'x'"),
            ("main~1x", "'x'"),
            ("main@{}", "'@{}'"),
            ("main@{ }", "'@{ }'"),
            ("main~1@{1}", "'@{1}'"),
            ("main@{1", "'main@{1'"),
            ("main@{1}x", "'x'"),
            ("main@{1}@{2}", "'@{2}'"),
            ("a@b", "'a@b'"),
            ("{x}", "'{x}'"),
            ("main~-1", "'-1'"),
        ],
    )
    def test_what_is_not_understood_is_said(self, text: str, part: str) -> None:
        with pytest.raises(UnknownName) as error:
            parse(text)
        assert f"{part} is not understood" in error.value.problem
        assert "main@{2026-11-01}" in error.value.remedy

    @given(st.text(st.sampled_from("ab:@{}~^.-/0129 HEAD"), max_size=14))
    def test_any_text_is_parsed_or_refused(self, text: str) -> None:
        try:
            found = parse(text)
        except UnknownName:
            return
        assume(found.base != "HEAD" or text.startswith("HEAD"))
        at = "" if found.at is None else "@{" + found.at + "}"
        again = parse(f"{found.base}{at}" + "".join(f"{step.kind}{step.count}" for step in found.steps))
        assert (again.base, again.at, again.steps) == (found.base, found.at, found.steps)


class TestNumbers:
    def test_large_ones_are_as_good_as_the_largest(self) -> None:
        assert (number("0"), number("7"), number("999999999")) == (0, 7, 999_999_999)
        assert number("1000000000") == number("9" * 10_000) == MOST

    def test_in_steps(self) -> None:
        assert parse(f"main~{'9' * 10_000}").steps == (Step("~", MOST),)
        assert parse(f"main^{'9' * 10_000}").steps == (Step("^", MOST),)


class TestRange:
    def test_a_side_that_is_left_out_is_head(self) -> None:
        assert split_range("..") == Range("HEAD", "HEAD")
        assert split_range("main..") == Range("main", "HEAD")
        assert split_range("..main") == Range("HEAD", "main")
        assert split_range("...main") == Range("HEAD", "main", symmetric=True)
        assert split_range("a~1..b@{1}") == Range("a~1", "b@{1}")
        assert split_range("main") is None

    @pytest.mark.parametrize("text", ["a..b..c", "a....b", "a...b..c", "a.....b"])
    def test_what_is_no_range_is_refused(self, text: str) -> None:
        with pytest.raises(UsageProblem, match="is not a range"):
            split_range(text)


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "revision", "dataset"),
        [
            ("main~1:flights", "main~1", "flights"),
            (":flights", "HEAD", "flights"),
            ("flights", "HEAD", "flights"),
            ("main:", "main", ""),
            ("flights@{yesterday}", "@{yesterday}", "flights"),
            ("flights@{14:30}", "@{14:30}", "flights"),
            ("flights@{1}~2", "@{1}~2", "flights"),
            ("main@{2026-11-01 14:30}:flights", "main@{2026-11-01 14:30}", "flights"),
            ("main@{14:30}~1:a/b", "main@{14:30}~1", "a/b"),
            ("a:b:c", "a:b", "c"),
        ],
    )
    def test_a_dataset_follows_the_last_colon_outside_braces(self, text: str, revision: str, dataset: str) -> None:
        assert split_dataset(text) == (revision, dataset)

    @pytest.mark.parametrize("text", ["flights", "main@{14:30}", "@{-1}", "stash@{0}", "HEAD~2", ""])
    def test_without_colon_it_may_be_a_revision(self, text: str) -> None:
        assert split_place(text) == (text, None)
        assert split_place(f"{text}:flights") == (text or "HEAD", "flights")
