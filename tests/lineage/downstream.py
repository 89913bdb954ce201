"""What hangs on a column by what was recorded, and what a notebook's columns hold: to be held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.lineage.holding import held_frames
from lineageflow_jupyter.model.cells import CellRun
from tests.lineage.folding import EVERY, folded

Columns = dict[str, list[str]]
Node = tuple[str, str]
"""A frame and one of its columns."""
Values = dict[Node, tuple[Any, ...]]

OTHER: Mapping[Node, str] = {
    ("df", "k"): "df['k'] = ['y', 'y', 'z', 'x']",
    ("df", "a"): "df['a'] = [7.5, 2.25, None, 1.5]",
    ("df", "b"): "df['b'] = [3, 8, 5, 7]",
    ("right", "k"): "right['k'] = ['z', 'x', 'w']",
    ("right", "z"): "right['z'] = [11, 70, 31]",
}
"""Other values: they cross the limits that the notebooks choose rows by, and come in another order."""


def downstream(start: Node, runs: list[tuple[CellRun, Columns, Columns]]) -> set[Node]:
    """Columns that hang on one, after the last of the cells."""
    fed = {start}
    for run, before, after in runs:
        fed = _after(fed, run, before, after)
    return fed


def _after(fed: set[Node], run: CellRun, before: Columns, after: Columns) -> set[Node]:
    flows = folded(run.operations, before)
    seen = {name for name, _ in fed} & {state.variable for state in run.reads}
    written = {write.after.variable for write in run.writes if write.after is not None}
    found = set()
    for name, labels in after.items():
        flow = flows.get(name)
        unseen = bool(seen) and (
            bool(run.opaque) or (flow is None and name in written) or (flow is not None and flow.opaque)
        )
        for label in labels:
            if flow is not None and not unseen:
                sources = {each[:2] for each in flow.columns.get(label, flow.columns.get(EVERY, ()))}
                # What a call gave that had a name for a while only: its cell says what it read.
                gone = any(frame not in before for frame, _ in sources)
                if sources & fed or (gone and seen):
                    found.add((name, label))
            elif unseen or (flow is None and (name, label) in fed):
                found.add((name, label))
    return found


def values(variables: Mapping[str, Any]) -> Values:
    """What the columns of all frames hold; the labels of rows are no column."""
    found: Values = {}
    for name, value in variables.items():
        if not name.startswith("_"):
            for called, frame in held_frames(name, value, is_frame):
                for label, column in _columns(frame):
                    found[called, label] = tuple("missing" if one is None or one != one else one for one in column)
    return found


def _columns(frame: Any) -> Iterator[tuple[str, list[Any]]]:
    if not hasattr(frame, "columns"):
        yield ("" if frame.name is None else str(frame.name)), frame.to_numpy(object, na_value=None).tolist()
    elif isinstance(frame, pd.DataFrame):
        for place, label in enumerate(frame.columns):
            yield str(label), frame.iloc[:, place].to_numpy(object, na_value=None).tolist()
    else:
        for label in frame.columns:
            yield label, frame[label].to_list()
