"""What a publication must hold, and where its objects are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import (
    CorruptData,
    ObjectMissing,
    UsageProblem,
)
from lineageflow_jupyter.model.ids import Kind
from lineageflow_jupyter.model.records import (
    Location,
)
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


class Publications(CatalogTests):
    """Whole publications, their objects and packs."""

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
        assert catalog.log([second.id]) == (second, first)

    def test_generations_are_checked(self, catalog: Catalog) -> None:
        """The order of the log rests on them."""
        first = make_commit()
        grow(catalog, first)
        for generation in (1, 3):
            wrong = replace(make_commit(first), generation=generation)
            with pytest.raises(UsageProblem, match="generation"):
                catalog.publish(make_publication(moving("main", first, wrong), commits=[wrong]))
        assert catalog.log([first.id]) == (first,)

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
        assert catalog.log([commit.id]) == (commit,)

    def test_details_must_be_json(self, catalog: Catalog) -> None:
        """NaN and objects are refused before anything is written."""
        commit = make_commit()
        for value in (float("nan"), object()):
            detail: dict[str, object] = {"x": value}
            with pytest.raises((TypeError, ValueError)):
                catalog.publish(make_publication(moving("main", None, commit), commits=[commit], detail=detail))
        assert catalog.refs() == ()

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

    def test_objects_are_told_by_their_kind(self, catalog: Catalog) -> None:
        """Also those that come to lie in another form elsewhere, once their pack is condemned."""
        whole, derived, moved = make_id(), make_id(), make_id()
        old = make_pack(moved, kind=Kind.DERIVED)
        catalog.publish(make_publication(packs=[make_pack(whole), make_pack(derived, kind=Kind.DERIVED), old]))
        assert catalog.of_kind([whole, derived, moved, make_id()], Kind.DERIVED) == {derived, moved}
        assert catalog.of_kind([whole, derived, moved], Kind.CHUNK) == {whole}
        assert catalog.of_kind([], Kind.CHUNK) == frozenset()
        self.condemn(catalog, old)
        catalog.publish(make_publication(packs=[make_pack(moved)]))
        assert catalog.of_kind([derived, moved], Kind.DERIVED) == {derived}

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
