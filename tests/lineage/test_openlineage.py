"""Events of OpenLineage: names, facets, and that the format's own classes take them, with nothing left over."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from lineageflow_jupyter.lineage.openlineage import Json, Surroundings, run_events, run_id
from lineageflow_jupyter.lineage.openlineage_names import external_names
from lineageflow_jupyter.model.cells import (
    CellRun,
    ColumnEdge,
    Environment,
    External,
    FrameState,
    FrameWrite,
    OperationRecord,
)
from lineageflow_jupyter.model.ids import ObjectId

FLIGHTS, SPEEDS = ObjectId(b"\1" * 32), ObjectId(b"\2" * 32)
READ = FrameState("flights", "flights", FLIGHTS, FLIGHTS, 3, 2)
MADE = FrameState("speeds", "speeds", SPEEDS, SPEEDS, 2, 1)
RUN = CellRun(
    run="0f" * 16,
    workspace="w",
    notebook="/home/ada/air/nb/speed.ipynb",
    cell="c-7",
    number=7,
    code="speeds = …",
    user="ada",
    started=1_700_000_000_000_000,
    duration=1_500,
    outcome="ok",
    reads=(READ,),
    writes=(FrameWrite(None, MADE),),
    operations=(
        OperationRecord(
            "DataFrame.__getitem__",
            1,
            inputs=("flights", "~1"),
            output="~2",
            edges=(ColumnEdge(0, "*", "*", "value"), ColumnEdge(0, "hours", "*", "filter")),
        ),
        OperationRecord(
            "DataFrame.assign",
            1,
            inputs=("~2",),
            output="speeds",
            added=("speed",),
            edges=(ColumnEdge(0, "km", "speed", "value"), ColumnEdge(0, "hours", "speed", "value")),
        ),
    ),
    session="5e" * 16,
)
AROUND = Surroundings(
    "lineageflow://here/home/ada/air",
    "0.1.0",
    folder="/home/ada/air",
    datasets=frozenset({"flights"}),
    schemas={FLIGHTS: [("km", "float64"), ("hours", "float64")], SPEEDS: [("speed", "float64")]},
    environment=Environment("3.12.1", {"pandas": "3.1.1"}),
)

FACETS: dict[str, Any] = {
    "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "extractionError": facet_v2.extraction_error_run.ExtractionErrorRunFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "parent": facet_v2.parent_run.ParentRunFacet,
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "sourceCode": facet_v2.source_code_job.SourceCodeJobFacet,
    "symlinks": facet_v2.symlinks_dataset.SymlinksDatasetFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
}
NESTED: dict[tuple[str, str], Any] = {
    ("extractionError", "errors"): facet_v2.extraction_error_run.Error,
    ("schema", "fields"): facet_v2.schema_dataset.SchemaDatasetFacetFields,
    ("symlinks", "identifiers"): facet_v2.symlinks_dataset.Identifier,
    ("parent", "run"): facet_v2.parent_run.Run,
    ("parent", "job"): facet_v2.parent_run.Job,
}


def checked(event: Json) -> Json:
    """The event, if the classes that are made from OpenLineage's schemas take it: they refuse names they lack."""
    held = json.loads(json.dumps(event))
    schema = held.pop("schemaURL")
    assert schema.endswith("OpenLineage.json#/$defs/RunEvent")
    state = event_v2.RunState[held.pop("eventType")]
    run, job = held.pop("run"), held.pop("job")
    made = event_v2.RunEvent(
        eventType=state,
        run=event_v2.Run(run["runId"], facets(run.pop("facets"))),
        job=event_v2.Job(**job | {"facets": facets(job.pop("facets"))}),
        inputs=[event_v2.InputDataset(**of_dataset(each)) for each in held.pop("inputs")],
        outputs=[event_v2.OutputDataset(**of_dataset(each)) for each in held.pop("outputs")],
        **held,
    )
    written = json.loads(Serde.to_json(made))
    assert {name: written[name] for name in ("eventTime", "producer", "eventType")} == {
        name: event[name] for name in ("eventTime", "producer", "eventType")
    }
    return event


def of_dataset(dataset: Json) -> Json:
    return {name: facets(value) if name.lower().endswith("facets") else value for name, value in dataset.items()}


def facets(held: Json) -> Json:
    return {name: facet(name, values) for name, values in held.items()}


def facet(name: str, values: Json) -> Any:
    producer, schema = values.pop("_producer"), values.pop("_schemaURL")
    assert producer.startswith("https://")
    if name == "columnLineage":
        lineage = facet_v2.column_lineage_dataset
        values = {
            "fields": {
                column: lineage.Fields(
                    inputFields=[input_field(each) for each in sources.pop("inputFields")], **sources
                )
                for column, sources in values["fields"].items()
            },
            "dataset": [input_field(each) for each in values["dataset"]],
        }
    for key, value in list(values.items()):
        kind = NESTED.get((name, key))
        if kind is not None:
            values[key] = [kind(**each) for each in value] if isinstance(value, list) else kind(**value)
    made = FACETS[name](**values, producer=producer)
    # The document and what in it is meant; its version may be a later one.
    assert schema.rpartition("/")[2] == made._schemaURL.rpartition("/")[2]
    assert schema.partition("#")[0].rpartition("/")[2] == made._schemaURL.partition("#")[0].rpartition("/")[2]
    return made


