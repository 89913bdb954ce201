"""A repository under a random life, compared after every step with a model of plain dicts that is told the same.

Three workspaces do everything that a repository can do, and crash in the middle of it. `model` predicts each outcome:
the frames that come back, what is stashed, what is refused, where every ref and HEAD is, and what undo takes back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import lineageflow_jupyter as lf
from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import CatalogBusy, StorageFull, UnknownName
from lineageflow_jupyter.model.records import CommitRecord
from lineageflow_jupyter.model.reports import CommitReport, Replacement, UndoReport
from lineageflow_jupyter.repository import Repository
from lineageflow_jupyter.store.local import LocalStore
from lineageflow_jupyter.testing.stores import FailingStore
from tests.stateful.model import NEW, Model, Plan
from tests.stateful.specs import KINDS, Spec, edited, fresh

WORKSPACES = ("anna", "ben", "cleo")
DATASETS = ("t", "u")
NAMES = ("t", "u", "w")
BRANCHES = ("main", "dev", "try")
TAGS = ("v1", "v2")
CRASHES = {"pack": StorageFull, "journal": StorageFull, "interrupt": KeyboardInterrupt, "catalog": CatalogBusy}
MOMENTS = ("HEAD", "HEAD~1", "HEAD~2", "@{-1}", "@{1}", "HEAD@{1}", "HEAD@{2}", "main@{1}", "dev@{1}~1", "stash@{0}",
           "stash@{1}", "v1", "v2~1", "main~3", "dev@{2}", "@{-2}~1")  # fmt: skip

_who = st.sampled_from((*WORKSPACES[:2], *WORKSPACES))
_dataset, _datasets = st.sampled_from(DATASETS), st.sets(st.sampled_from(NAMES), min_size=1)
_branch = st.sampled_from(("main", "main", *BRANCHES))
_revision = st.sampled_from((*BRANCHES, "HEAD", "HEAD~1", "main~1", "dev~1", *MOMENTS)) | st.integers(0, 40)
_value, _at = st.integers(0, 9_999_999), st.integers(0, 2_000)


class RepositoryMachine(RuleBasedStateMachine):
    model_of: type[Model] = Model
    fresh = staticmethod(fresh)
    edited = staticmethod(edited)
    key: tuple[str, ...] = ()
    """Key of all datasets."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = _folder()
        self.model = self.model_of(WORKSPACES)
        self.repos: dict[str, Repository] = {}
        self.armed: dict[str, str] = {}

    @initialize(rows=st.sampled_from([0, 3, 3, 700]), past=st.sampled_from(["", "one", "two", "two", "two"]))
    def open_all(self, rows: int, past: str) -> None:
        shutil.copytree(_template(), self.folder, dirs_exist_ok=True)
        anna, ben, cleo = WORKSPACES
        for who in WORKSPACES:
            self._open(who)
            self.model.seats[who].live = {name: self.fresh(tuple(range(rows))) for name in DATASETS}
        if past:
            self.commit(anna, set(DATASETS), "")
            self.checkout(ben, "main", None, False)
            self.reopen(cleo)
        if past == "two":  # two branches that have parted, and somebody at work on each
            self.edit_and_commit(anna, "t", "insert", 1, 5)
            self.branch(anna, "dev", "main~1")
            self.tag(anna, "v1", "main", "one", False)
            self.switch(ben, "dev", False, "HEAD", False)
            self.edit_and_commit(ben, "t", "set", 0, 6)
            self.edit(anna, "u", "append", 0, 7)

    # --- doing what is planned

    def _open(self, who: str) -> None:
        self.repos[who] = lf.open(self.folder, workspace=_name(who))
        self.model.started(who)

    def _live(self, who: str) -> dict[str, pd.DataFrame]:
        return {name: spec.frame() for name, spec in self.model.seats[who].live.items()}

    def _do(self, plan: Plan, call: Callable[[Repository], Any]) -> Any:
        """What a verb answers, if it is no error; what it did is what was planned."""
        who = plan.who
        seat, what = self.model.seats[who], self.armed.get(who)
        crash: Any = CRASHES.get(what or "", ())
        if plan.error is not None:
            with pytest.raises((plan.error, crash) if what in ("pack", "interrupt") else plan.error) as raised:
                call(self.repos[who])
            if not isinstance(raised.value, plan.error):
                self.reopen(who)
            return None
        writes = plan.writes or plan.tree is not None or plan.stash is not None
        logged = self.model.logged(plan)
        if (writes and what in ("pack", "interrupt")) or (logged and what in ("catalog", "journal")):
            with self._locked(what), pytest.raises(crash):
                call(self.repos[who])
            if what == "journal":  # it took effect, and the error says so
                self._took_effect(plan)
            self.reopen(who)
            return None
        before, known = dict(seat.live), {name: self.model.seen(seat, name) for name in seat.live}
        done = call(self.repos[who])
        self._took_effect(plan)
        self._check_answer(plan, done, before, known)
        return done

    def _check_answer(self, plan: Plan, done: Any, before: dict[str, Spec], known: dict[str, Spec | None]) -> None:
        if isinstance(done, CommitReport):
            assert done.created == plan.created
            assert done.id.hex() == self.model.tip(done.branch)
        replacement = done.replacement if isinstance(done, UndoReport) else done
        if isinstance(replacement, Replacement):
            self._check_frames(plan, replacement, before, known)

    def _locked(self, what: str) -> contextlib.AbstractContextManager[object]:
        """Another process keeps the catalog locked, if that is what is to fail."""
        if what != "catalog":
            return contextlib.nullcontext()
        lock = sqlite3.connect(self.folder / ".lineageflow" / "catalog.sqlite")
        lock.execute("BEGIN IMMEDIATE")
        return contextlib.closing(lock)

    def _took_effect(self, plan: Plan) -> None:
        self.model.take(plan, **self._new_ids(plan))

    def _new_ids(self, plan: Plan) -> dict[str, str]:
        """What `Model.take` is to know of what a verb has stored."""
        repo, ids = self.repos[plan.who], {}
        if plan.tree is not None:
            branch = next(change.name for change in plan.changes if change.after == NEW)
            ids["commit"] = repo.resolve(branch).id.hex()
        if plan.stash is not None:
            refs = repo._catalog.refs(kinds=("hidden",))
            stashes = [ref for ref in refs if ref.name.startswith("stash") and ref.commit is not None]
            (ref,) = [ref for ref in stashes if ref.name not in self.model.noted]
            ids |= {"stash": ref.commit.hex(), "stash_ref": ref.name}
        return ids

    def _check_frames(
        self, plan: Plan, done: Replacement, before: dict[str, Spec], known: dict[str, Spec | None]
    ) -> None:
        assert done.branch == self.model.seats[plan.who].branch
        assert done.frames.keys() == plan.frames.keys()
        for name, frame in done.frames.items():
            _assert_equal(plan.frames[name].frame(), frame)
        assert (done.stash is None) == (plan.stash is None)
        for name, spec in before.items():  # whatever the plan says: nothing is replaced that is nowhere else
            if plan.frames.get(name, spec) != spec and known[name] != spec:
                if plan.stash is not None and name in plan.noted:
                    _assert_equal(spec.frame(), self.repos[plan.who].read(f"{done.stash}:{name}"))
                    self.model.take(self.model.saw(plan.who, name, self.model.refs[str(done.stash)].commit))
                else:  # not read here: that would count as a look at the branch's version
                    assert any(tree.get(name) == spec for tree in self.model.trees.values())

    def _commit_named(self, revision: str | int) -> str:
        """A revision; a number stands for one of the commits that there ever were."""
        if isinstance(revision, str):
            return revision
        commits = list(self.model.trees)
        return commits[revision % len(commits)] if commits else "HEAD"

    # --- steps: frames and commits

    @rule(who=_who, dataset=_dataset, kind=st.sampled_from(KINDS), at=_at, value=_value)
    def edit(self, who: str, dataset: str, kind: str, at: int, value: int) -> None:
        live = self.model.seats[who].live
        live[dataset] = self.edited(live.get(dataset) or self.fresh((1, 2, 3)), kind, at, value)

    @rule(who=_who, dataset=_dataset, kind=st.sampled_from(KINDS), at=_at, value=_value)
    def edit_and_commit(self, who: str, dataset: str, kind: str, at: int, value: int) -> None:
        self.edit(who, dataset, kind, at, value)
        self.commit(who, {dataset}, "")

    @rule(who=_who, dataset=st.sampled_from(NAMES))
    def forget_a_variable(self, who: str, dataset: str) -> None:
        live = self.model.seats[who].live
        spec = live.get(dataset)
        if spec is not None and spec == self.model.seen(self.model.seats[who], dataset):
            del live[dataset]

    @rule(who=_who, datasets=_datasets, branch=st.sampled_from(("", "", "", *BRANCHES)))
    def commit(self, who: str, datasets: set[str], branch: str) -> None:
        live = self._live(who)
        frames = {name: live[name] for name in sorted(datasets & live.keys())}
        if frames:
            plan = self.model.commit(who, frames, branch or None)
            keys = dict.fromkeys(frames, self.key) if self.key else None
            self._do(plan, lambda repo: repo.commit(frames, message="m", keys=keys, branch=branch or None))

    @rule(who=_who, verb=st.sampled_from(("rm", "mv", "add")), old=st.sampled_from(NAMES), new=st.sampled_from(NAMES))
    def datasets(self, who: str, verb: str, old: str, new: str) -> None:
        names = sorted({old, new})
        if verb == "rm":
            self._do(self.model.remove(who, names[:1]), lambda repo: repo.remove(names[:1]))
        elif verb == "add":
            self._do(self.model.add(who, names), lambda repo: repo.add(names))
        else:
            self._do(self.model.rename(who, old, new), lambda repo: repo.rename(old, new))

    @rule(
        who=_who,
        revision=_revision,
        dataset=_dataset,
        columns=st.none() | st.sets(st.integers(0, 4)),
        rows=st.tuples(_at, _at),
    )
    def read(
        self, who: str, revision: str | int, dataset: str, columns: set[int] | None, rows: tuple[int, int]
    ) -> None:
        name = self._commit_named(revision)
        commit = self.model.resolve(who, name)
        if commit is None or dataset not in self.model.trees[commit]:
            with pytest.raises(UnknownName):
                self.repos[who].read(f"{name}:{dataset}")
            return
        expected = self.model.trees[commit][dataset].frame()
        if columns is None:
            found = self.repos[who].read(f"{name}:{dataset}")
        else:
            names = [name for number, name in enumerate(expected.columns) if number in columns]
            found = self.repos[who].read(f"{name}:{dataset}", columns=names, rows=rows)
            expected = expected[names].iloc[slice(*rows)]
        _assert_equal(expected, found)
        self.model.take(self.model.saw(who, dataset, commit))

    @rule(who=_who)
    def status(self, who: str) -> None:
        model, seat = self.model, self.model.seats[who]
        report = self.repos[who].status(self._live(who))
        found = {status.dataset: (status.state, status.behind) for status in report.datasets}
        names = {*model.tree(model.tip(seat.branch)), *seat.live}
        assert found == {name: model.status(seat, name) for name in names}
        assert bool(report.gone) == (model.tip(seat.branch) is None and model.gone(seat.branch))

    # --- steps: refs

    def _existing(self, number: int) -> str:
        """One of the branches that there are, or one that there is not."""
        names = [*sorted(self.model.named("branch")), "missing"]
        return names[number % len(names)]

    @rule(who=_who, name=_branch, at=_revision)
    def branch(self, who: str, name: str, at: str | int) -> None:
        start = self._commit_named(at)
        self._do(self.model.make_branch(who, name, start), lambda repo: repo.branch(name, at=start))

    @rule(who=_who, number=st.integers(0, 3), new=st.sampled_from((*BRANCHES, "new", "old")))
    def rename_branch(self, who: str, number: int, new: str) -> None:
        old = self._existing(number)
        self._do(self.model.rename_branch(who, old, new), lambda repo: repo.rename_branch(old, new))

    @rule(who=_who, number=st.integers(0, 3), force=st.booleans())
    def delete_branch(self, who: str, number: int, force: bool) -> None:
        name = self._existing(number)
        self._do(self.model.delete_branch(who, name, force), lambda repo: repo.delete_branch(name, force=force))

    @rule(who=_who, name=st.sampled_from((*TAGS, "main")), at=_revision,
          said=st.none() | st.sampled_from(("one", "two")), force=st.booleans())  # fmt: skip
    def tag(self, who: str, name: str, at: str | int, said: str | None, force: bool) -> None:
        start = self._commit_named(at)
        if name in TAGS or name in self.model.refs:  # a branch could not be told from a tag of its name
            message = said and f"{said} {self.model.operations}"  # no two are equal
            plan = self.model.tag(who, name, start, message, force)
            self._do(plan, lambda repo: repo.tag(name, at=start, message=message, force=force))

    @rule(who=_who, name=st.sampled_from(TAGS))
    def delete_tag(self, who: str, name: str) -> None:
        self._do(self.model.delete_tag(who, name), lambda repo: repo.delete_tag(name))

    # --- steps: other frames

    @rule(
        who=_who,
        name=st.sampled_from((*BRANCHES, *BRANCHES, "-", "@{-2}", "v1")),
        create=st.sampled_from((False, False, False, True)),
        at=_revision,
        force=st.booleans(),
    )
    def switch(self, who: str, name: str, create: bool, at: str | int, force: bool) -> None:
        if create and name not in BRANCHES:
            return
        start, live = self._commit_named(at), self._live(who)
        plan = self.model.switch(who, name, create, start, force)
        self._do(plan, lambda repo: repo.switch(name, create=create, at=start, live=live, force=force))

    @rule(who=_who, revision=_revision, datasets=st.none() | _datasets, force=st.booleans())
    def checkout(self, who: str, revision: str | int, datasets: set[str] | None, force: bool) -> None:
        name, live = self._commit_named(revision), self._live(who)
        names = None if datasets is None else sorted(datasets)
        plan = self.model.checkout(who, name, names, force)
        self._do(plan, lambda repo: repo.checkout(name, names, live=live, force=force))

    @rule(who=_who, revision=_revision, hard=st.booleans())
    def reset(self, who: str, revision: str | int, hard: bool) -> None:
        name, live = self._commit_named(revision), self._live(who)
        self._do(self.model.reset(who, name, hard), lambda repo: repo.reset(name, hard=hard, live=live))

    @rule(who=_who, back=st.sampled_from(("HEAD~1", "HEAD~2", "@{1}")), hard=st.booleans(), kind=st.sampled_from(KINDS))
    def edit_and_reset(self, who: str, back: str, hard: bool, kind: str) -> None:
        self.edit(who, DATASETS[0], kind, 1, 77)
        self.reset(who, back, hard)

    @rule(
        who=_who,
        revision=_revision,
        datasets=st.sets(_dataset, min_size=1) | _datasets,
        part=st.sampled_from(("", "", "columns", "rows", "cells")),
        chosen=st.sets(st.integers(0, 4), min_size=1),
        rows=st.tuples(st.integers(0, 700), st.integers(1, 700)),
    )
    def restore(
        self, who: str, revision: str | int, datasets: set[str], part: str, chosen: set[int], rows: tuple[int, int]
    ) -> None:
        names, columns, span = sorted(datasets), None, None
        source, live = self._commit_named(revision), self._live(who)
        if part:
            names = names[:1]
            spec = self.model.seats[who].live.get(names[0])
            if spec is not None and part != "rows":
                columns = [name for number, name in enumerate(spec.names) if number in chosen]
            if spec is not None and part != "columns" and spec.rows:
                start = rows[0] % spec.rows
                span = range(start, min(spec.rows, start + rows[1]))
            if columns is None and span is None:
                return
        plan = self.model.restore(who, names, source, columns, span)
        if plan is not None:
            chosen_rows = None if span is None else (span.start, span.stop)
            self._do(
                plan, lambda repo: repo.restore(names, source=source, columns=columns, rows=chosen_rows, live=live)
            )

    @rule(who=_who, dataset=_dataset, kind=st.sampled_from(("set", "set", "retype", "nullable")), at=_at,
          part=st.sampled_from(("columns", "rows", "cells")),
          back=st.sampled_from(("HEAD", "HEAD", "HEAD~1")))  # fmt: skip
    def edit_and_restore_a_part(self, who: str, dataset: str, kind: str, at: int, part: str, back: str) -> None:
        self.edit(who, dataset, kind, at, 55 + at)
        self.restore(who, back, {dataset}, part, {at % 2, at % 3}, (at, 1 + at % 3))

    @rule(who=_who, datasets=_datasets)
    def stash(self, who: str, datasets: set[str]) -> None:
        live = self._live(who)
        frames = {name: live[name] for name in sorted(datasets & live.keys())}
        self._do(self.model.put_aside(who, frames), lambda repo: repo.stash(frames, message="m"))

    @rule(who=_who, number=st.sampled_from((0, 0, 0, 1)), how=st.sampled_from(("pop", "pop", "apply", "drop")),
          force=st.booleans())  # fmt: skip
    def unstash(self, who: str, number: int, how: str, force: bool) -> None:
        if not number and not self.model.seats[who].stashes:
            self.stash(who, {*DATASETS})
        which, live = f"stash@{{{number}}}", self._live(who)
        if how == "drop":
            self._do(self.model.drop_stash(who, number), lambda repo: repo.drop_stash(which))
        else:
            plan = self.model.take_back(who, number, how == "pop", force)
            self._do(plan, lambda repo: repo.unstash(which, live=live, force=force, drop=how == "pop"))

    @rule(who=_who, times=st.sampled_from((1, 1, 2, 3)))
    def undo(self, who: str, times: int) -> None:
        for _ in range(times):
            live = self._live(who)
            self._do(self.model.undo(who), lambda repo, live=live: repo.undo(live=live))

    @rule(who=_who, edits=st.lists(st.tuples(_dataset, st.sampled_from(KINDS)), min_size=2, max_size=2),
          undos=st.sampled_from((0, 1, 1, 2, 3)), redos=st.sampled_from((1, 1, 2, 3)))  # fmt: skip
    def undo_and_redo(self, who: str, edits: list[tuple[str, str]], undos: int, redos: int) -> None:
        self.edit(who, *edits[0], 2, 99)
        self.undo(who, undos)
        self.edit(who, *edits[1], 1, 88)
        for _ in range(redos):
            live = self._live(who)
            self._do(self.model.redo(who), lambda repo, live=live: repo.redo(live=live))

    # --- steps: processes

    @rule(who=_who)
    def reopen(self, who: str) -> None:
        self.repos[who].close()
        self.armed.pop(who, None)
        self._open(who)

    @rule(who=_who, source=_who)
    def adopt(self, who: str, source: str) -> None:
        if who != source and who not in self.armed:
            self.repos[who].adopt(self.repos[source].head.workspace)
            self.model.adopt(who, source)

    @rule(who=_who, what=st.sampled_from(sorted(CRASHES)))
    def will_crash(self, who: str, what: str) -> None:
        """The process of a workspace is started again; the next thing that it has to write fails."""
        if who not in self.armed:
            self.repos[who].close()
            self.repos[who] = _failing(self.folder, _name(who), what)
            self.model.started(who)
            self.armed[who] = what

    # --- what must always be true

    @invariant()
    def refs_are_where_they_should_be(self) -> None:
        if self.repos:
            found = self.repos[WORKSPACES[0]]._catalog.refs(kinds=("branch", "tag", "hidden"))
            assert {
                ref.name: (ref.kind, ref.commit and ref.commit.hex(), ref.annotation and ref.annotation.message)
                for ref in found
            } == self.model.refs

    @invariant()
    def heads_are_where_they_should_be(self) -> None:
        for who, repo in self.repos.items():
            seat = self.model.seats[who]
            assert repo.head.branch == seat.branch
            assert {name: base.hex() for name, base in repo.head.bases.items()} == seat.bases

    @precondition(lambda self: self.model.trees)
    @rule(who=_who, more=st.lists(_revision, max_size=4))
    def revisions_lead_where_they_should(self, who: str, more: list[str | int]) -> None:
        repo = self.repos[who]
        for revision in (*MOMENTS, *map(self._commit_named, more)):
            expected = self.model.resolve(who, revision)
            if expected is None:
                with pytest.raises(UnknownName):
                    repo.resolve(revision)
            else:
                assert repo.resolve(revision).id.hex() == expected, revision
        assert [report.ref.name for report in repo.stashes()] == self.model.seats[who].stashes

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
        model = self.model
        if model.refs:
            repo.fsck()
        for branch, tip in model.named("branch").items():
            records = repo.log(branch)
            assert {record.id.hex(): _parents(record) for record in records} == {
                commit: model.parents[commit] for commit in model.history(tip)
            }
            places = {record.id: place for place, record in enumerate(records)}
            assert all(places[parent] > places[record.id] for record in records for parent in record.commit.parents)
        self._audit_logs(repo)
        entries: dict[Spec, set[tuple[bytes, bytes]]] = {}
        for revision, tree in model.trees.items():  # also those that no ref leads to any more
            assert repo.datasets(revision).keys() == tree.keys()
            for name, spec in tree.items():
                if spec not in entries:  # the others of its kind have the same ids, and so the same bytes
                    _assert_equal(spec.frame(), repo.read(f"{revision}:{name}"))
                entries.setdefault(spec, set()).add(_ids(repo, revision, name))
        frames = {f"fresh-{number}": spec for number, spec in enumerate(entries)}
        if frames:  # committed for the first time, without any history
            if not model.named("branch"):
                repo.switch("another", create=True, at=next(iter(model.trees)))
            elif "main" not in model.refs:
                repo.switch(next(iter(model.named("branch"))))
            repo.commit({name: spec.frame() for name, spec in frames.items()}, message="m")
        for name, spec in frames.items():
            assert entries[spec] == {_ids(repo, "HEAD", name)}, "the same ids, whatever came before"
        assert len({oid for (oid,) in entries.values()}) == len(entries), "other frames have other ids"
        assert not list((self.folder / ".lineageflow" / "objects" / "tmp").glob("*"))
        assert repo._catalog.outbox() == ()

    def _audit_logs(self, repo: Repository) -> None:
        model, catalog = self.model, repo._catalog
        assert len(catalog.operations()) == model.operations
        ids = {record.name.user: record.id for record in catalog.workspaces()}
        for name, lines in model.reflogs.items():
            assert _moves(catalog.reflog(name)) == [(line.before, line.after) for line in reversed(lines)]
        for who, seat in model.seats.items():
            assert _moves(catalog.reflog("HEAD", workspace=ids[who])) == [
                (line.before, line.after) for line in reversed(seat.lines)
            ]
            verbs = [operation.verb for operation in catalog.last_operations(ids[who])]
            assert verbs == [operation.verb for operation in reversed(seat.log)]


def _moves(found: Any) -> list[tuple[str | None, str | None]]:
    return [(move.before and move.before.hex(), move.after and move.after.hex()) for move in found]


def _parents(record: CommitRecord) -> tuple[str, ...]:
    return tuple(parent.hex() for parent in record.commit.parents)


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


def _failing(folder: Path, name: lf.WorkspaceName, what: str) -> Repository:
    """The repository with a store that fails when something is written, or a catalog that does not wait for others."""
    catalog = SqlCatalog.open(folder / ".lineageflow" / "catalog.sqlite", busy_timeout=0.02)
    store = LocalStore(folder / ".lineageflow" / "objects")
    error: Any = KeyboardInterrupt() if what == "interrupt" else StorageFull("no space left")
    keys = "journal/" if what == "journal" else "packs/"
    failing = store if what == "catalog" else FailingStore(store, error, keys=keys)
    head = catalog.workspace(name, branch="main")
    return Repository(catalog, failing, head, location="", author=lambda: lf.Author("A"))


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
