"""From the text behind ``%lf`` to words, by the quoting rules of a POSIX shell.

Not `shlex`, which cuts ``id=#5`` at the ``#`` or knows no comments at all, forgets which signs were quoted (so that
``'$5'`` and ``$5`` look alike), and does not say where a quote was left open. Variables are put
into words by `expand`, which the parser of arguments calls for names and revisions only: a message keeps its ``$5``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.suggest import did_you_mean

_QUOTES = "'\"\\"
_ESCAPABLE_IN_DOUBLE_QUOTES = '\\"$`\n'
# `main@{2026-11-01}` and `flights@{cell:ID}` are revisions, not variables.
_VARIABLE = re.compile(r"\$\{(\w*)\}|\$([^\W\d]\w*)|(?<!@)\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line.

    Parameters
    ----------
    text : str
        The word without its quotes.
    start : int
        Where it begins in the line, counted from 0.
    bare : int
        How many signs at its beginning were neither quoted nor escaped: flags are bare.
    literal : frozenset of int
        Positions in `text` that stood in single quotes or behind a backslash: no variable begins there.
    """

    text: str
    start: int = 0
    bare: int = 0
    literal: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """The words of a line, and whether it ended with ``;``."""

    words: tuple[Word, ...]
    silenced: bool = False


def split(line: str) -> Line:
    r"""Split a line into words.

    Parameters
    ----------
    line : str
        What follows ``%lf``.

    Returns
    -------
    Line
        Quotes and backslashes are resolved; a comment (``#`` with white space on both sides) and a last ``;`` are gone.

    Raises
    ------
    UsageProblem
        For an open quote, a backslash with nothing behind it, and a second statement behind ``;``.

    Examples
    --------
    >>> [word.text for word in split(r'commit flights -m "raw $5" # first').words]
    ['commit', 'flights', '-m', 'raw $5']
    """
    words: list[Word] = []
    position, silenced = 0, False
    while position < len(line):
        if line[position].isspace():
            position += 1
        elif line[position] == "#" and _ends_at(line, position + 1):
            break
        elif _stops(line, position):
            silenced, position = True, position + 1
        elif silenced:
            raise UsageProblem(
                f"one verb a line: {_excerpt(line, position)} follows a ';'",
                remedy="Write it on a line of its own, or quote a ';' that belongs to a message",
            )
        else:
            word, position = _word(line, position)
            words.append(word)
    return Line(tuple(words), silenced)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The word at the end of a line, as far as it is typed.

    Parameters
    ----------
    raw : str
        As it stands in the line; ``""`` behind white space.
    text : str
        The same without its quotes.
    quote : str
        The quote that is open, or ``""``.
    bare : int
        How many signs at its beginning were neither quoted nor escaped.
    """

    raw: str = ""
    text: str = ""
    quote: str = ""
    bare: int = 0

    @property
    def plain(self) -> bool:
        """Whether nothing in it was quoted or escaped."""
        return self.bare == len(self.raw)

    def without(self, count: int) -> Unfinished:
        """The word without its first signs, which must be bare."""
        return Unfinished(self.raw[count:], self.text[count:], self.quote, self.bare - count)

    def become(self, text: str) -> str:
        r"""Write the word so that it reads `text`, which begins with what is typed: quoted where that is needed.

        What is typed stays as it is where it can, since front ends look for it in what is proposed.

        Examples
        --------
        >>> print(Unfinished("dep", "dep", "", 3).become("dep delay"))
        "dep delay"
        >>> print(Unfinished("'dep", "dep", "'").become("dep delay"))
        'dep delay'
        """
        if self.plain:
            return quoted(text)
        return self.raw + _continued(text[len(self.text) :], self.quote) + self.quote


_MARK = "\0"
"""Put where the cursor is, to see which word it falls into."""


def split_unfinished(line: str) -> tuple[tuple[Word, ...], Unfinished] | None:
    r"""Split a line that is being typed, up to the cursor.

    Parameters
    ----------
    line : str
        What follows ``%lf``, as far as the cursor.

    Returns
    -------
    tuple of words and Unfinished, or None
        The words before the one at the cursor, and that one; None where no word can be there: in a comment, behind a
        backslash or a closing ``;``.

    Examples
    --------
    >>> split_unfinished('read main --columns "dep de')[1].text
    'dep de'
    """
    if _MARK in line:
        return None
    for quote in ("", "'", '"'):
        try:
            words = split(line + _MARK + quote).words
        except UsageProblem:
            continue
        if not words or not words[-1].text.endswith(_MARK):
            return None
        last = words[-1]
        raw, text = line[last.start :], last.text[:-1]
        if quote != "'" and (len(raw) - len(raw.rstrip("\\"))) % 2:  # what comes next would be escaped
            return None
        return words[:-1], Unfinished(raw, text, quote, min(last.bare, len(text)))
    return None


_SAFE = r"\w.,:+*/=@%^~&|<>()\[\]!-"
"""Signs that mean nothing to the tokenizer nor to IPython, for a set in a regular expression."""


def quoted(text: str) -> str:
    r"""Write a word so that it reads `text`, with quotes where they are needed.

    Examples
    --------
    >>> print(quoted("flights"), quoted("dep delay"), quoted("$5"), quoted("flights@{cell:1f2e}"))
    flights "dep delay" '$5' flights@{cell:1f2e}
    """
    if re.fullmatch(rf"(?:[{_SAFE}]|@\{{[{_SAFE}]+\}})+", text) and not text.startswith("-"):
        return text
    if not any(sign in text for sign in '"\\$`{'):
        return f'"{text}"'
    return "'" + _continued(text, "'") + "'"


def _continued(text: str, quote: str) -> str:
    """Write text within a quote that is open, or outside of one."""
    if quote == "'":
        return text.replace("'", "'\\''")
    unsafe = f"[{re.escape(_ESCAPABLE_IN_DOUBLE_QUOTES)}]" if quote else f"[^{_SAFE}]"
    return re.sub(unsafe, r"\\\g<0>", text)


def _word(line: str, start: int) -> tuple[Word, int]:
    """Read one word; return it with the position behind it."""
    text: list[str] = []
    literal: set[int] = set()
    position, bare = start, -1
    while not _ends_at(line, position) and not _stops(line, position):
        sign = line[position]
        if sign in _QUOTES and bare < 0:
            bare = len(text)
        if sign == "'":
            end = _closing(line, position)
            literal.update(range(len(text), len(text) + end - position - 1))
            text.extend(line[position + 1 : end])
            position = end + 1
        elif sign == '"':
            position = _double_quoted(line, position, text, literal)
        elif sign == "\\":
            if position + 1 == len(line):
                raise UsageProblem(
                    f"the backslash at position {position + 1} has nothing behind it",
                    remedy="Write it twice, or quote it",
                )
            literal.add(len(text))
            text.append(line[position + 1])
            position += 2
        else:
            text.append(sign)
            position += 1
    return Word("".join(text), start, len(text) if bare < 0 else bare, frozenset(literal)), position


def _double_quoted(line: str, start: int, text: list[str], literal: set[int]) -> int:
    """Read the text between double quotes, where a backslash only escapes what would mean something there."""
    end, position = _closing(line, start), start + 1
    while position < end:
        if line[position] == "\\" and line[position + 1] in _ESCAPABLE_IN_DOUBLE_QUOTES:
            position += 1
            literal.add(len(text))
        text.append(line[position])
        position += 1
    return end + 1


def _closing(line: str, start: int) -> int:
    """Position of the quote that closes the one at `start`."""
    quote, position = line[start], start + 1
    while position < len(line):
        if line[position] == quote:
            return position
        position += 2 if quote == '"' and line[position] == "\\" else 1
    raise UsageProblem(
        f"the {quote} at position {start + 1} is never closed: {_excerpt(line, start)}",
        remedy="Close it, or put text that holds an apostrophe into double quotes",
    )


def _ends_at(line: str, position: int) -> bool:
    return position >= len(line) or line[position].isspace()


def _stops(line: str, position: int) -> bool:
    """Whether a ``;`` that ends the statement is here; one within a word (``a;b``) belongs to the word."""
    return line[position] == ";" and (_ends_at(line, position + 1) or line[position + 1] == ";")


def _excerpt(line: str, start: int) -> str:
    text = line[start:].strip()
    return text if len(text) <= 30 else text[:29] + "…"


def expand(word: Word, names: Mapping[str, Any]) -> str:
    """Put the values of variables into a name or revision.

    Parameters
    ----------
    word : Word
        May hold ``$name``, ``${name}`` or ``{name}``; in single quotes or behind a backslash they stand for themselves.
    names : mapping
        The variables that the line sees. Only text is put in: nothing is evaluated.

    Raises
    ------
    UnknownName
        If there is no such variable.
    UsageProblem
        If a variable is not text, or braces hold something else than a name.

    Examples
    --------
    >>> expand(Word("{branch}~1:flights"), {"branch": "main"})
    'main~1:flights'
    """

    def value(found: re.Match[str]) -> str:
        if found.start() in word.literal:
            return found.group()
        name = next(group for group in found.groups() if group is not None)
        if not name.isidentifier():
            raise UsageProblem(
                f"{found.group()!r} is not the name of a variable",
                remedy="Assign the text to a variable and name that one",
            )
        if name not in names:
            near = did_you_mean(
                name,
                [known for known, value in names.items() if isinstance(value, str)],
            )
            raise UnknownName(
                f"there is no variable {name!r} to put into {word.text!r}{near}",
                remedy="Assign it first, or put single quotes around text that is meant as it stands",
            )
        if not isinstance(names[name], str):
            raise UsageProblem(
                f"the variable {name!r} in {word.text!r} is of type {type(names[name]).__name__}, not text",
                remedy=f"Assign str({name}) to a variable and use that one",
            )
        return str(names[name])

    return _VARIABLE.sub(value, word.text)
