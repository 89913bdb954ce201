r"""Names of columns and ranges of rows as they are typed: ``a,b`` and ``0:100``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineageflow_jupyter.errors import UsageProblem

_RANGE = re.compile(r"(-?\d{1,18})?:(-?\d{1,18})?")


def split_columns(values: Sequence[str]) -> list[str]:
    r"""Names from values in which commas part them; ``\,`` is a comma within a name.

    Examples
    --------
    >>> split_columns(["year,month", "day", r"a\,b"])
    ['year', 'month', 'day', 'a,b']
    """
    names = [name for value in values for name in re.split(r"(?<!\\),", value)]
    return [name.replace("\\,", ",") for name in names if name]


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
