"""Cells run under the recorder, as a notebook would run them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from lineageflow_jupyter.lineage.operations import Recorder, Recording
from lineageflow_jupyter.model.cells import OperationRecord

CELL = "<cell>"


class Notebook:
    """Variables, and a recorder that watches the cells that work on them."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.variables: dict[str, Any] = {"pd": pd, "np": np}

    def name(self, key: int) -> str:
        return next((name for name, thing in self.variables.items() if id(thing) == key), "")

    def run(self, code: str) -> Recording:
        with self.recorder.recording(CELL, name=self.name) as found:
            exec(compile(code, CELL, "exec"), self.variables)
        return found


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


@contextmanager
def notebook(*, fails: bool = False, **variables: Any) -> Iterator[Notebook]:
    """A notebook whose recorder is installed until the end; failures of ours, which nobody sees, fail the test."""
    made, complaints, log = Notebook(), _Complaints(), logging.getLogger("lineageflow_jupyter")
    made.variables |= variables
    level = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(complaints)
    try:
        made.recorder.install()
        yield made
    finally:
        made.recorder.uninstall()
        log.removeHandler(complaints)
        log.setLevel(level)
    assert fails or not complaints.found, complaints.found


def edges(record: OperationRecord) -> set[str]:
    """Edges as texts: ``df.a -> b value``."""
    return {f"{record.inputs[edge.source]}.{edge.column} -> {edge.target} {edge.influence}" for edge in record.edges}
