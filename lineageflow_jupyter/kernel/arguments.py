"""What a verb accepts, as a table, and the parser that reads words by it.

Not `argparse`: it cannot tell a quoted ``"-x"`` from a flag nor keep which signs were quoted, guesses abbreviations,
and treats ``--`` and interleaved arguments differently from one Python to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.kernel.suggest import did_you_mean
from lineageflow_jupyter.kernel.tokens import Word


class Holds(Enum):
    """What a value means: decides completion, and whether variables are put into it."""

    TEXT = auto()
    FRAME = auto()
    DATASET = auto()
    REVISION = auto()
    PLACE = auto()  # REV:DATASET
    TRACED = auto()  # a frame, dataset or REV:DATASET, perhaps with .COLUMN behind it
    BRANCH = auto()
    LOCATION = auto()
    VERB = auto()
    ENGINE = auto()
    TAG = auto()
    ACTION = auto()  # of a verb that has several, such as `stash pop`
    STASHED = auto()  # a frame, or a stash
    WORKSPACE = auto()
    COLUMN = auto()  # one name, or several with commas between
    KEY = auto()  # the same, of columns or index levels
    SETTING = auto()
    VALUE = auto()  # of the setting before it

    @property
    def expands(self) -> bool:
        """Whether ``{name}`` and ``$name`` stand for variables: in names and revisions, never in messages."""
        texts = (
            *(Holds.TEXT, Holds.VERB, Holds.ENGINE, Holds.ACTION),
            *(Holds.COLUMN, Holds.KEY, Holds.SETTING, Holds.VALUE),
        )
        return self not in texts


@dataclass(frozen=True, slots=True)
class Positional:
    """A value that is known by its place."""

    name: str
    metavar: str
    help: str
    holds: Holds = Holds.TEXT
    required: bool = False
    many: bool = False

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        text = self.metavar + ("…" if self.many else "")
        return text if self.required else f"[{text}]"


@dataclass(frozen=True, slots=True)
class Option:
    """A flag, with values unless `metavar` is empty.

    A flag with `many` values takes all words up to the next flag or ``--``, or up to the first, from the second on,
    that does not contain `parts`. That a `required` one is missing is said by the verb, which knows what to propose.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    holds: Holds = Holds.TEXT
    many: bool = False
    required: bool = False
    parts: str = ""

    def goes_on(self, text: str) -> bool:
        """Whether a word may be another value, after one."""
        return self.many and self.parts in text

    @property
    def name(self) -> str:
        """What `Arguments` call it: the last flag without its dashes."""
        return self.flags[-1].lstrip("-")

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        text = f"{self.flags[0]}{' ' if self.metavar else ''}{self.metavar}{'…' if self.many else ''}"
        return text if self.required else f"[{text}]"


HELP = Option(("-h", "--help"), "show this help")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The values found on a line, by the names of the table.

    Parameters
    ----------
    values : mapping of str to tuple of str
        An entry for each value or flag that was given; flags without values have an empty tuple.
    separated : bool
        Whether ``--`` stood between revisions and datasets.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    separated: bool = False

    def has(self, name: str) -> bool:
        """Whether it was given."""
        return name in self.values

    def get(self, name: str) -> str | None:
        """Return the value that was given last, or None."""
        values = self.values.get(name)
        return values[-1] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """All values, in order."""
        return self.values.get(name, ())


def parse(
    verb: str,
    positionals: Sequence[Positional],
    options: Sequence[Option],
    words: Sequence[Word],
    expand: Callable[[Word], str],
) -> Arguments:
    """Read the words behind a verb.

    Parameters
    ----------
    verb : str
        Its name, for messages.
    positionals, options : sequences
        What it accepts.
    words : sequence of Word
        The words behind the verb.
    expand : callable
        Puts variables into a word; called for names and revisions only.

    Raises
    ------
    UnknownName
        For a flag that the verb does not have.
    UsageProblem
        For a missing or surplus value.
    """
    known = {flag: option for option in (*options, HELP) for flag in option.flags}
    values: dict[str, tuple[str, ...]] = {}
    before: list[Word] = []
    after: list[Word] | None = None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if after is not None:
            after.append(word)
        elif word.text == "--" and word.bare == 2:
            after = []
        elif _is_flag(word):
            option, given = _option(verb, word, known)
            taken = _values(verb, option, given, rest, known)
            texts = tuple(expand(value) if option.holds.expands else value.text for value in taken)
            values[option.name] = values.get(option.name, ()) + texts
        else:
            before.append(word)
    if HELP.name not in values:
        _assign(verb, positionals, before, after, expand, values)
    return Arguments(values, separated=after is not None)


