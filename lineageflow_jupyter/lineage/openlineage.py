"""Cell runs as events of OpenLineage, the open format that catalogs of data such as Marquez and Dataplex read.

Events are dicts, ready to be written as JSON; nothing is sent here. A run that read or wrote something gives two:
START, without datasets, and COMPLETE or FAIL, with all that is known. Both carry the id of the run, so that sending
them again changes nothing for who receives them.

A frame that is a dataset of the repository goes by its dataset's name; any other by its notebook's, since a `df` here
is not the `df` there.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any

from lineageflow_jupyter.lineage.column_paths import Paths, Source, column_paths
from lineageflow_jupyter.lineage.openlineage_names import DatasetName, external_names
from lineageflow_jupyter.model.cells import OK, CellRun, Environment, External, FrameState
from lineageflow_jupyter.model.ids import ObjectId

Json = dict[str, Any]
Schema = Sequence[tuple[str, str]]
"""Names and types of the columns of a table."""

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "extractionError": "1-1-2/ExtractionErrorRunFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "parent": "1-2-0/ParentRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "sourceCode": "1-0-1/SourceCodeJobFacet",
    "symlinks": "1-0-1/SymlinksDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
}
_INDIRECT = {"filter": "FILTER", "key": "JOIN", "group": "GROUP_BY", "order": "SORT"}
_RUNS = uuid.UUID("6f1d4dc1-5e0c-5b43-9c5a-2f1d7f7c5a10")
"""Name space of run ids that are made of text."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an event says besides the cell run.

    Parameters
    ----------
    namespace : str
        Of the repository: its datasets and jobs.
    producer : str
        Version of this package.
    folder : str
        Folder of the repository: notebooks in it are called by their paths from there.
    datasets : collection of str
        Names of the datasets that the repository holds.
    schemas : mapping of ObjectId to sequence
        Columns of tables, where they are known.
    environment : Environment or None
        What the run ran in.
    code : bool
        Whether the cell's code is told.
    """

    namespace: str
    producer: str
    folder: str = ""
    datasets: Collection[str] = frozenset()
    schemas: Mapping[ObjectId, Schema] = field(default_factory=dict)
    environment: Environment | None = None
    code: bool = False


def run_events(run: CellRun, around: Surroundings) -> tuple[Json, ...]:
    """Events of a cell run: START, and COMPLETE or FAIL.

    Parameters
    ----------
    run : CellRun
        As it was recorded: without secrets.
    around : Surroundings
        The rest.

    Returns
    -------
    tuple of dict
        Empty for a run that neither read nor wrote a frame, nor anything outside.

    Examples
    --------
    >>> run = CellRun("1" * 32, "", "/n/a.ipynb", "c1", 1, "", "ada", 0, 0, "ok",
    ...               external=(External("in", "csv", "/data/a.csv"),))
    >>> [event["eventType"] for event in run_events(run, Surroundings("lineageflow://here/n", "0.1", "/n"))]
    ['START', 'COMPLETE']
    """
    return _Events(run, around).all()


@dataclass(frozen=True, slots=True)
class _Events:
    run: CellRun
    around: Surroundings

    def all(self) -> tuple[Json, ...]:
        inputs, outputs = self._inputs(), self._outputs()
        if not inputs and not outputs:
            return ()
        run, job = self._run_facets(), self._job()
        ended = "COMPLETE" if self.run.outcome == OK else "FAIL"
        begun = {name: facet for name, facet in run.items() if name in ("parent", "processing_engine")}
        return (
            self._event("START", self.run.started, begun, job, [], []),
            self._event(ended, self.run.started + self.run.duration, run, job, inputs, outputs),
        )

    def _event(self, kind: str, at: int, run: Json, job: Json, inputs: list[Json], outputs: list[Json]) -> Json:
        return {
            "eventType": kind,
            "eventTime": _time(at),
            "run": {"runId": run_id(self.run.run), "facets": run},
            "job": job,
            "inputs": inputs,
            "outputs": outputs,
            "producer": self._producer,
            "schemaURL": _EVENT,
        }

    # --- run and job -------------------------------------------------------------------------------------------------

    @property
    def _producer(self) -> str:
        return f"https://pypi.org/project/lineageflow-jupyter/{self.around.producer}"

    @property
    def _notebook(self) -> str:
        path = PurePath(self.run.notebook)
        inside = self.around.folder and path.is_relative_to(self.around.folder)
        return (path.relative_to(self.around.folder) if inside else path).as_posix()

    def _job(self) -> Json:
        facets = {
            "jobType": self._facet("jobType", processingType="BATCH", integration="LINEAGEFLOW", jobType="CELL"),
        }
        if self.around.code and self.run.code is not None:
            facets["sourceCode"] = self._facet("sourceCode", language="python", sourceCode=self.run.code)
        # A cell without an id (in a terminal) has no name that holds for its next run.
        cell = self.run.cell or ("cell" if self.run.number is None else f"In[{self.run.number}]")
        return {"namespace": self.around.namespace, "name": f"{self._notebook}/{cell}", "facets": facets}

    def _run_facets(self) -> Json:
        facets: Json = {}
        if self.run.session:
            job = {"namespace": self.around.namespace, "name": self._notebook}
            facets["parent"] = self._facet("parent", run={"runId": run_id(self.run.session)}, job=job)
        packages = {} if self.around.environment is None else self.around.environment.packages
        engine = next((name for name in ("pandas", "polars") if name in packages), None)
        if engine is not None:
            told = {"name": engine, "version": packages[engine], "openlineageAdapterVersion": self.around.producer}
            facets["processing_engine"] = self._facet("processing_engine", **told)
        if self.run.outcome != OK:
            # The message of an exception may hold data; its class does not.
            facets["errorMessage"] = self._facet("errorMessage", message=self.run.outcome, programmingLanguage="PYTHON")
        if self.run.opaque:
            errors = [{"errorMessage": f"what {each} did cannot be seen"} for each in self.run.opaque]
            count = len(errors)
            facets["extractionError"] = self._facet(
                "extractionError", totalTasks=count, failedTasks=count, errors=errors
            )
        return facets

    def _facet(self, kind: str, **values: Any) -> Json:
        name = _FACETS[kind]
        return {
            "_producer": self._producer,
            "_schemaURL": f"{_SPEC}/facets/{name.partition('/')[0]}/{name.partition('/')[2]}.json#/$defs/"
            f"{name.partition('/')[2]}",
            **values,
        }

    # --- datasets ----------------------------------------------------------------------------------------------------

    def _inputs(self) -> list[Json]:
        frames = [
            {
                **self._frame(state),
                "inputFacets": {"inputStatistics": self._facet("inputStatistics", rowCount=state.rows)},
            }
            for state in self.run.reads
        ]
        return _merged([*frames, *self._external("in", "inputFacets", "inputStatistics")])

    def _outputs(self) -> list[Json]:
        # A change that no cell explains is no work of this one; a variable that was deleted is no dataset any more.
        written = [each.after for each in self.run.writes if each.after is not None and each.seen]
        paths = column_paths(self.run, {state.variable: self._columns(state) for state in self.run.reads})
        frames = []
        for state in written:
            found = self._frame(state)
            lineage = self._column_lineage(state, paths)
            if lineage is not None:
                found["facets"]["columnLineage"] = lineage
            found["outputFacets"] = {"outputStatistics": self._facet("outputStatistics", rowCount=state.rows)}
            frames.append(found)
        return _merged([*frames, *self._external("out", "outputFacets", "outputStatistics")])

    def _frame(self, state: FrameState) -> Json:
        name, facets = self._name(state), dict[str, Any]()
        if state.table is not None:
            facets["version"] = self._facet("version", datasetVersion=state.table.hex())
        schema = self._schema(state)
        if schema:
            fields = [
                {"name": column, "type": kind, "ordinal_position": place}
                for place, (column, kind) in enumerate(schema, start=1)
            ]
            facets["schema"] = self._facet("schema", fields=fields)
        own = self._own_name(state)
        if name != own:  # before it was committed it was known by this one
            identifier = {"namespace": own.namespace, "name": own.name, "type": "TABLE"}
            facets["symlinks"] = self._facet("symlinks", identifiers=[identifier])
        return {"namespace": name.namespace, "name": name.name, "facets": facets}

    def _name(self, state: FrameState) -> DatasetName:
        if state.dataset in self.around.datasets:
            return DatasetName(self.around.namespace, state.dataset)
        return self._own_name(state)

    def _own_name(self, state: FrameState) -> DatasetName:
        return DatasetName(self.around.namespace, f"{self._notebook}/{state.variable}")

    def _schema(self, state: FrameState) -> Schema:
        return () if state.table is None else self.around.schemas.get(state.table, ())

    def _columns(self, state: FrameState) -> tuple[str, ...]:
        return tuple(name for name, _ in self._schema(state))

    def _external(self, direction: str, kind: str, statistics: str) -> list[Json]:
        return [
            {
                "namespace": name.namespace,
                "name": name.name,
                "facets": self._external_facets(each),
                kind: {statistics: self._facet(statistics, size=each.size)} if each.size is not None else {},
            }
            for each in self.run.external
            if each.direction == direction
            for name in external_names(each)
        ]

    def _external_facets(self, external: External) -> Json:
        if external.digest is None:
            return {}
        return {"version": self._facet("version", datasetVersion=f"blake3:{external.digest}")}

    # --- columns -----------------------------------------------------------------------------------------------------

    def _column_lineage(self, state: FrameState, paths: Mapping[str, Paths]) -> Json | None:
        found = paths.get(state.variable) or self._alias(state)
        if found is None or not (found.columns or found.whole):
            return None
        fields = {
            column: {"inputFields": self._fields(sources)}
            for column, sources in sorted(found.columns.items())
            if sources
        }
        return self._facet("columnLineage", fields=fields, dataset=self._fields(found.whole))

    def _alias(self, state: FrameState) -> Paths | None:
        """A frame that is what another variable held: no operation made it."""
        same = (each for each in self.run.reads if each.table is not None and each.table == state.table)
        other = next((each for each in same if each.variable != state.variable), None)
        if other is None:
            return None
        return Paths({name: frozenset({Source(other.variable, name, "same")}) for name in self._columns(other)})

    def _fields(self, sources: Iterable[Source]) -> list[Json]:
        read = {state.variable: self._name(state) for state in self.run.reads}
        by_column: dict[tuple[DatasetName, str], list[Json]] = {}
        for source in sorted(sources):
            name = read[source.variable]
            by_column.setdefault((name, source.column), []).append(_transformation(source))
        return [
            {"namespace": name.namespace, "name": name.name, "field": column, "transformations": steps}
            for (name, column), steps in by_column.items()
        ]


def run_id(text: str) -> str:
    """Id of a run as a UUID: the same for the same text, and itself where it is one.

    Examples
    --------
    >>> run_id("1" * 32), run_id("batch 7")
    ('11111111-1111-1111-1111-111111111111', '4de3e244-e279-5b82-bf2b-f4599473a24a')
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid5(_RUNS, text))


def _transformation(source: Source) -> Json:
    if source.how in _INDIRECT:
        return {"type": "INDIRECT", "subtype": _INDIRECT[source.how], "masking": False}
    subtype = "IDENTITY" if source.how == "same" else "TRANSFORMATION"
    return {"type": "DIRECT", "subtype": subtype, "masking": False}


def _merged(datasets: list[Json]) -> list[Json]:
    """Datasets without repetitions, the last one of each name: what two variables hold may be one dataset."""
    return list({(each["namespace"], each["name"]): each for each in datasets}.values())


def _time(microseconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")
