"""Who commits, and from which workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineageflow_jupyter import config
from lineageflow_jupyter.config import process_workspace, settings
from lineageflow_jupyter.errors import UsageProblem
from lineageflow_jupyter.model.objects import Author


@pytest.fixture(autouse=True)
def _git_asked_anew() -> Iterator[None]:
    config._git_author.cache_clear()
    yield
    config._git_author.cache_clear()


def git_says(text: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says("[user]\n name = Git\n email = git@example.org\n", tmp_path / "gitconfig", monkeypatch)
    found = settings({"LINEAGEFLOW_AUTHOR_NAME": "Ada", "LINEAGEFLOW_AUTHOR_EMAIL": "ada@example.org"})
    assert found.author == Author("Ada", "ada@example.org")


def test_then_git_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says("[user]\n name = Zoë Ω\n email = zoe@example.org\n", tmp_path / "gitconfig", monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert settings({}).author == Author("Zoë Ω", "zoe@example.org")


def test_an_address_alone_may_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says("[user]\n name = Git\n email = git@example.org\n", tmp_path / "gitconfig", monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert settings({"LINEAGEFLOW_AUTHOR_EMAIL": "work@example.org"}).author == Author("Git", "work@example.org")


def test_without_git_it_is_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = settings({})
    assert found.author == Author(found.user)
    assert found.user


def test_a_workspace_is_known_by_its_notebook() -> None:
    assert process_workspace(settings({"JPY_SESSION_NAME": "work/a.ipynb"})).path == "work/a.ipynb"


def test_without_notebook_it_is_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert process_workspace(settings({})).path == f"{tmp_path}#{os.getpid()}"


def test_the_cache_is_on_and_can_be_bounded_or_turned_off() -> None:
    assert (settings({}).cache, settings({}).cache_bytes) == (True, 4 * 2**30)
    assert settings({"LINEAGEFLOW_CACHE": "0"}).cache is False
    assert settings({"LINEAGEFLOW_CACHE": " 1 ", "LINEAGEFLOW_CACHE_BYTES": ""}).cache is True
    assert settings({"LINEAGEFLOW_CACHE_BYTES": "5000000"}).cache_bytes == 5_000_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINEAGEFLOW_CACHE", "yes"), ("LINEAGEFLOW_CACHE", "2"), ("LINEAGEFLOW_CACHE_BYTES", "4 GB"),
        ("LINEAGEFLOW_CACHE_BYTES", "-1"), ("LINEAGEFLOW_CACHE_BYTES", "²"), ("LINEAGEFLOW_CACHE_BYTES", "9" * 30),
    ],
)  # fmt: skip
def test_values_that_mean_nothing_are_refused(name: str, value: str) -> None:
    with pytest.raises(UsageProblem, match=name):
        settings({name: value})
