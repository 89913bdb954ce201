"""Blame and history go on where a dataset got its name, into the one that it had before."""

from __future__ import annotations

from uuid import uuid4

import pandas as pd
import pytest

from lineageflow_jupyter.model.objects import Author, Commit, encode_commit
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.repository import Repository
from tests.blame.histories import publish
from tests.blame.test_blame import said

FRAME = pd.DataFrame({"id": [1, 2, 3], "x": [1.5, 2.5, 3.5]})


def commit(repo: Repository, name: str, message: str, frame: pd.DataFrame = FRAME) -> None:
    assert repo.commit({name: frame}, message=message, keys={name: ["id"]}).created


def see(repo: Repository, *names: str) -> None:
    for name in names:
        repo.read(name)


def squashed(repo: Repository, tree_of: str, *parents: str) -> str:
    """Id of a commit that holds what another one holds, on top of parents of its own."""
    records = [repo.resolve(parent) for parent in parents]
    tree = repo.resolve(tree_of).commit.tree
    made = Commit(tree, tuple(record.id for record in records), Author("Ada", ""), 1, 0, "squashed")
    before, after = (repo._objects.tree(oid) for oid in (records[0].commit.tree, tree))
    names = sorted({each.dataset for each in (*before.entries, *after.entries)})
    changed = tuple(name for name in names if before.get(name) != after.get(name))
    generation = 1 + max(record.generation for record in records)
    publish(repo, uuid4().hex, CommitRecord(encode_commit(made)[0], made, generation, changed))
    return encode_commit(made)[0].hex()


@pytest.fixture
def told(repo: Repository) -> Repository:
    """A dataset t that gets the name s between two edits, and a new t."""
    commit(repo, "t", "raw")
    commit(repo, "t", "before", FRAME.assign(x=[1.5, 0.0, 3.5]))
    repo.rename("t", "s", message="named")
    repo.read("s")
    commit(repo, "s", "after", FRAME.assign(x=[1.5, 0.0, 9.0]).iloc[1:].reset_index(drop=True))
    return repo


def test_blame_goes_on_into_the_old_name(told: Repository) -> None:
    assert said(told.blame("s")) == {"id": ["raw", "raw"], "x": ["before", "after"]}
    assert said(told.blame("HEAD~1:s")) == {"id": ["raw"] * 3, "x": ["raw", "before", "raw"]}


def test_so_does_the_history_of_a_row(told: Repository) -> None:
    found = [(each.operation, each.commit.commit.message) for each in told.history("s", row={"id": 2})]
    assert found == [("update", "before"), ("insert", "raw")]
    found = [(each.operation, each.commit.commit.message) for each in told.history("s", row={"id": 1})]
    assert found == [("delete", "after"), ("insert", "raw")]


def test_a_name_that_is_used_again(told: Repository) -> None:
    told.add(["t"])
    commit(told, "t", "another", FRAME.assign(x=7.0))
    assert set(said(told.blame("t"))["x"]) == {"another"}
    told.remove(["t"])
    told.rename("s", "t")
    assert said(told.blame("t")) == {"id": ["raw", "raw"], "x": ["before", "after"]}


def test_a_copy_is_new(repo: Repository) -> None:
    commit(repo, "t", "raw")
    commit(repo, "s", "copy")
    assert set(said(repo.blame("s"))["x"]) == {"copy"}


def test_an_empty_one_is_new(repo: Repository) -> None:
    commit(repo, "t", "raw")
    commit(repo, "t", "emptied", FRAME.iloc[:0])
    repo.rename("t", "s")
    commit(repo, "s", "filled")
    assert set(said(repo.blame("s"))["x"]) == {"filled"}
    assert [each.commit.commit.message for each in repo.history("s", row={"id": 1})] == ["filled"]


def test_changed_and_renamed_in_one_commit_is_new(told: Repository) -> None:
    assert set(said(told.blame(f"{squashed(told, 'HEAD', 'HEAD~2')}:s"))["x"]) == {"squashed"}


def test_which_of_two_equal_ones_it_was_nobody_can_say(repo: Repository) -> None:
    commit(repo, "t", "raw")
    commit(repo, "u", "twin")
    repo.rename("t", "s")
    assert set(said(repo.blame("s"))["x"]) == {"raw"}  # u is still there
    repo.rename("u", "v")
    assert set(said(repo.blame("v"))["x"]) == {"twin"}
    assert set(said(repo.blame(f"{squashed(repo, 'HEAD', 'HEAD~2')}:s"))["x"]) == {"squashed"}


def test_renamed_on_a_branch_and_edited_there(repo: Repository) -> None:
    commit(repo, "t", "raw")
    repo.switch("side", create=True)
    repo.rename("t", "s")
    repo.read("s")
    commit(repo, "s", "edit", FRAME.assign(x=[1.5, 2.5, 8.0]))
    repo.switch("main")
    commit(repo, "other", "between")
    repo.merge("side")
    assert said(repo.blame("s")) == {"id": ["raw"] * 3, "x": ["raw", "raw", "edit"]}


def test_two_that_became_one_are_told_by_their_commit_once(repo: Repository) -> None:
    both = {"s": FRAME, "t": FRAME.assign(x=[4.0, 5.0, 6.0])}
    repo.commit(both, message="raw", keys={"s": ["id"], "t": ["id"]})
    for branch, other, name in (("a", "t", "s"), ("b", "s", "t")):
        repo.switch(branch, create=True, at="main")
        see(repo, other, name)
        repo.remove([other])
        repo.rename(name, "u")
    repo.switch("c", create=True, at="a")
    see(repo, "u")
    commit(repo, "u", "mixed", FRAME.assign(x=[1.5, 5.0, 9.0]))
    found = repo.blame(f"{squashed(repo, 'c', 'a', 'b')}:u", columns="x")
    assert said(found) == {"x": ["raw", "raw", "squashed"]}
    assert found.counts == (1, 2)


def test_names_that_change_with_every_commit(repo: Repository) -> None:
    commit(repo, "t0", "raw")
    for number in range(5):
        repo.rename(f"t{number}", f"t{number + 1}")
    assert set(said(repo.blame("t5"))["x"]) == {"raw"}
