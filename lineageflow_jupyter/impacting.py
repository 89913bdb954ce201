"""The verbs of `Repository` that tell of models: what they learned from, and what a change of data does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.changing import Changes
from lineageflow_jupyter.errors import CorruptData, NotAvailable, ObjectMissing
from lineageflow_jupyter.history import unknown
from lineageflow_jupyter.impact.training_keys import key_path, rows_with
from lineageflow_jupyter.impact.training_rows import Path, chosen_rows, path_of, touched_rows
from lineageflow_jupyter.lineage.building import without_collector
from lineageflow_jupyter.lineage.graph import Evidence, Graph, Node, column_id
from lineageflow_jupyter.lineage.models import Models, oid, stronger, weaker
from lineageflow_jupyter.lineage.naming import column_names, frame_names
from lineageflow_jupyter.lineage.reaching import columns_behind
from lineageflow_jupyter.model.model_reports import (
    AffectedFrame,
    AffectedModel,
    ImpactReport,
    ModelReport,
    Touched,
    TrainingTable,
)
from lineageflow_jupyter.model.objects import TreeEntry
from lineageflow_jupyter.model.revisions import split_dataset
from lineageflow_jupyter.reading import FrameReader
from lineageflow_jupyter.tracing import Tracing
from lineageflow_jupyter.versions import StoredVersion, schema_of

_Rows = npt.NDArray[np.int64]


class Impacting(Tracing):
    """Part of `Repository`; changes nothing."""

    _changes: Changes
    _reader: FrameReader

    def models(self, *, former: bool = False) -> tuple[ModelReport, ...]:
        """Models that cells of notebooks have fitted, the latest last; one that is fitted again is another one.

        Parameters
        ----------
        former : bool
            Whether features are told of those too that were fitted again since, of which there may be thousands.

        Returns
        -------
        tuple of ModelReport
            Class, parameters, the datasets that they were trained on, features traced to columns of these, scores, and
            why they may be out of date.

        Examples
        --------
        >>> for model in repo.models():  # doctest: +SKIP
        ...     print(model.kind, model.trained_on[0].frame, model.scores)
        """
        with without_collector():
            return self._reports(former=former)

    def impact(self, name: str, column: str | None = None, against: str | None = None) -> ImpactReport:
        """What hangs on a dataset, or on a column of it: frames, columns, models with their features and scores.

        Parameters
        ----------
        name : str
            Dataset or variable; or ``REV:DATASET``, and models are compared with its version there.
        column : str, optional
            Only what hangs on this column, by recorded calls; what nobody saw may hang on it too, and is told so.
        against : str, optional
            Revision with whose version of the dataset models are compared instead.

        Returns
        -------
        ImpactReport
            Of each model with the number of its training rows that the change from what it was trained on touched:
            rows of which a value that it used is another, or that are gone. Where rows cannot be followed from the
            dataset to the model, it says why, and no number.

        Raises
        ------
        UnknownName
            If there is no such revision, dataset or column.
        """
        revision, dataset = split_dataset(name)
        with without_collector():
            graph, around = self._graph_behind(lambda graph: _hanging(graph, dataset))
        entry = self._compared(revision, dataset, against, ":" in name)
        starts = self._starts(graph, around, dataset, column)
        evidence = _reached(graph, starts)
        nodes = [graph.nodes[each] for each in evidence if each not in starts]
        models = self._models(graph)
        affected = [
            self._affected(graph, models.report(node), dataset, column, entry, evidence)
            for node in nodes
            if node.kind == "model" and node.current
        ]
        return ImpactReport(
            dataset,
            column or "",
            None if entry is None else entry.table,
            tuple(_frames(graph, nodes, evidence, dataset)),
            tuple(_frame(node, evidence[node.id], graph) for node in nodes if _is_shown(graph, node, dataset)),
            tuple(affected),
        )

    # --- the graph ---------------------------------------------------------------------------------------------------

    def _reports(self, *, former: bool) -> tuple[ModelReport, ...]:
        graph, _ = self._graph_behind(
            lambda graph: [
                node.id for node in graph.nodes.values() if node.kind == "model" and (former or node.current)
            ]
        )
        return self._models(graph).all()

    def _graph_behind(self, wanted: Callable[[Graph], Iterable[str]]) -> tuple[Graph, Graph]:
        """Graph of all runs, with columns of what lies behind some nodes; and that part of it, without columns."""
        builder = self._built()
        graph = builder.finish(self._heads())
        around = graph.upstream(*wanted(graph))
        return self._with_columns(builder, around)[0], around

    def _models(self, graph: Graph) -> Models:
        commits = self._commits()
        by_table = {table: commit for tables in commits.values() for table, commit in tables.items()}
        return Models(graph, frozenset(commits), by_table)

    def _starts(self, graph: Graph, around: Graph, dataset: str, column: str | None) -> list[str]:
        """States of the dataset, or the column in each, also older ones: what hangs on these hangs on it."""
        versions = _states(around, dataset)
        if not versions:
            raise unknown("frame", dataset, frame_names(graph), "No cell is known to have made or read it")
        if column is None:
            return versions
        found = [name for name in (column_id(each, column) for each in versions) if name in graph.nodes]
        if not found:
            names = list(dict.fromkeys(name for each in versions for name in column_names(graph, each)))
            raise unknown("column", column, names, "It is not known of any cell", where=f" in {dataset!r}")
        return found

    def _compared(self, revision: str, dataset: str, against: str | None, explicit: bool) -> TreeEntry | None:
        """Version that models are compared with; None where the dataset was never committed."""
        if against is not None:
            record = self._history.resolve(against, self._workspace.head)
            return self._history.entry(record, dataset, against)
        if explicit:
            return self._history.entry(self._history.resolve(revision, self._workspace.head), dataset, revision)
        tip = self._history.tip(self._workspace.head.branch)
        return None if tip is None else self._history.tree(tip).get(dataset)

    # --- models ------------------------------------------------------------------------------------------------------

    def _affected(
        self,
        graph: Graph,
        model: ModelReport,
        dataset: str,
        column: str | None,
        entry: TreeEntry | None,
        evidence: dict[str, Evidence],
    ) -> AffectedModel:
        reached = {
            graph.nodes[edge.source].detail("column")
            for edge in graph.into.get(model.id, ())
            if edge.role and edge.source in evidence
        }
        names = [each.name for each in (*model.features, *model.targets) if column is None or each.name in reached]
        after = None if entry is None else entry.table
        bases = [each for each in model.trained_on if each.frame == dataset]
        if not bases:
            why = f"it was not trained on {dataset!r} itself"
            touched = self._touched_by_key(graph, model, Touched(None, after, None, model.rows, why=why), column, entry)
        elif len(bases) > 1:
            touched = Touched(None, after, None, model.rows, why="it was trained on several states of it")
        else:
            touched = self._touched(graph, model, bases[0], column, entry)
        return AffectedModel(model, tuple(dict.fromkeys(names)), evidence[model.id], touched)

    def _touched(
        self, graph: Graph, model: ModelReport, base: TrainingTable, column: str | None, entry: TreeEntry | None
    ) -> Touched:
        after = None if entry is None else entry.table

        def untold(why: str) -> Touched:
            return Touched(base.table, after, None, model.rows, why=why)

        if entry is None or base.table is None or base.description is None:
            return untold("the dataset was not committed" if entry is None else "its table is not known")
        if base.table == entry.table:
            return Touched(base.table, after, 0, model.rows, 0)
        path = path_of(graph, model.id, base.version)
        if path.why:
            return self._touched_by_key(graph, model, untold(path.why), column, entry)
        old = TreeEntry(entry.dataset, base.table, base.description, entry.key)
        try:
            rows = self._rows(graph, path, old)
            if isinstance(rows, str):
                return untold(rows)
            changed, removed, added = self._changed(old, entry, _used(graph, model.id, base.version, column))
        except (ObjectMissing, CorruptData) as error:
            return untold(f"data are not there any more ({error.problem})")
        return Touched(base.table, after, touched_rows(rows, changed, removed), model.rows, added)

    def _touched_by_key(
        self, graph: Graph, model: ModelReport, untold: Touched, column: str | None, entry: TreeEntry | None
    ) -> Touched:
        """Training rows with the key of rows that changed or are gone; `untold`, and why, where that is unknown."""
        if entry is None or not entry.key:
            return untold
        found = key_path(graph, model.id, entry.dataset, entry.key)
        if isinstance(found, str):
            return untold if found == untold.why else replace(untold, why=f"{untold.why}; by its key neither: {found}")
        base, held = (_kept_entry(graph.nodes[each], entry.key) for each in (found.base, found.table))
        if base is None or held is None:
            return replace(untold, why=f"{untold.why}; by its key neither: tables on the way were not kept")
        try:
            rows = self._rows(graph, found.path, held)
            if isinstance(rows, str):
                return replace(untold, why=rows)
            changed, removed, added = self._changed(base, entry, _used(graph, model.id, found.base, column))
            frames = self._frame_of(base), self._frame_of(held)
            touched = rows_with(frames[0], entry.key, np.union1d(changed, removed), frames[1], found.names)
        except (ObjectMissing, CorruptData) as error:
            return replace(untold, why=f"data are not there any more ({error.problem})")
        if isinstance(touched, str):
            return replace(untold, why=touched)
        return Touched(base.table, entry.table, touched_rows(rows, touched, removed[:0]), model.rows, added)

    def _rows(self, graph: Graph, path: Path, base: TreeEntry) -> _Rows | str | None:
        """Rows of the dataset that reached training; None: all."""
        if not path.kept:
            return None
        node = graph.nodes[path.kept]
        table, frame = oid(node.detail("table")), oid(node.detail("frame"))
        if table is None or frame is None:
            return "the chosen rows were not kept"
        kept = TreeEntry(node.detail("dataset"), table, frame)
        return chosen_rows(self._frame_of(base), self._frame_of(kept), path.same)

    def _frame_of(self, entry: TreeEntry) -> object:
        try:
            return self._snapshots.read(entry)
        except NotAvailable:
            return self._reader.read(entry)

    def _changed(self, old: TreeEntry, new: TreeEntry, used: frozenset[str] | None) -> tuple[_Rows, _Rows, int]:
        """Rows of the older version with another value in the columns that count, rows that are gone; how many came."""
        try:
            changes = self._snapshots.changes
        except NotAvailable:
            changes = self._changes
        before, after = changes.stored(old), changes.stored(new)
        found = changes.between(before, after)
        rows = [place_rows for place, place_rows in found.changed.items() if _counts(after, place, used)]
        rows_b = np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)
        changed = np.asarray(found.alignment.partners(rows_b), np.int64)
        common = {place for place, _ in schema_of(before, after).common}
        lost = [place for place in range(len(before.columns)) if place not in common and _counts(before, place, used)]
        if lost:  # a column that it used is gone, or of another type
            changed = np.arange(before.table.rows, dtype=np.int64)
        return changed, np.asarray(found.alignment.removed, np.int64), len(found.alignment.added)


def _states(graph: Graph, dataset: str) -> list[str]:
    """Versions of a dataset or variable."""
    return [
        node.id
        for node in graph.nodes.values()
        if node.kind == "version" and dataset in (node.detail("dataset"), node.detail("variable"))
    ]


def _kept_entry(node: Node, key: tuple[str, ...]) -> TreeEntry | None:
    table, frame = oid(node.detail("table")), oid(node.detail("frame"))
    return None if table is None or frame is None else TreeEntry(node.detail("dataset"), table, frame, key)


def _hanging(graph: Graph, dataset: str) -> list[str]:
    """What is told of all that hangs on a dataset: the latest of each frame and model; with the dataset itself."""
    latest, behind = graph.find(dataset), graph.downstream(*_states(graph, dataset)).nodes.values()
    found = [node for node in behind if node.kind in ("version", "model") and node.current]
    return [node.id for node in found if not node.detail("within")] + ([latest.id] if latest else [])


def _counts(version: StoredVersion, place: int, used: frozenset[str] | None) -> bool:
    column = version.table.columns[place]
    return column.role == "data" and (used is None or column.name in used)


def _used(graph: Graph, model: str, base: str, column: str | None) -> frozenset[str] | None:
    """Columns of a version that a model used, in whatever way; None: that cannot be told, so that all count."""
    if column is not None:
        return frozenset([column])
    behind = graph.upstream(model)
    if base in behind.nodes:  # all of it went somewhere out of sight
        return None
    return frozenset(
        node.detail("column")
        for node in behind.nodes.values()
        if node.kind == "column" and node.detail("version") == base
    )


def _reached(graph: Graph, starts: Iterable[str]) -> dict[str, Evidence]:
    """What hangs on some nodes, with the weakest evidence on the best way there."""
    part = columns_behind(graph, list(starts))
    found: dict[str, Evidence] = dict.fromkeys(starts, "proved")
    for name in part.nodes:  # each behind what it came from
        for edge in part.into.get(name, ()):
            if edge.source in found and name not in starts:
                weakest = weaker(found[edge.source], edge.evidence)
                found[name] = stronger(found.get(name, "opaque"), weakest)
    return found


def _is_shown(graph: Graph, node: Node, dataset: str) -> bool:
    version = graph.nodes.get(node.detail("version"))
    return (
        node.kind == "column"
        and version is not None
        and version.current
        and not version.detail("within")
        and version.detail("dataset") != dataset
    )


def _frame(node: Node, evidence: Evidence, graph: Graph) -> AffectedFrame:
    version = graph.nodes[node.detail("version") or node.id]
    return AffectedFrame(
        version.detail("variable"), version.detail("dataset"), node.detail("column"), evidence, version.stale
    )


def _frames(
    graph: Graph, nodes: Iterable[Node], evidence: dict[str, Evidence], dataset: str
) -> Iterable[AffectedFrame]:
    """Frames in their latest state, with the strongest evidence of their columns."""
    found: dict[str, Evidence] = {}
    for node in nodes:
        version = graph.nodes.get(node.detail("version") or node.id)
        if version is None or version.kind != "version" or not version.current or version.detail("within"):
            continue
        if version.detail("dataset") != dataset:
            found[version.id] = stronger(found.get(version.id, "opaque"), evidence[node.id])
    return (_frame(graph.nodes[name], each, graph) for name, each in found.items())
