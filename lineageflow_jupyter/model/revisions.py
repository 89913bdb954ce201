"""What a user types to name a point in history: parsing and the rules of names. Resolving belongs to ``history``.

::

    REVISION = BASE STEP…             main~2, HEAD^, v1.0, 3f2a91c
    BASE     = NAME | HEAD | @ | short id | NAME@{AT} | HEAD@{AT} | @{AT} | @{-N}
    AT       = N (moves ago) | a moment such as 2026-11-01
    STEP     = ~N (first parents) | ^N (the N-th parent)
    RANGE    = A..B (what B has and A has not) | A...B (what either has alone)
    PLACE    = REVISION:DATASET | DATASET | DATASET@{AT} | NAME@{cell:ID} (a frame as a cell left it)
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from lineageflow_jupyter.errors import InvalidName, UnknownName, UsageProblem

_FORBIDDEN = re.compile(r"[\s:@~^{}\x00-\x1f\x7f]|\.\.")
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # they belong to the spelling of words and emoji
_STEP = re.compile(r"~(\d*)|\^(\d*)")
_AT = re.compile(r"@\{([^{}]*)\}")
MOST = 10**9
"""Larger numbers are not told apart: no history has so many commits, no reflog so many lines."""
MAX_NAME_BYTES = 200
CELL = "cell:"
STASHES = "stash"
"""``stash@{0}`` is the latest stash; stashes lie in refs below ``stash/``."""
EXAMPLES = "Examples: main, HEAD~2, v1.0^, 3f2a91c, main@{1}, main@{2026-11-01}, @{-1}"


@dataclass(frozen=True, slots=True)
class Step:
    """One walk from a commit: `count` first parents back (``~``), or to the parent with number `count` (``^``)."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A parsed revision.

    Parameters
    ----------
    text : str
        As it was typed.
    base : str
        ``"HEAD"``, a ref's name, a short id, or ``""`` where only ``@{…}`` was typed.
    at : str or None
        What stood in the braces of ``@{…}``.
    steps : tuple of Step
        What to walk from there.
    """

    text: str
    base: str
    at: str | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """A range of history: ``left..right``, or ``left...right`` if `symmetric`."""

    left: str
    right: str
    symmetric: bool = False


def check_name(name: str, what: str) -> str:
    """Return the name if it may be given to a ref or dataset, composed as Unicode recommends (NFC).

    Parameters
    ----------
    name : str
        The name.
    what : str
        ``"branch"``, ``"tag"`` or ``"dataset"``, for the message and for what is reserved.

    Raises
    ------
    InvalidName
        If it is empty, too long, contains what the revision grammar needs (white space, ``: @ ~ ^ { }``, ``..``) or
        signs that cannot be seen, or is reserved.
    """
    if not name:
        raise InvalidName(f"a {what} needs a name, {name!r} found", remedy="Give it a name such as 'flights'")
    name = composed(name)
    found = _FORBIDDEN.search(name)
    unseen = next((sign for sign in name if unicodedata.category(sign) in _INVISIBLE and sign not in _JOINERS), None)
    reserved = name == "HEAD" or (what != "dataset" and (name == STASHES or name.startswith(f"{STASHES}/")))
    edges = name.startswith(("-", ".", "/")) or name.endswith(("/", ".")) or "//" in name
    if found or unseen or reserved or edges:
        reason = (
            f"contains {found.group()!r}"
            if found
            else f"contains {unseen!r}, which cannot be seen"
            if unseen
            else "is reserved"
            if reserved
            else "starts or ends with a sign that it may not, or has an empty part"
        )
        raise InvalidName(
            f"{name!r} cannot be the name of a {what}: it {reason}",
            remedy="Use letters, digits, '_', '-' and '.' (white space and : @ ~ ^ { } .. are not allowed)",
        )
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise InvalidName(
            f"the name of a {what} has {size} bytes, at most {MAX_NAME_BYTES} are allowed",
            remedy="Choose a shorter name",
        )
    return name


def composed(name: str) -> str:
    """Text in Unicode's composed form, so that the same name typed on two keyboards is one name."""
    return unicodedata.normalize("NFC", name)


