"""A page of a diff as a table: lines for terminals, static HTML for notebooks.

What is told by a colour is told by a sign and, for those who listen, by a word as well. Values come from anybody: they
are escaped, signs that cannot be seen are shown as escapes, and long ones are cut where they differ.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from lineageflow_jupyter.kernel.display import clipped, lined_up, visible, width
from lineageflow_jupyter.model.diffs import Cell, DiffColumn, DiffPage, DiffRow, RowKind

SIGNS: dict[RowKind, str] = {"added": "+", "removed": "−", "changed": "~", "moved": "↕", "context": ""}
GAP = "⋯"
ARROW = "→"
NULL = "null"

VALUE_LENGTH = 60
"""Longer values are cut in HTML; a tool tip shows more of them."""
TITLE_LENGTH = 2_000
"""So much of a cut value a tool tip shows, …"""
TITLES = 200_000
"""… as long as all of a table have no more signs than this."""
TEXT_VALUE_LENGTH = 30
TEXT_WIDTH = 120
"""Signs in a line of the text form: what does not fit is named below."""
NAME_LENGTH = 40
COLUMNS = 60
"""Columns of the HTML form at most; the others are named below."""
BEFORE_EDIT = 12
"""Signs that are shown before the place where two long values part."""
UNSHOWN = 8
"""Columns that are named as not shown."""

_STYLE = """.lf-out .lf-diff{max-height:34em;overflow:auto}
.lf-out .lf-scroll.lf-diff table{margin:0}.lf-out .lf-diff thead{border-bottom:0}
.lf-out .lf-scroll.lf-diff th,.lf-out .lf-scroll.lf-diff td{white-space:pre;padding-left:.3em}
.lf-out .lf-diff thead th{position:sticky;top:0;z-index:1;border-bottom:0;box-shadow:inset 0 -1px var(--lf-line);
background:var(--jp-layout-color0,var(--vscode-editor-background,Canvas))}
.lf-out .lf-diff .lf-key{font-weight:600}
.lf-out .lf-diff .lf-place,.lf-out .lf-diff .lf-context td,.lf-out .lf-diff .lf-gap td,.lf-out .lf-diff .lf-null{
color:var(--lf-soft)}
.lf-out .lf-diff .lf-place{text-align:right}.lf-out .lf-diff .lf-null{font-style:italic}
.lf-out .lf-diff .lf-added>*,.lf-out .lf-diff tr:not(.lf-context) .lf-plus{
background:color-mix(in srgb,var(--jp-success-color1,#2e7d32) 13%,transparent)}
.lf-out .lf-diff .lf-removed>*,.lf-out .lf-diff tr:not(.lf-context) .lf-minus{
background:color-mix(in srgb,var(--jp-error-color1,#c62828) 13%,transparent)}
.lf-out .lf-diff .lf-added td,.lf-out .lf-diff .lf-removed td{color:var(--lf-text)}
.lf-out .lf-diff .lf-edit{background:color-mix(in srgb,var(--jp-warn-color1,#b26a00) 13%,transparent)}
.lf-out .lf-diff tbody .lf-added th,.lf-out .lf-diff ins{color:var(--lf-good)}
.lf-out .lf-diff tbody .lf-removed th,.lf-out .lf-diff del{color:var(--lf-bad)}
.lf-out .lf-diff tbody .lf-changed th{color:var(--lf-warn)}
.lf-out .lf-diff ins{text-decoration:none}
.lf-out .lf-said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
"""


@dataclass(frozen=True, slots=True)
class DiffTable:
    """A page of a diff.

    Parameters
    ----------
    page : DiffPage
        The rows.
    gaps : bool
        Whether rows that do not stand beside one another are told apart: where unchanged rows around them are shown.
    """

    page: DiffPage
    gaps: bool = False
    style: ClassVar[str] = _STYLE

    def as_text(self) -> str:
        """Return lines; columns that do not fit, the unchanged ones first, are named below."""
        order = _ordered(self.page)
        fixed = [("", *_places(row)) for row in self.page]
        columns = {
            place: [_header(self.page.columns[place]), *(_cell_text(row, row.cells[place]) for row in self.page)]
            for place in order[:TEXT_WIDTH]
        }
        left = TEXT_WIDTH - 4 - sum(_widest([title, *texts]) + 2 for title, texts in _place_columns(fixed))
        shown: list[int] = []
        for place, texts in columns.items():
            left -= _widest(texts) + 2
            if left < 0 and shown and not self.page.columns[place].key:
                break
            shown.append(place)
        lines = [["", "old row", "new row", *(columns[place][0] for place in shown)]]
        number = 0
        for hunk in self.page.hunks:
            if self.gaps and number:
                lines.append([GAP, *[""] * (len(lines[0]) - 1)])
            for row in hunk.rows:
                number += 1
                lines.append([_sign(row), *_places(row), *(columns[place][number] for place in shown)])
        return "\n".join([lined_up(lines, {1, 2}), *self._unshown([place for place in order if place not in shown])])

    def as_html(self) -> str:
        """Return a table with a header that stays in sight."""
        order = _ordered(self.page)
        shown, rest = order[:COLUMNS], order[COLUMNS:]
        titles = _Titles()
        head = "".join(_header_html(self.page.columns[place]) for place in shown)
        body = []
        for number, hunk in enumerate(self.page.hunks):
            if self.gaps and number:
                body.append(f'<tr class="lf-gap"><th scope="row"></th><td colspan="{len(shown) + 2}">{GAP}</td></tr>')
            body += [self._row_html(row, shown, titles) for row in hunk.rows]
        table = (
            f'<table><thead><tr><th scope="col"><span class="lf-said">change</span></th>'
            f'<th scope="col" class="lf-place">old row</th><th scope="col" class="lf-place">new row</th>{head}</tr>'
            f"</thead><tbody>{''.join(body)}</tbody></table>"
        )
        notes = "".join(f'<p class="lf-muted">{escape(line)}</p>' for line in self._unshown(rest))
        # It can be reached with the keyboard, so that it can be scrolled.
        return f'<div class="lf-scroll lf-diff" tabindex="0">{table}</div>{notes}'

    def _row_html(self, row: DiffRow, shown: Sequence[int], titles: _Titles) -> str:
        words = _words(row)
        places = "".join(f'<td class="lf-place">{text}</td>' for text in _places(row))
        cells = "".join(_cell_html(row, row.cells[place], self.page.columns[place], titles) for place in shown)
        sign = f'<th scope="row" title="{words}">{_sign(row)}<span class="lf-said"> {words}</span></th>'
        return f'<tr class="lf-{row.kind}">{sign}{places}{cells}</tr>'

    def _unshown(self, rest: Sequence[int]) -> list[str]:
        """Line that names the columns which are not shown."""
        if not rest:
            return []
        names = ", ".join(visible(clipped(self.page.columns[place].name, NAME_LENGTH)) for place in rest[:UNSHOWN])
        more = f" and {len(rest) - UNSHOWN:,} more" if len(rest) > UNSHOWN else ""
        return [f"not shown, --columns chooses: {names}{more}"]


class _Titles:
    """What is left of the room for tool tips."""

    def __init__(self) -> None:
        self.room = TITLES

    def of(self, *values: str | None) -> str:
        """Attribute with whole values of which some are cut in the table; ``""`` where none is."""
        if all(value is None or len(value) <= VALUE_LENGTH for value in values):
            return ""
        text = f" {ARROW} ".join(NULL if value is None else clipped_to(value, TITLE_LENGTH) for value in values)
        self.room -= len(text)
        return f' title="{escape(visible(text))}"' if self.room >= 0 else ""


def _ordered(page: DiffPage) -> list[int]:
    """Places of the columns as they are shown: those that identify rows, index levels, those with changes, others."""
    changed = {place for row in page for place, cell in enumerate(row.cells) if cell.state == "changed"}

    def rank(place: int) -> int:
        column = page.columns[place]
        if column.key:
            return 0
        if column.role == "index":
            return 1
        return 2 if place in changed or column.state != "same" else 3

    return sorted(range(len(page.columns)), key=rank)


def value_text(value: str | None) -> str:
    r"""A value as it is shown: in quotes where it would look like nothing, or like something else.

    Examples
    --------
    >>> print(value_text(None), value_text("null"), value_text(""), value_text(" a"), value_text("a\nb"))
    null "null" "" " a" a\nb
    """
    if value is None:
        return NULL
    shown = visible(value).replace("\n", r"\n")
    return f'"{shown}"' if value in ("", NULL) or value[0].isspace() or value[-1].isspace() else shown


def clipped_to(value: str, length: int) -> str:
    """A value, cut to a length."""
    return value if len(value) <= length else value[: length - 1] + "…"


def edit_texts(old: str | None, new: str | None, length: int) -> tuple[str, str]:
    r"""Both values of a cell, cut so that what differs is in sight; never alike.

    Parameters
    ----------
    old, new : str or None
        The values, which differ.
    length : int
        Signs of each at most.

    Examples
    --------
    >>> edit_texts("x" * 100 + "a", "x" * 100 + "b", 20)
    ('…xxxxxxxxxxxxa', '…xxxxxxxxxxxxb')
    >>> print(*edit_texts("a b", "a\u00a0b", 20))
    a b a\xa0b
    """
    if old is None or new is None:
        return clipped_value(old, length), clipped_value(new, length)
    start = 0
    if max(len(old), len(new)) > length:
        start = max(0, _common(old, new) - BEFORE_EDIT)
    parts = [("…" if start else "") + clipped_to(value[start:], length) for value in (old, new)]
    one, other = map(value_text, parts)
    if _look(one) != _look(other):
        return one, other
    return value_text(ascii(parts[0])[1:-1]), value_text(ascii(parts[1])[1:-1])


def _look(text: str) -> str:
    """What remains of a text for the eye: blanks are all alike, and so are ways to compose a letter."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in composed)


def clipped_value(value: str | None, length: int) -> str:
    """A value as it is shown, cut to a length."""
    return value_text(None if value is None else clipped_to(value, length))


def _common(one: str, other: str) -> int:
    """How many signs two texts have in common at their beginnings."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _sign(row: DiffRow) -> str:
    return SIGNS[row.kind] + (SIGNS["moved"] if row.moved and row.kind == "changed" else "")


def _words(row: DiffRow) -> str:
    if row.kind == "context":
        return "unchanged"
    return "changed and moved" if row.moved and row.kind == "changed" else row.kind


def _places(row: DiffRow) -> tuple[str, str]:
    a, b = ("" if place is None else f"{place:,}" for place in (row.row_a, row.row_b))
    return a, b


def _value(row: DiffRow, cell: Cell) -> str | None:
    """The one value that a cell tells."""
    return cell.old if row.kind == "removed" or cell.state == "removed" else cell.new


def _edited(cell: Cell) -> bool:
    return cell.state == "changed" or (cell.state == "retyped" and cell.old != cell.new)


def _header(column: DiffColumn) -> str:
    name = visible(clipped(column.name, NAME_LENGTH))
    if column.state == "renamed" and column.old_name is not None:
        return f"{visible(clipped(column.old_name, NAME_LENGTH))} {ARROW} {name}"
    sign = {"added": "+ ", "dropped": "− ", "retyped": "~ "}.get(column.state, "")
    return f"{sign}{name}"


def _header_html(column: DiffColumn) -> str:
    said = {"added": "added", "dropped": "dropped", "retyped": "of another type"}.get(column.state, "")
    said = " and ".join(word for word in ("identifies rows" if column.key else "", said) if word)
    mark = ' class="lf-key"' if column.key else ""
    word = f'<span class="lf-said"> ({said})</span>' if said else ""
    title = f' title="{said}"' if said else ""
    return f'<th scope="col"{mark}{title}>{escape(_header(column))}{word}</th>'


def _cell_text(row: DiffRow, cell: Cell) -> str:
    if cell.state == "absent":
        return ""
    if _edited(cell):
        return f" {ARROW} ".join(edit_texts(cell.old, cell.new, TEXT_VALUE_LENGTH))
    return clipped_value(_value(row, cell), TEXT_VALUE_LENGTH)


def _cell_html(row: DiffRow, cell: Cell, column: DiffColumn, titles: _Titles) -> str:
    if cell.state == "absent":
        return "<td></td>"
    if _edited(cell):
        title = titles.of(cell.old, cell.new)
        old, new = edit_texts(cell.old, cell.new, VALUE_LENGTH)
        return f'<td class="lf-edit"{title}><del>{escape(old)}</del> {ARROW} <ins>{escape(new)}</ins></td>'
    value = _value(row, cell)
    names = ["lf-key"] * column.key + {"added": ["lf-plus"], "removed": ["lf-minus"]}.get(cell.state, [])
    names += ["lf-null"] * (value is None)
    mark = f' class="{" ".join(names)}"' if names else ""
    return f"<td{mark}{titles.of(value)}>{escape(clipped_value(value, VALUE_LENGTH))}</td>"


def _place_columns(fixed: Sequence[tuple[str, ...]]) -> list[tuple[str, list[str]]]:
    return [(title, [row[at] for row in fixed]) for at, title in ((1, "old row"), (2, "new row"))]


def _widest(texts: Sequence[str]) -> int:
    return max(map(width, texts))
