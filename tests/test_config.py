"""Settings: what they may be, who says so, and what they do to a repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineageflow_jupyter as lf
from lineageflow_jupyter import config
from lineageflow_jupyter.config import (
    DEFAULT,
    ENVIRONMENT,
    GIT,
    SESSION,
    SETTINGS,
    Setting,
    process_workspace,
    settings,
)
from lineageflow_jupyter.errors import InvalidSetting
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.opening import glance


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


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_is_described(setting: Setting) -> None:
    assert setting.variable == f"LINEAGEFLOW_{setting.name.upper()}"
    assert setting.help
    assert setting.expected
    assert (setting.default is None) == bool(setting.otherwise)
    if setting.default is not None:
        assert setting.read(setting.default) == setting.default
        assert setting.read(setting.text(setting.default)) == setting.default
    assert all(setting.text(setting.read(choice)) == choice for choice in setting.choices)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("author_name", " Zoë Ω ", "Zoë Ω"),
        ("author_name", "آرش\u200cنام", "آرش\u200cنام"),  # the joiner belongs to the spelling
        ("workspace", "nightly job", "nightly job"),
        ("branch", "feature/a", "feature/a"),
        ("cache", "TRUE", True),
        ("cache", "off", False),
        ("cache", False, False),
        ("cache_bytes", "0", 0),
        ("cache_bytes", 1_000, 1_000),
        ("cache_bytes", "512kB", 512_000),
        ("cache_bytes", "2 GB", 2_000_000_000),
        ("cache_bytes", "1.5gib", 3 * 2**29),
        ("cache_bytes", "0.1 GB", 100_000_000),
        ("log_length", "007", 7),
        ("log_length", 50, 50),
    ],
)
def test_values_that_can_be_read(name: str, given: object, expected: object) -> None:
    assert SETTINGS[name].read(given) == expected


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("author_name", ""),
        ("author_name", "a\nb"),
        ("author_name", "a\x1b[2J"),
        ("author_name", "half \ud800"),
        ("author_name", 5),
        ("workspace", "  "),
        ("branch", "a..b"),
        ("branch", "HEAD"),
        ("branch", "two words"),
        ("cache", "perhaps"),
        ("cache", ""),
        ("cache", 1),
        ("cache", None),
        ("cache_bytes", "-1"),
        ("cache_bytes", -1),
        ("cache_bytes", "1.5"),
        ("cache_bytes", "1e9"),
        ("cache_bytes", "4 gigs"),
        ("cache_bytes", "9" * 5_000),
        ("cache_bytes", "٤ GB"),
        ("cache_bytes", "99999999 TiB"),
        ("cache_bytes", True),
        ("cache_bytes", 1.5),
        ("log_length", "0"),
        ("log_length", "-3"),
        ("log_length", "many"),
        ("log_length", "1" * 10),
        ("log_length", True),
    ],
)
def test_values_that_cannot_be_read_are_named_with_what_was_expected(name: str, given: object) -> None:
    with pytest.raises(InvalidSetting) as caught:
        SETTINGS[name].read(given, "PLACE")
    text = str(caught.value)
    assert text.startswith(f"PLACE must be {SETTINGS[name].expected}, ")
    assert "\n" not in text
    assert len(text) < 300


@given(st.integers(0, 2**63 - 1))
def test_sizes_are_shown_as_they_are_read(count: int) -> None:
    setting = SETTINGS["cache_bytes"]
    assert setting.read(setting.text(count)) == count


# --- who says so -----------------------------------------------------------------------------------------------------


def test_the_session_goes_before_the_environment_and_that_before_git_and_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_says("[user]\n name = Git\n", tmp_path / "gitconfig", monkeypatch)
    monkeypatch.chdir(tmp_path)
    environment = {"LINEAGEFLOW_AUTHOR_NAME": "Env", "LINEAGEFLOW_LOG_LENGTH": "5"}
    found = settings(environment, overrides={"author_name": "Session", "log_length": 9, "branch": None})
    assert [(found.author.name, found.log_length), (found.branch, found.cache)] == [("Session", 9), ("main", True)]
    assert [found.found[name].source for name in ("author_name", "branch")] == [SESSION, DEFAULT]
    found = settings(environment)
    assert (found.author.name, found.log_length, found.found["log_length"].source) == ("Env", 5, ENVIRONMENT)
    found = settings({})
    assert (found.author.name, found.found["author_name"].source) == ("Git", GIT)


def test_an_address_from_git_goes_with_its_name_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says("[user]\n name = Git\n email = git@example.org\n", tmp_path / "gitconfig", monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert settings({}, overrides={"author_name": "Ada"}).author == Author("Ada")
    assert settings({}, overrides={"author_email": "ada@example.org"}).author == Author("Git", "ada@example.org")


def test_an_empty_variable_is_not_set() -> None:
    assert settings({"LINEAGEFLOW_CACHE": " ", "LINEAGEFLOW_BRANCH": ""}).branch == "main"


def test_a_bad_value_is_an_error_of_what_needs_it_and_of_nothing_else() -> None:
    found = settings({"LINEAGEFLOW_CACHE": "perhaps", "LINEAGEFLOW_AUTHOR_NAME": "Ada"})
    assert (found.author.name, found.log_length) == ("Ada", 20)
    with pytest.raises(InvalidSetting, match="LINEAGEFLOW_CACHE must be true or false, 'perhaps' found"):
        _ = found.cache
    assert settings({"LINEAGEFLOW_CACHE": "perhaps"}, overrides={"cache": True}).cache is True


def test_every_setting_has_a_property() -> None:
    found = settings({"LINEAGEFLOW_AUTHOR_NAME": "Ada"})
    for name, setting in SETTINGS.items():
        if not name.startswith("author"):
            assert getattr(found, name) == (setting.default if setting.default is not None else "")


# --- repositories ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the branches `main` and `dev`."""
    with lf.init(tmp_path / "repository") as repository:
        repository.commit({"a": pd.DataFrame({"x": [1]})}, message="first")
        repository.branch("dev")
    return tmp_path / "repository"


