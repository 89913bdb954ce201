r"""Names of columns and ranges of rows as they are typed: ``a,b`` and ``0:100``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineageflow_jupyter.errors import UsageProblem

_RANGE = re.compile(r"(-?\d{1,18})?:(-?\d{1,18})?")


def split_columns(values: Sequence[str]) -> list[str]:
    r"""Names from values in which commas part them; ``\,`` is a comma within a name, ``\\`` a backslash before one.

    Examples
    --------
    >>> split_columns(["year,month", "day", r"a\,b", r"C:\temp"])
    ['year', 'month', 'day', 'a,b', 'C:\\temp']
    """
    return [name for value in values for name in named_columns(value) if name]


def named_columns(value: str) -> list[str]:
    r"""Names in one value, empty ones included: the last is the one that is being typed.

    Examples
    --------
    >>> named_columns("year,")
    ['year', '']
    """
    names, escaped = [""], False
    for sign in value:
        if escaped:
            names[-1] += sign if sign in "\\," else "\\" + sign
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == ",":
            names.append("")
        else:
            names[-1] += sign
    names[-1] += "\\" * escaped
    return names


def column_text(name: str) -> str:
    r"""Text that `split_columns` reads as this one name.

    Examples
    --------
    >>> print(column_text("a,b"))
    a\,b
    """
    return re.sub(r"\\(?=[\\,]|\Z)|,", r"\\\g<0>", name)


def row_range(text: str) -> slice:
    """Return the rows ``START:STOP`` (stop exclusive; each may be left out, and counts from the end if negative).

    Raises
    ------
    UsageProblem
        If it is no such range.

    Examples
    --------
    >>> row_range("0:100"), row_range("-5:")
    (slice(0, 100, None), slice(-5, None, None))
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise UsageProblem(
            f"--rows takes START:STOP, {text!r} found",
            remedy="For example --rows 0:100 (100 is not included) or --rows -5:",
        )
    start, stop = (None if part is None else int(part) for part in found.groups())
    return slice(start, stop)
