"""The verbs of `Repository` that tell what came from what: the graph of all recorded cells, and the code of a frame."""

from __future__ import annotations

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import UnknownName
from lineageflow_jupyter.history import History
from lineageflow_jupyter.lineage.building import graph_of
from lineageflow_jupyter.lineage.graph import Graph
from lineageflow_jupyter.lineage.slices import Slice, slice_of
from lineageflow_jupyter.model.cells import EVERY_RUN, CellRun, RunFilter
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.workspace import Workspace

MOST_RUNS = 10_000
"""So many of the latest cell runs are looked at."""


class Tracing:
    """Part of `Repository`; changes nothing."""

    _catalog: Catalog
    _history: History
    _workspace: Workspace

    def lineage(self, name: str | None = None, *, down: bool = False) -> Graph:
        """Graph of what a frame came from, or of what came of it: versions, cells and files of all notebooks.

        Parameters
        ----------
        name : str, optional
            Variable or dataset, in its latest state; None for the whole graph.
        down : bool
            What came of it, instead of what it came from.

        Returns
        -------
        Graph
            See ``to_dict()``; `lineage.drawing` draws it. What read something that has moved on since is marked.

        Raises
        ------
        UnknownName
            If no cell is known that has met it.
        """
        graph = graph_of(self._runs_in_order(EVERY_RUN), heads=self._heads()).tables()
        if name is None:
            return graph
        node = graph.find(name)
        if node is None:
            raise UnknownName(
                f"no cell is known to have made or read {name!r}", remedy="Cells are recorded from `%load_ext` on"
            )
        return graph.downstream(node.id) if down else graph.upstream(node.id)

    def code(self, variable: str, table: ObjectId | None = None, *, statements: bool = False) -> Slice:
        """Cells of this notebook that rebuild what a variable holds, and no others.

        Parameters
        ----------
        variable : str
            A variable, or an expression such as ``frames['jan']``.
        table : ObjectId, optional
            Id of the table that it held; that after the latest change by default.
        statements : bool
            Whether statements of these cells that have nothing to do with it are left out.

        Returns
        -------
        Slice
            Cells in the order in which they ran, what must be there before, and what could not be seen.
            `lineage.slice_forms` writes it as a script or a notebook.
        """
        wanted = RunFilter(workspace=self._workspace.head.workspace)
        return slice_of(self._runs_in_order(wanted), variable, table, statements=statements)

    def _runs_in_order(self, wanted: RunFilter) -> tuple[CellRun, ...]:
        return tuple(reversed(self._catalog.last_runs(wanted=wanted, limit=MOST_RUNS)))

    def _heads(self) -> dict[str, list[ObjectId]]:
        """Table of each dataset on HEAD's branch: what read an older one is out of date."""
        tree = self._history.tree(self._history.tip(self._workspace.head.branch))
        return {entry.dataset: [entry.table] for entry in tree.entries}
