"""What every catalog must do, as tests: an implementation inherits `CatalogContract` and says how to make one.

Only the port is used, but for two hooks that the port does not have yet. What is peculiar to a database (locks, files,
migrations) is tested beside its implementation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import (
    CorruptData,
    InvalidName,
    NameTaken,
    ObjectMissing,
    RefMoved,
    UnknownName,
    UsageProblem,
)
from lineageflow_jupyter.model.ids import Kind, ObjectId
from lineageflow_jupyter.model.objects import Author, Commit, Step, encode_commit
from lineageflow_jupyter.model.records import (
    CommitRecord,
    Head,
    Location,
    Operation,
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
NOTEBOOK = WorkspaceName("ada", "machine", "/home/ada/flights.ipynb")


def make_id() -> ObjectId:
    """Return a random id."""
    return ObjectId(os.urandom(32))


def make_commit(
    *parents: CommitRecord, time: int = 0, datasets: Sequence[str] = ("flights",), message: str = "a commit"
) -> CommitRecord:
    """Return a commit on top of `parents`, different from all others."""
    author = Author("Ada Lovelace", "ada@example.org")
    commit = Commit(make_id(), tuple(parent.id for parent in parents), author, time, 60, message)
    generation = 1 + max((parent.generation for parent in parents), default=0)
    return CommitRecord(encode_commit(commit)[0], commit, generation, tuple(sorted(datasets)))


def make_pack(*ids: ObjectId) -> Pack:
    """Return a pack that holds `ids`, each ten bytes long."""
    entries = tuple(PackEntry(oid, Kind.CHUNK, 10 * position, 10) for position, oid in enumerate(ids))
    return Pack(os.urandom(32).hex(), 10 * len(ids) + 100, entries)


def moving(name: str, before: CommitRecord | None, after: CommitRecord | None, *, kind: str = "branch") -> RefChange:
    """Return the change of a ref from one commit to another."""
    return RefChange(name, kind, before.id if before else None, after.id if after else None)


def make_publication(
    *refs: RefChange,
    commits: Sequence[CommitRecord] = (),
    packs: Sequence[Pack] = (),
    reused: Sequence[ObjectId] = (),
    head: Head | None = None,
    detail: dict[str, object] | None = None,
) -> Publication:
    """Return a publication with a new operation id."""
    return Publication(
        operation=str(uuid4()),
        verb="commit",
        workspace=head.workspace if head else "",
        time=1_700_000_000_000_000,
        refs=refs,
        packs=tuple(packs),
        reused=frozenset(reused),
        commits=tuple(commits),
        head=head,
        detail=detail or {},
    )


def grow(catalog: Catalog, *commits: CommitRecord, branch: str = "main") -> None:
    """Publish commits one by one, each moving `branch`."""
    for commit in commits:
        ref = catalog.ref(branch)
        change = RefChange(branch, "branch", ref.commit if ref else None, commit.id)
        catalog.publish(make_publication(change, commits=[commit]))


class CatalogContract:
    """Tests of a catalog; a subclass gives the fixtures `catalog` and `reopen` and the hook `condemn`."""

    @pytest.fixture
    def catalog(self) -> Catalog:
        """Return an empty catalog."""
        raise NotImplementedError

    @pytest.fixture
    def reopen(self, catalog: Catalog) -> Callable[[], Catalog]:
        """Return a function that opens the same catalog once more, as another process would."""
        raise NotImplementedError

    def condemn(self, catalog: Catalog, pack: Pack) -> None:
        """Condemn a pack, as gc will."""
        raise NotImplementedError

    def content(self, catalog: Catalog) -> object:
        """Return all that the catalog remembers; a subclass may look deeper than the port lets one."""
        kinds = ("branch", "tag", "hidden")
        return catalog.refs(kinds=kinds), catalog.operations(), tuple(catalog.outbox())

    # --- an empty repository

    def test_an_empty_catalog_has_nothing(self, catalog: Catalog) -> None:
        """Every question has an answer before the first commit."""
        assert catalog.ref("main") is None
        assert catalog.refs() == ()
        assert catalog.commit(make_id()) is None
        assert catalog.commits_with_prefix("a") == ()
        assert catalog.known([make_id()]) == frozenset()
        assert catalog.known([]) == frozenset()
        assert catalog.locate([make_id()]) == {}
        assert tuple(catalog.outbox()) == ()
        assert catalog.operations() == ()

    def test_the_log_of_no_commit_is_an_error(self, catalog: Catalog) -> None:
        """There is nothing to walk from."""
        with pytest.raises(ObjectMissing):
            catalog.log(make_id())

    def test_it_is_a_catalog_and_keeps_its_identity(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """The store is told which catalog it belongs to."""
        assert isinstance(catalog, Catalog)
        assert catalog.uuid
        assert reopen().uuid == catalog.uuid

    # --- refs and commits

    def test_a_published_commit_is_there_for_everyone(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Another process sees exactly what was published."""
        commit = make_commit(time=5, datasets=["weather", "flights"], message="first\n\nand more")
        grow(catalog, commit)
        other = reopen()
        ref = other.ref("main")
        assert ref is not None
        assert (ref.name, ref.kind, ref.commit) == ("main", "branch", commit.id)
        assert other.commit(commit.id) == commit
        assert other.log(commit.id) == (commit,)

    def test_commits_come_back_with_steps_and_causes(self, catalog: Catalog) -> None:
        """All of a commit is kept, not only what is indexed."""
        plain = make_commit().commit
        commit = replace(
            plain,
            steps=(Step("flights", "cell-run", make_id()), Step("flights", "", make_id())),
            causes=(("flights", make_id()),),
            offset=-720,
            time=-1,
            message="🦀\0\n'",
        )
        record = CommitRecord(encode_commit(commit)[0], commit, 1, ("flights",))
        grow(catalog, record)
        assert catalog.commit(record.id) == record

    def test_refs_are_sorted_and_filtered_by_kind(self, catalog: Catalog) -> None:
        """Hidden refs are listed only when asked for."""
        commit = make_commit()
        refs = [moving(name, None, commit) for name in ("zeta", "Alpha", "élan")]
        refs += [moving("v1.0", None, commit, kind="tag"), moving("stash/1", None, commit, kind="hidden")]
        catalog.publish(make_publication(*refs, commits=[commit]))
        assert [ref.name for ref in catalog.refs()] == ["Alpha", "v1.0", "zeta", "élan"]
        assert [ref.name for ref in catalog.refs(kinds=["tag"])] == ["v1.0"]
        assert [ref.name for ref in catalog.refs(kinds=["hidden", "tag"])] == ["stash/1", "v1.0"]
        assert catalog.refs(kinds=[]) == ()

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_names_are_text_of_any_kind(self, catalog: Catalog, name: str) -> None:
        """A name is never read as SQL, as a pattern or as another name."""
        commit, other = make_commit(datasets=[name]), make_commit(datasets=["another"])
        catalog.publish(
            make_publication(moving(name, None, commit), moving(name + "x", None, other), commits=[commit, other])
        )
        ref = catalog.ref(name)
        assert ref is not None
        assert ref.name == name
        assert ref.commit == commit.id
        assert catalog.log(commit.id, dataset=name) == (commit,)
        assert catalog.log(other.id, dataset=name) == ()

    def test_names_that_look_alike_are_different(self, catalog: Catalog) -> None:
        """Neither case nor Unicode composition is folded."""
        commit = make_commit()
        names = ["main", "MAIN", "e\u0301", "\u00e9", "main "]
        catalog.publish(make_publication(*(moving(name, None, commit) for name in names), commits=[commit]))
        assert [ref.name for ref in catalog.refs()] == sorted(names)

    @pytest.mark.parametrize("name", ["half \ud800 pair", "nul \0 byte"])
    def test_names_that_are_no_text_are_refused(self, catalog: Catalog, name: str) -> None:
        """They are refused by name, and looking for one finds nothing."""
        commit = make_commit()
        with pytest.raises(InvalidName):
            catalog.publish(make_publication(moving(name, None, commit), commits=[commit]))
        with pytest.raises(InvalidName):
            catalog.workspace(NOTEBOOK, branch=name)
        assert catalog.ref(name) is None
        grow(catalog, commit)
        assert catalog.log(commit.id, dataset=name) == ()

    def test_refs_can_be_deleted_and_made_again(self, catalog: Catalog) -> None:
        """Deleting frees the name, for another kind too; the commit stays."""
        commit = make_commit()
        grow(catalog, commit)
        catalog.publish(make_publication(moving("main", commit, None)))
        assert catalog.ref("main") is None
        assert catalog.commit(commit.id) == commit
        catalog.publish(make_publication(moving("main", None, commit, kind="tag")))
        assert [ref.kind for ref in catalog.refs()] == ["tag"]

    def test_commits_are_found_by_any_prefix(self, catalog: Catalog) -> None:
        """Odd numbers of digits work, and nothing but lower-case digits matches."""
        commits = [make_commit() for _ in range(60)]
        catalog.publish(make_publication(commits=commits))
        for digits in (1, 2, 3, 7, 63, 64):
            prefix = commits[0].id.hex()[:digits]
            expected = tuple(sorted(commit.id for commit in commits if commit.id.hex().startswith(prefix)))
            assert catalog.commits_with_prefix(prefix, limit=100) == expected
            assert catalog.commits_with_prefix(prefix, limit=1) == expected[:1]
        for no_prefix in ("", "g", "A" * 64, " ", "0" * 65, commits[0].id.hex().upper() + "z", "%"):
            assert catalog.commits_with_prefix(no_prefix) == ()

    # --- compare and swap

    @pytest.mark.parametrize("there", [None, "another"])
    def test_a_ref_that_moved_is_not_overwritten(self, catalog: Catalog, there: str | None) -> None:
        """Whether it moved or is gone: nothing of the publication is left behind."""
        first, second, third = make_commit(time=1), make_commit(time=2), make_commit(time=3)
        grow(catalog, first)
        head = catalog.workspace(NOTEBOOK, branch="main")
        catalog.publish(make_publication(moving("main", first, second if there else None), commits=[second]))
        before = self.content(catalog)
        pack = make_pack(make_id())
        late = make_publication(
            moving("new", None, third),
            moving("main", first, third),
            commits=[third],
            packs=[pack],
            head=replace(head, bases={"flights": first.id}),
        )
        with pytest.raises(RefMoved) as raised:
            catalog.publish(late)
        assert "main" in str(raised.value)
        assert raised.value.remedy
        assert self.content(catalog) == before
        assert catalog.known([pack.entries[0].id]) == frozenset()
        assert catalog.commit(third.id) is None
        assert catalog.workspace(NOTEBOOK, branch="main") == head

    def test_a_name_that_is_taken_is_not_reused(self, catalog: Catalog) -> None:
        """Neither for a new ref nor for one of another kind."""
        commit, other = make_commit(), make_commit()
        grow(catalog, commit)
        before = self.content(catalog)
        with pytest.raises(NameTaken):
            catalog.publish(make_publication(moving("main", None, other), commits=[other]))
        with pytest.raises(NameTaken):
            catalog.publish(make_publication(moving("main", commit, other, kind="tag"), commits=[other]))
        assert self.content(catalog) == before

    def test_one_publication_moves_a_ref_once(self, catalog: Catalog) -> None:
        """Two changes of one ref contradict each other."""
        commit = make_commit()
        with pytest.raises(UsageProblem):
            catalog.publish(
                make_publication(moving("a", None, commit), moving("a", None, commit, kind="tag"), commits=[commit])
            )
        assert catalog.operations() == ()

    def test_a_ref_can_be_checked_without_moving_it(self, catalog: Catalog) -> None:
        """The same commit before and after is a condition, as is nothing before and after."""
        commit, other = make_commit(), make_commit()
        grow(catalog, commit)
        catalog.publish(make_publication(moving("main", commit, commit), moving("free", None, None)))
        with pytest.raises(RefMoved):
            catalog.publish(make_publication(moving("main", other, other)))
        with pytest.raises(NameTaken):
            catalog.publish(make_publication(moving("main", None, None)))
        assert [ref.name for ref in catalog.refs()] == ["main"]

    # --- what a publication must hold

    def test_a_publication_is_recorded_once(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """A retry after a lost answer is answered from the log, even when the ref has moved on."""
        first, second = make_commit(time=1), make_commit(time=2)
        publication = make_publication(moving("main", None, first), commits=[first], detail={"rows": [1, None, "ü"]})
        operation = catalog.publish(publication)
        grow(catalog, second)
        before = self.content(catalog)
        assert reopen().publish(publication) == operation
        assert catalog.publish(publication) == operation
        assert self.content(catalog) == before

    def test_targets_of_refs_and_bases_must_exist(self, catalog: Catalog) -> None:
        """Nothing ever points at a commit that is not there."""
        commit, absent = make_commit(), make_commit()
        head = catalog.workspace(NOTEBOOK, branch="main")
        before = self.content(catalog)
        moved = replace(head, bases={"flights": absent.id})
        for publication in (
            make_publication(moving("main", None, absent)),
            make_publication(moving("main", None, commit), commits=[commit], head=moved),
        ):
            with pytest.raises(ObjectMissing):
                catalog.publish(publication)
        with pytest.raises(ObjectMissing):
            catalog.set_head(moved)
        assert self.content(catalog) == before

    def test_parents_come_before_their_children(self, catalog: Catalog) -> None:
        """In one publication or over several; a commit without its parent is refused."""
        first = make_commit(time=1)
        second = make_commit(first, time=2)
        with pytest.raises(ObjectMissing):
            catalog.publish(make_publication(moving("main", None, second), commits=[second]))
        with pytest.raises(ObjectMissing):
            catalog.publish(make_publication(moving("main", None, second), commits=[second, first]))
        catalog.publish(make_publication(moving("main", None, second), commits=[first, second]))
        assert catalog.log(second.id) == (second, first)

    def test_generations_are_checked(self, catalog: Catalog) -> None:
        """The order of the log rests on them."""
        first = make_commit()
        grow(catalog, first)
        for generation in (1, 3):
            wrong = replace(make_commit(first), generation=generation)
            with pytest.raises(UsageProblem, match="generation"):
                catalog.publish(make_publication(moving("main", first, wrong), commits=[wrong]))
        assert catalog.log(first.id) == (first,)

    def test_ids_are_checked(self, catalog: Catalog) -> None:
        """A commit under an id that is not its own would poison the catalog."""
        wrong = replace(make_commit(), id=make_id())
        with pytest.raises(CorruptData):
            catalog.publish(make_publication(moving("main", None, wrong), commits=[wrong]))
        assert catalog.operations() == ()

    def test_a_commit_may_be_published_again(self, catalog: Catalog) -> None:
        """After a reset, for example: it is the same commit."""
        commit = make_commit()
        grow(catalog, commit)
        catalog.publish(make_publication(moving("copy", None, commit), commits=[commit]))
        assert catalog.log(commit.id) == (commit,)

    def test_details_must_be_json(self, catalog: Catalog) -> None:
        """NaN and objects are refused before anything is written."""
        commit = make_commit()
        for value in (float("nan"), object()):
            detail: dict[str, object] = {"x": value}
            with pytest.raises((TypeError, ValueError)):
                catalog.publish(make_publication(moving("main", None, commit), commits=[commit], detail=detail))
        assert catalog.refs() == ()

    # --- objects

    def test_objects_are_found_where_they_lie(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Those that are stored are located, others are left out."""
        ids = [make_id() for _ in range(5)]
        pack = make_pack(*ids)
        catalog.publish(make_publication(packs=[pack]))
        assert reopen().locate([*ids[:2], make_id(), ids[0]]) == {
            ids[0]: Location(pack.name, 0, 10),
            ids[1]: Location(pack.name, 10, 10),
        }
        assert catalog.known({*ids, make_id()}) == frozenset(ids)

    def test_any_number_of_ids_can_be_asked_for(self, catalog: Catalog) -> None:
        """More than a statement has parameters for, and from many packs."""
        packs = [make_pack(*(make_id() for _ in range(20))) for _ in range(1100)]
        packs += [make_pack(*(make_id() for _ in range(12_000)))]
        ids = [entry.id for pack in packs for entry in pack.entries]
        commit = make_commit()
        catalog.publish(make_publication(packs=packs))
        catalog.publish(make_publication(moving("main", None, commit), commits=[commit], reused=ids))
        assert catalog.known(ids) == frozenset(ids)
        found = catalog.locate([*ids, *(make_id() for _ in range(2000))])
        assert found.keys() == set(ids)
        assert all(found[entry.id].pack == pack.name for pack in packs for entry in pack.entries)

    def test_the_first_location_wins(self, catalog: Catalog) -> None:
        """Two processes that wrote the same object at once do no harm."""
        oid, new = make_id(), make_id()
        first, second = make_pack(oid), make_pack(new, oid)
        catalog.publish(make_publication(packs=[first]))
        catalog.publish(make_publication(packs=[second]))
        assert catalog.locate([oid, new]) == {oid: Location(first.name, 0, 10), new: Location(second.name, 0, 10)}

    def test_the_same_pack_twice_is_one_pack(self, catalog: Catalog) -> None:
        """Two processes may write the same bytes, and one publication may name an object in two packs."""
        oid = make_id()
        pack, other = make_pack(oid), make_pack(oid)
        catalog.publish(make_publication(packs=[pack, other]))
        catalog.publish(make_publication(packs=[pack]))
        assert catalog.known([oid]) == {oid}
        assert catalog.locate([oid])[oid].pack in {pack.name, other.name}

    def test_an_empty_pack_is_no_problem(self, catalog: Catalog) -> None:
        """Nothing lies in it."""
        catalog.publish(make_publication(packs=[make_pack()]))
        assert len(catalog.operations()) == 1

    def test_condemned_packs_are_read_but_not_built_upon(self, catalog: Catalog) -> None:
        """A commit that rests on one is refused as a whole; readers still find its objects."""
        pack, other = make_pack(make_id()), make_pack(make_id())
        catalog.publish(make_publication(packs=[pack, other]))
        self.condemn(catalog, pack)
        gone, kept = pack.entries[0].id, other.entries[0].id
        assert catalog.known([gone, kept]) == {kept}
        assert catalog.locate([gone])[gone].pack == pack.name
        before, commit = self.content(catalog), make_commit()
        new = make_pack(make_id())
        with pytest.raises(ObjectMissing, match=gone.hex()):
            catalog.publish(
                make_publication(moving("main", None, commit), commits=[commit], packs=[new], reused=[kept, gone])
            )
        assert self.content(catalog) == before
        assert catalog.known([new.entries[0].id]) == frozenset()
        catalog.publish(make_publication(moving("main", None, commit), commits=[commit], reused=[kept]))

    def test_objects_leave_condemned_packs(self, catalog: Catalog) -> None:
        """Written anew into another pack they are found there; written into the same pack they revive it."""
        moved, stays = make_id(), make_id()
        old, same = make_pack(moved), make_pack(stays)
        catalog.publish(make_publication(packs=[old, same]))
        self.condemn(catalog, old)
        self.condemn(catalog, same)
        new = make_pack(moved)
        catalog.publish(make_publication(packs=[new, same], reused=[moved, stays]))
        assert catalog.known([moved, stays]) == {moved, stays}
        found = catalog.locate([moved, stays])
        assert (found[moved].pack, found[stays].pack) == (new.name, same.name)

    # --- the log

    def test_the_log_of_a_line_is_newest_first(self, catalog: Catalog) -> None:
        """From where it is asked, no further than asked."""
        line = [make_commit(time=0)]
        for time in range(1, 300):
            line.append(make_commit(line[-1], time=time))
        catalog.publish(make_publication(moving("main", None, line[-1]), commits=line))
        newest = tuple(reversed(line))
        assert catalog.log(line[-1].id) == newest
        assert catalog.log(line[-1].id, limit=7) == newest[:7]
        assert catalog.log(line[-1].id, limit=0) == ()
        assert catalog.log(line[99].id, limit=1000) == newest[200:]

    def test_a_diamond_is_ordered_by_time_between_fork_and_merge(self, catalog: Catalog) -> None:
        """Sides of different length interleave by time, not by depth."""
        root = make_commit(time=0)
        left = [make_commit(root, time=10)]
        left.append(make_commit(left[-1], time=30))
        left.append(make_commit(left[-1], time=50))
        right = make_commit(root, time=40)
        merge = make_commit(left[-1], right, time=60)
        catalog.publish(make_publication(moving("main", None, merge), commits=[root, *left, right, merge]))
        assert catalog.log(merge.id) == (merge, left[2], right, left[1], left[0], root)
        assert catalog.log(right.id) == (right, root)

    def test_a_criss_cross_lists_each_commit_once(self, catalog: Catalog) -> None:
        """Both merges have both parents."""
        root = make_commit(time=0)
        a, b = make_commit(root, time=1), make_commit(root, time=2)
        c, d = make_commit(a, b, time=3), make_commit(b, a, time=4)
        tip = make_commit(c, d, time=5)
        catalog.publish(make_publication(moving("main", None, tip), commits=[root, a, b, c, d, tip]))
        assert catalog.log(tip.id) == (tip, d, c, b, a, root)

    def test_children_come_before_parents_whatever_the_clocks(self, catalog: Catalog) -> None:
        """A parent from a machine whose clock was ahead is not listed before its child."""
        root = make_commit(time=100)
        child = make_commit(root, time=1)
        other = make_commit(root, time=50)
        merge = make_commit(child, other, time=2)
        catalog.publish(make_publication(moving("main", None, merge), commits=[root, child, other, merge]))
        assert catalog.log(merge.id) == (merge, other, child, root)

    def test_the_log_of_a_dataset_has_its_changes_only(self, catalog: Catalog) -> None:
        """On every side of a merge, to the limit."""
        root = make_commit(time=0, datasets=["flights", "weather"])
        left = make_commit(root, time=1, datasets=["flights"])
        right = make_commit(root, time=2, datasets=["weather"])
        merge = make_commit(left, right, time=3, datasets=["weather"])
        tip = make_commit(merge, time=4, datasets=[])
        catalog.publish(make_publication(moving("main", None, tip), commits=[root, left, right, merge, tip]))
        assert catalog.log(tip.id, dataset="flights") == (left, root)
        assert catalog.log(tip.id, dataset="weather") == (merge, right, root)
        assert catalog.log(tip.id, dataset="weather", limit=1) == (merge,)
        assert catalog.log(tip.id, dataset="planes") == ()

    # --- operations and the journal

    def test_operations_are_listed_in_order(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """From anywhere, as many as asked for, with all their particulars."""
        first, second = make_commit(time=1), make_commit(time=2)
        done: list[Operation] = []
        for change, commit in ((moving("main", None, first), first), (moving("main", first, second), second)):
            publication = make_publication(change, commits=[commit], detail={"n": len(done), "text": "ü🦀"})
            done.append(catalog.publish(publication))
            assert done[-1] == Operation(
                done[-1].sequence, publication.operation, "commit", "", publication.time, (change,), publication.detail
            )
        assert done[0].sequence < done[1].sequence
        assert reopen().operations() == tuple(done)
        assert catalog.operations(after=done[0].sequence) == (done[1],)
        assert catalog.operations(limit=1) == (done[0],)
        assert catalog.operations(after=done[1].sequence) == ()

    def test_the_journal_says_all_that_is_needed_to_rebuild(self, catalog: Catalog) -> None:
        """One JSON text for one operation, under a key that sorts by time."""
        first, second = make_commit(time=1), make_commit(time=2)
        grow(catalog, first)
        head = replace(catalog.workspace(NOTEBOOK, branch="main"), bases={"flights": second.id})
        pack = make_pack(make_id())
        publication = make_publication(
            moving("main", first, second),
            moving("v1", None, second, kind="tag"),
            commits=[second],
            packs=[pack],
            head=head,
            detail={"message": "größer"},
        )
        operation = catalog.publish(publication)
        entry = catalog.outbox()[-1]
        assert entry.sequence == operation.sequence
        assert entry.key == f"journal/{operation.sequence:020d}-{publication.operation}.json"
        assert json.loads(entry.data) == {
            "format": 1,
            "catalog": catalog.uuid,
            "sequence": operation.sequence,
            "operation": publication.operation,
            "verb": "commit",
            "workspace": head.workspace,
            "time": publication.time,
            "refs": [
                {"name": "main", "kind": "branch", "before": first.id.hex(), "after": second.id.hex()},
                {"name": "v1", "kind": "tag", "before": None, "after": second.id.hex()},
            ],
            "commits": [second.id.hex()],
            "packs": [pack.name],
            "head": {
                "workspace": head.workspace,
                "name": [NOTEBOOK.user, NOTEBOOK.host, NOTEBOOK.path],
                "branch": "main",
                "bases": {"flights": second.id.hex()},
            },
            "detail": {"message": "größer"},
        }

    def test_the_outbox_empties_as_entries_are_flushed(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """In any order, once or twice; what is not flushed is there for the next process."""
        commits = [make_commit(time=time) for time in range(4)]
        grow(catalog, *commits)
        entries = reopen().outbox()
        assert [entry.sequence for entry in entries] == [operation.sequence for operation in catalog.operations()]
        catalog.flushed([entries[2].sequence, entries[0].sequence, 999])
        catalog.flushed([entries[2].sequence])
        catalog.flushed([])
        assert tuple(reopen().outbox()) == (entries[1], entries[3])
        assert len(catalog.operations()) == 4

    # --- workspaces

    def test_a_workspace_is_remembered_by_name(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """The branch of the first call stays; other names are other workspaces."""
        head = catalog.workspace(NOTEBOOK, branch="main")
        assert (head.branch, dict(head.bases)) == ("main", {})
        assert reopen().workspace(NOTEBOOK, branch="other") == head
        others = [replace(NOTEBOOK, user="bob"), replace(NOTEBOOK, host="x"), replace(NOTEBOOK, path="x")]
        assert len({catalog.workspace(name, branch="main").workspace for name in (NOTEBOOK, *others)}) == 4

    @pytest.mark.parametrize("path", ["", "/tmp/\udcff.ipynb", "a\0b", '["', "🦀", "\\udcff"])
    def test_workspaces_may_have_any_path(self, catalog: Catalog, path: str) -> None:
        """Paths are bytes, and need not be text."""
        name = replace(NOTEBOOK, path=path)
        head = catalog.workspace(name, branch="main")
        assert catalog.workspace(name, branch="main") == head
        assert catalog.workspace(replace(NOTEBOOK, path=path + "x"), branch="main") != head

    def test_head_is_replaced_as_a_whole(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Branch and bases, by itself or together with a publication."""
        first, second = make_commit(time=1), make_commit(time=2)
        grow(catalog, first, second)
        head = catalog.workspace(NOTEBOOK, branch="main")
        many = {f"dataset {number}": first.id for number in range(2000)}
        for bases in ({"a": first.id, "b": first.id}, {"b": second.id, "ü": first.id}, many, {"z": second.id}, {}):
            head = replace(head, branch=f"branch {len(bases)}", bases=bases)
            catalog.set_head(head)
            assert reopen().workspace(NOTEBOOK, branch="main") == head
            head = replace(head, bases={**bases, "published": second.id})
            catalog.publish(make_publication(head=head))
            assert catalog.workspace(NOTEBOOK, branch="main") == head

    def test_an_unknown_workspace_has_no_head(self, catalog: Catalog) -> None:
        """Workspaces are made by `workspace` only."""
        stranger = Head(str(uuid4()), "main")
        with pytest.raises(UnknownName):
            catalog.set_head(stranger)
        with pytest.raises(UnknownName):
            catalog.publish(make_publication(head=stranger))
        assert catalog.operations() == ()

    # --- at once

    def test_two_catalogs_race_for_a_branch(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """One wins, the other learns of it and can go on."""
        other = reopen()
        first, second = make_commit(time=1), make_commit(time=2)
        catalog.publish(make_publication(moving("main", None, first), commits=[first]))
        with pytest.raises(NameTaken):
            other.publish(make_publication(moving("main", None, second), commits=[second]))
        after = make_commit(first, time=3)
        other.publish(make_publication(moving("main", first, after), commits=[after]))
        assert catalog.log(after.id) == (after, first)

    def test_threads_lose_no_update(self, catalog: Catalog) -> None:
        """Each thread commits on top of the branch until it has won often enough."""
        root = make_commit()
        grow(catalog, root)

        def commit_often(worker: int) -> int:
            won = 0
            while won < 5:
                ref = catalog.ref("main")
                assert ref is not None
                assert ref.commit is not None
                tip = catalog.commit(ref.commit)
                assert tip is not None
                new = make_commit(tip, message=f"{worker}/{won}")
                try:
                    catalog.publish(make_publication(moving("main", tip, new), commits=[new]))
                except RefMoved:
                    continue
                won += 1
            return won

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(commit_often, range(4))) == [5] * 4
        ref = catalog.ref("main")
        assert ref is not None
        assert ref.commit is not None
        messages = [record.commit.message for record in catalog.log(ref.commit)]
        assert sorted(messages[:-1]) == sorted(f"{worker}/{turn}" for worker in range(4) for turn in range(5))

    def test_threads_that_open_the_same_workspace_get_the_same(self, catalog: Catalog) -> None:
        """However many ask at once."""
        with ThreadPoolExecutor(8) as pool:
            heads = list(pool.map(lambda _: catalog.workspace(NOTEBOOK, branch="main"), range(16)))
        assert len({head.workspace for head in heads}) == 1

    def test_closing_twice_is_no_problem(self, catalog: Catalog) -> None:
        """And a closed catalog says so."""
        catalog.close()
        catalog.close()
        with pytest.raises(UsageProblem):
            catalog.refs()
