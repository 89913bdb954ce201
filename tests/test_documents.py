"""The parts of the documentation that are made from the code are up to date."""

from __future__ import annotations

import pytest

from tests.documents import DOCS, PARTS, written


@pytest.mark.parametrize("page", PARTS)
def test_pages_say_what_the_code_says(page: str) -> None:
    """If this fails: run `python -m tests.documents` and read what changed."""
    assert (DOCS / page).read_text(encoding="utf-8") == written(page)
