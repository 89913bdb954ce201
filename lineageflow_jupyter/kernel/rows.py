"""Rows as they are typed behind ``--row``: ``id=17``, a number, or ``START:STOP``."""

from __future__ import annotations

from typing import Any

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.columns import row_range
from lineageflow_jupyter.kernel.verb import Call


def rows_named(call: Call) -> Any:
    """Rows that a line names, as `Repository.blame` takes them; None where it names none.

    Raises
    ------
    UsageProblem
        If a word says neither.
    """
    words = call.arguments.all("row")
    if not words:
        return None
    if len(words) == 1 and words[0].isdecimal() and len(words[0]) <= 18:
        return int(words[0])
    if len(words) == 1 and ":" in words[0] and "=" not in words[0]:
        return row_range(words[0])
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise UsageProblem(
                f"--row takes COLUMN=VALUE or a number, {name!r} found",
                remedy="For example --row id=17, or --row year=2013 month=1",
            )
    return {name: value for name, _, value in pairs}
