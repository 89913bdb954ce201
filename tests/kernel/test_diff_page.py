"""Pages of diffs as text and HTML: what a reader sees, and that no value can do harm or hide."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lineageflow_jupyter.kernel.diff_page import (
    COLUMNS,
    TEXT_WIDTH,
    TITLE_LENGTH,
    TITLES,
    VALUE_LENGTH,
    DiffTable,
    edit_texts,
    value_text,
)
from lineageflow_jupyter.kernel.display import Answer, width
from lineageflow_jupyter.model.diffs import Cell, DiffColumn, DiffPage, DiffRow, Hunk

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>&amp;\x1b[2J\u202egnp\n"
ALLOWED = {"style", "div", "p", "table", "thead", "tbody", "tr", "th", "td", "span", "del", "ins"}
ATTRIBUTES = {"class", "scope", "title", "tabindex", "colspan"}


class Read(HTMLParser):
    """Collects tags, attributes and the texts of rows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.titles: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.titles += [value or "" for name, value in attrs if name == "title"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def page_of(columns: tuple[DiffColumn, ...], *hunks: tuple[DiffRow, ...], rows: int | None = None) -> DiffPage:
    count = sum(map(len, hunks))
    numbered = tuple(Hunk(number, each) for number, each in enumerate(hunks))
    return DiffPage(0, count, count if rows is None else rows, len(hunks), columns, numbered)


def column(name: str, **given: object) -> DiffColumn:
    return DiffColumn(name, "data", **{"state": "same", **given})  # type: ignore[arg-type]


EVERYTHING = page_of(
    (
        column("price"),
        column("id", key=True),
        column("speed", state="added"),
        column("rank", state="retyped"),
        column("to", state="renamed", old_name="dest"),
        column("gone", state="dropped"),
    ),
    (
        DiffRow(
            "changed",
            5,
            4,
            True,
            (
                Cell("changed", "1.5", None),
                Cell("same", new="303"),
                Cell("added", new="7.0"),
                Cell("retyped", "1", "1.0"),
                Cell("same", new="ORD"),
                Cell("removed", old="x"),
            ),
        ),
        DiffRow(
            "removed",
            1_006,
            None,
            False,
            (
                Cell("same", old="2.5"),
                Cell("same", old="304"),
                Cell("absent"),
                Cell("same", old="2"),
                Cell("same", old=None),
                Cell("same", old="y"),
            ),
        ),
    ),
    (
        DiffRow("added", None, 9, False, (*(Cell("same", new=text) for text in "abcde"), Cell("absent"))),
        DiffRow("moved", 8, 10, True, (*(Cell("same", new=text) for text in "fghij"), Cell("removed", old="z"))),
        DiffRow("context", 9, 11, False, (*(Cell("same", new=text) for text in "klmno"), Cell("removed", old="w"))),
    ),
)


def test_text_tells_kinds_places_and_edits_with_key_and_changes_first() -> None:
    assert DiffTable(EVERYTHING, gaps=True).as_text().split("\n") == [
        "    old row  new row  id   price       + speed  ~ rank   dest → to  − gone",
        "~↕        5        4  303  1.5 → null  7.0      1 → 1.0  ORD        x",
        "−     1,006           304  2.5                  2        null       y",
        "⋯",
        "+                  9  b    a           c        d        e",
        "↕         8       10  g    f           h        i        j          z",
        "          9       11  l    k           m        n        o          w",
    ]
    assert "⋯" not in DiffTable(EVERYTHING).as_text()


def test_html_tells_the_same_and_says_it_in_words() -> None:
    found = Read(DiffTable(EVERYTHING, gaps=True).as_html())
    assert found.rows[0][:3] == ["change", "old row", "new row"]
    assert found.rows[0][3:] == [
        "id (identifies rows)",
        "price",
        "+ speed (added)",
        "~ rank (of another type)",
        "dest → to",
        "− gone (dropped)",
    ]
    assert found.rows[1] == ["~↕ changed and moved", "5", "4", "303", "1.5 → null", "7.0", "1 → 1.0", "ORD", "x"]
    assert [row[0] for row in found.rows[2:]] == ["− removed", "", "+ added", "↕ moved", " unchanged"]
    assert found.rows[3][1] == "⋯"


def test_columns_that_do_not_fit_are_named() -> None:
    names = [f"column_{number:03}" for number in range(COLUMNS + 12)]
    cells = tuple(Cell("changed", "a", "b") if name == names[-1] else Cell("same", new="a") for name in names)
    table = DiffTable(page_of(tuple(map(column, names)), (DiffRow("changed", 0, 0, False, cells),)))
    header, row, unshown = table.as_text().split("\n")
    assert header.split()[4:6] == [names[-1], names[0]]
    assert "a → b" in row
    assert max(map(width, (header, row))) <= TEXT_WIDTH
    assert unshown.startswith("not shown, --columns chooses: column_00")
    page = table.as_html()
    assert page.count('<th scope="col">') >= COLUMNS
    assert page.endswith(f"{names[COLUMNS - 1]}, {', '.join(names[COLUMNS : COLUMNS + 7])} and 4 more</p>")
    assert len(Read(page).rows[1]) == COLUMNS + 3


@settings(max_examples=60)
@given(st.text(), st.text())
@example("<b title='x'>", '"><i>')
def test_html_holds_only_our_own_tags(old: str, new: str) -> None:
    hostile = (column(new, key=True), column(old, state="renamed", old_name=new), column("x"))
    rows = (
        DiffRow("changed", 0, 0, False, (Cell("same", new=old), Cell("changed", old, new), Cell("retyped", old, new))),
        DiffRow("removed", 1, None, False, (Cell("same", old=new), Cell("same", old=old), Cell("absent"))),
    )
    found = Read(Answer(None, (DiffTable(page_of(hostile, rows)),))._repr_html_())
    assert found.tags <= ALLOWED
    assert found.attributes <= ATTRIBUTES


def test_signs_that_steer_or_hide_are_shown_as_escapes_everywhere() -> None:
    cells = (Cell("changed", HOSTILE, HOSTILE + "." * 100), Cell("same", new=HOSTILE))
    table = DiffTable(page_of((column(HOSTILE), column("x")), (DiffRow("changed", 0, 0, False, cells),)))
    for shown in (table.as_text(), table.as_html()):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<script" not in table.as_html()
    assert len(table.as_text().split("\n")) == 3  # header, row, and the column that does not fit
    assert any(r"\u202egnp" in title for title in Read(table.as_html()).titles)


def test_html_loads_nothing_and_runs_nothing() -> None:
    page = Answer(None, (DiffTable(EVERYTHING),))._repr_html_()
    for forbidden in ("<script", "http:", "https:", "@import", "url(", "src=", " on"):
        assert forbidden not in page


def test_long_values_are_cut_and_a_tool_tip_shows_more_of_them() -> None:
    cells = (Cell("same", new="v" * 100_000), Cell("same", new="short"))
    page = DiffTable(page_of((column("a"), column("b")), (DiffRow("added", None, 0, False, cells),))).as_html()
    found = Read(page)
    assert found.rows[1][3] == "v" * (VALUE_LENGTH - 1) + "…"
    assert [len(title) for title in found.titles if title.startswith("v")] == [TITLE_LENGTH]


def test_tool_tips_have_an_end() -> None:
    rows = tuple(DiffRow("added", None, at, False, (Cell("same", new="v" * 5_000),) * 20) for at in range(50))
    page = DiffTable(page_of(tuple(column(str(at)) for at in range(20)), rows)).as_html()
    assert len(page) < TITLES + 50 * 20 * (VALUE_LENGTH + 50)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("1.0", "2.0", ("1.0", "2.0")),
        ("", None, ('""', "null")),
        ("null", None, ('"null"', "null")),
        ("a", "a ", ("a", '"a "')),
        ("a b", "a\u00a0b", ("a b", r"a\xa0b")),
        ("é", "e\u0301", (r"\xe9", r"e\u0301")),
        ("a\nb", "a\tb", (r"a\nb", r"a\tb")),
        ("x" * 500 + "a", "x" * 500 + "b", ("…" + "x" * 12 + "a", "…" + "x" * 12 + "b")),
        ("x" * 500, "x" * 501, ("…" + "x" * 12, "…" + "x" * 13)),
    ],
)
def test_an_edit_can_always_be_seen(old: str | None, new: str | None, shown: tuple[str, str]) -> None:
    assert edit_texts(old, new, 40) == shown


@settings(max_examples=200)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=3), st.text(max_size=30))
def test_values_that_differ_never_look_alike(start: str, one: str, other: str, end: str) -> None:
    old, new = start + one + end, start + other + end
    if old != new:
        shown = edit_texts(old, new, 20)
        assert shown[0] != shown[1]
        assert all(len(text) <= 20 * 10 + 2 for text in shown)


def test_numbers_stay_as_they_are() -> None:
    assert [value_text(text) for text in ("1.0", "-3", "NaN", "2013-01-01 05:00:00")] == [
        "1.0",
        "-3",
        "NaN",
        "2013-01-01 05:00:00",
    ]
