"""A repository under a random life, compared after every step with plain dicts that are told the same.

Two workspaces commit, branch, switch, read, check out, stash, reopen and crash on one repository. The model knows
commits as dicts of values, branches as names of commits, and what each workspace has seen; it shares no code with what
is tested.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import lineageflow_jupyter as lf
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import CatalogBusy, NameTaken, RefMoved, StorageFull, UnknownName
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.testing.stores import FailingStore

WORKSPACES = ("anna", "ben")
DATASETS = ("t", "u")
BRANCHES = ("main", "dev", "try")
DTYPES = ("int64", "float32", "Int64", "str", "category", "datetime64[s]")
NULLABLE = {"int64": "Int64", "Int64": "int64"}
LONG = 500
"""Repeats in the values of ``big``: 4,000 characters, so that a few hundred rows make several chunks."""


@dataclass(frozen=True)
class Spec:
    """A frame, told by what it is made from: equal specs make equal frames, others make others."""

    values: tuple[int, ...]
    columns: tuple[tuple[str, str], ...] = (("x", "int64"), ("big", "big"))
    indexed: bool = False

    def frame(self) -> pd.DataFrame:
        index = (
            pd.Index(list(self.values), dtype="int64", name="k") if self.indexed else pd.RangeIndex(len(self.values))
        )
        columns = {name: self._column(dtype).set_axis(index) for name, dtype in self.columns}
        return pd.DataFrame(columns, index=index)

    def _column(self, dtype: str) -> pd.Series[Any]:
        numbers = pd.Series(list(self.values), dtype="int64")
        if dtype == "big":
            return numbers.map("{:08d}".format).astype("str") * LONG if len(numbers) else numbers.astype("str")
        if dtype == "category":
            return pd.Series(pd.Categorical(self.values, categories=sorted({*self.values, 0})))
        return numbers.astype(dtype)


def edited(spec: Spec, kind: str, at: int, value: int) -> Spec:
    """The spec after one of a user's steps."""
    values, columns = spec.values, spec.columns
    at = at % (len(values) + 1)
    if kind == "set" and values:
        return replace(spec, values=(*values[:at], value, *values[at + 1 :]))
    if kind == "insert":
        return replace(spec, values=(*values[:at], value, *values[at:]))
    if kind == "append":
        return replace(spec, values=(*values, *range(value, value + 40)))
    if kind == "drop":
        return replace(spec, values=(*values[:at], *values[at + 1 + value % 40 :]))
    if kind == "many":
        return replace(spec, values=tuple(range(value, value + 700)))
    if kind == "retype":
        chosen = at % len(columns) if columns else 0
        dtype = DTYPES[value % len(DTYPES)]
        return replace(
            spec,
            columns=tuple(
                (name, dtype if number == chosen and kind != "big" else kind)
                for number, (name, kind) in enumerate(columns)
            ),
        )
    if kind == "add column" and len(columns) < 5:
        return replace(spec, columns=(*columns, (f"c{value % 1000}-{len(columns)}", DTYPES[value % len(DTYPES)])))
    if kind == "drop column" and columns:
        chosen = at % len(columns)
        return replace(spec, columns=(*columns[:chosen], *columns[chosen + 1 :]))
    if kind == "nullable":  # the same values, described differently
        return replace(spec, columns=tuple((name, NULLABLE.get(dtype, dtype)) for name, dtype in columns))
    if kind == "index":
        return replace(spec, indexed=not spec.indexed)
    return spec


_who, _dataset = st.sampled_from(WORKSPACES), st.sampled_from(DATASETS)
_branch, _back = st.sampled_from(("main", "main", *BRANCHES)), st.sampled_from((0, 0, 1, 2, 3))
_value = st.integers(0, 9_999_999)
CRASHES = {"pack": StorageFull, "journal": StorageFull, "interrupt": KeyboardInterrupt, "catalog": CatalogBusy}
KINDS = ("set", "insert", "append", "drop", "many", "retype", "add column", "drop column", "index", "nullable")
Tree = Mapping[str, Spec]


@dataclass
class Seat:
    """What the model knows of a workspace."""

    branch: str = "main"
    bases: dict[str, str] = field(default_factory=dict)
    stored: tuple[str, dict[str, str]] = ("main", {})
    frames: dict[str, Spec] = field(default_factory=dict)

    def move(self, *, branch: str | None = None, bases: Mapping[str, str] | None = None) -> None:
        """HEAD moves; a HEAD that stays where it is is not stored."""
        moved = (branch or self.branch, {**self.bases, **(bases or {})})
        if moved != (self.branch, self.bases):
            self.branch, self.bases = moved
            self.stored = (self.branch, dict(self.bases))


class RepositoryMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = _folder()
        self.trees: dict[str, Tree] = {}
        self.parents: dict[str, str | None] = {}
        self.branches: dict[str, str] = {}
        self.stashes: dict[str, Tree] = {}
        self.seats = {name: Seat() for name in WORKSPACES}
        self.repos: dict[str, Repository] = {}

    @initialize(rows=st.sampled_from([0, 3, 700]), shared=st.booleans())
    def open_all(self, rows: int, shared: bool) -> None:
        shutil.copytree(_template(), self.folder, dirs_exist_ok=True)
        for who in WORKSPACES:
            self._open(who)
            self.seats[who].frames = {name: Spec(tuple(range(rows))) for name in DATASETS}
        if shared:
            self.commit(WORKSPACES[0], set(DATASETS))
            self.checkout(WORKSPACES[1], "main", 0)

    # --- the model

    def _open(self, who: str) -> None:
        seat = self.seats[who]
        self.repos[who] = lf.open(self.folder, workspace=_name(who))
        self._recall(seat)

    def _recall(self, seat: Seat) -> None:
        """HEAD as it is remembered; a workspace that has seen nothing starts from its branch as it is."""
        seat.branch, seat.bases = seat.stored[0], dict(seat.stored[1])
        tip = self.branches.get(seat.branch)
        if not seat.bases and tip is not None:
            seat.bases = dict.fromkeys(self.trees[tip], tip)

    def _tree(self, branch: str) -> Tree:
        return self.trees[self.branches[branch]] if branch in self.branches else {}

    def _seen(self, seat: Seat, dataset: str) -> Spec | None:
        base = seat.bases.get(dataset)
        return None if base is None else self.trees[base].get(dataset)

    def _refused(self, seat: Seat, frames: Tree) -> bool:
        tree = self._tree(seat.branch)
        return any(name in tree and tree[name] not in (spec, self._seen(seat, name)) for name, spec in frames.items())

    def _commit_of(self, branch: str, back: int) -> str | None:
        commit = self.branches.get(branch)
        for _ in range(back):
            commit = None if commit is None else self.parents[commit]
        return commit

    def _committed(self, seat: Seat, commit: str, frames: Tree) -> None:
        self.trees[commit] = {**self._tree(seat.branch), **frames}
        self.parents[commit] = self.branches.get(seat.branch)
        self.branches[seat.branch] = commit
        seat.bases.update(dict.fromkeys(frames, commit))
        seat.stored = (seat.branch, dict(seat.bases))

    # --- steps

    @rule(who=_who, dataset=_dataset, kind=st.sampled_from(KINDS), at=st.integers(0, 2_000), value=_value)
    def edit(self, who: str, dataset: str, kind: str, at: int, value: int) -> None:
        frames = self.seats[who].frames
        frames[dataset] = edited(frames[dataset], kind, at, value)

    @rule(who=_who, dataset=_dataset, kind=st.sampled_from(KINDS), at=st.integers(0, 2_000), value=_value)
    def edit_and_commit(self, who: str, dataset: str, kind: str, at: int, value: int) -> None:
        self.edit(who, dataset, kind, at, value)
        self.commit(who, {dataset})

    @rule(who=_who, datasets=st.sets(_dataset, min_size=1))
    def commit(self, who: str, datasets: set[str]) -> None:
        seat = self.seats[who]
        chosen = {name: seat.frames[name] for name in datasets}
        frames = {name: spec.frame() for name, spec in chosen.items()}
        if self._refused(seat, chosen):
            with pytest.raises(RefMoved):
                self.repos[who].commit(frames, message="m")
            return
        tree = self._tree(seat.branch)
        report = self.repos[who].commit(frames, message="m")
        if {**tree, **chosen} == tree:
            assert not report.created
            assert report.id.hex() == self.branches[seat.branch]
            seat.move(bases=dict.fromkeys(chosen, self.branches[seat.branch]))
        else:
            assert report.created
            assert list(report.commit.datasets) == sorted(name for name in chosen if tree.get(name) != chosen[name])
            self._committed(seat, report.id.hex(), chosen)

    @rule(who=_who, name=_branch, at=_branch,
          back=_back)  # fmt: skip
    def branch(self, who: str, name: str, at: str, back: int) -> None:
        commit = self._commit_of(at, back)
        call: Callable[[], object] = lambda: self.repos[who].branch(name, at=f"{at}~{back}")  # noqa: E731
        if commit is None:
            with pytest.raises(UnknownName):
                call()
        elif name in self.branches:
            with pytest.raises(NameTaken):
                call()
        else:
            call()
            self.branches[name] = commit

    @rule(who=_who, name=_branch, create=st.booleans())
    def switch(self, who: str, name: str, create: bool) -> None:
        seat = self.seats[who]
        if create and name in self.branches:
            with pytest.raises(NameTaken):
                self.repos[who].switch(name, create=True)
            return
        if not create and name not in self.branches and name != seat.branch:
            with pytest.raises(UnknownName):
                self.repos[who].switch(name)
            return
        self.repos[who].switch(name, create=create)
        if create and seat.branch in self.branches:
            self.branches[name] = self.branches[seat.branch]
        seat.move(branch=name)

    @rule(who=_who, branch=_branch, back=_back,
          dataset=_dataset, columns=st.sets(st.integers(0, 4)), rows=st.tuples(
              st.integers(0, 800), st.integers(0, 800)), whole=st.booleans())  # fmt: skip
    def read(
        self, who: str, branch: str, back: int, dataset: str, columns: set[int], rows: tuple[int, int], whole: bool
    ) -> None:
        commit = self._commit_of(branch, back)
        revision = f"{branch}~{back}:{dataset}"
        if commit is None or dataset not in self.trees[commit]:
            with pytest.raises(UnknownName):
                self.repos[who].read(revision)
            return
        expected = self.trees[commit][dataset].frame()
        if whole:
            found = self.repos[who].read(revision)
        else:
            names = [name for number, name in enumerate(expected.columns) if number in columns]
            found = self.repos[who].read(revision, columns=names, rows=rows)
            expected = expected[names].iloc[slice(*rows)]
        _assert_equal(expected, found)
        seat = self.seats[who]
        if commit == self.branches.get(seat.branch):
            seat.move(bases={dataset: commit})

    @rule(who=_who, branch=_branch, back=_back)
    def checkout(self, who: str, branch: str, back: int) -> None:
        commit = self._commit_of(branch, back)
        if commit is None:
            with pytest.raises(UnknownName):
                self.repos[who].checkout(f"{branch}~{back}")
            return
        tree, seat = self.trees[commit], self.seats[who]
        frames = self.repos[who].checkout(f"{branch}~{back}").frames
        assert frames.keys() == tree.keys()
        for name, frame in frames.items():
            _assert_equal(tree[name].frame(), frame)
        seat.frames.update(tree)
        seat.move(bases=dict.fromkeys(tree, commit))

    @rule(who=_who)
    def stash(self, who: str) -> None:
        seat = self.seats[who]
        done = self.repos[who].stash({name: spec.frame() for name, spec in seat.frames.items()}, message="m")
        tree = self._tree(seat.branch)
        self.stashes[str(done.stash)] = {**tree, **seat.frames}
        assert done.frames.keys() == tree.keys() & seat.frames.keys()
        seat.frames.update({name: tree[name] for name in done.frames})
        seat.move(bases=dict.fromkeys(done.frames, self.branches.get(seat.branch, "")))

    @rule(who=_who)
    def status(self, who: str) -> None:
        seat = self.seats[who]
        tree = self._tree(seat.branch)
        report = self.repos[who].status({name: spec.frame() for name, spec in seat.frames.items()})
        found = {status.dataset: (status.state, status.behind) for status in report.datasets}
        assert found == {name: self._status(seat, tree, name) for name in {*tree, *seat.frames}}

    def _status(self, seat: Seat, tree: Tree, name: str) -> tuple[str, bool]:
        live, seen, now = seat.frames.get(name), self._seen(seat, name), tree.get(name)
        behind = now is not None and now != seen
        if live is None:
            return "absent", behind
        if seen is None or now is None:
            return "new", behind
        return ("unchanged" if live == seen else "changed"), behind

    @rule(who=_who)
    def reopen(self, who: str) -> None:
        self.repos[who].close()
        self._open(who)

    @rule(who=_who, what=st.sampled_from(sorted(CRASHES)))
    def crash(self, who: str, what: str) -> None:
        """The process of a workspace fails in the middle of a commit, and is started again."""
        seat = self.seats[who]
        self.repos[who].close()
        self._recall(seat)
        tree = self._tree(seat.branch)
        if {**tree, **seat.frames} != tree and not self._refused(seat, seat.frames):
            with _failing(self.folder, _name(who), what) as repo:
                before = repo._history.tip(seat.branch)
                with pytest.raises(CRASHES[what]):
                    repo.commit({name: spec.frame() for name, spec in seat.frames.items()}, message="m")
                after = repo._history.tip(seat.branch)
            if what == "journal":  # it took effect, and the error says so
                assert after is not None
                self._committed(seat, after.hex(), dict(seat.frames))
            else:
                assert after == before
        self._open(who)

    # --- what must always be true

    @invariant()
    def branches_are_where_they_should_be(self) -> None:
        repo = self.repos.get(WORKSPACES[0])
        if repo is not None:
            assert {ref.name: ref.commit.hex() for ref in repo.branches() if ref.commit} == self.branches

    @invariant()
    def heads_are_where_they_should_be(self) -> None:
        for who, repo in self.repos.items():
            seat = self.seats[who]
            assert repo.head.branch == seat.branch
            assert {name: base.hex() for name, base in repo.head.bases.items()} == seat.bases

    def teardown(self) -> None:
        for repo in self.repos.values():
            repo.close()
        try:
            if self.repos:
                with lf.open(self.folder, workspace=_name("auditor")) as repo:
                    self._audit(repo)
        finally:
            shutil.rmtree(self.folder)

    def _audit(self, repo: Repository) -> None:
        repo.fsck()
        for branch in self.branches:
            commit: str | None = self.branches[branch]
            for record in repo.log(branch):
                assert record.id.hex() == commit
                commit = self.parents[commit]  # type: ignore[index]
            assert commit is None
        entries: dict[Spec, set[tuple[bytes, bytes]]] = {}
        for revision, tree in {**self.trees, **self.stashes}.items():
            assert repo.datasets(revision).keys() == tree.keys()
            for name, spec in tree.items():
                if spec not in entries:  # the others of its kind have the same ids, and so the same bytes
                    _assert_equal(spec.frame(), repo.read(f"{revision}:{name}"))
                entries.setdefault(spec, set()).add(_ids(repo, revision, name))
        fresh = {f"fresh-{number}": spec for number, spec in enumerate(entries)}
        if fresh:  # committed for the first time, without any history
            repo.commit({name: spec.frame() for name, spec in fresh.items()}, message="m")
        for name, spec in fresh.items():
            assert entries[spec] == {_ids(repo, "HEAD", name)}, "the same ids, whatever came before"
        assert len({oid for (oid,) in entries.values()}) == len(entries), "other frames have other ids"
        assert not list((self.folder / ".lineageflow" / "objects" / "tmp").glob("*"))
        assert repo._catalog.outbox() == ()


