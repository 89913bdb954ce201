"""A catalog against a plain dictionary: any sequence of publications, resets, tags, reopenings and retries."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import NameTaken, ObjectMissing, RefMoved
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import (
    Annotation,
    CommitRecord,
    Head,
    HeadChange,
    Publication,
    Ref,
    WorkspaceName,
)
from lineageflow_jupyter.testing.catalog_contract import ADA, make_commit, make_id, make_pack, make_publication, moving

NAMES = st.sampled_from(["main", "feature", "v1"])
PATHS = st.sampled_from(["one.ipynb", "two.ipynb"])
Line = tuple[str, ObjectId | None, ObjectId | None, str]
DATASETS = st.lists(st.sampled_from(["flights", "weather", "ü"]), unique=True)


class CatalogModel(RuleBasedStateMachine):
    commits = Bundle("commits")
    objects = Bundle("objects")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "catalog.sqlite"
        self.catalog = SqlCatalog.create(self.path, uuid="f00d")
        self.refs: dict[str, CommitRecord] = {}
        self.annotations: dict[str, Annotation | None] = {}
        self.history: dict[ObjectId, CommitRecord] = {}
        self.places: dict[ObjectId, str] = {}
        self.heads: dict[str, Head] = {}
        self.log: list[Publication] = []
        self.unflushed: list[str] = []
        self.reflogs: dict[tuple[str, str], list[Line]] = defaultdict(list)

    def teardown(self) -> None:
        self.catalog.close()
        self.folder.cleanup()

    def publish(self, publication: Publication) -> None:
        """Publish, and do the same to the model."""
        branches = {head.workspace: head.branch for head in self.heads.values()}
        tips = {name: record.id for name, record in self.refs.items()}
        operation = self.catalog.publish(publication)
        self.log.append(publication)
        self.unflushed.append(publication.operation)
        for record in publication.commits:
            self.history[record.id] = record
        for change in publication.refs:
            if change.before != change.after:
                self.reflogs[change.name, ""].append((publication.operation, change.before, change.after, ""))
            if change.after is None:
                self.refs.pop(change.name, None)
                self.annotations.pop(change.name, None)
            elif change.before != change.after:
                self.refs[change.name] = self.history[change.after]
                self.annotations[change.name] = change.annotation
        if publication.head is not None:
            path = next(path for path, head in self.heads.items() if head.workspace == publication.workspace)
            old, new = self.heads[path], publication.head
            datasets = old.bases.keys() | new.bases.keys()
            pairs = {dataset: (old.bases.get(dataset), new.bases.get(dataset)) for dataset in datasets}
            assert operation.head == HeadChange(
                old.branch, new.branch, {dataset: pair for dataset, pair in pairs.items() if pair[0] != pair[1]}
            )
            self.heads[path] = new
        if publication.renamed is not None:
            before, after = publication.renamed
            for path, head in self.heads.items():
                if head.branch == before:
                    self.heads[path] = replace(head, branch=after)
        for head in self.heads.values():
            if head.workspace == publication.workspace:
                before, after = branches[head.workspace], head.branch
                moved = any(change.name == after and change.before != change.after for change in publication.refs)
                if before != after or moved:
                    tip = self.refs[after].id if after in self.refs else None
                    self.reflogs["HEAD", head.workspace].append((publication.operation, tips.get(before), tip, after))

    @initialize(target=commits)
    def first_commit(self) -> CommitRecord:
        record = make_commit()
        self.publish(make_publication(moving("main", None, record), commits=[record]))
        return record

    @rule(
        target=commits,
        name=NAMES,
        path=PATHS,
        others=st.lists(commits, max_size=2),
        time=st.integers(0, 5),
        datasets=DATASETS,
    )
    def commit(self, name: str, path: str, others: list[CommitRecord], time: int, datasets: list[str]) -> CommitRecord:
        tip = self.refs.get(name)
        parents = {parent.id: parent for parent in ([tip] if tip else []) + others}
        record = make_commit(*parents.values(), time=time, datasets=datasets)
        head = self.heads.get(path)
        workspace = head.workspace if head else "nobody"
        self.publish(make_publication(moving(name, tip, record), commits=[record], workspace=workspace))
        return record

    @rule(name=NAMES, target=commits, expected=commits, commit=commits)
    def reset(self, name: str, expected: CommitRecord, commit: CommitRecord) -> object:
        """With a guess of where the ref is, that may be wrong."""
        before = self.refs.get(name)
        try:
            self.publish(make_publication(moving(name, expected, commit)))
        except RefMoved:
            assert before is None or before.id != expected.id
        else:
            assert before is not None
            assert before.id == expected.id
        return multiple()

    @rule(name=NAMES, commit=commits, message=st.none() | st.text(min_size=1))
    def create(self, name: str, commit: CommitRecord, message: str | None) -> None:
        annotation = None if message is None else Annotation(ADA, 1, 60, message)
        taken = name in self.refs
        try:
            self.publish(make_publication(moving(name, None, commit, annotation=annotation)))
        except NameTaken:
            assert taken
        else:
            assert not taken

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if name in self.refs:
            said = self.annotations[name]
            self.publish(make_publication(moving(name, self.refs[name], None)))
            assert self.catalog.operations()[-1].refs[0].annotation == said

    @rule(old=NAMES, new=NAMES, path=PATHS)
    def rename(self, old: str, new: str, path: str) -> None:
        if old in self.refs and new not in self.refs:
            tip, head = self.refs[old], self.heads.get(path)
            self.publish(
                make_publication(
                    moving(old, tip, None),
                    moving(new, None, tip, annotation=self.annotations[old]),
                    renamed=(old, new),
                    workspace=head.workspace if head else "",
                )
            )

    @rule(target=objects, count=st.integers(1, 4), again=st.lists(objects, max_size=3))
    def store(self, count: int, again: list[ObjectId]) -> object:
        new = [make_id() for _ in range(count)]
        pack = make_pack(*dict.fromkeys([*again, *new]))
        self.publish(make_publication(packs=[pack], reused=again))
        for oid in new:
            self.places[oid] = pack.name
        return multiple(*new)

    @rule(reused=st.lists(objects, max_size=3), missing=st.booleans())
    def rest_on(self, reused: list[ObjectId], missing: bool) -> None:
        publication = make_publication(reused=[*reused, *([make_id()] if missing else [])])
        with suppress(ObjectMissing):
            self.publish(publication)
            assert not missing

    @rule(path=PATHS, name=NAMES, bases=st.dictionaries(st.sampled_from(["flights", "ü"]), commits))
    def move_head(self, path: str, name: str, bases: dict[str, CommitRecord]) -> None:
        head = self.catalog.workspace(WorkspaceName("ada", "machine", path), branch=name)
        assert head == self.heads.setdefault(path, Head(head.workspace, name))
        moved = Head(head.workspace, name, {dataset: record.id for dataset, record in bases.items()})
        if len(bases) % 2:
            self.catalog.set_head(moved)
            self.heads[path] = moved
        else:
            self.publish(make_publication(head=moved))

    @rule(path=PATHS, source=PATHS)
    def adopt(self, path: str, source: str) -> None:
        if path in self.heads and source in self.heads:
            adopted = replace(self.heads[source], workspace=self.heads[path].workspace)
            assert self.catalog.adopt(adopted.workspace, self.heads[source].workspace) == adopted
            self.heads[path] = adopted

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        self.catalog.publish(data.draw(st.sampled_from(self.log)))

    @rule(count=st.integers(0, 3))
    def flush(self, count: int) -> None:
        entries = self.catalog.outbox()[:count]
        self.catalog.flushed([entry.sequence for entry in entries])
        del self.unflushed[:count]

    @rule()
    def reopen(self) -> None:
        self.catalog.close()
        self.catalog = SqlCatalog.open(self.path)

    @rule(commit=commits)
    def log_holds_all_ancestors(self, commit: CommitRecord) -> None:
        reached: set[ObjectId] = set()
        todo = [commit.id]
        while todo:
            oid = todo.pop()
            if oid not in reached:
                reached.add(oid)
                todo += self.history[oid].commit.parents
        log = self.catalog.log([commit.id])
        assert {record.id: record for record in log} == {oid: self.history[oid] for oid in reached}
        assert len(log) == len(reached)

    @invariant()
    def agrees(self) -> None:
        assert set(self.catalog.refs()) == {
            Ref(name, "branch", record.id, self.annotations[name]) for name, record in self.refs.items()
        }
        for (name, workspace), lines in self.reflogs.items():
            assert [
                (move.operation.operation, move.before, move.after, move.branch)
                for move in self.catalog.reflog(name, workspace=workspace)
            ] == lines[::-1]
        for path, head in self.heads.items():
            assert self.catalog.workspace(WorkspaceName("ada", "machine", path), branch="new") == head
            assert [operation.operation for operation in self.catalog.last_operations(head.workspace)] == [
                publication.operation for publication in self.log[::-1] if publication.workspace == head.workspace
            ]
        assert {oid: place.pack for oid, place in self.catalog.locate(self.places).items()} == self.places
        assert [operation.operation for operation in self.catalog.operations()] == [
            publication.operation for publication in self.log
        ]
        assert [entry.key.split("-", 1)[1] for entry in self.catalog.outbox()] == [
            f"{operation}.json" for operation in self.unflushed
        ]


TestCatalogModel = CatalogModel.TestCase
TestCatalogModel.settings = hypothesis_settings(max_examples=15, stateful_step_count=20, deadline=None)
