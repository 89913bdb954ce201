"""IPython's syntax in a cell: made plain where a cell still holds it, and what code its magics run.

IPython itself turns ``%name …`` into ``get_ipython().run_line_magic('name', '…')`` before a cell runs, but not in the
body of a magic such as ``%%time``, which is text until the magic runs it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_LINE = re.compile(
    r"^(?P<indent>\s*)(?:(?P<target>[\w.,\[\]'\" ()*]+?\s*=\s*)(?=[%!]))?(?P<sign>%%?|!!?|\?\??)(?P<rest>.*)$", re.S
)
_HELP = re.compile(r"^(?P<indent>\s*)[\w.%*]+\s*(?P<sign>\?\??)\s*;?\s*$")

RUNNERS = {
    "time": "",
    "timeit": "nrpv",
    "prun": "lsTD",
    "memit": "ritm",
    "lprun": "fmsTDuz",
    "mprun": "fT",
    "snakeviz": "f",
    "capture": "",
}
"""Magics that run code in the user's names, with their one-letter options that take a value."""

LOCAL_RUNNERS = frozenset({"timeit"})
"""Those of them that run it as the body of a function."""

_HARMLESS = """
alias alias_magic autoawait autocall automagic autoreload aimport bookmark cd colors conda config connect_info code_wrap
dhist dirs doctest_mode env gui hist history killbgscripts load_ext logoff logon logstart logstate logstop ls lsmagic
magic mamba man matplotlib micromamba mkdir more notebook page pastebin pdb pdef pdoc pfile pinfo pinfo2 pip popd pprint
precision profile psearch psource pushd pwd pycat quickref reload_ext rehashx rm rmdir sc set_env subshell sx system tb
unalias unload_ext uv who who_ls whos xmode
"""
HARMLESS = frozenset(_HARMLESS.split())
"""Magics that neither bind a user's name nor change a value."""

_FOREIGN = """
! HTML SVG bash cmd file html javascript js latex markdown perl pypy python python2 python3 ruby script sh svg sx system
writefile
"""
FOREIGN = frozenset(_FOREIGN.split())
"""Magics of whole cells whose body is not Python in this process."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Code that a magic runs, and names that it binds afterwards.

    Parameters
    ----------
    code : str
        What stands on the line.
    binds : tuple of str
        Names for what it captured or measured.
    uses : tuple of str
        Names, dotted perhaps, that its options look up.
    """

    code: str
    binds: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


def parse(code: str) -> ast.Module:
    """Parse a cell in which magics may still stand as typed; no line changes its number.

    Raises
    ------
    SyntaxError
        If the rest is no Python. `ValueError` for text with null bytes, `RecursionError` or `MemoryError` for text
        nested too deeply.

    Examples
    --------
    >>> print(ast.unparse(parse("x = %time f(y)")))
    x = get_ipython().run_line_magic('time', 'f(y)')
    """
    if (first := code.lstrip()).startswith("%%"):
        return ast.parse(_cell_magic(first))
    while True:
        try:
            return ast.parse(code)
        except SyntaxError as error:
            plainer = _with_plain_line(code, error.lineno)
            if plainer is None:
                raise
            code = plainer


def _cell_magic(code: str) -> str:
    line, _, body = code.partition("\n")
    name, _, rest = line[2:].partition(" ")
    return f"get_ipython().run_cell_magic({name!r}, {rest.strip()!r}, {body!r})"


def _with_plain_line(code: str, number: int | None) -> str | None:
    """Code with the magic on a line made plain; None if there is none."""
    lines = code.split("\n")
    if number is None or not 1 <= number <= len(lines):
        return None
    place = last = number - 1
    while place and lines[place - 1].endswith("\\"):
        place -= 1
    while lines[last].endswith("\\") and last + 1 < len(lines):
        last += 1
    text = " ".join(line.removesuffix("\\") for line in lines[place : last + 1])
    plain = plain_line(text)
    if plain is None:
        return None
    return "\n".join([*lines[:place], plain, *[""] * (last - place), *lines[last + 1 :]])


def plain_line(text: str) -> str | None:
    """One line of IPython's syntax as Python; None if it is none."""
    if found := _HELP.match(text):
        return f"{found['indent']}get_ipython().run_line_magic('pinfo', '')"
    found = _LINE.match(text)
    if found is None:
        return None
    before = found["indent"] + (found["target"] or "")
    sign, rest = found["sign"], found["rest"].strip()
    if sign.startswith("!"):
        method = "getoutput" if found["target"] or sign == "!!" else "system"
        return f"{before}get_ipython().{method}({rest!r})"
    if sign.startswith("?"):
        return f"{before}get_ipython().run_line_magic('pinfo', '')"
    name, _, argument = rest.partition(" ")
    return f"{before}get_ipython().run_line_magic({name!r}, {argument.strip()!r})"


def runner(name: str, line: str) -> Runner:
    """Take apart the line of a magic in `RUNNERS`.

    Examples
    --------
    >>> runner("timeit", "-n 10 -r3 clean(df)").code
    'clean(df)'
    >>> runner("capture", "--no-stderr out").binds
    ('out',)
    """
    valued, binds, uses = RUNNERS[name], [], []
    rest = line.strip()
    if name == "capture":
        words = [word for word in rest.split() if not word.startswith("-")]
        return Runner("", tuple(word for word in words[:1] if word.isidentifier()))
    while found := re.match(r"(-[A-Za-z]|--[\w-]+)(\S*)(?:\s+|$)", rest):
        option, value = found[1], found[2]
        if len(option) == 2 and not value and option[1] in valued:
            word = re.match(r"\S*", rest[found.end() :])
            value = word[0] if word else ""
            rest = rest[found.end() + len(value) :].lstrip()
        else:
            rest = rest[found.end() :]
        if name == "timeit" and option == "-v" and value.isidentifier():
            binds.append(value)
        if option == "-f" and name in ("lprun", "mprun"):
            uses.append(value)
    return Runner(rest, tuple(binds), tuple(uses))


_BRACES = re.compile(r"\{([^{}]*)\}")
_DOLLAR = re.compile(r"\$\$?([^\W\d]\w*)")
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_AT = re.compile(r"@\s*([^\W\d]\w*)")
_TABLE = re.compile(r"\b(?:from|join|update|into|describe|summarize|table)\s+\(?\s*\"?([^\W\d]\w*)", re.I)


def interpolated(text: str) -> set[str]:
    """Names that IPython may put the values of into the text of a magic or a system command."""
    found = set(_DOLLAR.findall(text))
    for braces in _BRACES.findall(text):
        found |= words(braces)
    return found


def words(text: str) -> set[str]:
    """All words in a text that could be names, attributes aside."""
    return set(_WORD.findall(text))


def local_variables(text: str) -> set[str]:
    """Names behind ``@`` in an expression for ``DataFrame.query`` or ``eval``."""
    return set(_AT.findall(text))


def sql_tables(text: str) -> set[str]:
    """Names that an SQL statement may take frames from."""
    return set(_TABLE.findall(text))