def parse(text: str) -> Revision:
    """Parse a revision without dataset.

    Raises
    ------
    UnknownName
        If it does not follow the grammar.

    Examples
    --------
    >>> parse("main~2^").steps
    (Step(kind='~', count=2), Step(kind='^', count=1))
    >>> parse("main@{2026-11-01}~1")
    Revision(text='main@{2026-11-01}~1', base='main', at='2026-11-01', steps=(Step(kind='~', count=1),))
    """
    found = _AT.search(text)
    if found is not None:
        base, at, rest = text[: found.start()], found.group(1).strip(), text[found.end() :]
        if not at or _STEP.search(base):
            raise _not_understood(text, text[len(base) :])
        return Revision(text, base, at, _steps(text, rest))
    cut = min((text.find(sign) for sign in "~^" if sign in text), default=len(text))
    base = text[:cut]
    if "{" in base or "}" in base or ("@" in base and base != "@"):
        raise _not_understood(text, base)
    return Revision(text, "HEAD" if base in ("", "@") else base, None, _steps(text, text[cut:]))


def _steps(text: str, rest: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if not found:
            raise _not_understood(text, rest[position:])
        digits = found.group(1) if found.group(1) is not None else found.group(2)
        steps.append(Step(found.group()[0], number(digits) if digits else 1))
        position = found.end()
    return tuple(steps)


def number(digits: str) -> int:
    """Number that digits stand for, at most `MOST`.

    Examples
    --------
    >>> number("12"), number("9" * 5_000) == MOST
    (12, True)
    """
    return int(digits) if len(digits) <= 9 else MOST


def _not_understood(text: str, part: str) -> UnknownName:
    return UnknownName(f"{text!r} is not a revision: {part!r} is not understood", remedy=EXAMPLES)


def split_range(text: str) -> Range | None:
    """Parse ``A..B`` or ``A...B``; None for a text that is no range. A side that is left out is HEAD.

    Examples
    --------
    >>> split_range("main..")
    Range(left='main', right='HEAD', symmetric=False)
    """
    left, dots, right = text.partition("..")
    if not dots:
        return None
    symmetric = right.startswith(".")
    right = right[1:] if symmetric else right
    if ".." in right or right.startswith("."):
        raise UsageProblem(f"{text!r} is not a range", remedy="Write A..B (what B has and A has not) or A...B")
    return Range(left or "HEAD", right or "HEAD", symmetric)


def split_dataset(text: str) -> tuple[str, str]:
    """Revision and dataset of ``REV:DATASET``; a text without colon is a dataset at HEAD, or at a point in time.

    Examples
    --------
    >>> split_dataset("main~1:flights"), split_dataset("flights")
    (('main~1', 'flights'), ('HEAD', 'flights'))
    >>> split_dataset("main@{2026-11-01 14:30}:flights"), split_dataset("flights@{yesterday}")
    (('main@{2026-11-01 14:30}', 'flights'), ('@{yesterday}', 'flights'))
    """
    revision, dataset = split_place(text)
    if dataset is not None:
        return revision, dataset
    found = _AT.search(text)
    return ("HEAD", text) if found is None else (text[found.start() :], text[: found.start()])


def cell_of(revision: str) -> str | None:
    """ID of ``@{cell:ID}``, which stands for one frame as a cell left it; None for all other texts.

    Examples
    --------
    >>> cell_of("@{cell:1f2e}"), cell_of("main@{1}")
    ('1f2e', None)
    """
    found = _AT.fullmatch(revision)
    at = "" if found is None else found.group(1).strip()
    return at.removeprefix(CELL).strip() if at.startswith(CELL) else None


def split_place(text: str) -> tuple[str, str | None]:
    """Revision and dataset of ``REV:DATASET``; a text without colon is a revision, and the dataset None.

    Examples
    --------
    >>> split_place("main~1:flights"), split_place("main@{14:30}")
    (('main~1', 'flights'), ('main@{14:30}', None))
    >>> split_place("flights@{cell:1f2e}"), split_place("@{cell:1f2e}:flights")
    (('@{cell:1f2e}', 'flights'), ('@{cell:1f2e}', 'flights'))
    """
    found = _AT.search(text)
    if found is not None and found.start() and found.end() == len(text) and cell_of(found.group()) is not None:
        return found.group(), text[: found.start()]  # no ref was ever left by a cell: it is a frame
    colon = text.rfind(":", text.rfind("}") + 1)  # a colon in braces belongs to a moment
    return (text, None) if colon < 0 else (text[:colon] or "HEAD", text[colon + 1 :])
