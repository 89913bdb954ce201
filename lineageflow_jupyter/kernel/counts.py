"""Numbers as they are typed."""

from __future__ import annotations

from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.kernel.verb import Call

MOST = 10_000_000


def count_of(call: Call, name: str, default: int, what: str) -> int:
    """Return the number that an option gives, or its default; 0 is no number unless it is the default.

    Parameters
    ----------
    call : Call
        The line.
    name : str
        The option.
    default : int
        What holds without it.
    what : str
        What is counted, for the message.

    Raises
    ------
    UsageProblem
        If it is no such number.
    """
    text = call.arguments.get(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 9 or not min(default, 1) <= int(text) <= MOST:
        flag = "-n" if name == "number" else f"--{name}"
        raise UsageProblem(f"{flag} takes a number of {what}, {text!r} found", remedy=f"For example: {flag} 50")
    return int(text)
