"""Settings in a session: `%lf config`, `%config`, configuration files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lineageflow_jupyter as lf
from lineageflow_jupyter.config import SETTINGS
from lineageflow_jupyter.kernel.configuration import LineageFlow
from lineageflow_jupyter.testing.shell import TestingShell


def author(shell: TestingShell) -> str:
    """Who made the last commit."""
    with lf.open(".") as repository:
        return repository.log(limit=1)[0].commit.author.name


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestingShell]:
    """A shell without the extension, for configuration that is there before."""
    monkeypatch.chdir(tmp_path)
    with TestingShell.start() as shell:
        yield shell
        lf.unload_ipython_extension(shell)


def test_every_setting_has_a_documented_trait_and_every_trait_is_a_setting() -> None:
    traits = LineageFlow.class_own_traits(config=True)
    assert set(traits) == set(SETTINGS)
    for name, trait in traits.items():
        assert SETTINGS[name].help in trait.help
        assert SETTINGS[name].variable in trait.help
        assert trait.default() is None


def test_a_value_of_the_session_counts_from_now_on(committed: TestingShell) -> None:
    assert author(committed) == "Ada"
    for line, name in (
        ('%lf config author_name "Grace Hopper"', "Grace Hopper"),
        ('%config LineageFlow.author_name = "Zoë"', "Zoë"),
        ("%lf config author_name --unset", "Ada"),
    ):
        committed.run(line)
        committed.run("flights = flights.assign(id=flights.id + 1)")
        committed.run("%lf commit flights -m change;")
        assert author(committed) == name


def test_all_settings_are_shown_with_where_they_come_from(
    notebook: TestingShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGEFLOW_LOG_LENGTH", "7")
    notebook.run("%lf config cache_bytes 500MB")
    told = str(notebook.run("%lf config")).splitlines()
    rows = {line.split()[0]: line for line in told}
    assert set(SETTINGS) < set(rows)
    assert "7  " in rows["log_length"]
    assert "LINEAGEFLOW_LOG_LENGTH" in rows["log_length"]
    assert "500000000" in rows["cache_bytes"]
    assert "session" in rows["cache_bytes"]
    assert "default" in rows["branch"]
    assert "Ada" in rows["author_name"]
    assert all(SETTINGS[name].help in rows[name] for name in SETTINGS)


def test_one_setting_is_shown(notebook: TestingShell) -> None:
    answer = notebook.run("%lf config branch")
    assert [found.value for found in answer.report] == ["main"]
    assert "cache" not in str(answer)


def test_a_value_that_cannot_be_read_is_shown_as_such(notebook: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGEFLOW_CACHE", "perhaps")
    told = str(notebook.run("%lf config"))
    assert "cannot be read" in told
    assert "LINEAGEFLOW_CACHE must be true or false, 'perhaps' found" in told
    notebook.run("%lf commit flights -m raw;")
    notebook.run("%lf config cache on;")
    assert "cannot be read" not in str(notebook.run("%lf config"))
    assert "LINEAGEFLOW_CACHE must be true or false" in str(notebook.run("%lf config cache --unset"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%lf config cache_byte 5", "did you mean cache_bytes"),
        ("%lf config cache_bytes five", "cache_bytes must be a number of bytes such as 500 MB or 4 GiB, 'five' found"),
        ("%lf config branch a..b", "branch must be the name of a branch, 'a..b' found"),
        ('%lf config author_name ""', "author_name must be a name in one line, '' found"),
        ("%lf config log_length 5 --unset", "both found"),
        ("%lf config --unset", "needs the NAME"),
        ("%lf config cache_bytes 5 GB", "'GB'"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(notebook: TestingShell, line: str, told: str) -> None:
    before = str(notebook.run("%lf config"))
    assert told in notebook.refused(line)
    assert str(notebook.run("%lf config")) == before


def test_a_bad_value_by_traitlets_is_refused(notebook: TestingShell, caplog: pytest.LogCaptureFixture) -> None:
    notebook.run("%config LineageFlow.cache = 'perhaps'")
    assert "LineageFlow.cache must be true or false, 'perhaps' found" in caplog.text
    assert "default" in str(notebook.run("%lf config cache"))


def test_traitlets_shows_the_settings(notebook: TestingShell, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("%config LineageFlow")
    told = " ".join(capsys.readouterr().out.split())
    assert all(f"LineageFlow.{name}=" in told for name in SETTINGS)
    assert "None leaves it to LINEAGEFLOW_WORKSPACE." in told


def test_a_configuration_file_is_followed(bare: TestingShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGEFLOW_AUTHOR_NAME", "Ada")
    bare.config.LineageFlow.author_name = "From File"
    bare.config.LineageFlow.cache_bytes = "1 GiB"
    bare.run("%load_ext lineageflow_jupyter")
    told = str(bare.run("%lf config"))
    assert "From File  configuration file" in told
    assert "1 GiB" in told
    bare.run("%lf config author_name Session;")
    assert "Session  session" in str(bare.run("%lf config author_name"))
    bare.run("%reload_ext lineageflow_jupyter")
    assert "From File  configuration file" in str(bare.run("%lf config author_name"))


def test_a_bad_value_in_a_file_is_named_and_left_out(bare: TestingShell, capsys: pytest.CaptureFixture[str]) -> None:
    bare.config.LineageFlow.author_name = "From File"
    bare.config.LineageFlow.cache_bytes = "much"
    bare.run("%load_ext lineageflow_jupyter")
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("LineageFlow: c.LineageFlow.cache_bytes must be a number of bytes")
    assert len(told) == 2
    assert "From File" in str(bare.run("%lf config author_name"))
    assert "4 GiB  default" in str(bare.run("%lf config cache_bytes"))


def test_unloading_takes_the_settings_away(notebook: TestingShell) -> None:
    notebook.run("%unload_ext lineageflow_jupyter")
    assert not [known for known in notebook.configurables if isinstance(known, LineageFlow)]
    notebook.run("%load_ext lineageflow_jupyter")
    assert len([known for known in notebook.configurables if isinstance(known, LineageFlow)]) == 1


def test_another_workspace_is_used_from_the_next_opening_on(committed: TestingShell) -> None:
    committed.run("%lf branch dev")
    told = str(committed.run("%lf config workspace nightly"))
    assert "stays with the workspace that it was opened for; `%lf open " in told
    before = committed.run("%lf open .").report.head.workspace
    committed.run("%lf switch dev")
    committed.run("%lf config workspace --unset")
    assert committed.run("%lf open .").report.head.workspace != before
    committed.run("%lf config workspace nightly")
    head = committed.run("%lf open .").report.head
    assert (head.workspace, head.branch) == (before, "dev")


def test_a_workspace_that_is_named_first_is_used_by_the_first_verb(committed: TestingShell) -> None:
    committed.run("%reload_ext lineageflow_jupyter")
    assert "stays" not in str(committed.run("%lf config workspace nightly"))
    committed.run("%lf status;")
    with lf.open(".", overrides={"workspace": "nightly"}) as repository:
        named = repository.head.workspace
    assert committed.run("%lf open .").report.head.workspace == named


def test_another_first_branch_is_for_new_workspaces(committed: TestingShell) -> None:
    committed.run("%lf branch dev")
    assert "this one stays on main" in str(committed.run("%lf config branch dev"))
    assert committed.run("%lf open .").report.head.branch == "main"
    committed.run("%lf config workspace fresh")
    assert committed.run("%lf open .").report.head.branch == "dev"


def test_a_first_branch_that_does_not_exist_is_refused_when_it_is_needed(committed: TestingShell) -> None:
    committed.run("%lf config branch mian")
    told = committed.refused("%lf open .")
    assert "there is no such branch. Did you mean main?" in told
    assert committed.run("%lf status").report.branch == "main"
