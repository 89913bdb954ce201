"""What the browser runs: whole, offline, and as its authors built it."""

from __future__ import annotations

import hashlib
import re

import pytest

from lineageflow_jupyter.widgets.modules import PARTS, STATIC, loader, module


def test_what_others_wrote_is_as_they_built_it() -> None:
    lines = (STATIC / "vendor" / "README.md").read_text().splitlines()
    told = {
        file: (licence.split(", ")[1], digest)
        for file, _, licence, digest in (
            [cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| [\w-]+\.js ", line)
        )
    }
    found = {path.name for path in (STATIC / "vendor").glob("*.js")}
    used = {name.removeprefix("vendor/") for parts in PARTS.values() for name in parts if "/" in name}
    assert set(told) == found == used
    for name, (licence, digest) in told.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest
        assert "Apache License" in (STATIC / "vendor" / licence).read_text()


@pytest.mark.parametrize("kind", PARTS)
def test_nothing_is_loaded_from_elsewhere(kind: str) -> None:
    for text in (module(kind).text, loader()):
        assert not re.search(r"https?://|@import|sourceMappingURL|\bimport\s*[{'\"]|\beval\b", text)
        assert "innerHTML" not in text.replace(module_of_others(), "")


def module_of_others() -> str:
    return (STATIC / "vendor" / "regular-table.js").read_text().splitlines()[0]


def test_a_module_has_the_id_of_its_text() -> None:
    found = {kind: module(kind) for kind in PARTS}
    assert len({each.id for each in found.values()}) == len({each.text for each in found.values()}) == len(PARTS)
    assert all(len(each.text) < 60_000 for each in found.values())