def test_a_workspace_with_a_name_of_its_own_has_the_same_head_each_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGEFLOW_WORKSPACE", "nightly")
    with lf.open(folder) as first:
        first.switch("dev")
    monkeypatch.setattr("socket.gethostname", lambda: "another-container")
    monkeypatch.setenv("JPY_SESSION_NAME", "run-2.ipynb")
    with lf.open(folder) as second:
        assert second.head == first.head
    monkeypatch.delenv("LINEAGEFLOW_WORKSPACE")
    with lf.open(folder) as other:
        assert other.head.branch == "main"


def test_a_new_workspace_starts_on_the_branch_that_is_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGEFLOW_BRANCH", "dev")
    with lf.open(folder, workspace=lf.WorkspaceName("ada", "", "new")) as repository:
        assert repository.head.branch == "dev"
    monkeypatch.setenv("LINEAGEFLOW_BRANCH", "main")
    with lf.open(folder, workspace=lf.WorkspaceName("ada", "", "new")) as repository:
        assert repository.head.branch == "dev"


def test_the_first_branch_of_a_new_repository(tmp_path: Path) -> None:
    with lf.init(tmp_path, overrides={"branch": "trunk"}) as repository:
        repository.commit({"a": pd.DataFrame({"x": [1]})}, message="first")
        assert [ref.name for ref in repository.branches()] == ["trunk"]


def test_a_branch_that_is_set_and_does_not_exist_is_refused(folder: Path) -> None:
    name = lf.WorkspaceName("ada", "", "new")
    with pytest.raises(InvalidSetting, match=r"says 'develop', and there is no such branch\. Did you mean dev"):
        lf.open(folder, workspace=name, overrides={"branch": "develop"})
    with lf.open(folder, workspace=name) as repository:
        assert repository.head.branch == "main"


def test_nothing_is_created_under_a_setting_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGEFLOW_BRANCH", "a..b")
    with pytest.raises(InvalidSetting, match="LINEAGEFLOW_BRANCH"):
        lf.init(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_author_is_asked_for_at_each_commit(folder: Path) -> None:
    overrides = {"author_name": "Ada"}
    with lf.open(folder, overrides=overrides) as repository:
        overrides["author_name"] = "Grace"
        repository.commit({"a": pd.DataFrame({"x": [2]})}, message="second")
        assert repository.log(limit=1)[0].commit.author.name == "Grace"


def test_a_mistyped_size_of_the_cache_stops_no_commit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGEFLOW_CACHE", "perhaps")
    monkeypatch.setenv("LINEAGEFLOW_CACHE_BYTES", "much")
    with lf.open(folder) as repository:
        assert repository.commit({"a": pd.DataFrame({"x": [3]})}, message="third").created


def test_looking_at_a_repository_changes_nothing(folder: Path) -> None:
    name = lf.WorkspaceName("ada", "", "never seen")

    def content() -> dict[str, bytes]:
        return {
            str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and "sqlite-" not in path.name
        }

    before = content()
    with glance(folder, name, {"branch": "dev"}) as repository:
        assert repository.head.branch == "dev"
        assert repository.dataset_names() == ("a",)
        assert repository.column_names("main:a") == ("x",)
    assert content() == before
    with lf.open(folder, workspace=name) as repository:
        assert repository.head.branch == "main"
