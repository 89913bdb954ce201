"""A name that does not exist is answered with those that come close."""

from __future__ import annotations

from uuid import uuid4

import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.kernel import completion
from lineageflow_jupyter.model.records import Publication, RefChange
from lineageflow_jupyter.testing.shell import TestingShell


@pytest.fixture
def tagged(committed: TestingShell) -> TestingShell:
    """The notebook with a tag and another branch."""
    committed.run("%lf branch feature;")
    with lf.open(".") as repository:
        tip = repository.resolve("HEAD").id
    catalog = SqlCatalog.open(".lineageflow/catalog.sqlite")
    catalog.publish(Publication(str(uuid4()), "tag", "", 0, refs=(RefChange("release-1", "tag", None, tip),)))
    catalog.close()
    return committed


@pytest.mark.parametrize(
    ("line", "close"),
    [
        ("%lf comit flights -m x", "commit"),
        ("%lf help chekout", "checkout"),
        ("%lf commit flights --mesage x", "--message"),
        ("%lf commit flihgts -m x", "flights"),
        ("%lf commit flights --key carier -m x", "carrier"),
        ("%lf commit flights --branch faeture -m x", "feature"),
        ("%lf show mian", "main"),
        ("%lf show relaese-1", "release-1"),
        ("%lf switch feture", "feature"),
        ("%lf read flihgts", "flights"),
        ("%lf read main:flihgts", "flights"),
        ("%lf read release-2:flights", "release-1"),
        ("%lf log flihgts", "flights"),
        ("%lf checkout main plains", "planes"),
        ("%lf read flights --columns carier", "carrier"),
        ("%lf read flights --engine pandsa", "pandas"),
        ("%lf config autor_name Ada", "author_name"),
        ("%lf read {brnch}:flights", "branch"),
    ],
)
def test_close_names_are_listed(tagged: TestingShell, line: str, close: str) -> None:
    tagged.user_ns["branch"] = "main"
    told = tagged.refused(line)
    assert "did you mean" in told.lower(), told
    assert close in told.lower().partition("did you mean")[2]


def test_tags_are_completed(tagged: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "SECONDS", 60.0)
    assert tagged.completions("%lf show rel") == ["%lf show release-1"]
    assert tagged.completions("%lf read release-1:fl") == ["%lf read release-1:flights"]
