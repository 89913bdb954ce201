"""What a verb is: a table of arguments and a function. The verbs themselves are in `verbs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineageflow_jupyter.kernel.arguments import Arguments, Option, Positional
from lineageflow_jupyter.kernel.live import Names

if TYPE_CHECKING:
    from lineageflow_jupyter.kernel.session import Session


@dataclass(frozen=True, slots=True)
class Call:
    """One ``%lf`` line.

    Parameters
    ----------
    session : Session
        Repository and live frames.
    arguments : Arguments
        What was typed behind the verb.
    names : mapping of str to object
        The variables that the line sees, a function's own ones first.
    verbs : mapping of str to Verb
        All verbs.
    """

    session: Session
    arguments: Arguments
    names: Names
    verbs: Mapping[str, Verb]


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of the ``%lf`` magic.

    Parameters
    ----------
    name : str
        What is typed behind ``%lf``.
    summary : str
        What it does, in one line.
    run : callable
        Does it; returns what the magic returns: an answer, which a last ``;`` keeps quiet, or a frame, which is what
        the line is for.
    positionals, options : tuples
        What it accepts.
    examples : tuple of str
        Whole lines.
    notes : tuple of str
        What a summary has no room for, a paragraph each: what happens to variables, what is refused, how it is undone.
    """

    name: str
    summary: str
    run: Callable[[Call], object]
    positionals: tuple[Positional, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """The line to type."""
        optional = (option.usage for option in self.options if not option.required)
        return " ".join([self.shortest_usage, *optional])

    @property
    def shortest_usage(self) -> str:
        """The line to type, without flags that may be left out."""
        parts = [place.usage for place in self.positionals]
        parts += [option.usage for option in self.options if option.required]
        return " ".join([f"%lf {self.name}", *parts])
