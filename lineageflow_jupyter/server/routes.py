"""All questions about a repository, for the handlers and for the description of the interface."""

from __future__ import annotations

from lineageflow_jupyter.server import cells, history, tables

REPOSITORY_ROUTES = (*history.ROUTES, *tables.ROUTES, *cells.ROUTES)
"""``lineageflow/repositories/ID/NAME``, each."""
