"""Rows of a version as a heat map of age: lines for terminals, static HTML for notebooks.

The later the commit of a value, the deeper its colour; the letter behind the value names the commit in the legend, and
a tool tip says the same, so that nothing is told by the colour alone. Text keeps the theme's colour: the tint below it
is never so deep that it could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from lineageflow_jupyter.kernel.diff_page import NAME_LENGTH, TEXT_VALUE_LENGTH, TEXT_WIDTH, VALUE_LENGTH, clipped_value
from lineageflow_jupyter.kernel.display import clipped, lined_up, listed, visible, width

STEPS = 8
"""Tints from the latest commit to the earliest."""
COLUMNS = 60
"""Columns of the HTML form at most; the others are named below."""
DEEPEST, PALEST = 38, 4
"""Per cent of colour in the tint of the latest and of the earliest commit."""

_TINTS = "".join(
    f".lf-out .lf-age{step}{{background:color-mix(in srgb,var(--lf-age) "
    f"{DEEPEST - (DEEPEST - PALEST) * step // (STEPS - 1)}%,transparent)}}\n"
    for step in range(STEPS)
)
_STYLE = (  # ".lf-scroll.lf-blame" outweighs what each later output of the notebook says again of ".lf-scroll"
    """.lf-out .lf-blame{max-height:34em;overflow:auto;--lf-age:var(--jp-brand-color1,#1976d2)}
.lf-out .lf-scroll.lf-blame table{margin:0}.lf-out .lf-blame thead{border-bottom:0}
.lf-out .lf-scroll.lf-blame th,.lf-out .lf-scroll.lf-blame td{white-space:pre;padding-left:.4em}
.lf-out .lf-blame td{color:var(--lf-text)}
.lf-out .lf-blame thead th{position:sticky;top:0;z-index:1;border-bottom:0;box-shadow:inset 0 -1px var(--lf-line);
background:var(--jp-layout-color0,var(--vscode-editor-background,Canvas))}
.lf-out .lf-blame sub{font-size:.75em;padding-left:.4em;vertical-align:baseline}
"""
    + _TINTS
)


@dataclass(frozen=True, slots=True)
class Source:
    """A commit of the legend: its letter, and what a tool tip says of it; the latest first."""

    letter: str
    title: str


@dataclass(frozen=True, slots=True)
class BlameTable:
    """Some rows of a version with the commits of their values.

    Parameters
    ----------
    labels : tuple of (str, tuple of (str or None))
        Columns that identify rows, with their texts.
    rows : tuple of int
        Numbers of the rows.
    columns : tuple of (str, tuple of (str or None), tuple of int, mapping of int to str)
        Other columns: their names, texts, the places of their commits in `sources`, and by these what tool tips say.
    sources : tuple of Source
        The commits.
    """

    labels: tuple[tuple[str, tuple[str | None, ...]], ...]
    rows: tuple[int, ...]
    columns: tuple[tuple[str, tuple[str | None, ...], tuple[int, ...], Mapping[int, str]], ...]
    sources: tuple[Source, ...]
    style: ClassVar[str] = _STYLE

    def as_text(self) -> str:
        """Return lines; columns that do not fit are named below."""
        fixed = [["row", *(f"{row:,}" for row in self.rows)]]
        fixed += [
            [_name(name), *(clipped_value(text, TEXT_VALUE_LENGTH) for text in texts)] for name, texts in self.labels
        ]
        left = TEXT_WIDTH - sum(_widest(column) + 2 for column in fixed)
        shown: list[list[str]] = []
        for name, texts, codes, _ in self.columns:
            values = (
                f"{clipped_value(text, TEXT_VALUE_LENGTH)} {self.sources[code].letter}"
                for text, code in zip(texts, codes, strict=True)
            )
            column = [_name(name), *values]
            left -= _widest(column) + 2
            if left < 0 and shown:
                break
            shown.append(column)
        lines = list(zip(*fixed, *shown, strict=True))
        return "\n".join([lined_up(lines, {0}), *self._unshown(len(shown))])

    def as_html(self) -> str:
        """Return a table with a header that stays in sight."""
        shown = self.columns[:COLUMNS]
        names = [*(name for name, _ in self.labels), *(name for name, *_ in shown)]
        head = "".join(f'<th scope="col">{escape(_name(name))}</th>' for name in names)
        body = "".join(self._row_html(at) for at in range(len(self.rows)))
        table = (
            f'<table><thead><tr><th scope="col" class="lf-number">row</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )
        notes = "".join(f'<p class="lf-muted">{escape(line)}</p>' for line in self._unshown(len(shown)))
        return f'<div class="lf-scroll lf-blame" tabindex="0">{table}</div>{notes}'

    def _row_html(self, at: int) -> str:
        labels = "".join(
            f'<th scope="row">{escape(clipped_value(texts[at], VALUE_LENGTH))}</th>' for _, texts in self.labels
        )
        cells = "".join(
            self._cell_html(texts[at], codes[at], titles) for _, texts, codes, titles in self.columns[:COLUMNS]
        )
        return f'<tr><td class="lf-number">{self.rows[at]:,}</td>{labels}{cells}</tr>'

    def _cell_html(self, text: str | None, code: int, titles: Mapping[int, str]) -> str:
        source = self.sources[code]
        title = "&#10;".join(escape(visible(line)) for line in titles.get(code, source.title).split("\n"))
        value = escape(clipped_value(text, VALUE_LENGTH))
        age = tint(code, len(self.sources))
        return f'<td class="lf-age{age}" title="{title}">{value}<sub>{source.letter}</sub></td>'

    def _unshown(self, shown: int) -> Sequence[str]:
        rest = [_name(name) for name, *_ in self.columns[shown:]]
        return [f"not shown, --column chooses: {listed(rest)}"] if rest else []


def letters(number: int) -> str:
    """Name of a commit in a legend, by its place.

    Examples
    --------
    >>> letters(0), letters(25), letters(26), letters(702)
    ('a', 'z', 'aa', 'aaa')
    """
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def tint(place: int, count: int) -> int:
    """Tint of the commit at a place among so many, the latest first."""
    return 0 if count < 2 else place * (STEPS - 1) // (count - 1)


def _name(name: str) -> str:
    return visible(clipped(name, NAME_LENGTH))


def _widest(texts: Sequence[str]) -> int:
    return max(map(width, texts))
