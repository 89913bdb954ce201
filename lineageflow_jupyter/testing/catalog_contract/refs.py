"""Refs and commits, and what a publication may do to them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import (
    InvalidName,
    NameTaken,
    ObjectMissing,
    RefMoved,
    UsageProblem,
)
from lineageflow_jupyter.model.objects import Step, encode_commit
from lineageflow_jupyter.model.records import (
    CommitRecord,
    LogFilter,
)
from lineageflow_jupyter.testing.catalog_contract.base import CatalogTests
from lineageflow_jupyter.testing.catalog_contract.making import (
    HOSTILE_NAMES,
    NOTEBOOK,
    grow,
    make_commit,
    make_id,
    make_pack,
    make_publication,
    moving,
)


class Refs(CatalogTests):
    """Refs and commits, one by one and at once."""

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
            catalog.log([make_id()])

    def test_it_is_a_catalog_and_keeps_its_identity(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """The store is told which catalog it belongs to."""
        assert isinstance(catalog, Catalog)
        assert catalog.uuid
        assert reopen().uuid == catalog.uuid

    def test_a_published_commit_is_there_for_everyone(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Another process sees exactly what was published."""
        commit = make_commit(time=5, datasets=["weather", "flights"], message="first\n\nand more")
        grow(catalog, commit)
        other = reopen()
        ref = other.ref("main")
        assert ref is not None
        assert (ref.name, ref.kind, ref.commit) == ("main", "branch", commit.id)
        assert other.commit(commit.id) == commit
        assert other.log([commit.id]) == (commit,)

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
        assert catalog.log([commit.id], wanted=LogFilter(dataset=name)) == (commit,)
        assert catalog.log([other.id], wanted=LogFilter(dataset=name)) == ()

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
        assert catalog.log([commit.id], wanted=LogFilter(dataset=name)) == ()

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

    def test_two_catalogs_race_for_a_branch(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """One wins, the other learns of it and can go on."""
        other = reopen()
        first, second = make_commit(time=1), make_commit(time=2)
        catalog.publish(make_publication(moving("main", None, first), commits=[first]))
        with pytest.raises(NameTaken):
            other.publish(make_publication(moving("main", None, second), commits=[second]))
        after = make_commit(first, time=3)
        other.publish(make_publication(moving("main", first, after), commits=[after]))
        assert catalog.log([after.id]) == (after, first)

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
        messages = [record.commit.message for record in catalog.log([ref.commit])]
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
