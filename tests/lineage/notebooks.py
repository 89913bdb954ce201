"""Notebooks that are run cell by cell, with a record of which frames each run read and wrote."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lineageflow_jupyter.lineage.analysis import analyse, reachable
from lineageflow_jupyter.lineage.names import FunctionNames
from lineageflow_jupyter.lineage.operations import Recorder
from lineageflow_jupyter.model.cells import OK, CellRun, External, FrameState, FrameWrite
from lineageflow_jupyter.model.ids import Kind, ObjectId, object_id


def table_id(frame: pd.DataFrame) -> ObjectId:
    return object_id(Kind.TABLE, [frame.to_json(orient="split").encode()])


@dataclass
class Notebook:
    """A kernel: runs cells, and records what a tracker that looks at every frame would record."""

    path: str = "a.ipynb"
    session: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    runs: list[CellRun] = field(default_factory=list)
    functions: dict[str, FunctionNames] = field(default_factory=dict)
    number: int = 0
    recorder: Recorder | None = None
    columns: dict[ObjectId, dict[str, ObjectId]] = field(default_factory=dict)

    def called(self, key: int) -> str:
        return next((name for name, value in self.names.items() if id(value) == key), "")

    def frames(self) -> dict[str, FrameState]:
        found = {}
        for name, value in self.names.items():
            parts = {name: value}
            if isinstance(value, dict) and not name.startswith("_"):
                parts |= {f"{name}[{key!r}]": part for key, part in value.items()}
            for variable, part in parts.items():
                if isinstance(part, pd.DataFrame):
                    nulls = int(part.isna().sum().sum())
                    self.columns[table_id(part)] = {str(name): table_id(part[[name]]) for name in part.columns}
                    found[variable] = FrameState(variable, variable, table_id(part), None, *part.shape, nulls)
        return found

    def run(self, code: str, *, external: Sequence[External] = (), capture: bool = True, track: bool = True) -> CellRun:
        self.number += 1
        before, outcome, names = self.frames(), OK, analyse(code)
        mentioned = reachable(names, self.functions)
        recording: Any = nullcontext()
        if self.recorder is not None:
            recording = self.recorder.recording("cell", name=self.called)
        with recording:
            try:
                exec(compile(ast.parse(code), "cell", "exec"), self.names)
            except Exception as error:
                outcome = type(error).__name__
        after = self.frames()
        self.functions.update(names.functions)
        run = CellRun(
            run=f"{self.session}{self.number:032}",
            workspace="w",
            notebook=self.path,
            cell="",
            number=self.number,
            code=code if capture else None,
            user="ada",
            started=self.number,
            duration=1,
            outcome=outcome,
            reads=tuple(state for name, state in before.items() if name.partition("[")[0] in mentioned),
            writes=tuple(
                FrameWrite(before.get(name), after.get(name))
                for name in dict.fromkeys([*before, *after])
                if before.get(name) != after.get(name)
            ),
            external=tuple(external),
            operations=getattr(recording, "operations", ()),
            session=self.session,
        )
        if track:
            self.runs.append(run)
        return run

    def run_all(self, cells: Sequence[str]) -> None:
        for code in cells:
            self.run(code)
