"""Models and metrics of libraries that are not watched: the notebook says what it fitted, and how good it is."""

from __future__ import annotations

import difflib
import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineageflow_jupyter.errors import OutsideCell, UnknownName, UsageProblem
from lineageflow_jupyter.lineage.operations_drafts import Note, drafted, where
from lineageflow_jupyter.lineage.operations_hooks import CURRENT
from lineageflow_jupyter.lineage.operations_origins import NONE, UNKNOWN, Origin, Sources
from lineageflow_jupyter.lineage.operations_parameters import listed_parameters, parameters_of
from lineageflow_jupyter.lineage.operations_run import Run
from lineageflow_jupyter.lineage.operations_text import cut
from lineageflow_jupyter.lineage.redaction import redacted

_LONGEST = 200
"""Characters of a name."""


@dataclass(slots=True)
class _Logged:
    name: str
    family: str = "logged"


def log_model(
    model: Any,
    name: str | None = None,
    *,
    inputs: Any = None,
    features: str | Iterable[str] | None = None,
    target: Any = None,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Tell what a model was fitted with, where that is not seen by itself.

    Estimators that follow scikit-learn's base class need it not: their ``fit`` is seen.

    Parameters
    ----------
    model : object
        The model, fitted.
    name : str, optional
        How to call it; without, it is called as the variable that holds it.
    inputs : frame, Series, array, or list or dict of them, optional
        What it was fitted with. Their columns are traced back as those of any other step.
    features : str or list of str, optional
        Columns of `inputs` that it learned from; without, all but the target.
    target : str, Series or array, optional
        What it learned to tell: a column of `inputs`, or the values themselves.
    parameters : mapping of str to object, optional
        Its parameters; without, those that its ``get_params`` tells, if it has one.

    Raises
    ------
    OutsideCell
        If no cell is being tracked.
    UnknownName
        If no input has a column of that name.
    UsageProblem
        If an argument is of another kind.

    Examples
    --------
    >>> import pandas as pd
    >>> from lineageflow_jupyter.lineage.operations import Recorder
    >>> class Tree: ...
    >>> train = pd.DataFrame({"a": [1, 2], "y": [3, 4]})
    >>> with Recorder().recording(__file__) as found:  # in a notebook each cell is
    ...     log_model(Tree(), "tree", inputs=train, target="y", parameters={"depth": 3})
    >>> (record,) = found.operations
    >>> record.model, record.parameters, [(edge.column, edge.target) for edge in record.edges]
    ('tree', 'Tree(depth=3)', [('a', 'X'), ('y', 'y')])
    """
    run = _running("log_model")
    if model is None or isinstance(model, (str, bytes, int, float)):
        raise UsageProblem(
            f"model: expected a fitted model, found {type(model).__name__}",
            remedy="Pass the object itself; name= says how it is called",
        )
    called = None if name is None else _name("name", name)
    if parameters is not None and not isinstance(parameters, Mapping):
        raise UsageProblem(f"parameters: expected a mapping of names to values, found {type(parameters).__name__}")
    text = parameters_of(model) if parameters is None else listed_parameters({str(k): v for k, v in parameters.items()})
    was, run.busy = run.busy, True  # what we ask of pandas is nobody's operation
    try:
        things = _things(inputs)
        origin = _fed(run, things, _columns(features), target)
        number = _number(run, model, called)
        line, key = where(run, 1)
        note = Note(run, _Logged("log_model"), (), {}, things[0] if things else None, None, ())
        draft = drafted("log_model", note, None, origin, line, parameters=f"{type(model).__name__}({text})")
        draft.output = draft.model = number
        run.keep((*key, "log_model"), draft)
    finally:
        run.busy = was


def log_metric(name: str, value: float, *, model: Any = None) -> None:
    """Tell how good a model is, or any other number that is worth to be kept with the data.

    The metrics of `sklearn.metrics` need it not: they are seen by themselves.

    Parameters
    ----------
    name : str
        Name of the metric.
    value : float
        A finite number; of several in a loop the last is kept.
    model : object or str, optional
        The model that it judges, or the name that `log_model` gave it.

    Raises
    ------
    OutsideCell
        If no cell is being tracked.
    UsageProblem
        If the name is empty, or the value no finite number.

    Examples
    --------
    >>> from lineageflow_jupyter.lineage.operations import Recorder
    >>> with Recorder().recording(__file__) as found:  # in a notebook each cell is
    ...     log_metric("rmse", 0.25, model="tree")
    >>> [(record.model, record.metric, record.value) for record in found.operations]
    [('tree', 'rmse', 0.25)]
    """
    run = _running("log_metric")
    metric, number = _name("name", name), _value(value)
    judged = None if model is None else _number(run, model, _name("model", model) if isinstance(model, str) else None)
    line, key = where(run, 1)
    note = Note(run, _Logged("log_metric"), (), {}, None, None, ())
    draft = drafted("log_metric", note, None, Origin(), line, parameters="")
    draft.metric, draft.value, draft.model = metric, number, judged
    run.keep((*key, "log_metric", metric), draft)


def _running(verb: str) -> Run:
    """The recording of the cell that runs."""
    run: Run | None = CURRENT.get()
    if run is None or run.thread == -1:
        raise OutsideCell(
            f"{verb}: no cell is being tracked here",
            remedy="Call it in a notebook's cell, after %load_ext lineageflow_jupyter and %lf init",
        )
    if run.thread != threading.get_ident():
        raise OutsideCell(
            f"{verb}: called in another thread than the cell's",
            remedy="Give what is to be logged back to the cell, and log it there",
        )
    return run


def _name(what: str, name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        found = cut(repr(name), _LONGEST) if isinstance(name, (str, int, float)) else type(name).__name__
        raise UsageProblem(f"{what}: expected a name in one line, found {found}")
    return cut(redacted(name.strip()), _LONGEST)


def _value(value: Any) -> float:
    remedy = "Log one finite number"
    kind = type(value).__name__
    # Numbers of NumPy and of tensors say how many dimensions they have: none.
    if kind in ("bool", "bool_") or isinstance(value, (str, bytes)) or getattr(value, "shape", ()) != ():
        raise UsageProblem(f"value: expected a number, found {kind}", remedy=remedy)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageProblem(f"value: expected a number, found {kind}", remedy=remedy) from None
    if not math.isfinite(number):
        raise UsageProblem(f"value: expected a finite number, found {number}", remedy=remedy)
    return number


def _number(run: Run, model: Any, name: str | None) -> int:
    """Number of a model, called so from now on if it has been given a name."""
    if name is None:
        return run.model(model)
    if isinstance(model, str) or type(model).__weakrefoffset__ == 0:
        return run.called(name)
    run.memory.names.put(model, name)
    return run.model(model)


def _columns(features: Any) -> list[str] | None:
    if features is None:
        return None
    found: list[Any] = [features] if isinstance(features, str) else [None]
    if not isinstance(features, str) and isinstance(features, Iterable):
        found = list(features)
    if not all(isinstance(one, str) for one in found):
        raise UsageProblem("features: expected names of columns", remedy="Pass a list such as ['a', 'b']")
    return found


def _things(inputs: Any) -> list[Any]:
    if inputs is None:
        return []
    if isinstance(inputs, Mapping):
        return list(inputs.values())
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def _fed(run: Run, things: list[Any], features: list[str] | None, target: Any) -> Origin:
    """Which columns a model learned from, and which it learned to tell."""
    origins = [_origin(run, thing, "inputs") for thing in things]
    columns: dict[str, Sources] = {}
    for origin in origins:
        for column, sources in origin.columns.items():
            columns[column] = columns.get(column, NONE) | sources
    if not things and (features is not None or isinstance(target, str)):
        raise UsageProblem("features and target name columns of inputs, and there are none", remedy="Pass inputs=")
    hidden = not things or any(origin.opaque for origin in origins)
    extra = NONE.union(*(origin.extra for origin in origins))
    fed: dict[str, Sources] = {}
    if isinstance(target, str):
        fed["y"] = _named(columns, target, "target", hidden=hidden)
    elif target is not None:
        found = _origin(run, target, "target")
        fed["y"], extra, hidden = found.all, extra | found.extra, hidden or found.opaque
    if features is None:
        features = [column for column in columns if column != target] if isinstance(target, str) else list(columns)
    learned = NONE.union(*(_named(columns, one, "features", hidden=hidden) for one in features))
    return Origin({"X": learned, **fed}, extra, hidden)


def _named(columns: Mapping[str, Sources], name: str, what: str, *, hidden: bool) -> Sources:
    found = columns.get(name)
    if found is None and not hidden:
        near = difflib.get_close_matches(name, columns, n=3)
        remedy = (
            f"Did you mean {' or '.join(map(repr, near))}?" if near else f"They have {cut(', '.join(columns), 200)}"
        )
        raise UnknownName(f"{what}: no input has a column {name!r}", remedy=remedy)
    return found or NONE


def _origin(run: Run, thing: Any, what: str) -> Origin:
    found = run.origin(thing)
    if found is not None:
        return found
    columns = getattr(thing, "columns", None)
    if type(thing).__module__.partition(".")[0] == "polars" and isinstance(columns, list):
        number = run.number(thing, used=True)
        return Origin({name: frozenset({(number, name, "value")}) for name in columns})
    if thing is None or isinstance(thing, (str, bytes, int, float)) or not hasattr(thing, "__len__"):
        kind = "frames, Series or arrays" if what == "inputs" else "a name, a Series or an array"
        raise UsageProblem(f"{what}: expected {kind}, found {type(thing).__name__}")
    return UNKNOWN
