"""Parameters of requests: what each route takes, read from a query and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from lineageflow_jupyter.errors import UsageProblem

LONGEST = 4_096
"""Characters of one value."""
IGNORED = frozenset({"token", "_xsrf"})
"""What Jupyter's clients add for themselves, besides a bare number that keeps caches from answering."""

Value = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a route.

    Parameters
    ----------
    name : str
        Its name.
    meaning : str
        What it says, for the description.
    kind : str
        ``"text"``, ``"number"`` (from `lowest` to `highest`) or ``"texts"``: may be there several times.
    default : str, int or tuple of str
        What it is where it is left out.
    required : bool
        Whether it may be left out.
    choices : tuple of str
        The only texts that it may be, if any are given.
    lowest, highest : int
        Of a number.
    """

    name: str
    meaning: str
    kind: Literal["text", "number", "texts"] = "text"
    default: Value = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 2**62


@dataclass(frozen=True, slots=True)
class Query:
    """Checked values of all parameters of a route."""

    values: Mapping[str, Value]

    def text(self, name: str) -> str:
        """Value of a text."""
        return str(self.values[name])

    def number(self, name: str) -> int:
        """Value of a number."""
        value = self.values[name]
        assert isinstance(value, int)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Values of a parameter that may be there several times."""
        value = self.values[name]
        assert isinstance(value, tuple)
        return value


def read_query(known: Sequence[Parameter], given: Mapping[str, Sequence[bytes]]) -> Query:
    """Read the parameters of a request.

    Parameters
    ----------
    known : sequence of Parameter
        What the route takes.
    given : mapping of str to sequence of bytes
        What the request says.

    Raises
    ------
    UsageProblem
        If it says what the route does not take, or says it wrongly.

    Examples
    --------
    >>> read_query([Parameter("limit", "rows", "number", 20, highest=100)], {"limit": [b"7"]}).number("limit")
    7
    """
    by_name = {parameter.name: parameter for parameter in known}
    values: dict[str, Value] = {parameter.name: parameter.default for parameter in known}
    for name, said in given.items():
        if name in by_name:
            values[name] = _value(by_name[name], said)
        elif name not in IGNORED and not name.isdigit():
            close = get_close_matches(name, by_name, 1)
            listed = f"There are {', '.join(by_name)}" if by_name else "There are none"
            raise UsageProblem(
                f"there is no parameter {name!r}", remedy=f"Did you mean {close[0]!r}?" if close else listed
            )
    for parameter in known:
        if parameter.required and not given.get(parameter.name):
            raise UsageProblem(f"the parameter {parameter.name!r} is missing", remedy=f"Give {parameter.meaning}")
    return Query(values)


def _value(parameter: Parameter, said: Sequence[bytes]) -> Value:
    texts = tuple(_text(parameter, each) for each in said)
    if parameter.kind == "texts":
        return texts
    if len(texts) != 1:
        raise UsageProblem(f"the parameter {parameter.name!r} is there {len(texts)} times", remedy="Give it once")
    (text,) = texts
    if parameter.kind == "text":
        if parameter.choices and text not in parameter.choices:
            raise UsageProblem(
                f"the parameter {parameter.name!r} is {text!r}", remedy=f"Give one of {', '.join(parameter.choices)}"
            )
        return text
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not parameter.lowest <= number <= parameter.highest:
        raise UsageProblem(
            f"the parameter {parameter.name!r} is {text!r}",
            remedy=f"Give a number from {parameter.lowest} to {parameter.highest}",
        )
    return number


def _text(parameter: Parameter, said: bytes) -> str:
    try:
        text = said.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"the parameter {parameter.name!r} is no text", remedy="Encode it as UTF-8") from error
    if len(text) > LONGEST or "\0" in text:
        raise UsageProblem(
            f"the parameter {parameter.name!r} is too long, or holds a zero", remedy=f"At most {LONGEST} characters"
        )
    return text
