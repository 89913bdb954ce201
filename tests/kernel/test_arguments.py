"""From words to arguments, by the table of a verb."""

from __future__ import annotations

import pytest

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.arguments import Arguments, parse
from lineageflow_jupyter.kernel.columns import row_range, split_columns
from lineageflow_jupyter.kernel.tokens import expand, split
from lineageflow_jupyter.kernel.verbs import VERBS

NAMES = {"base": "main", "x": "boom"}


def parsed(line: str) -> Arguments:
    first, *rest = split(line).words
    verb = VERBS[first.text]
    return parse(verb.name, verb.positionals, verb.options, rest, lambda word: expand(word, NAMES))


@pytest.mark.parametrize(
    "line",
    [
        "commit a b -m msg --as other",
        "commit -m msg a --as other b",
        "commit --message=msg --as=other a b",
        "commit -mmsg a b --as other",
        "commit -m msg --as other -- a b",
    ],
)
def test_flags_and_names_may_be_mixed(line: str) -> None:
    arguments = parsed(line)
    assert (arguments.all("names"), arguments.get("message"), arguments.get("as")) == (("a", "b"), "msg", "other")


@pytest.mark.parametrize("message", ['"{x} costs $x"', '"--key"', "'-n'", "-", '""', "-5"])
def test_messages_are_taken_as_they_stand(message: str) -> None:
    assert parsed(f"commit -m {message}").get("message") == message.strip("\"'")


def test_a_quoted_dash_is_a_name() -> None:
    assert parsed('checkout HEAD "-odd"').all("names") == ("-odd",)


def test_a_flag_may_take_several_values() -> None:
    arguments = parsed("commit flights --key year month -m keyed")
    assert arguments.all("key") == ("year", "month")
    assert arguments.get("message") == "keyed"


def test_a_flag_takes_no_other_flag_for_its_value() -> None:
    with pytest.raises(UsageProblem, match="-m needs MSG, --key found"):
        parsed("commit -m --key id")


def test_negative_rows_are_values() -> None:
    assert parsed("read flights --rows -5:").get("rows") == "-5:"


def test_variables_stand_in_names_and_revisions() -> None:
    assert parsed("checkout {base}~1 $base").values == {"revision": ("main~1",), "names": ("main",)}


def test_the_separator_parts_revisions_from_datasets() -> None:
    assert parsed("log main -- flights").values == {"revision": ("main",), "dataset": ("flights",)}
    assert parsed("log -- flights").values == {"dataset": ("flights",)}
    assert parsed("log main --").values == {"revision": ("main",)}


def test_surplus_words_are_refused() -> None:
    with pytest.raises(UsageProblem, match="%lf show does not know what to do with 'b'"):
        parsed("show a b")
    with pytest.raises(UsageProblem, match="does not know what to do with 'b'"):
        parsed("log a b -- flights")


def test_missing_words_are_named() -> None:
    with pytest.raises(UsageProblem, match="%lf read needs REV:DATASET"):
        parsed("read")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("commit --mesage x", r"no flag --mesage \(did you mean --message\?\)"),
        ("commit --mess x", r"no flag --mess"),
        ("log --onelin", r"no flag --onelin \(did you mean --oneline\?\)"),
        ("status -v", r"%lf status has no flag -v"),
        ("switch -cx", r"%lf switch has no flag -cx"),
    ],
)
def test_unknown_flags_are_refused_with_close_matches(line: str, message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        parsed(line)


def test_a_switch_takes_no_value() -> None:
    with pytest.raises(UsageProblem, match="--oneline takes no value"):
        parsed("log --oneline=yes")


def test_help_needs_nothing_else() -> None:
    assert parsed("read --help").has("help")


def test_columns_are_parted_by_commas() -> None:
    assert split_columns(["a,b", "c", r"d\,e", ""]) == ["a", "b", "c", "d,e"]


def test_rows_are_a_range() -> None:
    assert (row_range(":"), row_range("2:"), row_range(":-1")) == (slice(None), slice(2, None), slice(None, -1))


@pytest.mark.parametrize("text", ["5", "a:b", "1:2:3", "", "-:"])
def test_other_rows_are_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="--rows takes START:STOP"):
        row_range(text)


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_example_can_be_parsed(verb: object) -> None:
    from lineageflow_jupyter.kernel.verb import Verb

    assert isinstance(verb, Verb)
    assert verb.examples
    for example in verb.examples:
        parsed(example.partition("%lf ")[2])
