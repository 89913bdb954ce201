"""What tests of the repository's verbs share: small frames, merges, and a look at what must not change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pandas as pd

from lineageflow_jupyter.model.objects import Author, Commit, encode_commit
from lineageflow_jupyter.model.records import CommitRecord, Publication, RefChange
from lineageflow_jupyter.repository import Repository

Open = Callable[[str], Repository]
"""Opens the test's repository as the workspace of the notebook of that name."""


def numbers(*values: int) -> pd.DataFrame:
    """A frame of one column."""
    return pd.DataFrame({"x": list(values)})


def values(frame: Any) -> list[int]:
    """What `numbers` was given, whatever the library of the frame."""
    column = frame["x"]
    return column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()


def merge(repo: Repository, branch: str, *others: str, message: str = "merge") -> CommitRecord:
    """Publish a commit with several parents on a branch; its tree is the branch's."""
    parents = [repo.resolve(name) for name in (branch, *others)]
    commit = Commit(
        parents[0].commit.tree,
        tuple(parent.id for parent in parents),
        Author("Merlin", "merlin@example.org"),
        time.time_ns() // 1000,
        0,
        message,
    )
    generation = 1 + max(parent.generation for parent in parents)
    record = CommitRecord(encode_commit(commit)[0], commit, generation, ())
    change = RefChange(branch, "branch", parents[0].id, record.id)
    repo._catalog.publish(Publication(uuid4().hex, "import", "", commit.time, (change,), commits=(record,)))
    return record


def state(repo: Repository) -> tuple[object, ...]:
    """All that a refused request must leave as it is: refs of every kind, HEAD, and the operation log."""
    refs = repo._catalog.refs(kinds=("branch", "tag", "hidden"))
    return refs, repo.head, len(repo._catalog.operations())


def summaries(records: tuple[CommitRecord, ...]) -> list[str]:
    """First lines of messages, in order."""
    return [record.commit.summary for record in records]
