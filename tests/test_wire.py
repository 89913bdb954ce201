"""JSON-ready forms of model values: complete, stable, and what `json.dumps` takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineageflow_jupyter import wire
from lineageflow_jupyter.errors import LineageFlowError, RefMoved
from lineageflow_jupyter.model.ids import ObjectId
from lineageflow_jupyter.model.objects import Author, Commit
from lineageflow_jupyter.model.records import Annotation, CommitRecord, Ref, WorkspaceName, WorkspaceRecord
from lineageflow_jupyter.model.reports import (
    BranchReport,
    CacheReport,
    ColumnSchema,
    CommitChanges,
    CommitReport,
    DatasetChange,
    DatasetSchema,
    DatasetStatus,
    ExportReport,
    StatusReport,
    TableShape,
)

ID, OTHER = ObjectId(bytes(range(32))), ObjectId(b"\xff" * 32)
ADA = Author("Ada ünï", "ada@example.org")
NOON = 1_793_534_400_000_000  # 2026-11-01 12:00 UTC
RECORD = CommitRecord(ID, Commit(OTHER, (OTHER,), ADA, NOON, 60, "raw\nwhy"), 7, ("flights", "t"))
SHAPE = TableShape(3, 2)
TAG = Ref("v1", "tag", ID, Annotation(ADA, NOON, -90, "as printed"))
CHANGE = DatasetChange("t", "changed", SHAPE, TableShape(4, 2), ("a",), ("b",), ("c", "c"), cells={"c": 5})
ADDED = DatasetChange("n", "added", None, SHAPE)


def test_commit() -> None:
    assert wire.commit(RECORD) == {
        "id": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "parents": ["ff" * 32],
        "author": {"name": "Ada ünï", "email": "ada@example.org"},
        "time": "2026-11-01T12:00:00.000000Z",
        "time_us": NOON,
        "utc_offset_minutes": 60,
        "message": "raw\nwhy",
        "datasets": ["flights", "t"],
        "generation": 7,
    }


def test_refs() -> None:
    assert wire.ref(Ref("main", "branch", None)) == {
        "name": "main",
        "kind": "branch",
        "commit": None,
        "annotation": None,
    }
    assert wire.ref(TAG)["annotation"] == {
        "author": {"name": "Ada ünï", "email": "ada@example.org"},
        "time": "2026-11-01T12:00:00.000000Z",
        "time_us": NOON,
        "utc_offset_minutes": -90,
        "message": "as printed",
    }
    assert wire.branch(BranchReport(Ref("fix", "branch", ID), 2, 1)) == {
        "name": "fix",
        "kind": "branch",
        "commit": ID.hex(),
        "annotation": None,
        "ahead": 2,
        "behind": 1,
    }


def test_changes() -> None:
    assert wire.change(CHANGE) == {
        "dataset": "t",
        "state": "changed",
        "before": {"rows": 3, "columns": 2},
        "after": {"rows": 4, "columns": 2},
        "columns_added": ["a"],
        "columns_dropped": ["b"],
        "columns_changed": ["c", "c"],
        "described": False,
        "cells": {"c": 5},
        "rows": None,
    }
    added = wire.change(ADDED)
    assert (added["before"], added["after"], added["cells"]) == (None, {"rows": 3, "columns": 2}, None)
    assert wire.changes(CommitChanges(RECORD, (ADDED,))) == {"commit": wire.commit(RECORD), "changes": [added]}


def test_status() -> None:
    datasets = (DatasetStatus("t", "changed", CHANGE, behind=True), DatasetStatus("u", "unsupported", problem="why"))
    document = wire.status(StatusReport("main", None, datasets, "branch 'main' was deleted"))
    assert document == {
        "branch": "main",
        "tip": None,
        "gone": "branch 'main' was deleted",
        "datasets": [
            {"dataset": "t", "state": "changed", "change": wire.change(CHANGE), "behind": True, "problem": ""},
            {"dataset": "u", "state": "unsupported", "change": None, "behind": False, "problem": "why"},
        ],
    }
    assert wire.status(StatusReport("main", RECORD, ()))["tip"] == wire.commit(RECORD)


def test_schema() -> None:
    schema = DatasetSchema("t", SHAPE, (ColumnSchema("id", "index", "int64"),), ("id",), "polars")
    assert wire.schema(schema) == {
        "dataset": "t",
        "shape": {"rows": 3, "columns": 2},
        "columns": [{"name": "id", "role": "index", "type": "int64"}],
        "key": ["id"],
        "library": "polars",
    }


def test_what_verbs_did() -> None:
    assert wire.committed(CommitReport(RECORD, True, "main", 12, {"t": SHAPE})) == {
        "commit": wire.commit(RECORD),
        "created": True,
        "branch": "main",
        "new_bytes": 12,
        "tables": [{"dataset": "t", "shape": {"rows": 3, "columns": 2}}],
    }
    assert wire.exported(ExportReport("t.csv", 9, "t", SHAPE, RECORD)) == {
        "path": "t.csv",
        "bytes": 9,
        "dataset": "t",
        "shape": {"rows": 3, "columns": 2},
        "commit": wire.commit(RECORD),
    }
    assert wire.verified(5) == {"damaged": False, "objects": 5}


def test_workspaces_and_cache() -> None:
    name = WorkspaceName("ada", "box", "a.ipynb")
    assert wire.workspace(WorkspaceRecord("1f", name, "main", "[1, 2]", None)) == {
        "id": "1f",
        "user": "ada",
        "host": "box",
        "path": "a.ipynb",
        "branch": "main",
        "opened": None,
        "opened_us": None,
    }
    assert wire.workspace(WorkspaceRecord("1f", name, "main", "", NOON))["opened"] == "2026-11-01T12:00:00.000000Z"
    assert wire.cache(CacheReport("/c", 1, 2, 3, 4, 5, 6)) == {
        "location": "/c",
        "files": 1,
        "bytes": 2,
        "limit": 3,
        "hits": 4,
        "misses": 5,
        "waiting": 6,
    }


@pytest.mark.parametrize("error", [RefMoved("moved", remedy="look"), LineageFlowError("what")])
def test_errors(error: LineageFlowError) -> None:
    assert wire.error(error) == {"code": error.code, "problem": error.problem, "remedy": error.remedy}


@pytest.mark.parametrize(
    "write",
    [
        lambda: wire.commit(RECORD),
        lambda: wire.ref(TAG),
        lambda: wire.changes(CommitChanges(RECORD, (CHANGE, ADDED))),
        lambda: wire.committed(CommitReport(RECORD, False, "main", 0, {"t": SHAPE})),
        lambda: wire.status(StatusReport("main", RECORD, (DatasetStatus("t", "new", ADDED),))),
    ],
)
def test_json_takes_it_and_gives_it_back(write: Callable[[], Any]) -> None:
    assert json.loads(json.dumps(write())) == write()


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_moment_that_can_be_stored_has_a_form(time: int) -> None:
    from datetime import UTC, datetime, timedelta

    document = wire.moment(time)
    assert document["time_us"] == time
    if document["time"] is not None:
        back = datetime.fromisoformat(document["time"])
        assert (back - datetime(1970, 1, 1, tzinfo=UTC)) == timedelta(microseconds=time)
    else:
        with pytest.raises(OverflowError):
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
