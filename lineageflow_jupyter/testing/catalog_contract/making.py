"""Small catalog contents for tests: commits, packs, publications."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.model.cells import CellRun, FrameState, FrameWrite
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.objects import Author, Commit, encode_commit
from lineageflow_jupyter.model.records import (
    Annotation,
    CommitRecord,
    Head,
    Pack,
    PackEntry,
    Publication,
    RefChange,
    WorkspaceName,
)

HOSTILE_NAMES = (
    "main",
    "Ünï-cödé/✓",
    "e\u0301",
    "\u00e9",
    "名前",
    "🦀" * 40,
    "Robert'); DROP TABLE refs;--",
    '"quoted"',
    "%_wild",
    "a" * 5000,
    "MAIN",
    "?",
    "\u202eright-to-left",
)
ADA = Author("Ada Lovelace", "ada@example.org")
NOTEBOOK = WorkspaceName("ada", "machine", "/home/ada/flights.ipynb")


def make_id() -> ObjectId:
    """Return a random id."""
    return ObjectId(os.urandom(32))


def make_commit(
    *parents: CommitRecord,
    time: int = 0,
    datasets: Sequence[str] = ("flights",),
    message: str = "a commit",
    author: Author = ADA,
) -> CommitRecord:
    """Return a commit on top of `parents`, different from all others."""
    commit = Commit(make_id(), tuple(parent.id for parent in parents), author, time, 60, message)
    generation = 1 + max((parent.generation for parent in parents), default=0)
    return CommitRecord(encode_commit(commit)[0], commit, generation, tuple(sorted(datasets)))


def make_pack(*ids: ObjectId, kind: Kind = Kind.CHUNK) -> Pack:
    """Return a pack that holds `ids`, each ten bytes long."""
    entries = tuple(PackEntry(oid, kind, 10 * position, 10) for position, oid in enumerate(ids))
    return Pack(os.urandom(32).hex(), 10 * len(ids) + 100, entries)


def moving(
    name: str,
    before: CommitRecord | None,
    after: CommitRecord | None,
    *,
    kind: str = "branch",
    annotation: Annotation | None = None,
) -> RefChange:
    """Return the change of a ref from one commit to another."""
    return RefChange(name, kind, before.id if before else None, after.id if after else None, annotation)


def make_publication(
    *refs: RefChange,
    commits: Sequence[CommitRecord] = (),
    packs: Sequence[Pack] = (),
    reused: Sequence[ObjectId] = (),
    head: Head | None = None,
    workspace: str = "",
    renamed: tuple[str, str] | None = None,
    time: int = 1_700_000_000_000_000,
    detail: dict[str, object] | None = None,
) -> Publication:
    """Return a publication with a new operation id."""
    return Publication(
        operation=str(uuid4()),
        verb="commit",
        workspace=head.workspace if head else workspace,
        time=time,
        refs=refs,
        packs=tuple(packs),
        reused=frozenset(reused),
        commits=tuple(commits),
        head=head,
        renamed=renamed,
        detail=detail or {},
    )


def grow(catalog: Catalog, *commits: CommitRecord, branch: str = "main") -> None:
    """Publish commits one by one, each moving `branch`."""
    for commit in commits:
        ref = catalog.ref(branch)
        change = RefChange(branch, "branch", ref.commit if ref else None, commit.id)
        catalog.publish(make_publication(change, commits=[commit]))


def make_state(dataset: str, table: ObjectId | None = None) -> FrameState:
    """Return the state of a variable that is called like its dataset."""
    return FrameState(dataset, dataset, table, None, 3, 2)


def make_run(
    *reads: FrameState, writes: Sequence[tuple[FrameState | None, FrameState | None]] = (), **fields: Any
) -> CellRun:
    """Return a cell run with a new id."""
    known = {
        "run": uuid4().hex,
        "workspace": "w1",
        "notebook": "n.ipynb",
        "cell": "c1",
        "number": 1,
        "code": "a = 1",
        "user": "ada",
        "started": 1_700_000_000_000_000,
        "duration": 1000,
        "outcome": "ok",
    }
    changed = tuple(FrameWrite(before, after) for before, after in writes)
    return CellRun(**{**known, "reads": reads, "writes": changed, **fields})
