"""Close matches of what was mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CHOICES = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Text that names what `word` may have been meant to be, to be put behind a sentence without its full stop.

    Examples
    --------
    >>> did_you_mean("comit", ["commit", "log"])
    ' (did you mean commit?)'
    >>> did_you_mean("x", ["commit", "log"])
    ''
    """
    by_folded = {name.casefold(): name for name in known if name != word}
    near = get_close_matches(word.casefold(), by_folded, n=CHOICES)
    return f" (did you mean {' or '.join(by_folded[match] for match in near)}?)" if near else ""
