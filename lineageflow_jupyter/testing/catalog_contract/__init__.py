"""What every catalog must do, as tests: an implementation inherits `CatalogContract` and says how to make one.

Only the port is used, but for two hooks that the port does not have yet. What is peculiar to a database (locks, files,
migrations) is tested beside its implementation.
"""

from lineageflow_jupyter.testing.catalog_contract.cells import Cells
from lineageflow_jupyter.testing.catalog_contract.changes import Changes
from lineageflow_jupyter.testing.catalog_contract.history import History
from lineageflow_jupyter.testing.catalog_contract.making import (
    ADA,
    HOSTILE_NAMES,
    NOTEBOOK,
    grow,
    make_commit,
    make_id,
    make_pack,
    make_publication,
    make_run,
    make_state,
    moving,
)
from lineageflow_jupyter.testing.catalog_contract.operations import Operations
from lineageflow_jupyter.testing.catalog_contract.publications import Publications
from lineageflow_jupyter.testing.catalog_contract.refs import Refs
from lineageflow_jupyter.testing.catalog_contract.workspaces import Workspaces

__all__ = [
    "ADA",
    "HOSTILE_NAMES",
    "NOTEBOOK",
    "CatalogContract",
    "grow",
    "make_commit",
    "make_id",
    "make_pack",
    "make_publication",
    "make_run",
    "make_state",
    "moving",
]


class CatalogContract(Refs, Publications, History, Operations, Workspaces, Cells, Changes):
    """Tests of a catalog; a subclass gives the fixtures `catalog` and `reopen` and the hook `condemn`."""