def _ids(repo: Repository, revision: str, dataset: str) -> tuple[bytes, bytes]:
    entry = repo._history.entry(repo.resolve(revision), dataset, revision)
    return entry.table, entry.frame


def _name(who: str) -> lf.WorkspaceName:
    return lf.WorkspaceName(who, "box", "notebook.ipynb")


def _assert_equal(expected: pd.DataFrame, found: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(expected, found, check_exact=True, check_freq=False)


_TEMPLATES: list[Path] = []


def _folder() -> Path:
    """A new folder, in memory where there is room: syncs, which are tested elsewhere, would take most of the time."""
    memory = Path("/dev/shm")
    usable = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 28
    return Path(tempfile.mkdtemp(prefix="lineageflow-test-", dir=memory if usable else None))


def _template() -> Path:
    """An empty repository to copy: creating one takes longer than all steps on it."""
    if not _TEMPLATES:
        _TEMPLATES.append(_folder())
        lf.init(_TEMPLATES[0], workspace=_name("template")).close()
    return _TEMPLATES[0]


@contextlib.contextmanager
def _failing(folder: Path, name: lf.WorkspaceName, what: str):
    """The repository with a store or catalog that fails when a commit is made."""
    catalog = SqlCatalog.open(folder / ".lineageflow" / "catalog.sqlite", busy_timeout=0.02)
    store = LocalStore(folder / ".lineageflow" / "objects")
    error: Any = KeyboardInterrupt() if what == "interrupt" else StorageFull("no space left")
    keys = "journal/" if what == "journal" else "packs/"
    failing = store if what == "catalog" else FailingStore(store, error, keys=keys)
    head = catalog.workspace(name, branch="main")
    with contextlib.ExitStack() as stack:
        repo = stack.enter_context(Repository(catalog, failing, head, location="", author=lambda: lf.Author("A")))
        if what == "catalog":  # another process keeps it locked
            lock = stack.enter_context(contextlib.closing(sqlite3.connect(folder / ".lineageflow" / "catalog.sqlite")))
            lock.execute("BEGIN IMMEDIATE")
        yield repo


@pytest.fixture(scope="module", autouse=True)
def _templates_are_removed():
    yield
    while _TEMPLATES:
        shutil.rmtree(_TEMPLATES.pop())


RepositoryMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes longer than a test may
    suppress_health_check=list(HealthCheck),
)
TestRepositoryMachine = RepositoryMachine.TestCase
