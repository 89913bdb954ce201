"""What a user types to name a point in history: parsing and the rules of names. Resolving belongs to ``repository``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lineageflow_jupyter.errors import InvalidName, NotAvailable, UnknownName

_FORBIDDEN = re.compile(r"[\s:@~^{}\x00-\x1f\x7f]|\.\.")
_STEP = re.compile(r"~(\d*)|\^(\d*)")
MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One walk from a commit: `count` first parents back (``~``), or to the parent with number `count` (``^``)."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A parsed revision: ``base`` (``HEAD``, a ref's name or a short id), then steps."""

    text: str
    base: str
    steps: tuple[Step, ...] = ()


def check_name(name: str, what: str) -> str:
    """Return the name if it may be given to a ref or dataset.

    Parameters
    ----------
    name : str
        The name.
    what : str
        Such as ``"branch"``, for the message.

    Raises
    ------
    InvalidName
        If it is empty, too long, or contains what the revision grammar needs: white space, ``: @ ~ ^ { }``, ``..``.
    """
    if not name:
        raise InvalidName(f"a {what} needs a name, {name!r} found", remedy="Give it a name such as 'flights'")
    found = _FORBIDDEN.search(name)
    if found or name.startswith(("-", ".", "/")) or name.endswith(("/", ".")) or "//" in name or name == "HEAD":
        reason = (
            f"contains {found.group()!r}" if found else "is reserved, or starts or ends with a sign that it may not"
        )
        raise InvalidName(
            f"{name!r} cannot be the name of a {what}: it {reason}",
            remedy="Use letters, digits, '_', '-' and '.' (white space and : @ ~ ^ { } .. are not allowed)",
        )
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise InvalidName(
            f"the name {name!r} of a {what} is not valid Unicode", remedy="Choose another name"
        ) from error
    if size > MAX_NAME_BYTES:
        raise InvalidName(
            f"the name of a {what} has {size} bytes, at most {MAX_NAME_BYTES} are allowed",
            remedy="Choose a shorter name",
        )
    return name


def parse(text: str) -> Revision:
    """Parse a revision without dataset.

    Raises
    ------
    UnknownName
        If it does not follow the grammar.
    NotAvailable
        For ``@{…}``, which this version does not know yet.

    Examples
    --------
    >>> parse("main~2^").steps
    (Step(kind='~', count=2), Step(kind='^', count=1))
    """
    if "@{" in text:
        raise NotAvailable(
            f"{text!r}: points in time are not available in this version",
            remedy="Use a short id from `%lf log` instead",
        )
    cut = min((text.find(sign) for sign in "~^" if sign in text), default=len(text))
    base, rest = text[:cut], text[cut:]
    steps: list[Step] = []
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if not found:
            raise UnknownName(
                f"{text!r} is not a revision: {rest[position:]!r} is not understood",
                remedy="Examples: main, HEAD~2, v1.0^, 3f2a91c",
            )
        digits = found.group(1) if found.group(1) is not None else found.group(2)
        steps.append(Step(found.group()[0], int(digits) if digits else 1))
        position = found.end()
    return Revision(text, "HEAD" if base in ("", "@") else base, tuple(steps))


def split_dataset(text: str) -> tuple[str, str]:
    """Revision and dataset of ``REV:DATASET``; a text without colon is a dataset at HEAD.

    Examples
    --------
    >>> split_dataset("main~1:flights"), split_dataset("flights")
    (('main~1', 'flights'), ('HEAD', 'flights'))
    """
    revision, colon, dataset = text.rpartition(":")
    return (revision or "HEAD", dataset) if colon else ("HEAD", text)
