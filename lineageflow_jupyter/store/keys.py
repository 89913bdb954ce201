"""Which keys a store accepts; the same rules for every store."""

from __future__ import annotations

import re

from lineageflow_jupyter.errors import InvalidName

SCRATCH = "tmp"
"""First segment that no key may have: stores keep unfinished writes there."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}\Z")
_LONGEST = 900


def is_key(key: str) -> bool:
    """Whether `key` is a relative path of segments of ASCII letters, digits and ``._-``, none starting with a dot."""
    segments = key.split("/")
    return len(key) <= _LONGEST and segments[0] != SCRATCH and all(map(_SEGMENT.match, segments))


def check_key(key: str) -> str:
    """Return `key`.

    Raises
    ------
    InvalidName
        If it is not a key: absolute, with ``..``, white space, other letters, or reserved.
    """
    if not is_key(key):
        raise InvalidName(
            f"{key[:100]!r} is not a key of an object",
            remedy="Keys are relative paths of ASCII letters, digits and ._- that start with none of . and tmp/",
        )
    return key
