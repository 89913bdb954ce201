"""The verbs of `Repository` that tell what came from what: the graph of all recorded cells, and the code of a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from lineageflow_jupyter.catalog.base import Catalog
from lineageflow_jupyter.errors import AmbiguousName, CorruptData, NotAvailable, ObjectMissing, UnknownName
from lineageflow_jupyter.history import History, unknown
from lineageflow_jupyter.lineage.building import Builder, Columns, built, without_collector
from lineageflow_jupyter.lineage.graph import Graph, Node, column_id
from lineageflow_jupyter.lineage.lineages import Lineage
from lineageflow_jupyter.lineage.naming import Reading, column_names, frame_names, readings
from lineageflow_jupyter.lineage.slices import Slice, slice_of
from lineageflow_jupyter.model.cells import CellRun, RunFilter
from lineageflow_jupyter.model.ids import ObjectId, short
from lineageflow_jupyter.model.objects import Table
from lineageflow_jupyter.model.records import LogFilter
from lineageflow_jupyter.model.revisions import split_dataset
from lineageflow_jupyter.snapshots import Snapshots
from lineageflow_jupyter.tables import Objects
from lineageflow_jupyter.workspace import Workspace

MOST_RUNS = 10_000
"""So many of the latest cell runs are looked at."""
MOST_COMMITS = 500
"""So many of the latest commits of a dataset are known to be older than its last one."""


class Tracing:
    """Part of `Repository`; changes nothing."""

    _catalog: Catalog
    _history: History
    _workspace: Workspace
    _objects: Objects

    if TYPE_CHECKING:

        @cached_property
        def _snapshots(self) -> Snapshots: ...

    def lineage(
        self,
        name: str | None = None,
        *,
        column: str | None = None,
        down: bool = False,
        indirect: bool = False,
        workspace: str | None = None,
    ) -> Lineage:
        """What a frame or a column of it came from, or what came of it: over all notebooks whose cells were recorded.

        Parameters
        ----------
        name : str, optional
            Variable or dataset, in its latest state; ``REV:DATASET``, as it was committed there; or ``NAME.COLUMN``.
            None for the whole graph.
        column : str, optional
            A column of it: then columns are told, with the operations between them.
        down : bool
            What came of it, instead of what it came from.
        indirect : bool
            Of columns, whether those are told too that only chose rows, matched or ordered them; else values are
            followed alone, and `left_out` is how many others there are.
        workspace : str, optional
            Only what the cells of this workspace did, by its id.

        Returns
        -------
        Lineage
            Nodes and edges, each also as frames (`tables`, `columns`, `operations`), ``to_dict()``, ``to_json()``,
            ``to_dot()``, ``to_svg()``. What read something that has moved on since is marked. An edge between columns
            is *proved* where both have the same id and a call was recorded between them, *recorded* where only the
            call was, and *opaque* where nobody saw what became of the columns.

        Raises
        ------
        UnknownName
            If no cell is known that has met it, or it has no such column.
        AmbiguousName
            If a name with dots can be read in several ways.

        Examples
        --------
        >>> found = repo.lineage("main:flights", column="speed")  # doctest: +SKIP
        >>> found.columns[["source", "operation", "target", "evidence"]]  # doctest: +SKIP
        """
        with without_collector():
            return self._lineage(name, column, down=down, indirect=indirect, workspace=workspace)

    def _lineage(
        self, name: str | None, column: str | None, *, down: bool, indirect: bool, workspace: str | None
    ) -> Lineage:
        builder, heads = self._built(workspace), self._heads()
        graph = builder.finish(heads)
        if name is None:
            whole = graph.tables()
            return Lineage(whole, graph, down=down)
        start, column = self._meant(graph, name, column, heads)
        if column is None:
            # What is told of frames is a part of all that lies on the way.
            tables = (graph.downstream(start.id) if down else graph.upstream(start.id)).tables()
            part = tables.downstream(start.id) if down else tables.upstream(start.id)
            return Lineage(part, graph, (start.id,), down)
        around = graph.downstream(start.id) if down else graph.upstream(start.id)
        graph, known = self._with_columns(builder, around)
        node = graph.nodes.get(column_id(start.id, column))
        table = start.detail("table")
        held = known.get(ObjectId(bytes.fromhex(table))) if table else None
        if node is None or (held is not None and column not in held):
            names = list(held) if held is not None else column_names(graph, start.id)
            listed = f"Its columns are {', '.join(names[:8])}" if names else "Its columns are not known any more"
            raise unknown("column", column, names, listed, where=f" in {start.label!r}")
        part = graph.downstream(node.id) if down else graph.upstream(node.id)
        if indirect:
            return Lineage(part, graph, (node.id,), down)
        values = graph.of_values()
        values = values.downstream(node.id) if down else values.upstream(node.id)
        left_out = len(_columns_told(part) - _columns_told(values))
        return Lineage(values, graph, (node.id,), down, left_out)

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

    # --- names -------------------------------------------------------------------------------------------------------

    def _meant(
        self, graph: Graph, name: str, column: str | None, heads: Mapping[str, Sequence[ObjectId]]
    ) -> tuple[Node, str | None]:
        """Version and column that a user means."""
        if ":" in name:
            revision, dataset = split_dataset(name)
            tree = self._history.tree(self._history.resolve(revision, self._workspace.head).id)
            known = {entry.dataset: entry.table for entry in tree.entries}
            reading = self._read(graph, dataset, column, list(known), f" at {revision!r}")
            table = known[reading.name]
            node = graph.find(reading.name, table=table.hex()) or self._held(graph, table)
            if node is None:
                raise UnknownName(
                    f"no cell is known to have made or read {reading.name!r} as it is at {revision!r} "
                    f"(table {short(table)})",
                    remedy=f"Ask for its latest state: {reading.name}",
                )
        else:
            reading = self._read(graph, name, column, [*frame_names(graph), *heads], "")
            tables = heads.get(reading.name, ())
            found = graph.find(reading.name) or (self._held(graph, tables[-1]) if tables else None)
            if found is None:
                raise UnknownName(
                    f"no cell is known to have made or read {reading.name!r}",
                    remedy="Cells are recorded from `%load_ext` on",
                )
            node = found
        return node, reading.column or None

    @staticmethod
    def _held(graph: Graph, table: ObjectId) -> Node | None:
        """Latest version of any variable that held a table."""
        found = [node for node in graph.nodes.values() if node.detail("table") == table.hex()]
        return found[-1] if found else None

    def _read(self, graph: Graph, text: str, column: str | None, known: Sequence[str], where: str) -> Reading:
        if column is not None:
            found = [Reading(text, column)] if text in known else []
        else:
            found = readings(text, known)
        if len(found) > 1:
            # A column that is known not to be there is not meant.
            found = [each for each in found if not each.column or self._has(graph, each)] or found
        if len(found) > 1:
            raise AmbiguousName(
                f"{text!r} can be {' or '.join(map(str, found))}", remedy="Name the column apart, as in --column COLUMN"
            )
        if not found:
            close = get_close_matches(text, list(known), 3)
            raise UnknownName(
                f"no cell is known to have made or read {text!r}{where}",
                remedy=f"Did you mean {' or '.join(close)}?" if close else "Cells are recorded from `%load_ext` on",
            )
        return found[0]

    def _has(self, graph: Graph, reading: Reading) -> bool:
        node = graph.find(reading.name)
        if node is None:
            return False
        table = node.detail("table")
        known = self._columns([ObjectId(bytes.fromhex(table))] if table else [])
        names = next(iter(known.values())) if known else column_names(graph, node.id)
        return reading.column in names

    # --- what is read ------------------------------------------------------------------------------------------------

    def _runs_in_order(self, wanted: RunFilter) -> tuple[CellRun, ...]:
        return tuple(reversed(self._catalog.last_runs(wanted=wanted, limit=MOST_RUNS)))

    def _built(self, workspace: str | None = None) -> Builder:
        """What becomes the graph of all runs, or of those of a workspace, without edges between columns."""
        wanted = RunFilter(workspace=workspace)
        return built(reversed(self._catalog.last_runs(wanted=wanted, limit=MOST_RUNS, edges=False)))

    def _with_columns(self, builder: Builder, part: Graph) -> tuple[Graph, Columns]:
        """Graph of all runs, with the columns of what belongs to a part of it; and the ids of these."""
        ids = {node.detail("run") for node in part.nodes.values()} - {""}
        ids |= {node.id.partition(":")[2] for node in part.nodes.values() if node.kind == "run"}
        known = self._columns(tables_of(part))
        return builder.tell(self._catalog.runs_by_id(ids), known), known

    def _commits(self) -> dict[str, dict[ObjectId, ObjectId]]:
        """Of each dataset on HEAD's branch its tables, the latest last, with a commit that holds each."""
        found: dict[str, dict[ObjectId, ObjectId]] = {}
        tip = self._history.tip(self._workspace.head.branch)
        if tip is None:
            return found
        for entry in self._history.tree(tip).entries:
            log = self._catalog.log([tip], wanted=LogFilter(dataset=entry.dataset), limit=MOST_COMMITS)
            versions = self._history.versions([(record.id, entry.dataset) for record in log])
            tables: dict[ObjectId, ObjectId] = {}
            for record in log:
                held = versions[record.id, entry.dataset]
                if held is not None:
                    tables.setdefault(held.table, record.id)
            found[entry.dataset] = dict(reversed(tables.items()))
        return found

    def _heads(self) -> dict[str, list[ObjectId]]:
        """Of each dataset on HEAD's branch its tables, the latest last: what read an older one is out of date."""
        return {dataset: list(tables) for dataset, tables in self._commits().items()}

    def _columns(self, tables: Collection[ObjectId]) -> Columns:
        """Ids of the columns of tables, of those whose manifests are there: in the repository or among snapshots."""
        found: dict[ObjectId, Mapping[str, ObjectId]] = {}
        try:
            objects, known = self._snapshots.objects, self._snapshots.known(tables)
        except NotAvailable:  # this workspace keeps no snapshots
            objects, known = self._objects, self._catalog.known(tables)
        objects.prefetch(known)
        for table in tables:
            if table in known:
                try:
                    found[table] = _by_name(objects.table(table))
                except (ObjectMissing, CorruptData):  # deleted meanwhile, or damaged: what was recorded is left
                    continue
        return found


def _columns_told(graph: Graph) -> set[str]:
    """Columns of frames that have a name, whichever state of them it is."""
    nodes = graph.nodes.values()
    return {node.label for node in nodes if node.kind == "column" and not node.detail("unnamed")}


def tables_of(graph: Graph) -> list[ObjectId]:
    """Ids of the tables that a graph tells of."""
    found = dict.fromkeys(node.detail("table") for node in graph.nodes.values() if node.kind == "version")
    return [ObjectId(bytes.fromhex(table)) for table in found if table]


def _by_name(table: Table) -> dict[str, ObjectId]:
    """Data columns by name; names that several have mean none of them."""
    counts = Counter(column.name for column in table.data)
    return {column.name: column.column for column in table.data if counts[column.name] == 1}
