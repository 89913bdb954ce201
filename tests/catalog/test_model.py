"""A catalog against a plain dictionary: any sequence of publications, resets, tags, reopenings and retries."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from lineageflow_jupyter.catalog.sql import SqlCatalog
from lineageflow_jupyter.errors import NameTaken, ObjectMissing, RefMoved
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.records import CommitRecord, Head, Publication, WorkspaceName
from lineageflow_jupyter.testing.catalog_contract import make_commit, make_id, make_pack, make_publication, moving

NAMES = st.sampled_from(["main", "feature", "v1"])
PATHS = st.sampled_from(["one.ipynb", "two.ipynb"])
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
        self.history: dict[ObjectId, CommitRecord] = {}
        self.places: dict[ObjectId, str] = {}
        self.heads: dict[str, Head] = {}
        self.log: list[Publication] = []
        self.unflushed: list[str] = []

    def teardown(self) -> None:
        self.catalog.close()
        self.folder.cleanup()

    def publish(self, publication: Publication) -> None:
        self.catalog.publish(publication)
        self.log.append(publication)
        self.unflushed.append(publication.operation)

    @initialize(target=commits)
    def first_commit(self) -> CommitRecord:
        record = make_commit()
        self.publish(make_publication(moving("main", None, record), commits=[record]))
        self.refs["main"] = self.history[record.id] = record
        return record

    @rule(target=commits, name=NAMES, others=st.lists(commits, max_size=2), time=st.integers(0, 5), datasets=DATASETS)
    def commit(self, name: str, others: list[CommitRecord], time: int, datasets: list[str]) -> CommitRecord:
        tip = self.refs.get(name)
        parents = {parent.id: parent for parent in ([tip] if tip else []) + others}
        record = make_commit(*parents.values(), time=time, datasets=datasets)
        self.publish(make_publication(moving(name, tip, record), commits=[record]))
        self.refs[name] = self.history[record.id] = record
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
            self.refs[name] = commit
        return multiple()

    @rule(name=NAMES, commit=commits)
    def create(self, name: str, commit: CommitRecord) -> None:
        try:
            self.publish(make_publication(moving(name, None, commit)))
        except NameTaken:
            assert name in self.refs
        else:
            assert name not in self.refs
            self.refs[name] = commit

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        if name in self.refs:
            self.publish(make_publication(moving(name, self.refs.pop(name), None)))

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
        known = self.heads.setdefault(path, Head(head.workspace, name))
        assert head == known
        moved = Head(head.workspace, name, {dataset: record.id for dataset, record in bases.items()})
        if len(bases) % 2:
            self.catalog.set_head(moved)
        else:
            self.publish(make_publication(head=moved))
        self.heads[path] = moved

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
        log = self.catalog.log(commit.id)
        assert {record.id: record for record in log} == {oid: self.history[oid] for oid in reached}
        assert len(log) == len(reached)

    @invariant()
    def agrees(self) -> None:
        assert {ref.name: ref.commit for ref in self.catalog.refs()} == {
            name: record.id for name, record in self.refs.items()
        }
        assert {oid: place.pack for oid, place in self.catalog.locate(self.places).items()} == self.places
        assert [operation.operation for operation in self.catalog.operations()] == [
            publication.operation for publication in self.log
        ]
        assert [entry.key.split("-", 1)[1] for entry in self.catalog.outbox()] == [
            f"{operation}.json" for operation in self.unflushed
        ]


TestCatalogModel = CatalogModel.TestCase
TestCatalogModel.settings = hypothesis_settings(max_examples=15, stateful_step_count=20, deadline=None)
