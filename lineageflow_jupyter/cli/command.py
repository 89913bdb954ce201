"""What a command is: a verb as the magic has them, with its answer as JSON, and in words that fit a shell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lineageflow_jupyter.kernel.display import MUTED, Answer, Note, Part
from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.wire import Document

if TYPE_CHECKING:
    from lineageflow_jupyter.repository import Repository

PROGRAM = "lineageflow"
NAMES = (
    *("init", "status", "log", "show", "diff", "changes", "blame", "history"),
    *("branch", "merge", "tag", "export", "import", "fsck"),
)
"""The verbs, in the order in which help lists them."""

_MAGIC = re.compile(rf"%lf (?=(?:{'|'.join(NAMES)})\b)")
Parts = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A verb of the command line.

    Parameters
    ----------
    verb : Verb
        Its arguments, and what runs it.
    document : callable
        The answer as what `json.dumps` takes.
    opens : bool
        Whether it works on a repository that exists; it then takes ``--branch``.
    """

    verb: Verb
    document: Callable[[Call, Answer], Document]
    opens: bool = True


class Visit(Session):
    """A session without notebook, variables and workspace.

    Parameters
    ----------
    branch : str, optional
        Where HEAD is.
    """

    def __init__(self, branch: str | None) -> None:
        super().__init__({})
        self._branch = branch

    def open(self, location: str) -> Repository:
        """Open the repository of a folder or of one above it."""
        from lineageflow_jupyter.opening import visit

        return self._use(visit(location, branch=self._branch))


def in_shell(text: str) -> str:
    """Text that names verbs as they are typed in a shell, where there are such.

    Examples
    --------
    >>> in_shell("`%lf log` lists them, `%lf undo` goes back")
    '`lineageflow log` lists them, `%lf undo` goes back'
    """
    return _MAGIC.sub(f"{PROGRAM} ", text)


def without_magic(parts: Parts) -> Parts:
    """Parts whose last one, if it is a hint, holds in a shell: one for notebooks is left out."""
    *before, last = parts
    if not isinstance(last, Note) or last.tone != MUTED:
        return parts
    hint = replace(last, text=in_shell(last.text))
    return tuple(before) if "%lf " in hint.text else (*before, hint)


def noted_in_shell(verb: Verb) -> Callable[[Call], Answer]:
    """What runs a verb of the magic whose notes are its own words, which then name verbs as typed in a shell."""

    def run(call: Call) -> Answer:
        answer = verb.run(call)
        assert isinstance(answer, Answer)
        parts = (replace(part, text=in_shell(part.text)) if isinstance(part, Note) else part for part in answer.parts)
        return replace(answer, parts=tuple(parts))

    return run
