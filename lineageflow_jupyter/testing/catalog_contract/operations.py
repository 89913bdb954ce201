"""The operation log, the journal and reflogs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import RefMoved
from lineageflow_jupyter.model.objects import Author
from lineageflow_jupyter.model.records import Annotation, HeadChange, Move, Operation, Ref
from lineageflow_jupyter.testing.catalog_contract.base import CatalogTests
from lineageflow_jupyter.testing.catalog_contract.making import (
    NOTEBOOK,
    grow,
    make_commit,
    make_id,
    make_pack,
    make_publication,
    moving,
)


class Operations(CatalogTests):
    """What is remembered of each operation."""

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
            "format": 2,
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
                "before": "main",
                "after": "main",
                "bases": {"flights": [None, second.id.hex()]},
            },
            "renamed": None,
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

    def test_an_operation_tells_how_it_moved_head(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Only what changed against what was stored, in log and journal, and the same when asked again."""
        first, second = make_commit(time=1), make_commit(time=2)
        grow(catalog, first)
        head = catalog.workspace(NOTEBOOK, branch="main")
        many = {f"dataset {number}": first.id for number in range(500)}
        catalog.set_head(replace(head, bases={**many, "gone": first.id}))
        moved = replace(head, branch="ü", bases={**many, "dataset 7": second.id, "new": second.id})
        publication = make_publication(moving("ü", None, second), commits=[second], head=moved)
        operation = catalog.publish(publication)
        assert operation.head == HeadChange(
            "main",
            "ü",
            {"dataset 7": (first.id, second.id), "gone": (first.id, None), "new": (None, second.id)},
        )
        assert json.loads(catalog.outbox()[-1].data)["head"] == {
            "workspace": head.workspace,
            "name": [NOTEBOOK.user, NOTEBOOK.host, NOTEBOOK.path],
            "before": "main",
            "after": "ü",
            "bases": {
                "dataset 7": [first.id.hex(), second.id.hex()],
                "gone": [first.id.hex(), None],
                "new": [None, second.id.hex()],
            },
        }
        assert reopen().publish(publication) == operation == catalog.operations()[-1]
        assert catalog.publish(make_publication(head=moved)).head == HeadChange("ü", "ü")
        assert catalog.publish(make_publication(workspace=head.workspace)).head is None

    def test_a_tag_keeps_its_annotation(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Until it is moved without one or deleted; the deletion tells what is gone, even if nobody said it."""
        first, second = make_commit(time=1), make_commit(time=2)
        grow(catalog, first, second)
        said = Annotation(Author("Ünal", ""), -5, -720, "größer\n\0🦀\ud800")
        change = moving("v1", None, first, kind="tag", annotation=said)
        publication = make_publication(change)
        operation = catalog.publish(publication)
        assert operation.refs == (change,)
        assert json.loads(catalog.outbox()[-1].data)["refs"][0]["annotation"] == {
            "author": ["Ünal", ""],
            "time": -5,
            "offset": -720,
            "message": said.message,
        }
        assert reopen().publish(publication) == operation
        assert reopen().ref("v1") == Ref("v1", "tag", first.id, said)
        assert reopen().refs(kinds=["tag"]) == (Ref("v1", "tag", first.id, said),)
        catalog.publish(make_publication(moving("v1", first, first, kind="tag")))  # a condition changes nothing
        assert catalog.ref("v1") == Ref("v1", "tag", first.id, said)
        again = replace(said, message="better")
        catalog.publish(make_publication(moving("v1", first, first, kind="tag", annotation=again)))
        assert catalog.ref("v1") == Ref("v1", "tag", first.id, again)
        silent = replace(moving("v1", first, first, kind="tag"), annotation_before=again)
        operation = catalog.publish(make_publication(silent))
        assert operation.refs == (silent,)
        assert catalog.operations()[-1] == operation
        assert catalog.ref("v1") == Ref("v1", "tag", first.id)
        catalog.publish(make_publication(moving("v1", first, first, kind="tag", annotation=again)))
        gone = catalog.publish(make_publication(moving("v1", first, None, kind="tag")))
        assert gone.refs == (moving("v1", first, None, kind="tag", annotation=again),)
        assert catalog.operations()[-1] == gone
        assert catalog.ref("v1") is None
        catalog.publish(make_publication(moving("v1", None, first, kind="tag", annotation=said)))
        catalog.publish(make_publication(moving("v1", first, second, kind="tag")))
        assert catalog.ref("v1") == Ref("v1", "tag", second.id)
        plain = catalog.publish(make_publication(moving("v1", second, None, kind="tag", annotation=said)))
        assert plain.refs == (moving("v1", second, None, kind="tag"),)

    def test_the_last_operations_of_a_workspace(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Newest first, from anywhere, and nobody else's."""
        done = [
            catalog.publish(make_publication(workspace="ab"[number % 2], detail={"n": number})) for number in range(7)
        ]
        own = tuple(reversed(done[0::2]))
        assert reopen().last_operations("a") == own
        assert catalog.last_operations("a", limit=2) == own[:2]
        assert catalog.last_operations("a", before=own[1].sequence) == own[2:]
        assert catalog.last_operations("a", before=own[0].sequence, limit=1) == own[1:2]
        assert catalog.last_operations("b", limit=1) == (done[5],)
        assert catalog.last_operations(None, limit=2) == tuple(reversed(done))[:2]
        assert catalog.last_operations(None, before=done[1].sequence) == (done[0],)
        assert catalog.last_operations("c") == catalog.last_operations("\ud800") == catalog.last_operations("") == ()

    # --- reflogs

    def test_a_reflog_tells_where_a_ref_pointed(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Newest first, page by page, and longer than the ref lives."""
        first, second, third = (make_commit(time=time) for time in (1, 2, 3))
        moves = [(None, first), (first, second), (second, None), (None, third)]
        done = [
            catalog.publish(
                make_publication(moving("main", before, after), commits=[after] if after else [], time=time)
            )
            for time, (before, after) in zip((10, 40, 20, 30), moves, strict=True)
        ]
        catalog.publish(make_publication(moving("main", third, third), moving("free", None, None)))
        catalog.publish(make_publication(moving("stash/1", None, first, kind="hidden")))
        expected = tuple(
            Move(operation.sequence, before.id if before else None, after.id if after else None, "", operation)
            for operation, (before, after) in zip(done, moves, strict=True)
        )[::-1]
        assert reopen().reflog("main") == expected
        assert catalog.reflog("main", limit=2) == expected[:2]
        assert catalog.reflog("main", skip=1, limit=2) == expected[1:3]
        assert catalog.reflog("main", skip=3) == expected[3:]
        assert catalog.reflog("main", skip=9) == ()
        assert catalog.reflog("main", until=30) == (expected[0], expected[1], expected[3])  # a clock went backwards
        assert catalog.reflog("main", until=30, skip=1, limit=1) == (expected[1],)
        assert catalog.reflog("main", until=9) == ()
        assert [move.after for move in catalog.reflog("stash/1")] == [first.id]
        for nothing in ("free", "main%", "MAIN", "HEAD", "\ud800", "a\0"):
            assert catalog.reflog(nothing) == ()
        assert catalog.reflog("main", workspace="x") == ()

    def test_the_last_moves_of_refs(self, catalog: Catalog) -> None:
        """Also of refs that are gone; a condition, and HEAD of a workspace, move no ref."""
        one, two = make_commit(time=1), make_commit(time=2)
        head = replace(catalog.workspace(NOTEBOOK, branch="main"), bases={"flights": one.id})
        first = catalog.publish(make_publication(moving("main", None, one), commits=[one, two], head=head))
        second = catalog.publish(make_publication(moving("ü", None, one), moving("gone", None, two)))
        third = catalog.publish(make_publication(moving("gone", two, None), moving("main", one, one)))
        expected = {"main": first.sequence, "ü": second.sequence, "gone": third.sequence}
        assert catalog.last_moves([*expected, "never", "HEAD", "half \ud800"]) == expected
        assert catalog.last_moves(["ü"]) == {"ü": second.sequence}
        assert catalog.last_moves([]) == {}
        assert catalog.last_moves([f"never {number}" for number in range(2000)]) == {}

    def test_the_reflog_of_head_follows_its_branch(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """What its workspace did to the branch it was on, and where it switched; not what others did."""
        first, second, third, fourth = (make_commit(time=time) for time in (1, 2, 3, 4))
        grow(catalog, first)
        head = catalog.workspace(NOTEBOOK, branch="main")
        own = head.workspace
        catalog.publish(make_publication(moving("main", first, second), commits=[second], head=head))
        catalog.publish(make_publication(moving("side", None, third), commits=[third], workspace=own))
        catalog.publish(make_publication(workspace=own))
        catalog.publish(make_publication(moving("main", second, first), workspace="somebody else"))
        catalog.publish(make_publication(head=replace(head, branch="side")))
        catalog.publish(make_publication(moving("side", third, fourth), commits=[fourth], workspace=own))
        catalog.publish(make_publication(moving("side", fourth, None), head=replace(head, branch="unborn")))
        catalog.publish(make_publication(moving("unborn", None, first, kind="tag"), workspace=own))
        catalog.publish(make_publication(head=head))
        expected = [
            (first, second, "main"),
            (first, third, "side"),
            (third, fourth, "side"),
            (fourth, None, "unborn"),
            (None, first, "main"),
        ]
        found = reopen().reflog("HEAD", workspace=own)
        assert [(move.before, move.after, move.branch) for move in reversed(found)] == [
            (before and before.id, after and after.id, branch) for before, after, branch in expected
        ]
        mine = catalog.last_operations(own)
        assert all(move.operation in mine and move.sequence == move.operation.sequence for move in found)
        assert catalog.reflog("HEAD", workspace=own, skip=1, limit=1) == found[1:2]
        assert catalog.reflog("HEAD", workspace="somebody else") == catalog.reflog("HEAD") == ()

    def test_the_reflogs_of_a_branch_that_is_renamed(self, catalog: Catalog) -> None:
        """The old name's ends, the new name's begins, and HEAD's goes on under the new name."""
        commit = make_commit()
        grow(catalog, commit)
        own = catalog.workspace(NOTEBOOK, branch="main").workspace
        operation = catalog.publish(
            make_publication(
                moving("main", commit, None), moving("trunk", None, commit), renamed=("main", "trunk"), workspace=own
            )
        )
        assert catalog.reflog("main")[0] == Move(operation.sequence, commit.id, None, "", operation)
        assert catalog.reflog("trunk") == (Move(operation.sequence, None, commit.id, "", operation),)
        assert catalog.reflog("HEAD", workspace=own) == (
            Move(operation.sequence, commit.id, commit.id, "trunk", operation),
        )
        assert json.loads(catalog.outbox()[-1].data)["renamed"] == ["main", "trunk"]
        assert catalog.operations()[-1] == operation

    def test_a_ref_named_head_is_not_the_head_of_a_workspace(self, catalog: Catalog) -> None:
        """Their logs are apart."""
        commit = make_commit()
        head = catalog.workspace(NOTEBOOK, branch="HEAD")
        catalog.publish(make_publication(moving("HEAD", None, commit), commits=[commit], head=head))
        (of_ref,) = catalog.reflog("HEAD")
        (of_head,) = catalog.reflog("HEAD", workspace=head.workspace)
        assert (of_ref.branch, of_head.branch) == ("", "HEAD")

    def test_what_fails_leaves_no_line(self, catalog: Catalog) -> None:
        """A reflog is written with what it tells, or not at all; a retry adds nothing."""
        first, second = make_commit(time=1), make_commit(time=2)
        head = catalog.workspace(NOTEBOOK, branch="main")
        publication = make_publication(moving("main", None, first), commits=[first], head=head)
        catalog.publish(publication)
        before = self.content(catalog)
        catalog.publish(publication)
        with pytest.raises(RefMoved):
            catalog.publish(make_publication(moving("a", None, first), moving("main", second, first), head=head))
        assert self.content(catalog) == before
        assert len(catalog.reflog("main")) == len(catalog.reflog("HEAD", workspace=head.workspace)) == 1
