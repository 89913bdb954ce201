"""An operation that has taken effect and is then interrupted, or cannot be written to the journal, is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pytest
from IPython.core.error import UsageError

from lineageflow_jupyter.errors import StorageFull
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.testing.shell import TestingShell
from lineageflow_jupyter.testing.stores import FailingStore

LINES = (
    "%lf switch dev",
    "%lf checkout dev",
    "%lf reset --hard dev",
    "%lf stash",
    "%lf stash pop --force",
    "%lf restore flights --source dev",
    "%lf undo",
)


@pytest.fixture
def edited(committed: TestingShell) -> TestingShell:
    """The branch `dev` holds another version of `flights`, there is a stash, and `planes` holds changes."""
    committed.run("%lf switch -c dev;\nflights['x'] = 1\n%lf commit -m other;")
    committed.run("%lf switch main;\nflights['y'] = 2\n%lf stash;")
    committed.run("%lf switch dev;\n%lf switch main;")
    return committed


def repository_of(shell: TestingShell) -> Repository:
    magic: Any = shell.magics_manager.magics["line"]["lf"]
    repository: Repository = magic.__self__.session.repository
    return repository


@contextmanager
def journal_fails(repository: Repository, error: Any) -> Iterator[None]:
    publisher: Any = repository._publisher
    store = publisher._store
    publisher._store = FailingStore(store, error, times=1, keys="journal/")
    try:
        yield
    finally:
        publisher._store = store


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("error", "raised", "told"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt(), None),
        (StorageFull("no space left"), UsageError(), "journal could not be written"),
    ],
)
def test_head_and_variables_stay_together(
    edited: TestingShell, line: str, error: BaseException, raised: BaseException, told: str | None
) -> None:
    if line == "%lf stash":
        edited.run("planes['z'] = 3")
    repository = repository_of(edited)
    head, tips = repository.head, {ref.name: ref.commit for ref in repository.branches()}
    before = {name: edited.user_ns[name] for name in ("flights", "planes")}
    with journal_fails(repository, error), pytest.raises(type(raised), match=told):
        edited.run(line)
    assert repository.head.branch == head.branch
    assert {name: seen(repository, name) for name in before} == {
        name: repository._history.tree(head.bases[name]).get(name) for name in before
    }
    assert {ref.name: ref.commit for ref in repository.branches()} == tips
    assert all(edited.user_ns[name] is frame for name, frame in before.items())
    assert repository.fsck() > 0
    edited.run(line)  # and it can be done again


def seen(repository: Repository, name: str) -> object:
    return repository._workspace.seen(name)


def test_the_journal_is_complete_afterwards(edited: TestingShell) -> None:
    repository = repository_of(edited)
    with journal_fails(repository, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        edited.run("%lf switch dev")
    edited.run("%lf switch dev")
    assert list(repository._catalog.outbox()) == []
    pd.testing.assert_frame_equal(edited.user_ns["flights"], repository.read("dev:flights"))
