"""Words of a line: quoting, comments, `;`, and variables in names."""

from __future__ import annotations

import shlex
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.tokens import Word, expand, quoted, split, split_unfinished


def texts(line: str) -> list[str]:
    return [word.text for word in split(line).words]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   ", []),
        ("status", ["status"]),
        ("  commit\tflights  ", ["commit", "flights"]),
        ('commit -m "two words"', ["commit", "-m", "two words"]),
        ("commit -m 'two words'", ["commit", "-m", "two words"]),
        (r"commit -m two\ words", ["commit", "-m", "two words"]),
        ('commit --message="x y"', ["commit", "--message=x y"]),
        ('commit -m "costs $5 and {braces}"', ["commit", "-m", "costs $5 and {braces}"]),
        ('commit -m "it\'s"', ["commit", "-m", "it's"]),
        (r'commit -m "say \"hi\""', ["commit", "-m", 'say "hi"']),
        (r'commit -m "C:\new"', ["commit", "-m", r"C:\new"]),
        (r"commit -m 'a\b'", ["commit", "-m", r"a\b"]),
        ('commit -m ""', ["commit", "-m", ""]),
        ("commit -m a''b", ["commit", "-m", "ab"]),
        ("read main:航班 ", ["read", "main:航班"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert texts(line) == words


@pytest.mark.parametrize("line", ["status # now", "status #", "status ; # quiet", "status\t#\tnow"])
def test_a_comment_stands_between_white_space(line: str) -> None:
    assert texts(line) == ["status"]


@pytest.mark.parametrize("line", ["commit -m id=#5", "commit -m #5", 'commit -m "# 5"', "commit -m a#"])
def test_other_hashes_belong_to_words(line: str) -> None:
    assert "#" in texts(line)[2]


@pytest.mark.parametrize("line", ["status;", "status ;", "status;;", "status ; # quiet", "status;  "])
def test_a_last_semicolon_silences(line: str) -> None:
    assert texts(line) == ["status"]
    assert split(line).silenced


@pytest.mark.parametrize("line", ['commit -m "a;"', "commit -m a;b", r"commit -m a\;", "commit -m ';'"])
def test_other_semicolons_belong_to_words(line: str) -> None:
    assert ";" in texts(line)[2]
    assert not split(line).silenced


@pytest.mark.parametrize("line", ["status; %lf log", "status ; log", "commit -m a; b"])
def test_a_second_statement_is_refused(line: str) -> None:
    with pytest.raises(UsageProblem, match="one verb a line"):
        split(line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("commit -m 'open", r"the ' at position 11 is never closed: 'open"),
        ('commit -m "open', r'the " at position 11 is never closed'),
        (r'commit -m "open\"', r'the " at position 11 is never closed'),
        ("commit -m don't", r"the ' at position 14 is never closed: 't"),
        ("commit -m x\\", r"the backslash at position 12 has nothing behind it"),
    ],
)
def test_what_is_left_open_is_named_with_its_position(line: str, message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        split(line)


@given(st.lists(st.text(min_size=1)))
def test_what_a_shell_would_quote_comes_back(words: list[str]) -> None:
    assert texts(shlex.join(words)) == words


@given(st.text())
def test_any_line_is_split_or_refused(line: str) -> None:
    with suppress(UsageProblem):
        assert sum(len(word.text) for word in split(line).words) <= len(line)


NAMES = {"branch": "main", "größe": "v1", "count": 3, "empty": ""}


def expanded(typed: str) -> str:
    (word,) = split(typed).words
    return expand(word, NAMES)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("{branch}~1:flights", "main~1:flights"),
        ("$branch", "main"),
        ("${branch}x", "mainx"),
        ("$branch:flights", "main:flights"),
        ('"{branch}"', "main"),
        ("$größe", "v1"),
        ("a{empty}b", "ab"),
        ("'{branch}'", "{branch}"),
        (r"\{branch}", "{branch}"),
        (r"\$branch", "$branch"),
        ("'$'branch", "$branch"),
        ("main@{2026-11-01}", "main@{2026-11-01}"),
        ("price$", "price$"),
        ("$5", "$5"),
    ],
)
def test_variables_are_put_into_names(typed: str, text: str) -> None:
    assert expanded(typed) == text


def test_values_are_not_expanded_again() -> None:
    assert expand(Word("{a}"), {"a": "{b}", "b": "x"}) == "{b}"


def test_an_unknown_variable_is_an_error_with_close_matches() -> None:
    with pytest.raises(UnknownName, match=r"no variable 'brunch' to put into '\{brunch\}' \(did you mean branch\?\)"):
        expanded("{brunch}")


def test_only_text_is_put_in() -> None:
    with pytest.raises(UsageProblem, match=r"'count' in 'HEAD~\{count\}' is of type int"):
        expanded("HEAD~{count}")


@pytest.mark.parametrize("typed", ["{}", "{1+1}", "{branch.upper()}", "${}"])
def test_nothing_is_evaluated(typed: str) -> None:
    with pytest.raises(UsageProblem, match="not the name of a variable"):
        expanded(typed)


SIGNS = st.text(max_size=12) | st.text(" ,;#'\"\\$`{}?-=ab", max_size=12)


@given(SIGNS, SIGNS)
def test_what_is_quoted_reads_back_and_stands_for_itself(first: str, second: str) -> None:
    words = split(f"{quoted(first)} {quoted(second)} # comment").words
    assert [word.text for word in words] == [first, second]
    assert [expand(word, {}) for word in words] == [first, second]
    assert all(not word.text.startswith("-") or word.bare == 0 for word in words)


def test_names_as_people_write_them_are_not_quoted() -> None:
    plain = ["flights", "main~2:flights", "a,b", "v1.0^", "feature/x", "größe", "main..dev", "a-b", "50%"]
    assert [quoted(name) for name in plain] == plain


@given(SIGNS, SIGNS, st.sampled_from(["", "'", '"']))
def test_the_word_at_the_cursor_goes_on_as_it_was_begun(begun: str, rest: str, quote: str) -> None:
    """Whatever was typed, in quotes or not: if it can be continued, the whole is read as what it was to become."""
    line = f"verb {quote}{begun}"
    found = split_unfinished(line)
    if found is None:
        return
    words, word = found
    text = word.text + rest
    whole = line.removesuffix(word.raw) + word.become(text)
    assert texts(whole) == [*(other.text for other in words), text]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", ""),
        ("read ", ""),
        ("read ma", "ma"),
        ('read "ma', "ma"),
        ("read 'a b", "a b"),
        ('read "a \\" b', 'a " b'),
        ('read a"b c', "ab c"),
        ("read ''", ""),
        ("read 'a\\", "a\\"),
    ],
)
def test_the_word_at_the_cursor(line: str, word: str) -> None:
    found = split_unfinished(line)
    assert found is not None
    assert found[1].text == word


@pytest.mark.parametrize("line", ["read # ma", "read; ma", "read a\\", 'read "a\\', "read a; b 'c"])
def test_where_no_word_can_be(line: str) -> None:
    assert split_unfinished(line) is None
