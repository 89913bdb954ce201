"""The pages that are made from the code are what the code says, and everything in the code is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from lineageflow_jupyter.kernel.arguments import parse
from lineageflow_jupyter.kernel.tokens import split
from lineageflow_jupyter.kernel.verb import Verb
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.model.moments import EXAMPLES
from lineageflow_jupyter.testing.shell import TestingShell
from tests import guide
from tests.documents import PAGES, ROOT, reference

EACH_VERB = pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_what_the_code_says(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page](), "run `make docs` and look at what changed"


@EACH_VERB
def test_every_verb_and_flag_is_documented(verb: Verb) -> None:
    (section,) = re.findall(rf"^## {verb.name}\n(.*?)(?=^## |\Z)", reference(), re.MULTILINE | re.DOTALL)
    for place in verb.positionals:
        assert f"| `{place.metavar}` | {place.help}" in section
    for option in verb.options:
        assert option.help in section
        for flag in option.flags:
            assert flag in section
    assert verb.notes, "say what happens to variables, what is refused, and how it is undone"
    assert all(note in section for note in verb.notes)


@EACH_VERB
def test_every_example_is_a_line_that_the_verb_takes(verb: Verb) -> None:
    assert verb.examples
    for example in verb.examples:
        _, magic, line = example.partition("%lf ")
        assert magic, example
        words = split(line).words
        named = VERBS[words[0].text]
        arguments = parse(named.name, named.positionals, named.options, words[1:], lambda word: word.text)
        assert arguments.values or len(words) == 1
    assert any(f"%lf {verb.name}" in example for example in verb.examples)


def test_the_reference_says_what_a_revision_is() -> None:
    text = reference()
    assert "STEP     = ~N (first parents) | ^N (the N-th parent)" in text
    assert EXAMPLES in text


def test_the_guide_uses_every_verb() -> None:
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    assert [name for name in VERBS if f"%lf {name}" not in text] == []


def test_the_first_lines_of_the_readme_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1]
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"carrier": ["UA", "AA"] * 60, "distance": 500, "air_time": 80.0})
    frame.assign(dep_delay=range(0, 1200, 10)).to_csv("flights.csv", index=False)
    with TestingShell.start() as shell:
        shell.run("import pandas as pd")
        for line in filter(None, first.strip().splitlines()):
            if "@{yesterday}" in line:
                assert "main pointed to nothing then" in shell.refused(line)  # this repository is of today
            else:
                shell.run(line)
        assert shell.user_ns["top"].columns == ["carrier", "speed"]
        shell.run("%unload_ext lineageflow_jupyter")
    told = capsys.readouterr().out
    assert "flights  changed  +1 column (speed)" in told
    assert "without outliers" in told


class TestTheGuidesRunner:
    """It must notice where the guide is wrong, and leave alone what differs from run to run."""

    def page(self, *blocks: str) -> str:
        return "\n".join(("```ipython\n%load_ext lineageflow_jupyter\n%lf init;\n```", *blocks, "The end.\n"))

    def test_answers_are_put_in(self) -> None:
        cell = "```ipython\n1 + 1\n```\n"
        assert guide.answered(self.page(f"{cell}```text\n3\n```")) == self.page(f"{cell}```text\n2\n```")

    def test_what_differs_from_run_to_run_stays(self) -> None:
        cell = "```ipython\n%lf status\n```\n"
        page = self.page(
            f"{cell}```text\non branch main without commits — /home/me/flights-project\nno frames here yet\n```"
        )
        assert guide.answered(page) == page

    def test_an_error_that_the_page_does_not_tell(self) -> None:
        with pytest.raises(Exception, match="no verb 'sing'"):
            guide.answered(self.page("```ipython\n%lf sing\n```\n```text\nla\n```"))

    def test_an_error_that_does_not_come(self) -> None:
        with pytest.raises(AssertionError, match="was not refused"):
            guide.answered(self.page("```ipython\n%lf status\n```\n```text refused\nno\n```"))

    def test_an_answer_without_a_cell(self) -> None:
        with pytest.raises(guide.GuideError, match="follows no cell"):
            guide.answered(self.page("```ipython\n1\n```\n\nWords between.\n\n```text\n1\n```"))

    def test_notebooks_are_workspaces_of_their_own(self) -> None:
        cells = "```ipython\n%lf tag;\n```\n```ipython other.ipynb\nlen((%lf workspace).report)\n```\n"
        cells = cells.replace("len((%lf workspace).report)", "found = %lf workspace\nlen(found.report)")
        assert "```text\n2\n```" in guide.answered(self.page(f"{cells}```text\n```"))
