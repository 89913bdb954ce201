"""What a magic answers: a report with a text form for terminals and a static HTML form for notebooks.

Nothing is computed here and no report is known here; the verbs arrange parts: `Note`, `Grid`, and those of their own.
Everything shown passes through `visible` and, in HTML, through escaping: names and messages come from anybody who could
commit.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import Any, ClassVar, Protocol

CELL_LENGTH = 100
"""Longer text in a table is cut, so that one long message does not stretch every row."""

LAST_LENGTH = 500
"""The same in the last column, where long text moves nothing; HTML breaks it into lines from `WRAPPED` signs on."""

WRAPPED = 60

GOOD, WARN, BAD, MUTED, STRONG, CODE = "good", "warn", "bad", "muted", "strong", "code"

# Colours follow JupyterLab's theme; elsewhere they follow the browser, and otherwise the surrounding text. A theme's
# signal colours are made for badges, too pale for text: mixed with the colour of text they can be read in all themes.
# The long selectors are needed against those of notebooks, which align all tables to the right and stripe them.
_STYLE = """.lf-out{--lf-text:var(--jp-content-font-color1,currentColor);
--lf-good:color-mix(in srgb,var(--jp-success-color1,#2e7d32) 65%,var(--lf-text));
--lf-warn:color-mix(in srgb,var(--jp-warn-color1,#b26a00) 65%,var(--lf-text));
--lf-bad:color-mix(in srgb,var(--jp-error-color1,#c62828) 65%,var(--lf-text));
--lf-line:var(--jp-border-color2,rgba(128,128,128,.35));--lf-soft:var(--jp-content-font-color2,inherit);
color:var(--jp-content-font-color1,inherit);font-family:var(--jp-content-font-family,system-ui,sans-serif);
font-size:var(--jp-content-font-size1,14px);line-height:1.45;padding:0 var(--jp-code-padding,5px)}
@media (prefers-color-scheme:dark){.lf-out{
--lf-good:color-mix(in srgb,var(--jp-success-color1,#81c784) 65%,var(--lf-text));
--lf-warn:color-mix(in srgb,var(--jp-warn-color1,#ffb74d) 65%,var(--lf-text));
--lf-bad:color-mix(in srgb,var(--jp-error-color1,#ef9a9a) 65%,var(--lf-text))}}
.lf-out p{margin:.15em 0;white-space:pre-wrap;overflow-wrap:anywhere}
.lf-out .lf-scroll{overflow-x:auto;max-width:100%}
.lf-out .lf-scroll table{border-collapse:collapse;margin:.3em 0;font-size:inherit}
.lf-out .lf-scroll tr:nth-child(n){background:none}
.lf-out .lf-scroll th,.lf-out .lf-scroll td{padding:.15em 1em .15em 0;text-align:left;vertical-align:top;
white-space:nowrap;max-width:none;border:0;border-bottom:1px solid var(--lf-line)}
.lf-out .lf-scroll .lf-wrap{white-space:normal;min-width:16em;max-width:60em;overflow-wrap:anywhere}
.lf-out .lf-scroll th{font-weight:600;color:var(--lf-soft)}.lf-out .lf-scroll .lf-number{text-align:right}
.lf-out .lf-literal td{white-space:pre}
.lf-out code{background:none;color:inherit;padding:0}
.lf-out code,.lf-out .lf-code{font-family:var(--jp-code-font-family,monospace)}
.lf-out .lf-good{color:var(--lf-good)}.lf-out .lf-warn{color:var(--lf-warn)}.lf-out .lf-bad{color:var(--lf-bad)}
.lf-out .lf-muted{color:var(--lf-soft)}.lf-out .lf-strong{font-weight:600}
"""


class Part(Protocol):
    """What an answer is made of.

    ``style`` is style sheet text that its HTML needs besides that of all answers; ``""``: none.
    """

    style: ClassVar[str]

    def as_text(self) -> str:
        """Return the form for terminals."""
        ...

    def as_html(self) -> str:
        """Return the form for notebooks, escaped."""
        ...


@dataclass(frozen=True, slots=True)
class Note:
    """A line of text; `code` in back-ticks is set as code in HTML."""

    text: str
    tone: str = ""
    style: ClassVar[str] = ""

    def as_text(self) -> str:
        """Return the line."""
        return visible(self.text)

    def as_html(self) -> str:
        """Return a paragraph."""
        return f"<p{_class([f'lf-{self.tone}'] * bool(self.tone))}>{_code(visible(self.text))}</p>"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table with a tone."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table.

    Parameters
    ----------
    headers : tuple of str
        Titles of the columns.
    rows : tuple of tuples of str or Cell
        As long as `headers`.
    numbers : frozenset of int
        Positions of columns that are aligned to the right.
    literal : bool
        Whether cells hold data, in which back-ticks and blanks stand for themselves.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    numbers: frozenset[int] = frozenset()
    literal: bool = False
    style: ClassVar[str] = ""

    def as_text(self) -> str:
        """Return lines whose columns are aligned."""
        return lined_up([_plain(row) for row in (self.headers, *self.rows)], self.numbers)

    def as_html(self) -> str:
        """Return a table that scrolls sideways where it is too wide."""
        head = "".join(
            f'<th scope="col"{_class(["lf-number"] * (position in self.numbers))}>{escape(title)}</th>'
            for position, title in enumerate(_plain(self.headers))
        )
        rows = "".join(f"<tr>{_row_html(row, self.numbers, literal=self.literal)}</tr>" for row in self.rows)
        kind = " lf-literal" * self.literal
        return f'<div class="lf-scroll{kind}"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Answer:
    """What a verb found or did.

    Parameters
    ----------
    report : object
        The repository's report, for programs. Never a frame: IPython keeps answers in ``Out`` and would keep it alive;
        see `FrameAnswer`.
    parts : tuple of Part
        The same for people.
    """

    report: Any
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        """Return the text form."""
        return "\n".join(part.as_text() for part in self.parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the static HTML form, without scripts and without anything that is loaded."""
        own = "".join(dict.fromkeys(part.style for part in self.parts))
        style = f"<style>\n{_STYLE}{own}</style>"
        return f'{style}<div class="lf-out">{"".join(part.as_html() for part in self.parts)}</div>'


class FrameAnswer(Answer):
    """An answer whose report looks at live frames, and so keeps their memory in use.

    What a cell only shows stays in ``Out``: there the report is let go when the cell has run. An answer that a variable
    holds keeps it.
    """

    __slots__ = ()

    def let_go(self) -> None:
        """Put a note in the place of the report."""
        object.__setattr__(self, "report", LetGo())


class LetGo:
    """Stands for a report that was let go."""

    def __getattr__(self, name: str) -> Any:
        """Say what to do instead."""
        raise AttributeError(f"{name!r}: {self}")

    def __repr__(self) -> str:
        """Return the note."""
        return "what is only shown is not kept, since it would keep a frame in memory: write `x = %lf …`"


def visible(text: str) -> str:
    r"""Text in which signs that steer a terminal or turn the direction of writing are shown as escapes.

    Examples
    --------
    >>> print(visible("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return "".join(
        sign
        if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or sign in _JOINERS
        else sign.encode("unicode_escape").decode()
        for sign in text
    )


# They belong to the spelling of words and emoji.
_JOINERS = "\u200c\u200d"


def clipped(text: str, length: int = CELL_LENGTH) -> str:
    """First line of a text, cut to a length."""
    first = text.split("\n", 1)[0]
    return first if len(first) <= length else first[: length - 1] + "…"


def when(moment: int, offset: int) -> str:
    """Text of a moment in its author's zone.

    Parameters
    ----------
    moment : int
        Microseconds since 1970-01-01 UTC.
    offset : int
        Minutes east of UTC.

    Examples
    --------
    >>> when(0, 90)
    '1970-01-01 01:30 +0130'
    """
    try:
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
        return found.astimezone(timezone(timedelta(minutes=offset))).strftime("%Y-%m-%d %H:%M %z")
    except (OverflowError, ValueError):  # a commit whose clock was set to a year that does not exist
        return f"{moment} µs"


def when_here(moment: int) -> str:
    """Text of a moment in the zone of this machine, as `when` tells it."""
    try:
        offset = time.localtime(moment // 1_000_000).tm_gmtoff // 60
    except (OverflowError, ValueError, OSError):
        offset = 0
    return when(moment, offset)


def size(count: int) -> str:
    """Text of a number of bytes, in decimal units.

    Examples
    --------
    >>> size(999), size(9_100_000)
    ('999 bytes', '9.1 MB')
    """
    if count < 1000:
        return "1 byte" if count == 1 else f"{count} bytes"
    steps = ((count / 1000**power, unit) for power, unit in enumerate(("kB", "MB", "GB", "TB"), start=1))
    amount, unit = next((step for step in steps if step[0] < 999.95), (count / 1000**4, "TB"))
    return f"{amount:,.1f} {unit}"


def listed(names: Sequence[str], *, limit: int = 8) -> str:
    """Names with commas; of many only the first.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


def _plain(row: Sequence[str | Cell]) -> tuple[str, ...]:
    """Texts of a row as they are shown."""
    texts = [cell if isinstance(cell, str) else cell.text for cell in row]
    lengths = [CELL_LENGTH] * (len(texts) - 1) + [LAST_LENGTH]
    return tuple(visible(clipped(text, length)) for text, length in zip(texts, lengths, strict=True))


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(
        0 if unicodedata.combining(sign) or sign in _JOINERS else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def lined_up(lines: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Text of a table whose columns are aligned; wide signs count as two.

    Parameters
    ----------
    lines : sequence of sequence of str
        Texts of the same number, line by line.
    numbers : collection of int
        Positions of columns that are aligned to the right.

    Examples
    --------
    >>> print(lined_up([("a", "bc"), ("def", "g")], numbers={1}))
    a    bc
    def   g
    """
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]

    def padded(position: int, text: str) -> str:
        space = " " * (widths[position] - width(text))
        return space + text if position in numbers else text + space

    return "\n".join("  ".join(padded(*item) for item in enumerate(line)).rstrip() for line in lines)


def _row_html(row: Sequence[str | Cell], numbers: frozenset[int], *, literal: bool) -> str:
    cells = []
    for position, (cell, text) in enumerate(zip(row, _plain(row), strict=True)):
        names = [f"lf-{cell.tone}"] if isinstance(cell, Cell) and cell.tone else []
        names += ["lf-number"] * (position in numbers) + ["lf-wrap"] * (len(text) > WRAPPED)
        cells.append(f"<td{_class(names)}>{escape(text) if literal else _code(text)}</td>")
    return "".join(cells)


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def _code(text: str) -> str:
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text))


def say(text: str) -> None:
    """Print a line: what an edge has to tell without being asked."""
    print(visible(text))
