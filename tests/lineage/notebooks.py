"""Cells run under the recorder, as a notebook would run them."""

from __future__ import annotations

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


@contextmanager
def notebook(**variables: Any) -> Iterator[Notebook]:
    """A notebook whose recorder is installed until the end."""
    made = Notebook()
    made.variables |= variables
    made.recorder.install()
    try:
        yield made
    finally:
        made.recorder.uninstall()


def edges(record: OperationRecord) -> set[str]:
    """Edges as texts: ``df.a -> b value``."""
    return {f"{record.inputs[edge.source]}.{edge.column} -> {edge.target} {edge.influence}" for edge in record.edges}
