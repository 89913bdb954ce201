"""Writes the parts of the documentation that are made from the code: `python -m tests.documents`.

A page keeps its own words; what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced.
`test_documents` fails when a page is not what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from lineageflow_jupyter.config import SETTINGS, Setting

DOCS = Path(__file__).parent.parent / "docs"


def settings_table() -> str:
    """One row for each setting."""
    rows = [
        "| setting | environment variable | takes | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| `{setting.name}` | `{setting.variable}` | {setting.expected} | {_default(setting)} | {setting.help} |"
            for setting in SETTINGS.values()
        ),
    ]
    return "\n".join(rows)


def _default(setting: Setting) -> str:
    return setting.otherwise if setting.default is None else f"`{setting.text(setting.default)}`"


PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {"configuration.md": {"settings": settings_table}}
"""Pages, and for each the functions that write its parts."""


def written(page: str) -> str:
    """Text of a page with its parts as the code has them now."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, write in PARTS[page].items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"docs/{page} has no part between {begin} and {end}")
        text = f"{before}{begin}\n\n{write()}\n\n{end}{after}"
    return re.sub(r"\n{3,}", "\n\n", text)


def main() -> None:
    """Write all pages."""
    for page in PARTS:
        (DOCS / page).write_text(written(page), encoding="utf-8")


if __name__ == "__main__":
    main()