def input_field(values: Json) -> Any:
    lineage = facet_v2.column_lineage_dataset
    steps = [lineage.Transformation(**each) for each in values.pop("transformations")]
    return lineage.InputField(**values, transformations=steps)


def ended(run: CellRun = RUN, around: Surroundings = AROUND) -> Json:
    begun, last = map(checked, run_events(run, around))
    assert (begun["eventType"], begun["inputs"], begun["outputs"]) == ("START", [], [])
    assert begun["run"]["runId"] == last["run"]["runId"] == run_id(run.run)
    assert begun["job"] == last["job"]
    return last


def test_a_run() -> None:
    event = ended()
    assert event["eventType"] == "COMPLETE"
    assert event["eventTime"] == "2023-11-14T22:13:20.001500+00:00"
    assert event["run"]["runId"] == "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"
    assert (event["job"]["namespace"], event["job"]["name"]) == (
        "lineageflow://here/home/ada/air",
        "nb/speed.ipynb/c-7",
    )
    parent = event["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == "5e5e5e5e-5e5e-5e5e-5e5e-5e5e5e5e5e5e"
    assert parent["job"]["name"] == "nb/speed.ipynb"
    engine = event["run"]["facets"]["processing_engine"]
    assert (engine["name"], engine["version"]) == ("pandas", "3.1.1")
    assert set(event["run"]["facets"]) == {"parent", "processing_engine"}


def test_frames_are_datasets_with_version_schema_and_rows() -> None:
    event = ended()
    (read,), (made,) = event["inputs"], event["outputs"]
    assert (read["namespace"], read["name"]) == ("lineageflow://here/home/ada/air", "flights")
    assert read["facets"]["version"]["datasetVersion"] == FLIGHTS.hex()
    assert [(each["name"], each["type"], each["ordinal_position"]) for each in read["facets"]["schema"]["fields"]] == [
        ("km", "float64", 1),
        ("hours", "float64", 2),
    ]
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 3
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 2


def test_what_is_not_committed_goes_by_its_notebook() -> None:
    """A `df` here is not the `df` there; once it is committed it is known under its old name too."""
    event = ended()
    assert event["outputs"][0]["name"] == "nb/speed.ipynb/speeds"
    assert "symlinks" not in event["outputs"][0]["facets"]
    (link,) = event["inputs"][0]["facets"]["symlinks"]["identifiers"]
    assert (link["namespace"], link["name"]) == ("lineageflow://here/home/ada/air", "nb/speed.ipynb/flights")
    elsewhere = ended(replace(RUN, notebook="/home/bob/x.ipynb"))
    assert elsewhere["outputs"][0]["name"] == "/home/bob/x.ipynb/speeds"


def test_columns() -> None:
    lineage = ended()["outputs"][0]["facets"]["columnLineage"]
    speed = {each["field"]: each for each in lineage["fields"]["speed"]["inputFields"]}
    assert set(speed) == {"km", "hours"}
    assert speed["km"]["name"] == "flights"
    assert [(each["type"], each["subtype"]) for each in speed["km"]["transformations"]] == [
        ("DIRECT", "TRANSFORMATION")
    ]
    (acted,) = lineage["dataset"]
    assert (acted["field"], acted["transformations"][0]["type"], acted["transformations"][0]["subtype"]) == (
        "hours",
        "INDIRECT",
        "FILTER",
    )


def test_another_name_for_a_frame() -> None:
    same = replace(READ, variable="alias", dataset="alias")
    event = ended(replace(RUN, writes=(FrameWrite(None, same),), operations=()))
    lineage = event["outputs"][0]["facets"]["columnLineage"]
    assert {name: each["inputFields"][0]["field"] for name, each in lineage["fields"].items()} == {
        "km": "km",
        "hours": "hours",
    }
    assert lineage["fields"]["km"]["inputFields"][0]["transformations"][0]["subtype"] == "IDENTITY"


def test_a_failure_says_what_was_raised_and_nothing_of_its_message() -> None:
    event = ended(replace(RUN, outcome="KeyError", opaque=("exec, line 3",)))
    assert event["eventType"] == "FAIL"
    error = event["run"]["facets"]["errorMessage"]
    assert (error["message"], error["programmingLanguage"]) == ("KeyError", "PYTHON")
    assert "stackTrace" not in error
    hidden = event["run"]["facets"]["extractionError"]
    assert (hidden["failedTasks"], hidden["errors"][0]["errorMessage"]) == (
        1,
        "what exec, line 3 did cannot be seen",
    )


def test_code_only_where_it_is_wanted() -> None:
    assert "speeds = …" not in json.dumps(run_events(RUN, AROUND), ensure_ascii=False)
    told = ended(around=replace(AROUND, code=True))["job"]["facets"]["sourceCode"]
    assert (told["language"], told["sourceCode"]) == ("python", "speeds = …")
    assert "sourceCode" not in ended(replace(RUN, code=None), replace(AROUND, code=True))["job"]["facets"]


def test_what_is_outside() -> None:
    found = (
        External("in", "csv", "/data/flights.csv", 123, "ab" * 32),
        External("in", "csv", "/data/flights.csv", 123, "ab" * 32),
        External("out", "parquet", "gs://bucket/out/speeds.parquet"),
    )
    event = ended(replace(RUN, external=found))
    (file,) = [each for each in event["inputs"] if each["namespace"] == "file"]
    assert file["name"] == "/data/flights.csv"
    assert file["facets"]["version"]["datasetVersion"] == f"blake3:{'ab' * 32}"
    assert file["inputFacets"]["inputStatistics"]["size"] == 123
    assert [(each["namespace"], each["name"]) for each in event["outputs"]][1:] == [
        ("gs://bucket", "out/speeds.parquet")
    ]


def test_runs_without_data_say_nothing() -> None:
    assert run_events(replace(RUN, reads=(), writes=(), operations=()), AROUND) == ()
    unseen = replace(RUN, reads=(), writes=(FrameWrite(None, MADE, seen=False),))
    gone = replace(RUN, reads=(), writes=(FrameWrite(READ, None),))
    assert run_events(unseen, AROUND) == run_events(gone, AROUND) == ()


def test_what_is_not_known_is_left_out() -> None:
    """Frames without ids, no session, no cell id, no environment: still events that hold."""
    bare = FrameState("big", "big", None, None, 9, 1, note="too large")
    run = replace(RUN, cell="", session="", reads=(), operations=(), writes=(FrameWrite(None, bare),))
    event = ended(run, replace(AROUND, environment=None))
    assert event["job"]["name"] == "nb/speed.ipynb/In[7]"
    assert event["outputs"][0]["facets"] == {}
    assert event["run"]["facets"] == {}


@pytest.mark.parametrize(
    ("kind", "location", "expected"),
    [
        ("csv", "/data/a b.csv", [("file", "/data/a b.csv")]),
        ("csv", r"C:\data\a.csv", [("file", r"C:\data\a.csv")]),
        ("csv", "file://nas/share/a.csv", [("file://nas", "/share/a.csv")]),
        ("parquet", "s3a://bucket/k/e.y", [("s3://bucket", "k/e.y")]),
        ("parquet", "gcs://bucket/a", [("gs://bucket", "a")]),
        ("parquet", "hdfs://namenode:8020/a", [("hdfs://namenode:8020", "a")]),
        ("json", "https://***@example.org:8443/a.json?token=***", [("https://example.org:8443", "a.json")]),
        ("csv", "https://[bad/a.csv", [("file", "https://[bad/a.csv")]),
        ("clipboard", "clipboard", []),
        ("sql", "postgresql+psycopg://***@db.example.org:6543/air SELECT 1", []),
        ("sql", "postgresql://***@db/air flights", [("postgres://db:5432", "air.public.flights")]),
        ("sql", "postgresql://db/air raw.flights", [("postgres://db:5432", "air.raw.flights")]),
        (
            "sql",
            "postgresql://db/air WITH late AS (SELECT * FROM raw.flights WHERE x = ' from nowhere ') "
            'SELECT * FROM late JOIN "weather" w ON true -- from comments',
            [("postgres://db:5432", "air.raw.flights"), ("postgres://db:5432", "air.public.weather")],
        ),
        ("sql", "mysql+pymysql://db:3307/air SELECT * FROM `flights`", [("mysql://db:3307", "air.flights")]),
        ("sql", "sqlite:////data/air.db SELECT * FROM flights", [("sqlite", "/data/air.db/flights")]),
        ("sql", "sqlite3 SELECT * FROM flights", [("sqlite3", "flights")]),
        ("sql", "postgresql://[::1]/air flights", [("postgres://[::1]:5432", "air.public.flights")]),
        ("sql", "postgresql://db:port/air flights", [("postgres://db", "air.public.flights")]),
        ("sql", "", []),
    ],
)
def test_names_of_what_is_outside(kind: str, location: str, expected: list[tuple[str, str]]) -> None:
    assert [tuple(each) for each in external_names(External("in", kind, location))] == expected


def test_the_classes_would_refuse_what_is_wrong() -> None:
    """That `checked` can fail."""
    event = run_events(RUN, AROUND)[1]
    event["outputs"][0]["facets"]["version"]["version"] = "x"
    with pytest.raises(TypeError, match="version"):
        checked(event)
    event = run_events(RUN, AROUND)[1]
    event["run"]["runId"] = "no uuid"
    with pytest.raises(ValueError, match="UUID"):
        checked(event)
