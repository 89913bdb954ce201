"""Repositories with a long history: thousands of commits, branches and datasets, made in seconds.

    python tests/benchmarks/histories.py FOLDER --commits 10000

What is made is what years of `commit`, `merge`, `switch`, `tag` and `stash` leave: every tree, table and chunk can be
read and verified, each movement of a branch has its operation, its lines in the reflogs and its journal object. Only
the waiting is left out: nothing is synced to the disk in between, and many publications share one transaction.
"""

from __future__ import annotations

import argparse
import getpass
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy.engine import Connection

import lineageflow_jupyter as lf
from lineageflow_jupyter.catalog.engine import for_writing_soon, writable_engine
from lineageflow_jupyter.catalog.heads import add_workspace, name_to_json, note_opening
from lineageflow_jupyter.catalog.publish import prepare, publish
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.frames.codecs import encode_value
from lineageflow_jupyter.frames.convert import to_content
from lineageflow_jupyter.history import stash_prefix
from lineageflow_jupyter.model.ids import Kind, short
from lineageflow_jupyter.model.lists import Sealed, encode_tree
from lineageflow_jupyter.model.objects import Author, Commit, Tree, TreeEntry, encode_commit
from lineageflow_jupyter.model.records import (
    Annotation,
    CommitRecord,
    Head,
    Pack,
    Publication,
    RefChange,
    WorkspaceName,
)
from lineageflow_jupyter.opening import CATALOG, FOLDER, OBJECTS
from lineageflow_jupyter.publishing import flush_journal
from lineageflow_jupyter.store.files import Files
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.store.packs import PackWriter
from lineageflow_jupyter.store.reader import ObjectReader
from lineageflow_jupyter.tables import Objects, TableWriter

