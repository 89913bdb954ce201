"""From the words of a command line to a request. The parsers are made from the verbs' tables of arguments."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from lineageflow_jupyter import __version__
from lineageflow_jupyter.cli.command import PROGRAM, Command
from lineageflow_jupyter.kernel.arguments import Arguments, Holds, Option, Positional
from lineageflow_jupyter.kernel.suggest import did_you_mean

FOLDER = Option(("-C",), "work in another folder: for the repository and for files", "PATH")
BRANCH = Option(("--branch",), "the branch that HEAD is on; main by default", "BRANCH")
JSON = Option(("--json",), "answer with one JSON document, also where it fails")


class Misuse(Exception):
    """Words that are no command.

    Parameters
    ----------
    problem : str
        What was expected and found.
    remedy : str
        What to do next.
    usage : str
        The lines to type.
    """

    def __init__(self, problem: str, remedy: str, usage: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.usage = problem, remedy, usage


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be done.

    Parameters
    ----------
    command : Command
        The verb.
    arguments : Arguments
        Its values.
    folder : str
        Where to work.
    branch : str or None
        Where HEAD is.
    """

    command: Command
    arguments: Arguments
    folder: str
    branch: str | None


class Parser(argparse.ArgumentParser):
    """A parser that raises `Misuse` instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the words."""
        raise Misuse(message, f"`{self.prog} --help` shows what it takes", self.format_usage().strip())


def read(words: Sequence[str], commands: Mapping[str, Command]) -> Request:
    """Read a command line.

    Parameters
    ----------
    words : sequence of str
        Behind the name of the program.
    commands : mapping of str to Command
        The verbs.

    Raises
    ------
    Misuse
        If it is none.
    SystemExit
        Where help or version was asked for, when it has been printed.
    """
    top = top_parser(commands)
    place = _verb_at(words)
    first = vars(top.parse_args(list(words[: place + 1])))
    name = first["verb"]
    if name not in commands:
        top.error(f"there is no verb {name!r}{did_you_mean(name, commands)}; the verbs are {', '.join(commands)}")
    command = commands[name]
    arguments, common = _arguments(command, list(words[place + 1 :]))
    branch = common.get("branch") or first["branch"]
    if branch is not None and not command.opens:
        verb_parser(command).error("--branch does not go with this verb")
    return Request(command, arguments, common["C"] or first["C"] or ".", branch)


