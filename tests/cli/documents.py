"""The part of ``docs/command-line.md`` that is made from the parsers; `tests.documents` puts it there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from lineageflow_jupyter.cli.parsing import common_options, top_parser, verb_parser
from lineageflow_jupyter.cli.verbs import COMMANDS

PAGE = Path(__file__).parent.parent.parent / "docs" / "command-line.md"


def reference() -> str:
    """Every verb with its flags, and then the flags that all have."""
    lines: list[str] = []
    for command in COMMANDS.values():
        parser = verb_parser(command)
        common = {flag for option in common_options(command) for flag in option.flags} | {"-h"}
        own = [action for action in parser._actions if common.isdisjoint(action.option_strings)]
        lines += [f"### {command.verb.name}", "", f"{_sentence(command.verb.summary)}", ""]
        if own:
            lines += [*_rows(own), ""]
    lines += [
        "### Flags of every verb",
        "",
        "Before the verb or behind it; `--version` goes without a verb, and `init` takes no `--branch`.",
        "",
    ]
    lines += _rows(action for action in top_parser(COMMANDS)._actions if action.option_strings)
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _rows(actions: Iterator[argparse.Action] | list[argparse.Action]) -> Iterator[str]:
    yield "| | |"
    yield "| --- | --- |"
    for action in actions:
        value = "" if action.nargs == 0 or not action.metavar else str(action.metavar)
        many = "…" if action.nargs in ("+", "*") else ""
        flags = ", ".join(f"{flag} {value}{many}".strip() for flag in action.option_strings)
        shown = flags or (f"[{value}{many}]" if action.nargs == "?" else f"{value}{many}")
        help_text = (action.help or "").replace("%%", "%").replace("|", "\\|")
        yield f"| `{shown}` | {help_text} |"
