"""The models of a graph: what they learned from, traced to columns of datasets, and the scores computed of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lineageflow_jupyter.lineage.graph import Edge, Evidence, Graph, Node
from lineageflow_jupyter.lineage.reaching import inputs_of, sources_of
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.model_reports import (
    CodePlace,
    ModelColumn,
    ModelReport,
    Score,
    Source,
    TrainingTable,
)

_STRENGTH: Mapping[Evidence, int] = {"opaque": 0, "recorded": 1, "proved": 2}


def weaker(one: Evidence, other: Evidence) -> Evidence:
    """The weaker of two kinds of evidence."""
    return min(one, other, key=_STRENGTH.__getitem__)


def stronger(one: Evidence, other: Evidence) -> Evidence:
    """The stronger of two."""
    return max(one, other, key=_STRENGTH.__getitem__)


@dataclass(frozen=True, slots=True)
class Models:
    """Reports on the models of a graph.

    Parameters
    ----------
    graph : Graph
        The graph, with columns and operations.
    datasets : collection of str
        Names of the datasets of the repository: as far as these is traced.
    commits : mapping of ObjectId to ObjectId
        A commit by the table that it holds.
    """

    graph: Graph
    datasets: Collection[str]
    commits: Mapping[ObjectId, ObjectId]

    def all(self) -> tuple[ModelReport, ...]:
        """All models, in the order in which they were fitted."""
        return tuple(self.report(node) for node in self.graph.nodes.values() if node.kind == "model")

    def report(self, node: Node) -> ModelReport:
        """Report on one of them."""
        columns = [edge for edge in self.graph.into.get(node.id, ()) if edge.role]
        return ModelReport(
            id=node.id,
            name=node.detail("variable"),
            kind=node.label,
            parameters=node.detail("parameters"),
            trained_on=tuple(self._table(each) for each in self.training_versions(node.id)),
            rows=number(node.detail("rows")),
            features=self._columns(edge for edge in columns if edge.role == "feature"),
            targets=self._columns(edge for edge in columns if edge.role == "target"),
            scores=tuple(self._scores(node.id)),
            stale=node.stale,
            current=node.current,
            opaque=bool(node.detail("opaque")),
            place=self.place(node),
        )

    def place(self, node: Node) -> CodePlace:
        """Where an operation, model or score comes from."""
        run = self.graph.nodes.get(f"run:{node.detail('run')}")
        details = dict(run.details) if run is not None else {}
        return CodePlace(
            details.get("notebook", ""),
            details.get("cell", ""),
            node.detail("run"),
            number(details.get("number", "")),
            number(node.detail("line")),
        )

    def training_versions(self, model: str) -> list[str]:
        """The nearest versions of datasets that a model's data came from; of what none is known, the first versions."""
        return self._nearest(inputs_of(self.graph, model))

    def _nearest(self, versions: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        waiting, seen = list(versions), set(versions)
        while waiting:
            name = waiting.pop(0)
            before = [] if self._is_dataset(name) else sources_of(self.graph, name)
            if not before:
                found[name] = None
            waiting += [each for each in before if each not in seen]
            seen.update(before)
        return list(found)

    def _is_dataset(self, version: str) -> bool:
        return self.graph.nodes[version].detail("dataset") in self.datasets

    def _table(self, version: str) -> TrainingTable:
        node = self.graph.nodes[version]
        table = oid(node.detail("table"))
        return TrainingTable(
            frame=node.detail("dataset") or node.label,
            table=table,
            description=oid(node.detail("frame")),
            commit=None if table is None else self.commits.get(table),
            rows=number(node.detail("rows")),
            version=version,
        )

    def _columns(self, edges: Iterable[Edge]) -> tuple[ModelColumn, ...]:
        found: dict[str, dict[tuple[str, str], Evidence]] = {}
        for edge in edges:
            sources = found.setdefault(self.graph.nodes[edge.source].detail("column"), {})
            for name, evidence in self._origins(edge.source).items():
                sources[name] = stronger(sources.get(name, "opaque"), evidence)
        return tuple(
            ModelColumn(name, tuple(Source(*ends, evidence) for ends, evidence in sources.items()))
            for name, sources in found.items()
        )

    def _origins(self, column: str) -> dict[tuple[str, str], Evidence]:
        """Columns of datasets whose values a column was made of, with the weakest evidence on the best way."""
        found: dict[tuple[str, str], Evidence] = {}
        best: dict[str, Evidence] = {column: "proved"}
        waiting = [column]
        while waiting:
            name = waiting.pop()
            node, evidence = self.graph.nodes[name], best[name]
            version = node.detail("version")
            values = [
                edge for edge in self.graph.into.get(name, ()) if edge.kind == "column" and edge.influence == "value"
            ]
            if self._is_dataset(version) or not values:
                for ends, weakest in self._ends(version, node.detail("column"), evidence):
                    found[ends] = stronger(found.get(ends, "opaque"), weakest)
                continue
            for edge in values:
                weakest = weaker(evidence, edge.evidence)
                if edge.source not in best or stronger(best[edge.source], weakest) != best[edge.source]:
                    best[edge.source] = weakest
                    waiting.append(edge.source)
        return found

    def _ends(self, version: str, column: str, evidence: Evidence) -> Iterator[tuple[tuple[str, str], Evidence]]:
        """What a column is traced to that comes from no other, or from what was not seen."""
        if not self._is_dataset(version):
            unseen = [each for each in self._unseen(version) if self._is_dataset(each)]
            if unseen:
                yield from (((self._name(each), "*"), "opaque") for each in unseen)
                return
        yield (self._name(version), column), evidence

    def _unseen(self, version: str) -> list[str]:
        """Versions that went into a version where columns cannot be told."""
        edges = self.graph.into.get(version, ())
        steps = [edge for edge in edges if edge.kind == "step"]
        if steps and not any(edge.evidence == "opaque" for edge in steps):
            return []
        return self._nearest(sources_of(self.graph, version))

    def _name(self, version: str) -> str:
        node = self.graph.nodes[version]
        return node.detail("dataset") or node.label

    def _scores(self, model: str) -> Iterator[Score]:
        """Scores of a model, by what it was asked and by what was made of its answers."""
        for edge in self.graph.out_of.get(model, ()):
            node = self.graph.nodes[edge.target]
            if edge.kind == "asks" and node.kind == "score":
                on = tuple(self.graph.nodes[each].label for each in inputs_of(self.graph, node.id))
                value = node.detail("value")
                yield Score(node.detail("metric"), float(value) if value else None, on, self.place(node))


def number(text: str) -> int | None:
    """Number that a node tells; None where it tells none."""
    return int(text) if text else None


def oid(text: str) -> ObjectId | None:
    """Id that a node tells; None where it tells none."""
    return ObjectId(bytes.fromhex(text)) if text else None
