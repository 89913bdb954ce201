"""Writes the documentation that is made from the code: `make docs`.

The reference comes from the verbs. The guide is written by hand, and its answers are those that its lines give when
they are run. Other pages keep their own words: what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is
replaced. `test_documents` fails when a page is not what the code says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lineageflow_jupyter.config import SETTINGS, Setting
from lineageflow_jupyter.kernel.arguments import HELP, Option, Positional
from lineageflow_jupyter.kernel.verb import Verb
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.model import moments, revisions
from tests import guide
from tests.cli import documents as parsers
from tests.openapi import openapi

ROOT = Path(__file__).parent.parent


def reference() -> str:
    """`docs/reference.md`: every verb and flag, and what may be typed for a revision."""
    return "\n".join([*_opening(), *_revisions(), *(line for verb in VERBS.values() for line in _verb(verb))])


def _opening() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Every verb of the `%lf` magic with what it takes, made from the verbs themselves by `make docs`. The"
    yield "[guide](guide.md) goes task by task; `%lf help VERB` shows the same as here."
    yield ""
    yield from _table(
        ("verb", "what it does"), [(f"[`{verb.name}`](#{verb.name})", verb.summary) for verb in VERBS.values()]
    )
    yield ""
    yield "What holds for all lines:"
    yield ""
    yield "- Words are parted and quoted as in a shell; ` # ` begins a comment. One verb a line."
    yield "- A last `;` keeps the answer quiet. Every answer is an object: `x = %lf log` has `x.report`."
    yield "- `$name`, `${name}` and `{name}` put a variable that holds text into names and revisions, not messages."
    yield "- A word that begins with a dash is a flag unless it is quoted; `--` parts revisions from datasets."
    yield f"- {_flags(HELP)} of each verb shows its help."
    yield ""


def _revisions() -> Iterator[str]:
    doc = inspect.getdoc(revisions) or ""
    yield "## Revisions"
    yield ""
    yield "What may be typed wherever a `REV` is taken:"
    yield ""
    yield "```text"
    yield from inspect.cleandoc(doc.partition("::\n")[2]).splitlines()
    yield "```"
    yield ""
    yield "A short id has at least 4 digits. `main@{1}` is where `main` pointed one move ago, `HEAD@{1}` the same of"
    yield "HEAD in this notebook, `@{1}` of its branch, `@{-1}` the branch before, `stash@{0}` the latest stash."
    yield "`flights@{cell:1f2e3d4}` is a frame as a cell left it, wherever one table is named: by the id of a run, of"
    yield "at least 4 digits, or by a number with fewer, which is that of a cell of this notebook, as in [7], and means"
    yield "its latest run. A number of 4 to 6 digits may be both, and is refused where it is."
    yield ""
    yield f"A moment is an ISO date or time, or words. {moments.EXAMPLES}."
    yield "A bare date means the end of that day. Text with blanks needs quotes: `'main@{2 days ago}'`."
    yield ""
    yield f"Names of branches, tags and datasets have up to {revisions.MAX_NAME_BYTES} bytes, in any script; white"
    yield "space, `: @ ~ ^ { }`, `..` and signs that cannot be seen are refused."
    yield ""


def _verb(verb: Verb) -> Iterator[str]:
    yield f"## {verb.name}"
    yield ""
    yield f"{verb.summary[0].upper()}{verb.summary[1:]}."
    yield ""
    yield "```text"
    yield verb.usage
    yield "```"
    yield ""
    for note in verb.notes:
        yield note
        yield ""
    rows = [(f"`{place.metavar}`", _meaning(place)) for place in verb.positionals]
    rows += [(_flags(option), option.help) for option in verb.options]
    if rows:
        yield from _table(("argument", "meaning"), rows)
        yield ""
    yield "```ipython"
    yield from verb.examples
    yield "```"
    yield ""


def _meaning(place: Positional) -> str:
    return place.help + (" (several may be named)" if place.many else "")


def _flags(option: Option) -> str:
    value = f" {option.metavar}{'…' * option.many}" if option.metavar else ""
    return f"`{', '.join(option.flags)}{value}`"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"| {' | '.join('---' for _ in headers)} |"
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def configuration() -> str:
    """`docs/configuration.md` with a row for each setting."""
    rows = [
        (f"`{setting.name}`", f"`{setting.variable}`", setting.expected, _default(setting), setting.help)
        for setting in SETTINGS.values()
    ]
    table = _table(("setting", "environment variable", "takes", "default", "meaning"), rows)
    return filled("docs/configuration.md", "settings", "\n".join(table))


def _default(setting: Setting) -> str:
    return setting.otherwise if setting.default is None else f"`{setting.text(setting.default)}`"


def command_line() -> str:
    """`docs/command-line.md` with the verbs and flags of the parsers."""
    return filled("docs/command-line.md", "verbs", parsers.reference())


def filled(page: str, name: str, content: str) -> str:
    """Text of a page with other content between the marks of a part."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = (ROOT / page).read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no part between {begin} and {end}")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def guide_page() -> str:
    """`docs/guide.md` with the answers that its lines give now."""
    return guide.answered((ROOT / "docs/guide.md").read_text(encoding="utf-8"))


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference.md": reference,
    "docs/guide.md": guide_page,
    "docs/configuration.md": configuration,
    "docs/command-line.md": command_line,
    "docs/openapi.yaml": openapi,
}
"""Pages that are made from the code, and what makes them."""


def main() -> None:
    """Write all pages."""
    for page, write in PAGES.items():
        (ROOT / page).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