def _is_flag(word: Word) -> bool:
    return word.text.startswith("-") and len(word.text) > 1 and word.bare > 1


def _option(verb: str, word: Word, known: Mapping[str, Option]) -> tuple[Option, Word | None]:
    """Find the option of a flag, with the value that is glued to it (``--flag=value``, ``-n5``)."""
    flag, equals, _ = word.text.partition("=") if word.text.startswith("--") else (word.text[:2], "", "")
    option = known.get(flag)
    if option is None or (not option.metavar and len(flag) < len(word.text) and not equals):
        raise UnknownName(
            f"%lf {verb} has no flag {flag if option is None else word.text}{did_you_mean(flag, known)}",
            remedy=f"`%lf help {verb}` lists its flags; put quotes around a value that begins with a dash",
        )
    cut = len(flag) + len(equals)
    if not equals and cut == len(word.text):
        return option, None
    if not option.metavar:
        raise UsageProblem(f"{flag} takes no value, {word.text!r} found", remedy=f"Write {flag} alone")
    literal = frozenset(position - cut for position in word.literal if position >= cut)
    return option, Word(word.text[cut:], word.start + cut, max(0, word.bare - cut), literal)


def _values(
    verb: str,
    option: Option,
    given: Word | None,
    rest: list[Word],
    known: Mapping[str, Option],
) -> tuple[Word, ...]:
    """Take the values of an option off the rest of the line."""
    if not option.metavar:
        return ()
    taken = [] if given is None else [given]
    while rest and (not taken or option.goes_on(rest[0].text)) and not _separates(rest[0], known):
        taken.append(rest.pop(0))
    if not taken:
        found = f"{rest[0].text} found" if rest else "nothing found"
        raise UsageProblem(
            f"%lf {verb} {option.flags[0]} needs {option.metavar}, {found}",
            remedy=f"Write {option.flags[0]} {option.metavar}; put quotes around a value that begins with a dash",
        )
    return tuple(taken)


def _separates(word: Word, known: Mapping[str, Option]) -> bool:
    """Whether a word ends the values of an option: ``--``, or a flag of the verb (any other dash may begin a value)."""
    return (word.text == "--" and word.bare == 2) or (_is_flag(word) and word.text.partition("=")[0] in known)


def _assign(
    verb: str,
    positionals: Sequence[Positional],
    before: Sequence[Word],
    after: Sequence[Word] | None,
    expand: Callable[[Word], str],
    values: dict[str, tuple[str, ...]],
) -> None:
    """Give the values without flag to the places of the table; ``--`` parts revisions from what follows."""
    revisions = [place for place in positionals if place.holds is Holds.REVISION]
    if after is None or not revisions:
        groups = [(list(positionals), [*before, *(after or ())])]
    else:
        groups = [
            (revisions, list(before)),
            ([place for place in positionals if place not in revisions], list(after)),
        ]
    for places, words in groups:
        for place in places:
            taken = words[:] if place.many else words[:1]
            del words[: len(taken)]
            if taken:
                values[place.name] = tuple(expand(word) if place.holds.expands else word.text for word in taken)
        if words:
            raise UsageProblem(
                f"%lf {verb} does not know what to do with {words[0].text!r}",
                remedy=f"`%lf help {verb}` shows what it takes; put quotes around text with spaces",
            )
    for place in positionals:
        if place.required and place.name not in values:
            raise UsageProblem(
                f"%lf {verb} needs {place.metavar}: {place.help}",
                remedy=f"`%lf help {verb}` shows examples",
            )
