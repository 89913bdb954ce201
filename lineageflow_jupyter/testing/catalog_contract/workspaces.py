"""Workspaces and their HEADs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import UnknownName, UsageProblem
from lineageflow_jupyter.model.records import Head, HeadChange, WorkspaceRecord
from lineageflow_jupyter.testing.catalog_contract.base import CatalogTests
from lineageflow_jupyter.testing.catalog_contract.making import (
    NOTEBOOK,
    grow,
    make_commit,
    make_publication,
    moving,
)


class Workspaces(CatalogTests):
    """Workspaces and HEADs."""

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

    def test_head_moves_from_where_its_process_knew_it(self, catalog: Catalog) -> None:
        """Another process of the workspace has stored another HEAD: the log tells what moved and what is stored."""
        first, second = make_commit(time=1), make_commit(time=2)
        grow(catalog, first, second)
        stored = catalog.workspace(NOTEBOOK, branch="main")
        catalog.set_head(replace(stored, branch="other", bases={"a": second.id, "b": second.id}))
        known = replace(stored, bases={"a": first.id, "c": first.id})
        head = replace(known, branch="dev", bases={"a": first.id, "d": first.id})
        operation = catalog.publish(replace(make_publication(head=head), head_before=known))
        moved = {"a": (first.id, first.id), "b": (None, None), "c": (first.id, None), "d": (None, first.id)}
        assert operation.head == HeadChange("main", "dev", moved)
        assert catalog.workspace(NOTEBOOK, branch="main") == head

    def test_an_unknown_workspace_has_no_head(self, catalog: Catalog) -> None:
        """Workspaces are made by `workspace` only."""
        stranger = Head(str(uuid4()), "main")
        with pytest.raises(UnknownName):
            catalog.set_head(stranger)
        with pytest.raises(UnknownName):
            catalog.publish(make_publication(head=stranger))
        assert catalog.operations() == ()

    def test_who_opened_a_workspace_is_remembered(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """The last one that said so, and the workspace that was opened last is listed first."""
        assert catalog.workspaces() == ()
        silent, other = replace(NOTEBOOK, path="silent"), replace(NOTEBOOK, path="/tmp/\udcff.ipynb")
        heads = [catalog.workspace(name, branch="main") for name in (silent, other, NOTEBOOK)]
        assert {record.opened for record in catalog.workspaces()} == {None}
        catalog.workspace(NOTEBOOK, branch="main", process="pid 7 🦀", time=5)
        catalog.workspace(other, branch="other", process="pid 8", time=9)
        catalog.workspace(other, branch="other", time=10)
        expected = (
            WorkspaceRecord(heads[1].workspace, other, "main", "pid 8", 9),
            WorkspaceRecord(heads[2].workspace, NOTEBOOK, "main", "pid 7 🦀", 5),
            WorkspaceRecord(heads[0].workspace, silent, "main", "", None),
        )
        assert reopen().workspaces() == expected
        new = reopen().workspace(replace(NOTEBOOK, path="new"), branch="b", process="pid 9", time=11)
        assert catalog.workspaces()[0] == WorkspaceRecord(
            new.workspace, replace(NOTEBOOK, path="new"), "b", "pid 9", 11
        )

    def test_a_workspace_is_looked_up_without_making_one(self, catalog: Catalog) -> None:
        """By its whole name, whatever other workspaces there are."""
        assert catalog.known_workspace(NOTEBOOK) is None
        assert catalog.workspaces() == ()
        others = [replace(NOTEBOOK, path=path) for path in ("x", "/tmp/\udcff.ipynb", NOTEBOOK.path + "x")]
        for name in (NOTEBOOK, *others):
            catalog.workspace(name, branch="main", process=f"process of {name.path!r}", time=7)
        for record in catalog.workspaces():
            assert catalog.known_workspace(record.name) == record
        assert catalog.known_workspace(replace(NOTEBOOK, user="bob")) is None
        assert len(catalog.workspaces()) == 4

    def test_a_workspace_adopts_the_head_of_another(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Branch and bases are replaced, and go their own ways afterwards."""
        first, second = make_commit(time=1), make_commit(time=2)
        grow(catalog, first, second)
        copy = replace(NOTEBOOK, path="copy.ipynb")
        source = replace(catalog.workspace(NOTEBOOK, branch="b"), bases={"a": first.id, "ü": second.id})
        catalog.set_head(source)
        target = catalog.workspace(copy, branch="main")
        catalog.set_head(replace(target, bases={"own": first.id, "a": second.id}))
        adopted = catalog.adopt(target.workspace, source.workspace)
        assert adopted == replace(source, workspace=target.workspace)
        assert reopen().workspace(copy, branch="main") == adopted
        assert catalog.adopt(source.workspace, source.workspace) == source
        catalog.set_head(replace(source, branch="elsewhere", bases={}))
        assert catalog.workspace(copy, branch="main") == adopted
        for pair in ((target.workspace, "nobody"), ("nobody", target.workspace), (target.workspace, "\ud800")):
            with pytest.raises(UnknownName):
                catalog.adopt(*pair)
        assert catalog.workspace(copy, branch="main") == adopted
        assert catalog.operations()[2:] == ()

    def test_heads_follow_a_branch_that_is_renamed(self, catalog: Catalog) -> None:
        """All that are on it, bases and all; the others stay where they are."""
        commit = make_commit()
        grow(catalog, commit)
        names = [replace(NOTEBOOK, path=path) for path in ("a", "b", "c")]
        on_it, also, elsewhere = (catalog.workspace(name, branch="main") for name in names)
        catalog.set_head(replace(also, bases={"flights": commit.id}))
        catalog.set_head(replace(elsewhere, branch="other"))
        renaming = make_publication(
            moving("main", commit, None),
            moving("trunk", None, commit),
            renamed=("main", "trunk"),
            workspace=on_it.workspace,
        )
        operation = catalog.publish(renaming)
        assert operation.renamed == ("main", "trunk")
        assert operation.head is None
        assert catalog.publish(renaming) == operation
        assert [catalog.workspace(name, branch="new") for name in names] == [
            replace(on_it, branch="trunk"),
            Head(also.workspace, "trunk", {"flights": commit.id}),
            replace(elsewhere, branch="other"),
        ]
        head = Head(on_it.workspace, "main")
        back = make_publication(
            moving("trunk", commit, None), moving("main", None, commit), renamed=("trunk", "main"), head=head
        )
        assert catalog.publish(back).head == HeadChange("trunk", "main")
        assert {catalog.workspace(name, branch="new").branch for name in names} == {"main", "other"}

    def test_a_publication_sets_its_own_head_only(self, catalog: Catalog) -> None:
        """It would not be clear whose reflog the move belongs to."""
        head = catalog.workspace(NOTEBOOK, branch="main")
        with pytest.raises(UsageProblem, match="HEAD"):
            catalog.publish(replace(make_publication(head=head), workspace="another"))
        assert catalog.operations() == ()
