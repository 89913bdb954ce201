"""What answers look like, and that they carry nobody's markup or control signs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter.kernel.display import (
    CODE,
    GOOD,
    Answer,
    Cell,
    Grid,
    Note,
    clipped,
    listed,
    size,
    visible,
    when,
)

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>&amp;\x1b[2J\u202egnp"


class Tags(HTMLParser):
    """Collects the tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(*parts: Note | Grid) -> Tags:
    return Tags(Answer(None, parts)._repr_html_())


ALLOWED = {"style", "div", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}


@given(st.text())
def test_html_holds_only_our_own_tags(text: str) -> None:
    page = shown(Note(text), Grid(("a",), ((text,), (Cell(text, GOOD),))))
    assert page.tags <= ALLOWED
    assert page.attributes <= {"class", "scope"}


def test_hostile_text_is_shown_as_text() -> None:
    page = shown(Note(HOSTILE), Grid((HOSTILE,), ((Cell(HOSTILE, CODE),),)))
    assert page.tags <= ALLOWED
    assert page.text.count("<script>alert('x')</script>") == 3
    assert "\x1b" not in page.text


def test_a_terminal_gets_no_control_signs() -> None:
    text = str(Answer(None, (Note(HOSTILE), Grid(("a",), ((HOSTILE,),)))))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\x1b[2J\u202egnp" in text


def test_html_loads_nothing_and_runs_nothing() -> None:
    page = Answer(None, (Note("x"), Grid(("a",), (("b",),))))._repr_html_()
    for forbidden in ("<script", "http:", "https:", "@import", "url(", "src=", " on"):
        assert forbidden not in page


def test_html_follows_the_theme() -> None:
    page = Answer(None, ())._repr_html_()
    assert "var(--jp-content-font-color1,inherit)" in page
    assert "prefers-color-scheme:dark" in page


def test_emoji_and_joined_letters_stay_whole() -> None:
    assert visible("👩‍💻 נ\u200c") == "👩‍💻 נ\u200c"


def test_columns_line_up_with_wide_signs() -> None:
    grid = Grid(("dataset", "n"), (("航班", "1"), ("flights", "22")), numbers=frozenset({1}))
    assert str(Answer(None, (grid,))).split("\n") == ["dataset   n", "航班      1", "flights  22"]


def test_code_in_backticks_is_set_as_code() -> None:
    page = Answer(None, (Note("type `%lf status` <now>"),))._repr_html_()
    assert "type <code>%lf status</code> &lt;now&gt;" in page


def test_long_cells_are_cut() -> None:
    assert len(clipped("x" * 10_000)) == 100
    assert clipped("first\nsecond") == "first"


def test_the_last_column_is_not_cut_where_it_explains() -> None:
    text = "why " * 60
    answer = Answer(None, (Grid(("a", "b"), ((text, text),)),))
    assert str(answer).endswith(f"…  {text}".rstrip())
    assert f'<td class="lf-wrap">{text}</td>' in answer._repr_html_()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9_100_000, "9.1 MB"), (999_960, "1.0 MB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


def test_times_are_shown_in_the_zone_of_the_author() -> None:
    assert when(1_700_000_000_000_000, -300) == "2023-11-14 17:13 -0500"
    assert when(10**18, 0) == f"{10**18} µs"


def test_long_lists_are_cut() -> None:
    assert listed([str(number) for number in range(1500)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 1,492 more"