FIRST = 1_704_067_200_000_000
"""Time of the first commit: 2024-01-01 UTC. The next ones follow two hours apart."""
STEP = 7_200_000_000
CONTENTS = 200
"""Different tables; a new version of a dataset is one of these."""
OLD = "founders"
"""A dataset that only the first commit changed."""
FEW = 20
"""Datasets at the beginning, and those that other notebooks have seen."""
OPEN_TOPICS = 12
"""Topic branches beyond this number are merged."""
TOGETHER = 500
"""Publications in one transaction."""
AUTHORS = (
    Author("Ana Müller", "ana@example.org"),
    Author("Björk Þórsdóttir", "bjork@example.org"),
    Author("李雷", "li@example.org"),
    Author("Chidi", "chidi@example.com"),
    Author("Дарья", ""),
    Author("Eve 🦀", "eve@example.org"),
    Author("O'Neil & Sons <lab>", "oneil@example.org"),
)
MESSAGES = (
    "clean the carriers",
    "Ausreißer entfernt (5 %)",
    "補完: 欠損値",
    "join weather & airports <left>",
    "prices in € 🎉\n\nThe old ones were in cents.",
    "исправлены даты",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much a repository holds."""

    commits: int = 10_000
    branches: int = 1_000
    tags: int = 100
    datasets: int = 500
    workspaces: int = 300
    stashes: int = 20


DEFAULT = Size()


class Unsynced(Files):
    """The operating system, without waiting for the disk."""

    def sync(self, descriptor: int) -> None:
        """Do nothing."""

    def sync_folder(self, path: Path) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Line:
    """A branch while history is made: where it is, and what it has changed since it began."""

    name: str
    tip: CommitRecord
    tree: Tree
    changed: dict[str, TreeEntry] = field(default_factory=dict)
    exists: bool = False


def build(folder: Path, notebook: WorkspaceName, size: Size = DEFAULT) -> None:
    """Make a repository in a new folder.

    Parameters
    ----------
    folder : Path
        Where.
    notebook : WorkspaceName
        The workspace that made half of the commits, is on `main` and has the stashes.
    size : Size, optional
        How much.
    """
    with lf.init(folder, workspace=notebook) as repository:
        own = repository.head.workspace
    place = folder / FOLDER
    store = LocalStore(place / OBJECTS, files=Unsynced())
    catalog = SqlCatalog.open(place / CATALOG)
    engine = writable_engine(place / CATALOG, create=False, busy_timeout=30)
    try:
        with ThreadPoolExecutor(2) as pool:
            past = Past(Contents(store, catalog, pool), size, own)
            publications = list(past.publications())
        with for_writing_soon(engine).begin() as connection:
            _add_workspaces(connection, size)
        for start in range(0, len(publications), TOGETHER):
            with for_writing_soon(engine).begin() as connection:
                for publication in publications[start : start + TOGETHER]:
                    prepare(publication)
                    publish(connection, publication, catalog=catalog.uuid)
            flush_journal(catalog, store)
    finally:
        engine.dispose()
        catalog.close()


class Contents:
    """Tables, trees and commits on their way into packs."""

    def __init__(self, store: LocalStore, catalog: SqlCatalog, pool: ThreadPoolExecutor) -> None:
        self._packs = PackWriter(store)
        self._writer = TableWriter(Objects(ObjectReader(store, catalog.locate)), pool, catalog.known, self._packs)
        self._random = Random(0)
        self._tables = [
            self._writer.add("", to_content(frame), parent=None, key=()).entry for frame in frames(CONTENTS)
        ]

    def entry(self, dataset: str) -> TreeEntry:
        """Return some version of a dataset."""
        return replace(self._random.choice(self._tables), dataset=dataset)

    def commit(
        self, parents: Sequence[CommitRecord], tree: Tree, datasets: Sequence[str], author: Author, at: int, why: str
    ) -> CommitRecord:
        """Write a tree and its commit."""
        sealed = encode_tree(tree)
        commit = Commit(sealed[-1].id, tuple(parent.id for parent in parents), author, at, 60, why)
        oid, data = encode_commit(commit)
        for part in (*sealed, Sealed(oid, Kind.COMMIT, data)):
            self._packs.add(part.id, part.kind, encode_value(b"", [part.data], [1]))
        generation = 1 + max((parent.generation for parent in parents), default=0)
        return CommitRecord(oid, commit, generation, tuple(sorted(datasets)))

    def close(self) -> tuple[Pack, ...]:
        """Write the last pack."""
        return self._packs.close()


def frames(number: int) -> Iterator[pd.DataFrame]:
    """Small frames, none like another: numbers, text with nulls, times."""
    r = np.random.default_rng(0)
    for which in range(number):
        rows = 20 + which % 30
        yield pd.DataFrame(
            {
                "id": np.arange(rows) + which,
                "price": np.round(r.normal(100, 20, rows), 2),
                "city": r.choice(np.array(["Zürich", "東京", "Łódź", None], dtype=object), rows),
                "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(r.integers(0, 800, rows), unit="D"),
            }
        )


class Past:
    """All that happened, as publications: commits on `main` and on topic branches, merges, tags, switches, stashes."""

    def __init__(self, contents: Contents, size: Size, own: str) -> None:
        self._contents = contents
        self._size = size
        self._own = own
        self._random = Random(1)
        self._serials = count(1)
        self._names = dataset_names(size.datasets)
        self._held = min(FEW, size.datasets)  # datasets that exist so far
        entries = sorted(map(contents.entry, self._names[: self._held]), key=lambda entry: entry.dataset)
        tree = Tree(tuple(entries))
        first = contents.commit([], tree, self._names[: self._held], AUTHORS[0], FIRST, "import")
        self._main = Line("main", first, tree)
        self._latest = {entry.dataset: first.id for entry in tree.entries}  # by dataset: last commit of main with it
        self._topics: list[Line] = []
        self._begun = 1

    def publications(self) -> Iterator[Publication]:
        """Return all publications, the one with the content first."""
        first = self._moved("commit", self._main, FIRST, self._own)
        rest = [publication for number in range(1, self._size.commits) for publication in self._step(number)]
        rest += self._last_days(FIRST + self._size.commits * STEP)
        yield replace(first, packs=self._contents.close())
        yield from rest

    def _step(self, number: int) -> Iterator[Publication]:
        size, at, author = self._size, FIRST + number * STEP, AUTHORS[number % len(AUTHORS)]
        why = f"{MESSAGES[number % len(MESSAGES)]} #{number}"
        others = max(1, size.workspaces - 1)
        workspace = self._own if number % 2 or size.workspaces < 2 else workspace_id(number // 2 % others)
        line = self._line(number)
        if line is None:
            done = self._topics.pop(self._random.randrange(len(self._topics)))
            line = self._main
            line.tree = line.tree.with_entries(list(done.changed.values()))
            parents, changed, verb = [line.tip, done.tip], list(done.changed), "merge"
            why = f"merge {done.name}\n\n{why}"
        else:
            entries = [self._contents.entry(name) for name in self._changed(line, number)]
            line.tree = line.tree.with_entries(entries)
            parents, changed, verb = [line.tip], [entry.dataset for entry in entries], "commit"
            line.changed.update({entry.dataset: entry for entry in entries})
        before = line.tip
        line.tip = self._contents.commit(parents, line.tree, changed, author, at, why)
        if line is self._main:
            self._latest.update(dict.fromkeys(changed, line.tip.id))
        yield self._moved(verb, line, at, workspace, before)
        apart = max(1, size.commits // max(1, size.tags))
        if number % apart == apart - 1 and number // apart < size.tags:
            said = Annotation(author, at, 60, f"release {number} – geprüft") if number % 3 else None
            yield self._publication("tag", at, RefChange(f"v{number}", "tag", None, self._main.tip.id, said))

    def _line(self, number: int) -> Line | None:
        """Branch that the next commit goes to; None: one is merged."""
        if number == self._size.commits - 1:
            return self._main  # with the datasets that are still missing
        if self._begun < self._size.branches * (number + 2) // self._size.commits:
            line = Line(f"topic/{self._begun:04d}", self._main.tip, self._main.tree)
            self._begun += 1
            self._topics.append(line)
            return line
        if self._topics and self._random.random() < 0.3:
            return self._random.choice(self._topics)
        return None if len(self._topics) > OPEN_TOPICS else self._main

    def _changed(self, line: Line, number: int) -> list[str]:
        """Datasets that the next commit changes: any but the oldest, and those that are new on `main`."""
        known = self._names[1 : self._held] or self._names
        chosen = [self._random.choice(known)]
        wanted = self._size.datasets * (number + 1) // self._size.commits
        if line is self._main and wanted > self._held:
            chosen += self._names[self._held : wanted]
            self._held = wanted
        return chosen

    def _last_days(self, at: int) -> Iterator[Publication]:
        """What the notebook did at the end: frames stashed, other branches visited.

        It has seen each dataset at the commit that changed it last, as one has that committed them one by one.
        """
        main, own = self._main, self._own
        head = Head(own, "main", self._latest)
        yield self._publication("checkout", at, workspace=own, head=head)
        for number in range(self._size.workspaces - 1):
            seen = {entry.dataset: main.tip.id for entry in main.tree.entries[:FEW]}
            other = workspace_id(number)
            yield self._publication("checkout", at, workspace=other, head=Head(other, "main", seen))
        for number in range(self._size.stashes):
            entry = self._contents.entry(self._names[number % len(self._names)])
            tree = main.tree.with_entries([entry])
            record = self._contents.commit(
                [main.tip], tree, [entry.dataset], AUTHORS[0], at + number, f"half done {number}"
            )
            change = RefChange(f"{stash_prefix(head)}{short(record.id, 12)}", "hidden", None, record.id)
            detail = {"message": record.commit.summary, "stashed": {entry.dataset: main.tip.id.hex()}}
            stash = self._publication("stash", at + number, change, commits=[record], workspace=own)
            yield replace(stash, detail=detail)
        for line in self._topics:
            for branch in (line.name, "main"):
                yield self._publication("switch", at + STEP, workspace=own, head=replace(head, branch=branch))

    def _moved(self, verb: str, line: Line, at: int, workspace: str, before: CommitRecord | None = None) -> Publication:
        start = before.id if before is not None and line.exists else None
        line.exists = True
        change = RefChange(line.name, "branch", start, line.tip.id)
        return self._publication(verb, at, change, commits=[line.tip], workspace=workspace)

    def _publication(
        self,
        verb: str,
        at: int,
        *refs: RefChange,
        commits: Sequence[CommitRecord] = (),
        workspace: str = "",
        head: Head | None = None,
    ) -> Publication:
        operation = UUID(int=next(self._serials)).hex
        detail = {"message": commits[-1].commit.summary} if commits else {}
        return Publication(operation, verb, workspace, at, refs, commits=tuple(commits), head=head, detail=detail)


def dataset_names(number: int) -> list[str]:
    """Names of datasets, the one that only the first commit changed first."""
    return [OLD, *(f"größe_{which:03d}" if which % 10 == 0 else f"table_{which:03d}" for which in range(1, number))]


def workspace_id(number: int) -> str:
    """Id of one of the other workspaces."""
    return str(UUID(int=(number + 1) << 96))


def _add_workspaces(connection: Connection, size: Size) -> None:
    for number in range(size.workspaces - 1):
        who = AUTHORS[number % len(AUTHORS)].name
        name = WorkspaceName(who, f"host-{number % 7}", f"/home/lab/größe {number}.ipynb")
        add_workspace(connection, workspace_id(number), name_to_json(name), "main")
        note_opening(connection, workspace_id(number), "", FIRST + number * STEP)


def main() -> None:
    """Make a repository as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder that is empty or does not exist")
    for name in Size.__slots__:
        parser.add_argument(f"--{name}", type=int, default=getattr(DEFAULT, name), help="default: %(default)s")
    options = vars(parser.parse_args())
    folder = options.pop("folder")
    start = time.perf_counter()
    notebook = WorkspaceName(getpass.getuser(), socket.gethostname(), str(folder.resolve() / "analysis.ipynb"))
    build(folder, notebook, Size(**options))
    print(f"made in {time.perf_counter() - start:.1f} s; its notebook is {notebook.path}")


if __name__ == "__main__":
    main()