def _verb_at(words: Sequence[str]) -> int:
    """Position of the first word that is neither a flag nor its value."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in (*FOLDER.flags, *BRANCH.flags) else 1
    return place


def top_parser(commands: Mapping[str, Command]) -> Parser:
    """Parser of what stands before the verb."""
    width = max(map(len, commands))
    verbs = "\n".join(f"  {name:{width}}  {command.verb.summary}" for name, command in commands.items())
    parser = Parser(
        PROGRAM,
        description=f"Version tables with Git's verbs.\n\nverbs:\n{verbs}",
        epilog=f"`{PROGRAM} VERB --help` explains one. Exit codes: 0 done, 1 failed, 2 no such command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        usage=f"{PROGRAM} [-C PATH] [--branch BRANCH] [--json] VERB ...",
    )
    for option in (FOLDER, BRANCH, JSON):
        _add_option(parser, option)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("verb", metavar="VERB", help="what to do")
    return parser


def verb_parser(command: Command) -> Parser:
    """Parser of what stands behind a verb."""
    verb = command.verb
    parser = Parser(f"{PROGRAM} {verb.name}", description=verb.summary, allow_abbrev=False)
    for place in verb.positionals:
        _add_positional(parser, place)
    for option in verb.options:
        _add_option(parser, option)
    for option in common_options(command):
        _add_option(parser, option)
    return parser


def common_options(command: Command) -> tuple[Option, ...]:
    """Options that a verb takes besides its own."""
    return (FOLDER, BRANCH, JSON) if command.opens else (FOLDER, JSON)


def _add_positional(parser: Parser, place: Positional) -> None:
    nargs = ("+" if place.required else "*") if place.many else (None if place.required else "?")
    parser.add_argument(place.name, metavar=place.metavar, nargs=nargs, help=_help(place.help))


def _add_option(parser: Parser, option: Option) -> None:
    if not option.metavar:
        parser.add_argument(*option.flags, dest=option.name, action="store_true", help=_help(option.help))
    elif option.many:
        parser.add_argument(
            *option.flags, dest=option.name, metavar=option.metavar, nargs="+", action="extend", help=_help(option.help)
        )
    else:
        parser.add_argument(*option.flags, dest=option.name, metavar=option.metavar, help=_help(option.help))


def _help(text: str) -> str:
    return text.replace("%", "%%")


def _arguments(command: Command, words: list[str]) -> tuple[Arguments, dict[str, str | None]]:
    """Values of the verb, and of the options that all verbs have."""
    before, after = _parted(command.verb.positionals, words)
    places = tuple(replace(place, required=place.required and place not in after) for place in command.verb.positionals)
    parser = verb_parser(replace(command, verb=replace(command.verb, positionals=places)))
    if any(option.parts for option in command.verb.options):
        before = _places_first([*command.verb.options, *common_options(command)], before)
    # Argparse takes values and flags in any order, or "--" for what it stands for, but not both at once.
    parse = parser.parse_args if "--" in before else parser.parse_intermixed_args
    found = vars(parse(before))
    for place, given in after.items():
        free = next((each for each in command.verb.positionals if _is_free(each, found)), None)
        if place is not None and not place.many and free is not None and found[place.name]:
            found[free.name], found[place.name] = found[place.name], None  # before "--" there are revisions only
        if place is None or found[place.name]:
            parser.error(f"unrecognized arguments: {' '.join(given)}")
        found[place.name] = given if place.many else given[0]
    common = {option.name: found.pop(option.name) for option in common_options(command)}
    values = {name: _values(value) for name, value in found.items() if value not in (None, False, [])}
    return Arguments(values, separated=len(before) < len(words)), common


def _is_free(place: Positional, found: dict[str, object]) -> bool:
    return place.holds is Holds.REVISION and not place.many and not found[place.name]


def _places_first(options: Sequence[Option], words: list[str]) -> list[str]:
    """Put options behind all other words: argparse takes for a value of an option with several whatever follows."""
    known = {flag: option for option in options for flag in option.flags}
    cut = words.index("--") if "--" in words else len(words)
    places: list[str] = []
    flags: list[str] = []
    rest = words[:cut]
    while rest:
        word = rest.pop(0)
        (flags if word.startswith("-") else places).append(word)
        option = known.get(word)
        if option is None or not option.metavar:
            continue
        if rest and not rest[0].startswith("--"):
            flags.append(rest.pop(0))
        while rest and not rest[0].startswith("-") and option.goes_on(rest[0]):
            flags.append(rest.pop(0))
    return [*places, *flags, *words[cut:]]


def _values(value: object) -> tuple[str, ...]:
    if value is True:
        return ()
    return tuple(value) if isinstance(value, list) else (str(value),)


def _parted(places: Sequence[Positional], words: list[str]) -> tuple[list[str], dict[Positional | None, list[str]]]:
    """Words before ``--``; those behind it by place, where it parts revisions from what else the verb takes.

    Elsewhere argparse sees to it that nothing behind it is a flag.
    """
    others = [place for place in places if place.holds is not Holds.REVISION]
    if "--" not in words or not others or len(others) == len(places):
        return words, {}
    cut = words.index("--")
    behind = words[cut + 1 :]
    given: dict[Positional | None, list[str]] = {}
    for place in others:
        taken = behind if place.many else behind[:1]
        behind = behind[len(taken) :]
        if taken:
            given[place] = taken
    if behind:
        given[None] = behind
    return words[:cut], given
