"""Which names a database can hold as text."""

from __future__ import annotations

from lineageflow_jupyter.errors import InvalidName


def check_text(name: str) -> None:
    """Refuse names that a database cannot hold as text.

    Raises
    ------
    InvalidName
        If `name` holds a NUL or half of a surrogate pair.
    """
    if not is_text(name):
        raise InvalidName(f"the name {name!r} holds characters that are no text", remedy="Choose another name")


def is_text(name: str) -> bool:
    """Whether a database can hold `name` as text."""
    return "\0" not in name and not any("\ud800" <= character <= "\udfff" for character in name)
