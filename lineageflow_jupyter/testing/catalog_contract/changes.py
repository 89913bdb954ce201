"""Following a catalog: whether anything was written is cheap to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.model.cells import Environment
from lineageflow_jupyter.model.records import WorkspaceName
from lineageflow_jupyter.testing.catalog_contract.base import CatalogTests
from lineageflow_jupyter.testing.catalog_contract.making import NOTEBOOK, grow, make_commit, make_run, make_state

Write = Callable[[Catalog], object]


def _amend(catalog: Catalog) -> None:
    catalog.amend_run(catalog.last_runs(limit=1)[0].run, reads=[make_state(uuid4().hex)])


def _set_head(catalog: Catalog) -> None:
    head = catalog.workspace(NOTEBOOK, branch="main")
    catalog.set_head(replace(head, branch="dev" if head.branch == "main" else "main"))


WRITES: dict[str, Write] = {
    "commit": lambda catalog: grow(catalog, make_commit()),
    "cell run": lambda catalog: catalog.record_run(make_run()),
    "amended cell run": _amend,
    "environment": lambda catalog: catalog.record_environment(Environment(uuid4().hex)),
    "workspace": lambda catalog: catalog.workspace(WorkspaceName("bob", "box", uuid4().hex), branch="main"),
    "HEAD": _set_head,
}


class Changes(CatalogTests):
    """What `Catalog.state` says."""

    @pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
    def test_the_state_is_another_after_any_write(
        self, catalog: Catalog, reopen: Callable[[], Catalog], write: Write
    ) -> None:
        """By whomever it was written, and each time again."""
        catalog.record_run(make_run())
        catalog.workspace(NOTEBOOK, branch="main")
        other = reopen()
        seen = [(catalog.state(), other.state())]
        for writer in (catalog, other):
            write(writer)
            seen.append((catalog.state(), other.state()))
        for before, after in pairwise(seen):
            assert before[0] != after[0]
            assert before[1] != after[1]

    def test_the_state_stays_while_nothing_is_written(self, catalog: Catalog, reopen: Callable[[], Catalog]) -> None:
        """Reading and opening change nothing."""
        grow(catalog, make_commit())
        before = catalog.state()
        other = reopen()
        assert other.refs()
        assert other.operations()
        assert catalog.refs() == other.refs()
        other.close()
        assert catalog.state() == before

    def test_no_two_states_of_a_busy_catalog_are_the_same(
        self, catalog: Catalog, reopen: Callable[[], Catalog]
    ) -> None:
        """However quickly it is written."""
        other = reopen()
        states = [catalog.state()]
        for _ in range(50):
            other.record_run(make_run())
            states.append(catalog.state())
        assert len(set(states)) == len(states)
