"""What a subclass of the contract says: how to make its catalog."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.model.records import (
    Pack,
)


class CatalogTests:
    """Base of the contract's parts: a subclass gives the fixtures `catalog` and `reopen` and the hook `condemn`."""

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
