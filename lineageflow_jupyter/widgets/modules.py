"""What the browser runs: one module for each kind of widget, put together of plain files, the same ones at every start.

A notebook may be saved with the state of its widgets, so that state holds nothing but a small loader and the id of a
module. The browser asks the kernel for the module once a page, whatever number of widgets use it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lineageflow_jupyter.kernel.display import STYLE

STATIC = Path(__file__).parent / "static"
PARTS: dict[str, tuple[str, ...]] = {
    "diff": ("vendor/regular-table.js", "page.js", "grid.js", "diff.js"),
    "resolver": ("page.js", "resolver.js"),
}
"""By kind of widget: its files, each of which may use the names of those before it."""


@dataclass(frozen=True, slots=True)
class Module:
    """Text of a module, and an id that is another one for any other text."""

    id: str
    text: str


@lru_cache
def module(kind: str) -> Module:
    """Return the module of a kind of widget."""
    text = "\n".join([f"const LF_STYLE = {json.dumps(STYLE)};", *map(_bare, PARTS[kind])])
    return Module(hashlib.sha256(text.encode()).hexdigest()[:16], text)


@lru_cache
def loader() -> str:
    """Return the module that fetches the others."""
    return _bare("loader.js")


def _bare(name: str) -> str:
    """Text of a file without comments, a link to a source map among them."""
    lines = (line.strip() for line in (STATIC / name).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
